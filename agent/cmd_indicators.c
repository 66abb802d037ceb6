/* indicators: what the district published, this school beside the district. */
#include "agent/cmd_common.h"

#include "agent/figures.h"
#include "common/handout.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)4 * FIGURES_NAME_MAX)

struct indicators_command {
    const char *period, *programme, *xlsx, *html;
    enum table_format format;
};

/* ---- what there is ---- */

static const char *state_word(const struct figures_held *h)
{
    if (h->parts[0].state == FIGURES_WITHDRAWN)
        return _("withdrawn by the district");
    return h->is_whole ? _("published") : _("not all of it has come yet");
}

static const char *state_name(const struct figures_held *h)
{
    if (h->parts[0].state == FIGURES_WITHDRAWN)
        return "withdrawn";
    return h->is_whole ? "published" : "incomplete";
}

static enum err list(const struct figures_list *l, enum table_format f)
{
    const struct table_column columns[] = {
        {"programme", _("Programme"), TABLE_LEFT, false}, {"period", _("Period"), TABLE_LEFT, false},
        {"unit", _("Figures of"), TABLE_LEFT, false},     {"lines", _("Lines"), TABLE_RIGHT, true},
        {"published", _("Published"), TABLE_LEFT, false}, {"state", _("State"), TABLE_LEFT, false},
        {"remark", _("Remark"), TABLE_LEFT, false}};
    bool is_text = f == TABLE_TEXT;
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < l->count && e == OK; i++) {
        const struct figures_held *h = &l->items[i];
        const struct figures *first = &h->parts[0];
        char lines[24], when[64];
        size_t count = 0;
        const char *cells[] = {is_text ? figures_title(first) : first->programme,
                               is_text ? figures_period(first) : first->period,
                               is_text && first->unit[0] == '\0' ? _("the district alone") : first->unit,
                               lines,
                               when,
                               is_text ? state_word(h) : state_name(h),
                               first->remark};

        for (uint32_t k = 0; k < h->count; k++)
            count += h->parts[k].line_count;
        (void)snprintf(lines, sizeof(lines), "%zu", count);
        if (is_text)
            cli_format_minute(when, sizeof(when), first->published_ms);
        else
            cli_format_utc(when, sizeof(when), first->published_ms);
        e = table_row(t, cells);
    }
    if (e == OK)
        e = table_print(t, f, stdout);
    if (e == OK && is_text)
        (void)printf("%s\n", _("One of them: svodka-agent indicators --period P."));
    table_free(t);
    return e;
}

/* ---- one of them, for people ---- */

static enum err put_line(struct table *t, const struct figures_line *l)
{
    struct buf name, own, district, schools;
    const char *cells[8];
    enum err e;

    buf_init(&name, TEXT_MAX);
    buf_init(&own, TEXT_MAX);
    buf_init(&district, TEXT_MAX);
    buf_init(&schools, 64);
    figures_put_name(&name, l);
    figures_put_value(&own, l, true);
    figures_put_value(&district, l, false);
    figures_put_schools(&schools, l);
    cells[0] = l->indicator;
    cells[1] = buf_cstr(&name);
    cells[2] = buf_cstr(&own);
    cells[3] = buf_cstr(&district);
    cells[4] = l->has_district && l->district.target[0] != '\0' ? l->district.target : l->has_own ? l->own.target : "";
    cells[5] = figures_reached_word(l, true);
    cells[6] = figures_reached_word(l, false);
    cells[7] = buf_cstr(&schools);
    e = table_row(t, cells);
    buf_fini(&name);
    buf_fini(&own);
    buf_fini(&district);
    buf_fini(&schools);
    return e;
}

static enum err show_one(const struct figures_held *h)
{
    const struct table_column columns[] = {{"indicator", _("Indicator"), TABLE_LEFT, false},
                                           {"name", _("Name"), TABLE_LEFT, false},
                                           {"own", _("Our school"), TABLE_RIGHT, false},
                                           {"district", _("District"), TABLE_RIGHT, false},
                                           {"target", _("Target"), TABLE_RIGHT, false},
                                           {"own_target", _("Our school: target"), TABLE_LEFT, false},
                                           {"district_target", _("District: target"), TABLE_LEFT, false},
                                           {"schools", _("Schools"), TABLE_RIGHT, false}};
    const struct figures *first = &h->parts[0];
    struct table *t = NULL;
    char when[64];
    enum err e;

    cli_format_minute(when, sizeof(when), first->published_ms);
    if (first->state == FIGURES_WITHDRAWN) {
        (void)printf(_("%s, %s: withdrawn by the district: %s\n"), figures_title(first), figures_period(first),
                     first->remark);
        return OK;
    }
    (void)printf(_("%s, %s; published %s\n"), figures_title(first), figures_period(first), when);
    if ((e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]))) != OK)
        return e;
    for (uint32_t k = 0; k < h->count && e == OK; k++)
        for (uint32_t i = 0; i < h->parts[k].line_count && e == OK; i++)
            e = put_line(t, &h->parts[k].lines[i]);
    if (e == OK)
        e = table_print(t, TABLE_TEXT, stdout);
    table_free(t);
    if (e == OK && !h->is_whole)
        (void)printf("%s\n", _("Not all parts of it have come yet: the rest comes with the next meeting or file."));
    return e;
}

static enum err show(const struct figures_list *l)
{
    enum err e = OK;

    for (size_t i = 0; i < l->count && e == OK; i++) {
        if (i > 0)
            (void)putchar('\n');
        e = show_one(&l->items[i]);
    }
    if (e == OK)
        (void)fprintf(stderr, "%s\n", _("For this school's own use: its small numbers are not hidden."));
    return e;
}

/* ---- for programs ---- */

#define MACHINE_COLUMNS 22u

static const char *const cell_states[] = {"ok", "no-data", "suppressed"};
static const char *const reached_names[] = {"", "reached", "not-reached", "no-data"};

static void fill_cell(const char *out[7], bool has, const struct figures_cell *c)
{
    for (size_t i = 0; i < 7; i++)
        out[i] = "";
    if (!has)
        return;
    out[0] = c->value;
    out[1] = c->numerator;
    out[2] = c->denominator;
    out[3] = c->state < 3 ? cell_states[c->state] : "other";
    out[4] = c->class_code;
    out[5] = c->target;
    out[6] = c->reached < 4 ? reached_names[c->reached] : "other";
}

static enum err put_machine(struct table *t, const struct figures *f, const struct figures_line *l)
{
    const char *own[7], *district[7];
    char number[24], reported[16] = "", expected[16] = "";
    const char *cells[MACHINE_COLUMNS];

    fill_cell(own, l->has_own, &l->own);
    fill_cell(district, l->has_district, &l->district);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)f->publication);
    if (l->has_district) {
        (void)snprintf(reported, sizeof(reported), "%u", l->district.reported);
        (void)snprintf(expected, sizeof(expected), "%u", l->district.expected);
    }
    cells[0] = f->programme;
    cells[1] = l->indicator;
    cells[2] = f->unit;
    cells[3] = f->period;
    cells[4] = l->breakdown;
    for (size_t i = 0; i < 7; i++) {
        cells[5 + i] = own[i];
        cells[12 + i] = district[i];
    }
    cells[19] = reported;
    cells[20] = expected;
    cells[21] = number;
    return table_row(t, cells);
}

static enum err print_machine(const struct figures_list *l, enum table_format f)
{
    static const struct table_column columns[MACHINE_COLUMNS] = {{"programme", "", TABLE_LEFT, false},
                                                                 {"indicator", "", TABLE_LEFT, false},
                                                                 {"unit", "", TABLE_LEFT, false},
                                                                 {"period", "", TABLE_LEFT, false},
                                                                 {"breakdown", "", TABLE_LEFT, false},
                                                                 {"value", "", TABLE_LEFT, true},
                                                                 {"numerator", "", TABLE_LEFT, true},
                                                                 {"denominator", "", TABLE_LEFT, true},
                                                                 {"state", "", TABLE_LEFT, false},
                                                                 {"class", "", TABLE_LEFT, false},
                                                                 {"target", "", TABLE_LEFT, false},
                                                                 {"target_status", "", TABLE_LEFT, false},
                                                                 {"district_value", "", TABLE_LEFT, true},
                                                                 {"district_numerator", "", TABLE_LEFT, true},
                                                                 {"district_denominator", "", TABLE_LEFT, true},
                                                                 {"district_state", "", TABLE_LEFT, false},
                                                                 {"district_class", "", TABLE_LEFT, false},
                                                                 {"district_target", "", TABLE_LEFT, false},
                                                                 {"district_status", "", TABLE_LEFT, false},
                                                                 {"reported", "", TABLE_LEFT, true},
                                                                 {"expected", "", TABLE_LEFT, true},
                                                                 {"publication", "", TABLE_LEFT, true}};
    struct table *t = NULL;
    enum err e = table_new(&t, columns, MACHINE_COLUMNS);

    for (size_t i = 0; i < l->count && e == OK; i++)
        for (uint32_t k = 0; k < l->items[i].count && e == OK; k++)
            for (uint32_t n = 0; n < l->items[i].parts[k].line_count && e == OK; n++)
                e = put_machine(t, &l->items[i].parts[k], &l->items[i].parts[k].lines[n]);
    if (e == OK)
        e = table_print(t, f, stdout);
    table_free(t);
    return e;
}

/* ---- the command ---- */

static enum err nothing(const struct indicators_command *cmd)
{
    if (cmd->period == NULL && cmd->programme == NULL) {
        (void)fprintf(stderr, "%s\n", _("The district has published nothing for this school yet."));
        return OK;
    }
    return err_set(ERR_NOT_FOUND, _("the district has published nothing of that for this school; svodka-agent "
                                    "indicators lists what there is"));
}

static enum err print_files(const struct agent *a, const struct figures_list *l, const struct indicators_command *cmd)
{
    bool has_any = false;
    enum err e = OK;

    for (size_t i = 0; i < l->count; i++)
        has_any = has_any || l->items[i].parts[0].state == FIGURES_PUBLISHED;
    if (!has_any)
        return err_set(ERR_NOT_FOUND, "%s", _("the district has withdrawn it: there is nothing to print"));
    if (cmd->xlsx != NULL)
        e = figures_print(a, l, cmd->xlsx);
    if (e == OK && cmd->html != NULL)
        e = figures_print(a, l, cmd->html);
    return e;
}

static enum err run(const struct agent *a, const struct indicators_command *cmd)
{
    bool is_file = cmd->xlsx != NULL || cmd->html != NULL;
    struct figures_list l;
    enum err e = figures_list_read(&l, a, cmd->programme, cmd->period);

    if (e == OK && l.count == 0 && (cmd->format == TABLE_TEXT || cmd->period != NULL || is_file))
        e = nothing(cmd);
    else if (e == OK && is_file)
        e = print_files(a, &l, cmd);
    else if (e == OK && cmd->period == NULL)
        e = list(&l, cmd->format);
    else if (e == OK)
        e = cmd->format == TABLE_TEXT ? show(&l) : print_machine(&l, cmd->format);
    figures_list_fini(&l);
    return e;
}

int cmd_indicators(int argc, char **argv)
{
    static const struct cli_command self = {
        "indicators", "[--period P [--programme P]] [--xlsx FILE.xlsx] [--html FILE.html]",
        N_("Lists what the district has published of closed periods, or shows one of them: this school's indicators "
           "beside the district's, with targets."),
        cmd_indicators};
    struct indicators_command cmd = {.period = NULL};
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {OPTION_PERIOD(&cmd.period),
                                         {"programme", 'P', N_("P"), N_("only this programme"), &cmd.programme},
                                         {"xlsx", 0, N_("FILE"), N_("write it as a workbook (.xlsx)"), &cmd.xlsx},
                                         {"html", 0, N_("FILE"), N_("write it as a page to print (.html)"), &cmd.html},
                                         OPTION_FORMAT(&format),
                                         OPTION_HOME(&home),
                                         OPTION_END};
    struct agent *a = NULL;
    enum err e;

    if (cli_parse(&self, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = command_format(&cmd.format, format)) == OK && (e = handout_names(cmd.xlsx, cmd.html)) == OK &&
        (e = command_open(&a, home)) == OK)
        e = run(a, &cmd);
    agent_close(a);
    return cli_fail(e);
}
