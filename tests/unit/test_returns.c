/* test_returns.c: which return stands how: from ledger, calendar, registry, the office's waivers and its word
 * (invariants 3 and 5). */
#include "hub/returns.h"

#include "ledger_fixture.h"

#include <time.h>

/* The form `card` is one of each month.  September 2020 ends on the 30th, so it is due on 10 October and taken until
 * the 20th. */
static const char plan_yaml[] = "programme: plan\nversion: \"1\"\ntitle: Plan\nindicators:\n"
                                "  - {id: seats, name: Seats, form: card, kind: sum, value: \"${seats}\"}\n";
static const char calendar_yaml[] =
    "calendar:\n"
    "  - {form: card, units: {kinds: [basic]}, due: {days: 10, after: end}, late_until: {days: 20, after: end}, "
    "group: cards}\n";
/* In life the office sends it; whose role it is does not matter to the hub that reads it. */
static const char waiver_yaml[] =
    "form: waiver\nversion: \"1\"\ntitle: Waiver\nmode: rows\nkey: form\nrole: school\nperiod: month\n"
    "choices:\n  kinds:\n    - {code: waiver}\n    - {code: extension}\n"
    "survey:\n"
    "  - {type: text, name: form, label: Form, required: true}\n"
    "  - {type: select_one kinds, name: kind, label: Kind, required: true}\n"
    "  - {type: date, name: until, label: Until}\n"
    "  - {type: text, name: reason, label: Reason, required: true}\n";

static int32_t day(int month, int d)
{
    return date_from_civil(2020, month, d);
}

/* Noon of that day, UTC. */
static void set_day(int month, int d)
{
    clock_test_set(((int64_t)day(month, d) * 86400 + 43200) * 1000);
}

static void add_plan(struct world *w, const char *id, const char *programme, const char *calendar)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)programme, strlen(programme)},
        {(char *)(uintptr_t) "calendar.yaml", (void *)(uintptr_t)calendar, strlen(calendar)},
        {(char *)(uintptr_t) "forms/card.yaml", (void *)(uintptr_t)card_yaml, sizeof(card_yaml) - 1},
        {(char *)(uintptr_t) "forms/waiver.yaml", (void *)(uintptr_t)waiver_yaml, sizeof(waiver_yaml) - 1},
    };
    struct pack pack = {files, COUNT(files)};
    struct programme *p = NULL;
    struct calendar *periods = NULL;
    struct store_txn *t;
    struct report *r;

    (void)id;
    MUST(report_new(&r, 0));
    MUST(calendar_new(&periods));
    MUST(programme_load(&p, &pack, periods, r));
    MUST(store_begin_write(w->hub->store, &t));
    MUST(hub_add_programme(w->hub, t, &pack, p));
    MUST(hub_reload(w->hub, t));
    finish_txn(w, t);
    programme_free(p);
    calendar_free(periods);
    report_free(r);
    join_schools(w);
    renew_intake(w);
}

static void open_world(struct world *w)
{
    (void)setenv("TZ", "UTC", 1);
    tzset();
    world_open(w);
    add_plan(w, "plan", plan_yaml, calendar_yaml);
}

/* The return of the form card about a unit for September, as it stands today. */
struct seen {
    const char *unit;
    unsigned rows;
    struct return_row row;
    char text[200], by[80];
};

static enum err look(void *ctx, const struct return_row *r)
{
    struct seen *s = ctx;

    assert_string_equal(r->period->id, "2020-09");
    assert_string_equal(r->form->id, "card");
    if (strcmp(r->unit, s->unit) != 0)
        return OK;
    s->rows++;
    s->row = *r;
    (void)snprintf(s->text, sizeof(s->text), "%s", r->text);
    (void)snprintf(s->by, sizeof(s->by), "%s", r->by);
    return OK;
}

static struct seen see(struct world *w, const char *unit)
{
    struct returns_query q = {.form = "card", .period = "2020-09", .today = clock_today()};
    struct seen s = {.unit = unit};
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(returns_each(w->hub, t, &q, look, &s));
    store_abort(t);
    assert_int_equal(s.rows, 1);
    return s;
}

static void assert_state(struct world *w, const char *unit, enum return_state state)
{
    struct seen s = see(w, unit);

    if (s.row.state != state)
        fail_msg("%s: %s, expected %s", unit, return_state_name(s.row.state), return_state_name(state));
}

static struct sub card(uint64_t number, const char *unit, int32_t filled_on)
{
    struct sub s = grade(number, "", 100);

    s.form = "card";
    s.unit = unit;
    s.filled_on = filled_on;
    return s;
}

/* One batch of one submission. */
static void send_one(struct world *w, struct sub s, uint64_t sequence)
{
    static uint8_t previous[2][DIGEST_BYTES];

    take_array(w, &s, 1, sequence, previous[s.school], NULL);
}

static void say(struct world *w, enum return_word word, const char *unit, const char *text, enum err expected)
{
    struct store_txn *t;
    enum err e;

    MUST(store_begin_write(w->hub->store, &t));
    e = returns_decide(w->hub, t, word, "card", unit, "2020-09", "office:olga", text, NULL);
    assert_int_equal(e, expected);
    if (e == OK) {
        finish_txn(w, t);
    } else {
        store_abort(t);
        ledger_aborted(w->hub->ledger);
    }
}

static void a_return_that_is_not_here_goes_from_not_due_to_missing(void **state)
{
    static const struct {
        int month, day;
        enum return_state state;
        bool is_overdue;
    } days[] = {{8, 31, RETURN_NOT_DUE, false}, {9, 1, RETURN_DUE, false},   {10, 10, RETURN_DUE, false},
                {10, 11, RETURN_LATE, true},    {10, 20, RETURN_LATE, true}, {10, 21, RETURN_MISSING, true}};
    struct world w;

    (void)state;
    open_world(&w);
    for (size_t i = 0; i < COUNT(days); i++) {
        set_day(days[i].month, days[i].day);
        assert_state(&w, "gp", days[i].state);
        assert_int_equal(see(&w, "gp").row.is_overdue, days[i].is_overdue);
        assert_state(&w, "gp2", days[i].state); /* nobody has said that they are not of the kind that is asked */
        assert_state(&w, "ms", days[i].state);
    }
    assert_int_equal(see(&w, "gp").row.days.opens, day(9, 1));
    assert_int_equal(see(&w, "gp").row.days.due, day(10, 10));
    assert_int_equal(see(&w, "gp").row.days.late_until, day(10, 20));
    world_close(&w);
}

static void a_late_line_is_not_late_work(void **state)
{
    struct world w;
    struct seen s;

    (void)state;
    open_world(&w);
    set_day(10, 25); /* both arrive after everything is over */
    send_one(&w, card(1, "gp", day(10, 10)), 1);
    send_one(&w, card(2, "gp2", day(10, 11)), 2);
    s = see(&w, "gp");
    assert_int_equal(s.row.state, RETURN_RECEIVED);
    assert_true(s.row.is_on_time);
    assert_int_equal(s.row.facts.filled_on, day(10, 10));
    assert_int_equal(s.row.facts.first_ms / 86400000, day(10, 25));
    s = see(&w, "gp2");
    assert_int_equal(s.row.state, RETURN_LATE);
    assert_false(s.row.is_on_time);
    assert_false(s.row.is_overdue); /* it is here */
    world_close(&w);
}

static void a_correction_counts_with_the_day_of_what_it_corrects(void **state)
{
    struct world w;
    struct seen s;
    struct sub again = card(2, "gp", day(10, 24));

    (void)state;
    open_world(&w);
    set_day(10, 5);
    send_one(&w, card(1, "gp", day(10, 4)), 1);
    set_day(10, 24);
    again.kind = RECORD_CORRECTION;
    again.target = (struct record_ref){again.gen, 1};
    send_one(&w, again, 2);
    again = card(3, "gp", day(10, 24));
    again.kind = RECORD_CORRECTION;
    again.target = (struct record_ref){again.gen, 2};
    send_one(&w, again, 3); /* a correction of the correction */
    s = see(&w, "gp");
    assert_int_equal(s.row.state, RETURN_RECEIVED);
    assert_int_equal(s.row.facts.submissions, 1);
    assert_int_equal(s.row.facts.filled_on, day(10, 4));
    assert_int_equal(s.row.facts.first_ms / 86400000, day(10, 5));
    assert_int_equal(s.row.facts.last_ms / 86400000, day(10, 24));
    send_one(&w, card(4, "gp", day(10, 23)), 4); /* another return in its place: its own day */
    assert_state(&w, "gp", RETURN_LATE);
    world_close(&w);
}

static void the_offices_word_holds_until_what_is_here_changes(void **state)
{
    struct world w;
    struct sub gone = card(3, "gp2", day(10, 1));

    (void)state;
    open_world(&w);
    set_day(10, 5);
    say(&w, WORD_ACCEPTED, "gp", "", ERR_NOT_FOUND); /* nothing is here */
    send_one(&w, card(1, "gp", day(10, 4)), 1);
    send_one(&w, card(2, "gp2", day(10, 4)), 2);
    say(&w, WORD_ACCEPTED, "gp", "", OK);
    say(&w, WORD_QUESTIONED, "gp2", "Are 100 seats right?", OK);
    assert_state(&w, "gp", RETURN_ACCEPTED);
    assert_state(&w, "gp2", RETURN_QUESTIONED);
    assert_string_equal(see(&w, "gp2").text, "Are 100 seats right?");
    assert_string_equal(see(&w, "gp2").by, "office:olga");
    assert_int_equal(verify_bad(&w), 0);
    send_one(&w, card(4, "gp", day(10, 5)), 3); /* once more, all of it */
    assert_state(&w, "gp", RETURN_RECEIVED);
    gone.kind = RECORD_RETRACTION;
    gone.target = (struct record_ref){gone.gen, 2};
    send_one(&w, gone, 4);
    assert_state(&w, "gp2", RETURN_DUE); /* taken back: nothing is here any more */
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static void a_retracted_row_undoes_an_acceptance(void **state)
{
    struct world w;
    struct return_facts before, after;
    struct sub rows[] = {grade(1, "anna", 5), grade(2, "boris", 6)};
    uint8_t previous[DIGEST_BYTES];
    struct store_txn *t;
    struct sub gone = retraction(3, 1);

    (void)state;
    open_world(&w);
    take_array(&w, rows, 2, 1, previous, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(returns_facts(w.hub, t, "grades", "gp", "2020-09", &before));
    store_abort(t);
    assert_int_equal(before.submissions, 2);
    take_array(&w, &gone, 1, 2, previous, NULL);
    MUST(store_begin_read(w.hub->store, &t));
    MUST(returns_facts(w.hub, t, "grades", "gp", "2020-09", &after));
    store_abort(t);
    assert_int_equal(after.submissions, 1);
    assert_int_equal(after.last_lsn, before.last_lsn); /* which is why the newest entry alone would not tell */
    assert_true(memcmp(before.mark, after.mark, RETURN_MARK_BYTES) != 0);
    world_close(&w);
}

static struct sub waiver(uint64_t number, const char *unit, const struct value values[4])
{
    struct sub s = grade(number, "", 0);

    s.form = "waiver";
    s.unit = unit;
    s.values = values;
    return s;
}

static struct value text_value(const char *text)
{
    struct value v = {.state = VALUE_PRESENT};

    v.as.text = bytes_of(text, strlen(text));
    return v;
}

static struct value number_value(int64_t n)
{
    struct value v = {.state = VALUE_PRESENT};

    v.as.i = n;
    return v;
}

static void the_office_waives_and_extends_single_returns(void **state)
{
    struct value waived[] = {text_value("card"), number_value(0), {.state = VALUE_MISSING}, text_value("No building")};
    struct value longer[] = {text_value("card"), number_value(1), number_value(day(10, 31)), text_value("Flood")};
    struct value other[] = {text_value("grades"), number_value(0), {.state = VALUE_MISSING}, text_value("No pupils")};
    struct world w;
    struct seen s;

    (void)state;
    open_world(&w);
    set_day(10, 25);
    send_one(&w, waiver(1, "gp", waived), 1);
    send_one(&w, waiver(2, "gp2", longer), 2);
    assert_state(&w, "gp", RETURN_WAIVED);
    assert_string_equal(see(&w, "gp").text, "No building");
    s = see(&w, "gp2");
    assert_int_equal(s.row.state, RETURN_DUE); /* until 31 October, and not missing since the 20th */
    assert_true(s.row.is_extended);
    assert_int_equal(s.row.days.due, day(10, 31));
    assert_int_equal(s.row.days.late_until, day(10, 31));
    set_day(11, 1);
    assert_state(&w, "gp2", RETURN_MISSING);
    send_one(&w, card(3, "gp2", day(10, 30)), 3);
    assert_state(&w, "gp2", RETURN_RECEIVED);
    send_one(&w, waiver(4, "gp", other), 4); /* of another form: a row of its own */
    assert_state(&w, "gp", RETURN_WAIVED);
    send_one(&w, card(5, "gp", day(11, 1)), 5); /* it came all the same */
    assert_state(&w, "gp", RETURN_LATE);
    world_close(&w);
}

static void what_a_school_said_it_holds_is_waiting_until_it_is_here(void **state)
{
    struct world w;
    struct greeting_note g = {.gen = generation_of(1, 7), .last_sealed = 2, .records = 5, .bytes = 900};
    struct greeting_note back;
    struct store_txn *t;

    (void)state;
    open_world(&w);
    set_day(10, 12);
    g.wall_ms = clock_wall_ms();
    MUST(store_begin_write(w.hub->store, &t));
    assert_int_equal(greeting_get(t, 1, &back), ERR_NOT_FOUND);
    MUST(greeting_put(t, 1, &g)); /* the participant gp, who speaks for gp and gp2 */
    MUST(greeting_get(t, 1, &back));
    finish_txn(&w, t);
    assert_int_equal(back.last_sealed, 2);
    assert_int_equal(back.records, 5);
    assert_int_equal(back.wall_ms, g.wall_ms);
    assert_state(&w, "gp", RETURN_WAITING);
    assert_state(&w, "gp2", RETURN_WAITING);
    assert_true(see(&w, "gp").row.is_overdue);
    assert_state(&w, "ms", RETURN_LATE);
    send_one(&w, card(1, "gp", day(10, 1)), 1);
    assert_state(&w, "gp", RETURN_RECEIVED);
    assert_state(&w, "gp2", RETURN_WAITING); /* batch 2 is still away */
    send_one(&w, grade(2, "anna", 3), 2);
    assert_state(&w, "gp2", RETURN_LATE); /* it was not in it */
    world_close(&w);
}

static void returns_are_added_up(void **state)
{
    struct world w;
    struct returns_counts c;
    struct store_txn *t;

    (void)state;
    open_world(&w);
    set_day(10, 12);
    send_one(&w, card(1, "gp", day(10, 1)), 1);   /* in time */
    send_one(&w, card(2, "gp2", day(10, 12)), 2); /* late */
    MUST(store_begin_read(w.hub->store, &t));
    MUST(returns_counts(w.hub, t, "card", "2020-09", &c)); /* ms: nothing */
    assert_int_equal(c.due, 3);
    assert_int_equal(c.received, 2);
    assert_int_equal(c.on_time, 1);
    assert_int_equal(c.late, 1);
    assert_int_equal(c.missing, 1);
    assert_int_equal(c.by_state[RETURN_RECEIVED], 1);
    assert_int_equal(c.by_state[RETURN_LATE], 2);
    MUST(returns_counts(w.hub, t, "grades", "2020-09", &c)); /* no calendar asks for it */
    assert_int_equal(c.due, 0);
    store_abort(t);
    world_close(&w);
}

static void of_two_calendars_the_earlier_day_holds(void **state)
{
    static const char other_yaml[] = "programme: other\nversion: \"1\"\ntitle: Other\nindicators:\n"
                                     "  - {id: cards, name: N, form: card, kind: count}\n";
    static const char earlier_yaml[] = "calendar:\n"
                                       "  - {form: card, periods: [2020-10], due: {days: 1, after: end}}\n"
                                       "  - {form: card, due: {days: 5, after: end}}\n"
                                       "  - {form: card, due: {days: 1, after: end}}\n";
    struct world w;

    (void)state;
    open_world(&w);
    add_plan(&w, "other", other_yaml, earlier_yaml);
    set_day(10, 7);
    assert_int_equal(see(&w, "gp").row.days.due, day(10, 5)); /* its first rule that holds, not its strictest */
    assert_state(&w, "gp", RETURN_MISSING);
    world_close(&w);
}

static void verify_notices_a_changed_word(void **state)
{
    struct world w;
    struct store_txn *t;
    struct store_cursor *c;
    struct bytes key, value;
    uint8_t raw[STORE_KEY_MAX];
    uint8_t changed[4096];
    size_t key_len, len;

    (void)state;
    open_world(&w);
    send_one(&w, card(1, "gp", day(9, 13)), 1);
    say(&w, WORD_QUESTIONED, "gp", "Why?", OK);
    MUST(store_begin_write(w.hub->store, &t));
    MUST(store_cursor_open(t, H_RETURNS, &c));
    MUST(store_seek(c, bytes_of("", 0), &key, &value));
    key_len = key.len;
    len = value.len;
    memcpy(raw, key.p, key_len);
    memcpy(changed, value.p, len);
    store_cursor_close(c);
    changed[1] = WORD_ACCEPTED; /* behind the head of the array */
    MUST(store_put(t, H_RETURNS, bytes_of(raw, key_len), bytes_of(changed, len)));
    finish_txn(&w, t);
    assert_int_equal(verify_bad(&w), 1);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_that_is_not_here_goes_from_not_due_to_missing),
        cmocka_unit_test(a_late_line_is_not_late_work),
        cmocka_unit_test(a_correction_counts_with_the_day_of_what_it_corrects),
        cmocka_unit_test(the_offices_word_holds_until_what_is_here_changes),
        cmocka_unit_test(a_retracted_row_undoes_an_acceptance),
        cmocka_unit_test(the_office_waives_and_extends_single_returns),
        cmocka_unit_test(what_a_school_said_it_holds_is_waiting_until_it_is_here),
        cmocka_unit_test(returns_are_added_up),
        cmocka_unit_test(of_two_calendars_the_earlier_day_holds),
        cmocka_unit_test(verify_notices_a_changed_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
