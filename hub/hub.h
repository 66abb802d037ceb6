/* hub.h: the hub's home and what every part of the core works on.
 *
 * Home: hub.yaml, keys/ (root.key or root.key.locked, recovery.pub, sign.key, seal-YYYY.key, storage.key, curve.key,
 * storage/CLASS-YEAR.key; 0600), store/ (LMDB), spool/ (the gateway's, may vanish), run/ (core.sock: gateway,
 * operator.sock: commands, ready and serve.lock: core.h), home.lock.
 *
 * Who may open it: the running core holds home.lock.  A command asks the running core over operator.sock for a lease
 * (peer's user is checked), then opens the store beside it (LMDB serialises writers of all processes) and says
 * "changed" when done, so that the core reloads; without a running core it takes home.lock itself.  A command that
 * crashes thus never takes the core with it. */
#ifndef SVODKA_HUB_HUB_H
#define SVODKA_HUB_HUB_H

#include "common/due.h"
#include "common/form.h"
#include "common/period.h"
#include "common/store.h"
#include "hub/root_key.h"
#include "protocol/builtin.h"
#include "protocol/directory.h"
#include "protocol/receipt.h"

enum hub_table {
    H_META,         /* text key -> value */
    H_JOURNAL,      /* lsn u64 -> entry (ledger.h) */
    H_BLOBS,        /* lsn u64 | chunk u32 -> bytes of a journalled batch or object */
    H_PARTICIPANTS, /* participant id -> MessagePack: index, grant object, invitation, keys, seen */
    H_OBJECTS,      /* digest 32 -> kind u8 | bytes: forms, packs' files, calendars, maps */
    H_PROGRAMMES,   /* programme id -> MessagePack: digests of its files, journal place */
    H_BATCHES,      /* participant index u32 | counter u32 | tag 8 | sequence u64 -> lsn u64 | digest 32 | receipt */
    H_RANGES,       /* participant index u32 | counter u32 | tag 8 | first number u64 -> last u64 | lsn u64 */
    H_DEAD,         /* participant index u32 | counter u32 | tag 8 | number u64 -> by: RECORD_REF_BYTES */
    H_CURRENT,      /* slot digest 24 (slot.h) -> participant index u32 | ref 20 | lsn u64 | row u32 | flags u8 */
    H_SLOTS,        /* form id 0 unit 0 period 0 | slot digest 24 -> nothing: enumerates current slots */
    H_CELLS,        /* variable digest 16 | unit 0 | period 0 | part -> cell (cells.h) */
    H_QUARANTINE,  /* participant index u32 | counter u32 | tag 8 | number u64 -> MessagePack: lsn, row, reason, text */
    H_AUDIT,       /* number u64 -> entry (audit.h) */
    H_RETURNS,     /* form id 0 unit 0 period 0 -> MessagePack: the office's last word about a return (returns.h) */
    H_GREETINGS,   /* participant index u32 -> MessagePack: what it said it holds when a meeting began (returns.h) */
    H_PERIODS,     /* period 0 group 0 -> MessagePack: closed or opened again, the signed head (snapshot.h) */
    H_HISTORY,     /* cell key | day u32 -> cell, empty: deleted (checkpoint.h) */
    H_CHECKPOINTS, /* day u32 -> MessagePack: a checkpoint that is complete (checkpoint.h) */
    H_PUBLICATIONS, /* lsn u64 -> MessagePack: what left the office (publish_store.h) */
    H_WORDS,        /* participant index u32 | serial u64 -> kind u8 | content: what it is told later (words.h) */
    H_STORAGE,      /* retention class 0 school year i32 -> MessagePack: a storage key's mark (storage_keys.h) */
    H_ACTS,         /* number u64 -> lsn u64: acts of erasure (act.h) */
    H_ERASED,       /* lsn u64 of a batch of which something was erased -> nothing (ledger_erase.h) */
    H_FROZEN,       /* form id 0 unit 0 period 0 -> number u64 of the last act that erased what counted there */
    H_BACKUPS,      /* number u64 -> MessagePack: backups that were written (archive.h) */
    H_SIGNERS,      /* participant index u32 | signing key 32 -> MessagePack: a computer of it (signers.h) */
    H_STANDING,     /* participant index u32 -> MessagePack: how it stands, since when and why (signers.h) */
    H_SUSPECTS,     /* participant index u32 | counter u32 | tag 8 | sequence u64 -> lsn u64 (signers.h) */
    H_AUDIT_HEADS,  /* number u64 -> signed head; signer 32 -> its certificate (audit.c) */
    H_QUESTIONS,    /* number u64 -> MessagePack: what the office asked a school (questions.h) */
    H_COMMENTS,     /* programme 0 indicator 0 period 0 unit 0 breakdown 0 -> MessagePack (comments.h) */
    H_EXCUSES,      /* form id 0 unit 0 period 0 'd' or 'c' 0 -> MessagePack: a return that is not here (excuse.h) */
    H_NIGHTS,       /* day u32 | participant index u32 -> MessagePack: who came that night (nights.h) */
    HUB_TABLES
};

#define HUB_MAX_OPERATORS 32u
#define HUB_MAX_ALERT     32u /* words of night.alert */
struct hub_conf {
    const char *name;      /* of the district */
    const char *listen[8]; /* tcp://HOST:PORT */
    size_t listen_count;
    const char *announce[8]; /* what agents connect to; default: listen */
    size_t announce_count;
    const char *door;          /* tcp://HOST:PORT for joining by a typed code; NULL: none */
    const char *door_announce; /* what the sheets say; NULL: `door`, or its port at the first announced host */
    const char *telephone;     /* whom a school calls; NULL: not said */
    int64_t map_size;
    int64_t disk_reserve;  /* bytes kept free: below it nothing new is taken (room.h) */
    int64_t workers;       /* intake threads */
    int64_t group_ms;      /* group commit waits at most so long for more batches */
    int64_t slots;         /* meetings at once */
    int64_t credit, chunk; /* bytes */
    int64_t turn_ms;       /* a meeting may last while others wait */
    int64_t spool_max, spool_days;
    const char *gateway_user;   /* whose gateway is let in besides our own; NULL: nobody's */
    const char *gateway_folder; /* where core.sock and spool/ are; NULL: in the home */
    int64_t log_refused;        /* lines about the refused, at once */
    int64_t invitation_days;
    int64_t directory_days;
    int64_t held_max;                         /* bytes kept of a computer that is held or revoked */
    bool keys_credentials;                    /* keys may come from the service manager (keys.h) */
    int64_t checkpoint_min;                   /* checkpoint.at: minute of the day, local time */
    const char *operators[HUB_MAX_OPERATORS]; /* who works with the hub and answers for it: names for the register */
    size_t operator_count;
    const char *inbox, *outbox;           /* folders that are watched for files of schools; NULL: none (inbox.h) */
    int64_t bundle_max;                   /* bytes of one file, read or written */
    int64_t night_days;                   /* for which it is known who came (nights.h) */
    const char *alert[HUB_MAX_ALERT + 1]; /* a command and its words; the first NULL ends them (alert.h) */
    int64_t alert_limit_ms;
    int64_t backup_days; /* after an act of erasure: until when backups made before are to be destroyed */
};

#define HUB_MAX_SEAL_KEYS 32u /* a second one of a year now and then included; the directory lists the newest 16 */

struct key_ring;     /* key_ring.h */
struct programme;    /* programme.h */
struct registry;     /* registry.h */
struct ledger;       /* ledger.h */
struct pack;         /* programme.h */
struct lease;        /* lease.h */
struct storage_keys; /* storage_keys.h */

/* KEYS: as WRITE, but sealing keys may be missing: for the command that gives one up. */
enum hub_access { HUB_READ, HUB_WRITE, HUB_CORE, HUB_KEYS };

struct hub {
    char *dir;
    struct hub_conf conf;
    struct yaml_doc *conf_doc;
    struct store *store;
    uint8_t district[16];
    uint8_t root[KEY_BYTES];
    struct key *sign;                         /* hub signing key */
    struct key *seal[HUB_MAX_SEAL_KEYS];      /* all that may still be needed */
    int32_t seal_year[HUB_MAX_SEAL_KEYS];     /* school year of each: 2020 for 2020/21 */
    uint32_t seal_ordinal[HUB_MAX_SEAL_KEYS]; /* which of its year, from 1 */
    size_t seal_count;
    uint8_t curve[KEY_BYTES];          /* public half of keys/curve.key; the secret one is the gateway's */
    struct key_ring *ring;             /* all keys there are and were (key_ring.h) */
    bool has_strangers;                /* sealing keys lie in keys/ that the ring does not name yet */
    enum hub_access access;            /* how it was opened */
    struct key *storage;               /* KEY_SECRET: slot keys, keys of codes, marks */
    struct storage_keys *storage_keys; /* under which the stored sections lie */
    struct directory *directory;
    struct buf directory_object; /* as signed */
    struct calendar *calendar;
    struct builtin_forms builtin; /* not among `forms` (builtin.h) */
    struct form **forms;          /* every version ever loaded */
    size_t form_count;
    struct programme **programmes;
    struct due_rules **due; /* the calendar of each of them; NULL: it has none */
    size_t programme_count;
    struct registry *registry;
    struct ledger *ledger;
    struct lease *lease;          /* how this process came in */
    uint64_t definitions_serial;  /* rises with every reload in this process */
    uint64_t definitions_version; /* of forms and programmes, as stored: rises with every programme loaded */
};

/* HUB_CORE: takes home.lock or ERR_BUSY.  The others: lease or lock as said above. */
MUST_CHECK enum err hub_open(struct hub **out, const char *dir, enum hub_access access);
/* Tells a running core to reload when `changed`. */
void hub_close(struct hub *h, bool changed);
/* Loads directory, forms, programmes, registry again (core, after "changed"); `t` may be a write transaction whose
 * changes are not committed yet, or NULL.  On failure everything is as it was. */
MUST_CHECK enum err hub_reload(struct hub *h, struct store_txn *t);

struct hub_init {
    const char *name;
    const char *const *listen;
    size_t listen_count;
    const char *const *announce; /* what agents connect to; none: `listen` */
    size_t announce_count;
    const char *door;                         /* NULL: none */
    const char *telephone;                    /* NULL: not said */
    const struct passphrase *root_passphrase; /* NULL: root key unlocked in keys/root.key, and the operator is told */
};
/* ERR_EXISTS, ERR_INVALID (name, addresses, passphrase). */
MUST_CHECK enum err hub_create(const char *dir, const struct hub_init *init);
/* The address of the door as the sheets say it; false: this hub has none. */
bool hub_door(const struct hub *h, char out[ENDPOINT_MAX + 1]);
/* tcp://HOST:PORT, at most ENDPOINT_MAX bytes. */
bool hub_url_is_valid(const char *url);
/* One that can be listened at, but not connected to: all interfaces, written as HOST "*", 0.0.0.0 or [::]. */
bool hub_url_is_wildcard(const char *url);

const struct form *hub_form(const struct hub *h, const uint8_t digest[32]);
const struct form *hub_form_by_id(const struct hub *h, const char *id); /* newest */
/* A fresh directory, version + 1, signed and stored (in `t`). */
MUST_CHECK enum err hub_issue_directory(struct hub *h, struct store_txn *t);
/* hub.yaml names the district or its addresses otherwise than the directory does, there is another sealing key, or half
 * of the directory's time is over: the core at its start, and commands that hand the directory out, issue a fresh one.
 */
bool hub_directory_is_stale(const struct hub *h);
/* A calendar with the periods of all stored programmes but `except` (NULL: all).  calendar_free(). */
MUST_CHECK enum err hub_calendar(struct store_txn *t, const char *except, struct calendar **out);
/* Stores a checked pack's files as objects, journals it, and lists its forms, periods and maps in the directory of the
 * same transaction.  Before, the caller puts in the cells of new variables (ledger_build.h). */
MUST_CHECK enum err hub_add_programme(struct hub *h, struct store_txn *t, const struct pack *p,
                                      const struct programme *prog);
/* The files of a stored programme; pack_free().  ERR_NOT_FOUND. */
MUST_CHECK enum err hub_pack(struct store_txn *t, const char *programme, struct pack *out);
/* A pack's calendar.yaml; *out NULL: it has none.  Mistakes go to `r`. */
MUST_CHECK enum err hub_pack_due(struct due_rules **out, const struct pack *p, struct form *const *forms,
                                 size_t form_count, const struct calendar *calendar, struct report *r);
/* The version of forms and programmes in the store: a batch prepared under another one must be prepared again. */
MUST_CHECK enum err hub_definitions_version(struct store_txn *t, uint64_t *out);
/* Raises it: what was prepared, or is remembered of the ledger in another process, is not to be used any more. */
MUST_CHECK enum err hub_raise_definitions(struct store_txn *t);
/* An object of the directory by digest: the bytes are a loan of the transaction. */
MUST_CHECK enum err hub_object(struct store_txn *t, const uint8_t digest[32], enum object_kind *kind,
                               struct bytes *out);
/* The key by which something that this hub signed is verified: its current signing key, or an older one that the root
 * certified too, if `object` names it. */
const uint8_t *hub_signer(const struct hub *h, struct bytes object);
/* A stored receipt as it goes out: one that an older key signed is signed anew, word for word, into `scratch`, because
 * agents believe the current key alone.  *out is a loan of either. */
MUST_CHECK enum err hub_receipt_now(const struct hub *h, struct bytes stored, struct buf *scratch, struct bytes *out);
/* The root's certificate of the current signing key; a loan until the next reload.  ERR_CORRUPT: there is none. */
MUST_CHECK enum err hub_certificate(const struct hub *h, struct bytes *out);

#endif
