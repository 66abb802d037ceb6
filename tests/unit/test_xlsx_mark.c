/* test_xlsx_mark.c: a copy of a workbook shows what is wrong in its cells, and is otherwise what it was. */
#include "common/cli.h"
#include "common/xlsx_mark.h"
#include "common/xml_edit.h"
#include "common/zip_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAIN   "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define SHEET  "xl/s.xml"
#define STYLES "xl/t.xml"
#define BEGIN  "<worksheet xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\">"
#define END    "</worksheet>"

/* An archive without parts. */
static const uint8_t no_parts[22] = {'P', 'K', 5, 6};

struct part {
    const char *name, *text;
};
static const struct part around[] = {
    {"[Content_Types].xml", "<Types xmlns=\"t\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"},
    {"_rels/.rels", "<Relationships><Relationship Id=\"a\" Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/>"
                    "</Relationships>"},
    {"xl/workbook.xml", "<workbook xmlns:r=\"" OFFICE "\"><bookViews><workbookView activeTab=\"1\"/></bookViews><sheets>"
                        "<sheet name=\"A\" r:id=\"s\"/><sheet name=\"B\" r:id=\"b\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"s\" Type=\"x/worksheet\" Target=\"s.xml\"/><Relationship Id=\"b\" "
     "Type=\"x/worksheet\" Target=\"b.xml\"/><Relationship Id=\"t\" Type=\"x/styles\" Target=\"t.xml\"/>"
     "</Relationships>"},
    {STYLES, "<styleSheet><fills count=\"2\"><fill><a/></fill><fill/></fills><cellXfs count=\"2\"><xf numFmtId=\"0\"/>"
             "<xf numFmtId=\"14\" fillId=\"1\"><protection locked=\"0\"/></xf></cellXfs></styleSheet>"},
    {"xl/b.xml", BEGIN "<sheetViews><sheetView tabSelected=\"1\" workbookViewId=\"0\"/></sheetViews><sheetData/>" END},
};

static struct xlsx_book *book_of(struct bytes bytes)
{
    struct xlsx_book *b = NULL;
    void *copy = malloc(bytes.len + 1);

    assert_non_null(copy);
    memcpy(copy, bytes.p, bytes.len);
    assert_int_equal(xlsx_book_open(&b, copy, bytes.len), OK);
    return b;
}

/* The workbook around a sheet, with other parts instead of its own, or more. */
static struct xlsx_book *book_with(const char *sheet, const struct part *others, size_t count)
{
    struct zip_edit *z = NULL;
    struct xlsx_book *b;
    struct buf out;

    buf_init(&out, 1u << 20);
    assert_int_equal(zip_edit_open(&z, bytes_of(no_parts, sizeof(no_parts))), OK);
    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
        assert_int_equal(zip_edit_put(z, around[i].name, bytes_of(around[i].text, strlen(around[i].text))), OK);
    assert_int_equal(zip_edit_put(z, SHEET, bytes_of(sheet, strlen(sheet))), OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zip_edit_put(z, others[i].name, bytes_of(others[i].text, strlen(others[i].text))), OK);
    assert_int_equal(zip_edit_finish(z, &out), OK);
    zip_edit_close(z);
    b = book_of(bytes_of(out.data, out.len));
    buf_fini(&out);
    return b;
}

/* Marks and closes the workbook; the copy. */
static struct buf marked(struct xlsx_book *b, const struct xlsx_mark *marks, uint32_t count)
{
    struct buf out;

    buf_init(&out, 1u << 20);
    if (xlsx_mark(b, marks, count, &out) != OK)
        fail_msg("%s", err_text());
    xlsx_book_close(b);
    return out;
}

/* A part of the copy as it stands. */
static char *part_of(const struct buf *copy, const char *name)
{
    struct zip_in *z = NULL;
    struct xml_edit x;
    char *text;

    assert_int_equal(zip_in_open(&z, bytes_of(copy->data, copy->len)), OK);
    if (xml_edit_open(&x, z, name) != OK)
        fail_msg("%s: %s", name, err_text());
    assert_non_null(text = strndup((const char *)x.in.data, x.in.len));
    xml_edit_close(&x);
    zip_in_close(z);
    return text;
}

static void assert_part(const struct buf *copy, const char *name, const char *expected)
{
    char *text = part_of(copy, name);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_has(const struct buf *copy, const char *name, const char *expected)
{
    char *text = part_of(copy, name);

    if (strstr(text, expected) == NULL)
        fail_msg("%s has no %s: %s", name, expected, text);
    free(text);
}

static void a_cell_keeps_its_value_and_its_style_gets_a_red_ground(void **state)
{
    const struct xlsx_mark m = {0, 2, 2, "not <this> & that"};
    struct buf copy = marked(book_with(BEGIN "<sheetData><row r=\"2\"><c r=\"A2\" s=\"1\"><v>7</v></c><c r=\"B2\" "
                                             "s='1'  t=\"str\"><f>A2+1</f><v>x</v></c></row></sheetData>" END,
                                       NULL, 0),
                             &m, 1);

    (void)state;
    assert_part(&copy, SHEET,
                BEGIN "<sheetData><row r=\"2\"><c r=\"A2\" s=\"1\"><v>7</v></c><c r=\"B2\" t=\"str\" s=\"2\"><f>A2+1</f>"
                      "<v>x</v></c></row></sheetData><legacyDrawing xmlns:r=\"" OFFICE "\" r:id=\"svodka1\"/>" END);
    assert_part(&copy, STYLES,
                "<styleSheet><fills count=\"3\"><fill><a/></fill><fill/><fill><patternFill patternType=\"solid\">"
                "<fgColor rgb=\"FFFF9999\"/><bgColor indexed=\"64\"/></patternFill></fill></fills><cellXfs count=\"3\">"
                "<xf numFmtId=\"0\"/><xf numFmtId=\"14\" fillId=\"1\"><protection locked=\"0\"/></xf><xf "
                "numFmtId=\"14\" fillId=\"2\" applyFill=\"1\"><protection locked=\"0\"/></xf></cellXfs>"
                "<!--svodka: marked copy--></styleSheet>");
    assert_has(&copy, "xl/comments1.xml",
               "<comment ref=\"B2\" authorId=\"0\"><text><r><t xml:space=\"preserve\">not &lt;this&gt; &amp; that</t>");
    assert_has(&copy, "xl/drawings/vmlDrawing1.vml", "<x:Row>1</x:Row><x:Column>1</x:Column>");
    assert_has(&copy, "xl/_rels/s.xml.rels", "Id=\"svodka1\" Type=\"" OFFICE "/vmlDrawing\"");
    assert_has(&copy, "[Content_Types].xml", "PartName=\"/xl/comments1.xml\"");
    assert_part(&copy, "xl/_rels/workbook.xml.rels", around[3].text);
    buf_fini(&copy);
}

static void cells_and_rows_that_are_not_there_are_made_in_their_place(void **state)
{
    const struct xlsx_mark m[] = {{0, 7, 1, "a"}, {0, 2, 4, "b"}, {0, 2, 2, "c"}, {0, 1, 3, "d"}, {0, 4, 1, "e"}};
    struct buf copy = marked(book_with(BEGIN "<cols><col min=\"2\" max=\"3\" style=\"1\"/></cols><sheetData><row r=\"2\" "
                                             "spans=\"1:3\"><c r=\"A2\"/><c r=\"C2\"/></row><row r=\"4\" "
                                             "ht=\"9\"/></sheetData><extLst/>" END,
                                       NULL, 0),
                             m, 5);

    (void)state;
    assert_part(&copy, SHEET,
                BEGIN "<cols><col min=\"2\" max=\"3\" style=\"1\"/></cols><sheetData><row r=\"1\"><c r=\"C1\" "
                      "s=\"3\"/></row><row r=\"2\"><c r=\"A2\"/><c r=\"B2\" s=\"3\"/><c r=\"C2\"/><c r=\"D2\" "
                      "s=\"2\"/></row><row r=\"4\" ht=\"9\"><c r=\"A4\" s=\"2\"/></row><row r=\"7\"><c r=\"A7\" "
                      "s=\"2\"/></row></sheetData><legacyDrawing xmlns:r=\"" OFFICE "\" r:id=\"svodka1\"/><extLst/>" END);
    buf_fini(&copy);
}

static void an_empty_sheet_gets_its_first_cells(void **state)
{
    const struct xlsx_mark m = {1, 3, 1, "a"};
    struct buf copy = marked(book_with(BEGIN "<sheetData/>" END, NULL, 0), &m, 1);

    (void)state;
    assert_has(&copy, "xl/b.xml", "<sheetData><row r=\"3\"><c r=\"A3\" s=\"2\"/></row></sheetData>");
    assert_part(&copy, SHEET, BEGIN "<sheetData/>" END);
    buf_fini(&copy);
}

static void marks_of_one_cell_are_one_comment(void **state)
{
    const struct xlsx_mark m[] = {{0, 1, 1, "first"}, {0, 2, 2, "under it"}, {0, 1, 1, "second"}};
    struct buf copy = marked(book_with(BEGIN "<sheetData/><mergeCells><mergeCell ref=\"A1:C2\"/></mergeCells>" END, NULL,
                                       0),
                             m, 3);

    (void)state;
    assert_has(&copy, "xl/comments1.xml",
               "<comment ref=\"A1\" authorId=\"0\"><text><r><t xml:space=\"preserve\">first\nsecond\nunder it</t></r>"
               "</text></comment></commentList>");
    assert_has(&copy, SHEET, "<sheetData><row r=\"1\"><c r=\"A1\" s=\"2\"/></row></sheetData>");
    buf_fini(&copy);
}

static const struct part noted[] = {
    {"xl/_rels/s.xml.rels", "<Relationships><Relationship Id=\"d\" Type=\"x/vmlDrawing\" Target=\"d.vml\"/>"
                            "<Relationship Id=\"c\" Type=\"x/comments\" Target=\"c.xml\"/></Relationships>"},
    {"xl/c.xml", "<comments><authors><author>Anna</author></authors><commentList><comment ref=\"A1\" authorId=\"0\">"
                 "<text><t>hers</t></text></comment></commentList></comments>"},
    {"xl/d.vml", "<xml><v:shape id=\"_x0000_s2049\"><br></v:shape></xml>"},
};
#define NOTED BEGIN "<sheetData><row r=\"1\"><c r=\"A1\"/></row></sheetData><legacyDrawing r:id=\"d\"/>" END

static void comments_that_were_there_stay(void **state)
{
    const struct xlsx_mark m[] = {{0, 1, 1, "ours"}, {0, 2, 1, "new"}};
    struct buf copy = marked(book_with(NOTED, noted, 3), m, 2);

    (void)state;
    assert_part(&copy, "xl/c.xml",
                "<comments><authors><author>Anna</author><author>Svodka</author></authors><commentList><comment "
                "ref=\"A1\" authorId=\"0\"><text><t>hers</t><r><t xml:space=\"preserve\">\nours</t></r></text></comment>"
                "<comment ref=\"A2\" authorId=\"1\"><text><r><t xml:space=\"preserve\">new</t></r></text></comment>"
                "</commentList></comments>");
    assert_part(&copy, "xl/_rels/s.xml.rels", noted[0].text);
    assert_has(&copy, SHEET, "<legacyDrawing r:id=\"d\"/>");
    buf_fini(&copy);
}

static void what_cannot_be_marked_is_said_to_be_so(void **state)
{
    static const struct {
        const char *sheet;
        struct part other;
        const char *said;
    } cases[] = {
        {"<worksheet xmlns=\"http://purl.oclc.org/ooxml/spreadsheetml/main\"><sheetData/></worksheet>",
         {"x", ""},
         "Strict Open XML"},
        {NOTED, {"xl/d.vml", "<xml>"}, "the drawing of its comments cannot be read"},
        {NOTED, {"xl/_rels/s.xml.rels", "<Relationships/>"}, "the drawing of its comments cannot be read"},
        {BEGIN "<sheetData/>" END,
         {"xl/_rels/s.xml.rels",
          "<Relationships><Relationship Id=\"c\" Type=\"x/comments\" Target=\"c.xml\"/></Relationships>"},
         "its comments have no drawing"},
        {BEGIN "<sheetData><row r=\"1\"><c r=\"A1\" s=\"9\"/></row></sheetData>" END,
         {"x", ""},
         "a style that the workbook does not have"},
        {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" BEGIN "<sheetData/>" END, {"x", ""}, "not written in UTF-8"},
    };
    const struct xlsx_mark m = {0, 1, 1, "x"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct part others[4] = {noted[0], noted[1], noted[2], cases[i].other};
        bool is_noted = strcmp(cases[i].sheet, NOTED) == 0;
        struct xlsx_book *b =
            is_noted ? book_with(cases[i].sheet, others, 4) : book_with(cases[i].sheet, &cases[i].other, 1);
        struct buf out;

        buf_init(&out, 1u << 20);
        assert_int_not_equal(xlsx_mark(b, &m, 1, &out), OK);
        if (strstr(err_text(), cases[i].said) == NULL)
            fail_msg("%zu: %s", i, err_text());
        buf_fini(&out);
        xlsx_book_close(b);
    }
}

static void it_opens_at_the_first_wrong_cell_and_no_other_sheet_is_chosen(void **state)
{
    const struct xlsx_mark m[] = {{0, 90, 30, "x"}, {0, 91, 1, "y"}};
    struct buf copy = marked(book_with(BEGIN "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"2\" "
                                             "topLeftCell=\"A3\" activePane=\"bottomLeft\" state=\"frozen\"/><selection "
                                             "pane=\"bottomLeft\" activeCell=\"A3\"/></sheetView></sheetViews>"
                                             "<sheetData/>" END,
                                       NULL, 0),
                             m, 2);

    (void)state;
    assert_has(&copy, SHEET,
               "<sheetView workbookViewId=\"0\" tabSelected=\"1\"><pane ySplit=\"2\" state=\"frozen\" "
               "topLeftCell=\"A85\" activePane=\"bottomLeft\"/><selection pane=\"bottomLeft\" activeCell=\"AD90\" "
               "sqref=\"AD90\"/></sheetView>");
    assert_has(&copy, "xl/workbook.xml", "<workbookView activeTab=\"0\"/>");
    assert_has(&copy, "xl/b.xml", "<sheetView workbookViewId=\"0\"/>");
    buf_fini(&copy);
}

static void names_with_a_prefix_keep_it(void **state)
{
    const struct xlsx_mark m = {0, 1, 1, "x"};
    struct buf copy = marked(book_with("<x:worksheet xmlns:x=\"" MAIN "\"><x:sheetData/></x:worksheet>", NULL, 0), &m, 1);

    (void)state;
    assert_part(&copy, SHEET,
                "<x:worksheet xmlns:x=\"" MAIN "\"><x:sheetData><x:row r=\"1\"><x:c r=\"A1\" s=\"2\"/></x:row>"
                "</x:sheetData><x:legacyDrawing xmlns:r=\"" OFFICE "\" r:id=\"svodka1\"/></x:worksheet>");
    buf_fini(&copy);
}

static void a_copy_is_known_and_can_be_marked_again(void **state)
{
    const struct xlsx_mark m = {0, 1, 1, "x"};
    struct xlsx_book *b = book_with(BEGIN "<sheetData/>" END, NULL, 0);
    bool is_ours = true;
    struct buf copy, again;

    (void)state;
    assert_int_equal(xlsx_mark_is_ours(b, &is_ours), OK);
    assert_false(is_ours);
    copy = marked(b, &m, 1);
    b = book_of(bytes_of(copy.data, copy.len));
    assert_int_equal(xlsx_mark_is_ours(b, &is_ours), OK);
    assert_true(is_ours);
    again = marked(b, &m, 1);
    assert_has(&again, "xl/comments1.xml", ">x</t></r><r><t xml:space=\"preserve\">\nx</t></r></text>");
    buf_fini(&copy);
    buf_fini(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_keeps_its_value_and_its_style_gets_a_red_ground),
        cmocka_unit_test(cells_and_rows_that_are_not_there_are_made_in_their_place),
        cmocka_unit_test(an_empty_sheet_gets_its_first_cells),
        cmocka_unit_test(marks_of_one_cell_are_one_comment),
        cmocka_unit_test(comments_that_were_there_stay),
        cmocka_unit_test(what_cannot_be_marked_is_said_to_be_so),
        cmocka_unit_test(it_opens_at_the_first_wrong_cell_and_no_other_sheet_is_chosen),
        cmocka_unit_test(names_with_a_prefix_keep_it),
        cmocka_unit_test(a_copy_is_known_and_can_be_marked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
