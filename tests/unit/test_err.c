/* test_err.c: the sentence beside an error: whole characters, of this thread, whatever its arguments are. */
#include "common/err.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONGEST 1023u

/* Russian a, the euro sign, a musical clef: 2, 3 and 4 bytes. */
static const char *const characters[] = {"\xD0\xB0", "\xE2\x82\xAC", "\xF0\x9D\x84\x9E"};

/* `count` times 'x', then `tail`. */
static const char *row_of_x(size_t count, const char *tail)
{
    static char row[2 * LONGEST];

    memset(row, 'x', count);
    (void)snprintf(row + count, sizeof(row) - count, "%s", tail);
    return row;
}

static void a_sentence_stays_until_the_next_one(void **state)
{
    (void)state;
    err_clear();
    assert_string_equal(err_text(), "");
    assert_int_equal(err_set(ERR_FULL, "%s is full at %d", "queue", 7), ERR_FULL);
    assert_string_equal(err_text(), "queue is full at 7");
    assert_int_equal(err_set(ERR_IO, "%s", "disk"), ERR_IO);
    assert_string_equal(err_text(), "disk");
    err_clear();
    assert_string_equal(err_text(), "");
}

static void the_arguments_may_be_the_sentence_itself(void **state)
{
    (void)state;
    (void)err_set(ERR_IO, "inner");
    (void)err_set(ERR_IO, "outer (%s)", err_text());
    assert_string_equal(err_text(), "outer (inner)");
    assert_int_equal(err_prefix(ERR_INVALID, "<%s>", err_text()), ERR_INVALID);
    assert_string_equal(err_text(), "<outer (inner)>: outer (inner)");
}

static void a_prefix_needs_no_sentence(void **state)
{
    (void)state;
    err_clear();
    (void)err_prefix(ERR_IO, "file %d", 3);
    assert_string_equal(err_text(), "file 3");
    (void)err_prefix(ERR_IO, "home");
    assert_string_equal(err_text(), "home: file 3");
}

static void the_text_of_errno_ends_the_sentence(void **state)
{
    char expected[256];

    (void)state;
    (void)snprintf(expected, sizeof(expected), "home.key: %s", strerror(ENOENT));
    assert_int_equal(err_errno(ERR_NOT_FOUND, ENOENT, "%s.key", "home"), ERR_NOT_FOUND);
    assert_string_equal(err_text(), expected);
}

static void a_complete_last_character_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        size_t size = strlen(characters[i]);
        const char *fits = row_of_x(LONGEST - size, characters[i]);

        (void)err_set(ERR_IO, "%s", fits);
        assert_string_equal(err_text(), fits);
        (void)err_set(ERR_IO, "%syz", fits); /* cut right behind it */
        assert_string_equal(err_text(), fits);
        err_clear();
        (void)err_prefix(ERR_IO, "%s", fits);
        assert_string_equal(err_text(), fits);
    }
    (void)err_set(ERR_IO, "%s", row_of_x(LONGEST + 1, ""));
    assert_int_equal(strlen(err_text()), LONGEST);
}

static void an_incomplete_last_character_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
        for (size_t left = 1; left < strlen(characters[i]); left++) { /* bytes of it that have room */
            (void)err_set(ERR_IO, "%s", row_of_x(LONGEST - left, characters[i]));
            assert_string_equal(err_text(), row_of_x(LONGEST - left, ""));
            (void)err_set(ERR_IO, "%s", row_of_x(LONGEST - left - 3, characters[i]));
            (void)err_prefix(ERR_IO, "y");
            assert_int_equal(strlen(err_text()), LONGEST - left);
            assert_int_equal(err_text()[LONGEST - left - 1], 'x');
        }
}

/* Two bytes are kept for ": ", so a long head ends two bytes earlier. */
static void a_long_head_before_errno_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
        for (size_t left = 1; left < strlen(characters[i]); left++) {
            size_t kept = LONGEST - 2 - left;

            (void)err_errno(ERR_IO, ENOENT, "%s", row_of_x(kept, characters[i]));
            assert_memory_equal(err_text(), row_of_x(kept, ": "), kept + 2);
            assert_memory_equal(err_text() + kept + 2, strerror(ENOENT), left);
            assert_int_equal(strlen(err_text()), LONGEST);
        }
}

static void long_heads_and_tails_meet_at_the_limit(void **state)
{
    (void)state;
    (void)err_set(ERR_IO, "%s", row_of_x(LONGEST, ""));
    (void)err_prefix(ERR_IO, "%s", row_of_x(LONGEST + 5, ""));
    assert_string_equal(err_text(), row_of_x(LONGEST, ""));
    (void)err_prefix(ERR_IO, "yz");
    assert_int_equal(strlen(err_text()), LONGEST);
    assert_memory_equal(err_text(), "yz: x", 5);
}

static void every_error_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int e = OK; e <= ERR_INTERNAL; e++) {
        assert_string_not_equal(err_name((enum err)e), "unknown error");
        for (int other = OK; other < e; other++)
            assert_string_not_equal(err_name((enum err)e), err_name((enum err)other));
    }
    assert_string_equal(err_name((enum err)(ERR_INTERNAL + 1)), "unknown error");
}

static void *speak(void *first_text)
{
    *(size_t *)first_text = strlen(err_text());
    (void)err_set(ERR_NET, "another thread");
    return NULL;
}

static void a_sentence_belongs_to_its_thread(void **state)
{
    pthread_t thread;
    size_t first_text = 99;

    (void)state;
    (void)err_set(ERR_IO, "mine");
    assert_int_equal(pthread_create(&thread, NULL, speak, &first_text), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(first_text, 0);
    assert_string_equal(err_text(), "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_stays_until_the_next_one),
        cmocka_unit_test(the_arguments_may_be_the_sentence_itself),
        cmocka_unit_test(a_prefix_needs_no_sentence),
        cmocka_unit_test(the_text_of_errno_ends_the_sentence),
        cmocka_unit_test(a_complete_last_character_is_kept),
        cmocka_unit_test(an_incomplete_last_character_is_cut),
        cmocka_unit_test(a_long_head_before_errno_is_cut_between_characters),
        cmocka_unit_test(long_heads_and_tails_meet_at_the_limit),
        cmocka_unit_test(every_error_has_a_name_of_its_own),
        cmocka_unit_test(a_sentence_belongs_to_its_thread),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
