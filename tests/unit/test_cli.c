#include "common/cli.h"

#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- helpers: what a call prints, in a language ---- */

static void start_in(const char *locale, const char *language)
{
    (void)unsetenv("LC_ALL");
    (void)unsetenv("LC_MESSAGES");
    (void)unsetenv("LANG");
    (void)unsetenv("LANGUAGE");
    if (locale != NULL)
        (void)setenv("LANG", locale, 1);
    if (language != NULL)
        (void)setenv("LANGUAGE", language, 1);
    cli_start("svodka-test");
}

static int in_english(void **state)
{
    (void)state;
    start_in("C.UTF-8", NULL);
    return 0;
}

struct capture {
    int fd, saved;
    FILE *file;
};

static struct capture capture_begin(int fd)
{
    struct capture c = {fd, dup(fd), tmpfile()};

    assert_non_null(c.file);
    (void)fflush(NULL);
    assert_int_equal(dup2(fileno(c.file), fd), fd);
    return c;
}

/* What was printed; valid until the next call. */
static const char *capture_end(struct capture *c)
{
    static char text[8192];
    size_t len;

    (void)fflush(NULL);
    (void)dup2(c->saved, c->fd);
    (void)close(c->saved);
    rewind(c->file);
    len = fread(text, 1, sizeof(text) - 1, c->file);
    text[len] = '\0';
    (void)fclose(c->file);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* ---- language ---- */

static void the_language_follows_the_environment(void **state)
{
    static const struct {
        const char *locale, *language;
        bool russian;
    } cases[] = {
        {"ru_RU.UTF-8", NULL, true},  {"ru_RU", NULL, true},       {"ru", NULL, true},
        {"ru_RU.KOI8-R", NULL, true}, {"C.UTF-8", NULL, false},    {"C.UTF-8", "ru", true},
        {"C.UTF-8", "ru_RU", true},   {"C.UTF-8", "de:ru", true},  {"C.UTF-8", "en:ru", false},
        {"en_US.UTF-8", NULL, false}, {"en_US.UTF-8", "ru", true}, {"ru_RU.UTF-8", "en", false},
        {"C", "ru", false},           {"POSIX", "ru", false},      {NULL, "ru", true},
        {NULL, NULL, false},          {"rum", NULL, false},        {"ru_RU.UTF-8", "de", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_in(cases[i].locale, cases[i].language);
        if (cli_is_russian() != cases[i].russian)
            fail_msg("LANG=%s LANGUAGE=%s", cases[i].locale, cases[i].language);
        assert_string_equal(setlocale(LC_NUMERIC, NULL), "C");
        assert_string_equal(cli_pick("школа", "school"), cases[i].russian ? "школа" : "school");
    }
    assert_string_equal(cli_pick("школа", NULL), "школа");
    start_in("ru_RU.UTF-8", NULL);
    assert_string_equal(cli_pick(NULL, "school"), "school");
    (void)setenv("LC_ALL", "C", 1);
    cli_start("svodka-test");
    assert_false(cli_is_russian());
    (void)unsetenv("LC_ALL");
}

static void new_files_are_private(void **state)
{
    mode_t mask;

    (void)state;
    mask = umask(0);
    (void)umask(mask);
    assert_int_equal(mask, 077);
}

/* ---- numbers and times ---- */

static void expect_count(uint64_t n, const char *expected)
{
    char text[40];

    cli_format_count(text, sizeof(text), n);
    assert_string_equal(text, expected);
}

static void expect_bytes(uint64_t n, const char *expected)
{
    char text[40];

    cli_format_bytes(text, sizeof(text), n);
    assert_string_equal(text, expected);
}

static void expect_time(int64_t wall_ms, const char *expected)
{
    char text[64];

    cli_format_time(text, sizeof(text), wall_ms);
    assert_string_equal(text, expected);
}

static void numbers_and_times_read_naturally_in_english(void **state)
{
    (void)state;
    expect_count(0, "0");
    expect_count(999, "999");
    expect_count(12345, "12,345");
    expect_count(UINT64_MAX, "18,446,744,073,709,551,615");
    expect_bytes(0, "0 B");
    expect_bytes(999, "999 B");
    expect_bytes(1024, "1.0 KiB");
    expect_bytes(1536, "1.5 KiB");
    expect_bytes(1023 * 1024, "1.0 MiB");
    expect_bytes(UINT64_C(5) << 40, "5.0 TiB");
    expect_bytes(UINT64_MAX, "16777216.0 TiB");
    (void)setenv("TZ", "MSK-3", 1);
    tzset();
    expect_time(INT64_C(1598958300000), "1 Sep 2020, 14:05");
    expect_time(-1, "1 Jan 1970, 02:59");
}

static void dates_for_files_and_programs_are_the_same_in_both_languages(void **state)
{
    char text[32], little[8];

    (void)state;
    (void)setenv("TZ", "MSK-3", 1);
    tzset();
    for (int russian = 0; russian < 2; russian++) {
        start_in(russian ? "ru_RU.UTF-8" : "C.UTF-8", NULL);
        cli_format_minute(text, sizeof(text), INT64_C(1598995500000));
        assert_string_equal(text, "2020-09-02 00:25");
        cli_format_day(text, sizeof(text), INT64_C(1598995500000));
        assert_string_equal(text, "2020-09-02");
        cli_format_utc(text, sizeof(text), INT64_C(1598995500000));
        assert_string_equal(text, "2020-09-01T21:25:00Z");
    }
    cli_format_utc(text, sizeof(text), -1);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    cli_format_minute(little, sizeof(little), 0);
    assert_string_equal(little, ""); /* too little room: nothing, and no half of it */
}

static void numbers_and_times_read_naturally_in_russian(void **state)
{
    (void)state;
    start_in("ru_RU.UTF-8", NULL);
    expect_count(12345, "12 345");
    expect_bytes(1536, "1,5 КБ");
    (void)setenv("TZ", "MSK-3", 1);
    tzset();
    expect_time(INT64_C(1598958300000), "1 сентября 2020, 14:05");
}

/* ---- did you mean ---- */

static void a_slip_of_the_finger_finds_its_name(void **state)
{
    static const char *const names[] = {"submit", "status", "school add", "school list", "sync", "run"};
    const size_t n = sizeof(names) / sizeof(names[0]);
    char longest[100];

    (void)state;
    assert_string_equal(cli_nearest("sumbit", names, n), "submit");
    assert_string_equal(cli_nearest("statsu", names, n), "status");
    assert_string_equal(cli_nearest("scool add", names, n), "school add");
    assert_string_equal(cli_nearest("sub", names, n), "submit");
    assert_string_equal(cli_nearest("run", names, n), "run");
    assert_string_equal(cli_nearest("snyc", names, n), "sync");
    assert_null(cli_nearest("indicators", names, n));
    assert_null(cli_nearest("", names, n));
    assert_null(cli_nearest("x", names, n));
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(cli_nearest(longest, names, n));
}

/* ---- options ---- */

static const char *file_text;
static const char *force_text;
static const struct cli_option options[] = {
    {"file", 'f', N_("FILE"), N_("where it is"), &file_text},
    {"force", 0, NULL, N_("without asking"), &force_text},
    {"a-name-so-long-that-help-moves-down", 0, "N", N_("help below"), NULL},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct cli_command command = {"school add", "ID --file FILE", N_("adds a school"), NULL};

static int parse(int min, int max, char **words)
{
    int argc = 0;

    file_text = force_text = NULL;
    while (words[argc] != NULL)
        argc++;
    return cli_parse(&command, options, argc, words, min, max);
}

/* A command line in words; char arrays, because getopt reorders them. */
#define WORDS(...)                                                                                                     \
    (char *[])                                                                                                         \
    {                                                                                                                  \
        (char[]){"school add"}, __VA_ARGS__, NULL                                                                      \
    }
#define W(text) ((char[]){text})

static void options_and_arguments_come_in_any_order(void **state)
{
    char **words = WORDS(W("gym-5"), W("--file"), W("x.txt"), W("more"), W("--force"));

    (void)state;
    assert_int_equal(parse(1, 2, words), 2);
    assert_string_equal(words[0], "gym-5");
    assert_string_equal(words[1], "more");
    assert_string_equal(file_text, "x.txt");
    assert_string_equal(force_text, "1");
    words = WORDS(W("-fx"), W("--"), W("--force"));
    assert_int_equal(parse(1, 1, words), 1);
    assert_string_equal(words[0], "--force");
    assert_string_equal(file_text, "x");
    assert_null(force_text);
    assert_int_equal(parse(0, 0, (char *[]){W("school add"), NULL}), 0);
    assert_int_equal(parse(0, -1, WORDS(W("a"), W("b"), W("c"))), 3);
    assert_int_equal(parse(0, 0, WORDS(W("--file=y"), W("--a-name-so-long-that-help-moves-down=5"))), 0);
    assert_string_equal(file_text, "y");
}

static void expect_mistake(int min, int max, char **words, const char *sentence)
{
    struct capture c = capture_begin(STDERR_FILENO);
    int n = parse(min, max, words);
    const char *printed = capture_end(&c);

    assert_int_equal(n, -1);
    assert_int_equal(cli_exit_code(), 2);
    assert_has(printed, sentence);
    assert_has(printed, "svodka-test school add --help");
}

static void a_mistake_in_options_is_named(void **state)
{
    (void)state;
    expect_mistake(0, 0, WORDS(W("--fiel=x")), "unknown option --fiel; did you mean --file?");
    expect_mistake(0, 0, WORDS(W("--zzz")), "unknown option --zzz");
    expect_mistake(0, 0, WORDS(W("-z")), "unknown option -z");
    expect_mistake(0, 0, WORDS(W("--file")), "the option --file needs a value: FILE");
    expect_mistake(0, 0, WORDS(W("-f")), "the option --file needs a value: FILE");
    expect_mistake(0, 0, WORDS(W("--force=x")), "the option --force takes no value");
    expect_mistake(0, 0, WORDS(W("--help=x")), "the option --help takes no value");
    expect_mistake(1, 1, (char *[]){W("school add"), NULL},
                   "something is missing; expected: school add ID --file FILE");
    expect_mistake(0, 1, WORDS(W("a"), W("b")), "\"b\" is one argument too many; expected: school add ID");
    expect_mistake(0, 1,
                   WORDS(W("\xE2\x80\x93"
                           "file")),
                   "begins with a long dash");
}

static void help_lists_the_options(void **state)
{
    struct capture c = capture_begin(STDOUT_FILENO);
    int n = parse(3, 3, WORDS(W("--help")));
    const char *printed = capture_end(&c);

    (void)state;
    assert_int_equal(n, -1);
    assert_int_equal(cli_exit_code(), 0);
    assert_string_equal(printed, "Usage: svodka-test school add ID --file FILE\n\n"
                                 "adds a school\n\n"
                                 "Options:\n"
                                 "  -f, --file FILE  where it is\n"
                                 "      --force      without asking\n"
                                 "      --a-name-so-long-that-help-moves-down N\n"
                                 "                   help below\n"
                                 "  -h, --help       show this help\n");
    c = capture_begin(STDOUT_FILENO);
    assert_int_equal(parse(0, 0, WORDS(W("-h"))), -1);
    (void)capture_end(&c);
    assert_int_equal(cli_exit_code(), 0);
}

/* ---- commands ---- */

static int ran_argc;
static char ran_first[64];
static int run_status(int argc, char **argv)
{
    ran_argc = argc;
    (void)snprintf(ran_first, sizeof(ran_first), "%s", argv[0]);
    return 7;
}

static const struct cli_command commands[] = {
    {"status", "", N_("how things are"), run_status},
    {"school add", "ID", N_("adds a school"), run_status},
    {"school list", "", N_("lists the schools"), run_status},
    {"period close", "P", N_("closes a period"), run_status},
    {NULL, NULL, NULL, NULL},
};

/* The exit code; what went to `fd` is in *printed. */
static int dispatch(char **words, int fd, const char **printed)
{
    struct capture c = capture_begin(fd);
    int argc = 0;
    int code;

    while (words[argc] != NULL)
        argc++;
    ran_argc = 0;
    code = cli_dispatch("svodka-test", commands, argc, words);
    *printed = capture_end(&c);
    return code;
}

static void commands_of_one_and_two_words_run(void **state)
{
    const char *printed;

    (void)state;
    assert_int_equal(dispatch(WORDS(W("status"), W("--all")), STDERR_FILENO, &printed), 7);
    assert_int_equal(ran_argc, 2);
    assert_string_equal(ran_first, "status");
    assert_int_equal(dispatch(WORDS(W("school"), W("add"), W("gym-5")), STDERR_FILENO, &printed), 7);
    assert_int_equal(ran_argc, 2);
    assert_string_equal(ran_first, "school add");
    assert_int_equal(dispatch(WORDS(W("help"), W("school"), W("add")), STDERR_FILENO, &printed), 7);
    assert_int_equal(ran_argc, 2); /* school add --help */
}

static void home_may_stand_before_the_command(void **state)
{
    const char *home = NULL;
    const char *printed;

    (void)state;
    assert_int_equal(dispatch(WORDS(W("--home"), W("/a"), W("status")), STDERR_FILENO, &printed), 7);
    assert_int_equal(ran_argc, 1);
    assert_int_equal(cli_home(NULL, &home), OK);
    assert_string_equal(home, "/a");
    assert_int_equal(dispatch(WORDS(W("--home=/b"), W("school"), W("list")), STDERR_FILENO, &printed), 7);
    assert_int_equal(cli_home("", &home), OK);
    assert_string_equal(home, "/b");
    assert_int_equal(cli_home("/c", &home), OK);
    assert_string_equal(home, "/c");
    (void)unsetenv("SVODKA_HOME");
    assert_int_equal(cli_home(NULL, &home), ERR_USAGE);
    assert_has(err_text(), "SVODKA_HOME");
}

static void expect_no_command(char **words, const char *sentence)
{
    const char *printed;

    assert_int_equal(dispatch(words, STDERR_FILENO, &printed), 2);
    assert_int_equal(ran_argc, 0);
    assert_has(printed, sentence);
}

static void an_unknown_command_is_answered_with_a_suggestion(void **state)
{
    (void)state;
    expect_no_command(WORDS(W("staus")), "unknown command \"staus\"; did you mean \"status\"?");
    expect_no_command(WORDS(W("staus"), W("--all")), "did you mean \"status\"?");
    expect_no_command(WORDS(W("school"), W("ad")), "did you mean \"school add\"?");
    expect_no_command(WORDS(W("scool"), W("add")), "unknown command \"scool add\"; did you mean \"school add\"?");
    expect_no_command(WORDS(W("zzzzzz")), "\"svodka-test --help\" lists all commands");
    expect_no_command(WORDS(W("school")), "\"school\" needs a second word");
    expect_no_command(WORDS(W("school")), "school list");
    expect_no_command(WORDS(W("--force"), W("status")), "the command comes before its options");
    expect_no_command((char *[]){W("svodka-test"), NULL}, "Usage: svodka-test COMMAND");
    expect_no_command(WORDS(W("school"), W("\033[31m")), "unknown command \"school  [31m\"");
}

static void help_and_version_succeed(void **state)
{
    const char *printed;

    (void)state;
    assert_int_equal(dispatch(WORDS(W("--help")), STDOUT_FILENO, &printed), 0);
    assert_has(printed, "  school add    adds a school\n");
    assert_int_equal(dispatch(WORDS(W("help")), STDOUT_FILENO, &printed), 0);
    assert_has(printed, "  status        how things are\n");
    assert_int_equal(dispatch(WORDS(W("-h")), STDOUT_FILENO, &printed), 0);
    assert_int_equal(dispatch(WORDS(W("school"), W("--help")), STDOUT_FILENO, &printed), 0);
    assert_has(printed, "  school list  lists the schools\n");
    assert_null(strstr(printed, "period"));
    assert_int_equal(dispatch(WORDS(W("help"), W("school")), STDOUT_FILENO, &printed), 0);
    assert_has(printed, "  school add   adds a school\n");
    assert_int_equal(dispatch(WORDS(W("--version")), STDOUT_FILENO, &printed), 0);
    assert_has(printed, "svodka-test ");
}

static void a_failure_is_told_in_one_line(void **state)
{
    struct capture c;
    int code;

    (void)state;
    assert_int_equal(cli_fail(OK), 0);
    c = capture_begin(STDERR_FILENO);
    code = cli_fail(err_set(ERR_IO, "a\nb\033[0m"));
    assert_string_equal(capture_end(&c), "svodka-test: a b [0m\n");
    assert_int_equal(code, 1);
    err_clear();
    c = capture_begin(STDERR_FILENO);
    code = cli_fail(ERR_USAGE);
    assert_has(capture_end(&c), "wrong usage");
    assert_int_equal(code, 2);
}

static void progress_is_silent_without_a_terminal(void **state)
{
    struct capture c = capture_begin(STDERR_FILENO);

    (void)state;
    cli_progress("reading", 1, 2);
    cli_progress_end();
    assert_string_equal(capture_end(&c), "");
}

static void progress_on_a_terminal_shows_a_percentage_and_goes_away(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int saved = dup(STDERR_FILENO);
    char text[200];
    size_t len = 0;
    ssize_t n;
    int slave;

    (void)state;
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    (void)dup2(slave, STDERR_FILENO);
    for (int i = 0; i < 1000; i++) /* all but the first too soon, unless the machine stands still */
        cli_progress("reading", 45, 100);
    cli_progress_end();
    cli_progress("waiting", 0, 0);
    cli_progress_end();
    (void)dup2(saved, STDERR_FILENO);
    (void)close(slave);
    while (len < sizeof(text) - 1 && (n = read(master, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    assert_int_equal(strncmp(text, "\rreading 45 %\033[K\r", 17), 0);
    assert_true(len < 100);
    assert_has(text, "\033[K\r\033[K\rwaiting\033[K\r\033[K");
    (void)close(saved);
    (void)close(master);
}

/* ---- the Russian catalogue, compiled as the build does it ---- */

/* Adds a message of our own to a copy of ru.po, so that the plural forms are tried and not only the texts. */
static void compile_catalogue(const char *dir)
{
    static const char ours[] = "\nmsgid \"%d pupil\"\nmsgid_plural \"%d pupils\"\n"
                               "msgstr[0] \"%d ученик\"\nmsgstr[1] \"%d ученика\"\nmsgstr[2] \"%d учеников\"\n";
    char shell[600];
    char path[200];
    void *bytes;
    size_t len;
    FILE *f;

    assert_int_equal(cli_read_file(SVODKA_SOURCE_DIR "/configs/po/ru.po", 4u << 20, &bytes, &len), OK);
    (void)snprintf(path, sizeof(path), "%s/ru.po", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_true(fputs(ours, f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    (void)snprintf(shell, sizeof(shell),
                   "mkdir -p %s/ru/LC_MESSAGES && msgfmt --check -o %s/ru/LC_MESSAGES/svodka.mo %s/ru.po", dir, dir,
                   dir);
    assert_int_equal(system(shell), 0);
}

static void expect_pupils(unsigned n, const char *expected)
{
    char text[60];

    (void)snprintf(text, sizeof(text), ngettext("%d pupil", "%d pupils", n), n);
    assert_string_equal(text, expected);
}

static void messages_are_russian_without_an_installed_locale(void **state)
{
    char folder[] = "/tmp/svodka-cli-XXXXXX";
    char shell[200];

    (void)state;
    assert_non_null(mkdtemp(folder));
    compile_catalogue(folder);
    (void)setenv("SVODKA_LOCALEDIR", folder, 1);
    start_in("ru_RU.UTF-8", NULL);
    assert_string_equal(gettext("Commands:"), "Команды:");
    expect_pupils(1, "1 ученик");
    expect_pupils(21, "21 ученик");
    expect_pupils(3, "3 ученика");
    expect_pupils(111, "111 учеников");
    expect_pupils(12, "12 учеников");
    expect_pupils(0, "0 учеников");
    start_in("C.UTF-8", NULL);
    assert_string_equal(gettext("Commands:"), "Commands:");
    start_in(NULL, "ru");
    assert_string_equal(gettext("Commands:"), "Команды:");
    start_in("C", "ru");
    assert_string_equal(gettext("Commands:"), "Commands:");
    (void)unsetenv("SVODKA_LOCALEDIR");
    (void)snprintf(shell, sizeof(shell), "rm -r %s", folder);
    assert_int_equal(system(shell), 0);
}

#define IN_ENGLISH(test) cmocka_unit_test_setup(test, in_english)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ENGLISH(the_language_follows_the_environment),
        IN_ENGLISH(new_files_are_private),
        IN_ENGLISH(numbers_and_times_read_naturally_in_english),
        IN_ENGLISH(dates_for_files_and_programs_are_the_same_in_both_languages),
        IN_ENGLISH(numbers_and_times_read_naturally_in_russian),
        IN_ENGLISH(a_slip_of_the_finger_finds_its_name),
        IN_ENGLISH(options_and_arguments_come_in_any_order),
        IN_ENGLISH(a_mistake_in_options_is_named),
        IN_ENGLISH(help_lists_the_options),
        IN_ENGLISH(commands_of_one_and_two_words_run),
        IN_ENGLISH(home_may_stand_before_the_command),
        IN_ENGLISH(an_unknown_command_is_answered_with_a_suggestion),
        IN_ENGLISH(help_and_version_succeed),
        IN_ENGLISH(a_failure_is_told_in_one_line),
        IN_ENGLISH(progress_is_silent_without_a_terminal),
        IN_ENGLISH(progress_on_a_terminal_shows_a_percentage_and_goes_away),
        IN_ENGLISH(messages_are_russian_without_an_installed_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
