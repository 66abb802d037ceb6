/* bundle.h: one file for a stick or a mail, in both directions (SPEC.md section 10): a label for people, parts with
 * their digests, and at the end a signed list of them.  Parts are taken by what they are; the list tells that the file
 * is whole and speaks for the parts that are not signed themselves.
 *
 * Reading and writing hold one part in memory (1 MiB) and the list (at most 16,384 entries).  Used by one thread. */
#ifndef SVODKA_PROTOCOL_BUNDLE_H
#define SVODKA_PROTOCOL_BUNDLE_H

#include "common/folder.h"
#include "protocol/message.h"

#define BUNDLE_LABEL_MAX   4096u
#define BUNDLE_MAX_PARTS   16384u /* the list is one of them */
#define BUNDLE_PART_MAX    (1u << 20)
#define BUNDLE_DEFAULT_MAX (INT64_C(256) << 20) /* bytes of a file */
#define BUNDLE_LEAST_MAX   (INT64_C(4) << 20)
#define BUNDLE_MOST_MAX    (INT64_C(3) << 30) /* a VFAT file ends at 4 GiB */
#define BUNDLE_NAME_MAX    128u
#define BUNDLE_SUFFIX      ".svodka"

enum bundle_direction { BUNDLE_UP = 1, BUNDLE_DOWN = 2 };
enum bundle_kind {
    BUNDLE_HELLO = 1,
    BUNDLE_ENROL = 2,
    BUNDLE_HELD = 3,
    BUNDLE_BATCH = 4,
    BUNDLE_DIRECTORY = 16,
    BUNDLE_GRANT = 17,
    BUNDLE_OBJECT = 18,
    BUNDLE_RECEIPT = 19,
    BUNDLE_RECONCILE = 20,
    BUNDLE_WORD = 21,
    BUNDLE_HOLDINGS = 22,
    BUNDLE_LIST = 255
};
struct bundle_about {
    enum bundle_direction direction;
    uint8_t district[DISTRICT_BYTES];
    char participant[ID_MAX + 1];
    uint64_t serial;
    int64_t made_ms;
};

/* "svodka-gp-20201122-3.svodka", "...-3-answer.svodka": the day is a local one. */
void bundle_name(char out[BUNDLE_NAME_MAX], const struct bundle_about *about);

/* The n-th file of one run, from 1, that was to go to PATH: "DIR/x.svodka", "DIR/x-2.svodka".  ERR_LIMIT. */
MUST_CHECK enum err bundle_numbered(char out[FOLDER_PATH_MAX], const char *path, uint64_t n);

/* ---- writing ---- */
struct bundle_writer;
/* Begins PATH.part (an older one is overwritten).  `label` is cut at BUNDLE_LABEL_MAX; control characters but LF become
 * blanks.  Errors say what is wrong with the stick: full, read-only, pulled. */
MUST_CHECK enum err bundle_create(struct bundle_writer **out, const char *path, const struct bundle_about *about,
                                  const char *label, uint64_t max_bytes);
/* A part of so many bytes, and the list, still fit. */
bool bundle_fits(const struct bundle_writer *w, size_t len);
/* ERR_LIMIT: does not fit. */
MUST_CHECK enum err bundle_put(struct bundle_writer *w, enum bundle_kind kind, struct bytes part);
uint32_t bundle_parts(const struct bundle_writer *w);
/* List, sync, reading back from the medium, renaming, sync of the folder: after OK the stick may be pulled.
 * ERR_EXISTS: PATH is there, unless `may_exist`.  ERR_CORRUPT: it does not give back what was written. */
MUST_CHECK enum err bundle_finish(struct bundle_writer *w, const struct key *sign, bool may_exist, uint64_t *bytes);
/* Removes what was not finished.  NULL does nothing. */
void bundle_writer_free(struct bundle_writer *w);

/* ---- reading ---- */
struct bundle_reader;
struct bundle_part {
    enum bundle_kind kind; /* may be one that this program does not know */
    struct bytes bytes;    /* a loan until the next call */
};
enum bundle_state {
    BUNDLE_PART,    /* whole, its digest is right */
    BUNDLE_DAMAGED, /* skipped: its digest is wrong */
    BUNDLE_END,     /* the list was reached: bundle_check() */
    BUNDLE_CUT      /* it ends, or cannot be followed, before that */
};
/* Each with a sentence for people: ERR_NOT_FOUND, ERR_DENIED; ERR_INVALID: a folder, a pipe, a symbolic link (unless
 * `may_link`), a file that is still being written; ERR_MALFORMED: empty, an invitation, something else; ERR_LIMIT;
 * ERR_VERSION: of a later program. */
MUST_CHECK enum err bundle_open(struct bundle_reader **out, const char *path, bool may_link, uint64_t max_bytes);
void bundle_close(struct bundle_reader *r); /* NULL does nothing */
enum bundle_direction bundle_direction(const struct bundle_reader *r);
/* The label, printable; "" if there is none. */
const char *bundle_label(const struct bundle_reader *r);
uint32_t bundle_total(const struct bundle_reader *r);
uint32_t bundle_done(const struct bundle_reader *r); /* parts passed, damaged ones included */
/* ERR_IO: the medium does not give it (pulled?). */
MUST_CHECK enum err bundle_read(struct bundle_reader *r, struct bundle_part *part, enum bundle_state *state);
/* From the first part on again. */
void bundle_rewind(struct bundle_reader *r);
/* After BUNDLE_END: signed by `signer`, and agrees with the head and with every part.  ERR_AUTH, ERR_MALFORMED,
 * ERR_NOT_FOUND: the end was not reached. */
MUST_CHECK enum err bundle_check(const struct bundle_reader *r, const uint8_t signer[KEY_BYTES],
                                 struct bundle_about *about);

/* ---- parts that are nothing else ---- */
struct bundle_holdings {
    struct generation gen;
    uint64_t next_sequence, held_last;
    uint32_t gap_count;
    struct number_range gaps[WELCOME_MAX_GAPS];
};
MUST_CHECK enum err bundle_holdings_put(struct buf *out, const struct bundle_holdings *h);
MUST_CHECK enum err bundle_holdings_get(struct bundle_holdings *out, struct bytes in);
/* The hub lacks it. */
bool bundle_holdings_lack(const struct bundle_holdings *h, uint64_t sequence);
struct bundle_held {
    uint32_t count;
    uint8_t digests[DIRECTORY_MAX_FORMS][DIGEST_BYTES];
};
MUST_CHECK enum err bundle_held_put(struct buf *out, const struct bundle_held *h);
MUST_CHECK enum err bundle_held_get(struct bundle_held *out, struct bytes in);

#endif
