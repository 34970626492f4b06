/* Error values: what a message says, and which code follows from errno. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fail__fills_code_and_message(void **state)
{
    (void)state;
    struct aft_error error = {0};
    assert_int_equal(aft_fail(&error, AFT_ERR_BUSY, "lock '%s': held by %d", "lock", 7),
                     AFT_ERR_BUSY);
    assert_int_equal(error.code, AFT_ERR_BUSY);
    assert_string_equal(error.message, "lock 'lock': held by 7");
}

static void fail__takes_no_error_struct(void **state)
{
    (void)state;
    assert_int_equal(aft_fail(NULL, AFT_ERR_IO, "x"), AFT_ERR_IO);
    errno = ENOENT;
    assert_int_equal(aft_fail_errno(NULL, "x"), AFT_ERR_MISSING);
}

static void fail__cuts_a_long_message(void **state)
{
    (void)state;
    struct aft_error error = {0};
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)aft_fail(&error, AFT_ERR_IO, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    errno = EIO;
    (void)aft_fail_errno(&error, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void fail_errno__maps_errno_to_a_code_and_appends_the_cause(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum aft_code code;
    } cases[] = {
        {ENOSPC, AFT_ERR_SPACE},   {EDQUOT, AFT_ERR_SPACE}, {ENOMEM, AFT_ERR_MEMORY},
        {ENOENT, AFT_ERR_MISSING}, {EIO, AFT_ERR_IO},       {EACCES, AFT_ERR_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aft_error error = {0};
        errno = cases[i].number;
        assert_int_equal(aft_fail_errno(&error, "rename '%s'", "a"), cases[i].code);
        assert_int_equal(error.code, cases[i].code);
        assert_memory_equal(error.message, "rename 'a': ", 12);
        assert_string_equal(error.message + 12, strerror(cases[i].number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail__fills_code_and_message),
        cmocka_unit_test(fail__takes_no_error_struct),
        cmocka_unit_test(fail__cuts_a_long_message),
        cmocka_unit_test(fail_errno__maps_errno_to_a_code_and_appends_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
