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

enum err sheet_risk(const struct agent *a, char text[SHEET_RISK_TEXT], struct self_copy_risk *risk)
{
    char since[64] = "";
    char copy[64];
    char lost[256];
    enum err e = self_copy_risk(a, risk);

    if (e != OK)
        return e;
    if (risk->since_ms != 0)
        cli_format_time(since, sizeof(since), risk->since_ms);
    if (risk->entries == 0)
        (void)snprintf(lost, sizeof(lost), "%s", _("nothing that was submitted"));
    else if (since[0] == '\0')
        (void)snprintf(lost, sizeof(lost), ngettext("%llu entry", "%llu entries", (unsigned long)risk->entries),
                       (unsigned long long)risk->entries);
    else
        (void)snprintf(lost, sizeof(lost),
                       ngettext("%llu entry since %s", "%llu entries since %s", (unsigned long)risk->entries),
                       (unsigned long long)risk->entries, since);
    if (risk->copy_ms != 0) {
        cli_format_time(copy, sizeof(copy), risk->copy_ms);
        (void)snprintf(text, SHEET_RISK_TEXT, _("%s (the last copy is of %s)"), lost, copy);
    } else if (risk->has_code) {
        (void)snprintf(text, SHEET_RISK_TEXT, _("%s (no copy was made yet; svodka-agent backup FILE makes one)"), lost);
    } else {
        (void)snprintf(text, SHEET_RISK_TEXT, _("%s (no copy can be made yet: first svodka-agent backup --new-code)"),
                       lost);
    }
    return OK;
}
