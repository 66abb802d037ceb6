/* programme_forms.c: the files that others understand: forms, maps, periods.  They only have to fit together here. */
#include "hub/programme_internal.h"

#include "common/cli.h"
#include "protocol/builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- any file ---- */

static void keep_doc(struct loader *l, struct yaml_doc *d)
{
    struct yaml_doc **grown = reallocarray(l->prog->docs, l->prog->doc_count + 1, sizeof(struct yaml_doc *));

    if (grown == NULL) {
        l->e = ERR_NOMEM;
        yaml_free(d);
        return;
    }
    l->prog->docs = grown;
    l->prog->docs[l->prog->doc_count++] = d;
}

bool loader_parse(struct loader *l, const char *name, struct source *out)
{
    struct yaml_doc *d = NULL;
    enum err e;

    out->file = pack_find(l->pack, name);
    out->doc = NULL;
    if (out->file == NULL || l->e != OK)
        return false;
    if ((e = yaml_parse(&d, name, out->file->bytes, out->file->len, l->r)) == ERR_NOMEM)
        l->e = e;
    if (e != OK)
        return false; /* the report holds it */
    keep_doc(l, d);
    if (l->e != OK)
        return false;
    out->doc = d;
    return true;
}

/* A mistake at a key of a file's top mapping (when a list stands there: at its item `item`), or at the file's
 * beginning. */
static void complain_at_key(struct loader *l, const struct pack_file *file, const char *key, uint32_t item,
                            const char *text)
{
    struct finding f = {.file = file->name, .line = 1, .column = 1, .field = key};
    const struct yaml_node *at = NULL;
    struct yaml_doc *d = NULL;

    if (yaml_parse(&d, file->name, file->bytes, file->len, NULL) == OK)
        at = yaml_get(yaml_root(d), key);
    if (at != NULL && at->kind == YAML_SEQUENCE && item < at->count)
        at = at->items[item];
    if (at != NULL) {
        f.line = at->line;
        f.column = at->column;
        f.value = at->kind == YAML_SCALAR ? at->text : NULL;
    }
    report_add(l->r, &f, "%s", text);
    yaml_free(d);
}

/* ---- forms ---- */

const struct form *loader_form(const struct loader *l, const char *id)
{
    for (size_t i = 0; i < l->prog->form_count; i++)
        if (strcmp(l->prog->forms[i]->id, id) == 0)
            return l->prog->forms[i];
    return NULL;
}

static const char *nearest_form(struct loader *l, const char *id)
{
    const char **ids = loader_alloc(l, l->prog->form_count, sizeof(*ids));
    const char *near = NULL;

    for (size_t i = 0; ids != NULL && i < l->prog->form_count; i++)
        ids[i] = l->prog->forms[i]->id;
    if (ids != NULL)
        near = cli_nearest(id, ids, l->prog->form_count);
    free(ids);
    return near;
}

const struct form *loader_need_form(struct loader *l, const struct source *s, const struct yaml_node *at,
                                    const char *id)
{
    const struct form *f = loader_form(l, id);
    const char *near;

    if (f != NULL || l->has_broken_form) /* else it is probably that one, whose own mistakes are told */
        return f;
    if ((near = nearest_form(l, id)) != NULL)
        loader_complain(l, s, at, "form", _("the pack has no form '%s' in forms/; did you mean '%s'?"), id, near);
    else
        loader_complain(l, s, at, "form", _("the pack has no form '%s' in forms/"), id);
    return NULL;
}

static void read_form(struct loader *l, const struct pack_file *f)
{
    struct form *form = NULL;
    enum err e = form_load(&form, f->name, f->bytes, f->len, l->r);

    l->has_broken_form = l->has_broken_form || e != OK;
    if (e != OK) {
        l->e = e == ERR_NOMEM ? e : l->e;
        return; /* the report holds it */
    }
    if (builtin_has_id(form->id) || loader_form(l, form->id) != NULL) {
        complain_at_key(l, f, "form", 0,
                        builtin_has_id(form->id)
                            ? _("this name is kept for a form that the programs bring with them: take another one")
                            : _("this form stands in another file of the pack already"));
        form_free(form);
        return;
    }
    l->origin[l->prog->form_count] = f;
    l->prog->forms[l->prog->form_count++] = form;
}

/* Maps are read at the school; here only what would make them useless. */
static void read_map(struct loader *l, const struct pack_file *f)
{
    struct finding at = {.file = f->name, .line = 1, .column = 1};
    struct yaml_doc *d = NULL;
    enum err e;

    if (f->len == 0) {
        report_add(l->r, &at, "%s", _("the file is empty"));
        return;
    }
    if (strlen(f->name) > strlen("maps/.yaml") + FORM_NAME_MAX) {
        report_add(l->r, &at, _("a file name of at most %u bytes before .yaml is expected"), FORM_NAME_MAX);
        return;
    }
    e = yaml_parse(&d, f->name, f->bytes, f->len, l->r);
    yaml_free(d);
    if (e == OK && (l->prog->maps[l->prog->map_count] = strdup(f->name)) != NULL)
        l->prog->map_count++;
    else if (e == OK || e == ERR_NOMEM)
        l->e = ERR_NOMEM;
}

void load_files(struct loader *l)
{
    size_t forms = 0;

    l->prog->forms = loader_alloc(l, l->pack->count, sizeof(struct form *));
    l->prog->maps = loader_alloc(l, l->pack->count, sizeof(char *));
    l->origin = loader_alloc(l, l->pack->count, sizeof(struct pack_file *));
    for (size_t n = 0; n < l->pack->count && l->e == OK; n++) {
        const struct pack_file *f = &l->pack->files[n];

        if (strncmp(f->name, "maps/", 5) == 0) {
            read_map(l, f);
        } else if (strncmp(f->name, "forms/", 6) == 0) {
            forms++;
            read_form(l, f);
        }
    }
    if (l->e == OK && forms == 0) {
        struct finding none = {.file = "forms/"};

        report_add(l->r, &none, "%s", _("the pack has no form: at least one forms/*.yaml is expected"));
    }
}

void load_check_series(struct loader *l)
{
    for (size_t i = 0; i < l->prog->form_count && l->calendar != NULL; i++) {
        const struct form *f = l->prog->forms[i];

        for (uint32_t s = 0; s < f->series_count; s++)
            if (!calendar_has_series(l->calendar, f->all_series[s]))
                complain_at_key(l, l->origin[i], "period", s,
                                _("no such series of periods: neither predefined nor in periods.yaml"));
    }
}

/* What a form's warnings are compared with in another form; one that the pack lacks may come with another programme. */
static void check_compare(struct loader *l, size_t i, uint32_t k)
{
    const struct form *f = l->prog->forms[i], *other = loader_form(l, f->compares[k].form);
    const char *field = f->compares[k].field, *near;
    char text[512];
    int32_t n;

    if (other == NULL) {
        if ((near = nearest_form(l, f->compares[k].form)) == NULL)
            return;
        (void)snprintf(text, sizeof(text), _("the pack has no form '%s' in forms/; did you mean '%s'?"),
                       f->compares[k].form, near);
        complain_at_key(l, l->origin[i], "compare", k, text);
        return;
    }
    n = form_find_field(other, field, strlen(field));
    if (n >= 0 && form_is_compared(&other->fields[n]) && other->mode != FORM_ANSWERS && (other->key < 0 || f->key >= 0))
        return;
    if (other->mode == FORM_ANSWERS || (other->key >= 0 && f->key < 0))
        (void)snprintf(text, sizeof(text), _("the form \"%s\" has many rows, and nothing says which one is meant"),
                       other->id);
    else
        (void)snprintf(text, sizeof(text), _("the form \"%s\" has no number \"%s\" outside its repeats"), other->id,
                       field);
    complain_at_key(l, l->origin[i], "compare", k, text);
}

void load_check_compares(struct loader *l)
{
    for (size_t i = 0; i < l->prog->form_count && !l->has_broken_form && l->e == OK; i++)
        for (uint32_t k = 0; k < l->prog->forms[i]->compare_count; k++)
            check_compare(l, i, k);
}

/* ---- periods ---- */

struct periods_keys {
    const struct yaml_node *periods;
};
static const struct yaml_key periods_table[] = {
    {"periods", YAML_WANT_SEQUENCE, true, offsetof(struct periods_keys, periods), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static enum err read_periods(const struct pack_file *f, struct calendar *calendar, struct report *r)
{
    struct periods_keys k = {NULL};
    struct yaml_doc *d = NULL;
    enum err e;

    if (f == NULL)
        return OK;
    if ((e = yaml_parse(&d, f->name, f->bytes, f->len, r)) == OK &&
        (!yaml_read(d, yaml_root(d), periods_table, &k, r) || !calendar_read(calendar, d, k.periods, r)))
        e = ERR_INVALID;
    yaml_free(d);
    return e;
}

enum err programme_periods(const struct pack *p, struct calendar *calendar, struct report *r)
{
    enum err shared = read_periods(pack_find(p, SHARED_PERIODS_FILE), calendar, r);
    enum err own = shared == ERR_NOMEM ? shared : read_periods(pack_find(p, PERIODS_FILE), calendar, r);

    return own != OK ? own : shared;
}
