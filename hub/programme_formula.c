/* programme_formula.c: expressions over references, and sums that are proved to be sums. */
#include "hub/programme_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- compiling ---- */

struct job {
    struct lookup *k;
};

static bool find(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    const struct job *j = ctx;
    int32_t index = lookup_reference(j->k, name, len);

    if (index < 0)
        return false;
    *out = (struct expr_symbol){.type = VALUE_DECIMAL, .repeat = -1, .index = (uint32_t)index};
    return true;
}

/* 0: it does not stand there in one piece. */
static uint32_t reference_column(const struct loader *l, const struct yaml_node *at, const char *name)
{
    char written[2 * FORM_NAME_MAX + PART_MAX];
    uint32_t column = loader_text_column(l->programme.file, at);
    const char *place;

    (void)snprintf(written, sizeof(written), "%s}", name);
    place = column > 0 ? strstr(at->text, written) : NULL;
    while (place != NULL && place > at->text && *place != '$')
        place--;
    return place == NULL ? 0 : column + (uint32_t)utf8_count(at->text, (size_t)(place - at->text));
}

/* What was so a year ago does not depend on today; the base period may be today's. */
static void add_edges(struct lookup *k)
{
    for (uint32_t i = 0; i < k->count; i++) {
        const struct reference *r = &k->references[i];

        if (r->what == REFERENCE_INDICATOR && (r->shift == SHIFT_NONE || r->shift == SHIFT_BASE))
            loader_add_edge(k->l, k->d, r->index, k->at, reference_column(k->l, k->at, k->l->drafts[r->index].called));
    }
}

/* NULL: told. */
static struct expr *compile(struct lookup *k, const char *key)
{
    const struct job j = {k};
    const struct expr_schema schema = {.find = find, .ctx = &j, .inside_repeat = -1, .allow_today = false};
    struct expr_error error;
    struct expr *code = NULL;
    enum err e = expr_compile(&code, k->at->text, k->at->len, &schema, &error);

    if (e == OK && !k->is_broken)
        return code;
    if (e == OK || e == ERR_NOMEM) {
        k->l->e = e == OK ? k->l->e : e;
        expr_free(code);
        return NULL;
    }
    if (k->wrong[0] != '\0')
        memcpy(error.text, k->wrong, sizeof(error.text) < sizeof(k->wrong) ? sizeof(error.text) : sizeof(k->wrong));
    loader_complain_expr(k->l, &k->l->programme, k->at, k->d->i->id, key, &error);
    return NULL;
}

bool formula_read(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key,
                  enum formula_on on, struct formula *out)
{
    struct lookup k = {.l = l, .d = d, .on = on, .is_target = strcmp(key, "reference") == 0, .at = n};

    if (n == NULL)
        return true;
    if (loader_scalar(l, &l->programme, n, key) == NULL || (out->code = compile(&k, key)) == NULL)
        return false;
    out->source = n->text;
    out->at = n;
    if (!k.is_target)
        add_edges(&k);
    if ((out->references = loader_alloc(l, k.count, sizeof(*out->references))) == NULL)
        return false;
    if (k.count > 0)
        memcpy(out->references, k.references, k.count * sizeof(*out->references));
    out->count = k.count;
    return true;
}

void formula_free(struct formula *f)
{
    expr_free(f->code);
    free(f->references);
    memset(f, 0, sizeof(*f));
}

void linear_free(struct linear *f)
{
    free(f->terms);
    memset(f, 0, sizeof(*f));
}

/* ---- sums ---- */

#define POINTS   8u
#define FARTHEST 1000003 /* with 64 terms and the largest factor still exact in a double */

/* Only what polynomials and their quotients are written with: two of those that agree at points chosen without regard
 * to them are the same. */
static bool is_arithmetic(const char *text, size_t len, size_t *bad)
{
    for (size_t i = 0; i < len; i++) {
        const char *close = text[i] == '$' ? memchr(text + i, '}', len - i) : NULL;

        if (close != NULL)
            i = (size_t)(close - text);
        else if (len - i >= 3 && strncmp(text + i, "div", 3) == 0)
            i += 2;
        else if (strchr("+-*() \t\r\n.0123456789", text[i]) == NULL || text[i] == '\0') {
            *bad = i;
            return false;
        }
    }
    return true;
}

struct point {
    struct value states[REFERENCES_MAX];
    double at[REFERENCES_MAX];
};

static double value_at(struct lookup *k, const struct expr *code, const struct point *p)
{
    const struct expr_env env = {.values = p->states, .count = REFERENCES_MAX, .numbers = p->at};
    double x;

    return expr_number(code, k->l->arena, &env, &x) == OK ? x : NAN;
}

static bool is_whole(double x)
{
    return fabs(x) <= LINEAR_FACTOR_MAX && !(floor(x) < x);
}

/* The whole factor of each reference, from the value at its unit vector.  False: `why`. */
static bool find_factors(struct lookup *k, const struct expr *code, double factors[REFERENCES_MAX], const char **why)
{
    struct point p = {0};
    double rest = value_at(k, code, &p);

    if (rest < 0 || rest > 0) {
        *why = _("a sum of variables has no number of its own beside them");
        return false;
    }
    for (uint32_t i = 0; i < k->count; i++) {
        p.at[i] = 1;
        factors[i] = value_at(k, code, &p);
        p.at[i] = 0;
        if (isnan(factors[i]) || !is_whole(factors[i])) {
            *why = _("a sum of variables is expected, each with a whole factor of at most 1,000,000");
            return false;
        }
        if (!(factors[i] < 0) && !(factors[i] > 0)) {
            *why = _("a variable has no part in this sum");
            return false;
        }
    }
    return true;
}

/* Whole numbers from a fixed sequence: the same pack is judged in the same way everywhere. */
static double next_number(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)((int64_t)(*seed >> 33) % FARTHEST);
}

static bool is_their_sum(struct lookup *k, const struct expr *code, const double factors[REFERENCES_MAX])
{
    uint64_t seed = 20200901;

    for (uint32_t n = 0; n < POINTS; n++) {
        struct point p = {0};
        double sum = 0;
        double value;

        for (uint32_t i = 0; i < k->count; i++) {
            p.at[i] = next_number(&seed);
            sum += factors[i] * p.at[i];
        }
        value = value_at(k, code, &p);
        if (isnan(value) || value < sum || value > sum)
            return false;
    }
    return true;
}

static void complain_sum(struct lookup *k, const char *key, size_t at, const char *why)
{
    struct expr_error error = {.column = (uint32_t)utf8_count(k->at->text, at) + 1};

    (void)snprintf(error.text, sizeof(error.text), "%s", why);
    loader_complain_expr(k->l, &k->l->programme, k->at, k->d->i->id, key, &error);
}

static bool prove(struct lookup *k, const struct expr *code, const char *key, double factors[REFERENCES_MAX])
{
    const char *why = NULL;
    size_t bad = 0;

    if (!is_arithmetic(k->at->text, k->at->len, &bad))
        why = _("variables are added and subtracted here, with whole factors: + - * and parentheses are expected");
    else if (k->count == 0)
        why = _("a sum of variables is expected");
    else if (find_factors(k, code, factors, &why) && !is_their_sum(k, code, factors))
        why = _("a sum of variables is expected, each with a whole factor: no products, quotients or powers of them");
    if (why != NULL)
        complain_sum(k, key, bad, why);
    return why == NULL;
}

bool linear_read(struct loader *l, const struct draft *d, const struct yaml_node *n, const char *key,
                 struct linear *out)
{
    struct lookup k = {.l = l, .d = d, .is_linear = true, .at = n};
    double factors[REFERENCES_MAX] = {0};
    struct expr *code;
    bool good;

    if (n == NULL)
        return true;
    if (loader_scalar(l, &l->programme, n, key) == NULL || (code = compile(&k, key)) == NULL)
        return false;
    good = prove(&k, code, key, factors);
    expr_free(code);
    if (!good || (out->terms = loader_alloc(l, k.count, sizeof(*out->terms))) == NULL)
        return false;
    for (uint32_t i = 0; i < k.count; i++)
        out->terms[i] = (struct linear_term){k.references[i].index, k.references[i].stat, (int64_t)llround(factors[i])};
    out->count = k.count;
    out->source = n->text;
    return true;
}

bool linear_one(struct loader *l, uint32_t variable, enum reference_stat stat, struct linear *out)
{
    char text[VARIABLE_ID_MAX + 8];

    (void)snprintf(text, sizeof(text), "${%s%s}", stat == STAT_N ? "n." : "", l->prog->variables[variable]->id);
    out->source = loader_text(l, text);
    if ((out->terms = loader_alloc(l, 1, sizeof(*out->terms))) == NULL)
        return false;
    out->terms[0] = (struct linear_term){variable, stat, 1};
    out->count = 1;
    return l->e == OK;
}
