/* ledger_fixture.h: a real hub in a folder of its own with one small programme and two schools that have joined, and a
 * school's end of it: records, and batches in a chain.  For the tests of intake and ledger. */
#ifndef SVODKA_TESTS_LEDGER_FIXTURE_H
#define SVODKA_TESTS_LEDGER_FIXTURE_H

#include "common/clock.h"
#include "common/folder.h"
#include "hub/intake.h"
#include "hub/ledger_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOME_MS      INT64_C(1600000000000) /* September 2020 */
#define SOME_DAY     18518
#define MAX_FIELDS   3u

static const char programme_yaml[] =
    "programme: quality\n"
    "version: \"1\"\n"
    "title: Quality\n"
    "indicators:\n"
    "  - {id: pupils, name: Pupils, form: grades, kind: count, breakdown: level}\n"
    "  - {id: grade_mean, name: Mean grade, form: grades, kind: mean, value: \"${grade}\", places: 2}\n"
    "  - {id: passed, name: Passed, form: grades, kind: share, condition: \"${grade} >= 10\"}\n"
    "  - {id: places, name: Places, form: card, kind: sum, value: \"${seats}\"}\n"
    "  - {id: mood, name: Mood, form: poll, kind: mean, value: \"${mark}\"}\n";
static const char grades_yaml[] =
    "form: grades\nversion: \"1\"\ntitle: Grades\nmode: rows\nkey: pupil\nrole: school\n"
    "period: month\n"
    "choices:\n  levels:\n    - {code: low, label: Low}\n    - {code: high, label: High}\n"
    "survey:\n"
    "  - {type: text, name: pupil, label: Pupil, required: true}\n"
    "  - {type: integer, name: grade, label: Grade, required: true,"
    " constraint: \". >= 0 and . <= 20\"}\n"
    "  - {type: select_one levels, name: level, label: Level}\n";
static const char card_yaml[] = "form: card\nversion: \"1\"\ntitle: Card\nmode: record\nrole: school\n"
                                "period: [month, school_year]\n"
                                "survey:\n  - {type: integer, name: seats, label: Seats, required: true}\n";
static const char poll_yaml[] = "form: poll\nversion: \"1\"\ntitle: Poll\nmode: answers\nrole: school\nperiod: month\n"
                                "survey:\n  - {type: integer, name: mark, label: Mark, required: true}\n";
static const char office_yaml[] = "form: ledgerbook\nversion: \"1\"\ntitle: Book\nmode: record\nrole: office\n"
                                  "about: district\nperiod: month\n"
                                  "survey:\n  - {type: integer, name: x, label: X, required: true}\n";

struct world {
    char dir[64];
    struct hub *hub;
    struct intake *intake;
    struct key *sign[2];             /* of the schools */
    const struct participant *of[2]; /* gp (units gp, gp2) and ms */
};

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_e_ = (call);                                                                                     \
        if (must_e_ != OK)                                                                                             \
            fail_msg("%s: %s: %s", #call, err_name(must_e_), err_text());                                              \
    } while (0)

/* As after enrolment. */
static inline void join_schools(struct world *w)
{
    static const char *const ids[] = {"gp", "ms"};

    for (size_t i = 0; i < 2; i++) {
        struct participant *p = (struct participant *)(uintptr_t)registry_by_id(w->hub->registry, ids[i]);

        assert_non_null(p);
        assert_int_equal(p->index, i + 1);
        p->state = PARTICIPANT_ACTIVE;
        memcpy(p->grant.sign_key, key_public(w->sign[i]), KEY_BYTES);
        w->of[i] = p;
    }
}

static inline void add_school(struct world *w, struct store_txn *t, const char *id, const char *const *units, size_t n)
{
    struct school_add a = {.id = id, .name = id, .units = units, .unit_count = n};
    struct buf text;

    buf_init(&text, INVITATION_MAX);
    MUST(registry_add(w->hub, t, &a, &text));
    buf_fini(&text);
}

static inline void load_pack(struct world *w, struct store_txn *t, struct pack_file *files, size_t count)
{
    struct pack pack = {files, count};
    struct programme *p = NULL;
    struct calendar *calendar;
    struct report *r;

    MUST(report_new(&r, 0));
    MUST(calendar_new(&calendar));
    if (programme_load(&p, &pack, calendar, r) != OK) {
        report_print(r, stderr);
        fail_msg("the programme was refused");
    }
    MUST(hub_add_programme(w->hub, t, &pack, p));
    programme_free(p);
    calendar_free(calendar);
    report_free(r);
}

/* With all four forms; `variables` NULL: none of its own. */
static inline void load_programme_with(struct world *w, struct store_txn *t, const char *yaml, const char *variables)
{
    struct pack_file files[] = {
        {(char *)(uintptr_t) "programme.yaml", (void *)(uintptr_t)yaml, strlen(yaml)},
        {(char *)(uintptr_t) "forms/grades.yaml", (void *)(uintptr_t)grades_yaml, sizeof(grades_yaml) - 1},
        {(char *)(uintptr_t) "forms/card.yaml", (void *)(uintptr_t)card_yaml, sizeof(card_yaml) - 1},
        {(char *)(uintptr_t) "forms/poll.yaml", (void *)(uintptr_t)poll_yaml, sizeof(poll_yaml) - 1},
        {(char *)(uintptr_t) "forms/ledgerbook.yaml", (void *)(uintptr_t)office_yaml, sizeof(office_yaml) - 1},
        {(char *)(uintptr_t) "variables.yaml", (void *)(uintptr_t)variables, variables == NULL ? 0 : strlen(variables)},
    };

    load_pack(w, t, files, COUNT(files) - (variables == NULL ? 1 : 0));
}

static inline void load_programme(struct world *w, struct store_txn *t, const char *yaml)
{
    load_programme_with(w, t, yaml, NULL);
}

/* After the hub's definitions changed. */
static inline void renew_intake(struct world *w)
{
    intake_free(w->intake);
    w->intake = NULL;
    MUST(intake_new(&w->intake, w->hub));
}

static inline void finish_txn(struct world *w, struct store_txn *t)
{
    MUST(store_commit(t));
    ledger_committed(w->hub->ledger);
}

static inline void world_open(struct world *w)
{
    static const char *const listen[] = {"tcp://127.0.0.1:4000"};
    static const char *const units[] = {"gp", "gp2"};
    struct hub_init init = {.name = "District", .listen = listen, .listen_count = 1};
    const char *tmp = getenv("TMPDIR");
    struct store_txn *t;
    char home[128];

    memset(w, 0, sizeof(*w));
    MUST(keys_start());
    clock_test_set(SOME_MS);
    (void)snprintf(w->dir, sizeof(w->dir), "%.40s/ledger-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(home, sizeof(home), "%s/hub", w->dir);
    MUST(hub_create(home, &init));
    MUST(hub_open(&w->hub, home, HUB_CORE));
    for (size_t i = 0; i < 2; i++)
        MUST(key_generate(&w->sign[i], KEY_SIGN));
    MUST(store_begin_write(w->hub->store, &t));
    load_programme(w, t, programme_yaml);
    MUST(hub_reload(w->hub, t));
    add_school(w, t, "gp", units, 2);
    MUST(hub_reload(w->hub, t)); /* the next index follows from what the registry holds */
    add_school(w, t, "ms", NULL, 0);
    finish_txn(w, t);
    MUST(hub_reload(w->hub, NULL));
    join_schools(w);
    renew_intake(w);
}

static inline void world_close(struct world *w)
{
    intake_free(w->intake);
    hub_close(w->hub, false);
    for (size_t i = 0; i < 2; i++)
        key_free(w->sign[i]);
    folder_remove(w->dir);
    clock_test_real();
}

/* ---- records ---- */

struct sub {
    int school;
    struct generation gen;
    uint64_t number;
    enum record_kind kind;
    const char *form, *unit, *period;
    char key[24];  /* grades: the pupil */
    int64_t value; /* grade, seats or mark */
    struct record_ref target;
    int32_t filled_on;          /* 0: SOME_DAY */
    const struct value *values; /* of another form; NULL: as above */
    struct record_ref made_as;  /* number not 0: its bytes are those of a copy that had this number */
    enum record_source source;
};

static inline struct generation generation_of(uint32_t counter, uint8_t tag)
{
    struct generation g = {counter, {tag, 1, 2, 3, 4, 5, 6, 7}};

    return g;
}

static inline struct sub grade(uint64_t number, const char *pupil, int64_t value)
{
    struct sub s = {.gen = generation_of(1, 7),
                    .number = number,
                    .form = "grades",
                    .unit = "gp",
                    .period = "2020-09",
                    .value = value};

    (void)snprintf(s.key, sizeof(s.key), "%s", pupil);
    return s;
}

static inline struct sub retraction(uint64_t number, uint64_t target)
{
    struct sub s = grade(number, "", 0);

    s.kind = RECORD_RETRACTION;
    s.target = (struct record_ref){s.gen, target};
    return s;
}

static inline struct sub correction(uint64_t number, uint64_t target, const char *pupil, int64_t value)
{
    struct sub s = grade(number, pupil, value);

    s.kind = RECORD_CORRECTION;
    s.target = (struct record_ref){s.gen, target};
    return s;
}

/* Appends the canonical bytes; the same submission gives the same bytes. */
static inline void sub_encode(const struct world *w, const struct sub *s, struct buf *out)
{
    const struct form *builtin = builtin_form_by_id(&w->hub->builtin, s->form);
    const struct form *f = builtin != NULL ? builtin : hub_form_by_id(w->hub, s->form);
    struct value values[MAX_FIELDS];
    struct record r = {.filled_on = s->filled_on != 0 ? s->filled_on : SOME_DAY,
                       .has_time = true,
                       .made_ms = SOME_MS,
                       .kind = s->kind,
                       .source = s->source,
                       .target = s->target};

    assert_non_null(f);
    memset(values, 0, sizeof(values));
    memcpy(r.form, f->digest, sizeof(r.form));
    (void)snprintf(r.unit, sizeof(r.unit), "%s", s->unit);
    (void)snprintf(r.period, sizeof(r.period), "%s", s->period);
    if (s->kind != RECORD_NEW)
        r.reason = bytes_of("typing mistake", 14);
    memcpy(r.tag, s->made_as.number != 0 ? s->made_as.gen.tag : s->gen.tag, TAG_BYTES);
    r.ordinal = (uint32_t)(s->made_as.number != 0 ? s->made_as.number : s->number);
    if (f->mode == FORM_ROWS) {
        values[0].as.text = bytes_of(s->key, strlen(s->key));
        values[1].as.i = s->value;
        values[2].as.i = s->value >= 10 ? 1 : 0;
    } else
        values[0].as.i = s->value;
    if (f->mode == FORM_ANSWERS)
        r.has_time = false;
    r.values = s->kind == RECORD_RETRACTION ? NULL : s->values != NULL ? s->values : values;
    r.value_count = s->kind == RECORD_RETRACTION ? 0 : f->field_count;
    MUST(record_encode(out, &r, f));
}

/* ---- batches ---- */

struct sealed {
    struct buf bytes;
    int school;
    uint32_t counter; /* of its generation */
    uint8_t digest[DIGEST_BYTES];
};

/* One batch of `count` submissions of one generation, numbers ascending, by a maker that is empty. */
static inline void seal_by(struct batch_maker *m, const struct world *w, const struct sub *const *subs, size_t count,
                           uint64_t sequence, const uint8_t *previous, struct sealed *out)
{
    struct batch_seal s = {.participant = w->of[subs[0]->school]->id,
                           .gen = subs[0]->gen,
                           .sequence = sequence,
                           .sign = w->sign[subs[0]->school],
                           .closed_ms = SOME_MS};
    struct buf record;
    uint32_t taken;

    buf_init(&record, RECORD_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_reset(&record);
        sub_encode(w, subs[i], &record);
        MUST(batch_maker_add(m, subs[i]->number, subs[i]->form[0] == 'p' ? "polls" : "default",
                             bytes_of(record.data, record.len)));
    }
    memcpy(s.district, w->hub->district, sizeof(s.district));
    if (previous != NULL)
        memcpy(s.previous, previous, DIGEST_BYTES);
    memcpy(s.seal_to, key_public(w->hub->seal[0]), KEY_BYTES);
    buf_init(&out->bytes, BATCH_MAX_SEALED);
    MUST(batch_maker_seal(m, &s, &out->bytes, &taken));
    assert_int_equal(taken, count);
    out->school = subs[0]->school;
    out->counter = subs[0]->gen.counter;
    batch_digest(out->digest, bytes_of(out->bytes.data, out->bytes.len));
    buf_fini(&record);
}

static inline void seal(const struct world *w, const struct sub *const *subs, size_t count, uint64_t sequence,
                        const uint8_t *previous, struct sealed *out)
{
    struct batch_maker *m;

    MUST(batch_maker_new(&m, NULL));
    seal_by(m, w, subs, count, sequence, previous, out);
    batch_maker_free(m);
}

/* The same for an array. */
static inline void seal_array(const struct world *w, const struct sub *subs, size_t count, uint64_t sequence,
                              const uint8_t *previous, struct sealed *out)
{
    const struct sub *at[64];

    assert_true(count <= COUNT(at));
    for (size_t i = 0; i < count; i++)
        at[i] = &subs[i];
    seal(w, at, count, sequence, previous, out);
}

static inline struct bytes sealed_bytes(const struct sealed *s)
{
    return bytes_of(s->bytes.data, s->bytes.len);
}

static inline struct prepared *prepare(struct world *w, const struct sealed *s)
{
    struct prepared *p = NULL;
    enum message_error refusal;

    MUST(intake_prepare(w->intake, w->of[s->school], sealed_bytes(s), &p, &refusal));
    return p;
}

/* Prepared, applied, committed; the receipt's verdicts, if it was stored or known. */
static inline enum ledger_outcome take(struct world *w, const struct sealed *s, uint64_t verdicts[VERDICT_COUNT])
{
    struct prepared *p = prepare(w, s);
    enum ledger_outcome outcome;
    struct store_txn *t;
    struct receipt r;
    struct buf object;

    buf_init(&object, SIGNED_MAX);
    MUST(store_begin_write(w->hub->store, &t));
    MUST(ledger_apply(w->hub->ledger, t, p, &object, &outcome));
    finish_txn(w, t);
    if (outcome != LEDGER_FORK) {
        MUST(receipt_open(&r, bytes_of(object.data, object.len), key_public(w->hub->sign)));
        assert_memory_equal(r.batch, s->digest, DIGEST_BYTES);
        if (verdicts != NULL)
            memcpy(verdicts, r.verdicts, sizeof(r.verdicts));
        receipt_fini(&r);
    }
    buf_fini(&object);
    prepared_free(p);
    return outcome;
}

static inline void take_array(struct world *w, const struct sub *subs, size_t count, uint64_t sequence,
                              uint8_t previous[DIGEST_BYTES], uint64_t verdicts[VERDICT_COUNT])
{
    struct sealed s;

    seal_array(w, subs, count, sequence, sequence == 1 ? NULL : previous, &s);
    assert_int_equal(take(w, &s, verdicts), LEDGER_STORED);
    memcpy(previous, s.digest, DIGEST_BYTES);
    buf_fini(&s.bytes);
}

/* ---- chance ---- */

/* Where the numbers of draw() come from; set, it gives the same ones again. */
static inline uint64_t *draw_seed(void)
{
    static uint64_t seed;

    return &seed;
}

/* The next number of a row of its own, which starts at `state`. */
static inline uint64_t draw_from(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t draw(uint64_t below)
{
    return draw_from(draw_seed()) % below;
}

/* By chance, or as the variable SVODKA_TEST_SEED says; printed, so that a run can be made again. */
static inline void draw_begin(void)
{
    const char *given = getenv("SVODKA_TEST_SEED");

    random_bytes(draw_seed(), sizeof(uint64_t));
    if (given != NULL)
        *draw_seed() = strtoull(given, NULL, 10);
    print_message("seed %llu\n", (unsigned long long)*draw_seed());
}

static inline void shuffle_batches(struct sealed *s, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)draw(i);
        struct sealed swap = s[i - 1];

        s[i - 1] = s[k];
        s[k] = swap;
    }
}

/* ---- looking ---- */

static inline uint64_t verify_bad(struct world *w)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    uint64_t bad;

    assert_non_null(to);
    MUST(ledger_verify(w->hub, to, &bad));
    (void)fclose(to);
    if (bad > 0)
        print_message("%s", text);
    free(text);
    return bad;
}

/* All rows of a table, one after another; of H_CURRENT without lsn and row, which depend on the order of arrival. */
static inline void dump_table(struct world *w, unsigned table, struct buf *out)
{
    struct store_cursor *c;
    struct store_txn *t;
    struct bytes key;
    struct bytes value;
    enum err e;

    MUST(store_begin_read(w->hub->store, &t));
    MUST(store_cursor_open(t, table, &c));
    for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK; e = store_next(c, &key, &value)) {
        buf_put_u32(out, (uint32_t)key.len);
        buf_put(out, key.p, key.len);
        if (table == H_CURRENT) {
            buf_put(out, value.p, 24);
            buf_put(out, value.p + 36, 1);
        } else
            buf_put(out, value.p, value.len);
    }
    assert_int_equal(e, ERR_NOT_FOUND);
    assert_false(out->failed);
    store_cursor_close(c);
    store_abort(t);
}

/* The first of that id; of an indicator over one form it is the indicator's. */
static inline const struct variable *variable_of(const struct world *w, const char *id)
{
    for (size_t p = 0; p < w->hub->programme_count; p++)
        for (size_t i = 0; i < w->hub->programmes[p]->variable_count; i++)
            if (strcmp(w->hub->programmes[p]->variables[i]->id, id) == 0)
                return w->hub->programmes[p]->variables[i];
    fail_msg("no variable %s", id);
    return NULL;
}

static inline struct cell cell_of_part(const struct world *w, const char *variable, const char *unit,
                                       const char *period, struct bytes part)
{
    struct cell c = {0, 0};
    uint8_t raw[CELL_KEY_MAX];
    struct store_txn *t;
    struct bytes value;
    size_t len = cell_key(raw, variable_of(w, variable)->digest, unit, period, part);

    assert_true(len > 0);
    MUST(store_begin_read(w->hub->store, &t));
    if (store_get(t, H_CELLS, bytes_of(raw, len), &value) == OK)
        MUST(cell_get(&c, value));
    store_abort(t);
    return c;
}

/* All zeros when there is none. */
static inline struct cell cell_of(const struct world *w, const char *variable, const char *unit, const char *period,
                                  const char *part)
{
    return cell_of_part(w, variable, unit, period, bytes_of(part, strlen(part)));
}

static inline uint64_t rows_of(const struct world *w, unsigned table)
{
    struct store_txn *t;
    uint64_t n;

    MUST(store_begin_read(w->hub->store, &t));
    n = store_count(t, table);
    store_abort(t);
    return n;
}

#endif
