/* Rows of a publication as a school is told them. */
#include "common/utf8.h"
#include "hub/breakdown.h"
#include "hub/figures.h"
#include "hub/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  4096u
#define LINES_MAX ((size_t)FIGURES_MAX_LINES * FIGURES_MAX_PARTS)

/* A text of the table. */
struct kept {
    struct kept *next;
    char text[];
};
struct figures_table {
    const struct programme *programme; /* NULL: the hub has it no more */
    struct publication_row row;
    char unit[ID_MAX + 1];
    struct period period;
    bool has_period;
    struct figures_line *lines;
    size_t count, cap;
    struct kept *texts;
    struct buf work;
};

void figures_table_free(struct figures_table *f)
{
    if (f == NULL)
        return;
    for (struct kept *k = f->texts, *next; k != NULL; k = next) {
        next = k->next;
        free(k);
    }
    free(f->lines);
    buf_fini(&f->work);
    free(f);
}

/* A copy, cut to `max` bytes; NULL: no memory. */
static const char *keep(struct figures_table *f, const char *text, size_t max)
{
    size_t len = strlen(text) < max ? strlen(text) : max;
    struct kept *k = len == 0 ? NULL : malloc(sizeof(*k) + len + 1);

    if (len == 0)
        return "";
    if (k == NULL)
        return NULL;
    utf8_copy(k->text, len + 1, text);
    k->next = f->texts;
    f->texts = k;
    return k->text;
}

static const char *keep_part(struct figures_table *f, const struct indicator *i, const char *breakdown,
                             enum breakdown_language language)
{
    if (f->programme == NULL || i == NULL)
        return keep(f, breakdown, FIGURES_NAME_MAX);
    buf_reset(&f->work);
    breakdown_put_in(&f->work, f->programme, i, breakdown_to_say(f->programme, i, breakdown), language);
    return buf_status(&f->work) == OK ? keep(f, buf_cstr(&f->work), FIGURES_NAME_MAX) : NULL;
}

static const char *either(const char *text, const char *other)
{
    return text != NULL ? text : other != NULL ? other : "";
}

/* ---- one line ---- */

static enum err fill_line(struct figures_table *f, struct figures_line *l, const struct indicator *i,
                          const char *const cells[PUBLICATION_COLUMNS])
{
    const char *measure = cells[PUBLICATION_MEASURE];

    l->indicator = keep(f, cells[PUBLICATION_INDICATOR], FORM_NAME_MAX);
    l->breakdown = keep(f, cells[PUBLICATION_BREAKDOWN], FIGURES_PART_MAX);
    l->name_ru = keep(f, i == NULL ? "" : either(i->name_ru, i->name_en), FIGURES_NAME_MAX);
    l->name_en = keep(f, i == NULL ? "" : either(i->name_en, i->name_ru), FIGURES_NAME_MAX);
    l->measure_ru = keep(f, i == NULL ? measure : i->unit_ru, FIGURES_UNIT_MAX);
    l->measure_en = keep(f, i == NULL ? measure : i->unit_en, FIGURES_UNIT_MAX);
    l->part_ru = keep_part(f, i, cells[PUBLICATION_BREAKDOWN], BREAKDOWN_RU);
    l->part_en = keep_part(f, i, cells[PUBLICATION_BREAKDOWN], BREAKDOWN_EN);
    l->shown = i == NULL ? 1 : i->shown;
    l->is_yes_no = i != NULL && i->is_yes_no;
    return l->indicator == NULL || l->breakdown == NULL || l->name_ru == NULL || l->name_en == NULL ||
                   l->measure_ru == NULL || l->measure_en == NULL || l->part_ru == NULL || l->part_en == NULL
               ? ERR_NOMEM
               : OK;
}

static enum err add_line(struct figures_table *f, const struct indicator *i,
                         const char *const cells[PUBLICATION_COLUMNS], struct figures_line **out)
{
    size_t cap = f->cap == 0 ? 64 : 2 * f->cap;
    struct figures_line *grown;

    if (f->count == LINES_MAX)
        return err_set(ERR_LIMIT, "publication %llu: more lines than a school can be told",
                       (unsigned long long)f->row.id);
    if (f->count == f->cap) {
        if ((grown = realloc(f->lines, cap * sizeof(*grown))) == NULL)
            return ERR_NOMEM;
        f->lines = grown;
        f->cap = cap;
    }
    *out = &f->lines[f->count++];
    memset(*out, 0, sizeof(**out));
    return fill_line(f, *out, i, cells);
}

/* The line of the same indicator and part: near the end, because lines come in the order of indicators. */
static struct figures_line *find_line(struct figures_table *f, const char *const cells[PUBLICATION_COLUMNS])
{
    for (size_t n = f->count; n-- > 0;)
        if (strcmp(f->lines[n].indicator, cells[PUBLICATION_INDICATOR]) == 0 &&
            strcmp(f->lines[n].breakdown, cells[PUBLICATION_BREAKDOWN]) == 0)
            return &f->lines[n];
    return NULL;
}

/* ---- one cell ---- */

static enum target_status status_of(const char *name)
{
    for (int s = TARGET_NONE; s <= TARGET_NO_DATA; s++)
        if (strcmp(target_status_names[s], name) == 0)
            return (enum target_status)s;
    return TARGET_NONE;
}

static unsigned state_of(const char *name)
{
    if (strcmp(name, published_state_names[PUBLISHED_OK]) == 0)
        return FIGURES_VALUE;
    return strcmp(name, published_state_names[PUBLISHED_NO_DATA]) == 0 ? FIGURES_NO_DATA : FIGURES_HIDDEN;
}

/* A number that is cut would be another number. */
static enum err keep_numbers(struct figures_table *f, struct figures_cell *c,
                             const char *const cells[PUBLICATION_COLUMNS])
{
    static const enum publication_column from[] = {PUBLICATION_VALUE, PUBLICATION_NUMERATOR, PUBLICATION_DENOMINATOR,
                                                   PUBLICATION_TARGET};
    const char **const to[] = {&c->value, &c->numerator, &c->denominator, &c->target};

    for (size_t k = 0; k < sizeof(from) / sizeof(from[0]); k++) {
        if (strlen(cells[from[k]]) > FIGURES_TEXT_MAX)
            return err_set(ERR_LIMIT, "publication %llu: a number of more than %u characters",
                           (unsigned long long)f->row.id, FIGURES_TEXT_MAX);
        if ((*to[k] = keep(f, cells[from[k]], FIGURES_TEXT_MAX)) == NULL)
            return ERR_NOMEM;
    }
    return OK;
}

static enum err fill_cell(struct figures_table *f, struct figures_cell *c, const struct figures_line *l,
                          const struct indicator *i, const char *const cells[PUBLICATION_COLUMNS])
{
    struct result r;

    c->state = state_of(cells[PUBLICATION_STATE]);
    c->class_code = keep(f, cells[PUBLICATION_CLASS], FIGURES_CLASS_MAX);
    c->has_rounded = c->state == FIGURES_VALUE && publication_value(cells[PUBLICATION_VALUE], &r) &&
                     result_scaled(&r, l->shown, &c->rounded);
    c->reached = i == NULL ? FIGURES_NOT_JUDGED : (unsigned)target_reached(i, status_of(cells[PUBLICATION_STATUS]));
    c->reported = (uint32_t)strtoul(cells[PUBLICATION_REPORTED], NULL, 10);
    c->expected = (uint32_t)strtoul(cells[PUBLICATION_EXPECTED], NULL, 10);
    return c->class_code == NULL ? ERR_NOMEM : keep_numbers(f, c, cells);
}

/* Rows about another unit are passed over, whatever publication it is. */
static enum err put_row(void *ctx, const char *const cells[PUBLICATION_COLUMNS])
{
    struct figures_table *f = ctx;
    const char *unit = cells[PUBLICATION_UNIT];
    bool is_own = unit[0] != '\0' && strcmp(unit, f->unit) == 0;
    int32_t day = f->has_period ? f->period.last : INT32_MAX;
    const struct indicator *i;
    struct figures_line *l;
    enum err e = OK;

    if (unit[0] != '\0' && !is_own)
        return OK;
    i = publication_indicator(f->programme, cells[PUBLICATION_INDICATOR], cells[PUBLICATION_BREAKDOWN], day);
    if ((l = find_line(f, cells)) == NULL && (e = add_line(f, i, cells, &l)) != OK)
        return e;
    if (is_own)
        l->has_own = true;
    else
        l->has_district = true;
    return fill_cell(f, is_own ? &l->own : &l->district, l, i, cells);
}

/* ---- the whole ---- */

static enum err read_rows(struct figures_table *f, struct store_txn *t)
{
    struct publication_tables tables;
    enum err e;

    publication_tables_init(&tables);
    if ((e = publication_read(t, &f->row, &tables)) == OK)
        e = publication_rows_each(bytes_of(tables.rows.data, tables.rows.len), put_row, f);
    publication_tables_fini(&tables);
    return e;
}

enum err figures_table_new(struct figures_table **out, struct hub *h, struct store_txn *t,
                           const struct publication_row *row, const char *unit)
{
    struct figures_table *f = calloc(1, sizeof(*f));
    enum err e;

    if (f == NULL)
        return ERR_NOMEM;
    buf_init(&f->work, (size_t)4 * TEXT_MAX);
    f->row = *row;
    f->row.object = bytes_of(NULL, 0); /* a loan of others */
    (void)snprintf(f->unit, sizeof(f->unit), "%s", unit);
    f->has_period = calendar_find(h->calendar, NULL, row->head.period, &f->period) == OK;
    for (size_t i = 0; i < h->programme_count; i++)
        if (strcmp(h->programmes[i]->id, row->head.programme) == 0)
            f->programme = h->programmes[i];
    if ((e = read_rows(f, t)) != OK) {
        figures_table_free(f);
        return e;
    }
    *out = f;
    return OK;
}

uint32_t figures_table_parts(const struct figures_table *f)
{
    return f->count == 0 ? 1 : (uint32_t)((f->count + FIGURES_MAX_LINES - 1) / FIGURES_MAX_LINES);
}

enum err figures_table_part(const struct figures_table *f, uint32_t part, struct figures *out)
{
    size_t first = (size_t)(part - 1) * FIGURES_MAX_LINES;
    size_t left = first < f->count ? f->count - first : 0;

    if (part < 1 || part > figures_table_parts(f))
        return err_set(ERR_CORRUPT, "publication %llu has no part %u", (unsigned long long)f->row.id, part);
    *out =
        (struct figures){.publication = f->row.id,
                         .published_ms = f->row.wall_ms,
                         .state = FIGURES_PUBLISHED,
                         .remark = "",
                         .programme = f->row.head.programme,
                         .title_ru = f->programme == NULL ? "" : either(f->programme->title_ru, f->programme->title_en),
                         .title_en = f->programme == NULL ? "" : either(f->programme->title_en, f->programme->title_ru),
                         .period = f->row.head.period,
                         .label_ru = f->has_period ? f->period.label_ru : "",
                         .label_en = f->has_period ? f->period.label_en : "",
                         .unit = f->unit,
                         .part = part,
                         .parts = figures_table_parts(f),
                         .line_count = (uint32_t)(left < FIGURES_MAX_LINES ? left : FIGURES_MAX_LINES),
                         .lines = f->lines + first};
    return OK;
}
