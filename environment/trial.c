#include "environment/trial.h"

#include "environment/clamp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Middle counters of the sensors' streams: training episodes are below 2^30, the
 * noise of an evaluation is from there on, what robustness adds above it. */
static const uint32_t own_noise = 0x40000000U, added_noise = 0x60000000U;

static double ground_at(const struct aft_motion *motion, size_t i)
{
    return i < motion->n ? motion->acceleration_m_s2[i] : 0.0;
}

enum aft_code aft_trial_init(struct aft_trial *trial, const struct aft_trial_setup *setup,
                             const struct aft_motion *motion, uint32_t number,
                             struct aft_error *error)
{
    const struct aft_sensors *sensors = setup->sensors;
    size_t doubles = setup->controller->n_memory + (size_t)setup->delay;
    size_t floats = (size_t)sensors->n_memory + (size_t)sensors->obs_dim;
    double control_s = setup->plant->dt_s * setup->substeps;
    double length_s = (double)(motion->n - 1) * motion->dt_s + setup->tail_s;
    *trial = (struct aft_trial){.setup = setup, .motion = motion, .number = number};
    trial->block = calloc(1, doubles * sizeof(double) + floats * sizeof(float));
    if (trial->block == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "simulate a motion: out of memory");
    }
    trial->memory = trial->block;
    trial->late_n = trial->memory + setup->controller->n_memory;
    trial->sensed = (float *)(trial->late_n + setup->delay);
    trial->obs = trial->sensed + sensors->n_memory;
    trial->steps = (size_t)ceil(length_s / control_s - 1e-9);
    aft_sensors_reset(sensors, trial->sensed);
    return AFT_OK;
}

void aft_trial_clear(struct aft_trial *trial)
{
    free(trial->block);
    *trial = (struct aft_trial){0};
}

static void add_noise(float *channels, const struct aft_trial *trial)
{
    const struct aft_trial_setup *setup = trial->setup;
    float noise[AFT_OBSERVATION_MAX_CHANNELS];
    size_t n = (size_t)setup->sensors->n_channels;
    aft_random_normal_f32(noise, n, setup->sensor_key, trial->number,
                          added_noise + setup->noise_stream, trial->step * setup->sensors->draws);
    for (size_t i = 0; i < n; i++) {
        channels[i] += trial->extra_noise[i] * noise[i];
    }
}

void aft_trial_observe(struct aft_trial *trial, struct aft_controller_view *view)
{
    const struct aft_trial_setup *setup = trial->setup;
    float channels[AFT_OBSERVATION_MAX_CHANNELS];
    uint32_t step = (uint32_t)trial->step;
    struct aft_sensor_stream stream = {
        .key = setup->sensor_key, .high = trial->number, .middle = own_noise + setup->noise_stream};
    const double ground_and_force[2] = {
        ground_at(trial->motion, trial->step * (size_t)setup->substeps),
        trial->forces.actuator_n + trial->forces.contact_n};
    aft_sensors_sense(channels, setup->sensors, setup->plant, trial->state, 1, ground_and_force);
    if (trial->extra_noise != NULL) {
        add_noise(channels, trial);
    }
    const struct aft_sensed sensed = {channels, (float)trial->forces.actuator_n, step};
    aft_sensors_measure(setup->sensors, trial->sensed, &sensed, &stream);
    aft_sensors_observe(trial->obs, setup->sensors, trial->sensed, &sensed);
    *view = (struct aft_controller_view){
        .state = trial->state,
        .measured = aft_sensors_arrived(setup->sensors, trial->sensed),
        .obs = trial->obs,
        .actuator_n = trial->forces.actuator_n,
        .motion = (int)trial->number,
        .step = trial->step,
        .memory = trial->memory,
    };
}

/* What the actuator hears in simulation step `at` when command_n is given. */
static double delayed(struct aft_trial *trial, double command_n, size_t at)
{
    if (trial->setup->delay == 0) {
        return command_n;
    }
    double *slot = &trial->late_n[at % (size_t)trial->setup->delay];
    double heard = *slot;
    *slot = command_n;
    return heard;
}

/* Sample `at` of the history: what is after simulation step at - 1. */
static void record(const struct aft_trial *trial, size_t at)
{
    const struct aft_plant *plant = trial->setup->plant;
    struct aft_history *h = trial->history;
    double acceleration[AFT_BUILDING_MAX_FLOORS];
    struct aft_drift drift;
    if (at >= h->n) {
        return;
    }
    aft_plant_drift(&drift, plant, trial->state);
    aft_building_floor_accelerations(acceleration, &plant->building, trial->state, 1,
                                     trial->forces.actuator_n + trial->forces.contact_n);
    h->ground_m_s2[at] = ground_at(trial->motion, at);
    h->roof_m[at] = trial->state[plant->roof_row];
    h->peak_drift[at] = drift.peak;
    h->roof_acc_m_s2[at] = acceleration[plant->building.floors - 1];
    h->stroke_m[at] = aft_plant_stroke(plant, trial->state, 1);
    h->force_n[at] = trial->forces.actuator_n;
    h->power_w[at] = trial->forces.power_w;
}

void aft_trial_advance(struct aft_trial *trial, double command_n)
{
    const struct aft_trial_setup *setup = trial->setup;
    double limit_n = setup->plant->actuator.force_limit_n;
    double clipped_n = aft_clamp(command_n, -limit_n, limit_n);
    if (setup->controller->assisted && limit_n > 0.0) {
        float action = (float)(clipped_n / limit_n);
        clipped_n = (double)aft_sensors_command(setup->sensors, trial->sensed, action) * limit_n;
    }
    size_t first = trial->step * (size_t)setup->substeps;
    for (size_t at = first; at < first + (size_t)setup->substeps; at++) {
        const double ground[2] = {ground_at(trial->motion, at), ground_at(trial->motion, at + 1)};
        double heard_n = delayed(trial, clipped_n, at);
        aft_plant_step(setup->plant, trial->state, ground, heard_n, &trial->forces);
        aft_response_note(&trial->meter, setup->plant, trial->state, 1, &trial->forces, heard_n);
        if (trial->history != NULL) {
            record(trial, at + 1);
        }
    }
    trial->step++;
}

enum aft_code aft_trial_run(struct aft_trial *trial, struct aft_error *error)
{
    const struct aft_controller *controller = trial->setup->controller;
    while (trial->step < trial->steps) {
        struct aft_controller_view view;
        double command_n = 0.0;
        if (controller->act != NULL) {
            aft_trial_observe(trial, &view);
            enum aft_code code = controller->act(controller->self, 1, &view, &command_n, error);
            if (code != AFT_OK) {
                return code;
            }
        }
        if (!isfinite(command_n)) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "evaluation, motion %u: the command of '%s' is not finite",
                            trial->number, controller->name);
        }
        aft_trial_advance(trial, command_n);
    }
    return AFT_OK;
}

void aft_trial_channel_rms(float *rms, const struct aft_trial_setup *setup,
                           const struct aft_motion *motion)
{
    double state[AFT_PLANT_MAX_COLUMNS] = {0.0}, sum[AFT_OBSERVATION_MAX_CHANNELS] = {0.0};
    struct aft_plant_forces forces = {0.0, 0.0, 0.0};
    for (size_t i = 0; i < motion->n; i++) {
        float channels[AFT_OBSERVATION_MAX_CHANNELS];
        aft_sensors_sense(channels, setup->sensors, setup->plant, state, 1,
                          (const double[2]){ground_at(motion, i), forces.contact_n});
        for (int j = 0; j < setup->sensors->n_channels; j++) {
            sum[j] += (double)channels[j] * (double)channels[j];
        }
        aft_plant_step(setup->plant, state,
                       (const double[2]){ground_at(motion, i), ground_at(motion, i + 1)}, 0.0,
                       &forces);
    }
    for (int j = 0; j < setup->sensors->n_channels; j++) {
        rms[j] = (float)sqrt(sum[j] / (double)motion->n);
    }
}
