#include "hub/carry_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "hub/audit.h"
#include "hub/room.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS_TEXT (32u << 10)

/* ---- schools of a run ---- */

void carry_fini(struct carry *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->schools[i]->held);
        free(c->schools[i]->gens);
        free(c->schools[i]->refusals);
        free(c->schools[i]);
    }
    free(c->schools);
    memset(c, 0, sizeof(*c));
}

struct carry_school *carry_school_of(struct carry *c, const char *id)
{
    struct carry_school **grown;
    struct carry_school *s;

    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->schools[i]->id, id) == 0)
            return c->schools[i];
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return NULL;
    if ((grown = realloc(c->schools, (c->count + 1) * sizeof(struct carry_school *))) == NULL) {
        free(s);
        return NULL;
    }
    (void)snprintf(s->id, sizeof(s->id), "%s", id);
    c->schools = grown;
    c->schools[c->count++] = s;
    return s;
}

struct carry_generation *carry_generation_of(struct carry_school *s, const struct generation *gen)
{
    struct carry_generation *grown;

    for (size_t i = 0; i < s->gen_count; i++)
        if (generation_compare(&s->gens[i].gen, gen) == 0)
            return &s->gens[i];
    if (s->gen_count == CARRY_GENERATIONS || (grown = realloc(s->gens, (s->gen_count + 1) * sizeof(*grown))) == NULL)
        return NULL;
    s->gens = grown;
    s->gens[s->gen_count] = (struct carry_generation){.gen = *gen, .above = UINT64_MAX, .archived = UINT64_MAX};
    return &s->gens[s->gen_count++];
}

void carry_problem(struct carry_reading *r)
{
    struct carry_file *f = &r->result;

    if (f->problem_count++ >= CARRY_MAX_PROBLEMS)
        return;
    buf_put_str(&f->problems, err_text());
    buf_put_u8(&f->problems, '\n');
}

/* ---- opening ---- */

enum err carry_open(struct carry_reading **out, struct hub *h, const char *path, bool may_link, struct carry *into,
                    const struct carry_host *host)
{
    struct carry_reading *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL)
        return ERR_NOMEM;
    r->hub = h;
    r->into = into;
    r->host = host;
    buf_init(&r->result.problems, PROBLEMS_TEXT);
    if ((e = room_check(h)) == OK)
        e = bundle_open(&r->file, path, may_link, (uint64_t)h->conf.bundle_max);
    if (e == OK && bundle_direction(r->file) != BUNDLE_UP)
        e = err_set(ERR_INVALID,
                    _("%s: this is an answer of a hub, for a school: svodka-agent bundle receipt takes it"), path);
    if (e != OK) {
        carry_close(r);
        return e;
    }
    *out = r;
    return OK;
}

void carry_close(struct carry_reading *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->group_count; i++)
        prepared_free(r->group[i]);
    intake_free(r->intake);
    bundle_close(r->file);
    buf_fini(&r->result.problems);
    free(r->claims);
    free(r->held);
    free(r);
}

const struct carry_file *carry_result(const struct carry_reading *r)
{
    return &r->result;
}

/* ---- parts ---- */

/* All parts of a file are one school's: the first that names one decides. */
static enum err choose_school(struct carry_reading *r, const char *id)
{
    if (r->school != NULL)
        return strcmp(r->school->id, id) == 0 ? OK : err_set(ERR_DENIED, _("a part of the file is another school's"));
    if (registry_by_id(r->hub->registry, id) == NULL)
        return err_set(ERR_DENIED, _("the file is from the school %s, which this hub does not know"), id);
    if ((r->school = carry_school_of(r->into, id)) == NULL)
        return ERR_NOMEM;
    (void)snprintf(r->result.id, sizeof(r->result.id), "%s", id);
    return OK;
}

static enum err keep_claim(struct carry_reading *r, const struct msg_hello *h)
{
    struct carry_claim *c;

    if (r->claims == NULL && (r->claims = calloc(CARRY_GENERATIONS, sizeof(*r->claims))) == NULL)
        return ERR_NOMEM;
    if (r->claim_count == CARRY_GENERATIONS)
        return err_set(ERR_LIMIT, "the file greets for more than %u generations", CARRY_GENERATIONS);
    c = &r->claims[r->claim_count++];
    *c = (struct carry_claim){.gen = h->gen,
                              .receipted = h->receipted,
                              .archived = h->archived,
                              .last_sealed = h->last_sealed,
                              .waiting_records = h->waiting_records,
                              .words_held = h->words_held,
                              .takes_words = h->takes_words,
                              .words_known = h->words_known};
    memcpy(c->head, h->head, DIGEST_BYTES);
    return OK;
}

static enum err take_hello(struct carry_reading *r, struct bytes frame)
{
    struct message *m = malloc(sizeof(*m));
    enum err e;

    if (m == NULL)
        return ERR_NOMEM;
    e = message_decode(m, frame);
    if (e == OK && m->type != MSG_HELLO)
        e = err_set(ERR_MALFORMED, "a greeting is expected");
    if (e == OK && memcmp(m->as.hello.district, r->hub->district, sizeof(m->as.hello.district)) != 0) {
        e = err_set(ERR_DENIED, _("the file is for another district"));
        r->is_foreign = true;
    }
    if (e == OK && (e = choose_school(r, m->as.hello.participant)) == ERR_DENIED)
        r->is_foreign = true;
    if (e == OK)
        e = keep_claim(r, &m->as.hello);
    free(m);
    return e;
}

/* It was sealed to this hub by somebody who does not know the code: counted, and the fifth locks the invitation. */
static enum err note_wrong_try(struct carry_reading *r)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(r->hub->store, &t);

    if (e != OK)
        return e;
    return ledger_end(r->hub->ledger, t, registry_wrong_try(r->hub, t, r->school->id));
}

/* As core_meeting.c does it, but for who may look at the registry meanwhile. */
static enum err take_request(struct carry_reading *r, struct bytes sealed)
{
    struct store_txn *t = NULL;
    struct buf grant;
    struct enrolment x = {.sealed = sealed, .from = REGISTRY_FROM_FILE, .grant = &grant, .refusal = MERR_INTERNAL};
    enum err e;

    if (r->school == NULL)
        return err_set(ERR_MALFORMED, _("a request to join without a greeting before it"));
    buf_init(&grant, SIGNED_MAX);
    if ((e = store_begin_write(r->hub->store, &t)) == OK) {
        if ((e = r->host->before_registry(r->host->ctx, r->hub, t)) == OK) {
            x.participant = r->school->id;
            e = registry_enrol(r->hub, t, &x);
        }
    }
    e = ledger_end(r->hub->ledger, t, e);
    buf_fini(&grant);
    if (e == OK) {
        r->result.has_joined = !x.was_known;
        r->school->has_joined = r->school->has_joined || !x.was_known;
        r->host->joined(r->host->ctx, r->hub);
        return OK;
    }
    if (x.is_wrong_code && (e = note_wrong_try(r)) != OK)
        return e;
    if (x.refusal == MERR_INVITATION_LOCKED)
        return err_set(ERR_DENIED, _("%s: its invitation is locked after five wrong tries; make a new one"),
                       r->school->id);
    if (x.refusal == MERR_INVITATION_USED)
        return err_set(ERR_DENIED, _("%s: its invitation was used by another computer; make a new one"), r->school->id);
    if (x.refusal == MERR_INVITATION_EXPIRED)
        return err_set(ERR_DENIED, _("%s: its invitation has expired; make a new one"), r->school->id);
    if (x.is_wrong_code || e == ERR_AUTH || e == ERR_DENIED || e == ERR_MALFORMED || e == ERR_LIMIT)
        return err_prefix(ERR_DENIED, _("%s: the request to join is not good"), r->school->id);
    {
        char why[CARRY_TEXT];

        (void)snprintf(why, sizeof(why), "%s", err_text());
        if (r->host->reload(r->host->ctx, r->hub) != OK) /* what registry_enrol() changed in memory */
            log_error("bundle: %s", err_text());
        return err_set(e, "%s", why);
    }
}

static enum err take_held(struct carry_reading *r, struct bytes part)
{
    if (r->held == NULL && (r->held = malloc(sizeof(*r->held))) == NULL)
        return ERR_NOMEM;
    return bundle_held_get(r->held, part);
}

static enum err take_batch(struct carry_reading *r, struct bytes batch)
{
    struct batch_header h;
    enum err e = batch_peek(&h, batch);

    if (e == ERR_NOT_FOUND)
        e = err_set(ERR_MALFORMED, "a batch that is too short");
    if (e == OK && memcmp(h.district, r->hub->district, sizeof(h.district)) != 0)
        e = err_set(ERR_DENIED, _("entries for another district"));
    if (e == OK)
        e = choose_school(r, h.participant);
    return e == OK ? carry_batch(r, batch) : e;
}

/* Of the part itself: then the file goes on. */
static bool is_about_content(enum err e)
{
    return e == ERR_AUTH || e == ERR_DENIED || e == ERR_MALFORMED || e == ERR_LIMIT || e == ERR_INVALID ||
           e == ERR_EXPIRED || e == ERR_VERSION;
}

static enum err take_part(struct carry_reading *r, const struct bundle_part *p)
{
    enum err e = OK;

    switch (p->kind) {
    case BUNDLE_HELLO: e = take_hello(r, p->bytes); break;
    case BUNDLE_ENROL:
        if ((e = carry_commit(r)) == OK)
            e = take_request(r, p->bytes);
        break;
    case BUNDLE_HELD: e = take_held(r, p->bytes); break;
    case BUNDLE_BATCH:
        if ((e = take_batch(r, p->bytes)) != OK && is_about_content(e)) {
            r->result.refused++;
            (void)err_prefix(e, _("entries were put aside"));
        }
        break;
    case BUNDLE_DIRECTORY:
    case BUNDLE_GRANT:
    case BUNDLE_OBJECT:
    case BUNDLE_RECEIPT:
    case BUNDLE_RECONCILE:
    case BUNDLE_WORD:
    case BUNDLE_HOLDINGS:
    case BUNDLE_LIST: break; /* none of a school's */
    }
    if (e == OK || !is_about_content(e))
        return e;
    carry_problem(r);
    return OK;
}

/* ---- the end ---- */

static enum err believe_claim(struct carry_reading *r, struct store_txn *t, const struct carry_claim *c)
{
    const struct participant *p = registry_by_id(r->hub->registry, r->school->id);
    struct carry_generation *g = carry_generation_of(r->school, &c->gen);
    struct ledger_chain chain;
    uint8_t held[DIGEST_BYTES];
    enum err e;

    if (g == NULL || p == NULL)
        return ERR_NOMEM;
    if (c->receipted < g->above)
        g->above = c->receipted;
    if (c->archived < g->archived)
        g->archived = c->archived;
    g->has_hello = true;
    if (c->takes_words && (!r->school->takes_words || c->words_held < r->school->words_held))
        r->school->words_held = c->words_held;
    if (c->takes_words && (!r->school->takes_words || c->words_known < r->school->words_known))
        r->school->words_known = c->words_known;
    r->school->takes_words = r->school->takes_words || c->takes_words;
    if ((e = ledger_chain(t, p->index, &c->gen, &chain)) != OK || !chain.is_closed)
        return e;
    /* SPEC.md 7.2, point 1: nothing of it is left there, or it must be settled. */
    e = c->last_sealed == 0 ? OK : ledger_batch(t, p->index, &c->gen, c->last_sealed, held, NULL);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (c->waiting_records > 0 || e == ERR_NOT_FOUND ||
        (c->last_sealed > 0 && memcmp(held, c->head, DIGEST_BYTES) != 0))
        g->needs_pages = true;
    return OK;
}

static enum err believe(struct carry_reading *r, const struct bundle_about *about)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(r->hub->store, &t);

    if (e != OK)
        return e;
    for (size_t i = 0; i < r->claim_count && e == OK; i++)
        e = believe_claim(r, t, &r->claims[i]);
    store_abort(t);
    if (e == OK && r->held != NULL && about->made_ms > r->school->held_ms) {
        free(r->school->held);
        r->school->held = r->held;
        r->school->held_ms = about->made_ms;
        r->held = NULL;
    }
    return e;
}

/* The list speaks for the greetings; without it, only what is signed by itself was taken. */
static enum err check_list(struct carry_reading *r)
{
    const struct participant *p = r->school == NULL ? NULL : registry_by_id(r->hub->registry, r->school->id);
    struct bundle_about about;
    enum err e;

    if (p == NULL || (p->enrolled_ms == 0 && p->signer_count == 0)) {
        if (r->result.problem_count == 0) {
            (void)err_set(ERR_DENIED, _("the school has not joined, and the file holds no good request to join"));
            carry_problem(r);
        }
        return OK;
    }
    e = bundle_check(r->file, p->grant.sign_key, &about);
    /* Of a computer that was replaced: what it sealed has been taken; what it says of itself is of the past. */
    for (size_t i = p->signer_count; e == ERR_AUTH && i-- > 0;)
        if (memcmp(p->signers[i].sign, p->grant.sign_key, KEY_BYTES) != 0 &&
            bundle_check(r->file, p->signers[i].sign, &about) == OK)
            return OK;
    if (e == OK && (strcmp(about.participant, p->id) != 0 ||
                    memcmp(about.district, r->hub->district, sizeof(about.district)) != 0))
        e = err_set(ERR_AUTH, _("the file was altered: its parts are not those that its signed list names"));
    if (e == OK)
        return believe(r, &about);
    if (!is_about_content(e))
        return e;
    carry_problem(r);
    return OK;
}

static enum err audit_file(const struct carry_reading *r, struct store_txn *t)
{
    const struct carry_file *f = &r->result;
    const uint64_t *v = f->verdicts;

    return hub_audit_do(r->hub, t, r->host->who, AUDIT_BUNDLE_READ, f->id,
                        "whole=%s\nnew=%llu\nknown=%llu\naside=%llu\ncounted=%llu\nreplaced=%llu\nduplicate=%llu\n"
                        "quarantined=%llu",
                        f->is_whole ? "yes" : "no", (unsigned long long)f->batches, (unsigned long long)f->again,
                        (unsigned long long)f->refused, (unsigned long long)v[VERDICT_COUNTED],
                        (unsigned long long)v[VERDICT_SUPERSEDED], (unsigned long long)v[VERDICT_DUPLICATE],
                        (unsigned long long)v[VERDICT_QUARANTINED]);
}

/* What it says that it holds, if the list speaks for it. */
static enum err note_words(const struct carry_reading *r, struct store_txn *t)
{
    const struct participant *p = r->school == NULL ? NULL : registry_by_id(r->hub->registry, r->school->id);

    if (p == NULL || !r->school->takes_words || r->school->words_known < SIGNED_FIGURES)
        return OK;
    return words_note_held(t, p->index, r->school->words_held);
}

static enum err note_file(struct carry_reading *r)
{
    const struct carry_file *f = &r->result;
    struct store_txn *t = NULL;
    enum err e = store_begin_write(r->hub->store, &t);

    if (e != OK)
        return e;
    if (f->is_whole && r->school != NULL && f->problem_count == 0 &&
        (e = r->host->before_registry(r->host->ctx, r->hub, t)) == OK)
        e = registry_seen(r->hub, t, r->school->id, clock_wall_ms());
    if (e == OK)
        e = note_words(r, t);
    if (e != OK || (e = audit_file(r, t)) != OK || (e = audit_sign(r->hub, t)) != OK) {
        store_abort(t);
        return e;
    }
    return store_commit(t);
}

static enum err finish(struct carry_reading *r, enum bundle_state end)
{
    enum err e = carry_commit(r);

    if (e != OK)
        return e;
    r->result.is_whole = end == BUNDLE_END && r->damaged == 0 && !r->is_foreign;
    if (end == BUNDLE_CUT) {
        (void)err_set(ERR_MALFORMED,
                      _("the file is cut off or damaged after %u of %u parts; what is whole in it was taken"),
                      bundle_done(r->file), bundle_total(r->file));
        carry_problem(r);
    } else if (r->damaged > 0) {
        (void)err_set(ERR_MALFORMED, _("%llu of the file's %u parts are damaged; the others were taken"),
                      (unsigned long long)r->damaged, bundle_total(r->file));
        carry_problem(r);
    } else if (!r->is_foreign && (e = check_list(r)) != OK)
        return e;
    if (r->school != NULL) {
        r->school->files++;
        r->school->bad_files += r->result.problem_count > 0 ? 1u : 0u;
    }
    r->is_done = true;
    return note_file(r);
}

enum err carry_step(struct carry_reading *r, bool *is_done)
{
    enum bundle_state state = BUNDLE_PART;
    struct bundle_part p;
    enum err e = OK;

    *is_done = r->is_done;
    if (r->is_done)
        return OK;
    /* A group of batches is the measure of a step; other parts are small and few. */
    for (unsigned i = 0; i < 64 && e == OK && r->group_count < CARRY_GROUP && !r->is_foreign; i++) {
        if ((e = bundle_read(r->file, &p, &state)) != OK)
            break;
        if (state == BUNDLE_PART)
            e = take_part(r, &p);
        else if (state == BUNDLE_DAMAGED)
            r->damaged++;
        else
            break;
    }
    if (e == OK && (state == BUNDLE_END || state == BUNDLE_CUT || r->is_foreign))
        e = finish(r, state);
    else if (e == OK)
        e = carry_commit(r);
    *is_done = r->is_done;
    return e;
}
