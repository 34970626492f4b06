/*
 * One controller's building on one motion, step by step: what an evaluation
 * runs many of. A trial is its own world: trials run on any thread, in any order.
 */
#ifndef AFT_ENVIRONMENT_TRIAL_H
#define AFT_ENVIRONMENT_TRIAL_H

#include "environment/evaluation.h"
#include "environment/observation.h"

struct aft_trial_setup { /* shared by the trials of one controller; read-only */
    const struct aft_plant *plant;
    const struct aft_sensors *sensors;
    const struct aft_controller *controller;
    struct aft_random_key sensor_key;
    uint32_t noise_stream;
    int substeps; /* simulation steps to a control step */
    int delay;    /* simulation steps that a command is late */
    double tail_s;
};

struct aft_trial {
    const struct aft_trial_setup *setup;
    const struct aft_motion *motion;
    const float *extra_noise; /* [n_channels] standard deviations; NULL: none */
    uint32_t number;          /* of the motion: which sensor noise */
    size_t steps, step;       /* control steps with the tail, and done */
    double state[AFT_PLANT_MAX_COLUMNS];
    struct aft_plant_forces forces;
    double *late_n;   /* [delay] commands under way, a ring by simulation step */
    double *memory;   /* the controller's */
    float *sensed;    /* [sensors.n_memory] */
    float *obs;       /* [obs_dim] */
    struct aft_response_meter meter;
    struct aft_history *history; /* may be NULL */
    void *block;                 /* what the arrays lie in */
};

enum aft_code aft_trial_init(struct aft_trial *trial, const struct aft_trial_setup *setup,
                             const struct aft_motion *motion, uint32_t number,
                             struct aft_error *error);
void aft_trial_clear(struct aft_trial *trial);

/* Takes the measurement at this control step and shows it. */
void aft_trial_observe(struct aft_trial *trial, struct aft_controller_view *view);

/* One control step under command_n, which is clipped to the force limit. */
void aft_trial_advance(struct aft_trial *trial, double command_n);

/* From its start to its end with a controller that is not asked in batches.
 * NUMERIC for a command that is not finite. */
enum aft_code aft_trial_run(struct aft_trial *trial, struct aft_error *error);

/* Channels' RMS over a motion (without tail) in the passive building: rms [n_channels]. */
void aft_trial_channel_rms(float *rms, const struct aft_trial_setup *setup,
                           const struct aft_motion *motion);

#endif
