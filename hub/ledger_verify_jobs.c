#include "hub/ledger_verify_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD     4u /* jobs for each thread, so that none waits for the one that applies them */
#define ENTRY_MAX (8u << 20)

struct thread {
    pthread_t id;
    struct verify_jobs *all;
    struct intake *intake;
};

/* A ring: [first, taken) are with the threads or done, [taken, end) wait for a thread. */
struct verify_jobs {
    const struct hub *hub;
    struct thread *threads;
    size_t thread_count, started;
    struct verify_job *ring;
    size_t size;
    size_t first, end; /* of the thread that reads and applies; they only rise */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    size_t taken, added; /* guarded, as is `stopping` */
    bool stopping;
};

static struct verify_job *at(struct verify_jobs *q, size_t place)
{
    return &q->ring[place % q->size];
}

static void *work(void *arg)
{
    struct thread *t = arg;
    struct verify_jobs *q = t->all;

    (void)pthread_mutex_lock(&q->lock);
    for (;;) {
        struct verify_job *j;

        while (q->taken == q->added && !q->stopping)
            (void)pthread_cond_wait(&q->work, &q->lock);
        if (q->stopping)
            break;
        j = at(q, q->taken++);
        (void)pthread_mutex_unlock(&q->lock);
        if (j->is_batch)
            verify_prepare(q->hub, t->intake, j);
        (void)pthread_mutex_lock(&q->lock);
        j->is_done = true;
        (void)pthread_cond_signal(&q->done);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return NULL;
}

static enum err start(struct verify_jobs *q)
{
    enum err e = OK;

    q->thread_count = (size_t)q->hub->conf.workers;
    q->size = q->thread_count * AHEAD;
    if ((q->threads = calloc(q->thread_count, sizeof(*q->threads))) == NULL ||
        (q->ring = calloc(q->size, sizeof(*q->ring))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < q->size; i++) {
        buf_init(&q->ring[i].entry, ENTRY_MAX);
        buf_init(&q->ring[i].blob, STORED_MAX);
        buf_init(&q->ring[i].row, (size_t)2 * SIGNED_MAX);
    }
    for (size_t i = 0; i < q->thread_count && e == OK; i++) {
        q->threads[i].all = q;
        if ((e = intake_new(&q->threads[i].intake, q->hub)) != OK)
            break;
        if (pthread_create(&q->threads[i].id, NULL, work, &q->threads[i]) != 0)
            e = err_set(ERR_NOMEM, "a thread cannot be started");
        else
            q->started++;
    }
    return e;
}

enum err verify_jobs_new(struct verify_jobs **out, const struct hub *h)
{
    struct verify_jobs *q = calloc(1, sizeof(*q));
    enum err e;

    if (q == NULL)
        return ERR_NOMEM;
    q->hub = h;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->work, NULL);
    (void)pthread_cond_init(&q->done, NULL);
    if ((e = start(q)) != OK) {
        verify_jobs_free(q);
        return e;
    }
    *out = q;
    return OK;
}

static void stop(struct verify_jobs *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->stopping = true;
    (void)pthread_cond_broadcast(&q->work);
    (void)pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < q->started; i++)
        (void)pthread_join(q->threads[i].id, NULL);
}

void verify_jobs_free(struct verify_jobs *q)
{
    if (q == NULL)
        return;
    stop(q);
    for (size_t i = 0; q->threads != NULL && i < q->thread_count; i++)
        intake_free(q->threads[i].intake);
    for (size_t i = 0; q->ring != NULL && i < q->size; i++) {
        prepared_free(q->ring[i].prepared);
        buf_fini(&q->ring[i].row);
        buf_fini(&q->ring[i].blob);
        buf_fini(&q->ring[i].entry);
    }
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->work);
    (void)pthread_cond_destroy(&q->done);
    free(q->threads);
    free(q->ring);
    free(q);
}

struct verify_job *verify_jobs_empty(struct verify_jobs *q)
{
    return q->end - q->first == q->size ? NULL : at(q, q->end);
}

void verify_jobs_add(struct verify_jobs *q)
{
    struct verify_job *j = at(q, q->end++);

    j->is_done = false;
    (void)pthread_mutex_lock(&q->lock);
    q->added = q->end;
    (void)pthread_cond_signal(&q->work);
    (void)pthread_mutex_unlock(&q->lock);
}

struct verify_job *verify_jobs_first(struct verify_jobs *q)
{
    struct verify_job *j = at(q, q->first);

    if (q->first == q->end)
        return NULL;
    (void)pthread_mutex_lock(&q->lock);
    while (!j->is_done)
        (void)pthread_cond_wait(&q->done, &q->lock);
    (void)pthread_mutex_unlock(&q->lock);
    return j;
}

void verify_jobs_drop(struct verify_jobs *q)
{
    struct verify_job *j = at(q, q->first++);

    prepared_free(j->prepared);
    j->prepared = NULL;
}
