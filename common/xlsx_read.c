#include "common/xlsx_read_internal.h"

#include "common/cli.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NAME_FOLDED 4096u

const char *xlsx_fault_text(enum xlsx_fault f)
{
    switch (f) {
    case XLSX_FAULT_NONE: break;
    case XLSX_FAULT_ERROR: return _("the formula of this cell gives an error: put it right, or write the value");
    case XLSX_FAULT_NO_RESULT:
        return _(
            "the formula of this cell has no stored result: open the workbook in your spreadsheet program and save "
            "it, or write the value");
    case XLSX_FAULT_NO_DAY: return _("the cell is shown as a date, but there is no such day");
    case XLSX_FAULT_NO_NUMBER: return _("the number in this cell cannot be read");
    case XLSX_FAULT_COVERED:
        return _(
            "the cell is merged with others, so it is not clear whose value this is: split them and write the value "
            "in each");
    }
    return "";
}

static enum err open_parts(struct xlsx_book *b)
{
    struct bytes bytes = bytes_of(b->bytes, b->len);
    enum err e = book_judge_bytes(bytes);

    if (e == OK)
        e = zip_in_open(&b->zip, bytes);
    if (e == OK)
        e = book_judge_parts(b->zip);
    return e == OK ? book_read_parts(b) : e;
}

enum err xlsx_book_open(struct xlsx_book **out, void *bytes, size_t len)
{
    struct xlsx_book *b = calloc(1, sizeof(*b));
    enum err e;

    if (b == NULL) {
        free(bytes);
        return ERR_NOMEM;
    }
    b->bytes = bytes;
    b->len = len;
    buf_init_secret(&b->strings.text, XLSX_READ_MAX_STRING_BYTES);
    if ((e = open_parts(b)) != OK) {
        xlsx_book_close(b);
        return e;
    }
    *out = b;
    return OK;
}

void xlsx_book_close(struct xlsx_book *b)
{
    if (b == NULL)
        return;
    zip_in_close(b->zip);
    for (uint32_t i = 0; i < b->sheet_count; i++) {
        free(b->sheets[i].name);
        free(b->sheets[i].part);
    }
    free(b->sheets);
    free(b->formats);
    free(b->part);
    free(b->styles_part);
    free(b->strings.ends);
    buf_wipe(&b->strings.text);
    if (b->bytes != NULL)
        explicit_bzero(b->bytes, b->len);
    free(b->bytes);
    free(b);
}

uint32_t xlsx_book_sheets(const struct xlsx_book *b)
{
    return b->sheet_count;
}

const char *xlsx_book_sheet_name(const struct xlsx_book *b, uint32_t sheet)
{
    return b->sheets[sheet].name;
}

bool xlsx_book_sheet_is_hidden(const struct xlsx_book *b, uint32_t sheet)
{
    return b->sheets[sheet].is_hidden;
}

static bool fold(struct buf *out, const char *text)
{
    buf_reset(out);
    return utf8_put_folded(out, text, strlen(text)) == OK && buf_status(out) == OK;
}

int32_t xlsx_book_find_sheet(const struct xlsx_book *b, const char *name)
{
    struct buf wanted, one;
    int32_t found = -1;

    buf_init(&wanted, NAME_FOLDED);
    buf_init(&one, NAME_FOLDED);
    if (fold(&wanted, name))
        for (uint32_t i = 0; i < b->sheet_count && found < 0; i++)
            if (fold(&one, b->sheets[i].name) && strcmp(buf_cstr(&one), buf_cstr(&wanted)) == 0)
                found = (int32_t)i;
    buf_fini(&wanted);
    buf_fini(&one);
    return found;
}
