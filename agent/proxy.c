#include "agent/proxy.h"

#include "agent/resolve.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEP_MS   200 /* between two looks at `cancelled` */
#define JOIN_MS   60000
#define PIECE     16384u
#define SOCKS     5u
#define NO_METHOD 0xffu
#define IPV4      1u
#define NAME      3u
#define IPV6      4u

/* One direction: what was read and not yet written. */
struct flow {
    uint8_t bytes[PIECE];
    size_t at, len;
    bool is_ended;
};

struct proxy {
    int remote, listening, local; /* -1: none */
    int stop[2];                  /* a pipe: closed at one end, the thread ends */
    pthread_t thread;
    bool has_thread;
    struct flow up, down;
};

/* ---- a deadline and a cancel over plain reads and writes ---- */

struct wait {
    int64_t until_ms;
    const volatile sig_atomic_t *cancelled;
};

static enum err wait_for(const struct wait *w, int fd, short events)
{
    for (;;) {
        struct pollfd p = {fd, events, 0};
        int64_t left = w->until_ms - clock_mono_ms();

        if (w->cancelled != NULL && *w->cancelled != 0)
            return err_set(ERR_CANCELLED, _("stopped"));
        if (left <= 0)
            return err_set(ERR_NET, _("it does not answer"));
        if (poll(&p, 1, (int)(left < STEP_MS ? left : STEP_MS)) > 0)
            return OK;
    }
}

/* `why`: an errno, or 0 for its end of file. */
static enum err ended(int why)
{
    if (why == 0 || why == ECONNRESET || why == EPIPE)
        return err_set(ERR_DENIED, _("it breaks the connection off"));
    return err_set(ERR_NET, "%s", strerror(why));
}

static enum err read_all(const struct wait *w, int fd, uint8_t *to, size_t len)
{
    for (size_t have = 0; have < len;) {
        enum err e = wait_for(w, fd, POLLIN);
        ssize_t n = e == OK ? read(fd, to + have, len - have) : 0;

        if (e != OK)
            return e;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return ended(n == 0 ? 0 : errno);
        have += n > 0 ? (size_t)n : 0;
    }
    return OK;
}

static enum err write_all(const struct wait *w, int fd, const uint8_t *from, size_t len)
{
    for (size_t done = 0; done < len;) {
        enum err e = wait_for(w, fd, POLLOUT);
        ssize_t n = e == OK ? send(fd, from + done, len - done, MSG_NOSIGNAL) : 0;

        if (e != OK)
            return e;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return ended(errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return OK;
}

/* ---- SOCKS5 ---- */

static enum err not_a_proxy(void)
{
    return err_set(ERR_MALFORMED, _("something else than a SOCKS5 proxy answers there"));
}

static enum err ask_to_come_in(const struct wait *w, int fd)
{
    static const uint8_t hello[] = {SOCKS, 1, 0}; /* one method: no password */
    uint8_t answer[2];
    enum err e = write_all(w, fd, hello, sizeof(hello));

    if (e == OK)
        e = read_all(w, fd, answer, sizeof(answer));
    if (e != OK)
        return e;
    if (answer[0] != SOCKS || (answer[1] != 0 && answer[1] != NO_METHOD))
        return not_a_proxy();
    if (answer[1] == NO_METHOD)
        return err_set(ERR_DENIED, _("it wants a password, which this program cannot give"));
    return OK;
}

static enum err refusal(uint8_t code)
{
    switch (code) {
    case 0: return OK;
    case 2: return err_set(ERR_DENIED, _("it does not allow connections to the hub"));
    case 3:
    case 4: return err_set(ERR_NET, _("it cannot reach the hub"));
    case 5: return err_set(ERR_NET, _("it finds nobody at the hub's address"));
    case 6: return err_set(ERR_NET, _("it had no answer from the hub"));
    default: return err_set(ERR_DENIED, _("it makes no connection to the hub (SOCKS error %u)"), code);
    }
}

static size_t put_target(uint8_t *to, const struct resolved_parts *target)
{
    unsigned port = (unsigned)strtoul(target->port, NULL, 10);
    size_t len = strlen(target->host);
    size_t at = 0;

    if (inet_pton(AF_INET, target->host, to + 1) == 1) {
        to[0] = IPV4;
        at = 5;
    } else if (inet_pton(AF_INET6, target->host, to + 1) == 1) {
        to[0] = IPV6;
        at = 17;
    } else {
        to[0] = NAME;
        to[1] = (uint8_t)len;
        memcpy(to + 2, target->host, len);
        at = 2 + len;
    }
    to[at] = (uint8_t)(port >> 8);
    to[at + 1] = (uint8_t)port;
    return at + 2;
}

/* Not a byte more than the proxy's own is read: what follows is the hub's. */
static enum err ask_for_hub(const struct wait *w, int fd, const struct resolved_parts *target)
{
    uint8_t request[3 + 2 + RESOLVE_HOST_MAX + 2] = {SOCKS, 1, 0};
    uint8_t answer[5];
    uint8_t bound[256 + 2];
    size_t left;
    enum err e = write_all(w, fd, request, 3 + put_target(request + 3, target));

    /* The fifth byte is there whatever kind of address follows. */
    if (e == OK)
        e = read_all(w, fd, answer, sizeof(answer));
    if (e != OK)
        return e;
    if (answer[0] != SOCKS || answer[2] != 0)
        return not_a_proxy();
    if ((e = refusal(answer[1])) != OK)
        return e;
    switch (answer[3]) {
    case IPV4: left = 3 + 2; break;
    case IPV6: left = 15 + 2; break;
    case NAME: left = (size_t)answer[4] + 2; break;
    default: return not_a_proxy();
    }
    return read_all(w, fd, bound, left);
}

/* ---- the connection to the proxy ---- */

static enum err connect_to(const struct wait *w, int *out, const char *url)
{
    const int one = 1;
    const unsigned unacked = RESOLVE_UNACKED_MS;
    struct resolved_parts parts;
    struct sockaddr_storage at;
    socklen_t len = 0;
    int fd;
    int failed = 0;
    socklen_t size = sizeof(failed);
    enum err e = OK;

    if (!resolve_split(&parts, url) || !resolve_address(&at, &len, &parts))
        return err_set(ERR_INTERNAL, "%s is no address", url);
    if ((fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return err_set(ERR_NET, "%s", strerror(errno));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof(unacked));
    if (connect(fd, (const struct sockaddr *)&at, len) != 0 && errno != EINPROGRESS)
        e = err_set(ERR_NET, "%s", strerror(errno));
    if (e == OK && (e = wait_for(w, fd, POLLOUT)) == OK &&
        (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0))
        e = err_set(ERR_NET, "%s", strerror(failed));
    if (e != OK) {
        close(fd);
        return e;
    }
    *out = fd;
    return OK;
}

static enum err reach(struct proxy *p, const struct resolved *r, const struct resolved_parts *target, int64_t wait_ms,
                      const volatile sig_atomic_t *cancelled)
{
    enum err e = ERR_NET;

    for (unsigned i = 0; i < r->count && e == ERR_NET && p->remote < 0; i++) {
        struct wait w = {clock_mono_ms() + wait_ms, cancelled};

        if ((e = connect_to(&w, &p->remote, r->urls[i])) != OK)
            log_info("sync: the proxy at %s: %s", r->urls[i], err_text());
    }
    if (e == OK) {
        struct wait w = {clock_mono_ms() + wait_ms, cancelled};

        if ((e = ask_to_come_in(&w, p->remote)) == OK)
            e = ask_for_hub(&w, p->remote, target);
    }
    return e;
}

/* ---- carrying ---- */

/* False: the connection is over. */
static bool fill(struct flow *f, int fd)
{
    ssize_t n = read(fd, f->bytes, sizeof(f->bytes));

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    f->at = 0;
    f->len = (size_t)n;
    f->is_ended = n == 0;
    return true;
}

static bool empty(struct flow *f, int fd)
{
    ssize_t n = send(fd, f->bytes + f->at, f->len - f->at, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    f->at += (size_t)n;
    if (f->at == f->len)
        f->at = f->len = 0;
    return true;
}

static short wants(const struct flow *in, const struct flow *out)
{
    short events = out->len > 0 ? POLLOUT : 0;

    if (in->len == 0 && !in->is_ended)
        events |= POLLIN;
    return events;
}

static void carry(struct proxy *p)
{
    bool goes_on = true;

    /* A side that has ended ends both, once what it said is delivered: so it is with libzmq's connections. */
    while (goes_on && !(p->up.is_ended && p->up.len == 0) && !(p->down.is_ended && p->down.len == 0)) {
        short here = wants(&p->up, &p->down);
        short there = wants(&p->down, &p->up);
        /* Of whom nothing is wanted, nothing is asked: one that has hung up would be told of again and again. */
        struct pollfd f[3] = {
            {here != 0 ? p->local : -1, here, 0}, {there != 0 ? p->remote : -1, there, 0}, {p->stop[0], POLLIN, 0}};

        if (poll(f, 3, -1) < 0) {
            goes_on = errno == EINTR;
            continue;
        }
        goes_on = f[2].revents == 0 && ((f[0].revents | f[1].revents) & (POLLERR | POLLNVAL)) == 0;
        if (goes_on && p->up.len == 0 && (f[0].revents & (POLLIN | POLLHUP)) != 0)
            goes_on = fill(&p->up, p->local);
        if (goes_on && p->down.len == 0 && (f[1].revents & (POLLIN | POLLHUP)) != 0)
            goes_on = fill(&p->down, p->remote);
        if (goes_on && p->up.len > 0)
            goes_on = empty(&p->up, p->remote);
        if (goes_on && p->down.len > 0)
            goes_on = empty(&p->down, p->local);
    }
    (void)shutdown(p->local, SHUT_RDWR);
    (void)shutdown(p->remote, SHUT_RDWR);
}

static void *work(void *arg)
{
    struct proxy *p = arg;
    struct pollfd f[2] = {{p->listening, POLLIN, 0}, {p->stop[0], POLLIN, 0}};

    if (poll(f, 2, JOIN_MS) > 0 && f[1].revents == 0)
        p->local = accept4(p->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (p->local >= 0)
        carry(p);
    else
        (void)shutdown(p->remote, SHUT_RDWR);
    return NULL;
}

static enum err start(struct proxy *p, char local[PROXY_URL_MAX])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);

    if (pipe2(p->stop, O_CLOEXEC) != 0 || (p->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        bind(p->listening, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(p->listening, 1) != 0 ||
        getsockname(p->listening, (struct sockaddr *)&at, &len) != 0)
        return err_set(ERR_NET, "%s", strerror(errno));
    (void)snprintf(local, PROXY_URL_MAX, "tcp://127.0.0.1:%u", ntohs(at.sin_port));
    if (pthread_create(&p->thread, NULL, work, p) != 0)
        return err_set(ERR_NOMEM, "a thread cannot be started");
    p->has_thread = true;
    return OK;
}

/* ---- all of it ---- */

enum err proxy_open(struct proxy **out, char local[PROXY_URL_MAX], const char *url, const char *target, int64_t wait_ms,
                    const volatile sig_atomic_t *cancelled)
{
    struct proxy *p = calloc(1, sizeof(*p));
    struct resolved *r = calloc(1, sizeof(*r));
    struct resolved_parts parts;
    enum err e = p == NULL || r == NULL ? ERR_NOMEM : OK;

    if (p != NULL)
        p->remote = p->listening = p->local = p->stop[0] = p->stop[1] = -1;
    if (e == OK && !resolve_split(&parts, target))
        e = err_set(ERR_MALFORMED, _("%s: tcp://HOST:PORT is expected"), target);
    if (e == OK && (e = resolve_url(r, url, wait_ms, cancelled)) == OK &&
        (e = reach(p, r, &parts, wait_ms, cancelled)) == OK)
        e = start(p, local);
    if (e == OK) {
        *out = p;
    } else {
        if (r != NULL && r->place[0] != '\0' && e != ERR_CANCELLED)
            e = err_prefix(e, _("through the proxy %s (sync.proxy in agent.yaml)"), r->place);
        proxy_close(p);
    }
    free(r);
    return e;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void proxy_close(struct proxy *p)
{
    if (p == NULL)
        return;
    close_fd(p->stop[1]);
    if (p->has_thread)
        (void)pthread_join(p->thread, NULL);
    close_fd(p->stop[0]);
    close_fd(p->local);
    close_fd(p->listening);
    close_fd(p->remote);
    free(p);
}
