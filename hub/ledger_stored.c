#include "hub/ledger_stored.h"

#include "hub/storage_keys.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC       "SVDL"
#define VERSION     1u
#define WRAPPED_LEN ((size_t)KEY_BYTES + LOCK_OVERHEAD)
#define PLACE_BYTES (DIGEST_BYTES + 9u)

enum section_state { SECTION_WHOLE = 1, SECTION_REST = 2 };
enum locked_what { LOCKED_KEY = 1, LOCKED_SECTION = 2, LOCKED_RESIDUE = 3 };

/* Binds what is locked to its place: this batch, this section, this version. */
static struct bytes place_of(uint8_t out[PLACE_BYTES], const struct stored_at *at, uint32_t section, uint32_t version,
                             enum locked_what what)
{
    memcpy(out, at->digest, DIGEST_BYTES);
    be32_put(out + DIGEST_BYTES, section);
    be32_put(out + DIGEST_BYTES + 4, version);
    out[DIGEST_BYTES + 8] = (uint8_t)what;
    return bytes_of(out, PLACE_BYTES);
}

static enum err leaf_of(const struct stored_at *at, const struct batch_header *h, uint32_t section, uint32_t version,
                        uint8_t leaf[KEY_BYTES])
{
    return storage_keys_leaf(at->keys, h->sections[section].retention, at->school_year, at->lsn, version, leaf);
}

/* ---- making ---- */

static void put_head(struct buf *out, uint32_t sections, struct bytes clear, struct bytes signature)
{
    buf_put(out, MAGIC, 4);
    buf_put_u8(out, VERSION);
    buf_put_u8(out, (uint8_t)sections);
    buf_put_u32(out, (uint32_t)clear.len);
    buf_put(out, clear.p, clear.len);
    buf_put(out, signature.p, signature.len);
}

static enum err put_whole(struct buf *out, const struct stored_at *at, const struct batch_header *h, uint32_t section,
                          struct bytes sealed, const uint8_t key[KEY_BYTES])
{
    uint8_t place[PLACE_BYTES];
    uint8_t leaf[KEY_BYTES];
    enum err e = leaf_of(at, h, section, 0, leaf);

    if (e != OK)
        return e;
    buf_put_u8(out, SECTION_WHOLE);
    buf_put_u32(out, (uint32_t)(WRAPPED_LEN + sealed.len + LOCK_OVERHEAD));
    if ((e = lock_bytes(out, leaf, place_of(place, at, section, 0, LOCKED_KEY), bytes_of(key, KEY_BYTES))) == OK)
        e = lock_bytes(out, leaf, place_of(place, at, section, 0, LOCKED_SECTION), sealed);
    wipe(leaf, sizeof(leaf));
    return e;
}

enum err stored_make(struct buf *out, const struct stored_at *at, const struct batch_header *h, struct bytes batch,
                     const struct section_keys *keys)
{
    size_t from = batch_clear_len(batch);
    enum err e = OK;

    put_head(out, h->section_count, bytes_of(batch.p, from),
             bytes_of(batch.p + batch.len - SIGNATURE_BYTES, SIGNATURE_BYTES));
    for (uint32_t k = 0; k < h->section_count && e == OK; k++) {
        e = put_whole(out, at, h, k, bytes_of(batch.p + from, h->sections[k].sealed_len), keys->key[k]);
        from += h->sections[k].sealed_len;
    }
    return e == OK ? buf_status(out) : e;
}

/* ---- taking apart ---- */

static enum err damaged(void)
{
    return err_set(ERR_MALFORMED, "what is stored of a batch is damaged");
}

static enum err take_section(struct rd *r, struct stored_section *s)
{
    uint8_t state = rd_u8(r);
    uint32_t len = rd_u32(r);
    const uint8_t *p = rd_bytes(r, len);
    struct rd in;

    if (p == NULL)
        return damaged();
    s->is_whole = state == SECTION_WHOLE;
    if (s->is_whole) {
        s->body = bytes_of(p, len);
        return len > WRAPPED_LEN ? OK : damaged();
    }
    in = rd_of(p, len);
    s->version = rd_u32(&in);
    s->list.len = rd_u32(&in);
    s->list.p = rd_bytes(&in, s->list.len);
    s->residue = bytes_of(in.p, rd_left(&in));
    return state == SECTION_REST && s->list.p != NULL && !in.failed ? OK : damaged();
}

enum err stored_parse(struct stored_batch *out, struct bytes in)
{
    struct rd r = rd_of(in.p, in.len);
    struct stored_batch s;
    const uint8_t *magic = rd_bytes(&r, 4);
    uint8_t version = rd_u8(&r);
    uint8_t sections = rd_u8(&r);
    uint32_t clear_len = rd_u32(&r);
    enum err e;

    memset(&s, 0, sizeof(s));
    s.clear = bytes_of(rd_bytes(&r, clear_len), clear_len);
    s.signature = bytes_of(rd_bytes(&r, SIGNATURE_BYTES), SIGNATURE_BYTES);
    if (r.failed || magic == NULL || memcmp(magic, MAGIC, 4) != 0)
        return damaged();
    if (version != VERSION)
        return err_set(ERR_VERSION, "a stored batch of version %u; this program knows version %u", version, VERSION);
    if ((e = batch_parse_clear(&s.header, s.clear)) != OK)
        return e;
    e = sections == s.header.section_count ? OK : damaged();
    for (uint32_t k = 0; k < s.header.section_count && e == OK; k++)
        e = take_section(&r, &s.sections[k]);
    if (e == OK && rd_left(&r) > 0)
        e = damaged();
    if (e != OK) {
        batch_header_fini(&s.header);
        return e;
    }
    *out = s;
    return OK;
}

void stored_fini(struct stored_batch *s)
{
    batch_header_fini(&s->header);
}

/* ---- opening ---- */

static enum err open_whole(struct stored_opened *o, const struct stored_batch *s, const struct stored_at *at,
                           uint32_t section)
{
    const struct stored_section *from = &s->sections[section];
    uint8_t place[PLACE_BYTES];
    uint8_t leaf[KEY_BYTES];
    size_t before = o->raw.len;
    struct buf key;
    enum err e = leaf_of(at, &s->header, section, 0, leaf);

    if (e != OK)
        return e;
    buf_init(&key, KEY_BYTES);
    if ((e = unlock_bytes(&key, leaf, place_of(place, at, section, 0, LOCKED_KEY),
                          bytes_of(from->body.p, WRAPPED_LEN))) == OK)
        e = unlock_bytes(&o->raw, leaf, place_of(place, at, section, 0, LOCKED_SECTION),
                         bytes_of(from->body.p + WRAPPED_LEN, from->body.len - WRAPPED_LEN));
    if (e == OK && (key.len != KEY_BYTES || o->raw.len - before != s->header.sections[section].sealed_len))
        e = damaged();
    if (e == OK) {
        memcpy(o->keys.key[section], key.data, KEY_BYTES);
        o->parts[section] = (struct batch_part){.sealed = bytes_of(o->raw.data + before, o->raw.len - before),
                                                .key = o->keys.key[section]};
    }
    buf_wipe(&key);
    wipe(leaf, sizeof(leaf));
    return e;
}

static enum err take_row(void *ctx, uint64_t number, struct bytes record)
{
    struct stored_opened *o = ctx;

    if (o->record_count == o->record_room)
        return damaged();
    o->records[o->record_count] = record;
    o->numbers[o->record_count++] = number;
    return OK;
}

/* As many as were sent: fewer are left. */
static enum err make_rows(struct stored_opened *o, const struct batch_header *h)
{
    if (o->records != NULL)
        return OK;
    for (uint32_t i = 0; i < h->section_count; i++)
        o->record_room += h->sections[i].records;
    if (o->record_room == 0 || o->record_room > BATCH_MAX_RECORDS)
        return damaged();
    o->records = calloc(o->record_room, sizeof(*o->records));
    o->numbers = calloc(o->record_room, sizeof(*o->numbers));
    return o->records == NULL || o->numbers == NULL ? ERR_NOMEM : OK;
}

static enum err open_residue(struct stored_opened *o, const struct stored_batch *s, const struct stored_at *at,
                             uint32_t section)
{
    const struct stored_section *from = &s->sections[section];
    uint32_t first = o->record_count;
    size_t before = o->residue.len;
    uint8_t place[PLACE_BYTES];
    uint8_t leaf[KEY_BYTES];
    enum err e = make_rows(o, &s->header);

    if (e == OK)
        e = leaf_of(at, &s->header, section, from->version, leaf);
    if (e != OK)
        return e;
    e = unlock_bytes(&o->residue, leaf, place_of(place, at, section, from->version, LOCKED_RESIDUE), from->residue);
    wipe(leaf, sizeof(leaf));
    if (e == OK)
        e = residue_each(bytes_of(o->residue.data + before, o->residue.len - before), take_row, o);
    o->parts[section] = (struct batch_part){
        .records = o->records + first, .numbers = o->numbers + first, .count = o->record_count - first};
    return e;
}

static enum err open_rest(struct stored_opened *o, const struct stored_batch *s, const struct stored_at *at,
                          uint32_t section, bool with_residue)
{
    struct erased_list list = {NULL, NULL, 0, 0};
    enum err e = erased_get(&list, s->sections[section].list);

    if (e == OK)
        e = erased_merge(&o->erased, &list);
    erased_fini(&list);
    o->is_whole = false;
    if (e == OK && with_residue && s->sections[section].residue.len > 0)
        e = open_residue(o, s, at, section);
    return e;
}

/* Room at once: parts point into the buffers. */
static enum err make_room(struct stored_opened *o, const struct stored_batch *s)
{
    size_t raw = s->clear.len + s->signature.len;
    size_t residue = 0;

    for (uint32_t k = 0; k < s->header.section_count; k++) {
        raw += s->header.sections[k].sealed_len;
        residue += s->sections[k].residue.len;
    }
    buf_init(&o->raw, raw);
    buf_init(&o->residue, residue);
    if (buf_grow(&o->raw, raw) == NULL || (residue > 0 && buf_grow(&o->residue, residue) == NULL))
        return ERR_NOMEM;
    o->raw.len = o->residue.len = 0;
    return OK;
}

enum err stored_open(struct stored_opened *out, const struct stored_batch *s, const struct stored_at *at, uint32_t mask)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    out->is_whole = true;
    if ((e = make_room(out, s)) != OK)
        goto fini;
    buf_put(&out->raw, s->clear.p, s->clear.len);
    for (uint32_t k = 0; k < s->header.section_count && e == OK; k++) {
        bool wanted = (mask >> k & 1) != 0;

        if (!s->sections[k].is_whole)
            e = open_rest(out, s, at, k, wanted);
        else if (wanted)
            e = open_whole(out, s, at, k);
        else
            out->is_whole = false;
    }
    buf_put(&out->raw, s->signature.p, s->signature.len);
    if (e == OK)
        return OK;
fini:
    stored_opened_fini(out);
    return e;
}

void stored_opened_fini(struct stored_opened *o)
{
    buf_fini(&o->raw);
    buf_wipe(&o->residue);
    erased_fini(&o->erased);
    free(o->records);
    free(o->numbers);
    wipe(o, sizeof(*o));
}

/* ---- erasing ---- */

static enum err put_rest(struct buf *out, const struct stored_batch *s, const struct stored_at *at, uint32_t section,
                         const struct stored_rest *rest)
{
    uint8_t place[PLACE_BYTES];
    uint8_t leaf[KEY_BYTES];
    struct buf body;
    enum err e = OK;

    buf_init(&body, STORED_MAX);
    buf_put_u32(&body, rest->version);
    buf_put_u32(&body, 0);
    erased_put(&body, rest->list);
    if ((e = buf_status(&body)) == OK)
        be32_put(body.data + 4, (uint32_t)body.len - 8);
    if (e == OK && rest->residue.len > 0 && (e = leaf_of(at, &s->header, section, rest->version, leaf)) == OK) {
        e = lock_bytes(&body, leaf, place_of(place, at, section, rest->version, LOCKED_RESIDUE), rest->residue);
        wipe(leaf, sizeof(leaf));
    }
    if (e == OK) {
        buf_put_u8(out, SECTION_REST);
        buf_put_u32(out, (uint32_t)body.len);
        buf_put(out, body.data, body.len);
    }
    buf_fini(&body);
    return e == OK ? buf_status(out) : e;
}

static void put_as_it_was(struct buf *out, const struct stored_section *s)
{
    if (s->is_whole) {
        buf_put_u8(out, SECTION_WHOLE);
        buf_put_u32(out, (uint32_t)s->body.len);
        buf_put(out, s->body.p, s->body.len);
        return;
    }
    buf_put_u8(out, SECTION_REST);
    buf_put_u32(out, (uint32_t)(8 + s->list.len + s->residue.len));
    buf_put_u32(out, s->version);
    buf_put_u32(out, (uint32_t)s->list.len);
    buf_put(out, s->list.p, s->list.len);
    buf_put(out, s->residue.p, s->residue.len);
}

enum err stored_replace(struct buf *out, const struct stored_batch *s, const struct stored_at *at,
                        const struct stored_rest *const rest[BATCH_MAX_SECTIONS])
{
    enum err e = OK;

    put_head(out, s->header.section_count, s->clear, s->signature);
    for (uint32_t k = 0; k < s->header.section_count && e == OK; k++)
        if (rest[k] != NULL)
            e = put_rest(out, s, at, k, rest[k]);
        else
            put_as_it_was(out, &s->sections[k]);
    return e == OK ? buf_status(out) : e;
}

/* ---- rows ---- */

enum err holes_new(struct holes **out, struct erased_list *list, const struct batch_header *h)
{
    struct holes *o = calloc(1, sizeof(*o));

    if (o == NULL || (o->ranges = calloc((size_t)h->range_count + 1, sizeof(*o->ranges))) == NULL) {
        free(o);
        return ERR_NOMEM;
    }
    o->list = *list;
    *list = (struct erased_list){NULL, NULL, 0, 0};
    o->range_count = h->range_count;
    if (h->range_count > 0)
        memcpy(o->ranges, h->ranges, h->range_count * sizeof(*o->ranges));
    for (uint32_t k = 0; k < h->range_count; k++)
        o->total += (uint32_t)h->ranges[k].count;
    *out = o;
    return OK;
}

void holes_free(struct holes *h)
{
    if (h == NULL)
        return;
    erased_fini(&h->list);
    free(h->ranges);
    free(h);
}

uint64_t holes_number(const struct holes *h, uint32_t row)
{
    for (uint32_t k = 0; k < h->range_count; k++) {
        if (row < h->ranges[k].count)
            return h->ranges[k].first + row;
        row -= (uint32_t)h->ranges[k].count;
    }
    return 0;
}

enum err holes_row(const struct holes *h, uint64_t number, uint32_t *row)
{
    uint32_t before = 0;

    for (uint32_t k = 0; k < h->range_count; k++) {
        if (number >= h->ranges[k].first && number - h->ranges[k].first < h->ranges[k].count) {
            *row = before + (uint32_t)(number - h->ranges[k].first);
            return OK;
        }
        before += (uint32_t)h->ranges[k].count;
    }
    return ERR_NOT_FOUND;
}
