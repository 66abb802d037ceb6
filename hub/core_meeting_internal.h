/* core_meeting_internal.h: shared by what answers a school's messages alone.
 *
 *   core_meeting.c  each message to its place; RECONCILE, GET, BYE
 *   core_hello.c    HELLO: who it is, where both stand, what goes out unasked
 *   core_door.c     who knows an invitation's code, and who joins
 *   core_allow.c    whose keys the gateway lets in */
#ifndef SVODKA_HUB_CORE_MEETING_INTERNAL_H
#define SVODKA_HUB_CORE_MEETING_INTERNAL_H

#include "hub/core_internal.h"

#define BUSY_SECONDS 60

void core_send(struct core *c, uint64_t connection, const struct message *m);

/* A HELLO at work. */
struct greeting {
    struct core *c;
    uint64_t connection;
    const struct msg_hello *hello;
    const struct participant *from;
    const struct signer *by; /* the computer; NULL over an invitation's key */
    bool is_invitation;
    const char *peer;
    size_t word_bytes; /* sent */
    unsigned receipts; /* sent without being asked */
};

/* Answers an error, and remembers it for the morning. */
void core_turn_away(const struct greeting *g, enum message_error code, const char *text);

MUST_CHECK enum err core_hello(struct core *c, const struct ipc_frame *f, const struct msg_hello *h);
/* On this connection it was said that there are two histories of this generation; NULL: that there are not.  Whoever
 * asks there for its pages has heard it, and only then the generation is closed: a HELLO may have lain on the line
 * while the computer that had said it died, came back and sent more. */
void core_tell(struct core *c, uint64_t connection, uint32_t participant, const struct generation *gen);

/* Enrols within one transaction.  The registry changes in memory: no worker may be reading it.  An error is answered.
 */
MUST_CHECK enum err core_enrol(struct greeting *g);
/* Who knows an invitation's code may see who the hub is, and what it is invited to. */
void core_answer_asking(struct greeting *g);

#endif
