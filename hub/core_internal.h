/* core_internal.h: shared by core*.c alone. */
#ifndef SVODKA_HUB_CORE_INTERNAL_H
#define SVODKA_HUB_CORE_INTERNAL_H

#include "hub/checkpoint.h"
#include "hub/core.h"
#include "hub/hub.h"
#include "hub/inbox.h"
#include "hub/intake.h"
#include "hub/ipc.h"
#include "hub/ledger.h"
#include "hub/nights.h"
#include "hub/registry.h"

#include <sys/types.h>

#define CORE_MAX_OPERATORS 16u
#define CORE_MAX_JOBS      8u /* batches taken from the gateway and not yet committed */

/* ---- workers (core_intake.c) ---- */
struct job {
    struct job *next;
    uint64_t connection;
    char participant[ID_MAX + 1];
    const struct participant *from; /* unchanged while jobs are under way */
    struct buf batch;
    struct prepared *prepared; /* NULL: refused */
    enum err error;
    enum message_error refusal;
    char text[300];
    char spool_file[80]; /* relative; "" : none */
};
struct workers;
MUST_CHECK enum err workers_start(struct workers **out, const struct hub *h);
void workers_stop(struct workers *w);    /* waits for them; drops what was not taken */
int workers_fd(const struct workers *w); /* readable when something is done */
/* Takes the job. */
void workers_add(struct workers *w, struct job *j);
unsigned workers_pending(const struct workers *w); /* added and not yet taken back */
struct job *workers_take(struct workers *w);       /* one that is done, or NULL */
void workers_drain(struct workers *w);             /* waits until all are done (not taken back) */
/* There is work, and none of it has been done for `patience_ms` (0: for as long as you like). */
bool workers_are_stuck(struct workers *w, int64_t patience_ms);
void job_free(struct job *j);

/* ---- the night's notes (core_nights.c) ---- */
struct core_nights {
    struct night_row *rows; /* since they were written last; */
    size_t count, cap;
    int32_t day;        /* ... in this night */
    int64_t run_ms;     /* wall clock: since when this core is at work; 0: nothing was written yet */
    int64_t flushed_ms; /* monotonic */
    int32_t pruned;     /* the night in which what is too old was forgotten */
};

/* ---- who was told RECONCILE (core_meeting.c) ---- */
#define CORE_TOLD_MAX 256u
struct core_told {
    uint64_t connection; /* 0: nobody */
    uint32_t participant;
    struct generation gen;
};

/* ---- the core ---- */
struct core {
    struct hub *hub;
    struct workers *workers;
    int signals, gateway_listen, operator_listen, epoll;
    struct ipc_link *gateway; /* NULL: none connected */
    int operators[CORE_MAX_OPERATORS];
    uint64_t allow_serial;
    uid_t gateway_user; /* besides our own; (uid_t)-1: nobody */
    struct ipc_status gateway_status;
    int64_t started_ms, last_maintain_ms, told_ms;
    uint64_t batches, records, refused;
    struct checkpoint *checkpoint; /* under way; NULL: none */
    int64_t checkpoint_next_ms;    /* monotonic: when to look again whether one is due */
    int32_t year_tried;            /* whose sealing key was to be made in this run; 0: none */
    struct inbox *inbox;           /* NULL: none is watched */
    struct carry_host inbox_host;
    struct core_nights nights;
    struct core_told told[CORE_TOLD_MAX]; /* the last ones; who is forgotten is told again in the next meeting */
    size_t told_next;
    bool is_closed;         /* for want of room: said once */
    bool gateway_is_paused; /* enough jobs: nothing more is read */
    bool stopping;
};

/* core_meeting.c: HELLO, RECONCILE, GET, BYE. */
MUST_CHECK enum err core_meeting(struct core *c, const struct ipc_frame *f);
/* Answers an error to a connection. */
void core_error(struct core *c, uint64_t connection, enum message_error code, uint32_t seconds, const char *text);
MUST_CHECK enum err core_send_allowlist(struct core *c);
/* core.c: addresses, keys and bounds; the gateway starts afresh when addresses or keys are others. */
MUST_CHECK enum err core_send_limits(struct core *c);

/* Two histories met: nothing new of this generation is taken any more; durable when it returns OK. */
MUST_CHECK enum err core_close_generation(struct core *c, const struct participant *from, const struct generation *gen);

/* Is there room for so many bytes more of a computer whose batches are kept apart (hub.yaml: held.max)? */
MUST_CHECK enum err core_room_for_held(struct core *c, const struct participant *from, const struct signer *by,
                                       uint64_t bytes, bool *is_full);

/* core_batches.c: from the gateway to the workers, from the workers into the ledger. */
MUST_CHECK enum err core_batch(struct core *c, const struct ipc_frame *f);
MUST_CHECK enum err core_spooled(struct core *c, const struct ipc_spooled *s);
MUST_CHECK enum err core_commit_done(struct core *c);

/* core_checkpoint.c: once a day after checkpoint.at, one short step between two looks at the sockets. */
void core_checkpoint(struct core *c);

/* core_nights.c: a school came, was turned away, sent a batch that was turned away; written once a minute. */
void core_nights_met(struct core *c, uint32_t participant);
void core_nights_refused(struct core *c, uint32_t participant, enum message_error why);
void core_nights_bad_batch(struct core *c, uint32_t participant, enum message_error why);
void core_nights(struct core *c);
void core_nights_flush(struct core *c);
void core_nights_fini(struct core *c);

/* core_keys.c: the sealing key of a school year that has begun. */
void core_keys(struct core *c);
/* core_inbox.c: files of schools out of the watched folder. */
MUST_CHECK enum err core_inbox_open(struct core *c);
void core_inbox(struct core *c);
/* How long the loop may sleep at most. */
int core_inbox_wait(const struct core *c, int wait_ms);

/* core_operator.c */
void core_operator_accept(struct core *c);
void core_operator_readable(struct core *c, size_t i);
/* Loads everything again when the workers are idle and all they made is committed; tells the gateway. */
MUST_CHECK enum err core_reload(struct core *c);
/* The same without committing first: what the workers made is prepared again by the caller. */
MUST_CHECK enum err core_reload_definitions(struct core *c);

#endif
