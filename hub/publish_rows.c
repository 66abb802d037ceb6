/* The tables as they are handed out: one row a line, the same bytes whoever asks and in whatever language. */
#include "hub/indicator_columns.h"
#include "hub/publish_store.h"
#include "protocol/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096u

const struct table_column publication_columns[PUBLICATION_COLUMNS] = {INDICATOR_COLUMNS,
                                                                      {"class", "class", TABLE_LEFT, false}};

void publication_tables_init(struct publication_tables *t)
{
    buf_init(&t->rows, PUBLICATION_BODY_MAX);
    buf_init(&t->csv, PUBLICATION_BODY_MAX);
    buf_init(&t->json, PUBLICATION_BODY_MAX);
    buf_init(&t->memory, PUBLICATION_BODY_MAX);
}

void publication_tables_fini(struct publication_tables *t)
{
    buf_fini(&t->rows);
    buf_fini(&t->csv);
    buf_fini(&t->json);
    buf_fini(&t->memory);
}

/* ---- one row ---- */

struct row_texts {
    struct buf value, numerator, denominator, target;
    char reported[24], expected[24];
};

static const char *measure_of(const struct indicator *i)
{
    return i->unit_ru[0] != '\0' ? i->unit_ru : i->unit_en;
}

/* How many submissions stand behind a line is a number that nobody has hidden: it is not said. */
static enum err put_row(struct publication_tables *out, struct table *table, struct row_texts *t,
                        const struct programme *prog, const struct period *period, const struct published_line *l)
{
    const char *cells[PUBLICATION_COLUMNS];
    bool is_municipal = l->unit[0] == '\0';

    buf_reset(&t->value);
    buf_reset(&t->numerator);
    buf_reset(&t->denominator);
    buf_reset(&t->target);
    if (l->state == PUBLISHED_OK) {
        result_put_value(&t->value, l->result, 6);
        result_put_numerator(&t->numerator, l->result);
        result_put_denominator(&t->denominator, l->result);
    }
    if (l->target != NULL)
        target_put(&t->target, l->target);
    t->reported[0] = t->expected[0] = '\0';
    if (is_municipal) {
        (void)snprintf(t->reported, sizeof(t->reported), "%llu", (unsigned long long)l->result->reported);
        (void)snprintf(t->expected, sizeof(t->expected), "%llu", (unsigned long long)l->result->expected);
    }
    cells[0] = prog->id;
    cells[1] = l->indicator->id;
    cells[2] = is_municipal ? "municipality" : "unit";
    cells[3] = l->unit;
    cells[4] = period->id;
    cells[5] = l->breakdown;
    cells[6] = buf_cstr(&t->value);
    cells[7] = buf_cstr(&t->numerator);
    cells[8] = buf_cstr(&t->denominator);
    cells[9] = "";
    cells[10] = published_state_names[l->state];
    cells[11] = buf_cstr(&t->target);
    cells[12] = target_status_names[l->status];
    cells[13] = measure_of(l->indicator);
    cells[14] = t->reported;
    cells[15] = t->expected;
    cells[16] = prog->version;
    cells[17] = l->class_code;
    mp_put_array(&out->rows, PUBLICATION_COLUMNS);
    for (size_t i = 0; i < PUBLICATION_COLUMNS; i++)
        mp_put_cstr(&out->rows, cells[i]);
    if (t->value.failed || t->numerator.failed || t->denominator.failed || t->target.failed)
        return ERR_NOMEM;
    return table_row(table, cells);
}

static enum err put_rows(struct publication_tables *out, struct table *table, const struct publication *p,
                         const struct programme *prog, const struct period *period)
{
    struct row_texts t;
    enum err e = OK;

    buf_init(&t.value, TEXT_MAX);
    buf_init(&t.numerator, TEXT_MAX);
    buf_init(&t.denominator, TEXT_MAX);
    buf_init(&t.target, TEXT_MAX);
    mp_put_array(&out->rows, publication_count(p));
    for (size_t i = 0; i < publication_count(p) && e == OK; i++) {
        struct published_line l = publication_at(p, i);

        e = put_row(out, table, &t, prog, period, &l);
    }
    buf_fini(&t.value);
    buf_fini(&t.numerator);
    buf_fini(&t.denominator);
    buf_fini(&t.target);
    return e == OK ? buf_status(&out->rows) : e;
}

/* ---- whole tables ---- */

static enum err print_to(struct buf *out, const struct table *table, enum table_format f)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    enum err e = to == NULL ? ERR_NOMEM : table_print(table, f, to);

    if (to != NULL && fclose(to) != 0)
        e = ERR_NOMEM;
    if (e == OK) {
        buf_put(out, text, len);
        e = buf_status(out);
    }
    free(text);
    return e;
}

enum err publication_tables_make(struct publication_tables *out, const struct publication *p,
                                 const struct programme *prog, const struct period *period)
{
    struct table *table = NULL;
    enum err e = table_new(&table, publication_columns, PUBLICATION_COLUMNS);

    if (e == OK && (e = put_rows(out, table, p, prog, period)) == OK &&
        (e = print_to(&out->csv, table, TABLE_CSV)) == OK && (e = print_to(&out->json, table, TABLE_JSON)) == OK)
        e = publication_memory(p, &out->memory);
    table_free(table);
    return e;
}

/* ---- reading them again ---- */

/* The line's own part is the beginning of its breakdown; the longest that fits is meant. */
static bool has_part(const struct indicator *i, const char *breakdown)
{
    size_t len = strlen(i->part);

    return len == 0 || (strncmp(breakdown, i->part, len) == 0 && (breakdown[len] == '\0' || breakdown[len] == ';'));
}

const struct indicator *publication_indicator(const struct programme *p, const char *id, const char *breakdown,
                                              int32_t last_day)
{
    const struct indicator *best = NULL;

    for (size_t k = 0; p != NULL && k < p->indicator_count; k++) {
        const struct indicator *i = p->indicators[k];
        bool is_valid = i->valid_from <= last_day && last_day <= i->valid_to;

        if (strcmp(i->id, id) != 0 || !has_part(i, breakdown))
            continue;
        if (best == NULL || strlen(i->part) > strlen(best->part) ||
            (is_valid && strcmp(i->part, best->part) == 0 &&
             !(best->valid_from <= last_day && last_day <= best->valid_to)))
            best = i;
    }
    return best;
}

bool publication_value(const char *text, struct result *out)
{
    bool is_negative = text[0] == '-';
    unsigned places = 0;
    bool has_point = false;

    memset(out, 0, sizeof(*out));
    out->state = RESULT_OK;
    if (strlen(text) > 36 || text[is_negative] == '\0')
        return false;
    for (const char *p = text + is_negative; *p != '\0'; p++) {
        if (*p == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            return false;
        out->value = out->value * 10 + (*p - '0');
        places += has_point;
    }
    if (is_negative)
        out->value = -out->value;
    return places == 6; /* as they are written: value x 10^6 */
}

enum err publication_rows_each(struct bytes rows,
                               enum err (*each)(void *ctx, const char *const cells[PUBLICATION_COLUMNS]), void *ctx)
{
    struct mp m = mp_of(rows);
    struct buf texts;
    size_t count = mp_array(&m, 0, SIZE_MAX);
    enum err e = OK;

    buf_init(&texts, (size_t)PUBLICATION_COLUMNS * TEXT_MAX);
    for (size_t i = 0; i < count && e == OK && !m.failed; i++) {
        const char *cells[PUBLICATION_COLUMNS];
        size_t at[PUBLICATION_COLUMNS];

        buf_reset(&texts);
        (void)mp_array(&m, PUBLICATION_COLUMNS, PUBLICATION_COLUMNS);
        for (size_t k = 0; k < PUBLICATION_COLUMNS; k++) {
            struct bytes s = mp_str(&m, TEXT_MAX - 1);

            at[k] = texts.len;
            buf_put(&texts, s.p, s.len);
            buf_put_u8(&texts, 0);
        }
        if (m.failed || texts.failed)
            break;
        for (size_t k = 0; k < PUBLICATION_COLUMNS; k++)
            cells[k] = (const char *)texts.data + at[k];
        e = each(ctx, cells);
    }
    if (e == OK && (m.failed || texts.failed || !mp_done(&m)))
        e = err_set(ERR_CORRUPT, "the rows of a publication are damaged");
    buf_fini(&texts);
    return e;
}
