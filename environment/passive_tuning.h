/*
 * The spring and dashpot with which the passive device does best on given
 * motions, its end stop included: the yardstick that a controller has to beat
 * (Sadek's formulae aim at equal modal damping, not at least drift).
 */
#ifndef AFT_ENVIRONMENT_PASSIVE_TUNING_H
#define AFT_ENVIRONMENT_PASSIVE_TUNING_H

#include "environment/evaluation.h"

struct aft_passive_parameters {
    double stiffness_n_m, damping_n_s_m;
    double
        objective; /* mean over motions of (peak drift ratio + RMS drift)/2, to the configured … */
                   /* … device: 1 for that device itself, never above 1 */
};

/* Looks at a grid of both factors to the configured values, then twice at a finer
 * one around the best. The configured pair is in it. */
enum aft_code aft_passive_tune(struct aft_passive_parameters *best,
                               const struct aft_evaluation *evaluation,
                               const struct aft_motion_list *list, struct aft_error *error);

#endif
