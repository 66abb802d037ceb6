/* life_internal.h: the school (life.c) and the hub (life_hub.c) of the test of power loss. */
#ifndef SVODKA_TESTS_FAULT_POWER_LIFE_INTERNAL_H
#define SVODKA_TESTS_FAULT_POWER_LIFE_INTERNAL_H

#include "tests/fault/power/facts.h"
#include "tests/fault/year/year.h"

extern struct school *const me;
/* The folders of the stick and of the copies; the file written last; the last answer of the hub's. */
extern char life_stick[160], life_copies[160], life_written[200], life_answer[200];

void chapter(const char *what);
/* A file of the part *(enum part *)ctx is whole, and somebody was told. */
void note_file(void *ctx, const char *path);

void life_make_hub(struct buf *invitation);
void life_read_stick(void);
void life_change_keys(void);
void life_end_keys(void);
void life_back_up_hub(void);
void life_erase_one(void);
void life_erase_year(void);
void life_restore_hub(const char *root);

#endif
