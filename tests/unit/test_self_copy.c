/* The school's own copy: opens with its code, replaces nothing else, and says what it does not hold (invariants 1, 2).
 */
#include "agent_fixture.h"

#include "agent/self_copy.h"
#include "protocol/backup.h"

#include <sys/stat.h>

static uint64_t at_risk(struct school *s)
{
    struct self_copy_risk risk;

    assert_int_equal(self_copy_risk(s->a, &risk), OK);
    return risk.entries;
}

static void make_copy(struct school *s, char path[256], char code[COPY_CODE_CHARS + 1])
{
    struct self_copy_made made;

    school_path(path, s, "school.svdk");
    if (code != NULL)
        assert_int_equal(self_copy_new_code(s->a, code), OK);
    assert_int_equal(self_copy_write(s->a, path, &made), OK);
    assert_int_equal(made.made_ms, clock_wall_ms());
}

static void a_copy_gives_the_whole_home_back(void **state)
{
    struct school *s = *state;
    char code[COPY_CODE_CHARS + 1];
    char path[256], home2[256];
    struct agent *b = NULL;
    struct queue_status before, after;
    struct stat st;
    uint64_t bad = 99;
    uint64_t sealed;
    int64_t made_ms = 0;

    submit_rows(s, 5);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    submit_rows(s, 3);
    make_copy(s, path, code);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    school_path(home2, s, "home2");
    assert_int_equal(self_copy_restore(path, home2, code, &made_ms), OK);
    assert_int_equal(made_ms, TEST_NOW_MS);
    assert_int_equal(agent_open(&b, home2), OK);
    assert_memory_equal(key_public(b->sign), key_public(s->a->sign), KEY_BYTES);
    assert_memory_equal(&b->gen, &s->a->gen, sizeof(b->gen));
    assert_int_equal(queue_status(s->a, &before), OK);
    assert_int_equal(queue_status(b, &after), OK);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(queue_verify(b, stderr, &bad), OK);
    assert_int_equal(bad, 0);
    agent_close(b);
}

static void another_code_opens_nothing_and_makes_nothing(void **state)
{
    struct school *s = *state;
    char first[COPY_CODE_CHARS + 1], second[COPY_CODE_CHARS + 1];
    char path[256], home2[256];
    int64_t made_ms;

    make_copy(s, path, first);
    school_path(home2, s, "home2");
    assert_int_equal(self_copy_new_code(s->a, second), OK);
    assert_int_equal(self_copy_restore(path, home2, second, &made_ms), ERR_AUTH); /* the copy is older than it */
    assert_int_equal(access(home2, F_OK), -1);
    make_copy(s, path, NULL);
    assert_int_equal(self_copy_restore(path, home2, first, &made_ms), ERR_AUTH);
    assert_int_equal(access(home2, F_OK), -1);
    assert_int_equal(self_copy_restore(path, home2, second, &made_ms), OK);
}

static void a_damaged_copy_makes_nothing(void **state)
{
    struct school *s = *state;
    char code[COPY_CODE_CHARS + 1];
    char path[256], home2[256];
    void *bytes = NULL;
    size_t len = 0;
    int64_t made_ms;

    submit_rows(s, 50);
    make_copy(s, path, code);
    school_path(home2, s, "home2");
    assert_int_equal(cli_read_file(path, 1 << 22, &bytes, &len), OK);
    assert_int_equal(cli_write_file(path, bytes, len - 1, 0600, true), OK);
    assert_int_equal(self_copy_restore(path, home2, code, &made_ms), ERR_AUTH);
    ((uint8_t *)bytes)[len - 100] ^= 1;
    assert_int_equal(cli_write_file(path, bytes, len, 0600, true), OK);
    assert_int_equal(self_copy_restore(path, home2, code, &made_ms), ERR_AUTH);
    assert_int_equal(access(home2, F_OK), -1);
    free(bytes);
}

static void a_copy_replaces_an_older_one_of_this_computer_and_nothing_else(void **state)
{
    struct school *s = *state;
    struct self_copy_made made;
    char code[COPY_CODE_CHARS + 1];
    char path[256];

    write_text(s, "school.svdk", "the head's own letter", path);
    assert_int_equal(self_copy_new_code(s->a, code), OK);
    assert_int_equal(self_copy_write(s->a, path, &made), ERR_EXISTS);
    assert_int_equal(unlink(path), 0);
    make_copy(s, path, NULL);
    make_copy(s, path, NULL);
}

static void without_a_code_there_is_no_copy(void **state)
{
    struct school *s = *state;
    struct self_copy_made made;
    char path[256];

    school_path(path, s, "school.svdk");
    assert_int_equal(self_copy_write(s->a, path, &made), ERR_NOT_FOUND);
    assert_non_null(strstr(err_text(), "--new-code"));
    assert_int_equal(access(path, F_OK), -1);
}

static void status_counts_what_is_neither_received_nor_copied(void **state)
{
    struct school *s = *state;
    char code[COPY_CODE_CHARS + 1];
    char path[256];
    struct self_copy_risk risk;
    struct batch_state b;
    struct receipt r;
    struct buf object;
    uint64_t sealed;

    assert_int_equal(at_risk(s), 0);
    submit_rows(s, 5);
    assert_int_equal(self_copy_risk(s->a, &risk), OK);
    assert_int_equal(risk.entries, 5);
    assert_int_equal(risk.copy_ms, 0);
    assert_int_equal(risk.since_ms, TEST_NOW_MS);
    assert_false(risk.has_code);
    make_copy(s, path, code);
    assert_int_equal(at_risk(s), 0);
    clock_test_set(TEST_NOW_MS + 60000);
    submit_rows(s, 2);
    assert_int_equal(self_copy_risk(s->a, &risk), OK);
    assert_int_equal(risk.entries, 2);
    assert_int_equal(risk.copy_ms, TEST_NOW_MS);
    assert_int_equal(risk.since_ms, TEST_NOW_MS + 60000);
    assert_true(risk.has_code);
    assert_int_equal(queue_seal(s->a, &sealed), OK);
    assert_int_equal(at_risk(s), 2); /* packed, not received */
    assert_int_equal(queue_batch(s->a, &s->a->gen, 1, &b), OK);
    r = (struct receipt){
        .gen = b.gen, .sequence = 1, .state = RECEIPT_STORED, .hub_ms = 1, .ledger_number = 9, .directory_version = 1};
    memcpy(r.district, s->directory.district, sizeof(r.district));
    (void)snprintf(r.participant, sizeof(r.participant), "gp");
    memcpy(r.batch, b.digest, DIGEST_BYTES);
    r.verdicts[VERDICT_COUNTED] = b.records;
    buf_init(&object, SIGNED_MAX);
    assert_int_equal(receipt_make(&object, &r, s->hub), OK);
    assert_int_equal(queue_take_receipt(s->a, view(&object)), OK);
    buf_fini(&object);
    assert_int_equal(at_risk(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_gives_the_whole_home_back, school_open, school_close),
        cmocka_unit_test_setup_teardown(another_code_opens_nothing_and_makes_nothing, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_damaged_copy_makes_nothing, school_open, school_close),
        cmocka_unit_test_setup_teardown(a_copy_replaces_an_older_one_of_this_computer_and_nothing_else, school_open,
                                        school_close),
        cmocka_unit_test_setup_teardown(without_a_code_there_is_no_copy, school_open, school_close),
        cmocka_unit_test_setup_teardown(status_counts_what_is_neither_received_nor_copied, school_open, school_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
