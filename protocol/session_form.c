#include "protocol/session_form.h"

#include <stdio.h>
#include <string.h>

/* Every byte counts: its digest is the form's name in the records (SPEC.md section 3.2). */
const char session_yaml[] =
    "form: answer-session\n"
    "version: \"1\"\n"
    "title: {ru: \"Пачка анонимных анкет\", en: \"Session of anonymous answers\"}\n"
    "mode: rows\n"
    "key: session\n"
    "role: school\n"
    "period: any\n"
    "choices:\n"
    "  states:\n"
    "    - {code: open, label: {ru: \"открыта\", en: \"open\"}}\n"
    "    - {code: closed, label: {ru: \"закрыта\", en: \"closed\"}}\n"
    "    - {code: withdrawn, label: {ru: \"отозвана\", en: \"withdrawn\"}}\n"
    "survey:\n"
    "  - {type: text, name: session, label: {ru: \"Анкета и пачка\", en: \"Questionnaire and session\"}, required: "
    "true,\n"
    "     constraint: \". = concat(${questionnaire}, '/', ${name})\"}\n"
    "  - {type: text, name: questionnaire, label: {ru: \"Анкета\", en: \"Questionnaire\"}, required: true,\n"
    "     constraint: \"string-length(.) <= 64\"}\n"
    "  - {type: text, name: name, label: {ru: \"Название\", en: \"Name\"}, required: true,\n"
    "     constraint: \"string-length(.) <= 60\"}\n"
    "  - {type: text, name: group, label: {ru: \"Класс или группа\", en: \"Class or group\"},\n"
    "     constraint: \"string-length(.) <= 60\"}\n"
    "  - {type: integer, name: expected, label: {ru: \"Сколько анкет ждут\", en: \"Sheets expected\"},\n"
    "     constraint: \". >= 1 and . <= 100000\"}\n"
    "  - {type: select_one states, name: state, label: {ru: \"Состояние\", en: \"State\"}, required: true}\n"
    "  - {type: integer, name: entered, label: {ru: \"Сколько введено\", en: \"Sheets entered\"}, required: true,\n"
    "     constraint: \". >= 0 and . <= 100000\"}\n";

/* Constraints bound the texts; a record of before them is not believed. */
static bool take_text(char *out, size_t size, const struct value *v)
{
    out[0] = '\0';
    if (v->state != VALUE_PRESENT)
        return true;
    if (v->as.text.len >= size || memchr(v->as.text.p, '\0', v->as.text.len) != NULL)
        return false;
    memcpy(out, v->as.text.p, v->as.text.len);
    out[v->as.text.len] = '\0';
    return true;
}

static bool take_count(uint32_t *out, const struct value *v)
{
    *out = 0;
    if (v->state != VALUE_PRESENT)
        return true;
    if (v->as.i < 0 || v->as.i > SESSION_EXPECT_MAX)
        return false;
    *out = (uint32_t)v->as.i;
    return true;
}

bool session_word_read(struct session_word *out, const struct value *values, uint32_t count)
{
    memset(out, 0, sizeof(*out));
    if (count != SESSION_FIELDS || values[SESSION_STATE].state != VALUE_PRESENT || values[SESSION_STATE].as.i < 0 ||
        values[SESSION_STATE].as.i > SESSION_WITHDRAWN)
        return false;
    out->state = (enum session_state)values[SESSION_STATE].as.i;
    return take_text(out->form, sizeof(out->form), &values[SESSION_QUESTIONNAIRE]) &&
           take_text(out->name, sizeof(out->name), &values[SESSION_NAME]) &&
           take_text(out->group, sizeof(out->group), &values[SESSION_GROUP]) &&
           take_count(&out->expected, &values[SESSION_EXPECTED]) &&
           take_count(&out->entered, &values[SESSION_ENTERED]) && out->form[0] != '\0' && out->name[0] != '\0';
}

static struct value text_of(const char *text)
{
    struct value v = {.state = text[0] == '\0' ? VALUE_MISSING : VALUE_PRESENT};

    v.as.text = bytes_of(text, strlen(text));
    return v;
}

static struct value count_of(uint32_t n, bool is_said)
{
    struct value v = {.state = is_said ? VALUE_PRESENT : VALUE_MISSING};

    v.as.i = n;
    return v;
}

void session_word_write(const struct session_word *w, char key[SESSION_KEY_MAX + 1],
                        struct value values[SESSION_FIELDS])
{
    (void)snprintf(key, SESSION_KEY_MAX + 1, "%s/%s", w->form, w->name);
    values[SESSION_KEY] = text_of(key);
    values[SESSION_QUESTIONNAIRE] = text_of(w->form);
    values[SESSION_NAME] = text_of(w->name);
    values[SESSION_GROUP] = text_of(w->group);
    values[SESSION_EXPECTED] = count_of(w->expected, w->expected > 0);
    values[SESSION_STATE] = count_of((uint32_t)w->state, true);
    values[SESSION_ENTERED] = count_of(w->entered, true);
}
