/*
 * The vecnormalize.pkl member: the statistics of normalised observations as
 * stable_baselines3.common.vec_env.VecNormalize.load reads them. Its rewards are left as they
 * are; while it trains it goes on counting from these statistics.
 */
#ifndef AFT_RECOVERY_SB3_NORMALIZE_H
#define AFT_RECOVERY_SB3_NORMALIZE_H

#include "base/error.h"

#include <stddef.h>

#define AFT_MEMBER_VECNORMALIZE "vecnormalize.pkl"

struct aft_sb3_normalize { /* clip((obs - mean) / sqrt(variance + epsilon), -clip, clip) */
    int n_envs, obs_dim, action_dim;
    double gamma;
    const double *mean, *variance; /* [obs_dim], borrowed */
    double count;                  /* observations behind them */
    double clip, epsilon;
};

/* The caller frees *bytes. */
enum aft_code aft_sb3_normalize_write(char **bytes, size_t *size,
                                      const struct aft_sb3_normalize *normalize,
                                      struct aft_error *error);

#endif
