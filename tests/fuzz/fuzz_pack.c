/* fuzz_pack.c: any bytes as a pack in the language of indicators: programme.yaml, variables.yaml, roadmap.yaml, a form,
 * the district's variables, periods.yaml, apart by zero bytes; what is left out is taken from a good pack.  What loads
 * must keep inside its own bounds, be without circles, evaluate over made-up numbers, and load again as the same. */
#include "hub/programme.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 6u

static const char *const names[PARTS] = {"programme.yaml", "variables.yaml",        "roadmap.yaml",
                                         "forms/f.yaml",   "shared/variables.yaml", "periods.yaml"};
static const char *const good[PARTS] = {
    "programme: p\nversion: \"1\"\ntitle: P\nindicators:\n"
    "  - {id: H, name: H, kind: share, numerator: \"${a}\", denominator: \"${a} + ${b}\"}\n",
    "variables:\n  - {id: a, form: f, value: \"${a}\"}\n  - {id: b, form: f, value: \"${d}\", by: s}\n",
    "measures:\n  - {code: x, title: X, due: 2021-01-01}\n",
    "form: f\nversion: \"1\"\ntitle: F\nmode: rows\nkey: who\nrole: school\nperiod: month\n"
    "choices:\n  sex:\n    - {code: F, label: {ru: ж, en: f}}\n    - {code: M, label: {ru: м, en: m}}\nsurvey:\n"
    "  - {type: text, name: who, label: Who, required: true}\n  - {type: integer, name: a, label: A}\n"
    "  - {type: decimal, name: d, places: 3, label: D}\n  - {type: select_one sex, name: s, label: S}\n"
    "  - {type: repeat, name: rows, label: R, survey: [{type: integer, name: grade}]}\n",
    "variables:\n  - {id: shared, form: f}\n",
    "periods: []\n"};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The next part of the input; an empty one, or none, stands for the good one. */
static struct pack_file next_part(unsigned i, const uint8_t **at, const uint8_t *end)
{
    struct pack_file f = {(char *)(uintptr_t)names[i], (void *)(uintptr_t)good[i], strlen(good[i])};
    const uint8_t *zero;

    if (*at == NULL)
        return f;
    zero = memchr(*at, 0, (size_t)(end - *at));
    if (zero != *at && end > *at) {
        f.bytes = (void *)(uintptr_t)*at;
        f.len = (size_t)((zero != NULL ? zero : end) - *at);
    }
    *at = zero != NULL ? zero + 1 : NULL;
    return f;
}

/* ---- what must hold of a loaded programme ---- */

static void check_linear(const struct programme *p, const struct linear *sum)
{
    must((sum->source == NULL) == (sum->count == 0));
    for (uint32_t i = 0; i < sum->count; i++) {
        const struct linear_term *t = &sum->terms[i];

        must(t->variable < p->variable_count && t->coefficient != 0);
        must(t->coefficient <= LINEAR_FACTOR_MAX && t->coefficient >= -LINEAR_FACTOR_MAX);
        must(p->variables[t->variable]->kind != VARIABLE_VALUES);
        must(t->stat == STAT_VALUE || t->stat == STAT_N || t->stat == STAT_ROSE || t->stat == STAT_FELL);
    }
}

static void evaluate(const struct formula *f, struct expr_arena *arena, double x)
{
    struct value states[REFERENCES_MAX];
    double numbers[REFERENCES_MAX];
    struct expr_env env = {.values = states, .count = f->count, .numbers = numbers};
    struct expr_result result;
    enum err e;

    for (uint32_t i = 0; i < f->count; i++) {
        states[i] = (struct value){.state = i % 4 == 3 ? VALUE_MISSING : VALUE_PRESENT};
        numbers[i] = x * (i + 1);
    }
    e = expr_eval(f->code, arena, &env, &result);
    must(e == OK || e == ERR_LIMIT || e == ERR_INVALID);
}

static void check_formula(const struct programme *p, const struct formula *f, struct expr_arena *arena)
{
    if (f->source == NULL) {
        must(f->code == NULL && f->count == 0);
        return;
    }
    must(f->code != NULL && f->at != NULL && f->count <= REFERENCES_MAX);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reference *r = &f->references[i];

        must(r->what != REFERENCE_VARIABLE || r->index < p->variable_count);
        must(r->what != REFERENCE_INDICATOR || r->index < p->indicator_count);
    }
    evaluate(f, arena, 0);
    evaluate(f, arena, -2.5);
}

static void check_lists(const struct programme *p, const struct indicator *i, struct expr_arena *arena)
{
    double weights = 0;

    for (uint32_t n = 0; n < i->component_count; n++) {
        must(i->components[n].indicator < p->indicator_count);
        weights += i->components[n].weight;
    }
    must(i->kind != KIND_INDEX || fabs(weights - 1) < 1e-8);
    must(i->kind != KIND_CLASS || i->class_count > 0);
    for (uint32_t n = 0; n < i->class_count; n++)
        check_formula(p, &i->classes[n].condition, arena);
    for (uint32_t n = 0; n < i->target_count; n++) {
        must(i->targets[n].has_from || i->targets[n].has_to);
        must(!i->targets[n].has_from || !i->targets[n].has_to || i->targets[n].from <= i->targets[n].to);
        check_formula(p, &i->targets[n].reference, arena);
    }
    for (uint32_t n = 0; n < i->plan_count; n++)
        must(i->plan_indicators[n] < p->indicator_count);
    must(i->done_variable == UINT32_MAX || i->done_variable < p->variable_count);
    must(i->excluded_variable == UINT32_MAX || i->excluded_variable < p->variable_count);
    must(i->kind != KIND_EXECUTION || p->roadmap_count > 0);
}

static void check_indicator(const struct programme *p, const struct indicator *i, struct expr_arena *arena)
{
    must(i->definition_ru != NULL && i->definition_en != NULL && i->unit_ru != NULL && i->unit_en != NULL);
    must(i->series_count > 0 && i->series_count <= INDICATOR_MAX_SERIES && i->valid_from <= i->valid_to);
    must(i->of < (int32_t)p->indicator_count && i->audience != 0);
    check_linear(p, &i->numerator);
    check_linear(p, &i->denominator);
    check_linear(p, &i->answers);
    check_formula(p, &i->weight, arena);
    check_formula(p, &i->units, arena);
    check_formula(p, &i->condition, arena);
    check_formula(p, &i->among, arena);
    check_formula(p, &i->group, arena);
    check_formula(p, &i->value, arena);
    check_lists(p, i, arena);
}

static void check_variable(const struct variable *v)
{
    must(v->clause_count > 0 && v->clause_count <= VARIABLE_MAX_CLAUSES && v->group_count > 0 && v->definition != NULL);
    must(v->kind == VARIABLE_KEYS || v->clause_count == 1);
    for (uint32_t c = 0; c < v->clause_count; c++)
        must(v->clauses[c].form != NULL && v->clauses[c].group < v->group_count);
    must(v->by_count <= VARIABLE_MAX_BY);
}

/* ---- loading ---- */

static struct programme *load(const struct pack *pack, size_t *errors)
{
    struct programme *p = NULL;
    struct calendar *c = NULL;
    struct report *r = NULL;
    enum err e;

    must(calendar_new(&c) == OK && report_new(&r, 50) == OK);
    e = programme_load(&p, pack, c, r);
    must((e == OK) == (p != NULL));
    must((e == OK) == (report_errors(r) == 0));
    *errors = report_errors(r);
    calendar_free(c);
    report_free(r);
    return p;
}

static void check(const struct programme *p, const struct programme *again)
{
    struct expr_arena *arena = NULL;

    must(expr_arena_new(&arena, 0) == OK);
    must(p->variable_count == again->variable_count && p->indicator_count == again->indicator_count);
    for (size_t i = 0; i < p->variable_count; i++) {
        check_variable(p->variables[i]);
        must(memcmp(p->variables[i]->digest, again->variables[i]->digest, VARIABLE_DIGEST_BYTES) == 0);
    }
    for (size_t i = 0; i < p->indicator_count; i++) {
        const struct indicator *of = p->indicators[i];

        check_indicator(p, of, arena);
        must(memcmp(of->digest, again->indicators[i]->digest, VARIABLE_DIGEST_BYTES) == 0);
        must(programme_find_indicator(p, of->id, of->part) <= (int32_t)i);
        must(programme_version(p, (uint32_t)i, of->valid_to) == of);
    }
    expr_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = data + size;
    struct pack_file files[PARTS];
    const struct pack pack = {files, PARTS};
    struct programme *p, *again;
    size_t errors, same;
    char id[FORM_NAME_MAX + 1];

    if (size == 0)
        return 0;
    for (unsigned i = 0; i < PARTS; i++)
        files[i] = next_part(i, &at, end);
    (void)pack_programme_id(&pack, id);
    p = load(&pack, &errors);
    again = load(&pack, &same);
    must(errors == same && (p == NULL) == (again == NULL));
    if (p != NULL) {
        must(strcmp(p->id, id) == 0);
        check(p, again);
    }
    programme_free(p);
    programme_free(again);
    return 0;
}
