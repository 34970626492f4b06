/*
 * Continuing in the middle of a stage, step checkpoints, the best model and the
 * batch system's signals, each test named after the rule or promise it holds
 * `aftershock train` to.
 */
#include "base/file.h"
#include "recovery/archive.h"
#include "tests/runner/place.h"

#include <dirent.h>
#include <glob.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const latest[] = {"--resume", "latest", NULL};

static void start(struct program *program, const struct place *place, const char *const *arguments)
{
    program_start_train(program, place->folder, place->curriculum, arguments);
}

static void interrupt_at(const struct place *place, int stage, long long step,
                         const char *const *arguments)
{
    struct program program;
    start(&program, place, arguments);
    assert_true(program_await_step(&program, stage, step));
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
}

static void rule2__latest_continues_an_interrupted_stage_bit_for_bit(void **state)
{
    const struct place *place = *state;
    const char *const one_thread[] = {"--resume", "latest", "--threads", "1", NULL};
    interrupt_at(place, 1, 4000, NULL);
    interrupt_at(place, 1, 12000, one_thread); /* continues, and is interrupted again */
    expect_said(place, "Will resume from Stage 1/2, step");
    interrupt_at(place, 2, 8000, latest);
    expect_exit(place, 0, latest);
    expect_said(place, "RESUMING FROM CHECKPOINT");
    expect_said(place, "stage2_INTERRUPTED_100kN.zip");
    expect_said(place, "Will resume from Stage 2/2, step");
    expect_said(place, "STAGE 2/2: M5.7@100kN");
    expect_said(place, "goes on from step");
    expect_undisturbed_results(place);
}

static void rule2__latest_continues_from_before_the_first_iteration(void **state)
{
    const struct place *place = *state;
    char hash[AFT_SHA256_HEX_SIZE];
    interrupt_at(place, 1, 0, NULL);
    program_state_hash(hash, place->folder, "stage1_INTERRUPTED_50kN.zip");
    expect_exit(place, 0, latest);
    expect_undisturbed_results(place);
}

static void rule2__latest_continues_from_an_error_archive(void **state)
{
    const struct place *place = *state;
    const char *const no_retries[] = {"--set", "recovery.retries=0", NULL};
    struct program program;
    start(&program, place, no_retries);
    assert_true(program_await_step(&program, 2, 8000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_int_equal(program_wait(&program), 1);
    expect_exit(place, 0, latest);
    expect_said(place, "stage2_ERROR_100kN.zip");
    expect_undisturbed_results(place);
}

/* The first step checkpoint of stage 2 is there; its run is far from its end. */
static bool await_checkpoint(const struct place *place)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char pattern[PATH_MAX];
    (void)snprintf(pattern, sizeof pattern, "%.4000s/models/small/checkpoints/stage2_step0*.zip",
                   place->folder);
    for (int i = 0; i < 30000; i++) {
        glob_t found;
        int code = glob(pattern, GLOB_NOSORT, NULL, &found);
        globfree(&found);
        if (code == 0) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void rule2__latest_takes_the_most_steps_and_falls_back_to_the_stage(void **state)
{
    const struct place *place = *state;
    const char *const by_steps[] = {"--set", "recovery.checkpoint_every_steps=2000", NULL};
    struct program program;
    start(&program, place, by_steps);
    assert_true(await_checkpoint(place));
    assert_int_equal(kill(-program.pid, SIGKILL), 0);
    (void)program_wait(&program);
    expect_exit(place, 0, latest);
    expect_said(place, "checkpoints/stage2_step0");
    expect_undisturbed_results(place);
    delete_archive(place, "stage1_50kN.zip"); /* checkpoints of stage 2 no longer continue it */
    delete_archive(place, "stage2_100kN.zip");
    expect_exit(place, 0, latest);
    expect_undisturbed_results(place);
}

static void rule2__latest_does_not_use_a_state_of_other_settings(void **state)
{
    const struct place *place = *state;
    const char *const changed[] = {
        "--resume",           "latest", "--set", "stage 2.learning_rate=1e-3",
        "--stop-after-stage", "2",      NULL};
    interrupt_at(place, 2, 8000, NULL);
    expect_exit(place, 0, changed);
    expect_said(place, "No archive in the middle of stage 2 continues it");
    assert_true(program_has_file(place->folder, "models/small/stage2_INTERRUPTED_100kN.zip"));
}

static void rule3__a_path_is_continued_exactly(void **state)
{
    const struct place *place = *state;
    char path[PATH_MAX];
    const char *const named[] = {"--resume", path, NULL};
    interrupt_at(place, 2, 8000, NULL);
    (void)snprintf(path, sizeof path, "%.4000s/kept.zip", place->folder);
    char from[PATH_MAX];
    (void)snprintf(from, sizeof from, "%.4000s/models/small/stage2_INTERRUPTED_100kN.zip",
                   place->folder);
    assert_int_equal(rename(from, path), 0);
    expect_exit(place, 0, named);
    expect_said(place, "kept.zip");
    expect_said(place, "Will resume from Stage 2/2, step");
    expect_undisturbed_results(place);
}

static void rule3__the_result_of_a_stage_begins_the_first_incomplete_one(void **state)
{
    const struct place *place = *state;
    char path[PATH_MAX];
    const char *const named[] = {"--resume", path, "--run-name", "other", NULL};
    expect_exit(place, 0, NULL);
    (void)snprintf(path, sizeof path, "%.4000s/models/small/final_small.zip", place->folder);
    expect_exit(place, 0, named);
    expect_said(place, "Will resume from Stage 1/2");
    assert_true(program_has_file(place->folder, "models/other/stage2_100kN.zip"));
}

static void rule2__latest_continues_an_import_into_a_later_stage(void **state)
{
    const struct place *place = *state;
    char path[PATH_MAX];
    const char *const import[] = {"--resume", path, NULL};
    expect_exit(place, 0, NULL);
    (void)snprintf(path, sizeof path, "%.4000s/kept.zip", place->folder);
    char from[PATH_MAX];
    (void)snprintf(from, sizeof from, "%.4000s/models/small/best_model.zip", place->folder);
    assert_int_equal(rename(from, path), 0);
    delete_archive(place, "stage2_100kN.zip");
    interrupt_at(place, 2, 8000, import);
    expect_exit(place, 0, latest);
    expect_said(place, "Will resume from Stage 2/2, step");
    expect_exit(place, 0, NULL);
    expect_said(place, "All stages complete");
}

static void rule3__another_network_is_refused_before_anything_is_touched(void **state)
{
    const struct place *place = *state;
    const char *const other[] = {"--set", "ppo.network=32,32", "--accept-changes", NULL};
    const char *const one[] = {"--stop-after-stage", "1", NULL};
    expect_exit(place, 0, one);
    expect_exit(place, 3, other);
    expect_said(place, "ppo.network");
    expect_finish(place);
}

static void rule3__what_cannot_be_used_is_refused(void **state)
{
    const struct place *place = *state;
    char path[PATH_MAX];
    const char *const missing[] = {"--resume", "no/such.zip", NULL};
    const char *const named[] = {"--resume", path, NULL};
    const char *const elsewhere[] = {"--resume", path, "--run-name", "other", NULL};
    expect_exit(place, 2, missing);
    assert_false(program_has_file(place->folder, "models"));
    interrupt_at(place, 2, 8000, NULL);
    (void)snprintf(path, sizeof path, "%.4000s/models/small/stage2_INTERRUPTED_100kN.zip",
                   place->folder);
    expect_exit(place, 3, elsewhere); /* the stage that it started from is not there */
    assert_int_equal(truncate(path, 2000), 0);
    expect_exit(place, 3, named);
    expect_finish(place);
}

static int count_checkpoints(const struct place *place, bool valid_only)
{
    char folder[PATH_MAX];
    int n = 0;
    (void)snprintf(folder, sizeof folder, "%.4000s/models/small/checkpoints", place->folder);
    DIR *stream = opendir(folder);
    for (struct dirent *entry = stream != NULL ? readdir(stream) : NULL; entry != NULL;
         entry = readdir(stream)) {
        char name[PATH_MAX];
        char hash[AFT_SHA256_HEX_SIZE];
        if (entry->d_name[0] != '.' && !aft_file_is_temporary(entry->d_name)) {
            (void)snprintf(name, sizeof name, "checkpoints/%s", entry->d_name);
            if (valid_only) {
                program_state_hash(hash, place->folder, name);
            }
            n++;
        }
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return n;
}

static void checkpoints__keep_the_newest_across_restarts(void **state)
{
    const struct place *place = *state;
    const char *const settings[] = {"--set",    "recovery.checkpoint_every_steps=2400",
                                    "--set",    "recovery.keep_last=3",
                                    "--resume", "latest",
                                    NULL};
    struct program program;
    for (int i = 0; i < 2; i++) {
        start(&program, place, settings);
        assert_true(program_await_step(&program, 2, 8000 + 8000 * i));
        assert_int_equal(kill(-program.pid, SIGKILL), 0);
        (void)program_wait(&program);
        assert_in_range(count_checkpoints(place, true), 1, 4); /* a kill may come before unlink */
    }
    expect_exit(place, 0, settings);
    expect_undisturbed_results(place);
    assert_int_equal(count_checkpoints(place, true), 3);
    assert_false(
        program_has_file(place->folder, "models/small/checkpoints/stage1_step000002400.zip"));
}

static void sigusr1__writes_a_checkpoint_and_training_goes_on(void **state)
{
    const struct place *place = *state;
    struct program program;
    start(&program, place, NULL);
    assert_true(program_await_step(&program, 1, 4000));
    assert_int_equal(kill(-program.pid, SIGUSR1), 0);
    assert_int_equal(program_wait(&program), 0);
    assert_int_equal(count_checkpoints(place, true), 1);
    expect_undisturbed_results(place);
}

static void sigusr2__checkpoints_and_exits_75_for_the_batch_system(void **state)
{
    const struct place *place = *state;
    struct program program;
    start(&program, place, NULL);
    assert_true(program_await_step(&program, 2, 8000));
    assert_int_equal(kill(-program.pid, SIGUSR2), 0);
    assert_int_equal(program_wait(&program), 75);
    expect_said(place, "--resume latest");
    assert_int_equal(count_checkpoints(place, true), 1);
    expect_exit(place, 0, latest);
    expect_undisturbed_results(place);
}

static double score_of(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct aft_archive *archive = NULL;
    (void)snprintf(path, sizeof path, "%.4000s/models/small/%s", place->folder, name);
    assert_int_equal(aft_archive_open(&archive, path, NULL), AFT_OK);
    double score = aft_json_get_real(aft_archive_manifest(archive), "score", 1e9);
    aft_archive_close(archive);
    return score;
}

static void best_model__has_the_best_score_and_never_a_worse_one(void **state)
{
    const struct place *place = *state;
    const char *const often[] = {"--set", "evaluation.every_steps=4000", NULL};
    expect_exit(place, 0, often);
    expect_undisturbed_results(place); /* evaluations on the way change no bit of training */
    double best = score_of(place, "best_model.zip");
    assert_true(best >= score_of(place, "stage1_50kN.zip"));
    assert_true(best >= score_of(place, "stage2_100kN.zip"));
    const char *const worse[] = {"--set", "stage 2.learning_rate=1e-2", NULL};
    delete_archive(place, "stage2_100kN.zip");
    expect_exit(place, 0, worse);
    assert_true(score_of(place, "best_model.zip") >= best);
}

static void final__is_made_again_when_it_is_gone(void **state)
{
    const struct place *place = *state;
    char stage[AFT_SHA256_HEX_SIZE];
    char final[AFT_SHA256_HEX_SIZE];
    expect_exit(place, 0, NULL);
    delete_archive(place, "final_small.zip");
    expect_exit(place, 0, NULL);
    expect_said(place, "All stages complete");
    program_state_hash(stage, place->folder, "stage2_100kN.zip");
    program_state_hash(final, place->folder, "final_small.zip");
    assert_string_equal(final, stage);
}

static void train__survives_closed_standard_streams(void **state)
{
    const struct place *place = *state;
    char command[3 * PATH_MAX];
    (void)snprintf(command, sizeof command,
                   "%s/aftershock train %s --models %.4000s/models >&- <&- 2>&-", AFT_BUILD_DIR,
                   place->curriculum, place->folder);
    assert_int_equal(system(command), 0);
    expect_undisturbed_results(place);
}

static void train__takes_a_stop_of_everything_for_no_hang(void **state)
{
    const struct place *place = *state;
    const char *const impatient[] = {"--set", "recovery.hang_timeout_s=2", NULL};
    struct program program;
    start(&program, place, impatient);
    assert_true(program_await_step(&program, 1, 4000));
    assert_int_equal(kill(-program.pid, SIGSTOP), 0);
    (void)sleep(4);
    assert_int_equal(kill(-program.pid, SIGCONT), 0);
    assert_int_equal(program_wait(&program), 0);
    assert_false(program_has_file(place->folder, "models/small/stage1_ERROR_50kN.zip"));
    expect_undisturbed_results(place);
}

static void train__recovers_from_a_worker_that_hangs(void **state)
{
    const struct place *place = *state;
    const char *const impatient[] = {"--set", "recovery.hang_timeout_s=1", NULL};
    struct program program;
    start(&program, place, impatient);
    assert_true(program_await_step(&program, 1, 4000));
    assert_true(program_signal_worker(&program, SIGSTOP));
    assert_int_equal(program_wait(&program), 0);
    expect_said(place, "hung");
    assert_true(program_has_file(place->folder, "models/small/stage1_ERROR_50kN.zip"));
    expect_undisturbed_results(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(rule2__latest_continues_an_interrupted_stage_bit_for_bit),
        IN_A_PLACE(rule2__latest_continues_from_before_the_first_iteration),
        IN_A_PLACE(rule2__latest_continues_from_an_error_archive),
        IN_A_PLACE(rule2__latest_takes_the_most_steps_and_falls_back_to_the_stage),
        IN_A_PLACE(rule2__latest_does_not_use_a_state_of_other_settings),
        IN_A_PLACE(rule3__a_path_is_continued_exactly),
        IN_A_PLACE(rule3__the_result_of_a_stage_begins_the_first_incomplete_one),
        IN_A_PLACE(rule2__latest_continues_an_import_into_a_later_stage),
        IN_A_PLACE(rule3__another_network_is_refused_before_anything_is_touched),
        IN_A_PLACE(rule3__what_cannot_be_used_is_refused),
        IN_A_PLACE(checkpoints__keep_the_newest_across_restarts),
        IN_A_PLACE(sigusr1__writes_a_checkpoint_and_training_goes_on),
        IN_A_PLACE(sigusr2__checkpoints_and_exits_75_for_the_batch_system),
        IN_A_PLACE(best_model__has_the_best_score_and_never_a_worse_one),
        IN_A_PLACE(final__is_made_again_when_it_is_gone),
        IN_A_PLACE(train__survives_closed_standard_streams),
        IN_A_PLACE(train__takes_a_stop_of_everything_for_no_hang),
        IN_A_PLACE(train__recovers_from_a_worker_that_hangs),
    };
    return cmocka_run_group_tests(tests, train_undisturbed, NULL);
}
