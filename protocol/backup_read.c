#include "protocol/backup_internal.h"

#include "common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define SEALED_CHUNK (BACKUP_CHUNK + KEY_STREAM_EXTRA)
#define OUT_SIZE     (128u << 10)

struct backup_reader {
    FILE *file;
    uint64_t size, taken;
    struct backup_head head;
    struct buf object; /* the head as signed */
    uint8_t stream_head[KEY_STREAM_HEAD];
    struct key_stream *stream;
    ZSTD_DCtx *zstd;
    uint8_t *zstd_out;
    struct buf sealed, packed;
    size_t packed_at; /* what lies before is unpacked */
    bool had_last, frame_is_over;
    struct backup_records *records;
};

static enum err damaged(void)
{
    return err_set(ERR_MALFORMED, _("the file is damaged or cut short: nothing of it is used"));
}

static enum err take(struct backup_reader *r, void *out, size_t len)
{
    size_t n = fread(out, 1, len, r->file);

    r->taken += n;
    if (n == len)
        return OK;
    return ferror(r->file) ? err_errno(ERR_IO, errno, _("the file cannot be read")) : damaged();
}

static enum err read_head(struct backup_reader *r)
{
    uint8_t fixed[BACKUP_FIXED];
    uint32_t len;
    uint8_t *at;
    size_t n = fread(fixed, 1, sizeof(fixed), r->file);
    enum err e;

    r->taken = n;
    if (n < sizeof(fixed) || memcmp(fixed, BACKUP_MAGIC, 4) != 0)
        return err_set(ERR_MALFORMED, _("this is not a backup of this program"));
    if (fixed[4] != BACKUP_VERSION)
        return err_set(
            ERR_VERSION,
            _("the backup is of format %u, this program reads format %u: take the program that made it, or a "
              "later one"),
            fixed[4], BACKUP_VERSION);
    len = be32_get(fixed + 5);
    if (len == 0 || len > BACKUP_HEAD_MAX)
        return damaged();
    if ((at = buf_grow(&r->object, len)) == NULL)
        return buf_status(&r->object);
    if ((e = take(r, at, len)) != OK)
        return e;
    if ((e = backup_head_read(&r->head, bytes_of(r->object.data, r->object.len))) != OK)
        return e;
    return take(r, r->stream_head, sizeof(r->stream_head));
}

static enum err start_reader(struct backup_reader *r)
{
    r->zstd = ZSTD_createDCtx();
    r->zstd_out = malloc(OUT_SIZE);
    if (r->zstd == NULL || r->zstd_out == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, BACKUP_WINDOW)))
        return ERR_NOMEM;
    return backup_records_new(&r->records);
}

static enum err open_file(struct backup_reader **out, FILE *f, uint64_t size)
{
    struct backup_reader *r = calloc(1, sizeof(*r));
    enum err e;

    if (r == NULL) {
        (void)fclose(f);
        return ERR_NOMEM;
    }
    r->file = f;
    r->size = size;
    buf_init(&r->object, BACKUP_HEAD_MAX);
    buf_init(&r->sealed, SEALED_CHUNK);
    buf_init(&r->packed, BACKUP_CHUNK);
    if ((e = start_reader(r)) == OK)
        e = read_head(r);
    if (e != OK) {
        backup_close(r);
        return e;
    }
    *out = r;
    return OK;
}

static enum err open_path(const char *path, int *out, uint64_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_errno(errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
                         : errno == EACCES                   ? ERR_DENIED
                                                             : ERR_IO,
                         errno, _("%s: cannot be opened"), path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(ERR_MALFORMED, _("%s: this is not a file"), path);
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* from the disk, not from what the system remembers of it */
    *size = (uint64_t)st.st_size;
    *out = fd;
    return OK;
}

enum err backup_open(struct backup_reader **out, const char *path)
{
    uint64_t size = 0;
    FILE *f;
    int fd = -1;
    enum err e = open_path(path, &fd, &size);

    if (e != OK)
        return e;
    if ((f = fdopen(fd, "rb")) == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    if ((e = open_file(out, f, size)) != OK)
        e = err_prefix(e, "%s", path);
    return e;
}

enum err backup_open_bytes(struct backup_reader **out, struct bytes file)
{
    FILE *f;

    if (file.len == 0)
        return damaged();
    f = fmemopen((void *)(uintptr_t)file.p, file.len, "rb"); /* only read */
    return f == NULL ? ERR_NOMEM : open_file(out, f, file.len);
}

void backup_close(struct backup_reader *r)
{
    if (r == NULL)
        return;
    (void)fclose(r->file);
    key_stream_free(r->stream);
    ZSTD_freeDCtx(r->zstd);
    if (r->zstd_out != NULL)
        wipe(r->zstd_out, OUT_SIZE);
    free(r->zstd_out);
    buf_fini(&r->object);
    buf_fini(&r->sealed);
    buf_wipe(&r->packed);
    backup_records_free(r->records);
    free(r);
}

const struct backup_head *backup_head(const struct backup_reader *r)
{
    return &r->head;
}

uint64_t backup_read_bytes(const struct backup_reader *r)
{
    return r->taken;
}

uint64_t backup_file_bytes(const struct backup_reader *r)
{
    return r->size;
}

enum err backup_unlock_with(struct backup_reader *r, const uint8_t key[KEY_BYTES])
{
    return key_stream_open(&r->stream, key, r->stream_head);
}

enum err backup_unlock(struct backup_reader *r, const struct key *recovery)
{
    uint8_t key[KEY_BYTES] = {0};
    enum err e;

    if (!digest_equal(key_public(recovery), r->head.recovery))
        return err_set(ERR_AUTH, _("it was made for another recovery key"));
    e = key_agree(key, recovery, r->head.ephemeral, BACKUP_DOMAIN, bytes_of(r->object.data, r->object.len));
    if (e == OK)
        e = backup_unlock_with(r, key);
    wipe(key, sizeof(key));
    return e;
}

/* One chunk more; its tag and the file's end must agree about which is the last. */
static enum err next_chunk(struct backup_reader *r)
{
    uint8_t *at;
    size_t n;
    bool is_last = false;
    enum err e;

    if (r->had_last || r->stream == NULL)
        return damaged();
    buf_reset(&r->sealed);
    if ((at = buf_grow(&r->sealed, SEALED_CHUNK)) == NULL)
        return buf_status(&r->sealed);
    n = fread(at, 1, SEALED_CHUNK, r->file);
    if (ferror(r->file))
        return err_errno(ERR_IO, errno, _("the file cannot be read"));
    r->taken += n;
    buf_reset(&r->packed);
    r->packed_at = 0;
    if ((e = key_stream_pull(r->stream, bytes_of(at, n), &r->packed, &is_last)) != OK)
        return e;
    if (!is_last && n < SEALED_CHUNK)
        return damaged();
    if (is_last && fgetc(r->file) != EOF)
        return damaged();
    r->had_last = is_last;
    return OK;
}

/* Some plain bytes more. */
static enum err next_piece(struct backup_reader *r)
{
    ZSTD_inBuffer in;
    ZSTD_outBuffer out = {r->zstd_out, OUT_SIZE, 0};
    size_t code;
    enum err e;

    if (r->frame_is_over)
        return damaged();
    if (r->packed_at == r->packed.len && (e = next_chunk(r)) != OK)
        return e;
    in = (ZSTD_inBuffer){r->packed.data, r->packed.len, r->packed_at};
    code = ZSTD_decompressStream(r->zstd, &out, &in);
    if (ZSTD_isError(code))
        return damaged();
    r->packed_at = in.pos;
    r->frame_is_over = code == 0;
    return backup_records_feed(r->records, bytes_of(r->zstd_out, out.pos));
}

/* After the last record the frame, the stream and the file end, too. */
static enum err check_end(struct backup_reader *r)
{
    enum err e = OK;

    while (e == OK && !r->frame_is_over)
        e = next_piece(r);
    while (e == OK && !r->had_last && r->packed_at == r->packed.len)
        e = next_chunk(r);
    if (e == OK && (r->packed_at != r->packed.len || !backup_records_is_over(r->records)))
        e = damaged();
    return e == OK ? ERR_NOT_FOUND : e;
}

enum err backup_next(struct backup_reader *r, struct backup_item *out)
{
    bool has = false;
    enum err e;

    while ((e = backup_records_next(r->records, out, &has)) == OK && !has) {
        if (backup_records_is_over(r->records))
            return check_end(r);
        if ((e = next_piece(r)) != OK)
            return e;
    }
    if (e == OK && out->kind == BACKUP_END)
        return check_end(r);
    return e;
}

enum err backup_file_digest(const char *path, uint8_t out[DIGEST_BYTES], uint64_t *bytes)
{
    struct digest_stream *s = NULL;
    uint8_t *part = malloc(BACKUP_CHUNK);
    ssize_t n = 0;
    int fd = -1;
    enum err e = part == NULL ? ERR_NOMEM : digest_stream_new(&s);

    if (e == OK)
        e = open_path(path, &fd, bytes);
    *bytes = 0;
    while (e == OK && (n = read(fd, part, BACKUP_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            e = err_errno(ERR_IO, errno, _("%s: cannot be read"), path);
            break;
        }
        digest_stream_add(s, bytes_of(part, (size_t)n));
        *bytes += (uint64_t)n;
    }
    if (e == OK)
        digest_stream_end(s, out);
    if (fd >= 0)
        close(fd);
    digest_stream_free(s);
    free(part);
    return e;
}
