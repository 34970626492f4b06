/*
 * The torch engine: the engine interface over libtorch, on CUDA or on the CPU,
 * where it is the reference that the native engine is checked against. Loss and
 * gradient are libtorch's (autograd); parameters, moments and gradient are one
 * flat vector each, so that Adam is a few operations whatever the network.
 *
 * The only file that includes torch headers, and the only C++: exceptions end
 * at guarded(). It keeps to what libtorch 1.13 and 2.x share.
 */
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <dlfcn.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/accumulate.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/version.h>

/* C headers may name a function like a struct; in C++ that hides a constructor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "trainer/engine.h"
}
#pragma GCC diagnostic pop

namespace
{

using at::Tensor;

constexpr double log_two_pi = 1.8378770664093454836;

struct Layer {
    Tensor weight, bias; /* [out][in], [out] */
};

struct Perceptron {
    std::vector<Layer> hidden;
    Layer output;
};

/* A caller's array, [rows] where columns is 0, else [rows][columns]. */
struct Array {
    const float *data;
    int64_t rows, columns;
    int64_t count() const
    {
        return rows * (columns == 0 ? 1 : columns);
    }
    std::vector<int64_t> shape() const
    {
        return columns == 0 ? std::vector<int64_t>{rows} : std::vector<int64_t>{rows, columns};
    }
};

struct Result {
    Tensor tensor;
    float *data; /* the caller's; NULL: not wanted */
};

struct Engine {
    struct aft_network network = {};
    int64_t max_rows = 0, max_batch = 0;
    at::Device device = at::kCPU;

    /* flat vectors of all parameters, on the device */
    Tensor parameters, adam_m, adam_v, gradient, scratch;
    int64_t adam_step = 0;

    /* views into parameters, in the flat vector's order; they require gradients */
    std::vector<Tensor> leaves;
    Tensor log_std;
    Perceptron policy, value;

    struct aft_samples loaded = {}; /* the caller's */
    std::vector<float> gathered;    /* one minibatch of them */

    /* CUDA only: one copy each way per call goes through pinned memory */
    Tensor host_staging, device_staging, host_results;
};

Engine *engine_of(void *self)
{
    return static_cast<Engine *>(self);
}

/* ---- errors ---- */

enum aft_code failed(const char *operation, const std::string &cause, struct aft_error *error)
{
    const std::string line = cause.substr(0, cause.find('\n'));
    return aft_fail(error, AFT_ERR_ENGINE, "%s: %s", operation, line.c_str());
}

/* Runs body, which returns an aft_code: nothing that it throws escapes. */
template <typename Body>
enum aft_code guarded(const char *operation, struct aft_error *error, Body body) noexcept
{
    try {
        try {
            return body();
        } catch (const c10::Error &e) {
            return failed(operation, e.what_without_backtrace(), error);
        } catch (const std::bad_alloc &) {
            return aft_fail(error, AFT_ERR_MEMORY, "%s: out of memory", operation);
        } catch (const std::exception &e) {
            return failed(operation, e.what(), error);
        }
    } catch (...) { /* not a std::exception, or the handlers above had no memory */
        return aft_fail(error, AFT_ERR_ENGINE, "%s: unknown exception", operation);
    }
}

/* ---- devices ---- */

/* One thread: results must not depend on the number of cores, and more threads
 * make small networks slower. BLAS is asked too, since it may have its own. */
void hold_to_one_thread()
{
    at::set_num_threads(1);
    if (at::get_num_interop_threads() != 1) {
        try {
            at::set_num_interop_threads(1);
        } catch (const c10::Error &) { /* already started: nothing here uses them */
        }
    }
    if (void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
        reinterpret_cast<void (*)(int)>(found)(1);
    }
}

/* The same bits on every run, and products in full single precision unless
 * AFT_TORCH_TF32=1 trades that for speed. Must come before CUDA's first use. */
void make_deterministic()
{
    (void)setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    const char *tf32 = getenv("AFT_TORCH_TF32");
    at::Context &context = at::globalContext();
    context.setDeterministicAlgorithms(true, false);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    context.setDeterministicFillUninitializedMemory(false); /* a kernel for every at::empty */
#endif
    context.setAllowTF32CuBLAS(tf32 != nullptr && strcmp(tf32, "1") == 0);
}

/* Whether kernels run there; a driver without a device, or a device that this
 * libtorch has no kernels for, is found out here and not in the first update. */
bool cuda_usable(int64_t index, std::string *cause)
{
    try {
        if (!torch::cuda::is_available() ||
            index >= static_cast<int64_t>(torch::cuda::device_count())) {
            *cause = "no CUDA device";
            return false;
        }
        const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
        if (at::ones({1}, at::TensorOptions().device(device)).add(1.0).item<float>() == 2.0F) {
            return true;
        }
        *cause = "CUDA device computes wrongly";
    } catch (const c10::Error &e) {
        *cause = std::string("no usable CUDA device: ") + e.what_without_backtrace();
        cause->resize(std::min(cause->size(), cause->find('\n')));
    }
    return false;
}

/* "cuda" or "cuda:N" to N; false for anything else */
bool cuda_index(const char *name, int64_t *index)
{
    *index = 0;
    if (strcmp(name, "cuda") == 0) {
        return true;
    }
    if (strncmp(name, "cuda:", 5) != 0 || name[5] < '0' || name[5] > '9') {
        return false;
    }
    char *end = nullptr;
    const long number = strtol(name + 5, &end, 10);
    *index = number;
    return *end == '\0' && number <= std::numeric_limits<c10::DeviceIndex>::max();
}

enum aft_code choose_device(at::Device *device, const char *name, struct aft_error *error)
{
    int64_t index = 0;
    const bool any = name == nullptr || strcmp(name, "auto") == 0;
    if (!any && strcmp(name, "cpu") == 0) {
        *device = at::Device(at::kCPU);
        return AFT_OK;
    }
    if (!any && !cuda_index(name, &index)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "open torch device '%s': expected auto, cpu, cuda or cuda:N", name);
    }
    std::string cause;
    if (cuda_usable(index, &cause)) {
        *device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    } else if (any) {
        *device = at::Device(at::kCPU);
    } else {
        return aft_fail(error, AFT_ERR_MISSING, "open torch device '%s': %s", name, cause.c_str());
    }
    return AFT_OK;
}

/* The model's name by the driver's library, which libtorch has loaded: its C
 * interface needs no CUDA headers. The driver numbers devices as libtorch does. */
std::string cuda_name(int index)
{
    char name[128] = "";
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (driver != nullptr) {
        const auto get = reinterpret_cast<int (*)(int *, int)>(dlsym(driver, "cuDeviceGet"));
        const auto get_name =
            reinterpret_cast<int (*)(char *, int, int)>(dlsym(driver, "cuDeviceGetName"));
        int handle = 0;
        if (get == nullptr || get_name == nullptr || get(&handle, index) != 0 ||
            get_name(name, sizeof name, handle) != 0) {
            name[0] = '\0';
        }
        dlclose(driver);
    }
    return name;
}

/* ---- state ---- */

/* Cuts the next tensor off the flat vector: a leaf of autograd in its storage. */
Tensor next_leaf(Engine *engine, int64_t *offset, std::vector<int64_t> shape)
{
    const int64_t count = c10::multiply_integers(shape);
    Tensor leaf = engine->parameters.narrow(0, *offset, count).view(shape).detach();
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
    TORCH_CHECK(offset == engine->parameters.numel(), "network layout does not add up");
}

void allocate(Engine *engine)
{
    const auto there = at::TensorOptions().dtype(at::kFloat).device(engine->device);
    const int64_t count = count_parameters(&engine->network);
    for (Tensor *flat : {&engine->parameters, &engine->adam_m, &engine->adam_v, &engine->gradient,
                         &engine->scratch}) {
        *flat = at::zeros({count}, there);
    }
    if (!engine->device.is_cuda()) {
        return;
    }
    const int64_t wide = engine->network.obs_dim + engine->network.action_dim;
    const int64_t inputs = std::max(engine->max_batch * (wide + 4), engine->max_rows * wide);
    const int64_t outputs = engine->max_rows * (engine->network.action_dim + 2);
    engine->host_staging = at::zeros({inputs}, at::kFloat).pin_memory();
    engine->device_staging = at::zeros({inputs}, there);
    engine->host_results = at::zeros({outputs}, at::kFloat).pin_memory();
}

Tensor borrow(const float *data, int64_t count)
{
    return at::from_blob(const_cast<float *>(data), {count}, at::kFloat);
}

/* The caller's arrays as tensors on the device, valid during this call: borrowed
 * on the CPU, packed into one copy on CUDA. The staging memory is free again
 * because every call that fills it waits for the device before it returns. */
std::vector<Tensor> bring(Engine *engine, std::initializer_list<Array> arrays)
{
    std::vector<Tensor> tensors;
    if (!engine->device.is_cuda()) {
        for (const Array &array : arrays) {
            tensors.push_back(borrow(array.data, array.count()).view(array.shape()));
        }
        return tensors;
    }
    float *staging = engine->host_staging.data_ptr<float>();
    int64_t offset = 0;
    for (const Array &array : arrays) {
        memcpy(staging + offset, array.data, static_cast<size_t>(array.count()) * sizeof(float));
        tensors.push_back(
            engine->device_staging.narrow(0, offset, array.count()).view(array.shape()));
        offset += array.count();
    }
    engine->device_staging.narrow(0, 0, offset)
        .copy_(engine->host_staging.narrow(0, 0, offset), true);
    return tensors;
}

/* Copies results to the caller; one copy and one wait on CUDA. */
void deliver(Engine *engine, std::initializer_list<Result> results)
{
    std::vector<Tensor> wanted;
    for (const Result &result : results) {
        if (result.data == nullptr) {
            continue;
        }
        if (engine->device.is_cuda()) {
            wanted.push_back(result.tensor.reshape({-1}));
        } else {
            borrow(result.data, result.tensor.numel()).copy_(result.tensor.reshape({-1}));
        }
    }
    if (wanted.empty()) {
        return;
    }
    const Tensor packed = at::cat(wanted);
    const Tensor host = engine->host_results.narrow(0, 0, packed.numel());
    host.copy_(packed);
    const float *next = host.data_ptr<float>();
    for (const Result &result : results) {
        if (result.data != nullptr) {
            const size_t count = static_cast<size_t>(result.tensor.numel());
            memcpy(result.data, next, count * sizeof(float));
            next += count;
        }
    }
}

/* ---- network and loss ---- */

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

/* log probability of actions that are z standard deviations from the mean */
Tensor log_probability(const Engine *engine, const Tensor &z)
{
    const double constant = -0.5 * log_two_pi * engine->network.action_dim;
    return z.square().sum(1).mul(-0.5) - engine->log_std.sum() + constant;
}

struct Loss {
    Tensor total;
    Tensor stats; /* policy, value, entropy and total loss, approx_kl, clip_fraction */
};

/* Stable-Baselines3's definitions; see struct aft_update_stats. */
Loss ppo_loss(Engine *engine, const struct aft_samples *minibatch,
              const struct aft_update_config *config)
{
    const int64_t n = minibatch->n;
    const std::vector<Tensor> batch =
        bring(engine, {Array{minibatch->obs, n, engine->network.obs_dim},
                       Array{minibatch->actions, n, engine->network.action_dim},
                       Array{minibatch->log_probs, n, 0}, Array{minibatch->values, n, 0},
                       Array{minibatch->advantages, n, 0}, Array{minibatch->returns, n, 0}});
    const Tensor &obs = batch[0], &actions = batch[1], &old_log_probs = batch[2];
    const Tensor &old_values = batch[3], &returns = batch[5];
    Tensor advantages = batch[4];
    if (config->normalize_advantage && n > 1) {
        advantages = (advantages - advantages.mean()) / (advantages.std(true) + 1e-8);
    }

    const Tensor z = (actions - forward(engine, engine->policy, obs)) * engine->log_std.neg().exp();
    const Tensor log_ratio = log_probability(engine, z) - old_log_probs;
    const Tensor ratio = log_ratio.exp();
    const double clip = config->clip_range;
    const Tensor policy_loss =
        at::minimum(advantages * ratio, advantages * ratio.clamp(1.0 - clip, 1.0 + clip))
            .mean()
            .neg();

    Tensor values = forward(engine, engine->value, obs).view({n});
    if (config->clip_range_vf > 0.0F) {
        const double limit = config->clip_range_vf;
        values = old_values + (values - old_values).clamp(-limit, limit);
    }
    const Tensor value_loss = (values - returns).square().mean();

    const double entropy_constant = 0.5 * (1.0 + log_two_pi) * engine->network.action_dim;
    const Tensor entropy_loss = (engine->log_std.sum() + entropy_constant).neg();

    Loss loss;
    loss.total = policy_loss + entropy_loss * static_cast<double>(config->ent_coef) +
                 value_loss * static_cast<double>(config->vf_coef);
    const c10::NoGradGuard no_grad;
    const Tensor off = ratio - 1.0;
    loss.stats = at::stack({policy_loss, value_loss, entropy_loss, loss.total,
                            (off - log_ratio).mean(), off.abs().gt(clip).to(at::kFloat).mean()});
    return loss;
}

/* Adam (Kingma & Ba 2015) in torch.optim.Adam's form; clip scales the gradient. */
void adam(Engine *engine, const struct aft_update_config *config, double clip)
{
    const double beta1 = config->adam_beta1;
    const double beta2 = config->adam_beta2;
    const double step = static_cast<double>(engine->adam_step + 1);
    const double correction1 = 1.0 - std::pow(beta1, step);
    const double correction2 = 1.0 - std::pow(beta2, step);
    const Tensor &g = engine->gradient;

    engine->adam_m.mul_(beta1).add_(g, (1.0 - beta1) * clip);
    engine->adam_v.mul_(beta2).addcmul_(g, g, (1.0 - beta2) * clip * clip);
    at::sqrt_out(engine->scratch, engine->adam_v)
        .mul_(1.0 / std::sqrt(correction2))
        .add_(static_cast<double>(config->adam_eps));
    engine->parameters.addcdiv_(engine->adam_m, engine->scratch,
                                -static_cast<double>(config->learning_rate) / correction1);
    engine->adam_step++;
}

/* ---- the interface ---- */

enum aft_code check_rows(const char *what, int64_t n, int64_t limit, struct aft_error *error)
{
    if (n < 1 || n > limit) {
        return aft_fail(error, AFT_ERR_USAGE, "%s with torch: %lld rows, expected 1 to %lld", what,
                        static_cast<long long>(n), static_cast<long long>(limit));
    }
    return AFT_OK;
}

enum aft_code check_network(const struct aft_network *network, struct aft_error *error)
{
    bool good = network->obs_dim > 0 && network->action_dim > 0 && network->n_hidden >= 0 &&
                network->n_hidden <= AFT_NETWORK_MAX_HIDDEN;
    for (int i = 0; good && i < network->n_hidden; i++) {
        good = network->hidden[i] > 0;
    }
    return good
               ? AFT_OK
               : aft_fail(error, AFT_ERR_USAGE, "create torch engine: a dimension is not positive");
}

enum aft_code engine_create(void **self, const struct aft_engine_config *config,
                            struct aft_error *error)
{
    *self = nullptr;
    return guarded(
        "create torch engine", error, [&]() -> enum aft_code {
            enum aft_code code = check_network(&config->network, error);
            if (code != AFT_OK) {
                return code;
            }
            hold_to_one_thread();
            make_deterministic();
            const c10::NoGradGuard no_grad;
            auto engine = std::make_unique<Engine>();
            code = choose_device(&engine->device, config->device, error);
            if (code != AFT_OK) {
                return code;
            }
            engine->network = config->network;
            engine->max_rows = config->max_rows;
            engine->max_batch = config->max_batch;
            allocate(engine.get());
            cut_parameters(engine.get());
            *self = engine.release();
            return AFT_OK;
        });
}

void engine_destroy(void *self)
{
    (void)guarded("destroy torch engine", nullptr, [&] {
        delete engine_of(self);
        return AFT_OK;
    });
}

bool engine_concurrent(const void *)
{
    return false;
}

enum aft_code engine_act(void *self, int, int n, const float *obs, const float *noise,
                         float *actions, float *log_probs, float *values, struct aft_error *error)
{
    return guarded(
        "act with torch", error, [&]() -> enum aft_code {
            Engine *engine = engine_of(self);
            const enum aft_code code = check_rows("act", n, engine->max_rows, error);
            if (code != AFT_OK) {
                return code;
            }
            const c10::NoGradGuard no_grad;
            const int64_t dims = engine->network.action_dim;
            const Array seen{obs, n, engine->network.obs_dim};
            std::vector<Tensor> inputs = noise == nullptr
                                             ? bring(engine, {seen})
                                             : bring(engine, {seen, Array{noise, n, dims}});
            const Tensor mean = forward(engine, engine->policy, inputs[0]);
            const Tensor z = noise == nullptr ? at::zeros_like(mean) : inputs[1];
            Tensor log_prob, value;
            if (log_probs != nullptr) {
                log_prob = log_probability(engine, z);
            }
            if (values != nullptr) {
                value = forward(engine, engine->value, inputs[0]);
            }
            const Tensor action = noise == nullptr ? mean : mean + z * engine->log_std.exp();
            deliver(engine, {{action, actions}, {log_prob, log_probs}, {value, values}});
            return AFT_OK;
        });
}

enum aft_code engine_values(void *self, int, int n, const float *obs, float *values,
                            struct aft_error *error)
{
    return guarded(
        "predict values with torch", error, [&]() -> enum aft_code {
            Engine *engine = engine_of(self);
            const enum aft_code code = check_rows("predict values", n, engine->max_rows, error);
            if (code != AFT_OK) {
                return code;
            }
            const c10::NoGradGuard no_grad;
            const std::vector<Tensor> inputs =
                bring(engine, {Array{obs, n, engine->network.obs_dim}});
            deliver(engine, {{forward(engine, engine->value, inputs[0]), values}});
            return AFT_OK;
        });
}

/* Loss and gradient; read[0…6] are Loss's stats and the gradient's norm. The
 * device is waited for once, here: before anything has been updated. */
void differentiate(Engine *engine, const struct aft_samples *minibatch,
                   const struct aft_update_config *config, float read[7])
{
    Loss loss;
    std::vector<Tensor> gradients;
    {
        const c10::AutoGradMode with_grad(true);
        loss = ppo_loss(engine, minibatch, config);
        gradients = torch::autograd::grad({loss.total}, engine->leaves);
    }
    const c10::NoGradGuard no_grad;
    for (Tensor &gradient : gradients) {
        gradient = gradient.reshape({-1});
    }
    at::cat_out(engine->gradient, gradients);
    const Tensor all = at::cat({loss.stats, engine->gradient.norm().view({1})}).to(at::kCPU);
    memcpy(read, all.data_ptr<float>(), 7 * sizeof(float));
}

enum aft_code engine_load_samples(void *self, const struct aft_samples *samples, struct aft_error *)
{
    engine_of(self)->loaded = *samples;
    return AFT_OK;
}

/* Copies the samples that `order` names together. */
struct aft_samples gather(Engine *engine, const uint32_t *order, int n)
{
    const struct aft_samples &from = engine->loaded;
    const auto obs_dim = static_cast<size_t>(engine->network.obs_dim);
    const auto action_dim = static_cast<size_t>(engine->network.action_dim);
    const auto rows = static_cast<size_t>(n);
    engine->gathered.resize(rows * (obs_dim + action_dim + 4));
    float *next = engine->gathered.data();
    const auto pack = [&](const float *column, size_t width) {
        const float *packed = next;
        for (size_t i = 0; i < rows; i++, next += width) {
            memcpy(next, column + order[i] * width, width * sizeof(float));
        }
        return packed;
    };
    struct aft_samples batch = {};
    batch.n = n;
    batch.obs = pack(from.obs, obs_dim);
    batch.actions = pack(from.actions, action_dim);
    batch.log_probs = pack(from.log_probs, 1);
    batch.values = pack(from.values, 1);
    batch.advantages = pack(from.advantages, 1);
    batch.returns = pack(from.returns, 1);
    return batch;
}

enum aft_code update_minibatch(Engine *engine, const struct aft_samples *minibatch,
                               const struct aft_update_config *config,
                               struct aft_update_stats *stats, struct aft_error *error)
{
    float read[7];
    differentiate(engine, minibatch, config, read);
    const double approx_kl = read[4], norm = read[6];
    const bool stopped = config->kl_limit > 0.0F && approx_kl > config->kl_limit;
    *stats = {read[0], read[1], read[2], read[3], approx_kl, read[5], norm, stopped};
    if (!std::isfinite(read[3])) {
        return aft_fail(error, AFT_ERR_NUMERIC, "update with torch: loss is not finite");
    }
    if (stopped) {
        return AFT_OK;
    }
    if (!std::isfinite(norm)) {
        return aft_fail(error, AFT_ERR_NUMERIC, "update with torch: gradient is not finite");
    }
    const c10::NoGradGuard no_grad;
    const double limit = config->max_grad_norm;
    adam(engine, config, limit > 0.0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0);
    return AFT_OK;
}

enum aft_code engine_update(void *self, const struct aft_minibatches *minibatches,
                            const struct aft_update_config *config, struct aft_update_stats *stats,
                            int *done, struct aft_error *error)
{
    *done = 0;
    return guarded(
        "update with torch", error, [&]() -> enum aft_code {
            Engine *engine = engine_of(self);
            const int size = minibatches->batch_size;
            enum aft_code code = check_rows("update", size, engine->max_batch, error);
            bool stopped = false;
            for (int first = 0; first < minibatches->n && code == AFT_OK && !stopped;
                 first += size) {
                const struct aft_samples batch = gather(engine, minibatches->order + first,
                                                        std::min(size, minibatches->n - first));
                code = update_minibatch(engine, &batch, config, &stats[*done], error);
                stopped = stats[*done].stopped;
                *done += code == AFT_OK;
            }
            return code;
        });
}

enum aft_code engine_gradient(void *self, float *gradient, struct aft_error *error)
{
    return guarded("export torch gradient", error, [&] {
        const c10::NoGradGuard no_grad;
        const Tensor &flat = engine_of(self)->gradient;
        borrow(gradient, flat.numel()).copy_(flat);
        return AFT_OK;
    });
}

enum aft_code engine_export_state(void *self, struct aft_engine_state *state,
                                  struct aft_error *error)
{
    return guarded("export torch state", error, [&] {
        const c10::NoGradGuard no_grad;
        const Engine *engine = engine_of(self);
        const int64_t count = engine->parameters.numel();
        borrow(state->parameters, count).copy_(engine->parameters);
        borrow(state->adam_m, count).copy_(engine->adam_m);
        borrow(state->adam_v, count).copy_(engine->adam_v);
        state->adam_step = engine->adam_step;
        return AFT_OK;
    });
}

enum aft_code engine_import_state(void *self, const struct aft_engine_state *state,
                                  struct aft_error *error)
{
    return guarded("import torch state", error, [&] {
        const c10::NoGradGuard no_grad;
        Engine *engine = engine_of(self);
        const int64_t count = engine->parameters.numel();
        engine->parameters.copy_(borrow(state->parameters, count));
        engine->adam_m.copy_(borrow(state->adam_m, count));
        engine->adam_v.copy_(borrow(state->adam_v, count));
        engine->adam_step = state->adam_step;
        return AFT_OK;
    });
}

void engine_describe(void *self, char *text, size_t size)
{
    (void)snprintf(text, size, "torch %s", TORCH_VERSION);
    (void)guarded("describe torch engine", nullptr, [&] {
        const at::Device device = engine_of(self)->device;
        if (device.is_cuda()) {
            (void)snprintf(text, size, "torch %s, %s %s%s", TORCH_VERSION, device.str().c_str(),
                           cuda_name(device.index()).c_str(),
                           at::globalContext().allowTF32CuBLAS() ? ", TF32" : "");
        } else {
            (void)snprintf(text, size, "torch %s, cpu", TORCH_VERSION);
        }
        return AFT_OK;
    });
}

const struct aft_engine_interface interface = {
    AFT_ENGINE_INTERFACE_VERSION,
    "torch",
    engine_create,
    engine_destroy,
    engine_concurrent,
    engine_act,
    engine_values,
    engine_load_samples,
    engine_update,
    engine_gradient,
    engine_export_state,
    engine_import_state,
    engine_describe,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const struct aft_engine_interface *
aft_engine_module(void)
{
    return &interface;
}
