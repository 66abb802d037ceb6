/* test_period.c: ids, labels that people type, dates that packs give, and what is said when they are wrong
 * (invariant 9). */
#include "common/clock.h"
#include "common/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A moment in the spring of 2021, so that "the present school year" is the same on every day of testing. */
#define SPRING_2021_MS INT64_C(1617235200000)

static int fix_the_clock(void **state)
{
    (void)state;
    clock_test_set(SPRING_2021_MS);
    return 0;
}

static struct calendar *fresh(void)
{
    struct calendar *c = NULL;

    assert_int_equal(calendar_new(&c), OK);
    return c;
}

/* Reads a pack's `periods:`; `r` may be NULL when the text is right. */
static bool read_pack(struct calendar *c, const char *text, struct report *r)
{
    struct yaml_doc *d = NULL;
    bool is_good;

    assert_int_equal(yaml_parse(&d, "pack.yaml", text, strlen(text), r), OK);
    is_good = calendar_read(c, d, yaml_root(d), r);
    yaml_free(d);
    return is_good;
}

static void assert_period(const struct period *p, const char *id, const char *series, const char *first,
                          const char *last)
{
    char text[11];

    assert_string_equal(p->id, id);
    assert_string_equal(p->series, series);
    date_format(text, p->first);
    assert_string_equal(text, first);
    date_format(text, p->last);
    assert_string_equal(text, last);
}

static int32_t day(const char *text)
{
    int32_t d = 0;

    assert_int_equal(date_parse(&d, text, strlen(text)), OK);
    return d;
}

/* ---- predefined series ---- */

static void every_predefined_period_has_its_dates_and_labels(void **state)
{
    static const struct {
        const char *id, *series, *first, *last, *ru, *en;
    } known[] = {
        {"2020/21", "school_year", "2020-09-01", "2021-08-31", "2020/21 учебный год", "School year 2020/21"},
        {"1999/00", "school_year", "1999-09-01", "2000-08-31", "1999/00 учебный год", "School year 1999/00"},
        {"2020/21-Q1", "school_quarter", "2020-09-01", "2020-10-31", "1 четверть 2020/21", "School quarter 1, 2020/21"},
        {"2020/21-Q2", "school_quarter", "2020-11-01", "2020-12-31", "2 четверть 2020/21", "School quarter 2, 2020/21"},
        {"2020/21-Q3", "school_quarter", "2021-01-01", "2021-03-31", "3 четверть 2020/21", "School quarter 3, 2020/21"},
        {"2020/21-Q4", "school_quarter", "2021-04-01", "2021-05-31", "4 четверть 2020/21", "School quarter 4, 2020/21"},
        {"2020/21-H1", "school_half_year", "2020-09-01", "2020-12-31", "1 полугодие 2020/21",
         "School half-year 1, 2020/21"},
        {"2020/21-H2", "school_half_year", "2021-01-01", "2021-05-31", "2 полугодие 2020/21",
         "School half-year 2, 2020/21"},
        {"2020", "calendar_year", "2020-01-01", "2020-12-31", "2020 год", "Calendar year 2020"},
        {"2020-Q1", "calendar_quarter", "2020-01-01", "2020-03-31", "1 квартал 2020 г.", "Calendar quarter 1, 2020"},
        {"2020-Q4", "calendar_quarter", "2020-10-01", "2020-12-31", "4 квартал 2020 г.", "Calendar quarter 4, 2020"},
        {"2020-02", "month", "2020-02-01", "2020-02-29", "февраль 2020 г.", "February 2020"},
        {"2020-09", "month", "2020-09-01", "2020-09-30", "сентябрь 2020 г.", "September 2020"},
        {"2020-12", "month", "2020-12-01", "2020-12-31", "декабрь 2020 г.", "December 2020"},
    };
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        assert_int_equal(calendar_find(c, NULL, known[i].id, &p), OK);
        assert_period(&p, known[i].id, known[i].series, known[i].first, known[i].last);
        assert_string_equal(p.label_ru, known[i].ru);
        assert_string_equal(p.label_en, known[i].en);
        assert_int_equal(calendar_find(c, known[i].series, known[i].id, &p), OK);
    }
    calendar_free(c);
}

static void every_period_is_found_again_by_its_id_its_labels_and_its_days(void **state)
{
    struct calendar *c = fresh();
    size_t count = 0;
    const char *const *series = calendar_series(c, &count);

    (void)state;
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        struct period p, q;
        size_t seen = 0;

        assert_int_equal(calendar_on(c, series[i], day("1990-12-01"), &p), OK);
        do {
            assert_string_equal(p.series, series[i]);
            assert_int_equal(calendar_find(c, NULL, p.id, &q), OK);
            assert_string_equal(q.id, p.id);
            assert_int_equal(calendar_find(c, NULL, p.label_ru, &q), OK);
            assert_string_equal(q.id, p.id);
            assert_int_equal(calendar_find(c, NULL, p.label_en, &q), OK);
            assert_string_equal(q.id, p.id);
            assert_int_equal(calendar_on(c, series[i], p.first, &q), OK);
            assert_string_equal(q.id, p.id);
            assert_int_equal(calendar_on(c, series[i], p.last, &q), OK);
            assert_string_equal(q.id, p.id);
            seen++;
        } while (calendar_step(c, &p, 1, &p) == OK);
        assert_true(seen >= 109);
    }
    calendar_free(c);
}

static void a_label_is_understood_as_people_write_it(void **state)
{
    static const struct {
        const char *text, *id;
    } cases[] = {
        {"1 четверть 2020/21", "2020/21-Q1"},
        {"I четверть 2020-2021 уч. г.", "2020/21-Q1"},
        {"«1-я четверть 2020/2021 учебного года»", "2020/21-Q1"},
        {"Третья четверть 2020–2021", "2020/21-Q3"},
        {"за 2 четв. 20/21", "2020/21-Q2"},
        {"4 ЧЕТВЕРТЬ  2020/21", "2020/21-Q4"},
        {"четвёртая четверть 2020/21", "2020/21-Q4"},
        {"2020/21 учебный год, 1 четверть", "2020/21-Q1"},
        {"quarter 3 of 2020/21", "2020/21-Q3"},
        {"3rd quarter, school year 2020-21", "2020/21-Q3"},
        {"2020/21-q1", "2020/21-Q1"},
        {"1 полугодие 2020/21", "2020/21-H1"},
        {"II полугодие 2020–21", "2020/21-H2"},
        {"второе полугодие 2020/21 учебного года", "2020/21-H2"},
        {"half-year 2, 2020/21", "2020/21-H2"},
        {"2020/21 учебный год", "2020/21"},
        {"учебный год 2020/2021", "2020/21"},
        {"2020-2021", "2020/21"},
        {"20/21", "2020/21"},
        {"99/00 учебный год", "1999/00"},
        {"academic year 2020/21", "2020/21"},
        {"1 квартал 2020 г.", "2020-Q1"},
        {"IV кв. 2020", "2020-Q4"},
        {"Q3 2020", "2020-Q3"},
        {"first quarter of 2020", "2020-Q1"},
        {"2 квартал 2020 календарного года", "2020-Q2"},
        {"сентябрь 2020 г.", "2020-09"},
        {"Сентября 2020 года", "2020-09"},
        {"sept. 2020", "2020-09"},
        {"May 2021", "2021-05"},
        {"март 2020/21", "2021-03"}, /* March of that school year */
        {"октябрь 2020/21", "2020-10"},
        {"2020 год", "2020"},
        {"календарный год 2020", "2020"},
        {"\xC2\xA0"
         "2020\xC2\xA0г.",
         "2020"},
    };
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (calendar_find(c, NULL, cases[i].text, &p) != OK)
            fail_msg("\"%s\": %s", cases[i].text, err_text());
        if (strcmp(p.id, cases[i].id) != 0)
            fail_msg("\"%s\" was taken for %s", cases[i].text, p.id);
    }
    calendar_free(c);
}

static void a_label_that_could_mean_two_things_is_refused(void **state)
{
    static const char *const cases[] = {
        "1 четверть 2020",         /* which school year? */
        "1 квартал 2020/21",       /* a calendar quarter of a school year */
        "1 полугодие 2020",        /* there is no calendar half-year */
        "учебный год 2020",        /* 2019/20 or 2020/21? */
        "календарный год 2020/21", /* contradiction */
        "1 2020",                  /* month or quarter? */
        "1 2 четверть 2020/21",    /* two numbers */
        "сентябрь октябрь 2020",   /* two months */
        "1 сентябрь 2020",         /* a day is no period */
        "1 четверть сентябрь 2020/21",
        "2020 2021",        /* two years */
        "четверть 2020/21", /* which? */
        "1 четверть",       /* when? */
        "0 четверть 2020/21",
        "5 четверть 2020/21",
        "3 полугодие 2020/21",
        "2020/22",
        "2020/21-Q5",
        "2020-13",
        "2020-00",
        "1989",
        "1989/90",
        "2100",
        "2100/01",
        "март 2099/00", /* March 2100 */
        "12020",
        "123 четверть 2020/21",
        "",
        " ",
        "2020/21-Q",
        "2020x",
        "завтра",
    };
    struct calendar *c = fresh();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct period p = {.id = "untouched"};

        if (calendar_find(c, NULL, cases[i], &p) != ERR_NOT_FOUND)
            fail_msg("\"%s\" was taken for %s", cases[i], p.id);
        assert_string_equal(p.id, "untouched");
    }
    calendar_free(c);
}

static void what_is_not_found_is_answered_with_what_is_near(void **state)
{
    static const struct {
        const char *series, *text, *part;
    } cases[] = {
        {NULL, "2020/21-Q5", "did you mean \"2020/21-Q"},
        {NULL, "1 четверть 2020", "did you mean \"1 четверть 2020/21\""},
        {NULL, "сентярь 2020 г.", "did you mean \"сентябрь 2020 г.\""},
        {NULL, "1 четверть", "did you mean \"1 четверть 2020/21\""}, /* of the present school year */
        {"school_quarter", "сентябрь 2020", "is a period of the series month"},
        {"school_quarter", "сентябрь 2020", "such as 2020/21-Q1"},
        {"month", "2020/21-Q3", "such as 2021-01"},
        {"school_quarter", "квартал", "write it like 2020/21-Q4"},
        {"shool_quarter", "2020/21-Q1", "did you mean \"school_quarter\""},
        {"rounds", "1", "no series of periods called \"rounds\""},
        {NULL, "завтра", "there is no period \"завтра\""},
        {NULL, "1990/92", "did you mean \"1990/91\""},
    };
    struct calendar *c = fresh();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct period p;

        assert_int_equal(calendar_find(c, cases[i].series, cases[i].text, &p), ERR_NOT_FOUND);
        if (strstr(err_text(), cases[i].part) == NULL)
            fail_msg("\"%s\": \"%s\" is not in \"%s\"", cases[i].text, cases[i].part, err_text());
    }
    calendar_free(c);
}

static void the_series_decides_what_an_id_with_two_meanings_is(void **state)
{
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_int_equal(calendar_find(c, NULL, "2011-12", &p), OK);
    assert_string_equal(p.series, "month");
    assert_int_equal(calendar_find(c, "school_year", "2011-12", &p), OK);
    assert_string_equal(p.id, "2011/12");
    calendar_free(c);
}

static void a_period_of_several_series_is_found(void **state)
{
    static const char *const both[] = {"school_quarter", "month"};
    static const char *const half_known[] = {"rounds", "month"};
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_int_equal(calendar_find_in(c, both, 2, "2020/21-Q1", &p), OK);
    assert_int_equal(calendar_find_in(c, both, 2, "сентябрь 2020", &p), OK);
    assert_string_equal(p.id, "2020-09");
    assert_int_equal(calendar_find_in(c, both, 2, "2020", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "series calendar_year; a period of the series school_quarter, month"));
    assert_int_equal(calendar_find_in(c, NULL, 0, "2020", &p), OK);
    /* What the calendar does not know is passed over, unless it knows none. */
    assert_int_equal(calendar_find_in(c, half_known, 2, "2020-09", &p), OK);
    assert_int_equal(calendar_find_in(c, half_known, 1, "2020-09", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "no series of periods called \"rounds\""));
    calendar_free(c);
}

static void summer_belongs_to_no_quarter(void **state)
{
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_int_equal(calendar_on(c, "school_quarter", day("2021-05-31"), &p), OK);
    assert_string_equal(p.id, "2020/21-Q4");
    assert_int_equal(calendar_on(c, "school_quarter", day("2021-06-01"), &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "2021-06-01 belongs to no period of the series school_quarter"));
    assert_int_equal(calendar_on(c, "school_year", day("2021-06-01"), &p), OK);
    assert_string_equal(p.id, "2020/21");
    assert_int_equal(calendar_on(c, "month", day("1989-12-31"), &p), ERR_NOT_FOUND);
    assert_int_equal(calendar_on(c, "month", INT32_MAX, &p), ERR_NOT_FOUND);
    assert_int_equal(calendar_on(c, "month", INT32_MIN, &p), ERR_NOT_FOUND);
    assert_int_equal(calendar_on(c, "monht", 0, &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "did you mean \"month\""));
    clock_test_set(SPRING_2021_MS + INT64_C(90) * 86400000); /* in July the example is the quarter after the summer */
    assert_int_equal(calendar_find(c, "school_quarter", "?", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "write it like 2020/21-Q1"));
    clock_test_set(SPRING_2021_MS);
    calendar_free(c);
}

static void a_school_year_begins_on_the_first_of_september(void **state)
{
    (void)state;
    assert_int_equal(school_year_of(day("2020-08-31")), 2019);
    assert_int_equal(school_year_of(day("2020-09-01")), 2020);
    assert_int_equal(school_year_of(day("2021-01-01")), 2020);
}

static void a_step_goes_to_the_neighbours_and_not_past_the_ends(void **state)
{
    struct calendar *c = fresh();
    struct period p, q;

    (void)state;
    assert_int_equal(calendar_find(c, NULL, "2020/21-Q1", &p), OK);
    assert_int_equal(calendar_step(c, &p, -1, &q), OK);
    assert_string_equal(q.id, "2019/20-Q4");
    assert_int_equal(calendar_step(c, &p, -4, &q), OK);
    assert_string_equal(q.id, "2019/20-Q1");
    assert_int_equal(calendar_step(c, &p, 0, &q), OK);
    assert_string_equal(q.id, "2020/21-Q1");
    assert_int_equal(calendar_find(c, NULL, "2020-12", &p), OK);
    assert_int_equal(calendar_step(c, &p, 2, &q), OK);
    assert_string_equal(q.id, "2021-02");
    assert_int_equal(calendar_step(c, &p, INT32_MAX, &q), ERR_NOT_FOUND);
    assert_int_equal(calendar_step(c, &p, INT32_MIN, &q), ERR_NOT_FOUND);
    assert_int_equal(calendar_find(c, NULL, "2099", &p), OK);
    assert_int_equal(calendar_step(c, &p, 1, &q), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "2099"));
    calendar_free(c);
}

/* ---- packs ---- */

static const char stages[] = "- series: stage\n"
                             "  label: {ru: Этап, en: Stage}\n"
                             "  periods:\n"
                             "    - {id: st1, from: 2017-01-01, to: 2017-12-31, label: {ru: I этап, en: Stage I}}\n"
                             "    - {id: st3, from: 2019-01-01, to: 2020-06-30, label: III этап}\n"
                             "    - {id: st4, from: 2020-09-01, to: 2021-12-31}\n"
                             "- series: state\n"
                             "  periods: [{id: d2020, on: 2020-09-20, label: на 20 сентября}]\n";

static void a_pack_adds_series_with_gaps(void **state)
{
    struct calendar *c = fresh();
    struct period p;
    const char *ru, *en;
    size_t count;

    (void)state;
    assert_false(calendar_has_series(c, "stage"));
    assert_true(read_pack(c, stages, NULL));
    assert_true(calendar_has_series(c, "stage"));
    assert_string_equal(calendar_series(c, &count)[6], "stage");
    assert_int_equal(count, 8);
    assert_true(calendar_series_label(c, "stage", &ru, &en));
    assert_string_equal(ru, "Этап");
    assert_string_equal(en, "Stage");
    assert_true(calendar_series_label(c, "state", &ru, &en));
    assert_string_equal(ru, "state");
    assert_true(calendar_series_label(c, "month", &ru, &en));
    assert_string_equal(ru, "месяц");
    assert_false(calendar_series_label(c, "round", &ru, &en));

    assert_int_equal(calendar_find(c, "stage", "st1", &p), OK);
    assert_period(&p, "st1", "stage", "2017-01-01", "2017-12-31");
    assert_int_equal(calendar_find(c, NULL, "iii  ЭТАП", &p), OK);
    assert_string_equal(p.id, "st3");
    assert_string_equal(p.label_en, "III этап"); /* one label stands for both */
    assert_int_equal(calendar_find(c, NULL, "Stage I", &p), OK);
    assert_string_equal(p.id, "st1");
    assert_int_equal(calendar_find(c, NULL, "ST4", &p), OK);
    assert_string_equal(p.label_ru, "st4");
    assert_int_equal(calendar_on(c, "stage", day("2020-08-01"), &p), ERR_NOT_FOUND);
    assert_int_equal(calendar_on(c, "stage", day("2020-09-01"), &p), OK);
    assert_string_equal(p.id, "st4");
    assert_int_equal(calendar_find(c, NULL, "d2020", &p), OK);
    assert_period(&p, "d2020", "state", "2020-09-20", "2020-09-20");
    calendar_free(c);
}

static void own_periods_step_in_the_order_of_time(void **state)
{
    struct calendar *c = fresh();
    struct period p, q;

    (void)state;
    assert_true(read_pack(c, stages, NULL));
    assert_int_equal(calendar_find(c, NULL, "st3", &p), OK);
    assert_int_equal(calendar_step(c, &p, 1, &q), OK);
    assert_string_equal(q.id, "st4");
    assert_int_equal(calendar_step(c, &p, -1, &q), OK);
    assert_string_equal(q.id, "st1");
    assert_int_equal(calendar_step(c, &q, 2, &q), OK);
    assert_string_equal(q.id, "st4");
    assert_int_equal(calendar_step(c, &p, 2, &q), ERR_NOT_FOUND);
    assert_int_equal(calendar_step(c, &p, INT32_MIN, &q), ERR_NOT_FOUND);
    calendar_free(c);
}

static void suggestions_come_from_the_pack_as_well(void **state)
{
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_true(read_pack(c, stages, NULL));
    assert_int_equal(calendar_find(c, "stage", "II этап", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "этап\""));
    assert_int_equal(calendar_find(c, "state", "2020", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "d2020"));
    assert_int_equal(calendar_find(c, "state", "что-нибудь", &p), ERR_NOT_FOUND); /* no period of it is today */
    assert_non_null(strstr(err_text(), "write it like d2020"));
    assert_int_equal(calendar_find(c, "stage", "март 2019", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "such as st3"));
    calendar_free(c);
}

static void a_label_of_two_series_must_be_asked_with_its_series(void **state)
{
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_true(read_pack(c,
                          "- {series: stage, periods: [{id: s1, on: 2020-01-01, label: Первый}]}\n"
                          "- {series: round, periods: [{id: r1, on: 2020-01-01, label: первый}]}\n",
                          NULL));
    assert_int_equal(calendar_find(c, NULL, "первый", &p), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "may be the period r1 or s1"));
    assert_int_equal(calendar_find(c, "stage", "первый", &p), OK);
    assert_string_equal(p.id, "s1");
    calendar_free(c);
}

static const char moved[] = "- series: school_quarter\n"
                            "  periods:\n"
                            "    - {id: 2020/21-Q1, from: 2020-09-01, to: 2020-11-02}\n"
                            "    - {id: 2020/21-Q2, from: 2020-11-09, to: 2020-12-27, label: {en: Before New Year}}\n"
                            "- series: school_year\n"
                            "  periods: [{id: 2020/21, from: 2020-08-25, to: 2021-08-20},\n"
                            "            {id: 2019/20, from: 2019-09-01, to: 2020-08-24}]\n"
                            "- series: month\n"
                            "  periods: [{id: 2020-05, from: 2020-05-01, to: 2020-05-31, label: Месяц опроса}]\n";

static void a_pack_moves_the_quarters_of_its_schools(void **state)
{
    struct calendar *c = fresh();
    struct period p;

    (void)state;
    assert_true(read_pack(c, moved, NULL));
    assert_int_equal(calendar_find(c, NULL, "1 четверть 2020/21", &p), OK);
    assert_period(&p, "2020/21-Q1", "school_quarter", "2020-09-01", "2020-11-02");
    assert_int_equal(calendar_on(c, "school_quarter", day("2020-11-02"), &p), OK);
    assert_string_equal(p.id, "2020/21-Q1");
    assert_int_equal(calendar_on(c, "school_quarter", day("2020-11-05"), &p), ERR_NOT_FOUND); /* holidays */
    assert_int_equal(calendar_find(c, NULL, "2020/21-Q2", &p), OK);
    assert_string_equal(p.label_ru, "Before New Year");
    assert_int_equal(calendar_find(c, NULL, "before new year", &p), OK);
    assert_string_equal(p.id, "2020/21-Q2");
    assert_int_equal(calendar_find(c, NULL, "2020/21-Q3", &p), OK);
    assert_period(&p, "2020/21-Q3", "school_quarter", "2021-01-01", "2021-03-31");
    assert_int_equal(calendar_on(c, "school_year", day("2020-08-25"), &p), OK);
    assert_string_equal(p.id, "2020/21");
    assert_int_equal(calendar_find(c, NULL, "месяц опроса", &p), OK);
    assert_string_equal(p.id, "2020-05");
    assert_int_equal(calendar_find(c, NULL, "2020/21-Q2", &p), OK);
    assert_int_equal(calendar_step(c, &p, -1, &p), OK);
    assert_period(&p, "2020/21-Q1", "school_quarter", "2020-09-01", "2020-11-02");
    calendar_free(c);
}

static void two_packs_may_agree_on_a_period(void **state)
{
    struct calendar *c = fresh();
    struct period p;
    size_t count;

    (void)state;
    assert_true(read_pack(c, stages, NULL));
    assert_true(read_pack(c, moved, NULL));
    assert_true(read_pack(c, stages, NULL));
    assert_true(read_pack(c, moved, NULL));
    (void)calendar_series(c, &count);
    assert_int_equal(count, 8);
    assert_true(read_pack(c, "- {series: stage, periods: [{id: st5, from: 2022-01-01, to: 2022-12-31}]}\n", NULL));
    assert_int_equal(calendar_find(c, "stage", "st5", &p), OK);
    assert_int_equal(calendar_find(c, "stage", "st1", &p), OK);
    calendar_free(c);
}

/* One wrong pack, its first mistake and its place. */
static const struct {
    const char *text;
    uint32_t line, column;
    const char *part;
} wrong_packs[] = {
    {"{}", 1, 1, "a list of series"},
    {"- stage\n", 1, 3, "expected a mapping"},
    {"- {series: a, period: [], periods: []}\n", 1, 15, "did you mean \"periods\""},
    {"- {series: 1a, periods: []}\n", 1, 12, "expected a name"},
    {"- {series: a}\n", 1, 3, "required"},
    {"- {series: a, periods: {}}\n", 1, 24, "expected a list"},
    {"- {series: month, label: x, periods: []}\n", 1, 26, "its own label"},
    {"- {series: a, periods: [x]}\n", 1, 25, "expected a mapping"},
    {"- {series: a, periods: [{id: x, from: 2020-01-01}]}\n", 1, 25, "the keys from and to, or the key on"},
    {"- {series: a, periods: [{id: x, to: 2020-01-01, on: 2020-01-01}]}\n", 1, 25, "or the key on alone"},
    {"- {series: a, periods: [{id: x}]}\n", 1, 25, "the keys from and to"},
    {"- {series: a, periods: [{id: x, from: 2020-01-02, to: 2020-01-01}]}\n", 1, 55, "the last day is before"},
    {"- {series: a, periods: [{id: x, on: 1020-01-02}]}\n", 1, 25, "expected dates from 1990 to 2100"},
    {"- {series: a, periods: [{id: x, on: 2101-01-02}]}\n", 1, 25, "expected dates from 1990 to 2100"},
    {"- {series: a, periods: [{id: x, on: 2020-02-30}]}\n", 1, 37, "no such day"},
    {"- {series: a, periods: [{id: этап, on: 2020-01-02}]}\n", 1, 30, "expected an id"},
    {"- {series: a, periods: [{id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, on: 2020-01-02}]}\n", 1, 30, "at most 32"},
    {"- {series: a, periods: [{id: 2020-05, on: 2020-05-01}]}\n", 1, 30, "belongs to the predefined series month"},
    {"- {series: month, periods: [{id: 2020, on: 2020-05-01}]}\n", 1, 34, "the predefined series calendar_year"},
    {"- {series: month, periods: [{id: may, on: 2020-05-01}]}\n", 1, 34, "an id of the series month, such as 2020-01"},
    {"- {series: month, periods: [{id: 2020-05, from: 2020-05-02, to: 2020-05-31}]}\n", 1, 29, "are fixed"},
    {"- {series: school_quarter, periods: [{id: 2020/21-Q1, from: 2020-08-31, to: 2020-10-31}]}\n", 1, 38,
     "inside 2020-09-01 to 2021-08-31"},
    {"- {series: school_quarter, periods: [{id: 2020/21-Q1, from: 2021-09-01, to: 2021-10-31}]}\n", 1, 38,
     "inside 2020-09-01 to 2021-08-31"},
    {"- {series: school_year, periods: [{id: 2020/21, from: 2019-12-31, to: 2021-05-31}]}\n", 1, 35,
     "inside 2020-01-01 to 2021-12-31"},
    {"- {series: school_quarter, periods: [{id: 2020/21-Q1, from: 2020-09-01, to: 2020-11-02}]}\n", 1, 38,
     "overlaps the period 2020/21-Q2 (2020-11-01 to 2020-12-31)"},
    {"- {series: school_quarter, periods: [{id: 2020/21-Q2, from: 2020-10-31, to: 2020-12-31}]}\n", 1, 38,
     "overlaps the period 2020/21-Q1"},
    {"- {series: school_year, periods: [{id: 2020/21, from: 2020-08-25, to: 2021-08-31}]}\n", 1, 35,
     "overlaps the period 2019/20"},
    {"- series: a\n  periods:\n  - {id: x, on: 2020-01-01}\n  - {id: x, on: 2020-01-02}\n", 4, 10, "stands in line 3"},
    {"- series: a\n  periods: [{id: x, on: 2020-01-01}]\n- series: b\n  periods: [{id: x, on: 2020-01-02}]\n", 4, 18,
     "stands in line 2"},
    {"- series: a\n  periods:\n  - {id: y, from: 2020-01-05, to: 2020-02-01}\n"
     "  - {id: x, from: 2020-01-01, to: 2020-01-05}\n",
     3, 5, "overlaps the period x (2020-01-01 to 2020-01-05)"},
    {"- {series: a, periods: [{id: x, on: 2020-01-01, label: "
     "дддддддддддддддддддддддддддддддддддддддддддддддд}]}\n",
     1, 56, "too long"},
    {"- {series: a, periods: [{id: x, on: 2020-01-01, label: {}}]}\n", 1, 56, "at least one"},
    {"- {series: st, periods: [{id: old, on: 2020-01-02}]}\n", 1, 26, "gives this period other dates"},
    {"- {series: a, periods: [{id: old, on: 2020-01-01}]}\n", 1, 30, "the series st of another programme"},
    {"- {series: st, periods: [{id: new, from: 2019-12-30, to: 2020-01-01}]}\n", 1, 26, "overlaps the period new"},
    {"- {series: st, periods: [{id: new, on: 2020-05-01}, {id: new, on: 2020-06-01}]}\n", 1, 58, "given twice"},
};

static void a_wrong_pack_changes_nothing_and_is_told_where_it_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong_packs); i++) {
        struct calendar *c = fresh();
        struct report *r = NULL;
        const struct finding *f;
        struct period p;
        size_t count;

        assert_true(read_pack(c, "- {series: st, periods: [{id: old, on: 2020-01-01}]}\n", NULL));
        assert_int_equal(report_new(&r, 0), OK);
        if (read_pack(c, wrong_packs[i].text, r))
            fail_msg("taken: %s", wrong_packs[i].text);
        f = report_at(r, 0);
        if (f->line != wrong_packs[i].line || f->column != wrong_packs[i].column ||
            strstr(f->text, wrong_packs[i].part) == NULL)
            fail_msg("%s: %u:%u \"%s\"", wrong_packs[i].text, f->line, f->column, f->text);
        assert_int_equal(report_errors(r), 1);
        (void)calendar_series(c, &count);
        assert_int_equal(count, 7);
        assert_int_equal(calendar_find(c, NULL, "x", &p), ERR_NOT_FOUND);
        assert_int_equal(calendar_find(c, NULL, "old", &p), OK);
        report_free(r);
        calendar_free(c);
    }
}

static void all_mistakes_of_a_pack_are_named_at_once(void **state)
{
    struct calendar *c = fresh();
    struct report *r = NULL;

    (void)state;
    assert_int_equal(report_new(&r, 0), OK);
    assert_false(read_pack(c,
                           "- series: stage\n"
                           "  periods:\n"
                           "    - {id: a, from: 2020-01-01, to: 2020-03-01}\n"
                           "    - {id: b, from: 2020-03-01, to: 2020-04-01}\n"
                           "    - {id: c d, on: 2020-05-01}\n"
                           "    - {id: e, on: 1 мая}\n"
                           "- series: school_half_year\n"
                           "  periods: [{id: 2020/21-H3, on: 2020-09-01}]\n"
                           "- {series: stage, periods: [{id: a, on: 2020-06-01}]}\n",
                           r));
    assert_int_equal(report_errors(r), 5);
    report_free(r);
    calendar_free(c);
}

static void a_flawed_document_gives_no_calendar(void **state)
{
    struct calendar *c = fresh();
    struct report *r = NULL;

    (void)state;
    assert_int_equal(report_new(&r, 0), OK);
    assert_false(read_pack(c, "- {series: a, periods: []}\n---\n", r));
    assert_false(calendar_has_series(c, "a"));
    report_free(r);
    calendar_free(c);
}

/* A pack with `series` series of `periods` days each. */
static char *large_pack(unsigned series, unsigned periods)
{
    struct buf b;
    char *text;

    buf_init(&b, 1u << 20);
    for (unsigned s = 0; s < series; s++) {
        buf_printf(&b, "- series: s%u\n  periods:\n", s);
        for (unsigned p = 0; p < periods; p++) {
            char at[11];

            date_format(at, day("2000-01-01") + (int32_t)p);
            buf_printf(&b, "  - {id: s%u-%u, on: %s}\n", s, p, at);
        }
        if (periods == 0)
            buf_put_str(&b, "    []\n");
    }
    text = strdup(buf_cstr(&b));
    buf_fini(&b);
    assert_non_null(text);
    return text;
}

static void the_limits_of_a_calendar_are_kept(void **state)
{
    struct calendar *c = fresh();
    struct report *r = NULL;
    char *text = large_pack(1, CALENDAR_MAX_PERIODS);
    struct period p;

    (void)state;
    assert_int_equal(report_new(&r, 0), OK);
    assert_true(read_pack(c, text, r));
    free(text);
    assert_int_equal(calendar_find(c, "s0", "s0-1999", &p), OK);
    assert_false(read_pack(c, "- {series: s1, periods: [{id: one-more, on: 2020-01-01}]}\n", r));
    assert_non_null(strstr(report_at(r, 0)->text, "at most 2000"));
    calendar_free(c);

    c = fresh();
    text = large_pack(CALENDAR_MAX_SERIES, 0);
    assert_true(read_pack(c, text, r));
    free(text);
    assert_false(read_pack(c, "- {series: one_more, periods: []}\n", r));
    assert_non_null(strstr(report_at(r, 1)->text, "at most 100"));
    report_free(r);
    calendar_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_predefined_period_has_its_dates_and_labels),
        cmocka_unit_test(every_period_is_found_again_by_its_id_its_labels_and_its_days),
        cmocka_unit_test(a_label_is_understood_as_people_write_it),
        cmocka_unit_test(a_label_that_could_mean_two_things_is_refused),
        cmocka_unit_test(what_is_not_found_is_answered_with_what_is_near),
        cmocka_unit_test(the_series_decides_what_an_id_with_two_meanings_is),
        cmocka_unit_test(a_period_of_several_series_is_found),
        cmocka_unit_test(summer_belongs_to_no_quarter),
        cmocka_unit_test(a_school_year_begins_on_the_first_of_september),
        cmocka_unit_test(a_step_goes_to_the_neighbours_and_not_past_the_ends),
        cmocka_unit_test(a_pack_adds_series_with_gaps),
        cmocka_unit_test(own_periods_step_in_the_order_of_time),
        cmocka_unit_test(suggestions_come_from_the_pack_as_well),
        cmocka_unit_test(a_label_of_two_series_must_be_asked_with_its_series),
        cmocka_unit_test(a_pack_moves_the_quarters_of_its_schools),
        cmocka_unit_test(two_packs_may_agree_on_a_period),
        cmocka_unit_test(a_wrong_pack_changes_nothing_and_is_told_where_it_is_wrong),
        cmocka_unit_test(all_mistakes_of_a_pack_are_named_at_once),
        cmocka_unit_test(a_flawed_document_gives_no_calendar),
        cmocka_unit_test(the_limits_of_a_calendar_are_kept),
    };

    return cmocka_run_group_tests(tests, fix_the_clock, NULL);
}
