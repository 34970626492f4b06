/*
 * Minibatch updates. Each net is a lane of tasks and goes through its stages on
 * its own: pass and gradient for every span of the minibatch, then, once both
 * nets' gradients are whole and their common norm known, Adam, and on to the
 * next minibatch. With two threads each keeps to one net, and they meet once a
 * minibatch.
 *
 *     pass -> gradient -+-> (next span) pass
 *                       +-> wait for the other net -> settle -> Adam -> (next minibatch) pass
 */
#include "trainer/native/update.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct run {
    struct aft_update_run shared; /* with the tasks; first */
    _Atomic int waiting;          /* lanes that wait for the other */
    int done;
    struct aft_update_stats *stats;
    enum aft_code code;
    struct aft_error *error;
};

/* As SB3: (A - mean) / (sample standard deviation + 1e-8); one sample is left as it is. */
static void normalise_advantages(struct aft_update_run *run)
{
    const struct aft_update_lane *lane = &run->lane[AFT_NATIVE_POLICY];
    const uint32_t *order = &run->minibatches->order[lane->first];
    const float *advantages = run->engine->loaded.advantages;
    run->advantage_mean = 0.0f;
    run->advantage_scale = 1.0f;
    if (!run->config->normalize_advantage || lane->n < 2) {
        return;
    }
    enum { LANES = 8 };
    double lanes[LANES] = {0}, squares[LANES] = {0}, mean = 0.0, square = 0.0;
    for (int i = 0; i < lane->n; i++) {
        lanes[i % LANES] += (double)advantages[order[i]];
    }
    for (int k = 0; k < LANES; k++) {
        mean += lanes[k];
    }
    mean /= lane->n;
    for (int i = 0; i < lane->n; i++) {
        double d = (double)advantages[order[i]] - mean;
        squares[i % LANES] += d * d;
    }
    for (int k = 0; k < LANES; k++) {
        square += squares[k];
    }
    run->advantage_mean = (float)mean;
    run->advantage_scale = (float)(1.0 / (sqrt(square / (lane->n - 1)) + 1e-8));
}

static void open_span(struct aft_update_run *run, struct aft_task_lanes *lanes, int number,
                      int first)
{
    struct aft_update_lane *lane = &run->lane[number];
    int left = lane->n - first, most = run->engine->span_rows, block = run->engine->block_rows;
    lane->stage = AFT_UPDATE_PASS;
    lane->span = first;
    lane->span_rows = left < most ? left : most;
    aft_task_lanes_open(lanes, number, (lane->span_rows + block - 1) / block);
}

static void open_minibatch(struct aft_update_run *run, struct aft_task_lanes *lanes, int number,
                           int first)
{
    struct aft_update_lane *lane = &run->lane[number];
    int left = run->minibatches->n - first, size = run->minibatches->batch_size;
    lane->first = first;
    lane->n = left < size ? left : size;
    if (number == AFT_NATIVE_POLICY) {
        const struct aft_native *engine = run->engine;
        const float *log_std = &engine->parameters[engine->net[number].mlp.log_std];
        for (int a = 0; a < engine->config.network.action_dim; a++) {
            engine->inverse_std[a] = expf(-log_std[a]);
        }
        normalise_advantages(run);
    }
    open_span(run, lanes, number, 0);
}

static double mean_entropy(const struct aft_native *engine)
{
    double entropy = 0.0;
    size_t log_std = engine->net[AFT_NATIVE_POLICY].mlp.log_std;
    for (int k = 0; k < engine->config.network.action_dim; k++) {
        entropy += 0.5 + 0.918938533204672742 + (double)engine->parameters[log_std + (size_t)k];
    }
    return entropy;
}

static void summarise(const struct aft_update_run *run, struct aft_update_stats *stats)
{
    const struct aft_native *engine = run->engine;
    const struct aft_loss_sums *policy = &engine->net[AFT_NATIVE_POLICY].all_sums;
    const struct aft_loss_sums *value = &engine->net[AFT_NATIVE_VALUE].all_sums;
    double n = run->lane[AFT_NATIVE_POLICY].n, squares = 0.0;
    for (int k = 0; k < AFT_NATIVE_NETS; k++) {
        for (int i = 0; i < engine->net[k].mlp.n_pieces; i++) {
            squares += engine->net[k].piece_squares[i];
        }
    }
    memset(stats, 0, sizeof *stats);
    stats->policy_loss = policy->policy / n;
    stats->value_loss = value->value / n;
    stats->entropy_loss = -mean_entropy(engine);
    stats->loss = stats->policy_loss + (double)run->config->ent_coef * stats->entropy_loss +
                  (double)run->config->vf_coef * stats->value_loss;
    stats->approx_kl = policy->kl / n;
    stats->clip_fraction = policy->clipped / n;
    stats->grad_norm = sqrt(squares);
}

static void prepare_adam(struct aft_update_run *run, double grad_norm)
{
    const struct aft_update_config *config = run->config;
    double t = (double)++run->engine->adam_step;
    double bias1 = 1.0 - pow((double)config->adam_beta1, t);
    double bias2 = 1.0 - pow((double)config->adam_beta2, t);
    double scale = 1.0;
    if (config->max_grad_norm > 0.0f) { /* torch.nn.utils.clip_grad_norm_ */
        scale = (double)config->max_grad_norm / (grad_norm + 1e-6);
        scale = scale < 1.0 ? scale : 1.0;
    }
    run->adam = (struct aft_adam_step){
        .beta1 = config->adam_beta1,
        .beta2 = config->adam_beta2,
        .gradient_scale = (float)scale,
        .step_size = (float)((double)config->learning_rate / bias1),
        .inverse_root_bias2 = (float)(1.0 / sqrt(bias2)),
        .eps = config->adam_eps,
    };
}

/* Whether Adam can take the gradient: it squares it in single precision. */
static bool usable(const struct aft_update_stats *stats, const struct aft_update_config *config)
{
    const double largest_norm = 1e18;
    double norm = stats->grad_norm, limit = (double)config->max_grad_norm;
    bool clipped = limit > 0.0 && norm > limit;
    return isfinite(stats->loss) && isfinite(stats->approx_kl) && isfinite(norm) &&
           (clipped ? limit : norm) <= largest_norm;
}

/* Both gradients are whole: go on to Adam, or finish. */
static void settle(struct run *run, struct aft_task_lanes *lanes, int last)
{
    struct aft_update_run *shared = &run->shared;
    struct aft_update_stats *stats = &run->stats[run->done];
    summarise(shared, stats);
    stats->stopped = isfinite(stats->loss) && shared->config->kl_limit > 0.0f &&
                     stats->approx_kl > (double)shared->config->kl_limit;
    if (!stats->stopped && !usable(stats, shared->config)) {
        run->code =
            aft_fail(run->error, AFT_ERR_NUMERIC,
                     "update %lld: the loss or its gradient is not finite (loss %g, "
                     "gradient norm %g)",
                     (long long)shared->engine->adam_step + 1, stats->loss, stats->grad_norm);
        aft_task_lanes_finish(lanes);
        return;
    }
    run->done++;
    if (stats->stopped) {
        aft_task_lanes_finish(lanes);
        return;
    }
    prepare_adam(shared, stats->grad_norm);
    run->waiting = 0;
    for (int k = 0; k < AFT_NATIVE_NETS; k++) {
        shared->lane[k].stage = AFT_UPDATE_ADAM;
    }
    for (int k = 1; k <= AFT_NATIVE_NETS; k++) { /* the one who waits first */
        int number = (last + k) % AFT_NATIVE_NETS;
        aft_task_lanes_open(lanes, number, shared->engine->net[number].mlp.n_pieces);
    }
}

static void next_stage(void *context, struct aft_task_lanes *lanes, int number)
{
    struct run *run = context;
    struct aft_update_run *shared = &run->shared;
    struct aft_update_lane *lane = &shared->lane[number];
    int next_span = lane->span + lane->span_rows, next_minibatch = lane->first + lane->n;
    switch (lane->stage) {
    case AFT_UPDATE_PASS:
        lane->stage = AFT_UPDATE_GRADIENT;
        aft_task_lanes_open(lanes, number, shared->engine->net[number].mlp.n_pieces);
        break;
    case AFT_UPDATE_GRADIENT:
        if (next_span < lane->n) {
            open_span(shared, lanes, number, next_span);
        } else if (atomic_fetch_add(&run->waiting, 1) == AFT_NATIVE_NETS - 1) {
            settle(run, lanes, number);
        }
        break;
    default:
        if (next_minibatch < shared->minibatches->n) {
            open_minibatch(shared, lanes, number, next_minibatch);
        } else if (atomic_fetch_add(&run->waiting, 1) == AFT_NATIVE_NETS - 1) {
            aft_task_lanes_finish(lanes);
        }
        break;
    }
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
    if (minibatches->n < 1) {
        return AFT_OK;
    }
    struct run run = {
        .shared = {.engine = engine, .minibatches = minibatches, .config = config},
        .stats = stats,
        .error = error,
    };
    const struct aft_task_lanes_work work = {&run, aft_update_task, next_stage};
    for (int k = 0; k < AFT_NATIVE_NETS; k++) {
        open_minibatch(&run.shared, engine->lanes, k, 0);
    }
    aft_task_lanes_run(engine->lanes, &work);
    *done = run.done;
    return run.code;
}
