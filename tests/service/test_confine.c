#include "service/confine.h"

#include "tests/runner/program.h"

#include <fcntl.h>
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

static char root[PATH_MAX], folder[PATH_MAX];

static void make(const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.2000s/%s", root, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

static void link_to(const char *target, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.2000s/%s", root, name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    char path[PATH_MAX];
    (void)state;
    program_make_folder(root);
    (void)snprintf(folder, sizeof folder, "%.2000s/in", root);
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(path, sizeof path, "%.2000s/in/deeper", root);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%.2000s/inside-out", root);
    assert_int_equal(mkdir(path, 0700), 0);
    make("in/a.ini");
    make("in/deeper/b.ini");
    make("secret");
    make("inside-out/c.ini");
    link_to("../secret", "in/out.ini");
    link_to("deeper/b.ini", "in/b.ini");
    link_to("..", "in/up");
    link_to("loop", "in/loop");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_remove_folder(root);
    return 0;
}

static enum aft_code confine(const char *path, char out[PATH_MAX])
{
    struct aft_error error;
    return aft_confine(out, folder, path, &error);
}

static void confine__finds_what_is_within(void **state)
{
    char out[PATH_MAX], expected[PATH_MAX];
    (void)state;
    assert_int_equal(confine("a.ini", out), AFT_OK);
    assert_int_equal(confine("deeper/../a.ini", out), AFT_OK);
    (void)snprintf(expected, sizeof expected, "%.2000s/a.ini", folder);
    assert_string_equal(out, expected);
    assert_int_equal(confine("b.ini", out), AFT_OK); /* a link that stays within */
    (void)snprintf(expected, sizeof expected, "%.2000s/deeper/b.ini", folder);
    assert_string_equal(out, expected);
    assert_int_equal(confine(".", out), AFT_OK);
}

static void confine__refuses_what_leads_out(void **state)
{
    static const char *const paths[] = {"/etc/passwd",         "..",      "../secret",
                                        "deeper/../../secret", "out.ini", "up/secret",
                                        "../inside-out/c.ini", ""};
    char out[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(confine(paths[i], out), AFT_ERR_REFUSED);
    }
}

static void confine__says_what_is_not_there(void **state)
{
    char out[PATH_MAX];
    (void)state;
    assert_int_equal(confine("none.ini", out), AFT_ERR_MISSING);
    assert_int_equal(confine("a.ini/b.ini", out), AFT_ERR_MISSING);
    assert_int_equal(confine("loop", out), AFT_ERR_MISSING);
    char longer[NAME_MAX + 2] = "";
    memset(longer, 'a', sizeof longer - 1);
    assert_int_equal(confine(longer, out), AFT_ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confine__finds_what_is_within),
        cmocka_unit_test(confine__refuses_what_leads_out),
        cmocka_unit_test(confine__says_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
