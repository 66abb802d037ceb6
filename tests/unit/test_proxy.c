#include "agent/proxy.h"

#include "agent/resolve.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000
#define MUCH    (1u << 20)

/* A proxy that reads what it is asked, says what the test wants said, and then is the hub: it gives back what it gets.
 */
struct fake {
    int fd, port;
    const char *first, *second; /* the answers to greeting and request; NULL: none, and the connection ends */
    size_t first_len, second_len;
    bool is_silent; /* instead of answers */
    uint8_t asked[300];
    size_t asked_len;
    int left; /* the silent connection */
    pthread_t thread;
};

static void *serve(void *arg)
{
    static uint8_t bytes[16384];
    struct fake *f = arg;
    int c = accept(f->fd, NULL, NULL);
    ssize_t n;

    if (f->is_silent) {
        f->left = c;
        return NULL;
    }
    if (read(c, bytes, 3) == 3 && f->first != NULL && write(c, f->first, f->first_len) > 0 && f->second != NULL &&
        (n = read(c, f->asked, sizeof(f->asked))) > 0 && write(c, f->second, f->second_len) > 0) {
        f->asked_len = (size_t)n;
        while ((n = read(c, bytes, sizeof(bytes))) > 0)
            if (write(c, bytes, (size_t)n) != n)
                break;
    }
    close(c);
    return NULL;
}

static void fake_start(struct fake *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);

    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    f->left = -1;
    assert_int_equal(bind(f->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->fd, 4), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&at, &len), 0);
    f->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_end(struct fake *f)
{
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    if (f->left >= 0)
        close(f->left);
    close(f->fd);
}

static enum err ask(struct fake *f, struct proxy **out, const char *target, int64_t wait_ms)
{
    char local[PROXY_URL_MAX];
    char url[64];
    enum err e;

    fake_start(f);
    (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", f->port);
    *out = NULL;
    e = proxy_open(out, local, url, target, wait_ms, NULL);
    if (e != OK) {
        char place[64];

        (void)snprintf(place, sizeof(place), "through the proxy 127.0.0.1:%d", f->port);
        assert_null(*out);
        assert_non_null(strstr(err_text(), place));
    }
    return e;
}

#define TEXT(t) .second = (t), .second_len = sizeof(t) - 1
#define YES     .first = "\5\0", .first_len = 2

static void the_hub_is_asked_for_by_name_or_by_address(void **state)
{
    static const struct {
        const char *target, *asked;
        size_t len;
    } cases[] = {{"tcp://hub.example.org:4780", "\5\1\0\3\17hub.example.org\x12\xac", 22},
                 {"tcp://192.0.2.7:443", "\5\1\0\1\xc0\0\2\7\1\xbb", 10},
                 {"tcp://[2001:db8::1]:80", "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50", 22}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake f = {YES, TEXT("\5\0\0\1\0\0\0\0\0\0")};
        struct proxy *p;

        assert_int_equal(ask(&f, &p, cases[i].target, WAIT_MS), OK);
        proxy_close(p);
        fake_end(&f);
        assert_int_equal(f.asked_len, cases[i].len);
        assert_memory_equal(f.asked, cases[i].asked, cases[i].len);
    }
}

static int go_through(const char *local)
{
    struct sockaddr_storage at;
    struct resolved_parts parts;
    socklen_t len = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(resolve_split(&parts, local) && resolve_address(&at, &len, &parts));
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, len), 0);
    return fd;
}

static void *send_much(void *arg)
{
    const int *fd = arg;
    uint8_t bytes[8192];

    for (size_t sent = 0; sent < MUCH; sent += sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)((sent + i) * 2654435761u >> 24);
        if (write(*fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
            return NULL;
    }
    return NULL;
}

/* The answer names its own address in three ways, and the hub's first word comes in the same packet. */
static void all_bytes_pass_both_ways_and_none_of_the_hubs_is_taken_for_the_proxys(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } answers[] = {{"\5\0\0\1\1\2\3\4\0\1hub!", 14},
                   {"\5\0\0\3\3abc\0\1hub!", 14},
                   {"\5\0\0\4\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\0\1hub!", 26}};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct fake f = {YES, .second = answers[i].text, .second_len = answers[i].len};
        char local[PROXY_URL_MAX];
        char url[64];
        struct proxy *p = NULL;
        pthread_t sender;
        uint8_t bytes[8192];
        ssize_t n;
        int fd;

        fake_start(&f);
        (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", f.port);
        assert_int_equal(proxy_open(&p, local, url, "tcp://hub:1", WAIT_MS, NULL), OK);
        fd = go_through(local);
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(read(fd, bytes, 1), 1);
            assert_int_equal(bytes[0], "hub!"[k]);
        }
        assert_int_equal(pthread_create(&sender, NULL, send_much, &fd), 0);
        for (size_t k = 0; k < MUCH; k += (size_t)n) {
            assert_true((n = read(fd, bytes, sizeof(bytes))) > 0);
            for (size_t at = 0; at < (size_t)n; at++)
                if (bytes[at] != (uint8_t)((k + at) * 2654435761u >> 24))
                    fail_msg("byte %zu came through changed", k + at);
        }
        assert_int_equal(pthread_join(sender, NULL), 0);
        close(fd);
        proxy_close(p);
        fake_end(&f);
    }
}

/* Whatever stands there: a sentence with its name, and the process goes on. */
static void a_proxy_that_does_not_help_is_told_as_what_it_is(void **state)
{
    static const struct {
        struct fake f;
        enum err e;
        const char *says;
    } cases[] = {
        {{.first = "\5\xff", .first_len = 2}, ERR_DENIED, "it wants a password"},
        {{.first = "\5\2", .first_len = 2}, ERR_MALFORMED, "something else than a SOCKS5 proxy"},
        {{.first = "HTTP/1.1 400 Bad Request", .first_len = 24}, ERR_MALFORMED, "something else than a SOCKS5 proxy"},
        {{.first = NULL}, ERR_DENIED, "breaks the connection off"},
        {{.first = "\5", .first_len = 1}, ERR_DENIED, "breaks the connection off"},
        {{YES, .second = NULL}, ERR_DENIED, "breaks the connection off"},
        {{YES, TEXT("\5\1\0\1\0\0\0\0\0\0")}, ERR_DENIED, "SOCKS error 1"},
        {{YES, TEXT("\5\2\0\1\0\0\0\0\0\0")}, ERR_DENIED, "does not allow"},
        {{YES, TEXT("\5\4\0\1\0\0\0\0\0\0")}, ERR_NET, "cannot reach the hub"},
        {{YES, TEXT("\5\5\0\1\0\0\0\0\0\0")}, ERR_NET, "finds nobody"},
        {{YES, TEXT("\5\6\0\1\0\0\0\0\0\0")}, ERR_NET, "no answer from the hub"},
        {{YES, TEXT("\5\xee\0\1\0\0\0\0\0\0")}, ERR_DENIED, "SOCKS error 238"},
        {{YES, TEXT("\4\0\0\1\0\0\0\0\0\0")}, ERR_MALFORMED, "something else"},
        {{YES, TEXT("\5\0\7\1\0\0\0\0\0\0")}, ERR_MALFORMED, "something else"},
        {{YES, TEXT("\5\0\0\2\0\0\0\0\0\0")}, ERR_MALFORMED, "something else"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake f = cases[i].f;
        struct proxy *p;
        enum err e = ask(&f, &p, "tcp://hub:1", WAIT_MS);

        if (e != cases[i].e || strstr(err_text(), cases[i].says) == NULL)
            fail_msg("case %zu: %d, %s", i, (int)e, err_text());
        fake_end(&f);
    }
}

static void a_silent_proxy_is_left_after_the_time_given_and_at_once_when_cancelled(void **state)
{
    const volatile sig_atomic_t stop = 1;
    struct fake f = {.is_silent = true};
    char local[PROXY_URL_MAX];
    struct proxy *p;

    (void)state;
    assert_int_equal(ask(&f, &p, "tcp://hub:1", 100), ERR_NET);
    assert_non_null(strstr(err_text(), "it does not answer"));
    fake_end(&f);
    p = NULL;
    assert_int_equal(proxy_open(&p, local, "tcp://127.0.0.1:1", "tcp://hub:1", WAIT_MS, &stop), ERR_CANCELLED);
    assert_null(p);
}

static void a_proxy_that_is_not_there_and_one_never_used_leave_nothing_behind(void **state)
{
    struct fake f = {YES, TEXT("\5\0\0\1\0\0\0\0\0\0")};
    char local[PROXY_URL_MAX];
    char url[64];
    struct proxy *p = NULL;

    (void)state;
    assert_int_equal(ask(&f, &p, "tcp://hub:1", WAIT_MS), OK);
    proxy_close(p); /* nobody ever connected to it: the proxy's end is closed all the same */
    fake_end(&f);
    (void)snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", f.port); /* nobody listens there any more */
    p = NULL;
    assert_int_equal(proxy_open(&p, local, url, "tcp://hub:1", WAIT_MS, NULL), ERR_NET);
    assert_non_null(strstr(err_text(), "through the proxy 127.0.0.1:"));
    proxy_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hub_is_asked_for_by_name_or_by_address),
        cmocka_unit_test(all_bytes_pass_both_ways_and_none_of_the_hubs_is_taken_for_the_proxys),
        cmocka_unit_test(a_proxy_that_does_not_help_is_told_as_what_it_is),
        cmocka_unit_test(a_silent_proxy_is_left_after_the_time_given_and_at_once_when_cancelled),
        cmocka_unit_test(a_proxy_that_is_not_there_and_one_never_used_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
