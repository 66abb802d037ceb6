/* programme check --home, programme load: what a pack would do to what is in the hub. */
#include "hub/cmd_programme.h"

#include "common/cli.h"

#include <stdio.h>
#include <string.h>

#define NAMES_SHOWN 12u

/* ---- for people ---- */

/* "a, b, c", of many names the first. */
static void print_names(const struct effect_names *n)
{
    for (size_t i = 0; i < n->count && i < NAMES_SHOWN; i++)
        (void)printf("%s%s", i == 0 ? "" : ", ", n->items[i]);
    if (n->count > NAMES_SHOWN)
        (void)printf(ngettext(" and %zu more", " and %zu more", n->count - NAMES_SHOWN), n->count - NAMES_SHOWN);
}

static unsigned long plural(uint64_t n)
{
    return n > 1000000 ? 1000000 + (unsigned long)(n % 1000000) : (unsigned long)n;
}

static void print_answered(const struct effect_form *of, const struct effect_version *v)
{
    char units[40], expected[40], submissions[40];

    cli_format_count(units, sizeof(units), v->units);
    cli_format_count(expected, sizeof(expected), of->expected);
    cli_format_count(submissions, sizeof(submissions), v->submissions);
    if (of->fresh->is_about_district)
        (void)printf(_("  The district answered version %s"), v->form->version);
    else if (of->expected >= v->units)
        (void)printf(ngettext("  %s of %s school answered version %s", "  %s of %s schools answered version %s",
                              plural(of->expected)),
                     units, expected, v->form->version);
    else
        (void)printf(ngettext("  %s school answered version %s", "  %s schools answered version %s", plural(v->units)),
                     units, v->form->version);
    (void)printf(ngettext(" (%s submission)", " (%s submissions)", plural(v->submissions)), submissions);
}

static void print_version(const struct effect_form *of, const struct effect_version *v)
{
    print_answered(of, v);
    if (v->without_data.count == 0) {
        (void)printf("%s\n", _("; every indicator reads what they sent."));
    } else {
        (void)printf(ngettext("; %zu indicator has no data for them: ", "; %zu indicators have no data for them: ",
                              v->without_data.count),
                     v->without_data.count);
        print_names(&v->without_data);
        (void)puts(".");
    }
    if (v->new_fields.count == 0)
        return;
    (void)printf(ngettext("    Ask them only for the %zu new field: ", "    Ask them only for the %zu new fields: ",
                          v->new_fields.count),
                 v->new_fields.count);
    print_names(&v->new_fields);
    (void)puts(".");
}

static void print_form(const struct effect_form *of)
{
    (void)printf(_("Form %s: version %s comes."), of->fresh->id, of->fresh->version);
    (void)putchar('\n');
    if (of->version_count == 0)
        (void)printf("%s\n", _("  Nobody has answered it so far."));
    for (size_t i = 0; i < of->version_count; i++)
        print_version(of, &of->versions[i]);
}

static void print_indicators(const char *text, const struct effect_names *n)
{
    if (n->count == 0)
        return;
    (void)printf("  %s (%zu): ", text, n->count);
    print_names(n);
    (void)puts(".");
}

static void print_built(const struct programme_effect *f)
{
    char variables[40], submissions[40];

    if (f->definitions == 0) {
        (void)printf("%s\n", _("No variable is built anew."));
        return;
    }
    cli_format_count(variables, sizeof(variables), f->definitions);
    cli_format_count(submissions, sizeof(submissions), f->submissions);
    (void)printf(ngettext("%s variable is built anew", "%s variables are built anew", plural(f->definitions)),
                 variables);
    (void)printf(ngettext(" from %s submission", " from %s submissions", plural(f->submissions)), submissions);
    if (f->built.count > 0) {
        (void)printf(": ");
        print_names(&f->built);
    }
    (void)puts(".");
}

static void print_effect(const struct programme *p, const struct programme_effect *f)
{
    if (f->old == NULL)
        (void)printf(_("Programme %s is new to the hub."), p->id);
    else
        (void)printf(_("Programme %s: version %s takes the place of version %s."), p->id, p->version, f->old->version);
    (void)putchar('\n');
    for (size_t i = 0; i < f->form_count; i++)
        print_form(&f->forms[i]);
    if (f->added.count + f->changed.count + f->touched.count + f->removed.count > 0)
        (void)printf("%s\n", _("Indicators:"));
    else if (f->old != NULL)
        (void)printf("%s\n", _("The indicators stay as they are."));
    print_indicators(_("new"), &f->added);
    print_indicators(_("with another definition"), &f->changed);
    print_indicators(_("that read something of another definition"), &f->touched);
    print_indicators(_("not there any more"), &f->removed);
    print_built(f);
}

/* ---- for programs ---- */

static void put_names(struct sheet *s, struct sheet_row row, const struct effect_names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        row.subject = n->items[i];
        sheet_put(s, &row);
    }
}

static void put_version(struct sheet *s, const struct effect_form *of, const struct effect_version *v)
{
    struct sheet_row row = {.what = "answered",
                            .id = of->fresh->id,
                            .version = v->form->version,
                            .has_count = true,
                            .count = v->units,
                            .has_of = true,
                            .of = of->expected};

    sheet_put(s, &row);
    row.what = "submissions";
    row.count = v->submissions;
    row.has_of = false;
    sheet_put(s, &row);
    row.has_count = false;
    row.what = "field_new";
    put_names(s, row, &v->new_fields);
    row.what = "without_data";
    put_names(s, row, &v->without_data);
}

static void put_list(struct sheet *s, const char *what, const struct effect_names *n)
{
    put_names(s, (struct sheet_row){.what = what}, n);
}

static void put_effect(struct sheet *s, const struct programme *p, const struct programme_effect *f)
{
    struct sheet_row row = {.what = "replaces", .id = p->id, .version = f->old == NULL ? NULL : f->old->version};

    if (f->old != NULL)
        sheet_put(s, &row);
    for (size_t i = 0; i < f->form_count; i++) {
        row = (struct sheet_row){
            .what = "form_version", .id = f->forms[i].fresh->id, .version = f->forms[i].fresh->version};
        sheet_put(s, &row);
        for (size_t k = 0; k < f->forms[i].version_count; k++)
            put_version(s, &f->forms[i], &f->forms[i].versions[k]);
    }
    put_list(s, "indicator_new", &f->added);
    put_list(s, "indicator_changed", &f->changed);
    put_list(s, "indicator_touched", &f->touched);
    put_list(s, "indicator_removed", &f->removed);
    put_list(s, "variable_built", &f->built);
    row = (struct sheet_row){
        .what = "variables_built", .has_count = true, .count = f->definitions, .has_of = true, .of = f->submissions};
    sheet_put(s, &row);
}

void sheet_effect(struct sheet *s, const struct programme *p, const struct programme_effect *f)
{
    if (s->e != OK)
        return;
    if (s->format == TABLE_TEXT)
        print_effect(p, f);
    else
        put_effect(s, p, f);
}
