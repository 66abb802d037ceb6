#include "common/xml_edit.h"

#include "common/cli.h"

#include <string.h>
#include <strings.h>

#define CHUNK       16384u
#define DECLARATION 256u /* bytes, in which an encoding is looked for */

/* ---- opening ---- */

static enum err not_utf8(const char *part)
{
    return err_set(ERR_MALFORMED, _("the part \"%.100s\" of the workbook is not written in UTF-8"), part);
}

static enum err read_part(struct xml_edit *x)
{
    uint8_t chunk[CHUNK];
    struct zip_part *p = NULL;
    size_t got = 1;
    enum err e = zip_part_open(&p, x->zip, x->part);

    if (e != OK)
        return e;
    while (e == OK && got > 0 && (e = zip_part_read(p, chunk, sizeof(chunk), &got)) == OK) {
        buf_put(&x->in, chunk, got);
        e = buf_status(&x->in);
    }
    zip_part_close(p);
    explicit_bzero(chunk, sizeof(chunk));
    if (e == ERR_LIMIT && buf_status(&x->in) == ERR_LIMIT)
        return err_set(ERR_LIMIT, _("the part \"%.100s\" of the workbook is larger than %u MiB"), x->part,
                       XML_EDIT_MAX >> 20);
    return e;
}

/* What expat counts are bytes of the part, whatever its encoding; what is put in between is UTF-8. */
static bool is_utf8(const struct xml_edit *x)
{
    char start[DECLARATION];
    size_t len = x->in.len < sizeof(start) - 1 ? x->in.len : sizeof(start) - 1;
    const char *at;

    if (len == 0 || x->in.data[0] >= 0xFE || memchr(x->in.data, 0, len) != NULL)
        return false;
    memcpy(start, x->in.data, len);
    start[len] = '\0';
    if ((at = strstr(start, "?>")) == NULL) /* or the declaration is longer than any */
        return strstr(start, "<?xml") == NULL;
    start[at - start] = '\0';
    if ((at = strstr(start, "encoding")) == NULL)
        return true;
    at += strcspn(at, "\"'");
    return *at != '\0' && strncasecmp(at + 1, "utf-8", 5) == 0 && (at[6] == '"' || at[6] == '\'');
}

/* The prefix of the first element is that of all. */
static enum err take_prefix(void *ctx, const char *name, const char *const *attributes)
{
    struct xml_edit *x = ctx;
    struct bytes tag = xml_edit_tag(x);
    size_t len = 1;

    (void)name;
    (void)attributes;
    while (len < tag.len && strchr(" \t\r\n/>:", tag.p[len]) == NULL)
        len++;
    if (len < tag.len && tag.p[len] == ':') {
        if (len >= sizeof(x->prefix))
            return err_set(ERR_LIMIT, _("the part \"%.100s\" of the workbook has names that no program gives"),
                           x->part);
        memcpy(x->prefix, tag.p + 1, len);
        x->prefix[len] = '\0';
    }
    xml_in_pause(x->xml);
    return OK;
}

static enum err start(struct xml_edit *x, const struct xml_in_calls *calls, void *ctx)
{
    struct zip_part *p = NULL;
    enum err e = zip_part_open(&p, x->zip, x->part);

    return e == OK ? xml_in_open(&x->xml, p, calls, ctx) : e;
}

static void stop(struct xml_edit *x)
{
    xml_in_close(x->xml);
    x->xml = NULL;
}

enum err xml_edit_open(struct xml_edit *x, struct zip_in *zip, const char *part)
{
    static const struct xml_in_calls calls = {take_prefix, NULL, NULL};
    enum err e;

    memset(x, 0, sizeof(*x));
    x->zip = zip;
    x->part = part;
    buf_init_secret(&x->in, XML_EDIT_MAX);
    buf_init_secret(&x->out, XML_EDIT_MAX);
    if ((e = read_part(x)) != OK)
        return e;
    if (!is_utf8(x))
        return not_utf8(part);
    if ((e = start(x, &calls, x)) != OK)
        return e;
    e = xml_in_run(x->xml);
    stop(x);
    return e == ERR_NOT_FOUND ? OK : e;
}

void xml_edit_close(struct xml_edit *x)
{
    stop(x);
    buf_wipe(&x->in);
    buf_wipe(&x->out);
}

enum err xml_edit_run(struct xml_edit *x, const struct xml_in_calls *calls, void *ctx)
{
    enum err e = start(x, calls, ctx);

    while (e == OK)
        e = xml_in_run(x->xml);
    stop(x);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- the tag at hand ---- */

struct bytes xml_edit_tag(const struct xml_edit *x)
{
    uint64_t from, to;

    xml_in_span(x->xml, &from, &to);
    return to <= x->in.len && from <= to ? bytes_of(x->in.data + from, (size_t)(to - from)) : bytes_of(x->in.data, 0);
}

bool xml_edit_is_closed(struct bytes tag)
{
    return tag.len > 2 && tag.p[tag.len - 2] == '/';
}

bool xml_edit_at_closed_end(const struct xml_edit *x)
{
    return xml_edit_tag(x).len == 0;
}

/* ---- copying ---- */

static void copy_to(struct xml_edit *x, const uint8_t *end)
{
    size_t to = (size_t)(end - x->in.data);

    if (to > x->at) {
        buf_put(&x->out, x->in.data + x->at, to - x->at);
        x->at = to;
    }
}

void xml_edit_copy_before(struct xml_edit *x)
{
    copy_to(x, xml_edit_tag(x).p);
}

void xml_edit_copy_after(struct xml_edit *x)
{
    struct bytes tag = xml_edit_tag(x);

    copy_to(x, tag.p + tag.len);
}

void xml_edit_drop(struct xml_edit *x)
{
    struct bytes tag = xml_edit_tag(x);
    size_t to = (size_t)(tag.p + tag.len - x->in.data);

    if (to > x->at)
        x->at = to;
}

enum err xml_edit_finish(struct xml_edit *x)
{
    copy_to(x, x->in.data + x->in.len);
    return buf_status(&x->out);
}

/* ---- tags ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_among(struct bytes name, const struct xml_attribute *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(set[i].name) == name.len && memcmp(set[i].name, name.p, name.len) == 0)
            return true;
    return false;
}

/* One attribute from `at` on, which is not blank: its name, and where it ends. */
static size_t pass_attribute(struct bytes tag, size_t at, struct bytes *name)
{
    size_t from = at;
    uint8_t quote;

    while (at < tag.len && tag.p[at] != '=' && !is_blank(tag.p[at]))
        at++;
    *name = bytes_of(tag.p + from, at - from);
    while (at < tag.len && tag.p[at] != '"' && tag.p[at] != '\'')
        at++;
    if (at == tag.len)
        return at;
    quote = tag.p[at++];
    while (at < tag.len && tag.p[at] != quote)
        at++;
    return at < tag.len ? at + 1 : at;
}

static size_t name_end(struct bytes tag)
{
    size_t at = 1;

    while (at < tag.len && !is_blank(tag.p[at]) && tag.p[at] != '/' && tag.p[at] != '>')
        at++;
    return at;
}

void xml_edit_put_tag(struct buf *out, struct bytes tag, const struct xml_attribute *set, size_t count, bool open)
{
    bool is_closed = xml_edit_is_closed(tag);
    size_t at = name_end(tag);

    buf_put(out, tag.p, at);
    for (;;) {
        struct bytes name;
        size_t from;

        while (at < tag.len && is_blank(tag.p[at]))
            at++;
        if (at >= tag.len || tag.p[at] == '/' || tag.p[at] == '>')
            break;
        from = at;
        at = pass_attribute(tag, at, &name);
        if (is_among(name, set, count))
            continue;
        buf_put_u8(out, ' ');
        buf_put(out, tag.p + from, at - from);
    }
    for (size_t i = 0; i < count; i++)
        if (set[i].value != NULL)
            buf_printf(out, " %s=\"%s\"", set[i].name, set[i].value);
    buf_put_str(out, is_closed && !open ? "/>" : ">");
}

void xml_edit_change(struct xml_edit *x, const struct xml_attribute *set, size_t count)
{
    xml_edit_copy_before(x);
    xml_edit_put_tag(&x->out, xml_edit_tag(x), set, count, false);
    xml_edit_drop(x);
}

void xml_edit_fill(struct xml_edit *x, const struct xml_attribute *set, size_t count, struct bytes content)
{
    struct bytes tag = xml_edit_tag(x);

    xml_edit_copy_before(x);
    xml_edit_put_tag(&x->out, tag, set, count, true);
    buf_put(&x->out, content.p, content.len);
    buf_put_str(&x->out, "</");
    buf_put(&x->out, tag.p + 1, name_end(tag) - 1);
    buf_put_u8(&x->out, '>');
    xml_edit_drop(x);
}
