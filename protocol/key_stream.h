/* key_stream.h: a secret text that is too long for the memory: secretstream XChaCha20-Poly1305 in chunks, the index of
 * each bound to it and the last one marked, so that cutting, swapping and altering are noticed; the key two parties
 * share for it; and the digest of such a text. */
#ifndef SVODKA_PROTOCOL_KEY_STREAM_H
#define SVODKA_PROTOCOL_KEY_STREAM_H

#include "protocol/keys.h"

#define KEY_STREAM_HEAD  24u /* random bytes that stand before the chunks */
#define KEY_STREAM_EXTRA 17u /* bytes a chunk grows by */

/* X25519 of `own` (SEAL or CURVE) with another's public key, then derive() over `context`.  ERR_AUTH: a point of low
 * order. */
MUST_CHECK enum err key_agree(uint8_t out[KEY_BYTES], const struct key *own, const uint8_t other[KEY_BYTES],
                              const char *domain, struct bytes context);

struct key_stream;
/* Makes `head`, or takes the one that stands in the file. */
MUST_CHECK enum err key_stream_seal(struct key_stream **out, const uint8_t key[KEY_BYTES],
                                    uint8_t head[KEY_STREAM_HEAD]);
MUST_CHECK enum err key_stream_open(struct key_stream **out, const uint8_t key[KEY_BYTES],
                                    const uint8_t head[KEY_STREAM_HEAD]);
/* The next chunk, appended to `out`. */
MUST_CHECK enum err key_stream_push(struct key_stream *s, struct bytes plain, bool is_last, struct buf *out);
/* ERR_AUTH: altered, out of its place, under another key, or what follows the last one. */
MUST_CHECK enum err key_stream_pull(struct key_stream *s, struct bytes sealed, struct buf *out, bool *is_last);
void key_stream_free(struct key_stream *s); /* wipes; NULL does nothing */

struct digest_stream;
MUST_CHECK enum err digest_stream_new(struct digest_stream **out);
void digest_stream_add(struct digest_stream *s, struct bytes in);
/* digest() of all that was added. */
void digest_stream_end(struct digest_stream *s, uint8_t out[DIGEST_BYTES]);
void digest_stream_free(struct digest_stream *s);

#endif
