#include "hub/ledger_erase_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/copies.h"
#include "hub/returns_internal.h"
#include "hub/roster.h"
#include "hub/storage_keys.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOUCHED_MAX (64u << 20)
#define TOLD_MAX    (512u << 20)
#define DAY_MS      INT64_C(86400000)

/* ---- the journal ---- */

enum err erase_each_batch(struct store_txn *t, enum err (*each)(void *ctx, const struct batch_entry *entry), void *ctx)
{
    struct journal_head head;
    struct batch_entry entry;
    struct buf copy;
    enum err e = journal_head(t, &head);

    buf_init(&copy, 8u << 20);
    for (uint64_t lsn = 1; e == OK && lsn <= head.lsn; lsn++) {
        struct bytes bytes;

        if ((e = journal_get(t, lsn, &bytes)) != OK)
            break;
        buf_reset(&copy); /* a loan ends with the next write */
        buf_put(&copy, bytes.p, bytes.len);
        if ((e = buf_status(&copy)) == OK && batch_entry_get(&entry, lsn, bytes_of(copy.data, copy.len)) == OK)
            e = each(ctx, &entry);
        cli_progress(_("Looking through the journal"), lsn, head.lsn);
    }
    cli_progress_end();
    buf_fini(&copy);
    return e;
}

/* ---- keys ---- */

static int by_class(const void *a, const void *b)
{
    const struct prick *x = a;
    const struct prick *y = b;
    int order = strcmp(x->retention, y->retention);

    if (order != 0)
        return order;
    if (x->year != y->year)
        return x->year < y->year ? -1 : 1;
    return x->lsn < y->lsn ? -1 : x->lsn > y->lsn;
}

static enum err prick_keys(struct erasing *x)
{
    struct prick *all = (struct prick *)(void *)x->pricks.data;
    size_t count = x->pricks.len / sizeof(*all);
    uint64_t *lsn = calloc(count + 1, sizeof(*lsn));
    enum err e = lsn == NULL ? ERR_NOMEM : OK;

    if (count > 0)
        qsort(all, count, sizeof(*all), by_class);
    for (size_t i = 0, end; i < count && e == OK; i = end) {
        for (end = i; end < count && strcmp(all[end].retention, all[i].retention) == 0 && all[end].year == all[i].year;
             end++)
            lsn[end - i] = all[end].lsn;
        e = storage_keys_prick(x->hub->storage_keys, x->t, all[i].retention, all[i].year, lsn, end - i);
    }
    free(lsn);
    return e;
}

/* ---- the act ---- */

static enum err put_cell(void *ctx, struct bytes key, const struct contribution *c)
{
    struct buf *out = ctx;
    struct cell cell = {c->sum, (uint64_t)c->n};
    uint8_t raw[CELL_BYTES];

    cell_put(raw, &cell);
    buf_put_u16(out, (uint16_t)key.len);
    buf_put(out, key.p, key.len);
    buf_put(out, raw, sizeof(raw));
    return buf_status(out);
}

static enum err count_cell(void *ctx, struct bytes key, const struct contribution *c)
{
    (void)key;
    (void)c;
    ++*(uint32_t *)ctx;
    return OK;
}

static enum err make_beside(struct erasing *x, struct buf *out)
{
    uint32_t cells = 0;
    enum err e = OK;

    buf_put_u32(out, x->touched_count);
    buf_put(out, x->touched.data, x->touched.len);
    if (!x->order->is_uncounted)
        e = cell_sums_each(x->sums, count_cell, &cells);
    buf_put_u32(out, cells);
    if (e == OK && cells > 0)
        e = cell_sums_each(x->sums, put_cell, out);
    return e == OK ? buf_status(out) : e;
}

static enum err put_act(struct erasing *x, struct bytes beside)
{
    struct buf extract, object, payload;
    uint8_t key[8], value[8];
    enum err e;

    buf_init(&extract, ACT_BESIDE_MAX);
    buf_init(&object, SIGNED_MAX);
    buf_init(&payload, SIGNED_MAX + 16u);
    digest(x->act->beside, beside);
    memcpy(x->act->vouch, x->vouch.digest, DIGEST_BYTES);
    if ((e = copies_note(x->t, x->act)) != OK || (e = act_extract(x->hub, x->t, x->act, beside, &extract)) != OK)
        goto fini;
    digest(x->act->extract, bytes_of(extract.data, extract.len));
    if ((e = act_make(&object, x->act, x->hub)) != OK)
        goto fini;
    mp_put_bin(&payload, object.data, object.len);
    if ((e = buf_status(&payload)) != OK ||
        (e = ledger_decide_with(x->ledger, x->t, JOURNAL_ERASE, bytes_of(payload.data, payload.len), 1, beside,
                                &x->act->lsn)) != OK)
        goto fini;
    be64_put(key, x->act->number);
    be64_put(value, x->act->lsn);
    e = store_put(x->t, H_ACTS, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)));
fini:
    buf_fini(&payload);
    buf_fini(&object);
    buf_fini(&extract);
    return e;
}

/* ---- the schools ---- */

static int by_school(const void *a, const void *b)
{
    const struct told *x = a;
    const struct told *y = b;

    if (x->participant != y->participant)
        return x->participant < y->participant ? -1 : 1;
    return record_ref_compare(&x->ref, &y->ref);
}

/* What a school sent is not at the district any more: it hears it as a word, so that nobody takes it for a loss. */
static enum err tell_schools(struct erasing *x)
{
    struct told *all = (struct told *)(void *)x->told.data;
    size_t count = x->told.len / sizeof(*all);
    struct notice_entry *entries = calloc(NOTICE_MAX_ENTRIES, sizeof(*entries));
    enum err e = entries == NULL ? ERR_NOMEM : OK;

    if (count > 0)
        qsort(all, count, sizeof(*all), by_school);
    for (size_t i = 0, n; i < count && e == OK; i += n) {
        for (n = 0; n < NOTICE_MAX_ENTRIES && i + n < count && all[i + n].participant == all[i].participant; n++)
            entries[n] =
                (struct notice_entry){.ref = all[i + n].ref, .standing = STANDING_ERASED, .act = x->act->number};
        e = words_notice(x->hub, x->t, all[i].participant, NOTICE_ERASED, "", entries, n);
    }
    free(entries);
    return e;
}

static enum err finish(struct erasing *x)
{
    struct buf beside;
    enum err e;

    buf_init(&beside, ACT_BESIDE_MAX);
    e = x->order->scope == ACT_CLASS ? storage_keys_erase(x->t, x->order->retention, x->order->year, x->act->number)
                                     : prick_keys(x);
    if (e == OK && x->order->is_uncounted)
        e = cell_sums_store(x->sums, x->t);
    if (e == OK && (e = make_beside(x, &beside)) == OK && (e = put_act(x, bytes_of(beside.data, beside.len))) == OK)
        e = hub_raise_definitions(x->t);
    if (e == OK)
        e = tell_schools(x);
    buf_fini(&beside);
    return e;
}

/* ---- an order ---- */

static enum err check_class(struct erasing *x)
{
    int32_t now = school_year_of((int32_t)(clock_wall_ms() / DAY_MS));
    const struct erase_order *o = x->order;
    uint64_t act = 0;
    enum err e = OK;

    if (o->year >= now)
        return err_set(ERR_DENIED,
                       _("the school year %d is not over: what comes today would be erased with it; single submissions "
                         "and returns can be erased at any time"),
                       (int)o->year);
    if ((e = storage_keys_act(x->t, o->retention, o->year, &act)) == OK && act != 0)
        e = err_set(ERR_NOT_FOUND, _("class %s of the school year %d was erased already, by act %llu"), o->retention,
                    (int)o->year, (unsigned long long)act);
    return e;
}

static enum err fill_act(struct erasing *x)
{
    const struct erase_order *o = x->order;
    struct act *a = x->act;

    memset(a, 0, sizeof(*a));
    a->number = act_count(x->t) + 1;
    a->wall_ms = clock_wall_ms();
    a->scope = o->scope;
    a->years = o->years;
    a->is_uncounted = o->is_uncounted;
    a->copy_days = (uint32_t)x->hub->conf.backup_days;
    if (strlen(o->by) > RETURN_BY_MAX || strlen(o->order) > ACT_ORDER_MAX || o->order[0] == '\0')
        return err_set(ERR_LIMIT, _("the order: a text of 1 to %u bytes is expected"), ACT_ORDER_MAX);
    (void)snprintf(a->by, sizeof(a->by), "%s", o->by);
    (void)snprintf(a->order, sizeof(a->order), "%s", o->order);
    if (o->scope == ACT_CLASS) {
        (void)snprintf(a->retention, sizeof(a->retention), "%s", o->retention);
        a->year = o->year;
        return check_class(x);
    }
    return OK;
}

static enum err choose(struct erasing *x)
{
    enum err e;

    if (x->order->scope == ACT_CLASS)
        return OK;
    if ((e = selection_make(&x->selection, x->hub, x->t, x->order)) != OK)
        return e;
    (void)snprintf(x->act->form, sizeof(x->act->form), "%s", x->selection.form);
    (void)snprintf(x->act->unit, sizeof(x->act->unit), "%s", x->selection.unit);
    (void)snprintf(x->act->period, sizeof(x->act->period), "%s", x->selection.period);
    return OK;
}

static enum err nothing_there(const struct erase_order *o)
{
    return o->scope == ACT_CLASS ? err_set(ERR_NOT_FOUND, _("nothing of class %s was received in the school year %d"),
                                           o->retention, (int)o->year)
                                 : err_set(ERR_NOT_FOUND, _("there is no such submission, or it was erased already"));
}

enum err ledger_erase(struct hub *h, struct store_txn *t, const struct erase_order *o, bool is_rehearsal,
                      struct act *out)
{
    struct erasing x = {.hub = h, .ledger = h->ledger, .t = t, .order = o, .act = out};
    enum err e;

    vouch_init(&x.vouch);
    buf_init(&x.touched, TOUCHED_MAX);
    buf_init(&x.pricks, TOUCHED_MAX);
    buf_init(&x.told, TOLD_MAX);
    ledger_forget(h->ledger);
    store_use_reserve(t);
    if ((e = ledger_eval(h->ledger)) == OK && (e = cell_sums_new(&x.sums)) == OK && (e = fill_act(&x)) == OK &&
        (e = choose(&x)) == OK && (e = erase_each_batch(t, erase_batch, &x)) == OK) {
        if (x.touched_count == 0)
            e = nothing_there(o);
        else if (!is_rehearsal)
            e = finish(&x);
    }
    cell_sums_free(x.sums);
    selection_fini(&x.selection);
    vouch_fini(&x.vouch);
    buf_fini(&x.touched);
    buf_fini(&x.pricks);
    buf_fini(&x.told);
    ledger_forget(h->ledger);
    return e;
}

enum err ledger_erase_keys(struct hub *h)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(h->store, &t);

    if (e == OK)
        e = storage_keys_check(h->storage_keys, t);
    store_abort(t);
    ledger_forget(h->ledger);
    return e;
}
