/* Backups as files: what went in comes out, and nothing else ever does (invariants 2, 6). */
#include "common/cli.h"
#include "common/folder.h"
#include "protocol/backup.h"
#include "protocol/copy_code.h"

#include "tests/unit/protocol_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE 300000u /* several chunks of what does not compress */

struct place {
    struct fixture *f;
    struct key *recovery;
    struct backup_head head;
    struct backup_written written;
    uint8_t *large;
    char dir[64], path[96], part[112];
};

static int open_place(void **state)
{
    static struct place p;
    void *fixture = NULL;
    const char *tmp = getenv("TMPDIR");
    uint64_t noise = 88172645463325252u;

    memset(&p, 0, sizeof(p));
    if (fixture_open(&fixture) != 0)
        return -1;
    p.f = fixture;
    p.recovery = key_of(KEY_SEAL, 'R');
    (void)snprintf(p.dir, sizeof(p.dir), "%.40s/backup-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(p.dir));
    (void)snprintf(p.path, sizeof(p.path), "%s/hub.svdk", p.dir);
    (void)snprintf(p.part, sizeof(p.part), "%s.part", p.path);
    p.large = malloc(LARGE);
    assert_non_null(p.large);
    for (size_t i = 0; i < LARGE; i++) {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        p.large[i] = (uint8_t)noise;
    }
    *state = &p;
    return 0;
}

static int close_place(void **state)
{
    struct place *p = *state;
    void *fixture = p->f;

    key_free(p->recovery);
    free(p->large);
    folder_remove(p->dir);
    return fixture_close(&fixture);
}

static void fill_head(struct place *p)
{
    memset(&p->head, 0, sizeof(p->head));
    memcpy(p->head.district, p->f->directory.district, sizeof(p->head.district));
    memcpy(p->head.recovery, key_public(p->recovery), KEY_BYTES);
    memcpy(p->head.certificate, p->f->certificate.data, p->f->certificate.len);
    p->head.certificate_len = p->f->certificate.len;
    p->head.kind = BACKUP_HUB;
    p->head.made_ms = 1600000000000;
    p->head.lsn = 7;
    memset(p->head.chain, 0xCC, sizeof(p->head.chain));
}

static struct backup_writer *begin(struct place *p)
{
    struct backup_writer *w = NULL;

    fill_head(p);
    assert_int_equal(backup_begin(&w, p->path, &p->head, p->f->hub, false), OK);
    return w;
}

static void write_small(struct place *p)
{
    struct backup_writer *w = begin(p);

    assert_int_equal(backup_put_table(w, 3, "meta"), OK);
    assert_int_equal(backup_put_file(w, "keys/sign.key", bytes_of("secret", 6)), OK);
    assert_int_equal(backup_put_row(w, 3, bytes_of("k", 1), bytes_of("value", 5)), OK);
    assert_int_equal(backup_finish(w, &p->written), OK);
}

/* How many records open; -1 when anything is wrong anywhere. */
static int count_records(struct backup_reader *r)
{
    struct backup_item *item = malloc(sizeof(*item));
    int count = 0;
    enum err e;

    assert_non_null(item);
    while ((e = backup_next(r, item)) == OK)
        count++;
    free(item);
    return e == ERR_NOT_FOUND ? count : -1;
}

static struct buf file_bytes(const char *path)
{
    struct buf b;
    void *bytes = NULL;
    size_t len = 0;

    buf_init(&b, 1 << 20);
    assert_int_equal(cli_read_file(path, 1 << 20, &bytes, &len), OK);
    buf_put(&b, bytes, len);
    free(bytes);
    return b;
}

static int open_bytes(struct place *p, struct bytes file)
{
    struct backup_reader *r = NULL;
    int count = -1;

    if (backup_open_bytes(&r, file) == OK && backup_check_signer(backup_head(r), key_public(p->f->root)) == OK &&
        backup_unlock(r, p->recovery) == OK)
        count = count_records(r);
    backup_close(r);
    return count;
}

static bool opens(void *ctx, struct bytes damaged)
{
    return open_bytes(ctx, damaged) >= 0;
}

static void what_went_in_comes_out_in_its_order(void **state)
{
    struct place *p = *state;
    struct backup_writer *w = begin(p);
    struct backup_reader *r = NULL;
    struct backup_item i;
    uint8_t found[DIGEST_BYTES];
    uint64_t bytes = 0;
    struct stat st;

    assert_int_equal(backup_put_table(w, 3, "meta"), OK);
    assert_int_equal(backup_put_file(w, "keys/storage/a-2020.key", bytes_of("secret", 6)), OK);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(backup_put_row(w, 3, bytes_of("k1", 2), bytes_of(p->large, LARGE)), OK);
    assert_int_equal(backup_put_row(w, 3, bytes_of("k2", 2), bytes_of("", 0)), OK);
    assert_int_equal(backup_finish(w, &p->written), OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access(p->part, F_OK), -1);
    assert_int_equal(backup_file_digest(p->path, found, &bytes), OK);
    assert_int_equal(bytes, p->written.bytes);
    assert_memory_equal(found, p->written.digest, DIGEST_BYTES);

    assert_int_equal(backup_open(&r, p->path), OK);
    assert_int_equal(backup_head(r)->lsn, 7);
    assert_int_equal(backup_check_signer(backup_head(r), key_public(p->f->root)), OK);
    assert_int_equal(backup_unlock(r, p->recovery), OK);
    assert_int_equal(backup_next(r, &i), OK);
    assert_int_equal(i.kind, BACKUP_TABLE);
    assert_string_equal(i.name, "meta");
    assert_int_equal(backup_next(r, &i), OK);
    assert_int_equal(i.kind, BACKUP_FILE);
    assert_string_equal(i.name, "keys/storage/a-2020.key");
    assert_memory_equal(i.value.p, "secret", 6);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(backup_next(r, &i), OK);
        assert_int_equal(i.kind, BACKUP_ROW);
        assert_int_equal(i.table, 3);
        assert_int_equal(i.value.len, LARGE);
        assert_memory_equal(i.value.p, p->large, LARGE);
    }
    assert_int_equal(backup_next(r, &i), OK);
    assert_int_equal(i.value.len, 0);
    assert_int_equal(backup_next(r, &i), ERR_NOT_FOUND);
    backup_close(r);
    wipe(p->written.key, KEY_BYTES);
}

static void a_cut_or_altered_backup_never_opens_whole(void **state)
{
    struct place *p = *state;
    struct buf file;

    write_small(p);
    file = file_bytes(p->path);
    assert_int_equal(open_bytes(p, buf_view(&file)), 3);
    refuse_damage(buf_view(&file), opens, p);
    buf_put_u8(&file, 0);
    assert_false(opens(p, buf_view(&file)));
    buf_fini(&file);
}

static void chunks_do_not_change_places(void **state)
{
    struct place *p = *state;
    struct backup_writer *w = begin(p);
    struct buf file;
    size_t at;
    uint8_t *swap = malloc(65553);

    assert_non_null(swap);
    assert_int_equal(backup_put_table(w, 0, "t"), OK);
    assert_int_equal(backup_put_row(w, 0, bytes_of("k", 1), bytes_of(p->large, LARGE)), OK);
    assert_int_equal(backup_finish(w, &p->written), OK);
    file = file_bytes(p->path);
    assert_int_equal(open_bytes(p, buf_view(&file)), 2);
    at = 9 + be32_get(file.data + 5) + 24;
    memcpy(swap, file.data + at, 65553);
    memcpy(file.data + at, file.data + at + 65553, 65553);
    memcpy(file.data + at + 65553, swap, 65553);
    assert_false(opens(p, buf_view(&file)));
    memcpy(file.data + at, swap, 65553); /* the first twice */
    assert_false(opens(p, buf_view(&file)));
    free(swap);
    buf_fini(&file);
}

static void only_the_recovery_key_and_the_stream_key_open_it(void **state)
{
    struct place *p = *state;
    struct key *other = key_of(KEY_SEAL, 'X');
    struct backup_reader *r = NULL;

    write_small(p);
    assert_int_equal(backup_open(&r, p->path), OK);
    assert_int_equal(backup_unlock(r, other), ERR_AUTH);
    backup_close(r);
    assert_int_equal(backup_open(&r, p->path), OK);
    assert_int_equal(backup_unlock_with(r, p->written.key), OK);
    assert_int_equal(count_records(r), 3);
    backup_close(r);
    p->written.key[0] ^= 1;
    assert_int_equal(backup_open(&r, p->path), OK);
    assert_int_equal(backup_unlock_with(r, p->written.key), OK);
    assert_int_equal(count_records(r), -1);
    backup_close(r);
    key_free(other);
}

/* Whoever knows the recovery key's public half can encrypt to it, and that is all. */
static void a_forged_backup_is_not_the_hubs(void **state)
{
    struct place *p = *state;
    struct backup_writer *w = NULL;
    struct backup_reader *r = NULL;

    fill_head(p);
    assert_int_equal(backup_begin(&w, p->path, &p->head, p->f->school, false), OK);
    assert_int_equal(backup_finish(w, &p->written), OK);
    assert_int_equal(backup_open(&r, p->path), OK);
    assert_int_equal(backup_check_signer(backup_head(r), key_public(p->f->root)), ERR_AUTH);
    backup_close(r);
}

static void a_backup_of_a_later_format_says_so(void **state)
{
    struct place *p = *state;
    struct backup_reader *r = NULL;
    struct buf file;

    write_small(p);
    file = file_bytes(p->path);
    file.data[4] = 2;
    assert_int_equal(backup_open_bytes(&r, buf_view(&file)), ERR_VERSION);
    assert_non_null(strstr(err_text(), "format 2"));
    file.data[4] = 1;
    file.data[0] = 'X';
    assert_int_equal(backup_open_bytes(&r, buf_view(&file)), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "not a backup"));
    buf_fini(&file);
}

static void a_backup_never_replaces_another_file(void **state)
{
    struct place *p = *state;
    struct backup_writer *w = NULL;
    struct buf before, after;

    write_small(p);
    before = file_bytes(p->path);
    fill_head(p);
    assert_int_equal(backup_begin(&w, p->path, &p->head, p->f->hub, false), ERR_EXISTS);
    after = file_bytes(p->path);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    buf_fini(&before);
    buf_fini(&after);
}

static void what_a_killed_run_left_gives_way_and_a_running_one_does_not(void **state)
{
    struct place *p = *state;
    struct backup_writer *w;
    struct backup_writer *second = NULL;

    assert_int_equal(cli_write_file(p->part, "half of a backup", 16, 0644, false), OK);
    w = begin(p);
    assert_int_equal(backup_begin(&second, p->path, &p->head, p->f->hub, false), ERR_BUSY);
    assert_int_equal(access(p->part, F_OK), 0);
    backup_drop(w);
    assert_int_equal(access(p->part, F_OK), -1);
    assert_int_equal(access(p->path, F_OK), -1);
    write_small(p);
    assert_int_equal(access(p->path, F_OK), 0);
}

static void a_missing_folder_is_said_and_made_by_nobody(void **state)
{
    struct place *p = *state;
    struct backup_writer *w = NULL;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/stick/hub.svdk", p->dir);
    fill_head(p);
    assert_int_equal(backup_begin(&w, path, &p->head, p->f->hub, false), ERR_NOT_FOUND);
}

static void names_that_leave_the_home_are_refused(void **state)
{
    static const char *const bad[] = {"",     "/etc/passwd", "../x", "keys/../../x", "keys//x", "keys/",
                                      ".ssh", "keys/.x",     "a b",  "a\\b",         "a\nb",    "ключ"};
    static const char *const good[] = {"hub.yaml", "keys/sign.key", "keys/storage/quality-2020.key", "a..b"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (backup_name_is_safe(bad[i]))
            fail_msg("%s is taken for safe", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!backup_name_is_safe(good[i]))
            fail_msg("%s is refused", good[i]);
}

/* ---- records ---- */

static void put_sample(struct buf *b)
{
    buf_init(b, 1 << 20);
    backup_record_table(b, 1, "meta");
    backup_record_file(b, "hub.yaml", bytes_of("name: x\n", 8));
    backup_record_row(b, 1, bytes_of("key", 3), bytes_of("value", 5));
    backup_record_end(b, 1, 1);
}

static void records_come_the_same_whatever_the_pieces(void **state)
{
    struct buf b;

    (void)state;
    put_sample(&b);
    for (size_t piece = 1; piece <= b.len; piece++) {
        struct backup_records *r = NULL;
        struct backup_item item;
        char kinds[8] = "";
        size_t n = 0;
        bool has;

        assert_int_equal(backup_records_new(&r), OK);
        for (size_t at = 0; at < b.len; at += piece) {
            size_t len = b.len - at < piece ? b.len - at : piece;

            assert_int_equal(backup_records_feed(r, bytes_of(b.data + at, len)), OK);
            while (backup_records_next(r, &item, &has) == OK && has)
                kinds[n++] = (char)item.kind;
        }
        assert_string_equal(kinds, "TFRE");
        assert_true(backup_records_is_over(r));
        assert_int_equal(backup_records_feed(r, bytes_of("x", 1)), ERR_MALFORMED);
        backup_records_free(r);
    }
    buf_fini(&b);
}

static enum err read_all(struct bytes in)
{
    struct backup_records *r = NULL;
    struct backup_item item;
    bool has = true;
    enum err e;

    assert_int_equal(backup_records_new(&r), OK);
    e = backup_records_feed(r, in);
    while (e == OK && has)
        e = backup_records_next(r, &item, &has);
    if (e == OK && !backup_records_is_over(r))
        e = ERR_CANCELLED; /* it waits for more */
    backup_records_free(r);
    return e;
}

static void records_that_lie_are_refused_before_anything_is_waited_for(void **state)
{
    static const uint8_t unnamed[] = {'R', 1, 0, 1, 'k', 0, 0, 0, 0};
    static const uint8_t huge[] = {'T', 1, 1, 'm', 'R', 1, 0, 1, 'k', 0xFF, 0xFF, 0xFF, 0xFF};
    static const uint8_t twice[] = {'T', 1, 1, 'm', 'T', 1, 1, 'n'};
    static const uint8_t counts[] = {'E', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const uint8_t empty_key[] = {'T', 1, 1, 'm', 'R', 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t big_file[] = {'F', 1, 'f', 0x00, 0x10, 0x00, 0x01};
    static const uint8_t nul_name[] = {'F', 2, 'f', 0, 0, 0, 0, 0};

    (void)state;
    assert_int_equal(read_all(bytes_of(unnamed, sizeof(unnamed))), ERR_MALFORMED);
    assert_int_equal(read_all(bytes_of(huge, sizeof(huge))), ERR_LIMIT);
    assert_int_equal(read_all(bytes_of(twice, sizeof(twice))), ERR_MALFORMED);
    assert_int_equal(read_all(bytes_of(counts, sizeof(counts))), ERR_MALFORMED);
    assert_int_equal(read_all(bytes_of(empty_key, sizeof(empty_key))), ERR_MALFORMED);
    assert_int_equal(read_all(bytes_of(big_file, sizeof(big_file))), ERR_LIMIT);
    assert_int_equal(read_all(bytes_of(nul_name, sizeof(nul_name))), ERR_MALFORMED);
    assert_int_equal(read_all(bytes_of("Q", 1)), ERR_MALFORMED);
}

/* ---- the recovery code ---- */

static void a_code_opens_as_typed_and_only_for_its_computer(void **state)
{
    struct place *p = *state;
    const uint8_t *signer = key_public(p->f->school);
    char code[COPY_CODE_CHARS + 1];
    char typed[2 * COPY_CODE_CHARS] = "";
    struct key *made = NULL;
    struct key *again = NULL;

    assert_int_equal(copy_code_new(code, &made, signer), OK);
    assert_int_equal(strlen(code), COPY_CODE_CHARS);
    assert_int_equal(copy_code_open(&again, code, signer), OK);
    assert_memory_equal(key_public(made), key_public(again), KEY_BYTES);
    key_free(again);
    for (size_t i = 0, n = 0; i < COPY_CODE_CHARS; i++) /* lower case, blanks for hyphens */
        typed[n++] = (char)(code[i] == '-' ? ' ' : code[i] >= 'A' ? code[i] + 32 : code[i]);
    assert_int_equal(copy_code_open(&again, typed, signer), OK);
    assert_memory_equal(key_public(made), key_public(again), KEY_BYTES);
    key_free(again);
    assert_int_equal(copy_code_open(&again, code, key_public(p->f->hub)), ERR_AUTH);
    for (size_t i = 0; i < COPY_CODE_CHARS; i++) {
        char wrong[COPY_CODE_CHARS + 1];

        memcpy(wrong, code, sizeof(wrong));
        if (wrong[i] == '-')
            continue;
        wrong[i] = wrong[i] == '7' ? '8' : '7';
        assert_int_equal(copy_code_open(&again, wrong, signer), ERR_AUTH);
    }
    code[COPY_CODE_CHARS - 1] = '\0';
    assert_int_equal(copy_code_open(&again, code, signer), ERR_MALFORMED);
    assert_int_equal(copy_code_open(&again, "no code at all!", signer), ERR_MALFORMED);
    key_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_went_in_comes_out_in_its_order, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_cut_or_altered_backup_never_opens_whole, open_place, close_place),
        cmocka_unit_test_setup_teardown(chunks_do_not_change_places, open_place, close_place),
        cmocka_unit_test_setup_teardown(only_the_recovery_key_and_the_stream_key_open_it, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_forged_backup_is_not_the_hubs, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_backup_of_a_later_format_says_so, open_place, close_place),
        cmocka_unit_test_setup_teardown(a_backup_never_replaces_another_file, open_place, close_place),
        cmocka_unit_test_setup_teardown(what_a_killed_run_left_gives_way_and_a_running_one_does_not, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_said_and_made_by_nobody, open_place, close_place),
        cmocka_unit_test(names_that_leave_the_home_are_refused),
        cmocka_unit_test(records_come_the_same_whatever_the_pieces),
        cmocka_unit_test(records_that_lie_are_refused_before_anything_is_waited_for),
        cmocka_unit_test_setup_teardown(a_code_opens_as_typed_and_only_for_its_computer, open_place, close_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
