/* Texts that many cells share (sharedStrings.xml), and small helpers of the reader. */
#include "common/xlsx_read_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

enum err book_malformed(void)
{
    return err_set(ERR_MALFORMED, "%s",
                   _("the workbook contradicts itself: open it in your spreadsheet program, save it again and take the "
                     "new file"));
}

enum err book_grow(void *items, size_t size, uint32_t count, uint32_t *cap, uint32_t max)
{
    uint32_t grown = *cap == 0 ? 32 : *cap * 2;
    void *old, *moved;

    if (count < *cap)
        return OK;
    if (count >= max)
        return err_set(ERR_LIMIT, _("the workbook has more than %u parts of one kind, which no table needs"), max);
    if (grown > max)
        grown = max;
    memcpy(&old, items, sizeof(old));
    if ((moved = realloc(old, grown * size)) == NULL)
        return ERR_NOMEM;
    memcpy(items, &moved, sizeof(moved));
    *cap = grown;
    return OK;
}

bool book_read_u32(const char *text, uint32_t max, uint32_t *out)
{
    uint64_t n = 0;

    if (text == NULL || *text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > max)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

bool book_is_true(const char *attribute)
{
    return attribute != NULL && (strcmp(attribute, "1") == 0 || strcmp(attribute, "true") == 0);
}

/* ---- _xHHHH_ ---- */

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character behind "_xHHHH_" at `p`, or -1: it stands for itself. */
static int32_t escaped(const uint8_t *p, size_t left)
{
    int32_t c = 0;

    if (left < 7 || p[0] != '_' || p[1] != 'x' || p[6] != '_')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = hex(p[i]);

        if (digit < 0)
            return -1;
        c = c * 16 + digit;
    }
    return (c >= 0x20 && c < 0xD800) || (c >= 0xE000 && c < 0xFFFE) || c == '\t' || c == '\n' || c == '\r' ? c : -1;
}

static void put_character(struct buf *out, int32_t c)
{
    if (c < 0x80) {
        buf_put_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_put_u8(out, (uint8_t)(0xC0 | c >> 6));
        buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_put_u8(out, (uint8_t)(0xE0 | c >> 12));
        buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

void book_put_unescaped(struct buf *out, struct bytes text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len; i++) {
        int32_t c = text.p[i] == '_' ? escaped(text.p + i, text.len - i) : -1;

        if (c < 0)
            continue;
        buf_put(out, text.p + from, i - from);
        put_character(out, c);
        i += 6;
        from = i + 1;
    }
    if (from < text.len)
        buf_put(out, text.p + from, text.len - from);
}

/* ---- sharedStrings.xml ---- */

struct strings_reader {
    struct book_strings *s;
    struct buf one; /* the text at hand, as it stands */
    bool in_item, in_text;
    uint32_t phonetic; /* depth inside readings in another script, which are no part of the text */
};

static enum err strings_start(void *ctx, const char *name, const char *const *attributes)
{
    struct strings_reader *r = ctx;

    (void)attributes;
    if (strcmp(name, "si") == 0) {
        r->in_item = true;
        buf_reset(&r->one);
    } else if (strcmp(name, "rPh") == 0) {
        r->phonetic++;
    } else if (strcmp(name, "t") == 0) {
        r->in_text = r->in_item && r->phonetic == 0;
    }
    return OK;
}

static enum err too_much_text(void)
{
    return err_set(ERR_LIMIT, _("the workbook has more than %u MiB of texts"), XLSX_READ_MAX_STRING_BYTES >> 20);
}

static enum err keep_string(struct strings_reader *r)
{
    struct book_strings *s = r->s;
    enum err e = book_grow((void *)&s->ends, sizeof(*s->ends), s->count, &s->cap, XLSX_READ_MAX_STRINGS);

    if (e != OK)
        return e;
    book_put_unescaped(&s->text, bytes_of(r->one.data, r->one.len));
    s->ends[s->count++] = s->text.len;
    e = buf_status(&s->text);
    return e == ERR_LIMIT ? too_much_text() : e;
}

static enum err strings_end(void *ctx, const char *name)
{
    struct strings_reader *r = ctx;

    if (strcmp(name, "t") == 0)
        r->in_text = false;
    else if (strcmp(name, "rPh") == 0)
        r->phonetic--;
    else if (strcmp(name, "si") == 0 && r->in_item) {
        r->in_item = false;
        return keep_string(r);
    }
    return OK;
}

static enum err strings_text(void *ctx, const char *text, size_t len)
{
    struct strings_reader *r = ctx;

    if (!r->in_text)
        return OK;
    buf_put(&r->one, text, len);
    if (buf_status(&r->one) == ERR_LIMIT)
        return err_set(ERR_LIMIT, _("a text of the workbook is longer than %u KiB"), XLSX_READ_MAX_CELL >> 10);
    return buf_status(&r->one);
}

enum err book_read_strings(struct xlsx_book *b, const char *part)
{
    static const struct xml_in_calls calls = {strings_start, strings_end, strings_text};
    struct strings_reader r = {.s = &b->strings};
    enum err e;

    buf_init_secret(&r.one, XLSX_READ_MAX_CELL);
    e = xml_in_whole(b->zip, part, &calls, &r);
    buf_wipe(&r.one);
    return e;
}

enum err book_string(const struct xlsx_book *b, uint32_t i, struct bytes *out)
{
    const struct book_strings *s = &b->strings;
    size_t from;

    if (i >= s->count)
        return book_malformed();
    from = i > 0 ? s->ends[i - 1] : 0;
    *out = bytes_of(s->text.data + from, s->ends[i] - from);
    return OK;
}
