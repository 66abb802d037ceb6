#include "hub/signers_internal.h"

#include "hub/slot.h"

#include <stdlib.h>
#include <string.h>

#define KEY_LEN       (4u + KEY_BYTES)
#define SIGNER_FIELDS 10u

void signer_fini(struct signer *s)
{
    buf_fini(&s->farewell);
}

/* ---- H_SIGNERS ---- */

static struct bytes signer_key(uint8_t raw[KEY_LEN], uint32_t participant, const uint8_t sign[KEY_BYTES])
{
    be32_put(raw, participant);
    memcpy(raw + 4, sign, KEY_BYTES);
    return bytes_of(raw, KEY_LEN);
}

enum err signer_put(struct store_txn *t, uint32_t participant, const struct signer *s)
{
    uint8_t raw[KEY_LEN];
    struct buf value;
    enum err e;

    buf_init(&value, SIGNED_MAX + 512);
    mp_put_array(&value, SIGNER_FIELDS - 1);
    mp_put_bin(&value, s->curve, KEY_BYTES);
    mp_put_bin(&value, s->history, KEY_BYTES);
    mp_put_uint(&value, s->from_lsn);
    mp_put_uint(&value, s->until_lsn);
    mp_put_bool(&value, s->is_revoked);
    mp_put_bool(&value, s->is_finished);
    mp_put_uint(&value, s->held_bytes);
    mp_put_uint(&value, s->farewell_version);
    mp_put_bin(&value, s->farewell.data, s->farewell.len);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_SIGNERS, signer_key(raw, participant, s->sign), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static enum err signer_read(struct signer *out, struct bytes key, struct bytes value)
{
    struct mp m = mp_of(value);
    struct bytes farewell;

    memset(out, 0, sizeof(*out));
    buf_init(&out->farewell, SIGNED_MAX);
    if (key.len != KEY_LEN)
        return err_set(ERR_CORRUPT, "the hub's list of computers is damaged");
    memcpy(out->sign, key.p + 4, KEY_BYTES);
    (void)mp_array(&m, SIGNER_FIELDS - 1, 32);
    mp_bin_exact(&m, out->curve, KEY_BYTES);
    mp_bin_exact(&m, out->history, KEY_BYTES);
    out->from_lsn = mp_uint(&m, UINT64_MAX);
    out->until_lsn = mp_uint(&m, UINT64_MAX);
    out->is_revoked = mp_bool(&m);
    out->is_finished = mp_bool(&m);
    out->held_bytes = mp_uint(&m, UINT64_MAX);
    out->farewell_version = mp_uint(&m, UINT64_MAX);
    farewell = mp_bin(&m, SIGNED_MAX);
    if (m.failed)
        return err_set(ERR_CORRUPT, "the hub's list of computers is damaged");
    buf_put(&out->farewell, farewell.p, farewell.len);
    return buf_status(&out->farewell);
}

enum err signer_get(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES], struct signer *out)
{
    uint8_t raw[KEY_LEN];
    struct bytes key = signer_key(raw, participant, sign);
    struct bytes value;
    enum err e = store_get(t, H_SIGNERS, key, &value);

    if (e == OK && (e = signer_read(out, key, value)) != OK)
        signer_fini(out);
    return e;
}

static int by_age(const void *a, const void *b)
{
    const struct signer *x = a;
    const struct signer *y = b;

    return x->from_lsn < y->from_lsn ? -1 : x->from_lsn > y->from_lsn;
}

void signers_free(struct signer *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        signer_fini(&list[i]);
    free(list);
}

enum err signers_load(struct store_txn *t, uint32_t participant, struct signer **out, size_t *count)
{
    struct store_cursor *c = NULL;
    struct signer *list = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[4];
    size_t n = 0;
    enum err e = store_cursor_open(t, H_SIGNERS, &c);

    *out = NULL;
    *count = 0;
    if (e != OK)
        return e;
    be32_put(from, participant);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
         e == OK && key.len == KEY_LEN && memcmp(key.p, from, sizeof(from)) == 0; e = store_next(c, &key, &value)) {
        struct signer *grown = reallocarray(list, n + 1, sizeof(*grown));

        if (grown == NULL) {
            e = ERR_NOMEM;
            break;
        }
        list = grown;
        e = signer_read(&list[n++], key, value);
        if (e != OK)
            break;
    }
    store_cursor_close(c);
    if (e != OK && e != ERR_NOT_FOUND) {
        signers_free(list, n);
        return e;
    }
    if (n > 1)
        qsort(list, n, sizeof(*list), by_age);
    *out = list;
    *count = n;
    return OK;
}

enum err signer_add_held(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES], uint64_t bytes)
{
    struct signer s;
    enum err e = signer_get(t, participant, sign, &s);

    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    s.held_bytes += bytes;
    e = signer_put(t, participant, &s);
    signer_fini(&s);
    return e;
}

enum err signer_is_full(const struct hub *h, struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES],
                        uint64_t bytes, bool *is_full)
{
    struct signer s;
    enum err e = signer_get(t, participant, sign, &s);

    *is_full = false;
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    *is_full = s.held_bytes + bytes > (uint64_t)h->conf.held_max;
    signer_fini(&s);
    return OK;
}

enum err signer_is_known(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES], bool *is_known)
{
    struct signer *list;
    size_t count;
    enum err e = signers_load(t, participant, &list, &count);

    *is_known = count == 0;
    for (size_t i = 0; e == OK && i < count && !*is_known; i++)
        *is_known = digest_equal(list[i].sign, sign);
    signers_free(list, count);
    return e;
}

/* ---- H_STANDING ---- */

enum err stands_put(struct store_txn *t, uint32_t participant, const struct stands *s)
{
    uint8_t key[4];
    struct buf value;
    enum err e;

    be32_put(key, participant);
    buf_init(&value, REASON_MAX + 64);
    mp_put_array(&value, 4);
    mp_put_uint(&value, (uint64_t)s->state);
    mp_put_uint(&value, s->lsn);
    mp_put_int(&value, s->since_ms);
    mp_put_cstr(&value, s->reason);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_STANDING, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err signers_stands(struct store_txn *t, uint32_t participant, struct stands *out)
{
    uint8_t key[4];
    struct bytes value;
    struct mp m;
    enum err e;

    memset(out, 0, sizeof(*out));
    be32_put(key, participant);
    if ((e = store_get(t, H_STANDING, bytes_of(key, sizeof(key)), &value)) != OK)
        return e;
    m = mp_of(value);
    (void)mp_array(&m, 4, 32);
    out->state = (enum stands_as)mp_uint(&m, STANDS_SHUT);
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->since_ms = mp_int(&m);
    mp_text(&m, out->reason, 0, REASON_MAX);
    return m.failed ? err_set(ERR_CORRUPT, "the hub's word about a participant is damaged") : OK;
}

/* ---- H_SUSPECTS ---- */

enum err suspects_mark(struct store_txn *t, uint64_t lsn, uint32_t participant, const struct suspect_from *from)
{
    uint8_t at[PLACE_KEY_BYTES];
    uint8_t value[8];
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes row;
    enum err e = store_cursor_open(t, H_BATCHES, &c);

    if (e != OK)
        return e;
    be64_put(value, lsn);
    place_key_put(at, participant, &from->gen, from->sequence);
    for (e = store_seek(c, bytes_of(at, sizeof(at)), &key, &row);
         e == OK && key.len == sizeof(at) && memcmp(key.p, at, GEN_KEY_BYTES) == 0; e = store_next(c, &key, &row))
        if ((e = store_put(t, H_SUSPECTS, key, bytes_of(value, sizeof(value)))) != OK)
            break;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err suspects_each(struct store_txn *t, uint32_t participant, enum err (*each)(void *ctx, const struct suspect *s),
                       void *ctx)
{
    struct store_cursor *c = NULL;
    struct bytes key;
    struct bytes value;
    uint8_t from[4];
    enum err e = store_cursor_open(t, H_SUSPECTS, &c);

    if (e != OK)
        return e;
    be32_put(from, participant);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        struct suspect s;
        struct record_ref ref;

        if (key.len != PLACE_KEY_BYTES || value.len != 8) {
            e = err_set(ERR_CORRUPT, "the list of doubtful batches is damaged");
            break;
        }
        s.participant = be32_get(key.p);
        if (participant != 0 && s.participant != participant)
            break;
        ref = record_ref_get(key.p + 4);
        s.gen = ref.gen;
        s.sequence = ref.number;
        s.lsn = be64_get(value.p);
        if ((e = each(ctx, &s)) != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err suspect_clear(struct store_txn *t, uint32_t participant, const struct generation *gen, uint64_t sequence)
{
    uint8_t key[PLACE_KEY_BYTES];

    place_key_put(key, participant, gen, sequence);
    return store_delete(t, H_SUSPECTS, bytes_of(key, sizeof(key)));
}
