/* The real programs under a service manager, which the test plays: each says that it is ready when it is, gives signs
 * of life only while its work goes on, and says that it ends (docs/night.md). */
#include "tests/integration/meeting_fixture.h"

#include <dirent.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/un.h>

#define WATCHDOG_US "300000" /* they feed it every 100 ms */
#define SILENCE_MS  1000     /* ten times that: whoever is silent so long is not alive */

struct manager {
    struct district d;
    char path[96];
    int socket;
};

static void be_manager(struct manager *m)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const int on = 1;

    (void)snprintf(m->path, sizeof(m->path), "%s/notify", m->d.dir);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", m->path);
    m->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(m->socket >= 0);
    assert_int_equal(bind(m->socket, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(setsockopt(m->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", m->path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", WATCHDOG_US, 1), 0);
}

static int begin(void **state)
{
    struct manager *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    district_new(&m->d, "intake.workers: 1\n");
    be_manager(m);
    *state = m;
    return 0;
}

static int end(void **state)
{
    struct manager *m = *state;

    end_program(&m->d.gateway, SIGKILL); /* only after a failure do they still run, and may be held */
    end_program(&m->d.core, SIGKILL);
    district_free(&m->d);
    close(m->socket);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    free(m);
    return 0;
}

/* What was said next, and by whom; false: nobody said anything for `wait_ms`. */
static bool hear(const struct manager *m, int wait_ms, char said[512], pid_t *who)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec part = {said, 511};
    struct msghdr h = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    struct pollfd p = {.fd = m->socket, .events = POLLIN};
    const struct cmsghdr *c;
    struct ucred sender = {.pid = 0};
    ssize_t n;

    if (poll(&p, 1, wait_ms) != 1)
        return false;
    n = recvmsg(m->socket, &h, MSG_DONTWAIT);
    assert_true(n > 0);
    said[n] = '\0';
    c = CMSG_FIRSTHDR(&h);
    if (c == NULL)
        fail_msg("a datagram without its sender");
    else
        memcpy(&sender, CMSG_DATA(c), sizeof(sender));
    *who = sender.pid;
    return true;
}

/* Until `who` says it; everything else that it says before is let pass, but for what it must not have said. */
static void wait_for(const struct manager *m, pid_t who, const char *what, const char *but_not)
{
    int64_t until = clock_mono_ms() + START_MS;
    char said[512];
    pid_t speaker;

    while (clock_mono_ms() < until)
        if (hear(m, 100, said, &speaker) && speaker == who) {
            if (strncmp(said, what, strlen(what)) == 0)
                return;
            if (but_not != NULL)
                assert_null(strstr(said, but_not));
        }
    fail_msg("process %ld never said %s", (long)who, what);
}

/* Both say it, in whatever order: what was said once is not said again. */
static void wait_for_both(const struct manager *m, pid_t one, const char *first, pid_t other, const char *second)
{
    int64_t until = clock_mono_ms() + START_MS;
    bool has_first = false;
    bool has_second = false;
    char said[512];
    pid_t speaker;

    while (!has_first || !has_second) {
        if (clock_mono_ms() > until)
            fail_msg("nobody said %s", has_first ? second : first);
        if (!hear(m, 100, said, &speaker))
            continue;
        has_first = has_first || (speaker == one && strncmp(said, first, strlen(first)) == 0);
        has_second = has_second || (speaker == other && strncmp(said, second, strlen(second)) == 0);
    }
}

/* It falls silent, and stays so for ten times as long as somebody alive would.  What it said before it hung may come.
 */
static void wait_for_silence(const struct manager *m, pid_t of)
{
    int64_t until = clock_mono_ms() + START_MS;
    int64_t last = clock_mono_ms();
    char said[512];
    pid_t speaker;

    while (clock_mono_ms() - last < SILENCE_MS) {
        assert_true(clock_mono_ms() < until);
        if (hear(m, 50, said, &speaker) && speaker == of)
            last = clock_mono_ms();
    }
}

static bool port_answers(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

    close(fd);
    return answers;
}

static void launch_core(struct manager *m)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub";
    char word[] = "core";
    char option[] = "--home";
    char *argv[] = {program, word, option, m->d.home, NULL};

    m->d.core = start_program(&m->d, argv, -1);
}

static void launch_gateway(struct manager *m)
{
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub-gateway";
    char option[] = "--home";
    char *argv[] = {program, option, m->d.home, NULL};

    m->d.gateway = start_program(&m->d, argv, -1);
}

/* ---- ready ---- */

static void a_hub_is_ready_when_it_listens_and_says_when_it_ends(void **state)
{
    struct manager *m = *state;
    int fd;

    launch_gateway(m);
    wait_for(m, m->d.gateway, "STATUS=", "READY"); /* there is no core: no school could come */
    wait_for(m, m->d.gateway, "WATCHDOG=1", "READY");
    assert_false(port_answers(m->d.port));
    launch_core(m);
    wait_for(m, m->d.core, "READY=1", NULL);
    MUST(local_connect(m->d.home, "operator.sock", &fd));
    close(fd);
    MUST(local_connect(m->d.home, "core.sock", &fd));
    close(fd);
    wait_for_both(m, m->d.gateway, "READY=1", m->d.core, "STATUS=schools: 2, programmes: 1");
    assert_true(port_answers(m->d.port));
    assert_int_equal(kill(m->d.gateway, SIGTERM), 0);
    wait_for(m, m->d.gateway, "STOPPING=1", "READY");
    assert_int_equal(kill(m->d.core, SIGTERM), 0);
    wait_for(m, m->d.core, "STOPPING=1", "READY");
    end_program(&m->d.gateway, SIGCONT);
    end_program(&m->d.core, SIGCONT);
}

/* The two that `serve` starts are its own, not the manager's. */
static void serve_speaks_for_both(void **state)
{
    struct manager *m = *state;
    char program[] = SVODKA_BINARY_DIR "/hub/svodka-hub";
    char word[] = "serve";
    char option[] = "--home";
    char *argv[] = {program, word, option, m->d.home, NULL};
    pid_t serve = start_program(&m->d, argv, -1);
    char said[512];
    pid_t speaker;

    wait_for(m, serve, "READY=1", NULL);
    assert_true(port_answers(m->d.port));
    wait_for(m, serve, "WATCHDOG=1", "READY");
    while (hear(m, 0, said, &speaker))
        assert_int_equal(speaker, serve);
    assert_int_equal(kill(serve, SIGTERM), 0);
    wait_for(m, serve, "STOPPING=1", "READY");
    end_program(&serve, SIGCONT);
}

static void an_agent_is_ready_when_it_can_be_asked(void **state)
{
    struct manager *m = *state;
    struct agent *a = school_join(&m->d, 0, "gp");
    char program[] = SVODKA_BINARY_DIR "/agent/svodka-agent";
    char word[] = "run";
    char option[] = "--home";
    char home[128], path[160];
    char *argv[] = {program, word, option, home, NULL};
    struct stat st;
    pid_t agent;

    agent_close(a);
    (void)snprintf(home, sizeof(home), "%s/gp", m->d.dir);
    (void)snprintf(path, sizeof(path), "%s/run.sock", home);
    assert_int_equal(setenv("LANGUAGE", "en", 1), 0);
    agent = start_program(&m->d, argv, -1);
    wait_for(m, agent, "READY=1", NULL);
    assert_int_equal(stat(path, &st), 0);
    wait_for(m, agent, "STATUS=", "READY");
    wait_for(m, agent, "WATCHDOG=1", "READY");
    assert_int_equal(kill(agent, SIGTERM), 0);
    wait_for(m, agent, "STOPPING=1", "READY");
    end_program(&agent, SIGCONT);
}

/* ---- alive ---- */

static void a_core_that_hangs_gives_no_sign_of_life(void **state)
{
    struct manager *m = *state;
    struct store_txn *t;
    struct hub *h;
    int fd;

    launch_core(m);
    wait_for(m, m->d.core, "READY=1", NULL);
    wait_for(m, m->d.core, "WATCHDOG=1", NULL);
    MUST(hub_open(&h, m->d.home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t)); /* the one writer is us: the core's loop waits, and waits */
    MUST(local_connect(m->d.home, "operator.sock", &fd));
    assert_int_equal(send(fd, "status", 6, MSG_NOSIGNAL), 6);
    wait_for_silence(m, m->d.core);
    store_abort(t);
    wait_for(m, m->d.core, "WATCHDOG=1", NULL);
    close(fd);
    hub_close(h, false);
    district_stop(&m->d);
}

/* The core's threads but for its first. */
static unsigned hold_workers(pid_t core, pid_t held[8])
{
    char path[64];
    unsigned count = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)core);
    assert_non_null(d = opendir(path));
    for (const struct dirent *f; (f = readdir(d)) != NULL;) {
        pid_t thread = (pid_t)strtol(f->d_name, NULL, 10);
        int status;

        if (thread <= 0 || thread == core || count == 8)
            continue;
        if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
            break; /* not allowed here */
        assert_int_equal(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
        assert_int_equal(waitpid(thread, &status, __WALL), thread);
        held[count++] = thread;
    }
    closedir(d);
    return count;
}

static void a_worker_that_hangs_is_no_sign_of_life_either(void **state)
{
    struct manager *m = *state;
    struct agent *a = school_join(&m->d, 0, "gp");
    char program[] = SVODKA_BINARY_DIR "/agent/svodka-agent";
    char word[] = "sync";
    char option[] = "--home";
    char home[128];
    char *argv[] = {program, word, option, home, NULL};
    struct sync_result r;
    pid_t held[8], sync;
    unsigned count;

    (void)snprintf(home, sizeof(home), "%s/gp", m->d.dir);
    launch_core(m);
    launch_gateway(m);
    wait_for(m, m->d.gateway, "READY=1", NULL);
    MUST(sync_once(a, &r));
    count = hold_workers(m->d.core, held);
    if (count == 0) {
        print_message("SKIPPED, LOUDLY: no thread of another process can be held here (ptrace)\n");
        agent_close(a);
        return;
    }
    wait_for(m, m->d.core, "WATCHDOG=1", NULL); /* nothing waits: it is well */
    add_marks(a, 1, 10);
    agent_close(a);
    sync = start_program(&m->d, argv, -1);
    wait_for_silence(m, m->d.core);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(ptrace(PTRACE_DETACH, held[i], NULL, NULL), 0);
    wait_for(m, m->d.core, "WATCHDOG=1", NULL);
    end_program(&sync, SIGCONT); /* it was waiting, and has its receipt now */
    assert_int_equal(held_by(&m->d).counted, 10);
    district_stop(&m->d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hub_is_ready_when_it_listens_and_says_when_it_ends, begin, end),
        cmocka_unit_test_setup_teardown(serve_speaks_for_both, begin, end),
        cmocka_unit_test_setup_teardown(an_agent_is_ready_when_it_can_be_asked, begin, end),
        cmocka_unit_test_setup_teardown(a_core_that_hangs_gives_no_sign_of_life, begin, end),
        cmocka_unit_test_setup_teardown(a_worker_that_hangs_is_no_sign_of_life_either, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
