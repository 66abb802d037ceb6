#include "tests/fault/soak/soak.h"

#include "agent/own_return.h"
#include "hub/evaluate.h"
#include "hub/ledger_quarantine.h"

/* ---- invariants 1 and 2: at the schools ---- */

static uint64_t records_at_schools;

static enum err count_all(void *ctx, const struct queue_submission *s)
{
    (void)s;
    (*(uint64_t *)ctx)++;
    return OK;
}

static void check_schools(void)
{
    static const struct queue_filter any;
    uint64_t bad = 0;

    records_at_schools = 0;
    for (size_t i = 0; i < school_count; i++) {
        struct queue_status st;

        speaking = &schools[i];
        MUST(queue_verify(schools[i].agent, stderr, &bad));
        MUST(session_verify(schools[i].agent, stderr, &bad));
        if (bad != 0)
            at_fault("invariant 1: the queue of %s does not verify", schools[i].id);
        MUST(queue_status(schools[i].agent, &st));
        if (st.refused != 0 || st.rejected != 0 || st.batches_open != 0)
            at_fault("invariant 9: %s was told of %llu refused and %llu rejected submissions", schools[i].id,
                     (unsigned long long)st.refused, (unsigned long long)st.rejected);
        MUST(queue_each(schools[i].agent, &any, count_all, &records_at_schools));
    }
}

/* ---- invariants 3, 4, 5: what the hub holds ---- */

struct standing {
    uint64_t count;
};

static enum err see_current(void *ctx, const struct submission *s)
{
    struct standing *x = ctx;

    (void)s;
    x->count++;
    return OK;
}

/* The bytes at the hub are those in the school's queue. */
static void check_submission(struct hub *h, struct store_txn *t, const struct entry *e, uint32_t mark)
{
    const struct participant *p = registry_by_id(h->registry, schools[e->school].id);
    struct submission s = {.record = {NULL, 0}};
    struct buf own;
    enum err err;

    for (unsigned i = e->copy_count; i > 0; i--) {
        err = ledger_find(h->ledger, t, p->index, &e->copies[i - 1].ref, &s);
        if (e->is_erased && err != ERR_ERASED)
            at_fault("submission %u of %s was erased, and the hub still has it: %s", mark, schools[e->school].id,
                     err_name(err));
        if (!e->is_erased && err != OK)
            at_fault("invariant 2: submission %u of %s is not at the hub: %s", mark, schools[e->school].id, err_text());
    }
    if (e->is_erased)
        return;
    if (home_is_astray(e->school))
        return; /* not all of it lies at that computer */
    buf_init(&own, RECORD_MAX);
    MUST(queue_get(schools[e->school].agent, &e->copies[0].ref, &own));
    if (own.len != s.record.len || memcmp(own.data, s.record.p, own.len) != 0)
        at_fault("invariant 4: submission %u of %s is not at the hub as it was sent", mark, schools[e->school].id);
    buf_fini(&own);
}

/* Has any school another home, or an older one? */
static bool is_any_astray(void)
{
    for (size_t i = 0; i < school_count; i++)
        if (home_is_astray(i))
            return true;
    return false;
}

static void check_ledger(struct hub *h, struct store_txn *t)
{
    static const char *const forms[] = {"grades", "card", "poll"};
    struct ledger_totals totals;
    uint64_t counted[3] = {0, 0, 0};

    MUST(ledger_totals(t, &totals));
    if (totals.quarantined != 0)
        at_fault("invariant 9: %llu submissions wait in quarantine, and nothing was wrong with any",
                 (unsigned long long)totals.quarantined);
    if (!is_any_astray() && totals.records != records_at_schools)
        at_fault("invariant 3: the hub holds %llu numbers, the schools %llu", (unsigned long long)totals.records,
                 (unsigned long long)records_at_schools);
    for (uint32_t i = 0; i < entry_count; i++) {
        counted[entries[i].about] += entries[i].is_counted;
        if (entries[i].is_here && entries[i].about != ABOUT_POLL) /* of those the numbers are checked as a whole */
            check_submission(h, t, &entries[i], i + 1);
    }
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct standing x = {.count = 0};

        MUST(ledger_each_standing(h->ledger, t, forms[i], NULL, NULL, see_current, &x));
        if (x.count != counted[i])
            at_fault("invariant 3: of %s %llu submissions count, and %llu should", forms[i],
                     (unsigned long long)x.count, (unsigned long long)counted[i]);
    }
}

/* ---- the covers of returns ---- */

struct covers {
    struct hub *hub;
    struct store_txn *t;
    size_t school;
    uint64_t count;
};

static enum err see_cover(void *ctx, const struct own_cover *c)
{
    struct covers *x = ctx;
    const struct participant *p = registry_by_id(x->hub->registry, schools[x->school].id);
    struct submission s;

    if (ledger_find(x->hub->ledger, x->t, p->index, &c->ref, &s) != OK)
        at_fault("invariant 2: what %s said of a return is not at the hub", schools[x->school].id);
    x->count++;
    return OK;
}

/* What a school says of its returns now is what the hub knows of them. */
static void check_covers(struct hub *h, struct store_txn *t)
{
    static const char *const forms[] = {"grades", "card", "poll"};

    for (size_t i = 0; i < school_count; i++) {
        struct covers x = {.hub = h, .t = t, .school = i};
        struct standing at_hub = {.count = 0};

        if (home_is_astray(i))
            continue;
        for (size_t f = 0; f < COUNT(forms); f++)
            for (size_t k = 0; k < SOAK_PERIODS; k++)
                MUST(own_covers_each(schools[i].agent, forms[f], schools[i].id, soak_periods[k], see_cover, &x));
        MUST(ledger_each_current(h->ledger, t, COVER_FORM, schools[i].id, NULL, see_current, &at_hub));
        if (x.count != at_hub.count)
            at_fault("invariant 3: the hub knows %llu covers of %s, and there are %llu",
                     (unsigned long long)at_hub.count, schools[i].id, (unsigned long long)x.count);
    }
}

/* ---- the indicators ---- */

#define LINES_MAX 16384u
struct line {
    char indicator[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1], part[192];
    struct result r;
    bool is_expected;
};
static struct line *lines;
static size_t line_count;

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct line *x = &lines[line_count];

    (void)ctx;
    if (line_count++ == LINES_MAX)
        at_fault("too many lines");
    *x = (struct line){.r = l->result};
    (void)snprintf(x->indicator, sizeof(x->indicator), "%s", l->indicator->id);
    (void)snprintf(x->unit, sizeof(x->unit), "%s", l->unit);
    (void)snprintf(x->period, sizeof(x->period), "%s", l->period->id);
    (void)snprintf(x->part, sizeof(x->part), "%s", l->breakdown);
    return OK;
}

static struct line *line_of(const struct figure *f)
{
    const char *unit = f->unit < 0 ? "" : schools[f->unit].id;

    for (size_t i = 0; i < line_count; i++)
        if (strcmp(lines[i].indicator, f->indicator) == 0 && strcmp(lines[i].unit, unit) == 0 &&
            strcmp(lines[i].period, soak_periods[f->period]) == 0 && strcmp(lines[i].part, f->part) == 0)
            return &lines[i];
    return NULL;
}

static long long shown(i128 n)
{
    return (long long)n;
}

/* above/below are the same fraction as the hub's, if it says one. */
static bool is_same_fraction(const struct figure *f, const struct result *r)
{
    i128 scale = 1;

    for (unsigned i = 0; i < r->fraction_places; i++)
        scale *= 10;
    if (!r->has_fraction)
        return true;
    return r->numerator == f->above * scale && (!r->has_denominator || r->denominator == f->below * scale);
}

static void compare_figure(void *ctx, const struct figure *f)
{
    struct line *l = line_of(f);
    const char *where = f->unit < 0 ? "the district" : schools[f->unit].id;
    bool has = l != NULL && l->r.state == RESULT_OK;

    (void)ctx;
    if (l != NULL)
        l->is_expected = true;
    if (has != f->has_value)
        at_fault("%s %s of %s in %s: the hub %s a value, and %s", f->indicator, f->part, where, soak_periods[f->period],
                 has ? "has" : "has not", f->has_value ? "should" : "should not");
    if (has && (l->r.value != f->value || !is_same_fraction(f, &l->r)))
        at_fault("%s %s of %s in %s is %lld/%lld = %lld at the hub, and should be %lld/%lld = %lld", f->indicator,
                 f->part, where, soak_periods[f->period], shown(l->r.numerator), shown(l->r.denominator),
                 shown(l->r.value), shown(f->above), shown(f->below), shown(f->value));
}

static void check_indicators(struct hub *h, struct store_txn *t)
{
    const struct indicator_query q = {.programme = NULL, .level = -1};
    struct evaluation *e;

    if (lines == NULL && (lines = calloc(LINES_MAX, sizeof(*lines))) == NULL)
        at_fault("no memory");
    line_count = 0;
    MUST(evaluation_new(&e, h, t, NULL));
    MUST(evaluation_lines(e, &q, take_line, NULL));
    model_figures(compare_figure, NULL);
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].r.state == RESULT_OK && !lines[i].is_expected)
            at_fault("%s %s of %s in %s has a value, and nobody reported any", lines[i].indicator, lines[i].part,
                     lines[i].unit, lines[i].period);
    evaluation_free(e);
}

struct asked {
    struct hub *hub;
    struct store_txn *t;
};

/* What went with a school's disk: has the hub received it before? */
static bool is_at_hub(void *ctx, struct entry *e)
{
    const struct asked *x = ctx;
    const struct participant *p = registry_by_id(x->hub->registry, schools[e->school].id);
    unsigned held = 0;

    for (unsigned i = 0; i < e->copy_count; i++) {
        uint8_t found[DIGEST_BYTES];
        struct submission s;

        if (ledger_find(x->hub->ledger, x->t, p->index, &e->copies[i].ref, &s) != OK)
            continue;
        digest(found, s.record);
        if (memcmp(found, e->copies[i].digest, sizeof(found)) == 0)
            e->copies[held++] = e->copies[i];
    }
    if (held > 0)
        e->copy_count = held;
    return held > 0;
}

static void check_verify(struct hub *h)
{
    uint64_t bad = 1;

    MUST(ledger_verify(h, stderr, &bad));
    if (bad != 0)
        at_fault("invariant 5: the hub does not verify");
}

void check_hub(void)
{
    struct store_txn *t;
    struct hub *h;

    clock_of(0);
    hub_stop();
    MUST(hub_open(&h, hub_home, HUB_READ));
    MUST(store_begin_read(h->store, &t));
    check_ledger(h, t);
    check_indicators(h, t);
    store_abort(t);
    check_verify(h);
    hub_close(h, false);
    hub_start();
}

void check_all(void)
{
    struct asked x = {.hub = NULL};

    hub_stop();
    MUST(hub_open(&x.hub, hub_home, HUB_READ));
    MUST(store_begin_read(x.hub->store, &x.t));
    history_compare(is_at_hub, &x);
    model_decide();
    check_schools();
    check_ledger(x.hub, x.t);
    check_covers(x.hub, x.t);
    check_indicators(x.hub, x.t);
    store_abort(x.t);
    check_verify(x.hub);
    hub_close(x.hub, false);
    hub_start();
}
