#include "tests/bench/herd/herd.h"

#include <dirent.h>

#define READY_MS 60000
#define END_MS   60000

struct watched gateway = {.name = "svodka-hub-gatew"}; /* as much of it as the system remembers */
struct watched core = {.name = "svodka-hub"};
static pid_t serve;

static double ticks(void)
{
    return (double)sysconf(_SC_CLK_TCK);
}

/* Name, parent and processor time of a process. */
static bool read_stat(pid_t pid, char name[64], pid_t *parent, double *cpu)
{
    unsigned long user = 0, system = 0;
    char path[64], line[1024];
    char *at;
    bool is_there = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    if ((f = fopen(path, "r")) == NULL)
        return false;
    if (fgets(line, sizeof(line), f) != NULL && (at = strrchr(line, ')')) != NULL) {
        char *open_at = strchr(line, '(');
        long ppid = 0;

        *at = '\0';
        (void)snprintf(name, 64, "%s", open_at != NULL ? open_at + 1 : "");
        is_there = sscanf(at + 2, "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ppid, &user, &system) == 3;
        *parent = (pid_t)ppid;
        *cpu = (double)(user + system) / ticks();
    }
    (void)fclose(f);
    return is_there;
}

static long count_files(pid_t pid)
{
    char path[64];
    long n = -2; /* . and .. */
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
    if ((d = opendir(path)) == NULL)
        return 0;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

static void read_memory(struct watched *w)
{
    char path[64], line[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)w->pid);
    if ((f = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof(line), f) != NULL) {
        (void)sscanf(line, "RssAnon: %ld", &w->anon_kib);
        (void)sscanf(line, "VmRSS: %ld", &w->rss_kib);
    }
    (void)fclose(f);
    w->files = count_files(w->pid);
    if (w->anon_kib > w->most_anon_kib)
        w->most_anon_kib = w->anon_kib;
    if (w->rss_kib > w->most_rss_kib)
        w->most_rss_kib = w->rss_kib;
    if (w->files > w->most_files)
        w->most_files = w->files;
}

static void find_children(void)
{
    struct dirent *at;
    DIR *d = opendir("/proc");

    if (d == NULL)
        at_fault("/proc cannot be read");
    while ((at = readdir(d)) != NULL) {
        pid_t pid = (pid_t)strtol(at->d_name, NULL, 10);
        pid_t parent = 0;
        char name[64];
        double cpu;

        if (pid <= 0 || !read_stat(pid, name, &parent, &cpu) || parent != serve)
            continue;
        if (strncmp(name, "svodka-hub-gat", 14) == 0)
            gateway.pid = pid;
        else
            core.pid = pid;
    }
    (void)closedir(d);
}

static void watch_one(struct watched *w)
{
    char name[64];
    pid_t parent;
    double cpu;

    if (w->pid != 0 && !read_stat(w->pid, name, &parent, &cpu)) { /* killed: what it used stays used */
        w->cpu_before += w->cpu;
        w->cpu = 0;
        w->pid = 0;
    }
    if (w->pid == 0)
        find_children();
    if (w->pid != 0 && read_stat(w->pid, name, &parent, &cpu)) {
        w->cpu = cpu;
        read_memory(w);
    }
}

void hub_watch(void)
{
    watch_one(&gateway);
    watch_one(&core);
}

double hub_cpu(void)
{
    return gateway.cpu_before + gateway.cpu + core.cpu_before + core.cpu;
}

void hub_kill(void)
{
    hub_watch();
    if (gateway.pid == 0 || core.pid == 0 || kill(gateway.pid, SIGKILL) != 0 || kill(core.pid, SIGKILL) != 0)
        at_fault("gateway and core cannot be killed");
}

void hub_begin(void)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub", word[] = "serve", option[] = "--home";
    char libexec[] = SVODKA_BINARY_DIR "/hub", ready[160];
    char *argv[] = {program, word, option, herd->home, NULL};
    struct district d = {.home = ""};
    int64_t until = clock_mono_ms() + READY_MS;

    (void)snprintf(d.dir, sizeof(d.dir), "%s", herd->dir);
    (void)snprintf(ready, sizeof(ready), "%s/run/ready", herd->home);
    if (setenv("SVODKA_LIBEXEC", libexec, 1) != 0)
        at_fault("setenv");
    serve = start_program(&d, argv, -1);
    while (access(ready, F_OK) != 0) {
        if (clock_mono_ms() > until)
            at_fault("the hub does not start; see %s/hub.log", herd->dir);
        clock_sleep_ms(20);
    }
    hub_watch();
}

void hub_end(void)
{
    hub_watch();
    end_program(&serve, SIGTERM);
}
