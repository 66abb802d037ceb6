/* home.h: an agent's home: one folder with agent.yaml, keys/ (0600), store/ (LMDB), sync.lock, queue.lock,
 * and run.lock and run.sock (run.h).
 *
 * Any command may open it (LMDB serialises writers).  queue.lock (flock) is held while records are being queued;
 * sync.lock while batches are sealed and synced. */
#ifndef SVODKA_AGENT_HOME_H
#define SVODKA_AGENT_HOME_H

#include "agent/sync_days.h"
#include "common/due.h"
#include "common/form.h"
#include "common/period.h"
#include "common/store.h"
#include "common/zone.h"
#include "protocol/builtin.h"
#include "protocol/directory.h"

/* Tables of the store. */
enum agent_table {
    T_META,      /* text key -> value: see home.c */
    T_PAGES,     /* counter u32 | tag 8 | first number u64 -> page of records, locked (queue.c) */
    T_SEGMENTS,  /* counter u32 | tag 8 | number >> 16 u32 -> a key locked under the home's: destroyed with the records
                  */
    T_BATCHES,   /* counter u32 | tag 8 | sequence u64 -> struct batch_state as MessagePack */
    T_CHUNKS,    /* counter u32 | tag 8 | sequence u64 | chunk u32 -> sealed bytes, at most AGENT_CHUNK_BYTES */
    T_OBJECTS,   /* digest 32 -> kind u8 | bytes: forms, calendar, maps */
    T_DRAFTS,    /* text key -> locked draft */
    T_EVENTS,    /* u64 -> what the school should know (plain words): locked text */
    T_STANDINGS, /* counter u32 | tag 8 | number u64 -> locked: what the hub said of a submission (standing.h) */
    T_PAST,      /* what was destroyed after its time: a summary of each submission, the receipts (queue_past.c) */
    T_QUESTIONS, /* what the office asks and accepts: locked (questions.h) */
    T_SESSIONS,  /* sessions of anonymous answers, and answers that wait for others to leave with (session.h) */
    T_FIGURES,   /* what the district published for the school: locked (figures.h) */
    AGENT_TABLES
};
#define AGENT_MAX_SIGNERS 64u
#define AGENT_CHUNK_BYTES (15u * 4096u - 16u)

/* agent.yaml: one table in home.c gives names, defaults and ranges; docs/agent-yaml.md and agent.yaml(5) list them. */
struct agent_conf {
    bool keys_credentials;                            /* keys may come from the service manager (keys.h) */
    int64_t window_from_min, window_to_min;           /* sync.window: minutes of the day */
    struct sync_days days;                            /* sync.days, sync.holidays */
    struct zone *zone;                                /* sync.time_zone; NULL: this computer's */
    int64_t max_night;                                /* sync.max_bytes_per_night; 0: no limit */
    int64_t max_rate;                                 /* sync.max_rate: bytes/s; 0: no limit */
    int64_t chunk;                                    /* sync.chunk: at most; smaller on slow lines (line.h) */
    int64_t connect_ms, handshake_ms, progress_ms;    /* deadlines */
    int64_t batch_sealed, batch_plain, batch_records; /* at most the protocol's */
    int64_t map_size;
    int64_t retry_first_ms, retry_cap_ms;
    int64_t disk_reserve;           /* bytes kept free: below it capture stops with ERR_FULL */
    int64_t keep_days;              /* after archived; at least 30 */
    int64_t bundle_max;             /* bytes of one file for a stick */
    char proxy[ENDPOINT_MAX + 1];   /* sync.proxy as tcp://HOST:PORT; "": none */
    char address[ENDPOINT_MAX + 1]; /* sync.address; "": none */
};

/* A form that lies in the home.  Most commands need one of the twenty to sixty that a district has. */
struct held_form {
    const struct directory_object *object; /* of the directory: id, digest */
    struct form *form;                     /* NULL: not read yet */
    bool is_broken;                        /* cannot be read by this program: said once */
    bool is_offered;                       /* current, or the latest here of one whose current version is on its way */
};

struct agent {
    char *dir;
    struct agent_conf conf;
    struct store *store;
    struct key *sign, *curve, *home_key; /* KEY_SIGN, KEY_CURVE, KEY_SECRET */
    struct key *history_key;             /* KEY_SEAL: the school's own history is sealed to it; NULL: a home without */
    char code[15];                       /* of the invitation, until the grant holds our keys; then "" */
    struct directory *directory;
    struct grant *grant;    /* keys are zero until enrolled */
    struct buf old_signers; /* the hub's signing keys before the one in the directory (hub_signer.c) */
    struct calendar *calendar;
    struct due_rules **due; /* what is due, of each programme that says so */
    size_t due_count;
    struct held_form *forms; /* all versions held; each is read when it is first asked for (agent_form_at) */
    size_t form_count;
    struct builtin_forms builtin; /* not among them (builtin.h) */
    struct generation gen;        /* the one that new records go into */
    uint8_t run_tag[TAG_BYTES];   /* of this process run; with run_tag_used it makes each record unique (queue_stamp) */
    uint32_t run_tag_used;
    bool has_offset; /* hub's clock minus ours, by the last receipt */
    int64_t offset_ms;
};

/* Creates everything in a folder that must not exist or be empty: keys, store, first generation. */
MUST_CHECK enum err agent_create(const char *dir, const struct invitation *inv);
/* A newer invitation for a home that has not joined yet (the one before expired, was locked or lost): its code takes
 * the place of the old one, the request is made anew, everything entered so far stays.  ERR_EXISTS: it has joined
 * already, or was made from this very one; ERR_AUTH: the invitation is another district's or participant's.  `inv` has
 * been checked. */
MUST_CHECK enum err agent_invited_again(struct agent *a, const struct invitation *inv);
/* ERR_NOT_FOUND: not a home; ERR_DENIED: modes; ERR_CORRUPT; all with a sentence that says what to do. */
MUST_CHECK enum err agent_open(struct agent **out, const char *dir);
void agent_close(struct agent *a);

/* Non-blocking flock; ERR_BUSY.  `name`: "sync.lock" or "queue.lock". */
MUST_CHECK enum err agent_lock(const struct agent *a, const char *name, int *fd);
/* The same, waiting at most `ms`. */
MUST_CHECK enum err agent_lock_wait(const struct agent *a, const char *name, int64_t ms, int *fd);
void agent_unlock(int fd);

bool agent_is_enrolled(const struct agent *a);
/* By the last grant the district takes nothing new from this computer: it is held or revoked.  What is sealed may go,
 * new work waits here. */
bool agent_is_stopped(const struct agent *a);
/* The n-th of the forms held.  NULL: it cannot be read by this program, which the log says; the others can. */
const struct form *agent_form_at(const struct agent *a, size_t n);
/* The version of an id that is offered; or any version by digest; NULL: none, or it cannot be read. */
const struct form *agent_form(const struct agent *a, const char *id);
const struct form *agent_form_by_digest(const struct agent *a, const uint8_t digest[32]);
/* A map object (YAML) by name.  ERR_NOT_FOUND. */
MUST_CHECK enum err agent_map(const struct agent *a, const char *name, struct buf *out);

/* Small values in T_META; `t` NULL: own transaction. */
MUST_CHECK enum err agent_meta_get(const struct agent *a, struct store_txn *t, const char *key, struct buf *out);
MUST_CHECK enum err agent_meta_put(const struct agent *a, struct store_txn *t, const char *key, struct bytes value);

/* New signed objects from the hub: verified, refused when older, stored, and loaded into `a`.
 * ERR_AUTH, ERR_VERSION (older); of a grant also ERR_DENIED: it names the keys of another computer of this school. */
MUST_CHECK enum err agent_take_directory(struct agent *a, struct bytes object);
MUST_CHECK enum err agent_take_grant(struct agent *a, struct bytes object);
/* OK: it names this computer's keys, or none yet.  ERR_DENIED, with a sentence. */
MUST_CHECK enum err agent_check_grant_keys(const struct agent *a, const struct grant *g);
/* The key by which something that the hub signed, and that this home has taken, is verified: the directory's, or one
 * that an earlier directory of this home named, if `object` names it.  What comes anew is believed by the directory's
 * alone.
 */
const uint8_t *agent_hub_signer(const struct agent *a, struct bytes object);
/* Checked against its digest in the directory; ERR_INVALID otherwise. */
MUST_CHECK enum err agent_take_object(struct agent *a, const uint8_t digest[32], struct bytes bytes);
/* Digest of the n-th object that the directory lists and we lack; ERR_NOT_FOUND when none. */
MUST_CHECK enum err agent_missing_object(const struct agent *a, size_t n, struct directory_object *out);

/* Words for the school, shown by `status` until read; locked at rest. */
void agent_tell(struct agent *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same inside a write transaction. */
MUST_CHECK enum err agent_tell_in(struct agent *a, struct store_txn *t, const char *text);
/* A message that is put into words when it is read (standing.h). */
MUST_CHECK enum err agent_tell_bytes_in(struct agent *a, struct store_txn *t, struct bytes message);
/* Oldest first; `forget` empties the list. */
MUST_CHECK enum err agent_each_event(struct agent *a, bool forget,
                                     void (*each)(void *ctx, int64_t wall_ms, const char *text), void *ctx);

/* Reads a->gen again (another process may have begun a new generation). */
MUST_CHECK enum err agent_read_generation(struct agent *a, struct store_txn *t);

#endif
