/* Which submissions an order about one submission or one return means.  All versions of it: what it replaced, what
 * corrected it, and the retractions that name it (their reason may say as much as an answer); also those that are in
 * quarantine. */
#include "hub/ledger_erase_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX (64u << 20) /* bytes of the list */
#define KEY_TEXT_MAX   FORM_MAX_TEXT

struct candidate {
    uint64_t lsn, number;
    uint32_t participant;
    struct generation gen;
    struct record_ref target;
    bool has_target, is_chosen;
};
struct searching {
    struct hub *hub;
    struct store_txn *t;
    const struct erase_order *order;
    struct selection *out;
    uint8_t slot[SLOT_BYTES]; /* of the one named */
    struct buf candidates;    /* struct candidate */
    const struct held_batch *batch;
};

/* The key of a row as people write it. */
static bool has_key(const struct form *f, const struct record *r, const char *key)
{
    const struct value *v = f->key < 0 || (uint32_t)f->key >= r->value_count ? NULL : &r->values[f->key];
    const struct form_field *field = v == NULL ? NULL : &f->fields[f->key];
    char text[24];

    if (v == NULL || v->state != VALUE_PRESENT)
        return false;
    if (field->type == VALUE_TEXT)
        return v->as.text.len == strlen(key) && memcmp(v->as.text.p, key, v->as.text.len) == 0;
    if (field->type == VALUE_SELECT_ONE)
        return field->choices != NULL && v->as.i >= 0 && v->as.i < (int64_t)field->choices->count &&
               strcmp(field->choices->items[v->as.i].code, key) == 0;
    (void)snprintf(text, sizeof(text), "%lld", (long long)v->as.i);
    return strcmp(text, key) == 0;
}

static bool is_listed(const struct erase_order *o, const struct candidate *c)
{
    struct erase_ref ref = {.participant = c->participant, .counter = c->gen.counter, .number = c->number};

    memcpy(ref.tag4, c->gen.tag, sizeof(ref.tag4));
    return o->ref_count > 0 && bsearch(&ref, o->refs, o->ref_count, sizeof(ref), erase_ref_compare) != NULL;
}

static bool is_named(const struct searching *x, const struct form *f, struct bytes bytes, const struct record *r,
                     const struct candidate *c)
{
    struct record_ref own = {c->gen, c->number};
    uint8_t slot[SLOT_BYTES];

    if (x->order->is_again)
        return is_listed(x->order, c);
    if (x->order->scope == ACT_RETURN)
        return x->order->key == NULL || (r->kind != RECORD_RETRACTION && has_key(f, r, x->order->key));
    if (c->participant == x->order->participant && record_ref_compare(&own, &x->order->ref) == 0)
        return true;
    if (r->kind == RECORD_RETRACTION)
        return false;
    slot_of(slot, &x->hub->ledger->slot_key, f, c->participant, bytes, r);
    return memcmp(slot, x->slot, SLOT_BYTES) == 0;
}

static enum err look_at(struct searching *x, uint64_t number, struct bytes bytes)
{
    struct candidate c = {.lsn = x->batch->lsn, .number = number, .participant = x->batch->participant};
    const struct form *f;
    struct record r;
    enum err e = decoder_read(x->hub->ledger->decoder, bytes, &r, &f);

    if (e != OK)
        return e == ERR_NOMEM ? e : OK;
    if (strcmp(f->id, x->out->form) != 0 || strcmp(r.unit, x->out->unit) != 0 || strcmp(r.period, x->out->period) != 0)
        return OK;
    c.gen = x->batch->gen;
    c.has_target = r.kind != RECORD_NEW;
    c.target = r.target;
    c.is_chosen = is_named(x, f, bytes, &r, &c);
    buf_put(&x->candidates, &c, sizeof(c));
    return buf_status(&x->candidates);
}

static enum err search_batch(void *ctx, const struct batch_entry *entry)
{
    struct searching *x = ctx;
    enum err e = held_open(x->hub->ledger, x->t, entry->lsn, &x->batch);

    if (e == ERR_CORRUPT)
        return OK; /* it never opened: nothing is known of it */
    for (uint32_t i = 0; e == OK && i < batch_plain_count(x->batch->plain); i++) {
        uint64_t number;
        struct bytes bytes = batch_plain_record(x->batch->plain, i, &number, NULL);

        e = look_at(x, number, bytes);
    }
    return e;
}

/* What names, or is named by, something chosen is chosen. */
static bool spread(struct candidate *all, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; all[i].has_target && k < count; k++) {
            struct record_ref own = {all[k].gen, all[k].number};

            if (all[i].participant != all[k].participant || all[i].is_chosen == all[k].is_chosen ||
                record_ref_compare(&all[i].target, &own) != 0)
                continue;
            all[i].is_chosen = all[k].is_chosen = any = true;
        }
    return any;
}

static int by_place(const void *a, const void *b)
{
    const struct chosen *x = a;
    const struct chosen *y = b;

    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum err keep_chosen(struct searching *x)
{
    struct candidate *all = (struct candidate *)(void *)x->candidates.data;
    size_t count = x->candidates.len / sizeof(*all);

    while (!x->order->is_again && (x->order->scope != ACT_RETURN || x->order->key != NULL))
        if (!spread(all, count))
            break;
    if ((x->out->items = calloc(count + 1, sizeof(*x->out->items))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (all[i].is_chosen)
            x->out->items[x->out->count++] = (struct chosen){all[i].lsn, all[i].number};
    if (x->out->count > 0)
        qsort(x->out->items, x->out->count, sizeof(*x->out->items), by_place);
    return x->out->count > 0 ? OK : err_set(ERR_NOT_FOUND, _("there is no such submission, or it was erased already"));
}

/* A retraction has no slot of its own: all versions of what it takes back are meant, if that is there. */
static enum err name_retracted(struct searching *x, const struct record_ref *target)
{
    struct submission s;
    const struct form *f;
    struct record r;
    enum err e = ledger_find(x->hub->ledger, x->t, x->order->participant, target, &s);

    if (e == OK && (e = decoder_read(x->hub->ledger->decoder, s.record, &r, &f)) == OK) {
        if (r.kind != RECORD_RETRACTION)
            slot_of(x->slot, &x->hub->ledger->slot_key, f, x->order->participant, s.record, &r);
        return OK;
    }
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_CORRUPT ? e : OK; /* the retraction alone, then */
}

static enum err name_submission(struct searching *x)
{
    const struct erase_order *o = x->order;
    struct submission s;
    const struct form *f;
    struct record r;
    enum err e = ledger_find(x->hub->ledger, x->t, o->participant, &o->ref, &s);

    if (e == ERR_NOT_FOUND || e == ERR_ERASED)
        return err_set(ERR_NOT_FOUND, _("there is no such submission, or it was erased already"));
    if (e != OK)
        return e;
    if ((e = decoder_read(x->hub->ledger->decoder, s.record, &r, &f)) != OK)
        return e == ERR_NOMEM
                   ? e
                   : err_set(ERR_INVALID,
                             _("this submission cannot be read: it can only be erased with its class and school year"));
    (void)snprintf(x->out->form, sizeof(x->out->form), "%s", f->id);
    (void)snprintf(x->out->unit, sizeof(x->out->unit), "%s", r.unit);
    (void)snprintf(x->out->period, sizeof(x->out->period), "%s", r.period);
    if (r.kind == RECORD_RETRACTION) {
        const struct record_ref target = r.target;

        return name_retracted(x, &target);
    }
    slot_of(x->slot, &x->hub->ledger->slot_key, f, o->participant, s.record, &r);
    return OK;
}

enum err selection_make(struct selection *out, struct hub *h, struct store_txn *t, const struct erase_order *o)
{
    struct searching x = {.hub = h, .t = t, .order = o, .out = out};
    enum err e = OK;

    if (o->scope == ACT_SUBMISSION && !o->is_again)
        e = name_submission(&x);
    else {
        (void)snprintf(out->form, sizeof(out->form), "%s", o->form);
        (void)snprintf(out->unit, sizeof(out->unit), "%s", o->unit);
        (void)snprintf(out->period, sizeof(out->period), "%s", o->period);
    }
    buf_init(&x.candidates, CANDIDATES_MAX);
    if (e == OK && (e = erase_each_batch(t, search_batch, &x)) == OK)
        e = keep_chosen(&x);
    buf_fini(&x.candidates);
    return e;
}

void selection_fini(struct selection *s)
{
    free(s->items);
    s->items = NULL;
    s->count = 0;
}

static size_t first_at(const struct selection *s, uint64_t lsn, uint64_t number)
{
    size_t low = 0;
    size_t high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct chosen *c = &s->items[middle];

        if (c->lsn < lsn || (c->lsn == lsn && c->number < number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool selection_has(const struct selection *s, uint64_t lsn, uint64_t number)
{
    size_t at = first_at(s, lsn, number);

    return at < s->count && s->items[at].lsn == lsn && s->items[at].number == number;
}

bool selection_touches(const struct selection *s, uint64_t lsn)
{
    size_t at = first_at(s, lsn, 0);

    return at < s->count && s->items[at].lsn == lsn;
}
