#include "agent/resolve.h"

#include "common/cli.h"
#include "common/clock.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 10

/* getaddrinfo() cannot be interrupted: a thread of its own asks, and whoever is last frees the question. */
struct question {
    pthread_mutex_t lock;
    char host[RESOLVE_HOST_MAX + 1], port[8];
    bool is_answered, is_left;
    int failed;
    struct addrinfo *list;
};

static void question_free(struct question *q)
{
    if (q->list != NULL)
        freeaddrinfo(q->list);
    (void)pthread_mutex_destroy(&q->lock);
    free(q);
}

static int look_up(const char *host, const char *port, int flags, struct addrinfo **list)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};

    return getaddrinfo(host, port, &hints, list);
}

static void *ask(void *arg)
{
    struct question *q = arg;
    struct addrinfo *list = NULL;
    int failed = look_up(q->host, q->port, 0, &list);
    bool is_left;

    (void)pthread_mutex_lock(&q->lock);
    q->failed = failed;
    q->list = failed == 0 ? list : NULL;
    q->is_answered = true;
    is_left = q->is_left;
    (void)pthread_mutex_unlock(&q->lock);
    if (is_left)
        question_free(q);
    return NULL;
}

static bool wait_for(struct question *q, int64_t wait_ms, const volatile sig_atomic_t *cancelled)
{
    int64_t until = clock_mono_ms() + wait_ms;
    bool is_answered;

    (void)pthread_mutex_lock(&q->lock);
    while (!q->is_answered && clock_mono_ms() < until && (cancelled == NULL || *cancelled == 0)) {
        (void)pthread_mutex_unlock(&q->lock);
        clock_sleep_ms(STEP_MS);
        (void)pthread_mutex_lock(&q->lock);
    }
    is_answered = q->is_answered;
    q->is_left = !is_answered;
    (void)pthread_mutex_unlock(&q->lock);
    return is_answered;
}

static void take(struct resolved *out, const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a != NULL && out->count < RESOLVE_MAX; a = a->ai_next) {
        char host[64];
        char port[8];

        if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
            continue;
        (void)snprintf(out->urls[out->count++], RESOLVE_URL_MAX,
                       a->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
    }
}

static enum err resolve_name(struct resolved *out, const char *host, const char *port, int64_t wait_ms,
                             const volatile sig_atomic_t *cancelled)
{
    struct question *q = calloc(1, sizeof(*q));
    pthread_t thread;
    enum err e = OK;

    if (q == NULL)
        return ERR_NOMEM;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)snprintf(q->host, sizeof(q->host), "%s", host);
    (void)snprintf(q->port, sizeof(q->port), "%s", port);
    if (pthread_create(&thread, NULL, ask, q) != 0) {
        question_free(q);
        return err_set(ERR_NOMEM, "a thread cannot be started");
    }
    (void)pthread_detach(thread);
    if (!wait_for(q, wait_ms, cancelled)) /* the thread frees it */
        return cancelled != NULL && *cancelled != 0
                   ? err_set(ERR_CANCELLED, _("stopped"))
                   : err_set(ERR_NET, _("%s cannot be reached: its name is not answered; is there a network?"),
                             out->place);
    if (q->failed != 0)
        e = err_set(ERR_NET, _("%s cannot be reached: its name is not known (%s)"), out->place,
                    gai_strerror(q->failed));
    else
        take(out, q->list);
    question_free(q);
    return e;
}

bool resolve_split(struct resolved_parts *out, const char *url)
{
    const char *at = url + 6;
    const char *colon = strrchr(url, ':');
    size_t len;

    if (strncmp(url, "tcp://", 6) != 0 || colon <= at || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    len = (size_t)(colon - at);
    if (at[0] == '[' && at[len - 1] == ']') {
        at++;
        len -= 2;
    }
    if (len == 0 || len > RESOLVE_HOST_MAX)
        return false;
    memcpy(out->host, at, len);
    out->host[len] = '\0';
    (void)snprintf(out->port, sizeof(out->port), "%s", colon + 1);
    return true;
}

bool resolve_address(struct sockaddr_storage *out, socklen_t *len, const struct resolved_parts *parts)
{
    struct addrinfo *list = NULL;

    if (look_up(parts->host, parts->port, AI_NUMERICHOST, &list) != 0)
        return false;
    memcpy(out, list->ai_addr, list->ai_addrlen);
    *len = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

enum err resolve_url(struct resolved *out, const char *url, int64_t wait_ms, const volatile sig_atomic_t *cancelled)
{
    struct resolved_parts p;
    struct addrinfo *list = NULL;
    enum err e = OK;

    memset(out, 0, sizeof(*out));
    if (!resolve_split(&p, url))
        return err_set(ERR_MALFORMED, _("%s: tcp://HOST:PORT is expected"), url);
    (void)snprintf(out->place, sizeof(out->place), strchr(p.host, ':') != NULL ? "[%s]:%s" : "%s:%s", p.host, p.port);
    if (look_up(p.host, p.port, AI_NUMERICHOST, &list) == 0) {
        take(out, list);
        freeaddrinfo(list);
    } else {
        e = resolve_name(out, p.host, p.port, wait_ms, cancelled);
    }
    if (e == OK && out->count == 0)
        e = err_set(ERR_NET, _("%s cannot be reached: its name has no address"), out->place);
    return e;
}
