-- Veshkaima, VSH-01 to VSH-42, computed from the tables of truth/ (../README.md) and from nothing else: formulas are those
-- of the catalogue of indicators.  "~ choice" marks what the catalogue leaves open and the pack has decided.
--
-- How it is built: `amount` holds plain sums of a school in a period; `share` says what is divided by what; `value` holds
-- whatever has been computed of a place: a school, or the municipality ('').  No school of this district is merged.
-- SLR: schools with low results.

-- ==== places and periods ====

CREATE TABLE member (place TEXT, level TEXT, series TEXT, period TEXT, unit TEXT);
INSERT INTO member SELECT unit, 'unit', series, period, unit FROM roster_units;
INSERT INTO member SELECT '', 'municipality', series, period, unit FROM roster_units;
CREATE INDEX member_by_unit ON member (unit, period);

-- The same period of the series a year before.
CREATE TABLE year_before (period TEXT PRIMARY KEY, earlier TEXT);
INSERT INTO year_before
SELECT p.period, q.period FROM periods p JOIN periods q ON q.series = p.series AND q.first = date(p.first, '-1 year');

-- Which half-years, quarters and so on lie inside a school year.
CREATE TABLE inside (year TEXT, period TEXT, series TEXT, first TEXT);
INSERT INTO inside
SELECT y.period, p.period, p.series, p.first FROM periods y JOIN periods p ON p.first >= y.first AND p.last <= y.last
WHERE y.series = 'school_year';

-- ==== who is SLR: the coordinator's word, the last one begun by the end of a period ====

CREATE TABLE status (unit TEXT, period TEXT, is_low INTEGER, score INTEGER, PRIMARY KEY (unit, period));
WITH heard AS (
  SELECT a.unit, p.period, a.status, a.vshk_score, y.first FROM assess a JOIN periods y ON y.period = a.period
  JOIN periods p ON y.first <= p.last)
INSERT INTO status
SELECT DISTINCT h.unit, h.period,
       (SELECT status IN ('low_results', 'both') FROM heard k WHERE k.unit = h.unit AND k.period = h.period
        ORDER BY first DESC LIMIT 1),
       -- ~ choice: a score that is not known is that of the year before
       (SELECT vshk_score + 0 FROM heard k WHERE k.unit = h.unit AND k.period = h.period AND vshk_score <> ''
        ORDER BY first DESC LIMIT 1)
FROM heard h;

CREATE TABLE eligible (who TEXT, unit TEXT, period TEXT, PRIMARY KEY (who, unit, period));
INSERT INTO eligible SELECT 'all', unit, period FROM member WHERE level = 'municipality';
INSERT INTO eligible SELECT 'low', unit, period FROM status WHERE is_low;

-- ==== sums of a school ====

-- `own`: the school's number; `counts`: what it adds to the district (a person counts at the main place alone).
CREATE TABLE amount (name TEXT, unit TEXT, period TEXT, own REAL, counts REAL, PRIMARY KEY (name, unit, period));

-- pass: pupils, of the school year and of its half-years; pupils of grades 5-11.
INSERT INTO amount SELECT 'pupils', unit, period, pupils, pupils FROM pass;
INSERT INTO amount
SELECT 'pupils', p.unit, i.period, p.pupils, p.pupils FROM pass p
JOIN inside i ON i.year = p.period AND i.series = 'school_half_year';
INSERT INTO amount
SELECT 'pupils_5_11', unit, period, sum(iif(grade + 0 >= 5, grade_pupils, 0)), sum(iif(grade + 0 >= 5, grade_pupils, 0))
FROM pass_grades GROUP BY unit, period;

-- marks: all pupils over all subjects.
WITH marked AS (
  SELECT unit, period, sum(assessed) AS assessed, sum(only_4_5) AS good, sum(assessed - failing) AS passed
  FROM marks_rows WHERE "group" = 'all' AND subject = 'all' GROUP BY unit, period),
taught AS (
  SELECT unit, period, sum(hours_plan) AS plan, sum(hours_done) AS done
  FROM marks_rows WHERE "group" = 'all' AND hours_plan <> '' GROUP BY unit, period)
INSERT INTO amount
SELECT 'assessed', unit, period, assessed, assessed FROM marked
UNION ALL SELECT 'only_4_5', unit, period, good, good FROM marked
UNION ALL SELECT 'passed', unit, period, passed, passed FROM marked
UNION ALL SELECT 'hours_plan', unit, period, plan, plan FROM taught
UNION ALL SELECT 'hours_done', unit, period, done, done FROM taught;

-- exam: the record that stands.  Mean of the ЕГЭ: of scores from 0 to 100; basic mathematics has marks from 2 to 5 and is
-- left out of it.
INSERT INTO amount
SELECT exam || '_participants', unit, period, sum(participants), sum(participants) FROM exam_rows GROUP BY exam, unit, period;
INSERT INTO amount
SELECT exam || '_below', unit, period, sum(below_min), sum(below_min) FROM exam_rows GROUP BY exam, unit, period;
INSERT INTO amount
SELECT exam || '_scored', unit, period, sum(participants), sum(participants)
FROM exam_rows WHERE subject <> 'math_base' GROUP BY exam, unit, period;
INSERT INTO amount
SELECT exam || '_points', unit, period, sum(score_sum), sum(score_sum)
FROM exam_rows WHERE subject <> 'math_base' GROUP BY exam, unit, period;
INSERT INTO amount
SELECT 'vpr_participants', unit, period, sum(participants), sum(participants) FROM vpr_rows GROUP BY unit, period;
INSERT INTO amount SELECT 'vpr_mark_2', unit, period, sum(mark_2), sum(mark_2) FROM vpr_rows GROUP BY unit, period;

-- cert: graduates of a grade (9, 11) and of both.
WITH grades (name, grade) AS (VALUES ('9', 9), ('11', 11), ('all', 9), ('all', 11)),
graduated AS (
  SELECT g.name, c.unit, c.period, sum(c.graduates) AS graduates, sum(c.no_certificate) AS without, sum(c.with_iom) AS iom,
         sum(c.consulted) AS consulted
  FROM grades g JOIN cert_rows c ON c.grade + 0 = g.grade GROUP BY g.name, c.unit, c.period)
INSERT INTO amount
SELECT 'graduates_' || name, unit, period, graduates, graduates FROM graduated
UNION ALL SELECT 'no_certificate_' || name, unit, period, without, without FROM graduated
UNION ALL SELECT 'with_iom_' || name, unit, period, iom, iom FROM graduated
UNION ALL SELECT 'consulted_' || name, unit, period, consulted, consulted FROM graduated;

-- staff, and what is said of the same people in def and pd: one row a person.
-- ~ choice: who has no row has done nothing, where the school has sent the form at all.
WITH people AS (
  SELECT s.unit, s.period, s.main_place = '1' AS main, s.post = 'teacher' AS is_teacher,
         coalesce(d.methods AND d.subject, 0) AS diagnosed, coalesce(d.made AND d.running, 0) AS plan, coalesce(d.modern, 0) AS modern,
         coalesce(t.course, 0) AS course, coalesce(t.contest, 0) AS contest, coalesce(t.internship, 0) AS internship,
         coalesce(t.webinar, 0) AS webinar
  FROM staff s
  LEFT JOIN (SELECT unit, period, teacher, max(area = 'methods') AS methods, max(area = 'subject') AS subject,
                    max(plan_made = '1') AS made, max(plan_running = '1') AS running, max(uses_modern_method = '1') AS modern
             FROM def GROUP BY unit, period, teacher) d USING (unit, period, teacher)
  LEFT JOIN (SELECT unit, period, teacher, max(kind = 'course' AND document = '1') AS course, max(kind = 'contest') AS contest,
                    max(kind = 'internship') AS internship, max(kind = 'webinar' AND topic = 'exam_prep') AS webinar
             FROM pd GROUP BY unit, period, teacher) t USING (unit, period, teacher))
INSERT INTO amount
SELECT 'staff', unit, period, count(*), sum(main) FROM people GROUP BY unit, period
UNION ALL SELECT 'staff_diagnosed', unit, period, sum(diagnosed), sum(diagnosed AND main) FROM people GROUP BY unit, period
UNION ALL SELECT 'staff_plan', unit, period, sum(plan), sum(plan AND main) FROM people GROUP BY unit, period
UNION ALL SELECT 'staff_modern', unit, period, sum(modern), sum(modern AND main) FROM people GROUP BY unit, period
UNION ALL SELECT 'teachers', unit, period, sum(is_teacher), sum(is_teacher AND main) FROM people GROUP BY unit, period
UNION ALL
SELECT 'teachers_course', unit, period, sum(is_teacher AND course), sum(is_teacher AND course AND main)
FROM people GROUP BY unit, period
UNION ALL
SELECT 'teachers_contest', unit, period, sum(is_teacher AND contest), sum(is_teacher AND contest AND main)
FROM people GROUP BY unit, period
UNION ALL
SELECT 'teachers_internship', unit, period, sum(is_teacher AND internship), sum(is_teacher AND internship AND main)
FROM people GROUP BY unit, period
UNION ALL
SELECT 'teachers_webinar', unit, period, sum(is_teacher AND webinar), sum(is_teacher AND webinar AND main)
FROM people GROUP BY unit, period;
-- A school that has sent nothing of the form: not none, but not known.
DELETE FROM amount WHERE name IN ('staff_diagnosed', 'staff_plan', 'staff_modern')
  AND NOT EXISTS (SELECT 1 FROM def f WHERE f.unit = amount.unit AND f.period = amount.period);
DELETE FROM amount WHERE name IN ('teachers_course', 'teachers_contest', 'teachers_internship', 'teachers_webinar')
  AND NOT EXISTS (SELECT 1 FROM pd f WHERE f.unit = amount.unit AND f.period = amount.period);

-- def: who was diagnosed, and who of them has a gap.
WITH found AS (
  SELECT d.unit, d.period, d.teacher, max(s.main_place = '1') AS main, max(d.deficit = '1') AS gap
  FROM def d LEFT JOIN staff s USING (unit, period, teacher) GROUP BY d.unit, d.period, d.teacher)
INSERT INTO amount
SELECT 'diagnosed', unit, period, count(*), sum(main) FROM found GROUP BY unit, period
UNION ALL SELECT 'gap', unit, period, sum(gap), sum(gap AND main) FROM found GROUP BY unit, period;

-- def, independent tests: people with two rounds in one area, and those of them whose level rose from the first to the last.
-- ~ choice: over several areas the changes are added; a person counts where the test was, main place or not.
WITH tested AS (
  SELECT unit, period, teacher, area, round + 0 AS round, level + 0 AS level,
         min(round + 0) OVER (PARTITION BY unit, period, teacher, area) AS first,
         max(round + 0) OVER (PARTITION BY unit, period, teacher, area) AS last
  FROM def WHERE independent = '1'),
moved AS (
  SELECT unit, period, teacher, sum(CASE round WHEN last THEN level WHEN first THEN -level ELSE 0 END) AS change
  FROM tested WHERE first < last GROUP BY unit, period, teacher)
INSERT INTO amount
SELECT 'paired', unit, period, count(*), count(*) FROM moved GROUP BY unit, period
UNION ALL SELECT 'paired_rose', unit, period, sum(change > 0), sum(change > 0) FROM moved GROUP BY unit, period;

-- docs: how many were given an incentive.
INSERT INTO amount SELECT 'bonus', unit, period, amount, amount FROM docs WHERE doc = 'bonus_count' AND amount <> '';

-- res: had of needed, all items and by group of items.
WITH grouped AS (
  SELECT unit, period, needed + 0 AS needed, min(needed + 0, have + 0) AS have,
         CASE WHEN item IN ('psychologist', 'speech_therapist', 'special_teacher') THEN 'specialist'
              WHEN item IN ('lab', 'library_centre', 'workshop', 'gym') OR item LIKE 'room\_%' ESCAPE '\' THEN 'room'
              ELSE 'material' END AS item_group
  FROM res_items),
summed AS (
  SELECT item_group, unit, period, sum(needed) AS needed, sum(have) AS have FROM grouped GROUP BY item_group, unit, period
  UNION ALL SELECT 'all', unit, period, sum(needed), sum(have) FROM grouped GROUP BY unit, period)
INSERT INTO amount
SELECT 'needed_' || item_group, unit, period, needed, needed FROM summed
UNION ALL SELECT 'have_' || item_group, unit, period, have, have FROM summed;

-- prog: programmes that were checked, and those in order then or after.
WITH checked AS (
  SELECT kind, unit, period, count(*) AS n, sum(conforms = '1' OR corrected = '1') AS good
  FROM prog_programmes WHERE checked = '1' GROUP BY kind, unit, period)
INSERT INTO amount
SELECT 'checked_' || kind, unit, period, n, n FROM checked
UNION ALL SELECT 'good_' || kind, unit, period, good, good FROM checked;

-- supp: by half-year; low motivation for a school year, of its last half-year with the number.
-- ~ choice: pupils of grades 5-11 instead of those who answered, who are not counted anywhere.
WITH told AS (
  SELECT unit, period, 'iom' AS name, iom AS x FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'difficulty', difficulty FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, 'low_motivation', low_motivation FROM supp_rows WHERE "group" = 'all' AND band <> 'b1_4')
INSERT INTO amount SELECT name, unit, period, sum(x), sum(x) FROM told WHERE x <> '' GROUP BY name, unit, period;
INSERT INTO amount
SELECT 'low_motivation', unit, year, own, own
FROM (SELECT a.unit, i.year, a.own, row_number() OVER (PARTITION BY a.unit, i.year ORDER BY i.first DESC) AS place
      FROM amount a JOIN inside i ON i.period = a.period AND i.series = 'school_half_year' WHERE a.name = 'low_motivation')
WHERE place = 1;

-- event: how many were held and how many took part, by half-year, and added up for the school year.  A school that has
-- told of its events and had none of a kind has zero.
WITH kinds AS (
  SELECT *, kind IN ('consultation', 'group_consultation') AND audience = 'parents' AS is_parents,
         kind IN ('consultation', 'group_consultation', 'seminar', 'rmo_meeting', 'landing') AND concerns_shnor = '1' AS is_slr
  FROM event),
happened AS (
  SELECT unit, period, 'parents' AS name, iif(is_parents, held, 0) AS x FROM kinds
  UNION ALL SELECT unit, period, 'parents_people', iif(is_parents, participants, 0) FROM kinds
  UNION ALL SELECT unit, period, 'slr', iif(is_slr, held, 0) FROM kinds
  UNION ALL SELECT unit, period, 'stress', iif(kind = 'stress_training', held, 0) FROM kinds
  UNION ALL SELECT unit, period, 'stress_people', iif(kind = 'stress_training', participants, 0) FROM kinds
  UNION ALL SELECT unit, period, 'visits', iif(kind = 'visit', held, 0) FROM kinds
  UNION ALL SELECT unit, period, 'landings', iif(kind = 'landing', held, 0) FROM kinds)
INSERT INTO amount
SELECT 'event_' || name, unit, period, sum(x), sum(x) FROM happened GROUP BY name, unit, period
UNION ALL
SELECT 'event_' || name, unit, i.year, sum(x), sum(x) FROM happened h JOIN inside i ON i.period = h.period AND i.series = 'school_half_year'
GROUP BY name, unit, i.year;

-- ==== shares ====

CREATE TABLE value (id TEXT, breakdown TEXT, place TEXT, level TEXT, period TEXT, x REAL, num REAL, den REAL,
                    PRIMARY KEY (id, breakdown, place, period));

-- times: 100 a share, 1 a ratio.  series: what it is computed in.  The district's: sums over the schools that have both.
CREATE TABLE share (id TEXT, breakdown TEXT, numerator TEXT, denominator TEXT, times INTEGER, series TEXT, level TEXT, who TEXT);
INSERT INTO share VALUES
  ('VSH-04', '', 'staff_diagnosed', 'staff', 100, 'school_year', 'both', 'low'),
  ('VSH-05', '', 'teachers_course', 'teachers', 100, 'school_year', 'both', 'low'),
  ('VSH-06', '', 'staff_plan', 'staff', 100, 'school_year', 'both', 'low'),
  ('VSH-07', '', 'teachers_contest', 'teachers', 100, 'school_year', 'both', 'low'),
  ('VSH-08', '', 'staff_modern', 'staff', 100, 'school_year', 'both', 'low'),
  ('VSH-09', '', 'paired_rose', 'paired', 100, 'school_year', 'both', 'low'),
  ('VSH-12', '', 'iom', 'pupils', 100, 'school_half_year', 'both', 'low'),
  ('VSH-16', '', 'gap', 'diagnosed', 100, 'school_year', 'both', 'all'),
  ('VSH-17', '', 'low_motivation', 'pupils_5_11', 100, 'school_year', 'both', 'all'),
  ('VSH-18', '', 'difficulty', 'pupils', 100, 'school_half_year', 'both', 'all'),
  ('VSH-20', '', 'passed', 'assessed', 100, 'school_trimester school_half_year school_year', 'both', 'all'),
  ('VSH-21', '', 'only_4_5', 'assessed', 100, 'school_trimester school_half_year school_year', 'both', 'all'),
  ('VSH-22', '', 'hours_done', 'hours_plan', 100, 'school_trimester school_year', 'both', 'all'),
  ('VSH-23', '', 'good_syllabus', 'checked_syllabus', 100, 'school_year', 'both', 'all'),
  ('VSH-24', '', 'good_extracurricular', 'checked_extracurricular', 100, 'school_year', 'both', 'all'),
  ('VSH-28', 'grade=9', 'no_certificate_9', 'graduates_9', 100, 'school_year', 'both', 'all'),
  ('VSH-28', 'grade=11', 'no_certificate_11', 'graduates_11', 100, 'school_year', 'both', 'all'),
  ('VSH-29', '', 'with_iom_all', 'no_certificate_all', 100, 'school_year', 'both', 'all'),
  ('VSH-30', '', 'consulted_all', 'no_certificate_all', 100, 'school_year', 'both', 'all'),
  ('VSH-31', '', 'iom', 'difficulty', 100, 'school_half_year', 'both', 'all'),
  ('VSH-34', '', 'teachers_internship', 'teachers', 100, 'school_year', 'both', 'low'),
  ('VSH-35', '', 'teachers_webinar', 'teachers', 100, 'school_year', 'both', 'all'),
  ('VSH-38', '', 'bonus', 'staff', 100, 'school_year', 'unit', 'all'),
  -- what other indicators are made of
  ('provision', '', 'have_all', 'needed_all', 100, 'school_year', 'unit', 'all'),
  ('equipped', 'material', 'have_material', 'needed_material', 100, 'school_year', 'both', 'all'),
  ('equipped', 'room', 'have_room', 'needed_room', 100, 'school_year', 'both', 'all'),
  ('equipped', 'specialist', 'have_specialist', 'needed_specialist', 100, 'school_year', 'both', 'all'),
  ('below', 'oge', 'oge_below', 'oge_participants', 100, 'school_year', 'both', 'low'),
  ('below', 'ege', 'ege_below', 'ege_participants', 100, 'school_year', 'both', 'low'),
  ('below', 'vpr', 'vpr_mark_2', 'vpr_participants', 100, 'school_year', 'both', 'low'),
  ('oge_mean', '', 'oge_points', 'oge_scored', 1, 'school_year', 'unit', 'all'),
  ('ege_mean', '', 'ege_points', 'ege_scored', 1, 'school_year', 'unit', 'all');

INSERT INTO value
SELECT id, breakdown, place, level, period, times * num / den, num, den
FROM (SELECT s.id, s.breakdown, s.times, m.place, m.level, m.period,
             sum(iif(m.level = 'municipality', n.counts, n.own)) AS num,
             sum(iif(m.level = 'municipality', d.counts, d.own)) AS den
      FROM share s JOIN amount n ON n.name = s.numerator
      JOIN amount d ON d.name = s.denominator AND d.unit = n.unit AND d.period = n.period
      JOIN member m ON m.unit = n.unit AND m.period = n.period AND instr(' ' || s.series || ' ', ' ' || m.series || ' ') > 0
      JOIN eligible e ON e.who = s.who AND e.unit = m.unit AND e.period = m.period
      WHERE s.level IN ('both', m.level)
      GROUP BY s.id, s.breakdown, m.place, m.period)
WHERE den <> 0;

-- VSH-40: the district's own meetings, over the school year.
INSERT INTO value
SELECT 'VSH-40', '', '', 'municipality', i.year, 100.0 * sum(iif(concerns_shnor = '1', held, 0)) / sum(held),
       sum(iif(concerns_shnor = '1', held, 0)), sum(held)
FROM event_district e JOIN inside i ON i.period = e.period AND i.series = 'school_half_year'
WHERE kind = 'rmo_meeting' GROUP BY i.year;

-- VSH-32: trial tests of the quarters of the year, all together and by exam and subject.
WITH trials AS (
  SELECT unit, period, '' AS breakdown, low, participants FROM kim_rows WHERE test = 'trial_exam'
  UNION ALL
  SELECT unit, period, 'exam=' || exam || ';subject=' || subject, low, participants FROM kim_rows WHERE test = 'trial_exam')
INSERT INTO value
SELECT 'VSH-32', t.breakdown, m.place, m.level, m.period, 100.0 * sum(low) / sum(participants), sum(low), sum(participants)
FROM trials t JOIN inside i ON i.period = t.period AND i.series = 'school_quarter'
JOIN member m ON m.unit = t.unit AND m.period = i.year
GROUP BY t.breakdown, m.place, m.period;

-- Plain sums: VSH-28, 33, 34, 36, 37, 38, 39.
CREATE TABLE total (id TEXT, breakdown TEXT, name TEXT, series TEXT, level TEXT, who TEXT);
INSERT INTO total VALUES
  ('VSH-28', 'grade=9;as=count', 'no_certificate_9', 'school_year', 'both', 'all'),
  ('VSH-28', 'grade=11;as=count', 'no_certificate_11', 'school_year', 'both', 'all'),
  ('VSH-33', '', 'event_parents', 'school_half_year', 'both', 'all'),
  ('VSH-33', 'as=participants', 'event_parents_people', 'school_half_year', 'both', 'all'),
  ('VSH-34', 'as=count', 'teachers_internship', 'school_year', 'both', 'low'),
  ('VSH-36', '', 'event_stress', 'school_year', 'unit', 'all'),
  ('VSH-36', 'as=participants', 'event_stress_people', 'school_year', 'unit', 'all'),
  ('VSH-37', 'as=visits', 'event_visits', 'school_year', 'both', 'all'),
  ('VSH-38', 'as=count', 'bonus', 'school_year', 'unit', 'all'),
  ('VSH-39', '', 'event_landings', 'school_year', 'both', 'all');
INSERT INTO value
SELECT t.id, t.breakdown, m.place, m.level, m.period, sum(iif(m.level = 'municipality', a.counts, a.own)),
       sum(iif(m.level = 'municipality', a.counts, a.own)), NULL
FROM total t JOIN amount a ON a.name = t.name
JOIN member m ON m.unit = a.unit AND m.period = a.period AND instr(' ' || t.series || ' ', ' ' || m.series || ' ') > 0
JOIN eligible e ON e.who = t.who AND e.unit = m.unit AND e.period = m.period
WHERE t.level IN ('both', m.level)
GROUP BY t.id, t.breakdown, m.place, m.period;

-- ==== agreements and pairs: VSH-02, 37 ====

-- VSH-37: active pairs, once for the district and once for each side, whichever school has sent it.  A school that has told of
-- its pairs and has no active one has zero.
WITH pairs AS (
  SELECT DISTINCT t.pair, t.period, min(t.mentor_school, t.mentee_school) AS one, max(t.mentor_school, t.mentee_school) AS other
  FROM tand t JOIN member a ON a.level = 'unit' AND a.period = t.period AND a.unit = t.mentor_school
  JOIN member b ON b.level = 'unit' AND b.period = t.period AND b.unit = t.mentee_school
  WHERE t.status = 'active'),
schools AS (
  SELECT unit, period FROM tand UNION SELECT one, period FROM pairs UNION SELECT other, period FROM pairs)
INSERT INTO value
SELECT 'VSH-37', '', s.unit, 'unit', s.period, count(p.pair), count(p.pair), NULL
FROM schools s JOIN member m ON m.level = 'unit' AND m.unit = s.unit AND m.period = s.period
LEFT JOIN pairs p ON p.period = s.period AND s.unit IN (p.one, p.other) GROUP BY s.unit, s.period
UNION ALL
SELECT 'VSH-37', '', '', 'municipality', period, count(*), count(*), NULL FROM pairs GROUP BY period;

-- VSH-02: schools that are an end of an agreement in force on the day of filling in, with a school or anybody else.
CREATE TABLE connected (unit TEXT, period TEXT, PRIMARY KEY (unit, period));
INSERT INTO connected
SELECT unit, period FROM net WHERE start_date <= filled_on AND (end_date = '' OR end_date >= filled_on)
UNION
SELECT partner_code, period FROM net
WHERE partner = 'school' AND start_date <= filled_on AND (end_date = '' OR end_date >= filled_on);

-- ==== surveys: VSH-19, 25, 26 ====

-- Answers 3 and 4 of those given; 0 is hard to say.  A school needs 5 sheets, the district's number 3 schools with one.
WITH answers AS (
  SELECT 'VSH-19' AS id, unit, period, q1 + 0 AS a FROM survey_par
  UNION ALL SELECT 'VSH-25', unit, period, q6 + 0 FROM survey_sat WHERE "group" = 'pupil'
  UNION ALL SELECT 'VSH-26', unit, period, q6 + 0 FROM survey_sat WHERE "group" = 'parent')
INSERT INTO value
SELECT a.id, '', m.place, m.level, m.period, 100.0 * sum(a >= 3) / count(*), sum(a >= 3), count(*)
FROM answers a JOIN member m ON m.unit = a.unit AND m.period = a.period WHERE a.a BETWEEN 1 AND 4
GROUP BY a.id, m.place, m.period
HAVING iif(m.level = 'municipality', count(DISTINCT a.unit) >= 3, count(*) >= 5);

-- ==== indices: VSH-14, 15 ====

-- VSH-15: mean of equipment, rooms, specialists.  ~ choice: equal weights; a group that is not needed is left out.
INSERT INTO value
SELECT 'VSH-15', '', place, level, period, avg(x), NULL, NULL FROM value WHERE id = 'equipped' GROUP BY place, level, period;
-- The index of low results: ~ choice: mean over ОГЭ, ЕГЭ and check tests of the share below the minimum, over those held.
INSERT INTO value
SELECT 'low_index', '', place, level, period, avg(x), NULL, NULL FROM value WHERE id = 'below' GROUP BY place, level, period;

-- ==== two levels: a school fulfils something or not ====

CREATE TABLE verdict (id TEXT, unit TEXT, period TEXT, yes INTEGER);
-- Asked is every SLR; no answer is no.
INSERT INTO verdict
SELECT 'VSH-01', s.unit, s.period,
       EXISTS (SELECT 1 FROM amount a WHERE a.name = 'event_slr' AND a.unit = s.unit AND a.period = s.period AND a.own > 0)
FROM status s WHERE s.is_low;
INSERT INTO verdict
SELECT 'VSH-02', s.unit, s.period, EXISTS (SELECT 1 FROM connected c WHERE c.unit = s.unit AND c.period = s.period)
FROM status s WHERE s.is_low;
INSERT INTO verdict
SELECT 'VSH-03', s.unit, s.period,
       EXISTS (SELECT 1 FROM assess a WHERE a.unit = s.unit AND a.period = s.period AND a.address_help = '1')
FROM status s WHERE s.is_low;
-- ~ choice: the threshold 7 of 10.
INSERT INTO verdict SELECT 'VSH-11', unit, period, coalesce(score >= 7, 0) FROM status WHERE is_low;
-- VSH-10: more of what is needed than a year before.  ~ choice: of the SLR that have told it a year before.
INSERT INTO verdict
SELECT 'VSH-10', s.unit, s.period, coalesce(v.x > w.x + 1e-9, 0)
FROM status s JOIN year_before b ON b.period = s.period
JOIN value w ON w.id = 'provision' AND w.place = s.unit AND w.period = b.earlier
LEFT JOIN value v ON v.id = 'provision' AND v.place = s.unit AND v.period = s.period
WHERE s.is_low;
-- VSH-13: the quality rate rose in each observed pair of years among the last three years.  ~ choice: which measure.
WITH pairs AS (
  SELECT v.place, v.period, v.x > w.x + 1e-9 AS rose, p.first
  FROM value v JOIN year_before b ON b.period = v.period JOIN periods p ON p.period = v.period AND p.series = 'school_year'
  JOIN value w ON w.id = v.id AND w.place = v.place AND w.period = b.earlier
  WHERE v.id = 'VSH-21' AND v.level = 'unit')
INSERT INTO verdict
SELECT 'VSH-13', s.unit, s.period, min(k.rose)
FROM status s JOIN periods p ON p.period = s.period AND p.series = 'school_year'
JOIN pairs k ON k.place = s.unit AND k.first <= p.first AND k.first > date(p.first, '-3 years')
WHERE s.is_low GROUP BY s.unit, s.period;

INSERT INTO value
SELECT v.id, '', m.place, m.level, v.period, 100 * avg(v.yes), NULL, NULL
FROM verdict v JOIN member m ON m.unit = v.unit AND m.period = v.period AND m.series = 'school_year'
GROUP BY v.id, m.place, v.period;

-- VSH-41: how many are SLR, of those of whom the coordinator has said anything.
INSERT INTO value
SELECT 'VSH-41', '', m.place, m.level, s.period, sum(s.is_low), NULL, NULL
FROM status s JOIN member m ON m.unit = s.unit AND m.period = s.period AND m.series = 'school_year'
GROUP BY m.place, s.period;

-- ==== changes against the year before: VSH-14, 27, 41 ====

CREATE TABLE change (id TEXT, breakdown TEXT, of TEXT, series TEXT, level TEXT);
INSERT INTO change VALUES
  ('VSH-14', '', 'low_index', 'school_year', 'both'),
  ('VSH-27', 'result=quality', 'VSH-21', 'school_trimester school_year', 'unit'),
  ('VSH-27', 'result=oge', 'oge_mean', 'school_year', 'unit'),
  ('VSH-27', 'result=ege', 'ege_mean', 'school_year', 'unit'),
  ('VSH-41', 'change=last_year', 'VSH-41', 'school_year', 'municipality');
INSERT INTO value
SELECT c.id, c.breakdown, v.place, v.level, v.period, v.x - w.x, NULL, NULL
FROM change c JOIN value v ON v.id = c.of AND v.breakdown = '' AND c.level IN ('both', v.level)
JOIN periods p ON p.period = v.period AND instr(' ' || c.series || ' ', ' ' || p.series || ' ') > 0
JOIN year_before b ON b.period = v.period
JOIN value w ON w.id = c.of AND w.breakdown = '' AND w.place = v.place AND w.period = b.earlier;

-- ==== execution: VSH-42, by calendar quarter ====

-- A row about a measure is about its first day that lies not before the half-year of the row (a yearly measure has several).
-- On time: done by that day.  What does not apply or was cancelled is not due.  Counted in schools with any row by then.
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
  FROM member m JOIN periods p ON p.period = m.period AND p.series = 'calendar_quarter'
  JOIN roadmap r ON r.due BETWEEN p.first AND p.last AND r.of_office = '0'
  WHERE m.level = 'unit' AND EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.first <= p.last))
INSERT INTO value
SELECT 'VSH-42', '', m.place, m.level, d.period, 100.0 * sum(is_on_time) / count(*), NULL, NULL
FROM due d JOIN member m ON m.unit = d.unit AND m.period = d.period
WHERE NOT d.is_excluded GROUP BY m.place, m.level, d.period;

-- ==== what comes out ====

SELECT id, level, place, period, breakdown, printf('%.6f', x + 0.0), iif(num = CAST(num AS INTEGER), CAST(num AS INTEGER), ''),
       iif(den = CAST(den AS INTEGER), CAST(den AS INTEGER), '')
FROM value WHERE id LIKE 'VSH-%' ORDER BY id, breakdown, period, place;
