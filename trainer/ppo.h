/*
 * Proximal policy optimisation (Schulman et al. 2017) with generalised
 * advantage estimation (Schulman et al. 2016), over any engine and any
 * environment. One iteration is a rollout of n_steps in every environment and
 * n_epochs of minibatch updates over it. Between iterations the whole state
 * can be exported; imported anywhere, training goes on bit for bit.
 */
#ifndef AFT_TRAINER_PPO_H
#define AFT_TRAINER_PPO_H

#include "base/env.h"
#include "base/error.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "trainer/engine.h"

enum aft_ppo_phase { AFT_PPO_ROLLOUT, AFT_PPO_UPDATE };

struct aft_ppo_config {
    int n_steps;    /* per environment and rollout */
    int batch_size; /* the last minibatch of an epoch may be smaller, as in SB3 */
    int n_epochs;
    float gamma, gae_lambda;
    float clip_range, clip_range_vf, vf_coef, max_grad_norm;
    float target_kl; /* 0: off; an update beyond 1.5 × stops the iteration's updates */
    float adam_eps;
    bool normalize_advantage;
    bool normalize_observation; /* by running mean and variance, clipped to ± 8; the statistics
                                 * are fixed during a rollout and its updates */
    bool adaptive;              /* the learning rate follows desired_kl (Heess et al. 2017, as in
                                 * rsl_rl): ÷1.5 above 2 ×, ×1.5 below ½ ×, within 1e-5…1e-2 */
    float desired_kl;
    uint64_t seed;
    uint32_t stage;                                            /* keys of the random streams */
    void (*on_phase)(void *context, enum aft_ppo_phase phase); /* when a phase of an iteration */
    void *on_phase_context;                                    /* begins; may be NULL */
};

/* What changes from iteration to iteration by schedule. */
struct aft_ppo_schedule {
    float learning_rate; /* ignored while adaptive, but for the first iteration */
    float ent_coef;
};

struct aft_episode { /* one finished episode */
    int64_t step;    /* steps of the stage (all environments) when it ended */
    float total_reward;
    int32_t length; /* control steps */
    float metrics[AFT_ENV_MAX_METRICS];
};

struct aft_iteration { /* what an iteration did; means over its minibatches */
    double policy_loss, value_loss, entropy_loss, loss, approx_kl, clip_fraction;
    double grad_norm, explained_variance, std, learning_rate, ent_coef, reward_mean;
    /* std: geometric mean over the actions, before the last update */
    int epochs;                 /* begun, fewer than n_epochs when stopped by target_kl */
    int minibatches;            /* whose means these are */
    int64_t updates;            /* minibatch updates of this iteration: all, or all but the one
                                 * that stopped them */
    double rollout_s, update_s; /* wall time, for people only */
    int n_episodes;
    const struct aft_episode *episodes; /* finished in this rollout, ordered by (step,
                                         * environment); borrowed until the next iteration */
};

struct aft_ppo_counters { /* within the stage */
    int64_t iterations, steps, episodes, updates;
};

struct aft_ppo;

/* Borrows engine, env and pool. The engine's state is imported by the caller. The
 * engine was created with max_rows >= n_envs, max_batch >= batch_size and
 * act_slots >= the pool's threads: groups of environments act at the same time. */
enum aft_code aft_ppo_create(struct aft_ppo **ppo, const struct aft_ppo_config *config,
                             struct aft_engine *engine, struct aft_env *env,
                             struct aft_thread_pool *pool, struct aft_error *error);
void aft_ppo_destroy(struct aft_ppo *ppo);

/* Starts the stage's episodes. Call it once, unless a state is imported. */
enum aft_code aft_ppo_begin(struct aft_ppo *ppo, struct aft_error *error);

enum aft_code aft_ppo_iterate(struct aft_ppo *ppo, const struct aft_ppo_schedule *schedule,
                              struct aft_iteration *iteration, struct aft_error *error);

struct aft_ppo_counters aft_ppo_counters(const struct aft_ppo *ppo);

/* Deterministic actions [n][action_dim] for raw observations [n][obs_dim], through the
 * normaliser as it is now: the policy as it is evaluated. Changes no state. */
enum aft_code aft_ppo_act_mean(struct aft_ppo *ppo, int n, const float *obs, float *actions,
                               struct aft_error *error);

/* State within a stage, without the engine's: counters, current observations,
 * unfinished episodes' sums, adaptive learning rate, and the environments' own
 * state. A fixed number of bytes for a given configuration. */
size_t aft_ppo_state_size(const struct aft_ppo *ppo);
void aft_ppo_export_state(const struct aft_ppo *ppo, void *bytes);
enum aft_code aft_ppo_import_state(struct aft_ppo *ppo, const void *bytes, size_t size,
                                   struct aft_error *error);

/* The observation normaliser, which belongs to the policy and is inherited by
 * the next stage: mean and variance, [obs_dim] each, and the count. */
struct aft_normaliser_state {
    double *mean, *variance;
    double count;
};
void aft_ppo_export_normaliser(const struct aft_ppo *ppo, struct aft_normaliser_state *state);
void aft_ppo_import_normaliser(struct aft_ppo *ppo, const struct aft_normaliser_state *state);

#endif
