/* err.h: the project's one error enum, and the sentence that goes with it.
 *
 * A function that can fail returns enum err.  Where it helps, it first leaves a sentence (what went wrong, where,
 * what was expected) with err_set(); the caller that decides to report prints err_text().  The sentence belongs to the
 * thread and stays until the next err_set() of that thread. */
#ifndef SVODKA_COMMON_ERR_H
#define SVODKA_COMMON_ERR_H

#include <stddef.h>

#define MUST_CHECK                   __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

enum err {
    OK = 0,
    ERR_NOMEM,     /* no memory */
    ERR_IO,        /* disk or file system refused; the operation did not happen */
    ERR_FULL,      /* a stated limit or the disk is reached; nothing was stored */
    ERR_NOT_FOUND, /* the thing named does not exist */
    ERR_EXISTS,    /* the thing to create exists */
    ERR_BUSY,      /* another process or thread holds it; try later */
    ERR_MALFORMED, /* bytes or text from outside do not follow their format */
    ERR_INVALID,   /* well-formed, but breaks a rule (constraint, unknown name, wrong type) */
    ERR_LIMIT,     /* input is larger, deeper or more than the stated limit */
    ERR_AUTH,      /* forged, altered, or sealed for another */
    ERR_DENIED,    /* known, but has no right to it */
    ERR_EXPIRED,   /* past its time (invitation, grant) */
    ERR_VERSION,   /* a version this program does not speak */
    ERR_NET,       /* the other side cannot be reached, or went silent */
    ERR_CORRUPT,   /* our own stored data fails its check */
    ERR_USAGE,     /* wrong command line: exit code 2 */
    ERR_ERASED,    /* it was here, and was destroyed when its time was over */
    ERR_CANCELLED, /* a signal or the user stopped it */
    ERR_INTERNAL   /* a bug of ours */
};

/* Short constant English name ("not found"), for logs and tests. */
const char *err_name(enum err e);

/* Leaves a sentence for this thread and returns `e`, so that `return err_set(ERR_IO, ...)` reads well.
 * Truncated at 1,023 bytes, on a UTF-8 boundary. */
enum err err_set(enum err e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "PREFIX: " before the sentence already there (the caller's place: a file, a submission). Returns `e`. */
enum err err_prefix(enum err e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_set() with ": " and the text of the errno given. */
enum err err_errno(enum err e, int saved_errno, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The sentence of this thread ("" if none).  Valid until the thread's next err_ call. */
const char *err_text(void);
void err_clear(void);

/* clang's analyser sees one file at a time, and would follow paths on which err_set(ERR_IO, ...) returned OK. */
#ifdef __clang_analyzer__
#define err_set(e, ...)           ((void)err_set((e), __VA_ARGS__), (enum err)(e))
#define err_prefix(e, ...)        ((void)err_prefix((e), __VA_ARGS__), (enum err)(e))
#define err_errno(e, errno_, ...) ((void)err_errno((e), (errno_), __VA_ARGS__), (enum err)(e))
#endif

#endif
