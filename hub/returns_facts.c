/* What is here of a return, from the ledger's current submissions. */
#include "hub/returns_internal.h"

#include "hub/erased.h"
#include "hub/place.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 64u /* corrections of corrections that are followed back */

/* A correction among the current submissions: what it corrects is looked up when the walk is over. */
struct corrected {
    uint32_t participant;
    struct record_ref target;
};

struct gather {
    struct return_facts *out;
    const struct held_cover *cover; /* NULL: none */
    struct buf corrected;
    struct buf digests; /* of what its sender sent */
    uint8_t mark[DIGEST_BYTES];
};

static void take(struct return_facts *f, int32_t filled_on, uint64_t lsn)
{
    bool is_first = f->first_lsn == 0;

    if (is_first || filled_on > f->filled_on)
        f->filled_on = filled_on;
    if (is_first || lsn < f->first_lsn)
        f->first_lsn = lsn;
}

/* Each step covers the mark so far and one submission: cheap, and no list of them in memory. */
static void mark_one(struct gather *g, const struct submission *s)
{
    uint8_t raw[DIGEST_BYTES + 4 + RECORD_REF_BYTES];

    memcpy(raw, g->mark, DIGEST_BYTES);
    be32_put(raw + DIGEST_BYTES, s->participant);
    record_ref_put(raw + DIGEST_BYTES + 4, &s->ref);
    digest(g->mark, bytes_of(raw, sizeof(raw)));
}

/* Of an erased one this much has stayed. */
static enum err read_head(struct record *r, const struct submission *s)
{
    if (s->erased == NULL)
        return record_decode_head(r, s->record);
    *r = (struct record){.kind = s->erased->kind, .target = s->erased->target, .filled_on = s->erased->filled_on};
    return OK;
}

static enum err take_digest(struct gather *g, const struct submission *s)
{
    uint8_t d[RECORD_DIGEST_BYTES];

    if (s->erased != NULL)
        memcpy(d, s->erased->digest, sizeof(d));
    else
        record_digest(d, s->record);
    buf_put(&g->digests, d, sizeof(d));
    return buf_status(&g->digests);
}

static enum err gather_one(void *ctx, const struct submission *s)
{
    struct gather *g = ctx;
    struct record r;
    enum err e = read_head(&r, s);

    if (e != OK)
        return err_prefix(ERR_CORRUPT, "a current submission");
    g->out->submissions++;
    return_behalf_count(&g->out->behalf, s, r.source);
    if (s->lsn > g->out->last_lsn)
        g->out->last_lsn = s->lsn;
    mark_one(g, s);
    if (g->cover != NULL && g->cover->participant == s->participant && (e = take_digest(g, s)) != OK)
        return e;
    if (r.kind == RECORD_CORRECTION) {
        struct corrected c = {s->participant, r.target};

        buf_put(&g->corrected, &c, sizeof(c));
        return buf_status(&g->corrected);
    }
    take(g->out, r.filled_on, s->lsn);
    return OK;
}

/* Back to what was filled in first. */
static enum err follow(struct hub *h, struct store_txn *t, const struct corrected *c, struct return_facts *out)
{
    struct record_ref at = c->target;
    struct submission s;
    struct record r;
    enum err e = OK;

    for (unsigned step = 0; step < CHAIN_MAX; step++) {
        e = ledger_find(h->ledger, t, c->participant, &at, &s);
        if (e == OK || e == ERR_ERASED)
            e = read_head(&r, &s);
        if (e != OK)
            break;
        if (r.kind != RECORD_CORRECTION) {
            take(out, r.filled_on, s.lsn);
            return OK;
        }
        at = r.target;
    }
    return e == ERR_NOT_FOUND ? OK : e; /* what it corrects never came */
}

static enum err follow_all(struct hub *h, struct store_txn *t, const struct gather *g)
{
    const struct corrected *c = (const struct corrected *)(const void *)g->corrected.data;
    enum err e = OK;

    for (size_t i = 0; i < g->corrected.len / sizeof(*c) && e == OK; i++)
        e = follow(h, t, &c[i], g->out);
    return e;
}

/* Corrections whose target never came: nothing says when it was first filled in but they themselves. */
static enum err take_latest(void *ctx, const struct submission *s)
{
    struct return_facts *out = ctx;
    struct record r;
    enum err e = read_head(&r, s);

    if (e == OK)
        take(out, r.filled_on, s->lsn);
    return e;
}

/* The cover against what its sender sent. */
static void match(struct gather *g)
{
    struct return_facts *out = g->out;
    struct return_cover *c = &out->cover;
    uint8_t d[DIGEST_BYTES];

    if (g->cover == NULL)
        return;
    *c = g->cover->said;
    c->rows_here = g->digests.len / RECORD_DIGEST_BYTES;
    return_digest(d, (uint8_t(*)[RECORD_DIGEST_BYTES])(void *)g->digests.data, (size_t)c->rows_here);
    if (c->rows_here < c->rows)
        c->match = COVER_FEWER;
    else if (memcmp(d, g->cover->digest, DIGEST_BYTES) != 0 || (c->state == COVER_NOTHING && out->submissions > 0))
        c->match = COVER_DIFFERS;
    else
        c->match = COVER_SAME;
}

/* "Nothing to report", and nothing is here: the cover alone is the return. */
static enum err take_nothing(struct hub *h, struct store_txn *t, const struct held_cover *cover,
                             struct return_facts *out)
{
    struct gather g = {.out = out};
    struct submission s = {.participant = cover->participant, .ref = cover->ref};
    enum err e = OK;

    mark_one(&g, &s);
    memcpy(out->mark, g.mark, RETURN_MARK_BYTES);
    out->is_here = true;
    out->last_lsn = cover->lsn;
    if (cover->kind == RECORD_CORRECTION) {
        struct corrected c = {cover->participant, cover->target};

        e = follow(h, t, &c, out);
    }
    if (e == OK && out->first_lsn == 0)
        take(out, cover->filled_on, cover->lsn);
    return e;
}

static enum err take_times(struct store_txn *t, struct return_facts *out)
{
    enum err e = ledger_time(t, out->first_lsn, &out->first_ms);

    return e == OK ? ledger_time(t, out->last_lsn, &out->last_ms) : e;
}

enum err returns_facts_with(struct hub *h, struct store_txn *t, const struct covers *covers, const char *form,
                            const char *unit, const char *period, struct return_facts *out)
{
    struct gather g = {.out = out, .cover = covers_find(covers, form, unit, period)};
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&g.corrected, 64u << 20);
    buf_init(&g.digests, 64u << 20);
    e = ledger_each_standing(h->ledger, t, form, unit, period, gather_one, &g);
    if (e == OK)
        e = follow_all(h, t, &g);
    if (e == OK && out->submissions > 0 && out->first_lsn == 0)
        e = ledger_each_standing(h->ledger, t, form, unit, period, take_latest, out);
    if (e == OK)
        match(&g);
    buf_fini(&g.corrected);
    buf_fini(&g.digests);
    memcpy(out->mark, g.mark, RETURN_MARK_BYTES);
    out->is_here = out->submissions > 0;
    if (e == OK && !out->is_here && g.cover != NULL && g.cover->said.state == COVER_NOTHING)
        e = take_nothing(h, t, g.cover, out);
    return e == OK && out->is_here ? take_times(t, out) : e;
}

enum err returns_facts(struct hub *h, struct store_txn *t, const char *form, const char *unit, const char *period,
                       struct return_facts *out)
{
    struct covers covers;
    enum err e = covers_load(&covers, h, t, unit, period);

    if (e != OK)
        return e;
    e = returns_facts_with(h, t, &covers, form, unit, period, out);
    covers_fini(&covers);
    return e;
}
