/* test_log.c: one event, one line, whatever is in it. */
#include "common/log.h"

#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MORNING_MS INT64_C(1788336000123) /* 2026-09-02 08:00:00.123 UTC */

static char heard[8192];
static int real_stderr = -1;
static int pipe_ends[2];

static int be_in_utc(void **state)
{
    (void)state;
    clock_test_set(MORNING_MS);
    if (setenv("TZ", "UTC0", 1) != 0 || unsetenv("JOURNAL_STREAM") != 0)
        return -1;
    tzset();
    return 0;
}

static int be_anywhere(void **state)
{
    (void)state;
    clock_test_real();
    log_init("svodka", LOG_NOTICE);
    return 0;
}

/* From here on standard error goes into a pipe, which holds more than a test says. */
static void listen_to_stderr(void)
{
    assert_int_equal(pipe(pipe_ends), 0);
    real_stderr = dup(STDERR_FILENO);
    assert_true(real_stderr >= 0);
    assert_int_equal(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(pipe_ends[1]);
}

static const char *what_was_said(void)
{
    ssize_t n;
    size_t len = 0;

    assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
    (void)close(real_stderr);
    while ((n = read(pipe_ends[0], heard + len, sizeof(heard) - 1 - len)) > 0)
        len += (size_t)n;
    heard[len] = '\0';
    (void)close(pipe_ends[0]);
    return heard;
}

static void a_line_says_when_and_who(void **state)
{
    (void)state;
    log_init("core", LOG_NOTICE);
    listen_to_stderr();
    log_notice("batch %d accepted", 7);
    assert_string_equal(what_was_said(), "2026-09-02 08:00:00 core: batch 7 accepted\n");
}

static void under_a_service_manager_a_line_has_its_priority(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
    log_init("gateway", LOG_INFO);
    listen_to_stderr();
    log_error("disk");
    log_info("link");
    assert_string_equal(what_was_said(), "<3>gateway: disk\n<6>gateway: link\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void)state;
    log_init("core", LOG_WARNING);
    listen_to_stderr();
    log_debug("1");
    log_info("2");
    log_notice("3");
    log_warning("4");
    log_error("5");
    assert_string_equal(what_was_said(), "2026-09-02 08:00:00 core: 4\n2026-09-02 08:00:00 core: 5\n");
}

static void what_a_peer_sent_cannot_begin_a_line(void **state)
{
    (void)state;
    log_init("core", LOG_NOTICE);
    listen_to_stderr();
    log_notice("name \"%s\"", "a\r\n2026-09-02 core: all is well\033[2J");
    assert_string_equal(what_was_said(), "2026-09-02 08:00:00 core: name \"a  2026-09-02 core: all is well [2J\"\n");
}

static void a_line_too_long_is_cut_and_still_ends(void **state)
{
    static char longest[5000];
    size_t len;

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    log_init("core", LOG_NOTICE);
    listen_to_stderr();
    log_notice("%s", longest);
    log_notice("next");
    len = strlen(what_was_said());
    assert_true(len > 2000 && len < 2200);
    assert_ptr_equal(strchr(heard, '\n') + 1, strstr(heard, "2026-09-02 08:00:00 core: next\n"));
}

static void a_closed_standard_error_stops_nothing(void **state)
{
    (void)state;
    log_init("core", LOG_NOTICE);
    listen_to_stderr();
    (void)close(STDERR_FILENO);
    log_notice("nobody hears this");
    assert_string_equal(what_was_said(), "");
}

#define IN_UTC(test) cmocka_unit_test_setup_teardown(test, be_in_utc, be_anywhere)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_UTC(a_line_says_when_and_who),
        IN_UTC(under_a_service_manager_a_line_has_its_priority),
        IN_UTC(lines_above_the_level_are_dropped),
        IN_UTC(what_a_peer_sent_cannot_begin_a_line),
        IN_UTC(a_line_too_long_is_cut_and_still_ends),
        IN_UTC(a_closed_standard_error_stops_nothing),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
