"""plan.py: what happens in the district, written down twice.

Once as steps that real agents play (plan.tsv, import/), once as the state that must be there at the end (truth/).
The state follows the rules of the project and of nothing else: a later record of a form, unit and period replaces the
earlier one whole; so does a later row of a key; answers add; a correction changes what it names; a retraction takes it
away, and nothing older comes back.
"""

import csv
import io
import json
import os

from forms import ABOUT_DISTRICT, FORMS

COLUMNS = ["step", "kind", "who", "form", "period", "unit", "key", "filled_on", "file", "say_ru", "say_en"]
UNKNOWN = "?unknown"
NOT_APPLICABLE = "?na"


def cell(value):
    """As it stands in a table that an agent imports."""
    if value is None:
        return ""
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], dict):
            rows = [{k: json_value(v) for k, v in row.items() if v is not None} for row in value]
            return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        return " ".join(value)
    return str(value)


def json_value(value):
    if value == UNKNOWN:
        return {"?": "unknown"}
    if value == NOT_APPLICABLE:
        return {"?": "na"}
    return value


def truth(value):
    """As it stands in truth/: no answer is empty, yes is 1, no is 0, several choices have blanks between."""
    if value is None or value in (UNKNOWN, NOT_APPLICABLE):
        return ""
    if value is True:
        return "1"
    if value is False:
        return "0"
    if isinstance(value, (list, tuple)):
        return " ".join(value)
    return str(value)


def write_csv(path, heading, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def meta_check(meta, values, version):
    """A slip of the generator is told here and not by a hundred agents."""
    for names, known in [(values, meta.top)] + [(row, meta.columns(repeat, version))
                                                for repeat in meta.repeats for row in values.get(repeat) or []]:
        unknown = set(names) - set(known)
        if unknown:
            raise ValueError(f"{meta.id}: no field {sorted(unknown)}")


class Plan:
    def __init__(self, folder, only=None):
        self.folder = folder
        self.only = only   # forms that the programme has; None: all
        self.steps = []
        self.records = {}  # (form, unit, period, key) -> values; answers: key is a number
        self.filled = {}   # the same key -> the day it was filled in
        self.answers = 0
        self.files = 0
        self.submissions = 0
        for name in ("import", "truth"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)

    # ---- steps ----

    def step(self, kind, who="-", form="-", period="-", unit="-", key="-", filled_on="-", file="-", ru="-", en="-"):
        self.steps.append([str(len(self.steps) + 1), kind, who, form, period, unit, key, filled_on, file, ru, en])

    def phase(self, ru, en):
        """All that stands before is done before anything that follows begins."""
        self.step("phase", ru=ru, en=en)

    def submit(self, who, form, period, rows, filled_on, version=1, replace=False):
        """`rows`: (unit, values) pairs, all imported from one file.  `replace`: it is the whole list of its unit."""
        meta = FORMS[form]
        if not rows or (self.only and form not in self.only):
            return
        if replace:
            keys = {str(values[meta.key]) for _, values in rows}
            for gone in [k for k in self.records if k[:3] == (form, rows[0][0], period) and k[3] not in keys]:
                del self.records[gone]
                self.submissions += 1  # its retraction
        for unit, values in rows:
            meta_check(meta, values, version)
            if meta.mode == "answers":
                self.answers += 1
                key = self.answers
            else:
                key = str(values[meta.key]) if meta.mode == "rows" else ""
            self.records[(form, unit, period, key)] = dict(values)
            self.filled[(form, unit, period, key)] = filled_on
            self.submissions += 1
        many = meta.role != "school" and form not in ABOUT_DISTRICT  # a column names the unit of each row
        used = [f for f in meta.top if any(values.get(f) is not None for _, values in rows)]
        heading = (["unit"] if many else []) + used
        body = [([unit] if many else []) + [cell(values.get(f)) for f in used] for unit, values in rows]
        name = f"import/{who}-{form}-{period.replace('/', '_')}-{self.next_file()}.csv"
        write_csv(os.path.join(self.folder, name), heading, body)
        self.step("replace" if replace else "import", who, form, period, "*" if many else rows[0][0], filled_on=filled_on, file=name)

    def next_file(self):
        self.files += 1
        return f"{self.files:04d}"

    def correct(self, who, form, period, unit, changes, reason, key=""):
        """The whole answer anew, as a JSON object; `changes` over what is there."""
        values = self.records[(form, unit, period, key)]
        values.update(changes)
        self.submissions += 1
        whole = {k: [{n: json_value(x) for n, x in row.items() if x is not None} for row in v]
                 if isinstance(v, (list, tuple)) and v and isinstance(v[0], dict) else json_value(v)
                 for k, v in values.items() if v is not None}
        name = f"import/{who}-{form}-correction-{self.next_file()}.json"
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            json.dump(whole, file, ensure_ascii=False, indent=1)
            file.write("\n")
        self.step("correct", who, form, period, unit, key or "-", self.filled[(form, unit, period, key)], file=name,
                  ru=reason, en=reason)

    def retract(self, who, form, period, unit, reason, key=""):
        del self.records[(form, unit, period, key)]
        self.submissions += 1
        self.step("retract", who, form, period, unit, key or "-", ru=reason, en=reason)

    def of(self, form, unit=None, period=None):
        """What stands: (unit, period, key, values), in order."""
        return [(u, p, k, v) for (f, u, p, k), v in self.records.items()
                if f == form and unit in (None, u) and period in (None, p)]

    # ---- what is written ----

    def write(self):
        write_plan = os.path.join(self.folder, "plan.tsv")
        with open(write_plan, "w", encoding="utf-8", newline="") as file:
            for row in [COLUMNS] + self.steps:
                assert not any("\t" in c or "\n" in c or c == "" for c in row), row
                file.write("\t".join(row) + "\n")
        for form, meta in FORMS.items():
            self.write_truth(form, meta)

    def write_truth(self, form, meta):
        """Tables of every form, those without a row too: a computation finds the table it looks for."""
        plain = [f for f in meta.top if f not in meta.repeats]
        derived = meta.derived_names()
        standing = sorted(((u, p, k if meta.mode == "answers" else str(k), v)
                           for (f, u, p, k), v in self.records.items() if f == form), key=lambda s: s[:3])
        own = [([u, p, self.filled[(form, u, p, k)]] + [truth(v.get(f)) for f in plain]
                + [truth(meta.derived(v, self.filled[(form, u, p, k)])[d]) for d in derived], v)
               for u, p, k, v in standing]
        head = ["unit", "period", "filled_on"] + plain + derived
        path = os.path.join(self.folder, "truth", form.replace("-", "_"))
        write_csv(path + ".csv", head, [cells for cells, _ in own])
        for repeat in meta.repeats:
            columns = meta.columns(repeat, meta.versions)
            write_csv(f"{path}_{repeat}.csv", head + columns,
                      [cells + [truth(row.get(c)) for c in columns] for cells, v in own for row in v.get(repeat) or []])
