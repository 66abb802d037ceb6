#include "hub/quarantine.h"

#include "common/cli.h"
#include "hub/audit.h"
#include "hub/decode.h"
#include "hub/registry.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const struct hub *h, uint32_t participant)
{
    const struct participant *p = registry_by_index(h->registry, participant);

    return p == NULL ? "?" : p->id;
}

/* ---- lists ---- */

struct gather {
    struct hub *h;
    struct store_txn *t;
    const struct quarantine_filter *f;
    struct quarantine_list *out;
};

void quarantine_list_fini(struct quarantine_list *l)
{
    free(l->items);
    memset(l, 0, sizeof(*l));
}

enum err quarantine_each_waiting(struct hub *h, struct store_txn *t, const char *form, const char *period,
                                 enum err (*each)(void *ctx, const char *unit), void *ctx)
{
    const struct quarantine_filter filter = {.form = form, .waits = true};
    struct quarantine_list list = {NULL, 0, 0};
    enum err e = quarantine_find(h, t, &filter, &list);

    for (size_t i = 0; i < list.count && e == OK; i++) {
        struct bytes bytes;
        struct record r;

        if (ledger_quarantined_record(h->ledger, t, &list.items[i], &bytes) == OK &&
            record_decode_head(&r, bytes) == OK && strcmp(r.period, period) == 0)
            e = each(ctx, r.unit);
    }
    quarantine_list_fini(&list);
    return e;
}

static bool fits(const struct gather *g, const struct quarantined *q)
{
    const struct quarantine_filter *f = g->f;

    return (f->reason == 0 || f->reason == q->why.reason) && (!f->waits || quarantined_waits(q)) &&
           (f->participant == NULL || strcmp(f->participant, name_of(g->h, q->participant)) == 0);
}

static enum err gather_one(void *ctx, const struct quarantined *q)
{
    struct gather *g = ctx;
    struct quarantine_list *l = g->out;

    if (!fits(g, q))
        return OK;
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct quarantined *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *q;
    return OK;
}

/* By batch first, so that each is opened once. */
static int compare_items(const void *a, const void *b)
{
    const struct quarantined *x = a;
    const struct quarantined *y = b;

    if (x->participant != y->participant)
        return x->participant < y->participant ? -1 : 1;
    if (x->lsn != y->lsn)
        return x->lsn < y->lsn ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Keeps those of the form. */
static enum err keep_form(const struct gather *g)
{
    struct quarantine_list *l = g->out;
    struct decoder *d = NULL;
    size_t kept = 0;
    enum err e = decoder_new(&d, g->h);

    for (size_t i = 0; e == OK && i < l->count; i++) {
        const struct form *form;
        struct bytes bytes;
        struct record r;

        e = ledger_quarantined_record(g->h->ledger, g->t, &l->items[i], &bytes);
        if (e == OK && decoder_read(d, bytes, &r, &form) == OK && strcmp(form->id, g->f->form) == 0)
            l->items[kept++] = l->items[i];
        if (e == ERR_NOT_FOUND)
            e = OK;
    }
    decoder_free(d);
    l->count = kept;
    return e;
}

enum err quarantine_find(struct hub *h, struct store_txn *t, const struct quarantine_filter *f,
                         struct quarantine_list *out)
{
    struct gather g = {h, t, f, out};
    enum err e;

    memset(out, 0, sizeof(*out));
    e = ledger_each_quarantined(t, gather_one, &g);
    if (e == OK && out->count > 0)
        qsort(out->items, out->count, sizeof(*out->items), compare_items);
    if (e == OK && f->form != NULL)
        e = keep_form(&g);
    if (e != OK)
        quarantine_list_fini(out);
    return e;
}

struct search {
    const struct hub *h;
    struct record_id_text wanted;
    struct quarantined *out;
    unsigned count;
};

static enum err match(void *ctx, const struct quarantined *q)
{
    struct search *s = ctx;
    const struct record_id_text *w = &s->wanted;

    if (w->number != q->ref.number || (w->counter != 0 && w->counter != q->ref.gen.counter) ||
        (w->participant[0] != '\0' && strcmp(w->participant, name_of(s->h, q->participant)) != 0) ||
        (w->has_tag && memcmp(w->tag4, q->ref.gen.tag, sizeof(w->tag4)) != 0))
        return OK;
    *s->out = *q;
    s->count++;
    return OK;
}

enum err quarantine_named(struct hub *h, struct store_txn *t, const char *id, struct quarantined *out)
{
    struct search s = {.h = h, .out = out};
    enum err e = record_id_parse(&s.wanted, id);

    if (e != OK || (e = ledger_each_quarantined(t, match, &s)) != OK)
        return e;
    if (s.count == 0)
        return err_set(ERR_NOT_FOUND, _("%s is not in quarantine"), id);
    if (s.count > 1)
        return err_set(ERR_INVALID,
                       _("%s stands for %u submissions; write the whole id, as `quarantine list` shows it"), id,
                       s.count);
    return OK;
}

size_t quarantine_run(const struct quarantine_list *l, size_t from)
{
    size_t n = 0;

    while (from + n < l->count && l->items[from + n].lsn == l->items[from].lsn &&
           l->items[from + n].participant == l->items[from].participant)
        n++;
    return n;
}

/* ---- decisions ---- */

static void fill_entry(struct notice_entry *out, const struct released *r)
{
    memset(out, 0, sizeof(*out));
    out->ref = r->ref;
    out->why = r->why;
    out->standing = r->is_counted ? STANDING_COUNTED : r->is_superseded ? STANDING_SUPERSEDED : STANDING_QUARANTINED;
}

/* The school hears of what is let out, and of what stays for another reason than it knows. */
static enum err tell(struct hub *h, struct store_txn *t, const struct quarantined *items, const struct released *list,
                     size_t count)
{
    struct notice_entry *entries = calloc(count, sizeof(*entries));
    size_t n = 0;
    enum err e;

    if (entries == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (list[i].is_counted || list[i].is_superseded || list[i].why.reason != items[i].why.reason ||
            list[i].why.rule != items[i].why.rule || strcmp(list[i].why.field, items[i].why.field) != 0)
            fill_entry(&entries[n++], &list[i]);
    e = words_notice(h, t, items[0].participant, NOTICE_RELEASED, "", entries, n);
    free(entries);
    return e;
}

enum err quarantine_release(struct hub *h, struct store_txn *t, const char *who, const struct quarantined *items,
                            size_t count, struct quarantine_outcome *out)
{
    struct released *list = calloc(count, sizeof(*list));
    uint64_t counted = 0;
    uint64_t superseded = 0;
    enum err e = list == NULL ? ERR_NOMEM : ledger_release(h->ledger, t, items, count, list);

    if (e == OK)
        e = tell(h, t, items, list, count);
    for (size_t i = 0; e == OK && i < count; i++) {
        counted += list[i].is_counted;
        superseded += list[i].is_superseded;
        out->last = list[i];
    }
    free(list);
    if (e != OK)
        return e;
    out->counted += counted;
    out->superseded += superseded;
    out->stayed += count - counted - superseded;
    return hub_audit_do(h, t, who, AUDIT_QUARANTINE_RELEASE, name_of(h, items[0].participant),
                        "counted=%llu\nreplaced=%llu\nquarantined=%llu", (unsigned long long)counted,
                        (unsigned long long)superseded, (unsigned long long)(count - counted - superseded));
}

enum err quarantine_reject(struct hub *h, struct store_txn *t, const char *who, const struct quarantined *q,
                           const char *word)
{
    struct notice_entry entry = {.ref = q->ref, .standing = STANDING_REJECTED};
    char id[RECORD_ID_TEXT];
    enum err e;

    record_id_format(id, name_of(h, q->participant), &q->ref);
    if (word[0] == '\0')
        return err_set(ERR_INVALID, _("a reason is missing: the school is told it"));
    if (strlen(word) > RECEIPT_TEXT_MAX)
        return err_set(ERR_INVALID, _("the reason is too long: at most %u bytes (half as many Russian letters)"),
                       RECEIPT_TEXT_MAX);
    if (q->rejected != 0)
        return err_set(ERR_EXISTS, _("%s was rejected before"), id);
    (void)snprintf(entry.why.text, sizeof(entry.why.text), "%s", word);
    if ((e = ledger_reject(h->ledger, t, q, word)) != OK ||
        (e = words_notice(h, t, q->participant, NOTICE_REJECTED, "", &entry, 1)) != OK)
        return e;
    return hub_audit_do(h, t, who, AUDIT_QUARANTINE_REJECT, id, "%s", "");
}
