#include "hub/variables.h"

#include "hub/variables_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For each version of a form: `looks`, one for the submission itself and one for each repeat whose rows are looked at.
 * In a look a tree of conditions: `A and B` hangs under `A`, and under a condition the items that count where all above
 * it hold.  So what many variables begin with is evaluated once a row, and where it does not hold none of them costs
 * anything.  A code that several count is hashed once. */

#define CONDITION_DEPTH 8u /* what has more parts has the rest of them in the last */

struct item {
    const struct variable *variable;
    uint32_t clause;
    struct variable_code *code;
    double scale;   /* 10^places */
    i128 one;       /* what counts when no value is given */
    uint32_t coded; /* into the look's codes; for kinds with a key */
};

struct condition {
    struct bytes source; /* a loan from the variable */
    struct expr *holds;  /* NULL: always; of the root alone */
    struct item *items;
    uint32_t count;
    struct condition *under;
    uint32_t under_count;
};

/* A key, as far as it was computed for the row at hand. */
struct coded {
    const char *source;
    const struct expr *key;
    uint64_t seen; /* row for which the rest is known */
    bool is_empty;
    uint8_t digest[PART_KEY_BYTES];
};

struct look {
    int32_t rows; /* index of the repeat; -1: the submission itself */
    struct condition root;
    struct coded *codes;
    uint32_t code_count;
};

struct presence {
    const struct variable *variable;
    uint8_t clause;
};

struct eval_form {
    const struct form *form; /* of the hub, this very version */
    struct look *looks;
    uint32_t look_count;
    struct presence *present; /* clauses that note every submission of the form */
    uint32_t present_count;
};

struct variable_eval {
    struct eval_form *forms;
    size_t form_count;
    size_t last; /* batches hold long runs of one form */
    struct expr_arena *arena;
    struct code_digests digests;
    struct buf text; /* a key, while another expression is evaluated */
    struct part part;
    uint64_t row; /* counts all rows ever looked at */
    /* the submission at hand */
    struct expr_env env;
    struct value about; /* the unit, for expressions */
    const char *unit;
    variable_each each;
    void *ctx;
};

/* ---- making ---- */

/* A list grows by doubling; `count` is what it holds. */
static enum err grow(void **list, uint32_t count, size_t item)
{
    void *grown;

    if ((count & (count - 1)) != 0)
        return OK;
    grown = realloc(*list, (count == 0 ? 1 : (size_t)count * 2) * item);
    if (grown == NULL)
        return ERR_NOMEM;
    *list = grown;
    return OK;
}

static bool same_source(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static enum err find_look(struct eval_form *ef, int32_t rows, struct look **out)
{
    enum err e;

    for (uint32_t i = 0; i < ef->look_count; i++)
        if (ef->looks[i].rows == rows) {
            *out = &ef->looks[i];
            return OK;
        }
    if ((e = grow((void **)&ef->looks, ef->look_count, sizeof(*ef->looks))) != OK)
        return e;
    *out = &ef->looks[ef->look_count++];
    **out = (struct look){.rows = rows};
    return OK;
}

/* Finds or adds the condition that stands under *at, and goes there. */
static enum err go_under(struct condition **at, struct bytes source, const struct form_versions *versions, int32_t rows)
{
    struct condition *c = *at;
    struct expr *holds;
    enum err e;

    for (uint32_t i = 0; i < c->under_count; i++)
        if (c->under[i].source.len == source.len && memcmp(c->under[i].source.p, source.p, source.len) == 0) {
            *at = &c->under[i];
            return OK;
        }
    if ((e = variable_compile_condition(&holds, source, versions, rows)) != OK)
        return e;
    if ((e = grow((void **)&c->under, c->under_count, sizeof(*c->under))) != OK) {
        expr_free(holds);
        return e;
    }
    *at = &c->under[c->under_count++];
    **at = (struct condition){.source = source, .holds = holds};
    return OK;
}

static enum err find_condition(struct look *l, const char *source, const struct form_versions *versions,
                               struct condition **out)
{
    struct bytes left = bytes_of(source, source == NULL ? 0 : strlen(source));
    enum err e = OK;

    *out = &l->root;
    for (unsigned depth = 1; left.len > 0 && e == OK; depth++) {
        struct bytes first = left;

        if (depth < CONDITION_DEPTH)
            first = condition_first(&left);
        else
            left.len = 0;
        e = go_under(out, first, versions, l->rows);
    }
    return e;
}

static enum err find_coded(struct look *l, const char *source, const struct expr *key, uint32_t *index)
{
    enum err e;

    for (*index = 0; *index < l->code_count; (*index)++)
        if (same_source(l->codes[*index].source, source))
            return OK;
    if ((e = grow((void **)&l->codes, l->code_count, sizeof(*l->codes))) != OK)
        return e;
    l->codes[l->code_count++] = (struct coded){.source = source, .key = key};
    return OK;
}

/* Takes `code`, on failure too. */
static enum err add_item(struct eval_form *ef, const struct variable *v, uint32_t clause,
                         const struct form_versions *versions, struct variable_code *code)
{
    struct item fresh = {.variable = v, .clause = clause, .code = code, .scale = pow(10, v->places)};
    struct condition *c;
    struct look *l;
    enum err e;

    fresh.one = (i128)fresh.scale;
    if ((e = find_look(ef, code->rows, &l)) != OK ||
        (e = find_condition(l, v->clauses[clause].where, versions, &c)) != OK ||
        (code->key != NULL && (e = find_coded(l, v->clauses[clause].key, code->key, &fresh.coded)) != OK) ||
        (e = grow((void **)&c->items, c->count, sizeof(*c->items))) != OK) {
        variable_code_free(code);
        return e;
    }
    c->items[c->count++] = fresh;
    return OK;
}

/* What only the municipality's number asks for is of a form that another clause asks for anyway. */
static bool notes_presence(const struct variable *v, uint32_t clause)
{
    return (v->kind == VARIABLE_KEYS || v->absent_is_zero) && !v->clauses[clause].municipality_only;
}

static enum err add_presence(struct eval_form *ef, const struct variable *v, uint32_t clause)
{
    enum err e = grow((void **)&ef->present, ef->present_count, sizeof(*ef->present));

    if (e == OK)
        ef->present[ef->present_count++] = (struct presence){v, (uint8_t)clause};
    return e;
}

static enum err add_variable(struct eval_form *ef, const struct hub *h, const struct variable *v)
{
    const struct form_versions versions = {ef->form, h->forms, h->form_count};

    for (uint32_t i = 0; i < v->clause_count; i++) {
        struct variable_code *code;
        enum err e;

        if (strcmp(v->clauses[i].form, ef->form->id) != 0)
            continue;
        if (notes_presence(v, i) && (e = add_presence(ef, v, i)) != OK)
            return e;
        e = variable_compile(&code, v, i, &versions, NULL, NULL);
        if (e == ERR_INVALID) /* an older version without the field: no data for this variable */
            continue;
        if (e != OK || (e = add_item(ef, v, i, &versions, code)) != OK)
            return e;
    }
    return OK;
}

struct found_variable {
    const struct variable *variable;
    size_t order;
};

static int compare_digests(const void *a, const void *b)
{
    const struct found_variable *x = a;
    const struct found_variable *y = b;
    int order = memcmp(x->variable->digest, y->variable->digest, VARIABLE_DIGEST_BYTES);

    if (order != 0)
        return order;
    return x->order < y->order ? -1 : 1;
}

static int compare_order(const void *a, const void *b)
{
    const struct found_variable *x = a;
    const struct found_variable *y = b;

    return x->order < y->order ? -1 : 1;
}

/* Of each definition the first, in the order of programmes. */
static enum err distinct_variables(const struct hub *h, bool (*only)(const void *ctx, const struct variable *v),
                                   const void *ctx, struct found_variable **out, size_t *count)
{
    size_t all = 0;
    size_t n = 0;
    struct found_variable *list;

    for (size_t p = 0; p < h->programme_count; p++)
        all += h->programmes[p]->variable_count;
    if ((list = calloc(all + 1, sizeof(*list))) == NULL)
        return ERR_NOMEM;
    for (size_t p = 0; p < h->programme_count; p++)
        for (size_t i = 0; i < h->programmes[p]->variable_count; i++) {
            const struct variable *v = h->programmes[p]->variables[i];

            if (only == NULL || only(ctx, v)) {
                list[n] = (struct found_variable){v, n};
                n++;
            }
        }
    qsort(list, n, sizeof(*list), compare_digests);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || memcmp(list[i].variable->digest, list[*count - 1].variable->digest, VARIABLE_DIGEST_BYTES) != 0)
            list[(*count)++] = list[i];
    qsort(list, *count, sizeof(*list), compare_order);
    *out = list;
    return OK;
}

static enum err fill_forms(struct variable_eval *ev, const struct hub *h,
                           bool (*only)(const void *ctx, const struct variable *v), const void *ctx)
{
    struct found_variable *list;
    size_t count;
    enum err e = distinct_variables(h, only, ctx, &list, &count);

    if (e != OK)
        return e;
    for (size_t f = 0; f < h->form_count && e == OK; f++) {
        ev->forms[ev->form_count++].form = h->forms[f];
        for (size_t i = 0; i < count && e == OK; i++)
            e = add_variable(&ev->forms[f], h, list[i].variable);
    }
    free(list);
    return e;
}

enum err variable_eval_new(struct variable_eval **out, const struct hub *h,
                           bool (*only)(const void *ctx, const struct variable *v), const void *ctx)
{
    struct variable_eval *ev = calloc(1, sizeof(*ev));
    enum err e;

    if (ev == NULL)
        return ERR_NOMEM;
    code_digests_init(&ev->digests, h->storage);
    buf_init_secret(&ev->text, 128u << 10);
    ev->forms = calloc(h->form_count + 1, sizeof(*ev->forms));
    e = ev->forms == NULL ? ERR_NOMEM : expr_arena_new(&ev->arena, 0);
    if (e != OK || (e = fill_forms(ev, h, only, ctx)) != OK) {
        variable_eval_free(ev);
        return e;
    }
    *out = ev;
    return OK;
}

static void condition_fini(struct condition *c)
{
    for (uint32_t i = 0; i < c->under_count; i++)
        condition_fini(&c->under[i]);
    for (uint32_t i = 0; i < c->count; i++)
        variable_code_free(c->items[i].code);
    expr_free(c->holds);
    free(c->items);
    free(c->under);
}

void variable_eval_free(struct variable_eval *ev)
{
    if (ev == NULL)
        return;
    for (size_t f = 0; ev->forms != NULL && f < ev->form_count; f++) {
        for (uint32_t i = 0; i < ev->forms[f].look_count; i++) {
            condition_fini(&ev->forms[f].looks[i].root);
            free(ev->forms[f].looks[i].codes);
        }
        free(ev->forms[f].looks);
        free(ev->forms[f].present);
    }
    free(ev->forms);
    expr_arena_free(ev->arena);
    code_digests_fini(&ev->digests);
    buf_wipe(&ev->text);
    free(ev);
}

/* ---- what an item reads ---- */

/* *has: it gives a number, and one that can be added exactly. */
static enum err read_value(struct variable_eval *ev, const struct item *it, i128 *out, bool *has)
{
    double x;
    enum err e;

    *out = it->one;
    *has = true;
    if (it->code->value == NULL)
        return OK;
    if ((e = expr_number(it->code->value, ev->arena, &ev->env, &x)) == OK)
        *has = variable_round(x, it->scale, out);
    return e;
}

/* A whole number of 32 bits. */
static enum err read_order(struct variable_eval *ev, const struct item *it, int32_t *out, bool *has)
{
    double x = 0;
    enum err e = OK;

    if (it->code->order != NULL)
        e = expr_number(it->code->order, ev->arena, &ev->env, &x);
    *has = e == OK && x >= INT32_MIN && x <= INT32_MAX && floor(x) == x;
    *out = *has ? (int32_t)x : 0;
    return e;
}

/* A loan from the arena; empty when there is no code, or no answer. */
static enum err read_text(struct variable_eval *ev, const struct expr *code, struct bytes *out)
{
    struct expr_result r;
    enum err e;

    *out = bytes_of("", 0);
    if (code == NULL || (e = expr_eval(code, ev->arena, &ev->env, &r)) != OK)
        return code == NULL ? OK : e;
    if (r.kind != EXPR_NUMBER || isfinite(r.number))
        *out = expr_to_string(ev->arena, &r);
    return OK;
}

/* Of the key, once a row however many count it. */
static enum err read_key(struct variable_eval *ev, struct look *l, const struct item *it, const struct coded **out)
{
    struct coded *c = &l->codes[it->coded];
    struct bytes text;
    enum err e;

    *out = c;
    if (c->seen == ev->row)
        return OK;
    if ((e = read_text(ev, c->key, &text)) != OK)
        return e;
    c->is_empty = text.len == 0;
    if (!c->is_empty && (e = code_digest(&ev->digests, CODE_KEY, ev->unit, NULL, text, c->digest)) != OK)
        return e;
    c->seen = ev->row;
    return OK;
}

static enum err give(struct variable_eval *ev, const struct item *it, const struct contribution *c)
{
    if (ev->part.failed)
        return err_set(ERR_LIMIT, "variable %s: a part is longer than %u bytes", it->variable->id, VARIABLE_PART_MAX);
    return ev->each(ev->ctx, it->variable, bytes_of(ev->part.bytes, ev->part.len), c);
}

static void begin_part(struct variable_eval *ev)
{
    ev->part.len = 0;
    ev->part.failed = false;
}

/* ---- the kinds ---- */

/* "name=code;name=code"; *is_whole false: a field has no value, and the submission stands only in the total. */
static enum err put_by(struct variable_eval *ev, const struct item *it, bool *is_whole)
{
    enum err e = OK;

    begin_part(ev);
    *is_whole = true;
    for (uint32_t i = 0; i < it->code->by_count && e == OK; i++) {
        const struct variable_by *by = &it->code->by[i];
        const struct value *v = by->in_row ? &ev->env.row[by->index] : &ev->env.values[by->index];

        *is_whole = (by->in_row || by->index < ev->env.count) && v->state == VALUE_PRESENT;
        if (!*is_whole)
            return OK;
        if (i > 0)
            part_put(&ev->part, ";", 1);
        e = part_put_code(&ev->part, it->variable->by[i], by->field, v);
    }
    return e;
}

static enum err count_sum(struct variable_eval *ev, struct look *l, const struct item *it)
{
    struct contribution c = {0, 1};
    bool is_there;
    enum err e;

    (void)l;
    if ((e = read_value(ev, it, &c.sum, &is_there)) != OK || !is_there)
        return e;
    begin_part(ev);
    if ((e = give(ev, it, &c)) != OK || it->code->by_count == 0 || (e = put_by(ev, it, &is_there)) != OK || !is_there)
        return e;
    return give(ev, it, &c);
}

static enum err count_values(struct variable_eval *ev, struct look *l, const struct item *it)
{
    struct contribution c = {0, 1};
    bool is_there;
    enum err e;

    (void)l;
    if ((e = read_value(ev, it, &c.sum, &is_there)) != OK || !is_there)
        return e;
    begin_part(ev);
    part_put_i64(&ev->part, (int64_t)c.sum);
    return give(ev, it, &c);
}

static enum err count_key(struct variable_eval *ev, struct look *l, const struct item *it)
{
    const struct contribution c = {1, 1};
    const struct coded *key;
    uint8_t clause = (uint8_t)it->clause;
    enum err e;

    if ((e = read_key(ev, l, it, &key)) != OK || key->is_empty)
        return e;
    begin_part(ev);
    part_put(&ev->part, key->digest, sizeof(key->digest));
    part_put(&ev->part, &clause, sizeof(clause));
    return give(ev, it, &c);
}

static enum err count_pair(struct variable_eval *ev, struct look *l, const struct item *it)
{
    struct contribution c = {0, 1};
    uint8_t within[PART_KEY_BYTES];
    const struct coded *key;
    struct bytes text;
    int32_t order;
    bool has_value;
    bool has_order;
    enum err e;

    if ((e = read_value(ev, it, &c.sum, &has_value)) != OK || (e = read_order(ev, it, &order, &has_order)) != OK ||
        !has_value || !has_order || (e = read_key(ev, l, it, &key)) != OK || key->is_empty ||
        (e = read_text(ev, it->code->within, &text)) != OK ||
        (e = code_digest(&ev->digests, CODE_WITHIN, ev->unit, NULL, text, within)) != OK)
        return e;
    begin_part(ev);
    part_put(&ev->part, key->digest, sizeof(key->digest));
    part_put(&ev->part, within, sizeof(within));
    part_put_i32(&ev->part, order);
    return give(ev, it, &c);
}

/* What cannot be the id of a unit is somebody outside, as an empty answer is: then all that is known is that it is
 * somebody. */
static enum err read_partner(struct variable_eval *ev, const struct item *it, char out[ID_MAX + 1])
{
    struct bytes text;
    enum err e = read_text(ev, it->code->partner, &text);

    out[0] = '\0';
    if (e != OK || text.len > ID_MAX || memchr(text.p, 0, text.len) != NULL)
        return e;
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    if (!id_is_valid(out))
        out[0] = '\0';
    return OK;
}

/* Both ends name the same relation, whoever of the two reports it: its digest is over the ends in order. */
static enum err count_relation(struct variable_eval *ev, struct look *l, const struct item *it)
{
    const struct contribution c = {1, 1};
    uint8_t digest_out[PART_KEY_BYTES];
    char partner[ID_MAX + 1];
    struct bytes text;
    bool is_first;
    enum err e;

    (void)l;
    if ((e = read_text(ev, it->code->key, &text)) != OK || text.len == 0)
        return e;
    buf_reset(&ev->text);
    buf_put(&ev->text, text.p, text.len);
    if ((e = buf_status(&ev->text)) != OK || (e = read_partner(ev, it, partner)) != OK)
        return e;
    is_first = strcmp(ev->unit, partner) <= 0;
    if ((e = code_digest(&ev->digests, CODE_RELATION, is_first ? ev->unit : partner, is_first ? partner : ev->unit,
                         bytes_of(ev->text.data, ev->text.len), digest_out)) != OK)
        return e;
    begin_part(ev);
    part_put(&ev->part, digest_out, sizeof(digest_out));
    part_put(&ev->part, partner, strlen(partner));
    return give(ev, it, &c);
}

static enum err count_item(struct variable_eval *ev, struct look *l, const struct item *it)
{
    switch (it->variable->kind) {
    case VARIABLE_SUM: return count_sum(ev, l, it);
    case VARIABLE_VALUES: return count_values(ev, l, it);
    case VARIABLE_KEYS: return count_key(ev, l, it);
    case VARIABLE_PAIRS: return count_pair(ev, l, it);
    case VARIABLE_RELATIONS: return count_relation(ev, l, it);
    }
    return OK;
}

/* ---- one submission ---- */

static enum err look_under(struct variable_eval *ev, struct look *l, const struct condition *c)
{
    enum err e = OK;

    for (uint32_t i = 0; i < c->count && e == OK; i++)
        e = count_item(ev, l, &c->items[i]);
    for (uint32_t i = 0; i < c->under_count && e == OK; i++) {
        bool holds;

        if ((e = expr_test(c->under[i].holds, ev->arena, &ev->env, &holds)) == OK && holds)
            e = look_under(ev, l, &c->under[i]);
    }
    return e;
}

static enum err look_once(struct variable_eval *ev, struct look *l)
{
    ev->row++;
    return look_under(ev, l, &l->root);
}

static enum err look_at_rows(struct variable_eval *ev, struct look *l)
{
    const struct value *v;
    const struct value_rows *rows;
    enum err e = OK;

    if ((uint32_t)l->rows >= ev->env.count)
        return OK;
    v = &ev->env.values[l->rows];
    rows = &v->as.rows;
    for (uint32_t r = 0; v->state == VALUE_PRESENT && r < rows->rows && e == OK; r++) {
        ev->env.row = rows->cells + (size_t)r * rows->columns;
        ev->env.row_number = r + 1;
        e = look_once(ev, l);
    }
    ev->env.row = NULL;
    ev->env.row_number = 0;
    return e;
}

static struct eval_form *find_eval(struct variable_eval *ev, const struct form *f)
{
    if (ev->last < ev->form_count && ev->forms[ev->last].form == f)
        return &ev->forms[ev->last];
    for (size_t i = 0; i < ev->form_count; i++)
        if (ev->forms[i].form == f || memcmp(ev->forms[i].form->digest, f->digest, FORM_DIGEST_BYTES) == 0) {
            ev->last = i;
            return &ev->forms[i];
        }
    return NULL;
}

enum err variable_eval_record(struct variable_eval *ev, const struct form *f, const char *unit,
                              const struct value *values, uint32_t count, int32_t filled_on, variable_each each,
                              void *ctx)
{
    struct eval_form *ef = find_eval(ev, f);
    enum err e = OK;

    if (ef == NULL)
        return OK;
    ev->about = (struct value){.as.text = bytes_of(unit, strlen(unit))};
    ev->env = (struct expr_env){
        .values = values, .count = count, .today = filled_on, .beyond = &ev->about, .beyond_count = 1};
    ev->unit = unit;
    ev->each = each;
    ev->ctx = ctx;
    for (uint32_t i = 0; i < ef->look_count && e == OK; i++) {
        struct look *l = &ef->looks[i];

        e = l->rows < 0 ? look_once(ev, l) : look_at_rows(ev, l);
    }
    for (uint32_t i = 0; i < ef->present_count && e == OK; i++)
        e = each(ctx, ef->present[i].variable, bytes_of(&ef->present[i].clause, 1), &(struct contribution){0, 1});
    return e;
}

bool variable_eval_reads(const struct variable_eval *ev, const struct form *f)
{
    for (size_t i = 0; i < ev->form_count; i++)
        if (ev->forms[i].form == f || memcmp(ev->forms[i].form->digest, f->digest, FORM_DIGEST_BYTES) == 0)
            return ev->forms[i].look_count > 0 || ev->forms[i].present_count > 0;
    return false;
}
