/* form_rule.h: the rules that a submission can break, as codes: the hub names the rule, the field and what is expected,
 * and whoever reads it gets it in the language of the reader (SPEC.md section 8.3).  A code never holds an answer. */
#ifndef SVODKA_COMMON_FORM_RULE_H
#define SVODKA_COMMON_FORM_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct form;

/* Fixed for ever; others may follow (up to 255). */
enum form_rule {
    RULE_NONE = 0,
    /* of the form; the field is named */
    RULE_REQUIRED = 1,
    RULE_IRRELEVANT = 2,  /* the question does not apply, and was answered */
    RULE_ASKED = 3,       /* the question applies, and was not asked */
    RULE_CONSTRAINT = 4,  /* expected: the rule */
    RULE_CALCULATION = 5, /* expected: the calculation */
    RULE_NO_UNKNOWN = 6,  /* "not known" is not allowed */
    RULE_NO_INAPPLICABLE = 7,
    RULE_TOO_LARGE = 8, /* number of more than 15 digits */
    RULE_DATE = 9,      /* year beyond 1 to 9999 */
    RULE_BOOLEAN = 10,
    RULE_CHOICE = 11,     /* none of the list */
    RULE_TEXT = 12,       /* too long, control characters, not composed */
    RULE_ROWS = 13,       /* columns or number of rows of a list */
    RULE_EMPTY = 14,      /* no answer, written as an empty one */
    RULE_EVALUATION = 15, /* a rule could not be evaluated; expected: its key in the form */
    RULE_COUNT = 16,      /* number of answers; expected: how many */
    /* of the sender's rights, of the calendar, of changes */
    RULE_ROLE = 32,          /* expected: the role whose form it is */
    RULE_UNIT = 33,          /* no right to it; field: "unit" */
    RULE_UNIT_DISTRICT = 34, /* the form is about one unit alone; expected: that unit */
    RULE_SERIES = 35,        /* expected: series of periods; field: "period" */
    RULE_FINAL = 36,         /* an anonymous answer is not corrected; a session of them is withdrawn as a whole */
    RULE_ORDER = 37          /* it changes what does not stand before it */
};

/* One sentence: "the answer breaks the form's rule: . <= 40".  In English for the log, or in the language of the
 * reader; "" for RULE_NONE and for a rule of a later program. */
void form_rule_say(char *out, size_t size, unsigned rule, const char *expected, bool in_english);
/* The form's own words about a rule of one of its fields (the path of a finding), for the reader; NULL: it has none. */
const char *form_rule_message(const struct form *f, const char *field, unsigned rule);
/* Its label for the reader; NULL: the form (which may be NULL) has no such field. */
const char *form_rule_label(const struct form *f, const char *field);

#endif
