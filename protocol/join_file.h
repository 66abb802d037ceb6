/* join_file.h: joining without a line: the sealed request that travels up as a file, and the hub's answer that travels
 * down (SPEC.md section 5.7.2).  Text armour (armour.h); labels for people, no personal data. */
#ifndef SVODKA_PROTOCOL_JOIN_FILE_H
#define SVODKA_PROTOCOL_JOIN_FILE_H

#include "protocol/directory.h"

#define JOIN_REQUEST_MAX (64u << 10) /* bytes of the text */
#define JOIN_GRANT_MAX   (4u << 20)

struct join_request {
    uint8_t district[DISTRICT_BYTES]; /* whom it is for, so that another hub can say so; the sealed part decides */
    char participant[ID_MAX + 1];
    struct bytes sealed; /* SPEC.md section 5.7; a loan */
};
MUST_CHECK enum err join_request_write(struct buf *text, const struct join_request *r, const char *participant_name,
                                       const char *hub_name);
/* Fills `keep`; *out holds a loan from it.  Nothing in it is verified.  ERR_MALFORMED, ERR_VERSION, ERR_LIMIT. */
MUST_CHECK enum err join_request_read(struct join_request *out, struct buf *keep, struct bytes text);

struct join_grant {
    struct bytes directory, grant; /* signed objects; loans */
};
MUST_CHECK enum err join_grant_write(struct buf *text, const struct join_grant *g, const char *participant_name,
                                     const char *hub_name);
/* The same; the reader verifies both objects against the root key that it holds. */
MUST_CHECK enum err join_grant_read(struct join_grant *out, struct buf *keep, struct bytes text);

#endif
