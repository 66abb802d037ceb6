/* What a value of the other kinds was made of. */
#include "hub/explain.h"

#include <stdio.h>
#include <string.h>

static const char *const stat_names[] = {
    [STAT_VALUE] = "",          [STAT_N] = "n.",           [STAT_MIN] = "min.",   [STAT_MAX] = "max.",
    [STAT_MEAN] = "mean.",      [STAT_MEDIAN] = "median.", [STAT_Q25] = "q25.",   [STAT_Q75] = "q75.",
    [STAT_RANGE] = "range.",    [STAT_ROSE] = "rose.",     [STAT_FELL] = "fell.", [STAT_NUMERATOR] = "num.",
    [STAT_DENOMINATOR] = "den."};

/* As an expression names it. */
static void name_input(const struct explain *x, const struct input *i, char *out, size_t size)
{
    const struct indicator *ind = i->is_variable ? NULL : x->programme->indicators[i->index];
    const char *part = i->is_variable ? i->part : ind->part;

    (void)snprintf(out, size, "%s%s%s%s%s", stat_names[i->stat],
                   i->is_variable ? x->programme->variables[i->index]->id : ind->id, part[0] != '\0' ? " [" : "", part,
                   part[0] != '\0' ? "]" : "");
}

static void put_variable(const struct explain *x, const struct input *i, struct buf *value)
{
    const struct variable *v = x->programme->variables[i->index];
    bool is_sum = i->stat == STAT_VALUE && (v->kind == VARIABLE_SUM || v->kind == VARIABLE_VALUES);
    const struct result r = {
        .state = RESULT_OK, .has_fraction = true, .numerator = i->cell.sum, .fraction_places = is_sum ? v->places : 0};

    if (i->has_cell)
        result_put_numerator(value, &r);
}

/* Two-level kinds say yes or no to people. */
static bool is_yes_no(const struct explain *x, const struct input *i)
{
    return !i->is_variable && i->unit != NULL && i->result.state == RESULT_OK && x->format == TABLE_TEXT &&
           x->programme->indicators[i->index]->kind == KIND_UNITS;
}

static void put_value(const struct explain *x, const struct input *i, struct buf *value)
{
    if (i->is_variable)
        put_variable(x, i, value);
    else if (is_yes_no(x, i))
        buf_put_str(value, i->result.value > 0 ? _("yes") : _("no"));
    else
        result_put_value(value, &i->result, x->format == TABLE_TEXT ? x->programme->indicators[i->index]->shown : 6);
    if (x->format == TABLE_TEXT)
        cli_localise(value);
}

static const char *note_of(const struct explain *x, const struct input *i)
{
    const char *note = NULL;

    if (i->is_variable)
        note = i->has_cell ? NULL : N_("no data");
    else if (i->result.state != RESULT_OK)
        note = i->result.why_not;
    if (note == NULL)
        return "";
    return x->format == TABLE_TEXT ? _(note) : note;
}

static enum err put_input(struct explain *x, const struct input *i)
{
    char name[VARIABLE_ID_MAX + PART_MAX + 16];
    struct buf value;
    const char *cells[] = {i->unit == NULL ? "" : i->unit, name, i->period.id, NULL, note_of(x, i)};
    enum err e;

    if (x->format == TABLE_TEXT) {
        cells[0] = i->unit == NULL ? _("municipality") : roster_name(evaluation_roster(x->e), i->unit);
        cells[2] = cli_pick(i->period.label_ru, i->period.label_en);
    }
    name_input(x, i, name, sizeof(name));
    buf_init(&value, 256);
    put_value(x, i, &value);
    cells[3] = buf_cstr(&value);
    e = value.failed ? ERR_NOMEM : table_row(x->table, cells);
    buf_fini(&value);
    return e;
}

static enum err take_deeper(void *ctx, const struct input *i)
{
    return put_input(ctx, i);
}

/* A unit's own value of the very indicator is followed by what it rests upon itself. */
static enum err take_input(void *ctx, const struct input *i)
{
    struct explain *x = ctx;
    enum err e = put_input(x, i);

    if (e != OK || x->unit != NULL || i->is_variable || i->index != x->index || i->unit == NULL)
        return e;
    return evaluation_inputs(x->e, x->programme, i->index, i->unit, &i->period, "", take_deeper, x);
}

enum err explain_inputs(struct explain *x)
{
    return evaluation_inputs(x->e, x->programme, x->index, x->unit, &x->period, x->part, take_input, x);
}
