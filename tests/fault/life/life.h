/* life.h: long life.  Many schools, each a process of its own with a home of its own, and a real hub (its two programs)
 * live on for an hour under constant faults; what they use is printed over time and must be flat in the end, and what
 * was acknowledged is at the hub once.  The region, its homes, its hub and the strangers beside it are the herd's
 * (tests/bench/herd).
 *
 *   life.c          arguments, the three parts of the time, the end
 *   life_school.c   what a school does, and what it remembers of it
 *   life_deeds.c    what it enters
 *   life_line.c     a bad line between some schools and the hub
 *   life_faults.c   who is killed and stopped, and when
 *   life_office.c   what an operator asks meanwhile
 *   life_watch.c    what all of them use, over time, and whether that is flat
 *   life_check.c    what is counted in the end */
#ifndef SVODKA_TESTS_LIFE_H
#define SVODKA_TESTS_LIFE_H

#include "tests/bench/herd/herd.h"

#include <stdatomic.h>

#define LIFE_MAX     400u
#define LIFE_PERIODS 2u /* of the second one the office closes and opens the book */
#define LIFE_PUPILS  24u
#define LIFE_SAMPLES 2000u
#define LIFE_STICK   5u /* every so many-th school sends by stick, too */

/* What stands at each place of a school: the serial of the deed that entered it; 0: nothing. */
struct standing {
    uint32_t serial[LIFE_PERIODS][LIFE_PUPILS];
    uint64_t records; /* ever entered */
};
enum deed_state { DEED_NONE, DEED_UNDER_WAY, DEED_ACKNOWLEDGED };
enum doing { DOING_NOTHING, DOING_DEED, DOING_MEETING, DOING_STICK };

/* A school; written by its process alone, which may be killed between any two of its instructions. */
struct life {
    struct standing stands, next; /* `next`: once the deed under way is done */
    uint32_t serial;
    atomic_int state, doing;
    uint64_t chance;
    uint64_t deeds, meetings, complete, put_off, lost, sticks, answers, undecided, undecided_done;
    bool is_quiet; /* everything is over, and nothing waits */
    /* With its home closed. */
    long anon_kib, files, threads;
    long first_files, most_files, most_threads;
    uint64_t store_used, store_file; /* bytes */
};

/* What all of them use at one moment. */
struct sample {
    double at;                                                                                /* seconds */
    double gateway_anon, gateway_files, gateway_threads, core_anon, core_files, core_threads; /* KiB, count, count */
    double school_anon, school_used, school_file; /* on average, of those that are never killed: KiB, bytes, bytes */
    double submissions;                           /* at the hub */
    double hub_used, hub_file, hub_disk, spool, schools_disk;
};

/* Shared by all processes. */
struct region {
    double began, length; /* seconds of the monotonic clock; of the time with faults */
    double tempo;         /* of all pauses: 1 with an hour, less when it is short */
    atomic_bool is_over;  /* no more faults and deeds: all come to an end */
    atomic_int disturbed; /* seconds since `began` at which the hub was last killed or stopped */
    /* By the office: */
    uint64_t commands, interrupted, failed, backups, closed;
    uint64_t submissions, hub_used, hub_file, hub_disk, spool, schools_disk;
    /* By the line: */
    uint64_t lines, cut, half_closed, held_back, abandoned;
    /* By the faults: */
    uint64_t gateway_kills, core_kills, stops, school_kills, in_deed, in_meeting, in_stick, school_stops;
    struct life life[LIFE_MAX];
};
extern struct region *region;

double since_began(void);
/* Between half and one and a half times so many milliseconds of an hour's tempo. */
int64_t about_ms(double ms);
uint32_t chance_below(uint32_t below);
/* The faults that end a program are in the first third and in the last tenth: in between memory can be compared. */
bool hub_may_die(void);
static inline bool is_mortal(size_t i)
{
    return i % 2 == 1;
}

/* ---- life_school.c ---- */
_Noreturn void school_live(size_t i);
/* ---- life_deeds.c ---- */
/* One deed; it is acknowledged, or ends the process. */
void deed_do(struct agent *a, struct life *l);
/* After a death: what was under way was done as a whole or not at all. */
void deed_recover(struct agent *a, struct life *l);
/* What the queue says stands there, and where; `refs` may be NULL. */
void deed_read(const struct agent *a, struct standing *out, struct record_ref refs[LIFE_PERIODS][LIFE_PUPILS]);
extern const char *const life_periods[LIFE_PERIODS];
int64_t grade_of(uint32_t serial);

/* ---- life_line.c ---- */
void line_begin(void);
void line_end(void);

/* ---- life_faults.c ---- */
void schools_begin(void);
/* Kills, stops, lets go on, starts again: whatever is due. */
void faults_step(void);
/* All go on. */
void faults_end(void);
/* No school is at work any more. */
bool schools_ended(void);

/* ---- life_office.c ---- */
void office_begin(void);
void office_look(void); /* is it still there? */
void office_end(void);
/* Runs `svodka-hub WORD ...`; returns its exit code, or 128 and more.  What it prints and says is in
 * office.out and office.log. */
int office_command(const char *const *words, size_t count, int64_t kill_after_ms);

/* ---- life_watch.c ---- */
void watch_step(bool say);
/* False: a meeting left a file or a thread at a school. */
bool watch_rest(void);
/* Prints the comparison.  False: something grows. */
bool watch_judge(void);

/* ---- life_check.c ---- */
/* The hub is ended, the schools are, too. */
void life_check(void);

#endif
