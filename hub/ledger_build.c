#include "hub/ledger_build.h"

#include "common/cli.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_internal.h"
#include "hub/ledger_scratch.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_NAME   "build.tmp"
#define MEMORY_CELLS   (1u << 16)
#define DELETE_AT_ONCE 1024u
#define PROGRESS_EVERY 1024u

struct digest_list { /* sorted */
    uint8_t (*items)[VARIABLE_DIGEST_BYTES];
    size_t count;
};

struct cell_build {
    struct hub *hub;
    struct hub next; /* the same with tomorrow's programmes and forms; a shell: nothing in it is owned but two lists */
    const struct programme *fresh;
    struct digest_list held;    /* definitions that have their cells */
    struct digest_list built;   /* those that get them anew */
    struct variable_eval *eval; /* of the new variables alone */
    uint32_t memory;
    struct cell_sums *sums;
    struct scratch scratch; /* open: what came before `sums` is in there */
    struct journal_head head;
    uint64_t done, total; /* submissions */
};

/* ---- lists of definitions ---- */

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, VARIABLE_DIGEST_BYTES);
}

/* `only` NULL: all. */
static enum err list_definitions(struct digest_list *out, const struct hub *h,
                                 bool (*only)(const void *ctx, const struct variable *v), const void *ctx)
{
    size_t all = 0;

    for (size_t p = 0; p < h->programme_count; p++)
        all += h->programmes[p]->variable_count;
    out->count = 0;
    if ((out->items = calloc(all + 1, sizeof(*out->items))) == NULL)
        return ERR_NOMEM;
    for (size_t p = 0; p < h->programme_count; p++)
        for (size_t i = 0; i < h->programmes[p]->variable_count; i++) {
            const struct variable *v = h->programmes[p]->variables[i];

            if (only == NULL || only(ctx, v))
                memcpy(out->items[out->count++], v->digest, VARIABLE_DIGEST_BYTES);
        }
    qsort(out->items, out->count, sizeof(*out->items), compare_digests);
    return OK;
}

static bool is_listed(const struct digest_list *l, const uint8_t *digest_in)
{
    return bsearch(digest_in, l->items, l->count, sizeof(*l->items), compare_digests) != NULL;
}

/* ---- what is new ---- */

static bool has_renames(const struct form_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].was != NULL ||
            (fields[i].type == VALUE_REPEAT && has_renames(fields[i].columns, fields[i].column_count)))
            return true;
    return false;
}

static bool renames_come(const struct cell_build *b, const char *form)
{
    for (size_t i = 0; i < b->fresh->form_count; i++) {
        const struct form *f = b->fresh->forms[i];

        if (strcmp(f->id, form) == 0 && hub_form(b->hub, f->digest) == NULL && has_renames(f->fields, f->field_count))
            return true;
    }
    return false;
}

static bool is_new(const void *ctx, const struct variable *v)
{
    const struct cell_build *b = ctx;

    if (!is_listed(&b->held, v->digest))
        return true;
    for (uint32_t i = 0; i < v->clause_count; i++)
        if (renames_come(b, v->clauses[i].form))
            return true;
    return false;
}

/* ---- the hub of tomorrow ---- */

static int compare_forms(const void *a, const void *b)
{
    const struct form *const *x = a;
    const struct form *const *y = b;

    return memcmp((*x)->digest, (*y)->digest, FORM_DIGEST_BYTES);
}

/* In the order in which the store lists them: which of several renames is found first is the same as afterwards. */
static enum err next_forms(struct cell_build *b)
{
    const struct hub *h = b->hub;

    b->next.form_count = 0;
    if ((b->next.forms = calloc(h->form_count + b->fresh->form_count + 1, sizeof(struct form *))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < h->form_count; i++)
        b->next.forms[b->next.form_count++] = h->forms[i];
    for (size_t i = 0; i < b->fresh->form_count; i++)
        if (hub_form(h, b->fresh->forms[i]->digest) == NULL)
            b->next.forms[b->next.form_count++] = b->fresh->forms[i];
    qsort(b->next.forms, b->next.form_count, sizeof(struct form *), compare_forms);
    return OK;
}

static enum err next_programmes(struct cell_build *b)
{
    const struct hub *h = b->hub;

    b->next.programme_count = 0;
    if ((b->next.programmes = calloc(h->programme_count + 1, sizeof(struct programme *))) == NULL)
        return ERR_NOMEM;
    for (size_t p = 0; p < h->programme_count; p++)
        if (strcmp(h->programmes[p]->id, b->fresh->id) != 0)
            b->next.programmes[b->next.programme_count++] = h->programmes[p];
    b->next.programmes[b->next.programme_count++] = (struct programme *)(uintptr_t)b->fresh; /* read only */
    return OK;
}

enum err cell_build_new(struct cell_build **out, struct hub *h, const struct programme *fresh)
{
    struct cell_build *b = calloc(1, sizeof(*b));
    enum err e;

    if (b == NULL)
        return ERR_NOMEM;
    b->hub = h;
    b->next = *h;
    b->next.forms = NULL;
    b->next.programmes = NULL;
    b->fresh = fresh;
    b->memory = MEMORY_CELLS;
    if ((e = next_forms(b)) != OK || (e = next_programmes(b)) != OK ||
        (e = list_definitions(&b->held, h, NULL, NULL)) != OK ||
        (e = list_definitions(&b->built, &b->next, is_new, b)) != OK ||
        (e = variable_eval_new(&b->eval, &b->next, is_new, b)) != OK || (e = cell_sums_new(&b->sums)) != OK) {
        cell_build_free(b);
        return e;
    }
    *out = b;
    return OK;
}

void cell_build_free(struct cell_build *b)
{
    if (b == NULL)
        return;
    scratch_close(&b->scratch);
    cell_sums_free(b->sums);
    variable_eval_free(b->eval);
    free(b->built.items);
    free(b->held.items);
    free(b->next.programmes);
    free(b->next.forms);
    free(b);
}

bool cell_build_is_needed(const struct cell_build *b)
{
    return b->built.count > 0;
}

bool cell_build_has(const struct cell_build *b, const struct variable *v)
{
    return is_listed(&b->built, v->digest);
}

void cell_build_set_memory(struct cell_build *b, uint32_t cells)
{
    b->memory = cells;
}

/* ---- building ---- */

static enum err spill(struct cell_build *b)
{
    struct store_txn *t;
    enum err e = OK;

    if (b->scratch.store == NULL)
        e = scratch_open(&b->scratch, b->hub, SCRATCH_NAME, _("Another programme is being loaded."));
    if (e != OK || (e = store_begin_write(b->scratch.store, &t)) != OK)
        return e;
    if ((e = cell_sums_store(b->sums, t)) != OK) {
        store_abort(t);
        return e;
    }
    cell_sums_reset(b->sums);
    return store_commit(t);
}

static enum err add_current(void *ctx, const struct submission *s)
{
    struct cell_build *b = ctx;
    enum err e = ledger_contribute(b->hub->ledger, b->eval, s->record, b->sums, 1);

    if (++b->done % PROGRESS_EVERY == 0)
        cli_progress(_("Computing from the submissions"), b->done, b->total);
    return e == OK && cell_sums_count(b->sums) >= b->memory ? spill(b) : e;
}

/* Several versions of one form stand for one form; the first that is read speaks for all. */
static bool is_first_read(const struct cell_build *b, size_t at)
{
    if (!variable_eval_reads(b->eval, b->next.forms[at]))
        return false;
    for (size_t i = 0; i < at; i++)
        if (strcmp(b->next.forms[i]->id, b->next.forms[at]->id) == 0 && variable_eval_reads(b->eval, b->next.forms[i]))
            return false;
    return true;
}

static enum err count_slots(struct cell_build *b, struct store_txn *t, const char *form_id)
{
    size_t len = strlen(form_id) + 1;
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_SLOTS, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of(form_id, len), &key, &value);
         e == OK && key.len >= len && memcmp(key.p, form_id, len) == 0; e = store_next(c, &key, &value))
        b->total++;
    store_cursor_close(c);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err count_submissions(struct cell_build *b, struct store_txn *t)
{
    enum err e = OK;

    b->done = b->total = 0;
    for (size_t i = 0; e == OK && i < b->next.form_count; i++)
        if (is_first_read(b, i))
            e = count_slots(b, t, b->next.forms[i]->id);
    return e;
}

enum err cell_build_size(struct cell_build *b, struct store_txn *t, uint64_t *definitions, uint64_t *submissions)
{
    enum err e = count_submissions(b, t);

    *submissions = b->total;
    *definitions = 0;
    for (size_t i = 0; i < b->built.count; i++) /* sorted; those of several programmes may be equal */
        if (i == 0 || memcmp(b->built.items[i], b->built.items[i - 1], VARIABLE_DIGEST_BYTES) != 0)
            (*definitions)++;
    return e;
}

enum err cell_build_run(struct cell_build *b, struct store_txn *t)
{
    enum err e = journal_head(t, &b->head);

    scratch_close(&b->scratch);
    cell_sums_reset(b->sums);
    decoder_forget(b->hub->ledger->decoder);
    if (e == OK)
        e = count_submissions(b, t);
    for (size_t i = 0; e == OK && i < b->next.form_count; i++)
        if (is_first_read(b, i))
            e = ledger_each_current(b->hub->ledger, t, b->next.forms[i]->id, NULL, NULL, add_current, b);
    if (e == OK && b->scratch.store != NULL)
        e = spill(b);
    cli_progress_end();
    return e;
}

enum err cell_build_is_current(const struct cell_build *b, struct store_txn *t, bool *is_current)
{
    struct journal_head now;
    enum err e = journal_head(t, &now);

    *is_current = e == OK && now.lsn == b->head.lsn && digest_equal(now.digest, b->head.digest);
    return e;
}

/* ---- the switch ---- */

/* The next variable that has cells, from `from` on.  ERR_NOT_FOUND: none. */
static enum err next_definition(struct store_txn *t, const uint8_t from[VARIABLE_DIGEST_BYTES],
                                uint8_t out[VARIABLE_DIGEST_BYTES])
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    enum err e = store_cursor_open(t, H_CELLS, &c);

    if (e != OK)
        return e;
    if ((e = store_seek(c, bytes_of(from, VARIABLE_DIGEST_BYTES), &key, &value)) == OK) {
        memset(out, 0, VARIABLE_DIGEST_BYTES);
        memcpy(out, key.p, key.len < VARIABLE_DIGEST_BYTES ? key.len : VARIABLE_DIGEST_BYTES);
    }
    store_cursor_close(c);
    return e;
}

/* False: it was the last. */
static bool count_up(uint8_t digest_io[VARIABLE_DIGEST_BYTES])
{
    for (size_t i = VARIABLE_DIGEST_BYTES; i-- > 0;)
        if (++digest_io[i] != 0)
            return true;
    return false;
}

/* Keys of the variable's next cells: length u32 | bytes, each. */
static enum err some_keys(struct store_txn *t, const uint8_t digest_in[VARIABLE_DIGEST_BYTES], struct buf *out)
{
    struct store_cursor *c;
    struct bytes key;
    struct bytes value;
    uint32_t n = 0;
    enum err e = store_cursor_open(t, H_CELLS, &c);

    if (e != OK)
        return e;
    buf_reset(out);
    for (e = store_seek(c, bytes_of(digest_in, VARIABLE_DIGEST_BYTES), &key, &value);
         e == OK && n < DELETE_AT_ONCE && key.len >= VARIABLE_DIGEST_BYTES &&
         memcmp(key.p, digest_in, VARIABLE_DIGEST_BYTES) == 0;
         e = store_next(c, &key, &value), n++) {
        buf_put_u32(out, (uint32_t)key.len);
        buf_put(out, key.p, key.len);
    }
    store_cursor_close(c);
    return e == OK || e == ERR_NOT_FOUND ? buf_status(out) : e;
}

static enum err delete_cells(struct store_txn *t, const uint8_t digest_in[VARIABLE_DIGEST_BYTES], struct buf *keys)
{
    enum err e;

    while ((e = some_keys(t, digest_in, keys)) == OK && keys->len > 0) {
        struct rd r = rd_of(keys->data, keys->len);

        while (e == OK && rd_left(&r) > 0) {
            uint32_t len = rd_u32(&r);

            e = store_delete(t, H_CELLS, bytes_of(rd_bytes(&r, len), len));
        }
        if (e != OK)
            return e;
    }
    return e;
}

/* Of variables that no programme will have, and of those that were built anew. */
static enum err delete_others(const struct cell_build *b, struct store_txn *t)
{
    struct digest_list keep = {NULL, 0};
    uint8_t at[VARIABLE_DIGEST_BYTES] = {0};
    struct buf keys;
    enum err e = list_definitions(&keep, &b->next, NULL, NULL);
    bool is_more = true;

    buf_init(&keys, (size_t)DELETE_AT_ONCE * (STORE_KEY_MAX + 4));
    while (e == OK && is_more && (e = next_definition(t, at, at)) == OK) {
        if (!is_listed(&keep, at) || is_listed(&b->built, at))
            e = delete_cells(t, at, &keys);
        is_more = count_up(at);
    }
    buf_fini(&keys);
    free(keep.items);
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err copy_cells(const struct cell_build *b, struct store_txn *t)
{
    struct store_cursor *c = NULL;
    struct store_txn *from;
    struct bytes key;
    struct bytes value;
    enum err put = OK;
    enum err e = store_begin_read(b->scratch.store, &from);

    if (e != OK)
        return e;
    if ((e = store_cursor_open(from, H_CELLS, &c)) == OK)
        for (e = store_seek(c, bytes_of("", 0), &key, &value); e == OK && put == OK; e = store_next(c, &key, &value))
            put = store_put(t, H_CELLS, key, value);
    store_cursor_close(c);
    store_abort(from);
    if (put != OK)
        return put;
    return e == ERR_NOT_FOUND ? OK : e;
}

static bool is_built(const void *ctx, const uint8_t *variable)
{
    const struct cell_build *b = ctx;

    return is_listed(&b->built, variable);
}

enum err cell_build_store(const struct cell_build *b, struct store_txn *t)
{
    enum err e = delete_others(b, t);

    if (e != OK)
        return e;
    e = b->scratch.store != NULL ? copy_cells(b, t) : cell_sums_store(b->sums, t);
    return e == OK ? ledger_add_frozen(b->hub, t, t, is_built, b) : e;
}
