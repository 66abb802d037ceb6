#include "protocol/proof_show.h"

#include "common/cli.h"
#include "protocol/record.h"

#include <stdio.h>
#include <stdlib.h>

#define HEX_BYTES 16u

struct showing {
    struct table *table;
    enum table_format format;
};

static void put_hex(char out[2 * HEX_BYTES + 1], const uint8_t *bytes)
{
    for (size_t i = 0; i < HEX_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static const char *state_of(enum receipt_state s, enum table_format f)
{
    switch (s) {
    case RECEIPT_STORED: return f == TABLE_TEXT ? _("received") : "stored";
    case RECEIPT_ARCHIVED: return f == TABLE_TEXT ? _("in the archive") : "archived";
    case RECEIPT_REFUSED: return f == TABLE_TEXT ? _("refused") : "refused";
    }
    return "";
}

/* The hub's clock; for programs ISO 8601 in UTC. */
static void put_time(char *out, size_t size, int64_t wall_ms, enum table_format f)
{
    char day[11];
    int64_t seconds = wall_ms / 1000 % 86400;

    if (f == TABLE_TEXT) {
        cli_format_time(out, size, wall_ms);
        return;
    }
    date_format(day, (int32_t)(wall_ms / 86400000));
    (void)snprintf(out, size, "%sT%02d:%02d:%02dZ", day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                   (int)(seconds % 60));
}

static enum err show_one(void *ctx, const struct receipt *r, const struct proof_record *at)
{
    struct showing *x = ctx;
    struct record_ref ref = {r->gen, at->number};
    char id[RECORD_ID_TEXT], hex[2 * HEX_BYTES + 1], district[2 * HEX_BYTES + 1], when[64], ledger[32];
    struct record head;
    bool is_shown = at->shown.len > 0 && record_decode_head(&head, at->shown) == OK;
    const char *cells[] = {id,
                           state_of(r->state, x->format),
                           when,
                           ledger,
                           district,
                           hex,
                           is_shown ? head.unit : "",
                           is_shown ? head.period : ""};

    record_id_format(id, r->participant, &ref);
    put_time(when, sizeof(when), r->hub_ms, x->format);
    (void)snprintf(ledger, sizeof(ledger), "%llu", (unsigned long long)r->ledger_number);
    put_hex(district, r->district);
    put_hex(hex, at->digest);
    return table_row(x->table, cells);
}

enum err proof_show(const char *path, const char *root_fingerprint, enum table_format format)
{
    const struct table_column columns[] = {
        {"id", _("Submission"), TABLE_LEFT, false},     {"state", _("State"), TABLE_LEFT, false},
        {"received", _("Received"), TABLE_LEFT, false}, {"ledger", _("Place in the hub's journal"), TABLE_LEFT, false},
        {"district", _("District"), TABLE_LEFT, false}, {"digest", _("Digest of the submission"), TABLE_LEFT, false},
        {"unit", _("Unit"), TABLE_LEFT, false},         {"period", _("Period"), TABLE_LEFT, false}};
    struct showing x = {NULL, format};
    void *bytes = NULL;
    size_t len;
    enum err e = cli_read_file(path, PROOF_TEXT_MAX, &bytes, &len);

    if (e == OK && (e = table_new(&x.table, columns, sizeof(columns) / sizeof(columns[0]))) == OK &&
        (e = proof_check(bytes_of(bytes, len), root_fingerprint, show_one, &x)) == OK)
        e = table_print(x.table, format, stdout);
    table_free(x.table);
    if (bytes != NULL)
        wipe(bytes, len);
    free(bytes);
    return e;
}
