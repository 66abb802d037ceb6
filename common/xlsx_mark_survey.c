/* What there is to know about a sheet before it is edited: much of it stands behind its cells. */
#include "common/xlsx_mark_internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 4096u /* <col> elements */

struct mark_columns {
    uint32_t from, to, style;
};

/* ---- around the cells ---- */

static enum err add_area(struct mark_survey *s, const char *ref)
{
    struct book_area a;
    enum err e;

    if (ref == NULL || !book_read_area(ref, &a))
        return book_malformed();
    if ((e = book_grow((void *)&s->merged, sizeof(a), s->merged_count, &s->merged_cap, XLSX_READ_MAX_MERGED)) == OK)
        s->merged[s->merged_count++] = a;
    return e;
}

static enum err add_columns(struct mark_survey *s, const char *const *attributes)
{
    struct mark_columns c = {0, 0, 0};
    enum err e;

    if (!book_read_u32(xml_in_attribute(attributes, "min"), XLSX_READ_MAX_COLUMN, &c.from) ||
        !book_read_u32(xml_in_attribute(attributes, "max"), XLSX_READ_MAX_COLUMN, &c.to) ||
        !book_read_u32(xml_in_attribute(attributes, "style"), UINT32_MAX, &c.style))
        return OK;
    if ((e = book_grow((void *)&s->columns, sizeof(c), s->column_count, &s->column_cap, MAX_COLUMNS)) == OK)
        s->columns[s->column_count++] = c;
    return e;
}

static void take_pane(struct mark_pane *p, const char *const *attributes)
{
    const char *state = xml_in_attribute(attributes, "state");

    if (p->is_there)
        return;
    p->is_there = true;
    p->is_frozen = state != NULL && (strcmp(state, "frozen") == 0 || strcmp(state, "frozenSplit") == 0);
    if (!p->is_frozen)
        return;
    (void)book_read_u32(xml_in_attribute(attributes, "ySplit"), XLSX_READ_MAX_ROW, &p->rows);
    (void)book_read_u32(xml_in_attribute(attributes, "xSplit"), XLSX_READ_MAX_COLUMN, &p->columns);
}

static enum err around_start(void *ctx, const char *name, const char *const *attributes)
{
    struct mark_survey *s = ctx;
    const char *id;

    if (strcmp(name, "mergeCell") == 0)
        return add_area(s, xml_in_attribute(attributes, "ref"));
    if (strcmp(name, "col") == 0)
        return add_columns(s, attributes);
    if (strcmp(name, "pane") == 0)
        take_pane(&s->pane, attributes);
    if (strcmp(name, "legacyDrawing") != 0)
        return OK;
    if ((id = xml_in_qualified(attributes, "id")) == NULL || id[0] == '\0' || strlen(id) >= sizeof(s->drawing))
        return book_malformed();
    memcpy(s->drawing, id, strlen(id) + 1);
    return OK;
}

enum err mark_survey(struct mark_survey *s, struct xml_edit *x)
{
    static const struct xml_in_calls calls = {around_start, NULL, NULL};

    memset(s, 0, sizeof(*s));
    return xml_edit_run(x, &calls, s);
}

void mark_survey_fini(struct mark_survey *s)
{
    free(s->merged);
    free(s->columns);
}

/* ---- the cells' styles ---- */

struct bases {
    struct spot *spots;
    uint32_t count;
    uint32_t first;       /* the first that is not above the row at hand */
    uint32_t row, column; /* at hand */
};

static uint32_t style_of_column(const struct mark_survey *s, uint32_t column)
{
    for (uint32_t i = 0; i < s->column_count; i++)
        if (column >= s->columns[i].from && column <= s->columns[i].to)
            return s->columns[i].style;
    return 0;
}

static void take_row(struct bases *b, const char *const *attributes)
{
    uint32_t style = 0;

    b->row++;
    b->column = 0;
    (void)book_read_u32(xml_in_attribute(attributes, "r"), XLSX_READ_MAX_ROW, &b->row);
    while (b->first < b->count && b->spots[b->first].row < b->row)
        b->first++;
    if (!book_is_true(xml_in_attribute(attributes, "customFormat")) ||
        !book_read_u32(xml_in_attribute(attributes, "s"), UINT32_MAX, &style))
        return;
    for (uint32_t i = b->first; i < b->count && b->spots[i].row == b->row; i++)
        b->spots[i].base = style;
}

static void take_cell(struct bases *b, const char *const *attributes)
{
    const char *place = xml_in_attribute(attributes, "r");
    uint32_t row = b->row;
    uint32_t style = 0;

    b->column++;
    if (place != NULL && book_read_place(place, &row, &b->column) == 0)
        return;
    (void)book_read_u32(xml_in_attribute(attributes, "s"), UINT32_MAX, &style);
    for (uint32_t i = b->first; i < b->count && b->spots[i].row == row; i++)
        if (b->spots[i].column == b->column)
            b->spots[i].base = style;
}

static enum err cells_start(void *ctx, const char *name, const char *const *attributes)
{
    struct bases *b = ctx;

    if (strcmp(name, "row") == 0)
        take_row(b, attributes);
    else if (strcmp(name, "c") == 0)
        take_cell(b, attributes);
    return OK;
}

enum err mark_bases(const struct mark_survey *s, struct xml_edit *x, struct spot *spots, uint32_t count)
{
    static const struct xml_in_calls calls = {cells_start, NULL, NULL};
    struct bases b = {.spots = spots, .count = count};

    for (uint32_t i = 0; i < count; i++)
        spots[i].base = style_of_column(s, spots[i].column);
    return xml_edit_run(x, &calls, &b);
}
