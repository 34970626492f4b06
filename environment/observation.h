/*
 * What a controller sees. Channels, measured once a control step:
 *   absolute accelerations of the configured floors and of the ground (m/s²),
 *   stroke (m) and its rate (m/s), drift ratios of the configured storeys and
 *   their rates (1/s).
 * A measurement adds white noise (a fraction of the channel's full scale), is
 * clipped and rounded to the converter's steps, may drop out (then the channel
 * repeats its last value), and arrives latency_steps late. Full scales:
 * accelerometers as configured, stroke 1.5 × the stroke limit (3 m without one)
 * and 10 m/s, drift 0.05 and 0.5 1/s.
 *
 * The observation, from what has arrived (obs_dim floats, in this order):
 *   accelerations of floors / 2, of the ground / 1,
 *   the floors' leaky-integrated (τ = 2 s) / 0.3, or, with an observer, its
 *     estimates of storeys' drift ratios / 0.002 and their rates / 0.01,
 *   measured drift ratios / 0.002, their rates / 0.01,
 *   stroke / 0.5, its rate / 2.5 (with an observer its estimates),
 *   the actuator's force / its limit,
 *   the force limit / 150 kN,
 *   the largest drift so far / 0.01: estimated, or measured, or, with neither, the
 *     largest floor acceleration / 5,
 *   time since the ground was first seen to move / 10 s, at most 2,
 *   with a nominal controller: its command / the force limit, within ±1.
 *
 * The force that an action asks for is the action (a share of the limit), added
 * to the nominal command where there is one, within ±1; and full braking where
 * the mass moves outward too fast to be stopped within the guard's reach of the
 * stroke (stroke_guard.h, by the stroke that is observed).
 */
#ifndef AFT_ENVIRONMENT_OBSERVATION_H
#define AFT_ENVIRONMENT_OBSERVATION_H

#include "base/error.h"
#include "base/random.h"
#include "environment/plant.h"
#include "environment/stroke_guard.h"

enum { AFT_OBSERVATION_MAX_CHANNELS = 3 * AFT_SENSOR_MAX_CHANNELS + 3 };

struct aft_sensors { /* read-only after aft_sensors_init */
    struct aft_sensor_config config;
    int n_channels, obs_dim;
    int n_memory; /* floats that one environment's sensors remember */
    float full_scale[AFT_OBSERVATION_MAX_CHANNELS];
    float unit[AFT_OBSERVATION_MAX_CHANNELS]; /* of the converter */
    float per_unit[AFT_OBSERVATION_MAX_CHANNELS];
    uint64_t draws; /* random numbers to a step: whole blocks of four */
    float control_dt_s, leak, onset_threshold_m_s2;
    float force_limit_n;
    struct aft_stroke_guard guard; /* reach 0: none */

    const struct aft_observer *observer; /* borrowed; NULL: none */
    int observer_at;                     /* its rows of memory */
    int n_storeys;                       /* whose drifts it shows */
    bool nominal;
};

struct aft_observer;

/* The guard as the sensors apply it: full braking where the mass moves outward and
 * |stroke| + s2_per_m rate² > reach_m. reach_m 0: no guard. */
struct aft_guard_limits {
    float reach_m, s2_per_m;
};
struct aft_guard_limits aft_sensors_guard(const struct aft_sensors *sensors);

/* Where one environment's noise and dropout come from. */
struct aft_sensor_stream {
    struct aft_random_key key;
    uint32_t high, middle;            /* middle below 2^31 */
    float extra_noise, extra_dropout; /* beside the configured ones */
};

/* Length of the observation. */
int aft_sensors_obs_dim(const struct aft_environment_config *config);

/* Without an observer. USAGE where the config names floors or storeys that the plant has
 * not, or figures out of range. */
enum aft_code aft_sensors_init(struct aft_sensors *sensors, const struct aft_sensor_config *config,
                               const struct aft_plant *plant, double control_dt_s,
                               struct aft_error *error);

/* Adds the observer that config (of the nominal plant) asks for, if any, to what
 * init made; *observer (NULL if none) is the caller's to destroy after the last use. */
enum aft_code aft_sensors_assist(struct aft_sensors *sensors, struct aft_observer **observer,
                                 const struct aft_environment_config *config,
                                 struct aft_error *error);

/* Forgets everything: memory is [n_memory]. */
void aft_sensors_reset(const struct aft_sensors *sensors, float *memory);

/* True values of the channels; state's entries are stride apart, force_n is all
 * that acts between roof and device. */
void aft_sensors_sense(float *channels, const struct aft_sensors *sensors,
                       const struct aft_plant *plant, const double *state, int stride,
                       const double ground_and_force[2]);

/* Takes the true values of control step `step` (0, 1, … without gaps) in;
 * actuator_n is the force over the step that ended. */
struct aft_sensed {
    const float *channels;
    float actuator_n;
    uint32_t step;
};
void aft_sensors_measure(const struct aft_sensors *sensors, float *memory,
                         const struct aft_sensed *sensed, const struct aft_sensor_stream *stream);

/* The channels [n_channels] that have arrived by the last measurement; zeros before
 * the first has. They lie in memory. */
const float *aft_sensors_arrived(const struct aft_sensors *sensors, const float *memory);

/* Writes obs [obs_dim] from what has arrived by the last measurement. */
void aft_sensors_observe(float *obs, const struct aft_sensors *sensors, const float *memory,
                         const struct aft_sensed *sensed);

/* The command for an action in [-1, 1], as a share of the force limit, after the last
 * measurement. */
float aft_sensors_command(const struct aft_sensors *sensors, const float *memory, float action);

/*
 * The same for AFT_LANES environments in single precision, one a lane; rows are
 * [AFT_LANES].
 */
struct aft_sensor_lanes {
    const struct aft_random_key *key;
    const uint32_t *high, *middle, *step;     /* of each lane's stream */
    const float *floor_m_s2;                  /* [floors]: all floors' accelerations */
    const float *state, *ground_m_s2;         /* [n_states], one row */
    const float *actuator_n;                  /* one row */
    const float *extra_noise, *extra_dropout; /* beside the configured ones; NULL: none */
};
/* Senses, measures into memory [n_memory] and observes into obs [obs_dim]. */
void aft_sensors_step_lanes(float *obs, float *memory, const struct aft_sensors *sensors,
                            const struct aft_plant *plant, const struct aft_sensor_lanes *lanes);

/* One row of actions into one of commands, in place. */
void aft_sensors_command_lanes(float *shares, const struct aft_sensors *sensors,
                               const float *memory);

#endif
