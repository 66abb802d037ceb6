#include "protocol/bundle_internal.h"

#include "common/cli.h"
#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bundle_writer {
    int fd;
    char path[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
    uint64_t bytes, max_bytes;
    struct buf head; /* the first bytes, as they will be */
    struct bundle_list list;
    uint8_t list_digest[DIGEST_BYTES]; /* of the signed list, for the reading back */
    bool is_finished;
};

static enum err write_all(struct bundle_writer *w, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(w->fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return bundle_errno(n < 0 ? errno : EIO, w->path);
        p += n;
        len -= (size_t)n;
        w->bytes += (uint64_t)n;
    }
    return OK;
}

/* Cut at a whole code point. */
static size_t label_length(const char *label)
{
    size_t len = strlen(label);

    if (len <= BUNDLE_LABEL_MAX)
        return len;
    len = BUNDLE_LABEL_MAX;
    while (len > 0 && ((unsigned char)label[len] & 0xC0u) == 0x80u)
        len--;
    return len;
}

static enum err put_head(struct bundle_writer *w, const char *label)
{
    size_t len = label_length(label);
    enum err e;

    buf_put(&w->head, BUNDLE_MAGIC, 4);
    buf_put_u8(&w->head, BUNDLE_VERSION);
    buf_put_u8(&w->head, (uint8_t)w->list.about.direction);
    buf_put_u16(&w->head, (uint16_t)len);
    buf_put_u32(&w->head, 0); /* how many parts is known at the end: until then the file says that it is unfinished */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)label[i];

        buf_put_u8(&w->head, (c < 0x20 && c != '\n') || c == 0x7f ? (uint8_t)' ' : c);
    }
    if ((e = buf_status(&w->head)) != OK)
        return e;
    return write_all(w, w->head.data, w->head.len);
}

enum err bundle_create(struct bundle_writer **out, const char *path, const struct bundle_about *about,
                       const char *label, uint64_t max_bytes)
{
    struct bundle_writer *w = calloc(1, sizeof(*w));
    enum err e = OK;

    if (w == NULL)
        return ERR_NOMEM;
    w->fd = -1;
    w->max_bytes = max_bytes;
    w->list.about = *about;
    buf_init(&w->head, BUNDLE_HEAD + BUNDLE_LABEL_MAX);
    if (snprintf(w->path, sizeof(w->path), "%s", path) >= (int)sizeof(w->path) ||
        snprintf(w->part, sizeof(w->part), "%s.part", path) >= (int)sizeof(w->part))
        e = err_set(ERR_LIMIT, _("%s: the path is too long"), path);
    if (e == OK) {
        w->fd = open(w->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        e = w->fd >= 0 ? put_head(w, label) : bundle_errno(errno, path);
    }
    if (e != OK) {
        bundle_writer_free(w);
        return e;
    }
    *out = w;
    return OK;
}

bool bundle_fits(const struct bundle_writer *w, size_t len)
{
    uint64_t list = BUNDLE_LIST_BASE + (uint64_t)BUNDLE_LIST_ENTRY * (w->list.count + 1u);

    return w->list.count < BUNDLE_MAX_PARTS - 1 && len <= BUNDLE_PART_MAX &&
           w->bytes + BUNDLE_PART_EXTRA + len + BUNDLE_PART_EXTRA + list <= w->max_bytes;
}

uint32_t bundle_parts(const struct bundle_writer *w)
{
    return w->list.count;
}

static enum err put_part(struct bundle_writer *w, const struct bundle_entry *entry, struct bytes part)
{
    uint8_t head[BUNDLE_PART_HEAD];
    enum err e;

    head[0] = entry->kind;
    be32_put(head + 1, entry->length);
    if ((e = write_all(w, head, sizeof(head))) != OK || (e = write_all(w, part.p, part.len)) != OK)
        return e;
    return write_all(w, entry->digest, DIGEST_BYTES);
}

enum err bundle_put(struct bundle_writer *w, enum bundle_kind kind, struct bytes part)
{
    struct bundle_entry entry = {.kind = (uint8_t)kind, .length = (uint32_t)part.len};
    enum err e;

    if (part.len == 0 || !bundle_fits(w, part.len))
        return err_set(ERR_LIMIT, _("%s: a part of %zu bytes does not fit into the file"), w->path, part.len);
    digest(entry.digest, part);
    if ((e = bundle_list_add(&w->list, &entry)) != OK)
        return e;
    return put_part(w, &entry, part);
}

static enum err put_list(struct bundle_writer *w, const struct key *sign)
{
    struct bundle_entry entry = {.kind = BUNDLE_LIST};
    struct buf object;
    enum err e;

    be32_put(w->head.data + BUNDLE_COUNT_AT, w->list.count + 1);
    digest(w->list.head, bytes_of(w->head.data, w->head.len));
    buf_init(&object, SIGNED_MAX);
    if ((e = bundle_list_make(&object, &w->list, sign)) == OK) {
        entry.length = (uint32_t)object.len;
        digest(entry.digest, bytes_of(object.data, object.len));
        memcpy(w->list_digest, entry.digest, DIGEST_BYTES);
        e = put_part(w, &entry, bytes_of(object.data, object.len));
    }
    buf_fini(&object);
    return e;
}

/* The count last: a file whose writing ended early never says that it is whole. */
static enum err sync_file(struct bundle_writer *w)
{
    uint8_t count[4];
    ssize_t n;

    be32_put(count, w->list.count + 1);
    if (fsync(w->fd) != 0)
        return bundle_errno(errno, w->path);
    n = pwrite(w->fd, count, sizeof(count), BUNDLE_COUNT_AT);
    if (n != (ssize_t)sizeof(count))
        return bundle_errno(n < 0 ? errno : EIO, w->path);
    return fsync(w->fd) == 0 ? OK : bundle_errno(errno, w->path);
}

/* From the medium, as far as the system lets us: what is still in memory is dropped first. */
static enum err read_back(struct bundle_writer *w, const uint8_t *signer)
{
    struct bundle_reader *r = NULL;
    struct bundle_about about;
    struct bundle_part part;
    enum bundle_state state = BUNDLE_PART;
    enum err e;

    (void)posix_fadvise(w->fd, 0, 0, POSIX_FADV_DONTNEED);
    if ((e = bundle_open(&r, w->part, false, w->max_bytes)) != OK)
        return e;
    while (e == OK && state == BUNDLE_PART)
        e = bundle_read(r, &part, &state);
    if (e == OK)
        e = state == BUNDLE_END ? bundle_check(r, signer, &about) : ERR_CORRUPT;
    bundle_close(r);
    if (e == OK || e == ERR_IO || e == ERR_NOMEM)
        return e;
    return err_set(ERR_CORRUPT,
                   _("%s: the medium does not give back what was written to it; it is broken: take another one"),
                   w->path);
}

static enum err rename_file(struct bundle_writer *w, bool may_exist)
{
    if (folder_rename(w->part, w->path, may_exist) == 0)
        return OK;
    return errno == EEXIST ? err_set(ERR_EXISTS, _("%s: the file exists already"), w->path)
                           : bundle_errno(errno, w->path);
}

static enum err sync_parent(const struct bundle_writer *w)
{
    char dir[FOLDER_PATH_MAX];
    char *slash;
    enum err e = OK;
    int fd;

    (void)snprintf(dir, sizeof(dir), "%s", w->path);
    slash = strrchr(dir, '/');
    if (slash == NULL)
        (void)snprintf(dir, sizeof(dir), ".");
    else
        slash[slash == dir ? 1 : 0] = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        e = bundle_errno(errno, dir);
    if (fd >= 0)
        close(fd);
    return e;
}

enum err bundle_finish(struct bundle_writer *w, const struct key *sign, bool may_exist, uint64_t *bytes)
{
    enum err e = put_list(w, sign);

    if (e == OK && (e = sync_file(w)) == OK && (e = read_back(w, key_public(sign))) == OK &&
        (e = rename_file(w, may_exist)) == OK) {
        w->is_finished = true;
        e = sync_parent(w);
        *bytes = w->bytes;
    }
    return e;
}

void bundle_writer_free(struct bundle_writer *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0) {
        close(w->fd);
        if (!w->is_finished)
            (void)unlink(w->part);
    }
    buf_fini(&w->head);
    free(w->list.entries);
    free(w);
}
