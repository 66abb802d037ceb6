#include "hub/key_destroy.h"

#include "common/cli.h"
#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err overwrite(int fd, const char *path, off_t size)
{
    static const uint8_t zeros[4096];
    off_t at = 0;

    while (at < size) {
        size_t len = size - at < (off_t)sizeof(zeros) ? (size_t)(size - at) : sizeof(zeros);
        ssize_t n = pwrite(fd, zeros, len, at);

        if (n < 0 && errno != EINTR)
            return err_errno(ERR_IO, errno, _("%s: the key file cannot be overwritten"), path);
        at += n > 0 ? n : 0;
    }
    return fsync(fd) == 0 ? OK : err_errno(ERR_IO, errno, _("%s: the key file cannot be overwritten"), path);
}

enum err key_file_destroy(const char *path)
{
    struct stat st;
    enum err e = OK;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return OK;
    if (fd < 0 || fstat(fd, &st) != 0)
        e = err_errno(ERR_IO, errno, _("%s: the key file cannot be overwritten"), path);
    else
        e = overwrite(fd, path, st.st_size);
    if (fd >= 0)
        (void)close(fd);
    if (e == OK && unlink(path) != 0 && errno != ENOENT)
        e = err_errno(ERR_IO, errno, _("%s: the key file cannot be removed"), path);
    return e == OK ? folder_sync_of(path) : e;
}
