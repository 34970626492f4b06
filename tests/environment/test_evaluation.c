#include "fixtures.h"

#include "environment/environment.h"
#include "environment/evaluation.h"

#include <unistd.h>

enum { N = 18 }; /* more than a block of lanes */

struct policy {
    int dim, calls;
    float gain;
};

/* Force along the stroke's rate (observation dim - 5, see observation.h), braking for gain < 0. */
static enum aft_code brake(void *context, int n, const float *obs, float *actions,
                           struct aft_error *error)
{
    (void)error;
    struct policy *policy = context;
    policy->calls++;
    for (int i = 0; i < n; i++) {
        actions[i] = policy->gain * obs[i * policy->dim + policy->dim - 5];
    }
    return AFT_OK;
}

static enum aft_code give_up(void *context, int n, const float *obs, float *actions,
                             struct aft_error *error)
{
    (void)context;
    (void)n;
    (void)obs;
    (void)actions;
    return aft_fail(error, AFT_ERR_ENGINE, "no more");
}

static struct aft_environment_config config_of(void)
{
    struct aft_environment_config config = stage_1(1);
    config.motion.magnitude = 5.7;
    config.motion.distance_km = 5.1;
    config.motion.pga_g = 0.35;
    return config;
}

static void run(struct aft_motion_evaluation results[N],
                const struct aft_environment_config *config, enum aft_random_purpose purpose,
                struct policy *policy)
{
    struct aft_error error;
    int done = 0;
    policy->dim = aft_environment_obs_dim(config);
    memset(results, 0, N * sizeof *results);
    assert_ok(aft_evaluate_policy(results, N, &done, config, purpose, 5.0, brake, policy, &error));
    assert_int_equal(done, N);
}

static void evaluate__without_force_is_the_passive_building(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_motion_evaluation results[N];
    struct policy policy = {0};
    run(results, &config, AFT_RANDOM_VALIDATION, &policy);
    for (int i = 0; i < N; i++) {
        assert_memory_equal(&results[i].policy, &results[i].passive, sizeof results[i].policy);
        assert_near(results[i].pga_g, 0.35, 1e-6);
        assert_true(results[i].uncontrolled.peak_drift_ratio > 0.0);
        assert_true(results[i].uncontrolled.stroke_m == 0.0 && results[i].passive.stroke_m > 0.0);
    }
    assert_true(policy.calls > 100);
}

static void evaluate__ratios_of_the_passive_device_are_plausible(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_motion_evaluation results[N];
    struct policy policy = {0};
    double peak = 0.0, rms = 0.0;
    run(results, &config, AFT_RANDOM_VALIDATION, &policy);
    for (int i = 0; i < N; i++) {
        peak += results[i].passive.peak_drift_ratio / results[i].uncontrolled.peak_drift_ratio / N;
        rms += results[i].passive.rms_drift / results[i].uncontrolled.rms_drift / N;
    }
    assert_between(peak, 0.75, 1.0);
    assert_between(rms, 0.4, 0.9);
}

static void evaluate__sees_what_a_controller_does(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_motion_evaluation driven[N], braked[N];
    struct policy drive = {.gain = 3.0F}, hold = {.gain = -3.0F};
    run(driven, &config, AFT_RANDOM_VALIDATION, &drive);
    run(braked, &config, AFT_RANDOM_VALIDATION, &hold);
    for (int i = 0; i < N; i++) {
        assert_true(braked[i].policy.stroke_m < braked[i].passive.stroke_m);
        assert_true(driven[i].policy.stroke_m > driven[i].passive.stroke_m);
        assert_true(driven[i].policy.peak_power_w <= 3e5 * 1.000001);
        assert_true(driven[i].policy.peak_force_n <= 50e3 + 1e-6);
        assert_true(driven[i].policy.peak_force_n > 1e4);
    }
}

static void evaluate__sets_differ_and_repeat_bit_for_bit(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    config.sensors.noise = 0.003;
    config.sensors.latency_steps = 1;
    struct aft_motion_evaluation a[N], b[N], c[N];
    struct policy policy = {.gain = -1.0F};
    run(a, &config, AFT_RANDOM_VALIDATION, &policy);
    run(b, &config, AFT_RANDOM_VALIDATION, &policy);
    run(c, &config, AFT_RANDOM_TEST_MOTION, &policy);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < N; i++) {
        assert_true(a[i].passive.rms_drift != c[i].passive.rms_drift);
    }
}

static void evaluate__passes_the_policys_failure_on(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = config_of();
    struct aft_motion_evaluation results[N];
    int done = 9;
    assert_int_equal(aft_evaluate_policy(results, N, &done, &config, AFT_RANDOM_VALIDATION, 5.0,
                                         give_up, NULL, &error),
                     AFT_ERR_ENGINE);
    assert_string_equal(error.message, "no more");
    assert_int_equal(done, 0);
}

/* "What the plants can do": roof peaks on El Centro, bare and passive, cm. */
static void evaluate__reproduces_el_centro(void **state)
{
    (void)state;
    const char *path = AFT_SOURCE_DIR "/../shared/records/elCentro.AT2";
    const double pga_g[4] = {0.25, 0.35, 0.75, 0.90};
    const double bare_cm[4] = {13.9, 19.4, 41.6, 49.9}, passive_cm[4] = {11.3, 15.9, 34.0, 40.8};
    if (access(path, R_OK) != 0) {
        skip();
    }
    for (int stage = 0; stage < 4; stage++) {
        struct aft_error error;
        struct aft_environment_config config = config_of();
        struct aft_motion_evaluation results[N];
        struct policy policy = {.dim = aft_environment_obs_dim(&config)};
        int done;
        config.motion.kind = AFT_MOTION_RECORDED;
        config.motion.record_paths = &path;
        config.motion.n_records = 1;
        config.motion.pga_g = pga_g[stage];
        assert_ok(aft_evaluate_policy(results, N, &done, &config, AFT_RANDOM_VALIDATION, 20.0,
                                      brake, &policy, &error));
        assert_int_equal(done, 1);
        assert_near(results[0].uncontrolled.peak_roof_m * 100.0 / bare_cm[stage], 1.0, 0.01);
        assert_near(results[0].passive.peak_roof_m * 100.0 / passive_cm[stage], 1.0, 0.01);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluate__without_force_is_the_passive_building),
        cmocka_unit_test(evaluate__ratios_of_the_passive_device_are_plausible),
        cmocka_unit_test(evaluate__sees_what_a_controller_does),
        cmocka_unit_test(evaluate__sets_differ_and_repeat_bit_for_bit),
        cmocka_unit_test(evaluate__passes_the_policys_failure_on),
        cmocka_unit_test(evaluate__reproduces_el_centro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
