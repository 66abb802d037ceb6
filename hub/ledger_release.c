#include "hub/ledger_quarantine.h"

#include "common/clock.h"
#include "hub/intake.h"
#include "hub/ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is released takes the way of a batch that comes: the stored batch is prepared again, but only the released rows
 * are judged, and the rest stands aside as held.  Entry: [participant, lsn of the batch, was it unreadable, codes,
 * details]: codes are runs as of a batch's verdicts, details a list of [row, rule, field, expected, text] of those that
 * stay.  A replay judges nothing: it takes the codes. */

#define CODE_ACCEPTED 255u
#define CODE_ASIDE    254u /* in memory alone: not released */
#define ELEMENTS      5u
#define DETAIL        5u
#define LISTS_MAX     (16u << 20)

/* A batch of the journal, and what is decided about its rows. */
struct release {
    struct ledger *ledger;
    struct store_txn *t;
    uint64_t lsn; /* of the batch */
    struct batch_entry entry;
    struct buf entry_bytes, raw;
    struct stored_batch stored;
    bool has_stored;
    bool was_unreadable;
    uint8_t *codes; /* one a row: 0 untouched, CODE_ACCEPTED, or the reason why it stays */
    uint32_t count;
    struct prepared *p; /* NULL: it cannot be opened */
};

static void fini(struct release *r)
{
    prepared_free(r->p);
    if (r->has_stored)
        stored_fini(&r->stored);
    free(r->codes);
    buf_fini(&r->entry_bytes);
    buf_fini(&r->raw);
}

/* Entry, and what is stored. */
static enum err begin(struct release *r, struct ledger *l, struct store_txn *t, uint64_t lsn)
{
    struct bytes entry;
    enum err e;

    memset(r, 0, sizeof(*r));
    r->ledger = l;
    r->t = t;
    r->lsn = lsn;
    buf_init(&r->entry_bytes, 4u << 20);
    buf_init(&r->raw, STORED_MAX);
    if ((e = journal_get(t, lsn, &entry)) != OK)
        return e;
    buf_put(&r->entry_bytes, entry.p, entry.len); /* the store is about to change */
    if ((e = buf_status(&r->entry_bytes)) != OK ||
        (e = batch_entry_get(&r->entry, lsn, bytes_of(r->entry_bytes.data, r->entry_bytes.len))) != OK ||
        (e = stored_get(t, lsn, &r->raw, &r->stored)) != OK)
        return e;
    r->has_stored = true;
    for (uint32_t k = 0; k < r->stored.header.section_count; k++)
        r->count += r->stored.header.sections[k].records;
    return (r->codes = calloc(r->count + 1u, 1)) == NULL ? ERR_NOMEM : OK;
}

static enum err judge_of(struct ledger *l, struct intake **out)
{
    enum err e = OK;

    if (l->intake == NULL || l->intake_serial != l->hub->definitions_serial) {
        intake_free(l->intake);
        l->intake = NULL;
        l->intake_serial = l->hub->definitions_serial;
        e = intake_new(&l->intake, l->hub);
    }
    *out = l->intake;
    return e;
}

/* `reasons`: 0 for the rows that are released, anything else for the others. */
static enum err prepare(struct release *r, const uint8_t *reasons, bool are_judged)
{
    const struct participant *who = registry_by_index(r->ledger->hub->registry, r->entry.participant);
    struct prepared_verdicts v = {reasons, r->count, PARTICIPANT_ACTIVE, r->entry.grant_version, are_judged};
    const struct stored_at at = {r->ledger->hub->storage_keys, r->lsn, r->entry.school_year, r->entry.digest};
    struct stored_opened o;
    struct intake *judge;
    enum err e;

    if (who == NULL)
        return err_set(ERR_CORRUPT, "ledger: participant number %u is not registered", r->entry.participant);
    if ((e = judge_of(r->ledger, &judge)) != OK)
        return e;
    if ((e = stored_open(&o, &r->stored, &at, ~0u)) != OK)
        return e;
    e = intake_replay(judge, who, bytes_of(r->raw.data, r->raw.len), &r->stored, &o, r->entry.digest, &v, &r->p);
    stored_opened_fini(&o);
    if (e == OK && r->p->plain == NULL) {
        prepared_free(r->p);
        r->p = NULL;
    }
    return e;
}

/* ---- what is applied, now and in a replay ---- */

static enum err settle_rows(const struct apply *a, const struct release *r)
{
    enum err e = OK;

    for (uint32_t row = 0; e == OK && row < r->count; row++) {
        uint8_t raw[PLACE_KEY_BYTES];
        struct quarantine_row q = {.lsn = r->lsn, .row = row};
        struct bytes key;

        if (r->codes[row] == 0)
            continue;
        key = place_key(raw, a->p->participant, &a->p->header.gen, a->p->records[row].number);
        if (r->codes[row] == CODE_ACCEPTED) {
            e = store_delete(a->t, H_QUARANTINE, key);
            if (e == ERR_NOT_FOUND)
                e = err_set(ERR_CORRUPT, "ledger: what is released is not in quarantine");
            continue;
        }
        prepared_why(a->p, &a->p->records[row], &q.why);
        q.why.reason = (enum quarantine_reason)r->codes[row];
        e = quarantine_row_store(a->t, key, &q);
    }
    return e;
}

/* Refused, but readable for the first time: it takes the way of a refused one that comes. */
static bool is_news(const struct release *r, uint32_t row)
{
    return r->was_unreadable && r->codes[row] != 0 && r->codes[row] != QUARANTINE_CONFLICT;
}

static enum err apply_rows(struct apply *a, const struct release *r)
{
    enum err e = OK;

    /* A batch that nobody could read held none of its numbers. */
    if (r->was_unreadable && ((e = apply_find_held(a)) != OK || (e = apply_put_ranges(a)) != OK))
        return e;
    for (uint32_t row = 0; row < r->count; row++)
        a->flags[row] = r->codes[row] == CODE_ACCEPTED || is_news(r, row) ? 0 : ROW_HELD;
    if ((e = apply_find_dead(a)) != OK || (e = apply_fill_slots(a)) != OK || (e = apply_settle_cells(a)) != OK)
        return e;
    return settle_rows(a, r);
}

/* `flags`: one a row, what apply found out. */
static enum err apply(const struct release *r, uint8_t *flags)
{
    struct apply a = {.ledger = r->ledger, .t = r->t, .p = r->p, .lsn = r->lsn, .flags = flags};
    enum err e = ledger_eval(r->ledger);

    if (e != OK)
        return e;
    buf_init(&a.leaving, LISTS_MAX);
    buf_init(&a.kills, LISTS_MAX);
    e = apply_rows(&a, r);
    buf_fini(&a.kills);
    buf_fini(&a.leaving);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

/* ---- the operator's word ---- */

static bool has_detail(const struct release *r, uint32_t row)
{
    return r->codes[row] != 0 && r->codes[row] != CODE_ACCEPTED && r->p->records[row].text != PREPARED_NO_TEXT;
}

static void put_details(struct buf *b, const struct release *r)
{
    size_t count = 0;

    for (uint32_t row = 0; row < r->count; row++)
        count += has_detail(r, row);
    mp_put_array(b, count);
    for (uint32_t row = 0; row < r->count; row++) {
        struct refusal why;

        if (!has_detail(r, row))
            continue;
        prepared_why(r->p, &r->p->records[row], &why);
        mp_put_array(b, DETAIL);
        mp_put_uint(b, row);
        refusal_put_detail(b, &why);
        mp_put_cstr(b, why.text);
    }
}

static enum err journal(const struct release *r)
{
    struct buf codes;
    struct buf payload;
    uint64_t lsn;
    enum err e;

    buf_init(&codes, LISTS_MAX);
    buf_init(&payload, LISTS_MAX);
    reasons_put(&codes, r->codes, r->count);
    mp_put_uint(&payload, r->entry.participant);
    mp_put_uint(&payload, r->lsn);
    mp_put_bool(&payload, r->was_unreadable);
    mp_put_bin(&payload, codes.data, codes.len);
    put_details(&payload, r);
    if ((e = buf_status(&codes)) == OK && (e = buf_status(&payload)) == OK)
        e = ledger_decide(r->ledger, r->t, JOURNAL_RELEASE, bytes_of(payload.data, payload.len), ELEMENTS, &lsn);
    buf_fini(&payload);
    buf_fini(&codes);
    return e;
}

/* A number that another batch has brought meanwhile, or brought before, is that batch's. */
static enum err find_conflict(const struct release *r, uint32_t row, bool *is_one)
{
    struct record_ref ref = {r->stored.header.gen, r->p->records[row].number};
    uint64_t lsn = 0;
    enum err e = range_find(r->t, r->entry.participant, &ref, &lsn);

    *is_one = e == OK && lsn != r->lsn;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err keep_apart(struct release *r, uint32_t row, enum quarantine_reason reason, const char *text)
{
    struct refusal why = {.reason = reason};

    r->codes[row] = (uint8_t)reason;
    if (r->p->refused++ >= RECEIPT_MAX_REFUSALS)
        return OK;
    (void)snprintf(why.text, sizeof(why.text), "%s", text);
    return prepared_note(r->p, &r->p->records[row], &why);
}

static enum err code_row(struct release *r, uint32_t row, bool is_frozen)
{
    bool is_conflict;
    enum err e = find_conflict(r, row, &is_conflict);

    if (e == OK && is_conflict)
        return keep_apart(r, row, QUARANTINE_CONFLICT, LEDGER_WHY_CONFLICT);
    if (e == OK && is_frozen)
        return keep_apart(r, row, QUARANTINE_ERASED, LEDGER_WHY_ERASED);
    r->codes[row] = r->p->records[row].reason == 0 ? CODE_ACCEPTED : r->p->records[row].reason;
    return e;
}

/* Sets ROW_FROZEN on those of the released rows that speak about what has been erased meanwhile. */
static enum err find_frozen(const struct release *r, const uint8_t *reasons, uint8_t *flags)
{
    struct apply a = {.ledger = r->ledger, .t = r->t, .p = r->p, .lsn = r->lsn, .flags = flags};

    for (uint32_t row = 0; row < r->count; row++)
        flags[row] = reasons[row] == 0 ? 0 : ROW_HELD;
    return apply_find_frozen(&a);
}

/* Rows of the items; the judgement of all of them. */
static enum err judge(struct release *r, const struct quarantined *items, size_t count)
{
    uint8_t *reasons = malloc(r->count + 1u);
    uint8_t *flags = calloc(r->count + 1u, 1);
    enum err e = reasons == NULL || flags == NULL ? ERR_NOMEM : OK;

    if (e != OK)
        goto fini;
    memset(reasons, CODE_ASIDE, r->count + 1u);
    for (size_t i = 0; e == OK && i < count; i++) {
        if (items[i].lsn != r->lsn || items[i].row >= r->count)
            e = err_set(ERR_CORRUPT, "ledger: entry %llu has no row %u", (unsigned long long)r->lsn, items[i].row);
        else
            reasons[items[i].row] = 0;
    }
    if (e == OK && (e = prepare(r, reasons, true)) == OK && r->p != NULL)
        e = find_frozen(r, reasons, flags);
    for (size_t i = 0; e == OK && r->p != NULL && i < count; i++) {
        if (r->p->records[items[i].row].number != items[i].ref.number)
            e = err_set(ERR_CORRUPT, "ledger: entry %llu does not hold number %llu in row %u",
                        (unsigned long long)r->lsn, (unsigned long long)items[i].ref.number, items[i].row);
        else
            e = code_row(r, items[i].row, (flags[items[i].row] & ROW_FROZEN) != 0);
    }
fini:
    free(flags);
    free(reasons);
    return e;
}

/* What stays as it was is no news. */
static bool changes(const struct release *r, const struct quarantined *items, const struct released *out, size_t count)
{
    if (r->p == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (r->codes[items[i].row] == CODE_ACCEPTED || items[i].why.reason != out[i].why.reason ||
            items[i].why.rule != out[i].why.rule || strcmp(items[i].why.field, out[i].why.field) != 0 ||
            strcmp(items[i].why.expected, out[i].why.expected) != 0)
            return true;
    return false;
}

static void tell(const struct release *r, const struct quarantined *items, const uint8_t *flags, size_t count,
                 struct released *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t row = items[i].row;

        memset(&out[i], 0, sizeof(out[i]));
        out[i].ref = items[i].ref;
        if (r->p == NULL) {
            out[i].why = items[i].why;
        } else if (r->codes[row] == CODE_ACCEPTED) {
            out[i].is_counted =
                flags != NULL && ((flags[row] & ROW_CURRENT) != 0 || r->p->records[row].kind == RECORD_RETRACTION);
            out[i].is_superseded = !out[i].is_counted;
        } else {
            prepared_why(r->p, &r->p->records[row], &out[i].why);
            out[i].why.reason = (enum quarantine_reason)r->codes[row];
        }
    }
}

enum err ledger_release(struct ledger *l, struct store_txn *t, const struct quarantined *items, size_t count,
                        struct released *out)
{
    struct release r;
    uint8_t *flags = NULL;
    enum err e = begin(&r, l, t, items[0].lsn);

    r.was_unreadable = items[0].why.reason == QUARANTINE_UNREADABLE;
    if (e == OK)
        e = judge(&r, items, count);
    if (e == OK)
        tell(&r, items, NULL, count, out);
    if (e == OK && changes(&r, items, out, count)) {
        if ((flags = calloc(r.count + 1u, 1)) == NULL)
            e = ERR_NOMEM;
        if (e == OK && (e = journal(&r)) == OK && (e = apply(&r, flags)) == OK)
            tell(&r, items, flags, count, out);
    }
    free(flags);
    fini(&r);
    return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

/* ---- a replay ---- */

static enum err take_details(struct release *r, struct mp *m)
{
    size_t count = mp_array(m, 0, r->count);
    enum err e = OK;

    for (size_t i = 0; e == OK && i < count && !m->failed; i++) {
        struct refusal why = {.rule = 0};
        uint32_t row;

        (void)mp_array(m, DETAIL, DETAIL);
        row = (uint32_t)mp_uint(m, UINT32_MAX);
        refusal_read_detail(m, &why);
        mp_text(m, why.text, 0, RECEIPT_TEXT_MAX);
        if (m->failed || row >= r->count)
            return err_set(ERR_MALFORMED, "ledger: a detail of what was released is damaged");
        e = prepared_note(r->p, &r->p->records[row], &why);
    }
    return m->failed ? ERR_MALFORMED : e;
}

static enum err replay(struct release *r, struct mp *m, struct bytes codes)
{
    uint8_t *reasons = malloc(r->count + 1u);
    uint8_t *flags = calloc(r->count + 1u, 1);
    enum err e = reasons == NULL || flags == NULL ? ERR_NOMEM : verdicts_get(r->codes, r->count, codes);

    if (e == ERR_CORRUPT)
        e = ERR_MALFORMED;
    for (uint32_t row = 0; e == OK && row < r->count; row++)
        reasons[row] = r->codes[row] == CODE_ACCEPTED ? 0 : r->codes[row] == 0 ? CODE_ASIDE : r->codes[row];
    if (e == OK && (e = prepare(r, reasons, false)) == OK && r->p == NULL)
        e = err_set(ERR_MALFORMED, "ledger: what was released cannot be opened");
    if (e == OK && (e = take_details(r, m)) == OK)
        e = apply(r, flags);
    free(flags);
    free(reasons);
    return e;
}

enum err ledger_release_replay(struct ledger *l, struct store_txn *t, struct mp *m, size_t elements)
{
    struct release r;
    uint32_t participant = (uint32_t)mp_uint(m, UINT32_MAX);
    uint64_t lsn = mp_uint(m, UINT64_MAX);
    bool was_unreadable = mp_bool(m);
    struct bytes codes = mp_bin(m, LISTS_MAX);
    enum err e;

    if (m->failed || elements < ELEMENTS)
        return err_set(ERR_MALFORMED, "ledger: an entry that releases is damaged");
    e = begin(&r, l, t, lsn);
    r.was_unreadable = was_unreadable;
    if (e == ERR_CORRUPT || (e == OK && r.entry.participant != participant))
        e = err_set(ERR_MALFORMED, "ledger: an entry releases what is not there");
    if (e == OK)
        e = replay(&r, m, codes);
    fini(&r);
    return e;
}
