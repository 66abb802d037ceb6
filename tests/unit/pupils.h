/* pupils.h: rows like those of a class register: 33 fields, each drawn by itself from the frequencies found in the
 * "Student Performance" data (P. Cortez, A. Silva, 2008; UCI Machine Learning Repository, CC BY 4.0: student-por.csv,
 * 649 pupils).  For tests and benches of size and speed. */
#ifndef SVODKA_TESTS_PUPILS_H
#define SVODKA_TESTS_PUPILS_H

#include "common/form.h"

#include <string.h>

#define PUPIL_FIELDS 33u
#define PUPIL_TOTAL  649u
#define PUPIL_CODES  25u

struct pupil_field {
    const char *name;
    enum value_type type;
    uint8_t count;                /* different values */
    int8_t values[PUPIL_CODES];   /* number, index of the choice, or 0 and 1 */
    uint16_t counts[PUPIL_CODES]; /* of 649 */
};

static const struct pupil_field pupil_fields[PUPIL_FIELDS] = {
    {"school", VALUE_SELECT_ONE, 2, {0, 1}, {423, 226}},
    {"sex", VALUE_SELECT_ONE, 2, {0, 1}, {383, 266}},
    {"age", VALUE_INTEGER, 8, {15, 16, 17, 18, 19, 20, 21, 22}, {112, 177, 179, 140, 32, 6, 2, 1}},
    {"address", VALUE_SELECT_ONE, 2, {0, 1}, {197, 452}},
    {"famsize", VALUE_SELECT_ONE, 2, {0, 1}, {457, 192}},
    {"Pstatus", VALUE_SELECT_ONE, 2, {0, 1}, {80, 569}},
    {"Medu", VALUE_INTEGER, 5, {0, 1, 2, 3, 4}, {6, 143, 186, 139, 175}},
    {"Fedu", VALUE_INTEGER, 5, {0, 1, 2, 3, 4}, {7, 174, 209, 131, 128}},
    {"Mjob", VALUE_SELECT_ONE, 5, {0, 1, 2, 3, 4}, {135, 48, 258, 136, 72}},
    {"Fjob", VALUE_SELECT_ONE, 5, {0, 1, 2, 3, 4}, {42, 23, 367, 181, 36}},
    {"reason", VALUE_SELECT_ONE, 4, {0, 1, 2, 3}, {285, 149, 72, 143}},
    {"guardian", VALUE_SELECT_ONE, 3, {0, 1, 2}, {153, 455, 41}},
    {"traveltime", VALUE_INTEGER, 4, {1, 2, 3, 4}, {366, 213, 54, 16}},
    {"studytime", VALUE_INTEGER, 4, {1, 2, 3, 4}, {212, 305, 97, 35}},
    {"failures", VALUE_INTEGER, 4, {0, 1, 2, 3}, {549, 70, 16, 14}},
    {"schoolsup", VALUE_BOOLEAN, 2, {0, 1}, {581, 68}},
    {"famsup", VALUE_BOOLEAN, 2, {0, 1}, {251, 398}},
    {"paid", VALUE_BOOLEAN, 2, {0, 1}, {610, 39}},
    {"activities", VALUE_BOOLEAN, 2, {0, 1}, {334, 315}},
    {"nursery", VALUE_BOOLEAN, 2, {0, 1}, {128, 521}},
    {"higher", VALUE_BOOLEAN, 2, {0, 1}, {69, 580}},
    {"internet", VALUE_BOOLEAN, 2, {0, 1}, {151, 498}},
    {"romantic", VALUE_BOOLEAN, 2, {0, 1}, {410, 239}},
    {"famrel", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {22, 29, 101, 317, 180}},
    {"freetime", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {45, 107, 251, 178, 68}},
    {"goout", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {48, 145, 205, 141, 110}},
    {"Dalc", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {451, 121, 43, 17, 17}},
    {"Walc", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {247, 150, 120, 87, 45}},
    {"health", VALUE_INTEGER, 5, {1, 2, 3, 4, 5}, {90, 78, 124, 108, 249}},
    {"absences",
     VALUE_INTEGER,
     24,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 21, 22, 24, 26, 30, 32},
     {244, 12, 110, 7, 93, 12, 49, 3, 42, 7, 21, 5, 12, 1, 8, 2, 10, 3, 2, 2, 1, 1, 1, 1}},
    {"G1",
     VALUE_INTEGER,
     17,
     {0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
     {1, 2, 5, 9, 33, 42, 65, 95, 91, 82, 72, 71, 35, 22, 16, 7, 1}},
    {"G2",
     VALUE_INTEGER,
     16,
     {0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
     {7, 3, 7, 16, 40, 72, 83, 103, 86, 80, 54, 38, 25, 20, 14, 1}},
    {"G3",
     VALUE_INTEGER,
     17,
     {0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
     {15, 1, 1, 3, 10, 35, 35, 97, 104, 72, 82, 63, 49, 36, 29, 15, 2}},
};

/* splitmix64: the same rows everywhere for the same seed. */
static inline uint64_t pupil_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void pupil_draw(struct value values[PUPIL_FIELDS], uint64_t *seed)
{
    for (unsigned i = 0; i < PUPIL_FIELDS; i++) {
        const struct pupil_field *f = &pupil_fields[i];
        unsigned at = (unsigned)(pupil_random(seed) % PUPIL_TOTAL);
        unsigned k = 0;

        while (at >= f->counts[k])
            at -= f->counts[k++];
        values[i].state = VALUE_PRESENT;
        values[i].as.i = f->values[k];
    }
}

/* A form for them, made by hand; `fields` has PUPIL_FIELDS of them and lives as long. */
static inline void pupil_form(struct form *form, struct form_field *fields)
{
    static const struct choice_list choices = {"any", NULL, PUPIL_CODES};

    memset(form, 0, sizeof(*form));
    memset(fields, 0, PUPIL_FIELDS * sizeof(*fields));
    memcpy(form->id, "pupil", 6);
    memset(form->digest, 0x5a, sizeof(form->digest));
    form->mode = FORM_ROWS;
    form->key = -1;
    form->fields = fields;
    form->field_count = PUPIL_FIELDS;
    for (unsigned i = 0; i < PUPIL_FIELDS; i++) {
        fields[i].name = pupil_fields[i].name;
        fields[i].type = pupil_fields[i].type;
        fields[i].choices = pupil_fields[i].type == VALUE_SELECT_ONE ? &choices : NULL;
    }
}

#endif
