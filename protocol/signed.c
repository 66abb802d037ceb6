#include "protocol/signed.h"

#include "common/cli.h"

#include <string.h>

#define MAGIC          "SVDO"
#define SIGNED_VERSION 1u
#define HEAD_BYTES     10u

/* A signature given for one purpose is worth nothing for another. */
static const char *domain_of(enum signed_type type)
{
    switch (type) {
    case SIGNED_CERTIFICATE: return "svodka certificate v1";
    case SIGNED_DIRECTORY: return "svodka directory v1";
    case SIGNED_GRANT: return "svodka grant v1";
    case SIGNED_RECEIPT: return "svodka receipt v1";
    case SIGNED_RECONCILE: return "svodka reconcile v1";
    case SIGNED_ENROL: return "svodka enrol v1";
    case SIGNED_SNAPSHOT: return "svodka snapshot v1";
    case SIGNED_CHECKPOINT: return "svodka checkpoint v1";
    case SIGNED_PUBLICATION: return "svodka publication v1";
    case SIGNED_NOTICE: return "svodka notice v1";
    case SIGNED_HISTORY: return "svodka history v1";
    case SIGNED_BUNDLE: return "svodka bundle v1";
    case SIGNED_ACT: return "svodka act v1";
    case SIGNED_BACKUP: return "svodka backup v1";
    case SIGNED_AUDIT: return "svodka audit v1";
    case SIGNED_FIGURES: return "svodka figures v1";
    }
    return NULL;
}

/* The domain without its version, for sentences. */
static const char *name_of(enum signed_type type)
{
    switch (type) {
    case SIGNED_CERTIFICATE: return "certificate";
    case SIGNED_DIRECTORY: return "directory";
    case SIGNED_GRANT: return "grant";
    case SIGNED_RECEIPT: return "receipt";
    case SIGNED_RECONCILE: return "reconcile answer";
    case SIGNED_ENROL: return "enrolment request";
    case SIGNED_SNAPSHOT: return "snapshot";
    case SIGNED_CHECKPOINT: return "checkpoint";
    case SIGNED_PUBLICATION: return "publication";
    case SIGNED_NOTICE: return "notice";
    case SIGNED_HISTORY: return "history page";
    case SIGNED_BUNDLE: return "list of a file's parts";
    case SIGNED_ACT: return "act of erasure";
    case SIGNED_BACKUP: return "backup";
    case SIGNED_AUDIT: return "head of the audit";
    case SIGNED_FIGURES: return "figures";
    }
    return "signed object";
}

enum err signed_make(struct buf *out, enum signed_type type, struct bytes payload, const struct key *sign)
{
    const char *domain = domain_of(type);
    struct bytes nothing = {NULL, 0};
    uint8_t signature[SIGNATURE_BYTES];
    size_t start = out->len;
    enum err e;

    if (domain == NULL || key_kind(sign) != KEY_SIGN)
        return err_set(ERR_INTERNAL, "signed object: wrong type or a key that does not sign");
    if (payload.len > SIGNED_MAX - SIGNED_OVERHEAD)
        return err_set(ERR_LIMIT, "%s: %zu bytes, the limit is %u", name_of(type), payload.len + SIGNED_OVERHEAD,
                       SIGNED_MAX);
    buf_put(out, MAGIC, 4);
    buf_put_u8(out, SIGNED_VERSION);
    buf_put_u8(out, (uint8_t)type);
    buf_put_u32(out, (uint32_t)payload.len);
    buf_put(out, payload.p, payload.len);
    buf_put(out, key_public(sign), KEY_BYTES);
    if ((e = buf_status(out)) != OK)
        goto undo;
    if ((e = key_sign(sign, domain, bytes_of(out->data + start, out->len - start), nothing, signature)) != OK)
        goto undo;
    buf_put(out, signature, SIGNATURE_BYTES);
    if ((e = buf_status(out)) != OK)
        goto undo;
    return OK;
undo:
    out->len = start;
    return e;
}

/* Everything but the signature: size, magic, version, type, length, in this order. */
static enum err check_frame(struct bytes object, enum signed_type type)
{
    const char *name = name_of(type);

    if (object.len < SIGNED_OVERHEAD)
        return err_set(ERR_MALFORMED, "%s: %zu bytes, too short for a signed object", name, object.len);
    if (object.len > SIGNED_MAX)
        return err_set(ERR_LIMIT, "%s: %zu bytes, the limit is %u", name, object.len, SIGNED_MAX);
    if (memcmp(object.p, MAGIC, 4) != 0)
        return err_set(ERR_MALFORMED, "%s: does not begin with %s", name, MAGIC);
    if (object.p[4] != SIGNED_VERSION)
        return err_set(ERR_VERSION, "%s: signed object of version %u, this program knows %u", name, object.p[4],
                       SIGNED_VERSION);
    if (object.p[5] != (uint8_t)type)
        return err_set(ERR_AUTH, "%s: expected, but the object is of type %u", name, object.p[5]);
    if (be32_get(object.p + 6) != object.len - SIGNED_OVERHEAD)
        return err_set(ERR_MALFORMED, "%s: its length field and its size of %zu bytes differ", name, object.len);
    return OK;
}

enum err signed_open(struct bytes *payload, struct bytes object, enum signed_type type, const uint8_t *signer)
{
    struct bytes covered, nothing = {NULL, 0};
    const uint8_t *named;
    enum err e;

    if ((e = check_frame(object, type)) != OK)
        return e;
    named = signed_signer(object);
    if (signer != NULL && !digest_equal(named, signer))
        return err_set(ERR_AUTH, _("%s: signed by another key than expected"), name_of(type));
    covered = bytes_of(object.p, object.len - SIGNATURE_BYTES);
    if ((e = key_verify(named, domain_of(type), covered, nothing, object.p + covered.len)) != OK)
        return err_prefix(e, "%s", name_of(type));
    *payload = bytes_of(object.p + HEAD_BYTES, object.len - SIGNED_OVERHEAD);
    return OK;
}

const uint8_t *signed_signer(struct bytes object)
{
    if (object.p == NULL || object.len < SIGNED_OVERHEAD)
        return NULL;
    return object.p + object.len - SIGNATURE_BYTES - KEY_BYTES;
}
