/* programme_take.c: variables into the programme: compiled against the forms of the pack, those made for indicators as
 * well as those of a variables.yaml. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

struct variable_draft *loader_new_variable(struct loader *l, struct variable *v, const struct source *s,
                                           const struct yaml_node *at)
{
    struct variable_draft *d;

    if (v == NULL || !loader_grow(l, (void **)&l->variables, l->variable_count, &l->variable_cap, sizeof(*d))) {
        variable_free(v);
        return NULL;
    }
    d = &l->variables[l->variable_count++];
    *d = (struct variable_draft){.v = v, .source = s, .at = at, .index = -1};
    return d;
}

struct complaint {
    struct loader *l;
    const struct variable_draft *d;
};

/* What the loader made of an indicator stands there under other keys. */
static const char *key_of(const struct variable_draft *d, const char *key)
{
    if (!d->is_declared && strcmp(key, "by") == 0)
        return "breakdown";
    return d->is_condition && strcmp(key, "value") == 0 ? "condition" : key;
}

static void complain_code(void *ctx, uint32_t clause, const char *key, const struct expr_error *error)
{
    const struct complaint *c = ctx;
    const struct variable_draft *d = c->d;
    const struct yaml_node *at = yaml_get(d->clauses[clause], key_of(d, key));

    if (d->is_generated) {
        at = yaml_get(d->at, "items");
        loader_complain(c->l, d->source, at, "items", _("the expression over these items: %s"), error->text);
        return;
    }
    if (at == NULL)
        at = yaml_get(d->at, key);
    loader_complain_expr(c->l, d->source, at != NULL ? at : d->at, d->v->id, key_of(d, key), error);
}

/* Every clause against the form as it is in the pack. */
static bool compiles(struct loader *l, const struct variable_draft *d)
{
    struct complaint c = {.l = l, .d = d};
    bool good = true;

    for (uint32_t i = 0; i < d->v->clause_count && l->e == OK; i++) {
        const struct yaml_node *at = yaml_get(d->clauses[i], "form");
        const struct form *f = loader_need_form(l, d->source, at != NULL ? at : d->at, d->v->clauses[i].form);
        const struct form_versions versions = {f, NULL, 0};
        struct variable_code *code = NULL;
        enum err e;

        if (f == NULL) {
            good = false;
            continue;
        }
        if ((e = variable_compile(&code, d->v, i, &versions, complain_code, &c)) == ERR_NOMEM)
            l->e = e;
        good = good && e == OK;
        variable_code_free(code);
    }
    return good && l->e == OK;
}

/* A condition was compiled alone, so that nothing in it can reach out of the parentheses. */
static bool wrap_condition(struct loader *l, const struct variable_draft *d)
{
    struct buf text;

    if (strlen(d->v->value) + sizeof("if(, 1, 0)") > EXPR_MAX_TEXT) {
        loader_complain(l, d->source, yaml_get(d->at, "condition"), "condition",
                        _("the expression is longer than %u bytes"), EXPR_MAX_TEXT - 10u);
        return false;
    }
    buf_init(&text, DRAFT_TEXT_MAX);
    buf_printf(&text, "if(%s, 1, 0)", d->v->value);
    if (text.failed)
        l->e = ERR_NOMEM;
    d->v->value = loader_text(l, buf_cstr(&text));
    buf_fini(&text);
    return l->e == OK;
}

int32_t loader_take_variable(struct loader *l, struct variable_draft *d)
{
    struct programme *p = l->prog;
    struct variable **grown;

    if (d->index >= 0 || d->v->clause_count == 0) /* without clauses: it was wrong, and that was told */
        return d->index;
    if (!compiles(l, d) || (d->is_condition && !wrap_condition(l, d))) {
        d->v->clause_count = 0;
        return -1;
    }
    if (p->variable_count == VARIABLES_MAX) {
        loader_complain(l, d->source, d->at, "id",
                        _("a programme has at most %u variables, those of its indicators "
                          "among them"),
                        VARIABLES_MAX);
        d->v->clause_count = 0;
        return -1;
    }
    load_variable_definition(l, d->v);
    if (l->e != OK || (grown = reallocarray(p->variables, p->variable_count + 1, sizeof(struct variable *))) == NULL) {
        l->e = ERR_NOMEM;
        return -1;
    }
    p->variables = grown;
    p->variables[p->variable_count] = d->v;
    d->index = (int32_t)p->variable_count++;
    return d->index;
}

static int32_t add(struct loader *l, struct variable *v, const struct source *s, const struct yaml_node *at,
                   bool is_condition, bool is_generated)
{
    struct variable_draft *d = loader_new_variable(l, v, s, at);

    if (d == NULL)
        return -1;
    d->clauses[0] = at;
    d->is_condition = is_condition;
    d->is_generated = is_generated;
    return loader_take_variable(l, d);
}

int32_t loader_add_variable(struct loader *l, struct variable *v, const struct yaml_node *at, bool is_condition)
{
    return add(l, v, &l->programme, at, is_condition, false);
}

int32_t loader_add_generated(struct loader *l, struct variable *v, const struct yaml_node *at)
{
    return add(l, v, &l->programme, at, false, true);
}

bool loader_check_variable(struct loader *l, struct variable *v, const struct yaml_node *at)
{
    const struct variable_draft d = {.v = v, .source = &l->programme, .at = at, .clauses = {at}, .index = -1};

    return compiles(l, &d);
}
