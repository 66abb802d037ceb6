#include "protocol/proof.h"

#include "common/cli.h"
#include "protocol/armour.h"
#include "protocol/directory.h"
#include "protocol/fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX 1024u
#define BODY_FIELDS     1u
#define RECEIPT_PARTS   3u
#define RECORD_PARTS    6u
#define BODY_MAX        ((size_t)PROOF_TEXT_MAX / 4 * 3)

static const struct armour proof_kind = {.name = "receipt",
                                         .domain = "svodka receipt file v1",
                                         .wrong = N_("This is not a receipt of a district's hub: there is no line "
                                                     "\"svodka receipt 1\" in it"),
                                         .max = PROOF_TEXT_MAX};

/* ---- writing ---- */

struct proof_maker {
    struct buf done;    /* receipts with their records, one after another */
    struct buf receipt; /* certificate and receipt at hand */
    struct buf records; /* of it */
    uint32_t receipts, records_here, records_total;
};

enum err proof_maker_new(struct proof_maker **out)
{
    struct proof_maker *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return ERR_NOMEM;
    buf_init(&m->done, BODY_MAX);
    buf_init(&m->receipt, BODY_MAX);
    buf_init(&m->records, BODY_MAX);
    *out = m;
    return OK;
}

void proof_maker_free(struct proof_maker *m)
{
    if (m == NULL)
        return;
    buf_wipe(&m->done); /* the school may show its answers */
    buf_wipe(&m->records);
    buf_fini(&m->receipt);
    free(m);
}

static enum err end_receipt(struct proof_maker *m)
{
    if (m->receipt.len == 0)
        return OK;
    mp_put_array(&m->done, RECEIPT_PARTS);
    buf_put(&m->done, m->receipt.data, m->receipt.len);
    mp_put_array(&m->done, m->records_here);
    buf_put(&m->done, m->records.data, m->records.len);
    buf_reset(&m->receipt);
    buf_reset(&m->records);
    m->records_here = 0;
    return buf_status(&m->done);
}

enum err proof_add_receipt(struct proof_maker *m, struct bytes certificate, struct bytes receipt)
{
    enum err e = end_receipt(m);

    if (e != OK)
        return e;
    if (m->receipts++ == PROOF_MAX_RECEIPTS)
        return err_set(ERR_LIMIT, _("a file holds at most %u receipts: name a shorter period or a single submission"),
                       PROOF_MAX_RECEIPTS);
    mp_put_bin(&m->receipt, certificate.p, certificate.len);
    mp_put_bin(&m->receipt, receipt.p, receipt.len);
    return buf_status(&m->receipt);
}

enum err proof_add_record(struct proof_maker *m, const struct proof_record *r)
{
    if (m->records_total++ == PROOF_MAX_RECORDS)
        return err_set(ERR_LIMIT, _("a file holds at most %u submissions"), PROOF_MAX_RECORDS);
    m->records_here++;
    mp_put_array(&m->records, RECORD_PARTS);
    mp_put_uint(&m->records, r->number);
    mp_put_bin(&m->records, r->digest, DIGEST_BYTES);
    mp_put_bin(&m->records, r->shown.p, r->shown.len);
    mp_put_uint(&m->records, r->index);
    mp_put_uint(&m->records, r->count);
    mp_put_bin(&m->records, r->path, (size_t)r->path_len * DIGEST_BYTES);
    return buf_status(&m->records);
}

static void put_notes(struct buf *notes, const char *hub_name, const char *school_name)
{
    armour_note(notes, "Расписка в получении: ", school_name);
    armour_note(notes, "Кто принял: ", hub_name);
    armour_note(notes, "Проверить: ", "svodka-hub receipt check ФАЙЛ --root ОТПЕЧАТОК");
    armour_note(notes, "", "");
    armour_note(notes, "Receipt for: ", school_name);
    armour_note(notes, "Received by: ", hub_name);
    armour_note(notes, "To check it: ", "svodka-hub receipt check FILE --root FINGERPRINT");
}

enum err proof_write(struct proof_maker *m, const char *hub_name, const char *school_name, struct buf *text)
{
    struct buf notes, body;
    enum err e = end_receipt(m);

    buf_init(&notes, 4096);
    buf_init(&body, BODY_MAX);
    mp_put_array(&body, BODY_FIELDS);
    mp_put_array(&body, m->receipts);
    buf_put(&body, m->done.data, m->done.len);
    put_notes(&notes, hub_name, school_name);
    if (e == OK && (e = buf_status(&notes)) == OK && (e = buf_status(&body)) == OK)
        e = armour_write(text, &proof_kind, bytes_of(notes.data, notes.len), bytes_of(body.data, body.len));
    buf_fini(&notes);
    buf_wipe(&body);
    return e;
}

/* ---- checking ---- */

/* As people type it: any case, with or without hyphens and blanks. */
static bool is_fingerprint_of(const char *typed, const uint8_t key[KEY_BYTES])
{
    char real[40];
    size_t at = 0;

    fingerprint(real, key);
    for (; *typed != '\0'; typed++) {
        if (*typed == '-' || isspace((unsigned char)*typed))
            continue;
        while (real[at] == '-')
            at++;
        if (real[at] == '\0' || toupper((unsigned char)*typed) != real[at])
            return false;
        at++;
    }
    return real[at] == '\0';
}

/* The hub's signing key that the root with that fingerprint vouches for. */
static enum err open_certificate(struct certificate *out, struct bytes object, const char *root_fingerprint)
{
    const uint8_t *root = signed_signer(object);

    if (root == NULL || !is_fingerprint_of(root_fingerprint, root))
        return err_set(ERR_AUTH, _("the receipt is not of the district with this fingerprint"));
    return certificate_open(out, object, root);
}

static void read_record(struct mp *m, struct proof_record *out)
{
    size_t unknown = fields_begin(m, RECORD_PARTS);
    struct bytes path;

    memset(out, 0, sizeof(*out));
    out->number = fields_u64(m, 1, INT64_MAX);
    mp_bin_exact(m, out->digest, DIGEST_BYTES);
    out->shown = mp_bin(m, RECORD_MAX);
    out->index = fields_u32(m, 0, BATCH_MAX_RECORDS - 1);
    out->count = fields_u32(m, 1, BATCH_MAX_RECORDS);
    path = mp_bin(m, (size_t)RECORD_TREE_PATH_MAX * DIGEST_BYTES);
    if (path.len % DIGEST_BYTES != 0)
        m->failed = true;
    if (m->failed)
        return;
    out->path_len = (uint32_t)(path.len / DIGEST_BYTES);
    if (path.len > 0)
        memcpy(out->path, path.p, path.len);
    fields_end(m, unknown);
}

static enum err check_record(const struct receipt *r, const struct proof_record *at)
{
    uint8_t leaf[DIGEST_BYTES];
    uint8_t root[DIGEST_BYTES];
    uint8_t shown[DIGEST_BYTES];

    if (at->shown.len > 0) {
        digest(shown, at->shown);
        if (!digest_equal(shown, at->digest))
            return err_set(ERR_AUTH, _("submission %llu: the answers that are shown are not those of the receipt"),
                           (unsigned long long)at->number);
    }
    record_tree_leaf(leaf, at->number, at->digest);
    if (!r->has_records ||
        !record_tree_climb(root, leaf, at->index, at->count, (const uint8_t(*)[DIGEST_BYTES])at->path, at->path_len) ||
        !digest_equal(root, r->records))
        return err_set(ERR_AUTH, _("submission %llu is not among those that this receipt confirms"),
                       (unsigned long long)at->number);
    return OK;
}

struct checking {
    const char *root;
    enum err (*each)(void *ctx, const struct receipt *r, const struct proof_record *at);
    void *ctx;
};

/* `each` NULL: only checked. */
static enum err read_records(struct mp *m, const struct receipt *r, const struct checking *c, uint32_t *total)
{
    size_t count = mp_array(m, 0, PROOF_MAX_RECORDS);
    enum err e = OK;

    for (size_t i = 0; e == OK && i < count && !m->failed; i++) {
        struct proof_record at;

        read_record(m, &at);
        if (m->failed)
            break;
        if (++*total > PROOF_MAX_RECORDS)
            return err_set(ERR_LIMIT, _("a file holds at most %u submissions"), PROOF_MAX_RECORDS);
        if ((e = check_record(r, &at)) == OK && c->each != NULL)
            e = c->each(c->ctx, r, &at);
    }
    return e;
}

static enum err read_receipt(struct mp *m, const struct checking *c, uint32_t *total)
{
    size_t unknown = fields_begin(m, RECEIPT_PARTS);
    struct bytes certificate = mp_bin(m, CERTIFICATE_MAX);
    struct bytes object = mp_bin(m, SIGNED_MAX);
    struct certificate by;
    struct receipt r;
    enum err e;

    if (m->failed)
        return OK; /* the caller says so */
    if ((e = open_certificate(&by, certificate, c->root)) != OK || (e = receipt_open(&r, object, by.hub_sign)) != OK)
        return e;
    if (memcmp(r.district, by.district, sizeof(r.district)) != 0)
        e = err_set(ERR_AUTH, _("the receipt is of another district than its certificate"));
    if (e == OK)
        e = read_records(m, &r, c, total);
    fields_end(m, unknown);
    receipt_fini(&r);
    return e;
}

static enum err read_body(struct bytes body, const struct checking *c)
{
    struct mp m = mp_of(body);
    size_t unknown = fields_begin(&m, BODY_FIELDS);
    size_t count = mp_array(&m, 1, PROOF_MAX_RECEIPTS);
    uint32_t total = 0;
    enum err e = OK;

    for (size_t i = 0; e == OK && i < count && !m.failed; i++)
        e = read_receipt(&m, c, &total);
    fields_end(&m, unknown);
    return e == OK ? fields_done(&m, "receipt file") : e;
}

enum err proof_check(struct bytes text, const char *root_fingerprint,
                     enum err (*each)(void *ctx, const struct receipt *r, const struct proof_record *at), void *ctx)
{
    struct checking c = {root_fingerprint, NULL, ctx};
    struct buf body;
    enum err e;

    buf_init(&body, BODY_MAX);
    if ((e = armour_read(&body, &proof_kind, text)) == OK && (e = read_body(bytes_of(body.data, body.len), &c)) == OK) {
        c.each = each; /* now that all of it is believed */
        e = read_body(bytes_of(body.data, body.len), &c);
    }
    buf_wipe(&body);
    return e;
}
