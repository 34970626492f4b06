/*
 * A steady-state Kalman filter of the control model, from the policy's own
 * sensors. The measured ground acceleration and the actuator's force are inputs;
 * the measurement is all other channels. Noise of the process: of the measured
 * ground acceleration (sensor noise, and what happens between two samples) and of
 * the force (limits act within a control step). Noise of the measurement: the
 * sensors' noise, their rounding (unit²/12), and a floor.
 *
 * What arrives is latency_steps old. The filter lives at the time of the
 * measurements; the estimate of now is predicted from there with the forces
 * since, the ground's acceleration taken as zero after its last sample. Where
 * the sensors may drop out, a channel that repeats its last value to the bit is
 * not believed.
 */
#ifndef AFT_ENVIRONMENT_KALMAN_H
#define AFT_ENVIRONMENT_KALMAN_H

#include "environment/control_model.h"
#include "environment/observation.h"

struct aft_kalman_noise {
    double ground_m_s2; /* standard deviation beside the sensor's */
    double force_share; /* standard deviation of the force, of its limit */
    double floor_share; /* standard deviation of every channel, at least, of its full scale */
};

struct aft_kalman {                        /* read-only after its creation */
    const struct aft_control_model *model; /* borrowed */
    struct aft_sensors sensors;
    int n;                                     /* states: the model's without the force */
    int n_outputs;                             /* channels but the ground's */
    int ground;                                /* the ground's channel */
    int channel[AFT_OBSERVATION_MAX_CHANNELS]; /* of each output */
    double *phi;                               /* [n][n] */
    double *output;     /* [n_outputs][n + 1]: y = output · [state, force share] */
    double *gain;       /* [n][n_outputs] */
    double *covariance; /* [n][n], of the prediction */
    /* Transposed, for a step: sums over columns are vectors. */
    double *phi_columns, *output_columns, *gain_columns;
};

enum aft_code aft_kalman_create(struct aft_kalman **kalman, const struct aft_control_model *model,
                                const struct aft_sensors *sensors,
                                const struct aft_kalman_noise *noise, struct aft_error *error);
void aft_kalman_destroy(struct aft_kalman *kalman);

/* Doubles that one motion's filter remembers. */
size_t aft_kalman_memory(const struct aft_kalman *kalman);

/* Takes in what has arrived at control step `step` (0, 1, … without gaps; measured:
 * all channels) and the force over the control step that ends there, and writes
 * the estimate of now: z [model->n]. memory is zeros before step 0. */
void aft_kalman_estimate(double *z, const struct aft_kalman *kalman, double *memory,
                         const float *measured, double actuator_n, size_t step);

#endif
