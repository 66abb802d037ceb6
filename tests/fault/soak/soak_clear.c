/* Invariant 6 (design, section 3): what was answered lies nowhere in clear: in no store, spool, stick, backup or log,
 * of no school and not at the hub, whatever befell them. */
#include "tests/fault/soak/soak.h"

#include "common/cli.h"

#include <ftw.h>

static int look_into(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    void *bytes = NULL;
    size_t len = 0;

    (void)at;
    if (kind != FTW_F || st->st_size == 0)
        return 0;
    MUST(cli_read_file(path, (size_t)st->st_size, &bytes, &len));
    if (memmem(bytes, len, SOAK_TEACHER, strlen(SOAK_TEACHER)) != NULL)
        at_fault("invariant 6: %s holds answers in clear", path);
    free(bytes);
    return 0;
}

void check_clear(const char *dir)
{
    if (nftw(dir, look_into, 16, FTW_PHYS) != 0)
        at_fault("%s cannot be looked into", dir);
}
