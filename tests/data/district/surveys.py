"""surveys.py: anonymous sheets.  1 no, 2 rather no, 3 rather yes, 4 yes, 0 hard to say."""

GROUPS = {  # who answers, and how many in a school: (group, least, most, sheets to a hundred pupils)
    "survey-sat": [("pupil", 8, 36, 12), ("parent", 6, 26, 9), ("teacher", 4, 14, 5), ("partner", 2, 7, 1),
                   ("community", 2, 9, 2)],
    "survey-bos": [("pupil", 7, 40, 14), ("teacher", 4, 12, 4), ("parent", 4, 20, 7)],
    "survey-comf": [("pupil", 6, 30, 10), ("parent", 4, 16, 6), ("teacher", 4, 12, 4), ("staff", 2, 6, 2)],
    "survey-mgmt": [(None, 3, 9, 3)],
    "survey-meth": [(None, 3, 9, 3)],
    "survey-staff": [(None, 5, 14, 6)],
    "survey-aware": [("parent", 5, 18, 6), ("partner", 2, 7, 1), ("community", 2, 8, 2)],
    "survey-order": [("pupil", 5, 16, 6), ("parent", 5, 16, 6), ("partner", 1, 5, 1), ("community", 1, 5, 1)],
    "survey-par": [(None, 6, 24, 9)],
    "survey-image": [("parent", 5, 20, 7), ("community", 2, 8, 2)],
}
ITEMS = {"survey-sat": 6, "survey-bos": 12, "survey-comf": 6, "survey-mgmt": 5, "survey-meth": 5, "survey-staff": 5,
         "survey-aware": 3, "survey-par": 3, "survey-image": 3}
EXPECTATIONS = ["exams", "trade", "after_care", "safety", "sport", "arts", "language", "individual"]


def answer(rng, yes):
    if rng.chance(50):
        return 0
    if rng.chance(yes):
        return 4 if rng.chance(420) else 3
    return 1 if rng.chance(380) else 2


def survey(world, year, school, form):
    rng = world.rng(form, school.id, year.id)
    pupils = world.pupils(year, school.id)
    mood = 620 - school.weak + world.rng(form, school.id).between(-110, 130) + (year.index - 1) * rng.between(-40, 110)
    if year.index == 2 and world.district.schools.index(school) % 5 == 4:
        mood -= 190  # there are schools where it was better the year before
    rows = []
    for group, least, most, rate in GROUPS[form]:
        count = max(least, min(most, pupils * rate // 100)) - rng.below(2)
        if group == "pupil":
            count = min(count, world.pupils(year, school.id, 5, 11))  # grades 5 to 11 alone are asked
        for _ in range(count):
            sheet = {"group": group} if group else {}
            if group == "pupil":
                elder = world.pupils(year, school.id, 10, 11)
                sheet["band"] = "b10_11" if elder and rng.chance(200) else "b5_9"
            if form == "survey-order":
                sheet["q1"] = sorted(rng.sample(EXPECTATIONS, rng.between(1, 3)), key=EXPECTATIONS.index)
            else:
                for n in range(1, ITEMS[form] + 1):
                    yes = mood + 45 * ((n * 7) % 5 - 2)
                    if (form == "survey-comf" and n in (4, 5)) or (form == "survey-staff" and n == 5):
                        yes = 1000 - yes - 50  # tiredness and conflict: read the other way round
                    sheet[f"q{n}"] = answer(rng, max(100, min(930, yes)))
            rows.append(sheet)
    return rows
