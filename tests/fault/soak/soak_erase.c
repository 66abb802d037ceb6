/* When all is quiet, the office erases: one submission, one row, a return, a class whose time is over.  The content is
 * gone, the figures stay (or go, if so ordered), and a hub that is restored from a backup of before erases it again by
 * the acts.  What an order means is decided here from the history. */
#include "tests/fault/soak/soak.h"

#include "hub/cmd_erase.h"
#include "hub/erase_again.h"
#include "hub/registry.h"

#define ACTS_MAX  8u
#define CLASS     "default"
#define YEAR      2020
#define YEAR_OVER (400 * DAY)

static const char *const forms[] = {"grades", "card", "poll"};

struct plan_of_erasure {
    struct erase_order o;
    const char *file;       /* of the act that is carried out again; NULL: a new one */
    const struct entry *of; /* ACT_SUBMISSION */
    char key[16];
    struct act act;
    bool is_nothing;
};

static char folder[64];
static char acts[ACTS_MAX][160];
static unsigned acts_kept;

/* ---- at the hub ---- */

static void order(struct hub *h, struct store_txn *t, struct plan_of_erasure *p)
{
    enum err e;

    if (p->of != NULL)
        p->o.participant = registry_by_id(h->registry, schools[p->of->school].id)->index;
    e = ledger_erase(h, t, &p->o, false, &p->act);
    p->is_nothing = e == ERR_NOT_FOUND;
    if (!p->is_nothing)
        MUST(e);
}

static void order_again(struct hub *h, struct store_txn *t, struct plan_of_erasure *p)
{
    static struct erase_again again;

    MUST(erase_again_read(&again, h, t, p->file));
    if (again.is_known)
        at_fault("a hub that was restored knows an act that was written later");
    erase_again_order(&again, &p->o);
    p->o.by = "office";
    p->o.order = again.order;
    order(h, t, p);
    memset(&p->o, 0, sizeof(p->o)); /* loans of the act */
    erase_again_fini(&again);
}

/* As `svodka-hub erase` does it: committed, then the keys go, then the act is written. */
static void carry_out(struct plan_of_erasure *p)
{
    struct store_txn *t;
    struct hub *h;

    clock_of(0);
    hub_stop();
    MUST(hub_open(&h, hub_home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    if (p->file != NULL)
        order_again(h, t, p);
    else
        order(h, t, p);
    if (p->is_nothing) {
        store_abort(t);
        ledger_aborted(h->ledger);
    } else {
        MUST(ledger_end(h->ledger, t, OK));
        MUST(ledger_erase_keys(h));
        MUST(store_begin_read(h->store, &t));
        MUST(act_write(h, t, p->act.number));
        store_abort(t);
    }
    hub_close(h, true);
    hub_start();
}

/* Its files, out of the reach of what befalls the hub. */
static void keep_act(const struct act *a)
{
    static const char *const endings[] = {"act", "csv"};
    char from[200], to[200];

    if (acts_kept == ACTS_MAX)
        at_fault("too many acts");
    (void)snprintf(acts[acts_kept], sizeof(acts[0]), "%s/act-%u.act", folder, acts_kept);
    for (size_t i = 0; i < COUNT(endings); i++) {
        (void)snprintf(from, sizeof(from), "%s/" ACT_FOLDER "/%llu.%s", hub_home, (unsigned long long)a->number,
                       endings[i]);
        (void)snprintf(to, sizeof(to), "%s/act-%u.%s", folder, acts_kept, endings[i]);
        copy_file(from, to);
    }
    acts_kept++;
}

/* ---- what it means ---- */

static bool is_of_return(const struct entry *e, const struct entry *of)
{
    return e->is_here && e->school == of->school && e->about == of->about && e->period == of->period;
}

/* What corrects or retracts, or is corrected or retracted by, what goes, goes too. */
static void spread(const struct entry *of)
{
    for (bool is_more = true; is_more;) {
        is_more = false;
        for (uint32_t i = 0; i < entry_count; i++) {
            struct entry *e = &entries[i];
            struct entry *target = e->said == SAID_NEW ? NULL : &entries[e->target - 1];

            if (target == NULL || !is_of_return(e, of) || !is_of_return(target, of) || e->is_gone == target->is_gone)
                continue;
            e->is_gone = target->is_gone = is_more = true;
        }
    }
}

/* The versions of a row, or of a card; those of what a retraction takes back, when that is named. */
static bool is_version(const struct plan_of_erasure *p, const struct entry *e, const struct entry *of)
{
    if (p->of != NULL && (e == of || (of->said == SAID_RETRACTION && !entries[of->target - 1].is_here)))
        return e == of;
    return e->said != SAID_RETRACTION && (of->about != ABOUT_GRADES || e->pupil == of->pupil);
}

/* Marks what goes by it now; returns how many entries those are. */
static uint32_t mark(const struct plan_of_erasure *p, const struct entry *of)
{
    const bool is_all = p->o.scope == ACT_RETURN && p->o.key == NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];

        if (p->o.scope == ACT_CLASS)
            e->is_gone = e->is_here;
        else
            e->is_gone = is_of_return(e, of) && (is_all || is_version(p, e, of));
    }
    if (p->o.scope == ACT_SUBMISSION || p->o.key != NULL)
        spread(of);
    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];

        count += e->is_gone && !e->is_erased;
        if (e->is_gone && !e->is_erased && p->o.is_uncounted)
            e->is_counted = false;
        e->is_erased |= e->is_gone;
    }
    return count;
}

static void erase(struct plan_of_erasure *p, const struct entry *of)
{
    uint32_t count = mark(p, of);

    p->o.by = "office";
    p->o.order = "No. 1";
    carry_out(p);
    soak_note("the office erases %llu submissions, act %llu", (unsigned long long)p->act.submissions,
              (unsigned long long)p->act.number);
    if (p->is_nothing != (count == 0))
        at_fault("%u submissions should be erased, and the hub finds %s", count, p->is_nothing ? "none" : "some");
    if (!p->is_nothing)
        keep_act(&p->act);
}

static const struct entry *some_entry(void)
{
    uint32_t from = chance_below(entry_count);

    for (uint32_t i = 0; i < entry_count; i++) {
        const struct entry *e = &entries[(from + i) % entry_count];

        if (e->is_here)
            return e;
    }
    return NULL;
}

static void erase_something(void)
{
    static struct plan_of_erasure p;
    const struct entry *e = some_entry();

    if (e == NULL)
        return;
    memset(&p, 0, sizeof(p));
    p.o.scope = once_in(2) ? ACT_RETURN : ACT_SUBMISSION;
    p.o.is_uncounted = once_in(3);
    if (e->about == ABOUT_POLL)
        p.o.scope = ACT_RETURN; /* nobody can name an answer */
    if (p.o.scope == ACT_SUBMISSION) {
        p.of = e;
        p.o.ref = e->copies[chance_below(e->copy_count)].ref;
    } else {
        p.o.form = forms[e->about];
        p.o.unit = schools[e->school].id;
        p.o.period = soak_periods[e->period];
        if (e->about == ABOUT_GRADES && once_in(2)) {
            (void)snprintf(p.key, sizeof(p.key), "p%u", e->pupil);
            p.o.key = p.key;
        }
    }
    erase(&p, e);
}

static void erase_class(void)
{
    static struct plan_of_erasure p;

    memset(&p, 0, sizeof(p));
    time_passes(YEAR_OVER);
    p.o = (struct erase_order){.scope = ACT_CLASS, .retention = CLASS, .year = YEAR};
    erase(&p, NULL);
}

static void erase_again(void)
{
    static struct plan_of_erasure p;

    for (unsigned i = 0; i < acts_kept; i++) {
        memset(&p, 0, sizeof(p));
        p.file = acts[i];
        carry_out(&p);
        soak_note("the office erases %llu submissions again", (unsigned long long)p.act.submissions);
    }
}

void erase_at_last(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s", dir);
    acts_kept = 0;
    office_backs_up();
    for (uint32_t n = 1 + chance_below(3); n > 0; n--)
        erase_something();
    if (once_in(2))
        erase_class();
    check_hub();
    if (once_in(2))
        world_heal();
    office_restores();
    erase_again();
    world_heal();
    check_hub();
}
