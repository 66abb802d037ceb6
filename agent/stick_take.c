#include "agent/stick.h"

#include "agent/aside.h"
#include "agent/word.h"
#include "common/cli.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATIONS_MAX 64u /* that one file's pages are about */
#define FORMS_TEXT      (64u << 10)

/* Parts in the order in which they are looked at: who the hub is and may say something, then what it says. */
enum step { STEP_WHO, STEP_OBJECTS, STEP_WORDS, STEPS };

struct taking {
    struct agent *a;
    struct bundle_reader *file;
    struct stick_news *out;
    bool is_signed; /* the list verifies: holdings may be believed */
    struct bundle_about about;
    struct generation gens[GENERATIONS_MAX]; /* that pages are about */
    size_t gen_count;
};

void stick_news_init(struct stick_news *n)
{
    memset(n, 0, sizeof(*n));
    buf_init(&n->forms, FORMS_TEXT);
}

void stick_news_fini(struct stick_news *n)
{
    buf_fini(&n->forms);
}

static bool is_about_content(enum err e)
{
    return e == ERR_AUTH || e == ERR_MALFORMED || e == ERR_LIMIT || e == ERR_INVALID;
}

static void complain(struct taking *k)
{
    if (k->out->problem[0] == '\0')
        (void)snprintf(k->out->problem, sizeof(k->out->problem), "%s", err_text());
    log_info("bundle: %s", err_text());
}

/* What cannot be believed is left; the rest of the file stands by itself. */
static enum err disbelieve(struct taking *k, enum err e)
{
    if (!is_about_content(e))
        return e;
    k->out->disbelieved++;
    complain(k);
    return OK;
}

/* ---- who ---- */

static enum err take_directory(struct taking *k, struct bytes object)
{
    uint64_t before = k->a->directory->version;
    enum err e = agent_take_directory(k->a, object);

    if (e == ERR_VERSION) /* an old file: what is held is newer */
        return OK;
    if (e == OK)
        k->out->new_directory = k->out->new_directory || k->a->directory->version > before;
    if (e == ERR_AUTH)
        (void)err_set(e, _("the file is from another district, or somebody has altered it"));
    return disbelieve(k, e);
}

static enum err take_grant(struct taking *k, struct bytes object)
{
    uint64_t before = k->a->grant->version;
    bool was_enrolled = agent_is_enrolled(k->a);
    enum err e = agent_take_grant(k->a, object);

    if (e == ERR_DENIED) { /* a computer before or after this one; what it says of our batches is as true */
        k->out->is_ours = k->out->is_others = true;
        return OK;
    }
    if (e == ERR_VERSION)
        e = OK;
    if (e != OK)
        return disbelieve(k, e);
    k->out->is_ours = true;
    k->out->new_grant = k->out->new_grant || k->a->grant->version > before;
    k->out->has_joined = k->out->has_joined || (!was_enrolled && agent_is_enrolled(k->a));
    return OK;
}

/* ---- objects ---- */

static enum err take_object(struct taking *k, struct bytes object)
{
    const struct directory_object *listed;
    struct directory_object missing;
    uint8_t d[DIGEST_BYTES];
    bool is_missing = false;
    enum err e;

    digest(d, object);
    if ((listed = directory_find_object(k->a->directory, d)) == NULL || !listed->is_current)
        return OK; /* of an old file */
    for (size_t n = 0; !is_missing && (e = agent_missing_object(k->a, n, &missing)) == OK; n++)
        is_missing = digest_equal(missing.digest, d);
    if (!is_missing)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = agent_take_object(k->a, d, object)) != OK)
        return disbelieve(k, e);
    k->out->objects++;
    if (missing.kind == OBJECT_FORM && k->out->forms.len + FORM_NAME_MAX + 40 < FORMS_TEXT) {
        const struct form *f = agent_form_by_digest(k->a, d);

        buf_printf(&k->out->forms, "%s (%s)\n", f == NULL ? missing.name : cli_pick(f->title_ru, f->title_en),
                   missing.version);
    }
    return OK;
}

/* ---- receipts and pages ---- */

static void count_receipt(struct taking *k, const struct receipt *r)
{
    k->out->receipts++;
    k->out->refused += r->state == RECEIPT_REFUSED ? 1u : 0u;
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        k->out->verdicts[i] += r->verdicts[i];
    if (r->state != RECEIPT_REFUSED && r->hub_ms > k->out->received_ms)
        k->out->received_ms = r->hub_ms;
}

static enum err take_receipt(struct taking *k, struct bytes object)
{
    struct batch_state b;
    struct receipt r;
    bool is_here;
    bool is_new;
    enum err e = receipt_open(&r, object, k->a->directory->hub_sign);

    if (e != OK)
        return disbelieve(k, e);
    is_here = queue_batch(k->a, &r.gen, r.sequence, &b) == OK && b.sequence == r.sequence;
    is_new = is_here && b.life == BATCH_SEALED;
    /* Of a batch that only the other history had: no fault of the file; pages settle it. */
    e = is_here && !digest_equal(b.digest, r.batch) ? ERR_NOT_FOUND : queue_take_late_receipt(k->a, object);
    if (e == OK && is_here && r.state == RECEIPT_ARCHIVED && b.life != BATCH_ARCHIVED)
        k->out->archived += b.records;
    if (e == OK && is_new)
        count_receipt(k, &r);
    else if (e == OK || e == ERR_NOT_FOUND)
        k->out->again++;
    receipt_fini(&r);
    return e == ERR_NOT_FOUND ? OK : disbelieve(k, e);
}

static enum err note_page(struct taking *k, struct bytes object)
{
    struct reconcile r;
    enum err e = reconcile_open(&r, object, k->a->directory->hub_sign);
    size_t i = 0;

    if (e != OK)
        return disbelieve(k, e);
    while (i < k->gen_count && generation_compare(&k->gens[i], &r.gen) != 0)
        i++;
    if (i == k->gen_count && i < GENERATIONS_MAX)
        k->gens[k->gen_count++] = r.gen;
    reconcile_fini(&r);
    return OK;
}

/* The hub lacks what it had receipted before: it went back to an old copy (SPEC.md 7.5).  Older words than the receipt
 * say nothing of the kind. */
static enum err take_holdings(struct taking *k, struct bytes part)
{
    struct bundle_holdings h;
    struct batch_state b;
    enum err e;

    if (!k->is_signed)
        return OK;
    if ((e = bundle_holdings_get(&h, part)) != OK)
        return disbelieve(k, e);
    for (e = queue_batch(k->a, &h.gen, 0, &b); e == OK; e = queue_batch(k->a, &h.gen, b.sequence + 1, &b)) {
        if ((b.life != BATCH_STORED && b.life != BATCH_ARCHIVED) || b.receipt_ms >= k->about.made_ms ||
            !bundle_holdings_lack(&h, b.sequence))
            continue;
        if ((e = queue_send_again(k->a, &b)) != OK)
            return e;
        k->out->wanted++;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

/* In order and without holes: what comes too early, in a file that was overtaken, comes again in the next answer. */
static enum err take_word(struct taking *k, struct bytes object)
{
    uint64_t before = 0;
    uint64_t after = 0;
    enum err e = OK;

    if (k->out->is_others) /* sealed to it; the same words come again in an answer for this one */
        return OK;
    if ((e = agent_words_held(k->a, NULL, &before)) == OK)
        e = agent_take_word(k->a, object);
    if (e == ERR_NOT_FOUND || e == ERR_VERSION)
        return OK;
    if (e == OK && (e = agent_words_held(k->a, NULL, &after)) == OK && after > before)
        k->out->words++;
    return disbelieve(k, e);
}

/* ---- one walk over the file ---- */

static enum err take_part(struct taking *k, enum step step, const struct bundle_part *p)
{
    switch (p->kind) {
    case BUNDLE_DIRECTORY: return step == STEP_WHO ? take_directory(k, p->bytes) : OK;
    case BUNDLE_GRANT: return step == STEP_WHO ? take_grant(k, p->bytes) : OK;
    case BUNDLE_OBJECT: return step == STEP_OBJECTS ? take_object(k, p->bytes) : OK;
    case BUNDLE_RECEIPT: return step == STEP_WORDS ? take_receipt(k, p->bytes) : OK;
    case BUNDLE_RECONCILE: return step == STEP_WORDS ? note_page(k, p->bytes) : OK;
    case BUNDLE_HOLDINGS: return step == STEP_WORDS ? take_holdings(k, p->bytes) : OK;
    case BUNDLE_WORD: return step == STEP_WORDS ? take_word(k, p->bytes) : OK;
    case BUNDLE_HELLO:
    case BUNDLE_ENROL:
    case BUNDLE_HELD:
    case BUNDLE_BATCH:
    case BUNDLE_LIST: break;
    }
    return OK; /* a later hub's part, or none of a hub's */
}

static enum err walk(struct taking *k, enum step step, enum bundle_state *end)
{
    struct bundle_part p;
    enum err e = OK;

    bundle_rewind(k->file);
    *end = BUNDLE_PART;
    while (e == OK && (*end == BUNDLE_PART || *end == BUNDLE_DAMAGED)) {
        if ((e = bundle_read(k->file, &p, end)) != OK)
            break;
        if (*end == BUNDLE_PART)
            e = take_part(k, step, &p);
        else if (*end == BUNDLE_DAMAGED && step == STEP_WHO)
            k->out->damaged++;
    }
    return e;
}

/* ---- two histories ---- */

/* A generation that was settled before is left alone: the same pages again change nothing. */
static enum err is_unsettled(const struct taking *k, const struct generation *g, bool *out)
{
    struct queue_chain chain;
    struct batch_state b;
    enum err e = queue_chain(k->a, g, &chain);

    *out = generation_compare(g, &k->a->gen) == 0 || chain.waiting_records > 0;
    for (enum err found = e; found == OK && !*out;) {
        found = queue_batch(k->a, g, 0, &b);
        while (found == OK && b.life != BATCH_REFUSED)
            found = queue_batch(k->a, g, b.sequence + 1, &b);
        *out = found == OK;
        break;
    }
    return e;
}

static enum err feed_pages(struct taking *k, struct reconcile_plan *plan, const struct generation *g, bool *is_complete)
{
    enum bundle_state end = BUNDLE_PART;
    struct bundle_part p;
    struct reconcile r;
    enum err e = OK;

    bundle_rewind(k->file);
    while (e == OK && !*is_complete && (end == BUNDLE_PART || end == BUNDLE_DAMAGED)) {
        if ((e = bundle_read(k->file, &p, &end)) != OK || end != BUNDLE_PART || p.kind != BUNDLE_RECONCILE)
            continue;
        if (reconcile_open(&r, p.bytes, k->a->directory->hub_sign) != OK)
            continue;
        if (generation_compare(&r.gen, g) == 0)
            e = reconcile_feed(plan, p.bytes, is_complete);
        reconcile_fini(&r);
    }
    return e;
}

static enum err settle(struct taking *k, const struct generation *g)
{
    struct reconcile_plan *plan = NULL;
    uint64_t sealed = 0;
    uint64_t dropped = 0;
    uint64_t renumbered = 0;
    bool unsettled = false;
    bool is_complete = false;
    enum err e = is_unsettled(k, g, &unsettled);

    if (e != OK || !unsettled)
        return e;
    if ((e = reconcile_begin(&plan, k->a, g)) != OK)
        return e;
    reconcile_from_first(plan);
    e = feed_pages(k, plan, g, &is_complete);
    if (e == OK && is_complete && generation_compare(g, &k->a->gen) != 0)
        e = queue_seal(k->a, &sealed); /* nothing of the current generation may stay behind unsealed */
    if (e == OK && is_complete && (e = reconcile_finish(plan, &dropped, &renumbered)) == OK) {
        k->out->reconciled++;
        k->out->already_there += dropped;
        k->out->renumbered += renumbered;
    }
    reconcile_free(plan);
    return disbelieve(k, e);
}

/* ---- together ---- */

static void judge_end(struct taking *k, enum bundle_state end)
{
    enum err e;

    k->out->parts = bundle_total(k->file);
    k->out->done = bundle_done(k->file);
    k->out->is_whole = end == BUNDLE_END && k->out->damaged == 0;
    if (end == BUNDLE_CUT) {
        (void)err_set(ERR_MALFORMED,
                      _("the file is cut off or damaged after %u of %u parts; what is whole in it was taken"),
                      k->out->done, k->out->parts);
        complain(k);
        return;
    }
    if (k->out->damaged > 0) {
        (void)err_set(ERR_MALFORMED, _("%llu of the file's %u parts are damaged; the others were taken"),
                      (unsigned long long)k->out->damaged, k->out->parts);
        complain(k);
        return;
    }
    e = bundle_check(k->file, k->a->directory->hub_sign, &k->about);
    if (e == OK && strcmp(k->about.participant, k->a->grant->participant) != 0) {
        k->out->problem[0] = '\0'; /* that says it all */
        e = err_set(ERR_AUTH, _("the file is for another school: %s"), k->about.participant);
    }
    k->is_signed = e == OK;
    if (e != OK)
        complain(k);
}

static enum err take_all(struct taking *k)
{
    enum bundle_state end = BUNDLE_CUT;
    uint64_t expired = 0;
    enum err e = walk(k, STEP_WHO, &end);

    if (e != OK)
        return e;
    judge_end(k, end);
    for (enum step step = STEP_OBJECTS; step < STEPS && e == OK; step++)
        e = walk(k, step, &end);
    for (size_t i = 0; i < k->gen_count && e == OK; i++)
        e = settle(k, &k->gens[i]);
    return e == OK ? queue_expire(k->a, &expired) : e;
}

enum err stick_take(struct agent *a, const char *path, struct stick_news *out)
{
    struct taking k = {.a = a, .out = out};
    int lock = -1;
    enum err e = bundle_open(&k.file, path, true, (uint64_t)BUNDLE_MOST_MAX);

    if (e != OK)
        return e;
    if (bundle_direction(k.file) != BUNDLE_DOWN) {
        e = err_set(ERR_INVALID, _("%s: this is a file for the district; the district's answer to it is expected here"),
                    path);
    } else if ((e = agent_lock(a, "sync.lock", &lock)) == OK) {
        if ((e = aside_take(a)) == OK)
            e = take_all(&k);
        agent_unlock(lock);
    } else if (e == ERR_BUSY) {
        e = err_set(ERR_BUSY, _("another svodka-agent is syncing right now; try again in a minute"));
    }
    bundle_close(k.file);
    return e;
}
