/* directory.h: who the hub is: the root's certificate of its signing key, and the signed list of its addresses, keys
 * and objects (SPEC.md sections 5.3 and 5.4).  What one participant may do, how a school begins and its first request
 * have headers of their own, included at the end. */
#ifndef SVODKA_PROTOCOL_DIRECTORY_H
#define SVODKA_PROTOCOL_DIRECTORY_H

#include "protocol/record.h"
#include "protocol/signed.h"

#define DISTRICT_BYTES          16u
#define DIRECTORY_MAX_ENDPOINTS 8u
#define DIRECTORY_MAX_SEAL_KEYS 16u
#define DIRECTORY_MAX_FORMS     256u       /* objects of all kinds */
#define DIRECTORY_OBJECT_MAX    (1u << 20) /* bytes of one object */
#define NAME_MAX_BYTES          200u
#define ENDPOINT_MAX            128u

enum seal_key_state { SEAL_CURRENT = 0, SEAL_OLD = 1, SEAL_LOST = 2 };

struct directory_endpoint {
    char url[ENDPOINT_MAX + 1]; /* tcp://HOST:PORT */
    uint8_t curve[KEY_BYTES];
};
struct directory_seal_key {
    uint8_t key[KEY_BYTES];
    int32_t school_year; /* 2020 for 2020/21 */
    enum seal_key_state state;
};
/* An object the agent holds by its digest: a form (its YAML), the periods (periods.yaml), an import map, what is due
 * (calendar.yaml). */
enum object_kind { OBJECT_FORM = 1, OBJECT_CALENDAR = 2, OBJECT_MAP = 3, OBJECT_DUE = 4 };
struct directory_object {
    uint8_t digest[DIGEST_BYTES];
    enum object_kind kind;
    char name[FORM_NAME_MAX + 1]; /* form id, programme id, map name */
    char version[33];
    uint32_t size;
    bool is_current; /* old form versions stay listed: acceptable, not offered */
};
/* About 50 KiB: on the heap or static, not on the stack. */
struct directory {
    uint8_t district[DISTRICT_BYTES];
    char name[NAME_MAX_BYTES + 1];
    uint64_t version;              /* from 1, rises; agents refuse lower */
    int64_t issued_ms, expires_ms; /* expiry only warns */
    uint8_t root[KEY_BYTES], hub_sign[KEY_BYTES];
    uint32_t endpoint_count, seal_key_count, object_count;
    struct directory_endpoint endpoints[DIRECTORY_MAX_ENDPOINTS];
    struct directory_seal_key seal_keys[DIRECTORY_MAX_SEAL_KEYS];
    struct directory_object objects[DIRECTORY_MAX_FORMS];
};

struct certificate {
    uint8_t district[DISTRICT_BYTES];
    uint8_t hub_sign[KEY_BYTES];
    int64_t from_ms, until_ms; /* informative: being past them only warns */
};

/* Root's certificate of the hub's signing key. */
MUST_CHECK enum err certificate_make(struct buf *out, const struct key *root, const uint8_t district[DISTRICT_BYTES],
                                     const uint8_t hub_sign[KEY_BYTES], int64_t from_ms, int64_t until_ms);
MUST_CHECK enum err certificate_open(struct certificate *out, struct bytes object, const uint8_t root[KEY_BYTES]);

/* The directory embeds that certificate.  `d->root` must have signed it, for `hub_sign` and this district; d->hub_sign
 * is not looked at.  ERR_INVALID: something in `d` that directory_open() would refuse. */
MUST_CHECK enum err directory_make(struct buf *out, const struct directory *d, struct bytes certificate,
                                   const struct key *hub_sign);
/* Verifies certificate by `root` (the fingerprint's key) and directory by the certified key.  ERR_AUTH.  Expiry is no
 * error here.  Endpoints with another scheme than tcp://, and keys and objects of states and kinds this program does
 * not know, are left out.  On failure *out is all zeros. */
MUST_CHECK enum err directory_open(struct directory *out, struct bytes object, const uint8_t root[KEY_BYTES]);

/* The root key that a directory names in its certificate.  Nothing is verified: compare its fingerprint with the
 * sheet's, then directory_open().  ERR_MALFORMED. */
MUST_CHECK enum err directory_named_root(uint8_t out[KEY_BYTES], struct bytes object);

/* NULL: not listed. */
const struct directory_object *directory_find_object(const struct directory *d, const uint8_t digest[DIGEST_BYTES]);
/* The current key of the latest school year.  ERR_NOT_FOUND: the hub has none. */
MUST_CHECK enum err directory_current_seal_key(const struct directory *d, uint8_t out[KEY_BYTES]);

#include "protocol/enrol.h"
#include "protocol/grant.h"
#include "protocol/invitation.h"

#endif
