#include "hub/erased.h"

#include <stdlib.h>
#include <string.h>

#define LIST_VERSION 1u

/* Flags of a record. */
enum { FLAG_READABLE = 1, FLAG_CURRENT = 2, FLAG_UNCOUNTED = 4, FLAGS_KIND = 3 /* of kind, shifted */ };
#define KIND_SHIFT 3u

void erased_fini(struct erased_list *l)
{
    free(l->places);
    free(l->records);
    *l = (struct erased_list){NULL, NULL, 0, 0};
}

/* Room doubles at every power of two. */
static bool is_full(uint32_t count)
{
    return (count & (count - 1)) == 0;
}

enum err erased_add(struct erased_list *l, struct erased_record **out)
{
    if (l->record_count == BATCH_MAX_RECORDS)
        return err_set(ERR_LIMIT, "more than %u erased submissions of one batch", BATCH_MAX_RECORDS);
    if (is_full(l->record_count)) {
        size_t cap = l->record_count == 0 ? 1 : (size_t)l->record_count * 2;
        struct erased_record *grown = reallocarray(l->records, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->records = grown;
    }
    *out = &l->records[l->record_count++];
    memset(*out, 0, sizeof(**out));
    return OK;
}

static bool is_place(const struct erased_place *p, const uint8_t form[FORM_DIGEST_BYTES], const char *unit,
                     const char *period)
{
    return memcmp(p->form, form, FORM_DIGEST_BYTES) == 0 && strcmp(p->unit, unit) == 0 &&
           strcmp(p->period, period) == 0;
}

enum err erased_place(struct erased_list *l, const uint8_t form[FORM_DIGEST_BYTES], const char *unit,
                      const char *period, uint32_t *index)
{
    struct erased_place *p;

    for (uint32_t i = l->place_count; i-- > 0;)
        if (is_place(&l->places[i], form, unit, period)) {
            *index = i;
            return OK;
        }
    if (l->place_count == BATCH_MAX_RECORDS)
        return err_set(ERR_LIMIT, "more than %u places in one batch", BATCH_MAX_RECORDS);
    if (is_full(l->place_count)) {
        size_t cap = l->place_count == 0 ? 1 : (size_t)l->place_count * 2;

        if ((p = reallocarray(l->places, cap, sizeof(*p))) == NULL)
            return ERR_NOMEM;
        l->places = p;
    }
    p = &l->places[ *index = l->place_count++];
    memset(p, 0, sizeof(*p));
    memcpy(p->form, form, FORM_DIGEST_BYTES);
    memcpy(p->unit, unit, strnlen(unit, ID_MAX));
    memcpy(p->period, period, strnlen(period, PERIOD_ID_MAX));
    return OK;
}

static int by_number(const void *a, const void *b)
{
    const struct erased_record *x = a;
    const struct erased_record *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

enum err erased_merge(struct erased_list *l, const struct erased_list *from)
{
    for (uint32_t i = 0; i < from->record_count; i++) {
        const struct erased_record *r = &from->records[i];
        struct erased_record *mine = NULL;
        enum err e = erased_add(l, &mine);

        if (e != OK)
            return e;
        *mine = *r;
        if (r->is_readable) {
            const struct erased_place *p = &from->places[r->place];

            if ((e = erased_place(l, p->form, p->unit, p->period, &mine->place)) != OK)
                return e;
        }
    }
    if (l->record_count > 0)
        qsort(l->records, l->record_count, sizeof(*l->records), by_number);
    return OK;
}

const struct erased_record *erased_find(const struct erased_list *l, uint64_t number)
{
    const struct erased_record key = {.number = number};

    return l->record_count == 0 ? NULL : bsearch(&key, l->records, l->record_count, sizeof(*l->records), by_number);
}

/* ---- bytes ---- */

static uint8_t flags_of(const struct erased_record *r)
{
    unsigned flags = (unsigned)r->kind << KIND_SHIFT;

    flags |= r->is_readable ? FLAG_READABLE : 0u;
    flags |= r->was_current ? FLAG_CURRENT : 0u;
    flags |= r->is_uncounted ? FLAG_UNCOUNTED : 0u;
    return (uint8_t)flags;
}

static void put_text(struct buf *out, const char *text)
{
    size_t len = strlen(text);

    buf_put_u8(out, (uint8_t)len);
    buf_put(out, text, len);
}

static void put_ref(struct buf *out, const struct record_ref *ref)
{
    uint8_t raw[RECORD_REF_BYTES];

    record_ref_put(raw, ref);
    buf_put(out, raw, sizeof(raw));
}

/* version u8 | places: count varint, each form 32, unit, period | records: count varint, each number (difference)
 * varint, act varint, flags u8, digest 16 and, when readable, place varint, filled on zigzag, [target 20], [slot 24] */
void erased_put(struct buf *out, const struct erased_list *l)
{
    uint64_t last = 0;

    buf_put_u8(out, LIST_VERSION);
    buf_put_varint(out, l->place_count);
    for (uint32_t i = 0; i < l->place_count; i++) {
        buf_put(out, l->places[i].form, FORM_DIGEST_BYTES);
        put_text(out, l->places[i].unit);
        put_text(out, l->places[i].period);
    }
    buf_put_varint(out, l->record_count);
    for (uint32_t i = 0; i < l->record_count; i++) {
        const struct erased_record *r = &l->records[i];

        buf_put_varint(out, r->number - last);
        last = r->number;
        buf_put_varint(out, r->act);
        buf_put_u8(out, flags_of(r));
        buf_put(out, r->digest, RECORD_DIGEST_BYTES);
        if (!r->is_readable)
            continue;
        buf_put_varint(out, r->place);
        buf_put_zigzag(out, r->filled_on);
        if (r->kind != RECORD_NEW)
            put_ref(out, &r->target);
        if (r->kind != RECORD_RETRACTION)
            buf_put(out, r->slot, SLOT_BYTES);
    }
}

/* As large as adding one by one would have made it. */
static size_t room_for(uint64_t count)
{
    size_t cap = 1;

    while (cap < count)
        cap *= 2;
    return cap;
}

static void take_text(struct rd *in, char *out, size_t max, bool (*is_good)(const char *text))
{
    size_t len = rd_u8(in);
    const uint8_t *p = len > max ? NULL : rd_bytes(in, len);

    if (p == NULL || memchr(p, 0, len) != NULL) {
        in->failed = true;
        return;
    }
    memcpy(out, p, len);
    out[len] = '\0';
    if (is_good != NULL && !is_good(out))
        in->failed = true;
}

static void take_bytes(struct rd *in, uint8_t *out, size_t len)
{
    const uint8_t *p = rd_bytes(in, len);

    if (p != NULL)
        memcpy(out, p, len);
}

static enum err take_places(struct rd *in, struct erased_list *l)
{
    uint64_t count = rd_varint(in);

    if (in->failed || count > rd_left(in) / (FORM_DIGEST_BYTES + 2u) || count > BATCH_MAX_RECORDS)
        return ERR_MALFORMED;
    if (count > 0 && (l->places = calloc(room_for(count), sizeof(*l->places))) == NULL)
        return ERR_NOMEM;
    l->place_count = (uint32_t)count;
    for (uint32_t i = 0; i < l->place_count && !in->failed; i++) {
        take_bytes(in, l->places[i].form, FORM_DIGEST_BYTES);
        take_text(in, l->places[i].unit, ID_MAX, id_is_valid);
        take_text(in, l->places[i].period, PERIOD_ID_MAX, NULL);
    }
    return in->failed ? ERR_MALFORMED : OK;
}

static void take_readable(struct rd *in, const struct erased_list *l, struct erased_record *r)
{
    uint64_t place = rd_varint(in);
    int64_t day = rd_zigzag(in);
    const uint8_t *ref = r->kind == RECORD_NEW ? NULL : rd_bytes(in, RECORD_REF_BYTES);

    if (place >= l->place_count || day < INT32_MIN || day > INT32_MAX)
        in->failed = true;
    r->place = (uint32_t)place;
    r->filled_on = (int32_t)day;
    if (ref != NULL)
        r->target = record_ref_get(ref);
    if (r->kind != RECORD_RETRACTION)
        take_bytes(in, r->slot, SLOT_BYTES);
}

static void take_record(struct rd *in, const struct erased_list *l, uint64_t last, struct erased_record *r)
{
    uint64_t more = rd_varint(in);
    unsigned flags;

    r->number = last + more;
    r->act = rd_varint(in);
    flags = rd_u8(in);
    take_bytes(in, r->digest, RECORD_DIGEST_BYTES);
    r->is_readable = (flags & FLAG_READABLE) != 0;
    r->was_current = (flags & FLAG_CURRENT) != 0;
    r->is_uncounted = (flags & FLAG_UNCOUNTED) != 0;
    r->kind = (enum record_kind)(flags >> KIND_SHIFT & FLAGS_KIND);
    if (more == 0 || r->number < last || r->number > INT64_MAX || flags >> (KIND_SHIFT + 2) != 0 ||
        r->kind > RECORD_RETRACTION || (!r->is_readable && flags != 0) || (r->was_current && r->is_uncounted))
        in->failed = true;
    if (r->is_readable && !in->failed)
        take_readable(in, l, r);
}

static enum err take_records(struct rd *in, struct erased_list *l)
{
    uint64_t count = rd_varint(in);
    uint64_t last = 0;

    if (in->failed || count > rd_left(in) / (RECORD_DIGEST_BYTES + 3u) || count > BATCH_MAX_RECORDS)
        return ERR_MALFORMED;
    if (count > 0 && (l->records = calloc(room_for(count), sizeof(*l->records))) == NULL)
        return ERR_NOMEM;
    l->record_count = (uint32_t)count;
    for (uint32_t i = 0; i < l->record_count && !in->failed; i++) {
        take_record(in, l, last, &l->records[i]);
        last = l->records[i].number;
    }
    return in->failed || rd_left(in) > 0 ? ERR_MALFORMED : OK;
}

enum err erased_get(struct erased_list *out, struct bytes in)
{
    struct rd r = rd_of(in.p, in.len);
    struct erased_list l = {NULL, NULL, 0, 0};
    enum err e = rd_u8(&r) == LIST_VERSION ? take_places(&r, &l) : ERR_MALFORMED;

    if (e == OK)
        e = take_records(&r, &l);
    if (e == OK) {
        *out = l;
        return OK;
    }
    erased_fini(&l);
    return e == ERR_NOMEM ? e : err_set(ERR_MALFORMED, "a list of erased submissions is damaged");
}

void erased_vouch(struct buf *out, const struct erased_list *l, const struct erased_record *r)
{
    buf_put_u64(out, r->number);
    buf_put_u8(out, flags_of(r));
    buf_put(out, r->digest, RECORD_DIGEST_BYTES);
    if (!r->is_readable)
        return;
    buf_put(out, l->places[r->place].form, FORM_DIGEST_BYTES);
    put_text(out, l->places[r->place].unit);
    put_text(out, l->places[r->place].period);
    buf_put_zigzag(out, r->filled_on);
    put_ref(out, &r->target);
    buf_put(out, r->slot, SLOT_BYTES);
}

/* ---- residue: number (difference) varint, length varint, bytes ---- */

void residue_put(struct buf *out, uint64_t number, uint64_t last, struct bytes record)
{
    buf_put_varint(out, number - last);
    buf_put_varint(out, record.len);
    buf_put(out, record.p, record.len);
}

enum err residue_each(struct bytes in, enum err (*each)(void *ctx, uint64_t number, struct bytes record), void *ctx)
{
    struct rd r = rd_of(in.p, in.len);
    uint64_t last = 0;
    uint32_t count = 0;

    while (rd_left(&r) > 0) {
        uint64_t more = rd_varint(&r);
        uint64_t len = rd_varint(&r);
        const uint8_t *p = len == 0 || len > RECORD_MAX ? NULL : rd_bytes(&r, (size_t)len);
        enum err e;

        if (r.failed || p == NULL || more == 0 || more > (uint64_t)INT64_MAX - last || ++count > BATCH_MAX_RECORDS)
            return err_set(ERR_MALFORMED, "what is left of a section is damaged");
        last += more;
        if ((e = each(ctx, last, bytes_of(p, (size_t)len))) != OK)
            return e;
    }
    return OK;
}
