/* Covers of returns from outside: any bytes as a record of the built-in form.  What reads as a cover says no more than
 * the record does, and is written as the same record again. */
#include "protocol/cover.h"
#include "tests/fuzz/builtin_target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form *form;

static bool is_within(struct bytes part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.p >= data && part.p + part.len <= data + size);
}

static void check_text(struct bytes text, const uint8_t *data, size_t size)
{
    char copy[COVER_NAME_BYTES];

    if (!is_within(text, data, size))
        abort();
    cover_text(copy, sizeof(copy), text);
    if (strlen(copy) > text.len)
        abort();
}

/* Nothing that a cover cannot say: of what is not said there is one way only. */
static bool is_plain(const struct value *values)
{
    for (size_t i = COVER_ENTERED_BY; i < COVER_FIELDS; i++) {
        bool is_text = i != COVER_APPROVED_ON;

        if (values[i].state != VALUE_MISSING &&
            (values[i].state != VALUE_PRESENT || (is_text && values[i].as.text.len == 0)))
            return false;
    }
    return true;
}

static void write_again(struct record *r, const struct cover *c, struct bytes before)
{
    struct value values[COVER_FIELDS];
    char hex[COVER_HEX];
    struct buf out;

    cover_write(c, hex, values);
    r->values = values;
    buf_init(&out, RECORD_MAX);
    if (record_encode(&out, r, form) != OK || out.len != before.len || memcmp(out.data, before.p, before.len) != 0)
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cover c;
    struct record r;

    if (!target_record(&r, &form, BUILTIN_COVER, bytes_of(data, size)))
        return 0;
    if (cover_read(&c, r.values, r.value_count - 1) || !cover_read(&c, r.values, r.value_count))
        return 0;
    if (c.state >= COVER_STATES || c.of.len == 0 || c.rows > INT64_MAX)
        abort();
    check_text(c.of, data, size);
    check_text(c.entered_by, data, size);
    check_text(c.approved_by, data, size);
    check_text(c.reason, data, size);
    if (is_plain(r.values))
        write_again(&r, &c, bytes_of(data, size));
    return 0;
}
