/* What is kept apart, from the school's first wrong answer to the number that counts: told per field in the reader's
 * language, corrected, released, rejected; and receipts that prove it, checked by who was not there.  The real programs
 * on both sides (invariants 2, 4, 5 and 9). */
#include "agent/compare.h"
#include "agent/standing.h"
#include "agent/word.h"
#include "common/cli.h"
#include "hub/quarantine.h"
#include "protocol/notice.h"
#include "tests/integration/meeting_fixture.h"

static int begin_hub(void **state)
{
    struct district *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    district_new(d, "gateway.slots: 4\n");
    district_start(d);
    *state = d;
    return 0;
}

static int end_hub(void **state)
{
    district_free(*state);
    free(*state);
    return 0;
}

static void sync_ok(struct agent *a, struct sync_result *r)
{
    if (sync_once(a, r) != OK)
        fail_msg("sync_once: %s", err_text());
}

/* One row that the school's own check would never let through: a program of another year did. */
static uint64_t add_grade(struct agent *a, const char *pupil, int64_t grade, const char *unit)
{
    const struct form *f = agent_form(a, "marks");
    struct queue_writer *w;
    struct value values[MARKS_FIELDS];
    struct record r = {.filled_on = 18518};
    struct buf bytes;
    uint64_t number;

    assert_non_null(f);
    memset(values, 0, sizeof(values));
    memcpy(r.form, f->digest, sizeof(r.form));
    (void)snprintf(r.unit, sizeof(r.unit), "%s", unit);
    (void)snprintf(r.period, sizeof(r.period), "2020-09");
    queue_stamp(a, &r);
    values[0].as.text = bytes_of(pupil, strlen(pupil));
    values[1].as.i = grade;
    values[2].state = VALUE_MISSING;
    r.values = values;
    r.value_count = MARKS_FIELDS;
    buf_init(&bytes, RECORD_MAX);
    MUST(record_encode(&bytes, &r, f));
    MUST(queue_writer_open(&w, a));
    MUST(queue_writer_add(w, bytes_of(bytes.data, bytes.len), &number));
    MUST(queue_writer_commit(w));
    queue_writer_close(w);
    buf_fini(&bytes);
    return number;
}

/* Runs a program of ours with `language`; what it printed, both ways.  Returns its exit code. */
static int run(const struct district *d, const char *language, const char *arguments, struct buf *out)
{
    char command[2048], out_file[128];
    void *text;
    size_t len;
    int status;

    (void)snprintf(out_file, sizeof(out_file), "%s/out.txt", d->dir);
    (void)snprintf(command, sizeof(command),
                   "SVODKA_LOCALEDIR=%s/locale LC_ALL=%s.UTF-8 LANGUAGE=%.2s %s/%s >%s 2>&1 </dev/null",
                   SVODKA_BINARY_DIR, language, language, SVODKA_BINARY_DIR, arguments, out_file);
    status = system(command); /* NOLINT(cert-env33-c): our own programs in a test's own folder */
    assert_true(WIFEXITED(status));
    MUST(cli_read_file(out_file, 1 << 20, &text, &len));
    buf_reset(out);
    buf_put(out, text, len);
    free(text);
    return WEXITSTATUS(status);
}

static void must_show(struct buf *out, const char *part)
{
    if (strstr(buf_cstr(out), part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, buf_cstr(out));
}

static int agent_says(const struct district *d, const char *home, const char *language, const char *command,
                      struct buf *out)
{
    char arguments[1024];

    (void)snprintf(arguments, sizeof(arguments), "agent/svodka-agent %s --home %s/%s", command, d->dir, home);
    return run(d, language, arguments, out);
}

static int hub_says(const struct district *d, const char *command, struct buf *out)
{
    char arguments[1024];

    (void)snprintf(arguments, sizeof(arguments), "hub/svodka-hub %s --home %s", command, d->home);
    return run(d, "en_US", arguments, out);
}

static void count_lines(void *ctx, bool is_difference, const char *text)
{
    unsigned *lines = ctx;

    (void)text;
    lines[is_difference]++;
}

static struct compare_counts compare(struct agent *a, unsigned lines[2])
{
    struct compare_counts n;

    lines[0] = lines[1] = 0;
    MUST(sync_compare(a, &n, count_lines, lines));
    return n;
}

static void a_wrong_answer_is_told_per_field_corrected_and_counted(void **state)
{
    struct district *d = *state;
    struct agent *a = school_join(d, 0, "gp");
    struct compare_counts n;
    struct ledger_totals totals;
    struct sync_result r;
    struct buf out;
    unsigned lines[2];
    uint64_t wrong, foreign;
    char command[256];

    buf_init(&out, 1 << 20);
    add_marks(a, 1, 3);
    wrong = add_grade(a, "anna", 4711, "gp");
    foreign = add_grade(a, "boris", 5, "ms");
    add_marks(a, 10, 2);
    sync_ok(a, &r);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 5); /* what is kept apart holds up nothing */
    assert_int_equal(r.verdicts[VERDICT_QUARANTINED], 2);

    /* The hub speaks English here; the school reads Russian. */
    assert_int_equal(agent_says(d, "gp", "ru_RU", "status", &out), 0);
    must_show(&out, "Grade (grade): ответ нарушает правило формы: . >= 0 and . <= 20");
    must_show(&out, "у отправителя нет права отчитываться об этой организации: ms");
    assert_null(strstr(buf_cstr(&out), "4711"));
    assert_int_equal(agent_says(d, "gp", "en_US", "history --format csv", &out), 0);
    must_show(&out, "quarantined");
    must_show(&out, "the answer breaks the form's rule");
    assert_int_equal(hub_says(d, "quarantine list --format csv", &out), 0);
    must_show(&out, "grade: the answer breaks the form's rule: . >= 0 and . <= 20");

    n = compare(a, lines);
    assert_int_equal(n.equal, 7);
    assert_int_equal(n.quarantined, 2);
    assert_int_equal(n.differences, 0);
    assert_int_equal(lines[0], 2);

    (void)snprintf(command, sizeof(command), "correct %llu --reason slip --set grade=15", (unsigned long long)wrong);
    assert_int_equal(agent_says(d, "gp", "en_US", command, &out), 0);
    sync_ok(a, &r);
    assert_int_equal(r.verdicts[VERDICT_COUNTED], 1);
    sync_ok(a, &r); /* the word about it */
    assert_int_equal(agent_says(d, "gp", "ru_RU", "history", &out), 0);
    must_show(&out, "исправлено вами");
    totals = held_by(d);
    assert_int_equal(totals.counted, 6);
    assert_int_equal(totals.quarantined, 1);

    (void)snprintf(command, sizeof(command), "quarantine reject %llu", (unsigned long long)foreign);
    assert_int_equal(hub_says(d, command, &out), 2);
    (void)snprintf(command, sizeof(command), "quarantine reject %llu --reason 'Это ученик другой школы'",
                   (unsigned long long)foreign);
    assert_int_equal(hub_says(d, command, &out), 0);
    (void)snprintf(command, sizeof(command), "quarantine release %llu", (unsigned long long)foreign);
    assert_int_equal(hub_says(d, command, &out), 1);
    must_show(&out, "rejected for good");
    sync_ok(a, &r);
    assert_int_equal(r.words, 1);
    assert_int_equal(agent_says(d, "gp", "ru_RU", "status", &out), 0);
    must_show(&out, "Это ученик другой школы");
    sync_ok(a, &r);
    assert_int_equal(r.words, 0); /* once */
    n = compare(a, lines);
    assert_int_equal(n.rejected, 1);
    assert_int_equal(n.differences, 0);
    assert_school_verifies(a);
    agent_close(a);
    buf_fini(&out);
    assert_hub_verifies(d);
}

/* The school says that it holds more words than this hub ever said: a copy of the hub was put back. */
static void a_hub_that_went_back_tells_its_words_again_above_those_held(void **state)
{
    const struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct message *m = hello_of(a);
    struct word_head head;
    enum signed_type type;
    struct client c;

    for (uint64_t held = 1000; held <= 2000; held += 1000) {
        m->as.hello.takes_words = true;
        m->as.hello.words_held = held;
        client_open(&c, d, a, a->curve, NULL);
        client_send(&c, m);
        client_expect(&c, MSG_WORD);
        MUST(word_open_head(&head, &type, c.in.as.signed_object, a->directory->hub_sign));
        assert_int_equal(head.serial, held + 1);
        assert_int_equal(head.previous, 0); /* its first one: all are told */
        client_close(&c);
    }
    free(m);
    agent_close(a);
    assert_hub_verifies(d);
}

/* Two homes of one school: the one that was copied earlier lacks what the other sent. */
static void a_difference_is_named_and_the_exit_code_says_so(void **state)
{
    struct district *d = *state;
    struct agent *a = school_join(d, 1, "ms");
    struct compare_counts n;
    struct sync_result r;
    struct record_ref ref;
    struct buf out;
    unsigned lines[2];
    uint8_t key[20];
    struct store_txn *t;

    buf_init(&out, 1 << 20);
    add_marks(a, 1, 5);
    sync_ok(a, &r);
    add_marks(a, 6, 2); /* not sent yet */
    n = compare(a, lines);
    assert_int_equal(n.equal, 5);
    assert_int_equal(n.waiting, 2);
    assert_int_equal(n.differences, 0);
    assert_int_equal(agent_says(d, "ms", "en_US", "verify --with-hub", &out), 0);
    must_show(&out, "The district holds 5 submissions exactly as they are here");

    /* The hub forgets what it has confirmed: numbers 3 to 5, as if its disk had been put back by hand. */
    district_stop(d);
    ref = (struct record_ref){a->gen, 1};
    {
        struct hub *h;
        uint8_t value[16];
        struct bytes was;

        MUST(hub_open(&h, d->home, HUB_WRITE));
        be32_put(key, 0);
        MUST(store_begin_write(h->store, &t));
        {
            uint8_t raw[4 + RECORD_REF_BYTES];

            be32_put(raw, registry_by_id(h->registry, "ms")->index);
            record_ref_put(raw + 4, &ref);
            MUST(store_get(t, H_RANGES, bytes_of(raw, sizeof(raw)), &was));
            memcpy(value, was.p, sizeof(value));
            be64_put(value, 2);
            MUST(store_put(t, H_RANGES, bytes_of(raw, sizeof(raw)), bytes_of(value, sizeof(value))));
        }
        MUST(store_commit(t));
        hub_close(h, false);
    }
    district_start(d);
    n = compare(a, lines);
    assert_int_equal(n.equal, 2);
    assert_int_equal(n.differences, 3);
    assert_int_equal(lines[1], 3);
    assert_int_equal(agent_says(d, "ms", "en_US", "verify --with-hub", &out), 1);
    must_show(&out, "the district does not hold it, although it confirmed it");
    must_show(&out, "3 submissions differ");
    agent_close(a);
    buf_fini(&out);
}

static void a_receipt_convinces_who_was_not_there(void **state)
{
    struct district *d = *state;
    struct agent *a = school_open(d, "gp");
    struct buf out;
    char command[512], root[40];

    buf_init(&out, 1 << 20);
    fingerprint(root, a->directory->root);
    agent_close(a);
    assert_int_equal(agent_says(d, "gp", "en_US", "receipt 1", &out), 0);
    must_show(&out, "received by");
    must_show(&out, "digest of the submission");
    assert_int_equal(agent_says(d, "gp", "en_US", "receipt marks --period 2020-09 --format csv", &out), 0);
    must_show(&out, "id,state,verdict,why,ledger,time,digest");
    (void)snprintf(command, sizeof(command), "receipt marks --period 2020-09 --out %s/receipt.txt", d->dir);
    assert_int_equal(agent_says(d, "gp", "en_US", command, &out), 0);
    must_show(&out, root);
    (void)snprintf(command, sizeof(command), "hub/svodka-hub receipt check %s/receipt.txt --root %s --format csv",
                   d->dir, root);
    assert_int_equal(run(d, "en_US", command, &out), 0);
    must_show(&out, "stored");
    (void)snprintf(command, sizeof(command), "agent/svodka-agent receipt --check %s/receipt.txt --root %s", d->dir,
                   root);
    assert_int_equal(run(d, "en_US", command, &out), 0);
    must_show(&out, "gp/1.");
    root[0] = root[0] == '0' ? '1' : '0';
    (void)snprintf(command, sizeof(command), "hub/svodka-hub receipt check %s/receipt.txt --root %s", d->dir, root);
    assert_int_equal(run(d, "en_US", command, &out), 1);
    must_show(&out, "not of the district with this fingerprint");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_answer_is_told_per_field_corrected_and_counted),
        cmocka_unit_test(a_hub_that_went_back_tells_its_words_again_above_those_held),
        cmocka_unit_test(a_receipt_convinces_who_was_not_there),
        cmocka_unit_test(a_difference_is_named_and_the_exit_code_says_so),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    MUST(keys_start());
    return cmocka_run_group_tests(tests, begin_hub, end_hub);
}
