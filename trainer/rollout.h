/*
 * A rollout: n_steps of every environment under the present policy. The
 * environments are cut into groups whose size depends on their number only.
 * With a concurrent engine each group runs the whole rollout as one task with
 * its own forward passes, without a lock per step; otherwise the engine is
 * asked once per step for all, and only the environments' steps are tasks.
 *
 * Arrays are [n_steps][n_envs]…; observations are the normalised ones that the
 * policy saw.
 */
#ifndef AFT_TRAINER_ROLLOUT_H
#define AFT_TRAINER_ROLLOUT_H

#include "base/env.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "trainer/engine.h"
#include "trainer/normaliser.h"
#include "trainer/ppo.h"

#include <stdint.h>

struct aft_rollout_group;

struct aft_rollout {
    int n_steps, n_envs, obs_dim, action_dim;
    struct aft_engine *engine; /* borrowed, like env and pool */
    struct aft_env *env;
    struct aft_thread_pool *pool;

    float *obs;     /* [n_steps][n_envs][obs_dim] */
    float *actions; /* [n_steps][n_envs][action_dim], unclipped */
    float *log_probs, *values, *rewards;
    float *final_values; /* of the last observations of truncated episodes */
    uint8_t *terminated, *truncated;
    float *last_values; /* [n_envs] */

    /* Kept from rollout to rollout: part of the training state. */
    float *current_obs;      /* [n_envs][obs_dim], not normalised */
    double *episode_reward;  /* [n_envs], of the episode that goes on */
    int32_t *episode_length; /* [n_envs] */

    struct aft_episode *episodes; /* finished in the last rollout, by (step, environment) */
    int n_episodes;

    /* Scratch. */
    float *normalised_obs; /* [n_envs][obs_dim] */
    float *final_obs;      /* [n_envs][obs_dim] */
    float *metrics;        /* [n_envs][n_metrics] */
    float *noise;          /* [n_envs][action_dim] */
    float *noise_block;    /* [n_envs][steps of a block][action_dim] */
    int n_groups;
    struct aft_rollout_group *groups;
    struct aft_moments *moments; /* [n_groups], of the observations acted on */
};

enum aft_code aft_rollout_create(struct aft_rollout **rollout, int n_steps,
                                 struct aft_engine *engine, struct aft_env *env,
                                 struct aft_thread_pool *pool, struct aft_error *error);
void aft_rollout_destroy(struct aft_rollout *rollout);

/* Starts the first episode of every environment. */
enum aft_code aft_rollout_reset(struct aft_rollout *rollout, struct aft_error *error);

struct aft_rollout_at { /* where in the training this rollout is */
    struct aft_random_key noise;
    uint32_t iteration;
    int64_t steps_before; /* of the stage, all environments */
};
/* A number that is not finite from the environment is AFT_ERR_NUMERIC. */
enum aft_code aft_rollout_collect(struct aft_rollout *rollout,
                                  const struct aft_normaliser *normaliser,
                                  const struct aft_rollout_at *at, struct aft_error *error);

#endif
