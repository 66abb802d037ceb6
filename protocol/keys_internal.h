/* keys_internal.h: what the files of keys.h and the batch share.  libsodium's key types go no further. */
#ifndef SVODKA_PROTOCOL_KEYS_INTERNAL_H
#define SVODKA_PROTOCOL_KEYS_INTERNAL_H

#include "protocol/keys.h"

#define KEY_SIGN_SECRET_BYTES 64u

/* From the secret half (SIGN: 64 bytes, others 32).  ERR_MALFORMED: the halves of a signing key do not match. */
MUST_CHECK enum err key_from_secret(struct key **out, enum key_kind kind, const uint8_t *secret);

/* X25519 with another's public key.  ERR_AUTH: a point of low order. */
MUST_CHECK enum err key_shared(uint8_t out[KEY_BYTES], const struct key *k, const uint8_t pk[KEY_BYTES]);

/* Crockford's letters, five bits each, a hyphen after every fourth but the last; `count` of them and a NUL. */
void key_letters_put(char *out, const uint8_t *bytes, size_t count);
/* The letter that was typed at `at`: lower case, O for 0, I and L for 1, Cyrillic look-alikes; NUL: none of ours.
 * Returns the bytes it takes there. */
size_t key_letter_take(const char *at, char *letter);
unsigned key_letter_value(char letter); /* of one of ours: 0 to 31 */

#endif
