#include "hub/ledger_verify_internal.h"

#include "common/cli.h"
#include "hub/archive.h"
#include "hub/checkpoint.h"
#include "hub/closing.h"
#include "hub/excuse.h"
#include "hub/ledger_doubt.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_refuse.h"
#include "hub/publish_store.h"
#include "hub/returns.h"
#include "hub/signers.h"
#include "hub/storage_keys.h"

#include <stdlib.h>

static void say_damaged(struct verify *v)
{
    compare_say(&v->report, _("entry %llu: it is damaged"), (unsigned long long)v->next);
}

static enum err replay_batch(struct verify *v, struct verify_job *j)
{
    struct apply_facts facts = {j->batch.wall_ms, j->batch.directory_version, j->batch.school_year};
    enum ledger_outcome outcome = LEDGER_STORED;
    struct prepared *p = j->prepared;
    struct buf receipt;
    enum err e;

    if (verify_is_fatal(j->error))
        return err_set(j->error, "%s", j->text);
    if (p == NULL) {
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, j->text);
        return verify_put_placeholder(v);
    }
    buf_init(&receipt, SIGNED_MAX);
    e = ledger_apply_with(v->ledger, v->t, p, &facts, &receipt, &outcome);
    v->group_batches++;
    v->group_records += p->count;
    v->group_bytes += p->stored.len;
    buf_fini(&receipt);
    if (verify_is_fatal(e))
        return e;
    if (e != OK)
        return verify_lose_group(v);
    if (outcome != LEDGER_STORED) {
        compare_say(&v->report, _("entry %llu: the batch does not follow those before it"),
                    (unsigned long long)v->next);
        return verify_put_placeholder(v);
    }
    if (p->plain != NULL)
        held_keep(v->ledger, v->next, p->participant, &p->header.gen, &p->plain, &p->holes);
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
        say_damaged(v);
    else if ((e = generation_mark_closed(v->t, participant, &gen)) != OK)
        return e;
    return verify_put_placeholder(v);
}

static enum err replay_decision(struct verify *v, enum journal_type type, int64_t wall_ms, struct mp *m,
                                size_t elements)
{
    enum err e = type == JOURNAL_EXCUSE ? excuse_replay(v->t, v->next, wall_ms, m, elements)
                                        : returns_replay(v->t, type, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED)
        say_damaged(v);
    else if (e != OK)
        return e;
    return verify_put_placeholder(v);
}

static enum err replay_participant(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    enum err e = signers_replay(v->t, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED || e == ERR_NOT_FOUND)
        say_damaged(v);
    else if (e != OK)
        return e;
    return verify_put_placeholder(v);
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

/* A decision about the quarantine, or one that fills it.  One that fails half way has spoiled its group, as a batch
 * would. */
static enum err replay_quarantine(struct verify *v, enum journal_type type, struct mp *m, size_t elements)
{
    enum err e = type == JOURNAL_DOUBT     ? ledger_doubt_replay(v->ledger, v->t, m, elements)
                 : type == JOURNAL_RELEASE ? ledger_release_replay(v->ledger, v->t, m, elements)
                                           : ledger_reject_replay(v->t, v->next, m, elements);

    v->group_batches++;
    if (verify_is_fatal(e))
        return e;
    if (e == ERR_MALFORMED)
        say_damaged(v);
    else if (e != OK)
        return verify_lose_group(v);
    return verify_put_placeholder(v);
}

static enum err replay_checkpoint(struct verify *v, struct mp *m, size_t elements)
{
    enum err e = checkpoint_replay(v->hub, v->t, v->next, m, elements);

    if (e == ERR_MALFORMED || e == ERR_AUTH)
        say_damaged(v);
    else if (e != OK)
        return e;
    return verify_put_placeholder(v);
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
    if (verify_is_fatal(e))
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
        say_damaged(v);
    else if (e != OK ||
             (has_snapshot && (e = check_beside(v, closing_check, _("the snapshot of a closed period"))) != OK))
        return e;
    return verify_put_placeholder(v);
}

/* The key of a class must be gone for the store, too. */
static enum err check_key(struct verify *v, struct store_txn *living, const struct act *a)
{
    uint64_t by;
    enum err e = a->scope == ACT_CLASS ? storage_keys_act(living, a->retention, a->year, &by) : OK;

    if (e == OK && a->scope == ACT_CLASS && by != a->number)
        compare_say(&v->report,
                    _("entry %llu: act %llu erased the class %s of the school year %d, but its key is there"),
                    (unsigned long long)v->next, (unsigned long long)a->number, a->retention, (int)a->year);
    return e;
}

static enum err replay_act(struct verify *v, struct mp *m, size_t elements)
{
    struct store_txn *living = NULL;
    struct act *a = malloc(sizeof(*a));
    enum err e = a == NULL ? ERR_NOMEM : store_begin_read(v->hub->store, &living);

    if (e == OK && (e = ledger_erase_replay(v->ledger, living, v->t, v->next, m, elements, a)) == OK)
        e = check_key(v, living, a);
    store_abort(living);
    free(a);
    if (verify_is_fatal(e))
        return e;
    if (e != OK)
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
    return verify_put_placeholder(v);
}

static enum err replay_publication(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    enum err e = publication_replay(v->hub, v->t, v->next, wall_ms, m, elements);

    if (e == ERR_MALFORMED || e == ERR_AUTH)
        say_damaged(v);
    else if (e != OK || (e = check_beside(v, publication_check, _("a publication"))) != OK)
        return e;
    return verify_put_placeholder(v);
}

static enum err replay_key(struct verify *v, int64_t wall_ms, struct mp *m, size_t elements)
{
    enum err e = ledger_refuse_replay(v->ledger, v->t, wall_ms, m, elements);

    if (e == OK || verify_is_fatal(e))
        return e;
    say_damaged(v);
    return verify_put_placeholder(v);
}

static enum err replay_backup(struct verify *v, struct mp *m, size_t elements)
{
    struct store_txn *living = NULL;
    enum err e = store_begin_read(v->hub->store, &living);

    if (e != OK)
        return e;
    e = archive_replay(v->t, living, v->next, m, elements);
    store_abort(living);
    if (e == ERR_MALFORMED)
        say_damaged(v);
    else if (e == ERR_INVALID)
        compare_say(&v->report, _("entry %llu: %s"), (unsigned long long)v->next, err_text());
    else if (e != OK)
        return e;
    return verify_put_placeholder(v);
}

enum err verify_replay_entry(struct verify *v, struct verify_job *j)
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
    if (type == JOURNAL_ACCEPT || type == JOURNAL_QUESTION || type == JOURNAL_EXCUSE)
        return replay_decision(v, type, wall_ms, &m, elements);
    if (type == JOURNAL_RELEASE || type == JOURNAL_REJECT || type == JOURNAL_DOUBT)
        return replay_quarantine(v, type, &m, elements);
    if (type == JOURNAL_PERIOD)
        return replay_closing(v, wall_ms, &m, elements);
    if (type == JOURNAL_PUBLICATION)
        return replay_publication(v, wall_ms, &m, elements);
    if (type == JOURNAL_KEY)
        return replay_key(v, wall_ms, &m, elements);
    if (type == JOURNAL_ERASE)
        return replay_act(v, &m, elements);
    if (type == JOURNAL_CHECKPOINT)
        return replay_checkpoint(v, &m, elements);
    if (type == JOURNAL_BACKUP)
        return replay_backup(v, &m, elements);
    return type == JOURNAL_GENERATION ? replay_generation(v, &m, elements) : verify_put_placeholder(v);
}
