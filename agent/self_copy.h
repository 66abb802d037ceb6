/* self_copy.h: the school's whole home in one encrypted file: written by `backup`, and to the stick with every bundle.
 *
 * It is encrypted to the pair of the recovery code (copy_code.h), of which only the public half stays in the home
 * (T_META "copy-key"); signed by the home's own key.  Contents: agent.yaml, keys/, all tables of the store, in one
 * snapshot. */
#ifndef SVODKA_AGENT_SELF_COPY_H
#define SVODKA_AGENT_SELF_COPY_H

#include "agent/home.h"
#include "protocol/copy_code.h"

/* Makes a new code; copies written from now on open with it alone.  It is shown once and kept nowhere: wipe() it. */
MUST_CHECK enum err self_copy_new_code(struct agent *a, char out[COPY_CODE_CHARS + 1]);

struct self_copy_made {
    uint64_t bytes;
    int64_t made_ms;
};
/* Writes PATH, reads it back and opens it whole.  An older copy of this very home is replaced, anything else is not
 * (ERR_EXISTS).  ERR_NOT_FOUND: there is no code yet (self_copy_new_code()), or no such folder.  On failure an older
 * copy is as it was. */
MUST_CHECK enum err self_copy_write(struct agent *a, const char *path, struct self_copy_made *out);

/* What would be lost if this computer died now: neither received by the hub nor in the last copy. */
struct self_copy_risk {
    int64_t copy_ms; /* when the last copy was made; 0: never */
    uint64_t entries;
    int64_t since_ms; /* the oldest of them; 0: none, or not known */
    bool has_code;
};
MUST_CHECK enum err self_copy_risk(const struct agent *a, struct self_copy_risk *out);

/* Into a fresh folder, whole or not at all: everything is opened and checked first.  The queue goes on in numbers of
 * its own at the next meeting (SPEC.md section 7).  ERR_AUTH: another code; ERR_MALFORMED, ERR_VERSION: not a copy. */
MUST_CHECK enum err self_copy_restore(const char *path, const char *home, const char *code, int64_t *made_ms);

#endif
