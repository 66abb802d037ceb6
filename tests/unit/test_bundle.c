/* The file that goes on a stick (SPEC.md section 10): what was written is read back; what is cut, altered, foreign or
 * huge is told, and whatever is whole in it is still given (invariants 2, 3, 6, 8, 9). */
#include "protocol/bundle.h"

#include "common/cli.h"
#include "common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MADE_MS INT64_C(1606032000000)

struct bench {
    char dir[64], path[128];
    struct key *sign;
};

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum err must_e_ = (call);                                                                                     \
        if (must_e_ != OK)                                                                                             \
            fail_msg("%s: %s: %s", #call, err_name(must_e_), err_text());                                              \
    } while (0)

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    const char *tmp = getenv("TMPDIR");

    assert_non_null(b);
    MUST(keys_start());
    (void)snprintf(b->dir, sizeof(b->dir), "%.40s/bundle-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->path, sizeof(b->path), "%s/x.svodka", b->dir);
    MUST(key_generate(&b->sign, KEY_SIGN));
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;

    folder_remove(b->dir);
    key_free(b->sign);
    free(b);
    return 0;
}

static struct bundle_about about_up(void)
{
    struct bundle_about a = {.direction = BUNDLE_UP, .participant = "gp", .serial = 7, .made_ms = MADE_MS};

    memset(a.district, 0xD1, sizeof(a.district));
    return a;
}

static const char *const parts[] = {"first", "the second part", "x"};
#define PARTS 3u

static void write_file(struct bench *b)
{
    struct bundle_about about = about_up();
    struct bundle_writer *w;
    uint64_t bytes = 0;

    MUST(bundle_create(&w, b->path, &about, "from: gp\nto: the office\n", BUNDLE_DEFAULT_MAX));
    for (size_t i = 0; i < PARTS; i++)
        MUST(bundle_put(w, BUNDLE_BATCH, bytes_of(parts[i], strlen(parts[i]))));
    MUST(bundle_finish(w, b->sign, true, &bytes));
    bundle_writer_free(w);
    assert_true(bytes > 0);
}

struct got {
    uint32_t whole, damaged;
    enum bundle_state end;
};

/* Reads to the end; whatever is given whole is one of the parts that were written, in their order. */
static struct got read_file(struct bench *b)
{
    struct got g = {0, 0, BUNDLE_PART};
    struct bundle_reader *r;
    struct bundle_part p;

    MUST(bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX));
    for (;;) {
        uint32_t at = bundle_done(r);

        MUST(bundle_read(r, &p, &g.end));
        if (g.end == BUNDLE_DAMAGED)
            g.damaged++;
        else if (g.end != BUNDLE_PART)
            break;
        else {
            assert_true(at < PARTS);
            assert_int_equal(p.bytes.len, strlen(parts[at]));
            assert_memory_equal(p.bytes.p, parts[at], p.bytes.len);
            g.whole++;
        }
    }
    bundle_close(r);
    return g;
}

static void *load(struct bench *b, size_t *len)
{
    void *bytes;

    MUST(cli_read_file(b->path, 1 << 20, &bytes, len));
    return bytes;
}

static void save(struct bench *b, const void *bytes, size_t len)
{
    MUST(cli_write_file(b->path, bytes, len, 0600, true));
}

static void what_was_written_is_read_back_with_its_label_and_list(void **state)
{
    struct bench *b = *state;
    struct bundle_about about;
    struct bundle_reader *r;
    struct bundle_part p;
    enum bundle_state s;
    char part[160];

    write_file(b);
    (void)snprintf(part, sizeof(part), "%s.part", b->path);
    assert_int_not_equal(access(part, F_OK), 0);
    MUST(bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX));
    assert_int_equal(bundle_direction(r), BUNDLE_UP);
    assert_string_equal(bundle_label(r), "from: gp\nto: the office\n");
    assert_int_equal(bundle_total(r), PARTS + 1);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(bundle_check(r, key_public(b->sign), &about), ERR_NOT_FOUND);
        for (size_t i = 0; i < PARTS; i++) {
            MUST(bundle_read(r, &p, &s));
            assert_int_equal(s, BUNDLE_PART);
            assert_int_equal(p.kind, BUNDLE_BATCH);
        }
        MUST(bundle_read(r, &p, &s));
        assert_int_equal(s, BUNDLE_END);
        MUST(bundle_read(r, &p, &s));
        assert_int_equal(s, BUNDLE_END);
        MUST(bundle_check(r, key_public(b->sign), &about));
        assert_string_equal(about.participant, "gp");
        assert_int_equal(about.serial, 7);
        assert_int_equal(about.made_ms, MADE_MS);
        bundle_rewind(r);
    }
    bundle_close(r);
}

static void half_a_file_gives_the_parts_that_are_whole_wherever_it_is_cut(void **state)
{
    struct bench *b = *state;
    size_t len;
    uint8_t *all;
    size_t ends[PARTS];

    write_file(b);
    all = load(b, &len);
    ends[0] = 12 + strlen("from: gp\nto: the office\n") + 37 + strlen(parts[0]);
    for (size_t i = 1; i < PARTS; i++)
        ends[i] = ends[i - 1] + 37 + strlen(parts[i]);
    for (size_t cut = 12 + strlen("from: gp\nto: the office\n"); cut < len; cut++) {
        uint32_t expected = 0;
        struct got g;

        save(b, all, cut);
        g = read_file(b);
        while (expected < PARTS && ends[expected] <= cut)
            expected++;
        assert_int_equal(g.end, BUNDLE_CUT);
        assert_int_equal(g.whole, expected);
        assert_int_equal(g.damaged, 0);
    }
    free(all);
}

static void a_file_cut_in_its_head_is_refused_whole(void **state)
{
    struct bench *b = *state;
    struct bundle_reader *r = NULL;
    size_t len;
    uint8_t *all;

    write_file(b);
    all = load(b, &len);
    for (size_t cut = 1; cut < 12 + strlen("from: gp\nto: the office\n"); cut++) {
        save(b, all, cut);
        assert_int_equal(bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX), ERR_MALFORMED);
        assert_null(r);
    }
    free(all);
}

/* Invariant 6: no changed byte passes both the digests and the list; what is given is always what was written. */
static void every_changed_byte_is_noticed(void **state)
{
    struct bench *b = *state;
    struct bundle_about about;
    size_t len;
    uint8_t *all;

    write_file(b);
    all = load(b, &len);
    for (size_t at = 0; at < len; at++) {
        struct bundle_reader *r = NULL;
        enum bundle_state s = BUNDLE_PART;
        struct bundle_part p;
        bool damaged = false;

        all[at] ^= 0x20u;
        save(b, all, len);
        all[at] ^= 0x20u;
        if (bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX) != OK)
            continue;
        while (s == BUNDLE_PART || s == BUNDLE_DAMAGED) {
            MUST(bundle_read(r, &p, &s));
            damaged = damaged || s == BUNDLE_DAMAGED;
        }
        if (!damaged && s == BUNDLE_END && bundle_check(r, key_public(b->sign), &about) == OK)
            fail_msg("byte %zu was changed and nobody noticed", at);
        bundle_close(r);
    }
    free(all);
}

static void a_list_signed_by_another_is_not_believed(void **state)
{
    struct bench *b = *state;
    struct bundle_about about;
    struct bundle_reader *r;
    struct bundle_part p;
    enum bundle_state s = BUNDLE_PART;
    struct key *other;

    write_file(b);
    MUST(key_generate(&other, KEY_SIGN));
    MUST(bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX));
    while (s == BUNDLE_PART)
        MUST(bundle_read(r, &p, &s));
    assert_int_equal(s, BUNDLE_END);
    assert_int_equal(bundle_check(r, key_public(other), &about), ERR_AUTH);
    bundle_close(r);
    key_free(other);
}

static void refused(struct bench *b, const char *path, uint64_t max, enum err expected, const char *words)
{
    struct bundle_reader *r = NULL;

    (void)b;
    assert_int_equal(bundle_open(&r, path, false, max), expected);
    if (strstr(err_text(), words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err_text(), words);
    assert_null(r);
}

static void what_is_no_file_of_ours_is_told_in_words(void **state)
{
    struct bench *b = *state;
    char other[160];
    struct stat st;

    (void)snprintf(other, sizeof(other), "%s/other", b->dir);
    refused(b, b->dir, BUNDLE_DEFAULT_MAX, ERR_INVALID, "folder");
    refused(b, other, BUNDLE_DEFAULT_MAX, ERR_NOT_FOUND, "other");
    assert_int_equal(mkfifo(other, 0600), 0);
    refused(b, other, BUNDLE_DEFAULT_MAX, ERR_INVALID, "pipe");
    assert_int_equal(unlink(other), 0);
    write_file(b);
    assert_int_equal(symlink(b->path, other), 0);
    refused(b, other, BUNDLE_DEFAULT_MAX, ERR_INVALID, "link");
    assert_int_equal(stat(b->path, &st), 0);
    refused(b, b->path, (uint64_t)st.st_size - 1, ERR_LIMIT, "larger");
    save(b, "", 0);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "empty");
    save(b, "svodka invitation 1\n", 20);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "invitation");
    save(b, "PK\3\4....................", 24);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "unpack it");
    save(b, "PK\3\4..........................[Content_Types].xml", 49);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "not a file of Svodka");
    save(b, "PK\3", 3);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "not a file of Svodka");
    save(b, "SVDU\2\1\0\0\0\0\0\1", 12);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_VERSION, "newer");
    save(b, "SVDU\1\1\0\0\0\0\0\0", 12);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_INVALID, "not finished");
    save(b, "SVDU\1\3\0\0\0\0\0\1", 12);
    refused(b, b->path, BUNDLE_DEFAULT_MAX, ERR_MALFORMED, "damaged");
}

/* Invariant 8: the file is never larger than said, and what just fits, fits. */
static void the_limit_of_a_file_holds_to_the_byte(void **state)
{
    struct bench *b = *state;
    struct bundle_about about = about_up();
    struct bundle_writer *w;
    uint8_t *part = calloc(1, BUNDLE_PART_MAX + 1);
    uint64_t bytes = 0;
    uint64_t room;

    assert_non_null(part);
    MUST(bundle_create(&w, b->path, &about, "", BUNDLE_LEAST_MAX));
    assert_false(bundle_fits(w, BUNDLE_PART_MAX + 1));
    assert_int_equal(bundle_put(w, BUNDLE_BATCH, bytes_of(part, BUNDLE_PART_MAX + 1)), ERR_LIMIT);
    while (bundle_fits(w, BUNDLE_PART_MAX))
        MUST(bundle_put(w, BUNDLE_BATCH, bytes_of(part, BUNDLE_PART_MAX)));
    assert_int_equal(bundle_put(w, BUNDLE_BATCH, bytes_of(part, BUNDLE_PART_MAX)), ERR_LIMIT);
    for (room = BUNDLE_PART_MAX; room > 0 && !bundle_fits(w, (size_t)room);)
        room--;
    MUST(bundle_put(w, BUNDLE_BATCH, bytes_of(part, (size_t)room)));
    assert_false(bundle_fits(w, 1));
    MUST(bundle_finish(w, b->sign, true, &bytes));
    bundle_writer_free(w);
    assert_true(bytes <= (uint64_t)BUNDLE_LEAST_MAX);
    assert_true(bytes > (uint64_t)BUNDLE_LEAST_MAX - 4096);
    free(part);
}

static void a_file_has_at_most_so_many_parts_and_one_of_them_is_read(void **state)
{
    struct bench *b = *state;
    struct bundle_about about = about_up();
    struct bundle_reader *r;
    struct bundle_writer *w;
    struct bundle_part p;
    enum bundle_state s = BUNDLE_PART;
    uint64_t bytes;

    MUST(bundle_create(&w, b->path, &about, "", BUNDLE_DEFAULT_MAX));
    for (uint32_t i = 0; i < BUNDLE_MAX_PARTS - 1; i++)
        MUST(bundle_put(w, BUNDLE_RECEIPT, bytes_of("r", 1)));
    assert_false(bundle_fits(w, 1));
    MUST(bundle_finish(w, b->sign, true, &bytes));
    bundle_writer_free(w);
    MUST(bundle_open(&r, b->path, false, BUNDLE_DEFAULT_MAX));
    while (s == BUNDLE_PART)
        MUST(bundle_read(r, &p, &s));
    assert_int_equal(s, BUNDLE_END);
    MUST(bundle_check(r, key_public(b->sign), &about));
    bundle_close(r);
}

/* Pitfall 5.8: what was not finished is not there under its name, and an older file is not harmed. */
static void a_file_that_was_not_finished_leaves_nothing_and_an_older_one_stays(void **state)
{
    struct bench *b = *state;
    struct bundle_about about = about_up();
    struct bundle_writer *w;
    uint64_t bytes;
    char part[160];

    write_file(b);
    (void)snprintf(part, sizeof(part), "%s.part", b->path);
    MUST(bundle_create(&w, b->path, &about, "", BUNDLE_DEFAULT_MAX));
    MUST(bundle_put(w, BUNDLE_BATCH, bytes_of("z", 1)));
    assert_int_equal(access(part, F_OK), 0);
    refused(b, part, BUNDLE_DEFAULT_MAX, ERR_INVALID, "not finished");
    bundle_writer_free(w);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(read_file(b).whole, PARTS);
    MUST(bundle_create(&w, b->path, &about, "", BUNDLE_DEFAULT_MAX));
    assert_int_equal(bundle_finish(w, b->sign, false, &bytes), ERR_EXISTS);
    bundle_writer_free(w);
    assert_int_equal(read_file(b).whole, PARTS);
}

static void a_file_name_has_the_id_the_day_and_the_serial(void **state)
{
    struct bundle_about about = about_up();
    char name[BUNDLE_NAME_MAX];

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    bundle_name(name, &about);
    assert_string_equal(name, "svodka-gp-20201122-7.svodka");
    about.direction = BUNDLE_DOWN;
    bundle_name(name, &about);
    assert_string_equal(name, "svodka-gp-20201122-7-answer.svodka");
}

static void the_further_files_of_a_run_stand_beside_the_first(void **state)
{
    static const char *const names[][2] = {{"x.svodka", "x-2.svodka"},
                                           {"/m/x.y.svodka", "/m/x.y-2.svodka"},
                                           {"/m.d/x", "/m.d/x-2"},
                                           {"/m.d/.x", "/m.d/.x-2"},
                                           {".x", ".x-2"},
                                           {"отчёт (1).svodka", "отчёт (1)-2.svodka"},
                                           {"/m/ab.c/", "/m/ab.c/-2"}};
    char path[FOLDER_PATH_MAX];
    char longest[FOLDER_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        MUST(bundle_numbered(path, names[i][0], 1));
        assert_string_equal(path, names[i][0]);
        MUST(bundle_numbered(path, names[i][0], 2));
        assert_string_equal(path, names[i][1]);
    }
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    MUST(bundle_numbered(path, longest, 1));
    assert_int_equal(bundle_numbered(path, longest, 10), ERR_LIMIT);
}

static void holdings_and_lists_of_objects_come_back_as_they_were(void **state)
{
    struct bundle_holdings h = {.gen = {3, {1, 2, 3}}, .next_sequence = 4, .held_last = 9, .gap_count = 2};
    struct bundle_holdings again;
    struct bundle_held held = {.count = 2};
    struct bundle_held held_again;
    struct buf b;

    (void)state;
    h.gaps[0] = (struct number_range){4, 1};
    h.gaps[1] = (struct number_range){6, 2};
    buf_init(&b, 1 << 16);
    MUST(bundle_holdings_put(&b, &h));
    MUST(bundle_holdings_get(&again, bytes_of(b.data, b.len)));
    for (uint64_t s = 1; s < 14; s++)
        assert_int_equal(bundle_holdings_lack(&again, s), s == 4 || s == 6 || s == 7 || s >= 10);
    assert_int_equal(bundle_holdings_get(&again, bytes_of(b.data, b.len - 1)), ERR_MALFORMED);
    buf_reset(&b);
    memset(held.digests, 0xAB, sizeof(held.digests));
    MUST(bundle_held_put(&b, &held));
    MUST(bundle_held_get(&held_again, bytes_of(b.data, b.len)));
    assert_int_equal(held_again.count, 2);
    assert_memory_equal(held_again.digests, held.digests, (size_t)2 * DIGEST_BYTES);
    buf_fini(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_back_with_its_label_and_list),
        TEST(half_a_file_gives_the_parts_that_are_whole_wherever_it_is_cut),
        TEST(a_file_cut_in_its_head_is_refused_whole),
        TEST(every_changed_byte_is_noticed),
        TEST(a_list_signed_by_another_is_not_believed),
        TEST(what_is_no_file_of_ours_is_told_in_words),
        TEST(the_limit_of_a_file_holds_to_the_byte),
        TEST(a_file_has_at_most_so_many_parts_and_one_of_them_is_read),
        TEST(a_file_that_was_not_finished_leaves_nothing_and_an_older_one_stays),
        TEST(a_file_name_has_the_id_the_day_and_the_serial),
        TEST(the_further_files_of_a_run_stand_beside_the_first),
        TEST(holdings_and_lists_of_objects_come_back_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
