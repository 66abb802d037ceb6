#include "tests/fault/soak/soak_deeds.h"
#include "tests/fault/soak/soak.h"

#include "agent/import.h"
#include "agent/own_return.h"

#define FIELDS_MAX 6u
#define COLUMNS    5u /* of a list */

/* ---- what is entered ---- */

static const char *const form_ids[] = {"grades", "card", "poll"};
static char texts[2][SOAK_TEXT_MAX];

static void fill(const struct entry *e, uint32_t mark, struct value values[FIELDS_MAX])
{
    memset(values, 0, FIELDS_MAX * sizeof(*values));
    values[0].as.i = mark;
    if (e->about != ABOUT_GRADES) {
        values[1].as.i = e->a;
        values[2].as.i = e->b;
        return;
    }
    (void)snprintf(texts[0], sizeof(texts[0]), "p%u", e->pupil);
    (void)snprintf(texts[1], sizeof(texts[1]), SOAK_TEACHER "%u", e->teacher);
    values[1].as.text = bytes_of(texts[0], strlen(texts[0]));
    values[2].as.i = e->a;
    values[3].as.text = bytes_of(texts[1], strlen(texts[1]));
    values[4].as.i = e->a >= 10;
    values[5].as.text = bytes_of("", 0);
    values[5].state = VALUE_MISSING;
}

static struct entry invent(const struct school *s, enum about about, unsigned period)
{
    struct entry e = {.school = s->number, .about = about, .period = period};

    e.pupil = chance_below(SOAK_PUPILS);
    e.teacher = chance_below(SOAK_TEACHERS);
    e.a = about == ABOUT_GRADES ? chance_below(21) : about == ABOUT_CARD ? 10 + chance_below(700) : 1 + chance_below(5);
    e.b = about == ABOUT_CARD ? 1 + chance_below(60) : 0;
    return e;
}

static enum err open_capture(struct school *s, enum about about, unsigned period, struct capture **out)
{
    struct capture_options o = {
        .form = agent_form(s->agent, form_ids[about]), .period = soak_periods[period], .filled_on = "2020-10-05"};

    if (o.form == NULL) /* the directory names a new version, and the line was lost before its text came */
        return err_set(ERR_NOT_FOUND, "%s has no form %s", s->id, form_ids[about]);
    return capture_open(out, s->agent, &o);
}

/* ---- planning: what stands at this school, and what is to be done about it ---- */

/* What its queue says stands at that place: its mark, or 0. */
static uint32_t standing(struct school *s, enum about about, unsigned period, unsigned pupil, struct record_ref *ref)
{
    const struct queue_filter slot = {form_ids[about], s->id, soak_periods[period]};
    struct record_space *space;
    struct record r;
    struct buf b;
    uint32_t mark;
    char key[16];
    enum err e;

    (void)snprintf(key, sizeof(key), "p%u", pupil);
    e = queue_find_current(s->agent, &slot, about == ABOUT_GRADES ? key : NULL, ref);
    if (e == ERR_NOT_FOUND)
        return 0;
    MUST(e);
    MUST(record_space_new(&space));
    buf_init(&b, RECORD_MAX);
    MUST(queue_get(s->agent, ref, &b));
    MUST(record_decode_head(&r, bytes_of(b.data, b.len)));
    MUST(record_decode(&r, space, bytes_of(b.data, b.len), agent_form_by_digest(s->agent, r.form)));
    mark = (uint32_t)r.values[0].as.i;
    buf_fini(&b);
    record_space_free(space);
    if (mark == 0 || mark > entry_count || entries[mark - 1].school != s->number)
        at_fault("%s holds submission %u, which nobody entered there", s->id, mark);
    return mark;
}

static void plan_new(struct school *s, struct plan *p)
{
    struct entry e = invent(s, once_in(4) ? ABOUT_CARD : ABOUT_GRADES, chance_below(SOAK_PERIODS));

    e.deed = p->deed;
    p->kind = PLAN_ENTER;
    p->first = history_add(&e);
}

/* A correction may give the row to another pupil. */
static void plan_change(struct school *s, struct plan *p)
{
    struct entry e = invent(s, once_in(4) ? ABOUT_CARD : ABOUT_GRADES, chance_below(SOAK_PERIODS));

    if ((e.target = standing(s, e.about, e.period, e.pupil, &p->target)) == 0) {
        plan_new(s, p);
        return;
    }
    e.deed = p->deed;
    e.said = once_in(3) ? SAID_RETRACTION : SAID_CORRECTION;
    if (e.said == SAID_CORRECTION && once_in(6))
        e.pupil = chance_below(SOAK_PUPILS);
    p->kind = PLAN_CHANGE;
    p->first = history_add(&e);
}

/* A full list: some pupils with new rows, the rows of the others are retracted. */
static void plan_list(struct school *s, struct plan *p)
{
    unsigned period = chance_below(SOAK_PERIODS);
    uint64_t chosen = chance();
    struct record_ref ref;

    p->kind = PLAN_LIST;
    p->period = period;
    p->first = history_next();
    chosen |= 1; /* an empty list is refused */
    for (unsigned i = 0; i < SOAK_PUPILS; i++) {
        struct entry e = invent(s, ABOUT_GRADES, period);

        e.pupil = i;
        e.deed = p->deed;
        if ((chosen >> i & 1) != 0)
            p->count = history_add(&e) + 1 - p->first;
    }
    for (unsigned i = 0; i < SOAK_PUPILS; i++) {
        struct entry e = {.school = s->number,
                          .is_by_list = true,
                          .said = SAID_RETRACTION,
                          .period = period,
                          .pupil = i,
                          .deed = p->deed};

        if ((chosen >> i & 1) == 0 && (e.target = standing(s, ABOUT_GRADES, period, i, &ref)) != 0)
            (void)history_add(&e);
    }
}

static uint32_t some_sitting(const struct school *s, bool open)
{
    uint32_t from = chance_below(sitting_count + 1);

    for (uint32_t i = 0; i < sitting_count; i++) {
        uint32_t at = (from + i) % sitting_count;

        if (sittings[at].school == s->number && sittings[at].is_sure && sittings[at].is_open == open &&
            !sittings[at].is_withdrawn)
            return at + 1;
    }
    return 0;
}

static void plan_sitting(struct school *s, struct plan *p)
{
    uint32_t open = some_sitting(s, true);
    uint32_t closed;

    if (open == 0 || once_in(25)) {
        struct sitting x = {.school = s->number, .period = chance_below(SOAK_PERIODS)};

        (void)snprintf(x.name, sizeof(x.name), "c%u", sitting_count + 1);
        p->kind = PLAN_OPEN;
        p->sitting = history_add_sitting(&x);
    } else if (once_in(20)) {
        p->kind = PLAN_CLOSE;
        p->sitting = open;
    } else if (once_in(40)) {
        closed = some_sitting(s, false);
        p->kind = PLAN_WITHDRAW;
        p->sitting = closed != 0 && once_in(2) ? closed : open;
    } else {
        struct entry e = invent(s, ABOUT_POLL, sittings[open - 1].period);

        e.session = p->sitting = open;
        e.deed = p->deed;
        p->kind = PLAN_ANSWER;
        p->first = history_add(&e);
    }
}

void deed_plan(struct school *s, struct plan *p)
{
    uint32_t what = chance_below(100);

    speaking = s;
    clock_of(s->clock_error_ms);
    memset(p, 0, sizeof(*p));
    p->deed = history_new_deed();
    p->count = 1;
    if (what < 40)
        plan_new(s, p);
    else if (what < 65)
        plan_change(s, p);
    else if (what < 72)
        plan_list(s, p);
    else if (what < 76)
        *p = (struct plan){.kind = PLAN_MARK,
                           .deed = p->deed,
                           .form = chance_below(COUNT(form_ids)),
                           .period = chance_below(SOAK_PERIODS)};
    else
        plan_sitting(s, p);
    soak_note("%s: deed %u: %s, submissions %u to %u, target %u, session %u", s->id, p->deed, plan_names[p->kind],
              p->first, entry_count, p->first != 0 ? entries[p->first - 1].target : 0, p->sitting);
}

const char *const plan_names[] = {"enter", "change", "list", "open", "answer", "close", "withdraw", "mark"};

/* ---- doing ---- */

static enum err enter(struct school *s, const struct plan *p)
{
    const struct entry *x = &entries[p->first - 1];
    static const enum record_kind kinds[] = {RECORD_NEW, RECORD_CORRECTION, RECORD_RETRACTION};
    char reason[16];
    struct capture_deed deed = {.kind = kinds[x->said], .target = p->target, .reason = reason};
    struct value values[FIELDS_MAX];
    struct record_ref ref;
    struct capture *c;
    enum err e = open_capture(s, x->about, x->period, &c);

    if (e != OK)
        return e;
    (void)snprintf(reason, sizeof(reason), "%u", p->first);
    fill(x, p->first, values);
    if (x->said != SAID_RETRACTION)
        MUST(capture_judge(c, values, false, NULL, NULL));
    if (x->said == SAID_NEW)
        deed.reason = NULL;
    e = capture_one(c, x->said == SAID_RETRACTION ? NULL : values, &deed, &ref);
    capture_close(c);
    return e;
}

struct list_rows {
    uint32_t next, end;
    bool has_headings;
    char texts[COLUMNS][SOAK_TEXT_MAX];
    struct bytes cells[COLUMNS];
};

static enum err next_row(void *ctx, struct csv_row *row)
{
    static const char *const headings[COLUMNS] = {"mark", "pupil", "grade", "teacher", "level"};
    struct list_rows *l = ctx;
    const struct entry *e = &entries[l->next - 1];

    if (l->next == l->end)
        return ERR_NOT_FOUND;
    (void)snprintf(l->texts[0], sizeof(l->texts[0]), "%u", l->next);
    (void)snprintf(l->texts[1], sizeof(l->texts[1]), "p%u", e->pupil);
    (void)snprintf(l->texts[2], sizeof(l->texts[2]), "%lld", (long long)e->a);
    (void)snprintf(l->texts[3], sizeof(l->texts[3]), SOAK_TEACHER "%u", e->teacher);
    (void)snprintf(l->texts[4], sizeof(l->texts[4]), "%s", e->a >= 10 ? "high" : "low");
    for (unsigned i = 0; i < COLUMNS; i++) {
        const char *text = l->has_headings ? l->texts[i] : headings[i];

        l->cells[i] = bytes_of(text, strlen(text));
    }
    *row = (struct csv_row){.line = l->next - l->end + 1000, .count = COLUMNS, .cells = l->cells};
    l->next += l->has_headings ? 1 : 0;
    l->has_headings = true;
    return OK;
}

static enum err import_list(struct school *s, const struct plan *p)
{
    struct list_rows rows = {.next = p->first, .end = p->first + p->count};
    struct import_source source = {.name = "list", .ctx = &rows, .next = next_row};
    struct import_options o = {.replace = true, .delimiter = ';'};
    struct import_result result;
    struct capture *c = NULL;
    struct report *r;
    enum err e;

    MUST(report_new(&r, 0));
    if ((e = open_capture(s, ABOUT_GRADES, p->period, &c)) == OK)
        e = import_run(s->agent, c, &source, &o, r, &result);
    if (e == ERR_INVALID) {
        report_print(r, stderr);
        at_fault("a good list is refused: %s", err_text());
    }
    capture_close(c);
    report_free(r);
    return e;
}

static enum err answer(struct school *s, struct session *x, const struct plan *p)
{
    struct value values[FIELDS_MAX];
    struct session_pool pool;
    struct capture *c = NULL;
    struct bytes record;
    enum err e = open_capture(s, ABOUT_POLL, sittings[p->sitting - 1].period, &c);

    if (e != OK)
        return e;
    session_pool_init(&pool);
    fill(&entries[p->first - 1], p->first, values);
    MUST(capture_judge(c, values, false, NULL, NULL));
    if ((e = capture_encode(c, values, NULL, &record)) == OK && (e = session_pool_add(&pool, record)) == OK)
        e = session_put(s->agent, x, &pool, NULL, false);
    session_pool_fini(&pool);
    capture_close(c);
    return e;
}

static enum err sit(struct school *s, const struct plan *p)
{
    static const struct session_by by;
    const struct sitting *sitting = &sittings[p->sitting - 1];
    struct session_filter f = {.name = sitting->name};
    struct session_withdrawn gone;
    struct session x = {.day = SOAK_DAY, .word = {.form = "poll", .expected = 40}};
    enum err e;

    if (p->kind == PLAN_OPEN) {
        (void)snprintf(x.word.name, sizeof(x.word.name), "%s", sitting->name);
        (void)snprintf(x.unit, sizeof(x.unit), "%s", s->id);
        (void)snprintf(x.period, sizeof(x.period), "%s", soak_periods[sitting->period]);
        return session_open(s->agent, &x, &by);
    }
    if ((e = session_find(s->agent, &f, &x)) != OK)
        return e;
    if (x.word.state != SESSION_OPEN && p->kind != PLAN_WITHDRAW)
        return err_set(ERR_DENIED, "it was ended before, when the computer died");
    if (p->kind == PLAN_ANSWER)
        return answer(s, &x, p);
    if (p->kind == PLAN_CLOSE)
        return session_close(s->agent, &x, &by);
    return session_withdraw(s->agent, &x, "a reason", &by, &gone);
}

/* A return without a row can only be marked as such, one with rows not. */
static enum err mark_return(struct school *s, const struct plan *p)
{
    struct return_marking m = {.state = p->deed % 2 == 0 ? COVER_COMPLETE : COVER_PARTIAL, .reason = "a reason"};
    const struct form *f = agent_form(s->agent, form_ids[p->form]);
    struct own_return *r = NULL;
    bool is_new;
    enum err e = f == NULL ? err_set(ERR_NOT_FOUND, "%s has no form", s->id)
                           : own_return_read(&r, s->agent, f, s->id, soak_periods[p->period]);

    if (e != OK)
        return e;
    if (r->rows == 0)
        m.state = COVER_NOTHING;
    e = own_return_mark(s->agent, r, &m, &is_new);
    own_return_free(r);
    return e;
}

enum err deed_run(struct school *s, const struct plan *p)
{
    speaking = s;
    clock_of(s->clock_error_ms);
    switch (p->kind) {
    case PLAN_ENTER:
    case PLAN_CHANGE: return enter(s, p);
    case PLAN_LIST: return import_list(s, p);
    case PLAN_OPEN:
    case PLAN_ANSWER:
    case PLAN_CLOSE:
    case PLAN_WITHDRAW: return sit(s, p);
    case PLAN_MARK: return mark_return(s, p);
    }
    return ERR_INTERNAL;
}

/* ---- what the history says then ---- */

void deed_acknowledged(const struct plan *p)
{
    struct sitting *x;

    history_sure(p->deed);
    if (p->sitting == 0)
        return;
    x = &sittings[p->sitting - 1];
    x->is_sure |= p->kind == PLAN_OPEN;
    x->is_open = p->kind == PLAN_OPEN || p->kind == PLAN_ANSWER;
    x->is_withdrawn |= p->kind == PLAN_WITHDRAW;
}

/* A session whose end nobody confirmed is left alone. */
void deed_unknown(const struct plan *p)
{
    if (p->kind == PLAN_CLOSE || p->kind == PLAN_WITHDRAW)
        sittings[p->sitting - 1].is_open = false;
}

enum err deed_do(struct school *s)
{
    struct plan p;
    enum err e;

    deed_plan(s, &p);
    e = deed_run(s, &p);
    if (e == OK)
        deed_acknowledged(&p);
    else
        deed_unknown(&p);
    return e;
}
