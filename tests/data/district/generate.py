#!/usr/bin/python3
"""generate.py DISTRICT --seed N --out DIR [--pack DIR] [--check]: two school years of an invented district.

See README.md.  Standard library only; the same seed gives the same bytes.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True
import check  # noqa: E402
import districts  # noqa: E402
import office  # noqa: E402
import pack  # noqa: E402
from periods import all_periods  # noqa: E402
from plan import Plan, truth, write_csv  # noqa: E402
from story import Story  # noqa: E402


def write_units(world, own_periods, folder):
    """truth/units.csv, roster_units.csv, periods.csv: which schools there are, and when."""
    path = os.path.join(folder, "truth", "")
    since = f"{world.years[0].start - 10}-09-01"
    units = [(s, office.merger_day(world) if s.merged_into else "") for s in world.district.schools]
    write_csv(path + "units.csv",
              ["unit", "name", "kind", "settlement", "small", "remote", "active_from", "active_to", "successor"],
              [[s.id, s.name, s.kind, s.settlement, truth(s.small), truth(s.remote), since, until, s.merged_into or ""]
               for s, until in units])
    periods = sorted(all_periods(world.years) + own_periods, key=lambda row: (row[0], row[2]))
    counts = {}
    rows = []
    for series, period, first, last in periods:
        counts[series] = counts.get(series, 0) + 1
        rows.append([series, period, first, last, counts[series]])
    write_csv(path + "periods.csv", ["series", "period", "first", "last", "n"], rows)
    begun = f"{world.years[0].start}-09-01"  # the first roster is of that school year
    write_csv(path + "roster_units.csv", ["series", "period", "unit", "kind", "settlement", "small", "remote"],
              [[series, period, s.id, s.kind, s.settlement, truth(s.small), truth(s.remote)]
               for series, period, first, last in periods for s, until in units
               if last >= begun and (not until or until >= first)])


def write_participants(district, folder):
    """participants.tsv: who has an agent: id, role, units, name."""
    rows = [("office", "office", "*", "Отдел образования"), ("centre", "centre", "*", "Методический центр")]
    rows += [(s.id, "school", s.id, s.name) for s in district.schools]
    with open(os.path.join(folder, "participants.tsv"), "w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(row) + "\n" for row in rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("district", choices=districts.NAMES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True)
    parser.add_argument("--pack", help="the programme's pack (default: configs/programmes/DISTRICT)")
    parser.add_argument("--check", action="store_true", help="look for broken rules of the forms")
    args = parser.parse_args()
    district = districts.district(args.district)
    here = os.path.dirname(os.path.abspath(__file__))
    folder = args.pack or os.path.join(here, "..", "..", "..", "configs", "programmes", args.district)
    plan = Plan(args.out, pack.forms(folder))
    roadmap = pack.roadmap(folder, district.years[-1])
    story = Story(district, args.seed, plan, roadmap)
    story.tell()
    plan.write()
    write_units(story.world, pack.periods(folder), args.out)
    write_participants(district, args.out)
    write_csv(os.path.join(args.out, "truth", "roadmap.csv"), ["measure", "due", "title", "of_office"],
              [[m["measure"], m["due"], m["title"], truth(m["of_office"])] for m in roadmap])
    print(f"{district.code}: {plan.submissions} submissions in {plan.files} files, {len(plan.records)} stand at the end")
    if args.check:
        mistakes = check.mistakes(plan, story.world)
        for mistake in mistakes[:50]:
            print(mistake, file=sys.stderr)
        if mistakes:
            sys.exit(f"{len(mistakes)} broken rules")


if __name__ == "__main__":
    main()
