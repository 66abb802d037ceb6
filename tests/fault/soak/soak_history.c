#include "tests/fault/soak/soak.h"

#define ENTRIES_MAX  40000u
#define SITTINGS_MAX 2000u

struct entry *entries;
uint32_t entry_count;
struct sitting *sittings;
uint32_t sitting_count;
static uint32_t deeds;

void history_begin(void)
{
    if (entries == NULL) {
        entries = calloc(ENTRIES_MAX, sizeof(*entries));
        sittings = calloc(SITTINGS_MAX, sizeof(*sittings));
        if (entries == NULL || sittings == NULL)
            at_fault("no memory");
    }
    entry_count = sitting_count = deeds = 0;
}

uint32_t history_next(void)
{
    return entry_count + 1;
}

uint32_t history_add(const struct entry *e)
{
    if (entry_count == ENTRIES_MAX)
        at_fault("the history is full: fewer operations (--ops)");
    entries[entry_count++] = *e;
    return entry_count;
}

uint32_t history_add_sitting(const struct sitting *s)
{
    if (sitting_count == SITTINGS_MAX)
        at_fault("the history is full: fewer operations (--ops)");
    sittings[sitting_count++] = *s;
    return sitting_count;
}

uint32_t history_new_deed(void)
{
    return ++deeds;
}

void history_sure(uint32_t deed)
{
    for (uint32_t i = entry_count; i > 0 && entries[i - 1].deed >= deed; i--)
        if (entries[i - 1].deed == deed)
            entries[i - 1].is_sure = true;
}

void history_end_sittings(size_t school)
{
    for (uint32_t i = 0; i < sitting_count; i++)
        if (sittings[i].school == school)
            sittings[i].is_open = false;
}

/* ---- what a school's queue says ---- */

struct look {
    size_t school;
    unsigned home; /* a bit */
};

static bool is_same(const struct entry *e, const struct record *r, enum about about)
{
    char text[SOAK_TEXT_MAX];

    if (e->about != about || strcmp(r->period, soak_periods[e->period]) != 0 ||
        strcmp(r->unit, schools[e->school].id) != 0 || (r->kind == RECORD_CORRECTION) != (e->said == SAID_CORRECTION))
        return false;
    switch (about) {
    case ABOUT_CARD: return r->values[1].as.i == e->a && r->values[2].as.i == e->b;
    case ABOUT_POLL: return r->values[1].as.i == e->a;
    case ABOUT_GRADES: break;
    }
    (void)snprintf(text, sizeof(text), "p%u", e->pupil);
    if (r->values[1].as.text.len != strlen(text) || memcmp(r->values[1].as.text.p, text, strlen(text)) != 0)
        return false;
    (void)snprintf(text, sizeof(text), SOAK_TEACHER "%u", e->teacher);
    return r->values[2].as.i == e->a && r->values[3].as.text.len == strlen(text) &&
           memcmp(r->values[3].as.text.p, text, strlen(text)) == 0 && r->values[4].as.i == (e->a >= 10);
}

static struct copy *copy_of(struct entry *e, const struct record_ref *ref)
{
    for (unsigned i = 0; i < e->copy_count; i++)
        if (record_ref_compare(&e->copies[i].ref, ref) == 0)
            return &e->copies[i];
    return NULL;
}

/* An answer that waited in both homes may have left both. */
static bool may_have_copies(const struct entry *e)
{
    return home_is_split(e->school) || (e->about == ABOUT_POLL && home_is_astray(e->school));
}

/* A school's other computer may have the same one: under the same number, unless it may have another there. */
static void found(const struct look *l, struct entry *e, const struct queue_submission *s)
{
    struct copy *c;

    if (!e->is_here)
        e->copy_count = 0;
    else if ((c = copy_of(e, &s->ref)) != NULL) {
        c->homes |= l->home;
        return;
    } else if (!may_have_copies(e))
        at_fault("invariant 3: %s has submission %u twice, as number %llu and as %llu", schools[l->school].id,
                 (unsigned)(e - entries) + 1, (unsigned long long)e->copies[0].ref.number,
                 (unsigned long long)s->ref.number);
    if (e->copy_count == COPIES_MAX)
        at_fault("%s has submission %u under too many numbers", schools[l->school].id, (unsigned)(e - entries) + 1);
    e->is_here = true;
    e->copies[e->copy_count] = (struct copy){.ref = s->ref, .target = s->record->target, .homes = l->home};
    digest(e->copies[e->copy_count++].digest, s->bytes);
}

static enum about about_of(const struct form *f, bool *is_ours)
{
    *is_ours = true;
    if (strcmp(f->id, "grades") == 0)
        return ABOUT_GRADES;
    if (strcmp(f->id, "card") == 0)
        return ABOUT_CARD;
    *is_ours = strcmp(f->id, "poll") == 0;
    return ABOUT_POLL;
}

static enum err see_value(void *ctx, const struct queue_submission *s)
{
    const struct look *l = ctx;
    enum about about;
    struct entry *e;
    bool is_ours;

    if (s->form == NULL)
        at_fault("%s holds a submission of an unknown form", schools[l->school].id);
    about = about_of(s->form, &is_ours);
    if (!is_ours || s->record->kind == RECORD_RETRACTION)
        return OK;
    if (s->record->values[0].as.i < 1 || s->record->values[0].as.i > (int64_t)entry_count)
        at_fault("%s holds submission %lld, which nobody entered", schools[l->school].id,
                 (long long)s->record->values[0].as.i);
    e = &entries[s->record->values[0].as.i - 1];
    if (e->school != l->school || !is_same(e, s->record, about))
        at_fault("invariant 1: %s holds submission %lld otherwise than it was entered", schools[l->school].id,
                 (long long)s->record->values[0].as.i);
    found(l, e, s);
    return OK;
}

/* What was there once, and went with a disk, may have had a number that another one has now; and two homes that have
 * not met the hub may have given the same number to two. */
static struct entry *entry_at(const struct look *l, const struct record_ref *ref)
{
    struct entry *here = NULL;
    struct entry *gone = NULL;

    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];
        const struct copy *c = e->school == l->school && e->said != SAID_RETRACTION ? copy_of(e, ref) : NULL;

        if (c == NULL)
            continue;
        if (e->is_here && (c->homes & l->home) != 0)
            return e;
        if (e->is_here)
            here = e;
        else
            gone = e;
    }
    return here != NULL ? here : gone;
}

/* The rows of a full list, of which this one is what it says of a row that it has not. */
static bool has_list(uint32_t i)
{
    for (uint32_t k = i; k > 0 && entries[k - 1].deed == entries[i].deed; k--)
        if (entries[k - 1].said == SAID_NEW)
            return entries[k - 1].is_here;
    return false;
}

/* A list says nothing of its own about what it retracts: it is found by its rows.  Two computers of a school may each
 * have retracted the same one. */
static struct entry *retraction_by_list(uint32_t mark, const struct record_ref *ref)
{
    struct entry *fits = NULL;
    struct entry *again = NULL;

    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];

        if (e->said != SAID_RETRACTION || e->target != mark || !e->is_by_list || !has_list(i))
            continue;
        if (e->is_here && copy_of(e, ref) != NULL)
            return e;
        if (!e->is_here && fits == NULL)
            fits = e;
        if (may_have_copies(e))
            again = e;
    }
    return fits != NULL ? fits : again;
}

/* An answer only goes with its whole session: then the history learns of it now. */
static struct entry *retraction_of_answer(const struct entry *target, uint32_t mark)
{
    struct entry e = {.school = target->school,
                      .about = target->about,
                      .said = SAID_RETRACTION,
                      .period = target->period,
                      .target = mark};

    for (uint32_t i = 0; i < entry_count; i++)
        if (entries[i].said == SAID_RETRACTION && entries[i].target == mark)
            return &entries[i];
    if (target->session == 0 || !sittings[target->session - 1].is_withdrawn)
        return NULL;
    return &entries[history_add(&e) - 1];
}

static struct entry *retraction_of(const struct entry *target, const struct queue_submission *s)
{
    uint32_t mark = (uint32_t)(target - entries) + 1;
    char reason[16];
    unsigned long own;

    if (target->about == ABOUT_POLL)
        return retraction_of_answer(target, mark);
    (void)snprintf(reason, sizeof(reason), "%.*s", (int)s->record->reason.len, (const char *)s->record->reason.p);
    if ((own = strtoul(reason, NULL, 10)) == 0)
        return retraction_by_list(mark, &s->ref);
    return own <= entry_count && entries[own - 1].said == SAID_RETRACTION && entries[own - 1].target == mark
               ? &entries[own - 1]
               : NULL;
}

static enum err see_target(void *ctx, const struct queue_submission *s)
{
    const struct look *l = ctx;
    struct entry *target, *retraction;
    bool is_ours;

    (void)about_of(s->form, &is_ours);
    if (!is_ours || s->record->kind == RECORD_NEW)
        return OK;
    if ((target = entry_at(l, &s->record->target)) == NULL)
        at_fault("%s: number %llu is about one that is not in the queue", schools[l->school].id,
                 (unsigned long long)s->ref.number);
    if (s->record->kind == RECORD_CORRECTION) {
        if (&entries[entries[s->record->values[0].as.i - 1].target - 1] != target)
            at_fault("%s: number %llu corrects another one than was said", schools[l->school].id,
                     (unsigned long long)s->ref.number);
        return OK;
    }
    if ((retraction = retraction_of(target, s)) == NULL)
        at_fault("%s: number %llu retracts submission %u, and nobody retracted it", schools[l->school].id,
                 (unsigned long long)s->ref.number, (unsigned)(target - entries) + 1);
    found(l, retraction, s);
    return OK;
}

/* What was done in one go is there as a whole or not at all (invariant 4). */
static void compare_deeds(void)
{
    for (uint32_t i = 0; i < entry_count; i++) {
        const struct entry *e = &entries[i];

        if (e->session != 0 && sittings[e->session - 1].is_withdrawn)
            continue; /* what had not left is not there */
        if (e->is_sure && !e->is_here && !home_went_back(e->school))
            at_fault("invariant 2: submission %u of %s was acknowledged, and is lost", i + 1, schools[e->school].id);
        if (i > 0 && e->deed != 0 && entries[i - 1].deed == e->deed && entries[i - 1].is_here != e->is_here)
            at_fault("invariant 4: of what %s did in one go a part is there (submissions %u and %u)",
                     schools[e->school].id, i, i + 1);
    }
}

/* How a session stands whose end was asked for when the computer died, its own computer says. */
static void compare_sittings(size_t school)
{
    for (uint32_t i = 0; i < sitting_count; i++) {
        struct sitting *s = &sittings[i];
        struct session_filter f = {.name = s->name};
        struct session x;
        enum err e;

        if (s->school != school)
            continue;
        e = session_find(schools[school].agent, &f, &x);
        if (e == ERR_NOT_FOUND && (!s->is_sure || home_is_astray(school) || computer_is_new(school)))
            continue;
        if (e != OK)
            at_fault("invariant 2: the session %s of %s is lost", s->name, schools[school].id);
        if (s->is_withdrawn && x.word.state != SESSION_WITHDRAWN && !home_is_astray(school))
            at_fault("invariant 1: the session %s of %s was withdrawn, and is not", s->name, schools[school].id);
        s->is_withdrawn |= x.word.state == SESSION_WITHDRAWN;
    }
}

static void look_at(size_t school, int turn, enum err (*see)(void *ctx, const struct queue_submission *s))
{
    static const struct queue_filter any;
    struct look l = {.school = school, .home = 1u << turn};

    speaking = &schools[school];
    MUST(queue_each(schools[school].agent, &any, see, &l));
}

/* At all of its computers for what they hold, before what that is about: a computer may take an answer back by the
 * number under which the other one has sent it. */
static void look(size_t school)
{
    struct school *s = &schools[school];
    const bool has_other = home_has_other(s);

    for (int turn = 0; turn < (has_other ? 2 : 1); turn++) {
        compare_sittings(school);
        look_at(school, turn, see_value);
        if (has_other)
            home_turn(s);
    }
    for (int turn = 0; turn < (has_other ? 2 : 1); turn++) {
        look_at(school, turn, see_target);
        if (has_other)
            home_turn(s);
    }
}

void history_see(struct school *s)
{
    for (uint32_t i = 0; i < entry_count; i++)
        if (entries[i].school == s->number)
            entries[i].is_here = false;
    look(s->number);
}

void history_compare(bool (*is_at_hub)(void *ctx, struct entry *e), void *ctx)
{
    for (uint32_t i = 0; i < entry_count; i++)
        entries[i].is_here = false;
    for (size_t i = 0; i < school_count; i++)
        look(i);
    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];
        bool is_own = e->is_here && computer_entered(e->school, &e->copies[0].ref); /* others are not sent again */

        if (!is_own && e->copy_count > 0 && home_went_back(e->school))
            e->is_here = is_at_hub(ctx, e);
    }
    compare_deeds();
}
