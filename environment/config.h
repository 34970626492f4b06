/* What an environment is made from. SI units throughout unless the name says otherwise. */
#ifndef AFT_ENVIRONMENT_CONFIG_H
#define AFT_ENVIRONMENT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AFT_BUILDING_MAX_FLOORS = 64,
    AFT_SENSOR_MAX_CHANNELS = 16,
    AFT_SENSOR_MAX_LATENCY_STEPS = 100,
};

struct aft_building_config {
    int floors; /* 1…64 */
    double floor_mass_kg, storey_stiffness_n_m;
    int soft_storey; /* counted from 1; 0: none */
    double soft_storey_factor;
    double storey_height_m; /* drift ratio = storey drift / height */
    double damping_ratio;   /* Rayleigh, on modes 1 and 2 */
    double device_mass_kg, device_stiffness_n_m, device_damping_n_s_m;
    double stroke_m; /* end stop at ± stroke; 0: none */
    double stop_stiffness_n_m, stop_damping_n_s_m;
};

struct aft_actuator_config {
    double force_limit_n;
    double power_limit_w; /* of driving (force × relative velocity > 0); 0: none */
    double lag_s;         /* first-order lag of the force; 0: none */
};

enum aft_motion_kind { AFT_MOTION_STOCHASTIC_SOURCE, AFT_MOTION_RECORDED };
enum aft_motion_scaling { AFT_MOTION_TO_PGA, AFT_MOTION_TO_SA_T1, AFT_MOTION_UNSCALED };

struct aft_motion_config {
    enum aft_motion_kind kind;
    const char *const *record_paths; /* borrowed while the environment is created */
    int n_records;
    enum aft_motion_scaling scaling;
    double pga_g, sa_t1_g;
    double magnitude, distance_km, stress_drop_bar, kappa_s;
    double stress_drop_sigma_ln, distance_sigma_ln, kappa_sigma_ln;
    double amplitude_scatter, onset_max_s;
    double mix_fraction, mix_magnitude_min, mix_magnitude_max, mix_distance_km;
};

struct aft_sensor_config {
    int n_acceleration_floors, acceleration_floors[AFT_SENSOR_MAX_CHANNELS]; /* from 1 */
    int n_drift_storeys, drift_storeys[AFT_SENSOR_MAX_CHANNELS];             /* from 1 */
    double noise; /* white, standard deviation as a fraction of full scale */
    int bits;     /* quantisation over ± full scale; 0: none */
    int latency_steps;
    double dropout;
    double accelerometer_range_m_s2; /* full scale of the accelerometers, ± */
    bool observer;                   /* the policy sees a Kalman filter's estimates */
    double guard_reach; /* share of the stroke from which on the drive brakes; 0: no guard */
};

struct aft_nominal_config { /* the LQG controller that the policy's action is added to */
    bool enabled;           /* with an observer only */
    double drift_rate, stroke, stroke_rate, control; /* its weights, see lqr.h */
};

struct aft_randomisation_config { /* of training episodes; see randomisation.h */
    double noise;     /* beside the sensors': uniform in 0…noise, a fraction of full scale */
    double latency_s; /* the command is late by 0…latency_s, in whole simulation steps */
    double dropout;   /* beside the sensors': uniform in 0…dropout */
    double stiffness, damping; /* 0.15: the building's are 0.85…1.15 of the configured ones */
};

struct aft_reward_config {
    double drift, peak, stroke, saturation, force_rate, acceleration, force;
};

struct aft_environment_config {
    int n_envs;
    double dt_s;
    int control_every;
    double episode_s;
    struct aft_building_config building;
    struct aft_actuator_config actuator;
    struct aft_motion_config motion;
    struct aft_sensor_config sensors;
    struct aft_nominal_config nominal;
    struct aft_randomisation_config randomisation;
    struct aft_reward_config reward;
    uint64_t seed;
    uint32_t stage;
};

#endif
