/* life.h: what an agent and a hub do in the test of power loss, in one process (year.h), while a tape runs. */
#ifndef SVODKA_TESTS_FAULT_POWER_LIFE_H
#define SVODKA_TESTS_FAULT_POWER_LIFE_H

#include <stdint.h>
#include <stdio.h>

/* Before keys_start(): what happens, and all keys, follow from the seed.  0, or -1. */
int life_seed(uint64_t seed);
/* From here on chance() goes on from `from`. */
void life_chance(uint64_t from);
/* All of it, below `root`, an empty folder: creation, joining, entering, meetings, sticks, copies, new keys, a backup,
 * erasing, destroying after its time.  Everything is closed when it returns. */
void life_play(const char *root);
/* Prints what happened, by events of the tape. */
void life_print(FILE *to);

#endif
