/* refusal.h: why a submission is kept apart: a reason, and where and against what rule, as codes and names that are
 * turned into words where they are read (SPEC.md section 8.3). */
#ifndef SVODKA_PROTOCOL_REFUSAL_H
#define SVODKA_PROTOCOL_REFUSAL_H

#include "protocol/mp.h"

#define RECEIPT_TEXT_MAX     300u
#define REFUSAL_FIELD_MAX    160u /* "repeat[1000].column" */
#define REFUSAL_EXPECTED_MAX 200u

enum quarantine_reason {
    QUARANTINE_UNKNOWN_FORM = 1,
    QUARANTINE_MALFORMED = 2,  /* the record's bytes */
    QUARANTINE_INVALID = 3,    /* form_check() */
    QUARANTINE_UNIT = 4,       /* no right to speak for this unit */
    QUARANTINE_ROLE = 5,       /* the form is another role's */
    QUARANTINE_PERIOD = 6,     /* unknown period, or of another series */
    QUARANTINE_UNREADABLE = 7, /* the section did not open */
    QUARANTINE_TARGET = 8,     /* correction or retraction of something that cannot be (answers, itself, later) */
    QUARANTINE_HELD = 9,       /* participant held or revoked */
    QUARANTINE_CONFLICT = 10   /* same number, other content */
};
const char *quarantine_reason_name(enum quarantine_reason r); /* "unknown-form" ..., "other" */

struct refusal {
    enum quarantine_reason reason;     /* from a later hub it may be a number not named above (at most 255); 0: none */
    unsigned rule;                     /* enum form_rule (common/form_rule.h), or a later one up to 255; 0: not said */
    char field[REFUSAL_FIELD_MAX + 1]; /* name of the field, or "" */
    char expected[REFUSAL_EXPECTED_MAX + 1]; /* what the rule expects: its expression, a role, series; or "" */
    char text[RECEIPT_TEXT_MAX + 1];         /* English, for the log, and for reasons of a later hub */
};

/* Rule, field, expected: three elements. */
#define REFUSAL_DETAIL_FIELDS 3u
void refusal_put_detail(struct buf *b, const struct refusal *r);
void refusal_read_detail(struct mp *m, struct refusal *r);

struct form;
/* The refusal in detail, in one sentence for the reader: "Pupils (pupils): the answer breaks the form's rule: . <= 40".
 * `f`: the form if it is at hand, or NULL.  "" when nothing more is known than the reason. */
void refusal_say(char *out, size_t size, const struct refusal *why, const struct form *f);

#endif
