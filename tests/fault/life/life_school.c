#include "tests/fault/life/life.h"

#include "agent/stick.h"

#include <dirent.h>
#include <sys/resource.h>

#define PACE_MS    15000.0 /* between two times that somebody sits down at a school */
#define QUIET_MS   500
#define AT_REST_MS 2000

static size_t self;

static struct life *own(void)
{
    return &region->life[self];
}

/* ---- meetings ---- */

static void meet(struct agent *a, int64_t *next_ms)
{
    struct schedule_state st = {.next_ms = 0};
    struct sync_result r = {.left = 0};
    struct life *l = own();
    enum err e;

    atomic_store(&l->doing, DOING_MEETING);
    e = schedule_pass(a, &r, &st);
    atomic_store(&l->doing, DOING_NOTHING);
    l->meetings++;
    if (e == OK && r.outcome == SYNC_COMPLETE) {
        l->complete++;
        l->is_quiet = atomic_load(&region->is_over) && r.left == 0;
    } else if (r.outcome == SYNC_LATER) {
        l->put_off++;
        *next_ms = st.next_ms;
    } else if (r.outcome == SYNC_UNREACHABLE || r.outcome == SYNC_NO_HUB)
        l->lost++;
    else
        at_fault("%s: a meeting ended in %d (refusal %d): %s: %s", a->grant->participant, (int)r.outcome,
                 (int)r.refusal, err_name(e), err_text());
}

/* ---- sticks ---- */

static void count_written(void *ctx, const char *path)
{
    (void)path;
    ((struct life *)ctx)->sticks++;
}

static void take_answers(struct agent *a)
{
    char folder[128], path[512], mine[64];
    struct dirent *at;
    DIR *d;

    (void)snprintf(folder, sizeof(folder), "%s/inbox/answers", herd->dir);
    (void)snprintf(mine, sizeof(mine), "svodka-%s-", a->grant->participant);
    if ((d = opendir(folder)) == NULL)
        return;
    while ((at = readdir(d)) != NULL) {
        size_t len = strlen(at->d_name);
        struct stick_news news;

        if (strncmp(at->d_name, mine, strlen(mine)) != 0 || len < 7 || strcmp(at->d_name + len - 7, ".svodka") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, at->d_name);
        stick_news_init(&news);
        MUST(stick_take(a, path, &news));
        if (news.problem[0] != '\0')
            at_fault("%s: %s", path, news.problem);
        own()->answers++;
        stick_news_fini(&news);
        (void)unlink(path);
    }
    (void)closedir(d);
}

static void send_stick(struct agent *a)
{
    struct stick_sent sent;
    char inbox[128];

    (void)snprintf(inbox, sizeof(inbox), "%s/inbox", herd->dir);
    atomic_store(&own()->doing, DOING_STICK);
    MUST(stick_write(a, inbox, count_written, own(), &sent));
    take_answers(a);
    atomic_store(&own()->doing, DOING_NOTHING);
}

/* ---- a day ---- */

static void measure_store(struct agent *a)
{
    struct store_usage u;
    struct stat st;
    char home[128], path[160];

    MUST(store_usage(a->store, &u));
    own()->store_used = u.used_bytes;
    school_home(home, self);
    (void)snprintf(path, sizeof(path), "%s/store/data.mdb", home);
    own()->store_file = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void measure_self(void)
{
    struct watched w = {.pid = getpid()};
    int64_t until = clock_mono_ms() + AT_REST_MS;
    struct life *l = own();

    do { /* the system may count a thread that was joined a moment longer */
        read_memory(&w);
        clock_sleep_ms(w.threads > 1 ? 10 : 0);
    } while (w.threads > 1 && clock_mono_ms() < until);
    l->anon_kib = w.anon_kib;
    l->files = w.files;
    l->threads = w.threads;
    if (l->first_files == 0)
        l->first_files = w.files;
    if (w.files > l->most_files)
        l->most_files = w.files;
    if (w.threads > l->most_threads)
        l->most_threads = w.threads;
}

/* Somebody sits down: enters, and it is sent, or not yet. */
static void sit_down(int64_t *next_ms)
{
    bool is_over = atomic_load(&region->is_over);
    struct agent *a = NULL;
    char home[128];

    school_home(home, self);
    MUST(agent_open(&a, home));
    for (uint32_t n = is_over ? 0 : 1 + chance_below(4); n > 0; n--) {
        atomic_store(&own()->doing, DOING_DEED);
        deed_do(a, own());
        atomic_store(&own()->doing, DOING_NOTHING);
    }
    if (!is_over && self % LIFE_STICK == 0 && chance_below(2) == 0)
        send_stick(a);
    else if (is_over || chance_below(6) != 0)
        meet(a, next_ms);
    measure_store(a);
    agent_close(a);
    measure_self();
}

static void wake_up(void)
{
    struct agent *a = NULL;
    char home[128];

    school_home(home, self);
    MUST(agent_open(&a, home));
    deed_recover(a, own());
    agent_close(a);
}

_Noreturn void school_live(size_t i)
{
    self = i;
    school_enter(i);
    herd_chance_begin(own()->chance += UINT64_C(0x632be59bd9b4e019));
    own()->first_files = 0;
    atomic_store(&own()->doing, DOING_NOTHING);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || setpriority(PRIO_PROCESS, 0, 10) != 0)
        _exit(126);
    wake_up();
    for (int64_t next_ms = clock_wall_ms() + about_ms(PACE_MS / 2); !own()->is_quiet;) {
        int64_t left = next_ms - clock_wall_ms();

        if (atomic_load(&region->is_over) && left > QUIET_MS)
            next_ms = clock_wall_ms() + (int64_t)chance_below(QUIET_MS);
        else if (left > 0)
            clock_sleep_ms(left < 200 ? left : 200);
        else {
            next_ms = clock_wall_ms() + about_ms(PACE_MS);
            sit_down(&next_ms);
        }
    }
    _exit(0);
}
