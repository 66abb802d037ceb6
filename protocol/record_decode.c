#include "protocol/record.h"

#include "protocol/fields.h"
#include "protocol/record_internal.h"

#include <stdlib.h>
#include <string.h>

struct record_space {
    struct value *values; /* the top level, then the cells of repeats */
    size_t value_cap;
    struct record_remark *remarks;
    size_t remark_cap;
};

enum err record_space_new(struct record_space **out)
{
    struct record_space *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory to read records");
    *out = s;
    return OK;
}

void record_space_free(struct record_space *s)
{
    if (s == NULL)
        return;
    if (s->values != NULL)
        wipe(s->values, s->value_cap * sizeof(*s->values));
    free(s->values);
    free(s->remarks);
    free(s);
}

/* Room for `want` of them instead of `array`; what was there is not kept.  NULL: no memory, and no room at all. */
static void *reserve(void *array, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return array;
    free(array);
    array = malloc(want * size);
    *cap = array == NULL ? 0 : want;
    return array;
}

static enum err no_memory(void)
{
    return err_set(ERR_NOMEM, "no memory to read a record");
}

/* ---- head ---- */

static enum err bad_element(enum record_element at)
{
    static const char *const names[RECORD_HEAD] = {
        [ELEMENT_VERSION] = "format version, 1",
        [ELEMENT_FORM] = "form digest, 32 bytes",
        [ELEMENT_UNIT] = "unit, an id of 1 to 32 letters, digits, _ and -",
        [ELEMENT_PERIOD] = "period, an id of 1 to 32 letters, digits, _ . / and -",
        [ELEMENT_FILLED_ON] = "day it was filled on, days since 1970-01-01",
        [ELEMENT_MADE] = "time it was made, milliseconds within the years 1 to 9999, or nil",
        [ELEMENT_OFFSET] = "clock offset, milliseconds or nil; nil without a time",
        [ELEMENT_ENTERED_BY] = "who entered it, a text of at most 64 bytes",
        [ELEMENT_SOURCE] = "source, 0 to 3",
        [ELEMENT_KIND] = "kind, 0 to 2",
        [ELEMENT_TARGET] = "target, [counter, tag, number] in corrections and retractions, else nil",
        [ELEMENT_REASON] = "reason, 1 to 500 bytes in corrections and retractions, else empty",
        [ELEMENT_TAG] = "tag, 8 bytes",
        [ELEMENT_ORDINAL] = "ordinal, below 2^32",
        [ELEMENT_REMARKS] = "remarks, nil or [field, text] in the order of fields",
    };

    return err_set(ERR_MALFORMED, "record element %u is not what it should be: %s", (unsigned)at, names[at]);
}

static bool take_days(struct mp *m, int32_t *days)
{
    int64_t v = mp_int(m);

    *days = (int32_t)v;
    return !m->failed && v >= INT32_MIN && v <= INT32_MAX;
}

static bool take_target(struct mp *m, struct record *r)
{
    if (r->kind == RECORD_NEW)
        return mp_nil(m);
    (void)mp_array(m, 3, 3);
    r->target.gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_bin_exact(m, r->target.gen.tag, TAG_BYTES);
    r->target.number = mp_uint(m, INT64_MAX);
    return !m->failed && r->target.gen.counter > 0 && r->target.number > 0;
}

static bool take_reason(struct mp *m, struct record *r)
{
    r->reason = mp_str(m, RECORD_REASON_MAX);
    return !m->failed && (r->kind == RECORD_NEW) == (r->reason.len == 0);
}

/* One element of the head (all but version and remarks) into its place. */
static bool take_element(struct mp *m, enum record_element at, struct record *r)
{
    switch (at) {
    case ELEMENT_FORM: mp_bin_exact(m, r->form, FORM_DIGEST_BYTES); break;
    case ELEMENT_UNIT: mp_text(m, r->unit, 1, ID_MAX); return !m->failed && id_is_valid(r->unit);
    case ELEMENT_PERIOD: mp_text(m, r->period, 1, PERIOD_BYTES_MAX); return !m->failed && period_id_is_valid(r->period);
    case ELEMENT_FILLED_ON: return take_days(m, &r->filled_on);
    case ELEMENT_MADE:
        r->has_time = !mp_nil(m);
        r->made_ms = r->has_time ? fields_time(m) : 0;
        break;
    case ELEMENT_OFFSET:
        r->has_offset = !mp_nil(m);
        r->offset_ms = r->has_offset ? fields_time(m) : 0;
        return !m->failed && (r->has_time || !r->has_offset);
    case ELEMENT_ENTERED_BY: r->entered_by = mp_str(m, RECORD_ENTERED_BY_MAX); break;
    case ELEMENT_SOURCE: r->source = (enum record_source)mp_uint(m, SOURCE_IMPORT); break;
    case ELEMENT_KIND: r->kind = (enum record_kind)mp_uint(m, RECORD_RETRACTION); break;
    case ELEMENT_TARGET: return take_target(m, r);
    case ELEMENT_REASON: return take_reason(m, r);
    case ELEMENT_TAG: mp_bin_exact(m, r->tag, TAG_BYTES); break;
    case ELEMENT_ORDINAL: r->ordinal = (uint32_t)mp_uint(m, UINT32_MAX); break;
    case ELEMENT_VERSION:
    case ELEMENT_REMARKS: return false;
    }
    return !m->failed;
}

/* Everything before the remarks, into a record of zeros. */
static enum err take_head(struct mp *m, struct record *r, size_t len)
{
    size_t count;
    uint64_t version;

    if (len > RECORD_MAX)
        return err_set(ERR_LIMIT, "a record of %zu bytes; at most %u are allowed", len, RECORD_MAX);
    count = mp_array(m, RECORD_HEAD, RECORD_HEAD + FORM_MAX_FIELDS);
    if (m->failed)
        return err_set(ERR_MALFORMED, "a record is an array of %u to %u elements", RECORD_HEAD,
                       RECORD_HEAD + FORM_MAX_FIELDS);
    version = mp_uint(m, UINT64_MAX);
    if (m->failed)
        return bad_element(ELEMENT_VERSION);
    if (version != RECORD_FORMAT)
        return err_set(ERR_VERSION, "a record of format %llu; this program knows format %u",
                       (unsigned long long)version, RECORD_FORMAT);
    for (enum record_element at = ELEMENT_FORM; at < ELEMENT_REMARKS; at++)
        if (!take_element(m, at, r))
            return bad_element(at);
    r->value_count = (uint32_t)(count - RECORD_HEAD);
    if (r->kind == RECORD_RETRACTION && r->value_count > 0)
        return err_set(ERR_MALFORMED, "a retraction has no values; this record has %u", r->value_count);
    return OK;
}

enum err record_decode_head(struct record *out, struct bytes in)
{
    struct mp m = mp_of(in);
    struct record r = {0};
    enum err e = take_head(&m, &r, in.len);

    if (e == OK)
        *out = r;
    return e;
}

/* ---- remarks and values ---- */

static enum err take_remarks(struct mp *m, struct record *r, struct record_space *s, const struct form *form)
{
    uint32_t most = r->kind == RECORD_RETRACTION ? 0 : form->field_count;
    size_t count;

    if (mp_nil(m))
        return OK;
    count = mp_array(m, 1, most);
    if (m->failed)
        return bad_element(ELEMENT_REMARKS);
    if ((s->remarks = reserve(s->remarks, &s->remark_cap, count, sizeof(*s->remarks))) == NULL)
        return no_memory();
    for (size_t i = 0; i < count; i++) {
        struct record_remark *remark = &s->remarks[i];

        (void)mp_array(m, 2, 2);
        remark->field = (uint32_t)mp_uint(m, most - 1);
        remark->text = mp_str(m, RECORD_REMARK_MAX);
        if (m->failed || remark->text.len == 0 || (i > 0 && remark->field <= remark[-1].field))
            return bad_element(ELEMENT_REMARKS);
    }
    r->remarks = s->remarks;
    r->remark_count = (uint32_t)count;
    return OK;
}

static bool take_index(struct mp *m, const struct form_field *f, struct value *v)
{
    v->as.i = (int64_t)mp_uint(m, UINT32_MAX);
    return !m->failed && f->choices != NULL && v->as.i < (int64_t)f->choices->count;
}

static bool take_set(struct mp *m, const struct form_field *f, struct value *v)
{
    uint32_t count = f->choices == NULL ? 0 : f->choices->count;

    v->as.set = mp_uint(m, UINT64_MAX);
    return !m->failed && (count >= 64 || v->as.set >> count == 0);
}

static bool take_scalar(struct mp *m, const struct form_field *f, struct value *v)
{
    int32_t days;

    switch (mp_peek(m)) {
    case MP_NIL: v->state = VALUE_MISSING; return mp_nil(m);
    case MP_STATE: v->state = (enum value_state)mp_state(m); return !m->failed;
    case MP_FALSE:
    case MP_TRUE:
    case MP_UINT:
    case MP_NEGATIVE:
    case MP_STR:
    case MP_BIN:
    case MP_ARRAY:
    case MP_BAD: break;
    }
    v->state = VALUE_PRESENT;
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: v->as.i = mp_int(m); return !m->failed;
    case VALUE_DATE:
        if (!take_days(m, &days))
            return false;
        v->as.i = days;
        return true;
    case VALUE_BOOLEAN: v->as.i = mp_bool(m); return !m->failed;
    case VALUE_SELECT_ONE: return take_index(m, f, v);
    case VALUE_SELECT_MULTIPLE: return take_set(m, f, v);
    case VALUE_TEXT: v->as.text = mp_str(m, FORM_MAX_TEXT); return !m->failed;
    case VALUE_REPEAT: return false;
    }
    return false;
}

/* The cells go behind those used so far; the space was made for as many as there are bytes. */
static bool take_rows(struct mp *m, const struct form_field *f, struct value *v, struct value **cells)
{
    size_t rows = mp_array(m, 0, FORM_MAX_ROWS);

    v->state = VALUE_PRESENT;
    v->as.rows = (struct value_rows){*cells, (uint32_t)rows, f->column_count};
    for (size_t r = 0; r < rows; r++) {
        (void)mp_array(m, f->column_count, f->column_count);
        for (uint32_t c = 0; c < f->column_count && !m->failed; c++)
            if (!take_scalar(m, &f->columns[c], (*cells)++))
                return false;
        if (m->failed)
            return false;
    }
    return !m->failed;
}

static bool has_repeat(const struct form *form)
{
    for (uint32_t i = 0; i < form->field_count; i++)
        if (form->fields[i].type == VALUE_REPEAT)
            return true;
    return false;
}

static enum err take_values(struct mp *m, struct record *r, struct record_space *s, const struct form *form)
{
    size_t left = (size_t)(m->end - m->p);
    struct value *cells;
    size_t want;

    /* Each cell takes at least one byte of input, so that the array never has to move under the rows' pointers. */
    want = 1 + form->field_count + (has_repeat(form) ? left : 0);
    if ((s->values = reserve(s->values, &s->value_cap, want, sizeof(*s->values))) == NULL)
        return no_memory();
    cells = s->values + form->field_count;
    for (uint32_t i = 0; i < form->field_count; i++) {
        const struct form_field *f = &form->fields[i];
        bool is_rows = f->type == VALUE_REPEAT && mp_peek(m) == MP_ARRAY;

        if (!(is_rows ? take_rows(m, f, &s->values[i], &cells) : take_scalar(m, f, &s->values[i])))
            return err_set(ERR_MALFORMED, "record element %u, field %s: the value is not of the form's type or limits",
                           RECORD_HEAD + i, f->name);
    }
    r->values = s->values;
    return OK;
}

enum err record_decode(struct record *out, struct record_space *space, struct bytes in, const struct form *form)
{
    struct mp m = mp_of(in);
    struct record r = {0};
    enum err e = take_head(&m, &r, in.len);

    if (e != OK)
        return e;
    if (memcmp(r.form, form->digest, FORM_DIGEST_BYTES) != 0)
        return err_set(ERR_INVALID, "the record names another form than %s", form->id);
    if (r.kind != RECORD_RETRACTION && r.value_count != form->field_count)
        return err_set(ERR_MALFORMED, "the record has %u values, the form %s has %u fields", r.value_count, form->id,
                       form->field_count);
    if ((e = take_remarks(&m, &r, space, form)) != OK)
        return e;
    if (r.kind != RECORD_RETRACTION && (e = take_values(&m, &r, space, form)) != OK)
        return e;
    if (!mp_done(&m))
        return err_set(ERR_MALFORMED, "bytes are left over after the record's last element");
    *out = r;
    return OK;
}
