/* A new version of a programme over submissions that are there: cells of new variables are built beside the old ones
 * and switched in one transaction (invariants 4 and 5; docs/indicators.md, "What a new version may change"). */
#include "ledger_fixture.h"

#include "hub/ledger_build.h"

#include <sys/wait.h>

static const char card_old_yaml[] = "form: card\nversion: \"0\"\ntitle: Card\nmode: record\nrole: school\n"
                                    "period: month\nsurvey:\n  - {type: integer, name: chairs, label: Chairs}\n";
static const char card_renamed_yaml[] =
    "form: card\nversion: \"2\"\ntitle: Card\nmode: record\nrole: school\nperiod: month\n"
    "survey:\n  - {type: integer, name: seats, was: chairs, label: Seats, required: true}\n";

#define PROGRAMME(version, indicators)                                                                                 \
    "programme: quality\nversion: \"" version "\"\ntitle: Quality\nindicators:\n" indicators

/* What `programme load` does, without its words; or a part of it. */
struct coming {
    struct pack_file files[4];
    struct pack pack;
    struct programme *programme;
    struct calendar *calendar;
    struct report *report;
    struct cell_build *build;
};

static void come(struct coming *c, struct world *w, const char *yaml, const char *card)
{
    memset(c, 0, sizeof(*c));
    c->files[0] = (struct pack_file){(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)yaml, strlen(yaml)};
    c->files[1] = (struct pack_file){(char *)(uintptr_t) "forms/grades.yaml", (void *)(uintptr_t)grades_yaml,
                                     sizeof(grades_yaml) - 1};
    c->files[2] = (struct pack_file){(char *)(uintptr_t) "forms/card.yaml", (void *)(uintptr_t)card, strlen(card)};
    c->files[3] =
        (struct pack_file){(char *)(uintptr_t) "forms/poll.yaml", (void *)(uintptr_t)poll_yaml, sizeof(poll_yaml) - 1};
    c->pack = (struct pack){c->files, 4};
    MUST(report_new(&c->report, 0));
    MUST(calendar_new(&c->calendar));
    if (programme_load(&c->programme, &c->pack, c->calendar, c->report) != OK) {
        report_print(c->report, stderr);
        fail_msg("the programme was refused");
    }
    MUST(cell_build_new(&c->build, w->hub, c->programme));
}

static void look(struct coming *c, struct world *w)
{
    struct store_txn *t;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(cell_build_run(c->build, t));
    store_abort(t);
}

/* In a write transaction; it is left open. */
static struct store_txn *switch_over(struct coming *c, struct world *w)
{
    struct store_txn *t;
    bool is_current;

    MUST(store_begin_write(w->hub->store, &t));
    MUST(cell_build_is_current(c->build, t, &is_current));
    if (!is_current)
        MUST(cell_build_run(c->build, t));
    MUST(cell_build_store(c->build, t));
    MUST(hub_add_programme(w->hub, t, &c->pack, c->programme));
    MUST(hub_reload(w->hub, t));
    return t;
}

static void gone(struct coming *c)
{
    cell_build_free(c->build);
    programme_free(c->programme);
    calendar_free(c->calendar);
    report_free(c->report);
}

static void settle(struct world *w, struct store_txn *t)
{
    finish_txn(w, t);
    join_schools(w);
    renew_intake(w);
}

static void load_all(struct world *w, const char *yaml, const char *card)
{
    struct coming c;

    come(&c, w, yaml, card);
    look(&c, w);
    settle(w, switch_over(&c, w));
    gone(&c);
}

static void dump_cells(struct world *w, struct buf *out)
{
    buf_reset(out);
    dump_table(w, H_CELLS, out);
}

static void must_be_equal(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static uint8_t head[DIGEST_BYTES];

/* Of gp in September: grades 12, 8 and 20, and 30 seats. */
static void open_with_submissions(struct world *w)
{
    struct sub subs[] = {grade(1, "anna", 12), grade(2, "boris", 8), grade(3, "vera", 20), grade(4, "", 30)};

    world_open(w);
    subs[3].form = "card";
    take_array(w, subs, 4, 1, head, NULL);
    assert_int_equal(verify_bad(w), 0);
}

static void an_unchanged_programme_touches_no_cell(void **state)
{
    struct coming c;
    struct buf before;
    struct buf after;
    struct world w;

    (void)state;
    open_with_submissions(&w);
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    dump_cells(&w, &before);
    come(&c, &w, programme_yaml, card_yaml);
    assert_false(cell_build_is_needed(c.build));
    look(&c, &w);
    settle(&w, switch_over(&c, &w));
    gone(&c);
    dump_cells(&w, &after);
    must_be_equal(&before, &after);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

/* What is new is built, what is no more goes, what stays keeps its cells. */
static void a_new_version_builds_what_is_new_and_drops_what_is_gone(void **state)
{
    static const char changed[] =
        PROGRAMME("2", "  - {id: pupils, name: All pupils, form: grades, kind: count, breakdown: level}\n"
                       "  - {id: places, name: Places, form: card, kind: sum, value: \"${seats} * 2\"}\n"
                       "  - {id: top, name: Top, form: grades, kind: count, where: \"${grade} > 15\"}\n");
    struct cell kept;
    struct world w;

    (void)state;
    open_with_submissions(&w);
    kept = cell_of(&w, "pupils", "gp", "2020-09", "level=high");
    assert_int_equal(kept.n, 2);
    load_all(&w, changed, card_yaml);
    assert_int_equal(cell_of(&w, "pupils", "gp", "2020-09", "level=high").n, 2);
    assert_true(cell_of(&w, "places", "gp", "2020-09", "").sum == 60);
    assert_int_equal(cell_of(&w, "top", "gp", "2020-09", "").n, 1);
    assert_int_equal(rows_of(&w, H_CELLS), 3 + 1 + 1); /* pupils: all, high, low; grade_mean and passed are gone */
    assert_int_equal(verify_bad(&w), 0);
    load_all(&w, programme_yaml, card_yaml); /* and back */
    assert_true(cell_of(&w, "grade_mean", "gp", "2020-09", "").sum == 4000);
    assert_true(cell_of(&w, "places", "gp", "2020-09", "").sum == 30);
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

static const char second_yaml[] =
    PROGRAMME("2", "  - {id: twice, name: Twice, form: grades, kind: sum, value: \"${grade} * 2\"}\n"
                   "  - {id: pupils, name: Pupils, form: grades, kind: count, breakdown: grade}\n");

/* A batch that comes between the look and the switch is in the new cells all the same. */
static void what_arrives_between_is_counted(void **state)
{
    struct sub more[] = {grade(5, "gleb", 3), correction(6, 1, "anna", 13)};
    struct coming c;
    struct world w;

    (void)state;
    open_with_submissions(&w);
    come(&c, &w, second_yaml, card_yaml);
    look(&c, &w);
    take_array(&w, more, 2, 2, head, NULL);
    settle(&w, switch_over(&c, &w));
    gone(&c);
    assert_true(cell_of(&w, "twice", "gp", "2020-09", "").sum == (i128)2 * (13 + 8 + 20 + 3));
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* Too many cells for memory: they go through a store of their own, and are the same. */
static void cells_that_do_not_fit_into_memory_are_the_same(void **state)
{
    struct sub again[] = {grade(5, "dina", 12), grade(6, "egor", 1), grade(7, "zoya", 2)};
    struct buf small;
    struct buf large;
    struct coming c;
    struct world w;

    (void)state;
    open_with_submissions(&w);
    take_array(&w, again, 3, 2, head, NULL);
    buf_init(&small, 1 << 20);
    buf_init(&large, 1 << 20);
    for (uint32_t i = 0; i < 2; i++) {
        come(&c, &w, second_yaml, card_yaml);
        cell_build_set_memory(c.build, i == 0 ? 2 : 1000);
        look(&c, &w);
        look(&c, &w); /* again: from the beginning */
        settle(&w, switch_over(&c, &w));
        gone(&c);
        dump_cells(&w, i == 0 ? &small : &large);
        assert_int_equal(verify_bad(&w), 0);
        load_all(&w, programme_yaml, card_yaml);
    }
    must_be_equal(&small, &large);
    buf_fini(&small);
    buf_fini(&large);
    world_close(&w);
}

/* A version comes that says what a field was called: submissions of the oldest version count from now on, although the
 * definition is the same. */
static void a_rename_that_comes_later_lets_older_submissions_count(void **state)
{
    static const char yaml[] =
        PROGRAMME("3", "  - {id: places, name: Places, form: card, kind: sum, value: \"${seats}\"}\n");
    static const char old[] =
        PROGRAMME("2", "  - {id: places, name: Places, form: card, kind: sum, value: \"${chairs}\"}\n");
    struct sub sub[] = {grade(1, "", 40)};
    struct coming c;
    struct world w;

    (void)state;
    world_open(&w);
    load_all(&w, old, card_old_yaml);
    sub[0].form = "card";
    take_array(&w, sub, 1, 1, head, NULL);
    load_all(&w, yaml, card_yaml); /* `seats`, and nobody knows that they were chairs */
    assert_int_equal(rows_of(&w, H_CELLS), 0);
    sub[0] = grade(2, "", 30);
    sub[0].form = "card";
    sub[0].unit = "gp2";
    take_array(&w, sub, 1, 2, head, NULL);
    assert_int_equal(rows_of(&w, H_CELLS), 1);
    assert_int_equal(verify_bad(&w), 0);
    come(&c, &w, yaml, card_renamed_yaml);
    assert_true(cell_build_is_needed(c.build));
    look(&c, &w);
    settle(&w, switch_over(&c, &w));
    gone(&c);
    assert_true(cell_of(&w, "places", "gp", "2020-09", "").sum == 40);
    assert_true(cell_of(&w, "places", "gp2", "2020-09", "").sum == 30); /* built anew, not added to what was there */
    assert_int_equal(verify_bad(&w), 0);
    world_close(&w);
}

/* The child is killed with everything in its transaction, or with a half-filled store beside it. */
static void killed_before_the_commit_nothing_has_happened(void **state)
{
    static const unsigned tables[] = {H_META, H_JOURNAL, H_OBJECTS, H_PROGRAMMES, H_CELLS};
    struct buf before;
    struct buf after;
    struct world w;
    char home[128];

    (void)state;
    open_with_submissions(&w);
    buf_init(&before, 1 << 24);
    buf_init(&after, 1 << 24);
    for (size_t i = 0; i < COUNT(tables); i++)
        dump_table(&w, tables[i], &before);
    (void)snprintf(home, sizeof(home), "%s/hub", w.dir);
    intake_free(w.intake);
    w.intake = NULL;
    hub_close(w.hub, false);
    for (int is_late = 0; is_late < 2; is_late++) {
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
            struct coming c;

            if (hub_open(&w.hub, home, HUB_CORE) != OK)
                _exit(2);
            come(&c, &w, second_yaml, card_yaml);
            cell_build_set_memory(c.build, 1);
            look(&c, &w);
            if (is_late)
                (void)switch_over(&c, &w);
            _exit(7);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        MUST(hub_open(&w.hub, home, HUB_CORE));
        join_schools(&w);
        buf_reset(&after);
        for (size_t i = 0; i < COUNT(tables); i++)
            dump_table(&w, tables[i], &after);
        must_be_equal(&before, &after);
        assert_int_equal(verify_bad(&w), 0);
        hub_close(w.hub, false);
    }
    MUST(hub_open(&w.hub, home, HUB_CORE));
    join_schools(&w);
    renew_intake(&w);
    load_all(&w, second_yaml, card_yaml);
    assert_true(cell_of(&w, "twice", "gp", "2020-09", "").sum == 80);
    assert_int_equal(verify_bad(&w), 0);
    buf_fini(&before);
    buf_fini(&after);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_programme_touches_no_cell),
        cmocka_unit_test(a_new_version_builds_what_is_new_and_drops_what_is_gone),
        cmocka_unit_test(what_arrives_between_is_counted),
        cmocka_unit_test(cells_that_do_not_fit_into_memory_are_the_same),
        cmocka_unit_test(a_rename_that_comes_later_lets_older_submissions_count),
        cmocka_unit_test(killed_before_the_commit_nothing_has_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
