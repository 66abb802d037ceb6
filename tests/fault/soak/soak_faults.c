#include "tests/fault/soak/soak_deeds.h"

const char *const fault_names[FAULTS] = {
    "a school's computer dies",
    "a school's computer dies in a meeting",
    "the hub dies in a meeting",
    "the line is lost",
    "the core is away",
    "the hub starts again",
    "a school's disk",
    "the hub's disk",
    "a clock jumps",
    "a school's computer goes on from an older copy",
    "a school goes on with two computers from one copy",
    "the hub goes on from an older copy",
    "a school's store is full",
    "the hub's store is full",
    "two processes of a school meet the hub",
    "a second hub on one home",
    "frames come twice, and late",
    "a school's program is of an earlier year for a while",
};
uint64_t fault_counts[FAULTS];

/* ---- a process that dies ---- */

#define COMPLETED 7 /* its exit code: it was not killed, and what it did was acknowledged; any other is a finding */
#define REFUSED   8 /* ... was refused */

struct dying {
    struct school *school;
    bool with_hub;
    const struct plan *plan; /* NULL: a meeting */
    const char *watched;     /* the file whose n-th write is the last thing that it does */
    uint64_t nth;
};

static _Noreturn void die_slowly(const struct dying *d)
{
    const struct fail_io_plan kill = {.kinds = FAIL_IO_ALL, .how = FAIL_IO_KILL, .nth = d->nth, .count = UINT32_MAX};
    enum err e = OK;

    fail_io_watch(d->watched);
    if (d->with_hub)
        hub_start();
    school_start(d->school);
    fail_io_arm(&kill);
    if (d->plan != NULL)
        e = deed_run(d->school, d->plan);
    else
        world_meet(d->school);
    _exit(e == OK ? COMPLETED : REFUSED);
}

/* True: it was done and acknowledged before the end came.  What it drew of the keys' chance is not drawn again. */
static bool let_die(const struct dying *d)
{
    int status = 0;
    pid_t pid;

    school_end(d->school);
    if (d->with_hub)
        hub_stop();
    (void)fflush(NULL);
    chance_of_keys_moves();
    if ((pid = fork()) == 0)
        die_slowly(d);
    chance_of_keys_moves();
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        at_fault("no process");
    if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
        !(WIFEXITED(status) && (WEXITSTATUS(status) == COMPLETED || WEXITSTATUS(status) == REFUSED)))
        at_fault("the process that was to die ended otherwise: %d", status);
    if (d->with_hub)
        hub_start();
    school_start(d->school);
    soak_note("%s: %s at write %llu to %s", d->school->id, WIFSIGNALED(status) ? "killed" : "had done it",
              (unsigned long long)d->nth, d->watched);
    return WIFEXITED(status) && WEXITSTATUS(status) == COMPLETED;
}

/* Its store, as fail_io_watch() names it, which keeps no copy. */
static const char *store_of(const struct school *s)
{
    static char file[64];

    (void)snprintf(file, sizeof(file), "/%s/store/data.mdb", s->id);
    return file;
}

static void kill_in_deed(struct school *s)
{
    struct plan p;
    struct dying d = {.school = s, .plan = &p, .watched = store_of(s)};

    d.nth = 1 + chance_below(8);
    deed_plan(s, &p);
    if (let_die(&d))
        deed_acknowledged(&p);
    else
        deed_unknown(&p);
}

static void kill_in_meeting(struct school *s, bool hub)
{
    struct dying d = {.school = s, .with_hub = true, .watched = hub ? "/hub/store/data.mdb" : store_of(s)};

    d.nth = 1 + chance_below(hub ? 16 : 12);
    (void)let_die(&d);
}

/* ---- disks ---- */

/* Full, broken or short, from the n-th write on, for a while. */
static void spoil(const char *watched)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    struct fail_io_plan p = {.kinds = FAIL_IO_ALL, .how = FAIL_IO_ERROR};
    static const unsigned kinds[] = {FAIL_IO_ALL, FAIL_IO_SYNC, FAIL_IO_WRITE | FAIL_IO_SYNC_WRITE};

    p.kinds = kinds[chance_below(COUNT(kinds))];
    p.error = errors[chance_below(COUNT(errors))];
    p.how = once_in(4) ? FAIL_IO_SHORT : FAIL_IO_ERROR;
    p.nth = 1 + chance_below(6);
    p.count = 1 + chance_below(3);
    fail_io_watch(watched);
    fail_io_arm(&p);
    soak_note("the disk of %s: %s from call %llu, %llu times", watched, strerror(p.error), (unsigned long long)p.nth,
              (unsigned long long)p.count);
}

static void school_disk(struct school *s)
{
    enum err e = OK;

    spoil(store_of(s));
    if (once_in(2))
        e = deed_do(s);
    else
        world_meet(s);
    fail_io_disarm();
    if (e != OK && e != ERR_IO && e != ERR_FULL && e != ERR_DENIED && e != ERR_NOT_FOUND && e != ERR_CORRUPT)
        at_fault("a broken disk is called %s: %s", err_name(e), err_text());
    school_end(s);
    school_start(s);
}

static void hub_again(void)
{
    hub_stop();
    hub_start();
}

static void hub_disk(struct school *s)
{
    spoil("/hub/store/data.mdb");
    world_meet(s);
    fail_io_disarm();
    hub_again();
}

/* ---- clocks ---- */

static void jump(struct school *s)
{
    static const int64_t kinds[] = {MINUTE, HOUR, DAY, 400 * DAY};

    s->clock_error_ms = chance_between(-5, 5) * kinds[chance_below(COUNT(kinds))];
    soak_note("%s: its clock is %lld min off", s->id, (long long)(s->clock_error_ms / MINUTE));
}

/* There is much to do at the other computer, and what is entered there is changed there. */
static void work_on(struct school *s)
{
    for (uint32_t n = chance_below(12); n > 0; n--)
        if (deed_do(s) != OK)
            return;
}

void fault_happen(struct school *s)
{
    enum fault f = (enum fault)chance_below(FAULTS);

    fault_counts[f]++;
    switch (f) {
    case FAULT_SCHOOL_KILLED: kill_in_deed(s); break;
    case FAULT_MEETING_KILLED: kill_in_meeting(s, false); break;
    case FAULT_HUB_KILLED: kill_in_meeting(s, true); break;
    case FAULT_LINE_LOST:
        s->line_breaks = true;
        world_meet(s);
        break;
    case FAULT_CORE_AWAY:
        core_is_away = true;
        world_meet(s);
        core_is_away = false;
        break;
    case FAULT_HUB_AGAIN: hub_again(); break;
    case FAULT_SCHOOL_DISK: school_disk(s); break;
    case FAULT_HUB_DISK: hub_disk(s); break;
    case FAULT_CLOCK: jump(s); break;
    case FAULT_SCHOOL_BACK:
        if (once_in(2))
            home_keep(s);
        else
            home_back(s);
        break;
    case FAULT_SCHOOL_TWICE:
        home_turn(s);
        soak_note("%s: its other computer is used", s->id);
        work_on(s);
        break;
    case FAULT_HUB_BACK:
        if (once_in(3)) {
            hub_keep();
            break;
        }
        hub_back();
        if (once_in(2)) /* what was sent last may come first */
            office_reads();
        break;
    case FAULT_SCHOOL_FULL: school_is_full(s); break;
    case FAULT_HUB_FULL: hub_is_full(s); break;
    case FAULT_SYNC_TWICE: school_syncs_twice(s); break;
    case FAULT_HUB_TWICE: hub_starts_twice(); break;
    case FAULT_LINE_TWICE:
        s->line_repeats = true;
        world_meet(s);
        s->line_repeats = false;
        break;
    case FAULT_OLD_WORDS:
        s->hello_lacks = chance_below(HELLO_LACKS_MAX + 1);
        soak_note("%s: its program knows %u fields of HELLO less", s->id, s->hello_lacks);
        world_meet(s);
        break;
    case FAULTS: break;
    }
}
