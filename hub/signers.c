#include "hub/signers_internal.h"

#include "common/cli.h"
#include "hub/ledger.h"
#include "hub/slot.h"
#include "protocol/grant.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX (256u << 10)
#define WHAT_MAX  32u

static const char *const deeds[DEED_COUNT] = {
    [DEED_INVITED] = "invited",         [DEED_ENROLLED] = "enrolled", [DEED_SUPERSEDED] = "superseded",
    [DEED_HISTORY_KEY] = "history-key", [DEED_HELD] = "held",         [DEED_RELEASED] = "released",
    [DEED_REVOKED] = "revoked",         [DEED_CLOSED] = "closed",     [DEED_REKEYED] = "rekeyed",
    [DEED_FINISHED] = "finished"};

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
    signers_free(list, count);
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
    signers_free(list, count);
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

static enum err journal(struct hub *h, struct store_txn *t, const char *id, uint32_t participant, const char *what,
                        struct bytes object, const char *reason, const struct suspect_from *from, size_t from_count)
{
    size_t elements = from_count > 0 ? 6 : reason[0] != '\0' ? 5 : 4;
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&payload, ENTRY_MAX);
    mp_put_cstr(&payload, id);
    mp_put_uint(&payload, participant);
    mp_put_cstr(&payload, what);
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

enum err signers_decide(struct hub *h, struct store_txn *t, const char *id, uint32_t participant,
                        enum participant_deed deed, struct bytes object, const char *reason,
                        const struct suspect_from *from, size_t from_count)
{
    return journal(h, t, id, participant, deeds[deed], object, reason, from, from_count);
}

enum err signers_journal(struct hub *h, struct store_txn *t, const char *id, uint32_t participant, const char *what,
                         struct bytes object)
{
    return journal(h, t, id, participant, what, object, "", NULL, 0);
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
            e = suspects_mark(t, lsn, participant, &from);
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
