/* questions_fixture.h: questions about the grades of one school, and its answers, for the tests of hub/questions.h. */
#ifndef SVODKA_TESTS_QUESTIONS_FIXTURE_H
#define SVODKA_TESTS_QUESTIONS_FIXTURE_H

#include "hub/questions.h"
#include "ledger_fixture.h"

struct lines {
    struct {
        uint64_t number;
        enum question_state state;
        char key[32], old_value[32], new_value[32], remark[64];
        bool is_withdrawn;
    } at[16];
    size_t count;
};

static inline enum err see_line(void *ctx, const struct question_line *l)
{
    struct lines *x = ctx;

    assert_true(x->count < COUNT(x->at));
    x->at[x->count].number = l->q->number;
    x->at[x->count].state = l->state;
    x->at[x->count].is_withdrawn = l->is_withdrawn;
    (void)snprintf(x->at[x->count].key, sizeof(x->at[0].key), "%s", l->key);
    (void)snprintf(x->at[x->count].old_value, sizeof(x->at[0].old_value), "%s", l->old_value);
    (void)snprintf(x->at[x->count].new_value, sizeof(x->at[0].new_value), "%s", l->new_value);
    (void)snprintf(x->at[x->count].remark, sizeof(x->at[0].remark), "%s", l->remark);
    x->count++;
    return OK;
}

static inline struct lines look(struct world *w)
{
    struct lines x = {.count = 0};
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(questions_lines(w->hub, t, see_line, &x));
    store_abort(t);
    return x;
}

static inline enum err try_ask(struct world *w, const char *key, const char *field, struct question *q)
{
    struct question_ask a = {.form = hub_form_by_id(w->hub, "grades"),
                             .unit = "gp",
                             .period = "2020-09",
                             .key = key,
                             .field = field,
                             .by = "office:olga",
                             .text = "Is it?"};
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w->hub->store, &t));
    e = questions_ask(w->hub, t, &a, q);
    if (e == OK) {
        finish_txn(w, t);
    } else {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
    }
    return e;
}

static inline struct question ask(struct world *w, const char *key, const char *field)
{
    struct question q;

    MUST(try_ask(w, key, field, &q));
    return q;
}

static inline void send_one(struct world *w, struct sub s, uint64_t sequence)
{
    static uint8_t previous[DIGEST_BYTES];

    take_array(w, &s, 1, sequence, previous, NULL);
}

static inline struct sub answer(uint64_t number, uint64_t question, int64_t asked_ms, const char *remark,
                                struct value values[ANSWER_FIELDS])
{
    struct answer a = {question, asked_ms, bytes_of(remark, strlen(remark))};
    struct sub s = grade(number, "", 0);

    answer_write(&a, values);
    s.form = ANSWER_FORM;
    s.values = values;
    return s;
}

#endif
