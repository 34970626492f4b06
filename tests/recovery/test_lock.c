/* One process holds a run, and only as long as it lives. */
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* A child that takes the lock, says so, and holds it until it is killed. */
static pid_t start_holder(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct aft_lock lock;
        char taken = aft_lock_take(&lock, folder, NULL) == AFT_OK ? 'y' : 'n';
        (void)!write(ends[1], &taken, 1);
        for (;;) {
            (void)pause();
        }
    }
    char taken = 0;
    assert_int_equal(read(ends[0], &taken, 1), 1);
    assert_int_equal(taken, 'y');
    (void)close(ends[0]);
    (void)close(ends[1]);
    return child;
}

static void lock__names_its_holder_and_ends_with_sigkill(void **state)
{
    (void)state;
    struct aft_lock lock;
    struct aft_error error = {0};
    char holder[64];
    pid_t child = start_holder();
    assert_int_equal(aft_lock_take(&lock, folder, &error), AFT_ERR_BUSY);
    (void)snprintf(holder, sizeof holder, "held by process %ld on ", (long)child);
    assert_non_null(strstr(error.message, holder));
    assert_int_equal(lock.fd, -1);
    aft_lock_release(&lock);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(aft_lock_take(&lock, folder, &error), AFT_OK);
    aft_lock_release(&lock);
}

static void lock__is_free_again_after_release(void **state)
{
    (void)state;
    struct aft_lock lock;
    struct aft_lock other;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_OK);
        assert_int_equal(aft_lock_take(&other, folder, NULL), AFT_ERR_BUSY);
        aft_lock_release(&lock);
    }
    aft_lock_release(&lock); /* twice does no harm */
    assert_int_equal(lock.fd, -1);
}

static void lock__is_not_handed_to_programs_that_are_started(void **state)
{
    (void)state;
    struct aft_lock lock;
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_OK);
    assert_true((fcntl(lock.fd, F_GETFD) & FD_CLOEXEC) != 0);
    pid_t child = fork();
    if (child == 0) {
        (void)execl("/bin/sleep", "sleep", "5", (char *)NULL);
        _exit(127);
    }
    const struct timespec moment = {.tv_nsec = 200000000};
    (void)nanosleep(&moment, NULL); /* until it has exec'd */
    (void)close(lock.fd);           /* as the kernel does when the keeper is killed */
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_OK);
    aft_lock_release(&lock);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void lock__is_on_the_file_that_others_find(void **state)
{
    (void)state;
    char path[PATH_MAX + 8];
    struct aft_lock lock;
    struct aft_lock other;
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_OK);
    assert_int_equal(unlink(path), 0); /* somebody tidies up */
    assert_int_equal(aft_lock_take(&other, folder, NULL), AFT_OK);
    assert_true(fixture_exists(folder, "lock"));
    aft_lock_release(&other);
    aft_lock_release(&lock);
}

static void lock__refuses_what_is_no_file(void **state)
{
    (void)state;
    char path[PATH_MAX + 8];
    struct aft_lock lock;
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_ERR_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/tmp/aft-elsewhere", path), 0);
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_ERR_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(aft_lock_take(&lock, folder, NULL), AFT_ERR_IO);
    assert_int_equal(aft_lock_take(&lock, "/tmp/aft-no-such-folder", NULL), AFT_ERR_MISSING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lock__names_its_holder_and_ends_with_sigkill),
        TEST(lock__is_free_again_after_release),
        TEST(lock__is_not_handed_to_programs_that_are_started),
        TEST(lock__is_on_the_file_that_others_find),
        TEST(lock__refuses_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
