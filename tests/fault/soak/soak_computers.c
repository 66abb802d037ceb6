/* A school gets a new computer: the one before was replaced, and hands over what it has when it is found again; or it
 * is lost, and nothing that still comes from it is believed until the office says so. */
#include "tests/fault/soak/soak.h"

#include "agent/queue.h"
#include "hub/registry_status.h"

#define MEETINGS_MAX 20u

static char folder[64];
static bool has_past[SOAK_SCHOOLS_MAX];
static bool is_new[SOAK_SCHOOLS_MAX];
static uint32_t first_counter[SOAK_SCHOOLS_MAX]; /* of the present computer; 0: it is the first */

void computers_begin(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s", dir);
    memset(has_past, 0, sizeof(has_past));
    memset(is_new, 0, sizeof(is_new));
    memset(first_counter, 0, sizeof(first_counter));
}

bool computer_is_new(size_t school)
{
    return is_new[school];
}

bool computer_has_past(const struct school *s)
{
    return has_past[s->number];
}

bool computer_entered(size_t school, const struct record_ref *ref)
{
    return ref->gen.counter >= first_counter[school];
}

static void path_of_past(char out[128], const struct school *s)
{
    (void)snprintf(out, 128, "%s/past-%s", folder, s->id);
}

/* ---- the invitation ---- */

struct wanted {
    const struct school *school;
    bool is_lost;
    struct buf invitation;
};

static void invite(struct hub *h, struct store_txn *t, void *ctx)
{
    struct wanted *x = ctx;
    const struct status_word w = {.id = x->school->id, .who = "office", .reason = "a reason"};
    const struct rekey r = {.is_lost = x->is_lost};

    MUST(registry_rekey(h, t, &w, &r, &x->invitation, NULL));
}

/* ---- the old one ---- */

/* What it has heard keeps it from sealing, now and when it hears that it was replaced. */
static void put_away(struct school *s, bool is_lost)
{
    char past[128];

    history_see(s);
    if (is_lost || home_has_other(s) || agent_is_stopped(s->agent))
        home_loses(s->number);
    school_end(s);
    path_of_past(past, s);
    if (is_lost)
        folder_remove(s->home);
    else if (rename(s->home, past) != 0)
        at_fault("%s cannot be put away", s->home);
    else
        has_past[s->number] = true;
    home_forget(s);
    history_end_sittings(s->number);
}

void computer_begins(struct school *s)
{
    bool is_lost = has_past[s->number] || once_in(2);
    struct wanted x = {.school = s, .is_lost = is_lost};

    buf_init(&x.invitation, INVITATION_MAX);
    put_away(s, is_lost);
    office_decides_that(invite, &x);
    s->clock_error_ms = 0;
    s->hello_lacks = 0;
    school_make_home(s, &x.invitation);
    school_joins(s);
    buf_fini(&x.invitation);
    is_new[s->number] = true;
    first_counter[s->number] = s->agent->gen.counter;
    soak_note("%s: a new computer, the one before was %s", s->id, is_lost ? "lost" : "replaced");
}

/* It is found again, and says what it had not said yet: once, because then it hears that it was replaced. */
void computer_past_speaks(struct school *s)
{
    struct agent *present = s->agent;
    struct queue_status st;
    uint64_t left = 0;
    char past[128];

    if (!has_past[s->number])
        return;
    path_of_past(past, s);
    speaking = s;
    clock_of(0);
    MUST(agent_open(&s->agent, past));
    school_ends_sessions(s);
    for (unsigned i = 0; i < MEETINGS_MAX; i++) {
        time_passes(10 * MINUTE);
        world_meet(s);
        MUST(queue_status(s->agent, &st));
        left = st.waiting + st.sealed;
        if (left == 0)
            break;
    }
    if (left > 0 && !home_went_back(s->number))
        at_fault("invariant 2: %llu submissions of %s do not arrive from the computer that was replaced",
                 (unsigned long long)left, s->id);
    agent_close(s->agent);
    s->agent = present;
}
