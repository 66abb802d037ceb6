/* form_json.h: a filled form as one JSON object, for `submit --json`, history and exports.
 *
 *   {"pupil": "p-17", "age": 12, "mean": 4.25, "sex": "F", "clubs": ["sport", "music"], "born": "2010-05-31",
 *    "internet": true, "books": {"?": "unknown"}, "siblings": [{"age": 7}, {"age": 9}]}
 *
 * A field that is left out, null, "" or an empty list is MISSING.  Choices are codes (an integer stands for the code
 * written the same), decimals are numbers or texts ("4.25"), {"?": "unknown"} and {"?": "na"} are the two states a
 * person may choose.  jansson stops here. */
#ifndef SVODKA_COMMON_FORM_JSON_H
#define SVODKA_COMMON_FORM_JSON_H

#include "common/form.h"

#define FORM_JSON_MAX_BYTES (1u << 20)
#define FORM_JSON_MAX_DEPTH 8u

/* Fills all f->field_count entries of `values`; what is not relevant comes as MISSING and is put right by
 * form_complete().  Texts and rows live in `keep`, as with value_parse().  All mistakes go to `r`, named by field, with
 * what was expected; `r` may be NULL: one of them is then in err_text().
 * ERR_MALFORMED: not JSON, or a key twice.  ERR_INVALID: unknown field, wrong type, unknown choice.  ERR_LIMIT. */
MUST_CHECK enum err form_values_from_json(const struct form *f, const void *text, size_t len, struct value *values,
                                          struct buf *keep, struct report *r);

/* Appends the object, on one line, fields in the form's order, without those that are MISSING or NOT_ASKED. */
void form_values_to_json(const struct form *f, const struct value *values, struct buf *out);

#endif
