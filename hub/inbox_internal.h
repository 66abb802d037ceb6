/* inbox_internal.h: shared by inbox*.c alone. */
#ifndef SVODKA_HUB_INBOX_INTERNAL_H
#define SVODKA_HUB_INBOX_INTERNAL_H

#include "common/folder.h"
#include "hub/inbox.h"

#include <sys/stat.h>

#define INBOX_NAME 256u
/* Known at a time, those that cannot be moved away too; the others wait until these have gone. */
#define INBOX_FILES 1024u

/* A file that was seen in the folder. */
struct inbox_file {
    char name[INBOX_NAME];
    uint64_t size, inode;
    int64_t changed_ns;
    int64_t since_ms;      /* monotonic: unchanged since */
    int64_t not_before_ms; /* monotonic: it could not be dealt with */
    bool is_closed;        /* its writer has closed it, or it was moved here whole */
    bool is_regular;       /* no link, pipe or device */
    bool is_there;         /* in the look that is going on */
};
struct inbox {
    struct hub *hub;
    const struct carry_host *host;
    char dir[FOLDER_PATH_MAX], out[FOLDER_PATH_MAX], done[FOLDER_PATH_MAX], bad[FOLDER_PATH_MAX];
    int watch;
    struct inbox_file files[INBOX_FILES];
    size_t count;
    int64_t next_ms;
    struct carry_reading *reading; /* NULL: none */
    struct carry schools;
    struct inbox_file now; /* the file that is read */
};

/* inbox_files.c: names, looks and moves. */
/* Another program's name for half a file, or one that hides. */
bool inbox_is_temporary(const char *name);
/* Printable, no separators, not hidden, at most 200 bytes. */
void inbox_clean_name(char out[INBOX_NAME], const char *name);
/* What lies there now; files that settle later set *again_ms (monotonic). */
void inbox_look(struct inbox *in, int64_t now_ms, int64_t *again_ms);
/* The first that may be taken; NULL: none. */
struct inbox_file *inbox_ready(struct inbox *in, int64_t now_ms);
void inbox_fill(struct inbox_file *f, const struct stat *st);
/* Unchanged since it was looked at. */
bool inbox_is_same(const struct inbox *in, const struct inbox_file *f);
/* Into the folder `to`, under a clean name that is free there; `text`: beside it in NAME.txt; "": none. */
MUST_CHECK enum err inbox_move(const struct inbox *in, const struct inbox_file *f, const char *to, const char *text);
/* It looks like half a file, and may be one that somebody still writes: true until it has not changed for a while; it
 * is not looked at before. */
bool inbox_may_grow(struct inbox *in, const struct inbox_file *f, int64_t now_ms);
void inbox_forget(struct inbox *in, const char *name);
void inbox_postpone(struct inbox *in, const char *name, int64_t until_ms);

#endif
