/* herd [--agents N] [--kill] [--hostile N] [--seed N] [--window SECONDS] [--limit SECONDS] [--quick] [--dir DIR]
 *
 * Exit code 0: every submission of every school is counted once, and the hub verifies; 1: not so, or not in time. */
#include "tests/bench/herd/herd.h"

#include <sys/resource.h>

#define SAMPLE_MS 250
#define LINE_MS   10000
#define KILLS     2u
#define RUDE_PART 10u /* of the hostile: one in so many is a school in good standing */

struct options {
    size_t agents, hostile;
    int64_t limit_ms;
    bool kills;
    const char *dir;
};

/* ---- playing ---- */

static void say_line(int64_t began_ms, size_t done)
{
    (void)printf(
        "%5.0f s  %5zu served   gateway %5.1f MiB anonymous (%5.1f), %4ld files   core %5.1f MiB (%5.1f), %3ld "
        "files   hub %.1f s of processor time\n",
        (double)(clock_mono_ms() - began_ms) / 1e3, done, (double)gateway.anon_kib / 1024,
        (double)gateway.rss_kib / 1024, gateway.files, (double)core.anon_kib / 1024, (double)core.rss_kib / 1024,
        core.files, hub_cpu());
    (void)fflush(stdout);
}

/* Milliseconds until the last one was served. */
static int64_t play(const struct options *o)
{
    int64_t began_ms = clock_mono_ms();
    int64_t line_ms = began_ms;
    size_t wanted = herd->count - herd->rude;
    size_t killed = 0, done = 0;

    hostile_start(o->hostile - herd->rude);
    schools_start();
    while ((done = schools_done()) < wanted) {
        if (clock_mono_ms() - began_ms > o->limit_ms)
            at_fault("after %lld s %zu of %zu schools are served; %s/hub.log", (long long)o->limit_ms / 1000, done,
                     wanted, herd->dir);
        hub_watch();
        if (o->kills && killed < KILLS && done >= wanted * (killed + 1) / (KILLS + 1)) {
            hub_kill();
            killed++;
            (void)printf("%5.0f s  gateway and core are killed\n", (double)(clock_mono_ms() - began_ms) / 1e3);
        }
        if (clock_mono_ms() - line_ms >= LINE_MS) {
            line_ms = clock_mono_ms();
            say_line(began_ms, done);
        }
        clock_sleep_ms(SAMPLE_MS);
    }
    if (o->kills && killed < KILLS)
        at_fault("the hub was not killed %u times", KILLS);
    began_ms = clock_mono_ms() - began_ms;
    if (!schools_end())
        at_fault("a process of the schools failed");
    hostile_end();
    return began_ms;
}

/* ---- what came of it ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void say_spread(const char *what, int64_t *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    (void)printf("%-28s p50 %8.2f s   p95 %8.2f s   p99 %8.2f s   most %8.2f s\n", what, (double)v[n / 2] / 1e3,
                 (double)v[n * 95 / 100] / 1e3, (double)v[n * 99 / 100] / 1e3, (double)v[n - 1] / 1e3);
}

static void say_watched(const char *name, const struct watched *w)
{
    (void)printf("%-28s at most %.1f MiB anonymous (%.1f in all), %ld open files; %.1f s of processor time\n", name,
                 (double)w->most_anon_kib / 1024, (double)w->most_rss_kib / 1024, w->most_files,
                 w->cpu_before + w->cpu);
}

static void say(int64_t took_ms)
{
    static int64_t meeting[SCHOOL_MAX], wait[SCHOOL_MAX];
    uint64_t attempts = 0, put_off = 0, lost = 0, rude = 0;
    uint32_t worst = 0;
    size_t n = herd->count - herd->rude;
    struct rusage schools;

    for (size_t i = 0; i < n; i++) {
        const struct school *s = &herd->schools[i];

        meeting[i] = s->meeting_ms;
        wait[i] = s->done_ms - s->first_ms;
        attempts += s->attempts;
        put_off += s->put_off;
        lost += s->lost;
        if (s->attempts > worst)
            worst = s->attempts;
    }
    for (size_t i = n; i < herd->count; i++)
        rude += herd->schools[i].attempts;
    (void)getrusage(RUSAGE_CHILDREN, &schools);
    (void)printf("%-28s %zu in %.1f s (seed %llu)\n", "schools served", n, (double)took_ms / 1e3,
                 (unsigned long long)herd->seed);
    say_spread("a school's meeting", meeting, n);
    say_spread("from its first knock", wait, n);
    (void)printf("%-28s %.2f on average, %u at most (%llu times told to come back, %llu times no hub)\n",
                 "attempts of a school", (double)attempts / (double)n, worst, (unsigned long long)put_off,
                 (unsigned long long)lost);
    if (herd->rude > 0)
        (void)printf("%-28s %zu schools, %llu knocks\n", "who ignores the moment", herd->rude,
                     (unsigned long long)rude);
    say_watched("gateway", &gateway);
    say_watched("core", &core);
    (void)printf("%-28s %.1f ms of processor time for each school\n", "hub", hub_cpu() * 1e3 / (double)n);
}

/* The hub's own word, without a running hub. */
static void check(void)
{
    const struct district *d;
    struct district at = {.home = ""};
    uint64_t wanted = (uint64_t)(herd->count - herd->rude) * SUBMISSIONS;
    struct ledger_totals totals;

    (void)snprintf(at.home, sizeof(at.home), "%s", herd->home);
    d = &at;
    totals = held_by(d);
    if (totals.counted != wanted)
        at_fault("the hub counts %llu submissions of %llu", (unsigned long long)totals.counted,
                 (unsigned long long)wanted);
    assert_hub_verifies(d);
    (void)printf("%-28s %llu, each once; verify is clean\n", "submissions at the hub", (unsigned long long)wanted);
}

/* ---- arguments ---- */

static uint64_t number(const char *text, uint64_t most)
{
    char *end = NULL;
    unsigned long long n = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0' || n > most) {
        (void)fprintf(stderr, "usage: herd [--agents N] [--kill] [--hostile N] [--seed N] [--window SECONDS]\n"
                              "            [--limit SECONDS] [--quick] [--dir DIR]\n");
        exit(2);
    }
    return n;
}

static void read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--kill") == 0)
            o->kills = true;
        else if (strcmp(argv[i], "--quick") == 0)
            herd->is_small = true;
        else if (i++, strcmp(argv[i - 1], "--agents") == 0)
            o->agents = number(value, SCHOOL_MAX);
        else if (strcmp(argv[i - 1], "--hostile") == 0)
            o->hostile = number(value, 1000);
        else if (strcmp(argv[i - 1], "--seed") == 0)
            herd->seed = number(value, UINT64_MAX);
        else if (strcmp(argv[i - 1], "--window") == 0)
            herd->window_ms = (int64_t)number(value, 3600) * 1000;
        else if (strcmp(argv[i - 1], "--limit") == 0)
            o->limit_ms = (int64_t)number(value, 86400) * 1000;
        else if (strcmp(argv[i - 1], "--dir") == 0 && value != NULL && strlen(value) < 40)
            o->dir = value;
        else
            (void)number("", 0);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.agents = 5000, .limit_ms = 3600000, .dir = "/dev/shm"};
    int64_t took_ms;

    herd_begin(1);
    herd->window_ms = 10000;
    read_options(argc, argv, &o);
    herd_chance_begin(herd->seed);
    herd->rude = o.hostile / RUDE_PART;
    herd->count = o.agents + herd->rude;
    if (o.agents == 0 || herd->count > SCHOOL_MAX)
        (void)number("", 0);
    (void)snprintf(herd->dir, sizeof(herd->dir), "%s/svodka-herd-XXXXXX", o.dir);
    MUST(keys_start());
    log_init("herd", LOG_ERROR);
    if (setenv("TZ", "UTC", 1) != 0 || mkdtemp(herd->dir) == NULL)
        at_fault("cannot begin in %s", o.dir);
    took_ms = clock_mono_ms();
    herd_make_hub(herd->is_small ? "gateway.slots: 4\n" : "");
    herd_make_schools(SUBMISSIONS);
    (void)printf(
        "herd: %zu schools with %u submissions each, made in %.1f s; all knock within %lld s; strangers: %zu (%s)\n",
        herd->count, SUBMISSIONS, (double)(clock_mono_ms() - took_ms) / 1e3, (long long)herd->window_ms / 1000,
        o.hostile - herd->rude, o.hostile > 0 ? hostile_kinds : "none");
    (void)fflush(stdout);
    hub_begin();
    took_ms = play(&o);
    hub_end();
    say(took_ms);
    check();
    folder_remove(herd->dir);
    return 0;
}
