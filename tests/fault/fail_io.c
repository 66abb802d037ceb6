/* The plain names are wanted, not what a 64-bit off_t would turn them into. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "tests/fault/fail_io.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#if __SIZEOF_LONG__ != 8
#error "the *64 aliases below are for LP64 only"
#endif

#define SECTOR 512u

enum event_kind { EVENT_WRITE, EVENT_SYNC, EVENT_TRUNCATE };

struct event {
    enum event_kind kind;
    bool is_synced; /* a write that is on the disk when it returns */
    size_t offset;  /* EVENT_TRUNCATE: the new length */
    size_t len;
    uint8_t *bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *watched;
static struct fail_io_plan plan;
static bool is_armed;
static uint64_t calls;
static int64_t free_bytes = -1;
static uint32_t fs_type;

static bool is_recording;
static struct event *events;
static size_t event_count, event_cap;
static struct fail_io_disk base;

/* Also where assertions are compiled out. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- The real ones ---- */

static void *find(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);

    must(f != NULL);
    return f;
}

/* ISO C has no cast from void * to a function; POSIX wants this one. */
#define FIND(pointer, name) *(void **)(&(pointer)) = find(name)

static ssize_t real_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    ssize_t (*f)(int, const void *, size_t, off_t);

    FIND(f, "pwrite");
    return f(fd, bytes, len, offset);
}

static ssize_t real_write(int fd, const void *bytes, size_t len)
{
    ssize_t (*f)(int, const void *, size_t);

    FIND(f, "write");
    return f(fd, bytes, len);
}

/* ---- Judging a call ---- */

static bool is_watched(int fd)
{
    char link[64];
    char path[PATH_MAX];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    if (watched == NULL)
        return true;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path));
    return n >= (ssize_t)strlen(watched) && memcmp(path + n - strlen(watched), watched, strlen(watched)) == 0;
}

static bool is_synced(int fd)
{
    return (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0;
}

enum verdict { DO_IT, DO_HALF, DO_NOTHING };

/* Counts the call; sets errno for DO_NOTHING. */
static enum verdict judge(enum fail_io_kind kind)
{
    enum verdict v = DO_IT;

    (void)pthread_mutex_lock(&lock);
    if (is_armed && (plan.kinds & kind) != 0) {
        calls++;
        if (calls >= plan.nth && calls - plan.nth < (plan.count == 0 ? 1 : plan.count)) {
            if (plan.how == FAIL_IO_KILL)
                (void)raise(SIGKILL);
            v = plan.how == FAIL_IO_SHORT && (kind & (FAIL_IO_WRITE | FAIL_IO_SYNC_WRITE)) != 0 ? DO_HALF : DO_NOTHING;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    if (v == DO_NOTHING)
        errno = plan.error;
    return v;
}

static void add_event(enum event_kind kind, bool synced, off_t offset, const void *bytes, size_t len)
{
    struct event *e;

    (void)pthread_mutex_lock(&lock);
    if (is_recording) {
        if (event_count == event_cap) {
            event_cap = event_cap == 0 ? 256 : event_cap * 2;
            events = realloc(events, event_cap * sizeof(*events));
            must(events != NULL);
        }
        e = &events[event_count++];
        *e = (struct event){kind, synced, (size_t)offset, len, NULL};
        if (len > 0) {
            e->bytes = malloc(len);
            must(e->bytes != NULL);
            memcpy(e->bytes, bytes, len);
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

/* All writes come through here; offset -1: where the descriptor stands. */
static ssize_t write_at(int fd, const void *bytes, size_t len, off_t offset)
{
    bool synced = is_synced(fd);
    enum verdict v = judge(synced ? FAIL_IO_SYNC_WRITE : FAIL_IO_WRITE);
    off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    ssize_t n;

    if (v == DO_NOTHING)
        return -1;
    if (v == DO_HALF)
        len /= 2;
    n = offset >= 0 ? real_pwrite(fd, bytes, len, offset) : real_write(fd, bytes, len);
    if (n > 0)
        add_event(EVENT_WRITE, synced, at, bytes, (size_t)n);
    return n;
}

static ssize_t write_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
    uint8_t *flat;
    size_t len = 0;
    size_t at = 0;
    ssize_t n;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    flat = malloc(len + 1);
    must(flat != NULL);
    for (int i = 0; i < count; at += iov[i++].iov_len)
        memcpy(flat + at, iov[i].iov_base, iov[i].iov_len);
    n = write_at(fd, flat, len, offset);
    free(flat);
    return n;
}

/* ---- In front of the C library ---- */

ssize_t write(int fd, const void *bytes, size_t len)
{
    return is_watched(fd) ? write_at(fd, bytes, len, -1) : real_write(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return is_watched(fd) ? write_at(fd, bytes, len, offset) : real_pwrite(fd, bytes, len, offset);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    ssize_t (*f)(int, const struct iovec *, int);

    if (is_watched(fd))
        return write_vector(fd, iov, count, -1);
    FIND(f, "writev");
    return f(fd, iov, count);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    ssize_t (*f)(int, const struct iovec *, int, off_t);

    if (is_watched(fd))
        return write_vector(fd, iov, count, offset);
    FIND(f, "pwritev");
    return f(fd, iov, count, offset);
}

static int sync_by(const char *name, int fd)
{
    int (*f)(int);
    int rc;
    bool counts = is_watched(fd);

    if (counts && judge(FAIL_IO_SYNC) != DO_IT)
        return -1;
    FIND(f, name);
    rc = f(fd);
    if (counts && rc == 0)
        add_event(EVENT_SYNC, false, 0, NULL, 0);
    return rc;
}

int fdatasync(int fd)
{
    return sync_by("fdatasync", fd);
}

int fsync(int fd)
{
    return sync_by("fsync", fd);
}

/* Which file it is cannot be told from an address, so it is counted, but not recorded. */
int msync(void *address, size_t len, int flags)
{
    int (*f)(void *, size_t, int);

    if ((flags & MS_SYNC) != 0 && judge(FAIL_IO_SYNC) != DO_IT)
        return -1;
    FIND(f, "msync");
    return f(address, len, flags);
}

int ftruncate(int fd, off_t len)
{
    int (*f)(int, off_t);
    int rc;
    bool counts = is_watched(fd);

    if (counts && judge(FAIL_IO_TRUNCATE) != DO_IT)
        return -1;
    FIND(f, "ftruncate");
    rc = f(fd, len);
    if (counts && rc == 0)
        add_event(EVENT_TRUNCATE, false, len, NULL, 0);
    return rc;
}

static void pretend_free(struct statvfs *v)
{
    if (free_bytes >= 0)
        v->f_bfree = v->f_bavail = (fsblkcnt_t)free_bytes / v->f_frsize;
}

int statvfs(const char *path, struct statvfs *v)
{
    int (*f)(const char *, struct statvfs *);
    int rc;

    FIND(f, "statvfs");
    if ((rc = f(path, v)) == 0)
        pretend_free(v);
    return rc;
}

int fstatvfs(int fd, struct statvfs *v)
{
    int (*f)(int, struct statvfs *);
    int rc;

    FIND(f, "fstatvfs");
    if ((rc = f(fd, v)) == 0)
        pretend_free(v);
    return rc;
}

int statfs(const char *path, struct statfs *s)
{
    int (*f)(const char *, struct statfs *);
    int rc;

    FIND(f, "statfs");
    if ((rc = f(path, s)) == 0 && fs_type != 0)
        s->f_type = fs_type;
    return rc;
}

int fstatfs(int fd, struct statfs *s)
{
    int (*f)(int, struct statfs *);
    int rc;

    FIND(f, "fstatfs");
    if ((rc = f(fd, s)) == 0 && fs_type != 0)
        s->f_type = fs_type;
    return rc;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset) __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t len) __attribute__((alias("ftruncate")));
int statvfs64(const char *path, struct statvfs64 *v) __attribute__((alias("statvfs")));
int fstatvfs64(int fd, struct statvfs64 *v) __attribute__((alias("fstatvfs")));
int statfs64(const char *path, struct statfs64 *s) __attribute__((alias("statfs")));
int fstatfs64(int fd, struct statfs64 *s) __attribute__((alias("fstatfs")));

/* ---- What tests say ---- */

void fail_io_watch(const char *suffix)
{
    watched = suffix;
}

void fail_io_arm(const struct fail_io_plan *p)
{
    (void)pthread_mutex_lock(&lock);
    plan = *p;
    calls = 0;
    is_armed = true;
    (void)pthread_mutex_unlock(&lock);
}

void fail_io_disarm(void)
{
    (void)pthread_mutex_lock(&lock);
    is_armed = false;
    (void)pthread_mutex_unlock(&lock);
}

uint64_t fail_io_calls(void)
{
    return calls;
}

void fail_io_set_free_bytes(int64_t bytes)
{
    free_bytes = bytes;
}

void fail_io_set_fs_type(uint32_t magic)
{
    fs_type = magic;
}

void fail_io_record(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    fail_io_record_forget();
    must(fd >= 0);
    n = fstat(fd, &st);
    must(n == 0);
    base.len = (size_t)st.st_size;
    base.bytes = malloc(base.len + 1);
    must(base.bytes != NULL);
    n = pread(fd, base.bytes, base.len, 0);
    must(n == st.st_size);
    (void)close(fd);
    is_recording = true;
}

void fail_io_record_end(void)
{
    is_recording = false;
}

void fail_io_record_forget(void)
{
    is_recording = false;
    for (size_t i = 0; i < event_count; i++)
        free(events[i].bytes);
    free(events);
    free(base.bytes);
    events = NULL;
    event_count = event_cap = 0;
    base = (struct fail_io_disk){NULL, 0};
}

size_t fail_io_moment(void)
{
    return event_count;
}

static void disk_resize(struct fail_io_disk *d, size_t len)
{
    d->bytes = realloc(d->bytes, len + 1);
    must(d->bytes != NULL);
    if (len > d->len)
        memset(d->bytes + d->len, 0, len - d->len); /* what was never written reads as zeros */
    d->len = len;
}

/* A sector is written if `chance` in 256 says so. */
static void disk_write(struct fail_io_disk *d, const struct event *e, uint32_t (*random)(void), unsigned chance)
{
    size_t done = 0;

    while (done < e->len) {
        size_t at = e->offset + done;
        size_t n = SECTOR - at % SECTOR;

        if (n > e->len - done)
            n = e->len - done;
        if (chance >= 256 || random() % 256 < chance) {
            if (at + n > d->len)
                disk_resize(d, at + n);
            memcpy(d->bytes + at, e->bytes + done, n);
        }
        done += n;
    }
}

struct fail_io_disk fail_io_power_loss(size_t moment, uint32_t (*random)(void), bool ignore_syncs)
{
    struct fail_io_disk d = {NULL, 0};
    unsigned chance = random() % 257;
    size_t synced = 0; /* events before this one are on the disk */

    disk_resize(&d, base.len);
    memcpy(d.bytes, base.bytes, base.len);
    for (size_t i = 0; i < moment && i < event_count && !ignore_syncs; i++)
        if (events[i].kind == EVENT_SYNC)
            synced = i;
    for (size_t i = 0; i <= moment && i < event_count; i++) {
        const struct event *e = &events[i];
        bool is_sure = i < synced || (e->is_synced && i < moment && !ignore_syncs);

        if (e->kind == EVENT_WRITE)
            disk_write(&d, e, random, is_sure ? 256 : chance);
        else if (e->kind == EVENT_TRUNCATE && (is_sure || random() % 256 < chance))
            disk_resize(&d, e->offset);
    }
    return d;
}
