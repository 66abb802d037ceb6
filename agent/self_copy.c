#include "agent/self_copy.h"

#include "agent/home_internal.h"
#include "agent/queue_internal.h"
#include "agent/session.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "protocol/backup_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_KEY "copy-key" /* public half of the recovery code's pair */
#define MARK_KEY                                                                                                       \
    "copy" /* made ms u64 | counter u32 | tag 8 | last number u64 | entered u64: what the last copy holds */
#define MARK_BYTES_BEFORE (8u + GEN_BYTES + 8u) /* without sessions of anonymous answers */
#define MARK_BYTES        (MARK_BYTES_BEFORE + 8u)

/* ---- the code ---- */

enum err self_copy_new_code(struct agent *a, char out[COPY_CODE_CHARS + 1])
{
    struct key *k = NULL;
    enum err e = copy_code_new(out, &k, key_public(a->sign));

    if (e == OK)
        e = agent_meta_put(a, NULL, CODE_KEY, bytes_of(key_public(k), KEY_BYTES));
    key_free(k);
    return e;
}

static enum err read_code_key(const struct agent *a, struct store_txn *t, uint8_t out[KEY_BYTES])
{
    struct buf v;
    enum err e;

    buf_init(&v, KEY_BYTES);
    e = agent_meta_get(a, t, CODE_KEY, &v);
    if (e == OK && v.len == KEY_BYTES)
        memcpy(out, v.data, KEY_BYTES);
    else if (e == OK)
        e = err_set(ERR_CORRUPT,
                    _("%s: the key of the copies is damaged; make another code: svodka-agent backup "
                      "--new-code"),
                    a->dir);
    else if (e == ERR_NOT_FOUND)
        e = err_set(e,
                    _("there is no recovery code yet, so no copy can be made that opens again; make one: svodka-agent "
                      "backup --new-code"));
    buf_fini(&v);
    return e;
}

/* ---- what a copy holds ---- */

struct mark {
    int64_t made_ms;
    struct generation gen;
    uint64_t last;
    uint64_t entered; /* into sessions of anonymous answers, by then */
};

static enum err put_mark(struct agent *a, const struct mark *m)
{
    uint8_t raw[MARK_BYTES];

    be64_put(raw, (uint64_t)m->made_ms);
    gen_put(raw + 8, &m->gen);
    be64_put(raw + 8 + GEN_BYTES, m->last);
    be64_put(raw + 16 + GEN_BYTES, m->entered);
    return agent_meta_put(a, NULL, MARK_KEY, bytes_of(raw, sizeof(raw)));
}

static enum err get_mark(const struct agent *a, struct mark *out)
{
    struct buf v;
    enum err e;

    memset(out, 0, sizeof(*out));
    buf_init(&v, MARK_BYTES);
    e = agent_meta_get(a, NULL, MARK_KEY, &v);
    if (e == OK && (v.len == MARK_BYTES || v.len == MARK_BYTES_BEFORE)) {
        out->made_ms = (int64_t)be64_get(v.data);
        out->gen = gen_get(v.data + 8);
        out->last = be64_get(v.data + 8 + GEN_BYTES);
        out->entered = v.len == MARK_BYTES ? be64_get(v.data + 16 + GEN_BYTES) : 0;
    }
    buf_fini(&v);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- writing ---- */

static enum err fill_head(struct agent *a, struct store_txn *t, struct backup_head *head, struct mark *mark)
{
    struct session_totals answers;
    struct gen_row row;
    enum err e;

    memset(head, 0, sizeof(*head));
    if ((e = read_code_key(a, t, head->recovery)) != OK || (e = agent_read_generation(a, t)) != OK ||
        (e = gen_row_get(t, &a->gen, &row)) != OK || (e = session_totals(a, t, &answers)) != OK)
        return e;
    memcpy(head->district, a->directory->district, sizeof(head->district));
    (void)snprintf(head->participant, sizeof(head->participant), "%s", a->grant->participant);
    head->kind = BACKUP_AGENT;
    head->made_ms = clock_wall_ms();
    head->lsn = row.end;
    *mark = (struct mark){head->made_ms, a->gen, row.end, answers.entered};
    return OK;
}

static enum err save_home(struct backup_writer *w, const struct agent *a, struct store_txn *t)
{
    enum err e = OK;

    for (unsigned i = 0; e == OK && i < AGENT_TABLES; i++)
        e = backup_put_table(w, (uint8_t)i, agent_tables[i]);
    if (e == OK && (e = backup_save_file(w, a->dir, "agent.yaml")) == OK)
        e = backup_save_folder(w, a->dir, "keys", NULL);
    for (unsigned i = 0; e == OK && i < AGENT_TABLES; i++)
        e = backup_save_table(w, t, i);
    return e;
}

/* Only an older copy of the same home gives way. */
static enum err may_replace(const struct agent *a, const char *path)
{
    struct backup_reader *r = NULL;
    const struct backup_head *h;
    enum err e;

    if (access(path, F_OK) != 0)
        return OK;
    e = backup_open(&r, path);
    h = e == OK ? backup_head(r) : NULL;
    if (h == NULL || h->kind != BACKUP_AGENT || !digest_equal(h->signer, key_public(a->sign)))
        e = err_set(ERR_EXISTS,
                    _("%s: there is a file already that is not a copy of this computer; choose another name"), path);
    backup_close(r);
    return e;
}

/* To the end: every byte opens, every record has its shape, the counts are right. */
static enum err read_through(struct backup_reader *r)
{
    struct backup_item *item = malloc(sizeof(*item));
    enum err e = item == NULL ? ERR_NOMEM : OK;

    while (e == OK)
        e = backup_next(r, item);
    free(item);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err read_back(const char *path, const struct backup_written *written)
{
    struct backup_reader *r = NULL;
    enum err e = backup_open(&r, path);

    if (e == OK && (e = backup_unlock_with(r, written->key)) == OK)
        e = read_through(r);
    backup_close(r);
    if (e != OK)
        e = err_prefix(e, _("%s: the copy does not read back as it was written; take another stick"), path);
    return e;
}

/* Whole and read back under a name of its own, NAME.new, before it takes the place of the older copy. */
static enum err write_fresh(struct agent *a, const char *fresh, struct backup_written *written, struct mark *mark)
{
    struct backup_writer *w = NULL;
    struct backup_head head;
    struct store_txn *t = NULL;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    if ((e = fill_head(a, t, &head, mark)) == OK && (e = backup_begin(&w, fresh, &head, a->sign, true)) == OK)
        e = save_home(w, a, t);
    store_abort(t);
    if (e != OK) {
        backup_drop(w);
        return e;
    }
    return backup_finish(w, written);
}

static enum err replace(const char *fresh, const char *path)
{
    if (folder_rename(fresh, path, true) != 0)
        return err_errno(ERR_IO, errno, _("%s: cannot be written"), path);
    return folder_sync_of(path);
}

enum err self_copy_write(struct agent *a, const char *path, struct self_copy_made *out)
{
    struct backup_written written = {0};
    struct mark mark;
    char *fresh = NULL;
    enum err e = may_replace(a, path);

    if (e != OK)
        return e;
    if (asprintf(&fresh, "%s.new", path) < 0)
        return ERR_NOMEM;
    if ((e = write_fresh(a, fresh, &written, &mark)) == OK) {
        if ((e = read_back(fresh, &written)) == OK)
            e = replace(fresh, path);
        if (e != OK)
            (void)unlink(fresh);
    }
    if (e == OK && (e = put_mark(a, &mark)) == OK) {
        out->bytes = written.bytes;
        out->made_ms = mark.made_ms;
    }
    wipe(written.key, sizeof(written.key));
    free(fresh);
    return e;
}

/* ---- what would be lost ---- */

enum err self_copy_risk(const struct agent *a, struct self_copy_risk *out)
{
    struct record_ref from;
    struct queue_reader *r = NULL;
    struct queue_item item;
    struct session_totals answers;
    struct mark mark;
    struct buf v;
    enum err e = get_mark(a, &mark);

    memset(out, 0, sizeof(*out));
    if (e != OK)
        return e;
    buf_init(&v, KEY_BYTES);
    out->has_code = agent_meta_get(a, NULL, CODE_KEY, &v) == OK;
    buf_fini(&v);
    out->copy_ms = mark.made_ms;
    from = (struct record_ref){mark.gen, mark.last + 1};
    e = queue_reader_open(&r, a, mark.made_ms != 0 ? &from : NULL);
    while (e == OK && (e = queue_reader_next(r, &item)) == OK) {
        struct record head;

        if (item.state != RECORD_WAITING && item.state != RECORD_SEALED)
            continue;
        out->entries++;
        if (out->since_ms == 0 && record_decode_head(&head, item.record) == OK && head.has_time)
            out->since_ms = head.made_ms;
    }
    queue_reader_close(r);
    if (e != ERR_NOT_FOUND || (e = session_totals(a, NULL, &answers)) != OK)
        return e;
    /* Answers have no time; those that wait are at most as many as were entered since. */
    out->entries += answers.kept < answers.entered - mark.entered ? answers.kept : answers.entered - mark.entered;
    return OK;
}

/* ---- restoring ---- */

static enum err open_copy(struct backup_reader **out, const char *path, const char *code)
{
    struct key *k = NULL;
    enum err e = backup_open(out, path);

    if (e != OK)
        return e;
    if (backup_head(*out)->kind != BACKUP_AGENT)
        e = err_set(ERR_INVALID, _("this is the backup of a hub, not the copy of a school's computer"));
    else if ((e = copy_code_open(&k, code, backup_head(*out)->signer)) == OK)
        e = backup_unlock(*out, k);
    key_free(k);
    if (e != OK) {
        backup_close(*out);
        *out = NULL;
        e = err_prefix(e, "%s", path);
    }
    return e;
}

static void show_progress(const struct backup_reader *r)
{
    cli_progress(_("Restoring"), backup_read_bytes(r), backup_file_bytes(r));
}

static enum err fill(const char *path, const char *fresh, const char *code)
{
    struct store_options o = {.tables = agent_tables};
    struct backup_reader *r = NULL;
    struct store *store = NULL;
    char inside[FOLDER_PATH_MAX];
    enum err e = open_copy(&r, path, code);

    if (e == OK && (e = folder_path(inside, fresh, "store")) == OK && (e = store_open(&store, inside, &o)) == OK)
        e = backup_restore(r, fresh, store, agent_tables, show_progress);
    cli_progress_end();
    store_close(store);
    backup_close(r);
    return e;
}

/* What was signed must be what is inside, and open as a home. */
static enum err begin_again(const char *fresh, const struct backup_head *head)
{
    struct agent *a = NULL;
    char when[64];
    enum err e = agent_open(&a, fresh);

    if (e == OK &&
        (!digest_equal(key_public(a->sign), head->signer) || strcmp(a->grant->participant, head->participant) != 0 ||
         memcmp(a->directory->district, head->district, sizeof(head->district)) != 0))
        e = err_set(ERR_AUTH, _("the copy was not made by the computer whose keys it holds: it is forged"));
    if (e == OK) {
        cli_format_time(when, sizeof(when), head->made_ms);
        agent_tell(a,
                   _("This computer was restored from its copy of %s. What was entered later is asked of the district "
                     "at the next meeting; nothing is counted twice."),
                   when);
    }
    agent_close(a);
    return e;
}

enum err self_copy_restore(const char *path, const char *home, const char *code, int64_t *made_ms)
{
    struct backup_reader *r = NULL;
    struct backup_head head;
    char fresh[FOLDER_PATH_MAX];
    enum err e = open_copy(&r, path, code);

    if (e != OK)
        return e;
    head = *backup_head(r);
    if ((e = read_through(r)) != OK)
        e = err_prefix(e, "%s", path);
    backup_close(r);
    if (e != OK || (e = folder_begin(fresh, home)) != OK)
        return e;
    if ((e = fill(path, fresh, code)) == OK && (e = begin_again(fresh, &head)) == OK)
        e = folder_finish(fresh, home);
    if (e != OK)
        folder_remove(fresh);
    *made_ms = head.made_ms;
    return e;
}
