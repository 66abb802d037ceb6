#include "common/installed.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SVODKA_BIN_FOLDER
#define SVODKA_BIN_FOLDER "bin"
#endif
#ifndef SVODKA_LIBEXEC_FOLDER
#define SVODKA_LIBEXEC_FOLDER "libexec"
#endif

/* Takes "/bin" off the end of a folder's path. */
static bool take_off(char *path, const char *end)
{
    size_t len = strlen(path), end_len = strlen(end);

    if (len <= end_len || strcmp(path + len - end_len, end) != 0)
        return false;
    path[len - end_len] = '\0';
    return true;
}

enum err installed_path(char out[FOLDER_PATH_MAX], const char *name)
{
    char prefix[PATH_MAX];
    char *slash;
    enum err e;

    if (realpath("/proc/self/exe", prefix) == NULL || (slash = strrchr(prefix, '/')) == NULL)
        return ERR_NOT_FOUND;
    *slash = '\0';
    if (!take_off(prefix, "/" SVODKA_BIN_FOLDER) && !take_off(prefix, "/" SVODKA_LIBEXEC_FOLDER "/svodka"))
        return ERR_NOT_FOUND;
    if ((e = folder_path(out, prefix, name)) != OK)
        return e;
    return access(out, F_OK) == 0 ? OK : ERR_NOT_FOUND;
}
