#include "hub/ledger.h"

#include "common/cli.h"
#include "hub/archive.h"
#include "hub/checkpoint.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_scratch.h"
#include "hub/ledger_verify_internal.h"

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

    if (t == NULL)
        return OK;
    v->t = NULL;
    return ledger_end(v->ledger, t, replay_commit(v->replay, v->ledger, t));
}

enum err verify_put_placeholder(struct verify *v)
{
    uint64_t lsn;

    return journal_append(v->ledger, v->t, JOURNAL_INIT, 0, bytes_of("", 0), 0, &lsn);
}

enum err verify_lose_group(struct verify *v)
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
        e = verify_put_placeholder(v);
    return e;
}

bool verify_is_fatal(enum err e)
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
    if (verify_is_fatal(e))
        return e;
    e = copy_value(t, H_BATCHES, place_key(raw, j->batch.participant, &j->batch.gen, j->batch.sequence), &j->row);
    return e == ERR_NOT_FOUND ? OK : e;
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
    if (!verify_is_fatal(e))
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
        return verify_replay_entry(v, j);
    compare_say(&v->report, _("entry %llu: it is missing"), (unsigned long long)v->next);
    return verify_put_placeholder(v);
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
    if ((e = replay_finish(v->replay, v->ledger, t, &v->slots_in_memory)) == OK &&
        (e = ledger_add_frozen(v->hub, v->end, t, NULL, NULL)) == ERR_CORRUPT) {
        compare_say(&v->report, "%s", err_text());
        e = OK;
    }
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

/* Up to where the schools were told that all is archived. */
static enum err compare_archived(struct verify *v, struct store_txn *computed)
{
    uint64_t held;
    uint64_t expected;
    enum err e = archive_last(v->end, &held);

    if (e == OK && (e = archive_last(computed, &expected)) == OK && held != expected)
        compare_say(&v->report, _("backups: entries up to %llu are taken for archived, by the journal it is %llu"),
                    (unsigned long long)held, (unsigned long long)expected);
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
    if (e == OK)
        e = compare_archived(v, t);
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
