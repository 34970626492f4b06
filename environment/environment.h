/* The controlled building as a batch of training episodes (base/env.h). */
#ifndef AFT_ENVIRONMENT_ENVIRONMENT_H
#define AFT_ENVIRONMENT_ENVIRONMENT_H

#include "base/env.h"
#include "base/error.h"
#include "environment/config.h"

/* Fills *env; its destroy frees everything. */
enum aft_code aft_environment_create(struct aft_env *env,
                                     const struct aft_environment_config *config,
                                     struct aft_error *error);

/* Breaks off the episodes of a range of an environment that was made here, and begins the next
 * one of each; obs as in its reset, which must have been called before. */
enum aft_code aft_environment_begin_next(struct aft_env *env, int first, int count, float *obs,
                                         struct aft_error *error);

/* Length of the observation, before anything is created. */
int aft_environment_obs_dim(const struct aft_environment_config *config);

#endif
