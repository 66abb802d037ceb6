/* expr_json.h: one expression over values given as JSON, for `svodka-hub expr` and for trying things out. */
#ifndef SVODKA_COMMON_EXPR_JSON_H
#define SVODKA_COMMON_EXPR_JSON_H

#include "common/err.h"

#include <stdio.h>

#define EXPR_JSON_MAX_BYTES  (1u << 20)
#define EXPR_JSON_MAX_VALUES 100000u /* array elements included */

/* Evaluates and prints one line, "TYPE VALUE": "number 4", "string abc", "boolean true".
 * `json_values` is a JSON object or NULL: a number is an integer or a decimal (at most nine places), a string a text,
 * true and false a boolean, null an empty answer, an array the column of a repeat (for sum(), count(), ...), and
 * {"value": CODE, "choices": {CODE: LABEL, ...}} an answer to a select_one.  The member "." is the field's own answer;
 * without it `.` is empty.
 * Control characters of a string value are printed as \n, \t or \x1b, so that the value stays on its line.
 * today() is the day of the PC.  ERR_INVALID, ERR_LIMIT: err_text() says what, with the column of the expression.
 * ERR_MALFORMED: it is not such JSON. */
MUST_CHECK enum err expr_print(const char *expression, const char *json_values, FILE *out);

#endif
