/* fuzz_xlsx_fill.c: filling cells of a workbook that the reader has taken: whatever its parts say, what was filled in
 * reads back, every other cell that is no formula reads as before, and it can be filled once more.  The first byte says
 * how many cells are filled in (1 to 8), two bytes each which; then come the parts as in fuzz_xlsx.c: the sheet,
 * styles.xml, workbook.xml. */
#include "tests/fuzz/xlsx_target.h"

#include "common/xlsx_fill.h"

#define MAIN      "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE    "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define MAX_CELLS 8u

static const struct part fixed[] = {
    {"[Content_Types].xml", "<Types/>"},
    {"_rels/.rels", "<Relationships><Relationship Id=\"a\" Type=\"" OFFICE "/officeDocument\" "
                    "Target=\"xl/workbook.xml\"/></Relationships>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"s\" Type=\"x/worksheet\" Target=\"s.xml\"/><Relationship Id=\"t\" "
     "Type=\"x/styles\" Target=\"t.xml\"/><Relationship Id=\"u\" Type=\"x/sharedStrings\" Target=\"u.xml\"/>"
     "</Relationships>"},
    {"xl/u.xml", "<sst><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>"},
};
static const struct part changing[] = {
    {"xl/s.xml", "<worksheet xmlns=\"" MAIN "\"><cols><col min=\"1\" max=\"2\" style=\"1\"/></cols><sheetData>"
                 "<row r=\"2\" spans=\"1:2\"><c r=\"B2\" t=\"s\"><v>1</v></c><c r=\"C2\"><f>B2</f><v>4</v></c></row>"
                 "<row r=\"4\"/></sheetData><mergeCells><mergeCell ref=\"A9:B9\"/></mergeCells></worksheet>"},
    {"xl/t.xml", "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>"},
    {"xl/workbook.xml", "<workbook xmlns:r=\"" OFFICE "\"><sheets><sheet name=\"A\" r:id=\"s\"/></sheets><calcPr/>"
                        "<extLst/></workbook>"},
};

static bool is_filled(const struct xlsx_fill_cell *cells, size_t count, uint32_t row, uint32_t column)
{
    for (size_t i = 0; i < count; i++)
        if (cells[i].row == row && cells[i].column == column)
            return true;
    return false;
}

/* Cells that are not filled in, by what they say; *found: how many that are say "x<&". */
static bool read_others(struct xlsx_book *b, const struct xlsx_fill_cell *cells, size_t count, struct buf *out,
                        size_t *found)
{
    struct xlsx_rows *rows = NULL;
    struct xlsx_row row;
    enum err e = xlsx_rows_open(&rows, b, 0);

    *found = 0;
    while (e == OK && (e = xlsx_rows_next(rows, &row)) == OK)
        for (uint32_t k = 0; k < row.count; k++) {
            const struct xlsx_cell *c = &row.cells[k];
            bool is_ours = is_filled(cells, count, row.number, k + 1);

            if (is_ours && c->text.len == 3 && memcmp(c->text.p, "x<&", 3) == 0)
                ++*found;
            /* A formula has no result any more, and what it had may have been anything. */
            if (!is_ours && c->fault == XLSX_FAULT_NONE && c->text.len > 0) {
                buf_printf(out, "%u %u ", row.number, k);
                buf_put(out, c->text.p, c->text.len);
            }
        }
    xlsx_rows_close(rows);
    return e == ERR_NOT_FOUND && !out->failed;
}

static void check_copy(struct bytes copy, const struct xlsx_fill_cell *cells, size_t count)
{
    struct xlsx_book *b = open_book(copy);
    struct buf is_now, again;
    size_t found = 0, bad = 0;

    REQUIRE(b != NULL);
    buf_init(&is_now, 16u << 20);
    buf_init(&again, 32u << 20);
    REQUIRE(read_others(b, cells, count, &is_now, &found) && found == count);
    REQUIRE(xlsx_fill(b, cells, count, &again, &bad) == OK);
    xlsx_book_close(b);
    buf_fini(&is_now);
    buf_fini(&again);
}

static void fill(struct bytes file, const struct xlsx_fill_cell *cells, size_t count)
{
    struct xlsx_book *b = open_book(file);
    struct buf was, copy;
    size_t found = 0, bad = 0;

    if (b == NULL)
        return;
    buf_init(&was, 16u << 20);
    buf_init(&copy, 32u << 20);
    if (xlsx_book_sheets(b) == 1 && read_others(b, cells, count, &was, &found)) {
        enum err e = xlsx_fill(b, cells, count, &copy, &bad);

        REQUIRE(e != ERR_INVALID || bad < count);
        if (e == OK)
            check_copy(bytes_of(copy.data, copy.len), cells, count);
    }
    xlsx_book_close(b);
    buf_fini(&was);
    buf_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xlsx_fill_cell cells[MAX_CELLS];
    struct buf file;
    size_t count = 0, wanted;

    if (size < 1)
        return 0;
    wanted = data[0] % MAX_CELLS + 1u;
    data++;
    size--;
    for (uint32_t row = 0; count < wanted && size >= 2; data += 2, size -= 2) {
        row += data[0] % 3 + 1u; /* in order, as the caller sorts them */
        cells[count++] = (struct xlsx_fill_cell){
            .row = row, .column = data[1] > 250 ? XLSX_READ_MAX_COLUMN : data[1] % 20 + 1u, .text = "x<&"};
    }
    if (count == 0)
        return 0;
    buf_init(&file, 16u << 20);
    zip_pack(&file, fixed, sizeof(fixed) / sizeof(fixed[0]), changing, sizeof(changing) / sizeof(changing[0]), data,
             size);
    REQUIRE(!file.failed);
    fill(bytes_of(file.data, file.len), cells, count);
    buf_fini(&file);
    return 0;
}
