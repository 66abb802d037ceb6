/* bench_plan.c: the imports of an invented district's plan as records, the way an agent makes them. */
#include "agent/import.h"
#include "agent/import_columns.h"
#include "tests/bench/bench_district.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 100000u
#define PLAN_FIELDS 9u /* step kind who form period unit key filled_on file */
#define DAYS_LATER  60 /* where the plan names no day: after the period's begin */

struct importing {
    struct district *d;
    const char *plan;
    struct report *report;
    struct form_checker *checker;
    struct value *values;
    const struct form *form;
    struct period period;
    uint32_t sender;
    int32_t filled_on;
    const char *unit;
    char changed[FORM_NAME_MAX + 1]; /* the form that gets a second version on the way: from then on it is left out */
};

static void keep(struct importing *im, const char *unit)
{
    struct district *d = im->d;
    struct record r = {.filled_on = im->filled_on,
                       .source = SOURCE_IMPORT,
                       .values = im->values,
                       .value_count = im->form->field_count};
    struct sample *s = &d->samples[d->sample_count];

    if (d->sample_count == SAMPLES_MAX)
        bench_die("more samples than expected");
    memcpy(r.form, im->form->digest, sizeof(r.form));
    if (!id_is_valid(unit))
        bench_die(unit);
    memcpy(r.unit, unit, strlen(unit) + 1);
    memcpy(r.period, im->period.id, sizeof(r.period));
    *s = (struct sample){im->form, im->sender, d->bytes.len, 0};
    must(record_encode(&d->bytes, &r, im->form), im->form->id);
    s->len = d->bytes.len - s->at;
    if (im->form->mode == FORM_ANSWERS)
        d->answers[d->answer_count++] = d->sample_count;
    else if (strcmp(im->form->id, "staff") == 0)
        d->staff[d->staff_count++] = d->sample_count;
    else
        d->others[d->other_count++] = d->sample_count;
    d->sample_count++;
}

static void take_row(struct importing *im, struct import_columns *columns, const struct csv_row *row)
{
    uint32_t at = import_columns_unit(columns);
    char unit[CELL_TEXT_MAX];

    (void)snprintf(unit, sizeof(unit), "%s", im->unit);
    if (at > 0)
        cell_text(unit, row->cells[at - 1]);
    must(import_columns_read(columns, row, im->values, im->report), im->form->id);
    must(form_complete(im->form, im->checker, im->values, im->filled_on, false), im->form->id);
    must(form_check(im->form, im->checker, im->values, im->form->field_count, im->filled_on, NULL, NULL), im->form->id);
    keep(im, unit);
}

static void take_file(struct importing *im, const char *file)
{
    bool has_units = strcmp(im->unit, "*") == 0;
    struct csv_options o = {0};
    struct import_columns *columns;
    struct csv_source *source;
    struct import_source *rows;
    struct csv_row row;
    char path[4096];
    enum err e;

    (void)snprintf(path, sizeof(path), "%s/%s", im->plan, file);
    must(csv_source_open(&source, path, &o), path);
    rows = csv_source_rows(source);
    must(rows->next(rows->ctx, &row), path);
    must(import_columns_bind(&columns, im->form, NULL, has_units ? "unit" : NULL, &row, path, im->report), path);
    while ((e = rows->next(rows->ctx, &row)) == OK)
        take_row(im, columns, &row);
    if (e != ERR_NOT_FOUND)
        bench_die(path);
    import_columns_free(columns);
    csv_source_close(source);
}

/* An import is step, "import" or "replace", who, form, period, unit, key, day, file; other steps are left out. */
static void take_step(struct importing *im, char *line)
{
    char *field[PLAN_FIELDS];
    char *rest = line;

    for (unsigned i = 0; i < PLAN_FIELDS; i++)
        if ((field[i] = strsep(&rest, "\t\n")) == NULL)
            return;
    if (strcmp(field[1], "second-version") == 0)
        (void)snprintf(im->changed, sizeof(im->changed), "%.*s", (int)FORM_NAME_MAX, field[3]);
    if ((strcmp(field[1], "import") != 0 && strcmp(field[1], "replace") != 0) || strcmp(field[3], im->changed) == 0)
        return;
    im->sender = district_sender(im->d, field[2]);
    if ((im->form = hub_form_by_id(im->d->hub, field[3])) == NULL)
        bench_die(field[3]);
    must(form_period(im->form, im->d->hub->calendar, field[4], &im->period), field[4]);
    im->unit = field[5];
    im->filled_on = im->period.first + DAYS_LATER;
    if (strcmp(field[7], "-") != 0)
        must(date_parse(&im->filled_on, field[7], strlen(field[7])), field[7]);
    take_file(im, field[8]);
}

void plan_read(struct district *d, const char *plan)
{
    struct importing im = {.d = d, .plan = plan};
    char path[4096];
    char *line = NULL;
    size_t cap = 0;
    FILE *f;

    buf_init(&d->bytes, 256u << 20);
    d->samples = calloc(SAMPLES_MAX, sizeof(*d->samples));
    d->answers = calloc(SAMPLES_MAX, sizeof(*d->answers));
    d->staff = calloc(SAMPLES_MAX, sizeof(*d->staff));
    d->others = calloc(SAMPLES_MAX, sizeof(*d->others));
    im.values = calloc(FORM_MAX_FIELDS, sizeof(*im.values));
    (void)snprintf(path, sizeof(path), "%s/plan.tsv", plan);
    f = fopen(path, "re");
    if (d->samples == NULL || d->answers == NULL || d->staff == NULL || d->others == NULL || im.values == NULL ||
        f == NULL)
        bench_die(path);
    must(report_new(&im.report, 20), "memory");
    must(form_checker_new(&im.checker), "memory");
    while (getline(&line, &cap, f) > 0)
        take_step(&im, line);
    (void)fclose(f);
    if (d->answer_count == 0 || d->staff_count == 0 || d->other_count == 0)
        bench_die("the plan has no answers, no staff or nothing else");
    free(line);
    form_checker_free(im.checker);
    report_free(im.report);
    free(im.values);
}
