/* own_return.h: a return as it stands at the school: all its current submissions of a form, unit and period, and its
 * cover (protocol/cover.h), the school's own word that it is complete, partial, or that there is nothing to report.
 * What has changed since the cover follows from what was entered after it; nothing of this is stored. */
#ifndef SVODKA_AGENT_OWN_RETURN_H
#define SVODKA_AGENT_OWN_RETURN_H

#include "agent/queue.h"
#include "protocol/cover.h"

struct own_cover {
    struct record_ref ref;
    char unit[ID_MAX + 1];
    enum record_state sent;
    enum cover_state state;
    uint64_t rows;
    uint8_t digest[DIGEST_BYTES];
    char entered_by[COVER_NAME_BYTES], approved_by[COVER_NAME_BYTES], reason[COVER_REASON_BYTES]; /* "": not said */
    bool has_approved_on;
    int32_t approved_on, filled_on;
    int64_t made_ms;
};
/* Calls `each` for the current cover of every unit (`unit` NULL) or of this one; loans until it returns. */
MUST_CHECK enum err own_covers_each(const struct agent *a, const char *form, const char *unit, const char *period,
                                    enum err (*each)(void *ctx, const struct own_cover *c), void *ctx);

/* What has become of a submission since the cover. */
enum return_change { CHANGE_NONE, CHANGE_ADDED, CHANGE_CORRECTED, CHANGE_WITHDRAWN };

struct return_line {
    struct record_ref ref;
    enum record_state state;
    enum return_change change; /* CHANGE_NONE, too, when there is no cover */
    const char *key;           /* of its row, "" when the form has none */
    struct bytes record;
};
struct own_return {
    const struct form *form; /* the current version */
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    struct return_line
        *lines; /* by their keys, else as they were entered; those withdrawn since the cover stand last */
    size_t count;
    uint64_t rows;                        /* current ones */
    uint64_t added, corrected, withdrawn; /* since the cover */
    uint64_t past; /* its submissions that were destroyed here after their time: if there are any,
                      the digest says nothing */
    uint8_t digest[DIGEST_BYTES];
    bool has_cover;
    bool is_changed; /* since the cover */
    struct own_cover cover;
    struct buf keep; /* keys and records: personal data, wiped */
};
/* `unit` and `period` by id.  ERR_LIMIT: more than fits in memory. */
MUST_CHECK enum err own_return_read(struct own_return **out, const struct agent *a, const struct form *form,
                                    const char *unit, const char *period);
void own_return_free(struct own_return *r); /* NULL does nothing */

/* What is said of the return; NULL: as the cover says, or nothing. */
struct return_marking {
    enum cover_state state;
    const char *approved_by, *entered_by, *reason;
    enum record_source source;
};
/* Queues a new cover.  An approval holds as long as what was approved is unchanged: then it goes on without being said
 * again.  *is_new is false when nothing would be other than it is.  ERR_INVALID: "nothing to report" about rows that
 * are there, the others without a row, no reason for a change of what was marked; ERR_ERASED: its rows were destroyed
 * here after their time. */
MUST_CHECK enum err own_return_mark(struct agent *a, const struct own_return *r, const struct return_marking *m,
                                    bool *is_new);

#endif
