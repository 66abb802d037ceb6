/* programme_indicators.c: the keys that all indicators have; inheritance of an id's later definitions. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"both", "unit", "municipality", NULL};
static const char *const rollup_names[] = {"pooled", "mean", "weighted", "min", "max", "range", NULL};
static const char *const align_names[] = {"ended", "begun", NULL};
static const char *const direction_names[] = {"none", "up", "down", NULL};
static const char *const privacy_names[] = {"results", "family", "staff", "survey", "restricted", "open", NULL};
static const char *const lowest_names[] = {"unit", "municipality", NULL};

#define KEY(member) offsetof(struct indicator_keys, member)
static const struct yaml_key common_table[] = {
    {"id", YAML_WANT_NAME, true, KEY(id), 0, 0, NULL},
    {"part", YAML_WANT_TEXT, false, KEY(part), 0, 0, NULL},
    {"name", YAML_WANT_LABEL, false, KEY(name), 0, 0, NULL},
    {"kind", YAML_WANT_ENUM, false, KEY(kind), 0, 0, indicator_kind_names},
    {"period", YAML_WANT_NODE, false, KEY(period), 0, 0, NULL},
    {"unit", YAML_WANT_LABEL, false, KEY(unit), 0, 0, NULL},
    {"shown", YAML_WANT_INTEGER, false, KEY(shown), 0, PLACES_MAX, NULL},
    {"level", YAML_WANT_ENUM, false, KEY(level), 0, 0, level_names},
    {"rollup", YAML_WANT_ENUM, false, KEY(rollup), 0, 0, rollup_names},
    {"weight", YAML_WANT_NODE, false, KEY(weight), 0, 0, NULL},
    {"units", YAML_WANT_NODE, false, KEY(units), 0, 0, NULL},
    {"align", YAML_WANT_ENUM, false, KEY(align), 0, 0, align_names},
    {"direction", YAML_WANT_ENUM, false, KEY(direction), 0, 0, direction_names},
    {"valid_from", YAML_WANT_DATE, false, KEY(valid_from), 0, 0, NULL},
    {"valid_to", YAML_WANT_DATE, false, KEY(valid_to), 0, 0, NULL},
    {"minimum", YAML_WANT_NODE, false, KEY(minimum), 0, 0, NULL},
    {"targets", YAML_WANT_NODE, false, KEY(targets), 0, 0, NULL},
    {"base", YAML_WANT_NODE, false, KEY(base), 0, 0, NULL},
    {"audience", YAML_WANT_NODE, false, KEY(audience), 0, 0, NULL},
    {"privacy", YAML_WANT_ENUM, false, KEY(privacy), 0, 0, privacy_names},
    {"lowest", YAML_WANT_ENUM, false, KEY(lowest), 0, 0, lowest_names},
    {"hidden", YAML_WANT_BOOLEAN, false, KEY(hidden), 0, 0, NULL},
    {"source", YAML_WANT_TEXT, false, KEY(source), 0, 0, NULL},
    {"proposal", YAML_WANT_BOOLEAN, false, KEY(proposal), 0, 0, NULL}};
#undef KEY
#define COMMON_COUNT (sizeof(common_table) / sizeof(common_table[0]))
#define TABLE_MAX    64u

static const struct kind_keys no_kind_keys = {
    .against = -1, .missing = -1, .places = -1, .last = -1, .at_least = -1, .at_most = -1, .observed = -1};

/* ---- keys ---- */

static bool has_kind_keys(const struct yaml_node *at)
{
    for (uint32_t i = 0; i < at->count; i++)
        if (kind_is_key(at->pairs[i].key->text))
            return true;
    return false;
}

/* What a later definition leaves out it takes from the first; but the kind's keys are one whole. */
static void begin_keys(const struct draft *first, const struct yaml_node *at, struct indicator_keys *k)
{
    const struct yaml_node *kind = yaml_get(at, "kind");
    bool same_kind =
        first != NULL && (kind == NULL || (kind->kind == YAML_SCALAR && first->keys.kind >= 0 &&
                                           strcmp(kind->text, indicator_kind_names[first->keys.kind]) == 0));

    *k = (struct indicator_keys){.kind = -1,
                                 .level = -1,
                                 .rollup = -1,
                                 .direction = -1,
                                 .align = -1,
                                 .privacy = -1,
                                 .lowest = -1,
                                 .shown = 1,
                                 .k = no_kind_keys};
    if (first != NULL)
        *k = first->keys;
    if (!same_kind && k->kind == (int)KIND_GAP)
        k->rollup = -1; /* what a gap is between, and no way to roll up another kind */
    if (!same_kind || has_kind_keys(at)) {
        k->k = no_kind_keys;
        k->k.at = at;
    }
    k->part = NULL;
    k->valid_from = DATE_MIN;
    k->valid_to = DATE_MAX;
}

static bool read_keys(struct loader *l, const struct yaml_node *at, struct indicator_keys *k)
{
    struct yaml_key table[TABLE_MAX] = {{0}};

    memcpy(table, common_table, sizeof(common_table));
    memcpy(table + COMMON_COUNT, kind_table, kind_table_count * sizeof(*kind_table));
    return yaml_read(l->programme.doc, at, table, k, l->r);
}

/* ---- parts and validity ---- */

static bool is_part(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";

    for (;;) {
        size_t name = strspn(text, letters);
        size_t code;

        if (name == 0 || text[name] != '=' || (code = strspn(text + name + 1, letters)) == 0)
            return false;
        text += name + 1 + code;
        if (*text == '\0')
            return true;
        if (*text++ != ';')
            return false;
    }
}

static bool check_place(struct loader *l, struct draft *d)
{
    const struct indicator_keys *k = &d->keys;
    const struct yaml_node *part = yaml_get(d->at, "part");
    bool good = true;

    if (k->part != NULL && (strlen(k->part) > PART_MAX || !is_part(k->part))) {
        loader_complain(l, &l->programme, part, "part",
                        _("a breakdown is expected, such as subject=rus or grade=9;subject=rus, at most %u bytes"),
                        PART_MAX);
        good = false;
    } else if (k->part != NULL) {
        (void)snprintf(d->i->part, sizeof(d->i->part), "%s", k->part);
    }
    if (k->valid_from > k->valid_to) {
        loader_complain(l, &l->programme, yaml_get(d->at, "valid_to"), "valid_to", "%s",
                        _("the last day is before the first; expected valid_from <= valid_to"));
        good = false;
    }
    d->i->valid_from = k->valid_from;
    d->i->valid_to = k->valid_to;
    return good;
}

/* Its place among those of its id and part: no day may have two definitions. */
static void find_place(struct loader *l, struct draft *d)
{
    const struct yaml_node *id = yaml_get(d->at, "id");

    d->first = d->index;
    d->nth = 1;
    for (uint32_t n = d->index; n-- > 0;) {
        const struct indicator *other = l->prog->indicators[n];

        if (strcmp(other->id, d->i->id) != 0 || strcmp(other->part, d->i->part) != 0)
            continue;
        d->first = l->drafts[n].first;
        d->nth = d->nth == 1 ? l->drafts[n].nth + 1 : d->nth;
        if (other->valid_from <= d->i->valid_to && d->i->valid_from <= other->valid_to && !d->is_bad) {
            loader_complain(l, &l->programme, id, "id",
                            _("'%s' stands in line %u already, valid at the same time: another part or other days are "
                              "expected"),
                            d->i->id, yaml_get(l->drafts[n].at, "id")->line);
            return;
        }
    }
}

/* ---- what all kinds have ---- */

static void set_series(struct loader *l, struct draft *d, const struct draft *first)
{
    const struct yaml_node *words[INDICATOR_MAX_SERIES];
    const struct form *f = d->keys.k.form == NULL ? NULL : loader_form(l, d->keys.k.form);
    struct indicator *i = d->i;

    if (d->keys.period == NULL) {
        for (uint32_t s = 0; f != NULL && s < f->series_count && s < INDICATOR_MAX_SERIES; s++)
            i->series[i->series_count++] = f->all_series[s];
        if (i->series_count == 0 && first != NULL) {
            memcpy(i->series, first->i->series, sizeof(i->series));
            i->series_count = first->i->series_count;
        }
        if (i->series_count == 0)
            i->series[i->series_count++] = "school_year";
        return;
    }
    i->series_count = loader_words(l, &l->programme, d->keys.period, "period", words, INDICATOR_MAX_SERIES);
    for (uint32_t n = 0; n < i->series_count; n++) {
        i->series[n] = words[n]->text;
        if (l->calendar != NULL && !calendar_has_series(l->calendar, i->series[n]))
            loader_complain(l, &l->programme, words[n], "period", "%s",
                            _("no such series of periods: neither predefined nor in periods.yaml"));
    }
}

static const char *const audience_names[] = {"office", "school", "region", "public", NULL};

static void set_audience(struct loader *l, struct draft *d)
{
    const struct yaml_node *words[4];
    uint32_t count;

    d->i->audience = AUDIENCE_OFFICE;
    if (d->keys.audience == NULL)
        return;
    d->i->audience = 0;
    count = loader_words(l, &l->programme, d->keys.audience, "audience", words, 4);
    for (uint32_t n = 0; n < count; n++) {
        unsigned a = 0;

        while (audience_names[a] != NULL && strcmp(audience_names[a], words[n]->text) != 0)
            a++;
        if (audience_names[a] == NULL)
            loader_complain(l, &l->programme, words[n], "audience", _("expected one of: %s"),
                            "office, school, region, public");
        else
            d->i->audience |= 1u << a;
    }
}

struct minimum_keys {
    int64_t n, units;
};
#define MINIMUM_MAX 100000
static const struct yaml_key minimum_table[] = {
    {"n", YAML_WANT_INTEGER, false, offsetof(struct minimum_keys, n), 1, MINIMUM_MAX, NULL},
    {"units", YAML_WANT_INTEGER, false, offsetof(struct minimum_keys, units), 1, MINIMUM_MAX, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static void set_minimum(struct loader *l, struct draft *d)
{
    struct minimum_keys k = {0, 0};

    if (d->keys.minimum == NULL)
        return;
    if (d->keys.minimum->kind != YAML_MAPPING || d->keys.minimum->count == 0)
        loader_complain(l, &l->programme, d->keys.minimum, "minimum", "%s", _("expected n, units or both"));
    else
        (void)yaml_read(l->programme.doc, d->keys.minimum, minimum_table, &k, l->r); /* its mistakes are told */
    d->i->minimum_n = (uint32_t)k.n;
    d->i->minimum_units = (uint32_t)k.units;
}

static const char *either(const char *a, const char *b)
{
    return a != NULL ? a : b != NULL ? b : "";
}

/* What names and levels need, before any expression is read.  `first`: with this id, or NULL. */
static void set_common(struct loader *l, struct draft *d, const struct draft *first)
{
    const struct indicator_keys *k = &d->keys;
    struct indicator *i = d->i;

    i->name_ru = either(k->name.ru, k->name.en);
    i->name_en = either(k->name.en, k->name.ru);
    i->unit_ru = either(k->unit.ru, k->unit.en);
    i->unit_en = either(k->unit.en, k->unit.ru);
    i->kind = k->kind < 0 ? KIND_COUNT : (enum indicator_kind)k->kind;
    i->shown = (unsigned)k->shown;
    i->levels = k->level < 0 ? LEVELS_BOTH : (enum indicator_levels)k->level;
    i->rollup = k->rollup < 0 ? ROLLUP_POOLED : (enum indicator_rollup)k->rollup;
    i->align_begun = k->align == 1;
    i->direction = k->direction < 0 ? DIRECTION_NONE : (enum indicator_direction)k->direction;
    i->privacy = k->privacy < 0 ? PRIVACY_RESULTS : (enum privacy_class)k->privacy;
    i->municipality_only = k->lowest == 1;
    i->is_hidden = k->hidden;
    i->is_proposal = k->proposal;
    i->source = k->source;
    i->of = -1;
    i->times = 1;
    i->done_variable = i->excluded_variable = UINT32_MAX;
    if (k->name.at == NULL) {
        loader_complain(l, &l->programme, d->at, "name", "%s", _("this key is required and missing"));
        d->is_bad = true;
    }
    set_series(l, d, first);
    set_audience(l, d);
    set_minimum(l, d);
}

static void check_rollup(struct loader *l, struct draft *d)
{
    const struct indicator_keys *k = &d->keys;

    if ((d->i->rollup == ROLLUP_WEIGHTED) != (k->weight != NULL))
        loader_complain(l, &l->programme, k->weight != NULL ? k->weight : draft_key(d, "rollup"),
                        k->weight != NULL ? "weight" : "rollup",
                        k->weight != NULL ? _("a weight is of rollup: weighted alone")
                                          : _("rollup: weighted needs the key weight"));
    if (d->i->levels == LEVELS_UNIT && k->rollup > 0 && d->i->kind != KIND_GAP)
        loader_complain(l, &l->programme, draft_key(d, "rollup"), "rollup", "%s",
                        _("with level: unit there is no value of the district to roll up to"));
}

/* ---- two passes ---- */

/* The first with this id, whatever its part. */
static const struct draft *first_of_id(const struct loader *l, const char *id)
{
    for (size_t n = 0; n < l->draft_count; n++)
        if (strcmp(l->drafts[n].i->id, id) == 0)
            return &l->drafts[n];
    return NULL;
}

static bool add_draft(struct loader *l, const struct yaml_node *at, const char *id)
{
    struct draft *d = &l->drafts[l->draft_count];

    *d = (struct draft){.at = at, .index = (uint32_t)l->draft_count};
    if ((d->i = loader_alloc(l, 1, sizeof(*d->i))) == NULL)
        return false;
    (void)snprintf(d->i->id, sizeof(d->i->id), "%s", id);
    l->prog->indicators[l->prog->indicator_count++] = d->i;
    l->draft_count++;
    return true;
}

static void read_indicator(struct loader *l, const struct yaml_node *at)
{
    const struct yaml_node *id = yaml_get(at, "id");
    const struct draft *first;
    struct draft *d;

    if (at->kind != YAML_MAPPING) {
        loader_complain(l, &l->programme, at, "indicators", "%s", _("an indicator is a mapping: id, name, kind ..."));
        l->has_broken_indicators = true;
        return;
    }
    if (id == NULL || !loader_check_id(l, &l->programme, id, "id")) {
        struct indicator_keys ignored;

        begin_keys(NULL, at, &ignored);
        if (id == NULL)
            (void)read_keys(l, at, &ignored); /* says that the id is missing, and what else is wrong */
        l->has_broken_indicators = true;
        return;
    }
    first = first_of_id(l, id->text);
    if (!add_draft(l, at, id->text))
        return;
    d = &l->drafts[l->draft_count - 1];
    begin_keys(first, at, &d->keys);
    d->is_bad = !read_keys(l, at, &d->keys);
    d->is_bad = !check_place(l, d) || d->is_bad;
    find_place(l, d);
    set_common(l, d, first);
    d->is_bad = !kind_check(l, d) || d->is_bad;
    check_rollup(l, d);
}

static void make_indicator(struct loader *l, struct draft *d)
{
    if (d->is_bad)
        return;
    (void)formula_read(l, d, d->keys.weight, "weight", ON_UNITS, &d->i->weight);
    (void)formula_read(l, d, d->keys.units, "units", ON_UNITS, &d->i->units);
    kind_make(l, d);
    load_targets(l, d);
    load_definition(l, d);
}

void load_indicators(struct loader *l, const struct yaml_node *list)
{
    if (list->count > INDICATORS_MAX) {
        loader_complain(l, &l->programme, list, "indicators", _("%u are too many: at most %u are expected"),
                        list->count, INDICATORS_MAX);
        return;
    }
    l->prog->indicators = loader_alloc(l, list->count, sizeof(struct indicator *));
    l->drafts = loader_alloc(l, list->count, sizeof(*l->drafts));
    for (uint32_t i = 0; i < list->count && l->e == OK; i++)
        read_indicator(l, list->items[i]);
    load_names(l);
    for (size_t i = 0; i < l->draft_count && l->e == OK; i++)
        if (!l->drafts[i].is_bad)
            load_base(l, &l->drafts[i]);
    for (size_t i = 0; i < l->draft_count && l->e == OK; i++)
        make_indicator(l, &l->drafts[i]);
    load_cycles(l);
}

static void targets_free(struct indicator *i)
{
    for (uint32_t n = 0; n < i->target_count; n++)
        formula_free(&i->targets[n].reference);
    free(i->targets);
}

void indicator_free(struct indicator *i)
{
    if (i == NULL)
        return;
    formula_free(&i->weight);
    formula_free(&i->units);
    formula_free(&i->condition);
    formula_free(&i->among);
    formula_free(&i->group);
    formula_free(&i->value);
    linear_free(&i->numerator);
    linear_free(&i->denominator);
    linear_free(&i->answers);
    for (uint32_t n = 0; n < i->class_count; n++)
        formula_free(&i->classes[n].condition);
    targets_free(i);
    free(i->classes);
    free(i->components);
    free(i->plan_indicators);
    free(i->definition_ru);
    free(i->definition_en);
    free(i);
}
