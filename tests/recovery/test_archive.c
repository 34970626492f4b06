/* What is built is read back, is the same every time, and loses nothing when publishing fails. */
#include "cmocka_headers.h"
#include "fixture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct { /* which call of the C library fails next */
    bool fsync, rename, write;
} failing;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);

int __wrap_fsync(int fd)
{
    if (failing.fsync) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    if (failing.rename) {
        errno = ENOSPC;
        return -1;
    }
    return __real_rename(from, to);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (failing.write && fd > 2) {
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, bytes, size);
}

static struct aft_archive *open_bytes(const void *bytes, size_t size)
{
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    if (aft_archive_open_bytes(&archive, bytes, size, "test", &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return archive;
}

static void assert_same_tensors(const struct aft_archive *archive, const struct fixture *fixture)
{
    const struct aft_archive_tensor *tensors;
    int n = aft_archive_tensors(archive, &tensors);
    assert_int_equal(n, fixture->content.n_tensors);
    for (int i = 0; i < n; i++) {
        const struct aft_archive_tensor *expected = &fixture->tensors[i];
        size_t size = expected->count * sizeof(float);
        assert_string_equal(tensors[i].name, expected->name);
        assert_int_equal(tensors[i].n_dims, expected->n_dims);
        assert_memory_equal(tensors[i].dims, expected->dims, sizeof expected->dims);
        assert_int_equal(tensors[i].count, expected->count);
        assert_memory_equal(tensors[i].value, expected->value, size);
        assert_memory_equal(tensors[i].exp_avg, expected->exp_avg, size);
        assert_memory_equal(tensors[i].exp_avg_sq, expected->exp_avg_sq, size);
    }
}

static void archive__gives_back_what_was_put_in(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 8);
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    struct aft_archive *archive = open_bytes(bytes, size);
    assert_same_tensors(archive, &fixture);
    assert_int_equal(aft_archive_kind(archive), AFT_ARCHIVE_STAGE);
    assert_memory_equal(aft_archive_counters(archive), &fixture.content.counters,
                        sizeof fixture.content.counters);
    size_t member_size = 0;
    const void *member = aft_archive_member(archive, "state.bin", &member_size);
    assert_int_equal(member_size, 9);
    assert_memory_equal(member, "\0\1\2\3state", 9);
    assert_null(aft_archive_member(archive, "error.txt", &member_size));
    const struct aft_json *manifest = aft_archive_manifest(archive);
    assert_string_equal(aft_json_get_string(manifest, "run_id", ""), "test-run");
    assert_int_equal(aft_json_get_integer(manifest, "format", 0), 1);
    assert_int_equal(aft_archive_member_count(archive), 10);
    aft_archive_close(archive);
    free(bytes);
    fixture_clear(&fixture);
}

static void archive__has_the_members_that_sb3_asks_for(void **state)
{
    (void)state;
    static const char *const names[] = {"data",
                                        "pytorch_variables.pth",
                                        "policy.pth",
                                        "policy.optimizer.pth",
                                        "manifest.json",
                                        "system_info.txt",
                                        "_stable_baselines3_version"};
    struct fixture fixture;
    fixture_init(&fixture, 4);
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    struct aft_archive *archive = open_bytes(bytes, size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t member_size;
        assert_non_null(aft_archive_member(archive, names[i], &member_size));
    }
    size_t data_size;
    const char *text = aft_archive_member(archive, "data", &data_size);
    struct aft_json *data = NULL;
    assert_int_equal(aft_json_parse(&data, text, data_size, "data", NULL), AFT_OK);
    assert_int_equal(aft_json_get_integer(data, "num_timesteps", 0), 4096);
    assert_true(aft_json_is_null(aft_json_get(data, "target_kl")));
    assert_true(aft_json_get_real(data, "clip_range_vf", 0.0) > 0.14);
    /* base64 of \x80\x02cstable_base…Policy\n. worked out by Python */
    assert_string_equal(
        aft_json_get_string(aft_json_get(data, "policy_class"), ":serialized:", ""),
        "gAJjc3RhYmxlX2Jhc2VsaW5lczMuY29tbW9uLnBvbGljaWVzCkFjdG9yQ3JpdGljUG9saWN5Ci4=");
    aft_json_destroy(data);
    aft_archive_close(archive);
    free(bytes);
    fixture_clear(&fixture);
}

static void archive__may_lack_optimizer_state(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 4);
    for (int i = 0; i < fixture.content.n_tensors; i++) {
        fixture.tensors[i].exp_avg = NULL;
        fixture.tensors[i].exp_avg_sq = NULL;
    }
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    struct aft_archive *archive = open_bytes(bytes, size);
    const struct aft_archive_tensor *tensors;
    assert_true(aft_archive_tensors(archive, &tensors) > 0);
    assert_null(tensors[0].exp_avg);
    aft_archive_close(archive);
    free(bytes);
    fixture_clear(&fixture);
}

static void archive_build__gives_the_same_bytes_for_the_same_content(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 8);
    size_t first_size;
    size_t second_size;
    char *first = fixture_build(&fixture, &first_size);
    const struct timespec past_dos_granularity = {.tv_sec = 2, .tv_nsec = 10000000};
    (void)nanosleep(&past_dos_granularity, NULL);
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    tzset();
    char *second = fixture_build(&fixture, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    free(first);
    free(second);
    fixture_clear(&fixture);
}

static void archive_build__refuses_odd_and_doubled_member_names(void **state)
{
    (void)state;
    static const char *const names[] = {"data", "manifest.json", "a/b", "..",
                                        "",     "state.bin",     "a\\b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fixture fixture;
        fixture_init(&fixture, 4);
        fixture.members[0].name = names[i];
        char *bytes = NULL;
        size_t size;
        assert_int_equal(aft_archive_build(&bytes, &size, &fixture.content, NULL), AFT_ERR_USAGE);
        assert_null(bytes);
        fixture_clear(&fixture);
    }
}

static void archive_hashes__are_those_of_the_contract(void **state)
{
    (void)state;
    const float value[] = {1.0F, 2.0F};
    const float m[] = {3.0F, 4.0F};
    const float v[] = {5.0F, 6.0F};
    const struct aft_archive_tensor tensors[] = {{"a", 1, {1, 0}, 1, value, m, v},
                                                 {"b", 1, {1, 0}, 1, value + 1, m + 1, v + 1}};
    const struct aft_archive_counters counters = {1, 2, 3, 4, 5, 6, 7};
    char hex[AFT_SHA256_HEX_SIZE];
    /* python3: hashlib.sha256(struct.pack('<2f',1,2)).hexdigest() */
    aft_archive_weights_sha256(hex, tensors, 2);
    assert_string_equal(hex, "b9c80b5adeca450753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37");
    /* … struct.pack('<6f7q',1,2,3,4,5,6, 1,2,3,4,5,6,7) */
    aft_archive_state_sha256(hex, tensors, 2, &counters);
    assert_string_equal(hex, "51c48d3ef39ae31b5c1a9a6f172e15be0e4624e6b1f5d430dc409da6a96cc6cf");
}

static void archive_kind__has_a_name_each_way(void **state)
{
    (void)state;
    for (int kind = AFT_ARCHIVE_STAGE; kind < AFT_ARCHIVE_UNKNOWN; kind++) {
        const char *name = aft_archive_kind_name((enum aft_archive_kind)kind);
        assert_int_equal(aft_archive_kind_of_name(name), kind);
    }
    assert_int_equal(aft_archive_kind_of_name("unknown"), AFT_ARCHIVE_UNKNOWN);
    assert_int_equal(aft_archive_kind_of_name("nonsense"), AFT_ARCHIVE_UNKNOWN);
    assert_int_equal(aft_archive_kind_of_name(NULL), AFT_ARCHIVE_UNKNOWN);
}

static void archive_publish__leaves_one_file_that_opens(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 8);
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    fixture_make_folder(folder);
    (void)snprintf(path, sizeof path, "%s/stage1_50kN.zip", folder);
    struct aft_error error = {0};
    assert_int_equal(aft_archive_publish(path, bytes, size, &error), AFT_OK);
    assert_int_equal(fixture_count(folder), 1);
    struct aft_archive *archive = NULL;
    assert_int_equal(aft_archive_open(&archive, path, &error), AFT_OK);
    assert_same_tensors(archive, &fixture);
    aft_archive_close(archive);
    fixture_remove_folder(folder);
    free(bytes);
    fixture_clear(&fixture);
}

/* Publishes over an older archive while one call fails. */
static void check_failed_publish(bool *failure, enum aft_code expected)
{
    struct fixture fixture;
    fixture_init(&fixture, 4);
    size_t old_size;
    size_t new_size;
    char *old = fixture_build(&fixture, &old_size);
    fixture.content.counters.steps = 4096;
    char *new = fixture_build(&fixture, &new_size);
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    fixture_make_folder(folder);
    (void)snprintf(path, sizeof path, "%s/stage1_50kN.zip", folder);
    struct aft_error error = {0};
    assert_int_equal(aft_archive_publish(path, old, old_size, &error), AFT_OK);

    *failure = true;
    assert_int_equal(aft_archive_publish(path, new, new_size, &error), expected);
    *failure = false;
    assert_non_null(strstr(error.message, "stage1_50kN.zip"));
    assert_int_equal(fixture_count(folder), 1); /* no temporary */
    struct aft_archive *archive = NULL;
    assert_int_equal(aft_archive_open(&archive, path, &error), AFT_OK);
    assert_int_equal(aft_archive_counters(archive)->steps, 2048);
    aft_archive_close(archive);
    fixture_remove_folder(folder);
    free(old);
    free(new);
    fixture_clear(&fixture);
}

static void archive_publish__keeps_old_archive_when_write_fails(void **state)
{
    (void)state;
    check_failed_publish(&failing.write, AFT_ERR_SPACE);
}

static void archive_publish__keeps_old_archive_when_sync_fails(void **state)
{
    (void)state;
    check_failed_publish(&failing.fsync, AFT_ERR_IO);
}

static void archive_publish__keeps_old_archive_when_rename_fails(void **state)
{
    (void)state;
    check_failed_publish(&failing.rename, AFT_ERR_SPACE);
}

static void archive_publish__keeps_old_archive_when_the_new_one_would_not_verify(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 4);
    size_t size;
    char *bytes = fixture_build(&fixture, &size);
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    fixture_make_folder(folder);
    (void)snprintf(path, sizeof path, "%s/stage1_50kN.zip", folder);
    struct aft_error error = {0};
    assert_int_equal(aft_archive_publish(path, bytes, size, &error), AFT_OK);
    bytes[size / 2] ^= 1;
    assert_int_equal(aft_archive_publish(path, bytes, size, &error), AFT_ERR_CORRUPT);
    struct aft_archive *archive = NULL;
    assert_int_equal(aft_archive_open(&archive, path, &error), AFT_OK);
    aft_archive_close(archive);
    fixture_remove_folder(folder);
    free(bytes);
    fixture_clear(&fixture);
}

static double milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* The promise is 50 ms each; the bound leaves room for sanitizers and busy machines. */
static void archive__of_a_64_64_network_is_saved_and_loaded_in_time(void **state)
{
    (void)state;
    enum { TRIES = 20 };
    struct fixture fixture;
    fixture_init(&fixture, 64);
    double best_build = 1e9;
    double best_open = 1e9;
    size_t size = 0;
    for (int i = 0; i < TRIES; i++) {
        double start = milliseconds();
        char *bytes = fixture_build(&fixture, &size);
        double built = milliseconds();
        aft_archive_close(open_bytes(bytes, size));
        double opened = milliseconds();
        best_build = built - start < best_build ? built - start : best_build;
        best_open = opened - built < best_open ? opened - built : best_open;
        free(bytes);
    }
    print_message("64,64: %zu bytes, build %.2f ms, open and verify %.2f ms\n", size, best_build,
                  best_open);
    assert_true(best_build + best_open < 50.0);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive__gives_back_what_was_put_in),
        cmocka_unit_test(archive__has_the_members_that_sb3_asks_for),
        cmocka_unit_test(archive__may_lack_optimizer_state),
        cmocka_unit_test(archive_build__gives_the_same_bytes_for_the_same_content),
        cmocka_unit_test(archive_build__refuses_odd_and_doubled_member_names),
        cmocka_unit_test(archive_hashes__are_those_of_the_contract),
        cmocka_unit_test(archive_kind__has_a_name_each_way),
        cmocka_unit_test(archive_publish__leaves_one_file_that_opens),
        cmocka_unit_test(archive_publish__keeps_old_archive_when_write_fails),
        cmocka_unit_test(archive_publish__keeps_old_archive_when_sync_fails),
        cmocka_unit_test(archive_publish__keeps_old_archive_when_rename_fails),
        cmocka_unit_test(archive_publish__keeps_old_archive_when_the_new_one_would_not_verify),
        cmocka_unit_test(archive__of_a_64_64_network_is_saved_and_loaded_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
