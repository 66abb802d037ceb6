/* test_capture.c: checked answers become records; who may say what about whom and when (invariants 6 and 9); drafts. */
#include "agent_fixture.h"

#include "agent/draft.h"
#include "agent/today.h"
#include "common/form_json.h"

/* ---- opening ---- */

static void assert_opens(struct school *s, const struct capture_options *o, enum err e, const char *text)
{
    struct capture *c = NULL;

    err_clear();
    assert_int_equal(capture_open(&c, s->a, o), e);
    assert_string_equal(err_text(), text);
    capture_close(c);
}

static void the_unit_is_our_own_or_the_only_one(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct capture *c = open_capture(s, "grades-por", "P1");

    assert_string_equal(capture_unit(c), "gp");
    capture_close(c);
    o.unit = "gp-branch";
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_unit(c), "gp-branch");
    capture_close(c);
    (void)snprintf(s->a->grant->units[0], sizeof(s->a->grant->units[0]), "school-1");
    s->a->grant->unit_count = 1;
    o.unit = NULL;
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_unit(c), "school-1");
    capture_close(c);
    s->a->grant->unit_count = 2;
    assert_opens(s, &o, ERR_USAGE, "say which unit this is about: --unit U, for example school-1");
}

static void a_unit_that_we_may_not_speak_for_is_refused(void **state) /* invariant 6 */
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1", .unit = "ms"};

    assert_opens(s, &o, ERR_DENIED, "\"gp\" has no right to report about \"ms\"; the district can give it");
    o.unit = "gp-brnch";
    assert_opens(s, &o, ERR_DENIED, "\"gp\" has no right to report about \"gp-brnch\"; did you mean \"gp-branch\"?");
}

static void who_speaks_for_every_unit_must_name_it(void **state)
{
    static const char yaml[] = "form: plan\nversion: \"1\"\ntitle: Plan\nmode: record\nperiod: school_year\n"
                               "about: district\nsurvey:\n  - {type: integer, name: n}\n";
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    struct form *f = NULL;
    struct capture *c = NULL;

    (void)snprintf(s->a->grant->units[0], sizeof(s->a->grant->units[0]), GRANT_ALL_UNITS);
    s->a->grant->unit_count = 1;
    assert_opens(s, &o, ERR_USAGE, "say which unit this is about: --unit U"); /* not itself: it is no school */
    o.unit = "any-school";
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_unit(c), "any-school");
    capture_close(c);
    o.unit = "*";
    assert_opens(s, &o, ERR_USAGE, "\"*\" is no unit: 1 to 32 letters A-Z a-z, digits, '-' and '_' are expected");
    /* A form about the district is about the unit that stands for it. */
    assert_int_equal(form_load(&f, "plan.yaml", yaml, sizeof(yaml) - 1, NULL), OK);
    o = (struct capture_options){.form = f, .period = "2020/21"};
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_unit(c), "district");
    capture_close(c);
    o.unit = "any-school";
    assert_opens(s, &o, ERR_USAGE, "the form \"plan\" is about the unit district alone");
    /* Not everybody may speak for the district. */
    (void)snprintf(s->a->grant->units[0], sizeof(s->a->grant->units[0]), "gp");
    o.unit = NULL;
    assert_opens(s, &o, ERR_DENIED, "\"gp\" has no right to report about \"district\"; the district can give it");
    form_free(f);
}

static void a_form_of_another_role_is_refused(void **state) /* invariant 6 */
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};

    (void)snprintf(s->a->grant->roles[0], sizeof(s->a->grant->roles[0]), "office");
    assert_opens(s, &o, ERR_DENIED,
                 "the form \"grades-por\" is filled in by the role \"school\", which \"gp\" does not have");
}

static void a_period_is_found_by_id_or_label_in_the_forms_series(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "family"), .period = "2020/21 учебный год"};
    struct capture *c = NULL;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_period(c)->id, "2020/21");
    capture_close(c);
    o.period = "2020/22";
    assert_int_equal(capture_open(&c, s->a, &o), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "2020/22"));
    o.period = "P1"; /* of another series */
    assert_int_equal(capture_open(&c, s->a, &o), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "P1"));
}

static void a_period_may_be_of_any_series_of_the_form(void **state)
{
    static const char yaml[] = "form: both\nversion: \"1\"\ntitle: Both\nmode: record\n"
                               "period: [grade_period, school_year]\n"
                               "survey:\n  - {type: integer, name: n}\n";
    struct school *s = *state;
    struct form *f = NULL;
    struct capture_options o = {.period = "P2"};
    struct capture *c = NULL;

    assert_int_equal(form_load(&f, "both.yaml", yaml, sizeof(yaml) - 1, NULL), OK);
    o.form = f;
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_period(c)->id, "P2");
    capture_close(c);
    o.period = "2020/21";
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_string_equal(capture_period(c)->series, "school_year");
    capture_close(c);
    o.period = "2020-09";
    assert_int_equal(capture_open(&c, s->a, &o), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "of the series grade_period, school_year is expected, such as P1"));
    form_free(f);
}

static void day_and_name_are_checked(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1", .filled_on = "soon"};
    char name[80];

    assert_opens(s, &o, ERR_USAGE, "--filled-on: \"soon\" is not a date; expected one like 2020-09-01 or 01.09.2020");
    o.filled_on = "30.02.2021";
    assert_opens(s, &o, ERR_USAGE,
                 "--filled-on: \"30.02.2021\" is not a date; expected one like 2020-09-01 or 01.09.2020");
    o.filled_on = "1.9.2020";
    memset(name, 'x', 65);
    name[65] = '\0';
    o.entered_by = name;
    assert_opens(s, &o, ERR_USAGE, "--entered-by: a role or code of at most 64 bytes is expected");
    o.entered_by = "deputy head";
    assert_opens(s, &o, OK, "");
}

static void put_number(struct school *s, const char *key, int64_t n)
{
    uint8_t raw[8];

    be64_put(raw, (uint64_t)n);
    assert_int_equal(agent_meta_put(s->a, NULL, key, bytes_of(raw, sizeof(raw))), OK);
}

/* Nothing is dated by a clock that is known to be wrong: its error at the last receipt is reckoned with, until somebody
 * sets it; where nobody knows how wrong it is, it is a guess, and said to be one.  Capture goes on. */
static void a_wrong_clock_dates_no_submission(void **state)
{
    static const struct {
        int64_t hub, offset, clock; /* days from TEST_NOW_MS; the offset is what the last receipt said */
        int day;                    /* what is taken */
        bool is_guess;
    } cases[] = {
        {0, 0, 3, 3, false},        /* all is well */
        {0, -4000, 4003, 3, false}, /* it was years ahead, and still is */
        {0, -4000, 3, 3, false},    /* it was, and was set */
        {0, 4000, -3997, 3, true},  /* it was years behind, and still is */
        {0, 4000, 3, 3, false},     /* it was, and was set */
        {0, 0, -4000, 0, true},     /* its battery has died since: not before the district's last word */
        {0, 4000, -9000, 0, true},  /* ... again */
        {-2, 365, -5, -2, true},    /* it was a year behind, and was set to another wrong day */
        {-9, 5, 0, 0, true},        /* five days behind, nine days ago: still, or set since? */
        {-2, 5, -5, 0, true},       /* ... two days ago: still */
        {-2, -5, 0, 0, false},      /* ... ahead, two days ago: set since */
        {-300, -5, 0, -5, true},    /* ... 300 days ago */
    };
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct capture *c = NULL;
        struct today today;

        put_number(s, "hub-time", TEST_NOW_MS + cases[i].hub * 86400000);
        put_number(s, "offset", cases[i].offset * 86400000);
        clock_test_set(TEST_NOW_MS + cases[i].clock * 86400000);
        assert_int_equal(agent_today(s->a, &today), OK);
        assert_int_equal(today.is_guess, cases[i].is_guess);
        assert_int_equal(capture_open(&c, s->a, &o), OK);
        assert_int_equal(capture_day(c), (int32_t)(TEST_NOW_MS / 86400000) + cases[i].day);
        capture_close(c);
    }
    clock_test_set(TEST_NOW_MS);
}

/* Just before midnight in Kaliningrad it is the next day in Kamchatka. */
static void today_is_that_of_the_schools_time_zone(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    const int64_t evening = INT64_C(1601580600000); /* 1 October 2020, 19:30 UTC */
    struct capture *c = NULL;

    clock_test_set(evening);
    assert_int_equal(zone_open(&s->a->conf.zone, "Asia/Kamchatka"), OK);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(capture_day(c), 18537);
    capture_close(c);
    zone_free(s->a->conf.zone);
    assert_int_equal(zone_open(&s->a->conf.zone, "Europe/Kaliningrad"), OK);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(capture_day(c), 18536);
    capture_close(c);
    clock_test_set(TEST_NOW_MS);
}

/* ---- records ---- */

static enum err queue_json(struct school *s, struct capture *c, const char *json, const struct capture_deed *deed,
                           struct record_ref *ref)
{
    struct value values[64];
    struct buf keep;
    enum err e;

    (void)s;
    buf_init(&keep, 1 << 20);
    assert_int_equal(form_values_from_json(capture_form(c), json, strlen(json), values, &keep, NULL), OK);
    if ((e = capture_judge(c, values, false, NULL, NULL)) == OK)
        e = capture_one(c, values, deed, ref);
    buf_fini(&keep);
    return e;
}

/* The record as it lies in the queue. */
static void read_record(struct school *s, const struct record_ref *ref, struct buf *bytes, struct record *r)
{
    buf_reset(bytes);
    assert_int_equal(queue_get(s->a, ref, bytes), OK);
    assert_int_equal(record_decode_head(r, view(bytes)), OK);
}

static void a_record_tells_who_what_when_and_how(void **state)
{
    struct school *s = *state;
    struct capture_options o = {.form = agent_form(s->a, "grades-por"),
                                .period = "P1",
                                .filled_on = "2020-11-20",
                                .entered_by = "завуч",
                                .source = SOURCE_PAPER};
    struct capture *c = NULL;
    struct record_ref first;
    struct record_ref second;
    struct record r;
    struct buf bytes;
    uint8_t tag[TAG_BYTES];

    buf_init(&bytes, RECORD_MAX);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 12}", NULL, &first), OK);
    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 12}", NULL, &second), OK);
    assert_int_equal(first.number, 1);
    assert_int_equal(second.number, 2);
    read_record(s, &first, &bytes, &r);
    assert_memory_equal(r.form, o.form->digest, FORM_DIGEST_BYTES);
    assert_string_equal(r.unit, "gp");
    assert_string_equal(r.period, "P1");
    assert_int_equal(r.filled_on, date_from_civil(2020, 11, 20));
    assert_true(r.has_time);
    assert_int_equal(r.made_ms, TEST_NOW_MS);
    assert_false(r.has_offset);
    assert_memory_equal(r.entered_by.p, "завуч", r.entered_by.len);
    assert_int_equal(r.source, SOURCE_PAPER);
    assert_int_equal(r.kind, RECORD_NEW);
    assert_int_equal(r.ordinal, 0);
    memcpy(tag, r.tag, sizeof(tag));
    read_record(s, &second, &bytes, &r); /* equal answers are never the same bytes: invariant 3 */
    assert_memory_equal(tag, r.tag, sizeof(tag));
    assert_int_equal(r.ordinal, 1);
    capture_close(c);
    reopen(s);
    c = open_capture(s, "grades-por", "P1");
    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 12}", NULL, &first), OK);
    read_record(s, &first, &bytes, &r);
    assert_int_equal(r.ordinal, 0);
    assert_memory_not_equal(tag, r.tag, sizeof(tag));
    capture_close(c);
    buf_fini(&bytes);
}

static void anonymous_answers_carry_nothing_that_tells_who_or_when(void **state)
{
    struct school *s = *state;
    struct capture_options o = {
        .form = agent_form(s->a, "satisfaction-parents"), .period = "2020/21-H1", .entered_by = "classroom teacher"};
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = "wish"};
    struct capture *c = NULL;
    struct value values[64];
    struct record_ref refs[2];
    struct record r;
    struct buf bytes;
    uint8_t tag[TAG_BYTES];

    buf_init(&bytes, RECORD_MAX);
    assert_int_equal(capture_open(&c, s->a, &o), OK);
    for (uint32_t i = 0; i < o.form->field_count; i++)
        values[i].state = VALUE_MISSING;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(capture_one(c, values, NULL, &refs[i]), OK);
    read_record(s, &refs[0], &bytes, &r);
    assert_false(r.has_time);
    assert_false(r.has_offset);
    assert_int_equal(r.entered_by.len, 0);
    assert_int_equal(r.ordinal, 0);
    memcpy(tag, r.tag, sizeof(tag));
    read_record(s, &refs[1], &bytes, &r);
    assert_int_equal(r.ordinal, 0);
    assert_memory_not_equal(tag, r.tag, sizeof(tag));
    deed.target = refs[0];
    assert_int_equal(capture_one(c, NULL, &deed, &refs[1]), ERR_DENIED);
    assert_string_equal(err_text(), "the answers to \"satisfaction-parents\" are anonymous: a single one cannot be "
                                    "changed or withdrawn");
    capture_close(c);
    buf_fini(&bytes);
}

static void corrections_and_retractions_name_their_target(void **state)
{
    struct school *s = *state;
    struct capture *c = open_capture(s, "grades-por", "P1");
    struct record_remark remark = {1, bytes_of("пересдача", strlen("пересдача"))};
    struct capture_deed deed = {.kind = RECORD_CORRECTION, .reason = "опечатка", .remarks = &remark, .remark_count = 1};
    struct record_ref ref;
    struct record r;
    struct buf bytes;

    buf_init(&bytes, RECORD_MAX);
    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 12}", NULL, &deed.target), OK);
    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 13}", &deed, &ref), OK);
    read_record(s, &ref, &bytes, &r);
    assert_int_equal(r.kind, RECORD_CORRECTION);
    assert_int_equal(record_ref_compare(&r.target, &deed.target), 0);
    assert_memory_equal(r.reason.p, "опечатка", r.reason.len);
    deed = (struct capture_deed){.kind = RECORD_RETRACTION, .reason = "выбыл", .target = ref};
    assert_int_equal(capture_one(c, NULL, &deed, &ref), OK);
    read_record(s, &ref, &bytes, &r);
    assert_int_equal(r.kind, RECORD_RETRACTION);
    assert_int_equal(r.target.number, 2);
    deed.reason = NULL; /* without a reason no change */
    assert_int_equal(capture_one(c, NULL, &deed, &ref), ERR_INVALID);
    assert_int_equal(waiting(s), 3);
    capture_close(c);
    buf_fini(&bytes);
}

static void bad_answers_are_judged_before_they_are_queued(void **state) /* invariant 9 */
{
    struct school *s = *state;
    struct capture *c = open_capture(s, "grades-por", "P1");
    struct record_ref ref;

    assert_int_equal(queue_json(s, c, "{\"pupil\": \"17\", \"grade\": 21}", NULL, &ref), ERR_INVALID);
    assert_string_equal(err_text(), "grade: from 0 to 20 (found: 21)");
    assert_int_equal(queue_json(s, c, "{\"grade\": 2}", NULL, &ref), ERR_INVALID);
    assert_string_equal(err_text(), "pupil: an answer is required");
    assert_int_equal(waiting(s), 0);
    capture_close(c);
}

/* ---- JSON: invariant 9 ---- */

static void assert_json(const struct form *f, const char *json, enum err e, const char *said)
{
    struct report *r = NULL;
    struct value values[64];
    char text[2048] = "";
    struct buf keep;
    FILE *to = fmemopen(text, sizeof(text), "w");

    assert_non_null(to);
    buf_init(&keep, 1 << 20);
    assert_int_equal(report_new(&r, 0), OK);
    assert_int_equal(form_values_from_json(f, json, strlen(json), values, &keep, r), e);
    report_print(r, to);
    (void)fclose(to);
    if (strstr(text, said) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", said, text);
    report_free(r);
    buf_fini(&keep);
}

static void bad_json_is_refused_with_the_reason(void **state)
{
    struct school *s = *state;
    const struct form *f = agent_form(s->a, "grades-por");

    assert_json(f, "[[[[[[[[[[1]]]]]]]]]]", ERR_LIMIT, "1: the JSON nests deeper than 8 levels\n");
    assert_json(f, "{\"grade\": 1, \"grade\": 2}", ERR_MALFORMED,
                "1:20: not JSON: a key is given twice (found: \"grade\")\n");
    assert_json(f, "{\"pupil\": 17, \"grade\": \"ten\", \"absences\": 1.5}", ERR_INVALID,
                "pupil: expected a text in quotes (found: 17)\n"
                "grade: expected a whole number, for example 12 (found: \"ten\")\n"
                "absences: expected a whole number, for example 12 (found: 1.5)\n");
    assert_json(f, "{\"grad\": 1}", ERR_INVALID, "grad: the form has no such field; did you mean \"grade\"?\n");
    assert_json(f, "[17]", ERR_INVALID, "expected an object, {\"field\": value, ...}\n");
}

/* ---- drafts ---- */

static void a_draft_is_kept_locked_and_offered_for_its_slot_only(void **state)
{
    struct school *s = *state;
    struct capture *c = open_capture(s, "grades-por", "P1");
    struct capture *other = open_capture(s, "grades-por", "P2");
    struct value values[8];
    struct buf keep;
    int64_t saved_ms = 0;
    uint64_t count = 9;
    uint32_t at = 9;
    bool is_whole = false;
    FILE *store;
    char path[256];
    char *file;
    long size;

    buf_init(&keep, 1 << 20);
    assert_int_equal(draft_get(s->a, c, values, &keep, &at, &saved_ms, &is_whole), ERR_NOT_FOUND);
    assert_int_equal(form_values_from_json(capture_form(c), "{\"pupil\": \"secret-draft\"}", 25, values, &keep, NULL),
                     OK);
    assert_int_equal(draft_put(s->a, c, values, 1), OK);
    assert_int_equal(draft_count(s->a, &count), OK);
    assert_int_equal(count, 1);
    memset(values, 0, sizeof(values));
    assert_int_equal(draft_get(s->a, other, values, &keep, &at, &saved_ms, &is_whole), ERR_NOT_FOUND);
    assert_int_equal(draft_get(s->a, c, values, &keep, &at, &saved_ms, &is_whole), OK);
    assert_int_equal(at, 1);
    assert_int_equal(saved_ms, TEST_NOW_MS);
    assert_true(is_whole);
    assert_int_equal(values[0].as.text.len, 12);
    assert_int_equal(values[1].state, VALUE_MISSING);
    school_path(path, s, "home/store/data.mdb");
    assert_non_null(store = fopen(path, "re"));
    assert_int_equal(fseek(store, 0, SEEK_END), 0);
    size = ftell(store);
    rewind(store);
    assert_non_null(file = malloc((size_t)size));
    assert_int_equal(fread(file, 1, (size_t)size, store), size);
    (void)fclose(store);
    assert_null(memmem(file, (size_t)size, "secret-draft", 12));
    free(file);
    assert_int_equal(draft_delete(s->a, c), OK);
    assert_int_equal(draft_delete(s->a, c), OK);
    assert_int_equal(draft_get(s->a, c, values, &keep, &at, &saved_ms, &is_whole), ERR_NOT_FOUND);
    capture_close(c);
    capture_close(other);
    buf_fini(&keep);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, school_open, school_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_unit_is_our_own_or_the_only_one),
        TEST(a_unit_that_we_may_not_speak_for_is_refused),
        TEST(who_speaks_for_every_unit_must_name_it),
        TEST(a_form_of_another_role_is_refused),
        TEST(a_period_is_found_by_id_or_label_in_the_forms_series),
        TEST(a_period_may_be_of_any_series_of_the_form),
        TEST(day_and_name_are_checked),
        TEST(a_wrong_clock_dates_no_submission),
        TEST(today_is_that_of_the_schools_time_zone),
        TEST(a_record_tells_who_what_when_and_how),
        TEST(anonymous_answers_carry_nothing_that_tells_who_or_when),
        TEST(corrections_and_retractions_name_their_target),
        TEST(bad_answers_are_judged_before_they_are_queued),
        TEST(bad_json_is_refused_with_the_reason),
        TEST(a_draft_is_kept_locked_and_offered_for_its_slot_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
