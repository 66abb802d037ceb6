/* template.h: an empty table for a form, ready for a spreadsheet and for `import`. */
#ifndef SVODKA_AGENT_TEMPLATE_H
#define SVODKA_AGENT_TEMPLATE_H

#include "common/form.h"

#define TEMPLATE_PATH_MAX 4096u

/* Writes two new files: FILE.csv with a row of field names and a row of labels, and FILE-choices.csv, whose name
 * `choices` gets, with what may stand in each cell.  Both in UTF-8 with a byte order mark and ';', which every Excel
 * opens with a double click.  ERR_EXISTS, ERR_USAGE (not .csv), ERR_IO; then neither file is left behind. */
MUST_CHECK enum err template_write(const struct form *f, const char *path, char choices[TEMPLATE_PATH_MAX]);

const char *word_of_field_type(const struct form_field *f);
const char *word_of_need(const struct form_field *f); /* "required", "required if it applies", "calculated" ... */

#endif
