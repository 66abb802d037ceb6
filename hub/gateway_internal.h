/* gateway_internal.h: shared by gateway*.c alone. */
#ifndef SVODKA_HUB_GATEWAY_INTERNAL_H
#define SVODKA_HUB_GATEWAY_INTERNAL_H

#include "hub/admission.h"
#include "hub/gateway.h"
#include "hub/gateway_spool.h"
#include "hub/ipc.h"

#define ROUTING_BYTES   5u /* what a ROUTER makes itself: a zero byte and 32 bits; others are an agent's claims */
#define MEETING_BUCKETS 1024u
#define MEETING_IDLE_MS 300000
#define MEETING_MAX_MS  7200000
#define MEETING_UNKNOWN 16u /* frames of unknown type */
#define MEETING_GETS    16u /* unanswered */
#define AWAY_SECONDS    30u /* BUSY while the core is away */
#define REVOKED_PATIENCE                                                                                               \
    256u /* messages a minute of keys that are not allowed any more: then the process starts afresh */
#define REVOKED_MINUTE_MS 60000

/* Where a frame came from and where its answer goes: a ROUTER, and the number of the connection there. */
struct route {
    unsigned socket; /* in gateway.sockets */
    uint32_t number;
};

/* ---- frames (gateway_frame.c) ---- */

/* One frame that is there now, with its bytes copied, and from its metadata who sent it. */
struct frame {
    struct buf bytes;
    bool has_more, has_user;
    char user[2 * KEY_BYTES + 1]; /* User-Id */
    char peer[IPC_PEER_MAX + 1];  /* Peer-Address */
};
void frame_init(struct frame *f);
void frame_fini(struct frame *f);
/* ERR_NOT_FOUND: none. */
MUST_CHECK enum err frame_receive(struct frame *f, void *socket);
/* A monitor's event; 0: none is there now. */
uint16_t frame_event(void *monitor);

/* ---- the allowlist and ZAP (gateway_zap.c) ---- */
struct allow_list {
    struct ipc_allow *items; /* by CURVE key once it is whole */
    size_t count, cap;
};
MUST_CHECK enum err allow_add(struct allow_list *l, const struct ipc_allow *a);
void allow_sort(struct allow_list *l);
void allow_fini(struct allow_list *l);
const struct ipc_allow *allow_find(const struct allow_list *l, const uint8_t curve[KEY_BYTES]);

/* Domains by which the handler tells the sockets apart. */
#define ZAP_SCHOOLS "svodka"
#define ZAP_DOOR    "svodka-door"

struct gateway;
/* Binds inproc://zeromq.zap.01; until then, and whenever it is not served, nobody gets in. */
MUST_CHECK enum err zap_open(struct gateway *g);
/* Answers all that is asked now, from the list in memory, after what the core has said by then: a school whose
 * invitation was written, or whose computer was revoked, by a command that has ended, is judged by that. */
void zap_serve(struct gateway *g);
/* A connection with a key that nobody knows must be refused at this endpoint, whose key is `server`: else the gateway
 * does not serve. */
MUST_CHECK enum err zap_self_test(struct gateway *g, const char *endpoint, const uint8_t server[KEY_BYTES]);
/* User-Id of a message (64 hex digits) to the key. */
bool zap_key_of_user(uint8_t curve[KEY_BYTES], const char *user_id);

/* ---- meetings (gateway_meeting.c) ---- */
enum meeting_state {
    MEETING_WAITING, /* the core is asked about a HELLO */
    MEETING_OPEN,
    MEETING_ASKED /* two histories: RECONCILE or another HELLO is expected */
};
struct meeting {
    struct meeting *next; /* in its bucket */
    size_t place;         /* in gateway.meetings */
    uint64_t connection;  /* serial << 32 | route.number */
    struct route route;
    uint8_t curve[KEY_BYTES];
    char participant[ID_MAX + 1], peer[IPC_PEER_MAX + 1];
    enum meeting_state state;
    enum ipc_standing standing; /* when it began */
    int64_t started_ms, last_ms;
    struct generation gen;
    uint32_t offer_count;
    struct offer offers[HELLO_MAX_OFFERS];
    unsigned unknown, gets;
    /* The position (SPEC.md 6.4): the batch that is being received and how much of it is here. */
    uint64_t sequence; /* 0: none yet */
    uint8_t digest[DIGEST_BYTES];
    uint32_t total, offset;
    bool was_resumed;  /* a beginning from an earlier meeting is part of it */
    bool is_handed_on; /* whole, and with the core */
    uint32_t unacked;  /* bytes since the last ACK */
    bool owes_ack;
    bool is_quiet; /* after ORDER or SEQUENCE: what was still on its way is dropped without more errors, until HELLO */
};

/* One frame that came; loans until the call returns. */
struct incoming {
    struct route from;
    uint8_t curve[KEY_BYTES];
    char peer[IPC_PEER_MAX + 1];
    bool is_multipart;
    struct bytes frame;
};
void meeting_frame(struct gateway *g, const struct incoming *in);
/* A whole frame of the core for a connection. */
void meeting_reply(struct gateway *g, uint64_t connection, struct bytes frame);
void meeting_end(struct gateway *g, struct meeting *m);
/* The core is away: everybody is told when to come again. */
void meeting_end_all(struct gateway *g);
void meeting_sweep(struct gateway *g); /* those that are silent or too long */
void meeting_send_acks(struct gateway *g);
/* Ends the meeting after telling why; m may be NULL. */
void meeting_error(struct gateway *g, struct route to, struct meeting *m, enum message_error code, uint32_t seconds,
                   const char *text);

/* ---- chunks (gateway_chunk.c) ---- */
void chunk_take(struct gateway *g, struct meeting *m, const struct msg_chunk *c);
/* Completes the core's WELCOME with what the spool holds. */
void chunk_resume(struct gateway *g, struct meeting *m, struct msg_welcome *w);

/* ---- sockets (gateway_socket.c): one ROUTER for each key ---- */
struct gateway_socket {
    void *router, *monitor;
    struct key *key;
    char name[IPC_KEY_NAME + 1]; /* of its file */
    enum listener_kind kind;
};
/* Binds every address of g->limits and tests each ROUTER.  A key that is missing, or not the one that the core named,
 * stops the gateway. */
MUST_CHECK enum err sockets_open(struct gateway *g);
void sockets_close(struct gateway *g);

/* ---- the gateway (gateway.c) ---- */
struct gateway {
    const char *home, *exchange; /* gateway_run() */
    void *ctx, *zap;
    struct gateway_socket sockets[IPC_LISTENERS];
    struct { /* as the core sent them, until a socket takes them */
        char name[IPC_KEY_NAME + 1];
        struct key *key;
    } keys[IPC_LISTENERS];
    unsigned key_count;
    unsigned socket_count, first; /* the socket whose turn it is to be read first */
    int signals, ready_fd;
    bool is_listening, stopping;
    enum err failed; /* why it stops */

    struct ipc_link *core; /* NULL: away */
    bool has_core;         /* its limits and allowlist are here */
    int64_t next_try_ms, pause_ms;
    struct ipc_limits limits;
    bool has_limits;
    struct allow_list allowed, coming;
    struct buf assembly; /* parts of one frame */
    uint64_t assembly_connection;
    uint32_t assembly_part;

    struct spool *spool;
    struct meeting *buckets[MEETING_BUCKETS];
    struct meeting **meetings; /* count of limits.slots at most */
    size_t meeting_count, meeting_cap;
    uint64_t serial;
    struct admission admission; /* who found no slot, and when it comes back */
    bool acks_due;
    bool is_closed; /* for want of room on the spool's disk: said once */

    struct frame routing, payload; /* the frames in hand */
    struct message message;        /* the message in hand: too large for the stack */
    struct buf out;
    struct ipc_status status;
    uint64_t ignored, revoked; /* revoked: in the minute since revoked_ms */
    int64_t revoked_ms;
    int64_t swept_ms, status_ms, tidied_ms, told_ms;
    int64_t refused_ms, refused_left; /* lines about the refused: since when, how many more now */
    uint64_t refused_silent;          /* without a line of their own */
};
/* Writes down that somebody was refused: within limits (gateway_refused.c). */
void gateway_refused(struct gateway *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Sends without waiting.  False: the connection is gone, or takes nothing. */
bool gateway_send(struct gateway *g, struct route to, const struct message *m);
bool gateway_send_frame(struct gateway *g, struct route to, struct bytes frame);
/* Takes all that the core has said; what cannot be read makes it count as away. */
void gateway_read_core(struct gateway *g);
/* To the core; when that fails the core counts as away. */
bool gateway_tell_core(struct gateway *g, const struct ipc_packet *p);

#endif
