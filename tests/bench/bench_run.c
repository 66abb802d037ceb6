/* bench_run: runs a command once or many times side by side and tells what it cost.
 *
 *   bench_run [--copies N] [--watch LABEL PID]... [--relay PORT TO_PORT] [--sample MS] [--limit SECONDS]
 *             -- COMMAND [ARGUMENT]...
 *
 * `{}` in an argument becomes the number of the copy, 1 to N.  All copies start at once; the end is when the last one
 * has ended.  Prints key=value lines on standard output (that of the command goes to /dev/null):
 *
 *   wall_s                      from the first start to the last end
 *   cpu_s                       of all copies, by wait4()
 *   anon_kib, rss_kib           the most that any one copy had: RssAnon by sampling, VmHWM
 *   LABEL_cpu_s                 what a watched process (all its threads) used meanwhile
 *   LABEL_anon_kib, LABEL_rss_kib   the most it had; VmHWM is of its whole life
 *   relay_up, relay_down        bytes through the relay: 127.0.0.1:PORT to 127.0.0.1:TO_PORT, both ways
 *   failed                      copies that did not end with exit code 0
 *
 * Exit code 1 when any copy failed, 3 when the limit (default 300 s) was over: then all copies are killed. */
#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPIES_MAX  200
#define WATCHES_MAX 8
#define PAIRS_MAX   64
#define RELAY_BYTES (64u << 10)

struct memory {
    long anon_kib, rss_kib;
};
struct copy {
    pid_t pid; /* 0: ended */
    struct memory most;
};
struct watch {
    const char *label;
    pid_t pid;
    double cpu_before;
    struct memory most;
};
/* One direction of a relayed connection. */
struct flow {
    unsigned char bytes[RELAY_BYTES];
    size_t at, len;
    bool ended;
    uint64_t *counter;
};
struct pair {
    int client, server; /* -1: free */
    struct flow up, down;
};
struct run {
    int copies, watches, sample_ms, limit_s, listen, to_port;
    struct copy copy[COPIES_MAX];
    struct watch watch[WATCHES_MAX];
    struct pair *pairs;
    uint64_t up, down;
    double cpu;
    int running, failed;
    char **command;
};

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("bench_run: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

/* ---- /proc ---- */

static void most(long *kib, const char *line, const char *key)
{
    size_t len = strlen(key);
    long n;

    if (strncmp(line, key, len) == 0 && (n = strtol(line + len, NULL, 10)) > *kib)
        *kib = n;
}

static void sample_memory(pid_t pid, struct memory *m)
{
    char path[64];
    char line[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if ((f = fopen(path, "re")) == NULL)
        return;
    while (fgets(line, sizeof(line), f) != NULL) {
        most(&m->anon_kib, line, "RssAnon:");
        most(&m->rss_kib, line, "VmHWM:");
    }
    (void)fclose(f);
}

/* User and system time so far, all threads. */
static double cpu_of(pid_t pid)
{
    char path[64];
    char text[1024];
    char *at;
    unsigned long user = 0;
    unsigned long kernel = 0;
    FILE *f;
    size_t len;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if ((f = fopen(path, "re")) == NULL)
        die("process %d is gone", (int)pid);
    len = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[len] = '\0';
    /* Fields 14 and 15; the name (field 2) stands in brackets and may hold anything. */
    at = strrchr(text, ')');
    if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
        die("%s: not understood", path);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- the relay ---- */

static int local_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0)
        die("socket: %s", strerror(errno));
    return fd;
}

static struct sockaddr_in local_address(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void relay_open(struct run *r, int port)
{
    struct sockaddr_in a = local_address(port);

    r->listen = local_socket();
    if (bind(r->listen, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(r->listen, 64) != 0)
        die("127.0.0.1:%d: %s", port, strerror(errno));
    if ((r->pairs = calloc(PAIRS_MAX, sizeof(*r->pairs))) == NULL)
        die("no memory");
    for (int i = 0; i < PAIRS_MAX; i++)
        r->pairs[i].client = r->pairs[i].server = -1;
}

static void relay_accept(struct run *r)
{
    struct sockaddr_in a = local_address(r->to_port);
    struct pair *p = r->pairs;
    int yes = 1;

    while (p < r->pairs + PAIRS_MAX && p->client >= 0)
        p++;
    if (p == r->pairs + PAIRS_MAX)
        die("more than %d connections", PAIRS_MAX);
    p->client = accept4(r->listen, NULL, NULL, SOCK_CLOEXEC);
    p->server = local_socket();
    if (p->client < 0 || connect(p->server, (const struct sockaddr *)&a, sizeof(a)) != 0)
        die("the relay cannot connect 127.0.0.1:%d: %s", r->to_port, strerror(errno));
    (void)setsockopt(p->client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (fcntl(p->client, F_SETFL, O_NONBLOCK) != 0 || fcntl(p->server, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl: %s", strerror(errno));
    p->up = (struct flow){.counter = &r->up};
    p->down = (struct flow){.counter = &r->down};
}

/* Reads when empty, writes when not.  A closed or broken side ends the flow. */
static void move_on(struct flow *f, int from, int to)
{
    if (!f->ended && f->len == 0) {
        ssize_t n = read(from, f->bytes, sizeof(f->bytes));

        if (n > 0) {
            f->at = 0;
            f->len = (size_t)n;
            *f->counter += (uint64_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            f->ended = true;
        }
    }
    if (!f->ended && f->len > 0) {
        ssize_t n = send(to, f->bytes + f->at, f->len, MSG_NOSIGNAL);

        if (n > 0) {
            f->at += (size_t)n;
            f->len -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            f->ended = true;
        }
    }
}

static void relay_serve(struct pair *p)
{
    move_on(&p->up, p->client, p->server);
    move_on(&p->down, p->server, p->client);
    if (p->up.ended || p->down.ended) { /* ZeroMQ closes both ways at once */
        (void)close(p->client);
        (void)close(p->server);
        p->client = p->server = -1;
    }
}

static short wanted(const struct flow *reads, const struct flow *writes)
{
    return (short)((reads->len == 0 ? POLLIN : 0) | (writes->len > 0 ? POLLOUT : 0));
}

/* Waits at most `ms`, moving bytes meanwhile. */
static void relay_wait(struct run *r, int ms)
{
    struct pollfd fds[1 + 2 * PAIRS_MAX];
    nfds_t count = 0;

    if (r->listen >= 0) {
        fds[count++] = (struct pollfd){.fd = r->listen, .events = POLLIN};
        for (struct pair *p = r->pairs; p < r->pairs + PAIRS_MAX; p++) {
            fds[count++] = (struct pollfd){.fd = p->client, .events = wanted(&p->up, &p->down)};
            fds[count++] = (struct pollfd){.fd = p->server, .events = wanted(&p->down, &p->up)};
        }
    }
    if (poll(fds, count, ms) <= 0 || r->listen < 0)
        return;
    for (struct pair *p = r->pairs; p < r->pairs + PAIRS_MAX; p++)
        if (p->client >= 0)
            relay_serve(p);
    if ((fds[0].revents & POLLIN) != 0)
        relay_accept(r);
}

/* ---- the copies ---- */

static char *fill(const char *argument, int number)
{
    const char *at = strstr(argument, "{}");
    char *out = malloc(strlen(argument) + 12);

    if (out == NULL)
        die("no memory");
    if (at == NULL)
        (void)sprintf(out, "%s", argument);
    else
        (void)sprintf(out, "%.*s%d%s", (int)(at - argument), argument, number, at + 2);
    return out;
}

static void start(struct run *r, int i)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid == 0) {
        /* Nothing stays behind when this program is killed. */
        int null = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
            _exit(127);
        for (char **a = r->command; *a != NULL; a++)
            *a = fill(*a, i + 1);
        (void)execvp(r->command[0], r->command);
        (void)fprintf(stderr, "bench_run: %s: %s\n", r->command[0], strerror(errno));
        _exit(127);
    }
    r->copy[i].pid = pid;
    r->running++;
}

static void reap(struct run *r)
{
    struct rusage u;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &u)) > 0) {
        for (int i = 0; i < r->copies; i++) {
            if (r->copy[i].pid != pid)
                continue;
            r->copy[i].pid = 0;
            r->running--;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                r->failed++;
        }
        r->cpu +=
            (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    }
}

static void kill_all(struct run *r)
{
    for (int i = 0; i < r->copies; i++)
        if (r->copy[i].pid != 0)
            (void)kill(r->copy[i].pid, SIGKILL);
    for (int i = 0; i < r->copies; i++)
        if (r->copy[i].pid != 0)
            (void)waitpid(r->copy[i].pid, NULL, 0);
}

static void sample(struct run *r)
{
    for (int i = 0; i < r->copies; i++)
        if (r->copy[i].pid != 0)
            sample_memory(r->copy[i].pid, &r->copy[i].most);
    for (int i = 0; i < r->watches; i++)
        sample_memory(r->watch[i].pid, &r->watch[i].most);
}

static void child_ended(int signal_number)
{
    (void)signal_number; /* only wakes poll() */
}

static double run(struct run *r)
{
    struct sigaction on_child = {.sa_handler = child_ended};
    int64_t began;
    int64_t sampled = 0;

    if (sigaction(SIGCHLD, &on_child, NULL) != 0)
        die("sigaction: %s", strerror(errno));
    for (int i = 0; i < r->watches; i++)
        r->watch[i].cpu_before = cpu_of(r->watch[i].pid);
    began = clock_mono_ns();
    for (int i = 0; i < r->copies; i++)
        start(r, i);
    while (r->running > 0) {
        /* A child that ends between reap() and poll() is seen one millisecond later. */
        relay_wait(r, 1);
        reap(r);
        if (clock_mono_ms() - sampled >= r->sample_ms) {
            sample(r);
            sampled = clock_mono_ms();
        }
        if (clock_mono_ns() - began > (int64_t)r->limit_s * 1000000000) {
            kill_all(r);
            (void)fprintf(stderr, "bench_run: %s: not ended after %d s\n", r->command[0], r->limit_s);
            exit(3);
        }
    }
    return (double)(clock_mono_ns() - began) / 1e9;
}

static void tell(struct run *r, double wall)
{
    struct memory all = {0};

    for (int i = 0; i < r->copies; i++) {
        if (r->copy[i].most.anon_kib > all.anon_kib)
            all.anon_kib = r->copy[i].most.anon_kib;
        if (r->copy[i].most.rss_kib > all.rss_kib)
            all.rss_kib = r->copy[i].most.rss_kib;
    }
    (void)printf("wall_s=%.6f\ncpu_s=%.6f\nanon_kib=%ld\nrss_kib=%ld\n", wall, r->cpu, all.anon_kib, all.rss_kib);
    for (int i = 0; i < r->watches; i++) {
        struct watch *w = &r->watch[i];

        (void)printf("%s_cpu_s=%.2f\n%s_anon_kib=%ld\n%s_rss_kib=%ld\n", w->label, cpu_of(w->pid) - w->cpu_before,
                     w->label, w->most.anon_kib, w->label, w->most.rss_kib);
    }
    (void)printf("relay_up=%llu\nrelay_down=%llu\nfailed=%d\n", (unsigned long long)r->up, (unsigned long long)r->down,
                 r->failed);
}

static int number(const char *text, long min, long max)
{
    char *end = NULL;
    long n = text != NULL ? strtol(text, &end, 10) : 0;

    if (text == NULL || end == text || *end != '\0' || n < min || n > max)
        die("'%s': a number from %ld to %ld is expected", text != NULL ? text : "", min, max);
    return (int)n;
}

int main(int argc, char **argv)
{
    static struct run r = {.copies = 1, .sample_ms = 5, .limit_s = 300, .listen = -1};
    double wall;
    int i = 1;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *one = i + 1 < argc ? argv[i + 1] : NULL;
        const char *two = i + 2 < argc ? argv[i + 2] : NULL;

        if (strcmp(argv[i], "--copies") == 0) {
            r.copies = number(one, 1, COPIES_MAX);
            i++;
        } else if (strcmp(argv[i], "--sample") == 0) {
            r.sample_ms = number(one, 1, 10000);
            i++;
        } else if (strcmp(argv[i], "--limit") == 0) {
            r.limit_s = number(one, 1, 86400);
            i++;
        } else if (strcmp(argv[i], "--watch") == 0 && r.watches < WATCHES_MAX && one != NULL) {
            r.watch[r.watches].label = one;
            r.watch[r.watches++].pid = number(two, 1, 1 << 30);
            i += 2;
        } else if (strcmp(argv[i], "--relay") == 0 && r.listen < 0) {
            r.to_port = number(two, 1, 65535);
            relay_open(&r, number(one, 1, 65535));
            i += 2;
        } else {
            die("'%s' is not understood", argv[i]);
        }
    }
    if (i + 1 >= argc)
        die("a command is expected after --");
    r.command = argv + i + 1;
    wall = run(&r);
    tell(&r, wall);
    return r.failed > 0 ? 1 : 0;
}
