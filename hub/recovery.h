/* recovery.h: the key that backups are encrypted to.  It follows from the root's seed, so that one sheet of paper opens
 * everything; its public half lies in keys/recovery.pub, signed by the root, so that nobody can put his own there. */
#ifndef SVODKA_HUB_RECOVERY_H
#define SVODKA_HUB_RECOVERY_H

#include "protocol/keys.h"

/* KEY_SEAL from the seed KD(root's seed, "svodka recovery v1", district); key_free(). */
MUST_CHECK enum err recovery_key_from_root(struct key **out, const struct key *root, const uint8_t district[16]);

/* keys/recovery.pub of a home:
 *   svodka recovery key 1
 *   public: <64 hex digits>
 *   signature: <128 hex digits>      Sign(root, "svodka recovery key v1", district ‖ public)
 * Replaces one that is there. */
MUST_CHECK enum err recovery_write(const char *home, const struct key *root, const uint8_t district[16]);
/* ERR_NOT_FOUND: there is none; ERR_AUTH: it is not signed by this root for this district; ERR_MALFORMED. */
MUST_CHECK enum err recovery_public(uint8_t out[KEY_BYTES], const char *home, const uint8_t root[KEY_BYTES],
                                    const uint8_t district[16]);

/* The file's text.  ERR_MALFORMED, ERR_AUTH. */
MUST_CHECK enum err recovery_parse(uint8_t out[KEY_BYTES], const char *text, size_t len, const uint8_t root[KEY_BYTES],
                                   const uint8_t district[16]);

#endif
