/* tape.h: what a program tells the disk, in order.
 *
 * Linked into a test program, tape.c stands in front of the C library's calls that change files and folders (open,
 * write and its kin, ftruncate, fallocate, fsync, fdatasync, mkdir, rename, link, unlink), for the program's own code
 * and for the libraries it loads, and notes what is done below one folder.  What a program maps and writes into is not
 * seen (LMDB's lock file, which holds nothing), nor is what stdio writes by itself.  One thread. */
#ifndef SVODKA_TESTS_FAULT_POWER_TAPE_H
#define SVODKA_TESTS_FAULT_POWER_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_kind {
    TAPE_CREATE,   /* `node` gets the name `name` in `folder`; it is new, and empty */
    TAPE_LINK,     /* `node` gets another name */
    TAPE_RENAME,   /* `from_name` in `from` becomes `name` in `folder` */
    TAPE_UNLINK,   /* `name` in `folder` goes */
    TAPE_WRITE,    /* bytes [offset, offset + len) of `node` */
    TAPE_TRUNCATE, /* its length becomes `offset` */
    TAPE_SYNC,     /* of `node`, a file or a folder */
};
#define TAPE_ROOT 0u /* the node of the folder that is watched */
struct tape_event {
    enum tape_kind kind;
    bool is_folder; /* TAPE_CREATE */
    bool is_synced; /* TAPE_WRITE: on the disk when it returns (O_DSYNC) */
    uint32_t node, folder, from;
    char *name, *from_name;
    size_t offset, len;
    uint8_t *bytes;
};

/* From now on; `root` is an empty folder. */
void tape_start(const char *root);
void tape_stop(void);
size_t tape_length(void);
const struct tape_event *tape_at(size_t i);
uint32_t tape_nodes(void); /* their numbers are below this */

#endif
