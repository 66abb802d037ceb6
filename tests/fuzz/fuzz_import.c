/* fuzz_import.c: an import map (up to the first zero byte) and a CSV file (what follows) against a form with every type
 * of field: headings are found and bound, cells are read, what came out is judged. */
#include "agent/import_columns.h"
#include "agent/import_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char form_text[] = "form: everything\n"
                                "version: '1'\n"
                                "title: Всё\n"
                                "mode: rows\n"
                                "key: id\n"
                                "period: month\n"
                                "choices:\n"
                                "  letter: [{code: a, label: А}, {code: b, label: Бэ}, {code: '7', label: семь}]\n"
                                "survey:\n"
                                "  - {type: text, name: id, label: Код, required: true}\n"
                                "  - {type: integer, name: whole, label: Целое, allow: [unknown, na]}\n"
                                "  - {type: decimal, name: part, label: Дробное, places: 2, default: '1.50'}\n"
                                "  - {type: date, name: day, label: День}\n"
                                "  - {type: boolean, name: flag, label: Да или нет}\n"
                                "  - {type: select_one letter, name: one, label: Одно}\n"
                                "  - {type: select_multiple letter, name: many, label: Много}\n"
                                "  - {type: text, name: why, label: Почему, relevant: \"${flag} = true()\"}\n"
                                "  - type: repeat\n"
                                "    name: list\n"
                                "    label: Список\n"
                                "    survey: [{type: integer, name: n, label: Число}]\n"
                                "  - {type: calculate, name: twice, label: Вдвое, value: integer, "
                                "calculation: '2 * ${whole}'}\n";

static const struct form *the_form(void)
{
    static struct form *f;

    if (f == NULL && form_load(&f, "form.yaml", form_text, sizeof(form_text) - 1, NULL) != OK) {
        (void)fprintf(stderr, "%s\n", err_text());
        abort();
    }
    return f;
}

static enum err next_row(void *ctx, struct csv_row *row)
{
    return csv_next(ctx, row);
}

static void read_rows(struct headings *h, struct import_columns *c, struct form_checker *checker, struct report *r)
{
    const struct form *f = the_form();
    struct value values[16];
    struct csv_row row;

    while (headings_next(h, &row) == OK) {
        (void)import_columns_is_labels(c, &row);
        if (import_columns_read(c, &row, values, r) != OK)
            continue;
        if (form_complete(f, checker, values, 18000, false) == OK &&
            form_check(f, checker, values, f->field_count, 18000, NULL, r) == OK && values[0].state != VALUE_PRESENT)
            abort(); /* the required key is there in every row that is let through */
    }
}

static void import(const struct import_map *m, const uint8_t *csv_bytes, size_t len)
{
    struct csv_options o = {.delimiter = 0};
    /* Like a sheet of a workbook, or not: there the headings may stand lower. */
    struct import_source source = {.name = "x.csv", .next = next_row, .sheet = len % 2 != 0 ? "S" : NULL};
    struct import_options io = {.map = m};
    struct form_checker *checker = NULL;
    struct import_columns *c = NULL;
    struct headings *h = NULL;
    struct report *r = NULL;
    struct csv *csv = NULL;
    struct csv_row row;
    FILE *file = fmemopen((void *)(uintptr_t)csv_bytes, len, "r");

    if (file == NULL || report_new(&r, 5) != OK || form_checker_new(&checker) != OK ||
        headings_new(&h, &source, the_form(), &io) != OK)
        abort();
    if (csv_open(&csv, file, &o) == OK && (source.ctx = csv) != NULL && headings_find(h, NULL, &row) == OK &&
        import_columns_bind(&c, the_form(), m, import_map_unit(m), &row, "x.csv", r) == OK)
        read_rows(h, c, checker, r);
    import_columns_free(c);
    headings_free(h);
    csv_close(csv);
    form_checker_free(checker);
    report_free(r);
    (void)fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = memchr(data, 0, size);
    size_t map_len = zero != NULL ? (size_t)(zero - data) : 0;
    size_t csv_len = zero != NULL ? size - map_len - 1 : size;
    struct import_map *m = NULL;
    struct report *r = NULL;

    if (report_new(&r, 5) != OK)
        abort();
    if (map_len > 0 && import_map_load(&m, the_form(), "map.yaml", data, map_len, r) != OK)
        m = NULL;
    if (csv_len > 0)
        import(m, zero != NULL ? zero + 1 : data, csv_len);
    import_map_free(m);
    report_free(r);
    return 0;
}
