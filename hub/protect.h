/* protect.h: cell suppression and its audit (invariant 7: nobody recognisable).  Knows nothing of forms or indicators:
 * a caller describes what could be published, what must not be learned from it, and what everybody knows anyway.
 *
 * - An *atom* is a whole number >= 0 that the hub knows and a reader does not: one stored quantity of one unit.
 * - A *functional* is a sum of atoms with whole coefficients (a numerator, a district total, a difference).
 * - An *item* is one line that may be published.  Whoever sees it knows its functionals exactly: of a share both the
 *   numerator and the denominator, because six places of a quotient mostly give both away.
 * - A *structural* rule is what everybody knows without any publication: parts sum to the whole, a part is no greater.
 * - A *target* is a functional that must stay uncertain.
 *
 * protect_solve() chooses which items to hide besides those that must be.  What it accepts it has proved: for each
 * target it holds other sets of whole numbers (worlds) that agree with everything shown and everything known, and in
 * which the target has another value.  They are compared in exact arithmetic, so that neither the floating point of the
 * linear solver nor a modulus can make an unsafe publication pass.  docs/publication.md says what this does not prove.
 *
 * The answer depends on the problem only, not on the order in which items, rules and targets were given (atoms are
 * known by their numbers).  A problem is used by one thread at a time; several may be solved side by side. */
#ifndef SVODKA_HUB_PROTECT_H
#define SVODKA_HUB_PROTECT_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTECT_ID_MAX    250u                /* bytes of an id */
#define PROTECT_VALUE_MAX (INT64_C(1) << 50)  /* of an atom or a functional, either sign */
#define PROTECT_COEF_MAX  INT64_C(1000000)    /* of a coefficient, either sign */
#define PROTECT_NEED_MAX  INT64_C(100000000)  /* of a width that a target asks for */
#define PROTECT_FAR       INT64_C(1000000000) /* the audit looks no further than this from the true value */
#define PROTECT_NO_BOUND  INT64_MAX           /* no public upper bound; -PROTECT_NO_BOUND: no lower one */

/* Over one of them: ERR_LIMIT, and everything that may be hidden counts as hidden (invariants 7 and 8). */
struct protect_limits {
    uint32_t atoms;
    uint32_t items;
    uint32_t targets;
    uint32_t rows;          /* functionals revealed or structural */
    uint32_t terms;         /* of all functionals together */
    uint64_t lp_iterations; /* of all linear programs of one call together */
    uint64_t steps;         /* multiplications of the exact elimination of one call */
    uint32_t time_ms;       /* of one call; looked at between linear programs */
};
extern const struct protect_limits protect_limits_default;

struct protect_term {
    uint32_t atom;
    int64_t coef;
};

enum protect_state {
    PROTECT_MAY_HIDE, /* shown unless protect_solve() or protect_hide() hides it */
    PROTECT_SHOWN,    /* published earlier: known for ever */
    PROTECT_HIDDEN    /* primary suppression: never shown */
};

/* What a target asks for.  A reader's interval for it must reach `lo` below and `hi` above the true value, and be at
 * least `width` (and at least 1) wide, wherever the value lies in it: the lower, upper and sliding protection levels of
 * official statistics.  What is impossible even when nothing at all is published (below zero, above a public bound)
 * is not asked for. */
struct protect_need {
    int64_t lo;
    int64_t hi;
    int64_t width;
};

/* What the audit found for one target: the whole numbers that a reader must hold possible, by linear bounds. */
struct protect_bounds {
    int64_t value;
    int64_t min; /* no more than PROTECT_FAR away from the value, as max */
    int64_t max;
    bool is_determined; /* follows exactly from what is shown (rank), before any bounds are looked at */
    bool is_safe;       /* not determined, the bounds suffice, and two exact worlds prove it */
};

struct protect_summary {
    uint32_t items;
    uint32_t shown;
    uint32_t primary; /* hidden from the start, or because an input is */
    uint32_t extra;   /* hidden in addition */
    uint32_t targets;
    uint32_t unsafe;     /* targets that are not safe */
    uint32_t determined; /* of them, known exactly */
    uint32_t recomputed; /* hidden items that a reader can compute although they are hidden (no target: no harm) */
    uint64_t linear_programs;
};

struct protect;

/* `limits` NULL: the default; copied. */
MUST_CHECK enum err protect_new(struct protect **out, const struct protect_limits *limits);
void protect_free(struct protect *p); /* protect_free(NULL) does nothing */

/* All of the following copy what they are given.  Numbers handed out count from 0 in the order of the calls.
 * ERR_INVALID: an unknown number, or a value, coefficient or rule outside what is stated here; ERR_LIMIT, ERR_NOMEM;
 * after any failure the problem is not to be solved, only freed. */

/* An atom with its true value, 0 to PROTECT_VALUE_MAX, and a bound that everybody knows, or PROTECT_NO_BOUND. */
MUST_CHECK enum err protect_atom(struct protect *p, int64_t value, int64_t upper, uint32_t *atom);
/* An item; `cost` >= 1 says how much its hiding hurts (small: hidden first).  `id` is unique, it is how an item is
 * named to people and how ties are decided. */
MUST_CHECK enum err protect_item(struct protect *p, const char *id, uint32_t cost, enum protect_state state,
                                 uint32_t *item);
/* Who sees the item knows this functional; an item may reveal many. */
MUST_CHECK enum err protect_reveal(struct protect *p, uint32_t item, const struct protect_term *terms, size_t count);
/* The item shows only that the functional lies in min..max (a class, "fewer than 5"); PROTECT_NO_BOUND: open. */
MUST_CHECK enum err protect_reveal_range(struct protect *p, uint32_t item, const struct protect_term *terms,
                                         size_t count, int64_t min, int64_t max);
/* Everybody knows that min <= functional <= max (min == max: an equation).  ERR_INVALID: the true values break it. */
MUST_CHECK enum err protect_structural(struct protect *p, const struct protect_term *terms, size_t count, int64_t min,
                                       int64_t max);
/* `item` is computed from `input` (an index, a change): where the item is shown the input counts as shown, and where
 * the input is hidden the item is hidden too. */
MUST_CHECK enum err protect_depends(struct protect *p, uint32_t item, uint32_t input);
MUST_CHECK enum err protect_target(struct protect *p, const char *id, const struct protect_term *terms, size_t count,
                                   const struct protect_need *need, uint32_t *target);
/* By hand: hides an item that may be hidden, or shows it again; for protect_audit() of a choice made elsewhere. */
MUST_CHECK enum err protect_hide(struct protect *p, uint32_t item, bool hide);

/* Chooses what to hide in addition, few and cheap, so that the audit finds every target safe.  It starts anew, whatever
 * was hidden before.
 * ERR_DENIED: a target follows from what was published earlier, whatever is hidden now; err_text() names the target and
 * items from which it follows.  ERR_LIMIT: a limit was reached.  On every failure all that may be hidden counts as
 * hidden.  `out` may be NULL. */
MUST_CHECK enum err protect_solve(struct protect *p, struct protect_summary *out);

/* Judges the present choice from the beginning, with nothing that protect_solve() found: exact rank, linear bounds,
 * exact worlds.  OK whatever it finds: out->unsafe says it.  ERR_LIMIT: nothing was proved. */
MUST_CHECK enum err protect_audit(struct protect *p, struct protect_summary *out);

/* The same question in short: worlds alone, which are the proof, without the bounds that a reader would find.
 * *unproved: targets for which none was found; they may be safe all the same.  protect_bounds() says nothing of it. */
MUST_CHECK enum err protect_prove(struct protect *p, uint32_t *unproved);

/* Of the last protect_solve() or protect_audit(). */
bool protect_is_hidden(const struct protect *p, uint32_t item);
struct protect_bounds protect_bounds(const struct protect *p, uint32_t target);
/* True after ERR_DENIED for each target that no hiding can save. */
bool protect_is_lost(const struct protect *p, uint32_t target);

#endif
