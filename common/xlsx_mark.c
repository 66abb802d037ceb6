#include "common/xlsx_mark_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   (4u << 20)
#define CONTENT    "[Content_Types].xml"
#define TYPES      "http://schemas.openxmlformats.org/package/2006/content-types"
#define STRICT     "http://purl.oclc.org/ooxml/"
#define NOTES_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
#define FRAME_TYPE "application/vnd.openxmlformats-officedocument.vmlDrawing"

enum err mark_cannot(const char *why)
{
    return err_set(ERR_INVALID, _("this workbook cannot be marked: %s"), why);
}

enum err mark_put(struct marking *m, struct xml_edit *x)
{
    enum err e = xml_edit_finish(x);

    return e == OK ? zip_edit_put(m->zip, x->part, bytes_of(x->out.data, x->out.len)) : e;
}

/* ---- the spots ---- */

static int by_place(const void *a, const void *b)
{
    const struct spot *x = a;
    const struct spot *y = b;

    if (x->sheet != y->sheet)
        return x->sheet < y->sheet ? -1 : 1;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->text.p < y->text.p ? -1 : x->text.p > y->text.p; /* as they came */
}

static enum err take_marks(struct marking *m, const struct xlsx_mark *marks, uint32_t count)
{
    size_t len = 0;

    if (count == 0 || count > XLSX_MARK_MAX)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        len += strlen(marks[i].text) + 1;
    buf_init_secret(&m->text, TEXT_MAX);
    if ((m->spots = calloc(count, sizeof(*m->spots))) == NULL ||
        (m->added = calloc((size_t)count * 2, sizeof(*m->added))) == NULL)
        return ERR_NOMEM;
    if (buf_grow(&m->text, len) == NULL) /* all at once, so that it does not move below */
        return buf_status(&m->text);
    buf_reset(&m->text);
    for (uint32_t i = 0; i < count; i++) {
        const struct xlsx_mark *k = &marks[i];

        if (k->sheet >= m->b->sheet_count || k->row == 0 || k->row > XLSX_READ_MAX_ROW || k->column == 0 ||
            k->column > XLSX_READ_MAX_COLUMN)
            return book_malformed();
        m->spots[i] = (struct spot){.sheet = k->sheet, .row = k->row, .column = k->column};
        m->spots[i].text = bytes_of(m->text.data + m->text.len, strlen(k->text));
        buf_put(&m->text, k->text, strlen(k->text) + 1);
    }
    m->count = count;
    return buf_status(&m->text);
}

/* Several marks of one cell become one, line by line.  Texts move into a buffer of their own. */
static enum err join_spots(struct marking *m)
{
    struct buf joined;
    size_t len = 0;
    uint32_t kept = 0;

    qsort(m->spots, m->count, sizeof(*m->spots), by_place);
    for (uint32_t i = 0; i < m->count; i++)
        len += m->spots[i].text.len + 1;
    buf_init_secret(&joined, TEXT_MAX);
    if (buf_grow(&joined, len) == NULL)
        return buf_status(&joined);
    buf_reset(&joined);
    for (uint32_t i = 0; i < m->count; i++) {
        struct spot *last = kept > 0 ? &m->spots[kept - 1] : NULL;
        struct spot s = m->spots[i];
        bool is_same = last != NULL && last->sheet == s.sheet && last->row == s.row && last->column == s.column;
        size_t at = joined.len;

        if (is_same)
            joined.data[at - 1] = '\n';
        buf_put(&joined, s.text.p, s.text.len);
        buf_put_u8(&joined, 0);
        if (is_same) {
            last->text.len += s.text.len + 1;
            continue;
        }
        s.text = bytes_of(joined.data + at, s.text.len);
        m->spots[kept++] = s;
    }
    m->count = kept;
    buf_wipe(&m->text);
    m->text = joined;
    return buf_status(&m->text);
}

/* The spots of the sheet of the i-th. */
static uint32_t same_sheet(const struct marking *m, uint32_t i)
{
    uint32_t count = 0;

    while (i + count < m->count && m->spots[i + count].sheet == m->spots[i].sheet)
        count++;
    return count;
}

/* ---- sheets ---- */

static enum err open_sheet(struct marking *m, uint32_t sheet, struct xml_edit *x, struct mark_survey *s)
{
    enum err e = xml_edit_open(x, m->b->zip, m->b->sheets[sheet].part);

    memset(s, 0, sizeof(*s));
    if (e != OK)
        return e;
    if (memmem(x->in.data, x->in.len, STRICT, strlen(STRICT)) != NULL)
        return mark_cannot(_("it is saved as \"Strict Open XML\", where comments are kept in another way"));
    return mark_survey(s, x);
}

/* What lies under a merged cell is not seen: its first cell is marked. */
static void leave_merged(const struct mark_survey *s, struct spot *spots, uint32_t count)
{
    for (uint32_t k = 0; k < s->merged_count; k++)
        for (uint32_t i = 0; i < count; i++) {
            const struct book_area *a = &s->merged[k];

            if (spots[i].row < a->top || spots[i].row > a->bottom || spots[i].column < a->left ||
                spots[i].column > a->right)
                continue;
            spots[i].row = a->top;
            spots[i].column = a->left;
        }
}

enum step { STEP_MERGED, STEP_BASES, STEP_WRITE };

static enum err do_sheet(struct marking *m, struct spot *spots, uint32_t count, enum step step)
{
    char drawing[MARK_ID_MAX] = "";
    struct mark_survey s;
    struct xml_edit x;
    enum err e = open_sheet(m, spots[0].sheet, &x, &s);

    if (e == OK)
        switch (step) {
        case STEP_MERGED: leave_merged(&s, spots, count); break;
        case STEP_BASES: e = mark_bases(&s, &x, spots, count); break;
        case STEP_WRITE:
            if ((e = mark_notes(m, &s, spots, count, drawing)) == OK)
                e = mark_sheet(m, &x, &s, spots, count, spots == m->spots, drawing);
            break;
        }
    mark_survey_fini(&s);
    xml_edit_close(&x);
    return e;
}

static enum err each_sheet(struct marking *m, enum step step)
{
    enum err e = OK;

    for (uint32_t i = 0, count; i < m->count && e == OK; i += count) {
        count = same_sheet(m, i);
        e = do_sheet(m, &m->spots[i], count, step);
    }
    return e;
}

/* ---- the parts around ---- */

struct around {
    struct marking *m;
    struct xml_edit x;
    uint32_t depth, seen;
    int32_t active; /* of the first marked sheet among all; -1: not found */
    char tab[16];
    struct buf text;
};

static enum err types_start(void *ctx, const char *name, const char *const *attributes)
{
    struct around *a = ctx;
    const char *p = a->x.prefix;

    (void)name;
    (void)attributes;
    if (a->depth++ > 0)
        return OK;
    for (uint32_t i = 0; i < a->m->added_count; i++)
        buf_printf(&a->text, "<%sOverride PartName=\"/%s\" ContentType=\"%s\"/>", p, a->m->added[i].name,
                   a->m->added[i].is_drawing ? FRAME_TYPE : NOTES_TYPE);
    if (xml_edit_is_closed(xml_edit_tag(&a->x)))
        xml_edit_fill(&a->x, NULL, 0, bytes_of(a->text.data, a->text.len));
    return buf_status(&a->text);
}

static enum err types_end(void *ctx, const char *name)
{
    struct around *a = ctx;

    (void)name;
    if (--a->depth == 0 && !xml_edit_at_closed_end(&a->x)) {
        xml_edit_copy_before(&a->x);
        buf_put(&a->x.out, a->text.data, a->text.len);
    }
    return OK;
}

static enum err write_types(struct marking *m)
{
    static const struct xml_in_calls calls = {types_start, types_end, NULL};
    struct around a = {.m = m};
    enum err e;

    if (m->added_count == 0)
        return OK;
    buf_init(&a.text, 1u << 20);
    if ((e = xml_edit_open(&a.x, m->b->zip, CONTENT)) == OK && (e = xml_edit_run(&a.x, &calls, &a)) == OK)
        e = mark_put(m, &a.x);
    xml_edit_close(&a.x);
    buf_fini(&a.text);
    return e;
}

static enum err find_sheet(void *ctx, const char *name, const char *const *attributes)
{
    struct around *a = ctx;
    const char *sheet = xml_in_attribute(attributes, "name");

    if (strcmp(name, "sheet") != 0)
        return OK;
    if (sheet != NULL && a->active < 0 && strcmp(sheet, a->m->b->sheets[a->m->spots[0].sheet].name) == 0)
        a->active = (int32_t)a->seen;
    a->seen++;
    return OK;
}

static enum err set_active(void *ctx, const char *name, const char *const *attributes)
{
    struct around *a = ctx;
    const struct xml_attribute set[] = {{"activeTab", a->tab}, {"firstSheet", NULL}};

    (void)attributes;
    if (strcmp(name, "workbookView") == 0)
        xml_edit_change(&a->x, set, 2);
    return OK;
}

static enum err write_active(struct marking *m)
{
    static const struct xml_in_calls find = {find_sheet, NULL, NULL};
    static const struct xml_in_calls set = {set_active, NULL, NULL};
    struct around a = {.m = m, .active = -1};
    enum err e = xml_edit_open(&a.x, m->b->zip, m->b->part);

    if (e == OK && (e = xml_edit_run(&a.x, &find, &a)) == OK && a.active >= 0) {
        (void)snprintf(a.tab, sizeof(a.tab), "%d", a.active);
        if ((e = xml_edit_run(&a.x, &set, &a)) == OK)
            e = mark_put(m, &a.x);
    }
    xml_edit_close(&a.x);
    return e;
}

static bool has_spots(const struct marking *m, uint32_t sheet)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (m->spots[i].sheet == sheet)
            return true;
    return false;
}

/* No other sheet stays chosen. */
static enum err leave_others(struct marking *m)
{
    static const char chosen[] = "tabSelected";
    static const struct mark_survey none = {.merged_count = 0};
    enum err e = OK;

    for (uint32_t i = 0; i < m->b->sheet_count && e == OK; i++) {
        struct xml_edit x;

        if (has_spots(m, i))
            continue;
        if ((e = xml_edit_open(&x, m->b->zip, m->b->sheets[i].part)) == OK &&
            memmem(x.in.data, x.in.len, chosen, sizeof(chosen) - 1) != NULL)
            e = mark_sheet(m, &x, &none, NULL, 0, false, "");
        xml_edit_close(&x);
    }
    return e;
}

/* ---- all of it ---- */

static enum err edit_all(struct marking *m)
{
    enum err e;

    if ((e = join_spots(m)) != OK || (e = each_sheet(m, STEP_MERGED)) != OK || (e = join_spots(m)) != OK ||
        (e = each_sheet(m, STEP_BASES)) != OK || (e = mark_styles(m)) != OK ||
        (e = each_sheet(m, STEP_WRITE)) != OK || (e = write_types(m)) != OK || (e = write_active(m)) != OK)
        return e;
    return leave_others(m);
}

/* A workbook that we cannot read ourselves is not handed out. */
static enum err check(const struct marking *m, struct bytes made)
{
    struct xlsx_book *b = NULL;
    void *copy = malloc(made.len + 1);
    enum err e;

    if (copy == NULL)
        return ERR_NOMEM;
    memcpy(copy, made.p, made.len);
    if ((e = xlsx_book_open(&b, copy, made.len)) != OK)
        return e;
    for (uint32_t i = 0, count; i < m->count && e == OK; i += count) {
        struct xlsx_rows *rows = NULL;
        struct xlsx_row row;

        count = same_sheet(m, i);
        e = xlsx_rows_open(&rows, b, m->spots[i].sheet);
        while (e == OK)
            e = xlsx_rows_next(rows, &row);
        xlsx_rows_close(rows);
        e = e == ERR_NOT_FOUND ? OK : e;
    }
    xlsx_book_close(b);
    return e;
}

enum err xlsx_mark(struct xlsx_book *b, const struct xlsx_mark *marks, uint32_t count, struct buf *out)
{
    struct marking m = {.b = b};
    size_t at = out->len;
    enum err e;

    if ((e = take_marks(&m, marks, count)) == OK && (e = zip_edit_open(&m.zip, bytes_of(b->bytes, b->len))) == OK &&
        (e = edit_all(&m)) == OK && (e = zip_edit_finish(m.zip, out)) == OK)
        e = check(&m, bytes_of(out->data + at, out->len - at));
    zip_edit_close(m.zip);
    free(m.spots);
    free(m.added);
    buf_wipe(&m.text);
    return e == ERR_NOT_FOUND ? book_malformed() : e;
}
