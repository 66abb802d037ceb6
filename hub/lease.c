#include "hub/lease.h"

#include "common/cli.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_WAIT_MS   10000
#define ANSWER_SECONDS 300

struct lease {
    int core; /* connection to the running core, or -1 */
    int lock; /* home.lock, or -1 */
};

/* `exchange`: that folder; NULL: run/ of the home. */
static enum err address_of(struct sockaddr_un *a, const char *home, const char *exchange, const char *name)
{
    int n;

    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    n = exchange != NULL ? snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", exchange, name)
                         : snprintf(a->sun_path, sizeof(a->sun_path), "%s/run/%s", home, name);
    if (n < 0 || (size_t)n >= sizeof(a->sun_path))
        return err_set(ERR_LIMIT, _("%s/run/%s: the path is too long for a socket; use a home with a shorter name"),
                       exchange != NULL ? exchange : home, name);
    return OK;
}

static bool peer_user(int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *uid = peer.uid;
    return true;
}

bool lease_peer_is_ours(int fd)
{
    return lease_peer_is(fd, geteuid());
}

bool lease_peer_is(int fd, uid_t other)
{
    uid_t uid;

    return peer_user(fd, &uid) && (uid == geteuid() || uid == 0 || uid == other);
}

/* The administrator also speaks to the core of the user whom the home belongs to, the gateway to that of the user whom
 * their common folder belongs to, if nobody else can have put a socket there. */
static bool peer_serves(int fd, const char *home, const char *exchange)
{
    struct stat st;
    uid_t uid;

    if (lease_peer_is_ours(fd))
        return true;
    if (!peer_user(fd, &uid) || stat(exchange != NULL ? exchange : home, &st) != 0 || st.st_uid != uid)
        return false;
    return exchange != NULL ? (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 : geteuid() == 0;
}

static enum err connect_in(const char *home, const char *exchange, const char *name, int *fd)
{
    struct sockaddr_un a;
    enum err e = address_of(&a, home, exchange, name);
    int s;

    if (e != OK)
        return e;
    s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (s < 0)
        return err_errno(ERR_IO, errno, "socket");
    if (connect(s, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        e = errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_NET;
        e = err_errno(e, errno, "%s", a.sun_path);
        close(s);
        return e;
    }
    if (!peer_serves(s, home, exchange)) {
        close(s);
        return err_set(ERR_DENIED, _("%s: another user answers there"), a.sun_path);
    }
    *fd = s;
    return OK;
}

enum err local_connect(const char *home, const char *name, int *fd)
{
    return connect_in(home, NULL, name, fd);
}

enum err link_connect(const char *home, const char *exchange, int *fd)
{
    return connect_in(home, exchange, "core.sock", fd);
}

static enum err listen_in(const char *home, const char *exchange, const char *name, int *fd)
{
    struct sockaddr_un a;
    enum err e = address_of(&a, home, exchange, name);
    mode_t before;
    int s;
    int bound;

    if (e != OK)
        return e;
    s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return err_errno(ERR_IO, errno, "socket");
    (void)unlink(a.sun_path); /* left by a core that was killed: home.lock says that none runs */
    before = umask(exchange != NULL ? 0117 : 0177);
    bound = bind(s, (const struct sockaddr *)&a, sizeof(a));
    (void)umask(before);
    if (bound != 0 || listen(s, 64) != 0) {
        e = err_errno(ERR_IO, errno, "%s", a.sun_path);
        close(s);
        return e;
    }
    *fd = s;
    return OK;
}

enum err local_listen(const char *home, const char *name, int *fd)
{
    return listen_in(home, NULL, name, fd);
}

enum err link_listen(const char *home, const char *exchange, int *fd)
{
    return listen_in(home, exchange, "core.sock", fd);
}

enum err lease_listen(const char *home, int *fd)
{
    return local_listen(home, "operator.sock", fd);
}

static enum err open_lock(struct lease *l, const char *home)
{
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/home.lock", home) >= (int)sizeof(path))
        return err_set(ERR_LIMIT, _("%s: the path is too long"), home);
    l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return l->lock >= 0 ? OK : err_errno(errno == EACCES ? ERR_DENIED : ERR_IO, errno, "%s", path);
}

/* ERR_BUSY: another holds it. */
static enum err try_lock(const struct lease *l, const char *home, bool exclusive)
{
    if (flock(l->lock, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return OK;
    if (errno != EWOULDBLOCK && errno != EINTR)
        return err_errno(ERR_IO, errno, "%s/home.lock", home);
    return err_set(ERR_BUSY, _("%s is in use by another svodka-hub that does not answer; wait, or stop it"), home);
}

static enum err ask_core(int fd, const char *question, struct buf *answer)
{
    struct timeval patience = {ANSWER_SECONDS, 0};
    uint8_t *at;
    ssize_t n;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    do
        n = send(fd, question, strlen(question), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(ERR_NET, errno, _("the running core went away"));
    buf_reset(answer);
    at = buf_grow(answer, LEASE_MAX_PACKET);
    if (at == NULL)
        return ERR_NOMEM;
    do
        n = recv(fd, at, LEASE_MAX_PACKET, 0);
    while (n < 0 && errno == EINTR);
    answer->len = n > 0 ? (size_t)n : 0;
    if (n == 0)
        return err_set(ERR_NET, _("the running core closed the connection"));
    if (n < 0)
        return err_errno(ERR_NET, errno, _("the running core does not answer"));
    return OK;
}

enum err lease_ask(struct lease *l, const char *question, struct buf *answer)
{
    if (l->core < 0)
        return err_set(ERR_NOT_FOUND, _("no core runs in this home"));
    return ask_core(l->core, question, answer);
}

static enum err lease_from_core(struct lease *l, const char *home)
{
    struct buf answer;
    enum err e = local_connect(home, "operator.sock", &l->core);

    if (e != OK)
        return e;
    buf_init(&answer, LEASE_MAX_PACKET);
    e = ask_core(l->core, "lease", &answer);
    if (e == OK && strcmp(buf_cstr(&answer), "ok") != 0)
        e = err_set(ERR_DENIED, _("the running core refused: %s"), buf_cstr(&answer));
    buf_fini(&answer);
    if (e != OK) {
        close(l->core);
        l->core = -1;
    }
    return e;
}

/* A core that is just starting holds the lock and has no socket yet, one that was killed has left a socket and no lock:
 * so both are tried, in turns, until one of them is had. */
static enum err take_either(struct lease *l, const char *home, bool exclusive)
{
    int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
    enum err e = open_lock(l, home);

    while (e == OK) {
        if (!exclusive && (e = lease_from_core(l, home)) != ERR_NOT_FOUND && e != ERR_NET)
            break;
        e = try_lock(l, home, exclusive);
        if (e != ERR_BUSY || clock_mono_ms() >= until)
            return e;
        clock_sleep_ms(50);
        e = OK;
    }
    if (l->lock >= 0)
        close(l->lock);
    l->lock = -1;
    return e;
}

enum err lease_take(struct lease **out, const char *home, bool exclusive)
{
    struct lease *l = calloc(1, sizeof(*l));
    enum err e;

    if (l == NULL)
        return ERR_NOMEM;
    l->core = l->lock = -1;
    if ((e = take_either(l, home, exclusive)) != OK) {
        lease_end(l);
        return e;
    }
    *out = l;
    return OK;
}

bool lease_has_core(const struct lease *l)
{
    return l->core >= 0;
}

void lease_end(struct lease *l)
{
    if (l == NULL)
        return;
    if (l->core >= 0)
        close(l->core);
    if (l->lock >= 0)
        close(l->lock);
    free(l);
}
