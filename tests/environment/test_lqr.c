#include "fixtures.h"

#include "environment/lqr.h"
#include "environment/plant.h"

/* One floor of 30 t on a 1.2 MN/m storey, a 500 kg device, a lag of 0.03 s. */
static struct aft_environment_config small(void)
{
    struct aft_environment_config config = stage_1(1);
    config.building = uniform(1, 30000.0, 1.2e6, 0.02);
    config.building.device_mass_kg = 500.0;
    config.building.device_stiffness_n_m = 18000.0;
    config.building.device_damping_n_s_m = 600.0;
    config.building.stroke_m = 1.2;
    config.actuator = (struct aft_actuator_config){.force_limit_n = 20e3, .lag_s = 0.03};
    return config;
}

/* The model is the plant, over control steps in which the ground runs linearly. */
static void model__steps_as_the_plant_does(void **state)
{
    (void)state;
    struct aft_error error;
    const double lags_s[] = {0.0, 0.05};
    for (int lag = 0; lag < 2; lag++) {
        struct aft_environment_config config = stage_1(1);
        struct aft_control_model *model;
        struct aft_plant *plant;
        config.control_every = 3;
        config.actuator.lag_s = lags_s[lag];
        config.actuator.power_limit_w = 0.0;
        assert_ok(aft_control_model_create(&model, &config, &error));
        assert_ok(aft_plant_create(&plant, &config.building, &config.actuator, true, config.dt_s,
                                   &error));
        int n = model->n;
        double x[AFT_PLANT_MAX_COLUMNS] = {0.0}, z[AFT_CONTROL_MAX_STATES] = {0.0};
        struct aft_plant_forces forces = {0};
        for (int k = 0; k < 40; k++) {
            double u = k % 7 < 3 ? 0.2 : -0.15, g0 = sin(0.9 * k), g1 = sin(0.9 * (k + 1));
            double next[AFT_CONTROL_MAX_STATES];
            for (int i = 0; i < n; i++) {
                next[i] =
                    model->command[i] * u + model->ground_start[i] * g0 + model->ground_end[i] * g1;
                for (int j = 0; j < n; j++) {
                    next[i] += model->phi[i * n + j] * z[j];
                }
            }
            memcpy(z, next, sizeof z);
            for (int i = 0; i < 3; i++) {
                const double ground[2] = {g0 + (g1 - g0) * i / 3.0, g0 + (g1 - g0) * (i + 1) / 3.0};
                aft_plant_step(plant, x, ground, u * 50e3, &forces);
            }
        }
        for (int i = 0; i < n - 1; i++) {
            assert_near(z[i], x[i], 1e-12 + 1e-9 * fabs(x[i]));
        }
        assert_near(z[n - 1] * 50e3, forces.actuator_n, 1e-6);
        aft_plant_destroy(plant);
        aft_control_model_destroy(model);
    }
}

static void model__needs_a_force(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = stage_1(1);
    struct aft_control_model *model;
    config.actuator.force_limit_n = 0.0;
    assert_int_equal(aft_control_model_create(&model, &config, &error), AFT_ERR_USAGE);
    assert_null(model);
}

/*
 * Expected gain: written for this test in plain Python, sharing no code with the
 * program: the state space by hand, its exponential by 20 terms of the series
 * after 12 halvings, two substeps of f ← f + (1 - e^(-dt/lag))(u - f), x ← P x + b F f,
 * then x ← aᵀxa - aᵀxb (r + bᵀxb)⁻¹ bᵀxa + q until it changed by less than 1e-11.
 */
static void lqr__of_an_oscillator_agrees_with_plain_iteration(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = small();
    struct aft_lqr_weights weights = {
        .drift_rate = 0.5, .stroke = 0.1, .stroke_rate = 0.2, .control = 0.05};
    const double expected[5] = {-195.0080692, -0.4000191202, -12.23758069, 0.3902461165,
                                0.3940940065};
    struct aft_control_model *model;
    double gain[5];
    assert_ok(aft_control_model_create(&model, &config, &error));
    assert_int_equal(model->n, 5);
    assert_ok(aft_lqr_gain(gain, model, &weights, &error));
    for (int i = 0; i < 5; i++) {
        assert_near(gain[i] / expected[i], 1.0, 1e-6);
    }
    aft_control_model_destroy(model);
}

static double cost_of(const struct aft_control_model *model, const double *gain, double scale,
                      const struct aft_lqr_weights *weights)
{
    double z[5] = {0.02, 0.05, 0.0, 0.0, 0.0}, cost = 0.0;
    for (int k = 0; k < 4000; k++) {
        double u = 0.0, next[5];
        for (int i = 0; i < 5; i++) {
            u -= scale * gain[i] * z[i];
        }
        double drift = z[0] / 3.0 / 0.005, stroke = (z[1] - z[0]) / 1.2;
        cost += drift * drift + weights->stroke * stroke * stroke + weights->control * u * u;
        for (int i = 0; i < 5; i++) {
            next[i] = model->command[i] * u;
            for (int j = 0; j < 5; j++) {
                next[i] += model->phi[i * 5 + j] * z[j];
            }
        }
        memcpy(z, next, sizeof z);
    }
    return cost;
}

static void lqr__costs_least(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = small();
    struct aft_lqr_weights weights = {.stroke = 0.1, .control = 0.3};
    struct aft_control_model *model;
    double gain[5];
    assert_ok(aft_control_model_create(&model, &config, &error));
    assert_ok(aft_lqr_gain(gain, model, &weights, &error));
    double least = cost_of(model, gain, 1.0, &weights);
    assert_true(least < cost_of(model, gain, 0.9, &weights));
    assert_true(least < cost_of(model, gain, 1.1, &weights));
    assert_true(least < 0.9 * cost_of(model, gain, 0.0, &weights));
    for (int i = 0; i < 4; i++) {
        double kept = gain[i];
        gain[i] *= 1.05;
        assert_true(least < cost_of(model, gain, 1.0, &weights));
        gain[i] = kept;
    }
    aft_control_model_destroy(model);
}

static void lqr__refuses_weights_that_mean_nothing(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = small();
    struct aft_control_model *model;
    double gain[5];
    assert_ok(aft_control_model_create(&model, &config, &error));
    struct aft_lqr_weights none = {.stroke = 1.0};
    assert_int_equal(aft_lqr_gain(gain, model, &none, &error), AFT_ERR_USAGE);
    struct aft_lqr_weights negative = {.stroke = -1.0, .control = 1.0};
    assert_int_equal(aft_lqr_gain(gain, model, &negative, &error), AFT_ERR_USAGE);
    aft_control_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model__steps_as_the_plant_does),
        cmocka_unit_test(model__needs_a_force),
        cmocka_unit_test(lqr__of_an_oscillator_agrees_with_plain_iteration),
        cmocka_unit_test(lqr__costs_least),
        cmocka_unit_test(lqr__refuses_weights_that_mean_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
