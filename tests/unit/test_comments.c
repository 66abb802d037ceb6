/* test_comments.c: what the office writes beside a line stands at that line alone, and changes no number (invariant 5).
 */
#include "hub/comments.h"

#include "ledger_fixture.h"

#define SOME_TIME INT64_C(1600000000123)

static const struct comment_place here = {"quality", "passed", "2020-09", "gp", "level=low"};

static struct store_txn *begin(struct world *w)
{
    struct store_txn *t = NULL;

    MUST(store_begin_write(w->hub->store, &t));
    return t;
}

static void says(struct store_txn *t, const struct comment_place *at, const char *text)
{
    struct comment c;

    if (text == NULL) {
        assert_int_equal(comment_get(t, at, &c), ERR_NOT_FOUND);
        return;
    }
    MUST(comment_get(t, at, &c));
    assert_string_equal(c.text, text);
}

static void a_comment_stands_at_its_own_line_alone(void **state)
{
    /* Each differs in one part; the last two only in where a part ends. */
    static const struct comment_place others[] = {{"qualities", "passed", "2020-09", "gp", "level=low"},
                                                  {"quality", "passe", "2020-09", "gp", "level=low"},
                                                  {"quality", "passed", "2020-10", "gp", "level=low"},
                                                  {"quality", "passed", "2020-09", "", "level=low"},
                                                  {"quality", "passed", "2020-09", "gp", ""},
                                                  {"qualityp", "assed", "2020-09", "gp", "level=low"},
                                                  {"quality", "passed", "2020-09", "gplevel=low", ""}};
    struct world w;
    struct store_txn *t;
    struct comment c;

    (void)state;
    world_open(&w);
    t = begin(&w);
    MUST(comment_put(t, &here, "office:anna", "первое", 1));
    MUST(comment_put(t, &here, "office:olga", "второе\nстрокой ниже", SOME_TIME));
    for (size_t i = 0; i < COUNT(others); i++)
        says(t, &others[i], NULL);
    for (size_t i = 0; i < COUNT(others); i++)
        MUST(comment_put(t, &others[i], "office:anna", others[i].indicator, 2));
    MUST(comment_get(t, &here, &c));
    assert_string_equal(c.text, "второе\nстрокой ниже");
    assert_string_equal(c.by, "office:olga");
    assert_true(c.wall_ms == SOME_TIME);
    MUST(comment_remove(t, &here));
    says(t, &here, NULL);
    assert_int_equal(comment_remove(t, &here), ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT(others); i++)
        says(t, &others[i], others[i].indicator);
    store_abort(t);
    world_close(&w);
}

static void the_longest_place_fits_and_a_longer_one_is_refused(void **state)
{
    char name[FORM_NAME_MAX + 2], period[PERIOD_ID_MAX + 2], unit[ID_MAX + 2], part[COMMENT_BREAKDOWN_MAX + 2];
    struct comment_place at = {name, name, period, unit, part};
    char *const parts[] = {name, period, unit, part};
    const size_t most[] = {FORM_NAME_MAX, PERIOD_ID_MAX, ID_MAX, COMMENT_BREAKDOWN_MAX};
    struct world w;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    t = begin(&w);
    for (size_t i = 0; i < COUNT(parts); i++) {
        memset(parts[i], 'x', most[i]);
        parts[i][most[i]] = '\0';
    }
    MUST(comment_put(t, &at, "office:anna", "x", 1));
    says(t, &at, "x");
    for (size_t i = 0; i < COUNT(parts); i++) {
        parts[i][most[i]] = 'x';
        parts[i][most[i] + 1] = '\0';
        assert_int_equal(comment_put(t, &at, "office:anna", "y", 1), ERR_LIMIT);
        parts[i][most[i]] = '\0';
    }
    says(t, &at, "x");
    store_abort(t);
    world_close(&w);
}

static void a_text_that_cannot_be_kept_leaves_the_one_before(void **state)
{
    static const char *const wrong[] = {"", "\xC3", "a\tb", "a\x7F", "\x01"};
    char text[COMMENT_TEXT_MAX + 2];
    struct world w;
    struct store_txn *t;

    (void)state;
    world_open(&w);
    t = begin(&w);
    memset(text, 'x', sizeof(text));
    text[COMMENT_TEXT_MAX] = '\0';
    MUST(comment_put(t, &here, "office:anna", text, 1));
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(comment_put(t, &here, "office:anna", wrong[i], 2), ERR_INVALID);
    says(t, &here, text);
    text[COMMENT_TEXT_MAX] = 'x';
    text[COMMENT_TEXT_MAX + 1] = '\0';
    assert_int_equal(comment_put(t, &here, "office:anna", text, 2), ERR_LIMIT);
    store_abort(t);
    world_close(&w);
}

struct seen {
    char order[256];
};

static enum err note(void *ctx, const struct comment_place *at, const struct comment *c)
{
    struct seen *s = ctx;
    size_t len = strlen(s->order);

    (void)snprintf(s->order + len, sizeof(s->order) - len, "%s/%s/%s/%s/%s=%s ", at->programme, at->indicator,
                   at->period, at->unit, at->breakdown, c->text);
    return OK;
}

static void all_are_listed_or_those_of_a_programme(void **state)
{
    static const struct comment_place places[] = {{"q", "b", "2020-09", "", ""},
                                                  {"p", "a", "2020-09", "gp", ""},
                                                  {"q", "a", "2020-10", "", "sex=F"},
                                                  {"q", "a", "2020-09", "", ""}};
    struct world w;
    struct store_txn *t;
    struct seen all = {""}, one = {""};

    (void)state;
    world_open(&w);
    t = begin(&w);
    assert_false(comments_are_there(t));
    for (size_t i = 0; i < COUNT(places); i++)
        MUST(comment_put(t, &places[i], "office:anna", "x", 1));
    assert_true(comments_are_there(t));
    MUST(comments_each(t, NULL, note, &all));
    assert_string_equal(all.order, "p/a/2020-09/gp/=x q/a/2020-09//=x q/a/2020-10//sex=F=x q/b/2020-09//=x ");
    MUST(comments_each(t, "p", note, &one));
    assert_string_equal(one.order, "p/a/2020-09/gp/=x ");
    store_abort(t);
    world_close(&w);
}

/* A damaged row is an error, never half a comment. */
static void what_is_damaged_is_said(void **state)
{
    static const uint8_t short_value[] = {0x93, 0x01, 0xA1, 'x'};
    struct world w;
    struct store_txn *t;
    struct bytes value;
    struct comment c;

    (void)state;
    world_open(&w);
    t = begin(&w);
    MUST(store_put(t, H_COMMENTS, bytes_of("q\0a\0p\0\0", 8), bytes_of(short_value, sizeof(short_value))));
    assert_int_equal(comment_get(t, &(struct comment_place){"q", "a", "p", "", ""}, &c), ERR_CORRUPT);
    assert_int_equal(comments_each(t, NULL, note, &(struct seen){""}), ERR_CORRUPT);
    MUST(store_clear(t, H_COMMENTS));
    MUST(comment_put(t, &here, "office:anna", "x", 1));
    MUST(store_get(t, H_COMMENTS,
                   bytes_of("quality\0passed\0"
                            "2020-09\0gp\0level=low",
                            36),
                   &value));
    MUST(store_put(t, H_COMMENTS, bytes_of("q\0a\0p\0", 7), value));
    assert_int_equal(comments_each(t, NULL, note, &(struct seen){""}), ERR_CORRUPT);
    store_abort(t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_stands_at_its_own_line_alone),
        cmocka_unit_test(the_longest_place_fits_and_a_longer_one_is_refused),
        cmocka_unit_test(a_text_that_cannot_be_kept_leaves_the_one_before),
        cmocka_unit_test(all_are_listed_or_those_of_a_programme),
        cmocka_unit_test(what_is_damaged_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
