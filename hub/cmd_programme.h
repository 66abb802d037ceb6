/* cmd_programme.h: what `programme check` prints on stdout, and `programme load` of it.  For people tables and
 * sentences; for programs one table, a line for each thing (docs/indicators.md, "What a check prints"). */
#ifndef SVODKA_HUB_CMD_PROGRAMME_H
#define SVODKA_HUB_CMD_PROGRAMME_H

#include "common/table.h"
#include "hub/programme_effect.h"

/* One line for programs; what is NULL is empty. */
struct sheet_row {
    const char *what, *id, *version, *mode, *series, *period, *date, *subject, *proposal;
    bool has_count, has_of;
    uint64_t count, of;
};
struct sheet {
    enum table_format format;
    struct table *rows; /* NULL for people */
    enum err e;         /* sticky */
};
void sheet_init(struct sheet *s, enum table_format format);
/* Prints what was gathered, frees it, and returns the first error. */
MUST_CHECK enum err sheet_finish(struct sheet *s);
void sheet_put(struct sheet *s, const struct sheet_row *r);

/* What is in the pack; of the due dates those that lie in the school year.  `due` may be NULL. */
void sheet_summary(struct sheet *s, const struct programme *p, const struct due_rules *due, const struct calendar *c,
                   const struct period *year);
/* What it would do to the hub. */
void sheet_effect(struct sheet *s, const struct programme *p, const struct programme_effect *f);

#endif
