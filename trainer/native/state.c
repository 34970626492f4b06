/* The engine's state, between torch's order ([out][in], as it is archived) and
 * the packed one. */
#include "trainer/native/native.h"

#include <math.h>

/* A tensor's place: where its element (row, column) of [out][in] stands. */
struct place {
    const struct aft_mlp_layer *layer; /* NULL: log_std */
    bool head, bias;
    size_t log_std;
};

static struct place place_of(const struct aft_native *engine, int tensor)
{
    const struct aft_mlp *policy = &engine->net[AFT_NATIVE_POLICY].mlp;
    const struct aft_mlp *value = &engine->net[AFT_NATIVE_VALUE].mlp;
    int hidden = policy->n_hidden, number = (tensor - 1) / 2;
    if (tensor == 0) {
        return (struct place){.log_std = policy->log_std};
    }
    struct place place = {.head = number >= 2 * hidden, .bias = (tensor - 1) % 2 == 1};
    if (place.head) {
        place.layer = &(number == 2 * hidden ? policy : value)->layer[hidden];
    } else {
        place.layer = number < hidden ? &policy->layer[number] : &value->layer[number - hidden];
    }
    return place;
}

static size_t packed_at(const struct place *place, int row, int column)
{
    const struct aft_mlp_layer *layer = place->layer;
    if (layer == NULL) {
        return place->log_std + (size_t)row;
    }
    if (place->bias) {
        return layer->bias + (size_t)row;
    }
    if (place->head) {
        return layer->weight + aft_packed_index(layer->out, aft_padded(layer->in), row, column);
    }
    return layer->weight + aft_packed_index(layer->in, aft_padded(layer->out), column, row);
}

/* Copies between the two; the one that is NULL on the left is not written. */
static void copy_all(const struct aft_native *engine, float *packed, const float *flat,
                     float *flat_out, const float *packed_in)
{
    const struct aft_network *network = &engine->config.network;
    for (int i = 0; i < aft_network_tensor_count(network); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, network, i);
        const struct place place = place_of(engine, i);
        int columns = tensor.n_dims == 2 ? tensor.dims[1] : 1;
        for (size_t k = 0; k < tensor.count; k++) {
            size_t at = packed_at(&place, (int)k / columns, (int)k % columns);
            if (packed != NULL) {
                packed[at] = flat[tensor.offset + k];
            } else {
                flat_out[tensor.offset + k] = packed_in[at];
            }
        }
    }
}

void aft_native_pack(const struct aft_native *engine, float *packed, const float *flat)
{
    copy_all(engine, packed, flat, NULL, NULL);
}

void aft_native_unpack(const struct aft_native *engine, float *flat, const float *packed)
{
    copy_all(engine, NULL, NULL, flat, packed);
}

void aft_native_transpose(struct aft_native *engine, const struct aft_mlp *mlp,
                          const struct aft_mlp_piece *piece)
{
    if (piece->layer <= 0) { /* nothing is below the first layer, and a head lies right */
        return;
    }
    const struct aft_mlp_layer *layer = &mlp->layer[piece->layer];
    engine->kernels->transpose_panel(&engine->transposed[layer->transposed],
                                     &engine->parameters[layer->weight], layer->in, layer->out,
                                     piece->first);
}

enum aft_code aft_native_gradient(void *self, float *out, struct aft_error *error)
{
    (void)error;
    const struct aft_native *engine = self;
    aft_native_unpack(engine, out, engine->gradient);
    return AFT_OK;
}

enum aft_code aft_native_export_state(void *self, struct aft_engine_state *state,
                                      struct aft_error *error)
{
    (void)error;
    const struct aft_native *engine = self;
    aft_native_unpack(engine, state->parameters, engine->parameters);
    aft_native_unpack(engine, state->adam_m, engine->adam_m);
    aft_native_unpack(engine, state->adam_v, engine->adam_v);
    state->adam_step = engine->adam_step;
    return AFT_OK;
}

enum aft_code aft_native_import_state(void *self, const struct aft_engine_state *state,
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
    aft_native_pack(engine, engine->parameters, state->parameters);
    aft_native_pack(engine, engine->adam_m, state->adam_m);
    aft_native_pack(engine, engine->adam_v, state->adam_v);
    engine->adam_step = state->adam_step;
    for (int n = 0; n < AFT_NATIVE_NETS; n++) {
        const struct aft_mlp *mlp = &engine->net[n].mlp;
        for (int i = 0; i < mlp->n_pieces; i++) {
            aft_native_transpose(engine, mlp, &mlp->pieces[i]);
        }
    }
    return AFT_OK;
}
