/* configs_cases.h: for every form in configs/forms one right return, and changes to it that break one rule each. */
#ifndef SVODKA_TESTS_CONFIGS_CASES_H
#define SVODKA_TESTS_CONFIGS_CASES_H

#include <stddef.h>

#define CASE_BREAKS 6u

/* In the right return `from` is replaced by `to` (first place alone); then this field is refused. */
struct configs_break {
    const char *from, *to, *field;
};
struct configs_case {
    const char *form;
    const char *right;
    struct configs_break breaks[CASE_BREAKS]; /* to the first without `from` */
};

#define SURVEY_RULES                                                                                                   \
    {                                                                                                                  \
        {"\"q1\": 4", "\"q1\": 5", "q1"}, {"\"q2\": 0", "\"q2\": -1", "q2"}, {"\"q3\": 1", "\"q3\": null", "q3"},      \
    }

static const struct configs_case configs_cases[] = {
    {"pass",
     "{\"kind\": \"basic\", \"settlement\": \"village\", \"small\": true, \"remote\": false, \"pupils\": 34,"
     " \"staff_total\": 11, \"teachers\": 9, \"mediation_service\": true, \"bonus_rules_updated\": false,"
     " \"marking_primary\": \"quarter\", \"marking_basic\": \"quarter\", \"grades\": ["
     "{\"grade\": 1, \"classes\": 1, \"grade_pupils\": 6}, {\"grade\": 4, \"classes\": 0, \"grade_pupils\": 5},"
     "{\"grade\": 5, \"classes\": 1, \"grade_pupils\": 10}, {\"grade\": 9, \"classes\": 1, \"grade_pupils\": 13}]}",
     {{"\"pupils\": 34", "\"pupils\": 35", "grades"},
      {"\"teachers\": 9", "\"teachers\": 12", "teachers"},
      {"\"grade\": 9", "\"grade\": 10", "grade"},
      {"\"grade\": 4", "\"grade\": 1", "classes"},
      {"\"kind\": \"basic\"", "\"kind\": \"primary\"", "grade"},
      {"\"marking_basic\": \"quarter\"", "\"marking_basic\": null", "marking_basic"}}},
    {"soc",
     "{\"pupils\": 148, \"both_parents_he\": 44, \"one_parent_family\": 36, \"on_registers\": 3,"
     " \"non_native_russian\": 9, \"from_abroad\": 4, \"large_family\": 30, \"low_income\": 25,"
     " \"large_or_low_income\": 41, \"aoop\": 8, \"intellectual\": 2, \"risk_zone\": 20,"
     " \"risk_zone_in_large_or_low\": 12, \"parents\": 250, \"parents_worker\": 130,"
     " \"parents_secondary_or_vocational\": 140, \"parents_no_vocational\": {\"?\": \"unknown\"}}",
     {{"\"both_parents_he\": 44", "\"both_parents_he\": 149", "both_parents_he"},
      {"\"large_or_low_income\": 41", "\"large_or_low_income\": 29", "large_or_low_income"},
      {"\"large_or_low_income\": 41", "\"large_or_low_income\": 56", "large_or_low_income"},
      {"\"risk_zone_in_large_or_low\": 12", "\"risk_zone_in_large_or_low\": 21", "risk_zone_in_large_or_low"},
      {"\"parents_worker\": 130", "\"parents_worker\": 251", "parents_worker"},
      {"\"aoop\": 8, ", "", "aoop"}}},
    {"staff",
     "{\"teacher\": \"T07\", \"post\": \"teacher\", \"main_place\": true, \"inner_part_time\": false,"
     " \"subject\": \"math\", \"education\": \"higher\", \"category\": \"first\", \"seniority\": \"y21\","
     " \"age\": \"a30_54\", \"load_hours\": \"h18_25\", \"matches_subject\": true}",
     {{"T07", "Ivanova", "teacher"},
      {"T07", "T1234", "teacher"},
      {"a30_54", "a30", "seniority"},
      {"\"subject\": \"math\", ", "", "subject"},
      {"\"post\": \"teacher\"", "\"post\": \"psychologist\"", "subject"}}},
    {"pd",
     "{\"row\": \"T01-2\", \"kind\": \"course\", \"topic\": \"exam_prep\", \"active_methods\": true, \"hours\": 72,"
     " \"start_date\": \"2020-03-01\", \"end_date\": \"2020-04-10\", \"document\": true}",
     {{"T01-2", "T01", "row"},
      {"2020-04-10", "2020-02-10", "end_date"},
      {", \"end_date\": \"2020-04-10\"", "", "end_date"},
      {"\"course\"", "\"contest\"", "level"},
      {"\"exam_prep\"", "\"transition\"", "consultant"},
      {"\"hours\": 72", "\"hours\": 0", "hours"}}},
    {"def",
     "{\"row\": \"T01-2-lesson\", \"independent\": true, \"level\": 64, \"deficit\": false, \"plan_made\": true,"
     " \"plan_running\": true, \"uses_modern_method\": false}",
     {{"T01-2-lesson", "T01-5-lesson", "row"},
      {"T01-2-lesson", "T01-2-lessons", "row"},
      {"\"level\": 64", "\"level\": 101", "level"},
      {"\"plan_made\": true", "\"plan_made\": false", "plan_running"}}},
    {"marks",
     "{\"rows\": [{\"grade\": 5, \"group\": \"all\", \"subject\": \"all\", \"assessed\": 20, \"only_4_5\": 8,"
     " \"failing\": 1, \"hours_plan\": 270, \"hours_done\": 265},"
     " {\"grade\": 5, \"group\": \"nonnative\", \"subject\": \"all\", \"assessed\": 4, \"only_4_5\": 1,"
     " \"failing\": 1}]}",
     {{"\"only_4_5\": 8", "\"only_4_5\": 21", "only_4_5"},
      {"\"failing\": 1", "\"failing\": 13", "failing"},
      {"\"nonnative\"", "\"all\"", "subject"},
      {"\"grade\": 5", "\"grade\": 1", "grade"},
      {", \"hours_done\": 265", "", "hours_done"}}},
    {"vpr",
     "{\"rows\": [{\"grade\": 5, \"subject\": \"rus\", \"participants\": 38, \"mark_2\": 6, \"mark_3\": 16,"
     " \"mark_4\": 12, \"mark_5\": 4, \"lowered\": 18, \"confirmed\": 16, \"raised\": 2},"
     " {\"grade\": 5, \"subject\": \"math\", \"participants\": 3, \"mark_2\": 0, \"mark_3\": 1, \"mark_4\": 1,"
     " \"mark_5\": 1, \"lowered\": 1, \"confirmed\": 2, \"raised\": 0}]}",
     {{"\"mark_2\": 6", "\"mark_2\": 7", "mark_5"},
      {"\"lowered\": 18", "\"lowered\": 21", "raised"},
      {"\"math\"", "\"rus\"", "subject"},
      {"\"grade\": 5", "\"grade\": 3", "grade"}}},
    {"exam",
     "{\"rows\": [{\"exam\": \"oge\", \"subject\": \"math\", \"participants\": 6, \"score_sum\": 18, \"below_min\": 2,"
     " \"high\": 0, \"after_resit\": true}, {\"exam\": \"ege\", \"subject\": \"math\", \"participants\": 3,"
     " \"score_sum\": \"171.5\", \"below_min\": 0, \"high\": 1, \"after_resit\": true}]}",
     {{"\"score_sum\": 18", "\"score_sum\": 11", "score_sum"},
      {"\"score_sum\": 18", "\"score_sum\": 31", "score_sum"},
      {"\"below_min\": 2", "\"below_min\": 7", "below_min"},
      {"\"high\": 0", "\"high\": 5", "high"},
      {"\"ege\"", "\"oge\"", "subject"},
      {"\"math\"", "\"math_base\"", "subject"}}},
    {"cert",
     "{\"rows\": [{\"grade\": 9, \"graduates\": 12, \"certificates\": 10, \"no_certificate\": 2, \"with_iom\": 2,"
     " \"consulted\": 1, \"continue_study\": 10, \"trade_finished\": 0, \"got_trade\": 0}]}",
     {{"\"certificates\": 10", "\"certificates\": 11", "no_certificate"},
      {"\"with_iom\": 2", "\"with_iom\": 3", "with_iom"},
      {"\"consulted\": 1", "\"consulted\": 3", "consulted"},
      {"\"got_trade\": 0", "\"got_trade\": 1", "got_trade"},
      {"\"grade\": 9", "\"grade\": 10", "grade"}}},
    {"kim",
     "{\"rows\": [{\"test\": \"district\", \"grade\": 6, \"subject\": \"meta\", \"participants\": 20,"
     " \"mean_percent\": \"61.25\", \"low\": 3, \"base\": 12, \"high\": 5}, {\"test\": \"trial_exam\","
     " \"exam\": \"oge\", \"grade\": 9, \"subject\": \"rus\", \"participants\": 9, \"mean_percent\": 55, \"low\": 2,"
     " \"base\": 6, \"high\": 1}]}",
     {{"\"low\": 3", "\"low\": 4", "high"},
      {"\"exam\": \"oge\", ", "", "exam"},
      {"\"grade\": 9", "\"grade\": 11", "grade"},
      {"\"61.25\"", "\"100.01\"", "mean_percent"},
      {"\"test\": \"trial_exam\"", "\"test\": \"district\"", "exam"}}},
    {"res",
     "{\"items\": [{\"item\": \"computers\", \"needed\": 30, \"have\": 24},"
     " {\"item\": \"room_music\", \"needed\": 1, \"have\": 0}, {\"item\": \"psychologist\", \"needed\": 1,"
     " \"have\": 1}], \"rooms\": 14, \"rooms_equipped\": 9, \"posts_needed\": \"24.75\", \"posts_filled\": 24,"
     " \"spending_total\": \"21450000.50\", \"spending_programme\": 300000, \"grants_count\": 1, \"grants\": 150000}",
     {{"\"room_music\"", "\"computers\"", "item"},
      {"\"rooms_equipped\": 9", "\"rooms_equipped\": 15", "rooms_equipped"},
      {"\"posts_filled\": 24", "\"posts_filled\": 25", "posts_filled"},
      {"\"spending_programme\": 300000", "\"spending_programme\": 21450001", "spending_programme"},
      {"\"grants_count\": 1", "\"grants_count\": 0", "grants"}}},
    {"supp",
     "{\"rows\": [{\"group\": \"all\", \"band\": \"b5_9\", \"band_pupils\": 34, \"difficulty\": 9,"
     " \"low_motivation\": 11, \"lowmot_lowres_able\": 3, \"iom\": 5, \"iup\": 2, \"iom_or_iup\": 6, \"tutor\": 2,"
     " \"special_programme\": 4, \"extra_time\": 10, \"elective\": 12, \"extracurricular\": 30, \"psych_support\": 7,"
     " \"mentoring\": 3, \"social_project\": 15, \"speech_group\": 0, \"trade_study\": 0, \"on_register_busy\": 1},"
     " {\"group\": \"nonnative\", \"band\": \"b5_9\", \"band_pupils\": 3, \"difficulty\": 2, \"iom\": 1, \"tutor\": 2,"
     " \"psych_support\": 0}]}",
     {{"\"difficulty\": 9", "\"difficulty\": 35", "difficulty"},
      {"\"lowmot_lowres_able\": 3", "\"lowmot_lowres_able\": 12", "lowmot_lowres_able"},
      {"\"iom_or_iup\": 6", "\"iom_or_iup\": 4", "iom_or_iup"},
      {"\"iom_or_iup\": 6", "\"iom_or_iup\": 8", "iom_or_iup"},
      {"\"nonnative\"", "\"all\"", "band"},
      {"\"psych_support\": 0}", "\"psych_support\": 0, \"elective\": 1}", "elective"}}},
    {"net",
     "{\"agreement\": \"12/2020\", \"partner\": \"school\", \"partner_code\": \"school-3\", \"role\": \"mentee\","
     " \"start_date\": \"2020-09-01\", \"plan_items\": 8, \"plan_done\": 3}",
     {{", \"partner_code\": \"school-3\"", "", "partner_code"},
      {"school-3", "school 3", "partner_code"},
      {"\"plan_done\": 3", "\"plan_done\": 9", "plan_done"},
      {"\"partner\": \"school\"", "\"partner\": \"college\"", "partner_code"},
      {"12/2020", "12 от 2020", "agreement"}}},
    {"tand",
     "{\"pair\": \"1\", \"scope\": \"network\", \"mentor_school\": \"s1\", \"mentor_code\": \"T02\","
     " \"mentee_school\": \"s2\", \"mentee_code\": \"T02\", \"area\": \"methods\", \"programme\": true,"
     " \"status\": \"active\"}",
     {{"\"network\"", "\"in_school\"", "mentee_school"},
      {"\"mentee_school\": \"s2\"", "\"mentee_school\": \"s1\"", "mentee_school"},
      {"\"mentor_code\": \"T02\"", "\"mentor_code\": \"Петрова\"", "mentor_code"}}},
    {"docs",
     "{\"doc\": \"council_meetings\", \"value\": \"yes\", \"amount\": 2, \"date\": \"2020-08-30\"}",
     {{", \"amount\": 2", "", "amount"},
      {"2020-08-30", "2020-09-02", "date"},
      {"\"council_meetings\"", "\"rule_book\"", "amount"},
      {"\"doc\": \"council_meetings\", \"value\": \"yes\", \"amount\": 2", "\"doc\": \"pub_plan\", \"value\": \"yes\"",
       "url"},
      {"\"council_meetings\", \"value\": \"yes\", \"amount\": 2",
       "\"conditions_inside\", \"value\": \"yes\", \"amount\": 11", "amount"},
      {"\"yes\"", "\"no\"", "amount"}}},
    {"docs-district",
     "{\"doc\": \"test_materials\", \"value\": \"in_work\", \"amount\": 4}",
     {{", \"amount\": 4", "", "amount"},
      {"\"in_work\", \"amount\": 4", "\"yes\", \"amount\": 4, \"url\": \"site\"", "url"},
      {"\"test_materials\"", "\"model\"", "amount"}}},
    {"exec",
     "{\"measure\": \"4.2.4a\", \"status\": \"done\", \"done_on\": \"2020-06-01\", \"evidence\": \"приказ 12\","
     " \"participants\": 14}",
     {{", \"done_on\": \"2020-06-01\"", "", "done_on"},
      {"2020-06-01", "2020-10-01", "done_on"},
      {"\"done\"", "\"running\"", "done_on"},
      {"4.2.4a", "п. 4.2", "measure"}}},
    {"event",
     "{\"event_no\": 3, \"kind\": \"seminar\", \"held\": 1, \"date\": \"2020-03-12\", \"audience\": \"teachers\","
     " \"participants\": 17, \"concerns_shnor\": true}",
     {{"\"seminar\"", "\"mediation_case\"", "participants"},
      {"\"seminar\"", "\"publication\"", "url"},
      {", \"date\": \"2020-03-12\"", "", "date"},
      {"\"held\": 1", "\"held\": 0", "held"},
      {"\"event_no\": 3", "\"event_no\": 0", "event_no"}}},
    {"event-district",
     "{\"event_no\": 1, \"kind\": \"foster_case\", \"held\": 6}",
     {{"\"held\": 6", "\"held\": 6, \"participants\": 9", "participants"},
      {"\"held\": 6", "\"held\": 6, \"date\": \"2020-03-12\"", "date"},
      {"\"foster_case\"", "\"rmo_meeting\"", "audience"}}},
    {"cont",
     "{\"levels\": [{\"level\": \"municipal\", \"participations\": 20, \"distinct_pupils\": 14, \"winners\": 5},"
     " {\"level\": \"regional\", \"participations\": 3, \"distinct_pupils\": 2, \"winners\": 0}],"
     " \"distinct_pupils_all\": 15}",
     {{"\"distinct_pupils_all\": 15", "\"distinct_pupils_all\": 13", "distinct_pupils_all"},
      {"\"distinct_pupils_all\": 15", "\"distinct_pupils_all\": 17", "distinct_pupils_all"},
      {"\"winners\": 5", "\"winners\": 21", "winners"},
      {"\"distinct_pupils\": 14", "\"distinct_pupils\": 21", "distinct_pupils"},
      {"\"regional\"", "\"municipal\"", "level"}}},
    {"reg",
     "{\"on_inschool_register\": 3, \"on_other_registers\": 2, \"on_any_register\": 4, \"systematic_absence\": 1,"
     " \"dropouts\": 0}",
     {{"\"on_any_register\": 4", "\"on_any_register\": 2", "on_any_register"},
      {"\"on_any_register\": 4", "\"on_any_register\": 6", "on_any_register"},
      {"\"dropouts\": 0", "\"dropouts\": -1", "dropouts"}}},
    {"diag",
     "{\"rows\": [{\"diagnostic\": \"speech_readiness\", \"band\": \"g1\", \"eligible\": 30, \"consent\": 28,"
     " \"examined\": 27, \"need_support\": 6, \"receiving_support\": 4}, {\"diagnostic\": \"drug_risk\","
     " \"band\": \"g7_11\", \"eligible\": 90, \"consent\": 80, \"examined\": 78}]}",
     {{"\"examined\": 78", "\"examined\": 78, \"need_support\": 1", "need_support"},
      {"\"examined\": 78", "\"examined\": 78, \"receiving_support\": 0", "receiving_support"},
      {"\"consent\": 28", "\"consent\": 31", "consent"},
      {"\"examined\": 27", "\"examined\": 29", "examined"},
      {"\"need_support\": 6", "\"need_support\": 28", "need_support"},
      {"\"g7_11\"", "\"g9\"", "band"}}},
    {"prog",
     "{\"programmes\": [{\"kind\": \"syllabus\", \"subject\": \"math\", \"grade\": 7, \"checked\": true,"
     " \"conforms\": false, \"needs_correction\": true, \"corrected\": true}, {\"kind\": \"extracurricular\","
     " \"grade\": {\"?\": \"na\"}, \"meta_skill\": true, \"checked\": false}]}",
     {{"\"needs_correction\": true", "\"needs_correction\": false", "needs_correction"},
      {"\"checked\": true", "\"checked\": false", "conforms"},
      {"\"subject\": \"math\", ", "", "subject"},
      {"\"extracurricular\"", "\"special_course\"", "subject"}}},
    {"swot",
     "{\"items\": [{\"part\": \"s\", \"topic\": \"staff\", \"statement\": \"сильные учителя математики\","
     " \"offers_help\": true, \"seeks_help\": false}]}",
     {{"\"part\": \"s\"", "\"part\": \"w\"", "offers_help"}, {"\"сильные учителя математики\"", "null", "statement"}}},
    {"prac",
     "{\"practice\": \"P-1\", \"author\": \"school\", \"theme\": \"transition\", \"title\": \"Школа без двоек\","
     " \"status\": \"accepted\", \"used_by_schools\": \"s2 s5\"}",
     {{"s2 s5", "s2, s5", "used_by_schools"},
      {"\"accepted\"", "\"submitted\"", "used_by_schools"},
      {"P-1", "П-1", "practice"}}},
    {"assess",
     "{\"status\": \"low_results\", \"mode\": \"transition\", \"resource_level\": 55, \"vshk_score\": 7,"
     " \"address_help\": true, \"decision_taken\": true, \"date\": \"2020-08-31\"}",
     {{"\"vshk_score\": 7", "\"vshk_score\": 11", "vshk_score"},
      {"\"resource_level\": 55", "\"resource_level\": 101", "resource_level"},
      {"2020-08-31", "2020-09-02", "date"}}},
    {"ref",
     "{\"row\": \"mean-region-oge-math\", \"value\": \"3.4\", \"source\": \"Сборник региона, 2020\","
     " \"date\": \"2020-08-20\"}",
     {{"mean-region-oge-math", "mean-region-oge-maths", "row"},
      {"mean-region-oge-math", "average-region-oge-math", "row"},
      {"mean-region-oge-math", "mean-region-oge-math-12", "row"},
      {"\"3.4\"", "-1", "value"}}},
    {"roster",
     "{\"unit_id\": \"s9\", \"name\": \"МБОУ Шарловская СШ\", \"kind\": \"branch\", \"settlement\": \"village\","
     " \"status\": \"merged\", \"since\": \"2015-09-01\", \"until\": \"2020-08-31\", \"successor\": \"s1\","
     " \"branch_of\": \"s1\", \"small\": true, \"remote\": true}",
     {{", \"successor\": \"s1\"", "", "successor"},
      {", \"until\": \"2020-08-31\"", "", "until"},
      {"\"successor\": \"s1\"", "\"successor\": \"s9\"", "successor"},
      {"\"branch\"", "\"basic\"", "branch_of"},
      {"2020-08-31", "2015-08-31", "until"}}},
    {"plan",
     "{\"indicator\": \"KOR-13\", \"planned\": 45, \"planned_high\": \"52.5\", \"revision\": 1,"
     " \"order_no\": \"243-од\"}",
     {{"\"52.5\"", "44", "planned_high"},
      {"KOR-13", "KOR 13", "indicator"},
      {"\"revision\": 1", "\"revision\": 0", "revision"}}},
    {"waiver",
     "{\"form\": \"marks\", \"kind\": \"extension\", \"until\": \"2020-11-20\", \"reason\": \"нет связи\"}",
     {{", \"until\": \"2020-11-20\"", "", "until"},
      {"\"extension\"", "\"waiver\"", "until"},
      {"\"нет связи\"", "\"\"", "reason"}}},
    {"survey-sat",
     "{\"group\": \"pupil\", \"band\": \"b5_9\", \"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3, \"q6\": 3}",
     {{"\"q6\": 3", "\"q6\": 5", "q6"}, {"\"pupil\"", "\"parent\"", "band"}, {", \"band\": \"b5_9\"", "", "band"}}},
    {"survey-bos",
     "{\"group\": \"parent\", \"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3, \"q6\": 3, \"q7\": 1, \"q8\": 1,"
     " \"q9\": 4, \"q10\": 4, \"q11\": 2, \"q12\": 3}",
     SURVEY_RULES},
    {"survey-comf", "{\"group\": \"staff\", \"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3, \"q6\": 3}",
     SURVEY_RULES},
    {"survey-mgmt", "{\"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3}", SURVEY_RULES},
    {"survey-meth", "{\"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3}", SURVEY_RULES},
    {"survey-staff", "{\"q1\": 4, \"q2\": 0, \"q3\": 1, \"q4\": 2, \"q5\": 3}", SURVEY_RULES},
    {"survey-aware", "{\"group\": \"partner\", \"q1\": 4, \"q2\": 0, \"q3\": 1}", SURVEY_RULES},
    {"survey-order",
     "{\"group\": \"parent\", \"q1\": [\"exams\", \"safety\", \"sport\"]}",
     {{"\"sport\"", "\"sport\", \"arts\"", "q1"}, {"[\"exams\", \"safety\", \"sport\"]", "[]", "q1"}}},
    {"survey-par", "{\"q1\": 4, \"q2\": 0, \"q3\": 1}", SURVEY_RULES},
    {"survey-image", "{\"group\": \"community\", \"q1\": 4, \"q2\": 0, \"q3\": 1}", SURVEY_RULES},
};

#endif
