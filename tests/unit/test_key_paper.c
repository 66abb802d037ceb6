/* test_key_paper.c: a key that was written down and typed in again is the same key, and a mistake is found where it
 * stands (invariant 9). */
#include "protocol/key_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t seed[KEY_BYTES];

static int make_seed(void **state)
{
    (void)state;
    if (keys_start() != OK)
        return -1;
    for (size_t i = 0; i < KEY_BYTES; i++)
        seed[i] = (uint8_t)(i * 37 + 11);
    return 0;
}

static bool said(const char *part)
{
    if (strstr(err_text(), part) != NULL)
        return true;
    print_message("\"%s\" is not in: %s\n", part, err_text());
    return false;
}

/* The rows, joined by what is given, as a person would type them. */
static char *typed_rows(const char *between)
{
    static char text[PAPER_TEXT_MAX];

    text[0] = '\0';
    for (unsigned r = 0; r < PAPER_ROWS; r++) {
        char row[PAPER_ROW_TEXT];

        paper_row(row, r, seed);
        (void)strcat(text, row);
        (void)strcat(text, between);
    }
    return text;
}

static void what_was_printed_is_read_back(void **state)
{
    uint8_t back[KEY_BYTES];

    (void)state;
    assert_int_equal(paper_read(back, typed_rows("\n")), OK);
    assert_memory_equal(back, seed, KEY_BYTES);
    assert_int_equal(paper_read(back, typed_rows(" \r\n\n")), OK);
    assert_memory_equal(back, seed, KEY_BYTES);
}

/* The bytes of SPEC.md 5.10. */
static void the_rows_of_the_vector_come_out(void **state)
{
    static const char *const rows[PAPER_ROWS] = {"040G-2081-040G-2ZXH", "040G-2081-040G-33N4", "040G-2081-040G-3ABK", "040G-2081-040G-2QSG"};
    uint8_t ones[KEY_BYTES];
    char row[PAPER_ROW_TEXT];

    (void)state;
    memset(ones, 1, sizeof(ones));
    for (unsigned r = 0; r < PAPER_ROWS; r++) {
        paper_row(row, r, ones);
        assert_string_equal(row, rows[r]);
    }
}

static void lower_case_missing_hyphens_and_russian_letters_are_taken(void **state)
{
    static const struct {
        char latin;
        const char *cyrillic;
    } doubles[] = {{'A', "а"}, {'B', "В"}, {'C', "с"}, {'E', "Е"}, {'H', "Н"}, {'K', "к"}, {'M', "М"},
                   {'P', "р"}, {'T', "Т"}, {'X', "х"}, {'Y', "у"}, {'3', "З"}, {'0', "О"}, {'1', "l"}};
    uint8_t back[PAPER_ROW_SEED];

    (void)state;
    for (unsigned r = 0; r < PAPER_ROWS; r++) {
        char row[PAPER_ROW_TEXT];
        char typed[4 * PAPER_ROW_TEXT] = "";

        paper_row(row, r, seed);
        for (const char *c = row; *c != '\0'; c++) {
            char one[3] = {*c, '\0', '\0'};
            const char *as = one;

            for (size_t d = 0; d < COUNT(doubles); d++)
                if (doubles[d].latin == *c)
                    as = doubles[d].cyrillic;
            if (*c != '-')
                (void)strcat(typed, as);
        }
        assert_int_equal(paper_read_row(back, r, typed), OK);
        assert_memory_equal(back, seed + r * PAPER_ROW_SEED, PAPER_ROW_SEED);
    }
}

/* A printed sheet's whole file can be read back: only its marked lines count. */
static void the_sheet_s_own_file_is_read(void **state)
{
    char text[PAPER_TEXT_MAX] = "The root key of the district\n\n2 sheets lie in 2 safes.\n\n";
    uint8_t back[KEY_BYTES];

    (void)state;
    for (unsigned r = 0; r < PAPER_ROWS; r++) {
        char row[PAPER_ROW_TEXT];
        char line[64];

        paper_row(row, r, seed);
        (void)snprintf(line, sizeof(line), "    %u: %s\n", r + 1, row);
        (void)strcat(text, line);
    }
    (void)strcat(text, "\nWhat to do with it: 1. Put it into an envelope.\n");
    assert_int_equal(paper_read(back, text), OK);
    assert_memory_equal(back, seed, KEY_BYTES);
    assert_int_equal(strlen(text), 0); /* wiped */
}

/* Every letter of every row, each replaced by its neighbour in the alphabet: never taken, and the row is named. */
static void a_wrong_letter_is_found_in_its_row(void **state)
{
    static const char all[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned in_group = 0;
    unsigned tried = 0;

    (void)state;
    for (unsigned r = 0; r < PAPER_ROWS; r++)
        for (size_t i = 0; i < PAPER_ROW_TEXT - 1; i++) {
            char row[PAPER_ROW_TEXT];
            char where[32];
            uint8_t back[PAPER_ROW_SEED];

            paper_row(row, r, seed);
            if (row[i] == '-')
                continue;
            row[i] = all[(size_t)(strchr(all, row[i]) - all + 1) % 32];
            assert_int_equal(paper_read_row(back, r, row), ERR_MALFORMED);
            (void)snprintf(where, sizeof(where), "row %u", r + 1);
            assert_true(said(where));
            (void)snprintf(where, sizeof(where), "group %zu", i / 5 + 1);
            tried++;
            in_group += strstr(err_text(), where) != NULL;
        }
    assert_int_equal(tried, 64);
    assert_true(in_group >= 60); /* of a wrong letter in a thousand another group could be as well */
}

static void two_letters_the_other_way_round_are_found(void **state)
{
    char row[PAPER_ROW_TEXT];
    uint8_t back[PAPER_ROW_SEED];
    char c;

    (void)state;
    paper_row(row, 2, seed);
    assert_true(row[5] != row[6]);
    c = row[5];
    row[5] = row[6];
    row[6] = c;
    assert_int_equal(paper_read_row(back, 2, row), ERR_MALFORMED);
    assert_true(said("row 3"));
    assert_true(said("group 2"));
}

static void rows_in_the_wrong_order_missing_or_too_many_are_named(void **state)
{
    char rows[PAPER_ROWS][PAPER_ROW_TEXT];
    uint8_t back[KEY_BYTES];
    static const uint8_t zeros[KEY_BYTES];
    char text[256];

    (void)state;
    for (unsigned r = 0; r < PAPER_ROWS; r++)
        paper_row(rows[r], r, seed);
    (void)snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n", rows[0], rows[2], rows[1], rows[3]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("row 3 of the sheet, and row 2"));
    assert_memory_equal(back, zeros, KEY_BYTES); /* no half of a key stays behind */
    (void)snprintf(text, sizeof(text), "%s\n%s\n", rows[0], rows[1]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("only 2 of the 4"));
    (void)snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%s\n", rows[0], rows[1], rows[2], rows[3], rows[3]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("more than 4"));
    (void)snprintf(text, sizeof(text), "1: %s\n3: %s\n", rows[0], rows[2]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("row 2 is expected here, not row 3"));
    (void)snprintf(text, sizeof(text), "%sA\n", rows[0]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("more than 16 letters"));
    (void)snprintf(text, sizeof(text), "%.10s\n", rows[0]);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("8 letters"));
    (void)snprintf(text, sizeof(text), "%.9sЩ%s\n", rows[0], rows[0] + 10);
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("row 1, group 3: \"Щ\""));
    text[0] = '\0';
    assert_int_equal(paper_read(back, text), ERR_MALFORMED);
    assert_true(said("only 0 of the 4"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_printed_is_read_back, make_seed),
        cmocka_unit_test_setup(the_rows_of_the_vector_come_out, make_seed),
        cmocka_unit_test_setup(lower_case_missing_hyphens_and_russian_letters_are_taken, make_seed),
        cmocka_unit_test_setup(the_sheet_s_own_file_is_read, make_seed),
        cmocka_unit_test_setup(a_wrong_letter_is_found_in_its_row, make_seed),
        cmocka_unit_test_setup(two_letters_the_other_way_round_are_found, make_seed),
        cmocka_unit_test_setup(rows_in_the_wrong_order_missing_or_too_many_are_named, make_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
