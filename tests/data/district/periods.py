"""periods.py: the periods of every series that the three years meet, for truth/periods.csv."""


def month_end(year, month):
    days = [31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return f"{year}-{month:02d}-{days[month - 1]:02d}"


def span(year, first, last):
    return f"{year}-{first:02d}-01", month_end(year, last)


def all_periods(years):
    """(series, id, first day, last day)."""
    rows = []
    for y in years:
        rows.append(("school_year", y.id, f"{y.start}-09-01", f"{y.end}-08-31"))
        for n, (begins, first, last) in enumerate([(y.start, 9, 10), (y.start, 11, 12), (y.end, 1, 3), (y.end, 4, 5)]):
            rows.append(("school_quarter", y.quarters[n], *span(begins, first, last)))
        for n, (begins, first, last) in enumerate([(y.start, 9, 12), (y.end, 1, 5)]):
            rows.append(("school_half_year", y.halves[n], *span(begins, first, last)))
        rows.append(("school_trimester", y.trimesters[0], *span(y.start, 9, 11)))
        rows.append(("school_trimester", y.trimesters[1], f"{y.start}-12-01", month_end(y.end, 2)))
        rows.append(("school_trimester", y.trimesters[2], *span(y.end, 3, 5)))
        for half in (1, 2):
            rows.append(("soc_date", y.soc(half), y.soc(half)[4:], y.soc(half)[4:]))
        for n in range(3):
            rows.append(("reg_date", y.reg(n), y.reg(n)[4:], y.reg(n)[4:]))
    for year in range(years[0].start, years[-1].end + 1):
        rows.append(("calendar_year", str(year), f"{year}-01-01", f"{year}-12-31"))
        for n in range(1, 5):
            rows.append(("calendar_quarter", f"{year}-Q{n}", *span(year, 3 * n - 2, 3 * n)))
    return rows
