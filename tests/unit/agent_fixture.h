/* agent_fixture.h: a school's home in a fresh folder, made from a real invitation of a small district: the forms and
 * maps of tests/data/packs/uci, the example forms, and a calendar with the series grade_period. */
#ifndef SVODKA_TESTS_AGENT_FIXTURE_H
#define SVODKA_TESTS_AGENT_FIXTURE_H

#include "agent/capture.h"
#include "agent/queue.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "protocol/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_NOW_MS 1606032000000 /* 22 November 2020, 08:00 UTC */
#define TEST_CODE   "ABCD-EFGH-JKMN"

static const char fixture_calendar[] = "periods:\n"
                                       "  - series: grade_period\n"
                                       "    label: {ru: Период оценок, en: Grade period}\n"
                                       "    periods:\n"
                                       "      - {id: P1, from: 2020-09-01, to: 2020-12-31}\n"
                                       "      - {id: P2, from: 2021-01-01, to: 2021-03-31}\n"
                                       "      - {id: P3, from: 2021-04-01, to: 2021-06-30}\n";

struct fixture_object {
    enum object_kind kind;
    const char *name;
    const char *path; /* below the source folder; NULL: the calendar above */
};
static const struct fixture_object fixture_objects[] = {
    {OBJECT_CALENDAR, "uci", NULL},
    {OBJECT_FORM, "family", "tests/data/packs/uci/forms/family.yaml"},
    {OBJECT_FORM, "grades-por", "tests/data/packs/uci/forms/grades-por.yaml"},
    {OBJECT_FORM, "grades-mat", "tests/data/packs/uci/forms/grades-mat.yaml"},
    {OBJECT_FORM, "satisfaction-parents", "tests/data/forms/satisfaction-parents.yaml"},
    {OBJECT_FORM, "school-passport", "tests/data/forms/school-passport.yaml"},
    {OBJECT_MAP, "family", "tests/data/packs/uci/maps/family.yaml"},
    {OBJECT_MAP, "grades-por-p1", "tests/data/packs/uci/maps/grades-por-p1.yaml"},
    {OBJECT_MAP, "grades-por-p3", "tests/data/packs/uci/maps/grades-por-p3.yaml"},
};
#define FIXTURE_OBJECTS (sizeof(fixture_objects) / sizeof(fixture_objects[0]))

struct school {
    char dir[64];    /* everything is in here */
    char home[80];   /* dir/home */
    struct agent *a; /* open */
    struct key *root, *hub, *seal;
    struct directory directory;
    struct grant grant;
    struct buf certificate, directory_object, grant_object, invitation_text;
};

static inline struct bytes view(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

static inline void school_path(char out[256], const struct school *s, const char *name)
{
    (void)snprintf(out, 256, "%s/%s", s->dir, name);
}

/* A file with this text in the school's folder; *path gets its name. */
static inline void write_text(const struct school *s, const char *name, const char *text, char path[256])
{
    school_path(path, s, name);
    assert_int_equal(cli_write_file(path, text, strlen(text), 0600, true), OK);
}

static inline void load_objects(struct school *s, struct invitation *inv, void *files[FIXTURE_OBJECTS])
{
    for (size_t i = 0; i < FIXTURE_OBJECTS; i++) {
        const struct fixture_object *f = &fixture_objects[i];
        struct directory_object *o = &s->directory.objects[i];
        char path[512];
        size_t len = strlen(fixture_calendar);

        if (f->path == NULL) {
            files[i] = strdup(fixture_calendar);
        } else {
            (void)snprintf(path, sizeof(path), "%s/%s", SVODKA_SOURCE_DIR, f->path);
            assert_int_equal(cli_read_file(path, 1 << 20, &files[i], &len), OK);
        }
        inv->objects[i] = bytes_of(files[i], len);
        digest(o->digest, inv->objects[i]);
        o->kind = f->kind;
        (void)snprintf(o->name, sizeof(o->name), "%s", f->name);
        (void)snprintf(o->version, sizeof(o->version), "1");
        o->size = (uint32_t)len;
        o->is_current = true;
    }
    inv->object_count = FIXTURE_OBJECTS;
    s->directory.object_count = FIXTURE_OBJECTS;
}

static inline void fill_district(struct school *s)
{
    struct directory *d = &s->directory;
    struct grant *g = &s->grant;

    memset(d->district, 0xD1, sizeof(d->district));
    (void)snprintf(d->name, sizeof(d->name), "Отдел образования");
    d->version = 1;
    d->issued_ms = TEST_NOW_MS;
    d->expires_ms = TEST_NOW_MS + INT64_C(86400000) * 365;
    memcpy(d->root, key_public(s->root), KEY_BYTES);
    memcpy(d->hub_sign, key_public(s->hub), KEY_BYTES);
    d->endpoint_count = 1;
    (void)snprintf(d->endpoints[0].url, sizeof(d->endpoints[0].url), "tcp://127.0.0.1:5570");
    d->seal_key_count = 1;
    memcpy(d->seal_keys[0].key, key_public(s->seal), KEY_BYTES);
    d->seal_keys[0].school_year = 2020;
    memcpy(g->district, d->district, sizeof(g->district));
    (void)snprintf(g->participant, sizeof(g->participant), "gp");
    (void)snprintf(g->name, sizeof(g->name), "Гимназия № 1");
    g->version = 1;
    g->issued_ms = d->issued_ms;
    g->expires_ms = d->expires_ms;
    g->role_count = 1;
    (void)snprintf(g->roles[0], sizeof(g->roles[0]), "school");
    g->unit_count = 2;
    (void)snprintf(g->units[0], sizeof(g->units[0]), "gp");
    (void)snprintf(g->units[1], sizeof(g->units[1]), "gp-branch");
}

static inline void sign_district(struct school *s)
{
    buf_reset(&s->certificate);
    buf_reset(&s->directory_object);
    buf_reset(&s->grant_object);
    assert_int_equal(certificate_make(&s->certificate, s->root, s->directory.district, key_public(s->hub), 1, 2), OK);
    assert_int_equal(directory_make(&s->directory_object, &s->directory, view(&s->certificate), s->hub), OK);
    assert_int_equal(grant_make(&s->grant_object, &s->grant, s->hub), OK);
}

static inline struct school *school_new(void)
{
    const char *tmp = getenv("TMPDIR");
    struct school *s = calloc(1, sizeof(*s));
    struct invitation *inv = calloc(1, sizeof(*inv));
    void *files[FIXTURE_OBJECTS];

    assert_non_null(s);
    assert_non_null(inv);
    assert_int_equal(keys_start(), OK);
    (void)snprintf(s->dir, sizeof(s->dir), "%.40s/svodka-agent-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(s->home, sizeof(s->home), "%s/home", s->dir);
    assert_int_equal(key_generate(&s->root, KEY_SIGN), OK);
    assert_int_equal(key_generate(&s->hub, KEY_SIGN), OK);
    assert_int_equal(key_generate(&s->seal, KEY_SEAL), OK);
    buf_init(&s->certificate, SIGNED_MAX);
    buf_init(&s->directory_object, SIGNED_MAX);
    buf_init(&s->grant_object, SIGNED_MAX);
    buf_init(&s->invitation_text, INVITATION_MAX);
    fill_district(s);
    load_objects(s, inv, files);
    sign_district(s);
    (void)snprintf(inv->code, sizeof(inv->code), TEST_CODE);
    inv->expires_ms = TEST_NOW_MS + INT64_C(86400000) * 14;
    inv->directory = view(&s->directory_object);
    inv->grant = view(&s->grant_object);
    memcpy(inv->root, key_public(s->root), KEY_BYTES);
    assert_int_equal(invitation_write(&s->invitation_text, inv, s->directory.name, s->grant.name), OK);
    assert_int_equal(agent_create(s->home, inv), OK);
    assert_int_equal(agent_open(&s->a, s->home), OK);
    for (size_t i = 0; i < FIXTURE_OBJECTS; i++)
        free(files[i]);
    free(inv);
    return s;
}

static inline void school_free(struct school *s)
{
    agent_close(s->a);
    folder_remove(s->dir);
    key_free(s->root);
    key_free(s->hub);
    key_free(s->seal);
    buf_fini(&s->certificate);
    buf_fini(&s->directory_object);
    buf_fini(&s->grant_object);
    buf_fini(&s->invitation_text);
    free(s);
}

static inline int school_open(void **state)
{
    clock_test_set(TEST_NOW_MS);
    *state = school_new();
    return 0;
}

static inline int school_close(void **state)
{
    school_free(*state);
    clock_test_real();
    return 0;
}

/* As after a restart of the program. */
static inline void reopen(struct school *s)
{
    agent_close(s->a);
    s->a = NULL;
    assert_int_equal(agent_open(&s->a, s->home), OK);
}

/* The hub has enrolled the school: the grant names its keys. */
/* The n-th form, to be changed by the test. */
static inline struct form *form_held(const struct agent *a, size_t n)
{
    assert_non_null(agent_form_at(a, n));
    return a->forms[n].form;
}

static inline void enrol(struct school *s)
{
    memcpy(s->grant.sign_key, key_public(s->a->sign), KEY_BYTES);
    memcpy(s->grant.curve_key, key_public(s->a->curve), KEY_BYTES);
    s->grant.version++;
    sign_district(s);
    assert_int_equal(agent_take_grant(s->a, view(&s->grant_object)), OK);
}

/* Every submission of the queue, oldest first: "KIND form unit period key number", one a line. */
static inline enum err print_submission(void *ctx, const struct queue_submission *x)
{
    static const char *const kinds[] = {"new", "correction", "retraction"};
    struct buf *out = ctx;

    buf_printf(out, "%s %s %s %s ", kinds[x->record->kind], x->form->id, x->record->unit, x->record->period);
    if (x->record->values != NULL && x->record->kind != RECORD_RETRACTION)
        queue_key_text(out, x->form, x->record->values);
    buf_printf(out, " %llu\n", (unsigned long long)x->ref.number);
    return OK;
}

static inline const char *all_submissions(struct school *s, struct buf *out)
{
    struct queue_filter any = {NULL, NULL, NULL};

    buf_reset(out);
    assert_int_equal(queue_each(s->a, &any, print_submission, out), OK);
    return buf_cstr(out);
}

static inline uint64_t waiting(struct school *s)
{
    struct queue_status st;

    assert_int_equal(queue_status(s->a, &st), OK);
    return st.waiting;
}

/* So many submissions, accepted. */
static inline void submit_rows(struct school *s, unsigned count)
{
    struct capture *c = NULL;
    struct queue_writer *w = NULL;
    struct capture_deed deed = {.kind = RECORD_RETRACTION, .target = {{1, {0}}, 1}, .reason = "typed twice"};
    struct capture_options o = {.form = agent_form(s->a, "grades-por"), .period = "P1"};
    uint64_t number;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    assert_int_equal(queue_writer_open(&w, s->a), OK);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(capture_put(c, w, NULL, &deed, &number), OK);
    assert_int_equal(queue_writer_commit(w), OK);
    queue_writer_close(w);
    capture_close(c);
}

static inline struct capture *open_capture(struct school *s, const char *form, const char *period)
{
    struct capture_options o = {.form = agent_form(s->a, form), .period = period};
    struct capture *c = NULL;

    assert_int_equal(capture_open(&c, s->a, &o), OK);
    return c;
}

#endif
