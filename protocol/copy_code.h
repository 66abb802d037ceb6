/* copy_code.h: the recovery code of a school's own copy: 24 letters in six groups, "ABCD-...", written on the sheet in
 * the safe.  20 letters (100 bits) are the secret; the last group proves that it was typed rightly and belongs to the
 * copy at hand: it is bound to the key that signed the copy, so that a stick that somebody exchanged does not open
 * quietly. key pair = X25519 of the seed H("svodka copy code v1", the 20 letters) last group = first 20 bits of
 * KD(seed, "svodka copy check v1", signing key) */
#ifndef SVODKA_PROTOCOL_COPY_CODE_H
#define SVODKA_PROTOCOL_COPY_CODE_H

#include "protocol/keys.h"

#define COPY_CODE_CHARS 29u /* with hyphens */

/* A fresh code for the home whose signing key is `signer`, and the pair that it stands for; key_free(), wipe(). */
MUST_CHECK enum err copy_code_new(char out[COPY_CODE_CHARS + 1], struct key **key, const uint8_t signer[KEY_BYTES]);
/* As typed: any case, with or without hyphens and blanks, Cyrillic look-alikes.  ERR_MALFORMED: not 24 letters of the
 * alphabet; ERR_AUTH: mistyped, or the code of another computer's copy. */
MUST_CHECK enum err copy_code_open(struct key **key, const char *typed, const uint8_t signer[KEY_BYTES]);

#endif
