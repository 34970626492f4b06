#include "fixtures.h"

#include "environment/building.h"
#include "environment/evaluation.h"
#include "environment/observation.h"

#include <stdlib.h>

static void robustness__of_nothing_changes_nothing(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1), changed;
    struct aft_robustness none = {0};
    memset(&changed, 0, sizeof changed);
    assert_ok(aft_robustness_apply(&changed, &config, &none, &error));
    assert_memory_equal(&changed, &config, sizeof config);
}

static double period_of(const struct aft_environment_config *config)
{
    struct aft_error error;
    double period_s = 0.0;
    assert_ok(aft_building_first_period(&period_s, &config->building, &error));
    return period_s;
}

/* T ~ 1/sqrt(k), the device untouched. */
static void robustness__changes_the_building_as_it_says(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1), stiff, soft;
    struct aft_robustness stiffer = {.stiffness_change = 0.15, .damping_change = -0.3};
    struct aft_robustness softer = {.stiffness_change = -0.15, .dropout = 0.08};
    assert_ok(aft_robustness_apply(&stiff, &config, &stiffer, &error));
    assert_ok(aft_robustness_apply(&soft, &config, &softer, &error));
    assert_near(period_of(&stiff) / period_of(&config), 1.0 / sqrt(1.15), 1e-9);
    assert_near(period_of(&soft) / period_of(&config), 1.0 / sqrt(0.85), 1e-9);
    assert_near(stiff.building.damping_ratio, 0.7 * 0.015, 1e-15);
    assert_near(soft.building.damping_ratio, 0.015, 0.0);
    assert_near(stiff.building.device_stiffness_n_m, config.building.device_stiffness_n_m, 0.0);
    assert_near(soft.sensors.dropout, 0.08, 0.0);
    config.sensors.dropout = 0.2;
    assert_ok(aft_robustness_apply(&soft, &config, &softer, &error));
    assert_near(soft.sensors.dropout, 0.2, 0.0);
}

static void robustness__refuses_what_is_out_of_range(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1), changed;
    const struct aft_robustness bad[] = {{.noise_share = -0.1},
                                         {.extra_latency_s = 11.0},
                                         {.dropout = 1.5},
                                         {.stiffness_change = -1.0},
                                         {.damping_change = NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(aft_robustness_apply(&changed, &config, &bad[i], &error), AFT_ERR_USAGE);
    }
}

enum { STEPS = 400 };

struct watch { /* a controller that pushes once and writes down what it is told */
    float measured[STEPS][AFT_OBSERVATION_MAX_CHANNELS];
    double actuator_n[STEPS];
    int channels;
};

static enum aft_code look(void *self, int n, const struct aft_controller_view *views,
                          double *command_n, struct aft_error *error)
{
    (void)error;
    struct watch *watch = self;
    assert_int_equal(n, 1);
    if (views->step < STEPS) {
        memcpy(watch->measured[views->step], views->measured,
               (size_t)watch->channels * sizeof(float));
        watch->actuator_n[views->step] = views->actuator_n;
    }
    *command_n = views->step == 10 ? 1000.0 : 0.0;
    return AFT_OK;
}

static void watch_one(struct watch *watch, const struct aft_environment_config *config,
                      const struct aft_robustness *robustness)
{
    struct aft_error error;
    struct aft_evaluation evaluation = {
        .config = config, .tail_s = 20.0, .robustness = *robustness};
    struct aft_motion_list list = {0};
    struct aft_response response;
    struct aft_controller controller = {
        .name = "watch", .device = AFT_DEVICE_CONFIGURED, .self = watch, .act = look};
    memset(watch, 0, sizeof *watch);
    watch->channels =
        config->sensors.n_acceleration_floors + 3 + 2 * config->sensors.n_drift_storeys;
    assert_ok(aft_motion_list_add_held_out(&list, config, AFT_RANDOM_TEST_MOTION, 1, &error));
    assert_ok(aft_evaluate(&response, &evaluation, &list, &controller, 1, &error));
    aft_motion_list_clear(&list);
}

/* 60 ms are three simulation steps: the push of step 10 (0.02 s · 20 on) begins at
 * simulation step 23 and lasts two of them, so at control step 12 (24) it acts. */
static void robustness__delays_commands_by_simulation_steps(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_robustness none = {0}, late = {.extra_latency_s = 0.06};
    struct watch *prompt = calloc(1, sizeof *prompt), *delayed = calloc(1, sizeof *delayed);
    watch_one(prompt, &config, &none);
    watch_one(delayed, &config, &late);
    for (int k = 0; k < 30; k++) {
        assert_near(prompt->actuator_n[k], k == 11 ? 1000.0 : 0.0, 0.0);
        assert_near(delayed->actuator_n[k], k == 12 ? 1000.0 : 0.0, 0.0);
    }
    free(prompt);
    free(delayed);
}

/* The difference to the sensors without noise is white, and a tenth of each
 * channel's RMS over the motion, which the 400 control steps outlast. */
static void robustness__adds_a_tenth_of_each_channel(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_robustness none = {0}, noise = {.noise_share = 0.1};
    struct watch *clean = calloc(1, sizeof *clean), *noisy = calloc(1, sizeof *noisy);
    struct aft_motion_list list = {0};
    struct aft_error error;
    config.motion.magnitude = 6.3;
    config.motion.distance_km = 20.0;
    assert_ok(aft_motion_list_add_held_out(&list, &config, AFT_RANDOM_TEST_MOTION, 1, &error));
    size_t within = list.motions[0].motion.n / 2;
    assert_true(within < STEPS);
    watch_one(clean, &config, &none);
    watch_one(noisy, &config, &noise);
    for (int channel = 0; channel < clean->channels; channel++) {
        double added = 0.0, square = 0.0;
        for (int k = 0; k < STEPS; k++) {
            double difference =
                (double)noisy->measured[k][channel] - (double)clean->measured[k][channel];
            double value = (double)clean->measured[k][channel];
            added += difference * difference / STEPS;
            square += (size_t)k < within ? value * value / (double)within : 0.0;
        }
        /* the push is too small to count; 400 draws give the deviation to 3.5 % */
        assert_near(sqrt(added / square), 0.1, 0.02);
    }
    aft_motion_list_clear(&list);
    free(clean);
    free(noisy);
}

static void robustness__drops_channels_out(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    struct aft_robustness none = {0}, drops = {.dropout = 0.08};
    struct watch *clean = calloc(1, sizeof *clean), *dropped = calloc(1, sizeof *dropped);
    int repeats = 0, values = 0;
    watch_one(clean, &config, &none);
    watch_one(dropped, &config, &drops);
    for (int k = 1; k < STEPS; k++) {
        for (int channel = 0; channel < clean->channels; channel++) {
            bool moved = clean->measured[k][channel] != clean->measured[k - 1][channel];
            values += moved;
            repeats += moved && dropped->measured[k][channel] == dropped->measured[k - 1][channel];
        }
    }
    assert_between((double)repeats / values, 0.06, 0.10);
    free(clean);
    free(dropped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(robustness__of_nothing_changes_nothing),
        cmocka_unit_test(robustness__changes_the_building_as_it_says),
        cmocka_unit_test(robustness__refuses_what_is_out_of_range),
        cmocka_unit_test(robustness__delays_commands_by_simulation_steps),
        cmocka_unit_test(robustness__adds_a_tenth_of_each_channel),
        cmocka_unit_test(robustness__drops_channels_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
