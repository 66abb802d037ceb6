/* test_late.c: libraries that are opened when a command needs them. */
#include "common/late.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct {
    __typeof__(&floor) floor;
    __typeof__(&ceil) ceil;
} from_m;

static const struct late_function functions[] = {LATE(from_m, floor), LATE(from_m, ceil)};

static void what_a_library_has_can_be_called_once_it_is_open(void **state)
{
    struct late_library m = {.file = "libm.so.6", .package = "libc6", .functions = functions, .count = 2};

    (void)state;
    assert_null(from_m.floor);
    assert_int_equal(late_open(&m), OK);
    assert_int_equal(late_open(&m), OK);
    assert_true(from_m.floor(2.5) == 2.0);
    assert_true(from_m.ceil(2.5) == 3.0);
}

static void of_a_library_that_is_missing_the_package_is_named(void **state)
{
    struct late_library none = {
        .file = "libnobody-has-it.so.1", .package = "libnobody1", .functions = functions, .count = 2};

    (void)state;
    assert_int_equal(late_open(&none), ERR_IO);
    assert_non_null(strstr(err_text(), "libnobody-has-it.so.1"));
    assert_non_null(strstr(err_text(), "libnobody1"));
    assert_int_equal(late_open(&none), ERR_IO);
}

/* Half a library would be a call to nowhere later. */
static void a_library_that_lacks_a_function_does_not_count_as_open(void **state)
{
    static void *nowhere;
    const struct late_function lacking[] = {LATE(from_m, floor), {.name = "not_in_libm", .slot = &nowhere}};
    struct late_library m = {.file = "libm.so.6", .package = "libc6", .functions = lacking, .count = 2};

    (void)state;
    assert_int_equal(late_open(&m), ERR_IO);
    assert_false(m.is_open);
    assert_null(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_library_has_can_be_called_once_it_is_open),
        cmocka_unit_test(of_a_library_that_is_missing_the_package_is_named),
        cmocka_unit_test(a_library_that_lacks_a_function_does_not_count_as_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
