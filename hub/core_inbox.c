#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"

/* Files from the inbox in the core's own thread, a few batches between two looks at the sockets. */

static enum err before_registry(void *ctx, struct hub *h, struct store_txn *t)
{
    struct core *c = ctx;

    (void)h;
    (void)t;
    workers_drain(c->workers); /* they read the registry */
    return OK;
}

static void joined(void *ctx, struct hub *h)
{
    struct core *c = ctx;

    (void)h;
    if (core_send_allowlist(c) != OK)
        log_warning("core: the gateway was not told that a school has joined: %s", err_text());
}

static enum err reload(void *ctx, struct hub *h)
{
    (void)h;
    return core_reload(ctx);
}

enum err core_inbox_open(struct core *c)
{
    c->inbox_host = (struct carry_host){c, "core", before_registry, joined, reload};
    return c->hub->conf.inbox == NULL ? OK : inbox_open(&c->inbox, c->hub, &c->inbox_host);
}

void core_inbox(struct core *c)
{
    if (c->inbox != NULL && inbox_next_ms(c->inbox) <= clock_mono_ms())
        inbox_step(c->inbox);
}

int core_inbox_wait(const struct core *c, int wait_ms)
{
    int64_t left = c->inbox == NULL ? wait_ms : inbox_next_ms(c->inbox) - clock_mono_ms();

    return left >= wait_ms ? wait_ms : left > 0 ? (int)left : 0;
}
