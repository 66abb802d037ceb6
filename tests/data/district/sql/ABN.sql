-- Abinsky, ABN-01 to ABN-34, computed from the tables of truth/ (../README.md) and from nothing else: formulas are those of
-- the catalogue of indicators.  "~ choice" marks what the catalogue leaves open and the pack has decided.
--
-- How it is built: `amount` holds plain sums of a school in a period; `share` says what is divided by what; `value` holds
-- whatever has been computed of a place.  A place is a school, the municipality (''), or a school together with those
-- merged into it later ('ab04+'), with which its later values are compared.

-- ==== places and periods ====

CREATE TABLE member (place TEXT, level TEXT, series TEXT, period TEXT, unit TEXT);
INSERT INTO member SELECT unit, 'unit', series, period, unit FROM roster_units;
INSERT INTO member SELECT '', 'municipality', series, period, unit FROM roster_units;
INSERT INTO member
SELECT DISTINCT u.successor || '+', 'pool', r.series, r.period, r.unit
FROM units u JOIN roster_units r ON r.unit IN (u.unit, u.successor) WHERE u.successor <> '';
CREATE INDEX member_by_unit ON member (unit, period);

-- The school year before, and where a place's value of it is found: after a merger with the merged schools together.
CREATE TABLE before (place TEXT, period TEXT, earlier TEXT, earlier_place TEXT, PRIMARY KEY (place, period));
INSERT INTO before
SELECT DISTINCT m.place, p.period, q.period,
       CASE WHEN m.level = 'unit' AND EXISTS (SELECT 1 FROM units u WHERE u.successor = m.place AND u.active_to < p.first)
            THEN m.place || '+' ELSE m.place END
FROM member m JOIN periods p ON p.period = m.period AND p.series = 'school_year'
JOIN periods q ON q.series = p.series AND q.n + 0 = p.n - 1;

-- The half-years of a school year, and the school year that has begun by the end of a calendar year.
CREATE TABLE half (period TEXT PRIMARY KEY, year TEXT, first TEXT);
INSERT INTO half
SELECT h.period, y.period, h.first FROM periods h JOIN periods y ON y.series = 'school_year' AND h.first BETWEEN y.first AND y.last
WHERE h.series = 'school_half_year';
CREATE TABLE calendar (year TEXT PRIMARY KEY, begun TEXT);
INSERT INTO calendar
SELECT c.period, y.period FROM periods c JOIN periods y ON y.series = 'school_year' AND y.first BETWEEN c.first AND c.last
WHERE c.series = 'calendar_year';

-- ==== identified schools: the coordinator's last word by the end of a school year ====

CREATE TABLE status (unit TEXT, period TEXT, is_low INTEGER, is_effective INTEGER, score REAL, PRIMARY KEY (unit, period));
WITH heard AS (
  SELECT a.unit, p.period, a.status, a.mode, a.vshk_score, y.first
  FROM assess a JOIN periods y ON y.period = a.period JOIN periods p ON p.series = 'school_year' AND y.first <= p.last),
latest AS (
  SELECT *, row_number() OVER (PARTITION BY unit, period ORDER BY first DESC) AS place FROM heard)
INSERT INTO status
SELECT unit, period, status IN ('low_results', 'both'), mode = 'effective',
       -- ~ choice: a score that is not known is that of the year before
       (SELECT vshk_score + 0.0 FROM heard k WHERE k.unit = l.unit AND k.period = l.period AND k.vshk_score <> ''
        ORDER BY k.first DESC LIMIT 1)
FROM latest l WHERE place = 1;

CREATE TABLE eligible (who TEXT, unit TEXT, period TEXT, PRIMARY KEY (who, unit, period));
INSERT INTO eligible SELECT 'all', unit, period FROM member WHERE level = 'municipality';
INSERT INTO eligible SELECT 'low', unit, period FROM status WHERE is_low;

-- ==== sums of a school ====

-- `own`: the school's number; `counts`: what it adds to the district (a person counts at the main place alone).
CREATE TABLE amount (name TEXT, unit TEXT, period TEXT, own REAL, counts REAL, PRIMARY KEY (name, unit, period));

INSERT INTO amount SELECT 'pupils', unit, period, pupils, pupils FROM pass;

-- marks by stage of schooling, and of all grades: all pupils over all subjects.
CREATE TABLE stage (name TEXT, lowest INTEGER, highest INTEGER);
INSERT INTO stage VALUES ('primary', 2, 4), ('basic', 5, 9), ('secondary', 10, 11), ('any', 1, 11);
WITH marked AS (
  SELECT s.name, m.unit, m.period, sum(assessed) AS assessed, sum(failing) AS failing, sum(only_4_5) AS good
  FROM marks_rows m JOIN stage s ON m.grade + 0 BETWEEN s.lowest AND s.highest
  WHERE m."group" = 'all' AND m.subject = 'all' GROUP BY s.name, m.unit, m.period)
INSERT INTO amount
SELECT 'assessed_' || name, unit, period, assessed, assessed FROM marked
UNION ALL SELECT 'failing_' || name, unit, period, failing, failing FROM marked
UNION ALL SELECT 'good_' || name, unit, period, good, good FROM marked;

-- Procedures by subject: who took them and who was below the minimum (ВПР: mark 2); all exams together, of them high.
WITH taken AS (
  SELECT exam || '_' || subject AS name, unit, period, sum(participants) AS takers, sum(below_min) AS below
  FROM exam_rows GROUP BY exam, subject, unit, period
  UNION ALL
  SELECT 'vpr_' || subject, unit, period, sum(participants), sum(mark_2) FROM vpr_rows
  WHERE subject IN ('rus', 'math', 'hist') GROUP BY subject, unit, period)
INSERT INTO amount
SELECT 'takers_' || name, unit, period, takers, takers FROM taken
UNION ALL SELECT 'below_' || name, unit, period, below, below FROM taken;
WITH sat AS (SELECT unit, period, sum(participants) AS n, sum(high) AS high FROM exam_rows GROUP BY unit, period)
INSERT INTO amount
SELECT 'exams', unit, period, n, n FROM sat UNION ALL SELECT 'high', unit, period, high, high FROM sat;

-- cert: of both grades together, and apart.
WITH left AS (
  SELECT unit, period, '' AS grade, graduates, certificates, continue_study FROM cert_rows
  UNION ALL SELECT unit, period, '_' || grade, graduates, certificates, continue_study FROM cert_rows),
counted AS (
  SELECT grade, unit, period, sum(graduates) AS n, sum(certificates) AS certified, sum(continue_study) AS continuing
  FROM left GROUP BY grade, unit, period)
INSERT INTO amount
SELECT 'graduates' || grade, unit, period, n, n FROM counted
UNION ALL SELECT 'certificates' || grade, unit, period, certified, certified FROM counted
UNION ALL SELECT 'continue' || grade, unit, period, continuing, continuing FROM counted;

-- soc: for a school year the later of its two days on which the school knew the number.
-- ~ choice: each number by itself; one that is not known in May is that of October.
WITH told AS (
  SELECT unit, period, 'soc_pupils' AS name, pupils AS x FROM soc
  UNION ALL SELECT unit, period, 'both_he', both_parents_he FROM soc
  UNION ALL SELECT unit, period, 'one_parent', one_parent_family FROM soc
  UNION ALL SELECT unit, period, 'registers', on_registers FROM soc
  UNION ALL SELECT unit, period, 'nonnative', non_native_russian FROM soc
  UNION ALL SELECT unit, period, 'large_or_low', large_or_low_income FROM soc
  UNION ALL SELECT unit, period, 'aoop', aoop FROM soc
  UNION ALL SELECT unit, period, 'risk_zone', risk_zone FROM soc),
ranked AS (
  SELECT t.name, t.unit, y.period, t.x, row_number() OVER (PARTITION BY t.name, t.unit, y.period ORDER BY d.first DESC) AS place
  FROM told t JOIN periods d ON d.period = t.period
  JOIN periods y ON y.series = 'school_year' AND d.first BETWEEN y.first AND y.last
  WHERE t.x <> '')
INSERT INTO amount SELECT name, unit, period, x, x FROM ranked WHERE place = 1;

-- res: what is had beyond what is needed counts for nothing.
INSERT INTO amount SELECT 'posts_needed', unit, period, posts_needed, posts_needed FROM res WHERE posts_needed <> '';
INSERT INTO amount SELECT 'posts_filled', unit, period, posts_filled, posts_filled FROM res WHERE posts_filled <> '';
INSERT INTO amount SELECT 'spending', unit, period, spending_total, spending_total FROM res WHERE spending_total <> '';
INSERT INTO amount
SELECT 'items_needed', unit, period, sum(needed), sum(needed) FROM res_items GROUP BY unit, period;
INSERT INTO amount
SELECT 'items_have', unit, period, sum(min(needed + 0, have + 0)), sum(min(needed + 0, have + 0))
FROM res_items GROUP BY unit, period;
-- Grants of a calendar year.  ~ choice: those in the inventory of the autumn, of the school year begun in that year.
INSERT INTO amount
SELECT 'grants', r.unit, c.year, r.grants, r.grants FROM res r JOIN calendar c ON c.begun = r.period WHERE r.grants <> '';
INSERT INTO amount
SELECT 'grants_count', r.unit, c.year, r.grants_count, r.grants_count
FROM res r JOIN calendar c ON c.begun = r.period WHERE r.grants_count <> '';

-- supp: a route or a plan, each pupil once; for a school year its last half-year with the number.
WITH told AS (
  SELECT unit, period, sum(iom_or_iup) AS x FROM supp_rows WHERE "group" = 'all' AND iom_or_iup <> '' GROUP BY unit, period),
ranked AS (
  SELECT t.unit, h.year, t.x, row_number() OVER (PARTITION BY t.unit, h.year ORDER BY h.first DESC) AS place
  FROM told t JOIN half h ON h.period = t.period)
INSERT INTO amount SELECT 'routes_or_plans', unit, year, x, x FROM ranked WHERE place = 1;

-- docs: forms of learning that the school offers, of those that it could.
WITH offered AS (
  SELECT unit, period, sum(value = 'yes') AS yes, sum(value <> 'not_applicable') AS asked
  FROM docs WHERE doc LIKE 'offer\_%' ESCAPE '\' GROUP BY unit, period)
INSERT INTO amount
SELECT 'offers_yes', unit, period, yes, yes FROM offered
UNION ALL SELECT 'offers_asked', unit, period, asked, asked FROM offered;

-- Teachers and heads (with deputies), each once.
-- ~ choice: who has no row has done nothing, where the school has sent the form at all.
WITH person AS (
  SELECT s.unit, s.period, s.main_place = '1' AS main, s.post = 'teacher' AS is_teacher, s.post IN ('head', 'deputy') AS is_head,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher) AS trained,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.kind = 'course' AND t.active_methods = '1') AS actively
  FROM staff s)
INSERT INTO amount
SELECT 'teachers', unit, period, sum(is_teacher), sum(is_teacher AND main) FROM person GROUP BY unit, period
UNION ALL
SELECT 'teachers_trained', unit, period, sum(is_teacher AND trained), sum(is_teacher AND trained AND main)
FROM person GROUP BY unit, period
UNION ALL
SELECT 'teachers_active', unit, period, sum(is_teacher AND actively), sum(is_teacher AND actively AND main)
FROM person GROUP BY unit, period
UNION ALL SELECT 'heads', unit, period, sum(is_head), sum(is_head AND main) FROM person GROUP BY unit, period
UNION ALL
SELECT 'heads_trained', unit, period, sum(is_head AND trained), sum(is_head AND trained AND main)
FROM person GROUP BY unit, period;
-- A school that has sent nothing of the form: not none, but not known.
DELETE FROM amount WHERE name IN ('teachers_trained', 'teachers_active', 'heads_trained')
  AND NOT EXISTS (SELECT 1 FROM pd f WHERE f.unit = amount.unit AND f.period = amount.period);

-- ==== shares ====

CREATE TABLE value (id TEXT, breakdown TEXT, place TEXT, level TEXT, period TEXT, x REAL, num REAL, den REAL,
                    PRIMARY KEY (id, breakdown, place, period));

-- times: 100 a share, 1 a ratio.  The district's: sums over the schools that have both.
CREATE TABLE share (id TEXT, breakdown TEXT, numerator TEXT, denominator TEXT, times INTEGER, level TEXT, who TEXT);
INSERT INTO share VALUES
  ('ABN-02', 'stage=primary', 'failing_primary', 'assessed_primary', 100, 'both', 'all'),
  ('ABN-02', 'stage=basic', 'failing_basic', 'assessed_basic', 100, 'both', 'all'),
  ('ABN-02', 'stage=secondary', 'failing_secondary', 'assessed_secondary', 100, 'both', 'all'),
  ('ABN-04', 'grade=9', 'continue_9', 'graduates_9', 100, 'both', 'all'),
  ('ABN-04', 'grade=11', 'continue_11', 'graduates_11', 100, 'both', 'all'),
  ('ABN-06', '', 'certificates', 'graduates', 100, 'both', 'all'),
  ('ABN-08', '', 'high', 'exams', 100, 'both', 'all'),
  ('ABN-13', '', 'large_or_low', 'soc_pupils', 100, 'both', 'all'),
  ('ABN-17', 'of=items', 'items_have', 'items_needed', 100, 'both', 'all'),
  ('ABN-17', 'of=posts', 'posts_filled', 'posts_needed', 100, 'both', 'all'),
  ('ABN-21', '', 'teachers_active', 'teachers', 100, 'both', 'all'),
  ('ABN-29', 'of=heads', 'heads_trained', 'heads', 100, 'both', 'all'),
  ('ABN-29', 'of=teachers', 'teachers_trained', 'teachers', 100, 'both', 'all'),
  -- ~ choice: the list of the standard is that of the inventory
  ('ABN-30', '', 'items_have', 'items_needed', 100, 'both', 'all'),
  -- what other indicators are made of
  ('quality', '', 'good_any', 'assessed_any', 100, 'both', 'all'),
  ('both_he', '', 'both_he', 'soc_pupils', 100, 'both', 'all'),
  ('one_parent', '', 'one_parent', 'soc_pupils', 100, 'both', 'all'),
  ('registers', '', 'registers', 'soc_pupils', 100, 'both', 'all'),
  ('nonnative', '', 'nonnative', 'soc_pupils', 100, 'both', 'all'),
  ('aoop', '', 'aoop', 'soc_pupils', 100, 'both', 'all'),
  ('risk', '', 'risk_zone', 'soc_pupils', 100, 'both', 'all'),
  ('individual', '', 'routes_or_plans', 'pupils', 100, 'both', 'all'),
  ('offers', '', 'offers_yes', 'offers_asked', 100, 'both', 'all'),
  ('per_pupil', '', 'spending', 'pupils', 1, 'both', 'all'),
  ('per_pupil', 'low', 'spending', 'pupils', 1, 'municipality', 'low');
INSERT INTO share
SELECT DISTINCT 'below', substr(name, 8), 'below_' || substr(name, 8), name, 100, 'both', 'all'
FROM amount WHERE name LIKE 'takers\_%' ESCAPE '\';

INSERT INTO value
SELECT id, breakdown, place, level, period, times * num / den, num, den
FROM (SELECT s.id, s.breakdown, s.times, m.place, m.level, m.period,
             sum(iif(m.level = 'municipality', n.counts, n.own)) AS num,
             sum(iif(m.level = 'municipality', d.counts, d.own)) AS den
      FROM share s JOIN amount n ON n.name = s.numerator
      JOIN amount d ON d.name = s.denominator AND d.unit = n.unit AND d.period = n.period
      JOIN member m ON m.unit = n.unit AND m.period = n.period AND m.series = 'school_year'
      JOIN eligible e ON e.who = s.who AND e.unit = m.unit AND e.period = m.period
      WHERE s.level IN ('both', m.level)
      GROUP BY s.id, s.breakdown, m.place, m.period)
WHERE den <> 0;

-- ABN-34: grants and their sum, of the school and of the district.
INSERT INTO value
SELECT 'ABN-34', iif(a.name = 'grants', 'as=sum', ''), m.place, m.level, m.period, sum(a.own), sum(a.own), NULL
FROM amount a JOIN member m ON m.unit = a.unit AND m.period = a.period AND m.level <> 'pool'
WHERE a.name IN ('grants', 'grants_count') GROUP BY a.name, m.place, m.level, m.period;

-- ==== low results: ABN-01, 03, 10 ====

-- A school or a pool fails at all stages taught when the failing share is over 5 % at each of them.
CREATE TABLE failing (place TEXT, period TEXT, everywhere INTEGER, PRIMARY KEY (place, period));
INSERT INTO failing
SELECT place, period, min(x > 5 + 1e-9) FROM value WHERE id = 'ABN-02' AND level <> 'municipality' GROUP BY place, period;

-- ABN-03.  ~ choice: a procedure is critically low when at least the threshold's share of its participants are below the
-- minimum, the in-school control when its score is below its threshold; thresholds of the district, by subject.
-- ~ choice: the score of schools merged later is their mean.
WITH limits AS (
  SELECT exam, subject, period, value + 0.0 AS x FROM ref WHERE series = 'threshold' AND level = 'district' AND grade = ''),
looked AS (
  SELECT v.place, v.level, v.period, coalesce(v.x >= l.x - 1e-9, 0) AS is_low
  FROM value v LEFT JOIN limits l ON l.exam || '_' || l.subject = v.breakdown AND l.period = v.period
  WHERE v.id = 'below' AND v.level <> 'municipality'
    AND v.breakdown IN ('oge_rus', 'oge_math', 'oge_soc_st', 'oge_bio', 'ege_rus', 'ege_math', 'ege_math_base', 'ege_soc_st',
                        'vpr_rus', 'vpr_math', 'vpr_hist')
  UNION ALL
  SELECT m.place, m.level, m.period, coalesce(avg(s.score) < l.x - 1e-9, 0)
  FROM status s JOIN member m ON m.unit = s.unit AND m.period = s.period AND m.level <> 'municipality'
  LEFT JOIN limits l ON l.exam = 'vshk' AND l.period = m.period
  WHERE s.score IS NOT NULL GROUP BY m.place, m.level, m.period)
INSERT INTO value
SELECT 'ABN-03', '', place, level, period, sum(is_low), NULL, NULL FROM looked GROUP BY place, level, period;

-- share: 100 or 0, and for the district per cent of the schools that are asked; count: 1 or 0, and how many.
CREATE TABLE verdict (id TEXT, breakdown TEXT, unit TEXT, period TEXT, yes INTEGER, how TEXT);

-- ABN-01: failing at all stages in this year and in the one before, or two procedures and more.
-- ~ choice: asked are schools of which either is known.
WITH judged AS (
  SELECT m.unit, m.period,
         coalesce(f.everywhere AND g.everywhere, 0) OR coalesce(v.x >= 2, 0) AS yes
  FROM member m LEFT JOIN failing f ON f.place = m.unit AND f.period = m.period
  LEFT JOIN before b ON b.place = m.unit AND b.period = m.period
  LEFT JOIN failing g ON g.place = b.earlier_place AND g.period = b.earlier
  LEFT JOIN value v ON v.id = 'ABN-03' AND v.place = m.unit AND v.period = m.period
  WHERE m.level = 'unit' AND m.series = 'school_year' AND (f.everywhere IS NOT NULL OR v.x IS NOT NULL))
INSERT INTO verdict
SELECT 'ABN-01', '', unit, period, yes, 'share' FROM judged
UNION ALL SELECT 'ABN-01', 'as=count', unit, period, yes, 'count' FROM judged;

-- ABN-10: low in one or two of the last three years, when all three are known.
-- ~ choice: low is two procedures of ABN-03 and more.
INSERT INTO verdict
SELECT 'ABN-10', '', v.place, v.period, (v.x >= 2) + (w.x >= 2) + (u.x >= 2) BETWEEN 1 AND 2, 'count'
FROM value v JOIN before b ON b.place = v.place AND b.period = v.period
JOIN value w ON w.id = v.id AND w.place = b.earlier_place AND w.period = b.earlier
JOIN before c ON c.place = b.earlier_place AND c.period = b.earlier
JOIN value u ON u.id = v.id AND u.place = c.earlier_place AND u.period = c.earlier
WHERE v.id = 'ABN-03' AND v.level = 'unit';

-- ==== graduates: ABN-07, 09 ====

-- ABN-07: all certified in this year and in the one before.
-- ~ choice: asked are schools with graduates of which both years are known.
INSERT INTO verdict
SELECT 'ABN-07', '', v.place, v.period, v.num = v.den AND w.num = w.den, 'share'
FROM value v JOIN before b ON b.place = v.place AND b.period = v.period
JOIN value w ON w.id = 'ABN-06' AND w.place = b.earlier_place AND w.period = b.earlier
WHERE v.id = 'ABN-06' AND v.level = 'unit';
-- ABN-09: high results in at least 10 % of participations; asked are schools with graduates.
INSERT INTO verdict
SELECT 'ABN-09', '', g.unit, g.period, coalesce(v.x >= 10 - 1e-9, 0), 'share'
FROM amount g LEFT JOIN value v ON v.id = 'ABN-08' AND v.place = g.unit AND v.period = g.period
WHERE g.name = 'graduates' AND g.own > 0;

-- ==== conditions: ABN-05, 12, 14 ====

-- The index of social well-being of each school.  ~ choice: the four parts of KOR-01 with equal weights, three of them turned.
INSERT INTO value
SELECT 'isb', '', place, level, period, avg(iif(id = 'both_he', x, 100 - x)), NULL, NULL FROM value
WHERE id IN ('both_he', 'one_parent', 'registers', 'nonnative') GROUP BY place, level, period HAVING count(*) = 4;

-- ABN-05: 1 both, 2 low results, 3 adverse conditions, 4 neither; of the district, how many schools of each class.
-- Adverse: an index below the district's threshold, or remote, or small.
WITH judged AS (
  SELECT m.unit, m.period, coalesce(s.is_low, 0) AS is_low,
         coalesce(i.x < (SELECT value FROM ref WHERE series = 'threshold' AND exam = 'isb' AND ref.period = m.period) - 1e-9, 0)
         OR coalesce(p.remote = '1', 0) OR coalesce(p.small = '1', 0) AS is_adverse
  FROM member m LEFT JOIN status s ON s.unit = m.unit AND s.period = m.period
  LEFT JOIN value i ON i.id = 'isb' AND i.place = m.unit AND i.period = m.period
  LEFT JOIN pass p ON p.unit = m.unit AND p.period = m.period
  WHERE m.level = 'unit' AND m.series = 'school_year' AND (s.unit IS NOT NULL OR i.x IS NOT NULL OR p.unit IS NOT NULL)),
classified AS (
  SELECT unit, period, CASE WHEN is_low AND is_adverse THEN 1 WHEN is_low THEN 2 WHEN is_adverse THEN 3 ELSE 4 END AS class
  FROM judged),
classes (class, code) AS (VALUES (1, 'both'), (2, 'low'), (3, 'adverse'), (4, 'neither'))
INSERT INTO value
SELECT 'ABN-05', '', unit, 'unit', period, class, NULL, NULL FROM classified
UNION ALL
SELECT 'ABN-05', 'class=' || k.code, '', 'municipality', c.period, sum(c.class = k.class), NULL, NULL
FROM classified c, classes k GROUP BY k.code, c.period;

-- ABN-12.
INSERT INTO verdict
SELECT 'ABN-12', 'flag=remote', unit, period, remote = '1', 'count' FROM pass
UNION ALL SELECT 'ABN-12', 'flag=small', unit, period, small = '1', 'count' FROM pass
UNION ALL SELECT 'ABN-12', 'flag=both', unit, period, remote = '1' AND small = '1', 'count' FROM pass;

-- ABN-14: mean of four shares; none without all of them.
INSERT INTO value
SELECT 'ABN-14', '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id IN ('aoop', 'registers', 'nonnative', 'risk') GROUP BY place, level, period HAVING count(*) = 4;

-- ==== gaps: ABN-11, 16 ====

-- ABN-11: mean of the other schools less mean of the identified ones.  ~ choice: of the quality rate.
INSERT INTO value
SELECT 'ABN-11', '', '', 'municipality', v.period,
       avg(iif(coalesce(s.is_low, 0), NULL, v.x)) - avg(iif(s.is_low, v.x, NULL)), NULL, NULL
FROM value v LEFT JOIN status s ON s.unit = v.place AND s.period = v.period
WHERE v.id = 'quality' AND v.level = 'unit' GROUP BY v.period
HAVING sum(coalesce(s.is_low, 0)) > 0 AND sum(coalesce(s.is_low, 0) = 0) > 0;

-- ABN-16: spending per pupil above or below the district's, in per cent of it: of the identified schools together, and of
-- each school.  ~ choice: that of the school year begun in the calendar year.
INSERT INTO value
SELECT 'ABN-16', '', '', 'municipality', c.year, 100 * (low.x / mean.x - 1), NULL, NULL
FROM calendar c JOIN value low ON low.id = 'per_pupil' AND low.breakdown = 'low' AND low.place = '' AND low.period = c.begun
JOIN value mean ON mean.id = 'per_pupil' AND mean.breakdown = '' AND mean.place = '' AND mean.period = c.begun;
INSERT INTO value
SELECT 'ABN-16', 'of=school', v.place, 'unit', c.year, 100 * (v.x / mean.x - 1), NULL, NULL
FROM calendar c JOIN value v ON v.id = 'per_pupil' AND v.level = 'unit' AND v.period = c.begun
JOIN value mean ON mean.id = 'per_pupil' AND mean.breakdown = '' AND mean.place = '' AND mean.period = c.begun
JOIN member m ON m.level = 'unit' AND m.unit = v.place AND m.period = c.year;

-- ==== environment: ABN-18 ====

-- Pedagogical part of the survey on safety: items 5, 6, 7, 9 as an index of 0 to 100; 0 is hard to say and left out.
-- ~ choice: the sheets of all groups together.  A school needs 5 sheets, the district 3 schools.
WITH told AS (
  SELECT rowid AS sheet, unit, period, q5 AS a FROM survey_bos
  UNION ALL SELECT rowid, unit, period, q6 FROM survey_bos
  UNION ALL SELECT rowid, unit, period, q7 FROM survey_bos
  UNION ALL SELECT rowid, unit, period, q9 FROM survey_bos),
polled AS (
  SELECT m.place, m.level, m.period, count(DISTINCT t.sheet) AS sheets, count(DISTINCT t.unit) AS schools, avg(t.a + 0) AS mean
  FROM told t JOIN member m ON m.unit = t.unit AND m.period = t.period
  WHERE t.a + 0 BETWEEN 1 AND 4 GROUP BY m.place, m.level, m.period)
INSERT INTO value
SELECT 'pedagogical', '', place, level, period, (mean - 1) / 3 * 100, NULL, NULL
FROM polled WHERE iif(level = 'municipality', schools >= 3, sheets >= 5);
-- ABN-18: ~ choice: equal weights; none without all three parts.
INSERT INTO value
SELECT 'ABN-18', '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id IN ('pedagogical', 'individual', 'offers') GROUP BY place, level, period HAVING count(*) = 3;

-- ==== agreements: ABN-19, 32 ====

-- One line for each agreement in force on the day of filling in, whichever side has sent it.
CREATE TABLE relation (code TEXT, one TEXT, other TEXT, period TEXT, is_school INTEGER);
INSERT INTO relation
SELECT agreement, min(n.unit, n.partner_code), max(n.unit, n.partner_code), n.period, max(n.partner = 'school')
FROM net n JOIN roster_units r ON r.unit = n.unit AND r.period = n.period
WHERE n.start_date <= n.filled_on AND (n.end_date = '' OR n.end_date >= n.filled_on)
GROUP BY agreement, min(n.unit, n.partner_code), max(n.unit, n.partner_code), n.period;

-- ABN-32: each once for the district.
INSERT INTO value
SELECT 'ABN-32', '', '', 'municipality', period, count(*), count(*), NULL FROM relation GROUP BY period;

-- The following are asked of every school of the roster, in the periods of which anybody has said anything; no answer is no.
CREATE TABLE asked (id TEXT, unit TEXT, period TEXT, yes INTEGER);
-- ABN-19: an agreement with a school; it is dropped when one of the two is not in the roster.
INSERT INTO asked
SELECT 'ABN-19', x.unit, r.period, r.is_school AND y.unit IS NOT NULL
FROM relation r JOIN roster_units x ON x.period = r.period AND x.unit IN (r.one, r.other)
LEFT JOIN roster_units y ON y.period = r.period AND y.unit = iif(x.unit = r.one, r.other, r.one);

-- ==== decisions, support, openness: ABN-15, 22, 24, 33 ====

-- ABN-15: asked are the identified schools.
INSERT INTO verdict SELECT 'ABN-15', '', unit, period, is_effective, 'share' FROM status WHERE is_low;
-- ABN-22: ~ choice: either the coordinator or the school has recorded it.
INSERT INTO asked
SELECT 'ABN-22', unit, period, decision_taken = '1' FROM assess
UNION ALL SELECT 'ABN-22', unit, period, value = 'yes' FROM docs WHERE doc = 'decision_taken';
-- ABN-24: ~ choice: consultations, seminars, meetings of the subject unions and landings are support.
INSERT INTO asked
SELECT 'ABN-24', e.unit, h.year,
       e.kind IN ('consultation', 'group_consultation', 'seminar', 'rmo_meeting', 'landing') AND e.held + 0 > 0
FROM event e JOIN half h ON h.period = e.period;
-- ABN-33: the three publications of the school year in which the half-year lies.
INSERT INTO asked
SELECT 'ABN-33', d.unit, h.period, sum(d.value = 'yes') = 3
FROM docs d JOIN half h ON h.year = d.period WHERE d.doc IN ('pub_plan', 'pub_progress', 'pub_results')
GROUP BY d.unit, h.period;
INSERT INTO verdict
SELECT q.id, '', m.unit, m.period, coalesce(max(a.yes), 0), 'share'
FROM (SELECT DISTINCT id, period FROM asked) q JOIN member m ON m.level = 'unit' AND m.period = q.period
LEFT JOIN asked a ON a.id = q.id AND a.period = q.period AND a.unit = m.unit
GROUP BY q.id, m.unit, m.period;

INSERT INTO value
SELECT v.id, v.breakdown, v.unit, 'unit', v.period, iif(v.how = 'share', 100, 1) * v.yes, NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
UNION ALL
SELECT v.id, v.breakdown, '', 'municipality', v.period, iif(v.how = 'share', 100.0 * sum(v.yes) / count(*), sum(v.yes)), NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
GROUP BY v.id, v.breakdown, v.period;

-- ==== the district itself: ABN-20, 23 to 27 ====

-- Documents of the district: what was said of each in a school year.
CREATE TABLE document (doc TEXT, period TEXT, yes INTEGER, is_asked INTEGER, amount REAL, PRIMARY KEY (doc, period));
INSERT INTO document
SELECT doc, period, value = 'yes', value <> 'not_applicable', nullif(amount, '') + 0 FROM docs_district;
-- ABN-23: all acts of the list, and how many.  ABN-25: all four groups in the plans of networking.
INSERT INTO value
SELECT 'ABN-23', '', '', 'municipality', period, sum(yes) = sum(is_asked) AND sum(is_asked) > 0, NULL, NULL
FROM document WHERE doc LIKE 'act\_%' ESCAPE '\' GROUP BY period
UNION ALL
SELECT 'ABN-23', 'as=count', '', 'municipality', period, sum(yes), sum(yes), NULL
FROM document WHERE doc LIKE 'act\_%' ESCAPE '\' GROUP BY period
UNION ALL
SELECT 'ABN-25', '', '', 'municipality', period, sum(yes) >= 4, NULL, NULL
FROM document WHERE doc LIKE 'net\_plan\_%' ESCAPE '\' GROUP BY period
UNION ALL SELECT 'ABN-24', 'of=regional_staff', '', 'municipality', period, yes, NULL, NULL
FROM document WHERE doc = 'regional_staff'
-- ABN-27: heads with consultant status.
UNION ALL SELECT 'ABN-27', '', '', 'municipality', period, amount, amount, NULL
FROM document WHERE doc = 'consultant_heads' AND amount IS NOT NULL;

-- ABN-20: practices accepted in the year; seminars and master classes of the district, and who came.
INSERT INTO value
SELECT 'ABN-20', 'of=practices', '', 'municipality', p.period, count(*), count(*), NULL
FROM prac p JOIN roster_units r ON r.unit = p.unit AND r.period = p.period WHERE p.status = 'accepted' GROUP BY p.period;
WITH shared AS (
  SELECT h.year, sum(iif(e.kind IN ('seminar', 'master_class'), e.held, 0)) AS held,
         sum(iif(e.kind IN ('seminar', 'master_class'), e.participants, 0)) AS people
  FROM event_district e JOIN half h ON h.period = e.period GROUP BY h.year)
INSERT INTO value
SELECT 'ABN-20', 'of=events', '', 'municipality', year, held, held, NULL FROM shared
UNION ALL SELECT 'ABN-20', 'of=participants', '', 'municipality', year, people, people, NULL FROM shared;
-- ABN-26: accepted practices on the transition, since the beginning; those of merged schools stay in the bank.
INSERT INTO value
SELECT 'ABN-26', '', '', 'municipality', period, n, n, NULL
FROM (SELECT y.period, count(DISTINCT p.unit || ' ' || p.practice) AS n
      FROM periods y JOIN periods e ON e.series = 'school_year' AND e.first <= y.last
      JOIN prac p ON p.period = e.period AND p.status = 'accepted' AND p.theme = 'transition'
      JOIN roster_units r ON r.unit = p.unit AND r.period = p.period
      WHERE y.series = 'school_year' GROUP BY y.period);

-- ==== execution: ABN-28, 31 ====

-- ABN-28: done by the day on which it was due, of what was due within a half-year or a stage; what does not apply or was
-- cancelled is not due.  For the district the mean of the schools.  Periods of which anybody has reported.
-- ~ choice: a school that was merged within a stage owes all that is due in it.
WITH reported AS (
  SELECT e.unit, e.measure, e.status, e.done_on, h.first FROM exec e JOIN half h ON h.period = e.period),
due AS (
  SELECT m.unit, m.period, r.measure,
         EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.measure = r.measure AND e.first <= p.last
                 AND e.status IN ('done', 'late') AND e.done_on <> '' AND e.done_on <= r.due) AS is_on_time
  FROM member m JOIN periods p ON p.period = m.period AND p.series IN ('school_half_year', 'abn_stage')
  JOIN roadmap r ON r.due BETWEEN p.first AND p.last
  WHERE m.level = 'unit'
    AND EXISTS (SELECT 1 FROM exec e JOIN periods h ON h.period = e.period WHERE h.first <= p.last AND h.last >= p.first)
    AND NOT EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.measure = r.measure AND e.first <= p.last
                    AND e.status IN ('not_applicable', 'cancelled')))
INSERT INTO value
SELECT 'ABN-28', '', unit, 'unit', period, 100.0 * sum(is_on_time) / count(*), sum(is_on_time), count(*)
FROM due GROUP BY unit, period;
INSERT INTO value
SELECT 'ABN-28', '', '', 'municipality', period, avg(x), NULL, NULL FROM value WHERE id = 'ABN-28' GROUP BY period;

-- ABN-31: measures in which every school of the roster took part, of those in which any did.  ~ choice: who has named
-- participants took part; nobody is excused.
WITH part AS (
  SELECT h.year, e.measure, count(DISTINCT e.unit) AS schools
  FROM exec e JOIN half h ON h.period = e.period JOIN roster_units r ON r.unit = e.unit AND r.period = h.year
  WHERE e.participants + 0 > 0 GROUP BY h.year, e.measure)
INSERT INTO value
SELECT 'ABN-31', '', '', 'municipality', year, 100.0 * sum(is_all) / count(*), sum(is_all), count(*)
FROM (SELECT year, schools = (SELECT count(*) FROM roster_units r WHERE r.period = part.year) AS is_all FROM part)
GROUP BY year;

-- ==== changes against the year before: ABN-11, 30, 32 ====

INSERT INTO value
SELECT v.id, 'change=last_year', v.place, v.level, v.period, v.x - w.x, NULL, NULL
FROM value v JOIN before b ON b.place = v.place AND b.period = v.period
JOIN value w ON w.id = v.id AND w.breakdown = '' AND w.place = b.earlier_place AND w.period = b.earlier
WHERE v.id IN ('ABN-11', 'ABN-30', 'ABN-32') AND v.breakdown = '' AND v.level <> 'pool';

-- ==== what comes out ====

SELECT id, level, place, period, breakdown, printf('%.6f', x + 0.0), iif(num = CAST(num AS INTEGER), CAST(num AS INTEGER), ''),
       iif(den = CAST(den AS INTEGER), CAST(den AS INTEGER), '')
FROM value WHERE id LIKE 'ABN-%' AND level IN ('unit', 'municipality') ORDER BY id, breakdown, period, place;
