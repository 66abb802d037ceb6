/* attack.h: somebody who knows the protocol by heart does what no agent of ours would.  Each attack has a name, an
 * attacker, the line that the hub (or the school) must write about it, and leaves everything as it was: honest schools
 * send meanwhile, lose nothing, and are counted once (invariants 2, 3, 4, 6, 8).
 *
 * Who attacks: a stranger has the wire and no key; the revoked one has a participant's keys that were taken back; the
 * school has the keys of a participant in good standing; the gateway has all that the hub's network process has in
 * memory and on disk, and the local socket to the core; the false hub has the hub's transport key and answers agents.
 */
#ifndef SVODKA_TESTS_ATTACK_H
#define SVODKA_TESTS_ATTACK_H

#define SCHOOLS    5
#define SCHOOL_IDS "gp", "ms", "ev", "rv", "nw"
#include "protocol/batch_internal.h"
#include "tests/integration/meeting_fixture.h"

#define WAIT_MS 10000 /* for a line in the log */

struct field {
    struct district d;
    struct agent *honest; /* gp: syncs while the attacks go on */
    struct agent *victim; /* ms: whose name and batches are misused */
    struct agent *evil;   /* ev: in good standing */
    struct agent *revoked;
    struct agent *forger; /* who signs what is forged: evil, or the revoked one */
    uint32_t counter;     /* of evil's generations: each attack has one of its own */
    unsigned marks;       /* rows the honest one has filled in */
    unsigned victim_marks;
    long log_at; /* where the hub's log stood when the attack began */
};
extern struct field field;

struct attack {
    const char *name;
    const char *log; /* what the hub's log must say; NULL: the attack checks itself (why stands beside it) */
    void (*run)(void);
};
extern const struct attack stranger_attacks[], revoked_attacks[], meeting_attacks[], batch_attacks[], gateway_attacks[],
    false_hub_attacks[]; /* each ends with a NULL name */

/* True when the hub's log has got this text since the attack began; waits for it. */
bool attack_logged(const char *text, int64_t wait_ms);
/* One that nobody knows yet. */
struct generation attack_generation(void);

/* ---- bytes on a bare TCP connection (stranger.c) ---- */
int raw_connect(int port);
void raw_send(int fd, const void *bytes, size_t len);
/* True when the other side closes within `ms`; whatever it says before is passed over. */
bool raw_is_closed(int fd, int ms);

/* ---- crafted batches (forge.c) ---- */

/* A batch of the forger whose parts can each be a lie.  forge_init() makes an honest one of one record; fields are
 * changed then; forge_seal() writes what the fields say and signs it. */
struct forgery {
    struct batch_header h;
    struct number_range range;
    struct buf plain;                                             /* of the one section, before zstd */
    struct buf packed;                                            /* what is sealed; empty: zstd of `plain` */
    bool lies_about_packed, lies_about_plain, lies_about_records; /* the header's figure stands as it was set */
    const struct key *sign;
    uint8_t seal_to[KEY_BYTES];
    bool low_order; /* the ephemeral key is a point of low order */
};
void forge_init(struct forgery *f);
void forge_fini(struct forgery *f);
/* A record of the forger about the form `marks`, changed by the caller before it is packed. */
struct record forge_record(struct value values[MARKS_FIELDS], const char *pupil, int64_t grade);
/* The plain section of these records' canonical bytes, one block, numbers from `first` on. */
void forge_records(struct forgery *f, const struct record *records, size_t count, uint64_t first);
void forge_raw_records(struct forgery *f, const struct bytes *records, size_t count, uint64_t first);
void forge_seal(struct forgery *f, struct sealed *out);

/* What the hub answered to a batch. */
struct answer {
    bool is_error;
    enum message_error code;
    char text[RECEIPT_TEXT_MAX + 1];
    enum receipt_state state;
    uint32_t verdicts[VERDICT_COUNT];
    unsigned reason; /* of the first refusal; 0: none */
};
/* HELLO in the batch's generation, the batch in chunks, and what comes of it. */
void send_forgery(const struct sealed *s, struct answer *out);
/* The whole way: everything is sent, nothing is counted, and every record is put aside for `reason`. */
void expect_put_aside(struct forgery *f, unsigned reason);
void expect_refused(struct forgery *f, enum message_error code);

#endif
