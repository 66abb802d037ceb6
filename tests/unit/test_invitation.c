/* Invitations: what a school is given on a stick or by e-mail, and what e-mail does to it (invariant 9). */
#include "protocol/invitation.h"

#include "tests/unit/protocol_fixture.h"

#include <sodium.h>

#define CODE "ABCD-EFGH-JKMN"

static void fill(struct invitation *i, const struct fixture *f)
{
    memset(i, 0, sizeof(*i));
    strcpy(i->code, CODE);
    i->expires_ms = 1600128000000; /* 15 September 2020 */
    i->directory = buf_view(&f->directory_object);
    i->grant = buf_view(&f->grant_object);
    i->object_count = 1;
    i->objects[0].p = (const uint8_t *)FORM_TEXT;
    i->objects[0].len = strlen(FORM_TEXT);
    memcpy(i->root, key_public(f->root), KEY_BYTES);
}

static void write_text(struct buf *text, const struct fixture *f)
{
    struct invitation i;

    fill(&i, f);
    buf_init(text, INVITATION_MAX);
    assert_int_equal(invitation_write(text, &i, "Отдел образования", "Гимназия № 1"), OK);
}

static enum err read_text(const struct buf *text)
{
    struct invitation i;
    struct buf keep;
    enum err e;

    buf_init(&keep, INVITATION_MAX);
    e = invitation_read(&i, &keep, buf_view(text));
    if (e == OK)
        assert_string_equal(i.code, CODE);
    else
        assert_int_equal(i.code[0], 0);
    buf_fini(&keep);
    return e;
}

static void an_invitation_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct invitation i;
    struct buf text, keep;

    write_text(&text, f);
    buf_init(&keep, INVITATION_MAX);
    buf_put_str(&keep, "left from before");
    assert_int_equal(invitation_read(&i, &keep, buf_view(&text)), OK);
    assert_string_equal(i.code, CODE);
    assert_int_equal(i.expires_ms, 1600128000000);
    assert_memory_equal(i.root, key_public(f->root), KEY_BYTES);
    assert_int_equal(i.directory.len, f->directory_object.len);
    assert_memory_equal(i.directory.p, f->directory_object.data, i.directory.len);
    assert_int_equal(i.grant.len, f->grant_object.len);
    assert_int_equal(i.object_count, 1);
    assert_memory_equal(i.objects[0].p, FORM_TEXT, i.objects[0].len);
    buf_fini(&text);
    buf_fini(&keep);
}

static void people_see_who_and_until_when_and_the_fingerprint(void **state)
{
    struct fixture *f = *state;
    char print[40];
    struct buf text;
    const char *s;

    write_text(&text, f);
    s = buf_cstr(&text);
    fingerprint(print, key_public(f->root));
    assert_true(strncmp(s, "svodka invitation 1\n# Приглашение: Гимназия № 1\n", 48) == 0);
    assert_non_null(strstr(s, "# Invitation for: Гимназия № 1\n"));
    assert_non_null(strstr(s, "Отдел образования"));
    assert_non_null(strstr(s, "2020-09-1"));
    assert_non_null(strstr(s, ".09.2020\n"));
    assert_non_null(strstr(s, print));
    assert_null(strstr(s, CODE)); /* not over a shoulder */
    for (const char *line = strstr(s, "\n\n") + 2; strncmp(line, "svodka end ", 11) != 0; line = strchr(line, '\n') + 1)
        assert_true(strchr(line, '\n') - line <= 76);
    buf_fini(&text);
}

static void a_name_cannot_break_out_of_its_line(void **state)
{
    struct fixture *f = *state;
    struct invitation i;
    struct buf text;

    fill(&i, f);
    buf_init(&text, INVITATION_MAX);
    assert_int_equal(invitation_write(&text, &i, "Office\n\nAAAA\nsvodka end 0", "x\r\nsvodka end 1"), OK);
    assert_int_equal(read_text(&text), OK);
    buf_fini(&text);
}

/* Rewrites the text line by line: what goes before and after each of them. */
static void mangle(struct buf *out, const struct buf *text, const char *before, const char *after)
{
    buf_init(out, INVITATION_MAX);
    for (size_t at = 0; at < text->len;) {
        size_t len = (size_t)((uint8_t *)memchr(text->data + at, '\n', text->len - at) - (text->data + at));

        buf_put_str(out, before);
        buf_put(out, text->data + at, len);
        buf_put_str(out, after);
        at += len + 1;
    }
}

static void what_mail_programs_do_is_borne(void **state)
{
    static const char *const ways[][2] = {
        {"", "\r\n"},    /* other line ends */
        {"> ", "\n"},    /* quoted */
        {">> ", "\r\n"}, /* quoted twice */
        {"  ", " \n"},   /* indented, trailing blanks */
        {"", "\n\n"},    /* an empty line after every line */
        {"\t", "\r\n\r\n"},
    };
    struct buf text, mangled;

    write_text(&text, *state);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        mangle(&mangled, &text, ways[i][0], ways[i][1]);
        assert_int_equal(read_text(&mangled), OK);
        buf_fini(&mangled);
    }
    buf_init(&mangled, INVITATION_MAX);
    buf_put_str(&mangled, "\xEF\xBB\xBFДобрый день!\n\nВо вложении приглашение.\n");
    buf_put(&mangled, text.data, text.len);
    buf_put_str(&mangled, "-- \nОтдел образования, тел. 2-12-85\n");
    assert_int_equal(read_text(&mangled), OK);
    buf_reset(&mangled);
    buf_put_str(&mangled, "\xEF\xBB\xBF");
    buf_put(&mangled, text.data, text.len - 1); /* the last line end lost */
    assert_int_equal(read_text(&mangled), OK);
    buf_fini(&mangled);
    buf_fini(&text);
}

static void every_changed_letter_of_the_data_is_noticed(void **state)
{
    struct buf text;
    size_t start;

    write_text(&text, *state);
    start = (size_t)(strstr(buf_cstr(&text), "\n\n") + 2 - (const char *)text.data);
    for (size_t at = start; at < text.len - 1; at++) {
        uint8_t was = text.data[at];

        if (was == '\n' || was == ' ')
            continue;
        text.data[at] = was == 'A' ? 'B' : 'A';
        assert_int_equal(read_text(&text), ERR_MALFORMED);
        text.data[at] = was;
    }
    assert_int_equal(read_text(&text), OK);
    buf_fini(&text);
}

static void a_cut_invitation_says_so(void **state)
{
    struct buf text;
    size_t whole;

    write_text(&text, *state);
    whole = text.len;
    for (text.len = 0; text.len < whole - 1; text.len++)
        assert_int_equal(read_text(&text), ERR_MALFORMED);
    text.len = whole / 2;
    assert_int_equal(read_text(&text), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "cut off"));
    text.len = 30;
    text.data[0] = 'S';
    assert_int_equal(read_text(&text), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "not an invitation"));
    buf_fini(&text);
}

static void quoted_printable_is_told_as_the_mail_programs_doing(void **state)
{
    struct buf text, mangled;

    write_text(&text, *state);
    mangle(&mangled, &text, "", "=\n");
    assert_int_equal(read_text(&mangled), ERR_MALFORMED);
    buf_fini(&mangled);
    buf_init(&mangled, INVITATION_MAX);
    buf_put_str(&mangled, "svodka invitation 1\n\nsvodka end 0123456789abcdef\n");
    assert_int_equal(read_text(&mangled), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "Line 3"));
    assert_non_null(strstr(err_text(), "mail program"));
    buf_fini(&mangled);
    buf_fini(&text);
}

static void a_newer_invitation_asks_for_a_newer_program(void **state)
{
    struct buf text;

    write_text(&text, *state);
    text.data[strlen("svodka invitation ")] = '2';
    assert_int_equal(read_text(&text), ERR_VERSION);
    assert_non_null(strstr(err_text(), "newer"));
    buf_fini(&text);
}

static void expect_write(const struct invitation *i, enum err want)
{
    struct buf text;

    buf_init(&text, INVITATION_MAX);
    assert_int_equal(invitation_write(&text, i, "hub", "school"), want);
    assert_int_equal(text.len, 0);
    buf_fini(&text);
}

static void parts_that_do_not_belong_together_are_refused(void **state)
{
    struct fixture *f = *state;
    struct grant *foreign = calloc(1, sizeof(*foreign));
    struct invitation i;
    struct buf b;

    fill(&i, f);
    memcpy(i.root, key_public(f->school), KEY_BYTES);
    expect_write(&i, ERR_INVALID);
    fill(&i, f);
    i.objects[0].len--;
    expect_write(&i, ERR_INVALID);
    fill(&i, f);
    i.grant = i.directory;
    expect_write(&i, ERR_INVALID);
    fill(&i, f);
    strcpy(i.code, "abcd-efgh-jkmn"); /* not normalised */
    expect_write(&i, ERR_INVALID);
    fill(&i, f);
    strcpy(i.code, "ABCD");
    expect_write(&i, ERR_INVALID);
    fill(&i, f);
    i.object_count = DIRECTORY_MAX_FORMS + 1;
    expect_write(&i, ERR_LIMIT);
    fill(&i, f);
    *foreign = f->grant;
    foreign->district[0] ^= 1;
    buf_init(&b, SIGNED_MAX);
    assert_int_equal(grant_make(&b, foreign, f->hub), OK);
    i.grant = buf_view(&b);
    expect_write(&i, ERR_INVALID);
    buf_fini(&b);
    free(foreign);
}

static void sizes_are_bounded(void **state)
{
    struct fixture *f = *state;
    uint8_t *big = calloc(1, INVITATION_MAX + 1);
    struct bytes text = {big, INVITATION_MAX + 1};
    struct invitation i;
    struct buf keep, whole;

    buf_init(&keep, INVITATION_MAX);
    assert_int_equal(invitation_read(&i, &keep, text), ERR_LIMIT);
    text.len = INVITATION_MAX;
    assert_int_equal(invitation_read(&i, &keep, text), ERR_MALFORMED);
    free(big);
    buf_fini(&keep);
    write_text(&whole, f);
    buf_init(&keep, 100); /* the caller's own ceiling */
    assert_int_not_equal(invitation_read(&i, &keep, buf_view(&whole)), OK);
    buf_fini(&keep);
    fill(&i, f);
    buf_init(&keep, 100);
    assert_int_not_equal(invitation_write(&keep, &i, "hub", "school"), OK);
    assert_int_equal(keep.len, 0);
    buf_fini(&keep);
    buf_fini(&whole);
}

static void the_code_gives_both_sides_the_same_keys_in_one_district_only(void **state)
{
    uint8_t district[DISTRICT_BYTES] = {1}, mac[KEY_BYTES], again[KEY_BYTES];
    uint8_t print[FINGERPRINT_BYTES] = {1}, other[FINGERPRINT_BYTES] = {2};
    struct key *a, *b, *c, *d;

    (void)state;
    assert_int_equal(invitation_curve(&a, CODE, print), OK);
    assert_int_equal(invitation_curve(&b, CODE, print), OK);
    assert_int_equal(invitation_curve(&c, CODE, other), OK);
    assert_int_equal(invitation_curve(&d, "ABCD-EFGH-JKMP", print), OK);
    assert_int_equal(key_kind(a), KEY_CURVE);
    assert_memory_equal(key_public(a), key_public(b), KEY_BYTES);
    assert_memory_not_equal(key_public(a), key_public(c), KEY_BYTES);
    assert_memory_not_equal(key_public(a), key_public(d), KEY_BYTES);
    invitation_mac_key(mac, CODE, district);
    invitation_mac_key(again, CODE, district);
    assert_memory_equal(mac, again, KEY_BYTES);
    assert_memory_not_equal(mac, key_secret(a), KEY_BYTES);
    key_free(a);
    key_free(b);
    key_free(c);
    key_free(d);
}

/* SPEC.md section 5.10. */
static void the_code_of_the_specification_gives_its_keys(void **state)
{
    static const char curve[] = "53d09bfcd1300f2cd41858ae8d5cd25fa024297adee8770ee22420433ed9052d";
    static const uint8_t mac_start[] = {0xda, 0xac, 0xa9, 0xed, 0x60, 0x71, 0xe1, 0x1b};
    uint8_t district[DISTRICT_BYTES], mac[KEY_BYTES], print[FINGERPRINT_BYTES];
    struct fixture *f = *state;
    char hex[2 * KEY_BYTES + 1];
    struct key *k;

    memset(district, 0xD1, sizeof(district));
    fingerprint_bytes(print, key_public(f->root)); /* of the seed 01 x 32 */
    assert_int_equal(invitation_curve(&k, CODE, print), OK);
    assert_string_equal(sodium_bin2hex(hex, sizeof(hex), key_public(k), KEY_BYTES), curve);
    invitation_mac_key(mac, CODE, district);
    assert_memory_equal(mac, mac_start, sizeof(mac_start));
    key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_is_read_as_it_was_written),
        cmocka_unit_test(people_see_who_and_until_when_and_the_fingerprint),
        cmocka_unit_test(a_name_cannot_break_out_of_its_line),
        cmocka_unit_test(what_mail_programs_do_is_borne),
        cmocka_unit_test(every_changed_letter_of_the_data_is_noticed),
        cmocka_unit_test(a_cut_invitation_says_so),
        cmocka_unit_test(quoted_printable_is_told_as_the_mail_programs_doing),
        cmocka_unit_test(a_newer_invitation_asks_for_a_newer_program),
        cmocka_unit_test(parts_that_do_not_belong_together_are_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(the_code_gives_both_sides_the_same_keys_in_one_district_only),
        cmocka_unit_test(the_code_of_the_specification_gives_its_keys),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
