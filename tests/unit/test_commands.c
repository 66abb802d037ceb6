/* test_commands.c: what the operator asks of a hub that holds submissions: every number traced to what is behind it,
 * the columns of the contract, nothing personal without the flag and the audit (invariants 5, 7 and 9).  The commands
 * run in this process; tests/integration/cli_hub.sh runs the program itself. */
#include "tests/unit/ledger_fixture.h"

#include "hub/commands.h"

#include <fcntl.h>

static struct world w;
static char out[64u << 10], said[16u << 10];

static void read_back(int fd, char *into, size_t size)
{
    ssize_t n;

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    n = read(fd, into, size - 1);
    assert_true(n >= 0 && n < (ssize_t)size - 1);
    into[n] = '\0';
    close(fd);
}

static int scratch(void)
{
    char path[] = "/tmp/svodka-commands-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

/* Runs a command line; its results in `out`, its messages in `said`. */
static int run(const char *line)
{
    char text[1024];
    char *argv[32] = {text + sizeof(text) - 1}; /* "" */
    int argc = 1;
    int new_out = scratch(), new_err = scratch();
    int old_out, old_err;
    int code;

    (void)snprintf(text, sizeof(text), "%s", line);
    text[sizeof(text) - 1] = '\0';
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    (void)fflush(NULL);
    old_out = dup(1);
    old_err = dup(2);
    assert_true(dup2(new_out, 1) == 1 && dup2(new_err, 2) == 2);
    code = cli_dispatch("svodka-hub", hub_commands, argc, argv);
    (void)fflush(NULL);
    assert_true(dup2(old_out, 1) == 1 && dup2(old_err, 2) == 2);
    close(old_out);
    close(old_err);
    read_back(new_out, out, sizeof(out));
    read_back(new_err, said, sizeof(said));
    return code;
}

static void expect(const char *line, int code, const char *in_out, const char *in_said)
{
    int got = run(line);

    if (got != code || (in_out != NULL && strstr(out, in_out) == NULL) ||
        (in_said != NULL && strstr(said, in_said) == NULL))
        fail_msg("%s: exit %d\n--- stdout\n%s--- stderr\n%s--- expected %d, \"%s\", \"%s\"", line, got, out, said, code,
                 in_out != NULL ? in_out : "", in_said != NULL ? in_said : "");
}

/* gp: anna 12, boris 8 (then corrected to 11), vera 9 (retracted); ms: gleb 20; one for a unit that gp may not speak
 * for; one that breaks a rule. */
static int open_world(void **state)
{
    struct sub gp[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 9), correction(4, 2, "boris", 11),
                       retraction(5, 3),     grade(6, "dina", 5),  grade(7, "egor", 21)};
    struct sub ms[] = {grade(1, "gleb", 20)};
    struct sub card = grade(2, "", 30);
    uint8_t head[DIGEST_BYTES];
    char home[128];

    (void)state;
    cli_start("svodka-hub");
    world_open(&w);
    (void)snprintf(home, sizeof(home), "%s/hub", w.dir);
    assert_int_equal(setenv("SVODKA_HOME", home, 1), 0);
    gp[5].unit = "ms";
    take_array(&w, gp, COUNT(gp), 1, head, NULL);
    ms[0].school = card.school = 1;
    ms[0].unit = card.unit = "ms";
    card.form = "card";
    take_array(&w, ms, 1, 1, head, NULL);
    take_array(&w, &card, 1, 2, head, NULL);
    intake_free(w.intake);
    w.intake = NULL;
    hub_close(w.hub, false);
    w.hub = NULL;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void indicators_have_the_columns_of_the_contract(void **state)
{
    (void)state;
    expect("indicators --format csv --indicator passed", 0,
           "programme,indicator,level,unit,period,breakdown,value,numerator,denominator,n,state,target,target_status,"
           "unit_of_measure,reported,expected,version\n"
           "quality,passed,unit,gp,2020-09,,100.000000,2,2,2,ok,,,%,1,1,1\n"
           "quality,passed,unit,gp2,2020-09,,,,,0,no-data,,,%,0,1,1\n"
           "quality,passed,unit,ms,2020-09,,100.000000,1,1,1,ok,,,%,1,1,1\n"
           "quality,passed,municipality,,2020-09,,100.000000,3,3,3,ok,,,%,2,3,1\n",
           "For the office alone");
    /* (12 + 11) / 2 = 11.5; with 20: 43 / 3 = 14.333333 */
    expect("indicators --format csv --indicator grade_mean", 0, "gp,2020-09,,11.500000,23.00,2,2,ok", NULL);
    assert_non_null(strstr(out, "municipality,,2020-09,,14.333333,43.00,3,3,ok"));
    expect("indicators --format csv --indicator places --level unit --unit ms", 0,
           "quality,places,unit,ms,2020-09,,30.000000,30,,1,ok", NULL);
    expect("indicators --format csv --indicator pupils --level municipality", 0, "level=high,3.000000,3,,3,ok", NULL);
}

static void json_carries_the_same_names(void **state)
{
    (void)state;
    expect("indicators --format json --indicator passed --unit ms", 0,
           "\"value\": 100.000000, \"numerator\": 1, \"denominator\": 1, \"n\": 1, \"state\": \"ok\", \"target\": null",
           NULL);
    expect("indicators --format json --indicator passed --unit gp2", 0, "\"value\": null", NULL);
}

static void people_see_labels_and_few_places(void **state)
{
    (void)state;
    expect("indicators --indicator passed --period 2020-09", 0, "100.0 %   2 / 2            2", NULL);
    assert_non_null(strstr(out, "September 2020"));
    assert_non_null(strstr(out, "no data"));
    assert_non_null(strstr(out, "municipality"));
    expect("indicators --programme quality", 0, "Mean grade", NULL);
}

static void names_that_do_not_exist_are_mistakes(void **state)
{
    (void)state;
    expect("indicators --period 2020-13", 1, "", "2020");
    expect("indicators --indicator pased", 1, "", "did you mean \"passed\"");
    expect("indicators --programme qualty", 1, "", "did you mean \"quality\"");
    expect("indicators --unit gpp", 1, "", "there is no unit \"gpp\"");
    expect("indicators --level region", 2, "", "municipality");
    expect("indicators --format xml", 2, "", "json");
    expect("explain nosuch --period 2020-09", 1, "", "there is no indicator");
    expect("explain passed", 2, "", "--period");
    expect("explain passed --period 2020/21", 1, "", "2020/21");
    expect("export submissions --form grade --period 2020-09 --unsafe-raw", 1, "", "did you mean \"grades\"");
    expect("export submissions --form grades --period 2020-09 --format table --unsafe-raw", 2, "", "csv or json");
    expect("quarantine show 99", 1, "", "not in quarantine");
    expect("quarantine show nonsense/x", 1, "", NULL);
    expect("audit --last none", 2, "", "--last");
}

static void every_number_is_traced_to_its_submissions(void **state)
{
    (void)state;
    expect("explain passed --period 2020-09 --unit gp", 0,
           "passed, \"Passed\", gp, September 2020: 100.0 %, that is 2 of 2.\n"
           "Definition: kind share, form grades; condition: ${grade} >= 10 (programme quality, version 1).\n"
           "Submissions behind it: 2; others of this form and period that it leaves out: 0.\n",
           NULL);
    assert_non_null(strstr(out, "gp/1.07010203/1"));
    assert_non_null(strstr(out, "gp/1.07010203/4"));
    assert_null(strstr(out, "gp/1.07010203/2")); /* corrected: its correction is there instead */
    assert_null(strstr(out, "gp/1.07010203/3")); /* retracted */
    expect("explain grade_mean --period 2020-09 --format csv", 0,
           "id,unit,received,in_numerator,adds\n"
           "gp/1.07010203/1,gp,2020-09-13T12:26:40Z,yes,12.00\n"
           "gp/1.07010203/4,gp,2020-09-13T12:26:40Z,yes,11.00\n"
           "ms/1.07010203/1,ms,2020-09-13T12:26:40Z,yes,20.00\n",
           "that is 43.00 of 3");
    expect("explain pupils --period 2020-09 --unit gp --breakdown level=high", 0, "gp, level=high, September 2020: 2.0",
           NULL);
    expect("explain mood --period 2020-09", 0, "there are no data", NULL);
    expect("audit", 0, "explain mood, period 2020-09, unit (all)", NULL);
}

static void answers_leave_only_with_the_flag_and_the_audit(void **state)
{
    (void)state;
    expect("export submissions --form grades --period 2020-09", 1, "", "--unsafe-raw");
    expect("audit --format csv", 0, "time,who,what\n", NULL);
    assert_null(strstr(out, "export"));
    expect("export submissions --form grades --period 2020-09 --unsafe-raw", 0,
           "id,unit,period,filled_on,received,form_version,entered_by,kind,pupil,grade,level\n"
           "gp/1.07010203/1,gp,2020-09,2020-09-13,2020-09-13T12:26:40Z,1,,new,anna,12,high\n"
           "gp/1.07010203/4,gp,2020-09,2020-09-13,2020-09-13T12:26:40Z,1,,correction,boris,11,high\n"
           "ms/1.07010203/1,ms,2020-09,2020-09-13,2020-09-13T12:26:40Z,1,,new,gleb,20,high\n",
           "For the office alone");
    expect("audit --last 1", 0, "export of 3 submissions, raw: form grades, period 2020-09, unit (all)", NULL);
    expect("export submissions --form grades --period 2020-09 --unit ms --unsafe-raw --format json", 0,
           "\"values\": {\"pupil\":", NULL);
    assert_int_equal(out[0], '[');
    expect("export submissions --form poll --period 2020-09 --unsafe-raw --format json", 0, "[]\n", NULL);
}

static void the_quarantine_says_what_is_in_it_and_why(void **state)
{
    (void)state;
    expect("quarantine list --format csv", 0, "id,participant,received,reason,text\ngp/1.07010203/6,gp,", NULL);
    assert_non_null(strstr(out, ",unit,"));
    assert_non_null(strstr(out, "gp/1.07010203/7,gp,2020-09-13T12:26:40Z,invalid,"));
    expect("quarantine list", 0, "it breaks a rule of the form", NULL);
    expect("quarantine show 7", 0, "egor", "For the office alone");
    assert_non_null(strstr(out, "grades"));
    expect("quarantine show gp/1.07010203/6 --format json", 0, "\"item\": \"unit\", \"value\": \"ms\"", NULL);
    expect("quarantine show ms/1/6", 1, "", "not in quarantine");
    expect("audit --last 1", 0, "quarantine show gp/1.07010203/6", NULL);
}

static void status_counts_what_is_there(void **state)
{
    (void)state;
    expect("status --format csv", 0, "item,subject,value\nname,,District\n", NULL);
    assert_non_null(strstr(out, "submissions,,9\n"));
    assert_non_null(strstr(out, "counted,,4\n"));
    assert_non_null(strstr(out, "quarantined,,2\n"));
    assert_non_null(strstr(out, "core,,stopped\n"));
    assert_non_null(strstr(out, "schools,invited,2\n"));
    assert_null(strstr(out, "missing_batches"));
    expect("status", 0, "Fingerprint of the root key", NULL);
}

/* A batch beyond a gap is counted at once, the gap named until it is filled. */
static void a_gap_is_named(void **state)
{
    struct sub late = grade(20, "late", 15);
    uint8_t previous[DIGEST_BYTES] = {1};
    struct sealed s;

    (void)state;
    MUST(hub_open(&w.hub, getenv("SVODKA_HOME"), HUB_CORE));
    join_schools(&w);
    renew_intake(&w);
    seal_array(&w, &late, 1, 4, previous, &s);
    assert_int_equal(take(&w, &s, NULL), LEDGER_STORED);
    buf_fini(&s.bytes);
    intake_free(w.intake);
    w.intake = NULL;
    hub_close(w.hub, false);
    w.hub = NULL;
    expect("status --format csv", 0, "missing_batches,gp/1.07010203,2-3\n", NULL);
}

static void verify_recomputes_and_finds_a_changed_cell(void **state)
{
    struct cell wrong = {99, 99, 99};
    uint8_t raw[CELL_BYTES], key[CELL_KEY_MAX];
    struct store_txn *t;
    size_t len;

    (void)state;
    expect("verify", 0, "the same, bit for bit", NULL);
    MUST(hub_open(&w.hub, getenv("SVODKA_HOME"), HUB_WRITE));
    len = cell_key(key, indicator_digest(indicator_of(&w, "passed")), "gp", "2020-09", "");
    cell_put(raw, &wrong);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_put(t, H_CELLS, bytes_of(key, len), bytes_of(raw, sizeof(raw))));
    MUST(store_commit(t));
    hub_close(w.hub, false);
    w.hub = NULL;
    expect("verify", 1, "", "difference");
    assert_true(strlen(out) > 0);
    expect("explain passed --period 2020-09 --unit gp", 1, "", "run svodka-hub verify");
}

/* ---- a new version of the programme ---- */

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void write_pack(char dir[128], const char *programme)
{
    (void)snprintf(dir, 128, "%s/pack", w.dir);
    folder_remove(dir);
    MUST(folder_make(w.dir, "pack"));
    MUST(folder_make(dir, "forms"));
    put_file(dir, "programme.yaml", programme);
    put_file(dir, "forms/grades.yaml", grades_yaml);
    put_file(dir, "forms/card.yaml", card_yaml);
    put_file(dir, "forms/poll.yaml", poll_yaml);
    put_file(dir, "forms/ledgerbook.yaml", office_yaml);
}

static void a_changed_definition_recomputes_its_numbers(void **state)
{
    static const char changed[] =
        "programme: quality\nversion: \"2\"\ntitle: Quality\nindicators:\n"
        "  - {id: passed, name: Passed, form: grades, kind: share, condition: \"${grade} >= 12\"}\n";
    char dir[128], line[256];

    (void)state;
    write_pack(dir, changed);
    (void)snprintf(line, sizeof(line), "programme check %s", dir);
    expect(line, 0, "Nothing is wrong with programme quality, version 2", NULL);
    expect("indicators --format csv --indicator passed --unit gp", 0, "100.000000,2,2,2,ok,,,%,1,1,1\n", NULL);
    (void)snprintf(line, sizeof(line), "programme load %s", dir);
    expect(line, 0, "Programme quality, version 2 (Quality) is loaded", "anew");
    /* 12 of 12 and 11: 1 / 2 = 50 % */
    expect("indicators --format csv --indicator passed --unit gp", 0, "50.000000,1,2,2,ok,,,%,1,1,2\n", NULL);
    expect("indicators --indicator pupils", 1, "", "there is no indicator");
    expect("verify", 0, "bit for bit", NULL);
    expect("programme list --format csv", 0, "quality,2,Quality,4,1\n", NULL);
}

static void a_wrong_pack_changes_nothing(void **state)
{
    static const char wrong[] = "programme: quality\nversion: \"2\"\ntitle: Quality\nindicators:\n"
                                "  - {id: a, name: A, form: grades, kind: sum, value: \"${nosuch}\"}\n"
                                "  - {id: b, name: B, form: none, kind: count}\n";
    char dir[128], line[256], place[256];

    (void)state;
    write_pack(dir, wrong);
    (void)snprintf(line, sizeof(line), "programme load %s", dir);
    (void)snprintf(place, sizeof(place), "%s/programme.yaml:5:", dir);
    expect(line, 1, "", place);
    (void)snprintf(place, sizeof(place), "%s/programme.yaml:6:", dir);
    assert_non_null(strstr(said, place));
    assert_non_null(strstr(said, "2 mistakes; nothing was changed"));
    put_file(dir, "programme.yaml", programme_yaml);
    put_file(dir, "forms/poll.yaml",
             "form: poll\nversion: \"1\"\ntitle: Poll\nmode: answers\nrole: school\nperiod: month\n"
             "survey:\n  - {type: text, name: mark, label: Mark, required: true}\n");
    expect(line, 1, "", "forms/poll.yaml:2:10: version: version 1 of form poll is loaded already");
    assert_non_null(strstr(said, "the type is text now and was integer"));
    expect("programme list --format csv", 0, "quality,1,Quality,4,5\n", NULL);
    expect("programme load /tmp/svodka-there-is-no-such-pack", 1, "", "a programme pack is expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(indicators_have_the_columns_of_the_contract, open_world, close_world),
        cmocka_unit_test_setup_teardown(json_carries_the_same_names, open_world, close_world),
        cmocka_unit_test_setup_teardown(people_see_labels_and_few_places, open_world, close_world),
        cmocka_unit_test_setup_teardown(names_that_do_not_exist_are_mistakes, open_world, close_world),
        cmocka_unit_test_setup_teardown(every_number_is_traced_to_its_submissions, open_world, close_world),
        cmocka_unit_test_setup_teardown(answers_leave_only_with_the_flag_and_the_audit, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_quarantine_says_what_is_in_it_and_why, open_world, close_world),
        cmocka_unit_test_setup_teardown(status_counts_what_is_there, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_gap_is_named, open_world, close_world),
        cmocka_unit_test_setup_teardown(verify_recomputes_and_finds_a_changed_cell, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_changed_definition_recomputes_its_numbers, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_wrong_pack_changes_nothing, open_world, close_world),
    };

    (void)setenv("LC_ALL", "C", 1);
    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
