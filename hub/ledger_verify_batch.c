#include "hub/ledger_verify_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes blob_of(const struct verify_job *j)
{
    return bytes_of(j->blob.data, j->blob.len);
}

static enum err not_as_received(enum err e)
{
    return e == ERR_AUTH || e == ERR_MALFORMED || e == ERR_NOT_FOUND /* a changed name of a class */
               ? err_set(ERR_CORRUPT, _("the stored bytes of the batch are not those that were received"))
               : e;
}

static enum err check_header(const struct hub *hub, const struct verify_job *j, const struct batch_header *h,
                             const struct participant *who)
{
    const struct batch_entry *entry = &j->batch;

    if (memcmp(h->district, hub->district, sizeof(h->district)) != 0 || strcmp(h->participant, who->id) != 0 ||
        generation_compare(&h->gen, &entry->gen) != 0 || h->sequence != entry->sequence ||
        !digest_equal(h->sign_key, entry->sign_key))
        return err_set(ERR_CORRUPT, _("the entry and the batch's header differ"));
    return OK;
}

/* Of a batch of which something was erased the act vouches for what stayed (ledger_erase.h); the rest of its sections
 * open only under keys that are bound to its digest. */
static enum err check_bytes(const struct verify_job *j, const struct stored_batch *s, const struct stored_opened *o)
{
    struct bytes raw = bytes_of(o->raw.data, o->raw.len);
    uint8_t found[DIGEST_BYTES];

    if (!o->is_whole)
        return OK;
    batch_digest(found, raw);
    if (raw.len != j->batch.length || !digest_equal(found, j->batch.digest))
        return err_set(ERR_CORRUPT, _("the stored bytes of the batch are not those that were received"));
    return batch_verify(&s->header, raw, j->batch.sign_key);
}

static uint32_t count_records(const struct batch_header *h)
{
    uint32_t records = 0;

    for (uint32_t k = 0; k < h->section_count; k++)
        records += h->sections[k].records;
    return records;
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
    if (p->holes != NULL) /* something was erased: the digest over all records cannot be made again */
        memcpy(p->tree, r.records, DIGEST_BYTES);
    for (uint32_t k = 0; k < r.refusal_count; k++) {
        while (row < p->count && p->records[row].number < r.refusals[k].number)
            row++;
        if (row == p->count || p->records[row].number != r.refusals[k].number ||
            p->records[row].reason != (uint8_t)r.refusals[k].why.reason)
            continue;
        if ((e = prepared_note(p, &p->records[row], &r.refusals[k].why)) != OK)
            break;
    }
    receipt_fini(&r);
    return e;
}

static enum err replay_with(const struct hub *hub, struct intake *i, struct verify_job *j,
                            const struct participant *who, const struct stored_batch *s, struct stored_opened *o)
{
    struct prepared_verdicts verdicts = {NULL, count_records(&s->header), j->batch.state, j->batch.grant_version,
                                         false};
    struct batch_row row = {0};
    uint8_t *reasons = NULL;
    enum err e = OK;

    if (j->row.len == 0)
        e = err_set(ERR_CORRUPT, _("the batch is not in the table of batches"));
    else
        e = batch_row_get(&row, bytes_of(j->row.data, j->row.len));
    if (e == OK && (reasons = calloc(verdicts.count + 1u, 1)) == NULL)
        e = ERR_NOMEM;
    verdicts.reasons = reasons;
    if (e == OK && (e = verdicts_get(reasons, verdicts.count, j->batch.verdicts)) == OK &&
        (e = intake_replay(i, who, blob_of(j), s, o, j->batch.digest, &verdicts, &j->prepared)) == OK &&
        (e = take_texts(hub, row.receipt, j->prepared)) != OK) {
        prepared_free(j->prepared);
        j->prepared = NULL;
    }
    free(reasons);
    return e;
}

static enum err prepare_again(const struct hub *hub, struct intake *i, struct verify_job *j,
                              const struct participant *who)
{
    const struct stored_at at = {hub->storage_keys, j->batch.lsn, j->batch.school_year, j->batch.digest};
    struct stored_opened o;
    struct stored_batch s;
    enum err e = stored_parse(&s, blob_of(j));

    if (e != OK)
        return not_as_received(e);
    if ((e = not_as_received(stored_open(&o, &s, &at, ~0u))) == OK) {
        if ((e = check_bytes(j, &s, &o)) == OK && (e = check_header(hub, j, &s.header, who)) == OK)
            e = replay_with(hub, i, j, who, &s, &o);
        stored_opened_fini(&o);
    }
    stored_fini(&s);
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
