#include "hub/backup.h"

#include "common/cli.h"
#include "hub/ledger_internal.h"
#include "protocol/key_stream.h"

#include <stdlib.h>
#include <string.h>

/* One walk through an opened backup.  The journal's entries come in their order, each followed by its bytes, so that
 * nothing but the entry at hand is kept. */
struct check {
    const struct backup_head *head;
    int journal, blobs, meta; /* the tables' numbers in this backup; -1: not named yet */
    uint64_t lsn;             /* of the entry at hand */
    uint8_t chain[DIGEST_BYTES];
    struct buf entry;
    struct buf beside;         /* what came after it */
    struct storage_keys *keys; /* NULL: not at hand */
    uint32_t chunk;
    bool has_conf, has_head, has_sign;
};

static enum err damaged(const struct check *c, const char *what)
{
    return err_set(ERR_CORRUPT, _("entry %llu of the journal in the backup: %s"), (unsigned long long)c->lsn, what);
}

static bool holds(struct bytes in, const uint8_t d[DIGEST_BYTES])
{
    return memmem(in.p, in.len, d, DIGEST_BYTES) != NULL;
}

/* Beside a batch's entry lies what was received, locked again: the bytes are those of the entry when they open to them.
 * Without the storage keys, and where something was erased since, the clear part alone can be compared. */
static bool is_batch(const struct check *c, const struct batch_entry *batch)
{
    const struct stored_at at = {c->keys, batch->lsn, batch->school_year, batch->digest};
    struct stored_opened o;
    struct stored_batch s;
    uint8_t found[DIGEST_BYTES];
    bool is_right;
    enum err e;

    if (stored_parse(&s, bytes_of(c->beside.data, c->beside.len)) != OK)
        return false;
    is_right = s.header.sequence == batch->sequence && generation_compare(&s.header.gen, &batch->gen) == 0 &&
               memcmp(s.header.sign_key, batch->sign_key, KEY_BYTES) == 0;
    if (is_right && c->keys != NULL) {
        if ((e = stored_open(&o, &s, &at, ~0u)) == OK) {
            if (o.is_whole) {
                batch_digest(found, bytes_of(o.raw.data, o.raw.len));
                is_right = digest_equal(found, batch->digest);
            }
            stored_opened_fini(&o);
        } else
            is_right = e == ERR_ERASED;
    }
    stored_fini(&s);
    return is_right;
}

/* Every entry names the digest of what is kept beside it. */
static enum err end_entry(struct check *c)
{
    uint8_t found[DIGEST_BYTES];
    struct bytes entry = bytes_of(c->entry.data, c->entry.len);
    bool is_right = true;
    struct batch_entry batch;

    if (c->lsn > 0 && batch_entry_get(&batch, c->lsn, entry) == OK)
        is_right = is_batch(c, &batch); /* not without its bytes either */
    else if (c->beside.len > 0) {
        digest(found, bytes_of(c->beside.data, c->beside.len));
        is_right = holds(entry, found);
    }
    buf_wipe(&c->beside);
    buf_init_secret(&c->beside, STORED_MAX);
    return is_right ? OK : damaged(c, _("the bytes kept beside it are not those that it names"));
}

static enum err check_entry(struct check *c, const struct backup_item *i)
{
    uint8_t previous[DIGEST_BYTES];
    enum journal_type type;
    int64_t wall_ms;
    size_t elements;
    struct mp m;
    enum err e = end_entry(c);

    if (e != OK)
        return e;
    c->lsn++;
    c->chunk = 0;
    if (i->key.len != 8 || be64_get(i->key.p) != c->lsn)
        return damaged(c, _("it is missing"));
    if (journal_read(i->value, &m, &type, &wall_ms, previous, &elements) != OK)
        return damaged(c, _("it is damaged"));
    if (!digest_equal(previous, c->chain))
        return damaged(c, _("it does not continue the chain"));
    digest(c->chain, i->value);
    buf_reset(&c->entry);
    buf_put(&c->entry, i->value.p, i->value.len);
    return buf_status(&c->entry);
}

static enum err check_blob(struct check *c, const struct backup_item *i)
{
    if (i->key.len != 12 || be64_get(i->key.p) != c->lsn || be32_get(i->key.p + 8) != c->chunk++)
        return damaged(c, _("the bytes kept beside it are not those that it names"));
    buf_put(&c->beside, i->value.p, i->value.len);
    return buf_status(&c->beside);
}

static enum err check_row(struct check *c, const struct backup_item *i)
{
    static const char head_key[] = "ledger-head";

    if (i->table == c->journal)
        return check_entry(c, i);
    if (i->table == c->blobs)
        return check_blob(c, i);
    if (i->table == c->meta && i->key.len == sizeof(head_key) - 1 && memcmp(i->key.p, head_key, i->key.len) == 0)
        c->has_head = i->value.len == 8 + DIGEST_BYTES && be64_get(i->value.p) == c->head->lsn &&
                      digest_equal(i->value.p + 8, c->head->chain);
    return OK;
}

static void name_table(struct check *c, const struct backup_item *i)
{
    if (strcmp(i->name, "journal") == 0)
        c->journal = i->table;
    else if (strcmp(i->name, "blobs") == 0)
        c->blobs = i->table;
    else if (strcmp(i->name, "meta") == 0)
        c->meta = i->table;
}

static enum err check_item(struct check *c, const struct backup_item *i)
{
    switch (i->kind) {
    case BACKUP_TABLE: name_table(c, i); return OK;
    case BACKUP_FILE:
        if (!backup_name_is_safe(i->name))
            return err_set(ERR_MALFORMED, _("the backup holds a file with an impossible name"));
        c->has_conf = c->has_conf || strcmp(i->name, "hub.yaml") == 0;
        c->has_sign = c->has_sign || strcmp(i->name, "keys/sign.key") == 0;
        return OK;
    case BACKUP_ROW: return check_row(c, i);
    case BACKUP_END: break;
    }
    return OK;
}

static enum err check_end(struct check *c)
{
    enum err e = end_entry(c);

    if (e != OK)
        return e;
    if (c->lsn != c->head->lsn || !digest_equal(c->chain, c->head->chain) || !c->has_head)
        return err_set(ERR_CORRUPT, _("the journal in the backup does not end where its head says"));
    if (!c->has_conf || !c->has_sign)
        return err_set(ERR_CORRUPT, _("the backup lacks the settings or the keys of the hub"));
    return OK;
}

enum err backup_check(struct backup_reader *r, struct storage_keys *keys)
{
    struct check c = {.head = backup_head(r), .keys = keys, .journal = -1, .blobs = -1, .meta = -1};
    struct backup_item *item = malloc(sizeof(*item));
    enum err checked = OK;
    enum err e = item == NULL ? ERR_NOMEM : OK;

    if (e == OK && c.head->kind != BACKUP_HUB)
        e = err_set(ERR_INVALID, _("this is the backup of a school's agent, not of a hub"));
    buf_init(&c.entry, BACKUP_VALUE_MAX);
    buf_init_secret(&c.beside, STORED_MAX);
    while (e == OK && checked == OK && (e = backup_next(r, item)) == OK) {
        checked = check_item(&c, item);
        cli_progress(_("Checking the backup"), backup_read_bytes(r), backup_file_bytes(r));
    }
    cli_progress_end();
    if (checked != OK)
        e = checked;
    else if (e == ERR_NOT_FOUND)
        e = check_end(&c);
    buf_wipe(&c.beside);
    buf_fini(&c.entry);
    free(item);
    return e;
}
