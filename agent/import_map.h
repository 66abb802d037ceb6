/* import_map.h: how the headings and words of somebody's table become fields and choices of a form (docs/import.md):
 *
 *   form: social-passport
 *   columns: {"ФИО или код": pupil, "Кол-во детей": children}     heading: field
 *   const: {term: "1"}                                            field: what every row has there
 *   values: {sex: {м: M, ж: F}}                                   field: word in a cell: what it stands for
 *   ignore: [Класс, Примечание]                                   headings that are not taken
 *   totals: [Итого по школе]                                      rows that begin so are left out
 *   empty: [н/д, "-"]                                            words that stand for no answer in every column
 *   of_which: {teachers: young}                                   "7 (из них 2)": 7 to the one, 2 to the other
 *   heading_rows: 2                                               headings stand in so many rows, one below the other
 *   unit: "Код школы"                                             heading of the column that names each row's unit
 *   unit_prefix: s                                                before the text of its cells
 *
 * Headings and words are compared without regard to case and blanks. */
#ifndef SVODKA_AGENT_IMPORT_MAP_H
#define SVODKA_AGENT_IMPORT_MAP_H

#include "common/form.h"

#define IMPORT_MAP_MAX_BYTES (256u << 10)

struct import_map;

/* Checks the map against the form; all mistakes go to `r` (ERR_INVALID, ERR_MALFORMED, ERR_LIMIT).  `f` is only used
 * during the call. */
MUST_CHECK enum err import_map_load(struct import_map **out, const struct form *f, const char *file, const void *bytes,
                                    size_t len, struct report *r);
void import_map_free(struct import_map *m); /* NULL does nothing */

/* What a folded heading stands for.  In all functions below `m` NULL is an empty map. */
#define IMPORT_MAP_UNKNOWN (-1)
#define IMPORT_MAP_IGNORED (-2)
int32_t import_map_heading(const struct import_map *m, const char *folded);
/* The next heading that the map gives a field: *i counts up from 0; NULL at the end.  As written in the map. */
const char *import_map_expected(const struct import_map *m, size_t *i, const char **folded);
/* What every row has in that field, or NULL. */
const char *import_map_const(const struct import_map *m, uint32_t field);
/* What a folded word of a cell stands for in that field, or NULL. */
const char *import_map_word(const struct import_map *m, uint32_t field, const char *folded);
bool import_map_has_words(const struct import_map *m, uint32_t field);
/* Does a folded word stand for no answer? */
bool import_map_is_empty(const struct import_map *m, const char *folded);
/* The field that gets the number in brackets of this field's cells; -1: none does. */
int32_t import_map_of_which(const struct import_map *m, uint32_t field);
/* At least 1. */
#define IMPORT_MAP_MAX_HEADING_ROWS 5u
uint32_t import_map_heading_rows(const struct import_map *m);
/* As written in the map; NULL: not given. */
const char *import_map_unit(const struct import_map *m);
const char *import_map_unit_prefix(const struct import_map *m);
/* The i-th folded beginning of a totals row that the map names, or NULL at the end. */
const char *import_map_total(const struct import_map *m, size_t i);

#endif
