/* The styles of marked cells: each is the style of its cell, on red. */
#include "common/xlsx_mark_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STYLES 64000u /* Excel takes 65,490 */
#define RED        "<%sfill><%spatternFill patternType=\"solid\"><%sfgColor rgb=\"FFFF9999\"/><%sbgColor indexed=\"64\"/>" \
                   "</%spatternFill></%sfill>"

/* A style to be copied: where it stands. */
struct source {
    uint32_t base;
    uint64_t from, tag_to, to;
};

struct styles {
    struct xml_edit x;
    struct source *sources; /* by base */
    uint32_t count;
    uint32_t cells, fills; /* of the workbook */
    bool has_cells, has_fills, in_cells, is_signed;
    uint32_t depth;
    int32_t at; /* the source at hand; -1: none */
    char fill[16], cell_count[16], fill_count[16];
};

/* ---- which ---- */

static int by_base(const void *a, const void *b)
{
    const struct source *x = a;
    const struct source *y = b;

    return x->base < y->base ? -1 : x->base > y->base;
}

static enum err list_sources(struct styles *s, const struct marking *m)
{
    uint32_t kept = 0;

    if ((s->sources = calloc(m->count, sizeof(*s->sources))) == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < m->count; i++)
        s->sources[i].base = m->spots[i].base;
    qsort(s->sources, m->count, sizeof(*s->sources), by_base);
    for (uint32_t i = 0; i < m->count; i++)
        if (kept == 0 || s->sources[kept - 1].base != s->sources[i].base)
            s->sources[kept++] = s->sources[i];
    s->count = kept;
    return OK;
}

static struct source *source_of(const struct styles *s, uint32_t base)
{
    struct source wanted = {.base = base};

    return bsearch(&wanted, s->sources, s->count, sizeof(wanted), by_base);
}

/* ---- looking ---- */

static enum err look_start(void *ctx, const char *name, const char *const *attributes)
{
    struct styles *s = ctx;
    struct source *source;

    (void)attributes;
    s->depth++;
    if (s->depth == 2 && strcmp(name, "fills") == 0)
        s->has_fills = true;
    if (s->depth == 2 && strcmp(name, "cellXfs") == 0)
        s->in_cells = s->has_cells = true;
    else if (s->depth == 3 && s->in_cells && strcmp(name, "xf") == 0) {
        if ((source = source_of(s, s->cells++)) != NULL) {
            s->at = (int32_t)(source - s->sources);
            xml_in_span(s->x.xml, &source->from, &source->tag_to);
        }
    } else if (s->depth == 3 && !s->in_cells && s->has_fills && !s->has_cells && strcmp(name, "fill") == 0)
        s->fills++;
    return OK;
}

static enum err look_end(void *ctx, const char *name)
{
    struct styles *s = ctx;
    uint64_t from;

    (void)name;
    if (s->depth == 3 && s->at >= 0) {
        xml_in_span(s->x.xml, &from, &s->sources[s->at].to);
        s->at = -1;
    }
    if (s->depth == 2)
        s->in_cells = false;
    s->depth--;
    return OK;
}

/* ---- writing ---- */

static void put_red(struct styles *s, struct buf *out)
{
    const char *p = s->x.prefix;

    buf_printf(out, RED, p, p, p, p, p, p);
}

static void put_fills(struct styles *s)
{
    const char *p = s->x.prefix;

    buf_printf(&s->x.out, "<%sfills count=\"3\"><%sfill><%spatternFill patternType=\"none\"/></%sfill><%sfill>", p, p,
               p, p, p);
    buf_printf(&s->x.out, "<%spatternFill patternType=\"gray125\"/></%sfill>", p, p);
    put_red(s, &s->x.out);
    buf_printf(&s->x.out, "</%sfills>", p);
}

static void put_copies(struct styles *s)
{
    const struct xml_attribute set[] = {{"fillId", s->fill}, {"applyFill", "1"}};
    const uint8_t *in = s->x.in.data;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct source *c = &s->sources[i];

        xml_edit_put_tag(&s->x.out, bytes_of(in + c->from, (size_t)(c->tag_to - c->from)), set, 2, false);
        buf_put(&s->x.out, in + c->tag_to, (size_t)(c->to - c->tag_to));
    }
}

static bool follows_fills(const char *name)
{
    return strcmp(name, "borders") == 0 || strcmp(name, "cellStyleXfs") == 0 || strcmp(name, "cellXfs") == 0;
}

static void begin_fills(struct styles *s)
{
    const struct xml_attribute set[] = {{"count", s->fill_count}};
    struct buf red;

    if (!xml_edit_is_closed(xml_edit_tag(&s->x))) {
        xml_edit_change(&s->x, set, 1);
        return;
    }
    buf_init(&red, 1024);
    put_red(s, &red);
    xml_edit_fill(&s->x, set, 1, bytes_of(red.data, red.len));
    buf_fini(&red);
}

static enum err write_start(void *ctx, const char *name, const char *const *attributes)
{
    struct styles *s = ctx;
    const struct xml_attribute cells[] = {{"count", s->cell_count}};

    (void)attributes;
    if (++s->depth != 2)
        return OK;
    if (!s->has_fills && follows_fills(name)) {
        xml_edit_copy_before(&s->x);
        put_fills(s);
        s->has_fills = true;
    }
    if (strcmp(name, "fills") == 0)
        begin_fills(s);
    else if (strcmp(name, "cellXfs") == 0)
        xml_edit_change(&s->x, cells, 1);
    return OK;
}

static enum err write_end(void *ctx, const char *name)
{
    struct styles *s = ctx;
    bool is_closed = xml_edit_at_closed_end(&s->x);

    if (s->depth == 2 && !is_closed && strcmp(name, "fills") == 0) {
        xml_edit_copy_before(&s->x);
        put_red(s, &s->x.out);
    } else if (s->depth == 2 && !is_closed && strcmp(name, "cellXfs") == 0) {
        xml_edit_copy_before(&s->x);
        put_copies(s);
    } else if (s->depth == 1 && !is_closed && !s->is_signed) {
        xml_edit_copy_before(&s->x);
        buf_put_str(&s->x.out, MARK_SIGN);
    }
    s->depth--;
    return OK;
}

/* ---- both ---- */

static bool has_sign(const struct xml_edit *x)
{
    return x->in.len > 0 && memmem(x->in.data, x->in.len, MARK_SIGN, strlen(MARK_SIGN)) != NULL;
}

static enum err edit(struct styles *s, struct marking *m)
{
    static const struct xml_in_calls look = {look_start, look_end, NULL};
    static const struct xml_in_calls write = {write_start, write_end, NULL};
    enum err e = xml_edit_run(&s->x, &look, s);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->sources[i].to == 0)
            return mark_cannot(_("a cell names a style that the workbook does not have"));
    if (s->cells > MAX_STYLES)
        return mark_cannot(_("it has too many styles"));
    (void)snprintf(s->fill, sizeof(s->fill), "%u", s->has_fills ? s->fills : 2);
    (void)snprintf(s->fill_count, sizeof(s->fill_count), "%u", s->fills + 1);
    (void)snprintf(s->cell_count, sizeof(s->cell_count), "%u", s->cells + s->count);
    s->is_signed = has_sign(&s->x);
    s->depth = 0;
    if ((e = xml_edit_run(&s->x, &write, s)) != OK)
        return e;
    for (uint32_t i = 0; i < m->count; i++)
        m->spots[i].style = s->cells + (uint32_t)(source_of(s, m->spots[i].base) - s->sources);
    return mark_put(m, &s->x);
}

enum err mark_styles(struct marking *m)
{
    struct styles s = {.at = -1};
    enum err e;

    if (m->b->styles_part == NULL)
        return mark_cannot(_("it has no styles"));
    if ((e = xml_edit_open(&s.x, m->b->zip, m->b->styles_part)) == OK && (e = list_sources(&s, m)) == OK)
        e = edit(&s, m);
    xml_edit_close(&s.x);
    free(s.sources);
    return e;
}

enum err xlsx_mark_is_ours(struct xlsx_book *b, bool *is_ours)
{
    struct xml_edit x;
    enum err e;

    *is_ours = false;
    if (b->styles_part == NULL)
        return OK;
    if ((e = xml_edit_open(&x, b->zip, b->styles_part)) == OK)
        *is_ours = has_sign(&x);
    xml_edit_close(&x);
    return e == ERR_MALFORMED || e == ERR_LIMIT ? OK : e;
}
