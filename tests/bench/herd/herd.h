/* herd.h: all schools of a region knock at one hub in the same moment, as after a power cut: the real programs of the
 * hub, and for every school the agent's own code (schedule, sync, queue, link over CURVE) in a home of its own.
 *
 *   herd.c           plays, tells what came of it
 *   herd_district.c  makes the hub and all homes
 *   herd_homes.c     a school's home, and where it connects from
 *   herd_school.c    the schools: processes that each live the life of some of them
 *   herd_hub.c       the hub's programs: started, killed, watched
 *   herd_hostile.c   strangers beside them
 *
 * All but herd.c and herd_school.c serve tests/fault/life, too. */
#ifndef SVODKA_TESTS_HERD_H
#define SVODKA_TESTS_HERD_H

#include "agent/schedule.h"
#include "tests/integration/meeting_fixture.h"

#define SCHOOL_MAX  10000u
#define SUBMISSIONS 3u /* of each school */
#define LINE_PART   3u
#define WORKERS     250u /* processes at most: as many schools are in their meetings at once */

/* A school, in memory that all processes share; written by one of them. */
struct school {
    int64_t next_ms;  /* by the wall clock: when it knocks */
    int64_t first_ms; /* monotonic: it knocked first; */
    int64_t done_ms;  /* ... everything was received; 0: not yet */
    int64_t meeting_ms;
    uint32_t attempts, put_off, lost;
    bool is_rude; /* knows no waiting, and wants another meeting after each */
};
struct herd {
    size_t count, rude; /* schools; of them those at the end are rude */
    size_t workers;
    bool is_small; /* one that fails tries again after a second, not half a minute */
    bool is_over;  /* the rude ones end */
    uint64_t seed;
    int64_t window_ms;      /* all knock first within it */
    int port, line_port;    /* the hub's; where every LINE_PART-th school connects to instead; 0: none does */
    char dir[64], home[80]; /* of the hub */
    struct school schools[SCHOOL_MAX];
};
extern struct herd *herd; /* shared */

/* ---- herd_district.c ---- */
/* Before all; the region is empty. */
void herd_begin(uint64_t seed);
_Noreturn void at_fault(const char *fmt, ...) PRINTF_LIKE(1, 2);
uint64_t herd_chance(void);
void herd_chance_begin(uint64_t seed); /* in this process */
/* In herd->dir; `lines`: more for hub.yaml. */
void herd_make_hub(const char *lines);
/* herd->count homes that have joined, each with so many submissions (the rude ones with none). */
void herd_make_schools(unsigned submissions);

/* ---- herd_homes.c ---- */
void school_name(char out[32], size_t i);
void school_home(char out[128], size_t i);
void school_invite(struct hub *h, struct store_txn *t, size_t i, struct buf *invitation);
/* The home of a school that has joined, with so much to send. */
void school_make(struct hub *h, struct store_txn *t, size_t i, const struct buf *invitation, unsigned submissions);
/* What this process connects to from here on, it does as that school. */
void school_enter(size_t i);

/* ---- herd_school.c ---- */
/* One process for some of them; they are children of the caller. */
void schools_start(void);
/* How many have got rid of everything. */
size_t schools_done(void);
/* Waits for the end of their processes.  False: one of them failed. */
bool schools_end(void);

/* ---- herd_hub.c ---- */
struct watched {
    const char *name;
    pid_t pid;
    double cpu_before, cpu; /* seconds: of those that were killed, of this one */
    long anon_kib, rss_kib, files, threads;
    long most_anon_kib, most_rss_kib, most_files;
};
extern struct watched gateway, core;
extern const char *const *hub_wrapper; /* what runs it: words, NULL at their end; NULL: nothing */
void read_memory(struct watched *w);   /* of w->pid: everything but `cpu` */
void hub_begin(void);
void hub_watch(void);
void hub_kill(void); /* both, as a power cut would */
void hub_end(void);
double hub_cpu(void);

/* ---- herd_hostile.c ---- */
void hostile_start(size_t count);
void hostile_end(void);
extern const char hostile_kinds[];

#endif
