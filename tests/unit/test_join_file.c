/* test_join_file.c: joining by files that a mail program or a stick has had in its hands (invariants 6 and 9). */
#include "protocol/join_file.h"

#include "tests/unit/protocol_fixture.h"

static const uint8_t sealed[] = "not really sealed, and the file does not mind; it only has to come out as it went in";

static void write_request(struct buf *text)
{
    struct join_request r = {.participant = "gp", .sealed = {sealed, sizeof(sealed)}};

    memset(r.district, 0xD1, sizeof(r.district));
    buf_init(text, JOIN_REQUEST_MAX);
    assert_int_equal(join_request_write(text, &r, "Гимназия № 1\nsvodka end 0", "Отдел"), OK);
}

static enum err read_request(struct bytes text)
{
    struct join_request r;
    struct buf keep;
    enum err e;

    buf_init(&keep, JOIN_REQUEST_MAX);
    e = join_request_read(&r, &keep, text);
    if (e == OK) {
        assert_string_equal(r.participant, "gp");
        assert_int_equal(r.district[15], 0xD1);
        assert_int_equal(r.sealed.len, sizeof(sealed));
        assert_memory_equal(r.sealed.p, sealed, sizeof(sealed));
    } else {
        assert_int_equal(r.participant[0], 0);
        assert_int_equal(keep.len, 0);
    }
    buf_fini(&keep);
    return e;
}

static void a_request_comes_out_as_it_went_in_also_quoted_by_mail(void **state)
{
    struct buf text, quoted;

    (void)state;
    write_request(&text);
    assert_int_equal(read_request(buf_view(&text)), OK);
    assert_non_null(strstr(buf_cstr(&text), "# Просьба о подключении: Гимназия № 1 svodka end 0\n"));
    buf_init(&quoted, JOIN_REQUEST_MAX);
    buf_put_str(&quoted, "\xEF\xBB\xBFДобрый день!\r\n\r\n");
    for (const char *line = buf_cstr(&text); *line != '\0'; line = strchr(line, '\n') + 1)
        buf_printf(&quoted, "> %.*s \r\n\r\n", (int)(strchr(line, '\n') - line), line);
    buf_put_str(&quoted, "-- \r\nШкола\r\n");
    assert_int_equal(read_request(buf_view(&quoted)), OK);
    buf_fini(&quoted);
    buf_fini(&text);
}

static void every_cut_and_every_changed_letter_of_the_data_is_noticed(void **state)
{
    struct buf text;
    size_t whole, start;

    (void)state;
    write_request(&text);
    whole = text.len;
    start = (size_t)(strstr(buf_cstr(&text), "\n\n") + 2 - (const char *)text.data);
    for (size_t len = 0; len < whole - 1; len++)
        assert_int_equal(read_request(bytes_of(text.data, len)), ERR_MALFORMED);
    for (size_t at = start; at < whole - 1; at++) {
        uint8_t was = text.data[at];

        if (was == '\n' || was == ' ')
            continue;
        text.data[at] = was == 'A' ? 'B' : 'A';
        assert_int_equal(read_request(buf_view(&text)), ERR_MALFORMED);
        text.data[at] = was;
    }
    assert_int_equal(read_request(buf_view(&text)), OK);
    buf_fini(&text);
}

static void an_answer_comes_out_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    struct join_grant g = {buf_view(&f->directory_object), buf_view(&f->grant_object)};
    struct join_grant again;
    struct buf text, keep;

    buf_init(&text, JOIN_GRANT_MAX);
    buf_init(&keep, JOIN_GRANT_MAX);
    assert_int_equal(join_grant_write(&text, &g, "Гимназия № 1", "Отдел"), OK);
    assert_int_equal(join_grant_read(&again, &keep, buf_view(&text)), OK);
    assert_int_equal(again.directory.len, g.directory.len);
    assert_memory_equal(again.directory.p, g.directory.p, g.directory.len);
    assert_int_equal(again.grant.len, g.grant.len);
    assert_memory_equal(again.grant.p, g.grant.p, g.grant.len);
    buf_fini(&text);
    buf_fini(&keep);
}

/* People take the wrong one of two attachments. */
static void one_kind_of_file_is_not_taken_for_another(void **state)
{
    struct fixture *f = *state;
    struct join_grant g = {buf_view(&f->directory_object), buf_view(&f->grant_object)};
    struct join_grant out;
    struct invitation inv;
    struct buf request, answer, keep;

    write_request(&request);
    buf_init(&answer, JOIN_GRANT_MAX);
    buf_init(&keep, INVITATION_MAX);
    assert_int_equal(join_grant_write(&answer, &g, "a", "b"), OK);
    assert_int_equal(join_grant_read(&out, &keep, buf_view(&request)), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "not the district's answer"));
    assert_int_equal(read_request(buf_view(&answer)), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "not a request to join"));
    assert_int_equal(invitation_read(&inv, &keep, buf_view(&request)), ERR_MALFORMED);
    assert_non_null(strstr(err_text(), "not an invitation"));
    assert_false(invitation_is(buf_view(&request)));
    buf_fini(&request);
    buf_fini(&answer);
    buf_fini(&keep);
}

static void sizes_are_bounded(void **state)
{
    static uint8_t big[JOIN_REQUEST_MAX + 1];
    struct join_request r = {.participant = "gp", .sealed = {big, ENROL_MAX + 1}};
    struct buf text;

    (void)state;
    assert_int_equal(read_request(bytes_of(big, sizeof(big))), ERR_LIMIT);
    buf_init(&text, JOIN_REQUEST_MAX);
    assert_int_equal(join_request_write(&text, &r, "a", "b"), OK); /* no reader takes it: */
    assert_int_equal(read_request(buf_view(&text)), ERR_MALFORMED);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_out_as_it_went_in_also_quoted_by_mail),
        cmocka_unit_test(every_cut_and_every_changed_letter_of_the_data_is_noticed),
        cmocka_unit_test(an_answer_comes_out_as_it_went_in),
        cmocka_unit_test(one_kind_of_file_is_not_taken_for_another),
        cmocka_unit_test(sizes_are_bounded),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
