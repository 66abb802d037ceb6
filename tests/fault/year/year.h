/* year.h: a district's year in minutes.  The agents' own code and the hub's own code (the gateway's meetings, the core,
 * its ledger) in one process under one virtual clock; what is replaced is the socket between an agent and the gateway
 * (agent/link.h), the one between gateway and core, and the workers' threads.
 *
 *   year_hub.c    the hub: starts, stops, hears frames
 *   year_link.c   the line between a school and the hub, which may be dead, and may die
 *   year_school.c one school: its computer, its clock, what is entered, what it sends
 *   year_night.c  each morning: what `svodka-hub night` says, beside what really was
 *   year.c        the calendar of it all */
#ifndef SVODKA_TESTS_YEAR_H
#define SVODKA_TESTS_YEAR_H

#include "agent/schedule.h"
#include "common/clock.h"
#include "tests/integration/meeting_fixture.h"

#define MINUTE          INT64_C(60000)
#define HOUR            (60 * MINUTE)
#define DAY             (24 * HOUR)
#define SCHOOLS_MAX     60u
#define QUIET_BYTES     2048u /* a night without news costs the line no more than that, beyond the handshake */
#define HELLO_LACKS_MAX 3u
#define HUB_ZONE        "Europe/Berlin" /* clocks are put on and back there */

/* ---- chance: one seed for all ---- */
uint64_t chance(void);
/* True once in so many. */
bool once_in(uint32_t many);
int64_t chance_between(int64_t least, int64_t most);

/* ---- time: what it really is; what a computer's clock shows is that and its error ---- */
extern int64_t true_ms;
/* From here on the clock door shows this clock. */
void clock_of(int64_t error_ms);
void time_passes(int64_t ms);
_Noreturn void at_fault(const char *fmt, ...) PRINTF_LIKE(1, 2); /* ends the test, with the seed */

/* ---- schools ---- */
enum habit { HABIT_ALWAYS_ON, HABIT_WORK_DAYS, HABIT_NOW_AND_THEN };
enum clock_kind { CLOCK_GOOD, CLOCK_OFF, CLOCK_DEAD_BATTERY, CLOCK_JUMPS };
struct school {
    size_t number;
    char id[32], home[128];
    struct agent *agent; /* NULL: the computer is off */
    enum habit habit;
    enum clock_kind clock_kind;
    int64_t clock_error_ms;
    const char *zone, *days; /* of its agent.yaml; days NULL: every night */
    int64_t switch_ms;       /* when it is switched on or off next */
    int64_t line_ms;         /* when its line dies or comes back next */
    int64_t dead_from_ms, dead_to_ms;
    bool has_line;
    bool line_breaks;     /* in the middle of the next meeting */
    bool line_repeats;    /* frames come twice, some after later ones */
    unsigned hello_lacks; /* so many of the fields that later years added to HELLO its program does not know */
    int64_t next_ms;      /* of its own clock */
    int64_t enter_ms;     /* the next submission */
    uint64_t entered;     /* submissions accepted */
    uint64_t meetings;    /* the hub welcomed it */
    int64_t welcomed_ms;  /* true time of the last one; */
    uint64_t misdated, undated;
    int64_t could_since_ms; /* computer on, line there, hub there: since when; 0: not now */
    int64_t could_ms;       /* the longest stretch of that in this night */
    bool could_at_moment;   /* ... which held its own moment and an hour after it */
    bool came, came_before; /* in this night, in the one before */
    bool clock_jumped;      /* in this night or the one before */
    unsigned refused;       /* BUSY or LATER, in all */
    uint64_t wire_bytes;    /* of the last connection, both ways, with what CURVE adds to each message */
    uint64_t quiet;         /* meetings in which there was nothing to say */
};
extern struct school schools[SCHOOLS_MAX];
extern size_t school_count;
extern struct school *speaking; /* whose agent's code runs now */

void school_make(struct school *s, const struct buf *invitation, size_t number);
/* What is due now happens; the moment of the next thing. */
void school_live(struct school *s);
int64_t school_next(const struct school *s);
void school_switch(struct school *s, bool on);
/* A pass of its own schedule, now. */
void school_pass(struct school *s);
/* Does the opportunity to meet begin or end? */
void school_look(struct school *s);
uint64_t school_left(struct school *s);

/* ---- the hub ---- */
extern char hub_home[128];
extern bool hub_is_up, core_is_away;
void hub_make(void);
void hub_start(void);
void hub_stop(void);
/* What its loops do by themselves now and then. */
void hub_tick(void);
uint64_t hub_counted(void);
/* What `svodka-hub night DATE --format csv` says beside the hub at work. */
FILE *hub_night(const char *date);
void hub_must_verify(void);
/* A frame of the connection; answers come through line_answer(). */
void hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m);
void hub_works(void);
bool hub_knows(const uint8_t curve[KEY_BYTES]);

/* ---- the line ---- */
void line_answer(uint32_t connection, struct bytes frame);

/* ---- the morning ---- */
void night_begins(void);
/* At noon: asks `svodka-hub night`, compares. */
void night_ends(void);
extern uint64_t nights_missed, nights_explained, nights_kept;
/* The hub was up all the night so far. */
extern int64_t down_ms_in_night;

#endif
