/* template_xlsx.h: a workbook for a form, to be filled in and imported (docs/import.md): a sheet for what is asked
 * once, one for each list, what may be typed, and a hidden sheet that says what the workbook is for. */
#ifndef SVODKA_AGENT_TEMPLATE_XLSX_H
#define SVODKA_AGENT_TEMPLATE_XLSX_H

#include "agent/queue.h"

struct template_order {
    const struct form *form;
    const struct period *period; /* NULL: any */
    const char *unit;            /* NULL: any; goes with the period */
    const struct period *last;   /* fill in what stands for this period; NULL: nothing */
    int32_t today;
};

/* Writes a new file; *rows: how many submissions of `last` were filled in.
 * ERR_EXISTS; ERR_USAGE: the name does not end in .xlsx; ERR_LIMIT: more than Excel takes. */
MUST_CHECK enum err template_workbook(const struct agent *a, const struct template_order *o, const char *path,
                                      uint64_t *rows);

#endif
