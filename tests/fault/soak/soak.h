/* soak.h: nothing lost, counted once, whatever happens.  A district of several schools and one hub in one process (as
 * in tests/fault/year: the agents' own code, the gateway's meetings, the core, its ledger), random operations, random
 * faults, and a history of what was acknowledged.  In the end everything is healed and meets until all is quiet; then
 * the history alone says what each indicator must be (soak_model.c, which shares nothing with the hub), and the hub is
 * compared with it, and the invariants of the design are looked at one by one.  One run is one seed, and a seed is
 * always the same run.
 *
 *   soak.c          runs, figures
 *   soak_world.c    the district: making it, the pack, meetings, the end
 *   soak_deeds.c    what people do at a school
 *   soak_faults.c   what befalls a school or the hub
 *   soak_bounds.c   what a home must refuse and outlive
 *   soak_sticks.c   files instead of a line
 *   soak_office.c   what the office decides
 *   soak_homes.c    older copies of homes, and second ones
 *   soak_computers.c new computers of schools, and what comes from the ones before
 *   soak_erase.c    what is erased when all is quiet
 *   soak_history.c  what was acknowledged; what the schools' queues say of it in the end
 *   soak_model.c    what each indicator must be, from the history
 *   soak_check.c    the invariants
 *   soak_clear.c    ... of what may lie in a file */
#ifndef SVODKA_TESTS_SOAK_H
#define SVODKA_TESTS_SOAK_H

#include "tests/fault/fail_io.h"
#include "tests/fault/year/year.h"

#include "agent/session.h"

/* Every failure names the seed. */
#undef MUST
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_e_ = (call);                                                                                     \
        if (must_e_ != OK)                                                                                             \
            at_fault("%s, line %d: %s: %s: %s", __func__, __LINE__, #call, err_name(must_e_), err_text());             \
    } while (0)

/* ---- the run ---- */
#define SOAK_SCHOOLS_MAX 12u
#define SOAK_PERIODS     3u
#define SOAK_PUPILS      8u
#define SOAK_TEACHERS    4u
#define SOAK_TEACHER     "Zhelezyaka-Marker-" /* each one's code begins so: an answer that lies nowhere in clear */
#define SOAK_TEXT_MAX    32u
#define SOAK_DAY         18540 /* 5 October 2020: everything is filled in on this day */

extern const char *const soak_periods[SOAK_PERIODS];
extern uint64_t soak_op; /* the operation under way, from 1 */
/* What was done last, for who has to find out why; kept in a ring. */
void soak_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What comes from the keys' chance from here on is what nobody has drawn yet, in no process. */
void chance_of_keys_moves(void);
/* A number in [0, below). */
uint32_t chance_below(uint32_t below);

/* ---- the history (soak_history.c) ---- */
enum about { ABOUT_GRADES, ABOUT_CARD, ABOUT_POLL };
enum said { SAID_NEW, SAID_CORRECTION, SAID_RETRACTION };
/* Under which number it is sent, and which one it is about.  Two homes of a school that never met may have led the same
 * submission into numberings of their own (SPEC.md 7.2): then there are several, and each is about its own. */
#define COPIES_MAX 6u
struct copy {
    struct record_ref ref, target; /* target: corrections and retractions */
    uint8_t digest[DIGEST_BYTES];  /* of its bytes */
    unsigned homes;                /* a bit for each home of the school that had it when they were last looked at */
};
/* A submission.  The first whole number of each is its mark, by which it is known whatever number it gets; a
 * retraction has it in its reason, or is known by the list that it came with. */
struct entry {
    size_t school;
    enum about about;
    enum said said;
    unsigned period, pupil, teacher; /* rows */
    int64_t a, b;                    /* grade; pupils, teachers; mood */
    uint32_t target;                 /* mark; corrections and retractions */
    uint32_t deed;                   /* what was done in one go is there as a whole or not at all */
    uint32_t session;                /* answers: from 1 */
    bool is_by_list;                 /* retractions: a full list had the row no more */
    bool is_sure;                    /* it was acknowledged */
    struct copy copies[COPIES_MAX];  /* where its school's queue has it, or had it when that was last looked at */
    unsigned copy_count;             /* 0: never seen there */
    bool is_here;                    /* it is there now, or the hub has it and the school's computer went back, */
    bool is_counted;                 /* ... and the rules say that it counts */
    bool is_erased;                  /* its content was, at the hub */
    bool is_gone;                    /* ... by the order that is being looked at */
};
struct sitting { /* a session of anonymous answers */
    size_t school;
    char name[16];
    unsigned period;
    bool is_sure;      /* its opening was acknowledged */
    bool is_open;      /* as far as is known */
    bool is_withdrawn; /* ... */
};
extern struct entry *entries; /* [mark - 1] */
extern uint32_t entry_count;
extern struct sitting *sittings; /* [number - 1] */
extern uint32_t sitting_count;

void history_begin(void);
/* The mark that the next one will have. */
uint32_t history_next(void);
/* Copies; returns its mark. */
uint32_t history_add(const struct entry *e);
uint32_t history_add_sitting(const struct sitting *s);
/* All of that deed were acknowledged. */
void history_sure(uint32_t deed);
uint32_t history_new_deed(void);
/* Looks into the queue of the school's computer, which is about to go back to an older copy: what is there now may be
 * at the hub, or be lost with the disk. */
void history_see(struct school *s);
/* Its sessions stay with the computer that the school has no more. */
void history_end_sittings(size_t school);
/* Finds every submission in its school's queue and compares; says what is lost, halved, twice or unknown.  `is_at_hub`
 * is asked about those that went with a disk, and leaves those of its numbers that are. */
void history_compare(bool (*is_at_hub)(void *ctx, struct entry *e), void *ctx);

/* ---- the district (soak_world.c) ---- */
/* From this grade on a pupil has passed, and a school is good: 10, and 12 by the programme's second version. */
extern int64_t soak_pass_grade;
void world_load_programme(struct hub *h, struct store_txn *t, void *ctx);
void world_make(const char *dir);
void world_forget(void);
/* One meeting; what comes of it does not matter. */
void world_meet(struct school *s);
/* Everything is mended, and all meet until nothing is left. */
void world_heal(void);
void school_start(struct school *s);
void school_end(struct school *s);
void school_make_home(struct school *s, const struct buf *invitation);
/* Meets until it is enrolled. */
void school_joins(struct school *s);
void school_ends_sessions(struct school *s);

/* ---- what people do (soak_deeds.c) ---- */
/* One random deed at that school; OK: it was acknowledged, and the history says so.  Errors: whoever did it was told
 * that it was not done. */
MUST_CHECK enum err deed_do(struct school *s);

/* ---- what befalls them (soak_faults.c) ---- */
enum fault {
    FAULT_SCHOOL_KILLED,
    FAULT_MEETING_KILLED, /* the school's computer, in a meeting */
    FAULT_HUB_KILLED,     /* in a meeting, and with it the school */
    FAULT_LINE_LOST,
    FAULT_CORE_AWAY,
    FAULT_HUB_AGAIN, /* stopped and started */
    FAULT_SCHOOL_DISK,
    FAULT_HUB_DISK,
    FAULT_CLOCK,
    FAULT_SCHOOL_BACK,  /* its computer goes on from an older copy of its home */
    FAULT_SCHOOL_TWICE, /* a copy of its home on another computer is used for a while, and both go on */
    FAULT_HUB_BACK,     /* the hub goes on from an older copy of its home */
    FAULT_SCHOOL_FULL,  /* a store has reached its size limit */
    FAULT_HUB_FULL,
    FAULT_SYNC_TWICE, /* two processes of one home */
    FAULT_HUB_TWICE,  /* a second hub on one home */
    FAULT_LINE_TWICE, /* frames come twice, and late */
    FAULT_OLD_WORDS,  /* a school's program is of an earlier year for a while, and knows fewer fields of HELLO */
    FAULTS
};
extern const char *const fault_names[FAULTS];
extern uint64_t fault_counts[FAULTS];
void fault_happen(struct school *s);

/* ---- what a home must refuse and outlive (soak_bounds.c) ---- */
void school_is_full(struct school *s);
void hub_is_full(struct school *s);
void school_syncs_twice(struct school *s);
void hub_starts_twice(void);

/* ---- homes (soak_homes.c) ---- */
void homes_begin(const char *dir);
/* A copy of its home as it is now is laid aside; there is one of each school, and one of the hub. */
void home_keep(struct school *s);
void home_back(struct school *s); /* nothing when none was kept */
/* From here on the school's other computer is used, with a copy of the home as it is when that is first said. */
void home_turn(struct school *s);
bool home_has_other(const struct school *s);
/* Neither the other computer of the school nor an older copy of its home is used any more. */
void home_forget(const struct school *s);
/* What is lost with a disk is no fault of the queue's. */
bool home_went_back(size_t school);
void home_loses(size_t school);
/* No computer of it need know everything that it has entered. */
bool home_is_astray(size_t school);
/* Its two homes may have given the same submission two numbers: the hub went back when there were two. */
bool home_is_split(size_t school);
void hub_keep(void);
void hub_back(void);
/* Whoever puts it back says so. */
void hub_has_gone_back(void);

/* ---- new computers (soak_computers.c) ---- */
void computers_begin(const char *dir);
/* The office invites, and the school goes on with a new computer, which has what the district gives back. */
void computer_begins(struct school *s);
bool computer_is_new(size_t school);
/* There is an earlier computer, put away when it was replaced. */
bool computer_has_past(const struct school *s);
void computer_past_speaks(struct school *s);
/* False: an earlier computer gave it that number. */
bool computer_entered(size_t school, const struct record_ref *ref);

void copy_file(const char *from, const char *to);

/* ---- files instead of a line (soak_sticks.c) ---- */
void sticks_begin(const char *dir);
void stick_from(struct school *s);
void stick_to(struct school *s);
void office_reads(void);

/* The copy of the hub that was laid aside is from another time: decisions have been made since. */
void hub_forget_copy(void);

/* ---- the office (soak_office.c) ---- */
void office_begin(const char *dir);
/* One random decision, about that school if about any. */
void office_decides(struct school *s);
/* Without a core beside it, in one transaction. */
void office_decides_that(void (*deed)(struct hub *h, struct store_txn *t, void *ctx), void *ctx);
void office_backs_up(void);
void office_restores(void); /* nothing when there is no backup */
void office_releases_all(void);
/* Everything that was kept apart. */
void office_lets_out(void);

/* ---- the model (soak_model.c) ---- */
struct figure {
    const char *indicator;
    int unit; /* school; -1: the district */
    unsigned period;
    const char *part; /* "" */
    bool has_value;
    i128 value; /* times a million, rounded once, half up */
    i128 above, below;
};
/* Decides which entries count; both need history_compare() before. */
void model_decide(void);
void model_figures(void (*each)(void *ctx, const struct figure *f), void *ctx);

/* ---- the end (soak_check.c) ---- */
void check_all(void);
/* What the hub holds, and says: as the history has it since. */
void check_hub(void);
/* Invariant 6: no file below it holds what was answered, in clear. */
void check_clear(const char *dir);

/* ---- erasing (soak_erase.c) ---- */
/* After check_all(): the history knows what the hub holds. */
void erase_at_last(const char *dir);

#endif
