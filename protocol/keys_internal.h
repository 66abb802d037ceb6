/* keys_internal.h: what the files of keys.h and the batch share.  libsodium's key types go no further. */
#ifndef SVODKA_PROTOCOL_KEYS_INTERNAL_H
#define SVODKA_PROTOCOL_KEYS_INTERNAL_H

#include "protocol/keys.h"

#define KEY_SIGN_SECRET_BYTES 64u

/* From the secret half (SIGN: 64 bytes, others 32).  ERR_MALFORMED: the halves of a signing key do not match. */
MUST_CHECK enum err key_from_secret(struct key **out, enum key_kind kind, const uint8_t *secret);

/* X25519 with another's public key.  ERR_AUTH: a point of low order. */
MUST_CHECK enum err key_shared(uint8_t out[KEY_BYTES], const struct key *k, const uint8_t pk[KEY_BYTES]);

#endif
