#include "hub/archive.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/home_internal.h"
#include "hub/ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_FIELDS       9u
#define ROW_LEAST        8u /* of an earlier program: nothing was said to be destroyed */
#define ROW_MAX          4096u
#define CONFIRM_ELEMENTS 7u
#define RESTORE_ELEMENTS 4u
#define MARK_KEY         "archived"

enum archive_act { ACT_CONFIRMED = 1, ACT_RESTORED = 2 };

/* ---- the register: number -> [made, path, lsn, chain, digest, bytes, confirmed, how, destroyed] ---- */

static enum err next_number(struct store_txn *t, uint64_t *out)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_BACKUPS, &c);

    *out = 1;
    if (e != OK)
        return e;
    if ((e = store_last(c, &key, &value)) == OK && key.len == 8)
        *out = be64_get(key.p) + 1;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err archive_put(struct store_txn *t, struct archive_row *row)
{
    struct buf value;
    uint8_t key[8];
    enum err e = row->number == 0 ? next_number(t, &row->number) : OK;

    if (e != OK)
        return e;
    buf_init(&value, ROW_MAX);
    mp_put_array(&value, ROW_FIELDS);
    mp_put_int(&value, row->made_ms);
    mp_put_cstr(&value, row->path);
    mp_put_uint(&value, row->lsn);
    mp_put_bin(&value, row->chain, DIGEST_BYTES);
    mp_put_bin(&value, row->digest, DIGEST_BYTES);
    mp_put_uint(&value, row->bytes);
    mp_put_int(&value, row->confirmed_ms);
    mp_put_uint(&value, row->how);
    mp_put_int(&value, row->destroyed_ms);
    be64_put(key, row->number);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_BACKUPS, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static enum err read_row(struct archive_row *out, struct bytes key, struct bytes value)
{
    struct mp m = mp_of(value);
    size_t fields;

    memset(out, 0, sizeof(*out));
    fields = mp_array(&m, ROW_LEAST, 32);
    out->made_ms = mp_int(&m);
    mp_text(&m, out->path, 0, ARCHIVE_PATH_MAX);
    out->lsn = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->chain, DIGEST_BYTES);
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    out->bytes = mp_uint(&m, UINT64_MAX);
    out->confirmed_ms = mp_int(&m);
    out->how = (enum archive_how)mp_uint(&m, ARCHIVE_OPERATOR);
    if (fields >= ROW_FIELDS)
        out->destroyed_ms = mp_int(&m);
    if (m.failed || key.len != 8)
        return err_set(ERR_CORRUPT, "the register of backups is damaged");
    out->number = be64_get(key.p);
    return OK;
}

enum err archive_each(struct store_txn *t, enum err (*each)(void *ctx, const struct archive_row *row), void *ctx)
{
    struct store_cursor *c = NULL;
    struct archive_row row;
    struct bytes key;
    struct bytes value;
    enum err visited = OK;
    enum err e = store_cursor_open(t, H_BACKUPS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value))
        if ((visited = read_row(&row, key, value)) != OK || (visited = each(ctx, &row)) != OK)
            break;
    store_cursor_close(c);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

struct search {
    const uint8_t *digest;
    const char *typed;
    struct archive_row *out;
    bool found;
};

static enum err look(void *ctx, const struct archive_row *row)
{
    struct search *s = ctx;
    char number[24];
    char day[11];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)row->number);
    cli_format_day(day, sizeof(day), row->made_ms);
    if (s->digest != NULL
            ? !digest_equal(s->digest, row->digest)
            : strcmp(s->typed, number) != 0 && strcmp(s->typed, day) != 0 && strcmp(s->typed, row->path) != 0)
        return OK;
    *s->out = *row;
    s->found = true;
    return OK;
}

enum err archive_find_digest(struct store_txn *t, const uint8_t digest_in[DIGEST_BYTES], struct archive_row *out)
{
    struct search s = {.digest = digest_in, .out = out};
    enum err e = archive_each(t, look, &s);

    return e == OK && !s.found ? ERR_NOT_FOUND : e;
}

enum err archive_find(struct store_txn *t, const char *typed, struct archive_row *out)
{
    struct search s = {.typed = typed, .out = out};
    enum err e = archive_each(t, look, &s);

    if (e == OK && !s.found)
        return err_set(ERR_NOT_FOUND,
                       _("%s: no backup of this number, file or day (YYYY-MM-DD) is known; see: svodka-hub backup "
                         "list"),
                       typed);
    return e;
}

/* ---- what is archived ---- */

enum err archive_last(struct store_txn *t, uint64_t *lsn)
{
    struct bytes v;
    enum err e = hub_meta_get(t, MARK_KEY, &v);

    *lsn = e == OK && v.len == 8 ? be64_get(v.p) : 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* It never falls: what was archived stays so. */
static enum err raise_mark(struct store_txn *t, uint64_t lsn)
{
    uint8_t raw[8];
    uint64_t before;
    enum err e = archive_last(t, &before);

    if (e != OK || lsn <= before)
        return e;
    be64_put(raw, lsn);
    return hub_meta_put(t, MARK_KEY, bytes_of(raw, sizeof(raw)));
}

/* An entry's number means something only in one history: after a restore the same numbers are given again. */
enum err archive_is_ours(struct store_txn *t, uint64_t lsn, const uint8_t chain[DIGEST_BYTES], bool *is_ours)
{
    struct journal_head head;
    struct bytes entry;
    uint8_t d[DIGEST_BYTES];
    enum err e = journal_head(t, &head);

    *is_ours = false;
    if (e != OK)
        return e;
    if (lsn > 0 && lsn <= head.lsn && (e = journal_get(t, lsn, &entry)) == OK) {
        digest(d, entry);
        *is_ours = digest_equal(d, chain);
    }
    return e == ERR_CORRUPT ? OK : e;
}

static enum err check_history(struct store_txn *t, uint64_t lsn, const uint8_t chain[DIGEST_BYTES])
{
    bool is_ours;
    enum err e = archive_is_ours(t, lsn, chain, &is_ours);

    return e != OK || is_ours
               ? e
               : err_set(ERR_INVALID, _("this backup is not of what this hub holds now: it was made before the hub "
                                        "was restored from another one, or is another hub's"));
}

enum err archive_confirm(struct hub *h, struct store_txn *t, struct archive_row *row, enum archive_how how)
{
    struct buf payload;
    uint64_t lsn;
    enum err e = check_history(t, row->lsn, row->chain);

    if (e != OK)
        return e;
    buf_init(&payload, ROW_MAX);
    mp_put_uint(&payload, ACT_CONFIRMED);
    mp_put_uint(&payload, row->lsn);
    mp_put_bin(&payload, row->chain, DIGEST_BYTES);
    mp_put_bin(&payload, row->digest, DIGEST_BYTES);
    mp_put_int(&payload, row->made_ms);
    mp_put_uint(&payload, how);
    mp_put_cstr(&payload, row->path);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_BACKUP, bytes_of(payload.data, payload.len), CONFIRM_ELEMENTS, &lsn);
    buf_fini(&payload);
    if (e != OK || (e = raise_mark(t, row->lsn)) != OK)
        return e;
    row->confirmed_ms = clock_wall_ms();
    row->how = how;
    return archive_put(t, row);
}

enum err archive_restored(struct hub *h, struct store_txn *t, const struct archive_row *from)
{
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, 256);
    mp_put_uint(&payload, ACT_RESTORED);
    mp_put_uint(&payload, from->lsn);
    mp_put_bin(&payload, from->chain, DIGEST_BYTES);
    mp_put_int(&payload, from->made_ms);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, JOURNAL_BACKUP, bytes_of(payload.data, payload.len), RESTORE_ELEMENTS, &lsn);
    buf_fini(&payload);
    return e;
}

enum err archive_replay(struct store_txn *t, struct store_txn *living, uint64_t lsn, struct mp *m, size_t elements)
{
    uint8_t chain[DIGEST_BYTES];
    uint64_t act = mp_uint(m, UINT8_MAX);
    uint64_t covers = mp_uint(m, UINT64_MAX);
    enum err e;

    mp_bin_exact(m, chain, sizeof(chain));
    if (m->failed || elements < (act == ACT_CONFIRMED ? CONFIRM_ELEMENTS : RESTORE_ELEMENTS) ||
        (act != ACT_CONFIRMED && act != ACT_RESTORED))
        return ERR_MALFORMED;
    if (covers >= lsn)
        return err_set(ERR_INVALID, _("it speaks of entries that came after it"));
    if ((e = check_history(living, covers, chain)) != OK)
        return e;
    return act == ACT_CONFIRMED ? raise_mark(t, covers) : OK;
}

/* ---- receipts ---- */

/* A receipt as it was stored, by whichever key the hub signed with then, becomes one that says more. */
static enum err make_archived(const struct hub *h, struct buf *out, struct bytes stored, bool *has)
{
    struct receipt r;
    enum err e = receipt_open(&r, stored, NULL);

    *has = false;
    if (e != OK)
        return err_prefix(ERR_CORRUPT, "a stored receipt");
    if (r.state == RECEIPT_STORED) {
        r.state = RECEIPT_ARCHIVED;
        r.hub_ms = clock_wall_ms();
        r.directory_version = h->directory->version;
        buf_reset(out);
        e = receipt_make(out, &r, h->sign);
        *has = e == OK;
    }
    receipt_fini(&r);
    return e;
}

struct receipts {
    const struct hub *hub;
    struct buf object;
    uint64_t archived;
    unsigned left;
    enum err (*each)(void *ctx, uint64_t sequence, struct bytes receipt);
    void *ctx;
};

static enum err give(struct receipts *r, uint64_t sequence, struct bytes value)
{
    struct batch_row row = {0};
    bool has = false;
    enum err e = batch_row_get(&row, value);

    if (e != OK || row.lsn > r->archived || (e = make_archived(r->hub, &r->object, row.receipt, &has)) != OK || !has)
        return e;
    r->left--;
    return r->each(r->ctx, sequence, bytes_of(r->object.data, r->object.len));
}

enum err archive_each_receipt(const struct hub *h, struct store_txn *t, uint32_t participant,
                              const struct generation *gen, uint64_t above, unsigned most,
                              enum err (*each)(void *ctx, uint64_t sequence, struct bytes receipt), void *ctx)
{
    struct receipts r = {.hub = h, .left = most, .each = each, .ctx = ctx};
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err given = OK;
    enum err e = archive_last(t, &r.archived);

    if (e != OK || r.archived == 0 || above == UINT64_MAX || (e = store_cursor_open(t, H_BATCHES, &c)) != OK)
        return e;
    buf_init(&r.object, SIGNED_MAX);
    for (e = store_seek(c, place_key(raw, participant, gen, above + 1), &key, &value);
         e == OK && r.left > 0 && place_key_is_of(key, participant, gen); e = store_next(c, &key, &value))
        if ((given = give(&r, place_key_number(key), value)) != OK)
            break;
    store_cursor_close(c);
    buf_fini(&r.object);
    if (given != OK)
        return given;
    return e == ERR_NOT_FOUND ? OK : e;
}
