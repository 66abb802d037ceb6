/* ipc.h: between gateway and core: SOCK_SEQPACKET on run/core.sock, the peer's user checked on both sides.
 * Each packet is one MessagePack array [ipc_type, fields...].  The core trusts nothing in it: it looks the CURVE key up
 * in its own registry and repeats every check of the gateway; only the connection's number is the gateway's word. */
#ifndef SVODKA_HUB_IPC_H
#define SVODKA_HUB_IPC_H

#include "protocol/message.h"

#define IPC_MAX_PACKET  (160u << 10)
#define IPC_MAX_ALLOWED 20000u /* participants and invitations together */
#define IPC_MAX_QUEUED  (8u << 20)
#define IPC_PART        (96u << 10) /* bytes of a frame in one IPC_REPLY */
#define IPC_PEER_MAX    63u
#define IPC_LISTENERS   16u
#define IPC_KEY_NAME    32u /* a file's name in keys/ */

enum ipc_type {
    /* core to gateway */
    IPC_LIMITS = 1,    /* first, and again when they change */
    IPC_ALLOW = 2,     /* one entry of the allowlist of `serial` */
    IPC_ALLOW_END = 3, /* the list of `serial` is whole: it replaces every older one */
    IPC_REPLY = 4,     /* (a part of) one frame for a connection */
    IPC_KEY = 5,       /* the secret half of a listener's key, after the limits: the gateway reads no file of keys/ */
    /* gateway to core */
    IPC_MEETING = 16, /* one frame of an agent: HELLO, RECONCILE, GET, BYE */
    IPC_BATCH = 17,   /* a whole batch of one chunk */
    IPC_SPOOLED = 18, /* a longer one, in spool/<hex digest> */
    IPC_CLOSED = 19,  /* the connection is gone, or its meeting over */
    IPC_STATUS = 20   /* every few seconds */
};

/* One address and the key it is answered with.  The gateway opens one ROUTER for each key (SPEC.md 6.1). */
enum listener_kind {
    LISTENER_SCHOOLS = 0, /* key in a file of keys/; only those on the allowlist get in */
    LISTENER_DOOR = 1 /* key made of the root's fingerprint, whose 32 letters stand in `key`, `curve` is not looked at;
                         of the allowlist only invitations get in (SPEC.md 6.9) */
};
struct ipc_listener {
    char url[ENDPOINT_MAX + 1];
    char key[IPC_KEY_NAME + 1];
    uint8_t curve[KEY_BYTES]; /* public half: the file must hold this one */
    enum listener_kind kind;
};
struct ipc_limits {
    uint8_t district[16];
    uint32_t slots, credit, chunk;
    uint32_t turn_ms; /* a meeting may last while others wait */
    uint64_t spool_max;
    uint32_t spool_days;
    uint64_t disk_reserve; /* store.disk_reserve, for the disk that the spool is on */
    uint32_t log_refused;
    uint32_t listener_count;
    struct ipc_listener listeners[IPC_LISTENERS];
};
struct ipc_key {
    char name[IPC_KEY_NAME + 1]; /* as in the listeners */
    uint8_t secret[KEY_BYTES];   /* whoever takes it out of a packet wipes the packet */
};
/* How a computer's messages are taken: the gateway ends a meeting when this becomes worse in the middle of it. */
enum ipc_standing {
    IPC_STANDING_GOOD,
    IPC_STANDING_EARLIER, /* another computer took its place: it gives what it has */
    IPC_STANDING_HELD,
    IPC_STANDING_REVOKED
};
struct ipc_allow {
    uint64_t serial;
    uint8_t curve[KEY_BYTES], sign[KEY_BYTES]; /* sign: zeros for an invitation */
    bool is_invitation;
    enum ipc_standing standing;
    char participant[ID_MAX + 1];
};
struct ipc_reply {
    uint64_t connection;
    uint32_t part, parts; /* from 0 */
    struct bytes frame;   /* this part of it */
};
struct ipc_frame { /* MEETING, BATCH */
    uint64_t connection;
    uint8_t curve[KEY_BYTES];
    char peer[IPC_PEER_MAX + 1];
    struct bytes bytes;
};
struct ipc_spooled {
    uint64_t connection;
    uint8_t curve[KEY_BYTES], digest[DIGEST_BYTES];
    uint32_t length;
};
struct ipc_status {
    uint64_t connections, meetings, spool_bytes, refused_handshakes, messages;
};
struct ipc_packet {
    enum ipc_type type;
    union {
        struct ipc_limits limits;
        struct ipc_allow allow;
        struct ipc_key key;
        uint64_t serial;     /* ALLOW_END */
        uint64_t connection; /* CLOSED */
        struct ipc_reply reply;
        struct ipc_frame frame;
        struct ipc_spooled spooled;
        struct ipc_status status;
    } as;
};
MUST_CHECK enum err ipc_encode(struct buf *out, const struct ipc_packet *p);
/* Loans of `in`.  ERR_MALFORMED. */
MUST_CHECK enum err ipc_decode(struct ipc_packet *out, struct bytes in);

/* A link: one connected socket, non-blocking, with a queue of what the peer does not take yet. */
struct ipc_link;
/* Takes `fd`. */
MUST_CHECK enum err ipc_link_new(struct ipc_link **out, int fd);
void ipc_link_free(struct ipc_link *l); /* closes it; NULL does nothing */
int ipc_link_fd(const struct ipc_link *l);
/* Sends or queues.  ERR_FULL: IPC_MAX_QUEUED is reached; ERR_NET: the peer is gone. */
MUST_CHECK enum err ipc_link_send(struct ipc_link *l, const struct ipc_packet *p);
/* A whole message of the protocol as IPC_REPLY packets. */
MUST_CHECK enum err ipc_link_reply(struct ipc_link *l, uint64_t connection, const struct message *m);
bool ipc_link_wants_write(const struct ipc_link *l);
MUST_CHECK enum err ipc_link_flush(struct ipc_link *l);
/* ERR_NOT_FOUND: nothing there now; ERR_NET: gone; ERR_MALFORMED. Loans until the next receive. */
MUST_CHECK enum err ipc_link_receive(struct ipc_link *l, struct ipc_packet *p);

#endif
