/* What the office entered for others, from paper or by telephone: which of a return's submissions are of that kind,
 * and where the unit's own word has taken its place. */
#include "hub/returns_internal.h"

#include "common/cli.h"
#include "hub/slot.h"
#include "protocol/builtin.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 1000000u

void return_behalf_count(struct return_behalf *b, const struct submission *s, enum record_source source)
{
    if ((s->participant & PARTICIPANT_STANDS_IN) == 0)
        return;
    b->total++;
    if (s->erased != NULL) /* how it was given is gone with it */
        return;
    b->paper += source == SOURCE_PAPER;
    b->phone += source == SOURCE_PHONE;
}

const char *return_behalf_word(uint32_t participant, enum record_source source)
{
    if ((participant & PARTICIPANT_STANDS_IN) == 0 || !source_is_behalf(source))
        return "";
    return source == SOURCE_PAPER ? _("entered by the office from paper") : _("entered by the office by telephone");
}

const char *return_behalf_name(const struct return_behalf *b, uint64_t submissions)
{
    if (b->total == 0)
        return b->is_replaced ? "replaced" : "";
    if (b->total < submissions)
        return "part";
    if (b->paper == b->total)
        return "paper";
    return b->phone == b->total ? "phone" : "mixed";
}

void return_behalf_say(struct buf *out, const struct return_behalf *b, uint64_t submissions)
{
    if (b->total == 0 && b->is_replaced)
        buf_put_str(out, _("the office had entered it; what its sender sent counts instead"));
    else if (b->total > 0 && b->total < submissions)
        buf_printf(out, _("%llu of %llu rows entered by the office: look for doubles"), (unsigned long long)b->total,
                   (unsigned long long)submissions);
    else if (b->total > 0 && b->paper == b->total)
        buf_put_str(out, return_behalf_word(PARTICIPANT_STANDS_IN, SOURCE_PAPER));
    else if (b->total > 0 && b->phone == b->total)
        buf_put_str(out, return_behalf_word(PARTICIPANT_STANDS_IN, SOURCE_PHONE));
    else if (b->total > 0)
        buf_put_str(out, _("entered by the office"));
}

/* ---- where the office entered something ---- */

struct looking {
    struct hub *hub;
    struct store_txn *t;
    const struct participant *by;
    struct behalf_places *out;
};

static enum err add(struct behalf_places *l, const char *form, const struct record *r)
{
    const struct behalf_place *at = l->count == 0 ? NULL : &l->items[l->count - 1];
    struct behalf_place one = {.form = ""};

    if (at != NULL && strcmp(at->form, form) == 0 && strcmp(at->unit, r->unit) == 0 &&
        strcmp(at->period, r->period) == 0)
        return OK; /* one return's rows come together */
    if (l->items == NULL || l->count == l->cap) {
        size_t cap = l->cap == 0 ? 32 : 2 * l->cap;
        struct behalf_place *grown = l->cap >= PLACES_MAX ? NULL : reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    (void)snprintf(one.form, sizeof(one.form), "%s", form);
    memcpy(one.unit, r->unit, sizeof(one.unit));
    memcpy(one.period, r->period, sizeof(one.period));
    l->items[l->count++] = one;
    return OK;
}

/* In that table by its number: dead, or kept apart. */
static enum err is_in(const struct looking *l, unsigned table, const struct record_ref *ref, bool *out)
{
    uint8_t key[PLACE_KEY_BYTES];
    struct bytes value;
    enum err e;

    place_key_put(key, l->by->index, &ref->gen, ref->number);
    e = store_get(l->t, table, bytes_of(key, sizeof(key)), &value);
    *out = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err take_number(const struct looking *l, const struct record_ref *ref)
{
    const struct form *f;
    struct submission s;
    struct record r;
    bool is_dead, is_apart;
    enum err e;

    if ((e = is_in(l, H_DEAD, ref, &is_dead)) != OK || (e = is_in(l, H_QUARANTINE, ref, &is_apart)) != OK || is_dead ||
        is_apart)
        return e;
    e = ledger_find(l->hub->ledger, l->t, l->by->index, ref, &s);
    if (e == ERR_NOT_FOUND || e == ERR_ERASED)
        return OK;
    if (e != OK || (e = record_decode_head(&r, s.record)) != OK)
        return e == ERR_NOMEM ? e : err_prefix(ERR_CORRUPT, "what the office entered");
    f = hub_form(l->hub, r.form);
    if (f == NULL || builtin_is_any(f) || r.kind == RECORD_RETRACTION || !source_is_behalf(r.source))
        return OK;
    return add(l->out, f->id, &r);
}

/* Every number that is held of this participant. */
static enum err take_all(const struct looking *l)
{
    struct store_cursor *c = NULL;
    struct bytes key, value;
    uint8_t from[4];
    enum err e = store_cursor_open(l->t, H_RANGES, &c);

    if (e != OK)
        return e;
    be32_put(from, l->by->index);
    for (e = store_seek(c, bytes_of(from, sizeof(from)), &key, &value);
         e == OK && key.len == PLACE_KEY_BYTES && memcmp(key.p, from, sizeof(from)) == 0;
         e = store_next(c, &key, &value)) {
        struct record_ref ref = record_ref_get(key.p + 4);
        uint64_t last = value.len < 8 ? 0 : be64_get(value.p);

        for (; ref.number <= last && e == OK; ref.number++)
            e = take_number(l, &ref);
        if (e != OK)
            break;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static int by_place(const void *a, const void *b)
{
    const struct behalf_place *x = a, *y = b;
    int order = strcmp(x->form, y->form);

    if (order == 0)
        order = strcmp(x->unit, y->unit);
    return order != 0 ? order : strcmp(x->period, y->period);
}

enum err behalf_load(struct behalf_places *out, struct hub *h, struct store_txn *t)
{
    struct looking l = {.hub = h, .t = t, .out = out};
    enum err e = OK;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < registry_count(h->registry) && e == OK; i++) {
        l.by = registry_at(h->registry, i);
        if ((l.by->index & PARTICIPANT_STANDS_IN) != 0)
            e = take_all(&l);
    }
    if (e != OK)
        behalf_fini(out);
    else if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), by_place);
    return e;
}

void behalf_fini(struct behalf_places *l)
{
    free(l->items);
    memset(l, 0, sizeof(*l));
}

bool behalf_has(const struct behalf_places *l, const char *form, const char *unit, const char *period)
{
    struct behalf_place wanted;

    if (l->count == 0 || strlen(form) > FORM_NAME_MAX || strlen(unit) > ID_MAX || strlen(period) > PERIOD_ID_MAX)
        return false;
    memcpy(wanted.form, form, strlen(form) + 1);
    memcpy(wanted.unit, unit, strlen(unit) + 1);
    memcpy(wanted.period, period, strlen(period) + 1);
    return bsearch(&wanted, l->items, l->count, sizeof(wanted), by_place) != NULL;
}
