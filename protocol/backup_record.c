#include "protocol/backup_record.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define PENDING_MAX (BACKUP_VALUE_MAX + (1u << 20))

struct backup_records {
    struct buf pending;
    size_t at; /* what lies before is used up */
    bool has_table[256];
    uint64_t files, rows;
    bool is_over;
};

/* ---- writing ---- */

void backup_record_table(struct buf *out, uint8_t table, const char *name)
{
    buf_put_u8(out, BACKUP_TABLE);
    buf_put_u8(out, table);
    buf_put_u8(out, (uint8_t)strlen(name));
    buf_put_str(out, name);
}

void backup_record_file(struct buf *out, const char *name, struct bytes content)
{
    buf_put_u8(out, BACKUP_FILE);
    buf_put_u8(out, (uint8_t)strlen(name));
    buf_put_str(out, name);
    buf_put_u32(out, (uint32_t)content.len);
    buf_put(out, content.p, content.len);
}

void backup_record_row(struct buf *out, uint8_t table, struct bytes key, struct bytes value)
{
    buf_put_u8(out, BACKUP_ROW);
    buf_put_u8(out, table);
    buf_put_u16(out, (uint16_t)key.len);
    buf_put(out, key.p, key.len);
    buf_put_u32(out, (uint32_t)value.len);
    buf_put(out, value.p, value.len);
}

void backup_record_end(struct buf *out, uint64_t files, uint64_t rows)
{
    buf_put_u8(out, BACKUP_END);
    buf_put_u64(out, files);
    buf_put_u64(out, rows);
}

/* ---- names ---- */

static bool is_name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

bool backup_name_is_safe(const char *name)
{
    bool at_start = true;

    for (const char *c = name; *c != '\0'; c++) {
        if (at_start && (*c == '.' || *c == '/'))
            return false;
        if (*c != '/' && !is_name_letter(*c))
            return false;
        at_start = *c == '/';
    }
    return !at_start;
}

/* ---- reading ---- */

enum err backup_records_new(struct backup_records **out)
{
    struct backup_records *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return ERR_NOMEM;
    buf_init(&r->pending, PENDING_MAX);
    *out = r;
    return OK;
}

void backup_records_free(struct backup_records *r)
{
    if (r == NULL)
        return;
    buf_wipe(&r->pending);
    free(r);
}

static enum err malformed(void)
{
    return err_set(ERR_MALFORMED, _("it opens, but what it holds is not a backup's"));
}

enum err backup_records_feed(struct backup_records *r, struct bytes piece)
{
    if (piece.len == 0)
        return OK;
    if (r->is_over)
        return malformed();
    if (r->at > 0) {
        memmove(r->pending.data, r->pending.data + r->at, r->pending.len - r->at);
        r->pending.len -= r->at;
        r->at = 0;
    }
    buf_put(&r->pending, piece.p, piece.len);
    return buf_status(&r->pending);
}

bool backup_records_is_over(const struct backup_records *r)
{
    return r->is_over && r->at == r->pending.len;
}

static enum err read_name(struct rd *rd, size_t len, char out[BACKUP_NAME_MAX + 1])
{
    const uint8_t *p = rd_bytes(rd, len);

    if (p == NULL)
        return OK; /* more must come */
    if (len == 0 || memchr(p, '\0', len) != NULL || !utf8_is_valid((const char *)p, len))
        return malformed();
    memcpy(out, p, len);
    out[len] = '\0';
    return OK;
}

/* Lengths are judged before their bytes are waited for. */
static enum err read_value(struct rd *rd, uint32_t max, struct bytes *out)
{
    uint32_t len = rd_u32(rd);

    if (rd->failed)
        return OK;
    if (len > max)
        return err_set(ERR_LIMIT, _("a record of the backup has %u bytes, the limit is %u"), len, max);
    out->len = len;
    out->p = rd_bytes(rd, len);
    return OK;
}

static enum err read_table(struct backup_records *r, struct rd *rd, struct backup_item *out)
{
    enum err e;

    out->table = rd_u8(rd);
    e = read_name(rd, rd_u8(rd), out->name);
    if (e != OK || rd->failed)
        return e;
    if (r->has_table[out->table])
        return malformed();
    r->has_table[out->table] = true;
    return OK;
}

static enum err read_row(struct backup_records *r, struct rd *rd, struct backup_item *out)
{
    uint16_t len;

    out->table = rd_u8(rd);
    len = rd_u16(rd);
    if (rd->failed)
        return OK;
    if (!r->has_table[out->table] || len == 0 || len > BACKUP_KEY_MAX)
        return malformed();
    out->key = bytes_of(rd_bytes(rd, len), len);
    return read_value(rd, BACKUP_VALUE_MAX, &out->value);
}

static enum err read_end(struct backup_records *r, struct rd *rd)
{
    uint64_t files = rd_u64(rd);
    uint64_t rows = rd_u64(rd);

    if (rd->failed)
        return OK;
    if (files != r->files || rows != r->rows || rd_left(rd) > 0)
        return malformed();
    r->is_over = true;
    return OK;
}

static enum err read_item(struct backup_records *r, struct rd *rd, struct backup_item *out)
{
    enum err e;

    switch (out->kind) {
    case BACKUP_TABLE: return read_table(r, rd, out);
    case BACKUP_FILE:
        e = read_name(rd, rd_u8(rd), out->name);
        return e == OK && !rd->failed ? read_value(rd, BACKUP_FILE_MAX, &out->value) : e;
    case BACKUP_ROW: return read_row(r, rd, out);
    case BACKUP_END: return read_end(r, rd);
    }
    return malformed();
}

enum err backup_records_next(struct backup_records *r, struct backup_item *out, bool *has)
{
    struct rd rd;
    enum err e;

    *has = false;
    memset(out, 0, sizeof(*out));
    if (r->is_over || r->at == r->pending.len)
        return OK;
    rd = rd_of(r->pending.data + r->at, r->pending.len - r->at);
    out->kind = (enum backup_item_kind)rd_u8(&rd);
    if ((e = read_item(r, &rd, out)) != OK || rd.failed)
        return e;
    r->at = r->pending.len - rd_left(&rd);
    r->files += out->kind == BACKUP_FILE;
    r->rows += out->kind == BACKUP_ROW;
    *has = true;
    return OK;
}
