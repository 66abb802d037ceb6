#include "hub/core_internal.h"

#include "common/clock.h"
#include "common/log.h"
#include "hub/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_text(int fd, const char *text, size_t len)
{
    if (send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("core: an operator's command went away: %s", strerror(errno));
}

void core_operator_accept(struct core *c)
{
    int fd = accept4(c->operator_listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (!lease_peer_is_ours(fd)) {
        log_warning("core: a command of another user was refused");
        close(fd);
        return;
    }
    for (size_t i = 0; i < CORE_MAX_OPERATORS; i++) {
        if (c->operators[i] < 0) {
            struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 16 + i};

            c->operators[i] = fd;
            if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
                return;
            c->operators[i] = -1;
        }
    }
    send_text(fd, "error too many commands at once", 31);
    close(fd);
}

static void status(struct core *c, int fd)
{
    char text[1024];
    const struct ipc_status *g = &c->gateway_status;
    int n;

    core_nights_flush(c); /* what is read next is of this moment */
    n = snprintf(text, sizeof(text),
                 "{\"core\":\"running\",\"pid\":%ld,\"uptime_s\":%lld,\"gateway\":\"%s\",\"connections\":%llu,"
                 "\"meetings\":%llu,\"spool_bytes\":%llu,\"refused_handshakes\":%llu,\"batches\":%llu,"
                 "\"refused_batches\":%llu,\"pending\":%u}",
                 (long)getpid(), (long long)(clock_mono_ms() - c->started_ms) / 1000,
                 c->gateway != NULL ? "connected" : "away", (unsigned long long)g->connections,
                 (unsigned long long)g->meetings, (unsigned long long)g->spool_bytes,
                 (unsigned long long)g->refused_handshakes, (unsigned long long)c->batches,
                 (unsigned long long)c->refused, workers_pending(c->workers));

    send_text(fd, text, n > 0 ? (size_t)n : 0);
}

static void changed(struct core *c, int fd)
{
    char text[512];
    enum err e = core_reload(c);
    int n;

    if (e == OK) {
        send_text(fd, "ok", 2);
        return;
    }
    n = snprintf(text, sizeof(text), "error %s", err_text());
    log_error("core: a change could not be loaded: %s", err_text());
    send_text(fd, text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void core_operator_readable(struct core *c, size_t i)
{
    char question[32];
    int fd = c->operators[i];
    ssize_t n = recv(fd, question, sizeof(question) - 1, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close(fd);
        c->operators[i] = -1;
        return;
    }
    question[n] = '\0';
    if (strcmp(question, "lease") == 0)
        send_text(fd, "ok", 2);
    else if (strcmp(question, "changed") == 0)
        changed(c, fd);
    else if (strcmp(question, "status") == 0)
        status(c, fd);
    else
        send_text(fd, "error unknown question", 22);
}
