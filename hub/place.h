/* place.h: the few (form, unit, period) that the many submissions of a batch speak about, each kept once and known by
 * its index. */
#ifndef SVODKA_HUB_PLACE_H
#define SVODKA_HUB_PLACE_H

#include "protocol/record.h"

struct place {
    const struct form *form; /* this very version; a loan from the hub */
    char unit[ID_MAX + 1];
    char period[33];
    uint32_t note; /* for whoever fills the table; 0 at first */
};

struct places;
MUST_CHECK enum err places_new(struct places **out);
void places_free(struct places *p);
void places_reset(struct places *p);
/* Finds or adds. */
MUST_CHECK enum err places_index(struct places *p, const struct form *form, const char *unit, const char *period,
                                 uint32_t *index, bool *is_new);
/* Valid until the next places_index(). */
struct place *places_at(const struct places *p, uint32_t index);
uint32_t places_count(const struct places *p);

/* Hash for tables that outsiders' texts fill: `seed` is random per table, so that nobody can aim at one bucket. */
uint64_t place_hash(uint64_t seed, const void *bytes, size_t len);

#endif
