#include "protocol/invitation.h"

#include "common/cli.h"
#include "protocol/fields.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_LINE        "svodka invitation "
#define LAST_LINE         "svodka end "
#define TEXT_VERSION      "1"
#define CHECK_DOMAIN      "svodka invitation v1"
#define CHECK_HEX         16u /* digits: the first 8 bytes of the digest */
#define LINE_BYTES        57u /* 76 columns of base64 */
#define LINE_CHARS        76u
#define INVITATION_FIELDS 6u

#define CODE_DOMAIN  "svodka invitation code v1"
#define CURVE_DOMAIN "svodka invitation curve v1"
#define MAC_DOMAIN   "svodka invitation mac v1"

/* ---- what the code gives ---- */

static void from_code(uint8_t out[KEY_BYTES], const char *code, const uint8_t district[DISTRICT_BYTES],
                      const char *domain)
{
    uint8_t key[DIGEST_BYTES];

    digest_domain(key, CODE_DOMAIN, bytes_of(code, strlen(code)));
    derive(out, key, domain, bytes_of(district, DISTRICT_BYTES));
    wipe(key, sizeof(key));
}

enum err invitation_curve(struct key **out, const char code[CODE_CHARS + 1], const uint8_t district[DISTRICT_BYTES])
{
    uint8_t seed[KEY_BYTES];
    enum err e;

    from_code(seed, code, district, CURVE_DOMAIN);
    e = key_from_seed(out, KEY_CURVE, seed);
    wipe(seed, sizeof(seed));
    return e;
}

void invitation_mac_key(uint8_t out[KEY_BYTES], const char code[CODE_CHARS + 1], const uint8_t district[DISTRICT_BYTES])
{
    from_code(out, code, district, MAC_DOMAIN);
}

/* ---- the array inside ---- */

static void put_array(struct buf *b, const struct invitation *i)
{
    mp_put_array(b, INVITATION_FIELDS);
    mp_put_cstr(b, i->code);
    mp_put_int(b, i->expires_ms);
    mp_put_bin(b, i->root, KEY_BYTES);
    mp_put_bin(b, i->directory.p, i->directory.len);
    mp_put_bin(b, i->grant.p, i->grant.len);
    mp_put_array(b, i->object_count);
    for (uint32_t k = 0; k < i->object_count; k++)
        mp_put_bin(b, i->objects[k].p, i->objects[k].len);
}

static enum err read_array(struct invitation *out, struct bytes array)
{
    char again[CODE_CHARS + 1];
    struct mp m = mp_of(array);
    size_t unknown = fields_begin(&m, INVITATION_FIELDS);

    mp_text(&m, out->code, CODE_CHARS, CODE_CHARS);
    out->expires_ms = fields_time(&m);
    mp_bin_exact(&m, out->root, KEY_BYTES);
    out->directory = mp_bin(&m, SIGNED_MAX);
    out->grant = mp_bin(&m, SIGNED_MAX);
    out->object_count = (uint32_t)mp_array(&m, 0, DIRECTORY_MAX_FORMS);
    for (uint32_t k = 0; k < out->object_count && !m.failed; k++)
        out->objects[k] = mp_bin(&m, DIRECTORY_OBJECT_MAX);
    fields_end(&m, unknown);
    if (!m.failed && (code_normalise(again, out->code) != OK || strcmp(again, out->code) != 0))
        m.failed = true;
    return fields_done(&m, "invitation");
}

static enum err check_objects(const struct invitation *i, const struct directory *d)
{
    uint8_t name[DIGEST_BYTES];

    for (uint32_t k = 0; k < i->object_count; k++) {
        digest(name, i->objects[k]);
        if (directory_find_object(d, name) == NULL)
            return err_set(ERR_AUTH, _("The invitation holds a form or calendar that its directory does not list."));
    }
    return OK;
}

/* Root, hub, participant and objects must be one chain. */
static enum err check_chain(const struct invitation *i)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct grant *g = calloc(1, sizeof(*g));
    enum err e = ERR_NOMEM;

    if (d == NULL || g == NULL)
        goto done;
    if ((e = directory_open(d, i->directory, i->root)) != OK || (e = grant_open(g, i->grant, d->hub_sign)) != OK)
        goto done;
    if (memcmp(d->district, g->district, DISTRICT_BYTES) != 0)
        e = err_set(ERR_AUTH, _("The invitation's directory and grant belong to different districts."));
    else
        e = check_objects(i, d);
done:
    free(g);
    free(d);
    return e;
}

static void check_text(char out[CHECK_HEX + 1], struct bytes array)
{
    uint8_t sum[DIGEST_BYTES];

    digest_domain(sum, CHECK_DOMAIN, array);
    (void)sodium_bin2hex(out, CHECK_HEX + 1, sum, CHECK_HEX / 2);
}

/* ---- writing the text ---- */

/* A name from the roster must not end the comment line it stands in. */
static void put_line(struct buf *text, const char *label, const char *value)
{
    buf_put_str(text, "# ");
    buf_put_str(text, label);
    for (; *value != '\0'; value++)
        buf_put_u8(text, (uint8_t)((unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value));
    buf_put_u8(text, '\n');
}

static void put_for_people(struct buf *text, const struct invitation *i, const char *hub_name,
                           const char *participant_name)
{
    time_t seconds = (time_t)(i->expires_ms / 1000);
    char print[40], until[32] = "?";
    struct tm tm;

    fingerprint(print, i->root);
    if (localtime_r(&seconds, &tm) != NULL)
        (void)strftime(until, sizeof(until), "%d.%m.%Y", &tm);
    put_line(text, "Приглашение: ", participant_name);
    put_line(text, "Кто приглашает: ", hub_name);
    put_line(text, "Действительно до: ", until);
    put_line(text, "Отпечаток ключа района (сверьте с листом): ", print);
    put_line(text, "Храните файл как пароль. ", "На компьютере школы: svodka-agent join ФАЙЛ");
    put_line(text, "", "");
    if (localtime_r(&seconds, &tm) != NULL)
        (void)strftime(until, sizeof(until), "%Y-%m-%d", &tm);
    put_line(text, "Invitation for: ", participant_name);
    put_line(text, "Invited by: ", hub_name);
    put_line(text, "Valid until: ", until);
    put_line(text, "Fingerprint of the district's key (compare with the sheet): ", print);
    put_line(text, "Keep this file like a password. ", "On the school's PC: svodka-agent join FILE");
}

static void put_base64(struct buf *text, struct bytes array)
{
    char line[LINE_CHARS + 1];

    for (size_t at = 0; at < array.len; at += LINE_BYTES) {
        size_t len = array.len - at < LINE_BYTES ? array.len - at : LINE_BYTES;

        (void)sodium_bin2base64(line, sizeof(line), array.p + at, len, sodium_base64_VARIANT_ORIGINAL);
        buf_put_str(text, line);
        buf_put_u8(text, '\n');
    }
    wipe(line, sizeof(line));
}

enum err invitation_write(struct buf *text, const struct invitation *i, const char *hub_name,
                          const char *participant_name)
{
    size_t start = text->len;
    struct invitation *again;
    char check[CHECK_HEX + 1];
    struct buf array;
    enum err e;

    if (i->object_count > DIRECTORY_MAX_FORMS)
        return err_set(ERR_LIMIT, "invitation: at most %u objects", DIRECTORY_MAX_FORMS);
    buf_init_secret(&array, INVITATION_MAX);
    again = calloc(1, sizeof(*again));
    if (again == NULL)
        return ERR_NOMEM;
    put_array(&array, i);
    if ((e = buf_status(&array)) != OK)
        goto done;
    if ((e = read_array(again, bytes_of(array.data, array.len))) != OK || (e = check_chain(again)) != OK) {
        e = e == ERR_NOMEM ? e : err_prefix(ERR_INVALID, "an invitation that nobody could use");
        goto done;
    }
    check_text(check, bytes_of(array.data, array.len));
    buf_put_str(text, FIRST_LINE TEXT_VERSION "\n");
    put_for_people(text, i, hub_name, participant_name);
    buf_put_str(text, "\n");
    put_base64(text, bytes_of(array.data, array.len));
    buf_printf(text, LAST_LINE "%s\n", check);
    if ((e = buf_status(text)) == OK && text->len - start > INVITATION_MAX)
        e = err_set(ERR_LIMIT, "invitation: larger than %u bytes", INVITATION_MAX);
done:
    if (e != OK)
        text->len = start;
    wipe(again, sizeof(*again));
    free(again);
    buf_wipe(&array);
    return e;
}

/* ---- reading the text ---- */

enum place { BEFORE, HEADER, DATA, AFTER };

struct reader {
    enum place place;
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
                   _("Line %u: the invitation was changed on its way, perhaps by the mail program. Ask the district "
                     "office to send it again as an attachment or to give it to you on a stick."),
                   r->line);
}

static enum err take_first(struct reader *r, struct bytes line)
{
    struct bytes version = bytes_of(line.p + strlen(FIRST_LINE), line.len - strlen(FIRST_LINE));

    for (size_t i = 0; i < version.len; i++)
        if (version.p[i] < '0' || version.p[i] > '9')
            return damaged(r);
    if (version.len != strlen(TEXT_VERSION) || memcmp(version.p, TEXT_VERSION, version.len) != 0)
        return err_set(ERR_VERSION,
                       _("Line %u: this invitation was made by a newer Svodka. Install the newer program first."),
                       r->line);
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
    case BEFORE: return begins_with(line, FIRST_LINE) ? take_first(r, line) : OK;
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

static enum err take_text(struct reader *r, struct bytes text)
{
    size_t at = 0;

    while (at < text.len && r->place != AFTER) {
        const uint8_t *end = memchr(text.p + at, '\n', text.len - at);
        struct bytes line = {text.p + at, end == NULL ? text.len - at : (size_t)(end - text.p) - at};
        enum err e;

        r->line++;
        if ((e = take_line(r, trim(line))) != OK)
            return e;
        at += line.len + 1;
    }
    if (r->place == BEFORE)
        return err_set(ERR_MALFORMED, _("This is not an invitation: it has no line \"%s\"."), FIRST_LINE TEXT_VERSION);
    if (r->place != AFTER)
        return err_set(ERR_MALFORMED,
                       _("The invitation is cut off: its last line, \"%s...\", is missing. Ask the "
                         "district office to send it again."),
                       LAST_LINE);
    return OK;
}

/* Base64 into `keep`, and the check. */
static enum err unpack(const struct reader *r, struct buf *keep)
{
    size_t most = r->base64.len / 4 * 3 + 3;
    size_t len = 0;
    char check[CHECK_HEX + 1];
    uint8_t *bytes = buf_grow(keep, most);

    if (bytes == NULL)
        return buf_status(keep);
    if (r->base64.len == 0)
        return damaged(r);
    if (sodium_base642bin(bytes, most, (const char *)r->base64.data, r->base64.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return damaged(r);
    keep->len = len;
    check_text(check, bytes_of(keep->data, keep->len));
    if (strcmp(check, r->check) != 0)
        return damaged(r);
    return OK;
}

enum err invitation_read(struct invitation *out, struct buf *keep, struct bytes text)
{
    struct reader r = {.place = BEFORE};
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_reset(keep);
    if (text.len > INVITATION_MAX)
        return err_set(ERR_LIMIT, _("This file is too large for an invitation: %zu bytes, at most %u are allowed."),
                       text.len, INVITATION_MAX);
    buf_init_secret(&r.base64, INVITATION_MAX);
    if ((e = take_text(&r, text)) != OK || (e = unpack(&r, keep)) != OK)
        goto done;
    if ((e = read_array(out, bytes_of(keep->data, keep->len))) == OK)
        e = check_chain(out);
done:
    buf_wipe(&r.base64);
    if (e != OK) {
        wipe(out, sizeof(*out));
        buf_wipe(keep);
    }
    return e;
}
