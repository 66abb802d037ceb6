/* What a summary says in words. */
#include "hub/summary.h"

#include "common/cli.h"
#include "hub/command_text.h"

#include <string.h>

#define NOTE_MAX (1u << 20)

/* ---- how far ---- */

void summary_put_far(struct buf *out, const struct summary *s)
{
    unsigned long long here = s->here, due = s->due;

    if (s->is_closed && s->has_calendar)
        buf_printf(out, _("The period is closed: %llu of %llu schools sent all that was due."), here, due);
    else if (s->is_closed)
        buf_printf(out, _("The period is closed: there are data of %llu of %llu schools."), here, due);
    else if (s->has_calendar && here < due)
        buf_printf(out, _("Preliminary: %llu of %llu schools have sent all that is due."), here, due);
    else if (s->has_calendar)
        buf_printf(out, _("%llu of %llu schools have sent all that is due; the period is not closed."), here, due);
    else
        buf_printf(out, _("Preliminary: there are data of %llu of %llu schools."), here, due);
}

/* ---- notes ---- */

struct notes {
    const struct summary *s;
    enum err (*each)(void *ctx, const char *note);
    void *ctx;
    struct buf text;
};

static enum err say(struct notes *n)
{
    enum err e = buf_status(&n->text);

    return e == OK ? n->each(n->ctx, buf_cstr(&n->text)) : e;
}

/* "Social passport, 1 October 2020: " */
static void begin(struct notes *n, uint32_t source)
{
    const struct summary_source *of = &n->s->sources[source];

    buf_reset(&n->text);
    buf_printf(&n->text, "%s, %s: ", cli_pick(of->form->title_ru, of->form->title_en),
               cli_pick(of->period.label_ru, of->period.label_en));
}

static enum err say_state(struct notes *n, uint32_t source, enum return_state state)
{
    uint64_t count = 0;

    begin(n, source);
    buf_printf(&n->text, "%s: ", return_state_word(state));
    for (size_t i = 0; i < n->s->return_count; i++) {
        const struct summary_return *r = &n->s->returns[i];

        if (r->source != source || r->state != state)
            continue;
        buf_printf(&n->text, "%s%s", count++ > 0 ? ", " : "", summary_unit_name(&n->s->units[r->unit]));
        if (r->text[0] != '\0')
            buf_printf(&n->text, " (%s)", r->text);
    }
    return count > 0 ? say(n) : OK;
}

static enum err say_apart(struct notes *n, uint32_t source)
{
    uint64_t count = 0;

    begin(n, source);
    buf_printf(&n->text, "%s ", _("kept apart, not counted (svodka-hub quarantine list):"));
    for (size_t i = 0; i < n->s->apart_count; i++) {
        const struct summary_apart *a = &n->s->apart[i];

        if (a->source == source)
            buf_printf(&n->text, "%s%s (%llu)", count++ > 0 ? ", " : "", summary_unit_name(&n->s->units[a->unit]),
                       (unsigned long long)a->count);
    }
    return count > 0 ? say(n) : OK;
}

/* What a school on hold sends is kept, but not counted until the office says so. */
static enum err say_held(struct notes *n)
{
    const struct registry *r = n->s->hub->registry;
    uint64_t count = 0;

    buf_reset(&n->text);
    buf_printf(&n->text, "%s ", _("On hold, nothing new of it is counted:"));
    for (size_t i = 0; i < registry_count(r); i++)
        if (registry_at(r, i)->state == PARTICIPANT_HELD)
            buf_printf(&n->text, "%s%s", count++ > 0 ? ", " : "", registry_at(r, i)->grant.name);
    return count > 0 ? say(n) : OK;
}

enum err summary_notes(const struct summary *s, enum err (*each)(void *ctx, const char *note), void *ctx)
{
    static const enum return_state told[] = {RETURN_MISSING, RETURN_LATE,       RETURN_DUE,
                                             RETURN_WAITING, RETURN_QUESTIONED, RETURN_WAIVED};
    struct notes n = {.s = s, .each = each, .ctx = ctx};
    enum err e = OK;

    buf_init(&n.text, NOTE_MAX);
    for (uint32_t source = 0; source < s->source_count && e == OK; source++) {
        for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && e == OK; i++)
            e = say_state(&n, source, told[i]);
        if (e == OK)
            e = say_apart(&n, source);
    }
    if (e == OK)
        e = say_held(&n);
    buf_fini(&n.text);
    return e;
}

/* ---- a line ---- */

enum summary_reached summary_reached(const struct summary_line *l)
{
    return target_reached(l->indicator, l->status);
}

enum summary_reached target_reached(const struct indicator *i, enum target_status s)
{
    bool is_down = i->direction == DIRECTION_DOWN;

    switch (s) {
    case TARGET_NONE:
    case TARGET_NOT_DUE: return SUMMARY_NOT_JUDGED;
    case TARGET_BELOW: return is_down ? SUMMARY_REACHED : SUMMARY_NOT_REACHED;
    case TARGET_WITHIN: return SUMMARY_REACHED;
    case TARGET_ABOVE: return is_down ? SUMMARY_NOT_REACHED : SUMMARY_REACHED;
    case TARGET_NO_DATA: return SUMMARY_UNKNOWN;
    }
    return SUMMARY_NOT_JUDGED;
}

void summary_put_status(struct buf *out, const struct summary_line *l)
{
    const char *word = command_target_word(l->status);

    switch (summary_reached(l)) {
    case SUMMARY_NOT_JUDGED:
    case SUMMARY_UNKNOWN: buf_put_str(out, word); return;
    case SUMMARY_REACHED: buf_put_str(out, _("reached")); break;
    case SUMMARY_NOT_REACHED: buf_put_str(out, _("not reached")); break;
    }
    if (l->status != TARGET_WITHIN)
        buf_printf(out, " (%s)", word);
}

bool summary_number(const struct summary_line *l, int64_t *scaled)
{
    const struct indicator *i = l->indicator;
    bool is_word = (i->kind == KIND_CLASS && l->result.class_index > 0) || i->is_yes_no;

    return l->result.state == RESULT_OK && !is_word && result_scaled(&l->result, i->shown, scaled);
}

void summary_put_value(struct buf *out, const struct summary_line *l)
{
    if (l->result.state != RESULT_OK)
        buf_put_str(out, _(l->result.why_not));
    else
        command_value(out, l->indicator, &l->result);
}

void summary_put_fraction(struct buf *out, const struct summary_line *l)
{
    if (l->result.state == RESULT_OK)
        command_fraction(out, l->indicator, &l->result);
}
