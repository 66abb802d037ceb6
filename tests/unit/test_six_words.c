/* test_six_words.c: what two people compare over the telephone says the same in both alphabets, and every bit of it
 * counts (invariant 6). */
#include "protocol/six_words.h"

#include "protocol/enrol.h"
#include "tests/unit/protocol_fixture.h"

static unsigned count_of(const char *text, char c)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += *text == c;
    return n;
}

/* SPEC.md section 5.10. */
static void the_words_of_the_specification(void **state)
{
    uint8_t d[DIGEST_BYTES];
    char text[SIX_WORDS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(d); i++)
        d[i] = (uint8_t)(i * 0x1f + 1);
    six_words(text, d, true);
    assert_string_equal(text, "бали башо косо ципа тише роче");
    six_words(text, d, false);
    assert_string_equal(text, "bali basho koso tsipa tishe roche");
}

static void each_of_72_bits_changes_exactly_one_word_in_both_alphabets(void **state)
{
    uint8_t d[DIGEST_BYTES] = {0};
    char before[2][SIX_WORDS_MAX], after[SIX_WORDS_MAX];

    (void)state;
    random_bytes(d, sizeof(d));
    six_words(before[0], d, false);
    six_words(before[1], d, true);
    assert_int_equal(count_of(before[0], ' '), 5);
    assert_int_equal(count_of(before[1], ' '), 5);
    for (unsigned bit = 0; bit < 80; bit++) {
        for (int alphabet = 0; alphabet < 2; alphabet++) {
            char was[SIX_WORDS_MAX], is[SIX_WORDS_MAX], *p, *q, *x, *y;
            unsigned changed = 0;

            d[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
            six_words(after, d, alphabet == 1);
            d[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
            strcpy(was, before[alphabet]);
            strcpy(is, after);
            for (x = strtok_r(was, " ", &p), y = strtok_r(is, " ", &q); x != NULL && y != NULL;
                 x = strtok_r(NULL, " ", &p), y = strtok_r(NULL, " ", &q))
                changed += strcmp(x, y) != 0;
            assert_int_equal(changed, bit < 72 ? 1 : 0);
        }
    }
}

/* All 4,096 words: told apart in both alphabets, and none longer than the buffer allows. */
static void no_two_words_are_written_alike(void **state)
{
    static char words[2][4096][16];
    uint8_t d[DIGEST_BYTES] = {0};
    char text[SIX_WORDS_MAX];

    (void)state;
    for (unsigned i = 0; i < 4096; i++) {
        d[0] = (uint8_t)(i >> 4);
        d[1] = (uint8_t)(i << 4);
        for (int alphabet = 0; alphabet < 2; alphabet++) {
            six_words(text, d, alphabet == 1);
            assert_true(strcspn(text, " ") < sizeof(words[0][0]));
            (void)snprintf(words[alphabet][i], sizeof(words[0][0]), "%.*s", (int)strcspn(text, " "), text);
        }
    }
    for (int alphabet = 0; alphabet < 2; alphabet++)
        for (unsigned i = 0; i < 4096; i++)
            for (unsigned k = 0; k < i; k++)
                if (strcmp(words[alphabet][i], words[alphabet][k]) == 0)
                    fail_msg("%s stands for %u and %u", words[alphabet][i], i, k);
}

static void another_hub_or_another_computer_has_other_words(void **state)
{
    uint8_t root[KEY_BYTES] = {1}, a[DIGEST_BYTES], b[DIGEST_BYTES];
    struct enrol_request r = {.made_ms = 1};

    (void)state;
    enrol_transcript(a, root, &r);
    enrol_transcript(b, root, &r);
    assert_memory_equal(a, b, sizeof(a));
    root[31] ^= 1;
    enrol_transcript(b, root, &r);
    assert_memory_not_equal(a, b, sizeof(a));
    root[31] ^= 1;
    r.digest[0] ^= 1;
    enrol_transcript(b, root, &r);
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_the_specification),
        cmocka_unit_test(each_of_72_bits_changes_exactly_one_word_in_both_alphabets),
        cmocka_unit_test(no_two_words_are_written_alike),
        cmocka_unit_test(another_hub_or_another_computer_has_other_words),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
