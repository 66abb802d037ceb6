/* enrol.h: a participant's first request: signed by its new key, MAC under the code's key, sealed to the hub's sealing
 * key; the same bytes in the first HELLO and in a file (SPEC.md section 5.7). */
#ifndef SVODKA_PROTOCOL_ENROL_H
#define SVODKA_PROTOCOL_ENROL_H

#include "protocol/directory.h"

#define ENROL_MAX 4096u /* bytes, sealed */

struct enrol_request {
    uint8_t district[DISTRICT_BYTES];
    char participant[ID_MAX + 1];
    uint8_t sign_key[KEY_BYTES], curve_key[KEY_BYTES], nonce[16];
    int64_t made_ms;
    bool has_history_key;           /* false: of a program of an earlier year */
    uint8_t history_key[KEY_BYTES]; /* X25519: what the hub gives back of the participant's own is sealed to it */
    uint8_t digest[DIGEST_BYTES];   /* of its bytes: filled by enrol_make() and enrol_open() */
};
/* `sign` is the key whose public half is r->sign_key (ERR_INVALID otherwise). */
MUST_CHECK enum err enrol_make(struct buf *out, struct enrol_request *r, const struct key *sign,
                               const uint8_t mac_key[KEY_BYTES], const uint8_t seal_to[KEY_BYTES]);
/* The MAC key is looked up after opening: `find_mac_key` by participant id; false: no such invitation (ERR_DENIED).
 * ERR_AUTH: not sealed to this hub, or altered; or made with another code, which is the case exactly when
 * `find_mac_key` was called and had one.  On any failure *out is all zeros.
 * The caller compares r->district with its own, and judges whether the invitation is still good. */
MUST_CHECK enum err enrol_open(struct enrol_request *out, struct bytes sealed, const struct key *seal,
                               bool (*find_mac_key)(void *ctx, const char *participant, uint8_t out[KEY_BYTES]),
                               void *ctx);

/* What both screens show as six words (six_words.h): root key and request, so that neither another hub nor another
 * computer can stand between without being heard. */
void enrol_transcript(uint8_t out[DIGEST_BYTES], const uint8_t root[KEY_BYTES], const struct enrol_request *r);

#endif
