#include "protocol/cover.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every byte counts: its digest is the form's name in the records (SPEC.md section 3.2). */
const char cover_yaml[] =
    "form: return-cover\n"
    "version: \"1\"\n"
    "title: {ru: \"Отметка об отчёте\", en: \"Cover of a return\"}\n"
    "mode: rows\n"
    "key: form\n"
    "role: school\n"
    "period: any\n"
    "choices:\n"
    "  states:\n"
    "    - {code: complete, label: {ru: \"полный\", en: \"complete\"}}\n"
    "    - {code: partial, label: {ru: \"неполный\", en: \"partial\"}}\n"
    "    - {code: nothing, label: {ru: \"сообщать не о чем\", en: \"nothing to report\"}}\n"
    "survey:\n"
    "  - {type: text, name: form, label: {ru: \"Форма\", en: \"Form\"}, required: true}\n"
    "  - {type: select_one states, name: state, label: {ru: \"Отчёт\", en: \"The return is\"}, required: true}\n"
    "  - {type: integer, name: rows, label: {ru: \"Строк\", en: \"Rows\"}, required: true, constraint: "
    "\"if(${state} = 'nothing', . = 0, . >= 1)\"}\n"
    "  - {type: text, name: digest, label: {ru: \"Контрольная сумма\", en: \"Digest\"}, required: true, constraint: "
    "\"regex(., '^[0-9a-f]{64}$')\"}\n"
    "  - {type: text, name: entered_by, label: {ru: \"Составил\", en: \"Entered by\"}, constraint: "
    "\"string-length(.) <= 100\"}\n"
    "  - {type: text, name: approved_by, label: {ru: \"Утвердил\", en: \"Approved by\"}, constraint: "
    "\"string-length(.) <= 100\"}\n"
    "  - {type: date, name: approved_on, label: {ru: \"Когда утверждён\", en: \"Approved on\"}}\n"
    "  - {type: text, name: reason, label: {ru: \"Почему изменён\", en: \"Why it was changed\"}, constraint: "
    "\"string-length(.) <= 250\"}\n";

const char *cover_state_name(enum cover_state s)
{
    switch (s) {
    case COVER_COMPLETE: return "complete";
    case COVER_PARTIAL: return "partial";
    case COVER_NOTHING: return "nothing";
    case COVER_STATES: break;
    }
    return "";
}

const char *cover_state_word(enum cover_state s)
{
    switch (s) {
    case COVER_COMPLETE: return _("complete");
    case COVER_PARTIAL: return _("partial");
    case COVER_NOTHING: return _("nothing to report");
    case COVER_STATES: break;
    }
    return "";
}

void cover_text(char *out, size_t size, struct bytes text)
{
    size_t len = text.len < size ? text.len : size - 1;

    memcpy(out, text.p, len);
    out[utf8_first_bad(out, len)] = '\0';
}

static struct bytes text_of(const struct value *v)
{
    return v->state == VALUE_PRESENT ? v->as.text : bytes_of("", 0);
}

/* -1: none. */
static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(uint8_t out[DIGEST_BYTES], struct bytes hex)
{
    if (hex.len != (size_t)2 * DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool cover_read(struct cover *out, const struct value *values, uint32_t count)
{
    memset(out, 0, sizeof(*out));
    if (count != COVER_FIELDS || values[COVER_STATE].state != VALUE_PRESENT ||
        values[COVER_ROWS].state != VALUE_PRESENT || values[COVER_ROWS].as.i < 0 || values[COVER_STATE].as.i < 0 ||
        values[COVER_STATE].as.i >= COVER_STATES)
        return false;
    out->of = text_of(&values[COVER_OF]);
    out->state = (enum cover_state)values[COVER_STATE].as.i;
    out->rows = (uint64_t)values[COVER_ROWS].as.i;
    out->entered_by = text_of(&values[COVER_ENTERED_BY]);
    out->approved_by = text_of(&values[COVER_APPROVED_BY]);
    out->reason = text_of(&values[COVER_REASON]);
    out->has_approved_on = values[COVER_APPROVED_ON].state == VALUE_PRESENT;
    if (out->has_approved_on)
        out->approved_on = (int32_t)values[COVER_APPROVED_ON].as.i;
    return out->of.len > 0 && read_digest(out->digest, text_of(&values[COVER_DIGEST]));
}

static struct value text_value(struct bytes text)
{
    if (text.len == 0)
        return (struct value){.state = VALUE_MISSING};
    return (struct value){.state = VALUE_PRESENT, .as.text = text};
}

void cover_write(const struct cover *c, char hex[COVER_HEX], struct value values[COVER_FIELDS])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", c->digest[i]);
    values[COVER_OF] = text_value(c->of);
    values[COVER_STATE] = (struct value){.state = VALUE_PRESENT, .as.i = (int64_t)c->state};
    values[COVER_ROWS] = (struct value){.state = VALUE_PRESENT, .as.i = (int64_t)c->rows};
    values[COVER_DIGEST] = text_value(bytes_of(hex, (size_t)2 * DIGEST_BYTES));
    values[COVER_ENTERED_BY] = text_value(c->entered_by);
    values[COVER_APPROVED_BY] = text_value(c->approved_by);
    values[COVER_APPROVED_ON] = (struct value){.state = c->has_approved_on ? VALUE_PRESENT : VALUE_MISSING};
    if (c->has_approved_on)
        values[COVER_APPROVED_ON].as.i = c->approved_on;
    values[COVER_REASON] = text_value(c->reason);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, RECORD_DIGEST_BYTES);
}

void return_digest(uint8_t out[DIGEST_BYTES], uint8_t (*digests)[RECORD_DIGEST_BYTES], size_t count)
{
    if (count > 1)
        qsort(digests, count, RECORD_DIGEST_BYTES, compare);
    digest_domain(out, "svodka return v1", bytes_of(digests, count * RECORD_DIGEST_BYTES));
}

void return_digest_format(char out[RETURN_DIGEST_TEXT], const uint8_t digest[DIGEST_BYTES])
{
    for (size_t i = 0; i < DIGEST_BYTES; i += 2)
        (void)snprintf(out + i / 2 * 5, 6, "%02x%02x%s", digest[i], digest[i + 1], i + 2 < DIGEST_BYTES ? " " : "");
}
