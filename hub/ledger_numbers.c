#include "hub/ledger_internal.h"

#include <string.h>

/* What a batch's numbers and targets meet (see ledger_slots.c): numbers that are held, targets that are dead. */

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

/* ---- numbers that are held ---- */

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
    struct apply_kill k = {0, *target};
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
