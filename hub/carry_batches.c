#include "hub/carry_internal.h"

#include "common/cli.h"
#include "common/log.h"
#include "hub/audit.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 3u /* when definitions change meanwhile */

/* ---- intake ---- */

/* An intake is good for one set of definitions. */
static enum err fresh_intake(struct carry_reading *r)
{
    enum err e;

    if (r->intake != NULL && r->intake_serial == r->hub->definitions_serial)
        return OK;
    intake_free(r->intake);
    r->intake = NULL;
    e = intake_new(&r->intake, r->hub);
    r->intake_serial = r->hub->definitions_serial;
    return e;
}

static enum err prepare(struct carry_reading *r, struct bytes batch, struct prepared **out)
{
    const struct participant *from = registry_by_id(r->hub->registry, r->school->id);
    enum message_error refusal = MERR_INTERNAL;
    enum err e;

    if (from == NULL || (from->enrolled_ms == 0 && from->signer_count == 0))
        return err_set(ERR_DENIED, _("the school %s has not joined yet"), r->school->id);
    if ((e = fresh_intake(r)) != OK)
        return e;
    return intake_prepare(r->intake, from, batch, out, &refusal);
}

enum err carry_batch(struct carry_reading *r, struct bytes batch)
{
    struct prepared *p = NULL;
    enum err e;

    if (r->group_count == CARRY_GROUP && (e = carry_commit(r)) != OK)
        return e;
    if ((e = prepare(r, batch, &p)) == OK)
        r->group[r->group_count++] = p;
    return e;
}

/* ---- the ledger ---- */

struct applied {
    enum ledger_outcome outcome;
    uint64_t verdicts[VERDICT_COUNT];
};

/* A computer that began anew, whose entries must come after all others (SPEC.md 7.2, point 3)?  What an earlier key of
 * the participant has signed is no beginning: an old stick, and its entries stand where they stood. */
static enum err is_foreign_generation(const struct carry_reading *r, struct store_txn *t, const struct prepared *p,
                                      bool *out)
{
    const struct participant *from = registry_by_id(r->hub->registry, p->participant_id);
    struct ledger_chain chain;
    enum err e = ledger_chain(t, p->participant, &p->header.gen, &chain);

    *out = false;
    if (e != OK || chain.is_closed || chain.held_last > 0 || from == NULL ||
        memcmp(p->header.sign_key, from->grant.sign_key, KEY_BYTES) != 0)
        return e;
    return ledger_begins_anew(t, p->participant, &p->header.gen, p->header.sign_key, out);
}

/* Closing and refusing are durable together: nobody hears of it before. */
static enum err close_generation(struct carry_reading *r, struct store_txn *t, const struct prepared *p)
{
    struct ledger_chain chain;
    enum err e = ledger_chain(t, p->participant, &p->header.gen, &chain);

    if (e != OK || chain.is_closed)
        return e;
    if ((e = ledger_close_generation(r->hub->ledger, t, p->participant, &p->header.gen)) == OK)
        e = hub_audit_do(r->hub, t, p->participant_id, AUDIT_SCHOOL_HISTORIES, p->participant_id,
                         "generation=%u\nfile=yes", p->header.gen.counter);
    return e;
}

static enum err read_verdicts(const struct carry_reading *r, const struct buf *receipt, struct applied *out)
{
    struct receipt parsed;
    enum err e = receipt_open(&parsed, bytes_of(receipt->data, receipt->len), key_public(r->hub->sign));

    if (e != OK)
        return e;
    memcpy(out->verdicts, parsed.verdicts, sizeof(out->verdicts));
    receipt_fini(&parsed);
    return OK;
}

static enum err apply_one(struct carry_reading *r, struct store_txn *t, const struct prepared *p, struct applied *out)
{
    bool is_foreign = false;
    bool is_full = false;
    struct buf receipt;
    enum err e = is_foreign_generation(r, t, p, &is_foreign);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    buf_init(&receipt, SIGNED_MAX);
    out->outcome = LEDGER_FORK;
    if (prepared_is_held(p) &&
        (e = signer_is_full(r->hub, t, p->participant, p->header.sign_key, p->batch.len, &is_full)) == OK && is_full)
        e = err_set(ERR_LIMIT, _("as much as is kept of a computer that is held or revoked is here (held.max)"));
    if (e == OK && !is_foreign)
        e = ledger_apply(r->hub->ledger, t, p, &receipt, &out->outcome);
    if (e == OK && out->outcome == LEDGER_FORK)
        e = close_generation(r, t, p);
    if (e == OK && out->outcome == LEDGER_STORED)
        e = read_verdicts(r, &receipt, out);
    buf_fini(&receipt);
    return e;
}

static enum err apply_group(struct carry_reading *r, size_t from, size_t count, struct applied *out)
{
    struct store_txn *t = NULL;
    uint64_t version = 0;
    enum err e = store_begin_write(r->hub->store, &t);

    if (e == OK && (e = hub_definitions_version(t, &version)) == OK && version != r->hub->definitions_version)
        e = ERR_VERSION; /* what was prepared rests on forms and indicators of yesterday */
    for (size_t i = from; i < from + count && e == OK; i++)
        e = apply_one(r, t, r->group[i], &out[i]);
    return ledger_end(r->hub->ledger, t, e);
}

static enum err prepare_again(struct carry_reading *r)
{
    enum err e = r->host->reload(r->host->ctx, r->hub);

    for (size_t i = 0; i < r->group_count && e == OK; i++) {
        struct prepared *fresh = NULL;

        if ((e = prepare(r, bytes_of(r->group[i]->batch.data, r->group[i]->batch.len), &fresh)) == OK) {
            prepared_free(r->group[i]);
            r->group[i] = fresh;
        }
    }
    return e;
}

static enum err note_refused(struct carry_reading *r, const struct prepared *p)
{
    struct carry_school *s = r->school;

    r->result.refused++;
    s->refused++;
    if (s->refusal_count == CARRY_MAX_REFUSED)
        return OK;
    if (s->refusal_count == s->refusal_cap) {
        size_t cap = s->refusal_cap == 0 ? 16 : s->refusal_cap * 2;
        struct carry_refused *grown = realloc(s->refusals, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        s->refusals = grown;
        s->refusal_cap = cap;
    }
    s->refusals[s->refusal_count] =
        (struct carry_refused){p->header.gen, p->header.sequence, p->count > 0 ? p->records[0].number : 1, {0}};
    memcpy(s->refusals[s->refusal_count++].digest, p->digest, DIGEST_BYTES);
    return OK;
}

static enum err note(struct carry_reading *r, const struct prepared *p, const struct applied *a)
{
    struct carry_generation *g = carry_generation_of(r->school, &p->header.gen);

    if (g == NULL)
        return ERR_NOMEM;
    if (p->header.sequence - 1 < g->above)
        g->above = p->header.sequence - 1;
    switch (a->outcome) {
    case LEDGER_STORED:
        r->result.batches++;
        r->school->batches++;
        for (unsigned v = 0; v < VERDICT_COUNT; v++) {
            r->result.verdicts[v] += a->verdicts[v];
            r->school->verdicts[v] += a->verdicts[v];
        }
        return OK;
    case LEDGER_AGAIN:
        r->result.again++;
        r->school->again++;
        return OK;
    case LEDGER_REFUSED: /* its receipt says so */
        r->result.refused++;
        r->school->refused++;
        return OK;
    case LEDGER_FORK:
        g->needs_pages = true;
        log_notice("bundle: %s sent a batch that does not continue what is held: its two histories are reconciled",
                   p->participant_id);
        return note_refused(r, p);
    }
    return OK;
}

/* A batch that the ledger cannot take must not hold up its neighbours, nor the file. */
static enum err commit_singly(struct carry_reading *r, struct applied *out, bool failed[CARRY_GROUP])
{
    for (size_t i = 0; i < r->group_count; i++) {
        enum err e = apply_group(r, i, 1, out);

        failed[i] = e != OK;
        if (e == ERR_CORRUPT || e == ERR_LIMIT || e == ERR_INVALID || e == ERR_MALFORMED) {
            (void)err_prefix(e, _("entries could not be stored; they are still at the school"));
            log_error("bundle: %s", err_text());
            carry_problem(r);
            r->result.refused++;
        } else if (e != OK)
            return e;
    }
    return OK;
}

enum err carry_commit(struct carry_reading *r)
{
    struct applied out[CARRY_GROUP];
    bool failed[CARRY_GROUP] = {false};
    enum err e = OK;

    if (r->group_count == 0)
        return OK;
    e = apply_group(r, 0, r->group_count, out);
    for (unsigned i = 0; i < TRIES && (e == ERR_VERSION || e == ERR_BUSY); i++)
        if ((e = prepare_again(r)) == OK)
            e = apply_group(r, 0, r->group_count, out);
    if (e != OK && e != ERR_VERSION && e != ERR_BUSY)
        e = commit_singly(r, out, failed);
    for (size_t i = 0; i < r->group_count; i++) {
        if (e == OK && !failed[i])
            e = note(r, r->group[i], &out[i]);
        prepared_free(r->group[i]);
    }
    r->group_count = 0;
    /* No content of a file is at fault for these: the file is read again later. */
    return e == ERR_VERSION || e == ERR_AUTH || e == ERR_DENIED ? ERR_BUSY : e;
}
