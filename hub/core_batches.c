#include "hub/core_internal.h"

#include "common/folder.h"
#include "common/log.h"
#include "hub/prepared.h"
#include "hub/registry_status.h"
#include "hub/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_MAX   4u /* batches in one transaction: its dirty pages stay in memory until the commit */
#define RETRY_AFTER 30u
#define ROOM_AFTER  900u /* somebody has to make room first */

enum err core_room_for_held(struct core *c, const struct participant *from, const struct signer *by, uint64_t bytes,
                            bool *is_full)
{
    struct store_txn *t = NULL;
    enum err e;

    *is_full = false;
    if (by == NULL)
        return OK;
    if ((e = store_begin_read(c->hub->store, &t)) != OK)
        return e;
    e = signer_is_full(c->hub, t, from->index, by->sign, bytes, is_full);
    store_abort(t);
    return e;
}

/* The participant that a connection's key belongs to; NULL: error answered. */
static const struct participant *sender(struct core *c, uint64_t connection, const uint8_t curve[KEY_BYTES])
{
    bool is_invitation = false;
    const struct participant *p = registry_by_curve(c->hub->registry, curve, &is_invitation);

    if (p == NULL || p->enrolled_ms == 0) {
        core_error(c, connection, MERR_UNKNOWN, 0, "this key is not enrolled");
        return NULL;
    }
    return p;
}

/* The gateway looks, too, before a batch comes; but what it says is not what is believed here. */
static bool has_room(struct core *c, uint64_t connection)
{
    bool was_closed = c->is_closed;

    c->is_closed = room_check(c->hub) != OK;
    if (c->is_closed && !was_closed)
        log_error("core: %s", err_text());
    else if (was_closed && !c->is_closed)
        log_notice("core: there is room on the disk again; what schools send is taken");
    if (c->is_closed)
        core_error(c, connection, MERR_ROOM, ROOM_AFTER, "the hub's disk is nearly full; it will be taken later");
    return !c->is_closed;
}

static enum err add_job(struct core *c, uint64_t connection, const struct participant *from, struct buf *batch,
                        const char *spool_file)
{
    struct job *j = calloc(1, sizeof(*j));

    if (j == NULL)
        return ERR_NOMEM;
    j->connection = connection;
    j->from = from;
    (void)snprintf(j->participant, sizeof(j->participant), "%s", from->id);
    j->batch = *batch; /* now the job's */
    buf_init(batch, batch->max);
    (void)snprintf(j->spool_file, sizeof(j->spool_file), "%s", spool_file);
    workers_add(c->workers, j);
    return OK;
}

enum err core_batch(struct core *c, const struct ipc_frame *f)
{
    const struct participant *from = sender(c, f->connection, f->curve);
    struct buf batch;
    enum err e;

    if (from == NULL || !has_room(c, f->connection))
        return OK;
    buf_init(&batch, BATCH_MAX_SEALED);
    buf_put(&batch, f->bytes.p, f->bytes.len);
    e = buf_status(&batch);
    if (e == OK)
        e = add_job(c, f->connection, from, &batch, "");
    buf_fini(&batch);
    return e;
}

static void hex_name(char out[80], const uint8_t digest_in[DIGEST_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = (size_t)snprintf(out, 80, "spool/");

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[n++] = digits[digest_in[i] >> 4];
        out[n++] = digits[digest_in[i] & 15];
    }
    out[n] = '\0';
}

/* The folder that spool/ is in. */
static const char *spool_of(const struct core *c)
{
    return c->hub->conf.gateway_folder != NULL ? c->hub->conf.gateway_folder : c->hub->dir;
}

static enum err read_spool(struct core *c, const char *name, uint32_t length, struct buf *out)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;
    uint8_t *at;
    size_t done = 0;
    int fd;
    enum err e = folder_path(path, spool_of(c), name);

    if (e != OK)
        return e;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* what lies there is the gateway's word */
    if (fd < 0)
        return err_errno(ERR_IO, errno, "%s", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)length ||
        (at = buf_grow(out, length)) == NULL) {
        close(fd);
        return err_set(ERR_IO, "%s: not the %u bytes that the gateway promised", path, length);
    }
    while (done < length) {
        ssize_t n = read(fd, at + done, length - done);

        if (n <= 0 && !(n < 0 && errno == EINTR))
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return done == length ? OK : err_errno(ERR_IO, errno, "%s", path);
}

enum err core_spooled(struct core *c, const struct ipc_spooled *s)
{
    const struct participant *from = sender(c, s->connection, s->curve);
    struct buf batch;
    char name[80];
    enum err e;

    if (from == NULL || !has_room(c, s->connection))
        return OK;
    hex_name(name, s->digest);
    buf_init(&batch, BATCH_MAX_SEALED);
    if ((e = read_spool(c, name, s->length, &batch)) == OK)
        e = add_job(c, s->connection, from, &batch, name);
    buf_fini(&batch);
    if (e == ERR_IO) { /* the spool is only a convenience: the agent sends again */
        log_warning("intake: %s; the agent will send it again", err_text());
        core_error(c, s->connection, MERR_BUSY, RETRY_AFTER, "the spooled batch was lost");
        e = OK;
    }
    return e;
}

static void drop_spool(struct core *c, const struct job *j)
{
    char path[FOLDER_PATH_MAX];

    if (j->spool_file[0] != '\0' && folder_path(path, spool_of(c), j->spool_file) == OK)
        (void)unlink(path);
}

struct applied {
    struct job *job;
    struct buf receipt;
    enum ledger_outcome outcome;
    enum err error;
};

static void answer_fork(struct core *c, const struct job *j)
{
    log_notice("intake: %s sent a batch that does not continue what is held: its two histories are reconciled",
               j->participant);
    if (core_close_generation(c, j->from, &j->prepared->header.gen) != OK) {
        log_error("ledger: %s", err_text());
        core_error(c, j->connection, MERR_BUSY, RETRY_AFTER, "the hub could not store its decision");
        return;
    }
    core_error(c, j->connection, MERR_SEQUENCE, 0, "another batch is held under this sequence");
}

/* What a school signed and the hub could not count is kept; the operator reads here that there is something to do. */
static void tell_put_aside(const struct core *c, const struct job *j, struct bytes receipt)
{
    struct receipt r;

    if (receipt_open(&r, receipt, key_public(c->hub->sign)) != OK)
        return;
    if (r.verdicts[VERDICT_QUARANTINED] > 0)
        log_notice("intake: batch %u/%llu of %s: %llu of its submissions put aside (the first: %s)", r.gen.counter,
                   (unsigned long long)r.sequence, j->participant, (unsigned long long)r.verdicts[VERDICT_QUARANTINED],
                   r.refusal_count > 0 ? quarantine_reason_name(r.refusals[0].why.reason) : "?");
    receipt_fini(&r);
}

static void answer(struct core *c, struct applied *a)
{
    struct message m = {.type = MSG_RECEIPT};
    struct buf fresh;

    if (a->job->error != OK) {
        log_warning("intake: a batch of %s refused: %s", a->job->participant, a->job->text);
        c->refused++;
        core_nights_bad_batch(c, a->job->from->index, a->job->refusal);
        core_error(c, a->job->connection, a->job->refusal != 0 ? a->job->refusal : MERR_INTERNAL, 0, a->job->text);
        drop_spool(c, a->job);
        return;
    }
    if (a->error != OK) {
        core_error(c, a->job->connection, MERR_BUSY, RETRY_AFTER,
                   "the hub could not store the batch; it will be taken later");
        return;
    }
    drop_spool(c, a->job);
    if (a->outcome == LEDGER_FORK) {
        answer_fork(c, a->job);
        return;
    }
    if (a->outcome == LEDGER_REFUSED) {
        log_warning("intake: a batch of %s is sealed to a key that is lost; the school seals its content again",
                    a->job->participant);
        c->refused++;
    } else
        c->batches++;
    if (a->outcome == LEDGER_STORED)
        tell_put_aside(c, a->job, bytes_of(a->receipt.data, a->receipt.len));
    buf_init(&fresh, SIGNED_MAX);
    if (hub_receipt_now(c->hub, bytes_of(a->receipt.data, a->receipt.len), &fresh, &m.as.signed_object) != OK)
        log_error("core: a stored receipt cannot be read: %s", err_text());
    else if (c->gateway != NULL && ipc_link_reply(c->gateway, a->job->connection, &m) != OK)
        log_warning("core: a receipt could not be handed to the gateway; the agent will ask again");
    buf_fini(&fresh);
}

/* Exactly at the limit, whatever else is on its way. */
static enum err refuse_over(struct core *c, struct store_txn *t, struct job *j)
{
    const struct prepared *p = j->prepared;
    bool is_full = false;
    enum err e;

    if (!prepared_is_held(p))
        return OK;
    if ((e = signer_is_full(c->hub, t, p->participant, p->header.sign_key, p->batch.len, &is_full)) != OK || !is_full)
        return e;
    j->error = ERR_LIMIT;
    j->refusal = p->state == PARTICIPANT_HELD ? MERR_HELD : MERR_REVOKED;
    (void)snprintf(j->text, sizeof(j->text),
                   "as much as is kept of a computer that is held or revoked is here: %lld bytes (held.max)",
                   (long long)c->hub->conf.held_max);
    return OK;
}

/* One transaction for what is done: all of it is durable before any receipt leaves. */
static enum err commit_group(struct core *c, struct applied *group, size_t count)
{
    struct store_txn *t = NULL;
    uint64_t version = 0;
    bool any = false;
    enum err e = store_begin_write(c->hub->store, &t);

    if (e == OK && (e = hub_definitions_version(t, &version)) == OK && version != c->hub->definitions_version)
        e = ERR_VERSION; /* a command loaded a programme meanwhile: see prepare_again() */
    for (size_t i = 0; i < count && e == OK; i++) {
        struct applied *a = &group[i];

        if (a->job->error != OK || (e = refuse_over(c, t, a->job)) != OK || a->job->error != OK)
            continue;
        e = ledger_apply(c->hub->ledger, t, a->job->prepared, &a->receipt, &a->outcome);
        any = true;
    }
    if (e == OK && any) {
        e = store_commit(t);
        if (e == OK)
            ledger_committed(c->hub->ledger);
        else
            ledger_aborted(c->hub->ledger);
    } else {
        store_abort(t);
        ledger_aborted(c->hub->ledger);
    }
    for (size_t i = 0; i < count; i++)
        group[i].error = e;
    return e;
}

static void answer_failed(struct core *c, struct job *j, enum err e)
{
    struct applied a = {.job = j, .error = e};

    answer(c, &a);
    job_free(j);
}

static void add_again(struct core *c, struct job *j)
{
    buf_init(&j->batch, BATCH_MAX_SEALED);
    buf_put(&j->batch, j->prepared->batch.data, j->prepared->batch.len);
    prepared_free(j->prepared);
    j->prepared = NULL;
    j->from = registry_by_id(c->hub->registry, j->participant);
    if (j->from == NULL || buf_status(&j->batch) != OK)
        answer_failed(c, j, ERR_BUSY);
    else
        workers_add(c->workers, j);
}

/* What was made of these batches, and of all others that are done, rests on forms and indicators of yesterday. */
static enum err prepare_again(struct core *c, struct applied *group, size_t count)
{
    struct job *list = NULL;
    struct job **last = &list;
    struct job *j;
    enum err e;

    workers_drain(c->workers);
    for (size_t i = 0; i < count; i++) {
        buf_fini(&group[i].receipt);
        *last = group[i].job;
        last = &group[i].job->next;
    }
    while ((j = workers_take(c->workers)) != NULL) {
        *last = j;
        last = &j->next;
    }
    *last = NULL;
    e = core_reload_definitions(c);
    while ((j = list) != NULL) {
        list = j->next;
        if (e != OK || j->prepared == NULL)
            answer_failed(c, j, e);
        else
            add_again(c, j);
    }
    return e;
}

/* A batch that the ledger cannot take must not hold up its neighbours: alone it fails alone. */
static void commit_singly(struct core *c, struct applied *group, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_reset(&group[i].receipt);
        if (commit_group(c, &group[i], 1) != OK)
            log_error("ledger: a batch of %s could not be stored: %s", group[i].job->participant, err_text());
    }
}

enum err core_commit_done(struct core *c)
{
    struct applied group[GROUP_MAX];
    size_t count;

    do {
        count = 0;
        while (count < GROUP_MAX) {
            struct job *j = workers_take(c->workers);

            if (j == NULL)
                break;
            memset(&group[count], 0, sizeof(group[count]));
            group[count].job = j;
            buf_init(&group[count++].receipt, SIGNED_MAX);
        }
        if (count == 0)
            break;
        if (commit_group(c, group, count) == ERR_VERSION)
            return prepare_again(c, group, count);
        if (group[0].error != OK && count > 1)
            commit_singly(c, group, count);
        else if (group[0].error != OK)
            log_error("ledger: a batch of %s could not be stored: %s", group[0].job->participant, err_text());
        for (size_t i = 0; i < count; i++) {
            answer(c, &group[i]);
            buf_fini(&group[i].receipt);
            job_free(group[i].job);
        }
    } while (count == GROUP_MAX);
    return OK;
}
