#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct worker {
    pthread_t thread;
    struct workers *all;
    struct intake *intake;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct job *todo, **todo_last;
    struct job *done, **done_last;
    unsigned busy, waiting, pending;
    int64_t moved_ms; /* when something was done last, or there was nothing to do */
    bool stopping;
    int event;
    struct worker *list;
    size_t count, started;
};

void job_free(struct job *j)
{
    if (j == NULL)
        return;
    prepared_free(j->prepared);
    buf_fini(&j->batch);
    free(j);
}

static void prepare(struct worker *w, struct job *j)
{
    j->error = intake_prepare(w->intake, j->from, bytes_of(j->batch.data, j->batch.len), &j->prepared, &j->refusal);
    if (j->error != OK)
        (void)snprintf(j->text, sizeof(j->text), "%s", err_text());
    buf_fini(&j->batch); /* the prepared batch holds its own copy */
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct workers *all = w->all;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&all->lock);
    for (;;) {
        struct job *j;

        while (all->todo == NULL && !all->stopping)
            (void)pthread_cond_wait(&all->work, &all->lock);
        if (all->stopping)
            break;
        j = all->todo;
        all->todo = j->next;
        if (all->todo == NULL)
            all->todo_last = &all->todo;
        all->waiting--;
        all->busy++;
        (void)pthread_mutex_unlock(&all->lock);
        prepare(w, j);
        (void)pthread_mutex_lock(&all->lock);
        j->next = NULL;
        *all->done_last = j;
        all->done_last = &j->next;
        all->busy--;
        all->moved_ms = clock_mono_ms();
        if (all->busy == 0 && all->waiting == 0)
            (void)pthread_cond_broadcast(&all->idle);
        if (write(all->event, &one, sizeof(one)) != (ssize_t)sizeof(one))
            log_error("intake: eventfd: %s", strerror(errno));
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

static enum err start_threads(struct workers *w, const struct hub *h)
{
    enum err e = OK;

    for (size_t i = 0; i < w->count && e == OK; i++) {
        w->list[i].all = w;
        if ((e = intake_new(&w->list[i].intake, h)) != OK)
            break;
        if (pthread_create(&w->list[i].thread, NULL, work, &w->list[i]) != 0)
            e = err_set(ERR_NOMEM, "an intake thread cannot be started");
        else
            w->started++;
    }
    return e;
}

enum err workers_start(struct workers **out, const struct hub *h)
{
    struct workers *w = calloc(1, sizeof(*w));
    enum err e;

    if (w == NULL)
        return ERR_NOMEM;
    w->count = (size_t)h->conf.workers;
    w->todo_last = &w->todo;
    w->done_last = &w->done;
    w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->list = calloc(w->count, sizeof(*w->list));
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, NULL);
    (void)pthread_cond_init(&w->idle, NULL);
    e = w->list == NULL || w->event < 0 ? err_set(ERR_NOMEM, "no intake threads") : start_threads(w, h);
    if (e != OK) {
        workers_stop(w);
        return e;
    }
    *out = w;
    return OK;
}

static void free_list(struct job *j)
{
    while (j != NULL) {
        struct job *next = j->next;

        job_free(j);
        j = next;
    }
}

void workers_stop(struct workers *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->started; i++)
        (void)pthread_join(w->list[i].thread, NULL);
    for (size_t i = 0; w->list != NULL && i < w->count; i++)
        intake_free(w->list[i].intake);
    free_list(w->todo);
    free_list(w->done);
    if (w->event >= 0)
        close(w->event);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_cond_destroy(&w->idle);
    free(w->list);
    free(w);
}

int workers_fd(const struct workers *w)
{
    return w->event;
}

void workers_add(struct workers *w, struct job *j)
{
    (void)pthread_mutex_lock(&w->lock);
    if (w->busy == 0 && w->waiting == 0)
        w->moved_ms = clock_mono_ms();
    j->next = NULL;
    *w->todo_last = j;
    w->todo_last = &j->next;
    w->waiting++;
    w->pending++;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
}

unsigned workers_pending(const struct workers *w)
{
    return w->pending; /* touched by the core's thread alone */
}

struct job *workers_take(struct workers *w)
{
    struct job *j;

    (void)pthread_mutex_lock(&w->lock);
    j = w->done;
    if (j != NULL) {
        w->done = j->next;
        if (w->done == NULL)
            w->done_last = &w->done;
        w->pending--;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return j;
}

bool workers_are_stuck(struct workers *w, int64_t patience_ms)
{
    bool is_stuck;

    (void)pthread_mutex_lock(&w->lock);
    is_stuck = patience_ms > 0 && (w->busy > 0 || w->waiting > 0) && clock_mono_ms() - w->moved_ms > patience_ms;
    (void)pthread_mutex_unlock(&w->lock);
    return is_stuck;
}

void workers_drain(struct workers *w)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->waiting > 0 || w->busy > 0)
        (void)pthread_cond_wait(&w->idle, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
}
