#include "hub/sessions.h"

#include "hub/decode.h"
#include "hub/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 1000000u

struct gatherer {
    struct session_sums *sums;
    struct decoder *decoder;
    size_t cap;
};

static int compare(const void *x, const void *y)
{
    const struct session_sum *a = x;
    const struct session_sum *b = y;
    int order = strcmp(a->form, b->form);

    if (order == 0)
        order = strcmp(a->unit, b->unit);
    return order != 0 ? order : strcmp(a->period, b->period);
}

static enum err keep(struct gatherer *g, const struct session_sum *one)
{
    struct session_sums *s = g->sums;

    if (s->count == SESSIONS_MAX)
        return err_set(ERR_LIMIT, "more than %u sessions of anonymous answers", SESSIONS_MAX);
    if (s->count == g->cap) {
        size_t cap = g->cap == 0 ? 64 : 2 * g->cap;
        struct session_sum *grown = reallocarray(s->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        s->items = grown;
        g->cap = cap;
    }
    s->items[s->count++] = *one;
    return OK;
}

static enum err take_word(void *ctx, const struct submission *s)
{
    struct gatherer *g = ctx;
    struct session_sum one = {.open = 0};
    struct session_word word;
    const struct form *f;
    struct record r;
    enum err e = decoder_read(g->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "a word about a session");
    if (!session_word_read(&word, r.values, r.value_count) || word.state == SESSION_WITHDRAWN)
        return OK;
    (void)snprintf(one.form, sizeof(one.form), "%s", word.form);
    memcpy(one.unit, r.unit, sizeof(one.unit));
    memcpy(one.period, r.period, sizeof(one.period));
    one.open = word.state == SESSION_OPEN;
    one.closed = word.state == SESSION_CLOSED;
    one.unsaid = word.expected == 0;
    one.expected = word.expected;
    return keep(g, &one);
}

/* One line a session becomes one a questionnaire, unit and period. */
static void add_up(struct session_sums *s)
{
    size_t n = 0;

    if (s->count > 1)
        qsort(s->items, s->count, sizeof(*s->items), compare);
    for (size_t i = 0; i < s->count; i++) {
        struct session_sum *last = &s->items[n - (n > 0)];

        if (n == 0 || compare(last, &s->items[i]) != 0) {
            s->items[n++] = s->items[i];
            continue;
        }
        last->open += s->items[i].open;
        last->closed += s->items[i].closed;
        last->unsaid += s->items[i].unsaid;
        last->expected += s->items[i].expected;
    }
    s->count = n;
}

enum err session_sums_read(struct hub *h, struct store_txn *t, const char *unit, const char *period,
                           struct session_sums *out)
{
    struct gatherer g = {.sums = out};
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = decoder_new(&g.decoder, h)) == OK)
        e = ledger_each_current(h->ledger, t, SESSION_FORM, unit, period, take_word, &g);
    decoder_free(g.decoder);
    if (e == OK)
        add_up(out);
    return e;
}

void session_sums_fini(struct session_sums *s)
{
    free(s->items);
    memset(s, 0, sizeof(*s));
}

const struct session_sum *session_sums_find(const struct session_sums *s, const char *form, const char *unit,
                                            const char *period)
{
    struct session_sum key = {.open = 0};

    (void)snprintf(key.form, sizeof(key.form), "%s", form);
    (void)snprintf(key.unit, sizeof(key.unit), "%s", unit);
    (void)snprintf(key.period, sizeof(key.period), "%s", period);
    return s->count == 0 ? NULL : bsearch(&key, s->items, s->count, sizeof(key), compare);
}
