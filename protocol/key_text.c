#include "protocol/keys.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <string.h>

/* Crockford's base 32: no I, L, O, U, so that a person cannot misread a letter. */
static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define GROUP             4u
#define CODE_LETTERS      12u
#define FINGERPRINT_BYTES 20u

/* Five bits a letter, a hyphen after every fourth letter but the last.  8 * len is a multiple of 5 here, or the last
 * bits are left over. */
void key_letters_put(char *out, const uint8_t *bytes, size_t count)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < count; i++) {
        if (held < 5) {
            bits = bits << 8 | *bytes++;
            held += 8;
        }
        held -= 5;
        *out++ = letters[bits >> held & 31u];
        if (i % GROUP == GROUP - 1 && i + 1 < count)
            *out++ = '-';
    }
    *out = '\0';
}

void fingerprint(char out[40], const uint8_t pk[KEY_BYTES])
{
    uint8_t d[DIGEST_BYTES];

    digest_domain(d, "svodka fingerprint v1", (struct bytes){pk, KEY_BYTES});
    key_letters_put(out, d, FINGERPRINT_BYTES * 8 / 5);
}

void code_random(char out[15])
{
    uint8_t raw[8];

    random_bytes(raw, sizeof(raw));
    key_letters_put(out, raw, CODE_LETTERS);
    wipe(raw, sizeof(raw));
}

/* Cyrillic letters that look like a letter of the code, by their two bytes of UTF-8; upper and lower case.  Я and the
 * like have no double and are mistakes. */
static char from_cyrillic(const char *at)
{
    static const struct {
        char utf8[3];
        char letter;
    } doubles[] = {{"А", 'A'}, {"а", 'A'}, {"В", 'B'}, {"в", 'B'}, {"С", 'C'}, {"с", 'C'}, {"Е", 'E'},
                   {"е", 'E'}, {"Н", 'H'}, {"н", 'H'}, {"К", 'K'}, {"к", 'K'}, {"М", 'M'}, {"м", 'M'},
                   {"О", '0'}, {"о", '0'}, {"Р", 'P'}, {"р", 'P'}, {"Т", 'T'}, {"т", 'T'}, {"Х", 'X'},
                   {"х", 'X'}, {"У", 'Y'}, {"у", 'Y'}, {"З", '3'}, {"з", '3'}};

    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
        if (strncmp(at, doubles[i].utf8, 2) == 0)
            return doubles[i].letter;
    return '\0';
}

static char from_latin(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c != '\0' && strchr(letters, c) != NULL ? c : '\0';
}

size_t key_letter_take(const char *at, char *letter)
{
    bool is_wide = ((unsigned char)*at & 0xe0u) == 0xc0u && at[1] != '\0';

    *letter = is_wide ? from_cyrillic(at) : from_latin(*at);
    return is_wide ? 2 : 1;
}

unsigned key_letter_value(char letter)
{
    return (unsigned)(strchr(letters, letter) - letters);
}

enum err code_normalise(char out[15], const char *typed)
{
    char code[15] = {0};
    size_t count = 0;
    size_t at = 0;

    for (const char *p = typed; *p != '\0'; p++) {
        size_t wide;
        char c;

        if (*p == ' ' || *p == '-' || *p == '\t' || *p == '\r' || *p == '\n')
            continue;
        wide = key_letter_take(p, &c);
        if (c == '\0' || count == CODE_LETTERS)
            return err_set(
                ERR_MALFORMED,
                _("the code has 12 letters and digits in three groups, like ABCD-EFGH-JKMN; compare what was "
                  "typed with the sheet"));
        if (count > 0 && count % GROUP == 0)
            code[at++] = '-';
        code[at++] = c;
        count++;
        p += wide - 1;
    }
    if (count != CODE_LETTERS)
        return err_set(ERR_MALFORMED,
                       ngettext("the code has 12 letters and digits, only %zu was typed",
                                "the code has 12 letters and digits, only %zu were typed", (unsigned long)count),
                       count);
    memcpy(out, code, sizeof(code));
    return OK;
}
