/* import_columns_internal.h: shared by import_columns*.c alone. */
#ifndef SVODKA_AGENT_IMPORT_COLUMNS_INTERNAL_H
#define SVODKA_AGENT_IMPORT_COLUMNS_INTERNAL_H

#include "agent/import_columns.h"

#define COLUMNS_FOLDED_MAX (16u << 10)
#define NO_FIELD           (-1)
#define MEMO_SLOTS         64u

/* What a short cell of the column meant the last time.  Answers are few and come again and again: a lookup by the
 * cell's bytes stands for trimming, folding and searching them. */
struct memo_slot {
    uint64_t text[2]; /* the bytes, then MEMO_IN_USE | their number in the last one */
    struct value value;
};

struct column {
    int32_t field;          /* NO_FIELD: ignored, or without heading */
    bool is_blank;          /* without heading: its cells must be empty */
    bool has_words;         /* the map translates its cells */
    int32_t of_which;       /* who gets the number in brackets; NO_FIELD: nobody */
    struct memo_slot *memo; /* NULL: texts and repeats, which live in `keep`; cells that fill two fields */
};

struct import_columns {
    const struct form *form;
    const struct import_map *map;
    const char *file;
    struct column *columns;
    uint32_t count;
    uint32_t unit;        /* column from 1, 0: none */
    uint32_t *number_of;  /* field -> column from 1, 0: none */
    struct value *filled; /* what has no column */
    uint8_t *failed;      /* field -> its cell failed in the row read last */
    struct buf keep, keep_filled, folded;
};

/* "" when the text is too long to be a heading or a word. */
const char *columns_fold(struct import_columns *c, struct bytes text);

#endif
