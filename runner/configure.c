#include "runner/configure.h"
#include "curriculum/schedule.h"
#include "environment/response_spectrum.h"

#include <string.h>

static struct aft_building_config building_of(const struct aft_building_settings *from)
{
    return (struct aft_building_config){
        .floors = from->floors,
        .floor_mass_kg = from->floor_mass_kg,
        .storey_stiffness_n_m = from->storey_stiffness_n_m,
        .soft_storey = from->soft_storey,
        .soft_storey_factor = from->soft_storey_factor,
        .storey_height_m = from->storey_height_m,
        .damping_ratio = from->damping_ratio,
        .device_mass_kg = from->device_mass_kg,
        .device_stiffness_n_m = from->device_stiffness_n_m,
        .device_damping_n_s_m = from->device_damping_n_s_m,
        .stroke_m = from->stroke_m,
        .stop_stiffness_n_m = from->stop_stiffness_n_m,
        .stop_damping_n_s_m = from->stop_damping_n_s_m,
    };
}

static enum aft_motion_scaling scaling_of(enum aft_motion_scale scale)
{
    switch (scale) {
    case AFT_SCALE_PGA:
        return AFT_MOTION_TO_PGA;
    case AFT_SCALE_SA_T1:
        return AFT_MOTION_TO_SA_T1;
    default:
        return AFT_MOTION_UNSCALED;
    }
}

static struct aft_motion_config motion_of(const struct aft_stage *stage)
{
    const struct aft_motion_settings *from = &stage->motion;
    return (struct aft_motion_config){
        .kind =
            from->source == AFT_MOTION_RECORDS ? AFT_MOTION_RECORDED : AFT_MOTION_STOCHASTIC_SOURCE,
        .scaling = scaling_of(from->scale),
        .pga_g = from->pga_g,
        .sa_t1_g = from->sa_t1_g,
        .magnitude = stage->magnitude,
        .distance_km = from->distance_km,
        .stress_drop_bar = from->stress_drop_bar,
        .kappa_s = from->kappa_s,
        .stress_drop_sigma_ln = from->stress_drop_sigma_ln,
        .distance_sigma_ln = from->distance_sigma_ln,
        .kappa_sigma_ln = from->kappa_sigma_ln,
        .amplitude_scatter = from->amplitude_scatter,
        .onset_max_s = from->onset_max_s,
        .mix_fraction = from->mix_fraction,
        .mix_magnitude_min = from->mix_magnitude_min,
        .mix_magnitude_max = from->mix_magnitude_max,
        .mix_distance_km = from->mix_distance_km,
    };
}

static struct aft_sensor_config sensors_of(const struct aft_environment_settings *from)
{
    struct aft_sensor_config sensors = {
        .n_acceleration_floors = from->acceleration_floors.n,
        .n_drift_storeys = from->drift_storeys.n,
        .noise = from->sensor_noise,
        .bits = from->sensor_bits,
        .latency_steps = from->latency_steps,
        .dropout = from->dropout,
        .accelerometer_range_m_s2 = from->accelerometer_range_g * AFT_GRAVITY_M_S2,
        .observer = from->observer == AFT_OBSERVER_KALMAN,
        .guard_reach = from->stroke_guard,
    };
    memcpy(sensors.acceleration_floors, from->acceleration_floors.value,
           sizeof sensors.acceleration_floors);
    memcpy(sensors.drift_storeys, from->drift_storeys.value, sizeof sensors.drift_storeys);
    return sensors;
}

_Static_assert((int)AFT_MAX_FLOOR_LIST == (int)AFT_SENSOR_MAX_CHANNELS,
               "a sensor list of the curriculum fits the environment's");

enum aft_code aft_configure_environment(struct aft_stage_environment *environment,
                                        const struct aft_curriculum *curriculum, int stage,
                                        struct aft_error *error)
{
    const struct aft_stage *from = &curriculum->stages[stage - 1];
    const struct aft_environment_settings *settings = &from->environment;
    memset(environment, 0, sizeof *environment);
    if (from->motion.source == AFT_MOTION_RECORDS) {
        enum aft_code code = aft_stage_record_paths(
            &environment->record_paths, &environment->n_records, curriculum, stage - 1, error);
        if (code != AFT_OK) {
            return code;
        }
    }
    struct aft_environment_config *config = &environment->config;
    config->n_envs = settings->n_envs;
    config->dt_s = settings->dt_s;
    config->control_every = settings->control_every;
    config->episode_s = settings->episode_s;
    config->building = building_of(&curriculum->building);
    config->actuator.force_limit_n = from->force_limit_n;
    config->actuator.power_limit_w = curriculum->actuator.power_limit_w;
    config->actuator.lag_s = curriculum->actuator.actuator_lag_s;
    config->motion = motion_of(from);
    config->motion.record_paths = (const char *const *)environment->record_paths;
    config->motion.n_records = environment->n_records;
    config->sensors = sensors_of(settings);
    config->nominal = (struct aft_nominal_config){
        .enabled = settings->nominal == AFT_NOMINAL_LQG,
        .drift_rate = settings->nominal_drift_rate,
        .stroke = settings->nominal_stroke,
        .stroke_rate = settings->nominal_stroke_rate,
        .control = settings->nominal_control,
    };
    config->randomisation = (struct aft_randomisation_config){
        .noise = settings->random_noise,
        .latency_s = settings->random_latency_s,
        .dropout = settings->random_dropout,
        .stiffness = settings->random_stiffness,
        .damping = settings->random_damping,
    };
    config->reward = (struct aft_reward_config){
        .drift = settings->reward_drift,
        .peak = settings->reward_peak,
        .stroke = settings->reward_stroke,
        .saturation = settings->reward_saturation,
        .force = settings->reward_force,
        .force_rate = settings->reward_force_rate,
        .acceleration = settings->reward_acceleration,
    };
    config->seed = curriculum->run.seed;
    config->stage = (uint32_t)stage;
    return AFT_OK;
}

void aft_stage_environment_clear(struct aft_stage_environment *environment)
{
    aft_record_paths_destroy(environment->record_paths, environment->n_records);
    memset(environment, 0, sizeof *environment);
}

struct aft_ppo_config aft_configure_ppo(const struct aft_curriculum *curriculum, int stage)
{
    const struct aft_ppo_settings *from = &curriculum->stages[stage - 1].ppo;
    return (struct aft_ppo_config){
        .n_steps = from->n_steps,
        .batch_size = from->batch_size,
        .n_epochs = from->n_epochs,
        .gamma = (float)from->gamma,
        .gae_lambda = (float)from->gae_lambda,
        .clip_range = (float)from->clip_range,
        .clip_range_vf = (float)from->clip_range_vf,
        .vf_coef = (float)from->vf_coef,
        .max_grad_norm = (float)from->max_grad_norm,
        .target_kl = (float)from->target_kl,
        .adam_eps = (float)from->adam_eps,
        .normalize_advantage = from->normalize_advantage,
        .normalize_observation = from->normalize_observation,
        .adaptive = from->adaptive,
        .desired_kl = (float)from->desired_kl,
        .seed = curriculum->run.seed,
        .stage = (uint32_t)stage,
    };
}

struct aft_ppo_schedule aft_schedule_at(const struct aft_stage *stage, int64_t steps)
{
    const struct aft_ppo_settings *ppo = &stage->ppo;
    double progress = (double)steps / (double)stage->timesteps;
    return (struct aft_ppo_schedule){
        .learning_rate = (float)aft_schedule_value(ppo->lr_schedule, ppo->learning_rate,
                                                   ppo->final_learning_rate, progress),
        .ent_coef = (float)aft_schedule_value(ppo->ent_schedule, ppo->ent_coef, ppo->final_ent_coef,
                                              progress),
    };
}
