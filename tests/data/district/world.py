"""world.py: the district behind the forms: years and their periods, pupils by grade, staff."""

from rng import Rng

SUBJECTS = ["primary", "rus", "math", "primary", "eng", "hist", "primary", "rus", "phys", "bio", "primary", "geo", "math",
            "inf", "chem", "other", "lit", "soc_st", "primary", "eng", "other", "math", "rus"]


class Year:
    """A school year and the days that matter in it."""

    def __init__(self, start, index):
        self.start, self.index = start, index
        self.end = start + 1
        self.id = f"{start}/{self.end % 100:02d}"
        self.is_light = index == 0
        self.quarters = [f"{self.id}-Q{n}" for n in (1, 2, 3, 4)]
        self.trimesters = [f"{self.id}-T{n}" for n in (1, 2, 3)]
        self.halves = [f"{self.id}-H{n}" for n in (1, 2)]

    def day(self, month, day):
        """That day in this school year: September to December of its first calendar year."""
        return f"{self.start if month >= 9 else self.end}-{month:02d}-{day:02d}"

    def soc(self, half):
        return "soc-" + (self.day(10, 1) if half == 1 else self.day(5, 1))

    def reg(self, n):
        return "reg-" + [self.day(9, 1), self.day(1, 1), self.day(5, 1)][n]


class World:
    def __init__(self, district, seed):
        self.district, self.seed = district, seed
        self.years = [Year(start, index) for index, start in enumerate(district.years)]
        base = 0 if district.code == "korolyov" else 1  # whose figures the text states
        self.sizes = [{}, {}, {}]  # by year: unit -> {grade: pupils}
        self.staff = [{}, {}, {}]  # by year: unit -> list of rows
        self.make_sizes(base)
        self.make_staff(base)

    def rng(self, *path):
        return Rng("svodka", self.seed, self.district.code, *path)

    def schools(self, year):
        """Those that are active in that year, in order."""
        last = year.index == len(self.years) - 1
        return [s for s in self.district.schools if not (last and s.merged_into)]

    def pupils(self, year, unit, low=1, high=11):
        return sum(n for grade, n in self.sizes[year.index][unit].items() if low <= grade <= high)

    def grade(self, year, unit, grade):
        return self.sizes[year.index][unit].get(grade, 0)

    def grades(self, year, unit):
        return sorted(self.sizes[year.index][unit])

    # ---- pupils ----

    def make_sizes(self, base):
        for school in self.district.schools:
            self.sizes[base][school.id] = {g + 1: n for g, n in enumerate(school.sizes)}
            for index in range(base + 1, 3):
                self.sizes[index][school.id] = self.next_sizes(school, self.sizes[index - 1][school.id], index)
            for index in range(base - 1, -1, -1):
                self.sizes[index][school.id] = self.earlier_sizes(school, self.sizes[index + 1][school.id], index)
        for school in self.district.schools:
            if school.merged_into:
                into = self.sizes[2][school.merged_into]
                for grade, n in self.sizes[2].pop(school.id).items():
                    into[grade] += n

    def step(self, school, rng):
        return rng.between(*((-1, 0) if school.growth < 0 else (0, 1) if school.growth > 0 else (-1, 1)))

    def next_sizes(self, school, before, index):
        rng = self.rng("sizes", school.id, index)
        sizes = {1: max(1, before[1] + school.growth)}
        for grade in range(2, school.last_grade + 1):
            sizes[grade] = max(1, before[grade if grade == 10 else grade - 1] + self.step(school, rng))
        return sizes

    def earlier_sizes(self, school, after, index):
        rng = self.rng("sizes", school.id, index)
        last = school.last_grade
        sizes = {grade: max(1, after[grade if grade in (9, last) else grade + 1] - self.step(school, rng))
                 for grade in range(1, last + 1)}
        return sizes

    # ---- staff ----

    def make_staff(self, base):
        rng = self.rng("staff")
        schools = self.district.schools
        total = sum(s.teachers + s.others for s in schools)
        zhigalovo = self.district.code == "zhigalovo"
        lists = {
            # Zhigalovo's text: 70 % higher education; 5 % highest, 40 % first category; 82 % over ten years, 45 %
            # over twenty; 6.5 % under 30; load 26 to 40 hours.  The others are invented near it.
            "education": rng.quota(total, [("higher", 700 if zhigalovo else 780), ("secondary_special", 240),
                                           ("secondary", 60 if zhigalovo else 10)]),
            "category": rng.quota(total, [("highest", 50 if zhigalovo else 150), ("first", 400 if zhigalovo else 350),
                                          ("conformity", 350), ("none", 200 if zhigalovo else 150)]),
            "seniority": rng.quota(total, [("y21", 450), ("y11_20", 370), ("y4_10", 110), ("y0_3", 70)]),
            "load_hours": rng.quota(total, [("h26_40", 560), ("h18_25", 290), ("h18", 120), ("h40", 30)]),
        }
        young = rng.quota(total, [(True, 65), (False, 935)]).count(True)
        row = 0
        everyone = []
        for school in schools:
            codes = rng.shuffled(range(1, school.teachers + school.others + 1))
            rows = []
            for n in range(school.teachers + school.others):
                person = {name: values[row] for name, values in lists.items()}
                person["teacher"] = f"T{codes[n]:02d}"
                person["post"] = "teacher" if n < school.teachers else self.other_post(n - school.teachers)
                person["subject"] = self.subject(school, n) if n < school.teachers else None
                self.fill_person(rng, person)
                rows.append(person)
                row += 1
            everyone += rows
            self.staff[0][school.id] = rows
        # The young are among those who have not served long.
        for person in rng.sample([p for p in everyone if p["seniority"] in ("y0_3", "y4_10")], young):
            person["age"] = "a30"
        self.later_staff(base)

    def other_post(self, n):
        return ["head", "deputy", "psychologist", "other", "speech", "deputy", "other", "other"][n]

    def subject(self, school, n):
        return "primary" if school.kind == "primary" else SUBJECTS[n % len(SUBJECTS)]

    def fill_person(self, rng, person):
        person["age"] = "a55" if person["seniority"] == "y21" and rng.chance(450) else "a30_54"
        person["main_place"] = not (person["post"] != "head" and rng.chance(40))
        person["inner_part_time"] = person["post"] != "head" and rng.chance(300)
        if person["subject"]:
            person["matches_subject"] = rng.chance(880)
        else:
            person.pop("load_hours", None)

    def later_staff(self, base):
        """Two years on: some go and others come with new codes, some are attested, some finish a degree."""
        for school in self.district.schools:
            for index in (1, 2):
                rng = self.rng("staff", school.id, index)
                rows = [dict(p) for p in self.staff[index - 1][school.id]]
                if not (self.district.code == "zhigalovo" and index == base):  # the printed figures are of that year
                    self.change_people(rng, rows, school)
                self.staff[index][school.id] = rows
        for index in (0, 1, 2):
            for school in self.district.schools:
                self.staff[index][school.id].sort(key=lambda p: p["teacher"])
        for school in self.district.schools:
            if school.merged_into:
                into = self.staff[2][school.merged_into]
                number = max(int(p["teacher"][1:]) for p in into)
                for person in self.staff[2].pop(school.id)[::2]:
                    number += 1
                    into.append(dict(person, teacher=f"T{number:02d}", post="teacher",
                                     subject=person["subject"] or "other",
                                     load_hours=person.get("load_hours") or "h18_25",
                                     matches_subject=person.get("matches_subject", True)))

    def change_people(self, rng, rows, school):
        number = max(int(p["teacher"][1:]) for p in rows)
        for n, person in enumerate(rows):
            if person["post"] != "head" and rng.chance(70):
                number += 1
                came = dict(person, teacher=f"T{number:02d}", category="none", seniority=rng.pick(["y0_3", "y4_10"]),
                            education="higher")
                self.fill_person(rng, came)
                came["age"] = rng.pick(["a30", "a30_54"])
                rows[n] = came
                continue
            if person["category"] in ("none", "conformity") and rng.chance(150):
                person["category"] = "first"
            elif person["category"] == "first" and rng.chance(60):
                person["category"] = "highest"
            if person["education"] != "higher" and rng.chance(120):
                person["education"] = "higher"
            if person["seniority"] == "y4_10" and person["age"] != "a30" and rng.chance(200):
                person["seniority"] = "y11_20"
            if person.get("load_hours") == "h26_40" and rng.chance(150):
                person["load_hours"] = "h18_25"
            if person["inner_part_time"] and rng.chance(200):
                person["inner_part_time"] = False
