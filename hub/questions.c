/* Questions as they are stored, and replayed from the journal. */
#include "hub/questions.h"

#include "common/cli.h"
#include "hub/home_internal.h"

#include <string.h>

#define VALUE_MAX  4096u
#define ROW_FIELDS 10u /* before those of the journal */

/* ---- the journal's elements: number, participant, field, due, scope, target ---- */

void question_put_elements(struct buf *b, const struct question *q)
{
    uint8_t raw[4 + RECORD_REF_BYTES];

    mp_put_uint(b, q->number);
    mp_put_uint(b, q->participant);
    mp_put_cstr(b, q->field);
    if (q->has_due)
        mp_put_int(b, q->due);
    else
        mp_put_nil(b);
    mp_put_uint(b, (uint64_t)q->scope);
    be32_put(raw, q->target_participant);
    record_ref_put(raw + 4, &q->target);
    mp_put_bin(b, raw, q->has_target ? sizeof(raw) : 0);
}

static void read_elements(struct mp *m, struct question *q)
{
    struct bytes target;
    int64_t due;

    q->number = mp_uint(m, INT64_MAX);
    q->participant = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_text(m, q->field, 0, FORM_NAME_MAX);
    q->has_due = !mp_nil(m);
    if (q->has_due) {
        due = mp_int(m);
        m->failed = m->failed || due < INT32_MIN || due > INT32_MAX;
        q->due = (int32_t)due;
    }
    q->scope = mp_uint(m, SCOPE_SUBMISSION) == SCOPE_SUBMISSION ? SCOPE_SUBMISSION : SCOPE_RETURN;
    target = mp_bin(m, 4 + RECORD_REF_BYTES);
    q->has_target = !m->failed && target.len > 0;
    if (q->has_target && target.len != 4 + RECORD_REF_BYTES)
        m->failed = true;
    if (q->has_target && !m->failed) {
        q->target_participant = be32_get(target.p);
        q->target = record_ref_get(target.p + 4);
    }
}

enum err questions_replay(struct store_txn *t, struct question *q, struct mp *m, size_t elements)
{
    if (elements < QUESTION_ELEMENTS)
        return elements == 0 ? OK : err_set(ERR_MALFORMED, "a question is damaged");
    read_elements(m, q);
    return m->failed || q->number == 0 ? err_set(ERR_MALFORMED, "a question is damaged") : question_put(t, q);
}

/* ---- rows ---- */

enum err question_put(struct store_txn *t, const struct question *q)
{
    uint8_t key[8];
    struct buf b;
    enum err e;

    be64_put(key, q->number);
    buf_init(&b, VALUE_MAX);
    mp_put_array(&b, ROW_FIELDS + QUESTION_ELEMENTS);
    mp_put_uint(&b, q->lsn);
    mp_put_int(&b, q->asked_ms);
    mp_put_cstr(&b, q->form);
    mp_put_cstr(&b, q->unit);
    mp_put_cstr(&b, q->period);
    mp_put_cstr(&b, q->by);
    mp_put_cstr(&b, q->text);
    mp_put_bin(&b, q->mark, RETURN_MARK_BYTES);
    mp_put_uint(&b, q->accepted_lsn);
    mp_put_int(&b, q->accepted_ms);
    question_put_elements(&b, q);
    if ((e = buf_status(&b)) == OK)
        e = store_put(t, H_QUESTIONS, bytes_of(key, sizeof(key)), bytes_of(b.data, b.len));
    buf_fini(&b);
    return e;
}

static enum err read_row(struct bytes value, struct question *q)
{
    struct mp m = mp_of(value);

    memset(q, 0, sizeof(*q));
    (void)mp_array(&m, ROW_FIELDS + QUESTION_ELEMENTS, 32);
    q->lsn = mp_uint(&m, UINT64_MAX);
    q->asked_ms = mp_int(&m);
    mp_text(&m, q->form, 1, FORM_NAME_MAX);
    mp_text(&m, q->unit, 1, ID_MAX);
    mp_text(&m, q->period, 1, PERIOD_ID_MAX);
    mp_text(&m, q->by, 0, RETURN_BY_MAX);
    mp_text(&m, q->text, 0, RETURN_TEXT_MAX);
    mp_bin_exact(&m, q->mark, RETURN_MARK_BYTES);
    q->accepted_lsn = mp_uint(&m, UINT64_MAX);
    q->accepted_ms = mp_int(&m);
    read_elements(&m, q);
    return m.failed ? err_set(ERR_CORRUPT, "a stored question is damaged") : OK;
}

enum err question_get(struct store_txn *t, uint64_t number, struct question *out)
{
    struct bytes value;
    uint8_t key[8];
    enum err e;

    be64_put(key, number);
    e = store_get(t, H_QUESTIONS, bytes_of(key, sizeof(key)), &value);
    return e == OK ? read_row(value, out) : e;
}

struct walk {
    enum err (*each)(void *ctx, const struct question *q);
    void *ctx;
};

static enum err visit(void *ctx, struct bytes key, struct bytes value)
{
    const struct walk *w = ctx;
    struct question q;
    enum err e = read_row(value, &q);

    (void)key;
    return e == OK ? w->each(w->ctx, &q) : e;
}

enum err questions_each(struct store_txn *t, enum err (*each)(void *ctx, const struct question *q), void *ctx)
{
    struct walk w = {each, ctx};

    return hub_each_row(t, H_QUESTIONS, visit, &w);
}

/* ---- settled by an acceptance ---- */

struct settling {
    const char *form, *unit, *period;
    struct buf numbers;
};

static enum err note_open(void *ctx, const struct question *q)
{
    struct settling *s = ctx;

    if (q->accepted_lsn == 0 && strcmp(q->form, s->form) == 0 && strcmp(q->unit, s->unit) == 0 &&
        strcmp(q->period, s->period) == 0)
        buf_put_u64(&s->numbers, q->number);
    return buf_status(&s->numbers);
}

enum err questions_settle(struct store_txn *t, const char *form, const char *unit, const char *period, uint64_t lsn,
                          int64_t wall_ms)
{
    struct settling s = {.form = form, .unit = unit, .period = period};
    enum err e;

    buf_init(&s.numbers, 64u << 20);
    e = questions_each(t, note_open, &s);
    for (size_t at = 0; e == OK && at < s.numbers.len; at += 8) {
        struct question q;

        if ((e = question_get(t, be64_get(s.numbers.data + at), &q)) == OK) {
            q.accepted_lsn = lsn;
            q.accepted_ms = wall_ms;
            e = question_put(t, &q);
        }
    }
    buf_fini(&s.numbers);
    return e;
}

/* ---- words ---- */

const char *question_state_name(enum question_state s)
{
    static const char *const names[] = {"open", "checked", "corrected", "accepted", "unknown"};

    return names[s];
}

const char *question_state_word(enum question_state s)
{
    switch (s) {
    case QUESTION_OPEN: return _("open");
    case QUESTION_CHECKED: return _("checked, correct");
    case QUESTION_CORRECTED: return _("corrected");
    case QUESTION_ACCEPTED: return _("accepted");
    case QUESTION_UNKNOWN: return _("answer to a question that is not known here");
    }
    return "";
}
