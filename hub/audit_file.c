/* audit_file.c: the audit in one file (docs/audit.md):
 *   "SVDA" | version 1 | district 16 | root key 32 | rows | row 0 | BLAKE2b-256 of all before it
 *   row: kind u8 (1 certificate, 2 entry, 3 head) | number u64 | length u32 | bytes;  0 alone ends them
 * The digest finds a damaged or cut file; who wrote it, the heads prove. */
#include "hub/audit.h"

#include "common/cli.h"

#include <string.h>

#define MAGIC   "SVDA"
#define VERSION 1u
#define END     0u

struct writing {
    struct buf *out;
    uint64_t entries;
};

static enum err put_row(void *ctx, enum audit_row kind, uint64_t number, struct bytes bytes)
{
    struct writing *w = ctx;

    buf_put_u8(w->out, (uint8_t)kind);
    buf_put_u64(w->out, number);
    buf_put_u32(w->out, (uint32_t)bytes.len);
    buf_put(w->out, bytes.p, bytes.len);
    w->entries += kind == AUDIT_ROW_ENTRY ? 1 : 0;
    return buf_status(w->out);
}

enum err audit_export(struct hub *h, struct store_txn *t, struct buf *out, uint64_t *entries)
{
    struct writing w = {.out = out};
    uint8_t sum[DIGEST_BYTES];
    enum err e;

    buf_put(out, MAGIC, 4);
    buf_put_u8(out, VERSION);
    buf_put(out, h->district, DISTRICT_BYTES);
    buf_put(out, h->root, KEY_BYTES);
    if ((e = audit_walk(t, 0, put_row, &w)) != OK)
        return e;
    buf_put_u8(out, END);
    if ((e = buf_status(out)) != OK)
        return e;
    digest(sum, bytes_of(out->data, out->len));
    buf_put(out, sum, sizeof(sum));
    *entries = w.entries;
    return buf_status(out);
}

static enum err damaged(void)
{
    return err_set(ERR_MALFORMED, _("the file is damaged or cut off; take another copy"));
}

static bool length_is_right(enum audit_row kind, uint32_t len)
{
    switch (kind) {
    case AUDIT_ROW_CERTIFICATE: return len <= SIGNED_MAX;
    case AUDIT_ROW_ENTRY: return len <= AUDIT_ENTRY_MAX;
    case AUDIT_ROW_HEAD: return len <= AUDIT_HEAD_MAX;
    }
    return false;
}

static enum err read_rows(struct rd *r, audit_each each, void *ctx)
{
    enum err e;

    for (;;) {
        uint8_t kind = rd_u8(r);
        uint64_t number;
        uint32_t len;
        const uint8_t *bytes;

        if (r->failed || kind > AUDIT_ROW_HEAD)
            return damaged();
        if (kind == END)
            return rd_left(r) == 0 ? OK : damaged();
        number = rd_u64(r);
        len = rd_u32(r);
        if (r->failed || !length_is_right((enum audit_row)kind, len) || (bytes = rd_bytes(r, len)) == NULL)
            return damaged();
        if ((e = each(ctx, (enum audit_row)kind, number, bytes_of(bytes, len))) != OK)
            return e;
    }
}

enum err audit_file_read(struct audit_file_head *out, struct bytes file, audit_each each, void *ctx)
{
    struct rd r = rd_of(file.p, file.len < DIGEST_BYTES ? 0 : file.len - DIGEST_BYTES);
    const uint8_t *magic = rd_bytes(&r, 4);
    uint8_t version = rd_u8(&r);
    const uint8_t *district = rd_bytes(&r, DISTRICT_BYTES);
    const uint8_t *root = rd_bytes(&r, KEY_BYTES);
    uint8_t sum[DIGEST_BYTES];

    if (magic == NULL || memcmp(magic, MAGIC, 4) != 0)
        return err_set(ERR_MALFORMED, _("this is not a file of `svodka-hub audit export`"));
    if (district == NULL || root == NULL)
        return damaged();
    if (version != VERSION)
        return err_set(ERR_VERSION, _("the file is of version %u, this program knows %u"), version, VERSION);
    digest(sum, bytes_of(file.p, file.len - DIGEST_BYTES));
    if (!digest_equal(sum, file.p + file.len - DIGEST_BYTES))
        return damaged();
    memcpy(out->district, district, DISTRICT_BYTES);
    memcpy(out->root, root, KEY_BYTES);
    return each == NULL ? OK : read_rows(&r, each, ctx);
}
