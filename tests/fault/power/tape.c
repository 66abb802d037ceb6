/* The plain names are wanted, not what a 64-bit off_t would turn them into. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "tests/fault/power/tape.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#if __SIZEOF_LONG__ != 8
#error "the *64 aliases below are for LP64 only"
#endif

#define NODES_MAX  100000u
#define EVENTS_MAX 200000u
#define NO_NODE    UINT32_MAX

static bool is_running;
static struct tape_event *events;
static size_t event_count;
static struct {
    dev_t dev;
    ino_t ino;
} nodes[NODES_MAX];
static uint32_t node_count;

/* Also where assertions are compiled out. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

static void *find(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);

    must(f != NULL);
    return f;
}

/* ISO C has no cast from void * to a function; POSIX wants this one. */
#define FIND(pointer, name)                                                                                            \
    do {                                                                                                               \
        if ((pointer) == NULL)                                                                                         \
            *(void **)(&(pointer)) = find(name);                                                                       \
    } while (0)

/* ---- nodes: a file or folder keeps its number for ever, whatever its names are ---- */

static uint32_t node_of_stat(const struct stat *st)
{
    for (uint32_t i = node_count; i > 0; i--) /* an inode number may be used again: the last one counts */
        if (nodes[i - 1].ino == st->st_ino && nodes[i - 1].dev == st->st_dev)
            return i - 1;
    return NO_NODE;
}

static uint32_t node_new(const struct stat *st)
{
    must(node_count < NODES_MAX);
    nodes[node_count].dev = st->st_dev;
    nodes[node_count].ino = st->st_ino;
    return node_count++;
}

static uint32_t node_of_fd(int fd)
{
    struct stat st;

    return is_running && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) ? node_of_stat(&st)
                                                                                             : NO_NODE;
}

/* The folder that holds a path's last part, and that part.  False: not below the root. */
struct place {
    uint32_t folder;
    char name[NAME_MAX + 1];
};

static bool place_of(int dirfd, const char *path, struct place *out)
{
    char parent[PATH_MAX];
    struct stat st;
    size_t len = strlen(path);
    const char *slash;
    int saved = errno;

    if (!is_running || len >= sizeof(parent))
        return false;
    while (len > 1 && path[len - 1] == '/')
        len--;
    slash = memrchr(path, '/', len);
    (void)snprintf(out->name, sizeof(out->name), "%.*s", (int)(len - (slash == NULL ? 0 : (size_t)(slash - path) + 1)),
                   slash == NULL ? path : slash + 1);
    (void)snprintf(parent, sizeof(parent), "%.*s",
                   slash == NULL   ? 1
                   : slash == path ? 1
                                   : (int)(slash - path),
                   slash == NULL ? "." : path);
    out->folder = fstatat(dirfd, parent, &st, 0) == 0 ? node_of_stat(&st) : NO_NODE;
    errno = saved;
    return out->folder != NO_NODE;
}

/* ---- events ---- */

static struct tape_event *add(enum tape_kind kind, uint32_t node)
{
    struct tape_event *e;

    must(event_count < EVENTS_MAX);
    e = &events[event_count++];
    *e = (struct tape_event){.kind = kind, .node = node};
    return e;
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);

    must(copy != NULL);
    return copy;
}

static void add_name(enum tape_kind kind, uint32_t node, const struct place *at)
{
    struct tape_event *e = add(kind, node);

    e->folder = at->folder;
    e->name = copy_of(at->name);
}

static void note_created(const struct place *at, int dirfd, const char *path)
{
    struct stat st;

    must(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
    add_name(TAPE_CREATE, node_new(&st), at);
    events[event_count - 1].is_folder = S_ISDIR(st.st_mode);
}

/* ---- opening ---- */

static bool is_there(int dirfd, const char *path)
{
    struct stat st;
    int saved = errno;
    bool found = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;

    errno = saved;
    return found;
}

static int open_by(int dirfd, const char *path, int flags, mode_t mode)
{
    static int (*f)(int, const char *, int, ...);
    struct place at = {.folder = NO_NODE};
    bool makes = (flags & O_CREAT) != 0 && place_of(dirfd, path, &at) && !is_there(dirfd, path);
    uint32_t node;
    int fd;

    FIND(f, "openat");
    fd = f(dirfd, path, flags, mode);
    if (fd < 0 || !is_running)
        return fd;
    if (makes)
        note_created(&at, dirfd, path);
    else if ((flags & O_TRUNC) != 0 && (node = node_of_fd(fd)) != NO_NODE)
        (void)add(TAPE_TRUNCATE, node);
    return fd;
}

static mode_t mode_in(int flags, va_list ap)
{
    return (flags & O_CREAT) != 0 ? (mode_t)va_arg(ap, unsigned) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = mode_in(flags, ap);
    va_end(ap);
    return open_by(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = mode_in(flags, ap);
    va_end(ap);
    return open_by(dirfd, path, flags, mode);
}

int mkostemp(char *pattern, int flags)
{
    static int (*f)(char *, int);
    struct place at;
    int fd;

    FIND(f, "mkostemp");
    if ((fd = f(pattern, flags)) >= 0 && place_of(AT_FDCWD, pattern, &at))
        note_created(&at, AT_FDCWD, pattern);
    return fd;
}

char *mkdtemp(char *pattern)
{
    static char *(*f)(char *);
    struct place at;
    char *made;

    FIND(f, "mkdtemp");
    if ((made = f(pattern)) != NULL && place_of(AT_FDCWD, pattern, &at))
        note_created(&at, AT_FDCWD, pattern);
    return made;
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    static int (*f)(int, const char *, mode_t);
    struct place at;
    int rc;

    FIND(f, "mkdirat");
    if ((rc = f(dirfd, path, mode)) == 0 && place_of(dirfd, path, &at))
        note_created(&at, dirfd, path);
    return rc;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- names ---- */

static int rename_by(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    static int (*f)(int, const char *, int, const char *, unsigned);
    struct place was;
    struct place is;
    bool is_ours = place_of(from_fd, from, &was);
    struct stat st;
    struct tape_event *e;
    int rc;

    FIND(f, "renameat2");
    if ((rc = f(from_fd, from, to_fd, to, flags)) != 0 || !is_ours)
        return rc;
    must(place_of(to_fd, to, &is) && fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0);
    e = add(TAPE_RENAME, node_of_stat(&st));
    e->from = was.folder;
    e->from_name = copy_of(was.name);
    e->folder = is.folder;
    e->name = copy_of(is.name);
    return rc;
}

int rename(const char *from, const char *to)
{
    return rename_by(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return rename_by(from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return rename_by(from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to)
{
    static int (*f)(const char *, const char *);
    struct place at;
    struct stat st;
    int rc;

    FIND(f, "link");
    if ((rc = f(from, to)) == 0 && place_of(AT_FDCWD, to, &at)) {
        must(lstat(to, &st) == 0);
        add_name(TAPE_LINK, node_of_stat(&st), &at);
    }
    return rc;
}

int unlinkat(int dirfd, const char *path, int flags)
{
    static int (*f)(int, const char *, int);
    struct place at;
    int rc;

    FIND(f, "unlinkat");
    if ((rc = f(dirfd, path, flags)) == 0 && place_of(dirfd, path, &at))
        add_name(TAPE_UNLINK, 0, &at);
    return rc;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int rc = unlink(path);

    return rc != 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : rc;
}

/* ---- bytes ---- */

static ssize_t note_written(int fd, const struct iovec *iov, int count, off_t at, ssize_t n)
{
    uint32_t node = n > 0 ? node_of_fd(fd) : NO_NODE;
    struct tape_event *e;
    size_t left = (size_t)(n > 0 ? n : 0);
    uint8_t *to;

    if (node == NO_NODE)
        return n;
    e = add(TAPE_WRITE, node);
    e->offset = (size_t)(at >= 0 ? at : lseek(fd, 0, SEEK_CUR) - n); /* O_APPEND, too */
    e->len = left;
    e->is_synced = (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0;
    must((e->bytes = to = malloc(left)) != NULL);
    for (int i = 0; i < count && left > 0; i++) {
        size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;

        memcpy(to, iov[i].iov_base, len);
        to += len;
        left -= len;
    }
    return n;
}

static ssize_t note_one(int fd, const void *bytes, off_t at, ssize_t n)
{
    struct iovec iov = {(void *)(uintptr_t)bytes, (size_t)(n > 0 ? n : 0)};

    return note_written(fd, &iov, 1, at, n);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    static ssize_t (*f)(int, const void *, size_t);

    FIND(f, "write");
    return note_one(fd, bytes, -1, f(fd, bytes, len));
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    static ssize_t (*f)(int, const void *, size_t, off_t);

    FIND(f, "pwrite");
    return note_one(fd, bytes, offset, f(fd, bytes, len, offset));
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    static ssize_t (*f)(int, const struct iovec *, int);

    FIND(f, "writev");
    return note_written(fd, iov, count, -1, f(fd, iov, count));
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    static ssize_t (*f)(int, const struct iovec *, int, off_t);

    FIND(f, "pwritev");
    return note_written(fd, iov, count, offset, f(fd, iov, count, offset));
}

static int note_length(int fd, off_t len, bool may_shrink)
{
    uint32_t node = node_of_fd(fd);
    struct stat st;

    if (node != NO_NODE && fstat(fd, &st) == 0 && (may_shrink || st.st_size == len))
        add(TAPE_TRUNCATE, node)->offset = (size_t)len;
    return 0;
}

int ftruncate(int fd, off_t len)
{
    static int (*f)(int, off_t);
    int rc;

    FIND(f, "ftruncate");
    return (rc = f(fd, len)) == 0 ? note_length(fd, len, true) : rc;
}

int fallocate(int fd, int mode, off_t from, off_t len)
{
    static int (*f)(int, int, off_t, off_t);
    int rc;

    FIND(f, "fallocate");
    return (rc = f(fd, mode, from, len)) == 0 ? note_length(fd, from + len, false) : rc;
}

/* On the tape alone: what is recorded need not be safe. */
static int note_sync(int fd)
{
    uint32_t node = node_of_fd(fd);

    if (node == NO_NODE)
        return -1;
    (void)add(TAPE_SYNC, node);
    return 0;
}

int fsync(int fd)
{
    static int (*f)(int);

    FIND(f, "fsync");
    return note_sync(fd) == 0 ? 0 : f(fd);
}

int fdatasync(int fd)
{
    static int (*f)(int);

    FIND(f, "fdatasync");
    return note_sync(fd) == 0 ? 0 : f(fd);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int dirfd, const char *path, int flags, ...) __attribute__((alias("openat")));
int mkostemp64(char *pattern, int flags) __attribute__((alias("mkostemp")));
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset) __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t len) __attribute__((alias("ftruncate")));
int fallocate64(int fd, int mode, off64_t from, off64_t len) __attribute__((alias("fallocate")));

/* ---- what tests say ---- */

void tape_start(const char *root)
{
    struct stat st;

    must((events = calloc(EVENTS_MAX, sizeof(*events))) != NULL && stat(root, &st) == 0);
    event_count = node_count = 0;
    (void)node_new(&st);
    is_running = true;
}

void tape_stop(void)
{
    is_running = false;
}

size_t tape_length(void)
{
    return event_count;
}

const struct tape_event *tape_at(size_t i)
{
    return &events[i];
}

uint32_t tape_nodes(void)
{
    return node_count;
}
