#include "hub/ledger.h"

#include "common/cli.h"
#include "hub/checkpoint.h"
#include "hub/closing.h"
#include "hub/ledger_compare.h"
#include "hub/ledger_scratch.h"
#include "hub/ledger_verify_internal.h"
#include "hub/publish_store.h"
#include "hub/returns.h"
#include "hub/signers.h"

#include <string.h>

/* The journal is read in short transactions, one an entry, so that a running core is not held up (long readers keep old
 * pages alive); only the comparison at the end holds one.  Threads open and evaluate what was read ahead; one thread
 * reads, and applies the entries in their order.  What is found wrong is printed and counted; only what stops
 * the check itself (memory, disk) is an error. */

#define SCRATCH_NAME  "verify.tmp"
#define GROUP_BATCHES 256u /* of one transaction in the scratch store */
#define GROUP_RECORDS 200000u
#define GROUP_BYTES   (32u << 20)
#define MISSING_MAX   100u        /* entries in a row; a damaged head may promise any number */
#define CACHE_BYTES   (48u << 20) /* opened batches: corrections and new versions mostly follow soon */

struct verify {
    struct hub *hub;
    struct hub shadow; /* the same definitions and keys over the scratch store */
    struct ledger *ledger;
    struct replay *replay;
    bool slots_in_memory; /* at the end */
    struct verify_jobs *jobs;
    struct compare report;
    struct store_txn *t;  /* on the scratch store */
    uint64_t group_first; /* first entry of that transaction */
    uint32_t group_batches, group_records;
    size_t group_bytes;
    uint8_t chain[DIGEST_BYTES]; /* digest of the entry before */
    uint64_t next;               /* entry at hand */
    uint64_t read;               /* entry to read */
    unsigned missing;            /* entries in a row, of those read */
    struct journal_head head;    /* when the last entry had been read */
    struct store_txn *end;       /* ... and that transaction: nothing comes after what was read */
};

/* ---- the scratch store's transaction ---- */

static enum err begin_group(struct verify *v)
{
    if (v->t != NULL)
        return OK;
    v->group_first = v->next;
    v->group_batches = 0;
    v->group_records = 0;
    v->group_bytes = 0;
    return store_begin_write(v->shadow.store, &v->t);
}

static bool group_is_full(const struct verify *v)
{
    return v->group_batches >= GROUP_BATCHES || v->group_records >= GROUP_RECORDS || v->group_bytes >= GROUP_BYTES;
}

static enum err commit_group(struct verify *v)
{
    struct store_txn *t = v->t;
    enum err e;

    if (t == NULL)
        return OK;
    v->t = NULL;
    if ((e = replay_commit(v->replay, v->ledger, t)) != OK)
        store_abort(t);
    else
        e = store_commit(t);
    if (e == OK)
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
    replay_abort(v->replay, v->ledger);
    if ((e = begin_group(v)) != OK)
        return e;
    v->group_first = first;
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

/* Entry `read` with its bytes and its row of the batches.  What is missing is left empty. */
static enum err read_entry(const struct verify *v, struct store_txn *t, struct verify_job *j)
{
    uint8_t raw[PLACE_KEY_BYTES];
    uint8_t key[8];
    enum err e;

    j->lsn = v->read;
    j->is_batch = false;
    be64_put(key, j->lsn);
    buf_reset(&j->blob);
    buf_reset(&j->row);
    if ((e = copy_value(t, H_JOURNAL, bytes_of(key, sizeof(key)), &j->entry)) != OK)
        return e;
    j->is_batch = batch_entry_get(&j->batch, j->lsn, bytes_of(j->entry.data, j->entry.len)) == OK;
    if (!j->is_batch)
        return OK;
    e = blob_get(t, j->lsn, &j->blob);
    if (is_fatal(e))
        return e;
    e = copy_value(t, H_BATCHES, place_key(raw, j->batch.participant, &j->batch.gen, j->batch.sequence), &j->row);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err replay_batch(struct verify *v, struct verify_job *j)
{
    struct apply_facts facts = {j->batch.wall_ms, j->batch.directory_version, j->batch.school_year};
    enum ledger_outcome outcome = LEDGER_STORED;
    struct prepared *p = j->prepared;
    struct buf receipt;
    enum err e;

    if (is_fatal(j->error))
        return err_set(j->error, "%s", j->text);
    if (p == NULL) {
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, j->text);
        return put_placeholder(v);
    }
    buf_init(&receipt, SIGNED_MAX);
    e = ledger_apply_with(v->ledger, v->t, p, &facts, &receipt, &outcome);
    v->group_batches++;
    v->group_records += p->count;
    v->group_bytes += p->batch.len;
    buf_fini(&receipt);
    if (is_fatal(e))
        return e;
    if (e != OK)
        return lose_group(v);
    if (outcome != LEDGER_STORED) {
        compare_say(&v->report, _("entry %llu: the batch does not follow those before it"),
                    (unsigned long long)v->next);
        return put_placeholder(v);
    }
    if (p->plain != NULL)
        held_keep(v->ledger, v->next, p->participant, &p->header.gen, &p->plain);
    return OK;
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

static enum err replay_participant(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    enum err e = signers_replay(v->t, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED || e == ERR_NOT_FOUND)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK)
        return e;
    return put_placeholder(v);
}

/* A computer that the school never had cannot have sent it. */
static enum err check_signer(struct verify *v, const struct verify_job *j)
{
    bool is_known;
    enum err e = signer_is_known(v->t, j->batch.participant, j->batch.sign_key, &is_known);

    if (e == OK && !is_known)
        compare_say(&v->report, _("entry %llu: it is signed by a key that was not registered then"),
                    (unsigned long long)v->next);
    return e;
}

/* A decision about the quarantine.  One that fails half way has spoiled its group, as a batch would. */
static enum err replay_quarantine(struct verify *v, enum journal_type type, struct mp *m, size_t elements)
{
    enum err e = type == JOURNAL_RELEASE ? ledger_release_replay(v->ledger, v->t, m, elements)
                                         : ledger_reject_replay(v->t, v->next, m, elements);

    v->group_batches++;
    if (is_fatal(e))
        return e;
    if (e == ERR_MALFORMED)
        compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
    else if (e != OK)
        return lose_group(v);
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

static enum err replay_entry(struct verify *v, struct verify_job *j)
{
    struct bytes bytes = bytes_of(j->entry.data, j->entry.len);
    uint8_t previous[DIGEST_BYTES];
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
    if (type == JOURNAL_BATCH && j->is_batch)
        return (e = check_signer(v, j)) == OK ? replay_batch(v, j) : e;
    if (type == JOURNAL_PARTICIPANT)
        return replay_participant(v, wall_ms, &m, elements);
    if (type == JOURNAL_BATCH && batch_entry_get(&j->batch, v->next, bytes) != OK)
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
    if (type == JOURNAL_ACCEPT || type == JOURNAL_QUESTION)
        return replay_decision(v, type, wall_ms, &m, elements);
    if (type == JOURNAL_RELEASE || type == JOURNAL_REJECT)
        return replay_quarantine(v, type, &m, elements);
    if (type == JOURNAL_PERIOD)
        return replay_closing(v, wall_ms, &m, elements);
    if (type == JOURNAL_PUBLICATION)
        return replay_publication(v, wall_ms, &m, elements);
    if (type == JOURNAL_CHECKPOINT)
        return replay_checkpoint(v, &m, elements);
    return type == JOURNAL_GENERATION ? replay_generation(v, &m, elements) : put_placeholder(v);
}

/* ---- the whole journal ---- */

/* One entry more on its way; or `end`, when there is none. */
static enum err read_ahead(struct verify *v, struct verify_job *j)
{
    struct store_txn *t;
    enum err e = store_begin_read(v->hub->store, &t);

    if (e != OK)
        return e;
    e = journal_head(t, &v->head);
    if (!is_fatal(e))
        e = read_entry(v, t, j);
    j->is_missing = e == ERR_NOT_FOUND;
    v->missing = j->is_missing ? v->missing + 1 : 0;
    if (v->missing > 0 && (v->read > v->head.lsn || v->missing > MISSING_MAX)) {
        v->end = t;
        return OK;
    }
    store_abort(t);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    v->read++;
    verify_jobs_add(v->jobs);
    return OK;
}

static enum err replay_job(struct verify *v, struct verify_job *j)
{
    enum err e = begin_group(v);

    if (e != OK)
        return e;
    if (!j->is_missing)
        return replay_entry(v, j);
    compare_say(&v->report, _("entry %llu: it is missing"), (unsigned long long)v->next);
    return put_placeholder(v);
}

static enum err replay_all(struct verify *v)
{
    struct verify_job *j;
    enum err e = OK;

    v->next = v->read = 1;
    for (;;) {
        while (e == OK && v->end == NULL && (j = verify_jobs_empty(v->jobs)) != NULL)
            e = read_ahead(v, j);
        if (e != OK || (j = verify_jobs_first(v->jobs)) == NULL)
            break;
        e = replay_job(v, j);
        verify_jobs_drop(v->jobs);
        if (e == OK && group_is_full(v))
            e = commit_group(v);
        cli_progress(_("Checking the journal"), v->next++, v->head.lsn);
    }
    if (e != OK)
        return e;
    if (v->head.lsn + 1 != v->next || !digest_equal(v->head.digest, v->chain))
        compare_say(&v->report, _("the journal does not end where its head says"));
    return commit_group(v);
}

static void say_history(void *ctx, int32_t day)
{
    char text[11];

    date_format(text, day);
    compare_say(ctx, _("the checkpoint of %s: the history of the cells is not the one that was signed"), text);
}

static enum err finish(struct verify *v)
{
    struct store_txn *t;
    enum err e = store_begin_write(v->shadow.store, &t);

    if (e != OK)
        return e;
    if ((e = replay_finish(v->replay, v->ledger, t, &v->slots_in_memory)) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

static enum err compare_all(struct verify *v)
{
    const struct compare_rows current = {replay_next_current, v->replay};
    const struct compare_rows slots = {replay_next_slot, v->replay};
    struct store_txn *t;
    enum err e = store_begin_read(v->shadow.store, &t);

    if (e != OK)
        return e;
    e = compare_tables(&v->report, v->end, t, v->slots_in_memory ? &current : NULL, v->slots_in_memory ? &slots : NULL);
    store_abort(t);
    if (e == OK) {
        v->report.said = 0;
        e = checkpoint_check(v->end, say_history, &v->report);
    }
    if (e == ERR_CORRUPT) {
        compare_say(&v->report, "%s", err_text());
        e = OK;
    }
    return e;
}

static enum err run(struct verify *v)
{
    enum err e;

    if ((e = ledger_open(&v->ledger, &v->shadow)) != OK || (e = replay_new(&v->replay, 0)) != OK ||
        (e = verify_jobs_new(&v->jobs, &v->shadow)) != OK)
        return e;
    v->ledger->replay = v->replay;
    v->ledger->cache_max = CACHE_BYTES;
    if ((e = replay_all(v)) == OK && (e = finish(v)) == OK)
        e = compare_all(v);
    store_abort(v->end);
    store_abort(v->t);
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
    verify_jobs_free(v.jobs);
    ledger_close(v.ledger);
    replay_free(v.replay);
    scratch_close(&scratch);
    *bad = v.report.bad;
    return e;
}
