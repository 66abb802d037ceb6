#!/usr/bin/env python3
"""qr_to_pbm.py SHEET OUT.pbm: the QR code of an invitation's sheet (.html or .txt) as a picture, eight pixels a square.

Reads what a printer would print: the path of the inline drawing, or the half blocks; knows nothing of QR codes."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
dark = set()
if "<svg" in text:
    size = int(re.search(r'viewBox="0 0 (\d+) \d+"', text).group(1))
    path = re.search(r'<path d="([^"]*)"', text).group(1)
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path)
    if "".join("M%s %sh%sv1h-%sz" % r for r in runs) != path:
        sys.exit("the path has other parts than rectangles")
    for x, y, run, back in runs:
        if run != back:
            sys.exit("a rectangle is not closed")
        dark.update((int(x) + i, int(y)) for i in range(int(run)))
else:
    lines = [l for l in text.split("\n") if l and set(l) <= set(" ▀▄█")]
    size = len(lines[0])
    if any(len(l) != size for l in lines):
        sys.exit("the lines of the code are not equally long")
    for y, line in enumerate(lines):
        for x, c in enumerate(line):
            if c in "▀█":
                dark.add((x, 2 * y))
            if c in "▄█":
                dark.add((x, 2 * y + 1))
if not dark:
    sys.exit("there is no code")
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write("P1\n%d %d\n" % (8 * size, 8 * size))
    for y in range(size):
        row = "".join(("1" if (x, y) in dark else "0") * 8 for x in range(size)) + "\n"
        out.write(row * 8)
