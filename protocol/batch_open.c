#include "protocol/batch.h"

#include "protocol/batch_internal.h"
#include "protocol/block.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct batch_plain {
    struct buf bytes;   /* the records, as they came out of the blocks */
    struct buf ends;    /* u32: where each of them ends */
    struct buf numbers; /* u64 */
    uint32_t *order;    /* by number; NULL: they stand in that order already */
    uint32_t count;
    uint32_t section_end[BATCH_MAX_SECTIONS]; /* index behind the section's last record, as they came */
};

static const uint64_t *numbers_of(const struct batch_plain *p)
{
    return (const uint64_t *)(const void *)p->numbers.data;
}

static const uint32_t *ends_of(const struct batch_plain *p)
{
    return (const uint32_t *)(const void *)p->ends.data;
}

void batch_plain_free(struct batch_plain *p)
{
    if (p == NULL)
        return;
    buf_wipe(&p->bytes);
    buf_fini(&p->ends);
    buf_fini(&p->numbers);
    free(p->order);
    free(p);
}

uint32_t batch_plain_count(const struct batch_plain *p)
{
    return p->count;
}

size_t batch_plain_bytes(const struct batch_plain *p)
{
    return sizeof(*p) + p->bytes.cap + p->ends.cap + p->numbers.cap +
           (p->order == NULL ? 0 : p->count * sizeof(*p->order));
}

struct bytes batch_plain_record(const struct batch_plain *p, uint32_t i, uint64_t *number, uint32_t *section)
{
    uint32_t at = p->order == NULL ? i : p->order[i];
    uint32_t start = at == 0 ? 0 : ends_of(p)[at - 1];

    if (number != NULL)
        *number = numbers_of(p)[at];
    if (section != NULL)
        for (*section = 0; at >= p->section_end[*section]; ++*section)
            ;
    return (struct bytes){p->bytes.data + start, ends_of(p)[at] - start};
}

/* ---- a section ---- */

static enum err malformed(const char *what)
{
    return err_set(ERR_MALFORMED, "%s", what);
}

/* Exactly one frame, of exactly the announced length: nothing is allocated that the header did not announce. */
static enum err decompress(uint8_t *plain, const struct batch_section *s, const uint8_t *packed)
{
    if (ZSTD_getFrameContentSize(packed, s->packed_len) != s->plain_len ||
        ZSTD_findFrameCompressedSize(packed, s->packed_len) != s->packed_len)
        return malformed("it is not one zstd frame of the announced length");
    if (ZSTD_decompress(plain, s->plain_len, packed, s->packed_len) != s->plain_len)
        return malformed("its zstd frame is damaged");
    return OK;
}

/* Blocks until the end of the section, with the announced number of records. */
static enum err decode_blocks(struct batch_plain *p, const struct batch_section *s, const uint8_t *plain)
{
    struct block_rows rows = {&p->bytes, &p->ends, &p->numbers};
    struct rd in = rd_of(plain, s->plain_len);
    uint32_t left = s->records;
    enum err e = OK;

    while (left > 0 && e == OK) {
        uint32_t count = 0;

        e = block_decode(&in, &rows, left, BATCH_MAX_UNPACKED - p->bytes.len, &count);
        left -= count;
        p->count += count;
    }
    if (e == OK && rd_left(&in) > 0)
        return malformed("bytes are left over after its last block");
    return e;
}

static enum err open_section(struct batch_plain *p, const struct batch_section *s, struct bytes sealed,
                             const uint8_t key[KEY_BYTES])
{
    uint8_t *packed = malloc(s->packed_len);
    uint8_t *plain = malloc(s->plain_len);
    enum err e;

    if (packed == NULL || plain == NULL) {
        e = err_set(ERR_NOMEM, "no memory to open a section");
        goto free_both;
    }
    if ((e = section_unseal(packed, key, sealed)) == OK && (e = decompress(plain, s, packed)) == OK)
        e = decode_blocks(p, s, plain);
    wipe(packed, s->packed_len);
    wipe(plain, s->plain_len);
free_both:
    free(plain);
    free(packed);
    return e;
}

/* ---- all of them ---- */

struct place {
    uint64_t number;
    uint32_t index;
};

static int by_number(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static bool ascends(const struct batch_plain *p)
{
    for (uint32_t i = 1; i < p->count; i++)
        if (numbers_of(p)[i] <= numbers_of(p)[i - 1])
            return false;
    return true;
}

static enum err sort(struct batch_plain *p)
{
    struct place *places;

    if (ascends(p))
        return OK;
    places = malloc(p->count * sizeof(*places));
    p->order = malloc(p->count * sizeof(*p->order));
    if (places == NULL || p->order == NULL) {
        free(places);
        (void)err_set(ERR_NOMEM, "no memory to put records in order");
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < p->count; i++)
        places[i] = (struct place){numbers_of(p)[i], i};
    qsort(places, p->count, sizeof(*places), by_number);
    for (uint32_t i = 0; i < p->count; i++)
        p->order[i] = places[i].index;
    free(places);
    return OK;
}

/* Each number stands once and in the header's ranges; as many of them as the sections announced, so that a batch
 * opened whole has exactly the numbers its header names. */
static enum err check_numbers(const struct batch_plain *p, const struct batch_header *h)
{
    uint64_t last = 0;
    uint32_t range = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t number = numbers_of(p)[p->order == NULL ? i : p->order[i]];

        while (range < h->range_count && number - h->ranges[range].first >= h->ranges[range].count &&
               number > h->ranges[range].first)
            range++;
        if (number <= last || range == h->range_count || number < h->ranges[range].first)
            return err_set(ERR_MALFORMED, "number %llu stands twice, or not in the batch's header",
                           (unsigned long long)number);
        last = number;
    }
    return OK;
}

/* Plain text: where it has to move, no copy is left behind. */
static enum err make_room(struct buf *b, const struct batch_part *part)
{
    struct buf moved;
    size_t need = b->len;

    for (uint32_t i = 0; i < part->count; i++)
        need += part->records[i].len;
    if (b->cap > need)
        return OK;
    buf_init(&moved, b->max);
    if (need > b->max || !buf_reserve(&moved, need)) {
        buf_fini(&moved);
        return need > b->max ? malformed("records of too many bytes") : ERR_NOMEM;
    }
    buf_put(&moved, b->data, b->len);
    buf_wipe(b);
    *b = moved;
    return OK;
}

/* Records as they stand, instead of blocks. */
static enum err take_records(struct batch_plain *p, const struct batch_part *part)
{
    enum err e = part->count == 0 ? OK : make_room(&p->bytes, part);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t end;

        if (part->records[i].len == 0 || part->records[i].len > RECORD_MAX ||
            part->records[i].len > BATCH_MAX_UNPACKED - p->bytes.len)
            return malformed("a record of no or too many bytes");
        buf_put(&p->bytes, part->records[i].p, part->records[i].len);
        end = (uint32_t)p->bytes.len;
        buf_put(&p->ends, &end, sizeof(end));
        buf_put(&p->numbers, &part->numbers[i], sizeof(part->numbers[i]));
        p->count++;
    }
    if (p->bytes.failed || p->ends.failed || p->numbers.failed)
        return err_set(ERR_NOMEM, "no memory to open a batch");
    return OK;
}

enum err batch_open_parts(struct batch_plain **out, const struct batch_header *h,
                          const struct batch_part parts[BATCH_MAX_SECTIONS])
{
    struct batch_plain *p = calloc(1, sizeof(*p));
    enum err e = OK;

    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory to open a batch");
    buf_init(&p->bytes, BATCH_MAX_UNPACKED + BLOCK_MAX_ROW + 1);
    buf_init(&p->ends, BATCH_MAX_RECORDS * sizeof(uint32_t));
    buf_init(&p->numbers, BATCH_MAX_RECORDS * sizeof(uint64_t));
    for (uint32_t i = 0; i < h->section_count && e == OK; i++) {
        const struct batch_section *s = &h->sections[i];

        e = parts[i].sealed.p != NULL ? open_section(p, s, parts[i].sealed, parts[i].key) : take_records(p, &parts[i]);
        if (e != OK)
            (void)err_prefix(e, "section %u (%s)", i, s->retention);
        p->section_end[i] = p->count;
    }
    if (e == OK)
        e = sort(p);
    if (e == OK)
        e = check_numbers(p, h);
    if (e == OK)
        *out = p;
    else
        batch_plain_free(p);
    return e;
}

enum err batch_open(struct batch_plain **out, const struct batch_header *h, struct bytes batch,
                    const struct section_keys *keys, uint32_t mask)
{
    struct batch_part parts[BATCH_MAX_SECTIONS] = {0};
    size_t at = batch_clear_len(batch);

    for (uint32_t i = 0; i < h->section_count; i++) {
        if ((mask >> i & 1) != 0)
            parts[i] = (struct batch_part){.sealed = {batch.p + at, h->sections[i].sealed_len}, .key = keys->key[i]};
        at += h->sections[i].sealed_len;
    }
    return batch_open_parts(out, h, parts);
}
