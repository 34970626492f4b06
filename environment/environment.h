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

/* Length of the observation, before anything is created. */
int aft_environment_obs_dim(const struct aft_environment_config *config);

#endif
