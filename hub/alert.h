/* alert.h: telling somebody: a command of the operator's (night.alert in hub.yaml) is run with a text, and what was
 * told is remembered, so that the same thing is not told again and again. */
#ifndef SVODKA_HUB_ALERT_H
#define SVODKA_HUB_ALERT_H

#include "common/store.h"

#define ALERT_OUTPUT    8192u             /* bytes of the command's output that are logged */
#define ALERT_AGAIN_MS  INT64_C(72000000) /* 20 hours: each morning's look may tell it once */
#define ALERT_THING_MAX 200u

struct alert_command {
    const char *const *argv; /* NULL-terminated; argv[0] is a path from /.  No shell is in between. */
    const char *const *env;  /* NULL-terminated NAME=VALUE: all that it gets besides PATH and the language */
    struct bytes text;       /* on its standard input */
    int64_t limit_ms;        /* then it is killed, with all that it started in its process group */
};
/* Runs it and waits; what it prints goes to the log, line by line.  The caller holds nothing meanwhile that others wait
 * for.  ERR_NOT_FOUND, ERR_DENIED: it cannot be started.  ERR_IO: it ended with another code than 0, or by a signal.
 * ERR_LIMIT: it took too long. */
MUST_CHECK enum err alert_run(const struct alert_command *c);

/* Was the thing ("silent/school-07") told less than ALERT_AGAIN_MS before `now_ms`, or after it by a clock that has
 * been set back by less than that?  What was told later still, by a clock that was wrong, was not. */
MUST_CHECK enum err alert_was_told(struct store_txn *t, const char *thing, int64_t now_ms, bool *was_told);
MUST_CHECK enum err alert_note_told(struct store_txn *t, const char *thing, int64_t now_ms);
/* Forgets what may be told again anyway. */
MUST_CHECK enum err alert_prune(struct store_txn *t, int64_t now_ms);

#endif
