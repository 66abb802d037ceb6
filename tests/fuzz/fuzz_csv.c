/* fuzz_csv.c: the CSV reader under any bytes: no crash, cells inside their limits and always UTF-8, and what was read
 * reads back after writing. */
#include "common/csv.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

#define MAX_CELL 64u

static enum err read_rows(const void *bytes, size_t len, const struct csv_options *o, struct buf *shown,
                          struct buf *written)
{
    FILE *f = fmemopen((void *)(uintptr_t)bytes, len, "r");
    struct csv *c = NULL;
    struct csv_row row;
    uint32_t line = 0;
    enum err e;

    REQUIRE(f != NULL);
    e = csv_open(&c, f, o);
    while (e == OK && (e = csv_next(c, &row)) == OK) {
        REQUIRE(row.count > 0 && row.count <= CSV_MAX_COLUMNS && row.line > line);
        line = row.line;
        for (uint32_t i = 0; i < row.count; i++) {
            const struct bytes *cell = &row.cells[i];

            REQUIRE(utf8_is_valid(cell->p, cell->len) && cell->len <= 3 * MAX_CELL);
            buf_printf(shown, "[%.*s]", (int)cell->len, (const char *)cell->p);
            if (i > 0)
                buf_put_u8(written, ';');
            csv_put_cell(written, ';', (const char *)cell->p, cell->len, false);
        }
        buf_put_u8(shown, '\n');
        buf_put_u8(written, '\n');
    }
    csv_close(c);
    (void)fclose(f);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {0, ';', ',', '\t'};
    const struct csv_options again = {.delimiter = ';', .encoding = CSV_UTF8, .max_cell = 3 * MAX_CELL};
    struct csv_options o = {.max_cell = MAX_CELL};
    struct buf shown[2];
    struct buf written[2];

    if (size < 2)
        return 0;
    o.delimiter = delimiters[data[0] % 4];
    o.encoding = (enum csv_encoding)(data[0] / 4 % 3);
    for (int i = 0; i < 2; i++) {
        buf_init(&shown[i], 16u << 20);
        buf_init(&written[i], 16u << 20);
    }
    if (read_rows(data + 1, size - 1, &o, &shown[0], &written[0]) == ERR_NOT_FOUND && written[0].len > 0 &&
        written[0].data[0] != 0xEF && written[0].data[0] != 'P') { /* a mark or a signature in front is not text */
        REQUIRE(read_rows(written[0].data, written[0].len, &again, &shown[1], &written[1]) == ERR_NOT_FOUND);
        REQUIRE(shown[0].len == shown[1].len && memcmp(shown[0].data, shown[1].data, shown[0].len) == 0);
    }
    for (int i = 0; i < 2; i++) {
        buf_fini(&shown[i]);
        buf_fini(&written[i]);
    }
    return 0;
}
