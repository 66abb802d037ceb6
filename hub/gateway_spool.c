#include "hub/gateway_spool.h"

#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAME_BYTES 160u
#define DAY_MS     (INT64_C(86400) * 1000)
#define HEX_CHARS  ((size_t)2 * DIGEST_BYTES)

struct entry {
    uint8_t digest[DIGEST_BYTES];
    char participant[ID_MAX + 1];
    uint32_t total, have;
    bool is_handed_over; /* its file is called by the digest alone, and may be gone at any time */
    int64_t used_ms;
};

struct spool {
    int dir;
    mode_t mode; /* of its files: the folder's group may read them where it may write into the folder */
    uint64_t max_bytes, bytes, reserve;
    uint32_t days;
    struct entry *entries;
    size_t count, cap;
};

/* ---- names ---- */

static void hex_name(char out[NAME_BYTES], const uint8_t digest_in[DIGEST_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest_in[i] >> 4];
        out[2 * i + 1] = digits[digest_in[i] & 15];
    }
    out[HEX_CHARS] = '\0';
}

static void file_name(char out[NAME_BYTES], const struct entry *n)
{
    hex_name(out, n->digest);
    if (!n->is_handed_over)
        (void)snprintf(out + HEX_CHARS, NAME_BYTES - HEX_CHARS, ".%u.%s.part", n->total, n->participant);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(uint8_t out[DIGEST_BYTES], const char *name)
{
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = hex_value(name[2 * i]);
        int low = high < 0 ? -1 : hex_value(name[2 * i + 1]);

        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* False: not one of our names. */
static bool read_name(struct entry *n, const char *name)
{
    const char *at = name + HEX_CHARS;
    uint32_t total = 0;
    size_t len;

    if (strlen(name) < HEX_CHARS || !read_hex(n->digest, name))
        return false;
    n->is_handed_over = *at == '\0';
    if (n->is_handed_over)
        return true;
    if (*at++ != '.')
        return false;
    while (*at >= '0' && *at <= '9' && total <= BATCH_MAX_SEALED)
        total = total * 10 + (uint32_t)(*at++ - '0');
    len = strlen(at);
    if (total == 0 || total > BATCH_MAX_SEALED || *at++ != '.' || len < 7 || len - 6 > ID_MAX ||
        strcmp(at + len - 6, ".part") != 0)
        return false;
    n->total = total;
    memcpy(n->participant, at, len - 6);
    n->participant[len - 6] = '\0';
    return id_is_valid(n->participant);
}

/* ---- entries ---- */

static struct entry *find(struct spool *s, const struct spool_key *k)
{
    for (size_t i = 0; i < s->count; i++) {
        struct entry *n = &s->entries[i];

        if (n->total == k->total && memcmp(n->digest, k->digest, DIGEST_BYTES) == 0 &&
            strcmp(n->participant, k->participant) == 0)
            return n;
    }
    return NULL;
}

static void forget(struct spool *s, struct entry *n)
{
    s->bytes -= n->have;
    *n = s->entries[--s->count];
}

static void drop(struct spool *s, struct entry *n)
{
    char name[NAME_BYTES];

    file_name(name, n);
    (void)unlinkat(s->dir, name, 0);
    forget(s, n);
}

static struct entry *oldest(struct spool *s, const char *participant, const struct entry *but)
{
    struct entry *old = NULL;

    for (size_t i = 0; i < s->count; i++) {
        struct entry *n = &s->entries[i];

        if (n != but && !n->is_handed_over && (participant == NULL || strcmp(n->participant, participant) == 0) &&
            (old == NULL || n->used_ms < old->used_ms))
            old = n;
    }
    return old;
}

/* Drops the longest untouched one; false: there is none but `keep`.  `keep` may move. */
static bool make_room(struct spool *s, struct entry **keep)
{
    struct entry *old = oldest(s, NULL, *keep);
    bool moves = *keep == &s->entries[s->count - 1];

    if (old == NULL)
        return false;
    log_info("gateway: the spool is full; the beginning of a batch of %s is dropped and will be sent again",
             old->participant);
    drop(s, old);
    if (moves)
        *keep = old;
    return true;
}

static unsigned count_of(const struct spool *s, const char *participant)
{
    unsigned count = 0;

    for (size_t i = 0; i < s->count; i++)
        if (!s->entries[i].is_handed_over && strcmp(s->entries[i].participant, participant) == 0)
            count++;
    return count;
}

static enum err add(struct spool *s, const struct entry *fresh)
{
    if (s->count == SPOOL_MAX_ENTRIES) {
        struct entry *old = oldest(s, NULL, NULL);

        drop(s, old != NULL ? old : &s->entries[0]);
    }
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 16 : s->cap * 2;
        struct entry *grown = realloc(s->entries, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        s->entries = grown;
        s->cap = cap;
    }
    s->entries[s->count++] = *fresh;
    s->bytes += fresh->have;
    return OK;
}

/* ---- files ---- */

static enum err read_all(const struct spool *s, const char *name, size_t len, struct buf *out)
{
    int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t *at;
    size_t done = 0;

    buf_reset(out);
    if (fd < 0)
        return err_errno(ERR_IO, errno, "spool/%s", name);
    at = buf_grow(out, len);
    while (at != NULL && done < len) {
        ssize_t n = read(fd, at + done, len - done);

        if (n <= 0 && !(n < 0 && errno == EINTR))
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (at == NULL)
        return buf_status(out);
    return done == len ? OK : err_set(ERR_IO, "spool/%s is shorter than it was", name);
}

static enum err write_at(const struct spool *s, const char *name, uint32_t offset, struct bytes data)
{
    int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (offset == 0 ? O_TRUNC : 0), s->mode);
    size_t done = 0;
    enum err e = OK;

    if (fd < 0)
        return err_errno(ERR_IO, errno, "spool/%s", name);
    while (done < data.len && e == OK) {
        ssize_t n = pwrite(fd, data.p + done, data.len - done, (off_t)(offset + done));

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            e = err_errno(errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, errno, "spool/%s", name);
    }
    if (close(fd) != 0 && e == OK)
        e = err_errno(ERR_IO, errno, "spool/%s", name);
    return e;
}

/* ---- finding again ---- */

/* A whole batch that a core did not take: its header says whose it is. */
static void adopt_whole(struct spool *s, struct entry *n, const char *name, size_t size)
{
    uint8_t real[DIGEST_BYTES];
    struct batch_header h;
    struct buf bytes;
    char renamed[NAME_BYTES];
    bool is_good = false;

    buf_init(&bytes, BATCH_MAX_SEALED);
    if (read_all(s, name, size, &bytes) == OK) {
        batch_digest(real, bytes_of(bytes.data, bytes.len));
        if (digest_equal(real, n->digest) && batch_parse(&h, bytes_of(bytes.data, bytes.len)) == OK) {
            (void)snprintf(n->participant, sizeof(n->participant), "%s", h.participant);
            batch_header_fini(&h);
            n->is_handed_over = false;
            n->total = n->have = (uint32_t)size;
            file_name(renamed, n);
            is_good = renameat(s->dir, name, s->dir, renamed) == 0;
        }
    }
    buf_fini(&bytes);
    if (!is_good || add(s, n) != OK)
        (void)unlinkat(s->dir, name, 0);
}

static void adopt(struct spool *s, const char *name)
{
    struct entry n = {.total = 0};
    struct stat st;

    if (!read_name(&n, name) || fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return;
    n.used_ms = (int64_t)st.st_mtim.tv_sec * 1000;
    if (st.st_size <= 0 || st.st_size > (off_t)BATCH_MAX_SEALED || (!n.is_handed_over && st.st_size > (off_t)n.total)) {
        (void)unlinkat(s->dir, name, 0);
        return;
    }
    if (n.is_handed_over) {
        adopt_whole(s, &n, name, (size_t)st.st_size);
        return;
    }
    n.have = (uint32_t)st.st_size;
    if (add(s, &n) != OK)
        (void)unlinkat(s->dir, name, 0);
}

static void choose_mode(struct spool *s)
{
    struct stat st;

    s->mode = fstat(s->dir, &st) == 0 && (st.st_mode & S_IWGRP) != 0 ? 0640 : 0600;
}

/* The names first: renaming while a folder is being read may show a file twice. */
static enum err scan(struct spool *s)
{
    int fd = dup(s->dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct buf names;
    enum err e;

    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return err_errno(ERR_IO, errno, "spool");
    }
    buf_init(&names, SPOOL_MAX_ENTRIES * (size_t)NAME_BYTES);
    for (struct dirent *f; (f = readdir(d)) != NULL;)
        if (strlen(f->d_name) >= HEX_CHARS && strlen(f->d_name) < NAME_BYTES)
            buf_put(&names, f->d_name, strlen(f->d_name) + 1);
    closedir(d);
    e = names.failed && !names.over_max ? ERR_NOMEM : OK;
    for (size_t at = 0; at < names.len && e == OK; at += strlen((char *)names.data + at) + 1)
        adopt(s, (char *)names.data + at);
    buf_fini(&names);
    return e;
}

enum err spool_open(struct spool **out, const char *home, uint64_t max_bytes, uint32_t days)
{
    struct spool *s;
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, home, "spool");

    if (e != OK)
        return e;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(ERR_IO, errno, "%s", path);
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return ERR_NOMEM;
    spool_set_limits(s, max_bytes, days);
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    choose_mode(s);
    e = s->dir < 0 ? err_errno(ERR_IO, errno, "%s", path) : scan(s);
    if (e != OK) {
        spool_close(s);
        return e;
    }
    spool_tidy(s);
    *out = s;
    return OK;
}

void spool_set_limits(struct spool *s, uint64_t max_bytes, uint32_t days)
{
    s->max_bytes = max_bytes;
    s->days = days;
}

void spool_set_reserve(struct spool *s, uint64_t bytes)
{
    s->reserve = bytes;
}

bool spool_is_closed(const struct spool *s)
{
    struct statvfs v;

    return s->reserve > 0 && fstatvfs(s->dir, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < s->reserve;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    if (s->dir >= 0)
        close(s->dir);
    free(s->entries);
    free(s);
}

/* ---- use ---- */

uint32_t spool_have(struct spool *s, const struct spool_key *k)
{
    struct entry *n = find(s, k);
    char name[NAME_BYTES];
    struct stat st;

    if (n == NULL)
        return 0;
    file_name(name, n);
    if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_size != (off_t)n->have) {
        drop(s, n); /* the core has taken it, or someone else */
        return 0;
    }
    return n->have;
}

enum err spool_append(struct spool *s, const struct spool_key *k, struct bytes data, uint32_t *have)
{
    struct entry *n = find(s, k);
    char name[NAME_BYTES];
    enum err e = OK;

    if (n == NULL) {
        struct entry fresh = {.total = k->total};

        while (count_of(s, k->participant) >= SPOOL_MAX_EACH)
            drop(s, oldest(s, k->participant, NULL));
        memcpy(fresh.digest, k->digest, DIGEST_BYTES);
        (void)snprintf(fresh.participant, sizeof(fresh.participant), "%s", k->participant);
        if ((e = add(s, &fresh)) != OK)
            return e;
        n = &s->entries[s->count - 1];
    }
    n->used_ms = clock_wall_ms();
    if (n->is_handed_over || data.len > n->total - n->have)
        e = err_set(ERR_LIMIT, "more bytes than the batch has");
    while (e == OK && s->bytes + data.len > s->max_bytes)
        if (!make_room(s, &n))
            e = err_set(ERR_FULL, "the spool takes at most %llu bytes", (unsigned long long)s->max_bytes);
    file_name(name, n);
    while (e == OK && (e = write_at(s, name, n->have, data)) == ERR_FULL && make_room(s, &n))
        e = OK;
    if (e != OK) {
        drop(s, n);
        return e;
    }
    n->have += (uint32_t)data.len;
    s->bytes += data.len;
    *have = n->have;
    return OK;
}

enum err spool_read(struct spool *s, const struct spool_key *k, struct buf *out)
{
    struct entry *n = find(s, k);
    char name[NAME_BYTES];

    if (n == NULL || n->have != n->total)
        return err_set(ERR_NOT_FOUND, "the batch is not whole");
    file_name(name, n);
    return read_all(s, name, n->total, out);
}

enum err spool_hand_over(struct spool *s, const struct spool_key *k)
{
    struct entry *n = find(s, k);
    char from[NAME_BYTES];
    char to[NAME_BYTES];

    if (n == NULL || n->have != n->total)
        return err_set(ERR_NOT_FOUND, "the batch is not whole");
    if (n->is_handed_over)
        return OK;
    file_name(from, n);
    hex_name(to, n->digest);
    if (renameat(s->dir, from, s->dir, to) != 0)
        return err_errno(ERR_IO, errno, "spool/%s", from);
    n->is_handed_over = true;
    return OK;
}

void spool_drop(struct spool *s, const struct spool_key *k)
{
    struct entry *n = find(s, k);

    if (n != NULL)
        drop(s, n);
}

void spool_tidy(struct spool *s)
{
    int64_t too_old = clock_wall_ms() - (int64_t)s->days * DAY_MS;
    char name[NAME_BYTES];
    struct stat st;

    for (size_t i = 0; i < s->count;) {
        struct entry *n = &s->entries[i];

        file_name(name, n);
        if (n->used_ms < too_old)
            drop(s, n);
        else if (n->is_handed_over && fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            forget(s, n);
        else
            i++;
    }
}

uint64_t spool_bytes(const struct spool *s)
{
    return s->bytes;
}
