/* test_units.c: which units the hub knows, and of which a form is expected (invariant 6). */
#include "tests/unit/ledger_fixture.h"

#include "hub/evaluate.h"
#include "hub/registry.h"
#include "hub/units.h"

static void add_office(struct world *w)
{
    static const char *const all[] = {"*"};
    static const char *const roles[] = {"office"};
    struct school_add a = {
        .id = "office", .name = "Office", .units = all, .unit_count = 1, .roles = roles, .role_count = 1};
    struct store_txn *t;
    struct buf text;

    buf_init(&text, INVITATION_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(registry_add(w->hub, t, &a, &text));
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    buf_fini(&text);
}

/* Ids with blanks between them. */
static void assert_units(struct units *u, const char *expected)
{
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < units_count(u); i++) {
        buf_printf(&b, "%s%s", i > 0 ? " " : "", units_at(u, i));
        assert_true(units_has(u, units_at(u, i)));
    }
    assert_string_equal(buf_cstr(&b), expected);
    assert_false(units_has(u, "nobody"));
    assert_false(units_has(u, "*"));
    units_free(u);
    buf_fini(&b);
}

static void expect_known(struct world *w, const char *expected)
{
    struct units *u = NULL;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(units_known(&u, w->hub, t));
    store_abort(t);
    assert_units(u, expected);
}

static void expect_of(struct world *w, const char *form, const char *expected)
{
    struct roster *r = NULL;
    struct units *u = NULL;
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(roster_load(&r, w->hub, t));
    MUST(units_expected(&u, w->hub, r, hub_form_by_id(w->hub, form), NULL));
    store_abort(t);
    roster_free(r);
    assert_units(u, expected);
}

/* The second school's agent becomes the office's: what is about other units comes from it. */
static void speak_for_all(struct world *w, const char *role)
{
    struct participant *p = (struct participant *)(uintptr_t)w->of[1];

    (void)snprintf(p->grant.units[0], sizeof(p->grant.units[0]), GRANT_ALL_UNITS);
    (void)snprintf(p->grant.roles[0], sizeof(p->grant.roles[0]), "%s", role);
    p->grant.role_count = 1;
}

static void a_unit_is_known_from_a_grant_or_from_what_is_about_it(void **state)
{
    uint8_t head[DIGEST_BYTES];
    struct world w;
    struct sub subs[] = {grade(1, "a", 12), grade(2, "b", 12), grade(3, "", 5)};

    (void)state;
    world_open(&w);
    expect_known(&w, "gp gp2 ms");
    speak_for_all(&w, "school");
    expect_known(&w, "gp gp2"); /* whoever may speak for all names none */
    for (size_t i = 0; i < COUNT(subs); i++)
        subs[i].school = 1;
    subs[0].unit = "m1008";
    subs[1].unit = "m1009";
    subs[1].period = "2020-10";
    subs[2].form = "card";
    subs[2].unit = "m1008";
    take_array(&w, subs, COUNT(subs), 1, head, NULL);
    expect_known(&w, "gp gp2 m1008 m1009");
    world_close(&w);
}

static void a_form_is_expected_of_whom_its_role_speaks_for(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    expect_of(&w, "grades", "gp gp2 ms");
    expect_of(&w, "ledgerbook", ""); /* there is no office yet */
    add_office(&w);
    join_schools(&w);                     /* the registry was read anew */
    expect_of(&w, "grades", "gp gp2 ms"); /* the office is no school */
    expect_of(&w, "ledgerbook", "district");
    ((struct participant *)(uintptr_t)w.of[0])->state = PARTICIPANT_CLOSED;
    expect_of(&w, "grades", "ms");
    world_close(&w);
}

static enum err take_line(void *ctx, const struct indicator_line *l)
{
    struct buf *out = ctx;

    buf_printf(out, "%s %llu of %llu\n", l->unit[0] != '\0' ? l->unit : "-", (unsigned long long)l->result.reported,
               (unsigned long long)l->result.expected);
    return OK;
}

/* The units that somebody who may speak for all has spoken about: expected in every period, and the district is not. */
static void who_speaks_for_all_is_expected_to_speak_for_all_that_are_known(void **state)
{
    struct indicator_query q = {.indicator = "places", .period = "2020-09", .level = -1};
    uint8_t head[DIGEST_BYTES];
    struct world w;
    struct sub subs[] = {grade(1, "", 5), grade(2, "", 6), grade(3, "", 7)};
    struct store_txn *t;
    struct evaluation *e;
    struct buf out;

    (void)state;
    world_open(&w);
    ((struct participant *)(uintptr_t)w.of[0])->state = PARTICIPANT_CLOSED;
    speak_for_all(&w, "school");
    for (size_t i = 0; i < COUNT(subs); i++) {
        subs[i].school = 1;
        subs[i].form = "card";
    }
    subs[0].unit = "m1";
    subs[1].unit = "m2";
    subs[1].period = "2020-10";
    subs[2].unit = UNIT_DISTRICT;
    subs[2].period = "2020-10";
    take_array(&w, subs, COUNT(subs), 1, head, NULL);
    expect_of(&w, "card", "gp gp2 m1 m2");
    buf_init(&out, 4096);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(evaluation_new(&e, w.hub, t, NULL));
    MUST(evaluation_lines(e, &q, take_line, &out));
    evaluation_free(e);
    store_abort(t);
    /* m1 has data, m2 has none, gp and gp2 are closed: 1 of 2. */
    assert_string_equal(buf_cstr(&out), "m1 1 of 1\nm2 0 of 1\n- 1 of 2\n");
    buf_fini(&out);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_known_from_a_grant_or_from_what_is_about_it),
        cmocka_unit_test(a_form_is_expected_of_whom_its_role_speaks_for),
        cmocka_unit_test(who_speaks_for_all_is_expected_to_speak_for_all_that_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
