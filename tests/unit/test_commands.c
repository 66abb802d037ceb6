/* test_commands.c: the agent's commands as a person meets them: on a terminal, with drafts, questions and the
 * district's word.  Each runs in a child of its own, as from a shell.  tests/integration/cli_agent.sh does the rest
 * from outside. */
#include "agent_fixture.h"

#include "agent/draft.h"
#include "common/form_rule.h"

#include <fcntl.h>
#include <sys/wait.h>

#define PROGRAM SVODKA_BINARY_DIR "/agent/svodka-agent"

/* What a command printed on stdout and stderr together. */
struct shown {
    char text[32768];
    int code;
};

static void be_child(struct school *s, char **argv, const char *terminal, int to)
{
    int fd = -1;

    (void)setenv("SVODKA_HOME", s->home, 1);
    (void)setenv("LC_ALL", "C", 1);
    if (terminal != NULL) {
        (void)setsid();
        fd = open(terminal, O_RDWR);
    } else {
        fd = open("/dev/null", O_RDONLY);
    }
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0 || dup2(to, STDERR_FILENO) < 0)
        _exit(99);
    (void)execv(PROGRAM, argv);
    _exit(98);
}

/* Runs the program with these words.  `typed` NULL: no terminal.  All of it lies ready from the start: a terminal keeps
 * lines apart. */
static struct shown *command(struct school *s, const char *typed, const char *const *words)
{
    static struct shown shown;
    char copies[24][128];
    char *argv[26] = {copies[0]};
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int result[2];
    size_t len = 0;
    ssize_t n;
    pid_t child;
    int how;

    (void)snprintf(copies[0], sizeof(copies[0]), "svodka-agent");
    for (size_t i = 0; words[i] != NULL; i++) {
        (void)snprintf(copies[i + 1], sizeof(copies[0]), "%s", words[i]);
        argv[i + 1] = copies[i + 1];
    }
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    (void)snprintf(name, sizeof(name), "%s", ptsname(master));
    assert_int_equal(pipe(result), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        be_child(s, argv, typed != NULL ? name : NULL, result[1]);
    (void)close(result[1]);
    if (typed != NULL) {
        assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
        assert_int_equal(write(master, "\x04", 1), 1); /* a script that is too short ends, instead of waiting */
    }
    while ((n = read(result[0], shown.text + len, sizeof(shown.text) - 1 - len)) > 0)
        len += (size_t)n;
    shown.text[len] = '\0';
    (void)close(result[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    (void)close(master);
    shown.code = WIFEXITED(how) ? WEXITSTATUS(how) : 100;
    return &shown;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_shows(const struct shown *x, int code, const char *text)
{
    if (x->code != code || strstr(x->text, text) == NULL)
        fail_msg("exit %d (expected %d); \"%s\" is not in:\n%s", x->code, code, text, x->text);
}

static void assert_hides(const struct shown *x, const char *text)
{
    if (strstr(x->text, text) != NULL)
        fail_msg("\"%s\" is in:\n%s", text, x->text);
}

static uint64_t drafts(struct school *s)
{
    uint64_t count = 99;

    assert_int_equal(draft_count(s->a, &count), OK);
    return count;
}

/* ---- submit on a terminal ---- */

#define SUBMIT_GRADES WORDS("submit", "grades-por", "--period", "P1")

static void an_interrupted_form_is_offered_again(void **state) /* invariant 1: nobody's typing is lost */
{
    struct school *s = *state;
    struct buf text;

    assert_shows(command(s, "17\n", SUBMIT_GRADES), 1, "stopped; what was answered is kept as a draft");
    assert_int_equal(drafts(s), 1);
    assert_int_equal(waiting(s), 0);
    assert_shows(command(s, "yes\n15\n\nyes\n", SUBMIT_GRADES), 0, "There is a draft of ");
    assert_int_equal(drafts(s), 0);
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text), "new grades-por gp P1 17 1\n");
    buf_fini(&text);
}

static void a_draft_may_be_thrown_away(void **state)
{
    struct school *s = *state;
    struct buf text;

    assert_int_equal(command(s, "17\n", SUBMIT_GRADES)->code, 1);
    assert_shows(command(s, "no\n18\n15\n\nyes\n", SUBMIT_GRADES), 0, "gp/1.");
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text), "new grades-por gp P1 18 1\n");
    buf_fini(&text);
}

static void saying_no_at_the_end_goes_through_it_again(void **state)
{
    struct school *s = *state;
    struct shown *x = command(s, "17\n15\n\nno\n\n16\n\nyes\n", SUBMIT_GRADES);

    assert_shows(x, 0, "[15]:");
    assert_int_equal(waiting(s), 1);
}

static void an_unusual_answer_takes_its_remark_along(void **state)
{
    struct school *s = *state;
    struct record_ref ref;
    struct record_space *space = NULL;
    struct record r;
    struct buf bytes;

    assert_shows(command(s, "17\n0\nwas ill\n\nyes\n", SUBMIT_GRADES), 0,
                 "grade 0: did the pupil sit the examination?");
    assert_int_equal(queue_resolve(s->a, "1", &ref), OK);
    buf_init(&bytes, RECORD_MAX);
    assert_int_equal(queue_get(s->a, &ref, &bytes), OK);
    assert_int_equal(record_space_new(&space), OK);
    assert_int_equal(record_decode(&r, space, view(&bytes), agent_form(s->a, "grades-por")), OK);
    assert_int_equal(r.remark_count, 1);
    assert_int_equal(r.remarks[0].field, 1);
    assert_memory_equal(r.remarks[0].text.p, "was ill", 7);
    record_space_free(space);
    buf_fini(&bytes);
}

static void anonymous_answers_leave_no_draft_and_no_number(void **state)
{
    struct school *s = *state;
    struct shown *x = command(s, "1\n", WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1"));

    assert_shows(x, 1, "stopped; nothing was kept");
    assert_int_equal(drafts(s), 0);
    x = command(s, "1\n5\n4\n3\nyes\n", WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1"));
    assert_shows(x, 0, "accepted\n");
    assert_hides(x, "gp/");
    assert_shows(command(s, NULL, WORDS("retract", "1", "--reason", "x")), 1,
                 "the answers to \"satisfaction-parents\" are anonymous: a single one cannot be changed or withdrawn");
}

static void who_types_into_a_session_is_told_what_can_be_seen(void **state)
{
    struct school *s = *state;
    struct shown *x;

    x = command(s, "1\n", WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1"));
    assert_shows(x, 1, "No session is open: what is entered now goes by itself, and cannot be withdrawn.");
    assert_shows(command(s, NULL,
                         WORDS("session", "open", "satisfaction-parents", "--period", "2020/21-H1", "--name", "7A",
                               "--expected", "1")),
                 0, "The session \"7A\" is open.");
    x = command(s, "1\n5\n4\n3\nyes\n", WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1"));
    assert_shows(x, 0, "accepted\n");
    assert_shows(x, 0, "Session: 7A\n");
    assert_shows(x, 0, "Whose an answer is, when it was given and after which other one, nobody can see");
    assert_hides(x, "gp/");
    assert_hides(x, "More than expected");
    assert_int_equal(waiting(s), 1); /* the word about the session; the answer waits for others */
    x = command(s, "1\n5\n4\n3\nyes\n",
                WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1", "--session", "7A"));
    assert_shows(x, 0, "More than expected: \"7A\" has 2 answers, 1 were expected.");
    x = command(s, "1\n", WORDS("submit", "satisfaction-parents", "--period", "2020/21-H1", "--session", "7B"));
    assert_shows(x, 1, "there is no session \"7B\" of \"satisfaction-parents\" for 2020/21-H1");
    assert_hides(x, "grade"); /* nothing is asked in vain */
    assert_shows(command(s, NULL, WORDS("session", "close", "7A")), 0,
                 "The session \"7A\" is closed. Answers: 2 of 1.");
    assert_int_equal(waiting(s), 4);
    assert_shows(command(s, NULL, WORDS("submit", "grades-por", "--period", "P1", "--session", "7A")), 2,
                 "sessions are for anonymous answers; the form \"grades-por\" is none");
}

/* ---- correct on a terminal ---- */

static void a_correction_may_be_typed(void **state)
{
    struct school *s = *state;
    struct shown *x;

    assert_int_equal(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES)->code, 0);
    x = command(s, "\n16\n2\n",
                WORDS("correct", "grades-por", "--period", "P1", "--key", "17", "--reason", "typing mistake"));
    assert_shows(x, 0, "[15]:");
    x = command(s, NULL, WORDS("history", "--values"));
    assert_shows(x, 0, "{\"pupil\": \"17\", \"grade\": 16, \"absences\": 2, \"passed\": true}");
}

/* ---- what the district says ---- */

static void a_participant_on_hold_is_told_and_goes_on_working(void **state) /* invariant 2 */
{
    static const struct {
        enum grant_status status;
        const char *text;
    } cases[] = {{GRANT_HELD, "Note: the district has put this participant on hold."},
                 {GRANT_REVOKED, "Note: the district has revoked this participant's access."},
                 {GRANT_CLOSED, "Note: the district has closed this participant."}};
    struct school *s = *state;

    for (size_t i = 0; i < 3; i++) {
        s->grant.status = cases[i].status;
        s->grant.version++;
        sign_district(s);
        assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), OK);
        assert_shows(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES), 0, cases[i].text);
        assert_int_equal(waiting(s), i + 1);
    }
}

/* What the last receipt said: the hub's time then, and by how much it was ahead of this computer's clock. */
static void put_clock(const struct school *s, int64_t hub_ms, int64_t offset_ms)
{
    uint8_t raw[8];

    be64_put(raw, (uint64_t)hub_ms);
    assert_int_equal(agent_meta_put(s->a, NULL, "hub-time", bytes_of(raw, 8)), OK);
    be64_put(raw, (uint64_t)offset_ms);
    assert_int_equal(agent_meta_put(s->a, NULL, "offset", bytes_of(raw, 8)), OK);
}

static void a_clock_that_is_a_year_off_is_told(void **state)
{
    const int64_t year_ms = INT64_C(86400000) * 365;
    struct school *s = *state;
    int64_t now_ms;

    clock_test_real(); /* by which the commands run */
    now_ms = clock_wall_ms();
    put_clock(s, now_ms - year_ms, -year_ms);
    assert_shows(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES), 0,
                 "Note: at the last meeting the clock of this computer was off by more than a day from the district's. "
                 "Check its date; until then \"filled on\" is reckoned by the district's clock.");
    put_clock(s, now_ms + year_ms, year_ms);
    assert_shows(
        command(s, NULL, WORDS("status")), 0,
        ", and that is wrong or was when the district was met last. Nobody knows by how much: \"filled on\" is ");
}

static void a_form_that_is_listed_but_not_here_comes_with_the_next_meeting(void **state)
{
    struct school *s = *state;
    struct directory_object *o = &s->directory.objects[s->directory.object_count++];

    *o = (struct directory_object){
        .kind = OBJECT_FORM, .name = "new-form", .version = "1", .size = 100, .is_current = true};
    memset(o->digest, 7, sizeof(o->digest));
    s->directory.version++;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    assert_shows(command(s, NULL, WORDS("forms", "new-form")), 1,
                 "the form \"new-form\" comes with the next meeting: run svodka-agent sync");
}

/* The line broke between the new version's name and its text. */
static void while_a_new_version_is_on_its_way_the_one_before_is_filled_in(void **state)
{
    struct school *s = *state;
    struct directory_object *next = &s->directory.objects[s->directory.object_count++];
    struct directory_object *old = s->directory.objects;
    const struct form *f;

    while (old->kind != OBJECT_FORM)
        old++;
    *next = *old;
    (void)snprintf(next->version, sizeof(next->version), "2");
    memset(next->digest, 7, sizeof(next->digest));
    old->is_current = false;
    s->directory.version++;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    f = agent_form(s->a, old->name);
    assert_non_null(f);
    assert_memory_equal(f->digest, old->digest, sizeof(f->digest));
    assert_shows(command(s, NULL, WORDS("forms", old->name)), 0, f->fields[0].name);
    next->is_current = false; /* withdrawn: nothing of it is offered */
    s->directory.version++;
    sign_district(s);
    assert_int_equal(agent_take_directory(s->a, view(&s->directory_object)), OK);
    assert_null(agent_form(s->a, old->name));
}

/* Seals what waits; the hub kept number 2 apart, if there is one. */
static void receive(struct school *s, enum receipt_state state)
{
    struct receipt_refusal refusal = {
        .number = 2,
        .why = {
            .reason = QUARANTINE_PERIOD, .rule = RULE_SERIES, .field = "period", .expected = "month", .text = "log"}};
    struct receipt r = {
        .sequence = 1, .state = state, .hub_ms = TEST_NOW_MS, .ledger_number = 41, .directory_version = 1};
    struct batch_state b;
    struct buf object;
    uint64_t sealed;

    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(queue_batch(s->a, &s->a->gen, 1, &b), OK);
    r.gen = b.gen;
    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.batch, b.digest, sizeof(r.batch));
    r.verdicts[VERDICT_COUNTED] = b.records - 1;
    r.verdicts[VERDICT_QUARANTINED] = 1;
    r.refusal_count = 1;
    r.refusals = &refusal;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, s->hub), OK);
    assert_int_equal(queue_take_receipt(s->a, view(&object)), OK);
    buf_fini(&object);
}

static void a_receipt_is_shown_in_plain_words(void **state)
{
    struct school *s = *state;
    struct shown *x;

    for (int i = 0; i < 2; i++)
        assert_int_equal(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES)->code, 0);
    assert_shows(command(s, NULL, WORDS("queue")), 0, "waits");
    receive(s, RECEIPT_STORED);
    assert_hides(command(s, NULL, WORDS("queue")), "grades-por");
    assert_shows(command(s, NULL, WORDS("queue", "--all")), 0, "received by the district");
    x = command(s, NULL, WORDS("receipt", "1", "--format", "csv"));
    assert_shows(x, 0, "state,state,received\n");
    assert_shows(x, 0, "verdict,verdict,accepted\n");
    assert_shows(x, 0, "ledger,place in the district's journal,41\n");
    x = command(s, NULL, WORDS("receipt", "2", "--format", "csv"));
    assert_shows(x, 0,
                 "verdict,verdict,kept apart\nwhy,why,"
                 "the calendar has no such period in the series of the form: month\n");
    receive(s, RECEIPT_ARCHIVED);
    x = command(s, NULL, WORDS("receipt", "2"));
    assert_shows(x, 0, "in the archive");
    assert_hides(x, "verdict,");
    assert_shows(command(s, NULL, WORDS("queue", "--all")), 0, "in the district's archive");
}

static void status_shows_messages_until_they_are_read(void **state)
{
    struct school *s = *state;
    struct shown *x;

    assert_int_equal(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES)->code, 0);
    assert_int_equal(command(s, "18\n15\n\nyes\n", SUBMIT_GRADES)->code, 0);
    receive(s, RECEIPT_STORED);
    x = command(s, NULL, WORDS("status"));
    assert_shows(x, 0,
                 "the district keeps it apart and does not count it: the "
                 "calendar has no such period in the series of the form: month.");
    assert_hides(x, "batch");
    assert_hides(x, "generation");
    assert_shows(command(s, NULL, WORDS("status", "--read", "--format", "csv")), 0, "series of the form: month");
    x = command(s, NULL, WORDS("status", "--format", "csv"));
    assert_shows(x, 0, "stored,received by the district,2\n");
    assert_hides(x, "series of the form: month");
}

static void verify_counts_what_is_not_as_it_should_be(void **state)
{
    struct school *s = *state;
    struct store_txn *t = NULL;
    uint8_t key[24];

    assert_int_equal(command(s, "17\n15\n\nyes\n", SUBMIT_GRADES)->code, 0);
    assert_shows(command(s, NULL, WORDS("verify")), 0, "all is well: 1 submissions up to number 1\n");
    memset(key, 1, sizeof(key));
    be32_put(key, s->a->gen.counter);
    memcpy(key + 4, s->a->gen.tag, TAG_BYTES);
    be64_put(key + 12, 1);
    assert_int_equal(store_begin_write(s->a->store, &t), OK);
    assert_int_equal(store_put(t, T_PAGES, bytes_of(key, 20), bytes_of("rubbish of some length", 22)), OK);
    assert_int_equal(store_commit(t), OK);
    assert_shows(command(s, NULL, WORDS("verify")), 1,
                 "1 thing is not as it should be; do not delete anything, tell the district");
}

/* ---- wrong usage ---- */

static void wrong_usage_exits_with_2(void **state)
{
    struct school *s = *state;

    assert_shows(command(s, NULL, SUBMIT_GRADES), 2,
                 "there is no terminal to ask on; give the answers with --json FILE or --json -");
    assert_shows(command(s, NULL, WORDS("submit", "grades-por", "--period", "P1", "--remark", "x")), 2,
                 "\"x\": FIELD=VALUE was expected");
    assert_shows(
        command(s, NULL, WORDS("submit", "grades-por", "--period", "P1", "--remark", "grade=a", "--remark=grade=b")), 2,
        "two remarks on the field \"grade\"");
    assert_shows(command(s, NULL, WORDS("correct", "1", "a=b", "--reason", "x")), 2,
                 "\"a=b\" is one argument too many");
    assert_shows(command(s, NULL, WORDS("retract", "grades-por", "--reason", "x")), 2, "say the period: --period P");
    assert_shows(
        command(s, NULL, WORDS("retract", "school-passport", "--period", "2020/21", "--key", "1", "--reason", "x")), 2,
        "the form \"school-passport\" has no keyed rows: leave out --key");
    assert_shows(command(s, NULL, WORDS("retract", "school-passport", "--period", "2020/21", "--reason", "x")), 1,
                 "nothing to change: \"school-passport\" of gp for 2020/21 is not here, or it was withdrawn");
    assert_shows(command(s, NULL, WORDS("forms", "--template", "x.csv")), 2, "say the form whose template is wanted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interrupted_form_is_offered_again),
        TEST(a_draft_may_be_thrown_away),
        TEST(saying_no_at_the_end_goes_through_it_again),
        TEST(an_unusual_answer_takes_its_remark_along),
        TEST(anonymous_answers_leave_no_draft_and_no_number),
        TEST(who_types_into_a_session_is_told_what_can_be_seen),
        TEST(a_correction_may_be_typed),
        TEST(a_participant_on_hold_is_told_and_goes_on_working),
        TEST(a_clock_that_is_a_year_off_is_told),
        TEST(a_form_that_is_listed_but_not_here_comes_with_the_next_meeting),
        TEST(while_a_new_version_is_on_its_way_the_one_before_is_filled_in),
        TEST(a_receipt_is_shown_in_plain_words),
        TEST(status_shows_messages_until_they_are_read),
        TEST(verify_counts_what_is_not_as_it_should_be),
        TEST(wrong_usage_exits_with_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
