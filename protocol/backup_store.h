/* backup_store.h: a home into a backup and out of it: its files and its tables, for hub and agent alike. */
#ifndef SVODKA_PROTOCOL_BACKUP_STORE_H
#define SVODKA_PROTOCOL_BACKUP_STORE_H

#include "common/store.h"
#include "protocol/backup.h"

/* "HOME/NAME", one file. */
MUST_CHECK enum err backup_save_file(struct backup_writer *w, const char *home, const char *name);
/* The files of a folder of the home, with those of its folders (at most 4 deep), in the order of their names;
 * `is_left_out` (may be NULL) is asked with the name in the home.  What is neither file nor folder is an error. */
MUST_CHECK enum err backup_save_folder(struct backup_writer *w, const char *home, const char *name,
                                       bool (*is_left_out)(const char *name));
/* All rows of a table as `t` sees them. */
MUST_CHECK enum err backup_save_table(struct backup_writer *w, struct store_txn *t, unsigned table);

/* Puts everything that the unlocked reader still holds into a fresh home: files below `home` (0600, folders 0700),
 * rows into the store, whose tables are `names`.  The file was checked whole before: what is wrong now is a reading
 * error.  ERR_VERSION: a table or a file's name that this program does not know. */
MUST_CHECK enum err backup_restore(struct backup_reader *r, const char *home, struct store *s, const char *const *names,
                                   void (*progress)(const struct backup_reader *r));

#endif
