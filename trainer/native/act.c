/* The engine's forward passes: sampled actions, their log probabilities, values. */
#include "trainer/native/denormals.h"
#include "trainer/native/native.h"

#include <math.h>
#include <stdint.h>

/* A block of rows; arrays are NULL where they are not asked for. */
struct act_block {
    int rows;
    const float *obs, *noise;
    float *actions, *log_probs, *values;
};

/* actions = mean + exp(log_std) noise, [rows][action_dim], of means [action_dim][stride] */
static void sample(const struct aft_native *engine, const struct act_block *block,
                   const struct aft_mlp_rows *at)
{
    int n_actions = engine->config.network.action_dim;
    const float *log_std = &engine->parameters[engine->net[AFT_NATIVE_POLICY].mlp.log_std];
    for (int k = 0; k < n_actions; k++) {
        const float *mean = &at->out[(size_t)k * at->out_stride];
        float std = expf(log_std[k]);
        for (int i = 0; i < block->rows; i++) {
            int to = i * n_actions + k;
            block->actions[to] = block->noise == NULL ? mean[i] : mean[i] + std * block->noise[to];
        }
    }
}

/* log N(actions; mean, exp(log_std)), summed over the action */
static void evaluate(const struct aft_native *engine, const struct act_block *block,
                     const struct aft_mlp_rows *at)
{
    const float half_log_two_pi = 0.918938533204672742f;
    int n_actions = engine->config.network.action_dim;
    const float *log_std = &engine->parameters[engine->net[AFT_NATIVE_POLICY].mlp.log_std];
    for (int k = 0; k < n_actions; k++) {
        const float *mean = &at->out[(size_t)k * at->out_stride];
        float inverse_std = expf(-log_std[k]);
        for (int i = 0; i < block->rows; i++) {
            float z = (block->actions[i * n_actions + k] - mean[i]) * inverse_std;
            float term = -0.5f * (z * z) - (log_std[k] + half_log_two_pi);
            block->log_probs[i] = k == 0 ? term : block->log_probs[i] + term;
        }
    }
}

static void act_on_block(struct aft_native *engine, struct aft_mlp_rows *at,
                         const struct act_block *block)
{
    at->x = (float *)(uintptr_t)block->obs; /* only read */
    if (block->actions != NULL) {
        aft_mlp_forward(&engine->net[AFT_NATIVE_POLICY].mlp, engine->parameters, block->rows, at);
        sample(engine, block, at);
        if (block->log_probs != NULL) {
            evaluate(engine, block, at);
        }
    }
    if (block->values != NULL) {
        struct aft_mlp_rows to = *at;
        to.out = block->values;
        aft_mlp_forward(&engine->net[AFT_NATIVE_VALUE].mlp, engine->parameters, block->rows, &to);
    }
}

static float *moved(float *array, size_t by)
{
    return array == NULL ? NULL : array + by;
}

/* NOLINTNEXTLINE(readability-function-size): the interface's parameters */
enum aft_code aft_native_act(void *self, int slot, int n, const float *obs, const float *noise,
                             float *actions, float *log_probs, float *values,
                             struct aft_error *error)
{
    struct aft_native *engine = self;
    if (slot < 0 || slot >= engine->config.act_slots || n < 0 || n > engine->config.max_rows) {
        return aft_fail(error, AFT_ERR_USAGE, "act: slot %d with %d rows, of %d with %d", slot, n,
                        engine->config.act_slots, engine->config.max_rows);
    }
    unsigned mode = aft_flush_denormals();
    size_t n_actions = (size_t)engine->config.network.action_dim;
    for (int first = 0; first < n; first += engine->block_rows) {
        size_t at = (size_t)first;
        const struct act_block block = {
            .rows = n - first < engine->block_rows ? n - first : engine->block_rows,
            .obs = obs + at * (size_t)engine->config.network.obs_dim,
            .noise = noise == NULL ? NULL : noise + at * n_actions,
            .actions = moved(actions, at * n_actions),
            .log_probs = moved(log_probs, at),
            .values = moved(values, at),
        };
        act_on_block(engine, &engine->act_work[slot].rows, &block);
    }
    aft_restore_denormals(mode);
    return AFT_OK;
}

enum aft_code aft_native_values(void *self, int slot, int n, const float *obs, float *values,
                                struct aft_error *error)
{
    return aft_native_act(self, slot, n, obs, NULL, NULL, NULL, values, error);
}
