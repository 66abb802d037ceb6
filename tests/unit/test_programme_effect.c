/* What a new version of a programme would do to what is in the ledger, told before anything is changed
 * (docs/indicators.md, "What a new version may change"; invariant 9). */
#include "hub/programme_effect.h"
#include "ledger_fixture.h"

#define PROGRAMME(version, indicators)                                                                                 \
    "programme: quality\nversion: \"" version "\"\ntitle: Quality\nindicators:\n" indicators
#define SAME                                                                                                           \
    "  - {id: pupils, name: Pupils, form: grades, kind: count, breakdown: level}\n"                                    \
    "  - {id: grade_mean, name: Mean grade, form: grades, kind: mean, value: \"${grade}\", places: 2}\n"               \
    "  - {id: mood, name: Mood, form: poll, kind: mean, value: \"${mark}\"}\n"
#define TWICE                                                                                                          \
    "  - {id: helper, name: Helper, kind: formula, value: \"2 * ${passed}\", hidden: true}\n"                          \
    "  - {id: twice, name: Twice, kind: formula, value: \"${helper}\"}\n"

static const char first_yaml[] = PROGRAMME(
    "1", SAME TWICE "  - {id: passed, name: Passed, form: grades, kind: share, condition: \"${grade} >= 10\"}\n"
                    "  - {id: places, name: Places, form: card, kind: sum, value: \"${seats}\"}\n");
/* `passed` means something else, `places` goes, three come that read the new field. */
static const char second_yaml[] = PROGRAMME(
    "2", SAME TWICE
    "  - {id: passed, name: Passed, form: grades, kind: share, condition: \"${grade} >= 12\"}\n"
    "  - {id: effort_mean, name: Effort, form: grades, kind: mean, value: \"${effort}\"}\n"
    "  - {id: tried, name: Tried, form: grades, kind: share, condition: \"${effort} > 2 and ${grade} >= 10\"}\n"
    "  - {id: both, name: Both, kind: formula, value: \"${effort_mean} + ${grade_mean}\"}\n");

#define GRADES(version, level)                                                                                         \
    "form: grades\nversion: \"" version "\"\ntitle: Grades\nmode: rows\nkey: pupil\nrole: school\nperiod: month\n"     \
    "choices:\n  levels:\n    - {code: low, label: Low}\n    - {code: high, label: High}\n"                            \
    "survey:\n"                                                                                                        \
    "  - {type: text, name: pupil, label: Pupil, required: true}\n"                                                    \
    "  - {type: integer, name: grade, label: Grade, required: true}\n"                                                 \
    "  - {type: select_one levels, " level ", label: Level}\n"
#define EFFORT "  - {type: integer, name: effort, label: Effort}\n"
#define NOTE   "  - {type: text, name: note, label: Note}\n"
#define TOTAL  "  - {type: calculate, name: total, label: Total, value: integer, calculation: \"${grade} + 1\"}\n"

static const char grades_second[] = GRADES("2", "name: level") EFFORT NOTE TOTAL;
static const char grades_renamed[] = GRADES("2", "name: tier, was: level");
static const char grades_effort[] = GRADES("2", "name: level") EFFORT;
static const char grades_third[] = GRADES("3", "name: level") EFFORT NOTE;

/* ---- a pack that comes ---- */

struct coming {
    struct pack_file files[5];
    struct pack pack;
    struct programme *programme;
    struct calendar *calendar;
    struct report *report;
    struct cell_build *build;
    struct programme_effect *effect;
};

static struct pack_file file_of(const char *name, const char *text)
{
    return (struct pack_file){(char *)(uintptr_t)name, (void *)(uintptr_t)text, strlen(text)};
}

static void read_pack(struct coming *c, const char *yaml, const char *grades)
{
    memset(c, 0, sizeof(*c));
    c->files[0] = file_of("programme.yaml", yaml);
    c->files[1] = file_of("forms/grades.yaml", grades);
    c->files[2] = file_of("forms/card.yaml", card_yaml);
    c->files[3] = file_of("forms/poll.yaml", poll_yaml);
    c->files[4] = file_of("forms/ledgerbook.yaml", office_yaml);
    c->pack = (struct pack){c->files, COUNT(c->files)};
    MUST(report_new(&c->report, 0));
    MUST(calendar_new(&c->calendar));
    if (programme_load(&c->programme, &c->pack, c->calendar, c->report) != OK) {
        report_print(c->report, stderr);
        fail_msg("the programme was refused");
    }
}

static void come(struct coming *c, struct world *w, const char *yaml, const char *grades)
{
    struct store_txn *t;

    read_pack(c, yaml, grades);
    MUST(cell_build_new(&c->build, w->hub, c->programme));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(programme_effect_new(&c->effect, w->hub, t, c->programme, c->build));
    store_abort(t);
}

static void gone(struct coming *c)
{
    programme_effect_free(c->effect);
    cell_build_free(c->build);
    programme_free(c->programme);
    calendar_free(c->calendar);
    report_free(c->report);
}

/* It is loaded, as `programme load` does. */
static void arrive(struct coming *c, struct world *w)
{
    struct store_txn *t;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(cell_build_run(c->build, t));
    MUST(cell_build_store(c->build, t));
    MUST(hub_add_programme(w->hub, t, &c->pack, c->programme));
    MUST(hub_reload(w->hub, t));
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

static void expect_names(const struct effect_names *n, const char *joined)
{
    char text[512] = "";

    for (size_t i = 0; i < n->count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "", n->items[i]);
    assert_string_equal(text, joined);
}

static void start(struct world *w)
{
    struct coming first;

    world_open(w);
    read_pack(&first, first_yaml, grades_yaml);
    MUST(cell_build_new(&first.build, w->hub, first.programme));
    arrive(&first, w);
    gone(&first);
}

static struct sub of_unit(struct sub s, const char *unit)
{
    s.unit = unit;
    return s;
}

/* ---- tests ---- */

static void a_new_version_says_who_answered_the_old_one_and_what_it_lacks(void **state)
{
    uint8_t previous[DIGEST_BYTES];
    struct coming c;
    struct world w;

    (void)state;
    start(&w);
    {
        /* What counts then: the correction of a at gp and c at gp2: 2 submissions of 2 units.  ms has sent a card,
         * which is another form; of grades it owes an answer, too: 2 of 3. */
        const struct sub of_gp[] = {grade(1, "a", 5), grade(2, "b", 12), of_unit(grade(3, "c", 11), "gp2"),
                                    correction(4, 1, "a", 7), retraction(5, 2)};
        const struct sub of_ms[] = {{.school = 1,
                                     .gen = generation_of(1, 9),
                                     .number = 1,
                                     .form = "card",
                                     .unit = "ms",
                                     .period = "2020-09",
                                     .value = 300}};

        take_array(&w, of_gp, COUNT(of_gp), 1, previous, NULL);
        take_array(&w, of_ms, COUNT(of_ms), 1, previous, NULL);
    }
    come(&c, &w, second_yaml, grades_second);
    assert_ptr_equal(c.effect->old, w.hub->programmes[0]);
    assert_int_equal(c.effect->form_count, 1);
    assert_string_equal(c.effect->forms[0].fresh->id, "grades");
    assert_int_equal(c.effect->forms[0].expected, 3);
    assert_int_equal(c.effect->forms[0].version_count, 1);
    assert_string_equal(c.effect->forms[0].versions[0].form->version, "1");
    assert_int_equal(c.effect->forms[0].versions[0].units, 2);
    assert_int_equal(c.effect->forms[0].versions[0].submissions, 2);
    /* What is calculated nobody is asked for. */
    expect_names(&c.effect->forms[0].versions[0].new_fields, "effort note");
    expect_names(&c.effect->forms[0].versions[0].without_data, "effort_mean tried both");

    expect_names(&c.effect->added, "effort_mean tried both");
    expect_names(&c.effect->changed, "passed");
    expect_names(&c.effect->touched, "twice"); /* by way of a hidden one */
    expect_names(&c.effect->removed, "places");
    /* A share is two variables: what holds, and what is asked.  The latter counts as `pupils` would without its parts,
     * and is as it was.  All of them read grades alone: 2 submissions. */
    assert_true(c.effect->definitions > 0);
    assert_int_equal(c.effect->submissions, 2);
    for (size_t i = 0; i < c.effect->built.count; i++) {
        const char *name = c.effect->built.items[i];

        assert_true(strncmp(name, "passed", 6) == 0 || strncmp(name, "effort_mean", 11) == 0 ||
                    strncmp(name, "tried", 5) == 0);
    }
    assert_int_equal(c.effect->built.count, c.effect->definitions);
    assert_false(programme_effect_is_empty(c.effect));
    gone(&c);
    world_close(&w);
}

static void a_field_with_another_name_is_not_new_and_its_answers_count_on(void **state)
{
    static const char yaml[] =
        PROGRAMME("2", "  - {id: pupils, name: Pupils, form: grades, kind: count, breakdown: tier}\n");
    uint8_t previous[DIGEST_BYTES];
    struct coming c;
    struct world w;

    (void)state;
    start(&w);
    {
        const struct sub one = grade(1, "a", 5);

        take_array(&w, &one, 1, 1, previous, NULL);
    }
    come(&c, &w, yaml, grades_renamed);
    assert_int_equal(c.effect->form_count, 1);
    assert_int_equal(c.effect->forms[0].version_count, 1);
    expect_names(&c.effect->forms[0].versions[0].new_fields, "");
    expect_names(&c.effect->forms[0].versions[0].without_data, "");
    expect_names(&c.effect->changed, "pupils");
    expect_names(&c.effect->removed, "grade_mean mood twice passed places");
    gone(&c);
    world_close(&w);
}

static void each_old_version_is_told_apart(void **state)
{
    uint64_t verdicts[VERDICT_COUNT];
    static const char yaml_two[] =
        PROGRAMME("2", SAME "  - {id: effort_mean, name: Effort, form: grades, kind: mean, value: \"${effort}\"}\n");
    static const char yaml_three[] =
        PROGRAMME("3", SAME "  - {id: effort_mean, name: Effort, form: grades, kind: mean, value: \"${effort}\"}\n"
                            "  - {id: noted, name: Noted, form: grades, kind: count, where: \"${note} != ''\"}\n");
    uint8_t previous[DIGEST_BYTES];
    struct coming c;
    struct world w;

    (void)state;
    start(&w);
    {
        const struct sub old[] = {grade(1, "a", 5), grade(2, "b", 6)};

        take_array(&w, old, COUNT(old), 1, previous, NULL);
    }
    come(&c, &w, yaml_two, grades_effort);
    arrive(&c, &w);
    gone(&c);
    {
        const struct value values[] = {{.as.text = {(const uint8_t *)"c", 1}}, {.as.i = 9}, {.as.i = 0}, {.as.i = 3}};
        struct sub later = grade(1, "c", 9);

        later.school = 1;
        later.unit = "ms";
        later.values = values;
        take_array(&w, &later, 1, 1, previous, verdicts);
        assert_int_equal(verdicts[VERDICT_COUNTED], 1);
    }
    come(&c, &w, yaml_three, grades_third);
    assert_int_equal(c.effect->form_count, 1);
    assert_int_equal(c.effect->forms[0].version_count, 2);
    assert_string_equal(c.effect->forms[0].versions[0].form->version, "1");
    assert_int_equal(c.effect->forms[0].versions[0].units, 1); /* gp, twice */
    assert_int_equal(c.effect->forms[0].versions[0].submissions, 2);
    expect_names(&c.effect->forms[0].versions[0].new_fields, "effort note");
    expect_names(&c.effect->forms[0].versions[0].without_data, "effort_mean noted");
    assert_string_equal(c.effect->forms[0].versions[1].form->version, "2");
    assert_int_equal(c.effect->forms[0].versions[1].units, 1); /* ms */
    assert_int_equal(c.effect->forms[0].versions[1].submissions, 1);
    expect_names(&c.effect->forms[0].versions[1].new_fields, "note");
    expect_names(&c.effect->forms[0].versions[1].without_data, "noted");
    expect_names(&c.effect->added, "noted");
    gone(&c);
    world_close(&w);
}

static void a_pack_that_is_there_already_does_nothing(void **state)
{
    uint8_t previous[DIGEST_BYTES];
    struct coming c;
    struct world w;

    (void)state;
    start(&w);
    {
        const struct sub one = grade(1, "a", 5);

        take_array(&w, &one, 1, 1, previous, NULL);
    }
    come(&c, &w, first_yaml, grades_yaml);
    assert_int_equal(c.effect->form_count, 0);
    assert_int_equal(c.effect->definitions, 0);
    assert_int_equal(c.effect->submissions, 0);
    assert_int_equal(c.effect->added.count + c.effect->changed.count + c.effect->touched.count +
                         c.effect->removed.count + c.effect->built.count,
                     0);
    gone(&c);
    world_close(&w);
}

static void columns_of_rows_are_named_with_them(void **state)
{
    static const char yaml[] =
        "programme: other\nversion: \"2\"\ntitle: Other\nindicators:\n"
        "  - {id: lamps, name: Lamps, form: halls, rows: halls, kind: sum, value: \"${lamps}\"}\n"
        "  - {id: seats, name: Seats, form: halls, rows: halls, kind: sum, value: \"${seats}\"}\n";
    static const char yaml_one[] =
        "programme: other\nversion: \"1\"\ntitle: Other\nindicators:\n"
        "  - {id: seats, name: Seats, form: halls, rows: halls, kind: sum, value: \"${seats}\"}\n";
    static const char form_one[] = "form: halls\nversion: \"1\"\ntitle: Halls\nmode: record\nrole: school\n"
                                   "period: month\nsurvey:\n  - type: repeat\n    name: halls\n    label: Halls\n"
                                   "    survey:\n      - {type: integer, name: seats, label: Seats}\n";
    static const char form_two[] = "form: halls\nversion: \"2\"\ntitle: Halls\nmode: record\nrole: school\n"
                                   "period: month\nsurvey:\n  - type: repeat\n    name: halls\n    label: Halls\n"
                                   "    survey:\n      - {type: integer, name: seats, label: Seats}\n"
                                   "      - {type: integer, name: lamps, label: Lamps}\n";
    const struct value cells[] = {{.as.i = 40}, {.as.i = 60}};
    const struct value value = {.as.rows = {.cells = cells, .rows = 2, .columns = 1}};
    struct sub one = {
        .gen = generation_of(1, 7), .number = 1, .form = "halls", .unit = "gp", .period = "2020-09", .values = &value};
    uint64_t verdicts[VERDICT_COUNT];
    struct pack_file first[] = {file_of("programme.yaml", yaml_one), file_of("forms/halls.yaml", form_one)};
    struct pack_file second[] = {file_of("programme.yaml", yaml), file_of("forms/halls.yaml", form_two)};
    uint8_t previous[DIGEST_BYTES];
    struct coming c = {.pack = {second, COUNT(second)}};
    struct store_txn *t;
    struct world w;

    (void)state;
    world_open(&w);
    MUST(store_begin_write(w.hub->store, &t));
    load_pack(&w, t, first, COUNT(first));
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    join_schools(&w);
    renew_intake(&w);
    take_array(&w, &one, 1, 1, previous, verdicts);
    assert_int_equal(verdicts[VERDICT_COUNTED], 1);
    MUST(report_new(&c.report, 0));
    MUST(calendar_new(&c.calendar));
    MUST(programme_load(&c.programme, &c.pack, c.calendar, c.report));
    MUST(cell_build_new(&c.build, w.hub, c.programme));
    MUST(store_begin_read(w.hub->store, &t));
    MUST(programme_effect_new(&c.effect, w.hub, t, c.programme, c.build));
    store_abort(t);
    assert_int_equal(c.effect->form_count, 1);
    assert_int_equal(c.effect->forms[0].version_count, 1);
    expect_names(&c.effect->forms[0].versions[0].new_fields, "halls.lamps");
    expect_names(&c.effect->forms[0].versions[0].without_data, "lamps");
    gone(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_version_says_who_answered_the_old_one_and_what_it_lacks),
        cmocka_unit_test(a_field_with_another_name_is_not_new_and_its_answers_count_on),
        cmocka_unit_test(each_old_version_is_told_apart),
        cmocka_unit_test(a_pack_that_is_there_already_does_nothing),
        cmocka_unit_test(columns_of_rows_are_named_with_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
