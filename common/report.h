/* report.h: everything that is wrong with one input, found in one pass: file, line, column, field, what was found,
 * what was expected.  Shared by YAML, CSV, JSON, forms, packs and validation. */
#ifndef SVODKA_COMMON_REPORT_H
#define SVODKA_COMMON_REPORT_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct finding {
    const char *file;  /* as the user named it, or NULL */
    const char *sheet; /* of a workbook: then line and column are told as a cell, D7; or NULL */
    uint32_t line;     /* from 1; 0 = unknown */
    uint32_t column;   /* from 1, in code points (YAML) or in cells (CSV, workbooks); 0 = unknown */
    const char *field; /* field, key or heading, or NULL */
    const char *value; /* what was found, shortened to 60 code points, or NULL */
    const char *text;  /* what is wrong and what was expected, in the user's language */
    bool is_warning;
    unsigned rule;        /* enum form_rule, of what breaks a form's rule; else 0 */
    const char *expected; /* what that rule expects (form_rule.h), or NULL */
    const char *label;    /* what a person knows the field by, if it is not `field`, or NULL */
};

struct report;

/* Keeps at most `max_findings` (0: 1,000); the rest is only counted. */
MUST_CHECK enum err report_new(struct report **out, size_t max_findings);
void report_free(struct report *r);
/* Findings added from now on without a file are in this one (a loan until report_free; NULL: in none). */
void report_set_file(struct report *r, const char *file);
/* The same for the sheet of a workbook. */
void report_set_sheet(struct report *r, const char *sheet);
/* What findings added from now on in a sheet call a field: people see its label there.  `label` may return NULL: then
 * by its name.  Of `ctx` a loan, until it is set anew (NULL: no labels). */
void report_set_labels(struct report *r, const char *(*label)(const void *ctx, const char *field), const void *ctx);
/* "D7", "AB12": column from 1. */
#define REPORT_CELL_MAX 24u
void report_cell_name(char out[REPORT_CELL_MAX], uint32_t column, uint32_t line);
/* Copies everything.  `r` may be NULL: then only err_set() is called with the line report_print() would show. */
void report_add(struct report *r, const struct finding *f, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t report_errors(const struct report *r); /* all that were added, not only those kept */
size_t report_warnings(const struct report *r);
size_t report_kept(const struct report *r);
const struct finding *report_at(const struct report *r, size_t i);
/* Prints at most so many (0: all that are kept); the rest is counted. */
void report_set_shown(struct report *r, size_t shown);
/* "FILE:LINE:COLUMN: FIELD: TEXT (found: VALUE)" or "FILE: sheet "SHEET", cell D7, "LABEL": TEXT (found: VALUE)", one a
 * line, then how many more there were. */
void report_print(const struct report *r, FILE *to);

#endif
