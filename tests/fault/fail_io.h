/* fail_io.h: the disk's bad days, for tests.
 *
 * Linked into a test program, fail_io.c stands in front of write, pwrite, pwritev, writev, fdatasync, fsync, msync,
 * ftruncate, statvfs and statfs of the C library, for the program's own code and for the libraries it loads.  It can
 * fail the n-th call, cut a write short, kill the process there, pretend a full disk or a network file system, and
 * record what one file is told, to make the files that a power loss could have left.
 * Only regular files and folders count, and only those fail_io_watch() names.  State belongs to the process. */
#ifndef SVODKA_TESTS_FAULT_FAIL_IO_H
#define SVODKA_TESTS_FAULT_FAIL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on only files whose path ends in `suffix` count (NULL: all).  Not copied. */
void fail_io_watch(const char *suffix);

enum fail_io_kind {
    FAIL_IO_WRITE = 1,      /* write, pwrite, pwritev, writev */
    FAIL_IO_SYNC_WRITE = 2, /* the same through a descriptor opened with O_DSYNC or O_SYNC: LMDB's meta page */
    FAIL_IO_SYNC = 4,       /* fdatasync, fsync, and msync with MS_SYNC */
    FAIL_IO_TRUNCATE = 8,
    FAIL_IO_ALL = 15
};
enum fail_io_how {
    FAIL_IO_ERROR, /* nothing is done, errno is set */
    FAIL_IO_SHORT, /* half of a write is done and its length returned; other kinds as FAIL_IO_ERROR */
    FAIL_IO_KILL   /* SIGKILL before it is done */
};
struct fail_io_plan {
    unsigned kinds; /* enum fail_io_kind, or-ed */
    enum fail_io_how how;
    int error;      /* errno */
    uint64_t nth;   /* the first call that fails, from 1 */
    uint64_t count; /* how many fail from there on; 0 = 1 */
};
/* Counting starts anew. */
void fail_io_arm(const struct fail_io_plan *plan);
void fail_io_disarm(void);
/* Calls of the plan's kinds since fail_io_arm(). */
uint64_t fail_io_calls(void);

/* What statvfs() and fstatvfs() say is free; negative: the truth. */
void fail_io_set_free_bytes(int64_t bytes);
/* What statfs() and fstatfs() say is the type of the file system; 0: the truth. */
void fail_io_set_fs_type(uint32_t magic);

/* ---- Power loss ---- */

/* Starts recording the watched file, whose content now is the base of all replays.  It must be one file. */
void fail_io_record(const char *path);
void fail_io_record_end(void);    /* what was recorded stays */
void fail_io_record_forget(void); /* ends it and frees */
/* Writes, truncations and syncs so far: a moment of the recording. */
size_t fail_io_moment(void);

struct fail_io_disk {
    uint8_t *bytes; /* free() it */
    size_t len;
};
/* One of the files that could be left when the power goes while event number `moment` is under way: what was synced
 * before is there, and of the rest each sector of 512 bytes is there or not, by `random`.
 * `ignore_syncs`: as if the disk lied about every sync (a check of the check). */
struct fail_io_disk fail_io_power_loss(size_t moment, uint32_t (*random)(void), bool ignore_syncs);

#endif
