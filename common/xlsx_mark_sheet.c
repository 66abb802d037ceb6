/* The cells of one sheet get their new styles; those that are not there are made. */
#include "common/xlsx_mark_internal.h"

#include <string.h>

#define SEEN_ROWS    20u /* so far down and right a cell is seen without moving the view */
#define SEEN_COLUMNS 8u
#define BEFORE       5u /* rows or columns left in front of it */
#define RELATIONS    "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

struct editor {
    struct xml_edit *x;
    const struct mark_survey *s;
    const struct spot *spots;
    uint32_t count, next; /* next: the first that is not written */
    bool is_first;
    const char *drawing;
    uint32_t depth, row, column;
    bool in_data, in_row, has_drawing;
    bool seen_view, in_view; /* the first one */
    char selection[160];     /* put into the first view; "": has been */
};

void mark_place(char out[MARK_PLACE_MAX], uint32_t row, uint32_t column)
{
    _Static_assert(MARK_PLACE_MAX >= REPORT_CELL_MAX, "a cell's name fits");
    report_cell_name(out, column, row);
}

/* ---- rows and cells ---- */

static void put_cell(struct editor *ed)
{
    const struct spot *spot = &ed->spots[ed->next++];
    char place[MARK_PLACE_MAX];

    mark_place(place, spot->row, spot->column);
    buf_printf(&ed->x->out, "<%sc r=\"%s\" s=\"%u\"/>", ed->x->prefix, place, spot->style);
}

static bool is_in_row(const struct editor *ed, uint32_t row, uint32_t below_column)
{
    return ed->next < ed->count && ed->spots[ed->next].row == row && ed->spots[ed->next].column < below_column;
}

/* The rows that are not there, up to `row`. */
static void put_rows(struct editor *ed, uint32_t row)
{
    while (ed->next < ed->count && ed->spots[ed->next].row < row) {
        uint32_t at = ed->spots[ed->next].row;

        buf_printf(&ed->x->out, "<%srow r=\"%u\">", ed->x->prefix, at);
        while (is_in_row(ed, at, UINT32_MAX))
            put_cell(ed);
        buf_printf(&ed->x->out, "</%srow>", ed->x->prefix);
    }
}

static void begin_row(struct editor *ed, const char *const *attributes)
{
    static const struct xml_attribute without[] = {{"spans", NULL}}; /* the cells that it reaches over */
    struct bytes tag = xml_edit_tag(ed->x);

    ed->in_row = true;
    ed->row++;
    ed->column = 0;
    (void)book_read_u32(xml_in_attribute(attributes, "r"), XLSX_READ_MAX_ROW, &ed->row);
    if (ed->next < ed->count && ed->spots[ed->next].row < ed->row) {
        xml_edit_copy_before(ed->x);
        put_rows(ed, ed->row);
    }
    if (!is_in_row(ed, ed->row, UINT32_MAX))
        return;
    xml_edit_copy_before(ed->x);
    xml_edit_put_tag(&ed->x->out, tag, without, 1, true);
    xml_edit_drop(ed->x);
    if (!xml_edit_is_closed(tag))
        return;
    while (is_in_row(ed, ed->row, UINT32_MAX))
        put_cell(ed);
    buf_printf(&ed->x->out, "</%srow>", ed->x->prefix);
}

static void begin_cell(struct editor *ed, const char *const *attributes)
{
    const char *place = xml_in_attribute(attributes, "r");
    uint32_t row = ed->row;
    char style[16];
    const struct xml_attribute set[] = {{"s", style}};

    ed->column++;
    if (place != NULL && book_read_place(place, &row, &ed->column) == 0)
        return;
    if (is_in_row(ed, ed->row, ed->column)) {
        xml_edit_copy_before(ed->x);
        while (is_in_row(ed, ed->row, ed->column))
            put_cell(ed);
    }
    if (!is_in_row(ed, ed->row, ed->column + 1))
        return;
    (void)snprintf(style, sizeof(style), "%u", ed->spots[ed->next++].style);
    xml_edit_change(ed->x, set, 1);
}

static void end_row(struct editor *ed)
{
    ed->in_row = false;
    if (!is_in_row(ed, ed->row, UINT32_MAX))
        return;
    xml_edit_copy_before(ed->x);
    while (is_in_row(ed, ed->row, UINT32_MAX))
        put_cell(ed);
}

static void begin_data(struct editor *ed)
{
    struct buf keep;

    ed->in_data = true;
    if (ed->next == ed->count || !xml_edit_is_closed(xml_edit_tag(ed->x)))
        return;
    keep = ed->x->out; /* the rows are written beside it, then put between two tags */
    buf_init_secret(&ed->x->out, XML_EDIT_MAX);
    put_rows(ed, UINT32_MAX);
    {
        struct buf rows = ed->x->out;

        ed->x->out = keep;
        xml_edit_fill(ed->x, NULL, 0, bytes_of(rows.data, rows.len));
        buf_wipe(&rows);
    }
}

static void end_data(struct editor *ed)
{
    ed->in_data = false;
    if (ed->next == ed->count || xml_edit_at_closed_end(ed->x))
        return;
    xml_edit_copy_before(ed->x);
    put_rows(ed, UINT32_MAX);
}

/* ---- the view ---- */

/* Where a part of the view begins that shows the cell; `fixed`: so many are always in view. */
static uint32_t view_from(uint32_t cell, uint32_t fixed, uint32_t seen)
{
    return cell <= fixed + seen ? fixed + 1 : cell - BEFORE;
}

static void choose_selection(struct editor *ed)
{
    const struct mark_pane *p = &ed->s->pane;
    const struct spot *first = &ed->spots[0];
    bool below = p->rows > 0 && first->row > p->rows;
    bool right = p->columns > 0 && first->column > p->columns;
    const char *pane = below && right ? " pane=\"bottomRight\""
                       : below        ? " pane=\"bottomLeft\""
                       : right        ? " pane=\"topRight\""
                                      : "";
    char place[MARK_PLACE_MAX];

    mark_place(place, first->row, first->column);
    (void)snprintf(ed->selection, sizeof(ed->selection), "<%sselection%s activeCell=\"%s\" sqref=\"%s\"/>",
                   ed->x->prefix, pane, place, place);
}

static void put_selection(struct editor *ed)
{
    buf_put_str(&ed->x->out, ed->selection);
    ed->selection[0] = '\0';
}

/* Only one sheet may be chosen: of several, what is typed into one is typed into all. */
static void begin_view(struct editor *ed)
{
    const struct mark_pane *p = &ed->s->pane;
    char top[MARK_PLACE_MAX];
    const struct xml_attribute others[] = {{"tabSelected", NULL}};
    const struct xml_attribute first[] = {{"tabSelected", "1"}, {"topLeftCell", p->is_there ? NULL : top}};
    bool is_closed = xml_edit_is_closed(xml_edit_tag(ed->x));

    if (!ed->is_first) {
        xml_edit_change(ed->x, others, 1);
        return;
    }
    if (ed->seen_view)
        return;
    ed->seen_view = ed->in_view = true;
    choose_selection(ed);
    mark_place(top, view_from(ed->spots[0].row, 0, SEEN_ROWS), view_from(ed->spots[0].column, 0, SEEN_COLUMNS));
    if (is_closed) {
        xml_edit_fill(ed->x, first, 2, bytes_of(ed->selection, strlen(ed->selection)));
        ed->selection[0] = '\0';
        return;
    }
    xml_edit_change(ed->x, first, p->is_there ? 1 : 2);
    if (!p->is_there)
        put_selection(ed);
}

static void begin_pane(struct editor *ed)
{
    const struct mark_pane *p = &ed->s->pane;
    const struct spot *spot = &ed->spots[0];
    bool below = p->rows > 0 && spot->row > p->rows;
    bool right = p->columns > 0 && spot->column > p->columns;
    char top[MARK_PLACE_MAX];
    const struct xml_attribute set[] = {{"topLeftCell", top},
                                        {"activePane", below && right ? "bottomRight"
                                                       : below        ? "bottomLeft"
                                                       : right        ? "topRight"
                                                                      : "topLeft"}};

    if (!p->is_frozen)
        return;
    mark_place(top, below ? view_from(spot->row, p->rows, SEEN_ROWS) : p->rows + 1,
               right ? view_from(spot->column, p->columns, SEEN_COLUMNS) : p->columns + 1);
    xml_edit_change(ed->x, set, 2);
}

static void view_start(struct editor *ed, const char *name)
{
    if (strcmp(name, "pane") == 0)
        begin_pane(ed);
    else if (strcmp(name, "selection") == 0)
        xml_edit_copy_before(ed->x);
}

static void view_end(struct editor *ed, const char *name)
{
    if (strcmp(name, "pane") == 0) {
        xml_edit_copy_after(ed->x);
        put_selection(ed);
    } else if (strcmp(name, "selection") == 0) {
        xml_edit_drop(ed->x);
    } else if (strcmp(name, "sheetView") == 0) {
        ed->in_view = false;
    }
}

/* ---- the drawing with the comments ---- */

static bool follows_drawing(const char *name)
{
    static const char *const names[] = {"legacyDrawingHF", "drawingHF",     "picture",    "oleObjects",
                                        "controls",        "webPublishItems", "tableParts", "extLst"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void put_drawing(struct editor *ed)
{
    if (ed->has_drawing || ed->drawing[0] == '\0')
        return;
    ed->has_drawing = true;
    xml_edit_copy_before(ed->x);
    buf_printf(&ed->x->out, "<%slegacyDrawing xmlns:r=\"" RELATIONS "\" r:id=\"%s\"/>", ed->x->prefix, ed->drawing);
}

/* ---- elements ---- */

static enum err on_start(void *ctx, const char *name, const char *const *attributes)
{
    struct editor *ed = ctx;

    ed->depth++;
    if (ed->depth == 2 && strcmp(name, "sheetData") == 0)
        begin_data(ed);
    else if (ed->depth == 2 && follows_drawing(name))
        put_drawing(ed);
    else if (ed->depth == 3 && ed->in_data && strcmp(name, "row") == 0)
        begin_row(ed, attributes);
    else if (ed->depth == 4 && ed->in_row && strcmp(name, "c") == 0)
        begin_cell(ed, attributes);
    else if (ed->depth == 3 && strcmp(name, "sheetView") == 0)
        begin_view(ed);
    else if (ed->depth == 4 && ed->in_view)
        view_start(ed, name);
    return OK;
}

static enum err on_end(void *ctx, const char *name)
{
    struct editor *ed = ctx;

    if (ed->depth == 1)
        put_drawing(ed);
    else if (ed->depth == 2 && strcmp(name, "sheetData") == 0)
        end_data(ed);
    else if (ed->depth == 3 && ed->in_row && strcmp(name, "row") == 0)
        end_row(ed);
    else if (ed->depth <= 4 && ed->in_view)
        view_end(ed, name);
    ed->depth--;
    return OK;
}

enum err mark_sheet(struct marking *m, struct xml_edit *x, const struct mark_survey *s, struct spot *spots,
                    uint32_t count, bool is_first, const char *drawing)
{
    static const struct xml_in_calls calls = {on_start, on_end, NULL};
    struct editor ed = {
        .x = x, .s = s, .spots = spots, .count = count, .is_first = is_first && count > 0, .drawing = drawing};
    enum err e = xml_edit_run(x, &calls, &ed);

    if (e == OK && ed.next < count)
        return book_malformed(); /* no place for them */
    return e == OK ? mark_put(m, x) : e;
}
