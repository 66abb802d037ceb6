/* life [--minutes N | --seconds N] [--agents N] [--hostile N] [--seed N] [--dir DIR] [--valgrind] [--keep]
 *
 * Exit code 0: all that was acknowledged is at the hub once and counts as it should, and nothing grew.  Growth is
 * judged from LEAST_S seconds on. */
#include "tests/fault/life/life.h"

#include <dirent.h>
#include <sys/mman.h>

/* What these keep of what was freed grows. */
#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif
#define LEAST_S  240.0
#define LINE_S   60.0
#define QUIET_MS 900000
#define STEP_MS  20

struct region *region;

double since_began(void)
{
    return (double)clock_mono_ms() / 1e3 - region->began;
}

uint32_t chance_below(uint32_t below)
{
    return (uint32_t)((herd_chance() >> 32) * below >> 32);
}

int64_t about_ms(double ms)
{
    return (int64_t)(ms * region->tempo * (0.5 + (double)chance_below(1001) / 1000));
}

bool hub_may_die(void)
{
    double at = since_began() / region->length;

    return at < 0.33 || at >= 0.90;
}

/* ---- under valgrind ---- */

static char valgrind_log[160];

static void wrap_hub(void)
{
    static const char *const words[] = {"/usr/bin/valgrind",    "-q",         "--leak-check=full",
                                        "--trace-children=yes", valgrind_log, NULL};

    (void)snprintf(valgrind_log, sizeof(valgrind_log), "--log-file=%s/valgrind.%%p", herd->dir);
    hub_wrapper = words;
}

/* What it said of any of the hub's processes. */
static void check_valgrind(void)
{
    char path[400];
    struct dirent *at;
    struct stat st;
    size_t count = 0;
    DIR *d = opendir(herd->dir);

    while (d != NULL && (at = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", herd->dir, at->d_name);
        if (strncmp(at->d_name, "valgrind.", 9) != 0 || stat(path, &st) != 0)
            continue;
        count++;
        if (st.st_size != 0)
            at_fault("valgrind found something: %s", path);
    }
    if (d != NULL)
        (void)closedir(d);
    if (count < 3) /* serve, core, gateway */
        at_fault("valgrind did not run");
    (void)printf("valgrind: %zu processes of the hub, nothing found\n", count);
}

/* A program of the hub that ended by itself has been started again since: who does not look does not know. */
static void check_log(void)
{
    struct district d = {.home = ""};
    char text[32];

    (void)snprintf(d.dir, sizeof(d.dir), "%s", herd->dir);
    for (int s = 1; s < 32; s++) {
        (void)snprintf(text, sizeof(text), "ended (signal %d)", s);
        if (s != SIGKILL && log_has(&d, text))
            at_fault("a program of the hub died; %s/hub.log", herd->dir);
    }
    if (log_has(&d, "ended (exit code") || log_has(&d, "Sanitizer") || log_has(&d, "runtime error"))
        at_fault("a program of the hub ended by itself; %s/hub.log", herd->dir);
}

/* ---- the parts of the time ---- */

static void begin(size_t hostile)
{
    char lines[160], inbox[128];

    (void)snprintf(inbox, sizeof(inbox), "%s/inbox", herd->dir);
    (void)snprintf(lines, sizeof(lines), "inbox: \"%s\"\nstore.map_size: %s\n", inbox,
                   hub_wrapper != NULL ? "1G" : "16G"); /* valgrind cannot map more */
    if (mkdir(inbox, 0700) != 0)
        at_fault("%s: %s", inbox, strerror(errno));
    herd_make_hub(lines);
    herd_make_schools(0);
    hub_begin();
    region->began = (double)clock_mono_ms() / 1e3;
    line_begin();
    hostile_start(hostile);
    office_begin();
    schools_begin();
}

static void play(void)
{
    double line = 0;

    while (since_began() < region->length) {
        bool say = since_began() >= line;

        if (say)
            line += LINE_S;
        faults_step();
        office_look();
        watch_step(say);
        clock_sleep_ms(STEP_MS);
    }
}

/* No more faults; all meet until nothing waits. */
static void come_to_rest(void)
{
    const char *const reopen[] = {"period", "reopen", life_periods[1], "--reason", "played"};
    static const char *const release[] = {"quarantine", "release", "--all"};
    int64_t until = clock_mono_ms() + QUIET_MS;

    atomic_store(&region->is_over, true);
    faults_end();
    office_end();
    hostile_end();
    while (!schools_ended()) {
        if (clock_mono_ms() > until)
            at_fault("something still waits at a school; %s/hub.log", herd->dir);
        clock_sleep_ms(STEP_MS);
    }
    line_end();
    (void)office_command(reopen, COUNT(reopen), INT64_MAX); /* it may be open already */
    if (office_command(release, COUNT(release), INT64_MAX) != 0)
        at_fault("svodka-hub quarantine release failed; %s/office.log", herd->dir);
    hub_end();
}

static void say(void)
{
    struct life all = {.deeds = 0};

    for (size_t i = 0; i < herd->count; i++) {
        const struct life *l = &region->life[i];

        all.deeds += l->deeds;
        all.meetings += l->meetings;
        all.complete += l->complete;
        all.put_off += l->put_off;
        all.lost += l->lost;
        all.sticks += l->sticks;
        all.answers += l->answers;
        all.undecided += l->undecided;
        all.undecided_done += l->undecided_done;
    }
    (void)printf(
        "schools: %llu deeds, %llu meetings (%llu complete, %llu put off, %llu lost), %llu sticks, %llu answers\n",
        (unsigned long long)all.deeds, (unsigned long long)all.meetings, (unsigned long long)all.complete,
        (unsigned long long)all.put_off, (unsigned long long)all.lost, (unsigned long long)all.sticks,
        (unsigned long long)all.answers);
    (void)printf(
        "killed: gateway %llu, core %llu, schools %llu (%llu in a deed, %llu in a meeting, %llu at a stick; of "
        "%llu deeds under way %llu were done)\n",
        (unsigned long long)region->gateway_kills, (unsigned long long)region->core_kills,
        (unsigned long long)region->school_kills, (unsigned long long)region->in_deed,
        (unsigned long long)region->in_meeting, (unsigned long long)region->in_stick, (unsigned long long)all.undecided,
        (unsigned long long)all.undecided_done);
    (void)printf(
        "stopped: gateway or core %llu, schools %llu; line: %llu connections, %llu cut, %llu half closed, %llu "
        "held back, %llu abandoned\n",
        (unsigned long long)region->stops, (unsigned long long)region->school_stops, (unsigned long long)region->lines,
        (unsigned long long)region->cut, (unsigned long long)region->half_closed, (unsigned long long)region->held_back,
        (unsigned long long)region->abandoned);
    (void)printf(
        "office: %llu commands, %llu killed, %llu failed after a fault; %llu backups, closed %llu times; hub %.1f s "
        "of processor time\n",
        (unsigned long long)region->commands, (unsigned long long)region->interrupted,
        (unsigned long long)region->failed, (unsigned long long)region->backups, (unsigned long long)region->closed,
        hub_cpu());
}

/* ---- arguments ---- */

struct options {
    size_t agents, hostile;
    uint64_t seed;
    double seconds;
    bool keep, valgrind;
    const char *dir;
};

static _Noreturn void usage(void)
{
    (void)fprintf(stderr, "usage: life [--minutes N | --seconds N] [--agents N] [--hostile N] [--seed N]\n"
                          "            [--dir DIR] [--valgrind] [--keep]\n");
    exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
    char *end = NULL;
    unsigned long long n = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0' || n > most)
        usage();
    return n;
}

static void read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--keep") == 0)
            o->keep = true;
        else if (strcmp(argv[i], "--valgrind") == 0)
            o->valgrind = true;
        else if (i++, strcmp(argv[i - 1], "--agents") == 0)
            o->agents = number(value, LIFE_MAX);
        else if (strcmp(argv[i - 1], "--hostile") == 0)
            o->hostile = number(value, 1000);
        else if (strcmp(argv[i - 1], "--seed") == 0)
            o->seed = number(value, UINT64_MAX);
        else if (strcmp(argv[i - 1], "--minutes") == 0)
            o->seconds = 60 * (double)number(value, 1440);
        else if (strcmp(argv[i - 1], "--seconds") == 0)
            o->seconds = (double)number(value, 86400);
        else if (strcmp(argv[i - 1], "--dir") == 0 && value != NULL && strlen(value) < 40)
            o->dir = value;
        else
            usage();
    }
    if (o->agents < 2 || o->seconds < 1)
        usage();
}

int main(int argc, char **argv)
{
    struct options o = {.agents = 200, .hostile = 20, .seed = 1, .seconds = 3600, .dir = "/dev/shm"};
    bool is_flat;

    read_options(argc, argv, &o);
    herd_begin(o.seed);
    region = mmap(NULL, sizeof(*region), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED)
        return 1;
    herd->count = o.agents;
    region->length = o.seconds;
    region->tempo = o.seconds >= LEAST_S ? 1 : o.seconds / LEAST_S;
    (void)snprintf(herd->dir, sizeof(herd->dir), "%s/svodka-life-XXXXXX", o.dir);
    MUST(keys_start());
    log_init("life", LOG_ERROR);
    if (setenv("TZ", "UTC", 1) != 0 || mkdtemp(herd->dir) == NULL)
        at_fault("cannot begin in %s", o.dir);
    if (o.valgrind)
        wrap_hub();
    begin(o.hostile);
    (void)printf("life: %zu schools for %.0f s, seed %llu, in %s\n", herd->count, region->length,
                 (unsigned long long)herd->seed, herd->dir);
    play();
    come_to_rest();
    say();
    is_flat = watch_rest();
    if (o.seconds >= LEAST_S && !o.valgrind && !IS_SANITIZED)
        is_flat &= watch_judge();
    life_check();
    check_log();
    if (o.valgrind)
        check_valgrind();
    if (!o.keep)
        folder_remove(herd->dir);
    return is_flat ? 0 : 1;
}
