/* The comments of one sheet: a part with their texts, a drawing with their frames, and who names them. */
#include "common/xlsx_mark_internal.h"

#include "common/cli.h"
#include "common/html.h"

#include <stdlib.h>
#include <string.h>

#define AUTHOR      "Svodka"
#define OFFICE      "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE     "http://schemas.openxmlformats.org/package/2006/relationships"
#define MAIN        "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define HEAD        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define NAMES_V     "xmlns:v=\"urn:schemas-microsoft-com:vml\" "
#define NAMES_O     "xmlns:o=\"urn:schemas-microsoft-com:office:office\" "
#define NAMES_X     "xmlns:x=\"urn:schemas-microsoft-com:office:excel\""
#define NAMES       NAMES_V NAMES_O NAMES_X
#define SHAPE       "_x0000_s"
#define FIRST_SHAPE 1025u
#define PART_MAX    (8u << 20)

struct notes {
    struct marking *m;
    struct spot *spots;
    uint32_t count;
    struct xml_edit x;
    uint32_t depth, authors;
    struct spot *at; /* whose comment is at hand; NULL: none of ours */
    struct buf text;
};

/* ---- texts ---- */

static void put_run(struct buf *out, const char *prefix, const struct spot *s, const char *between)
{
    buf_printf(out, "<%sr><%st xml:space=\"preserve\">%s", prefix, prefix, between);
    html_put(out, (const char *)s->text.p);
    buf_printf(out, "</%st></%sr>", prefix, prefix);
}

static void put_note(struct buf *out, const char *prefix, const struct spot *s, uint32_t author)
{
    char place[MARK_PLACE_MAX];

    mark_place(place, s->row, s->column);
    buf_printf(out, "<%scomment ref=\"%s\" authorId=\"%u\"><%stext>", prefix, place, author, prefix);
    put_run(out, prefix, s, "");
    buf_printf(out, "</%stext></%scomment>", prefix, prefix);
}

static void put_rest(struct buf *out, const char *prefix, struct notes *n, uint32_t author)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (!n->spots[i].is_noted)
            put_note(out, prefix, &n->spots[i], author);
}

/* ---- comments that are there ---- */

static struct spot *spot_at(struct notes *n, const char *ref)
{
    uint32_t row, column;

    if (ref == NULL || book_read_place(ref, &row, &column) == 0)
        return NULL;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->spots[i].row == row && n->spots[i].column == column && !n->spots[i].is_noted)
            return &n->spots[i];
    return NULL;
}

/* What is to stand before the end of this element; nothing: it stays as it is. */
static void additions(struct notes *n, const char *name)
{
    const char *p = n->x.prefix;

    buf_reset(&n->text);
    if (n->depth == 2 && strcmp(name, "authors") == 0) {
        buf_printf(&n->text, "<%sauthor>" AUTHOR "</%sauthor>", p, p);
    } else if (n->depth == 2 && strcmp(name, "commentList") == 0) {
        put_rest(&n->text, p, n, n->authors);
    } else if (n->depth == 4 && n->at != NULL && strcmp(name, "text") == 0) {
        put_run(&n->text, p, n->at, "\n");
        n->at->is_noted = true;
        n->at = NULL;
    }
}

static enum err note_start(void *ctx, const char *name, const char *const *attributes)
{
    struct notes *n = ctx;

    n->depth++;
    if (n->depth == 3 && strcmp(name, "author") == 0)
        n->authors++;
    else if (n->depth == 3 && strcmp(name, "comment") == 0)
        n->at = spot_at(n, xml_in_attribute(attributes, "ref"));
    if (!xml_edit_is_closed(xml_edit_tag(&n->x)))
        return OK;
    additions(n, name);
    if (n->text.len > 0)
        xml_edit_fill(&n->x, NULL, 0, bytes_of(n->text.data, n->text.len));
    return buf_status(&n->text);
}

static enum err note_end(void *ctx, const char *name)
{
    struct notes *n = ctx;

    if (!xml_edit_at_closed_end(&n->x)) {
        additions(n, name);
        if (n->text.len > 0) {
            xml_edit_copy_before(&n->x);
            buf_put(&n->x.out, n->text.data, n->text.len);
        }
    }
    if (n->depth == 3)
        n->at = NULL;
    n->depth--;
    return buf_status(&n->text);
}

static enum err extend_notes(struct notes *n, const char *part)
{
    static const struct xml_in_calls calls = {note_start, note_end, NULL};
    enum err e = xml_edit_open(&n->x, n->m->b->zip, part);

    if (e == OK && (e = xml_edit_run(&n->x, &calls, n)) == OK)
        e = mark_put(n->m, &n->x);
    xml_edit_close(&n->x);
    return e;
}

/* ---- frames ---- */

/* At the right of its cell. */
static void put_frame(struct buf *out, const struct spot *s, uint32_t number)
{
    uint32_t top = s->row > 1 ? s->row - 2 : 0;
    uint32_t left = s->column < XLSX_READ_MAX_COLUMN - 5 ? s->column : s->column - 6;

    buf_printf(out,
               "<v:shape " NAMES " id=\"" SHAPE "%u\" type=\"#_x0000_t202\" "
               "style=\"position:absolute;width:240pt;height:90pt;z-index:%u;visibility:hidden\" "
               "fillcolor=\"#ffffe1\" o:insetmode=\"auto\"><v:fill color2=\"#ffffe1\"/>"
               "<v:shadow on=\"t\" color=\"black\" obscured=\"t\"/><v:path o:connecttype=\"none\"/>"
               "<v:textbox style=\"mso-direction-alt:auto\"><div style=\"text-align:left\"></div></v:textbox>",
               number, number);
    buf_printf(out,
               "<x:ClientData ObjectType=\"Note\"><x:MoveWithCells/><x:SizeWithCells/>"
               "<x:Anchor>%u, 15, %u, 10, %u, 15, %u, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
               "<x:Row>%u</x:Row><x:Column>%u</x:Column></x:ClientData></v:shape>",
               left, top, left + 4, top + 6, s->row - 1, s->column - 1);
}

static void put_frames(struct buf *out, const struct notes *n, uint32_t number)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (!n->spots[i].is_noted)
            put_frame(out, &n->spots[i], number++);
}

static void put_drawing(struct buf *out, const struct notes *n)
{
    buf_put_str(out,
                "<xml " NAMES "><o:shapelayout v:ext=\"edit\"><o:idmap v:ext=\"edit\" data=\"1\"/></o:shapelayout>"
                "<v:shapetype id=\"_x0000_t202\" coordsize=\"21600,21600\" o:spt=\"202\" "
                "path=\"m,l,21600r21600,l21600,xe\"><v:stroke joinstyle=\"miter\"/>"
                "<v:path gradientshapeok=\"t\" o:connecttype=\"rect\"/></v:shapetype>");
    put_frames(out, n, FIRST_SHAPE);
    buf_put_str(out, "</xml>");
}

/* One more than the greatest number of a shape. */
static uint32_t next_shape(struct bytes drawing)
{
    const size_t len = sizeof(SHAPE) - 1;
    uint32_t next = FIRST_SHAPE;

    for (size_t i = 0; i + len < drawing.len; i++) {
        uint32_t n = 0;

        if (memcmp(drawing.p + i, SHAPE, len) != 0)
            continue;
        for (size_t k = i + len; k < drawing.len && drawing.p[k] >= '0' && drawing.p[k] <= '9' && n < 1u << 26; k++)
            n = n * 10 + (uint32_t)(drawing.p[k] - '0');
        next = n >= next ? n + 1 : next;
    }
    return next;
}

/* Excel's own drawings are not always whole XML: only their end is looked for. */
static enum err extend_drawing(struct notes *n, const char *part)
{
    static const char end[] = "</xml>";
    struct bytes in;
    size_t at;
    enum err e = xml_edit_open(&n->x, n->m->b->zip, part);

    if (e == ERR_MALFORMED)
        e = mark_cannot(_("the drawing of its comments cannot be read"));
    if (e == OK) {
        in = bytes_of(n->x.in.data, n->x.in.len);
        for (at = in.len; at >= sizeof(end) - 1; at--)
            if (memcmp(in.p + at - (sizeof(end) - 1), end, sizeof(end) - 1) == 0)
                break;
        if (at < sizeof(end) - 1) {
            e = mark_cannot(_("the drawing of its comments cannot be read"));
        } else {
            n->x.at = at - (sizeof(end) - 1);
            buf_put(&n->x.out, in.p, n->x.at);
            put_frames(&n->x.out, n, next_shape(in));
            e = mark_put(n->m, &n->x);
        }
    }
    xml_edit_close(&n->x);
    return e;
}

/* ---- relations ---- */

struct new_relations {
    char drawing[MARK_ID_MAX]; /* ids */
    char drawing_part[48], notes_part[48];
    bool has_drawing, has_notes; /* are wanted */
};

static void put_relations(struct buf *out, const char *prefix, const struct new_relations *r)
{
    if (r->has_drawing)
        buf_printf(out, "<%sRelationship Id=\"%s\" Type=\"" OFFICE "/vmlDrawing\" Target=\"/%s\"/>", prefix, r->drawing,
                   r->drawing_part);
    if (r->has_notes)
        buf_printf(out, "<%sRelationship Id=\"%sn\" Type=\"" OFFICE "/comments\" Target=\"/%s\"/>", prefix, r->drawing,
                   r->notes_part);
}

struct relations_editor {
    struct xml_edit x;
    const struct new_relations *r;
    struct buf text;
    uint32_t depth;
};

static enum err relations_start(void *ctx, const char *name, const char *const *attributes)
{
    struct relations_editor *ed = ctx;

    (void)name;
    (void)attributes;
    if (ed->depth++ > 0)
        return OK;
    put_relations(&ed->text, ed->x.prefix, ed->r);
    if (xml_edit_is_closed(xml_edit_tag(&ed->x)))
        xml_edit_fill(&ed->x, NULL, 0, bytes_of(ed->text.data, ed->text.len));
    return buf_status(&ed->text);
}

static enum err relations_end(void *ctx, const char *name)
{
    struct relations_editor *ed = ctx;

    (void)name;
    if (--ed->depth == 0 && !xml_edit_at_closed_end(&ed->x)) {
        xml_edit_copy_before(&ed->x);
        buf_put(&ed->x.out, ed->text.data, ed->text.len);
    }
    return OK;
}

static enum err extend_relations(struct marking *m, const char *part, const struct new_relations *r)
{
    static const struct xml_in_calls calls = {relations_start, relations_end, NULL};
    struct relations_editor ed = {.r = r};
    enum err e;

    buf_init(&ed.text, 1024);
    if ((e = xml_edit_open(&ed.x, m->b->zip, part)) == OK && (e = xml_edit_run(&ed.x, &calls, &ed)) == OK)
        e = mark_put(m, &ed.x);
    xml_edit_close(&ed.x);
    buf_fini(&ed.text);
    return e;
}

static enum err write_relations(struct marking *m, const char *part, bool is_there, const struct new_relations *r)
{
    struct buf text;
    enum err e;

    if (!r->has_drawing && !r->has_notes)
        return OK;
    if (is_there)
        return extend_relations(m, part, r);
    buf_init(&text, 2048);
    buf_put_str(&text, HEAD "<Relationships xmlns=\"" PACKAGE "\">");
    put_relations(&text, "", r);
    buf_put_str(&text, "</Relationships>");
    if ((e = buf_status(&text)) == OK)
        e = zip_edit_put(m->zip, part, bytes_of(text.data, text.len));
    buf_fini(&text);
    return e;
}

/* ---- all of it ---- */

static void name_parts(struct marking *m, const struct relations *have, struct new_relations *r)
{
    do {
        m->next_part++;
        (void)snprintf(r->notes_part, sizeof(r->notes_part), "xl/comments%u.xml", m->next_part);
        (void)snprintf(r->drawing_part, sizeof(r->drawing_part), "xl/drawings/vmlDrawing%u.vml", m->next_part);
    } while (zip_in_has(m->b->zip, r->notes_part) || zip_in_has(m->b->zip, r->drawing_part));
    for (uint32_t i = m->next_part; r->drawing[0] == '\0' || book_relation(have, r->drawing, NULL) != NULL; i++)
        (void)snprintf(r->drawing, sizeof(r->drawing), "svodka%u", i);
}

static enum err add_part(struct marking *m, const char *name, bool is_drawing, const struct buf *text)
{
    struct added_part *a = &m->added[m->added_count++];
    enum err e = buf_status(text);

    (void)snprintf(a->name, sizeof(a->name), "%s", name);
    a->is_drawing = is_drawing;
    return e == OK ? zip_edit_put(m->zip, name, bytes_of(text->data, text->len)) : e;
}

static enum err add_notes(struct notes *n, const char *part)
{
    struct buf text;
    enum err e;

    buf_init_secret(&text, PART_MAX);
    buf_put_str(&text, HEAD "<comments xmlns=\"" MAIN "\"><authors><author>" AUTHOR "</author></authors><commentList>");
    put_rest(&text, "", n, 0);
    buf_put_str(&text, "</commentList></comments>");
    e = add_part(n->m, part, false, &text);
    buf_wipe(&text);
    return e;
}

static enum err add_drawing(struct notes *n, const char *part)
{
    struct buf text;
    enum err e;

    buf_init(&text, PART_MAX);
    put_drawing(&text, n);
    e = add_part(n->m, part, true, &text);
    buf_fini(&text);
    return e;
}

/* The texts first: they settle which cells had a comment, and so a frame, before. */
static enum err write_both(struct notes *n, const struct relation *notes, const struct relation *drawing,
                           const struct new_relations *r)
{
    enum err e = notes != NULL ? extend_notes(n, notes->target) : add_notes(n, r->notes_part);

    if (e != OK)
        return e == ERR_NOT_FOUND ? book_malformed() : e;
    e = drawing != NULL ? extend_drawing(n, drawing->target) : add_drawing(n, r->drawing_part);
    return e == ERR_NOT_FOUND ? book_malformed() : e;
}

static enum err write_notes(struct notes *n, const struct mark_survey *s, const struct relations *have,
                            const char *beside, bool is_there, char drawing[MARK_ID_MAX])
{
    const struct relation *texts = book_relation(have, NULL, "comments");
    const struct relation *frames = s->drawing[0] != '\0' ? book_relation(have, s->drawing, "vmlDrawing") : NULL;
    struct new_relations r = {.has_drawing = frames == NULL, .has_notes = texts == NULL};
    enum err e;

    if (s->drawing[0] != '\0' && frames == NULL)
        return mark_cannot(_("the drawing of its comments cannot be read"));
    if (texts != NULL && frames == NULL)
        return mark_cannot(_("its comments have no drawing"));
    name_parts(n->m, have, &r);
    if ((e = write_both(n, texts, frames, &r)) != OK)
        return e;
    (void)snprintf(drawing, MARK_ID_MAX, "%s", r.has_drawing ? r.drawing : "");
    return write_relations(n->m, beside, is_there, &r);
}

enum err mark_notes(struct marking *m, const struct mark_survey *s, struct spot *spots, uint32_t count,
                    char drawing[MARK_ID_MAX])
{
    char base[PART_NAME_MAX];
    char beside[RELATIONS_NAME_MAX];
    struct relations have = {.base = base};
    struct notes n = {.m = m, .spots = spots, .count = count};
    enum err e;

    book_relations_name(m->b->sheets[spots[0].sheet].part, beside, base);
    buf_init_secret(&n.text, PART_MAX);
    e = book_relations_read(m->b, beside, &have);
    if (e == OK || e == ERR_NOT_FOUND)
        e = write_notes(&n, s, &have, beside, e == OK, drawing);
    book_relations_fini(&have);
    buf_wipe(&n.text);
    return e;
}
