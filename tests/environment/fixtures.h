/* Plants and settings that the environment's tests share. */
#ifndef AFT_TESTS_ENVIRONMENT_FIXTURES_H
#define AFT_TESTS_ENVIRONMENT_FIXTURES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "environment/config.h"

#include <math.h>
#include <string.h>

static inline struct aft_building_config slender12(void)
{
    return (struct aft_building_config){.floors = 12,
                                        .floor_mass_kg = 33333.0,
                                        .storey_stiffness_n_m = 6.01e7,
                                        .soft_storey = 8,
                                        .soft_storey_factor = 0.6,
                                        .storey_height_m = 3.0,
                                        .damping_ratio = 0.015,
                                        .device_mass_kg = 4000.0,
                                        .device_stiffness_n_m = 105034.0,
                                        .device_damping_n_s_m = 6296.0,
                                        .stroke_m = 1.5,
                                        .stop_stiffness_n_m = 1e6,
                                        .stop_damping_n_s_m = 3e4};
}

static inline struct aft_building_config seed12(void)
{
    struct aft_building_config config = slender12();
    config.floor_mass_kg = 2.0e5;
    config.storey_stiffness_n_m = 2.0e7;
    config.device_stiffness_n_m = 50e3;
    config.device_damping_n_s_m = 2000.0;
    config.stroke_m = 0.0;
    return config;
}

/* n equal storeys, no soft one. */
static inline struct aft_building_config uniform(int floors, double mass_kg, double stiffness_n_m,
                                                 double ratio)
{
    struct aft_building_config config = slender12();
    config.floors = floors;
    config.floor_mass_kg = mass_kg;
    config.storey_stiffness_n_m = stiffness_n_m;
    config.damping_ratio = ratio;
    config.soft_storey = 0;
    return config;
}

static inline struct aft_environment_config stage_1(int n_envs)
{
    return (struct aft_environment_config){
        .n_envs = n_envs,
        .dt_s = 0.02,
        .control_every = 2,
        .episode_s = 6.0,
        .building = slender12(),
        .actuator = {.force_limit_n = 50e3, .power_limit_w = 3e5, .lag_s = 0.0},
        .motion = {.kind = AFT_MOTION_STOCHASTIC_SOURCE,
                   .scaling = AFT_MOTION_TO_PGA,
                   .pga_g = 0.25,
                   .magnitude = 4.5,
                   .distance_km = 2.6,
                   .stress_drop_bar = 80.0,
                   .kappa_s = 0.04,
                   .amplitude_scatter = 0.3,
                   .onset_max_s = 1.5,
                   .mix_fraction = 0.6,
                   .mix_magnitude_min = 5.5,
                   .mix_magnitude_max = 6.8,
                   .mix_distance_km = 10.0},
        .sensors = {.accelerometer_range_m_s2 = 40.0,
                    .n_acceleration_floors = 3,
                    .acceleration_floors = {4, 8, 12},
                    .n_drift_storeys = 4,
                    .drift_storeys = {1, 4, 8, 12}},
        .reward = {.drift = 10.0, .peak = 5.0, .stroke = 0.02, .saturation = 0.001},
        .seed = 7,
        .stage = 1};
}

/* |a - b| <= tolerance; cmocka's own has no message with the numbers in it. */
#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double near_a = (a), near_b = (b);                                                         \
        if (!(fabs(near_a - near_b) <= (tolerance))) {                                             \
            fail_msg("%s = %.12g, expected %.12g +- %g", #a, near_a, near_b, (double)(tolerance)); \
        }                                                                                          \
    } while (0)

#define assert_between(value, low, high)                                                           \
    do {                                                                                           \
        double between_value = (value);                                                            \
        if (!(between_value >= (low) && between_value <= (high))) {                                \
            fail_msg("%s = %.12g, expected %g to %g", #value, between_value, (double)(low),        \
                     (double)(high));                                                              \
        }                                                                                          \
    } while (0)

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct aft_error *ok_error = &error;                                                       \
        if ((call) != AFT_OK) {                                                                    \
            fail_msg("%s: %s", #call, ok_error->message);                                          \
        }                                                                                          \
    } while (0)

#endif
