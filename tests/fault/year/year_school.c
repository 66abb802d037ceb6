#include "tests/fault/year/year.h"

#include "agent/today.h"
#include "common/value.h"

#define DEAD_BATTERY_MS INT64_C(1262304000000) /* 1 January 2010 */
#define NEVER           INT64_MAX

struct school schools[SCHOOLS_MAX];
size_t school_count;
struct school *speaking;

/* ---- what a school is like ---- */

static struct zone_time here(const struct school *s)
{
    return zone_at(s->agent != NULL ? s->agent->conf.zone : NULL, true_ms);
}

static bool is_summer(int32_t day)
{
    int year, month, of_month;

    date_to_civil(day, &year, &month, &of_month);
    return (month == 6 && of_month > 15) || month == 7 || (month == 8 && of_month < 20);
}

static void write_conf(const struct school *s)
{
    char path[160];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/agent.yaml", s->home);
    if ((f = fopen(path, "a")) == NULL ||
        fprintf(f, "store.map_size: 64M\nsync.time_zone: %s\n%s%s\n", s->zone, s->days != NULL ? "sync.days: " : "",
                s->days != NULL ? s->days : "") < 0 ||
        fclose(f) != 0)
        at_fault("agent.yaml cannot be written");
}

static void open_agent(struct school *s)
{
    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(agent_open(&s->agent, s->home));
}

void school_make(struct school *s, const struct buf *invitation, size_t number)
{
    static const char *const zones[] = {"Asia/Yekaterinburg", "Europe/Berlin", "Asia/Kamchatka",
                                        "Europe/Kaliningrad", "Asia/Omsk",     "America/New_York"};
    static const enum habit habits[] = {HABIT_ALWAYS_ON, HABIT_WORK_DAYS, HABIT_NOW_AND_THEN, HABIT_WORK_DAYS,
                                        HABIT_ALWAYS_ON};
    static const enum clock_kind clocks[] = {CLOCK_GOOD,         CLOCK_GOOD, CLOCK_OFF,  CLOCK_GOOD,
                                             CLOCK_DEAD_BATTERY, CLOCK_GOOD, CLOCK_JUMPS};
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct buf keep;

    assert_non_null(inv);
    s->number = number;
    s->habit = habits[number % COUNT(habits)];
    s->clock_kind = clocks[number % COUNT(clocks)];
    s->zone = zones[number % COUNT(zones)];
    s->days = number % 11 == 5 ? "mon-fri" : NULL;
    s->has_line = true;
    speaking = s;
    clock_of(0);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(inv, &keep, bytes_of(invitation->data, invitation->len)));
    MUST(agent_create(s->home, inv));
    buf_wipe(&keep);
    free(inv);
    write_conf(s);
    open_agent(s);
    school_pass(s);
    if (!agent_is_enrolled(s->agent))
        at_fault("%s has not joined: %s", s->id, err_text());
    if (s->clock_kind == CLOCK_GOOD)
        s->clock_error_ms = chance_between(-90000, 90000);
    else if (s->clock_kind == CLOCK_OFF)
        s->clock_error_ms = chance_between(-3000, 3000) * DAY;
    s->switch_ms = true_ms + chance_between(HOUR, DAY);
    s->line_ms = true_ms + chance_between(DAY, 20 * DAY);
    s->enter_ms = true_ms + chance_between(HOUR, DAY);
    if (number % 9 == 4) {
        s->dead_from_ms = true_ms + chance_between(8 * DAY, 200 * DAY);
        s->dead_to_ms = number == 13 ? NEVER : s->dead_from_ms + chance_between(5 * DAY, 40 * DAY);
    }
}

/* ---- could it meet the hub? ---- */

void school_look(struct school *s)
{
    bool could = s->agent != NULL && s->has_line && hub_is_up;
    int64_t own_since;

    if (s->could_since_ms != 0) {
        if (true_ms - s->could_since_ms > s->could_ms)
            s->could_ms = true_ms - s->could_since_ms;
        own_since = s->could_since_ms + s->clock_error_ms;
        if (s->agent != NULL && s->clock_kind == CLOCK_GOOD &&
            schedule_night(&s->agent->conf, schedule_own(s->agent), own_since) < true_ms + s->clock_error_ms - 2 * HOUR)
            s->could_at_moment = true;
    }
    if (!could)
        s->could_since_ms = 0;
    else if (s->could_since_ms == 0)
        s->could_since_ms = true_ms;
}

/* ---- its computer ---- */

static void plan(struct school *s, int64_t put_back_ms)
{
    struct schedule_state st;

    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(schedule_plan(s->agent, put_back_ms, &st));
    s->next_ms = st.next_ms;
}

void school_switch(struct school *s, bool on)
{
    if (!on) {
        school_look(s);
        agent_close(s->agent);
        s->agent = NULL;
    } else {
        if (s->clock_kind == CLOCK_DEAD_BATTERY)
            s->clock_error_ms = DEAD_BATTERY_MS - true_ms;
        open_agent(s);
        plan(s, SCHEDULE_START);
    }
    school_look(s);
}

/* Somebody, or a dying battery, sets the clock while svodka-agent run watches it. */
static void jump(struct school *s)
{
    static const int64_t kinds[] = {HOUR, DAY, 365 * DAY};
    int64_t to = chance_between(-5, 5) * kinds[chance() % COUNT(kinds)];
    int64_t back = s->clock_error_ms - to;

    s->clock_error_ms = to;
    s->clock_jumped = true;
    plan(s, back > 2 * MINUTE ? back : 0);
}

/* When it is switched on or off next, from now. */
static int64_t until_switch(const struct school *s, bool on)
{
    struct zone_time t = here(s);

    switch (s->habit) {
    case HABIT_ALWAYS_ON: return on ? chance_between(5 * DAY, 60 * DAY) : chance_between(HOUR, 20 * HOUR);
    case HABIT_NOW_AND_THEN: return on ? chance_between(HOUR, 5 * HOUR) : chance_between(8 * HOUR, 6 * DAY);
    case HABIT_WORK_DAYS: break;
    }
    if (on)
        return (17 * 60 - t.minute > 60 ? 17 * 60 - t.minute : 60) * MINUTE + chance_between(0, 90 * MINUTE);
    do { /* on some morning of a working day */
        t.day++;
    } while ((t.day + 3) % 7 > 4 || (is_summer(t.day) && (t.day + 3) % 7 != 2) || once_in(8));
    return (t.day - here(s).day) * DAY + (8 * 60 - here(s).minute) * MINUTE + chance_between(0, 50 * MINUTE);
}

static void switch_now(struct school *s)
{
    bool is_dead = s->dead_from_ms != 0 && true_ms >= s->dead_from_ms && true_ms < s->dead_to_ms;

    if (is_dead) {
        if (s->agent != NULL)
            school_switch(s, false);
        s->switch_ms = s->dead_to_ms;
        return;
    }
    school_switch(s, s->agent == NULL);
    s->switch_ms = true_ms + until_switch(s, s->agent != NULL);
    if (s->dead_from_ms > true_ms && s->dead_from_ms < s->switch_ms)
        s->switch_ms = s->dead_from_ms;
    if (s->agent != NULL && s->clock_kind == CLOCK_JUMPS && once_in(6))
        jump(s);
}

/* ---- what is entered ---- */

static void queue_row(struct school *s, const struct form *f, int32_t day)
{
    struct record r = {.filled_on = day};
    struct value values[MARKS_FIELDS];
    struct queue_writer *w;
    struct buf bytes;
    char pupil[24];
    uint64_t number;
    int year, month, of_month;

    memset(values, 0, sizeof(values));
    memcpy(r.form, f->digest, sizeof(r.form));
    date_to_civil(here(s).day, &year, &month, &of_month);
    (void)snprintf(r.unit, sizeof(r.unit), "%s", s->id);
    (void)snprintf(r.period, sizeof(r.period), "%04d-%02d", year, month);
    queue_stamp(s->agent, &r);
    (void)snprintf(pupil, sizeof(pupil), "p%llu", (unsigned long long)s->entered);
    values[0].as.text = bytes_of(pupil, strlen(pupil));
    values[1].as.i = (int64_t)(s->entered % 21);
    values[2].as.text = bytes_of("", 0);
    values[2].state = VALUE_MISSING;
    r.values = values;
    r.value_count = MARKS_FIELDS;
    buf_init(&bytes, RECORD_MAX);
    MUST(record_encode(&bytes, &r, f));
    MUST(queue_writer_open(&w, s->agent));
    MUST(queue_writer_add(w, bytes_of(bytes.data, bytes.len), &number));
    MUST(queue_writer_commit(w));
    queue_writer_close(w);
    buf_fini(&bytes);
    s->entered++;
}

/* Its clock is right, or was as wrong at the last receipt as now, or stands before what the district has said. */
static bool can_know(const struct school *s)
{
    struct queue_clock c;
    int64_t since;

    MUST(queue_clock(s->agent, NULL, &c));
    since = s->clock_error_ms + c.offset_ms;
    return s->clock_kind == CLOCK_GOOD || (c.has_offset && since < DAY && since > -DAY) ||
           true_ms + s->clock_error_ms < c.hub_ms - DAY;
}

static void enter(struct school *s)
{
    const struct form *f;
    int32_t real = here(s).day;
    struct today today;

    s->enter_ms = true_ms + chance_between(5 * HOUR, 4 * DAY);
    if (is_summer(real))
        return;
    speaking = s;
    clock_of(s->clock_error_ms);
    if ((f = agent_form(s->agent, "marks")) == NULL)
        at_fault("%s has joined and has no form", s->id);
    MUST(agent_today(s->agent, &today));
    if (today.is_guess) { /* who enters it is told, and says the day */
        s->undated++;
        today.day = real;
    }
    if (today.day - real > 1 || real - today.day > 1) {
        if (can_know(s))
            at_fault("%s: a submission is of day %d instead of %d", s->id, today.day, real);
        s->misdated++;
    }
    queue_row(s, f, today.day);
    if (once_in(20)) {
        MUST(schedule_urgent(s->agent));
        plan(s, 0);
    }
}

uint64_t school_left(struct school *s)
{
    struct queue_status st;

    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(queue_status(s->agent, &st));
    return st.waiting + st.sealed;
}

/* ---- what it sends ---- */

/* Nothing was sent and nothing was new. */
static void look_at_bytes(struct school *s, const struct sync_result *r)
{
    if (r->outcome != SYNC_COMPLETE || r->bytes > 0 || r->receipts > 0 || r->words > 0 || r->objects > 0 ||
        r->new_directory || r->new_grant || r->joined || r->reconciled > 0)
        return;
    s->quiet++;
    if (s->wire_bytes > QUIET_BYTES)
        at_fault("%s: a night without news cost %llu bytes", s->id, (unsigned long long)s->wire_bytes);
}

void school_pass(struct school *s)
{
    struct schedule_state st;
    struct sync_result r;
    enum err e;

    speaking = s;
    clock_of(s->clock_error_ms);
    core_is_away = hub_is_up && s->switch_ms != 0 && once_in(40); /* not while it joins */
    e = schedule_pass(s->agent, &r, &st);
    core_is_away = false;
    if (e == OK ? r.outcome != SYNC_COMPLETE : r.outcome == SYNC_FAILED || r.outcome == SYNC_REFUSED)
        at_fault("%s: a pass ended in %d (%s)", s->id, (int)r.outcome, err_text());
    s->refused += r.outcome == SYNC_LATER;
    look_at_bytes(s, &r);
    s->next_ms = st.next_ms;
    if (s->next_ms == SCHEDULE_NEVER)
        at_fault("%s will never send again", s->id);
    s->line_breaks = once_in(12);
}

/* ---- living ---- */

int64_t school_next(const struct school *s)
{
    int64_t next = s->switch_ms < s->line_ms ? s->switch_ms : s->line_ms;

    if (s->agent == NULL)
        return next;
    if (s->enter_ms < next)
        next = s->enter_ms;
    return s->next_ms - s->clock_error_ms < next ? s->next_ms - s->clock_error_ms : next;
}

void school_live(struct school *s)
{
    if (true_ms >= s->line_ms) {
        s->has_line = !s->has_line;
        s->line_ms = true_ms + (s->has_line ? chance_between(DAY, 30 * DAY) : chance_between(HOUR / 2, 3 * DAY));
        school_look(s);
    }
    if (true_ms >= s->switch_ms)
        switch_now(s);
    if (s->agent != NULL && true_ms >= s->enter_ms)
        enter(s);
    if (s->agent != NULL && true_ms + s->clock_error_ms >= s->next_ms)
        school_pass(s);
}
