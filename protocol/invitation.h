/* invitation.h: how a school begins: one text file with the one-time code, directory, grant (no keys yet) and the
 * objects listed as current, so that capture starts before the first meeting (SPEC.md section 5.6). */
#ifndef SVODKA_PROTOCOL_INVITATION_H
#define SVODKA_PROTOCOL_INVITATION_H

#include "protocol/directory.h"

#define INVITATION_MAX (8u << 20) /* the text */
#define CODE_CHARS     14u        /* "ABCD-EFGH-JKMN" */

/* 4 KiB of loans. */
struct invitation {
    char code[CODE_CHARS + 1];
    int64_t expires_ms;            /* the hub judges it, never the agent's clock */
    struct bytes directory, grant; /* signed objects */
    uint32_t object_count;
    struct bytes objects[DIRECTORY_MAX_FORMS]; /* bytes; found by their digest */
    uint8_t root[KEY_BYTES];
};
/* Appends the text, with a few lines for people in Russian and English.  ERR_INVALID: directory, grant and objects do
 * not belong together; ERR_LIMIT: larger than INVITATION_MAX. */
MUST_CHECK enum err invitation_write(struct buf *text, const struct invitation *i, const char *hub_name,
                                     const char *participant_name);
/* Empties `keep` and fills it; *out holds loans from it.  What an e-mail program does to a text (quoting, blank lines,
 * other line ends, words before and after) is borne where nothing is lost; else ERR_MALFORMED with a sentence a person
 * understands.  Directory, grant and objects are verified against the root key in the file: comparing that key's
 * fingerprint with the sheet is the person's part.  ERR_AUTH, ERR_LIMIT, ERR_VERSION. */
MUST_CHECK enum err invitation_read(struct invitation *out, struct buf *keep, struct bytes text);

/* Is it such a file, and not another one? */
bool invitation_is(struct bytes text);
/* The same checks for one that came over the door: directory, grant and objects are one chain from i->root.
 * ERR_AUTH. */
MUST_CHECK enum err invitation_check(const struct invitation *i);

/* What the code gives: the CURVE key of the first meeting, for which the fingerprint of the root key is enough, and the
 * key of the request's MAC.  `code` is normalised.  The first takes about 10 ms and 8 MiB: ERR_NOMEM. */
MUST_CHECK enum err invitation_curve(struct key **out, const char code[CODE_CHARS + 1],
                                     const uint8_t print[FINGERPRINT_BYTES]);
void invitation_mac_key(uint8_t out[KEY_BYTES], const char code[CODE_CHARS + 1],
                        const uint8_t district[DISTRICT_BYTES]);

#endif
