/* retention.h: how long what is kept, by the forms (docs/retention.md).  A section lies under its retention class and
 * the school year in which the hub received it; the term is counted from the end of that year, 31 August. */
#ifndef SVODKA_HUB_RETENTION_H
#define SVODKA_HUB_RETENTION_H

#include "hub/ledger_build.h"
#include "hub/storage_keys.h"

#define RETENTION_FORMS_MAX 64u

struct retention_class {
    uint32_t years;    /* the longest of its forms' terms; 0: none gives one */
    bool differs;      /* its forms do not agree */
    size_t form_count; /* those that name it now, newest versions; at most RETENTION_FORMS_MAX */
    const struct form *forms[RETENTION_FORMS_MAX];
};
void retention_class_of(struct retention_class *out, const struct hub *h, const char *retention);
/* Is it the newest version of its form? */
bool retention_is_newest(const struct hub *h, const struct form *f);
/* The first day on which what was received in that school year is to be erased. */
int32_t retention_due(int32_t year, uint32_t years);

enum retention_state { RETENTION_NO_TERM, RETENTION_KEPT, RETENTION_DUE, RETENTION_ERASED };
struct retention_row {
    struct storage_row key;
    struct retention_class of;
    int32_t due; /* with a term */
    enum retention_state state;
    uint64_t submissions; /* received */
    uint64_t first_lsn;   /* of the first delivery; 0: none */
};
/* By class, then year: everything that was ever received.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err retention_each(struct hub *h, struct store_txn *t, int32_t today,
                                   enum err (*each)(void *ctx, const struct retention_row *r), void *ctx);
/* Is there anything left that was sealed to the key of that school year?  (Its sealing key can be retired, else.) */
MUST_CHECK enum err retention_year_is_over(struct store_txn *t, int32_t year, bool *is_over);

/* Says what new definitions cannot count any more, because it was erased: a line for each indicator's variable, form
 * and period. */
MUST_CHECK enum err retention_say_lost(struct hub *h, struct store_txn *t, const struct cell_build *b,
                                       const struct programme *fresh, FILE *to);
/* Warns of forms of one class that do not agree on its term. */
void retention_check(struct form *const *forms, size_t count, struct report *r);

#endif
