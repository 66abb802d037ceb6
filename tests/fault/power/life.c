#include "tests/fault/power/life.h"

#include "agent/draft.h"
#include "agent/self_copy.h"
#include "agent/stick.h"
#include "common/form_json.h"
#include "tests/fault/power/life_internal.h"
#include "tests/fault/power/tape.h"
#include "tests/fault/seeded.h"

#include <fcntl.h>

#define CHAPTERS_MAX 64u
#define BEGAN_MS     INT64_C(1601884800000) /* 5 October 2020 */

int64_t true_ms = BEGAN_MS;
struct school schools[SCHOOLS_MAX];
size_t school_count = 1;
struct school *speaking = &schools[0];

struct school *const me = &schools[0];
char life_stick[160], life_copies[160], life_written[200], life_answer[200];
static char code[COPY_CODE_CHARS + 1];
static struct {
    const char *what;
    size_t at;
} chapters[CHAPTERS_MAX];
static size_t chapter_count;

/* ---- what year.h wants of whoever plays ---- */

int life_seed(uint64_t seed)
{
    return seeded_start(seed);
}

void life_chance(uint64_t from)
{
    seeded_lives = from;
}

uint64_t chance(void)
{
    return seeded_next(&seeded_lives);
}

void clock_of(int64_t error_ms)
{
    clock_test_set(true_ms + error_ms);
    clock_test_set_mono(true_ms - BEGAN_MS + HOUR);
}

void time_passes(int64_t ms)
{
    true_ms += ms;
}

_Noreturn void at_fault(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(1);
}

void chapter(const char *what)
{
    if (chapter_count == CHAPTERS_MAX)
        at_fault("more chapters than %u", CHAPTERS_MAX);
    chapters[chapter_count].what = what;
    chapters[chapter_count++].at = tape_length();
}

void life_print(FILE *to)
{
    for (size_t i = 0; i < chapter_count; i++)
        (void)fprintf(to, "power: event %5zu on: %s\n", chapters[i].at, chapters[i].what);
}

/* ---- the school ---- */

static void note_receipts(void)
{
    struct batch_state b;

    for (enum err e = queue_batch(me->agent, &me->agent->gen, 1, &b); e == OK;
         e = queue_batch(me->agent, &me->agent->gen, b.sequence + 1, &b))
        if (b.life >= BATCH_STORED)
            fact_add((struct fact){.kind = FACT_RECEIPT,
                                   .part = PART_SCHOOL,
                                   .gen = b.gen,
                                   .number = b.sequence,
                                   .digest = {(uint8_t)b.life}});
}

static void meet(const char *what)
{
    struct sync_result r;

    chapter(what);
    time_passes(HOUR);
    clock_of(0);
    MUST(sync_once(me->agent, &r));
    assert_int_equal(r.outcome, SYNC_COMPLETE);
    note_receipts();
}

static void note_records(uint64_t first)
{
    struct record_ref from = {.gen = me->agent->gen, .number = first};
    struct queue_reader *reader;
    struct queue_item item;

    MUST(queue_reader_open(&reader, me->agent, &from));
    while (queue_reader_next(reader, &item) == OK)
        fact_add_bytes(
            (struct fact){.kind = FACT_RECORD, .part = PART_SCHOOL, .gen = item.ref.gen, .number = item.ref.number},
            item.record);
    queue_reader_close(reader);
}

static void enter(const char *what, unsigned first, unsigned how_many)
{
    struct queue_status before;

    chapter(what);
    time_passes(MINUTE);
    clock_of(0);
    MUST(queue_status(me->agent, &before));
    add_marks(me->agent, first, how_many);
    note_records(before.last_number + 1);
}

static void draft(unsigned step)
{
    const struct capture_options o = {.form = agent_form(me->agent, "marks"), .period = "2020-09"};
    struct value values[8];
    struct capture *c;
    struct buf keep;
    char json[32];
    int n = snprintf(json, sizeof(json), "{\"pupil\": \"d%u\"}", step);

    chapter("a draft is kept");
    clock_of(0);
    assert_non_null(o.form);
    buf_init(&keep, 1 << 16);
    memset(values, 0, sizeof(values));
    MUST(capture_open(&c, me->agent, &o));
    MUST(form_values_from_json(capture_form(c), json, (size_t)n, values, &keep, NULL));
    MUST(draft_put(me->agent, c, values, 1));
    fact_add((struct fact){.kind = FACT_DRAFT, .part = PART_SCHOOL, .number = step});
    capture_close(c);
    buf_fini(&keep);
}

void note_file(void *ctx, const char *path)
{
    enum part part = *(enum part *)ctx;
    struct fact f = {.kind = FACT_FILE, .part = part};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *bytes = NULL;

    assert_true(fd >= 0 && fstat(fd, &st) == 0 && (bytes = malloc((size_t)st.st_size)) != NULL);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    (void)snprintf(life_written, sizeof(life_written), "%s", path);
    (void)snprintf(f.name, sizeof(f.name), "%s", strrchr(path, '/') + 1);
    fact_add_bytes(f, bytes_of(bytes, (size_t)st.st_size));
    free(bytes);
}

static void write_stick(void)
{
    enum part part = PART_STICK;
    struct stick_sent sent;

    chapter("what has no receipt goes onto a stick");
    time_passes(MINUTE);
    clock_of(0);
    MUST(stick_write(me->agent, life_stick, note_file, &part, &sent));
    assert_true(sent.records > 0);
}

static void copy_school(const char *what)
{
    enum part part = PART_COPIES;
    struct self_copy_made made;
    char path[200];

    chapter(what);
    clock_of(0);
    (void)snprintf(path, sizeof(path), "%s/school.copy", life_copies);
    if (code[0] == '\0')
        MUST(self_copy_new_code(me->agent, code));
    MUST(self_copy_write(me->agent, path, &made));
    note_file(&part, path);
}

static void make_school(const struct buf *invitation)
{
    struct invitation *inv = calloc(1, sizeof(*inv));
    struct buf keep;

    chapter("the school's home is made");
    clock_of(0);
    assert_non_null(inv);
    buf_init(&keep, INVITATION_MAX);
    MUST(invitation_read(inv, &keep, bytes_of(invitation->data, invitation->len)));
    MUST(agent_create(me->home, inv));
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_SCHOOL});
    buf_wipe(&keep);
    free(inv);
    MUST(agent_open(&me->agent, me->home));
    me->agent->conf.chunk = 1024; /* so that batches go through the spool */
}

/* What the answer says of batches must be held by the hub. */
static void take_answer(void)
{
    struct stick_news news;

    chapter("the school takes the answer");
    clock_of(0);
    stick_news_init(&news);
    MUST(stick_take(me->agent, life_answer, &news));
    assert_true(news.receipts > 0 && news.problem[0] == '\0');
    stick_news_fini(&news);
    note_receipts();
}

/* ---- back from copies ---- */

static void restore_school(const char *root)
{
    char from[200], to[200];
    int64_t made_ms;

    chapter("the school's home is made again from its copy");
    (void)snprintf(from, sizeof(from), "%s/school.copy", life_copies);
    (void)snprintf(to, sizeof(to), "%s/again-school", root);
    clock_of(0);
    MUST(self_copy_restore(from, to, code, &made_ms));
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_SCHOOL_AGAIN});
    fact_add((struct fact){.kind = FACT_JOINED, .part = PART_SCHOOL_AGAIN});
}

/* What is archived and past its time is destroyed after a meeting. */
static void meet_after_years(void)
{
    struct queue_status before;
    struct queue_status after;

    MUST(queue_status(me->agent, &before));
    fact_end(PART_SCHOOL, FACT_RECORD);
    fact_end(PART_SCHOOL, FACT_BATCH);
    fact_end(PART_SCHOOL, FACT_RECEIPT);
    meet("the hub keeps it under another storage key; the school destroys what is past its time");
    MUST(queue_status(me->agent, &after));
    assert_true(before.archived > 0 && after.archived == 0);
    note_records(1);
}

/* ---- all of it ---- */

void life_play(const char *root)
{
    static struct buf invitation;

    (void)snprintf(hub_home, sizeof(hub_home), "%s/hub", root);
    (void)snprintf(me->home, sizeof(me->home), "%s/school", root);
    (void)snprintf(me->id, sizeof(me->id), "s01");
    (void)snprintf(life_stick, sizeof(life_stick), "%s/stick", root);
    (void)snprintf(life_copies, sizeof(life_copies), "%s/copies", root);
    me->has_line = true;
    assert_int_equal(mkdir(life_stick, 0700), 0);
    assert_int_equal(mkdir(life_copies, 0700), 0);
    life_make_hub(&invitation);
    hub_start();
    make_school(&invitation);
    meet("the school joins");
    fact_add((struct fact){.kind = FACT_JOINED, .part = PART_SCHOOL});
    enter("three submissions", 1, 3);
    draft(1);
    enter("one more", 4, 1);
    meet("a short batch goes straight to the core");
    draft(2);
    enter("sixty submissions", 5, 60);
    meet("a long batch goes through the spool");
    enter("four submissions", 65, 4);
    copy_school("a copy of the school's home");
    write_stick();
    hub_stop();
    life_read_stick();
    take_answer();
    life_change_keys();
    life_back_up_hub();
    life_erase_one();
    hub_start();
    meet("receipts say archived, keys are new");
    enter("two submissions", 69, 2);
    meet("sealed to the new key");
    copy_school("a newer copy takes the place of the old one");
    time_passes(2 * 366 * DAY);
    enter("one in another year", 71, 1);
    meet_after_years();
    hub_stop();
    life_end_keys();
    life_erase_year();
    agent_close(me->agent);
    me->agent = NULL;
    restore_school(root);
    life_restore_hub(root);
    chapter("the end");
    buf_fini(&invitation);
}
