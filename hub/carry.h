/* carry.h: what schools send in files (SPEC.md section 10): read step by step through the same intake and ledger as a
 * meeting's batches, beside a running core, inside it (inbox.h), or alone; and the file that goes back.
 *
 * Used by the one thread that owns the hub's ledger. */
#ifndef SVODKA_HUB_CARRY_H
#define SVODKA_HUB_CARRY_H

#include "hub/hub.h"
#include "hub/ledger.h"
#include "hub/registry.h"
#include "protocol/bundle.h"

#define CARRY_TEXT         1024u
#define CARRY_GENERATIONS  1024u /* of one school, in one answer */
#define CARRY_MAX_REFUSED  4096u /* refused batches that one answer names; further ones come again */
#define CARRY_MAX_PROBLEMS 20u   /* told of one file; more are counted */

/* A batch that will never be taken under its number (two histories). */
struct carry_refused {
    struct generation gen;
    uint64_t sequence, first_number;
    uint8_t digest[DIGEST_BYTES];
};
/* What the files spoke of, of one generation. */
struct carry_generation {
    struct generation gen;
    uint64_t archived; /* the same as `above`, for receipts that say "archived"; UINT64_MAX: not asked */
    uint64_t above;    /* receipts of batches above this sequence go back */
    bool has_hello;    /* `above` is the school's own, signed word */
    bool needs_pages;  /* the hub has closed it, and the school does not seem to have settled that */
};
/* One school of a run. */
struct carry_school {
    char id[ID_MAX + 1];
    uint64_t files, bad_files;
    uint64_t batches, again, refused; /* new ones; known already; put aside */
    uint64_t verdicts[VERDICT_COUNT]; /* of the new ones' entries */
    bool has_joined;
    bool takes_words;     /* a greeting says so, and which it holds: */
    uint64_t words_held;  /* the least of them */
    unsigned words_known; /* the greatest type that it knows, likewise */
    int64_t held_ms;      /* `held` is of the greeting made then; 0: none */
    struct bundle_held *held;
    struct carry_generation *gens;
    size_t gen_count;
    struct carry_refused *refusals;
    size_t refusal_count, refusal_cap;
};
/* All schools of a run, in the order in which they came. */
struct carry {
    struct carry_school **schools;
    size_t count;
};
void carry_fini(struct carry *c);

/* How the reading lives in its process. */
struct carry_host {
    void *ctx;
    const char *who; /* for the audit */
    /* Before the registry changes in memory, inside `t`: nobody else may be reading it. */
    enum err (*before_registry)(void *ctx, struct hub *h, struct store_txn *t);
    /* After it was committed. */
    void (*joined)(void *ctx, struct hub *h);
    /* The stored definitions or the registry differ from those in memory: load them. */
    enum err (*reload)(void *ctx, struct hub *h);
};

/* One file. */
struct carry_file {
    char id[ID_MAX + 1]; /* of its school; "": not known */
    bool is_whole;
    uint64_t batches, again, refused;
    uint64_t verdicts[VERDICT_COUNT];
    bool has_joined;
    struct buf problems; /* sentences, one a line; empty: nothing was wrong */
    uint64_t problem_count;
};
struct carry_reading;
/* Opens a file.  Errors (bundle_open()'s, an answer of ours, ERR_FULL: room.h) have a sentence; nothing was done.
 * `into`, `host`: loans until the end. */
MUST_CHECK enum err carry_open(struct carry_reading **out, struct hub *h, const char *path, bool may_link,
                               struct carry *into, const struct carry_host *host);
/* A short piece of work: at most a few batches, committed when it returns.  What is wrong with the file is noted in
 * carry_result() and is no error.  Errors are of our own disk or memory: the file is to be read again from its
 * beginning, later; what was committed stays, and is known again then. */
MUST_CHECK enum err carry_step(struct carry_reading *r, bool *is_done);
const struct carry_file *carry_result(const struct carry_reading *r);
void carry_close(struct carry_reading *r); /* NULL does nothing */

/* Writes the answer for a school: into `target` when that is a folder (names by bundle_name()), else to that file,
 * which may replace an older answer, and further ones beside it.  `written` is called with the path of each. */
MUST_CHECK enum err carry_answer(struct hub *h, const struct carry_school *s, const char *target,
                                 void (*written)(void *ctx, const char *path), void *ctx);

#endif
