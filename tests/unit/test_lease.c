/* test_lease.c: a command comes in beside a running core or alone, and never into another user's or a dying core's
 * home. */
#include "hub/lease.h"

#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[64];

static int make_home(void **state)
{
    (void)state;
    (void)snprintf(home, sizeof(home), "/tmp/svodka-lease-XXXXXX");
    return mkdtemp(home) != NULL && folder_make(home, "run") == OK ? 0 : -1;
}

static int remove_home(void **state)
{
    (void)state;
    folder_remove(home);
    return 0;
}

/* A core of one connection: answers from a list, then hangs up. */
struct fake {
    int listen;
    const char *const *answers;
    char heard[4][32];
    int questions;
    pthread_t thread;
};

static void *serve_one(void *arg)
{
    struct fake *f = arg;
    int flags = fcntl(f->listen, F_GETFL);
    int fd;

    (void)fcntl(f->listen, F_SETFL, flags & ~O_NONBLOCK);
    if ((fd = accept(f->listen, NULL, NULL)) < 0)
        return NULL;
    for (int i = 0; f->answers[i] != NULL; i++) {
        ssize_t n = recv(fd, f->heard[i], sizeof(f->heard[i]) - 1, 0);

        if (n <= 0)
            break;
        f->questions++;
        (void)send(fd, f->answers[i], strlen(f->answers[i]), MSG_NOSIGNAL);
    }
    close(fd);
    return NULL;
}

static void start_core(struct fake *f, const char *const *answers)
{
    memset(f, 0, sizeof(*f));
    f->answers = answers;
    assert_int_equal(lease_listen(home, &f->listen), OK);
    assert_int_equal(pthread_create(&f->thread, NULL, serve_one, f), 0);
}

static void end_core(struct fake *f)
{
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    close(f->listen);
}

static void without_a_core_commands_share_the_home(void **state)
{
    struct lease *a = NULL, *b = NULL;
    struct buf answer;

    (void)state;
    buf_init(&answer, LEASE_MAX_PACKET);
    assert_int_equal(lease_take(&a, home, false), OK);
    assert_int_equal(lease_take(&b, home, false), OK);
    assert_false(lease_has_core(a));
    assert_int_equal(lease_ask(a, "status", &answer), ERR_NOT_FOUND);
    lease_end(a);
    lease_end(b);
    lease_end(NULL);
    buf_fini(&answer);
}

static void a_command_comes_in_beside_a_running_core(void **state)
{
    static const char *const answers[] = {"ok", "{\"core\":\"running\"}", NULL};
    struct lease *l = NULL;
    struct stat st;
    struct buf answer;
    struct fake f;
    char path[128];

    (void)state;
    buf_init(&answer, LEASE_MAX_PACKET);
    start_core(&f, answers);
    (void)snprintf(path, sizeof(path), "%s/run/operator.sock", home);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(lease_take(&l, home, false), OK);
    assert_true(lease_has_core(l));
    assert_int_equal(lease_ask(l, "status", &answer), OK);
    assert_string_equal(buf_cstr(&answer), "{\"core\":\"running\"}");
    end_core(&f);
    assert_string_equal(f.heard[0], "lease");
    assert_string_equal(f.heard[1], "status");
    /* The core is gone: the next question says so instead of waiting. */
    assert_int_equal(lease_ask(l, "changed", &answer), ERR_NET);
    lease_end(l);
    buf_fini(&answer);
}

static void a_core_that_refuses_is_not_passed_by(void **state)
{
    static const char *const answers[] = {"error too many commands at once", NULL};
    struct lease *l = NULL;
    struct fake f;

    (void)state;
    start_core(&f, answers);
    assert_int_equal(lease_take(&l, home, false), ERR_DENIED);
    assert_non_null(strstr(err_text(), "too many commands"));
    assert_null(l);
    end_core(&f);
}

static void a_socket_left_by_a_killed_core_is_no_core(void **state)
{
    struct lease *l = NULL;
    int fd;

    (void)state;
    assert_int_equal(lease_listen(home, &fd), OK);
    close(fd); /* the file stays, nobody listens */
    assert_int_equal(lease_take(&l, home, false), OK);
    assert_false(lease_has_core(l));
    lease_end(l);
    assert_int_equal(lease_listen(home, &fd), OK); /* and the next core takes its place */
    close(fd);
}

struct holder {
    int fd;
    int pipe[2];
};

static void *let_go(void *arg)
{
    struct holder *h = arg;
    char byte;

    (void)!read(h->pipe[0], &byte, 1);
    close(h->fd);
    return NULL;
}

static void who_is_alone_keeps_the_others_out_until_it_ends(void **state)
{
    struct lease *alone = NULL, *l = NULL;
    struct holder h;
    pthread_t thread;
    char path[128];

    (void)state;
    assert_int_equal(lease_take(&alone, home, true), OK);
    (void)snprintf(path, sizeof(path), "%s/home.lock", home);
    h.fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(h.fd, LOCK_SH | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    lease_end(alone);
    /* A command waits a little for a lock that somebody holds at the moment. */
    assert_int_equal(flock(h.fd, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(pipe(h.pipe), 0);
    assert_int_equal(pthread_create(&thread, NULL, let_go, &h), 0);
    assert_int_equal(write(h.pipe[1], "x", 1), 1);
    assert_int_equal(lease_take(&l, home, true), OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(h.pipe[0]);
    close(h.pipe[1]);
    lease_end(l);
}

static void a_home_that_cannot_be_entered_is_named(void **state)
{
    struct lease *l = NULL;
    char *deep = calloc(1, 5000);
    int fd;

    (void)state;
    assert_int_equal(lease_take(&l, "/tmp/svodka-lease-there-is-none", true), ERR_IO);
    assert_non_null(strstr(err_text(), "home.lock"));
    assert_non_null(deep);
    memset(deep, 'x', 4990);
    deep[0] = '/';
    assert_int_equal(lease_take(&l, deep, false), ERR_LIMIT);
    deep[120] = '\0';
    assert_int_equal(lease_listen(deep, &fd), ERR_LIMIT); /* more than a socket's address holds */
    assert_non_null(strstr(err_text(), "shorter name"));
    assert_int_equal(local_listen("/tmp/svodka-lease-there-is-none", "x.sock", &fd), ERR_IO);
    assert_null(l);
    free(deep);
}

static void only_our_own_user_is_a_peer(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_true(lease_peer_is_ours(pair[0]));
    assert_false(lease_peer_is_ours(-1));
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_core_commands_share_the_home, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_command_comes_in_beside_a_running_core, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_core_that_refuses_is_not_passed_by, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_socket_left_by_a_killed_core_is_no_core, make_home, remove_home),
        cmocka_unit_test_setup_teardown(who_is_alone_keeps_the_others_out_until_it_ends, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_home_that_cannot_be_entered_is_named, make_home, remove_home),
        cmocka_unit_test(only_our_own_user_is_a_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
