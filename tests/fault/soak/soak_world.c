#include "tests/fault/soak/soak.h"

#include "agent/queue.h"
#include "hub/ledger_build.h"

const char *const soak_periods[SOAK_PERIODS] = {"2020-09", "2020-10", "2020-11"};

/* The number of the version, the grade, the grade. */
static const char soak_programme[] =
    "programme: soak\nversion: \"%d\"\ntitle: Soak\n"
    "indicators:\n"
    "  - {id: rows, name: Rows, form: grades, kind: count, breakdown: level}\n"
    "  - {id: grade_sum, name: Sum, form: grades, kind: sum, value: \"${grade}\"}\n"
    "  - {id: row_marks, name: Marks, form: grades, kind: sum, value: \"${mark}\"}\n"
    "  - {id: grade_mean, name: Mean, form: grades, kind: mean, value: \"${grade}\", places: 2}\n"
    "  - {id: passed, name: Passed, form: grades, kind: share, condition: \"${grade} >= %d\"}\n"
    "  - {id: middle, name: Median, kind: formula, value: \"${median.grades_v}\", period: month}\n"
    "  - {id: teachers, name: Teachers, kind: sum, value: \"${teacher_codes}\", period: month}\n"
    "  - {id: per_teacher, name: Per teacher, kind: ratio, numerator: \"${pupils_v}\", denominator: \"${staff_v}\","
    " period: month}\n"
    "  - {id: card_marks, name: Marks, form: card, kind: sum, value: \"${mark}\"}\n"
    "  - {id: good_schools, name: Good, kind: units, condition: \"${grade_mean} >= %d\", period: month}\n"
    "  - {id: answers, name: Answers, form: poll, kind: count}\n"
    "  - {id: mood, name: Mood, form: poll, kind: mean, value: \"${mood}\", places: 2}\n"
    "  - {id: answer_marks, name: Marks, form: poll, kind: sum, value: \"${mark}\"}\n";
static const char soak_variables[] = "variables:\n"
                                     "  - {id: grades_v, kind: values, form: grades, value: \"${grade}\"}\n"
                                     "  - {id: teacher_codes, kind: keys, form: grades, key: \"${teacher}\"}\n"
                                     "  - {id: pupils_v, form: card, value: \"${pupils}\"}\n"
                                     "  - {id: staff_v, form: card, value: \"${staff}\"}\n";
static const char grades_form[] =
    "form: grades\nversion: \"%d\"\ntitle: Grades\nmode: rows\nkey: pupil\nrole: school\nperiod: month\n"
    "choices:\n  levels:\n    - {code: low, label: Low}\n    - {code: high, label: High}\n"
    "survey:\n"
    "  - {type: integer, name: mark, label: Mark, required: true}\n"
    "  - {type: text, name: pupil, label: Pupil, required: true}\n"
    "  - {type: integer, name: grade, label: Grade, required: true, constraint: \". >= 0 and . <= 20\"}\n"
    "  - {type: text, name: teacher, label: Teacher, required: true}\n"
    "  - {type: select_one levels, name: level, label: Level, required: true}\n"
    "%s";
static const char card_form[] = "form: card\nversion: \"1\"\ntitle: Card\nmode: record\nrole: school\nperiod: month\n"
                                "survey:\n"
                                "  - {type: integer, name: mark, label: Mark, required: true}\n"
                                "  - {type: integer, name: pupils, label: Pupils, required: true}\n"
                                "  - {type: integer, name: staff, label: Staff, required: true}\n";
static const char poll_form[] = "form: poll\nversion: \"1\"\ntitle: Poll\nmode: answers\nrole: school\nperiod: month\n"
                                "survey:\n"
                                "  - {type: integer, name: mark, label: Mark, required: true}\n"
                                "  - {type: integer, name: mood, label: Mood, required: true}\n";

static struct pack_file text_file(const char *name, const char *text)
{
    return (struct pack_file){(char *)(uintptr_t)name, (void *)(uintptr_t)text, strlen(text)};
}

static void judge_pack(struct programme **out, const struct pack *pack)
{
    struct calendar *calendar;
    struct report *r;

    MUST(report_new(&r, 0));
    MUST(calendar_new(&calendar));
    if (programme_load(out, pack, calendar, r) != OK) {
        report_print(r, stderr);
        at_fault("the programme was refused");
    }
    calendar_free(calendar);
    report_free(r);
}

int64_t soak_pass_grade;

/* As `svodka-hub programme load` does it.  The second version asks one thing more. */
void world_load_programme(struct hub *h, struct store_txn *t, void *ctx)
{
    static char programme[4096], grades[2048];
    bool is_second = soak_pass_grade != 10;
    struct pack_file files[5];
    struct pack pack = {files, COUNT(files)};
    struct programme *p = NULL;
    struct cell_build *build;

    (void)ctx;
    (void)snprintf(programme, sizeof(programme), soak_programme, is_second ? 2 : 1, (int)soak_pass_grade,
                   (int)soak_pass_grade);
    (void)snprintf(grades, sizeof(grades), grades_form, is_second ? 2 : 1,
                   is_second ? "  - {type: text, name: note, label: Note}\n" : "");
    files[0] = text_file("programme.yaml", programme);
    files[1] = text_file("variables.yaml", soak_variables);
    files[2] = text_file("forms/grades.yaml", grades);
    files[3] = text_file("forms/card.yaml", card_form);
    files[4] = text_file("forms/poll.yaml", poll_form);
    judge_pack(&p, &pack);
    MUST(cell_build_new(&build, h, p));
    MUST(cell_build_run(build, t));
    MUST(cell_build_store(build, t));
    MUST(hub_add_programme(h, t, &pack, p));
    MUST(hub_reload(h, t));
    cell_build_free(build);
    programme_free(p);
}

/* ---- schools ---- */

void school_start(struct school *s)
{
    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(agent_open(&s->agent, s->home));
}

void school_end(struct school *s)
{
    agent_close(s->agent);
    s->agent = NULL;
}

void school_make_home(struct school *s, const struct buf *invitation)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct buf keep;
    char path[160];
    FILE *f;

    if (inv == NULL)
        at_fault("no memory");
    speaking = s;
    clock_of(0);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(inv, &keep, bytes_of(invitation->data, invitation->len)));
    MUST(agent_create(s->home, inv));
    buf_wipe(&keep);
    free(inv);
    (void)snprintf(path, sizeof(path), "%s/agent.yaml", s->home);
    if ((f = fopen(path, "a")) == NULL || fputs("store.map_size: 64M\n", f) < 0 || fclose(f) != 0)
        at_fault("agent.yaml cannot be written");
}

void school_joins(struct school *s)
{
    school_start(s);
    for (unsigned i = 0; i < 5 && !agent_is_enrolled(s->agent); i++)
        world_meet(s);
    if (!agent_is_enrolled(s->agent))
        at_fault("%s has not joined: %s", s->id, err_text());
}

void world_make(const char *dir)
{
    static struct buf invitations[SCHOOLS_MAX];
    struct store_txn *t;
    struct hub *h;

    homes_begin(dir);
    computers_begin(dir);
    sticks_begin(dir);
    office_begin(dir);
    (void)snprintf(hub_home, sizeof(hub_home), "%s/hub", dir);
    hub_make();
    MUST(hub_open(&h, hub_home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    soak_pass_grade = 10;
    world_load_programme(h, t, NULL);
    for (size_t i = 0; i < school_count; i++) {
        struct school *s = &schools[i];
        struct school_add a = {.id = s->id, .name = s->id};

        memset(s, 0, sizeof(*s));
        (void)snprintf(s->id, sizeof(s->id), "s%02zu", i + 1);
        (void)snprintf(s->home, sizeof(s->home), "%s/s%02zu", dir, i + 1);
        s->number = i;
        s->has_line = true;
        buf_init(&invitations[i], INVITATION_MAX);
        MUST(registry_add(h, t, &a, &invitations[i]));
        MUST(hub_reload(h, t));
    }
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
    hub_start();
    for (size_t i = 0; i < school_count; i++) {
        school_make_home(&schools[i], &invitations[i]);
        buf_fini(&invitations[i]);
        school_joins(&schools[i]);
    }
}

void world_forget(void)
{
    for (size_t i = 0; i < school_count; i++)
        school_end(&schools[i]);
}

/* ---- meetings ---- */

void world_meet(struct school *s)
{
    struct sync_result r = {.outcome = SYNC_FAILED};
    enum err e;

    speaking = s;
    clock_of(s->clock_error_ms);
    e = sync_once(s->agent, &r);
    soak_note("%s meets: outcome %d, %llu sent, %llu receipts, %llu left, %llu there, %llu renumbered, %llu apart, "
              "%llu words%s%s",
              s->id, (int)r.outcome, (unsigned long long)r.batches, (unsigned long long)r.receipts,
              (unsigned long long)r.left, (unsigned long long)r.already_there, (unsigned long long)r.renumbered,
              (unsigned long long)r.verdicts[VERDICT_QUARANTINED], (unsigned long long)r.words, e == OK ? "" : ": ",
              e == OK ? "" : err_text());
    s->line_breaks = false;
    clock_of(0);
}

static uint64_t left_at(struct school *s)
{
    struct queue_status st;

    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(queue_status(s->agent, &st));
    return st.waiting + st.sealed;
}

void school_ends_sessions(struct school *s)
{
    static const struct session_by by;
    static const struct session_filter open = {.open_only = true};
    struct session_list l;

    speaking = s;
    clock_of(s->clock_error_ms);
    MUST(session_list(s->agent, &open, &l));
    for (size_t i = 0; i < l.count; i++)
        MUST(session_close(s->agent, &l.items[i], &by));
    session_list_fini(&l);
}

static void heal(struct school *s)
{
    s->clock_error_ms = 0;
    s->hello_lacks = 0;
    s->line_breaks = false;
    school_ends_sessions(s);
    for (unsigned tries = 0; tries == 0 || left_at(s) > 0; tries++) {
        if (tries == 20)
            at_fault("invariant 2: %s: %llu submissions do not arrive", s->id, (unsigned long long)left_at(s));
        time_passes(10 * MINUTE);
        hub_tick();
        world_meet(s);
    }
}

static void heal_all(void)
{
    for (size_t i = 0; i < school_count; i++) {
        struct school *s = &schools[i];

        computer_past_speaks(s);
        heal(s);
        if (!home_has_other(s))
            continue;
        home_turn(s);
        heal(s);
        home_turn(s);
    }
}

void world_heal(void)
{
    core_is_away = false;
    office_releases_all();
    heal_all();
    office_lets_out();
    heal_all(); /* what a second computer said may concern the first, and all hear what the office has decided */
}
