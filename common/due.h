/* due.h: which return is due from whom, from when and until when: the rules of a pack's calendar.yaml
 * (docs/calendar.md).  The hub judges by them, the school shows them.
 *
 * A return is all submissions of one form, unit and period.  Rules are immutable once read and may be read by threads;
 * what they hold lives as long as they. */
#ifndef SVODKA_COMMON_DUE_H
#define SVODKA_COMMON_DUE_H

#include "common/form.h"
#include "common/period.h"

#define DUE_MAX_RULES     500u
#define DUE_MAX_KINDS     16u
#define DUE_MAX_PERIODS   64u        /* named by one rule */
#define DUE_MAX_DAYS      1000       /* before or after the period's beginning or end */
#define DUE_UNIT_DISTRICT "district" /* the district itself, as a unit that is reported about */

/* A day, said with regard to a period. */
enum due_day_kind {
    DUE_DAY_START, /* `days` after the first day */
    DUE_DAY_END,   /* `days` after the last day */
    DUE_DAY_ON,    /* that day of a year: the first from the period's beginning on; of late_until from the due day on */
    DUE_DAY_DATE   /* that very day, whatever the period */
};
struct due_day {
    bool is_given;
    enum due_day_kind kind;
    int32_t days;   /* START, END; negative: before */
    int month, day; /* ON */
    int32_t date;   /* DATE */
};

enum due_about { DUE_ABOUT_UNITS, DUE_ABOUT_DISTRICT };

struct due_rule {
    const char *form;
    const char *series; /* NULL: each of the form's */
    const char *who;    /* role; NULL: the form's */
    bool has_about;     /* false: the district for office and centre and forms about it, else the units */
    enum due_about about;
    const char *kinds[DUE_MAX_KINDS]; /* of the roster; none: all kinds */
    uint32_t kind_count;
    const char *periods[DUE_MAX_PERIODS]; /* ids; none: all */
    uint32_t period_count;
    struct due_day opens, due, late_until;
    int32_t from, to;                       /* periods whose last day lies within; INT32_MIN, INT32_MAX: always */
    bool is_proposal;                       /* the source leaves the date open: it is ours */
    const char *source, *note_ru, *note_en; /* NULL: not given */
    const char *group;                      /* of forms that are closed together; never NULL */
    uint32_t line;
};

struct due_rules;

/* What the rules are checked against. */
struct due_scope {
    const struct calendar *calendar;
    struct form *const *forms; /* NULL: forms are not looked up (a school may not have got them yet) */
    size_t form_count;
};
/* Reads a calendar.yaml.  Everything wrong goes to `r` with line and column.  ERR_INVALID; else as yaml_parse(). */
MUST_CHECK enum err due_rules_read(struct due_rules **out, const char *file, const void *bytes, size_t len,
                                   const struct due_scope *scope, struct report *r);
void due_rules_free(struct due_rules *r);
size_t due_rules_count(const struct due_rules *r);
const struct due_rule *due_rules_at(const struct due_rules *r, size_t i);

/* Who owes it, and about what. */
const char *due_rule_role(const struct due_rule *r, const struct form *f);
enum due_about due_rule_about(const struct due_rule *r, const struct form *f);

/* Days of one return, all of them included. */
struct due_days {
    int32_t opens, due, late_until;
};
/* False: the rule says nothing about this period of the form (another series, outside its validity, not named). */
bool due_rule_days(const struct due_rule *r, const struct form *f, const struct period *p, struct due_days *out);

/* Calls `each` for the periods of the rule that are open on some day from `first` to `last` (from opening to
 * late_until), in the order of the form's series and of time.  What `each` returns other than OK ends it. */
MUST_CHECK enum err due_rule_each(const struct due_rule *r, const struct form *f, const struct calendar *c,
                                  int32_t first, int32_t last,
                                  enum err (*each)(void *ctx, const struct period *p, const struct due_days *d),
                                  void *ctx);

#endif
