/* Answers to questions from outside: any bytes as a record of the built-in form of answers.  What reads
 * as an answer says no more than the record does, and is written as the same record again. */
#include "protocol/answer.h"
#include "tests/fuzz/builtin_target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form *form;

static bool is_within(struct bytes part, const uint8_t *data, size_t size)
{
    return part.len == 0 || (part.p >= data && part.p + part.len <= data + size);
}

/* All four fields: nothing is lost on the way through an answer. */
static void write_again(struct record *r, const struct answer *a, struct bytes before)
{
    struct value values[ANSWER_FIELDS];
    struct answer again;
    struct buf out;

    answer_write(a, values);
    if (!answer_read(&again, values, ANSWER_FIELDS) || again.question != a->question || again.asked_ms != a->asked_ms ||
        again.remark.len != a->remark.len)
        abort();
    r->values = values;
    buf_init(&out, RECORD_MAX);
    if (record_encode(&out, r, form) != OK || out.len != before.len || memcmp(out.data, before.p, before.len) != 0)
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer a;
    struct record r;

    if (!target_record(&r, &form, BUILTIN_ANSWER, bytes_of(data, size)))
        return 0;
    if (!answer_read(&a, r.values, r.value_count))
        return 0;
    if (a.question == 0 || a.question > INT64_MAX || !is_within(a.remark, data, size) ||
        answer_read(&a, r.values, r.value_count - 1))
        abort();
    (void)answer_read(&a, r.values, r.value_count);
    if (r.values[ANSWER_VERDICT].state == VALUE_PRESENT && r.values[ANSWER_REMARK].state == VALUE_PRESENT)
        write_again(&r, &a, bytes_of(data, size));
    return 0;
}
