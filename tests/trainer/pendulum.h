/*
 * A swing-up pendulum as an aft_env: the equations of Gymnasium's Pendulum-v1,
 * with the torque 2 N m times the action and a tenth of its reward. Episodes
 * last 200 steps and are cut by that limit only.
 */
#ifndef AFT_TESTS_TRAINER_PENDULUM_H
#define AFT_TESTS_TRAINER_PENDULUM_H

#include "base/env.h"

#include <stdint.h>

enum { PENDULUM_OBS = 3, PENDULUM_ACTIONS = 1, PENDULUM_STEPS = 200 };

struct pendulum_options {
    int n_envs;
    uint64_t seed;
    int nan_at_step; /* the observation of environment 0 becomes NaN after so many; 0: never */
};

enum aft_code pendulum_create(struct aft_env *env, const struct pendulum_options *options,
                              struct aft_error *error);

#endif
