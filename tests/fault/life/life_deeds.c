#include "tests/fault/life/life.h"

#include "agent/import.h"

#define FIELDS 3u

const char *const life_periods[LIFE_PERIODS] = {"2020-09", "2020-10"};

int64_t grade_of(uint32_t serial)
{
    return (int64_t)(serial * UINT32_C(2654435761) >> 16) % 21;
}

/* ---- what the queue says ---- */

static uint32_t read_one(const struct agent *a, struct record_space *space, unsigned period, unsigned pupil,
                         struct record_ref *ref)
{
    const struct queue_filter slot = {"marks", a->grant->participant, life_periods[period]};
    uint32_t serial = 0;
    char key[16], note[32] = "";
    struct record r;
    struct buf b;
    enum err e;

    (void)snprintf(key, sizeof(key), "p%u", pupil);
    if ((e = queue_find_current(a, &slot, key, ref)) == ERR_NOT_FOUND)
        return 0;
    MUST(e);
    buf_init(&b, RECORD_MAX);
    MUST(queue_get(a, ref, &b));
    MUST(record_decode_head(&r, bytes_of(b.data, b.len)));
    MUST(record_decode(&r, space, bytes_of(b.data, b.len), agent_form_by_digest(a, r.form)));
    if (r.values[2].as.text.len < sizeof(note))
        memcpy(note, r.values[2].as.text.p, r.values[2].as.text.len);
    serial = note[0] == 'd' ? (uint32_t)strtoul(note + 1, NULL, 10) : 0;
    if (serial == 0 || r.values[1].as.i != grade_of(serial))
        at_fault("%s holds what nobody entered: %s, %lld", a->grant->participant, note, (long long)r.values[1].as.i);
    buf_fini(&b);
    return serial;
}

void deed_read(const struct agent *a, struct standing *out, struct record_ref refs[LIFE_PERIODS][LIFE_PUPILS])
{
    struct record_space *space;
    struct record_ref ref;

    MUST(record_space_new(&space));
    for (unsigned p = 0; p < LIFE_PERIODS; p++)
        for (unsigned k = 0; k < LIFE_PUPILS; k++)
            out->serial[p][k] = read_one(a, space, p, k, refs != NULL ? &refs[p][k] : &ref);
    record_space_free(space);
}

static void acknowledge(struct life *l)
{
    atomic_store(&l->state, DEED_ACKNOWLEDGED);
    l->stands = l->next;
    atomic_store(&l->state, DEED_NONE);
}

void deed_recover(struct agent *a, struct life *l)
{
    struct standing found;
    int state = atomic_load(&l->state);

    if (state == DEED_ACKNOWLEDGED)
        acknowledge(l);
    deed_read(a, &found, NULL);
    if (memcmp(found.serial, l->stands.serial, sizeof(found.serial)) != 0) {
        if (state != DEED_UNDER_WAY || memcmp(found.serial, l->next.serial, sizeof(found.serial)) != 0)
            at_fault("%s: after a death the queue holds neither what was there before nor what was entered",
                     a->grant->participant);
        l->undecided_done++;
        acknowledge(l);
    }
    if (state == DEED_UNDER_WAY)
        l->undecided++;
    atomic_store(&l->state, DEED_NONE);
}

/* ---- doing ---- */

static struct capture *capture_of(struct agent *a, unsigned period)
{
    struct capture_options o = {
        .form = agent_form(a, "marks"), .period = life_periods[period], .filled_on = "2020-10-05"};
    struct capture *c;

    if (o.form == NULL)
        at_fault("%s has no form", a->grant->participant);
    MUST(capture_open(&c, a, &o));
    return c;
}

static void enter(struct agent *a, unsigned period, unsigned pupil, uint32_t serial, struct capture_deed *deed)
{
    struct capture *c = capture_of(a, period);
    struct value values[FIELDS];
    struct record_ref ref;
    char key[16], note[16];

    memset(values, 0, sizeof(values));
    (void)snprintf(key, sizeof(key), "p%u", pupil);
    (void)snprintf(note, sizeof(note), "d%u", serial);
    values[0].as.text = bytes_of(key, strlen(key));
    values[1].as.i = grade_of(serial);
    values[2].as.text = bytes_of(note, strlen(note));
    if (deed->kind != RECORD_RETRACTION)
        MUST(capture_judge(c, values, false, NULL, NULL));
    MUST(capture_one(c, deed->kind == RECORD_RETRACTION ? NULL : values, deed, &ref));
    capture_close(c);
}

/* A row; or one that stands is corrected or taken back. */
static void do_row(struct agent *a, struct life *l)
{
    unsigned period = chance_below(LIFE_PERIODS), pupil = chance_below(LIFE_PUPILS);
    struct capture_deed deed = {.kind = RECORD_NEW};
    uint32_t serial = ++l->serial;
    struct record_space *space;

    l->next = l->stands;
    l->next.records++;
    l->next.serial[period][pupil] = serial;
    if (l->stands.serial[period][pupil] != 0 && chance_below(3) != 0) {
        deed.kind = chance_below(3) == 0 ? RECORD_RETRACTION : RECORD_CORRECTION;
        deed.reason = "typed wrong";
        MUST(record_space_new(&space));
        if (read_one(a, space, period, pupil, &deed.target) != l->stands.serial[period][pupil])
            at_fault("%s does not hold what it entered", a->grant->participant);
        record_space_free(space);
        if (deed.kind == RECORD_RETRACTION)
            l->next.serial[period][pupil] = 0;
    }
    atomic_store(&l->state, DEED_UNDER_WAY);
    enter(a, period, pupil, serial, &deed);
    acknowledge(l);
}

struct list {
    unsigned period, pupil;
    const struct life *of;
    bool has_headings;
    uint32_t line;
    char texts[FIELDS][16];
    struct bytes cells[FIELDS];
};

static enum err next_row(void *ctx, struct csv_row *row)
{
    static const char *const headings[FIELDS] = {"pupil", "grade", "note"};
    struct list *x = ctx;
    uint32_t serial;

    while (x->has_headings && x->pupil < LIFE_PUPILS && x->of->next.serial[x->period][x->pupil] == 0)
        x->pupil++;
    if (x->pupil == LIFE_PUPILS)
        return ERR_NOT_FOUND;
    serial = x->of->next.serial[x->period][x->pupil];
    (void)snprintf(x->texts[0], sizeof(x->texts[0]), "p%u", x->pupil);
    (void)snprintf(x->texts[1], sizeof(x->texts[1]), "%lld", (long long)grade_of(serial));
    (void)snprintf(x->texts[2], sizeof(x->texts[2]), "d%u", serial);
    for (unsigned i = 0; i < FIELDS; i++) {
        const char *text = x->has_headings ? x->texts[i] : headings[i];

        x->cells[i] = bytes_of(text, strlen(text));
    }
    *row = (struct csv_row){.line = ++x->line, .count = FIELDS, .cells = x->cells};
    x->pupil += x->has_headings ? 1 : 0;
    x->has_headings = true;
    return OK;
}

/* A whole list: some pupils with new rows, the others' rows are taken back. */
static void do_list(struct agent *a, struct life *l)
{
    struct list list = {.period = chance_below(LIFE_PERIODS), .of = l};
    struct import_source source = {.name = "list", .ctx = &list, .next = next_row};
    struct import_options o = {.replace = true, .delimiter = ';'};
    struct import_result result;
    struct capture *c;
    struct report *r;

    l->next = l->stands;
    for (unsigned k = 0; k < LIFE_PUPILS; k++) {
        bool has_row = k == 0 || chance_below(3) != 0;

        l->next.records += has_row || l->stands.serial[list.period][k] != 0;
        l->next.serial[list.period][k] = has_row ? ++l->serial : 0;
    }
    c = capture_of(a, list.period);
    MUST(report_new(&r, 0));
    atomic_store(&l->state, DEED_UNDER_WAY);
    if (import_run(a, c, &source, &o, r, &result) != OK) {
        report_print(r, stderr);
        at_fault("a good list is refused: %s", err_text());
    }
    acknowledge(l);
    report_free(r);
    capture_close(c);
}

void deed_do(struct agent *a, struct life *l)
{
    if (chance_below(12) == 0)
        do_list(a, l);
    else
        do_row(a, l);
    l->deeds++;
}
