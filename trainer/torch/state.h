/* What a torch engine holds, and the tensors that its parts work on. */
#ifndef AFT_TRAINER_TORCH_STATE_H
#define AFT_TRAINER_TORCH_STATE_H

#include "trainer/torch/c_engine.h"
#include "trainer/torch/graphs.h"
#include "trainer/torch/libtorch.h"

#include <optional>

namespace aft_torch
{

using at::Tensor;

struct Layer {
    Tensor weight, bias; /* [out][in], [out] */
};

struct Perceptron {
    std::vector<Layer> hidden;
    Layer output;
};

/* What Adam changes: three flat vectors of all parameters, one after the other. */
struct Vectors {
    Tensor all;
    Tensor parameters, adam_m, adam_v; /* views into it */
};

/* The rollout that updates are made on. */
struct Samples {
    struct aft_samples host = {}; /* the caller's, borrowed */

    /* With resident storage: one block that stays where it is, a copy of the caller's. */
    int64_t capacity = 0;
    Tensor staging, block;
    Tensor obs, actions; /* [capacity][…] */
    Tensor columns;      /* [4][capacity]: log_probs, values, advantages, returns */
};

/* Where a minibatch's work reads and writes. */
struct Scratch {
    Tensor row;     /* int32: what changes from minibatch to minibatch, see update.cpp */
    Tensor scalars; /* its beginning, as floats */
    Tensor fresh;   /* this minibatch's gradient: with resident storage other memory, else it */
    Tensor scaled, denominator;
    Tensor going; /* bool: nothing has stopped this call's updates yet */
    Tensor stats;
    std::vector<float> gathered;

    /* With resident storage: all rows and stats of a call, on either side. */
    Tensor host_rows, rows, host_stats, all_stats;
};

/* One packed copy each way for act and values. */
struct Exchange {
    Tensor host_inputs, inputs, host_outputs, outputs;
};

struct Engine {
    struct aft_network network = {};
    int64_t max_rows = 0, max_batch = 0;
    at::Device device = at::kCPU;

    /* Samples are kept on the device and a call's decisions are taken there, without
     * waiting for any of them: so on CUDA, and on the CPU where a test asks for it. */
    bool resident = false;
    std::optional<c10::Stream> stream; /* CUDA's: all work goes there */
    Graphs graphs;

    Vectors now;
    Vectors next; /* where Adam works: with resident storage other memory, else now itself */
    Tensor gradient;
    int64_t adam_step = 0;

    /* views into the parameters, in the flat vector's order; they require gradients */
    std::vector<Tensor> leaves;
    Tensor log_std;
    Perceptron policy, value;

    Samples samples;
    Scratch scratch;
    Exchange exchange;
};

/* For the length of a call: no gradients are recorded, and CUDA's work goes to the engine's stream.
 */
class Working
{
  public:
    explicit Working(const Engine &engine)
    {
        if (engine.stream) {
            guard_.reset_stream(*engine.stream);
        }
    }

  private:
    const c10::NoGradGuard no_gradients_;
    c10::OptionalStreamGuard guard_;
};

/* A caller's array, for the length of the call. */
inline Tensor borrow(const float *data, int64_t count)
{
    return at::from_blob(const_cast<float *>(data), {count}, at::kFloat);
}

inline at::TensorOptions on_device(const Engine &engine, at::ScalarType type = at::kFloat)
{
    return at::TensorOptions().dtype(type).device(engine.device);
}

/* Memory that CUDA copies from and to without waiting. */
inline Tensor host_tensor(const Engine &engine, int64_t count, at::ScalarType type = at::kFloat)
{
    const Tensor plain = at::zeros({count}, type);
    return engine.device.is_cuda() ? plain.pin_memory() : plain;
}

/* What the caller wants of the network; NULL: not wanted. */
struct Wanted {
    float *actions, *log_probs, *values;
};

/* samples.cpp */
struct Minibatch {
    Tensor obs, actions, log_probs, values, advantages, returns;
};
void load_samples(Engine *engine, const struct aft_samples *samples);
/* The n samples whose numbers are given: on the host, or on the device. */
Minibatch gather(Engine *engine, const Tensor &order);

/* network.cpp */
void create_network(Engine *engine);
Tensor forward(const Engine *engine, const Perceptron &net, Tensor x);
/* [n]: of actions that are z standard deviations from the mean, [n][action_dim] */
Tensor log_probability(const Engine *engine, const Tensor &z, const Tensor &log_std_sum);

/* act.cpp; noise may be NULL */
void prepare_act(Engine *engine);
void act(Engine *engine, int64_t n, const float *obs, const float *noise, const Wanted &wanted);

/* update.cpp */
void prepare_updates(Engine *engine);
enum aft_code update(Engine *engine, const struct aft_minibatches *minibatches,
                     const struct aft_update_config *config, struct aft_update_stats *stats,
                     int *done, struct aft_error *error);

} // namespace aft_torch

#endif
