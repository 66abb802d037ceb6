/* batch_internal.h: the layout of a batch, shared by its making and its reading (SPEC.md section 4).
 *
 *   "SVDB" | version u8 | suite u8 | header length u16 | header | sealed section ... | signature 64 */
#ifndef SVODKA_PROTOCOL_BATCH_INTERNAL_H
#define SVODKA_PROTOCOL_BATCH_INTERNAL_H

#include "protocol/batch.h"

#define BATCH_MAGIC          "SVDB"
#define BATCH_VERSION        1u
#define BATCH_FIXED_BYTES    8u
#define BATCH_DOMAIN         "svodka batch v1"
#define BATCH_SECTION_DOMAIN "svodka batch v1 section"
#define BATCH_CHUNK          (64u << 10)
#define STREAM_HEADER_BYTES  24u
#define STREAM_CHUNK_EXTRA   17u

bool retention_is_valid(const char *name); /* [A-Za-z0-9_.-]{1,64} */

/* What a section of so many compressed bytes takes when sealed. */
size_t section_sealed_len(size_t packed_len);

/* Everything before the first section.  ERR_FULL: the header would be too long; `out` is as before. */
MUST_CHECK enum err batch_header_put(struct buf *out, const struct batch_header *h);

/* `shared`: X25519 of the ephemeral and the sealing key.  `clear`: everything before the first section. */
void section_key(uint8_t out[KEY_BYTES], const uint8_t shared[KEY_BYTES], unsigned index, struct bytes clear);
/* `stream_header`: 24 bytes in test vectors, else NULL. */
MUST_CHECK enum err section_seal(struct buf *out, const uint8_t key[KEY_BYTES], const uint8_t *stream_header,
                                 struct bytes packed);
/* `out` takes section.packed_len bytes.  ERR_AUTH. */
MUST_CHECK enum err section_unseal(uint8_t *out, const uint8_t key[KEY_BYTES], struct bytes sealed);

#endif
