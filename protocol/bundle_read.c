#include "protocol/bundle_internal.h"

#include "common/cli.h"
#include "common/folder.h"
#include "common/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INVITATION_BEGIN "svodka invitation"

struct bundle_reader {
    int fd;
    char path[FOLDER_PATH_MAX];
    enum bundle_direction direction;
    uint32_t total, done;
    uint64_t first, at; /* offsets: of the first part, of the next one */
    char label[BUNDLE_LABEL_MAX + 1];
    struct bundle_list list;
    struct buf part;
    struct buf object; /* the signed list, once reached */
    bool is_over;
};

/* Fewer than `len` only at the file's end. */
static enum err read_at(const struct bundle_reader *r, uint64_t at, void *out, size_t len, size_t *got)
{
    uint8_t *p = out;

    *got = 0;
    while (*got < len) {
        ssize_t n = pread(r->fd, p + *got, len - *got, (off_t)(at + *got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bundle_errno(errno, r->path);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return OK;
}

/* ---- the file itself ---- */

static enum err check_kind(const struct bundle_reader *r, const struct stat *st, uint64_t max_bytes)
{
    char most[64];

    if (S_ISDIR(st->st_mode))
        return err_set(ERR_INVALID, _("%s: this is a folder; name the files in it"), r->path);
    if (!S_ISREG(st->st_mode))
        return err_set(ERR_INVALID, _("%s: this is not a file but a device or a pipe"), r->path);
    if (st->st_size == 0)
        return err_set(ERR_MALFORMED, _("%s: the file is empty; write it again"), r->path);
    if ((uint64_t)st->st_size > max_bytes) {
        cli_format_bytes(most, sizeof(most), max_bytes);
        return err_set(ERR_LIMIT, _("%s: the file is larger than %s; see bundle.max_size"), r->path, most);
    }
    return OK;
}

static enum err open_file(struct bundle_reader *r, bool may_link, uint64_t max_bytes)
{
    struct stat st;

    /* A pipe without a writer must not hold us up. */
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (may_link ? 0 : O_NOFOLLOW));
    if (r->fd < 0 && errno == ELOOP)
        return err_set(ERR_INVALID, _("%s: this is a link to another file; put the file itself there"), r->path);
    if (r->fd < 0 && errno == ENXIO)
        return err_set(ERR_INVALID, _("%s: this is not a file but a device or a pipe"), r->path);
    if (r->fd < 0)
        return bundle_errno(errno, r->path);
    if (fstat(r->fd, &st) != 0)
        return bundle_errno(errno, r->path);
    return check_kind(r, &st, max_bytes);
}

/* ---- the head ---- */

#define ZIP_NAME_AT 30u /* of the first file in it */

static bool begins(const uint8_t *head, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && memcmp(head, with, n) == 0;
}

/* What mail programs and careful people put round a file.  A workbook is a zip as well, but not one to unpack. */
static bool is_packed(const uint8_t *head, size_t len)
{
    static const char *const documents[] = {"[Content_Types]", "_rels/", "docProps/", "xl/", "mimetype"};
    bool is_document = false;

    for (size_t i = 0; len > ZIP_NAME_AT && i < sizeof(documents) / sizeof(documents[0]); i++)
        is_document = is_document || begins(head + ZIP_NAME_AT, len - ZIP_NAME_AT, documents[i]);
    return (begins(head, len, "PK\003\004") && !is_document) || begins(head, len, "Rar!") ||
           begins(head, len, "7z\274\257\047\034") || begins(head, len, "\037\213");
}

static enum err not_a_bundle(const struct bundle_reader *r, const uint8_t *head, size_t len)
{
    if (is_packed(head, len))
        return err_set(
            ERR_MALFORMED,
            _("%s: the file is packed (zip or the like); unpack it, and take the file inside whose name ends "
              "in .svodka"),
            r->path);
    if (begins(head, len, INVITATION_BEGIN))
        return err_set(ERR_MALFORMED,
                       _("%s: this is an invitation: svodka-agent join takes it, at the school that it is for"),
                       r->path);
    return err_set(ERR_MALFORMED, _("%s: this is not a file of Svodka"), r->path);
}

/* What is shown to people: UTF-8 without control characters, or nothing. */
static void keep_label(struct bundle_reader *r, const uint8_t *label, size_t len)
{
    if (!utf8_is_valid((const char *)label, len))
        len = 0;
    for (size_t i = 0; i < len; i++)
        r->label[i] = (char)((label[i] < 0x20 && label[i] != '\n') || label[i] == 0x7f ? ' ' : label[i]);
    r->label[len] = '\0';
}

static enum err read_head(struct bundle_reader *r)
{
    uint8_t head[BUNDLE_HEAD + BUNDLE_LABEL_MAX];
    size_t got = 0;
    size_t label;
    enum err e = read_at(r, 0, head, sizeof(head), &got);

    if (e != OK)
        return e;
    if (got < 4 || memcmp(head, BUNDLE_MAGIC, 4) != 0)
        return not_a_bundle(r, head, got);
    if (got < BUNDLE_HEAD)
        return err_set(ERR_MALFORMED, _("%s: the file is cut off in its very beginning; nothing can be taken from it"),
                       r->path);
    if (head[4] != BUNDLE_VERSION)
        return err_set(ERR_VERSION, _("%s: the file was written by a newer program: install its new version here"),
                       r->path);
    r->direction = (enum bundle_direction)head[5];
    label = (size_t)head[6] << 8 | head[7];
    r->total = be32_get(head + BUNDLE_COUNT_AT);
    if (r->total == 0)
        return err_set(ERR_INVALID, _("%s: the writing of this file was not finished; write it again"), r->path);
    if ((r->direction != BUNDLE_UP && r->direction != BUNDLE_DOWN) || label > BUNDLE_LABEL_MAX ||
        r->total > BUNDLE_MAX_PARTS)
        return err_set(ERR_MALFORMED, _("%s: this is not a file of Svodka, or it is damaged"), r->path);
    if (got < BUNDLE_HEAD + label)
        return err_set(ERR_MALFORMED, _("%s: the file is cut off in its very beginning; nothing can be taken from it"),
                       r->path);
    digest(r->list.head, bytes_of(head, BUNDLE_HEAD + label));
    keep_label(r, head + BUNDLE_HEAD, label);
    r->first = r->at = BUNDLE_HEAD + label;
    return OK;
}

enum err bundle_open(struct bundle_reader **out, const char *path, bool may_link, uint64_t max_bytes)
{
    struct bundle_reader *r = calloc(1, sizeof(*r));
    enum err e = OK;

    if (r == NULL)
        return ERR_NOMEM;
    r->fd = -1;
    buf_init(&r->part, BUNDLE_PART_MAX + DIGEST_BYTES);
    buf_init(&r->object, SIGNED_MAX);
    if (snprintf(r->path, sizeof(r->path), "%s", path) >= (int)sizeof(r->path))
        e = err_set(ERR_LIMIT, _("%s: the path is too long"), path);
    if (e == OK && (e = open_file(r, may_link, max_bytes)) == OK)
        e = read_head(r);
    if (e != OK) {
        bundle_close(r);
        return e;
    }
    *out = r;
    return OK;
}

void bundle_close(struct bundle_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    buf_fini(&r->part);
    buf_fini(&r->object);
    free(r->list.entries);
    free(r);
}

enum bundle_direction bundle_direction(const struct bundle_reader *r)
{
    return r->direction;
}

const char *bundle_label(const struct bundle_reader *r)
{
    return r->label;
}

uint32_t bundle_total(const struct bundle_reader *r)
{
    return r->total;
}

uint32_t bundle_done(const struct bundle_reader *r)
{
    return r->done;
}

void bundle_rewind(struct bundle_reader *r)
{
    r->at = r->first;
    r->done = 0;
    r->list.count = 0;
    r->is_over = false;
    buf_reset(&r->object);
}

/* ---- parts ---- */

static enum bundle_state cut(struct bundle_reader *r)
{
    r->is_over = true;
    return BUNDLE_CUT;
}

/* The part's bytes and the digest behind them; *is_whole false: the file ends before. */
static enum err fill_part(struct bundle_reader *r, uint32_t length, bool *is_whole)
{
    size_t want = (size_t)length + DIGEST_BYTES;
    size_t got = 0;
    uint8_t *room;
    enum err e;

    buf_reset(&r->part);
    if ((room = buf_grow(&r->part, want)) == NULL)
        return ERR_NOMEM;
    e = read_at(r, r->at + BUNDLE_PART_HEAD, room, want, &got);
    *is_whole = got == want;
    return e;
}

static enum err take_list(struct bundle_reader *r, uint32_t length, enum bundle_state *state)
{
    buf_reset(&r->object);
    buf_put(&r->object, r->part.data, length);
    r->is_over = true;
    *state = BUNDLE_END;
    return buf_status(&r->object);
}

enum err bundle_read(struct bundle_reader *r, struct bundle_part *part, enum bundle_state *state)
{
    struct bundle_entry entry = {.kind = 0};
    uint8_t head[BUNDLE_PART_HEAD];
    uint8_t real[DIGEST_BYTES];
    bool is_last = r->done + 1 == r->total;
    bool is_whole = false;
    size_t got = 0;
    enum err e;

    *part = (struct bundle_part){BUNDLE_LIST, {NULL, 0}};
    *state = r->object.len > 0 ? BUNDLE_END : BUNDLE_CUT;
    if (r->is_over)
        return OK;
    if ((e = read_at(r, r->at, head, sizeof(head), &got)) != OK)
        return e;
    entry.kind = head[0];
    entry.length = be32_get(head + 1);
    /* Out of range: where the next part would begin is not known any more. */
    if (got < sizeof(head) || entry.length == 0 || entry.length > BUNDLE_PART_MAX || entry.kind == 0 ||
        (entry.kind == BUNDLE_LIST) != is_last) {
        *state = cut(r);
        return OK;
    }
    if ((e = fill_part(r, entry.length, &is_whole)) != OK)
        return e;
    if (!is_whole) {
        *state = cut(r);
        return OK;
    }
    memcpy(entry.digest, r->part.data + entry.length, DIGEST_BYTES);
    digest(real, bytes_of(r->part.data, entry.length));
    r->at += BUNDLE_PART_EXTRA + entry.length;
    r->done++;
    *state = digest_equal(real, entry.digest) ? BUNDLE_PART : BUNDLE_DAMAGED;
    if (is_last && *state == BUNDLE_DAMAGED) {
        *state = cut(r);
        return OK;
    }
    if (is_last)
        return take_list(r, entry.length, state);
    part->kind = (enum bundle_kind)entry.kind;
    part->bytes = bytes_of(r->part.data, entry.length);
    return bundle_list_add(&r->list, &entry);
}

enum err bundle_check(const struct bundle_reader *r, const uint8_t signer[KEY_BYTES], struct bundle_about *about)
{
    struct bundle_about a;
    enum err e;

    if (r->object.len == 0)
        return err_set(ERR_NOT_FOUND, "the file's list was not reached");
    if ((e = bundle_list_check(&a, &r->list, bytes_of(r->object.data, r->object.len), signer)) != OK)
        return e;
    if (a.direction != r->direction)
        return err_set(ERR_AUTH, _("the file was altered: its parts are not those that its signed list names"));
    *about = a;
    return OK;
}
