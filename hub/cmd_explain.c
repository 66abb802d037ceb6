#include "hub/commands.h"

#include "hub/decode.h"
#include "hub/indicators_read.h"
#include "hub/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How one number came about: the sentence, then every submission that it is made of.  The list is made from the
 * submissions themselves, and its sum is compared with the stored cell. */
struct explain {
    struct amounts found; /* of the submission at hand */
    struct amounts sum;
    struct hub *hub;
    struct store_txn *t;
    const struct programme *programme;
    const struct indicator *indicator;
    const char *unit; /* NULL: the municipality */
    const char *breakdown;
    struct period period;
    enum table_format format;

    struct decoder *decoder;
    struct variable_eval *eval;
    struct table *table;
    bool is_found;
    uint64_t others; /* submissions of the form and period that add nothing */
};

/* ---- the submissions ---- */

static enum err take_contribution(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c)
{
    struct explain *x = ctx;

    if (part.len == strlen(x->breakdown) && memcmp(part.p, x->breakdown, part.len) == 0 &&
        indicator_add(x->programme, x->indicator, v->digest, c->sum, c->n, &x->found))
        x->is_found = true;
    return OK;
}

static const char *yes_no(bool yes, enum table_format f)
{
    if (f == TABLE_TEXT)
        return yes ? _("yes") : _("no");
    return yes ? "yes" : "no";
}

static enum err put_submission(struct explain *x, const struct submission *s, const struct record *r)
{
    const struct participant *p = registry_by_index(x->hub->registry, s->participant);
    char id[RECORD_ID_TEXT], received[64];
    struct buf value;
    const char *cells[] = {id, r->unit, received, NULL, NULL};
    int64_t ms;
    enum err e = command_received(x->t, s->lsn, &ms);

    if (e != OK)
        return e;
    record_id_format(id, p == NULL ? "?" : p->id, &s->ref);
    command_time(received, sizeof(received), ms, x->format);
    buf_init(&value, 256);
    indicator_numerator(x->indicator, &x->found, &value);
    cells[3] = yes_no(x->found.numerator != 0, x->format);
    cells[4] = buf_cstr(&value);
    e = table_row(x->table, cells);
    buf_fini(&value);
    return e;
}

static enum err take_submission(void *ctx, const struct submission *s)
{
    struct explain *x = ctx;
    const struct form *f;
    struct record r;
    enum err e = decoder_read(x->decoder, s->record, &r, &f);

    x->is_found = false;
    memset(&x->found, 0, sizeof(x->found));
    if (e == OK)
        e = variable_eval_record(x->eval, f, r.unit, r.values, r.value_count, r.filled_on, take_contribution, x);
    if (e != OK)
        return e;
    if (!x->is_found) {
        x->others++;
        return OK;
    }
    x->sum.numerator += x->found.numerator;
    x->sum.denominator += x->found.denominator;
    x->sum.n += x->found.n;
    return put_submission(x, s, &r);
}

/* ---- the stored number ---- */

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct explain *x = ctx;

    if (strcmp(l->breakdown, x->breakdown) == 0 && l->programme == x->programme)
        x->found = l->cell;
    return OK;
}

/* The same number as `indicators` shows. */
static enum err compare_with_cell(struct explain *x)
{
    struct indicator_query q = {.programme = x->programme->id,
                                .period = x->period.id,
                                .unit = x->unit,
                                .indicator = x->indicator->id,
                                .level = x->unit != NULL ? LEVEL_UNIT : LEVEL_MUNICIPALITY};
    enum err e;

    memset(&x->found, 0, sizeof(x->found));
    if ((e = indicators_read(x->hub, x->t, &q, take_line, x)) != OK)
        return e;
    if (x->found.numerator != x->sum.numerator || x->found.denominator != x->sum.denominator || x->found.n != x->sum.n)
        return err_set(ERR_CORRUPT, _("the stored number and its submissions differ; run svodka-hub verify"));
    return OK;
}

/* ---- the sentence ---- */

static void say_value(const struct explain *x, FILE *to, const char *where)
{
    const struct indicator *i = x->indicator;
    const char *name = indicator_name(i, cli_is_russian());
    const char *measure = indicator_unit_of_measure(i, cli_is_russian());
    struct buf value, numerator, denominator;

    buf_init(&value, 256);
    buf_init(&numerator, 256);
    buf_init(&denominator, 256);
    indicator_numerator(i, &x->sum, &numerator);
    indicator_denominator(i, &x->sum, &denominator);
    if (!indicator_value_places(i, &x->sum, i->shown, &value))
        (void)fprintf(to, _("%s, \"%s\", %s, %s: there are no data.\n"), i->id, name, where,
                      cli_pick(x->period.label_ru, x->period.label_en));
    else if (denominator.len == 0)
        (void)fprintf(to, _("%s, \"%s\", %s, %s: %s %s.\n"), i->id, name, where,
                      cli_pick(x->period.label_ru, x->period.label_en), buf_cstr(&value), measure);
    else
        (void)fprintf(to, _("%s, \"%s\", %s, %s: %s %s, that is %s of %s.\n"), i->id, name, where,
                      cli_pick(x->period.label_ru, x->period.label_en), buf_cstr(&value), measure, buf_cstr(&numerator),
                      buf_cstr(&denominator));
    buf_fini(&value);
    buf_fini(&numerator);
    buf_fini(&denominator);
}

static void say(const struct explain *x, FILE *to)
{
    char where[FORM_NAME_MAX + STORE_KEY_MAX];
    char count[32], others[32];

    (void)snprintf(where, sizeof(where), "%s%s%s", x->unit != NULL ? x->unit : _("municipality"),
                   x->breakdown[0] != '\0' ? ", " : "", x->breakdown);
    say_value(x, to, where);
    (void)fprintf(to, _("Definition: %s (programme %s, version %s).\n"),
                  indicator_definition(x->indicator, cli_is_russian()), x->programme->id, x->programme->version);
    cli_format_count(count, sizeof(count), x->sum.n);
    cli_format_count(others, sizeof(others), x->others);
    (void)fprintf(to, _("Submissions behind it: %s; others of this form and period that it leaves out: %s.\n"), count,
                  others);
}

/* ---- the command ---- */

static enum err find(struct explain *x, const char *programme, const char *id)
{
    const char *near = NULL;

    for (size_t p = 0; p < x->hub->programme_count; p++) {
        const struct programme *prog = x->hub->programmes[p];

        if (programme != NULL && strcmp(programme, prog->id) != 0)
            continue;
        for (size_t i = 0; i < prog->indicator_count; i++) {
            const char *name = prog->indicators[i]->id;

            if (near == NULL)
                near = cli_nearest(id, &name, 1);
            if (strcmp(name, id) != 0 || !indicator_is_shown(prog->indicators[i]))
                continue;
            if (x->indicator != NULL)
                return err_set(ERR_USAGE, _("indicator \"%s\" stands in more than one programme; say --programme"), id);
            x->programme = prog;
            x->indicator = prog->indicators[i];
        }
    }
    if (x->indicator != NULL)
        return OK;
    if (near != NULL)
        return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\"; did you mean \"%s\"?"), _("indicator"), id, near);
    return err_set(ERR_NOT_FOUND, _("there is no %s \"%s\""), _("indicator"), id);
}

static enum err find_place(struct explain *x, const char *period)
{
    const struct form *f;
    enum err e = command_form(x->hub, indicator_form(x->programme, x->indicator), &f);

    if (e == OK)
        e = form_period(f, x->hub->calendar, period, &x->period);
    return e == OK && x->unit != NULL ? command_unit(x->hub, x->unit) : e;
}

static enum err audit(struct explain *x)
{
    struct store_txn *t = NULL;
    char who[80];
    enum err e = store_begin_write(x->hub->store, &t);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    hub_audit(x->hub, t, who, "explain %s, period %s, unit %s", x->indicator->id, x->period.id,
              x->unit != NULL ? x->unit : "(all)");
    return store_commit(t);
}

static enum err list(struct explain *x)
{
    const struct table_column columns[] = {{"id", _("Submission"), TABLE_LEFT, false},
                                           {"unit", _("Unit"), TABLE_LEFT, false},
                                           {"received", _("Received"), TABLE_LEFT, false},
                                           {"in_numerator", _("Counted above the line"), TABLE_LEFT, false},
                                           {"adds", _("Adds"), TABLE_RIGHT, true}};
    enum err e = table_new(&x->table, columns, sizeof(columns) / sizeof(columns[0]));

    if (e == OK && (e = decoder_new(&x->decoder, x->hub)) == OK &&
        (e = variable_eval_new(&x->eval, x->hub, NULL, NULL)) == OK &&
        (e = store_begin_read(x->hub->store, &x->t)) == OK &&
        (e = ledger_each_current(x->hub->ledger, x->t, indicator_form(x->programme, x->indicator), x->unit,
                                 x->period.id, take_submission, x)) == OK)
        e = compare_with_cell(x);
    store_abort(x->t);
    if (e == OK) {
        command_mark_internal();
        say(x, x->format == TABLE_TEXT ? stdout : stderr);
    }
    variable_eval_free(x->eval);
    decoder_free(x->decoder);
    return command_print(x->table, x->format, e);
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
    if ((e = command_open(&x.hub, home, HUB_WRITE)) == OK && (e = find(&x, programme, argv[0])) == OK &&
        (e = find_place(&x, period)) == OK && (e = audit(&x)) == OK)
        e = list(&x);
    return command_close(x.hub, e, false);
}
