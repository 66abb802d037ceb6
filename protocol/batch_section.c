#include "protocol/batch_internal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == STREAM_HEADER_BYTES, "stream header");
_Static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == STREAM_CHUNK_EXTRA, "bytes a chunk grows by");
_Static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES == KEY_BYTES, "stream key");

#define SEALED_CHUNK (BATCH_CHUNK + STREAM_CHUNK_EXTRA)

size_t section_sealed_len(size_t packed_len)
{
    size_t chunks = (packed_len + BATCH_CHUNK - 1) / BATCH_CHUNK;

    return STREAM_HEADER_BYTES + packed_len + chunks * STREAM_CHUNK_EXTRA;
}

/* The digest of the whole clear part holds both parties' keys, the place in the sequence and the lengths, so that a
 * section opens in no other batch and at no other place in it. */
void section_key(uint8_t out[KEY_BYTES], const uint8_t shared[KEY_BYTES], unsigned index, struct bytes clear)
{
    uint8_t context[1 + DIGEST_BYTES];

    context[0] = (uint8_t)index;
    digest(context + 1, clear);
    derive(out, shared, BATCH_SECTION_DOMAIN, (struct bytes){context, sizeof(context)});
}

enum err section_seal(struct buf *out, const uint8_t key[KEY_BYTES], const uint8_t *stream_header, struct bytes packed)
{
    crypto_secretstream_xchacha20poly1305_state state;
    size_t before = out->len;
    uint8_t *at = buf_grow(out, section_sealed_len(packed.len));
    uint8_t place[4];
    int failed;

    if (at == NULL)
        return err_set(buf_status(out), "no room for a sealed section of %zu bytes", packed.len);
    if (stream_header != NULL) { /* pulling from a given header sets the state that pushing to it had */
        memcpy(at, stream_header, STREAM_HEADER_BYTES);
        failed = crypto_secretstream_xchacha20poly1305_init_pull(&state, at, key);
    } else {
        failed = crypto_secretstream_xchacha20poly1305_init_push(&state, at, key);
    }
    at += STREAM_HEADER_BYTES;
    for (size_t i = 0; i * BATCH_CHUNK < packed.len; i++) {
        size_t left = packed.len - i * BATCH_CHUNK;
        size_t len = left < BATCH_CHUNK ? left : BATCH_CHUNK;
        uint8_t tag = left <= BATCH_CHUNK ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                          : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;

        be32_put(place, (uint32_t)i);
        failed |= crypto_secretstream_xchacha20poly1305_push(&state, at, NULL, packed.p + i * BATCH_CHUNK, len, place,
                                                             sizeof(place), tag);
        at += len + STREAM_CHUNK_EXTRA;
    }
    sodium_memzero(&state, sizeof(state));
    if (failed != 0) {
        out->len = before;
        return err_set(ERR_INTERNAL, "sealing a section failed");
    }
    return OK;
}

static enum err does_not_open(void)
{
    return err_set(ERR_AUTH, "a section does not open: altered, cut, or sealed for another hub");
}

enum err section_unseal(uint8_t *out, const uint8_t key[KEY_BYTES], struct bytes sealed)
{
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t tag = 0;
    uint8_t place[4];
    size_t at = STREAM_HEADER_BYTES;
    enum err e = OK;

    if (sealed.len <= STREAM_HEADER_BYTES + STREAM_CHUNK_EXTRA)
        return does_not_open();
    if (crypto_secretstream_xchacha20poly1305_init_pull(&state, sealed.p, key) != 0)
        return does_not_open();
    for (uint32_t i = 0; at < sealed.len && e == OK; i++) {
        size_t left = sealed.len - at;
        size_t len = left < SEALED_CHUNK ? left : SEALED_CHUNK;
        bool is_last = left <= SEALED_CHUNK;
        uint8_t want = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                               : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;

        be32_put(place, i);
        if (len <= STREAM_CHUNK_EXTRA ||
            crypto_secretstream_xchacha20poly1305_pull(&state, out, NULL, &tag, sealed.p + at, len, place,
                                                       sizeof(place)) != 0 ||
            tag != want)
            e = does_not_open();
        out += len - STREAM_CHUNK_EXTRA;
        at += len;
    }
    sodium_memzero(&state, sizeof(state));
    return e;
}
