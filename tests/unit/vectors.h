/* vectors.h: hex and JSON for the test vectors (protocol/vectors.json), shared by the program that writes them and the
 * test that reads them. */
#ifndef SVODKA_TESTS_VECTORS_H
#define SVODKA_TESTS_VECTORS_H

#include "protocol/record.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *vector_hex(const void *bytes, size_t len)
{
    char *text = malloc(2 * len + 1);
    json_t *s;

    if (text == NULL)
        abort();
    s = json_string(sodium_bin2hex(text, 2 * len + 1, bytes, len));
    free(text);
    return s;
}

static inline json_t *vector_text(struct bytes text)
{
    return json_stringn((const char *)text.p, text.len);
}

static inline json_t *vector_value(const struct value *v, const struct form_field *f)
{
    json_t *a;

    if (v->state == VALUE_MISSING)
        return json_null();
    if (v->state != VALUE_PRESENT)
        return json_pack("{s:i}", "state", (int)v->state);
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL:
    case VALUE_DATE:
    case VALUE_SELECT_ONE: return json_integer(v->as.i);
    case VALUE_BOOLEAN: return json_boolean(v->as.i != 0);
    case VALUE_TEXT: return vector_text(v->as.text);
    case VALUE_SELECT_MULTIPLE:
        a = json_array();
        for (int i = 0; i < 64; i++)
            if ((v->as.set >> i & 1) != 0)
                json_array_append_new(a, json_integer(i));
        return a;
    case VALUE_REPEAT:
        a = json_array();
        for (uint32_t r = 0; r < v->as.rows.rows; r++) {
            json_t *row = json_array();

            for (uint32_t c = 0; c < v->as.rows.columns; c++)
                json_array_append_new(row, vector_value(&v->as.rows.cells[r * v->as.rows.columns + c], &f->columns[c]));
            json_array_append_new(a, row);
        }
        return a;
    }
    return NULL;
}

/* A record by its fields, without its bytes. */
static inline json_t *vector_record(const struct record *r, const struct form *form)
{
    json_t *remarks = json_array();
    json_t *values = json_array();
    json_t *target = json_null();

    if (r->kind != RECORD_NEW)
        target = json_pack("{s:I,s:o,s:I}", "counter", (json_int_t)r->target.gen.counter, "tag",
                           vector_hex(r->target.gen.tag, TAG_BYTES), "number", (json_int_t)r->target.number);
    for (uint32_t i = 0; i < r->remark_count; i++)
        json_array_append_new(remarks, json_pack("[i,o]", (int)r->remarks[i].field, vector_text(r->remarks[i].text)));
    for (uint32_t i = 0; i < r->value_count; i++)
        json_array_append_new(values, vector_value(&r->values[i], &form->fields[i]));
    return json_pack("{s:o,s:s,s:s,s:i,s:o,s:o,s:o,s:i,s:i,s:o,s:o,s:o,s:I,s:o,s:o}", "form",
                     vector_hex(r->form, sizeof(r->form)), "unit", r->unit, "period", r->period, "filled_on",
                     (int)r->filled_on, "made_ms", r->has_time ? json_integer(r->made_ms) : json_null(), "offset_ms",
                     r->has_offset ? json_integer(r->offset_ms) : json_null(), "entered_by", vector_text(r->entered_by),
                     "source", (int)r->source, "kind", (int)r->kind, "target", target, "reason", vector_text(r->reason),
                     "tag", vector_hex(r->tag, TAG_BYTES), "ordinal", (json_int_t)r->ordinal, "remarks", remarks,
                     "values", values);
}

#endif
