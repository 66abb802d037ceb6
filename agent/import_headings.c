/* Where the table begins: its row of headings, or several rows that make one. */
#include "agent/import_internal.h"

#include "agent/import_columns.h"
#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define WITHIN      50u /* rows of a workbook */
#define BETWEEN     " / "
#define BETWEEN_LEN 3u
#define TEXT_MAX    (CSV_MAX_ROW + CSV_MAX_CELL) /* of one row */

/* A row of its own bytes: those of the source go with the next one. */
struct kept {
    struct buf text;
    struct bytes cells[CSV_MAX_COLUMNS], spread[CSV_MAX_COLUMNS];
    const char *faults[CSV_MAX_COLUMNS];
    struct csv_row row;
};

struct headings {
    const struct import_source *source;
    const struct form *form;
    const struct import_options *o;
    uint32_t want;                                      /* rows that make one */
    struct kept *kept[IMPORT_MAP_MAX_HEADING_ROWS + 1]; /* the last ones, in their order; with one, none is kept */
    uint32_t count;
    struct buf text; /* of what is joined */
    struct bytes cells[CSV_MAX_COLUMNS];
    bool has_next;     /* the last of `kept` is below the headings and still to be handed out */
    enum err ended_by; /* what the source said after it; OK: not asked yet */
};

enum err headings_new(struct headings **out, const struct import_source *s, const struct form *f,
                      const struct import_options *o)
{
    struct headings *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return ERR_NOMEM;
    h->source = s;
    h->form = f;
    h->o = o;
    h->want = import_map_heading_rows(o->map);
    buf_init_secret(&h->text, (size_t)IMPORT_MAP_MAX_HEADING_ROWS * 2 * TEXT_MAX);
    *out = h;
    return OK;
}

void headings_free(struct headings *h)
{
    if (h == NULL)
        return;
    for (uint32_t i = 0; i < sizeof(h->kept) / sizeof(h->kept[0]); i++)
        if (h->kept[i] != NULL) {
            buf_wipe(&h->kept[i]->text);
            free(h->kept[i]);
        }
    buf_wipe(&h->text);
    free(h);
}

/* ---- rows that stay ---- */

static struct bytes copy_of(struct buf *to, struct bytes text)
{
    size_t at = to->len;

    buf_put(to, text.p, text.len);
    return to->failed ? bytes_of("", 0) : bytes_of(to->data + at, text.len);
}

static enum err copy_row(struct kept *k, const struct csv_row *row)
{
    const struct bytes *spread = row->spread != NULL ? row->spread : row->cells;
    size_t len = 0;

    for (uint32_t i = 0; i < row->count; i++)
        len += row->cells[i].len + spread[i].len;
    buf_reset(&k->text);
    if (len > 0 && buf_grow(&k->text, len) == NULL) /* all at once, so that it does not move below */
        return buf_status(&k->text);
    buf_reset(&k->text);
    for (uint32_t i = 0; i < row->count; i++) {
        k->cells[i] = copy_of(&k->text, row->cells[i]);
        k->spread[i] = copy_of(&k->text, spread[i]);
        k->faults[i] = row->faults != NULL ? row->faults[i] : NULL;
    }
    k->row = (struct csv_row){row->line, row->count, k->cells, k->faults, k->spread};
    return buf_status(&k->text);
}

/* The source's next row behind those that are kept. */
static enum err keep_next(struct headings *h)
{
    struct kept **k = &h->kept[h->count];
    struct csv_row row;
    enum err e = h->source->next(h->source->ctx, &row);

    if (e != OK)
        return e;
    if (*k == NULL) {
        if ((*k = calloc(1, sizeof(**k))) == NULL)
            return ERR_NOMEM;
        buf_init_secret(&(*k)->text, (size_t)2 * TEXT_MAX);
    }
    h->count++;
    return copy_row(*k, &row);
}

static void drop_first(struct headings *h)
{
    struct kept *first = h->kept[0];

    h->count--;
    for (uint32_t i = 0; i < h->count; i++)
        h->kept[i] = h->kept[i + 1];
    h->kept[h->count] = first;
}

/* ---- several rows as one ---- */

/* The column's texts from above, with " / " between them; what is repeated or empty adds nothing. */
static struct bytes join_column(struct headings *h, uint32_t first, uint32_t column)
{
    struct bytes last = bytes_of("", 0);
    size_t at = h->text.len;

    for (uint32_t i = first; i < first + h->want; i++) {
        const struct csv_row *row = &h->kept[i]->row;
        struct bytes text = column < row->count ? bytes_trimmed(row->spread[column]) : bytes_of("", 0);

        if (text.len == 0 || (text.len == last.len && memcmp(text.p, last.p, text.len) == 0))
            continue;
        if (last.len > 0)
            buf_put(&h->text, BETWEEN, BETWEEN_LEN);
        buf_put(&h->text, text.p, text.len);
        last = text;
    }
    return h->text.failed ? bytes_of("", 0) : bytes_of(h->text.data + at, h->text.len - at);
}

/* The kept rows from `first` on as one row of headings. */
static enum err join(struct headings *h, uint32_t first, struct csv_row *out)
{
    uint32_t count = 0;
    size_t len = 0;

    for (uint32_t i = first; i < first + h->want; i++) {
        const struct csv_row *row = &h->kept[i]->row;

        count = row->count > count ? row->count : count;
        for (uint32_t k = 0; k < row->count; k++)
            len += row->spread[k].len + BETWEEN_LEN;
    }
    buf_reset(&h->text);
    if (len > 0 && buf_grow(&h->text, len) == NULL)
        return buf_status(&h->text);
    buf_reset(&h->text);
    for (uint32_t i = 0; i < count; i++)
        h->cells[i] = join_column(h, first, i);
    *out = (struct csv_row){h->kept[first + h->want - 1]->row.line, count, h->cells, NULL, NULL};
    return buf_status(&h->text);
}

/* ---- which ---- */

static enum err not_found(const struct headings *h)
{
    return err_set(
        ERR_MALFORMED,
        _("no row of headings was found within the first %u rows: at least half of its cells must be names or "
          "labels of fields of the form \"%s\", or headings that a map names (--map)"),
        WITHIN, h->form->id);
}

/* How many of its cells are known as headings; 0: fewer than half. */
static uint32_t known(const struct headings *h, const struct csv_row *row)
{
    uint32_t of;
    uint32_t n = import_columns_known(h->form, h->o->map, h->o->unit_heading, row, &of);

    return 2 * n >= of ? n : 0;
}

static enum err find_one(struct headings *h, struct csv_row *out)
{
    enum err e = h->source->next(h->source->ctx, out);

    if (e != OK || h->source->sheet == NULL)
        return e;
    for (uint32_t seen = 1; e == OK; seen++) {
        if (known(h, out) > 0)
            return OK;
        if (seen == WITHIN)
            return not_found(h);
        e = h->source->next(h->source->ctx, out);
    }
    return e == ERR_NOT_FOUND ? not_found(h) : e;
}

/* A title above may make a row of headings with the first of them: the next ones are taken while they say more. */
static enum err settle(struct headings *h, uint32_t best, struct csv_row *out)
{
    enum err e;

    while ((e = keep_next(h)) == OK) {
        uint32_t n;

        if ((e = join(h, 1, out)) != OK)
            return e;
        if ((n = known(h, out)) <= best) {
            h->has_next = true;
            return join(h, 0, out);
        }
        best = n;
        drop_first(h);
    }
    h->ended_by = e;
    return e == ERR_NOT_FOUND ? join(h, 0, out) : e;
}

static enum err find_several(struct headings *h, struct csv_row *out)
{
    uint32_t seen = 0, n;
    enum err e;

    while ((e = keep_next(h)) == OK) {
        seen++;
        if (h->count < h->want)
            continue;
        if ((e = join(h, 0, out)) != OK || h->source->sheet == NULL)
            return e;
        if ((n = known(h, out)) > 0)
            return settle(h, n, out);
        if (seen == WITHIN)
            break;
        drop_first(h);
    }
    if (e != OK && (e != ERR_NOT_FOUND || seen == 0))
        return e;
    return h->source->sheet != NULL
               ? not_found(h)
               : err_set(ERR_MALFORMED, _("the map says that there are %u rows of headings, but the file has fewer"),
                         h->want);
}

enum err headings_find(struct headings *h, struct refused_rows *refused, struct csv_row *out)
{
    enum err e = h->want > 1 ? find_several(h, out) : find_one(h, out);

    if (e != OK || refused == NULL)
        return e;
    for (uint32_t i = 0; h->want > 1 && i < h->want; i++) {
        struct csv_row row = h->kept[i]->row;

        row.cells = row.spread; /* a CSV file has no merged cells */
        refused_rows_heading(refused, &row);
    }
    if (h->want == 1)
        refused_rows_heading(refused, out);
    return OK;
}

enum err headings_next(struct headings *h, struct csv_row *out)
{
    if (h->ended_by != OK)
        return h->ended_by;
    if (!h->has_next)
        return h->source->next(h->source->ctx, out);
    h->has_next = false;
    *out = h->kept[h->count - 1]->row;
    return OK;
}
