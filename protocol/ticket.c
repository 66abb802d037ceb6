#include "protocol/ticket.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "protocol/fields.h"

#include <stdio.h>
#include <string.h>

#define ANY_BEGIN "svodka:"
#define SCHEME    "tcp://"

/* ---- writing ---- */

/* Letters of every alphabet, digits and a few signs stand as they are; everything else as %XX, so that the line goes
 * through a shell in whatever quotation marks. */
static bool is_plain(unsigned char c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:/[]", c) != NULL);
}

static void put_value(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (is_plain((unsigned char)*value))
            buf_put_u8(out, (uint8_t)*value);
        else
            buf_printf(out, "%%%02X", (unsigned char)*value);
    }
}

static void put_pair(struct buf *out, char key, const char *value)
{
    if (value[0] == '\0')
        return;
    buf_printf(out, "&%c=", key);
    put_value(out, value);
}

/* tcp:// is understood. */
static void put_door(struct buf *out, const char *url)
{
    put_pair(out, 'd', url + strlen(SCHEME));
}

static void put_letters(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text != '-')
            buf_put_u8(out, (uint8_t)*text);
}

static void put_time(struct buf *out, int64_t ms)
{
    if (ms != 0)
        buf_printf(out, "&e=%lld", (long long)(ms / 1000));
}

static void put_line(struct buf *out, const struct ticket *t)
{
    char print[FINGERPRINT_CHARS + 1];

    fingerprint_text(print, t->print);
    buf_put_str(out, TICKET_BEGIN "c=");
    put_letters(out, t->code);
    buf_put_str(out, "&r=");
    put_letters(out, print);
    for (uint32_t i = 0; i < t->door_count; i++)
        put_door(out, t->doors[i]);
    put_time(out, t->expires_ms);
    put_pair(out, 'p', t->participant);
    put_pair(out, 'n', t->name);
    put_pair(out, 'h', t->hub);
    put_pair(out, 't', t->phone);
    for (uint32_t i = 0; i < t->role_count; i++)
        put_pair(out, 'o', t->roles[i]);
    for (uint32_t i = 0; i < t->unit_count && i < TICKET_UNITS; i++)
        put_pair(out, 'u', t->units[i]);
}

enum err ticket_write(struct buf *out, const struct ticket *t)
{
    size_t start = out->len;
    struct ticket again;
    struct buf line;
    enum err e;

    if (t->door_count > TICKET_DOORS || t->role_count > GRANT_MAX_ROLES)
        return err_set(ERR_INVALID, "an invitation's line: too many addresses or roles");
    buf_init(&line, TICKET_MAX);
    put_line(&line, t);
    if ((e = buf_status(&line)) == OK && (e = ticket_read(&again, buf_cstr(&line))) != OK)
        e = err_prefix(ERR_INVALID, "an invitation's line that nobody could use");
    if (e == OK)
        buf_put(out, line.data, line.len);
    if (e == OK && (e = buf_status(out)) != OK)
        out->len = start;
    wipe(&again, sizeof(again));
    buf_wipe(&line);
    return e;
}

/* ---- reading ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* %XX taken back, into out[size].  False: too long, or not a text. */
static bool take_value(char *out, size_t size, const char *from, size_t len)
{
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned c = (unsigned char)from[i];

        if (c == '%') {
            int high = len - i > 2 ? hex(from[i + 1]) : -1;
            int low = len - i > 2 ? hex(from[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (unsigned)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || at + 1 >= size)
            return false;
        out[at++] = (char)c;
    }
    out[at] = '\0';
    return at > 0 && utf8_is_valid(out, at);
}

enum err ticket_add_door(struct ticket *t, const char *address)
{
    const char *host = strncmp(address, SCHEME, strlen(SCHEME)) == 0 ? address + strlen(SCHEME) : address;
    const char *port = strrchr(host, ':');

    if (t->door_count == TICKET_DOORS)
        return err_set(ERR_INVALID, _("at most %u addresses are expected"), TICKET_DOORS);
    if (port == NULL || port == host || port[1] == '\0' || strspn(port + 1, "0123456789") != strlen(port + 1) ||
        strpbrk(host, "/ \t@") != NULL || strlen(host) + strlen(SCHEME) > ENDPOINT_MAX)
        return err_set(ERR_INVALID, _("%.200s: tcp://HOST:PORT is expected"), address);
    (void)snprintf(t->doors[t->door_count++], sizeof(t->doors[0]), SCHEME "%.*s", (int)(ENDPOINT_MAX - strlen(SCHEME)),
                   host);
    return OK;
}

/* More than we know of: a later program's sheet. */
static bool take_door(struct ticket *t, const char *value)
{
    return t->door_count == TICKET_DOORS || ticket_add_door(t, value) == OK;
}

static bool take_time(struct ticket *t, const char *value)
{
    int64_t seconds = 0;

    for (; *value >= '0' && *value <= '9' && seconds <= TIME_MAX_MS / 1000; value++)
        seconds = seconds * 10 + (*value - '0');
    t->expires_ms = seconds * 1000;
    return *value == '\0' && seconds <= TIME_MAX_MS / 1000;
}

static bool take_id(char out[ID_MAX + 1], const char *value)
{
    if (strcmp(value, GRANT_ALL_UNITS) != 0 && !id_is_valid(value))
        return false;
    memset(out, 0, ID_MAX + 1);
    (void)snprintf(out, ID_MAX + 1, "%.*s", (int)ID_MAX, value);
    return true;
}

static bool take_text(char *out, size_t size, const char *value)
{
    memset(out, 0, size); /* of a key that stands there twice the last one counts, and nothing of the first is left */
    return (size_t)snprintf(out, size, "%s", value) < size;
}

static bool take_role(struct ticket *t, const char *value)
{
    return t->role_count == GRANT_MAX_ROLES || take_text(t->roles[t->role_count++], sizeof(t->roles[0]), value);
}

static bool take_unit(struct ticket *t, const char *value)
{
    return t->unit_count == TICKET_UNITS || take_id(t->units[t->unit_count++], value);
}

/* ERR_MALFORMED without a sentence: the caller says which part. */
static enum err take_pair(struct ticket *t, char key, const char *value, bool *has_print)
{
    bool is_good = true;

    switch (key) {
    case 'c': return code_normalise(t->code, value);
    case 'r': *has_print = true; return fingerprint_read(t->print, value);
    case 'd': is_good = take_door(t, value); break;
    case 'e': is_good = take_time(t, value); break;
    case 'p': is_good = id_is_valid(value) && take_id(t->participant, value); break;
    case 'n': is_good = take_text(t->name, sizeof(t->name), value); break;
    case 'h': is_good = take_text(t->hub, sizeof(t->hub), value); break;
    case 't': is_good = take_text(t->phone, sizeof(t->phone), value); break;
    case 'o': is_good = take_role(t, value); break;
    case 'u': is_good = take_unit(t, value); break;
    default: break; /* of a later program */
    }
    if (!is_good)
        return err_set(ERR_MALFORMED,
                       _("the part \"%c=\" of the invitation's line cannot be read; copy the line whole"), key);
    return OK;
}

static enum err take_pairs(struct ticket *t, const char *at, bool *has_print)
{
    enum err e = OK;

    while (e == OK && *at != '\0') {
        size_t len = strcspn(at, "&");
        char value[TICKET_MAX + 1];

        if (len < 2 || at[1] != '=' || !take_value(value, sizeof(value), at + 2, len - 2))
            e = err_set(ERR_MALFORMED, _("the invitation's line cannot be read near \"%.10s\"; copy the line whole"),
                        at);
        else
            e = take_pair(t, at[0], value, has_print);
        wipe(value, sizeof(value));
        at += len + (at[len] == '&' ? 1 : 0);
    }
    return e;
}

bool ticket_is(const char *text)
{
    return strncmp(text, ANY_BEGIN, strlen(ANY_BEGIN)) == 0;
}

enum err ticket_read(struct ticket *out, const char *text)
{
    bool has_print = false;
    enum err e;

    memset(out, 0, sizeof(*out));
    if (!ticket_is(text))
        return err_set(ERR_MALFORMED, _("an invitation's line begins with \"%s\""), TICKET_BEGIN);
    if (strncmp(text, TICKET_BEGIN, strlen(TICKET_BEGIN)) != 0)
        return err_set(ERR_VERSION, _("this invitation was made by a newer Svodka; install the newer program first"));
    if (strlen(text) > TICKET_MAX)
        return err_set(ERR_LIMIT, _("an invitation's line has at most %u bytes"), TICKET_MAX);
    e = take_pairs(out, text + strlen(TICKET_BEGIN), &has_print);
    if (e == OK && (out->code[0] == '\0' || !has_print))
        e = err_set(ERR_MALFORMED,
                    _("the invitation's line is not whole: the code or the fingerprint is missing; copy it again"));
    if (e != OK)
        wipe(out, sizeof(*out));
    return e;
}

/* ---- the door ---- */

enum err door_key(struct key **out, const uint8_t print[FINGERPRINT_BYTES])
{
    uint8_t seed[DIGEST_BYTES];

    digest_domain(seed, "svodka door v1", bytes_of(print, FINGERPRINT_BYTES));
    return key_from_seed(out, KEY_CURVE, seed);
}
