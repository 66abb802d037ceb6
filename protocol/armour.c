#include "protocol/armour.h"

#include "common/cli.h"
#include "protocol/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BEGIN        "svodka "
#define LAST_LINE    "svodka end "
#define TEXT_VERSION "1"
#define CHECK_HEX    16u /* digits: the first 8 bytes of the digest */
#define LINE_BYTES   57u /* 76 columns of base64 */
#define LINE_CHARS   76u
#define FIRST_MAX    64u

static void check_text(char out[CHECK_HEX + 1], const struct armour *k, struct bytes body)
{
    uint8_t sum[DIGEST_BYTES];

    digest_domain(sum, k->domain, body);
    (void)sodium_bin2hex(out, CHECK_HEX + 1, sum, CHECK_HEX / 2);
}

/* ---- writing ---- */

void armour_note(struct buf *notes, const char *label, const char *value)
{
    buf_put_str(notes, "# ");
    buf_put_str(notes, label);
    for (; *value != '\0'; value++)
        buf_put_u8(notes, (uint8_t)((unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value));
    buf_put_u8(notes, '\n');
}

static void put_base64(struct buf *text, struct bytes body)
{
    char line[LINE_CHARS + 1];

    for (size_t at = 0; at < body.len; at += LINE_BYTES) {
        size_t len = body.len - at < LINE_BYTES ? body.len - at : LINE_BYTES;

        (void)sodium_bin2base64(line, sizeof(line), body.p + at, len, sodium_base64_VARIANT_ORIGINAL);
        buf_put_str(text, line);
        buf_put_u8(text, '\n');
    }
    wipe(line, sizeof(line));
}

enum err armour_write(struct buf *text, const struct armour *k, struct bytes notes, struct bytes body)
{
    size_t start = text->len;
    char check[CHECK_HEX + 1];
    enum err e;

    check_text(check, k, body);
    buf_printf(text, BEGIN "%s " TEXT_VERSION "\n", k->name);
    buf_put(text, notes.p, notes.len);
    buf_put_str(text, "\n");
    put_base64(text, body);
    buf_printf(text, LAST_LINE "%s\n", check);
    if ((e = buf_status(text)) == OK && text->len - start > k->max)
        e = err_set(ERR_LIMIT, "svodka %s: larger than %zu bytes", k->name, k->max);
    if (e != OK)
        text->len = start;
    return e;
}

/* ---- reading ---- */

enum place { BEFORE, HEADER, DATA, AFTER };

struct reader {
    const struct armour *kind;
    enum place place;
    char first[FIRST_MAX]; /* "svodka NAME " */
    struct buf base64;
    char check[CHECK_HEX + 1];
    unsigned line; /* for sentences */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without what mail programs put around a line: quoting marks, blanks, a byte order mark. */
static struct bytes trim(struct bytes line)
{
    while (line.len >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0) {
        line.p += 3;
        line.len -= 3;
    }
    while (line.len > 0 && (is_blank(line.p[0]) || line.p[0] == '>')) {
        line.p++;
        line.len--;
    }
    while (line.len > 0 && is_blank(line.p[line.len - 1]))
        line.len--;
    return line;
}

static bool begins_with(struct bytes line, const char *what)
{
    return line.len >= strlen(what) && memcmp(line.p, what, strlen(what)) == 0;
}

static enum err damaged(const struct reader *r)
{
    return err_set(ERR_MALFORMED,
                   _("Line %u: the file was changed on its way, perhaps by the mail program. Ask whoever sent it to "
                     "send it again as an attachment or to hand it over on a stick."),
                   r->line);
}

static enum err take_first(struct reader *r, struct bytes line)
{
    struct bytes version = bytes_of(line.p + strlen(r->first), line.len - strlen(r->first));

    for (size_t i = 0; i < version.len; i++)
        if (version.p[i] < '0' || version.p[i] > '9')
            return damaged(r);
    if (version.len != strlen(TEXT_VERSION) || memcmp(version.p, TEXT_VERSION, version.len) != 0)
        return err_set(ERR_VERSION,
                       _("Line %u: this file was made by a newer Svodka. Install the newer program first."), r->line);
    r->place = HEADER;
    return OK;
}

static enum err take_last(struct reader *r, struct bytes line)
{
    if (line.len != strlen(LAST_LINE) + CHECK_HEX)
        return damaged(r);
    memcpy(r->check, line.p + strlen(LAST_LINE), CHECK_HEX);
    r->check[CHECK_HEX] = '\0';
    r->place = AFTER;
    return OK;
}

static enum err take_line(struct reader *r, struct bytes line)
{
    switch (r->place) {
    case BEFORE: return begins_with(line, r->first) ? take_first(r, line) : OK;
    case HEADER:
        if (line.len == 0)
            r->place = DATA;
        return OK;
    case DATA:
        if (line.len == 0 || line.p[0] == '#')
            return OK;
        if (begins_with(line, LAST_LINE))
            return take_last(r, line);
        buf_put(&r->base64, line.p, line.len);
        return r->base64.failed ? buf_status(&r->base64) : OK;
    case AFTER: return OK;
    }
    return OK;
}

static struct bytes next_line(struct bytes text, size_t *at)
{
    const uint8_t *end = memchr(text.p + *at, '\n', text.len - *at);
    struct bytes line = {text.p + *at, end == NULL ? text.len - *at : (size_t)(end - text.p) - *at};

    *at += line.len + 1;
    return trim(line);
}

static enum err take_text(struct reader *r, struct bytes text)
{
    size_t at = 0;

    while (at < text.len && r->place != AFTER) {
        enum err e;

        r->line++;
        if ((e = take_line(r, next_line(text, &at))) != OK)
            return e;
    }
    if (r->place == BEFORE)
        return err_set(ERR_MALFORMED, _("%s It has no line \"%s%s\"."), _(r->kind->wrong), r->first, TEXT_VERSION);
    if (r->place != AFTER)
        return err_set(ERR_MALFORMED,
                       _("The file is cut off: its last line, \"%s...\", is missing. Ask whoever sent it to send it "
                         "again."),
                       LAST_LINE);
    return OK;
}

/* Base64 into `body`, and the check. */
static enum err unpack(const struct reader *r, struct buf *body)
{
    size_t most = r->base64.len / 4 * 3 + 3;
    size_t len = 0;
    char check[CHECK_HEX + 1];
    uint8_t *bytes = buf_grow(body, most);

    if (bytes == NULL)
        return buf_status(body);
    body->len = 0;
    if (r->base64.len == 0 || sodium_base642bin(bytes, most, (const char *)r->base64.data, r->base64.len, NULL, &len,
                                                NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return damaged(r);
    body->len = len;
    check_text(check, r->kind, bytes_of(body->data, body->len));
    return strcmp(check, r->check) == 0 ? OK : damaged(r);
}

static void reader_init(struct reader *r, const struct armour *k)
{
    *r = (struct reader){.kind = k, .place = BEFORE};
    (void)snprintf(r->first, sizeof(r->first), BEGIN "%.40s ", k->name);
    buf_init(&r->base64, k->max);
}

enum err armour_read(struct buf *body, const struct armour *k, struct bytes text)
{
    struct reader r;
    enum err e;

    buf_reset(body);
    if (text.len > k->max)
        return err_set(ERR_LIMIT,
                       _("This file is too large for what it should be: %zu bytes, at most %zu are allowed."), text.len,
                       k->max);
    reader_init(&r, k);
    if ((e = take_text(&r, text)) == OK)
        e = unpack(&r, body);
    buf_wipe(&r.base64);
    if (e != OK)
        buf_wipe(body);
    return e;
}

bool armour_is(const struct armour *k, struct bytes text)
{
    struct reader r;
    size_t at = 0;
    bool found = false;

    reader_init(&r, k);
    while (at < text.len && !found)
        found = begins_with(next_line(text, &at), r.first);
    buf_fini(&r.base64);
    return found;
}
