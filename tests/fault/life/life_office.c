/* The office: one operator who asks and decides all the time, beside a hub that is stopped and killed. */
#include "tests/fault/life/life.h"

#include <dirent.h>
#include <ftw.h>

#define PAUSE_MS     6000.0 /* between two commands */
#define COMMAND_MS   900000 /* what takes longer hangs */
#define SAMPLE_MS    15000.0
#define NEVER        INT64_MAX
#define AFTERMATH    30 /* seconds after a fault of the hub in which a command may fail */
#define BACKUPS_KEPT 2u

static pid_t process;
static int64_t sample_ms;

static bool write_to(const char *path, int as)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd >= 0 && dup2(fd, as) >= 0;
}

int office_command(const char *const *words, size_t count, int64_t kill_after_ms)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub", out[128], log[128];
    char *argv[16] = {program};
    int64_t began = clock_mono_ms();
    int64_t limit = kill_after_ms < COMMAND_MS ? kill_after_ms : COMMAND_MS;
    int status;
    pid_t pid;

    for (size_t i = 0; i < count && i + 4 < COUNT(argv); i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    argv[count + 1] = (char *)(uintptr_t) "--home";
    argv[count + 2] = herd->home;
    (void)snprintf(out, sizeof(out), "%s/office.out", herd->dir);
    (void)snprintf(log, sizeof(log), "%s/office.log", herd->dir);
    if ((pid = fork()) < 0)
        at_fault("fork: %s", strerror(errno));
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || !write_to(out, STDOUT_FILENO) || !write_to(log, STDERR_FILENO))
            _exit(126);
        (void)execv(program, argv);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_mono_ms() - began > limit) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            if (limit == COMMAND_MS)
                at_fault("svodka-hub %s %s does not end", words[0], count > 1 ? words[1] : "");
            break;
        }
        clock_sleep_ms(5);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what it asks ---- */

static bool was_disturbed(double since)
{
    return (double)atomic_load(&region->disturbed) + AFTERMATH >= since;
}

/* A command that fails although the hub was left in peace is a finding. */
static bool ask(const char *const *words, size_t count, bool may_say_no)
{
    double began = since_began();
    int code = office_command(words, count, NEVER);

    region->commands++;
    if (code == 0)
        return true;
    if (code >= 126 || (!may_say_no && !was_disturbed(began)))
        at_fault("svodka-hub %s %s ended with %d; %s/office.log", words[0], count > 1 ? words[1] : "", code, herd->dir);
    region->failed += !may_say_no;
    return false;
}

#define ASK(may_say_no, ...)                                                                                           \
    ask((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})), may_say_no)

/* Whether the last one was done, a hub that died meanwhile leaves open: the one that follows may find it so already. */
static void close_or_open(void)
{
    static bool is_closed;

    if (is_closed)
        (void)ASK(true, "period", "reopen", life_periods[1], "--reason", "played");
    else
        region->closed += ASK(true, "period", "close", life_periods[1], "--force", "--reason", "played");
    is_closed = !is_closed;
    if (!is_closed)
        (void)ASK(false, "quarantine", "release", "--all");
}

static void back_up(void)
{
    static uint64_t number;
    char path[160], text[24];

    (void)snprintf(path, sizeof(path), "%s/backup-%llu", herd->dir, (unsigned long long)++number);
    if (ASK(false, "backup", path)) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)++region->backups);
        (void)ASK(true, "backup", "confirm", text);
    }
    if (number > BACKUPS_KEPT) {
        (void)snprintf(path, sizeof(path), "%s/backup-%llu", herd->dir, (unsigned long long)(number - BACKUPS_KEPT));
        (void)unlink(path);
    }
}

/* Somebody presses Ctrl-C too hard: it dies with a reader open. */
static void check_and_die(void)
{
    const char *const words[] = {"verify"};
    int code = office_command(words, 1, 20 + (int64_t)chance_below(400));

    region->commands++;
    region->interrupted += code >= 128;
    if (code != 0 && code != 128 + SIGKILL)
        at_fault("svodka-hub verify ended with %d; %s/office.log", code, herd->dir);
}

static void decide(void)
{
    switch (chance_below(16)) {
    case 0:
    case 1: (void)ASK(true, "night", "--alert"); break;
    case 2: (void)ASK(false, "night"); break;
    case 3:
    case 4: (void)ASK(false, "status"); break;
    case 5: (void)ASK(false, "indicators", "--period", life_periods[0], "--format", "csv"); break;
    case 6: (void)ASK(false, "indicators"); break;
    case 7: (void)ASK(true, "doctor"); break;
    case 8: (void)ASK(false, "quarantine", "list"); break;
    case 9: (void)ASK(false, "school", "list"); break;
    case 10:
        if (chance_below(3) == 0)
            (void)ASK(false, "verify");
        break;
    case 11:
    case 12: check_and_die(); break;
    case 13: back_up(); break;
    default: close_or_open(); break;
    }
}

/* ---- what it sees ---- */

static uint64_t bytes_below;

static int add_size(const char *path, const struct stat *st, int kind)
{
    (void)path;
    if (kind == FTW_F)
        bytes_below += (uint64_t)st->st_blocks * 512;
    return 0;
}

static uint64_t disk_of(const char *path)
{
    bytes_below = 0;
    (void)ftw(path, add_size, 32); /* what vanishes meanwhile is no matter */
    return bytes_below;
}

static void sample(void)
{
    struct ledger_totals totals;
    struct store_usage u;
    struct store_txn *t;
    struct stat st;
    struct hub *h;
    char path[160];
    uint64_t of_schools = 0;

    MUST(hub_open(&h, herd->home, HUB_READ));
    MUST(store_usage(h->store, &u));
    MUST(store_begin_read(h->store, &t));
    MUST(ledger_totals(t, &totals));
    store_abort(t);
    hub_close(h, false);
    region->submissions = totals.records;
    region->hub_used = u.used_bytes;
    (void)snprintf(path, sizeof(path), "%s/store/data.mdb", herd->home);
    region->hub_file = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    region->hub_disk = disk_of(herd->home);
    (void)snprintf(path, sizeof(path), "%s/spool", herd->home);
    region->spool = disk_of(path);
    for (size_t i = 0; i < herd->count; i++) {
        school_home(path, i);
        of_schools += disk_of(path);
    }
    region->schools_disk = of_schools;
}

/* What was read is thrown away, as an office does; nothing of it may have been bad. */
static void clear_inbox(void)
{
    static const char *const folders[] = {"done", "bad"};
    char path[512];
    struct dirent *at;
    DIR *d;

    for (size_t i = 0; i < COUNT(folders); i++) {
        (void)snprintf(path, sizeof(path), "%s/inbox/%s", herd->dir, folders[i]);
        if ((d = opendir(path)) == NULL)
            continue;
        while ((at = readdir(d)) != NULL) {
            if (at->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof(path), "%s/inbox/%s/%s", herd->dir, folders[i], at->d_name);
            if (i == 1)
                at_fault("the hub calls a good file bad: %s", path);
            (void)unlink(path);
        }
        (void)closedir(d);
    }
}

static _Noreturn void work(void)
{
    int64_t next_ms = clock_mono_ms() + about_ms(PAUSE_MS);

    while (!atomic_load(&region->is_over)) {
        if (clock_mono_ms() >= sample_ms) {
            sample();
            clear_inbox();
            sample_ms = clock_mono_ms() + about_ms(SAMPLE_MS);
        }
        if (clock_mono_ms() >= next_ms) {
            decide();
            next_ms = clock_mono_ms() + about_ms(PAUSE_MS);
        }
        clock_sleep_ms(50);
    }
    _exit(0);
}

void office_begin(void)
{
    if ((process = fork()) < 0)
        at_fault("fork: %s", strerror(errno));
    if (process == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(126);
        herd_chance_begin(herd->seed ^ UINT64_C(0x0ff1ce));
        work();
    }
}

void office_look(void)
{
    int status;

    if (waitpid(process, &status, WNOHANG) != 0)
        at_fault("the office ended before its time");
}

void office_end(void)
{
    int status;

    if (waitpid(process, &status, 0) != process || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        at_fault("the office ended badly");
}
