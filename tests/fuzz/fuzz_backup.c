/* Backups.  First byte 0: a whole file, its head believed only when its signature is right.  1: a stream that opens:
 * the rest is packed and sealed here, so that the fuzzer gets past the encryption to what a signed, hostile writer
 * could say.  Anything else: the records themselves, in pieces of that many bytes. */
#include "protocol/backup_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static struct key *sign, *recovery;

static struct key *key_of(enum key_kind kind, uint8_t letter)
{
    uint8_t seed[32];
    struct key *k;

    memset(seed, letter, sizeof(seed));
    if (key_from_seed(&k, kind, seed) != OK)
        abort();
    return k;
}

static void read_through(struct bytes file)
{
    struct backup_reader *r = NULL;
    static struct backup_item item;

    if (backup_open_bytes(&r, file) != OK)
        return;
    if (backup_unlock(r, recovery) == OK)
        while (backup_next(r, &item) == OK)
            if (item.value.len > BACKUP_VALUE_MAX || item.key.len > BACKUP_KEY_MAX ||
                strlen(item.name) > BACKUP_NAME_MAX)
                abort();
    backup_close(r);
}

static void put_file(struct buf *out, struct bytes packed)
{
    struct backup_head head;
    struct key *ephemeral = key_of(KEY_SEAL, 'e');
    struct key_stream *s = NULL;
    struct buf object;
    uint8_t key[KEY_BYTES], stream_head[KEY_STREAM_HEAD];

    memset(&head, 0, sizeof(head));
    head.kind = BACKUP_HUB;
    memcpy(head.recovery, key_public(recovery), KEY_BYTES);
    memcpy(head.ephemeral, key_public(ephemeral), KEY_BYTES);
    buf_init(&object, BACKUP_HEAD_MAX);
    if (backup_head_make(&object, &head, sign) != OK ||
        key_agree(key, ephemeral, head.recovery, BACKUP_DOMAIN, bytes_of(object.data, object.len)) != OK ||
        key_stream_seal(&s, key, stream_head) != OK)
        abort();
    buf_put(out, BACKUP_MAGIC, 4);
    buf_put_u8(out, BACKUP_VERSION);
    buf_put_u32(out, (uint32_t)object.len);
    buf_put(out, object.data, object.len);
    buf_put(out, stream_head, sizeof(stream_head));
    for (size_t at = 0;; at += BACKUP_CHUNK) {
        size_t left = packed.len - at;
        bool is_last = left <= BACKUP_CHUNK;

        if (key_stream_push(s, bytes_of(packed.p + at, is_last ? left : BACKUP_CHUNK), is_last, out) != OK)
            abort();
        if (is_last)
            break;
    }
    key_stream_free(s);
    key_free(ephemeral);
    buf_fini(&object);
}

/* Odd lengths are taken for a frame as they stand, so that frames are hostile, too. */
static void read_sealed(struct bytes in)
{
    size_t bound = ZSTD_compressBound(in.len);
    uint8_t *packed = malloc(bound);
    struct buf file;
    size_t len;

    if (packed == NULL)
        abort();
    buf_init(&file, 1 << 22);
    len = ZSTD_compress(packed, bound, in.p, in.len, 1);
    put_file(&file, in.len % 2 == 1 ? in : bytes_of(packed, len));
    read_through(bytes_of(file.data, file.len));
    buf_fini(&file);
    free(packed);
}

static void read_records(struct bytes in, size_t piece)
{
    struct backup_records *r = NULL;
    static struct backup_item item;
    enum err e = backup_records_new(&r);

    for (size_t at = 0; e == OK && at < in.len; at += piece) {
        bool has = true;

        e = backup_records_feed(r, bytes_of(in.p + at, in.len - at < piece ? in.len - at : piece));
        while (e == OK && has)
            e = backup_records_next(r, &item, &has);
        if (e == OK && backup_records_is_over(r) && at + piece < in.len &&
            backup_records_feed(r, bytes_of(in.p, 1)) == OK)
            abort();
    }
    backup_records_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (sign == NULL) {
        if (keys_start() != OK)
            abort();
        sign = key_of(KEY_SIGN, 's');
        recovery = key_of(KEY_SEAL, 'r');
    }
    if (data[0] == 0)
        read_through(bytes_of(data + 1, size - 1));
    else if (data[0] == 1)
        read_sealed(bytes_of(data + 1, size - 1));
    else
        read_records(bytes_of(data + 1, size - 1), data[0]);
    return 0;
}
