/* The school's word about a return: a cover, queued like everything else that is said. */
#include "agent/own_return.h"

#include "agent/capture.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/report.h"

#include <string.h>

#define KEEP_MAX (64u << 10)

static enum err check(const struct own_return *r, const struct return_marking *m)
{
    if (r->past > 0)
        return err_set(ERR_ERASED, "%s",
                       _("what was sent of this return is no longer kept on this computer: it cannot be marked here"));
    if (m->state == COVER_NOTHING && r->rows > 0)
        return err_set(ERR_INVALID,
                       ngettext("\"nothing to report\", but %llu row is entered: withdraw it first (svodka-agent "
                                "retract), or mark the return --complete",
                                "\"nothing to report\", but %llu rows are entered: withdraw them first (svodka-agent "
                                "retract), or mark the return --complete",
                                (unsigned long)r->rows),
                       (unsigned long long)r->rows);
    if (m->state != COVER_NOTHING && r->rows == 0)
        return err_set(ERR_INVALID, "%s", _("nothing is entered; if there is nothing to report, say so: --nothing"));
    if (r->is_changed && (m->reason == NULL || m->reason[0] == '\0'))
        return err_set(ERR_INVALID, "%s", _("the return has changed since it was marked: say why, --reason TEXT"));
    return OK;
}

/* What one would say again. */
static bool says_nothing_new(const struct own_return *r, const struct return_marking *m)
{
    const struct own_cover *c = &r->cover;

    return r->has_cover && !r->is_changed && m->state == c->state &&
           (m->approved_by == NULL || strcmp(m->approved_by, c->approved_by) == 0) &&
           (m->entered_by == NULL || strcmp(m->entered_by, c->entered_by) == 0);
}

/* Composed letters and all: as the form takes them. */
static enum err put_text(const struct form *f, enum cover_field field, const char *text, struct value *values,
                         struct buf *keep)
{
    enum err e;

    if (text == NULL || text[0] == '\0')
        return OK;
    if ((e = value_parse(&values[field], &f->fields[field], text, strlen(text), keep)) != OK)
        return err_prefix(e, "%s", cli_pick(f->fields[field].label_ru, f->fields[field].label_en));
    return OK;
}

static enum err fill_in(const struct form *f, const struct own_return *r, const struct return_marking *m,
                        char hex[COVER_HEX], struct value values[COVER_FIELDS], struct buf *keep)
{
    bool holds = r->has_cover && !r->is_changed; /* what was said of it is still said of this */
    struct cover c = {.of = bytes_of(r->form->id, strlen(r->form->id)), .state = m->state, .rows = r->rows};
    const char *approved = m->approved_by, *entered = m->entered_by;
    enum err e;

    memcpy(c.digest, r->digest, sizeof(c.digest));
    if (approved != NULL) {
        c.has_approved_on = true;
        c.approved_on = clock_today();
    } else if (holds) {
        approved = r->cover.approved_by;
        c.has_approved_on = r->cover.has_approved_on;
        c.approved_on = r->cover.approved_on;
    }
    if (entered == NULL && holds)
        entered = r->cover.entered_by;
    cover_write(&c, hex, values);
    if ((e = put_text(f, COVER_APPROVED_BY, approved, values, keep)) == OK &&
        (e = put_text(f, COVER_ENTERED_BY, entered, values, keep)) == OK)
        e = put_text(f, COVER_REASON, m->reason, values, keep);
    return e;
}

/* The first mistake, in words. */
static enum err judge(struct capture *c, struct value *values)
{
    struct report *report = NULL;
    enum err e = report_new(&report, 0);

    if (e == OK && (e = capture_judge(c, values, false, NULL, report)) == ERR_INVALID && report_kept(report) > 0)
        e = err_set(e, "%s", report_at(report, 0)->text);
    report_free(report);
    return e;
}

enum err own_return_mark(struct agent *a, const struct own_return *r, const struct return_marking *m, bool *is_new)
{
    struct capture_options o = {
        .form = a->builtin.forms[BUILTIN_COVER], .unit = r->unit, .period = r->period, .source = m->source};
    struct capture_deed again = {.kind = RECORD_CORRECTION, .target = r->cover.ref};
    bool is_again = m->state == COVER_NOTHING && r->has_cover && r->cover.state == COVER_NOTHING;
    char hex[COVER_HEX];
    struct value values[COVER_FIELDS];
    struct capture *c = NULL;
    struct record_ref ref;
    struct buf keep;
    enum err e = check(r, m);

    *is_new = false;
    if (e != OK || says_nothing_new(r, m))
        return e;
    /* "Nothing" was said in time when it was said in time first: a correction counts with the day of what it corrects.
     */
    again.reason = m->reason != NULL && m->reason[0] != '\0' ? m->reason : _("marked again");
    buf_init_secret(&keep, KEEP_MAX);
    if ((e = fill_in(o.form, r, m, hex, values, &keep)) == OK && (e = capture_open(&c, a, &o)) == OK &&
        (e = judge(c, values)) == OK)
        e = capture_one(c, values, is_again ? &again : NULL, &ref);
    capture_close(c);
    buf_wipe(&keep);
    *is_new = e == OK;
    return e;
}
