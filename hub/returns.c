#include "hub/returns.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/closing.h"
#include "hub/excuse.h"
#include "hub/returns_internal.h"
#include "hub/units.h"

#include <stdlib.h>
#include <string.h>

#define DAYS_BACK 366

static const char *const state_names[RETURN_STATES] = {
    [RETURN_NOT_DUE] = "not-due",   [RETURN_DUE] = "due",           [RETURN_WAITING] = "waiting",
    [RETURN_RECEIVED] = "received", [RETURN_ACCEPTED] = "accepted", [RETURN_QUESTIONED] = "questioned",
    [RETURN_LATE] = "late",         [RETURN_MISSING] = "missing",   [RETURN_WAIVED] = "waived"};

const char *return_state_name(enum return_state s)
{
    return state_names[s];
}

const char *return_state_word(enum return_state s)
{
    switch (s) {
    case RETURN_NOT_DUE: return _("not due yet");
    case RETURN_DUE: return _("due");
    case RETURN_WAITING: return _("waiting at the school");
    case RETURN_RECEIVED: return _("received");
    case RETURN_ACCEPTED: return _("accepted");
    case RETURN_QUESTIONED: return _("asked back");
    case RETURN_LATE: return _("late");
    case RETURN_MISSING: return _("missing");
    case RETURN_WAIVED: return _("waived");
    case RETURN_STATES: break;
    }
    return "";
}

/* A form in a period that some rule asks for. */
struct asked {
    const struct form *form;
    struct period period;
};

struct returns {
    struct hub *hub;
    struct store_txn *t;
    const struct returns_query *q;
    enum err (*each)(void *ctx, const struct return_row *r);
    void *ctx;
    struct waivers waivers;
    struct covers covers;
    struct behalf_places behalf;
    struct roster *roster;
    struct asked *asked;
    size_t count, cap;
    const struct form *form; /* whose periods are being gathered */
};

/* ---- which forms and periods ---- */

static enum err ask(struct returns *all, const struct period *p)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->asked[i].form == all->form && strcmp(all->asked[i].period.id, p->id) == 0)
            return OK;
    if (all->count == all->cap) {
        size_t cap = all->cap == 0 ? 64 : 2 * all->cap;
        struct asked *grown = realloc(all->asked, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        all->asked = grown;
        all->cap = cap;
    }
    all->asked[all->count++] = (struct asked){all->form, *p};
    return OK;
}

static enum err ask_open(void *ctx, const struct period *p, const struct due_days *d)
{
    (void)d;
    return ask(ctx, p);
}

static enum err ask_rule(struct returns *all, const struct due_rule *rule)
{
    const struct returns_query *q = all->q;
    struct due_days d;
    struct period p;
    enum err e;

    all->form = hub_form_by_id(all->hub, rule->form);
    if (all->form == NULL || (q->form != NULL && strcmp(q->form, rule->form) != 0) ||
        (q->group != NULL && strcmp(q->group, rule->group) != 0))
        return OK;
    if (q->period == NULL)
        return due_rule_each(rule, all->form, all->hub->calendar, q->today - DAYS_BACK, q->today, ask_open, all);
    e = calendar_find(all->hub->calendar, NULL, q->period, &p);
    return e == OK && due_rule_days(rule, all->form, &p, &d) ? ask(all, &p) : e;
}

static enum err ask_all(struct returns *all)
{
    enum err e = OK;

    for (size_t i = 0; i < all->hub->programme_count; i++)
        for (size_t k = 0; k < due_rules_count(all->hub->due[i]) && e == OK; k++)
            e = ask_rule(all, due_rules_at(all->hub->due[i], k));
    return e;
}

/* ---- by which rule ---- */

/* Until somebody has said of which kind a unit is, it is asked: better a question too many than a return too few. */
static bool is_of_kind(const struct due_rule *rule, const char *kind)
{
    if (rule->kind_count == 0 || kind == NULL)
        return true;
    for (uint32_t i = 0; i < rule->kind_count; i++)
        if (strcmp(rule->kinds[i], kind) == 0)
            return true;
    return false;
}

static bool holds(const struct due_rule *rule, const struct asked *a, const char *unit, const char *kind,
                  struct due_days *days)
{
    bool is_district = strcmp(unit, UNIT_DISTRICT) == 0;

    return due_rule_days(rule, a->form, &a->period, days) &&
           (due_rule_about(rule, a->form) == DUE_ABOUT_DISTRICT) == is_district && is_of_kind(rule, kind);
}

/* The first rule of each calendar that is about the unit; of several calendars the one that asks first, so that one
 * return serves all programmes. */
static bool find_rule(const struct returns *all, const struct asked *a, const char *unit, const char *kind,
                      struct return_row *row)
{
    bool found = false;

    for (size_t i = 0; i < all->hub->programme_count; i++)
        for (size_t k = 0; k < due_rules_count(all->hub->due[i]); k++) {
            const struct due_rule *rule = due_rules_at(all->hub->due[i], k);
            struct due_days days;

            if (!holds(rule, a, unit, kind, &days))
                continue;
            if (!found || days.due < row->days.due) {
                row->rule = rule;
                row->days = days;
            }
            found = true;
            break;
        }
    return found;
}

/* ---- how it stands ---- */

/* The one who owes it: of the rule's role, with a right to speak about the unit. */
static const struct participant *debtor(const struct hub *h, const char *role, const char *unit)
{
    for (size_t i = 0; i < registry_count(h->registry); i++) {
        const struct participant *p = registry_at(h->registry, i);

        if (p->state != PARTICIPANT_CLOSED && grant_allows(&p->grant, role, unit))
            return p;
    }
    return NULL;
}

static enum err waits(const struct returns *all, const struct return_row *row, bool *is_waiting)
{
    const struct participant *p = debtor(all->hub, due_rule_role(row->rule, row->form), row->unit);
    struct greeting_note g;
    uint64_t missing = 0;
    enum err e = p == NULL ? ERR_NOT_FOUND : greeting_get(all->t, p->index, &g);

    if (e == OK)
        e = greeting_missing(all->t, p->index, &g, &missing);
    *is_waiting = e == OK && missing > 0;
    return e == ERR_NOT_FOUND ? OK : e;
}

/* By the greeting, or by the code that the school read out. */
static enum err waits_or_called(const struct returns *all, struct return_row *row, bool *is_waiting)
{
    struct excuse call;
    enum err e = excuse_get(all->t, true, row->form->id, row->unit, row->period->id, &call);

    if (e == ERR_NOT_FOUND)
        return waits(all, row, is_waiting);
    if (e != OK)
        return e;
    *is_waiting = true;
    row->is_called = true;
    row->called_on = call.day;
    row->called_count = call.count;
    return OK;
}

static enum err judge_absent(const struct returns *all, struct return_row *row, const struct waiver *w)
{
    int32_t today = all->q->today;
    bool is_waiting = false;
    enum err e = OK;

    if (w != NULL && !w->is_extension)
        row->state = RETURN_WAIVED;
    else if (today < row->days.opens)
        row->state = RETURN_NOT_DUE;
    else if ((e = waits_or_called(all, row, &is_waiting)) == OK && is_waiting)
        row->state = RETURN_WAITING;
    else if (today <= row->days.due)
        row->state = RETURN_DUE;
    else
        row->state = today <= row->days.late_until ? RETURN_LATE : RETURN_MISSING;
    row->is_overdue = row->state != RETURN_WAIVED && row->state != RETURN_NOT_DUE && today > row->days.due;
    return e;
}

static void judge_here(struct return_row *row, const struct return_decision *d, uint64_t closed_lsn)
{
    bool came_after = closed_lsn != 0 && row->facts.first_lsn > closed_lsn;

    row->is_on_time = row->facts.filled_on <= row->days.due && !came_after;
    row->is_after_close = closed_lsn != 0 && row->facts.last_lsn > closed_lsn;
    if (d != NULL && memcmp(d->mark, row->facts.mark, RETURN_MARK_BYTES) == 0) {
        row->state = d->word == WORD_ACCEPTED ? RETURN_ACCEPTED : RETURN_QUESTIONED;
        row->by = d->by;
        row->text = d->text;
    } else
        row->state = row->is_on_time ? RETURN_RECEIVED : RETURN_LATE;
}

static void extend(struct return_row *row, const struct waiver *w)
{
    if (w == NULL)
        return;
    row->text = w->reason;
    if (!w->is_extension || w->until <= row->days.due)
        return;
    row->is_extended = true;
    row->days.due = w->until;
    if (row->days.late_until < w->until)
        row->days.late_until = w->until;
}

static enum err judge(const struct returns *all, struct return_row *row, struct return_decision *d)
{
    const struct waiver *w = waivers_find(&all->waivers, row->form->id, row->unit, row->period->id);
    bool is_closed;
    uint64_t lsn;
    enum err e =
        returns_facts_with(all->hub, all->t, &all->covers, row->form->id, row->unit, row->period->id, &row->facts);

    if (e != OK || (e = closing_is_closed(all->t, row->period->id, row->rule->group, &is_closed, &lsn)) != OK)
        return e;
    row->facts.behalf.is_replaced = row->facts.submissions > 0 && row->facts.behalf.total == 0 &&
                                    behalf_has(&all->behalf, row->form->id, row->unit, row->period->id);
    extend(row, w);
    if (!row->facts.is_here)
        return judge_absent(all, row, w);
    e = returns_decision(all->t, row->form->id, row->unit, row->period->id, d);
    if (e == OK || e == ERR_NOT_FOUND)
        judge_here(row, e == OK ? d : NULL, is_closed ? lsn : 0);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err one_unit(const struct returns *all, const struct asked *a, const char *unit, const char *kind)
{
    struct return_row row = {.form = a->form, .period = &a->period, .unit = unit, .text = "", .by = ""};
    struct return_decision d;
    enum err e;

    if ((all->q->unit != NULL && strcmp(all->q->unit, unit) != 0) || !find_rule(all, a, unit, kind, &row) ||
        (all->q->group != NULL && strcmp(all->q->group, row.rule->group) != 0))
        return OK;
    if (all->q->period == NULL && !all->q->with_closed) {
        bool is_closed;
        uint64_t lsn;

        if ((e = closing_is_closed(all->t, a->period.id, row.rule->group, &is_closed, &lsn)) != OK || is_closed)
            return e;
    }
    e = judge(all, &row, &d);
    return e == OK ? all->each(all->ctx, &row) : e;
}

/* ---- about whom ---- */

/* Does any rule ask the district itself, and any the units? */
static void find_about(const struct returns *all, const struct asked *a, bool *district, bool *units)
{
    struct due_days days;

    *district = *units = false;
    for (size_t i = 0; i < all->hub->programme_count; i++)
        for (size_t k = 0; k < due_rules_count(all->hub->due[i]); k++) {
            const struct due_rule *rule = due_rules_at(all->hub->due[i], k);

            if (!due_rule_days(rule, a->form, &a->period, &days))
                continue;
            if (due_rule_about(rule, a->form) == DUE_ABOUT_DISTRICT)
                *district = true;
            else
                *units = true;
        }
}

/* NULL: nobody has said. */
static const char *kind_of(const struct returns *all, const char *unit, const struct period *p)
{
    struct roster_facts facts;

    return roster_facts(all->roster, unit, p->first, p->last, &facts) ? facts.kind : NULL;
}

static enum err one_form(const struct returns *all, const struct asked *a)
{
    struct units *units = NULL;
    bool district, of_units;
    enum err e = OK;

    find_about(all, a, &district, &of_units);
    if (of_units)
        e = units_expected(&units, all->hub, all->roster, a->form, &a->period);
    for (size_t i = 0; e == OK && of_units && i < units_count(units); i++)
        if (strcmp(units_at(units, i), UNIT_DISTRICT) != 0)
            e = one_unit(all, a, units_at(units, i), kind_of(all, units_at(units, i), &a->period));
    if (e == OK && district)
        e = one_unit(all, a, UNIT_DISTRICT, NULL);
    units_free(units);
    return e;
}

enum err returns_each(struct hub *h, struct store_txn *t, const struct returns_query *q,
                      enum err (*each)(void *ctx, const struct return_row *r), void *ctx)
{
    struct returns all = {.hub = h, .t = t, .q = q, .each = each, .ctx = ctx};
    enum err e = roster_load(&all.roster, h, t);

    if (e == OK)
        e = waivers_load(&all.waivers, h, t);
    if (e == OK)
        e = covers_load(&all.covers, h, t, q->unit, q->period);
    if (e == OK)
        e = behalf_load(&all.behalf, h, t);
    if (e == OK)
        e = ask_all(&all);
    for (size_t i = 0; i < all.count && e == OK; i++)
        e = one_form(&all, &all.asked[i]);
    roster_free(all.roster);
    waivers_fini(&all.waivers);
    covers_fini(&all.covers);
    behalf_fini(&all.behalf);
    free(all.asked);
    return e;
}

/* ---- added up ---- */

void returns_count(struct returns_counts *c, const struct return_row *r)
{
    bool is_here = r->facts.is_here;

    c->by_state[r->state]++;
    c->due += r->state != RETURN_NOT_DUE && r->state != RETURN_WAIVED;
    c->received += is_here;
    c->on_time += is_here && r->is_on_time;
    c->late += is_here && !r->is_on_time;
    c->missing += r->is_overdue;
}

static enum err count_row(void *ctx, const struct return_row *r)
{
    returns_count(ctx, r);
    return OK;
}

enum err returns_counts(struct hub *h, struct store_txn *t, const char *form, const char *period,
                        struct returns_counts *out)
{
    struct returns_query q = {.form = form, .period = period, .today = clock_today()};

    memset(out, 0, sizeof(*out));
    return returns_each(h, t, &q, count_row, out);
}
