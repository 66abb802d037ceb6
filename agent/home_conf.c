#include "agent/home_internal.h"

#include "agent/resolve.h"
#include "common/cli.h"
#include "common/conf.h"
#include "common/folder.h"
#include "protocol/bundle.h"

#include <stdio.h>
#include <string.h>

struct conf_file {
    struct agent_conf conf;
    const char *window, *days, *holidays, *time_zone, *proxy, *address;
};

#define AT(member)   offsetof(struct conf_file, conf.member)
#define TEXT(member) offsetof(struct conf_file, member)
static const struct yaml_key conf_table[] = {
    {"sync.window", YAML_WANT_TEXT, false, TEXT(window), 0, 0, NULL},
    {"sync.days", YAML_WANT_TEXT, false, TEXT(days), 0, 0, NULL},
    {"sync.holidays", YAML_WANT_TEXT, false, TEXT(holidays), 0, 0, NULL},
    {"sync.time_zone", YAML_WANT_TEXT, false, TEXT(time_zone), 0, 0, NULL},
    {"sync.max_bytes_per_night", YAML_WANT_SIZE, false, AT(max_night), 0, INT64_C(1) << 40, NULL},
    {"sync.proxy", YAML_WANT_TEXT, false, TEXT(proxy), 0, 0, NULL},
    {"sync.address", YAML_WANT_TEXT, false, TEXT(address), 0, 0, NULL},
    {"sync.max_rate", YAML_WANT_SIZE, false, AT(max_rate), 0, INT64_C(1) << 40, NULL},
    {"sync.chunk", YAML_WANT_SIZE, false, AT(chunk), 512, CHUNK_MAX, NULL},
    {"sync.connect", YAML_WANT_DURATION, false, AT(connect_ms), 100, 3600000, NULL},
    {"sync.handshake", YAML_WANT_DURATION, false, AT(handshake_ms), 100, 3600000, NULL},
    {"sync.progress", YAML_WANT_DURATION, false, AT(progress_ms), 100, 3600000, NULL},
    {"sync.retry_first", YAML_WANT_DURATION, false, AT(retry_first_ms), 100, 3600000, NULL},
    {"sync.retry_cap", YAML_WANT_DURATION, false, AT(retry_cap_ms), 100, 86400000, NULL},
    {"batch.max_sealed", YAML_WANT_SIZE, false, AT(batch_sealed), 8192, BATCH_MAX_SEALED, NULL},
    {"batch.max_plain", YAML_WANT_SIZE, false, AT(batch_plain), 65536 + 4096, BATCH_MAX_PLAIN, NULL},
    {"batch.max_records", YAML_WANT_INTEGER, false, AT(batch_records), 1, BATCH_MAX_RECORDS, NULL},
    {"keys.credentials", YAML_WANT_BOOLEAN, false, AT(keys_credentials), 0, 0, NULL},
    {"store.map_size", YAML_WANT_SIZE, false, AT(map_size), 1 << 20, INT64_C(1) << 40, NULL},
    {"store.disk_reserve", YAML_WANT_SIZE, false, AT(disk_reserve), 0, INT64_C(1) << 40, NULL},
    {"store.keep_days", YAML_WANT_INTEGER, false, AT(keep_days), 30, 36500, NULL},
    {"bundle.max_size", YAML_WANT_SIZE, false, AT(bundle_max), BUNDLE_LEAST_MAX, BUNDLE_MOST_MAX, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

/* "01:00-05:00" to minutes of the day. */
static enum err read_window(struct agent_conf *c, const char *text)
{
    unsigned from_h = 0;
    unsigned from_m = 0;
    unsigned to_h = 0;
    unsigned to_m = 0;
    int used = 0;

    /* NOLINTNEXTLINE(cert-err34-c): ranges are checked below */
    if (sscanf(text, "%2u:%2u-%2u:%2u%n", &from_h, &from_m, &to_h, &to_m, &used) != 4 || text[used] != '\0' ||
        from_h > 23 || to_h > 23 || from_m > 59 || to_m > 59)
        return err_set(ERR_INVALID, _("agent.yaml: sync.window: '%s': HH:MM-HH:MM is expected, such as 01:00-05:00"),
                       text);
    c->window_from_min = from_h * 60 + from_m;
    c->window_to_min = to_h * 60 + to_m;
    return OK;
}

/* "SCHEME://HOST:PORT" becomes tcp://HOST:PORT in `out`. */
static enum err read_url(char out[ENDPOINT_MAX + 1], const char *key, const char *scheme, const char *text)
{
    size_t skip = strlen(scheme);
    struct resolved_parts parts;

    if (text == NULL)
        return OK;
    if (strncmp(text, scheme, skip) != 0 ||
        (size_t)snprintf(out, ENDPOINT_MAX + 1, "tcp://%s", text + skip) > ENDPOINT_MAX || !resolve_split(&parts, out))
        return err_set(ERR_INVALID, _("agent.yaml: %s: '%.200s': %sHOST:PORT is expected"), key, text, scheme);
    return OK;
}

static enum err read_zone(struct agent_conf *c, const char *name)
{
    char why[512];
    enum err e = zone_open(&c->zone, name);

    if (e == OK)
        return OK;
    (void)snprintf(why, sizeof(why), "%s", err_text());
    return err_set(e, "agent.yaml: sync.time_zone: %s", why);
}

/* What the table cannot read: one chunk must fit into a night. */
static enum err read_texts(struct conf_file *c)
{
    enum err e = OK;

    if (c->window != NULL)
        e = read_window(&c->conf, c->window);
    if (e == OK && c->days != NULL)
        e = sync_days_read(&c->conf.days, c->days);
    if (e == OK && c->holidays != NULL)
        e = sync_holidays_read(&c->conf.days, c->holidays);
    if (e == OK && c->conf.max_night != 0 && c->conf.max_night < CHUNK_MAX)
        e = err_set(ERR_INVALID, _("agent.yaml: sync.max_bytes_per_night: at least %u is expected, or 0: no limit"),
                    CHUNK_MAX);
    return e == OK && c->time_zone != NULL ? read_zone(&c->conf, c->time_zone) : e;
}

enum err agent_conf_load(struct agent_conf *out, const char *dir)
{
    struct conf_file c = {.conf = {.window_from_min = 60,
                                   .window_to_min = 300,
                                   .chunk = CHUNK_MAX,
                                   .connect_ms = 60000,
                                   .handshake_ms = 120000,
                                   .progress_ms = 180000,
                                   .retry_first_ms = 30000,
                                   .retry_cap_ms = 3600000,
                                   .batch_sealed = BATCH_MAX_SEALED,
                                   .batch_plain = BATCH_MAX_PLAIN,
                                   .batch_records = BATCH_MAX_RECORDS,
                                   .map_size = sizeof(void *) >= 8 ? INT64_C(4) << 30 : INT64_C(1) << 30,
                                   .disk_reserve = 32 << 20,
                                   .keep_days = 30,
                                   .bundle_max = BUNDLE_DEFAULT_MAX},
                          .window = NULL,
                          .days = NULL,
                          .holidays = NULL,
                          .time_zone = NULL};
    struct yaml_doc *doc = NULL;
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, "agent.yaml");

    if (e == OK)
        e = conf_load(path, conf_table, &c, false, &doc);
    if (e == OK)
        e = read_texts(&c);
    if (e == OK)
        e = read_url(c.conf.proxy, "sync.proxy", "socks5://", c.proxy);
    if (e == OK)
        e = read_url(c.conf.address, "sync.address", "tcp://", c.address);
    if (e == OK)
        *out = c.conf;
    yaml_free(doc);
    return e;
}
