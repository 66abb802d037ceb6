#!/usr/bin/python3
"""compare.py HUB.csv SQL.txt PREFIX COUNT: the hub's indicators beside an independent computation.

HUB.csv is what `svodka-hub indicators --format csv` prints, SQL.txt what sqlite3 made of truth/ (README.md: eight
columns with | between).  Fails when a row is missing, extra or different, and when one of the indicators PREFIX-01 to
PREFIX-COUNT has no value that would show a mistake.
"""

import csv
import sys
from decimal import Decimal, InvalidOperation

SHOWN = 40  # differences that are told one by one
TOLERANCE = Decimal("0.000001")


def hub_rows(path):
    rows = {}
    with open(path, encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["state"] == "no-data" or line["value"] == "":
                continue
            key = tuple(line[name] for name in ("indicator", "level", "unit", "period", "breakdown"))
            rows[key] = (line["value"], line["numerator"], line["denominator"])
    return rows


def sql_rows(path):
    rows, mistakes = {}, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            cells = line.rstrip("\n").split("|")
            if len(cells) != 8:
                mistakes.append(f"{path}:{number}: {len(cells)} columns, 8 are expected: {line.strip()[:120]}")
                continue
            key = tuple(cells[:5])
            if key in rows:
                mistakes.append(f"{path}:{number}: {' '.join(key)} stands twice")
            rows[key] = tuple(cells[5:])
    return rows, mistakes


def number(text):
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def is_different(hub, sql):
    """What differs, as a word; None: nothing."""
    for name, mine, theirs in zip(("value", "numerator", "denominator"), hub, sql):
        if name != "value" and theirs == "":
            continue
        a, b = number(mine), number(theirs)
        if a is None or b is None or abs(a - b) > TOLERANCE:
            return name
    return None


def compare(hub, sql):
    wrong = []
    for key in sorted(set(hub) | set(sql)):
        if key not in sql:
            wrong.append(f"only the hub:     {' '.join(key)}: {hub[key][0]}")
        elif key not in hub:
            wrong.append(f"only sqlite3:     {' '.join(key)}: {sql[key][0]}")
        elif (name := is_different(hub[key], sql[key])):
            wrong.append(f"{name} differs: {' '.join(key)}: hub {' / '.join(hub[key])}, sqlite3 {' / '.join(sql[key])}")
    return wrong


def shows_something(rows):
    """Values of one indicator and breakdown: some that is neither nothing nor all, and two that differ."""
    values = {number(value) for value, _, _ in rows}
    if len(values) < 2:
        return False
    with_whole = [(number(n), number(d)) for _, n, d in rows if number(n) is not None and number(d) is not None]
    if with_whole and not any(n > 0 and n != d for n, d in with_whole):
        # Of one school nothing is there but none and all: both must occur.
        return any(n == 0 for n, _ in with_whole) and any(n == d for n, d in with_whole)
    return any(values)


def uncovered(rows, ids):
    groups = {}
    for (indicator, level, _, _, breakdown), row in rows.items():
        groups.setdefault(indicator, {}).setdefault((level, breakdown), []).append(row)
    bad = []
    for id in ids:
        if id not in groups:
            bad.append(f"{id}: no value at all")
        elif not any(shows_something(group) for group in groups[id].values()):
            bad.append(f"{id}: nothing but {sorted({r[0] for g in groups[id].values() for r in g})[:4]}")
    return bad


def main():
    hub_path, sql_path, prefix, count = sys.argv[1:]
    hub = hub_rows(hub_path)
    sql, mistakes = sql_rows(sql_path)
    wrong = mistakes + compare(hub, sql)
    for line in wrong[:SHOWN]:
        print(line)
    if len(wrong) > SHOWN:
        per = {}
        for line in wrong[SHOWN:]:
            word = next((w for w in line.split() if w.startswith(prefix + "-")), "?")
            per[word] = per.get(word, 0) + 1
        print("and more:", ", ".join(f"{id} {n}" for id, n in sorted(per.items())))
    bad = uncovered(hub, [f"{prefix}-{n:02d}" for n in range(1, int(count) + 1)])
    for line in bad:
        print("covers too little:", line)
    same = len(set(hub) & set(sql)) - sum("differs:" in line for line in wrong)
    print(f"rows: hub {len(hub)}, sqlite3 {len(sql)}, equal {same}, wrong {len(wrong)}; "
          f"indicators {count}, covered {int(count) - len(bad)}")
    sys.exit(1 if wrong or bad or not hub else 0)


if __name__ == "__main__":
    main()
