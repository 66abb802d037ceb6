#include "agent/session_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* An answer that has left, by its digest: the rows are in the order of these. */
struct gone {
    uint8_t digest[RECORD_DIGEST_BYTES];
    struct record_ref ref;
    bool is_found;
};

struct search {
    struct agent *a;
    struct session *s;
    struct gone *items;
    size_t count;
    uint8_t form[FORM_DIGEST_BYTES]; /* that one of them was filled in with; with has_form */
    bool has_form;
};

/* ---- where the answers of the session are now ---- */

static enum err take_answer(void *ctx, const uint8_t *tail, struct bytes value)
{
    struct search *x = ctx;
    struct gone *at = &x->items[x->count];

    if (x->count == SESSION_ANSWERS_MAX)
        return err_set(ERR_CORRUPT, _("a session of anonymous answers is damaged"));
    x->count++;
    memcpy(at->digest, tail, RECORD_DIGEST_BYTES);
    at->is_found = value.len == RECORD_REF_BYTES;
    if (at->is_found)
        at->ref = record_ref_get(value.p);
    return OK;
}

static int by_digest(const void *x, const void *y)
{
    return memcmp(((const struct gone *)x)->digest, ((const struct gone *)y)->digest, RECORD_DIGEST_BYTES);
}

static bool note(struct search *x, const uint8_t digest[RECORD_DIGEST_BYTES], const struct record_ref *ref)
{
    struct gone key = {.is_found = false};
    struct gone *at;

    memcpy(key.digest, digest, RECORD_DIGEST_BYTES);
    at = bsearch(&key, x->items, x->count, sizeof(key), by_digest);
    if (at == NULL)
        return false;
    at->ref = *ref;
    at->is_found = true;
    return true;
}

static enum err look_in_queue(struct search *x)
{
    uint8_t digest[RECORD_DIGEST_BYTES];
    struct queue_reader *reader = NULL;
    struct queue_item item;
    struct record r;
    enum err e = queue_reader_open(&reader, x->a, NULL);

    while (e == OK && (e = queue_reader_next(reader, &item)) == OK) {
        if ((e = record_decode_head(&r, item.record)) != OK)
            break;
        if (r.kind != RECORD_NEW || strcmp(r.unit, x->s->unit) != 0 || strcmp(r.period, x->s->period) != 0)
            continue;
        record_digest(digest, item.record);
        if (!note(x, digest, &item.ref))
            continue;
        memcpy(x->form, r.form, sizeof(x->form));
        x->has_form = true;
    }
    queue_reader_close(reader);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err look_at_past(void *ctx, const struct queue_past *p)
{
    (void)note(ctx, p->digest, &p->ref);
    return OK;
}

static enum err look_for_answers(struct search *x)
{
    struct queue_filter f = {NULL, x->s->unit, x->s->period};
    struct store_txn *t = NULL;
    enum err e = store_begin_read(x->a->store, &t);

    if (e != OK)
        return e;
    e = session_rows_each(t, ROW_ANSWER, x->s->id, take_answer, x);
    store_abort(t);
    if (e != OK || x->count == 0)
        return e;
    e = queue_each_past(x->a, &f, look_at_past, x);
    return e == OK ? look_in_queue(x) : e;
}

/* ---- taking them back ---- */

/* Any version of the questionnaire will do: a retraction has no answers. */
static const struct form *questionnaire(const struct search *x)
{
    const struct form *f = agent_form(x->a, x->s->word.form);

    return f != NULL || !x->has_form ? f : agent_form_by_digest(x->a, x->form);
}

static int by_ref(const void *x, const void *y)
{
    return record_ref_compare(&((const struct gone *)x)->ref, &((const struct gone *)y)->ref);
}

static enum err retract(struct search *x, struct queue_writer *w, const char *reason, struct session_withdrawn *out)
{
    struct capture_options o = {.form = questionnaire(x), .unit = x->s->unit, .period = x->s->period};
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = reason, .of_session = true};
    struct capture *c = NULL;
    uint64_t number;
    enum err e;

    if (x->count == 0)
        return OK;
    if (o.form == NULL)
        return err_set(ERR_NOT_FOUND, _("the form \"%s\" is not here any more"), x->s->word.form);
    qsort(x->items, x->count, sizeof(*x->items), by_ref);
    e = capture_open(&c, x->a, &o);
    for (size_t i = 0; e == OK && i < x->count; i++) {
        if (!x->items[i].is_found) {
            out->missing++;
            continue;
        }
        out->retracted++;
        deed.target = x->items[i].ref;
        e = capture_put(c, w, NULL, &deed, &number);
    }
    capture_close(c);
    return e;
}

static enum err write_withdrawn(void *ctx, struct store_txn *t)
{
    struct search *x = ctx;
    struct session_pool none;
    enum err e;

    session_pool_init(&none);
    if ((e = session_row_put(x->a, t, x->s)) == OK && (e = session_block_put(x->a, t, x->s->id, &none)) == OK)
        e = session_rows_drop(t, ROW_MARK, x->s->id);
    if (e == OK) /* the retractions name them now */
        e = session_rows_drop(t, ROW_ANSWER, x->s->id);
    session_pool_fini(&none);
    return e;
}

static enum err withdraw_in(struct search *x, struct queue_writer *w, const char *reason, const struct session_by *by,
                            struct session_withdrawn *out)
{
    enum err e = session_read_again(x->a, x->s);

    if (e == OK && x->s->word.state == SESSION_WITHDRAWN)
        e = err_set(ERR_DENIED, _("the session \"%s\" was withdrawn already"), x->s->word.name);
    if (e != OK || (e = look_for_answers(x)) != OK || (e = retract(x, w, reason, out)) != OK)
        return e;
    out->dropped = x->s->kept;
    x->s->kept = 0;
    x->s->word.state = SESSION_WITHDRAWN;
    if ((e = session_say(x->a, w, x->s, by)) == OK)
        e = queue_writer_commit_with(w, write_withdrawn, x);
    return e;
}

enum err session_withdraw(struct agent *a, struct session *s, const char *reason, const struct session_by *by,
                          struct session_withdrawn *out)
{
    struct search x = {.a = a, .s = s};
    struct queue_writer *w = NULL;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((x.items = calloc(SESSION_ANSWERS_MAX, sizeof(*x.items))) == NULL)
        return ERR_NOMEM;
    if ((e = queue_writer_open(&w, a)) == OK)
        e = withdraw_in(&x, w, reason, by, out);
    queue_writer_close(w);
    free(x.items);
    return e;
}
