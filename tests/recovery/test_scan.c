/* Looking at a run's folder, and the renames that keep archives out of the way. */
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    fixture_make_folder(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    fixture_remove_folder(folder);
    return 0;
}

static void put(const char *file, enum aft_archive_kind kind, int stage, int steps)
{
    const struct fixture_file spec = {.file = file, .kind = kind, .stage = stage, .steps = steps};
    fixture_put(folder, &spec, NULL);
}

static void path_of(char path[PATH_MAX], const char *name)
{
    (void)snprintf(path, PATH_MAX, "%.*s/%s", 200, folder, name);
}

static void make_subfolder(const char *name)
{
    char path[PATH_MAX];
    path_of(path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void scan_now(struct aft_scan *scan)
{
    struct aft_error error = {0};
    if (aft_scan_folder(scan, folder, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
}

static const struct aft_scan_entry *find(const struct aft_scan *scan, const char *name)
{
    for (int i = 0; i < scan->n; i++) {
        if (strstr(scan->entries[i].path, name) != NULL) {
            return &scan->entries[i];
        }
    }
    fail_msg("%s is not in the scan", name);
    return NULL;
}

static void scan__of_a_missing_folder_is_empty(void **state)
{
    (void)state;
    struct aft_scan scan;
    assert_int_equal(aft_scan_folder(&scan, "/tmp/aft-no-such-folder/x", NULL), AFT_OK);
    assert_int_equal(scan.n, 0);
    aft_scan_clear(&scan);
}

static void scan__of_a_file_fails(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct aft_scan scan;
    fixture_write(folder, "x", "x", 1);
    path_of(path, "x");
    assert_int_equal(aft_scan_folder(&scan, path, NULL), AFT_ERR_IO);
}

static void scan__finds_every_archive_and_nothing_else(void **state)
{
    (void)state;
    make_subfolder("checkpoints");
    put("stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200);
    put("stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100);
    put("best_model.zip", AFT_ARCHIVE_BEST, 2, 150);
    put("final_default.zip", AFT_ARCHIVE_FINAL, 2, 200);
    put("stage3_INTERRUPTED_150kN.zip", AFT_ARCHIVE_INTERRUPTED, 3, 10);
    put("stage3_ERROR_150kN.zip", AFT_ARCHIVE_ERROR, 3, 20);
    put("checkpoints/stage3_step000000030.zip", AFT_ARCHIVE_CHECKPOINT, 3, 30);
    put("checkpoints/stage3_step000000005.zip", AFT_ARCHIVE_CHECKPOINT, 3, 5);
    put("stage1_50kN.superseded.zip", AFT_ARCHIVE_STAGE, 1, 90);
    put("stage2_100kN.zip.corrupt", AFT_ARCHIVE_STAGE, 2, 90);
    static const char *const others[] = {
        "progress.csv", "lock", "run.log", "heartbeat.json", "stage1_50kN.zip.123.tmp",
        ".hidden.zip"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        fixture_write(folder, others[i], "x", 1);
    }
    struct aft_scan scan;
    scan_now(&scan);
    assert_int_equal(scan.n, 10);
    for (int i = 0; i < scan.n; i++) {
        assert_true(scan.entries[i].valid);
        assert_string_equal(scan.entries[i].reason, "");
        assert_non_null(scan.entries[i].settings);
    }
    static const char *const order[] = {"stage1_50kN.superseded.zip",
                                        "stage1_50kN.zip",
                                        "stage2_100kN.zip.corrupt",
                                        "stage2_100kN.zip",
                                        "final_default.zip",
                                        "best_model.zip",
                                        "stage3_INTERRUPTED",
                                        "stage3_ERROR",
                                        "step000000005",
                                        "step000000030"};
    for (int i = 0; i < scan.n; i++) {
        assert_non_null(strstr(scan.entries[i].path, order[i]));
    }
    assert_true(scan.entries[0].set_aside && scan.entries[2].set_aside);
    assert_true(aft_scan_is_stage_archive(&scan.entries[1]));
    assert_false(aft_scan_is_stage_archive(&scan.entries[2]));
    assert_int_equal(scan.entries[9].steps, 30);
    assert_int_equal(scan.entries[9].name_stage, 0);
    aft_scan_clear(&scan);
}

static void scan__reads_what_a_plan_needs(void **state)
{
    (void)state;
    char hash[AFT_SHA256_HEX_SIZE];
    const struct fixture_file spec = {.file = "stage2_100kN.zip",
                                      .kind = AFT_ARCHIVE_STAGE,
                                      .stage = 2,
                                      .steps = 77,
                                      .parent = "abc",
                                      .fingerprint = "def"};
    fixture_put(folder, &spec, hash);
    struct aft_scan scan;
    scan_now(&scan);
    const struct aft_scan_entry *entry = find(&scan, "stage2_100kN.zip");
    assert_int_equal(entry->stage, 2);
    assert_int_equal(entry->steps, 77);
    assert_int_equal(entry->total_steps, 4096);
    assert_string_equal(entry->parent, "abc");
    assert_string_equal(entry->fingerprint, "def");
    assert_string_equal(entry->run_id, "test-run");
    assert_string_equal(entry->state_hash, hash);
    assert_true(isnan(entry->score));
    assert_int_equal(aft_json_get_integer(entry->settings, "stage.timesteps", 0), 2000);
    aft_scan_clear(&scan);
}

static void scan__says_why_an_archive_is_not_valid(void **state)
{
    (void)state;
    char path[PATH_MAX];
    const struct fixture_file damaged = {
        .file = "stage1_50kN.zip", .kind = AFT_ARCHIVE_STAGE, .stage = 1, .damaged = true};
    fixture_put(folder, &damaged, NULL);
    fixture_write(folder, "stage2_100kN.zip", "", 0);
    put("stage3_150kN.zip", AFT_ARCHIVE_STAGE, 2, 1);
    make_subfolder("stage4_150kN.zip");
    path_of(path, "stage5_150kN.zip");
    assert_int_equal(symlink("stage3_150kN.zip", path), 0);
    path_of(path, "stage6_150kN.zip");
    assert_int_equal(symlink("stage6_150kN.zip", path), 0);
    path_of(path, "stage7_150kN.zip");
    assert_int_equal(mkfifo(path, 0600), 0);
    fixture_write(folder, "notes.zip", "x", 1);
    static const struct {
        const char *name;
        const char *reason;
        int stage;
        bool damaged;
    } expected[] = {
        {"stage1_50kN.zip", "digest of the file does not match", 1, true},
        {"stage2_100kN.zip", "only 0 bytes long", 2, true},
        {"stage3_150kN.zip", "its name says stage 3, its manifest stage 2", 3, false},
        {"stage4_150kN.zip", "folder", 4, false},
        {"stage5_150kN.zip", "symbolic link", 5, false},
        {"stage6_150kN.zip", "symbolic link", 6, false},
        {"stage7_150kN.zip", "not a regular file", 7, false},
        {"notes.zip", "only 1 bytes long", 0, true},
    };
    struct aft_scan scan;
    scan_now(&scan);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct aft_scan_entry *entry = find(&scan, expected[i].name);
        assert_false(entry->valid);
        assert_non_null(strstr(entry->reason, expected[i].reason));
        assert_int_equal(entry->stage, expected[i].stage);
        assert_int_equal(entry->damaged, expected[i].damaged);
        assert_null(entry->settings);
    }
    assert_int_equal(find(&scan, "notes.zip")->kind, AFT_ARCHIVE_UNKNOWN);
    aft_scan_clear(&scan);
}

static void scan__does_not_call_damaged_what_it_may_not_read(void **state)
{
    (void)state;
    char path[PATH_MAX];
    put("stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100);
    path_of(path, "stage1_50kN.zip");
    assert_int_equal(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) {
        skip(); /* root reads everything */
    }
    struct aft_scan scan;
    scan_now(&scan);
    assert_false(scan.entries[0].valid);
    assert_false(scan.entries[0].damaged);
    assert_non_null(strstr(scan.entries[0].reason, "Permission denied"));
    aft_scan_clear(&scan);
}

static void scan__of_a_thousand_archives_is_quick(void **state)
{
    (void)state;
    enum { N = 1000 };
    make_subfolder("checkpoints");
    put("checkpoints/stage1_step000000000.zip", AFT_ARCHIVE_CHECKPOINT, 1, 0);
    char from[PATH_MAX];
    path_of(from, "checkpoints/stage1_step000000000.zip");
    for (int i = 1; i < N; i++) {
        char name[64];
        char to[PATH_MAX];
        (void)snprintf(name, sizeof name, "checkpoints/stage1_step%09d.zip", i);
        path_of(to, name);
        assert_int_equal(link(from, to), 0);
    }
    struct timespec start;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    struct aft_scan scan;
    scan_now(&scan);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds =
        (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    assert_int_equal(scan.n, N);
    print_message("%d archives in %.2f s\n", N, seconds);
    aft_scan_clear(&scan);
}

static void note_move(void *context, const char *from, const char *to)
{
    char *list = context;
    (void)strcat(list, strrchr(from, '/') + 1);
    (void)strcat(list, ">");
    (void)strcat(list, strrchr(to, '/') + 1);
    (void)strcat(list, " ");
}

static void supersede__moves_every_archive_of_that_stage_aside(void **state)
{
    (void)state;
    put("stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 1);
    put("stage2_80kN.zip", AFT_ARCHIVE_STAGE, 2, 2);
    put("stage2_100kN.superseded.zip", AFT_ARCHIVE_STAGE, 2, 3);
    put("stage2_INTERRUPTED_100kN.zip", AFT_ARCHIVE_INTERRUPTED, 2, 4);
    put("stage12_100kN.zip", AFT_ARCHIVE_STAGE, 12, 5);
    put("stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 6);
    char moved[256] = "";
    const struct aft_set_aside_witness witness = {moved, note_move};
    assert_int_equal(aft_supersede_stage(folder, 2, &witness, NULL), AFT_OK);
    assert_non_null(strstr(moved, "stage2_100kN.zip>stage2_100kN.2.superseded.zip "));
    assert_non_null(strstr(moved, "stage2_80kN.zip>stage2_80kN.superseded.zip "));
    assert_int_equal(fixture_count(folder), 6);
    assert_true(fixture_exists(folder, "stage2_100kN.2.superseded.zip"));
    assert_true(fixture_exists(folder, "stage2_80kN.superseded.zip"));
    assert_true(fixture_exists(folder, "stage2_100kN.superseded.zip"));
    assert_true(fixture_exists(folder, "stage2_INTERRUPTED_100kN.zip"));
    assert_true(fixture_exists(folder, "stage12_100kN.zip"));
    assert_true(fixture_exists(folder, "stage1_50kN.zip"));
    assert_int_equal(aft_supersede_stage(folder, 2, NULL, NULL), AFT_OK);
    assert_int_equal(fixture_count(folder), 6);
    struct aft_scan scan;
    scan_now(&scan);
    assert_true(find(&scan, "stage2_100kN.2.superseded.zip")->set_aside);
    aft_scan_clear(&scan);
}

/* An INTERRUPTED archive of step 50 lies there; one of these is to be published over it. */
static void check_lineage(const char *run_id, const char *parent, int stage, int steps,
                          bool stays_in_place)
{
    char fingerprint[AFT_SHA256_HEX_SIZE];
    fixture_fingerprint(fingerprint, strcmp(run_id, "other-settings") == 0 ? 9 : 3);
    if (strcmp(run_id, "other-settings") == 0) {
        run_id = "test-run";
    }
    char path[PATH_MAX];
    const struct fixture_file spec = {.file = "stage3_INTERRUPTED_150kN.zip",
                                      .kind = AFT_ARCHIVE_INTERRUPTED,
                                      .stage = 3,
                                      .steps = 50,
                                      .parent = "p"};
    fixture_put(folder, &spec, NULL);
    path_of(path, spec.file);
    struct aft_json *manifest = aft_json_object();
    aft_json_set_string(manifest, "run_id", run_id);
    aft_json_set(manifest, "parent", aft_json_string(parent));
    aft_json_set_string(manifest, "fingerprint", fingerprint);
    const struct aft_archive_counters counters = {.stage = stage, .steps = steps};
    assert_int_equal(aft_keep_foreign_lineage(path, manifest, &counters, NULL, NULL), AFT_OK);
    assert_int_equal(fixture_exists(folder, spec.file), stays_in_place);
    aft_json_destroy(manifest);
}

static void lineage__later_step_of_the_same_may_overwrite(void **state)
{
    (void)state;
    check_lineage("test-run", "p", 3, 51, true);
    check_lineage("test-run", "p", 3, 50, true);
    assert_int_equal(fixture_count(folder), 1);
}

static void lineage__earlier_step_keeps_the_older_archive(void **state)
{
    (void)state;
    check_lineage("test-run", "p", 3, 49, false);
    assert_true(fixture_exists(folder, "stage3_INTERRUPTED_150kN.2.zip"));
    check_lineage("test-run", "p", 3, 49, false);
    assert_true(fixture_exists(folder, "stage3_INTERRUPTED_150kN.3.zip"));
    struct aft_scan scan;
    scan_now(&scan);
    assert_int_equal(scan.n, 2);
    assert_int_equal(scan.entries[0].kind, AFT_ARCHIVE_INTERRUPTED);
    assert_true(scan.entries[0].valid && !scan.entries[0].set_aside);
    aft_scan_clear(&scan);
}

static void lineage__another_run_parent_or_stage_keeps_the_older_archive(void **state)
{
    (void)state;
    check_lineage("other-run", "p", 3, 60, false);
    check_lineage("other-settings", "p", 3, 60, false);
    check_lineage("test-run", "q", 3, 60, false);
    check_lineage("test-run", NULL, 3, 60, false);
    check_lineage("test-run", "p", 4, 60, false);
    assert_int_equal(fixture_count(folder), 5);
}

static void lineage__a_later_attempt_is_later_whatever_its_steps(void **state)
{
    (void)state;
    static const struct {
        int attempt, steps;
        bool stays;
    } tries[] = {{3, 0, true}, {2, 50, true}, {2, 49, false}, {1, 90, false}};
    const struct fixture_file spec = {.file = "stage3_INTERRUPTED_150kN.zip",
                                      .kind = AFT_ARCHIVE_INTERRUPTED,
                                      .stage = 3,
                                      .steps = 50,
                                      .attempt = 2};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char path[PATH_MAX];
        char fingerprint[AFT_SHA256_HEX_SIZE];
        fixture_put(folder, &spec, NULL);
        path_of(path, spec.file);
        fixture_fingerprint(fingerprint, 3);
        struct aft_json *manifest = aft_json_object();
        aft_json_set_string(manifest, "run_id", "test-run");
        aft_json_set_string(manifest, "fingerprint", fingerprint);
        aft_json_set_integer(manifest, "attempt", tries[i].attempt);
        const struct aft_archive_counters counters = {.stage = 3, .steps = tries[i].steps};
        assert_int_equal(aft_keep_foreign_lineage(path, manifest, &counters, NULL, NULL), AFT_OK);
        assert_int_equal(fixture_exists(folder, spec.file), tries[i].stays);
        aft_json_destroy(manifest);
    }
}

static void lineage__damaged_archive_is_kept_as_corrupt(void **state)
{
    (void)state;
    char path[PATH_MAX];
    const struct fixture_file spec = {
        .file = "stage3_ERROR_150kN.zip", .kind = AFT_ARCHIVE_ERROR, .stage = 3, .damaged = true};
    fixture_put(folder, &spec, NULL);
    path_of(path, spec.file);
    const struct aft_archive_counters counters = {.stage = 3};
    assert_int_equal(aft_keep_foreign_lineage(path, NULL, &counters, NULL, NULL), AFT_OK);
    assert_true(fixture_exists(folder, "stage3_ERROR_150kN.zip.corrupt"));
    assert_int_equal(aft_keep_foreign_lineage(path, NULL, &counters, NULL, NULL), AFT_OK);
    assert_int_equal(fixture_count(folder), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scan__of_a_missing_folder_is_empty),
        TEST(scan__of_a_file_fails),
        TEST(scan__finds_every_archive_and_nothing_else),
        TEST(scan__reads_what_a_plan_needs),
        TEST(scan__says_why_an_archive_is_not_valid),
        TEST(scan__does_not_call_damaged_what_it_may_not_read),
        TEST(scan__of_a_thousand_archives_is_quick),
        TEST(supersede__moves_every_archive_of_that_stage_aside),
        TEST(lineage__later_step_of_the_same_may_overwrite),
        TEST(lineage__earlier_step_keeps_the_older_archive),
        TEST(lineage__another_run_parent_or_stage_keeps_the_older_archive),
        TEST(lineage__a_later_attempt_is_later_whatever_its_steps),
        TEST(lineage__damaged_archive_is_kept_as_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
