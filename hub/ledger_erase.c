#include "hub/ledger_erase_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/returns_internal.h"
#include "hub/roster.h"
#include "hub/storage_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOUCHED_MAX (64u << 20)
#define DAY_MS      INT64_C(86400000)

/* ---- the order at work ---- */

/* Sections of one class and year that lose their present storage key. */
struct prick {
    char retention[RETENTION_MAX + 1];
    int32_t year;
    uint64_t lsn;
};

struct erasing {
    struct hub *hub;
    struct ledger *ledger;
    struct store_txn *t;
    const struct erase_order *order;
    struct act *act;
    struct selection selection; /* empty for a class */
    struct cell_sums *sums;     /* of what counted: frozen, or taken away */
    struct vouch vouch;
    struct buf touched; /* as it lies beside the act */
    uint32_t touched_count;
    struct buf pricks; /* struct prick */
};

/* The section at hand. */
struct section {
    const struct batch_entry *entry;
    const struct stored_batch *stored;
    uint32_t index;
    struct stored_opened opened;
    struct batch_plain *plain; /* what is left of it until now */
    struct erased_list list;   /* what is gone of it, afterwards */
    struct buf residue;        /* what is left of it, afterwards */
    struct bytes *records;
    uint64_t *numbers;
    uint32_t count, erased;
};

static bool is_frozen_by_hub(const char *form)
{
    return strcmp(form, ROSTER_FORM) == 0 || strcmp(form, WAIVER_FORM) == 0;
}

static enum err count_form(struct act *a, const char *form)
{
    for (uint32_t i = 0; i < a->form_count; i++)
        if (strcmp(a->forms[i].id, form) == 0) {
            a->forms[i].submissions++;
            return OK;
        }
    if (a->form_count == ACT_FORMS_MAX)
        return err_set(ERR_LIMIT, "more than %u forms in one act", ACT_FORMS_MAX);
    (void)snprintf(a->forms[a->form_count].id, sizeof(a->forms[0].id), "%s", form);
    a->forms[a->form_count++].submissions = 1;
    return OK;
}

/* ---- one submission ---- */

static enum err unlist(struct erasing *x, const struct form *f, const struct record *r, const uint8_t *slot)
{
    uint8_t raw[SLOT_LIST_KEY_MAX];

    return store_delete(x->t, H_SLOTS, bytes_of(raw, slot_list_key(raw, f->id, r->unit, r->period, slot)));
}

/* Is it what stands in its slot?  Then the slot is frozen, and what it contributed goes beside the act. */
static enum err freeze(struct erasing *x, const struct section *s, const struct form *f, const struct record *r,
                       struct bytes bytes, struct erased_record *gone)
{
    struct record_ref own = {s->entry->gen, gone->number};
    uint8_t raw[SLOT_CURRENT_BYTES];
    struct slot_current held;
    struct bytes value;
    bool uncount = x->order->is_uncounted;
    enum err e = store_get(x->t, H_CURRENT, bytes_of(gone->slot, SLOT_BYTES), &value);

    if (e == ERR_NOT_FOUND)
        return OK; /* it is in quarantine */
    if (e != OK || (e = slot_current_get(&held, value)) != OK)
        return e;
    if (held.is_dead || held.lsn != s->entry->lsn || held.participant != s->entry->participant ||
        record_ref_compare(&held.ref, &own) != 0)
        return OK;
    if (is_frozen_by_hub(f->id))
        return err_set(ERR_DENIED,
                       _("the form %s is what the hub itself works by (who reports, who need not): it cannot be erased "
                         "while it counts; give it a retention class of its own"),
                       f->id);
    gone->was_current = !uncount;
    gone->is_uncounted = uncount;
    held.is_frozen = true;
    held.is_dead = uncount;
    x->act->current++;
    slot_current_put(raw, &held);
    if ((e = store_put(x->t, H_CURRENT, bytes_of(gone->slot, SLOT_BYTES), bytes_of(raw, sizeof(raw)))) != OK ||
        (uncount && (e = unlist(x, f, r, gone->slot)) != OK) ||
        (e = frozen_put(x->t, f->id, r->unit, r->period, x->act->number)) != OK)
        return e;
    return ledger_contribute(x->ledger, x->ledger->eval, bytes, x->sums, uncount ? -1 : 1);
}

static enum err erase_record(struct erasing *x, struct section *s, uint64_t number, struct bytes bytes)
{
    struct record_ref own = {s->entry->gen, number};
    struct erased_record *gone;
    const struct form *f = NULL;
    struct record r;
    enum err e = erased_add(&s->list, &gone);

    if (e != OK)
        return e;
    gone->number = number;
    gone->act = x->act->number;
    record_digest(gone->digest, bytes);
    s->erased++;
    x->act->submissions++;
    if ((e = decoder_read(x->ledger->decoder, bytes, &r, &f)) == ERR_NOMEM)
        return e;
    if (e != OK)
        return count_form(x->act, "");
    gone->is_readable = true;
    gone->kind = r.kind;
    gone->target = r.target;
    gone->filled_on = r.filled_on;
    if ((e = erased_place(&s->list, r.form, r.unit, r.period, &gone->place)) != OK ||
        (e = count_form(x->act, f->id)) != OK || r.kind == RECORD_RETRACTION)
        return e;
    slot_of(gone->slot, &x->ledger->slot_key, f, s->entry->participant, &own, &r);
    return freeze(x, s, f, &r, bytes, gone);
}

/* ---- one section ---- */

static bool is_chosen(const struct erasing *x, const struct section *s, uint64_t number)
{
    return x->order->scope == ACT_CLASS || selection_has(&x->selection, s->entry->lsn, number);
}

static enum err split(struct erasing *x, struct section *s)
{
    uint32_t count = batch_plain_count(s->plain);
    uint64_t last = 0;
    enum err e = OK;

    s->records = calloc((size_t)count + 1, sizeof(*s->records));
    s->numbers = calloc((size_t)count + 1, sizeof(*s->numbers));
    if (s->records == NULL || s->numbers == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count && e == OK; i++) {
        uint64_t number;
        struct bytes bytes = batch_plain_record(s->plain, i, &number, NULL);

        if (is_chosen(x, s, number)) {
            e = erase_record(x, s, number, bytes);
            continue;
        }
        residue_put(&s->residue, number, last, bytes);
        last = number;
        s->records[s->count] = bytes;
        s->numbers[s->count++] = number;
    }
    return e == OK ? buf_status(&s->residue) : e;
}

static enum err note_touched(struct erasing *x, const struct section *s)
{
    struct prick p = {.year = s->entry->school_year, .lsn = s->entry->lsn};
    enum err e = vouch_section(&x->vouch, x->act->number, s->entry->lsn, s->index, s->stored->clear, &s->list,
                               s->records, s->numbers, s->count);

    if (e != OK)
        return e;
    buf_put_u64(&x->touched, s->entry->lsn);
    buf_put_u32(&x->touched, s->index);
    buf_put_u32(&x->touched, s->erased);
    x->touched_count++;
    (void)snprintf(p.retention, sizeof(p.retention), "%s", s->stored->header.sections[s->index].retention);
    buf_put(&x->pricks, &p, sizeof(p));
    return (e = buf_status(&x->touched)) == OK ? buf_status(&x->pricks) : e;
}

/* The list before goes on. */
static enum err take_list(struct section *s)
{
    struct erased_list before = {NULL, NULL, 0, 0};
    const struct stored_section *from = &s->stored->sections[s->index];
    enum err e = from->is_whole ? OK : erased_get(&before, from->list);

    if (e == OK)
        e = erased_merge(&s->list, &before);
    erased_fini(&before);
    return e;
}

/* A batch that never opened has nothing to be listed. */
static enum err open_section(struct section *s, const struct stored_at *at, bool *is_readable)
{
    struct batch_part parts[BATCH_MAX_SECTIONS] = {0};
    enum err e = stored_open(&s->opened, s->stored, at, 1u << s->index);

    *is_readable = false;
    if (e != OK)
        return e;
    parts[s->index] = s->opened.parts[s->index];
    e = batch_open_parts(&s->plain, &s->stored->header, parts);
    *is_readable = e == OK;
    return e == ERR_NOMEM ? e : OK;
}

static enum err erase_section(struct erasing *x, struct section *s, const struct stored_at *at, bool was_readable,
                              struct stored_rest *rest)
{
    bool is_readable;
    enum err e = open_section(s, at, &is_readable);

    if (e == OK && is_readable && was_readable)
        e = split(x, s);
    if (e != OK || (s->erased == 0 && x->order->scope != ACT_CLASS) || (e = take_list(s)) != OK)
        return e;
    *rest = (struct stored_rest){&s->list, bytes_of(s->residue.data, s->residue.len),
                                 s->stored->sections[s->index].version + 1};
    return note_touched(x, s);
}

static void section_fini(struct section *s)
{
    batch_plain_free(s->plain);
    stored_opened_fini(&s->opened);
    erased_fini(&s->list);
    buf_wipe(&s->residue);
    free(s->records);
    free(s->numbers);
}

/* ---- one batch ---- */

static enum err blob_replace(struct store_txn *t, uint64_t lsn, struct bytes bytes)
{
    uint8_t key[12];
    enum err e = blob_put(t, lsn, bytes);

    be64_put(key, lsn);
    for (uint32_t chunk = (uint32_t)((bytes.len + LEDGER_BLOB_CHUNK - 1) / LEDGER_BLOB_CHUNK); e == OK; chunk++) {
        be32_put(key + 8, chunk);
        e = store_delete(t, H_BLOBS, bytes_of(key, sizeof(key)));
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err was_readable(const struct batch_entry *entry, const struct batch_header *h, bool *out)
{
    uint32_t count = 0;
    uint8_t *reasons;
    enum err e;

    for (uint32_t k = 0; k < h->section_count; k++)
        count += h->sections[k].records;
    if ((reasons = calloc((size_t)count + 1, 1)) == NULL)
        return ERR_NOMEM;
    *out = count == 0;
    if ((e = verdicts_get(reasons, count, entry->verdicts)) == OK)
        for (uint32_t i = 0; i < count && !*out; i++)
            *out = reasons[i] != QUARANTINE_UNREADABLE;
    free(reasons);
    return e;
}

static bool is_meant(const struct erasing *x, const struct stored_batch *s, uint32_t section)
{
    if (x->order->scope != ACT_CLASS)
        return true;
    return strcmp(s->header.sections[section].retention, x->order->retention) == 0 &&
           (s->sections[section].is_whole || s->sections[section].residue.len > 0);
}

static enum err erase_sections(struct erasing *x, const struct batch_entry *entry, const struct stored_batch *stored)
{
    const struct stored_at at = {x->hub->storage_keys, entry->lsn, entry->school_year, entry->digest};
    struct section sections[BATCH_MAX_SECTIONS];
    struct stored_rest rest[BATCH_MAX_SECTIONS];
    const struct stored_rest *replaced[BATCH_MAX_SECTIONS] = {NULL};
    struct buf out;
    bool any = false, readable = false;
    uint8_t key[8];
    uint32_t k = 0;
    enum err e = was_readable(entry, &stored->header, &readable);

    memset(sections, 0, sizeof(sections));
    buf_init(&out, STORED_MAX);
    for (; k < stored->header.section_count && e == OK; k++) {
        sections[k].entry = entry;
        sections[k].stored = stored;
        sections[k].index = k;
        buf_init(&sections[k].residue, BATCH_MAX_UNPACKED + BATCH_MAX_RECORDS * 8u);
        rest[k] = (struct stored_rest){NULL, {NULL, 0}, 0};
        if (!is_meant(x, stored, k) || (e = erase_section(x, &sections[k], &at, readable, &rest[k])) != OK ||
            rest[k].list == NULL)
            continue;
        replaced[k] = &rest[k];
        any = true;
    }
    if (e == OK && any) {
        be64_put(key, entry->lsn);
        x->act->batches++;
        if ((e = stored_replace(&out, stored, &at, replaced)) == OK &&
            (e = blob_replace(x->t, entry->lsn, bytes_of(out.data, out.len))) == OK)
            e = store_put(x->t, H_ERASED, bytes_of(key, sizeof(key)), bytes_of("", 0));
    }
    while (k-- > 0)
        section_fini(&sections[k]);
    buf_fini(&out);
    return e;
}

static enum err erase_batch(void *ctx, const struct batch_entry *entry)
{
    struct erasing *x = ctx;
    struct stored_batch stored;
    struct buf raw;
    enum err e;

    if (x->order->scope == ACT_CLASS ? entry->school_year != x->order->year
                                     : !selection_touches(&x->selection, entry->lsn))
        return OK;
    buf_init(&raw, STORED_MAX);
    if ((e = stored_get(x->t, entry->lsn, &raw, &stored)) == OK) {
        e = erase_sections(x, entry, &stored);
        stored_fini(&stored);
    }
    buf_fini(&raw);
    return e;
}

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
    if ((e = act_extract(x->hub, x->t, beside, &extract)) != OK)
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
