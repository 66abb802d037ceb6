#include "hub/publish_store.h"

#include "common/cli.h"

#include <string.h>

#define HEAD_ELEMENTS    10u
#define PAYLOAD_ELEMENTS 10u
#define ROW_ELEMENTS     (PAYLOAD_ELEMENTS + 1)
#define BODY_ELEMENTS    4u
#define HEAD_MAX         2048u

/* ---- the signed head ---- */

static void put_head(struct buf *b, const struct publication_head *head, const struct hub *h)
{
    mp_put_array(b, HEAD_ELEMENTS);
    mp_put_bin(b, h->district, sizeof(h->district));
    mp_put_cstr(b, head->programme);
    mp_put_cstr(b, head->version);
    mp_put_cstr(b, head->period);
    mp_put_cstr(b, head->audience);
    mp_put_cstr(b, head->school);
    mp_put_uint(b, head->lines);
    mp_put_uint(b, head->shown);
    mp_put_bin(b, head->csv, DIGEST_BYTES);
    mp_put_bin(b, head->json, DIGEST_BYTES);
}

static enum err open_head(struct publication_head *out, struct bytes object, const struct hub *h)
{
    uint8_t district[DISTRICT_BYTES];
    struct bytes payload;
    struct mp m;
    enum err e = signed_open(&payload, object, SIGNED_PUBLICATION, hub_signer(h, object));

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    m = mp_of(payload);
    (void)mp_array(&m, HEAD_ELEMENTS, 32);
    mp_bin_exact(&m, district, sizeof(district));
    mp_text(&m, out->programme, 1, FORM_NAME_MAX);
    mp_text(&m, out->version, 1, sizeof(out->version) - 1);
    mp_text(&m, out->period, 1, PERIOD_ID_MAX);
    mp_text(&m, out->audience, 1, sizeof(out->audience) - 1);
    mp_text(&m, out->school, 0, PUBLICATION_SCHOOL_MAX);
    out->lines = mp_uint(&m, UINT64_MAX);
    out->shown = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->csv, DIGEST_BYTES);
    mp_bin_exact(&m, out->json, DIGEST_BYTES);
    if (m.failed)
        return err_set(ERR_MALFORMED, "the head of a publication is damaged");
    if (memcmp(district, h->district, sizeof(district)) != 0)
        return err_set(ERR_AUTH, "the publication is of another district");
    return OK;
}

/* ---- the entry's payload; the row is the same with the time ---- */

static void put_payload(struct buf *b, const struct publication_row *r)
{
    mp_put_bin(b, r->object.p, r->object.len);
    mp_put_uint(b, r->snapshot_lsn);
    mp_put_bin(b, r->body, DIGEST_BYTES);
    mp_put_cstr(b, r->by);
    mp_put_uint(b, r->summary.no_data);
    mp_put_uint(b, r->summary.primary);
    mp_put_uint(b, r->summary.inputs);
    mp_put_uint(b, r->summary.extra);
    mp_put_uint(b, r->summary.targets);
    mp_put_uint(b, r->summary.readers);
}

static enum err read_payload(struct publication_row *r, struct mp *m, const struct hub *h)
{
    enum err e;

    memset(r, 0, sizeof(*r));
    r->object = mp_bin(m, SIGNED_MAX);
    r->snapshot_lsn = mp_uint(m, UINT64_MAX);
    mp_bin_exact(m, r->body, DIGEST_BYTES);
    mp_text(m, r->by, 0, RETURN_BY_MAX);
    r->summary.no_data = (uint32_t)mp_uint(m, UINT32_MAX);
    r->summary.primary = (uint32_t)mp_uint(m, UINT32_MAX);
    r->summary.inputs = (uint32_t)mp_uint(m, UINT32_MAX);
    r->summary.extra = (uint32_t)mp_uint(m, UINT32_MAX);
    r->summary.targets = (uint32_t)mp_uint(m, UINT32_MAX);
    r->summary.readers = (uint32_t)mp_uint(m, UINT32_MAX);
    if (m->failed)
        return err_set(ERR_MALFORMED, "what is kept of a publication is damaged");
    if ((e = open_head(&r->head, r->object, h)) != OK)
        return e;
    r->summary.lines = (uint32_t)r->head.lines;
    r->summary.shown = (uint32_t)r->head.shown;
    return OK;
}

static enum err put_row(struct store_txn *t, const struct publication_row *r)
{
    struct buf value;
    uint8_t key[8];
    enum err e;

    be64_put(key, r->id);
    buf_init(&value, (size_t)2 * HEAD_MAX);
    mp_put_array(&value, ROW_ELEMENTS);
    mp_put_int(&value, r->wall_ms);
    put_payload(&value, r);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_PUBLICATIONS, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err publication_row_get(struct publication_row *out, struct bytes key, struct bytes value, const struct hub *h)
{
    struct mp m = mp_of(value);
    int64_t wall_ms;
    enum err e;

    (void)mp_array(&m, ROW_ELEMENTS, 32);
    wall_ms = mp_int(&m);
    e = key.len == 8 ? read_payload(out, &m, h) : ERR_MALFORMED;
    if (e == ERR_MALFORMED || e == ERR_AUTH)
        return err_set(ERR_CORRUPT, _("what is kept of an earlier publication is damaged; run svodka-hub verify"));
    out->wall_ms = wall_ms;
    out->id = be64_get(key.p);
    return e;
}

/* ---- what lies beside ---- */

static enum err make_body(struct buf *out, const struct publication_tables *t)
{
    mp_put_array(out, BODY_ELEMENTS);
    mp_put_bin(out, t->rows.data, t->rows.len);
    mp_put_bin(out, t->csv.data, t->csv.len);
    mp_put_bin(out, t->json.data, t->json.len);
    mp_put_bin(out, t->memory.data, t->memory.len);
    return buf_status(out);
}

static bool has_digest(const struct buf *b, const uint8_t expected[DIGEST_BYTES])
{
    uint8_t found[DIGEST_BYTES];

    digest(found, bytes_of(b->data, b->len));
    return digest_equal(found, expected);
}

enum err publication_body_open(struct publication_tables *out, const struct publication_row *row, struct bytes body)
{
    struct buf *const to[BODY_ELEMENTS] = {&out->rows, &out->csv, &out->json, &out->memory};
    uint8_t found[DIGEST_BYTES];
    struct mp m = mp_of(body);

    digest(found, body);
    if (!digest_equal(found, row->body))
        return err_set(ERR_CORRUPT, _("publication %llu is not the one that was kept; run svodka-hub verify"),
                       (unsigned long long)row->id);
    (void)mp_array(&m, BODY_ELEMENTS, BODY_ELEMENTS);
    for (size_t i = 0; i < BODY_ELEMENTS; i++) {
        struct bytes b = mp_bin(&m, PUBLICATION_BODY_MAX);

        buf_reset(to[i]);
        buf_put(to[i], b.p, b.len);
        if (buf_status(to[i]) != OK)
            return buf_status(to[i]);
    }
    if (!mp_done(&m))
        return err_set(ERR_CORRUPT, "publication %llu is damaged", (unsigned long long)row->id);
    if (!has_digest(&out->csv, row->head.csv) || !has_digest(&out->json, row->head.json))
        return err_set(ERR_CORRUPT, _("publication %llu is not the one that was signed; run svodka-hub verify"),
                       (unsigned long long)row->id);
    return OK;
}

enum err publication_read(struct store_txn *t, const struct publication_row *row, struct publication_tables *out)
{
    struct buf body;
    enum err e;

    buf_init(&body, PUBLICATION_BODY_MAX);
    if ((e = ledger_beside(t, row->id, &body)) == OK)
        e = publication_body_open(out, row, bytes_of(body.data, body.len));
    buf_fini(&body);
    return e;
}

/* ---- keeping ---- */

static enum err journal(struct hub *h, struct store_txn *t, struct publication_row *row, struct bytes body)
{
    struct buf payload;
    enum err e;

    digest(row->body, body);
    buf_init(&payload, (size_t)2 * HEAD_MAX);
    put_payload(&payload, row);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide_with(h->ledger, t, JOURNAL_PUBLICATION, bytes_of(payload.data, payload.len), PAYLOAD_ELEMENTS,
                               body, &row->id);
    buf_fini(&payload);
    if (e == OK && (e = ledger_time(t, row->id, &row->wall_ms)) == OK)
        e = put_row(t, row);
    return e;
}

enum err publication_keep(struct hub *h, struct store_txn *t, struct publication_row *row,
                          const struct publication_tables *tables, struct buf *object)
{
    struct buf payload, body;
    enum err e;

    digest(row->head.csv, bytes_of(tables->csv.data, tables->csv.len));
    digest(row->head.json, bytes_of(tables->json.data, tables->json.len));
    row->head.lines = row->summary.lines;
    row->head.shown = row->summary.shown;
    buf_init(&payload, HEAD_MAX);
    buf_init(&body, PUBLICATION_BODY_MAX);
    put_head(&payload, &row->head, h);
    buf_reset(object);
    if ((e = buf_status(&payload)) == OK && (e = make_body(&body, tables)) == OK &&
        (e = signed_make(object, SIGNED_PUBLICATION, bytes_of(payload.data, payload.len), h->sign)) == OK) {
        row->object = bytes_of(object->data, object->len);
        e = journal(h, t, row, bytes_of(body.data, body.len));
    }
    buf_fini(&body);
    buf_fini(&payload);
    return e;
}

/* ---- finding ---- */

enum err publications_each(struct hub *h, struct store_txn *t,
                           enum err (*each)(void *ctx, const struct publication_row *row), void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    enum err visited = OK;
    enum err e = store_cursor_open(t, H_PUBLICATIONS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        struct publication_row row;

        if ((visited = publication_row_get(&row, key, value, h)) != OK || (visited = each(ctx, &row)) != OK)
            break;
    }
    store_cursor_close(c);
    if (visited != OK)
        return visited;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err keep_last(void *ctx, const struct publication_row *row)
{
    *(struct publication_row *)ctx = *row;
    return OK;
}

enum err publications_newest(struct hub *h, struct store_txn *t, struct publication_row *out)
{
    memset(out, 0, sizeof(*out));
    return publications_each(h, t, keep_last, out);
}

enum err publication_get(struct hub *h, struct store_txn *t, uint64_t id, struct publication_row *out)
{
    struct bytes value;
    uint8_t key[8];
    enum err e;

    be64_put(key, id);
    e = store_get(t, H_PUBLICATIONS, bytes_of(key, sizeof(key)), &value);
    if (e == ERR_NOT_FOUND)
        return err_set(e, _("there is no publication %llu; svodka-hub publish --list names them"),
                       (unsigned long long)id);
    return e == OK ? publication_row_get(out, bytes_of(key, sizeof(key)), value, h) : e;
}

struct looking_for {
    const struct publication_head *head;
    uint64_t snapshot_lsn;
    struct publication_row *out;
    bool found;
};

static enum err find(void *ctx, const struct publication_row *row)
{
    struct looking_for *f = ctx;

    if (row->snapshot_lsn == f->snapshot_lsn && strcmp(row->head.programme, f->head->programme) == 0 &&
        strcmp(row->head.period, f->head->period) == 0 && strcmp(row->head.audience, f->head->audience) == 0 &&
        strcmp(row->head.school, f->head->school) == 0) {
        *f->out = *row;
        f->found = true;
    }
    return OK;
}

enum err publication_find(struct hub *h, struct store_txn *t, const struct publication_head *head,
                          uint64_t snapshot_lsn, struct publication_row *out)
{
    struct looking_for f = {head, snapshot_lsn, out, false};
    enum err e = publications_each(h, t, find, &f);

    return e == OK && !f.found ? ERR_NOT_FOUND : e;
}

/* ---- the ledger's replay ---- */

enum err publication_replay(struct hub *h, struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m,
                            size_t elements)
{
    struct publication_row row;
    enum err e = elements < PAYLOAD_ELEMENTS ? err_set(ERR_MALFORMED, "the entry of a publication is damaged")
                                             : read_payload(&row, m, h);

    if (e != OK)
        return e;
    row.id = lsn;
    row.wall_ms = wall_ms;
    return put_row(t, &row);
}

enum err publication_check(struct hub *h, struct store_txn *t, uint64_t lsn)
{
    struct publication_tables tables;
    struct publication_row row;
    struct mp m;
    size_t elements;
    enum err e = ledger_payload(t, lsn, &m, &elements);

    if (e != OK || (e = read_payload(&row, &m, h)) != OK)
        return e;
    row.id = lsn;
    publication_tables_init(&tables);
    e = publication_read(t, &row, &tables);
    publication_tables_fini(&tables);
    return e;
}
