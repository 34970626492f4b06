#include "fixtures.h"

#include "environment/kalman.h"

#include <stdlib.h>

struct rig { /* a filter, and the plant whose sensors it reads */
    struct aft_environment_config config;
    struct aft_control_model *model;
    struct aft_plant *plant;
    struct aft_sensors sensors;
    struct aft_kalman *kalman;
};

static struct rig rig_of(const struct aft_environment_config *config,
                         const struct aft_kalman_noise *noise)
{
    struct aft_error error;
    struct rig rig = {.config = *config};
    assert_ok(aft_control_model_create(&rig.model, config, &error));
    assert_ok(aft_plant_create(&rig.plant, &config->building, &config->actuator, true, config->dt_s,
                               &error));
    assert_ok(
        aft_sensors_init(&rig.sensors, &config->sensors, rig.plant, rig.model->step_s, &error));
    assert_ok(aft_kalman_create(&rig.kalman, rig.model, &rig.sensors, noise, &error));
    return rig;
}

static void put_away(struct rig *rig)
{
    aft_kalman_destroy(rig->kalman);
    aft_plant_destroy(rig->plant);
    aft_control_model_destroy(rig->model);
}

static double q_at(const struct rig *rig, int i, int j, double ground, double force)
{
    const struct aft_control_model *m = rig->model;
    return ground *
               (m->ground_start[i] * m->ground_start[j] + m->ground_end[i] * m->ground_end[j]) +
           force * m->held_force[i] * m->held_force[j];
}

/* P = phi (P - L c P) phiᵀ + q with the filter's own gain, element by element. */
static void kalman__covariance_solves_its_equation(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.sensors.noise = 0.01;
    config.sensors.n_drift_storeys = 0;
    config.building = uniform(2, 30000.0, 2e7, 0.02);
    config.sensors.n_acceleration_floors = 1;
    config.sensors.acceleration_floors[0] = 2;
    struct aft_kalman_noise noise = {.ground_m_s2 = 0.5, .force_share = 0.1};
    struct rig rig = rig_of(&config, &noise);
    const struct aft_kalman *k = rig.kalman;
    enum { STATES = 6, OUTPUTS = 3 };
    double corrected[STATES][STATES], half[STATES][STATES];
    double ground = 0.25 + (0.01 * 40.0) * (0.01 * 40.0) + (1e-6 * 40.0) * (1e-6 * 40.0);
    assert_int_equal(k->n, STATES);
    assert_int_equal(k->n_outputs, OUTPUTS);
    for (int i = 0; i < STATES; i++) {
        for (int j = 0; j < STATES; j++) {
            corrected[i][j] = k->covariance[i * STATES + j];
            for (int o = 0; o < OUTPUTS; o++) {
                for (int s = 0; s < STATES; s++) {
                    corrected[i][j] -= k->gain[i * OUTPUTS + o] * k->output[o * (STATES + 1) + s] *
                                       k->covariance[s * STATES + j];
                }
            }
        }
    }
    for (int i = 0; i < STATES; i++) {
        for (int j = 0; j < STATES; j++) {
            half[i][j] = 0.0;
            for (int s = 0; s < STATES; s++) {
                half[i][j] += k->phi[i * STATES + s] * corrected[s][j];
            }
        }
    }
    for (int i = 0; i < STATES; i++) {
        for (int j = 0; j < STATES; j++) {
            double p = q_at(&rig, i, j, ground, 0.01);
            for (int s = 0; s < STATES; s++) {
                p += half[i][s] * k->phi[j * STATES + s];
            }
            double scale = sqrt(k->covariance[i * STATES + i] * k->covariance[j * STATES + j]);
            assert_near(p, k->covariance[i * STATES + j], 1e-8 * scale);
            assert_near(k->covariance[j * STATES + i], k->covariance[i * STATES + j],
                        1e-12 * scale);
        }
    }
    put_away(&rig);
}

enum { SETTLED = 4 }; /* control steps after which what is late is of the quiet ground, too */

/* Runs plant and filter for some steps, the ground linear over each; returns the
 * largest error of the roof's estimate, relative to its peak. */
static double follow(const struct rig *rig, int quiet_from)
{
    double x[AFT_PLANT_MAX_COLUMNS] = {0.0}, z[AFT_CONTROL_MAX_STATES], peak = 0.0, worst = 0.0;
    double memory[256] = {0.0};
    float *sensed = calloc((size_t)rig->sensors.n_memory, sizeof *sensed);
    struct aft_plant_forces forces = {0};
    struct aft_sensor_stream stream = {.key = aft_random_key(1, 1, AFT_RANDOM_SENSOR)};
    assert_true(aft_kalman_memory(rig->kalman) <= 256);
    aft_sensors_reset(&rig->sensors, sensed);
    for (uint32_t k = 0; k < 250; k++) {
        double g[2];
        float channels[AFT_OBSERVATION_MAX_CHANNELS];
        for (int end = 0; end < 2; end++) {
            int at = (int)k + end;
            g[end] = at < quiet_from ? 2.0 * sin(0.21 * at) * sin(0.05 * at) : 0.0;
        }
        aft_sensors_sense(channels, &rig->sensors, rig->plant, x, 1,
                          (const double[2]){g[0], forces.actuator_n + forces.contact_n});
        const struct aft_sensed now = {.channels = channels, .step = (uint32_t)k};
        aft_sensors_measure(&rig->sensors, sensed, &now, &stream);
        aft_kalman_estimate(z, rig->kalman, memory, aft_sensors_arrived(&rig->sensors, sensed),
                            forces.actuator_n, k);
        peak = fmax(peak, fabs(x[11]));
        bool counts = quiet_from > 250 || (int)k >= quiet_from + SETTLED;
        worst = counts ? fmax(worst, fabs(z[11] - x[11])) : worst;
        for (int i = 0; i < 2; i++) {
            const double pair[2] = {g[0] + 0.5 * i * (g[1] - g[0]),
                                    g[0] + 0.5 * (i + 1) * (g[1] - g[0])};
            aft_plant_step(rig->plant, x, pair, k % 9 < 4 ? 12e3 : -15e3, &forces);
        }
    }
    free(sensed);
    return worst / peak;
}

static void kalman__follows_what_it_knows_all_of(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.actuator.power_limit_w = 0.0;
    struct aft_kalman_noise noise = {.ground_m_s2 = 0.1, .force_share = 0.01};
    struct rig rig = rig_of(&config, &noise);
    double error = follow(&rig, 1000);
    if (!(error < 1e-4)) {
        fail_msg("the estimate is off by %g of the peak", error);
    }
    put_away(&rig);
}

/* What is late is made up for by prediction: exactly, once the ground is quiet. */
static void kalman__makes_up_for_the_delay(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.actuator.power_limit_w = 0.0;
    config.sensors.latency_steps = 3;
    struct aft_kalman_noise noise = {.ground_m_s2 = 0.1, .force_share = 0.01};
    struct rig rig = rig_of(&config, &noise);
    double quiet = follow(&rig, 150), shaken = follow(&rig, 1000);
    if (!(quiet < 1e-3)) {
        fail_msg("the estimate is off by %g of the peak", quiet);
    }
    assert_between(shaken, 1e-3, 0.2); /* the ground since is not known */
    put_away(&rig);
}

static void kalman__stands_noise(void **state)
{
    (void)state;
    struct aft_environment_config config = stage_1(1);
    config.actuator.power_limit_w = 0.0;
    config.sensors.n_drift_storeys = 0;
    config.sensors.noise = 0.002;
    config.sensors.dropout = 0.05;
    config.sensors.bits = 14;
    struct aft_kalman_noise noise = {.ground_m_s2 = 0.1, .force_share = 0.01};
    struct rig rig = rig_of(&config, &noise);
    double error = follow(&rig, 1000);
    if (!(error < 0.08)) {
        fail_msg("the estimate is off by %g of the peak", error);
    }
    put_away(&rig);
}

static void kalman__refuses_negative_noise(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_kalman_noise noise = {0};
    struct rig rig = rig_of(&config, &noise);
    struct aft_kalman *none;
    noise.force_share = -1.0;
    assert_int_equal(aft_kalman_create(&none, rig.model, &rig.sensors, &noise, &error),
                     AFT_ERR_USAGE);
    put_away(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kalman__covariance_solves_its_equation),
        cmocka_unit_test(kalman__follows_what_it_knows_all_of),
        cmocka_unit_test(kalman__makes_up_for_the_delay),
        cmocka_unit_test(kalman__stands_noise),
        cmocka_unit_test(kalman__refuses_negative_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
