/* test_six_words.c: what two people say over the telephone: the six words say the same in both alphabets, and every bit
 * of them counts; the code of what waits is made at one school alone, for one return and day (invariant 6). */
#include "protocol/six_words.h"

#include "protocol/enrol.h"
#include "protocol/phone_code.h"
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

/* ---- what waits (SPEC.md section 5.12) ---- */

static void phone_keys(uint8_t school[KEY_BYTES], uint8_t hub[KEY_BYTES], uint8_t first)
{
    uint8_t history_seed[KEY_BYTES], seal_seed[KEY_BYTES];
    struct key *history = NULL, *seal = NULL;

    memset(history_seed, first, sizeof(history_seed));
    memset(seal_seed, 2, sizeof(seal_seed));
    assert_int_equal(key_from_secret(&history, KEY_SEAL, history_seed), OK);
    assert_int_equal(key_from_secret(&seal, KEY_SEAL, seal_seed), OK);
    assert_int_equal(phone_key(school, history, key_public(seal), key_public(history), key_public(seal)), OK);
    assert_int_equal(phone_key(hub, seal, key_public(history), key_public(history), key_public(seal)), OK);
    key_free(history);
    key_free(seal);
}

static void the_phone_code_of_the_specification(void **state)
{
    const struct phone_return r = {"s05", "soc", "s05", "2026-10", 20785};
    uint8_t school[KEY_BYTES], hub[KEY_BYTES];
    char code[PHONE_CODE_CHARS + 1];
    struct phone_code read;

    (void)state;
    phone_keys(school, hub, 1);
    assert_memory_equal(school, hub, KEY_BYTES); /* both sides have the same, and nobody else */
    phone_code_make(code, school, &r, 3);
    assert_string_equal(code, "039B-BMBC");
    assert_int_equal(phone_code_read(&read, code), OK);
    assert_int_equal(read.count, 3);
    assert_true(phone_code_fits(&read, hub, &r));
    phone_code_make(code, school, &r, 5000);
    assert_int_equal(phone_code_read(&read, code), OK);
    assert_int_equal(read.count, PHONE_COUNT_MAX);
    assert_true(phone_code_fits(&read, hub, &r));
}

static void a_phone_code_is_of_one_school_return_and_day(void **state)
{
    const struct phone_return r = {"s05", "soc", "s05", "2026-10", 20785};
    const struct phone_return others[] = {
        {"s06", "soc", "s05", "2026-10", 20785}, {"s05", "pass", "s05", "2026-10", 20785},
        {"s05", "soc", "s06", "2026-10", 20785}, {"s05", "soc", "s05", "2026-11", 20785},
        {"s05", "soc", "s05", "2026-10", 20786}, {"s05", "socs", "05", "2026-10", 20785}};
    uint8_t school[KEY_BYTES], hub[KEY_BYTES], another[KEY_BYTES];
    char code[PHONE_CODE_CHARS + 1];
    struct phone_code read;

    (void)state;
    phone_keys(another, hub, 3);
    phone_keys(school, hub, 1);
    phone_code_make(code, school, &r, 3);
    assert_int_equal(phone_code_read(&read, code), OK);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(phone_code_fits(&read, hub, &others[i]));
    assert_false(phone_code_fits(&read, another, &r));
    read.count++;
    assert_false(phone_code_fits(&read, hub, &r));
}

static void a_phone_code_is_read_as_it_was_heard(void **state)
{
    const struct phone_return r = {"s05", "soc", "s05", "2026-10", 20785};
    uint8_t school[KEY_BYTES], hub[KEY_BYTES];
    char code[PHONE_CODE_CHARS + 1], typed[64] = "";
    struct phone_code read, again;
    unsigned wrong = 0;

    (void)state;
    phone_keys(school, hub, 1);
    phone_code_make(code, school, &r, 3);
    assert_int_equal(phone_code_read(&read, code), OK);
    for (const char *c = code; *c != '\0'; c++) /* Cyrillic where there is a double, else lower case, a blank between */
        strcat(typed, *c == 'M'   ? "м"
                      : *c == 'T' ? "Т"
                      : *c == 'K' ? "к"
                      : *c == '0' ? "О"
                      : *c == '-' ? "  "
                                  : (char[]){(char)(*c >= 'A' ? *c - 'A' + 'a' : *c), '\0'});
    assert_int_equal(phone_code_read(&again, typed), OK);
    assert_memory_equal(&again, &read, sizeof(read));
    for (size_t i = 0; i < PHONE_CODE_CHARS; i++) { /* one letter misheard: 31 of 32 are told from a right one */
        char broken[PHONE_CODE_CHARS + 1];

        memcpy(broken, code, sizeof(broken));
        if (broken[i] == '-')
            continue;
        broken[i] = broken[i] == '7' ? '8' : '7';
        wrong += phone_code_read(&again, broken) == ERR_AUTH;
    }
    assert_int_equal(wrong, 8);
    assert_int_equal(phone_code_read(&again, ""), ERR_MALFORMED);
    assert_int_equal(phone_code_read(&again, "ABCD-EFGHJ"), ERR_MALFORMED);
    assert_int_equal(phone_code_read(&again, "ABCD-EFЯH"), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_the_specification),
        cmocka_unit_test(each_of_72_bits_changes_exactly_one_word_in_both_alphabets),
        cmocka_unit_test(no_two_words_are_written_alike),
        cmocka_unit_test(another_hub_or_another_computer_has_other_words),
        cmocka_unit_test(the_phone_code_of_the_specification),
        cmocka_unit_test(a_phone_code_is_of_one_school_return_and_day),
        cmocka_unit_test(a_phone_code_is_read_as_it_was_heard),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
