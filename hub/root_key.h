/* root_key.h: the district's root key: where it lies, how it is locked, opened and typed in again (docs/keys.md).
 *
 * Nothing but certifying a new signing key and restoring a backup needs it: it lies on a stick and on paper, not here.
 * A file that holds it is either a key file (keys.h) or a locked one:
 *   svodka locked key 1
 *   argon2id13 ops 3 mem 268435456        of Argon2id, stored so that they can be raised later
 *   <hex of the salt, 16 bytes>
 *   <hex of Lock(Argon2id(passphrase, salt), "root", secret key, 64 bytes)> */
#ifndef SVODKA_HUB_ROOT_KEY_H
#define SVODKA_HUB_ROOT_KEY_H

#include "protocol/keys.h"

#define PASSPHRASE_MIN  8u
#define PASSPHRASE_MAX  1024u
#define ROOT_LOCKED_MAX 2048u               /* bytes of such a file */
#define ROOT_OPS_MAX    16u                 /* more is refused: it would only keep this computer busy */
#define ROOT_MEM_MAX    (UINT64_C(1) << 30) /* bytes */

struct passphrase {
    char text[PASSPHRASE_MAX + 1];
    size_t len;
};
/* From a file (without the end of its line), or, when it is NULL, from the person at the terminal; twice when it is a
 * new one.  ERR_INVALID: shorter than PASSPHRASE_MIN, or the two differ; ERR_USAGE: no terminal. */
MUST_CHECK enum err passphrase_get(struct passphrase *out, const char *file, bool is_new);
void passphrase_wipe(struct passphrase *p);

/* What a locked file says, whole or not at all. */
struct root_locked {
    uint64_t ops, mem;
    uint8_t salt[16];
    uint8_t locked[64 + LOCK_OVERHEAD];
};
/* ERR_MALFORMED; ERR_LIMIT: it asks for more work or memory than is allowed. */
MUST_CHECK enum err root_locked_parse(struct root_locked *out, const char *text, size_t len);

/* Writes the locked file (0600), reads it back and opens it with the passphrase: what is on the disk can be opened by
 * whoever knows it.  A computer without 256 MiB to spare takes 64 MiB, and says so.  ERR_EXISTS: never overwritten. */
MUST_CHECK enum err root_key_lock(const struct key *root, const char *path, const struct passphrase *p);
/* A locked file.  ERR_AUTH: the passphrase is wrong, or the file is damaged. */
MUST_CHECK enum err root_key_unlock(struct key **out, const char *path, const struct passphrase *p);
/* Either kind of file; the passphrase of a locked one comes from passphrase_get().  It must be the root whose public
 * half is `expected` (NULL: any).  ERR_INVALID: another district's. */
MUST_CHECK enum err root_key_open(struct key **out, const char *path, const char *passphrase_file,
                                  const uint8_t *expected);
/* Where a home's root key lies: keys/root.key or keys/root.key.locked.  ERR_NOT_FOUND with what to do. */
MUST_CHECK enum err root_key_path(char *out, size_t size, const char *home);

#endif
