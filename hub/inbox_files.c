#include "hub/inbox_internal.h"

#include "common/cli.h"
#include "common/log.h"
#include "common/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SETTLE_MS  2000
#define CLOSED_MS  5000  /* half a file whose writer has closed it is broken after this: programs may append to it */
#define OPEN_MS    60000 /* ... and one that perhaps is still open: a slow line stands still sometimes */
#define CLEAN_MAX  200u
#define NAMES_MAX  1000u
#define READ_ROUND 4096u /* names of one look: a folder full of rubbish costs no more */

bool inbox_is_temporary(const char *name)
{
    static const char *const ends[] = {".part", ".tmp", ".crdownload", ".filepart", ".download", ".partial", ".swp"};
    size_t len = strlen(name);

    if (name[0] == '.' || name[0] == '~' || len == 0 || name[len - 1] == '~')
        return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t n = strlen(ends[i]);

        if (len > n && strcasecmp(name + len - n, ends[i]) == 0)
            return true;
    }
    return false;
}

void inbox_clean_name(char out[INBOX_NAME], const char *name)
{
    size_t len = strlen(name);
    bool is_text = utf8_is_valid(name, len);
    size_t n = 0;

    for (size_t i = 0; i < len && n < CLEAN_MAX; i++) {
        unsigned char c = (unsigned char)name[i];

        out[n++] = c < 0x20 || c == 0x7f || c == '/' || (c >= 0x80 && !is_text) ? '_' : (char)c;
    }
    if (is_text && n < len) { /* not in the middle of a letter */
        while (n > 0 && ((unsigned char)name[n] & 0xC0u) == 0x80u)
            n--;
    }
    if (n == 0)
        out[n++] = '_';
    if (out[0] == '.')
        out[0] = '_';
    out[n] = '\0';
}

void inbox_fill(struct inbox_file *f, const struct stat *st)
{
    f->is_regular = S_ISREG(st->st_mode);
    f->size = (uint64_t)st->st_size;
    f->inode = (uint64_t)st->st_ino;
    f->changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static struct inbox_file *find(struct inbox *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->files[i].name, name) == 0)
            return &in->files[i];
    return NULL;
}

static void look_at(struct inbox *in, int fd, const char *name, int64_t now_ms)
{
    struct inbox_file *f = find(in, name);
    struct inbox_file seen = {.since_ms = now_ms, .is_there = true};
    struct stat st;

    if (strlen(name) >= INBOX_NAME || inbox_is_temporary(name) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(st.st_mode))
        return;
    (void)snprintf(seen.name, sizeof(seen.name), "%s", name);
    inbox_fill(&seen, &st);
    if (f == NULL && in->count == INBOX_FILES)
        return;
    if (f == NULL)
        f = &in->files[in->count++];
    else if (f->size == seen.size && f->inode == seen.inode && f->changed_ns == seen.changed_ns) {
        f->is_there = true;
        return;
    }
    *f = seen;
}

void inbox_look(struct inbox *in, int64_t now_ms, int64_t *again_ms)
{
    size_t kept = 0;
    struct dirent *entry;
    DIR *d = opendir(in->dir);

    if (d == NULL) {
        log_warning("inbox: %s: %s", in->dir, strerror(errno));
        return;
    }
    for (size_t i = 0; i < in->count; i++)
        in->files[i].is_there = false;
    for (unsigned i = 0; i < READ_ROUND && (entry = readdir(d)) != NULL; i++)
        look_at(in, dirfd(d), entry->d_name, now_ms);
    closedir(d);
    for (size_t i = 0; i < in->count; i++)
        if (in->files[i].is_there)
            in->files[kept++] = in->files[i];
    in->count = kept;
    for (size_t i = 0; i < in->count; i++) {
        const struct inbox_file *f = &in->files[i];
        int64_t at = f->not_before_ms > 0 ? f->not_before_ms : f->since_ms + SETTLE_MS;

        if (at < *again_ms)
            *again_ms = at;
    }
}

struct inbox_file *inbox_ready(struct inbox *in, int64_t now_ms)
{
    struct inbox_file *first = NULL;

    for (size_t i = 0; i < in->count; i++) {
        struct inbox_file *f = &in->files[i];
        bool is_settled = f->is_closed || now_ms - f->since_ms >= SETTLE_MS;

        if (is_settled && now_ms >= f->not_before_ms && (first == NULL || strcmp(f->name, first->name) < 0))
            first = f;
    }
    return first;
}

bool inbox_is_same(const struct inbox *in, const struct inbox_file *f)
{
    struct inbox_file seen = {.size = 0};
    char path[FOLDER_PATH_MAX];
    struct stat st;

    if (folder_path(path, in->dir, f->name) != OK || lstat(path, &st) != 0)
        return false;
    inbox_fill(&seen, &st);
    return seen.size == f->size && seen.inode == f->inode && seen.changed_ns == f->changed_ns;
}

/* TO/NAME, TO/NAME-2, ...: never over a file that is there. */
static enum err move_to_free_name(const char *from, const char *to, const char *clean, char path[FOLDER_PATH_MAX])
{
    for (unsigned i = 1; i < NAMES_MAX; i++) {
        int n = i == 1 ? snprintf(path, FOLDER_PATH_MAX, "%s/%s", to, clean)
                       : snprintf(path, FOLDER_PATH_MAX, "%s/%u-%s", to, i, clean);

        if (n < 0 || (size_t)n >= FOLDER_PATH_MAX)
            return err_set(ERR_LIMIT, "%s/%s: the path is too long", to, clean);
        if (folder_rename(from, path, false) == 0)
            return OK;
        if (errno != EEXIST)
            return err_errno(ERR_IO, errno, "%s", from);
    }
    return err_set(ERR_EXISTS, "%s is full of files of this name: clear it", to);
}

enum err inbox_move(const struct inbox *in, const struct inbox_file *f, const char *to, const char *text)
{
    char from[FOLDER_PATH_MAX];
    char path[FOLDER_PATH_MAX];
    char note[FOLDER_PATH_MAX];
    char clean[INBOX_NAME];
    enum err e = folder_path(from, in->dir, f->name);

    inbox_clean_name(clean, f->name);
    if (e == OK)
        e = move_to_free_name(from, to, clean, path);
    if (e != OK || text[0] == '\0')
        return e;
    if (snprintf(note, sizeof(note), "%s.txt", path) >= (int)sizeof(note))
        return err_set(ERR_LIMIT, "%s.txt: the path is too long", path);
    return cli_write_file(note, text, strlen(text), 0600, true);
}

bool inbox_may_grow(struct inbox *in, const struct inbox_file *f, int64_t now_ms)
{
    const struct inbox_file *known = find(in, f->name);
    int64_t until;

    if (known == NULL || !known->is_regular)
        return false;
    until = known->since_ms + (known->is_closed ? CLOSED_MS : OPEN_MS);
    if (now_ms < until)
        inbox_postpone(in, f->name, until);
    return now_ms < until;
}

void inbox_forget(struct inbox *in, const char *name)
{
    struct inbox_file *f = find(in, name);

    if (f != NULL)
        *f = in->files[--in->count];
}

void inbox_postpone(struct inbox *in, const char *name, int64_t until_ms)
{
    struct inbox_file *f = find(in, name);

    if (f != NULL)
        f->not_before_ms = until_ms;
}
