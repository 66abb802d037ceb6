/* The attacks, one after another against a running hub, while an honest school goes on sending. */
#include "tests/fault/attack/attack.h"

#include <pthread.h>

#define ATTACKS_MAX 160u
#define BASELINE    9u
#define ROWS        40u /* that the honest school sends during an attack */

struct field field;

/* ---- the log ---- */

static void log_path(char *out, size_t size)
{
    (void)snprintf(out, size, "%s/hub.log", field.d.dir);
}

static long log_size(void)
{
    char path[128];
    struct stat st;

    log_path(path, sizeof(path));
    return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

static bool log_has_since(long at, const char *text)
{
    char path[128];
    char line[4096];
    bool found = false;
    FILE *f;

    log_path(path, sizeof(path));
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    while (!found && fgets(line, sizeof(line), f) != NULL)
        found = strstr(line, text) != NULL;
    (void)fclose(f);
    return found;
}

bool attack_logged(const char *text, int64_t wait_ms)
{
    int64_t until = clock_mono_ms() + wait_ms;

    while (!log_has_since(field.log_at, text)) {
        if (clock_mono_ms() > until)
            return false;
        clock_sleep_ms(10);
    }
    return true;
}

struct generation attack_generation(void)
{
    struct generation g = {.counter = ++field.counter};

    random_bytes(g.tag, sizeof(g.tag));
    return g;
}

/* ---- the honest school ---- */

struct honest {
    pthread_t thread;
    struct sync_result result;
    enum err error;
    char text[256];
    int64_t took_ms;
};

static void *sync_honest(void *arg)
{
    struct honest *h = arg;
    int64_t start = clock_mono_ms();

    h->error = sync_once(field.honest, &h->result);
    h->took_ms = clock_mono_ms() - start;
    if (h->error != OK)
        (void)snprintf(h->text, sizeof(h->text), "%s", err_text());
    return NULL;
}

static void honest_begin(struct honest *h)
{
    memset(h, 0, sizeof(*h));
    add_marks(field.honest, field.marks + 1, ROWS);
    field.marks += ROWS;
    assert_int_equal(pthread_create(&h->thread, NULL, sync_honest, h), 0);
}

/* Everything arrived and was counted, in this very pass. */
static void honest_check(const struct honest *h)
{
    if (h->error != OK)
        fail_msg("the honest school could not send: %s: %s", err_name(h->error), h->text);
    assert_int_equal(h->result.verdicts[VERDICT_COUNTED], ROWS);
    assert_int_equal(h->result.left, 0);
}

static void honest_end(struct honest *h)
{
    assert_int_equal(pthread_join(h->thread, NULL), 0);
    honest_check(h);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int64_t median(int64_t *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return values[count / 2];
}

static int64_t undisturbed(void)
{
    int64_t took[BASELINE];

    for (size_t i = 0; i < BASELINE; i++) {
        struct honest h;

        honest_begin(&h);
        honest_end(&h);
        took[i] = h.took_ms;
    }
    return median(took, BASELINE);
}

/* ---- one attack ---- */

static const struct attack *all[ATTACKS_MAX];
static int64_t took[ATTACKS_MAX];
static size_t attack_count;
static int64_t baseline;

static void gather(const struct attack *list)
{
    for (; list->name != NULL; list++) {
        assert_true(attack_count < ATTACKS_MAX);
        all[attack_count++] = list;
    }
}

static void attacked(void **state)
{
    size_t which = (size_t)(uintptr_t)*state - 1;
    const struct attack *a = all[which];
    struct ledger_totals before = held_by(&field.d);
    struct ledger_totals after;
    struct honest h;

    field.log_at = log_size();
    honest_begin(&h);
    a->run();
    if (a->log != NULL && !attack_logged(a->log, WAIT_MS))
        fail_msg("the hub's log does not say \"%s\"", a->log);
    honest_end(&h);
    took[which] = h.took_ms;
    after = held_by(&field.d);
    assert_int_equal(after.counted, before.counted + ROWS); /* the honest rows, once, and nothing else */
}

/* Those that stand between the hub and its schools: the honest one sends afterwards. */
static void attacked_alone(void **state)
{
    size_t which = (size_t)(uintptr_t)*state - 1;
    const struct attack *a = all[which];
    struct ledger_totals before = held_by(&field.d);
    struct ledger_totals after;
    struct honest h;
    unsigned of_victim = field.victim_marks;
    int64_t until = clock_mono_ms() + START_MS;

    field.log_at = log_size();
    a->run();
    if (a->log != NULL && !attack_logged(a->log, WAIT_MS))
        fail_msg("the hub's log does not say \"%s\"", a->log);
    honest_begin(&h);
    assert_int_equal(pthread_join(h.thread, NULL), 0);
    while (h.error == ERR_BUSY && clock_mono_ms() < until) { /* until the true gateway has its place again */
        clock_sleep_ms(50);
        (void)sync_honest(&h);
    }
    honest_check(&h);
    took[which] = h.took_ms;
    after = held_by(&field.d);
    assert_int_equal(after.counted, before.counted + ROWS + field.victim_marks - of_victim);
}

static void everything_is_as_it_should_be(void **state)
{
    (void)state;
    assert_hub_verifies(&field.d);
    assert_school_verifies(field.honest);
    assert_school_verifies(field.victim);
    assert_school_verifies(field.evil);
    assert_int_equal(held_by(&field.d).counted, field.marks + field.victim_marks + 2u); /* and one row of evil and of
                                                                                         the revoked one */
}

/* ---- the field ---- */

static struct agent *joined(size_t i, const char *name)
{
    struct agent *a = school_join(&field.d, i, name);
    struct sync_result r;

    add_marks(a, 1, 1);
    MUST(sync_once(a, &r));
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 1);
    return a;
}

static int begin(void **state)
{
    struct sync_result r;

    (void)state;
    district_new(
        &field.d,
        "gateway.chunk: 4K\ngateway.credit: 16K\ngateway.slots: 20\nheld.max: 1M\ngateway.log_refused: 100000\n");
    district_start(&field.d);
    field.honest = school_join(&field.d, 0, "gp");
    MUST(sync_once(field.honest, &r));
    field.victim = joined(1, "ms");
    field.evil = joined(2, "ev");
    field.revoked = joined(3, "rv");
    field.forger = field.evil;
    field.victim_marks = 1;
    field.counter = 100;
    baseline = undisturbed();
    return 0;
}

static int end(void **state)
{
    int64_t times[ATTACKS_MAX];
    size_t slow = 0;

    (void)state;
    for (size_t i = 0; i < attack_count; i++) {
        times[i] = took[i];
        slow += took[i] > 2 * baseline ? 1u : 0u;
    }
    (void)printf(
        "# %zu attacks; the honest school sent %u rows in %lld ms undisturbed (median of %u), in %lld ms during "
        "an attack (median); in more than twice its time during %zu of them\n",
        attack_count, ROWS, (long long)baseline, BASELINE, (long long)median(times, attack_count), slow);
    for (size_t i = 0; i < attack_count; i++)
        if (took[i] > 2 * baseline)
            (void)printf("#   %s: %lld ms\n", all[i]->name, (long long)took[i]);
    agent_close(field.honest);
    agent_close(field.victim);
    agent_close(field.evil);
    agent_close(field.revoked);
    district_free(&field.d);
    return 0;
}

int main(void)
{
    static struct CMUnitTest tests[ATTACKS_MAX + 1];
    size_t alone;

    gather(stranger_attacks);
    gather(meeting_attacks);
    gather(batch_attacks);
    gather(revoked_attacks);
    alone = attack_count;
    gather(gateway_attacks);
    gather(false_hub_attacks);
    for (size_t i = 0; i < attack_count; i++)
        tests[i] = (struct CMUnitTest){all[i]->name, i < alone ? attacked : attacked_alone, NULL, NULL,
                                       (void *)(uintptr_t)(i + 1)};
    tests[attack_count] = (struct CMUnitTest)cmocka_unit_test(everything_is_as_it_should_be);
    return _cmocka_run_group_tests("attacks", tests, attack_count + 1, begin, end);
}
