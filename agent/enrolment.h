/* enrolment.h: the request to join, which is made once and stays the same until a grant with our keys comes, over the
 * line or in a file (SPEC.md section 5.7), and the six words by which two people make sure of it. */
#ifndef SVODKA_AGENT_ENROLMENT_H
#define SVODKA_AGENT_ENROLMENT_H

#include "agent/home.h"
#include "protocol/six_words.h"

/* The sealed request, appended.  ERR_NOT_FOUND: the hub has no sealing key that it could be sealed to. */
MUST_CHECK enum err enrolment_request(struct agent *a, struct buf *out);
/* In the letters of the program's language.  ERR_NOT_FOUND: no request was made, or by a program that kept none. */
MUST_CHECK enum err enrolment_words(const struct agent *a, char out[SIX_WORDS_MAX]);
/* The request as a file for the district office, appended.  ERR_EXISTS: this computer has joined already. */
MUST_CHECK enum err enrolment_write(struct agent *a, struct buf *text);
/* The office's answer, whole: everything in it is verified before anything is kept.  *was_known: it had been taken
 * before.  ERR_AUTH: another district's, or for another computer; ERR_VERSION: older than what is held;
 * ERR_MALFORMED. */
MUST_CHECK enum err enrolment_take(struct agent *a, struct bytes text, bool *was_known);

#endif
