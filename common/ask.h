/* ask.h: questions to the person at the terminal.  Prompts go to standard error, answers come from standard input.
 * Nothing is ever asked when standard input is not a terminal: ERR_USAGE.  Ctrl-D and Ctrl-C give
 * ERR_CANCELLED and leave the program running, so that the caller can keep what was answered so far.  Used by one
 * thread. */
#ifndef SVODKA_COMMON_ASK_H
#define SVODKA_COMMON_ASK_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ASK_LINE_SIZE 4097 /* a terminal's longest line and the NUL */

/* One line of valid UTF-8 without its end and without blanks around it; "" is an answer.  What is not UTF-8, holds
 * control characters (arrow keys) or does not fit `size` is asked again. */
MUST_CHECK enum err ask_line(const char *prompt, char *out, size_t size);

/* The same without showing what is typed; blanks around it stay.  Wipe `out` after use. */
MUST_CHECK enum err ask_secret(const char *prompt, char *out, size_t size);

/* Asks until the answer is yes or no, in Russian or English, whole word or letter. */
MUST_CHECK enum err ask_yes_no(const char *question, bool *yes);

/* Prints the labels with their numbers from 1 and asks until one of the numbers is typed; *chosen is its index.
 * An empty line gives ERR_NOT_FOUND if `may_skip`, else the question comes again. */
MUST_CHECK enum err ask_choice(const char *question, const char *const *labels, size_t count, bool may_skip,
                               size_t *chosen);

#endif
