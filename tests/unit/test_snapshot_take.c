/* test_snapshot_take.c: what goes into a snapshot, and an evaluation over the cells of an earlier day (invariant 5). */
#include "hub/checkpoint_source.h"
#include "hub/snapshot_take.h"

#include "ledger_fixture.h"

#define DAY 18518 /* 13 September 2020 */

/* Beside the fixture's programme: one whose indicator reads the card through another, and a group of forms. */
static const char plan_yaml[] =
    "programme: plan\nversion: \"7\"\ntitle: Plan\nindicators:\n"
    "  - {id: seats, name: Seats, form: card, kind: sum, value: \"${seats}\"}\n"
    "  - {id: double, name: Double, kind: formula, value: \"2 * ${seats}\", period: month}\n";
static const char calendar_yaml[] = "calendar:\n  - {form: card, due: {days: 10, after: end}, group: cards}\n";

static void add_plan(struct world *w)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)plan_yaml, sizeof(plan_yaml) - 1},
        {(char *)(uintptr_t) "calendar.yaml", (void *)(uintptr_t)calendar_yaml, sizeof(calendar_yaml) - 1},
        {(char *)(uintptr_t) "forms/card.yaml", (void *)(uintptr_t)card_yaml, sizeof(card_yaml) - 1},
    };
    struct pack pack = {files, COUNT(files)};
    struct programme *p = NULL;
    struct calendar *periods = NULL;
    struct store_txn *t;
    struct report *r;

    MUST(report_new(&r, 0));
    MUST(calendar_new(&periods));
    if (programme_load(&p, &pack, periods, r) != OK) {
        report_print(r, stderr);
        fail_msg("the programme was refused");
    }
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

static void send_all(struct world *w, int64_t seats, uint64_t number, uint64_t sequence, uint8_t previous[DIGEST_BYTES])
{
    struct sub subs[] = {grade(number, "anna", 12), grade(number + 1, "", seats)};

    subs[1].form = "card";
    take_array(w, subs, 2, sequence, previous, NULL);
}

/* "indicator/unit=value " of all lines with data. */
struct listed {
    char text[2048];
};

static enum err list_line(void *ctx, const struct snapshot_line *l)
{
    struct listed *s = ctx;
    size_t at = strlen(s->text);

    if (l->is_ok)
        (void)snprintf(s->text + at, sizeof(s->text) - at, "%s/%s%s=%lld ", l->indicator, l->unit, l->breakdown,
                       (long long)(l->value / 1000000));
    return OK;
}

static void take_lines(struct world *w, const char *group, struct listed *out)
{
    struct snapshot_head head = {.period = "2020-09"};
    struct snapshot_writer writer;
    struct buf list, object;
    struct store_txn *t;

    memset(out, 0, sizeof(*out));
    snapshot_writer_init(&writer);
    buf_init(&list, SNAPSHOT_MAX);
    buf_init(&object, SIGNED_MAX);
    MUST(store_begin_read(w->hub->store, &t));
    MUST(snapshot_take(w->hub, t, "2020-09", group, &writer));
    store_abort(t);
    MUST(snapshot_seal(&writer, &head, w->hub, &list, &object));
    MUST(snapshot_read(&head, bytes_of(list.data, list.len), list_line, out));
    buf_fini(&list);
    buf_fini(&object);
    snapshot_writer_fini(&writer);
}

static void a_group_takes_the_indicators_that_read_its_forms(void **state)
{
    struct snapshot_writer writer;
    struct store_txn *t;
    struct listed all, cards;
    struct world w;
    uint8_t previous[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    add_plan(&w);
    send_all(&w, 100, 1, 1, previous);
    take_lines(&w, NULL, &all);
    assert_non_null(strstr(all.text, "grade_mean/gp=12 "));
    assert_non_null(strstr(all.text, "places/gp=100 "));
    take_lines(&w, "cards", &cards);
    assert_null(strstr(cards.text, "grade_mean"));
    assert_non_null(strstr(cards.text, "places/gp=100 places/=100 ")); /* of the other programme */
    assert_non_null(strstr(cards.text, "seats/gp=100 seats/=100 "));
    assert_non_null(strstr(cards.text, "double/gp=200 double/=200 ")); /* by way of seats */
    snapshot_writer_init(&writer);
    MUST(store_begin_read(w.hub->store, &t));
    assert_int_equal(snapshot_take(w.hub, t, "2020-09", "nothing", &writer), ERR_NOT_FOUND);
    store_abort(t);
    snapshot_writer_fini(&writer);
    world_close(&w);
}

static void checkpoint(struct world *w, int32_t day)
{
    struct checkpoint *c = NULL;
    bool done = false;

    MUST(checkpoint_begin(&c, w->hub, day));
    while (!done)
        MUST(checkpoint_step(c, &done));
    checkpoint_free(c);
}

/* The district's value of `seats` by the cells of that day, in whole numbers; -1: no data. */
static long long seats_as_of(struct world *w, int32_t day)
{
    struct checkpoint_view view;
    struct cell_source source;
    struct evaluation *e = NULL;
    struct period p;
    struct result r;
    struct store_txn *t;
    const struct programme *plan = NULL;
    long long value;

    for (size_t i = 0; i < w->hub->programme_count; i++)
        if (strcmp(w->hub->programmes[i]->id, "plan") == 0)
            plan = w->hub->programmes[i];
    assert_non_null(plan);
    MUST(calendar_find(w->hub->calendar, "month", "2020-09", &p));
    MUST(store_begin_read(w->hub->store, &t));
    MUST(checkpoint_source(&view, t, day, &source));
    MUST(evaluation_new(&e, w->hub, t, &source));
    MUST(evaluation_value(e, plan, (uint32_t)programme_find_indicator(plan, "seats", ""), NULL, &p, NULL, &r));
    value = r.state == RESULT_OK ? (long long)(r.value / RESULT_SCALE) : -1;
    evaluation_free(e);
    store_abort(t);
    return value;
}

static void an_evaluation_over_an_earlier_day_gives_what_it_was(void **state)
{
    struct checkpoint_view view;
    struct cell_source source;
    struct store_txn *t;
    struct world w;
    uint8_t previous[DIGEST_BYTES];

    (void)state;
    world_open(&w);
    add_plan(&w);
    checkpoint(&w, DAY);
    send_all(&w, 100, 1, 1, previous);
    checkpoint(&w, DAY + 1);
    send_all(&w, 70, 3, 2, previous); /* the later card replaces the first */
    checkpoint(&w, DAY + 2);
    assert_int_equal(seats_as_of(&w, DAY), -1);
    assert_int_equal(seats_as_of(&w, DAY + 1), 100);
    assert_int_equal(seats_as_of(&w, DAY + 2), 70);
    assert_int_equal(seats_as_of(&w, DAY + 99), 70);
    MUST(store_begin_read(w.hub->store, &t));
    assert_int_equal(checkpoint_source(&view, t, DAY - 1, &source), ERR_NOT_FOUND);
    store_abort(t);
    world_close(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_takes_the_indicators_that_read_its_forms),
        cmocka_unit_test(an_evaluation_over_an_earlier_day_gives_what_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
