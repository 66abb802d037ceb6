/* inbox.h: a folder into which files of schools are saved (from sticks, from mails), watched by the running core.
 *
 * A file is taken when it is whole: not *.part or another program's name for half a file, and closed by its writer or
 * unchanged for two seconds; what then looks like half a file, or may not be read, is given five seconds more, a minute
 * when nobody was seen to close it.  Taken: it moves to INBOX/done.  Something is wrong with it: to INBOX/bad, and
 * NAME.txt beside it says what; what was whole in it is taken all the same.  The answer goes into the outbox (default:
 * INBOX/answers).  Links are not followed, folders are left alone.  Bounded: 1,024 files a look, bundle.max_size bytes.
 */
#ifndef SVODKA_HUB_INBOX_H
#define SVODKA_HUB_INBOX_H

#include "hub/carry.h"

struct inbox;
/* Of h->conf; makes the folders inside it that are missing.  `h`, `host`: loans. */
MUST_CHECK enum err inbox_open(struct inbox **out, struct hub *h, const struct carry_host *host);
void inbox_close(struct inbox *in);   /* NULL does nothing */
int inbox_fd(const struct inbox *in); /* readable when something happened there; -1: none, only looks by time */
/* Something happened. */
void inbox_notice(struct inbox *in);
/* When inbox_step() has work: a monotonic time in ms; 0: at once. */
int64_t inbox_next_ms(const struct inbox *in);
/* One short piece of work, if it is time: a look, a few batches of a file, or its end. */
void inbox_step(struct inbox *in);

#endif
