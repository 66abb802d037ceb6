#include "agent/run.h"

#include "agent/schedule.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QUESTION     "sync"
#define NUDGE        "soon"
#define ASKERS_MAX   8u
#define LOOK_MS      60000   /* the clock may be set meanwhile */
#define CLOCK_SET_MS 120000  /* a difference that makes us plan anew */
#define ANSWER_MS    7500000 /* a meeting lasts two hours at most */
#define ANSWER_BYTES 2048

struct runner {
    const char *home;
    int lock, listen, wake[2];
    int askers[ASKERS_MAX];
    int64_t next_ms;       /* wall clock */
    int64_t difference_ms; /* wall minus monotonic when that was planned */
};

static int wake_fd = -1; /* of the one runner, for its signal handler */

static void on_signal(int number)
{
    int saved = errno;

    (void)number;
    sync_cancel();
    if (write(wake_fd, "s", 1) < 0) {
        /* the pipe is full of the same news */
    }
    errno = saved;
}

/* ---- run.sock ---- */

/* Through an open folder: a home's path may be longer than a socket's address can hold. */
static enum err address_of(struct sockaddr_un *a, const char *home, int *folder)
{
    *folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return err_errno(ERR_NOT_FOUND, errno, "%s", home);
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    (void)snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/run.sock", *folder);
    return OK;
}

static bool peer_is_ours(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static enum err listen_at(const char *home, int *out)
{
    struct sockaddr_un a;
    int folder;
    mode_t before;
    int fd;
    enum err e = address_of(&a, home, &folder);

    if (e != OK)
        return e;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlinkat(folder, "run.sock", 0); /* left by one that was killed: run.lock is ours */
    before = umask(0177);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, ASKERS_MAX) != 0)
        e = err_errno(ERR_IO, errno, "%s/run.sock", home);
    (void)umask(before);
    close(folder);
    if (e != OK && fd >= 0)
        close(fd);
    if (e == OK)
        *out = fd;
    return e;
}

static enum err receive_answer(int fd, struct sync_result *out, char text[SYNC_TEXT])
{
    uint8_t bytes[ANSWER_BYTES];
    struct pollfd p = {fd, POLLIN, 0};
    ssize_t n;

    if (send(fd, QUESTION, strlen(QUESTION), MSG_NOSIGNAL) < 0)
        return err_errno(ERR_NET, errno, "run.sock");
    while (poll(&p, 1, ANSWER_MS) < 0)
        if (errno != EINTR)
            return err_errno(ERR_IO, errno, "poll");
    n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n <= 0)
        return err_set(ERR_NET, _("the running svodka-agent ended before it answered"));
    return sync_result_decode(out, text, bytes_of(bytes, (size_t)n));
}

static enum err connect_to(const char *home, int *out)
{
    struct sockaddr_un a;
    int folder;
    int fd;
    enum err e = address_of(&a, home, &folder);

    if (e != OK)
        return e;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        e = err_errno(ERR_IO, errno, "socket");
    else if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        e = errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : err_errno(ERR_IO, errno, "run.sock");
    else if (!peer_is_ours(fd))
        e = err_set(ERR_DENIED, _("%s/run.sock: another user answers there"), home);
    close(folder);
    if (e == OK)
        *out = fd;
    else if (fd >= 0)
        close(fd);
    return e;
}

enum err run_ask(const char *home, struct sync_result *out, char text[SYNC_TEXT])
{
    int fd;
    enum err e = connect_to(home, &fd);

    if (e != OK)
        return e;
    e = receive_answer(fd, out, text);
    close(fd);
    return e;
}

enum err run_nudge(const char *home)
{
    int fd;
    enum err e = connect_to(home, &fd);

    if (e != OK)
        return e;
    if (send(fd, NUDGE, strlen(NUDGE), MSG_NOSIGNAL) < 0)
        e = err_errno(ERR_NET, errno, "run.sock");
    close(fd);
    return e;
}

bool run_is_at_work(const struct agent *a)
{
    int lock = -1;
    enum err e = agent_lock(a, "run.lock", &lock);

    if (e == OK)
        agent_unlock(lock);
    return e == ERR_BUSY;
}

/* What somebody wants: a pass at once, or a look at what is due. */
enum wish { WISH_NOTHING, WISH_PLAN, WISH_PASS };

static enum wish take_asker(struct runner *r, int fd)
{
    char question[16] = "";
    struct pollfd p = {fd, POLLIN, 0};
    ssize_t n = -1;

    if (peer_is_ours(fd) && poll(&p, 1, 1000) == 1)
        n = recv(fd, question, sizeof(question), MSG_DONTWAIT);
    if (n == (ssize_t)strlen(QUESTION) && memcmp(question, QUESTION, (size_t)n) == 0)
        for (size_t i = 0; i < ASKERS_MAX; i++)
            if (r->askers[i] < 0) {
                r->askers[i] = fd;
                return WISH_PASS;
            }
    close(fd);
    return n == (ssize_t)strlen(NUDGE) && memcmp(question, NUDGE, (size_t)n) == 0 ? WISH_PLAN : WISH_NOTHING;
}

static enum wish accept_askers(struct runner *r)
{
    enum wish most = WISH_NOTHING;
    enum wish one;
    int fd;

    while ((fd = accept4(r->listen, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        if ((one = take_asker(r, fd)) > most)
            most = one;
    return most;
}

static void answer_askers(struct runner *r, const struct sync_result *result, const char *text)
{
    struct buf b;

    buf_init(&b, ANSWER_BYTES);
    if (sync_result_encode(&b, result, text) != OK)
        log_error("run: %s", err_text());
    for (size_t i = 0; i < ASKERS_MAX; i++) {
        if (r->askers[i] < 0)
            continue;
        if (b.len > 0 && send(r->askers[i], b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            log_info("run: whoever asked for a pass is gone");
        close(r->askers[i]);
        r->askers[i] = -1;
    }
    buf_fini(&b);
}

/* ---- passes ---- */

static void log_next(const struct runner *r)
{
    char when[64];

    if (r->next_ms == SCHEDULE_NEVER) {
        log_notice("run: waits until it is asked (svodka-agent sync)");
        service_status("%s", _("waits until it is asked (svodka-agent sync)"));
        return;
    }
    cli_format_time(when, sizeof(when), r->next_ms);
    log_info("run: the next pass: %s", when);
    service_status(_("next meeting with the district: %s"), when);
}

static void plan(struct runner *r, const struct schedule_state *s)
{
    r->next_ms = s->next_ms;
    r->difference_ms = clock_wall_ms() - clock_mono_ms();
    log_next(r);
}

/* How far the clock was put back since that was planned; negative: on, or the computer slept. */
static int64_t put_back_ms(const struct runner *r)
{
    return r->difference_ms - (clock_wall_ms() - clock_mono_ms());
}

/* The home is opened anew each time: other commands may have changed it. */
static enum err plan_again(struct runner *r, int64_t put_back)
{
    struct schedule_state s;
    struct agent *a = NULL;
    enum err e = agent_open(&a, r->home);

    if (e == OK && (e = schedule_plan(a, put_back, &s)) == OK)
        plan(r, &s);
    agent_close(a);
    return e;
}

static void log_result(const struct sync_result *r, const char *text)
{
    if (r->outcome == SYNC_COMPLETE)
        log_notice("run: %llu submissions sent in %llu batches, %llu receipts, %llu kept apart",
                   (unsigned long long)r->records, (unsigned long long)r->batches, (unsigned long long)r->receipts,
                   (unsigned long long)r->verdicts[VERDICT_QUARANTINED]);
    else
        log_warning("run: %s", text);
}

/* Somebody synced by hand meanwhile, and something else was planned. */
static bool is_planned_later(const struct agent *a, struct runner *r)
{
    struct schedule_state s;

    if (schedule_load(a, &s) != OK || s.next_ms == r->next_ms || s.next_ms <= clock_wall_ms())
        return false;
    plan(r, &s);
    return true;
}

/* One that was asked for sends everything, and at any time. */
static enum err one_pass(struct agent *a, bool is_asked, struct sync_result *result, struct schedule_state *s)
{
    char text[SYNC_TEXT];
    enum err e;

    if (!is_asked)
        return schedule_pass(a, result, s);
    if ((e = schedule_load(a, s)) != OK)
        return e;
    e = sync_once(a, result);
    if (e == ERR_CANCELLED || result->outcome == SYNC_LOCKED)
        return e;
    (void)snprintf(text, sizeof(text), "%s", e == OK ? "" : err_text());
    if (schedule_note(a, result, s) != OK)
        log_warning("run: %s", err_text());
    return e == OK ? OK : err_set(e, "%s", text);
}

static void pass(struct runner *r, bool is_asked)
{
    struct sync_result result = {.outcome = SYNC_FAILED};
    struct schedule_state s = {.next_ms = 0};
    struct agent *a = NULL;
    char text[SYNC_TEXT] = "";
    enum err e = agent_open(&a, r->home);

    if (e == OK && !is_asked && is_planned_later(a, r)) {
        agent_close(a);
        return;
    }
    service_status("%s", _("meets the district right now"));
    if (e == OK)
        e = one_pass(a, is_asked, &result, &s);
    if (e != OK)
        (void)snprintf(text, sizeof(text), "%s", err_text());
    log_result(&result, text);
    answer_askers(r, &result, text);
    agent_close(a);
    if (e == ERR_CANCELLED) /* no failure: it goes on after the next start */
        return;
    if (result.outcome == SYNC_LOCKED || s.next_ms == 0)
        s.next_ms = clock_wall_ms() + LOOK_MS;
    plan(r, &s);
}

/* ---- the loop ---- */

static int wait_ms(const struct runner *r)
{
    int64_t left = r->next_ms == SCHEDULE_NEVER ? LOOK_MS : r->next_ms - clock_wall_ms();

    if (left < 0)
        return 0;
    return (int)(left < LOOK_MS ? left : LOOK_MS);
}

static enum err loop(struct runner *r)
{
    enum err e = plan_again(r, SCHEDULE_START);

    while (e == OK) {
        struct pollfd fds[] = {{r->wake[0], POLLIN, 0}, {r->listen, POLLIN, 0}};
        enum wish wish = WISH_NOTHING;
        int64_t back;

        service_alive();
        if (poll(fds, 2, service_wait_ms(wait_ms(r))) < 0 && errno != EINTR)
            return err_errno(ERR_IO, errno, "poll");
        if ((fds[0].revents & POLLIN) != 0)
            return OK;
        if ((fds[1].revents & POLLIN) != 0)
            wish = accept_askers(r);
        back = put_back_ms(r);
        if (wish == WISH_PASS)
            pass(r, true);
        else if (wish == WISH_PLAN || back > CLOCK_SET_MS || back < -CLOCK_SET_MS)
            e = plan_again(r, back > CLOCK_SET_MS ? back : 0);
        else if (clock_wall_ms() >= r->next_ms)
            pass(r, false);
    }
    return e;
}

static enum err catch_signals(struct runner *r)
{
    struct sigaction act = {.sa_handler = on_signal};

    if (pipe2(r->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_errno(ERR_IO, errno, "pipe");
    wake_fd = r->wake[1];
    (void)sigemptyset(&act.sa_mask);
    if (sigaction(SIGTERM, &act, NULL) != 0 || sigaction(SIGINT, &act, NULL) != 0)
        return err_errno(ERR_IO, errno, "signals");
    return OK;
}

static enum err take_lock(struct runner *r)
{
    struct agent *a = NULL;
    enum err e = agent_open(&a, r->home);

    if (e == OK && (e = agent_lock(a, "run.lock", &r->lock)) == ERR_BUSY)
        e = err_set(ERR_BUSY, _("svodka-agent run is at work in %s already"), r->home);
    agent_close(a);
    return e;
}

enum err run_home(const char *home)
{
    struct runner r = {.home = home, .lock = -1, .listen = -1, .wake = {-1, -1}};
    enum err e;

    for (size_t i = 0; i < ASKERS_MAX; i++)
        r.askers[i] = -1;
    if ((e = take_lock(&r)) == OK && (e = catch_signals(&r)) == OK && (e = listen_at(home, &r.listen)) == OK) {
        log_notice("run: at work in %s", home);
        service_ready();
        e = loop(&r);
        service_stopping();
    }
    if (r.listen >= 0)
        close(r.listen);
    for (size_t i = 0; i < 2; i++)
        if (r.wake[i] >= 0)
            close(r.wake[i]);
    agent_unlock(r.lock);
    return e;
}
