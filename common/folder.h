/* folder.h: a home is made whole or not at all: under another name beside its place, then renamed. */
#ifndef SVODKA_COMMON_FOLDER_H
#define SVODKA_COMMON_FOLDER_H

#include "common/err.h"

#include <stdbool.h>

#define FOLDER_PATH_MAX 4096u

/* "DIR/NAME"; ERR_LIMIT. */
MUST_CHECK enum err folder_path(char out[FOLDER_PATH_MAX], const char *dir, const char *name);
/* Makes an empty folder (0700) beside `dir`, which must not exist or be empty.  ERR_EXISTS, ERR_IO. */
MUST_CHECK enum err folder_begin(char fresh[FOLDER_PATH_MAX], const char *dir);
/* Renames it to `dir`. */
MUST_CHECK enum err folder_finish(const char *fresh, const char *dir);
/* A folder inside, 0700; its name is durable. */
MUST_CHECK enum err folder_make(const char *dir, const char *name);
/* Makes the folder `path` unless it is there; its name is durable afterwards, and so is what is written into it. */
MUST_CHECK enum err folder_ensure(const char *path, unsigned mode);
/* What was made, renamed or deleted at `path` is durable afterwards: fsync of the folder that it stands in.  A file
 * system that cannot do it (EINVAL) is taken as it is.  ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err folder_sync_of(const char *path);
/* rename(2): 0, or -1 and errno.  Unless `may_exist`, what stands at `to` is never replaced (EEXIST); on a file system
 * that cannot promise it (exFAT and others through FUSE) it is looked for before, the best there is. */
MUST_CHECK int folder_rename(const char *from, const char *to, bool may_exist);
/* Removes a folder and all in it; what cannot be removed stays. */
void folder_remove(const char *dir);

#endif
