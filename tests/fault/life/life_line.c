/* A line that is cut, that is shut at one end alone, that stands still for a while, or whose other end is gone without
 * a word: each connection has its own fate, which comes after so many bytes. */
#include "tests/fault/life/life.h"

#include <poll.h>

#define PAIRS_MAX  600u
#define CHUNK      16384u
#define TURN_MS    100
#define STILL_MS   60000.0 /* at most, with an hour's tempo */
#define FORGET_MS  120000  /* what was abandoned is closed at last */
#define PATIENT_MS 30000   /* ... or one end of it was */

enum fate { FATE_GOOD, FATE_CUT, FATE_HALF_UP, FATE_HALF_DOWN, FATE_STILL, FATE_ABANDONED };

struct way {
    int from, to;
    bool is_shut; /* nothing comes this way any more */
    size_t have, gone;
    uint8_t bytes[CHUNK];
};
struct pair {
    bool is_used;
    struct way up, down; /* from the school to the hub, and back */
    enum fate fate;
    int64_t after, passed; /* bytes */
    int64_t still_until_ms, end_ms;
};
static pid_t process;

static int open_up(uint32_t n)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)herd->port)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK + 0x10000 + n % 50000)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0 ||
                    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void set_fate(struct pair *p)
{
    static const enum fate fates[] = {FATE_GOOD,      FATE_GOOD,  FATE_GOOD,  FATE_GOOD,    FATE_CUT,      FATE_CUT,
                                      FATE_HALF_DOWN, FATE_STILL, FATE_STILL, FATE_HALF_UP, FATE_ABANDONED};

    p->fate = atomic_load(&region->is_over) ? FATE_GOOD : fates[chance_below(COUNT(fates))];
    p->after = chance_below(2) == 0 ? chance_below(1500) : chance_below(20000);
}

static void accept_one(int listener, struct pair *pairs)
{
    int school = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct pair *p = NULL;
    int hub;

    if (school < 0)
        return;
    for (size_t i = 0; i < PAIRS_MAX && p == NULL; i++)
        p = pairs[i].is_used ? NULL : &pairs[i];
    if (p == NULL || (hub = open_up((uint32_t)region->lines++)) < 0) {
        close(school);
        return;
    }
    memset(p, 0, sizeof(*p));
    p->is_used = true;
    p->up.from = p->down.to = school;
    p->up.to = p->down.from = hub;
    set_fate(p);
}

static void end_pair(struct pair *p, bool by_reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    for (int i = 0; i < 2; i++) {
        int fd = i == 0 ? p->up.from : p->up.to;

        if (fd < 0)
            continue;
        if (by_reset)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
    }
    p->is_used = false;
}

/* An end is closed: the other is told, as a good line does. */
static void shut(struct way *w)
{
    w->is_shut = true;
    (void)shutdown(w->to, SHUT_WR);
}

/* One end is gone; the other hears nothing of it. */
static void abandon(struct pair *p)
{
    int *end = chance_below(2) == 0 ? &p->up.from : &p->up.to;

    close(*end);
    if (end == &p->up.from)
        p->down.to = -1;
    else
        p->down.from = -1;
    *end = -1;
    p->up.is_shut = p->down.is_shut = true;
    p->end_ms = clock_mono_ms() + FORGET_MS;
    region->abandoned++;
}

static void befall(struct pair *p)
{
    enum fate fate = p->fate;

    p->fate = FATE_GOOD;
    switch (fate) {
    case FATE_GOOD: break;
    case FATE_CUT:
        region->cut++;
        end_pair(p, true);
        break;
    case FATE_HALF_UP:
    case FATE_HALF_DOWN:
        region->half_closed++;
        shut(fate == FATE_HALF_UP ? &p->up : &p->down);
        p->end_ms = clock_mono_ms() + PATIENT_MS;
        break;
    case FATE_STILL:
        region->held_back++;
        p->still_until_ms = clock_mono_ms() + chance_below((uint32_t)(STILL_MS * region->tempo) + 1);
        break;
    case FATE_ABANDONED: abandon(p); break;
    }
}

/* False: that end is broken. */
static bool pass(struct pair *p, struct way *w)
{
    ssize_t n;

    if (w->is_shut)
        return true;
    if (w->gone == w->have) {
        n = recv(w->from, w->bytes, sizeof(w->bytes), MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0) {
            shut(w);
            return true;
        }
        w->have = (size_t)n;
        w->gone = 0;
        p->passed += n;
    }
    n = send(w->to, w->bytes + w->gone, w->have - w->gone, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    w->gone += (size_t)n;
    return true;
}

static void turn(struct pair *p)
{
    bool is_good;

    if (clock_mono_ms() < p->still_until_ms && !atomic_load(&region->is_over))
        return;
    is_good = pass(p, &p->up) && pass(p, &p->down);
    if (!is_good || (p->up.is_shut && p->down.is_shut && p->end_ms == 0) ||
        (p->end_ms != 0 && (clock_mono_ms() > p->end_ms || atomic_load(&region->is_over))))
        end_pair(p, !is_good);
    else if (p->fate != FATE_GOOD && p->passed > p->after)
        befall(p);
}

static size_t wait_for(struct pollfd *fds, const struct pair *pairs)
{
    size_t n = 1;

    for (size_t i = 0; i < PAIRS_MAX; i++) {
        const struct pair *p = &pairs[i];

        if (!p->is_used || clock_mono_ms() < p->still_until_ms)
            continue;
        if (!p->up.is_shut)
            fds[n++] = (struct pollfd){p->up.from, POLLIN, 0};
        if (!p->down.is_shut)
            fds[n++] = (struct pollfd){p->down.from, POLLIN, 0};
    }
    return n;
}

static _Noreturn void go_on(int listener)
{
    struct pair *pairs = calloc(PAIRS_MAX, sizeof(*pairs));
    struct pollfd *fds = calloc(1 + 2 * PAIRS_MAX, sizeof(*fds));

    while (pairs != NULL && fds != NULL) {
        fds[0] = (struct pollfd){listener, POLLIN, 0};
        (void)poll(fds, (nfds_t)wait_for(fds, pairs), TURN_MS);
        if ((fds[0].revents & POLLIN) != 0)
            accept_one(listener, pairs);
        for (size_t i = 0; i < PAIRS_MAX; i++)
            if (pairs[i].is_used)
                turn(&pairs[i]);
    }
    _exit(1);
}

void line_begin(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, len) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        at_fault("the line: %s", strerror(errno));
    herd->line_port = ntohs(at.sin_port);
    if ((process = fork()) < 0)
        at_fault("fork: %s", strerror(errno));
    if (process == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(126);
        herd_chance_begin(herd->seed ^ UINT64_C(0x11e));
        go_on(fd);
    }
    close(fd);
}

void line_end(void)
{
    int status;

    if (waitpid(process, &status, WNOHANG) != 0 || kill(process, SIGKILL) != 0 ||
        waitpid(process, &status, 0) != process)
        at_fault("the line ended before the schools did");
}
