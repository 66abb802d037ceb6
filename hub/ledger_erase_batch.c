#include "hub/ledger_erase_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "hub/returns_internal.h"
#include "hub/roster.h"
#include "hub/storage_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct told told = {s->entry->participant, own};
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
    buf_put(&x->told, &told, sizeof(told));
    if ((e = buf_status(&x->told)) != OK)
        return e;
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
    slot_of(gone->slot, &x->ledger->slot_key, f, s->entry->participant, bytes, &r);
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
    if (x->touched_count == 0)
        x->act->first_lsn = s->entry->lsn; /* the journal is walked from its beginning */
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

enum err erase_batch(void *ctx, const struct batch_entry *entry)
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
