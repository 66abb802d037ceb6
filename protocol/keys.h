/* keys.h: keys as types of their own, in guarded memory, and the files they are kept in.
 * Secrets live in sodium_malloc() memory and are wiped by their one _free.  Call keys_start() before anything else
 * (and before any libzmq call). */
#ifndef SVODKA_PROTOCOL_KEYS_H
#define SVODKA_PROTOCOL_KEYS_H

#include "common/buf.h"

#define KEY_BYTES       32u /* public keys, X25519 and CURVE secrets, symmetric keys */
#define SIGNATURE_BYTES 64u
#define DIGEST_BYTES    32u

/* sodium_init; no core dumps, and no other process of the same user may look into this one's memory (its /proc entry
 * becomes root's); the limit of locked memory is raised as far as it goes.  Again after every exec. */
MUST_CHECK enum err keys_start(void);
/* False once a key had to be made in memory that may be swapped out (RLIMIT_MEMLOCK): a warning was logged then. */
bool keys_are_locked(void);

void digest(uint8_t out[DIGEST_BYTES], struct bytes in); /* BLAKE2b-256 */
/* BLAKE2b-256 of domain NUL-terminated string (with its NUL) followed by the bytes. */
void digest_domain(uint8_t out[DIGEST_BYTES], const char *domain, struct bytes in);
/* Keyed BLAKE2b-256: derivation and MAC; same layout. */
void derive(uint8_t out[KEY_BYTES], const uint8_t key[KEY_BYTES], const char *domain, struct bytes context);
bool digest_equal(const uint8_t a[DIGEST_BYTES], const uint8_t b[DIGEST_BYTES]); /* constant time */
void random_bytes(void *out, size_t len);
void wipe(void *p, size_t len);

enum key_kind { KEY_SIGN = 1, KEY_SEAL = 2, KEY_CURVE = 3, KEY_SECRET = 4 };

/* A secret with its public half (KEY_SECRET: symmetric, no public half). */
struct key;
MUST_CHECK enum err key_generate(struct key **out, enum key_kind kind);
/* From 32 bytes of seed: CURVE and SIGN keys of an invitation's code, test vectors. */
MUST_CHECK enum err key_from_seed(struct key **out, enum key_kind kind, const uint8_t seed[32]);
/* From the secret half (SIGN: 64 bytes, others 32).  ERR_MALFORMED: the halves of a signing key do not match. */
MUST_CHECK enum err key_from_secret(struct key **out, enum key_kind kind, const uint8_t *secret);
void key_free(struct key *k); /* wipes; NULL does nothing */
enum key_kind key_kind(const struct key *k);
const uint8_t *key_public(const struct key *k); /* 32 bytes; NULL for KEY_SECRET */
const uint8_t *key_secret(const struct key *k); /* SIGN: 64 bytes (seed and public), others: 32 */

/* Where a service manager has put keys for this run: $CREDENTIALS_DIRECTORY (systemd: LoadCredential=,
 * LoadCredentialEncrypted=).  With `use`, key_read() takes "svodka-NAME" from there (NAME: the last part of the path)
 * for a file that is not there; a command that was not started by the manager has no such folder and reads files. */
void key_use_credentials(bool use);
/* That folder; NULL: not in use, or there is none. */
const char *key_credentials(void);
#define KEY_CREDENTIAL_PREFIX "svodka-"

/* One key file, 0600: text, "svodka key 1", kind, name, hex.  ERR_EXISTS: never overwritten.
 * Read: ERR_NOT_FOUND, ERR_DENIED (others may read it: refused), ERR_MALFORMED, ERR_INVALID (another kind). */
MUST_CHECK enum err key_write(const struct key *k, const char *path, const char *name);
MUST_CHECK enum err key_read(struct key **out, const char *path, enum key_kind kind);

/* Ed25519ph over domain (with its NUL) and the parts. */
MUST_CHECK enum err key_sign(const struct key *k, const char *domain, struct bytes a, struct bytes b,
                             uint8_t out[SIGNATURE_BYTES]);
MUST_CHECK enum err key_verify(const uint8_t pk[KEY_BYTES], const char *domain, struct bytes a, struct bytes b,
                               const uint8_t sig[SIGNATURE_BYTES]); /* ERR_AUTH */

/* Anonymous box to a sealing key for small things (enrolment request): ephemeral X25519, derive(), XChaCha20-Poly1305
 * with `ad` bound.  out = ephemeral public 32 | nonce 24 | ciphertext + 16. */
MUST_CHECK enum err seal_small(struct buf *out, const uint8_t to[KEY_BYTES], const char *domain, struct bytes ad,
                               struct bytes plain);
MUST_CHECK enum err open_small(struct buf *out, const struct key *seal, const char *domain, struct bytes ad,
                               struct bytes sealed); /* ERR_AUTH */

/* Symmetric: nonce 24 | ciphertext + 16.  Values at rest, wrapped keys. */
MUST_CHECK enum err lock_bytes(struct buf *out, const uint8_t key[KEY_BYTES], struct bytes ad, struct bytes plain);
MUST_CHECK enum err unlock_bytes(struct buf *out, const uint8_t key[KEY_BYTES], struct bytes ad, struct bytes locked);
#define LOCK_OVERHEAD 40u

#define FINGERPRINT_BYTES 20u
#define FINGERPRINT_CHARS 39u
/* Eight groups of four Crockford base32 letters (160 bits of a digest), for sheets and screens: "7K2M-...". */
void fingerprint(char out[FINGERPRINT_CHARS + 1], const uint8_t pk[KEY_BYTES]);
/* The same 160 bits as bytes, and written down. */
void fingerprint_bytes(uint8_t out[FINGERPRINT_BYTES], const uint8_t pk[KEY_BYTES]);
bool fingerprint_equal(const uint8_t a[FINGERPRINT_BYTES], const uint8_t b[FINGERPRINT_BYTES]); /* constant time */
void fingerprint_text(char out[FINGERPRINT_CHARS + 1], const uint8_t print[FINGERPRINT_BYTES]);
/* One-time code: twelve Crockford base32 letters in three groups, 60 bits: "ABCD-EFGH-JKMN". */
void code_random(char out[15]);
/* Both accept lower case, blanks, missing hyphens, O for 0, I and L for 1, and Cyrillic look-alikes.
 * ERR_MALFORMED, with a sentence that says which letter is wrong, or how many are missing. */
MUST_CHECK enum err code_normalise(char out[15], const char *typed);
MUST_CHECK enum err fingerprint_read(uint8_t out[FINGERPRINT_BYTES], const char *typed);
/* A key out of a normalised code that costs 8 MiB and about 10 ms to compute (Argon2id), so that 60 bits are out of
 * reach for whoever must try them all.  ERR_NOMEM. */
MUST_CHECK enum err code_stretch(uint8_t out[KEY_BYTES], const char *code, const uint8_t print[FINGERPRINT_BYTES]);

#endif
