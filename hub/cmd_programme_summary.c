/* programme check: what is in a pack. */
#include "hub/cmd_programme.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the sheet ---- */

static const struct table_column columns[] = {{"what", "what", TABLE_LEFT, false},
                                              {"id", "id", TABLE_LEFT, false},
                                              {"version", "version", TABLE_LEFT, false},
                                              {"mode", "mode", TABLE_LEFT, false},
                                              {"series", "series", TABLE_LEFT, false},
                                              {"period", "period", TABLE_LEFT, false},
                                              {"date", "date", TABLE_LEFT, false},
                                              {"subject", "subject", TABLE_LEFT, false},
                                              {"proposal", "proposal", TABLE_LEFT, false},
                                              {"count", "count", TABLE_RIGHT, true},
                                              {"of", "of", TABLE_RIGHT, true}};

void sheet_init(struct sheet *s, enum table_format format)
{
    *s = (struct sheet){.format = format};
    if (format != TABLE_TEXT)
        s->e = table_new(&s->rows, columns, sizeof(columns) / sizeof(columns[0]));
}

enum err sheet_finish(struct sheet *s)
{
    if (s->e == OK && s->rows != NULL)
        s->e = table_print(s->rows, s->format, stdout);
    table_free(s->rows);
    s->rows = NULL;
    return s->e;
}

void sheet_put(struct sheet *s, const struct sheet_row *r)
{
    char count[24] = "", of[24] = "";
    const char *cells[] = {r->what, r->id,      r->version,  r->mode, r->series, r->period,
                           r->date, r->subject, r->proposal, count,   of};

    if (r->has_count)
        (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)r->count);
    if (r->has_of)
        (void)snprintf(of, sizeof(of), "%llu", (unsigned long long)r->of);
    if (s->e == OK && s->rows != NULL)
        s->e = table_row(s->rows, cells);
}

/* ---- forms ---- */

static const char *mode_name(enum form_mode m)
{
    switch (m) {
    case FORM_RECORD: return "record";
    case FORM_ROWS: return "rows";
    case FORM_ANSWERS: return "answers";
    }
    return "";
}

static const char *mode_word(enum form_mode m)
{
    switch (m) {
    case FORM_RECORD: return _("one record");
    case FORM_ROWS: return _("rows by key");
    case FORM_ANSWERS: return _("anonymous answers");
    }
    return "";
}

static void put_form(struct sheet *s, struct table *t, const struct form *f)
{
    char series[CALENDAR_JOINED_MAX], fields[24];
    struct sheet_row row = {.what = "form",
                            .id = f->id,
                            .version = f->version,
                            .mode = mode_name(f->mode),
                            .series = series,
                            .has_count = true,
                            .count = f->field_count};
    const char *cells[] = {f->id, f->version, mode_word(f->mode), series, fields};

    calendar_join(series, f->all_series, f->series_count);
    (void)snprintf(fields, sizeof(fields), "%u", f->field_count);
    if (t == NULL)
        sheet_put(s, &row);
    else if (s->e == OK)
        s->e = table_row(t, cells);
}

/* Prints and frees it, with an empty line before. */
static void show(struct sheet *s, struct table *t)
{
    if (s->e == OK && t != NULL) {
        (void)putchar('\n');
        s->e = table_print(t, TABLE_TEXT, stdout);
    }
    table_free(t);
}

static struct table *make(struct sheet *s, const struct table_column *of, size_t count)
{
    struct table *t = NULL;

    if (s->e == OK && s->format == TABLE_TEXT)
        s->e = table_new(&t, of, count);
    return t;
}

static void put_forms(struct sheet *s, const struct programme *p)
{
    const struct table_column of_forms[] = {{"form", _("Form"), TABLE_LEFT, false},
                                            {"version", _("Version"), TABLE_LEFT, false},
                                            {"mode", _("Mode"), TABLE_LEFT, false},
                                            {"series", _("Series of periods"), TABLE_LEFT, false},
                                            {"fields", _("Fields"), TABLE_RIGHT, true}};
    struct table *t = make(s, of_forms, sizeof(of_forms) / sizeof(of_forms[0]));

    for (size_t i = 0; i < p->form_count; i++)
        put_form(s, t, p->forms[i]);
    show(s, t);
}

/* ---- numbers ---- */

static void put_number(struct sheet *s, struct table *t, const char *what, const char *subject, const char *title,
                       uint64_t n)
{
    char text[40];
    struct sheet_row row = {.what = what, .subject = subject, .has_count = true, .count = n};
    const char *cells[] = {title, text};

    cli_format_count(text, sizeof(text), n);
    if (t == NULL)
        sheet_put(s, &row);
    else if (s->e == OK)
        s->e = table_row(t, cells);
}

static const char *level_word(enum indicator_levels l)
{
    switch (l) {
    case LEVELS_BOTH: return _("  of units and of the municipality");
    case LEVELS_UNIT: return _("  of units alone");
    case LEVELS_MUNICIPALITY: return _("  of the municipality alone");
    }
    return "";
}

/* An id counts once, by the first of its definitions that is listed. */
static bool is_first_listed(const struct programme *p, size_t at)
{
    if (p->indicators[at]->is_hidden)
        return false;
    for (size_t i = 0; i < at; i++)
        if (!p->indicators[i]->is_hidden && strcmp(p->indicators[i]->id, p->indicators[at]->id) == 0)
            return false;
    return true;
}

struct tally {
    uint64_t ids, hidden, proposals, targets;
    uint64_t kinds[KIND_PROGRESS + 1];
    uint64_t levels[LEVELS_MUNICIPALITY + 1];
};

static void count_indicators(struct tally *n, const struct programme *p)
{
    *n = (struct tally){0};
    for (size_t i = 0; i < p->indicator_count; i++) {
        const struct indicator *of = p->indicators[i];

        n->hidden += of->is_hidden;
        n->targets += of->target_count;
        if (!is_first_listed(p, i))
            continue;
        n->ids++;
        n->proposals += of->is_proposal;
        n->kinds[of->kind]++;
        n->levels[of->levels]++;
    }
}

static void put_indicators(struct sheet *s, struct table *t, const struct programme *p)
{
    static const char *const levels[] = {"both", "unit", "municipality"};
    char title[64];
    struct tally n;

    count_indicators(&n, p);
    put_number(s, t, "indicators", NULL, _("Indicators"), n.ids);
    for (size_t i = 0; i <= KIND_PROGRESS; i++) {
        (void)snprintf(title, sizeof(title), "  %s", indicator_kind_names[i]);
        if (n.kinds[i] > 0)
            put_number(s, t, "indicators_kind", indicator_kind_names[i], title, n.kinds[i]);
    }
    for (size_t i = 0; i <= LEVELS_MUNICIPALITY; i++)
        if (n.levels[i] > 0)
            put_number(s, t, "indicators_level", levels[i], level_word((enum indicator_levels)i), n.levels[i]);
    put_number(s, t, "indicators_proposed", NULL, _("  with a formula of our own"), n.proposals);
    put_number(s, t, "definitions", NULL, _("Definitions of indicators"), p->indicator_count);
    put_number(s, t, "definitions_hidden", NULL, _("  hidden: helpers of others"), n.hidden);
    put_number(s, t, "targets", NULL, _("Targets"), n.targets);
}

static uint64_t proposed_measures(const struct programme *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < p->roadmap_count; i++)
        n += p->roadmap[i].is_proposal;
    return n;
}

/* ---- due dates ---- */

struct due_date {
    const char *form;
    char period[PERIOD_ID_MAX + 1];
    const char *series; /* a loan from the calendar */
    int32_t day;
    bool is_proposal;
};
struct due_list {
    struct due_date *items;
    size_t count, cap;
    const struct due_rule *rule;
    const struct period *year;
};

static enum err add_due(void *ctx, const struct period *p, const struct due_days *d)
{
    struct due_list *l = ctx;
    struct due_date *grown;
    size_t cap = l->cap == 0 ? 64 : 2 * l->cap;

    if (d->due < l->year->first || d->due > l->year->last)
        return OK;
    if (l->count == l->cap) {
        if ((grown = realloc(l->items, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count] = (struct due_date){
        .form = l->rule->form, .series = p->series, .day = d->due, .is_proposal = l->rule->is_proposal};
    (void)snprintf(l->items[l->count++].period, sizeof(l->items[0].period), "%s", p->id);
    return OK;
}

static int by_day(const void *a, const void *b)
{
    const struct due_date *x = a;
    const struct due_date *y = b;
    int order = (x->day > y->day) - (x->day < y->day);

    if (order == 0)
        order = strcmp(x->form, y->form);
    return order != 0 ? order : strcmp(x->period, y->period);
}

static enum err find_due(struct due_list *l, const struct programme *p, const struct due_rules *due,
                         const struct calendar *c)
{
    enum err e = OK;

    for (size_t i = 0; i < due_rules_count(due) && e == OK; i++) {
        const struct form *f = NULL;

        l->rule = due_rules_at(due, i);
        for (size_t k = 0; k < p->form_count; k++)
            if (strcmp(p->forms[k]->id, l->rule->form) == 0)
                f = p->forms[k];
        if (f != NULL)
            e = due_rule_each(l->rule, f, c, l->year->first, l->year->last, add_due, l);
    }
    if (l->count > 0)
        qsort(l->items, l->count, sizeof(*l->items), by_day);
    return e;
}

static void put_due(struct sheet *s, struct table *t, const struct due_date *d)
{
    char day[11];
    struct sheet_row row = {.what = "due",
                            .id = d->form,
                            .series = d->series,
                            .period = d->period,
                            .date = day,
                            .proposal = d->is_proposal ? "yes" : "no"};
    const char *cells[] = {day, d->form, d->period, d->is_proposal ? _("proposal") : ""};

    date_format(day, d->day);
    if (t == NULL)
        sheet_put(s, &row);
    else if (s->e == OK)
        s->e = table_row(t, cells);
}

static void put_calendar(struct sheet *s, struct table *numbers, const struct due_rules *due, const struct due_list *l)
{
    struct sheet_row row = {.what = "due_dates", .period = l->year->id, .has_count = true, .count = l->count};
    char title[128];
    uint64_t proposals = 0;

    for (size_t i = 0; i < l->count; i++)
        proposals += l->items[i].is_proposal;
    put_number(s, numbers, "calendar_rules", NULL, _("Rules of the calendar"), due_rules_count(due));
    if (numbers == NULL) {
        sheet_put(s, &row);
        row.what = "due_dates_proposed";
        row.count = proposals;
        sheet_put(s, &row);
        return;
    }
    (void)snprintf(title, sizeof(title), _("Due dates in the school year %s"), l->year->id);
    put_number(s, numbers, NULL, NULL, title, l->count);
    put_number(s, numbers, NULL, NULL, _("  proposals: the source gives no date"), proposals);
}

static void put_dates(struct sheet *s, const struct due_list *l)
{
    const struct table_column of_dates[] = {{"date", _("Due"), TABLE_LEFT, false},
                                            {"form", _("Form"), TABLE_LEFT, false},
                                            {"period", _("Period"), TABLE_LEFT, false},
                                            {"proposal", "", TABLE_LEFT, false}};
    struct table *t = l->count == 0 ? NULL : make(s, of_dates, sizeof(of_dates) / sizeof(of_dates[0]));

    for (size_t i = 0; i < l->count; i++)
        put_due(s, t, &l->items[i]);
    show(s, t);
}

/* ---- all of it ---- */

void sheet_summary(struct sheet *s, const struct programme *p, const struct due_rules *due, const struct calendar *c,
                   const struct period *year)
{
    const struct table_column of_numbers[] = {{"what", _("In the pack"), TABLE_LEFT, false},
                                              {"count", _("Number"), TABLE_RIGHT, true}};
    struct sheet_row head = {.what = "programme", .id = p->id, .version = p->version};
    struct due_list dates = {.year = year};
    struct table *numbers;

    if (s->e == OK && due != NULL)
        s->e = find_due(&dates, p, due, c);
    sheet_put(s, &head);
    put_forms(s, p);
    numbers = make(s, of_numbers, sizeof(of_numbers) / sizeof(of_numbers[0]));
    put_indicators(s, numbers, p);
    put_number(s, numbers, "variables", NULL, _("Variables"), p->variable_count);
    put_number(s, numbers, "measures", NULL, _("Measures of the plan"), p->roadmap_count);
    put_number(s, numbers, "measures_proposed", NULL, _("  with a date of our own"), proposed_measures(p));
    put_number(s, numbers, "import_maps", NULL, _("Import maps"), p->map_count);
    if (due != NULL)
        put_calendar(s, numbers, due, &dates);
    show(s, numbers);
    put_dates(s, &dates);
    free(dates.items);
}
