#include "hub/ledger_scratch.h"

#include "hub/home_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    return ftw->level == 0 ? 0 : remove(path);
}

static void empty_folder(const char *path)
{
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The lock on the folder keeps a second process out; it goes with the process. */
static enum err lock_folder(const char *path, const char *busy, int *fd)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(ERR_IO, errno, "%s", path);
    if ((*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        close(*fd);
        return err_set(ERR_BUSY, "%s", busy);
    }
    empty_folder(path);
    return OK;
}

static void leave_folder(struct scratch *s)
{
    empty_folder(s->path);
    (void)rmdir(s->path);
    close(s->fd);
}

enum err scratch_open(struct scratch *s, const struct hub *h, const char *name, const char *busy)
{
    struct store_options options = {.tables = hub_tables, .map_size = (uint64_t)h->conf.map_size, .is_scratch = true};
    char inside[FOLDER_PATH_MAX];
    enum err e;

    s->store = NULL;
    if ((e = folder_path(s->path, h->dir, name)) != OK || (e = lock_folder(s->path, busy, &s->fd)) != OK)
        return e;
    if ((e = folder_path(inside, s->path, "store")) != OK || (e = folder_make(s->path, "store")) != OK ||
        (e = store_open(&s->store, inside, &options)) != OK)
        leave_folder(s);
    return e;
}

void scratch_close(struct scratch *s)
{
    if (s->store == NULL)
        return;
    store_close(s->store);
    s->store = NULL;
    leave_folder(s);
}
