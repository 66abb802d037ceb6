#include "agent/queue_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define KEY_TEXT_MAX ((size_t)4 * FORM_MAX_TEXT)

/* ---- visiting ---- */

static bool fits(const struct queue_filter *filter, const struct queue_submission *s)
{
    if (filter->unit != NULL && strcmp(filter->unit, s->record->unit) != 0)
        return false;
    if (filter->period != NULL && strcmp(filter->period, s->record->period) != 0)
        return false;
    return filter->form == NULL || (s->form != NULL && strcmp(filter->form, s->form->id) == 0);
}

static enum err visit_item(const struct agent *a, const struct queue_filter *filter, struct record_space *space,
                           const struct queue_item *item,
                           enum err (*visit)(void *ctx, const struct queue_submission *s), void *ctx)
{
    struct record r;
    struct queue_submission s = {item->ref, item->state, NULL, &r, item->record};
    enum err e = record_decode_head(&r, item->record);

    if (e != OK)
        return err_prefix(ERR_CORRUPT, _("submission %llu"), (unsigned long long)item->ref.number);
    s.form = agent_form_by_digest(a, r.form);
    if (!fits(filter, &s))
        return OK;
    if (s.form != NULL && (e = record_decode(&r, space, item->record, s.form)) != OK)
        return err_prefix(ERR_CORRUPT, _("submission %llu"), (unsigned long long)item->ref.number);
    if (s.form == NULL)
        r.values = NULL;
    return visit(ctx, &s);
}

enum err queue_each(const struct agent *a, const struct queue_filter *filter,
                    enum err (*visit)(void *ctx, const struct queue_submission *s), void *ctx)
{
    struct record_space *space = NULL;
    struct queue_reader *reader = NULL;
    struct queue_item item;
    enum err e = record_space_new(&space);

    if (e == OK)
        e = queue_reader_open(&reader, a, NULL);
    while (e == OK && (e = queue_reader_next(reader, &item)) == OK)
        e = visit_item(a, filter, space, &item, visit, ctx);
    queue_reader_close(reader);
    record_space_free(space);
    return e == ERR_NOT_FOUND ? OK : e;
}

void queue_key_text(struct buf *out, const struct form *f, const struct value *values)
{
    if (f->key >= 0)
        value_format(out, &f->fields[f->key], &values[f->key]);
}

/* ---- the current submission of a slot ---- */

struct finder {
    const char *key;
    struct buf text;
    struct record_ref current;
    bool is_alive;
};

/* Ids only rise along the queue, and a target is always earlier than what names it. */
static enum err look(void *ctx, const struct queue_submission *s)
{
    struct finder *f = ctx;

    if (f->is_alive && s->record->kind != RECORD_NEW && record_ref_compare(&s->record->target, &f->current) == 0)
        f->is_alive = false;
    if (s->record->kind == RECORD_RETRACTION || s->record->values == NULL)
        return OK;
    buf_reset(&f->text);
    queue_key_text(&f->text, s->form, s->record->values);
    if (strcmp(buf_cstr(&f->text), f->key != NULL ? f->key : "") == 0) {
        f->current = s->ref;
        f->is_alive = true;
    }
    return OK;
}

enum err queue_find_current(const struct agent *a, const struct queue_filter *slot, const char *key,
                            struct record_ref *out)
{
    struct finder f = {.key = key};
    enum err e;

    buf_init_secret(&f.text, KEY_TEXT_MAX);
    e = queue_each(a, slot, look, &f);
    buf_wipe(&f.text);
    if (e == OK && !f.is_alive)
        e = ERR_NOT_FOUND;
    if (e == OK)
        *out = f.current;
    return e;
}

/* ---- ids that people type ---- */

static bool names_generation(const struct record_id_text *id, const struct generation *g)
{
    return (id->counter == 0 || id->counter == g->counter) &&
           (!id->has_tag || memcmp(id->tag4, g->tag, sizeof(id->tag4)) == 0);
}

static enum err collect(const struct agent *a, const struct record_id_text *id, struct generation *found, size_t max,
                        size_t *count)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    enum err e = store_begin_read(a->store, &t);

    *count = 0;
    if (e != OK)
        return e;
    for (e = gen_row_next(t, NULL, &row); e == OK && *count < max; e = gen_row_next(t, &row.gen, &row))
        if (names_generation(id, &row.gen) && id->number <= row.end)
            found[(*count)++] = row.gen;
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Of the generations that could be meant, those that hold the number, or know what it was. */
static enum err resolve_among(const struct agent *a, const struct generation *found, size_t count, uint64_t number,
                              struct record_ref *out, size_t *matches)
{
    struct buf record;
    enum err e = OK;

    *matches = 0;
    buf_init_secret(&record, RECORD_MAX);
    for (size_t i = 0; i < count && e == OK; i++) {
        struct record_ref ref = {found[i], number};

        buf_reset(&record);
        if ((e = queue_get(a, &ref, &record)) == ERR_NOT_FOUND)
            e = queue_find_past(a, &ref);
        if (e == OK) {
            *out = ref;
            (*matches)++;
        } else if (e == ERR_NOT_FOUND) {
            e = OK;
        }
    }
    buf_wipe(&record);
    return e;
}

enum err queue_resolve(const struct agent *a, const char *id, struct record_ref *out)
{
    struct generation *found;
    struct record_id_text text;
    struct record_ref ref = {0};
    size_t count;
    size_t matches = 0;
    enum err e = record_id_parse(&text, id);

    if (e != OK)
        return e;
    if (text.participant[0] != '\0' && strcmp(text.participant, a->grant->participant) != 0)
        return err_set(ERR_NOT_FOUND, _("%s is a submission of \"%s\", but this queue is of \"%s\""), id,
                       text.participant, a->grant->participant);
    if ((found = calloc(QUEUE_MAX_GENERATIONS, sizeof(*found))) == NULL)
        return ERR_NOMEM;
    if ((e = collect(a, &text, found, QUEUE_MAX_GENERATIONS, &count)) == OK)
        e = resolve_among(a, found, count, text.number, &ref, &matches);
    free(found);
    if (e == OK && matches == 0)
        e = err_set(ERR_NOT_FOUND, _("this queue has no submission %s"), id);
    if (e == OK && matches > 1)
        e = err_set(ERR_INVALID, _("%s fits several submissions; write the whole id, as \"history\" shows it"), id);
    if (e == OK)
        *out = ref;
    return e;
}
