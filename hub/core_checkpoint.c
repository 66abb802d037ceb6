#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <time.h>

#define LOOK_MS  60000
#define RETRY_MS 600000

static int64_t minute_of_day(void)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm local;

    return localtime_r(&now, &local) == NULL ? 0 : local.tm_hour * 60 + local.tm_min;
}

static bool is_made(struct core *c, int32_t day)
{
    struct checkpoint_mark last;
    struct store_txn *t = NULL;
    bool made;

    if (store_begin_read(c->hub->store, &t) != OK)
        return true;
    made = checkpoint_at(t, day, &last) == OK && last.day == day;
    store_abort(t);
    return made;
}

static void begin(struct core *c)
{
    int32_t today = clock_today();
    enum err e;

    c->checkpoint_next_ms = clock_mono_ms() + LOOK_MS;
    if (minute_of_day() < c->hub->conf.checkpoint_min || is_made(c, today))
        return;
    if ((e = checkpoint_begin(&c->checkpoint, c->hub, today)) != OK && e != ERR_EXISTS) {
        log_warning("core: no checkpoint of today: %s", err_text());
        c->checkpoint_next_ms = clock_mono_ms() + RETRY_MS;
    }
}

static void end(struct core *c)
{
    checkpoint_free(c->checkpoint);
    c->checkpoint = NULL;
}

void core_checkpoint(struct core *c)
{
    const struct checkpoint_mark *m;
    bool done = false;

    if (c->checkpoint == NULL) {
        if (clock_mono_ms() >= c->checkpoint_next_ms)
            begin(c);
        return;
    }
    if (checkpoint_step(c->checkpoint, &done) != OK) {
        log_warning("core: the checkpoint of today is not made: %s; tried again in ten minutes", err_text());
        c->checkpoint_next_ms = clock_mono_ms() + RETRY_MS;
        end(c);
    } else if (done) {
        m = checkpoint_result(c->checkpoint);
        log_notice("core: checkpoint: %llu cells, %llu changed since the one before", (unsigned long long)m->cells,
                   (unsigned long long)m->changed);
        end(c);
    }
}
