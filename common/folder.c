#include "common/folder.h"

#include "common/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err folder_path(char out[FOLDER_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, FOLDER_PATH_MAX, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= FOLDER_PATH_MAX)
        return err_set(ERR_LIMIT, _("%s/%s: the path is too long"), dir, name);
    return OK;
}

static enum err check_absent_or_empty(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *f;
    bool is_empty = true;

    if (d == NULL)
        return errno == ENOENT ? OK : err_errno(ERR_IO, errno, "%s", dir);
    while ((f = readdir(d)) != NULL)
        if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0)
            is_empty = false;
    closedir(d);
    if (!is_empty)
        return err_set(ERR_EXISTS, _("%s exists and is not empty; choose another folder"), dir);
    return OK;
}

enum err folder_begin(char fresh[FOLDER_PATH_MAX], const char *dir)
{
    size_t len = strlen(dir);
    enum err e = check_absent_or_empty(dir);
    int n;

    if (e != OK)
        return e;
    while (len > 1 && dir[len - 1] == '/') /* "home/" means "home" */
        len--;
    n = snprintf(fresh, FOLDER_PATH_MAX, "%.*s.new-XXXXXX", (int)len, dir);
    if (n < 0 || (size_t)n >= FOLDER_PATH_MAX)
        return err_set(ERR_LIMIT, _("%s: the path is too long"), dir);
    if (mkdtemp(fresh) == NULL)
        return err_errno(ERR_IO, errno, "%s", dir);
    return OK;
}

int folder_rename(const char *from, const char *to, bool may_exist)
{
    if (!may_exist) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -1;
        if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            errno = EEXIST;
            return -1;
        }
    }
    return rename(from, to);
}

enum err folder_sync_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    enum err e = OK;
    int fd;

    if (dir == NULL)
        return err_set(ERR_NOMEM, _("not enough memory"));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        e = err_errno(ERR_IO, errno, _("%s: the folder cannot be synchronised"), dir);
    if (fd >= 0)
        (void)close(fd);
    free(dir);
    return e;
}

enum err folder_finish(const char *fresh, const char *dir)
{
    if (rename(fresh, dir) != 0)
        return err_errno(ERR_IO, errno, "%s", dir);
    (void)!folder_sync_of(dir); /* it is whole and in its place: too late to say no */
    return OK;
}

enum err folder_make(const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, name);

    if (e == OK && mkdir(path, 0700) != 0)
        e = err_errno(ERR_IO, errno, "%s", path);
    return e == OK ? folder_sync_of(path) : e;
}

enum err folder_ensure(const char *path, unsigned mode)
{
    if (mkdir(path, (mode_t)mode) != 0 && errno != EEXIST)
        return err_errno(ERR_IO, errno, "%s", path);
    return folder_sync_of(path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

void folder_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
