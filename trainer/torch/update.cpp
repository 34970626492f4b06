/*
 * PPO's updates: the loss by Stable-Baselines3's definitions, its gradient by
 * autograd, clipping and Adam.
 *
 * A minibatch's work is the same on every device. Its last word is `going`, on the
 * device: whether this minibatch and all before it in the call may be applied. On
 * the CPU it is read at once, and Adam follows or does not. With resident storage
 * nothing is read: Adam computes new vectors, which are taken over where `going`
 * says so, and the stats of all minibatches are read at the end of the call. That is
 * how all of it can be recorded once and launched as one, with no waiting between.
 *
 * What changes from minibatch to minibatch is its row: scalars, then the numbers of
 * its samples. Updates applied in a call are its first ones, so the number of Adam's
 * step is known before, and the bias corrections are worked out here, in double
 * precision.
 */
#include "trainer/torch/state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace aft_torch
{

namespace
{

constexpr double log_two_pi = 1.8378770664093454836;

/* The scalars of a row. */
enum {
    ent_coef_at,
    step_size_at,  /* minus the learning rate, over Adam's first correction */
    correction_at, /* one over the root of the second */
    bounds_at,     /* three: of the KL divergence, the loss and the gradient's norm */
    n_scalars = bounds_at + 3
};

/* The stats of a minibatch on the device. */
enum {
    policy_loss_at,
    value_loss_at,
    entropy_loss_at,
    loss_at,
    approx_kl_at,
    clip_fraction_at,
    grad_norm_at,
    going_at,
    n_stats
};

struct Loss {
    Tensor total, approx_kl;
    Tensor stats; /* as above, as far as clip_fraction */
};

Tensor normalised(const Tensor &advantages)
{
    const auto [deviation, mean] = at::std_mean(advantages, true);
    return (advantages - mean) / (deviation + 1e-8);
}

Loss ppo_loss(Engine *engine, const Minibatch &batch, const struct aft_update_config *config)
{
    const int64_t n = batch.returns.size(0);
    const Tensor advantages =
        config->normalize_advantage && n > 1 ? normalised(batch.advantages) : batch.advantages;

    const Tensor log_std_sum = engine->log_std.sum();
    const Tensor mean = forward(engine, engine->policy, batch.obs);
    const Tensor z = (batch.actions - mean) * engine->log_std.neg().exp();
    const Tensor log_ratio = log_probability(engine, z, log_std_sum) - batch.log_probs;
    const Tensor ratio = log_ratio.exp();
    const double clip = config->clip_range;
    const Tensor policy_loss =
        at::minimum(advantages * ratio, advantages * ratio.clamp(1.0 - clip, 1.0 + clip))
            .mean()
            .neg();

    Tensor values = forward(engine, engine->value, batch.obs).view({n});
    if (config->clip_range_vf > 0.0F) {
        const double limit = config->clip_range_vf;
        values = batch.values + (values - batch.values).clamp(-limit, limit);
    }
    const Tensor value_loss = at::mse_loss(values, batch.returns);

    const double entropy_constant = 0.5 * (1.0 + log_two_pi) * engine->network.action_dim;
    const Tensor entropy_loss = (log_std_sum + entropy_constant).neg();

    Loss loss;
    loss.total = policy_loss.addcmul(entropy_loss, engine->scratch.scalars.select(0, ent_coef_at))
                     .add(value_loss, static_cast<double>(config->vf_coef));
    const c10::NoGradGuard no_gradients;
    const Tensor off = ratio - 1.0;
    loss.approx_kl = (off - log_ratio).mean();
    loss.stats = at::stack({policy_loss, value_loss, entropy_loss, loss.total, loss.approx_kl,
                            off.abs().gt(clip).to(at::kFloat).mean()});
    return loss;
}

/* The gradient, the stats and the verdict of the n samples in the row. */
void differentiate(Engine *engine, int64_t n, const struct aft_update_config *config)
{
    Scratch &scratch = engine->scratch;
    const Minibatch batch = gather(engine, scratch.row.narrow(0, n_scalars, n));
    Loss loss;
    std::vector<Tensor> gradients;
    {
        const c10::AutoGradMode with_gradients(true);
        loss = ppo_loss(engine, batch, config);
        gradients = torch::autograd::grad({loss.total}, engine->leaves);
    }
    for (Tensor &gradient : gradients) {
        gradient = gradient.reshape({-1});
    }
    at::cat_out(scratch.fresh, gradients);
    if (engine->resident) { /* after the one that stopped, gradients are nobody's */
        at::where_out(engine->gradient, scratch.going, scratch.fresh, engine->gradient);
    }
    const Tensor norm = scratch.fresh.norm();
    const Tensor bounded = at::stack({loss.approx_kl, loss.total.abs(), norm})
                               .le(scratch.scalars.narrow(0, bounds_at, 3));
    scratch.going.logical_and_(bounded.all());
    at::cat_out(scratch.stats,
                {loss.stats, norm.view({1}), scratch.going.to(at::kFloat).view({1})});
}

/* Adam (Kingma & Ba 2015) in torch.optim.Adam's form, after clipping by the norm. */
void adam(Engine *engine, const struct aft_update_config *config)
{
    const Scratch &scratch = engine->scratch;
    const Vectors &next = engine->next;
    const double beta1 = config->adam_beta1, beta2 = config->adam_beta2;
    Tensor g = scratch.fresh;
    if (config->max_grad_norm > 0.0F) {
        const Tensor norm = scratch.stats.select(0, grad_norm_at);
        const double limit = config->max_grad_norm;
        g = at::mul_out(engine->scratch.scaled, g,
                        (norm + 1e-6).reciprocal().mul(limit).clamp_max(1.0));
    }
    if (engine->resident) {
        next.all.copy_(engine->now.all);
    }
    next.adam_m.mul_(beta1).add_(g, 1.0 - beta1);
    next.adam_v.mul_(beta2).addcmul_(g, g, 1.0 - beta2);
    at::sqrt_out(engine->scratch.denominator, next.adam_v)
        .mul_(scratch.scalars.select(0, correction_at))
        .add_(static_cast<double>(config->adam_eps));
    at::div_out(engine->scratch.scaled, next.adam_m, scratch.denominator);
    next.parameters.addcmul_(scratch.scaled, scratch.scalars.select(0, step_size_at));
    if (engine->resident) {
        at::where_out(engine->now.all, scratch.going, next.all, engine->now.all);
    }
}

/* step: of Adam, counted from 1; order: n numbers of samples */
void write_row(int32_t *row, int64_t step, const uint32_t *order, int64_t n,
               const struct aft_update_config *config)
{
    const auto power = static_cast<double>(step);
    const double correction1 = 1.0 - std::pow(double{config->adam_beta1}, power);
    const double correction2 = 1.0 - std::pow(double{config->adam_beta2}, power);
    float scalars[n_scalars];
    scalars[ent_coef_at] = config->ent_coef;
    scalars[step_size_at] = static_cast<float>(-double{config->learning_rate} / correction1);
    scalars[correction_at] = static_cast<float>(1.0 / std::sqrt(correction2));
    scalars[bounds_at] =
        config->kl_limit > 0.0F ? config->kl_limit : std::numeric_limits<float>::infinity();
    scalars[bounds_at + 1] = scalars[bounds_at + 2] = std::numeric_limits<float>::max();
    memcpy(row, scalars, sizeof scalars);
    memcpy(row + n_scalars, order, static_cast<size_t>(n) * sizeof *order);
}

/* Tells the caller of a minibatch what the device said of it; *more: whether it was applied. */
enum aft_code report(Engine *engine, const float *read, const struct aft_update_config *config,
                     struct aft_update_stats *stats, int *done, bool *more, struct aft_error *error)
{
    const float approx_kl = read[approx_kl_at];
    *more = read[going_at] != 0.0F;
    const bool stopped = !*more && config->kl_limit > 0.0F && approx_kl > config->kl_limit;
    if (!std::isfinite(read[loss_at])) { /* a stop needs a finite loss, whatever the gradient */
        return aft_fail(error, AFT_ERR_NUMERIC, "update with torch: loss is not finite");
    }
    if (!*more && !stopped) {
        return aft_fail(error, AFT_ERR_NUMERIC, "update with torch: gradient is not finite");
    }
    stats[(*done)++] = {
        read[policy_loss_at], read[value_loss_at],    read[entropy_loss_at], read[loss_at],
        read[approx_kl_at],   read[clip_fraction_at], read[grad_norm_at],    stopped};
    engine->adam_step += *more;
    return AFT_OK;
}

struct Call {
    const struct aft_minibatches *minibatches;
    const struct aft_update_config *config;
    int64_t count() const
    {
        return (int64_t{minibatches->n} + minibatches->batch_size - 1) / minibatches->batch_size;
    }
    const uint32_t *order(int64_t k) const
    {
        return minibatches->order + k * minibatches->batch_size;
    }
    int64_t rows(int64_t k) const
    {
        const int64_t size = minibatches->batch_size;
        return std::min(size, minibatches->n - k * size);
    }
};

enum aft_code update_one_by_one(Engine *engine, const Call &call, struct aft_update_stats *stats,
                                int *done, struct aft_error *error)
{
    const Scratch &scratch = engine->scratch;
    const int64_t first_step = engine->adam_step;
    enum aft_code code = AFT_OK;
    bool more = true;
    for (int64_t k = 0; k < call.count() && more && code == AFT_OK; k++) {
        write_row(scratch.row.data_ptr<int32_t>(), first_step + k + 1, call.order(k), call.rows(k),
                  call.config);
        differentiate(engine, call.rows(k), call.config);
        code =
            report(engine, scratch.stats.data_ptr<float>(), call.config, stats, done, &more, error);
        if (more && code == AFT_OK) {
            adam(engine, call.config);
        }
    }
    return code;
}

/* All rows of the call to the device, in one copy. */
void bring_rows(Engine *engine, const Call &call)
{
    Scratch &scratch = engine->scratch;
    const int64_t width = n_scalars + int64_t{call.minibatches->batch_size};
    const int64_t words = call.count() * width;
    if (!scratch.rows.defined() || scratch.rows.numel() < words) {
        scratch.host_rows = host_tensor(*engine, words, at::kInt);
        scratch.rows = at::zeros({words}, on_device(*engine, at::kInt));
    }
    if (!scratch.all_stats.defined() || scratch.all_stats.size(0) < call.count()) {
        scratch.host_stats = host_tensor(*engine, call.count() * n_stats);
        scratch.all_stats = at::zeros({call.count(), n_stats}, on_device(*engine));
    }
    int32_t *row = scratch.host_rows.data_ptr<int32_t>();
    for (int64_t k = 0; k < call.count(); k++, row += width) {
        write_row(row, engine->adam_step + k + 1, call.order(k), call.rows(k), call.config);
    }
    scratch.rows.narrow(0, 0, words).copy_(scratch.host_rows.narrow(0, 0, words), true);
}

Recipe recipe_of(int64_t n, const struct aft_update_config *config)
{
    return {Recipe::Work::update,
            n,
            {config->clip_range, config->clip_range_vf, config->vf_coef, config->max_grad_norm,
             config->adam_beta1, config->adam_beta2, config->adam_eps,
             config->normalize_advantage ? 1.0F : 0.0F}};
}

/* Waits for the device once, at the end. */
enum aft_code update_resident(Engine *engine, const Call &call, struct aft_update_stats *stats,
                              int *done, struct aft_error *error)
{
    Scratch &scratch = engine->scratch;
    const int64_t count = call.count(), width = n_scalars + int64_t{call.minibatches->batch_size};
    bring_rows(engine, call);
    for (int64_t k = 0; k < count; k++) {
        const int64_t n = call.rows(k), words = n_scalars + n;
        scratch.row.narrow(0, 0, words).copy_(scratch.rows.narrow(0, k * width, words), true);
        engine->graphs.run(recipe_of(n, call.config), [&] {
            differentiate(engine, n, call.config);
            adam(engine, call.config);
        });
        scratch.all_stats.select(0, k).copy_(scratch.stats, true);
    }
    const Tensor read = scratch.host_stats.narrow(0, 0, count * n_stats);
    read.copy_(scratch.all_stats.narrow(0, 0, count).view({-1}));
    enum aft_code code = AFT_OK;
    bool more = true;
    for (int64_t k = 0; k < count && more && code == AFT_OK; k++) {
        code = report(engine, read.data_ptr<float>() + k * n_stats, call.config, stats, done, &more,
                      error);
    }
    return code;
}

} // namespace

void prepare_updates(Engine *engine)
{
    Scratch &scratch = engine->scratch;
    const int64_t count = engine->gradient.numel();
    scratch.row = at::zeros({n_scalars + engine->max_batch}, on_device(*engine, at::kInt));
    scratch.scalars = scratch.row.narrow(0, 0, n_scalars).view(at::kFloat);
    scratch.fresh = engine->resident ? at::zeros({count}, on_device(*engine)) : engine->gradient;
    scratch.scaled = at::zeros({count}, on_device(*engine));
    scratch.denominator = at::zeros({count}, on_device(*engine));
    scratch.going = at::ones({}, on_device(*engine, at::kBool));
    scratch.stats = at::zeros({n_stats}, on_device(*engine));
}

enum aft_code update(Engine *engine, const struct aft_minibatches *minibatches,
                     const struct aft_update_config *config, struct aft_update_stats *stats,
                     int *done, struct aft_error *error)
{
    const Call call = {minibatches, config};
    engine->scratch.going.fill_(true);
    return engine->resident ? update_resident(engine, call, stats, done, error)
                            : update_one_by_one(engine, call, stats, done, error);
}

} // namespace aft_torch
