/*
 * What a run leaves for Stable-Baselines3's plotting scripts and TensorBoard,
 * however it was disturbed: check_metrics.py holds progress.csv, monitor.csv,
 * evaluations.npz and the event files to each other and to the archives. It
 * needs numpy and protobuf; without them the tests are skipped.
 */
#include "tests/runner/place.h"

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define EVALUATED "--set", "evaluation.every_steps=8000"
static const char *const plain[] = {EVALUATED, NULL};
static const char *const latest[] = {EVALUATED, "--resume", "latest", NULL};
static const char *const checkpointed[] = {EVALUATED, "--set",
                                           "recovery.checkpoint_every_steps=2000", NULL};

static int check(const struct place *place, const char *more)
{
    char command[2 * PATH_MAX];
    (void)snprintf(command, sizeof command,
                   "/usr/bin/python3 -B %s/tests/runner/check_metrics.py %.4000s/models/small 800 "
                   "%s",
                   AFT_SOURCE_DIR, place->folder, more);
    int status = system(command); /* fixed text and temporary paths of our own making */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_metrics(const struct place *place)
{
    int code = check(place, "");
    if (code == 77) {
        skip();
    }
    assert_int_equal(code, 0);
}

static void start_until(const struct place *place, int stage, long long step, int signal_number,
                        const char *const *arguments)
{
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, arguments);
    assert_true(program_await_step(&program, stage, step));
    assert_int_equal(kill(signal_number == SIGKILL ? -program.pid : program.pid, signal_number), 0);
    (void)program_wait(&program);
}

static void metrics__are_whole_after_a_run_that_nobody_disturbed(void **state)
{
    const struct place *place = *state;
    expect_exit(place, 0, plain);
    expect_metrics(place);
}

static void metrics__are_whole_after_kills_and_resumes(void **state)
{
    const struct place *place = *state;
    start_until(place, 1, 12000, SIGKILL, checkpointed); /* back to a checkpoint, or the start */
    start_until(place, 2, 4000, SIGINT, latest);
    start_until(place, 2, 12000, SIGKILL, latest); /* back to the INTERRUPTED archive */
    expect_exit(place, 0, latest);
    expect_metrics(place);
}

static void metrics__are_whole_after_going_back_to_a_stage(void **state)
{
    const struct place *place = *state;
    start_until(place, 2, 12000, SIGINT, plain);
    expect_exit(place, 0, plain); /* after stage 1 */
    expect_metrics(place);
    delete_archive(place, "stage2_100kN.zip");
    expect_exit(place, 0, plain); /* and once more */
    expect_metrics(place);
}

static void metrics__are_whole_after_a_worker_was_lost(void **state)
{
    const struct place *place = *state;
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, plain);
    assert_true(program_await_step(&program, 1, 6000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_int_equal(program_wait(&program), 0);
    expect_said(place, "INCIDENT");
    expect_metrics(place);
}

static void write_gated_curriculum(const struct place *place)
{
    FILE *file = fopen(place->curriculum, "a");
    assert_non_null(file);
    assert_true(fputs("max_drift_ratio = 0.01\nmax_attempts = 3\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void metrics__are_whole_after_a_stage_was_tried_again(void **state)
{
    const struct place *place = *state;
    const char *const milder[] = {
        EVALUATED, "--resume", "latest", "--set", "stage 2.max_drift_ratio=9", NULL};
    struct program program;
    write_gated_curriculum(place);
    program_start_train(&program, place->folder, place->curriculum, plain);
    assert_true(program_await_attempt(&program, 2, 2, 8000));
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
    expect_exit(place, 1, latest); /* no attempt passes */
    expect_exit(place, 0, milder); /* the last is evaluated again, and passes */
    expect_metrics(place);
}

/* A torn end, as a power cut leaves it. */
static void append_garbage(const struct place *place, const char *pattern)
{
    char path[PATH_MAX];
    glob_t found;
    (void)snprintf(path, sizeof path, "%.4000s/models/small/%s", place->folder, pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    FILE *file = fopen(found.gl_pathv[0], "a");
    assert_non_null(file);
    assert_true(fputs("1,2,3", file) >= 0);
    assert_int_equal(fclose(file), 0);
    globfree(&found);
}

static void metrics__lose_what_was_torn(void **state)
{
    const struct place *place = *state;
    start_until(place, 1, 12000, SIGINT, plain);
    append_garbage(place, "progress.csv");
    append_garbage(place, "monitor.csv");
    append_garbage(place, "events.out.tfevents.*");
    expect_exit(place, 0, latest);
    expect_metrics(place);
}

static void metrics__may_do_without_event_files(void **state)
{
    const struct place *place = *state;
    const char *const without[] = {EVALUATED, "--set", "run.tensorboard=false", NULL};
    expect_exit(place, 0, without);
    int code = check(place, "no-tensorboard");
    assert_true(code == 0 || code == 77);
}

static void make_folder(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%.4000s/%s", place->folder, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void metrics__that_cannot_be_written_do_not_stop_training(void **state)
{
    const struct place *place = *state;
    make_folder(place, "models");
    make_folder(place, "models/small");
    make_folder(place, "models/small/progress.csv");
    make_folder(place, "models/small/monitor.csv");
    make_folder(place, "models/small/evaluations.npz");
    make_folder(place, "models/small/events.out.tfevents.1");
    expect_finish(place);
    expect_said(place, "monitor.csv");
    expect_said(place, "evaluations.npz");
    expect_said(place, "events.out.tfevents.1");
    expect_said(place, "training goes on without it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(metrics__are_whole_after_a_run_that_nobody_disturbed),
        IN_A_PLACE(metrics__are_whole_after_kills_and_resumes),
        IN_A_PLACE(metrics__are_whole_after_going_back_to_a_stage),
        IN_A_PLACE(metrics__are_whole_after_a_worker_was_lost),
        IN_A_PLACE(metrics__are_whole_after_a_stage_was_tried_again),
        IN_A_PLACE(metrics__lose_what_was_torn),
        IN_A_PLACE(metrics__may_do_without_event_files),
        IN_A_PLACE(metrics__that_cannot_be_written_do_not_stop_training),
    };
    return cmocka_run_group_tests(tests, train_undisturbed, NULL);
}
