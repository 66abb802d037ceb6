#include "hub/audit.h"

#include "common/cli.h"

#include <string.h>

/* Entry, version 1: [1, wall ms int, who str, code str, subject str, detail str, digest of the one before bin 32].
 * To change it: raise the number and keep this reader. */
#define ENTRY_VERSION  1u
#define ENTRY_ELEMENTS 7u
#define HEAD_ELEMENTS  4u
#define FIELDS_MOST    32u

#define ENTRY_DOMAIN "svodka audit entry v1"
#define START_DOMAIN "svodka audit start v1"

enum err audit_entry_encode(struct buf *out, const struct audit_entry *e)
{
    mp_put_array(out, ENTRY_ELEMENTS);
    mp_put_uint(out, ENTRY_VERSION);
    mp_put_int(out, e->wall_ms);
    mp_put_cstr(out, e->who);
    mp_put_cstr(out, e->code);
    mp_put_cstr(out, e->subject);
    mp_put_cstr(out, e->detail);
    mp_put_bin(out, e->before, DIGEST_BYTES);
    return buf_status(out);
}

static bool code_is_valid(const char *code)
{
    return code[strspn(code, "abcdefghijklmnopqrstuvwxyz.-")] == '\0';
}

enum err audit_entry_decode(struct audit_entry *out, uint64_t number, struct bytes value)
{
    struct mp m = mp_of(value);
    size_t fields = value.len > AUDIT_ENTRY_MAX ? 0 : mp_array(&m, 1, FIELDS_MOST);
    uint64_t version = fields == 0 ? 0 : mp_uint(&m, UINT64_MAX);

    memset(out, 0, sizeof(*out));
    if (fields == 0 || m.failed)
        return err_set(ERR_MALFORMED, _("an entry of the audit is damaged"));
    if (version != ENTRY_VERSION)
        return err_set(ERR_VERSION, _("an entry of the audit is of version %llu, this program knows %u"),
                       (unsigned long long)version, ENTRY_VERSION);
    out->number = number;
    out->wall_ms = mp_int(&m);
    mp_text(&m, out->who, 1, AUDIT_WHO_MAX);
    mp_text(&m, out->code, 1, AUDIT_CODE_MAX);
    mp_text(&m, out->subject, 0, AUDIT_SUBJECT_MAX);
    mp_text(&m, out->detail, 0, AUDIT_DETAIL_MAX);
    mp_bin_exact(&m, out->before, DIGEST_BYTES);
    if (fields > ENTRY_ELEMENTS)
        mp_skip(&m, fields - ENTRY_ELEMENTS);
    if (fields < ENTRY_ELEMENTS || !mp_done(&m) || !code_is_valid(out->code)) {
        memset(out, 0, sizeof(*out));
        return err_set(ERR_MALFORMED, _("an entry of the audit is damaged"));
    }
    return OK;
}

/* The number is covered, so that an entry cannot be moved. */
void audit_entry_digest(uint8_t out[DIGEST_BYTES], uint64_t number, struct bytes value)
{
    uint8_t both[8 + AUDIT_ENTRY_MAX];
    size_t len = value.len > AUDIT_ENTRY_MAX ? AUDIT_ENTRY_MAX : value.len; /* longer ones are never decoded */

    be64_put(both, number);
    if (len > 0)
        memcpy(both + 8, value.p, len);
    digest_domain(out, ENTRY_DOMAIN, bytes_of(both, 8 + len));
}

void audit_start(uint8_t out[DIGEST_BYTES], const uint8_t district[DISTRICT_BYTES])
{
    digest_domain(out, START_DOMAIN, bytes_of(district, DISTRICT_BYTES));
}

/* ---- heads ---- */

enum err audit_head_make(struct buf *out, const struct audit_head *h, const struct key *sign)
{
    struct buf payload;
    enum err e;

    buf_init(&payload, AUDIT_HEAD_MAX);
    mp_put_array(&payload, HEAD_ELEMENTS);
    mp_put_bin(&payload, h->district, DISTRICT_BYTES);
    mp_put_uint(&payload, h->number);
    mp_put_bin(&payload, h->digest, DIGEST_BYTES);
    mp_put_int(&payload, h->wall_ms);
    if ((e = buf_status(&payload)) == OK)
        e = signed_make(out, SIGNED_AUDIT, bytes_of(payload.data, payload.len), sign);
    buf_fini(&payload);
    return e;
}

enum err audit_head_open(struct audit_head *out, struct bytes object, const uint8_t *signer)
{
    struct bytes payload;
    struct mp m;
    size_t fields;
    enum err e;

    memset(out, 0, sizeof(*out));
    if (object.len > AUDIT_HEAD_MAX)
        return err_set(ERR_MALFORMED, _("a signed head of the audit is damaged"));
    if ((e = signed_open(&payload, object, SIGNED_AUDIT, signer)) != OK)
        return e;
    m = mp_of(payload);
    fields = mp_array(&m, HEAD_ELEMENTS, FIELDS_MOST);
    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    out->number = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->digest, DIGEST_BYTES);
    out->wall_ms = mp_int(&m);
    if (fields > HEAD_ELEMENTS)
        mp_skip(&m, fields - HEAD_ELEMENTS);
    if (mp_done(&m) && out->number > 0)
        return OK;
    memset(out, 0, sizeof(*out));
    return err_set(ERR_MALFORMED, _("a signed head of the audit is damaged"));
}
