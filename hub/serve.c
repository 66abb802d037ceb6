#include "hub/core.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/installed.h"
#include "common/log.h"
#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SVODKA_LIBEXEC_FOLDER
#define SVODKA_LIBEXEC_FOLDER "libexec/svodka" /* in the folder of the installation */
#endif
#ifndef SVODKA_LIBEXEC_DEFAULT
#define SVODKA_LIBEXEC_DEFAULT "/usr/libexec/svodka"
#endif
#define GATEWAY_NAME   "svodka-hub-gateway"
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   30000
#define STEADY_MS      60000 /* a child that lived so long begins with the first pause again */
#define END_MS         20000 /* after SIGTERM; then SIGKILL: both are crash-only */
#define CHILDREN       2u

/* Both are crash-only: whatever ends them, they are started again, and nothing that was promised is in them. */
struct child {
    const char *name, *program;
    char *argv[8];
    pid_t pid; /* 0: not running */
    int ready; /* the gateway says when it listens; -1: nothing to hear */
    bool says_ready;
    int64_t started_ms, next_ms, pause_ms;
};

struct server {
    const char *home;
    struct child children[CHILDREN]; /* core, gateway */
    int signals, lock;
    bool was_announced, stopping;
    enum err failed; /* it never came to be ready */
    sigset_t before;
};

/* ---- the sibling program ---- */

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

enum err hub_gateway_program(char out[FOLDER_PATH_MAX], const char *self)
{
    const char *chosen = getenv("SVODKA_LIBEXEC");
    char real[PATH_MAX];
    char *slash;
    enum err e;

    if (chosen != NULL) {
        if ((e = folder_path(out, chosen, GATEWAY_NAME)) == OK && !is_program(out))
            e = err_set(ERR_NOT_FOUND, _("%s: there is no such program (SVODKA_LIBEXEC)"), out);
        return e;
    }
    if ((strchr(self, '/') != NULL && realpath(self, real) != NULL) || realpath("/proc/self/exe", real) != NULL) {
        slash = strrchr(real, '/');
        *slash = '\0';
        if (folder_path(out, real, GATEWAY_NAME) == OK && is_program(out))
            return OK;
    }
    if (installed_path(out, SVODKA_LIBEXEC_FOLDER "/" GATEWAY_NAME) == OK && is_program(out))
        return OK;
    if ((e = folder_path(out, SVODKA_LIBEXEC_DEFAULT, GATEWAY_NAME)) == OK && !is_program(out))
        e = err_set(ERR_NOT_FOUND, _("the program %s is neither beside %s nor at %s"), GATEWAY_NAME, self, out);
    return e;
}

/* ---- run/ready ---- */

static void set_ready(const struct server *s, bool is_ready)
{
    char path[FOLDER_PATH_MAX];
    int fd;

    if (folder_path(path, s->home, "run/ready") != OK)
        return;
    if (!is_ready) {
        (void)unlink(path);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        log_warning("serve: %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void hear(struct server *s, struct child *c)
{
    char byte;
    ssize_t n = read(c->ready, &byte, 1);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    close(c->ready);
    c->ready = -1;
    if (n != 1)
        return; /* it died: the signal tells */
    set_ready(s, true);
    if (!s->was_announced)
        log_notice("serve: the hub is ready: core %ld, gateway %ld", (long)s->children[0].pid,
                   (long)s->children[1].pid);
    if (!s->was_announced)
        service_ready();
    s->was_announced = true;
    service_status("%s", _("core and gateway are at work"));
}

/* ---- children ---- */

static void become(const struct server *s, struct child *c, pid_t parent, int ready)
{
    char number[16];

    /* No orphan: the child ends with its parent, however that ends. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(126);
    (void)sigprocmask(SIG_SETMASK, &s->before, NULL);
    if (ready >= 0) {
        (void)fcntl(ready, F_SETFD, 0);
        (void)snprintf(number, sizeof(number), "%d", ready);
        for (size_t i = 0; c->argv[i] != NULL; i++)
            if (strcmp(c->argv[i], "--ready-fd") == 0)
                c->argv[i + 1] = number;
    }
    (void)execv(c->program, c->argv);
    log_error("serve: %s: %s", c->program, strerror(errno));
    _exit(127);
}

static void start(struct server *s, struct child *c)
{
    int pipes[2] = {-1, -1};
    pid_t parent = getpid();
    pid_t pid;

    c->started_ms = clock_mono_ms();
    if (c->says_ready && pipe2(pipes, O_CLOEXEC) != 0)
        log_warning("serve: pipe: %s", strerror(errno));
    pid = fork();
    if (pid == 0)
        become(s, c, parent, pipes[1]);
    if (pipes[1] >= 0)
        close(pipes[1]);
    if (pid < 0) {
        log_error("serve: fork: %s", strerror(errno));
        if (pipes[0] >= 0)
            close(pipes[0]);
        c->next_ms = c->started_ms + c->pause_ms;
        return;
    }
    c->pid = pid;
    c->ready = pipes[0];
}

static void describe_end(char *out, size_t size, int status)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, size, "signal %d", WTERMSIG(status));
    else
        (void)snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

static void ended(struct server *s, struct child *c, int status)
{
    int64_t now = clock_mono_ms();
    char how[32];

    c->pid = 0;
    if (c->ready >= 0)
        close(c->ready);
    c->ready = -1;
    set_ready(s, false);
    if (s->stopping)
        return;
    /* What was ready once is started again whatever happens; what says that it cannot even begin is believed. */
    if (!s->was_announced && WIFEXITED(status)) {
        s->failed = err_set(ERR_INVALID, "the %s could not start; why, it said above", c->name);
        s->stopping = true;
        return;
    }
    if (now - c->started_ms > STEADY_MS)
        c->pause_ms = PAUSE_FIRST_MS;
    c->next_ms = now + c->pause_ms;
    describe_end(how, sizeof(how), status);
    log_warning("serve: the %s ended (%s); it is started again in %lld ms", c->name, how, (long long)c->pause_ms);
    service_status(_("the %s ended (%s); it is started again"), c->name, how);
    c->pause_ms = c->pause_ms * 2 < PAUSE_MAX_MS ? c->pause_ms * 2 : PAUSE_MAX_MS;
}

static void reap(struct server *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < CHILDREN; i++)
            if (s->children[i].pid == pid)
                ended(s, &s->children[i], status);
}

/* ---- the loop ---- */

static void read_signals(struct server *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            s->stopping = true;
    reap(s);
}

/* Until the next start is due; -1: nothing is. */
static int wait_ms(const struct server *s)
{
    int64_t now = clock_mono_ms();
    int64_t least = -1;

    for (size_t i = 0; i < CHILDREN; i++) {
        const struct child *c = &s->children[i];
        int64_t left = c->next_ms > now ? c->next_ms - now : 0;

        if (c->pid == 0 && (least < 0 || left < least))
            least = left;
    }
    return (int)least;
}

static void poll_once(struct server *s, int timeout)
{
    struct pollfd fds[1 + CHILDREN] = {{s->signals, POLLIN, 0}};

    for (size_t i = 0; i < CHILDREN; i++)
        fds[1 + i] = (struct pollfd){s->children[i].ready, POLLIN, 0};
    if (poll(fds, 1 + CHILDREN, timeout) < 0)
        return;
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->children[i].ready >= 0 && fds[1 + i].revents != 0)
            hear(s, &s->children[i]);
    if (fds[0].revents != 0)
        read_signals(s);
}

static bool any_left(const struct server *s)
{
    return s->children[0].pid != 0 || s->children[1].pid != 0;
}

static void end_all(struct server *s)
{
    int64_t until = clock_mono_ms() + END_MS;

    for (size_t i = CHILDREN; i-- > 0;) /* the gateway first: no new work for the core */
        if (s->children[i].pid != 0)
            (void)kill(s->children[i].pid, SIGTERM);
    while (any_left(s) && clock_mono_ms() < until)
        poll_once(s, 100);
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->children[i].pid != 0) {
            log_warning("serve: the %s does not end and is killed", s->children[i].name);
            (void)kill(s->children[i].pid, SIGKILL);
            (void)waitpid(s->children[i].pid, NULL, 0);
        }
    set_ready(s, false);
}

/* Two of them would fight over the same home. */
static enum err take_lock(struct server *s)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, s->home, "run/serve.lock");

    if (e != OK)
        return e;
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return err_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", path);
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
        return err_set(ERR_BUSY, "svodka-hub serve is at work in %s already", s->home);
    return OK;
}

static enum err open_signals(struct server *s)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, &s->before) != 0)
        return err_errno(ERR_IO, errno, "signals");
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? err_errno(ERR_IO, errno, "signalfd") : OK;
}

static void loop(struct server *s)
{
    set_ready(s, false);
    while (!s->stopping) {
        int64_t now = clock_mono_ms();

        for (size_t i = 0; i < CHILDREN; i++)
            if (s->children[i].pid == 0 && s->children[i].next_ms <= now)
                start(s, &s->children[i]);
        poll_once(s, service_wait_ms(wait_ms(s)));
        service_alive();
    }
    service_stopping();
    if (s->failed == OK)
        log_notice("serve: ending");
    end_all(s);
}

enum err hub_serve(const char *home, const char *exchange, const char *self)
{
    char gateway[FOLDER_PATH_MAX];
    char program[PATH_MAX];
    char core_word[] = "core";
    char home_word[] = "--home";
    char ready_word[] = "--ready-fd";
    char no_ready[] = "-1";
    char exchange_word[] = "--exchange";
    char *folder = strdup(home);
    char *shared = exchange != NULL ? strdup(exchange) : NULL;
    struct server s = {.home = home, .signals = -1, .lock = -1};
    enum err e = hub_gateway_program(gateway, self);

    if (folder == NULL || (exchange != NULL && shared == NULL)) {
        free(folder);
        free(shared);
        return ERR_NOMEM;
    }
    if (e == OK && realpath("/proc/self/exe", program) == NULL)
        e = err_errno(ERR_NOT_FOUND, errno, "%s", self);
    if (e == OK)
        e = take_lock(&s);
    if (e == OK)
        e = open_signals(&s);
    if (e == OK) {
        s.children[0] = (struct child){.name = "core",
                                       .program = program,
                                       .argv = {program, core_word, home_word, folder, NULL},
                                       .ready = -1,
                                       .pause_ms = PAUSE_FIRST_MS};
        s.children[1] = (struct child){.name = "gateway",
                                       .program = gateway,
                                       .argv = {gateway, exchange != NULL ? exchange_word : home_word,
                                                exchange != NULL ? shared : folder, ready_word, no_ready, NULL},
                                       .ready = -1,
                                       .says_ready = true,
                                       .pause_ms = PAUSE_FIRST_MS};
        loop(&s);
        e = s.failed;
    }
    if (s.signals >= 0) {
        close(s.signals);
        (void)sigprocmask(SIG_SETMASK, &s.before, NULL);
    }
    if (s.lock >= 0)
        close(s.lock);
    free(folder);
    free(shared);
    return e;
}
