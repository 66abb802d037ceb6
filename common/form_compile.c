/* form_compile.c: the expressions of a form, what depends on what, and the order in which to work things out. */
#include "common/form_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

/* What is being compiled, and for whom the names it reads are noted down. */
struct job {
    struct loader *l;
    int32_t repeat;                 /* top-level index of the repeat in whose rows it stands, or -1 */
    const struct expr_symbol *self; /* `.`, or NULL */
    bool notes_deps;
    bool compares;              /* may read what stands under "compare" */
    const struct yaml_node *at; /* what is being compiled; NULL: tell nobody */
};

static struct expr_symbol symbol_of(const struct form_node *n)
{
    return (struct expr_symbol){.type = n->field->type,
                                .places = n->field->places,
                                .repeat = n->repeat,
                                .index = n->index,
                                .choices = n->field->choices};
}

static bool find_symbol(const struct form_impl *m, const char *name, size_t len, struct expr_symbol *out,
                        int32_t *number)
{
    *number = index_find(&m->names, name, len);
    if (*number < 0)
        return false;
    *out = symbol_of(&m->nodes[*number]);
    return true;
}

static bool find_in_form(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    int32_t number;

    return find_symbol(ctx, name, len, out, &number);
}

struct expr_schema form_schema(const struct form *f)
{
    return (struct expr_schema){.find = find_in_form, .ctx = form_impl_of(f), .inside_repeat = -1, .allow_today = true};
}

/* A submission must say the same wherever it is read: so nothing but a warning of its own may depend on another one. */
static bool find_compare(const struct job *j, const char *name, size_t len, struct expr_symbol *out)
{
    if (!form_find_compare(&j->l->impl->form, name, len, out))
        return false;
    if (!j->compares && j->at != NULL)
        COMPLAIN(j->l, j->at, NULL, _("\"%.*s\" stands under \"compare\": only a compare_warning may read it"),
                 (int)len, name);
    return true;
}

static bool find_and_note(const void *ctx, const char *name, size_t len, struct expr_symbol *out)
{
    const struct job *j = ctx;
    struct loader *l = j->l;
    int32_t number;
    uint32_t *deps;

    if (!find_symbol(l->impl, name, len, out, &number))
        return find_compare(j, name, len, out);
    if (!j->notes_deps)
        return true;
    deps = pool_more(&l->impl->pool, l->deps, l->dep_count, &l->dep_cap, sizeof(*deps));
    if (deps == NULL) {
        l->e = ERR_NOMEM;
        return false;
    }
    l->deps = deps;
    l->deps[l->dep_count++] = (uint32_t)number;
    return true;
}

/* The column, in code points of the YAML's line, where the text of a scalar starts; 0 when it does not stand there as
 * it is (folded over lines, with escapes, or not NFC). */
static uint32_t text_column(const struct form *f, const struct yaml_node *n)
{
    const uint8_t *p = f->source.p;
    const uint8_t *end = p + f->source.len;

    if (n->kind != YAML_SCALAR)
        return 0;
    for (uint32_t line = 1; line < n->line && p != NULL; line++) {
        p = memchr(p, '\n', (size_t)(end - p));
        p = p == NULL ? NULL : p + 1;
    }
    if (p == NULL)
        return 0;
    if (n->line == 1 && end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    for (uint32_t column = 1; column < n->column && p < end; column++)
        for (p++; p < end && (*p & 0xC0u) == 0x80u; p++)
            ;
    for (uint32_t quotes = 0; quotes < 2; quotes++)
        if ((size_t)(end - p) > quotes && n->len <= (size_t)(end - p) - quotes &&
            memcmp(p + quotes, n->text, n->len) == 0)
            return n->column + quotes;
    return 0;
}

static void complain_of_expression(struct loader *l, const struct yaml_node *at, const char *field, const char *key,
                                   const struct expr_error *error)
{
    struct finding where = {.file = yaml_file(l->doc), .line = at->line, .column = at->column, .field = field};
    uint32_t column = text_column(&l->impl->form, at);

    l->bad = true;
    if (column > 0 && error->column > 0) {
        where.column = column + error->column - 1;
        report_add(l->r, &where, "%s: %s", key, error->text);
    } else {
        report_add(l->r, &where, _("%s, character %u of the expression: %s"), key, error->column, error->text);
    }
}

/* NULL, and a mistake told at `at`, when it is wrong.  `at` NULL: tell nobody. */
static const struct expr *compile(const struct job *j, const char *text, size_t len, const struct yaml_node *at,
                                  const char *field, const char *key)
{
    struct loader *l = j->l;
    struct form_impl *m = l->impl;
    struct job here = *j;
    struct expr_schema schema = {
        .find = find_and_note, .ctx = &here, .inside_repeat = j->repeat, .self = j->self, .allow_today = true};
    struct expr_error error = {0};
    struct expr **exprs = pool_more(&m->pool, m->exprs, m->expr_count, &m->expr_cap, sizeof(struct expr *));
    enum err e;

    if (exprs == NULL) {
        l->e = ERR_NOMEM;
        return NULL;
    }
    m->exprs = exprs;
    here.at = at;
    e = expr_compile(&m->exprs[m->expr_count], text, len, &schema, &error);
    if (e == OK)
        return m->exprs[m->expr_count++];
    if (e == ERR_NOMEM || l->e != OK) {
        l->e = ERR_NOMEM;
        return NULL;
    }
    if (error.text[0] == '\0')
        (void)snprintf(error.text, sizeof(error.text), "%s", e == ERR_LIMIT ? _("too long or too deep") : err_text());
    complain_of_expression(l, at, field, key, &error);
    return NULL;
}

static bool is_expression(struct loader *l, const struct yaml_node *n, const char *field, const char *key)
{
    if (n->kind == YAML_SCALAR && (n->is_quoted ? n->len > 0 : !yaml_is_nothing(n)))
        return true;
    COMPLAIN(l, n, field, _("an expression was expected after \"%s\""), key);
    return false;
}

static const struct expr *compile_node(const struct job *j, const struct yaml_node *n, const char *field,
                                       const char *key)
{
    if (n == NULL || !is_expression(j->l, n, field, key))
        return NULL;
    return compile(j, n->text, n->len, n, field, key);
}

/* ---- relevance ---- */

/* Each group's rule is looked at once, by itself, so that its mistakes are told where they stand. */
static void check_groups(struct loader *l, int32_t group, int32_t repeat)
{
    struct job j = {.l = l, .repeat = repeat};

    for (int32_t g = group; g >= 0 && l->e == OK; g = l->groups[g].parent) {
        struct group_draft *d = &l->groups[g];

        if (d->relevant == NULL || d->is_checked)
            continue;
        d->is_checked = true;
        d->is_bad = compile_node(&j, d->relevant, d->en, "relevant") == NULL;
    }
}

/* "(outer) and (inner) and (own)", or the only one as it is.  Returns how many rules; 0 also when a group's is bad. */
static uint32_t put_condition(const struct loader *l, struct buf *out, int32_t group, const struct yaml_node *own)
{
    const struct yaml_node *rules[YAML_MAX_DEPTH + 1];
    uint32_t count = 0;

    if (own != NULL)
        rules[count++] = own;
    for (int32_t g = group; g >= 0; g = l->groups[g].parent) {
        if (l->groups[g].is_bad)
            return 0;
        if (l->groups[g].relevant != NULL && count < YAML_MAX_DEPTH + 1)
            rules[count++] = l->groups[g].relevant;
    }
    for (uint32_t i = count; i-- > 0;) {
        if (count > 1)
            buf_put_str(out, i + 1 < count ? " and (" : "(");
        buf_put(out, rules[i]->text, rules[i]->len);
        if (count > 1)
            buf_put_str(out, ")");
    }
    return count;
}

static int32_t find_condition(const struct form_impl *m, const struct buf *text, int32_t repeat)
{
    for (uint32_t i = 0; i < m->condition_count; i++) {
        const struct form_condition *c = &m->conditions[i];

        if (c->repeat == repeat && c->len == text->len && memcmp(c->text, text->data, text->len) == 0)
            return (int32_t)i;
    }
    return -1;
}

static int32_t add_condition(struct loader *l, const struct buf *text, int32_t repeat, const struct yaml_node *at,
                             const char *field)
{
    struct form_impl *m = l->impl;
    struct job j = {.l = l, .repeat = repeat, .notes_deps = true};
    struct form_condition *c =
        pool_more(&m->pool, m->conditions, m->condition_count, &l->condition_cap, sizeof(*m->conditions));
    uint32_t first = l->dep_count;
    const char *copy;
    const struct expr *e;

    if (c == NULL || (copy = pool_text(&m->pool, text->data, text->len)) == NULL) {
        l->e = ERR_NOMEM;
        return -1;
    }
    m->conditions = c;
    if ((e = compile(&j, copy, text->len, at, field, "relevant")) == NULL)
        return -1;
    m->conditions[m->condition_count] =
        (struct form_condition){e, copy, text->len, repeat, first, l->dep_count - first};
    return (int32_t)m->condition_count++;
}

/* The number of the rule that a field or note stands under, or -1. */
static int32_t condition_of(struct loader *l, int32_t group, const struct yaml_node *own, int32_t repeat,
                            const struct yaml_node *at, const char *field)
{
    struct job alone = {.l = l, .repeat = repeat};
    struct buf text;
    uint32_t rules;
    int32_t number = -1;

    if (own != NULL && !is_expression(l, own, field, "relevant"))
        return -1;
    check_groups(l, group, repeat);
    buf_init(&text, (size_t)FORM_MAX_BYTES * 2);
    rules = put_condition(l, &text, group, own);
    if (text.failed)
        l->e = ERR_NOMEM;
    if (l->e != OK || rules == 0)
        goto free_text;
    if (rules == 1 && own != NULL)
        at = own;
    else if (own != NULL && compile_node(&alone, own, field, "relevant") == NULL)
        goto free_text; /* told where it stands, not inside the long text */
    if ((number = find_condition(l->impl, &text, repeat)) < 0 && l->e == OK)
        number = add_condition(l, &text, repeat, at, field);
free_text:
    buf_fini(&text);
    return number;
}

/* ---- the order ---- */

struct sorter {
    struct loader *l;
    uint8_t *state;                          /* of each node */
    uint32_t *path;                          /* nodes that wait for the one in hand */
    uint32_t depth;                          /* of the path */
    uint32_t done;                           /* in m->order */
    const uint32_t *calc_first, *calc_count; /* what each node's calculation reads, in l->deps */
};
enum { SORT_NEW, SORT_OPEN, SORT_DONE };

static void complain_of_cycle(struct sorter *s, uint32_t number)
{
    struct loader *l = s->l;
    struct buf text;
    uint32_t i = s->depth;

    while (i > 0 && s->path[i - 1] != number)
        i--;
    buf_init(&text, 512);
    for (i = i > 0 ? i - 1 : 0; i < s->depth; i++)
        buf_printf(&text, "%s -> ", l->impl->nodes[s->path[i]].field->name);
    buf_put_str(&text, l->impl->nodes[number].field->name);
    COMPLAIN(l, l->fields[number].at, l->fields[number].f.name, _("its calculation or relevance depends on itself: %s"),
             buf_cstr(&text));
    buf_fini(&text);
}

static void visit(struct sorter *s, uint32_t number);

static void visit_all(struct sorter *s, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        visit(s, s->l->deps[first + i]);
}

/* As deep as there are fields, at most FORM_MAX_FIELDS. */
static void visit(struct sorter *s, uint32_t number)
{
    struct form_impl *m = s->l->impl;
    const struct form_node *n = &m->nodes[number];

    if (s->state[number] == SORT_DONE)
        return;
    if (s->state[number] == SORT_OPEN) {
        complain_of_cycle(s, number);
        return;
    }
    s->state[number] = SORT_OPEN;
    s->path[s->depth++] = number;
    if (n->repeat >= 0)
        visit(s, m->top[n->repeat]);
    if (n->condition >= 0)
        visit_all(s, m->conditions[n->condition].dep_first, m->conditions[n->condition].dep_count);
    visit_all(s, s->calc_first[number], s->calc_count[number]);
    s->depth--;
    s->state[number] = SORT_DONE;
    m->order[s->done++] = number;
}

static void sort_nodes(struct loader *l, const uint32_t *calc_first, const uint32_t *calc_count)
{
    struct form_impl *m = l->impl;
    struct sorter s = {.l = l, .calc_first = calc_first, .calc_count = calc_count};

    s.state = pool_alloc(&m->pool, m->node_count);
    s.path = pool_array(&m->pool, m->node_count, sizeof(*s.path));
    m->order = pool_array(&m->pool, m->node_count, sizeof(*m->order));
    if (s.state == NULL || s.path == NULL || m->order == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < m->node_count; i++)
        visit(&s, i);
}

/* ---- one field ---- */

static void compile_field(struct loader *l, uint32_t number, uint32_t *calc_first, uint32_t *calc_count)
{
    struct form_node *n = &l->impl->nodes[number];
    struct field_draft *d = &l->fields[number];
    struct expr_symbol self = symbol_of(n);
    struct job j = {.l = l, .repeat = n->repeat};

    n->condition = condition_of(l, d->group, d->relevant, n->repeat, d->at, d->f.name);
    if (n->condition >= 0)
        d->field->relevant = l->impl->conditions[n->condition].expr;
    d->field->required_if = compile_node(&j, d->required, d->f.name, "required");
    j.notes_deps = true;
    *calc_first = l->dep_count;
    d->field->calculation = compile_node(&j, d->calculation, d->f.name, "calculation");
    *calc_count = l->dep_count - *calc_first;
    j.notes_deps = false;
    if (d->f.type != VALUE_REPEAT)
        j.self = &self;
    d->field->constraint = compile_node(&j, d->constraint, d->f.name, "constraint");
    d->field->warning = compile_node(&j, d->warning, d->f.name, "warning");
    j.compares = true;
    d->field->compare_warning = compile_node(&j, d->compare_warning, d->f.name, "compare_warning");
    if (d->constraint != NULL)
        n->constraint_text = d->constraint->text;
    if (d->calculation != NULL)
        n->calculation_text = d->calculation->text;
}

static void compile_notes(struct loader *l)
{
    struct form_impl *m = l->impl;
    struct form_note *notes = pool_array(&m->pool, l->note_count, sizeof(*notes));

    if (notes == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < l->note_count && l->e == OK; i++) {
        const struct note_draft *d = &l->notes[i];
        int32_t condition = condition_of(l, d->group, d->relevant, -1, d->at, "note");

        notes[i] = d->note;
        notes[i].relevant = condition < 0 ? NULL : m->conditions[condition].expr;
    }
    m->form.notes = notes;
    m->form.note_count = l->note_count;
}

void form_compile(struct loader *l)
{
    struct form_impl *m = l->impl;
    uint32_t *calc_first = pool_array(&m->pool, m->node_count, sizeof(*calc_first));
    uint32_t *calc_count = pool_array(&m->pool, m->node_count, sizeof(*calc_count));

    if (calc_first == NULL || calc_count == NULL) {
        l->e = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < m->node_count && l->e == OK; i++)
        compile_field(l, i, &calc_first[i], &calc_count[i]);
    if (l->e == OK)
        compile_notes(l);
    if (l->e == OK)
        sort_nodes(l, calc_first, calc_count);
}
