#include "tests/bench/herd/herd.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define RUDE_MS 200

static pid_t workers[WORKERS + 1];
static size_t worker_count;

/* ---- their nights ---- */

/* What svodka-agent run does when a moment has come. */
static void knock(struct school *s, size_t i)
{
    struct schedule_state st = {.next_ms = 0};
    struct sync_result r;
    struct agent *a = NULL;
    int64_t began_ms = clock_mono_ms();
    char home[128];

    school_enter(i);
    school_home(home, i);
    MUST(agent_open(&a, home));
    if (s->attempts++ == 0)
        s->first_ms = began_ms;
    if (schedule_pass(a, &r, &st) == OK && r.outcome == SYNC_COMPLETE && r.left == 0) {
        s->meeting_ms = clock_mono_ms() - began_ms;
        if (s->done_ms == 0)
            s->done_ms = clock_mono_ms();
    } else if (r.outcome == SYNC_LATER)
        s->put_off++;
    else if (r.outcome == SYNC_UNREACHABLE || r.outcome == SYNC_NO_HUB)
        s->lost++;
    else
        at_fault("%s: a pass ended in %d: %s", home, (int)r.outcome, err_text());
    s->next_ms = s->is_rude ? clock_wall_ms() + RUDE_MS : st.next_ms;
    agent_close(a);
}

/* Of every `step`-th school from `from` on. */
static struct school *first_of(size_t from, size_t step, bool rude)
{
    struct school *first = NULL;

    for (size_t i = from; i < herd->count; i += step) {
        struct school *s = &herd->schools[i];

        if (s->is_rude == rude && (rude || s->done_ms == 0) && (first == NULL || s->next_ms < first->next_ms))
            first = s;
    }
    return first;
}

static _Noreturn void live(size_t from, size_t step, bool rude)
{
    struct school *s;

    while (!(rude && herd->is_over) && (s = first_of(from, step, rude)) != NULL) {
        int64_t left = s->next_ms - clock_wall_ms();

        if (left > 0)
            clock_sleep_ms(left < 200 ? left : 200);
        else
            knock(s, (size_t)(s - herd->schools));
    }
    _exit(0);
}

static void start_worker(size_t from, size_t step, bool rude)
{
    pid_t pid = fork();

    if (pid < 0)
        at_fault("fork: %s", strerror(errno));
    if (pid == 0) {
        /* Schools are elsewhere: their work here takes nothing from the hub. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || setpriority(PRIO_PROCESS, 0, 10) != 0)
            _exit(126);
        live(from, step, rude);
    }
    workers[worker_count++] = pid;
}

/* The rude ones have one process for all of them, which never rests. */
void schools_start(void)
{
    int64_t now = clock_wall_ms() + 1000;
    size_t count = herd->count - herd->rude;

    for (size_t i = 0; i < herd->count; i++)
        herd->schools[i].next_ms = now + (int64_t)(herd_chance() % (uint64_t)(herd->window_ms + 1));
    herd->workers = count < WORKERS ? count : WORKERS;
    for (size_t w = 0; w < herd->workers; w++)
        start_worker(w, herd->workers, false);
    if (herd->rude > 0)
        start_worker(0, 1, true);
}

size_t schools_done(void)
{
    size_t done = 0;

    for (size_t i = 0; i < herd->count; i++)
        done += !herd->schools[i].is_rude && herd->schools[i].done_ms != 0;
    return done;
}

bool schools_end(void)
{
    bool is_well = true;
    int status;

    herd->is_over = true;
    for (size_t i = 0; i < worker_count; i++)
        if (waitpid(workers[i], &status, 0) != workers[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            is_well = false;
    return is_well;
}
