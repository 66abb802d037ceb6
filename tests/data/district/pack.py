"""pack.py: what the generator reads of a programme pack: its forms, its measures with their days, its own periods.

Read is no more of YAML than these files have: lists in brackets, items in braces or on lines of their own.
"""

import os
import re

FIELD = re.compile(r'\b(code|due|until|yearly|by|ru|series|id|from|to|on):\s*("[^"]*"|\'[^\']*\'|[^,}\n]+)')


def text_of(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return re.sub(r"(?m)(^|\s)#.*$", "", file.read())


def fields(item):
    found = {}
    for name, value in FIELD.findall(item):
        found.setdefault(name, value.strip().strip("\"'"))
    return found


def items(text):
    return [fields(item) for item in re.split(r"(?m)^\s*-\s", text)[1:]]


def forms(folder):
    """Ids of the forms that the programme has."""
    found = re.search(r"(?m)^forms:\s*\[([^\]]*)\]", text_of(folder, "programme.yaml"))
    return set(re.findall(r"[\w.-]+", found.group(1))) if found else None


def roadmap(folder, last_year):
    """Measures in order; one that is due yearly stands once for each year."""
    measures = []
    for item in items(text_of(folder, "roadmap.yaml")):
        if "code" not in item or "due" not in item:
            continue
        days, until = [item["due"]], item.get("until", "9999")
        if item.get("yearly") == "true":
            days = [f"{year}{item['due'][4:]}" for year in range(int(item["due"][:4]), last_year + 2)]
        measures += [{"measure": item["code"], "due": day, "title": item.get("ru", ""),
                      "of_office": item.get("by") == "office"} for day in days if day <= until]
    return measures


def periods(folder):
    """(series, id, first, last) of the programme's own series."""
    rows, series = [], None
    for item in items(text_of(folder, "periods.yaml")):
        series = item.get("series", series)
        if "id" in item and series:
            first = item.get("from") or item["on"]
            rows.append((series, item["id"], first, item.get("to") or item.get("on") or first))
    return rows
