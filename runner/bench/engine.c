/* A network in an engine with weights to begin with, and what a sample costs in arithmetic. */
#include "runner/bench/bench.h"
#include "trainer/network.h"

#include <stdlib.h>
#include <string.h>

struct aft_network aft_bench_network(int obs_dim, const struct aft_int_list *hidden,
                                     enum aft_activation activation)
{
    struct aft_network network = {
        .obs_dim = obs_dim, .action_dim = 1, .n_hidden = hidden->n, .activation = activation};
    for (int i = 0; i < hidden->n; i++) {
        network.hidden[i] = hidden->value[i];
    }
    return network;
}

void aft_bench_name_network(char *text, size_t size, const struct aft_network *network)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < network->n_hidden && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%d", i > 0 ? "," : "",
                                 network->hidden[i]);
    }
}

/* Weights of a network: of its first layer, and of all others. */
struct weights {
    double first, others;
};

static struct weights weights_of(const struct aft_network *network)
{
    struct weights weights = {0, 0};
    int last = network->hidden[network->n_hidden - 1];
    for (int i = 1; i < network->n_hidden; i++) {
        weights.others += 2.0 * network->hidden[i - 1] * network->hidden[i];
    }
    weights.first = 2.0 * network->obs_dim * network->hidden[0];
    weights.others += (double)last * (network->action_dim + 1);
    return weights;
}

double aft_bench_forward_flop(const struct aft_network *network)
{
    struct weights weights = weights_of(network);
    return 2 * weights.first + 2 * weights.others;
}

double aft_bench_update_flop(const struct aft_network *network)
{
    struct weights weights = weights_of(network);
    return 4 * weights.first + 6 * weights.others;
}

static enum aft_code import_weights(struct aft_bench_model *model, struct aft_error *error)
{
    size_t count = aft_network_parameter_count(&model->network);
    const struct aft_network_init init = {.orthogonal = false, .log_std = -0.7};
    float *values = calloc(3 * count, sizeof *values);
    if (values == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "make a network: out of memory");
    }
    struct aft_random_key key = aft_random_key(1, 0, AFT_RANDOM_WEIGHTS);
    const struct aft_engine_state state = {
        .parameters = values, .adam_m = values + count, .adam_v = values + 2 * count};
    enum aft_code code = aft_network_initialise(values, &model->network, &init, key);
    code = code == AFT_OK
               ? model->engine.use->import_state(model->engine.self, &state, error)
               : aft_fail(error, AFT_ERR_MEMORY, "initialise the weights: out of memory");
    free(values);
    return code;
}

enum aft_code aft_bench_model_open(struct aft_bench_model *model, const struct aft_bench *bench,
                                   const struct aft_bench_model_config *config,
                                   struct aft_error *error)
{
    memset(model, 0, sizeof *model);
    model->network = config->network;
    enum aft_code code = aft_thread_pool_create(&model->pool, config->threads, error);
    if (code == AFT_OK) {
        const struct aft_engine_config engine = {
            .network = config->network,
            .max_rows = config->max_rows,
            .max_batch = config->max_batch,
            .act_slots = config->threads,
            .device = bench->options->device,
            .pool = model->pool,
        };
        code = aft_engine_open(&model->engine, bench->options->engine, &engine, error);
    }
    if (code == AFT_OK) {
        code = import_weights(model, error);
    }
    return code;
}

void aft_bench_model_close(struct aft_bench_model *model)
{
    aft_engine_close(&model->engine);
    aft_thread_pool_destroy(model->pool);
    memset(model, 0, sizeof *model);
}
