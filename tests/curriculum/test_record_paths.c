/* Which record files a stage uses, in which order. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_records(void **state)
{
    if (enter_folder(state) != 0 || mkdir("set", 0700) != 0 || mkdir("set/deep.csv", 0700) != 0 ||
        mkdir("empty", 0700) != 0) {
        return -1;
    }
    static const char *const files[] = {"set/b.AT2",    "set/a.csv", "set/c.at2", "set/.hidden.csv",
                                        "set/readme",   "set/x.At2", "set/.csv",  "one.AT2",
                                        "two, too.csv", "notes.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put_text(files[i], files[i]);
    }
    return 0;
}

static struct aft_curriculum *load_records(const char *ini, const char *records)
{
    char text[400];
    (void)snprintf(text, sizeof text, "[ground_motion]\nsource = records\nrecords = %s\n" STAGE,
                   records);
    put_text(ini, text);
    struct aft_curriculum *c = NULL;
    struct aft_error error = {0};
    if (aft_curriculum_load(&c, ini, NULL, 0, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return c;
}

static void assert_paths(const char *ini, const char *records, const char *const *expected,
                         int n_expected)
{
    struct aft_curriculum *c = load_records(ini, records);
    char **paths = NULL;
    int n = 0;
    struct aft_error error = {0};
    if (aft_stage_record_paths(&paths, &n, c, 0, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(n, n_expected);
    for (int i = 0; i < n; i++) {
        assert_string_equal(paths[i], expected[i]);
    }
    aft_record_paths_destroy(paths, n);
    aft_curriculum_destroy(c);
}

static void assert_no_paths(const char *records, enum aft_code code, const char *message)
{
    struct aft_curriculum *c = load_records("t.ini", records);
    char **paths = NULL;
    int n = 0;
    struct aft_error error = {0};
    struct aft_json *settings = NULL;
    assert_int_equal(aft_stage_record_paths(&paths, &n, c, 0, &error), code);
    assert_string_equal(error.message, message);
    assert_null(paths);
    assert_int_equal(aft_stage_effective_settings(&settings, c, 0, &error), code);
    assert_null(settings);
    aft_curriculum_destroy(c);
}

static void record_paths__of_a_folder_are_sorted_and_only_records(void **state)
{
    (void)state;
    static const char *const expected[] = {"set/a.csv", "set/b.AT2", "set/c.at2"};
    assert_paths("t.ini", "set", expected, 3);
}

static void record_paths__keep_the_order_of_the_list(void **state)
{
    (void)state;
    static const char *const expected[] = {"one.AT2", "set/a.csv", "set/b.AT2", "set/c.at2"};
    assert_paths("t.ini", "one.AT2 , set", expected, 4);
}

static void record_paths__begin_in_the_folder_of_the_ini(void **state)
{
    (void)state;
    static const char *const expected[] = {"set/../one.AT2", "/dev/../etc/../tmp"};
    assert_paths("set/t.ini", "../one.AT2", expected, 1);
    char folder[200];
    char absolute[256];
    assert_non_null(getcwd(folder, sizeof folder));
    (void)snprintf(absolute, sizeof absolute, "%s/one.AT2", folder);
    const char *const whole[] = {absolute};
    assert_paths("set/t.ini", absolute, whole, 1);
}

static void record_paths__that_are_wrong_are_named(void **state)
{
    (void)state;
    assert_no_paths("nowhere", AFT_ERR_USAGE,
                    "t.ini: records: look at 'nowhere': No such file or directory");
    assert_no_paths("set, gone.AT2", AFT_ERR_USAGE,
                    "t.ini: records: look at 'gone.AT2': No such file or directory");
    assert_no_paths("empty", AFT_ERR_USAGE,
                    "t.ini: records: no .AT2, .at2 or .csv file in 'empty'");
    assert_no_paths("notes.txt", AFT_ERR_USAGE,
                    "t.ini: records: 'notes.txt': expected a folder or a .AT2, .at2 or .csv file");
    assert_no_paths("one.AT2,,set", AFT_ERR_USAGE,
                    "t.ini: records: an entry is empty: expected folders or files separated by "
                    "commas");
}

static void record_paths__are_none_for_generated_motions(void **state)
{
    (void)state;
    struct aft_curriculum *c = load("[ground_motion]\nrecords = nowhere\n" STAGE, NULL);
    char **paths = NULL;
    int n = -1;
    assert_int_equal(aft_stage_record_paths(&paths, &n, c, 0, NULL), AFT_OK);
    assert_int_equal(n, 0);
    aft_record_paths_destroy(paths, n);
    aft_curriculum_destroy(c);
}

static void record_paths__of_a_command_line_are_found_alike(void **state)
{
    (void)state;
    static const char *const expected[] = {"set/a.csv", "set/b.AT2", "set/c.at2"};
    char **paths = NULL;
    int n = 0;
    struct aft_error error = {0};
    assert_int_equal(aft_record_paths_find(&paths, &n, "set", &error), AFT_OK);
    assert_int_equal(n, 3);
    for (int i = 0; i < n; i++) {
        assert_string_equal(paths[i], expected[i]);
    }
    aft_record_paths_destroy(paths, n);
    assert_int_equal(aft_record_paths_find(&paths, &n, "two, too.csv", &error), AFT_OK);
    assert_int_equal(n, 1);
    aft_record_paths_destroy(paths, n);
    assert_int_equal(aft_record_paths_find(&paths, &n, "gone.AT2", &error), AFT_ERR_MISSING);
    assert_string_equal(error.message, "look at 'gone.AT2': No such file or directory");
    assert_int_equal(aft_record_paths_find(&paths, &n, "empty", &error), AFT_ERR_USAGE);
    assert_null(paths);
}

#define RECORDS_TEST(name) cmocka_unit_test_setup_teardown(name, make_records, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORDS_TEST(record_paths__of_a_folder_are_sorted_and_only_records),
        RECORDS_TEST(record_paths__keep_the_order_of_the_list),
        RECORDS_TEST(record_paths__begin_in_the_folder_of_the_ini),
        RECORDS_TEST(record_paths__that_are_wrong_are_named),
        RECORDS_TEST(record_paths__are_none_for_generated_motions),
        RECORDS_TEST(record_paths__of_a_command_line_are_found_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
