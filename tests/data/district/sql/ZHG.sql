-- Zhigalovo, ZHG-01 to ZHG-76, computed from the tables of truth/ (../README.md) and from nothing else: formulas are those
-- of the catalogue of indicators.  "~ choice" marks what the catalogue leaves open and the pack has decided.
--
-- How it is built: `amount` holds plain sums of a school in a period; `share` says what is divided by what; `value` holds
-- whatever has been computed of a place.  A place is a school, the municipality (''), or a school together with those
-- merged into it later ('zh03+'), with which its later values are compared.

-- ==== places and periods ====

CREATE TABLE member (place TEXT, level TEXT, series TEXT, period TEXT, unit TEXT);
INSERT INTO member SELECT unit, 'unit', series, period, unit FROM roster_units;
INSERT INTO member SELECT '', 'municipality', series, period, unit FROM roster_units;
INSERT INTO member
SELECT DISTINCT u.successor || '+', 'pool', r.series, r.period, r.unit
FROM units u JOIN roster_units r ON r.unit IN (u.unit, u.successor) WHERE u.successor <> '';
CREATE INDEX member_by_unit ON member (unit, period);

-- Where the earlier values of a place are found, seen from a period.
CREATE TABLE came_from (place TEXT, period TEXT, earlier TEXT, PRIMARY KEY (place, period));
INSERT INTO came_from
SELECT DISTINCT m.place, m.period,
       CASE WHEN m.level = 'unit' AND EXISTS (SELECT 1 FROM units u JOIN periods p ON p.period = m.period
                                              WHERE u.successor = m.place AND u.active_to < p.first)
            THEN m.place || '+' ELSE m.place END
FROM member m;

-- The period before in the series, and the same one a year before.
CREATE TABLE before (period TEXT, back TEXT, earlier TEXT, PRIMARY KEY (period, back));
INSERT INTO before
SELECT p.period, 'previous', q.period FROM periods p JOIN periods q ON q.series = p.series AND q.n + 0 = p.n - 1;
INSERT INTO before
SELECT p.period, 'last_year', q.period
FROM periods p JOIN periods q ON q.series = p.series AND q.first = date(p.first, '-1 year');

-- Of a calendar year: the school year whose June lies in it, and the one that has begun by its end.
CREATE TABLE calendar (year TEXT PRIMARY KEY, ended TEXT, begun TEXT);
INSERT INTO calendar
SELECT c.period, (SELECT s.period FROM periods s WHERE s.series = 'school_year' AND s.last BETWEEN c.first AND c.last),
       (SELECT s.period FROM periods s WHERE s.series = 'school_year' AND s.first BETWEEN c.first AND c.last)
FROM periods c WHERE c.series = 'calendar_year';

-- ==== sums of a school ====

-- `own`: the school's number; `counts`: what it adds to the district (a person counts at the main place alone).
CREATE TABLE amount (name TEXT, unit TEXT, period TEXT, own REAL, counts REAL, PRIMARY KEY (name, unit, period));

-- pass: pupils, classes, grades 5-11.
INSERT INTO amount SELECT 'pupils', unit, period, pupils, pupils FROM pass;
INSERT INTO amount
SELECT 'classes', unit, period, sum(classes), sum(classes) FROM pass_grades GROUP BY unit, period;
INSERT INTO amount
SELECT 'pupils_5_11', unit, period, sum(iif(grade + 0 >= 5, grade_pupils, 0)), sum(iif(grade + 0 >= 5, grade_pupils, 0))
FROM pass_grades GROUP BY unit, period;

-- marks: all pupils over all subjects; rows of a subject are a part of the same pupils.
WITH marked AS (
  SELECT unit, period, sum(assessed) AS assessed, sum(only_4_5) AS good, sum(failing) AS failing
  FROM marks_rows WHERE "group" = 'all' AND subject = 'all' GROUP BY unit, period)
INSERT INTO amount
SELECT 'assessed', unit, period, assessed, assessed FROM marked
UNION ALL SELECT 'only_4_5', unit, period, good, good FROM marked
UNION ALL SELECT 'failing', unit, period, failing, failing FROM marked;

-- vpr: by subject (rus, math) and both together (rm).
WITH subjects (name, subject) AS (VALUES ('rus', 'rus'), ('math', 'math'), ('rm', 'rus'), ('rm', 'math')),
checked AS (
  SELECT s.name, v.unit, v.period, sum(v.lowered) AS lowered, sum(v.raised) AS raised,
         sum(v.lowered + v.confirmed + v.raised) AS works
  FROM subjects s JOIN vpr_rows v ON v.subject = s.subject GROUP BY s.name, v.unit, v.period)
INSERT INTO amount
SELECT 'vpr_lowered_' || name, unit, period, lowered, lowered FROM checked
UNION ALL SELECT 'vpr_differ_' || name, unit, period, lowered + raised, lowered + raised FROM checked
UNION ALL SELECT 'vpr_works_' || name, unit, period, works, works FROM checked;

-- exam: the record that stands, that is, after the re-sits where there were any.
INSERT INTO amount
SELECT exam || '_' || subject || '_participants', unit, period, sum(participants), sum(participants)
FROM exam_rows GROUP BY exam, subject, unit, period;
INSERT INTO amount
SELECT exam || '_' || subject || '_points', unit, period, sum(score_sum), sum(score_sum)
FROM exam_rows GROUP BY exam, subject, unit, period;

-- staff: one row a person.
WITH traits AS (
  SELECT s.unit, s.period, s.main_place + 0 AS main_place, subject, education, category, age, load_hours, inner_part_time, seniority,
         post = 'teacher' AS is_teacher, seniority IN ('y11_20', 'y21') AS is_over_10, seniority = 'y21' AS is_over_20
  FROM staff s),
counted AS (
  SELECT unit, period, main_place AS main, 'staff' AS name, 1 AS yes FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers', is_teacher FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_higher', is_teacher AND education = 'higher' FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_highest', is_teacher AND category = 'highest' FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_first', is_teacher AND category = 'first' FROM traits
  UNION ALL SELECT unit, period, main_place, 'staff_over_10', is_over_10 FROM traits
  UNION ALL SELECT unit, period, main_place, 'staff_over_20', is_over_20 FROM traits
  UNION ALL SELECT unit, period, main_place, 'staff_under_20', seniority <> 'y21' FROM traits
  UNION ALL SELECT unit, period, main_place, 'staff_young', age = 'a30' FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_rus', is_teacher AND subject = 'rus' FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_rus_10', is_teacher AND subject = 'rus' AND is_over_10 FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_rus_20', is_teacher AND subject = 'rus' AND is_over_20 FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_math', is_teacher AND subject = 'math' FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_math_10', is_teacher AND subject = 'math' AND is_over_10 FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_math_20', is_teacher AND subject = 'math' AND is_over_20 FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_load_26', is_teacher AND load_hours IN ('h26_40', 'h40') FROM traits
  UNION ALL SELECT unit, period, main_place, 'teachers_part_time', is_teacher AND inner_part_time = '1' FROM traits)
INSERT INTO amount SELECT name, unit, period, sum(yes), sum(yes AND main = 1) FROM counted GROUP BY name, unit, period;

-- def: distinct codes; a school that has diagnosed somebody has zero with a gap when there is none.
-- ~ choice: everybody in the form counts (its key is the teacher's code), whatever the post.
WITH found AS (
  SELECT d.unit, d.period, d.teacher, max(s.main_place = '1') AS main,
         max(d.area = 'lesson') AS lesson, max(d.area = 'lesson' AND d.deficit = '1') AS lesson_gap,
         max(d.area = 'methods') AS methods, max(d.area = 'methods' AND d.deficit = '1') AS methods_gap,
         max(d.deficit = '1') AS gap
  FROM def d LEFT JOIN staff s ON s.unit = d.unit AND s.period = d.period AND s.teacher = d.teacher
  GROUP BY d.unit, d.period, d.teacher)
INSERT INTO amount
SELECT 'diagnosed_lesson', unit, period, sum(lesson), sum(lesson AND main) FROM found GROUP BY unit, period
UNION ALL SELECT 'gap_lesson', unit, period, sum(lesson_gap), sum(lesson_gap AND main) FROM found GROUP BY unit, period
UNION ALL SELECT 'diagnosed_methods', unit, period, sum(methods), sum(methods AND main) FROM found GROUP BY unit, period
UNION ALL SELECT 'gap_methods', unit, period, sum(methods_gap), sum(methods_gap AND main) FROM found GROUP BY unit, period
UNION ALL SELECT 'gap', unit, period, sum(gap), sum(gap AND main) FROM found GROUP BY unit, period;

-- Teachers with a running plan, trained in the approach, with distance skills.
-- ~ choice: who has no row has done nothing, where the school has sent the form at all.
WITH skilled AS (
  SELECT s.unit, s.period, s.main_place = '1' AS main,
         EXISTS (SELECT 1 FROM def d WHERE d.unit = s.unit AND d.period = s.period AND d.teacher = s.teacher
                 AND d.plan_running = '1') AS plan,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.topic = 'person_centred') AS approach,
         EXISTS (SELECT 1 FROM pd t WHERE t.unit = s.unit AND t.period = s.period AND t.teacher = s.teacher
                 AND t.topic = 'distance')
         OR EXISTS (SELECT 1 FROM def d WHERE d.unit = s.unit AND d.period = s.period AND d.teacher = s.teacher
                    AND d.area = 'distance' AND d.level + 0 >= 60) AS distance
  FROM staff s WHERE s.post = 'teacher')
INSERT INTO amount
SELECT 'teachers_plan', unit, period, sum(plan), sum(plan AND main) FROM skilled GROUP BY unit, period
UNION ALL SELECT 'teachers_approach', unit, period, sum(approach), sum(approach AND main) FROM skilled GROUP BY unit, period
UNION ALL SELECT 'teachers_distance', unit, period, sum(distance), sum(distance AND main) FROM skilled GROUP BY unit, period;
-- A school that has sent nothing of the form: not none, but not known.
DELETE FROM amount WHERE name IN ('teachers_plan')
  AND NOT EXISTS (SELECT 1 FROM def f WHERE f.unit = amount.unit AND f.period = amount.period);
DELETE FROM amount WHERE name IN ('teachers_approach')
  AND NOT EXISTS (SELECT 1 FROM pd f WHERE f.unit = amount.unit AND f.period = amount.period);
DELETE FROM amount WHERE name = 'teachers_distance'
  AND NOT EXISTS (SELECT 1 FROM pd f WHERE f.unit = amount.unit AND f.period = amount.period)
  AND NOT EXISTS (SELECT 1 FROM def f WHERE f.unit = amount.unit AND f.period = amount.period);

-- Courses attended: finished ones, not people.
INSERT INTO amount
SELECT 'courses_attended', unit, period, sum(kind = 'course' AND document = '1'), sum(kind = 'course' AND document = '1')
FROM pd GROUP BY unit, period;

-- docs: amounts, and the checklist of rooms and movement breaks.
INSERT INTO amount
SELECT iif(doc = 'request', 'courses_requested', doc), unit, period, sum(amount), sum(amount)
FROM docs WHERE doc IN ('request', 'self_assessed', 'mean_gap') AND amount <> '' GROUP BY doc, unit, period;
WITH physical AS (
  SELECT unit, period, sum(value = 'yes') AS yes, sum(value <> 'not_applicable') AS asked
  FROM docs WHERE doc LIKE 'phys\_%' ESCAPE '\' GROUP BY unit, period)
INSERT INTO amount
SELECT 'phys_yes', unit, period, yes, yes FROM physical
UNION ALL SELECT 'phys_asked', unit, period, asked, asked FROM physical;

-- soc: for a school year the later of its two days on which the school knew the number.
-- ~ choice: each number by itself; one that is not known in May is that of October.
WITH told AS (
  SELECT unit, period, 'soc_pupils' AS name, pupils AS x FROM soc
  UNION ALL SELECT unit, period, 'both_parents_he', both_parents_he FROM soc
  UNION ALL SELECT unit, period, 'one_parent', one_parent_family FROM soc
  UNION ALL SELECT unit, period, 'on_registers', on_registers FROM soc
  UNION ALL SELECT unit, period, 'non_native', non_native_russian FROM soc
  UNION ALL SELECT unit, period, 'large_or_low', large_or_low_income FROM soc
  UNION ALL SELECT unit, period, 'risk_in_large_or_low', risk_zone_in_large_or_low FROM soc
  UNION ALL SELECT unit, period, 'aoop', aoop FROM soc
  UNION ALL SELECT unit, period, 'intellectual', intellectual FROM soc
  UNION ALL SELECT unit, period, 'parents', parents FROM soc
  UNION ALL SELECT unit, period, 'parents_no_vocational', parents_no_vocational FROM soc),
ranked AS (
  SELECT t.name, t.unit, y.period, t.x, row_number() OVER (PARTITION BY t.name, t.unit, y.period ORDER BY d.first DESC) AS place
  FROM told t JOIN periods d ON d.period = t.period
  JOIN periods y ON y.series = 'school_year' AND d.first BETWEEN y.first AND y.last
  WHERE t.x <> '')
INSERT INTO amount SELECT name, unit, period, x, x FROM ranked WHERE place = 1;

-- supp: by half-year; for a school year its last half-year with the number.
-- ~ choice: only the band of the denominator enters a share of grades 5-11 (names with _5_11).
CREATE TABLE support (name TEXT, unit TEXT, period TEXT, x REAL);
WITH told AS (
  SELECT unit, period, band, 'difficulty' AS name, difficulty AS x FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'low_motivation', low_motivation FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'able', lowmot_lowres_able FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'iom', iom FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'elective', elective FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'mentoring', mentoring FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'social_project', social_project FROM supp_rows WHERE "group" = 'all'
  UNION ALL SELECT unit, period, band, 'psych_support', psych_support FROM supp_rows WHERE "group" = 'all')
INSERT INTO support
SELECT name, unit, period, sum(x) FROM told WHERE x <> '' GROUP BY name, unit, period
UNION ALL
SELECT name || '_5_11', unit, period, sum(x) FROM told WHERE x <> '' AND band <> 'b1_4' GROUP BY name, unit, period;
INSERT INTO amount SELECT name, unit, period, x, x FROM support;
WITH ranked AS (
  SELECT s.name, s.unit, y.period, s.x, row_number() OVER (PARTITION BY s.name, s.unit, y.period ORDER BY h.first DESC) AS place
  FROM support s JOIN periods h ON h.period = s.period
  JOIN periods y ON y.series = 'school_year' AND h.first >= y.first AND h.last <= y.last)
INSERT INTO amount SELECT name, unit, period, x, x FROM ranked WHERE place = 1;

-- res: what is had beyond what is needed counts for nothing.
INSERT INTO amount SELECT 'rooms', unit, period, rooms, rooms FROM res;
INSERT INTO amount SELECT 'rooms_equipped', unit, period, rooms_equipped, rooms_equipped FROM res;
INSERT INTO amount SELECT 'posts_needed', unit, period, posts_needed, posts_needed FROM res;
INSERT INTO amount SELECT 'posts_filled', unit, period, posts_filled, posts_filled FROM res;
INSERT INTO amount SELECT 'spending', unit, period, spending_total, spending_total FROM res;
INSERT INTO amount
SELECT 'items_needed', unit, period, sum(needed), sum(needed) FROM res_items GROUP BY unit, period;
INSERT INTO amount
SELECT 'items_have', unit, period, sum(min(needed + 0, have + 0)), sum(min(needed + 0, have + 0))
FROM res_items GROUP BY unit, period;
-- Rooms for research, craft, music, art; not every kind of room.
INSERT INTO amount
SELECT 'room_kinds_needed', unit, period, sum(needed), sum(needed)
FROM res_items WHERE item IN ('room_research', 'room_craft', 'room_music', 'room_art') GROUP BY unit, period;
INSERT INTO amount
SELECT 'room_kinds_have', unit, period, sum(min(needed + 0, have + 0)), sum(min(needed + 0, have + 0))
FROM res_items WHERE item IN ('room_research', 'room_craft', 'room_music', 'room_art') GROUP BY unit, period;

-- prog: a school that has sent its list and has none has zero.
INSERT INTO amount
SELECT 'elective_courses', p.unit, p.period, sum(coalesce(r.kind = 'elective', 0)), sum(coalesce(r.kind = 'elective', 0))
FROM prog p LEFT JOIN prog_programmes r USING (unit, period) GROUP BY p.unit, p.period;
INSERT INTO amount
SELECT 'special_courses', p.unit, p.period, sum(coalesce(r.kind = 'special_course', 0)),
       sum(coalesce(r.kind = 'special_course', 0))
FROM prog p LEFT JOIN prog_programmes r USING (unit, period) GROUP BY p.unit, p.period;

-- kim: meta-subject work, in the period of the year.
INSERT INTO amount
SELECT 'meta_good', unit, period, sum(base + high), sum(base + high) FROM kim_rows WHERE subject = 'meta' GROUP BY unit, period;
INSERT INTO amount
SELECT 'meta_participants', unit, period, sum(participants), sum(participants)
FROM kim_rows WHERE subject = 'meta' GROUP BY unit, period;

-- tand: pairs inside a school, and mentees at their own school; a school that has sent no pair is not known to have none.
INSERT INTO amount
SELECT 'pairs_in_school', unit, period, sum(scope = 'in_school' AND status = 'active'),
       sum(scope = 'in_school' AND status = 'active')
FROM tand GROUP BY unit, period;
INSERT INTO amount
SELECT 'pairs_in_school_programme', unit, period, sum(scope = 'in_school' AND status = 'active' AND programme = '1'),
       sum(scope = 'in_school' AND status = 'active' AND programme = '1')
FROM tand GROUP BY unit, period;
WITH mentee AS (
  SELECT DISTINCT t.unit, t.period, t.mentee_code, s.main_place = '1' AS main
  FROM tand t LEFT JOIN staff s ON s.unit = t.unit AND s.period = t.period AND s.teacher = t.mentee_code
  WHERE t.status = 'active' AND t.mentee_school = t.unit)
INSERT INTO amount
SELECT 'mentees', g.unit, g.period, count(m.mentee_code), coalesce(sum(m.main), 0)
FROM amount g LEFT JOIN mentee m ON m.unit = g.unit AND m.period = g.period WHERE g.name = 'gap'
  AND EXISTS (SELECT 1 FROM tand t WHERE t.unit = g.unit AND t.period = g.period) GROUP BY g.unit, g.period;

-- ==== shares ====

CREATE TABLE value (id TEXT, breakdown TEXT, place TEXT, level TEXT, period TEXT, x REAL, num REAL, den REAL,
                    PRIMARY KEY (id, breakdown, place, period));

-- Who takes part: all, or schools of one kind as the passport of that year says.
CREATE TABLE eligible (who TEXT, unit TEXT, period TEXT, PRIMARY KEY (who, unit, period));
INSERT INTO eligible SELECT 'all', unit, period FROM member WHERE level = 'municipality';
INSERT INTO eligible SELECT kind, unit, period FROM pass;
INSERT INTO eligible SELECT settlement, unit, period FROM pass;
INSERT INTO eligible SELECT 'small secondary', unit, period FROM pass WHERE kind = 'secondary' AND small = '1';

-- times: 100 a share, 1 a ratio.  series: what it is computed in.  The district's: sums over the schools that have both.
CREATE TABLE share (id TEXT, breakdown TEXT, numerator TEXT, denominator TEXT, times INTEGER, series TEXT, level TEXT, who TEXT);
INSERT INTO share VALUES
  ('ZHG-08', '', 'only_4_5', 'assessed', 100, 'school_quarter school_year', 'both', 'all'),
  ('ZHG-10', '', 'vpr_lowered_rm', 'vpr_works_rm', 100, 'school_year', 'both', 'all'),
  ('ZHG-10', 'subject=rus', 'vpr_lowered_rus', 'vpr_works_rus', 100, 'school_year', 'both', 'all'),
  ('ZHG-10', 'subject=math', 'vpr_lowered_math', 'vpr_works_math', 100, 'school_year', 'both', 'all'),
  -- ~ choice: both variants
  ('ZHG-10', 'variant=with_raised', 'vpr_differ_rm', 'vpr_works_rm', 100, 'school_year', 'both', 'all'),
  ('ZHG-11', '', 'failing', 'assessed', 100, 'school_quarter school_year', 'both', 'all'),
  ('ZHG-16', '', 'teachers_higher', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-17', '', 'teachers_highest', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-18', '', 'teachers_first', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-19', '', 'staff_over_10', 'staff', 100, 'school_year', 'both', 'all'),
  ('ZHG-20', 'of=over_10', 'staff_over_20', 'staff_over_10', 100, 'school_year', 'both', 'all'),
  ('ZHG-20', 'of=staff', 'staff_over_20', 'staff', 100, 'school_year', 'both', 'all'),
  -- ZHG-21, 22: «the same», over 20 years: ~ choice: of all teachers of the subject, not of those over 10.
  ('ZHG-21', 'over=10', 'teachers_rus_10', 'teachers_rus', 100, 'school_year', 'both', 'all'),
  ('ZHG-21', 'over=20', 'teachers_rus_20', 'teachers_rus', 100, 'school_year', 'both', 'all'),
  ('ZHG-22', 'over=10', 'teachers_math_10', 'teachers_math', 100, 'school_year', 'both', 'all'),
  ('ZHG-22', 'over=20', 'teachers_math_20', 'teachers_math', 100, 'school_year', 'both', 'all'),
  ('ZHG-23', '', 'staff_under_20', 'staff', 100, 'school_year', 'both', 'all'),
  ('ZHG-24', '', 'staff_young', 'staff', 100, 'school_year', 'both', 'all'),
  ('ZHG-25', 'load=26', 'teachers_load_26', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-26', '', 'teachers_part_time', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-27', '', 'large_or_low', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  ('ZHG-27', 'kind=primary', 'large_or_low', 'soc_pupils', 100, 'school_year', 'municipality', 'primary'),
  ('ZHG-27', 'kind=basic', 'large_or_low', 'soc_pupils', 100, 'school_year', 'municipality', 'basic'),
  -- ~ choice: of the secondary schools the small ones, for which a base is printed
  ('ZHG-27', 'kind=secondary', 'large_or_low', 'soc_pupils', 100, 'school_year', 'municipality', 'small secondary'),
  ('ZHG-28', '', 'risk_in_large_or_low', 'large_or_low', 100, 'school_year', 'both', 'all'),
  ('ZHG-29', '', 'parents_no_vocational', 'parents', 100, 'school_year', 'both', 'all'),
  ('ZHG-30', '', 'pupils', 'classes', 1, 'school_year', 'both', 'all'),
  ('ZHG-30', 'settlement=village', 'pupils', 'classes', 1, 'school_year', 'municipality', 'village'),
  ('ZHG-30', 'settlement=township', 'pupils', 'classes', 1, 'school_year', 'municipality', 'township'),
  ('ZHG-32', 'of=pupils', 'aoop', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  -- ~ choice: of all pupils, not of those of АООП
  ('ZHG-33', '', 'intellectual', 'soc_pupils', 100, 'school_year', 'municipality', 'all'),
  ('ZHG-43', '', 'low_motivation_5_11', 'pupils_5_11', 100, 'school_year', 'both', 'all'),
  ('ZHG-44', '', 'able_5_11', 'pupils_5_11', 100, 'school_year', 'both', 'all'),
  ('ZHG-45', '', 'iom', 'able_5_11', 100, 'school_half_year', 'both', 'all'),
  ('ZHG-47', '', 'meta_good', 'meta_participants', 100, 'school_year', 'both', 'all'),
  ('ZHG-49', '', 'gap_lesson', 'diagnosed_lesson', 100, 'school_year', 'both', 'all'),
  ('ZHG-50', '', 'gap_methods', 'diagnosed_methods', 100, 'school_year', 'both', 'all'),
  ('ZHG-52', '', 'rooms_equipped', 'rooms', 100, 'school_year', 'both', 'all'),
  ('ZHG-54', '', 'room_kinds_have', 'room_kinds_needed', 100, 'school_year', 'both', 'all'),
  ('ZHG-59', 'scope=in_school', 'pairs_in_school_programme', 'pairs_in_school', 100, 'school_year', 'both', 'all'),
  ('ZHG-60', '', 'mentees', 'gap', 100, 'school_year', 'both', 'all'),
  ('ZHG-61', '', 'teachers_plan', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-62', '', 'courses_attended', 'courses_requested', 100, 'school_year', 'both', 'all'),
  ('ZHG-64', '', 'elective_5_11', 'pupils_5_11', 100, 'school_year', 'both', 'all'),
  ('ZHG-66', '', 'mentoring', 'pupils', 100, 'school_year', 'both', 'all'),
  ('ZHG-67', '', 'social_project', 'pupils', 100, 'school_year', 'both', 'all'),
  ('ZHG-68', '', 'psych_support', 'difficulty', 100, 'school_half_year', 'both', 'all'),
  ('ZHG-69', '', 'self_assessed', 'teachers', 100, 'school_year', 'unit', 'all'),
  ('ZHG-72', '', 'teachers_approach', 'teachers', 100, 'school_year', 'both', 'all'),
  ('ZHG-73', '', 'teachers_distance', 'teachers', 100, 'school_year', 'both', 'all'),
  -- what other indicators are made of
  ('oge_rus', '', 'oge_rus_points', 'oge_rus_participants', 1, 'school_year', 'both', 'all'),
  ('oge_math', '', 'oge_math_points', 'oge_math_participants', 1, 'school_year', 'both', 'all'),
  ('ege_rus', '', 'ege_rus_points', 'ege_rus_participants', 1, 'school_year', 'both', 'all'),
  ('ege_math', '', 'ege_math_points', 'ege_math_participants', 1, 'school_year', 'both', 'all'),
  ('quality', 'township', 'only_4_5', 'assessed', 100, 'school_year', 'municipality', 'township'),
  ('quality', 'village', 'only_4_5', 'assessed', 100, 'school_year', 'municipality', 'village'),
  ('both_he', '', 'both_parents_he', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  ('one_parent', '', 'one_parent', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  ('registers', '', 'on_registers', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  ('nonnative', '', 'non_native', 'soc_pupils', 100, 'school_year', 'both', 'all'),
  ('checklist', '', 'phys_yes', 'phys_asked', 100, 'school_year', 'both', 'all'),
  ('posts', '', 'posts_filled', 'posts_needed', 100, 'school_year', 'both', 'all'),
  ('items', '', 'items_have', 'items_needed', 100, 'school_year', 'both', 'all'),
  ('per_pupil', '', 'spending', 'pupils', 1, 'school_year', 'both', 'all');

INSERT INTO value
SELECT id, breakdown, place, level, period, times * num / den, num, den
FROM (SELECT s.id, s.breakdown, s.times, m.place, m.level, m.period,
             sum(iif(m.level = 'municipality', n.counts, n.own)) AS num,
             sum(iif(m.level = 'municipality', d.counts, d.own)) AS den
      FROM share s JOIN amount n ON n.name = s.numerator
      JOIN amount d ON d.name = s.denominator AND d.unit = n.unit AND d.period = n.period
      JOIN member m ON m.unit = n.unit AND m.period = n.period AND instr(' ' || s.series || ' ', ' ' || m.series || ' ') > 0
      JOIN eligible e ON e.who = s.who AND e.unit = m.unit AND e.period = m.period
      WHERE s.level IN ('both', m.level) OR (s.level = 'both' AND m.level = 'pool')
      GROUP BY s.id, s.breakdown, m.place, m.period)
WHERE den <> 0;

-- Plain sums: ZHG-11, 57, 62, 64, 65, 69 and the enrolment behind ZHG-31, the АООП pupils behind ZHG-32.
CREATE TABLE total (id TEXT, breakdown TEXT, name TEXT, series TEXT, level TEXT, who TEXT);
INSERT INTO total VALUES
  ('ZHG-11', 'as=count', 'failing', 'school_quarter school_year', 'both', 'all'),
  ('ZHG-57', '', 'pairs_in_school', 'school_year', 'both', 'all'),
  ('ZHG-62', 'as=count', 'courses_attended', 'school_year', 'both', 'all'),
  ('ZHG-64', 'as=courses', 'elective_courses', 'school_year', 'both', 'all'),
  ('ZHG-65', '', 'special_courses', 'school_year', 'both', 'all'),
  ('ZHG-69', 'gap=commission', 'mean_gap', 'school_year', 'unit', 'all'),
  ('enrolment', '', 'pupils', 'school_year', 'both', 'all'),
  ('enrolment', 'basic', 'pupils', 'school_year', 'municipality', 'basic'),
  ('enrolment', 'secondary', 'pupils', 'school_year', 'municipality', 'secondary'),
  ('aoop', '', 'aoop', 'school_year', 'both', 'all');
INSERT INTO value
SELECT t.id, t.breakdown, m.place, m.level, m.period, sum(iif(m.level = 'municipality', a.counts, a.own)),
       sum(iif(m.level = 'municipality', a.counts, a.own)), NULL
FROM total t JOIN amount a ON a.name = t.name
JOIN member m ON m.unit = a.unit AND m.period = a.period AND instr(' ' || t.series || ' ', ' ' || m.series || ' ') > 0
JOIN eligible e ON e.who = t.who AND e.unit = m.unit AND e.period = m.period
JOIN periods p ON p.period = m.period
WHERE (t.level IN ('both', m.level) OR m.level = 'pool')
  AND (t.id <> 'ZHG-65' OR p.last >= '2021-09-01') -- special courses: from 01.09.21
GROUP BY t.id, t.breakdown, m.place, m.period;

-- ==== agreements and pairs between schools: ZHG-02, 56, 58, 59 ====

-- One line for each relation of two schools of the roster, whichever of them has sent it; with one side only it is dropped.
-- An agreement is active when it is in force on the day of filling in.
CREATE TABLE relation (what TEXT, code TEXT, one TEXT, other TEXT, period TEXT, has_programme INTEGER);
WITH told AS (
  SELECT 'agreement' AS what, agreement AS code, unit AS sender, unit AS a, partner_code AS b, period, 0 AS has_programme
  FROM net WHERE partner = 'school' AND start_date <= filled_on AND (end_date = '' OR end_date >= filled_on)
  UNION ALL
  SELECT 'mentoring', agreement, unit, unit, partner_code, period, 0
  FROM net WHERE role <> 'equal' AND start_date <= filled_on AND (end_date = '' OR end_date >= filled_on)
  UNION ALL
  SELECT 'pair', pair, unit, mentor_school, mentee_school, period, programme = '1'
  FROM tand WHERE scope = 'network' AND status = 'active')
INSERT INTO relation
SELECT what, code, min(a, b), max(a, b), t.period, max(has_programme)
FROM told t JOIN roster_units x ON x.unit = t.a AND x.period = t.period
JOIN roster_units y ON y.unit = t.b AND y.period = t.period
WHERE t.a <> t.b GROUP BY what, code, min(a, b), max(a, b), t.period;

-- Once for the district, once for each side.  ~ choice: a school without any has no value, not nought.
CREATE TABLE related (what TEXT, place TEXT, level TEXT, period TEXT, n INTEGER, with_programme INTEGER);
INSERT INTO related
SELECT r.what, m.place, m.level, r.period, count(*), sum(r.has_programme)
FROM relation r JOIN member m ON m.level = 'unit' AND m.period = r.period AND m.place IN (r.one, r.other)
GROUP BY r.what, m.place, r.period
UNION ALL
SELECT what, '', 'municipality', period, count(*), sum(has_programme) FROM relation GROUP BY what, period;
INSERT INTO value SELECT 'ZHG-56', '', place, level, period, n, n, NULL FROM related WHERE what = 'agreement';
INSERT INTO value SELECT 'ZHG-58', '', place, level, period, n, n, NULL FROM related WHERE what = 'pair';
INSERT INTO value
SELECT 'ZHG-59', 'scope=network', place, level, period, 100.0 * with_programme / n, with_programme, n
FROM related WHERE what = 'pair' AND level = 'municipality';

-- ==== least and greatest: ZHG-25, 30 ====

-- Load bands: 1 under 18 hours, 2 to 25, 3 to 40, 4 over 40.
WITH bands AS (
  SELECT unit, period, CASE load_hours WHEN 'h18' THEN 1 WHEN 'h18_25' THEN 2 WHEN 'h26_40' THEN 3 WHEN 'h40' THEN 4 END AS band
  FROM staff WHERE post = 'teacher' AND load_hours <> ''),
bounds AS (
  SELECT m.place, m.level, m.period, min(band) AS low, max(band) AS high
  FROM bands b JOIN member m ON m.unit = b.unit AND m.period = b.period GROUP BY m.place, m.level, m.period)
INSERT INTO value
SELECT 'ZHG-25', 'bound=lowest', place, level, period, low, NULL, NULL FROM bounds
UNION ALL SELECT 'ZHG-25', 'bound=highest', place, level, period, high, NULL, NULL FROM bounds;

-- Class size of a grade.  ~ choice: grades that have classes of their own, rounded to two places.
WITH sizes AS (
  SELECT unit, period, round(1.0 * grade_pupils / classes + 1e-9, 2) AS size FROM pass_grades WHERE classes + 0 > 0),
bounds AS (
  SELECT m.place, m.level, m.period, min(size) AS low, max(size) AS high
  FROM sizes s JOIN member m ON m.unit = s.unit AND m.period = s.period GROUP BY m.place, m.level, m.period)
INSERT INTO value
SELECT 'ZHG-30', 'bound=min', place, level, period, low, NULL, NULL FROM bounds
UNION ALL SELECT 'ZHG-30', 'bound=max', place, level, period, high, NULL, NULL FROM bounds;

-- ==== district tests: ZHG-46 ====

-- Mean per cent weighted by participants, all together and for each grade and subject.
WITH tests AS (
  SELECT unit, period, breakdown, participants, mean_percent
  FROM (SELECT *, 'grade=' || grade || ';subject=' || subject AS breakdown FROM kim_rows
        UNION ALL SELECT *, '' FROM kim_rows)
  WHERE test = 'district' AND subject <> 'meta')
INSERT INTO value
SELECT 'ZHG-46', t.breakdown, m.place, m.level, m.period, sum(participants * mean_percent) / sum(participants), NULL,
       sum(participants)
FROM tests t JOIN member m ON m.unit = t.unit AND m.period = t.period AND m.series = 'school_quarter'
GROUP BY t.breakdown, m.place, m.period;

-- ==== surveys: ZHG-35, 36, 38-40, 42 and what is behind ZHG-04, 05, 41 ====

-- One line for each given answer; 0 is hard to say and left out.
CREATE TABLE answer (form TEXT, who TEXT, unit TEXT, period TEXT, sheet INTEGER, item INTEGER, a INTEGER);
WITH items (n) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)),
told AS (
  SELECT 'bos' AS form, "group" AS who, unit, period, s.rowid AS sheet, n,
         CASE n WHEN 1 THEN q1 WHEN 2 THEN q2 WHEN 3 THEN q3 WHEN 4 THEN q4 WHEN 5 THEN q5 WHEN 6 THEN q6 WHEN 7 THEN q7
                WHEN 8 THEN q8 WHEN 9 THEN q9 WHEN 10 THEN q10 WHEN 11 THEN q11 ELSE q12 END AS a
  FROM survey_bos s, items
  UNION ALL
  SELECT 'comf', "group", unit, period, s.rowid, n,
         CASE n WHEN 1 THEN q1 WHEN 2 THEN q2 WHEN 3 THEN q3 WHEN 4 THEN q4 WHEN 5 THEN q5 ELSE q6 END
  FROM survey_comf s, items WHERE n <= 6
  UNION ALL SELECT 'mgmt', '', unit, period, rowid, 5, q5 FROM survey_mgmt
  UNION ALL SELECT 'meth', '', unit, period, rowid, 5, q5 FROM survey_meth)
INSERT INTO answer SELECT form, who, unit, period, sheet, n, a FROM told WHERE a + 0 BETWEEN 1 AND 4;

-- low: the share of answers 1 and 2; index: (mean - 1) / 3 x 100; mean: points.  least: sheets of a school, under which it
-- has no number of its own; units: schools with a sheet that the district's number needs.
CREATE TABLE poll (id TEXT, breakdown TEXT, form TEXT, who TEXT, items TEXT, turned TEXT, how TEXT, least INTEGER, units INTEGER);
INSERT INTO poll VALUES
  ('ZHG-35', 'item=1', 'bos', 'pupil', ' 1 ', '', 'low', 5, 3), ('ZHG-35', 'item=2', 'bos', 'pupil', ' 2 ', '', 'low', 5, 3),
  ('ZHG-35', 'item=3', 'bos', 'pupil', ' 3 ', '', 'low', 5, 3), ('ZHG-35', 'item=4', 'bos', 'pupil', ' 4 ', '', 'low', 5, 3),
  ('ZHG-35', 'item=5', 'bos', 'pupil', ' 5 ', '', 'low', 5, 3), ('ZHG-35', 'item=6', 'bos', 'pupil', ' 6 ', '', 'low', 5, 3),
  ('ZHG-35', 'item=7', 'bos', 'pupil', ' 7 ', '', 'low', 5, 3),
  ('ZHG-36', 'item=8', 'bos', 'pupil', ' 8 ', '', 'low', 5, 3), ('ZHG-36', 'item=9', 'bos', 'pupil', ' 9 ', '', 'low', 5, 3),
  ('ZHG-36', 'item=10', 'bos', 'pupil', ' 10 ', '', 'low', 5, 3),
  -- ~ choice: the sheets of all groups together, each answer with the same weight
  ('ZHG-38', '', 'bos', 'any', ' 2 4 12 ', '', 'index', 5, 3), ('ZHG-39', '', 'bos', 'any', ' 1 3 8 10 ', '', 'index', 5, 3),
  ('ZHG-40', '', 'bos', 'any', ' 5 6 7 9 ', '', 'index', 5, 3), ('rooms', '', 'bos', 'any', ' 11 ', '', 'index', 5, 3),
  ('ZHG-42', 'group=pupil', 'comf', 'pupil', ' 1 2 3 4 5 6 ', ' 4 5 ', 'mean', 5, 3),
  ('ZHG-42', 'group=parent', 'comf', 'parent', ' 1 2 3 4 5 6 ', ' 4 5 ', 'mean', 5, 3),
  ('ZHG-42', 'group=teacher', 'comf', 'teacher', ' 1 2 3 4 5 6 ', ' 4 5 ', 'mean', 5, 3),
  ('ZHG-42', 'group=staff', 'comf', 'staff', ' 1 2 3 4 5 6 ', ' 4 5 ', 'mean', 5, 3),
  -- ~ choice: no least number of sheets, as a school has few heads and deputies
  ('management', '', 'mgmt', 'any', ' 5 ', '', 'mean', 1, 1), ('help', '', 'meth', 'any', ' 5 ', '', 'mean', 1, 1);
WITH polled AS (
  SELECT p.id, p.breakdown, p.how, p.least, p.units, m.place, m.level, m.period,
         count(DISTINCT a.sheet) AS sheets, count(DISTINCT a.unit) AS schools, sum(a.a <= 2) AS low, count(*) AS answers,
         avg(iif(instr(p.turned, ' ' || a.item || ' ') > 0, 5 - a.a, a.a)) AS mean
  FROM poll p JOIN answer a ON a.form = p.form AND p.who IN ('any', a.who) AND instr(p.items, ' ' || a.item || ' ') > 0
  JOIN member m ON m.unit = a.unit AND m.period = a.period
  GROUP BY p.id, p.breakdown, m.place, m.period)
INSERT INTO value
SELECT id, breakdown, place, level, period,
       CASE how WHEN 'low' THEN 100.0 * low / answers WHEN 'index' THEN (mean - 1) / 3 * 100 ELSE mean END,
       iif(how = 'low', low, NULL), iif(how = 'low', answers, NULL)
FROM polled WHERE iif(level = 'municipality', schools >= units, sheets >= least);

-- ZHG-35, 36: mean, least and greatest of the statements, when all have a value.
INSERT INTO value
SELECT id, '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id = 'ZHG-35' AND breakdown LIKE 'item=%' GROUP BY place, level, period HAVING count(*) = 7
UNION ALL
SELECT id, 'bound=min', place, level, period, min(x), NULL, NULL FROM value
WHERE id = 'ZHG-35' AND breakdown LIKE 'item=%' GROUP BY place, level, period
UNION ALL
SELECT id, 'bound=max', place, level, period, max(x), NULL, NULL FROM value
WHERE id = 'ZHG-35' AND breakdown LIKE 'item=%' GROUP BY place, level, period
UNION ALL
SELECT id, '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id = 'ZHG-36' AND breakdown LIKE 'item=%' GROUP BY place, level, period HAVING count(*) = 3;

-- ZHG-42: mean of the groups.  ~ choice: of those that have a value.
INSERT INTO value
SELECT 'ZHG-42', '', place, level, period, avg(x), NULL, NULL FROM value WHERE id = 'ZHG-42' GROUP BY place, level, period;

-- ==== indices: ZHG-37, 41, 48, 51 ====

-- ZHG-41: answers on rooms, and the checklist.  ~ choice: half and half.
INSERT INTO value
SELECT 'ZHG-41', '', a.place, a.level, a.period, (a.x + c.x) / 2, NULL, NULL
FROM value a JOIN value c ON c.id = 'checklist' AND c.place = a.place AND c.period = a.period WHERE a.id = 'rooms';
-- ZHG-37: ~ choice: equal weights; no index without all four parts.
INSERT INTO value
SELECT 'ZHG-37', '', place, level, period, avg(x), NULL, NULL FROM value
WHERE id IN ('ZHG-38', 'ZHG-39', 'ZHG-40', 'ZHG-41') GROUP BY place, level, period HAVING count(*) = 4;
-- ZHG-48: ~ choice: the four parts of KOR-01 with equal weights, three of them turned.
INSERT INTO value
SELECT 'ZHG-48', '', place, level, period, avg(iif(id = 'both_he', x, 100 - x)), NULL, NULL FROM value
WHERE id IN ('both_he', 'one_parent', 'registers', 'nonnative') GROUP BY place, level, period HAVING count(*) = 4;
-- ZHG-51: mean of posts filled, spending per pupil against the base year, and items had.  ~ choice: equal weights, not cut
-- at 100.  The base year is 2020/21, that of the first inventory.
INSERT INTO value
SELECT 'ZHG-51', '', s.place, s.level, s.period, (p.x + 100 * s.x / b.x + i.x) / 3, NULL, NULL
FROM value s JOIN value p ON p.id = 'posts' AND p.place = s.place AND p.period = s.period
JOIN value i ON i.id = 'items' AND i.place = s.place AND i.period = s.period
JOIN came_from c ON c.place = s.place AND c.period = s.period
JOIN value b ON b.id = 'per_pupil' AND b.place = c.earlier AND b.period = '2020/21'
WHERE s.id = 'per_pupil';

-- ==== gaps: ZHG-76, and the district as a mean of its schools: ZHG-08 ====

INSERT INTO value
SELECT 'ZHG-08', 'mean=schools', '', 'municipality', period, avg(x), NULL, NULL FROM value
WHERE id = 'ZHG-08' AND breakdown = '' AND level = 'unit' GROUP BY period;
INSERT INTO value
SELECT 'ZHG-76', '', '', 'municipality', v.period, max(x) - min(x), NULL, NULL
FROM value v JOIN periods p ON p.period = v.period AND p.series = 'school_year'
WHERE id = 'ZHG-08' AND breakdown = '' AND level = 'unit' GROUP BY v.period;
INSERT INTO value
SELECT 'ZHG-76', 'between=settlement', '', 'municipality', t.period, t.x - v.x, NULL, NULL
FROM value t JOIN value v ON v.id = 'quality' AND v.breakdown = 'village' AND v.period = t.period
WHERE t.id = 'quality' AND t.breakdown = 'township';

-- ==== changes: ZHG-31, 32, 46, 76 ====

CREATE TABLE change (id TEXT, breakdown TEXT, of TEXT, of_breakdown TEXT, how TEXT, back TEXT);
INSERT INTO change VALUES
  ('ZHG-31', '', 'enrolment', '', 'percent', 'last_year'),
  ('ZHG-31', 'kind=basic', 'enrolment', 'basic', 'percent', 'last_year'),
  ('ZHG-31', 'kind=secondary', 'enrolment', 'secondary', 'percent', 'last_year'),
  ('ZHG-32', '', 'aoop', '', 'percent', 'last_year'),
  ('ZHG-46', 'change=previous', 'ZHG-46', '', 'points', 'previous'),
  ('ZHG-76', 'change=range', 'ZHG-76', '', 'points', 'last_year'),
  ('ZHG-76', 'change=of_settlement', 'ZHG-76', 'between=settlement', 'points', 'last_year');
INSERT INTO value
SELECT c.id, c.breakdown, v.place, v.level, v.period, iif(c.how = 'percent', (v.x / w.x - 1) * 100, v.x - w.x), NULL, NULL
FROM change c JOIN value v ON v.id = c.of AND v.breakdown = c.of_breakdown AND v.level <> 'pool'
JOIN before b ON b.period = v.period AND b.back = c.back
JOIN came_from f ON f.place = v.place AND f.period = v.period
JOIN value w ON w.id = c.of AND w.breakdown = c.of_breakdown AND w.place = f.earlier AND w.period = b.earlier
WHERE c.how <> 'percent' OR w.x <> 0;

-- ==== two levels: a school fulfils something or not ====

-- share: 100 or 0, and for the district per cent of the schools that are asked; count: 1 or 0, and how many.
CREATE TABLE verdict (id TEXT, breakdown TEXT, unit TEXT, period TEXT, yes INTEGER, how TEXT);

-- ZHG-09: at or above the district's value, pooled or mean of the schools.  Asked: schools with a value.
INSERT INTO verdict
SELECT 'ZHG-09', iif(d.breakdown = '', '', 'mean=schools'), v.place, v.period, v.x >= d.x - 1e-9, 'share'
FROM value v JOIN value d ON d.id = 'ZHG-08' AND d.place = '' AND d.period = v.period
JOIN periods p ON p.period = v.period AND p.series = 'school_year'
WHERE v.id = 'ZHG-08' AND v.breakdown = '' AND v.level = 'unit';

-- ZHG-12 to 15: the mean against that of the region.  Asked: schools that held the exam; of ЕГЭ mathematics secondary ones.
WITH asked (id, exam, subject, is_below) AS (
  VALUES ('ZHG-12', 'oge', 'rus', 1), ('ZHG-13', 'oge', 'math', 1), ('ZHG-14', 'ege', 'math', 1), ('ZHG-15', 'ege', 'rus', 0))
INSERT INTO verdict
SELECT a.id, '', v.place, v.period,
       coalesce(iif(a.is_below, v.x < r.value - 1e-9, v.x >= r.value - 1e-9), 0), 'share'
FROM asked a JOIN value v ON v.id = a.exam || '_' || a.subject AND v.level = 'unit'
LEFT JOIN ref r ON r.series = 'mean' AND r.level = 'region' AND r.exam = a.exam AND r.subject = a.subject AND r.period = v.period
WHERE a.id <> 'ZHG-14' OR EXISTS (SELECT 1 FROM eligible e WHERE e.who = 'secondary' AND e.unit = v.place AND e.period = v.period);

-- ZHG-31, schools in which the enrolment fell; asked: those with both years.
INSERT INTO verdict
SELECT 'ZHG-31', 'fell=schools', place, period, x < -1e-9, 'count'
FROM value WHERE id = 'ZHG-31' AND breakdown = '' AND level = 'unit';

-- ZHG-34, 63, 74: the passport.
INSERT INTO verdict SELECT 'ZHG-34', '', unit, period, small = '1', 'share' FROM pass;
INSERT INTO verdict SELECT 'ZHG-34', 'as=count', unit, period, small = '1', 'count' FROM pass;

-- The others are asked of every school of the roster, in the periods of which anybody has said anything; no answer is no.
CREATE TABLE asked (id TEXT, unit TEXT, period TEXT, yes INTEGER);
INSERT INTO asked SELECT 'ZHG-63', unit, period, mediation_service = '1' FROM pass;
INSERT INTO asked SELECT 'ZHG-74', unit, period, bonus_rules_updated = '1' FROM pass;
INSERT INTO asked
SELECT 'ZHG-53', unit, period, max(have + 0 > 0) FROM res_items WHERE item = 'library_centre' GROUP BY unit, period;

-- Documents: the last word that a school has said by the end of a period, of a school year or a calendar year.
CREATE TABLE document (doc TEXT, unit TEXT, period TEXT, series TEXT, yes INTEGER);
INSERT INTO document
SELECT doc, unit, period, series, value = 'yes'
FROM (SELECT d.doc, d.unit, p.period, p.series, d.value,
             row_number() OVER (PARTITION BY d.doc, d.unit, p.period ORDER BY y.first DESC) AS place
      FROM docs d JOIN periods y ON y.period = d.period
      JOIN periods p ON p.series IN ('school_year', 'calendar_year') AND y.first <= p.last)
WHERE place = 1;
-- ZHG-70: the rule book, once adopted.
INSERT INTO asked SELECT 'ZHG-70', unit, period, yes FROM document WHERE doc = 'rule_book' AND series = 'school_year';
-- ZHG-71: the three publications of that year.
INSERT INTO asked
SELECT 'ZHG-71', unit, period, sum(value = 'yes') = 3 FROM docs WHERE doc IN ('pub_plan', 'pub_progress', 'pub_results')
GROUP BY unit, period;
-- ZHG-55: a staff list that was renewed in the school year begun in that calendar year.
INSERT INTO asked
SELECT 'ZHG-55', d.unit, c.year, d.value = 'yes' FROM calendar c JOIN docs d ON d.period = c.begun AND d.doc = 'staff_list_renewed';
-- ZHG-01: both analyses.  ~ choice: that of efficiency counts once it is done, the SWOT is that of the autumn of the year.
INSERT INTO asked
SELECT 'ZHG-01', d.unit, d.period,
       d.yes AND EXISTS (SELECT 1 FROM calendar c JOIN swot s ON s.period = c.begun WHERE c.year = d.period AND s.unit = d.unit)
FROM document d WHERE d.doc = 'analysis_done' AND d.series = 'calendar_year';
INSERT INTO asked
SELECT 'ZHG-01', s.unit, c.year, 0 FROM calendar c JOIN swot s ON s.period = c.begun
WHERE NOT EXISTS (SELECT 1 FROM asked a WHERE a.id = 'ZHG-01' AND a.unit = s.unit AND a.period = c.year);
-- ZHG-02: mentor or mentee in an agreement, or in a pair of two schools, of the school year begun in the calendar year.
-- ~ choice: pairs count as well as agreements.
INSERT INTO asked
SELECT 'ZHG-02', f.unit, c.year,
       EXISTS (SELECT 1 FROM related r WHERE r.what IN ('mentoring', 'pair') AND r.place = f.unit AND r.period = f.period)
FROM calendar c JOIN (SELECT unit, period FROM net UNION SELECT unit, period FROM tand
                      UNION SELECT place, period FROM related WHERE level = 'unit') f ON f.period = c.begun;
-- ZHG-03: worked out (to 2020); and running (2021); and carried through (from 2022).
INSERT INTO asked
SELECT 'ZHG-03', unit, period,
       max(yes AND doc = 'transition_prog')
       AND (period <= '2020' OR max(yes AND doc = iif(period = '2021', 'transition_running', 'transition_finished')))
FROM document WHERE series = 'calendar_year'
AND doc IN ('transition_prog', iif(period <= '2020', '', iif(period = '2021', 'transition_running', 'transition_finished')))
GROUP BY unit, period;
-- ZHG-04, 05: ~ choice: satisfied when the mean of its answers to question 5 is 3 or more; the survey of the school year
-- begun in the calendar year.
INSERT INTO asked
SELECT iif(v.id = 'management', 'ZHG-04', 'ZHG-05'), v.place, c.year, v.x >= 3 - 1e-9
FROM calendar c JOIN value v ON v.period = c.begun WHERE v.id IN ('management', 'help') AND v.level = 'unit';
-- ZHG-06: the resource index against that of the base year, of the school year begun in the calendar year.
INSERT INTO asked
SELECT 'ZHG-06', v.place, c.year, coalesce(v.x > b.x + 1e-9, 0)
FROM calendar c JOIN value v ON v.id = 'ZHG-51' AND v.period = c.begun AND v.level = 'unit'
JOIN came_from f ON f.place = v.place AND f.period = v.period
LEFT JOIN value b ON b.id = 'ZHG-51' AND b.place = f.earlier AND b.period = '2020/21';
INSERT INTO verdict
SELECT q.id, '', m.unit, m.period, coalesce(a.yes, 0), 'share'
FROM (SELECT DISTINCT id, period FROM asked) q JOIN member m ON m.level = 'unit' AND m.period = q.period
LEFT JOIN asked a ON a.id = q.id AND a.period = q.period AND a.unit = m.unit;

-- ZHG-07: at least two of four against the year before: quality rate up, marks lowered in check tests down, mean of ОГЭ
-- mathematics up, safety index up; of the school year that ended in the calendar year.
-- ~ choice: which exam; asked are schools with the quality rate of both years.
WITH signs (id, up) AS (VALUES ('ZHG-08', 1), ('ZHG-10', -1), ('oge_math', 1), ('ZHG-37', 1)),
compared AS (
  SELECT c.year, v.place, v.id, (v.x - w.x) * s.up > 1e-9 AS is_better
  FROM calendar c JOIN value v ON v.period = c.ended AND v.breakdown = '' AND v.level = 'unit'
  JOIN signs s ON s.id = v.id
  JOIN before b ON b.period = v.period AND b.back = 'last_year'
  JOIN came_from f ON f.place = v.place AND f.period = v.period
  JOIN value w ON w.id = v.id AND w.breakdown = '' AND w.place = f.earlier AND w.period = b.earlier)
INSERT INTO verdict
SELECT 'ZHG-07', '', k.place, k.year, sum(is_better) >= 2, 'share'
FROM compared k JOIN member m ON m.level = 'unit' AND m.place = k.place AND m.period = k.year
GROUP BY k.place, k.year HAVING sum(k.id = 'ZHG-08') > 0;

INSERT INTO value
SELECT v.id, v.breakdown, v.unit, 'unit', v.period, iif(v.how = 'share', 100, 1) * v.yes, NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
UNION ALL
SELECT v.id, v.breakdown, '', 'municipality', v.period, iif(v.how = 'share', 100 * avg(v.yes), sum(v.yes)), NULL, NULL
FROM verdict v JOIN member m ON m.level = 'unit' AND m.unit = v.unit AND m.period = v.period
GROUP BY v.id, v.breakdown, v.period;

-- ==== execution: ZHG-75 ====

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
  FROM member m JOIN periods p ON p.period = m.period AND p.series = 'calendar_year'
  JOIN roadmap r ON r.due BETWEEN p.first AND p.last AND r.of_office = '0'
  WHERE m.level = 'unit' AND EXISTS (SELECT 1 FROM reported e WHERE e.unit = m.unit AND e.first <= p.last))
INSERT INTO value
SELECT 'ZHG-75', '', m.place, m.level, d.period, 100.0 * sum(is_on_time) / count(*), NULL, NULL
FROM due d JOIN member m ON m.unit = d.unit AND m.period = d.period AND m.level <> 'pool'
WHERE NOT d.is_excluded GROUP BY m.place, m.level, d.period;

-- ==== what comes out ====

SELECT id, level, place, period, breakdown, printf('%.6f', x + 0.0), iif(num = CAST(num AS INTEGER), CAST(num AS INTEGER), ''),
       iif(den = CAST(den AS INTEGER), CAST(den AS INTEGER), '')
FROM value WHERE id LIKE 'ZHG-%' AND level IN ('unit', 'municipality') ORDER BY id, breakdown, period, place;
