/* people.h: those who enter at this school.  Their names stay in the home (local_book.h); what travels as "entered by"
 * is each one's code. */
#ifndef SVODKA_AGENT_PEOPLE_H
#define SVODKA_AGENT_PEOPLE_H

#include "agent/local_book.h"
#include "protocol/record.h"

/* `--by`: a name or a code of the list, to its code.  On a terminal a name that is not in it is offered to be added,
 * and without `by` (NULL) one chooses from the list, if there is one.  *code is "" when nobody was named.
 * ERR_NOT_FOUND: nobody of that name. */
MUST_CHECK enum err people_choose(const struct agent *a, const char *by, char code[RECORD_ENTERED_BY_MAX + 1]);
/* The same for a command that also takes --entered-by: *entered_by points into `code` when one was named.
 * ERR_USAGE: both were given. */
MUST_CHECK enum err people_by(const struct agent *a, const char *by, bool ask, char code[RECORD_ENTERED_BY_MAX + 1],
                              const char **entered_by);
/* For whoever reads at this school: the name behind a code of the list, or the text as it is, cut to the size. */
MUST_CHECK enum err people_name(const struct agent *a, const char *code, char out[BOOK_WHO_MAX + 1]);

#endif
