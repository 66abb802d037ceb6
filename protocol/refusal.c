#include "protocol/refusal.h"

#include "common/form_rule.h"
#include "protocol/fields.h"

#include <stdio.h>

void refusal_put_detail(struct buf *b, const struct refusal *r)
{
    mp_put_uint(b, r->rule);
    mp_put_cstr(b, r->field);
    mp_put_cstr(b, r->expected);
}

void refusal_read_detail(struct mp *m, struct refusal *r)
{
    r->rule = fields_u32(m, 0, UINT8_MAX);
    mp_text(m, r->field, 0, REFUSAL_FIELD_MAX);
    mp_text(m, r->expected, 0, REFUSAL_EXPECTED_MAX);
}

const char *quarantine_reason_name(enum quarantine_reason r)
{
    switch (r) {
    case QUARANTINE_UNKNOWN_FORM: return "unknown-form";
    case QUARANTINE_MALFORMED: return "malformed";
    case QUARANTINE_INVALID: return "invalid";
    case QUARANTINE_UNIT: return "unit";
    case QUARANTINE_ROLE: return "role";
    case QUARANTINE_PERIOD: return "period";
    case QUARANTINE_UNREADABLE: return "unreadable";
    case QUARANTINE_TARGET: return "target";
    case QUARANTINE_HELD: return "held";
    case QUARANTINE_CONFLICT: return "conflict";
    }
    return "other"; /* a later hub's word */
}

void refusal_say(char *out, size_t size, const struct refusal *why, const struct form *f)
{
    const char *label = form_rule_label(f, why->field);
    const char *message = form_rule_message(f, why->field, why->rule);
    char sentence[RECEIPT_TEXT_MAX + REFUSAL_EXPECTED_MAX];

    form_rule_say(sentence, sizeof(sentence), why->rule, why->expected, false);
    if (message == NULL)
        message = sentence;
    if (message[0] == '\0')
        (void)snprintf(out, size, "%s", why->text);
    else if (label != NULL)
        (void)snprintf(out, size, "%s (%s): %s", label, why->field, message);
    else if (why->field[0] != '\0' && why->rule < RULE_ROLE) /* the others name it themselves */
        (void)snprintf(out, size, "%s: %s", why->field, message);
    else
        (void)snprintf(out, size, "%s", message);
}
