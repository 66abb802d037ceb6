#include "protocol/backup_internal.h"

#include "common/cli.h"
#include "common/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define PART      ".part"
#define OUT_SIZE  (128u << 10)
#define BATCH_MAX (BACKUP_VALUE_MAX + (1u << 20))

struct backup_writer {
    char *path, *part;
    int fd;
    bool may_exist;
    uint64_t bytes, files, rows;
    uint8_t key[KEY_BYTES];
    struct key_stream *stream;
    struct digest_stream *digest;
    ZSTD_CCtx *zstd;
    uint8_t *zstd_out;
    struct buf record; /* one record, plain */
    struct buf packed; /* compressed, less than a chunk when a call returns */
    struct buf sealed; /* one chunk */
};

static enum err from_errno(const char *path)
{
    int saved = errno;

    if (saved == ENOSPC || saved == EDQUOT || saved == EFBIG)
        return err_errno(ERR_FULL, saved, _("%s: cannot be written; what was written of it is removed"), path);
    return err_errno(saved == ENOENT || saved == ENOTDIR ? ERR_NOT_FOUND
                     : saved == EACCES                   ? ERR_DENIED
                                                         : ERR_IO,
                     saved, _("%s: cannot be written"), path);
}

static enum err put_bytes(struct backup_writer *w, struct bytes b)
{
    digest_stream_add(w->digest, b);
    w->bytes += b.len;
    while (b.len > 0) {
        ssize_t n = write(w->fd, b.p, b.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return from_errno(w->part);
        b.p += n;
        b.len -= (size_t)n;
    }
    return OK;
}

/* All that is locked and not renamed yet is a run at work; anything else under that name is what a killed one left. */
static enum err open_part(struct backup_writer *w)
{
    w->fd = open(w->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0)
        return from_errno(w->part);
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(w->fd);
        w->fd = -1;
        return err_set(ERR_BUSY, _("%s: another run is writing it"), w->part);
    }
    if (fchmod(w->fd, 0600) != 0 && errno != EPERM && errno != EOPNOTSUPP)
        return from_errno(w->part);
    if (ftruncate(w->fd, 0) != 0)
        return from_errno(w->part);
    return OK;
}

static enum err start_zstd(struct backup_writer *w)
{
    w->zstd = ZSTD_createCCtx();
    w->zstd_out = malloc(OUT_SIZE);
    if (w->zstd == NULL || w->zstd_out == NULL)
        return ERR_NOMEM;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, BACKUP_ZSTD)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_windowLog, BACKUP_WINDOW)))
        return err_set(ERR_INTERNAL, "zstd: parameters");
    return OK;
}

/* The ephemeral secret lives as long as this call: from then on only the recovery key's holder gets the stream's key.
 */
static enum err start_stream(struct backup_writer *w, struct backup_head *head, const struct key *sign)
{
    struct key *ephemeral = NULL;
    uint8_t stream_head[KEY_STREAM_HEAD];
    uint8_t fixed[BACKUP_FIXED];
    struct buf object;
    enum err e = key_generate(&ephemeral, KEY_SEAL);

    if (e != OK)
        return e;
    buf_init(&object, BACKUP_HEAD_MAX);
    memcpy(head->ephemeral, key_public(ephemeral), KEY_BYTES);
    memcpy(head->signer, key_public(sign), KEY_BYTES);
    if ((e = backup_head_make(&object, head, sign)) != OK ||
        (e = key_agree(w->key, ephemeral, head->recovery, BACKUP_DOMAIN, bytes_of(object.data, object.len))) != OK ||
        (e = key_stream_seal(&w->stream, w->key, stream_head)) != OK)
        goto done;
    for (size_t i = 0; i < 4; i++)
        fixed[i] = (uint8_t)BACKUP_MAGIC[i];
    fixed[4] = BACKUP_VERSION;
    be32_put(fixed + 5, (uint32_t)object.len);
    if ((e = put_bytes(w, bytes_of(fixed, sizeof(fixed)))) == OK &&
        (e = put_bytes(w, bytes_of(object.data, object.len))) == OK)
        e = put_bytes(w, bytes_of(stream_head, sizeof(stream_head)));
done:
    key_free(ephemeral);
    buf_fini(&object);
    return e;
}

static enum err begin(struct backup_writer *w, struct backup_head *head, const struct key *sign)
{
    enum err e;

    if (!w->may_exist && access(w->path, F_OK) == 0)
        return err_set(ERR_EXISTS, _("%s: the file exists already; a backup never replaces another"), w->path);
    if ((e = digest_stream_new(&w->digest)) != OK || (e = start_zstd(w)) != OK || (e = open_part(w)) != OK)
        return e;
    return start_stream(w, head, sign);
}

static void writer_free(struct backup_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    key_stream_free(w->stream);
    digest_stream_free(w->digest);
    ZSTD_freeCCtx(w->zstd);
    free(w->zstd_out);
    buf_wipe(&w->record);
    buf_wipe(&w->packed);
    buf_fini(&w->sealed);
    wipe(w->key, sizeof(w->key));
    free(w->path);
    free(w->part);
    free(w);
}

void backup_drop(struct backup_writer *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0 && w->part != NULL)
        (void)unlink(w->part);
    writer_free(w);
}

enum err backup_begin(struct backup_writer **out, const char *path, struct backup_head *head, const struct key *sign,
                      bool may_exist)
{
    struct backup_writer *w = calloc(1, sizeof(*w));
    enum err e;

    if (w == NULL)
        return ERR_NOMEM;
    w->fd = -1;
    w->may_exist = may_exist;
    buf_init(&w->record, BATCH_MAX);
    buf_init(&w->packed, BACKUP_CHUNK + OUT_SIZE);
    buf_init(&w->sealed, BACKUP_CHUNK + KEY_STREAM_EXTRA);
    w->path = strdup(path);
    if (w->path == NULL || asprintf(&w->part, "%s" PART, path) < 0) {
        w->part = NULL;
        e = ERR_NOMEM;
    } else {
        e = begin(w, head, sign);
    }
    if (e != OK) {
        backup_drop(w);
        return e;
    }
    *out = w;
    return OK;
}

/* Whole chunks leave; at the end also the last, shorter one, which may be empty. */
static enum err put_chunks(struct backup_writer *w, bool is_end)
{
    size_t at = 0;
    enum err e = buf_status(&w->packed);

    while (e == OK && (w->packed.len - at > BACKUP_CHUNK || is_end)) {
        size_t left = w->packed.len - at;
        bool is_last = is_end && left <= BACKUP_CHUNK;
        size_t len = left < BACKUP_CHUNK ? left : BACKUP_CHUNK;

        buf_reset(&w->sealed);
        if ((e = key_stream_push(w->stream, bytes_of(w->packed.data + at, len), is_last, &w->sealed)) == OK)
            e = put_bytes(w, bytes_of(w->sealed.data, w->sealed.len));
        at += len;
        if (is_last)
            break;
    }
    memmove(w->packed.data, w->packed.data + at, w->packed.len - at);
    w->packed.len -= at;
    return e;
}

static enum err compress(struct backup_writer *w, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {w->record.data, w->record.len, 0};
    size_t left;
    enum err e = OK;

    do {
        ZSTD_outBuffer out = {w->zstd_out, OUT_SIZE, 0};

        left = ZSTD_compressStream2(w->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return err_set(ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
        buf_put(&w->packed, w->zstd_out, out.pos);
        e = put_chunks(w, false);
    } while (e == OK && (in.pos < in.size || (end == ZSTD_e_end && left > 0)));
    return e;
}

static enum err put_record(struct backup_writer *w)
{
    enum err e = buf_status(&w->record);

    if (e == OK)
        e = compress(w, ZSTD_e_continue);
    buf_reset(&w->record);
    return e;
}

enum err backup_put_table(struct backup_writer *w, uint8_t table, const char *name)
{
    backup_record_table(&w->record, table, name);
    return put_record(w);
}

enum err backup_put_row(struct backup_writer *w, uint8_t table, struct bytes key, struct bytes value)
{
    if (key.len == 0 || key.len > BACKUP_KEY_MAX || value.len > BACKUP_VALUE_MAX)
        return err_set(ERR_LIMIT, _("a record of %zu bytes is too long for a backup"), value.len);
    backup_record_row(&w->record, table, key, value);
    w->rows++;
    return put_record(w);
}

enum err backup_put_file(struct backup_writer *w, const char *name, struct bytes content)
{
    if (strlen(name) > BACKUP_NAME_MAX || !backup_name_is_safe(name) || content.len > BACKUP_FILE_MAX)
        return err_set(ERR_INVALID, _("%s: a file of this name or size cannot be part of a backup"), name);
    backup_record_file(&w->record, name, content);
    w->files++;
    return put_record(w);
}

static enum err move_into_place(struct backup_writer *w)
{
    if (folder_rename(w->part, w->path, w->may_exist) != 0)
        return errno == EEXIST
                   ? err_set(ERR_EXISTS, _("%s: the file exists already; a backup never replaces another"), w->path)
                   : from_errno(w->path);
    return folder_sync_of(w->path);
}

static enum err finish(struct backup_writer *w, struct backup_written *out)
{
    enum err e;

    backup_record_end(&w->record, w->files, w->rows);
    if ((e = buf_status(&w->record)) != OK || (e = compress(w, ZSTD_e_end)) != OK || (e = put_chunks(w, true)) != OK)
        return e;
    if (fsync(w->fd) != 0)
        return from_errno(w->part);
    if ((e = move_into_place(w)) != OK)
        return e;
    out->bytes = w->bytes;
    out->rows = w->rows;
    out->files = w->files;
    digest_stream_end(w->digest, out->digest);
    memcpy(out->key, w->key, KEY_BYTES);
    return OK;
}

enum err backup_finish(struct backup_writer *w, struct backup_written *out)
{
    enum err e = finish(w, out);

    if (e != OK)
        backup_drop(w);
    else
        writer_free(w);
    return e;
}

uint64_t backup_written_bytes(const struct backup_writer *w)
{
    return w->bytes;
}
