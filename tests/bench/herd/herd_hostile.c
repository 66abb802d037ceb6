/* Strangers without a key who do what they can beside the schools, each with one connection that it opens again as soon
 * as the hub closes it.  What each attack does to a hub alone is tests/fault/attack. */
#include "tests/bench/herd/herd.h"

#include <poll.h>

#define TURN_MS  50
#define GREETING 64u

const char hostile_kinds[] =
    "silent, half a greeting, noise, a greeting byte by byte, a web browser, a greeting and noise";

struct stranger {
    int fd; /* -1: to be opened */
    unsigned kind;
    size_t sent;
};
static pid_t process;

static int knock(void)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons((uint16_t)herd->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 && errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static size_t greeting(uint8_t out[GREETING])
{
    memset(out, 0, GREETING);
    out[0] = 0xff;
    out[8] = 1;
    out[9] = 0x7f;
    out[10] = 3;
    memcpy(out + 12, "CURVE", 5);
    return GREETING;
}

/* What it says in this turn. */
static void speak(struct stranger *s)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: hub\r\n\r\n";
    uint8_t bytes[GREETING + 256];
    size_t len = 0, from = s->sent;

    switch (s->kind % 6) {
    case 0: return;
    case 1: len = greeting(bytes) / 2; break;
    case 2: random_bytes(bytes, len = sizeof(bytes)); break;
    case 3: len = s->sent < greeting(bytes) ? s->sent + 1 : GREETING; break;
    case 4: memcpy(bytes, request, len = sizeof(request) - 1); break;
    default:
        (void)greeting(bytes);
        random_bytes(bytes + GREETING, 256);
        len = sizeof(bytes);
    }
    if (from < len && send(s->fd, bytes + from, len - from, MSG_NOSIGNAL) > 0)
        s->sent = len;
}

static void turn(struct stranger *s)
{
    uint8_t away[512];
    ssize_t n;

    if (s->fd < 0) {
        s->fd = knock();
        s->sent = 0;
        return;
    }
    speak(s);
    n = recv(s->fd, away, sizeof(away), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN)) {
        close(s->fd);
        s->fd = -1;
    }
}

static _Noreturn void go_on(size_t count)
{
    struct stranger *all = calloc(count, sizeof(*all));

    for (size_t i = 0; all != NULL && i < count; i++)
        all[i] = (struct stranger){.fd = -1, .kind = (unsigned)i};
    while (all != NULL) {
        for (size_t i = 0; i < count; i++)
            turn(&all[i]);
        clock_sleep_ms(TURN_MS);
    }
    _exit(1);
}

void hostile_start(size_t count)
{
    if (count == 0)
        return;
    if ((process = fork()) < 0)
        at_fault("fork: %s", strerror(errno));
    if (process == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(126);
        go_on(count);
    }
}

void hostile_end(void)
{
    int status;

    if (process == 0)
        return;
    /* It must have been there until now. */
    if (waitpid(process, &status, WNOHANG) != 0 || kill(process, SIGKILL) != 0 ||
        waitpid(process, &status, 0) != process)
        at_fault("the strangers ended before the schools did");
}
