/* fuzz_xlsx_mark.c: marking wrong cells in a workbook that the reader has taken: whatever its parts say, the copy reads
 * as the workbook did, cell for cell, and can be marked once more.  The first byte says how many cells are marked (1 to
 * 8), two bytes each which; then come the parts as in fuzz_xlsx.c: the sheet, its relations, comments, their drawing,
 * styles.xml, [Content_Types].xml, workbook.xml. */
#include "tests/fuzz/xlsx_target.h"

#include "common/xlsx_mark.h"

#define MAIN      "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE    "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define MAX_MARKS 8u

static const struct part fixed[] = {
    {"_rels/.rels", "<Relationships><Relationship Id=\"a\" Type=\"" OFFICE "/officeDocument\" "
                    "Target=\"xl/workbook.xml\"/></Relationships>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"s\" Type=\"x/worksheet\" Target=\"s.xml\"/><Relationship Id=\"t\" "
     "Type=\"x/styles\" Target=\"t.xml\"/><Relationship Id=\"u\" Type=\"x/sharedStrings\" Target=\"u.xml\"/>"
     "</Relationships>"},
    {"xl/u.xml", "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>"},
};
static const struct part changing[] = {
    {"xl/s.xml", "<worksheet xmlns=\"" MAIN "\"><sheetViews><sheetView tabSelected=\"1\" workbookViewId=\"0\"/>"
                 "</sheetViews><sheetData><row r=\"2\"><c r=\"B2\" t=\"s\"><v>1</v></c></row></sheetData>"
                 "<mergeCells><mergeCell ref=\"A1:B1\"/></mergeCells></worksheet>"},
    {"xl/_rels/s.xml.rels", "<Relationships/>"},
    {"xl/c.xml", "<comments><authors><author>x</author></authors><commentList/></comments>"},
    {"xl/d.vml", "<xml></xml>"},
    {"xl/t.xml", "<styleSheet><fills count=\"1\"><fill/></fills><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/>"
                 "</cellXfs></styleSheet>"},
    {"[Content_Types].xml", "<Types/>"},
    {"xl/workbook.xml", "<workbook xmlns:r=\"" OFFICE "\"><bookViews><workbookView/></bookViews><sheets><sheet "
                        "name=\"A\" r:id=\"s\"/></sheets></workbook>"},
};

/* All cells of all sheets; false: a sheet that the reader does not take. */
static bool read_all(struct xlsx_book *b, struct buf *out)
{
    for (uint32_t i = 0; i < xlsx_book_sheets(b); i++) {
        struct xlsx_rows *rows = NULL;
        struct xlsx_row row;
        enum err e = xlsx_rows_open(&rows, b, i);

        while (e == OK && (e = xlsx_rows_next(rows, &row)) == OK)
            for (uint32_t k = 0; k < row.count; k++)
                if (row.cells[k].text.len > 0 || row.cells[k].fault != XLSX_FAULT_NONE) {
                    buf_printf(out, "%u %u %u %d ", i, row.number, k, (int)row.cells[k].fault);
                    buf_put(out, row.cells[k].text.p, row.cells[k].text.len);
                }
        xlsx_rows_close(rows);
        if (e != ERR_NOT_FOUND)
            return false;
    }
    return !out->failed;
}

static void check_copy(struct bytes copy, const struct buf *was, const struct xlsx_mark *marks, uint32_t count)
{
    struct xlsx_book *b = open_book(copy);
    struct buf is_now, again;
    bool is_ours = false;

    REQUIRE(b != NULL);
    buf_init(&is_now, 16u << 20);
    buf_init(&again, 32u << 20);
    REQUIRE(read_all(b, &is_now) && is_now.len == was->len &&
            (was->len == 0 || memcmp(is_now.data, was->data, was->len) == 0));
    REQUIRE(xlsx_mark_is_ours(b, &is_ours) == OK && is_ours);
    (void)xlsx_mark(b, marks, count, &again);
    xlsx_book_close(b);
    buf_fini(&is_now);
    buf_fini(&again);
}

static void mark(struct bytes file, const struct xlsx_mark *marks, uint32_t count)
{
    struct xlsx_book *b = open_book(file);
    struct buf was, copy;

    if (b == NULL)
        return;
    buf_init(&was, 16u << 20);
    buf_init(&copy, 32u << 20);
    if (read_all(b, &was) && xlsx_mark(b, marks, count, &copy) == OK)
        check_copy(bytes_of(copy.data, copy.len), &was, marks, count);
    xlsx_book_close(b);
    buf_fini(&was);
    buf_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xlsx_mark marks[MAX_MARKS];
    struct buf file;
    uint32_t count;

    if (size < 1)
        return 0;
    count = data[0] % MAX_MARKS + 1;
    data++;
    size--;
    if (size < 2 * (size_t)count)
        return 0;
    for (uint32_t i = 0; i < count; i++, data += 2, size -= 2)
        marks[i] = (struct xlsx_mark){.row = data[0] > 250 ? XLSX_READ_MAX_ROW - data[0] % 5 : data[0] + 1u,
                                      .column = data[1] > 250 ? XLSX_READ_MAX_COLUMN - data[1] % 5 : data[1] % 20 + 1u,
                                      .text = i % 2 == 0 ? "expected <a> & \"b\"" : "ожидалось"};
    buf_init(&file, 16u << 20);
    zip_pack(&file, fixed, sizeof(fixed) / sizeof(fixed[0]), changing, sizeof(changing) / sizeof(changing[0]), data,
             size);
    REQUIRE(!file.failed);
    mark(bytes_of(file.data, file.len), marks, count);
    buf_fini(&file);
    return 0;
}
