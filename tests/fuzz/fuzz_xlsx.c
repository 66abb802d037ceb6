/* fuzz_xlsx.c: the reader of workbooks under any bytes: no crash, rows in rising order, texts inside their limits and
 * always UTF-8.  The first byte says what follows: 0: the whole file; else the parts that a workbook consists of, each
 * up to the next zero byte, are packed into one (workbook.xml, its relations, styles.xml, sharedStrings.xml, a sheet);
 * a part that is empty is a good one.  So the mutations reach the XML without having to keep checksums right. */
#include "tests/fuzz/xlsx_target.h"

#include "common/utf8.h"
#include "common/xlsx_number.h"
#include "common/xlsx_read.h"

#include <stdlib.h>
#include <string.h>

#define MAIN   "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

static const struct part fixed[] = {
    {"[Content_Types].xml", "<Types/>"},
    {"_rels/.rels", "<Relationships><Relationship Id=\"a\" Type=\"" OFFICE "/officeDocument\" "
                    "Target=\"xl/workbook.xml\"/></Relationships>"},
};
static const struct part changing[] = {
    {"xl/workbook.xml", "<workbook xmlns:r=\"" OFFICE "\"><sheets><sheet name=\"A\" r:id=\"s\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"s\" Type=\"x/worksheet\" Target=\"s.xml\"/><Relationship Id=\"t\" "
     "Type=\"x/styles\" Target=\"t.xml\"/><Relationship Id=\"u\" Type=\"x/sharedStrings\" Target=\"u.xml\"/>"
     "</Relationships>"},
    {"xl/t.xml",
     "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"9\"/>"
     "</cellXfs></styleSheet>"},
    {"xl/u.xml", "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>"},
    {"xl/s.xml", "<worksheet><sheetData><row><c t=\"s\"><v>1</v></c></row></sheetData></worksheet>"},
};
#define CHANGING (sizeof(changing) / sizeof(changing[0]))

/* ---- reading ---- */

static void read_sheet(struct xlsx_book *b, uint32_t sheet)
{
    struct xlsx_rows *rows = NULL;
    struct xlsx_row row;
    uint32_t number = 0;

    REQUIRE(utf8_is_valid(xlsx_book_sheet_name(b, sheet), strlen(xlsx_book_sheet_name(b, sheet))));
    if (xlsx_rows_open(&rows, b, sheet) != OK)
        return;
    while (xlsx_rows_next(rows, &row) == OK) {
        REQUIRE(row.number > number && row.number <= XLSX_READ_MAX_ROW && row.count <= XLSX_READ_MAX_COLUMN);
        number = row.number;
        for (uint32_t i = 0; i < row.count; i++) {
            const struct xlsx_cell *c = &row.cells[i];

            REQUIRE(c->text.len <= XLSX_READ_MAX_CELL + 64 && utf8_is_valid(c->text.p, c->text.len) &&
                    memchr(c->text.p, 0, c->text.len) == NULL);
            (void)xlsx_rows_column_is_hidden(rows, i);
        }
    }
    REQUIRE(xlsx_rows_next(rows, &row) != OK);
    xlsx_rows_close(rows);
}

/* Whatever it says, a number's text is short and the same again. */
static void read_number(const uint8_t *data, size_t size)
{
    char code[256];
    size_t len = size < sizeof(code) - 1 ? size : sizeof(code) - 1;
    struct xlsx_format f;
    struct buf b;

    memcpy(code, data, len);
    code[len] = '\0';
    f = xlsx_format_of(code);
    buf_init(&b, 256);
    if (xlsx_number_put(&b, code, strlen(code), f, false) != OK)
        REQUIRE(b.len == 0);
    REQUIRE(!b.failed);
    buf_reset(&b);
    f.shown = XLSX_SHOWN_NUMBER;
    if (xlsx_number_put(&b, code, strlen(code), f, false) == OK) {
        struct buf again;

        buf_init(&again, 256);
        REQUIRE(xlsx_number_put(&again, (const char *)b.data, b.len, f, false) == OK && again.len == b.len &&
                memcmp(again.data, b.data, b.len) == 0);
        buf_fini(&again);
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xlsx_book *b;
    struct buf file;

    if (size < 1)
        return 0;
    read_number(data + 1, size - 1);
    buf_init(&file, 16u << 20);
    if (data[0] == 0)
        buf_put(&file, data + 1, size - 1);
    else
        zip_pack(&file, fixed, sizeof(fixed) / sizeof(fixed[0]), changing, CHANGING, data + 1, size - 1);
    REQUIRE(!file.failed);
    if ((b = open_book(bytes_of(file.data, file.len))) != NULL) {
        (void)xlsx_book_find_sheet(b, "a");
        for (uint32_t i = 0; i < xlsx_book_sheets(b) && i < 4; i++)
            read_sheet(b, i);
    }
    xlsx_book_close(b);
    buf_fini(&file);
    return 0;
}
