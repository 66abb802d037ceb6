#include "hub/room.h"

#include "common/cli.h"

#include <sys/statvfs.h>

#define PERCENT 5 /* little: of what is used and free together */

static bool disk_left(const char *dir, uint64_t *out)
{
    struct statvfs v;

    if (statvfs(dir, &v) != 0)
        return false;
    *out = (uint64_t)v.f_bavail * v.f_frsize;
    return true;
}

bool room_is_closed(const struct hub *h)
{
    uint64_t left;

    return disk_left(h->dir, &left) && left < (uint64_t)h->conf.disk_reserve;
}

enum err room_check(const struct hub *h)
{
    uint64_t left;
    char is[32], wanted[32];

    if (!disk_left(h->dir, &left) || left >= (uint64_t)h->conf.disk_reserve)
        return OK;
    cli_format_bytes(is, sizeof(is), left);
    cli_format_bytes(wanted, sizeof(wanted), (uint64_t)h->conf.disk_reserve);
    return err_set(
        ERR_FULL,
        _("the hub's disk is nearly full: %s are free, %s are kept (store.disk_reserve in hub.yaml); nothing "
          "new is taken until there is room"),
        is, wanted);
}

enum err room_look(const struct hub *h, struct room *out)
{
    struct store_usage u;
    enum err e = store_usage(h->store, &u);

    if (e != OK)
        return e;
    *out = (struct room){.disk_left = u.disk_free_bytes};
    out->store_left = u.map_bytes > u.used_bytes ? u.map_bytes - u.used_bytes : 0;
    out->store_is_little = out->store_left < u.map_bytes / 100 * PERCENT;
    out->is_closed = out->disk_left < (uint64_t)h->conf.disk_reserve;
    out->disk_is_little = out->disk_left < (u.used_bytes + out->disk_left) / 100 * PERCENT ||
                          out->disk_left / ROOM_RESERVES < (uint64_t)h->conf.disk_reserve;
    return OK;
}
