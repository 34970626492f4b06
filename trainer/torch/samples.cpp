/*
 * The rollout's samples. On the CPU they are borrowed from the caller. With
 * resident storage they are copied to the device once an iteration, packed, and
 * every minibatch is picked from them there.
 */
#include "trainer/torch/state.h"

#include <cstring>

namespace aft_torch
{

namespace
{

int64_t floats_a_sample(const Engine *engine)
{
    return int64_t{engine->network.obs_dim} + engine->network.action_dim + 4;
}

/* Recorded graphs hold on to the addresses, so they move only to grow. */
void make_room(Engine *engine, int64_t n)
{
    Samples &samples = engine->samples;
    if (n <= samples.capacity) {
        return;
    }
    engine->graphs.forget();
    const int64_t obs_dim = engine->network.obs_dim, action_dim = engine->network.action_dim;
    const int64_t count = n * floats_a_sample(engine);
    samples.capacity = 0;
    samples.staging = host_tensor(*engine, count);
    samples.block = at::zeros({count}, on_device(*engine));
    samples.obs = samples.block.narrow(0, 0, n * obs_dim).view({n, obs_dim});
    samples.actions = samples.block.narrow(0, n * obs_dim, n * action_dim).view({n, action_dim});
    samples.columns = samples.block.narrow(0, n * (obs_dim + action_dim), 4 * n).view({4, n});
    samples.capacity = n;
}

void upload(Engine *engine, const struct aft_samples *from)
{
    Samples &samples = engine->samples;
    float *next = samples.staging.data_ptr<float>();
    const auto pack = [&](const float *column, int64_t width) {
        memcpy(next, column, static_cast<size_t>(from->n * width) * sizeof(float));
        next += samples.capacity * width;
    };
    pack(from->obs, engine->network.obs_dim);
    pack(from->actions, engine->network.action_dim);
    for (const float *column : {from->log_probs, from->values, from->advantages, from->returns}) {
        pack(column, 1);
    }
    samples.block.copy_(samples.staging);
}

/* Copies the samples together on the host. */
Minibatch gather_borrowed(Engine *engine, const Tensor &order)
{
    const struct aft_samples &from = engine->samples.host;
    const int32_t *numbers = order.data_ptr<int32_t>();
    const int64_t n = order.numel();
    engine->scratch.gathered.resize(static_cast<size_t>(n * floats_a_sample(engine)));
    float *next = engine->scratch.gathered.data();
    const auto pack = [&](const float *column, int64_t width) {
        const Tensor packed = borrow(next, n * width);
        for (int64_t i = 0; i < n; i++, next += width) {
            memcpy(next, column + numbers[i] * width, static_cast<size_t>(width) * sizeof(float));
        }
        return packed;
    };
    Minibatch batch;
    batch.obs = pack(from.obs, engine->network.obs_dim).view({n, engine->network.obs_dim});
    batch.actions =
        pack(from.actions, engine->network.action_dim).view({n, engine->network.action_dim});
    batch.log_probs = pack(from.log_probs, 1);
    batch.values = pack(from.values, 1);
    batch.advantages = pack(from.advantages, 1);
    batch.returns = pack(from.returns, 1);
    return batch;
}

} // namespace

void load_samples(Engine *engine, const struct aft_samples *samples)
{
    if (engine->resident) {
        make_room(engine, samples->n);
        upload(engine, samples);
    }
    engine->samples.host = *samples;
}

Minibatch gather(Engine *engine, const Tensor &order)
{
    if (!engine->resident) {
        return gather_borrowed(engine, order);
    }
    const Samples &from = engine->samples;
    const Tensor columns = from.columns.index_select(1, order);
    return {from.obs.index_select(0, order),
            from.actions.index_select(0, order),
            columns.select(0, 0),
            columns.select(0, 1),
            columns.select(0, 2),
            columns.select(0, 3)};
}

} // namespace aft_torch
