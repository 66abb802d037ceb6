/* Batches from outside.  A fuzzer cannot seal, so it does it here: the first byte says what the rest of the input is:
 *   0  a whole batch
 *   1  a section's plain bytes: they are compressed and sealed
 *   2  a section's compressed bytes: they are sealed
 *   3  a header's MessagePack, behind which everything else is put right
 * In 1 and 2 the next two bytes give the number of records, in 2 two more the announced plain length. */
#include "protocol/batch.h"

#include "protocol/batch_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever opens must be numbered as announced and made of canonical records. */
static void check_plain(const struct batch_plain *p)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < batch_plain_count(p); i++) {
        uint64_t number;
        uint32_t section;
        struct bytes record = batch_plain_record(p, i, &number, &section);
        struct mp m = mp_of(record);

        (void)mp_any(&m);
        if (!mp_done(&m) || number <= last || section >= BATCH_MAX_SECTIONS)
            abort();
        last = number;
    }
}

static void receive(struct bytes batch, const struct section_keys *keys)
{
    struct batch_header h;
    struct batch_plain *p;

    if (batch_parse(&h, batch) != OK)
        return;
    if (batch_open(&p, &h, batch, keys, ~0u) == OK) {
        check_plain(p);
        batch_plain_free(p);
    }
    batch_header_fini(&h);
}

static void with_section(struct bytes packed, uint32_t records, uint32_t plain_len)
{
    static struct section_keys keys;
    struct number_range range = {1, records};
    struct batch_header h = {.version = BATCH_VERSION, .suite = SUITE_1, .participant = "p", .gen = {1, {0}}};
    struct buf out;

    h.sequence = 1;
    h.ranges = &range;
    h.range_count = h.section_count = 1;
    h.sections[0] = (struct batch_section){"default", records, plain_len, (uint32_t)packed.len, 0};
    buf_init(&out, 1u << 20);
    if (batch_header_put(&out, &h) == OK && section_seal(&out, keys.key[0], NULL, packed) == OK &&
        buf_grow(&out, SIGNATURE_BYTES) != NULL) {
        memset(out.data + out.len - SIGNATURE_BYTES, 0, SIGNATURE_BYTES);
        receive((struct bytes){out.data, out.len}, &keys);
    }
    buf_fini(&out);
}

static void with_plain(struct bytes plain, uint32_t records)
{
    size_t room = ZSTD_compressBound(plain.len);
    uint8_t *packed = malloc(room);
    size_t len;

    if (packed == NULL)
        abort();
    len = ZSTD_compress(packed, room, plain.p, plain.len, 1);
    if (!ZSTD_isError(len))
        with_section((struct bytes){packed, len}, records, (uint32_t)plain.len);
    free(packed);
}

static void with_header(struct bytes header)
{
    static struct section_keys keys;
    struct buf out;

    if (header.len > BATCH_MAX_HEADER)
        return;
    buf_init(&out, 1u << 20);
    buf_put_str(&out, BATCH_MAGIC);
    buf_put_u8(&out, BATCH_VERSION);
    buf_put_u8(&out, SUITE_1);
    buf_put_u16(&out, (uint16_t)header.len);
    buf_put(&out, header.p, header.len);
    if (buf_grow(&out, 200 + SIGNATURE_BYTES) != NULL) {
        memset(out.data + out.len - 200 - SIGNATURE_BYTES, 0, 200 + SIGNATURE_BYTES);
        receive((struct bytes){out.data, out.len}, &keys);
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct section_keys keys;
    struct rd in = rd_of(data, size);
    uint8_t mode = rd_u8(&in);
    uint32_t records;
    uint32_t plain_len;

    if (in.failed)
        return 0;
    switch (mode) {
    case 0: receive((struct bytes){in.p, rd_left(&in)}, &keys); break;
    case 1:
        records = rd_u16(&in);
        with_plain((struct bytes){in.p, rd_left(&in)}, records);
        break;
    case 2:
        records = rd_u16(&in);
        plain_len = rd_u16(&in);
        with_section((struct bytes){in.p, rd_left(&in)}, records, plain_len);
        break;
    case 3: with_header((struct bytes){in.p, rd_left(&in)}); break;
    default: break;
    }
    return 0;
}
