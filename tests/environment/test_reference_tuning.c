#include "fixtures.h"

#include "environment/reference_tuning.h"

static struct aft_environment_config stage_2(void)
{
    struct aft_environment_config config = stage_1(1);
    config.actuator.force_limit_n = 100e3;
    config.motion.magnitude = 5.7;
    config.motion.pga_g = 0.35;
    config.motion.distance_km = 5.1;
    config.stage = 2;
    return config;
}

static void passive__tuned_is_not_worse_than_sadeks(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_2();
    struct aft_evaluation evaluation = {.config = &config, .tail_s = 10.0};
    struct aft_motion_list list = {0};
    struct aft_passive_parameters best;
    struct aft_response responses[4][2];
    double objective = 0.0;
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_MOTION, 4, &error));
    assert_ok(aft_passive_tune(&best, &evaluation, &list, &error));
    struct aft_controller controllers[2] = {
        aft_controller_passive(),
        aft_controller_passive_tuned(best.stiffness_n_m, best.damping_n_s_m)};
    assert_ok(aft_evaluate(responses[0], &evaluation, &list, controllers, 2, &error));
    for (int i = 0; i < 4; i++) {
        objective += (responses[i][1].peak_drift_ratio / responses[i][0].peak_drift_ratio +
                      responses[i][1].rms_drift / responses[i][0].rms_drift) /
                     8.0;
    }
    assert_near(objective, best.objective, 1e-12);
    assert_between(best.objective, 0.8, 0.99);
    /* Sadek's damping is known to be too high for least drift. */
    assert_between(best.damping_n_s_m, 0.15 * 6296.0, 0.9 * 6296.0);
    assert_between(best.stiffness_n_m, 0.7 * 105034.0, 1.3 * 105034.0);
    struct aft_motion_list none = {0};
    assert_int_equal(aft_passive_tune(&best, &evaluation, &none, &error), AFT_ERR_USAGE);
    aft_motion_list_clear(&list);
}

static void tune__finds_worthy_opponents_whatever_the_threads(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_2();
    struct aft_reference_parameters one, several;
    struct aft_reference_search search = {.config = &config, .motions = 3, .tail_s = 5.0};
    memset(&one, 0, sizeof one);
    memset(&several, 0, sizeof several);
    config.sensors.noise = 0.002;
    config.sensors.latency_steps = 1;
    assert_ok(aft_reference_tune(&one, &search, &error));
    assert_ok(aft_thread_pool_create(&search.pool, 3, &error));
    assert_ok(aft_reference_tune(&several, &search, &error));
    aft_thread_pool_destroy(search.pool);
    assert_memory_equal(&one, &several, sizeof one);
    const struct aft_tuned_feedback *tuned[2] = {&one.lqr, &one.lqg};
    for (int i = 0; i < 2; i++) {
        assert_true(tuned[i]->points >= 40);
        assert_true(tuned[i]->stroke_m <= config.building.stroke_m);
        assert_near(tuned[i]->objective,
                    0.5 * (tuned[i]->peak_to_passive + tuned[i]->rms_to_passive), 1e-12);
        assert_between(tuned[i]->objective, 0.3, 0.75);
    }
    assert_true(one.lqr.objective < one.passive.objective);
}

static void tune__refuses_an_actuator_without_force(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_2();
    struct aft_reference_parameters parameters;
    struct aft_reference_search search = {.config = &config, .motions = 1, .tail_s = 1.0};
    config.actuator.force_limit_n = 0.0;
    assert_int_equal(aft_reference_tune(&parameters, &search, &error), AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passive__tuned_is_not_worse_than_sadeks),
        cmocka_unit_test(tune__finds_worthy_opponents_whatever_the_threads),
        cmocka_unit_test(tune__refuses_an_actuator_without_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
