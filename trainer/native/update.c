/*
 * One minibatch update. The minibatch is cut into shards, a function of its
 * size alone; a task is one shard in one of the two nets, and adds up its own
 * gradient. The shards' gradients and sums are added in their order: no result
 * depends on the number of threads.
 */
#include "trainer/native/denormals.h"
#include "trainer/native/loss.h"
#include "trainer/native/native.h"

#include <math.h>
#include <string.h>

struct job {
    struct aft_native *engine;
    const struct aft_native_minibatch *minibatch;
    const struct aft_update_config *config;
    int shard_rows;
    float advantage_mean, advantage_scale;
};

int aft_native_shard_rows(const struct aft_native *engine, int n)
{
    enum { LEAST = 128 };
    int block = engine->block_rows;
    int rows = (n + AFT_NATIVE_MAX_SHARDS - 1) / AFT_NATIVE_MAX_SHARDS;
    rows = rows < LEAST ? LEAST : rows;
    return (rows + block - 1) / block * block;
}

static int minimum(int a, int b)
{
    return a < b ? a : b;
}

/* The samples from number first on. */
static struct aft_samples samples_from(const struct job *job, int first, int n)
{
    const struct aft_native_minibatch *whole = job->minibatch;
    const struct aft_network *network = &job->engine->config.network;
    size_t at = (size_t)first;
    return (struct aft_samples){
        .n = n,
        .obs = whole->obs + at * (size_t)network->obs_dim,
        .actions = whole->actions + at * (size_t)network->action_dim,
        .log_probs = whole->log_probs + at,
        .values = whole->values + at,
        .advantages = whole->advantages + at,
        .returns = whole->returns + at,
    };
}

static struct aft_mlp_backward backward_into(const struct aft_native *engine, int shard, bool first)
{
    return (struct aft_mlp_backward){
        .parameters = engine->parameters,
        .transposed = engine->transposed,
        .gradient = engine->gradients + (size_t)shard * engine->stride,
        .accumulate = !first,
    };
}

/* A block of rows on its way through one net. */
struct block {
    struct aft_native_work *work;
    int shard;
    bool first; /* of its shard */
    struct aft_samples samples;
    struct aft_native_sums *sums;
};

static void policy_block(const struct job *job, const struct block *block)
{
    struct aft_native_work *work = block->work;
    const struct aft_samples *samples = &block->samples;
    struct aft_native *engine = job->engine;
    struct aft_mlp_backward backward = backward_into(engine, block->shard, block->first);
    const struct aft_policy_loss loss = {
        .gaussian = aft_gaussian_init(engine->config.network.action_dim,
                                      &engine->parameters[engine->log_std], work->inverse_std),
        .clip_range = job->config->clip_range,
        .inverse_n = 1.0f / (float)job->minibatch->n,
        .advantage_mean = job->advantage_mean,
        .advantage_scale = job->advantage_scale,
    };
    float *d_log_std = &backward.gradient[engine->log_std];
    if (block->first) {
        /* The entropy's mean is the same for every sample: once, in shard 0. */
        float constant = block->shard == 0 ? -job->config->ent_coef : 0.0f;
        for (int k = 0; k < loss.gaussian.action_dim; k++) {
            d_log_std[k] = constant;
        }
    }
    aft_mlp_forward(&engine->policy, engine->parameters, samples->n, samples->obs, &work->mlp,
                    work->out);
    aft_policy_loss_gradient(&loss, samples->n, samples, work->out, work->d_out, d_log_std,
                             block->sums);
    aft_mlp_backward(&engine->policy, &backward, samples->n, samples->obs, &work->mlp, work->d_out);
}

static void value_block(const struct job *job, const struct block *block)
{
    struct aft_native_work *work = block->work;
    const struct aft_samples *samples = &block->samples;
    struct aft_native *engine = job->engine;
    struct aft_mlp_backward backward = backward_into(engine, block->shard, block->first);
    const struct aft_value_loss loss = {
        .clip_range = job->config->clip_range_vf,
        .inverse_n = 1.0f / (float)job->minibatch->n,
        .coefficient = job->config->vf_coef,
    };
    aft_mlp_forward(&engine->value, engine->parameters, samples->n, samples->obs, &work->mlp,
                    work->out);
    aft_value_loss_gradient(&loss, samples->n, samples, work->out, work->d_out, block->sums);
    aft_mlp_backward(&engine->value, &backward, samples->n, samples->obs, &work->mlp, work->d_out);
}

/* Task 2 s is shard s in the policy net, 2 s + 1 in the value net. */
static void gradient_task(void *context, int task, int thread)
{
    const struct job *job = context;
    int shard = task / 2;
    int first = shard * job->shard_rows;
    int end = minimum(first + job->shard_rows, job->minibatch->n);
    struct aft_native_sums sums = {0};
    unsigned mode = aft_flush_denormals();
    for (int row = first; row < end; row += job->engine->block_rows) {
        const struct block block = {
            .work = &job->engine->works[thread],
            .shard = shard,
            .first = row == first,
            .samples = samples_from(job, row, minimum(job->engine->block_rows, end - row)),
            .sums = &sums,
        };
        if (task % 2 == 0) {
            policy_block(job, &block);
        } else {
            value_block(job, &block);
        }
    }
    aft_restore_denormals(mode);
    job->engine->sums[task] = sums;
}

/* As SB3: (A - mean) / (sample standard deviation + 1e-8); one sample is left as it is. */
static void normalise_advantages(struct job *job)
{
    const struct aft_native_minibatch *minibatch = job->minibatch;
    job->advantage_mean = 0.0f;
    job->advantage_scale = 1.0f;
    if (!job->config->normalize_advantage || minibatch->n < 2) {
        return;
    }
    enum { LANES = 8 };
    double lanes[LANES] = {0}, squares[LANES] = {0}, mean = 0.0, square = 0.0;
    for (int i = 0; i < minibatch->n; i++) {
        lanes[i % LANES] += (double)minibatch->advantages[i];
    }
    for (int k = 0; k < LANES; k++) {
        mean += lanes[k];
    }
    mean /= minibatch->n;
    for (int i = 0; i < minibatch->n; i++) {
        double d = (double)minibatch->advantages[i] - mean;
        squares[i % LANES] += d * d;
    }
    for (int k = 0; k < LANES; k++) {
        square += squares[k];
    }
    job->advantage_mean = (float)mean;
    job->advantage_scale = (float)(1.0 / (sqrt(square / (minibatch->n - 1)) + 1e-8));
}

static double mean_entropy(const struct aft_native *engine)
{
    double entropy = 0.0;
    for (int k = 0; k < engine->config.network.action_dim; k++) {
        entropy +=
            0.5 + 0.918938533204672742 + (double)engine->parameters[engine->log_std + (size_t)k];
    }
    return entropy;
}

static void summarise(const struct job *job, int n_shards, struct aft_update_stats *stats)
{
    struct aft_native_sums sum = {0};
    for (int task = 0; task < 2 * n_shards; task++) {
        const struct aft_native_sums *part = &job->engine->sums[task];
        sum.policy += part->policy;
        sum.value += part->value;
        sum.kl += part->kl;
        sum.clipped += part->clipped;
    }
    double n = job->minibatch->n;
    memset(stats, 0, sizeof *stats);
    stats->policy_loss = sum.policy / n;
    stats->value_loss = sum.value / n;
    stats->entropy_loss = -mean_entropy(job->engine);
    stats->loss = stats->policy_loss + (double)job->config->ent_coef * stats->entropy_loss +
                  (double)job->config->vf_coef * stats->value_loss;
    stats->approx_kl = sum.kl / n;
    stats->clip_fraction = sum.clipped / n;
}

/* Copies the samples that `order` names together. */
static void gather(struct aft_native *engine, const uint32_t *order, int n)
{
    const struct aft_samples *from = &engine->loaded;
    struct aft_native_minibatch *to = &engine->minibatch;
    size_t obs_dim = (size_t)engine->config.network.obs_dim;
    size_t action_dim = (size_t)engine->config.network.action_dim;
    to->n = n;
    for (size_t i = 0; i < (size_t)n; i++) {
        size_t at = order[i];
        memcpy(&to->obs[i * obs_dim], &from->obs[at * obs_dim], obs_dim * sizeof(float));
        memcpy(&to->actions[i * action_dim], &from->actions[at * action_dim],
               action_dim * sizeof(float));
        to->log_probs[i] = from->log_probs[at];
        to->values[i] = from->values[at];
        to->advantages[i] = from->advantages[at];
        to->returns[i] = from->returns[at];
    }
}

static enum aft_code update_minibatch(struct aft_native *engine,
                                      const struct aft_update_config *config,
                                      struct aft_update_stats *stats, struct aft_error *error)
{
    const struct aft_native_minibatch *minibatch = &engine->minibatch;
    struct job job = {.engine = engine, .minibatch = minibatch, .config = config};
    job.shard_rows = aft_native_shard_rows(engine, minibatch->n);
    int n_shards = (minibatch->n + job.shard_rows - 1) / job.shard_rows;
    normalise_advantages(&job);
    aft_thread_pool_run(engine->config.pool, 2 * n_shards, gradient_task, &job);
    summarise(&job, n_shards, stats);
    stats->grad_norm = aft_native_reduce_gradient(engine, n_shards);
    if (!isfinite(stats->loss) || !isfinite(stats->approx_kl) || !isfinite(stats->grad_norm)) {
        return aft_fail(error, AFT_ERR_NUMERIC,
                        "update %lld: the loss or its gradient is not finite (loss %g, gradient "
                        "norm %g)",
                        (long long)engine->adam_step + 1, stats->loss, stats->grad_norm);
    }
    stats->stopped = config->kl_limit > 0.0f && stats->approx_kl > (double)config->kl_limit;
    if (!stats->stopped) {
        aft_native_adam(engine, config, stats->grad_norm);
    }
    return AFT_OK;
}

enum aft_code aft_native_load_samples(void *self, const struct aft_samples *samples,
                                      struct aft_error *error)
{
    (void)error;
    struct aft_native *engine = self;
    engine->loaded = *samples;
    return AFT_OK;
}

enum aft_code aft_native_update(void *self, const struct aft_minibatches *minibatches,
                                const struct aft_update_config *config,
                                struct aft_update_stats *stats, int *done, struct aft_error *error)
{
    struct aft_native *engine = self;
    int size = minibatches->batch_size;
    *done = 0;
    if (size < 1 || size > engine->config.max_batch) {
        return aft_fail(error, AFT_ERR_USAGE, "update: minibatches of %d samples, not 1…%d", size,
                        engine->config.max_batch);
    }
    for (int first = 0; first < minibatches->n; first += size) {
        gather(engine, &minibatches->order[first], minimum(size, minibatches->n - first));
        enum aft_code code = update_minibatch(engine, config, &stats[*done], error);
        if (code != AFT_OK) {
            return code;
        }
        if (stats[(*done)++].stopped) {
            break;
        }
    }
    return AFT_OK;
}
