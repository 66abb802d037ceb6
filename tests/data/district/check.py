"""check.py: rules that all data must keep, so that no import is refused.  Written apart from what makes the data."""


def part(problems, where, values, part_name, whole_name):
    if values.get(part_name) is None or values.get(whole_name) is None:
        return
    if isinstance(values[part_name], str) or isinstance(values[whole_name], str):
        return  # a state, or a decimal that is looked at elsewhere
    if not 0 <= values[part_name] <= values[whole_name]:
        problems.append(f"{where}: {part_name} {values[part_name]} is no part of {whole_name} {values[whole_name]}")


PARTS = {  # of the submission's own fields
    "soc": [(name, "pupils") for name in
            "both_parents_he one_parent_family on_registers non_native_russian from_abroad large_family low_income "
            "large_or_low_income aoop intellectual risk_zone risk_zone_in_large_or_low".split()]
           + [("risk_zone_in_large_or_low", "risk_zone"), ("risk_zone_in_large_or_low", "large_or_low_income"),
              ("large_family", "large_or_low_income"), ("low_income", "large_or_low_income"),
              ("parents_worker", "parents"), ("parents_secondary_or_vocational", "parents"),
              ("parents_no_vocational", "parents")],
    "pass": [("teachers", "staff_total")],
    "res": [("rooms_equipped", "rooms")],
    "net": [("plan_done", "plan_items")],
    "reg": [("on_inschool_register", "on_any_register"), ("on_other_registers", "on_any_register")],
}
ROW_PARTS = {  # of a row
    "marks": [("only_4_5", "assessed"), ("failing", "assessed"), ("hours_done", "hours_plan")],
    "exam": [("below_min", "participants"), ("high", "participants")],
    "cert": [("with_iom", "no_certificate"), ("consulted", "no_certificate"), ("continue_study", "graduates"),
             ("got_trade", "trade_finished"), ("trade_finished", "graduates")],
    "supp": [(name, "band_pupils") for name in
             "difficulty low_motivation iom iup iom_or_iup tutor special_programme extra_time elective extracurricular "
             "psych_support mentoring social_project speech_group trade_study on_register_busy".split()]
            + [("lowmot_lowres_able", "low_motivation"), ("iom", "iom_or_iup"), ("iup", "iom_or_iup")],
    "cont": [("distinct_pupils", "participations"), ("winners", "participations")],
    "diag": [("consent", "eligible"), ("examined", "consent"), ("need_support", "examined"),
             ("receiving_support", "need_support")],
}
ROW_SUMS = {  # parts that add up to a whole
    "vpr": (["mark_2", "mark_3", "mark_4", "mark_5"], "participants"),
    "kim": (["low", "base", "high"], "participants"),
    "cert": (["certificates", "no_certificate"], "graduates"),
}
ROW_KEYS = {"marks": ["grade", "group", "subject"], "vpr": ["grade", "subject"], "exam": ["exam", "subject"],
            "cert": ["grade"], "kim": ["test", "exam", "grade", "subject"], "res": ["item"], "supp": ["group", "band"],
            "cont": ["level"], "diag": ["diagnostic", "band"], "pass": ["grade"]}
REPEAT = {"pass": "grades", "res": "items", "cont": "levels"}


def rows_of(problems, where, form, values):
    rows = values.get(REPEAT.get(form, "rows")) or []
    keys = [tuple(row.get(k) for k in ROW_KEYS[form]) for row in rows]
    if len(set(keys)) != len(keys):
        problems.append(f"{where}: a row stands twice")
    if not rows and form != "cont":
        problems.append(f"{where}: no rows")
    for row in rows:
        here = f"{where} {row}"
        for pair in ROW_PARTS.get(form, []):
            part(problems, here, row, *pair)
        if form in ROW_SUMS:
            parts, whole = ROW_SUMS[form]
            if sum(row[p] for p in parts) != row[whole]:
                problems.append(f"{here}: {parts} do not add up to {whole}")
        if form == "marks" and row["only_4_5"] + row["failing"] > row["assessed"]:
            problems.append(f"{here}: more than assessed")
        if form == "vpr" and row["lowered"] + row["confirmed"] + row["raised"] > row["participants"]:
            problems.append(f"{here}: more compared than participants")
        if form == "exam":
            exam_row(problems, here, row)
        if form == "supp" and row.get("iom_or_iup") is not None and row["iom_or_iup"] > row["iom"] + row["iup"]:
            problems.append(f"{here}: the union exceeds the sum")


def exam_row(problems, here, row):
    score, n = float(row["score_sum"]), row["participants"]
    low, high = (2, 5) if row["exam"] == "oge" or row["subject"] == "math_base" else (0, 100)
    if not low * n <= score <= high * n:
        problems.append(f"{here}: score_sum out of range")
    if row["below_min"] + row["high"] > n:
        problems.append(f"{here}: below the minimum and high exceed the participants")


def own(problems, where, form, values):
    for pair in PARTS.get(form, []):
        part(problems, where, values, *pair)
    if form == "soc" and not isinstance(values["large_or_low_income"], str):
        if values["large_or_low_income"] > values["large_family"] + values["low_income"]:
            problems.append(f"{where}: the union exceeds the sum")
    if form == "pass" and sum(row["grade_pupils"] for row in values["grades"]) != values["pupils"]:
        problems.append(f"{where}: grades do not add up")
    if form == "reg" and values["on_any_register"] > values["on_inschool_register"] + values["on_other_registers"]:
        problems.append(f"{where}: the union exceeds the sum")
    if form == "res" and (float(values["grants"]) > 0) != (values["grants_count"] > 0):
        problems.append(f"{where}: grants without a sum")
    if form == "res" and float(values["posts_filled"]) > float(values["posts_needed"]):
        problems.append(f"{where}: more posts filled than there are")
    if form == "staff" and values["seniority"] == "y21" and values["age"] == "a30":
        problems.append(f"{where}: under 30 and over 20 years of service")
    if form == "def" and values["plan_running"] and not values["plan_made"]:
        problems.append(f"{where}: a plan runs that was not made")
    if form == "cont":
        distinct = [row["distinct_pupils"] for row in values["levels"]]
        if distinct and not max(distinct) <= values["distinct_pupils_all"] <= sum(distinct):
            problems.append(f"{where}: pupils over all levels")
    if form.startswith("survey-"):
        if (values.get("group") == "pupil") != (values.get("band") is not None):
            problems.append(f"{where}: a band for pupils alone")


def mistakes(plan, world):
    """Sentences about what is wrong; empty when all is well."""
    problems = []
    for (form, unit, period, key), values in plan.records.items():
        where = f"{form} {unit} {period} {key}".rstrip()
        own(problems, where, form, values)
        if form in ROW_KEYS:
            rows_of(problems, where, form, values)
        for row in [values] + (values.get("rows") or []):
            for name, value in row.items():
                if isinstance(value, int) and not isinstance(value, bool) and value < 0:
                    problems.append(f"{where}: {name} is {value}")
    problems += figures(world)
    return problems


def figures(world):
    """What the programmes' texts state must come out."""
    wrong = []

    def same(what, found, stated):
        if found != stated:
            wrong.append(f"{what}: {found}, the text says {stated}")

    if world.district.code == "zhigalovo":
        year = world.years[1]
        kinds = [s.kind for s in world.schools(year)]
        same("schools", [kinds.count(k) for k in ("secondary", "basic", "primary")], [7, 4, 1])
        same("pupils of the large school", world.pupils(year, "zh01"), 717)
        same("pupils", sum(world.pupils(year, s.id) for s in world.schools(year)), 1434)
        people = [p for s in world.schools(year) for p in world.staff[1][s.id]]
        same("staff", len(people), 202)
        same("teachers", sum(p["post"] == "teacher" for p in people), 168)
    if world.district.code == "korolyov":
        year = world.years[0]
        same("pupils of school 22", world.pupils(year, "ko22"), 419)
        same("grade 8", sum(world.grade(year, s.id, 8) for s in world.schools(year)), 331)
    return wrong
