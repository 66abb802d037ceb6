"""school.py: the school itself: passport, resources, documents, agreements, pairs, measures, events, programmes."""

NOT_APPLICABLE = "?na"


def passport(world, year, school):
    rng = world.rng("pass", school.id)  # the same numbers in all years: what holds once, holds later
    sizes = world.sizes[year.index][school.id]
    people = world.staff[year.index][school.id]
    values = {
        "kind": school.kind, "settlement": school.settlement, "small": school.small, "remote": school.remote,
        "pupils": sum(sizes.values()), "staff_total": len(people),
        "teachers": sum(p["post"] == "teacher" for p in people),
        "mediation_service": rng.below(1000) < 350 + 200 * year.index,
        "bonus_rules_updated": rng.below(1000) < 200 + 320 * year.index,
        "marking_primary": "quarter",
        "grades": [{"grade": grade, "classes": max(1, -(-n // school.per_class)), "grade_pupils": n}
                   for grade, n in sorted(sizes.items())]}
    if school.small and rng.chance(500):
        values["grades"][1]["classes"] = 0  # grades 1 and 2 are taught together
    if school.kind != "primary":
        values["marking_basic"] = "trimester" if world.district.code == "veshkaima" else "quarter"
    if school.kind == "secondary":
        values["marking_secondary"] = "half_year"
    return values


ITEMS = ["lab", "mobile_furniture", "projector", "computers", "library_centre", "workshop", "gym", "room_research",
         "room_craft", "room_music", "room_art", "textbooks", "other_equipment", "psychologist", "speech_therapist",
         "special_teacher"]


def res(world, year, school):
    base = world.rng("res", school.id)
    rng = world.rng("res", school.id, year.id)
    pupils = world.pupils(year, school.id)
    items = []
    level = base.between(520, 800)
    # Most gain from year to year, some lose.
    gain = base.pick([-35, 30, 45, 60, 70]) * year.index
    if school.id == "vs01":
        level, gain = 620, [0, 150, 40][year.index]  # the one school of which it is asked whether it rose: it did, then not
    for item in ITEMS:
        needed = {"computers": 4 + pupils // 12, "textbooks": pupils, "projector": 3 + pupils // 30,
                  "mobile_furniture": 1 + pupils // 60, "other_equipment": 20 + pupils // 10}.get(item, 1)
        if item in ("lab", "workshop") and pupils > 200:
            needed = 2
        if item == "special_teacher" and school.small:
            needed = 0
        if needed == 1:
            have = 1 if world.rng("res", school.id, item).below(1000) < level + gain else 0
        else:
            have = rng.about(needed, min(990, level + gain + 40), 1 + needed // 40)
        items.append({"item": item, "needed": needed, "have": have})
    if base.chance(300):
        items[2]["have"] = items[2]["needed"] + 1  # one more than needed makes up for nothing else
    rooms = 4 + pupils // 20
    quarters = len(world.staff[year.index][school.id]) * 5  # posts in quarters of a post
    empty = rng.below(1 + quarters // 14)
    spending = pupils * (rng.between(84000, 118000) + (30000 if school.small else 0)) + 1000000
    grants = 1 + rng.below(2) if rng.chance(220) else 0
    return {
        "items": items, "rooms": rooms, "rooms_equipped": rng.about(rooms, min(980, level + gain), 1),
        "posts_needed": f"{quarters // 4}.{quarters % 4 * 25:02d}",
        "posts_filled": f"{(quarters - empty) // 4}.{(quarters - empty) % 4 * 25:02d}",
        "spending_total": f"{spending}.{rng.below(100):02d}", "spending_programme": f"{spending // 40}.00",
        "grants_count": grants, "grants": f"{grants * rng.between(50, 200) * 1000 if grants else 0}.00"}


# Chance (permille) that a document is there, in the first full year; later ones are likelier.
DOCS = {
    "env_diag": 650, "transition_prog": 550, "transition_running": 450, "transition_finished": 60, "info_prog": 450,
    "analysis_done": 700, "network_analysis": 500, "decision_taken": 450, "vshk_system": 500, "tutor_assigned": 450,
    "community": 550, "involve_public": 450, "involve_family": 500, "family_help_plan": 500, "council_prog": 450,
    "council_training_plan": 400, "council_members": 600, "council_meetings": 750, "council_minutes": 350,
    "bonus_progress": 550, "bonus_skills": 550, "bonus_count": 800, "self_assessed": 600, "mean_gap": 600,
    "pay_acts_checked": 600, "staff_list_renewed": 300, "host_status": 200, "resource_centre": 120,
    "consultant_head": 200, "request": 700, "groups": 500, "rule_book": 500, "pub_plan": 650, "pub_progress": 500,
    "pub_results": 450, "net_plan_pupils": 550, "net_plan_parents": 450, "net_plan_teachers": 650,
    "net_plan_heads": 600, "offer_iom": 600, "offer_elective": 650, "offer_project": 550, "offer_distance": 400,
    "offer_extended_day": 450, "phys_rooms": 600, "phys_air": 650, "phys_breaks": 550, "conditions_inside": 500,
    "conditions_grounds": 500}

NEEDS = {"transition_running": "transition_prog", "transition_finished": "transition_running",
         "mean_gap": "self_assessed"}


def docs_amount(rng, world, year, school, doc):
    people = world.staff[year.index][school.id]
    teachers = sum(p["post"] == "teacher" for p in people)
    whole = {
        "tutor_assigned": lambda: rng.between(1, 3), "council_training_plan": lambda: rng.between(0, 8),
        "council_members": lambda: rng.between(3, 12), "council_meetings": lambda: rng.between(1, 5),
        "bonus_count": lambda: rng.about(len(people), 400 + 80 * year.index, 2),
        "self_assessed": lambda: rng.about(teachers, 650, 2), "consultant_head": lambda: 1,
        "request": lambda: teachers * 3 // 4 + rng.between(2, 5), "groups": lambda: rng.between(1, 2) + year.index,
        "conditions_inside": lambda: rng.between(4, 9), "conditions_grounds": lambda: rng.between(4, 10)}
    if doc == "mean_gap":
        return f"{rng.between(0, 2)}.{rng.between(10, 95)}"
    return str(whole[doc]()) if doc in whole else None


def place_of(world, school, doc):
    """Of every document some schools have it and some do not: all stand in a row by chance, here from 0 to 999.  Those
    with low results stand apart, because some questions are about them alone."""
    kin = [s.id for s in world.district.schools if (s.low == 1) == (school.low == 1)]
    order = world.rng("docs", doc, school.low == 1).shuffled(kin)
    return (2 * order.index(school.id) + 1) * 500 // len(order)


def docs(world, year, school):
    """What is there once stays; what is in work now is there a year later, mostly."""
    rows, there = [], set()
    for doc, permille in DOCS.items():
        base = world.rng("docs", school.id, doc)
        rng = world.rng("docs", school.id, doc, year.id)
        draw = place_of(world, school, doc)
        if base.chance(40):
            continue  # this school has left the line out
        limit = permille + 170 * (year.index - 1)
        if doc == "bonus_count":
            limit = 1000
        value = "yes" if draw < limit else "in_work" if draw < limit + 180 else "no"
        if value == "no" and rng.chance(80):
            value = "not_applicable"
        if value == "yes" and doc in NEEDS and NEEDS[doc] not in there:
            value = "in_work"
        row = {"doc": doc, "value": value}
        if value == "yes":
            there.add(doc)
            row["date"] = year.day(9, rng.between(1, 28))
            if rng.chance(600):
                row["number"] = f"{rng.between(1, 180)}-о"
            if doc.startswith("pub_") or doc == "council_minutes":
                row["url"] = f"https://{school.id}.example/{doc.replace('_', '-')}"
        if value in ("yes", "in_work"):
            row["amount"] = docs_amount(rng, world, year, school, doc)
        rows.append(row)
    return rows


# ---- agreements and pairs: between two schools, so they are made for the district at once ----

def agreements(world, year):
    """unit -> rows.  An agreement of two schools stands at both ends under one number; some ends forget it."""
    rng = world.rng("net", "base")
    schools = world.district.schools
    strong = [s for s in schools if not s.low and s.kind == "secondary" and not s.merged_into]
    found = []
    for school in schools:
        in_need = school.low or school.weak >= 30
        if in_need or rng.chance(330):
            mentor = rng.pick([s for s in strong if s.id != school.id])
            found.append((school, mentor, "mentee" if in_need else "equal", 1 if rng.chance(600) else 2,
                          rng.chance(140), rng.chance(120)))
    here = {s.id for s in world.schools(year)}
    rows = {s.id: [] for s in world.schools(year)}
    for n, (school, mentor, role, begins, ends, forgets) in enumerate(found):
        if begins > year.index or school.id not in here:
            continue
        for end, other in ((school, mentor), (mentor, school)):
            if forgets and end is mentor:
                continue
            row = net_row(world.rng("net", n, year.id), world, year, f"{world.district.years[begins]}/{n + 1}", "school",
                          world.years[begins])
            row["role"] = role if role == "equal" or end is school else "mentor"
            row["partner_code"] = other.id
            if ends and year.index == 2:
                row["end_date"] = year.day(10, 31)
            rows[end.id].append(row)
    for school in world.schools(year):
        one = world.rng("net", school.id)
        for n, partner in enumerate(("university", "college", "arts_school", "centre", "enterprise")):
            begins = 1 if one.chance(550) else 2
            wanted = one.chance(230) or school.id == "ko22"
            place = world.district.schools.index(school) % 6
            if partner == "university" and place in (1, 4):
                wanted, begins = True, 1 if place == 1 else 2  # some in the first year, more in the second
            if wanted and begins <= year.index:
                row = net_row(world.rng("net", school.id, n, year.id), world, year, f"{school.id}/{n + 1}", partner,
                              world.years[begins])
                if partner in ("university", "college"):
                    row["student_tutors"] = one.between(1, 4)
                rows[school.id].append(row)
    return rows


def net_row(rng, world, year, number, partner, begun):
    items = rng.between(4, 12)
    return {"agreement": number, "partner": partner, "role": "equal", "start_date": begun.day(9, rng.between(5, 25)),
            "doc_no": f"№ {number}", "plan_items": items, "plan_done": items - rng.below(1 + items // 2)}


def pairs(world, year):
    """unit -> rows of mentoring pairs; those between schools follow the agreements of mentor and mentee."""
    rows = {s.id: [] for s in world.schools(year)}
    for school in world.schools(year):
        rng = world.rng("tand", school.id, year.id)
        people = [p["teacher"] for p in world.staff[year.index][school.id] if p["post"] == "teacher"]
        for n in range(rng.between(0, 1 + len(people) // 5)):
            mentor, mentee = rng.sample(people, 2)
            rows[school.id].append(pair_row(rng, f"{school.id}-{year.index}{n}", "in_school", school.id, mentor,
                                            school.id, mentee))
    for unit, agreed in agreements(world, year).items():
        for row in agreed:
            if row["role"] != "mentee" or row["partner"] != "school":
                continue
            rng = world.rng("tand", row["agreement"], year.id)
            for n in range(rng.between(1, 3)):
                mentee = rng.pick(world.staff[year.index][unit])["teacher"]
                mentor = rng.pick(world.staff[year.index][row["partner_code"]])["teacher"]
                pair = pair_row(rng, f"n{year.index}-{row['agreement'].split('/')[1]}-{n}", "network",
                                row["partner_code"], mentor, unit, mentee)
                rows[unit].append(pair)
                if not rng.chance(150):
                    rows[row["partner_code"]].append(dict(pair))
    return rows


def pair_row(rng, pair, scope, mentor_school, mentor, mentee_school, mentee):
    return {"pair": pair, "scope": scope, "mentor_school": mentor_school, "mentor_code": mentor,
            "mentee_school": mentee_school, "mentee_code": mentee,
            "area": rng.pick(["subject", "methods", "lesson", "distance"]), "programme": rng.chance(650),
            "status": "active" if rng.chance(820) else "ended"}


# ---- the plan ----

def exec_(world, year, school, half):
    """A measure stands as done in the half-year in which it was done, once; before that as running, or late."""
    rows = []
    first, last = (year.day(9, 1), year.day(12, 31)) if half == 1 else (year.day(1, 1), year.day(8, 31))
    filled = year.day(12, 29) if half == 1 else year.day(6, 8)
    for measure in world.roadmap:
        rng = world.rng("exec", school.id, measure["measure"], year.id, half)
        if not first <= measure["due"] <= last:
            continue
        draw = rng.below(1000)
        # Some measures are held with all schools.
        if world.rng("exec", measure["measure"], year.id).chance(400 + 100 * year.index):
            draw = 0
        row = {"measure": measure["measure"]}
        if draw < 690 + 40 * year.index:
            row["status"], row["done_on"] = "done", early(rng, measure["due"], first)
            if row["done_on"] > filled:
                row["done_on"] = filled
            row["participants"] = rng.between(0 if draw and rng.chance(250) else 1, 12)
        elif draw < 800:
            row["status"] = "late"
            if rng.chance(500) and measure["due"] < filled:
                row["done_on"] = filled
                row["participants"] = rng.between(1, 8)
        elif draw < 900:
            row["status"] = "running"
        elif draw < 940:
            row["status"] = "not_started"
        elif draw < 970:
            row["status"] = "cancelled"
        else:
            row["status"] = "not_applicable"
        rows.append(row)
    return rows


def early(rng, due, first):
    """Up to three weeks before the day, in the same month."""
    day = max(1, int(due[8:]) - rng.below(21))
    found = f"{due[:8]}{day:02d}"
    return found if found >= first else first


EVENTS = [("consultation", "teachers", 700), ("group_consultation", "teachers", 500), ("seminar", "teachers", 550),
          ("rmo_meeting", "teachers", 500), ("landing", "heads", 400), ("visit", "teachers", 500),
          ("parents_club", "parents", 450), ("parents_meeting", "parents", 800), ("consultation", "parents", 600),
          ("group_consultation", "parents", 450), ("master_class", "teachers", 350),
          ("stress_training", "teachers", 350), ("absence_interview", "heads", 500), ("publication", "public", 500),
          ("council_training", "public", 300), ("home_visit", None, 600), ("mediation_case", None, 500),
          ("family_help", None, 450), ("other", "pupils", 200)]


def event_rows(rng, world, year, half, who, events, concerns):
    rows = []
    for kind, audience, permille in events:
        if not rng.chance(permille + 50 * (year.index - 1)):
            continue
        row = {"event_no": len(rows) + 1, "kind": kind, "held": rng.between(1, 4)}
        if audience:
            row["date"] = year.day(rng.pick([9, 10, 11, 12]) if half == 1 else rng.pick([1, 2, 3, 4, 5]),
                                   rng.between(1, 25))
            row["audience"] = audience
            row["participants"] = NOT_APPLICABLE if kind == "publication" else rng.between(4, 30)
            row["concerns_shnor"] = rng.chance(concerns)
            if kind == "publication":
                row["url"] = f"https://{who}.example/news/{year.start}-{half}"
        rows.append(row)
    return rows


def event(world, year, school, half):
    rng = world.rng("event", school.id, year.id, half)
    events = EVENTS
    if year.index == 1 and not school.low and world.district.schools.index(school) % 4 == 3:
        events = [e for e in EVENTS if e[1] not in ("teachers", "heads")]  # no methodical support reached it in that year
    return event_rows(rng, world, year, half, school.id, events, 750 if school.low else 150)


# ---- programmes, strengths and weaknesses, practices ----

def prog(world, year, school):
    rng = world.rng("prog", school.id, year.id)
    rows = []
    for kind, many in (("syllabus", rng.between(8, 14)), ("extracurricular", rng.between(3, 7)),
                       ("elective", rng.between(0, 4)), ("special_course", rng.between(0, 1 + year.index))):
        for _ in range(many):
            row = {"kind": kind, "grade": rng.pick(world.grades(year, school.id)), "checked": rng.chance(880)}
            if kind == "extracurricular":
                row["grade"] = NOT_APPLICABLE if rng.chance(500) else row["grade"]
            else:
                row["subject"] = rng.pick(["rus", "math", "hist", "bio", "geo", "eng"])
            if kind != "syllabus":
                row["meta_skill"] = rng.chance(500)
            if row["checked"]:
                row["conforms"] = rng.chance(720 - school.weak + 60 * year.index)
                row["needs_correction"] = not row["conforms"]
                if row["needs_correction"]:
                    row["corrected"] = rng.chance(600)
            rows.append(row)
    return {"programmes": rows}


STATEMENTS = {"results": "Результаты по математике", "staff": "Опытные учителя русского языка",
              "resources": "Библиотека и мастерская", "climate": "Отношения в школе",
              "families": "Связь с родителями", "network": "Работа с соседними школами"}


def swot(world, year, school):
    rng = world.rng("swot", school.id, year.id)
    rows = []
    for part in ("s", "w", "o", "t"):
        for topic in rng.sample(sorted(STATEMENTS), rng.between(1, 3)):
            rows.append({"part": part, "topic": topic, "statement": STATEMENTS[topic],
                         "offers_help": part == "s" and rng.chance(450), "seeks_help": part == "w" and rng.chance(600)})
    return {"items": rows}


THEMES = ["transition", "exam_prep", "low_motivation", "mentoring", "management", "climate", "families", "nonnative"]


def prac(world, year, school):
    rng = world.rng("prac", school.id, year.id)
    others = [s.id for s in world.schools(year) if s.id != school.id]
    rows = []
    for n in range(rng.weighted([(0, 250), (1, 400), (2, 250), (3, 100)])):
        theme = "transition" if rng.chance(300) else rng.pick(THEMES)
        row = {"practice": f"P{year.start}-{school.id}-{n + 1}", "author": rng.pick(["school", "teacher", "head"]),
               "theme": theme, "title": f"Практика {n + 1}",
               "status": rng.weighted([("accepted", 600), ("submitted", 300), ("withdrawn", 100)])}
        if row["status"] == "accepted" and rng.chance(600):
            row["used_by_schools"] = " ".join(sorted(rng.sample(others, rng.between(1, 3))))
            row["url"] = f"https://bank.example/{row['practice']}"
        rows.append(row)
    return rows
