/* code_list.h: the codes of a form's rows as they stand on this computer: in which periods, and who each is by the
 * local book (local_book.h). */
#ifndef SVODKA_AGENT_CODE_LIST_H
#define SVODKA_AGENT_CODE_LIST_H

#include "agent/local_book.h"
#include "agent/own_return.h"

#define CODE_PERIODS_MAX 200u

struct code_line {
    char *code;
    uint32_t first, last; /* into `periods`; first > last: it stands in none, and is in the book alone */
    uint32_t count;       /* of periods */
};
struct code_list {
    const struct form *form;
    char unit[ID_MAX + 1];
    struct period periods[CODE_PERIODS_MAX]; /* for which anything was submitted here, in order of time */
    uint32_t period_count;
    struct code_line *lines; /* by code, T9 before T10 */
    size_t count, cap;
    struct book book;
};
/* `form` has a key.  ERR_LIMIT: more periods than CODE_PERIODS_MAX. */
MUST_CHECK enum err code_list_read(struct code_list **out, const struct agent *a, const struct form *form,
                                   const char *unit);
void code_list_free(struct code_list *l); /* NULL does nothing */
/* Does a row of this code stand in the period of this number? */
MUST_CHECK enum err code_stands(const struct agent *a, const struct code_list *l, uint32_t period, const char *code,
                                bool *stands);

#endif
