#include "agent/import_internal.h"

#include "common/cli.h"

enum err replace_rest(struct capture *c, struct queue_writer *w, const struct current_rows *rows,
                      const struct import_units *units, uint64_t *retracted)
{
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .reason = _("no longer in the full list")};
    uint64_t number;
    enum err e = OK;

    for (size_t i = 0; i < rows->count && e == OK; i++) {
        const struct current_row *row = &rows->items[i];

        if (row->is_in_table || (units != NULL && !import_units_named(units, row->unit)))
            continue; /* the table says nothing about that unit */
        deed.target = row->ref;
        if ((e = capture_turn_to(c, row->unit)) == OK && (e = capture_put(c, w, NULL, &deed, &number)) == OK)
            (*retracted)++;
    }
    return e;
}
