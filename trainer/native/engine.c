/* The native engine: life cycle, and its sizes. */
#include "trainer/native/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Takes the next count floats of the arena, with whole cache lines; with base
 * NULL only counts. */
static float *take(float *base, size_t *used, size_t count)
{
    float *at = base == NULL ? NULL : base + *used;
    *used += (count + AFT_LINE - 1) / AFT_LINE * AFT_LINE;
    return at;
}

static void assign_rows(const struct aft_native *engine, float *base, size_t *used,
                        struct aft_native_net *net)
{
    const struct aft_network *network = &engine->config.network;
    size_t rows = (size_t)engine->span_rows, n_actions = (size_t)network->action_dim;
    struct aft_mlp_rows *at = &net->rows;
    at->x = take(base, used, rows * (size_t)network->obs_dim);
    for (int l = 0; l < network->n_hidden; l++) {
        at->hidden[l] = take(base, used, rows * aft_mlp_stride(network->hidden[l]));
        at->delta[l] = take(base, used, rows * aft_mlp_stride(network->hidden[l]));
    }
    at->out = take(base, used, rows * n_actions);
    at->d_out = take(base, used, rows * n_actions);
    at->out_stride = rows;
    net->actions = take(base, used, rows * n_actions);
    net->log_probs = take(base, used, rows);
    net->advantages = take(base, used, rows);
    net->values = take(base, used, rows);
    net->returns = take(base, used, rows);
    net->scratch = take(base, used, rows * (3 + n_actions));
    net->d_log_std = take(base, used, rows / (size_t)engine->block_rows * n_actions);
}

/* Assigns every array; returns the floats needed. Called twice: to count, then to assign. */
static size_t assign_arrays(struct aft_native *engine, float *base)
{
    const struct aft_network *network = &engine->config.network;
    size_t used = 0, rows = (size_t)engine->block_rows, widest = 0;
    engine->parameters = take(base, &used, engine->count);
    engine->transposed = take(base, &used, engine->transposed_count);
    engine->adam_m = take(base, &used, engine->count);
    engine->adam_v = take(base, &used, engine->count);
    engine->gradient = take(base, &used, engine->count);
    engine->inverse_std = take(base, &used, (size_t)network->action_dim);
    for (int n = 0; n < AFT_NATIVE_NETS; n++) {
        assign_rows(engine, base, &used, &engine->net[n]);
    }
    for (int l = 0; l < network->n_hidden; l++) {
        size_t stride = aft_mlp_stride(network->hidden[l]);
        widest = stride > widest ? stride : widest;
    }
    for (int s = 0; s < engine->config.act_slots; s++) {
        struct aft_mlp_rows *at = &engine->act_work[s].rows;
        float *two[2] = {take(base, &used, rows * widest), take(base, &used, rows * widest)};
        for (int l = 0; l < network->n_hidden; l++) {
            at->hidden[l] = two[l % 2];
        }
        at->out = take(base, &used, rows * (size_t)network->action_dim);
        at->out_stride = rows;
    }
    return used;
}

static enum aft_code allocate_pieces(struct aft_native *engine, struct aft_error *error)
{
    size_t blocks = (size_t)(engine->span_rows / engine->block_rows);
    for (int n = 0; n < AFT_NATIVE_NETS; n++) {
        struct aft_native_net *net = &engine->net[n];
        struct aft_mlp *mlp = &net->mlp;
        mlp->n_pieces = aft_mlp_cut(mlp, NULL);
        mlp->pieces = calloc((size_t)mlp->n_pieces, sizeof *mlp->pieces);
        net->piece_squares = calloc((size_t)mlp->n_pieces, sizeof *net->piece_squares);
        net->sums = calloc(blocks, sizeof *net->sums);
        if (mlp->pieces == NULL || net->piece_squares == NULL || net->sums == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: out of memory");
        }
        (void)aft_mlp_cut(mlp, mlp->pieces);
    }
    return AFT_OK;
}

static enum aft_code allocate(struct aft_native *engine, struct aft_error *error)
{
    const size_t HUGE_PAGE = (size_t)2 << 20;
    enum aft_code code = allocate_pieces(engine, error);
    if (code != AFT_OK) {
        return code;
    }
    engine->act_work = calloc((size_t)engine->config.act_slots, sizeof *engine->act_work);
    if (engine->act_work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: out of memory");
    }
    size_t size = assign_arrays(engine, NULL) * sizeof *engine->arena;
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    engine->arena = aligned_alloc(HUGE_PAGE, size);
    if (engine->arena == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create the native engine: no %zu MB of memory",
                        size >> 20);
    }
    (void)madvise(engine->arena, size, MADV_HUGEPAGE); /* 1–2 % for wide nets */
    memset(engine->arena, 0, size);
    (void)assign_arrays(engine, engine->arena);
    return aft_task_lanes_create(&engine->lanes, AFT_NATIVE_NETS, engine->config.pool, error);
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

/* A block's activations of one layer and the weights should share the first-level
 * cache, or else the weights should come from memory seldom; a span's
 * activations of all layers should stay in the second-level cache. */
static void choose_rows(struct aft_native *engine)
{
    enum { SMALL = 64, LARGE = 128, SPAN_FLOATS = 160 * 1024, LEAST_SPAN = 256, MOST_SPAN = 1024 };
    const struct aft_network *network = &engine->config.network;
    size_t a_row = 0;
    int block = SMALL;
    for (int l = 0; l < network->n_hidden; l++) {
        a_row += 2 * aft_mlp_stride(network->hidden[l]);
        block = network->hidden[l] > 2 * AFT_PANEL ? LARGE : block;
    }
    int span = (int)(SPAN_FLOATS / a_row) / block * block;
    span = span < LEAST_SPAN ? LEAST_SPAN : (span > MOST_SPAN ? MOST_SPAN : span);
    int batch = (engine->config.max_batch + block - 1) / block * block;
    engine->block_rows = block;
    engine->span_rows = batch < span ? batch : span;
}

static void destroy(void *self)
{
    struct aft_native *engine = self;
    if (engine == NULL) {
        return;
    }
    aft_task_lanes_destroy(engine->lanes);
    for (int n = 0; n < AFT_NATIVE_NETS; n++) {
        free(engine->net[n].mlp.pieces);
        free(engine->net[n].piece_squares);
        free(engine->net[n].sums);
    }
    free(engine->act_work);
    free(engine->arena);
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
    engine->config = *config;
    engine->kernels = aft_kernels_best();
    engine->parameter_count = aft_network_parameter_count(&config->network);
    choose_rows(engine);
    for (int n = 0; n < AFT_NATIVE_NETS; n++) {
        struct aft_mlp *mlp = &engine->net[n].mlp;
        int outputs = n == AFT_NATIVE_POLICY ? config->network.action_dim : 1;
        mlp->kernels = engine->kernels;
        mlp->n_log_std = n == AFT_NATIVE_POLICY ? outputs : 0;
        aft_mlp_lay_out(mlp, &config->network, outputs, &engine->count, &engine->transposed_count);
    }
    code = allocate(engine, error);
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

static enum aft_code load_samples(void *self, const struct aft_samples *samples,
                                  struct aft_error *error)
{
    (void)error;
    struct aft_native *engine = self;
    engine->loaded = *samples;
    return AFT_OK;
}

static void describe(void *self, char *text, size_t size)
{
    const struct aft_native *engine = self;
    int threads = aft_thread_pool_threads(engine->config.pool);
    (void)snprintf(text, size, "native (%s), %d thread%s", engine->kernels->name, threads,
                   threads == 1 ? "" : "s");
}

static const struct aft_engine_interface INTERFACE = {
    .version = AFT_ENGINE_INTERFACE_VERSION,
    .name = "native",
    .create = create,
    .destroy = destroy,
    .concurrent = concurrent,
    .act = aft_native_act,
    .values = aft_native_values,
    .load_samples = load_samples,
    .update = aft_native_update,
    .gradient = aft_native_gradient,
    .export_state = aft_native_export_state,
    .import_state = aft_native_import_state,
    .describe = describe,
};

__attribute__((visibility("default"))) const struct aft_engine_interface *aft_engine_module(void);

const struct aft_engine_interface *aft_engine_module(void)
{
    return &INTERFACE;
}
