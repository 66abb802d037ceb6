#include "agent/cmd_sheet.h"

#include <stdio.h>

enum err sheet_new(struct sheet *s, const struct table_column columns[3], enum table_format format)
{
    s->has_names = format != TABLE_TEXT;
    return s->has_names ? table_new(&s->t, columns, 3) : table_new(&s->t, columns + 1, 2);
}

enum err sheet_text(struct sheet *s, const char *item, const char *title, const char *value)
{
    const char *const cells[] = {item, title, value};

    return table_row(s->t, s->has_names ? cells : cells + 1);
}

enum err sheet_count(struct sheet *s, const char *item, const char *title, uint64_t n)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    return sheet_text(s, item, title, text);
}

enum err sheet_time(struct sheet *s, const char *item, const char *title, int64_t wall_ms)
{
    char text[64] = "";

    if (wall_ms != 0)
        cli_format_time(text, sizeof(text), wall_ms);
    return sheet_text(s, item, title, text);
}
