#include "hub/hub.h"

#include "common/cli.h"
#include "common/conf.h"
#include "common/folder.h"
#include "common/log.h"
#include "hub/home_internal.h"
#include "hub/lease.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/registry.h"
#include "hub/storage_keys.h"
#include "protocol/answer.h"
#include "protocol/bundle.h"
#include "protocol/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define URL_SCHEME "tcp://"

const char *const hub_tables[HUB_TABLES + 1] = {[H_META] = "meta",
                                                [H_JOURNAL] = "journal",
                                                [H_BLOBS] = "blobs",
                                                [H_PARTICIPANTS] = "participants",
                                                [H_OBJECTS] = "objects",
                                                [H_RANGES] = "ranges",
                                                [H_PROGRAMMES] = "programmes",
                                                [H_BATCHES] = "batches",
                                                [H_DEAD] = "dead",
                                                [H_CURRENT] = "current",
                                                [H_SLOTS] = "slots",
                                                [H_CELLS] = "cells",
                                                [H_QUARANTINE] = "quarantine",
                                                [H_AUDIT] = "audit",
                                                [H_RETURNS] = "returns",
                                                [H_GREETINGS] = "greetings",
                                                [H_PERIODS] = "periods",
                                                [H_HISTORY] = "history",
                                                [H_CHECKPOINTS] = "checkpoints",
                                                [H_PUBLICATIONS] = "publications",
                                                [H_WORDS] = "words",
                                                [H_STORAGE] = "storage",
                                                [H_ACTS] = "acts",
                                                [H_ERASED] = "erased",
                                                [H_FROZEN] = "frozen",
                                                [H_BACKUPS] = "backups",
                                                [H_SIGNERS] = "signers",
                                                [H_STANDING] = "standing",
                                                [H_SUSPECTS] = "suspects",
                                                [H_AUDIT_HEADS] = "audit-heads",
                                                [H_QUESTIONS] = "questions",
                                                [H_COMMENTS] = "comments",
                                                [H_EXCUSES] = "excuses",
                                                [H_NIGHTS] = "nights"};

enum err hub_meta_get(struct store_txn *t, const char *key, struct bytes *out)
{
    return store_get(t, H_META, bytes_of(key, strlen(key)), out);
}

enum err hub_meta_put(struct store_txn *t, const char *key, struct bytes value)
{
    return store_put(t, H_META, bytes_of(key, strlen(key)), value);
}

/* ---- hub.yaml ---- */

struct conf_file {
    struct hub_conf conf;
    const struct yaml_node *listen, *announce, *operators, *alert;
    const char *checkpoint_at;
};

#define AT(member) offsetof(struct conf_file, conf.member)
static const struct yaml_key conf_table[] = {
    {"name", YAML_WANT_TEXT, true, AT(name), 0, 0, NULL},
    {"listen", YAML_WANT_SEQUENCE, true, offsetof(struct conf_file, listen), 0, 0, NULL},
    {"announce", YAML_WANT_SEQUENCE, false, offsetof(struct conf_file, announce), 0, 0, NULL},
    {"door", YAML_WANT_TEXT, false, AT(door), 0, 0, NULL},
    {"door.announce", YAML_WANT_TEXT, false, AT(door_announce), 0, 0, NULL},
    {"telephone", YAML_WANT_TEXT, false, AT(telephone), 0, 0, NULL},
    {"store.map_size", YAML_WANT_SIZE, false, AT(map_size), 16 << 20, INT64_C(1) << 44, NULL},
    {"store.disk_reserve", YAML_WANT_SIZE, false, AT(disk_reserve), 0, INT64_C(1) << 40, NULL},
    {"intake.workers", YAML_WANT_INTEGER, false, AT(workers), 1, 64, NULL},
    {"intake.group", YAML_WANT_DURATION, false, AT(group_ms), 0, 1000, NULL},
    {"gateway.slots", YAML_WANT_INTEGER, false, AT(slots), 1, 10000, NULL},
    {"gateway.credit", YAML_WANT_SIZE, false, AT(credit), 4096, CREDIT_MAX, NULL},
    {"gateway.chunk", YAML_WANT_SIZE, false, AT(chunk), 1024, CHUNK_MAX, NULL},
    {"gateway.turn", YAML_WANT_DURATION, false, AT(turn_ms), 1000, 7200000, NULL},
    {"gateway.user", YAML_WANT_TEXT, false, AT(gateway_user), 0, 0, NULL},
    {"gateway.folder", YAML_WANT_TEXT, false, AT(gateway_folder), 0, 0, NULL},
    {"gateway.spool_max", YAML_WANT_SIZE, false, AT(spool_max), 1 << 20, INT64_C(1) << 44, NULL},
    {"gateway.spool_days", YAML_WANT_INTEGER, false, AT(spool_days), 1, 365, NULL},
    {"gateway.log_refused", YAML_WANT_INTEGER, false, AT(log_refused), 1, 100000, NULL},
    {"invitation.days", YAML_WANT_INTEGER, false, AT(invitation_days), 1, 365, NULL},
    {"held.max", YAML_WANT_SIZE, false, AT(held_max), 1 << 20, INT64_C(1) << 40, NULL},
    {"directory.days", YAML_WANT_INTEGER, false, AT(directory_days), 1, 3650, NULL},
    {"operators", YAML_WANT_SEQUENCE, false, offsetof(struct conf_file, operators), 0, 0, NULL},
    {"keys.credentials", YAML_WANT_BOOLEAN, false, AT(keys_credentials), 0, 0, NULL},
    {"backup.erased_days", YAML_WANT_INTEGER, false, AT(backup_days), 1, 3650, NULL},
    {"checkpoint.at", YAML_WANT_TEXT, false, offsetof(struct conf_file, checkpoint_at), 0, 0, NULL},
    {"night.keep_days", YAML_WANT_INTEGER, false, AT(night_days), 1, 36500, NULL},
    {"night.alert", YAML_WANT_SEQUENCE, false, offsetof(struct conf_file, alert), 0, 0, NULL},
    {"night.alert_limit", YAML_WANT_DURATION, false, AT(alert_limit_ms), 1000, 600000, NULL},
    {"inbox", YAML_WANT_TEXT, false, AT(inbox), 0, 0, NULL},
    {"outbox", YAML_WANT_TEXT, false, AT(outbox), 0, 0, NULL},
    {"bundle.max_size", YAML_WANT_SIZE, false, AT(bundle_max), BUNDLE_LEAST_MAX, BUNDLE_MOST_MAX, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

/* ---- addresses ---- */

/* HOST: a name, an IPv4 address, an IPv6 address in brackets, or '*'. */
static bool host_is_valid(const char *host, size_t len)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

    if (len >= 4 && host[0] == '[' && host[len - 1] == ']')
        return strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
    return len > 0 && (strspn(host, plain) >= len || (len == 1 && host[0] == '*'));
}

bool hub_url_is_valid(const char *url)
{
    const char *host = url + strlen(URL_SCHEME);
    const char *port;
    unsigned number = 0;

    if (strncmp(url, URL_SCHEME, strlen(URL_SCHEME)) != 0 || strlen(url) > ENDPOINT_MAX ||
        (port = strrchr(host, ':')) == NULL || !host_is_valid(host, (size_t)(port - host)))
        return false;
    for (port++; *port >= '0' && *port <= '9' && number <= UINT16_MAX; port++)
        number = number * 10 + (unsigned)(*port - '0');
    return *port == '\0' && number >= 1 && number <= UINT16_MAX;
}

bool hub_url_is_wildcard(const char *url)
{
    static const char *const wild[] = {"*", "0.0.0.0", "[::]"};
    const char *host = url + strlen(URL_SCHEME);
    const char *port = hub_url_is_valid(url) ? strrchr(host, ':') : NULL;

    for (size_t i = 0; port != NULL && i < sizeof(wild) / sizeof(wild[0]); i++)
        if (strlen(wild[i]) == (size_t)(port - host) && strncmp(host, wild[i], strlen(wild[i])) == 0)
            return true;
    return false;
}

/* ---- hub.yaml ---- */

static enum err read_urls(const struct yaml_node *list, const char *key, const char **urls, size_t *count)
{
    *count = 0;
    if (list == NULL)
        return OK;
    if (list->count == 0 || list->count > DIRECTORY_MAX_ENDPOINTS)
        return err_set(ERR_INVALID, _("hub.yaml:%u:%u: %s: 1 to %u addresses are expected"), list->line, list->column,
                       key, DIRECTORY_MAX_ENDPOINTS);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct yaml_node *n = list->items[i];

        if (n->kind != YAML_SCALAR || !hub_url_is_valid(n->text))
            return err_set(ERR_INVALID, _("hub.yaml:%u:%u: %s: tcp://HOST:PORT is expected (found: %.200s)"), n->line,
                           n->column, key, n->kind == YAML_SCALAR ? n->text : "");
        urls[(*count)++] = n->text;
    }
    return OK;
}

static enum err read_operators(const struct yaml_node *list, struct hub_conf *c)
{
    if (list == NULL)
        return OK;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *n = list->items[i];

        if (c->operator_count == HUB_MAX_OPERATORS || n->kind != YAML_SCALAR || n->text[0] == '\0' ||
            strlen(n->text) > NAME_MAX_BYTES)
            return err_set(ERR_INVALID, _("hub.yaml:%u:%u: operators: at most %u names of 1 to %u bytes are expected"),
                           n->line, n->column, HUB_MAX_OPERATORS, NAME_MAX_BYTES);
        c->operators[c->operator_count++] = n->text;
    }
    return OK;
}

/* A program by its path and its words: what stands there is run as it stands, by no shell. */
static enum err read_alert(const struct yaml_node *list, struct hub_conf *c)
{
    if (list == NULL)
        return OK;
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *n = list->items[i];

        if (i == HUB_MAX_ALERT || n->kind != YAML_SCALAR)
            return err_set(ERR_INVALID, _("hub.yaml:%u:%u: night.alert: at most %u words are expected"), n->line,
                           n->column, HUB_MAX_ALERT);
        c->alert[i] = n->text;
    }
    if (list->count == 0 || c->alert[0][0] != '/')
        return err_set(ERR_INVALID,
                       _("hub.yaml:%u:%u: night.alert: a list is expected that begins with the path of a program from "
                         "/ on"),
                       list->line, list->column);
    return OK;
}

/* "06:30" */
static enum err read_minute(const char *text, int64_t *minute)
{
    unsigned hours = 0;
    unsigned minutes = 0;
    int used = 0;

    if (text == NULL)
        return OK;
    /* NOLINTNEXTLINE(cert-err34-c): ranges are checked */
    if (sscanf(text, "%2u:%2u%n", &hours, &minutes, &used) != 2 || text[used] != '\0' || hours > 23 || minutes > 59)
        return err_set(ERR_INVALID,
                       _("hub.yaml: checkpoint.at: HH:MM in quotes is expected, such as \"06:30\" (found: "
                         "%.40s)"),
                       text);
    *minute = hours * 60 + minutes;
    return OK;
}

/* What agents are told must be an address, not "all interfaces". */
static enum err check_conf(const struct hub_conf *c)
{
    if (c->name[0] == '\0' || strlen(c->name) > NAME_MAX_BYTES)
        return err_set(ERR_INVALID, _("hub.yaml: name: a text of 1 to %u bytes is expected"), NAME_MAX_BYTES);
    if ((c->inbox != NULL && c->inbox[0] == '\0') || (c->outbox != NULL && c->outbox[0] == '\0'))
        return err_set(ERR_INVALID, _("hub.yaml: inbox, outbox: a folder is expected"));
    if (c->outbox != NULL && c->inbox == NULL)
        return err_set(ERR_INVALID, _("hub.yaml: outbox: there is nothing to answer without an inbox:"));
    if (c->credit < c->chunk)
        return err_set(ERR_INVALID,
                       _("hub.yaml: gateway.credit: at least gateway.chunk (%lld bytes) is expected (found: %lld)"),
                       (long long)c->chunk, (long long)c->credit);
    if (c->gateway_folder != NULL && c->gateway_folder[0] != '/')
        return err_set(ERR_INVALID, _("hub.yaml: gateway.folder: a path from / on is expected (found: %.200s)"),
                       c->gateway_folder);
    if (c->gateway_user != NULL && c->gateway_folder == NULL)
        return err_set(ERR_INVALID, _("hub.yaml: gateway.user needs gateway.folder, which both users can reach"));
    for (size_t i = 0; i < (c->announce_count > 0 ? c->announce_count : c->listen_count); i++) {
        const char *url = c->announce_count > 0 ? c->announce[i] : c->listen[i];

        if (hub_url_is_wildcard(url))
            return err_set(ERR_INVALID,
                           _("hub.yaml: schools cannot connect to %s; say under announce: which address they use"),
                           url);
    }
    return OK;
}

static enum err check_door(const struct hub_conf *c)
{
    if (c->telephone != NULL && strlen(c->telephone) > TICKET_PHONE_MAX)
        return err_set(ERR_INVALID, _("hub.yaml: telephone: a text of at most %u bytes is expected"), TICKET_PHONE_MAX);
    if (c->door == NULL)
        return c->door_announce == NULL ? OK : err_set(ERR_INVALID, _("hub.yaml: door.announce stands without door:"));
    if (!hub_url_is_valid(c->door))
        return err_set(ERR_INVALID, _("hub.yaml: door: tcp://HOST:PORT is expected (found: %.200s)"), c->door);
    for (size_t i = 0; i < c->listen_count; i++)
        if (strcmp(c->listen[i], c->door) == 0)
            return err_set(ERR_INVALID, _("hub.yaml: door: it needs a port of its own (%s is under listen: already)"),
                           c->door);
    if (c->door_announce != NULL && (!hub_url_is_valid(c->door_announce) || hub_url_is_wildcard(c->door_announce)))
        return err_set(ERR_INVALID,
                       _("hub.yaml: door.announce: tcp://HOST:PORT that schools can connect to is expected (found: "
                         "%.200s)"),
                       c->door_announce);
    return OK;
}

bool hub_door(const struct hub *h, char out[ENDPOINT_MAX + 1])
{
    const struct hub_conf *c = &h->conf;
    const char *url = c->door_announce != NULL ? c->door_announce : c->door;

    if (url == NULL)
        return false;
    if (hub_url_is_wildcard(url)) { /* then schools use the same host as for the rest */
        const char *host = c->announce_count > 0 ? c->announce[0] : c->listen[0];

        (void)snprintf(out, ENDPOINT_MAX + 1, "%.*s%s", (int)(strrchr(host, ':') - host), host, strrchr(url, ':'));
    } else {
        (void)snprintf(out, ENDPOINT_MAX + 1, "%s", url);
    }
    return true;
}

enum err hub_conf_load(struct hub *h)
{
    struct conf_file c = {.conf = {.map_size = INT64_C(64) << 30,
                                   .disk_reserve = 128 << 20,
                                   .workers = 2,
                                   .group_ms = 20,
                                   .slots = 100,
                                   .credit = CREDIT_MAX,
                                   .chunk = CHUNK_MAX,
                                   .turn_ms = 600000,
                                   .spool_max = INT64_C(1) << 30,
                                   .spool_days = 14,
                                   .log_refused = 100,
                                   .invitation_days = 14,
                                   .held_max = 16 << 20,
                                   .directory_days = 180,
                                   .checkpoint_min = 6 * 60 + 30,
                                   .bundle_max = BUNDLE_DEFAULT_MAX,
                                   .night_days = 400,
                                   .alert_limit_ms = 60000,
                                   .backup_days = 30}};
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, h->dir, "hub.yaml");

    if (e == OK)
        e = conf_load(path, conf_table, &c, false, &h->conf_doc);
    if (e == OK)
        e = read_urls(c.listen, "listen", c.conf.listen, &c.conf.listen_count);
    if (e == OK)
        e = read_urls(c.announce, "announce", c.conf.announce, &c.conf.announce_count);
    if (e == OK)
        e = read_operators(c.operators, &c.conf);
    if (e == OK)
        e = read_alert(c.alert, &c.conf);
    if (e == OK)
        e = read_minute(c.checkpoint_at, &c.conf.checkpoint_min);
    if (e == OK)
        e = check_conf(&c.conf);
    if (e == OK)
        e = check_door(&c.conf);
    if (e == OK) {
        h->conf = c.conf;
        key_use_credentials(c.conf.keys_credentials);
    }
    return e;
}

/* ---- opening ---- */

static void adopt(struct hub *h, struct definitions *d)
{
    h->directory = d->directory;
    h->directory_object = d->directory_object;
    h->calendar = d->calendar;
    h->forms = d->forms;
    h->form_count = d->form_count;
    h->programmes = d->programmes;
    h->due = d->due;
    h->programme_count = d->programme_count;
}

static struct definitions definitions_of(const struct hub *h)
{
    struct definitions d = {h->directory,  h->directory_object, h->calendar, h->forms,
                            h->form_count, h->programmes,       h->due,      h->programme_count};

    return d;
}

static enum err reload_in(struct hub *h, struct store_txn *t)
{
    struct definitions fresh = {0};
    struct definitions old = definitions_of(h);
    struct registry *registry = NULL;
    uint64_t version = 0;
    struct hub_keys keys;
    enum err e = hub_definitions_version(t, &version);

    if (e != OK || (e = hub_keys_read(&keys, h, t)) != OK)
        return e;
    hub_keys_swap(h, &keys);
    if ((e = definitions_load(&fresh, h, t)) == OK) {
        adopt(h, &fresh);
        if ((e = registry_load_in(&registry, h, t)) != OK) {
            adopt(h, &old);
            definitions_fini(&fresh);
        }
    }
    if (e != OK)
        hub_keys_swap(h, &keys);
    hub_keys_fini(&keys);
    if (e != OK)
        return e;
    registry_free(h->registry);
    h->registry = registry;
    definitions_fini(&old);
    h->definitions_version = version;
    h->definitions_serial++;
    storage_keys_forget(h->storage_keys);
    ledger_forget(h->ledger);
    return OK;
}

enum err hub_reload(struct hub *h, struct store_txn *t)
{
    struct store_txn *own = NULL;
    enum err e = OK;

    if (t != NULL)
        return reload_in(h, t);
    /* A command that replaced a key meanwhile makes its file the newer one: then what the store says is newer, too. */
    for (unsigned tries = 0; tries < 2 && (tries == 0 || e == ERR_INVALID || e == ERR_NOT_FOUND); tries++) {
        if ((e = store_begin_read(h->store, &own)) != OK)
            return e;
        e = reload_in(h, own);
        store_abort(own);
    }
    return e;
}

static enum err load_meta(const struct hub *h, struct store_txn *t, const char *key, uint8_t *out, size_t len)
{
    struct bytes v;
    enum err e = hub_meta_get(t, key, &v);

    if (e == ERR_NOT_FOUND || (e == OK && v.len != len))
        return err_set(
            ERR_CORRUPT,
            _("%s: the store does not say which hub it is of (%s): it was not made by svodka-hub init, or is damaged"),
            h->dir, key);
    if (e == OK)
        memcpy(out, v.p, len);
    return e;
}

static enum err load_identity(struct hub *h)
{
    uint8_t written[DIGEST_BYTES];
    uint8_t mark[DIGEST_BYTES];
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    if ((e = load_meta(h, t, "district", h->district, sizeof(h->district))) == OK &&
        (e = load_meta(h, t, "root", h->root, sizeof(h->root))) == OK)
        e = load_meta(h, t, "storage-mark", written, sizeof(written));
    store_abort(t);
    if (e != OK)
        return e;
    hub_storage_mark(h, mark);
    return digest_equal(mark, written) ? OK : hub_wrong_key(h, "keys/storage.key");
}

static enum err check_storage_keys(struct hub *h)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK)
        e = storage_keys_check(h->storage_keys, t);
    store_abort(t);
    return e;
}

/* What the operator changed in hub.yaml while the core stood still goes to the schools in a fresh directory. */
static enum err refresh_directory(struct hub *h)
{
    struct store_txn *t = NULL;
    enum err e;

    if (!hub_directory_is_stale(h))
        return OK;
    if ((e = store_begin_write(h->store, &t)) != OK)
        return e;
    if ((e = hub_issue_directory(h, t)) != OK) {
        store_abort(t);
        return e;
    }
    if ((e = store_commit(t)) != OK)
        return e;
    return hub_reload(h, NULL);
}

static enum err open_parts(struct hub *h, enum hub_access access)
{
    struct store_options o = {.tables = hub_tables, .must_exist = true};
    char path[FOLDER_PATH_MAX];
    enum err e;

    if ((e = hub_conf_load(h)) != OK)
        return e;
    if ((e = lease_take(&h->lease, h->dir, access == HUB_CORE)) != OK)
        return e;
    if ((e = hub_keys_begin(h)) != OK)
        return e;
    o.map_size = (uint64_t)h->conf.map_size;
    if ((e = folder_path(path, h->dir, "store")) != OK)
        return e;
    if ((e = store_open(&h->store, path, &o)) == ERR_NOT_FOUND)
        e = err_set(e, _("%s is missing (nothing was changed): restore a backup"), path);
    if (e != OK || (e = load_identity(h)) != OK || (e = storage_keys_new(&h->storage_keys, h->dir, h->storage)) != OK ||
        (e = check_storage_keys(h)) != OK)
        return e;
    if ((e = builtin_forms_load(&h->builtin)) != OK || (e = hub_reload(h, NULL)) != OK ||
        (e = ledger_open(&h->ledger, h)) != OK)
        return e;
    return access == HUB_CORE ? refresh_directory(h) : OK;
}

enum err hub_open(struct hub **out, const char *dir, enum hub_access access)
{
    struct hub *h;
    struct stat st;
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, "hub.yaml");

    if (e != OK)
        return e;
    if (stat(path, &st) != 0)
        return err_set(ERR_NOT_FOUND,
                       _("%s is not the home of a hub (no hub.yaml in it); make one with svodka-hub init"), dir);
    if (stat(dir, &st) == 0 && (st.st_mode & 022) != 0)
        return err_set(ERR_DENIED, _("%s: others may write into the hub's home; run: chmod 700 %s"), dir, dir);
    if ((h = calloc(1, sizeof(*h))) == NULL)
        return ERR_NOMEM;
    buf_init(&h->directory_object, SIGNED_MAX);
    h->access = access;
    if ((h->dir = strdup(dir)) == NULL)
        e = ERR_NOMEM;
    if (e == OK)
        e = open_parts(h, access);
    if (e != OK) {
        hub_close(h, false);
        return e;
    }
    *out = h;
    return OK;
}

void hub_close(struct hub *h, bool changed)
{
    struct definitions d;
    struct hub_keys keys;
    struct buf answer;

    if (h == NULL)
        return;
    buf_init(&answer, LEASE_MAX_PACKET);
    if (changed && h->lease != NULL && lease_has_core(h->lease) &&
        (lease_ask(h->lease, "changed", &answer) != OK || strcmp(buf_cstr(&answer), "ok") != 0))
        log_warning("the running core did not load the change: %s; restart it",
                    answer.len > 0 ? buf_cstr(&answer) : err_text());
    buf_fini(&answer);
    ledger_close(h->ledger);
    registry_free(h->registry);
    d = definitions_of(h);
    definitions_fini(&d);
    store_close(h->store);
    memset(&keys, 0, sizeof(keys));
    hub_keys_swap(h, &keys);
    hub_keys_fini(&keys);
    storage_keys_free(h->storage_keys);
    builtin_forms_fini(&h->builtin);
    key_free(h->storage);
    lease_end(h->lease);
    yaml_free(h->conf_doc);
    free(h->dir);
    free(h);
}

const struct form *hub_form(const struct hub *h, const uint8_t digest[32])
{
    for (size_t i = 0; i < h->form_count; i++)
        if (memcmp(h->forms[i]->digest, digest, FORM_DIGEST_BYTES) == 0)
            return h->forms[i];
    return builtin_form_by_digest(&h->builtin, digest);
}

const struct form *hub_form_by_id(const struct hub *h, const char *id)
{
    /* A programme holds the newest version of each form that it uses. */
    for (size_t p = h->programme_count; p-- > 0;)
        for (size_t i = 0; i < h->programmes[p]->form_count; i++)
            if (strcmp(h->programmes[p]->forms[i]->id, id) == 0)
                return h->programmes[p]->forms[i];
    return NULL;
}
