#include "protocol/keys.h"

#include "common/cli.h"

#include <string.h>

/* Crockford's base 32: no I, L, O, U, so that a person cannot misread a letter. */
static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define GROUP         4u
#define CODE_LETTERS  12u
#define PRINT_LETTERS (FINGERPRINT_BYTES * 8 / 5)
#define LETTERS_MAX   PRINT_LETTERS

/* Five bits a letter, a hyphen after every fourth letter but the last.  8 * len is a multiple of 5 here, or the last
 * bits are left over. */
static void put_letters(char *out, const uint8_t *bytes, size_t count)
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

void fingerprint_bytes(uint8_t out[FINGERPRINT_BYTES], const uint8_t pk[KEY_BYTES])
{
    uint8_t d[DIGEST_BYTES];

    digest_domain(d, "svodka fingerprint v1", (struct bytes){pk, KEY_BYTES});
    memcpy(out, d, FINGERPRINT_BYTES);
}

void fingerprint_text(char out[FINGERPRINT_CHARS + 1], const uint8_t print[FINGERPRINT_BYTES])
{
    put_letters(out, print, PRINT_LETTERS);
}

void fingerprint(char out[FINGERPRINT_CHARS + 1], const uint8_t pk[KEY_BYTES])
{
    uint8_t print[FINGERPRINT_BYTES];

    fingerprint_bytes(print, pk);
    fingerprint_text(out, print);
}

void code_random(char out[15])
{
    uint8_t raw[8];

    random_bytes(raw, sizeof(raw));
    put_letters(out, raw, CODE_LETTERS);
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

/* What was typed, as letters of the alphabet above.  `what` begins the sentence about a mistake. */
static enum err take_letters(char out[LETTERS_MAX + 1], size_t want, const char *typed, const char *what)
{
    size_t count = 0;

    for (const char *p = typed; *p != '\0'; p++) {
        unsigned char first = (unsigned char)*p;
        int bytes = first < 0x80 ? 1 : (first & 0xe0u) == 0xc0u ? 2 : (first & 0xf0u) == 0xe0u ? 3 : 4;
        char c;

        if (*p == ' ' || *p == '-' || *p == '\t' || *p == '\r' || *p == '\n')
            continue;
        if ((size_t)bytes > strnlen(p, 4))
            bytes = 1;
        c = bytes == 2 ? from_cyrillic(p) : bytes == 1 ? from_latin(*p) : '\0';
        if (c == '\0')
            return err_set(
                ERR_MALFORMED,
                _("%s: letter %zu, '%.*s', cannot stand there; compare it with the sheet (letters and digits "
                  "without I, L, O, U)"),
                what, count + 1, bytes, p);
        if (count == want)
            return err_set(ERR_MALFORMED, _("%s: more than %zu letters and digits were typed"), what, want);
        out[count++] = c;
        p += bytes - 1;
    }
    out[count] = '\0';
    if (count != want)
        return err_set(ERR_MALFORMED, _("%s: %zu letters and digits are expected, %zu were typed"), what, want, count);
    return OK;
}

enum err code_normalise(char out[15], const char *typed)
{
    char plain[LETTERS_MAX + 1];
    enum err e = take_letters(plain, CODE_LETTERS, typed, _("the code"));

    for (size_t i = 0, at = 0; e == OK && i < CODE_LETTERS; i++) {
        if (i > 0 && i % GROUP == 0)
            out[at++] = '-';
        out[at++] = plain[i];
        out[at] = '\0';
    }
    wipe(plain, sizeof(plain));
    return e;
}

enum err fingerprint_read(uint8_t out[FINGERPRINT_BYTES], const char *typed)
{
    char plain[LETTERS_MAX + 1];
    uint32_t bits = 0;
    unsigned held = 0;
    enum err e = take_letters(plain, PRINT_LETTERS, typed, _("the fingerprint"));

    for (size_t i = 0, at = 0; e == OK && i < PRINT_LETTERS; i++) {
        bits = bits << 5 | (uint32_t)(strchr(letters, plain[i]) - letters);
        held += 5;
        if (held >= 8) {
            held -= 8;
            out[at++] = (uint8_t)(bits >> held);
        }
    }
    return e;
}
