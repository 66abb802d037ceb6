-- Klin, KLN-01 to KLN-50, computed from the tables of truth/ (../README.md) and from nothing else: formulas are those of the
-- catalogue of indicators.  "~ choice" marks what the catalogue leaves open and the pack has decided.
--
-- How it is built: `amount` holds plain sums of a school in a period; `share` says what is divided by what; `value` holds
-- whatever has been computed of a place: a school, or the municipality ('').  No school of this district is merged.
-- ~ choice: programme schools are those whose status is not "none", low-result schools those with low results or both.

-- ==== places and periods ====

CREATE TABLE member (place TEXT, level TEXT, series TEXT, period TEXT, unit TEXT);
INSERT INTO member SELECT unit, 'unit', series, period, unit FROM roster_units;
INSERT INTO member SELECT '', 'municipality', series, period, unit FROM roster_units;
CREATE INDEX member_by_unit ON member (unit, period);

CREATE TABLE year_before (period TEXT PRIMARY KEY, earlier TEXT);
INSERT INTO year_before
SELECT p.period, q.period FROM periods p JOIN periods q ON q.series = p.series AND q.n + 0 = p.n - 1
WHERE p.series = 'school_year';

-- The half-years of a school year, and the school year that has begun by the end of a calendar year.
CREATE TABLE half (period TEXT PRIMARY KEY, year TEXT);
INSERT INTO half
SELECT h.period, y.period FROM periods h JOIN periods y ON y.series = 'school_year' AND h.first BETWEEN y.first AND y.last
WHERE h.series = 'school_half_year';
CREATE TABLE calendar (year TEXT PRIMARY KEY, begun TEXT);
INSERT INTO calendar
SELECT c.period, y.period FROM periods c JOIN periods y ON y.series = 'school_year' AND y.first BETWEEN c.first AND c.last
WHERE c.series = 'calendar_year';

-- ==== programme schools and low-result schools: the coordinator's last word by the end of a school year ====

CREATE TABLE status (unit TEXT, period TEXT, is_low INTEGER, is_supported INTEGER, PRIMARY KEY (unit, period));
WITH heard AS (
  SELECT a.unit, p.period, a.status, row_number() OVER (PARTITION BY a.unit, p.period ORDER BY y.first DESC) AS place
  FROM assess a JOIN periods y ON y.period = a.period JOIN periods p ON p.series = 'school_year' AND y.first <= p.last)
INSERT INTO status
SELECT unit, period, status IN ('low_results', 'both'), status <> 'none' FROM heard WHERE place = 1;

-- Who takes part in a period, a school year or one of its half-years.
CREATE TABLE eligible (who TEXT, unit TEXT, period TEXT, PRIMARY KEY (who, unit, period));
INSERT INTO eligible SELECT 'all', unit, period FROM member WHERE level = 'municipality';
INSERT INTO eligible SELECT 'low', unit, period FROM status WHERE is_low;
INSERT INTO eligible SELECT 'low', s.unit, h.period FROM status s JOIN half h ON h.year = s.period WHERE is_low;
INSERT INTO eligible SELECT 'supported', unit, period FROM status WHERE is_supported;

-- ==== sums of a school ====

-- `own`: the school's number; `counts`: what it adds to the district (a person counts at the main place alone).
CREATE TABLE amount (name TEXT, unit TEXT, period TEXT, own REAL, counts REAL, PRIMARY KEY (name, unit, period));

-- pass: pupils, of the school year and of its half-years.
INSERT INTO amount SELECT 'pupils', unit, period, pupils, pupils FROM pass;
INSERT INTO amount SELECT 'pupils', p.unit, h.period, p.pupils, p.pupils FROM pass p JOIN half h ON h.year = p.period;

-- soc: for a school year the later of its two days on which the school knew the number.
-- ~ choice: each number by itself; one that is not known in May is that of October.
WITH told AS (
  SELECT unit, period, 'soc_pupils' AS name, pupils AS x FROM soc
  UNION ALL SELECT unit, period, 'both_he', both_parents_he FROM soc
  UNION ALL SELECT unit, period, 'one_parent', one_parent_family FROM soc
  UNION ALL SELECT unit, period, 'registers', on_registers FROM soc
  UNION ALL SELECT unit, period, 'nonnative', non_native_russian FROM soc),
ranked AS (
  SELECT t.name, t.unit, y.period, t.x, row_number() OVER (PARTITION BY t.name, t.unit, y.period ORDER BY d.first DESC) AS place
  FROM told t JOIN periods d ON d.period = t.period
  JOIN periods y ON y.series = 'school_year' AND d.first BETWEEN y.first AND y.last
  WHERE t.x <> '')
INSERT INTO amount SELECT name, unit, period, x, x FROM ranked WHERE place = 1;

-- marks: all pupils over all subjects.
WITH marked AS (
  SELECT unit, period, sum(assessed) AS assessed, sum(only_4_5) AS good
  FROM marks_rows WHERE "group" = 'all' AND subject = 'all' GROUP BY unit, period)
INSERT INTO amount
SELECT 'assessed', unit, period, assessed, assessed FROM marked UNION ALL SELECT 'only_4_5', unit, period, good, good FROM marked;

-- vpr: mean marks by subject, of all grades and of grade 5; marks 2 of all subjects together.
WITH checked AS (
  SELECT 'vpr_' || subject AS name, unit, period, participants, mark_2, mark_3, mark_4, mark_5 FROM vpr_rows
  UNION ALL
  SELECT 'vpr_' || subject || '_5', unit, period, participants, mark_2, mark_3, mark_4, mark_5 FROM vpr_rows WHERE grade = '5'
  UNION ALL SELECT 'vpr', unit, period, participants, mark_2, mark_3, mark_4, mark_5 FROM vpr_rows),
counted AS (
  SELECT name, unit, period, sum(participants) AS works, sum(2 * mark_2 + 3 * mark_3 + 4 * mark_4 + 5 * mark_5) AS points,
         sum(mark_2) AS below
  FROM checked GROUP BY name, unit, period)
INSERT INTO amount
SELECT name || '_takers', unit, period, works, works FROM counted
UNION ALL SELECT name || '_points', unit, period, points, points FROM counted
UNION ALL SELECT name || '_below', unit, period, below, below FROM counted;

-- exam: by subject (oge_rus), and all subjects together (oge).  ~ choice: basic mathematics has marks and not points, so it
-- stays out of the mean of all ЕГЭ (ege_scored), but not of who is below the minimum (ege).
WITH sat AS (
  SELECT exam || '_' || subject AS name, unit, period, participants, score_sum, below_min FROM exam_rows
  UNION ALL SELECT exam, unit, period, participants, score_sum, below_min FROM exam_rows
  UNION ALL SELECT 'ege_scored', unit, period, participants, score_sum, below_min FROM exam_rows
  WHERE exam = 'ege' AND subject <> 'math_base'),
counted AS (
  SELECT name, unit, period, sum(participants) AS takers, sum(score_sum) AS points, sum(below_min) AS below
  FROM sat GROUP BY name, unit, period)
INSERT INTO amount
SELECT name || '_takers', unit, period, takers, takers FROM counted
UNION ALL SELECT name || '_points', unit, period, points, points FROM counted
UNION ALL SELECT name || '_below', unit, period, below, below FROM counted;

-- res: what is had beyond what is needed counts for nothing.
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

-- supp: by half-year, all bands together.
WITH told AS (
  SELECT unit, period, 'special_programme' AS name, special_programme AS x FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'iup', iup FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'extra_time', extra_time FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'extracurricular', extracurricular FROM supp_rows WHERE "group" = 'all')
INSERT INTO amount SELECT name, unit, period, sum(x), sum(x) FROM told WHERE x <> '' GROUP BY name, unit, period;

-- event: how many times, by half-year; a school that has reported events and none of a kind has nought of it.
WITH held AS (
  SELECT unit, period, sum(iif(kind = 'home_visit', held, 0)) AS visits,
         sum(iif(kind IN ('consultation', 'group_consultation') AND audience = 'parents', held, 0)) AS consultations
  FROM event GROUP BY unit, period)
INSERT INTO amount
SELECT 'home_visits', unit, period, visits, visits FROM held
UNION ALL SELECT 'family_consultations', unit, period, consultations, consultations FROM held
UNION ALL SELECT 'family_events', unit, period, visits + consultations, visits + consultations FROM held;

-- docs: tutors of a school.  ~ choice: the number counts whatever is said beside it.
INSERT INTO amount SELECT 'tutors', unit, period, amount, amount FROM docs WHERE doc = 'tutor_assigned' AND amount <> '';

-- staff, pd, def: people, each once.
-- ~ choice: who has no row has done nothing, where the school has sent the form at all.
WITH person AS (
  SELECT s.unit, s.period, s.main_place = '1' AS main, s.post = 'teacher' AS is_teacher,
         s.post IN ('head', 'deputy', 'teacher') AS leads_or_teaches,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher) AS trained,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.kind = 'tutoring') AS tutored,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.topic = 'nonnative') AS nonnative,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.topic = 'transition')
         AND EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                     AND t.consultant = '1') AS transition,
         EXISTS (SELECT 1 FROM def d WHERE d.unit = s.unit AND d.period = s.period AND d.teacher = s.teacher
                 AND d.plan_made = '1') AS plan
  FROM staff s),
counted AS (
  SELECT unit, period, main, 'teachers' AS name, is_teacher AS yes FROM person
  UNION ALL SELECT unit, period, main, 'teachers_trained', is_teacher AND trained FROM person
  UNION ALL SELECT unit, period, main, 'teachers_nonnative', is_teacher AND nonnative FROM person
  UNION ALL SELECT unit, period, main, 'teachers_plan', is_teacher AND plan FROM person
  UNION ALL SELECT unit, period, main, 'heads_and_teachers', leads_or_teaches FROM person
  UNION ALL SELECT unit, period, main, 'tutored', leads_or_teaches AND tutored FROM person
  UNION ALL SELECT unit, period, main, 'transition_leaders', leads_or_teaches AND transition FROM person)
INSERT INTO amount SELECT name, unit, period, sum(yes), sum(yes AND main) FROM counted GROUP BY name, unit, period;
-- A school that has sent nothing of the form: not none, but not known.
DELETE FROM amount WHERE name IN ('teachers_trained', 'teachers_nonnative', 'tutored', 'transition_leaders')
  AND NOT EXISTS (SELECT 1 FROM pd f WHERE f.unit = amount.unit AND f.period = amount.period);
DELETE FROM amount WHERE name IN ('teachers_plan')
  AND NOT EXISTS (SELECT 1 FROM def f WHERE f.unit = amount.unit AND f.period = amount.period);
-- Assessed in lesson design: everybody in the form; able at 60 and more.  ~ choice: in any round of the year.
WITH assessed AS (
  SELECT d.unit, d.period, d.teacher, max(d.level + 0 >= 60) AS able, coalesce(max(s.main_place = '1'), 0) AS main
  FROM def d LEFT JOIN staff s ON s.unit = d.unit AND s.period = d.period AND s.teacher = d.teacher
  WHERE d.area = 'lesson' GROUP BY d.unit, d.period, d.teacher)
INSERT INTO amount
SELECT 'assessed_lesson', unit, period, count(*), sum(main) FROM assessed GROUP BY unit, period
UNION ALL SELECT 'able_lesson', unit, period, sum(able), sum(able AND main) FROM assessed GROUP BY unit, period;

-- prac: practices that a school other than the author's uses; a school that has reported none of these has nought.
WITH RECURSIVE user (unit, period, practice, one, rest) AS (
  SELECT unit, period, practice, '', used_by_schools || ' ' FROM prac
  UNION ALL
  SELECT unit, period, practice, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1)
  FROM user WHERE rest <> ''),
used AS (SELECT unit, period, practice, max(one <> '' AND one <> unit) AS yes FROM user GROUP BY unit, period, practice)
INSERT INTO amount SELECT 'practices_used', unit, period, sum(yes), sum(yes) FROM used GROUP BY unit, period;

-- ==== shares and ratios ====

CREATE TABLE value (id TEXT, breakdown TEXT, place TEXT, level TEXT, period TEXT, x REAL, num REAL, den REAL,
                    PRIMARY KEY (id, breakdown, place, period));

-- times: 100 a share, 1 a ratio.  The district's: sums over the schools that have both.
CREATE TABLE share (id TEXT, breakdown TEXT, numerator TEXT, denominator TEXT, times INTEGER, series TEXT, who TEXT);
INSERT INTO share VALUES
  ('KLN-13', '', 'special_programme', 'pupils', 100, 'school_half_year', 'low'),
  ('KLN-14', '', 'iup', 'pupils', 100, 'school_half_year', 'all'),
  ('KLN-15', '', 'extra_time', 'pupils', 100, 'school_half_year', 'all'),
  ('KLN-18', '', 'teachers_trained', 'teachers', 100, 'school_year', 'all'),
  ('KLN-19', '', 'able_lesson', 'assessed_lesson', 100, 'school_year', 'all'),
  ('KLN-21', '', 'tutored', 'heads_and_teachers', 100, 'school_year', 'supported'),
  ('KLN-22', '', 'teachers_nonnative', 'teachers', 100, 'school_year', 'all'),
  ('KLN-23', '', 'teachers_plan', 'teachers', 100, 'school_year', 'all'),
  ('KLN-30', 'per=100_pupils', 'family_events', 'pupils', 100, 'school_half_year', 'all'),
  ('KLN-48', '', 'extracurricular', 'pupils', 100, 'school_half_year', 'all'),
  -- what other indicators are made of
  ('both_he', '', 'both_he', 'soc_pupils', 100, 'school_year', 'all'),
  ('one_parent', '', 'one_parent', 'soc_pupils', 100, 'school_year', 'all'),
  ('registers', '', 'registers', 'soc_pupils', 100, 'school_year', 'all'),
  ('nonnative', '', 'nonnative', 'soc_pupils', 100, 'school_year', 'all'),
  ('quality', '', 'only_4_5', 'assessed', 100, 'school_year', 'all'),
  ('below', 'oge', 'oge_below', 'oge_takers', 100, 'school_year', 'all'),
  ('below', 'ege', 'ege_below', 'ege_takers', 100, 'school_year', 'all'),
  ('below', 'vpr', 'vpr_below', 'vpr_takers', 100, 'school_year', 'all'),
  ('mean', 'vpr rus', 'vpr_rus_points', 'vpr_rus_takers', 1, 'school_year', 'all'),
  ('mean', 'vpr math', 'vpr_math_points', 'vpr_math_takers', 1, 'school_year', 'all'),
  ('mean', 'vpr rus 5', 'vpr_rus_5_points', 'vpr_rus_5_takers', 1, 'school_year', 'all'),
  ('mean', 'vpr math 5', 'vpr_math_5_points', 'vpr_math_5_takers', 1, 'school_year', 'all'),
  ('mean', 'oge rus', 'oge_rus_points', 'oge_rus_takers', 1, 'school_year', 'all'),
  ('mean', 'oge math', 'oge_math_points', 'oge_math_takers', 1, 'school_year', 'all'),
  ('mean', 'ege rus', 'ege_rus_points', 'ege_rus_takers', 1, 'school_year', 'all'),
  ('mean', 'ege math', 'ege_math_points', 'ege_math_takers', 1, 'school_year', 'all'),
  ('mean', 'oge', 'oge_points', 'oge_takers', 1, 'school_year', 'all'),
  ('mean', 'ege', 'ege_scored_points', 'ege_scored_takers', 1, 'school_year', 'all'),
  ('provision', '', 'items_have', 'items_needed', 100, 'school_year', 'all');
INSERT INTO value
SELECT id, breakdown, place, level, period, times * num / den, num, den
FROM (SELECT s.id, s.breakdown, s.times, m.place, m.level, m.period,
             sum(iif(m.level = 'municipality', n.counts, n.own)) AS num,
             sum(iif(m.level = 'municipality', d.counts, d.own)) AS den
      FROM share s JOIN amount n ON n.name = s.numerator
      JOIN amount d ON d.name = s.denominator AND d.unit = n.unit AND d.period = n.period
      JOIN member m ON m.unit = n.unit AND m.period = n.period AND m.series = s.series
      JOIN eligible e ON e.who = s.who AND e.unit = m.unit AND e.period = m.period
      GROUP BY s.id, s.breakdown, m.place, m.period)
WHERE den <> 0;

-- Plain sums: KLN-10, 30, 38, 39, 46.
CREATE TABLE total (id TEXT, breakdown TEXT, name TEXT, series TEXT, level TEXT);
INSERT INTO total VALUES
  ('KLN-10', 'as=count', 'tutors', 'school_year', 'both'),
  ('KLN-30', '', 'family_events', 'school_half_year', 'both'),
  ('KLN-30', 'kind=home_visit', 'home_visits', 'school_half_year', 'both'),
  ('KLN-30', 'kind=consultation', 'family_consultations', 'school_half_year', 'both'),
  ('KLN-38', '', 'practices_used', 'school_year', 'both'),
  ('KLN-39', '', 'transition_leaders', 'school_year', 'both'),
  ('KLN-46', '', 'grants_count', 'calendar_year', 'municipality'),
  ('KLN-46', 'as=sum', 'grants', 'calendar_year', 'municipality');
INSERT INTO value
SELECT t.id, t.breakdown, m.place, m.level, m.period, sum(iif(m.level = 'municipality', a.counts, a.own)),
       sum(iif(m.level = 'municipality', a.counts, a.own)), NULL
FROM total t JOIN amount a ON a.name = t.name
JOIN member m ON m.unit = a.unit AND m.period = a.period AND m.series = t.series AND t.level IN ('both', m.level)
GROUP BY t.id, t.breakdown, m.place, m.period;

-- ==== the district itself: KLN-01, 02, 09, 16, 20, 26, 31 ====

-- What was said of a document of the district in a school year; of those that are made once (KLN-01, 09), the last word.
CREATE TABLE document (doc TEXT, period TEXT, yes INTEGER, amount REAL, PRIMARY KEY (doc, period));
INSERT INTO document SELECT doc, period, value = 'yes', nullif(amount, '') + 0 FROM docs_district;
CREATE TABLE last_word (doc TEXT, period TEXT, yes INTEGER, PRIMARY KEY (doc, period));
INSERT INTO last_word
SELECT doc, period, yes
FROM (SELECT d.doc, p.period, d.yes, row_number() OVER (PARTITION BY d.doc, p.period ORDER BY y.first DESC) AS place
      FROM document d JOIN periods y ON y.period = d.period JOIN periods p ON p.series = 'school_year' AND y.first <= p.last)
WHERE place = 1;
INSERT INTO value
SELECT 'KLN-01', '', '', 'municipality', period, sum(yes) = 2, NULL, NULL
FROM last_word WHERE doc IN ('model', 'instruments') GROUP BY period
UNION ALL
SELECT 'KLN-09', '', '', 'municipality', period, yes, NULL, NULL FROM last_word WHERE doc = 'support_programme'
UNION ALL
SELECT 'KLN-20', '', '', 'municipality', period, yes, NULL, NULL FROM document WHERE doc = 'training_programme'
UNION ALL
SELECT 'KLN-26', '', '', 'municipality', period, yes, NULL, NULL FROM document WHERE doc = 'council_training_plan'
UNION ALL
-- ~ choice: the members trained are the number beside the plan
SELECT 'KLN-26', 'as=members', '', 'municipality', period, amount, amount, NULL
FROM document WHERE doc = 'council_training_plan' AND amount IS NOT NULL
UNION ALL
-- ~ choice: one row with the number of sets, not a row for each
SELECT 'KLN-02', '', '', 'municipality', period, amount, amount, NULL
FROM document WHERE doc = 'test_materials' AND amount IS NOT NULL
UNION ALL
SELECT 'KLN-16', iif(doc = 'community_heads', 'of=heads', 'of=teachers'), '', 'municipality', period, amount, amount, NULL
FROM document WHERE doc IN ('community_heads', 'community_teachers') AND amount IS NOT NULL
UNION ALL
SELECT 'KLN-16', '', '', 'municipality', period, sum(amount), sum(amount), NULL
FROM document WHERE doc IN ('community_heads', 'community_teachers') AND amount IS NOT NULL GROUP BY period HAVING count(*) = 2;
-- KLN-31: accepted practices since the beginning.
INSERT INTO value
SELECT 'KLN-31', '', '', 'municipality', period, n, n, NULL
FROM (SELECT y.period, count(DISTINCT p.unit || ' ' || p.practice) AS n
      FROM periods y JOIN periods e ON e.series = 'school_year' AND e.first <= y.last
      JOIN prac p ON p.period = e.period AND p.status = 'accepted'
      JOIN roster_units r ON r.unit = p.unit AND r.period = p.period
      WHERE y.series = 'school_year' GROUP BY y.period);

-- ==== agreements: KLN-11, 12, 49 ====

-- Agreements in force on the day of filling in, by who has sent them.
CREATE TABLE agreement (unit TEXT, period TEXT, code TEXT, partner TEXT, other TEXT, students INTEGER);
INSERT INTO agreement
SELECT n.unit, n.period, n.agreement, n.partner, n.partner_code, nullif(n.student_tutors, '') + 0
FROM net n JOIN roster_units r ON r.unit = n.unit AND r.period = n.period
WHERE n.start_date <= n.filled_on AND (n.end_date = '' OR n.end_date >= n.filled_on);
-- KLN-11: with a university.  ~ choice: a school without any has no value, not nought.
INSERT INTO value
SELECT 'KLN-11', '', m.place, m.level, m.period, count(DISTINCT a.unit || ' ' || a.code),
       count(DISTINCT a.unit || ' ' || a.code), NULL
FROM agreement a JOIN member m ON m.unit = a.unit AND m.period = a.period
WHERE a.partner = 'university' GROUP BY m.place, m.level, m.period;
-- KLN-12: of a half-year.  ~ choice: the agreements of its school year.
INSERT INTO value
SELECT 'KLN-12', '', '', 'municipality', h.period, sum(a.students), sum(a.students), NULL
FROM agreement a JOIN half h ON h.year = a.period WHERE a.students IS NOT NULL GROUP BY h.period;

-- ==== families: KLN-06 ====

-- ~ choice: the four parts of KOR-01 with equal weights, three of them turned; none without all of them.
INSERT INTO value
SELECT 'KLN-06', '', place, level, period, avg(iif(id = 'both_he', x, 100 - x)), NULL, NULL FROM value
WHERE id IN ('both_he', 'one_parent', 'registers', 'nonnative') GROUP BY place, level, period HAVING count(*) = 4;

-- ==== surveys: KLN-08, 33, 40 to 42 ====

-- A line for each sheet with at least one answer; 0 is hard to say and left out.  good of answers, or the sum of points.
CREATE TABLE sheet (id TEXT, unit TEXT, period TEXT, good INTEGER, answers INTEGER, points INTEGER);
-- KLN-08: both statements agreed with, of the sheets in which both are answered.
INSERT INTO sheet
SELECT 'KLN-08', unit, period, q1 + 0 BETWEEN 3 AND 4 AND q2 + 0 BETWEEN 3 AND 4,
       q1 + 0 BETWEEN 1 AND 4 AND q2 + 0 BETWEEN 1 AND 4, 0
FROM survey_aware WHERE q1 + 0 BETWEEN 1 AND 4 OR q2 + 0 BETWEEN 1 AND 4;
-- KLN-33: all answers to 1 to 4 together, not the mean of the sheets' means.
INSERT INTO sheet
SELECT 'KLN-33', unit, period, 0,
       (q1 + 0 BETWEEN 1 AND 4) + (q2 + 0 BETWEEN 1 AND 4) + (q3 + 0 BETWEEN 1 AND 4) + (q4 + 0 BETWEEN 1 AND 4),
       q1 + q2 + q3 + q4
FROM survey_staff
WHERE q1 + 0 BETWEEN 1 AND 4 OR q2 + 0 BETWEEN 1 AND 4 OR q3 + 0 BETWEEN 1 AND 4 OR q4 + 0 BETWEEN 1 AND 4;
INSERT INTO sheet
SELECT CASE "group" WHEN 'pupil' THEN 'KLN-40' WHEN 'parent' THEN 'KLN-41' ELSE 'KLN-42' END, unit, period, q6 + 0 >= 3, 1, 0
FROM survey_sat WHERE "group" IN ('pupil', 'parent', 'partner', 'community') AND q6 + 0 BETWEEN 1 AND 4;
-- A school needs 5 sheets, the district 3 schools with a sheet.
WITH polled AS (
  SELECT s.id, m.place, m.level, m.period, count(*) AS sheets, count(DISTINCT s.unit) AS schools, sum(s.good) AS good,
         sum(s.answers) AS answers, sum(s.points) AS points
  FROM sheet s JOIN member m ON m.unit = s.unit AND m.period = s.period GROUP BY s.id, m.place, m.level, m.period)
INSERT INTO value
SELECT id, '', place, level, period, iif(id = 'KLN-33', 1.0 * points / answers, 100.0 * good / answers),
       iif(id = 'KLN-33', NULL, good), iif(id = 'KLN-33', NULL, answers)
FROM polled WHERE iif(level = 'municipality', schools >= 3, sheets >= 5) AND answers > 0;

-- ==== gaps: KLN-32 ====

-- Mean of the other schools less mean of the low-result ones, and best less worst.  ~ choice: of the quality rate.
INSERT INTO value
SELECT 'KLN-32', '', '', 'municipality', v.period,
       avg(iif(coalesce(s.is_low, 0), NULL, v.x)) - avg(iif(s.is_low, v.x, NULL)), NULL, NULL
FROM value v LEFT JOIN status s ON s.unit = v.place AND s.period = v.period
WHERE v.id = 'quality' AND v.level = 'unit' GROUP BY v.period
HAVING sum(coalesce(s.is_low, 0)) > 0 AND sum(coalesce(s.is_low, 0) = 0) > 0;
INSERT INTO value
SELECT 'KLN-32', 'as=range', '', 'municipality', period, max(x) - min(x), NULL, NULL
FROM value WHERE id = 'quality' AND level = 'unit' GROUP BY period;

-- ==== against region and country, and trends: KLN-35 to 37 ====

CREATE TABLE compared (id TEXT, exam TEXT, grade TEXT);
INSERT INTO compared VALUES ('KLN-35', 'vpr', ''), ('KLN-36', 'oge', ''), ('KLN-37', 'ege', '');
INSERT INTO value
SELECT c.id, 'subject=' || r.subject || ';against=' || r.level, '', 'municipality', v.period, v.x - r.value, NULL, NULL
FROM compared c JOIN ref r ON r.series = 'mean' AND r.level IN ('region', 'country') AND r.exam = c.exam
                          AND r.subject IN ('rus', 'math') AND r.grade = ''
JOIN value v ON v.id = 'mean' AND v.breakdown = r.exam || ' ' || r.subject AND v.place = '' AND v.period = r.period;
-- Of the check tests by grade.  ~ choice: grade 5, against the region.
INSERT INTO value
SELECT 'KLN-35', 'subject=' || r.subject || ';grade=5', '', 'municipality', v.period, v.x - r.value, NULL, NULL
FROM ref r JOIN value v ON v.id = 'mean' AND v.breakdown = 'vpr ' || r.subject || ' 5' AND v.place = '' AND v.period = r.period
WHERE r.series = 'mean' AND r.level = 'region' AND r.exam = 'vpr' AND r.subject IN ('rus', 'math') AND r.grade = '5';
-- Slope by least squares over three years and more.  ~ choice: the slope and not its sign, of the mean itself, of five years.
INSERT INTO value
SELECT c.id, 'subject=' || s.subject || ';as=trend', '', 'municipality', p.period,
       (count(*) * sum(q.n * v.x) - sum(q.n) * sum(v.x)) / (count(*) * sum(q.n * q.n) - sum(q.n) * sum(q.n)), NULL, NULL
FROM compared c, (SELECT 'rus' AS subject UNION ALL SELECT 'math') s, periods p
JOIN periods q ON q.series = p.series AND q.n + 0 BETWEEN p.n - 4 AND p.n + 0
JOIN value v ON v.id = 'mean' AND v.breakdown = c.exam || ' ' || s.subject AND v.place = '' AND v.period = q.period
WHERE p.series = 'school_year' GROUP BY c.id, s.subject, p.period HAVING count(*) >= 3;

-- ==== two levels: a school fulfils something or not ====

-- share: 100 or 0, and for the district per cent of the schools that are asked; count: 1 or 0, and how many.
CREATE TABLE verdict (id TEXT, breakdown TEXT, unit TEXT, period TEXT, yes INTEGER, how TEXT);

-- Documents of a school: what it has said in a year, and the last word by the end of a year.
CREATE TABLE paper (doc TEXT, unit TEXT, period TEXT, yes INTEGER, amount REAL, PRIMARY KEY (doc, unit, period));
INSERT INTO paper SELECT doc, unit, period, value = 'yes', nullif(amount, '') + 0 FROM docs;
CREATE TABLE standing (doc TEXT, unit TEXT, period TEXT, yes INTEGER, PRIMARY KEY (doc, unit, period));
INSERT INTO standing
SELECT doc, unit, period, yes
FROM (SELECT d.doc, d.unit, p.period, d.yes, row_number() OVER (PARTITION BY d.doc, d.unit, p.period ORDER BY y.first DESC) AS place
      FROM paper d JOIN periods y ON y.period = d.period JOIN periods p ON p.series = 'school_year' AND y.first <= p.last)
WHERE place = 1;

-- Who says what; asked are others, see below.  It may stand several times: once is enough.
CREATE TABLE said (id TEXT, breakdown TEXT, unit TEXT, period TEXT, yes INTEGER);
INSERT INTO said SELECT 'KLN-03', '', unit, period, yes FROM paper WHERE doc = 'env_diag';
INSERT INTO said SELECT 'KLN-04', '', unit, period, yes FROM standing WHERE doc = 'transition_prog';
-- KLN-05: ~ choice: complete is what the index KLN-06 is made of.
INSERT INTO said
SELECT 'KLN-05', '', unit, period,
       count(*) = 5 AND max(name = 'soc_pupils' AND own > 0)
FROM amount WHERE name IN ('soc_pupils', 'both_he', 'one_parent', 'registers', 'nonnative') GROUP BY unit, period;
-- KLN-07: demand is studied when anybody has answered.
INSERT INTO said
SELECT 'KLN-07', '', d.unit, d.period,
       d.yes AND EXISTS (SELECT 1 FROM survey_order o WHERE o.unit = d.unit AND o.period = d.period)
FROM paper d WHERE d.doc = 'info_prog';
INSERT INTO said SELECT 'KLN-10', '', unit, period, own >= 1 FROM amount WHERE name = 'tutors';
INSERT INTO said SELECT 'KLN-17', '', unit, period, yes FROM paper WHERE doc = 'community';
INSERT INTO said SELECT 'KLN-17', '', unit, period, kind = 'community' FROM pd;
-- KLN-24: ~ choice: two of three: two meetings in a half-year (the number of the form is that of a half-year), members of
-- the public, published minutes.
INSERT INTO said
SELECT 'KLN-24', '', unit, period,
       sum(CASE doc WHEN 'council_meetings' THEN coalesce(amount >= 2, 0)
                    WHEN 'council_members' THEN coalesce(amount >= 1, 0) ELSE yes END) >= 2
FROM paper WHERE doc IN ('council_meetings', 'council_members', 'council_minutes') GROUP BY unit, period;
INSERT INTO said SELECT 'KLN-25', '', unit, period, yes FROM standing WHERE doc = 'involve_public';
INSERT INTO said SELECT 'KLN-27', '', unit, period, yes FROM standing WHERE doc = 'council_prog';
INSERT INTO said SELECT 'KLN-28', '', unit, period, yes FROM standing WHERE doc = 'involve_family';
INSERT INTO said SELECT 'KLN-29', '', unit, period, yes FROM paper WHERE doc = 'family_help_plan';
INSERT INTO said
SELECT 'KLN-45', '', unit, period, sum(yes) = 2 FROM paper WHERE doc IN ('bonus_progress', 'bonus_skills') GROUP BY unit, period;
INSERT INTO said SELECT 'KLN-47', '', unit, period, yes FROM paper WHERE doc = 'host_status';
INSERT INTO said
SELECT 'KLN-48', 'of=schools', unit, period, have + 0 > 0
FROM res_items WHERE item IN ('psychologist', 'speech_therapist', 'special_teacher');
-- KLN-49: ~ choice: an agreement with a school of the roster, whichever side has sent it.
INSERT INTO said
SELECT 'KLN-49', '', a.unit, a.period, 1 FROM agreement a JOIN roster_units r ON r.unit = a.other AND r.period = a.period
WHERE a.partner = 'school'
UNION ALL
SELECT 'KLN-49', '', a.other, a.period, 1 FROM agreement a JOIN roster_units r ON r.unit = a.other AND r.period = a.period
WHERE a.partner = 'school';

-- Asked of the programme schools (KLN-49: of the low-result ones); no answer is no.
WITH asked (id, who) AS (
  VALUES ('KLN-03', 'supported'), ('KLN-04', 'supported'), ('KLN-07', 'supported'), ('KLN-10', 'supported'),
         ('KLN-27', 'supported'), ('KLN-49', 'low'))
INSERT INTO verdict
SELECT a.id, '', s.unit, s.period, coalesce(max(d.yes), 0), 'share'
FROM asked a JOIN status s ON iif(a.who = 'low', s.is_low, s.is_supported)
LEFT JOIN said d ON d.id = a.id AND d.unit = s.unit AND d.period = s.period
GROUP BY a.id, s.unit, s.period;
-- Asked of every school of the roster, in the periods of which anybody has said anything; no answer is no.
INSERT INTO verdict
SELECT q.id, q.breakdown, m.unit, m.period, coalesce(max(d.yes), 0), iif(q.id = 'KLN-47', 'count', 'share')
FROM (SELECT DISTINCT id, breakdown, period FROM said
      WHERE id IN ('KLN-05', 'KLN-17', 'KLN-24', 'KLN-25', 'KLN-28', 'KLN-29', 'KLN-45', 'KLN-47', 'KLN-48')) q
JOIN member m ON m.level = 'unit' AND m.period = q.period
LEFT JOIN said d ON d.id = q.id AND d.breakdown = q.breakdown AND d.period = q.period AND d.unit = m.unit
GROUP BY q.id, q.breakdown, m.unit, m.period;

-- KLN-34: low in this year and in the one before; asked are schools of which both are known.
-- ~ choice: low is two of ОГЭ, ЕГЭ and check tests with at least the district's threshold of participants below the minimum.
CREATE TABLE low (unit TEXT, period TEXT, yes INTEGER, PRIMARY KEY (unit, period));
INSERT INTO low
SELECT v.place, v.period, sum(coalesce(v.x >= r.value - 1e-9, 0)) >= 2
FROM value v LEFT JOIN ref r ON r.series = 'threshold' AND r.exam = v.breakdown AND r.subject = 'all' AND r.period = v.period
WHERE v.id = 'below' AND v.level = 'unit' GROUP BY v.place, v.period;
INSERT INTO verdict
SELECT 'KLN-34', '', l.unit, l.period, l.yes AND k.yes, 'share'
FROM low l JOIN year_before b ON b.period = l.period JOIN low k ON k.unit = l.unit AND k.period = b.earlier;

-- KLN-43: satisfaction of pupils or of parents rose; asked are schools with both years of one of them.
INSERT INTO verdict
SELECT 'KLN-43', '', v.place, v.period, max(v.x > w.x + 1e-9), 'share'
FROM value v JOIN year_before b ON b.period = v.period JOIN value w ON w.id = v.id AND w.place = v.place AND w.period = b.earlier
WHERE v.id IN ('KLN-40', 'KLN-41') AND v.level = 'unit' GROUP BY v.place, v.period;

-- KLN-44: against the district's provision of the base year 2020/21, and of the same year.  ~ choice: pooled, not the mean
-- of the schools; asked are schools that have told it.
INSERT INTO verdict
SELECT 'KLN-44', '', v.place, v.period, v.x >= d.x - 1e-9, 'share'
FROM value v JOIN value d ON d.id = v.id AND d.place = '' AND d.period = '2020/21' WHERE v.id = 'provision' AND v.level = 'unit'
UNION ALL
SELECT 'KLN-44', 'mean=current', v.place, v.period, v.x >= d.x - 1e-9, 'share'
FROM value v JOIN value d ON d.id = v.id AND d.place = '' AND d.period = v.period WHERE v.id = 'provision' AND v.level = 'unit';

INSERT INTO value
SELECT v.id, v.breakdown, v.unit, 'unit', v.period, iif(v.how = 'share', 100, 1) * v.yes, NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
UNION ALL
SELECT v.id, v.breakdown, '', 'municipality', v.period, iif(v.how = 'share', 100.0 * sum(v.yes) / count(*), sum(v.yes)), NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
GROUP BY v.id, v.breakdown, v.period;

-- ==== changes against the year before: KLN-18, 32 to 34, 38, 40 to 42, 50 ====

CREATE TABLE change (id TEXT, breakdown TEXT, of TEXT, of_breakdown TEXT, level TEXT);
INSERT INTO change VALUES
  ('KLN-18', 'change=last_year', 'KLN-18', '', 'both'), ('KLN-32', 'change=last_year', 'KLN-32', '', 'municipality'),
  ('KLN-33', 'change=last_year', 'KLN-33', '', 'both'), ('KLN-34', 'change=last_year', 'KLN-34', '', 'municipality'),
  ('KLN-38', 'change=last_year', 'KLN-38', '', 'both'), ('KLN-40', 'change=last_year', 'KLN-40', '', 'both'),
  ('KLN-41', 'change=last_year', 'KLN-41', '', 'both'), ('KLN-42', 'change=last_year', 'KLN-42', '', 'both'),
  ('KLN-50', 'result=quality', 'quality', '', 'unit'), ('KLN-50', 'result=oge', 'mean', 'oge', 'unit'),
  ('KLN-50', 'result=ege', 'mean', 'ege', 'unit');
INSERT INTO value
SELECT c.id, c.breakdown, v.place, v.level, v.period, v.x - w.x, NULL, NULL
FROM change c JOIN value v ON v.id = c.of AND v.breakdown = c.of_breakdown AND c.level IN ('both', v.level)
JOIN year_before b ON b.period = v.period
JOIN value w ON w.id = v.id AND w.breakdown = v.breakdown AND w.place = v.place AND w.period = b.earlier;

-- ==== what comes out ====

SELECT id, level, place, period, breakdown, printf('%.6f', x + 0.0), iif(num = CAST(num AS INTEGER), CAST(num AS INTEGER), ''),
       iif(den = CAST(den AS INTEGER), CAST(den AS INTEGER), '')
FROM value WHERE id LIKE 'KLN-%' AND level IN ('unit', 'municipality') ORDER BY id, breakdown, period, place;
