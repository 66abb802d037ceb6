/* bench_hub: what the language of indicators costs, in-process.
 *
 *   bench_hub packs DIR RUNS
 *       Loads every pack in DIR (configs/programmes): key=value lines PACK_load_ms, PACK_yaml_ms (libyaml's events of
 *       the same files, nothing made of them) and PACK_bytes, each the median of RUNS.
 *   bench_hub home HOME PACK PLAN SEED RUNS COUNT...
 *       A hub in the new folder HOME with the pack and the plan of an invented district.  With the plan alone in the
 *       ledger: records a second of decode_s (decoded only), count_s (decoded, validated, counted by all variables),
 *       open_s (batches verified, opened, decoded) and intake_s (all of intake).  Then, with each COUNT of submissions
 *       in the ledger, rising: the whole table in table_ms_COUNT, all cells read once in read_ms_COUNT, cells_COUNT,
 *       lines_COUNT; and at the end open_all_s.  HOME stays. */
#include "hub/cells.h"
#include "hub/decode.h"
#include "hub/evaluate.h"
#include "hub/ledger_internal.h"
#include "tests/bench/bench_district.h"

#include "common/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define RUNS_MAX    99u
#define RECORDS_MIN 200000u /* the plan goes round until so many were looked at */
#define SUMS_EVERY  1000u   /* records whose sums are gathered together */

struct runs {
    double s[RUNS_MAX];
    unsigned count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(struct runs *r)
{
    qsort(r->s, r->count, sizeof(r->s[0]), by_value);
    return r->count % 2 == 1 ? r->s[r->count / 2] : (r->s[r->count / 2 - 1] + r->s[r->count / 2]) / 2;
}

static void note(struct runs *r, int64_t began_ns)
{
    r->s[r->count++] = (double)(clock_mono_ns() - began_ns) / 1e9;
}

/* ---- packs ---- */

/* The least that reading YAML costs. */
static void parse_only(const struct pack_file *f)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_end = false;

    if (yaml_parser_initialize(&parser) == 0)
        bench_die("libyaml");
    yaml_parser_set_input_string(&parser, f->bytes, f->len);
    while (!is_end) {
        if (yaml_parser_parse(&parser, &event) == 0)
            bench_die(f->name);
        is_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static void load_once(const char *dir, struct runs *load, struct runs *yaml, size_t *bytes)
{
    struct programme *p;
    struct calendar *calendar;
    struct report *r;
    struct pack pack;
    int64_t began = clock_mono_ns();

    must(report_new(&r, 20), "memory");
    must(calendar_new(&calendar), "memory");
    if (pack_read_dir(&pack, dir, r) != OK || programme_load(&p, &pack, calendar, r) != OK) {
        report_print(r, stderr);
        bench_die(dir);
    }
    note(load, began);
    began = clock_mono_ns();
    *bytes = 0;
    for (size_t i = 0; i < pack.count; i++) {
        parse_only(&pack.files[i]);
        *bytes += pack.files[i].len;
    }
    note(yaml, began);
    programme_free(p);
    pack_free(&pack);
    calendar_free(calendar);
    report_free(r);
}

static int measure_packs(const char *dir, unsigned runs)
{
    DIR *folder = opendir(dir);
    struct dirent *at;

    if (folder == NULL)
        bench_die(dir);
    while ((at = readdir(folder)) != NULL) {
        struct runs load = {.count = 0};
        struct runs yaml = {.count = 0};
        size_t bytes = 0;
        char path[4096];

        if (at->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, at->d_name);
        for (unsigned i = 0; i < runs; i++)
            load_once(path, &load, &yaml, &bytes);
        (void)printf("%s_load_ms=%.2f\n%s_yaml_ms=%.2f\n%s_bytes=%zu\n", at->d_name, median(&load) * 1e3, at->d_name,
                     median(&yaml) * 1e3, at->d_name, bytes);
    }
    (void)closedir(folder);
    return 0;
}

/* ---- submissions one by one ---- */

struct counting {
    struct district *d;
    struct variable_eval *eval;
    struct cell_sums *sums;
    struct form_checker *checker;
};

static void look_at(struct counting *c, const struct sample *s, bool counts)
{
    struct district *d = c->d;
    struct record r;
    uint32_t place;
    bool is_new;

    must(record_decode(&r, d->space, bytes_of(d->bytes.data + s->at, s->len), s->form), s->form->id);
    if (!counts)
        return;
    must(form_check(s->form, c->checker, r.values, r.value_count, r.filled_on, NULL, NULL), s->form->id);
    must(places_index(cell_sums_places(c->sums), s->form, r.unit, r.period, &place, &is_new), "place");
    must(cell_sums_record(c->sums, c->eval, place, &r, 1), s->form->id);
}

static void look_at_all(struct counting *c, bool counts, uint32_t records, struct runs *out)
{
    int64_t began = clock_mono_ns();

    for (uint32_t i = 0; i < records; i++) {
        if (i % SUMS_EVERY == 0)
            cell_sums_reset(c->sums);
        look_at(c, &c->d->samples[i % c->d->sample_count], counts);
    }
    note(out, began);
}

/* ---- batches of the ledger ---- */

struct walking {
    struct district *d;
    struct decoder *decoder;
    struct buf blob;
    uint64_t records;
};

static void open_batch(struct walking *w, const struct participant *from)
{
    struct bytes bytes = bytes_of(w->blob.data, w->blob.len);
    struct section_keys keys;
    struct batch_header h;
    struct batch_plain *plain;

    must(batch_parse(&h, bytes), "batch");
    must(batch_verify(&h, bytes, from->grant.sign_key), "batch");
    must(batch_section_keys(&keys, &h, bytes, w->d->hub->seal[0]), "batch");
    must(batch_open(&plain, &h, bytes, &keys, ~0u), "batch");
    for (uint32_t i = 0; i < batch_plain_count(plain); i++) {
        const struct form *f;
        struct record r;

        must(decoder_read(w->decoder, batch_plain_record(plain, i, NULL, NULL), &r, &f), "record");
        w->records++;
    }
    batch_plain_free(plain);
    batch_header_fini(&h);
}

static void take_in(struct walking *w, const struct participant *from)
{
    enum message_error refusal;
    struct prepared *p;

    must(intake_prepare(w->d->intake, from, bytes_of(w->blob.data, w->blob.len), &p, &refusal), "intake");
    if (p->refused > 0)
        bench_die("a submission is refused");
    w->records += p->count;
    prepared_free(p);
}

/* Every batch of the ledger through `work`.  Records. */
static uint64_t walk_batches(struct district *d, void (*work)(struct walking *w, const struct participant *from),
                             struct runs *out)
{
    struct walking w = {.d = d};
    struct journal_head head;
    struct batch_entry entry;
    struct store_txn *t;
    int64_t began = clock_mono_ns();

    must(decoder_new(&w.decoder, d->hub), "memory");
    buf_init(&w.blob, BATCH_MAX_SEALED);
    must(store_begin_read(d->hub->store, &t), "store");
    must(journal_head(t, &head), "journal");
    for (uint64_t lsn = 1; lsn <= head.lsn; lsn++) {
        struct bytes bytes;

        must(journal_get(t, lsn, &bytes), "journal");
        if (batch_entry_get(&entry, lsn, bytes) != OK)
            continue;
        buf_reset(&w.blob);
        must(ledger_batch_bytes(d->hub->ledger, t, lsn, &w.blob), "blob");
        work(&w, registry_by_index(d->hub->registry, entry.participant));
    }
    store_abort(t);
    note(out, began);
    buf_fini(&w.blob);
    decoder_free(w.decoder);
    return w.records;
}

/* ---- intake ---- */

static void measure_intake(struct district *d, unsigned runs)
{
    struct counting c = {.d = d};
    uint32_t rounds = (RECORDS_MIN + d->sample_count - 1) / d->sample_count;
    uint32_t records = rounds * d->sample_count;
    struct runs decode = {.count = 0};
    struct runs count = {.count = 0};
    struct runs open = {.count = 0};
    struct runs intake = {.count = 0};
    uint64_t held = 0;

    must(variable_eval_new(&c.eval, d->hub, NULL, NULL), "variables");
    must(cell_sums_new(&c.sums), "memory");
    must(form_checker_new(&c.checker), "memory");
    for (unsigned i = 0; i < runs; i++) {
        look_at_all(&c, false, records, &decode);
        look_at_all(&c, true, records, &count);
        (void)walk_batches(d, open_batch, &open);
        held = walk_batches(d, take_in, &intake);
    }
    (void)printf("variables=%zu\nindicators=%zu\nforms=%zu\nsamples=%u\nbytes_sample=%.0f\n",
                 d->hub->programmes[0]->variable_count, d->hub->programmes[0]->indicator_count, d->hub->form_count,
                 d->sample_count, (double)d->bytes.len / d->sample_count);
    (void)printf("decode_s=%.0f\ncount_s=%.0f\nopen_s=%.0f\nintake_s=%.0f\n", records / median(&decode),
                 records / median(&count), (double)held / median(&open), (double)held / median(&intake));
    form_checker_free(c.checker);
    cell_sums_free(c.sums);
    variable_eval_free(c.eval);
}

/* ---- the table ---- */

struct counted {
    uint64_t lines, values;
};

static enum err count_line(void *ctx, const struct indicator_line *l)
{
    struct counted *c = ctx;

    c->lines++;
    c->values += l->result.state == RESULT_OK;
    return OK;
}

static void whole_table(struct district *d, struct counted *c, struct runs *out)
{
    const struct indicator_query q = {.level = -1};
    struct evaluation *e;
    struct store_txn *t;
    int64_t began = clock_mono_ns();

    *c = (struct counted){0, 0};
    must(store_begin_read(d->hub->store, &t), "store");
    must(evaluation_new(&e, d->hub, t, NULL), "evaluation");
    must(evaluation_lines(e, &q, count_line, c), "evaluation");
    evaluation_free(e);
    store_abort(t);
    note(out, began);
}

/* What no table can do without: each cell once. */
static uint64_t read_cells(struct district *d, struct runs *out)
{
    struct store_cursor *cursor;
    struct store_txn *t;
    struct bytes key;
    struct bytes value;
    uint64_t cells = 0;
    i128 sum = 0;
    int64_t began = clock_mono_ns();
    enum err e;

    must(store_begin_read(d->hub->store, &t), "store");
    must(store_cursor_open(t, H_CELLS, &cursor), "store");
    for (e = store_seek(cursor, bytes_of("", 0), &key, &value); e == OK; e = store_next(cursor, &key, &value)) {
        struct cell c;

        must(cell_get(&c, value), "cell");
        sum += c.sum;
        cells++;
    }
    if (e != ERR_NOT_FOUND || (cells > 0 && sum == 0))
        bench_die("cells");
    store_cursor_close(cursor);
    store_abort(t);
    note(out, began);
    return cells;
}

static void measure_table(struct district *d, uint64_t count, unsigned runs)
{
    struct runs table = {.count = 0};
    struct runs read = {.count = 0};
    struct counted c = {0, 0};
    uint64_t cells = 0;
    unsigned long long n = count;

    district_fill(d, count);
    for (unsigned i = 0; i < runs; i++) {
        whole_table(d, &c, &table);
        cells = read_cells(d, &read);
    }
    (void)printf("table_ms_%llu=%.1f\nread_ms_%llu=%.2f\ncells_%llu=%llu\nlines_%llu=%llu\nvalues_%llu=%llu\n", n,
                 median(&table) * 1e3, n, median(&read) * 1e3, n, (unsigned long long)cells, n,
                 (unsigned long long)c.lines, n, (unsigned long long)c.values);
    (void)fflush(stdout);
}

static int measure_home(char **argv, int argc)
{
    static struct district d;
    struct runs open = {.count = 0};
    unsigned runs = (unsigned)strtoul(argv[5], NULL, 10);
    uint64_t held = 0;

    d.seed = strtoull(argv[4], NULL, 10);
    must(keys_start(), "keys");
    district_open(&d, argv[1], argv[2], argv[3]);
    district_fill(&d, d.sample_count);
    measure_intake(&d, runs);
    for (int i = 6; i < argc; i++)
        measure_table(&d, strtoull(argv[i], NULL, 10), runs);
    for (unsigned i = 0; i < runs; i++)
        held = walk_batches(&d, open_batch, &open);
    (void)printf("open_all_s=%.0f\n", (double)held / median(&open));
    district_close(&d);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "packs") == 0 && strtoul(argv[3], NULL, 10) <= RUNS_MAX)
        return measure_packs(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    if (argc >= 8 && strcmp(argv[1], "home") == 0 && strtoul(argv[6], NULL, 10) <= RUNS_MAX)
        return measure_home(argv + 1, argc - 1);
    (void)fprintf(stderr, "usage: bench_hub packs DIR RUNS\n"
                          "       bench_hub home HOME PACK PLAN SEED RUNS COUNT...\n");
    return 2;
}
