/* fuzz_xlsx.c: the reader of workbooks under any bytes: no crash, rows in rising order, texts inside their limits and
 * always UTF-8.  The first byte says what follows: 0: the whole file; else the parts that a workbook consists of, each
 * up to the next zero byte, are packed into one (workbook.xml, its relations, styles.xml, sharedStrings.xml, a sheet);
 * a part that is empty is a good one.  So the mutations reach the XML without having to keep checksums right. */
#include "common/utf8.h"
#include "common/xlsx_number.h"
#include "common/xlsx_read.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

#define MAIN   "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

struct part {
    const char *name, *good;
};
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

/* ---- a ZIP archive, stored ---- */

static void put16(struct buf *b, unsigned v)
{
    buf_put_u8(b, (uint8_t)v);
    buf_put_u8(b, (uint8_t)(v >> 8));
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v & 0xFFFF);
    put16(b, v >> 16);
}

static uint32_t checksum(const uint8_t *bytes, size_t len)
{
    uint32_t c = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        c ^= bytes[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (UINT32_C(0xEDB88320) & (0u - (c & 1)));
    }
    return ~c;
}

/* What the local header and the directory say alike. */
static void put_common(struct buf *b, const char *name, const uint8_t *bytes, size_t len)
{
    put16(b, 20);
    put16(b, 0);
    put16(b, 0); /* stored */
    put32(b, 0x00210000);
    put32(b, checksum(bytes, len));
    put32(b, (uint32_t)len);
    put32(b, (uint32_t)len);
    put16(b, (unsigned)strlen(name));
    put16(b, 0);
}

static void put_part(struct buf *file, struct buf *directory, const char *name, const uint8_t *bytes, size_t len)
{
    uint32_t at = (uint32_t)file->len;

    buf_put(file, "PK\3\4", 4);
    put_common(file, name, bytes, len);
    buf_put_str(file, name);
    buf_put(file, bytes, len);
    buf_put(directory, "PK\1\2", 4);
    put16(directory, 20);
    put_common(directory, name, bytes, len);
    put16(directory, 0);
    put16(directory, 0);
    put16(directory, 0);
    put32(directory, 0);
    put32(directory, at);
    buf_put_str(directory, name);
}

static void pack(struct buf *file, const uint8_t *data, size_t size)
{
    const size_t count = CHANGING + sizeof(fixed) / sizeof(fixed[0]);
    struct buf directory;
    uint32_t at;

    buf_init(&directory, 1u << 20);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        put_part(file, &directory, fixed[i].name, (const uint8_t *)fixed[i].good, strlen(fixed[i].good));
    for (size_t i = 0; i < CHANGING; i++) {
        const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
        size_t len = zero != NULL ? (size_t)(zero - data) : size;

        if (len > 0)
            put_part(file, &directory, changing[i].name, data, len);
        else
            put_part(file, &directory, changing[i].name, (const uint8_t *)changing[i].good, strlen(changing[i].good));
        len += zero != NULL;
        data += len;
        size -= len;
    }
    at = (uint32_t)file->len;
    buf_put(file, directory.data, directory.len);
    buf_put(file, "PK\5\6\0\0\0\0", 8);
    put16(file, (unsigned)count);
    put16(file, (unsigned)count);
    put32(file, (uint32_t)directory.len);
    put32(file, at);
    put16(file, 0);
    buf_fini(&directory);
}

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
    struct xlsx_book *b = NULL;
    struct buf file;
    void *bytes;

    if (size < 1)
        return 0;
    read_number(data + 1, size - 1);
    buf_init(&file, 16u << 20);
    if (data[0] == 0)
        buf_put(&file, data + 1, size - 1);
    else
        pack(&file, data + 1, size - 1);
    REQUIRE(!file.failed && (bytes = malloc(file.len + 1)) != NULL);
    if (file.len > 0)
        memcpy(bytes, file.data, file.len);
    if (xlsx_book_open(&b, bytes, file.len) == OK) {
        (void)xlsx_book_find_sheet(b, "a");
        for (uint32_t i = 0; i < xlsx_book_sheets(b) && i < 4; i++)
            read_sheet(b, i);
    }
    xlsx_book_close(b);
    buf_fini(&file);
    return 0;
}
