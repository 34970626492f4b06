/* The two perceptrons, as views into one flat vector. */
#include "trainer/torch/state.h"

namespace aft_torch
{

namespace
{

constexpr double log_two_pi = 1.8378770664093454836;

/* Cuts the next tensor off the flat vector: a leaf of autograd in its storage. */
Tensor next_leaf(Engine *engine, int64_t *offset, const std::vector<int64_t> &shape)
{
    const int64_t count = c10::multiply_integers(shape);
    Tensor leaf = engine->now.parameters.narrow(0, *offset, count).view(shape).detach();
    leaf.set_requires_grad(true);
    engine->leaves.push_back(leaf);
    *offset += count;
    return leaf;
}

Layer next_layer(Engine *engine, int64_t *offset, int64_t out, int64_t in)
{
    Layer layer;
    layer.weight = next_leaf(engine, offset, {out, in});
    layer.bias = next_leaf(engine, offset, {out});
    return layer;
}

int64_t count_parameters(const struct aft_network *network)
{
    int64_t in = network->obs_dim;
    int64_t count = 0;
    for (int i = 0; i < network->n_hidden; i++) {
        count += int64_t{2} * (in + 1) * network->hidden[i];
        in = network->hidden[i];
    }
    return count + network->action_dim + (network->action_dim + 1) * (in + 1);
}

/* Each begins where vector instructions and kernels like it best. */
Vectors make_vectors(const Engine *engine, int64_t count)
{
    const int64_t stride = (count + 63) / 64 * 64;
    const Tensor all = at::zeros({3 * stride}, on_device(*engine));
    return {all, all.narrow(0, 0, count), all.narrow(0, stride, count),
            all.narrow(0, 2 * stride, count)};
}

/* The views, in the order that trainer/network.h gives. */
void cut_parameters(Engine *engine)
{
    const struct aft_network &network = engine->network;
    int64_t offset = 0;
    int64_t in = network.obs_dim;
    engine->log_std = next_leaf(engine, &offset, {network.action_dim});
    for (Perceptron *net : {&engine->policy, &engine->value}) {
        in = network.obs_dim;
        for (int i = 0; i < network.n_hidden; i++) {
            net->hidden.push_back(next_layer(engine, &offset, network.hidden[i], in));
            in = network.hidden[i];
        }
    }
    engine->policy.output = next_layer(engine, &offset, network.action_dim, in);
    engine->value.output = next_layer(engine, &offset, 1, in);
    TORCH_CHECK(offset == engine->now.parameters.numel(), "network layout does not add up");
}

} // namespace

void create_network(Engine *engine)
{
    const int64_t count = count_parameters(&engine->network);
    engine->now = make_vectors(engine, count);
    engine->next = engine->resident ? make_vectors(engine, count) : engine->now;
    engine->gradient = at::zeros({count}, on_device(*engine));
    cut_parameters(engine);
}

Tensor forward(const Engine *engine, const Perceptron &net, Tensor x)
{
    for (const Layer &layer : net.hidden) {
        x = at::linear(x, layer.weight, layer.bias);
        if (engine->network.activation == AFT_RELU) {
            x.relu_();
        } else {
            x.tanh_();
        }
    }
    return at::linear(x, net.output.weight, net.output.bias);
}

Tensor log_probability(const Engine *engine, const Tensor &z, const Tensor &log_std_sum)
{
    const double constant = 0.5 * log_two_pi * engine->network.action_dim;
    return (log_std_sum + constant).neg().sub(z.square().sum(1), 0.5);
}

} // namespace aft_torch
