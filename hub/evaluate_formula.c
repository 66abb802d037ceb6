/* References and expressions: what is read as doubles, and rounded when it leaves. */
#include "hub/evaluate_internal.h"

#include "common/cli.h"

#include <math.h>
#include <string.h>

/* ---- one value, here and now ---- */

static double of_amount(const struct variable *v, const struct amount *a, enum reference_stat stat)
{
    switch (stat) {
    case STAT_N: return (double)a->n;
    case STAT_ROSE: return (double)a->rose;
    case STAT_FELL: return (double)a->fell;
    case STAT_VALUE:
    case STAT_MIN:
    case STAT_MAX:
    case STAT_MEAN:
    case STAT_MEDIAN:
    case STAT_Q25:
    case STAT_Q75:
    case STAT_RANGE:
    case STAT_NUMERATOR:
    case STAT_DENOMINATOR:
        return v->kind <= VARIABLE_VALUES ? (double)a->sum / (double)i128_power10(v->places) : (double)a->sum;
    }
    return NAN;
}

static bool is_distribution(enum reference_stat stat)
{
    return stat >= STAT_MIN && stat <= STAT_RANGE;
}

static enum err read_variable(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                              uint32_t period, struct reading *out)
{
    const struct variable *v = e->views[l->view].p->variables[r->index];
    struct amount a;
    enum err err;

    if ((err = variable_amount(e, l->view, r->index, at, period, 0, &a)) != OK)
        return err;
    out->n = a.n;
    if (v->kind == VARIABLE_VALUES && is_distribution(r->stat))
        return gather_values(e, l->view, r->index, at, period, r->stat, &out->number, &out->has);
    out->has = a.has;
    out->number = of_amount(v, &a, r->stat);
    return OK;
}

static double of_outcome(const struct outcome *o, enum reference_stat stat, bool *has)
{
    double scale = (double)i128_power10(o->fraction_places);

    *has = o->why == NULL;
    if (stat == STAT_N) {
        *has = o->n > 0 || *has;
        return (double)o->n;
    }
    if (stat == STAT_NUMERATOR) {
        *has &= o->has_fraction;
        return (double)o->numerator / scale;
    }
    if (stat == STAT_DENOMINATOR) {
        *has &= o->has_denominator;
        return (double)o->denominator / scale;
    }
    return o->number;
}

/* Does it have a value at that level? */
static bool has_level(const struct indicator *i, struct scope at)
{
    return i->levels == LEVELS_BOTH || (i->levels == LEVELS_MUNICIPALITY) == (at.unit == NONE);
}

static enum err read_indicator(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                               uint32_t period, struct reading *out)
{
    const struct indicator *i = e->views[l->view].p->indicators[r->index];
    struct outcome o;
    enum err err = time_align(e, i->series, i->series_count, period, l->i->align_begun, &period);

    out->period = period;
    if (err != OK || period == NONE || !has_level(i, at))
        return err;
    if ((err = outcome_of(e, l->view, r->index, at, period, 0, &o)) != OK)
        return err;
    out->n = o.n;
    out->number = of_outcome(&o, r->stat, &out->has);
    return OK;
}

static enum err read_at(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                        uint32_t period, struct reading *out)
{
    enum err err = OK;

    *out = (struct reading){.number = NAN, .used = NONE, .period = period, .at = at};
    switch (r->what) {
    case REFERENCE_PARAMETER:
        out->number = r->number;
        out->has = true;
        break;
    case REFERENCE_VARIABLE: err = read_variable(e, l, r, at, period, out); break;
    case REFERENCE_INDICATOR: err = read_indicator(e, l, r, at, period, out); break;
    }
    if (err == OK && (!out->has || isnan(out->number))) {
        out->has = false;
        out->number = NAN;
    }
    return err;
}

/* ---- an earlier one ---- */

/* The period that the earlier one is set against: of an indicator of another series, the one taken today.  Schools that
 * were merged after it stand apart in both. */
static enum err present_period(struct evaluation *e, const struct look *l, const struct reference *r, uint32_t *out)
{
    const struct indicator *i;
    enum err err;

    *out = l->period;
    if (r->what != REFERENCE_INDICATOR)
        return OK;
    i = e->views[l->view].p->indicators[r->index];
    err = time_align(e, i->series, i->series_count, l->period, l->i->align_begun, out);
    if (*out == NONE)
        *out = l->period;
    return err;
}

static enum err read_earlier(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                             uint32_t earlier, struct reading *out)
{
    struct scope then;
    uint32_t present;
    bool missing;
    enum err err;

    *out = (struct reading){.number = NAN, .used = NONE, .period = NONE, .at = at};
    if (earlier == NONE)
        return OK;
    if ((err = present_period(e, l, r, &present)) != OK)
        return err;
    err = scope_earlier(e, e->views[l->view].p, at, present, earlier, &then, &missing);
    return err != OK || missing ? err : read_at(e, l, r, then, earlier, out);
}

static enum err read_last_known(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                                struct reading *out)
{
    uint32_t period = l->period;
    enum err err = OK;

    *out = (struct reading){.number = NAN, .used = NONE, .period = NONE, .at = at};
    for (unsigned i = 0; i < LOOK_BACK && err == OK && !out->has; i++) {
        if ((err = time_previous(e, period, &period)) != OK || period == NONE)
            break;
        err = read_earlier(e, l, r, at, period, out);
    }
    if (err == OK && out->has)
        out->used = period;
    return err;
}

static const char *base_of(const struct evaluation *e, const struct look *l, const struct reference *r)
{
    const struct programme *p = e->views[l->view].p;
    const char *series = time_at(e, l->period)->series;

    if (l->i->base_period != NULL)
        return l->i->base_period;
    if (r->what == REFERENCE_INDICATOR && p->indicators[r->index]->base_period != NULL)
        return p->indicators[r->index]->base_period;
    for (size_t i = 0; i < p->base_period_count; i++)
        if (strcmp(p->base_periods[i].series, series) == 0)
            return p->base_periods[i].period;
    return NULL;
}

/* What the programme's text printed, where nothing could be computed. */
static void take_printed(const struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                         struct reading *out)
{
    const struct indicator *i;

    if (r->what != REFERENCE_INDICATOR || r->stat != STAT_VALUE || at.unit != NONE || at.filter != 0 || out->has)
        return;
    i = e->views[l->view].p->indicators[r->index];
    if (!i->has_base_value || !i->base_compare)
        return;
    out->has = true;
    out->number = i->base_value;
}

static enum err read_base(struct evaluation *e, const struct look *l, const struct reference *r, struct scope at,
                          struct reading *out)
{
    const char *id = base_of(e, l, r);
    uint32_t period = NONE;
    enum err err = id == NULL ? OK : time_named(e, id, &period);

    if (err != OK || (err = read_earlier(e, l, r, at, period, out)) != OK)
        return err;
    take_printed(e, l, r, at, out);
    out->used = out->has ? period : NONE;
    return OK;
}

enum err shifted_read(struct evaluation *e, const struct look *l, const struct reference *r, enum reference_shift shift,
                      struct reading *out)
{
    struct scope at = r->municipality ? scope_municipality(0) : l->at;
    uint32_t earlier;
    enum err err;

    switch (shift) {
    case SHIFT_PREVIOUS:
        err = time_previous(e, l->period, &earlier);
        return err == OK ? read_earlier(e, l, r, at, earlier, out) : err;
    case SHIFT_LAST_YEAR:
        err = time_year_before(e, l->period, &earlier);
        return err == OK ? read_earlier(e, l, r, at, earlier, out) : err;
    case SHIFT_LAST_KNOWN: return read_last_known(e, l, r, at, out);
    case SHIFT_BASE: return read_base(e, l, r, at, out);
    case SHIFT_NONE: break;
    }
    return read_at(e, l, r, at, l->period, out);
}

enum err reference_read(struct evaluation *e, const struct look *l, const struct reference *r, struct reading *out)
{
    return shifted_read(e, l, r, r->shift, out);
}

/* ---- expressions ---- */

struct inputs {
    double numbers[REFERENCES_MAX];
    struct value values[REFERENCES_MAX];
};

static enum err read_all(struct evaluation *e, const struct look *l, const struct formula *f, struct inputs *in,
                         struct formula_reading *read)
{
    enum err err = OK;

    *read = (struct formula_reading){.used = NONE};
    if (f->count > REFERENCES_MAX)
        return err_set(ERR_LIMIT, _("an expression of indicator %s reads more than %u names"), l->i->id,
                       REFERENCES_MAX);
    for (uint32_t i = 0; i < f->count && err == OK; i++) {
        struct reading one;

        if ((err = reference_read(e, l, &f->references[i], &one)) != OK)
            break;
        in->numbers[i] = one.number;
        in->values[i] = (struct value){.state = one.has ? VALUE_PRESENT : VALUE_MISSING};
        read->missing += !one.has;
        read->own += one.has && f->references[i].what != REFERENCE_PARAMETER && !f->references[i].municipality &&
                     f->references[i].shift == SHIFT_NONE;
        read->earlier_is_missing |= !one.has && f->references[i].shift != SHIFT_NONE;
        /* What stands behind the municipality's value says nothing of how much stands behind a unit's. */
        if (one.n > read->n && (!f->references[i].municipality || l->at.unit == NONE))
            read->n = one.n;
        if (one.used != NONE)
            read->used = one.used;
    }
    return err;
}

static struct expr_env env_of(const struct evaluation *e, const struct look *l, const struct formula *f,
                              const struct inputs *in)
{
    return (struct expr_env){
        .values = in->values, .count = f->count, .numbers = in->numbers, .today = time_at(e, l->period)->last};
}

/* An expression that exceeds its limits has no value; only what is wrong with us is an error. */
static enum err forgive(enum err err)
{
    return err == ERR_LIMIT || err == ERR_INVALID ? OK : err;
}

enum err formula_number(struct evaluation *e, const struct look *l, const struct formula *f, double *out,
                        struct formula_reading *read)
{
    struct inputs in;
    struct expr_env env;
    enum err err = read_all(e, l, f, &in, read);

    *out = NAN;
    if (err != OK)
        return err;
    env = env_of(e, l, f, &in);
    return forgive(expr_number(f->code, e->expr, &env, out));
}

enum err formula_test(struct evaluation *e, const struct look *l, const struct formula *f, bool *out,
                      struct formula_reading *read)
{
    struct inputs in;
    struct expr_env env;
    enum err err = read_all(e, l, f, &in, read);

    *out = false;
    if (err != OK)
        return err;
    env = env_of(e, l, f, &in);
    return forgive(expr_test(f->code, e->expr, &env, out));
}

const char *formula_why(const struct formula_reading *read)
{
    if (read->earlier_is_missing)
        return why_earlier;
    return read->missing > 0 ? why_no_data : why_zero;
}

enum err formula_at(struct evaluation *e, const struct look *l, struct outcome *out)
{
    struct formula_reading read;
    double x;
    enum err err = formula_number(e, l, &l->i->value, &x, &read);

    if (err != OK)
        return err;
    out->n = read.n;
    out->used = read.used;
    if (isnan(x))
        outcome_fail(out, formula_why(&read));
    else
        outcome_set_double(out, x);
    out->has_data = out->why == NULL;
    return OK;
}
