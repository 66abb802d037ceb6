#include "tests/fault/year/year.h"

#include "hub/nights.h"

#include <sodium.h>
#include <sys/resource.h>
#include <time.h>

int64_t true_ms;
static int64_t began_ms, next_tick_ms;
static uint64_t seed;

/* ---- chance ---- */

/* splitmix64: one source for the schools' lives and for all keys, so that a seed repeats everything. */
static uint64_t next_of(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t of_lives, of_keys;

uint64_t chance(void)
{
    return next_of(&of_lives);
}

bool once_in(uint32_t many)
{
    return chance() % many == 0;
}

int64_t chance_between(int64_t least, int64_t most)
{
    return least + (int64_t)(chance() % (uint64_t)(most - least + 1));
}

static const char *random_name(void)
{
    return "seeded";
}

static uint32_t random_word(void)
{
    return (uint32_t)next_of(&of_keys);
}

static void random_fill(void *const out, const size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)next_of(&of_keys);
}

static struct randombytes_implementation seeded = {
    .implementation_name = random_name, .random = random_word, .buf = random_fill};

/* ---- time ---- */

void clock_of(int64_t error_ms)
{
    clock_test_set(true_ms + error_ms);
    clock_test_set_mono(true_ms - began_ms + HOUR);
}

void time_passes(int64_t ms)
{
    true_ms += ms;
}

_Noreturn void at_fault(const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "year: seed %llu, day %lld: ", (unsigned long long)seed,
                  (long long)((true_ms - began_ms) / DAY));
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(1);
}

/* ---- the district ---- */

static void invite_all(struct buf invitations[SCHOOLS_MAX])
{
    struct store_txn *t;
    struct hub *h;

    MUST(hub_open(&h, hub_home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    load_programme(h, t);
    MUST(hub_reload(h, t));
    for (size_t i = 0; i < school_count; i++) {
        struct school_add a = {.id = schools[i].id, .name = schools[i].id};

        buf_init(&invitations[i], INVITATION_MAX);
        MUST(registry_add(h, t, &a, &invitations[i]));
        MUST(hub_reload(h, t));
    }
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
}

static void make_district(const char *dir)
{
    static struct buf invitations[SCHOOLS_MAX];

    (void)snprintf(hub_home, sizeof(hub_home), "%s/hub", dir);
    hub_make();
    for (size_t i = 0; i < school_count; i++) {
        (void)snprintf(schools[i].id, sizeof(schools[i].id), "s%02zu", i + 1);
        (void)snprintf(schools[i].home, sizeof(schools[i].home), "%s/s%02zu", dir, i + 1);
    }
    invite_all(invitations);
    hub_start();
    for (size_t i = 0; i < school_count; i++) {
        school_make(&schools[i], &invitations[i], i);
        buf_fini(&invitations[i]);
    }
}

/* ---- the calendar ---- */

/* When the hub is down, in days since the beginning: for a week in a year, for some hours more often. */
struct outage {
    int64_t from_ms, to_ms;
};
static struct outage outages[16];
static size_t outage_count;

static void plan_outages(int64_t days)
{
    int64_t from = days > 100 ? 62 : 12;
    int64_t to = days > 100 ? 69 : 14;

    outages[outage_count++] = (struct outage){began_ms + from * DAY + 2 * HOUR, began_ms + to * DAY + 9 * HOUR};
    for (int64_t day = 5; day < days && outage_count < COUNT(outages); day += 37)
        if (day < from - 1 || day > to + 1)
            outages[outage_count++] = (struct outage){began_ms + day * DAY + chance_between(0, 12) * HOUR,
                                                      began_ms + day * DAY + chance_between(13, 22) * HOUR};
}

static void look_at_all(void)
{
    for (size_t i = 0; i < school_count; i++)
        school_look(&schools[i]);
}

static int64_t hub_next(void)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < outage_count; i++) {
        int64_t at = hub_is_up ? outages[i].from_ms : outages[i].to_ms;

        if (at > true_ms && at < next && (!hub_is_up || outages[i].to_ms > true_ms))
            next = at;
    }
    return next;
}

static void hub_lives(int64_t at_ms)
{
    if (hub_is_up)
        hub_stop();
    else {
        hub_start();
        down_ms_in_night += true_ms - at_ms;
    }
    look_at_all();
}

static struct school *first_school(int64_t *at_ms)
{
    struct school *first = NULL;

    *at_ms = INT64_MAX;
    for (size_t i = 0; i < school_count; i++)
        if (school_next(&schools[i]) < *at_ms) {
            first = &schools[i];
            *at_ms = school_next(first);
        }
    return first;
}

static void move_to(int64_t at_ms)
{
    if (at_ms <= true_ms)
        return;
    if (!hub_is_up)
        down_ms_in_night += at_ms - true_ms;
    true_ms = at_ms;
}

/* Everything until then, in the order of time. */
static void live_until(int64_t end_ms)
{
    for (;;) {
        int64_t school_ms;
        struct school *s = first_school(&school_ms);
        int64_t hub_ms = hub_next();

        if (next_tick_ms <= school_ms && next_tick_ms <= hub_ms && next_tick_ms < end_ms) {
            move_to(next_tick_ms);
            hub_tick();
            next_tick_ms = true_ms + HOUR;
        } else if (hub_ms <= school_ms && hub_ms < end_ms) {
            move_to(hub_ms);
            hub_lives(true_ms);
        } else if (school_ms < end_ms) {
            move_to(school_ms);
            school_live(s);
            if (next_tick_ms > true_ms + 61000)
                next_tick_ms = true_ms + 61000;
        } else
            break;
    }
    move_to(end_ms);
}

static void live_nights(int64_t days)
{
    for (int64_t i = 0; i < days; i++) {
        int64_t from, noon;

        night_span(night_of(true_ms), &from, &noon);
        live_until(noon - 40000);
        hub_tick();
        live_until(noon);
        night_ends();
        night_begins();
    }
}

/* In the end every computer that is not dead for ever is on, its clock is right, and the line is there. */
static uint64_t gather_all(void)
{
    uint64_t entered = 0;

    outage_count = 0;
    if (!hub_is_up)
        hub_lives(true_ms);
    for (size_t i = 0; i < school_count; i++) {
        struct school *s = &schools[i];

        s->line_ms = s->switch_ms = s->enter_ms = INT64_MAX;
        s->has_line = true;
        if (s->dead_to_ms == INT64_MAX && s->dead_from_ms != 0 && true_ms >= s->dead_from_ms)
            continue;
        if (s->agent != NULL)
            school_switch(s, false);
        s->clock_kind = CLOCK_GOOD;
        s->clock_error_ms = 0;
        school_switch(s, true);
    }
    live_nights(3);
    for (size_t i = 0; i < school_count; i++) {
        struct school *s = &schools[i];

        if (s->agent == NULL) { /* dead for ever: what the hub has of it, it has */
            school_switch(s, true);
            entered += s->entered - school_left(s);
        } else if (school_left(s) != 0)
            at_fault("%s: %llu submissions have not arrived", s->id, (unsigned long long)school_left(s));
        else
            entered += s->entered;
    }
    return entered;
}

/* ---- the year ---- */

static uint64_t argument(const char *text)
{
    char *end = NULL;
    unsigned long long n = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0') {
        (void)fputs("usage: year [--schools N] [--days N] [--seed N]\n", stderr);
        exit(2);
    }
    return n;
}

static uint64_t quiet_meetings(void)
{
    uint64_t quiet = 0;

    for (size_t i = 0; i < school_count; i++)
        quiet += schools[i].quiet;
    return quiet;
}

static void say(uint64_t entered, int64_t days)
{
    struct rusage use;
    uint64_t misdated = 0;
    uint64_t undated = 0;
    uint64_t meetings = 0;
    uint64_t later = 0;

    for (size_t i = 0; i < school_count; i++) {
        meetings += schools[i].meetings;
        later += schools[i].refused;
        undated += schools[i].undated;
        misdated += schools[i].misdated;
    }
    (void)getrusage(RUSAGE_SELF, &use);
    (void)printf("year: seed %llu: %zu schools, %lld nights: %llu submissions, all arrived, once each; %llu meetings, "
                 "%llu asked to come back, %llu without news; school-nights kept %llu, missed %llu, explained %llu; "
                 "days asked for %llu, "
                 "wrong where nobody could know %llu; %.1f s of processor time\n",
                 (unsigned long long)seed, school_count, (long long)days, (unsigned long long)entered,
                 (unsigned long long)meetings, (unsigned long long)later, (unsigned long long)quiet_meetings(),
                 (unsigned long long)nights_kept, (unsigned long long)nights_missed,
                 (unsigned long long)nights_explained, (unsigned long long)undated, (unsigned long long)misdated,
                 (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
                     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
}

int main(int argc, char **argv)
{
    int64_t days = 31;
    uint64_t entered;
    char dir[] = "/dev/shm/svodka-year-XXXXXX";

    seed = 1;
    school_count = 8;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--schools") == 0 && argument(argv[i + 1]) >= 1 && argument(argv[i + 1]) <= SCHOOLS_MAX)
            school_count = argument(argv[i + 1]);
        else if (strcmp(argv[i], "--days") == 0)
            days = (int64_t)argument(argv[i + 1]);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = argument(argv[i + 1]);
        else
            (void)argument("");
    }
    of_lives = seed;
    of_keys = ~seed;
    if (setenv("TZ", HUB_ZONE, 1) != 0 || setenv("LC_ALL", "C", 1) != 0 || mkdtemp(dir) == NULL ||
        randombytes_set_implementation(&seeded) != 0)
        at_fault("cannot begin");
    tzset();
    true_ms = began_ms = INT64_C(1598263200000) + (days > 100 ? 0 : 42 * DAY); /* 24 August or 5 October 2020, noon */
    MUST(keys_start());
    log_init("year", LOG_WARNING);
    make_district(dir);
    plan_outages(days);
    next_tick_ms = true_ms + MINUTE;
    look_at_all();
    live_nights(days);
    entered = gather_all();
    if (hub_counted() != entered)
        at_fault("the hub counts %llu submissions of %llu", (unsigned long long)hub_counted(),
                 (unsigned long long)entered);
    hub_must_verify();
    say(entered, days);
    if (quiet_meetings() == 0)
        at_fault("there was no night without news");
    for (size_t i = 0; i < school_count; i++)
        agent_close(schools[i].agent);
    hub_stop();
    folder_remove(dir);
    return 0;
}
