/* test_import.c: tables become submissions, all of their rows or none (invariants 4 and 9). */
#include "agent_fixture.h"

#include "agent/import.h"
#include "agent/import_internal.h"
#include "agent/template.h"
#include "common/clock.h"

#define SAID_MAX 16384u

/* What one import gave. */
struct outcome {
    enum err e;
    struct import_result result;
    char said[SAID_MAX]; /* the findings, one a line, with the folder taken off */
    char text[1024];     /* err_text() */
};

struct request {
    const char *form, *period, *map; /* map: text, or NULL */
    const struct form *own_form;     /* instead of one of the school's */
    const char *pack_map;            /* name of one that the pack brought */
    const char *csv;
    size_t csv_len; /* 0: strlen */
    const char *unit_column;
    bool replace;
    const char *refused; /* file name below the school's folder */
    struct csv_options options;
};

static struct import_map *read_map(struct school *s, const struct request *q, const struct form *f, struct report *r)
{
    struct import_map *m = NULL;
    struct buf held;

    buf_init(&held, IMPORT_MAP_MAX_BYTES);
    if (q->map != NULL)
        assert_int_equal(import_map_load(&m, f, "map", q->map, strlen(q->map), r), OK);
    if (q->pack_map != NULL) {
        assert_int_equal(agent_map(s->a, q->pack_map, &held), OK);
        assert_int_equal(import_map_load(&m, f, q->pack_map, held.data, held.len, r), OK);
    }
    buf_fini(&held);
    return m;
}

static void take_findings(const struct school *s, const struct report *r, char said[SAID_MAX])
{
    FILE *to = fmemopen(said, SAID_MAX, "w");
    size_t cut = strlen(s->dir) + 1;
    char *at;

    assert_non_null(to);
    report_print(r, to);
    (void)fclose(to);
    while ((at = strstr(said, s->dir)) != NULL)
        memmove(at, at + cut, strlen(at + cut) + 1);
}

static struct outcome *import(struct school *s, const struct request *q)
{
    static struct outcome out;
    struct capture_options co = {.form = agent_form(s->a, q->form), .period = q->period, .source = SOURCE_IMPORT};
    struct import_options io = {.replace = q->replace};
    struct csv_source *source = NULL;
    struct import_map *m;
    struct capture *c = NULL;
    struct report *r = NULL;
    char path[256];
    char refused[256];

    if (q->own_form != NULL)
        co.form = q->own_form;
    memset(&out, 0, sizeof(out));
    school_path(path, s, "in.csv");
    school_path(refused, s, q->refused != NULL ? q->refused : "");
    assert_int_equal(cli_write_file(path, q->csv, q->csv_len != 0 ? q->csv_len : strlen(q->csv), 0600, true), OK);
    assert_int_equal(report_new(&r, 100), OK);
    m = read_map(s, q, co.form, r);
    io.unit_heading = q->unit_column != NULL ? q->unit_column : import_map_unit(m);
    io.unit_prefix = import_map_unit_prefix(m);
    co.many_units = io.unit_heading != NULL;
    assert_int_equal(capture_open(&c, s->a, &co), OK);
    err_clear();
    out.e = csv_source_open(&source, path, &q->options);
    if (out.e == OK) {
        io.map = m;
        io.delimiter = csv_source_delimiter(source);
        io.refused_path = q->refused != NULL ? refused : NULL;
        out.e = import_run(s->a, c, csv_source_rows(source), &io, r, &out.result);
    }
    (void)snprintf(out.text, sizeof(out.text), "%s", err_text());
    take_findings(s, r, out.said);
    csv_source_close(source);
    import_map_free(m);
    capture_close(c);
    report_free(r);
    return &out;
}

/* The grades of period 1. */
static struct outcome *import_grades(struct school *s, const char *csv)
{
    struct request q = {.form = "grades-por", .period = "P1", .csv = csv};

    return import(s, &q);
}

/* Nothing was queued, and this is what was said. */
static void assert_refused(struct school *s, const char *csv, const char *said)
{
    struct outcome *o = import_grades(s, csv);

    assert_string_equal(o->said, said);
    assert_int_equal(o->e, ERR_INVALID);
    assert_int_equal(o->result.queued, 0);
    assert_int_equal(waiting(s), 0);
}

/* ---- good tables ---- */

static void rows_become_submissions_in_their_order(void **state)
{
    struct school *s = *state;
    struct outcome *o = import_grades(s, "pupil;grade;absences\na;10;0\nb;?na;\n\"c\"; 12 ;3\n");
    struct buf text;

    assert_string_equal(o->said, "");
    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.rows, 3);
    assert_int_equal(o->result.queued, 3);
    assert_int_equal(o->result.first.number, 1);
    assert_int_equal(o->result.last.number, 3);
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text),
                        "new grades-por gp P1 a 1\nnew grades-por gp P1 b 2\nnew grades-por gp P1 c 3\n");
    buf_fini(&text);
}

static void headings_are_names_or_labels_in_either_language(void **state)
{
    struct school *s = *state;

    assert_int_equal(import_grades(s, "Код ученика,GRADE,  пропущено   занятий\na,10,0\n")->e, OK);
    assert_int_equal(import_grades(s, "Pupil's code\tGrade\tAbsences\t\t\nb\t11\t1\t\t\n")->e, OK);
    assert_int_equal(waiting(s), 2);
}

static void a_second_row_of_labels_is_skipped(void **state)
{
    struct school *s = *state;
    struct outcome *o = import_grades(s, "pupil;grade\nКод ученика;Оценка\na;10\n");

    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.rows, 1);
}

static void a_template_with_rows_added_imports_again(void **state)
{
    struct school *s = *state;
    const struct form *f = agent_form(s->a, "grades-por");
    char path[256];
    char choices[TEMPLATE_PATH_MAX];
    char text[4096];
    void *bytes = NULL;
    size_t len = 0;

    school_path(path, s, "t.csv");
    assert_int_equal(template_write(f, path, choices), OK);
    assert_int_equal(cli_read_file(path, 4096, &bytes, &len), OK);
    assert_memory_equal(bytes, "\xEF\xBB\xBFpupil;grade;absences\r\n", 25);
    (void)snprintf(text, sizeof(text), "%sa;10;1\r\nb;11;\r\n", (const char *)bytes);
    free(bytes);
    assert_int_equal(import_grades(s, text)->e, OK);
    assert_int_equal(waiting(s), 2);
    assert_int_equal(template_write(f, path, choices), ERR_EXISTS);
    school_path(path, s, "t.xls");
    assert_int_equal(template_write(f, path, choices), ERR_USAGE);
}

static void the_choices_stand_beside_the_template(void **state)
{
    struct school *s = *state;
    char path[256];
    char choices[TEMPLATE_PATH_MAX];
    void *bytes = NULL;
    size_t len = 0;

    school_path(path, s, "family.csv");
    assert_int_equal(template_write(agent_form(s->a, "family"), path, choices), OK);
    assert_non_null(strstr(choices, "/family-choices.csv"));
    assert_int_equal(cli_read_file(choices, 1 << 20, &bytes, &len), OK);
    assert_non_null(strstr(bytes, "\r\nMjob;Mother's job;;;at_home;at home;\r\n"));
    assert_non_null(strstr(bytes, "\r\nage;\"Age, full years\";whole number;yes;;;\r\n") != NULL
                        ? bytes
                        : strstr(bytes, "\r\nage;Age, full years;whole number;yes;;;\r\n"));
    assert_null(strstr(bytes, "higher_parents"));
    free(bytes);
}

static void windows_1251_is_found_out_or_told(void **state)
{
    static const char csv[] = "\xCA\xEE\xE4 \xF3\xF7\xE5\xED\xE8\xEA\xE0;\xCE\xF6\xE5\xED\xEA\xE0\n\xC0;10\n";
    struct school *s = *state;
    struct request q = {
        .form = "grades-por", .period = "P1", .csv = csv, .options = {.encoding = CSV_CP1251, .delimiter = ';'}};
    struct buf text;

    assert_int_equal(import_grades(s, csv)->e, OK);
    assert_int_equal(import(s, &q)->e, OK);
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text), "new grades-por gp P1 А 1\nnew grades-por gp P1 А 2\n");
    buf_fini(&text);
}

static void a_map_translates_headings_words_and_constants(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .map = "form: grades-por\ncolumns: {Ученик: pupil, Балл: grade}\nconst: {absences: 7}\n"
                               "values: {grade: {осв: \"?na\", отл: 20}, pupil: {первый: p1}}\nignore: [Класс]\n",
                        .csv = "Класс;ученик;БАЛЛ\n5а;Первый;Отл\n5а;p2;осв\n5б;p3;4\n"};
    struct outcome *o = import(s, &q);
    struct buf text;

    assert_string_equal(o->said, "");
    assert_int_equal(o->e, OK);
    buf_init(&text, 4096);
    assert_string_equal(all_submissions(s, &text),
                        "new grades-por gp P1 p1 1\nnew grades-por gp P1 p2 2\nnew grades-por gp P1 p3 3\n");
    buf_fini(&text);
}

static void the_data_set_comes_in_whole(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "family", .period = "2020/21", .pack_map = "family"};
    struct outcome *o;
    struct buf csv;
    char line[1024];
    FILE *in = fopen(SVODKA_SOURCE_DIR "/tests/data/uci_student_performance/student-por.csv", "re");

    assert_non_null(in);
    buf_init(&csv, 1 << 20);
    for (unsigned n = 0; fgets(line, sizeof(line), in) != NULL; n++) {
        if (n == 0)
            buf_printf(&csv, "pupil;%s", line);
        else
            buf_printf(&csv, "%u;%s", n, line);
    }
    (void)fclose(in);
    q.csv = buf_cstr(&csv);
    o = import(s, &q);
    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.queued, 649);
    assert_non_null(strstr(o->said, "in.csv:281:4: age: warning: older than 20: check the age (found: 22)\n"));
    q = (struct request){.form = "grades-por", .period = "P1", .pack_map = "grades-por-p1", .csv = buf_cstr(&csv)};
    assert_int_equal(import(s, &q)->result.queued, 649);
    q = (struct request){.form = "grades-por", .period = "P3", .pack_map = "grades-por-p3", .csv = buf_cstr(&csv)};
    assert_int_equal(import(s, &q)->result.queued, 649);
    buf_fini(&csv);
    assert_int_equal(waiting(s), 3 * 649);
}

static void a_record_takes_one_row(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "school-passport",
                        .period = "2020/21",
                        .csv = "pupils;pupils_support;shifts;site;classes\n"
                               "20;2;1;yes;\"[{\"\"class_name\"\":\"\"1a\"\",\"\"class_level\"\":\"\"primary\"\","
                               "\"\"class_pupils\"\":20}]\"\n800;30;1;no;[]\n"};
    struct outcome *o = import(s, &q);

    assert_int_equal(o->e, ERR_INVALID);
    assert_string_equal(o->said,
                        "in.csv:3: the form \"school-passport\" is filled in once for a unit and a period, and line 2 "
                        "has it already\n");
}

/* ---- every kind of bad cell: invariant 9 ---- */

static void a_bad_number_is_named(void **state)
{
    assert_refused(*state, "pupil;grade\na;ten\nb;10,5\n",
                   "in.csv:2:2: grade: expected a whole number (found: ten)\n"
                   "in.csv:3:2: grade: expected a whole number (found: 10,5)\n");
}

static void an_unknown_choice_is_named(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "satisfaction-parents", .period = "2020/21-H1"};
    struct outcome *o;

    q.csv = "relation\nmothr\n";
    o = import(s, &q);
    assert_int_equal(o->e, ERR_INVALID);
    assert_non_null(strstr(o->said, "in.csv:1"));
    q = (struct request){.form = "family", .period = "2020/21", .csv = "pupil;sex\n1;X\n"};
    o = import(s, &q);
    assert_int_equal(o->e, ERR_INVALID);
    q.map = "form: family\n"
            "const: {age: 16, address: U, famsize: LE3, Pstatus: T, Medu: 4, Fedu: 4, Mjob: other, Fjob: other, "
            "guardian: mother, reason: home, traveltime: 1, studytime: 1, failures: 0, schoolsup: no, famsup: no, "
            "paid: no, activities: no, nursery: no, higher: no, internet: no, absences: 0, romantic: no, famrel: 1, "
            "freetime: 1, goout: 1, Dalc: 1, Walc: 1, health: 1}\n";
    q.csv = "pupil;sex\n1;X\n2;F\n3;женский\n4;\n";
    o = import(s, &q);
    assert_int_equal(o->e, ERR_INVALID);
    assert_string_equal(o->said, "in.csv:2:2: sex: no such choice: expected one of F (female), M (male) (found: X)\n"
                                 "in.csv:5:2: sex: an answer is required\n");
    q.csv = "pupil;sex\n2;F\n3;женский\n";
    assert_int_equal(import(s, &q)->e, OK);
}

static void a_broken_constraint_is_named_with_the_rule(void **state)
{
    assert_refused(*state, "pupil;grade;absences\na;21;94\nb;10;1\nc;-1;0\n",
                   "in.csv:2:2: grade: from 0 to 20 (found: 21)\n"
                   "in.csv:2:3: absences: from 0 to 93 (found: 94)\n"
                   "in.csv:4:2: grade: from 0 to 20 (found: -1)\n");
}

static void a_missing_answer_is_named(void **state)
{
    assert_refused(*state, "pupil;grade\na;\n;10\n",
                   "in.csv:2:2: grade: an answer is required\nin.csv:3:1: pupil: an answer is required\n");
}

static void a_bad_cell_does_not_hide_the_others_of_its_row(void **state)
{
    assert_refused(*state, "pupil;grade;absences\na;x;94\n",
                   "in.csv:2:2: grade: expected a whole number (found: x)\n"
                   "in.csv:2:3: absences: from 0 to 93 (found: 94)\n");
}

static void a_wrong_number_of_cells_is_named(void **state)
{
    assert_refused(*state, "pupil;grade\na;10;5\nb\nc;11\n",
                   "in.csv:2: the row has 3 cells, but the number of headings is 2\n"
                   "in.csv:3: the row has 1 cell, but the number of headings is 2\n");
}

static void an_answer_to_a_question_that_does_not_apply_is_named(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "family",
                        .period = "2020/21",
                        .map = "form: family\n"
                               "const: {sex: F, age: 16, address: U, famsize: LE3, Pstatus: T, Medu: 4, Fedu: 4, "
                               "Mjob: other, Fjob: other, reason: home, traveltime: 1, studytime: 1, failures: 0, "
                               "schoolsup: no, famsup: no, paid: no, activities: no, nursery: no, higher: no, "
                               "internet: no, absences: 0, romantic: no, famrel: 1, freetime: 1, goout: 1, Dalc: 1, "
                               "Walc: 1, health: 1}\n",
                        .csv = "pupil;guardian;guardian_other\n1;mother;aunt\n2;other;aunt\n3;mothr;aunt\n"};
    struct outcome *o = import(s, &q);

    assert_string_equal(o->said,
                        "in.csv:2:3: guardian_other: the question does not apply here: expected no answer (found: "
                        "aunt)\n"
                        "in.csv:4:2: guardian: no such choice in the list \"guardian\"; did you mean \"mother\"? "
                        "(found: mothr)\n");
    assert_int_equal(o->e, ERR_INVALID);
}

/* ---- headings ---- */

static void a_heading_that_no_field_has_is_named(void **state)
{
    assert_refused(*state, "pupil;grad;Класс\na;10;5\n",
                   "in.csv:1:2: grad: the form \"grades-por\" has no field with this name or label; did you mean "
                   "\"grade\"?\n"
                   "in.csv:1:3: Класс: the form \"grades-por\" has no field with this name or label; a map can give "
                   "the column a field or have it ignored\n");
}

static void headings_that_are_missing_or_double_are_named(void **state)
{
    assert_refused(*state, "grade;absences\n10;5\n",
                   "in.csv:1: pupil: the form requires this field (Pupil's code), but the file has no column for it\n");
    assert_refused(*state, "pupil;grade;Оценка\na;10;5\n",
                   "in.csv:1:3: Оценка: the column 2 is for \"grade\" already\n");
    assert_refused(*state, "pupil;grade;passed\na;10;yes\n",
                   "in.csv:1:3: passed: the form fills in \"passed\" itself; remove the column, or have a map ignore "
                   "it\n");
    assert_refused(*state, "pupil;grade;\na;10;5\n",
                   "in.csv:2:3: this column has no heading, so it should be empty (found: 5)\n");
}

static void a_column_that_the_map_expects_must_be_there(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .map = "form: grades-por\ncolumns: {Балл: grade}\nconst: {absences: 1}\n",
                        .csv = "pupil;grade;absences\na;10;1\n"};

    assert_string_equal(
        import(s, &q)->said,
        "in.csv:1:3: absences: the map gives \"absences\" the same value in every row; have it ignore the column\n"
        "in.csv:1: Балл: the map expects a column with this heading, but the file has none\n");
}

/* ---- the file itself ---- */

static void an_empty_file_is_named(void **state)
{
    assert_refused(*state, "", "in.csv: the file is empty: a row of headings was expected\n");
    assert_refused(*state, "\n;;\n", "in.csv: the file is empty: a row of headings was expected\n");
    assert_refused(*state, "pupil;grade\n", "in.csv: the file has headings, but no rows below them\n");
}

static void an_unclosed_quote_is_named(void **state)
{
    assert_refused(*state, "pupil;grade\na;10\n\"b;11\nc;12\n",
                   "in.csv: line 3, column 1: the quote opened here is never closed\n");
}

static void a_wrong_encoding_is_named(void **state)
{
    struct school *s = *state;
    struct request q = {
        .form = "grades-por", .period = "P1", .csv = "pupil;grade\n\xC0;10\n", .options = {.encoding = CSV_UTF8}};

    assert_string_equal(import(s, &q)->said,
                        "in.csv: line 2, column 1: the text is not valid UTF-8; save the file as \"CSV UTF-8\"\n");
    q.csv = "\xFF\xFEp\0u\0";
    q.csv_len = 6;
    assert_int_equal(import(s, &q)->e, ERR_MALFORMED);
    assert_non_null(
        strstr(import(s, &q)->text, "/in.csv: the file is in UTF-16 (\"Unicode text\"); save it as \"CSV UTF-8\""));
    assert_int_equal(waiting(s), 0);
}

static void a_cell_of_10_megabytes_is_refused(void **state) /* invariant 8 */
{
    struct school *s = *state;
    size_t len = 10u << 20;
    char *csv = malloc(len + 64);
    struct request q = {.form = "grades-por", .period = "P1", .csv = csv};

    assert_non_null(csv);
    memcpy(csv, "pupil;grade\n", 12);
    memset(csv + 12, 'x', len);
    memcpy(csv + 12 + len, ";10\n", 5);
    assert_string_equal(import(s, &q)->said, "in.csv: line 2, column 1: the cell is longer than 1048576 bytes\n");
    assert_int_equal(waiting(s), 0);
    free(csv);
}

static void a_missing_file_is_named(void **state)
{
    struct csv_options o = {.delimiter = 0};
    struct csv_source *source = NULL;

    (void)state;
    assert_int_equal(csv_source_open(&source, "/nowhere/a.csv", &o), ERR_NOT_FOUND);
    assert_string_equal(err_text(), "/nowhere/a.csv: cannot be opened: No such file or directory");
    assert_int_equal(csv_source_open(&source, "/tmp", &o), ERR_IO);
    assert_string_equal(err_text(), "/tmp: not a file; the CSV must be in a file");
}

/* ---- totals ---- */

static void a_row_of_totals_is_refused_unless_the_map_leaves_it_out(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .map = "form: grades-por\ntotals: [Итого, Среднее]\n",
                        .csv = "pupil;grade\na;10\nИТОГО по школе;10\nсреднее:;10\n"};
    struct outcome *o;

    assert_refused(s, "pupil;grade\na;10\nИтого:;10\nTotal;10\nВсеголюд;10\n",
                   "in.csv:3:1: this looks like a row of totals: remove it, or name its first word under \"totals\" in "
                   "a map (found: Итого:)\n"
                   "in.csv:4:1: this looks like a row of totals: remove it, or name its first word under \"totals\" in "
                   "a map (found: Total)\n");
    o = import(s, &q);
    assert_string_equal(o->said, "");
    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.queued, 1);
    assert_int_equal(o->result.totals, 2);
}

/* ---- keys ---- */

static void a_key_may_stand_in_one_row_only(void **state)
{
    assert_refused(*state, "pupil;grade\na;10\nb;11\na;12\n",
                   "in.csv:4:1: pupil: line 2 has the same key: each key may stand in one row only (found: a)\n");
}

static void the_set_of_keys_tells_the_first_line_of_each(void **state)
{
    struct key_set *set = NULL;
    uint32_t earlier;
    char key[16];

    (void)state;
    assert_int_equal(key_set_new(&set), OK);
    assert_false(key_set_has(set, bytes_of("x", 1)));
    for (uint32_t i = 1; i <= 20000; i++) {
        (void)snprintf(key, sizeof(key), "%u", i);
        assert_int_equal(key_set_add(set, bytes_of(key, strlen(key)), i + 1, &earlier), OK);
        assert_int_equal(earlier, 0);
    }
    for (uint32_t i = 1; i <= 20000; i += 7) {
        (void)snprintf(key, sizeof(key), "%u", i);
        assert_int_equal(key_set_add(set, bytes_of(key, strlen(key)), 99999, &earlier), OK);
        assert_int_equal(earlier, i + 1);
        assert_true(key_set_has(set, bytes_of(key, strlen(key))));
    }
    assert_false(key_set_has(set, bytes_of("20001", 5)));
    key_set_free(set);
}

/* ---- rows about many units ---- */

static void speak_for_all(struct school *s)
{
    (void)snprintf(s->a->grant->units[0], sizeof(s->a->grant->units[0]), GRANT_ALL_UNITS);
    s->a->grant->unit_count = 1;
}

static void each_row_is_about_the_unit_in_its_column(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .unit_column = "school",
                        .csv = "SCHOOL;pupil;grade\ngp;a;10\ngp-branch;a;11\n gp ;b;12\n"};
    struct buf text;

    buf_init(&text, 4096);
    assert_string_equal(import(s, &q)->said, "");
    /* The key a is of two units: no row is one too many. */
    assert_string_equal(all_submissions(s, &text), "new grades-por gp P1 a 1\n"
                                                   "new grades-por gp-branch P1 a 2\n"
                                                   "new grades-por gp P1 b 3\n");
    q.csv = "pupil;school;grade\nc;gp;10\nc;gp;11\nd;ms;10\ne;;10\nf;gp branch;99\n";
    /* What else is wrong with a row is told beside its unit; of a wrong unit no key is compared. */
    assert_string_equal(import(s, &q)->said,
                        "in.csv:3:1: pupil: line 2 has the same key: each key may stand in one row only (found: c)\n"
                        "in.csv:4:2: school: \"gp\" has no right to report about \"ms\"; the district can give it "
                        "(found: ms)\n"
                        "in.csv:5:2: school: the id of the unit that the row is about was expected\n"
                        "in.csv:6:2: school: \"gp\" has no right to report about \"gp branch\"; did you mean "
                        "\"gp-branch\"? (found: gp branch)\n"
                        "in.csv:6:3: grade: from 0 to 20 (found: 99)\n");
    assert_int_equal(waiting(s), 3);
    buf_fini(&text);
}

static void the_column_of_units_must_be_there_once(void **state)
{
    struct school *s = *state;
    struct request q = {
        .form = "grades-por", .period = "P1", .unit_column = "school", .csv = "pupil;grade;scool\na;10;gp\n"};

    assert_string_equal(import(s, &q)->said,
                        "in.csv:1:3: scool: the form \"grades-por\" has no field with this name or label; a map can "
                        "give the column a field or have it ignored\n"
                        "in.csv:1: school: this column should name the unit of each row, but the file has none with "
                        "this heading\n");
    q.csv = "School;pupil;school;grade\ngp;a;gp;10\n";
    assert_string_equal(import(s, &q)->said, "in.csv:1:3: school: the column 1 names the units already\n");
    assert_int_equal(waiting(s), 0);
}

static void ids_may_get_a_beginning_from_the_map(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .map = "form: grades-por\nunit: Код\nunit_prefix: m\ncolumns: {Код: pupil}\n",
                        .csv = "Код;grade\n1008;10\n1009;11\n;12\n",
                        .refused = "refused.csv"};
    struct outcome *o;
    struct buf text;

    buf_init(&text, 4096);
    speak_for_all(s);
    o = import(s, &q); /* the column is a field's as well */
    /* Not the unit "m", which the beginning alone would be. */
    assert_string_equal(o->said, "in.csv:4:1: Код: the id of the unit that the row is about was expected\n"
                                 "in.csv:4:1: pupil: an answer is required\n");
    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.queued, 2);
    assert_string_equal(all_submissions(s, &text), "new grades-por m1008 P1 1008 1\n"
                                                   "new grades-por m1009 P1 1009 2\n");
    q.csv = "Код;grade\n1 008;10\n1000000000000000000000000000000;11\n10000000000000000000000000000000;11\n";
    q.refused = NULL;
    /* The second has 31 digits: with the m 32 characters, which may be; the form takes keys of 20. */
    assert_non_null(strstr(import(s, &q)->said,
                           "in.csv:2:1: Код: \"m1 008\" is no unit: 1 to 32 letters A-Z a-z, digits, '-' and '_' are "
                           "expected (found: 1 008)\n"
                           "in.csv:3:1: pupil: "));
    assert_non_null(strstr(import(s, &q)->said, "in.csv:4:1: Код: \"m1000"));
    buf_fini(&text);
}

/* A form that is filled in once for each unit: one row of each. */
static void a_record_has_one_row_for_each_unit(void **state)
{
    static const char yaml[] = "form: card\nversion: \"1\"\ntitle: Card\nmode: record\nperiod: school_year\n"
                               "survey:\n  - {type: integer, name: seats, required: true}\n";
    struct school *s = *state;
    struct form *f = NULL;
    struct request q = {.period = "2020/21",
                        .form = "card",
                        .unit_column = "school",
                        .csv = "school;seats\ngp;100\ngp-branch;20\ngp;30\n"};

    assert_int_equal(form_load(&f, "card.yaml", yaml, sizeof(yaml) - 1, NULL), OK);
    q.own_form = f;
    assert_string_equal(import(s, &q)->said,
                        "in.csv:4:1: school: the form \"card\" is filled in once for a unit and a period, and line 2 "
                        "has it already (found: gp)\n");
    assert_int_equal(waiting(s), 0);
    q.csv = "school;seats\ngp;100\ngp-branch;20\n";
    assert_string_equal(import(s, &q)->said, "");
    assert_int_equal(waiting(s), 2);
    form_free(f);
}

static void a_whole_list_is_that_of_the_units_it_names(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .unit_column = "school",
                        .replace = true,
                        .csv = "school;pupil;grade\nm1;a;10\nm1;b;11\nm2;a;12\nm3;c;13\n"};
    struct outcome *o;
    struct buf text;

    buf_init(&text, 4096);
    speak_for_all(s);
    assert_int_equal(import(s, &q)->result.queued, 4);
    /* m1 loses b (number 2), m2 loses a (3) and gains b; m3 is not spoken about and keeps c. */
    q.csv = "school;pupil;grade\nm1;a;10\nm2;b;12\n";
    o = import(s, &q);
    assert_string_equal(o->said, "");
    assert_int_equal(o->result.queued, 2);
    assert_int_equal(o->result.retracted, 2);
    (void)all_submissions(s, &text);
    assert_non_null(strstr(buf_cstr(&text), "new grades-por m1 P1 a 5\nnew grades-por m2 P1 b 6\n"));
    assert_non_null(strstr(buf_cstr(&text), "retraction grades-por m1 P1  "));
    assert_non_null(strstr(buf_cstr(&text), "retraction grades-por m2 P1  "));
    assert_null(strstr(buf_cstr(&text), "retraction grades-por m3"));
    buf_fini(&text);
}

/* ---- taking what is good ---- */

static void with_mistakes_nothing_is_queued_not_even_the_rows_before(void **state) /* invariant 4 */
{
    struct school *s = *state;
    struct buf csv;

    buf_init(&csv, 1 << 20);
    buf_put_str(&csv, "pupil;grade\n");
    for (unsigned i = 0; i < 5000; i++)
        buf_printf(&csv, "p%u;%u\n", i, 1 + i % 20);
    buf_put_str(&csv, "last;99\n");
    assert_refused(s, buf_cstr(&csv), "in.csv:5002:2: grade: from 0 to 20 (found: 99)\n");
    buf_fini(&csv);
}

static void findings_beyond_the_limit_are_counted(void **state)
{
    struct school *s = *state;
    struct outcome *o;
    struct buf csv;

    buf_init(&csv, 1 << 20);
    buf_put_str(&csv, "pupil;grade\n");
    for (unsigned i = 0; i < 150; i++)
        buf_printf(&csv, "p%u;99\n", i);
    o = import_grades(s, buf_cstr(&csv));
    assert_int_equal(o->result.refused, 150);
    assert_non_null(strstr(o->said, "in.csv:101:2: grade: from 0 to 20 (found: 99)\n... and 50 more like these.\n"));
    buf_fini(&csv);
}

static void good_rows_are_taken_and_the_others_written_aside(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por",
                        .period = "P1",
                        .csv = "pupil;Оценка;absences\na;10;1\n\"b;x\";99;\"say \"\"no\"\"\"\nc;12;\na;1;1\n",
                        .refused = "refused.csv"};
    struct outcome *o = import(s, &q);
    char path[256];
    void *bytes = NULL;
    size_t len = 0;

    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.queued, 2);
    assert_int_equal(o->result.refused, 2);
    assert_int_equal(waiting(s), 2);
    school_path(path, s, "refused.csv");
    assert_int_equal(cli_read_file(path, 4096, &bytes, &len), OK);
    assert_string_equal(bytes, "\xEF\xBB\xBFpupil;Оценка;absences\r\n\"b;x\";99;\"say \"\"no\"\"\"\r\na;1;1\r\n");
    free(bytes);
    o = import(s, &q); /* the file is there */
    assert_int_equal(o->e, ERR_EXISTS);
    assert_non_null(strstr(o->text, "refused.csv: the file exists already; name a new one for the refused rows"));
    assert_int_equal(waiting(s), 2);
}

static void a_file_with_good_rows_only_leaves_no_file_aside(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por", .period = "P1", .csv = "pupil;grade\na;10\n", .refused = "refused.csv"};
    char path[256];

    assert_int_equal(import(s, &q)->e, OK);
    school_path(path, s, "refused.csv");
    assert_int_not_equal(access(path, F_OK), 0);
    q.csv = "pupil;grade\na;99\n"; /* and one without any */
    assert_int_equal(import(s, &q)->e, ERR_INVALID);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(waiting(s), 1);
}

static void after_an_unclosed_quote_even_good_rows_are_not_taken(void **state)
{
    struct school *s = *state;
    struct request q = {
        .form = "grades-por", .period = "P1", .csv = "pupil;grade\na;10\nb;99\n\"c;1\n", .refused = "refused.csv"};
    char path[256];

    assert_int_equal(import(s, &q)->e, ERR_INVALID);
    assert_int_equal(waiting(s), 0);
    school_path(path, s, "refused.csv");
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- the whole list ---- */

static void a_full_list_retracts_the_keys_it_no_longer_has(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "grades-por", .period = "P1", .csv = "pupil;grade\na;10\nb;11\nc;12\n"};
    struct outcome *o;
    struct buf text;

    assert_int_equal(import(s, &q)->e, OK);
    q.period = "P2"; /* another slot stays as it is */
    assert_int_equal(import(s, &q)->e, OK);
    q.period = "P1";
    q.replace = true;
    q.csv = "pupil;grade\nb;13\nd;14\n";
    o = import(s, &q);
    assert_int_equal(o->e, OK);
    assert_int_equal(o->result.queued, 2);
    assert_int_equal(o->result.retracted, 2);
    q.csv = "pupil;grade\nb;13\n"; /* a and c are gone already */
    assert_int_equal(import(s, &q)->result.retracted, 1);
    buf_init(&text, 8192);
    assert_non_null(strstr(all_submissions(s, &text), "new grades-por gp P1 b 7\nnew grades-por gp P1 d 8\n"
                                                      "retraction grades-por gp P1  9\n"
                                                      "retraction grades-por gp P1  10\n"
                                                      "new grades-por gp P1 b 11\n"
                                                      "retraction grades-por gp P1  12\n"));
    buf_fini(&text);
}

static void a_full_list_is_for_keyed_rows_and_whole_files(void **state)
{
    struct school *s = *state;
    struct request q = {.form = "school-passport", .period = "2020/21", .csv = "pupils\n1\n", .replace = true};

    assert_int_equal(import(s, &q)->e, ERR_USAGE);
    assert_string_equal(import(s, &q)->text, "--replace is for forms with keyed rows; \"school-passport\" has no key");
    q = (struct request){
        .form = "grades-por", .period = "P1", .csv = "pupil;grade\na;1\n", .replace = true, .refused = "r.csv"};
    assert_int_equal(import(s, &q)->e, ERR_USAGE);
    assert_string_equal(import(s, &q)->text, "--replace needs the whole list, so it does not go with --accept-valid");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_become_submissions_in_their_order),
        TEST(headings_are_names_or_labels_in_either_language),
        TEST(a_second_row_of_labels_is_skipped),
        TEST(a_template_with_rows_added_imports_again),
        TEST(the_choices_stand_beside_the_template),
        TEST(windows_1251_is_found_out_or_told),
        TEST(a_map_translates_headings_words_and_constants),
        TEST(the_data_set_comes_in_whole),
        TEST(a_record_takes_one_row),
        TEST(a_bad_number_is_named),
        TEST(an_unknown_choice_is_named),
        TEST(a_broken_constraint_is_named_with_the_rule),
        TEST(a_missing_answer_is_named),
        TEST(a_bad_cell_does_not_hide_the_others_of_its_row),
        TEST(a_wrong_number_of_cells_is_named),
        TEST(an_answer_to_a_question_that_does_not_apply_is_named),
        TEST(a_heading_that_no_field_has_is_named),
        TEST(headings_that_are_missing_or_double_are_named),
        TEST(a_column_that_the_map_expects_must_be_there),
        TEST(an_empty_file_is_named),
        TEST(an_unclosed_quote_is_named),
        TEST(a_wrong_encoding_is_named),
        TEST(a_cell_of_10_megabytes_is_refused),
        TEST(a_missing_file_is_named),
        TEST(a_row_of_totals_is_refused_unless_the_map_leaves_it_out),
        TEST(a_key_may_stand_in_one_row_only),
        TEST(the_set_of_keys_tells_the_first_line_of_each),
        TEST(with_mistakes_nothing_is_queued_not_even_the_rows_before),
        TEST(findings_beyond_the_limit_are_counted),
        TEST(each_row_is_about_the_unit_in_its_column),
        TEST(the_column_of_units_must_be_there_once),
        TEST(ids_may_get_a_beginning_from_the_map),
        TEST(a_record_has_one_row_for_each_unit),
        TEST(a_whole_list_is_that_of_the_units_it_names),
        TEST(good_rows_are_taken_and_the_others_written_aside),
        TEST(a_file_with_good_rows_only_leaves_no_file_aside),
        TEST(after_an_unclosed_quote_even_good_rows_are_not_taken),
        TEST(a_full_list_retracts_the_keys_it_no_longer_has),
        TEST(a_full_list_is_for_keyed_rows_and_whole_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
