"""workbook.py OUT.xlsx < DESCRIPTION.json: writes a workbook by hand, right or wrong ones alike, for the tests.

The description: {"sheets": [{"name", "state", "rows": [[cell, ...], ...], "merged": ["A1:B1"], "hidden_rows": [2],
"hidden_columns": [1], "first_row": 1, "xml": raw sheet instead of all that}], "date1904": false, "shared": true,
"formats": {"5": "0.0%"}, "parts": {name: text that replaces or adds a part}, "without": [part], "prefix": ""}.
A cell: null, a text, a number, true, {"v": "0.30000000000000004"} (as written), {"v": "44075", "s": "dd.mm.yyyy"},
{"e": "#N/A"}, {"f": "1+1"} (no result), {"f": "1+1", "v": "2"}, {"rich": ["a", "b"]}, {"inline": "text"}.
"""
import json
import sys
import zipfile
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def column(n):
    name = ""
    while n > 0:
        name = chr(ord("A") + (n - 1) % 26) + name
        n = (n - 1) // 26
    return name


def is_builtin(code):
    """"14" is the number of a format that every program knows, "00000" a format."""
    return code.isdigit() and code[0] != "0"


class Book:
    def __init__(self, d):
        self.d, self.strings, self.codes = d, [], []

    def style(self, code):
        if code not in self.codes:
            self.codes.append(code)
        return self.codes.index(code) + 1

    def cell(self, place, c):
        if c is None:
            return ""
        if isinstance(c, bool):
            return f'<c r="{place}" t="b"><v>{int(c)}</v></c>'
        if isinstance(c, (int, float)):
            return f'<c r="{place}"><v>{c!r}</v></c>'
        if isinstance(c, str):
            if not self.d.get("shared", True):
                c = {"inline": c}
            else:
                self.strings.append(f'<t xml:space="preserve">{escape(c)}</t>')
                return f'<c r="{place}" t="s"><v>{len(self.strings) - 1}</v></c>'
        if "rich" in c:
            self.strings.append("".join(f"<r><rPr><b/></rPr><t>{escape(t)}</t></r>" for t in c["rich"]) +
                                "<rPh sb=\"0\" eb=\"1\"><t>not this</t></rPh>")
            return f'<c r="{place}" t="s"><v>{len(self.strings) - 1}</v></c>'
        if "inline" in c:
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(c["inline"])}</t></is></c>'
        if "e" in c:
            return f'<c r="{place}" t="e"><f>1/0</f><v>{escape(c["e"])}</v></c>'
        style = f' s="{self.style(c["s"])}"' if "s" in c else ""
        kind = f' t="{c["t"]}"' if "t" in c else ""
        formula = f'<f>{escape(c["f"])}</f>' if "f" in c else ""
        value = f'<v>{escape(str(c["v"]))}</v>' if "v" in c else ""
        return f'<c r="{place}"{style}{kind}>{formula}{value}</c>'

    def sheet(self, s):
        if "xml" in s:
            return s["xml"]
        first, out = s.get("first_row", 1), []
        cols = "".join(f'<col min="{i}" max="{i}" width="9" hidden="1"/>' for i in s.get("hidden_columns", []))
        for i, row in enumerate(s["rows"]):
            n = first + i
            hidden = ' hidden="1"' if n in s.get("hidden_rows", []) else ""
            cells = "".join(self.cell(f"{column(k + 1)}{n}", c) for k, c in enumerate(row))
            out.append(f'<row r="{n}"{hidden}>{cells}</row>')
        merged = "".join(f'<mergeCell ref="{a}"/>' for a in s.get("merged", []))
        return (f'{HEAD}<worksheet xmlns="{MAIN}">' + (f"<cols>{cols}</cols>" if cols else "") +
                f'<sheetData>{"".join(out)}</sheetData>' +
                (f"<mergeCells>{merged}</mergeCells>" if merged else "") + "</worksheet>")

    def parts(self):
        sheets = self.d["sheets"]
        bodies = [self.sheet(s) for s in sheets]
        parts = {
            "[Content_Types].xml": HEAD + '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
                           f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904='
                               f'"{int(self.d.get("date1904", False))}"/><sheets>' +
                               "".join(f'<sheet name={quoteattr(s["name"])} sheetId="{i + 1}" r:id="rId{i + 1}"' +
                                       (f' state="{s["state"]}"' if "state" in s else "") + "/>"
                                       for i, s in enumerate(sheets)) + "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}">' +
                                          "".join(f'<Relationship Id="rId{i + 1}" Type="{OFFICE}/worksheet" '
                                                  f'Target="worksheets/sheet{i + 1}.xml"/>' for i in range(len(sheets))) +
                                          f'<Relationship Id="st" Type="{OFFICE}/styles" Target="styles.xml"/>'
                                          f'<Relationship Id="ss" Type="{OFFICE}/sharedStrings" '
                                          'Target="/xl/sharedStrings.xml"/></Relationships>',
            "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{MAIN}"><numFmts>' +
                             "".join(f'<numFmt numFmtId="{200 + i}" formatCode={quoteattr(c)}/>'
                                     for i, c in enumerate(self.codes) if not is_builtin(c)) +
                             '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>' +
                             "".join(f'<xf numFmtId="{c if is_builtin(c) else 200 + i}"/>'
                                     for i, c in enumerate(self.codes)) + "</cellXfs></styleSheet>",
            "xl/sharedStrings.xml": f'{HEAD}<sst xmlns="{MAIN}" count="99999999" uniqueCount="99999999">' +
                                    "".join(f"<si>{s}</si>" for s in self.strings) + "</sst>",
        }
        for i, body in enumerate(bodies):
            parts[f"xl/worksheets/sheet{i + 1}.xml"] = body
        parts.update(self.d.get("parts", {}))
        for name in self.d.get("without", []):
            del parts[name]
        return parts


def main():
    description = json.load(sys.stdin)
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in Book(description).parts().items():
            z.writestr(zipfile.ZipInfo(name, (2020, 9, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


main()
