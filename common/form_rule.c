#include "common/form_rule.h"

#include "common/cli.h"
#include "common/form.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(unsigned rule)
{
    switch (rule) {
    case RULE_REQUIRED: return N_("an answer is required");
    case RULE_IRRELEVANT: return N_("the question does not apply here: expected no answer");
    case RULE_ASKED: return N_("the question applies here: expected an answer");
    case RULE_CONSTRAINT: return N_("the answer breaks the form's rule");
    case RULE_CALCULATION: return N_("the form calculates another value");
    case RULE_NO_UNKNOWN: return N_("the form does not allow \"not known\" here");
    case RULE_NO_INAPPLICABLE: return N_("the form does not allow \"not applicable\" here");
    case RULE_TOO_LARGE: return N_("the number is too large: at most 15 digits were expected");
    case RULE_DATE: return N_("expected a date of the years 1 to 9999");
    case RULE_BOOLEAN: return N_("expected yes or no");
    case RULE_CHOICE: return N_("the list of choices has no such choice");
    case RULE_TEXT: return N_("the text is too long, or holds signs that cannot be printed");
    case RULE_ROWS: return N_("the rows are not those of the form, or too many");
    case RULE_EMPTY: return N_("no answer was expected, not an empty one");
    case RULE_EVALUATION: return N_("a rule of the form could not be evaluated");
    case RULE_COUNT: return N_("there are more or fewer answers than the form has fields");
    case RULE_ROLE: return N_("the form is filled in by another role");
    case RULE_UNIT: return N_("the sender has no right to report about this unit");
    case RULE_UNIT_DISTRICT: return N_("the form is about one unit alone");
    case RULE_SERIES: return N_("the calendar has no such period in the series of the form");
    case RULE_FINAL: return N_("an anonymous answer is not corrected; a session of them is withdrawn as a whole");
    case RULE_ORDER: return N_("what it changes does not stand before it");
    default: return NULL;
    }
}

void form_rule_say(char *out, size_t size, unsigned rule, const char *expected, bool in_english)
{
    const char *text = text_of(rule);

    if (text == NULL)
        out[0] = '\0';
    else if (expected[0] == '\0')
        (void)snprintf(out, size, "%s", in_english ? text : _(text));
    else
        (void)snprintf(out, size, "%s: %s", in_english ? text : _(text), expected);
}

/* "repeat[12].column" or "field". */
static const struct form_field *field_of(const struct form *f, const char *path)
{
    const char *row = strchr(path, '[');
    const char *column = row == NULL ? NULL : strchr(row, '.');
    int32_t top = form_find_field(f, path, row == NULL ? strlen(path) : (size_t)(row - path));

    if (top < 0 || column == NULL)
        return top < 0 ? NULL : &f->fields[top];
    for (uint32_t i = 0; i < f->fields[top].column_count; i++)
        if (strcmp(f->fields[top].columns[i].name, column + 1) == 0)
            return &f->fields[top].columns[i];
    return NULL;
}

const char *form_rule_message(const struct form *f, const char *field, unsigned rule)
{
    const struct form_field *at = f == NULL ? NULL : field_of(f, field);

    if (at == NULL)
        return NULL;
    if (rule == RULE_REQUIRED)
        return cli_pick(at->required_message_ru, at->required_message_en);
    return rule == RULE_CONSTRAINT ? cli_pick(at->constraint_message_ru, at->constraint_message_en) : NULL;
}

const char *form_rule_label(const struct form *f, const char *field)
{
    const struct form_field *at = f == NULL ? NULL : field_of(f, field);

    return at == NULL ? NULL : cli_pick(at->label_ru, at->label_en);
}
