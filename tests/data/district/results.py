"""results.py: marks, check tests, exams, certificates, district tests."""

OGE_NOT_HELD = 2020  # the calendar year in which no ОГЭ was held, and no basic mathematics at the ЕГЭ

MINIMUM = {"rus": 36, "math": 27, "soc_st": 42}  # points of the ЕГЭ


def weakness(world, year, school):
    """Permille by which results lie below the usual: schools that are low in some years only have good years."""
    if school.low == 2:
        turn = world.rng("turn", school.id).below(2)
        return school.weak + 90 if (year.index + turn) % 2 == 0 else -20
    if school.id == "vs01":
        return [230, 90, 170][year.index]  # the one school with low results: it rose, and fell again
    return school.weak - 25 * year.index if school.low == 1 else school.weak


def mark_row(rng, grade, count, weak, group="all", subject="all"):
    quality = 340 + (60 if grade <= 4 else -20 if grade >= 8 else 0) - weak
    failing = rng.about(count, 25 + max(0, weak) // 3, 1) if count > 3 else rng.below(2)
    good = rng.about(count, max(0, quality), 1) if weak > 80 else rng.count(count, quality)
    good = min(good, count - failing)
    return {"grade": grade, "group": group, "subject": subject, "assessed": count, "only_4_5": good,
            "failing": failing}


def marks(world, year, school, period):
    """`period`: the year, or one of its parts."""
    rng = world.rng("marks", school.id, period)
    whole = period == year.id
    weak = weakness(world, year, school) + (0 if whole else 30)
    grades = [g for g in world.grades(year, school.id) if g >= 2]
    if "-H" in period:
        grades = [g for g in grades if g >= 10]  # half-years are for grades 10 and 11
    elif "-Q" in period or "-T" in period:
        grades = [g for g in grades if g <= 9]
    rows = []
    for grade in grades:
        row = mark_row(rng, grade, world.grade(year, school.id, grade), weak)
        if whole or (world.district.code == "veshkaima" and "-T" in period):
            plan = 34 * (23 + grade) if whole else 11 * (23 + grade)
            row["hours_plan"], row["hours_done"] = plan, plan - rng.below(plan // 14)
        rows.append(row)
    if whole and 9 in grades:
        for subject in ("rus", "math"):
            rows.append(mark_row(rng, 9, world.grade(year, school.id, 9), weak - 60, subject=subject))
    if whole and world.district.code == "korolyov":
        for grade in grades:
            count = world.grade(year, school.id, grade)
            part = rng.about(count, 150 if school.id == "ko22" else 60, 1)
            if part:
                rows.append(part_of(rng, mark_row(rng, grade, part, weak + 110, group="nonnative"), rows, grade))
            part = rng.about(count, 300, 2)
            if part:
                rows.append(part_of(rng, mark_row(rng, grade, part, weak + 60, group="large_or_low"), rows, grade))
    return {"rows": rows}


def part_of(rng, row, rows, grade):
    """A group never has more than all pupils of its grade have."""
    whole = next(r for r in rows if r["grade"] == grade and r["group"] == "all" and r["subject"] == "all")
    row["only_4_5"] = min(row["only_4_5"], whole["only_4_5"])
    row["failing"] = min(row["failing"], whole["failing"], row["assessed"] - row["only_4_5"])
    return row


def vpr(world, year, school):
    rng = world.rng("vpr", school.id, year.id)
    weak = weakness(world, year, school)
    rows = []
    for grade in range(4, 9):
        for subject in ("rus", "math", "hist"):
            pupils = world.grade(year, school.id, grade)
            if not pupils or (subject == "hist" and grade != 6):
                continue
            count = max(1, pupils - rng.below(1 + pupils // 8))
            twos = max(30, 120 + weak - 20 * year.index)
            parts = rng.split(count, [(2, twos), (3, 400), (4, 350), (5, 130)])
            against = rng.split(count, [("lowered", 460 + weak // 2 - 30 * year.index), ("confirmed", 460),
                                        ("raised", 70), ("none", 10)])
            rows.append({"grade": grade, "subject": subject, "participants": count,
                         "mark_2": parts[2], "mark_3": parts[3], "mark_4": parts[4], "mark_5": parts[5],
                         "lowered": against["lowered"], "confirmed": against["confirmed"],
                         "raised": against["raised"]})
    return {"rows": rows}


def oge_row(rng, subject, count, weak):
    parts = rng.split(count, [(2, max(20, 70 + weak)), (3, 430), (4, 350), (5, max(10, 150 - weak // 2))])
    total = sum(mark * n for mark, n in parts.items())
    return {"exam": "oge", "subject": subject, "participants": count, "score_sum": f"{total}.0", "below_min": parts[2],
            "high": parts[5]}


def ege_row(rng, subject, count, weak):
    if subject == "math_base":
        row = oge_row(rng, subject, count, weak)
        row["exam"] = "ege"
        return row
    low, high = {"rus": (44, 92), "math": (20, 84), "soc_st": (32, 86)}[subject]
    scores = [rng.between(low, high) - weak // 20 for _ in range(count)]
    half = 5 if rng.chance(300) and scores else 0  # a sum that was worked out from a rounded mean
    return {"exam": "ege", "subject": subject, "participants": count, "score_sum": f"{sum(scores)}.{half}",
            "below_min": sum(s < MINIMUM[subject] for s in scores), "high": sum(s >= 80 for s in scores)}


def exam(world, year, school, resits):
    """`resits`: the record after the re-sits replaces the first; those below the minimum are fewer."""
    rng = world.rng("exam", school.id, year.id)
    weak = weakness(world, year, school)
    ninth, eleventh = world.grade(year, school.id, 9), world.grade(year, school.id, 11)
    rows = []
    if ninth and year.end != OGE_NOT_HELD:
        for subject in ("rus", "math"):
            rows.append(oge_row(rng, subject, ninth, weak + (40 if subject == "math" else -30)))
        for subject in ("soc_st", "bio"):
            some = rng.about(ninth, 400, 1)
            if some:
                rows.append(oge_row(rng, subject, some, weak))
    if eleventh:
        rows.append(ege_row(rng, "rus", eleventh, weak))
        profile = rng.about(eleventh, 500, 1)
        if profile:
            rows.append(ege_row(rng, "math", profile, weak))
        if eleventh > profile and year.end != OGE_NOT_HELD:
            rows.append(ege_row(rng, "math_base", eleventh - profile, weak))
        some = rng.about(eleventh, 450, 1)
        if some:
            rows.append(ege_row(rng, "soc_st", some, weak))
    for row in rows:
        row["after_resit"] = resits and row["exam"] == "oge" and row["subject"] in ("rus", "math") and row["below_min"] > 0
        if row["after_resit"]:
            row["below_min"] -= 1
            row["score_sum"] = f"{int(row['score_sum'][:-2]) + 1}.0"  # a two became a three
    return {"rows": rows} if rows else None


# Abinsky: in these schools every graduate gets a certificate («все выпускники»).
ALL_CERTIFICATES = {"ab06", "ab10", "ab15", "ab20", "ab30", "ab32"}


def cert(world, year, school):
    rng = world.rng("cert", school.id, year.id)
    weak = max(0, weakness(world, year, school))
    rows = []
    for grade in (9, 11):
        graduates = world.grade(year, school.id, grade)
        if not graduates:
            continue
        none = 0
        if school.id not in ALL_CERTIFICATES:
            none = min(graduates, rng.count(graduates, 18 + weak // 4))
            if school.low == 1 and grade == 9:
                none = min(graduates, max(none, 2 + rng.below(2)))
        finished = rng.about(graduates, 220, 1) if world.district.code == "korolyov" and grade == 11 else 0
        rows.append({
            "grade": grade, "graduates": graduates, "certificates": graduates - none, "no_certificate": none,
            "with_iom": rng.between(0 if none < 2 else 1, none), "consulted": rng.between(0 if none < 2 else 1, none),
            "continue_study": graduates - min(graduates, none // 2 + rng.below(2 + graduates // 12)),
            "trade_finished": finished, "got_trade": finished - rng.below(1 + (finished + 1) // 2)})
    return {"rows": rows} if rows else None


def kim_row(rng, grade, subject, count, weak, quarter, test="district", exam=None):
    parts = rng.split(count, [("low", max(20, 200 + weak - 12 * quarter)), ("base", 550), ("high", 250)])
    mean = 100 * (56 + quarter) - weak * 5 + rng.between(-600, 600)
    row = {"test": test, "grade": grade, "subject": subject, "participants": count,
           "mean_percent": f"{mean // 100}.{mean % 100:02d}", "low": parts["low"], "base": parts["base"],
           "high": parts["high"]}
    if exam:
        row["exam"] = exam
    return row


def kim(world, year, school, period):
    """Quarters: Russian, mathematics and one more in grades 4 to 9, trial exams; the year: meta-subject work."""
    rng = world.rng("kim", school.id, period)
    weak = weakness(world, year, school)
    rows = []
    quarter = 0 if period == year.id else int(period[-1])
    for grade in range(4, 10):
        pupils = world.grade(year, school.id, grade)
        if not pupils:
            continue
        count = max(1, pupils - rng.below(1 + pupils // 9))
        if not quarter:
            if grade in (5, 7, 8):
                rows.append(kim_row(rng, grade, "meta", count, weak, 2))
            continue
        for subject in ("rus", "math") + (("hist",) if grade == 5 + quarter else ()):
            rows.append(kim_row(rng, grade, subject, count, weak, quarter))
    if quarter in (2, 3):
        for grade, exam_code in ((9, "oge"), (11, "ege")):
            pupils = world.grade(year, school.id, grade)
            for subject in ("rus", "math") if pupils else ():
                rows.append(kim_row(rng, grade, subject, pupils, weak, quarter, "trial_exam", exam_code))
    return {"rows": rows} if rows else None
