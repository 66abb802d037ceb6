/* programme_load.c: the files of a pack in order, the top keys of programme.yaml; making and freeing. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pack_programme_id(const struct pack *p, char out[FORM_NAME_MAX + 1])
{
    const struct pack_file *f = pack_find(p, PROGRAMME_FILE);
    const struct yaml_node *id;
    struct yaml_doc *d = NULL;
    bool is_there;

    out[0] = '\0';
    if (f == NULL || yaml_parse(&d, f->name, f->bytes, f->len, NULL) != OK)
        return false;
    id = yaml_get(yaml_root(d), "programme");
    is_there = id != NULL && id->kind == YAML_SCALAR && id->len > 0 && id->len <= FORM_NAME_MAX;
    if (is_there)
        (void)snprintf(out, FORM_NAME_MAX + 1, "%s", id->text);
    yaml_free(d);
    return is_there;
}

/* ---- the top of programme.yaml ---- */

static const char *const merger_names[] = {"pooled", "none", NULL};

struct top_keys {
    const char *version, *shared;
    const struct yaml_node *programme, *forms, *parameters, *base_period, *privacy, *indicators;
    struct yaml_label title;
    int merger;
};
#define KEY(member) offsetof(struct top_keys, member)
static const struct yaml_key top_table[] = {{"programme", YAML_WANT_NODE, true, KEY(programme), 0, 0, NULL},
                                            {"version", YAML_WANT_TEXT, true, KEY(version), 0, 0, NULL},
                                            {"title", YAML_WANT_LABEL, true, KEY(title), 0, 0, NULL},
                                            {"shared", YAML_WANT_TEXT, false, KEY(shared), 0, 0, NULL},
                                            {"forms", YAML_WANT_SEQUENCE, false, KEY(forms), 0, 0, NULL},
                                            {"parameters", YAML_WANT_MAPPING, false, KEY(parameters), 0, 0, NULL},
                                            {"base_period", YAML_WANT_MAPPING, false, KEY(base_period), 0, 0, NULL},
                                            {"merger", YAML_WANT_ENUM, false, KEY(merger), 0, 0, merger_names},
                                            {"privacy", YAML_WANT_NODE, false, KEY(privacy), 0, 0, NULL},
                                            {"indicators", YAML_WANT_SEQUENCE, true, KEY(indicators), 0, 0, NULL},
                                            {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

/* Every form that is listed came from the shared folder, under its own name, and once. */
static void check_listed_form(struct loader *l, const struct yaml_node *n, const char *shared)
{
    char name[FORM_NAME_MAX + 16];
    unsigned files = 0;

    if (n->kind != YAML_SCALAR || n->len == 0 || n->len > FORM_NAME_MAX || strpbrk(n->text, "/\\") != NULL) {
        loader_complain(l, &l->programme, n, "forms", "%s", _("the id of a form is expected"));
        return;
    }
    (void)snprintf(name, sizeof(name), "forms/%s.yaml", n->text);
    for (size_t i = 0; i < l->pack->count; i++)
        files += strcmp(l->pack->files[i].name, name) == 0 ? 1 : 0;
    if (files == 0)
        loader_complain(l, &l->programme, n, "forms", _("there is no %s in the shared folder %s"), name, shared);
    else if (files > 1)
        loader_complain(l, &l->programme, n, "forms",
                        _("the pack has a %s of its own: either that one or the shared one is expected"), name);
    else if (!l->has_broken_form && loader_form(l, n->text) == NULL)
        loader_complain(l, &l->programme, n, "forms", _("%s holds a form with another id"), name);
}

static void check_listed_forms(struct loader *l, const struct top_keys *k)
{
    if (k->forms == NULL)
        return;
    if (k->shared == NULL) {
        loader_complain(l, &l->programme, k->forms, "forms", "%s",
                        _("forms are listed here only to be taken from a shared folder: shared is missing"));
        return;
    }
    for (uint32_t i = 0; i < k->forms->count; i++) {
        const struct yaml_node *n = k->forms->items[i];
        bool is_twice = false;

        for (uint32_t j = 0; j < i; j++)
            is_twice = is_twice || (n->kind == YAML_SCALAR && k->forms->items[j]->kind == YAML_SCALAR &&
                                    strcmp(n->text, k->forms->items[j]->text) == 0);
        if (is_twice)
            loader_complain(l, &l->programme, n, "forms", "%s", _("this stands here twice"));
        else
            check_listed_form(l, n, k->shared);
    }
}

static void read_parameters(struct loader *l, const struct yaml_node *n)
{
    if (n == NULL)
        return;
    if (n->count > PARAMETERS_MAX) {
        loader_complain(l, &l->programme, n, "parameters", _("%u are too many: at most %u are expected"), n->count,
                        PARAMETERS_MAX);
        return;
    }
    l->parameters = loader_alloc(l, n->count, sizeof(*l->parameters));
    for (uint32_t i = 0; i < n->count && l->e == OK; i++) {
        struct parameter *p = &l->parameters[l->parameter_count];
        const struct yaml_node *key = n->pairs[i].key;

        if (!loader_is_id(key->text)) {
            loader_complain(l, &l->programme, key, "parameters",
                            _("an id is expected: at most %u Latin letters, digits and _ - beginning with a letter or "
                              "_"),
                            FORM_NAME_MAX);
            continue;
        }
        p->name = key->text;
        (void)loader_number(l, &l->programme, n->pairs[i].value, key->text, &p->number);
        l->parameter_count++; /* also a wrong one: its name is known */
    }
}

static void read_base_period(struct loader *l, const struct yaml_pair *pair)
{
    struct base_period *b = &l->prog->base_periods[l->prog->base_period_count];
    struct period found;

    b->series = pair->key->text;
    b->period = loader_scalar(l, &l->programme, pair->value, b->series);
    if (b->period == NULL)
        return;
    l->prog->base_period_count++;
    if (l->calendar == NULL)
        return;
    if (!calendar_has_series(l->calendar, b->series))
        loader_complain(l, &l->programme, pair->key, "base_period", "%s",
                        _("no such series of periods: neither predefined nor in periods.yaml"));
    else if (calendar_find(l->calendar, b->series, b->period, &found) != OK)
        loader_complain(l, &l->programme, pair->value, b->series, "%s", err_text());
    else if (strcmp(found.id, b->period) != 0)
        loader_complain(l, &l->programme, pair->value, b->series, _("the id of a period is expected: %s"), found.id);
}

static void read_base_periods(struct loader *l, const struct yaml_node *n)
{
    l->prog->base_periods = loader_alloc(l, n == NULL ? 0 : n->count, sizeof(*l->prog->base_periods));
    for (uint32_t i = 0; n != NULL && i < n->count && l->e == OK; i++)
        read_base_period(l, &n->pairs[i]);
}

/* ---- privacy ---- */

struct privacy_keys {
    int64_t family, results, staff, small, compute, show, units, two_level;
    const struct yaml_node *dominance;
};
#define KEY(member) offsetof(struct privacy_keys, member)
#define COUNT_MAX   10000
static const struct yaml_key privacy_table[] = {
    {"family_denominator", YAML_WANT_INTEGER, false, KEY(family), 1, COUNT_MAX, NULL},
    {"results_denominator", YAML_WANT_INTEGER, false, KEY(results), 1, COUNT_MAX, NULL},
    {"staff_denominator", YAML_WANT_INTEGER, false, KEY(staff), 1, COUNT_MAX, NULL},
    {"small_count", YAML_WANT_INTEGER, false, KEY(small), 0, COUNT_MAX, NULL},
    {"survey_compute", YAML_WANT_INTEGER, false, KEY(compute), 1, COUNT_MAX, NULL},
    {"survey_show", YAML_WANT_INTEGER, false, KEY(show), 1, COUNT_MAX, NULL},
    {"survey_units", YAML_WANT_INTEGER, false, KEY(units), 1, COUNT_MAX, NULL},
    {"two_level_units", YAML_WANT_INTEGER, false, KEY(two_level), 1, COUNT_MAX, NULL},
    {"dominance", YAML_WANT_NODE, false, KEY(dominance), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

static void read_privacy(struct loader *l, const struct yaml_node *n)
{
    struct privacy_rules *rules = &l->prog->privacy;
    struct privacy_keys k = {10, 5, 5, 4, 5, 10, 3, 5, NULL};

    rules->dominance = 0.85;
    if (n != NULL)
        (void)yaml_read(l->programme.doc, n, privacy_table, &k, l->r); /* its mistakes are in the report */
    if (k.dominance != NULL && loader_number(l, &l->programme, k.dominance, "dominance", &rules->dominance) &&
        (rules->dominance <= 0 || rules->dominance > 1))
        loader_complain(l, &l->programme, k.dominance, "dominance", "%s",
                        _("a number above 0 and up to 1 is expected"));
    rules->family_denominator = (uint32_t)k.family;
    rules->results_denominator = (uint32_t)k.results;
    rules->staff_denominator = (uint32_t)k.staff;
    rules->small_count = (uint32_t)k.small;
    rules->survey_compute = (uint32_t)k.compute;
    rules->survey_show = (uint32_t)k.show;
    rules->survey_units = (uint32_t)k.units;
    rules->two_level_units = (uint32_t)k.two_level;
}

/* ---- in order ---- */

static void read_top(struct loader *l, struct top_keys *k)
{
    struct programme *p = l->prog;

    if (!loader_parse(l, PROGRAMME_FILE, &l->programme))
        return;
    (void)yaml_read(l->programme.doc, yaml_root(l->programme.doc), top_table, k, l->r); /* its mistakes are told */
    if (k->programme != NULL && loader_check_id(l, &l->programme, k->programme, "programme"))
        (void)snprintf(p->id, sizeof(p->id), "%s", k->programme->text);
    if (k->version != NULL && (k->version[0] == '\0' || strlen(k->version) >= sizeof(p->version)))
        loader_complain(l, &l->programme, yaml_get(yaml_root(l->programme.doc), "version"), "version",
                        _("a version of 1 to %zu bytes is expected"), sizeof(p->version) - 1);
    else if (k->version != NULL)
        (void)snprintf(p->version, sizeof(p->version), "%s", k->version);
    p->title_ru = k->title.ru != NULL ? k->title.ru : k->title.en;
    p->title_en = k->title.en != NULL ? k->title.en : k->title.ru;
    p->merger_pools = k->merger == 0;
}

/* What is due when has its own reader (due.h), which takes the tree from the programme. */
static void read_calendar(struct loader *l)
{
    struct source s;

    if (loader_parse(l, CALENDAR_FILE, &s))
        l->prog->calendar_doc = s.doc;
}

static void load_all(struct loader *l, struct calendar *calendar)
{
    struct top_keys k = {.merger = 0};
    struct finding none = {.file = PROGRAMME_FILE};
    enum err e;

    if (pack_find(l->pack, PROGRAMME_FILE) == NULL)
        report_add(l->r, &none, "%s", _("the pack has no such file"));
    read_top(l, &k);
    load_files(l);
    if ((e = programme_periods(l->pack, calendar, l->r)) == ERR_NOMEM)
        l->e = e;
    l->calendar = e == OK ? calendar : NULL;
    load_check_series(l);
    load_check_compares(l);
    if (l->programme.doc != NULL) {
        check_listed_forms(l, &k);
        read_parameters(l, k.parameters);
        read_base_periods(l, k.base_period);
        read_privacy(l, k.privacy);
    }
    read_calendar(l);
    load_roadmap(l);
    load_variables(l, VARIABLES_FILE, &l->variables_file, false);
    load_variables(l, SHARED_VARIABLES_FILE, &l->shared_file, true);
    if (k.indicators != NULL)
        load_indicators(l, k.indicators);
}

static void loader_fini(struct loader *l)
{
    for (size_t i = 0; i < l->variable_count; i++)
        if (l->variables[i].index < 0)
            variable_free(l->variables[i].v);
    free(l->variables);
    free(l->drafts);
    free(l->parameters);
    free(l->names);
    free(l->suggestions);
    free(l->edges);
    free(l->told);
    free(l->origin);
    expr_arena_free(l->arena);
}

enum err programme_load(struct programme **out, const struct pack *p, struct calendar *calendar, struct report *r)
{
    struct loader l = {.prog = calloc(1, sizeof(struct programme)), .pack = p, .r = r};
    size_t before = report_errors(r);
    size_t mistakes;
    enum err e;

    if (l.prog == NULL)
        return ERR_NOMEM;
    if ((l.e = expr_arena_new(&l.arena, 0)) == OK)
        load_all(&l, calendar);
    e = l.e;
    mistakes = report_errors(r) - before;
    if (e == OK && mistakes > 0)
        e = err_set(ERR_INVALID, ngettext("the pack has %zu mistake", "the pack has %zu mistakes", mistakes), mistakes);
    loader_fini(&l);
    if (e != OK) {
        programme_free(l.prog);
        return e;
    }
    *out = l.prog;
    return OK;
}

void programme_free(struct programme *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->indicator_count; i++)
        indicator_free(p->indicators[i]);
    for (size_t i = 0; i < p->variable_count; i++)
        variable_free(p->variables[i]);
    for (size_t i = 0; i < p->form_count; i++)
        form_free(p->forms[i]);
    for (size_t i = 0; i < p->map_count; i++)
        free(p->maps[i]);
    for (size_t i = 0; i < p->text_count; i++)
        free(p->texts[i]);
    for (size_t i = 0; i < p->doc_count; i++)
        yaml_free(p->docs[i]);
    free(p->indicators);
    free(p->variables);
    free(p->forms);
    free(p->maps);
    free(p->texts);
    free(p->docs);
    free(p->roadmap);
    free(p->base_periods);
    free(p);
}

/* ---- finding ---- */

const struct indicator *programme_version(const struct programme *p, uint32_t first, int32_t last_day)
{
    const struct indicator *of = first < p->indicator_count ? p->indicators[first] : NULL;

    for (size_t n = first; of != NULL && n < p->indicator_count; n++) {
        const struct indicator *i = p->indicators[n];

        if (i->valid_from <= last_day && last_day <= i->valid_to && strcmp(i->id, of->id) == 0 &&
            strcmp(i->part, of->part) == 0)
            return i;
    }
    return NULL;
}

int32_t programme_find_indicator(const struct programme *p, const char *id, const char *part)
{
    for (size_t n = 0; n < p->indicator_count; n++)
        if (strcmp(p->indicators[n]->id, id) == 0 && strcmp(p->indicators[n]->part, part == NULL ? "" : part) == 0)
            return (int32_t)n;
    return -1;
}

int32_t programme_find_variable(const struct programme *p, const char *id)
{
    for (size_t n = 0; n < p->variable_count; n++)
        if (strcmp(p->variables[n]->id, id) == 0)
            return (int32_t)n;
    return -1;
}
