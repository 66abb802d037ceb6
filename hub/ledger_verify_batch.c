#include "hub/ledger_verify_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes blob_of(const struct verify_job *j)
{
    return bytes_of(j->blob.data, j->blob.len);
}

static enum err check_header(const struct hub *hub, const struct verify_job *j, const struct batch_header *h,
                             const struct participant *who)
{
    const struct batch_entry *entry = &j->batch;

    if (memcmp(h->district, hub->district, sizeof(h->district)) != 0 || strcmp(h->participant, who->id) != 0 ||
        generation_compare(&h->gen, &entry->gen) != 0 || h->sequence != entry->sequence ||
        !digest_equal(h->sign_key, entry->sign_key))
        return err_set(ERR_CORRUPT, _("the entry and the batch's header differ"));
    return batch_verify(h, blob_of(j), entry->sign_key);
}

/* Digest, header, signature and section keys. */
static enum err check_batch(const struct hub *hub, const struct verify_job *j, const struct participant *who,
                            struct section_keys *keys, uint32_t *records)
{
    const struct batch_entry *entry = &j->batch;
    uint8_t found[DIGEST_BYTES];
    struct batch_header h;
    enum err e;

    batch_digest(found, blob_of(j));
    if (j->blob.len != entry->length || !digest_equal(found, entry->digest))
        return err_set(ERR_CORRUPT, _("the stored bytes of the batch are not those that were received"));
    if ((e = batch_parse(&h, blob_of(j))) != OK)
        return e;
    if ((e = check_header(hub, j, &h, who)) == OK)
        e = section_keys_unwrap(keys, hub->storage, entry, &h);
    *records = 0;
    for (uint32_t k = 0; k < h.section_count; k++)
        *records += h.sections[k].records;
    batch_header_fini(&h);
    return e;
}

/* The words of the refusals are in the receipt only: they are not recomputed (they were written by the definitions of
 * that day), but the receipt's signature covers them. */
static enum err take_texts(const struct hub *hub, struct bytes object, struct prepared *p)
{
    struct receipt r;
    uint32_t row = 0;
    enum err e = receipt_open(&r, object, hub_signer(hub, object));

    if (e != OK)
        return e;
    for (uint32_t k = 0; k < r.refusal_count; k++) {
        while (row < p->count && p->records[row].number < r.refusals[k].number)
            row++;
        if (row == p->count || p->records[row].number != r.refusals[k].number ||
            p->records[row].reason != (uint8_t)r.refusals[k].reason)
            continue;
        p->records[row].text = (uint32_t)p->texts.len;
        buf_put(&p->texts, r.refusals[k].text, strlen(r.refusals[k].text) + 1);
    }
    receipt_fini(&r);
    return buf_status(&p->texts);
}

static enum err prepare_again(const struct hub *hub, struct intake *i, struct verify_job *j,
                              const struct participant *who)
{
    struct section_keys keys;
    struct prepared_verdicts verdicts = {NULL, 0, j->batch.state, j->batch.grant_version};
    struct batch_row row = {0};
    uint8_t *reasons = NULL;
    enum err e;

    if ((e = check_batch(hub, j, who, &keys, &verdicts.count)) != OK)
        return e;
    if (j->row.len == 0)
        e = err_set(ERR_CORRUPT, _("the batch is not in the table of batches"));
    else
        e = batch_row_get(&row, bytes_of(j->row.data, j->row.len));
    if (e == OK && (reasons = calloc(verdicts.count + 1u, 1)) == NULL)
        e = ERR_NOMEM;
    verdicts.reasons = reasons;
    if (e == OK && (e = verdicts_get(reasons, verdicts.count, j->batch.verdicts)) == OK &&
        (e = intake_replay(i, who, blob_of(j), &keys, &verdicts, &j->prepared)) == OK &&
        (e = take_texts(hub, row.receipt, j->prepared)) != OK) {
        prepared_free(j->prepared);
        j->prepared = NULL;
    }
    free(reasons);
    wipe(&keys, sizeof(keys));
    return e;
}

void verify_prepare(const struct hub *h, struct intake *i, struct verify_job *j)
{
    const struct participant *who = registry_by_index(h->registry, j->batch.participant);

    j->error = who == NULL ? err_set(ERR_CORRUPT, _("participant number %u is not registered"), j->batch.participant)
                           : prepare_again(h, i, j, who);
    if (j->error != OK)
        (void)snprintf(j->text, sizeof(j->text), "%s", err_text());
}
