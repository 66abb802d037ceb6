#include "hub/ledger_compare.h"

#include "common/cli.h"
#include "hub/ledger_internal.h"

#include <stdarg.h>
#include <string.h>

#define LINES_MAX 300u

void compare_say(struct compare *c, const char *fmt, ...)
{
    va_list ap;

    c->bad++;
    if (c->said++ >= LINES_MAX)
        return;
    va_start(ap, fmt);
    (void)vfprintf(c->to, fmt, ap);
    va_end(ap);
    (void)fputc('\n', c->to);
}

/* ---- what a key is about, in words ---- */

#define NAME_MAX_TEXT 512u

static const char *participant_name(const struct compare *c, uint32_t index)
{
    const struct participant *who = registry_by_index(c->hub->registry, index);

    return who == NULL ? "?" : who->id;
}

static void name_number(const struct compare *c, char *out, struct bytes key)
{
    struct record_ref ref;

    if (key.len != PLACE_KEY_BYTES) {
        (void)snprintf(out, NAME_MAX_TEXT, "?");
        return;
    }
    ref = record_ref_get(key.p + 4);
    record_id_format(out, participant_name(c, be32_get(key.p)), &ref);
}

static void name_slot(char *out, struct bytes key)
{
    struct slot_list_entry at;

    if (slot_list_read(&at, key) == OK)
        (void)snprintf(out, NAME_MAX_TEXT, "%s, %s, %s", at.form_id, at.unit, at.period);
    else
        (void)snprintf(out, NAME_MAX_TEXT, "?");
}

/* Texts with a 0 behind each of them. */
static void name_texts(char *out, struct bytes key)
{
    size_t len = 0;

    for (size_t i = 0; i + 1 < key.len && len + 3 < NAME_MAX_TEXT; i++) {
        if (key.p[i] == 0)
            out[len++] = ',';
        out[len++] = key.p[i] == 0 ? ' ' : (char)key.p[i];
    }
    out[len] = '\0';
}

static void name_current(const struct compare *c, char *out, struct bytes value)
{
    struct slot_current at;

    if (slot_current_get(&at, value) == OK)
        record_id_format(out, participant_name(c, at.participant), &at.ref);
    else
        (void)snprintf(out, NAME_MAX_TEXT, "?");
}

static const struct variable *variable_of(const struct compare *c, const uint8_t *digest_in)
{
    for (size_t p = 0; p < c->hub->programme_count; p++)
        for (size_t i = 0; i < c->hub->programmes[p]->variable_count; i++)
            if (memcmp(c->hub->programmes[p]->variables[i]->digest, digest_in, VARIABLE_DIGEST_BYTES) == 0)
                return c->hub->programmes[p]->variables[i];
    return NULL;
}

/* A combination of answers as it is; of all other kinds, bytes. */
static void name_part(char out[NAME_MAX_TEXT], const struct variable *v, struct bytes part)
{
    size_t at = 0;

    if (v != NULL && v->kind == VARIABLE_SUM) {
        (void)snprintf(out, NAME_MAX_TEXT, "%.*s", (int)part.len, (const char *)part.p);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < part.len && at + 2 < NAME_MAX_TEXT; i++, at += 2)
        (void)snprintf(out + at, 3, "%02x", part.p[i]);
}

static void name_cell(const struct compare *c, char *out, struct bytes key)
{
    const struct variable *v;
    char part[NAME_MAX_TEXT];
    struct cell_at at;

    if (cell_key_read(&at, key) != OK) {
        (void)snprintf(out, NAME_MAX_TEXT, "?");
        return;
    }
    v = variable_of(c, at.digest);
    name_part(part, v, at.part);
    (void)snprintf(out, NAME_MAX_TEXT, "%s, %.32s, %.32s%s%.160s", v == NULL ? "?" : v->id, at.unit, at.period,
                   at.part.len > 0 ? ", " : "", part);
}

static const char *table_title(unsigned table)
{
    switch (table) {
    case H_BATCHES: return _("batches and receipts");
    case H_RANGES: return _("received numbers");
    case H_DEAD: return _("corrected and retracted numbers");
    case H_CURRENT: return _("current submissions");
    case H_SLOTS: return _("list of current submissions");
    case H_CELLS: return _("cells of indicators");
    case H_QUARANTINE: return _("quarantine");
    case H_CHECKPOINTS: return _("checkpoints");
    case H_PERIODS: return _("closed periods");
    case H_PUBLICATIONS: return _("publications");
    case H_RETURNS: return _("the office's word about returns");
    case H_QUESTIONS: return _("questions to schools");
    case H_EXCUSES: return _("waivers, extensions and calls");
    case H_ACTS: return _("acts of erasure");
    case H_ERASED: return _("batches of which something was erased");
    case H_FROZEN: return _("frozen returns");
    case H_SIGNERS: return _("computers of the schools");
    case H_STANDING: return _("how the schools stand");
    case H_SUSPECTS: return _("doubtful parcels");
    default: return "";
    }
}

static void name_row(const struct compare *c, unsigned table, char out[NAME_MAX_TEXT], struct bytes key,
                     struct bytes value)
{
    if (table == H_CELLS)
        name_cell(c, out, key);
    else if (table == H_SLOTS)
        name_slot(out, key);
    else if (table == H_RETURNS || table == H_PERIODS || table == H_FROZEN || table == H_EXCUSES)
        name_texts(out, key);
    else if ((table == H_PUBLICATIONS || table == H_ACTS || table == H_QUESTIONS || table == H_ERASED) && key.len == 8)
        (void)snprintf(out, NAME_MAX_TEXT, "%llu", (unsigned long long)be64_get(key.p));
    else if (table == H_CHECKPOINTS && key.len == 4)
        date_format(out, (int32_t)(be32_get(key.p) & INT32_MAX));
    else if (table == H_CURRENT)
        name_current(c, out, value);
    else if ((table == H_SIGNERS || table == H_STANDING) && key.len >= 4)
        (void)snprintf(out, NAME_MAX_TEXT, "%s", participant_name(c, be32_get(key.p)));
    else
        name_number(c, out, key);
}

/* ---- side by side ---- */

struct side {
    const struct compare_rows *rows; /* NULL: the cursor's */
    struct store_cursor *cursor;
    struct bytes key, value;
    bool has;
};

static enum err step(struct side *s)
{
    enum err e =
        s->rows != NULL ? s->rows->next(s->rows->ctx, &s->key, &s->value) : store_next(s->cursor, &s->key, &s->value);

    s->has = e == OK;
    return e == ERR_NOT_FOUND ? OK : e;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.p, b.p, len);

    if (order != 0)
        return order;
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

static void say_row(struct compare *c, unsigned table, const struct side *held, const struct side *computed, int order)
{
    char name[NAME_MAX_TEXT];
    const struct side *at = order <= 0 ? held : computed;

    name_row(c, table, name, at->key, at->value);
    if (order < 0)
        compare_say(c, _("%s: %s: it is stored, but does not follow from the journal"), table_title(table), name);
    else if (order > 0)
        compare_say(c, _("%s: %s: it follows from the journal, but is not stored"), table_title(table), name);
    else
        compare_say(c, _("%s: %s: what is stored differs from what follows from the journal"), table_title(table),
                    name);
}

/* A receipt that an older key of this hub signed follows from the journal when its words do: computed ones are signed
 * by the key of today. */
static bool is_older_receipt(const struct compare *c, struct bytes held, struct bytes computed)
{
    struct batch_row a;
    struct batch_row b;
    struct bytes x;
    struct bytes y;

    return batch_row_get(&a, held) == OK && batch_row_get(&b, computed) == OK && a.lsn == b.lsn &&
           digest_equal(a.digest, b.digest) &&
           signed_open(&x, a.receipt, SIGNED_RECEIPT, hub_signer(c->hub, a.receipt)) == OK &&
           signed_open(&y, b.receipt, SIGNED_RECEIPT, key_public(c->hub->sign)) == OK && compare_bytes(x, y) == 0;
}

static bool is_same(const struct compare *c, unsigned table, struct bytes held, struct bytes computed)
{
    return compare_bytes(held, computed) == 0 || (table == H_BATCHES && is_older_receipt(c, held, computed));
}

/* A fresh cursor's next row is the first one. */
static enum err walk(struct compare *c, unsigned table, struct side *held, struct side *computed)
{
    enum err e;

    if ((e = step(held)) != OK || (e = step(computed)) != OK)
        return e;
    while (held->has || computed->has) {
        int order = !held->has ? 1 : (!computed->has ? -1 : compare_bytes(held->key, computed->key));

        if (order != 0 || !is_same(c, table, held->value, computed->value))
            say_row(c, table, held, computed, order);
        if ((order <= 0 && (e = step(held)) != OK) || (order >= 0 && (e = step(computed)) != OK))
            return e;
    }
    return OK;
}

static enum err compare_table(struct compare *c, unsigned table, struct store_txn *held, struct store_txn *computed,
                              const struct compare_rows *rows)
{
    struct side a = {0};
    struct side b = {.rows = rows};
    enum err e;

    c->said = 0;
    if ((e = store_cursor_open(held, table, &a.cursor)) != OK)
        return e;
    if (rows != NULL || (e = store_cursor_open(computed, table, &b.cursor)) == OK)
        e = walk(c, table, &a, &b);
    store_cursor_close(b.cursor);
    store_cursor_close(a.cursor);
    if (c->said > LINES_MAX)
        (void)fprintf(c->to, _("%s: and %llu more differences\n"), table_title(table),
                      (unsigned long long)(c->said - LINES_MAX));
    return e;
}

enum err compare_tables(struct compare *c, struct store_txn *held, struct store_txn *computed,
                        const struct compare_rows *current, const struct compare_rows *slots)
{
    static const unsigned tables[] = {H_BATCHES,      H_RANGES,     H_DEAD,      H_CURRENT,     H_SLOTS,
                                      H_CELLS,        H_QUARANTINE, H_RETURNS,   H_CHECKPOINTS, H_PERIODS,
                                      H_PUBLICATIONS, H_ACTS,       H_ERASED,    H_FROZEN,      H_SIGNERS,
                                      H_STANDING,     H_SUSPECTS,   H_QUESTIONS, H_EXCUSES};
    enum err e = OK;

    for (size_t i = 0; e == OK && i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct compare_rows *rows = tables[i] == H_CURRENT ? current : tables[i] == H_SLOTS ? slots : NULL;

        cli_progress(_("Comparing"), i, sizeof(tables) / sizeof(tables[0]));
        e = compare_table(c, tables[i], held, computed, rows);
    }
    return e;
}
