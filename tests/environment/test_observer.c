/* The observer in single precision, in lanes, against the Kalman filter and LQR. */
#include "fixtures.h"

#include "environment/kalman.h"
#include "environment/lqr.h"
#include "environment/observer.h"
#include "environment/plant.h"
#include "environment/plant_kernel.h"

#include <stdlib.h>

enum { STEPS = 300 };

struct rig {
    struct aft_environment_config config;
    struct aft_plant *plant;
    struct aft_sensors sensors;
    struct aft_observer *observer;
    struct aft_control_model *model;
    struct aft_kalman *kalman;
    double gain[AFT_CONTROL_MAX_STATES];
};

static void make(struct rig *rig, int latency_steps)
{
    struct aft_error error;
    const struct aft_kalman_noise noise = {0.3, 0.02, 0.005};
    rig->config = stage_1(1);
    rig->config.sensors.n_drift_storeys = 0;
    rig->config.sensors.noise = 0.003;
    rig->config.sensors.latency_steps = latency_steps;
    rig->config.sensors.observer = true;
    rig->config.sensors.guard_reach = 0.9;
    rig->config.nominal = (struct aft_nominal_config){true, 0.1, 0.02, 0.01, 0.002};
    const struct aft_environment_config *config = &rig->config;
    assert_ok(aft_plant_create(&rig->plant, &config->building, &config->actuator, true,
                               config->dt_s, &error));
    assert_ok(aft_sensors_init(&rig->sensors, &config->sensors, rig->plant, 0.04, &error));
    struct aft_sensors bare = rig->sensors;
    assert_ok(aft_sensors_assist(&rig->sensors, &rig->observer, config, &error));
    assert_ok(aft_control_model_create(&rig->model, config, &error));
    assert_ok(aft_kalman_create(&rig->kalman, rig->model, &bare, &noise, &error));
    const struct aft_lqr_weights weights = {0.1, 0.02, 0.01, 0.002};
    assert_ok(aft_lqr_gain(rig->gain, rig->model, &weights, &error));
}

static void clear(struct rig *rig)
{
    aft_kalman_destroy(rig->kalman);
    aft_control_model_destroy(rig->model);
    aft_observer_destroy(rig->observer);
    aft_plant_destroy(rig->plant);
}

/* What the sensors say and the force at a step: something that moves. */
static void signals(float *channels, float *force_n, const struct rig *rig, int step)
{
    for (int i = 0; i < rig->sensors.n_channels; i++) {
        double size = i <= 3 ? 1.0 : (i == 4 ? 0.1 : 0.4);
        channels[i] = (float)(size * sin(0.2 * step + 0.7 * i) * exp(-0.01 * step));
    }
    *force_n = (float)(20e3 * sin(0.15 * step));
}

static void check_step(const struct rig *rig, const double *z, const float *memory)
{
    double share = 0.0, height = rig->config.building.storey_height_m;
    for (int i = 0; i < rig->model->n; i++) {
        share -= rig->gain[i] * z[i];
    }
    share = fmin(1.0, fmax(-1.0, share));
    assert_near(memory[AFT_OBSERVER_NOMINAL], share, 2e-3);
    assert_near(memory[AFT_OBSERVER_STROKE], z[12] - z[11], 1e-5);
    assert_near(memory[AFT_OBSERVER_STROKE_RATE], z[25] - z[24], 1e-4);
    for (int i = 0; i < 12; i++) {
        double below = i > 0 ? z[i - 1] : 0.0, rate_below = i > 0 ? z[12 + i] : 0.0;
        assert_near(memory[AFT_OBSERVER_DRIFTS + i], (z[i] - below) / height, 1e-6);
        assert_near(memory[AFT_OBSERVER_DRIFTS + 12 + i], (z[13 + i] - rate_below) / height, 1e-5);
    }
}

static void observer__follows_the_kalman_filter_and_lqr(void **state)
{
    (void)state;
    for (int latency = 0; latency <= 3; latency++) {
        struct rig rig;
        make(&rig, latency);
        double filter[512] = {0.0}, z[AFT_CONTROL_MAX_STATES];
        float memory[AFT_OBSERVER_MAX_MEMORY] = {0.0F};
        assert_true(aft_kalman_memory(rig.kalman) <= 512);
        for (int k = 0; k < STEPS; k++) {
            float channels[AFT_OBSERVATION_MAX_CHANNELS] = {0.0F}, force_n = 0.0F, unused;
            if (k >= latency) {
                signals(channels, &unused, &rig, k - latency);
            }
            signals((float[AFT_OBSERVATION_MAX_CHANNELS]){0}, &force_n, &rig, k);
            aft_kalman_estimate(z, rig.kalman, filter, channels, (double)force_n, (size_t)k);
            aft_observer_step(rig.observer, memory, channels, force_n);
            if (k > 100) { /* they begin differently, and forget it */
                check_step(&rig, z, memory);
            }
        }
        clear(&rig);
    }
}

static void observer__does_the_same_in_every_lane(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, 1);
    int rows = aft_observer_memory(rig.observer), n = rig.sensors.n_channels;
    float alone[AFT_OBSERVER_MAX_MEMORY] = {0.0F};
    float *lanes = calloc((size_t)rows * AFT_LANES, sizeof *lanes);
    assert_non_null(lanes);
    for (int k = 0; k < STEPS; k++) {
        float channels[AFT_OBSERVATION_MAX_CHANNELS], force_n;
        float wide[AFT_OBSERVATION_MAX_CHANNELS * AFT_LANES], forces[AFT_LANES];
        for (int j = 0; j < AFT_LANES; j++) { /* lane 5 is the one that is watched */
            signals(channels, &force_n, &rig, j == 5 ? k : 2 * k + j);
            forces[j] = force_n;
            for (int i = 0; i < n; i++) {
                wide[i * AFT_LANES + j] = channels[i];
            }
        }
        signals(channels, &force_n, &rig, k);
        aft_observer_step(rig.observer, alone, channels, force_n);
        aft_observer_step_lanes(rig.observer, lanes, wide, forces);
        for (int i = 0; i < rows; i++) {
            assert_true(lanes[i * AFT_LANES + 5] == alone[i]);
        }
    }
    free(lanes);
    clear(&rig);
}

static void command__adds_to_the_nominal_and_brakes_in_time(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, 0);
    float memory[1024] = {0.0F}, *results = memory + rig.sensors.observer_at;
    assert_true(rig.sensors.n_memory <= 1024);
    results[AFT_OBSERVER_NOMINAL] = 0.5F;
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), 0.75, 1e-7);
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.75F), 1.0, 0.0);
    /* 0.8 F/m = 10 m/s² stops 2 m/s within 0.2 m: from 1.16 m on there is not enough left of
     * 0.9 × 1.5 m */
    results[AFT_OBSERVER_STROKE] = 1.1F;
    results[AFT_OBSERVER_STROKE_RATE] = 2.0F;
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), 0.75, 1e-7);
    results[AFT_OBSERVER_STROKE] = 1.2F;
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), -1.0, 0.0);
    results[AFT_OBSERVER_STROKE_RATE] = -2.0F; /* it comes back */
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), 0.75, 1e-7);
    results[AFT_OBSERVER_STROKE] = -1.2F;
    assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), 1.0, 0.0);
    clear(&rig);
}

/* The policy's guard and the one of LQR and LQG are the same law. */
static void command__brakes_where_the_stroke_guard_does(void **state)
{
    (void)state;
    struct rig rig;
    make(&rig, 0);
    float memory[1024] = {0.0F}, *results = memory + rig.sensors.observer_at;
    const struct aft_environment_config *config = &rig.config;
    struct aft_stroke_guard guard = aft_stroke_guard_of(config);
    guard.reach = config->sensors.guard_reach;
    double limit_n = config->actuator.force_limit_n;
    for (int i = -33; i <= 33; i++) {
        for (int k = -33; k <= 33; k++) {
            float stroke_m = 0.05F * (float)i, rate_m_s = 0.21F * (float)k;
            results[AFT_OBSERVER_STROKE] = stroke_m;
            results[AFT_OBSERVER_STROKE_RATE] = rate_m_s;
            double expected = aft_stroke_guard_command(&guard, (double)stroke_m, (double)rate_m_s,
                                                       0.25 * limit_n);
            assert_near(aft_sensors_command(&rig.sensors, memory, 0.25F), expected / limit_n, 0.0);
        }
    }
    clear(&rig);
}

static void nominal__needs_an_observer(void **state)
{
    (void)state;
    struct rig rig;
    struct aft_error error;
    make(&rig, 0);
    struct aft_environment_config config = rig.config;
    struct aft_sensors sensors = rig.sensors;
    struct aft_observer *none;
    config.sensors.observer = false;
    assert_int_equal(aft_sensors_assist(&sensors, &none, &config, &error), AFT_ERR_USAGE);
    assert_null(none);
    clear(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observer__follows_the_kalman_filter_and_lqr),
        cmocka_unit_test(observer__does_the_same_in_every_lane),
        cmocka_unit_test(command__adds_to_the_nominal_and_brakes_in_time),
        cmocka_unit_test(command__brakes_where_the_stroke_guard_does),
        cmocka_unit_test(nominal__needs_an_observer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
