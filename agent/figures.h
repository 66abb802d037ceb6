/* figures.h: what the district published for this school of a closed period, its own indicators beside the district's
 * (SPEC.md section 5.11, type 16), kept under programme, period and unit, locked.  A later publication of the same
 * takes the place of the one before; one that was withdrawn leaves the district's word about that. */
#ifndef SVODKA_AGENT_FIGURES_H
#define SVODKA_AGENT_FIGURES_H

#include "agent/home.h"
#include "protocol/figures.h"

/* A part as it came: opened before a write transaction begins. */
struct own_figures;
/* The signature of `object` as a word was checked before, by `hub_sign`.  ERR_NOT_FOUND: it is sealed to a key that is
 * not here.  ERR_MALFORMED, ERR_LIMIT: no figures. */
MUST_CHECK enum err own_figures_open(struct own_figures **out, const struct agent *a, struct bytes object,
                                     const uint8_t hub_sign[KEY_BYTES]);
/* Stores it inside the word's transaction, and tells the person when all parts are there. */
MUST_CHECK enum err own_figures_take(struct agent *a, struct store_txn *t, const struct own_figures *x);
void own_figures_free(struct own_figures *x); /* NULL does nothing */

/* One publication, as far as it is here. */
struct figures_held {
    struct figures *parts; /* in their order; at least one */
    uint32_t count;
    bool is_whole;
};
struct figures_list {
    struct figures_held *items; /* by programme, period and unit */
    size_t count, cap;
};
/* All of them, or of a programme (id) and a period (id or label, as a person types it); NULL: of any.  Free with
 * figures_list_fini(), after an error, too. */
MUST_CHECK enum err figures_list_read(struct figures_list *out, const struct agent *a, const char *programme,
                                      const char *period);
void figures_list_fini(struct figures_list *l);

/* ---- for people (figures_show.c) ---- */

/* "Girls" beside the name; with the unit of measure, in the reader's language. */
const char *figures_title(const struct figures *f);  /* of the programme; its id where it has none */
const char *figures_period(const struct figures *f); /* label, or id */
void figures_put_name(struct buf *out, const struct figures_line *l);
/* "2.2 %", "yes", "no data", "hidden", "low (number hidden)"; nothing where there is no such line. */
void figures_put_value(struct buf *out, const struct figures_line *l, bool is_own);
/* As a number with l->shown places; false: figures_put_value() has it in words. */
bool figures_number(const struct figures_line *l, bool is_own, int64_t *scaled);
/* "reached", "not reached"; "" where there is no target. */
const char *figures_reached_word(const struct figures_line *l, bool is_own);
/* "10 of 12". */
void figures_put_schools(struct buf *out, const struct figures_line *l);

/* The workbook or the page (common/handout.h), by the name's end. */
MUST_CHECK enum err figures_print(const struct agent *a, const struct figures_list *l, const char *path);

/* A message for the school (standing.h): the rest of the event in words. */
void figures_message(struct bytes event, char *out, size_t size);

#endif
