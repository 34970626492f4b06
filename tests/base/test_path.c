/* Paths as text, folders made and modules found. */
#include "base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void path_join__puts_one_slash_between(void **state)
{
    (void)state;
    char out[PATH_MAX];
    assert_int_equal(aft_path_join(out, "models/a", "b.zip", NULL), AFT_OK);
    assert_string_equal(out, "models/a/b.zip");
    assert_int_equal(aft_path_join(out, "models/", "b.zip", NULL), AFT_OK);
    assert_string_equal(out, "models/b.zip");
    assert_int_equal(aft_path_join(out, "/", "b", NULL), AFT_OK);
    assert_string_equal(out, "/b");
}

static void path_join__refuses_what_does_not_fit(void **state)
{
    (void)state;
    char out[PATH_MAX];
    char name[PATH_MAX];
    struct aft_error error = {0};
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(aft_path_join(out, "folder", name, &error), AFT_ERR_USAGE);
    assert_non_null(strstr(error.message, "too long"));
}

static void path_name__is_what_follows_the_last_slash(void **state)
{
    (void)state;
    assert_string_equal(aft_path_name("a/b/c.zip"), "c.zip");
    assert_string_equal(aft_path_name("c.zip"), "c.zip");
    assert_string_equal(aft_path_name("a/"), "");
}

static void find_module__says_where_it_looked(void **state)
{
    (void)state;
    char out[PATH_MAX];
    struct aft_error error = {0};
    assert_int_equal(aft_path_find_module(out, "no_such_module.so", &error), AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "no_such_module.so"));
    assert_non_null(strstr(error.message, "modules"));
}

static void path_within__gives_the_part_behind_the_folder(void **state)
{
    (void)state;
    assert_string_equal(aft_path_within("models/a", "models/a/x.zip"), "x.zip");
    assert_string_equal(aft_path_within("models/a", "models/a/b/x.zip"), "b/x.zip");
    assert_string_equal(aft_path_within("models/a", "models/ab/x.zip"), "models/ab/x.zip");
    assert_string_equal(aft_path_within("models/a", "models/a"), "models/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_join__puts_one_slash_between),
        cmocka_unit_test(path_join__refuses_what_does_not_fit),
        cmocka_unit_test(path_name__is_what_follows_the_last_slash),
        cmocka_unit_test(find_module__says_where_it_looked),
        cmocka_unit_test(path_within__gives_the_part_behind_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
