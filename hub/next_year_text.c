/* Texts, days and files a year later. */
#include "hub/next_year_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_FIRST 1990
#define YEAR_LAST  2098

void next_year_tell(const struct next_year *n, enum next_year_what what, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    n->say(n->ctx, what, text);
}

enum err next_year_replace(struct pack_file *f, const struct buf *text)
{
    void *bytes = malloc(text->len + 1);

    if (bytes == NULL)
        return ERR_NOMEM;
    if (text->len > 0)
        memcpy(bytes, text->data, text->len);
    free(f->bytes);
    f->bytes = bytes;
    f->len = text->len;
    return OK;
}

enum err next_year_parse(const struct next_year *n, const char *file, struct yaml_doc **out)
{
    const struct pack_file *f = pack_find(n->pack, file);

    *out = NULL;
    return f == NULL ? OK : yaml_parse(out, f->name, f->bytes, f->len, NULL);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A year of four digits at `text`, with no digit before (the caller knows) or behind it; 0: none. */
static int year_at(const char *text)
{
    int year = 0;

    for (int i = 0; i < 4; i++) {
        if (!is_digit(text[i]))
            return 0;
        year = year * 10 + (text[i] - '0');
    }
    return is_digit(text[4]) || year < YEAR_FIRST || year > YEAR_LAST ? 0 : year;
}

/* "/21" behind 2020: its second half. */
static bool has_half(const char *text, int year)
{
    return text[0] == '/' && is_digit(text[1]) && is_digit(text[2]) && !is_digit(text[3]) &&
           (text[1] - '0') * 10 + (text[2] - '0') == (year + 1) % 100;
}

bool shift_text(struct buf *out, const char *text)
{
    bool found = false;
    bool after_digit = false;

    while (*text != '\0') {
        int year = after_digit ? 0 : year_at(text);

        if (year == 0) {
            after_digit = is_digit(*text);
            buf_put_u8(out, (uint8_t)*text++);
            continue;
        }
        buf_printf(out, "%d", year + 1);
        text += 4;
        if (has_half(text, year)) {
            buf_printf(out, "/%02d", (year + 2) % 100);
            text += 3;
        }
        found = true;
        after_digit = true;
    }
    return found;
}

int32_t shift_day(int32_t day)
{
    int year, month, d;
    int next_year, next_month, next_day;

    date_to_civil(day, &year, &month, &d);
    date_to_civil(day + 1, &next_year, &next_month, &next_day);
    if (month == 2 && next_month == 3)
        return date_from_civil(year + 1, 3, 1) - 1;
    return date_from_civil(year + 1, month, d);
}
