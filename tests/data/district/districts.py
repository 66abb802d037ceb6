"""districts.py: the five municipalities, as far as the programmes' texts give figures; all else is invented.

Names of villages and numbers of pupils are invented unless a comment says where they stand.  Nobody's data are here.
"""


class School:
    """A unit of the roster.  `sizes`: pupils by grade in the first full year, grade 1 first."""

    def __init__(self, id, name, kind, settlement, sizes, teachers, others, small=False, remote=False, low=0,
                 weak=0, per_class=25, merged_into=None, growth=0):
        self.id, self.name, self.kind, self.settlement = id, name, kind, settlement
        self.sizes = sizes            # list over grades
        self.teachers, self.others = teachers, others  # staff in the first full year: teachers; head, deputies, ...
        self.small, self.remote = small, remote
        self.low = low                # 0 no; 1 low in every year; 2 in some years only: how results are drawn
        self.weak = weak              # permille that its results lie below the district's
        self.per_class = per_class
        self.merged_into = merged_into  # successor's id: from the last year on it is part of that
        self.growth = growth          # pupils that the first grade gains or loses in a year

    @property
    def last_grade(self):
        return {"primary": 4, "basic": 9, "secondary": 11}[self.kind]


def spread(total, grades, top=0):
    """Sizes of grades that sum to `total`; the last two (10, 11) are smaller when there are 11."""
    if grades == 11:
        seniors = top or max(2, total // 13)
        low = spread(total - seniors, 9)
        return low + [(seniors + 1) // 2, seniors // 2]
    base, rest = divmod(total, grades)
    return [base + (1 if g < rest else 0) for g in range(grades)]


def secondary(id, name, total, teachers, others, **more):
    return School(id, name, "secondary", more.pop("settlement", "village"),
                  more.pop("sizes", None) or spread(total, 11), teachers, others, **more)


def basic(id, name, total, teachers, others, **more):
    return School(id, name, "basic", more.pop("settlement", "village"), spread(total, 9), teachers, others, **more)


def primary(id, name, total, teachers, others, **more):
    return School(id, name, "primary", more.pop("settlement", "village"), spread(total, 4), teachers, others, **more)


# Zhigalovo.  From the text: 12 schools, 7 secondary, 4 basic, 1 primary; one of 717 pupils, half of all; all others
# small; 202 staff, 168 of them teachers; classes of 6-12 and, in the township, 17-24.
def zhigalovo():
    big = [78, 75, 74, 72, 70, 68, 66, 65, 62, 45, 42]  # 717
    assert sum(big) == 717
    rural = dict(small=True, per_class=12)
    return [
        secondary("zh01", "Средняя школа № 1", 717, 40, 8, sizes=big, settlement="township", per_class=23, growth=3),
        secondary("zh02", "Средняя школа, Речная", 96, 15, 3, growth=2, **rural),
        secondary("zh03", "Средняя школа, Заречье", 92, 15, 3, growth=2, **rural),
        secondary("zh04", "Средняя школа, Кедровая", 88, 15, 3, weak=60, growth=2, **rural),
        secondary("zh05", "Средняя школа, Подгорная", 84, 15, 3, weak=90, low=2, growth=1, remote=True, **rural),
        secondary("zh06", "Средняя школа, Усть-Ручей", 78, 15, 3, growth=1, remote=True, **rural),
        secondary("zh07", "Средняя школа, Новая Пристань", 74, 15, 3, weak=30, growth=1, **rural),
        basic("zh08", "Основная школа, Верхний Лог", 46, 8, 2, weak=40, growth=-1, **rural),
        basic("zh09", "Основная школа, Сосновый Мыс", 43, 8, 2, growth=-1, remote=True, **rural),
        basic("zh10", "Основная школа, Старый Брод", 40, 8, 2, weak=80, low=1, growth=-1, remote=True, **rural),
        basic("zh11", "Основная школа, Луговая", 38, 8, 2, growth=-1, merged_into="zh03", **rural),
        primary("zh12", "Начальная школа, Поляна", 38, 6, 0, growth=0, **rural),
    ]


# Abinsky.  From the text: schools 6, 10, 15, 20, 30, 32 fulfil the minimum programme and not the maximum; 1, 3, 17, 43
# are low periodically.  2, 4, 12 and 21 are invented, so are all sizes.
def abinsky():
    return [
        secondary("ab01", "СОШ № 1", 330, 20, 4, settlement="town", weak=60, low=2),
        secondary("ab02", "СОШ № 2", 420, 25, 5, settlement="town", growth=2),
        secondary("ab03", "СОШ № 3", 300, 19, 4, settlement="town", weak=60, low=2),
        secondary("ab04", "СОШ № 4", 360, 22, 4, settlement="township", growth=1),
        secondary("ab06", "СОШ № 6", 190, 15, 3, weak=120, low=1),
        secondary("ab10", "СОШ № 10", 210, 16, 3, weak=130, low=1),
        secondary("ab12", "СОШ № 12", 340, 21, 4, settlement="township"),
        secondary("ab15", "СОШ № 15", 120, 13, 3, weak=130, low=1, small=True, per_class=14),
        secondary("ab17", "СОШ № 17", 170, 14, 3, weak=70, low=2),
        secondary("ab20", "СОШ № 20", 160, 14, 3, weak=120, low=1, remote=True),
        basic("ab21", "ООШ № 21", 60, 9, 2, small=True, per_class=12, growth=-1, merged_into="ab04"),
        secondary("ab30", "СОШ № 30", 110, 12, 3, weak=140, low=1, small=True, remote=True, per_class=12),
        secondary("ab32", "СОШ № 32", 140, 13, 3, weak=120, low=1),
        secondary("ab43", "СОШ № 43", 150, 13, 3, weak=70, low=2),
    ]


# Veshkaima.  From the text: one school with low results, Шарловская.  The other seven and all sizes are invented.
def veshkaima():
    rural = dict(small=True, per_class=14)
    return [
        secondary("vs01", "Шарловская СШ им. Б.С.Борисова", 110, 14, 4, weak=180, low=1, **rural),
        secondary("vs02", "Средняя школа № 1 посёлка", 380, 26, 6, settlement="township", per_class=24, growth=2),
        secondary("vs03", "Средняя школа № 2 посёлка", 310, 22, 5, settlement="township", per_class=23),
        secondary("vs04", "Средняя школа, Липовка", 120, 14, 3, **rural),
        secondary("vs05", "Средняя школа, Озёрки", 96, 13, 3, weak=120, low=2, **rural),
        basic("vs06", "Основная школа, Берёзовая Роща", 54, 9, 2, weak=30, growth=-1, remote=True, **rural),
        basic("vs07", "Основная школа, Каменка", 48, 9, 2, growth=-1, **rural),
        basic("vs08", "Основная школа, Ключи", 42, 8, 2, weak=40, growth=-1, remote=True, **rural),
    ]


# Klin.  The text has no figure at all: everything here is invented.
def klin():
    return [
        secondary("kl01", "Гимназия (вымышленная)", 420, 26, 6, settlement="town", growth=2),
        secondary("kl02", "Лицей (вымышленный)", 390, 25, 6, settlement="town", growth=1),
        secondary("kl03", "СОШ № 3 (вымышленная)", 340, 22, 5, settlement="town"),
        secondary("kl04", "СОШ № 4 (вымышленная)", 310, 21, 5, settlement="town", weak=40),
        secondary("kl05", "СОШ № 5 (вымышленная)", 260, 18, 4, settlement="township", weak=150, low=1),
        secondary("kl06", "СОШ № 6 (вымышленная)", 240, 17, 4, settlement="township"),
        secondary("kl07", "СОШ № 7 (вымышленная)", 130, 14, 3, weak=140, low=1, small=True, per_class=14),
        secondary("kl08", "СОШ № 8 (вымышленная)", 120, 13, 3, weak=100, low=2, small=True, remote=True, per_class=13),
        basic("kl09", "ООШ № 9 (вымышленная)", 70, 9, 2, weak=60, small=True, per_class=12, growth=-1),
        basic("kl10", "ООШ № 10 (вымышленная)", 62, 9, 2, small=True, remote=True, per_class=12, growth=-1),
    ]


# Korolyov.  From the text: pilot school 22 with 419 pupils, 72 of them from abroad; gymnasium 5 is its partner; 331
# pupils of grade 8 in 12 schools.  Sizes of the others are invented so that grade 8 has 331.
def korolyov():
    pilot = [43, 42, 41, 41, 40, 40, 39, 38, 37, 30, 28]
    assert sum(pilot) == 419
    def city(id, name, eighth, teachers, others, **more):
        sizes = [eighth + 3, eighth + 2, eighth + 2, eighth + 1, eighth + 1, eighth, eighth, eighth, eighth - 1,
                 eighth // 2 + 2, eighth // 2]
        return secondary(id, name, 0, teachers, others, sizes=sizes, settlement="town", **more)
    schools = [
        city("ko01", "СОШ № 1", 28, 20, 4, growth=1),
        city("ko02", "СОШ № 2", 30, 21, 4),
        city("ko03", "СОШ № 3", 24, 18, 4, weak=40),
        city("ko04", "СОШ № 4", 26, 18, 4),
        city("ko05", "Гимназия № 5", 33, 23, 5, growth=2),
        city("ko06", "СОШ № 6", 22, 17, 4, weak=30),
        city("ko07", "СОШ № 7", 25, 18, 4),
        city("ko12", "СОШ № 12", 27, 19, 4),
        city("ko15", "СОШ № 15", 26, 18, 4, weak=50),
        city("ko20", "СОШ № 20", 29, 20, 4),
        School("ko22", "СОШ № 22", "secondary", "town", pilot, 26, 7, low=1, weak=120),
        city("ko25", "СОШ № 25", 23, 17, 4),
    ]
    assert sum(s.sizes[7] for s in schools) == 331
    return schools


class District:
    def __init__(self, code, prefix, ru, en, years, schools):
        self.code, self.prefix, self.ru, self.en = code, prefix, ru, en
        self.years = years  # three school years by the year they begin; the first one is light
        self.schools = schools

    def school(self, id):
        return next(s for s in self.schools if s.id == id)


def district(code):
    return {
        "zhigalovo": lambda: District("zhigalovo", "ZHG", "Жигаловский район", "Zhigalovo district",
                                      [2019, 2020, 2021], zhigalovo()),
        "abinsky": lambda: District("abinsky", "ABN", "Абинский район", "Abinsky district",
                                    [2017, 2018, 2019], abinsky()),
        "veshkaima": lambda: District("veshkaima", "VSH", "Вешкаймский район", "Veshkaima district",
                                      [2019, 2020, 2021], veshkaima()),
        "klin": lambda: District("klin", "KLN", "Клинский район", "Klin district", [2020, 2021, 2022], klin()),
        "korolyov": lambda: District("korolyov", "KOR", "Королёв", "Korolyov", [2017, 2018, 2019], korolyov()),
    }[code]()


NAMES = ["klin", "abinsky", "veshkaima", "zhigalovo", "korolyov"]
