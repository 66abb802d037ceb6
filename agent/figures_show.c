/* What was published, in words and on paper. */
#include "protocol/figures_show.h"
#include "agent/figures.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/handout.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)8 * FIGURES_NAME_MAX)

static const char *either(const char *ru, const char *en, const char *id)
{
    const char *text = cli_pick(ru, en);

    return text[0] != '\0' ? text : id;
}

const char *figures_title(const struct figures *f)
{
    return either(f->title_ru, f->title_en, f->programme);
}

const char *figures_period(const struct figures *f)
{
    return either(f->label_ru, f->label_en, f->period);
}

void figures_put_name(struct buf *out, const struct figures_line *l)
{
    buf_put_str(out, either(l->name_ru, l->name_en, l->indicator));
    if (cli_pick(l->part_ru, l->part_en)[0] != '\0') /* else the name says it */
        buf_printf(out, " — %s", cli_pick(l->part_ru, l->part_en));
}

static const struct figures_cell *cell_of(const struct figures_line *l, bool is_own)
{
    bool has = is_own ? l->has_own : l->has_district;

    return !has ? NULL : is_own ? &l->own : &l->district;
}

bool figures_number(const struct figures_line *l, bool is_own, int64_t *scaled)
{
    const struct figures_cell *c = cell_of(l, is_own);

    if (c == NULL || c->state != FIGURES_VALUE || !c->has_rounded || l->is_yes_no)
        return false;
    *scaled = c->rounded;
    return true;
}

static void put_scaled(struct buf *out, int64_t scaled, unsigned places)
{
    char digits[24];
    uint64_t n = scaled < 0 ? 0 - (uint64_t)scaled : (uint64_t)scaled;
    int len = snprintf(digits, sizeof(digits), "%0*llu", (int)places + 1, (unsigned long long)n);
    size_t whole = (size_t)len - places;

    buf_printf(out, "%s%.*s", scaled < 0 ? "-" : "", (int)whole, digits);
    if (places > 0)
        buf_printf(out, ".%s", digits + whole);
}

void figures_put_value(struct buf *out, const struct figures_line *l, bool is_own)
{
    const struct figures_cell *c = cell_of(l, is_own);
    const char *measure = cli_pick(l->measure_ru, l->measure_en);
    struct buf number;

    if (c == NULL)
        return;
    if (c->state == FIGURES_NO_DATA)
        buf_put_str(out, _("no data"));
    else if (c->state != FIGURES_VALUE)
        buf_put_str(out, figures_hidden_word(c->class_code));
    else if (l->is_yes_no)
        buf_put_str(out, strcmp(c->value, "1.000000") == 0 ? _("yes") : _("no"));
    else {
        buf_init(&number, (size_t)2 * FIGURES_TEXT_MAX);
        if (c->has_rounded)
            put_scaled(&number, c->rounded, l->shown);
        else
            buf_put_str(&number, c->value);
        cli_localise(&number);
        buf_printf(out, "%s%s%s", buf_cstr(&number), measure[0] != '\0' ? " " : "", measure);
        buf_fini(&number);
    }
}

const char *figures_reached_word(const struct figures_line *l, bool is_own)
{
    const struct figures_cell *c = cell_of(l, is_own);

    if (c == NULL)
        return "";
    return c->reached == FIGURES_REACHED ? _("reached") : c->reached == FIGURES_NOT_REACHED ? _("not reached") : "";
}

void figures_put_schools(struct buf *out, const struct figures_line *l)
{
    if (l->has_district && l->district.expected > 0)
        buf_printf(out, _("%u of %u"), l->district.reported, l->district.expected);
}

/* ---- on paper ---- */

struct printing {
    struct handout *out;
    struct buf text;
};

static void put_text(struct printing *p, enum handout_look look)
{
    handout_text(p->out, look, buf_cstr(&p->text));
    buf_reset(&p->text);
}

static enum handout_look look_of(const struct figures_line *l, bool is_own)
{
    const struct figures_cell *c = cell_of(l, is_own);

    if (c == NULL || c->reached == FIGURES_NOT_JUDGED)
        return HANDOUT_CELL;
    if (c->reached == FIGURES_UNKNOWN)
        return HANDOUT_UNSURE;
    return c->reached == FIGURES_REACHED       ? HANDOUT_GOOD
           : c->reached == FIGURES_NOT_REACHED ? HANDOUT_BAD
                                               : HANDOUT_CELL;
}

static void put_value(struct printing *p, const struct figures_line *l, bool is_own)
{
    int64_t scaled;

    if (figures_number(l, is_own, &scaled)) {
        handout_number(p->out, look_of(l, is_own), scaled, l->shown);
        return;
    }
    figures_put_value(&p->text, l, is_own);
    put_text(p, look_of(l, is_own));
}

static void put_line(struct printing *p, const struct figures_line *l)
{
    const char *measure = cli_pick(l->measure_ru, l->measure_en);
    const char *target = l->has_district && l->district.target[0] != '\0' ? l->district.target
                         : l->has_own                                     ? l->own.target
                                                                          : "";

    handout_row(p->out);
    handout_text(p->out, HANDOUT_CELL, l->indicator);
    figures_put_name(&p->text, l);
    put_text(p, HANDOUT_CELL);
    handout_text(p->out, HANDOUT_CELL, measure);
    put_value(p, l, true);
    put_value(p, l, false);
    handout_text(p->out, HANDOUT_CELL, target);
    handout_text(p->out, HANDOUT_CELL, figures_reached_word(l, true));
    handout_text(p->out, HANDOUT_CELL, figures_reached_word(l, false));
    figures_put_schools(&p->text, l);
    put_text(p, HANDOUT_CELL);
}

static void put_held(struct printing *p, const struct agent *a, const struct figures_held *h)
{
    const struct handout_column columns[] = {{_("Indicator"), 11, false},
                                             {_("Name"), 50, false},
                                             {_("Unit of measure"), 14, false},
                                             {_("Our school"), 14, true},
                                             {_("District"), 14, true},
                                             {_("Target"), 10, false},
                                             {_("Our school: target"), 13, false},
                                             {_("District: target"), 13, false},
                                             {_("Schools"), 10, false}};
    const struct figures *f = &h->parts[0];
    char when[64];

    handout_sheet(p->out, figures_period(f), figures_title(f));
    cli_format_day(when, sizeof(when), f->published_ms);
    buf_printf(&p->text, _("%s: %s; published by the district on %s"), a->grant->name, figures_period(f), when);
    handout_line(p->out, buf_cstr(&p->text));
    buf_reset(&p->text);
    handout_table(p->out, columns, sizeof(columns) / sizeof(columns[0]));
    for (uint32_t k = 0; k < h->count; k++)
        for (uint32_t i = 0; i < h->parts[k].line_count; i++)
            put_line(p, &h->parts[k].lines[i]);
    handout_line(p->out,
                 _("\"Schools\": how many of the district's schools the district's value rests upon. \"Hidden\": "
                   "too few people stand behind it, or it would give away what stands behind another."));
    if (!h->is_whole)
        handout_line(p->out, _("Not all parts of it have come yet: the rest comes with the next meeting or file."));
}

enum err figures_print(const struct agent *a, const struct figures_list *l, const char *path)
{
    struct printing p = {.out = NULL};
    enum err e = handout_new(&p.out, path, _("We and the district"),
                             _("For this school's own use: its small numbers are not hidden."), clock_today());

    if (e != OK)
        return e;
    buf_init(&p.text, TEXT_MAX);
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].parts[0].state == FIGURES_PUBLISHED)
            put_held(&p, a, &l->items[i]);
    if ((e = handout_save(p.out)) == ERR_EXISTS)
        e = err_set(e, _("%s is there already; take another name"), path);
    handout_free(p.out);
    buf_fini(&p.text);
    if (e == OK)
        (void)fprintf(stderr, _("written: %s\n"), path);
    return e;
}
