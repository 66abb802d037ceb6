#include "agent/queue_proof.h"

#include "agent/queue_internal.h"
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX 1024u
#define KEY_FORMAT      "certificate/%02x%02x%02x%02x%02x%02x%02x%02x"

/* ---- certificates ---- */

static void certificate_key(char out[32], const uint8_t s[KEY_BYTES])
{
    (void)snprintf(out, 32, KEY_FORMAT, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
}

/* The certificate in the directory at hand. */
static enum err current_certificate(const struct agent *a, struct store_txn *t, struct buf *out)
{
    struct buf directory;
    struct bytes certificate;
    enum err e;

    buf_init(&directory, SIGNED_MAX);
    if ((e = agent_meta_get(a, t, "directory", &directory)) == OK &&
        (e = directory_certificate(bytes_of(directory.data, directory.len), &certificate)) == OK) {
        buf_reset(out);
        buf_put(out, certificate.p, certificate.len);
        e = buf_status(out);
    }
    buf_fini(&directory);
    return e;
}

enum err queue_keep_certificate(const struct agent *a, struct store_txn *t, const uint8_t signer[KEY_BYTES])
{
    struct buf b;
    char key[32];
    enum err e;

    certificate_key(key, signer);
    buf_init(&b, CERTIFICATE_MAX);
    e = agent_meta_get(a, t, key, &b);
    if (e == ERR_NOT_FOUND && memcmp(signer, a->directory->hub_sign, KEY_BYTES) == 0 &&
        (e = current_certificate(a, t, &b)) == OK)
        e = agent_meta_put(a, t, key, bytes_of(b.data, b.len));
    buf_fini(&b);
    return e == ERR_NOT_FOUND ? OK : e; /* of a key before the one at hand: no certificate any more */
}

static enum err certificate_of(const struct agent *a, const uint8_t signer[KEY_BYTES], struct buf *out)
{
    char key[32];
    enum err e;

    certificate_key(key, signer);
    if ((e = agent_meta_get(a, NULL, key, out)) == ERR_NOT_FOUND &&
        memcmp(signer, a->directory->hub_sign, KEY_BYTES) == 0)
        e = current_certificate(a, NULL, out);
    if (e == ERR_NOT_FOUND)
        e = err_set(e, _("the certificate of the key that signed this receipt is not here any more"));
    return e;
}

/* ---- receipts ---- */

void queue_proof_fini(struct queue_proof *p)
{
    buf_fini(&p->receipt);
    buf_fini(&p->certificate);
    free(p->numbers);
    free(p->digests);
    record_tree_fini(&p->tree);
    memset(p, 0, sizeof(*p));
}

static enum err find_receipt(const struct agent *a, const struct record_ref *ref, struct queue_proof *p)
{
    struct store_txn *t = NULL;
    struct bytes object = {NULL, 0};
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    for (e = batch_row_at(t, &ref->gen, 0, &p->batch, &object); e == OK && p->batch.last_number < ref->number;)
        e = batch_row_at(t, &ref->gen, p->batch.sequence + 1, &p->batch, &object);
    if (e == OK && (p->batch.first_number > ref->number || object.len == 0))
        e = ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        e = past_batch(t, ref, &p->batch, &object);
    if (e == OK) {
        buf_put(&p->receipt, object.p, object.len);
        e = buf_status(&p->receipt);
    }
    store_abort(t);
    return e;
}

static enum err add_past(void *ctx, const struct queue_past *past)
{
    struct queue_proof *p = ctx;

    if (p->count == p->batch.records)
        return err_set(ERR_CORRUPT, _("batch %llu is not whole any more"), (unsigned long long)p->batch.sequence);
    p->numbers[p->count] = past->ref.number;
    memcpy(p->digests[p->count++], past->digest, DIGEST_BYTES);
    return OK;
}

/* Of the front of a batch the content may be gone; what stays of it is its digests. */
static enum err read_past(const struct agent *a, struct queue_proof *p)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    e = past_each(a, t, &p->batch.gen, p->batch.first_number, p->batch.last_number, add_past, p);
    store_abort(t);
    return e;
}

static enum err read_records(const struct agent *a, struct queue_proof *p)
{
    struct record_ref from = {p->batch.gen, p->batch.first_number};
    struct queue_reader *r = NULL;
    struct queue_item item;
    enum err e;

    p->numbers = calloc(p->batch.records + 1u, sizeof(*p->numbers));
    p->digests = calloc(p->batch.records + 1u, sizeof(*p->digests));
    if (p->numbers == NULL || p->digests == NULL)
        return ERR_NOMEM;
    if ((e = read_past(a, p)) != OK || (e = queue_reader_open(&r, a, &from)) != OK)
        return e;
    while (p->count < p->batch.records && (e = queue_reader_next(r, &item)) == OK &&
           generation_compare(&item.ref.gen, &p->batch.gen) == 0 && item.ref.number <= p->batch.last_number) {
        p->numbers[p->count] = item.ref.number;
        digest(p->digests[p->count++], item.record);
    }
    queue_reader_close(r);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err build_tree(struct queue_proof *p)
{
    enum err e = record_tree_init(&p->tree, p->count);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < p->count; i++)
        record_tree_leaf(p->tree.nodes[i], p->numbers[i], p->digests[i]);
    record_tree_build(&p->tree);
    return OK;
}

enum err queue_proof_of(const struct agent *a, const struct record_ref *ref, struct queue_proof *out)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&out->receipt, SIGNED_MAX);
    buf_init(&out->certificate, CERTIFICATE_MAX);
    if ((e = find_receipt(a, ref, out)) == OK && (e = read_records(a, out)) == OK && out->count != out->batch.records)
        e = err_set(ERR_CORRUPT, _("batch %llu is not whole any more"), (unsigned long long)out->batch.sequence);
    if (e == OK)
        e = build_tree(out);
    if (e == OK)
        e = certificate_of(a, signed_signer(bytes_of(out->receipt.data, out->receipt.len)), &out->certificate);
    if (e != OK)
        queue_proof_fini(out);
    return e;
}

static uint32_t place_of(const struct queue_proof *p, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = p->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->numbers[low] == number ? low : p->count;
}

enum err queue_prove(const struct queue_proof *p, const struct receipt *r, uint64_t number, struct proof_record *out)
{
    uint8_t root[DIGEST_BYTES];
    uint32_t at = place_of(p, number);

    memset(out, 0, sizeof(*out));
    if (at == p->count)
        return ERR_NOT_FOUND;
    if (!r->has_records)
        return err_set(ERR_VERSION, _("this receipt was given before receipts spoke of single submissions"));
    out->number = number;
    memcpy(out->digest, p->digests[at], DIGEST_BYTES);
    out->index = at;
    out->count = p->count;
    out->path_len = record_tree_path(&p->tree, at, out->path);
    record_tree_root(&p->tree, root);
    return digest_equal(root, r->records)
               ? OK
               : err_set(ERR_CORRUPT, _("what is kept here is not what the district confirmed"));
}

/* ---- generations ---- */

enum err queue_every_generation(const struct agent *a, struct generation *out, size_t max, size_t *count)
{
    struct store_txn *t = NULL;
    struct gen_row row;
    enum err e = store_begin_read(a->store, &t);

    *count = 0;
    if (e != OK)
        return e;
    for (e = gen_row_next(t, NULL, &row); e == OK && *count < max; e = gen_row_next(t, &row.gen, &row))
        out[(*count)++] = row.gen;
    store_abort(t);
    return e == ERR_NOT_FOUND ? OK : e;
}
