/* The native engine: C and OpenBLAS. Life cycle, forward passes, state. */
#include "trainer/native/denormals.h"
#include "trainer/native/loss.h"
#include "trainer/native/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small products are fastest in blocks that stay in the first-level cache and
 * below AFT_MLP_SMALL_PRODUCT; large ones, which OpenBLAS packs, like many rows. */
static int choose_block_rows(const struct aft_network *network)
{
    enum { SMALL_BLOCK = 64, LARGE_BLOCK = 256 };
    long largest = 1, below = network->obs_dim;
    for (int l = 0; l < network->n_hidden; l++) {
        long product = below * network->hidden[l];
        largest = product > largest ? product : largest;
        below = network->hidden[l];
    }
    for (int block = SMALL_BLOCK; block >= SMALL_BLOCK / 2; block /= 2) {
        if (block * largest <= AFT_MLP_SMALL_PRODUCT) {
            return block;
        }
    }
    return LARGE_BLOCK;
}

static size_t tensor_offset(const struct aft_network *network, int index)
{
    struct aft_network_tensor tensor;
    aft_network_tensor(&tensor, network, index);
    return tensor.offset;
}

/* first is the number of the net's first hidden tensor, head that of its head's weight. */
static void lay_out(struct aft_mlp *mlp, const struct aft_native *engine, int first, int head)
{
    const struct aft_network *network = &engine->config.network;
    mlp->blas = &engine->blas;
    mlp->kernels = engine->kernels;
    mlp->activation = network->activation;
    mlp->n_layers = network->n_hidden + 1;
    for (int l = 0; l < mlp->n_layers; l++) {
        struct aft_mlp_layer *layer = &mlp->layer[l];
        int weight = l < network->n_hidden ? first + 2 * l : head;
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, network, weight);
        layer->in = tensor.dims[1];
        layer->out = tensor.dims[0];
        layer->weight = tensor.offset;
        layer->bias = tensor_offset(network, weight + 1);
    }
}

static size_t rounded(size_t count)
{
    enum { LINE = 16 }; /* floats in a cache line */
    return (count + LINE - 1) / LINE * LINE;
}

/* Takes the next count floats of the arena; with base NULL only counts. */
static float *take(float *base, size_t *used, size_t count)
{
    float *at = base == NULL ? NULL : base + *used;
    *used += rounded(count);
    return at;
}

/* Assigns every array; returns the floats needed. Called twice: to count, then to assign. */
static size_t assign_arrays(struct aft_native *engine, float *base)
{
    const struct aft_network *network = &engine->config.network;
    size_t used = 0, widest = 0, rows = (size_t)engine->block_rows;
    engine->stride = rounded(engine->parameter_count);
    engine->parameters = take(base, &used, engine->parameter_count);
    engine->transposed = take(base, &used, engine->parameter_count);
    engine->adam_m = take(base, &used, engine->parameter_count);
    engine->adam_v = take(base, &used, engine->parameter_count);
    engine->gradients = take(base, &used, engine->stride * (size_t)engine->max_shards);
    size_t batch = (size_t)engine->config.max_batch;
    struct aft_native_minibatch *minibatch = &engine->minibatch;
    minibatch->obs = take(base, &used, batch * (size_t)network->obs_dim);
    minibatch->actions = take(base, &used, batch * (size_t)network->action_dim);
    minibatch->log_probs = take(base, &used, batch);
    minibatch->values = take(base, &used, batch);
    minibatch->advantages = take(base, &used, batch);
    minibatch->returns = take(base, &used, batch);
    for (int l = 0; l < network->n_hidden; l++) {
        size_t width = (size_t)network->hidden[l];
        widest = width > widest ? width : widest;
    }
    for (int w = 0; w < engine->n_works; w++) {
        struct aft_native_work *work = &engine->works[w];
        for (int l = 0; l < network->n_hidden; l++) {
            work->mlp.hidden[l] = take(base, &used, rows * (size_t)network->hidden[l]);
        }
        work->mlp.delta[0] = take(base, &used, rows * widest);
        work->mlp.delta[1] = take(base, &used, rows * widest);
        work->out = take(base, &used, rows * (size_t)network->action_dim);
        work->d_out = take(base, &used, rows * (size_t)network->action_dim);
        work->inverse_std = take(base, &used, (size_t)network->action_dim);
    }
    return used;
}

static enum aft_code allocate(struct aft_native *engine, struct aft_error *error)
{
    int threads = aft_thread_pool_threads(engine->config.pool);
    int slots = engine->config.act_slots;
    engine->n_works = threads > slots ? threads : slots;
    engine->works = calloc((size_t)engine->n_works, sizeof *engine->works);
    int n_pieces = aft_native_count_pieces(engine);
    engine->pieces = calloc((size_t)n_pieces, sizeof *engine->pieces);
    engine->piece_squares = calloc((size_t)n_pieces, sizeof *engine->piece_squares);
    int least = aft_native_shard_rows(engine, 1);
    engine->max_shards = (engine->config.max_batch + least - 1) / least;
    if (engine->max_shards > AFT_NATIVE_MAX_SHARDS) {
        engine->max_shards = AFT_NATIVE_MAX_SHARDS;
    }
    if (engine->works == NULL || engine->pieces == NULL || engine->piece_squares == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: out of memory");
    }
    size_t size = assign_arrays(engine, NULL) * sizeof *engine->arena;
    engine->arena = aligned_alloc(64, size);
    if (engine->arena == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: no %zu MB of memory",
                        size >> 20);
    }
    memset(engine->arena, 0, size);
    (void)assign_arrays(engine, engine->arena);
    aft_native_cut_pieces(engine);
    return AFT_OK;
}

static enum aft_code check_config(const struct aft_engine_config *config, struct aft_error *error)
{
    const struct aft_network *network = &config->network;
    if (strncmp(config->device, "cuda", 4) == 0) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "engine 'native': it computes on the CPU, not on '%.32s'", config->device);
    }
    bool valid = network->obs_dim > 0 && network->action_dim > 0 && network->n_hidden > 0 &&
                 network->n_hidden <= AFT_NETWORK_MAX_HIDDEN && config->max_batch > 0 &&
                 config->max_rows > 0 && config->act_slots > 0;
    for (int l = 0; valid && l < network->n_hidden; l++) {
        valid = network->hidden[l] > 0;
    }
    if (!valid) {
        return aft_fail(error, AFT_ERR_USAGE, "engine 'native': a size that is not positive");
    }
    return AFT_OK;
}

static void destroy(void *self)
{
    struct aft_native *engine = self;
    if (engine == NULL) {
        return;
    }
    free(engine->arena);
    free(engine->works);
    free(engine->pieces);
    free(engine->piece_squares);
    free(engine);
}

static enum aft_code create(void **self, const struct aft_engine_config *config,
                            struct aft_error *error)
{
    *self = NULL;
    enum aft_code code = check_config(config, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_native *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: out of memory");
    }
    int per_net = 2 * config->network.n_hidden;
    engine->config = *config;
    engine->kernels = aft_kernels_best();
    engine->parameter_count = aft_network_parameter_count(&config->network);
    engine->block_rows = choose_block_rows(&config->network);
    lay_out(&engine->policy, engine, 1, 1 + 2 * per_net);
    lay_out(&engine->value, engine, 1 + per_net, 3 + 2 * per_net);
    code = aft_blas_open(&engine->blas, error);
    if (code == AFT_OK) {
        code = allocate(engine, error);
    }
    if (code != AFT_OK) {
        destroy(engine);
        return code;
    }
    *self = engine;
    return AFT_OK;
}

static bool concurrent(const void *self)
{
    (void)self;
    return true;
}

static enum aft_code check_rows(const struct aft_native *engine, int slot, int n,
                                struct aft_error *error)
{
    if (slot < 0 || slot >= engine->config.act_slots || n < 0 || n > engine->config.max_rows) {
        return aft_fail(error, AFT_ERR_USAGE, "act: slot %d with %d rows, of %d with %d", slot, n,
                        engine->config.act_slots, engine->config.max_rows);
    }
    return AFT_OK;
}

/* actions = mean + exp(log_std) noise, over [rows][action_dim] */
static void sample(const struct aft_native *engine, int rows, const float *mean, const float *noise,
                   float *actions)
{
    int n_actions = engine->config.network.action_dim;
    const float *log_std = &engine->parameters[engine->log_std];
    for (int k = 0; k < n_actions; k++) {
        float std = expf(log_std[k]);
        for (int i = k; i < rows * n_actions; i += n_actions) {
            actions[i] = noise == NULL ? mean[i] : mean[i] + std * noise[i];
        }
    }
}

/* Arrays may be NULL where they are not asked for. */
struct act_block {
    int rows;
    const float *obs, *noise;
    float *actions, *log_probs, *values;
};

static void act_on_block(struct aft_native *engine, struct aft_native_work *work,
                         const struct act_block *block)
{
    if (block->actions != NULL) {
        struct aft_gaussian gaussian =
            aft_gaussian_init(engine->config.network.action_dim,
                              &engine->parameters[engine->log_std], work->inverse_std);
        aft_mlp_forward(&engine->policy, engine->parameters, block->rows, block->obs, &work->mlp,
                        work->out);
        sample(engine, block->rows, work->out, block->noise, block->actions);
        if (block->log_probs != NULL) {
            aft_gaussian_log_probs(&gaussian, block->rows, block->actions, work->out,
                                   block->log_probs);
        }
    }
    if (block->values != NULL) {
        aft_mlp_forward(&engine->value, engine->parameters, block->rows, block->obs, &work->mlp,
                        block->values);
    }
}

static float *moved(float *array, size_t by)
{
    return array == NULL ? NULL : array + by;
}

/* NOLINTNEXTLINE(readability-function-size): the interface's parameters */
static enum aft_code act(void *self, int slot, int n, const float *obs, const float *noise,
                         float *actions, float *log_probs, float *values, struct aft_error *error)
{
    struct aft_native *engine = self;
    enum aft_code code = check_rows(engine, slot, n, error);
    if (code != AFT_OK) {
        return code;
    }
    unsigned mode = aft_flush_denormals();
    size_t n_actions = (size_t)engine->config.network.action_dim;
    for (int first = 0; first < n; first += engine->block_rows) {
        size_t at = (size_t)first;
        struct act_block block = {
            .rows = n - first < engine->block_rows ? n - first : engine->block_rows,
            .obs = obs + at * (size_t)engine->config.network.obs_dim,
            .noise = noise == NULL ? NULL : noise + at * n_actions,
            .actions = moved(actions, at * n_actions),
            .log_probs = moved(log_probs, at),
            .values = moved(values, at),
        };
        act_on_block(engine, &engine->works[slot], &block);
    }
    aft_restore_denormals(mode);
    return AFT_OK;
}

static enum aft_code values_of(void *self, int slot, int n, const float *obs, float *values,
                               struct aft_error *error)
{
    return act(self, slot, n, obs, NULL, NULL, NULL, values, error);
}

/* Between torch's [out][in] and [in][out] here: swaps the weights' dimensions. */
static void reorder(const struct aft_native *engine, float *to, const float *from, bool outwards)
{
    const struct aft_network *network = &engine->config.network;
    for (int i = 0; i < aft_network_tensor_count(network); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, network, i);
        int rows = outwards ? tensor.dims[1] : tensor.dims[0];
        int columns = outwards ? tensor.dims[0] : tensor.dims[1];
        engine->kernels->transpose(&to[tensor.offset], (size_t)rows, &from[tensor.offset], rows,
                                   columns);
    }
}

static enum aft_code gradient(void *self, float *out, struct aft_error *error)
{
    (void)error;
    const struct aft_native *engine = self;
    reorder(engine, out, engine->gradients, true);
    return AFT_OK;
}

static enum aft_code export_state(void *self, struct aft_engine_state *state,
                                  struct aft_error *error)
{
    (void)error;
    const struct aft_native *engine = self;
    reorder(engine, state->parameters, engine->parameters, true);
    reorder(engine, state->adam_m, engine->adam_m, true);
    reorder(engine, state->adam_v, engine->adam_v, true);
    state->adam_step = engine->adam_step;
    return AFT_OK;
}

static enum aft_code import_state(void *self, const struct aft_engine_state *state,
                                  struct aft_error *error)
{
    struct aft_native *engine = self;
    const float *arrays[3] = {state->parameters, state->adam_m, state->adam_v};
    for (size_t i = 0; i < 3 * engine->parameter_count; i++) {
        if (!isfinite(arrays[i / engine->parameter_count][i % engine->parameter_count])) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "import the engine's state: number %zu is not "
                            "finite",
                            i % engine->parameter_count);
        }
    }
    reorder(engine, engine->parameters, state->parameters, false);
    reorder(engine, engine->adam_m, state->adam_m, false);
    reorder(engine, engine->adam_v, state->adam_v, false);
    engine->adam_step = state->adam_step;
    aft_native_transpose_all(engine);
    return AFT_OK;
}

static void describe(void *self, char *text, size_t size)
{
    const struct aft_native *engine = self;
    char blas[192];
    aft_blas_describe(&engine->blas, blas, sizeof blas);
    int threads = aft_thread_pool_threads(engine->config.pool);
    (void)snprintf(text, size, "native (%s), %s, %d thread%s", engine->kernels->name, blas, threads,
                   threads == 1 ? "" : "s");
}

static const struct aft_engine_interface INTERFACE = {
    .version = AFT_ENGINE_INTERFACE_VERSION,
    .name = "native",
    .create = create,
    .destroy = destroy,
    .concurrent = concurrent,
    .act = act,
    .values = values_of,
    .load_samples = aft_native_load_samples,
    .update = aft_native_update,
    .gradient = gradient,
    .export_state = export_state,
    .import_state = import_state,
    .describe = describe,
};

__attribute__((visibility("default"))) const struct aft_engine_interface *aft_engine_module(void);

const struct aft_engine_interface *aft_engine_module(void)
{
    return &INTERFACE;
}
