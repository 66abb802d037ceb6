/* local_book.h: who stands behind a code: of a row (teacher T07), or of those who enter (P1).  Known at this school
 * alone: each book is locked as a whole in the home, goes into the home's own copies (backup, encrypted), and never
 * into anything that is sent. */
#ifndef SVODKA_AGENT_LOCAL_BOOK_H
#define SVODKA_AGENT_LOCAL_BOOK_H

#include "agent/home.h"

#define BOOK_ENTRIES_MAX 2000u
#define BOOK_CODE_MAX    64u  /* bytes */
#define BOOK_WHO_MAX     200u /* bytes */
#define BOOK_PEOPLE      "people"
#define BOOK_NAME_MAX    (FORM_NAME_MAX + ID_MAX + 8u)

struct book_entry {
    char code[BOOK_CODE_MAX + 1], who[BOOK_WHO_MAX + 1];
};
struct book {
    struct book_entry *items; /* by code, T9 before T10 */
    size_t count;
};

/* The book of the rows of a form and unit. */
const char *book_of_form(char out[BOOK_NAME_MAX], const char *form, const char *unit);
/* The book of codes that no row of these has any more; each entry's `who` is the code that took its place. */
const char *book_of_old_codes(char out[BOOK_NAME_MAX], const char *form, const char *unit);

/* An empty one, when nothing was written yet.  ERR_CORRUPT.  `t` NULL: own transaction. */
MUST_CHECK enum err book_read(const struct agent *a, struct store_txn *t, const char *name, struct book *out);
void book_fini(struct book *b); /* wipes */
/* Reads it, has it changed and writes it, in one transaction; whatever but OK `change` returns leaves it as it was. */
MUST_CHECK enum err book_change(const struct agent *a, const char *name, enum err (*change)(void *ctx, struct book *b),
                                void *ctx);

struct book_entry *book_find(const struct book *b, const char *code); /* NULL: not in it */
/* By who it is, letters' case aside; NULL: nobody, or several. */
struct book_entry *book_find_who(const struct book *b, const char *who);
/* Writes it in, or over what stood there.  ERR_INVALID: a code or a name that cannot be; ERR_LIMIT: it is full. */
MUST_CHECK enum err book_put(struct book *b, const char *code, const char *who);
void book_drop(struct book *b, const char *code); /* also when it is not in it */
/* The first code of this letter and a number that is free. */
void book_free_code(const struct book *b, char letter, char out[BOOK_CODE_MAX + 1]);

#endif
