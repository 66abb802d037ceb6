#include "tests/bench/herd/herd.h"

#include <dirent.h>

#define READY_MS 60000
#define END_MS   60000

struct watched gateway = {.name = "svodka-hub-gatew"}; /* as much of it as the system remembers */
struct watched core = {.name = "svodka-hub"};
const char *const *hub_wrapper;
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

void read_memory(struct watched *w)
{
    char path[64], line[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)w->pid);
    if ((f = fopen(path, "r")) == NULL)
        return;
    while (fgets(line, sizeof(line), f) != NULL) {
        (void)sscanf(line, "RssAnon: %ld", &w->anon_kib);
        (void)sscanf(line, "VmRSS: %ld", &w->rss_kib);
        (void)sscanf(line, "Threads: %ld", &w->threads);
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

/* One of its arguments ends so: also when another program runs it, and not yet before it is what it becomes. */
static bool has_word(pid_t pid, const char *word)
{
    char path[64], words[4096], *at = words;
    size_t len = 0, tail = strlen(word);
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
    if ((f = fopen(path, "r")) != NULL) {
        len = fread(words, 1, sizeof(words) - 1, f);
        (void)fclose(f);
    }
    words[len] = '\0';
    for (size_t n; at < words + len; at += n + 1)
        if ((n = strlen(at)) >= tail && strcmp(at + n - tail, word) == 0)
            return true;
    return false;
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
        if (has_word(pid, "svodka-hub-gateway"))
            gateway.pid = pid;
        else if (has_word(pid, "core"))
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
    char *argv[16] = {NULL};
    size_t argc = 0;
    struct district d = {.home = ""};
    int64_t until = clock_mono_ms() + READY_MS;

    (void)snprintf(d.dir, sizeof(d.dir), "%s", herd->dir);
    (void)snprintf(ready, sizeof(ready), "%s/run/ready", herd->home);
    while (hub_wrapper != NULL && hub_wrapper[argc] != NULL && argc < COUNT(argv) - 5) {
        argv[argc] = (char *)(uintptr_t)hub_wrapper[argc];
        argc++;
    }
    argv[argc++] = program;
    argv[argc++] = word;
    argv[argc++] = option;
    argv[argc] = herd->home;
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
