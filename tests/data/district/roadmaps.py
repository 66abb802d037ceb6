"""roadmaps.py: the measures of the plan with their days, from the pack's roadmap.yaml; a few of our own without one.

Read is no more of YAML than such a file has: a list of measures, each in braces or on lines of its own.
"""

import re

FIELD = re.compile(r'\b(code|due|from|until|yearly|office|by|role|ru):\s*("[^"]*"|\'[^\']*\'|[^,}\n]+)')


def field(text, name):
    for found, value in FIELD.findall(text):
        if found == name:
            return value.strip().strip("\"'")
    return ""


def read(path, district):
    if not path:
        return invented(district)
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"(?m)(^|\s)#.*$", "", file.read())
    measures = []
    for item in re.split(r"(?m)^\s*-\s", text)[1:]:
        code, due = field(item, "code"), field(item, "due")
        if not code or not due:
            continue
        days = [due]
        if field(item, "yearly") in ("true", "yes"):
            until = field(item, "until") or "9999"
            days = [f"{year}{due[4:]}" for year in range(int(due[:4]), district.years[-1] + 2)
                    if f"{year}{due[4:]}" <= until]
        of_office = field(item, "office") in ("true", "yes") or "office" in (field(item, "by"), field(item, "role"))
        measures += [{"measure": code, "due": day, "title": field(item, "ru"), "of_office": of_office} for day in days]
    return measures


def invented(district):
    days = [f"{y + (m < 9)}-{m:02d}-15" for y in district.years[1:] for m in (10, 12, 3, 5)]
    return [{"measure": f"{n // 3 + 1}.{n % 3 + 1}", "due": days[n % len(days)], "title": "", "of_office": False}
            for n in range(12)]
