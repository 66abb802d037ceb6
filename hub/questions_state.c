/* How questions stand: from what the school sent since, and from its answers. */
#include "hub/questions.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/decode.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX          ((size_t)4 * FORM_MAX_TEXT)
#define ASKED_MAX         100000u
#define UNKNOWN_MAX       10000u
#define CHAIN_MAX         10000u
#define CORRECTIONS_BYTES (64u << 20)

struct held_answer {
    uint64_t question, lsn;
    int64_t asked_ms;
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    char remark[ANSWER_REMARK_MAX * 4 + 1];
    bool is_used;
};

struct board {
    struct hub *h;
    struct store_txn *t;
    struct decoder *decoder;
    struct held_answer *answers;
    size_t answer_count, answer_cap;
    struct question *questions;
    size_t question_count, question_cap;
    size_t unknown_count;
    /* of the question in hand */
    const struct question *q;
    bool stands;    /* the submission that was asked about */
    bool has_newer; /* another one stands in its place */
    struct buf key, old_value, new_value, scratch;
    struct buf corrections; /* refs of standing ones under other keys */
};

static void *grow(void *list, size_t count, size_t *cap, size_t size)
{
    size_t wanted = *cap == 0 ? 16 : 2 * *cap;
    void *grown;

    if (count < *cap)
        return list;
    if (count >= ASKED_MAX || (grown = realloc(list, wanted * size)) == NULL)
        return NULL;
    *cap = wanted;
    return grown;
}

static enum err no_room(size_t count)
{
    return count < ASKED_MAX ? ERR_NOMEM
                             : err_set(ERR_LIMIT, _("more than %u questions, or answers to them"), ASKED_MAX);
}

/* ---- what there is ---- */

static int compare_number(const void *number, const void *question)
{
    uint64_t a = *(const uint64_t *)number, b = ((const struct question *)question)->number;

    return a < b ? -1 : a > b;
}

static bool is_known(const struct board *b, const struct answer *a, const struct record *r)
{
    const struct question *q = b->question_count == 0 ? NULL
                                                      : bsearch(&a->question, b->questions, b->question_count,
                                                                sizeof(*b->questions), compare_number);

    return q != NULL && q->asked_ms == a->asked_ms && strcmp(q->unit, r->unit) == 0 &&
           strcmp(q->period, r->period) == 0;
}

static enum err take_answer(void *ctx, const struct submission *s)
{
    struct board *b = ctx;
    const struct form *f;
    struct held_answer *grown;
    struct answer a;
    struct record r;
    enum err e = decoder_read(b->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "an answer");
    if (!answer_read(&a, r.values, r.value_count))
        return OK;
    /* However many answers to nothing a school sends, the others are shown. */
    if (!is_known(b, &a, &r) && ++b->unknown_count > UNKNOWN_MAX)
        return OK;
    if ((grown = grow(b->answers, b->answer_count, &b->answer_cap, sizeof(*grown))) == NULL)
        return no_room(b->answer_count);
    b->answers = grown;
    grown += b->answer_count++;
    memset(grown, 0, sizeof(*grown));
    grown->question = a.question;
    grown->asked_ms = a.asked_ms;
    grown->lsn = s->lsn;
    memcpy(grown->unit, r.unit, sizeof(grown->unit));
    memcpy(grown->period, r.period, sizeof(grown->period));
    if (a.remark.len >= sizeof(grown->remark))
        a.remark.len = sizeof(grown->remark) - 1;
    memcpy(grown->remark, a.remark.p, utf8_first_bad(a.remark.p, a.remark.len)); /* no half letter */
    return OK;
}

static enum err take_question(void *ctx, const struct question *q)
{
    struct board *b = ctx;
    struct question *grown = grow(b->questions, b->question_count, &b->question_cap, sizeof(*grown));

    if (grown == NULL)
        return no_room(b->question_count);
    b->questions = grown;
    grown[b->question_count++] = *q;
    return OK;
}

/* ---- what has become of it ---- */

/* Key and value of the field asked about, as text.  Fields are known by their names: versions differ. */
static enum err read_texts(struct board *b, struct bytes record, struct buf *key, struct buf *value)
{
    const struct form *f;
    struct record r;
    int32_t field;
    enum err e = decoder_read(b->decoder, record, &r, &f);

    buf_reset(key);
    buf_reset(value);
    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a submission that was asked about");
    if (r.kind == RECORD_RETRACTION)
        return OK;
    if (f->key >= 0)
        value_format(key, &f->fields[f->key], &r.values[f->key]);
    field = b->q->field[0] == '\0' ? -1 : form_find_field(f, b->q->field, strlen(b->q->field));
    if (field >= 0)
        value_format(value, &f->fields[field], &r.values[field]);
    return buf_status(value);
}

static enum err take_newer(struct board *b, const struct buf *value)
{
    b->has_newer = true;
    buf_reset(&b->new_value);
    buf_put(&b->new_value, value->data, value->len);
    return buf_status(&b->new_value);
}

static bool is_correction(struct bytes record)
{
    struct record r;

    return record_decode_head(&r, record) == OK && r.kind == RECORD_CORRECTION;
}

static enum err look_at(void *ctx, const struct submission *s)
{
    struct board *b = ctx;
    uint8_t raw[RECORD_REF_BYTES];
    struct buf value;
    enum err e;

    if (s->participant == b->q->target_participant && record_ref_compare(&s->ref, &b->q->target) == 0) {
        b->stands = true;
        return OK;
    }
    if (s->erased != NULL)
        return OK;
    buf_init(&value, TEXT_MAX);
    e = read_texts(b, s->record, &b->scratch, &value);
    if (e == OK && strcmp(buf_cstr(&b->scratch), buf_cstr(&b->key)) == 0) {
        e = take_newer(b, &value);
    } else if (e == OK && s->participant == b->q->target_participant && is_correction(s->record)) {
        record_ref_put(raw, &s->ref);
        buf_put(&b->corrections, raw, sizeof(raw));
        e = buf_status(&b->corrections);
    }
    buf_fini(&value);
    return e;
}

/* Does a correction lead back to what was asked about? */
static enum err leads_back(struct board *b, struct record_ref at, bool *out)
{
    struct submission s;
    struct record r;
    enum err e = OK;

    *out = false;
    for (unsigned step = 0; step < CHAIN_MAX && e == OK; step++) {
        if ((e = ledger_find(b->h->ledger, b->t, b->q->target_participant, &at, &s)) != OK ||
            (e = record_decode_head(&r, s.record)) != OK)
            break;
        if (r.kind != RECORD_CORRECTION)
            return OK;
        at = r.target;
        if ((*out = record_ref_compare(&at, &b->q->target) == 0))
            return OK;
    }
    return e == ERR_NOT_FOUND || e == ERR_ERASED ? OK : e; /* the trail is lost */
}

/* A correction that gave the row another key. */
static enum err follow_corrections(struct board *b)
{
    bool found = false;
    enum err e = OK;

    for (size_t at = 0; e == OK && !found && at < b->corrections.len; at += RECORD_REF_BYTES) {
        struct record_ref ref = record_ref_get(b->corrections.data + at);
        struct submission s;
        struct buf value;

        if ((e = leads_back(b, ref, &found)) != OK || !found)
            continue;
        buf_init(&value, TEXT_MAX);
        if ((e = ledger_find(b->h->ledger, b->t, b->q->target_participant, &ref, &s)) == OK &&
            (e = read_texts(b, s.record, &b->scratch, &value)) == OK)
            e = take_newer(b, &value);
        buf_fini(&value);
    }
    return e;
}

static enum err judge_submission(struct board *b, struct question_line *l)
{
    const struct question *q = b->q;
    struct submission s;
    bool has_old = false;
    enum err e = ledger_find(b->h->ledger, b->t, q->target_participant, &q->target, &s);

    if (e == OK) {
        has_old = true;
        e = read_texts(b, s.record, &b->key, &b->old_value);
    } else if (e == ERR_ERASED || e == ERR_NOT_FOUND) {
        e = OK; /* what it said is gone; what became of it is not */
    }
    if (e == OK)
        e = ledger_each_standing(b->h->ledger, b->t, q->form, q->unit, q->period, look_at, b);
    if (e == OK && !b->stands && !b->has_newer)
        e = follow_corrections(b);
    if (e != OK)
        return e;
    l->is_withdrawn = !b->stands && !b->has_newer;
    if (b->stands) {
        buf_reset(&b->new_value);
        buf_put_str(&b->new_value, buf_cstr(&b->old_value));
        return buf_status(&b->new_value);
    }
    /* A correction of something else leaves the question where it was. */
    if (l->is_withdrawn || q->field[0] == '\0' || !has_old ||
        strcmp(buf_cstr(&b->old_value), buf_cstr(&b->new_value)) != 0)
        l->state = QUESTION_CORRECTED;
    return OK;
}

static enum err judge_return(struct board *b, struct question_line *l)
{
    struct return_facts facts;
    enum err e = returns_facts(b->h, b->t, b->q->form, b->q->unit, b->q->period, &facts);

    if (e != OK)
        return e;
    l->is_withdrawn = !facts.is_here;
    if (memcmp(facts.mark, b->q->mark, RETURN_MARK_BYTES) != 0)
        l->state = QUESTION_CORRECTED;
    return OK;
}

static enum err find_answer(struct board *b, struct question_line *l)
{
    for (size_t i = 0; i < b->answer_count; i++) {
        struct held_answer *a = &b->answers[i];

        if (a->question != b->q->number || a->asked_ms != b->q->asked_ms || strcmp(a->unit, b->q->unit) != 0 ||
            strcmp(a->period, b->q->period) != 0)
            continue;
        a->is_used = true;
        l->state = QUESTION_CHECKED;
        l->remark = a->remark;
        return ledger_time(b->t, a->lsn, &l->answered_ms);
    }
    return OK;
}

static enum err judge(struct board *b, struct question_line *l)
{
    enum err e;

    *l = (struct question_line){.q = b->q, .state = QUESTION_OPEN, .remark = ""};
    b->stands = b->has_newer = false;
    buf_reset(&b->key);
    buf_reset(&b->old_value);
    buf_reset(&b->new_value);
    buf_reset(&b->corrections);
    if ((e = find_answer(b, l)) != OK)
        return e;
    e = b->q->scope == SCOPE_SUBMISSION && b->q->has_target ? judge_submission(b, l) : judge_return(b, l);
    if (b->q->accepted_lsn != 0)
        l->state = QUESTION_ACCEPTED;
    l->key = buf_cstr(&b->key);
    l->old_value = buf_cstr(&b->old_value);
    l->new_value = buf_cstr(&b->new_value);
    return e;
}

/* Nothing that a school signed is lost, also when the question is not known: of a hub that went back, or of nobody. */
static enum err say_unknown(struct board *b, const struct held_answer *a,
                            enum err (*each)(void *ctx, const struct question_line *l), void *ctx)
{
    struct question q = {.number = a->question, .asked_ms = a->asked_ms};
    struct question_line l = {
        .q = &q, .state = QUESTION_UNKNOWN, .key = "", .old_value = "", .new_value = "", .remark = a->remark};
    enum err e;

    memcpy(q.unit, a->unit, sizeof(q.unit));
    memcpy(q.period, a->period, sizeof(q.period));
    e = ledger_time(b->t, a->lsn, &l.answered_ms);
    return e == OK ? each(ctx, &l) : e;
}

enum err questions_lines(struct hub *h, struct store_txn *t, enum err (*each)(void *ctx, const struct question_line *l),
                         void *ctx)
{
    struct board b = {.h = h, .t = t};
    struct question_line l;
    enum err e;

    buf_init(&b.key, TEXT_MAX);
    buf_init(&b.old_value, TEXT_MAX);
    buf_init(&b.new_value, TEXT_MAX);
    buf_init(&b.scratch, TEXT_MAX);
    buf_init(&b.corrections, CORRECTIONS_BYTES);
    if ((e = decoder_new(&b.decoder, h)) == OK && (e = questions_each(t, take_question, &b)) == OK)
        e = ledger_each_current(h->ledger, t, ANSWER_FORM, NULL, NULL, take_answer, &b);
    for (size_t i = 0; e == OK && i < b.question_count; i++) {
        b.q = &b.questions[i];
        if ((e = judge(&b, &l)) == OK)
            e = each(ctx, &l);
    }
    for (size_t i = 0; e == OK && i < b.answer_count; i++)
        if (!b.answers[i].is_used)
            e = say_unknown(&b, &b.answers[i], each, ctx);
    decoder_free(b.decoder);
    free(b.answers);
    free(b.questions);
    buf_fini(&b.key);
    buf_fini(&b.old_value);
    buf_fini(&b.new_value);
    buf_fini(&b.scratch);
    buf_fini(&b.corrections);
    return e;
}
