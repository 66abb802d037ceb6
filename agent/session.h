/* session.h: sessions of anonymous answers: one class's stack of sheets.  What is answered into a session waits in it,
 * out of the queue, until SESSION_BLOCK answers are together or the session is closed; then they go into the queue in a
 * random order.  So neither numbers nor parcels nor anything else here tells who answered when or after whom; and which
 * answers lie in which session this computer knows alone, by their digests, whatever numbers they have or will get
 * (SPEC.md sections 3.2 and 7.4).
 *
 * Every change is one transaction, under queue.lock. */
#ifndef SVODKA_AGENT_SESSION_H
#define SVODKA_AGENT_SESSION_H

#include "agent/capture.h"
#include "protocol/session_form.h"

#define SESSION_BLOCK       16u
#define SESSION_ANSWERS_MAX 10000u
#define SESSION_ID_BYTES    8u
#define SESSION_MARK_BYTES  16u

struct session {
    uint8_t id[SESSION_ID_BYTES]; /* random; never leaves this computer */
    struct session_word word;
    char unit[ID_MAX + 1];
    char period[PERIOD_ID_MAX + 1];
    int32_t day;   /* that all its answers have */
    uint32_t kept; /* of word.entered: still waiting here for others to leave with */
};

/* ---- looking (session.c) ---- */

/* What to list; NULL: any. */
struct session_filter {
    const char *form, *unit, *period, *name;
    bool open_only;
};
struct session_list {
    struct session *items; /* by questionnaire, period, unit, name */
    size_t count;
};
MUST_CHECK enum err session_list(const struct agent *a, const struct session_filter *f, struct session_list *out);
void session_list_fini(struct session_list *l);
/* The only one that fits.  ERR_NOT_FOUND; ERR_USAGE: several do. */
MUST_CHECK enum err session_find(const struct agent *a, const struct session_filter *f, struct session *out);
/* All answers ever entered into sessions, and how many of them wait in one; `t` NULL: own transaction. */
struct session_totals {
    uint64_t entered, kept;
};
MUST_CHECK enum err session_totals(const struct agent *a, struct store_txn *t, struct session_totals *out);
/* Every session opens, and as many answers wait in it as it says.  Mistakes are printed, one a line; *bad is added to.
 */
MUST_CHECK enum err session_verify(const struct agent *a, FILE *to, uint64_t *bad);
/* "open", ... for programs; in words for people. */
const char *session_state_name(enum session_state s);
const char *session_state_word(enum session_state s);

/* ---- answers on their way in (session_pool.c) ---- */

struct session_pool {
    struct buf records; /* length u32 | bytes, each */
    uint32_t count;
    struct buf likeness; /* of a sheet's rows: digests (capture_likeness()) */
};
void session_pool_init(struct session_pool *p);
void session_pool_fini(struct session_pool *p); /* wipes */
/* ERR_LIMIT: more than fits into memory at once. */
MUST_CHECK enum err session_pool_add(struct session_pool *p, struct bytes record);
MUST_CHECK enum err session_pool_liken(struct session_pool *p, const uint8_t likeness[RECORD_DIGEST_BYTES]);
/* What a sheet is known by in this session: by the multiset of its rows, whatever their order; or a number on paper. */
void session_mark_rows(const struct agent *a, const struct session *s, struct session_pool *p,
                       uint8_t out[SESSION_MARK_BYTES]);
void session_mark_number(const struct agent *a, const struct session *s, const char *number,
                         uint8_t out[SESSION_MARK_BYTES]);

/* ---- changing (session_write.c, session_withdraw.c) ---- */

/* Who says so, and where mistakes in a name go. */
struct session_by {
    const char *entered_by; /* NULL: not said */
    struct report *report;
};
/* `s` has form, name, group, expected, unit, period and day; the rest is filled in.  ERR_EXISTS: there is one of this
 * name; ERR_INVALID: a name that cannot be, see the report. */
MUST_CHECK enum err session_open(struct agent *a, struct session *s, const struct session_by *by);
/* Takes the pool's answers in; `mark` NULL: no sheet to remember.  `s` is brought up to date.
 * ERR_EXISTS: this mark was there already (unless `again`); ERR_DENIED: the session is not open any more; ERR_LIMIT. */
MUST_CHECK enum err session_put(struct agent *a, struct session *s, struct session_pool *p,
                                const uint8_t mark[SESSION_MARK_BYTES], bool again);
/* All that waits in it goes.  ERR_DENIED: it is closed already. */
MUST_CHECK enum err session_close(struct agent *a, struct session *s, const struct session_by *by);

struct session_withdrawn {
    uint32_t dropped;   /* had not left: nobody will see them */
    uint32_t retracted; /* retracted, one by one, in one go */
    uint32_t missing;   /* are not known here any more */
};
/* ERR_DENIED: it is withdrawn already. */
MUST_CHECK enum err session_withdraw(struct agent *a, struct session *s, const char *reason,
                                     const struct session_by *by, struct session_withdrawn *out);

/* ---- two histories (session_meet.c) ---- */

/* Inside the transaction that settles them: `find` says under which number the hub holds a record (false: not), and
 * what it holds does not wait here any more. */
MUST_CHECK enum err session_meet(struct agent *a, struct store_txn *t,
                                 bool (*find)(void *ctx, struct bytes record, struct record_ref *as), void *ctx);
/* A record has left the queue because the hub holds it as `as`; if it is an answer of a session, that is remembered. */
MUST_CHECK enum err session_found(struct agent *a, struct store_txn *t, struct bytes record,
                                  const struct record_ref *as);

#endif
