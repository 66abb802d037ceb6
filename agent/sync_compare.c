#include "agent/compare.h"

#include "agent/queue_proof.h"
#include "agent/sync_internal.h"
#include "common/cli.h"

#include <stdlib.h>

static enum err compare_generation(struct meeting *m, const struct generation *gen)
{
    struct compare_run *run = m->compare;
    enum err e = comparison_new(&run->now, m->a, gen, run->say, run->ctx);

    if (e != OK)
        return e;
    m->plan_complete = false;
    while (e == OK && !m->plan_complete)
        e = meeting_ask_page(m, comparison_generation(run->now), comparison_next(run->now));
    if (e == OK)
        comparison_counts(run->now, run->counts);
    comparison_free(run->now);
    run->now = NULL;
    return e;
}

enum err meeting_compare(struct meeting *m)
{
    struct generation *list = malloc(QUEUE_MAX_GENERATIONS * sizeof(*list));
    size_t count = 0;
    enum err e = list == NULL ? ERR_NOMEM : queue_every_generation(m->a, list, QUEUE_MAX_GENERATIONS, &count);

    m->gen = m->a->gen;
    if (e == OK && (e = meeting_greet(m)) == OK && m->welcome.go == WELCOME_RECONCILE)
        e = err_set(ERR_BUSY, _("this computer and the district hold two histories: run svodka-agent sync first"));
    for (size_t i = 0; i < count && e == OK && m->welcome.go == WELCOME_GO; i++)
        e = compare_generation(m, &list[i]);
    free(list);
    return e;
}

enum err sync_compare(struct agent *a, struct compare_counts *out, compare_say say, void *ctx)
{
    struct compare_run run = {out, say, ctx, NULL};
    struct sync_result result = {.outcome = SYNC_FAILED};
    int lock = -1;
    enum err e;

    *out = (struct compare_counts){.equal = 0};
    if (!agent_is_enrolled(a))
        return err_set(ERR_DENIED, _("this computer has not joined the district yet: run svodka-agent sync first"));
    if ((e = agent_lock(a, "sync.lock", &lock)) != OK)
        return e;
    e = sync_endpoints(a, NULL, &run, UINT64_MAX, &result);
    agent_unlock(lock);
    return e;
}
