#include "hub/suspects.h"

#include "common/cli.h"
#include "hub/audit.h"
#include "hub/registry.h"
#include "hub/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which ---- */

struct search {
    struct suspect_list *out;
    const char *numbering; /* NULL: any */
    uint64_t sequence;     /* 0: any */
};

void suspect_numbering(char out[SUSPECT_NUMBERING], const struct generation *gen)
{
    (void)snprintf(out, SUSPECT_NUMBERING, "%u.%02x%02x%02x%02x", gen->counter, gen->tag[0], gen->tag[1], gen->tag[2],
                   gen->tag[3]);
}

static enum err collect(void *ctx, const struct suspect *s)
{
    struct search *x = ctx;
    struct suspect_list *l = x->out;
    char numbering[SUSPECT_NUMBERING];

    suspect_numbering(numbering, &s->gen);
    if ((x->sequence != 0 && s->sequence != x->sequence) ||
        (x->numbering != NULL && strcmp(x->numbering, numbering) != 0))
        return OK;
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
        struct suspect *grown = reallocarray(l->items, cap, sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->count++] = *s;
    return OK;
}

static const char *name_of(const struct hub *h, uint32_t participant)
{
    const struct participant *p = registry_by_index(h->registry, participant);

    return p == NULL ? "?" : p->id;
}

static enum err parse(struct search *x, const char *which, char numbering[SUSPECT_NUMBERING])
{
    const char *slash = strchr(which, '/');
    const char *number = slash == NULL ? which : slash + 1;
    char *end;

    if (strcmp(which, "all") == 0)
        return OK;
    if (slash != NULL) {
        (void)snprintf(numbering, SUSPECT_NUMBERING, "%.*s", (int)(slash - which), which);
        x->numbering = numbering;
    }
    x->sequence = number[0] < '1' || number[0] > '9' ? 0 : strtoull(number, &end, 10);
    if (x->sequence == 0 || *end != '\0' || x->sequence > INT64_MAX)
        return err_set(ERR_USAGE, _("%s: the number of a parcel, NUMBERING/NUMBER, or \"all\" is expected"), which);
    return OK;
}

enum err suspects_named(struct hub *h, struct store_txn *t, uint32_t participant, const char *which,
                        struct suspect_list *out)
{
    struct search x = {.out = out};
    char numbering[SUSPECT_NUMBERING];
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = parse(&x, which, numbering)) != OK)
        return e;
    if ((e = suspects_each(t, participant, collect, &x)) == OK && out->count == 0)
        e = x.sequence == 0
                ? err_set(ERR_NOT_FOUND, _("nothing of school %s is doubtful"), name_of(h, participant))
                : err_set(
                      ERR_NOT_FOUND,
                      _("there is no doubtful parcel %s of school %s; \"svodka-hub school suspects %s\" lists them"),
                      which, name_of(h, participant), name_of(h, participant));
    if (e == OK && x.sequence != 0 && out->count > 1)
        e = err_set(
            ERR_INVALID,
            _("%s stands for %zu parcels, of several numberings: write NUMBERING/NUMBER as the list shows them"), which,
            out->count);
    if (e != OK)
        suspect_list_fini(out);
    return e;
}

void suspect_list_fini(struct suspect_list *l)
{
    free(l->items);
    memset(l, 0, sizeof(*l));
}

/* ---- told ---- */

/* Of one participant, those that stand so now. */
static enum err tell_some(struct hub *h, struct store_txn *t, const struct doubt_change *list, size_t count,
                          enum standing standing, const char *word)
{
    struct notice_entry *entries = calloc(count, sizeof(*entries));
    size_t n = 0;
    enum err e;

    if (entries == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (list[i].standing != standing)
            continue;
        entries[n].ref = list[i].ref;
        entries[n].standing = (unsigned)standing;
        entries[n++].why.reason = (enum quarantine_reason)list[i].reason;
    }
    e = n == 0 ? OK
               : words_notice(h, t, list[0].participant, standing == STANDING_COUNTED ? NOTICE_RELEASED : NOTICE_HELD,
                              word, entries, n);
    free(entries);
    return e;
}

static enum err tell(struct hub *h, struct store_txn *t, uint32_t doubted, const char *word,
                     const struct doubt_outcome *o)
{
    enum err e = OK;

    for (size_t i = 0, n; e == OK && i < o->change_count; i += n) {
        const struct doubt_change *at = &o->changes[i];

        for (n = 1; i + n < o->change_count && o->changes[i + n].participant == at->participant;)
            n++;
        e = tell_some(h, t, at, n, STANDING_QUARANTINED, at->participant == doubted ? word : "");
        if (e == OK)
            e = tell_some(h, t, at, n, STANDING_COUNTED, "");
    }
    return e;
}

/* ---- decided ---- */

static enum err check_word(const char *word, bool is_needed)
{
    if (is_needed && word[0] == '\0')
        return err_set(ERR_INVALID, _("a reason is missing: the school is told it"));
    if (strlen(word) > RECEIPT_TEXT_MAX)
        return err_set(ERR_INVALID, _("the reason is too long: at most %u bytes (half as many Russian letters)"),
                       RECEIPT_TEXT_MAX);
    return OK;
}

enum err suspects_take_out(struct hub *h, struct store_txn *t, const char *who, struct doubt *d,
                           const struct suspect_list *l, const char *word, struct doubt_outcome *out)
{
    uint32_t participant = l->items[0].participant;
    enum err e = check_word(word, true);

    memset(out, 0, sizeof(*out));
    if (e == OK && (e = ledger_doubt_take_out(d, t, word, out)) == OK && (e = tell(h, t, participant, word, out)) == OK)
        e = hub_audit_do(h, t, who, AUDIT_SCHOOL_TAKEOUT, name_of(h, participant), "doubtful=%zu\nquarantined=%" PRIu64,
                         l->count, out->taken);
    if (e != OK)
        doubt_outcome_fini(out);
    return e;
}

enum err suspects_keep(struct hub *h, struct store_txn *t, const char *who, struct doubt *d,
                       const struct suspect_list *l, const char *word)
{
    enum err e = check_word(word, false);

    if (e == OK && (e = ledger_doubt_keep(d, t, word)) == OK)
        e = hub_audit_do(h, t, who, AUDIT_SCHOOL_KEEP, name_of(h, l->items[0].participant), "doubtful=%zu", l->count);
    return e;
}
