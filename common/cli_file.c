#include "common/cli.h"

#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ (64u << 10)

/* ---- reading ---- */

static enum err from_errno(int saved)
{
    switch (saved) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_FULL;
    default: return ERR_IO;
    }
}

/* Reads until the end into *bytes, which grows by doubling; one byte beyond `max` is tried, to tell "exactly". */
static enum err read_all(int fd, const char *path, size_t max, uint8_t **bytes, size_t *len)
{
    size_t cap = 0;

    for (;;) {
        ssize_t n;

        if (*len == cap) {
            size_t more = cap == 0 ? FIRST_READ : cap * 2;
            uint8_t *grown;

            if (more > max + 1)
                more = max + 1;
            grown = malloc(more + 1); /* and the NUL; not realloc(): no copy of answers or passphrases stays behind */
            if (grown == NULL)
                return err_set(ERR_NOMEM, _("%s: not enough memory to read it"), path);
            if (*bytes != NULL) {
                memcpy(grown, *bytes, *len);
                explicit_bzero(*bytes, *len);
                free(*bytes);
            }
            *bytes = grown;
            cap = more;
        }
        n = read(fd, *bytes + *len, cap - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(ERR_IO, errno, _("%s: cannot be read"), path);
        if (n == 0)
            break;
        *len += (size_t)n;
        if (*len > max)
            return err_set(ERR_LIMIT, _("%s: longer than the allowed %zu bytes"), path, max);
    }
    (*bytes)[*len] = '\0';
    return OK;
}

enum err cli_read_file(const char *path, size_t max, void **bytes, size_t *len)
{
    bool is_stdin = strcmp(path, "-") == 0;
    uint8_t *got = NULL;
    size_t got_len = 0;
    enum err e;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(from_errno(errno), errno, _("%s: cannot be opened"), path);
    e = read_all(fd, is_stdin ? _("standard input") : path, max, &got, &got_len);
    if (!is_stdin)
        (void)close(fd);
    if (e != OK) {
        free(got);
        return e;
    }
    *bytes = got;
    *len = got_len;
    return OK;
}

/* ---- writing ---- */

static enum err cannot_write(const char *path)
{
    return err_errno(from_errno(errno), errno, _("%s: cannot be written"), path);
}

static enum err write_all(int fd, const char *path, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cannot_write(path);
        p += n;
        len -= (size_t)n;
    }
    return OK;
}

static enum err fill_temporary(int fd, const char *path, const void *bytes, size_t len, unsigned mode)
{
    enum err e;

    /* It was born 0600, so a file system that knows no modes only leaves it narrower than asked. */
    if (fchmod(fd, (mode_t)mode) != 0 && errno != EPERM && errno != EOPNOTSUPP)
        return cannot_write(path);
    e = write_all(fd, path, bytes, len);
    if (e == OK && fsync(fd) != 0)
        e = cannot_write(path);
    return e;
}

static enum err exists_already(const char *path)
{
    return err_set(ERR_EXISTS, _("%s: the file exists already"), path);
}

static enum err move_into_place(const char *temporary, const char *path, bool may_exist)
{
    if (folder_rename(temporary, path, may_exist) != 0)
        return errno == EEXIST ? exists_already(path) : cannot_write(path);
    return OK;
}

enum err cli_write_file(const char *path, const void *bytes, size_t len, unsigned mode, bool may_exist)
{
    char *temporary;
    enum err e;
    int fd;

    if (!may_exist && access(path, F_OK) == 0)
        return exists_already(path);
    if (asprintf(&temporary, "%s.part-XXXXXX", path) < 0)
        return err_set(ERR_NOMEM, _("not enough memory"));
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        e = err_errno(from_errno(errno), errno, _("%s: cannot be created"), path);
        goto free_name;
    }
    e = fill_temporary(fd, path, bytes, len, mode);
    if (close(fd) != 0 && e == OK)
        e = cannot_write(path);
    if (e == OK)
        e = move_into_place(temporary, path, may_exist);
    if (e != OK)
        (void)unlink(temporary);
    else
        e = folder_sync_of(path);
free_name:
    free(temporary);
    return e;
}
