#include "hub/signers.h"

#include "common/cli.h"
#include "hub/ledger.h"
#include "hub/slot.h"
#include "protocol/grant.h"

#include <stdlib.h>
#include <string.h>

#define KEY_LEN       (4u + KEY_BYTES)
#define SIGNER_FIELDS 10u
#define ENTRY_MAX     (256u << 10)
#define WHAT_MAX      32u

static const char *const deeds[DEED_COUNT] = {[DEED_INVITED] = "invited",
                                              [DEED_ENROLLED] = "enrolled",
                                              [DEED_SUPERSEDED] = "superseded",
                                              [DEED_HISTORY_KEY] = "history-key",
                                              [DEED_HELD] = "held",
                                              [DEED_RELEASED] = "released",
                                              [DEED_REVOKED] = "revoked",
                                              [DEED_CLOSED] = "closed",
                                              [DEED_REKEYED] = "rekeyed",
                                              [DEED_FINISHED] = "finished",
                                              [DEED_INVITED_AGAIN] = "invited again",
                                              [DEED_LOCKED] = "locked"};

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

static enum err signer_put(struct store_txn *t, uint32_t participant, const struct signer *s)
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

static void free_all(struct signer *list, size_t count)
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
        free_all(list, n);
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

enum err signer_is_known(struct store_txn *t, uint32_t participant, const uint8_t sign[KEY_BYTES], bool *is_known)
{
    struct signer *list;
    size_t count;
    enum err e = signers_load(t, participant, &list, &count);

    *is_known = count == 0;
    for (size_t i = 0; e == OK && i < count && !*is_known; i++)
        *is_known = digest_equal(list[i].sign, sign);
    free_all(list, count);
    return e;
}

/* ---- H_STANDING ---- */

static enum err stands_put(struct store_txn *t, uint32_t participant, const struct stands *s)
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

/* Batches of the generation that are held now; the batches' table is not written meanwhile. */
static enum err mark_generation(struct store_txn *t, uint64_t lsn, uint32_t participant,
                                const struct suspect_from *from)
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

/* ---- what follows from a deed ---- */

struct deed {
    uint64_t lsn;
    uint32_t participant;
    struct bytes object;
    struct stands standing; /* as it was */
};

static enum err end_signer(struct store_txn *t, const struct deed *d, struct signer *s)
{
    s->until_lsn = d->lsn;
    s->is_revoked = d->standing.state == STANDS_REVOKED;
    return signer_put(t, d->participant, s);
}

/* The signature was checked when the entry was made, and the journal's chain covers it: here it must only be whole. */
static enum err open_grant(const struct deed *d, struct grant **out)
{
    const uint8_t *signer = d->object.len > KEY_BYTES + SIGNATURE_BYTES ? signed_signer(d->object) : NULL;
    struct grant *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return ERR_NOMEM;
    if (signer == NULL || grant_open(g, d->object, signer) != OK) {
        free(g);
        return err_set(ERR_MALFORMED, "a grant in the journal is damaged");
    }
    *out = g;
    return OK;
}

static enum err put_farewell(struct store_txn *t, const struct deed *d)
{
    struct grant *g = NULL;
    struct signer s;
    enum err e = open_grant(d, &g);

    if (e == OK && (e = signer_get(t, d->participant, g->sign_key, &s)) == OK) {
        buf_reset(&s.farewell);
        buf_put(&s.farewell, d->object.p, d->object.len);
        s.farewell_version = g->version;
        e = end_signer(t, d, &s);
        signer_fini(&s);
    }
    free(g);
    return e;
}

/* The present computer, if there is one that is not `but`. */
static enum err end_present(struct store_txn *t, const struct deed *d, const uint8_t but[KEY_BYTES])
{
    struct signer *list;
    size_t count;
    enum err e = signers_load(t, d->participant, &list, &count);

    if (e == OK && count >= SIGNERS_MAX)
        e = err_set(ERR_LIMIT, _("more than %u computers of one school, one after the other"), SIGNERS_MAX);
    for (size_t i = 0; e == OK && i < count; i++)
        if (list[i].until_lsn == 0 && !digest_equal(list[i].sign, but))
            e = end_signer(t, d, &list[i]);
    free_all(list, count);
    return e;
}

static enum err put_present(struct store_txn *t, const struct deed *d)
{
    struct signer s = {.from_lsn = d->lsn};
    struct grant *g = NULL;
    enum err e = open_grant(d, &g);

    if (e != OK)
        return e;
    buf_init(&s.farewell, SIGNED_MAX);
    memcpy(s.sign, g->sign_key, KEY_BYTES);
    memcpy(s.curve, g->curve_key, KEY_BYTES);
    free(g);
    if ((e = end_present(t, d, s.sign)) == OK)
        e = signer_put(t, d->participant, &s);
    return e;
}

/* Key that the deed names: of the present computer (NULL), or this one. */
static enum err change_signer(struct store_txn *t, const struct deed *d, enum participant_deed deed)
{
    struct signer *list;
    size_t count;
    enum err e = signers_load(t, d->participant, &list, &count);

    if (e == OK && d->object.len != KEY_BYTES)
        e = err_set(ERR_MALFORMED, "a key in the journal is damaged");
    for (size_t i = 0; e == OK && i < count; i++) {
        struct signer *s = &list[i];

        if (deed == DEED_HISTORY_KEY ? s->until_lsn != 0 : !digest_equal(s->sign, d->object.p))
            continue;
        if (deed == DEED_HISTORY_KEY)
            memcpy(s->history, d->object.p, KEY_BYTES);
        else
            s->is_finished = true;
        e = signer_put(t, d->participant, s);
    }
    free_all(list, count);
    return e;
}

static enum err apply_signers(struct store_txn *t, const struct deed *d, enum participant_deed deed)
{
    switch (deed) {
    case DEED_ENROLLED: return put_present(t, d);
    case DEED_SUPERSEDED: return put_farewell(t, d);
    case DEED_HISTORY_KEY:
    case DEED_FINISHED: return change_signer(t, d, deed);
    case DEED_INVITED:
    case DEED_HELD:
    case DEED_RELEASED:
    case DEED_REVOKED:
    case DEED_CLOSED:
    case DEED_REKEYED:
    case DEED_INVITED_AGAIN:
    case DEED_LOCKED:
    case DEED_COUNT: break;
    }
    return OK;
}

/* False: it does not change how the participant stands. */
static bool next_state(enum stands_as now, enum participant_deed deed, enum stands_as *out)
{
    switch (deed) {
    case DEED_INVITED: *out = STANDS_INVITED; return true;
    case DEED_ENROLLED: *out = now == STANDS_HELD ? STANDS_HELD : STANDS_ACTIVE; return now != STANDS_HELD;
    case DEED_HELD: *out = STANDS_HELD; return true;
    case DEED_RELEASED: *out = STANDS_ACTIVE; return true;
    case DEED_REVOKED: *out = STANDS_REVOKED; return true;
    case DEED_CLOSED: *out = STANDS_SHUT; return true;
    case DEED_SUPERSEDED:
    case DEED_HISTORY_KEY:
    case DEED_REKEYED:
    case DEED_FINISHED:
    case DEED_INVITED_AGAIN:
    case DEED_LOCKED:
    case DEED_COUNT: break;
    }
    return false;
}

static enum err apply(struct store_txn *t, struct deed *d, enum participant_deed deed, int64_t wall_ms,
                      const char *reason)
{
    enum stands_as state;
    enum err e = signers_stands(t, d->participant, &d->standing);

    if (e == ERR_NOT_FOUND)
        e = OK;
    if (e != OK || (e = apply_signers(t, d, deed)) != OK || !next_state(d->standing.state, deed, &state))
        return e;
    d->standing.state = state;
    d->standing.lsn = d->lsn;
    d->standing.since_ms = wall_ms;
    memset(d->standing.reason, 0, sizeof(d->standing.reason));
    memcpy(d->standing.reason, reason, strnlen(reason, REASON_MAX));
    return stands_put(t, d->participant, &d->standing);
}

/* ---- the journal: id, index, deed, object; then, where there are any: reason, list of doubtful batches ---- */

static void put_suspects(struct buf *out, const struct suspect_from *from, size_t count)
{
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_array(out, 3);
        mp_put_uint(out, from[i].gen.counter);
        mp_put_bin(out, from[i].gen.tag, TAG_BYTES);
        mp_put_uint(out, from[i].sequence);
    }
}

enum err signers_decide(struct hub *h, struct store_txn *t, const char *id, uint32_t participant,
                        enum participant_deed deed, struct bytes object, const char *reason,
                        const struct suspect_from *from, size_t from_count)
{
    size_t elements = from_count > 0 ? 6 : reason[0] != '\0' ? 5 : 4;
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, ENTRY_MAX);
    mp_put_cstr(&payload, id);
    mp_put_uint(&payload, participant);
    mp_put_cstr(&payload, deeds[deed]);
    mp_put_bin(&payload, object.p, object.len);
    if (elements > 4)
        mp_put_cstr(&payload, reason);
    if (elements > 5)
        put_suspects(&payload, from, from_count);
    if ((e = buf_status(&payload)) == OK &&
        (e = ledger_decide(h->ledger, t, JOURNAL_PARTICIPANT, bytes_of(payload.data, payload.len), elements, &lsn)) ==
            OK) {
        struct mp m = mp_of(bytes_of(payload.data, payload.len));
        int64_t wall_ms;

        if ((e = ledger_time(t, lsn, &wall_ms)) == OK)
            e = signers_replay(t, lsn, wall_ms, &m, elements);
    }
    buf_fini(&payload);
    return e;
}

static enum err replay_suspects(struct store_txn *t, uint64_t lsn, uint32_t participant, struct mp *m)
{
    size_t count = mp_array(m, 0, SUSPECT_FROM);
    enum err e = OK;

    for (size_t i = 0; e == OK && i < count && !m->failed; i++) {
        struct suspect_from from;

        (void)mp_array(m, 3, 32);
        from.gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
        mp_bin_exact(m, from.gen.tag, TAG_BYTES);
        from.sequence = mp_uint(m, INT64_MAX);
        if (!m->failed)
            e = mark_generation(t, lsn, participant, &from);
    }
    return e;
}

enum err signers_replay(struct store_txn *t, uint64_t lsn, int64_t wall_ms, struct mp *m, size_t elements)
{
    char id[ID_MAX + 1], what[WHAT_MAX + 1], reason[REASON_MAX + 1] = "";
    struct deed d = {.lsn = lsn};
    int deed = 0;
    enum err e;

    mp_text(m, id, 1, ID_MAX);
    d.participant = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_text(m, what, 1, WHAT_MAX);
    d.object = mp_bin(m, SIGNED_MAX);
    while (!m->failed && deed < DEED_COUNT && strcmp(what, deeds[deed]) != 0)
        deed++;
    if (!m->failed && deed == DEED_COUNT)
        return OK;
    if (elements > 4 && mp_peek(m) == MP_STR)
        mp_text(m, reason, 0, REASON_MAX);
    if (m->failed || elements < 4)
        return err_set(ERR_MALFORMED, "a decision about a participant is damaged");
    if ((e = apply(t, &d, (enum participant_deed)deed, wall_ms, reason)) == OK && elements > 5 &&
        mp_peek(m) == MP_ARRAY)
        e = replay_suspects(t, lsn, d.participant, m);
    return e == OK && m->failed ? err_set(ERR_MALFORMED, "a decision about a participant is damaged") : e;
}
