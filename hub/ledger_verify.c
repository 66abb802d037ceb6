#include "hub/ledger.h"

#include "common/cli.h"
#include "hub/checkpoint.h"
#include "hub/closing.h"
#include "hub/intake.h"
#include "hub/ledger_compare.h"
#include "hub/ledger_internal.h"
#include "hub/ledger_scratch.h"
#include "hub/publish_store.h"
#include "hub/returns.h"

#include <stdlib.h>
#include <string.h>

/* The journal is read in short transactions, one an entry, so that a running core is not held up (long readers keep old
 * pages alive); only the comparison at the end holds one.  What is found wrong is printed and counted; only what stops
 * the check itself (memory, disk) is an error. */

#define SCRATCH_NAME  "verify.tmp"
#define GROUP_BATCHES 32u /* of one transaction in the scratch store */
#define GROUP_RECORDS 50000u
#define MISSING_MAX   100u /* entries in a row; a damaged head may promise any number */

struct verify {
    struct hub *hub;
    struct hub shadow; /* the same definitions and keys over the scratch store */
    struct ledger *ledger;
    struct intake *intake;
    struct compare report;
    struct store_txn *t;  /* on the scratch store */
    uint64_t group_first; /* first entry of that transaction */
    uint32_t group_batches, group_records;
    uint8_t chain[DIGEST_BYTES]; /* digest of the entry before */
    uint64_t next;               /* entry to read */
    struct buf entry, blob, row; /* copies of what the living store holds */
};

/* ---- the scratch store's transaction ---- */

static enum err begin_group(struct verify *v)
{
    if (v->t != NULL)
        return OK;
    v->group_first = v->next;
    v->group_batches = 0;
    v->group_records = 0;
    return store_begin_write(v->shadow.store, &v->t);
}

static enum err commit_group(struct verify *v)
{
    struct store_txn *t = v->t;
    enum err e;

    if (t == NULL)
        return OK;
    v->t = NULL;
    if ((e = store_commit(t)) == OK)
        ledger_committed(v->ledger);
    else
        ledger_aborted(v->ledger);
    return e;
}

/* An entry that only takes its number, so that the next ones get theirs. */
static enum err put_placeholder(struct verify *v)
{
    uint64_t lsn;

    return journal_append(v->ledger, v->t, JOURNAL_INIT, 0, bytes_of("", 0), 0, &lsn);
}

/* A batch failed half way: its transaction is spoiled, and with it the batches before it in the group. */
static enum err lose_group(struct verify *v)
{
    uint64_t first = v->group_first;
    enum err e;

    compare_say(&v->report, _("entries %llu to %llu cannot be applied again: %s"), (unsigned long long)first,
                (unsigned long long)v->next, err_text());
    store_abort(v->t);
    v->t = NULL;
    ledger_aborted(v->ledger);
    if ((e = begin_group(v)) != OK)
        return e;
    for (uint64_t lsn = first; e == OK && lsn <= v->next; lsn++)
        e = put_placeholder(v);
    return e;
}

static bool is_fatal(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_CANCELLED;
}

/* ---- one entry ---- */

static enum err copy_value(struct store_txn *t, unsigned table, struct bytes key, struct buf *out)
{
    struct bytes value;
    enum err e = store_get(t, table, key, &value);

    buf_reset(out);
    if (e != OK)
        return e;
    buf_put(out, value.p, value.len);
    return buf_status(out);
}

/* Entry `next` with its bytes and its row of the batches.  What is missing is left empty. */
static enum err read_entry(struct verify *v, struct store_txn *t)
{
    struct batch_entry entry;
    uint8_t raw[PLACE_KEY_BYTES];
    uint8_t key[8];
    enum err e;

    be64_put(key, v->next);
    buf_reset(&v->blob);
    buf_reset(&v->row);
    if ((e = copy_value(t, H_JOURNAL, bytes_of(key, sizeof(key)), &v->entry)) != OK)
        return e;
    if (batch_entry_get(&entry, v->next, bytes_of(v->entry.data, v->entry.len)) != OK)
        return OK;
    e = blob_get(t, v->next, &v->blob);
    if (is_fatal(e))
        return e;
    e = copy_value(t, H_BATCHES, place_key(raw, entry.participant, &entry.gen, entry.sequence), &v->row);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err check_header(const struct verify *v, const struct batch_entry *entry, const struct batch_header *h,
                             const struct participant *who)
{
    if (memcmp(h->district, v->hub->district, sizeof(h->district)) != 0 || strcmp(h->participant, who->id) != 0 ||
        generation_compare(&h->gen, &entry->gen) != 0 || h->sequence != entry->sequence ||
        !digest_equal(h->sign_key, entry->sign_key))
        return err_set(ERR_CORRUPT, _("the entry and the batch's header differ"));
    return batch_verify(h, bytes_of(v->blob.data, v->blob.len), entry->sign_key);
}

/* Digest, header, signature and section keys. */
static enum err check_batch(const struct verify *v, const struct batch_entry *entry, const struct participant *who,
                            struct section_keys *keys, uint32_t *records)
{
    struct bytes bytes = bytes_of(v->blob.data, v->blob.len);
    uint8_t found[DIGEST_BYTES];
    struct batch_header h;
    enum err e;

    batch_digest(found, bytes);
    if (bytes.len != entry->length || !digest_equal(found, entry->digest))
        return err_set(ERR_CORRUPT, _("the stored bytes of the batch are not those that were received"));
    if ((e = batch_parse(&h, bytes)) != OK)
        return e;
    if ((e = check_header(v, entry, &h, who)) == OK)
        e = section_keys_unwrap(keys, v->hub->storage, entry, &h);
    *records = 0;
    for (uint32_t k = 0; k < h.section_count; k++)
        *records += h.sections[k].records;
    batch_header_fini(&h);
    return e;
}

/* The words of the refusals are in the receipt only: they are not recomputed (they were written by the definitions of
 * that day), but the receipt's signature covers them. */
static enum err take_texts(const struct verify *v, struct bytes object, struct prepared *p)
{
    struct receipt r;
    uint32_t row = 0;
    enum err e = receipt_open(&r, object, key_public(v->hub->sign));

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

static enum err prepare_again(struct verify *v, const struct batch_entry *entry, const struct participant *who,
                              struct prepared **out)
{
    struct section_keys keys;
    struct prepared_verdicts verdicts = {NULL, 0, entry->state, entry->grant_version};
    struct batch_row row = {0};
    uint8_t *reasons = NULL;
    enum err e;

    if ((e = check_batch(v, entry, who, &keys, &verdicts.count)) != OK)
        return e;
    if (v->row.len == 0)
        e = err_set(ERR_CORRUPT, _("the batch is not in the table of batches"));
    else
        e = batch_row_get(&row, bytes_of(v->row.data, v->row.len));
    if (e == OK && (reasons = calloc(verdicts.count + 1u, 1)) == NULL)
        e = ERR_NOMEM;
    verdicts.reasons = reasons;
    if (e == OK && (e = verdicts_get(reasons, verdicts.count, entry->verdicts)) == OK &&
        (e = intake_replay(v->intake, who, bytes_of(v->blob.data, v->blob.len), &keys, &verdicts, out)) == OK &&
        (e = take_texts(v, row.receipt, *out)) != OK) {
        prepared_free(*out);
        *out = NULL;
    }
    free(reasons);
    wipe(&keys, sizeof(keys));
    return e;
}

static enum err replay_batch(struct verify *v, const struct batch_entry *entry)
{
    const struct participant *who = registry_by_index(v->hub->registry, entry->participant);
    struct apply_facts facts = {entry->wall_ms, entry->directory_version, entry->school_year};
    enum ledger_outcome outcome = LEDGER_STORED;
    struct prepared *p = NULL;
    struct buf receipt;
    enum err e;

    e = who == NULL ? err_set(ERR_CORRUPT, _("participant number %u is not registered"), entry->participant)
                    : prepare_again(v, entry, who, &p);
    if (is_fatal(e))
        return e;
    if (p == NULL) {
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
        return put_placeholder(v);
    }
    buf_init(&receipt, SIGNED_MAX);
    e = ledger_apply_with(v->ledger, v->t, p, &facts, &receipt, &outcome);
    v->group_batches++;
    v->group_records += p->count;
    buf_fini(&receipt);
    prepared_free(p);
    if (is_fatal(e))
        return e;
    if (e != OK)
        return lose_group(v);
    if (outcome == LEDGER_STORED)
        return OK;
    compare_say(&v->report, _("entry %llu: the batch does not follow those before it"), (unsigned long long)v->next);
    return put_placeholder(v);
}

static enum err replay_generation(struct verify *v, struct mp *m, size_t elements)
{
    struct generation gen;
    uint32_t participant = (uint32_t)mp_uint(m, UINT32_MAX);
    enum err e;

    gen.counter = (uint32_t)mp_uint(m, UINT32_MAX);
    mp_bin_exact(m, gen.tag, TAG_BYTES);
    if (m->failed || elements < 3)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if ((e = generation_mark_closed(v->t, participant, &gen)) != OK)
        return e;
    return put_placeholder(v);
}

static enum err replay_decision(struct verify *v, enum journal_type type, int64_t wall_ms, struct mp *m,
                                size_t elements)
{
    enum err e = returns_replay(v->t, type, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK)
        return e;
    return put_placeholder(v);
}

static enum err replay_checkpoint(struct verify *v, struct mp *m, size_t elements)
{
    enum err e = checkpoint_replay(v->hub, v->t, v->next, m, elements);

    if (e == ERR_MALFORMED || e == ERR_AUTH)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK)
        return e;
    return put_placeholder(v);
}

/* What lies beside the entry. */
static enum err check_beside(struct verify *v, enum err (*check)(struct hub *h, struct store_txn *t, uint64_t lsn),
                             const char *complaint)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_read(v->hub->store, &t);

    if (e != OK)
        return e;
    e = check(v->hub, t, v->next);
    store_abort(t);
    if (is_fatal(e))
        return e;
    if (e != OK)
        compare_say(&v->report, _("entry %llu: %s: %s"), (unsigned long long)v->next, complaint, err_text());
    return OK;
}

static enum err replay_closing(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    bool has_snapshot;
    enum err e = closing_replay(v->t, v->next, wall_ms, m, elements, &has_snapshot);

    if (e == ERR_MALFORMED)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK ||
             (has_snapshot && (e = check_beside(v, closing_check, _("the snapshot of a closed period"))) != OK))
        return e;
    return put_placeholder(v);
}

static enum err replay_publication(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    enum err e = publication_replay(v->hub, v->t, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED || e == ERR_AUTH)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK || (e = check_beside(v, publication_check, _("a publication"))) != OK)
        return e;
    return put_placeholder(v);
}

static enum err replay_entry(struct verify *v)
{
    struct bytes bytes = bytes_of(v->entry.data, v->entry.len);
    uint8_t previous[DIGEST_BYTES];
    struct batch_entry entry;
    enum journal_type type;
    int64_t wall_ms;
    size_t elements;
    struct mp m;
    enum err e = journal_read(bytes, &m, &type, &wall_ms, previous, &elements);

    if (e == OK && !digest_equal(previous, v->chain))
        e = err_set(ERR_CORRUPT, _("it does not continue the chain: it, or the entry before it, was changed"));
    digest(v->chain, bytes);
    if (e != OK)
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
    if (type == JOURNAL_BATCH && batch_entry_get(&entry, v->next, bytes) == OK)
        return replay_batch(v, &entry);
    if (type == JOURNAL_BATCH)
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
    if (type == JOURNAL_ACCEPT || type == JOURNAL_QUESTION)
        return replay_decision(v, type, wall_ms, &m, elements);
    if (type == JOURNAL_PERIOD)
        return replay_closing(v, wall_ms, &m, elements);
    if (type == JOURNAL_PUBLICATION)
        return replay_publication(v, wall_ms, &m, elements);
    if (type == JOURNAL_CHECKPOINT)
        return replay_checkpoint(v, &m, elements);
    return type == JOURNAL_GENERATION ? replay_generation(v, &m, elements) : put_placeholder(v);
}

/* ---- the whole journal ---- */

/* *end: transaction in which nothing comes after what was replayed: the comparison reads in it. */
static enum err replay_all(struct verify *v, struct store_txn **end)
{
    struct journal_head head;
    struct store_txn *t;
    unsigned missing = 0;
    enum err e;

    for (v->next = 1;; v->next++) {
        if ((e = store_begin_read(v->hub->store, &t)) != OK)
            return e;
        e = journal_head(t, &head);
        if (!is_fatal(e))
            e = read_entry(v, t);
        missing = e == ERR_NOT_FOUND ? missing + 1 : 0;
        if (missing > 0 && (v->next > head.lsn || missing > MISSING_MAX))
            break;
        store_abort(t);
        if ((e != OK && e != ERR_NOT_FOUND) || (e == OK && (e = begin_group(v)) != OK))
            return e;
        if (e == ERR_NOT_FOUND) {
            compare_say(&v->report, _("entry %llu: it is missing"), (unsigned long long)v->next);
            if ((e = begin_group(v)) == OK)
                e = put_placeholder(v);
        } else
            e = replay_entry(v);
        if (e == OK && (v->group_batches >= GROUP_BATCHES || v->group_records >= GROUP_RECORDS))
            e = commit_group(v);
        if (e != OK)
            return e;
        cli_progress(_("Checking the journal"), v->next, head.lsn);
    }
    if (head.lsn + 1 != v->next || !digest_equal(head.digest, v->chain))
        compare_say(&v->report, _("the journal does not end where its head says"));
    *end = t;
    return commit_group(v);
}

static void say_history(void *ctx, int32_t day)
{
    char text[11];

    date_format(text, day);
    compare_say(ctx, _("the checkpoint of %s: the history of the cells is not the one that was signed"), text);
}

static enum err compare_all(struct verify *v, struct store_txn *held)
{
    struct store_txn *t;
    enum err e = store_begin_read(v->shadow.store, &t);

    if (e != OK)
        return e;
    e = compare_tables(&v->report, held, t);
    store_abort(t);
    if (e == OK) {
        v->report.said = 0;
        e = checkpoint_check(held, say_history, &v->report);
    }
    if (e == ERR_CORRUPT) {
        compare_say(&v->report, "%s", err_text());
        e = OK;
    }
    return e;
}

static enum err run(struct verify *v)
{
    struct store_txn *end = NULL;
    enum err e;

    if ((e = ledger_open(&v->ledger, &v->shadow)) != OK || (e = intake_new(&v->intake, &v->shadow)) != OK)
        return e;
    buf_init(&v->entry, 8u << 20);
    buf_init(&v->blob, BATCH_MAX_SEALED);
    buf_init(&v->row, (size_t)2 * SIGNED_MAX);
    if ((e = replay_all(v, &end)) == OK)
        e = compare_all(v, end);
    store_abort(end);
    store_abort(v->t);
    buf_fini(&v->row);
    buf_fini(&v->blob);
    buf_fini(&v->entry);
    cli_progress_end();
    return e;
}

enum err ledger_verify(struct hub *h, FILE *to, uint64_t *bad)
{
    struct verify v = {.hub = h, .shadow = *h, .report = {.hub = h, .to = to}};
    struct scratch scratch;
    enum err e;

    *bad = 0;
    if ((e = scratch_open(&scratch, h, SCRATCH_NAME, _("The ledger is being verified already."))) != OK)
        return e;
    v.shadow.store = scratch.store;
    e = run(&v);
    intake_free(v.intake);
    ledger_close(v.ledger);
    scratch_close(&scratch);
    *bad = v.report.bad;
    return e;
}
