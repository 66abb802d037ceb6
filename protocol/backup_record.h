/* backup_record.h: the records of a backup (SPEC.md section 11.2), big-endian:
 *   'T' table u8 | length u8 | name              a table, before its rows
 *   'F' length u8 | name | length u32 | bytes    a file of the home
 *   'R' table u8 | length u16 | key | length u32 | value
 *   'E' files u64 | rows u64                     the end; nothing follows */
#ifndef SVODKA_PROTOCOL_BACKUP_RECORD_H
#define SVODKA_PROTOCOL_BACKUP_RECORD_H

#include "common/buf.h"

#define BACKUP_NAME_MAX  255u
#define BACKUP_FILE_MAX  (1u << 20)
#define BACKUP_KEY_MAX   511u
#define BACKUP_VALUE_MAX (8u << 20)

enum backup_item_kind { BACKUP_TABLE = 'T', BACKUP_FILE = 'F', BACKUP_ROW = 'R', BACKUP_END = 'E' };
struct backup_item {
    enum backup_item_kind kind;
    uint8_t table;                  /* TABLE, ROW */
    char name[BACKUP_NAME_MAX + 1]; /* TABLE, FILE */
    struct bytes key;               /* ROW */
    struct bytes value;             /* ROW; FILE: its bytes */
};

/* Appends one; the lengths are the caller's to keep.  END takes the counts. */
void backup_record_table(struct buf *out, uint8_t table, const char *name);
void backup_record_file(struct buf *out, const char *name, struct bytes content);
void backup_record_row(struct buf *out, uint8_t table, struct bytes key, struct bytes value);
void backup_record_end(struct buf *out, uint64_t files, uint64_t rows);

/* A file's name that may be made inside a home: parts of A-Z a-z 0-9 . _ -, none of which begins with a dot, joined by
 * single slashes. */
bool backup_name_is_safe(const char *name);

/* Takes pieces of any length, gives records. */
struct backup_records;
MUST_CHECK enum err backup_records_new(struct backup_records **out);
void backup_records_free(struct backup_records *r);
/* ERR_MALFORMED: something after the end. */
MUST_CHECK enum err backup_records_feed(struct backup_records *r, struct bytes piece);
/* *has false: more must be fed first, or the end was reached (backup_records_is_over()).  Loans until the next call of
 * either.  ERR_MALFORMED, ERR_LIMIT: not such records, rows of a table that was not named, counts that do not fit. */
MUST_CHECK enum err backup_records_next(struct backup_records *r, struct backup_item *out, bool *has);
bool backup_records_is_over(const struct backup_records *r);

#endif
