/*
 * `aftershock train --seeds N` as its users treat it: stopped within a seed and
 * between two, started again. Each seed's result is that of the seed trained alone.
 */
#include "tests/runner/place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const two_seeds[] = {"--seeds", "2", NULL};
static const char *const three_seeds[] = {"--seeds", "3", NULL};

static void expect_same(const struct place *place, const char *one, const char *other)
{
    char hash[2][AFT_SHA256_HEX_SIZE];
    program_hash_of(hash[0], place->folder, one);
    program_hash_of(hash[1], place->folder, other);
    assert_string_equal(hash[0], hash[1]);
}

static bool has(const struct place *place, const char *name)
{
    return program_has_file(place->folder, name);
}

static void await_file(const struct place *place, const char *name)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 60 * 1000 && !has(place, name); i++) {
        (void)nanosleep(&moment, NULL);
    }
    assert_true(has(place, name));
}

static void seeds__are_runs_of_their_own_and_done_once(void **state)
{
    const struct place *place = *state;
    const char *const alone[] = {"--run-name", "alone", "--seed", "8", NULL};
    const char *const fresh[] = {"--seeds", "1", "--fresh", NULL};
    const char *const first_stage[] = {"--seeds", "2", "--stop-after-stage", "1", NULL};
    expect_exit(place, 0, two_seeds);
    expect_said(place, "Seed 8 (2 of 2)");
    expect_said(place, "All 2 seeds are done (7 to 8)");
    assert_true(has(place, "models/small-seed7/final_small-seed7.zip"));
    expect_exit(place, 0, first_stage);
    expect_said(place, "All 2 seeds are done up to stage 1 (7 to 8)");
    expect_exit(place, 0, alone);
    expect_same(place, "models/small-seed8/stage2_100kN.zip", "models/alone/stage2_100kN.zip");
    expect_exit(place, 0, three_seeds); /* the first two have nothing left to do */
    expect_said(place, "Seed 9 (3 of 3)");
    assert_false(program_said(place->folder, "run 'small-seed8': 2 stages"));
    expect_exit(place, 0, fresh);
    assert_true(has(place, "models/small-seed7.old-1/stage2_100kN.zip"));
    expect_same(place, "models/small-seed7/stage2_100kN.zip",
                "models/small-seed7.old-1/stage2_100kN.zip");
}

static void seeds__go_on_where_ctrl_c_ended_them(void **state)
{
    const struct place *place = *state;
    const char *const alone[] = {"--run-name", "alone", "--seed", "8", NULL};
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, three_seeds);
    await_file(place, "models/small-seed8/stage1_50kN.zip");
    assert_true(program_await_step(&program, 2, 4000));
    assert_int_equal(kill(-program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
    expect_said(place, "1 of 3 seeds done; the same command goes on with seed 8");
    assert_true(has(place, "models/small-seed8/stage2_INTERRUPTED_100kN.zip"));
    assert_false(has(place, "models/small-seed9"));
    expect_exit(place, 0, three_seeds);
    expect_said(place, "Last completed: Stage 1/2");
    assert_true(has(place, "models/small-seed9/final_small-seed9.zip"));
    expect_exit(place, 0, alone);
    expect_same(place, "models/small-seed8/stage2_100kN.zip", "models/alone/stage2_100kN.zip");
}

/* Whatever moment it takes the first seed in: publishing its last archive, or later. */
static void seeds__begin_no_other_when_one_ends_while_it_is_stopped(void **state)
{
    const struct place *place = *state;
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, three_seeds);
    await_file(place, "models/small-seed7/stage2_100kN.zip");
    assert_int_equal(kill(-program.pid, SIGTERM), 0);
    assert_int_equal(program_wait(&program), 143);
    assert_false(has(place, "models/small-seed9"));
    assert_false(has(place, "models/small-seed8/stage1_50kN.zip"));
    expect_exit(place, 0, three_seeds);
}

/* A signal pends already when the program starts: no run is there to take it. */
static void seeds__end_between_two_that_have_nothing_to_do(void **state)
{
    const struct place *place = *state;
    char models[PATH_MAX];
    char output[PATH_MAX];
    expect_exit(place, 0, two_seeds);
    assert_true(snprintf(models, PATH_MAX, "%s/models", place->folder) < PATH_MAX);
    assert_true(snprintf(output, PATH_MAX, "%s/output.txt", place->folder) < PATH_MAX);
    struct program program = {.pid = fork()};
    if (program.pid == 0) {
        sigset_t set;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)raise(SIGINT);
        int fd = open(output, O_WRONLY | O_TRUNC);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)execl(AFT_BUILD_DIR "/aftershock", "aftershock", "train", place->curriculum,
                    "--models", models, "--seeds", "2", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(program_wait(&program), 130);
    expect_said(place, "1 of 2 seeds done; the same command goes on with seed 8");
    assert_false(program_said(place->folder, "Seed 8 (2 of 2)"));
}

static void seeds__are_checkpointed_for_a_batch_system(void **state)
{
    const struct place *place = *state;
    const char *const latest[] = {"--seeds", "2", "--resume", "latest", NULL};
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, two_seeds);
    assert_true(program_await_step(&program, 1, 4000));
    assert_int_equal(kill(program.pid, SIGUSR2), 0);
    assert_int_equal(program_wait(&program), 75);
    expect_said(place, "0 of 2 seeds done; the same command with --resume latest goes on");
    expect_exit(place, 0, latest);
    assert_true(has(place, "models/small-seed8/final_small-seed8.zip"));
}

/* The first seed that does not come to 0 ends the call, with its code. */
static void seeds__end_at_the_first_that_is_refused(void **state)
{
    const struct place *place = *state;
    char path[PATH_MAX];
    const char *const folders[] = {"models", "models/small-seed8"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(snprintf(path, PATH_MAX, "%s/%s", place->folder, folders[i]) < PATH_MAX);
        assert_int_equal(mkdir(path, 0777), 0);
    }
    assert_true(snprintf(path, PATH_MAX, "%s/models/small-seed8/stage1_50kN.zip", place->folder) <
                PATH_MAX);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("no archive", file) >= 0);
    assert_int_equal(fclose(file), 0);
    expect_exit(place, 3, three_seeds);
    expect_said(place, "1 of 3 seeds done; the same command goes on with seed 8");
    assert_true(has(place, "models/small-seed7/final_small-seed7.zip"));
    assert_false(has(place, "models/small-seed9"));
}

static void seeds__touch_nothing_when_the_last_has_no_name(void **state)
{
    const struct place *place = *state;
    const char *const long_name[] = {"--seeds", "5", "--run-name",
                                     "a-name-of-58-characters-with-seed7-it-fits-with-seed11-not",
                                     NULL};
    const char *const large_seed[] = {"--seeds", "1000", "--seed", "9000000000000000000", NULL};
    expect_exit(place, 2, long_name);
    expect_said(place, "expected 1 to 63 of");
    expect_exit(place, 2, large_seed);
    assert_false(has(place, "models"));
}

static void seeds__are_planned_without_being_trained(void **state)
{
    const struct place *place = *state;
    const char *const plan[] = {"--seeds", "2", "--dry-run", NULL};
    expect_exit(place, 0, plan);
    expect_said(place, "Seed 8 (2 of 2)");
    assert_false(has(place, "models"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(seeds__are_runs_of_their_own_and_done_once),
        IN_A_PLACE(seeds__go_on_where_ctrl_c_ended_them),
        IN_A_PLACE(seeds__begin_no_other_when_one_ends_while_it_is_stopped),
        IN_A_PLACE(seeds__end_between_two_that_have_nothing_to_do),
        IN_A_PLACE(seeds__are_checkpointed_for_a_batch_system),
        IN_A_PLACE(seeds__end_at_the_first_that_is_refused),
        IN_A_PLACE(seeds__touch_nothing_when_the_last_has_no_name),
        IN_A_PLACE(seeds__are_planned_without_being_trained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
