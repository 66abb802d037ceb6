/* key_destroy.h: the end of a key's file. */
#ifndef SVODKA_HUB_KEY_DESTROY_H
#define SVODKA_HUB_KEY_DESTROY_H

#include "common/err.h"

/* Overwrites, removes, synchronises; OK when there is none.  Flash may keep a copy that nobody can reach by name:
 * docs/keys.md says so.  ERR_IO. */
MUST_CHECK enum err key_file_destroy(const char *path);

#endif
