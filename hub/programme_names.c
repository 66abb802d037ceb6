/* programme_names.c: what a name in an indicator's expression means: [municipality.][previous.][n.]ID, param.NAME. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* "ID.rus.9" of the part "subject=rus;grade=9". */
static const char *dotted(struct loader *l, const struct indicator *i)
{
    char text[FORM_NAME_MAX + PART_MAX + 2];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", i->id);

    for (const char *p = i->part; *p != '\0';) {
        const char *code = strchr(p, '=') + 1;
        size_t len = strcspn(code, ";");

        text[at++] = '.';
        memcpy(text + at, code, len);
        at += len;
        p = code + len + (code[len] == ';' ? 1 : 0);
    }
    text[at] = '\0';
    return loader_text(l, text);
}

static void add_name(struct loader *l, const char *text, bool is_variable, uint32_t index)
{
    if (text != NULL)
        l->names[l->name_count++] = (struct name){text, is_variable, false, index};
}

/* Variables and indicators share one set of names.  Two parts may be written alike, as long as nobody names them. */
static void check_pair(struct loader *l, struct name *a, struct name *b)
{
    const struct name *indicator = a->is_variable ? b : a;

    if (strcmp(a->text, b->text) != 0)
        return;
    a->is_ambiguous = b->is_ambiguous = true;
    if (a->is_variable != b->is_variable)
        loader_complain(l, &l->programme, yaml_get(l->drafts[indicator->index].at, "id"), "id",
                        _("\"%s\" is a variable already: variables and indicators share one set of names"), a->text);
}

void load_names(struct loader *l)
{
    l->names = loader_alloc(l, l->variable_count + l->draft_count, sizeof(*l->names));
    for (size_t i = 0; l->e == OK && i < l->variable_count; i++)
        if (l->variables[i].is_declared)
            add_name(l, l->variables[i].v->id, true, (uint32_t)i);
    for (size_t i = 0; l->e == OK && i < l->draft_count; i++) {
        struct draft *d = &l->drafts[i];

        d->called = d->first < i ? l->drafts[d->first].called : d->i->part[0] == '\0' ? d->i->id : dotted(l, d->i);
        if (d->first == i)
            add_name(l, d->called, false, (uint32_t)i);
    }
    l->suggestions = loader_alloc(l, l->name_count, sizeof(*l->suggestions));
    if (l->e != OK)
        return;
    if (l->name_count > 0)
        qsort(l->names, l->name_count, sizeof(*l->names), by_text);
    for (size_t i = 0; i < l->name_count; i++)
        l->suggestions[i] = l->names[i].text;
    for (size_t i = 1; i < l->name_count; i++)
        check_pair(l, &l->names[i - 1], &l->names[i]);
}

const struct name *loader_name(const struct loader *l, const char *text, size_t len)
{
    char word[2 * FORM_NAME_MAX + PART_MAX];
    const struct name wanted = {word, false, false, 0};

    if (len >= sizeof(word) || l->name_count == 0)
        return NULL;
    memcpy(word, text, len);
    word[len] = '\0';
    return bsearch(&wanted, l->names, l->name_count, sizeof(*l->names), by_text);
}

const char *loader_nearest(const struct loader *l, const char *text, size_t len)
{
    char word[FORM_NAME_MAX + 1];

    if (len >= sizeof(word))
        return NULL;
    memcpy(word, text, len);
    word[len] = '\0';
    return cli_nearest(word, l->suggestions, l->name_count);
}

/* ---- words before a name ---- */

static int32_t wrong(struct lookup *k, const char *fmt, ...) PRINTF_LIKE(2, 3);

static int32_t wrong(struct lookup *k, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(k->wrong, sizeof(k->wrong), fmt, ap);
    va_end(ap);
    return -1;
}

enum rank { RANK_NONE, RANK_MUNICIPALITY, RANK_SHIFT, RANK_STAT, RANK_PARAMETER };
static const struct prefix {
    const char *word;
    enum rank rank;
    int means;
} prefixes[] = {{"municipality", RANK_MUNICIPALITY, 0},
                {"previous", RANK_SHIFT, SHIFT_PREVIOUS},
                {"last_year", RANK_SHIFT, SHIFT_LAST_YEAR},
                {"last_known", RANK_SHIFT, SHIFT_LAST_KNOWN},
                {"base", RANK_SHIFT, SHIFT_BASE},
                {"n", RANK_STAT, STAT_N},
                {"min", RANK_STAT, STAT_MIN},
                {"max", RANK_STAT, STAT_MAX},
                {"mean", RANK_STAT, STAT_MEAN},
                {"median", RANK_STAT, STAT_MEDIAN},
                {"q25", RANK_STAT, STAT_Q25},
                {"q75", RANK_STAT, STAT_Q75},
                {"range", RANK_STAT, STAT_RANGE},
                {"rose", RANK_STAT, STAT_ROSE},
                {"fell", RANK_STAT, STAT_FELL},
                {"num", RANK_STAT, STAT_NUMERATOR},
                {"den", RANK_STAT, STAT_DENOMINATOR},
                {"param", RANK_PARAMETER, 0},
                {NULL, RANK_NONE, 0}};

static const struct prefix *prefix_of(const char *name, size_t len)
{
    const char *dot = memchr(name, '.', len);

    for (size_t i = 0; dot != NULL && prefixes[i].word != NULL; i++)
        if (strlen(prefixes[i].word) == (size_t)(dot - name) &&
            memcmp(prefixes[i].word, name, (size_t)(dot - name)) == 0)
            return &prefixes[i];
    return NULL;
}

static const char *word_of(enum reference_stat stat)
{
    for (size_t i = 0; prefixes[i].word != NULL; i++)
        if (prefixes[i].rank == RANK_STAT && prefixes[i].means == (int)stat)
            return prefixes[i].word;
    return "";
}

/* ---- parameters ---- */

static int32_t find_parameter(struct lookup *k, const char *name, size_t len, struct reference *out)
{
    const char *names[PARAMETERS_MAX + 1] = {NULL};
    char word[FORM_NAME_MAX + 1] = "";
    const char *near = NULL;

    for (size_t i = 0; i < k->l->parameter_count; i++) {
        names[i] = k->l->parameters[i].name;
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            out->what = REFERENCE_PARAMETER;
            out->number = k->l->parameters[i].number;
            return 0;
        }
    }
    if (len < sizeof(word)) {
        memcpy(word, name, len);
        near = cli_nearest(word, names, k->l->parameter_count);
    }
    if (near != NULL)
        return wrong(k, _("there is no parameter \"%.*s\": did you mean \"%s\"?"), (int)(len < 64 ? len : 64), name,
                     near);
    return wrong(k, _("there is no parameter \"%.*s\""), (int)(len < 64 ? len : 64), name);
}

/* ---- variables ---- */

static bool has_stat(enum variable_kind kind, enum reference_stat stat)
{
    switch (kind) {
    case VARIABLE_SUM: return stat == STAT_VALUE || stat == STAT_N;
    case VARIABLE_VALUES: return stat <= STAT_RANGE;
    case VARIABLE_KEYS:
    case VARIABLE_RELATIONS: return stat == STAT_VALUE;
    case VARIABLE_PAIRS: return stat == STAT_VALUE || stat == STAT_ROSE || stat == STAT_FELL;
    }
    return false;
}

static int32_t find_variable(struct lookup *k, const struct name *n, struct reference *out)
{
    struct variable_draft *v = &k->l->variables[n->index];
    int32_t index;

    if (!has_stat(v->v->kind, out->stat))
        return wrong(k, _("the kind of variable \"%s\" has no \"%s.\""), v->v->id, word_of(out->stat));
    if (k->is_linear && v->v->kind == VARIABLE_VALUES)
        return wrong(k, _("\"%s\" is of kind values: only sum, keys, pairs and relations can be added up"), v->v->id);
    if ((index = loader_take_variable(k->l, v)) < 0) {
        k->is_broken = true;
        index = 0;
    }
    out->what = REFERENCE_VARIABLE;
    out->index = (uint32_t)index;
    return 0;
}

/* ---- indicators ---- */

const struct yaml_node *draft_key(const struct draft *d, const char *key)
{
    const struct yaml_node *n = yaml_get(d->at, key);

    return n != NULL ? n : d->at;
}

bool draft_is_on_units(const struct draft *d)
{
    return d->i->levels != LEVELS_MUNICIPALITY || d->i->rollup != ROLLUP_POOLED;
}

bool draft_is_on_district(const struct draft *d)
{
    return d->i->levels != LEVELS_UNIT && d->i->rollup == ROLLUP_POOLED;
}

static bool has_fraction(const struct indicator *i, bool denominator)
{
    switch (i->kind) {
    case KIND_MEAN:
    case KIND_SHARE:
    case KIND_RATIO:
    case KIND_SURVEY:
    case KIND_EXECUTION:
    case KIND_PROGRESS: return true;
    case KIND_UNITS: return !denominator || !i->as_count;
    case KIND_COUNT:
    case KIND_SUM: return !denominator;
    case KIND_CHANGE:
    case KIND_FORMULA:
    case KIND_INDEX:
    case KIND_CLASS:
    case KIND_GAP:
    case KIND_HISTORY: return false;
    }
    return false;
}

static int32_t check_stat(struct lookup *k, const struct draft *to, enum reference_stat stat)
{
    if (stat == STAT_VALUE || stat == STAT_N)
        return 0;
    if (stat != STAT_NUMERATOR && stat != STAT_DENOMINATOR)
        return wrong(k, _("\"%s\" is an indicator, and \"%s.\" is of variables"), to->i->id, word_of(stat));
    if (!to->is_bad && !has_fraction(to->i, stat == STAT_DENOMINATOR))
        return wrong(k, _("the kind of indicator \"%s\" has no \"%s.\""), to->i->id, word_of(stat));
    return 0;
}

/* A name that never has a value where it is asked for. */
static int32_t check_level(struct lookup *k, const struct draft *to, const char *name, size_t len, bool municipality)
{
    bool on_units = k->on == ON_UNITS || draft_is_on_units(k->d);
    int shown = (int)(len < 64 ? len : 64);

    if (to->is_bad)
        return 0;
    if (to->i->levels == LEVELS_MUNICIPALITY && on_units && !municipality)
        return wrong(k, _("\"%.*s\" is computed for the district alone: write ${municipality.%.*s}"), shown, name,
                     shown, name);
    if (to->i->levels == LEVELS_UNIT && (municipality || !on_units))
        return wrong(k, _("\"%.*s\" is computed for units alone and has no value for the district"), shown, name);
    return 0;
}

static bool has_base(const struct loader *l, const struct draft *d)
{
    if (d->i->base_period != NULL || d->keys.base != NULL) /* what is wrong with it is told there */
        return true;
    for (size_t i = 0; i < l->prog->base_period_count; i++)
        for (uint32_t s = 0; s < d->i->series_count; s++)
            if (strcmp(l->prog->base_periods[i].series, d->i->series[s]) == 0)
                return true;
    return false;
}

static int32_t find_indicator(struct lookup *k, const struct name *n, const char *name, size_t len,
                              struct reference *out)
{
    const struct draft *to = &k->l->drafts[n->index];

    if (n->is_ambiguous)
        return wrong(k, _("\"%.*s\" may be one of two parts: give one of them another code"),
                     (int)(len < 64 ? len : 64), name);
    if (k->is_linear)
        return wrong(k, _("\"%.*s\" is an indicator: a sum is made of variables"), (int)(len < 64 ? len : 64), name);
    if (n->index == k->d->first && !k->is_target)
        return wrong(k, _("an indicator never uses itself, not even of another period"));
    out->what = REFERENCE_INDICATOR;
    out->index = n->index;
    if (check_stat(k, to, out->stat) < 0)
        return -1;
    return check_level(k, to, name, len, out->municipality);
}

/* ---- a whole name ---- */

static int32_t unknown(struct lookup *k, const char *name, size_t len)
{
    const char *near = loader_nearest(k->l, name, len);
    int shown = (int)(len < 64 ? len : 64);

    if (near != NULL)
        return wrong(k, _("there is no variable or indicator \"%.*s\": did you mean \"%s\"?"), shown, name, near);
    for (size_t i = 0; i < k->l->draft_count; i++)
        if (strlen(k->l->drafts[i].i->id) == len && memcmp(k->l->drafts[i].i->id, name, len) == 0)
            return wrong(k, _("\"%.*s\" has only parts: write one of them, such as ${%s.CODE}"), shown, name,
                         k->l->drafts[i].i->id);
    return wrong(k, _("there is no variable or indicator \"%.*s\""), shown, name);
}

static int32_t take_prefixes(struct lookup *k, const char **name, size_t *len, struct reference *out, enum rank *last)
{
    const struct prefix *p;

    while ((p = prefix_of(*name, *len)) != NULL) {
        size_t word = strlen(p->word) + 1;

        if (p->rank <= *last || (p->rank == RANK_PARAMETER && *last != RANK_NONE))
            return wrong(k, _("before a name stands, each at most once and in this order: municipality., one of "
                              "previous. last_year. last_known. base., one of n. min. ... num. den.; or param. alone"));
        if (k->is_linear && p->rank != RANK_STAT)
            return wrong(k, _("a sum is made of variables as they are, without \"%s.\""), p->word);
        *last = p->rank;
        out->municipality = out->municipality || p->rank == RANK_MUNICIPALITY;
        if (p->rank == RANK_SHIFT)
            out->shift = (enum reference_shift)p->means;
        if (p->rank == RANK_STAT)
            out->stat = (enum reference_stat)p->means;
        *name += word;
        *len -= word;
    }
    return 0;
}

static int32_t keep(struct lookup *k, const struct reference *fresh)
{
    for (uint32_t i = 0; i < k->count; i++) {
        const struct reference *r = &k->references[i];

        if (r->what == fresh->what && r->municipality == fresh->municipality && r->shift == fresh->shift &&
            r->stat == fresh->stat && r->index == fresh->index && !(r->number < fresh->number) &&
            !(r->number > fresh->number))
            return (int32_t)i;
    }
    if (k->count == REFERENCES_MAX)
        return wrong(k, _("an expression reads at most %u different values"), REFERENCES_MAX);
    k->references[k->count] = *fresh;
    return (int32_t)k->count++;
}

int32_t lookup_reference(struct lookup *k, const char *name, size_t len)
{
    struct reference r = {.what = REFERENCE_VARIABLE, .stat = STAT_VALUE};
    enum rank last = RANK_NONE;
    const struct name *n;

    if (take_prefixes(k, &name, &len, &r, &last) < 0)
        return -1;
    if (last == RANK_PARAMETER)
        return find_parameter(k, name, len, &r) < 0 ? -1 : keep(k, &r);
    if (r.shift == SHIFT_BASE && !has_base(k->l, k->d))
        return wrong(k, _("no base period is given, neither by base: of the indicator nor by base_period: of the "
                          "programme for its series"));
    if ((n = loader_name(k->l, name, len)) == NULL) {
        if (!k->l->has_broken_variables && !k->l->has_broken_indicators)
            return unknown(k, name, len);
        k->is_broken = true; /* it is probably the one whose name could not be read */
        return keep(k, &r);
    }
    if ((n->is_variable ? find_variable(k, n, &r) : find_indicator(k, n, name, len, &r)) < 0)
        return -1;
    return keep(k, &r);
}

int32_t loader_need_indicator(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key)
{
    const char *text = loader_scalar(l, &l->programme, n, key);
    const struct name *name = text == NULL ? NULL : loader_name(l, text, n->len);
    const char *near;

    if (text == NULL || (name == NULL && l->has_broken_indicators))
        return -1;
    if (name != NULL && !name->is_variable && !name->is_ambiguous && name->index != d->first)
        return (int32_t)name->index;
    if (name != NULL && name->is_ambiguous)
        loader_complain(l, &l->programme, n, key, _("\"%.*s\" may be one of two parts: give one of them another code"),
                        (int)(n->len < 64 ? n->len : 64), text);
    else if (name != NULL && name->is_variable)
        loader_complain(l, &l->programme, n, key, _("\"%s\" is a variable: an indicator is expected"), text);
    else if (name != NULL)
        loader_complain(l, &l->programme, n, key, "%s",
                        _("an indicator never uses itself, not even of another period"));
    else if ((near = loader_nearest(l, text, n->len)) != NULL)
        loader_complain(l, &l->programme, n, key, _("there is no indicator \"%s\": did you mean \"%s\"?"), text, near);
    else
        loader_complain(l, &l->programme, n, key, _("there is no indicator \"%s\""), text);
    return -1;
}
