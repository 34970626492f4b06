#include "fixtures.h"

#include "environment/environment.h"
#include "environment/evaluation.h"
#include "environment/feedback.h"

#include <stdlib.h>
#include <unistd.h>

enum { N = 18 }; /* more than a task of a batch */
enum { UNCONTROLLED, PASSIVE, POLICY, KINDS };

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

static enum aft_code blow_up(void *context, int n, const struct aft_controller_view *views,
                             double *command_n, struct aft_error *error)
{
    (void)context;
    (void)n;
    (void)error;
    *command_n = views->step < 7 ? 0.0 : NAN;
    return AFT_OK;
}

static struct aft_environment_config config_of(void)
{
    struct aft_environment_config config = stage_1(1);
    config.motion.magnitude = 5.7;
    config.motion.distance_km = 5.1;
    config.motion.pga_g = 0.35;
    return config;
}

static struct aft_motion_list motions_of(const struct aft_environment_config *config, int n,
                                         enum aft_random_purpose purpose)
{
    struct aft_error error;
    struct aft_motion_list list = {0};
    assert_ok(aft_motion_list_add_held_out(&list, config, purpose, n, &error));
    assert_int_equal(list.n, n);
    return list;
}

static void run(struct aft_response results[N][KINDS], const struct aft_evaluation *evaluation,
                enum aft_random_purpose purpose, float gain)
{
    struct aft_error error;
    struct aft_motion_list list = motions_of(evaluation->config, N, purpose);
    struct policy policy = {aft_environment_obs_dim(evaluation->config), 0, gain};
    struct aft_policy_controller adapter = {.act = brake,
                                            .policy = &policy,
                                            .obs_dim = policy.dim,
                                            .force_limit_n =
                                                evaluation->config->actuator.force_limit_n};
    struct aft_controller controllers[KINDS] = {
        aft_controller_uncontrolled(), aft_controller_passive(), aft_controller_policy(&adapter)};
    memset(results, 0, N * sizeof *results);
    assert_ok(aft_evaluate(results[0], evaluation, &list, controllers, KINDS, &error));
    assert_true(policy.calls > 100);
    aft_policy_controller_clear(&adapter);
    aft_motion_list_clear(&list);
}

static void evaluate__without_force_is_the_passive_building(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 5.0};
    struct aft_response results[N][KINDS];
    run(results, &evaluation, AFT_RANDOM_VALIDATION, 0.0F);
    for (int i = 0; i < N; i++) {
        assert_memory_equal(&results[i][POLICY], &results[i][PASSIVE], sizeof results[i][POLICY]);
        assert_true(results[i][UNCONTROLLED].peak_drift_ratio > 0.0);
        assert_true(results[i][UNCONTROLLED].stroke_m == 0.0);
        assert_true(results[i][PASSIVE].stroke_m > 0.0);
    }
}

static void evaluate__ratios_of_the_passive_device_are_plausible(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 5.0};
    struct aft_response results[N][KINDS];
    double peak = 0.0, rms = 0.0;
    run(results, &evaluation, AFT_RANDOM_VALIDATION, 0.0F);
    for (int i = 0; i < N; i++) {
        const struct aft_response *passive = &results[i][PASSIVE], *bare = results[i];
        peak += passive->peak_drift_ratio / bare->peak_drift_ratio / N;
        rms += passive->rms_drift / bare->rms_drift / N;
    }
    assert_between(peak, 0.75, 1.0);
    assert_between(rms, 0.4, 0.9);
}

static void evaluate__sees_what_a_controller_does(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 5.0};
    struct aft_response driven[N][KINDS], braked[N][KINDS];
    run(driven, &evaluation, AFT_RANDOM_VALIDATION, 3.0F);
    run(braked, &evaluation, AFT_RANDOM_VALIDATION, -3.0F);
    for (int i = 0; i < N; i++) {
        const struct aft_response *drive = &driven[i][POLICY], *hold = &braked[i][POLICY];
        assert_true(hold->stroke_m < braked[i][PASSIVE].stroke_m);
        assert_true(drive->stroke_m > driven[i][PASSIVE].stroke_m);
        assert_true(drive->peak_power_w <= 3e5 * 1.000001);
        assert_between(drive->peak_force_n, 1e4, 50e3 + 1e-6);
        assert_true(drive->energy_j > drive->braking_j && hold->braking_j > hold->energy_j);
        assert_true(drive->saturated_share > 0.0 && driven[i][PASSIVE].saturated_share == 0.0);
    }
}

static void evaluate__sets_differ_and_repeat_bit_for_bit(void **state)
{
    (void)state;
    struct aft_environment_config config = config_of();
    config.sensors.noise = 0.003;
    config.sensors.latency_steps = 1;
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 5.0};
    struct aft_response a[N][KINDS], b[N][KINDS], c[N][KINDS], d[N][KINDS];
    run(a, &evaluation, AFT_RANDOM_VALIDATION, -1.0F);
    run(b, &evaluation, AFT_RANDOM_VALIDATION, -1.0F);
    run(c, &evaluation, AFT_RANDOM_TEST_MOTION, -1.0F);
    evaluation.noise_stream = 5;
    run(d, &evaluation, AFT_RANDOM_VALIDATION, -1.0F);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < N; i++) {
        assert_true(a[i][PASSIVE].rms_drift != c[i][PASSIVE].rms_drift);
        assert_true(a[i][PASSIVE].rms_drift == d[i][PASSIVE].rms_drift);
        assert_true(a[i][POLICY].rms_drift != d[i][POLICY].rms_drift);
    }
}

static void evaluate__does_not_depend_on_threads(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = config_of();
    config.sensors.noise = 0.003;
    struct aft_evaluation evaluation = {
        .config = &config, .tail_s = 5.0, .robustness = {.noise_share = 0.1}};
    struct aft_response one[N][KINDS], several[N][KINDS];
    run(one, &evaluation, AFT_RANDOM_VALIDATION, -1.0F);
    assert_ok(aft_thread_pool_create(&evaluation.pool, 3, &error));
    run(several, &evaluation, AFT_RANDOM_VALIDATION, -1.0F);
    assert_memory_equal(one, several, sizeof one);
    aft_thread_pool_destroy(evaluation.pool);
}

static void evaluate__passes_a_controllers_failure_on(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = config_of();
    struct aft_evaluation evaluation = {.config = &config};
    struct aft_response results[2];
    struct aft_motion_list list = motions_of(&config, 2, AFT_RANDOM_VALIDATION);
    struct aft_policy_controller adapter = {
        .act = give_up, .obs_dim = aft_environment_obs_dim(&config), .force_limit_n = 1.0};
    struct aft_controller policy = aft_controller_policy(&adapter);
    assert_int_equal(aft_evaluate(results, &evaluation, &list, &policy, 1, &error), AFT_ERR_ENGINE);
    assert_string_equal(error.message, "no more");
    struct aft_controller broken = {
        .name = "broken", .device = AFT_DEVICE_CONFIGURED, .act = blow_up};
    assert_int_equal(aft_evaluate(results, &evaluation, &list, &broken, 1, &error),
                     AFT_ERR_NUMERIC);
    assert_string_equal(error.message,
                        "evaluation, motion 0: the command of 'broken' is not finite");
    config.dt_s = 0.01;
    assert_int_equal(aft_evaluate(results, &evaluation, &list, &policy, 1, &error), AFT_ERR_USAGE);
    aft_policy_controller_clear(&adapter);
    aft_motion_list_clear(&list);
}

static void evaluate__history_is_what_the_figures_are_of(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = config_of();
    config.sensors.noise = 0.003;
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 3.0};
    struct aft_motion_list list = motions_of(&config, 3, AFT_RANDOM_TEST_MOTION);
    struct aft_feedback_parameters parameters = {
        .weights = {.control = 0.01}, .guard_reach = 0.92, .guard_braking = 0.8};
    struct aft_feedback *feedback;
    struct aft_response responses[3];
    struct aft_history h;
    assert_ok(aft_feedback_create(&feedback, &config, &parameters, true, &error));
    struct aft_controller lqg = aft_feedback_controller(feedback);
    assert_ok(aft_evaluate(responses, &evaluation, &list, &lqg, 1, &error));
    assert_ok(aft_evaluate_history(&h, &evaluation, &list, 2, &lqg, &error));
    double roof = 0.0, force = 0.0, stroke = 0.0, drift = 0.0, power = 0.0, acc = 0.0;
    for (size_t i = 0; i < h.n; i++) {
        roof = fmax(roof, fabs(h.roof_m[i]));
        force = fmax(force, fabs(h.force_n[i]));
        stroke = fmax(stroke, fabs(h.stroke_m[i]));
        drift = fmax(drift, h.peak_drift[i]);
        power = fmax(power, h.power_w[i]);
        acc = fmax(acc, fabs(h.roof_acc_m_s2[i]) / AFT_GRAVITY_M_S2);
        double ground =
            i < list.motions[2].motion.n ? list.motions[2].motion.acceleration_m_s2[i] : 0.0;
        assert_near(h.ground_m_s2[i], ground, 0.0);
    }
    assert_near((double)(h.n - 1) * h.dt_s, responses[2].duration_s, 1e-9);
    assert_near(roof, responses[2].peak_roof_m, 0.0);
    assert_near(force, responses[2].peak_force_n, 0.0);
    assert_near(stroke, responses[2].stroke_m, 0.0);
    assert_near(drift, responses[2].peak_drift_ratio, 1e-15);
    assert_near(power, responses[2].peak_power_w, 0.0);
    assert_near(acc, responses[2].peak_roof_acc_g, 1e-15);
    aft_history_clear(&h);
    assert_int_equal(aft_evaluate_history(&h, &evaluation, &list, 3, &lqg, &error), AFT_ERR_USAGE);
    assert_null(h.roof_m);
    aft_feedback_destroy(feedback);
    aft_motion_list_clear(&list);
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
        struct aft_evaluation evaluation = {.config = &config, .tail_s = 20.0};
        struct aft_motion_list list = {0};
        struct aft_controller controllers[2] = {aft_controller_uncontrolled(),
                                                aft_controller_passive()};
        struct aft_response results[2];
        config.motion.pga_g = pga_g[stage];
        assert_ok(aft_motion_list_add_records(&list, &config, &path, 1, &error));
        assert_string_equal(list.motions[0].name, "elCentro.AT2");
        assert_ok(aft_evaluate(results, &evaluation, &list, controllers, 2, &error));
        assert_near(results[0].peak_roof_m * 100.0 / bare_cm[stage], 1.0, 0.01);
        assert_near(results[1].peak_roof_m * 100.0 / passive_cm[stage], 1.0, 0.01);
        aft_motion_list_clear(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluate__without_force_is_the_passive_building),
        cmocka_unit_test(evaluate__ratios_of_the_passive_device_are_plausible),
        cmocka_unit_test(evaluate__sees_what_a_controller_does),
        cmocka_unit_test(evaluate__sets_differ_and_repeat_bit_for_bit),
        cmocka_unit_test(evaluate__does_not_depend_on_threads),
        cmocka_unit_test(evaluate__passes_a_controllers_failure_on),
        cmocka_unit_test(evaluate__history_is_what_the_figures_are_of),
        cmocka_unit_test(evaluate__reproduces_el_centro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
