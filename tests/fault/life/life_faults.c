#include "tests/fault/life/life.h"

/* On average, with an hour's tempo. */
#define HUB_MS         25000.0 /* between two faults of the hub */
#define KILL_MS        2500.0  /* ... deaths of schools */
#define SCHOOL_STOP_MS 20000.0
#define STOP_MS        20000.0 /* how long somebody stands still: hub; */
#define ASLEEP_MS      30000.0 /* a school */
#define SNEAK_MS       200     /* a school that is to die at work is waited for */
#define STOPPED_MAX    16u

static pid_t schools[LIFE_MAX];
static bool is_killed[LIFE_MAX];
static struct stopped {
    pid_t pid;
    int64_t until_ms;
} stopped[STOPPED_MAX];
static int64_t hub_ms, kill_ms, stop_ms;

/* ---- schools ---- */

static void start_school(size_t i)
{
    is_killed[i] = false;
    if ((schools[i] = fork()) < 0)
        at_fault("fork: %s", strerror(errno));
    if (schools[i] == 0)
        school_live(i);
}

void schools_begin(void)
{
    for (size_t i = 0; i < herd->count; i++) {
        region->life[i].chance = herd->seed * UINT64_C(1000003) + i;
        start_school(i);
    }
    hub_ms = clock_mono_ms() + about_ms(HUB_MS);
    kill_ms = clock_mono_ms() + about_ms(KILL_MS);
    stop_ms = clock_mono_ms() + about_ms(SCHOOL_STOP_MS);
}

static void look_after(size_t i)
{
    int status;

    if (schools[i] == 0 || waitpid(schools[i], &status, WNOHANG) != schools[i])
        return;
    schools[i] = 0;
    if (is_killed[i] && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        start_school(i);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !region->life[i].is_quiet)
        at_fault("the process of school %zu ended (status %d)", i + 1, status);
}

bool schools_ended(void)
{
    bool any = false;

    for (size_t i = 0; i < herd->count; i++) {
        look_after(i);
        any |= schools[i] != 0;
    }
    return !any;
}

/* One that may die and is at that; LIFE_MAX: none. */
static size_t find_doing(int wanted)
{
    size_t from = chance_below((uint32_t)herd->count);

    for (size_t k = 0; k < herd->count; k++) {
        size_t i = (from + k) % herd->count;

        if (is_mortal(i) && schools[i] != 0 && !is_killed[i] && atomic_load(&region->life[i].doing) == wanted)
            return i;
    }
    return LIFE_MAX;
}

/* Dies in the middle of something; one that sleeps when nobody is at it. */
static void kill_school(void)
{
    static const uint32_t later_ms[] = {1, 3, 40, 40}; /* of enum doing */
    int wanted = DOING_DEED + (int)chance_below(3);
    int64_t until = clock_mono_ms() + SNEAK_MS;
    size_t i;
    int doing;

    while ((i = find_doing(wanted)) == LIFE_MAX && clock_mono_ms() < until)
        clock_sleep_ms(1);
    if (i == LIFE_MAX && (i = find_doing(DOING_NOTHING)) == LIFE_MAX)
        return;
    clock_sleep_ms(chance_below(later_ms[wanted]));
    doing = atomic_load(&region->life[i].doing);
    if (kill(schools[i], SIGKILL) != 0)
        return;
    is_killed[i] = true;
    region->school_kills++;
    region->in_deed += doing == DOING_DEED;
    region->in_meeting += doing == DOING_MEETING;
    region->in_stick += doing == DOING_STICK;
}

/* ---- standing still ---- */

static void stop(pid_t pid, int64_t ms)
{
    for (size_t k = 0; k < STOPPED_MAX; k++)
        if (stopped[k].pid == pid)
            return;
    for (size_t k = 0; k < STOPPED_MAX; k++)
        if (stopped[k].pid == 0) {
            if (pid != 0 && kill(pid, SIGSTOP) == 0)
                stopped[k] = (struct stopped){pid, clock_mono_ms() + ms};
            return;
        }
}

static void let_go_on(bool all)
{
    for (size_t k = 0; k < STOPPED_MAX; k++)
        if (stopped[k].pid != 0 && (all || clock_mono_ms() >= stopped[k].until_ms)) {
            (void)kill(stopped[k].pid, SIGCONT); /* it may have been killed meanwhile */
            stopped[k].pid = 0;
            atomic_store(&region->disturbed, (int)since_began());
        }
}

/* ---- the hub ---- */

static void kill_one(struct watched *w, uint64_t *count)
{
    if (w->pid != 0 && kill(w->pid, SIGKILL) == 0)
        ++*count;
}

static void hub_fault(void)
{
    uint32_t what = chance_below(hub_may_die() ? 5 : 2);

    hub_watch();
    atomic_store(&region->disturbed, (int)since_began());
    if (what < 2) {
        stop(what == 0 ? gateway.pid : core.pid, about_ms(STOP_MS));
        region->stops++;
    }
    if (what == 2 || what == 4)
        kill_one(&gateway, &region->gateway_kills);
    if (what == 3 || what == 4)
        kill_one(&core, &region->core_kills);
}

void faults_step(void)
{
    int64_t now = clock_mono_ms();

    (void)schools_ended();
    let_go_on(false);
    if (now >= hub_ms) {
        hub_fault();
        hub_ms = now + about_ms(HUB_MS);
    }
    if (now >= kill_ms) {
        kill_school();
        kill_ms = now + about_ms(KILL_MS);
    }
    if (now >= stop_ms) {
        stop(schools[chance_below((uint32_t)herd->count)], about_ms(ASLEEP_MS));
        region->school_stops++;
        stop_ms = now + about_ms(SCHOOL_STOP_MS);
    }
}

void faults_end(void)
{
    let_go_on(true);
}
