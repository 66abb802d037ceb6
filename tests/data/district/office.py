"""office.py: what the department itself enters: roster, decisions about schools, reference values, documents, plans."""

from school import event_rows


def roster(world, year):
    rows = []
    for school in world.district.schools:
        row = {"unit_id": school.id, "name": school.name, "kind": school.kind, "settlement": school.settlement,
               "status": "active", "since": f"{world.years[0].start - 10}-09-01", "small": school.small,
               "remote": school.remote}
        if school.merged_into and year.index == 2:
            row.update(status="merged", until=merger_day(world), successor=school.merged_into)
        rows.append(row)
    return rows


def merger_day(world):
    """The last day of a school that is merged: the year before the last one ends with it."""
    return world.years[1].day(8, 31)


def assess(world, year, school):
    rng = world.rng("assess", school.id, year.id)
    adverse = school.remote or school.small
    low = school.low == 1 or (school.low == 2 and rng.chance(500))
    if low and school.weak < 110 and year.index == 2:
        low = False  # some leave the list
    vshk = max(2, min(10, rng.between(5, 9) - (1 if low else 0) + (1 if year.index == 2 else 0)))
    status = "both" if low and adverse else "low_results" if low else "adverse_conditions" if adverse else "none"
    if world.district.code == "veshkaima":
        # One school with low results, as stated; a second one only before the programme began.
        low = school.id == "vs01" or (school.id == "vs05" and year.index == 0)
        status = ("low_results" if year.index else "both") if low else status.replace("both", "adverse_conditions") \
            if status != "low_results" else "none"
        if school.id == "vs01":
            vshk = [4, 6, 8][year.index]
    mode = rng.weighted([("critical", 300), ("transition", 500), ("effective", 80 + 160 * year.index)]) if low \
        else rng.weighted([("transition", 250), ("effective", 750)])
    help_given = low and (year.index == 2 or rng.chance(500))
    if school.id == "vs01":
        help_given = year.index == 2
    return {"status": status, "mode": mode, "resource_level": "?unknown" if rng.chance(60) else rng.between(40, 90),
            "vshk_score": vshk, "address_help": help_given or (not low and rng.chance(150)),
            "decision_taken": rng.chance(400 + 200 * year.index), "date": year.day(9, rng.between(10, 25))}


# Means of the region and the country: (marks or points) in thousandths; ВПР by subject, for grades 4 to 8.
MEANS = {("oge", "rus"): 3720, ("oge", "math"): 3480, ("oge", "soc_st"): 3450, ("oge", "bio"): 3520,
         ("ege", "rus"): 67500, ("ege", "math"): 52300, ("ege", "math_base"): 4100, ("ege", "soc_st"): 57000}
CUTOFFS = {"oge": 5000, "ege": 80000}
MINIMUMS = {("ege", "rus"): 36000, ("ege", "math"): 27000, ("ege", "soc_st"): 42000, ("oge", "rus"): 3000,
            ("oge", "math"): 3000}


def decimal(thousandths):
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def ref(world, year):
    rng = world.rng("ref", year.id)
    rows = []

    def add(code, value, source):
        rows.append({"row": code, "value": decimal(value), "source": source, "date": year.day(8, 20)})

    for (exam, subject), mean in MEANS.items():
        if year.end == 2020 and (exam == "oge" or subject == "math_base"):
            continue  # not held
        move = mean * rng.between(-12, 12) // 1000
        add(f"mean-region-{exam}-{subject}", mean + move, "Сборник региона")
        add(f"mean-country-{exam}-{subject}", mean + move // 2 + mean // 100, "Сборник страны")
    for grade in range(4, 9):
        for subject in ("rus", "math") + (("hist",) if grade == 6 else ()):
            mean = 3520 + rng.between(-60, 60)
            add(f"mean-region-vpr-{subject}-{grade}", mean, "Сборник региона")
            add(f"mean-country-vpr-{subject}-{grade}", mean + rng.between(-20, 40), "Сборник страны")
    for subject in ("rus", "math", "hist"):
        mean = 3520 + rng.between(-60, 60)
        add(f"mean-region-vpr-{subject}", mean, "Сборник региона")
        add(f"mean-country-vpr-{subject}", mean + rng.between(-20, 40), "Сборник страны")
    add("mean-region-vpr-all", 3520 + rng.between(-60, 60), "Сборник региона")
    add("mean-country-vpr-all", 3540 + rng.between(-60, 60), "Сборник страны")
    for exam in ("oge", "ege"):
        add(f"mean-region-{exam}-all", (3540 if exam == "oge" else 59000) + rng.between(-40, 40), "Сборник региона")
        add(f"mean-country-{exam}-all", (3560 if exam == "oge" else 60000) + rng.between(-40, 40), "Сборник страны")
        for subject in ("rus", "math", "soc_st") + (("bio",) if exam == "oge" else ("math_base",)):
            add(f"cutoff-region-{exam}-{subject}", 5000 if subject == "math_base" else CUTOFFS[exam], "Решение района")
            # Share of participants below the minimum from which a school counts as critically low, %.
            add(f"threshold-district-{exam}-{subject}", 9000, "Решение района")
        add(f"cutoff-region-{exam}-all", CUTOFFS[exam], "Решение района")
        add(f"threshold-district-{exam}-all", 9000, "Решение района")
    for (exam, subject), value in MINIMUMS.items():
        add(f"minimum-region-{exam}-{subject}", value, "Приказ о минимумах")
        add(f"minimum-country-{exam}-{subject}", value, "Приказ о минимумах")
    for subject in ("rus", "math", "hist", "all"):
        add(f"threshold-district-vpr-{subject}", 18000, "Решение района")
    add("threshold-district-vshk-all", 6000, "Решение района")
    add("threshold-district-isb-all", 60000, "Решение района")
    return rows


DOCUMENTS = ["model", "instruments", "test_materials", "support_programme", "training_programme", "tutoring_programme",
             "community_heads", "community_teachers", "council_training_plan", "regional_staff", "mentoring_model",
             "network_scheme", "mentor_bank", "open_bank", "heads_bonus", "consultant_heads", "net_plan_pupils",
             "net_plan_parents", "net_plan_teachers", "net_plan_heads", "pub_plan", "pub_progress", "pub_results",
             "act_programme", "act_monitoring", "act_support", "act_network", "act_mentoring", "act_pay",
             "act_openness"]
AMOUNTS = {"test_materials": (6, 14), "community_heads": (1, 2), "community_teachers": (3, 7),
           "council_training_plan": (4, 12), "heads_bonus": (2, 5), "consultant_heads": (1, 4)}


def docs_district(world, year):
    """In the first year something is always not there yet, so that there is something to reach."""
    rows = []
    for n, doc in enumerate(DOCUMENTS):
        rng = world.rng("docs-district", doc, year.id)
        ready = year.index == 2 or n % 3 == 0
        if doc in ("instruments", "support_programme", "training_programme", "net_plan_heads", "regional_staff"):
            ready = year.index == 2
        row = {"doc": doc, "value": "yes" if ready else "in_work"}
        if doc in AMOUNTS:
            if doc != "council_training_plan":
                row["value"] = "yes"
            row["amount"] = str(AMOUNTS[doc][0] if year.index == 1 else rng.between(AMOUNTS[doc][0] + 1, AMOUNTS[doc][1]))
        if row["value"] == "yes":
            row["date"] = year.day(9, rng.between(1, 25))
            if doc.startswith("pub_"):
                row["url"] = f"https://district.example/{doc.replace('_', '-')}"
        rows.append(row)
    return rows


EVENTS = [("seminar", "heads", 900), ("rmo_meeting", "teachers", 950), ("rmo_meeting", "teachers", 700),
          ("landing", "heads", 700), ("consultation", "heads", 800), ("consultation", "teachers", 800),
          ("group_consultation", "teachers", 600), ("master_class", "teachers", 700), ("parents_club", "parents", 700),
          ("publication", "public", 800), ("absence_interview", "heads", 900), ("council_training", "public", 700),
          ("family_help", None, 900), ("foster_case", None, 1000), ("stress_training", "teachers", 500)]


def event_district(world, year, half):
    rng = world.rng("event-district", year.id, half)
    rows = event_rows(rng, world, year, half, "district", EVENTS, 450)
    for row in rows:
        if row["kind"] == "foster_case":
            row["held"] += 4 * (year.index - 1)  # more families turn to the centre from year to year
        if row["kind"] == "rmo_meeting":
            row["concerns_shnor"] = row["event_no"] % 2 == 0 if year.index == 2 else rng.chance(300)
    return rows


PLANNED = [("KOR-12", 95, 99), ("KOR-13", 30, 38), ("KOR-16", 55, 95), ("KOR-19", 40, 75), ("KOR-31", 60, 120),
           ("KOR-33", 60, 95), ("KOR-35", 45, 70), ("KOR-37.pupil", 50, 75), ("KOR-38", 45, 65), ("KOR-45", 60, 85),
           ("KOR-53", 12, 25), ("KOR-54", 88, 99)]


def plan(world, period, school):
    """Planned values of a school: some within reach, some not."""
    rng = world.rng("plan", school.id, period)
    rows = []
    for code, low, high in PLANNED:
        value = rng.between(low * 100, high * 100)
        row = {"indicator": code, "planned": f"{value // 100}.{value % 100:02d}", "revision": 1,
               "order_no": f"№ {rng.between(10, 90)}"}
        if rng.chance(300):
            row["planned_high"] = f"{value // 100 + 5}.{value % 100:02d}"
        rows.append(row)
    return rows
