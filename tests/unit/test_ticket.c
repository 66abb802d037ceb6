/* test_ticket.c: what a printed sheet holds as one line, what people and cameras do to it, and the door's key
 * (invariants 6 and 9). */
#include "protocol/ticket.h"

#include "tests/unit/protocol_fixture.h"

#include <sodium.h>
#include <stdlib.h>

#define ROOT_PRINT "MS8V-DKMF-D2QZ-SHVM-M43W-A8EV-X08B-7JG5" /* SPEC.md section 5.10 */
#define LINE                                                                                                           \
    "svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&d=hub.example:4781&e=1600128000&p=gp"                  \
    "&n=Гимназия%20№%201&h=Отдел%20%26%20Ко&t=8%20%2834%20369%29%202-12-85&o=school&u=gp&u=gp2"

static void fill(struct ticket *t)
{
    memset(t, 0, sizeof(*t));
    strcpy(t->code, "ABCD-EFGH-JKMN");
    assert_int_equal(fingerprint_read(t->print, ROOT_PRINT), OK);
    assert_int_equal(ticket_add_door(t, "tcp://hub.example:4781"), OK);
    t->expires_ms = 1600128000000;
    strcpy(t->participant, "gp");
    strcpy(t->name, "Гимназия № 1");
    strcpy(t->hub, "Отдел & Ко");
    strcpy(t->phone, "8 (34 369) 2-12-85");
    t->role_count = 1;
    strcpy(t->roles[0], "school");
    t->unit_count = 2;
    strcpy(t->units[0], "gp");
    strcpy(t->units[1], "gp2");
}

static void a_ticket_is_written_as_the_specification_says_and_read_again(void **state)
{
    struct ticket t, again;
    struct buf b;

    (void)state;
    fill(&t);
    buf_init(&b, TICKET_MAX + 1);
    assert_int_equal(ticket_write(&b, &t), OK);
    assert_string_equal(buf_cstr(&b), LINE);
    assert_int_equal(ticket_read(&again, LINE), OK);
    assert_memory_equal(&again, &t, sizeof(t)); /* both began as zeros */
    buf_fini(&b);
}

static void a_line_that_was_typed_or_is_of_a_later_program_is_borne(void **state)
{
    struct ticket t;

    (void)state;
    assert_int_equal(
        ticket_read(&t, "svodka:1?c=abcd-efgh-jkmn&x=later%20thing&r=ms8v-dkmf-d2qz-shvm-m43w-a8ev-x08b-7jg5"), OK);
    assert_string_equal(t.code, "ABCD-EFGH-JKMN");
    assert_int_equal(t.door_count, 0);
    assert_int_equal(ticket_read(&t, "svodka:1?c=АВСЕНКМОРТХУ&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&d=tcp://[::1]:1"), OK);
    assert_string_equal(t.code, "ABCE-HKM0-PTXY");
    assert_string_equal(t.doors[0], "tcp://[::1]:1");
    assert_int_equal(ticket_read(&t, "svodka:1?c=ABCDEFGHJKMN&h=Long%20name&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&h=x"),
                     OK);
    assert_string_equal(t.hub, "x");
    assert_int_equal(t.hub[2], 0); /* nothing of the first is left behind it (found by fuzzing) */
}

static void what_is_no_whole_line_is_refused_with_the_place(void **state)
{
    static const struct {
        const char *line, *hint;
        enum err want;
    } bad[] = {
        {"", "svodka:1?", ERR_MALFORMED},
        {"svodka:2?c=ABCDEFGHJKMN", "newer", ERR_VERSION},
        {"svodka:1?", "not whole", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN", "not whole", ERR_MALFORMED},
        {"svodka:1?r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5", "not whole", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMU&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5", "letter 12", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG", "31", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&d=host", "d=", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&d=host:1/x", "d=", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&e=soon", "e=", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&p=a%20b", "p=", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&n=%0A", "n=%0A", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&n=%", "n=%", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&n=%C3", "n=%C3", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5&n=", "n=", ERR_MALFORMED},
        {"svodka:1?c=ABCDEFGHJKMN&&r=MS8VDKMFD2QZSHVMM43WA8EVX08B7JG5", "copy the line whole", ERR_MALFORMED},
        {"svodka:1?nonsense", "nonsense", ERR_MALFORMED},
    };
    struct ticket t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err_clear();
        assert_int_equal(ticket_read(&t, bad[i].line), bad[i].want);
        if (strstr(err_text(), bad[i].hint) == NULL)
            fail_msg("%s: \"%s\" has no \"%s\"", bad[i].line, err_text(), bad[i].hint);
        assert_int_equal(t.code[0], 0);
    }
}

static void a_line_has_a_limit_and_what_does_not_fit_is_not_written(void **state)
{
    struct ticket t;
    struct buf b;
    char line[TICKET_MAX + 64];

    (void)state;
    (void)snprintf(line, sizeof(line), "%s&x=%0*d", LINE, (int)(TICKET_MAX + 1 - strlen(LINE) - 3), 0);
    assert_int_equal(strlen(line), TICKET_MAX + 1);
    assert_int_equal(ticket_read(&t, line), ERR_LIMIT);
    line[TICKET_MAX] = '\0';
    assert_int_equal(ticket_read(&t, line), OK);
    fill(&t);
    memset(t.name, 1, sizeof(t.name) - 1); /* control characters are not a name */
    t.name[NAME_MAX_BYTES] = '\0';
    buf_init(&b, TICKET_MAX + 1);
    assert_int_equal(ticket_write(&b, &t), ERR_INVALID);
    fill(&t);
    t.code[0] = '\0';
    assert_int_equal(ticket_write(&b, &t), ERR_INVALID);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

/* The longest of everything still makes one line. */
static void the_longest_sheet_fits(void **state)
{
    struct ticket t;
    struct buf b;

    (void)state;
    fill(&t);
    for (size_t i = 0; i < NAME_MAX_BYTES; i += 2) {
        memcpy(t.name + i, "Ы", 2);
        memcpy(t.hub + i, "Ы", 2);
    }
    t.unit_count = 300;
    for (size_t i = 0; i < TICKET_UNITS; i++)
        (void)snprintf(t.units[i], sizeof(t.units[i]), "unit-%027zu", i);
    buf_init(&b, TICKET_MAX + 1);
    if (ticket_write(&b, &t) != OK)
        fail_msg("%s", err_text());
    buf_fini(&b);
}

static void the_door_of_a_fingerprint_has_the_key_of_the_specification(void **state)
{
    uint8_t print[FINGERPRINT_BYTES];
    char hex[2 * KEY_BYTES + 1];
    struct key *k;

    (void)state;
    assert_int_equal(fingerprint_read(print, ROOT_PRINT), OK);
    assert_int_equal(door_key(&k, print), OK);
    assert_int_equal(key_kind(k), KEY_CURVE);
    assert_string_equal(sodium_bin2hex(hex, sizeof(hex), key_public(k), KEY_BYTES),
                        "6e7073fcc28f488caa9361598be530d918936f3b7e73e6b4095bfb7c11edfe5f");
    key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_written_as_the_specification_says_and_read_again),
        cmocka_unit_test(a_line_that_was_typed_or_is_of_a_later_program_is_borne),
        cmocka_unit_test(what_is_no_whole_line_is_refused_with_the_place),
        cmocka_unit_test(a_line_has_a_limit_and_what_does_not_fit_is_not_written),
        cmocka_unit_test(the_longest_sheet_fits),
        cmocka_unit_test(the_door_of_a_fingerprint_has_the_key_of_the_specification),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
