#include "tests/fault/soak/soak.h"

#include "tests/fault/seeded.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#define NOTES_MAX  40u
#define NOTE_BYTES 200u

int64_t true_ms;
struct school schools[SCHOOLS_MAX];
size_t school_count;
struct school *speaking;
uint64_t soak_op;

static const int64_t began_ms = INT64_C(1601892000000); /* 5 October 2020, 10:00 UTC */
static uint64_t seed;
static char notes[NOTES_MAX][NOTE_BYTES];
static uint64_t note_count;
static bool is_loud;

/* ---- chance ---- */

uint64_t chance(void)
{
    return seeded_next(&seeded_lives);
}

bool once_in(uint32_t many)
{
    return chance() % many == 0;
}

uint32_t chance_below(uint32_t below)
{
    return (uint32_t)(chance() % below);
}

int64_t chance_between(int64_t least, int64_t most)
{
    return least + (int64_t)(chance() % (uint64_t)(most - least + 1));
}

void chance_of_keys_moves(void)
{
    seeded_keys ^= seeded_next(&seeded_keys) << 1;
}

/* ---- time ---- */

void clock_of(int64_t error_ms)
{
    clock_test_set(true_ms + error_ms);
    clock_test_set_mono(true_ms - began_ms + HOUR);
}

void time_passes(int64_t ms)
{
    true_ms += ms;
}

/* ---- what is said ---- */

void soak_note(const char *fmt, ...)
{
    char *to = notes[note_count++ % NOTES_MAX];
    int n = snprintf(to, NOTE_BYTES, "%llu ", (unsigned long long)soak_op);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(to + n, NOTE_BYTES - (size_t)n, fmt, ap);
    va_end(ap);
    if (is_loud)
        (void)fprintf(stderr, "  %s\n", to);
}

_Noreturn void at_fault(const char *fmt, ...)
{
    va_list ap;

    fail_io_disarm();
    (void)fprintf(stderr, "soak: the last operations:\n");
    for (uint64_t i = note_count > NOTES_MAX ? note_count - NOTES_MAX : 0; i < note_count; i++)
        (void)fprintf(stderr, "  %s\n", notes[i % NOTES_MAX]);
    (void)fprintf(stderr, "soak: seed %llu, operation %llu: ", (unsigned long long)seed, (unsigned long long)soak_op);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    (void)fflush(NULL);
    _exit(1);
}

/* ---- one run ---- */

struct totals {
    uint64_t ops, acknowledged, refused, submissions, counted;
    uint64_t faults[FAULTS];
};
static struct totals *totals; /* shared with the processes of the runs */
static uint64_t ops_of_a_run = 500;

/* In a hundred operations there are about so many of each. */
static void operate(struct school *s, uint32_t what)
{
    if (what < 4)
        fault_happen(s);
    else if (what < 13)
        world_meet(s);
    else if (what < 16)
        stick_from(s);
    else if (what < 18)
        office_reads();
    else if (what < 20)
        stick_to(s);
    else if (what < 23)
        office_decides(s);
    else if (deed_do(s) == OK)
        totals->acknowledged++;
    else
        totals->refused++;
}

static void live(void)
{
    for (soak_op = 1; soak_op <= ops_of_a_run; soak_op++) {
        struct school *s = &schools[chance_below((uint32_t)school_count)];

        time_passes(chance_between(1, 20) * MINUTE);
        if (once_in(40))
            hub_tick();
        totals->ops++;
        operate(s, chance_below(100));
    }
}

static void run(const char *dir)
{
    history_begin();
    true_ms = began_ms;
    seeded_lives = seed; /* neighbours are to have nothing in common */
    seeded_lives = seeded_next(&seeded_lives);
    seeded_keys = ~seeded_next(&seeded_lives);
    school_count = 3 + chance_below(SOAK_SCHOOLS_MAX - 2);
    MUST(keys_start());
    world_make(dir);
    live();
    world_heal();
    check_all();
    for (uint32_t i = 0; i < entry_count; i++)
        totals->counted += entries[i].is_counted;
    if (once_in(3))
        erase_at_last(dir);
    world_forget();
    check_clear(dir);
    totals->submissions += entry_count;
    for (size_t i = 0; i < FAULTS; i++)
        totals->faults[i] += fault_counts[i];
}

/* In a process of its own: whatever goes wrong there, the seed is known. */
static bool run_apart(void)
{
    char dir[] = "/dev/shm/svodka-soak-XXXXXX";
    int status = 0;
    pid_t pid;

    if (mkdtemp(dir) == NULL)
        at_fault("no folder");
    (void)fflush(NULL);
    if ((pid = fork()) == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(2);
        run(dir);
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        at_fault("no process");
    if (status == 0)
        folder_remove(dir);
    else
        (void)fprintf(stderr, "soak: seed %llu ended with %d; its district lies in %s\n", (unsigned long long)seed,
                      status, dir);
    return status == 0;
}

/* ---- many ---- */

static double cpu_seconds(void)
{
    struct rusage own, children;

    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

static void say(uint64_t runs, uint64_t first)
{
    uint64_t faults = 0;

    for (size_t i = 0; i < FAULTS; i++)
        faults += totals->faults[i];
    (void)printf("soak: seeds %llu to %llu: %llu runs, %llu operations, %llu submissions, %llu of them count, "
                 "%llu faults, nothing found; %.0f s of processor time\n",
                 (unsigned long long)first, (unsigned long long)(first + runs - 1), (unsigned long long)runs,
                 (unsigned long long)totals->ops, (unsigned long long)totals->submissions,
                 (unsigned long long)totals->counted, (unsigned long long)faults, cpu_seconds());
    (void)fflush(stdout);
}

static void say_faults(void)
{
    for (size_t i = 0; i < FAULTS; i++)
        (void)printf("soak: %8llu times %s\n", (unsigned long long)totals->faults[i], fault_names[i]);
}

static uint64_t argument(const char *text)
{
    char *end = NULL;
    unsigned long long n = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0') {
        (void)fputs("usage: soak [HOURS | --runs N] [--seed N] [--fresh] [--ops N] [--loud]\n"
                    "HOURS, or --fresh after the runs: seeds that nobody chose\n",
                    stderr);
        exit(2);
    }
    return n;
}

/* What nobody chose: from the clock of this computer, which nothing else here reads. */
static uint64_t fresh_seed(void)
{
    struct timespec now = {.tv_sec = 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct order {
    uint64_t runs, hours, first;
    bool has_seed, with_fresh;
};

static struct order order_of(int argc, char **argv)
{
    struct order o = {.first = 1};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--loud") == 0)
            is_loud = true;
        else if (strcmp(argv[i], "--fresh") == 0)
            o.with_fresh = true;
        else if (strcmp(argv[i], "--runs") == 0)
            o.runs = argument(argv[++i]);
        else if (strcmp(argv[i], "--ops") == 0)
            ops_of_a_run = argument(argv[++i]);
        else if (strcmp(argv[i], "--seed") == 0) {
            o.first = argument(argv[++i]);
            o.has_seed = true;
        } else
            o.hours = argument(argv[i]);
    }
    if (o.runs == 0 && o.hours == 0)
        o.runs = 1;
    if (o.hours != 0 && !o.has_seed)
        o.first = fresh_seed();
    return o;
}

int main(int argc, char **argv)
{
    const struct order o = order_of(argc, argv);
    time_t until = time(NULL) + (time_t)(o.hours * 3600);
    uint64_t done = 0;

    totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED || setenv("TZ", "UTC", 1) != 0 || setenv("LC_ALL", "C", 1) != 0 ||
        seeded_start(o.first) != 0)
        at_fault("cannot begin");
    tzset();
    log_init("soak", is_loud ? LOG_WARNING : (enum log_level)0);
    for (seed = o.first; o.hours != 0 ? time(NULL) < until : done < o.runs; seed++) {
        if (!run_apart())
            return 1;
        if (++done % 50 == 0)
            say(done, o.first);
    }
    say(done, o.first);
    if (o.with_fresh) {
        seed = fresh_seed();
        (void)printf("soak: one more, with seed %llu\n", (unsigned long long)seed);
        if (!run_apart())
            return 1;
    }
    say_faults();
    return 0;
}
