/*
 * What a trainer needs of an environment: a batch of n_envs independent
 * episodes, stepped together. The trainer knows nothing else about it, and the
 * environment nothing about the trainer: the interface stands between them.
 *
 * Episodes start anew by themselves. When an episode of environment i ends in
 * a step, the observation returned for it is the first of its next episode,
 * and final_obs[i] holds the last one of the episode that ended.
 * `terminated` means that the task itself ended (the value of what follows is
 * 0); `truncated` that a time limit cut it (the value of final_obs stands for
 * the rest: Pardo et al. 2018). Never both.
 *
 * Calls on disjoint ranges [first, first + count) may run at the same time on
 * different threads; what environment i does depends on its own state and
 * index only, never on the range it was stepped in.
 */
#ifndef AFT_BASE_ENV_H
#define AFT_BASE_ENV_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct aft_env_step {    /* rows are indexed by the environment: [n_envs] */
    float *obs;          /* [n_envs][obs_dim], the observation after the step */
    float *final_obs;    /* [n_envs][obs_dim], written where an episode ended */
    float *reward;       /* [n_envs] */
    uint8_t *terminated; /* [n_envs] 0 or 1 */
    uint8_t *truncated;  /* [n_envs] 0 or 1 */
    float *metrics;      /* [n_envs][n_metrics], written where an episode ended */
};

enum { AFT_ENV_MAX_METRICS = 8 };

struct aft_env {
    void *self;
    int n_envs;
    int obs_dim;
    int action_dim;                  /* actions are clipped to [-1, 1] by the environment */
    int n_metrics;                   /* figures of a finished episode, for people: 0…8 */
    const char *const *metric_names; /* [n_metrics], such as "peak_drift_to_passive" */

    /* Starts the first episode of every environment in the range; obs is
     * [n_envs][obs_dim], of which the rows of the range are written. */
    enum aft_code (*reset)(void *self, int first, int count, float *obs, struct aft_error *error);

    /* actions is [n_envs][action_dim]. */
    enum aft_code (*step)(void *self, int first, int count, const float *actions,
                          const struct aft_env_step *out, struct aft_error *error);

    /* The whole state as bytes of a fixed size: what import_state was given,
     * steps on bit for bit. */
    size_t (*state_size)(const void *self);
    void (*export_state)(const void *self, void *bytes);
    enum aft_code (*import_state)(void *self, const void *bytes, size_t size,
                                  struct aft_error *error);
    void (*destroy)(void *self);
};

#endif
