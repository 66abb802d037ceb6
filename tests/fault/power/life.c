#include "tests/fault/power/life.h"

#include "agent/draft.h"
#include "agent/self_copy.h"
#include "agent/stick.h"
#include "common/form_json.h"
#include "hub/backup.h"
#include "hub/carry.h"
#include "hub/copies.h"
#include "hub/key_change.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_internal.h"
#include "hub/root_key.h"
#include "tests/fault/power/facts.h"
#include "tests/fault/power/tape.h"
#include "tests/fault/seeded.h"
#include "tests/fault/year/year.h"

#include <fcntl.h>

#define CHAPTERS_MAX 64u
#define BEGAN_MS     INT64_C(1601884800000) /* 5 October 2020 */

int64_t true_ms = BEGAN_MS;
struct school schools[SCHOOLS_MAX];
size_t school_count = 1;
struct school *speaking = &schools[0];

static struct school *const me = &schools[0];
static char stick[160], copies[160], written[200], code[COPY_CODE_CHARS + 1];
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

static void chapter(const char *what)
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

/* ---- what is promised on the way: the linker puts these before the real ones ---- */

void __real_ledger_committed(struct ledger *l);
void __wrap_ledger_committed(struct ledger *l);
void __real_line_answer(uint32_t connection, struct bytes frame);
void __wrap_line_answer(uint32_t connection, struct bytes frame);
void __real_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m);
void __wrap_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m);

/* A transaction of the hub has been committed, and whoever asked for it is about to be told. */
void __wrap_ledger_committed(struct ledger *l)
{
    static uint64_t last;
    struct journal_head head;
    struct store_txn *t;
    struct bytes entry;

    __real_ledger_committed(l);
    MUST(store_begin_read(l->hub->store, &t));
    MUST(journal_head(t, &head));
    for (; last < head.lsn; last++) {
        MUST(journal_get(t, last + 1, &entry));
        fact_add_bytes((struct fact){.kind = FACT_ENTRY, .part = PART_HUB, .number = last + 1}, entry);
    }
    store_abort(t);
}

/* A receipt that leaves the hub speaks of what is held. */
void __wrap_line_answer(uint32_t connection, struct bytes frame)
{
    struct message *m = calloc(1, sizeof(*m));
    struct receipt r;

    assert_non_null(m);
    if (message_decode(m, frame) == OK && m->type == MSG_RECEIPT && receipt_open(&r, m->as.signed_object, NULL) == OK) {
        struct fact f = {.kind = FACT_STORED, .part = PART_HUB, .gen = r.gen, .number = r.sequence};

        memcpy(f.digest, r.batch, DIGEST_BYTES);
        (void)snprintf(f.name, sizeof(f.name), "%s", r.participant);
        fact_add(f);
        receipt_fini(&r);
    }
    free(m);
    __real_line_answer(connection, frame);
}

/* What the hub has seen a part of can be nothing else any more. */
void __wrap_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m)
{
    if (m->type == MSG_CHUNK && m->as.chunk.offset == 0) {
        struct fact f = {
            .kind = FACT_BATCH, .part = PART_SCHOOL, .gen = me->agent->gen, .number = m->as.chunk.sequence};

        memcpy(f.digest, m->as.chunk.digest, DIGEST_BYTES);
        fact_add(f);
    }
    __real_hub_hears(connection, curve, m);
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

static void note_file(void *ctx, const char *path)
{
    enum part part = *(enum part *)ctx;
    struct fact f = {.kind = FACT_FILE, .part = part};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *bytes;

    assert_true(fd >= 0 && fstat(fd, &st) == 0 && (bytes = malloc((size_t)st.st_size)) != NULL);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    (void)snprintf(written, sizeof(written), "%s", path);
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
    MUST(stick_write(me->agent, stick, note_file, &part, &sent));
    assert_true(sent.records > 0);
}

static void copy_school(const char *what)
{
    enum part part = PART_COPIES;
    struct self_copy_made made;
    char path[200];

    chapter(what);
    clock_of(0);
    (void)snprintf(path, sizeof(path), "%s/school.copy", copies);
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

/* ---- the hub ---- */

static struct hub *hub_alone(enum hub_access access, struct store_txn **t)
{
    struct hub *h;

    clock_of(0);
    MUST(hub_open(&h, hub_home, access));
    if (t != NULL)
        MUST(store_begin_write(h->store, t));
    return h;
}

static void finish(struct hub *h, struct store_txn *t)
{
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
}

static void make_hub(struct buf *invitation)
{
    const struct school_add a = {.id = me->id, .name = me->id};
    struct store_txn *t;
    struct hub *h;

    chapter("the hub's home is made");
    hub_make();
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_HUB});
    chapter("a programme is loaded and a school is added");
    h = hub_alone(HUB_WRITE, &t);
    load_programme(h, t);
    MUST(hub_reload(h, t));
    buf_init(invitation, INVITATION_MAX);
    MUST(registry_add(h, t, &a, invitation));
    finish(h, t);
}

static void change_keys(void)
{
    struct key_change c = {.who = "operator"};
    struct key *root = NULL;
    char path[200];

    chapter("the hub gets another sealing key");
    c.h = hub_alone(HUB_WRITE, &c.t);
    MUST(key_change_seal(&c, 2020, NULL));
    MUST(store_commit(c.t));
    ledger_committed(c.h->ledger);
    key_change_done(&c);
    hub_close(c.h, false);
    chapter("the hub gets another signing key");
    c = (struct key_change){.who = "operator"};
    c.h = hub_alone(HUB_WRITE, &c.t);
    MUST(root_key_path(path, sizeof(path), hub_home));
    MUST(root_key_open(&root, path, NULL, c.h->root));
    MUST(key_change_sign(&c, root));
    key_free(root);
    MUST(store_commit(c.t));
    ledger_committed(c.h->ledger);
    key_change_done(&c);
    hub_close(c.h, false);
}

static void back_up_hub(void)
{
    enum part part = PART_COPIES;
    struct archive_row row = {.number = 0};
    struct store_txn *t;
    char path[200];
    struct hub *h = hub_alone(HUB_WRITE, NULL);

    chapter("the hub is backed up, and the backup is confirmed");
    (void)snprintf(path, sizeof(path), "%s/hub.backup", copies);
    MUST(backup_write(h, path, &row));
    note_file(&part, path);
    (void)snprintf(row.path, sizeof(row.path), "%s", "hub.backup");
    MUST(store_begin_write(h->store, &t));
    MUST(archive_confirm(h, t, &row, ARCHIVE_OPERATOR));
    finish(h, t);
}

static enum err nothing_new(void *ctx, struct hub *h, struct store_txn *t)
{
    (void)ctx;
    (void)h;
    (void)t;
    return OK;
}

static void nobody_joined(void *ctx, struct hub *h)
{
    (void)ctx;
    (void)h;
}

static enum err load_again(void *ctx, struct hub *h)
{
    (void)ctx;
    return hub_reload(h, NULL);
}

static char answer[200];

static void note_answer(void *ctx, const char *path)
{
    note_file(ctx, path);
    (void)snprintf(answer, sizeof(answer), "%s", path);
}

/* What the stick says of batches is told to the school in a file: then it must be held. */
static void read_stick(void)
{
    static const struct carry_host host = {.who = "operator",
                                           .before_registry = nothing_new,
                                           .joined = nobody_joined,
                                           .reload = load_again};
    enum part part = PART_STICK;
    struct carry run = {.schools = NULL};
    struct carry_reading *r;
    struct stick_news news;
    bool is_done = false;
    struct hub *h;

    chapter("the hub reads the stick, and its answer goes back");
    h = hub_alone(HUB_WRITE, NULL);
    MUST(carry_open(&r, h, written, true, &run, &host));
    while (!is_done)
        MUST(carry_step(r, &is_done));
    assert_true(carry_result(r)->batches > 0 && carry_result(r)->problem_count == 0);
    carry_close(r);
    MUST(hub_reload(h, NULL));
    MUST(carry_answer(h, run.schools[0], stick, note_answer, &part));
    carry_fini(&run);
    hub_close(h, false);
    chapter("the school takes the answer");
    clock_of(0);
    stick_news_init(&news);
    MUST(stick_take(me->agent, answer, &news));
    assert_true(news.receipts > 0 && news.problem[0] == '\0');
    stick_news_fini(&news);
    note_receipts();
}

/* The secrets in a storage key's file. */
static size_t read_secrets(char secrets[][65], size_t most)
{
    char path[200], line[200];
    size_t count = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/keys/storage/default-2020.key", hub_home);
    f = fopen(path, "re");
    while (f != NULL && count < most && fgets(line, sizeof(line), f) != NULL)
        if (strlen(line) > 65 && strncmp(line, "node ", 5) == 0)
            (void)snprintf(secrets[count++], 65, "%.64s", line + strlen(line) - 65);
    if (f != NULL)
        (void)fclose(f);
    return count;
}

static void erase(const char *what, const struct erase_order *o)
{
    static char before[64][65], after[64][65];
    static struct act act;
    size_t had = read_secrets(before, 64);
    size_t has;
    struct store_txn *t;
    struct hub *h;

    chapter(what);
    h = hub_alone(HUB_WRITE, &t);
    MUST(ledger_erase(h, t, o, false, &act));
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    MUST(ledger_erase_keys(h));
    has = read_secrets(after, 64);
    assert_true(had > 0);
    for (size_t i = 0; i < had; i++) {
        struct fact f = {.kind = FACT_GONE, .part = PART_HUB};
        bool is_gone = true;

        for (size_t k = 0; k < has; k++)
            is_gone = is_gone && strcmp(before[i], after[k]) != 0;
        (void)snprintf(f.name, sizeof(f.name), "%s", before[i]);
        if (is_gone)
            fact_add(f);
    }
    assert_true(fact_is_promised(PART_HUB, FACT_GONE, tape_length()));
    hub_close(h, false);
}

static void erase_one(void)
{
    erase("one submission is erased", &(struct erase_order){.scope = ACT_SUBMISSION,
                                                            .participant = 1,
                                                            .ref = {me->agent->gen, 2},
                                                            .by = "operator",
                                                            .order = "order 1"});
}

static void erase_year(void)
{
    erase("what was sent in 2020/21 is erased",
          &(struct erase_order){
              .scope = ACT_CLASS, .retention = "default", .year = 2020, .by = "operator", .order = "order 2"});
}

/* ---- back from copies ---- */

static void restore_school(const char *root)
{
    char from[200], to[200];
    int64_t made_ms;

    chapter("the school's home is made again from its copy");
    (void)snprintf(from, sizeof(from), "%s/school.copy", copies);
    (void)snprintf(to, sizeof(to), "%s/again-school", root);
    clock_of(0);
    MUST(self_copy_restore(from, to, code, &made_ms));
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_SCHOOL_AGAIN});
    fact_add((struct fact){.kind = FACT_JOINED, .part = PART_SCHOOL_AGAIN});
}

static void restore_hub(const char *root)
{
    struct backup_head head;
    struct key *key = NULL;
    struct hub *h;
    char from[200], to[200];
    uint64_t acts;

    chapter("the hub's home is made again from its backup");
    h = hub_alone(HUB_WRITE, NULL);
    MUST(root_key_path(from, sizeof(from), hub_home));
    MUST(root_key_open(&key, from, NULL, h->root));
    hub_close(h, false);
    (void)snprintf(from, sizeof(from), "%s/hub.backup", copies);
    (void)snprintf(to, sizeof(to), "%s/again-hub", root);
    MUST(backup_restore_hub(from, to, key, "operator", &head, &acts));
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_HUB_AGAIN});
    key_free(key);
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
    (void)snprintf(stick, sizeof(stick), "%s/stick", root);
    (void)snprintf(copies, sizeof(copies), "%s/copies", root);
    me->has_line = true;
    assert_int_equal(mkdir(stick, 0700), 0);
    assert_int_equal(mkdir(copies, 0700), 0);
    make_hub(&invitation);
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
    read_stick();
    change_keys();
    back_up_hub();
    erase_one();
    hub_start();
    meet("receipts say archived, keys are new");
    enter("two submissions", 69, 2);
    meet("sealed to the new key");
    copy_school("a newer copy takes the place of the old one");
    time_passes(2 * 366 * DAY);
    enter("one in another year", 71, 1);
    meet_after_years();
    hub_stop();
    erase_year();
    agent_close(me->agent);
    me->agent = NULL;
    restore_school(root);
    restore_hub(root);
    chapter("the end");
    buf_fini(&invitation);
}
