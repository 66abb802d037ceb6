/* disk.h: what a disk may hold when the power goes, by a tape (tape.h).
 *
 * A write that was not synced may be there, or not, or in part: sector by sector of 512 bytes, and of one sector a
 * beginning.  A length may be there without the bytes.  A name (made, moved, removed) is there for good once its folder
 * was synced, and may be there, or not, before, whichever came first; a rename happens whole or not at all.  That a
 * file was synced says nothing about its name. */
#ifndef SVODKA_TESTS_FAULT_POWER_DISK_H
#define SVODKA_TESTS_FAULT_POWER_DISK_H

#include "tests/fault/power/tape.h"

struct disk;
struct disk *disk_new(uint32_t nodes);
void disk_free(struct disk *d);
/* The next event: told to the disk, and whether it is there is open. */
void disk_tell(struct disk *d, const struct tape_event *e);
/* It has returned. */
void disk_return(struct disk *d, const struct tape_event *e);

/* As if the disk lied about every sync from now on (a check of the check). */
void disk_lie(struct disk *d);

enum disk_luck {
    DISK_ALL,    /* all that it was told */
    DISK_SYNCED, /* only what is sure */
    DISK_NAMES,  /* every name, of bytes only what is sure */
    DISK_BYTES,  /* all bytes, of names only what is sure */
    DISK_CHANCE, /* whatever chance wants */
};
struct disk_file {
    char *path; /* below the root */
    uint8_t *bytes;
    size_t len;
    bool is_folder;
};
struct disk_image {
    struct disk_file *files; /* a folder before what is in it */
    size_t count;
    uint64_t mark; /* of all of it: equal images have equal marks */
};
/* Is this name in the root of that part: the part's own, or it and a dot and more (what is made aside)? */
bool disk_is_part(const char *name, const char *part);
/* What lies below the root's `part`; random: for DISK_CHANCE. */
struct disk_image *disk_lose(const struct disk *d, const char *part, enum disk_luck luck, uint32_t (*random)(void));
void disk_image_free(struct disk_image *i);
/* Into an empty folder: 0700 and 0600. */
void disk_image_write(const struct disk_image *i, const char *folder);

#endif
