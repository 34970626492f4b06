/*
 * `aftershock train` as its users treat it: stopped, killed, started again,
 * its archives deleted or damaged. Every result is compared with that of a run
 * nobody disturbed, by a hash over the archive's tensors and counters.
 */
#include "tests/runner/place.h"

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

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void train__completes_and_then_has_nothing_to_do(void **state)
{
    const struct place *place = *state;
    expect_exit(place, 0, NULL);
    expect_said(place, "No checkpoints found - starting fresh training");
    expect_undisturbed_results(place);
    assert_true(program_has_file(place->folder, "models/small/progress.csv"));
    assert_true(program_has_file(place->folder, "models/small/run.log"));
    expect_exit(place, 0, NULL);
    expect_said(place, "All stages complete");
}

static void train__gives_the_same_bits_with_any_number_of_threads(void **state)
{
    const struct place *place = *state;
    const char *const one[] = {"--threads", "1", NULL};
    const char *const three[] = {"--threads", "3", "--fresh", NULL};
    expect_exit(place, 0, one);
    expect_undisturbed_results(place);
    expect_exit(place, 0, three);
    expect_undisturbed_results(place);
    assert_true(program_has_file(place->folder, "models/small.old-1/stage2_100kN.zip"));
}

static void rule1__training_goes_on_after_the_last_complete_stage(void **state)
{
    const struct place *place = *state;
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 8000));
    assert_int_equal(kill(-program.pid, SIGKILL), 0);
    assert_int_equal(program_wait(&program), 1000 + SIGKILL);
    assert_false(program_has_file(place->folder, "models/small/stage2_100kN.zip"));
    expect_exit(place, 0, NULL);
    expect_said(place, "RESUMING FROM CHECKPOINT");
    expect_said(place, "Last completed: Stage 1/2");
    expect_said(place, "Will resume from Stage 2/2");
    expect_undisturbed_results(place);
}

static void stop_with(const struct place *place, int number, int expected_exit)
{
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 8000));
    double asked = now_s();
    assert_int_equal(kill(-program.pid, number), 0);
    assert_int_equal(program_wait(&program), expected_exit);
    /* Two seconds are promised; a busy test machine is given more. tests/torture measures it. */
    assert_true(now_s() - asked < 15.0);
    char hash[AFT_SHA256_HEX_SIZE];
    program_state_hash(hash, place->folder, "stage2_INTERRUPTED_100kN.zip");
}

static void train__writes_an_interrupted_archive_on_ctrl_c(void **state)
{
    const struct place *place = *state;
    stop_with(place, SIGINT, 130);
    expect_finish(place);
    assert_true(program_has_file(place->folder, "models/small/stage2_INTERRUPTED_100kN.zip"));
}

static void train__writes_an_interrupted_archive_on_sigterm_and_sighup(void **state)
{
    const struct place *place = *state;
    stop_with(place, SIGTERM, 143);
    delete_archive(place, "stage2_INTERRUPTED_100kN.zip");
    stop_with(place, SIGHUP, 129);
    expect_finish(place);
}

static void lose_worker(const struct place *place, int number)
{
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 8000));
    assert_true(program_signal_worker(&program, number));
    assert_int_equal(program_wait(&program), 0);
    char hash[AFT_SHA256_HEX_SIZE];
    program_state_hash(hash, place->folder, "stage2_ERROR_100kN.zip");
    expect_undisturbed_results(place);
}

static void train__recovers_from_a_worker_ended_by_sigsegv(void **state)
{
    lose_worker(*state, SIGSEGV);
}

static void train__recovers_from_a_worker_ended_by_sigkill(void **state)
{
    lose_worker(*state, SIGKILL);
}

/* Losing the worker again and again without progress ends the run, with nothing lost. */
static void train__gives_up_after_retries_without_progress(void **state)
{
    const struct place *place = *state;
    struct program program;
    const char *const no_retries[] = {"--set", "recovery.retries=0", NULL};
    program_start_train(&program, place->folder, place->curriculum, no_retries);
    assert_true(program_await_step(&program, 2, 8000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_int_equal(program_wait(&program), 1);
    expect_said(place, "stage2_ERROR_100kN.zip");
    expect_finish(place);
}

static void train__ends_its_worker_when_the_keeper_is_killed(void **state)
{
    const struct place *place = *state;
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 1, 4000));
    pid_t worker = program_worker(&program);
    assert_true(worker > 0);
    assert_int_equal(kill(program.pid, SIGKILL), 0);
    assert_int_equal(program_wait(&program), 1000 + SIGKILL);
    double limit = now_s() + 5.0;
    while (kill(worker, 0) == 0 && now_s() < limit) {
        (void)usleep(1000);
    }
    assert_int_not_equal(kill(worker, 0), 0);
    expect_finish(place);
}

static void rule1__the_first_deleted_archive_is_where_training_starts(void **state)
{
    const struct place *place = *state;
    expect_exit(place, 0, NULL);
    delete_archive(place, "stage2_100kN.zip");
    expect_exit(place, 0, NULL);
    expect_said(place, "Will resume from Stage 2/2");
    expect_undisturbed_results(place);
}

static void damage(const struct place *place, const char *archive)
{
    char path[PATH_MAX];
    assert_true(snprintf(path, sizeof path, "%s/models/small/%s", place->folder, archive) <
                PATH_MAX);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, 1000, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 4, file), byte ^ 4);
    assert_int_equal(fclose(file), 0);
}

static void rule4__a_damaged_archive_is_set_aside_and_trained_again(void **state)
{
    const struct place *place = *state;
    expect_exit(place, 0, NULL);
    damage(place, "stage2_100kN.zip");
    expect_exit(place, 0, NULL);
    expect_said(place, "stage2_100kN.zip");
    assert_true(program_has_file(place->folder, "models/small/stage2_100kN.zip.corrupt"));
    expect_undisturbed_results(place);
}

static void rule4__a_damaged_first_stage_is_refused_again_and_again(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    expect_exit(place, 0, NULL);
    damage(place, "stage1_50kN.zip");
    expect_exit(place, 3, NULL);
    expect_exit(place, 3, NULL);
    assert_true(program_has_file(place->folder, "models/small/stage1_50kN.zip"));
    assert_true(program_has_file(place->folder, "models/small/stage2_100kN.zip"));
    expect_exit(place, 0, fresh);
    expect_undisturbed_results(place);
}

static void rule5__changed_settings_of_a_completed_stage_are_refused(void **state)
{
    const struct place *place = *state;
    const char *const changed[] = {"--set", "ppo.gamma=0.9", NULL};
    const char *const accepted[] = {"--set", "ppo.gamma=0.9", "--accept-changes", NULL};
    const char *const harmless[] = {"--set", "recovery.retries=1", NULL};
    expect_exit(place, 0, NULL);
    expect_exit(place, 3, changed);
    expect_said(place, "ppo.gamma");
    expect_said(place, "--accept-changes");
    expect_exit(place, 0, accepted);
    expect_exit(place, 0, harmless);
    expect_undisturbed_results(place);
}

static void rule6__archives_behind_a_gap_are_kept_when_their_turn_comes(void **state)
{
    const struct place *place = *state;
    const char *const other[] = {"--set", "stage 1.learning_rate=1e-3", NULL};
    expect_exit(place, 0, NULL);
    delete_archive(place, "stage1_50kN.zip");
    expect_exit(place, 0, other); /* stage 1 comes out differently: stage 2 does not follow */
    assert_true(program_has_file(place->folder, "models/small/stage2_100kN.superseded.zip"));
    assert_true(program_has_file(place->folder, "models/small/stage2_100kN.zip"));
    delete_archive(place, "stage1_50kN.zip");
    delete_archive(place, "stage2_100kN.zip");
    expect_finish(place);
}

static void train__leaves_everything_alone_on_wrong_input(void **state)
{
    const struct place *place = *state;
    static const char *const wrong[][4] = {
        {"--set", "ppo.gamma=2", NULL},    {"--set", "ppo.gama=0.9", NULL},
        {"--set", "nonsense", NULL},       {"--stop-after-stage", "3", NULL},
        {"--resume", "no/such.zip", NULL}, {"--threads", "-1", NULL},
        {"--engine", "tensorflow", NULL},  {"--no-such-option", NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_exit(place, 2, wrong[i]);
        assert_false(program_has_file(place->folder, "models"));
    }
    assert_int_equal(program_train(place->folder, "no/such/file.ini", NULL), 2);
    assert_false(program_has_file(place->folder, "models"));
}

static void train__lets_one_process_hold_a_run(void **state)
{
    const struct place *place = *state;
    struct program first;
    program_start_train(&first, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&first, 1, 800));
    expect_exit(place, 4, NULL);
    assert_int_equal(program_wait(&first), 0);
    expect_undisturbed_results(place);
}

static void train__stops_after_a_stage_and_plans_without_touching(void **state)
{
    const struct place *place = *state;
    const char *const plan[] = {"--dry-run", NULL};
    const char *const stop[] = {"--stop-after-stage", "1", NULL};
    expect_exit(place, 0, plan);
    assert_false(program_has_file(place->folder, "models"));
    expect_exit(place, 0, stop);
    assert_false(program_has_file(place->folder, "models/small/stage2_100kN.zip"));
    expect_exit(place, 0, plan);
    expect_said(place, "Will resume from Stage 2/2");
    expect_finish(place);
}

/* Kills in every phase of either stage, of the worker or of everything, one after
 * another in the same run, until it completes. */
static void train__ends_alike_after_kills_in_every_phase(void **state)
{
    static const enum aft_worker_phase phases[] = {
        AFT_PHASE_ROLLOUT, AFT_PHASE_UPDATE, AFT_PHASE_SEAL, AFT_PHASE_EVALUATION, AFT_PHASE_WAIT};
    enum { PHASES = sizeof phases / sizeof *phases, KILLS = 24 };
    const struct place *place = *state;
    int killed_in[PHASES] = {0};
    int kills = 0;
    unsigned int chance = 20261;
    for (int round = 0; kills < KILLS; round++) {
        struct program program;
        assert_true(round < 200);
        int which = round % PHASES;
        int stage = 1 + round / PHASES % 2;
        if (stage == 1) {
            delete_archive(place, "stage1_50kN.zip");
        }
        delete_archive(place, "stage2_100kN.zip");
        program_start_train(&program, place->folder, place->curriculum, NULL);
        if (program_await_phase(&program, stage, phases[which])) {
            struct timespec moment = {.tv_nsec = rand_r(&chance) % 3000000};
            (void)nanosleep(&moment, NULL);
            (void)kill(-program.pid, SIGKILL);
        }
        bool killed = program_wait(&program) == 1000 + SIGKILL;
        killed_in[which] += killed;
        kills += killed;
        if (program_has_file(place->folder, "models/small/stage2_100kN.zip")) {
            expect_undisturbed_results(place);
        }
    }
    for (int i = 0; i < PHASES; i++) {
        assert_true(killed_in[i] > 0);
    }
    expect_finish(place);
}

static void train__ends_alike_after_loss_of_the_worker_in_every_phase(void **state)
{
    static const enum aft_worker_phase phases[] = {AFT_PHASE_ROLLOUT, AFT_PHASE_UPDATE,
                                                   AFT_PHASE_SEAL, AFT_PHASE_EVALUATION};
    const struct place *place = *state;
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, NULL);
    int kills = 0;
    for (int stage = 1; stage <= 2; stage++) {
        for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
            if (program_await_phase(&program, stage, phases[i])) {
                kills += program_replace_worker(&program);
            }
        }
    }
    assert_int_equal(program_wait(&program), 0);
    assert_true(kills >= 6);
    expect_undisturbed_results(place);
}

/* progress.csv has every iteration once, in order, whatever happened in between. */
static void train__keeps_progress_without_gap_or_double(void **state)
{
    const struct place *place = *state;
    struct program program;
    char path[PATH_MAX];
    char line[4096];
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 4000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_true(program_await_step(&program, 2, 12000));
    assert_int_equal(kill(-program.pid, SIGKILL), 0);
    (void)program_wait(&program);
    expect_finish(place);
    assert_true(snprintf(path, sizeof path, "%s/models/small/progress.csv", place->folder) <
                PATH_MAX);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    int column = 0;
    for (char *name = strtok(line, ",\n"); strcmp(name, "time/total_timesteps") != 0;
         name = strtok(NULL, ",\n")) {
        column++;
    }
    long long expected = 800;
    while (fgets(line, sizeof line, file) != NULL) {
        char *cell = line;
        for (int i = 0; i < column; i++) {
            cell = strchr(cell, ',') + 1;
        }
        assert_int_equal(strtoll(cell, NULL, 10), expected);
        expected += 800;
    }
    (void)fclose(file);
    assert_int_equal(expected, 48000 + 800);
}

static void train__does_the_same_with_the_torch_engine(void **state)
{
    const struct place *place = *state;
    struct program program;
    const char *const torch[] = {"--engine", "torch", "--device", "cpu", NULL};
    char first[AFT_SHA256_HEX_SIZE];
    char second[AFT_SHA256_HEX_SIZE];
    if (access(AFT_BUILD_DIR "/modules/aftershock_torch.so", R_OK) != 0) {
        (void)fprintf(stderr, "no torch engine in this build\n");
        skip();
    }
    expect_exit(place, 0, torch);
    program_state_hash(first, place->folder, "stage2_100kN.zip");
    delete_archive(place, "stage2_100kN.zip");
    program_start_train(&program, place->folder, place->curriculum, torch);
    assert_true(program_await_step(&program, 2, 4000));
    assert_true(program_signal_worker(&program, SIGSEGV));
    assert_true(program_await_step(&program, 2, 12000));
    assert_int_equal(kill(-program.pid, SIGKILL), 0);
    (void)program_wait(&program);
    expect_exit(place, 0, torch);
    expect_said(place, "Will resume from Stage 2/2");
    program_state_hash(second, place->folder, "stage2_100kN.zip");
    assert_string_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(train__completes_and_then_has_nothing_to_do),
        IN_A_PLACE(train__gives_the_same_bits_with_any_number_of_threads),
        IN_A_PLACE(rule1__training_goes_on_after_the_last_complete_stage),
        IN_A_PLACE(train__writes_an_interrupted_archive_on_ctrl_c),
        IN_A_PLACE(train__writes_an_interrupted_archive_on_sigterm_and_sighup),
        IN_A_PLACE(train__recovers_from_a_worker_ended_by_sigsegv),
        IN_A_PLACE(train__recovers_from_a_worker_ended_by_sigkill),
        IN_A_PLACE(train__gives_up_after_retries_without_progress),
        IN_A_PLACE(train__ends_its_worker_when_the_keeper_is_killed),
        IN_A_PLACE(rule1__the_first_deleted_archive_is_where_training_starts),
        IN_A_PLACE(rule4__a_damaged_archive_is_set_aside_and_trained_again),
        IN_A_PLACE(rule4__a_damaged_first_stage_is_refused_again_and_again),
        IN_A_PLACE(rule5__changed_settings_of_a_completed_stage_are_refused),
        IN_A_PLACE(rule6__archives_behind_a_gap_are_kept_when_their_turn_comes),
        IN_A_PLACE(train__leaves_everything_alone_on_wrong_input),
        IN_A_PLACE(train__lets_one_process_hold_a_run),
        IN_A_PLACE(train__stops_after_a_stage_and_plans_without_touching),
        IN_A_PLACE(train__ends_alike_after_kills_in_every_phase),
        IN_A_PLACE(train__ends_alike_after_loss_of_the_worker_in_every_phase),
        IN_A_PLACE(train__keeps_progress_without_gap_or_double),
        IN_A_PLACE(train__does_the_same_with_the_torch_engine),
    };
    return cmocka_run_group_tests(tests, train_undisturbed, NULL);
}
