/* backup.h: a copy of a whole home in one file (SPEC.md section 11): records, not a database file, so that any machine
 * and any later program reads it; compressed, encrypted to a recovery key, and signed by whoever made it.
 *
 *   "SVDK" | version 1 | length u32 | signed head (type 15) | stream head 24 | chunks of 64 KiB + 17, the last shorter
 *
 * The chunks hold one zstd frame; in it the records of backup_record.h.  The head names an ephemeral key whose secret
 * half is forgotten at once, and the stream's key is derived from it, the recovery key and the signed head: so the
 * signature holds for every byte that opens.
 * A writer and a reader belong to one thread. */
#ifndef SVODKA_PROTOCOL_BACKUP_H
#define SVODKA_PROTOCOL_BACKUP_H

#include "protocol/backup_record.h"
#include "protocol/directory.h"

#define BACKUP_VERSION     1u
#define BACKUP_HEAD_MAX    (16u << 10) /* the signed head */
#define BACKUP_CERTIFICATE 1024u

enum backup_kind { BACKUP_HUB = 1, BACKUP_AGENT = 2 };

struct backup_head {
    uint8_t district[DISTRICT_BYTES];
    enum backup_kind kind;
    char participant[ID_MAX + 1]; /* of an agent; "" of a hub */
    int64_t made_ms;
    uint64_t lsn;                            /* hub: its last journal entry; agent: the last number of its queue */
    uint8_t chain[DIGEST_BYTES];             /* hub: digest of that entry: which history it is; agent: zeros */
    uint8_t recovery[KEY_BYTES];             /* public half of the key that opens it */
    uint8_t ephemeral[KEY_BYTES];            /* made by the writer */
    uint8_t signer[KEY_BYTES];               /* whose signature it is: filled by writer and reader */
    uint8_t certificate[BACKUP_CERTIFICATE]; /* hub: the root's word about the signer; agent: none */
    size_t certificate_len;
};

/* ---- writing ---- */

struct backup_writer;
/* Begins PATH.part (0600; what an earlier run left there goes).  Fills ephemeral and signer.
 * ERR_EXISTS: PATH exists and may not; ERR_BUSY: another run writes it; ERR_FULL, ERR_IO, ERR_NOT_FOUND: no folder. */
MUST_CHECK enum err backup_begin(struct backup_writer **out, const char *path, struct backup_head *head,
                                 const struct key *sign, bool may_exist);
/* A table's name; its rows name it by `table`. */
MUST_CHECK enum err backup_put_table(struct backup_writer *w, uint8_t table, const char *name);
MUST_CHECK enum err backup_put_row(struct backup_writer *w, uint8_t table, struct bytes key, struct bytes value);
/* A file of the home by its name there ("keys/sign.key"). */
MUST_CHECK enum err backup_put_file(struct backup_writer *w, const char *name, struct bytes content);

struct backup_written {
    uint64_t bytes, rows, files;
    uint8_t digest[DIGEST_BYTES]; /* of the file as it was written */
    uint8_t key[KEY_BYTES];       /* of the stream: wipe() it */
};
/* The end; synced, renamed to PATH, folder synced.  On failure nothing is left.  Frees the writer in any case. */
MUST_CHECK enum err backup_finish(struct backup_writer *w, struct backup_written *out);
void backup_drop(struct backup_writer *w); /* without an end: PATH.part goes; NULL does nothing */
uint64_t backup_written_bytes(const struct backup_writer *w);

/* ---- reading ---- */

struct backup_reader;
/* The head alone, its signature checked by the key it names: whether that key is the right one is the caller's to say
 * (backup_check_signer()).  ERR_NOT_FOUND, ERR_IO; ERR_MALFORMED: no backup, or its beginning is damaged; ERR_VERSION:
 * of a later program; ERR_AUTH: forged. */
MUST_CHECK enum err backup_open(struct backup_reader **out, const char *path);
/* The same from bytes in memory, which must outlive the reader. */
MUST_CHECK enum err backup_open_bytes(struct backup_reader **out, struct bytes file);
void backup_close(struct backup_reader *r);
const struct backup_head *backup_head(const struct backup_reader *r);
/* A hub's: the certificate is the root's, about this signer and district.  ERR_AUTH. */
MUST_CHECK enum err backup_check_signer(const struct backup_head *h, const uint8_t root[KEY_BYTES]);
/* With the recovery key, or with the stream's own.  ERR_AUTH: another recovery key. */
MUST_CHECK enum err backup_unlock(struct backup_reader *r, const struct key *recovery);
MUST_CHECK enum err backup_unlock_with(struct backup_reader *r, const uint8_t key[KEY_BYTES]);
/* The next record; loans until the next call.  ERR_NOT_FOUND: the end, and all was there.  Any other error: altered,
 * cut, or not such a file; what came before is worth nothing then. */
MUST_CHECK enum err backup_next(struct backup_reader *r, struct backup_item *out);
/* For progress. */
uint64_t backup_read_bytes(const struct backup_reader *r);
uint64_t backup_file_bytes(const struct backup_reader *r);

/* Digest of a file as the disk gives it back (what the system still holds of it in memory is let go first). */
MUST_CHECK enum err backup_file_digest(const char *path, uint8_t out[DIGEST_BYTES], uint64_t *bytes);

#endif
