#include "protocol/history.h"

#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>

#define SEAL_DOMAIN    "svodka history seal v1"
#define HISTORY_FIELDS (WORD_HEAD_FIELDS + 5u)
#define APART_FIELDS   3u
#define SEALED_MAX     (72u + BATCH_MAX_SECTIONS * KEY_BYTES)

void history_fini(struct history *h)
{
    free(h->apart);
    wipe(h, sizeof(*h));
}

static uint32_t mask_of(uint32_t sections)
{
    return sections >= 32 ? ~0u : (1u << sections) - 1u;
}

/* The batch is part of what the keys are sealed for: they open nothing else. */
static enum err seal_keys(struct buf *out, const struct history *h, const uint8_t to[KEY_BYTES])
{
    uint8_t of[DIGEST_BYTES];

    batch_digest(of, h->batch);
    return seal_small(out, to, SEAL_DOMAIN, bytes_of(of, sizeof(of)),
                      bytes_of(h->keys.key, (size_t)h->section_count * KEY_BYTES));
}

static enum err open_keys(struct history *out, struct bytes sealed, const struct key *own)
{
    uint8_t of[DIGEST_BYTES];
    struct buf plain;
    enum err e;

    batch_digest(of, out->batch);
    buf_init(&plain, SEALED_MAX);
    e = open_small(&plain, own, SEAL_DOMAIN, bytes_of(of, sizeof(of)), sealed);
    if (e == OK && plain.len != (size_t)out->section_count * KEY_BYTES)
        e = err_set(ERR_MALFORMED, "history: keys of another number of sections");
    if (e == OK && plain.len > 0)
        memcpy(out->keys.key, plain.data, plain.len);
    buf_wipe(&plain);
    return e;
}

static void put_payload(struct buf *b, const struct history *h, struct bytes sealed)
{
    mp_put_array(b, HISTORY_FIELDS);
    word_head_put(b, &h->head);
    mp_put_int(b, h->hub_ms);
    mp_put_bin(b, h->batch.p, h->batch.len);
    mp_put_uint(b, h->section_mask);
    mp_put_bin(b, sealed.p, sealed.len);
    mp_put_array(b, h->apart_count);
    for (uint32_t i = 0; i < h->apart_count; i++) {
        mp_put_array(b, APART_FIELDS);
        mp_put_uint(b, h->apart[i].number);
        mp_put_uint(b, h->apart[i].standing);
        mp_put_uint(b, h->apart[i].reason);
    }
}

static void read_apart(struct mp *m, struct history_apart *at, uint64_t *last)
{
    size_t unknown = fields_begin(m, APART_FIELDS);

    at->number = fields_u64(m, *last + 1, INT64_MAX);
    at->standing = fields_u32(m, 0, UINT8_MAX);
    at->reason = fields_u32(m, 0, UINT8_MAX);
    fields_end(m, unknown);
    *last = m->failed ? *last : at->number;
}

static enum err read_payload(struct history *out, struct bytes payload, struct bytes *sealed)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, HISTORY_FIELDS);
    uint64_t last = 0;
    size_t count;

    word_head_read(&m, &out->head);
    out->hub_ms = fields_time(&m);
    out->batch = mp_bin(&m, BATCH_MAX_SEALED);
    out->section_mask = fields_u32(&m, 0, mask_of(BATCH_MAX_SECTIONS));
    *sealed = mp_bin(&m, SEALED_MAX);
    count = mp_array(&m, 0, HISTORY_MAX_APART);
    if (count > 0 && (out->apart = calloc(count, sizeof(*out->apart))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && !m.failed; i++)
        read_apart(&m, &out->apart[i], &last);
    out->apart_count = (uint32_t)count;
    fields_end(&m, unknown);
    return fields_done(&m, "history");
}

/* Its sections, so that nobody unlocks more keys than there are. */
static enum err check_batch(struct history *out)
{
    struct batch_header h;
    enum err e = batch_parse(&h, out->batch);

    if (e != OK)
        return e;
    out->section_count = h.section_count;
    batch_header_fini(&h);
    if ((out->section_mask & ~mask_of(out->section_count)) != 0)
        return err_set(ERR_MALFORMED, "history: keys of sections that the batch does not have");
    return OK;
}

static enum err read_back(struct bytes payload)
{
    struct history again = {.hub_ms = 0};
    struct bytes sealed;
    enum err e = read_payload(&again, payload, &sealed);

    if (e == OK)
        e = check_batch(&again);
    history_fini(&again);
    return e == OK || e == ERR_NOMEM ? e : err_prefix(ERR_INVALID, "a page of history that nobody could read");
}

enum err history_make(struct buf *out, const struct history *h, const uint8_t to[KEY_BYTES], const struct key *hub_sign)
{
    struct bytes payload;
    struct buf b, sealed;
    enum err e;

    if (h->apart_count > HISTORY_MAX_APART || h->section_count > BATCH_MAX_SECTIONS)
        return err_set(ERR_LIMIT, "history of %s: more than fits into a page", h->head.participant);
    buf_init(&b, SIGNED_MAX);
    buf_init(&sealed, SEALED_MAX);
    if ((e = seal_keys(&sealed, h, to)) == OK) {
        put_payload(&b, h, bytes_of(sealed.data, sealed.len));
        payload = bytes_of(b.data, b.len);
        if ((e = buf_status(&b)) == OK && (e = read_back(payload)) == OK)
            e = signed_make(out, SIGNED_HISTORY, payload, hub_sign);
    }
    buf_fini(&sealed);
    buf_fini(&b);
    return e;
}

enum err history_open(struct history *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES],
                      const struct key *own)
{
    struct bytes payload;
    struct bytes sealed;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = signed_open(&payload, object, SIGNED_HISTORY, hub_sign)) != OK)
        return e;
    if ((e = read_payload(out, payload, &sealed)) != OK || (e = check_batch(out)) != OK ||
        (e = open_keys(out, sealed, own)) != OK)
        history_fini(out);
    return e;
}
