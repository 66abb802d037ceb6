#include "hub/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the sentence ---- */

static void say_value(const struct explain *x, FILE *to, const char *where)
{
    const struct indicator *i = x->indicator;
    const char *name = cli_pick(i->name_ru, i->name_en);
    const char *period = cli_pick(x->period.label_ru, x->period.label_en);
    struct buf value, numerator, denominator;

    buf_init(&value, 256);
    buf_init(&numerator, 256);
    buf_init(&denominator, 256);
    if (x->result.state == RESULT_OK)
        command_value(&value, i, &x->result);
    result_put_numerator(&numerator, &x->result);
    result_put_denominator(&denominator, &x->result);
    cli_localise(&numerator);
    cli_localise(&denominator);
    if (x->result.state != RESULT_OK)
        (void)fprintf(to, _("%s, \"%s\", %s, %s: no value, because: %s.\n"), i->id, name, where, period,
                      _(x->result.why_not));
    else if (denominator.len == 0)
        (void)fprintf(to, _("%s, \"%s\", %s, %s: %s.\n"), i->id, name, where, period, buf_cstr(&value));
    else
        (void)fprintf(to, _("%s, \"%s\", %s, %s: %s, that is %s of %s.\n"), i->id, name, where, period,
                      buf_cstr(&value), buf_cstr(&numerator), buf_cstr(&denominator));
    buf_fini(&value);
    buf_fini(&numerator);
    buf_fini(&denominator);
}

/* Why units have no value of their own, and how many each. */
#define REASONS_MAX 16u
struct reasons {
    const struct explain *x;
    const char *why[REASONS_MAX];
    uint64_t count[REASONS_MAX];
    size_t kinds;
};

static enum err take_unit(void *ctx, const struct indicator_line *l)
{
    struct reasons *r = ctx;
    size_t k = 0;

    if (l->index != r->x->index || l->result.state == RESULT_OK)
        return OK;
    while (k < r->kinds && strcmp(r->why[k], l->result.why_not) != 0)
        k++;
    if (k == REASONS_MAX)
        return OK;
    if (k == r->kinds)
        r->why[r->kinds++] = l->result.why_not;
    r->count[k]++;
    return OK;
}

static enum err say_units(const struct explain *x, FILE *to)
{
    const struct indicator_query q = {.programme = x->programme->id,
                                      .period = x->period.id,
                                      .indicator = x->indicator->id,
                                      .level = LEVEL_UNIT,
                                      .with_hidden = true};
    struct reasons r = {.x = x};
    char reported[32], expected[32], count[32];
    enum err e = evaluation_lines(x->e, &q, take_unit, &r);

    if (e != OK)
        return e;
    cli_format_count(reported, sizeof(reported), x->result.reported);
    cli_format_count(expected, sizeof(expected), x->result.expected);
    (void)fprintf(to, _("Units with data: %s of %s that are expected."), reported, expected);
    if (x->result.excluded > 0) {
        cli_format_count(count, sizeof(count), x->result.excluded);
        (void)fprintf(to, _(" Left out, because they are not eligible or not in the roster: %s."), count);
    }
    for (size_t k = 0; k < r.kinds; k++) {
        cli_format_count(count, sizeof(count), r.count[k]);
        (void)fprintf(to, k == 0 ? _(" Without a value of their own: %s (%s)") : ", %s (%s)", count, _(r.why[k]));
    }
    (void)fputs(r.kinds > 0 ? ".\n" : "\n", to);
    return OK;
}

static enum err say_comment(const struct explain *x, FILE *to)
{
    const struct comment_place at = explain_comment_place(x);
    struct comment c;
    char when[64];
    enum err e = comment_get(x->t, &at, &c);

    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    command_time(when, sizeof(when), c.wall_ms, TABLE_TEXT);
    (void)fprintf(to, _("Comment (%s, %s): %s\n"), c.by, when, c.text);
    return OK;
}

static void say_rest(const struct explain *x, FILE *to)
{
    char count[32], others[32];

    if (x->result.used.id[0] != '\0')
        (void)fprintf(to, _("The earlier value is that of %s.\n"),
                      cli_pick(x->result.used.label_ru, x->result.used.label_en));
    if (x->result.is_reweighted)
        (void)fprintf(to, "%s\n", _("A component is missing; the others were weighted anew."));
    (void)fprintf(to, _("Definition: %s (programme %s, version %s).\n"),
                  cli_pick(x->indicator->definition_ru, x->indicator->definition_en), x->programme->id,
                  x->programme->version);
    if (!explain_is_of_submissions(x->indicator))
        return;
    cli_format_count(count, sizeof(count), x->behind);
    cli_format_count(others, sizeof(others), x->others);
    (void)fprintf(to, _("Submissions behind it: %s; others of this form and period that it leaves out: %s.\n"), count,
                  others);
}

static enum err say(struct explain *x, FILE *to)
{
    const char *unit = x->unit != NULL ? roster_name(evaluation_roster(x->e), x->unit) : _("municipality");
    char where[512];
    enum err e = OK;

    (void)snprintf(where, sizeof(where), "%s%s%s", unit, x->breakdown[0] != '\0' ? ", " : "", x->breakdown);
    say_value(x, to, where);
    if (x->unit == NULL)
        e = say_units(x, to);
    say_rest(x, to);
    if (e == OK)
        e = say_comment(x, to);
    return e == OK ? explain_since(x, to) : e;
}

/* ---- what was asked ---- */

struct comment_place explain_comment_place(const struct explain *x)
{
    return (struct comment_place){.programme = x->programme->id,
                                  .indicator = x->indicator->id,
                                  .period = x->period.id,
                                  .unit = x->unit != NULL ? x->unit : "",
                                  .breakdown = x->breakdown};
}

/* A breakdown is the line's own part, or a part of its variables; both: with a ; between. */
static bool takes_part(const struct indicator *i, const char *breakdown, const char **part)
{
    size_t len = strlen(i->part);

    *part = "";
    if (strcmp(i->part, breakdown) == 0)
        return true;
    if (strncmp(breakdown, i->part, len) != 0 || (len > 0 && breakdown[len] != ';'))
        return false;
    *part = breakdown + len + (len > 0 ? 1 : 0);
    return i->has_breakdown || i->kind == KIND_CLASS;
}

static enum err not_there(const char *id, const char *near)
{
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\"; did you mean \"%s\"?"), _("indicator"), id, near);
    return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\""), _("indicator"), id);
}

/* The first definition of that id and part in a programme; false: none. */
static bool find_in(struct explain *x, const struct programme *p, const char *id, const char **near, bool *is_id)
{
    const char *part;

    for (uint32_t i = 0; i < p->indicator_count; i++) {
        const char *name = p->indicators[i]->id;

        if (*near == NULL)
            *near = cli_nearest(id, &name, 1);
        if (strcmp(name, id) != 0)
            continue;
        *is_id = true;
        if (!takes_part(p->indicators[i], x->breakdown, &part))
            continue;
        x->programme = p;
        x->index = i;
        x->part = part;
        return true;
    }
    return false;
}

static enum err find(struct explain *x, const char *programme, const char *id)
{
    const char *near = NULL;
    bool is_id = false;
    unsigned found = 0;

    for (size_t p = 0; p < x->hub->programme_count; p++)
        if (programme == NULL || strcmp(programme, x->hub->programmes[p]->id) == 0)
            found += find_in(x, x->hub->programmes[p], id, &near, &is_id);
    if (found > 1)
        return err_set(ERR_USAGE, _("indicator \"%s\" stands in more than one programme; say --programme"), id);
    if (found == 1)
        return OK;
    return is_id ? err_set(ERR_NOT_FOUND, _("indicator %s has no breakdown \"%s\""), id, x->breakdown)
                 : not_there(id, near);
}

static enum err find_place(struct explain *x, const char *period)
{
    const struct indicator *first = x->programme->indicators[x->index];
    enum err e = calendar_find_in(x->hub->calendar, first->series, first->series_count, period, &x->period);

    if (e != OK)
        return e;
    x->indicator = programme_version(x->programme, x->index, x->period.last);
    if (x->indicator == NULL)
        return err_set(ERR_NOT_FOUND, _("indicator %s is not defined for %s"), first->id, x->period.id);
    return x->unit != NULL ? command_unit(x->hub, x->unit) : OK;
}

enum err explain_find(struct explain *x, const char *programme, const char *id, const char *period)
{
    enum err e = find(x, programme, id);

    return e == OK ? find_place(x, period) : e;
}

static enum err audit(struct explain *x)
{
    return command_note(x->hub, AUDIT_VIEW_EXPLAIN, x->indicator->id, "programme=%s\nperiod=%s\nunit=%s\nbreakdown=%s",
                        x->programme->id, x->period.id, x->unit != NULL ? x->unit : "", x->breakdown);
}

/* ---- the command ---- */

static enum err make_table(struct explain *x)
{
    static const struct table_column submissions[] = {{"id", N_("Submission"), TABLE_LEFT, false},
                                                      {"unit", N_("Unit"), TABLE_LEFT, false},
                                                      {"period", N_("Period"), TABLE_LEFT, false},
                                                      {"received", N_("Received"), TABLE_LEFT, false},
                                                      {"numerator", N_("Adds above the line"), TABLE_RIGHT, true},
                                                      {"denominator", N_("Adds below it"), TABLE_RIGHT, true},
                                                      {"codes", N_("Codes counted once"), TABLE_RIGHT, true},
                                                      {"source", N_("Whose hand"), TABLE_LEFT, false}};
    static const struct table_column inputs[] = {{"unit", N_("Unit"), TABLE_LEFT, false},
                                                 {"input", N_("What was read"), TABLE_LEFT, false},
                                                 {"period", N_("Period"), TABLE_LEFT, false},
                                                 {"value", N_("Value"), TABLE_RIGHT, true},
                                                 {"note", N_("Note"), TABLE_LEFT, false}};
    static struct table_column columns[8]; /* the table keeps a pointer; titles in the user's language */
    bool of_submissions = explain_is_of_submissions(x->indicator);
    const struct table_column *from = of_submissions ? submissions : inputs;
    size_t count = of_submissions ? sizeof(submissions) / sizeof(submissions[0]) : sizeof(inputs) / sizeof(inputs[0]);

    for (size_t i = 0; i < count; i++) {
        columns[i] = from[i];
        columns[i].title = _(from[i].title);
    }
    return table_new(&x->table, columns, count);
}

static enum err explain(struct explain *x)
{
    enum err e = store_begin_read(x->hub->store, &x->t);

    if (e == OK && (e = evaluation_new(&x->e, x->hub, x->t, NULL)) == OK &&
        (e = evaluation_value(x->e, x->programme, x->index, x->unit, &x->period, x->part, &x->result)) == OK &&
        (e = make_table(x)) == OK)
        e = explain_is_of_submissions(x->indicator) ? explain_submissions(x) : explain_inputs(x);
    if (e == OK) {
        command_mark_internal();
        e = say(x, x->format == TABLE_TEXT ? stdout : stderr);
    }
    e = command_print(x->table, x->format, e);
    evaluation_free(x->e);
    store_abort(x->t);
    return e;
}

int cmd_explain(int argc, char **argv)
{
    const char *home = NULL, *format = NULL, *period = NULL, *unit = NULL, *breakdown = NULL, *programme = NULL;
    const struct cli_command *c = command_named("explain");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&format),
        {"period", 0, N_("P"), N_("the period: its id or its label"), &period},
        {"unit", 0, N_("U"), N_("the unit (default: the whole municipality)"), &unit},
        {"breakdown", 0, N_("B"), N_("one part of it, as `indicators` names it: NAME=CODE"), &breakdown},
        {"programme", 0, N_("P"), N_("when several programmes have an indicator of this name"), &programme},
        LAST_OPTION};
    struct explain x = {0};
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if (period == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--period is missing")));
    if ((e = command_format(&x.format, format)) != OK)
        return cli_fail(e);
    x.unit = unit;
    x.breakdown = breakdown != NULL ? breakdown : "";
    if ((e = command_open(&x.hub, home, HUB_WRITE)) == OK && (e = explain_find(&x, programme, argv[0], period)) == OK &&
        (e = audit(&x)) == OK)
        e = explain(&x);
    return command_close(x.hub, e, false);
}
