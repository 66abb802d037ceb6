#include "tests/fault/life/life.h"

struct place {
    uint32_t participant;
    struct record_ref ref;
};
static struct place *places; /* of what counts at the hub, sorted */
static size_t place_count;
static uint64_t records;

/* ---- what the hub says ---- */

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int d = memcmp(&x->ref.gen, &y->ref.gen, sizeof(x->ref.gen));

    if (x->participant != y->participant)
        return x->participant < y->participant ? -1 : 1;
    if (d != 0)
        return d;
    return (x->ref.number > y->ref.number) - (x->ref.number < y->ref.number);
}

static enum err see(void *ctx, const struct submission *s)
{
    (void)ctx;
    if (place_count == herd->count * LIFE_PERIODS * LIFE_PUPILS)
        at_fault("the hub counts more than there are places");
    places[place_count++] = (struct place){s->participant, s->ref};
    return OK;
}

static void read_hub(struct hub *h, struct store_txn *t)
{
    struct ledger_totals totals;

    if ((places = calloc(herd->count * LIFE_PERIODS * LIFE_PUPILS, sizeof(*places))) == NULL)
        at_fault("no memory");
    MUST(ledger_totals(t, &totals));
    MUST(ledger_each_current(h->ledger, t, "marks", NULL, NULL, see, NULL));
    qsort(places, place_count, sizeof(*places), by_place);
    if (totals.quarantined != 0 || totals.counted != place_count)
        at_fault("the hub counts %llu of %zu, and keeps %llu apart", (unsigned long long)totals.counted, place_count,
                 (unsigned long long)totals.quarantined);
    records = totals.records;
}

/* ---- is it what each school entered? ---- */

struct comparison {
    struct hub *h;
    struct store_txn *t;
    uint32_t participant;
    uint64_t count;
};

static enum err compare(void *ctx, const struct queue_submission *s)
{
    struct comparison *c = ctx;
    struct submission held;

    if (ledger_find(c->h->ledger, c->t, c->participant, &s->ref, &held) != OK)
        at_fault("submission %llu of a school is not at the hub: %s", (unsigned long long)s->ref.number, err_text());
    if (held.record.len != s->bytes.len || memcmp(held.record.p, s->bytes.p, s->bytes.len) != 0)
        at_fault("submission %llu of a school is another one at the hub", (unsigned long long)s->ref.number);
    c->count++;
    return OK;
}

/* How many of its entries count. */
static size_t check_current(const struct agent *a, const struct life *l, uint32_t participant)
{
    static struct record_ref refs[LIFE_PERIODS][LIFE_PUPILS];
    struct standing found = {.records = 0};
    size_t count = 0;

    deed_read(a, &found, refs);
    if (memcmp(found.serial, l->stands.serial, sizeof(found.serial)) != 0)
        at_fault("%s does not hold what was acknowledged", a->grant->participant);
    for (unsigned p = 0; p < LIFE_PERIODS; p++)
        for (unsigned k = 0; k < LIFE_PUPILS; k++) {
            struct place at = {.participant = participant, .ref = refs[p][k]};

            if (found.serial[p][k] == 0)
                continue;
            count++;
            if (bsearch(&at, places, place_count, sizeof(at), by_place) == NULL)
                at_fault("what stands at %s does not count at the hub", a->grant->participant);
        }
    return count;
}

static size_t check_school(struct hub *h, struct store_txn *t, size_t i, uint64_t *entered)
{
    static const struct queue_filter any;
    const struct life *l = &region->life[i];
    const struct participant *p;
    struct comparison c = {.h = h, .t = t};
    struct queue_status st;
    struct agent *a = NULL;
    char home[128], id[32];
    size_t count;

    school_home(home, i);
    school_name(id, i);
    if ((p = registry_by_id(h->registry, id)) == NULL)
        at_fault("the hub has no %s", id);
    c.participant = p->index;
    MUST(agent_open(&a, home));
    assert_school_verifies(a);
    MUST(queue_status(a, &st));
    MUST(queue_each(a, &any, compare, &c));
    if (st.waiting != 0 || st.sealed != 0 || c.count != l->stands.records)
        at_fault("%s: %llu submissions of %llu, %llu and %llu wait", id, (unsigned long long)c.count,
                 (unsigned long long)l->stands.records, (unsigned long long)st.waiting, (unsigned long long)st.sealed);
    *entered += c.count;
    count = check_current(a, l, p->index);
    agent_close(a);
    return count;
}

static void check_submissions(void)
{
    uint64_t entered = 0;
    size_t counted = 0;
    struct store_txn *t;
    struct hub *h;

    MUST(hub_open(&h, herd->home, HUB_READ));
    MUST(store_begin_read(h->store, &t));
    read_hub(h, t);
    for (size_t i = 0; i < herd->count; i++)
        counted += check_school(h, t, i, &entered);
    store_abort(t);
    hub_close(h, false);
    if (entered != records || counted != place_count)
        at_fault("the schools entered %llu, of which %zu stand; the hub holds %llu, of which %zu count",
                 (unsigned long long)entered, counted, (unsigned long long)records, place_count);
    (void)printf("%-34s %llu entered, each at the hub once; %zu of them count\n", "submissions",
                 (unsigned long long)entered, counted);
    free(places);
}

/* ---- indicators against what was entered ---- */

/* The n-th cell of a line without quoted commas, from 0. */
static const char *cell(char *line, size_t n, char out[64])
{
    char *at = line;

    while (n-- > 0 && at != NULL)
        at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL;
    (void)snprintf(out, 64, "%.*s", at == NULL ? 0 : (int)strcspn(at, ",\r\n"), at == NULL ? "" : at);
    return out;
}

struct columns {
    size_t indicator, period, unit, value;
};

static size_t column(char *heading, const char *name)
{
    char text[64];

    for (size_t n = 0; n < 20; n++)
        if (strcmp(cell(heading, n, text), name) == 0)
            return n;
    at_fault("indicators have no column %s", name);
}

/* What it must be, of one school (SIZE_MAX: of all). */
static int64_t expected(size_t school, unsigned period, bool is_sum)
{
    int64_t sum = 0;

    for (size_t i = 0; i < herd->count; i++)
        for (unsigned k = 0; k < LIFE_PUPILS && (school == SIZE_MAX || i == school); k++) {
            uint32_t serial = region->life[i].stands.serial[period][k];

            if (serial != 0)
                sum += is_sum ? grade_of(serial) : 1;
        }
    return sum;
}

static bool check_line(char *line, const struct columns *c)
{
    char indicator[64], period[64], unit[64], value[64];
    size_t school = SIZE_MAX;
    unsigned p = 0;
    int64_t wanted;
    char *end;

    (void)cell(line, c->indicator, indicator);
    (void)cell(line, c->unit, unit);
    (void)cell(line, c->value, value);
    (void)cell(line, c->period, period);
    while (p < LIFE_PERIODS && strcmp(period, life_periods[p]) != 0)
        p++;
    if (p == LIFE_PERIODS)
        return false;
    if (strncmp(unit, "school-", 7) == 0)
        school = (size_t)strtoul(unit + 7, NULL, 10) - 1;
    wanted = expected(school, p, strcmp(indicator, "grade_sum") == 0);
    if (strtoll(value, &end, 10) != wanted || (*end != '\0' && strcmp(end, ".000000") != 0))
        at_fault("%s of %s in %s is %s, and should be %lld", indicator, unit, period, value, (long long)wanted);
    return true;
}

static void check_indicators(void)
{
    static const char *const words[] = {"indicators", "--format", "csv"};
    struct columns c;
    char path[128], line[1024];
    size_t lines = 0;
    FILE *f;

    if (office_command(words, COUNT(words), INT64_MAX) != 0)
        at_fault("svodka-hub indicators failed; %s/office.log", herd->dir);
    (void)snprintf(path, sizeof(path), "%s/office.out", herd->dir);
    if ((f = fopen(path, "r")) == NULL || fgets(line, sizeof(line), f) == NULL)
        at_fault("no indicators");
    c.indicator = column(line, "indicator");
    c.period = column(line, "period");
    c.unit = column(line, "unit");
    c.value = column(line, "value");
    while (fgets(line, sizeof(line), f) != NULL)
        lines += check_line(line, &c);
    (void)fclose(f);
    if (lines < herd->count * 2)
        at_fault("only %zu indicators were compared", lines);
    (void)printf("%-34s %zu, as the history says\n", "indicators", lines);
}

void life_check(void)
{
    static const char *const verify[] = {"verify"};

    check_submissions();
    if (office_command(verify, 1, INT64_MAX) != 0)
        at_fault("svodka-hub verify is not clean; %s/office.log", herd->dir);
    (void)printf("%-34s clean\n", "svodka-hub verify");
    check_indicators();
}
