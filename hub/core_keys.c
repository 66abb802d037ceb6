#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/key_change.h"

#define YEARS_AHEAD 2 /* a clock that is further off is a clock that is wrong */

static int32_t newest_year(const struct key_ring *ring)
{
    int32_t newest = 0;

    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].kind == RING_SEAL && ring->keys[i].state != RING_ERASED && ring->keys[i].year > newest)
            newest = ring->keys[i].year;
    return newest;
}

static enum err make_seal(struct core *c, int32_t year)
{
    struct key_change change = {.h = c->hub, .who = "core"};
    enum err e = store_begin_write(c->hub->store, &change.t);

    if (e != OK)
        return e;
    if ((e = key_change_seal(&change, year, NULL)) != OK)
        key_change_undo(&change);
    e = ledger_end(c->hub->ledger, change.t, e);
    return core_reload(c) == OK ? e : ERR_INTERNAL;
}

/* The school year begins and nobody is there: the core makes its sealing key itself. */
void core_keys(struct core *c)
{
    int32_t year = school_year_of(clock_today());
    int32_t newest = newest_year(c->hub->ring);

    if (year <= newest || year == c->year_tried)
        return;
    c->year_tried = year; /* once: what fails now is in the log, and in `key list` */
    if (year > newest + YEARS_AHEAD) {
        log_warning(
            "core: the newest sealing key is of %d/%02d and the clock says %d: no key is made; see svodka-hub key "
            "list",
            (int)newest, (int)((newest + 1) % 100), (int)year);
        return;
    }
    workers_drain(c->workers);
    if (core_commit_done(c) != OK || make_seal(c, year) != OK)
        log_error("core: the sealing key of %d/%02d could not be made: %s", (int)year, (int)((year + 1) % 100),
                  err_text());
    else
        log_notice("core: the sealing key of %d/%02d is made; schools use it from their next meeting on", (int)year,
                   (int)((year + 1) % 100));
}
