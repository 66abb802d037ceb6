#include "hub/erase_again.h"

#include "common/cli.h"
#include "common/utf8.h"
#include "hub/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTRACT_MAX ((size_t)ACT_BESIDE_MAX)
#define LINE_FIELDS 10u
#define HEAD        "entry,received,participant,generation,batch,digest,school_year,section,erased,numbers"

/* ---- the extract ---- */

static enum err bad_line(size_t line)
{
    return err_set(ERR_MALFORMED, _("line %zu of the extract is damaged"), line);
}

static bool read_u64(const char **at, uint64_t *out)
{
    char *end;

    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *out = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

static bool read_hex4(const char *text, uint8_t out[4])
{
    if (strspn(text, "0123456789abcdef") != 8 || text[8] != '\0')
        return false;
    be32_put(out, (uint32_t)strtoul(text, NULL, 16));
    return true;
}

static enum err add_range(struct erase_again *a, struct erase_ref ref, uint64_t first, uint64_t last)
{
    uint64_t count = last - first + 1;
    struct erase_ref *grown;

    if (count > ERASE_REFS_MAX - a->count)
        return err_set(ERR_LIMIT, _("the extract names more than %u submissions"), ERASE_REFS_MAX);
    if (ref.participant == UINT32_MAX) {
        a->unknown += count;
        return OK;
    }
    if ((grown = reallocarray(a->refs, a->count + count, sizeof(*grown))) == NULL)
        return ERR_NOMEM;
    a->refs = grown;
    for (uint64_t n = 0; n < count; n++) {
        ref.number = first + n;
        grown[a->count++] = ref;
    }
    return OK;
}

/* "4 7-9" */
static enum err read_numbers(struct erase_again *a, struct erase_ref ref, const char *text, size_t line)
{
    enum err e = OK;

    while (e == OK) {
        uint64_t first;
        uint64_t last;

        if (!read_u64(&text, &first) || first == 0)
            return bad_line(line);
        last = first;
        if (*text == '-') {
            text++;
            if (!read_u64(&text, &last) || last < first || last - first >= ERASE_REFS_MAX)
                return bad_line(line);
        }
        if ((e = add_range(a, ref, first, last)) != OK || *text == '\0')
            break;
        if (*text++ != ' ')
            return bad_line(line);
    }
    return e;
}

static enum err read_line(struct erase_again *a, char *line, size_t number,
                          uint32_t (*index_of)(const void *ctx, const char *id), const void *ctx)
{
    char *fields[LINE_FIELDS];
    struct erase_ref ref = {.number = 0};
    const char *generation;
    uint64_t counter;
    size_t count = 0;

    for (char *at = line; at != NULL && count < LINE_FIELDS;) {
        fields[count++] = at;
        if ((at = strchr(at, ',')) != NULL)
            *at++ = '\0';
        if (count == LINE_FIELDS && at != NULL)
            return bad_line(number);
    }
    if (count < LINE_FIELDS)
        return bad_line(number);
    generation = fields[3];
    if (!read_u64(&generation, &counter) || counter == 0 || counter > UINT32_MAX || *generation++ != '.' ||
        !read_hex4(generation, ref.tag4))
        return bad_line(number);
    ref.counter = (uint32_t)counter;
    ref.participant = index_of(ctx, fields[2]);
    return fields[9][0] == '\0' ? OK : read_numbers(a, ref, fields[9], number);
}

int erase_ref_compare(const void *x, const void *y)
{
    const struct erase_ref *a = x;
    const struct erase_ref *b = y;
    int order;

    if (a->participant != b->participant)
        return a->participant < b->participant ? -1 : 1;
    if (a->counter != b->counter)
        return a->counter < b->counter ? -1 : 1;
    if ((order = memcmp(a->tag4, b->tag4, sizeof(a->tag4))) != 0)
        return order;
    return a->number < b->number ? -1 : a->number > b->number;
}

enum err erase_refs_read(struct erase_again *out, struct bytes csv,
                         uint32_t (*index_of)(const void *ctx, const char *id), const void *ctx)
{
    char *text = malloc(csv.len + 1);
    size_t number = 1;
    enum err e = text == NULL ? ERR_NOMEM : OK;
    char *at = text;

    out->refs = NULL;
    out->count = 0;
    out->unknown = 0;
    if (e != OK)
        return e;
    memcpy(text, csv.p, csv.len);
    text[csv.len] = '\0';
    if (strlen(text) != csv.len || csv.len == 0 || text[csv.len - 1] != '\n')
        e = err_set(ERR_MALFORMED, _("the extract is cut short"));
    for (; e == OK && *at != '\0'; number++) {
        char *end = strchr(at, '\n');

        *end = '\0';
        if (number > 1)
            e = read_line(out, at, number, index_of, ctx);
        else if (strcmp(at, HEAD) != 0)
            e = bad_line(number);
        at = end + 1;
    }
    free(text);
    if (e == OK && out->count > 0)
        qsort(out->refs, out->count, sizeof(*out->refs), erase_ref_compare);
    if (e != OK) {
        free(out->refs);
        out->refs = NULL;
        out->count = 0;
    }
    return e;
}

/* ---- the act ---- */

static uint32_t index_by_id(const void *ctx, const char *id)
{
    const struct participant *p = registry_by_id(ctx, id);

    return p == NULL ? UINT32_MAX : p->index;
}

/* NUMBER.act -> NUMBER.csv, in the same folder. */
static enum err read_extract(struct erase_again *a, const struct hub *h, const char *file)
{
    size_t stem = strlen(file);
    uint8_t found[DIGEST_BYTES];
    void *bytes = NULL;
    size_t len = 0;
    char *path;
    enum err e;

    if (!a->act.has_copies)
        return err_set(ERR_VERSION,
                       _("%s is of a program that did not write down which submissions it was about: "
                         "order the erasure anew, by what the printed act says"),
                       file);
    if (stem >= 4 && strcmp(file + stem - 4, ".act") == 0)
        stem -= 4;
    if (asprintf(&path, "%.*s.csv", (int)stem, file) < 0)
        return ERR_NOMEM;
    e = cli_read_file(path, EXTRACT_MAX, &bytes, &len);
    if (e == ERR_NOT_FOUND)
        e = err_set(
            e, _("%s is missing: the extract that was written with the act says which submissions it was about"), path);
    if (e == OK) {
        digest(found, bytes_of(bytes, len));
        if (!digest_equal(found, a->act.extract))
            e = err_set(ERR_AUTH, _("%s is not the extract that the act was signed over"), path);
    }
    if (e == OK)
        e = erase_refs_read(a, bytes_of(bytes, len), index_by_id, h->registry);
    free(bytes);
    free(path);
    return e;
}

static enum err look_for(struct erase_again *a, struct hub *h, struct store_txn *t, struct bytes object)
{
    struct act *held = malloc(sizeof(*held));
    struct bytes loan = {NULL, 0};
    enum err e = held == NULL ? ERR_NOMEM : act_get(h, t, a->act.number, held, &loan);

    a->is_known = e == OK && loan.len == object.len && memcmp(loan.p, object.p, loan.len) == 0;
    free(held);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err erase_again_read(struct erase_again *out, struct hub *h, struct store_txn *t, const char *file)
{
    char day[16], order[ACT_ORDER_MAX + 200];
    void *bytes = NULL;
    size_t len = 0;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = cli_read_file(file, SIGNED_MAX, &bytes, &len)) != OK)
        return e;
    if ((e = act_open(&out->act, bytes_of(bytes, len), h)) == ERR_AUTH)
        e = err_set(
            e,
            _("%s is not signed by a key that this hub has or had. If the act was made after the hub changed its "
              "signing key, and the backup is older than that, order the erasure anew, by what the printed act "
              "says"),
            file);
    else if (e != OK)
        e = err_prefix(e, "%s", file);
    if (e == OK && (e = look_for(out, h, t, bytes_of(bytes, len))) == OK && !out->is_known &&
        out->act.scope != ACT_CLASS)
        e = read_extract(out, h, file);
    free(bytes);
    if (e != OK)
        return e;
    cli_format_day(day, sizeof(day), out->act.wall_ms);
    (void)snprintf(order, sizeof(order), _("again, as by act No. %llu of %s: %s"), (unsigned long long)out->act.number,
                   day, out->act.order);
    utf8_copy(out->order, sizeof(out->order), order);
    return OK;
}

void erase_again_fini(struct erase_again *a)
{
    free(a->refs);
    a->refs = NULL;
}

void erase_again_order(const struct erase_again *a, struct erase_order *o)
{
    o->scope = a->act.scope;
    o->retention = a->act.retention;
    o->year = a->act.year;
    o->form = a->act.form;
    o->unit = a->act.unit;
    o->period = a->act.period;
    o->refs = a->refs;
    o->ref_count = a->count;
    o->is_again = true;
    o->order = a->order;
    o->years = a->act.years;
    o->is_uncounted = a->act.is_uncounted;
}
