/* bench_district.h: an invented district (tests/data/district/generate.py) as submissions in memory, and a hub whose
 * ledger is full of them.  For bench_hub alone: whatever goes wrong ends the program. */
#ifndef SVODKA_TESTS_BENCH_DISTRICT_H
#define SVODKA_TESTS_BENCH_DISTRICT_H

#include "hub/intake.h"
#include "hub/programme.h"

#include <stdnoreturn.h>

#define PARTICIPANTS_MAX 64u

noreturn void bench_die(const char *what);
static inline void must(enum err e, const char *what)
{
    if (e != OK)
        bench_die(what);
}

/* A submission of the plan: a canonical record that keeps its form's rules. */
struct sample {
    const struct form *form; /* of the hub */
    uint32_t sender;         /* into senders */
    size_t at, len;          /* in `bytes` */
};

/* A participant's end: the chain of its batches. */
struct sender {
    char id[ID_MAX + 1];
    struct key *sign;
    struct generation gen;
    uint64_t number, sequence; /* given last */
    uint8_t previous[DIGEST_BYTES];
    struct batch_maker *maker;
};

struct district {
    struct hub *hub;
    struct intake *intake;
    struct record_space *space;
    struct sender senders[PARTICIPANTS_MAX];
    uint32_t sender_count;
    struct buf bytes; /* records one after another */
    struct sample *samples;
    uint32_t sample_count;
    uint32_t *answers, *staff, *others; /* samples by what they are */
    uint32_t answer_count, staff_count, other_count;
    uint64_t seed;
    uint64_t made; /* submissions */
    struct store_txn *t;
    uint32_t in_group; /* batches */
};

/* A new hub in the folder `home` with the pack and the participants of the plan, and the plan's imports as samples. */
void district_open(struct district *d, const char *home, const char *pack, const char *plan);
void district_close(struct district *d);

/* Seals submissions into batches of at most BATCH_RECORDS, prepares and applies them until the ledger holds `total`:
 * first the samples as the plan has them; then nine answers in ten, and staff and other rows that are sent again and
 * take the place of what was there. */
#define BATCH_RECORDS 5000u
void district_fill(struct district *d, uint64_t total);
/* ---- bench_plan.c ---- */

/* Fills the samples. */
void plan_read(struct district *d, const char *plan);
uint32_t district_draw(struct district *d, uint32_t below);
uint32_t district_sender(const struct district *d, const char *id);

#endif
