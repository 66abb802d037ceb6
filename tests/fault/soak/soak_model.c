/* What each indicator must be, by the rules of docs/design and docs/indicators.md and nothing else: a submission is
 * later when its (generation, number) is greater; the latest of a place stands there, unless a correction or a
 * retraction names it: then the place is empty, and nothing older revives.  No code of the hub's is used here. */
#include "tests/fault/soak/soak.h"

#define MILLION 1000000

static bool is_later(const struct record_ref *a, const struct record_ref *b)
{
    int tags;

    if (a->gen.counter != b->gen.counter)
        return a->gen.counter > b->gen.counter;
    if ((tags = memcmp(a->gen.tag, b->gen.tag, sizeof(a->gen.tag))) != 0)
        return tags > 0;
    return a->number > b->number;
}

/* The latest of each place: of a card, or of a pupil's row. */
struct latest {
    struct entry *entry; /* NULL: none */
    const struct record_ref *ref;
};
static struct latest latest[SOAK_SCHOOLS_MAX][SOAK_PERIODS][SOAK_PUPILS + 1];

static void take_place(struct entry *e)
{
    struct latest *at = &latest[e->school][e->period][e->about == ABOUT_CARD ? SOAK_PUPILS : e->pupil];

    for (unsigned i = 0; i < e->copy_count; i++)
        if (at->entry == NULL || is_later(&e->copies[i].ref, at->ref))
            *at = (struct latest){.entry = e, .ref = &e->copies[i].ref};
}

static bool is_same(const struct record_ref *a, const struct record_ref *b)
{
    return !is_later(a, b) && !is_later(b, a);
}

/* What a correction or retraction names counts no more; of an answer, under whichever of its numbers. */
static void take_out(const struct entry *e)
{
    struct entry *target = &entries[e->target - 1];
    const struct latest *at =
        &latest[e->school][target->period][target->about == ABOUT_CARD ? SOAK_PUPILS : target->pupil];

    if (target->about == ABOUT_POLL)
        target->is_counted = false;
    for (unsigned i = 0; i < e->copy_count && target->about != ABOUT_POLL; i++)
        if (at->entry != NULL && is_same(&e->copies[i].target, at->ref))
            at->entry->is_counted = false;
}

void model_decide(void)
{
    memset(latest, 0, sizeof(latest));
    for (uint32_t i = 0; i < entry_count; i++) {
        struct entry *e = &entries[i];

        e->is_counted = false;
        if (!e->is_here || e->said == SAID_RETRACTION)
            continue;
        if (e->about == ABOUT_POLL)
            e->is_counted = true;
        else
            take_place(e);
    }
    for (size_t i = 0; i < sizeof(latest) / sizeof(latest[0][0][0]); i++)
        if ((&latest[0][0][0])[i].entry != NULL)
            (&latest[0][0][0])[i].entry->is_counted = true;
    for (uint32_t i = 0; i < entry_count; i++)
        if (entries[i].is_here && entries[i].said != SAID_NEW)
            take_out(&entries[i]);
}

/* ---- sums ---- */

struct sums {
    int64_t rows, by_level[2], grades, row_marks, passed, by_grade[21], teachers;
    bool has_teacher[SOAK_TEACHERS];
    int64_t cards, pupils, staff, card_marks;
    int64_t answers, mood, answer_marks;
};

static void add_entry(struct sums *s, const struct entry *e, uint32_t mark)
{
    switch (e->about) {
    case ABOUT_GRADES:
        s->rows++;
        s->by_level[e->a >= 10]++;
        s->grades += e->a;
        s->row_marks += mark;
        s->passed += e->a >= soak_pass_grade;
        s->by_grade[e->a]++;
        s->teachers += !s->has_teacher[e->teacher];
        s->has_teacher[e->teacher] = true;
        break;
    case ABOUT_CARD:
        s->cards++;
        s->pupils += e->a;
        s->staff += e->b;
        s->card_marks += mark;
        break;
    case ABOUT_POLL:
        s->answers++;
        s->mood += e->a;
        s->answer_marks += mark;
        break;
    }
}

/* Of the district; a teacher's code is a code of one school. */
static void add_sums(struct sums *to, const struct sums *s)
{
    to->rows += s->rows;
    to->by_level[0] += s->by_level[0];
    to->by_level[1] += s->by_level[1];
    to->grades += s->grades;
    to->row_marks += s->row_marks;
    to->passed += s->passed;
    for (size_t i = 0; i < COUNT(s->by_grade); i++)
        to->by_grade[i] += s->by_grade[i];
    to->teachers += s->teachers;
    to->cards += s->cards;
    to->pupils += s->pupils;
    to->staff += s->staff;
    to->card_marks += s->card_marks;
    to->answers += s->answers;
    to->mood += s->mood;
    to->answer_marks += s->answer_marks;
}

/* ---- figures ---- */

struct teller {
    struct figure f;
    void (*each)(void *ctx, const struct figure *f);
    void *ctx;
};

static void tell(struct teller *t, const char *indicator, bool has_value, int64_t above, int64_t below, int64_t times)
{
    t->f.indicator = indicator;
    t->f.has_value = has_value && below > 0;
    t->f.above = above;
    t->f.below = below;
    if (t->f.has_value) /* half up */
        t->f.value = ((i128)above * times * MILLION * 2 + below) / ((i128)below * 2);
    t->each(t->ctx, &t->f);
}

/* The sum of the two in the middle: twice the median. */
static int64_t twice_median(const struct sums *s)
{
    int64_t first = (s->rows + 1) / 2;
    int64_t second = s->rows / 2 + 1;
    int64_t seen = 0;
    int64_t sum = 0;

    for (int64_t grade = 0; grade <= 20; grade++)
        for (int64_t i = 0; i < s->by_grade[grade]; i++) {
            seen++;
            sum += seen == first ? grade : 0;
            sum += seen == second ? grade : 0;
        }
    return sum;
}

static void tell_sums(struct teller *t, const struct sums *s)
{
    tell(t, "rows", s->rows > 0, s->rows, 1, 1);
    tell(t, "grade_sum", s->rows > 0, s->grades, 1, 1);
    tell(t, "row_marks", s->rows > 0, s->row_marks, 1, 1);
    tell(t, "grade_mean", s->rows > 0, s->grades, s->rows, 1);
    tell(t, "passed", s->rows > 0, s->passed, s->rows, 100);
    tell(t, "middle", s->rows > 0, twice_median(s), 2, 1);
    tell(t, "teachers", s->rows > 0, s->teachers, 1, 1);
    tell(t, "per_teacher", s->cards > 0, s->pupils, s->staff, 1);
    tell(t, "card_marks", s->cards > 0, s->card_marks, 1, 1);
    tell(t, "answers", s->answers > 0, s->answers, 1, 1);
    tell(t, "mood", s->answers > 0, s->mood, s->answers, 1);
    tell(t, "answer_marks", s->answers > 0, s->answer_marks, 1, 1);
    for (unsigned level = 0; level < 2; level++) {
        t->f.part = level == 0 ? "level=low" : "level=high";
        if (s->by_level[level] > 0)
            tell(t, "rows", true, s->by_level[level], 1, 1);
    }
    t->f.part = "";
}

static void tell_period(struct teller *t, const struct sums *of)
{
    struct sums all = {.rows = 0};
    int64_t reported = 0;
    int64_t good = 0;

    for (size_t i = 0; i < school_count; i++) {
        bool is_good = of[i].rows > 0 && of[i].grades >= soak_pass_grade * of[i].rows;

        t->f.unit = (int)i;
        tell_sums(t, &of[i]);
        tell(t, "good_schools", of[i].rows > 0, is_good, 1, 100);
        reported += of[i].rows > 0;
        good += is_good;
        add_sums(&all, &of[i]);
    }
    t->f.unit = -1;
    tell_sums(t, &all);
    tell(t, "good_schools", reported > 0, good, reported, 100);
}

void model_figures(void (*each)(void *ctx, const struct figure *f), void *ctx)
{
    for (unsigned p = 0; p < SOAK_PERIODS; p++) {
        struct teller t = {.f = {.period = p, .part = ""}, .each = each, .ctx = ctx};
        struct sums of[SOAK_SCHOOLS_MAX];

        memset(of, 0, sizeof(of));
        for (uint32_t i = 0; i < entry_count; i++)
            if (entries[i].is_counted && entries[i].period == p)
                add_entry(&of[entries[i].school], &entries[i], i + 1);
        tell_period(&t, of);
    }
}
