/* bench_variables: what counting costs, without store and network: one core, one thread.
 *
 *   bench_variables PACK FORM [RECORDS] [SEED]
 *
 * Made-up answers that pass the form's rules (as many different ones as are found, up to 5,000) go round until RECORDS
 * (default 200,000) were taken: decoded only; decoded and validated; decoded, validated and counted.  Median of five.
 * Prints key=value lines: records a second of each of the three; cells_s (contributions to cells) and ns_record are of
 * counting alone. */
#include "common/clock.h"
#include "hub/cells.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS        5u
#define SAMPLES_MAX 5000u
#define TRIES_MAX   200000u
#define BATCH       1000u /* records whose sums are gathered together */
#define REPEAT_ROWS 12u
#define CELLS_MAX   65536u
#define TEXT_BYTES  16u

struct bench {
    struct pack pack;
    struct programme *programme;
    struct calendar *calendar;
    const struct form *form;
    struct hub hub;
    struct variable_eval *eval;
    struct cell_sums *sums;
    struct form_checker *checker;
    struct record_space *space;
    struct buf bytes;           /* records one after another */
    size_t at[SAMPLES_MAX + 1]; /* where each begins */
    size_t samples;
    uint64_t rows; /* of repeats, in all samples */
    uint64_t seed;
    uint64_t cells; /* contributions */
    struct value *values, *cell_values;
    char (*texts)[TEXT_BYTES];
    size_t text_count;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_variables: %s: %s\n", what, err_text());
    exit(1);
}

static void must(enum err e, const char *what)
{
    if (e != OK)
        die(what);
}

/* splitmix64 */
static uint64_t draw(struct bench *b, uint64_t below)
{
    uint64_t z = (b->seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* ---- a pack and a hub around it ---- */

static void load(struct bench *b, const char *dir, const char *form)
{
    struct report *r = NULL;
    static struct programme *list[1];

    must(report_new(&r, 20), "memory");
    must(calendar_new(&b->calendar), "calendar");
    if (pack_read_dir(&b->pack, dir, r) != OK || programme_load(&b->programme, &b->pack, b->calendar, r) != OK) {
        report_print(r, stderr);
        die(dir);
    }
    report_free(r);
    for (size_t i = 0; i < b->programme->form_count; i++)
        if (strcmp(b->programme->forms[i]->id, form) == 0)
            b->form = b->programme->forms[i];
    if (b->form == NULL)
        die(form);
    list[0] = b->programme;
    b->hub.forms = b->programme->forms;
    b->hub.form_count = b->programme->form_count;
    b->hub.programmes = list;
    b->hub.programme_count = 1;
    must(key_generate(&b->hub.storage, KEY_SECRET), "key");
    must(variable_eval_new(&b->eval, &b->hub, NULL, NULL), "variables");
    must(cell_sums_new(&b->sums), "sums");
    must(form_checker_new(&b->checker), "checker");
    must(record_space_new(&b->space), "space");
}

/* ---- answers ---- */

static struct value some_value(struct bench *b, const struct form_field *f)
{
    struct value v = {.state = VALUE_PRESENT};
    char *text;

    if (f->type == VALUE_REPEAT || draw(b, 20) == 0) {
        v.state = VALUE_MISSING;
        return v;
    }
    switch (f->type) {
    case VALUE_INTEGER: v.as.i = (int64_t)draw(b, draw(b, 2) == 0 ? 6 : 40); break;
    case VALUE_DECIMAL: v.as.i = (int64_t)draw(b, 10000); break;
    case VALUE_DATE: v.as.i = 18000 + (int64_t)draw(b, 600); break;
    case VALUE_BOOLEAN: v.as.i = (int64_t)draw(b, 2); break;
    case VALUE_SELECT_ONE: v.as.i = (int64_t)draw(b, f->choices->count); break;
    case VALUE_SELECT_MULTIPLE: v.as.set = UINT64_C(1) << draw(b, f->choices->count); break;
    case VALUE_TEXT:
        text = b->texts[b->text_count++];
        (void)snprintf(text, TEXT_BYTES, "T%02u", (unsigned)draw(b, 60));
        v.as.text = bytes_of(text, strlen(text));
        break;
    case VALUE_REPEAT: break;
    }
    return v;
}

static uint32_t fill(struct bench *b)
{
    uint32_t used = 0;
    uint32_t rows = 0;

    b->text_count = 0;
    for (uint32_t i = 0; i < b->form->field_count; i++) {
        const struct form_field *f = &b->form->fields[i];
        uint32_t count = 1 + (uint32_t)draw(b, REPEAT_ROWS);

        b->values[i] = f->is_calculated ? (struct value){.state = VALUE_MISSING} : some_value(b, f);
        if (f->type != VALUE_REPEAT || used + count * f->column_count > CELLS_MAX)
            continue;
        b->values[i] = (struct value){.as.rows = {b->cell_values + used, count, f->column_count}};
        for (uint32_t k = 0; k < count * f->column_count; k++)
            b->cell_values[used + k] = some_value(b, &f->columns[k % f->column_count]);
        used += count * f->column_count;
        rows += count;
    }
    return rows;
}

static void keep(struct bench *b)
{
    struct record r = {.unit = "school-07",
                       .period = "2020/21",
                       .filled_on = 18600,
                       .ordinal = (uint32_t)b->samples,
                       .values = b->values,
                       .value_count = b->form->field_count};

    memcpy(r.form, b->form->digest, sizeof(r.form));
    b->at[b->samples++] = b->bytes.len;
    must(record_encode(&b->bytes, &r, b->form), "record");
    b->at[b->samples] = b->bytes.len;
}

/* Not every made-up sheet keeps to the rules; those that do are few for some forms. */
static void make_samples(struct bench *b)
{
    b->values = calloc(b->form->field_count, sizeof(*b->values));
    b->cell_values = calloc(CELLS_MAX, sizeof(*b->cell_values));
    b->texts = calloc(CELLS_MAX, sizeof(*b->texts));
    if (b->values == NULL || b->cell_values == NULL || b->texts == NULL)
        die("memory");
    buf_init(&b->bytes, 512u << 20);
    for (unsigned tries = 0; tries < TRIES_MAX && b->samples < SAMPLES_MAX; tries++) {
        uint32_t rows = fill(b);

        if (form_complete(b->form, b->checker, b->values, 18600, true) != OK ||
            form_check(b->form, b->checker, b->values, b->form->field_count, 18600, NULL, NULL) != OK)
            continue;
        b->rows += rows;
        keep(b);
    }
    if (b->samples == 0) {
        (void)fprintf(stderr, "bench_variables: of %u made-up sheets of form %s none keeps to its rules: %s\n",
                      TRIES_MAX, b->form->id, err_text());
        exit(1);
    }
}

/* ---- measuring ---- */

enum work { DECODE, VALIDATE, COUNT };

static enum err count_cell(void *ctx, const struct variable *v, struct bytes part, const struct contribution *c)
{
    struct bench *b = ctx;

    (void)v;
    (void)part;
    (void)c;
    b->cells++;
    return OK;
}

static double run(struct bench *b, enum work work, uint64_t records)
{
    int64_t began = clock_mono_ms();
    uint32_t place = 0;
    bool is_new;

    for (uint64_t n = 0; n < records; n++) {
        size_t s = n % b->samples;
        struct record r;

        must(record_decode(&r, b->space, bytes_of(b->bytes.data + b->at[s], b->at[s + 1] - b->at[s]), b->form),
             "decode");
        if (work >= VALIDATE)
            must(form_check(b->form, b->checker, r.values, r.value_count, r.filled_on, NULL, NULL), "check");
        if (work != COUNT)
            continue;
        if (n % BATCH == 0) {
            cell_sums_reset(b->sums);
            must(places_index(cell_sums_places(b->sums), b->form, r.unit, r.period, &place, &is_new), "place");
        }
        must(cell_sums_record(b->sums, b->eval, place, &r, 1), "count");
    }
    return (double)(clock_mono_ms() - began) / 1000;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    static struct bench b;
    uint64_t records = argc > 3 ? strtoull(argv[3], NULL, 10) : 200000;
    double wall[3][RUNS];

    if (argc < 3 || argc > 5 || records == 0) {
        (void)fprintf(stderr, "usage: bench_variables PACK FORM [RECORDS] [SEED]\n");
        return 2;
    }
    b.seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    must(keys_start(), "keys");
    load(&b, argv[1], argv[2]);
    make_samples(&b);
    for (unsigned i = 0; i < RUNS; i++)
        for (int w = DECODE; w <= COUNT; w++)
            wall[w][i] = run(&b, (enum work)w, records);
    for (int w = DECODE; w <= COUNT; w++)
        qsort(wall[w], RUNS, sizeof(double), compare);
    for (size_t s = 0; s < b.samples; s++) {
        struct record r;

        must(record_decode(&r, b.space, bytes_of(b.bytes.data + b.at[s], b.at[s + 1] - b.at[s]), b.form), "decode");
        must(variable_eval_record(b.eval, b.form, r.unit, r.values, r.value_count, r.filled_on, count_cell, &b),
             "count");
    }
    (void)printf("variables=%zu\nsamples=%zu\nbytes_record=%.0f\nrows_record=%.1f\ncells_record=%.1f\n",
                 b.programme->variable_count, b.samples, (double)b.bytes.len / (double)b.samples,
                 (double)b.rows / (double)b.samples, (double)b.cells / (double)b.samples);
    (void)printf("decode_records_s=%.0f\nvalidate_records_s=%.0f\ncount_records_s=%.0f\n",
                 (double)records / wall[DECODE][RUNS / 2], (double)records / wall[VALIDATE][RUNS / 2],
                 (double)records / wall[COUNT][RUNS / 2]);
    (void)printf("cells_s=%.0f\nns_record=%.0f\n",
                 (double)records * (double)b.cells / (double)b.samples /
                     (wall[COUNT][RUNS / 2] - wall[VALIDATE][RUNS / 2]),
                 (wall[COUNT][RUNS / 2] - wall[VALIDATE][RUNS / 2]) * 1e9 / (double)records);
    return 0;
}
