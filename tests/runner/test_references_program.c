/*
 * Scores beside those of LQR and LQG: found once, kept in the run's folder, in manifests,
 * and without any effect on training.
 */
#include "base/file.h"
#include "base/json.h"
#include "recovery/archive.h"
#include "tests/runner/place.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void write_curriculum(const struct place *place, const char *evaluation)
{
    FILE *file = fopen(place->curriculum, "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "[run]\nname = small\n"
                        "[environment]\nn_envs = 16\nepisode_s = 4\n"
                        "[ground_motion]\ndistance_km = 3\n"
                        "[ppo]\nnetwork = 16,16\nn_steps = 50\nbatch_size = 200\n"
                        "[evaluation]\nmotions = 2\n%s"
                        "[stage M4.5@50kN]\ntimesteps = 2400\n",
                        evaluation) > 0);
    assert_int_equal(fclose(file), 0);
}

static void path_of(char path[PATH_MAX], const struct place *place, const char *name)
{
    (void)snprintf(path, PATH_MAX, "%.4000s/models/small/%s", place->folder, name);
}

/* A figure of stage 1 in the manifest of stage 1's archive; NaN: null, or not there. */
static double figure(const struct place *place, const char *key)
{
    char path[PATH_MAX];
    struct aft_error error = {0};
    struct aft_archive *archive = NULL;
    path_of(path, place, "stage1_50kN.zip");
    if (aft_archive_open(&archive, path, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    const struct aft_json *scores = aft_json_get(aft_archive_manifest(archive), "scores");
    double value = aft_json_get_real(aft_json_at(scores, 0), key, (double)NAN);
    aft_archive_close(archive);
    return value;
}

static void references__stand_beside_the_scores_and_change_no_bit(void **state)
{
    const struct place *place = *state;
    const char *const fresh[] = {"--fresh", NULL};
    char with[AFT_SHA256_HEX_SIZE], without[AFT_SHA256_HEX_SIZE], path[PATH_MAX];
    write_curriculum(place, "");
    expect_exit(place, 0, NULL);
    program_state_hash(without, place->folder, "stage1_50kN.zip");
    assert_true(isnan(figure(place, "lqr_peak_drift_to_passive")));
    path_of(path, place, "references.json");
    assert_int_not_equal(access(path, F_OK), 0);
    write_curriculum(place, "references = tuned\nevery_steps = 800\n");
    expect_exit(place, 0, fresh);
    expect_said(place, ", LQR 0.");
    program_state_hash(with, place->folder, "stage1_50kN.zip");
    assert_string_equal(with, without);
    /* Whatever is learned, control by the true state is better than none. */
    assert_true(figure(place, "lqr_peak_drift_to_passive") > 0.2);
    assert_true(figure(place, "lqr_peak_drift_to_passive") < 1.0);
    assert_true(figure(place, "lqg_rms_drift_to_passive") < 1.0);
    assert_int_equal(access(path, F_OK), 0);
}

/* Numbers that no search would find show where later ones come from. */
static void mark_references(const struct place *place)
{
    static const char name[] = "\"lqr_peak_drift_to_passive\": 0.";
    char path[PATH_MAX], *text = NULL;
    size_t size = 0;
    struct aft_error error;
    path_of(path, place, "references.json");
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 20, &error), AFT_OK);
    char *digits = strstr(text, name);
    assert_non_null(digits);
    memcpy(digits + strlen(name), "00", 2);
    assert_int_equal(aft_file_publish(path, text, size, &error), AFT_OK);
    free(text);
}

static void references__are_found_once_for_a_run(void **state)
{
    const struct place *place = *state;
    write_curriculum(place, "references = tuned\n");
    expect_exit(place, 0, NULL);
    assert_true(figure(place, "lqr_peak_drift_to_passive") > 0.1);
    mark_references(place);
    delete_archive(place, "stage1_50kN.zip");
    delete_archive(place, "final_small.zip");
    delete_archive(place, "best_model.zip");
    expect_exit(place, 0, NULL);
    assert_true(figure(place, "lqr_peak_drift_to_passive") < 0.01);
    delete_archive(place, "stage1_50kN.zip");
    delete_archive(place, "final_small.zip");
    delete_archive(place, "best_model.zip");
    write_curriculum(place, "references = tuned\ntail_s = 4\n"); /* other scores */
    expect_exit(place, 0, NULL);
    assert_true(figure(place, "lqr_peak_drift_to_passive") > 0.1);
}

static void references__of_a_file_are_taken_by_a_worker_that_is_retried(void **state)
{
    const struct place *place = *state;
    struct program program;
    char path[PATH_MAX];
    const char *const long_one[] = {"--set", "stage 1.timesteps=4e6", NULL};
    write_curriculum(place, "references = tuned\nevery_steps = 80000\n");
    program_start_train(&program, place->folder, place->curriculum, long_one);
    assert_true(program_await_said(&program, place->folder, ", LQR 0."));
    path_of(path, place, "references.json"); /* written before it is said */
    mark_references(place);
    assert_true(program_replace_worker(&program));
    assert_true(program_await_said(&program, place->folder, ", LQR 0.00"));
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(program_wait(&program), 130);
}

/* A damper so strong that no Riccati equation of this plant converges. */
static void references__that_cannot_be_found_are_sought_once(void **state)
{
    const struct place *place = *state;
    const char *const rigid[] = {"--set", "building.device_damping_n_s_m=1e12", NULL};
    write_curriculum(place, "references = tuned\nevery_steps = 800\n");
    expect_exit(place, 0, rigid);
    assert_int_equal(program_times_said(place->folder, "evaluation: "), 3);
    assert_int_equal(
        program_times_said(place->folder, "stage 1 is evaluated without LQR and LQG: "), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(references__stand_beside_the_scores_and_change_no_bit),
        IN_A_PLACE(references__are_found_once_for_a_run),
        IN_A_PLACE(references__of_a_file_are_taken_by_a_worker_that_is_retried),
        IN_A_PLACE(references__that_cannot_be_found_are_sought_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
