/* What a home must refuse and outlive: a store that has reached its size limit, a second process at a school's queue, a
 * second hub; and what a line does that no line should: frames twice, frames late, words of a program of before. */
#include "tests/fault/soak/soak_deeds.h"

#include "agent/sync.h"

#define PAGE       UINT64_C(4096)
#define REFUSED    3 /* the exit code of a process that was refused */
#define FULL_TIMES 6u

/* ---- a store that is full ---- */

static const char *full_store; /* whose limit is what it holds now, and a few pages; NULL: none */

enum err __real_store_open(struct store **out, const char *dir, const struct store_options *o);
enum err __wrap_store_open(struct store **out, const char *dir, const struct store_options *o);
enum err __wrap_store_open(struct store **out, const char *dir, const struct store_options *o)
{
    struct store_options small = *o;
    char path[FOLDER_PATH_MAX];
    struct stat st;

    MUST(folder_path(path, dir, "data.mdb"));
    if (full_store == NULL || strncmp(dir, full_store, strlen(full_store)) != 0 || o->is_scratch ||
        stat(path, &st) != 0)
        return __real_store_open(out, dir, o);
    small.map_size = (uint64_t)st.st_size + PAGE * chance_below(8);
    return __real_store_open(out, dir, &small);
}

/* What is refused for want of room is refused as that, and as a whole; what gives room is not. */
void school_is_full(struct school *s)
{
    school_end(s);
    full_store = s->home;
    school_start(s);
    for (unsigned i = 0; i < FULL_TIMES; i++) {
        enum err e = deed_do(s);

        if (e != OK && e != ERR_FULL && e != ERR_DENIED && e != ERR_NOT_FOUND)
            at_fault("a full store is called %s: %s", err_name(e), err_text());
        soak_note("%s: its store is full: %s", s->id, err_name(e));
    }
    world_meet(s);
    school_end(s);
    full_store = NULL;
    school_start(s);
}

void hub_is_full(struct school *s)
{
    hub_stop();
    full_store = hub_home;
    hub_start();
    soak_note("the hub's store is full");
    world_meet(s);
    world_meet(&schools[chance_below((uint32_t)school_count)]);
    hub_stop();
    full_store = NULL;
    hub_start();
}

/* ---- a second process ---- */

/* Runs `deed` in a process of its own, which says that it is there and waits to be killed, or ends by itself. */
static pid_t beside(void (*deed)(const void *ctx, int ready), const void *ctx)
{
    char byte;
    int fds[2];
    pid_t pid;

    if (pipe(fds) != 0)
        at_fault("no pipe");
    (void)fflush(NULL);
    chance_of_keys_moves();
    if ((pid = fork()) == 0) {
        (void)close(fds[0]);
        deed(ctx, fds[1]);
        _exit(0);
    }
    chance_of_keys_moves();
    (void)close(fds[1]);
    if (pid < 0 || read(fds[0], &byte, 1) < 0)
        at_fault("no process");
    (void)close(fds[0]);
    return pid;
}

static void sync_and_stay(const void *ctx, int ready)
{
    const struct school *s = ctx;
    struct agent *a;
    int lock;

    MUST(agent_open(&a, s->home));
    MUST(agent_lock(a, "sync.lock", &lock));
    if (write(ready, "", 1) != 1)
        _exit(1);
    (void)pause();
}

/* While one process holds the line another one can enter, and cannot meet.  Then the first one dies. */
void school_syncs_twice(struct school *s)
{
    struct sync_result r = {.outcome = SYNC_FAILED};
    int status = 0;
    pid_t pid;
    enum err e;

    school_end(s);
    speaking = s;
    clock_of(s->clock_error_ms);
    pid = beside(sync_and_stay, s);
    school_start(s);
    e = sync_once(s->agent, &r);
    if (e != ERR_BUSY || r.outcome != SYNC_LOCKED)
        at_fault("%s meets while another process of it does: %s", s->id, err_name(e));
    e = deed_do(s);
    soak_note("%s: another process holds its line: %s", s->id, err_name(e));
    if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        at_fault("the other process of %s ended with %d", s->id, status);
}

void __wrap_clock_sleep_ms(int64_t ms);
/* Whoever waits for another process waits by the clock of the run. */
void __wrap_clock_sleep_ms(int64_t ms)
{
    clock_test_set_mono(clock_mono_ms() + ms);
}

static void open_hub(const void *ctx, int ready)
{
    struct hub *h;

    (void)ctx;
    (void)ready;
    _exit(hub_open(&h, hub_home, HUB_CORE) == ERR_BUSY ? REFUSED : 1);
}

void hub_starts_twice(void)
{
    int status = 0;
    pid_t pid = beside(open_hub, NULL);

    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != REFUSED)
        at_fault("a second hub on one home was not refused: %d", status);
    soak_note("a second hub is refused");
}
