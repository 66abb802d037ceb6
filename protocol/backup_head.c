#include "protocol/backup_internal.h"

#include "common/cli.h"
#include "protocol/fields.h"

#include <string.h>

#define HEAD_FIELDS 9u

/* [district, kind, participant, made, lsn, chain, recovery key, ephemeral key, certificate] */
enum err backup_head_make(struct buf *out, const struct backup_head *h, const struct key *sign)
{
    struct buf payload;
    enum err e;

    buf_init(&payload, BACKUP_HEAD_MAX);
    mp_put_array(&payload, HEAD_FIELDS);
    mp_put_bin(&payload, h->district, sizeof(h->district));
    mp_put_uint(&payload, h->kind);
    mp_put_cstr(&payload, h->participant);
    mp_put_int(&payload, h->made_ms);
    mp_put_uint(&payload, h->lsn);
    mp_put_bin(&payload, h->chain, sizeof(h->chain));
    mp_put_bin(&payload, h->recovery, sizeof(h->recovery));
    mp_put_bin(&payload, h->ephemeral, sizeof(h->ephemeral));
    mp_put_bin(&payload, h->certificate, h->certificate_len);
    if ((e = buf_status(&payload)) == OK)
        e = signed_make(out, SIGNED_BACKUP, bytes_of(payload.data, payload.len), sign);
    buf_fini(&payload);
    return e;
}

static enum err read_payload(struct backup_head *out, struct bytes payload)
{
    struct mp m = mp_of(payload);
    size_t unknown = fields_begin(&m, HEAD_FIELDS);
    struct bytes certificate;

    mp_bin_exact(&m, out->district, sizeof(out->district));
    out->kind = (enum backup_kind)fields_u32(&m, BACKUP_HUB, BACKUP_AGENT);
    mp_text(&m, out->participant, 0, ID_MAX);
    out->made_ms = fields_time(&m);
    out->lsn = mp_uint(&m, UINT64_MAX);
    mp_bin_exact(&m, out->chain, sizeof(out->chain));
    mp_bin_exact(&m, out->recovery, sizeof(out->recovery));
    mp_bin_exact(&m, out->ephemeral, sizeof(out->ephemeral));
    certificate = mp_bin(&m, BACKUP_CERTIFICATE);
    fields_end(&m, unknown);
    if (!m.failed && certificate.len > 0)
        memcpy(out->certificate, certificate.p, certificate.len);
    out->certificate_len = m.failed ? 0 : certificate.len;
    if (!m.failed && (out->kind == BACKUP_AGENT) != id_is_valid(out->participant))
        m.failed = true;
    return fields_done(&m, "backup");
}

enum err backup_head_read(struct backup_head *out, struct bytes object)
{
    struct bytes payload;
    enum err e = signed_open(&payload, object, SIGNED_BACKUP, NULL);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    if ((e = read_payload(out, payload)) != OK) {
        memset(out, 0, sizeof(*out));
        return e;
    }
    memcpy(out->signer, signed_signer(object), KEY_BYTES);
    return OK;
}

enum err backup_check_signer(const struct backup_head *h, const uint8_t root[KEY_BYTES])
{
    struct certificate c;

    if (h->kind == BACKUP_HUB && certificate_open(&c, bytes_of(h->certificate, h->certificate_len), root) == OK &&
        memcmp(c.district, h->district, sizeof(c.district)) == 0 && digest_equal(c.hub_sign, h->signer))
        return OK;
    return err_set(ERR_AUTH, _("it was not made by this district's hub: it is forged, or another district's"));
}
