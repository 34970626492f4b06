/*
 * Gates as users meet them: injected regressions are blocked, a retry rolls back
 * and may pass, and whatever disturbs an attempt, the result has the bits of the
 * run that nobody disturbed.
 */
#include "base/json.h"
#include "recovery/archive.h"
#include "tests/runner/place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 9600 }; /* of either stage, 800 an iteration */

static const char *const latest[] = {"--resume", "latest", NULL};

/* A stage 2 that is only paid for holding the force still unlearns what stage 1 taught … */
#define UNLEARNS "reward_drift = 0\nreward_peak = 0\nreward_force_rate = 1\n"
/* … and does no harm at a hundredth of the learning rate. */
#define UNLEARNS_ONCE UNLEARNS "forget_tolerance = 0.05\nretry_learning_rate_factor = 0.01\n"

/* The normaliser is a part of the state to which a blocked attempt returns. */
#define BLOCKED "normalize_observation = true\nmax_drift_ratio = 0.01\n"

/* Two stages of a tiny network; run is further lines of [run] and sections after it, stage2 of
 * stage 2. */
static void write_curriculum(const struct place *place, const char *run, const char *stage2)
{
    FILE *file = fopen(place->curriculum, "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "[run]\nname = small\n%s"
                        "[environment]\nn_envs = 16\nepisode_s = 4\ndrift_storeys = 1,4,8,12\n"
                        "[ground_motion]\ndistance_km = 5\n"
                        "[ppo]\nnetwork = 16,16\nn_steps = 50\nbatch_size = 200\nn_epochs = 4\n"
                        "learning_rate = 3e-3\n"
                        "[evaluation]\nmotions = 2\ntail_s = 1\n"
                        "[recovery]\ncheckpoint_every_s = 0\n"
                        "[stage M4.5@50kN]\ntimesteps = 9600\n"
                        "[stage M5.7@100kN]\ntimesteps = 9600\n%s",
                        run, stage2) > 0);
    assert_int_equal(fclose(file), 0);
}

static struct aft_archive *open_archive(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    (void)snprintf(path, sizeof path, "%.4000s/models/small/%s", place->folder, name);
    if (aft_archive_open(&archive, path, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return archive;
}

/* The manifest's attempts: so many, all blocked but perhaps the last. */
static void expect_attempts(const struct place *place, const char *name, int n, bool last_passed)
{
    struct aft_archive *archive = open_archive(place, name);
    const struct aft_json *manifest = aft_archive_manifest(archive);
    const struct aft_json *attempts = aft_json_get(manifest, "attempts");
    assert_int_equal(aft_json_get_integer(manifest, "attempt", 0), n > 0 ? n : 1);
    assert_int_equal(aft_json_length(attempts), n);
    for (int i = 0; i < n; i++) {
        const struct aft_json *attempt = aft_json_at(attempts, (size_t)i);
        bool passed = strcmp(aft_json_get_string(attempt, "reason", ""), "passed") == 0;
        assert_int_equal(aft_json_get_integer(attempt, "attempt", 0), i + 1);
        assert_int_equal(passed, last_passed && i == n - 1);
        assert_true(aft_json_get_real(attempt, "score", -1) > 0);
    }
    aft_archive_close(archive);
}

static void gate__leaves_the_bits_of_a_stage_that_passes_alone(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    static const char *const names[] = {"stage1_50kN.zip", "stage2_100kN.zip"};
    char without[2][AFT_SHA256_HEX_SIZE];
    char with[AFT_SHA256_HEX_SIZE];
    write_curriculum(place, "", "");
    expect_exit(place, 0, NULL);
    for (int i = 0; i < 2; i++) {
        program_state_hash(without[i], place->folder, names[i]);
        expect_attempts(place, names[i], 0, true);
    }
    write_curriculum(place, "[gate]\nmax_drift_ratio = 9\nforget_tolerance = 9\n", "");
    expect_exit(place, 0, fresh);
    expect_said(place, "attempt 1 of 3 passed");
    for (int i = 0; i < 2; i++) {
        program_state_hash(with, place->folder, names[i]);
        assert_string_equal(with, without[i]);
        expect_attempts(place, names[i], 1, true);
    }
}

/* What is wrong, and how it must be found out. */
static const struct regression {
    const char *run, *stage2; /* lines of the curriculum */
    int stage;                /* the one that is blocked */
    int attempts;
    const char *said;
} regressions[] = {
    /* stage 2 unlearns what stage 1 taught */
    {"seed = 1\n", UNLEARNS "forget_tolerance = 0.05\nmax_attempts = 1\n", 2, 1,
     "stage 1's mean peak drift rose to"},
    {"seed = 2\n", UNLEARNS "forget_tolerance = 0.02\nmax_attempts = 1\n", 2, 1,
     "stage 1's mean peak drift rose to"},
    {"seed = 3\n", UNLEARNS "forget_tolerance = 0.05\nmax_attempts = 1\n", 2, 1,
     "stage 1's mean peak drift rose to"},
    {"seed = 4\n",
     UNLEARNS "forget_tolerance = 0.05\nmax_attempts = 2\nretry_learning_rate_factor = 1\n", 2, 2,
     "stage 1's mean peak drift rose to"},
    /* the same, noticed by its own score */
    {"seed = 3\n", UNLEARNS "max_drift_ratio = 0.6\nmax_attempts = 1\n", 2, 1,
     "above max_drift_ratio 0.6"},
    {"seed = 4\n[gate]\nmax_attempts = 1\n", UNLEARNS "max_drift_ratio = 0.55\n", 2, 1,
     "above max_drift_ratio 0.55"},
    /* a learning rate that makes noise of a policy, at every attempt */
    {"seed = 1\n",
     "learning_rate = 1\nmax_drift_ratio = 0.5\nmax_attempts = 2\n"
     "retry_learning_rate_factor = 1\n",
     2, 2, "above max_drift_ratio 0.5"},
    /* sound training that cannot be as good as it is asked to be, in either stage */
    {"seed = 1\n[gate]\nmax_drift_ratio = 0.01\n", "", 1, 3, "above max_drift_ratio 0.01"},
    {"seed = 2\n", "max_drift_ratio = 0.1\nmax_attempts = 2\n", 2, 2, "above max_drift_ratio 0.1"},
    {"seed = 3\n", "max_drift_ratio = 0.3\nforget_tolerance = 9\nmax_attempts = 4\n", 2, 4,
     "above max_drift_ratio 0.3"},
};

static void gate__blocks_ten_of_ten_injected_regressions(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    static const char *const stage_archives[] = {"models/small/stage1_50kN.zip",
                                                 "models/small/stage2_100kN.zip"};
    int blocked = 0;
    for (size_t i = 0; i < sizeof regressions / sizeof *regressions; i++) {
        const struct regression *regression = &regressions[i];
        char text[64];
        write_curriculum(place, regression->run, regression->stage2);
        expect_exit(place, 1, fresh);
        (void)snprintf(text, sizeof text, "did not pass in %d attempt", regression->attempts);
        expect_said(place, text);
        expect_said(place, regression->said);
        expect_said(place, "relax [gate]");
        for (int stage = 1; stage <= 2; stage++) {
            assert_int_equal(program_has_file(place->folder, stage_archives[stage - 1]),
                             stage < regression->stage);
        }
        assert_false(program_has_file(place->folder, "models/small/final_small.zip"));
        expect_attempts(place,
                        regression->stage == 1 ? "stage1_ERROR_50kN.zip" : "stage2_ERROR_100kN.zip",
                        regression->attempts, false);
        blocked++;
    }
    assert_int_equal(blocked, 10);
}

static void gate__rolls_back_and_passes_with_a_smaller_learning_rate(void **state)
{
    const struct place *place = *state;
    write_curriculum(place, "", UNLEARNS_ONCE);
    expect_exit(place, 0, NULL);
    expect_said(place, "attempt 1 of 3 did not pass");
    expect_said(place, "STAGE 2/2: M5.7@100kN, attempt 2");
    expect_said(place, "attempt 2 of 3 passed");
    expect_attempts(place, "stage2_100kN.zip", 2, true);
    struct aft_archive *first = open_archive(place, "stage1_50kN.zip");
    struct aft_archive *second = open_archive(place, "stage2_100kN.zip");
    const struct aft_archive_counters *before = aft_archive_counters(first);
    const struct aft_archive_counters *after = aft_archive_counters(second);
    assert_int_equal(after->steps, STEPS);
    assert_int_equal(after->total_steps, before->total_steps + 2 * STEPS);
    /* Adam's steps are those of the weights: the blocked attempt left none behind. */
    assert_int_equal(after->adam_step, before->adam_step + after->updates);
    aft_archive_close(first);
    aft_archive_close(second);
}

/* The entropy's weight lets the logarithm of the action noise grow by the learning rate with each
 * update, until its exponential overflows. */
#define DIVERGES "learning_rate = 1\nent_coef = 10\nmax_drift_ratio = 1000\n"

static void expect_reason(const struct place *place, const char *name, int attempt,
                          const char *reason)
{
    struct aft_archive *archive = open_archive(place, name);
    const struct aft_json *attempts = aft_json_get(aft_archive_manifest(archive), "attempts");
    const struct aft_json *one = aft_json_at(attempts, (size_t)attempt - 1);
    assert_string_equal(aft_json_get_string(one, "reason", ""), reason);
    aft_archive_close(archive);
}

static void gate__takes_divergence_for_a_failed_attempt(void **state)
{
    const struct place *place = *state;
    char hash[AFT_SHA256_HEX_SIZE], resumed[AFT_SHA256_HEX_SIZE];
    struct program program;
    write_curriculum(place, "", DIVERGES "retry_learning_rate_factor = 1e-4\n");
    expect_exit(place, 0, NULL);
    expect_said(place, "attempt 1 of 3 did not pass: training diverged: ");
    expect_said(place, "learning rate x 0.0001");
    expect_said(place, "attempt 2 of 3 passed");
    expect_reason(place, "stage2_100kN.zip", 1, "diverged");
    expect_reason(place, "stage2_100kN.zip", 2, "passed");
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    /* and it comes to the same however it is disturbed */
    delete_archive(place, "stage2_100kN.zip");
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 2000));
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
    expect_exit(place, 0, latest);
    program_state_hash(resumed, place->folder, "stage2_100kN.zip");
    assert_string_equal(resumed, hash);
}

static void gate__ends_with_an_error_archive_when_every_attempt_diverges(void **state)
{
    const struct place *place = *state;
    write_curriculum(place, "", DIVERGES "retry_learning_rate_factor = 1\nmax_attempts = 2\n");
    expect_exit(place, 1, NULL);
    expect_said(place, "attempt 1 of 2 did not pass: training diverged: ");
    expect_said(place, "training failed: ");
    expect_reason(place, "stage2_ERROR_100kN.zip", 1, "diverged");
}

/* Two runs whose first attempts differ, and whose second ones learn at the same rate. */
static void gate__owes_nothing_to_the_attempt_that_it_blocked(void **state)
{
    const struct place *place = *state;
    static const char *const rates[] = {
        BLOCKED "max_attempts = 2\nlearning_rate = 2e-3\nretry_learning_rate_factor = 0.5\n",
        BLOCKED "max_attempts = 2\nlearning_rate = 4e-3\nretry_learning_rate_factor = 0.25\n",
    };
    const char *const fresh[] = {"--fresh", NULL};
    char hash[2][AFT_SHA256_HEX_SIZE];
    double first_score[2];
    for (int i = 0; i < 2; i++) {
        write_curriculum(place, "", rates[i]);
        expect_exit(place, 1, fresh);
        struct aft_archive *archive = open_archive(place, "stage2_ERROR_100kN.zip");
        const struct aft_json *attempts = aft_json_get(aft_archive_manifest(archive), "attempts");
        first_score[i] = aft_json_get_real(aft_json_at(attempts, 0), "score", 0);
        memcpy(hash[i], aft_archive_state_hash(archive), sizeof hash[i]);
        aft_archive_close(archive);
    }
    assert_true(first_score[0] != first_score[1]);
    assert_string_equal(hash[0], hash[1]);
}

/* With next to no learning rate the next attempt's weights stay those that it began with. */
static void gate__returns_to_the_very_weights_of_the_stages_beginning(void **state)
{
    const struct place *place = *state;
    write_curriculum(place, "",
                     UNLEARNS "forget_tolerance = 0.05\nretry_learning_rate_factor = 1e-20\n");
    expect_exit(place, 0, NULL);
    expect_attempts(place, "stage2_100kN.zip", 2, true);
    struct aft_archive *first = open_archive(place, "stage1_50kN.zip");
    struct aft_archive *second = open_archive(place, "stage2_100kN.zip");
    assert_string_equal(aft_archive_weights_hash(second), aft_archive_weights_hash(first));
    aft_archive_close(first);
    aft_archive_close(second);
}

/* The learning rate is the same here: only the random streams make the results differ. */
static void gate__gives_the_next_attempt_random_streams_of_its_own(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    char first[AFT_SHA256_HEX_SIZE];
    char second[AFT_SHA256_HEX_SIZE];
    write_curriculum(place, "",
                     "max_drift_ratio = 0.01\nmax_attempts = 1\n"
                     "retry_learning_rate_factor = 1\n");
    expect_exit(place, 1, NULL);
    struct aft_archive *archive = open_archive(place, "stage2_ERROR_100kN.zip");
    memcpy(first, aft_archive_weights_hash(archive), sizeof first);
    aft_archive_close(archive);
    write_curriculum(place, "",
                     "max_drift_ratio = 0.01\nmax_attempts = 2\n"
                     "retry_learning_rate_factor = 1\n");
    expect_exit(place, 1, fresh);
    archive = open_archive(place, "stage2_ERROR_100kN.zip");
    memcpy(second, aft_archive_weights_hash(archive), sizeof second);
    aft_archive_close(archive);
    assert_string_not_equal(first, second);
}

/* Every row of progress.csv has more steps than the one before. */
static void expect_rising_progress(const struct place *place, long long last)
{
    char path[PATH_MAX];
    char line[4096];
    long long expected = 0;
    (void)snprintf(path, sizeof path, "%.4000s/models/small/progress.csv", place->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* time/total_timesteps comes first */
    while (fgets(line, sizeof line, file) != NULL) {
        expected += 800;
        assert_int_equal(strtoll(line, NULL, 10), expected);
    }
    (void)fclose(file);
    assert_int_equal(expected, last);
}

/* The result of a run that nobody disturbs, which leaves no trace. */
static void undisturbed(const struct place *place, char hash[AFT_SHA256_HEX_SIZE])
{
    char folder[PATH_MAX];
    write_curriculum(place, "", UNLEARNS_ONCE);
    expect_exit(place, 0, NULL);
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    (void)snprintf(folder, sizeof folder, "%.4000s/models", place->folder);
    program_remove_folder(folder);
}

/* Ends the program in attempt 2 of stage 2, once it is that far and has said the text. A state
 * that is continued may be beyond the step before the program says anything. */
static void end_in_attempt_2(const struct place *place, long long step, int number,
                             const char *const *arguments, const char *text)
{
    struct program program;
    program_start_train(&program, place->folder, place->curriculum, arguments);
    assert_true(program_await_attempt(&program, 2, 2, step));
    assert_true(program_await_said(&program, place->folder, text));
    assert_int_equal(kill(-program.pid, number), 0);
    assert_int_equal(program_wait(&program), number == SIGKILL ? 1000 + SIGKILL : 128 + number);
}

static void gate__resumes_in_the_middle_of_an_attempt_bit_for_bit(void **state)
{
    const struct place *place = *state;
    const char *const often[] = {"--resume", "latest", "--set",
                                 "recovery.checkpoint_every_steps=800", NULL};
    char expected[AFT_SHA256_HEX_SIZE];
    char hash[AFT_SHA256_HEX_SIZE];
    undisturbed(place, expected);
    end_in_attempt_2(place, 800, SIGINT, NULL, "attempt 1 of 3 did not pass");
    end_in_attempt_2(place, 2400, SIGKILL, often, "of attempt 2");
    end_in_attempt_2(place, 4800, SIGKILL, often, "of attempt 2");
    expect_exit(place, 0, latest);
    expect_said(place, "of attempt 2");
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    assert_string_equal(hash, expected);
    expect_attempts(place, "stage2_100kN.zip", 2, true);
    expect_rising_progress(place, 3 * STEPS);
}

static void gate__begins_the_stage_anew_by_rule_1_with_the_same_result(void **state)
{
    const struct place *place = *state;
    char expected[AFT_SHA256_HEX_SIZE];
    char hash[AFT_SHA256_HEX_SIZE];
    undisturbed(place, expected);
    end_in_attempt_2(place, 2400, SIGKILL, NULL, "attempt 1 of 3 did not pass");
    expect_exit(place, 0, NULL);
    expect_said(place, "attempt 1 of 3 did not pass");
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    assert_string_equal(hash, expected);
    expect_rising_progress(place, 3 * STEPS);
}

static void gate__survives_the_loss_of_its_worker_around_the_rollback(void **state)
{
    const struct place *place = *state;
    struct program program;
    char expected[AFT_SHA256_HEX_SIZE];
    char hash[AFT_SHA256_HEX_SIZE];
    undisturbed(place, expected);
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_attempt(&program, 2, 1, STEPS)); /* about to be judged */
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_true(program_await_attempt(&program, 2, 2, 0)); /* rolled back */
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_true(program_await_attempt(&program, 2, 2, 2000));
    assert_true(program_signal_worker(&program, SIGKILL));
    assert_int_equal(program_wait(&program), 0);
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    assert_string_equal(hash, expected);
    expect_rising_progress(place, 3 * STEPS);
}

/* After each change of [gate], --resume latest goes on from the blocked state. */
static void gate__takes_a_blocked_result_once_it_is_relaxed(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    char uninterrupted[AFT_SHA256_HEX_SIZE];
    char hash[AFT_SHA256_HEX_SIZE];
    write_curriculum(place, "", BLOCKED "max_attempts = 2\n");
    expect_exit(place, 1, NULL);
    program_state_hash(uninterrupted, place->folder, "stage2_ERROR_100kN.zip");
    write_curriculum(place, "", BLOCKED "max_attempts = 1\n");
    expect_exit(place, 1, fresh);
    expect_exit(place, 1, latest); /* nothing has changed: judged again, blocked again */
    expect_attempts(place, "stage2_ERROR_100kN.zip", 1, false);
    write_curriculum(place, "", BLOCKED "max_attempts = 2\n");
    expect_exit(place, 1, latest); /* one more attempt */
    expect_said(place, "attempt 1 of 2 did not pass");
    expect_said(place, "attempt 2 of 2 did not pass");
    expect_attempts(place, "stage2_ERROR_100kN.zip", 2, false);
    program_state_hash(hash, place->folder, "stage2_ERROR_100kN.zip");
    assert_string_equal(hash, uninterrupted);
    write_curriculum(place, "", "normalize_observation = true\nmax_drift_ratio = 99\n");
    expect_exit(place, 0, latest);
    expect_attempts(place, "stage2_100kN.zip", 2, true);
    program_state_hash(hash, place->folder, "stage2_100kN.zip");
    assert_string_equal(hash, uninterrupted);
}

static void gate__says_that_it_was_set_too_late_to_roll_back(void **state)
{
    const struct place *place = *state;
    struct program program;
    write_curriculum(place, "", "");
    program_start_train(&program, place->folder, place->curriculum, NULL);
    assert_true(program_await_step(&program, 2, 2000));
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
    write_curriculum(place, "", "max_drift_ratio = 0.01\n");
    expect_exit(place, 1, latest);
    expect_said(place, "did not pass in 1 attempt");
    expect_said(place, "there is no way back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(gate__leaves_the_bits_of_a_stage_that_passes_alone),
        IN_A_PLACE(gate__blocks_ten_of_ten_injected_regressions),
        IN_A_PLACE(gate__rolls_back_and_passes_with_a_smaller_learning_rate),
        IN_A_PLACE(gate__returns_to_the_very_weights_of_the_stages_beginning),
        IN_A_PLACE(gate__takes_divergence_for_a_failed_attempt),
        IN_A_PLACE(gate__ends_with_an_error_archive_when_every_attempt_diverges),
        IN_A_PLACE(gate__owes_nothing_to_the_attempt_that_it_blocked),
        IN_A_PLACE(gate__gives_the_next_attempt_random_streams_of_its_own),
        IN_A_PLACE(gate__resumes_in_the_middle_of_an_attempt_bit_for_bit),
        IN_A_PLACE(gate__begins_the_stage_anew_by_rule_1_with_the_same_result),
        IN_A_PLACE(gate__survives_the_loss_of_its_worker_around_the_rollback),
        IN_A_PLACE(gate__takes_a_blocked_result_once_it_is_relaxed),
        IN_A_PLACE(gate__says_that_it_was_set_too_late_to_roll_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
