#include "hub/ledger_erase_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- what an act vouches for ---- */

void vouch_init(struct vouch *v)
{
    memset(v->digest, 0, sizeof(v->digest));
    buf_init(&v->buf, (size_t)BATCH_MAX_RECORDS * 256u);
}

void vouch_fini(struct vouch *v)
{
    buf_fini(&v->buf);
}

static void put_digest(struct buf *b, uint64_t number, const uint8_t digest_in[RECORD_DIGEST_BYTES])
{
    buf_put_u64(b, number);
    buf_put(b, digest_in, RECORD_DIGEST_BYTES);
}

/* All records that the section ever had, in the order of their numbers: the same after each further erasure. */
static enum err digest_all(struct vouch *v, const struct erased_list *list, const struct bytes *records,
                           const uint64_t *numbers, uint32_t count, uint8_t out[DIGEST_BYTES])
{
    uint32_t gone = 0;
    uint32_t left = 0;
    enum err e;

    buf_reset(&v->buf);
    while (gone < list->record_count || left < count) {
        if (left == count || (gone < list->record_count && list->records[gone].number < numbers[left])) {
            put_digest(&v->buf, list->records[gone].number, list->records[gone].digest);
            gone++;
        } else {
            uint8_t own[RECORD_DIGEST_BYTES];

            record_digest(own, records[left]);
            put_digest(&v->buf, numbers[left++], own);
        }
    }
    if ((e = buf_status(&v->buf)) == OK)
        digest(out, bytes_of(v->buf.data, v->buf.len));
    return e;
}

enum err vouch_section(struct vouch *v, uint64_t act, uint64_t lsn, uint32_t section, struct bytes clear,
                       const struct erased_list *list, const struct bytes *records, const uint64_t *numbers,
                       uint32_t count)
{
    uint8_t all[DIGEST_BYTES], head[DIGEST_BYTES];
    enum err e = digest_all(v, list, records, numbers, count, all);

    if (e != OK)
        return e;
    digest(head, clear);
    buf_reset(&v->buf);
    buf_put(&v->buf, v->digest, DIGEST_BYTES);
    buf_put_u64(&v->buf, lsn);
    buf_put_u32(&v->buf, section);
    buf_put(&v->buf, head, DIGEST_BYTES);
    buf_put(&v->buf, all, DIGEST_BYTES);
    for (uint32_t i = 0; i < list->record_count; i++)
        if (list->records[i].act == act)
            erased_vouch(&v->buf, list, &list->records[i]);
    if ((e = buf_status(&v->buf)) == OK)
        digest(v->digest, bytes_of(v->buf.data, v->buf.len));
    return e;
}

/* ---- an act once more ---- */

struct again {
    struct ledger *ledger;
    struct store_txn *living, *t;
    const struct act *act;
    struct vouch vouch;
    uint64_t submissions, current, batches, last_lsn;
};

static enum err does_not_follow(void)
{
    return err_set(ERR_CORRUPT, _("what stayed of the erased submissions does not follow from the journal"));
}

static enum err set_slot(struct again *a, const struct erased_list *list, const struct erased_record *r,
                         const struct slot_current *c)
{
    const struct erased_place *p = &list->places[r->place];
    struct place at = {.form = hub_form(a->ledger->hub, p->form)};
    enum err e;

    if (at.form == NULL)
        return does_not_follow();
    memcpy(at.unit, p->unit, sizeof(at.unit));
    memcpy(at.period, p->period, sizeof(p->period));
    if ((e = replay_set_current(a->ledger->replay, r->slot, c, &at)) != OK)
        return e;
    return frozen_put(a->t, at.form->id, p->unit, p->period, a->act->number);
}

static enum err freeze(struct again *a, const struct batch_entry *entry, const struct erased_list *list,
                       const struct erased_record *r)
{
    struct record_ref own = {entry->gen, r->number};
    struct slot_current held;
    enum err e;

    a->submissions++;
    if (!r->was_current && !r->is_uncounted)
        return OK;
    a->current++;
    e = replay_current(a->ledger->replay, a->t, r->slot, &held);
    if (e == ERR_NOT_FOUND || (e == OK && (held.is_dead || held.lsn != entry->lsn ||
                                           slot_compare(held.participant, &held.ref, entry->participant, &own) != 0)))
        return does_not_follow();
    if (e != OK)
        return e;
    held.is_frozen = true;
    held.is_dead = r->is_uncounted;
    return set_slot(a, list, r, &held);
}

static enum err replay_section(struct again *a, const struct batch_entry *entry, const struct stored_batch *s,
                               const struct act_touched *touched)
{
    const struct stored_at at = {a->ledger->hub->storage_keys, entry->lsn, entry->school_year, entry->digest};
    struct erased_list list = {NULL, NULL, 0, 0};
    const struct batch_part *part;
    struct stored_opened o;
    uint64_t before = a->submissions;
    enum err e;

    if (touched->section >= s->header.section_count || s->sections[touched->section].is_whole)
        return does_not_follow();
    if ((e = stored_open(&o, s, &at, 1u << touched->section)) != OK)
        return e;
    part = &o.parts[touched->section];
    if ((e = erased_get(&list, s->sections[touched->section].list)) == OK)
        e = vouch_section(&a->vouch, a->act->number, entry->lsn, touched->section, s->clear, &list, part->records,
                          part->numbers, part->count);
    for (uint32_t i = 0; i < list.record_count && e == OK; i++)
        if (list.records[i].act == a->act->number)
            e = freeze(a, entry, &list, &list.records[i]);
    if (e == OK && a->submissions - before != touched->erased)
        e = does_not_follow();
    erased_fini(&list);
    stored_opened_fini(&o);
    return e;
}

static enum err replay_touched(void *ctx, const struct act_touched *touched)
{
    struct again *a = ctx;
    struct batch_entry entry;
    struct stored_batch s;
    struct bytes bytes;
    struct buf raw;
    uint8_t key[8];
    enum err e;

    buf_init(&raw, STORED_MAX);
    if (touched->lsn >= a->act->lsn)
        e = does_not_follow();
    else if ((e = journal_get(a->living, touched->lsn, &bytes)) == OK &&
             (e = batch_entry_get(&entry, touched->lsn, bytes)) == OK &&
             (e = stored_get(a->living, touched->lsn, &raw, &s)) == OK) {
        e = replay_section(a, &entry, &s, touched);
        stored_fini(&s);
    }
    buf_fini(&raw);
    a->batches += touched->lsn != a->last_lsn;
    a->last_lsn = touched->lsn;
    be64_put(key, touched->lsn);
    return e == OK ? store_put(a->t, H_ERASED, bytes_of(key, sizeof(key)), bytes_of("", 0)) : e;
}

static enum err check_act(const struct again *a)
{
    const struct act *act = a->act;

    if (!digest_equal(a->vouch.digest, act->vouch) || a->submissions != act->submissions ||
        a->current != act->current || a->batches != act->batches)
        return does_not_follow();
    return OK;
}

enum err ledger_erase_replay(struct ledger *l, struct store_txn *living, struct store_txn *t, uint64_t lsn,
                             struct mp *m, size_t elements, struct act *out)
{
    struct again a = {.ledger = l, .living = living, .t = t, .act = out};
    struct bytes object = mp_bin(m, SIGNED_MAX);
    struct buf beside;
    uint8_t key[8], value[8];
    enum err e;

    if (m->failed || elements < 1)
        return err_set(ERR_MALFORMED, _("an act of erasure is damaged"));
    if ((e = act_open(out, object, l->hub)) != OK)
        return e;
    out->lsn = lsn;
    if (out->number != act_count(t) + 1)
        return does_not_follow();
    vouch_init(&a.vouch);
    buf_init(&beside, ACT_BESIDE_MAX);
    if ((e = act_beside(living, out, &beside)) == OK &&
        (e = act_beside_each(bytes_of(beside.data, beside.len), replay_touched, NULL, &a)) == OK)
        e = check_act(&a);
    buf_fini(&beside);
    vouch_fini(&a.vouch);
    be64_put(key, out->number);
    be64_put(value, lsn);
    return e == OK ? store_put(t, H_ACTS, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value))) : e;
}

/* ---- the frozen sums ---- */

struct adding {
    const struct hub *hub;
    struct store_txn *to; /* NULL: it is only looked whether there is any */
    bool found;
    uint64_t act; /* at hand */
    enum err (*each)(void *ctx, uint64_t act, const struct cell_at *at, const struct cell *c);
    void *each_ctx;
    bool (*wanted)(const void *ctx, const uint8_t *variable);
    const void *ctx;
};

static bool is_defined(const struct hub *h, const uint8_t *variable)
{
    for (size_t p = 0; p < h->programme_count; p++)
        for (size_t i = 0; i < h->programmes[p]->variable_count; i++)
            if (memcmp(h->programmes[p]->variables[i]->digest, variable, VARIABLE_DIGEST_BYTES) == 0)
                return true;
    return false;
}

static enum err add_cell(void *ctx, struct bytes key, const struct cell *c)
{
    struct adding *a = ctx;
    struct contribution sum = {c->sum, (int64_t)c->n};

    if (a->wanted != NULL ? !a->wanted(a->ctx, key.p) : !is_defined(a->hub, key.p))
        return OK;
    a->found = true;
    return a->to == NULL ? OK : cell_add(a->to, key, &sum);
}

static enum err give_cell(void *ctx, struct bytes key, const struct cell *c)
{
    const struct adding *a = ctx;
    struct cell_at at;
    enum err e = cell_key_read(&at, key);

    return e == OK ? a->each(a->each_ctx, a->act, &at, c) : e;
}

static enum err walk_acts(struct store_txn *from, struct hub *h, struct adding *a)
{
    uint64_t count = act_count(from);
    struct act *act = count == 0 ? NULL : malloc(sizeof(*act));
    struct buf beside;
    enum err e = count > 0 && act == NULL ? ERR_NOMEM : OK;

    buf_init(&beside, ACT_BESIDE_MAX);
    for (uint64_t n = 1; n <= count && e == OK; n++) {
        buf_reset(&beside);
        a->act = n;
        if ((e = act_get(h, from, n, act, NULL)) == OK && (e = act_beside(from, act, &beside)) == OK)
            e = act_beside_each(bytes_of(beside.data, beside.len), NULL, a->each != NULL ? give_cell : add_cell, a);
    }
    buf_fini(&beside);
    free(act);
    return e;
}

enum err ledger_add_frozen(struct hub *h, struct store_txn *from, struct store_txn *to,
                           bool (*wanted)(const void *ctx, const uint8_t *variable), const void *ctx)
{
    struct adding a = {.hub = h, .to = to, .wanted = wanted, .ctx = ctx};

    return walk_acts(from, h, &a);
}

static bool is_same(const void *ctx, const uint8_t *variable)
{
    return memcmp(ctx, variable, VARIABLE_DIGEST_BYTES) == 0;
}

enum err ledger_has_frozen(struct hub *h, struct store_txn *t, const uint8_t *variable, bool *has)
{
    struct adding a = {.hub = h, .wanted = is_same, .ctx = variable};
    enum err e = walk_acts(t, h, &a);

    *has = a.found;
    return e;
}

enum err ledger_each_frozen(struct hub *h, struct store_txn *t,
                            enum err (*each)(void *ctx, uint64_t act, const struct cell_at *at, const struct cell *c),
                            void *ctx)
{
    struct adding a = {.hub = h, .each = each, .each_ctx = ctx};

    return act_count(t) == 0 ? OK : walk_acts(t, h, &a);
}
