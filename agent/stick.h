/* stick.h: the school without a line: what a meeting would carry goes into a file (SPEC.md section 10), and the
 * district's answer comes back in one.  Any mixture with meetings is harmless. */
#ifndef SVODKA_AGENT_STICK_H
#define SVODKA_AGENT_STICK_H

#include "agent/queue.h"
#include "protocol/bundle.h"

/* ---- for the district ---- */
struct stick_sent {
    uint64_t files, batches, records, forms, bytes;
    bool has_request; /* to join */
};
/* Seals what waits and writes everything without a receipt to `target`: a folder (names by bundle_name()) or a file,
 * which may replace an older file of the same kind.  What does not fit into one file goes into the next.  Each is
 * durable, and was read back from the medium, when `written` is called with its path.
 * ERR_BUSY: a meeting is going on.  Others: nothing is lost, and the finished files are good. */
MUST_CHECK enum err stick_write(struct agent *a, const char *target, void (*written)(void *ctx, const char *path),
                                void *ctx, struct stick_sent *out);

/* ---- from the district ---- */
#define STICK_TEXT 1024u
struct stick_news {
    bool is_ours, is_whole;        /* from the hub for this school; read to its end */
    uint32_t parts, done;          /* as the file says, and how many were passed */
    uint64_t damaged, disbelieved; /* parts */
    bool has_joined, new_directory, new_grant;
    bool is_others; /* it speaks to another computer of this school: receipts are taken, what only that one can read is
                       not */
    uint64_t objects;
    struct buf forms;         /* names of forms that are new here, one a line */
    uint64_t receipts, again; /* new ones; those held already, or of batches that are not here any more */
    uint64_t verdicts[VERDICT_COUNT], refused;
    int64_t received_ms; /* the latest of the new receipts, by the hub's clock */
    uint64_t reconciled, already_there, renumbered;
    uint64_t archived;        /* entries that are in the district's archive now */
    uint64_t words;           /* of the district about what it decided later */
    uint64_t wanted;          /* batches that the hub lost and that go again */
    char problem[STICK_TEXT]; /* the first thing that was wrong with the file; "": nothing */
};
void stick_news_init(struct stick_news *n);
void stick_news_fini(struct stick_news *n);
/* Takes what is whole and true in the file.  OK also when something was wrong with it: `problem` says what.
 * Errors: of our own disk, or the file cannot be opened or is not an answer; nothing of it was taken then, or a part,
 * and the same file may be taken again. */
MUST_CHECK enum err stick_take(struct agent *a, const char *path, struct stick_news *out);

#endif
