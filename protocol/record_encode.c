#include "protocol/record.h"

#include "protocol/fields.h"
#include "protocol/record_internal.h"

#include <string.h>

static bool is_time(int64_t ms)
{
    return ms >= TIME_MIN_MS && ms <= TIME_MAX_MS;
}

static const char *remark_mistake(const struct record *r, const struct form *form)
{
    for (uint32_t i = 0; i < r->remark_count; i++) {
        const struct record_remark *remark = &r->remarks[i];

        if (remark->field >= form->field_count || (i > 0 && remark->field <= r->remarks[i - 1].field))
            return "its remarks are not in the order of the fields";
        if (remark->text.len < 1 || remark->text.len > RECORD_REMARK_MAX)
            return "a remark has 1 to 500 bytes";
    }
    return NULL;
}

/* What is wrong with the head, or NULL.  The agent fills it, so these are our own mistakes, told in English; but a
 * record the hub would refuse must never get an id. */
static const char *head_mistake(const struct record *r, const struct form *form)
{
    bool has_target = r->kind != RECORD_NEW;

    if (memcmp(r->form, form->digest, FORM_DIGEST_BYTES) != 0)
        return "the form is not the one it names";
    if (!id_is_valid(r->unit))
        return "its unit is not an id";
    if (!period_id_is_valid(r->period))
        return "its period is not an id";
    if (r->has_offset && !r->has_time)
        return "a clock offset without a time";
    if ((r->has_time && !is_time(r->made_ms)) || (r->has_offset && !is_time(r->offset_ms)))
        return "its time is not within the years 1 to 9999";
    if (r->entered_by.len > RECORD_ENTERED_BY_MAX)
        return "\"entered by\" is too long";
    if (has_target ? r->reason.len < 1 || r->reason.len > RECORD_REASON_MAX : r->reason.len > 0)
        return "a correction or retraction needs a reason of 1 to 500 bytes, a new one has none";
    if (has_target && (r->target.gen.counter == 0 || r->target.number == 0 || r->target.number > INT64_MAX))
        return "its target is not a submission";
    if (r->value_count != (r->kind == RECORD_RETRACTION ? 0 : form->field_count))
        return "its number of values is not the form's";
    if (r->remark_count > (r->kind == RECORD_RETRACTION ? 0 : form->field_count))
        return "it has more remarks than fields";
    return remark_mistake(r, form);
}

static void put_text(struct buf *b, struct bytes text)
{
    mp_put_str(b, (const char *)text.p, text.len);
}

static void put_head(struct buf *b, const struct record *r)
{
    mp_put_uint(b, RECORD_FORMAT);
    mp_put_bin(b, r->form, FORM_DIGEST_BYTES);
    mp_put_cstr(b, r->unit);
    mp_put_cstr(b, r->period);
    mp_put_int(b, r->filled_on);
    if (r->has_time)
        mp_put_int(b, r->made_ms);
    else
        mp_put_nil(b);
    if (r->has_offset)
        mp_put_int(b, r->offset_ms);
    else
        mp_put_nil(b);
    put_text(b, r->entered_by);
    mp_put_uint(b, r->source);
    mp_put_uint(b, r->kind);
    if (r->kind != RECORD_NEW) {
        mp_put_array(b, 3);
        mp_put_uint(b, r->target.gen.counter);
        mp_put_bin(b, r->target.gen.tag, TAG_BYTES);
        mp_put_uint(b, r->target.number);
    } else {
        mp_put_nil(b);
    }
    put_text(b, r->reason);
    mp_put_bin(b, r->tag, TAG_BYTES);
    mp_put_uint(b, r->ordinal);
    if (r->remark_count == 0)
        mp_put_nil(b);
    else
        mp_put_array(b, r->remark_count);
    for (uint32_t i = 0; i < r->remark_count; i++) {
        mp_put_array(b, 2);
        mp_put_uint(b, r->remarks[i].field);
        put_text(b, r->remarks[i].text);
    }
}

static void put_value(struct buf *b, const struct value *v, const struct form_field *f);

/* At most one level deep: a repeat has no repeats inside. */
static void put_rows(struct buf *b, const struct value_rows *rows, const struct form_field *f)
{
    const struct value *cell = rows->cells;

    mp_put_array(b, rows->rows);
    for (uint32_t r = 0; r < rows->rows; r++) {
        mp_put_array(b, rows->columns);
        for (uint32_t c = 0; c < rows->columns; c++)
            put_value(b, cell++, &f->columns[c]);
    }
}

static void put_value(struct buf *b, const struct value *v, const struct form_field *f)
{
    if (v->state == VALUE_MISSING) {
        mp_put_nil(b);
        return;
    }
    if (v->state != VALUE_PRESENT) {
        mp_put_state(b, v->state);
        return;
    }
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_DATE:
    case VALUE_SELECT_ONE: mp_put_int(b, v->as.i); break;
    case VALUE_BOOLEAN: mp_put_bool(b, v->as.i != 0); break;
    case VALUE_TEXT: put_text(b, v->as.text); break;
    case VALUE_SELECT_MULTIPLE: mp_put_uint(b, v->as.set); break;
    case VALUE_REPEAT: put_rows(b, &v->as.rows, f); break;
    }
}

enum err record_encode(struct buf *out, const struct record *r, const struct form *form)
{
    size_t before = out->len;
    const char *mistake = head_mistake(r, form);
    enum err e;

    if (mistake != NULL)
        return err_set(ERR_INVALID, "a record cannot be written: %s", mistake);
    mp_put_array(out, RECORD_HEAD + r->value_count);
    put_head(out, r);
    for (uint32_t i = 0; i < r->value_count; i++)
        put_value(out, &r->values[i], &form->fields[i]);
    if ((e = buf_status(out)) != OK)
        e = err_set(e, "no room for a record");
    else if (out->len - before > RECORD_MAX)
        e = err_set(ERR_LIMIT,
                    _("the submission takes %zu bytes, the limit is %u; shorten its texts or give it fewer rows"),
                    out->len - before, RECORD_MAX);
    if (e != OK)
        out->len = before;
    return e;
}
