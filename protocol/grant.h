/* grant.h: the hub's signed word about one participant: its keys, rights and status (SPEC.md section 5.5). */
#ifndef SVODKA_PROTOCOL_GRANT_H
#define SVODKA_PROTOCOL_GRANT_H

#include "protocol/directory.h"

#define GRANT_MAX_UNITS 512u
#define GRANT_MAX_ROLES 8u
#define GRANT_ALL_UNITS "*" /* as the only entry of the list: every unit of the district */

enum grant_status { GRANT_ACTIVE = 0, GRANT_HELD = 1, GRANT_REVOKED = 2, GRANT_CLOSED = 3 };
/* About 17 KiB: better not on the stack. */
struct grant {
    uint8_t district[DISTRICT_BYTES];
    char participant[ID_MAX + 1];
    char name[NAME_MAX_BYTES + 1];
    uint64_t version;              /* from 1, rises */
    int64_t issued_ms, expires_ms; /* expiry only warns */
    enum grant_status status;
    uint8_t sign_key[KEY_BYTES], curve_key[KEY_BYTES]; /* zeros before enrolment */
    uint32_t first_counter; /* of the generation that a new home begins with; 0: not said, it is 1 */
    uint32_t role_count, unit_count;
    /* Roles whose forms it may enter for the units on their behalf, from paper or by telephone; none of `roles`. */
    uint32_t behalf_count;
    char behalf[GRANT_MAX_ROLES][33];
    char roles[GRANT_MAX_ROLES][33];         /* forms of these roles */
    char units[GRANT_MAX_UNITS][ID_MAX + 1]; /* about these units, or GRANT_ALL_UNITS alone */
};
/* ERR_INVALID: something in `g` that grant_open() would refuse. */
MUST_CHECK enum err grant_make(struct buf *out, const struct grant *g, const struct key *hub_sign);
/* On failure *out is all zeros. */
MUST_CHECK enum err grant_open(struct grant *out, struct bytes object, const uint8_t hub_sign[KEY_BYTES]);

/* Rights alone: may it send forms of this role about this unit?  NULL: that part is not asked.  The status is judged
 * apart, because a participant that is held is answered differently from one that has no right. */
bool grant_allows(const struct grant *g, const char *role, const char *unit);
/* May it enter forms of this role for its units, marked as on their behalf (SOURCE_PAPER, SOURCE_PHONE)?  The unit is
 * asked apart, by grant_allows(g, NULL, unit). */
bool grant_stands_in(const struct grant *g, const char *role);
bool grant_is_of_all_units(const struct grant *g);
bool grant_has_keys(const struct grant *g); /* false before enrolment */

#endif
