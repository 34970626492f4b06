/*
 * What a policy is given beside its sensors: the estimates of the steady-state
 * Kalman filter (kalman.h) and, if wanted, the command that a nominal LQG
 * controller would give. In single precision, AFT_LANES environments at a time,
 * because training asks for it at every step; one environment is a block of
 * which one lane is used, so that both have the same bits.
 *
 * Its memory is rows of lanes. The first are its results: the nominal command as
 * a share of the force limit within ±1 (0 where there is none), the stroke (m)
 * and its rate (m/s), the largest |drift ratio| estimated so far, and the drift
 * ratios and their rates (1/s) of n_storeys storeys.
 */
#ifndef AFT_ENVIRONMENT_OBSERVER_H
#define AFT_ENVIRONMENT_OBSERVER_H

#include "base/error.h"
#include "environment/building.h"
#include "environment/config.h"
#include "environment/observation.h"

struct aft_observer; /* read-only after its creation */

/* The storeys whose drifts are shown: all, or this many evenly over the height. */
enum { AFT_OBSERVER_MAX_STOREYS = 12 };
/* Rows of memory, at most. */
enum {
    AFT_OBSERVER_MAX_MEMORY = 4 + 2 * AFT_OBSERVER_MAX_STOREYS + 2 * AFT_BUILDING_MAX_DOF + 1 +
                              AFT_SENSOR_MAX_LATENCY_STEPS + 1 + AFT_OBSERVATION_MAX_CHANNELS
};
int aft_observer_storeys(const struct aft_building_config *building);

enum aft_observer_result { /* rows of the results */
                           AFT_OBSERVER_NOMINAL,
                           AFT_OBSERVER_STROKE,
                           AFT_OBSERVER_STROKE_RATE,
                           AFT_OBSERVER_PEAK_DRIFT,
                           AFT_OBSERVER_DRIFTS, /* n_storeys rows, then as many of rates */
};

/* config is the nominal plant's. The filter's noise: 0.3 m/s² of the ground, 2 % of
 * the force, 0.5 % of a channel's full scale at least. sensors is borrowed for the
 * call. USAGE for weights out of range. */
enum aft_code aft_observer_create(struct aft_observer **observer,
                                  const struct aft_environment_config *config,
                                  const struct aft_sensors *sensors, struct aft_error *error);
void aft_observer_destroy(struct aft_observer *observer);

/* Rows of memory; zeros before the first step. */
int aft_observer_memory(const struct aft_observer *observer);

/* The number of the storey, from 1, whose drift is the index-th shown. */
int aft_observer_storey(const struct aft_observer *observer, int index);

/*
 * The filter in plain matrices, for another implementation of it. At each step,
 * with u the actuator's force over the step that ended (share of the limit; of
 * `latency` steps ago where the measurement is), g the ground:
 *     x = predict [x, u, g before] + ground_end g
 *     x = x + correct (y - output [x, u])
 * and then `latency` predictions to now with the forces since, of which the first
 * begins with g and the others with 0. The nominal command is -gain [x, u].
 */
struct aft_observer_model {
    int n, dof, floors; /* n: states, displacements of dof, then velocities */
    int n_outputs;      /* channels but the ground's, in their order */
    int ground;         /* the ground's channel */
    int latency;        /* control steps */
    bool drops;         /* an output that repeats its last value is not believed */
    float per_height_1_m, force_limit_n;
    float *predict;    /* [n][n + 2] */
    float *output;     /* [n_outputs][n + 1] */
    float *correct;    /* [n][n_outputs] */
    float *ground_end; /* [n] */
    float *gain;       /* [n + 1]; zeros without a nominal controller */
};
enum aft_code aft_observer_model_create(struct aft_observer_model *model,
                                        const struct aft_observer *observer,
                                        struct aft_error *error);
void aft_observer_model_clear(struct aft_observer_model *model);

/* Takes in what has arrived, [n_channels][AFT_LANES], and the actuators' forces over
 * the control step that ended, one row. Before anything has arrived, arrived is zeros. */
void aft_observer_step_lanes(const struct aft_observer *observer, float *memory,
                             const float *arrived, const float *actuator_n);
/* The same for one environment: memory and arrived without lanes. */
void aft_observer_step(const struct aft_observer *observer, float *memory, const float *arrived,
                       float actuator_n);

#endif
