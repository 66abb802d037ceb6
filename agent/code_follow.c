#include "agent/code_follow.h"

#include "agent/cmd_common.h"
#include "agent/code_list.h"

#include <stdlib.h>
#include <string.h>

struct search {
    const struct agent *a;
    const struct form *form;
    const char *from, *to;
    struct code_followers *out;
    struct record_space *space;
    const struct code_list *at; /* the other form's periods */
    uint32_t period;
};

void code_followers_fini(struct code_followers *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].key);
        free(l->items[i].fresh);
    }
    free(l->items);
}

bool code_follower_moves(const struct code_follower *f)
{
    return f->place == CODE_SAME || (f->place == CODE_BUILT_ON && !f->is_taken);
}

/* With the row's key and, of what is built on the code, the one that it becomes. */
static enum err push(struct search *x, const struct code_follower *like, const char *key)
{
    struct code_followers *l = x->out;
    struct code_follower *f;
    size_t size;

    if (l->count == CODE_FOLLOW_MAX)
        return err_set(ERR_LIMIT, _("the code \"%.80s\" stands in more than %u rows of other forms"), x->from,
                       CODE_FOLLOW_MAX);
    if (l->items == NULL || l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
        struct code_follower *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    f = &l->items[l->count];
    *f = *like;
    if ((f->key = strdup(key)) == NULL)
        return ERR_NOMEM;
    l->count++; /* the list frees it from here on */
    if (f->place != CODE_BUILT_ON)
        return OK;
    size = strlen(key) + strlen(x->to) + 1;
    if ((f->fresh = malloc(size)) == NULL)
        return ERR_NOMEM;
    (void)snprintf(f->fresh, size, "%s%s", x->to, key + strlen(x->from));
    return code_stands(x->a, x->at, x->period, f->fresh, &f->is_taken);
}

static bool is_text(const struct value *v, const char *text)
{
    return v->state == VALUE_PRESENT && v->as.text.len == strlen(text) &&
           memcmp(v->as.text.p, text, v->as.text.len) == 0;
}

/* T07 of T07-1, and not of T071. */
static bool is_built_on(const char *key, const char *code)
{
    size_t len = strlen(code);

    return strncmp(key, code, len) == 0 && strchr("-./_: ", key[len]) != NULL && key[len] != '\0';
}

/* What the code is in this field, which has it; false: nothing to do with it. */
static bool place_of(const struct search *x, const struct form_field *was, bool is_key, const char *key,
                     enum code_place *out)
{
    bool is_same = strcmp(was->name, x->form->fields[x->form->key].name) == 0;

    if (is_key)
        *out = CODE_ROW;
    else if (was->is_calculated)
        *out = CODE_BUILT_ON;
    else
        *out = is_same ? CODE_SAME : CODE_TEXT;
    return is_key || was->is_calculated ? is_same && (is_key || is_built_on(key, x->from)) : true;
}

static enum err take_field(struct search *x, const struct form *of, uint32_t i, const struct value *v, const char *key)
{
    const struct form_field *was = &of->fields[i];
    const struct code_follower *before = x->out->count > 0 ? &x->out->items[x->out->count - 1] : NULL;
    struct code_follower f = {.form = x->at->form, .period = x->at->periods[x->period]};
    int32_t now = form_find_field(f.form, was->name, strlen(was->name));

    if (was->type != VALUE_TEXT || now < 0 || !is_text(v, x->from) ||
        !place_of(x, was, now == f.form->key, key, &f.place))
        return OK;
    if (f.place == CODE_ROW && before != NULL && before->place == CODE_ROW && before->form == f.form)
        return OK;
    if (f.place == CODE_BUILT_ON)
        now = f.form->key;
    f.field = f.form->fields[now].name;
    f.label = cli_pick(f.form->fields[now].label_ru, f.form->fields[now].label_en);
    return push(x, &f, key);
}

static enum err take_row(struct search *x, const struct return_line *l)
{
    const struct form *of;
    struct record r;
    enum err e = record_decode_head(&r, l->record);

    if (e != OK || (of = agent_form_by_digest(x->a, r.form)) == NULL)
        return e;
    e = record_decode(&r, x->space, l->record, of);
    for (uint32_t i = 0; e == OK && i < of->field_count; i++)
        e = take_field(x, of, i, &r.values[i], l->key);
    return e;
}

static enum err search_form(struct search *x, const struct form *other, const char *unit)
{
    struct code_list *l = NULL;
    enum err e = code_list_read(&l, x->a, other, unit);

    x->at = l;
    for (x->period = 0; e == OK && x->period < l->period_count; x->period++) {
        struct own_return *r = NULL;

        e = own_return_read(&r, x->a, other, unit, l->periods[x->period].id);
        for (size_t i = 0; e == OK && i < r->rows; i++) /* those that stand come first */
            e = take_row(x, &r->lines[i]);
        own_return_free(r);
    }
    code_list_free(l);
    return e;
}

enum err code_followers_read(struct code_followers *out, const struct agent *a, const struct form *form,
                             const char *unit, const char *from, const char *to)
{
    struct search x = {.a = a, .form = form, .from = from, .to = to, .out = out};
    enum err e = record_space_new(&x.space);

    *out = (struct code_followers){.items = NULL};
    for (size_t i = 0; e == OK && i < a->form_count; i++) {
        const struct form *other = command_own_form(a, i);

        if (other != NULL && other != form && other->mode != FORM_ANSWERS && !other->is_about_district)
            e = search_form(&x, other, unit);
    }
    record_space_free(x.space);
    if (e != OK) {
        code_followers_fini(out);
        *out = (struct code_followers){.items = NULL};
    }
    return e;
}
