#include "hub/key_change.h"

#include "common/clock.h"
#include "hub/ledger.h"
#include "hub/registry.h"
#include "hub/returns.h"

static bool is_sending(const struct participant *p)
{
    return p->enrolled_ms != 0 && (p->state == PARTICIPANT_ACTIVE || p->state == PARTICIPANT_HELD);
}

/* Whoever holds it will come with what was true when it was written. */
static bool is_open_invitation(const struct participant *p, int64_t before_ms)
{
    return p->state == PARTICIPANT_INVITED && !p->invite_used && clock_wall_ms() <= p->invite_expires_ms &&
           p->invited_ms < before_ms;
}

/* *has: it was heard of. */
static enum err greeting_of(struct store_txn *t, const struct participant *p, struct greeting_note *out, bool *has)
{
    enum err e = greeting_get(t, p->index, out);

    *has = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* When the stage at hand began. */
static int64_t stage_ms(const struct key_ring *ring)
{
    int64_t latest = 0;

    for (size_t i = 0; i < ring->count; i++) {
        const struct ring_key *k = &ring->keys[i];
        int64_t at = ring->curve.stage == CURVE_BOTH ? k->since_ms : k->until_ms;

        if (k->kind == RING_CURVE && at > latest)
            latest = at;
    }
    return latest;
}

/* Invitations from before `since_ms`, and whoever does not know the directory `version` yet; with `sealed` also whose
 * batches are missing: it seals before it greets, so what it sealed before it knew a newer key is at or below the last
 * one it named. */
static enum err each_behind(struct hub *h, struct store_txn *t, int64_t since_ms, uint64_t version, bool sealed,
                            key_behind_each each, void *ctx)
{
    enum err e = OK;

    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
        const struct participant *p = registry_at(h->registry, i);
        uint64_t missing = 0;
        struct greeting_note n;
        bool has = false;

        if (is_open_invitation(p, since_ms))
            e = each(ctx, p->id, p->grant.name, BEHIND_INVITATION);
        if (e != OK || !is_sending(p))
            continue;
        if ((e = greeting_of(t, p, &n, &has)) != OK)
            break;
        if (!has)
            e = each(ctx, p->id, p->grant.name, BEHIND_NEVER);
        else if (n.directory_version < version)
            e = each(ctx, p->id, p->grant.name, BEHIND_DIRECTORY);
        else if (sealed && (e = greeting_missing(t, p->index, &n, &missing)) == OK && missing > 0)
            e = each(ctx, p->id, p->grant.name, BEHIND_BATCHES);
    }
    return e;
}

enum err key_behind_curve(struct hub *h, struct store_txn *t, key_behind_each each, void *ctx)
{
    return each_behind(h, t, stage_ms(h->ring), h->ring->curve.version, false, each, ctx);
}

/* ---- computers that nobody waits for otherwise ---- */

/* A computer seals before it greets, to the newest key it knew; from the greeting on in which it hears that it was
 * replaced or revoked it seals nothing more. */
static enum err may_have_sealed(struct store_txn *t, const struct signer *s, const struct ring_key *k, bool *may)
{
    int64_t from_ms = 0;
    int64_t until_ms = INT64_MAX;
    enum err e = s->from_lsn == 0 ? OK : ledger_time(t, s->from_lsn, &from_ms);

    if (e == OK && s->until_lsn != 0)
        e = ledger_time(t, s->until_lsn, &until_ms);
    *may = e == OK && !s->is_finished && from_ms <= k->until_ms && k->since_ms <= until_ms;
    return e;
}

static enum err earlier_behind(struct store_txn *t, const struct participant *p, const struct ring_key *k,
                               key_behind_each each, void *ctx)
{
    enum err e = OK;

    for (size_t i = 0; i < p->signer_count && e == OK; i++) {
        const struct signer *s = &p->signers[i];
        bool may = false;

        if (s->until_lsn == 0 || (e = may_have_sealed(t, s, k, &may)) != OK || !may)
            continue;
        e = each(ctx, p->id, p->grant.name, s->is_revoked ? BEHIND_REVOKED : BEHIND_EARLIER);
    }
    return e;
}

/* The present computer of a closed or revoked participant. */
static enum err ended_behind(struct store_txn *t, const struct participant *p, const struct ring_key *k,
                             key_behind_each each, void *ctx)
{
    struct greeting_note n;
    bool has = false;
    enum err e = OK;

    for (size_t i = 0; i < p->signer_count && e == OK; i++) {
        const struct signer *s = &p->signers[i];
        uint64_t missing = 0;
        bool may = false;

        if (s->until_lsn != 0 || (e = may_have_sealed(t, s, k, &may)) != OK || !may)
            continue;
        if ((e = greeting_of(t, p, &n, &has)) != OK)
            break;
        if (has && n.directory_version >= k->version &&
            ((e = greeting_missing(t, p->index, &n, &missing)) != OK || missing == 0))
            continue;
        e = each(ctx, p->id, p->grant.name, p->state == PARTICIPANT_CLOSED ? BEHIND_CLOSED : BEHIND_REVOKED);
    }
    return e;
}

enum err key_behind_retired(struct hub *h, struct store_txn *t, const struct ring_key *k, key_behind_each each,
                            void *ctx)
{
    enum err e = each_behind(h, t, k->until_ms, k->version, true, each, ctx);

    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
        const struct participant *p = registry_at(h->registry, i);

        e = earlier_behind(t, p, k, each, ctx);
        if (e == OK && (p->state == PARTICIPANT_CLOSED || p->state == PARTICIPANT_REVOKED))
            e = ended_behind(t, p, k, each, ctx);
    }
    return e;
}

enum err key_knowing(struct hub *h, struct store_txn *t, size_t *know, size_t *all)
{
    enum err e = OK;

    *know = *all = 0;
    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
        const struct participant *p = registry_at(h->registry, i);
        struct greeting_note n;
        bool has = false;

        if (!is_sending(p))
            continue;
        ++*all;
        if ((e = greeting_of(t, p, &n, &has)) == OK && has && n.directory_version >= h->directory->version)
            ++*know;
    }
    return e;
}
