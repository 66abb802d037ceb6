/* The parts beside the sheets: which part is what, the list of sheets, the formats of cells. */
#include "common/xlsx_read_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RELATIONS 4096u
#define CUSTOM_FROM   164u /* numbers of formats from here on are the workbook's own */

/* ---- relations ---- */

void book_relations_fini(struct relations *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        free(r->items[i].id);
        free(r->items[i].type);
        free(r->items[i].target);
    }
    free(r->items);
}

/* "worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml" and "../xl/x.xml" to names in the archive; NULL: too long. */
static char *resolve(const char *base, const char *target)
{
    char path[2 * PART_NAME_MAX];
    char *out;
    size_t len = 0;
    int n = snprintf(path, sizeof(path), "%s%s", target[0] == '/' ? "" : base, target[0] == '/' ? target + 1 : target);

    if (n < 0 || (size_t)n >= PART_NAME_MAX || (out = malloc((size_t)n + 2)) == NULL)
        return NULL;
    for (const char *p = path; *p != '\0';) {
        size_t step = strcspn(p, "/");

        if (step == 2 && p[0] == '.' && p[1] == '.') {
            while (len > 0 && out[--len] != '/')
                continue;
        } else if (step > 0 && !(step == 1 && p[0] == '.')) {
            if (len > 0)
                out[len++] = '/';
            memcpy(out + len, p, step);
            len += step;
        }
        p += step;
        p += *p == '/';
    }
    out[len] = '\0';
    return out;
}

static enum err relation_start(void *ctx, const char *name, const char *const *attributes)
{
    struct relations *r = ctx;
    const char *id = xml_in_attribute(attributes, "Id");
    const char *type = xml_in_attribute(attributes, "Type");
    const char *target = xml_in_attribute(attributes, "Target");
    const char *mode = xml_in_attribute(attributes, "TargetMode");
    struct relation *x;
    enum err e;

    if (strcmp(name, "Relationship") != 0 || id == NULL || type == NULL || target == NULL ||
        (mode != NULL && strcmp(mode, "External") == 0))
        return OK; /* what lies outside is not looked for */
    if ((e = book_grow((void *)&r->items, sizeof(*r->items), r->count, &r->cap, MAX_RELATIONS)) != OK)
        return e;
    x = &r->items[r->count++];
    x->id = strdup(id);
    x->type = strdup(strrchr(type, '/') != NULL ? strrchr(type, '/') + 1 : type);
    x->target = resolve(r->base, target);
    return x->id == NULL || x->type == NULL ? ERR_NOMEM : x->target == NULL ? book_malformed() : OK;
}

enum err book_relations_read(struct xlsx_book *b, const char *part, struct relations *r)
{
    static const struct xml_in_calls calls = {relation_start, NULL, NULL};

    return xml_in_whole(b->zip, part, &calls, r);
}

const struct relation *book_relation(const struct relations *r, const char *id, const char *type)
{
    for (uint32_t i = 0; i < r->count; i++)
        if ((id == NULL || strcmp(r->items[i].id, id) == 0) && (type == NULL || strcmp(r->items[i].type, type) == 0))
            return &r->items[i];
    return NULL;
}

void book_relations_name(const char *part, char out[RELATIONS_NAME_MAX], char base[PART_NAME_MAX])
{
    const char *slash = strrchr(part, '/');
    size_t len = slash != NULL ? (size_t)(slash - part) + 1 : 0;

    if (len >= PART_NAME_MAX)
        len = 0; /* resolve() gives no such name */
    memcpy(base, part, len);
    base[len] = '\0';
    (void)snprintf(out, RELATIONS_NAME_MAX, "%s_rels/%s.rels", base, part + len);
}

/* ---- the list of sheets ---- */

struct workbook_reader {
    struct xlsx_book *b;
    const struct relations *relations;
};

static enum err add_sheet(struct workbook_reader *r, const char *name, const char *state, const char *part)
{
    struct xlsx_book *b = r->b;
    struct book_sheet *s;
    enum err e = book_grow((void *)&b->sheets, sizeof(*b->sheets), b->sheet_count, &b->sheet_cap, XLSX_READ_MAX_SHEETS);

    if (e != OK)
        return e;
    s = &b->sheets[b->sheet_count++];
    s->name = strdup(name);
    s->part = strdup(part);
    s->is_hidden = state != NULL && strcmp(state, "visible") != 0;
    return s->name == NULL || s->part == NULL ? ERR_NOMEM : OK;
}

static enum err workbook_start(void *ctx, const char *name, const char *const *attributes)
{
    struct workbook_reader *r = ctx;
    const char *sheet = xml_in_attribute(attributes, "name");
    const char *id = xml_in_qualified(attributes, "id");
    const struct relation *x;

    if (strcmp(name, "workbookPr") == 0)
        r->b->is_1904 = book_is_true(xml_in_attribute(attributes, "date1904"));
    if (strcmp(name, "sheet") != 0)
        return OK;
    if (sheet == NULL || id == NULL || (x = book_relation(r->relations, id, NULL)) == NULL)
        return book_malformed();
    return strcmp(x->type, "worksheet") == 0 ? add_sheet(r, sheet, xml_in_attribute(attributes, "state"), x->target)
                                             : OK;
}

/* ---- formats ---- */

struct custom_format {
    uint32_t id;
    struct xlsx_format format;
};
struct styles_reader {
    struct xlsx_book *b;
    struct custom_format *custom;
    uint32_t count, cap;
    bool in_cells;
};

static struct xlsx_format format_of_id(const struct styles_reader *r, uint32_t id)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->custom[i].id == id)
            return r->custom[i].format;
    return xlsx_format_builtin(id);
}

static enum err styles_start(void *ctx, const char *name, const char *const *attributes)
{
    struct styles_reader *r = ctx;
    const char *code = xml_in_attribute(attributes, "formatCode");
    const char *number = xml_in_attribute(attributes, "numFmtId");
    struct xlsx_book *b = r->b;
    uint32_t id = 0;
    enum err e;

    if (strcmp(name, "cellXfs") == 0) {
        r->in_cells = true;
    } else if (strcmp(name, "numFmt") == 0 && code != NULL && book_read_u32(number, UINT32_MAX, &id)) {
        if ((e = book_grow((void *)&r->custom, sizeof(*r->custom), r->count, &r->cap, CUSTOM_FROM * 8)) != OK)
            return e;
        r->custom[r->count++] = (struct custom_format){id, xlsx_format_of(code)};
    } else if (strcmp(name, "xf") == 0 && r->in_cells) {
        if ((e = book_grow((void *)&b->formats, sizeof(*b->formats), b->format_count, &b->format_cap,
                           XLSX_READ_MAX_FORMATS)) != OK)
            return e;
        (void)book_read_u32(number, UINT32_MAX, &id);
        b->formats[b->format_count++] = format_of_id(r, id);
    }
    return OK;
}

static enum err styles_end(void *ctx, const char *name)
{
    struct styles_reader *r = ctx;

    if (strcmp(name, "cellXfs") == 0)
        r->in_cells = false;
    return OK;
}

static enum err read_styles(struct xlsx_book *b, const char *part)
{
    static const struct xml_in_calls calls = {styles_start, styles_end, NULL};
    struct styles_reader r = {.b = b};
    enum err e = xml_in_whole(b->zip, part, &calls, &r);

    free(r.custom);
    return e;
}

/* ---- all of it ---- */

static enum err read_workbook(struct xlsx_book *b, const char *part, const struct relations *relations)
{
    static const struct xml_in_calls calls = {workbook_start, NULL, NULL};
    struct workbook_reader r = {b, relations};
    const struct relation *x;
    enum err e = xml_in_whole(b->zip, part, &calls, &r);

    if (e == OK && (x = book_relation(relations, NULL, "styles")) != NULL)
        e = (b->styles_part = strdup(x->target)) != NULL ? read_styles(b, x->target) : ERR_NOMEM;
    if (e == OK && (x = book_relation(relations, NULL, "sharedStrings")) != NULL)
        e = book_read_strings(b, x->target);
    if (e == OK && b->sheet_count == 0)
        e = err_set(ERR_MALFORMED, "%s", _("the workbook has no sheet with a table"));
    return e;
}

static enum err read_around(struct xlsx_book *b, const char *part)
{
    char base[PART_NAME_MAX];
    char beside[RELATIONS_NAME_MAX];
    struct relations r = {.base = base};
    enum err e;

    book_relations_name(part, beside, base);
    if ((e = book_relations_read(b, beside, &r)) == OK)
        e = read_workbook(b, part, &r);
    book_relations_fini(&r);
    return e;
}

enum err book_read_parts(struct xlsx_book *b)
{
    struct relations top = {.base = ""};
    const struct relation *x;
    enum err e = book_relations_read(b, "_rels/.rels", &top);

    if (e == OK && (x = book_relation(&top, NULL, "officeDocument")) == NULL)
        e = book_malformed();
    else if (e == OK)
        e = (b->part = strdup(x->target)) != NULL ? read_around(b, x->target) : ERR_NOMEM;
    book_relations_fini(&top);
    return e == ERR_NOT_FOUND ? book_malformed() : e;
}
