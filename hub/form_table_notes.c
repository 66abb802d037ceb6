#include "hub/form_table.h"

#include "common/cli.h"

#include <stdio.h>

struct notes {
    const struct form_table *ft;
    enum err (*each)(void *ctx, const char *note);
    void *ctx;
    struct buf text;
};

static enum err say(struct notes *n)
{
    enum err e = buf_status(&n->text);

    return e == OK ? n->each(n->ctx, buf_cstr(&n->text)) : e;
}

static enum err say_how_far(struct notes *n)
{
    const struct form_table *ft = n->ft;

    buf_reset(&n->text);
    if (ft->is_closed)
        buf_printf(&n->text, _("The period is closed: %llu of %llu have reported."), (unsigned long long)ft->reported,
                   (unsigned long long)ft->expected);
    else if (ft->reported < ft->expected)
        buf_printf(&n->text, _("Preliminary: %llu of %llu have reported."), (unsigned long long)ft->reported,
                   (unsigned long long)ft->expected);
    else
        buf_printf(&n->text, _("%llu of %llu have reported; the period is not closed."),
                   (unsigned long long)ft->reported, (unsigned long long)ft->expected);
    return say(n);
}

/* "not here yet: СОШ № 1, СОШ № 2 (why)" */
static enum err say_state(struct notes *n, enum return_state state)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s: ", return_state_word(state));
    for (size_t i = 0; i < n->ft->unit_count; i++) {
        const struct form_table_unit *u = &n->ft->units[i];

        if (!u->has_state || u->state != state)
            continue;
        buf_printf(&n->text, "%s%s", count++ > 0 ? ", " : "", form_table_unit_name(u));
        if (u->question != NULL)
            buf_printf(&n->text, " (%s)", u->question);
    }
    return count > 0 ? say(n) : OK;
}

/* What the school says of its return, as far as the table does not show it: "partial: СОШ № 1 (approved by ...)". */
static enum err say_covers(struct notes *n, enum cover_state state)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s: ", cover_state_word(state));
    for (size_t i = 0; i < n->ft->unit_count; i++) {
        const struct form_table_unit *u = &n->ft->units[i];

        if (u->has_state && u->cover.is_here && u->cover.state == state)
            buf_printf(&n->text, "%s%s", count++ > 0 ? ", " : "", form_table_unit_name(u));
    }
    return count > 0 ? say(n) : OK;
}

static enum err say_differing(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s ", _("Other than what the school marked and approved:"));
    for (size_t i = 0; i < n->ft->unit_count; i++) {
        const struct form_table_unit *u = &n->ft->units[i];

        if (!u->has_state || !u->cover.is_here || u->cover.match == COVER_SAME)
            continue;
        buf_printf(&n->text, "%s%s (", count++ > 0 ? ", " : "", form_table_unit_name(u));
        return_cover_say(&n->text, &u->cover);
        buf_put_str(&n->text, ")");
    }
    return count > 0 ? say(n) : OK;
}

static enum err say_approved(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    for (size_t i = 0; i < n->ft->unit_count; i++)
        count += n->ft->units[i].has_state && n->ft->units[i].cover.approved_by[0] != '\0' &&
                 n->ft->units[i].cover.match == COVER_SAME;
    buf_printf(&n->text, _("Approved by the heads as it is here: %llu of %llu."), (unsigned long long)count,
               (unsigned long long)n->ft->expected);
    return count > 0 ? say(n) : OK;
}

/* Whoever reads the table should know whose hand it is. */
static enum err say_behalf(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s ", _("Not entered by the school itself:"));
    for (size_t i = 0; i < n->ft->unit_count; i++) {
        const struct form_table_unit *u = &n->ft->units[i];

        if (return_behalf_name(&u->behalf, u->submissions)[0] == '\0')
            continue;
        buf_printf(&n->text, "%s%s (", count++ > 0 ? ", " : "", form_table_unit_name(u));
        return_behalf_say(&n->text, &u->behalf, u->submissions);
        buf_put_str(&n->text, ")");
    }
    return count > 0 ? say(n) : OK;
}

static enum err say_apart(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s ", _("Kept apart, not in the table (svodka-hub quarantine list):"));
    for (size_t i = 0; i < n->ft->unit_count; i++)
        if (n->ft->units[i].apart > 0)
            buf_printf(&n->text, "%s%s (%llu)", count++ > 0 ? ", " : "", form_table_unit_name(&n->ft->units[i]),
                       (unsigned long long)n->ft->units[i].apart);
    return count > 0 ? say(n) : OK;
}

static enum err say_erased(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s ", _("Erased after its time: it counts in the indicators, but cannot be shown here:"));
    for (size_t i = 0; i < n->ft->unit_count; i++) {
        const struct form_table_unit *u = &n->ft->units[i];

        if (u->erased == 0)
            continue;
        buf_printf(&n->text, "%s%s (%llu, ", count++ > 0 ? ", " : "", form_table_unit_name(u),
                   (unsigned long long)u->erased);
        buf_printf(&n->text, _("act %llu"), (unsigned long long)u->act);
        buf_put_str(&n->text, ")");
    }
    return count > 0 ? say(n) : OK;
}

static enum err say_few(struct notes *n)
{
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, _("Fewer than %u answers: nothing but their number is shown, and they are in no total:"),
               n->ft->few);
    for (size_t i = 0; i < n->ft->unit_count; i++)
        if (n->ft->units[i].is_few)
            buf_printf(&n->text, "%s %s", count++ > 0 ? "," : "", form_table_unit_name(&n->ft->units[i]));
    return count > 0 ? say(n) : OK;
}

static void put_title(struct buf *out, const struct form_field *f, uint64_t *count)
{
    buf_printf(out, "%s %s", (*count)++ > 0 ? "," : "", cli_pick(f->label_ru, f->label_en));
}

/* A form that is filled in once shows such a number of each unit; one with rows not at all. */
static enum err say_not_added(struct notes *n)
{
    const struct form *f = n->ft->form;
    uint64_t count = 0;

    buf_reset(&n->text);
    if (f->mode == FORM_RECORD)
        buf_put_str(&n->text, _("Without a total, because it cannot be added up:"));
    else
        buf_put_str(&n->text, _("Not in the table, because it cannot be added up:"));
    for (uint32_t i = 0; i < f->field_count && f->mode != FORM_ANSWERS; i++)
        if ((f->fields[i].type == VALUE_INTEGER || f->fields[i].type == VALUE_DECIMAL) && !f->fields[i].is_added &&
            (int32_t)i != f->key)
            put_title(&n->text, &f->fields[i], &count);
    return count > 0 ? say(n) : OK;
}

static enum err say_answers(struct notes *n)
{
    buf_reset(&n->text);
    buf_put_str(&n->text, _("Anonymous answers: the table says how many there are and how many answered each question; "
                            "what they answered is shown by the indicators."));
    return n->ft->form->mode == FORM_ANSWERS ? say(n) : OK;
}

enum err form_table_notes(const struct form_table *ft, enum err (*each)(void *ctx, const char *note), void *ctx)
{
    static const enum return_state told[] = {RETURN_MISSING, RETURN_LATE,       RETURN_DUE,
                                             RETURN_WAITING, RETURN_QUESTIONED, RETURN_WAIVED};
    struct notes n = {.ft = ft, .each = each, .ctx = ctx};
    enum err e;

    buf_init(&n.text, 4u << 20);
    e = say_how_far(&n);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && e == OK; i++)
        e = say_state(&n, told[i]);
    if (e == OK && (e = say_covers(&n, COVER_PARTIAL)) == OK && (e = say_covers(&n, COVER_NOTHING)) == OK &&
        (e = say_differing(&n)) == OK && (e = say_approved(&n)) == OK && (e = say_behalf(&n)) == OK &&
        (e = say_apart(&n)) == OK && (e = say_erased(&n)) == OK && (e = say_few(&n)) == OK &&
        (e = say_answers(&n)) == OK)
        e = say_not_added(&n);
    buf_fini(&n.text);
    return e;
}
