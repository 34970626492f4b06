/* The tasks of an update. Each computes the same, whoever runs it and whenever;
 * sums run over blocks, spans and pieces in their order. */
#include "trainer/native/denormals.h"
#include "trainer/native/update.h"

/* A block of the span. */
struct block {
    size_t at; /* its first row in the span */
    int rows;
    const uint32_t *order;
    const uint32_t *ahead; /* the same of the next minibatch */
    int ahead_rows;
};

static struct aft_mlp_rows rows_from(const struct aft_mlp *mlp, const struct aft_mlp_rows *span,
                                     size_t row)
{
    struct aft_mlp_rows at = *span;
    at.x += row * (size_t)mlp->layer[0].in;
    for (int l = 0; l < mlp->n_hidden; l++) {
        at.hidden[l] += row * aft_mlp_stride(mlp->layer[l].out);
        at.delta[l] += row * aft_mlp_stride(mlp->layer[l].out);
    }
    at.out += row;
    at.d_out += row;
    return at;
}

/* Where an index leads to is seldom in a cache: that of the next minibatch is asked for. */
static void gather_obs(const struct aft_native *engine, const struct block *block, float *x)
{
    size_t dim = (size_t)engine->config.network.obs_dim;
    const float *obs = engine->loaded.obs;
    for (int i = 0; i < block->rows; i++, x += dim) {
        const float *from = &obs[block->order[i] * dim];
        if (i < block->ahead_rows) {
            __builtin_prefetch(&obs[block->ahead[i] * dim], 0, 2);
        }
        for (size_t k = 0; k < dim; k++) {
            x[k] = from[k];
        }
    }
}

static void policy_loss(const struct aft_update_run *run, const struct block *block,
                        const struct aft_mlp_rows *rows)
{
    struct aft_native *engine = run->engine;
    struct aft_native_net *net = &engine->net[AFT_NATIVE_POLICY];
    const struct aft_samples *from = &engine->loaded;
    size_t n_actions = (size_t)engine->config.network.action_dim;
    size_t number = block->at / (size_t)engine->block_rows;
    for (size_t i = 0; i < (size_t)block->rows; i++) {
        size_t sample = block->order[i], to = block->at + i;
        for (size_t a = 0; a < n_actions; a++) {
            net->actions[a * rows->out_stride + to] = from->actions[sample * n_actions + a];
        }
        net->log_probs[to] = from->log_probs[sample];
        net->advantages[to] = from->advantages[sample];
    }
    net->sums[number] = (struct aft_loss_sums){0};
    const struct aft_policy_loss loss = {
        .rows = block->rows,
        .action_dim = (int)n_actions,
        .stride = rows->out_stride,
        .log_std = &engine->parameters[net->mlp.log_std],
        .inverse_std = engine->inverse_std,
        .actions = net->actions + block->at,
        .mean = rows->out,
        .old_log_probs = net->log_probs + block->at,
        .advantages = net->advantages + block->at,
        .advantage_mean = run->advantage_mean,
        .advantage_scale = run->advantage_scale,
        .clip_range = run->config->clip_range,
        .inverse_n = 1.0f / (float)run->lane[AFT_NATIVE_POLICY].n,
        .scratch = net->scratch + block->at,
        .d_mean = rows->d_out,
        .d_log_std = &net->d_log_std[number * n_actions],
        .sums = &net->sums[number],
    };
    engine->kernels->policy_loss(&loss);
}

static void value_loss(const struct aft_update_run *run, const struct block *block,
                       const struct aft_mlp_rows *rows)
{
    struct aft_native *engine = run->engine;
    struct aft_native_net *net = &engine->net[AFT_NATIVE_VALUE];
    size_t number = block->at / (size_t)engine->block_rows;
    for (size_t i = 0; i < (size_t)block->rows; i++) {
        net->values[block->at + i] = engine->loaded.values[block->order[i]];
        net->returns[block->at + i] = engine->loaded.returns[block->order[i]];
    }
    net->sums[number] = (struct aft_loss_sums){0};
    const struct aft_value_loss loss = {
        .rows = block->rows,
        .values = rows->out,
        .old_values = net->values + block->at,
        .returns = net->returns + block->at,
        .clip_range = run->config->clip_range_vf,
        .inverse_n = 1.0f / (float)run->lane[AFT_NATIVE_VALUE].n,
        .coefficient = run->config->vf_coef,
        .d_value = rows->d_out,
        .scratch = net->scratch + block->at,
        .sums = &net->sums[number],
    };
    engine->kernels->value_loss(&loss);
}

static void pass(const struct aft_update_run *run, int number, int task)
{
    struct aft_native *engine = run->engine;
    const struct aft_update_lane *lane = &run->lane[number];
    const struct aft_mlp *mlp = &engine->net[number].mlp;
    int first = task * engine->block_rows, left = lane->span_rows - first;
    int at = lane->first + lane->span + first, ahead = at + lane->n;
    const struct block block = {
        .at = (size_t)first,
        .rows = left < engine->block_rows ? left : engine->block_rows,
        .order = &run->minibatches->order[at],
        .ahead = &run->minibatches->order[ahead < run->minibatches->n ? ahead : 0],
        .ahead_rows = run->minibatches->n - ahead,
    };
    const struct aft_mlp_rows rows = rows_from(mlp, &engine->net[number].rows, block.at);
    gather_obs(engine, &block, rows.x);
    aft_mlp_forward(mlp, engine->parameters, block.rows, &rows);
    if (number == AFT_NATIVE_POLICY) {
        policy_loss(run, &block, &rows);
    } else {
        value_loss(run, &block, &rows);
    }
    aft_mlp_backward(mlp, engine->parameters, engine->transposed, block.rows, &rows);
}

/* Adds up what the span's blocks left. The entropy's mean is the same for every
 * sample, and so is its gradient. */
static void add_blocks(const struct aft_update_run *run, int number)
{
    struct aft_native *engine = run->engine;
    struct aft_native_net *net = &engine->net[number];
    const struct aft_update_lane *lane = &run->lane[number];
    int blocks = (lane->span_rows + engine->block_rows - 1) / engine->block_rows;
    float *d_log_std = &engine->gradient[net->mlp.log_std];
    int n_log_std = net->mlp.n_log_std;
    if (lane->span == 0) {
        net->all_sums = (struct aft_loss_sums){0};
        for (int a = 0; a < n_log_std; a++) {
            d_log_std[a] = -run->config->ent_coef;
        }
    }
    for (int b = 0; b < blocks; b++) {
        net->all_sums.policy += net->sums[b].policy;
        net->all_sums.value += net->sums[b].value;
        net->all_sums.kl += net->sums[b].kl;
        net->all_sums.clipped += net->sums[b].clipped;
        for (int a = 0; a < n_log_std; a++) {
            d_log_std[a] += net->d_log_std[b * n_log_std + a];
        }
    }
}

static void gradient(const struct aft_update_run *run, int number, int task)
{
    struct aft_native *engine = run->engine;
    struct aft_native_net *net = &engine->net[number];
    const struct aft_update_lane *lane = &run->lane[number];
    const struct aft_mlp_piece *piece = &net->mlp.pieces[task];
    aft_mlp_gradient(&net->mlp, piece, lane->span_rows, &net->rows, engine->gradient,
                     lane->span > 0);
    if (piece->layer == AFT_MLP_REST) {
        add_blocks(run, number);
    }
    if (lane->span + lane->span_rows == lane->n) {
        net->piece_squares[task] =
            engine->kernels->sum_of_squares(&engine->gradient[piece->offset], piece->count);
    }
}

static void adam(const struct aft_update_run *run, int number, int task)
{
    struct aft_native *engine = run->engine;
    const struct aft_mlp *mlp = &engine->net[number].mlp;
    const struct aft_mlp_piece *piece = &mlp->pieces[task];
    size_t at = piece->offset;
    engine->kernels->adam(&engine->parameters[at], &engine->adam_m[at], &engine->adam_v[at],
                          &engine->gradient[at], piece->count, &run->adam);
    aft_native_transpose(engine, mlp, piece);
}

void aft_update_task(void *context, int lane, int task)
{
    const struct aft_update_run *run = context;
    unsigned mode = aft_flush_denormals();
    switch (run->lane[lane].stage) {
    case AFT_UPDATE_PASS:
        pass(run, lane, task);
        break;
    case AFT_UPDATE_GRADIENT:
        gradient(run, lane, task);
        break;
    default:
        adam(run, lane, task);
        break;
    }
    aft_restore_denormals(mode);
}
