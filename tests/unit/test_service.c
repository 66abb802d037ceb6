/* The service manager is told the truth: ready once, alive only while the loop turns, nothing that it did not ask for.
 * The test plays the manager: it holds the socket. */
#include "common/service.h"

#include "common/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int manager = -1;
static char said[512];

/* An abstract name: there is nothing to clean up. */
static void listen_as(char name[64])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    (void)snprintf(name, 64, "@svodka-test-service-%ld", (long)getpid());
    memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager >= 0);
    assert_int_equal(
        bind(manager, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
}

/* The next thing said, "" when nothing was. */
static const char *heard(void)
{
    ssize_t n = recv(manager, said, sizeof(said) - 1, 0);

    said[n > 0 ? n : 0] = '\0';
    return said;
}

static int start_managed(void **state)
{
    char name[64];

    (void)state;
    listen_as(name);
    (void)setenv("NOTIFY_SOCKET", name, 1);
    return 0;
}

static int end_managed(void **state)
{
    (void)state;
    service_stop();
    clock_test_real();
    (void)close(manager);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return 0;
}

static void test_a_manager_is_told_when_work_begins_and_ends(void **state)
{
    (void)state;
    service_start();
    assert_string_equal(heard(), "");
    service_ready();
    assert_string_equal(heard(), "READY=1");
    service_stopping();
    assert_string_equal(heard(), "STOPPING=1");
}

static void test_a_status_is_one_line_and_told_when_it_is_another_one(void **state)
{
    char longest[600];

    (void)state;
    service_start();
    service_status("schools: %d\nREADY=1", 3);
    assert_string_equal(heard(), "STATUS=schools: 3 READY=1");
    service_status("schools: %d\nREADY=1", 3);
    assert_string_equal(heard(), "");
    service_status("schools: %d", 4);
    assert_string_equal(heard(), "STATUS=schools: 4");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    service_status("%s", longest);
    assert_int_equal(strlen(heard()), strlen("STATUS=") + SERVICE_STATUS_MAX);
}

static void test_the_watchdog_is_fed_by_a_loop_that_turns_and_not_more_often_than_needed(void **state)
{
    (void)state;
    (void)setenv("WATCHDOG_USEC", "9000000", 1);
    clock_test_set_mono(1000000);
    service_start();
    assert_int_equal(service_watchdog_ms(), 9000);
    service_ready();
    assert_string_equal(heard(), "READY=1");
    service_alive();
    assert_string_equal(heard(), "");
    assert_int_equal(service_wait_ms(60000), 3000);
    assert_int_equal(service_wait_ms(-1), 3000);
    assert_int_equal(service_wait_ms(200), 200);
    clock_test_set_mono(1002999);
    service_alive();
    assert_string_equal(heard(), "");
    assert_int_equal(service_wait_ms(-1), 1);
    clock_test_set_mono(1003000);
    service_alive();
    assert_string_equal(heard(), "WATCHDOG=1");
    clock_test_set_mono(1900000); /* it hung, and nothing was said meanwhile */
    assert_string_equal(heard(), "");
    assert_int_equal(service_wait_ms(-1), 1);
    service_alive();
    assert_string_equal(heard(), "WATCHDOG=1");
}

static void test_a_watchdog_for_another_process_is_not_fed(void **state)
{
    char pid[32];

    (void)state;
    (void)setenv("WATCHDOG_USEC", "9000000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    service_start();
    assert_int_equal(service_watchdog_ms(), 0);
    assert_int_equal(service_wait_ms(-1), -1);
    service_stop();
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    (void)snprintf(said, sizeof(said), "@svodka-test-service-%ld", (long)getpid());
    (void)setenv("NOTIFY_SOCKET", said, 1);
    (void)setenv("WATCHDOG_USEC", "9000000", 1);
    (void)setenv("WATCHDOG_PID", pid, 1);
    service_start();
    assert_int_equal(service_watchdog_ms(), 9000);
}

static void test_no_child_can_speak_for_us(void **state)
{
    (void)state;
    (void)setenv("WATCHDOG_USEC", "9000000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    service_start();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
}

static void test_a_number_of_the_watchdog_that_is_none_is_no_watchdog(void **state)
{
    static const char *const wrong[] = {"", "0", "-5", "x", "9000000x", "99999999999999999999", "86400000001000"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(said, sizeof(said), "@svodka-test-service-%ld", (long)getpid());
        (void)setenv("NOTIFY_SOCKET", said, 1);
        (void)setenv("WATCHDOG_USEC", wrong[i], 1);
        service_start();
        assert_int_equal(service_watchdog_ms(), 0);
    }
}

static void test_without_a_manager_nothing_is_done(void **state)
{
    static const char *const wrong[] = {"", "@", "relative", "vsock:2:1234", "/nowhere/at/all"};
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)setenv("NOTIFY_SOCKET", wrong[i], 1);
        (void)setenv("WATCHDOG_USEC", "9000000", 1);
        service_start();
        service_ready();
        service_status("%s", "nobody hears this");
        service_alive();
        service_stopping();
        service_stop();
    }
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    (void)setenv("NOTIFY_SOCKET", longest, 1);
    service_start();
    assert_int_equal(service_watchdog_ms(), 0);
    (void)unsetenv("NOTIFY_SOCKET");
    service_start();
    service_ready();
    assert_int_equal(service_wait_ms(-1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_manager_is_told_when_work_begins_and_ends, start_managed, end_managed),
        cmocka_unit_test_setup_teardown(test_a_status_is_one_line_and_told_when_it_is_another_one, start_managed,
                                        end_managed),
        cmocka_unit_test_setup_teardown(test_the_watchdog_is_fed_by_a_loop_that_turns_and_not_more_often_than_needed,
                                        start_managed, end_managed),
        cmocka_unit_test_setup_teardown(test_a_watchdog_for_another_process_is_not_fed, start_managed, end_managed),
        cmocka_unit_test_setup_teardown(test_no_child_can_speak_for_us, start_managed, end_managed),
        cmocka_unit_test_setup_teardown(test_a_number_of_the_watchdog_that_is_none_is_no_watchdog, start_managed,
                                        end_managed),
        cmocka_unit_test_setup_teardown(test_without_a_manager_nothing_is_done, start_managed, end_managed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
