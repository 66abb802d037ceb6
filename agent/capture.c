#include "agent/capture.h"

#include "agent/compared.h"
#include "agent/today.h"
#include "common/cli.h"
#include "common/utf8.h"
#include "protocol/builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture {
    struct agent *a;
    const struct form *form;
    struct form_checker *checker;
    struct compared *compared; /* NULL: nothing is compared */
    char unit[ID_MAX + 1];
    struct period period;
    int32_t filled_on;
    char entered_by[RECORD_ENTERED_BY_MAX + 1];
    enum record_source source;
    struct buf bytes; /* the record being made */
};

/* ---- who may say what ---- */

/* The unit that is meant when none is named; NULL: it must be named. */
static const char *own_unit(const struct capture *c)
{
    const struct grant *g = c->a->grant;
    const char *only = g->unit_count == 1 ? g->units[0] : NULL;

    if (c->form->is_about_district)
        return UNIT_DISTRICT;
    if (grant_is_of_all_units(g))
        return NULL;
    return grant_allows(g, NULL, g->participant) ? g->participant : only;
}

static enum err refuse_unit(const struct capture *c, const char *unit)
{
    const struct grant *g = c->a->grant;
    const char *names[GRANT_MAX_UNITS];
    const char *near;

    for (uint32_t i = 0; i < g->unit_count; i++)
        names[i] = g->units[i];
    near = cli_nearest(unit, names, g->unit_count);
    if (near != NULL)
        return err_set(ERR_DENIED, _("\"%s\" has no right to report about \"%.80s\"; did you mean \"%s\"?"),
                       g->participant, unit, near);
    return err_set(ERR_DENIED, _("\"%s\" has no right to report about \"%.80s\"; the district can give it"),
                   g->participant, unit);
}

static enum err ask_for_unit(const struct grant *g)
{
    if (grant_is_of_all_units(g))
        return err_set(ERR_USAGE, "%s", _("say which unit this is about: --unit U"));
    return err_set(ERR_USAGE, _("say which unit this is about: --unit U, for example %s"),
                   g->unit_count > 0 ? g->units[0] : g->participant);
}

static enum err choose_unit(struct capture *c, const char *wanted)
{
    const char *unit = wanted != NULL ? wanted : own_unit(c);

    if (unit == NULL)
        return ask_for_unit(c->a->grant);
    if (!grant_allows(c->a->grant, NULL, unit))
        return refuse_unit(c, unit);
    if (!id_is_valid(unit))
        return err_set(ERR_USAGE, _("\"%.80s\" is no unit: 1 to %u letters A-Z a-z, digits, '-' and '_' are expected"),
                       unit, ID_MAX);
    if (c->form->is_about_district && strcmp(unit, UNIT_DISTRICT) != 0)
        return err_set(ERR_USAGE, _("the form \"%s\" is about the unit %s alone"), c->form->id, UNIT_DISTRICT);
    (void)snprintf(c->unit, sizeof(c->unit), "%s", unit);
    return OK;
}

/* We enter what a school said: marked as that, and not into a survey, where nobody could tell two entries apart. */
static enum err check_behalf(const struct capture *c)
{
    if (c->form->mode == FORM_ANSWERS)
        return err_set(ERR_DENIED, _("the answers to \"%s\" are anonymous: a school enters them itself"), c->form->id);
    if (!source_is_behalf(c->source))
        return err_set(ERR_USAGE,
                       _("the form \"%s\" is filled in by the role \"%s\": say how you have its words, "
                         "--on-behalf paper or --on-behalf phone"),
                       c->form->id, c->form->role);
    return OK;
}

static enum err check_role(const struct capture *c, bool only_looks)
{
    if (builtin_is_any(c->form) || grant_allows(c->a->grant, c->form->role, NULL))
        return OK;
    if (grant_stands_in(c->a->grant, c->form->role))
        return only_looks ? OK : check_behalf(c);
    return err_set(ERR_DENIED, _("the form \"%s\" is filled in by the role \"%s\", which \"%s\" does not have"),
                   c->form->id, c->form->role, c->a->grant->participant);
}

static enum err choose_day(struct capture *c, const char *text)
{
    struct today today;
    enum err e;

    if (text == NULL) {
        if ((e = agent_today(c->a, &today)) == OK)
            c->filled_on = today.day;
        return e;
    }
    if (date_parse_local(&c->filled_on, text, strlen(text)) == OK)
        return OK;
    return err_set(ERR_USAGE, _("--filled-on: \"%.40s\" is not a date; expected one like 2020-09-01 or 01.09.2020"),
                   text);
}

static enum err choose_name(struct capture *c, const char *text)
{
    if (text == NULL || c->form->mode == FORM_ANSWERS) /* nobody's name goes with anonymous answers */
        return OK;
    if (strlen(text) > RECORD_ENTERED_BY_MAX || !utf8_is_valid(text, strlen(text)))
        return err_set(ERR_USAGE, _("--entered-by: a role or code of at most %u bytes is expected"),
                       RECORD_ENTERED_BY_MAX);
    (void)snprintf(c->entered_by, sizeof(c->entered_by), "%s", text);
    return OK;
}

/* ---- opening ---- */

enum err capture_open(struct capture **out, struct agent *a, const struct capture_options *o)
{
    struct capture *c = calloc(1, sizeof(*c));
    enum err e;

    if (c == NULL)
        return ERR_NOMEM;
    c->a = a;
    c->form = o->form;
    c->source = o->source;
    buf_init_secret(&c->bytes, RECORD_MAX + 4096);
    if ((e = check_role(c, o->only_looks)) != OK || (!o->many_units && (e = choose_unit(c, o->unit)) != OK) ||
        (e = builtin_period(o->form, a->calendar, o->period, &c->period)) != OK ||
        (e = choose_day(c, o->filled_on)) != OK || (e = choose_name(c, o->entered_by)) != OK ||
        (e = form_checker_new(&c->checker)) != OK || (e = compared_new(&c->compared, a, c->form, &c->period)) != OK) {
        capture_close(c);
        return e;
    }
    *out = c;
    return OK;
}

void capture_close(struct capture *c)
{
    if (c == NULL)
        return;
    form_checker_free(c->checker);
    compared_free(c->compared);
    buf_wipe(&c->bytes);
    free(c);
}

enum err capture_turn_to(struct capture *c, const char *unit)
{
    return strcmp(c->unit, unit) == 0 ? OK : choose_unit(c, unit);
}

const struct form *capture_form(const struct capture *c)
{
    return c->form;
}

const char *capture_unit(const struct capture *c)
{
    return c->unit;
}

const struct period *capture_period(const struct capture *c)
{
    return &c->period;
}

/* ---- values ---- */

/* What nobody may type stands as the form says. */
static void put_read_only(const struct form *f, struct value *values)
{
    for (uint32_t i = 0; i < f->field_count; i++)
        if (f->fields[i].is_read_only && f->fields[i].default_value != NULL && values[i].state == VALUE_MISSING)
            values[i] = *f->fields[i].default_value;
}

enum err capture_complete(struct capture *c, struct value *values)
{
    put_read_only(c->form, values);
    return form_complete(c->form, c->checker, values, c->filled_on, true);
}

enum err capture_compared(struct capture *c, const struct value *values, const struct value **out)
{
    *out = NULL;
    return c->compared == NULL ? OK : compared_find(c->compared, c->unit, values, out);
}

enum err capture_judge(struct capture *c, struct value *values, bool drop_irrelevant, const struct finding *where,
                       struct report *r)
{
    const struct value *with = NULL;
    enum err e;

    put_read_only(c->form, values);
    e = form_complete(c->form, c->checker, values, c->filled_on, drop_irrelevant);
    if (e == ERR_INVALID || e == ERR_LIMIT) {
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        report_add(r, where != NULL ? where : &(struct finding){0}, "%s", text);
        return ERR_INVALID;
    }
    if (e != OK || (e = capture_compared(c, values, &with)) != OK)
        return e;
    form_checker_compare(c->checker, c->form, with);
    return form_check(c->form, c->checker, values, c->form->field_count, c->filled_on, where, r);
}

/* ---- records ---- */

static void fill_head(struct capture *c, struct record *r, const struct capture_deed *deed)
{
    memcpy(r->form, c->form->digest, FORM_DIGEST_BYTES);
    memcpy(r->unit, c->unit, sizeof(r->unit));
    memcpy(r->period, c->period.id, sizeof(r->period));
    r->filled_on = c->filled_on;
    r->entered_by = bytes_of(c->entered_by, strlen(c->entered_by));
    r->source = c->source;
    if (c->form->mode == FORM_ANSWERS && deed->kind == RECORD_NEW)
        random_bytes(r->tag, TAG_BYTES); /* no time, and nothing that tells which answers came one after another */
    else
        queue_stamp(c->a, r);
    r->kind = deed->kind;
    r->target = deed->target;
    r->reason = deed->reason != NULL ? bytes_of(deed->reason, strlen(deed->reason)) : bytes_of("", 0);
    r->remarks = deed->remarks;
    r->remark_count = deed->remark_count;
}

static const struct capture_deed fresh = {.kind = RECORD_NEW};

static enum err encode(struct capture *c, struct record *r, const struct value *values, struct bytes *out)
{
    enum err e;

    r->values = values;
    r->value_count = values != NULL ? c->form->field_count : 0;
    buf_reset(&c->bytes);
    if ((e = record_encode(&c->bytes, r, c->form)) == OK)
        *out = bytes_of(c->bytes.data, c->bytes.len);
    return e;
}

enum err capture_encode(struct capture *c, const struct value *values, const struct capture_deed *deed,
                        struct bytes *out)
{
    struct record r = {.value_count = 0};

    if (deed == NULL)
        deed = &fresh;
    if (c->form->mode == FORM_ANSWERS && deed->kind != RECORD_NEW &&
        (deed->kind != RECORD_RETRACTION || !deed->of_session))
        return err_set(ERR_DENIED,
                       _("the answers to \"%s\" are anonymous: a single one cannot be changed or withdrawn"),
                       c->form->id);
    fill_head(c, &r, deed);
    return encode(c, &r, values, out);
}

enum err capture_likeness(struct capture *c, const struct value *values, uint8_t out[RECORD_DIGEST_BYTES])
{
    struct record r = {.value_count = 0};
    struct bytes bytes;
    enum err e;

    fill_head(c, &r, &fresh);
    memset(r.tag, 0, sizeof(r.tag));
    if ((e = encode(c, &r, values, &bytes)) == OK)
        record_digest(out, bytes);
    return e;
}

void capture_set_day(struct capture *c, int32_t day)
{
    c->filled_on = day;
}

int32_t capture_day(const struct capture *c)
{
    return c->filled_on;
}

enum err capture_put(struct capture *c, struct queue_writer *w, const struct value *values,
                     const struct capture_deed *deed, uint64_t *number)
{
    struct bytes record;
    enum err e = capture_encode(c, values, deed, &record);

    return e == OK ? queue_writer_add(w, record, number) : e;
}

enum err capture_one(struct capture *c, const struct value *values, const struct capture_deed *deed,
                     struct record_ref *out)
{
    struct queue_writer *w = NULL;
    uint64_t number = 0;
    enum err e = queue_writer_open(&w, c->a);

    if (e != OK)
        return e;
    if ((e = capture_put(c, w, values, deed, &number)) == OK && (e = queue_writer_commit(w)) == OK) {
        out->gen = c->a->gen;
        out->number = number;
    }
    queue_writer_close(w);
    return e;
}
