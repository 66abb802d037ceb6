/* test_import_headings.c: where somebody's table begins, and rows of headings that make one; no row below them is lost
 * or read twice (invariant 9). */
#include "agent/import_internal.h"
#include "common/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_CELLS 8u

/* Rows as "a|b|c"; "<" in a cell: merged with the one to its left. */
struct script {
    const char *const *rows;
    uint32_t at;
    bool fails; /* instead of the end */
    char line[256];
    struct bytes cells[MAX_CELLS], spread[MAX_CELLS];
};

static enum err script_next(void *ctx, struct csv_row *out)
{
    struct script *s = ctx;
    uint32_t n = 0;

    if (s->rows[s->at] == NULL)
        return s->fails ? err_set(ERR_MALFORMED, "broken below") : ERR_NOT_FOUND;
    (void)snprintf(s->line, sizeof(s->line), "%s", s->rows[s->at++]);
    for (char *p = s->line;; p++) {
        size_t len = strcspn(p, "|");
        bool is_merged = len == 1 && *p == '<';

        assert_true(n < MAX_CELLS);
        s->cells[n] = is_merged ? bytes_of("", 0) : bytes_of(p, len);
        s->spread[n] = is_merged ? s->spread[n - 1] : s->cells[n];
        n++;
        if (*(p += len) == '\0')
            break;
    }
    *out = (struct csv_row){s->at, n, s->cells, NULL, s->spread};
    return OK;
}

static const char *text_of(const struct csv_row *row)
{
    static char out[512];
    size_t at = 0;

    for (uint32_t i = 0; i < row->count; i++)
        at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s", i > 0 ? "|" : "", (int)row->cells[i].len,
                               (const char *)row->cells[i].p);
    return out;
}

/* Finds the headings of `rows` with the map; they must be `headings` and what is below them `below`. */
static enum err find(const struct form *f, const char *map, bool is_workbook, const char *const *rows, bool fails,
                     const char *headings, const char *below)
{
    struct script s = {.rows = rows, .fails = fails};
    struct import_source source = {.name = "x", .ctx = &s, .next = script_next, .sheet = is_workbook ? "S" : NULL};
    struct import_options o = {.delimiter = ';'};
    struct import_map *m = NULL;
    struct headings *h = NULL;
    struct report *r = NULL;
    struct csv_row row;
    struct buf seen;
    enum err e;

    assert_int_equal(report_new(&r, 10), OK);
    assert_int_equal(import_map_load(&m, f, "map", map, strlen(map), r), OK);
    o.map = m;
    assert_int_equal(headings_new(&h, &source, f, &o), OK);
    if ((e = headings_find(h, NULL, &row)) == OK) {
        assert_string_equal(text_of(&row), headings);
        buf_init(&seen, 4096);
        while ((e = headings_next(h, &row)) == OK)
            buf_printf(&seen, "%u:%s ", row.line, text_of(&row));
        assert_string_equal(buf_cstr(&seen), below);
        buf_fini(&seen);
        assert_int_equal(headings_next(h, &row), e); /* the end stays the end */
    }
    headings_free(h);
    import_map_free(m);
    report_free(r);
    return e;
}

#define ONE "form: family\n"
#define TWO "form: family\nheading_rows: 2\ncolumns: {\"Ребёнок / пол\": sex, \"Ребёнок / лет\": age}\n"

static void a_title_above_the_headings_is_skipped_in_a_workbook(void **state)
{
    const char *const rows[] = {"Отчёт", "за год", "pupil|sex|класс", "a|F|1", "b|M|2", NULL};

    assert_int_equal(find(*state, ONE, true, rows, false, "pupil|sex|класс", "4:a|F|1 5:b|M|2 "), ERR_NOT_FOUND);
    assert_int_equal(find(*state, ONE, false, rows + 2, false, "pupil|sex|класс", "2:a|F|1 3:b|M|2 "), ERR_NOT_FOUND);
}

static void merged_headings_stand_over_each_of_their_columns(void **state)
{
    const char *const rows[] = {"Отчёт|<|<", "pupil|Ребёнок|<", "|пол|лет", "a|F|15", NULL};

    assert_int_equal(find(*state, TWO, true, rows, false, "pupil|Ребёнок / пол|Ребёнок / лет", "4:a|F|15 "),
                     ERR_NOT_FOUND);
}

static void a_title_does_not_pass_for_the_first_row_of_headings(void **state)
{
    /* With the title, the second row alone has two headings of three; without it all three. */
    const char *const rows[] = {"||Класс", "pupil|sex|Ребёнок", "||лет", "a|F|15", "b|M|16", NULL};

    assert_int_equal(find(*state, TWO, true, rows, false, "pupil|sex|Ребёнок / лет", "4:a|F|15 5:b|M|16 "),
                     ERR_NOT_FOUND);
}

static void a_heading_that_is_repeated_or_empty_counts_once(void **state)
{
    const char *const rows[] = {"pupil| sex ||reason", "pupil|sex|Ребёнок|", "a|F|15|home", NULL};

    assert_int_equal(find(*state, TWO, true, rows, false, "pupil|sex|Ребёнок|reason", "3:a|F|15|home "), ERR_NOT_FOUND);
}

static void a_csv_has_its_headings_in_the_first_rows(void **state)
{
    const char *const rows[] = {"pupil|Ребёнок|Ребёнок", "|пол|лет", "a|F|15", NULL};
    const char *const one[] = {"pupil|Ребёнок|Ребёнок", NULL};

    assert_int_equal(find(*state, TWO, false, rows, false, "pupil|Ребёнок / пол|Ребёнок / лет", "3:a|F|15 "),
                     ERR_NOT_FOUND);
    assert_int_equal(find(*state, TWO, false, one, false, "", ""), ERR_MALFORMED);
    assert_string_equal(err_text(), "the map says that there are 2 rows of headings, but the file has fewer");
}

static void headings_without_rows_below_and_none_at_all_are_told_apart(void **state)
{
    const char *const only[] = {"pupil|Ребёнок|<", "|пол|лет", NULL};
    const char *const nothing[] = {NULL};
    const char *const unknown[] = {"x|y", "z|w", "v|u", NULL};

    assert_int_equal(find(*state, TWO, true, only, false, "pupil|Ребёнок / пол|Ребёнок / лет", ""), ERR_NOT_FOUND);
    assert_int_equal(find(*state, TWO, true, nothing, false, "", ""), ERR_NOT_FOUND);
    assert_int_equal(find(*state, ONE, true, nothing, false, "", ""), ERR_NOT_FOUND);
    assert_int_equal(find(*state, TWO, true, unknown, false, "", ""), ERR_MALFORMED);
    assert_int_equal(find(*state, ONE, true, unknown, false, "", ""), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "no row of headings was found within the first 50 rows"));
}

static void headings_are_looked_for_in_fifty_rows(void **state)
{
    const char *rows[54];

    for (size_t i = 0; i < 50; i++)
        rows[i] = "x";
    rows[49] = "pupil|sex";
    rows[50] = "a|F";
    rows[51] = NULL;
    assert_int_equal(find(*state, ONE, true, rows, false, "pupil|sex", "51:a|F "), ERR_NOT_FOUND);
    rows[49] = "x";
    rows[50] = "pupil|sex";
    assert_int_equal(find(*state, ONE, true, rows, false, "", ""), ERR_MALFORMED);
}

static void a_file_that_breaks_off_below_the_headings_says_so(void **state)
{
    const char *const rows[] = {"pupil|Ребёнок|<", "|пол|лет", NULL};
    const char *const more[] = {"pupil|Ребёнок|<", "|пол|лет", "a|F|15", NULL};

    assert_int_equal(find(*state, TWO, true, rows, true, "", ""), ERR_MALFORMED);
    assert_int_equal(find(*state, TWO, true, more, true, "pupil|Ребёнок / пол|Ребёнок / лет", "3:a|F|15 "),
                     ERR_MALFORMED);
    assert_string_equal(err_text(), "broken below");
}

static int load_form(void **state)
{
    struct form *f = NULL;
    void *text = NULL;
    size_t len = 0;

    assert_int_equal(
        cli_read_file(SVODKA_SOURCE_DIR "/tests/data/packs/uci/forms/family.yaml", FORM_MAX_BYTES, &text, &len), OK);
    assert_int_equal(form_load(&f, "family.yaml", text, len, NULL), OK);
    free(text);
    *state = f;
    return 0;
}

static int free_form(void **state)
{
    form_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_above_the_headings_is_skipped_in_a_workbook),
        cmocka_unit_test(merged_headings_stand_over_each_of_their_columns),
        cmocka_unit_test(a_title_does_not_pass_for_the_first_row_of_headings),
        cmocka_unit_test(a_heading_that_is_repeated_or_empty_counts_once),
        cmocka_unit_test(a_csv_has_its_headings_in_the_first_rows),
        cmocka_unit_test(headings_without_rows_below_and_none_at_all_are_told_apart),
        cmocka_unit_test(headings_are_looked_for_in_fifty_rows),
        cmocka_unit_test(a_file_that_breaks_off_below_the_headings_says_so),
    };

    return cmocka_run_group_tests(tests, load_form, free_form);
}
