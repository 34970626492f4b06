/*
 * How an evaluation departs from what the controllers were made for: the plant
 * and the sensors change, the controllers keep their nominal model.
 */
#ifndef AFT_ENVIRONMENT_ROBUSTNESS_H
#define AFT_ENVIRONMENT_ROBUSTNESS_H

#include "base/error.h"
#include "environment/config.h"

struct aft_robustness { /* all zero: the nominal case */
    /* White noise on every channel beside the configured one; its standard deviation
     * is this share of the channel's RMS over the motion (without tail), device
     * passive, in the changed building. 0.1 is customary. */
    double noise_share;
    /* The command reaches the actuator so much later, rounded to whole simulation
     * steps; 0.06 s is customary. */
    double extra_latency_s;
    double dropout;          /* probability that a channel repeats its last value, if larger … */
                             /* … than the configured one */
    double stiffness_change; /* of every storey: 0.15 is 15 % stiffer */
    double damping_change; /* of the structure's damping ratios: -0.3 is 30 % less. Rayleigh … */
                           /* … damping is fitted anew to the changed building */
};

/* config with the changes of plant and sensors applied (noise and latency are the
 * evaluation's). USAGE for shares outside 0…10, changes outside -0.9…10, latency
 * outside 0…10 s, dropout outside 0…1. */
enum aft_code aft_robustness_apply(struct aft_environment_config *changed,
                                   const struct aft_environment_config *config,
                                   const struct aft_robustness *robustness,
                                   struct aft_error *error);

#endif
