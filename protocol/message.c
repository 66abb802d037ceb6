#include "protocol/message.h"

#include <string.h>

const char *message_error_name(enum message_error e)
{
    switch (e) {
    case MERR_VERSION: return "version";
    case MERR_MALFORMED: return "malformed";
    case MERR_ORDER: return "order";
    case MERR_UNKNOWN: return "unknown";
    case MERR_REVOKED: return "revoked";
    case MERR_HELD: return "held";
    case MERR_INVITATION_USED: return "invitation-used";
    case MERR_INVITATION_EXPIRED: return "invitation-expired";
    case MERR_ENROL: return "enrol";
    case MERR_SIGNATURE: return "signature";
    case MERR_SEQUENCE: return "sequence";
    case MERR_BUSY: return "busy";
    case MERR_LIMIT: return "limit";
    case MERR_INTERNAL: return "internal";
    case MERR_INVITATION_LOCKED: return "invitation-locked";
    case MERR_ROOM: return "room";
    }
    return "other";
}

const char *message_type_name(enum message_type t)
{
    switch (t) {
    case MSG_HELLO: return "HELLO";
    case MSG_WELCOME: return "WELCOME";
    case MSG_CHUNK: return "CHUNK";
    case MSG_ACK: return "ACK";
    case MSG_RECEIPT: return "RECEIPT";
    case MSG_RECONCILE: return "RECONCILE";
    case MSG_RECONCILE_REPLY: return "RECONCILE_REPLY";
    case MSG_GET: return "GET";
    case MSG_OBJECT: return "OBJECT";
    case MSG_BYE: return "BYE";
    case MSG_ERROR: return "ERROR";
    case MSG_WORD: return "WORD";
    }
    return "other";
}

bool message_hello_is_asking(const struct msg_hello *h)
{
    static const uint8_t zeros[sizeof(h->district)];

    return memcmp(h->district, zeros, sizeof(zeros)) == 0 && strcmp(h->participant, HELLO_NOBODY) == 0 &&
           h->enrol.len == 0;
}
