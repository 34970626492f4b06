/*
 * One face for everything that drives the mass: the reference controllers, no
 * control at all, and the trained policy. An evaluation (evaluation.h) knows
 * nothing else of a controller.
 *
 * A controller is asked once a control step, for the force that is then
 * commanded until the next one. The actuator's limits, its lag and the power
 * limit act on that command in the plant, the same for every controller.
 */
#ifndef AFT_ENVIRONMENT_CONTROLLER_H
#define AFT_ENVIRONMENT_CONTROLLER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* What a controller is told of one motion at one control step; all of it is
 * borrowed for the call. A controller with sensors reads measured, obs and
 * actuator_n only; one with full state reads state. */
struct aft_controller_view {
    const double *state;   /* the true state [2 dof], displacements then velocities (m, m/s) */
    const float *measured; /* the sensors' channels, as they have arrived (observation.h) */
    const float *obs;      /* the policy's observation [obs_dim] of the same */
    double actuator_n;     /* force of the actuator over the last simulation step */
    int motion;            /* its number in the list */
    size_t step;           /* control step, from 0 */
    double *memory;        /* [n_memory] of this motion, the controller's own; zeros at step 0 */
};

enum aft_controller_device {
    AFT_DEVICE_REMOVED,    /* the building without the device and its mass */
    AFT_DEVICE_CONFIGURED, /* spring and dashpot as configured */
    AFT_DEVICE_REPLACED,   /* the same mass and end stop on another spring and dashpot */
};

struct aft_controller {
    const char *name; /* borrowed */
    enum aft_controller_device device;
    double device_n_m, device_n_s_m; /* of AFT_DEVICE_REPLACED */

    /* One call with all motions, on the evaluation's own thread (a network, whose
     * bits depend on the size of its batch). Otherwise calls come with one motion
     * each, from several threads at a time. */
    bool in_batches;
    size_t n_memory; /* doubles that it remembers of each motion */
    /* Its force is an action as in training: added to the nominal controller's, and
     * guarded, where the sensors say so (observation.h). */
    bool assisted;

    void *self; /* borrowed */
    /* Commands (N) for n motions; the evaluation clips them to the force limit.
     * NULL: no force, ever. */
    enum aft_code (*act)(void *self, int n, const struct aft_controller_view *views,
                         double *command_n, struct aft_error *error);
};

/* "uncontrolled": the device's mass removed. */
struct aft_controller aft_controller_uncontrolled(void);
/* "passive": the device as configured, without force. */
struct aft_controller aft_controller_passive(void);
/* "passive_tuned": on another spring and dashpot (passive_tuning.h). */
struct aft_controller aft_controller_passive_tuned(double stiffness_n_m, double damping_n_s_m);

/* Deterministic actions [n] in [-1, 1] (clipped if not) for obs [n][obs_dim]. */
typedef enum aft_code (*aft_policy_function)(void *policy, int n, const float *obs, float *actions,
                                             struct aft_error *error);

struct aft_policy_controller { /* how a policy becomes a controller; the caller keeps it */
    aft_policy_function act;
    void *policy;
    int obs_dim;
    double force_limit_n; /* of action 1 */
    float *obs, *actions; /* the batch; owned */
    int capacity;         /* motions they have room for */
};

/* "policy", in batches. The controller borrows policy, which grows its own
 * buffers: clear it after the last evaluation. NUMERIC for actions that are not finite. */
struct aft_controller aft_controller_policy(struct aft_policy_controller *policy);
void aft_policy_controller_clear(struct aft_policy_controller *policy);

#endif
