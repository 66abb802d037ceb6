/* Rows about many units: a column names the unit of each. */
#include "agent/import_internal.h"

#include "agent/import_columns.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct import_units {
    struct capture *capture;
    const char *heading, *prefix;
    uint32_t column;      /* from 1 */
    struct key_set *seen; /* every unit that a row named, with its first line */
};

enum err import_units_new(struct import_units **out, struct capture *c, const char *heading, const char *prefix,
                          uint32_t column)
{
    struct import_units *u = calloc(1, sizeof(*u));
    enum err e;

    if (u == NULL)
        return ERR_NOMEM;
    *u = (struct import_units){.capture = c, .heading = heading, .prefix = prefix, .column = column};
    if ((e = key_set_new(&u->seen)) != OK) {
        free(u);
        return e;
    }
    *out = u;
    return OK;
}

void import_units_free(struct import_units *u)
{
    if (u == NULL)
        return;
    key_set_free(u->seen);
    free(u);
}

static struct bytes unit_bytes(const char *unit)
{
    return bytes_of(unit, strlen(unit));
}

bool import_units_named(const struct import_units *u, const char *unit)
{
    return key_set_has(u->seen, unit_bytes(unit));
}

/* The prefix alone would be a unit that nobody meant. */
static enum err turn(struct import_units *u, struct bytes cell)
{
    char text[CELL_TEXT_MAX];
    char unit[CELL_TEXT_MAX + ID_MAX];

    if (cell.len == 0)
        return err_set(ERR_INVALID, "%s", _("the id of the unit that the row is about was expected"));
    cell_text(text, cell);
    (void)snprintf(unit, sizeof(unit), "%s%s", u->prefix != NULL ? u->prefix : "", text);
    return capture_turn_to(u->capture, unit);
}

enum err import_units_turn(struct import_units *u, const struct csv_row *row, const char *file, struct report *r,
                           uint32_t *earlier)
{
    char value[CELL_TEXT_MAX];
    struct finding f = {.file = file, .line = row->line, .column = u->column, .field = u->heading, .value = value};
    char text[1024];
    enum err e;

    *earlier = 0;
    if (row->count < u->column) /* its shape is told anyway */
        return ERR_MALFORMED;
    if (row->faults != NULL && row->faults[u->column - 1] != NULL)
        e = err_set(ERR_INVALID, "%s", row->faults[u->column - 1]);
    else if ((e = turn(u, bytes_trimmed(row->cells[u->column - 1]))) == OK)
        return key_set_add(u->seen, unit_bytes(capture_unit(u->capture)), row->line, earlier);
    if (e == ERR_NOMEM)
        return e;
    (void)snprintf(text, sizeof(text), "%s", err_text());
    cell_text(value, row->cells[u->column - 1]);
    if (value[0] == '\0')
        f.value = NULL; /* nothing was found */
    report_add(r, &f, "%s", text);
    return ERR_INVALID;
}

void import_units_tell_twice(const struct import_units *u, const struct csv_row *row, const char *file,
                             struct report *r, uint32_t earlier)
{
    char value[CELL_TEXT_MAX];
    struct finding f = {.file = file, .line = row->line, .column = u->column, .field = u->heading, .value = value};

    cell_text(value, row->cells[u->column - 1]);
    report_add(r, &f, _("the form \"%s\" is filled in once for a unit and a period, and line %u has it already"),
               capture_form(u->capture)->id, earlier);
}
