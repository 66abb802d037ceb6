"""story.py: what is sent when, and what goes wrong on the way.

Made is more than one programme needs; what its pack has no form for is not sent (Plan.submit)."""

import office
import people
import results
import school as own
import surveys
from world import World

ALL = "pass soc staff pd def res marks vpr exam cert net docs supp event exec".split()
SENT = {  # by schools, in the full years
    "klin": ALL + "prac survey-bos survey-sat survey-staff survey-order survey-aware".split(),
    "abinsky": ALL + "prac survey-bos survey-sat".split(),
    "veshkaima": ALL + "tand prog kim survey-sat survey-par".split(),
    "zhigalovo": ALL + "tand prog swot kim survey-bos survey-comf survey-mgmt survey-meth".split(),
    "korolyov": ALL + "prac cont reg survey-bos survey-sat survey-staff survey-par survey-image".split(),
}
QUARTER_ENDS = {"1": (11, 5), "2": (12, 29), "3": (4, 5), "4": (6, 5)}  # when the numbers are written down
SURVEYED = {"survey-bos": (5, 20), "survey-comf": (2, 20), "survey-mgmt": (12, 20), "survey-meth": (12, 20)}
LIGHT_MORE = {"korolyov": ["pd", "reg"]}


PLANNED_SCHOOLS = {"ko22", "ko05", "ko03", "ko15"}  # those that the office has set plans for


class Story:
    def __init__(self, district, seed, plan, roadmap):
        self.world = World(district, seed)
        self.world.roadmap = roadmap
        self.plan, self.district = plan, district
        self.forms = SENT[district.code]
        ids = [s.id for s in district.schools if not s.merged_into]
        self.missing = (ids[3], "res", 2)        # has sent nothing of this form in that year
        self.silent = ids[5]                     # no survey in the last year
        self.offline = ids[2]                    # goes on with the first version of the changed form
        self.late = ids[4]                       # fills in weeks after the day
        self.unsure = ids[6]                     # answers "not known"
        self.killed = max(district.schools, key=lambda s: sum(s.sizes)).id

    # ---- one submission of one school ----

    def send(self, school, form, year, period, rows, filled_on, version=1, replace=False):
        if not rows or (school.id, form, year.index) == self.missing:
            return
        if school.id == self.late and form in ("soc", "supp", "marks"):
            filled_on = later(filled_on)
        if isinstance(rows, dict):
            rows = [rows]
        self.plan.submit(school.id, form, period, [(school.id, values) for values in rows], filled_on, version, replace)

    def autumn(self, year):
        """From September to the end of December."""
        w = self.world
        agreed, tandems = own.agreements(w, year), own.pairs(w, year)
        for school in w.schools(year):
            self.send(school, "pass", year, year.id, own.passport(w, year, school), year.day(9, 5))
            self.send(school, "staff", year, year.id, people.staff(w, year, school), year.day(9, 20))
            self.social(school, year, 1, year.day(10, 4))
            if "reg" in self.forms:
                for n, day in ((0, year.day(9, 2)), (1, year.day(1, 10))):
                    self.send(school, "reg", year, year.reg(n), people.reg(w, year, school, n), day)
            if year.is_light:
                continue
            self.send(school, "net", year, year.id, agreed[school.id], year.day(11, 30))
            self.send(school, "res", year, year.id, own.res(w, year, school), year.day(11, 20))
            if "tand" in self.forms:
                self.send(school, "tand", year, year.id, tandems[school.id], year.day(11, 30))
            for form, make, day in (("docs", own.docs, (9, 30)), ("prog", own.prog, (9, 28)), ("swot", own.swot, (12, 20))):
                if form in self.forms:
                    self.send(school, form, year, year.id, make(w, year, school), year.day(*day))
            self.parts(school, year, 1)

    def social(self, school, year, half, filled_on):
        if year.is_light and half == 1 and self.district.code != "korolyov":
            return
        values = people.soc(self.world, year, school, half)
        if school.id == self.unsure and year.index == 1:
            values["both_parents_he"] = people.UNKNOWN
            values["aoop"] = people.UNKNOWN
        self.send(school, "soc", year, year.soc(half), values, filled_on)

    def parts(self, school, year, half):
        """Quarters, trimesters, half-years that end in this half of the year."""
        w, filled = self.world, year.day(12, 29) if half == 1 else year.day(6, 8)
        version = 2 if (year.index, half) > (1, 1) and not (school.id == self.offline and year.index == 1) else 1
        self.send(school, "supp", year, year.halves[half - 1], people.supp(w, year, school, half, version), filled,
                  version)
        self.send(school, "event", year, year.halves[half - 1], own.event(w, year, school, half), filled)
        self.send(school, "exec", year, year.halves[half - 1], own.exec_(w, year, school, half), filled)
        code = self.district.code
        if code in ("zhigalovo", "korolyov"):
            for quarter in year.quarters[2 * half - 2:2 * half]:
                self.marks(school, year, quarter, year.day(*QUARTER_ENDS[quarter[-1]]))
        if code == "veshkaima":
            for trimester in year.trimesters[:1] if half == 1 else year.trimesters[1:]:
                self.marks(school, year, trimester, filled)
            if school.kind == "secondary":
                self.marks(school, year, year.halves[half - 1], filled)
        if "kim" in self.forms:
            for quarter in year.quarters[2 * half - 2:2 * half]:
                self.send(school, "kim", year, quarter, results.kim(w, year, school, quarter),
                          year.day(*QUARTER_ENDS[quarter[-1]]))

    def marks(self, school, year, period, filled):
        values = results.marks(self.world, year, school, period)
        if values["rows"]:
            self.send(school, "marks", year, period, values, filled)

    def spring(self, year):
        """From January to the summer."""
        w = self.world
        for school in w.schools(year):
            self.marks(school, year, year.id, year.day(6, 15))
            self.send(school, "vpr", year, year.id, results.vpr(w, year, school), year.day(5, 30))
            self.send(school, "exam", year, year.id, results.exam(w, year, school, False), year.day(7, 12))
            self.send(school, "cert", year, year.id, results.cert(w, year, school), year.day(7, 20))
            self.social(school, year, 2, year.day(5, 6))
            if "reg" in self.forms:
                self.send(school, "reg", year, year.reg(2), people.reg(w, year, school, 2), year.day(5, 6))
            if year.is_light:
                self.send(school, "res", year, year.id, own.res(w, year, school), year.day(6, 1))
                if "pd" in LIGHT_MORE.get(self.district.code, []):
                    self.send(school, "pd", year, year.id, people.pd(w, year, school), year.day(6, 1))
                continue
            self.parts(school, year, 2)
            for form, make, day in (("pd", people.pd, (6, 1)), ("def", people.def_, (6, 5)),
                                    ("prac", own.prac, (6, 10)), ("cont", people.cont, (6, 10))):
                if form in self.forms:
                    self.send(school, form, year, year.id, make(w, year, school), year.day(*day))
            if "kim" in self.forms:
                self.send(school, "kim", year, year.id, results.kim(w, year, school, year.id), year.day(5, 25))
            for form in self.forms:
                if form.startswith("survey-") and not (school.id == self.silent and year.index == 2):
                    self.send(school, form, year, year.id, surveys.survey(w, year, school, form),
                              year.day(*SURVEYED.get(form, (4, 25))))

    def has_resits(self, school, year):
        """Every third school sends its exams once more after the re-sits."""
        return self.district.schools.index(school) % 3 == 1

    def resits(self, year):
        for school in self.world.schools(year):
            if self.has_resits(school, year):
                self.send(school, "exam", year, year.id, results.exam(self.world, year, school, True), year.day(8, 20))

    # ---- office and centre ----

    def office_autumn(self, year):
        w, plan = self.world, self.plan
        plan.submit("office", "roster", year.id, [("district", row) for row in office.roster(w, year)], year.day(9, 1))
        plan.submit("office", "assess", year.id, [(s.id, office.assess(w, year, s)) for s in w.schools(year)],
                    year.day(9, 28))
        if year.is_light:
            return
        primary = [s for s in w.schools(year) if s.kind == "primary"]
        plan.submit("office", "waiver", year.id, [(s.id, {"form": "exam", "kind": "waiver",
                                                          "reason": "В начальной школе экзаменов нет"})
                                                  for s in primary], year.day(9, 20))
        plan.submit("office", "event-district", year.halves[0],
                    [("district", row) for row in office.event_district(w, year, 1)], year.day(12, 29))
        if self.district.code == "korolyov":
            for period in [year.id, str(year.start)] + ([str(year.end)] if year.index == 2 else []):
                plan.submit("office", "plan", period, [(s.id, row) for s in w.schools(year) if s.id in PLANNED_SCHOOLS
                                                       for row in office.plan(w, period, s)], year.day(9, 10))

    def office_spring(self, year):
        w, plan = self.world, self.plan
        plan.submit("office", "ref", year.id, [("district", row) for row in office.ref(w, year)], year.day(8, 25))
        if year.is_light:
            return
        plan.submit("office", "event-district", year.halves[1],
                    [("district", row) for row in office.event_district(w, year, 2)], year.day(6, 8))
        plan.submit("office", "docs-district", year.id, [("district", row) for row in office.docs_district(w, year)],
                    year.day(9, 30))
        if self.district.code == "korolyov":
            plan.submit("centre", "diag", year.id, [(s.id, people.diag(w, year, s)) for s in w.schools(year)],
                        year.day(5, 31))

    # ---- all of it ----

    def tell(self):
        light, first, second = self.world.years
        plan = self.plan
        plan.phase("Сервер ещё не включён: школы, отдел и центр заносят прошлый год и осень.",
                   "The hub is not running yet: schools, office and centre enter the year before and the autumn.")
        self.office_autumn(light)
        self.autumn(light)
        self.spring(light)
        self.office_spring(light)
        self.office_autumn(first)
        self.autumn(first)
        plan.phase("Сервер включён; все передают.", "The hub is started; all send.")
        plan.step("hub-start")
        plan.step("sync-all")
        plan.phase("В середине года форма «Поддержка учеников» меняется: второй вариант, с новым вопросом.",
                   "In the middle of the year the form on support of pupils changes: a second version asks more.")
        plan.step("second-version", form="supp")
        plan.step("sync-all", key=self.offline)  # all but the one that has no line
        plan.phase("Весна: результаты, экзамены, анкеты. Одна школа ещё не получила новую форму.",
                   "Spring: results, exams, surveys. One school has not got the new form yet.")
        self.spring(first)
        self.resits(first)
        self.office_spring(first)
        plan.phase("Передают все; самая большая школа «теряет питание» посреди отправки и продолжает.",
                   "All send; the largest school loses power in the middle of its batch, and goes on.")
        plan.step("killed", who=self.killed)
        plan.step("sync-all")
        plan.phase("Второй учебный год; одна школа присоединена к другой." if self.has_merger() else
                   "Второй учебный год.",
                   "The second school year; one school has been merged into another." if self.has_merger() else
                   "The second school year.")
        self.office_autumn(second)
        self.autumn(second)
        self.spring(second)
        self.resits(second)
        self.office_spring(second)
        plan.step("sync-all")
        plan.phase("Исправления, отзывы и полные списки заново.", "Corrections, retractions, and full lists anew.")
        self.second_thoughts()
        plan.step("sync-all")

    def has_merger(self):
        return any(s.merged_into for s in self.district.schools)

    def one(self, form, unit, period, key=None):
        """What stands of a form there, as (period, key, values); None when the programme has no such form."""
        found = [(p, k, v) for _, p, k, v in self.plan.of(form, unit, period) if key in (None, k)]
        return found[0] if found else None

    def second_thoughts(self):
        _, first, second = self.world.years
        plan = self.plan
        ids = [s.id for s in self.world.schools(second)]
        # A number that was too small, in a record: the whole record is corrected.
        if (found := self.one("marks", ids[1], first.id)):
            rows = [dict(row) for row in found[2]["rows"]]
            rows[-1]["failing"] = min(rows[-1]["assessed"] - rows[-1]["only_4_5"], rows[-1]["failing"] + 1)
            plan.correct(ids[1], "marks", found[0], ids[1], {"rows": rows}, "опечатка")
        # One field of a record.
        if (found := self.one("soc", ids[0], second.soc(2))):
            plan.correct(ids[0], "soc", found[0], ids[0], {"one_parent_family": found[2]["one_parent_family"] + 2},
                         "пропущены двое")
        if (found := self.one("res", ids[0], second.id)):
            plan.correct(ids[0], "res", found[0], ids[0], {"rooms": found[2]["rooms"] + 1}, "новый кабинет")
        # One row.
        if (found := self.one("staff", ids[2], second.id)):
            better = "highest" if found[2]["category"] != "highest" else "first"
            plan.correct(ids[2], "staff", found[0], ids[2], {"category": better}, "приказ об аттестации", found[1])
        # Entered twice, or under a wrong code, and withdrawn.
        for form, unit, year, reason in (("pd", ids[0], second, "внесено дважды"), ("def", ids[4], first, "ошибочный код"),
                                         ("net", ids[2], first, "соглашение не подписано")):
            if (found := self.one(form, unit, year.id)):
                plan.retract(unit, form, found[0], unit, reason, found[1])
        # A full list without one of the rows that were there: that one is retracted.
        events = [values for _, _, _, values in plan.of("event", ids[1], second.halves[0])]
        if len(events) > 1:
            plan.submit(ids[1], "event", second.halves[0], [(ids[1], dict(values)) for values in events[:-1]],
                        second.day(1, 15), 1, True)
        # The office changes its mind about one school.
        if (found := self.one("assess", ids[3], second.id)):
            plan.correct("office", "assess", found[0], ids[3], {"decision_taken": not found[2]["decision_taken"]},
                         "решение принято позже")


def later(day):
    """Three weeks after."""
    year, month, date = int(day[:4]), int(day[5:7]), int(day[8:]) + 21
    if date > 28:
        date -= 28
        month += 1
        if month > 12:
            year, month = year + 1, 1
    return f"{year}-{month:02d}-{date:02d}"
