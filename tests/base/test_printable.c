#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void make_printable__replaces_control_characters_only(void **state)
{
    (void)state;
    char plain[] = "node-7, M\xc3\xbcnchen \xe2\x80\xa6 ~\xc2\xa0";
    char steering[] =
        "a\033[2J\r\n\tb\x7f\xc2\x9b"
        "31m\x01";
    aft_make_printable(plain);
    assert_string_equal(plain, "node-7, M\xc3\xbcnchen \xe2\x80\xa6 ~\xc2\xa0");
    aft_make_printable(steering);
    assert_string_equal(steering, "a?[2J???b???31m?");
}

static void make_printable__takes_what_is_cut_or_missing(void **state)
{
    (void)state;
    char cut[] = "\xc2", empty[] = "";
    aft_make_printable(cut);
    assert_string_equal(cut, "\xc2");
    aft_make_printable(empty);
    assert_string_equal(empty, "");
    aft_make_printable(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_printable__replaces_control_characters_only),
        cmocka_unit_test(make_printable__takes_what_is_cut_or_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
