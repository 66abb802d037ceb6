/* How questions stand: one walk over all that was entered here, with all questions in hand. */
#include "agent/questions_internal.h"

#include "agent/queue.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 * FORM_MAX_TEXT)

/* What is known of one question so far. */
struct trail {
    struct record_ref last; /* what stands where the submission stood that was asked about */
    bool is_checked, is_changed;
};

struct follow {
    struct asked_list *list;
    struct trail *trails; /* parallel */
    struct buf text;
};

static enum err keep_text(char **out, struct bytes text)
{
    char *copy = strndup((const char *)text.p, text.len);

    if (copy == NULL)
        return ERR_NOMEM;
    free(*out);
    *out = copy;
    return OK;
}

/* ---- an answer ---- */

static enum err take_answer(struct follow *x, const struct queue_submission *s)
{
    struct answer a;

    if (s->record->values == NULL || !answer_read(&a, s->record->values, s->record->value_count))
        return OK;
    for (size_t i = 0; i < x->list->count; i++) {
        struct asked *q = &x->list->items[i];

        if (q->about.question != a.question || q->asked_ms != a.asked_ms)
            continue;
        x->trails[i].is_checked = true;
        return keep_text(&q->remark, a.remark);
    }
    return OK;
}

/* ---- a change ---- */

static enum err value_text(struct follow *x, const struct asked *q, const struct queue_submission *s, char **out)
{
    int32_t field = q->about.field[0] == '\0' || s->form == NULL || s->record->values == NULL
                        ? -1
                        : form_find_field(s->form, q->about.field, strlen(q->about.field));

    buf_reset(&x->text);
    if (field >= 0)
        value_format(&x->text, &s->form->fields[field], &s->record->values[field]);
    return keep_text(out, bytes_of(buf_cstr(&x->text), x->text.len));
}

static enum err key_text(struct follow *x, const struct queue_submission *s)
{
    buf_reset(&x->text);
    if (s->form != NULL && s->record->values != NULL)
        queue_key_text(&x->text, s->form, s->record->values);
    return buf_status(&x->text);
}

/* The very one that was asked about. */
static enum err take_target(struct follow *x, struct asked *q, const struct queue_submission *s)
{
    enum err e = key_text(x, s);

    if (e == OK && q->about.scope == SCOPE_SUBMISSION)
        e = keep_text(&q->key, bytes_of(buf_cstr(&x->text), x->text.len));
    if (e == OK && q->about.scope == SCOPE_SUBMISSION && (e = value_text(x, q, s, &q->old_value)) == OK)
        e = value_text(x, q, s, &q->new_value);
    q->has_target = e == OK;
    return e;
}

/* Does it stand where that one stood: its correction, its withdrawal, or the same row anew? */
static enum err takes_place(struct follow *x, size_t i, const struct queue_submission *s, bool *out)
{
    const struct asked *q = &x->list->items[i];
    enum err e;

    *out = s->record->kind != RECORD_NEW && record_ref_compare(&s->record->target, &x->trails[i].last) == 0;
    if (*out || s->record->kind == RECORD_RETRACTION || s->form == NULL || !q->has_target)
        return OK;
    if ((e = key_text(x, s)) == OK)
        *out = strcmp(buf_cstr(&x->text), q->key) == 0;
    return e;
}

static enum err take_change(struct follow *x, size_t i, const struct queue_submission *s)
{
    struct asked *q = &x->list->items[i];
    bool takes = true;
    enum err e = OK;

    if (q->about.scope == SCOPE_SUBMISSION && (e = takes_place(x, i, s, &takes)) != OK)
        return e;
    if (!takes)
        return OK;
    x->trails[i].last = s->ref;
    q->is_withdrawn = q->about.scope == SCOPE_SUBMISSION && s->record->kind == RECORD_RETRACTION;
    if (q->about.scope == SCOPE_SUBMISSION && (e = value_text(x, q, s, &q->new_value)) != OK)
        return e;
    if (q->about.scope == SCOPE_SUBMISSION && q->has_target && !q->is_withdrawn && /* it may have another code now */
        ((e = key_text(x, s)) != OK || (e = keep_text(&q->key, bytes_of(buf_cstr(&x->text), x->text.len))) != OK))
        return e;
    /* A correction of something else leaves the question where it was. */
    x->trails[i].is_changed = q->about.field[0] == '\0' || !q->has_target || q->about.scope != SCOPE_SUBMISSION ||
                              q->is_withdrawn || strcmp(q->old_value, q->new_value) != 0;
    return OK;
}

static enum err visit(void *ctx, const struct queue_submission *s)
{
    struct follow *x = ctx;
    enum err e = OK;

    if (s->form != NULL && builtin_is(s->form, BUILTIN_ANSWER))
        return take_answer(x, s);
    for (size_t i = 0; e == OK && i < x->list->count; i++) {
        struct asked *q = &x->list->items[i];
        const struct notice_return *r = &q->about;
        int order;

        if (s->form == NULL || !r->has_target || strcmp(r->form, s->form->id) != 0 ||
            strcmp(r->unit, s->record->unit) != 0 || strcmp(r->period, s->record->period) != 0)
            continue;
        order = record_ref_compare(&s->ref, &r->target);
        if (order == 0)
            e = take_target(x, q, s);
        else if (order > 0)
            e = take_change(x, i, s);
    }
    return e;
}

static enum asked_state state_of(const struct asked *q, const struct trail *at)
{
    return q->is_accepted   ? ASKED_ACCEPTED
           : at->is_changed ? ASKED_CORRECTED
           : at->is_checked ? ASKED_CHECKED
                            : ASKED_OPEN;
}

enum err asked_follow(const struct agent *a, struct asked_list *l)
{
    struct queue_filter any = {NULL, NULL, NULL};
    struct follow x = {.list = l, .trails = calloc(l->count + 1, sizeof(struct trail))};
    enum err e;

    if (x.trails == NULL)
        return ERR_NOMEM;
    buf_init_secret(&x.text, TEXT_MAX);
    for (size_t i = 0; i < l->count; i++)
        x.trails[i].last = l->items[i].about.target;
    e = queue_each(a, &any, visit, &x);
    for (size_t i = 0; i < l->count; i++)
        l->items[i].state = state_of(&l->items[i], &x.trails[i]);
    buf_wipe(&x.text);
    free(x.trails);
    return e;
}
