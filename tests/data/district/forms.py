"""forms.py: what the generator needs to know of configs/forms: mode, key, who sends, fields, repeats.

Calculated fields are left out: agents compute them.  A few that only take a key apart, or that
depend on the day of filling in, are written to truth/ all the same (`derived`).
"""

# id | mode | key | role; then the fields; `name{...}` is a repeat.
LIST = """
pass | record | - | school
    kind settlement small remote pupils staff_total teachers mediation_service bonus_rules_updated marking_primary
    marking_basic marking_secondary grades{grade classes grade_pupils}
soc | record | - | school
    pupils both_parents_he one_parent_family on_registers non_native_russian from_abroad large_family low_income
    large_or_low_income aoop intellectual risk_zone risk_zone_in_large_or_low parents parents_worker
    parents_secondary_or_vocational parents_no_vocational
staff | rows | teacher | school
    teacher post main_place inner_part_time subject education category seniority age load_hours matches_subject
pd | rows | row | school
    row kind topic active_methods hours start_date end_date document level consultant
def | rows | row | school
    row independent level deficit plan_made plan_running uses_modern_method
marks | record | - | school
    rows{grade group subject assessed only_4_5 failing hours_plan hours_done}
vpr | record | - | school
    rows{grade subject participants mark_2 mark_3 mark_4 mark_5 lowered confirmed raised}
exam | record | - | school
    rows{exam subject participants score_sum below_min high after_resit}
cert | record | - | school
    rows{grade graduates certificates no_certificate with_iom consulted continue_study trade_finished got_trade}
kim | record | - | school
    rows{test exam grade subject participants mean_percent low base high}
res | record | - | school
    items{item needed have} rooms rooms_equipped posts_needed posts_filled spending_total spending_programme
    grants_count grants
supp | record | - | school
    rows{group band band_pupils difficulty low_motivation lowmot_lowres_able iom iup iom_or_iup tutor special_programme
    extra_time elective extracurricular psych_support mentoring social_project speech_group trade_study
    on_register_busy}
net | rows | agreement | school
    agreement partner partner_code role start_date end_date doc_no plan_items plan_done student_tutors
tand | rows | pair | school
    pair scope mentor_school mentor_code mentee_school mentee_code area programme status
docs | rows | doc | school
    doc value amount date number url
docs-district | rows | doc | office
    doc value amount date number url
exec | rows | measure | school
    measure status done_on evidence participants
event | rows | event_no | school
    event_no kind held date audience participants concerns_shnor url
event-district | rows | event_no | office
    event_no kind held date audience participants concerns_shnor url
cont | record | - | school
    levels{level participations distinct_pupils winners} distinct_pupils_all
reg | record | - | school
    on_inschool_register on_other_registers on_any_register systematic_absence dropouts
diag | record | - | centre
    rows{diagnostic band eligible consent examined need_support receiving_support}
prog | record | - | school
    programmes{kind subject grade meta_skill checked conforms needs_correction corrected}
swot | record | - | school
    items{part topic statement offers_help seeks_help}
prac | rows | practice | school
    practice author theme title status used_by_schools url
assess | record | - | office
    status mode resource_level vshk_score address_help decision_taken date
ref | rows | row | office
    row value source date
roster | rows | unit_id | office
    unit_id name kind settlement status since until successor branch_of small remote
plan | rows | indicator | office
    indicator planned planned_high revision order_no
waiver | rows | form | office
    form kind until reason
survey-sat | answers | - | school
    group band q1 q2 q3 q4 q5 q6
survey-bos | answers | - | school
    group band q1 q2 q3 q4 q5 q6 q7 q8 q9 q10 q11 q12
survey-comf | answers | - | school
    group band q1 q2 q3 q4 q5 q6
survey-mgmt | answers | - | school
    q1 q2 q3 q4 q5
survey-meth | answers | - | school
    q1 q2 q3 q4 q5
survey-staff | answers | - | school
    q1 q2 q3 q4 q5
survey-aware | answers | - | school
    group q1 q2 q3
survey-order | answers | - | school
    group band q1
survey-par | answers | - | school
    q1 q2 q3
survey-image | answers | - | school
    group q1 q2 q3
"""

# What a second version of a form asks besides: loaded in the middle of a year.
ADDED = {"supp": {"repeat": "rows", "field": "peer_help"}}


# About the municipality as a whole; all other forms of the office and the centre are about a school.
ABOUT_DISTRICT = {"roster", "ref", "docs-district", "event-district"}


class Form:
    def __init__(self, id, mode, key, role):
        self.id, self.mode, self.key, self.role = id, mode, None if key == "-" else key, role
        self.top = []      # fields and repeats of the submission, in order
        self.repeats = {}  # repeat -> its columns
        self.versions = 2 if id in ADDED else 1

    def columns(self, repeat, version):
        added = ADDED.get(self.id)
        more = [added["field"]] if added and added["repeat"] == repeat and version >= 2 else []
        return self.repeats[repeat] + more

    def derived(self, values, filled_on):
        """Columns of truth/ that a key holds inside, or that depend on the day of filling in."""
        if self.id == "pd":
            return {"teacher": values["row"].split("-")[0]}
        if self.id == "net":
            return {"active": values["start_date"] <= filled_on <= (values.get("end_date") or "9999")}
        if self.id == "def":
            teacher, round, area = values["row"].split("-")
            return {"teacher": teacher, "round": round, "area": area}
        if self.id == "ref":
            parts = values["row"].split("-")
            return dict(zip(["series", "level", "exam", "subject", "grade"], parts + [""] * (5 - len(parts))))
        return {}

    def derived_names(self):
        return {"pd": ["teacher"], "net": ["active"], "def": ["teacher", "round", "area"],
                "ref": ["series", "level", "exam", "subject", "grade"]}.get(self.id, [])


def read(text):
    forms, form, repeat = {}, None, None
    for line in text.strip().split("\n"):
        if not line.startswith(" "):
            form = Form(*[part.strip() for part in line.split("|")])
            forms[form.id] = form
            continue
        for word in line.split():
            if "{" in word:
                repeat, word = word.split("{")
                form.top.append(repeat)
                form.repeats[repeat] = []
            ends = word.endswith("}")
            (form.repeats[repeat] if repeat else form.top).append(word.rstrip("}"))
            if ends:
                repeat = None
    return forms


FORMS = read(LIST)
