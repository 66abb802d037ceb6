#include "common/utf8.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define ASCII_MASK 0x8080808080808080u

/* Length of the well-formed sequence at p, 0 when there is none; *point is its code point.  Table 3-7 of the Unicode
 * standard: the ranges of the second byte shut out over-long forms, surrogates and what lies above U+10FFFF. */
static size_t decode(const uint8_t *p, size_t left, uint32_t *point)
{
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    size_t len;
    uint32_t v;

    if (p[0] < 0x80) {
        *point = p[0];
        return 1;
    }
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > left)
        return 0;
    switch (p[0]) {
    case 0xE0: low = 0xA0; break;
    case 0xED: high = 0x9F; break;
    case 0xF0: low = 0x90; break;
    case 0xF4: high = 0x8F; break;
    default: break;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    v = (uint32_t)p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0u) != 0x80u)
            return 0;
        v = v << 6 | (p[i] & 0x3Fu);
    }
    *point = v;
    return len;
}

/* Skips bytes of ASCII, eight at a time. */
static size_t skip_ascii(const uint8_t *p, size_t at, size_t len)
{
    uint64_t eight;

    while (len - at >= sizeof(eight)) {
        memcpy(&eight, p + at, sizeof(eight));
        if ((eight & ASCII_MASK) != 0)
            break;
        at += sizeof(eight);
    }
    while (at < len && p[at] < 0x80)
        at++;
    return at;
}

size_t utf8_first_bad(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t at = 0;

    while ((at = skip_ascii(p, at, len)) < len) {
        uint32_t point;
        size_t n = decode(p + at, len - at, &point);

        if (n == 0)
            return at;
        at += n;
    }
    return len;
}

bool utf8_is_valid(const void *bytes, size_t len)
{
    return utf8_first_bad(bytes, len) == len;
}

/* True for characters that NFC leaves alone and that combine with no neighbour: Latin, Cyrillic letters, and the
 * punctuation of Russian text.  The others are decided by utf8proc. */
static bool is_surely_nfc(uint32_t point)
{
    return point < 0x300 || (point >= 0x400 && point <= 0x482) || (point >= 0x48A && point <= 0x52F) ||
           (point >= 0x2002 && point <= 0x2027) || (point >= 0x2030 && point <= 0x205E) || point == 0x20AC ||
           point == 0x20BD || point == 0x2116 || point == 0x2122;
}

enum nfc_word { NFC_YES, NFC_ASK, NFC_BAD_UTF8 };

static enum nfc_word quick_check(const uint8_t *p, size_t len)
{
    enum nfc_word word = NFC_YES;
    size_t at = 0;

    while ((at = skip_ascii(p, at, len)) < len) {
        uint32_t point;
        size_t n = decode(p + at, len - at, &point);

        if (n == 0)
            return NFC_BAD_UTF8;
        if (!is_surely_nfc(point))
            word = NFC_ASK;
        at += n;
    }
    return word;
}

/* utf8proc's result is malloc()ed; *mapped stays NULL on failure. */
/* No language needs more combining marks on one letter (Stream-Safe Text Format, UAX #15 section 13), and utf8proc
 * sorts them one by one: a long run would take quadratic time. */
#define MARKS_MAX 30u

static bool has_endless_marks(const uint8_t *bytes, size_t len)
{
    size_t marks = 0;

    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n;

        if (bytes[i] < 0x80) {
            marks = 0;
            i++;
            continue;
        }
        n = utf8proc_iterate(bytes + i, (utf8proc_ssize_t)(len - i), &c);
        if (n <= 0)
            return false; /* not UTF-8: told elsewhere */
        marks = utf8proc_get_property(c)->combining_class != 0 ? marks + 1 : 0;
        if (marks > MARKS_MAX)
            return true;
        i += (size_t)n;
    }
    return false;
}

static enum err map(const void *bytes, size_t len, bool fold, uint8_t **mapped, size_t *mapped_len)
{
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (fold ? UTF8PROC_CASEFOLD : 0);
    uint8_t *text = NULL;
    utf8proc_ssize_t n;

    if (has_endless_marks(bytes, len))
        return err_set(ERR_MALFORMED, _("The text has more than %u combining marks in a row."), MARKS_MAX);
    n = utf8proc_map(bytes, (utf8proc_ssize_t)len, &text, options);
    if (n == UTF8PROC_ERROR_NOMEM || n == UTF8PROC_ERROR_OVERFLOW)
        return err_set(ERR_NOMEM, _("There is not enough memory to bring a text of %zu bytes into normal form."), len);
    if (n < 0)
        return err_set(ERR_MALFORMED, _("The text cannot be brought into normal form: %s."), utf8proc_errmsg(n));
    *mapped = text;
    *mapped_len = (size_t)n;
    return OK;
}

static enum err refuse_bad(const void *bytes, size_t len)
{
    return err_set(ERR_MALFORMED, _("The text is not UTF-8: byte %zu does not belong to a character."),
                   utf8_first_bad(bytes, len) + 1);
}

bool utf8_is_nfc(const void *bytes, size_t len)
{
    enum nfc_word word = quick_check(bytes, len);
    uint8_t *mapped = NULL;
    size_t mapped_len = 0;
    bool same;

    if (word != NFC_ASK || map(bytes, len, false, &mapped, &mapped_len) != OK)
        return word == NFC_YES;
    same = mapped != NULL && mapped_len == len && memcmp(mapped, bytes, len) == 0;
    free(mapped);
    return same;
}

enum err utf8_put_nfc(struct buf *out, const void *bytes, size_t len)
{
    uint8_t *mapped = NULL;
    size_t mapped_len = 0;
    enum err e;

    switch (quick_check(bytes, len)) {
    case NFC_BAD_UTF8: return refuse_bad(bytes, len);
    case NFC_YES: buf_put(out, bytes, len); return buf_status(out);
    case NFC_ASK: break;
    }
    if ((e = map(bytes, len, false, &mapped, &mapped_len)) != OK)
        return e;
    buf_put(out, mapped, mapped_len);
    free(mapped);
    return buf_status(out);
}

static size_t encode(uint8_t out[4], uint32_t point)
{
    return (size_t)utf8proc_encode_char((utf8proc_int32_t)point, out);
}

enum err utf8_put_cp1251(struct buf *out, const void *bytes, size_t len)
{
    /* Bytes 0x80 to 0xBF; from 0xC0 on the Russian letters stand in the order of Unicode. */
    static const uint16_t upper[64] = {
        0x0402, 0x0403, 0x201A, 0x0453, 0x201E, 0x2026, 0x2020, 0x2021, 0x20AC, 0x2030, 0x0409, 0x2039, 0x040A,
        0x040C, 0x040B, 0x040F, 0x0452, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x0000, 0x2122,
        0x0459, 0x203A, 0x045A, 0x045C, 0x045B, 0x045F, 0x00A0, 0x040E, 0x045E, 0x0408, 0x00A4, 0x0490, 0x00A6,
        0x00A7, 0x0401, 0x00A9, 0x0404, 0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x0407, 0x00B0, 0x00B1, 0x0406, 0x0456,
        0x0491, 0x00B5, 0x00B6, 0x00B7, 0x0451, 0x2116, 0x0454, 0x00BB, 0x0458, 0x0405, 0x0455, 0x0457,
    };
    const uint8_t *p = bytes;
    const uint8_t *hole = len == 0 ? NULL : memchr(bytes, 0x98, len);
    size_t at = 0;

    if (hole != NULL)
        return err_set(ERR_MALFORMED, _("The text is not Windows-1251: byte %zu is 0x98, which that code page lacks."),
                       (size_t)(hole - p) + 1);
    while (at < len) {
        size_t plain = skip_ascii(p, at, len);
        uint8_t one[4];

        buf_put(out, p + at, plain - at);
        for (at = plain; at < len && p[at] >= 0x80; at++)
            buf_put(out, one, encode(one, p[at] >= 0xC0 ? 0x350u + p[at] : upper[p[at] - 0x80]));
    }
    return buf_status(out);
}

size_t utf8_width(const char *s)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t len = strlen(s);
    size_t width = 0;

    for (size_t at = 0; at < len;) {
        uint32_t point;
        size_t n = decode(p + at, len - at, &point);

        if (n == 0) { /* a terminal shows one replacement character */
            width++;
            at++;
            continue;
        }
        if ((point >= 0x20 && point < 0x7F) || (point >= 0x400 && point <= 0x482))
            width++;
        else
            width += (size_t)utf8proc_charwidth((utf8proc_int32_t)point);
        at += n;
    }
    return width;
}

size_t utf8_count(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += (p[i] & 0xC0u) != 0x80u;
    return count;
}

/* ASCII and Russian letters without utf8proc; false for any other character. */
static bool fold_simply(uint32_t *point)
{
    if ((*point >= 'A' && *point <= 'Z') || (*point >= 0x410 && *point <= 0x42F))
        *point += 0x20;
    else if (*point >= 0x400 && *point <= 0x40F)
        *point += 0x50;
    return *point < 0x80 || *point == 0xA0 || (*point >= 0x430 && *point <= 0x45F);
}

static bool is_blank(uint32_t point)
{
    if (point < 0x80)
        return point == ' ' || (point >= '\t' && point <= '\r');
    switch (utf8proc_category((utf8proc_int32_t)point)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return true;
    default: return point == 0x85;
    }
}

static bool all_fold_simply(const uint8_t *p, size_t len)
{
    uint32_t point;

    for (size_t at = 0; at < len; at += decode(p + at, len - at, &point))
        if (decode(p + at, len - at, &point) == 0 || !fold_simply(&point))
            return false;
    return true;
}

/* Lower case where that is still to do, runs of blanks as one space, none at the ends. */
static void put_collapsed(struct buf *out, const uint8_t *p, size_t len, bool fold)
{
    bool owes_blank = false;
    bool has_text = false;

    for (size_t at = 0; at < len;) {
        uint32_t point = 0;
        uint8_t one[4];

        at += decode(p + at, len - at, &point); /* valid: checked before */
        if (is_blank(point)) {
            owes_blank = has_text;
            continue;
        }
        if (fold)
            (void)fold_simply(&point);
        if (owes_blank)
            buf_put_u8(out, ' ');
        buf_put(out, one, encode(one, point));
        owes_blank = false;
        has_text = true;
    }
}

enum err utf8_put_folded(struct buf *out, const void *bytes, size_t len)
{
    uint8_t *mapped = NULL;
    size_t mapped_len = 0;
    enum err e;

    if (!utf8_is_valid(bytes, len))
        return refuse_bad(bytes, len);
    if (all_fold_simply(bytes, len)) {
        put_collapsed(out, bytes, len, true);
        return buf_status(out);
    }
    if ((e = map(bytes, len, true, &mapped, &mapped_len)) != OK)
        return e;
    put_collapsed(out, mapped, mapped_len, false);
    free(mapped);
    return buf_status(out);
}

void utf8_copy(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size);

    if (len == size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0u) == 0x80u)
            len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}
