"""people.py: families, registers, staff, training, gaps, support, contests, screenings."""

UNKNOWN = "?unknown"


def soc(world, year, school, half):
    rng = world.rng("soc", school.id, year.soc(half))
    pupils = world.pupils(year, school.id) - (rng.below(3) if half == 2 and not year.index == 0 else 0)
    pupils = max(1, pupils)
    code = world.district.code
    poor = 770 if school.kind != "secondary" else 600 if school.small else 330
    if code != "zhigalovo":
        poor = poor * 2 // 3
    large, low = rng.about(pupils, poor * 5 // 10, 2), rng.about(pupils, poor * 6 // 10, 2)
    union = max(large, low, min(pupils, large + low, rng.about(pupils, poor, 2)))
    risk = rng.about(pupils, 190 + school.weak // 2, 2)
    parents = max(1, (pupils * 165) // 100)
    non_native = rng.about(pupils, {"zhigalovo": 12, "korolyov": 60}.get(code, 35), 2)
    abroad = rng.about(pupils, {"korolyov": 40}.get(code, 15), 1)
    registers = rng.about(pupils, 18 + school.weak // 8, 1)
    if school.id == "ko22":
        non_native = 61 + 2 * year.index - rng.below(2)
        abroad = 72 - 2 * year.index if pupils != 419 else 72  # 72 of 419: the programme's own figure
        registers = 5 - year.index - (half - 1)
    worker = rng.about(parents, 520, 2)
    vocational = rng.about(parents, 590 if school.id == "ko22" else 500, 2)
    return {
        "pupils": pupils, "both_parents_he": rng.about(pupils, 330 - school.weak - (120 if school.small else 0), 2),
        "one_parent_family": rng.about(pupils, 230, 2), "on_registers": registers,
        "non_native_russian": non_native, "from_abroad": min(abroad, pupils),
        "large_family": large, "low_income": low, "large_or_low_income": union,
        "aoop": rng.about(pupils, 60 + 8 * year.index, 1), "intellectual": rng.about(pupils, 45, 1),
        "risk_zone": risk, "risk_zone_in_large_or_low": min(risk, union, rng.about(union, 330, 1)),
        "parents": parents, "parents_worker": worker, "parents_secondary_or_vocational": vocational,
        "parents_no_vocational": rng.about(parents - vocational, 220, 1)}


def reg(world, year, school, n):
    rng = world.rng("reg", school.id, year.reg(n))
    pupils = world.pupils(year, school.id)
    inside, other = rng.about(pupils, 9 - year.index, 1), rng.about(pupils, 4, 1)
    if school.id == "ko22":
        inside = [[5, 3, 2], [3, 2, 2], [2, 2, 1]][year.index][n]  # 5 on 01.09.2017 and 2 in May 2018 are stated
        other = inside // 2
    both = rng.below(min(inside, other) + 1)
    return {"on_inschool_register": inside, "on_other_registers": other, "on_any_register": inside + other - both,
            "systematic_absence": rng.about(pupils, 6 - year.index, 1), "dropouts": 1 if n and rng.chance(150) else 0}


STAFF_FIELDS = ["teacher", "post", "main_place", "inner_part_time", "subject", "education", "category", "seniority", "age",
                "load_hours", "matches_subject"]


def staff(world, year, school):
    return [{name: person.get(name) for name in STAFF_FIELDS} for person in world.staff[year.index][school.id]]


TOPICS = [("exam_prep", 200), ("low_motivation", 120), ("ovz", 110), ("nonnative", 120), ("modern_methods", 150),
          ("person_centred", 110), ("distance", 110), ("mediation", 50), ("transition", 60), ("other", 40)]
KINDS = [("course", 400), ("webinar", 140), ("contest", 70), ("internship", 90), ("community", 70), ("tutoring", 70),
         ("retraining", 25), ("degree_study", 25), ("master_class", 60), ("training", 50)]
LEVELS = [("school", 300), ("municipal", 400), ("regional", 230), ("federal", 70)]


def pd(world, year, school):
    """Some have no row, some three; a course that is not finished has no document."""
    rng = world.rng("pd", school.id, year.id)
    rows = []
    for person in world.staff[year.index][school.id]:
        for n in range(rng.weighted([(0, 380), (1, 400), (2, 160), (3, 60)])):
            rows.append(pd_row(rng, year, f"{person['teacher']}-{n + 1}", person, rng.weighted(KINDS)))
    # What the figures ask for must happen at least somewhere: heads, and those without a degree or a fitting subject.
    taken = {}
    for row in rows:
        taken[row["row"].split("-")[0]] = taken.get(row["row"].split("-")[0], 0) + 1
    # A school with low results sends somebody to contests and internships, and more the year after.
    sent = ["contest", "internship", "contest", "internship"][: 1 + 3 * (year.index > 0)] if school.low == 1 else []
    for person in world.staff[year.index][school.id]:
        wanted = None
        if person["education"] != "higher" and rng.chance(350):
            wanted = "degree_study"
        elif person.get("matches_subject") is False and rng.chance(450):
            wanted = "retraining"
        elif sent and person["post"] == "teacher":
            wanted = sent.pop()
        elif person["post"] in ("head", "deputy") and rng.chance(400):
            wanted = "tutoring" if rng.chance(500) else "course"
        if wanted:
            n = taken.get(person["teacher"], 0) + 1
            topic = "transition" if person["post"] in ("head", "deputy") else None
            rows.append(pd_row(rng, year, f"{person['teacher']}-{n}", person, wanted, topic))
    return rows


def pd_row(rng, year, code, person, kind, topic=None):
    month = rng.pick([9, 10, 11, 12, 1, 2, 3, 4])
    row = {"row": code, "kind": kind, "topic": topic or rng.weighted(TOPICS), "active_methods": rng.chance(420),
           "hours": "?na" if kind in ("contest", "community") else {"course": 72, "retraining": 260, "degree_study": 600
                                                                      }.get(kind, 16) - rng.below(4),
           "start_date": year.day(month, rng.between(1, 20))}
    row["document"] = rng.chance({"course": 850, "contest": 600, "webinar": 700}.get(kind, 500))
    if row["document"]:
        row["end_date"] = row["start_date"][:8] + f"{min(28, int(row['start_date'][8:]) + rng.between(0, 8)):02d}"
    if kind in ("contest", "community", "webinar", "master_class", "training"):
        row["level"] = rng.weighted(LEVELS)
    if row["topic"] == "transition":
        row["consultant"] = rng.chance(400 if person["post"] in ("head", "deputy") else 150)
    return row


AREAS = {"subject": 700, "methods": 680, "lesson": 420, "distance": 300, "nonnative": 200}


def def_(world, year, school):
    """Round 1 in every year; round 2 for all in Veshkaima and for a third elsewhere: most, not all, have grown."""
    rng = world.rng("def", school.id, year.id)
    rows = []
    for person in world.staff[year.index][school.id]:
        for area, permille in AREAS.items():
            if not rng.chance(permille):
                continue
            level = rng.between(38, 92)
            rows.append(def_row(rng, person, 1, area, level, year))
            if rng.chance(900 if world.district.code == "veshkaima" else 330):
                level = max(0, min(100, level + rng.between(-6, 14)))
                rows.append(def_row(rng, person, 2, area, level, year))
    return rows


def def_row(rng, person, number, area, level, year):
    plan = rng.chance(450 + 100 * year.index)
    return {"row": f"{person['teacher']}-{number}-{area}", "independent": rng.chance(650), "level": level,
            "deficit": level < 58, "plan_made": plan, "plan_running": plan and rng.chance(650),
            "uses_modern_method": rng.chance(330 + 60 * year.index)}


SUPP = {"difficulty": 190, "low_motivation": 210, "iom": 90, "iup": 60, "tutor": 80, "special_programme": 240,
        "extra_time": 180, "elective": 330, "extracurricular": 720, "psych_support": 110, "mentoring": 120,
        "social_project": 160, "speech_group": 70, "trade_study": 110, "on_register_busy": 12}


def supp(world, year, school, half, version=1):
    rng = world.rng("supp", school.id, year.halves[half - 1])
    rows = []
    for band, low, high in (("b1_4", 1, 4), ("b5_9", 5, 9), ("b10_11", 10, 11)):
        pupils = world.pupils(year, school.id, low, high)
        if pupils:
            rows.append(supp_row(rng, world, year, school, band, pupils, half, version))
    if world.district.code == "korolyov":
        for row in list(rows):
            part = min(row["band_pupils"], rng.about(row["band_pupils"], 150 if school.id == "ko22" else 60, 1))
            if part:
                rows.append(supp_part(rng, row, part))
    return {"rows": rows}


def supp_row(rng, world, year, school, band, pupils, half, version):
    row = {"group": "all", "band": band, "band_pupils": pupils}
    for name, permille in SUPP.items():
        more = permille + school.weak if name in ("difficulty", "low_motivation") else permille
        more += (25 * year.index + 10 * half) if name in ("iom", "iup", "tutor", "mentoring", "elective") else 0
        row[name] = rng.about(pupils, more, 1 + pupils // 40)
    # Grades 1 to 4 are not asked about their motivation.
    row["low_motivation"] = 0 if band == "b1_4" else row["low_motivation"]
    row["lowmot_lowres_able"] = rng.about(row["low_motivation"], 330, 1)
    if world.district.code == "zhigalovo":  # which gives its routes to those pupils
        row["iom"] = min(row["lowmot_lowres_able"], rng.about(row["lowmot_lowres_able"], 550 + 60 * year.index, 1))
    row["iom_or_iup"] = max(row["iom"], row["iup"], row["iom"] + row["iup"] - rng.below(1 + min(row["iom"], row["iup"])))
    row["iom_or_iup"] = min(row["iom_or_iup"], pupils)
    if band == "b1_4":
        row["trade_study"] = 0
    else:
        row["speech_group"] = min(row["speech_group"], 2)
    if band == "b10_11":
        row["on_register_busy"] = 0
    if version >= 2:
        row["peer_help"] = rng.about(pupils, 90, 1)
    return row


def supp_part(rng, whole, part):
    """Pupils whose Russian is not native: a part of the row of all, in every field."""
    row = {"group": "nonnative", "band": whole["band"], "band_pupils": part}
    for name, permille in (("difficulty", 420), ("iom", 220), ("tutor", 380), ("psych_support", 180)):
        row[name] = min(whole[name], rng.about(part, permille, 1))
    if "peer_help" in whole:
        row["peer_help"] = min(whole["peer_help"], rng.about(part, 200, 1))
    return row


def cont(world, year, school):
    rng = world.rng("cont", school.id, year.id)
    pupils = world.pupils(year, school.id)
    levels, most, total = [], 0, 0
    for level, permille in (("municipal", 260), ("regional", 90), ("federal", 30), ("international", 10)):
        distinct = rng.about(pupils, permille + 15 * year.index - school.weak // 4, 2)
        if level == "international" and rng.chance(400):
            continue  # a school that took no part there has no row
        taken = distinct + (rng.below(1 + distinct) if distinct else 0)
        levels.append({"level": level, "participations": taken, "distinct_pupils": distinct,
                       "winners": rng.about(taken, 180, 1) if taken else 0})
        most, total = max(most, distinct), total + distinct
    return {"levels": levels, "distinct_pupils_all": rng.between(most, total)}


def diag(world, year, school):
    rng = world.rng("diag", school.id, year.id)
    rows = []
    for diagnostic, band, low, high, permille in (
            ("speech_readiness", "g1", 1, 1, 240), ("writing", "g1_2", 1, 2, 200), ("stress", "g9", 9, 9, 180),
            ("stress", "g11", 11, 11, 210), ("drug_risk", "g7_11", 7, 11, 0)):
        eligible = world.pupils(year, school.id, low, high)
        if not eligible or (diagnostic == "drug_risk" and rng.chance(250)):
            continue
        consent = rng.about(eligible, 880, 1)
        examined = rng.about(consent, 960, 1)
        row = {"diagnostic": diagnostic, "band": band, "eligible": eligible, "consent": consent, "examined": examined}
        if diagnostic != "drug_risk":
            row["need_support"] = rng.about(examined, permille - 15 * year.index, 1)
            row["receiving_support"] = rng.about(row["need_support"], 700, 1)
        rows.append(row)
    return {"rows": rows}
