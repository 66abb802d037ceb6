/* message.h: the messages of a meeting (SPEC.md section 6).  Each is one ZeroMQ payload frame: a MessagePack array
 * [type, ...fields].  A receiver ignores elements after those it knows (at most 32 in all). */
#ifndef SVODKA_PROTOCOL_MESSAGE_H
#define SVODKA_PROTOCOL_MESSAGE_H

#include "protocol/directory.h"
#include "protocol/receipt.h"
#include "protocol/signed.h"

#define MESSAGE_VERSION_MIN 1u
#define MESSAGE_VERSION_MAX 1u
#define MESSAGE_MAX_UP      (128u << 10) /* agent to hub */
#define MESSAGE_MAX_DOWN    (2u << 20)   /* hub to agent */
#define CHUNK_MAX           (64u << 10)
#define CHUNK_DEFAULT       (16u << 10)
#define CREDIT_MAX          (256u << 10)
#define HELLO_MAX_OFFERS    16u
#define WELCOME_MAX_GAPS    64u
#define LATER_MAX_SECONDS   86400u

enum message_type {
    MSG_HELLO = 1,
    MSG_WELCOME = 2,
    MSG_CHUNK = 3,
    MSG_ACK = 4,
    MSG_RECEIPT = 5,
    MSG_RECONCILE = 6,       /* agent: what do you hold of this generation from this number? */
    MSG_RECONCILE_REPLY = 7, /* signed */
    MSG_GET = 8,             /* agent: an object of the directory, by digest and offset */
    MSG_OBJECT = 9,
    MSG_BYE = 10,
    MSG_ERROR = 11,
    MSG_WORD = 12 /* what the hub decided later, signed (notice.h) */
};

enum message_error {
    MERR_VERSION = 1, /* no common version */
    MERR_MALFORMED = 2,
    MERR_ORDER = 3,   /* not now: e.g. CHUNK before WELCOME */
    MERR_UNKNOWN = 4, /* participant not known to this hub, or of another district */
    MERR_REVOKED = 5,
    MERR_HELD = 6,
    MERR_INVITATION_USED = 7,
    MERR_INVITATION_EXPIRED = 8,
    MERR_ENROL = 9,      /* request refused: wrong code or keys */
    MERR_SIGNATURE = 10, /* batch signature or header wrong */
    MERR_SEQUENCE = 11,  /* the hub holds another batch under this sequence: RECONCILE */
    MERR_BUSY = 12,      /* overload or core away: come back in `seconds` */
    MERR_LIMIT = 13,     /* a stated limit was exceeded */
    MERR_INTERNAL = 14,
    MERR_INVITATION_LOCKED = 15, /* five wrong tries */
    MERR_ROOM = 16               /* the hub's disk is nearly full: come back in `seconds` */
};
#define MERR_LAST MERR_ROOM
const char *message_error_name(enum message_error e); /* "version" ... */
const char *message_type_name(enum message_type t);   /* "HELLO" ... */

struct offer {
    uint64_t sequence;
    uint32_t length;
    uint8_t digest[DIGEST_BYTES];
};
/* A HELLO over an invitation's key that asks who the hub is: district zeros, this participant, no request
 * (SPEC.md 6.9).
 */
#define HELLO_NOBODY "-"
struct msg_hello {
    uint32_t version_min, version_max;
    uint8_t district[16];
    char participant[ID_MAX + 1];
    struct generation gen;
    char software[65];
    int64_t agent_ms;
    uint64_t directory_version, grant_version;
    uint64_t first_held;        /* oldest batch of this generation still on the disk; 0: none */
    uint64_t last_sealed;       /* greatest sequence ever sealed in it, held or not; 0: none */
    uint64_t receipted;         /* all up to and with this one are receipted; 0: none */
    uint64_t archived;          /* all up to and with this one are receipted as archived; 0: none */
    uint8_t head[DIGEST_BYTES]; /* digest of batch last_sealed; zeros: none */
    uint64_t waiting_bytes, waiting_records;
    uint32_t offer_count; /* oldest not receipted first */
    struct offer offers[HELLO_MAX_OFFERS];
    struct bytes enrol;         /* sealed request (at most ENROL_MAX), or empty */
    bool takes_words;           /* false: an agent of an earlier year, which knows none */
    bool says_elsewhere;        /* the next field is there; only with takes_words */
    uint64_t waiting_elsewhere; /* like waiting_records, of all other generations of this agent */
    bool says_known;            /* and the one after it; only with says_elsewhere */
    unsigned words_known;       /* greatest type of words that it knows (enum signed_type, or a later one) */
    uint64_t words_held;        /* serial of the last word taken; all before it are taken, too; 0: none */
};
enum welcome_go { WELCOME_GO = 0, WELCOME_LATER = 1, WELCOME_RECONCILE = 2 };
/* Words unasked after one HELLO: so many, or until so many bytes are reached. */
#define WORDS_AT_ONCE 1024u
#define WORDS_BYTES   (4u << 20)
struct msg_welcome {
    uint32_t version;
    enum welcome_go go;
    uint32_t later_seconds;
    int64_t hub_ms;
    uint64_t next_sequence; /* everything below is held without a gap; from 1 with GO */
    uint64_t held_last;     /* highest sequence held of this generation; 0: none */
    uint32_t gap_count;
    struct number_range gaps[WELCOME_MAX_GAPS]; /* sequences missing between next_sequence and held_last */
    uint64_t resume_sequence;                   /* of the first offered batch begun but not finished; 0: none */
    uint32_t resume_offset;
    uint8_t resume_digest[DIGEST_BYTES];
    uint32_t credit, chunk;        /* bytes */
    struct bytes directory, grant; /* signed objects when newer than the agent's; else empty */
    uint64_t last_word;            /* serial of the last word that there is for this agent; 0: none, or not said */
};
struct msg_chunk {
    uint64_t sequence;
    uint8_t digest[DIGEST_BYTES]; /* of the whole batch */
    uint32_t total, offset;       /* offset + data within total */
    struct bytes data;            /* 1 to CHUNK_MAX */
};
struct msg_ack {
    uint64_t sequence;
    uint32_t offset; /* bytes held by the hub in order */
    uint32_t credit; /* bytes that may be on their way beyond that */
};
struct msg_reconcile {
    struct generation gen;
    uint64_t from; /* number */
};
struct msg_get {
    uint8_t digest[DIGEST_BYTES];
    uint32_t offset;
};
struct msg_object {
    uint8_t digest[DIGEST_BYTES];
    uint32_t total, offset; /* total 0: the hub does not have it */
    struct bytes data;      /* at most CHUNK_MAX */
};
struct msg_error {
    enum message_error code;
    uint32_t seconds; /* BUSY: come back after */
    char text[RECEIPT_TEXT_MAX + 1];
};
struct message {
    enum message_type type;
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_chunk chunk;
        struct msg_ack ack;
        struct bytes signed_object; /* RECEIPT, RECONCILE_REPLY, WORD */
        struct msg_reconcile reconcile;
        struct msg_get get;
        struct msg_object object;
        struct msg_error error;
    } as;
};

/* Does it only ask for directory and grant? */
bool message_hello_is_asking(const struct msg_hello *h);

/* Appends the frame.  Loans in `m` are copied.  ERR_INVALID: something that message_decode() would refuse; `out` is
 * then as before. */
MUST_CHECK enum err message_encode(struct buf *out, const struct message *m);
/* Loans point into `in`.  ERR_MALFORMED, ERR_LIMIT.  ERR_VERSION: a type this program does not know (out->type is 0:
 * ignore the frame), or a HELLO without a common version (out->type is MSG_HELLO, versions are set: MERR_VERSION). */
MUST_CHECK enum err message_decode(struct message *out, struct bytes in);

#endif
