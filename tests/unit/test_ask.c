/* test_ask.c: the questions are asked in a child on a terminal of its own; the parent types. */
#include "common/ask.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const labels[] = {"первая смена", "вторая смена", "третья смена"};

/* What the child does; its exit code says how it went. */
typedef int (*scene)(void);

static int open_terminal(char name[64])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    (void)snprintf(name, 64, "%s", ptsname(master));
    return master;
}

static void be_child(int master, const char *name, scene play)
{
    int fd;

    (void)close(master);
    (void)setsid();
    fd = open(name, O_RDWR); /* becomes the controlling terminal: Ctrl-C reaches this process */
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(99);
    exit(play());
}

/* Reads what the child shows until `part` is there; the whole of it is in `shown`. */
static void wait_for(int master, const char *part, char *shown, size_t size)
{
    size_t len = strlen(shown);

    while (strstr(shown, part) == NULL) {
        ssize_t n = read(master, shown + len, size - 1 - len);

        if (n <= 0)
            fail_msg("\"%s\" did not come; shown: \"%s\"", part, shown);
        len += (size_t)n;
        shown[len] = '\0';
    }
}

/* Plays the scene; after each `prompt` types the `answer` beside it (pairs, then NULL).  Returns the exit code. */
static int play_with(scene play, const char *const *script)
{
    char name[64];
    int master = open_terminal(name);
    char shown[4096] = "";
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        be_child(master, name, play);
    for (; script[0] != NULL; script += 2) {
        wait_for(master, script[0], shown, sizeof(shown));
        shown[0] = '\0';
        assert_int_equal(write(master, script[1], strlen(script[1])), strlen(script[1]));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* ---- scenes ---- */

static int name_is_anna(void)
{
    char line[ASK_LINE_SIZE];
    enum err e = ask_line("name?", line, sizeof(line));

    if (e != OK)
        return 10 + (int)e;
    return strcmp(line, "Анна Петровна") == 0 ? 0 : 1;
}

static int at_most_four_bytes(void)
{
    char line[5];
    enum err e = ask_line("class?", line, sizeof(line));

    return e == OK && strcmp(line, "7 A") == 0 ? 0 : 1;
}

static int two_lines(void)
{
    char first[ASK_LINE_SIZE];
    char second[ASK_LINE_SIZE];

    if (ask_line("one?", first, sizeof(first)) != OK || ask_line("two?", second, sizeof(second)) != OK)
        return 1;
    return strcmp(first, "1") == 0 && strcmp(second, "") == 0 ? 0 : 2;
}

static int yes_is_1_no_is_0(void)
{
    bool yes;
    enum err e = ask_yes_no("send?", &yes);

    return e != OK ? 10 + (int)e : yes;
}

static int chosen_shift(void)
{
    size_t chosen = 0;
    enum err e = ask_choice("shift?", labels, 3, false, &chosen);

    return e != OK ? 10 + (int)e : (int)chosen;
}

static int chosen_or_skipped(void)
{
    size_t chosen = 0;
    enum err e = ask_choice("shift?", labels, 3, true, &chosen);

    return e != OK ? 10 + (int)e : (int)chosen;
}

static int secret_is_hush(void)
{
    char line[64];
    enum err e = ask_secret("secret?", line, sizeof(line));

    if (e != OK)
        return 10 + (int)e;
    (void)fprintf(stderr, "thanks\n");
    return strcmp(line, " hush hush ") == 0 ? 0 : 1;
}

static int secret_then_name(void)
{
    char line[64];

    if (ask_secret("secret?", line, sizeof(line)) != OK || ask_line("name?", line, sizeof(line)) != OK)
        return 1;
    (void)fprintf(stderr, "thanks\n");
    return 0;
}

/* ---- tests ---- */

static void an_answer_comes_without_its_line_end_and_blanks(void **state)
{
    (void)state;
    assert_int_equal(play_with(name_is_anna, (const char *[]){"name? ", "  Анна Петровна \t\n", NULL}), 0);
    assert_int_equal(play_with(two_lines, (const char *[]){"one? ", "1\n\n", NULL}), 0); /* typed ahead */
}

static void what_cannot_be_read_is_asked_again(void **state)
{
    (void)state;
    assert_int_equal(
        play_with(name_is_anna, (const char *[]){"name? ", "\xD0\n", "type it again.\r\nname? ", "\033[D\n",
                                                 "type it again.\r\nname? ", "Анна Петровна\n", NULL}),
        0);
    assert_int_equal(play_with(at_most_four_bytes, (const char *[]){"class? ", "7 класс\n", "too long", "7 A\n", NULL}),
                     0);
}

static void the_end_of_input_and_an_interrupt_cancel(void **state)
{
    (void)state;
    assert_int_equal(play_with(name_is_anna, (const char *[]){"name? ", "\x04", NULL}), 10 + ERR_CANCELLED);
    assert_int_equal(play_with(name_is_anna, (const char *[]){"name? ", "\x03", NULL}), 10 + ERR_CANCELLED);
    assert_int_equal(play_with(yes_is_1_no_is_0, (const char *[]){"send?", "\x04", NULL}), 10 + ERR_CANCELLED);
    assert_int_equal(play_with(chosen_shift, (const char *[]){"Number:", "\x03", NULL}), 10 + ERR_CANCELLED);
}

static void yes_and_no_are_understood_in_both_languages(void **state)
{
    static const char *const yes[] = {"да\n", "Да\n", "Д\n", "yes\n", "Y\n"};
    static const char *const no[] = {"нет\n", "Н\n", "NO\n", "n\n", " нет \n"};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_int_equal(play_with(yes_is_1_no_is_0, (const char *[]){"send? (yes/no) ", yes[i], NULL}), 1);
        assert_int_equal(play_with(yes_is_1_no_is_0, (const char *[]){"send? (yes/no) ", no[i], NULL}), 0);
    }
    assert_int_equal(play_with(yes_is_1_no_is_0, (const char *[]){"send?", "\n", "Please answer", "да\n", NULL}), 1);
    assert_int_equal(play_with(yes_is_1_no_is_0, (const char *[]){"send?", "ok\n", "Please answer", "n\n", NULL}), 0);
}

static void a_choice_is_made_by_its_number(void **state)
{
    static const char *const wrong[] = {"0\n", "4\n", "a\n", "1a\n", "-1\n", "99999999999999999999\n", "\n"};

    (void)state;
    assert_int_equal(play_with(chosen_shift, (const char *[]){"3. третья смена", "1\n", NULL}), 0);
    assert_int_equal(play_with(chosen_shift, (const char *[]){"Number:", "3\n", NULL}), 2);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(play_with(chosen_shift, (const char *[]){"Number:", wrong[i], "from 1 to 3.", "02\n", NULL}),
                         1);
    assert_int_equal(play_with(chosen_or_skipped, (const char *[]){"Number:", "\n", NULL}), 10 + ERR_NOT_FOUND);
    assert_int_equal(play_with(chosen_or_skipped, (const char *[]){"Number:", "2\n", NULL}), 1);
}

/* Types the answers of the script; everything that the terminal showed is in `shown`. */
static int play_and_watch(scene play, const char *const *script, char *shown, size_t size)
{
    char name[64];
    int master = open_terminal(name);
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        be_child(master, name, play);
    shown[0] = '\0';
    for (; script[0] != NULL; script += 2) {
        wait_for(master, script[0], shown, size);
        assert_int_equal(write(master, script[1], strlen(script[1])), strlen(script[1]));
    }
    wait_for(master, "thanks", shown, size);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void a_secret_is_not_shown_and_the_terminal_shows_again_afterwards(void **state)
{
    static const char *const one[] = {"secret?", " hush hush \n", NULL};
    static const char *const two[] = {"secret?", "hush\n", "name?", "Anna\n", NULL};
    char shown[4096];

    (void)state;
    assert_int_equal(play_and_watch(secret_is_hush, one, shown, sizeof(shown)), 0);
    assert_null(strstr(shown, "hush"));
    assert_int_equal(play_and_watch(secret_then_name, two, shown, sizeof(shown)), 0);
    assert_null(strstr(shown, "hush"));
    assert_non_null(strstr(shown, "Anna"));
}

static void nothing_is_asked_without_a_terminal(void **state)
{
    char line[10] = "";
    int saved = dup(STDIN_FILENO);
    int null = open("/dev/null", O_RDONLY);
    size_t chosen;
    bool yes;

    (void)state;
    (void)dup2(null, STDIN_FILENO);
    assert_int_equal(ask_line("name?", line, sizeof(line)), ERR_USAGE);
    assert_int_equal(ask_yes_no("send?", &yes), ERR_USAGE);
    assert_int_equal(ask_choice("shift?", labels, 3, true, &chosen), ERR_USAGE);
    (void)dup2(saved, STDIN_FILENO);
    (void)close(saved);
    (void)close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_without_its_line_end_and_blanks),
        cmocka_unit_test(what_cannot_be_read_is_asked_again),
        cmocka_unit_test(the_end_of_input_and_an_interrupt_cancel),
        cmocka_unit_test(yes_and_no_are_understood_in_both_languages),
        cmocka_unit_test(a_choice_is_made_by_its_number),
        cmocka_unit_test(a_secret_is_not_shown_and_the_terminal_shows_again_afterwards),
        cmocka_unit_test(nothing_is_asked_without_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
