#include "agent/due_list.h"

#include "agent/cmd_common.h"
#include "agent/own_return.h"
#include "agent/questions.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

static enum err add_line(struct due_list *d, const struct period *p, const struct due_days *days)
{
    struct due_line *l;

    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 32 : 2 * d->cap;
        struct due_line *grown = realloc(d->lines, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        d->lines = grown;
        d->cap = cap;
    }
    l = &d->lines[d->count++];
    memset(l, 0, sizeof(*l));
    l->form = d->form;
    if (p != NULL)
        l->period = *p;
    if (days != NULL) {
        l->rule = d->rule;
        l->days = *days;
        l->programme = d->programme;
    }
    return OK;
}

static struct due_line *find_line(const struct due_list *d, const char *period,
                                  bool (*fits)(const struct due_list *d, const struct due_line *l))
{
    for (size_t i = 0; i < d->count; i++)
        if (d->lines[i].form == d->form && strcmp(d->lines[i].period.id, period) == 0 && fits(d, &d->lines[i]))
            return &d->lines[i];
    return NULL;
}

static bool is_any(const struct due_list *d, const struct due_line *l)
{
    (void)d;
    (void)l;
    return true;
}

/* A rule of the same programme about all: what comes after it is about nobody. */
static bool is_general(const struct due_list *d, const struct due_line *l)
{
    return l->rule != NULL && l->rule->kind_count == 0 && l->programme == d->programme;
}

/* Of the same kinds of schools. */
static bool is_alike(const struct due_list *d, const struct due_line *l)
{
    if (l->rule == NULL || l->rule->kind_count != d->rule->kind_count)
        return false;
    for (uint32_t i = 0; i < l->rule->kind_count; i++)
        if (strcmp(l->rule->kinds[i], d->rule->kinds[i]) != 0)
            return false;
    return true;
}

/* In one programme the first rule that is about all holds; those for some kinds of schools before it are shown with the
 * kinds they name, because the office knows of which kind this one is.  Of several programmes the one holds that asks
 * first: one return serves them all. */
static enum err add_open(void *ctx, const struct period *p, const struct due_days *days)
{
    struct due_list *d = ctx;
    struct due_line *alike = find_line(d, p->id, is_alike);

    if (find_line(d, p->id, is_general) != NULL || (alike != NULL && alike->programme == d->programme))
        return OK;
    if (alike == NULL)
        return add_line(d, p, days);
    if (days->due < alike->days.due) {
        alike->rule = d->rule;
        alike->days = *days;
    }
    alike->programme = d->programme;
    return OK;
}

/* Every rule about the form that is this sender's: of the one period, or (NULL) of all that are open today. */
static enum err add_rules(struct due_list *d, const struct agent *a, const struct form *f, const struct period *p)
{
    int32_t today = clock_today();
    struct due_days days;
    enum err e = OK;

    for (size_t k = 0; k < a->due_count; k++)
        for (size_t i = 0; i < due_rules_count(a->due[k]) && e == OK; i++) {
            d->programme = k;
            d->rule = due_rules_at(a->due[k], i);
            if (strcmp(d->rule->form, f->id) != 0 || !grant_allows(a->grant, due_rule_role(d->rule, f), NULL))
                continue;
            if (p == NULL)
                e = due_rule_each(d->rule, f, a->calendar, today, d->until, add_open, d);
            else if (due_rule_days(d->rule, f, p, &days))
                e = add_open(d, p, &days);
        }
    return e;
}

/* Each of the form's series that has a period today, with its day even when that is over or far away. */
static enum err add_present(struct due_list *d, const struct agent *a, const struct form *f)
{
    struct period p;
    enum err e = OK;

    for (uint32_t k = 0; k < f->series_count && e == OK; k++) {
        if (calendar_on(a->calendar, f->all_series[k], clock_today(), &p) != OK || find_line(d, p.id, is_any) != NULL)
            continue;
        if ((e = add_rules(d, a, f, &p)) == OK && find_line(d, p.id, is_any) == NULL)
            e = add_line(d, &p, NULL);
    }
    return e;
}

/* What is open, then what is present; one empty line when there is nothing at all. */
static enum err add_lines(struct due_list *d, const struct agent *a, const struct form *f)
{
    size_t before = d->count;
    enum err e;

    d->form = f;
    if ((e = add_rules(d, a, f, NULL)) == OK)
        e = add_present(d, a, f);
    return e == OK && d->count == before ? add_line(d, NULL, NULL) : e;
}

/* Whose return is meant when a line names none. */
const char *due_unit(const struct agent *a, const struct form *f)
{
    if (f->is_about_district)
        return UNIT_DISTRICT;
    return a->grant->unit_count == 1 ? a->grant->units[0] : a->grant->participant;
}

static void take_cover(struct due_list *d, const struct record *r)
{
    struct cover c;

    if (r->values == NULL || !cover_read(&c, r->values, r->value_count))
        return;
    for (size_t i = 0; i < d->count; i++)
        if (strlen(d->lines[i].form->id) == c.of.len && memcmp(d->lines[i].form->id, c.of.p, c.of.len) == 0 &&
            strcmp(d->lines[i].period.id, r->period) == 0 && strcmp(due_unit(d->a, d->lines[i].form), r->unit) == 0)
            d->lines[i].is_marked = true;
}

static enum err count_one(void *ctx, const struct queue_submission *s)
{
    struct due_list *d = ctx;

    if (s->form == NULL)
        return OK;
    if (builtin_is(s->form, BUILTIN_COVER))
        take_cover(d, s->record);
    for (size_t i = 0; i < d->count; i++) {
        struct due_line *l = &d->lines[i];

        if (strcmp(l->form->id, s->form->id) != 0 || strcmp(l->period.id, s->record->period) != 0)
            continue;
        l->entered += s->record->kind == RECORD_NEW;
        if (strcmp(due_unit(d->a, l->form), s->record->unit) == 0)
            l->last = s->ref; /* they come in order */
    }
    return OK;
}

enum err due_line_accepted(const struct agent *a, const struct due_line *l, char out[11])
{
    struct acceptance at;
    enum err e = return_accepted(a, NULL, l->form->id, due_unit(a, l->form), l->period.id, &at);

    out[0] = '\0';
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if (!at.has_target || record_ref_compare(&l->last, &at.target) <= 0)
        cli_format_day(out, 11, at.wall_ms);
    return OK;
}

enum err due_line_marked(const struct agent *a, const struct due_line *l, bool in_words, const char **out)
{
    struct own_return *r = NULL;
    enum err e;

    *out = "";
    if (!l->is_marked)
        return OK;
    if ((e = own_return_read(&r, a, l->form, due_unit(a, l->form), l->period.id)) != OK)
        return e;
    if (r->is_changed)
        *out = in_words ? _("changed since it was marked") : "changed";
    else if (r->has_cover)
        *out = in_words ? cover_state_word(r->cover.state) : cover_state_name(r->cover.state);
    own_return_free(r);
    return OK;
}

enum err due_list_read(struct due_list *out, const struct agent *a, int32_t days)
{
    struct queue_filter any = {NULL, NULL, NULL};
    enum err e = OK;

    *out = (struct due_list){.a = a, .until = clock_today() + days};
    for (size_t i = 0; i < a->form_count && e == OK; i++)
        if (command_own_form(a, i) != NULL)
            e = add_lines(out, a, command_own_form(a, i));
    return e == OK ? queue_each(a, &any, count_one, out) : e;
}

void due_list_fini(struct due_list *l)
{
    free(l->lines);
    *l = (struct due_list){0};
}
