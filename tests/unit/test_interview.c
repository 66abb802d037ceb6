/* A form filled in on a terminal (interview.h): what a person types, what the screen shows, what comes of it. */
#include "agent/interview.h"
#include "agent_fixture.h"
#include "common/form_json.h"

#include <fcntl.h>
#include <sys/wait.h>

/* Runs the interview of the form in a child on a terminal of its own, with what a person types (all of it at once: the
 * terminal keeps lines apart); returns what the child printed at the end: the answers as JSON, or the error. */
static void interview(struct school *s, const char *form, const char *period, const char *known, const char *typed,
                      char out[8192])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int result[2];
    size_t len = 0;
    ssize_t n;
    struct capture *c;
    struct interview *i = NULL;
    const struct value *with = NULL;
    struct value values[64];
    struct buf keep;
    pid_t child;
    char name[64];
    char screen[256];

    school_path(screen, s, "screen");
    buf_init(&keep, 1 << 20);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    (void)snprintf(name, sizeof(name), "%s", ptsname(master));
    assert_int_equal(pipe(result), 0);
    c = open_capture(s, form, period); /* here: the child must not read from this process's store */
    assert_int_equal(form_values_from_json(capture_form(c), known, strlen(known), values, &keep, NULL), OK);
    assert_int_equal(interview_new(&i, c, values), OK);
    assert_int_equal(interview_compare(i, s->a), OK);
    assert_int_equal(capture_compared(c, values, &with), OK);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct record_remark remarks[64];
        struct buf json;
        uint32_t count;
        int fd;
        enum err e;

        (void)setsid();
        fd = open(name, O_RDWR);
        if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
            _exit(99);
        fd = open(screen, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
            _exit(98);
        buf_init(&json, 1 << 20);
        if ((e = interview_run(i, 0, NULL, NULL)) == OK) {
            form_values_to_json(capture_form(c), interview_values(i), &json);
            count = interview_remarks(i, remarks);
            if (interview_summary(i, interview_values(i)) != OK)
                _exit(97);
            for (uint32_t k = 0; k < count; k++)
                buf_printf(&json, " %u=%.*s", remarks[k].field, (int)remarks[k].text.len,
                           (const char *)remarks[k].text.p);
        } else {
            buf_put_str(&json, err_name(e));
        }
        (void)!write(result[1], json.data, json.len);
        interview_free(i);
        capture_close(c);
        buf_fini(&keep);
        buf_fini(&json);
        exit(0); /* not _exit(): what was executed is counted */
    }
    (void)close(result[1]);
    assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
    assert_int_equal(write(master, "\x04", 1), 1); /* a script that is too short ends, instead of waiting */
    while ((n = read(result[0], out + len, 8191 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    (void)close(result[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    interview_free(i);
    capture_close(c);
    buf_fini(&keep);
    (void)close(master);
}

/* Was this to be read on the interview's screen? */
static bool screen_had(const struct school *s, const char *text)
{
    char path[256];
    void *all = NULL;
    size_t len = 0;
    bool had;

    school_path(path, s, "screen");
    assert_int_equal(cli_read_file(path, 1 << 20, &all, &len), OK);
    had = memmem(all, len, text, strlen(text)) != NULL;
    free(all);
    return had;
}

static void questions_are_asked_until_the_answer_fits(void **state)
{
    char out[8192];

    interview(*state, "grades-por", "P1", "{}", "\n17\nten\n21\n15\n\n", out);
    assert_string_equal(out, "{\"pupil\": \"17\", \"grade\": 15}");
}

static void less_than_goes_back_and_enter_keeps(void **state)
{
    char out[8192];

    interview(*state, "grades-por", "P1", "{}", "17\n15\n<\n<\n18\n\n3\n", out);
    assert_string_equal(out, "{\"pupil\": \"18\", \"grade\": 15, \"absences\": 3}");
    interview(*state, "grades-por", "P1", "{\"pupil\": \"4\", \"grade\": 9, \"absences\": 1}", "\n10\n?-\n", out);
    assert_string_equal(out, "{\"pupil\": \"4\", \"grade\": 10}");
}

static struct record_ref put_filled(struct school *s, const char *form, const char *period, const char *json)
{
    struct capture *c = open_capture(s, form, period);
    struct value values[64];
    struct record_ref ref;
    struct buf keep;

    buf_init(&keep, 1 << 20);
    assert_int_equal(form_values_from_json(capture_form(c), json, strlen(json), values, &keep, NULL), OK);
    assert_int_equal(capture_judge(c, values, true, NULL, NULL), OK);
    assert_int_equal(capture_one(c, values, NULL, &ref), OK);
    capture_close(c);
    buf_fini(&keep);
    return ref;
}

static void last_times_answer_is_shown_and_taken_by_a_key_alone(void **state)
{
    struct school *s = *state;
    char out[8192];

    interview(s, "grades-por", "P3", "{}", "17\n15\n\n", out);
    assert_false(screen_had(s, "last time"));
    (void)put_filled(s, "grades-por", "P1", "{\"pupil\": \"17\", \"grade\": 11, \"absences\": 4}");
    (void)put_filled(s, "grades-por", "P1", "{\"pupil\": \"18\", \"grade\": 9, \"absences\": 2}");
    (void)put_filled(s, "grades-por", "P2", "{\"pupil\": \"17\", \"grade\": 12, \"absences\": 5}");
    /* Enter leaves it empty; the latest earlier period counts, and the same pupil in it. */
    interview(s, "grades-por", "P3", "{}", "17\n=\n\n", out);
    assert_string_equal(out, "{\"pupil\": \"17\", \"grade\": 12}");
    assert_true(screen_had(s, "last time (P2): 12"));
    assert_true(screen_had(s, "last time (P2): 5"));
    assert_false(screen_had(s, "last time (P2): 17"));            /* the key tells whose it is, and is not offered */
    interview(s, "grades-por", "P3", "{}", "18\n=\n7\n=\n", out); /* nothing of 18 in P2: "=" is no answer */
    assert_string_equal(out, "cancelled");
    assert_false(screen_had(s, "last time"));
    /* The summary has both. */
    interview(s, "grades-por", "P2", "{}", "18\n10\n=\n", out);
    assert_string_equal(out, "{\"pupil\": \"18\", \"grade\": 10, \"absences\": 2}");
    assert_true(screen_had(s, "last time (P1): 9"));
    assert_true(screen_had(s, "10"));
}

static void a_jump_against_last_year_is_said_at_once_and_needs_no_line(void **state)
{
    static const char passport[] =
        "{\"pupils\": 40, \"pupils_support\": 3, \"shifts\": \"1\", \"site\": true,"
        " \"classes\": [{\"class_name\": \"5A\", \"class_level\": \"basic\", \"class_pupils\": 40}]}";
    struct school *s = *state;
    char out[8192];

    interview(s, "school-passport", "2020/21", "{}", "51\n", out);
    assert_false(screen_had(s, "a year ago"));
    assert_false(screen_had(s, "differs from last year"));
    (void)put_filled(s, "school-passport", "2019/20", passport);
    interview(s, "school-passport", "2020/21", "{}", "50\n", out);
    assert_true(screen_had(s, "pupils a year ago: 40"));
    assert_false(screen_had(s, "differs from last year"));
    interview(s, "school-passport", "2020/21", "{}", "51\n", out);
    assert_true(screen_had(s, "differs from last year"));
    interview(s, "school-passport", "2021/22", "{}", "500\n", out); /* nothing is known of 2020/21 */
    assert_false(screen_had(s, "differs from last year"));
}

static void in_a_list_the_row_that_begins_with_the_same_is_meant(void **state)
{
    static const char passport[] =
        "{\"pupils\": 40, \"pupils_support\": 3, \"shifts\": \"1\", \"site\": true, \"classes\": ["
        "{\"class_name\": \"5A\", \"class_level\": \"basic\", \"class_pupils\": 25},"
        "{\"class_name\": \"5B\", \"class_level\": \"primary\", \"class_pupils\": 15}]}";
    struct school *s = *state;
    char out[8192];

    (void)put_filled(s, "school-passport", "2018/19",
                     passport); /* the latest earlier one, though not the year before */
    interview(s, "school-passport", "2020/21", "{}", "40\n=\n\n\ny\n5B\n=\n=\ny\n5A\n=\n=\nn\n=\n\n", out);
    assert_string_equal(out,
                        "{\"pupils\": 40, \"pupils_support\": 3, \"shifts\": \"1\", \"classes\": ["
                        "{\"class_name\": \"5B\", \"class_level\": \"primary\", \"class_pupils\": 15}, "
                        "{\"class_name\": \"5A\", \"class_level\": \"basic\", \"class_pupils\": 25}], \"site\": true}");
    assert_true(screen_had(s, "): primary school"));
    interview(s, "school-passport", "2020/21", "{}", "40\n=\n\n\ny\n6A\n=\n", out); /* such a class there was not */
    assert_string_equal(out, "cancelled");
}

static void an_unusual_answer_asks_for_a_remark(void **state)
{
    char out[8192];

    interview(*state, "grades-por", "P1", "{}", "17\n0\nне пришёл\n?na\n2\n", out);
    assert_string_equal(out, "{\"pupil\": \"17\", \"grade\": 0, \"absences\": 2} 1=не пришёл");
}

static void ctrl_d_stops(void **state)
{
    char out[8192];

    interview(*state, "grades-por", "P1", "{}", "17\n\x04", out);
    assert_string_equal(out, "cancelled");
}

static void what_does_not_apply_is_not_asked_and_lists_are_asked_row_by_row(void **state)
{
    char out[8192];

    /* Notes; pupils, of these, shifts by code, services by number: no bus, so no transport; classes; site; remarks. */
    interview(*state, "school-passport", "2020/21", "{}",
              "40\n4\n\n1, 3\nyes\n1a\n1\n25\nyes\n1б\n1\n<\nда\n1б\nprimary\n15\nno\nyes\n\n", out);
    assert_string_equal(out, "{\"pupils\": 40, \"pupils_support\": 4, \"shifts\": \"1\", \"services\": "
                             "[\"hot_meals\", \"psychologist\"], \"classes\": [{\"class_name\": \"1a\", "
                             "\"class_level\": \"primary\", \"class_pupils\": 25}, {\"class_name\": \"1б\", "
                             "\"class_level\": \"primary\", \"class_pupils\": 15}], \"site\": true}");
}

static void without_a_terminal_nothing_is_asked(void **state)
{
    struct school *s = *state;
    struct capture *c = open_capture(s, "grades-por", "P1");
    struct interview *i = NULL;
    struct value values[8];
    int saved = dup(STDIN_FILENO);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (size_t k = 0; k < 8; k++)
        values[k].state = VALUE_MISSING;
    assert_true(saved >= 0 && nothing >= 0);
    assert_true(dup2(nothing, STDIN_FILENO) >= 0);
    assert_int_equal(interview_new(&i, c, values), OK);
    assert_int_equal(interview_run(i, 0, NULL, NULL), ERR_USAGE);
    interview_free(i);
    capture_close(c);
    assert_true(dup2(saved, STDIN_FILENO) >= 0);
    (void)close(saved);
    (void)close(nothing);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(questions_are_asked_until_the_answer_fits),
        TEST(less_than_goes_back_and_enter_keeps),
        TEST(last_times_answer_is_shown_and_taken_by_a_key_alone),
        TEST(a_jump_against_last_year_is_said_at_once_and_needs_no_line),
        TEST(in_a_list_the_row_that_begins_with_the_same_is_meant),
        TEST(an_unusual_answer_asks_for_a_remark),
        TEST(ctrl_d_stops),
        TEST(what_does_not_apply_is_not_asked_and_lists_are_asked_row_by_row),
        TEST(without_a_terminal_nothing_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
