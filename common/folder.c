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

/* The rename itself must survive a power cut. */
static void sync_parent(const char *dir)
{
    char parent[FOLDER_PATH_MAX];
    char *slash;
    int fd;

    (void)snprintf(parent, sizeof(parent), "%s", dir);
    slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof(parent), ".");
    else if (slash == parent)
        slash[1] = '\0';
    else
        *slash = '\0';
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

enum err folder_finish(const char *fresh, const char *dir)
{
    if (rename(fresh, dir) != 0)
        return err_errno(ERR_IO, errno, "%s", dir);
    sync_parent(dir);
    return OK;
}

enum err folder_make(const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, name);

    if (e == OK && mkdir(path, 0700) != 0)
        e = err_errno(ERR_IO, errno, "%s", path);
    return e;
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
