/* carry_fixture.h: the schools of ledger_fixture.h send their batches in files. */
#ifndef SVODKA_TESTS_CARRY_FIXTURE_H
#define SVODKA_TESTS_CARRY_FIXTURE_H

#include "ledger_fixture.h"

#include "common/cli.h"
#include "hub/carry.h"

static inline void carried_path(const struct world *w, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", w->dir, name);
}

/* A file of one school with these batches, its list signed by the school. */
static inline void write_carried(struct world *w, const struct sealed *const *batches, size_t count, const char *name)
{
    struct bundle_about about = {.direction = BUNDLE_UP, .serial = 1, .made_ms = SOME_MS};
    int school = batches[0]->school;
    struct bundle_writer *b;
    char path[256];
    uint64_t bytes;

    memcpy(about.district, w->hub->district, sizeof(about.district));
    (void)snprintf(about.participant, sizeof(about.participant), "%s", w->of[school]->id);
    carried_path(w, name, path);
    MUST(bundle_create(&b, path, &about, "", BUNDLE_DEFAULT_MAX));
    for (size_t i = 0; i < count; i++)
        MUST(bundle_put(b, BUNDLE_BATCH, sealed_bytes(batches[i])));
    MUST(bundle_finish(b, w->sign[school], true, &bytes));
    bundle_writer_free(b);
}

/* The registry of the fixture lives in memory alone: it is not loaded again. */
static inline enum err keep_registry(void *ctx, struct hub *h, struct store_txn *t)
{
    (void)ctx;
    (void)h;
    (void)t;
    return OK;
}

static inline void ignore_joined(void *ctx, struct hub *h)
{
    (void)ctx;
    (void)h;
}

static inline enum err no_reload(void *ctx, struct hub *h)
{
    (void)ctx;
    (void)h;
    return err_set(ERR_INTERNAL, "nothing has changed");
}

static const struct carry_host quiet_host = {NULL, "test", keep_registry, ignore_joined, no_reload};

/* As after enrolment in every respect. */
static inline void mark_enrolled(struct world *w)
{
    for (size_t i = 0; i < 2; i++)
        ((struct participant *)(uintptr_t)w->of[i])->enrolled_ms = SOME_MS;
}

/* The result; of its problems only the count stays. */
static inline struct carry_file read_carried(struct world *w, const char *name, struct carry *schools)
{
    struct carry_reading *r;
    struct carry_file f;
    bool is_done = false;
    char path[256];

    mark_enrolled(w);
    carried_path(w, name, path);
    MUST(carry_open(&r, w->hub, path, false, schools, &quiet_host));
    while (!is_done)
        MUST(carry_step(r, &is_done));
    f = *carry_result(r);
    memset(&f.problems, 0, sizeof(f.problems));
    carry_close(r);
    return f;
}

#endif
