/* Publishing a file, with system calls that fail on demand: the old file stays
 * and no temporary remains, whatever fails. */
#include "base/file.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
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

static struct fault {
    int error; /* errno of the call that fails; 0: none */
    int after; /* calls that still succeed */
    int calls;
} fsync_fault, rename_fault, write_fault;
static size_t longest_write; /* 0: as asked for */

int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);

static int strikes(struct fault *fault)
{
    bool now = fault->error != 0 && fault->calls >= fault->after;
    fault->calls++;
    if (now) {
        errno = fault->error;
    }
    return now;
}

int __wrap_fsync(int fd)
{
    return strikes(&fsync_fault) ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return strikes(&rename_fault) ? -1 : __real_rename(from, to);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (strikes(&write_fault)) {
        if (write_fault.error == EINTR) {
            write_fault.error = 0; /* a signal interrupts once */
        }
        return -1;
    }
    return __real_write(fd, bytes,
                        longest_write > 0 && size > longest_write ? longest_write : size);
}

static char folder[32];
static char path[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    fsync_fault = rename_fault = write_fault = (struct fault){0};
    longest_write = 0;
    memcpy(folder, "/tmp/aft_file_XXXXXX", sizeof "/tmp/aft_file_XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    return (int)aft_path_join(path, folder, "stage1_50kN.zip", NULL);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    fsync_fault = rename_fault = write_fault = (struct fault){0};
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int count_entries(void)
{
    int n = 0;
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        n += entry->d_name[0] != '.';
    }
    (void)closedir(stream);
    return n;
}

static void assert_contents(const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(aft_file_read(&bytes, &size, path, 1000, NULL), AFT_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void publish__writes_and_replaces(void **state)
{
    (void)state;
    assert_int_equal(aft_file_publish(path, "old", 3, NULL), AFT_OK);
    assert_contents("old");
    assert_int_equal(aft_file_publish(path, "newer", 5, NULL), AFT_OK);
    assert_contents("newer");
    assert_int_equal(aft_file_publish(path, "", 0, NULL), AFT_OK);
    assert_contents("");
    assert_int_equal(count_entries(), 1);
}

static void publish__syncs_the_file_and_then_the_folder(void **state)
{
    (void)state;
    assert_int_equal(aft_file_publish(path, "new", 3, NULL), AFT_OK);
    assert_int_equal(fsync_fault.calls, 2);
    assert_int_equal(rename_fault.calls, 1);
}

static void publish__goes_on_after_short_and_interrupted_writes(void **state)
{
    (void)state;
    longest_write = 2;
    write_fault = (struct fault){.error = EINTR, .after = 1};
    assert_int_equal(aft_file_publish(path, "0123456789", 10, NULL), AFT_OK);
    assert_contents("0123456789");
}

static void assert_old_file_stays(struct fault *fault, int number, int after, enum aft_code code,
                                  const char *operation)
{
    struct aft_error error = {0};
    assert_int_equal(aft_file_publish(path, "old", 3, NULL), AFT_OK);
    *fault = (struct fault){.error = number, .after = after};
    assert_int_equal(aft_file_publish(path, "newer and longer", 16, &error), code);
    *fault = (struct fault){0};
    assert_int_equal(error.code, code);
    assert_memory_equal(error.message, operation, strlen(operation));
    assert_non_null(strstr(error.message, strerror(number)));
    assert_contents("old");
    assert_int_equal(count_entries(), 1);
}

static void replace__renames_into_place_without_a_sync(void **state)
{
    (void)state;
    assert_int_equal(aft_file_replace(path, "old", 3, NULL), AFT_OK);
    assert_int_equal(aft_file_replace(path, "newer", 5, NULL), AFT_OK);
    assert_contents("newer");
    assert_int_equal(fsync_fault.calls, 0);
    assert_int_equal(rename_fault.calls, 2);
    assert_int_equal(count_entries(), 1);
}

static void publish__keeps_old_file_when_sync_fails(void **state)
{
    (void)state;
    assert_old_file_stays(&fsync_fault, EIO, 0, AFT_ERR_IO, "sync '");
    assert_int_equal(rename_fault.calls, 1); /* the first publication's */
    assert_old_file_stays(&fsync_fault, ENOSPC, 0, AFT_ERR_SPACE, "sync '");
    assert_old_file_stays(&fsync_fault, EDQUOT, 0, AFT_ERR_SPACE, "sync '");
}

static void publish__keeps_old_file_when_rename_fails(void **state)
{
    (void)state;
    assert_old_file_stays(&rename_fault, EIO, 0, AFT_ERR_IO, "rename '");
    assert_old_file_stays(&rename_fault, EROFS, 0, AFT_ERR_IO, "rename '");
    assert_old_file_stays(&rename_fault, ENOSPC, 0, AFT_ERR_SPACE, "rename '");
}

static void publish__keeps_old_file_when_a_write_fails(void **state)
{
    (void)state;
    longest_write = 4;
    for (int after = 0; after < 4; after++) {
        assert_old_file_stays(&write_fault, ENOSPC, after, AFT_ERR_SPACE, "write '");
        assert_old_file_stays(&write_fault, EIO, after, AFT_ERR_IO, "write '");
    }
}

static void publish__reports_a_folder_that_cannot_be_synced(void **state)
{
    (void)state;
    struct aft_error error = {0};
    fsync_fault = (struct fault){.error = EIO, .after = 1};
    assert_int_equal(aft_file_publish(path, "new", 3, &error), AFT_ERR_IO);
    assert_memory_equal(error.message, "sync folder '", 13);
    assert_contents("new");
    assert_int_equal(count_entries(), 1);
}

static void publish__fails_in_a_folder_that_is_not_there(void **state)
{
    (void)state;
    char lost[PATH_MAX];
    assert_int_equal(aft_path_join(lost, folder, "no/such/file", NULL), AFT_OK);
    assert_int_equal(aft_file_publish(lost, "x", 1, NULL), AFT_ERR_MISSING);
}

static void read__refuses_a_file_over_the_limit(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    struct aft_error error = {0};
    assert_int_equal(aft_file_publish(path, "12345", 5, NULL), AFT_OK);
    assert_int_equal(aft_file_read(&bytes, &size, path, 4, &error), AFT_ERR_IO);
    assert_non_null(strstr(error.message, "larger than 4 bytes"));
    assert_null(bytes);
    assert_int_equal(aft_file_read(&bytes, &size, path, 5, &error), AFT_OK);
    free(bytes);
}

static void read__refuses_folders_and_fifos_without_waiting(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    struct aft_error error = {0};
    assert_int_equal(aft_file_read(&bytes, &size, folder, 100, &error), AFT_ERR_IO);
    assert_non_null(strstr(error.message, "not a regular file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(10);
    assert_int_equal(aft_file_read(&bytes, &size, path, 100, &error), AFT_ERR_IO);
    (void)alarm(0);
    assert_non_null(strstr(error.message, "not a regular file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(aft_file_read(&bytes, &size, path, 100, &error), AFT_ERR_MISSING);
}

static void put_file(const char *name)
{
    char whole[PATH_MAX];
    assert_int_equal(aft_path_join(whole, folder, name, NULL), AFT_OK);
    int fd = open(whole, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

static void sweep__removes_temporaries_only(void **state)
{
    (void)state;
    int swept = 0;
    put_file("stage1_50kN.zip");
    put_file("stage2_100kN.zip.123.tmp");
    put_file("x.tmp");
    put_file("notes.tmp.txt");
    assert_int_equal(aft_file_sweep_temporaries(folder, &swept, NULL), AFT_OK);
    assert_int_equal(swept, 2);
    assert_int_equal(count_entries(), 2);
    assert_int_equal(aft_file_sweep_temporaries(folder, NULL, NULL), AFT_OK);
    assert_int_equal(aft_file_sweep_temporaries("/no/such", NULL, NULL), AFT_ERR_MISSING);
}

static void temporary__is_known_by_its_name(void **state)
{
    (void)state;
    assert_true(aft_file_is_temporary("stage1_50kN.zip.77.tmp"));
    assert_false(aft_file_is_temporary("stage1_50kN.zip"));
    assert_false(aft_file_is_temporary(".tmp"));
    assert_false(aft_file_is_temporary(""));
}

static void rename__moves_and_syncs_or_says_why_not(void **state)
{
    (void)state;
    char other[PATH_MAX];
    struct aft_error error = {0};
    assert_int_equal(aft_path_join(other, folder, "stage1_50kN.zip.corrupt", NULL), AFT_OK);
    assert_int_equal(aft_file_publish(path, "x", 1, NULL), AFT_OK);
    fsync_fault.calls = 0;
    assert_int_equal(aft_file_rename(path, other, NULL), AFT_OK);
    assert_int_equal(fsync_fault.calls, 1);
    assert_int_equal(aft_file_rename(path, other, &error), AFT_ERR_MISSING);
    assert_non_null(strstr(error.message, "' to 'stage1_50kN.zip.corrupt'"));
    assert_int_equal(count_entries(), 1);
}

static void make_folder__makes_parents_and_is_content_with_what_is_there(void **state)
{
    (void)state;
    char base[] = "/tmp/aft_path_XXXXXX";
    char deep[PATH_MAX];
    assert_non_null(mkdtemp(base));
    assert_int_equal(aft_path_join(deep, base, "one/two/three", NULL), AFT_OK);
    assert_int_equal(aft_file_make_folder(deep, NULL), AFT_OK);
    assert_int_equal(aft_file_make_folder(deep, NULL), AFT_OK);
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
    assert_int_equal(aft_file_make_folder(file, &error), AFT_ERR_IO);
    assert_non_null(strstr(error.message, "a file is in the way"));
    char below[PATH_MAX];
    assert_int_equal(aft_path_join(below, file, "x", NULL), AFT_OK);
    assert_int_not_equal(aft_file_make_folder(below, &error), AFT_OK);
    assert_int_equal(aft_file_make_folder("", &error), AFT_ERR_USAGE);
    (void)unlink(file);
}

static void reserve__takes_a_last_file_when_it_is_needed(void **state)
{
    (void)state;
    static char bytes[20000];
    struct aft_file_reserve reserve = {0};
    struct aft_error error = {0};
    char *read = NULL;
    size_t size = 0;
    memset(bytes, 'b', sizeof bytes);
    assert_int_equal(aft_file_publish_reserved(&reserve, path, bytes, 10, &error), AFT_ERR_MISSING);
    assert_int_equal(aft_file_reserve_hold(&reserve, folder, "kept", 8000, NULL), AFT_OK);
    assert_int_equal(aft_file_publish_reserved(&reserve, path, bytes, 9000, &error), AFT_ERR_SPACE);
    assert_int_equal(aft_file_reserve_hold(&reserve, folder, "kept", sizeof bytes, NULL), AFT_OK);
    assert_int_equal(count_entries(), 1);
    assert_int_equal(aft_file_publish_reserved(&reserve, path, bytes, 9000, NULL), AFT_OK);
    assert_int_equal(count_entries(), 1); /* the reserve has become the file */
    assert_int_equal(aft_file_read(&read, &size, path, sizeof bytes, NULL), AFT_OK);
    assert_int_equal(size, 9000);
    assert_memory_equal(read, bytes, size);
    free(read);
    assert_int_equal(aft_file_reserve_hold(&reserve, folder, "kept", 100, NULL), AFT_OK);
    aft_file_reserve_release(&reserve);
    assert_int_equal(count_entries(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(publish__writes_and_replaces),
        TEST(publish__syncs_the_file_and_then_the_folder),
        TEST(publish__goes_on_after_short_and_interrupted_writes),
        TEST(replace__renames_into_place_without_a_sync),
        TEST(publish__keeps_old_file_when_sync_fails),
        TEST(publish__keeps_old_file_when_rename_fails),
        TEST(publish__keeps_old_file_when_a_write_fails),
        TEST(publish__reports_a_folder_that_cannot_be_synced),
        TEST(publish__fails_in_a_folder_that_is_not_there),
        TEST(read__refuses_a_file_over_the_limit),
        TEST(read__refuses_folders_and_fifos_without_waiting),
        TEST(sweep__removes_temporaries_only),
        TEST(temporary__is_known_by_its_name),
        TEST(rename__moves_and_syncs_or_says_why_not),
        TEST(make_folder__makes_parents_and_is_content_with_what_is_there),
        TEST(make_folder__refuses_a_file_in_the_way),
        TEST(reserve__takes_a_last_file_when_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
