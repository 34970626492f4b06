/* The network's outputs for given observations: actions, log probabilities, values. */
#include "trainer/torch/state.h"

#include <cstring>

namespace aft_torch
{

namespace
{

/* What is wanted, in the order of Wanted, each as [n] or [n][action_dim]. */
std::vector<Tensor> evaluate(const Engine *engine, const Tensor &obs, const Tensor &noise,
                             const Wanted &wanted)
{
    std::vector<Tensor> outputs;
    if (wanted.actions != nullptr) {
        const Tensor mean = forward(engine, engine->policy, obs);
        outputs.push_back(noise.defined() ? mean.addcmul(noise, engine->log_std.exp()) : mean);
    }
    if (wanted.log_probs != nullptr) {
        const Tensor z =
            noise.defined() ? noise : obs.new_zeros({obs.size(0), engine->network.action_dim});
        outputs.push_back(log_probability(engine, z, engine->log_std.sum()));
    }
    if (wanted.values != nullptr) {
        outputs.push_back(forward(engine, engine->value, obs));
    }
    for (Tensor &output : outputs) {
        output = output.reshape({-1});
    }
    return outputs;
}

std::vector<float *> list(const Wanted &wanted)
{
    std::vector<float *> arrays;
    for (float *array : {wanted.actions, wanted.log_probs, wanted.values}) {
        if (array != nullptr) {
            arrays.push_back(array);
        }
    }
    return arrays;
}

void act_on_borrowed(const Engine *engine, int64_t n, const float *obs, const float *noise,
                     const Wanted &wanted)
{
    const int64_t obs_dim = engine->network.obs_dim, action_dim = engine->network.action_dim;
    const Tensor seen = borrow(obs, n * obs_dim).view({n, obs_dim});
    Tensor random;
    if (noise != nullptr) {
        random = borrow(noise, n * action_dim).view({n, action_dim});
    }
    const std::vector<Tensor> outputs = evaluate(engine, seen, random, wanted);
    const std::vector<float *> arrays = list(wanted);
    for (size_t i = 0; i < outputs.size(); i++) {
        borrow(arrays[i], outputs[i].numel()).copy_(outputs[i]);
    }
}

/* Packed observations and noise to the device; both may be recorded as views. */
void bring(Engine *engine, int64_t n, const float *obs, const float *noise)
{
    const Exchange &exchange = engine->exchange;
    const int64_t n_obs = n * engine->network.obs_dim;
    const int64_t n_noise = noise == nullptr ? 0 : n * engine->network.action_dim;
    float *staging = exchange.host_inputs.data_ptr<float>();
    memcpy(staging, obs, static_cast<size_t>(n_obs) * sizeof(float));
    if (noise != nullptr) {
        memcpy(staging + n_obs, noise, static_cast<size_t>(n_noise) * sizeof(float));
    }
    exchange.inputs.narrow(0, 0, n_obs + n_noise)
        .copy_(exchange.host_inputs.narrow(0, 0, n_obs + n_noise), true);
}

/* Waits for the device, so that the memory on this side is free again. */
void fetch(Engine *engine, int64_t n, const Wanted &wanted)
{
    const Exchange &exchange = engine->exchange;
    const int64_t widths[] = {wanted.actions == nullptr ? 0 : engine->network.action_dim,
                              wanted.log_probs != nullptr, wanted.values != nullptr};
    const int64_t count = n * (widths[0] + widths[1] + widths[2]);
    exchange.host_outputs.narrow(0, 0, count).copy_(exchange.outputs.narrow(0, 0, count));
    const float *next = exchange.host_outputs.data_ptr<float>();
    size_t k = 0;
    for (float *array : {wanted.actions, wanted.log_probs, wanted.values}) {
        const int64_t values = n * widths[k++];
        if (array != nullptr) {
            memcpy(array, next, static_cast<size_t>(values) * sizeof(float));
            next += values;
        }
    }
}

/* One copy each way. A rollout's step is recorded; what is asked for now and then is not. */
void act_on_resident(Engine *engine, int64_t n, const float *obs, const float *noise,
                     const Wanted &wanted)
{
    const int64_t obs_dim = engine->network.obs_dim, action_dim = engine->network.action_dim;
    const auto work = [&] {
        const Tensor seen = engine->exchange.inputs.narrow(0, 0, n * obs_dim).view({n, obs_dim});
        Tensor random;
        if (noise != nullptr) {
            random = engine->exchange.inputs.narrow(0, n * obs_dim, n * action_dim)
                         .view({n, action_dim});
        }
        const Tensor packed = at::cat(evaluate(engine, seen, random, wanted));
        engine->exchange.outputs.narrow(0, 0, packed.numel()).copy_(packed);
    };
    bring(engine, n, obs, noise);
    if (noise != nullptr && wanted.log_probs != nullptr && wanted.values != nullptr) {
        engine->graphs.run({Recipe::Work::act, n, {}}, work);
    } else {
        work();
    }
    fetch(engine, n, wanted);
}

} // namespace

void prepare_act(Engine *engine)
{
    if (!engine->resident) {
        return;
    }
    const int64_t action_dim = engine->network.action_dim;
    const int64_t inputs = engine->max_rows * (engine->network.obs_dim + action_dim);
    const int64_t outputs = engine->max_rows * (action_dim + 2);
    engine->exchange.host_inputs = host_tensor(*engine, inputs);
    engine->exchange.inputs = at::zeros({inputs}, on_device(*engine));
    engine->exchange.host_outputs = host_tensor(*engine, outputs);
    engine->exchange.outputs = at::zeros({outputs}, on_device(*engine));
}

void act(Engine *engine, int64_t n, const float *obs, const float *noise, const Wanted &wanted)
{
    if (engine->resident) {
        act_on_resident(engine, n, obs, noise, wanted);
    } else {
        act_on_borrowed(engine, n, obs, noise, wanted);
    }
}

} // namespace aft_torch
