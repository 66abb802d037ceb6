/* copies.h: which backups still hold what an act of erasure destroyed, by the register of backups (archive.h).
 *
 * A backup of this hub's own history holds it when it reaches into what was touched and ends before the act.  Of one of
 * another history (made before a restore, or by the hub that was given up) only the time can be compared: whatever was
 * made before the act may hold it.  What nobody entered in the register, a copy of the home for instance, is not known
 * here. */
#ifndef SVODKA_HUB_COPIES_H
#define SVODKA_HUB_COPIES_H

#include "hub/act.h"
#include "hub/archive.h"

struct copies {
    struct archive_row *rows; /* owned: copies_fini(); in the order of their numbers */
    size_t count;
    size_t left; /* of these, not said to be destroyed */
};
/* Those that were there when the act was made, whatever became of them.  An act that is being made has lsn 0. */
MUST_CHECK enum err copies_of(struct copies *out, struct store_txn *t, const struct act *a);
void copies_fini(struct copies *c);
/* The last day on which they may be there. */
int32_t copies_until(const struct act *a);
/* Into the act that is being made, before it is signed: first_lsn must be set. */
MUST_CHECK enum err copies_note(struct store_txn *t, struct act *a);

/* "No. 3 of 20 November 2026, 10:00, /media/stick/hub.svdk: destroy it by 2026-12-20", in the reader's language. */
#define COPIES_LINE (ARCHIVE_PATH_MAX + 400u)
void copies_line(char out[COPIES_LINE], const struct archive_row *row, int32_t until);

/* All acts whose content one backup holds: "1 3-5", and the day by which it is to be destroyed (0: no act).  For many
 * rows in one go. */
struct copies_acts;
MUST_CHECK enum err copies_acts_load(struct copies_acts **out, struct hub *h, struct store_txn *t);
void copies_acts_free(struct copies_acts *c);
#define COPIES_ACTS 200u
MUST_CHECK enum err copies_acts_of(const struct copies_acts *c, struct store_txn *t, const struct archive_row *row,
                                   char out[COPIES_ACTS], int32_t *until);
/* Lines for each backup that is left and holds anything: what it is, and which acts.  *count: how many. */
MUST_CHECK enum err copies_each(struct hub *h, struct store_txn *t, void (*line)(void *ctx, const char *text),
                                void *ctx, size_t *count);

#endif
