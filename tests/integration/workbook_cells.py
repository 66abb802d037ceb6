"""workbook_cells.py FILE.xlsx SHEET: what stands in a sheet (number from 1, or name), by its own reading of the file: a
line a cell, "B3<TAB>value"; numbers as they are written; a formula is "=...".  With --fills, "B3<TAB>value<TAB>RRGGBB"."""
import sys
import xml.etree.ElementTree as ET
import zipfile

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def texts(node):
    return "".join(t.text or "" for t in node.iter(MAIN + "t"))


def fill_of(styles):
    fills = [f.find(f"{MAIN}patternFill/{MAIN}fgColor") for f in styles.find(MAIN + "fills")]
    return ["" if fills[int(x.get("fillId", 0))] is None else fills[int(x.get("fillId", 0))].get("rgb", "")[-6:]
            for x in styles.find(MAIN + "cellXfs")]


def main():
    path, wanted = sys.argv[1:3]
    with zipfile.ZipFile(path) as z:
        book = ET.fromstring(z.read("xl/workbook.xml"))
        rels = {r.get("Id"): r.get("Target") for r in ET.fromstring(z.read("xl/_rels/workbook.xml.rels"))}
        sheets = list(book.find(MAIN + "sheets"))
        of = [s for i, s in enumerate(sheets, 1) if wanted in (str(i), s.get("name"))][0]
        shared = []
        if "xl/sharedStrings.xml" in z.namelist():
            shared = [texts(si) for si in ET.fromstring(z.read("xl/sharedStrings.xml"))]
        fills = fill_of(ET.fromstring(z.read("xl/styles.xml"))) if "--fills" in sys.argv else None
        sheet = ET.fromstring(z.read("xl/" + rels[of.get(REL)].removeprefix("/xl/")))
    for c in sheet.iter(MAIN + "c"):
        value, formula = c.find(MAIN + "v"), c.find(MAIN + "f")
        if formula is not None:
            text = "=" + (formula.text or "")
        elif c.get("t") == "inlineStr":
            text = texts(c)
        elif value is None:
            continue
        else:
            text = shared[int(value.text)] if c.get("t") == "s" else value.text
        print(c.get("r"), text.replace("\n", "\\n"), *([fills[int(c.get("s", 0))]] if fills else []), sep="\t")


main()
