#include "hub/carry_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/archive.h"
#include "hub/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RECEIPTS_AT_ONCE 8192u /* of one generation; the rest in the next answer */
#define CONFLICT                                                                                                       \
    "does not continue what the hub holds; the pages in the same file settle it, and what is missing comes under new " \
    "numbers"
#define NAMES_MAX 100u

struct answering {
    struct hub *hub;
    const struct carry_school *school;
    const struct participant *to;
    const char *target;
    bool is_folder;
    void (*written)(void *ctx, const char *path);
    void *ctx;
    struct store_txn *t;
    struct bundle_writer *file; /* NULL between two files */
    char path[FOLDER_PATH_MAX];
    uint64_t files;
    int64_t made_ms; /* before the snapshot that it speaks of */
};

/* ---- where ---- */

static enum err next_serial(struct hub *h, const char *id, uint64_t *serial)
{
    char key[ID_MAX + 16];
    uint8_t raw[8];
    struct store_txn *t = NULL;
    struct bytes value;
    enum err e = store_begin_write(h->store, &t);

    if (e != OK)
        return e;
    (void)snprintf(key, sizeof(key), "bundle/%s", id);
    *serial = 1;
    e = store_get(t, H_META, bytes_of(key, strlen(key)), &value);
    if (e == OK && value.len == sizeof(raw))
        *serial = be64_get(value.p) + 1;
    be64_put(raw, *serial);
    if (e == OK || e == ERR_NOT_FOUND)
        e = store_put(t, H_META, bytes_of(key, strlen(key)), bytes_of(raw, sizeof(raw)));
    if (e == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

/* A file that is there is replaced only when it is an answer. */
static enum err check_replaced(const char *path)
{
    struct bundle_reader *r = NULL;
    struct stat st;
    bool is_answer;

    if (stat(path, &st) != 0)
        return OK;
    is_answer = bundle_open(&r, path, true, INT64_MAX) == OK && bundle_direction(r) == BUNDLE_DOWN;
    bundle_close(r);
    return is_answer ? OK
                     : err_set(ERR_EXISTS, _("%s exists already and is something else; choose another name"), path);
}

static enum err choose_path(struct answering *a, struct bundle_about *about)
{
    char name[BUNDLE_NAME_MAX];
    struct stat st;
    enum err e;

    for (unsigned i = 0; i < NAMES_MAX; i++) {
        if ((e = next_serial(a->hub, a->school->id, &about->serial)) != OK)
            return e;
        if (!a->is_folder) {
            if ((e = bundle_numbered(a->path, a->target, a->files + 1)) != OK)
                return e;
            return check_replaced(a->path);
        }
        bundle_name(name, about);
        if ((e = folder_path(a->path, a->target, name)) != OK)
            return e;
        if (lstat(a->path, &st) != 0)
            return OK;
    }
    return err_set(ERR_EXISTS, _("%s is full of older files of this school; remove some of them"), a->target);
}

/* ---- files ---- */

static void make_label(const struct answering *a, const struct bundle_about *about, struct buf *out)
{
    char day[32];

    cli_format_minute(day, sizeof(day), about->made_ms);
    buf_printf(out,
               "\n\nСводка: ответ района для школы. Не изменяйте этот файл.\n"
               "Svodka: the district's answer, for a school. Do not change this file.\n\n"
               "От кого / From:     %s\n"
               "Кому / For:         %s (%s)\n"
               "Записано / Written: %s\n"
               "Файл / File:        %llu\n"
               "В школе / At the school: svodka-agent bundle receipt\n\n",
               a->hub->conf.name, a->to->grant.name, a->to->id, day, (unsigned long long)about->serial);
}

static enum err finish_file(struct answering *a)
{
    uint64_t bytes = 0;
    enum err e;

    if (a->file == NULL)
        return OK;
    e = bundle_finish(a->file, a->hub->sign, !a->is_folder, &bytes);
    bundle_writer_free(a->file);
    a->file = NULL;
    if (e != OK)
        return e;
    a->files++;
    a->written(a->ctx, a->path);
    return OK;
}

/* Every file begins with who the hub is and what the school may do: each can be read without the others. */
static enum err begin_file(struct answering *a)
{
    struct bundle_about about = {.direction = BUNDLE_DOWN, .made_ms = a->made_ms};
    const struct buf *directory = &a->hub->directory_object;
    const struct buf *grant = &a->to->grant_object;
    struct buf label;
    enum err e;

    memcpy(about.district, a->hub->district, sizeof(about.district));
    (void)snprintf(about.participant, sizeof(about.participant), "%s", a->to->id);
    buf_init(&label, BUNDLE_LABEL_MAX);
    if ((e = choose_path(a, &about)) == OK) {
        make_label(a, &about, &label);
        e = bundle_create(&a->file, a->path, &about, buf_cstr(&label), (uint64_t)a->hub->conf.bundle_max);
    }
    buf_fini(&label);
    if (e == OK)
        e = bundle_put(a->file, BUNDLE_DIRECTORY, bytes_of(directory->data, directory->len));
    return e == OK ? bundle_put(a->file, BUNDLE_GRANT, bytes_of(grant->data, grant->len)) : e;
}

static enum err put(struct answering *a, enum bundle_kind kind, struct bytes part)
{
    enum err e = OK;

    if (a->file != NULL && !bundle_fits(a->file, part.len))
        e = finish_file(a);
    if (e == OK && a->file == NULL)
        e = begin_file(a);
    return e == OK ? bundle_put(a->file, kind, part) : e;
}

/* ---- what goes back ---- */

static bool is_held(const struct carry_school *s, const uint8_t d[DIGEST_BYTES])
{
    for (uint32_t i = 0; s->held != NULL && i < s->held->count; i++)
        if (digest_equal(s->held->digests[i], d))
            return true;
    return false;
}

static enum err put_objects(struct answering *a)
{
    const struct directory *d = a->hub->directory;
    enum object_kind kind;
    struct bytes bytes;
    enum err e = OK;

    for (uint32_t i = 0; i < d->object_count && e == OK; i++) {
        if (!d->objects[i].is_current || is_held(a->school, d->objects[i].digest))
            continue;
        if ((e = hub_object(a->t, d->objects[i].digest, &kind, &bytes)) == OK)
            e = put(a, BUNDLE_OBJECT, bytes);
    }
    return e;
}

static enum err put_receipt(void *ctx, uint64_t sequence, struct bytes receipt)
{
    const struct answering *a = ctx;
    struct bytes now;
    struct buf fresh;
    enum err e;

    (void)sequence;
    buf_init(&fresh, SIGNED_MAX);
    if ((e = hub_receipt_now(a->hub, receipt, &fresh, &now)) == OK)
        e = put(ctx, BUNDLE_RECEIPT, now);
    buf_fini(&fresh);
    return e;
}

static enum err put_refused(struct answering *a, const struct carry_refused *x)
{
    struct receipt_refusal why = {.number = x->first_number, .why = {.reason = QUARANTINE_CONFLICT}};
    struct receipt r = {.gen = x->gen,
                        .sequence = x->sequence,
                        .state = RECEIPT_REFUSED,
                        .hub_ms = a->made_ms,
                        .directory_version = a->hub->directory->version,
                        .refusal_count = 1,
                        .refusals = &why};
    struct buf object;
    enum err e;

    (void)snprintf(why.why.text, sizeof(why.why.text), "%s", CONFLICT);
    memcpy(r.district, a->hub->district, sizeof(r.district));
    memcpy(r.participant, a->to->id, sizeof(r.participant));
    memcpy(r.batch, x->digest, DIGEST_BYTES);
    buf_init(&object, SIGNED_MAX);
    if ((e = receipt_make(&object, &r, a->hub->sign)) == OK)
        e = put(a, BUNDLE_RECEIPT, bytes_of(object.data, object.len));
    buf_fini(&object);
    return e;
}

/* All pages of a closed generation, from number 1 on: nobody asks, so nobody can say from where. */
static enum err put_pages(struct answering *a, const struct generation *gen)
{
    uint64_t from = 1;
    bool is_last = false;
    struct buf object;
    enum err e = OK;

    buf_init(&object, SIGNED_MAX);
    while (e == OK && !is_last) {
        struct reconcile r;

        if ((e = ledger_reconcile(a->hub->ledger, a->t, a->to->index, gen, from, &r)) != OK)
            break;
        is_last = r.last >= r.held_last_number;
        from = r.last + 1;
        buf_reset(&object);
        if ((e = reconcile_make(&object, &r, a->hub->sign)) == OK)
            e = put(a, BUNDLE_RECONCILE, bytes_of(object.data, object.len));
        reconcile_fini(&r);
    }
    buf_fini(&object);
    return e;
}

static enum err put_holdings(struct answering *a, const struct generation *gen, const struct ledger_chain *chain)
{
    struct bundle_holdings *h = calloc(1, sizeof(*h));
    struct buf part;
    enum err e;

    if (h == NULL)
        return ERR_NOMEM;
    h->gen = *gen;
    h->next_sequence = chain->next_sequence;
    h->held_last = chain->held_last;
    h->gap_count = chain->gap_count < WELCOME_MAX_GAPS ? chain->gap_count : WELCOME_MAX_GAPS;
    memcpy(h->gaps, chain->gaps, h->gap_count * sizeof(h->gaps[0]));
    buf_init(&part, BUNDLE_PART_MAX);
    if ((e = bundle_holdings_put(&part, h)) == OK)
        e = put(a, BUNDLE_HOLDINGS, bytes_of(part.data, part.len));
    buf_fini(&part);
    free(h);
    return e;
}

static enum err put_generation(struct answering *a, const struct carry_generation *g)
{
    struct ledger_chain chain;
    enum err e;

    if ((e = ledger_each_receipt(a->t, a->to->index, &g->gen, g->above, RECEIPTS_AT_ONCE, put_receipt, a)) != OK ||
        (e = archive_each_receipt(a->hub, a->t, a->to->index, &g->gen, g->archived, RECEIPTS_AT_ONCE, put_receipt,
                                  a)) != OK ||
        (e = ledger_chain(a->t, a->to->index, &g->gen, &chain)) != OK)
        return e;
    return chain.is_closed ? OK : put_holdings(a, &g->gen, &chain);
}

/* First in the file: the school takes the pages of a generation together, out of one file. */
static enum err put_settled(struct answering *a, const struct carry_generation *g)
{
    struct ledger_chain chain;
    enum err e;

    if (!g->needs_pages)
        return OK;
    if ((e = ledger_chain(a->t, a->to->index, &g->gen, &chain)) != OK)
        return e;
    return chain.is_closed ? put_pages(a, &g->gen) : OK;
}

static enum err put_word(void *ctx, uint64_t serial, struct bytes object)
{
    (void)serial;
    return put(ctx, BUNDLE_WORD, object);
}

static enum err put_all(struct answering *a)
{
    enum err e = begin_file(a);

    for (size_t i = 0; i < a->school->gen_count && e == OK; i++)
        e = put_settled(a, &a->school->gens[i]);
    if (e == OK)
        e = put_objects(a);
    for (size_t i = 0; i < a->school->gen_count && e == OK; i++)
        e = put_generation(a, &a->school->gens[i]);
    for (size_t i = 0; i < a->school->refusal_count && e == OK; i++)
        e = put_refused(a, &a->school->refusals[i]);
    if (e == OK && a->school->takes_words && a->to->state != PARTICIPANT_REVOKED)
        e = words_each(
            a->hub, a->t,
            &(struct words_wanted){a->to->index, a->school->words_held, WORDS_AT_ONCE, a->school->words_known},
            put_word, a);
    return e == OK ? finish_file(a) : e;
}

enum err carry_answer(struct hub *h, const struct carry_school *s, const char *target,
                      void (*written)(void *ctx, const char *path), void *ctx)
{
    struct answering a = {.hub = h,
                          .school = s,
                          .to = registry_by_id(h->registry, s->id),
                          .target = target,
                          .written = written,
                          .ctx = ctx,
                          .made_ms = clock_wall_ms()};
    struct stat st;
    enum err e;

    a.is_folder = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
    if (a.to == NULL)
        return err_set(ERR_NOT_FOUND, _("there is no school \"%s\""), s->id);
    if (s->takes_words && (e = words_raise(h, a.to->index, s->words_held)) != OK)
        return e;
    if ((e = store_begin_read(h->store, &a.t)) != OK)
        return e;
    e = put_all(&a);
    store_abort(a.t);
    bundle_writer_free(a.file);
    return e;
}
