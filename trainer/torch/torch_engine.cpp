/*
 * The torch engine: the engine interface over libtorch, on CUDA or on the CPU,
 * where it is the reference that the native engine is checked against. Loss and
 * gradient are libtorch's (autograd); parameters, moments and gradient are one
 * flat vector each, so that Adam is a few operations whatever the network.
 *
 * This file is the boundary: exceptions end at guarded().
 */
#include "trainer/torch/device.h"
#include "trainer/torch/state.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace aft_torch
{

namespace
{

Engine *engine_of(void *self)
{
    return static_cast<Engine *>(self);
}

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

/* For tests: the CPU takes CUDA's way through all of it but what only CUDA has. */
bool asked_to_be_resident()
{
    const char *asked = getenv("AFTERSHOCK_TORCH_RESIDENT");
    return asked != nullptr && strcmp(asked, "1") == 0;
}

/* The device is known: everything on it. */
void set_up(Engine *engine, const struct aft_engine_config *config)
{
    engine->network = config->network;
    engine->max_rows = config->max_rows;
    engine->max_batch = config->max_batch;
    engine->resident = engine->device.is_cuda() || asked_to_be_resident();
    if (engine->device.is_cuda()) {
        const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
        engine->stream = cuda.getStreamFromGlobalPool(engine->device);
        engine->graphs.enable();
    }
    /* changes nothing on the CPU of today's libtorch, and must not on tomorrow's */
    at::globalContext().setAllowTF32CuBLAS(config->tf32 && engine->device.is_cuda());
    const Working working(*engine);
    create_network(engine);
    prepare_act(engine);
    prepare_updates(engine);
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
            prepare_process();
            auto engine = std::make_unique<Engine>();
            code = choose_device(&engine->device, config->device, error);
            if (code == AFT_OK) {
                set_up(engine.get(), config);
                *self = engine.release();
            }
            return code;
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
            if (code == AFT_OK) {
                const Working working(*engine);
                act(engine, n, obs, noise, {actions, log_probs, values});
            }
            return code;
        });
}

enum aft_code engine_values(void *self, int, int n, const float *obs, float *values,
                            struct aft_error *error)
{
    return guarded(
        "predict values with torch", error, [&]() -> enum aft_code {
            Engine *engine = engine_of(self);
            const enum aft_code code = check_rows("predict values", n, engine->max_rows, error);
            if (code == AFT_OK) {
                const Working working(*engine);
                act(engine, n, obs, nullptr, {nullptr, nullptr, values});
            }
            return code;
        });
}

enum aft_code engine_load_samples(void *self, const struct aft_samples *samples,
                                  struct aft_error *error)
{
    return guarded("load samples into torch", error, [&] {
        Engine *engine = engine_of(self);
        const Working working(*engine);
        load_samples(engine, samples);
        return AFT_OK;
    });
}

enum aft_code engine_update(void *self, const struct aft_minibatches *minibatches,
                            const struct aft_update_config *config, struct aft_update_stats *stats,
                            int *done, struct aft_error *error)
{
    *done = 0;
    return guarded(
        "update with torch", error, [&]() -> enum aft_code {
            Engine *engine = engine_of(self);
            const enum aft_code code =
                check_rows("update", minibatches->batch_size, engine->max_batch, error);
            if (code != AFT_OK) {
                return code;
            }
            const Working working(*engine);
            return update(engine, minibatches, config, stats, done, error);
        });
}

enum aft_code engine_gradient(void *self, float *gradient, struct aft_error *error)
{
    return guarded("export torch gradient", error, [&] {
        const Engine *engine = engine_of(self);
        const Working working(*engine);
        borrow(gradient, engine->gradient.numel()).copy_(engine->gradient);
        return AFT_OK;
    });
}

enum aft_code engine_export_state(void *self, struct aft_engine_state *state,
                                  struct aft_error *error)
{
    return guarded("export torch state", error, [&] {
        const Engine *engine = engine_of(self);
        const Working working(*engine);
        const int64_t count = engine->gradient.numel();
        borrow(state->parameters, count).copy_(engine->now.parameters);
        borrow(state->adam_m, count).copy_(engine->now.adam_m);
        borrow(state->adam_v, count).copy_(engine->now.adam_v);
        state->adam_step = engine->adam_step;
        return AFT_OK;
    });
}

enum aft_code engine_import_state(void *self, const struct aft_engine_state *state,
                                  struct aft_error *error)
{
    return guarded("import torch state", error, [&] {
        Engine *engine = engine_of(self);
        const Working working(*engine);
        const int64_t count = engine->gradient.numel();
        engine->now.parameters.copy_(borrow(state->parameters, count));
        engine->now.adam_m.copy_(borrow(state->adam_m, count));
        engine->now.adam_v.copy_(borrow(state->adam_v, count));
        engine->adam_step = state->adam_step;
        return AFT_OK;
    });
}

void engine_describe(void *self, char *text, size_t size)
{
    (void)snprintf(text, size, "torch %s", TORCH_VERSION);
    (void)guarded("describe torch engine", nullptr, [&] {
        const Engine *engine = engine_of(self);
        if (engine->device.is_cuda()) {
            (void)snprintf(text, size, "torch %s, %s %s, %s%s", TORCH_VERSION,
                           engine->device.str().c_str(), cuda_name(engine->device.index()).c_str(),
                           engine->graphs.state().c_str(),
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

} // namespace aft_torch

extern "C" __attribute__((visibility("default"))) const struct aft_engine_interface *
aft_engine_module(void)
{
    return &aft_torch::interface;
}
