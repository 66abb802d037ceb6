#!/usr/bin/python3
"""beside.py OFFICE.csv PUBLISHED.csv [LINES]: what left the office beside what the office sees.

Both are tables of `svodka-hub`.  Every published line must be a line of the office with the same value, or hide it, and
no hidden line may carry a number.  Prints the lines (the first LINES, the district's before the schools') and how many
of each state there are; fails when anything published is not the office's, or nothing is.
"""

import csv
import os
import sys
import unicodedata

NUMBERS = ("value", "numerator", "denominator", "n")
RUSSIAN = {"indicator": "показатель", "unit": "организация", "of them": "из них", "office": "у отдела",
           "published": "опубликовано", "municipality": "весь район", "ok": "со значением", "no-data": "нет данных",
           "suppressed": "скрыто", "low": "низкий", "middle": "средний", "high": "высокий",
           "fewer-than-5": "меньше 5"}


def say(word):
    return RUSSIAN.get(word, word) if os.environ.get("LANGUAGE", "").startswith("ru") else word


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key(line):
    return tuple(line[name] for name in ("programme", "indicator", "level", "unit", "period", "breakdown"))


def width(text):
    return sum(0 if unicodedata.combining(c) else 1 for c in text)


def short(value):
    if not value:
        return "-"
    shown = f"{float(value):.1f}"
    return shown.replace(".", ",") if say("ok") != "ok" else shown


def check(office, published):
    mistakes = []
    for line in published:
        own = office.get(key(line))
        if own is None:
            mistakes.append(f"published, but not the office's: {key(line)}")
        elif line["state"] == "ok" and any(line[n] != own[n] for n in ("value", "numerator", "denominator")):
            mistakes.append(f"published with another value: {key(line)}: {line['value']}, not {own['value']}")
        elif line["state"] != "ok" and any(line[n] for n in NUMBERS + ("target_status",)):
            mistakes.append(f"hidden, but with a number: {key(line)}")
    if not any(line["state"] == "ok" for line in published):
        mistakes.append("nothing has a value in the publication")
    return mistakes


def main():
    office = {key(line): line for line in rows(sys.argv[1])}
    published = rows(sys.argv[2])
    mistakes = check(office, published)
    for mistake in mistakes[:20]:
        print(mistake, file=sys.stderr)
    table = [tuple(say(word) for word in ("indicator", "unit", "of them", "office", "published"))]
    for line in sorted(published, key=lambda l: l["level"] != "municipality"):
        shown = short(line["value"]) if line["state"] == "ok" else say(line["class"] or line["state"])
        own = office.get(key(line), {"value": ""})
        unit = line["unit"] or say("municipality")
        table.append((line["indicator"], unit, line["breakdown"], short(own["value"]), shown))
    widths = [max(width(row[k]) for row in table) for k in range(5)]
    for row in table[: int(sys.argv[3]) + 1 if len(sys.argv) > 3 else None]:
        cells = [row[k] + " " * (widths[k] - width(row[k])) for k in range(3)]
        cells += [" " * (widths[k] - width(row[k])) + row[k] for k in (3, 4)]
        print("  ".join(cells).rstrip())
    states = [line["state"] for line in published]
    print(", ".join(f"{say(state)} {states.count(state)}" for state in ("ok", "no-data", "suppressed")))
    return 1 if mistakes else 0


sys.exit(main())
