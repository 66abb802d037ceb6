/* zip_pack.h: a ZIP archive out of parts as the mutations give them, stored, its checksums right.  Included by one file of
 * a target. */
#ifndef SVODKA_TESTS_FUZZ_ZIP_PACK_H
#define SVODKA_TESTS_FUZZ_ZIP_PACK_H

#include "common/buf.h"

#include <string.h>

struct part {
    const char *name, *good;
};

static void put16(struct buf *b, unsigned v)
{
    buf_put_u8(b, (uint8_t)v);
    buf_put_u8(b, (uint8_t)(v >> 8));
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v & 0xFFFF);
    put16(b, v >> 16);
}

static uint32_t checksum(const uint8_t *bytes, size_t len)
{
    uint32_t c = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        c ^= bytes[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (UINT32_C(0xEDB88320) & (0u - (c & 1)));
    }
    return ~c;
}

/* What the local header and the directory say alike. */
static void put_common(struct buf *b, const char *name, const uint8_t *bytes, size_t len)
{
    put16(b, 20);
    put16(b, 0);
    put16(b, 0); /* stored */
    put32(b, 0x00210000);
    put32(b, checksum(bytes, len));
    put32(b, (uint32_t)len);
    put32(b, (uint32_t)len);
    put16(b, (unsigned)strlen(name));
    put16(b, 0);
}

static void put_part(struct buf *file, struct buf *directory, const char *name, const uint8_t *bytes, size_t len)
{
    uint32_t at = (uint32_t)file->len;

    buf_put(file, "PK\3\4", 4);
    put_common(file, name, bytes, len);
    buf_put_str(file, name);
    buf_put(file, bytes, len);
    buf_put(directory, "PK\1\2", 4);
    put16(directory, 20);
    put_common(directory, name, bytes, len);
    put16(directory, 0);
    put16(directory, 0);
    put16(directory, 0);
    put32(directory, 0);
    put32(directory, at);
    buf_put_str(directory, name);
}

/* The fixed parts, then the changing ones: each up to the next zero byte of `data`, where that is empty a good one. */
static void zip_pack(struct buf *file, const struct part *fixed, size_t fixed_count, const struct part *changing,
                     size_t changing_count, const uint8_t *data, size_t size)
{
    const size_t count = changing_count + fixed_count;
    struct buf directory;
    uint32_t at;

    buf_init(&directory, 1u << 20);
    for (size_t i = 0; i < fixed_count; i++)
        put_part(file, &directory, fixed[i].name, (const uint8_t *)fixed[i].good, strlen(fixed[i].good));
    for (size_t i = 0; i < changing_count; i++) {
        const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
        size_t len = zero != NULL ? (size_t)(zero - data) : size;

        if (len > 0)
            put_part(file, &directory, changing[i].name, data, len);
        else
            put_part(file, &directory, changing[i].name, (const uint8_t *)changing[i].good, strlen(changing[i].good));
        len += zero != NULL;
        data += len;
        size -= len;
    }
    at = (uint32_t)file->len;
    buf_put(file, directory.data, directory.len);
    buf_put(file, "PK\5\6\0\0\0\0", 8);
    put16(file, (unsigned)count);
    put16(file, (unsigned)count);
    put32(file, (uint32_t)directory.len);
    put32(file, at);
    put16(file, 0);
    buf_fini(&directory);
}

#endif
