#include "agent/cmd_common.h"

#include "agent/capture.h"
#include "agent/excused.h"
#include "agent/own_return.h"
#include "agent/questions.h"
#include "agent/template.h"
#include "agent/template_xlsx.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the list ---- */

/* A form in one period: what the calendar says is open now, and each of the form's series as it stands today. */
struct due_line {
    const struct form *form;
    struct period period;        /* id "" in a gap */
    const struct due_rule *rule; /* NULL: the calendar says nothing of it */
    struct due_days days;
    size_t programme;       /* whose rule it is */
    uint64_t entered;       /* submissions with values for it */
    struct record_ref last; /* the newest about our own unit; number 0: none */
    bool is_marked;         /* our own return has, or had, a cover */
};

struct due {
    struct due_line *lines;
    size_t count, cap;
    const struct agent *a;
    const struct form *form; /* whose lines are added */
    const struct due_rule *rule;
    size_t programme;
};

static enum err add_line(struct due *d, const struct period *p, const struct due_days *days)
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

static struct due_line *find_line(const struct due *d, const char *period,
                                  bool (*fits)(const struct due *d, const struct due_line *l))
{
    for (size_t i = 0; i < d->count; i++)
        if (d->lines[i].form == d->form && strcmp(d->lines[i].period.id, period) == 0 && fits(d, &d->lines[i]))
            return &d->lines[i];
    return NULL;
}

static bool is_any(const struct due *d, const struct due_line *l)
{
    (void)d;
    (void)l;
    return true;
}

/* A rule of the same programme about all: what comes after it is about nobody. */
static bool is_general(const struct due *d, const struct due_line *l)
{
    return l->rule != NULL && l->rule->kind_count == 0 && l->programme == d->programme;
}

/* Of the same kinds of schools. */
static bool is_alike(const struct due *d, const struct due_line *l)
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
    struct due *d = ctx;
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
static enum err add_rules(struct due *d, const struct agent *a, const struct form *f, const struct period *p)
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
                e = due_rule_each(d->rule, f, a->calendar, today, today, add_open, d);
            else if (due_rule_days(d->rule, f, p, &days))
                e = add_open(d, p, &days);
        }
    return e;
}

/* Each of the form's series that has a period today, with its day even when that is over or far away. */
static enum err add_present(struct due *d, const struct agent *a, const struct form *f)
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
static enum err add_lines(struct due *d, const struct agent *a, const struct form *f)
{
    size_t before = d->count;
    enum err e;

    d->form = f;
    if ((e = add_rules(d, a, f, NULL)) == OK)
        e = add_present(d, a, f);
    return e == OK && d->count == before ? add_line(d, NULL, NULL) : e;
}

/* Whose return is meant when a line names none. */
static const char *own_unit(const struct agent *a, const struct form *f)
{
    if (f->is_about_district)
        return UNIT_DISTRICT;
    return a->grant->unit_count == 1 ? a->grant->units[0] : a->grant->participant;
}

static void take_cover(struct due *d, const struct record *r)
{
    struct cover c;

    if (r->values == NULL || !cover_read(&c, r->values, r->value_count))
        return;
    for (size_t i = 0; i < d->count; i++)
        if (strlen(d->lines[i].form->id) == c.of.len && memcmp(d->lines[i].form->id, c.of.p, c.of.len) == 0 &&
            strcmp(d->lines[i].period.id, r->period) == 0 && strcmp(own_unit(d->a, d->lines[i].form), r->unit) == 0)
            d->lines[i].is_marked = true;
}

static enum err count_one(void *ctx, const struct queue_submission *s)
{
    struct due *d = ctx;

    if (s->form == NULL)
        return OK;
    if (builtin_is(s->form, BUILTIN_COVER))
        take_cover(d, s->record);
    for (size_t i = 0; i < d->count; i++) {
        struct due_line *l = &d->lines[i];

        if (strcmp(l->form->id, s->form->id) != 0 || strcmp(l->period.id, s->record->period) != 0)
            continue;
        l->entered += s->record->kind == RECORD_NEW;
        if (strcmp(own_unit(d->a, l->form), s->record->unit) == 0)
            l->last = s->ref; /* they come in order */
    }
    return OK;
}

/* The day on which the office accepted our own return, unless something was entered since. */
static enum err put_accepted(const struct agent *a, const struct due_line *l, char out[11])
{
    struct acceptance at;
    enum err e = return_accepted(a, NULL, l->form->id, own_unit(a, l->form), l->period.id, &at);

    out[0] = '\0';
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if (!at.has_target || record_ref_compare(&l->last, &at.target) <= 0)
        cli_format_day(out, 11, at.wall_ms);
    return OK;
}

/* How our own return was marked: "complete", "changed" since it was marked, "" when it was not. */
static enum err put_marked(const struct agent *a, const struct due_line *l, enum table_format f, const char **out)
{
    struct own_return *r = NULL;
    enum err e;

    *out = "";
    if (!l->is_marked)
        return OK;
    if ((e = own_return_read(&r, a, l->form, own_unit(a, l->form), l->period.id)) != OK)
        return e;
    if (r->is_changed)
        *out = f == TABLE_TEXT ? _("changed since it was marked") : "changed";
    else if (r->has_cover)
        *out = f == TABLE_TEXT ? cover_state_word(r->cover.state) : cover_state_name(r->cover.state);
    own_return_free(r);
    return OK;
}

static enum err find_due(struct due *d, const struct agent *a)
{
    struct queue_filter any = {NULL, NULL, NULL};
    enum err e = OK;

    for (size_t i = 0; i < a->form_count && e == OK; i++)
        if (command_own_form(a, i) != NULL)
            e = add_lines(d, a, command_own_form(a, i));
    return e == OK ? queue_each(a, &any, count_one, d) : e;
}

/* What else the calendar says: for which kinds of schools, that the day is the office's own proposal, its note. */
static void put_note(struct buf *out, const struct due_rule *r)
{
    const char *note = cli_pick(r->note_ru, r->note_en);

    for (uint32_t i = 0; i < r->kind_count; i++)
        buf_printf(out, "%s%s", i == 0 ? _("only: ") : ", ", r->kinds[i]);
    if (r->is_proposal)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", _("the day is a proposal"));
    if (note != NULL)
        buf_printf(out, "%s%s", out->len > 0 ? "; " : "", note);
}

static enum err put_line(struct table *t, const struct agent *a, const struct due_line *l, enum table_format format)
{
    const struct form *f = l->form;
    const struct period *p = &l->period;
    char count[32], until[11] = "", due[11] = "", late[11] = "", accepted[11];
    struct buf note;
    const char *cells[] = {f->id,
                           f->version,
                           cli_pick(f->title_ru, f->title_en),
                           word_of_mode(f->mode),
                           p->id,
                           p->id[0] != '\0' ? cli_pick(p->label_ru, p->label_en) : "",
                           until,
                           due,
                           late,
                           count,
                           NULL,
                           accepted,
                           NULL};
    enum err e = put_accepted(a, l, accepted);

    if (e != OK || (e = put_marked(a, l, format, &cells[12])) != OK)
        return e;
    buf_init(&note, 4096);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)l->entered);
    if (p->id[0] != '\0')
        date_format(until, p->last);
    if (l->rule != NULL) {
        date_format(due, l->days.due);
        if (l->days.late_until > l->days.due)
            date_format(late, l->days.late_until);
        put_note(&note, l->rule);
    }
    e = excused_put(a, f->id, own_unit(a, f), p->id, due, late, &note);
    cells[10] = buf_cstr(&note);
    if (e == OK)
        e = table_row(t, cells);
    buf_fini(&note);
    return e;
}

static enum err list_forms(const struct agent *a, enum table_format format)
{
    const struct table_column columns[] = {{"form", _("form"), TABLE_LEFT, false},
                                           {"version", _("version"), TABLE_LEFT, false},
                                           {"title", _("title"), TABLE_LEFT, false},
                                           {"mode", _("filled in as"), TABLE_LEFT, false},
                                           {"period", _("period"), TABLE_LEFT, false},
                                           {"label", _("which is"), TABLE_LEFT, false},
                                           {"until", _("it ends on"), TABLE_LEFT, false},
                                           {"due", _("due on"), TABLE_LEFT, false},
                                           {"late_until", _("late until"), TABLE_LEFT, false},
                                           {"entered", _("entered"), TABLE_RIGHT, true},
                                           {"note", _("note"), TABLE_LEFT, false},
                                           {"accepted", _("accepted on"), TABLE_LEFT, false},
                                           {"return", _("the return is"), TABLE_LEFT, false}};
    struct due d = {.a = a};
    struct table *t = NULL;
    enum err e = find_due(&d, a);

    if (e == OK)
        e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < d.count && e == OK; i++)
        e = put_line(t, a, &d.lines[i], format);
    if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    free(d.lines);
    return e;
}

/* ---- one form ---- */

struct template_wish {
    const char *path, *period, *unit, *last;
};

static enum err put_field(struct table *t, const struct form_field *f, const char *inside)
{
    char name[2 * FORM_NAME_MAX + 4];
    struct buf choices;
    enum err e;

    (void)snprintf(name, sizeof(name), "%s%s%s", inside != NULL ? inside : "", inside != NULL ? "[]." : "", f->name);
    buf_init(&choices, (size_t)2 * FORM_MAX_BYTES);
    for (uint32_t i = 0; f->choices != NULL && i < f->choices->count; i++)
        buf_printf(&choices, "%s%s=%s", i > 0 ? ", " : "", f->choices->items[i].code,
                   cli_pick(f->choices->items[i].label_ru, f->choices->items[i].label_en));
    e = table_row(t, (const char *const[]){name, word_of_field_type(f), cli_pick(f->label_ru, f->label_en),
                                           word_of_need(f), buf_cstr(&choices), cli_pick(f->hint_ru, f->hint_en)});
    buf_fini(&choices);
    return e;
}

static enum err describe(const struct form *f, enum table_format format)
{
    const struct table_column columns[] = {
        {"field", _("field"), TABLE_LEFT, false},     {"type", _("type"), TABLE_LEFT, false},
        {"label", _("label"), TABLE_LEFT, false},     {"required", _("required"), TABLE_LEFT, false},
        {"choices", _("choices"), TABLE_LEFT, false}, {"hint", _("hint"), TABLE_LEFT, false}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && format == TABLE_TEXT)
        (void)printf("%s (%s, %s %s)\n%s\n\n", cli_pick(f->title_ru, f->title_en), f->id, _("version"), f->version,
                     word_of_mode(f->mode));
    for (uint32_t i = 0; i < f->field_count && e == OK; i++) {
        e = put_field(t, &f->fields[i], NULL);
        for (uint32_t k = 0; k < f->fields[i].column_count && e == OK; k++)
            e = put_field(t, &f->fields[i].columns[k], f->fields[i].name);
    }
    if (e == OK)
        e = table_print(t, format, stdout);
    table_free(t);
    return e;
}

/* The period that stands before, as the form's own calendar has it. */
static enum err find_last(const struct agent *a, const struct period *p, struct period *last)
{
    if (calendar_step(a->calendar, p, -1, last) != OK)
        return err_set(ERR_NOT_FOUND, _("--last: the calendar has no period before %s"),
                       cli_pick(p->label_ru, p->label_en));
    return OK;
}

static enum err save_workbook(struct agent *a, const struct form *f, const struct template_wish *w, struct capture *c)
{
    struct template_order o = {.form = f, .today = clock_today()};
    struct period last;
    uint64_t rows = 0;
    char count[32];
    enum err e = OK;

    if (c != NULL) {
        o.period = capture_period(c);
        o.unit = capture_unit(c);
    }
    if (w->last != NULL) {
        e = find_last(a, o.period, &last);
        o.last = &last;
    }
    if (e != OK || (e = template_workbook(a, &o, w->path, &rows)) != OK)
        return e;
    (void)printf(_("%s: a workbook to fill in; then import it with --xlsx\n"), w->path);
    if (w->last == NULL)
        return OK;
    cli_format_count(count, sizeof(count), rows);
    if (rows == 0)
        (void)printf(_("There is nothing on this computer for %s: the cells are empty.\n"),
                     cli_pick(last.label_ru, last.label_en));
    else
        (void)printf(_("Rows filled in as they were in %s: %s. The file is not encrypted: delete it when it is "
                       "imported.\n"),
                     cli_pick(last.label_ru, last.label_en), count);
    return OK;
}

static enum err make_workbook(struct agent *a, const struct form *f, const struct template_wish *w)
{
    struct capture_options o = {.form = f, .unit = w->unit, .period = w->period, .only_looks = true};
    struct capture *c = NULL;
    enum err e = OK;

    if (w->period == NULL && (w->unit != NULL || w->last != NULL))
        return err_set(ERR_USAGE, "%s", _("say the period, too: --period P"));
    if (w->period != NULL)
        e = capture_open(&c, a, &o);
    if (e == OK)
        e = save_workbook(a, f, w, c);
    capture_close(c);
    return e;
}

static bool is_workbook(const char *path)
{
    size_t len = strlen(path);

    return len > 5 && strcasecmp(path + len - 5, ".xlsx") == 0;
}

static enum err make_table(const struct form *f, const char *path)
{
    char choices[TEMPLATE_PATH_MAX];
    enum err e = template_write(f, path, choices);

    if (e == OK) {
        (void)printf(_("%s: headings and labels; put the rows below them and import the file\n"), path);
        (void)printf(_("%s: what may stand in the cells\n"), choices);
    }
    return e;
}

static enum err make_template(struct agent *a, const struct form *f, const struct template_wish *w)
{
    if (is_workbook(w->path))
        return make_workbook(a, f, w);
    if (w->period != NULL || w->unit != NULL || w->last != NULL)
        return err_set(ERR_USAGE, "%s", _("--period, --unit and --last go with a workbook: --template FILE.xlsx"));
    return make_table(f, w->path);
}

int cmd_forms(int argc, char **argv)
{
    static const struct cli_command self = {
        "forms", "[FORM [--template FILE.xlsx|FILE.csv [--period P] [--unit U] [--last]]]",
        N_("Without a form: all forms, the period that is running, and how much was entered for it. With a form: what "
           "it asks."),
        cmd_forms};
    const char *home = NULL;
    const char *format_name = NULL;
    struct template_wish wish = {NULL, NULL, NULL, NULL};
    const struct cli_option options[] = {
        {"template", 0, N_("FILE"), N_("write a workbook (.xlsx) or a table (.csv) to fill in and import"), &wish.path},
        OPTION_PERIOD(&wish.period),
        OPTION_UNIT(&wish.unit),
        {"last", 0, NULL, N_("a workbook: with what was entered for the period before"), &wish.last},
        OPTION_FORMAT(&format_name),
        OPTION_HOME(&home),
        OPTION_END};
    const struct form *form = NULL;
    enum table_format format;
    struct agent *a = NULL;
    int count;
    enum err e;

    if ((count = cli_parse(&self, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    if (wish.path != NULL && count == 0)
        return cli_fail(err_set(ERR_USAGE, "%s", _("say the form whose template is wanted")));
    if ((e = command_format(&format, format_name)) != OK || (e = command_open(&a, home)) != OK)
        return cli_fail(e);
    if (count == 0)
        e = list_forms(a, format);
    else if ((e = command_form(a, argv[0], &form)) == OK)
        e = wish.path != NULL ? make_template(a, form, &wish) : describe(form, format);
    agent_close(a);
    return cli_fail(e);
}
