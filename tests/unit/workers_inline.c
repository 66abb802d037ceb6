/* workers_inline.c: in place of the core's workers (core_intake.c), for whoever needs the same run twice: each batch is
 * opened in the core's own thread, when it is added.  Never stuck, nothing to drain; the descriptor never has news. */
#include "common/err.h"
#include "hub/core_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct workers {
    struct intake *intake;
    struct job *done, **last;
    unsigned pending;
    int fd;
};

enum err workers_start(struct workers **out, const struct hub *h)
{
    if ((*out = calloc(1, sizeof(**out))) == NULL)
        return ERR_NOMEM;
    (*out)->last = &(*out)->done;
    (*out)->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return intake_new(&(*out)->intake, h);
}

void job_free(struct job *j)
{
    if (j != NULL) {
        prepared_free(j->prepared);
        buf_fini(&j->batch);
    }
    free(j);
}

void workers_stop(struct workers *w)
{
    struct job *j;

    if (w == NULL)
        return;
    while ((j = workers_take(w)) != NULL)
        job_free(j);
    intake_free(w->intake);
    close(w->fd);
    free(w);
}

void workers_add(struct workers *w, struct job *j)
{
    j->error = intake_prepare(w->intake, j->from, bytes_of(j->batch.data, j->batch.len), &j->prepared, &j->refusal);
    if (j->error != OK)
        (void)snprintf(j->text, sizeof(j->text), "%s", err_text());
    buf_fini(&j->batch);
    j->next = NULL;
    *w->last = j;
    w->last = &j->next;
    w->pending++;
}

struct job *workers_take(struct workers *w)
{
    struct job *j = w->done;

    if (j != NULL && (w->done = j->next) == NULL)
        w->last = &w->done;
    w->pending -= j != NULL;
    return j;
}

unsigned workers_pending(const struct workers *w)
{
    return w->pending;
}

bool workers_are_stuck(struct workers *w, int64_t patience_ms)
{
    (void)w;
    (void)patience_ms;
    return false;
}

void workers_drain(struct workers *w)
{
    (void)w;
}

int workers_fd(const struct workers *w)
{
    return w->fd;
}
