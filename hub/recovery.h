/* recovery.h: the key that opens the hub's backups.  It is derived from the offline root, so that one paper (or one
 * locked file) brings back both; at the hub lies its public half alone, in keys/recovery.pub.
 *   secret = X25519 of the seed KD(root's seed, "svodka recovery v1", district) */
#ifndef SVODKA_HUB_RECOVERY_H
#define SVODKA_HUB_RECOVERY_H

#include "protocol/directory.h"

#define RECOVERY_FILE "keys/recovery.pub"

MUST_CHECK enum err recovery_from_root(struct key **out, const struct key *root,
                                       const uint8_t district[DISTRICT_BYTES]);
/* HOME/keys/recovery.pub: "svodka recovery key 1" and the key in hex, one a line; 0600. */
MUST_CHECK enum err recovery_write(const char *home, const struct key *root, const uint8_t district[DISTRICT_BYTES]);
/* ERR_NOT_FOUND with what to do about it; ERR_MALFORMED. */
MUST_CHECK enum err recovery_read(const char *home, uint8_t out[KEY_BYTES]);

/* The root key out of root.key, or out of root.key.locked with the passphrase in a file.  ERR_AUTH: wrong passphrase;
 * ERR_USAGE: it is locked, and no passphrase file is named; ERR_NOT_FOUND, ERR_MALFORMED. */
MUST_CHECK enum err root_read(struct key **out, const char *path, const char *passphrase_file);

#endif
