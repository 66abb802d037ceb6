/* key_set.h: the keys of one file's rows, with the line each stands on, in 16 bytes a row.
 *
 * A key is kept as 96 bits of a keyed hash whose key is random and lives as long as the set: among a million rows two
 * different keys are taken for one with a probability below 2^-56, and nobody can aim at it. */
#ifndef SVODKA_AGENT_KEY_SET_H
#define SVODKA_AGENT_KEY_SET_H

#include "common/buf.h"

struct key_set;
MUST_CHECK enum err key_set_new(struct key_set **out);
void key_set_free(struct key_set *s); /* NULL does nothing */
/* Adds the key, or, if it is there already, tells the line it first stood on; *earlier is 0 for a new key. */
MUST_CHECK enum err key_set_add(struct key_set *s, struct bytes key, uint32_t line, uint32_t *earlier);
bool key_set_has(const struct key_set *s, struct bytes key);

#endif
