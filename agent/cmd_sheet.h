/* cmd_sheet.h: a listing of names and values: for people a title and its value, for programs a stable name before. */
#ifndef SVODKA_AGENT_CMD_SHEET_H
#define SVODKA_AGENT_CMD_SHEET_H

#include "agent/cmd_common.h"
#include "agent/self_copy.h"

struct sheet {
    struct table *t;
    bool has_names;
};
/* Its three columns: name, title, value. */
MUST_CHECK enum err sheet_new(struct sheet *s, const struct table_column columns[3], enum table_format format);
MUST_CHECK enum err sheet_text(struct sheet *s, const char *item, const char *title, const char *value);
MUST_CHECK enum err sheet_count(struct sheet *s, const char *item, const char *title, uint64_t n);
/* 0: empty. */
MUST_CHECK enum err sheet_time(struct sheet *s, const char *item, const char *title, int64_t wall_ms);

/* What would be lost if this computer died now, in words. */
#define SHEET_RISK_TEXT 512u
MUST_CHECK enum err sheet_risk(const struct agent *a, char text[SHEET_RISK_TEXT], struct self_copy_risk *risk);

#endif
