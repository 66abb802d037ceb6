#include "common/service.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST_MS   INT64_C(86400000) /* of a watchdog: more is none of systemd's */
#define SEND_S    1                 /* a manager that takes nothing for so long does not hold us up */
#define SHARE     3                 /* of the watchdog's time between two signs of life */
#define LEAST_MS  1
#define NO_SOCKET (-1)

static struct {
    int fd;
    struct sockaddr_un to;
    socklen_t to_len;
    int64_t watchdog_ms, fed_ms;
    char status[SERVICE_STATUS_MAX + 1];
} manager = {.fd = NO_SOCKET};

/* ---- what the environment says ---- */

static const char *address_of(const char *path)
{
    size_t len = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(manager.to.sun_path))
        return "it is neither a path nor an abstract name of the length that a socket may have";
    memset(&manager.to, 0, sizeof(manager.to));
    manager.to.sun_family = AF_UNIX;
    memcpy(manager.to.sun_path, path, len);
    manager.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (path[0] == '@')
        manager.to.sun_path[0] = '\0'; /* an abstract name has no end but its length */
    else
        manager.to_len++;
    return NULL;
}

static const char *open_socket(void)
{
    const struct timeval patience = {.tv_sec = SEND_S};

    manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager.fd < 0 || setsockopt(manager.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
        return strerror(errno);
    return NULL;
}

static bool read_number(int64_t *out, const char *text)
{
    char *end = NULL;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* For whom the watchdog is: without WATCHDOG_PID for whoever is asked. */
static int64_t watchdog_of(const char *microseconds, const char *pid)
{
    int64_t us = 0, whom = 0;

    if (!read_number(&us, microseconds) || us <= 0 || us / 1000 > MOST_MS)
        return 0;
    if (pid != NULL && (!read_number(&whom, pid) || whom != (int64_t)getpid()))
        return 0;
    return us / 1000 > SHARE ? us / 1000 : SHARE;
}

void service_start(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const char *mistake = NULL;

    service_stop();
    if (path != NULL && path[0] != '\0' &&
        ((mistake = address_of(path)) != NULL || (mistake = open_socket()) != NULL)) {
        log_warning("NOTIFY_SOCKET=%.120s: %s; the service manager is told nothing", path, mistake);
        service_stop();
    }
    if (manager.fd >= 0)
        manager.watchdog_ms = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void service_stop(void)
{
    if (manager.fd >= 0)
        close(manager.fd);
    manager.fd = NO_SOCKET;
    manager.watchdog_ms = 0;
    manager.status[0] = '\0';
}

/* ---- what is said ---- */

static void tell(const char *text)
{
    if (manager.fd < 0)
        return;
    if (sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&manager.to, manager.to_len) < 0)
        log_info("the service manager was not told %.40s: %s", text, strerror(errno));
}

void service_ready(void)
{
    manager.fed_ms = clock_mono_ms();
    tell("READY=1");
}

void service_status(const char *fmt, ...)
{
    char line[sizeof("STATUS=") + SERVICE_STATUS_MAX] = "STATUS=";
    char *text = line + strlen(line);
    va_list ap;

    if (manager.fd < 0)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, SERVICE_STATUS_MAX + 1, fmt, ap);
    va_end(ap);
    for (char *c = text; *c != '\0'; c++) /* one line, whatever is in a name */
        if ((unsigned char)*c < ' ')
            *c = ' ';
    if (strcmp(text, manager.status) == 0)
        return;
    memcpy(manager.status, text, sizeof(manager.status));
    tell(line);
}

void service_alive(void)
{
    int64_t now;

    if (manager.watchdog_ms == 0)
        return;
    now = clock_mono_ms();
    if (now - manager.fed_ms < manager.watchdog_ms / SHARE)
        return;
    manager.fed_ms = now;
    tell("WATCHDOG=1");
}

int service_wait_ms(int wait_ms)
{
    int64_t left;

    if (manager.watchdog_ms == 0)
        return wait_ms;
    left = manager.fed_ms + manager.watchdog_ms / SHARE - clock_mono_ms();
    if (left < LEAST_MS)
        left = LEAST_MS;
    return wait_ms >= 0 && wait_ms < left ? wait_ms : (int)left;
}

int64_t service_watchdog_ms(void)
{
    return manager.watchdog_ms;
}

void service_stopping(void)
{
    tell("STOPPING=1");
}
