/* test_roster.c: which units exist, by the rows that the office sent: carried on from year to year, with their mergers.
 */
#include "tests/unit/ledger_fixture.h"

#include "common/form_json.h"
#include "hub/registry.h"
#include "hub/roster.h"
#include "hub/units.h"

#define PACK         SVODKA_SOURCE_DIR "/tests/data/packs/roster"
#define MAX_FACTS    16u
#define OFFICE       1 /* the second school's place in the fixture is the office's */
#define YEAR(y)      date_from_civil(y, 9, 1), date_from_civil((y) + 1, 8, 31)
#define DAY(y, m, d) date_from_civil(y, m, d)

/* The form as it was before anybody thought of most facts: no kind, and "small" as a word. */
static const char first_programme[] = "programme: office\nversion: \"0\"\ntitle: Roster\nindicators: []\n";
static const char first_form[] = "form: roster\nversion: \"0\"\ntitle: Roster\nmode: rows\nkey: unit_id\nrole: office\n"
                                 "about: district\nperiod: school_year\nsurvey:\n"
                                 "  - {type: text, name: unit_id, required: true}\n"
                                 "  - {type: text, name: name}\n"
                                 "  - {type: integer, name: since}\n";

static struct world w;
static struct roster *roster;
static uint8_t head[DIGEST_BYTES];
static uint64_t sequence, number;

static void load_roster_pack(const struct pack *pack)
{
    struct programme *p = NULL;
    struct calendar *calendar;
    struct store_txn *t;
    struct report *r;

    MUST(report_new(&r, 0));
    MUST(calendar_new(&calendar));
    if (programme_load(&p, pack, calendar, r) != OK) {
        report_print(r, stderr);
        fail_msg("the programme was refused");
    }
    MUST(store_begin_write(w.hub->store, &t));
    MUST(hub_add_programme(w.hub, t, pack, p));
    finish_txn(&w, t);
    MUST(hub_reload(w.hub, NULL));
    programme_free(p);
    calendar_free(calendar);
    report_free(r);
}

static void load_first_form(void)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)first_programme, sizeof(first_programme) - 1},
        {(char *)(uintptr_t) "forms/roster.yaml", (void *)(uintptr_t)first_form, sizeof(first_form) - 1}};
    struct pack pack = {files, COUNT(files)};

    load_roster_pack(&pack);
}

static void load_form(void)
{
    struct pack pack;

    MUST(pack_read_dir(&pack, PACK, NULL));
    load_roster_pack(&pack);
    pack_free(&pack);
}

/* The hub's registry was read anew: the second participant is the office, for all units. */
static void join_office(void)
{
    struct participant *p;

    join_schools(&w);
    p = (struct participant *)(uintptr_t)w.of[OFFICE];
    (void)snprintf(p->grant.units[0], sizeof(p->grant.units[0]), GRANT_ALL_UNITS);
    (void)snprintf(p->grant.roles[0], sizeof(p->grant.roles[0]), "office");
    renew_intake(&w);
}

static int begin(void **state)
{
    (void)state;
    world_open(&w);
    roster = NULL;
    sequence = number = 0;
    load_form();
    join_office();
    return 0;
}

static int end(void **state)
{
    (void)state;
    roster_free(roster);
    world_close(&w);
    return 0;
}

static void read_roster(void)
{
    struct store_txn *t;

    roster_free(roster);
    roster = NULL;
    MUST(store_begin_read(w.hub->store, &t));
    MUST(roster_load(&roster, w.hub, t));
    store_abort(t);
}

struct entry {
    const char *period, *json;
};

static void add_entry(struct batch_maker *m, struct form_checker *c, const struct entry *x)
{
    const struct form *f = hub_form_by_id(w.hub, "roster");
    struct value values[MAX_FACTS];
    struct record r = {.filled_on = SOME_DAY, .has_time = true, .made_ms = SOME_MS, .values = values};
    struct report *report;
    struct buf text, record;

    buf_init(&text, 1 << 20);
    buf_init(&record, RECORD_MAX);
    MUST(report_new(&report, 0));
    assert_true(f->field_count <= MAX_FACTS);
    if (form_values_from_json(f, x->json, strlen(x->json), values, &text, report) != OK) {
        report_print(report, stderr);
        fail_msg("%s", x->json);
    }
    MUST(form_complete(f, c, values, SOME_DAY, true));
    memcpy(r.form, f->digest, sizeof(r.form));
    (void)snprintf(r.unit, sizeof(r.unit), UNIT_DISTRICT);
    (void)snprintf(r.period, sizeof(r.period), "%s", x->period);
    memcpy(r.tag, generation_of(1, 9).tag, TAG_BYTES);
    r.ordinal = (uint32_t)++number;
    r.value_count = f->field_count;
    MUST(record_encode(&record, &r, f));
    MUST(batch_maker_add(m, number, "default", bytes_of(record.data, record.len)));
    report_free(report);
    buf_fini(&text);
    buf_fini(&record);
}

/* What the office's agent would send, and the hub takes; then the roster is read. */
static void enter(const struct entry *entries, size_t count)
{
    struct batch_seal s = {.participant = w.of[OFFICE]->id,
                           .gen = generation_of(1, 9),
                           .sequence = ++sequence,
                           .sign = w.sign[OFFICE],
                           .closed_ms = SOME_MS};
    uint64_t verdicts[VERDICT_COUNT] = {0};
    struct form_checker *c;
    struct batch_maker *m;
    struct sealed sealed = {.school = OFFICE};
    uint32_t taken;

    MUST(form_checker_new(&c));
    MUST(batch_maker_new(&m, NULL));
    for (size_t i = 0; i < count; i++)
        add_entry(m, c, &entries[i]);
    memcpy(s.district, w.hub->district, sizeof(s.district));
    if (sequence > 1)
        memcpy(s.previous, head, DIGEST_BYTES);
    memcpy(s.seal_to, key_public(w.hub->seal[0]), KEY_BYTES);
    buf_init(&sealed.bytes, BATCH_MAX_SEALED);
    MUST(batch_maker_seal(m, &s, &sealed.bytes, &taken));
    batch_digest(sealed.digest, sealed_bytes(&sealed));
    memcpy(head, sealed.digest, DIGEST_BYTES);
    assert_int_equal(take(&w, &sealed, verdicts), LEDGER_STORED);
    assert_int_equal(verdicts[VERDICT_COUNTED], count);
    batch_maker_free(m);
    form_checker_free(c);
    buf_fini(&sealed.bytes);
    read_roster();
}

#define ENTER(...)                                                                                                     \
    do {                                                                                                               \
        const struct entry entries_[] = {__VA_ARGS__};                                                                 \
        enter(entries_, COUNT(entries_));                                                                              \
    } while (0)

static void assert_ids(const char *expected)
{
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < roster_count(roster); i++)
        buf_printf(&b, "%s%s", i > 0 ? " " : "", roster_unit_at(roster, i));
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

static enum err put_id(void *ctx, const char *id)
{
    buf_printf(ctx, "%s%s", ((struct buf *)ctx)->len > 0 ? " " : "", id);
    return OK;
}

static void assert_predecessors(const char *unit, int32_t day, const char *expected)
{
    struct buf b;

    buf_init(&b, 4096);
    MUST(roster_each_predecessor(roster, unit, day, put_id, &b));
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

/* ---- without a roster ---- */

static void without_rows_the_units_are_those_that_grants_and_submissions_name(void **state)
{
    struct roster_facts facts;
    struct sub sub = grade(1, "a", 12);
    uint8_t chain[DIGEST_BYTES];

    (void)state;
    sub.unit = "gp2";
    take_array(&w, &sub, 1, 1, chain, NULL);
    read_roster();
    assert_false(roster_is_entered(roster));
    assert_ids("gp gp2"); /* the office's grant names none */
    assert_true(roster_is_active(roster, "gp", YEAR(1990)));
    assert_true(roster_facts(roster, "gp", YEAR(2020), &facts));
    assert_null(facts.kind);
    assert_int_equal(facts.small, ROSTER_UNKNOWN);
    assert_string_equal(roster_name(roster, "gp2"), "gp2");
    assert_false(roster_is_active(roster, "nobody", YEAR(2020)));
    assert_string_equal(roster_name(roster, "nobody"), "nobody");
    /* A participant that is closed takes its units along. */
    ((struct participant *)(uintptr_t)w.of[0])->state = PARTICIPANT_CLOSED;
    read_roster();
    assert_ids("gp gp2");
    assert_false(roster_is_active(roster, "gp", YEAR(2020)));
}

/* ---- facts ---- */

static void a_row_holds_until_a_later_school_year_has_one(void **state)
{
    struct roster_facts facts;

    (void)state;
    ENTER({"2018/19", "{\"unit_id\":\"b\",\"name\":\"School B\",\"kind\":\"basic\",\"settlement\":\"village\","
                      "\"status\":\"active\",\"since\":\"1950-09-01\",\"small\":true,\"remote\":false}"},
          {"2020/21", "{\"unit_id\":\"b\",\"name\":\"Gymnasium B\",\"kind\":\"secondary\",\"status\":\"active\"}"},
          {"2019/20", "{\"unit_id\":\"a\",\"name\":\"School A\",\"kind\":\"branch\",\"status\":\"active\","
                      "\"branch_of\":\"b\"}"});
    assert_true(roster_is_entered(roster));
    assert_ids("a b"); /* and not those of the grants */
    assert_false(roster_facts(roster, "b", YEAR(2017), &facts));
    assert_false(roster_is_active(roster, "b", YEAR(2017)));
    assert_true(roster_facts(roster, "b", YEAR(2018), &facts));
    assert_string_equal(facts.name, "School B");
    assert_string_equal(facts.kind, "basic");
    assert_string_equal(facts.settlement, "village");
    assert_int_equal(facts.since, DAY(1950, 9, 1));
    assert_int_equal(facts.until, INT32_MAX);
    assert_int_equal(facts.small, ROSTER_YES);
    assert_int_equal(facts.remote, ROSTER_NO);
    assert_null(facts.branch_of);
    /* 2019/20 has no row of b: the one before is carried on, to its last day. */
    assert_true(roster_facts(roster, "b", YEAR(2019), &facts));
    assert_string_equal(facts.kind, "basic");
    assert_true(roster_facts(roster, "b", DAY(2020, 8, 1), DAY(2020, 8, 31), &facts));
    assert_string_equal(facts.kind, "basic");
    /* A calendar year ends in the next school year, whose row it takes. */
    assert_true(roster_facts(roster, "b", DAY(2020, 1, 1), DAY(2020, 12, 31), &facts));
    assert_string_equal(facts.kind, "secondary");
    assert_true(roster_facts(roster, "b", YEAR(2025), &facts));
    assert_string_equal(facts.name, "Gymnasium B");
    assert_null(facts.settlement); /* the newer row does not say it */
    assert_int_equal(facts.small, ROSTER_UNKNOWN);
    assert_string_equal(roster_name(roster, "b"), "Gymnasium B");
    assert_true(roster_facts(roster, "a", YEAR(2020), &facts));
    assert_string_equal(facts.branch_of, "b");
    assert_false(roster_facts(roster, "c", YEAR(2020), &facts));
}

static void a_later_row_of_the_same_year_replaces_the_earlier_one(void **state)
{
    struct roster_facts facts;

    (void)state;
    ENTER({"2020/21", "{\"unit_id\":\"a\",\"name\":\"Wrong\",\"kind\":\"basic\",\"status\":\"active\"}"});
    ENTER({"2020/21", "{\"unit_id\":\"a\",\"name\":\"Right\",\"kind\":\"primary\",\"status\":\"active\"}"});
    assert_ids("a");
    assert_true(roster_facts(roster, "a", YEAR(2020), &facts));
    assert_string_equal(facts.name, "Right");
    assert_string_equal(facts.kind, "primary");
}

static void what_a_version_of_the_form_lacks_is_not_known(void **state)
{
    struct roster_facts facts;

    (void)state;
    /* Turned round: the poorer form is the newer one here, so that rows of both are there. */
    ENTER({"2019/20", "{\"unit_id\":\"a\",\"name\":\"School A\",\"kind\":\"basic\",\"status\":\"active\"}"});
    load_first_form();
    join_office();
    ENTER({"2020/21", "{\"unit_id\":\"a\",\"since\":2005}"});
    assert_true(roster_facts(roster, "a", YEAR(2019), &facts));
    assert_string_equal(facts.kind, "basic");
    assert_true(roster_facts(roster, "a", YEAR(2020), &facts));
    assert_string_equal(facts.name, "a"); /* no name: its id */
    assert_null(facts.kind);
    assert_int_equal(facts.since, INT32_MIN); /* a number is no day */
    assert_int_equal(facts.status, ROSTER_ACTIVE);
}

/* ---- existing ---- */

static void a_unit_is_active_between_its_days(void **state)
{
    (void)state;
    ENTER({"2020/21", "{\"unit_id\":\"new\",\"name\":\"N\",\"kind\":\"basic\",\"status\":\"active\","
                      "\"since\":\"2020-11-01\"}"},
          {"2020/21", "{\"unit_id\":\"old\",\"name\":\"O\",\"kind\":\"basic\",\"status\":\"closed\","
                      "\"since\":\"1960-09-01\",\"until\":\"2020-10-31\"}"});
    /* School quarters: the first until 31 October, the second from 1 November. */
    assert_false(roster_is_active(roster, "new", DAY(2020, 9, 1), DAY(2020, 10, 31)));
    assert_true(roster_is_active(roster, "new", DAY(2020, 11, 1), DAY(2020, 12, 31)));
    assert_true(roster_is_active(roster, "new", YEAR(2020))); /* a part of it is enough */
    assert_true(roster_is_active(roster, "old", DAY(2020, 9, 1), DAY(2020, 10, 31)));
    assert_false(roster_is_active(roster, "old", DAY(2020, 11, 1), DAY(2020, 12, 31)));
    assert_true(roster_is_active(roster, "old", YEAR(2020)));
    assert_false(roster_is_active(roster, "old", YEAR(2021)));
}

static void what_closed_without_a_day_closed_as_its_year_began(void **state)
{
    (void)state;
    ENTER({"2019/20", "{\"unit_id\":\"a\",\"name\":\"A\",\"kind\":\"basic\",\"status\":\"active\"}"},
          {"2020/21", "{\"unit_id\":\"a\",\"name\":\"A\",\"kind\":\"basic\",\"status\":\"closed\"}"},
          {"2020/21", "{\"unit_id\":\"b\",\"name\":\"B\",\"kind\":\"basic\",\"status\":\"closed\"}"},
          {"2022/23", "{\"unit_id\":\"a\",\"name\":\"A\",\"kind\":\"basic\",\"status\":\"active\"}"});
    assert_true(roster_is_active(roster, "a", YEAR(2019)));
    assert_false(roster_is_active(roster, "a", YEAR(2020)));
    /* The calendar year 2020 began while it was there. */
    assert_true(roster_is_active(roster, "a", DAY(2020, 1, 1), DAY(2020, 12, 31)));
    assert_false(roster_is_active(roster, "a", DAY(2021, 1, 1), DAY(2021, 12, 31)));
    assert_true(roster_is_active(roster, "a", YEAR(2022)));                          /* opened again */
    assert_false(roster_is_active(roster, "b", DAY(2020, 1, 1), DAY(2020, 12, 31))); /* nothing says it ever was */
}

/* ---- mergers ---- */

#define GONE(id, into, day)                                                                                            \
    "{\"unit_id\":\"" id "\",\"name\":\"" id "\",\"kind\":\"basic\",\"status\":\"merged\",\"successor\":\"" into       \
    "\",\"until\":\"" day "\"}"
#define THERE(id) "{\"unit_id\":\"" id "\",\"name\":\"" id "\",\"kind\":\"basic\",\"status\":\"active\"}"

static void mergers_are_followed_over_several_steps(void **state)
{
    (void)state;
    /* c went into b in 2020, a into b in 2021, b into d in 2021, too. */
    ENTER({"2019/20", GONE("c", "b", "2020-08-31")}, {"2020/21", THERE("d")}, {"2020/21", GONE("a", "b", "2021-01-31")},
          {"2020/21", GONE("b", "d", "2021-08-31")});
    assert_null(roster_successor(roster, "c", DAY(2020, 8, 31))); /* its last day */
    assert_string_equal(roster_successor(roster, "c", DAY(2020, 9, 1)), "b");
    assert_null(roster_successor(roster, "d", DAY(2030, 1, 1)));
    assert_null(roster_successor(roster, "nobody", DAY(2030, 1, 1)));
    assert_predecessors("b", DAY(2020, 8, 31), "");
    assert_predecessors("b", DAY(2020, 9, 1), "c");
    assert_predecessors("b", DAY(2021, 2, 1), "a c");
    assert_predecessors("d", DAY(2021, 8, 31), ""); /* b is still there */
    assert_predecessors("d", DAY(2021, 9, 1), "a b c");
    assert_predecessors("c", DAY(2021, 9, 1), "");
}

static void a_circle_of_successors_ends_and_is_told(void **state)
{
    struct report *report;

    (void)state;
    ENTER({"2020/21", GONE("a", "b", "2020-10-31")}, {"2020/21", GONE("b", "c", "2020-10-31")},
          {"2020/21", GONE("c", "a", "2020-10-31")}, {"2020/21", GONE("e", "a", "2020-10-31")},
          {"2020/21", GONE("s", "s", "2020-10-31")}, {"2020/21", GONE("x", "nowhere", "2020-10-31")});
    assert_predecessors("a", DAY(2021, 1, 1), "b c e");
    assert_predecessors("s", DAY(2021, 1, 1), "");
    assert_predecessors("nowhere", DAY(2021, 1, 1), "x");
    assert_predecessors("z", DAY(2021, 1, 1), ""); /* all walks into the circle end */
    MUST(report_new(&report, 0));
    roster_check(roster, report);
    assert_int_equal(report_errors(report), 0);
    assert_int_equal(report_kept(report), 3);
    assert_string_equal(report_at(report, 0)->field, "a");
    assert_non_null(strstr(report_at(report, 0)->text, "lead back to itself"));
    assert_string_equal(report_at(report, 1)->field, "s");
    assert_string_equal(report_at(report, 2)->field, "x");
    assert_non_null(strstr(report_at(report, 2)->text, "successor is not in the roster"));
    report_free(report);
}

/* ---- of whom a form is expected ---- */

static void a_school_that_the_roster_says_is_gone_is_not_expected(void **state)
{
    struct units *u = NULL;
    struct period p;

    (void)state;
    ENTER({"2020/21", THERE("m1")}, {"2020/21", GONE("gp2", "gp", "2020-10-31")});
    MUST(calendar_find(w.hub->calendar, NULL, "2020-10", &p));
    MUST(units_expected(&u, w.hub, roster, hub_form_by_id(w.hub, "grades"), &p));
    assert_int_equal(units_count(u), 2); /* gp, which the roster does not name, and gp2 */
    units_free(u);
    MUST(calendar_find(w.hub->calendar, NULL, "2020-11", &p));
    MUST(units_expected(&u, w.hub, roster, hub_form_by_id(w.hub, "grades"), &p));
    assert_int_equal(units_count(u), 1);
    assert_string_equal(units_at(u, 0), "gp");
    units_free(u);
    /* Whoever may speak for every unit is expected to for those of the roster. */
    (void)snprintf(((struct participant *)(uintptr_t)w.of[OFFICE])->grant.roles[0], 8, "school");
    MUST(units_expected(&u, w.hub, roster, hub_form_by_id(w.hub, "grades"), &p));
    assert_int_equal(units_count(u), 2);
    assert_string_equal(units_at(u, 1), "m1");
    units_free(u);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_rows_the_units_are_those_that_grants_and_submissions_name),
        TEST(a_row_holds_until_a_later_school_year_has_one),
        TEST(a_later_row_of_the_same_year_replaces_the_earlier_one),
        TEST(what_a_version_of_the_form_lacks_is_not_known),
        TEST(a_unit_is_active_between_its_days),
        TEST(what_closed_without_a_day_closed_as_its_year_began),
        TEST(mergers_are_followed_over_several_steps),
        TEST(a_circle_of_successors_ends_and_is_told),
        TEST(a_school_that_the_roster_says_is_gone_is_not_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
