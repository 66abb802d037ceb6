/* The covers of returns, from the ledger's current submissions: what the schools say of them as a whole. */
#include "hub/returns_internal.h"

#include "common/cli.h"
#include "hub/decode.h"
#include "hub/slot.h"

#include <stdlib.h>
#include <string.h>

#define COVERS_MAX 1000000u

struct loading {
    struct covers *out;
    struct decoder *decoder;
};

static enum err add(struct covers *l, const struct held_cover *one)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
        struct held_cover *grown = l->cap >= COVERS_MAX ? NULL : reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *one;
    return OK;
}

static enum err load_one(void *ctx, const struct submission *s)
{
    struct loading *l = ctx;
    struct held_cover one = {.participant = s->participant, .ref = s->ref, .lsn = s->lsn};
    const struct form *f;
    struct cover c;
    struct record r;
    enum err e = decoder_read(l->decoder, s->record, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "the cover of a return");
    if (!cover_read(&c, r.values, r.value_count) || c.of.len > FORM_NAME_MAX)
        return OK;
    cover_text(one.form, sizeof(one.form), c.of);
    memcpy(one.unit, r.unit, sizeof(one.unit));
    memcpy(one.period, r.period, sizeof(one.period));
    one.kind = r.kind;
    one.target = r.target;
    one.made_ms = r.made_ms;
    one.filled_on = r.filled_on;
    memcpy(one.digest, c.digest, sizeof(one.digest));
    one.said = (struct return_cover){.is_here = true,
                                     .is_behalf = (s->participant & PARTICIPANT_STANDS_IN) != 0,
                                     .state = c.state,
                                     .rows = c.rows,
                                     .has_approved_on = c.has_approved_on,
                                     .approved_on = c.approved_on};
    cover_text(one.said.approved_by, sizeof(one.said.approved_by), c.approved_by);
    return add(l->out, &one);
}

static int by_return(const void *a, const void *b)
{
    const struct held_cover *x = a, *y = b;
    int order = strcmp(x->form, y->form);

    if (order == 0)
        order = strcmp(x->unit, y->unit);
    return order != 0 ? order : strcmp(x->period, y->period);
}

/* Of several senders' covers of a return the one that was made last comes first, whichever arrived first. */
static int by_return_and_age(const void *a, const void *b)
{
    const struct held_cover *x = a, *y = b;
    int order = by_return(a, b);

    if (order == 0)
        order = (y->made_ms > x->made_ms) - (y->made_ms < x->made_ms);
    return order != 0 ? order : (x->participant > y->participant) - (x->participant < y->participant);
}

enum err covers_load(struct covers *out, struct hub *h, struct store_txn *t, const char *unit, const char *period)
{
    struct loading l = {.out = out};
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = decoder_new(&l.decoder, h)) != OK)
        return e;
    e = ledger_each_current(h->ledger, t, COVER_FORM, unit, period, load_one, &l);
    decoder_free(l.decoder);
    if (e == OK && out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), by_return_and_age);
    if (e != OK)
        covers_fini(out);
    return e;
}

void covers_fini(struct covers *c)
{
    free(c->items);
    memset(c, 0, sizeof(*c));
}

const struct held_cover *covers_find(const struct covers *c, const char *form, const char *unit, const char *period)
{
    struct held_cover wanted = {.lsn = 0};
    const struct held_cover *at;

    if (c->count == 0 || strlen(form) > FORM_NAME_MAX || strlen(unit) > ID_MAX || strlen(period) > PERIOD_ID_MAX)
        return NULL;
    memcpy(wanted.form, form, strlen(form) + 1);
    memcpy(wanted.unit, unit, strlen(unit) + 1);
    memcpy(wanted.period, period, strlen(period) + 1);
    at = bsearch(&wanted, c->items, c->count, sizeof(wanted), by_return);
    while (at != NULL && at > c->items && by_return(at - 1, at) == 0)
        at--;
    return at;
}

/* ---- for people and programs ---- */

const char *return_cover_match(const struct return_cover *c)
{
    if (!c->is_here)
        return "";
    switch (c->match) {
    case COVER_SAME: return "same";
    case COVER_FEWER: return "fewer";
    case COVER_DIFFERS: return "differs";
    }
    return "";
}

void return_cover_say(struct buf *out, const struct return_cover *c)
{
    char day[11];

    if (!c->is_here)
        return;
    buf_put_str(out, cover_state_word(c->state));
    if (c->is_behalf)
        buf_printf(out, ", %s", _("said by the office"));
    if (c->match == COVER_FEWER)
        buf_printf(out, _("; %llu of %llu rows are here"), (unsigned long long)c->rows_here,
                   (unsigned long long)c->rows);
    else if (c->match == COVER_DIFFERS)
        buf_printf(out, "; %s", _("what is here was changed since it was marked"));
    if (c->approved_by[0] == '\0')
        return;
    buf_printf(out, _("; approved by %s"), c->approved_by);
    if (!c->has_approved_on)
        return;
    date_format(day, c->approved_on);
    buf_printf(out, ", %s", day);
}
