#include "hub/ledger_internal.h"

#include <stdlib.h>
#include <string.h>

/* What a batch's records do to the slots.  The outcome does not depend on the order in which batches arrive:
 *   - a number is held once, by the first batch that brought it (apply_find_held());
 *   - dead is whatever an accepted correction or retraction names, before or after it arrives, and what a dead one in
 *     quarantine names (apply_find_dead());
 *   - of a slot's submissions the greatest is current, and if it is dead the slot is empty (apply_fill_slots());
 *   - cells are the sum over current submissions: the difference is added in one go (apply_settle_cells(),
 * ledger_settle.c). */

struct kill {
    uint64_t lsn;
    struct record_ref ref;
};

static const struct generation *gen_of(const struct apply *a)
{
    return &a->p->header.gen;
}

static struct bytes key_of(const struct apply *a, uint8_t raw[PLACE_KEY_BYTES], uint64_t number)
{
    return place_key(raw, a->p->participant, gen_of(a), number);
}

bool apply_is_accepted(const struct apply *a, uint32_t row)
{
    return a->p->records[row].reason == 0 && (a->flags[row] & (ROW_HELD | ROW_FROZEN)) == 0;
}

/* ---- numbers that are held, targets that are dead ---- */

/* Of two of which at least one was erased the digests stayed. */
static bool same_digest(const struct apply *a, const struct held_batch *b, uint32_t row, struct bytes was,
                        struct bytes is)
{
    uint64_t number = a->p->records[row].number;
    const struct erased_record *then = held_erased(b, number);
    const struct erased_record *now = a->p->holes == NULL ? NULL : erased_find(&a->p->holes->list, number);
    uint8_t x[RECORD_DIGEST_BYTES];
    uint8_t y[RECORD_DIGEST_BYTES];

    if (then == NULL)
        record_digest(x, was);
    if (now == NULL)
        record_digest(y, is);
    return memcmp(then == NULL ? x : then->digest, now == NULL ? y : now->digest, RECORD_DIGEST_BYTES) == 0;
}

/* A record that could not be read cannot be compared either: it stays a refusal, and what is held stays. */
static enum err compare_held(struct apply *a, uint32_t row, uint64_t lsn)
{
    const struct held_batch *b;
    struct bytes was;
    struct bytes is;
    uint64_t number;
    uint32_t old_row;
    enum err e;

    a->flags[row] |= ROW_HELD;
    if (a->p->plain == NULL)
        return OK;
    if ((e = held_open(a->ledger, a->t, lsn, &b)) != OK)
        return e;
    number = a->p->records[row].number;
    is = prepared_row(a->p, row);
    if (held_find_row(b, number, &old_row) != OK)
        return err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu", (unsigned long long)lsn,
                       (unsigned long long)number);
    e = held_record(b, old_row, &was, &number);
    if (e != OK && e != ERR_ERASED)
        return e;
    if (e == OK && is.len > 0 ? was.len != is.len || memcmp(was.p, is.p, is.len) != 0
                              : !same_digest(a, b, row, was, is))
        a->flags[row] |= ROW_CONFLICT;
    return OK;
}

/* Walks the batch's numbers and the held ranges side by side; both ascend. */
enum err apply_find_held(struct apply *a)
{
    const struct prepared *p = a->p;
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    enum err e;

    if (p->count == 0)
        return OK;
    if ((e = store_cursor_open(a->t, H_RANGES, &c)) != OK)
        return e;
    e = store_seek_before(c, key_of(a, raw, p->records[0].number), &key, &value);
    if (e == ERR_NOT_FOUND || (e == OK && !place_key_is_of(key, p->participant, gen_of(a))))
        e = store_next(c, &key, &value);
    for (uint32_t row = 0; row < p->count && e == OK && place_key_is_of(key, p->participant, gen_of(a));) {
        uint64_t number = p->records[row].number;
        uint64_t last;
        uint64_t lsn;

        if ((e = range_get(value, &last, &lsn)) != OK)
            break;
        if (last < number)
            e = store_next(c, &key, &value);
        else if (place_key_number(key) <= number)
            e = compare_held(a, row++, lsn);
        else
            row++;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err apply_mark_listed(struct apply *a, unsigned table, enum row_flag flag)
{
    const struct prepared *p = a->p;
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint8_t raw[PLACE_KEY_BYTES];
    uint32_t row = 0;
    enum err e;

    if (p->count == 0)
        return OK;
    if ((e = store_cursor_open(a->t, table, &c)) != OK)
        return e;
    for (e = store_seek(c, key_of(a, raw, p->records[0].number), &key, &value);
         e == OK && place_key_is_of(key, p->participant, gen_of(a)); e = store_next(c, &key, &value)) {
        while (row < p->count && p->records[row].number < place_key_number(key))
            row++;
        if (row == p->count)
            break;
        if (p->records[row].number == place_key_number(key))
            a->flags[row] |= (uint8_t)flag;
    }
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* The row that has the number, or p->count. */
static uint32_t row_of(const struct prepared *p, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = p->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->records[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->records[low].number == number ? low : p->count;
}

/* Several may name one target: the greatest of them is remembered, whichever came first. */
static enum err put_dead(struct apply *a, const struct record_ref *by, const struct record_ref *target, bool *is_news)
{
    uint8_t raw[PLACE_KEY_BYTES];
    uint8_t value[RECORD_REF_BYTES];
    struct bytes key = place_key(raw, a->p->participant, &target->gen, target->number);
    struct bytes held;
    enum err e = store_get(a->t, H_DEAD, key, &held);

    *is_news = e == ERR_NOT_FOUND;
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    record_ref_put(value, by);
    if (e == OK && held.len == sizeof(value) && memcmp(held.p, value, sizeof(value)) >= 0)
        return OK;
    return store_put(a->t, H_DEAD, key, bytes_of(value, sizeof(value)));
}

/* A submission that waits in quarantine stands in no slot; *next: it is a correction or retraction, and what it names.
 * An entry of another batch is about another copy. */
static enum err find_waiting(struct apply *a, const struct record_ref *ref, uint64_t lsn, bool *waits,
                             struct record_ref *next, bool *has_next)
{
    const struct erased_record *gone;
    uint8_t raw[PLACE_KEY_BYTES];
    const struct held_batch *b;
    struct quarantine_row q;
    struct bytes value;
    struct record r;
    uint64_t number;
    enum err e = store_get(a->t, H_QUARANTINE, place_key(raw, a->p->participant, &ref->gen, ref->number), &value);

    *waits = *has_next = false;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if ((e = quarantine_row_get(&q, value)) != OK || q.lsn != lsn)
        return e;
    *waits = true;
    if ((e = held_open(a->ledger, a->t, lsn, &b)) != OK)
        return e;
    if ((gone = held_erased(b, ref->number)) !=
        NULL) { /* its answers are not there any more; what it corrected is known */
        *has_next = q.why.reason != QUARANTINE_TARGET && gone->is_readable && gone->kind != RECORD_NEW &&
                    record_ref_compare(&gone->target, ref) < 0;
        *next = gone->target;
        return OK;
    }
    if ((e = held_record(b, q.row, &value, &number)) != OK)
        return e;
    *has_next = q.why.reason != QUARANTINE_TARGET && record_names_earlier(value, ref, &r);
    if (*has_next)
        *next = r.target;
    return OK;
}

/* A target in an earlier batch. */
static enum err add_kill(struct apply *a, const struct record_ref *target, struct record_ref *next, bool *has_next)
{
    struct kill k = {0, *target};
    bool waits;
    enum err e = range_find(a->t, a->p->participant, target, &k.lsn);

    *has_next = false;
    if (e == ERR_NOT_FOUND)
        return OK; /* not here yet: H_DEAD remembers it */
    if (e != OK || (e = find_waiting(a, target, k.lsn, &waits, next, has_next)) != OK || waits)
        return e;
    buf_put(&a->kills, &k, sizeof(k));
    return buf_status(&a->kills);
}

/* A target in this batch. */
static enum err mark_dead(struct apply *a, uint32_t row, struct record_ref *next, bool *has_next)
{
    const struct prepared_record *r = &a->p->records[row];
    struct record_ref own = {*gen_of(a), r->number};

    a->flags[row] |= ROW_DEAD;
    *has_next = r->reason != 0 && r->kind != RECORD_NEW;
    *next = r->target;
    return r->reason == 0 ? OK : apply_say(a, &own, STANDING_CORRECTED, (enum quarantine_reason)0);
}

/* `by` names `target`, which is dead from now on.  If that waits in quarantine and names another one, the school has
 * replaced that, too: had it been accepted, it would be dead already.  So along the chain, which only goes back. */
static enum err name_dead(struct apply *a, struct record_ref by, struct record_ref target)
{
    const struct prepared *p = a->p;
    bool goes_on = true;

    while (goes_on) {
        struct record_ref next = target;
        bool is_news;
        uint32_t row;
        enum err e = put_dead(a, &by, &target, &is_news);

        if (e != OK || !is_news)
            return e;
        row = generation_compare(&target.gen, gen_of(a)) == 0 ? row_of(p, target.number) : p->count;
        if (row != p->count && (a->flags[row] & ROW_HELD) == 0)
            e = mark_dead(a, row, &next, &goes_on);
        else if ((e = apply_say_corrected(a, &target)) == OK)
            e = add_kill(a, &target, &next, &goes_on);
        if (e != OK)
            return e;
        by = target;
        target = next;
    }
    return OK;
}

enum err apply_find_dead(struct apply *a)
{
    const struct prepared *p = a->p;
    enum err e = apply_mark_listed(a, H_DEAD, ROW_DEAD);

    for (uint32_t row = 0; e == OK && row < p->count; row++) {
        const struct prepared_record *r = &p->records[row];
        struct record_ref own = {*gen_of(a), r->number};
        bool is_refused = r->reason != 0 && (a->flags[row] & (ROW_HELD | ROW_DEAD)) == ROW_DEAD;

        if (r->kind != RECORD_NEW && (apply_is_accepted(a, row) || is_refused))
            e = name_dead(a, own, r->target);
    }
    return e;
}

/* ---- slots ---- */

static enum err leave(struct apply *a, const struct slot_current *c)
{
    struct old_row old = {c->lsn, c->row};

    buf_put(&a->leaving, &old, sizeof(old));
    return buf_status(&a->leaving);
}

static enum err list_slot(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool is_listed)
{
    uint8_t raw[SLOT_LIST_KEY_MAX];
    struct bytes key = bytes_of(raw, slot_list_key(raw, at->form->id, at->unit, at->period, slot));

    enum err e = is_listed ? store_put(a->t, H_SLOTS, key, bytes_of("", 0)) : store_delete(a->t, H_SLOTS, key);

    return e == ERR_NOT_FOUND ? err_set(ERR_CORRUPT, "ledger: a slot that holds a submission is not listed") : e;
}

enum err apply_current(struct apply *a, const uint8_t slot[SLOT_BYTES], struct slot_current *out)
{
    struct bytes value;
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_current(a->ledger->replay, a->t, slot, out);
    e = store_get(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES), &value);
    return e == OK ? slot_current_get(out, value) : e;
}

enum err apply_set_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool was_dead,
                           const struct slot_current *c)
{
    uint8_t raw[SLOT_CURRENT_BYTES];
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_set_current(a->ledger->replay, slot, c, at);
    slot_current_put(raw, c);
    e = store_put(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES), bytes_of(raw, sizeof(raw)));
    return e != OK || was_dead == c->is_dead ? e : list_slot(a, at, slot, !c->is_dead);
}

enum err apply_drop_current(struct apply *a, const struct place *at, const uint8_t slot[SLOT_BYTES], bool was_dead)
{
    enum err e;

    if (a->ledger->replay != NULL)
        return replay_drop_current(a->ledger->replay, slot, at);
    e = store_delete(a->t, H_CURRENT, bytes_of(slot, SLOT_BYTES));
    return e != OK || was_dead ? e : list_slot(a, at, slot, false);
}

/* The batch's greatest submission of a slot meets what stands there. */
static enum err fill_slot(struct apply *a, uint32_t row)
{
    const struct prepared_record *r = &a->p->records[row];
    struct slot_current mine = {.participant = a->p->participant,
                                .ref = {*gen_of(a), r->number},
                                .lsn = a->lsn,
                                .row = row,
                                .is_dead = (a->flags[row] & ROW_DEAD) != 0};
    struct slot_current held = {.is_dead = true};
    enum err e = apply_current(a, r->slot, &held);

    if (e == OK) {
        if (slot_compare(held.participant, &held.ref, mine.participant, &mine.ref) >= 0)
            return OK;
        if (!held.is_dead && (e = leave(a, &held)) != OK)
            return e;
    } else if (e != ERR_NOT_FOUND)
        return e;
    if (!mine.is_dead) {
        a->flags[row] |= ROW_CURRENT;
        a->current++;
    }
    return apply_set_current(a, places_at(cell_sums_places(a->p->sums), r->place), r->slot, held.is_dead, &mine);
}

static enum err fill_from_batch(struct apply *a)
{
    const struct prepared *p = a->p;
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < p->value_count;) {
        const uint8_t *slot = p->records[p->by_slot[i]].slot;
        uint32_t greatest = p->count;

        for (; i < p->value_count && memcmp(p->records[p->by_slot[i]].slot, slot, SLOT_BYTES) == 0; i++)
            if (apply_is_accepted(a, p->by_slot[i]))
                greatest = p->by_slot[i];
        if (greatest != p->count)
            e = fill_slot(a, greatest);
    }
    return e;
}

static int compare_kills(const void *x, const void *y)
{
    const struct kill *a = x;
    const struct kill *b = y;

    if (a->lsn != b->lsn)
        return a->lsn < b->lsn ? -1 : 1;
    return record_ref_compare(&a->ref, &b->ref);
}

static enum err place_of_erased(const struct apply *a, const struct held_batch *b, const struct erased_record *r,
                                struct place *at)
{
    const struct erased_place *p = &b->holes->list.places[r->place];

    if ((at->form = hub_form(a->ledger->hub, p->form)) == NULL)
        return err_set(ERR_CORRUPT, "ledger: what stayed of an erased submission is damaged");
    memcpy(at->unit, p->unit, sizeof(at->unit));
    memcpy(at->period, p->period, sizeof(p->period));
    return OK;
}

/* The slot of a held submission; a retraction has none. */
static enum err target_of(struct apply *a, const struct held_batch *b, const struct record_ref *ref, struct place *at,
                          uint8_t slot[SLOT_BYTES], bool *has_slot)
{
    const struct erased_record *gone = held_erased(b, ref->number);
    struct bytes record;
    struct record r;
    uint64_t number;
    uint32_t row;
    enum err e;

    *has_slot = false;
    if (gone != NULL) {
        if (!gone->is_readable || gone->kind == RECORD_RETRACTION)
            return OK;
        *has_slot = true;
        memcpy(slot, gone->slot, SLOT_BYTES);
        return place_of_erased(a, b, gone, at);
    }
    if ((e = held_find_row(b, ref->number, &row)) != OK || (e = held_record(b, row, &record, &number)) != OK ||
        (e = decoder_read(a->ledger->decoder, record, &r, &at->form)) != OK)
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    if (r.kind == RECORD_RETRACTION)
        return OK;
    *has_slot = true;
    memcpy(at->unit, r.unit, sizeof(at->unit));
    memcpy(at->period, r.period, sizeof(at->period));
    slot_of(slot, &a->ledger->slot_key, at->form, a->p->participant, ref, &r);
    return OK;
}

/* A target in an earlier batch: if it is current in its slot, the slot is empty from now on. */
static enum err kill(struct apply *a, const struct kill *k)
{
    const struct held_batch *b;
    struct slot_current held;
    struct place at = {0};
    uint8_t slot[SLOT_BYTES];
    bool has_slot;
    enum err e;

    if ((e = held_open(a->ledger, a->t, k->lsn, &b)) != OK ||
        (e = target_of(a, b, &k->ref, &at, slot, &has_slot)) != OK)
        return e;
    if (!has_slot)
        return OK;
    e = apply_current(a, slot, &held);
    if (e == ERR_NOT_FOUND)
        return err_set(ERR_CORRUPT, "ledger: a submission of entry %llu stands in no slot", (unsigned long long)k->lsn);
    if (e != OK)
        return e;
    if (held.is_dead || slot_compare(held.participant, &held.ref, a->p->participant, &k->ref) != 0)
        return OK;
    if ((e = leave(a, &held)) != OK)
        return e;
    held.is_dead = true;
    return apply_set_current(a, &at, slot, false, &held);
}

static enum err kill_all(struct apply *a)
{
    struct kill *kills = (struct kill *)(void *)a->kills.data;
    size_t count = a->kills.len / sizeof(*kills);
    enum err e = OK;

    if (count > 0)
        qsort(kills, count, sizeof(*kills), compare_kills);
    for (size_t i = 0; e == OK && i < count; i++)
        e = kill(a, &kills[i]);
    return e;
}

enum err apply_fill_slots(struct apply *a)
{
    enum err e = fill_from_batch(a);

    return e == OK ? kill_all(a) : e;
}
