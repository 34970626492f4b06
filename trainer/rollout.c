#include "trainer/rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOISE_STEPS = 32, MAX_GROUP = 64 };

struct aft_rollout_group {
    int first, count;      /* environments first … first + count - 1 */
    int n_finals;          /* truncated in this step, packed in normalised_obs */
    int finals[MAX_GROUP]; /* their numbers */
    int n_episodes, n_merged;
    struct aft_episode *episodes; /* [n_steps * count] */
    enum aft_code code;
    struct aft_error error;
};

/* Environments in a group: a function of their number alone. */
static int group_size(int n_envs)
{
    enum { WANTED_GROUPS = 8, LANES = 16 };
    if (n_envs <= 2 * LANES) { /* two threads have something to do even so */
        return n_envs <= 4 ? 2 : (n_envs + 1) / 2;
    }
    int blocks = (n_envs + WANTED_GROUPS * LANES - 1) / (WANTED_GROUPS * LANES);
    return blocks * LANES > MAX_GROUP ? MAX_GROUP : blocks * LANES;
}

static void *zeroed(size_t count, size_t size, bool *failed)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    *failed = *failed || memory == NULL;
    return memory;
}

static bool allocate_storage(struct aft_rollout *r)
{
    bool failed = false;
    size_t n = (size_t)r->n_envs, total = (size_t)r->n_steps * n;
    size_t obs_dim = (size_t)r->obs_dim, action_dim = (size_t)r->action_dim;
    r->obs = zeroed(total * obs_dim, sizeof(float), &failed);
    r->actions = zeroed(total * action_dim, sizeof(float), &failed);
    r->log_probs = zeroed(total, sizeof(float), &failed);
    r->values = zeroed(total, sizeof(float), &failed);
    r->rewards = zeroed(total, sizeof(float), &failed);
    r->final_values = zeroed(total, sizeof(float), &failed);
    r->terminated = zeroed(total, sizeof(uint8_t), &failed);
    r->truncated = zeroed(total, sizeof(uint8_t), &failed);
    r->episodes = zeroed(total, sizeof(struct aft_episode), &failed);
    r->last_values = zeroed(n, sizeof(float), &failed);
    r->current_obs = zeroed(n * obs_dim, sizeof(float), &failed);
    r->episode_reward = zeroed(n, sizeof(double), &failed);
    r->episode_length = zeroed(n, sizeof(int32_t), &failed);
    r->normalised_obs = zeroed(n * obs_dim, sizeof(float), &failed);
    r->final_obs = zeroed(n * obs_dim, sizeof(float), &failed);
    r->metrics = zeroed(n * (size_t)r->env->n_metrics, sizeof(float), &failed);
    r->noise = zeroed(n * action_dim, sizeof(float), &failed);
    r->noise_block = zeroed(n * NOISE_STEPS * action_dim, sizeof(float), &failed);
    return !failed;
}

static bool allocate_groups(struct aft_rollout *r)
{
    bool failed = false;
    int size = group_size(r->n_envs);
    r->n_groups = (r->n_envs + size - 1) / size;
    r->groups = zeroed((size_t)r->n_groups, sizeof *r->groups, &failed);
    r->moments = zeroed((size_t)r->n_groups, sizeof *r->moments, &failed);
    if (failed) {
        return false;
    }
    for (int g = 0; g < r->n_groups; g++) {
        struct aft_rollout_group *group = &r->groups[g];
        group->first = g * size;
        group->count = r->n_envs - group->first < size ? r->n_envs - group->first : size;
        group->episodes =
            zeroed((size_t)r->n_steps * (size_t)group->count, sizeof *group->episodes, &failed);
        r->moments[g].sum = zeroed((size_t)r->obs_dim, sizeof(double), &failed);
        r->moments[g].square = zeroed((size_t)r->obs_dim, sizeof(double), &failed);
    }
    return !failed;
}

enum aft_code aft_rollout_create(struct aft_rollout **rollout, int n_steps,
                                 struct aft_engine *engine, struct aft_env *env,
                                 struct aft_thread_pool *pool, struct aft_error *error)
{
    *rollout = NULL;
    struct aft_rollout *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a rollout: out of memory");
    }
    r->n_steps = n_steps;
    r->n_envs = env->n_envs;
    r->obs_dim = env->obs_dim;
    r->action_dim = env->action_dim;
    r->engine = engine;
    r->env = env;
    r->pool = pool;
    if (!allocate_storage(r) || !allocate_groups(r)) {
        aft_rollout_destroy(r);
        return aft_fail(error, AFT_ERR_MEMORY,
                        "create a rollout of %d steps in %d environments: "
                        "out of memory",
                        n_steps, env->n_envs);
    }
    *rollout = r;
    return AFT_OK;
}

void aft_rollout_destroy(struct aft_rollout *r)
{
    if (r == NULL) {
        return;
    }
    for (int g = 0; r->groups != NULL && r->moments != NULL && g < r->n_groups; g++) {
        free(r->groups[g].episodes);
        free(r->moments[g].sum);
        free(r->moments[g].square);
    }
    void *const arrays[] = {r->obs,         r->actions,        r->log_probs,      r->values,
                            r->rewards,     r->final_values,   r->terminated,     r->truncated,
                            r->episodes,    r->last_values,    r->current_obs,    r->episode_reward,
                            r->noise_block, r->episode_length, r->normalised_obs, r->final_obs,
                            r->metrics,     r->noise,          r->groups,         r->moments};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    free(r);
}

/* The context of every task of a rollout. */
struct collection {
    struct aft_rollout *r;
    const struct aft_normaliser *normaliser;
    const struct aft_rollout_at *at;
    int step; /* of lockstep tasks */
};

static enum aft_code first_failure(const struct aft_rollout *r, struct aft_error *error)
{
    for (int g = 0; g < r->n_groups; g++) {
        if (r->groups[g].code != AFT_OK) {
            if (error != NULL) {
                *error = r->groups[g].error;
            }
            return r->groups[g].code;
        }
    }
    return AFT_OK;
}

static void reset_task(void *context, int task, int thread)
{
    (void)thread;
    struct aft_rollout *r = context;
    struct aft_rollout_group *group = &r->groups[task];
    group->code =
        r->env->reset(r->env->self, group->first, group->count, r->current_obs, &group->error);
}

enum aft_code aft_rollout_reset(struct aft_rollout *r, struct aft_error *error)
{
    memset(r->episode_reward, 0, (size_t)r->n_envs * sizeof *r->episode_reward);
    memset(r->episode_length, 0, (size_t)r->n_envs * sizeof *r->episode_length);
    aft_thread_pool_run(r->pool, r->n_groups, reset_task, r);
    return first_failure(r, error);
}

/* The noise of this step: environment i draws from stream (iteration, i). */
static void fill_noise(struct collection *c, const struct aft_rollout_group *group, int step)
{
    struct aft_rollout *r = c->r;
    size_t width = (size_t)r->action_dim, in_block = (size_t)(step % NOISE_STEPS);
    int left = r->n_steps - step;
    size_t steps = (size_t)(left < NOISE_STEPS ? left : NOISE_STEPS);
    for (int i = group->first; i < group->first + group->count; i++) {
        float *block = &r->noise_block[(size_t)i * NOISE_STEPS * width];
        if (in_block == 0) {
            aft_random_normal_f32(block, steps * width, c->at->noise, c->at->iteration, (uint32_t)i,
                                  (uint64_t)step * width);
        }
        memcpy(&r->noise[(size_t)i * width], &block[in_block * width], width * sizeof *block);
    }
}

/* Before the engine acts: the group's observations and noise of this step. */
static void prepare_step(struct collection *c, int g, int step)
{
    struct aft_rollout *r = c->r;
    struct aft_rollout_group *group = &r->groups[g];
    size_t first = (size_t)group->first, dim = (size_t)r->obs_dim;
    const float *raw = &r->current_obs[first * dim];
    float *obs = &r->obs[((size_t)step * (size_t)r->n_envs + first) * dim];
    if (!aft_normaliser_apply(c->normaliser, group->count, raw, obs)) {
        group->code = aft_fail(&group->error, AFT_ERR_NUMERIC,
                               "rollout step %d, environments %d…%d: an observation is not finite",
                               step, group->first, group->first + group->count - 1);
        return;
    }
    if (c->normaliser->enabled) {
        aft_moments_add(&r->moments[g], c->normaliser, group->count, raw);
    }
    fill_noise(c, group, step);
}

static enum aft_code act(struct aft_rollout *r, int slot, int step, int first, int count,
                         struct aft_error *error)
{
    size_t at = (size_t)step * (size_t)r->n_envs + (size_t)first, width = (size_t)r->action_dim;
    return r->engine->use->act(r->engine->self, slot, count, &r->obs[at * (size_t)r->obs_dim],
                               &r->noise[(size_t)first * width], &r->actions[at * width],
                               &r->log_probs[at], &r->values[at], error);
}

static void record_episode(struct collection *c, struct aft_rollout_group *group, int step, int i)
{
    struct aft_rollout *r = c->r;
    struct aft_episode *episode = &group->episodes[group->n_episodes++];
    int n_metrics = r->env->n_metrics;
    memset(episode, 0, sizeof *episode);
    episode->step = c->at->steps_before + (int64_t)(step + 1) * r->n_envs;
    episode->total_reward = (float)r->episode_reward[i];
    episode->length = r->episode_length[i];
    memcpy(episode->metrics, &r->metrics[(size_t)i * (size_t)n_metrics],
           (size_t)n_metrics * sizeof(float));
    r->episode_reward[i] = 0.0;
    r->episode_length[i] = 0;
}

/* Packs the normalised last observation of a truncated episode. */
static void keep_final(struct collection *c, struct aft_rollout_group *group, int i)
{
    struct aft_rollout *r = c->r;
    size_t dim = (size_t)r->obs_dim;
    float *to = &r->normalised_obs[(size_t)(group->first + group->n_finals) * dim];
    if (!aft_normaliser_apply(c->normaliser, 1, &r->final_obs[(size_t)i * dim], to)) {
        group->code =
            aft_fail(&group->error, AFT_ERR_NUMERIC,
                     "environment %d: the last observation of an episode is not finite", i);
    }
    group->finals[group->n_finals++] = i;
}

static void step_environments(struct collection *c, struct aft_rollout_group *group, int step)
{
    struct aft_rollout *r = c->r;
    size_t row = (size_t)step * (size_t)r->n_envs;
    const struct aft_env_step out = {
        .obs = r->current_obs,
        .final_obs = r->final_obs,
        .reward = &r->rewards[row],
        .terminated = &r->terminated[row],
        .truncated = &r->truncated[row],
        .metrics = r->metrics,
    };
    group->n_finals = 0;
    group->code = r->env->step(r->env->self, group->first, group->count,
                               &r->actions[row * (size_t)r->action_dim], &out, &group->error);
    for (int i = group->first; i < group->first + group->count && group->code == AFT_OK; i++) {
        r->episode_reward[i] += (double)out.reward[i];
        r->episode_length[i]++;
        if (!isfinite(out.reward[i])) {
            group->code = aft_fail(&group->error, AFT_ERR_NUMERIC,
                                   "environment %d: its reward is not finite", i);
        }
        if (out.truncated[i]) {
            keep_final(c, group, i);
        }
        if (out.truncated[i] || out.terminated[i]) {
            record_episode(c, group, step, i);
        }
    }
}

/* The values of the truncated episodes' last observations. */
static void evaluate_finals(struct aft_rollout *r, struct aft_rollout_group *group, int slot,
                            int step)
{
    if (group->code != AFT_OK || group->n_finals == 0) {
        return;
    }
    float values[MAX_GROUP];
    const float *obs = &r->normalised_obs[(size_t)group->first * (size_t)r->obs_dim];
    group->code =
        r->engine->use->values(r->engine->self, slot, group->n_finals, obs, values, &group->error);
    for (int k = 0; k < group->n_finals && group->code == AFT_OK; k++) {
        r->final_values[(size_t)step * (size_t)r->n_envs + (size_t)group->finals[k]] = values[k];
    }
}

static void normalise_last(struct collection *c, struct aft_rollout_group *group)
{
    struct aft_rollout *r = c->r;
    size_t at = (size_t)group->first * (size_t)r->obs_dim;
    if (!aft_normaliser_apply(c->normaliser, group->count, &r->current_obs[at],
                              &r->normalised_obs[at])) {
        group->code = aft_fail(&group->error, AFT_ERR_NUMERIC,
                               "rollout, environments %d…%d: the last observation is not finite",
                               group->first, group->first + group->count - 1);
    }
}

static enum aft_code evaluate_last(struct aft_rollout *r, int slot, int first, int count,
                                   struct aft_error *error)
{
    return r->engine->use->values(r->engine->self, slot, count,
                                  &r->normalised_obs[(size_t)first * (size_t)r->obs_dim],
                                  &r->last_values[first], error);
}

/* A whole rollout of one group. The thread's number is the engine's slot. */
static void group_task(void *context, int task, int thread)
{
    struct collection *c = context;
    struct aft_rollout *r = c->r;
    struct aft_rollout_group *group = &r->groups[task];
    for (int step = 0; step < r->n_steps && group->code == AFT_OK; step++) {
        prepare_step(c, task, step);
        if (group->code == AFT_OK) {
            group->code = act(r, thread, step, group->first, group->count, &group->error);
        }
        if (group->code == AFT_OK) {
            step_environments(c, group, step);
            evaluate_finals(r, group, thread, step);
        }
    }
    if (group->code == AFT_OK) {
        normalise_last(c, group);
    }
    if (group->code == AFT_OK) {
        group->code = evaluate_last(r, thread, group->first, group->count, &group->error);
    }
}

static void prepare_task(void *context, int task, int thread)
{
    (void)thread;
    struct collection *c = context;
    prepare_step(c, task, c->step);
}

static void step_task(void *context, int task, int thread)
{
    (void)thread;
    struct collection *c = context;
    step_environments(c, &c->r->groups[task], c->step);
}

/* With an engine that takes one call at a time. */
static enum aft_code collect_in_lockstep(struct collection *c, struct aft_error *error)
{
    struct aft_rollout *r = c->r;
    enum aft_code code = AFT_OK;
    for (c->step = 0; c->step < r->n_steps && code == AFT_OK; c->step++) {
        aft_thread_pool_run(r->pool, r->n_groups, prepare_task, c);
        code = first_failure(r, error);
        if (code == AFT_OK) {
            code = act(r, 0, c->step, 0, r->n_envs, error);
        }
        if (code == AFT_OK) {
            aft_thread_pool_run(r->pool, r->n_groups, step_task, c);
            for (int g = 0; g < r->n_groups; g++) {
                evaluate_finals(r, &r->groups[g], 0, c->step);
            }
            code = first_failure(r, error);
        }
    }
    for (int g = 0; g < r->n_groups && code == AFT_OK; g++) {
        normalise_last(c, &r->groups[g]);
        code = first_failure(r, error);
    }
    return code == AFT_OK ? evaluate_last(r, 0, 0, r->n_envs, error) : code;
}

/* Each group's are in this order already. */
static void merge_episodes(struct aft_rollout *r, const struct aft_rollout_at *at)
{
    r->n_episodes = 0;
    for (int g = 0; g < r->n_groups; g++) {
        r->groups[g].n_merged = 0;
    }
    for (int step = 0; step < r->n_steps; step++) {
        int64_t now = at->steps_before + (int64_t)(step + 1) * r->n_envs;
        for (int g = 0; g < r->n_groups; g++) {
            struct aft_rollout_group *group = &r->groups[g];
            while (group->n_merged < group->n_episodes &&
                   group->episodes[group->n_merged].step == now) {
                r->episodes[r->n_episodes++] = group->episodes[group->n_merged++];
            }
        }
    }
}

enum aft_code aft_rollout_collect(struct aft_rollout *r, const struct aft_normaliser *normaliser,
                                  const struct aft_rollout_at *at, struct aft_error *error)
{
    struct collection c = {.r = r, .normaliser = normaliser, .at = at};
    for (int g = 0; g < r->n_groups; g++) {
        r->groups[g].code = AFT_OK;
        r->groups[g].n_episodes = 0;
        aft_moments_reset(&r->moments[g], r->obs_dim);
    }
    enum aft_code code = AFT_OK;
    if (r->engine->use->concurrent(r->engine->self)) {
        aft_thread_pool_run(r->pool, r->n_groups, group_task, &c);
        code = first_failure(r, error);
    } else {
        code = collect_in_lockstep(&c, error);
    }
    if (code == AFT_OK) {
        merge_episodes(r, at);
    }
    return code;
}
