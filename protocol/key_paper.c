#include "protocol/key_paper.h"

#include "common/cli.h"
#include "protocol/keys_internal.h"

#include <string.h>

#define ROW_LETTERS 16u
#define GROUP       4u
#define ROW_BYTES   10u /* sixteen letters of five bits */
#define CHECK_BYTES 2u
#define DOMAIN      "svodka paper v1"

_Static_assert(PAPER_ROWS *PAPER_ROW_SEED == KEY_BYTES && PAPER_ROW_SEED + CHECK_BYTES == ROW_BYTES, "a row");

static void check_of(uint8_t out[CHECK_BYTES], unsigned row, const uint8_t part[PAPER_ROW_SEED])
{
    uint8_t in[1 + PAPER_ROW_SEED];
    uint8_t d[DIGEST_BYTES];

    in[0] = (uint8_t)row;
    memcpy(in + 1, part, PAPER_ROW_SEED);
    digest_domain(d, DOMAIN, bytes_of(in, sizeof(in)));
    memcpy(out, d, CHECK_BYTES);
    wipe(in, sizeof(in));
    wipe(d, sizeof(d));
}

void paper_row(char out[PAPER_ROW_TEXT], unsigned row, const uint8_t seed[KEY_BYTES])
{
    uint8_t raw[ROW_BYTES];

    memcpy(raw, seed + (size_t)row * PAPER_ROW_SEED, PAPER_ROW_SEED);
    check_of(raw + PAPER_ROW_SEED, row, raw);
    key_letters_put(out, raw, ROW_LETTERS);
    wipe(raw, sizeof(raw));
}

/* ---- reading ---- */

static bool decode(uint8_t raw[ROW_BYTES], unsigned row, const char letters[ROW_LETTERS])
{
    uint8_t check[CHECK_BYTES];
    uint32_t bits = 0;
    unsigned held = 0;
    size_t at = 0;

    for (size_t i = 0; i < ROW_LETTERS; i++) {
        bits = bits << 5 | key_letter_value(letters[i]);
        held += 5;
        if (held >= 8) {
            held -= 8;
            raw[at++] = (uint8_t)(bits >> held);
        }
    }
    check_of(check, row, raw);
    return memcmp(check, raw + PAPER_ROW_SEED, CHECK_BYTES) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
}

static enum err take_letters(char out[ROW_LETTERS], unsigned row, const char *typed)
{
    size_t count = 0;

    while (*typed != '\0') {
        size_t wide;
        char c;

        if (is_blank(*typed)) {
            typed++;
            continue;
        }
        wide = key_letter_take(typed, &c);
        if (c == '\0')
            return err_set(ERR_MALFORMED,
                           _("row %u, group %u: \"%.*s\" is none of the letters that are used; compare with the sheet"),
                           row + 1, (unsigned)(count / GROUP) + 1, (int)wide,
                           wide == 1 && (unsigned char)*typed >= 0x80 ? "?" : typed);
        if (count == ROW_LETTERS)
            return err_set(ERR_MALFORMED, _("row %u: more than %u letters; four groups of four are expected"), row + 1,
                           ROW_LETTERS);
        out[count++] = c;
        typed += wide;
    }
    if (count != ROW_LETTERS)
        return err_set(ERR_MALFORMED, _("row %u: %zu letters; four groups of four are expected"), row + 1, count);
    return OK;
}

/* Groups in which another single letter, or two neighbours the other way round, would make the row right: a bit each.
 */
static unsigned suspects(unsigned row, const char letters[ROW_LETTERS])
{
    static const char all[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char other[ROW_LETTERS];
    uint8_t raw[ROW_BYTES];
    unsigned found = 0;

    for (size_t i = 0; i < ROW_LETTERS; i++) {
        memcpy(other, letters, ROW_LETTERS);
        for (const char *c = all; *c != '\0'; c++) {
            other[i] = *c;
            if (*c != letters[i] && decode(raw, row, other))
                found |= 1u << i / GROUP;
        }
        memcpy(other, letters, ROW_LETTERS);
        if (i + 1 < ROW_LETTERS && letters[i] != letters[i + 1]) {
            other[i] = letters[i + 1];
            other[i + 1] = letters[i];
            if (decode(raw, row, other))
                found |= 1u << i / GROUP;
        }
    }
    wipe(other, sizeof(other));
    wipe(raw, sizeof(raw));
    return found;
}

static enum err mistyped(unsigned row, const char letters[ROW_LETTERS])
{
    unsigned found = suspects(row, letters);
    uint8_t raw[ROW_BYTES];

    for (unsigned other = 0; other < PAPER_ROWS; other++)
        if (other != row && decode(raw, other, letters)) {
            wipe(raw, sizeof(raw));
            return err_set(ERR_MALFORMED, _("this is row %u of the sheet, and row %u is expected"), other + 1, row + 1);
        }
    wipe(raw, sizeof(raw));
    for (unsigned group = 0; group < ROW_LETTERS / GROUP; group++)
        if (found == 1u << group)
            return err_set(ERR_MALFORMED,
                           _("row %u: there is a mistake, most likely in group %u; compare with the sheet"), row + 1,
                           group + 1);
    return err_set(ERR_MALFORMED, _("row %u: there is a mistake; compare each letter with the sheet"), row + 1);
}

enum err paper_read_row(uint8_t out[PAPER_ROW_SEED], unsigned row, const char *typed)
{
    char letters[ROW_LETTERS];
    uint8_t raw[ROW_BYTES];
    enum err e = take_letters(letters, row, typed);

    if (e == OK && !decode(raw, row, letters))
        e = mistyped(row, letters);
    if (e == OK)
        memcpy(out, raw, PAPER_ROW_SEED);
    wipe(letters, sizeof(letters));
    wipe(raw, sizeof(raw));
    return e;
}

/* "3: ..." -> 2; else PAPER_ROWS. */
static unsigned marked_row(const char *line)
{
    line += strspn(line, " \t\r>");
    return line[0] >= '1' && line[0] < (char)('1' + PAPER_ROWS) && line[1] == ':' ? (unsigned)(line[0] - '1')
                                                                                  : PAPER_ROWS;
}

static bool has_marks(const char *text)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (marked_row(line) < PAPER_ROWS)
            return true;
    }
    return false;
}

static enum err read_lines(uint8_t seed[KEY_BYTES], char *text)
{
    bool marked = has_marks(text);
    unsigned expected = 0;
    char *rest = text;
    enum err e = OK;

    while (e == OK && rest != NULL) {
        char *line = strsep(&rest, "\n");

        if (line[strspn(line, " \t\r-")] == '\0' || (marked && marked_row(line) == PAPER_ROWS))
            continue;
        if (expected == PAPER_ROWS)
            return err_set(ERR_MALFORMED, _("more than %u rows; the sheet has %u"), PAPER_ROWS, PAPER_ROWS);
        if (marked && marked_row(line) != expected)
            return err_set(ERR_MALFORMED, _("row %u is expected here, not row %u"), expected + 1, marked_row(line) + 1);
        e = paper_read_row(seed + (size_t)expected * PAPER_ROW_SEED, expected, marked ? strchr(line, ':') + 1 : line);
        expected++;
    }
    if (e == OK && expected < PAPER_ROWS)
        e = err_set(ERR_MALFORMED, _("only %u of the %u rows of the sheet are there"), expected, PAPER_ROWS);
    return e;
}

enum err paper_read(uint8_t seed[KEY_BYTES], char *text)
{
    size_t len = strlen(text);
    enum err e = len > PAPER_TEXT_MAX ? err_set(ERR_LIMIT, _("this is no copy of a key: it is too long"))
                                      : read_lines(seed, text);

    wipe(text, len);
    if (e != OK)
        wipe(seed, KEY_BYTES);
    return e;
}
