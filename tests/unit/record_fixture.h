/* record_fixture.h: a form with every type of field, made by hand, and random submissions of it. */
#ifndef SVODKA_TESTS_RECORD_FIXTURE_H
#define SVODKA_TESTS_RECORD_FIXTURE_H

#include "protocol/record.h"

#include <string.h>

#define FIXTURE_FIELDS 9u
#define FIXTURE_ROWS   5u

static const struct choice_list fixture_colours = {"colours", NULL, 3};
static const struct choice_list fixture_days = {"days", NULL, 64};

static const struct form_field fixture_columns[2] = {
    {.name = "name", .type = VALUE_TEXT},
    {.name = "hours", .type = VALUE_DECIMAL, .places = 2},
};
static const struct form_field fixture_fields[FIXTURE_FIELDS] = {
    {.name = "count", .type = VALUE_INTEGER},
    {.name = "mean", .type = VALUE_DECIMAL, .places = 2},
    {.name = "note", .type = VALUE_TEXT},
    {.name = "day", .type = VALUE_DATE},
    {.name = "agreed", .type = VALUE_BOOLEAN},
    {.name = "colour", .type = VALUE_SELECT_ONE, .choices = &fixture_colours},
    {.name = "colours", .type = VALUE_SELECT_MULTIPLE, .choices = &fixture_colours},
    {.name = "days", .type = VALUE_SELECT_MULTIPLE, .choices = &fixture_days},
    {.name = "circles", .type = VALUE_REPEAT, .columns = fixture_columns, .column_count = 2},
};

static inline struct form fixture_form(void)
{
    struct form f = {.id = "everything", .key = -1, .fields = fixture_fields, .field_count = FIXTURE_FIELDS};

    memset(f.digest, 0xF0, sizeof(f.digest));
    return f;
}

/* What a random record borrows from. */
struct fixture_space {
    struct value values[FIXTURE_FIELDS];
    struct value cells[FIXTURE_ROWS * 2];
    struct record_remark remarks[FIXTURE_FIELDS];
};

static inline uint64_t fixture_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t fixture_draw(uint64_t *seed, uint32_t below)
{
    return (uint32_t)(fixture_random(seed) >> 33) % below;
}

/* Up to `most` bytes of Russian text, cut between letters. */
static inline struct bytes fixture_text(uint64_t *seed, uint32_t most)
{
    static const char words[] = "Сведения о детях из малообеспеченных семей, посещающих кружки и секции";
    uint32_t letters = fixture_draw(seed, most / 2 + 1);

    return (struct bytes){(const uint8_t *)words, letters < 8 ? (size_t)letters * 2 : 16};
}

static inline int64_t fixture_number(uint64_t *seed)
{
    uint64_t v = fixture_random(seed) >> fixture_draw(seed, 64);

    return (int64_t)v;
}

static inline void fixture_value(struct value *v, const struct form_field *f, struct value *cells, uint64_t *seed)
{
    memset(v, 0, sizeof(*v));
    v->state = fixture_draw(seed, 4) == 0 ? (enum value_state)(1 + fixture_draw(seed, 4)) : VALUE_PRESENT;
    if (v->state != VALUE_PRESENT)
        return;
    switch (f->type) {
    case VALUE_INTEGER:
    case VALUE_DECIMAL: v->as.i = fixture_number(seed); break;
    case VALUE_DATE: v->as.i = (int32_t)fixture_random(seed); break;
    case VALUE_BOOLEAN: v->as.i = fixture_draw(seed, 2); break;
    case VALUE_TEXT: v->as.text = fixture_text(seed, 40); break;
    case VALUE_SELECT_ONE: v->as.i = fixture_draw(seed, f->choices->count); break;
    case VALUE_SELECT_MULTIPLE: v->as.set = fixture_random(seed) >> (64 - f->choices->count); break;
    case VALUE_REPEAT:
        v->as.rows = (struct value_rows){cells, fixture_draw(seed, FIXTURE_ROWS + 1), f->column_count};
        for (uint32_t i = 0; i < v->as.rows.rows * f->column_count; i++)
            fixture_value(&cells[i], &f->columns[i % f->column_count], NULL, seed);
        break;
    }
}

static inline void fixture_remarks(struct record *r, struct fixture_space *s, uint64_t *seed)
{
    for (uint32_t i = 0; i < FIXTURE_FIELDS; i++)
        if (fixture_draw(seed, 8) == 0) {
            struct bytes text = fixture_text(seed, 20);

            s->remarks[r->remark_count++] =
                (struct record_remark){i, text.len > 0 ? text : (struct bytes){(const uint8_t *)"!", 1}};
        }
    r->remarks = s->remarks;
}

static inline struct record fixture_record(const struct form *form, struct fixture_space *s, uint64_t *seed)
{
    struct record r = {
        .unit = "school-07", .period = "2020/21-Q1", .filled_on = 18500, .reason = {(const uint8_t *)"", 0}};

    memcpy(r.form, form->digest, sizeof(r.form));
    r.filled_on += (int32_t)fixture_draw(seed, 3) - 1;
    r.has_time = fixture_draw(seed, 4) > 0;
    r.made_ms = r.has_time ? 1600000000000 + fixture_draw(seed, 1000000) : 0;
    r.has_offset = r.has_time && fixture_draw(seed, 2) == 0;
    r.offset_ms = r.has_offset ? -(int64_t)fixture_draw(seed, 1000) : 0;
    r.entered_by = fixture_text(seed, 20);
    r.source = (enum record_source)fixture_draw(seed, 4);
    r.kind = fixture_draw(seed, 6) > 1 ? RECORD_NEW : (enum record_kind)(1 + fixture_draw(seed, 2));
    if (r.kind != RECORD_NEW) {
        r.target = (struct record_ref){{1 + fixture_draw(seed, 5), {9, 8, 7}}, 1 + fixture_draw(seed, 100000)};
        r.reason = (struct bytes){(const uint8_t *)"опечатка", 16};
    }
    memset(r.tag, 0x77, sizeof(r.tag));
    r.ordinal = fixture_draw(seed, 1000);
    if (r.kind == RECORD_RETRACTION)
        return r;
    for (uint32_t i = 0; i < FIXTURE_FIELDS; i++)
        fixture_value(&s->values[i], &form->fields[i], s->cells, seed);
    r.values = s->values;
    r.value_count = FIXTURE_FIELDS;
    fixture_remarks(&r, s, seed);
    return r;
}

#endif
