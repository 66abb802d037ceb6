#include "protocol/answer.h"

#include <string.h>

/* Every byte counts: its digest is the form's name in the records (SPEC.md section 3.2). */
const char answer_yaml[] =
    "form: question-answer\n"
    "version: \"1\"\n"
    "title: {ru: \"Ответ на вопрос отдела образования\", en: \"Answer to a question of the education office\"}\n"
    "mode: rows\n"
    "key: question\n"
    "role: school\n"
    "period: any\n"
    "choices:\n"
    "  verdicts:\n"
    "    - {code: checked, label: {ru: \"проверено, верно\", en: \"checked, correct\"}}\n"
    "survey:\n"
    "  - {type: integer, name: question, label: {ru: \"Номер вопроса\", en: \"Number of the question\"}, required: "
    "true, "
    "constraint: \". >= 1\"}\n"
    "  - {type: integer, name: asked, label: {ru: \"Когда спрошено, мс\", en: \"When it was asked, ms\"}, "
    "required: true}\n"
    "  - {type: select_one verdicts, name: verdict, label: {ru: \"Ответ\", en: \"Answer\"}, required: true}\n"
    "  - {type: text, name: remark, label: {ru: \"Пояснение\", en: \"Remark\"}, required: true}\n";

bool answer_read(struct answer *out, const struct value *values, uint32_t count)
{
    memset(out, 0, sizeof(*out));
    if (count != ANSWER_FIELDS || values[ANSWER_QUESTION].state != VALUE_PRESENT ||
        values[ANSWER_ASKED].state != VALUE_PRESENT || values[ANSWER_QUESTION].as.i < 1)
        return false;
    out->question = (uint64_t)values[ANSWER_QUESTION].as.i;
    out->asked_ms = values[ANSWER_ASKED].as.i;
    if (values[ANSWER_REMARK].state == VALUE_PRESENT)
        out->remark = values[ANSWER_REMARK].as.text;
    return true;
}

void answer_write(const struct answer *a, struct value values[ANSWER_FIELDS])
{
    for (size_t i = 0; i < ANSWER_FIELDS; i++)
        values[i] = (struct value){.state = VALUE_PRESENT};
    values[ANSWER_QUESTION].as.i = (int64_t)a->question;
    values[ANSWER_ASKED].as.i = a->asked_ms;
    values[ANSWER_REMARK].as.text = a->remark;
}
