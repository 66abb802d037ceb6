/* receipt: the district's signed word about submissions: shown, written into a file for others, checked. */
#include "agent/cmd_sheet.h"

#include "agent/queue_proof.h"
#include "agent/standing.h"
#include "protocol/proof_show.h"

#include <stdlib.h>
#include <string.h>

#define HEX_BYTES 16u /* of a digest, for people */

static void hex_of(char out[2 * HEX_BYTES + 1], const uint8_t digest_in[DIGEST_BYTES])
{
    for (size_t i = 0; i < HEX_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest_in[i]);
}

static const char *word_of_receipt(enum receipt_state s)
{
    switch (s) {
    case RECEIPT_STORED: return _("received");
    case RECEIPT_ARCHIVED: return _("in the archive");
    case RECEIPT_REFUSED: return _("refused");
    }
    return "";
}

/* What became of this very submission: by words, by the receipt's refusals, up to a limit that few batches reach. */
static enum err verdict_of(const struct agent *a, const struct record_ref *ref, const struct receipt *r,
                           const char **verdict, char why[STANDING_TEXT])
{
    struct standing_row row;
    const struct form *form;
    char name[400];
    enum err e = standing_get(a, NULL, ref, &row);

    why[0] = '\0';
    if (e == OK) {
        submission_name(a, ref, name, sizeof(name), &form);
        standing_why(why, &row, form);
        *verdict = standing_word(row.standing);
    } else if (e == ERR_NOT_FOUND) {
        *verdict = r->state == RECEIPT_REFUSED                           ? _("refused")
                   : r->verdicts[VERDICT_QUARANTINED] > r->refusal_count ? _("not told one by one")
                                                                         : _("accepted");
        e = OK;
    }
    return e;
}

/* ---- what was asked for ---- */

struct receipt_command {
    const char *what; /* an id, or a form */
    const char *period, *unit, *out;
    bool shows; /* the answers go into the file */
    enum table_format format;
};

struct ref_list {
    struct record_ref *items;
    size_t count, cap;
};

static enum err add_ref(struct ref_list *l, const struct record_ref *ref)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct record_ref *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *ref;
    return OK;
}

static enum err take_ref(void *ctx, const struct queue_submission *s)
{
    return s->state == RECORD_WAITING || s->state == RECORD_SEALED ? OK : add_ref(ctx, &s->ref);
}

static enum err take_past(void *ctx, const struct queue_past *p)
{
    return add_ref(ctx, &p->ref);
}

static bool is_id(const char *what)
{
    return strchr(what, '/') != NULL || (what[0] >= '0' && what[0] <= '9');
}

/* Everything of a form and period that has a receipt; ids ascend along the queue. */
static enum err find_return(const struct agent *a, const struct receipt_command *c, struct ref_list *out)
{
    struct queue_filter filter = {c->what, c->unit, NULL};
    const struct form *form = NULL;
    struct period period;
    enum err e;

    for (size_t i = 0; i < a->form_count; i++)
        if (strcmp(a->forms[i].object->name, c->what) == 0)
            form = agent_form_at(a, i);
    if (form == NULL && (e = command_form(a, c->what, &form)) != OK)
        return e;
    if (c->period == NULL)
        return err_set(ERR_USAGE, _("a form needs its period: --period P"));
    if ((e = form_period(form, a->calendar, c->period, &period)) != OK)
        return e;
    filter.period = period.id;
    if ((e = queue_each_past(a, &filter, take_past, out)) == OK && (e = queue_each(a, &filter, take_ref, out)) == OK &&
        out->count == 0)
        e = err_set(ERR_NOT_FOUND,
                    _("there is no receipt for %s, %s yet: it was not sent, or the answer is still on its "
                      "way"),
                    c->what, period.id);
    return e;
}

static enum err find_refs(const struct agent *a, const struct receipt_command *c, struct ref_list *out)
{
    struct record_ref ref;
    enum err e;

    if (!is_id(c->what))
        return find_return(a, c, out);
    e = queue_resolve(a, c->what, &ref);
    return e == OK ? add_ref(out, &ref) : e;
}

/* Walks the submissions batch by batch: `each` gets the proof of each of them.  ERR_NOT_FOUND: one has no receipt. */
typedef enum err (*receipt_visit)(void *ctx, const struct queue_proof *p, const struct receipt *r, bool is_first,
                                  const struct record_ref *ref);

static enum err visit_batch(const struct agent *a, const struct ref_list *l, size_t *at, receipt_visit each, void *ctx)
{
    struct queue_proof p;
    struct receipt r;
    bool is_first = true;
    enum err e = queue_proof_of(a, &l->items[*at], &p);

    if (e != OK)
        return e;
    if ((e = receipt_open(&r, bytes_of(p.receipt.data, p.receipt.len),
                          signed_signer(bytes_of(p.receipt.data, p.receipt.len)))) == OK) {
        for (; e == OK && *at < l->count && generation_compare(&l->items[*at].gen, &p.batch.gen) == 0 &&
               l->items[*at].number <= p.batch.last_number;
             ++*at, is_first = false)
            e = each(ctx, &p, &r, is_first, &l->items[*at]);
        receipt_fini(&r);
    }
    queue_proof_fini(&p);
    return e;
}

static enum err no_receipt(const struct agent *a, const struct record_ref *ref)
{
    char id[RECORD_ID_TEXT];

    record_id_format(id, a->grant->participant, ref);
    return err_set(ERR_NOT_FOUND,
                   _("there is no receipt for %s yet: it was not sent, or the answer is still on its way"), id);
}

static enum err visit_all(const struct agent *a, const struct ref_list *l, receipt_visit each, void *ctx)
{
    enum err e = OK;

    for (size_t at = 0; e == OK && at < l->count;) {
        size_t from = at;

        if ((e = visit_batch(a, l, &at, each, ctx)) == ERR_NOT_FOUND)
            return no_receipt(a, &l->items[from]);
    }
    return e;
}

/* ---- shown ---- */

struct showing {
    const struct agent *a;
    enum table_format format;
    struct sheet sheet;  /* of a single one */
    struct table *table; /* of a return */
};

/* One submission in words. */
struct shown {
    const char *state, *verdict;
    char id[RECORD_ID_TEXT], why[STANDING_TEXT], digest[2 * HEX_BYTES + 1], ledger[32], when[64];
};

static enum err fill_shown(const struct agent *a, const struct queue_proof *p, const struct receipt *r,
                           const struct record_ref *ref, struct shown *out)
{
    struct proof_record at;
    enum err e = verdict_of(a, ref, r, &out->verdict, out->why);

    if (e != OK)
        return e;
    record_id_format(out->id, a->grant->participant, ref);
    out->state = word_of_receipt(r->state);
    out->digest[0] = '\0';
    if ((e = queue_prove(p, r, ref->number, &at)) == OK)
        hex_of(out->digest, at.digest);
    (void)snprintf(out->ledger, sizeof(out->ledger), "%llu", (unsigned long long)r->ledger_number);
    cli_format_time(out->when, sizeof(out->when), r->hub_ms);
    return e == ERR_VERSION ? OK : e; /* a receipt of an earlier year is about the batch alone */
}

static enum err show_sheet(void *ctx, const struct queue_proof *p, const struct receipt *r, bool is_first,
                           const struct record_ref *ref)
{
    struct showing *x = ctx;
    struct sheet *s = &x->sheet;
    struct shown one;
    enum err e = fill_shown(x->a, p, r, ref, &one);

    (void)is_first;
    if (e == OK && (e = sheet_text(s, "id", _("submission"), one.id)) == OK &&
        (e = sheet_text(s, "state", _("state"), one.state)) == OK &&
        (e = sheet_text(s, "verdict", _("verdict"), one.verdict)) == OK &&
        (e = sheet_text(s, "why", _("why"), one.why)) == OK &&
        (e = sheet_text(s, "hub", _("received by"), x->a->directory->name)) == OK &&
        (e = sheet_count(s, "batch", _("sent in parcel number"), r->sequence)) == OK &&
        (e = sheet_text(s, "ledger", _("place in the district's journal"), one.ledger)) == OK &&
        (e = sheet_text(s, "time", _("district's time"), one.when)) == OK)
        e = sheet_text(s, "digest", _("digest of the submission"), one.digest);
    return e;
}

static enum err show_row(void *ctx, const struct queue_proof *p, const struct receipt *r, bool is_first,
                         const struct record_ref *ref)
{
    struct showing *x = ctx;
    struct shown one = {.state = ""};
    const char *cells[] = {one.id, NULL, NULL, one.why, one.ledger, one.when, one.digest};
    enum err e = fill_shown(x->a, p, r, ref, &one);

    (void)is_first;
    cells[1] = one.state;
    cells[2] = one.verdict;
    return e == OK ? table_row(x->table, cells) : e;
}

static enum err show(const struct agent *a, const struct receipt_command *c, const struct ref_list *l)
{
    const struct table_column items[] = {{"item", _("item"), TABLE_LEFT, false},
                                         {"title", _("what"), TABLE_LEFT, false},
                                         {"value", _("value"), TABLE_LEFT, false}};
    const struct table_column columns[] = {{"id", _("submission"), TABLE_LEFT, false},
                                           {"state", _("state"), TABLE_LEFT, false},
                                           {"verdict", _("verdict"), TABLE_LEFT, false},
                                           {"why", _("why"), TABLE_LEFT, false},
                                           {"ledger", _("place in the district's journal"), TABLE_LEFT, false},
                                           {"time", _("district's time"), TABLE_LEFT, false},
                                           {"digest", _("digest of the submission"), TABLE_LEFT, false}};
    struct showing x = {.a = a, .format = c->format};
    enum err e;

    if (is_id(c->what)) {
        if ((e = sheet_new(&x.sheet, items, c->format)) == OK && (e = visit_all(a, l, show_sheet, &x)) == OK)
            e = table_print(x.sheet.t, c->format, stdout);
        table_free(x.sheet.t);
        return e;
    }
    if ((e = table_new(&x.table, columns, sizeof(columns) / sizeof(columns[0]))) == OK &&
        (e = visit_all(a, l, show_row, &x)) == OK)
        e = table_print(x.table, c->format, stdout);
    table_free(x.table);
    return e;
}

/* ---- a file for others ---- */

struct writing {
    const struct agent *a;
    struct proof_maker *maker;
    bool shows;
};

static enum err answers_are_gone(const struct agent *a, const struct record_ref *ref)
{
    char id[RECORD_ID_TEXT];

    record_id_format(id, a->grant->participant, ref);
    return err_set(ERR_INVALID, _("the answers of %s are no longer kept here; without --with-answers the file is made"),
                   id);
}

static enum err write_one(void *ctx, const struct queue_proof *p, const struct receipt *r, bool is_first,
                          const struct record_ref *ref)
{
    struct writing *x = ctx;
    struct proof_record at;
    struct buf record;
    enum err e = OK;

    if (is_first)
        e = proof_add_receipt(x->maker, bytes_of(p->certificate.data, p->certificate.len),
                              bytes_of(p->receipt.data, p->receipt.len));
    if (e != OK || (e = queue_prove(p, r, ref->number, &at)) != OK)
        return e;
    buf_init(&record, RECORD_MAX);
    if (x->shows && (e = queue_get(x->a, ref, &record)) == OK)
        at.shown = bytes_of(record.data, record.len);
    if (e == ERR_NOT_FOUND)
        e = answers_are_gone(x->a, ref);
    if (e == OK)
        e = proof_add_record(x->maker, &at);
    buf_wipe(&record);
    return e;
}

static enum err write_file(const struct agent *a, const struct receipt_command *c, const struct ref_list *l)
{
    struct writing x = {.a = a, .shows = c->shows};
    char root[40];
    struct buf text;
    enum err e = proof_maker_new(&x.maker);

    if (e != OK)
        return e;
    buf_init(&text, PROOF_TEXT_MAX);
    if ((e = visit_all(a, l, write_one, &x)) == OK &&
        (e = proof_write(x.maker, a->directory->name, a->grant->name, &text)) == OK)
        e = cli_write_file(c->out, text.data, text.len, 0600, false);
    proof_maker_free(x.maker);
    buf_wipe(&text);
    if (e != OK)
        return e;
    fingerprint(root, a->directory->root);
    (void)printf(ngettext("The receipt for %llu submission is in %s.\n",
                          "The receipts for %llu submissions are in %s.\n", (unsigned long)l->count),
                 (unsigned long long)l->count, c->out);
    (void)printf(_("Anyone checks them with: svodka-hub receipt check %s --root %s\n"), c->out, root);
    if (c->shows)
        (void)fprintf(stderr, "%s\n", _("The file holds the answers themselves: whoever has it can read them."));
    return OK;
}

static enum err receipt(const struct agent *a, const struct receipt_command *c)
{
    struct ref_list l = {.count = 0};
    enum err e = find_refs(a, c, &l);

    if (e == OK)
        e = c->out != NULL ? write_file(a, c, &l) : show(a, c, &l);
    if (e == ERR_NOT_FOUND && l.count == 1 && is_id(c->what)) /* as it was typed */
        e = err_set(e, _("there is no receipt for %s yet: it was not sent, or the answer is still on its way"),
                    c->what);
    free(l.items);
    return e;
}

int cmd_receipt(int argc, char **argv)
{
    static const struct cli_command self = {
        "receipt", "ID | FORM --period P [--out FILE [--with-answers]] | --check FILE --root FINGERPRINT",
        N_("Shows the district's signed word about a submission, or about all of a form and period; writes it into a "
           "file that anyone can check; checks such a file."),
        cmd_receipt};
    struct receipt_command c = {.what = NULL};
    const char *home = NULL, *format = NULL, *check = NULL, *root = NULL, *answers = NULL;
    const struct cli_option options[] = {
        OPTION_PERIOD(&c.period),
        {"unit", 'u', N_("U"), N_("only this unit"), &c.unit},
        {"out", 0, N_("FILE"), N_("write the receipts into this file, for others"), &c.out},
        {"with-answers", 0, NULL, N_("put the answers into the file, too: whoever has it can read them"), &answers},
        {"check", 0, N_("FILE"), N_("check such a file; no home is needed"), &check},
        {"root", 0, N_("FINGERPRINT"), N_("with --check: of the district's root key, as the invitation shows it"),
         &root},
        OPTION_FORMAT(&format),
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    int count = cli_parse(&self, options, argc, argv, 0, 1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_format(&c.format, format)) != OK)
        return cli_fail(e);
    if ((check != NULL) != (root != NULL) || (check != NULL) == (count > 0))
        return cli_fail(err_set(ERR_USAGE, _("name a submission or a form; or write --check FILE --root FINGERPRINT")));
    if (check != NULL)
        return cli_fail(proof_show(check, root, c.format));
    c.what = argv[0];
    c.shows = answers != NULL;
    if ((e = command_open(&a, home)) == OK)
        e = receipt(a, &c);
    agent_close(a);
    return cli_fail(e);
}
