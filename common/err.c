#include "common/err.h"

#include "common/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set /* what the analyser is told, see err.h */
#undef err_prefix
#undef err_errno

#define TEXT_MAX 1024

static _Thread_local char text[TEXT_MAX];

const char *err_name(enum err e)
{
    switch (e) {
    case OK: return "ok";
    case ERR_NOMEM: return "out of memory";
    case ERR_IO: return "input/output error";
    case ERR_FULL: return "full";
    case ERR_NOT_FOUND: return "not found";
    case ERR_EXISTS: return "exists already";
    case ERR_BUSY: return "busy";
    case ERR_MALFORMED: return "malformed";
    case ERR_INVALID: return "invalid";
    case ERR_LIMIT: return "over a limit";
    case ERR_AUTH: return "not authentic";
    case ERR_DENIED: return "not allowed";
    case ERR_EXPIRED: return "expired";
    case ERR_VERSION: return "unknown version";
    case ERR_NET: return "network";
    case ERR_CORRUPT: return "corrupt";
    case ERR_USAGE: return "wrong usage";
    case ERR_ERASED: return "erased";
    case ERR_CANCELLED: return "cancelled";
    case ERR_INTERNAL: return "internal error";
    }
    return "unknown error";
}

static size_t sequence_len(unsigned char first)
{
    return first >= 0xF0u ? 4 : first >= 0xE0u ? 3 : first >= 0xC0u ? 2 : 1;
}

/* Cuts a UTF-8 sequence that was truncated in its middle because `s` had `size` bytes of room. */
static void trim_partial_utf8(char *s, size_t size)
{
    size_t len = strlen(s);
    size_t back = 0; /* continuation bytes at the end */

    if (len < size - 1)
        return;
    while (back < 3 && back < len && ((unsigned char)s[len - 1 - back] & 0xC0u) == 0x80u)
        back++;
    if (back < len && sequence_len((unsigned char)s[len - 1 - back]) > back + 1)
        s[len - 1 - back] = '\0';
}

enum err err_set(enum err e, const char *fmt, ...)
{
    char fresh[TEXT_MAX]; /* the arguments may point into `text` */
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(fresh, sizeof(fresh), fmt, ap);
    va_end(ap);
    trim_partial_utf8(fresh, sizeof(fresh));
    memcpy(text, fresh, sizeof(text));
    return e;
}

/* Puts head and tail together, cut where the room ends. */
static void set_joined(const char *head, const char *tail)
{
    char fresh[TEXT_MAX];
    size_t len = strlen(head);
    size_t rest = strlen(tail);

    if (len > sizeof(fresh) - 1)
        len = sizeof(fresh) - 1;
    if (rest > sizeof(fresh) - 1 - len)
        rest = sizeof(fresh) - 1 - len;
    memcpy(fresh, head, len);
    memcpy(fresh + len, tail, rest);
    fresh[len + rest] = '\0';
    trim_partial_utf8(fresh, sizeof(fresh));
    memcpy(text, fresh, len + rest + 1);
}

enum err err_prefix(enum err e, const char *fmt, ...)
{
    char head[TEXT_MAX];
    char tail[TEXT_MAX + 2] = ": ";
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(head, sizeof(head), fmt, ap);
    va_end(ap);
    memcpy(tail + 2, text, strlen(text) + 1);
    set_joined(head, text[0] != '\0' ? tail : "");
    return e;
}

/* A minimal system has the C library's words in English only: the ones that people meet are translated here. */
static const char *errno_text(int number)
{
    switch (number) {
    case ENOENT: return _("No such file or directory");
    case EACCES: return _("Permission denied");
    case EPERM: return _("Operation not permitted");
    case ENOTDIR: return _("Not a directory");
    case EISDIR: return _("Is a directory");
    case EEXIST: return _("File exists");
    case ENOSPC: return _("No space left on device");
    case EDQUOT: return _("Disk quota exceeded");
    case EROFS: return _("Read-only file system");
    case EIO: return _("Input/output error");
    case ENOMEM: return _("Cannot allocate memory");
    case EMFILE: return _("Too many open files");
    case ENAMETOOLONG: return _("File name too long");
    default: return strerror(number);
    }
}

enum err err_errno(enum err e, int saved_errno, const char *fmt, ...)
{
    char head[TEXT_MAX];
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    (void)vsnprintf(head, sizeof(head) - 2, fmt, ap);
    va_end(ap);
    trim_partial_utf8(head, sizeof(head) - 2);
    len = strlen(head);
    memcpy(head + len, ": ", 3);
    set_joined(head, errno_text(saved_errno));
    return e;
}

const char *err_text(void)
{
    return text;
}

void err_clear(void)
{
    text[0] = '\0';
}
