-- Korolyov, KOR-01 to KOR-58, computed from the tables of truth/ (../README.md) and from nothing else: formulas are those
-- of the catalogue of indicators.  "~ choice" marks what the catalogue leaves open and the pack has decided.
--
-- How it is built: `amount` holds plain sums of a school in a period; `share` says what is divided by what; `value` holds
-- whatever has been computed of a place: a school, or the municipality ('').  No school of this district is merged.

-- ==== places and periods ====

CREATE TABLE member (place TEXT, level TEXT, series TEXT, period TEXT, unit TEXT);
INSERT INTO member SELECT unit, 'unit', series, period, unit FROM roster_units;
INSERT INTO member SELECT '', 'municipality', series, period, unit FROM roster_units;
CREATE INDEX member_by_unit ON member (unit, period);

-- The period before in the series, the same one a year before, and that of the base year.
CREATE TABLE before (period TEXT, back TEXT, earlier TEXT, PRIMARY KEY (period, back));
INSERT INTO before
SELECT p.period, 'previous', q.period FROM periods p JOIN periods q ON q.series = p.series AND q.n + 0 = p.n - 1;
INSERT INTO before
SELECT p.period, 'last_year', q.period
FROM periods p JOIN periods q ON q.series = p.series AND q.first = date(p.first, '-1 year');
-- ~ choice: the base is the school year before the programme, which ended in 2018.
INSERT INTO before SELECT period, 'base', '2017/18' FROM periods WHERE series = 'school_year';

-- Which half-years and days lie inside a school year, and which days inside a half-year.
CREATE TABLE inside (whole TEXT, period TEXT, series TEXT, first TEXT);
INSERT INTO inside
SELECT y.period, p.period, p.series, p.first FROM periods y JOIN periods p ON p.first >= y.first AND p.last <= y.last
WHERE y.series IN ('school_year', 'school_half_year');

-- Which school years have begun by the end of a school year: for what is counted from the start.
CREATE TABLE so_far (year TEXT, period TEXT, last TEXT, year_last TEXT);
INSERT INTO so_far
SELECT y.period, p.period, p.last, y.last FROM periods y JOIN periods p ON p.series = 'school_year' AND p.first <= y.last
WHERE y.series = 'school_year';

-- ==== sums of a school ====

-- `own`: the school's number; `counts`: what it adds to the district (a person counts at the main place alone).
CREATE TABLE amount (name TEXT, unit TEXT, period TEXT, own REAL, counts REAL, PRIMARY KEY (name, unit, period));

-- pass: pupils, of the school year and of its half-years; pupils of grades 8-11.
INSERT INTO amount SELECT 'pupils', unit, period, pupils, pupils FROM pass;
INSERT INTO amount
SELECT 'pupils', p.unit, i.period, p.pupils, p.pupils FROM pass p
JOIN inside i ON i.whole = p.period AND i.series = 'school_half_year';
INSERT INTO amount
SELECT 'pupils_8_11', unit, period, sum(iif(grade + 0 >= 8, grade_pupils, 0)), sum(iif(grade + 0 >= 8, grade_pupils, 0))
FROM pass_grades GROUP BY unit, period;

-- soc, reg: states on a day; for a school year or a half-year the last of its days on which the school knew the number.
-- ~ choice: each number by itself; one that is not known in May is that of October.
CREATE TABLE state (name TEXT, unit TEXT, day TEXT, x REAL);
INSERT INTO state
SELECT 'soc_pupils', unit, period, pupils FROM soc WHERE pupils <> ''
UNION ALL SELECT 'both_parents_he', unit, period, both_parents_he FROM soc WHERE both_parents_he <> ''
UNION ALL SELECT 'one_parent', unit, period, one_parent_family FROM soc WHERE one_parent_family <> ''
UNION ALL SELECT 'on_registers', unit, period, on_registers FROM soc WHERE on_registers <> ''
UNION ALL SELECT 'non_native', unit, period, non_native_russian FROM soc WHERE non_native_russian <> ''
UNION ALL SELECT 'from_abroad', unit, period, from_abroad FROM soc WHERE from_abroad <> ''
UNION ALL SELECT 'parents', unit, period, parents FROM soc WHERE parents <> ''
UNION ALL SELECT 'parents_worker', unit, period, parents_worker FROM soc WHERE parents_worker <> ''
UNION ALL
SELECT 'parents_secondary', unit, period, parents_secondary_or_vocational FROM soc WHERE parents_secondary_or_vocational <> ''
UNION ALL SELECT 'on_any_register', unit, period, on_any_register FROM reg WHERE on_any_register <> ''
UNION ALL SELECT 'systematic_absence', unit, period, systematic_absence FROM reg WHERE systematic_absence <> ''
UNION ALL SELECT 'dropouts', unit, period, dropouts FROM reg WHERE dropouts <> '';
INSERT INTO amount SELECT name, unit, day, x, x FROM state;
INSERT INTO amount
SELECT name, unit, whole, x, x
FROM (SELECT s.name, s.unit, i.whole, s.x, row_number() OVER (PARTITION BY s.name, s.unit, i.whole ORDER BY i.first DESC) AS place
      FROM state s JOIN inside i ON i.period = s.day AND i.series IN ('soc_date', 'reg_date'))
WHERE place = 1;

-- marks: pupils over all subjects; of all grades, of grades 4 and 5, of a group of pupils and of all others.
WITH parts (name) AS (VALUES ('all'), ('4'), ('5'), ('nonnative'), ('large_or_low')),
marked AS (
  SELECT p.name, m.unit, m.period, sum(m.assessed) AS assessed, sum(m.only_4_5) AS good, sum(m.failing) AS failing
  FROM parts p JOIN marks_rows m
  ON m.subject = 'all' AND (m."group" = p.name OR (m."group" = 'all' AND m.grade = p.name))
  GROUP BY p.name, m.unit, m.period)
INSERT INTO amount
SELECT 'assessed_' || name, unit, period, assessed, assessed FROM marked
UNION ALL SELECT 'good_' || name, unit, period, good, good FROM marked
UNION ALL SELECT 'passed_' || name, unit, period, assessed - failing, assessed - failing FROM marked
UNION ALL
SELECT 'assessed_not_' || g.name, g.unit, g.period, a.assessed - g.assessed, a.assessed - g.assessed
FROM marked g JOIN marked a ON a.name = 'all' AND a.unit = g.unit AND a.period = g.period
WHERE g.name IN ('nonnative', 'large_or_low')
UNION ALL
SELECT 'good_not_' || g.name, g.unit, g.period, a.good - g.good, a.good - g.good
FROM marked g JOIN marked a ON a.name = 'all' AND a.unit = g.unit AND a.period = g.period
WHERE g.name IN ('nonnative', 'large_or_low');

-- exam: the record that stands.  Mean of the ЕГЭ: of scores from 0 to 100; basic mathematics has marks from 2 to 5 and is
-- left out of it.
INSERT INTO amount
SELECT exam || '_scored', unit, period, sum(participants), sum(participants)
FROM exam_rows WHERE subject <> 'math_base' GROUP BY exam, unit, period;
INSERT INTO amount
SELECT exam || '_points', unit, period, sum(score_sum), sum(score_sum)
FROM exam_rows WHERE subject <> 'math_base' GROUP BY exam, unit, period;

-- cert: both graduating grades together.
WITH graduated AS (
  SELECT unit, period, sum(graduates) AS graduates, sum(continue_study) AS placed, sum(trade_finished) AS finished,
         sum(got_trade) AS got
  FROM cert_rows GROUP BY unit, period)
INSERT INTO amount
SELECT 'graduates', unit, period, graduates, graduates FROM graduated
UNION ALL SELECT 'placed', unit, period, placed, placed FROM graduated
UNION ALL SELECT 'trade_finished', unit, period, finished, finished FROM graduated
UNION ALL SELECT 'trade_got', unit, period, got, got FROM graduated;

-- staff, and what is said of the same people in pd and def: one row a person and year.
CREATE TABLE person (unit TEXT, period TEXT, teacher TEXT, main INTEGER, is_old INTEGER, is_without_higher INTEGER,
                     is_unmatched INTEGER, PRIMARY KEY (unit, period, teacher));
INSERT INTO person
SELECT unit, period, teacher, main_place = '1', age = 'a55', education <> 'higher', post = 'teacher' AND matches_subject = '0'
FROM staff;

-- KOR-16, 18, 21.  ~ choice: a course of one of the last three school years, with or without a document; who has ever begun
-- degree study, as long as the education is not higher.
WITH trained AS (
  SELECT p.*,
         EXISTS (SELECT 1 FROM pd t JOIN so_far s ON s.period = t.period AND s.year = p.period
                 WHERE t.unit = p.unit AND t.teacher = p.teacher AND t.kind = 'course'
                 AND s.last > date(s.year_last, '-3 years')) AS course_3,
         EXISTS (SELECT 1 FROM pd t JOIN so_far s ON s.period = t.period AND s.year = p.period
                 WHERE t.unit = p.unit AND t.teacher = p.teacher AND t.kind = 'degree_study') AS degree
  FROM person p)
INSERT INTO amount
SELECT 'staff', unit, period, count(*), sum(main) FROM trained GROUP BY unit, period
UNION ALL SELECT 'staff_old', unit, period, sum(is_old), sum(is_old AND main) FROM trained GROUP BY unit, period
UNION ALL SELECT 'staff_course_3', unit, period, sum(course_3), sum(course_3 AND main) FROM trained GROUP BY unit, period
UNION ALL
SELECT 'staff_without_higher', unit, period, sum(is_without_higher), sum(is_without_higher AND main)
FROM trained GROUP BY unit, period
UNION ALL
SELECT 'staff_degree', unit, period, sum(is_without_higher AND degree), sum(is_without_higher AND degree AND main)
FROM trained GROUP BY unit, period;

-- KOR-17.  ~ choice: "at the start" is from the first year on: who has ever taught a subject without its diploma, and who of
-- them has been retrained by now.
WITH unmatched AS (
  SELECT s.year, p.unit, p.teacher, max(p.main) AS main FROM person p JOIN so_far s ON s.period = p.period
  WHERE p.is_unmatched GROUP BY s.year, p.unit, p.teacher),
retrained AS (
  SELECT u.*, EXISTS (SELECT 1 FROM pd t JOIN so_far s ON s.period = t.period AND s.year = u.year
                      WHERE t.unit = u.unit AND t.teacher = u.teacher AND t.kind = 'retraining') AS yes
  FROM unmatched u)
INSERT INTO amount
SELECT 'unmatched', unit, year, count(*), sum(main) FROM retrained GROUP BY unit, year
UNION ALL SELECT 'retrained', unit, year, sum(yes), sum(yes AND main) FROM retrained GROUP BY unit, year;

-- KOR-19, 20: who uses a modern method in any area; who took part at a level.  Asked where the form has been sent.
INSERT INTO amount
SELECT 'staff_modern', p.unit, p.period, sum(d.modern), sum(d.modern AND p.main)
FROM (SELECT unit, period, teacher, max(uses_modern_method = '1') AS modern FROM def GROUP BY unit, period, teacher) d
JOIN person p USING (unit, period, teacher) GROUP BY p.unit, p.period;
WITH levels (level) AS (VALUES ('school'), ('municipal'), ('regional'), ('federal')),
took_part AS (
  SELECT l.level, t.unit, t.period, t.teacher, max(t.level = l.level) AS yes FROM levels l JOIN pd t
  GROUP BY l.level, t.unit, t.period, t.teacher)
INSERT INTO amount
SELECT 'staff_' || t.level, p.unit, p.period, sum(t.yes), sum(t.yes AND p.main)
FROM took_part t JOIN person p USING (unit, period, teacher) GROUP BY t.level, p.unit, p.period;

-- KOR-24, specialists.  ~ choice: whoever has had any activity on mediation since the light year.
WITH specialists AS (
  SELECT s.year, t.unit, t.teacher, max(t.topic = 'mediation') AS yes, max(p.main) AS main
  FROM pd t JOIN so_far s ON s.period = t.period LEFT JOIN person p USING (unit, period, teacher)
  GROUP BY s.year, t.unit, t.teacher)
INSERT INTO amount SELECT 'specialists', unit, year, sum(yes), sum(yes AND main) FROM specialists GROUP BY unit, year;

-- res: what is had beyond what is needed counts for nothing.
INSERT INTO amount SELECT 'posts_needed', unit, period, posts_needed, posts_needed FROM res;
INSERT INTO amount SELECT 'posts_filled', unit, period, posts_filled, posts_filled FROM res;
INSERT INTO amount
SELECT 'items_needed', unit, period, sum(needed), sum(needed) FROM res_items GROUP BY unit, period;
INSERT INTO amount
SELECT 'items_have', unit, period, sum(min(needed + 0, have + 0)), sum(min(needed + 0, have + 0))
FROM res_items GROUP BY unit, period;

-- supp: by half-year, all bands; for a school year its last half-year with the number.
CREATE TABLE support (name TEXT, unit TEXT, period TEXT, x REAL);
WITH told AS (
  SELECT unit, period, 'iom_or_iup' AS name, iom_or_iup AS x FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'extracurricular', extracurricular FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'on_register_busy', on_register_busy FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'trade_study', trade_study FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'tutor_nonnative', tutor FROM supp_rows WHERE "group" = 'nonnative'
  UNION ALL SELECT unit, period, 'difficulty_nonnative', difficulty FROM supp_rows WHERE "group" = 'nonnative')
INSERT INTO support SELECT name, unit, period, sum(x) FROM told WHERE x <> '' GROUP BY name, unit, period;
INSERT INTO amount SELECT name, unit, period, x, x FROM support;
INSERT INTO amount
SELECT name, unit, whole, x, x
FROM (SELECT s.name, s.unit, i.whole, s.x, row_number() OVER (PARTITION BY s.name, s.unit, i.whole ORDER BY i.first DESC) AS place
      FROM support s JOIN inside i ON i.period = s.period AND i.series = 'school_half_year'
      JOIN periods y ON y.period = i.whole AND y.series = 'school_year')
WHERE place = 1;

-- event: how many were held and how many took part.  A school that has told of its events and had none of a kind has zero.
INSERT INTO amount
SELECT 'mediations', unit, period, sum(iif(kind = 'mediation_case', held, 0)), sum(iif(kind = 'mediation_case', held, 0))
FROM event GROUP BY unit, period
UNION ALL
SELECT 'parents_club', unit, period, sum(iif(kind = 'parents_club', held, 0)), sum(iif(kind = 'parents_club', held, 0))
FROM event GROUP BY unit, period
UNION ALL
SELECT 'parents_club_people', unit, period, sum(iif(kind = 'parents_club', participants, 0)),
       sum(iif(kind = 'parents_club', participants, 0))
FROM event GROUP BY unit, period
UNION ALL
SELECT 'publications', unit, period, sum(iif(kind = 'publication', held, 0)), sum(iif(kind = 'publication', held, 0))
FROM event GROUP BY unit, period;

-- cont: different pupils over all levels, and of each level; a level that a school's list does not have is none.
INSERT INTO amount SELECT 'contest_all', unit, period, distinct_pupils_all, distinct_pupils_all FROM cont;
WITH levels (level) AS (VALUES ('municipal'), ('regional'), ('federal'), ('international'))
INSERT INTO amount
SELECT 'contest_' || l.level, c.unit, c.period, coalesce(sum(r.distinct_pupils), 0), coalesce(sum(r.distinct_pupils), 0)
FROM levels l JOIN cont c LEFT JOIN cont_levels r ON r.unit = c.unit AND r.period = c.period AND r.level = l.level
GROUP BY l.level, c.unit, c.period;

-- diag, by the centre.  KOR-27: of those who need a speech therapist, for speech or for writing.
WITH screenings AS (
  SELECT unit, period, diagnostic AS name, eligible, examined, need_support, receiving_support FROM diag_rows
  UNION ALL
  SELECT unit, period, 'therapy', eligible, examined, need_support, receiving_support FROM diag_rows
  WHERE diagnostic IN ('speech_readiness', 'writing')),
screened AS (
  SELECT name, unit, period, sum(eligible) AS eligible, sum(examined) AS examined, sum(need_support) AS need,
         sum(receiving_support) AS helped
  FROM screenings GROUP BY name, unit, period)
INSERT INTO amount
SELECT name || '_eligible', unit, period, eligible, eligible FROM screened
UNION ALL SELECT name || '_examined', unit, period, examined, examined FROM screened
UNION ALL SELECT name || '_need', unit, period, need, need FROM screened WHERE name <> 'drug_risk'
UNION ALL SELECT name || '_helped', unit, period, helped, helped FROM screened WHERE name <> 'drug_risk';

-- docs.  KOR-42: how many groups; "no" is none.  KOR-46: items met of the 10 of each of the two checks (inside, grounds);
-- "no" is none met, a check that does not apply is left out.
INSERT INTO amount
SELECT 'language_groups', unit, period, iif(value = 'no', 0, amount), iif(value = 'no', 0, amount)
FROM docs WHERE doc = 'groups' AND (value = 'no' OR amount <> '');
WITH checks AS (
  SELECT unit, period, sum(iif(amount = '', 0, amount)) AS met, 10 * count(*) AS items FROM docs
  WHERE doc IN ('conditions_inside', 'conditions_grounds') AND value <> 'not_applicable' GROUP BY unit, period)
INSERT INTO amount
SELECT 'conditions_met', unit, period, met, met FROM checks
UNION ALL SELECT 'conditions_all', unit, period, items, items FROM checks;

-- prac: materials accepted so far, each once.  A school that has sent some and has none accepted has zero.
INSERT INTO amount
SELECT 'practices', unit, year, sum(accepted), sum(accepted)
FROM (SELECT s.year, p.unit, p.practice, max(p.status = 'accepted') AS accepted FROM prac p JOIN so_far s ON s.period = p.period
      GROUP BY s.year, p.unit, p.practice)
GROUP BY unit, year;

-- net: agreements in force on the day of filling in.  Plans: as a school tells of its own.
CREATE VIEW agreement AS
SELECT *, start_date <= filled_on AND (end_date = '' OR end_date >= filled_on) AS in_force FROM net;
INSERT INTO amount
SELECT 'plan_items', unit, period, sum(plan_items), sum(plan_items) FROM agreement WHERE in_force GROUP BY unit, period
UNION ALL
SELECT 'plan_done', unit, period, sum(plan_done), sum(plan_done) FROM agreement WHERE in_force GROUP BY unit, period;
-- Agreements that a school is an end of, whichever end has told of them.  A school that has told and has none in force: zero.
WITH ends AS (
  SELECT unit, period, agreement, in_force, iif(partner = 'school', min(unit, partner_code), unit) AS one FROM agreement
  UNION ALL
  SELECT partner_code, period, agreement, in_force, min(unit, partner_code) FROM agreement
  WHERE partner = 'school' AND in_force)
INSERT INTO amount
SELECT 'agreements', unit, period, count(DISTINCT iif(in_force, one || ' ' || agreement, NULL)), 0
FROM ends GROUP BY unit, period;

-- ==== shares ====

CREATE TABLE value (id TEXT, breakdown TEXT, place TEXT, level TEXT, period TEXT, x REAL, num REAL, den REAL,
                    PRIMARY KEY (id, breakdown, place, period));

-- times: 100 a share, 1 a ratio.  series: what it is computed in.  The district's: sums over the schools that have both.
CREATE TABLE share (id TEXT, breakdown TEXT, numerator TEXT, denominator TEXT, times INTEGER, series TEXT, level TEXT);
INSERT INTO share VALUES
  ('KOR-02', '', 'both_parents_he', 'soc_pupils', 100, 'school_year', 'both'),
  ('KOR-03', '', 'one_parent', 'soc_pupils', 100, 'school_year', 'both'),
  ('KOR-04', '', 'on_registers', 'soc_pupils', 100, 'school_year', 'both'),
  ('KOR-05', '', 'non_native', 'soc_pupils', 100, 'school_year', 'both'),
  ('KOR-06', '', 'from_abroad', 'soc_pupils', 100, 'school_year', 'unit'),
  ('KOR-07', '', 'parents_worker', 'parents', 100, 'school_year', 'unit'),
  ('KOR-08', '', 'parents_secondary', 'parents', 100, 'school_year', 'unit'),
  ('KOR-12', '', 'passed_all', 'assessed_all', 100, 'school_quarter school_year', 'unit'),
  ('KOR-13', '', 'good_all', 'assessed_all', 100, 'school_quarter school_year', 'unit'),
  ('KOR-16', '', 'staff_course_3', 'staff', 100, 'school_year', 'both'),
  ('KOR-17', '', 'retrained', 'unmatched', 100, 'school_year', 'both'),
  ('KOR-18', '', 'staff_degree', 'staff_without_higher', 100, 'school_year', 'both'),
  ('KOR-19', '', 'staff_modern', 'staff', 100, 'school_year', 'unit'),
  ('KOR-20', 'level=school', 'staff_school', 'staff', 100, 'school_year', 'unit'),
  ('KOR-20', 'level=municipal', 'staff_municipal', 'staff', 100, 'school_year', 'unit'),
  ('KOR-20', 'level=regional', 'staff_regional', 'staff', 100, 'school_year', 'unit'),
  ('KOR-20', 'level=federal', 'staff_federal', 'staff', 100, 'school_year', 'unit'),
  ('KOR-21', '', 'staff_old', 'staff', 100, 'school_year', 'unit'),
  ('KOR-23', '', 'posts_filled', 'posts_needed', 100, 'school_year', 'unit'),
  ('KOR-25', '', 'speech_readiness_need', 'speech_readiness_examined', 100, 'school_year', 'municipality'),
  ('KOR-25', 'of=eligible', 'speech_readiness_examined', 'speech_readiness_eligible', 100, 'school_year', 'municipality'),
  ('KOR-26', '', 'writing_need', 'writing_examined', 100, 'school_year', 'municipality'),
  ('KOR-26', 'of=eligible', 'writing_examined', 'writing_eligible', 100, 'school_year', 'municipality'),
  -- ~ choice: by school year, as the centre tells it
  ('KOR-27', '', 'therapy_helped', 'therapy_need', 100, 'school_year', 'municipality'),
  ('KOR-28', '', 'stress_need', 'stress_examined', 100, 'school_year', 'municipality'),
  ('KOR-29', 'of=eligible', 'drug_risk_examined', 'drug_risk_eligible', 100, 'school_year', 'municipality'),
  ('KOR-32', '', 'trade_study', 'pupils_8_11', 100, 'school_year', 'both'),
  ('KOR-33', '', 'trade_got', 'trade_finished', 100, 'school_year', 'both'),
  ('KOR-40', '', 'tutor_nonnative', 'non_native', 100, 'school_half_year', 'unit'),
  ('KOR-41', '', 'difficulty_nonnative', 'non_native', 100, 'school_year', 'unit'),
  ('KOR-44', 'as=plan', 'plan_done', 'plan_items', 100, 'school_year', 'unit'),
  ('KOR-45', '', 'items_have', 'items_needed', 100, 'school_year', 'unit'),
  ('KOR-46', '', 'conditions_met', 'conditions_all', 100, 'school_year', 'unit'),
  ('KOR-53', '', 'iom_or_iup', 'pupils', 100, 'school_half_year', 'unit'),
  ('KOR-54', '', 'placed', 'graduates', 100, 'school_year', 'unit'),
  ('KOR-55', '', 'extracurricular', 'pupils', 100, 'school_half_year', 'unit'),
  ('KOR-55', 'of=registers', 'on_register_busy', 'on_any_register', 100, 'school_half_year', 'unit'),
  -- what other indicators are made of
  ('quality', '4', 'good_4', 'assessed_4', 100, 'school_year', 'unit'),
  ('quality', '5', 'good_5', 'assessed_5', 100, 'school_year', 'unit'),
  ('quality', 'nonnative', 'good_nonnative', 'assessed_nonnative', 100, 'school_year', 'unit'),
  ('quality', 'not_nonnative', 'good_not_nonnative', 'assessed_not_nonnative', 100, 'school_year', 'unit'),
  ('quality', 'large_or_low', 'good_large_or_low', 'assessed_large_or_low', 100, 'school_year', 'unit'),
  ('quality', 'not_large_or_low', 'good_not_large_or_low', 'assessed_not_large_or_low', 100, 'school_year', 'unit'),
  ('oge_mean', '', 'oge_points', 'oge_scored', 1, 'school_year', 'unit'),
  ('ege_mean', '', 'ege_points', 'ege_scored', 1, 'school_year', 'unit');

INSERT INTO value
SELECT id, breakdown, place, level, period, times * num / den, num, den
FROM (SELECT s.id, s.breakdown, s.times, m.place, m.level, m.period,
             sum(iif(m.level = 'municipality', n.counts, n.own)) AS num,
             sum(iif(m.level = 'municipality', d.counts, d.own)) AS den
      FROM share s JOIN amount n ON n.name = s.numerator
      JOIN amount d ON d.name = s.denominator AND d.unit = n.unit AND d.period = n.period
      JOIN member m ON m.unit = n.unit AND m.period = n.period AND instr(' ' || s.series || ' ', ' ' || m.series || ' ') > 0
      WHERE s.level IN ('both', m.level)
      GROUP BY s.id, s.breakdown, m.place, m.period)
WHERE den <> 0;

-- Plain sums: KOR-06, 09, 10, 11, 24, 31, 32, 34, 42, 43, 44, 52.
CREATE TABLE total (id TEXT, breakdown TEXT, name TEXT, series TEXT, level TEXT);
INSERT INTO total VALUES
  ('KOR-06', 'as=count', 'from_abroad', 'school_year', 'unit'),
  ('KOR-09', '', 'on_any_register', 'reg_date', 'both'),
  ('KOR-10', '', 'systematic_absence', 'school_half_year', 'both'),
  ('KOR-11', '', 'dropouts', 'school_half_year', 'both'),
  ('KOR-24', '', 'mediations', 'school_half_year', 'both'),
  ('KOR-24', 'as=specialists', 'specialists', 'school_year', 'both'),
  ('KOR-31', '', 'contest_all', 'school_year', 'both'),
  ('KOR-31', 'level=municipal', 'contest_municipal', 'school_year', 'both'),
  ('KOR-31', 'level=regional', 'contest_regional', 'school_year', 'both'),
  ('KOR-31', 'level=federal', 'contest_federal', 'school_year', 'both'),
  ('KOR-31', 'level=international', 'contest_international', 'school_year', 'both'),
  ('KOR-32', 'as=count', 'trade_study', 'school_year', 'both'),
  ('KOR-34', '', 'parents_club', 'school_half_year', 'both'),
  ('KOR-34', 'as=participants', 'parents_club_people', 'school_half_year', 'both'),
  ('KOR-42', '', 'language_groups', 'school_year', 'both'),
  ('KOR-43', '', 'practices', 'school_year', 'both'),
  ('KOR-44', '', 'agreements', 'school_year', 'unit'),
  ('KOR-52', 'as=publications', 'publications', 'school_half_year', 'both');
INSERT INTO value
SELECT t.id, t.breakdown, m.place, m.level, m.period, sum(iif(m.level = 'municipality', a.counts, a.own)),
       sum(iif(m.level = 'municipality', a.counts, a.own)), NULL
FROM total t JOIN amount a ON a.name = t.name
JOIN member m ON m.unit = a.unit AND m.period = a.period AND m.series = t.series
WHERE t.level IN ('both', m.level)
GROUP BY t.id, t.breakdown, m.place, m.period;

-- What the office and the centre say of the district: KOR-30, 49, 50, 51.
INSERT INTO value
SELECT 'KOR-51', '', '', 'municipality', period, sum(iif(kind = 'family_help', held, 0)), sum(iif(kind = 'family_help', held, 0)),
       NULL
FROM event_district GROUP BY period
UNION ALL
SELECT 'KOR-30', '', '', 'municipality', i.whole, sum(iif(kind = 'foster_case', held, 0)), sum(iif(kind = 'foster_case', held, 0)),
       NULL
FROM event_district e JOIN inside i ON i.period = e.period AND i.series = 'school_half_year'
JOIN periods y ON y.period = i.whole AND y.series = 'school_year'
GROUP BY i.whole
UNION ALL
SELECT 'KOR-50', '', '', 'municipality', period, amount, amount, NULL
FROM docs_district WHERE doc = 'heads_bonus' AND amount <> '';
-- Acts: the list of the last school year, begun by then, in which the office has told of acts.
WITH acts AS (
  SELECT s.year, s.period, sum(d.value = 'yes') AS adopted, sum(d.value <> 'not_applicable') AS listed,
         row_number() OVER (PARTITION BY s.year ORDER BY s.last DESC) AS place
  FROM docs_district d JOIN so_far s ON s.period = d.period WHERE d.doc LIKE 'act\_%' ESCAPE '\' GROUP BY s.year, s.period)
INSERT INTO value
SELECT 'KOR-49', '', '', 'municipality', year, 100.0 * adopted / listed, adopted, listed FROM acts WHERE place = 1 AND listed > 0
UNION ALL
SELECT 'KOR-49', 'as=count', '', 'municipality', year, adopted, adopted, NULL FROM acts WHERE place = 1;

-- ==== differences: KOR-14, 15 ====

INSERT INTO value
SELECT 'KOR-14', '', v.place, 'unit', v.period, w.x - v.x, NULL, NULL
FROM value v JOIN before b ON b.period = v.period AND b.back = 'last_year'
JOIN value w ON w.id = 'quality' AND w.breakdown = '4' AND w.place = v.place AND w.period = b.earlier
WHERE v.id = 'quality' AND v.breakdown = '5';
INSERT INTO value
SELECT 'KOR-15', 'group=' || g.breakdown, g.place, 'unit', g.period, o.x - g.x, NULL, NULL
FROM value g JOIN value o ON o.id = 'quality' AND o.breakdown = 'not_' || g.breakdown AND o.place = g.place AND o.period = g.period
WHERE g.id = 'quality' AND g.breakdown IN ('nonnative', 'large_or_low');

-- ==== surveys: KOR-22, 35, 36, 37, 39, 57 and what is behind KOR-38 ====

-- One line for each given answer; 0 is hard to say and left out.
CREATE TABLE answer (form TEXT, who TEXT, unit TEXT, period TEXT, sheet INTEGER, item INTEGER, a INTEGER);
WITH items (n) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)),
told AS (
  SELECT 'bos' AS form, "group" AS who, unit, period, s.rowid AS sheet, n,
         CASE n WHEN 1 THEN q1 WHEN 2 THEN q2 WHEN 3 THEN q3 WHEN 4 THEN q4 WHEN 5 THEN q5 WHEN 6 THEN q6 WHEN 7 THEN q7
                WHEN 8 THEN q8 WHEN 9 THEN q9 WHEN 10 THEN q10 WHEN 11 THEN q11 ELSE q12 END AS a
  FROM survey_bos s, items
  UNION ALL
  SELECT 'staff', '', unit, period, s.rowid, n, CASE n WHEN 1 THEN q1 WHEN 2 THEN q2 WHEN 3 THEN q3 WHEN 4 THEN q4 ELSE q5 END
  FROM survey_staff s, items WHERE n <= 5
  UNION ALL
  SELECT 'image', "group", unit, period, s.rowid, n, CASE n WHEN 1 THEN q1 WHEN 2 THEN q2 ELSE q3 END
  FROM survey_image s, items WHERE n <= 3
  UNION ALL SELECT 'par', '', unit, period, rowid, 1, q1 FROM survey_par
  UNION ALL SELECT 'par', '', unit, period, rowid, 3, q3 FROM survey_par
  UNION ALL SELECT 'sat', "group", unit, period, rowid, 6, q6 FROM survey_sat)
INSERT INTO answer SELECT form, who, unit, period, sheet, n, a FROM told WHERE a + 0 BETWEEN 1 AND 4;

-- high: the share of answers 3 and 4; index: (mean - 1) / 3 x 100; mean: points.  A school needs 5 sheets with an answer,
-- the district's number 3 schools with one.
CREATE TABLE poll (id TEXT, breakdown TEXT, form TEXT, who TEXT, items TEXT, how TEXT, level TEXT);
INSERT INTO poll VALUES
  -- ~ choice: not turned, as more is more tired and less is better
  ('KOR-22', '', 'staff', 'any', ' 5 ', 'mean', 'municipality'),
  ('KOR-35', '', 'par', 'any', ' 1 ', 'high', 'unit'),
  ('KOR-36', '', 'par', 'any', ' 3 ', 'high', 'unit'),
  ('KOR-37', 'group=pupil', 'sat', 'pupil', ' 6 ', 'high', 'unit'),
  ('KOR-37', 'group=parent', 'sat', 'parent', ' 6 ', 'high', 'unit'),
  ('KOR-37', 'group=teacher', 'sat', 'teacher', ' 6 ', 'high', 'unit'),
  ('KOR-37', 'group=community', 'sat', 'community', ' 6 ', 'high', 'unit'),
  -- parents alone; ~ choice: the answers to both statements together
  ('KOR-39', '', 'image', 'parent', ' 1 2 ', 'high', 'unit'),
  ('KOR-57', '', 'staff', 'any', ' 1 2 3 4 ', 'mean', 'unit'),
  -- ~ choice: the sheets of all groups together, each answer with the same weight
  ('climate', 'bos', 'bos', 'any', ' 1 2 3 4 5 6 7 8 9 10 11 12 ', 'index', 'unit'),
  ('climate', 'mood', 'image', 'any', ' 3 ', 'index', 'unit');
WITH polled AS (
  SELECT p.id, p.breakdown, p.how, m.place, m.level, m.period, count(DISTINCT a.sheet) AS sheets,
         count(DISTINCT a.unit) AS schools, sum(a.a >= 3) AS high, count(*) AS answers, avg(a.a) AS mean
  FROM poll p JOIN answer a ON a.form = p.form AND p.who IN ('any', a.who) AND instr(p.items, ' ' || a.item || ' ') > 0
  JOIN member m ON m.unit = a.unit AND m.period = a.period AND m.level = p.level
  GROUP BY p.id, p.breakdown, m.place, m.period)
INSERT INTO value
SELECT id, breakdown, place, level, period,
       CASE how WHEN 'high' THEN 100.0 * high / answers WHEN 'index' THEN (mean - 1) / 3 * 100 ELSE mean END,
       iif(how = 'high', high, NULL), iif(how = 'high', answers, NULL)
FROM polled WHERE iif(level = 'municipality', schools >= 3, sheets >= 5);

-- ==== indices: KOR-01, 38, 47 ====

-- KOR-01: ~ choice: equal weights, as proposed; no index without all four parts.  The district's: of its pooled shares.
INSERT INTO value
SELECT 'KOR-01', '', place, level, period, avg(iif(id = 'KOR-02', x, 100 - x)), NULL, NULL FROM value
WHERE id IN ('KOR-02', 'KOR-03', 'KOR-04', 'KOR-05') GROUP BY place, level, period HAVING count(*) = 4;
-- KOR-38: ~ choice: half and half.
INSERT INTO value
SELECT 'KOR-38', '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id = 'climate' GROUP BY place, level, period HAVING count(*) = 2;
-- KOR-47: ~ choice: 0.4 quality rate, 0.2 each of courses, posts filled, material base; no index without all four.
INSERT INTO value
SELECT 'KOR-47', '', v.place, 'unit', v.period, sum(iif(id = 'KOR-13', 0.4, 0.2) * x), NULL, NULL
FROM value v JOIN periods p ON p.period = v.period AND p.series = 'school_year'
WHERE id IN ('KOR-13', 'KOR-16', 'KOR-23', 'KOR-45') AND level = 'unit' GROUP BY v.place, v.period HAVING count(*) = 4;

-- ==== changes: KOR-09, 10, 15, 31, 35-39, 42, 47, 57, 58 ====

-- ~ choice: KOR-09 "within the year" is against the day before in the series, also from May to September.
CREATE TABLE change (id TEXT, breakdown TEXT, of TEXT, of_breakdown TEXT, back TEXT);
INSERT INTO change VALUES
  ('KOR-09', 'change=last_year', 'KOR-09', '', 'last_year'),
  ('KOR-09', 'change=previous', 'KOR-09', '', 'previous'),
  ('KOR-10', 'change=last_year', 'KOR-10', '', 'last_year'),
  ('KOR-15', 'group=nonnative;change=last_year', 'KOR-15', 'group=nonnative', 'last_year'),
  ('KOR-15', 'group=large_or_low;change=last_year', 'KOR-15', 'group=large_or_low', 'last_year'),
  ('KOR-31', 'change=last_year', 'KOR-31', '', 'last_year'),
  ('KOR-35', 'change=last_year', 'KOR-35', '', 'last_year'),
  ('KOR-36', 'change=last_year', 'KOR-36', '', 'last_year'),
  ('KOR-37', 'group=pupil;change=last_year', 'KOR-37', 'group=pupil', 'last_year'),
  ('KOR-37', 'group=parent;change=last_year', 'KOR-37', 'group=parent', 'last_year'),
  ('KOR-37', 'group=teacher;change=last_year', 'KOR-37', 'group=teacher', 'last_year'),
  ('KOR-37', 'group=community;change=last_year', 'KOR-37', 'group=community', 'last_year'),
  ('KOR-38', 'change=last_year', 'KOR-38', '', 'last_year'),
  ('KOR-39', 'change=last_year', 'KOR-39', '', 'last_year'),
  ('KOR-42', 'change=last_year', 'KOR-42', '', 'last_year'),
  ('KOR-47', 'change=base', 'KOR-47', '', 'base'),
  ('KOR-57', 'change=last_year', 'KOR-57', '', 'last_year'),
  ('KOR-58', 'result=quality', 'KOR-13', '', 'base'),
  ('KOR-58', 'result=oge', 'oge_mean', '', 'base'),
  ('KOR-58', 'result=ege', 'ege_mean', '', 'base');
INSERT INTO value
SELECT c.id, c.breakdown, v.place, v.level, v.period, v.x - w.x, NULL, NULL
FROM change c JOIN value v ON v.id = c.of AND v.breakdown = c.of_breakdown
JOIN before b ON b.period = v.period AND b.back = c.back
JOIN value w ON w.id = c.of AND w.breakdown = c.of_breakdown AND w.place = v.place AND w.period = b.earlier;

-- ==== two levels: a school fulfils something or not ====

-- Asked is every school of the roster, in the periods of which anybody has said anything; no answer is no.
CREATE TABLE asked (id TEXT, breakdown TEXT, unit TEXT, period TEXT, level TEXT, yes INTEGER);
INSERT INTO asked SELECT 'KOR-24', 'as=services', unit, period, 'both', mediation_service = '1' FROM pass;
-- KOR-29: took part; never by school.
INSERT INTO asked
SELECT 'KOR-29', '', unit, period, 'municipality', max(diagnostic = 'drug_risk' AND examined + 0 > 0)
FROM diag_rows GROUP BY unit, period;
-- KOR-52: the three publications of the school year, in each of its half-years.  ~ choice: one that does not apply is not there.
INSERT INTO asked
SELECT 'KOR-52', '', d.unit, i.period, 'both', sum(d.value = 'yes') = 3
FROM docs d JOIN inside i ON i.whole = d.period AND i.series = 'school_half_year'
WHERE d.doc IN ('pub_plan', 'pub_progress', 'pub_results') GROUP BY d.unit, i.period;
INSERT INTO value
SELECT q.id, q.breakdown, m.place, m.level, m.period, 100.0 * avg(coalesce(a.yes, 0)), NULL, NULL
FROM (SELECT DISTINCT id, breakdown, period, level FROM asked) q
JOIN member m ON m.period = q.period AND q.level IN ('both', m.level)
LEFT JOIN asked a ON a.id = q.id AND a.period = q.period AND a.unit = m.unit
GROUP BY q.id, q.breakdown, m.place, m.level, m.period;

-- ==== plans: KOR-48 ====

-- At the planned value (of a range: its lower bound) or above; all of these are to grow.  Without a value it is not reached.
-- ~ choice: for a school year; of a half-year indicator the last half-year ended by then.
WITH reached AS (
  SELECT p.unit, p.period,
         EXISTS (SELECT 1 FROM value v WHERE v.level = 'unit' AND v.place = p.unit
                 AND v.id = iif(p.indicator = 'KOR-37.pupil', 'KOR-37', p.indicator)
                 AND v.breakdown = iif(p.indicator = 'KOR-37.pupil', 'group=pupil', '')
                 AND v.period = iif(p.indicator = 'KOR-53', p.period || '-H2', p.period) AND v.x >= p.planned - 1e-9) AS yes
  FROM plan p
  WHERE p.indicator IN ('KOR-12', 'KOR-13', 'KOR-16', 'KOR-19', 'KOR-31', 'KOR-33', 'KOR-35', 'KOR-37.pupil', 'KOR-38', 'KOR-45',
                        'KOR-53', 'KOR-54'))
INSERT INTO value
SELECT 'KOR-48', '', m.place, 'unit', r.period, 100 * avg(r.yes), NULL, NULL
FROM reached r JOIN member m ON m.level = 'unit' AND m.unit = r.unit AND m.period = r.period AND m.series = 'school_year'
GROUP BY m.place, r.period;

-- ==== execution: KOR-56, by half-year ====

-- A row about a measure is about its first day that lies not before the half-year of the row (a yearly measure has several).
-- On time: done by that day.  What does not apply or was cancelled is not due.  Counted in schools with any row by then.
-- A measure that is due in summer is due in no half-year.
WITH reported AS (
  SELECT e.unit, e.measure, e.status, e.done_on, h.first,
         coalesce((SELECT min(r.due) FROM roadmap r WHERE r.measure = e.measure AND r.due >= h.first),
                  (SELECT max(r.due) FROM roadmap r WHERE r.measure = e.measure)) AS due
  FROM exec e JOIN periods h ON h.period = e.period),
due AS (
  SELECT m.unit, m.period, r.measure, r.due,
         EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.measure = r.measure AND e.due = r.due AND e.first <= p.last
                 AND e.status IN ('not_applicable', 'cancelled')) AS is_excluded,
         EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.measure = r.measure AND e.due = r.due AND e.first <= p.last
                 AND e.status IN ('done', 'late') AND e.done_on <> '' AND e.done_on <= r.due) AS is_on_time
  FROM member m JOIN periods p ON p.period = m.period AND p.series = 'school_half_year'
  JOIN roadmap r ON r.due BETWEEN p.first AND p.last AND r.of_office = '0'
  WHERE m.level = 'unit' AND EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.first <= p.last))
INSERT INTO value
SELECT 'KOR-56', '', m.place, m.level, d.period, 100.0 * sum(is_on_time) / count(*), NULL, NULL
FROM due d JOIN member m ON m.unit = d.unit AND m.period = d.period
WHERE NOT d.is_excluded GROUP BY m.place, m.level, d.period;

-- ==== what comes out ====

SELECT id, level, place, period, breakdown, printf('%.6f', x + 0.0), iif(num = CAST(num AS INTEGER), CAST(num AS INTEGER), ''),
       iif(den = CAST(den AS INTEGER), CAST(den AS INTEGER), '')
FROM value WHERE id LIKE 'KOR-%' ORDER BY id, breakdown, period, place;
