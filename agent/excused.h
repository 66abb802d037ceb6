/* excused.h: that the district does without a return, or gives it another day, as its words said it (word.h); locked at
 * rest beside its questions.  Of several words about a return the one with the latest hub's time holds. */
#ifndef SVODKA_AGENT_EXCUSED_H
#define SVODKA_AGENT_EXCUSED_H

#include "agent/home.h"
#include "protocol/notice.h"

enum excused_kind { EXCUSED_WAIVED = 1, EXCUSED_EXTENDED = 2, EXCUSED_ENDED = 3 };
struct excused {
    struct notice_return about; /* due: of EXTENDED */
    enum excused_kind kind;
    int64_t hub_ms;
    char text[NOTICE_TEXT_MAX + 1]; /* why, in the district's words */
};
/* Takes a notice of kind EXCUSED or EXCUSE_ENDED, and tells the school. */
MUST_CHECK enum err excused_take(struct agent *a, struct store_txn *t, const struct notice *n);
/* ERR_NOT_FOUND: nothing was said, or it was taken back. */
MUST_CHECK enum err excused_get(const struct agent *a, const char *form, const char *unit, const char *period,
                                struct excused *out);
/* All that hold, by form, unit and period. */
MUST_CHECK enum err excused_each(const struct agent *a, enum err (*each)(void *ctx, const struct excused *x),
                                 void *ctx);

/* ---- for people ---- */

/* "until 15.12.2026: no line", "the district does without it: closed for repair". */
void excused_say(const struct excused *x, char *out, size_t size);
/* What `status` says when the word has come: as it holds now. */
void excused_message(const struct agent *a, const struct notice_return *r, char *out, size_t size);
/* For a list of what is due: puts the new day instead of those of the calendar, and adds to the note why. */
#define EXCUSED_DAY 11u
MUST_CHECK enum err excused_put(const struct agent *a, const char *form, const char *unit, const char *period,
                                char due[EXCUSED_DAY], char late[EXCUSED_DAY], struct buf *note);

#endif
