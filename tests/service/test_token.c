#include "service/token.h"

#include "tests/runner/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static char folder[PATH_MAX];
    program_make_folder(folder);
    *state = folder;
    (void)setenv("XDG_STATE_HOME", folder, 1);
    (void)unsetenv("AFTERSHOCK_TOKEN");
    return 0;
}

static int tear_down(void **state)
{
    program_remove_folder(*state);
    return 0;
}

static void write_file(char path[PATH_MAX], const char *folder, const char *text, mode_t mode)
{
    (void)snprintf(path, PATH_MAX, "%.2000s/given", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void token__is_made_once_and_for_the_user_alone(void **state)
{
    struct aft_token first, second;
    struct stat about;
    (void)state;
    assert_int_equal(aft_token_find(&first, NULL, NULL), AFT_OK);
    assert_int_equal(strlen(first.text), 64);
    assert_int_equal(stat(first.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(aft_token_find(&second, NULL, NULL), AFT_OK);
    assert_string_equal(first.text, second.text);
}

static void token__differs_from_user_to_user(void **state)
{
    struct aft_token first, second;
    char other[PATH_MAX];
    (void)state;
    assert_int_equal(aft_token_find(&first, NULL, NULL), AFT_OK);
    program_make_folder(other);
    (void)setenv("XDG_STATE_HOME", other, 1);
    assert_int_equal(aft_token_find(&second, NULL, NULL), AFT_OK);
    program_remove_folder(other);
    assert_string_not_equal(first.text, second.text);
}

static void token__is_the_environments_where_it_is_set(void **state)
{
    struct aft_token token;
    (void)state;
    (void)setenv("AFTERSHOCK_TOKEN", "0123456789abcdef", 1);
    assert_int_equal(aft_token_find(&token, NULL, NULL), AFT_OK);
    assert_string_equal(token.text, "0123456789abcdef");
    assert_string_equal(token.path, "");
    (void)setenv("AFTERSHOCK_TOKEN", "short", 1);
    assert_int_equal(aft_token_find(&token, NULL, NULL), AFT_ERR_USAGE);
    (void)setenv("AFTERSHOCK_TOKEN", "0123456789 abcdef", 1);
    assert_int_equal(aft_token_find(&token, NULL, NULL), AFT_ERR_USAGE);
}

static void token__is_taken_from_a_file_that_is_private(void **state)
{
    struct aft_token token;
    char path[PATH_MAX];
    write_file(path, *state, "0123456789abcdef\r\n", 0600);
    assert_int_equal(aft_token_find(&token, path, NULL), AFT_OK);
    assert_string_equal(token.text, "0123456789abcdef");
    write_file(path, *state, "0123456789abcdef\n", 0640);
    assert_int_equal(aft_token_find(&token, path, NULL), AFT_ERR_REFUSED);
    assert_int_equal(aft_token_find(&token, *state, NULL), AFT_ERR_USAGE); /* a folder */
    assert_int_equal(aft_token_find(&token, "/nowhere/token", NULL), AFT_ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token__is_made_once_and_for_the_user_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(token__differs_from_user_to_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(token__is_the_environments_where_it_is_set, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(token__is_taken_from_a_file_that_is_private, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
