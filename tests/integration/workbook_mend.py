"""workbook_mend.py: what a person does with a workbook, and what it shows, for workbook_mend.sh.

  set IN OUT SHEET CELL=VALUE...   writes cells as a spreadsheet would, in the style that they have; VALUE: a number,
                                   a text, or nothing (the cell is emptied)
  marks FILE                       SHEET CELL TEXT of each cell that is red and has a comment, its comment on one line;
                                   fails when a red cell has no comment, or a comment's cell is not red
  opens FILE                       SHEET CELL: where the workbook opens
  same A B                         fails unless B holds all that A holds: parts, values, formulas, rules, widths, styles
  sheets FILE                      their names, a line each
  resaved IN OUT                   as a program writes it that keeps the content alone
"""
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from xml.sax.saxutils import escape

M = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
P = "{http://schemas.openxmlformats.org/package/2006/relationships}"
RED = "FFFF9999"


class Book:
    def __init__(self, path):
        with zipfile.ZipFile(path) as z:
            if z.testzip() is not None:
                sys.exit(f"{path}: damaged")
            self.parts = {n: z.read(n) for n in z.namelist()}
            self.order = z.namelist()
            if len(set(self.order)) != len(self.order):
                sys.exit(f"{path}: two parts of one name")
        for name, text in self.parts.items():
            if name.endswith((".xml", ".rels", ".vml")):
                ET.fromstring(text)
        types = self.xml("[Content_Types].xml")
        known = {e.get("PartName") for e in types} | {"." + (e.get("Extension") or "") for e in types}
        for name in self.parts:
            if name != "[Content_Types].xml" and "/" + name not in known and "." + name.rsplit(".", 1)[-1] not in known:
                sys.exit(f"{path}: nobody says what {name} is")
        self.sheets = {}
        rels = self.relations("xl/workbook.xml")
        for s in self.xml("xl/workbook.xml").iter(M + "sheet"):
            self.sheets[s.get("name")] = rels[s.get(R + "id")][1]

    def xml(self, name):
        return ET.fromstring(self.parts[name])

    def relations(self, part):
        folder, name = part.rsplit("/", 1)
        out = {}
        beside = f"{folder}/_rels/{name}.rels"
        if beside not in self.parts:
            return out
        for r in self.xml(beside):
            if r.get("TargetMode") == "External":
                continue
            target = r.get("Target")
            if target.startswith("/"):
                path = target[1:]
            else:
                path = f"{folder}/{target}"
                while "/../" in path:
                    path = re.sub(r"[^/]+/\.\./", "", path, count=1)
            if path not in self.parts:
                sys.exit(f"{part}: {r.get('Id')} names {path}, which is not there")
            if r.get("Id") in out:
                sys.exit(f"{part}: two relations {r.get('Id')}")
            out[r.get("Id")] = (r.get("Type").rsplit("/", 1)[-1], path)
        return out

    def save(self, path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            for n in self.order + [n for n in self.parts if n not in self.order]:
                z.writestr(n, self.parts[n])


def cell_xml(place, style, value):
    s = f' s="{style}"' if style else ""
    if value == "":
        return f'<c r="{place}"{s}/>'
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return f'<c r="{place}"{s}><v>{value}</v></c>'
    return f'<c r="{place}"{s} t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def put(text, place, value):
    found = re.search(rf'<c r="{place}"([^>]*?)(/>|>.*?</c>)', text, re.S)
    if found:
        style = re.search(r'\bs="(\d+)"', found.group(1))
        return text[:found.start()] + cell_xml(place, style and style.group(1), value) + text[found.end():]
    row = re.sub("[A-Z]", "", place)
    found = re.search(rf'<row r="{row}"[^>]*>', text)
    if found and not found.group(0).endswith("/>"):
        end = text.index("</row>", found.end())
        return text[:end] + cell_xml(place, None, value) + text[end:]
    if found:
        text = text[:found.start()] + text[found.end():]
    end = text.index("</sheetData>")
    return text[:end] + f'<row r="{row}">{cell_xml(place, None, value)}</row>' + text[end:]


def do_set(source, to, sheet, *cells):
    book = Book(source)
    part = book.sheets[sheet]
    text = book.parts[part].decode()
    for c in cells:
        text = put(text, *c.split("=", 1))
    book.parts[part] = text.encode()
    book.save(to)


def red_styles(book):
    styles = book.xml("xl/styles.xml")
    fills = styles.find(M + "fills")
    red = [i for i, f in enumerate(fills) if f.find(f".//{M}fgColor") is not None and
           f.find(f".//{M}fgColor").get("rgb") == RED]
    for e in ("fills", "cellXfs"):
        if styles.find(M + e).get("count") not in (None, str(len(styles.find(M + e)))):
            sys.exit(f"{e}: the count is wrong")
    return {i for i, x in enumerate(styles.find(M + "cellXfs")) if int(x.get("fillId", "0")) in red}


def comments(book, part):
    rels = book.relations(part)
    notes = [p for kind, p in rels.values() if kind == "comments"]
    if not notes:
        return {}
    drawing = book.xml(part).find(M + "legacyDrawing")
    if drawing is None:
        sys.exit(f"{part}: its comments have no drawing")
    vml = book.parts[rels[drawing.get(R + "id")][1]].decode()
    frames = {(int(r) + 1, int(c) + 1) for r, c in re.findall(r"<x:Row>(\d+)</x:Row>\s*<x:Column>(\d+)</x:Column>", vml)}
    ids = re.findall(r'<v:shape [^>]*?id="(_x0000_s\d+)"', vml)
    if len(ids) != len(set(ids)):
        sys.exit(f"{part}: two frames of one name")
    out, root = {}, book.xml(notes[0])
    authors = len(root.find(M + "authors"))
    for c in root.iter(M + "comment"):
        if int(c.get("authorId")) >= authors or c.get("ref") in out:
            sys.exit(f"{part}: comment {c.get('ref')}: who has written it?")
        out[c.get("ref")] = "".join(t.text or "" for t in c.iter(M + "t"))
        letters, row = re.fullmatch("([A-Z]+)([0-9]+)", c.get("ref")).groups()
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - ord("A") + 1
        if (int(row), column) not in frames:
            sys.exit(f"{part}: comment {c.get('ref')} has no frame")
    return out


def do_marks(path):
    book = Book(path)
    red = red_styles(book)
    for name, part in book.sheets.items():
        said = comments(book, part)
        marked = [c.get("r") for c in book.xml(part).iter(M + "c") if int(c.get("s", "0")) in red]
        for place in marked:
            if place not in said:
                sys.exit(f"{name}, {place}: red, but nobody says why")
            print(name, place, said[place].replace("\n", " | "), sep="\t")
        rows = [int(r.get("r")) for r in book.xml(part).iter(M + "row")]
        if rows != sorted(set(rows)):
            sys.exit(f"{name}: rows out of order")


def do_opens(path):
    book = Book(path)
    view = book.xml("xl/workbook.xml").find(f".//{M}workbookView")
    name = list(book.sheets)[int(view.get("activeTab", "0"))]
    chosen = [n for n, p in book.sheets.items() if any(v.get("tabSelected") == "1" for v in book.xml(p).iter(M + "sheetView"))]
    if chosen != [name]:
        sys.exit(f"sheets chosen: {chosen}, opens: {name}")
    selections = list(book.xml(book.sheets[name]).iter(M + "selection"))
    print(name, selections[-1].get("activeCell"), sep="\t")


def strip(book, part, red):
    """The sheet without what marking changes."""
    root = book.xml(part)
    cells = {}
    for c in root.iter(M + "c"):
        value = [(e.tag, e.text, ET.tostring(e)) for e in c]
        if value or int(c.get("s", "0")) not in red:
            cells[c.get("r")] = (c.get("t"), value, None if int(c.get("s", "0")) in red else c.get("s"))
    rest = {e.tag: ET.tostring(e) for e in root if e.tag not in
            (M + "sheetData", M + "sheetViews", M + "legacyDrawing")}
    return cells, rest


def do_same(a, b):
    x, y = Book(a), Book(b)
    red = red_styles(y)
    for part in x.sheets.values():
        was, is_now = strip(x, part, set()), strip(y, part, red)
        if was[1] != is_now[1]:
            sys.exit(f"{part}: not the same around the cells")
        for place, c in was[0].items():
            if place not in is_now[0] and not c[1]:
                continue  # an empty cell that is red now
            if is_now[0].get(place, ())[:2] != c[:2] or is_now[0][place][2] not in (None, c[2]):
                sys.exit(f"{part}: {place} is not what it was")
    touched = set(x.sheets.values()) | {"xl/styles.xml", "[Content_Types].xml", "xl/workbook.xml"}
    for name, text in x.parts.items():
        if name not in touched and "_rels/sheet" not in name and "comments" not in name and ".vml" not in name and \
                y.parts.get(name) != text:
            sys.exit(f"{name} was changed")
    xfs, now = (b_.xml("xl/styles.xml").find(M + "cellXfs") for b_ in (x, y))
    if [ET.tostring(e) for e in xfs] != [ET.tostring(e) for e in now][:len(xfs)]:
        sys.exit("the styles that were there are not the same")


def do_sheets(path):
    print(*Book(path).sheets, sep="\n")


def do_resaved(source, to):
    book = Book(source)
    book.parts["xl/styles.xml"] = re.sub(rb"<!--.*?-->", b"", book.parts["xl/styles.xml"])
    book.save(to)


globals()["do_" + sys.argv[1]](*sys.argv[2:])
