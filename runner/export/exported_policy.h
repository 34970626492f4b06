/*
 * A policy described so that it can be written in another form: from an
 * observation to the force that the environment would ask the actuator for.
 *
 *     x      = obs, or clip((obs - shift) * scale, ± AFT_NORMALISER_CLIP)
 *     action = clip(net(x), ±1)
 *     share  = action, or clip(nominal_factor * obs[nominal] + action, ±1)
 *     share  = full braking, where the stroke guard says so (observation.h)
 *     force  = share * force_limit_n
 */
#ifndef AFT_RUNNER_EXPORT_EXPORTED_POLICY_H
#define AFT_RUNNER_EXPORT_EXPORTED_POLICY_H

#include "base/json.h"
#include "environment/observation_layout.h"
#include "runner/evaluate/policy.h"

struct aft_exported_layer {
    int in, out;
    const float *weight; /* [out][in] */
    const float *bias;   /* [out] */
};

struct aft_exported_policy {
    struct aft_network network;
    float *parameters; /* flat, in the network's order; owned */
    int n_layers;      /* of the policy's net: the hidden ones, then the head */
    struct aft_exported_layer layer[AFT_NETWORK_MAX_HIDDEN + 1];

    bool normalised;
    float *shift, *scale; /* [obs_dim]; owned */

    struct aft_sensors sensors;
    struct aft_observer *observer; /* owned; NULL: none */
    struct aft_observation_layout layout;
    struct aft_guard_limits guard;
    float nominal_factor; /* share of the force limit per one in the observation */
    float force_limit_n;
    double control_step_s;

    struct aft_json *metadata; /* an object of strings: where it is from, what it takes; owned */
};

/* Borrows nothing of trained, whose engine is asked for some actions: NUMERIC where the
 * description does not act as the policy does. Otherwise what setting up its building
 * may fail with. */
enum aft_code aft_exported_policy_init(struct aft_exported_policy *policy,
                                       struct aft_trained_policy *trained, struct aft_error *error);
/* Floats of its widest layer, the observation included. */
int aft_exported_policy_widest(const struct aft_exported_policy *policy);
/* The observation as [{name, unit, scale}], the caller's. */
struct aft_json *aft_exported_policy_entries(const struct aft_exported_policy *policy);
void aft_exported_policy_clear(struct aft_exported_policy *policy);

#endif
