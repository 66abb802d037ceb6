/* figures.h: what was published for schools travels down to each of them (SPEC.md section 5.11, type 16): words that
 * name a publication and are made when they leave, of its rows as they were kept, sealed to the school's present
 * computer.
 *
 * A school is told the rows of the publication that was made for its unit; one that has none, because it came later,
 * the district's rows of another school's publication of the same period.  Rows about another unit never leave,
 * whatever a word names.  What was told is what stands in H_WORDS: no table beside it. */
#ifndef SVODKA_HUB_FIGURES_H
#define SVODKA_HUB_FIGURES_H

#include "hub/publish_store.h"
#include "hub/registry.h"
#include "protocol/figures.h"

/* Which publications for schools. */
struct figures_order {
    const char *programme, *period; /* ids; NULL: of all */
    const char *unit;               /* NULL: of all */
};

/* Tells every school the newest publication for it that it was not told last.  What was taken back is told again only
 * with `again`.  *told: how many schools' units. */
MUST_CHECK enum err figures_tell(struct hub *h, struct store_txn *t, const struct figures_order *o, bool again,
                                 uint64_t *told);
/* A computer joined: what was published before its school was here is told to it, too. */
MUST_CHECK enum err figures_tell_newcomer(struct hub *h, struct store_txn *t, const struct participant *p);
/* Tells everybody who was told something under the order that it holds no more, and why (at most NOTICE_TEXT_MAX
 * bytes). Whoever joins later is not told it.  ERR_NOT_FOUND: nobody was told anything. */
MUST_CHECK enum err figures_take_back(struct hub *h, struct store_txn *t, const struct figures_order *o,
                                      const char *reason, uint64_t *told);

/* Appends the word; `content` as stored.  ERR_NOT_FOUND: the school's computer has no key to seal
 * it to. */
MUST_CHECK enum err figures_make_word(struct hub *h, struct store_txn *t, const struct participant *p,
                                      const struct word_head *head, struct bytes content, struct buf *out);

/* What each school was told last, by school, programme and period. */
struct figures_told {
    const struct participant *to;
    const struct publication_row *row; /* of whom it is, may be another school */
    const char *unit;                  /* "": the district alone */
    bool is_taken_back;
    bool is_received; /* a computer of the school said that it has it */
};
MUST_CHECK enum err figures_each_told(struct hub *h, struct store_txn *t,
                                      enum err (*each)(void *ctx, const struct figures_told *x), void *ctx);

/* ---- figures_lines.c ---- */

/* The rows of a publication as a school is told them: the unit's own beside the district's. */
struct figures_table;
MUST_CHECK enum err figures_table_new(struct figures_table **out, struct hub *h, struct store_txn *t,
                                      const struct publication_row *row, const char *unit);
void figures_table_free(struct figures_table *f); /* NULL does nothing */
uint32_t figures_table_parts(const struct figures_table *f);
/* From 1.  What *out points to is the table's; `out->lines` too: do not figures_fini() it. */
MUST_CHECK enum err figures_table_part(const struct figures_table *f, uint32_t part, struct figures *out);

#endif
