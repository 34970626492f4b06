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

static void make_folder__makes_parents_and_is_content_with_what_is_there(void **state)
{
    (void)state;
    char base[] = "/tmp/aft_path_XXXXXX";
    char deep[PATH_MAX];
    assert_non_null(mkdtemp(base));
    assert_int_equal(aft_path_join(deep, base, "one/two/three", NULL), AFT_OK);
    assert_int_equal(aft_path_make_folder(deep, NULL), AFT_OK);
    assert_int_equal(aft_path_make_folder(deep, NULL), AFT_OK);
    struct stat status;
    assert_int_equal(stat(deep, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -r '%s'", base);
    assert_int_equal(system(command), 0);
}

static void make_folder__refuses_a_file_in_the_way(void **state)
{
    (void)state;
    char file[] = "/tmp/aft_path_XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    struct aft_error error = {0};
    assert_int_equal(aft_path_make_folder(file, &error), AFT_ERR_IO);
    assert_non_null(strstr(error.message, "a file is in the way"));
    char below[PATH_MAX];
    assert_int_equal(aft_path_join(below, file, "x", NULL), AFT_OK);
    assert_int_not_equal(aft_path_make_folder(below, &error), AFT_OK);
    assert_int_equal(aft_path_make_folder("", &error), AFT_ERR_USAGE);
    (void)unlink(file);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_join__puts_one_slash_between),
        cmocka_unit_test(path_join__refuses_what_does_not_fit),
        cmocka_unit_test(path_name__is_what_follows_the_last_slash),
        cmocka_unit_test(make_folder__makes_parents_and_is_content_with_what_is_there),
        cmocka_unit_test(make_folder__refuses_a_file_in_the_way),
        cmocka_unit_test(find_module__says_where_it_looked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
