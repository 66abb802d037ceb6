/* ticket.h: what the printed sheet of an invitation holds, and its one line of text, which the QR code carries and
 * `join` takes (SPEC.md section 5.6.2).  With it a computer can come to the hub's door: a listener whose transport key
 * follows from the root key's fingerprint, and at which only the keys of invitations are let in (section 6.9). */
#ifndef SVODKA_PROTOCOL_TICKET_H
#define SVODKA_PROTOCOL_TICKET_H

#include "protocol/grant.h"
#include "protocol/invitation.h"

#define TICKET_MAX       1200u /* bytes of the line */
#define TICKET_BEGIN     "svodka:1?"
#define TICKET_DOORS     2u
#define TICKET_UNITS     16u /* more are not listed in the line */
#define TICKET_PHONE_MAX 80u

/* About 3 KiB.  Holds the code: wipe() it. */
struct ticket {
    char code[CODE_CHARS + 1];
    uint8_t print[FINGERPRINT_BYTES];
    uint32_t door_count; /* 0: the hub has no door */
    char doors[TICKET_DOORS][ENDPOINT_MAX + 1];
    /* For people; a reader that finds them compares them with what the hub says, and trusts the hub's signature. */
    char participant[ID_MAX + 1]; /* "": not said */
    char name[NAME_MAX_BYTES + 1], hub[NAME_MAX_BYTES + 1];
    char phone[TICKET_PHONE_MAX + 1];
    int64_t expires_ms;              /* 0: not said */
    uint32_t role_count, unit_count; /* unit_count may be above TICKET_UNITS: then the first ones are listed */
    char roles[GRANT_MAX_ROLES][33];
    char units[TICKET_UNITS][ID_MAX + 1];
};

/* Appends the line, without a line end.  ERR_INVALID: without a code, or something in it that no reader would take. */
MUST_CHECK enum err ticket_write(struct buf *out, const struct ticket *t);
/* ERR_MALFORMED with a sentence; ERR_VERSION: of a newer program.  Keys that are not known are skipped. */
MUST_CHECK enum err ticket_read(struct ticket *out, const char *text);
/* HOST:PORT, with or without tcp:// before it.  ERR_INVALID: not an address, or one too many. */
MUST_CHECK enum err ticket_add_door(struct ticket *t, const char *address);
bool ticket_is(const char *text); /* begins like one, of whatever version */

/* The door's transport key: whoever knows the fingerprint can compute both halves.  It keeps out junk, and nothing
 * else: who the hub is, its signed directory says. */
MUST_CHECK enum err door_key(struct key **out, const uint8_t print[FINGERPRINT_BYTES]);

#endif
