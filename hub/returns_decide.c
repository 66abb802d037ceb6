/* The office's word about a return, and what a school said it holds. */
#include "hub/returns_internal.h"

#include "common/cli.h"
#include "hub/questions.h"

#include <string.h>

#define VALUE_MAX         4096u
#define DECISION_ELEMENTS 6u
#define GREETING_ELEMENTS 6u

size_t return_key(uint8_t out[RETURN_KEY_MAX], const char *form, const char *unit, const char *period)
{
    const char *const parts[] = {form, unit, period};
    const size_t most[] = {FORM_NAME_MAX, ID_MAX, PERIOD_ID_MAX};
    size_t at = 0;

    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(parts[i]);

        if (len > most[i])
            return 0;
        memcpy(out + at, parts[i], len + 1);
        at += len + 1;
    }
    return at;
}

/* ---- decisions ---- */

/* Payload of the entry: form, unit, period, by, text, mark. */
struct said {
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    struct return_decision d;
};

static void put_payload(struct buf *b, const struct said *s)
{
    mp_put_cstr(b, s->form);
    mp_put_cstr(b, s->unit);
    mp_put_cstr(b, s->period);
    mp_put_cstr(b, s->d.by);
    mp_put_cstr(b, s->d.text);
    mp_put_bin(b, s->d.mark, RETURN_MARK_BYTES);
}

static enum err read_payload(struct said *s, struct mp *m, size_t elements)
{
    mp_text(m, s->form, 1, FORM_NAME_MAX);
    mp_text(m, s->unit, 1, ID_MAX);
    mp_text(m, s->period, 1, PERIOD_ID_MAX);
    mp_text(m, s->d.by, 0, RETURN_BY_MAX);
    mp_text(m, s->d.text, 0, RETURN_TEXT_MAX);
    mp_bin_exact(m, s->d.mark, RETURN_MARK_BYTES);
    return m->failed || elements < DECISION_ELEMENTS ? err_set(ERR_MALFORMED, "a decision about a return is damaged")
                                                     : OK;
}

static enum err put_decision(struct store_txn *t, const struct said *s)
{
    uint8_t raw[RETURN_KEY_MAX];
    size_t len = return_key(raw, s->form, s->unit, s->period);
    struct buf value;
    enum err e;

    buf_init(&value, VALUE_MAX);
    mp_put_array(&value, 6);
    mp_put_uint(&value, (uint64_t)s->d.word);
    mp_put_uint(&value, s->d.lsn);
    mp_put_int(&value, s->d.wall_ms);
    mp_put_cstr(&value, s->d.by);
    mp_put_cstr(&value, s->d.text);
    mp_put_bin(&value, s->d.mark, RETURN_MARK_BYTES);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_RETURNS, bytes_of(raw, len), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

static enum err fill_names(struct said *s, const char *form, const char *unit, const char *period)
{
    uint8_t raw[RETURN_KEY_MAX];

    if (return_key(raw, form, unit, period) == 0)
        return err_set(ERR_NOT_FOUND, "there is no return of such a form, unit and period");
    memcpy(s->form, form, strlen(form) + 1);
    memcpy(s->unit, unit, strlen(unit) + 1);
    memcpy(s->period, period, strlen(period) + 1);
    return OK;
}

static enum err fill_words(struct return_decision *d, const char *by, const char *text)
{
    if (strlen(by) > RETURN_BY_MAX)
        return err_set(ERR_LIMIT, _("the name of who says it is longer than %u bytes"), RETURN_BY_MAX);
    if (strlen(text) > RETURN_TEXT_MAX)
        return err_set(ERR_LIMIT, _("the text is longer than %u bytes"), RETURN_TEXT_MAX);
    memcpy(d->by, by, strlen(by) + 1);
    memcpy(d->text, text, strlen(text) + 1);
    return OK;
}

/* What a question shares with every decision about a return. */
static void fill_question(struct question *q, const struct said *s)
{
    memcpy(q->form, s->form, sizeof(q->form));
    memcpy(q->unit, s->unit, sizeof(q->unit));
    memcpy(q->period, s->period, sizeof(q->period));
    memcpy(q->by, s->d.by, sizeof(q->by));
    memcpy(q->text, s->d.text, sizeof(q->text));
    memcpy(q->mark, s->d.mark, sizeof(q->mark));
    q->lsn = s->d.lsn;
    q->asked_ms = s->d.wall_ms;
}

enum err returns_decide(struct hub *h, struct store_txn *t, enum return_word word, const char *form, const char *unit,
                        const char *period, const char *by, const char *text, struct question *asked)
{
    struct said s = {.d.word = word};
    struct return_facts facts;
    struct buf payload;
    enum err e;

    if ((e = fill_names(&s, form, unit, period)) != OK || (e = fill_words(&s.d, by, text)) != OK ||
        (e = returns_facts(h, t, form, unit, period, &facts)) != OK)
        return e;
    if (!facts.is_here)
        return err_set(ERR_NOT_FOUND, _("nothing has been received of form %s about %s for %s"), form, unit, period);
    memcpy(s.d.mark, facts.mark, RETURN_MARK_BYTES);
    buf_init(&payload, VALUE_MAX);
    put_payload(&payload, &s);
    if (asked != NULL)
        question_put_elements(&payload, asked);
    if ((e = buf_status(&payload)) == OK)
        e = ledger_decide(h->ledger, t, word == WORD_ACCEPTED ? JOURNAL_ACCEPT : JOURNAL_QUESTION,
                          bytes_of(payload.data, payload.len),
                          DECISION_ELEMENTS + (asked != NULL ? QUESTION_ELEMENTS : 0), &s.d.lsn);
    buf_fini(&payload);
    if (e != OK || (e = ledger_time(t, s.d.lsn, &s.d.wall_ms)) != OK || (e = put_decision(t, &s)) != OK)
        return e;
    if (asked != NULL) {
        fill_question(asked, &s);
        e = question_put(t, asked);
    }
    return e == OK && word == WORD_ACCEPTED ? questions_settle(t, form, unit, period, s.d.lsn, s.d.wall_ms) : e;
}

enum err returns_replay(struct store_txn *t, enum journal_type type, uint64_t lsn, int64_t wall_ms, struct mp *m,
                        size_t elements)
{
    struct said s = {
        .d = {.word = type == JOURNAL_ACCEPT ? WORD_ACCEPTED : WORD_QUESTIONED, .lsn = lsn, .wall_ms = wall_ms}};
    struct question q = {.number = 0};
    enum err e = read_payload(&s, m, elements);

    if (e != OK || (e = put_decision(t, &s)) != OK)
        return e;
    if (type == JOURNAL_ACCEPT)
        return questions_settle(t, s.form, s.unit, s.period, lsn, wall_ms);
    fill_question(&q, &s);
    return questions_replay(t, &q, m, elements - DECISION_ELEMENTS);
}

enum err returns_decision(struct store_txn *t, const char *form, const char *unit, const char *period,
                          struct return_decision *out)
{
    uint8_t raw[RETURN_KEY_MAX];
    size_t len = return_key(raw, form, unit, period);
    struct bytes value;
    struct mp m;
    enum err e = len == 0 ? ERR_NOT_FOUND : store_get(t, H_RETURNS, bytes_of(raw, len), &value);

    if (e != OK)
        return e;
    m = mp_of(value);
    (void)mp_array(&m, 6, 32);
    out->word = (enum return_word)mp_uint(&m, WORD_QUESTIONED);
    out->lsn = mp_uint(&m, UINT64_MAX);
    out->wall_ms = mp_int(&m);
    mp_text(&m, out->by, 0, RETURN_BY_MAX);
    mp_text(&m, out->text, 0, RETURN_TEXT_MAX);
    mp_bin_exact(&m, out->mark, RETURN_MARK_BYTES);
    return m.failed ? err_set(ERR_CORRUPT, "the stored decision about a return is damaged") : OK;
}

/* ---- greetings ---- */

enum err greeting_put(struct store_txn *t, uint32_t participant, const struct greeting_note *g)
{
    uint8_t key[4];
    struct buf value;
    enum err e;

    be32_put(key, participant);
    buf_init(&value, 256);
    mp_put_array(&value, GREETING_ELEMENTS + 2);
    mp_put_int(&value, g->wall_ms);
    mp_put_uint(&value, g->gen.counter);
    mp_put_bin(&value, g->gen.tag, TAG_BYTES);
    mp_put_uint(&value, g->last_sealed);
    mp_put_uint(&value, g->bytes);
    mp_put_uint(&value, g->records);
    mp_put_uint(&value, g->directory_version);
    mp_put_uint(&value, g->receipted);
    if ((e = buf_status(&value)) == OK)
        e = store_put(t, H_GREETINGS, bytes_of(key, sizeof(key)), bytes_of(value.data, value.len));
    buf_fini(&value);
    return e;
}

enum err greeting_get(struct store_txn *t, uint32_t participant, struct greeting_note *out)
{
    struct bytes value;
    uint8_t key[4];
    size_t elements;
    struct mp m;
    enum err e;

    be32_put(key, participant);
    if ((e = store_get(t, H_GREETINGS, bytes_of(key, sizeof(key)), &value)) != OK)
        return e;
    m = mp_of(value);
    elements = mp_array(&m, GREETING_ELEMENTS, 32);
    out->wall_ms = mp_int(&m);
    out->gen.counter = (uint32_t)mp_uint(&m, UINT32_MAX);
    mp_bin_exact(&m, out->gen.tag, TAG_BYTES);
    out->last_sealed = mp_uint(&m, UINT64_MAX);
    out->bytes = mp_uint(&m, UINT64_MAX);
    out->records = mp_uint(&m, UINT64_MAX);
    out->directory_version = elements >= GREETING_ELEMENTS + 2 ? mp_uint(&m, UINT64_MAX) : 0; /* those from before */
    out->receipted = elements >= GREETING_ELEMENTS + 2 ? mp_uint(&m, UINT64_MAX) : 0;
    return m.failed ? err_set(ERR_CORRUPT, "what is kept of a greeting is damaged") : OK;
}

enum err greeting_missing(struct store_txn *t, uint32_t participant, const struct greeting_note *g, uint64_t *batches)
{
    struct ledger_chain chain;
    uint64_t known;
    enum err e = ledger_chain(t, participant, &g->gen, &chain);

    *batches = 0;
    if (e != OK || chain.is_closed) /* of a closed generation nothing is waited for: its records come anew */
        return e;
    /* What had its receipt, or was given up and sealed again (SPEC.md 7.6), does not wait there. */
    for (uint32_t i = 0; i < chain.gap_count; i++) {
        uint64_t last = chain.gaps[i].first + chain.gaps[i].count - 1;

        if (last > g->receipted)
            *batches += last - (chain.gaps[i].first > g->receipted ? chain.gaps[i].first - 1 : g->receipted);
    }
    known = chain.held_last > g->receipted ? chain.held_last : g->receipted;
    if (g->last_sealed > known)
        *batches += g->last_sealed - known;
    return OK;
}
