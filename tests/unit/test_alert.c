/* test_alert.c: the operator's command gets the text and the figures and nothing else of ours, is judged by its exit
 * code, never holds us up for longer than was said; and what was told is told again on another day only. */
#include "hub/alert.h"

#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "hub/hub.h"
#include "ledger_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define HOUR_MS INT64_C(3600000)

static char dir[64];

static int begin(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    (void)snprintf(dir, sizeof(dir), "/tmp/svodka-alert-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(dir);
    return 0;
}

/* The shell is the test's own; `script` writes into files of `dir`, which it knows as $SVODKA_DIR. */
static enum err run(const char *script, const char *text, int64_t limit_ms)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    char folder[96];
    const char *const env[] = {folder, "SVODKA_SILENT=3", NULL};
    struct alert_command c = {.argv = argv, .env = env, .text = bytes_of(text, strlen(text)), .limit_ms = limit_ms};

    (void)snprintf(folder, sizeof(folder), "SVODKA_DIR=%s", dir);
    return alert_run(&c);
}

static char *file_of(const char *name)
{
    static char text[4096];
    char path[FOLDER_PATH_MAX];
    size_t len = 0;
    FILE *f;

    MUST(folder_path(path, dir, name));
    if ((f = fopen(path, "r")) != NULL) {
        len = fread(text, 1, sizeof(text) - 1, f);
        (void)fclose(f);
    }
    text[len] = '\0';
    return text;
}

static void a_command_gets_the_text_and_the_figures_and_nothing_else(void **state)
{
    int leak = open("/dev/null", O_RDONLY); /* somebody forgot O_CLOEXEC */

    (void)state;
    assert_true(leak > 2);
    assert_int_equal(setenv("SVODKA_SECRET_FOLDER", "/secret", 1), 0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/secret", 1), 0);
    MUST(run("cat >$SVODKA_DIR/text; env >$SVODKA_DIR/env; ls /proc/self/fd >$SVODKA_DIR/fds", "Школа 7\n", 20000));
    assert_string_equal(file_of("text"), "Школа 7\n");
    assert_non_null(strstr(file_of("env"), "SVODKA_SILENT=3\n"));
    assert_non_null(strstr(file_of("env"), "PATH=/"));
    assert_null(strstr(file_of("env"), "secret"));
    assert_string_equal(file_of("fds"), "0\n1\n2\n3\n"); /* the last one is that of ls itself */
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    (void)unsetenv("SVODKA_SECRET_FOLDER");
    (void)close(leak);
}

static void words_are_passed_as_they_stand(void **state)
{
    const char *const argv[] = {"/bin/sh", "-c", "printf '%s|' \"$@\" >\"$0\"", "", "$(id)", "a b; true", NULL};
    const char *mine[8];
    const char *const env[] = {NULL};
    char path[FOLDER_PATH_MAX];
    struct alert_command c = {.argv = mine, .env = env, .limit_ms = 20000};

    (void)state;
    MUST(folder_path(path, dir, "words"));
    memcpy(mine, argv, sizeof(argv));
    mine[3] = path;
    MUST(alert_run(&c));
    assert_string_equal(file_of("words"), "$(id)|a b; true|");
}

static void a_command_that_fails_has_not_told_anybody(void **state)
{
    const char *const nowhere[] = {"/nowhere/at/all", NULL};
    const char *const no_program[] = {"/etc/passwd", NULL};
    const char *const env[] = {NULL};
    struct alert_command c = {.argv = nowhere, .env = env, .limit_ms = 20000};

    (void)state;
    assert_int_equal(run("exit 3", "text", 20000), ERR_IO);
    assert_non_null(strstr(err_text(), "3"));
    assert_int_equal(run("kill -SEGV $$", "text", 20000), ERR_IO);
    assert_int_equal(alert_run(&c), ERR_NOT_FOUND);
    c.argv = no_program;
    assert_int_equal(alert_run(&c), ERR_DENIED);
}

/* Its children end with it: nothing goes on in the background for ever. */
static void a_command_that_hangs_is_killed_with_its_children(void **state)
{
    long child;

    (void)state;
    assert_int_equal(run("sleep 600 & echo $! >$SVODKA_DIR/child; wait", "text", 300), ERR_LIMIT);
    child = strtol(file_of("child"), NULL, 10);
    assert_true(child > 1);
    for (int i = 0; kill((pid_t)child, 0) == 0 && i < 1000; i++) /* until init has taken it */
        clock_sleep_ms(10);
    assert_int_not_equal(kill((pid_t)child, 0), 0);
}

/* More output than is logged, a text that is not read, a child that keeps the output open: none holds us up. */
static void a_command_holds_nobody_up(void **state)
{
    char *text = malloc(300001);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 300000);
    text[300000] = '\0';
    MUST(run("true", text, 20000));
    MUST(run("head -c 300000 /dev/zero", "", 20000));
    MUST(run("sleep 600 & echo $! >$SVODKA_DIR/child; exit 0", "", 20000));
    (void)kill((pid_t)strtol(file_of("child"), NULL, 10), SIGKILL);
    free(text);
}

static void a_thing_is_told_once_a_day(void **state)
{
    const int64_t now = INT64_C(1606000000000);
    struct store_txn *t;
    struct bytes value;
    struct world w;
    bool was = true;

    (void)state;
    world_open(&w);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(alert_was_told(t, "silent/s07", now, &was));
    assert_false(was);
    MUST(alert_note_told(t, "silent/s07", now));
    MUST(alert_was_told(t, "silent/s07", now + 19 * HOUR_MS, &was));
    assert_true(was);
    MUST(alert_was_told(t, "silent/s08", now + HOUR_MS, &was));
    assert_false(was);
    MUST(alert_was_told(t, "silent/s07", now + 20 * HOUR_MS, &was)); /* the next morning, a minute early */
    assert_false(was);
    MUST(alert_was_told(t, "silent/s07", now - 1, &was)); /* the clock was set back a little */
    assert_true(was);
    MUST(alert_was_told(t, "silent/s07", now - 20 * HOUR_MS, &was)); /* it was told by a clock that was wrong */
    assert_false(was);
    MUST(alert_note_told(t, "room", now - 19 * HOUR_MS));
    MUST(alert_note_told(t, "down/1", now - 30 * HOUR_MS));
    MUST(alert_note_told(t, "down/2", now - 30 * HOUR_MS));
    MUST(alert_prune(t, now));
    assert_int_equal(store_get(t, H_META, bytes_of("alert/down/1", 12), &value), ERR_NOT_FOUND);
    assert_int_equal(store_get(t, H_META, bytes_of("alert/down/2", 12), &value), ERR_NOT_FOUND);
    MUST(store_get(t, H_META, bytes_of("alert/room", 10), &value));
    MUST(store_get(t, H_META, bytes_of("alert/silent/s07", 16), &value));
    store_abort(t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_command_gets_the_text_and_the_figures_and_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(words_are_passed_as_they_stand, begin, end),
        cmocka_unit_test_setup_teardown(a_command_that_fails_has_not_told_anybody, begin, end),
        cmocka_unit_test_setup_teardown(a_command_that_hangs_is_killed_with_its_children, begin, end),
        cmocka_unit_test_setup_teardown(a_command_holds_nobody_up, begin, end),
        cmocka_unit_test(a_thing_is_told_once_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
