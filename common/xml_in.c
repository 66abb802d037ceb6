#include "common/xml_in.h"

#include "common/cli.h"

#include <expat.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK     16384u
#define SEPARATOR '\n' /* between a namespace and a name: it can stand in neither */

struct xml_in {
    XML_Parser parser;
    struct zip_part *part;
    struct xml_in_calls calls;
    void *ctx;
    uint32_t depth;
    uint64_t fed;
    uint64_t begun; /* where the tag or text at hand begins, as far as known */
    bool is_paused, is_last;
    enum err failed; /* by a call of ours */
};

/* ---- memory: what expat kept of pupils' answers is overwritten when it goes ---- */

union block {
    size_t size;
    max_align_t align;
};

static void *take(size_t size)
{
    union block *b = size <= SIZE_MAX - sizeof(*b) ? malloc(sizeof(*b) + size) : NULL;

    if (b == NULL)
        return NULL;
    b->size = size;
    return b + 1;
}

static void give(void *p)
{
    union block *b = p;

    if (b == NULL)
        return;
    b--;
    explicit_bzero(b + 1, b->size);
    free(b);
}

static void *move(void *p, size_t size)
{
    void *moved = take(size);
    size_t old = p != NULL ? ((union block *)p - 1)->size : 0;

    if (moved == NULL)
        return NULL;
    if (old > 0)
        memcpy(moved, p, old < size ? old : size);
    give(p);
    return moved;
}

static const XML_Memory_Handling_Suite MEMORY = {take, move, give};

/* ---- names ---- */

static const char *local_name(const char *name)
{
    const char *at = strrchr(name, SEPARATOR);

    return at != NULL ? at + 1 : name;
}

const char *xml_in_attribute(const char *const *attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

const char *xml_in_qualified(const char *const *attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (local_name(attributes[0]) != attributes[0] && strcmp(local_name(attributes[0]), name) == 0)
            return attributes[1];
    return NULL;
}

static void fail(struct xml_in *x, enum err e)
{
    if (x->failed == OK)
        x->failed = e;
    (void)XML_StopParser(x->parser, XML_FALSE);
}

static enum err too_deep(void)
{
    return err_set(ERR_LIMIT, "%s", _("the file nests its parts deeper than any spreadsheet program does"));
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct xml_in *x = ctx;
    uint32_t count = 0;
    enum err e;

    if (x->failed != OK)
        return;
    while (attributes[count] != NULL)
        count++;
    if (++x->depth > XML_IN_MAX_DEPTH || count > 2 * XML_IN_MAX_ATTRIBUTES) {
        fail(x, too_deep());
    } else if (x->calls.start != NULL) {
        e = x->calls.start(x->ctx, local_name(name), (const char *const *)attributes);
        if (e != OK)
            fail(x, e);
    }
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct xml_in *x = ctx;
    enum err e;

    if (x->failed != OK)
        return;
    x->depth--;
    if (x->calls.end != NULL && (e = x->calls.end(x->ctx, local_name(name))) != OK)
        fail(x, e);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct xml_in *x = ctx;
    enum err e;

    if (x->failed == OK && x->calls.text != NULL && (e = x->calls.text(x->ctx, text, (size_t)len)) != OK)
        fail(x, e);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has;
    fail(ctx,
         err_set(ERR_MALFORMED, "%s",
                 _("the file has a document type declaration, which no spreadsheet program writes; it is not read")));
}

enum err xml_in_open(struct xml_in **out, struct zip_part *part, const struct xml_in_calls *calls, void *ctx)
{
    static const XML_Char separator[] = {SEPARATOR, '\0'};
    struct xml_in *x = calloc(1, sizeof(*x));

    if (x == NULL || (x->parser = XML_ParserCreate_MM(NULL, &MEMORY, separator)) == NULL) {
        zip_part_close(part);
        free(x);
        return ERR_NOMEM;
    }
    x->part = part;
    x->calls = *calls;
    x->ctx = ctx;
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    *out = x;
    return OK;
}

void xml_in_close(struct xml_in *x)
{
    if (x == NULL)
        return;
    XML_ParserFree(x->parser);
    zip_part_close(x->part);
    free(x);
}

void xml_in_pause(struct xml_in *x)
{
    (void)XML_StopParser(x->parser, XML_TRUE);
}

const struct zip_part *xml_in_part(const struct xml_in *x)
{
    return x->part;
}

void xml_in_span(const struct xml_in *x, uint64_t *from, uint64_t *to)
{
    XML_Index at = XML_GetCurrentByteIndex(x->parser);
    int len = XML_GetCurrentByteCount(x->parser);

    *from = at > 0 ? (uint64_t)at : 0;
    *to = *from + (len > 0 ? (uint64_t)len : 0);
}

/* expat keeps what is not finished yet: a tag of gigabytes would be kept whole. */
static enum err check_token(struct xml_in *x)
{
    XML_Index begun = XML_GetCurrentByteIndex(x->parser); /* -1: it has not even looked yet */

    if (begun >= 0)
        x->begun = (uint64_t)begun;
    if (x->fed - x->begun <= XML_IN_MAX_TOKEN)
        return OK;
    return err_set(ERR_LIMIT, "%s", _("a tag of the file is longer than any spreadsheet program writes"));
}

static enum err parsed(struct xml_in *x, enum XML_Status status)
{
    x->is_paused = status == XML_STATUS_SUSPENDED;
    if (x->failed != OK)
        return x->failed;
    if (status != XML_STATUS_ERROR)
        return OK;
    if (XML_GetErrorCode(x->parser) == XML_ERROR_NO_MEMORY)
        return ERR_NOMEM;
    return err_set(ERR_MALFORMED,
                   _("the file is damaged inside (%s): open it in your spreadsheet program, save it again and take the "
                     "new file"),
                   XML_ErrorString(XML_GetErrorCode(x->parser)));
}

static enum err feed(struct xml_in *x)
{
    void *room = XML_GetBuffer(x->parser, CHUNK);
    size_t got = 0;
    enum err e;

    if (room == NULL)
        return ERR_NOMEM;
    if ((e = zip_part_read(x->part, room, CHUNK, &got)) != OK)
        return e;
    x->fed += got;
    x->is_last = got == 0;
    if ((e = parsed(x, XML_ParseBuffer(x->parser, (int)got, x->is_last))) != OK || x->is_paused)
        return e;
    return check_token(x);
}

enum err xml_in_run(struct xml_in *x)
{
    enum err e = OK;

    if (x->failed != OK)
        return x->failed;
    if (x->is_paused)
        e = parsed(x, XML_ResumeParser(x->parser));
    while (e == OK && !x->is_paused && !x->is_last)
        e = feed(x);
    if (e != OK)
        return x->failed = e;
    return x->is_paused ? OK : ERR_NOT_FOUND;
}

enum err xml_in_whole(struct zip_in *z, const char *name, const struct xml_in_calls *calls, void *ctx)
{
    struct zip_part *part = NULL;
    struct xml_in *x = NULL;
    enum err e = zip_part_open(&part, z, name);

    if (e != OK || (e = xml_in_open(&x, part, calls, ctx)) != OK)
        return e;
    while ((e = xml_in_run(x)) == OK)
        continue;
    xml_in_close(x);
    return e == ERR_NOT_FOUND ? OK : e;
}
