/* An iteration of PPO, top to bottom: rollout, advantages, updates. */
#include "trainer/ppo.h"

#include "trainer/advantage.h"
#include "trainer/normaliser.h"
#include "trainer/rollout.h"
#include "trainer/shuffle.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct aft_ppo {
    struct aft_ppo_config config;
    struct aft_engine *engine;
    struct aft_env *env;
    struct aft_thread_pool *pool;
    struct aft_ppo_counters counters;
    float learning_rate; /* the adaptive one */
    struct aft_normaliser normaliser;
    struct aft_rollout *rollout;
    struct aft_shuffle shuffle;
    float *advantages, *returns;    /* [n_steps][n_envs] */
    struct aft_update_stats *stats; /* [minibatches of an epoch] */
};

static enum aft_code check_config(const struct aft_ppo_config *config, const struct aft_env *env,
                                  struct aft_error *error)
{
    if (config->n_steps < 1 || config->batch_size < 1 || config->n_epochs < 1 || env->n_envs < 1 ||
        env->obs_dim < 1 || env->action_dim < 1 || env->n_metrics < 0 ||
        env->n_metrics > AFT_ENV_MAX_METRICS) {
        return aft_fail(error, AFT_ERR_USAGE, "create PPO: a size that is not positive");
    }
    if ((int64_t)config->n_steps * env->n_envs > INT_MAX) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "create PPO: %d steps in %d environments are too "
                        "many samples",
                        config->n_steps, env->n_envs);
    }
    return AFT_OK;
}

enum aft_code aft_ppo_create(struct aft_ppo **out, const struct aft_ppo_config *config,
                             struct aft_engine *engine, struct aft_env *env,
                             struct aft_thread_pool *pool, struct aft_error *error)
{
    *out = NULL;
    enum aft_code code = check_config(config, env, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_ppo *ppo = calloc(1, sizeof *ppo);
    if (ppo == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create PPO: out of memory");
    }
    ppo->config = *config;
    ppo->engine = engine;
    ppo->env = env;
    ppo->pool = pool;
    size_t samples = (size_t)config->n_steps * (size_t)env->n_envs;
    ppo->advantages = calloc(samples, sizeof *ppo->advantages);
    ppo->returns = calloc(samples, sizeof *ppo->returns);
    ppo->stats = calloc(samples / (size_t)config->batch_size + 1, sizeof *ppo->stats);
    if (ppo->advantages == NULL || ppo->returns == NULL || ppo->stats == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "create PPO: out of memory");
    }
    if (code == AFT_OK) {
        code = aft_normaliser_init(&ppo->normaliser, env->obs_dim, config->normalize_observation,
                                   error);
    }
    if (code == AFT_OK) {
        code = aft_rollout_create(&ppo->rollout, config->n_steps, engine, env, pool, error);
    }
    if (code == AFT_OK) {
        code = aft_shuffle_init(&ppo->shuffle, (int)samples, config->n_epochs, error);
    }
    if (code != AFT_OK) {
        aft_ppo_destroy(ppo);
        return code;
    }
    *out = ppo;
    return AFT_OK;
}

void aft_ppo_destroy(struct aft_ppo *ppo)
{
    if (ppo == NULL) {
        return;
    }
    free(ppo->advantages);
    free(ppo->returns);
    free(ppo->stats);
    aft_normaliser_clear(&ppo->normaliser);
    aft_rollout_destroy(ppo->rollout);
    aft_shuffle_clear(&ppo->shuffle);
    free(ppo);
}

enum aft_code aft_ppo_begin(struct aft_ppo *ppo, struct aft_error *error)
{
    return aft_rollout_reset(ppo->rollout, error);
}

enum aft_code aft_ppo_act_mean(struct aft_ppo *ppo, int n, const float *obs, float *actions,
                               struct aft_error *error)
{
    const struct aft_env *env = ppo->env;
    float *normalised = ppo->rollout->normalised_obs; /* scratch for n_envs rows */
    for (int first = 0; first < n; first += env->n_envs) {
        int rows = n - first < env->n_envs ? n - first : env->n_envs;
        if (!aft_normaliser_apply(&ppo->normaliser, rows,
                                  obs + (size_t)first * (size_t)env->obs_dim, normalised)) {
            return aft_fail(error, AFT_ERR_NUMERIC, "act: an observation is not finite");
        }
        enum aft_code code = ppo->engine->use->act(
            ppo->engine->self, 0, rows, normalised, NULL,
            actions + (size_t)first * (size_t)env->action_dim, NULL, NULL, error);
        if (code != AFT_OK) {
            return code;
        }
    }
    return AFT_OK;
}

struct aft_ppo_counters aft_ppo_counters(const struct aft_ppo *ppo)
{
    return ppo->counters;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void enter_phase(const struct aft_ppo *ppo, enum aft_ppo_phase phase)
{
    if (ppo->config.on_phase != NULL) {
        ppo->config.on_phase(ppo->config.on_phase_context, phase);
    }
}

static enum aft_code collect_rollout(struct aft_ppo *ppo, struct aft_error *error)
{
    const struct aft_rollout_at at = {
        .noise = aft_random_key(ppo->config.seed, ppo->config.stage, AFT_RANDOM_ACTION_NOISE),
        .iteration = (uint32_t)ppo->counters.iterations,
        .steps_before = ppo->counters.steps,
    };
    return aft_rollout_collect(ppo->rollout, &ppo->normaliser, &at, error);
}

static void estimate_advantages(struct aft_ppo *ppo)
{
    const struct aft_rollout *rollout = ppo->rollout;
    const struct aft_advantage_input input = {
        .n_steps = rollout->n_steps,
        .n_envs = rollout->n_envs,
        .gamma = ppo->config.gamma,
        .gae_lambda = ppo->config.gae_lambda,
        .rewards = rollout->rewards,
        .values = rollout->values,
        .final_values = rollout->final_values,
        .last_values = rollout->last_values,
        .terminated = rollout->terminated,
        .truncated = rollout->truncated,
    };
    aft_advantage_estimate(ppo->advantages, ppo->returns, &input);
}

/* Within 1e-5 … 1e-2, from the divergence that the updates so far have caused. */
static void adapt_learning_rate(struct aft_ppo *ppo, double approx_kl)
{
    double desired = (double)ppo->config.desired_kl;
    if (approx_kl > 2.0 * desired) {
        ppo->learning_rate = fmaxf(1e-5f, ppo->learning_rate / 1.5f);
    } else if (approx_kl < 0.5 * desired) {
        ppo->learning_rate = fminf(1e-2f, ppo->learning_rate * 1.5f);
    }
}

static void add_stats(struct aft_iteration *sum, const struct aft_update_stats *stats)
{
    sum->policy_loss += stats->policy_loss;
    sum->value_loss += stats->value_loss;
    sum->entropy_loss += stats->entropy_loss;
    sum->loss += stats->loss;
    sum->approx_kl += stats->approx_kl;
    sum->clip_fraction += stats->clip_fraction;
    sum->grad_norm += stats->grad_norm;
}

static void divide_stats(struct aft_iteration *sum, double n)
{
    sum->policy_loss /= n;
    sum->value_loss /= n;
    sum->entropy_loss /= n;
    sum->loss /= n;
    sum->approx_kl /= n;
    sum->clip_fraction /= n;
    sum->grad_norm /= n;
}

static struct aft_update_config update_config(const struct aft_ppo *ppo,
                                              const struct aft_ppo_schedule *schedule)
{
    const struct aft_ppo_config *config = &ppo->config;
    return (struct aft_update_config){
        .learning_rate = config->adaptive ? ppo->learning_rate : schedule->learning_rate,
        .clip_range = config->clip_range,
        .clip_range_vf = config->clip_range_vf,
        .ent_coef = schedule->ent_coef,
        .vf_coef = config->vf_coef,
        .max_grad_norm = config->max_grad_norm,
        .adam_beta1 = 0.9f,
        .adam_beta2 = 0.999f,
        .adam_eps = config->adam_eps,
        .normalize_advantage = config->normalize_advantage,
        .kl_limit = 1.5f * config->target_kl,
    };
}

static enum aft_code load_samples(struct aft_ppo *ppo, struct aft_error *error)
{
    const struct aft_rollout *rollout = ppo->rollout;
    const struct aft_samples samples = {
        .n = ppo->shuffle.n,
        .obs = rollout->obs,
        .actions = rollout->actions,
        .log_probs = rollout->log_probs,
        .values = rollout->values,
        .advantages = ppo->advantages,
        .returns = ppo->returns,
    };
    return ppo->engine->use->load_samples(ppo->engine->self, &samples, error);
}

/* What `done` minibatches did, of which ppo->stats tells. */
static void note_updates(struct aft_ppo *ppo, struct aft_iteration *iteration, int done)
{
    for (int k = 0; k < done; k++) {
        const struct aft_update_stats *stats = &ppo->stats[k];
        add_stats(iteration, stats);
        iteration->updates += !stats->stopped;
        if (ppo->config.adaptive && iteration->minibatches > 0) { /* the first saw no change */
            adapt_learning_rate(ppo, stats->approx_kl);
        }
        iteration->minibatches++;
    }
}

/* All minibatches of an epoch in one call; where the learning rate follows each
 * minibatch's divergence, one minibatch a call. */
static enum aft_code update_epoch(struct aft_ppo *ppo, struct aft_update_config *config,
                                  struct aft_iteration *iteration, bool *stopped,
                                  struct aft_error *error)
{
    int n = ppo->shuffle.n, stride = ppo->config.adaptive ? ppo->config.batch_size : n;
    const uint32_t *order = &ppo->shuffle.order[(size_t)iteration->epochs * (size_t)n];
    for (int first = 0; first < n && !*stopped; first += stride) {
        const struct aft_minibatches minibatches = {
            .order = order + first,
            .n = n - first < stride ? n - first : stride,
            .batch_size = ppo->config.batch_size,
        };
        int done = 0;
        enum aft_code code = ppo->engine->use->update(ppo->engine->self, &minibatches, config,
                                                      ppo->stats, &done, error);
        if (code != AFT_OK) {
            return code;
        }
        note_updates(ppo, iteration, done);
        *stopped = ppo->stats[done - 1].stopped;
        config->learning_rate = ppo->config.adaptive ? ppo->learning_rate : config->learning_rate;
        /* From the entropy, the same for every sample: sum of (log std + ½ log 2πe). */
        iteration->std =
            exp(-ppo->stats[done - 1].entropy_loss / ppo->env->action_dim - 1.418938533204672742);
    }
    iteration->epochs++;
    return AFT_OK;
}

/* n_epochs of minibatches; fills the iteration's means and counts. */
static enum aft_code update_policy(struct aft_ppo *ppo, const struct aft_ppo_schedule *schedule,
                                   struct aft_iteration *iteration, struct aft_error *error)
{
    struct aft_update_config config = update_config(ppo, schedule);
    bool stopped = false;
    aft_shuffle_draw(
        &ppo->shuffle, ppo->pool,
        aft_random_key(ppo->config.seed, ppo->config.stage, AFT_RANDOM_MINIBATCH_ORDER),
        (uint32_t)ppo->counters.iterations);
    enum aft_code code = load_samples(ppo, error);
    while (code == AFT_OK && iteration->epochs < ppo->config.n_epochs && !stopped) {
        code = update_epoch(ppo, &config, iteration, &stopped, error);
    }
    if (code == AFT_OK) {
        iteration->learning_rate = (double)config.learning_rate;
        iteration->ent_coef = (double)config.ent_coef;
        divide_stats(iteration, iteration->minibatches);
    }
    return code;
}

static double variance(const float *a, const float *b, int n)
{
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++) {
        sum += (double)a[i] - (b == NULL ? 0.0 : (double)b[i]);
    }
    double mean = sum / n;
    for (int i = 0; i < n; i++) {
        double d = (double)a[i] - (b == NULL ? 0.0 : (double)b[i]) - mean;
        squares += d * d;
    }
    return squares / n;
}

/* 1 - var(returns - values) / var(returns); 0 where the returns do not vary. */
static double explained_variance(const struct aft_ppo *ppo)
{
    int n = ppo->shuffle.n;
    double all = variance(ppo->returns, NULL, n);
    return all > 0.0 ? 1.0 - variance(ppo->returns, ppo->rollout->values, n) / all : 0.0;
}

static double mean_reward(const struct aft_ppo *ppo)
{
    double sum = 0.0;
    for (int i = 0; i < ppo->shuffle.n; i++) {
        sum += (double)ppo->rollout->rewards[i];
    }
    return sum / ppo->shuffle.n;
}

enum aft_code aft_ppo_iterate(struct aft_ppo *ppo, const struct aft_ppo_schedule *schedule,
                              struct aft_iteration *iteration, struct aft_error *error)
{
    memset(iteration, 0, sizeof *iteration);
    if (ppo->counters.iterations == 0) {
        ppo->learning_rate = schedule->learning_rate;
    }
    double begin = seconds_now();
    enter_phase(ppo, AFT_PPO_ROLLOUT);
    enum aft_code code = collect_rollout(ppo, error);
    if (code != AFT_OK) {
        return code;
    }
    double middle = seconds_now();
    enter_phase(ppo, AFT_PPO_UPDATE);
    estimate_advantages(ppo);
    iteration->explained_variance = explained_variance(ppo);
    iteration->reward_mean = mean_reward(ppo);
    code = update_policy(ppo, schedule, iteration, error);
    if (code != AFT_OK) {
        return code;
    }
    if (ppo->config.normalize_observation) {
        aft_normaliser_update(&ppo->normaliser, ppo->rollout->n_groups, ppo->rollout->moments);
    }
    ppo->counters.iterations++;
    ppo->counters.steps += ppo->shuffle.n;
    ppo->counters.episodes += ppo->rollout->n_episodes;
    ppo->counters.updates += iteration->updates;
    iteration->n_episodes = ppo->rollout->n_episodes;
    iteration->episodes = ppo->rollout->episodes;
    iteration->rollout_s = middle - begin;
    iteration->update_s = seconds_now() - middle;
    return AFT_OK;
}

struct state_header {
    int64_t n_envs, obs_dim, env_size;
    struct aft_ppo_counters counters;
    float learning_rate;
    uint32_t zero;
};

enum { STATE_PARTS = 3 };

struct state_part {
    void *memory;
    size_t size;
};

/* What follows the header, in this order; the environments' own state comes last. */
static void list_state_parts(const struct aft_ppo *ppo, struct state_part parts[STATE_PARTS])
{
    const struct aft_rollout *rollout = ppo->rollout;
    size_t n = (size_t)rollout->n_envs;
    parts[0] = (struct state_part){rollout->current_obs,
                                   n * (size_t)rollout->obs_dim * sizeof *rollout->current_obs};
    parts[1] = (struct state_part){rollout->episode_reward, n * sizeof *rollout->episode_reward};
    parts[2] = (struct state_part){rollout->episode_length, n * sizeof *rollout->episode_length};
}

static size_t own_state_size(const struct aft_ppo *ppo)
{
    struct state_part parts[STATE_PARTS];
    size_t size = sizeof(struct state_header);
    list_state_parts(ppo, parts);
    for (int i = 0; i < STATE_PARTS; i++) {
        size += parts[i].size;
    }
    return size;
}

size_t aft_ppo_state_size(const struct aft_ppo *ppo)
{
    return own_state_size(ppo) + ppo->env->state_size(ppo->env->self);
}

void aft_ppo_export_state(const struct aft_ppo *ppo, void *out)
{
    unsigned char *bytes = out;
    const struct state_header header = {
        .n_envs = ppo->rollout->n_envs,
        .obs_dim = ppo->rollout->obs_dim,
        .env_size = (int64_t)ppo->env->state_size(ppo->env->self),
        .counters = ppo->counters,
        .learning_rate = ppo->learning_rate,
    };
    struct state_part parts[STATE_PARTS];
    list_state_parts(ppo, parts);
    memcpy(bytes, &header, sizeof header);
    bytes += sizeof header;
    for (int i = 0; i < STATE_PARTS; i++) {
        memcpy(bytes, parts[i].memory, parts[i].size);
        bytes += parts[i].size;
    }
    ppo->env->export_state(ppo->env->self, bytes);
}

static bool valid_header(const struct aft_ppo *ppo, const struct state_header *header)
{
    return header->n_envs == ppo->rollout->n_envs && header->obs_dim == ppo->rollout->obs_dim &&
           header->env_size == (int64_t)ppo->env->state_size(ppo->env->self) &&
           header->counters.iterations >= 0 && header->counters.steps >= 0 &&
           header->counters.episodes >= 0 && header->counters.updates >= 0 &&
           isfinite(header->learning_rate);
}

enum aft_code aft_ppo_import_state(struct aft_ppo *ppo, const void *in, size_t size,
                                   struct aft_error *error)
{
    const unsigned char *bytes = in;
    struct state_header header;
    if (size != aft_ppo_state_size(ppo)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "import the training state: %zu bytes, not %zu",
                        size, aft_ppo_state_size(ppo));
    }
    memcpy(&header, bytes, sizeof header);
    if (!valid_header(ppo, &header)) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "import the training state: it is of other environments, or damaged");
    }
    size_t env_at = own_state_size(ppo);
    enum aft_code code =
        ppo->env->import_state(ppo->env->self, bytes + env_at, size - env_at, error);
    if (code != AFT_OK) {
        return code;
    }
    struct state_part parts[STATE_PARTS];
    list_state_parts(ppo, parts);
    ppo->counters = header.counters;
    ppo->learning_rate = header.learning_rate;
    bytes += sizeof header;
    for (int i = 0; i < STATE_PARTS; i++) {
        memcpy(parts[i].memory, bytes, parts[i].size);
        bytes += parts[i].size;
    }
    return AFT_OK;
}

void aft_ppo_export_normaliser(const struct aft_ppo *ppo, struct aft_normaliser_state *state)
{
    size_t size = (size_t)ppo->normaliser.dim * sizeof *state->mean;
    memcpy(state->mean, ppo->normaliser.mean, size);
    memcpy(state->variance, ppo->normaliser.variance, size);
    state->count = ppo->normaliser.count;
}

void aft_ppo_import_normaliser(struct aft_ppo *ppo, const struct aft_normaliser_state *state)
{
    size_t size = (size_t)ppo->normaliser.dim * sizeof *state->mean;
    memcpy(ppo->normaliser.mean, state->mean, size);
    memcpy(ppo->normaliser.variance, state->variance, size);
    ppo->normaliser.count = state->count;
    aft_normaliser_refresh(&ppo->normaliser);
}
