/* protect_internal.h: what the parts of protect share.  Everything behind the front door is counted in *deviations*:
 * the true values are the origin, a reader's possible world is a vector of whole numbers added to them. */
#ifndef SVODKA_HUB_PROTECT_INTERNAL_H
#define SVODKA_HUB_PROTECT_INTERNAL_H

#include "hub/protect.h"

#define NONE UINT32_MAX
#define OPEN INT64_MAX /* of a slack: no bound on this side (-OPEN below) */

typedef __int128 wide;

/* lo <= functional(deviation) <= hi; lo <= 0 <= hi, because the true values fulfil every row. */
struct row {
    uint32_t first; /* in p->terms, by ascending atom, no zero */
    uint32_t count;
    int64_t lo;
    int64_t hi;
    uint32_t item; /* NONE: structural */
};

struct item {
    char *id;
    uint32_t cost;
    enum protect_state state;
    bool is_pinned; /* shown for ever, or an input of such an item */
    bool is_forced; /* hidden from the start, or depends on such an item */
    bool is_hidden;
    bool is_ignored; /* while the reasons for a failure are sought */
    uint32_t rank;   /* place by id */
    uint32_t first_row;
    uint32_t row_count;
    uint32_t first_user; /* in p->users: the items that depend on it directly */
    uint32_t user_count;
};

struct edge {
    uint32_t item;
    uint32_t input;
};

/* A set of whole numbers that agrees with all that is shown: the atoms that differ from the truth. */
struct world {
    uint32_t refs;
    uint32_t count;
    uint64_t stamp;
    bool is_broken;
    struct protect_term terms[]; /* coef: the deviation */
};

struct target {
    char *id;
    uint32_t first;
    uint32_t count;
    int64_t value;
    struct protect_need asked;
    struct protect_need need; /* after what is impossible anyway was taken off */
    uint32_t rank;
    struct world *low; /* owned by reference; NULL: the truth itself */
    struct world *high;
    int64_t below; /* how far they reach, >= 0 */
    int64_t above;
    struct protect_bounds bounds;
    bool is_lost;
};

/* What a reader of the shown items knows about each atom, after the simple conclusions. */
struct view {
    uint8_t *is_known; /* per atom */
    int64_t *lb;       /* per atom: least and greatest deviation; OPEN as above */
    int64_t *ub;
    uint32_t *part;                    /* per atom: its connected part, NONE when known */
    uint8_t *is_active;                /* per row: speaks about two unknown atoms or more */
    const struct protect_term **terms; /* per row: what is left of it, see view_build() */
    uint32_t *count;
    struct protect_term *rest; /* where rows stand that were made shorter */
    uint8_t *is_gone;          /* per place in p->at_row: the row was made shorter by this atom */
    uint32_t *free_count;      /* per row */
    uint32_t part_count;
    uint32_t *part_first; /* part_count + 1; in part_atoms */
    uint32_t *part_atoms;
    uint32_t *part_row_first; /* part_count + 1; in part_rows */
    uint32_t *part_rows;
    uint32_t *queue; /* work: rows to look at */
    uint8_t *is_queued;
    uint8_t *visits; /* per row: how often its bounds were carried on */
};

/* What counts as revealed. */
enum pretence {
    AS_CHOSEN,
    STRUCTURE_ONLY, /* as if no item were shown */
    ALL_HIDDEN      /* as if all were hidden that may be */
};

struct protect {
    struct protect_limits limits;
    bool is_ready;  /* sorted and indexed */
    bool is_failed; /* a call that builds it failed */
    bool has_needs; /* the targets' needs are known */
    enum pretence pretend;
    int64_t *value; /* per atom */
    int64_t *upper;
    struct protect_term *terms;
    struct row *rows;
    struct item *items;
    struct edge *edges;
    struct target *targets;
    uint32_t atom_count, term_count, row_count, item_count, edge_count, target_count;
    uint32_t value_cap, upper_cap, term_cap, row_cap, item_cap, edge_cap, target_cap;
    uint32_t *item_order;   /* by id */
    uint32_t *target_order; /* by id */
    uint32_t *users;
    uint32_t *work;     /* per item */
    uint32_t *at_first; /* atom_count + 1: the rows that speak about an atom, in at_row and at_coef */
    uint32_t *at_row;
    int64_t *at_coef;
    int64_t *dev;       /* work: per atom, all zero between uses */
    uint32_t *local;    /* work: per atom, NONE between uses */
    uint32_t *row_mark; /* work: per row */
    uint32_t mark;
    uint64_t stamp;
    struct view view;
    uint64_t iterations_left;
    uint64_t steps_left;
    int64_t deadline_ms;
    uint64_t linear_programs;
};

/* ---- protect.c ---- */
MUST_CHECK enum err protect_ready(struct protect *p);
/* Starts the limits of one call. */
void protect_budget(struct protect *p);
MUST_CHECK enum err protect_check_time(const struct protect *p);
bool protect_is_revealed(const struct protect *p, const struct row *r);
void protect_hide_all(struct protect *p);
void protect_reset_choice(struct protect *p);
void protect_count(const struct protect *p, struct protect_summary *out);

/* ---- protect_index.c: sorting and indexing, whatever the order of the calls ---- */
MUST_CHECK enum err protect_index(struct protect *p);

/* ---- protect_view.c ---- */
MUST_CHECK enum err view_alloc(struct protect *p);
void view_fini(struct view *v);
/* Draws the conclusions from what is revealed now.  First a long equation is made shorter by the equations that lie in
 * it: a district's total, less the schools that are shown, speaks about the hidden schools alone.  That changes nothing
 * of what follows from all rows together, but keeps apart what has nothing to do with each other. */
void view_build(struct protect *p);

/* ---- protect_lp.c: the only door to Clp ---- */
struct lp;
struct lp_shape {
    uint32_t cols;
    uint32_t rows;
    const int *start; /* cols + 1, by columns */
    const int *index;
    const double *coef;
    const double *col_lo;
    const double *col_hi;
    const double *row_lo;
    const double *row_hi;
};
double lp_slack(int64_t slack); /* OPEN becomes infinity */
double lp_within(int64_t dev, int64_t box);
MUST_CHECK enum err lp_new(struct lp **out, const struct lp_shape *s);
void lp_free(struct lp *l);
/* Every column needs finite bounds, so that there always is an optimum.  ERR_NOT_FOUND: no solution.  ERR_LIMIT: the
 * iterations or the time of the call are used up, or Clp gave up. */
MUST_CHECK enum err lp_maximise(struct protect *p, struct lp *l, const double *objective, double *value);
const double *lp_solution(const struct lp *l);
void lp_set_columns(struct lp *l, const double *col_lo, const double *col_hi);

/* ---- protect_part.c: the linear program of one connected part of a view ---- */
struct part;
/* No atom deviates further than `box`. */
MUST_CHECK enum err part_open(struct part **out, struct protect *p, uint32_t part, int64_t box);
void part_close(struct part *x);
/* The greatest (sign 1) or least (sign -1) deviation of the target; *bound is rounded inwards to what whole numbers may
 * reach.  *world (NULL when none was found) is a world of whole numbers that goes as far as was found in a bounded
 * search; the caller releases it. */
MUST_CHECK enum err part_reach(struct part *x, const struct target *t, int sign, int64_t *bound, struct world **world);

/* ---- protect_repair.c ---- */
/* Worlds for a target that linear programs found none for. */
MUST_CHECK enum err repair_prove(struct protect *p, struct target *t);

/* ---- protect_world.c ---- */
/* Whole numbers for ascending atoms, checked exactly against the bounds and all that is revealed.
 * ERR_NOT_FOUND: no possible world, or nothing differs. */
MUST_CHECK enum err world_new(struct world **out, struct protect *p, const uint32_t *atoms, const int64_t *devs,
                              uint32_t count);
/* The same deviations the other way. */
MUST_CHECK enum err world_mirror(struct world **out, struct protect *p, const struct world *of);
bool world_is_possible(struct protect *p, const struct world *w);
bool world_row_holds(const struct protect *p, const struct world *w, const struct row *r);
void world_release(struct world *w);
/* A fresh value for p->row_mark. */
void protect_next_mark(struct protect *p);
int64_t world_target(const struct protect *p, const struct world *w, const struct target *t);
/* Keeps the world with the target when it reaches further than what it has. */
void target_offer(const struct protect *p, struct target *t, struct world *w);
void target_forget(struct target *t);
bool target_is_proved(const struct target *t);

/* ---- protect_rank.c ---- */
/* Sets bounds.is_determined of every target and counts the hidden items that follow exactly. */
MUST_CHECK enum err rank_audit(struct protect *p, uint32_t *recomputed);

/* ---- protect_prove.c: finding worlds for targets in the view as built ---- */
/* Targets by the part they lie in; those of which everything is known stand last, under NONE. */
struct roll {
    uint32_t *targets;
    uint32_t count;
};
MUST_CHECK enum err roll_new(struct roll *r, const struct protect *p, bool unproved_only);
void roll_fini(struct roll *r);
uint32_t target_part(const struct protect *p, const struct target *t);
/* Looks for worlds for every target that is not proved yet, and leaves unproved those that cannot be. */
MUST_CHECK enum err prove_all(struct protect *p, bool or_none); /* or_none: may stop at the first that cannot be */
MUST_CHECK enum err prove_one(struct protect *p, struct target *t);
/* Drops the worlds that contradict what is revealed now. */
void prove_recheck(struct protect *p);
/* Takes off what each target asks for beyond what is possible when nothing is shown. */
MUST_CHECK enum err prove_needs(struct protect *p);

/* ---- protect_audit.c ---- */
/* protect_audit() within the budget of another call. */
MUST_CHECK enum err audit_run(struct protect *p, struct protect_summary *out);

/* ---- protect_near.c ---- */
/* What lies around a target: atoms that may move, rows that hold them, and for each row of an item that may still be
 * hidden (a soft row) two columns: how far it moves down and up. */
struct plan {
    struct protect *p;
    const struct target *t;
    uint32_t atom_count;
    uint32_t row_count;
    uint32_t soft_count;
    uint32_t cols;   /* the atoms, two for each soft row, one for the target */
    uint32_t *atoms; /* ascending */
    uint32_t *rows;  /* soft rows first */
    double *weight;  /* per soft row: what hiding its item costs */
    double *objective;
    double *lo;
    double *hi;
    struct lp *lp;
};
/* At most `cap` atoms besides the target's own (NONE: all), none of them further away than `box`; needs the view as if
 * all were hidden. */
MUST_CHECK enum err plan_open(struct plan **out, struct protect *p, const struct target *t, uint32_t cap, int64_t box);
void plan_close(struct plan *x);

/* ---- protect_plan.c: in the view as built when all that may be hidden is hidden, but with the choice so far ---- */
/* Chooses items to hide so that the target can move, and hides them; the worlds found are offered to all targets that
 * are not proved.  *hidden: how many items were hidden; 0: there is nothing left that could help. */
MUST_CHECK enum err plan_hide(struct protect *p, struct target *t, uint32_t *hidden);

/* Hides an item and all that depends on it; returns how many were not hidden before. */
uint32_t protect_hide_closure(struct protect *p, uint32_t item);
uint64_t protect_hide_cost(struct protect *p, uint32_t item);

#endif
