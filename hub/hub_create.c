#include "hub/home_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "common/utf8.h"
#include "hub/audit.h"
#include "hub/command_text.h"
#include "hub/ledger.h"
#include "hub/programme.h"
#include "hub/recovery.h"
#include "hub/registry.h"
#include "hub/storage_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS           (INT64_C(86400) * 1000)
#define CERTIFICATE_DAYS 3650

static enum err make_key(const char *dir, const char *file, enum key_kind kind, const char *name, struct key **out)
{
    struct key *k = NULL;
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, file);

    if (e == OK)
        e = key_generate(&k, kind);
    if (e == OK)
        e = key_write(k, path, name);
    if (e == OK && out != NULL)
        *out = k;
    else
        key_free(k);
    return e;
}

static enum err make_root(struct hub *h, const struct hub_init *init, struct key **root)
{
    const char *name = init->root_passphrase != NULL ? "keys/root.key.locked" : "keys/root.key";
    char path[FOLDER_PATH_MAX];
    enum err e = key_generate(root, KEY_SIGN);

    if (e == OK)
        e = folder_path(path, h->dir, name);
    if (e == OK)
        e = init->root_passphrase != NULL ? root_key_lock(*root, path, init->root_passphrase)
                                          : key_write(*root, path, "root");
    if (e == OK)
        e = recovery_write(h->dir, *root, h->district);
    if (e == OK)
        memcpy(h->root, key_public(*root), KEY_BYTES);
    return e;
}

static void put_urls(struct buf *text, const char *key, const char *const *urls, size_t count)
{
    if (count == 0)
        return;
    buf_printf(text, "%s:\n", key);
    for (size_t i = 0; i < count; i++)
        buf_printf(text, "  - \"%s\"\n", urls[i]);
}

static void yaml_quote(struct buf *out, const char *text)
{
    buf_put_u8(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buf_put_u8(out, '\\');
        buf_put_u8(out, (uint8_t)*c);
    }
    buf_put_u8(out, '"');
}

static void put_text(struct buf *text, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(text, "%s: ", key);
    yaml_quote(text, value);
    buf_put_str(text, "\n");
}

static enum err write_conf(const char *dir, const struct hub_init *init)
{
    struct buf text;
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, "hub.yaml");

    if (e != OK)
        return e;
    buf_init(&text, 64 << 10);
    buf_put_str(&text, "# Settings of this hub; every key is described in docs/hub-yaml.md.\nname: ");
    yaml_quote(&text, init->name);
    buf_put_str(&text, "\n");
    put_urls(&text, "listen", init->listen, init->listen_count);
    put_urls(&text, "announce", init->announce, init->announce_count);
    put_text(&text, "door", init->door);
    put_text(&text, "telephone", init->telephone);
    if ((e = buf_status(&text)) == OK)
        e = cli_write_file(path, text.data, text.len, 0600, false);
    buf_fini(&text);
    return e;
}

static enum err begin_ring(struct hub *h, const struct buf *certificate, int64_t now)
{
    struct ring_key *k = NULL;
    enum err e;

    if (certificate->len > RING_CERTIFICATE_MAX)
        return err_set(ERR_INTERNAL, "a certificate of %zu bytes", certificate->len);
    if ((h->ring = calloc(1, sizeof(*h->ring))) == NULL)
        return ERR_NOMEM;
    if ((e = ring_add(h->ring, RING_SIGN, RING_CURRENT, key_public(h->sign), now, &k)) != OK)
        return e;
    memcpy(k->certificate, certificate->data, certificate->len);
    k->certificate_len = certificate->len;
    if ((e = ring_add(h->ring, RING_SEAL, RING_CURRENT, key_public(h->seal[0]), now, &k)) != OK)
        return e;
    k->year = h->seal_year[0];
    k->ordinal = h->seal_ordinal[0];
    return ring_add(h->ring, RING_CURVE, RING_CURRENT, h->curve, now, NULL);
}

/* What a fresh store holds: identity, certificate, the first journal entry, an empty directory. */
static enum err fill_store(struct hub *h, const struct key *root)
{
    struct store_txn *t = NULL;
    uint8_t mark[DIGEST_BYTES];
    char who[80];
    struct buf certificate;
    struct buf payload;
    int64_t now = clock_wall_ms();
    uint64_t lsn;
    enum err e;

    command_user(who, sizeof(who));
    buf_init(&certificate, SIGNED_MAX);
    buf_init(&payload, 4096);
    e = certificate_make(&certificate, root, h->district, key_public(h->sign), now, now + CERTIFICATE_DAYS * DAY_MS);
    if (e != OK || (e = store_begin_write(h->store, &t)) != OK)
        goto done;
    mp_put_bin(&payload, h->district, sizeof(h->district));
    mp_put_bin(&payload, h->root, KEY_BYTES);
    mp_put_cstr(&payload, h->conf.name);
    hub_storage_mark(h, mark);
    if ((e = hub_meta_put(t, "district", bytes_of(h->district, sizeof(h->district)))) != OK ||
        (e = hub_meta_put(t, "root", bytes_of(h->root, KEY_BYTES))) != OK ||
        (e = hub_meta_put(t, "storage-mark", bytes_of(mark, sizeof(mark)))) != OK ||
        (e = begin_ring(h, &certificate, now)) != OK || (e = ledger_open(&h->ledger, h)) != OK ||
        (e = ledger_decide(h->ledger, t, JOURNAL_INIT, bytes_of(payload.data, payload.len), 3, &lsn)) != OK ||
        (e = hub_issue_directory(h, t)) != OK || (e = hub_audit_do(h, t, who, AUDIT_HUB_INIT, "", "%s", "")) != OK ||
        (e = audit_sign(h, t)) != OK) {
        store_abort(t);
        goto done;
    }
    e = store_commit(t);
    if (e == OK)
        ledger_committed(h->ledger);
    else
        ledger_aborted(h->ledger);
done:
    buf_fini(&certificate);
    buf_fini(&payload);
    return e;
}

static enum err create_in(struct hub *h, const struct hub_init *init)
{
    struct store_options o = {.tables = hub_tables};
    struct key *root = NULL;
    struct key *curve = NULL;
    char keys[FOLDER_PATH_MAX];
    char path[FOLDER_PATH_MAX];
    char seal[32];
    enum err e;

    random_bytes(h->district, sizeof(h->district));
    if ((e = folder_path(keys, h->dir, "keys")) != OK || (e = folder_path(path, h->dir, "store")) != OK ||
        (e = folder_make(h->dir, "keys")) != OK || (e = folder_make(h->dir, "spool")) != OK ||
        (e = folder_make(h->dir, "run")) != OK || (e = write_conf(h->dir, init)) != OK ||
        (e = hub_conf_load(h)) != OK || (e = make_root(h, init, &root)) != OK)
        goto done;
    (void)snprintf(seal, sizeof(seal), "seal-%d.key", school_year_of(clock_today()));
    if ((e = make_key(keys, "sign.key", KEY_SIGN, "hub signing", &h->sign)) != OK ||
        (e = make_key(keys, seal, KEY_SEAL, seal, &h->seal[0])) != OK ||
        (e = make_key(keys, "storage.key", KEY_SECRET, "storage", &h->storage)) != OK ||
        (e = make_key(keys, "curve.key", KEY_CURVE, "transport", &curve)) != OK)
        goto done;
    memcpy(h->curve, key_public(curve), KEY_BYTES);
    h->seal_year[0] = school_year_of(clock_today());
    h->seal_ordinal[0] = 1;
    h->seal_count = 1;
    o.map_size = (uint64_t)h->conf.map_size;
    if ((e = storage_keys_new(&h->storage_keys, h->dir, h->storage)) == OK &&
        (e = store_open(&h->store, path, &o)) == OK)
        e = fill_store(h, root);
done:
    key_free(root);
    key_free(curve);
    return e;
}

static enum err check_urls(const char *const *urls, size_t count)
{
    if (count > DIRECTORY_MAX_ENDPOINTS)
        return err_set(ERR_INVALID, _("at most %u addresses are expected"), DIRECTORY_MAX_ENDPOINTS);
    for (size_t i = 0; i < count; i++)
        if (!hub_url_is_valid(urls[i]))
            return err_set(ERR_INVALID, _("%.200s: tcp://HOST:PORT is expected"), urls[i]);
    return OK;
}

/* What agents are told to connect to must be an address, not "all interfaces". */
static enum err check_init(const struct hub_init *init)
{
    const char *const *told = init->announce_count > 0 ? init->announce : init->listen;
    size_t count = init->announce_count > 0 ? init->announce_count : init->listen_count;
    enum err e;

    if (init->name[0] == '\0' || strlen(init->name) > NAME_MAX_BYTES || !utf8_is_valid(init->name, strlen(init->name)))
        return err_set(ERR_INVALID, _("the district's name: a text of 1 to %u bytes in UTF-8 is expected"),
                       NAME_MAX_BYTES);
    for (const char *c = init->name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return err_set(ERR_INVALID, _("the district's name: one line without control characters is expected"));
    if (init->listen_count == 0)
        return err_set(ERR_INVALID, _("at least one address to listen at is expected, like tcp://192.0.2.1:4780"));
    if (init->door != NULL && !hub_url_is_valid(init->door))
        return err_set(ERR_INVALID, _("%.200s: tcp://HOST:PORT is expected"), init->door);
    if ((e = check_urls(init->listen, init->listen_count)) != OK ||
        (e = check_urls(init->announce, init->announce_count)) != OK)
        return e;
    for (size_t i = 0; i < count; i++)
        if (hub_url_is_wildcard(told[i]))
            return err_set(ERR_INVALID,
                           _("%s: schools cannot connect to such an address; say with --announce which one they use"),
                           told[i]);
    return OK;
}

enum err hub_create(const char *dir, const struct hub_init *init)
{
    char fresh[FOLDER_PATH_MAX];
    struct hub *h;
    enum err e = check_init(init);

    if (e == OK)
        e = folder_begin(fresh, dir);
    if (e != OK)
        return e;
    h = calloc(1, sizeof(*h));
    if (h == NULL || (h->dir = strdup(fresh)) == NULL) {
        e = ERR_NOMEM;
    } else {
        buf_init(&h->directory_object, SIGNED_MAX);
        e = create_in(h, init);
    }
    hub_close(h, false);
    if (e == OK)
        e = folder_finish(fresh, dir);
    if (e != OK)
        folder_remove(fresh);
    return e;
}
