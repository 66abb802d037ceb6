/* Receipts that are handed on: they prove what the hub confirmed, to anyone with the root's fingerprint, and nothing
 * else (invariant 9). */
#include "protocol/proof.h"

#include "tests/unit/protocol_fixture.h"

#define LEAVES_MAX 40u

static void leaf_of(uint8_t out[DIGEST_BYTES], uint64_t number, uint8_t real[DIGEST_BYTES])
{
    uint8_t text[2] = {0x91, (uint8_t)number};

    digest(real, bytes_of(text, sizeof(text)));
    record_tree_leaf(out, number, real);
}

static void grow(struct record_tree *t, uint32_t count)
{
    uint8_t real[DIGEST_BYTES];

    assert_int_equal(record_tree_init(t, count), OK);
    for (uint32_t i = 0; i < count; i++)
        leaf_of(t->nodes[i], i + 1, real);
    record_tree_build(t);
}

static void every_leaf_of_every_tree_climbs_to_its_root_and_to_no_other(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= LEAVES_MAX; count++) {
        struct record_tree t;
        uint8_t root[DIGEST_BYTES];

        grow(&t, count);
        record_tree_root(&t, root);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t path[RECORD_TREE_PATH_MAX][DIGEST_BYTES];
            uint8_t leaf[DIGEST_BYTES], real[DIGEST_BYTES], found[DIGEST_BYTES];
            uint32_t len = record_tree_path(&t, i, path);
            const uint8_t(*way)[DIGEST_BYTES] = (const uint8_t(*)[DIGEST_BYTES])path;

            leaf_of(leaf, i + 1, real);
            assert_true(record_tree_climb(found, leaf, i, count, way, len));
            assert_memory_equal(found, root, DIGEST_BYTES);
            assert_false(record_tree_climb(found, leaf, i, count, way, len + 1));
            assert_false(record_tree_climb(found, leaf, count, count, way, len));
            if (len > 0) {
                assert_false(record_tree_climb(found, leaf, i, count, way, len - 1));
                path[0][5] ^= 1;
                assert_true(record_tree_climb(found, leaf, i, count, way, len));
                assert_memory_not_equal(found, root, DIGEST_BYTES);
            }
            leaf_of(leaf, i + 2, real); /* another number's */
            if (record_tree_climb(found, leaf, i, count, way, len))
                assert_memory_not_equal(found, root, DIGEST_BYTES);
        }
        record_tree_fini(&t);
    }
}

static void a_tree_without_leaves_has_a_root_of_zeros(void **state)
{
    static const uint8_t zeros[DIGEST_BYTES];
    struct record_tree t;
    uint8_t root[DIGEST_BYTES];

    (void)state;
    assert_int_equal(record_tree_init(&t, 0), OK);
    record_tree_build(&t);
    record_tree_root(&t, root);
    assert_memory_equal(root, zeros, DIGEST_BYTES);
    record_tree_fini(&t);
}

/* The largest batch's tree has the longest path that a file may hold. */
static void the_largest_batch_fits(void **state)
{
    struct record_tree t;
    uint8_t path[RECORD_TREE_PATH_MAX][DIGEST_BYTES];

    (void)state;
    grow(&t, BATCH_MAX_RECORDS);
    assert_int_equal(record_tree_path(&t, 77, path), RECORD_TREE_PATH_MAX);
    record_tree_fini(&t);
}

/* ---- files ---- */

#define RECORDS 5u

struct file {
    struct receipt receipt;
    struct buf object, text;
    struct record_tree tree;
};

static void fill_record(const struct file *x, uint32_t i, bool shown, struct proof_record *at)
{
    static uint8_t bytes[RECORDS][2];
    uint8_t leaf[DIGEST_BYTES];

    memset(at, 0, sizeof(*at));
    bytes[i][0] = 0x91;
    bytes[i][1] = (uint8_t)(i + 1);
    at->number = i + 1;
    leaf_of(leaf, i + 1, at->digest);
    if (shown)
        at->shown = bytes_of(bytes[i], 2);
    at->index = i;
    at->count = RECORDS;
    at->path_len = record_tree_path(&x->tree, i, at->path);
}

static void make_receipt(const struct fixture *f, struct file *x, const struct key *sign)
{
    memset(&x->receipt, 0, sizeof(x->receipt));
    memset(x->receipt.district, 0xD1, sizeof(x->receipt.district));
    strcpy(x->receipt.participant, "gp");
    x->receipt.gen.counter = 1;
    memset(x->receipt.gen.tag, 0x5f, TAG_BYTES);
    x->receipt.sequence = 1;
    x->receipt.state = RECEIPT_STORED;
    x->receipt.hub_ms = 1600000000000;
    x->receipt.ledger_number = 99;
    x->receipt.verdicts[VERDICT_COUNTED] = RECORDS;
    grow(&x->tree, RECORDS);
    x->receipt.has_records = true;
    record_tree_root(&x->tree, x->receipt.records);
    buf_init(&x->object, SIGNED_MAX);
    assert_int_equal(receipt_make(&x->object, &x->receipt, sign), OK);
    (void)f;
}

/* A file about two of five submissions, the second one shown; `spoil` changes what is said of it. */
static void make_file(const struct fixture *f, struct file *x, const struct key *sign, struct bytes certificate,
                      void (*spoil)(struct proof_record *at))
{
    struct proof_maker *m;
    struct proof_record at;

    make_receipt(f, x, sign);
    buf_init(&x->text, PROOF_TEXT_MAX);
    assert_int_equal(proof_maker_new(&m), OK);
    assert_int_equal(proof_add_receipt(m, certificate, buf_view(&x->object)), OK);
    fill_record(x, 1, false, &at);
    assert_int_equal(proof_add_record(m, &at), OK);
    fill_record(x, 4, true, &at);
    if (spoil != NULL)
        spoil(&at);
    assert_int_equal(proof_add_record(m, &at), OK);
    assert_int_equal(proof_write(m, "Отдел образования", "Гимназия № 1", &x->text), OK);
    proof_maker_free(m);
}

static void free_file(struct file *x)
{
    buf_fini(&x->object);
    buf_fini(&x->text);
    record_tree_fini(&x->tree);
}

static enum err collect(void *ctx, const struct receipt *r, const struct proof_record *at)
{
    struct buf *out = ctx;

    buf_printf(out, "%s %llu at %llu%s\n", r->participant, (unsigned long long)at->number,
               (unsigned long long)r->ledger_number, at->shown.len > 0 ? " shown" : "");
    return OK;
}

static enum err check(const struct file *x, const char *root, struct buf *out)
{
    buf_reset(out);
    return proof_check(buf_view(&x->text), root, collect, out);
}

static void a_file_proves_its_submissions_to_who_has_the_fingerprint(void **state)
{
    struct fixture *f = *state;
    struct file x;
    struct buf out;
    char root[40], typed[60];
    size_t n = 0;

    buf_init(&out, 4096);
    fingerprint(root, key_public(f->root));
    make_file(f, &x, f->hub, buf_view(&f->certificate), NULL);
    assert_int_equal(check(&x, root, &out), OK);
    assert_string_equal(buf_cstr(&out), "gp 2 at 99\ngp 5 at 99 shown\n");
    for (const char *p = root; *p != '\0'; p++) /* as it is read out over the telephone */
        if (*p != '-')
            typed[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    typed[n] = '\0';
    assert_int_equal(check(&x, typed, &out), OK);
    typed[n - 1] = '\0';
    assert_int_equal(check(&x, typed, &out), ERR_AUTH);
    assert_int_equal(check(&x, "", &out), ERR_AUTH);
    fingerprint(root, key_public(f->hub));
    assert_int_equal(check(&x, root, &out), ERR_AUTH);
    assert_int_equal(out.len, 0);
    free_file(&x);
    buf_fini(&out);
}

static void other_number(struct proof_record *at)
{
    at->number = 4;
}

static void other_answers(struct proof_record *at)
{
    static const uint8_t forged[2] = {0x91, 0x7f};

    at->shown = bytes_of(forged, 2);
}

static void other_digest(struct proof_record *at)
{
    at->digest[0] ^= 1;
    at->shown = bytes_of(NULL, 0);
}

static void other_place(struct proof_record *at)
{
    at->index = 3;
}

static void longer_path(struct proof_record *at)
{
    at->path_len++;
}

/* Nothing of a file is told when anything in it is wrong: the first submission is right in all of these. */
static void what_is_not_in_the_batch_is_not_proved(void **state)
{
    static void (*const spoils[])(struct proof_record *) = {other_number, other_answers, other_digest, other_place,
                                                            longer_path};
    struct fixture *f = *state;
    struct buf out;
    char root[40];

    buf_init(&out, 4096);
    fingerprint(root, key_public(f->root));
    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        struct file x;

        make_file(f, &x, f->hub, buf_view(&f->certificate), spoils[i]);
        assert_int_equal(check(&x, root, &out), ERR_AUTH);
        assert_int_equal(out.len, 0);
        free_file(&x);
    }
    buf_fini(&out);
}

static void a_receipt_of_another_key_or_district_proves_nothing(void **state) /* invariant 6 */
{
    struct fixture *f = *state;
    uint8_t other[16];
    struct buf out, certificate;
    struct file x;
    char root[40];

    buf_init(&out, 4096);
    buf_init(&certificate, 1024);
    fingerprint(root, key_public(f->root));
    make_file(f, &x, f->school, buf_view(&f->certificate), NULL); /* the school signs for itself */
    assert_int_equal(check(&x, root, &out), ERR_AUTH);
    free_file(&x);
    memset(other, 0xD2, sizeof(other));
    assert_int_equal(certificate_make(&certificate, f->root, other, key_public(f->hub), 1, 2), OK);
    make_file(f, &x, f->hub, buf_view(&certificate), NULL);
    assert_int_equal(check(&x, root, &out), ERR_AUTH);
    free_file(&x);
    buf_reset(&certificate);
    memset(other, 0xD1, sizeof(other));
    assert_int_equal(certificate_make(&certificate, f->school, other, key_public(f->school), 1, 2), OK);
    make_file(f, &x, f->school, buf_view(&certificate), NULL); /* and certifies itself */
    assert_int_equal(check(&x, root, &out), ERR_AUTH);
    free_file(&x);
    buf_fini(&certificate);
    buf_fini(&out);
}

static void a_damaged_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct file x;
    struct buf out;
    char root[40];
    size_t first;

    buf_init(&out, 4096);
    fingerprint(root, key_public(f->root));
    make_file(f, &x, f->hub, buf_view(&f->certificate), NULL);
    first = (size_t)(strstr(buf_cstr(&x.text), "\n\n") - (const char *)x.text.data) + 2;
    for (size_t at = first; at < x.text.len; at += 7) {
        uint8_t was = x.text.data[at];

        if (was == '\n')
            continue;
        x.text.data[at] = was == 'A' ? 'B' : 'A';
        assert_int_not_equal(check(&x, root, &out), OK);
        assert_int_equal(out.len, 0);
        x.text.data[at] = was;
    }
    assert_int_equal(check(&x, root, &out), OK);
    x.text.len /= 2;
    assert_int_equal(check(&x, root, &out), ERR_MALFORMED);
    free_file(&x);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_of_every_tree_climbs_to_its_root_and_to_no_other),
        cmocka_unit_test(a_tree_without_leaves_has_a_root_of_zeros),
        cmocka_unit_test(the_largest_batch_fits),
        cmocka_unit_test_setup_teardown(a_file_proves_its_submissions_to_who_has_the_fingerprint, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(what_is_not_in_the_batch_is_not_proved, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(a_receipt_of_another_key_or_district_proves_nothing, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused, fixture_open, fixture_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
