#include "trainer/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int aft_network_tensor_count(const struct aft_network *network)
{
    return 4 * network->n_hidden + 5;
}

/* Where a tensor belongs: a layer of a net, its weight or its bias. */
struct place {
    const char *net;
    int layer; /* number of a hidden layer; -1 for a head */
    int out, in;
    bool weight;
};

/* Hidden tensor number index (weight, bias, weight, bias, …) of one of the two nets. */
static struct place hidden_place(const struct aft_network *network, const char *net, int index)
{
    int layer = index / 2;
    return (struct place){
        .net = net,
        .layer = layer,
        .out = network->hidden[layer],
        .in = layer == 0 ? network->obs_dim : network->hidden[layer - 1],
        .weight = index % 2 == 0,
    };
}

/* index counts from the first tensor after log_std. */
static struct place place_of(const struct aft_network *network, int index)
{
    int per_net = 2 * network->n_hidden;
    if (index < per_net) {
        return hidden_place(network, "policy_net", index);
    }
    if (index < 2 * per_net) {
        return hidden_place(network, "value_net", index - per_net);
    }
    int head = index - 2 * per_net;
    return (struct place){
        .net = head < 2 ? "action_net" : "value_net",
        .layer = -1,
        .out = head < 2 ? network->action_dim : 1,
        .in = network->hidden[network->n_hidden - 1],
        .weight = head % 2 == 0,
    };
}

static void write_name(char name[64], const struct place *place)
{
    const char *kind = place->weight ? "weight" : "bias";
    if (place->layer < 0) {
        (void)snprintf(name, 64, "%s.%s", place->net, kind);
    } else {
        (void)snprintf(name, 64, "mlp_extractor.%s.%d.%s", place->net, 2 * place->layer, kind);
    }
}

static size_t place_count(const struct place *place)
{
    return (size_t)place->out * (place->weight ? (size_t)place->in : 1);
}

void aft_network_tensor(struct aft_network_tensor *tensor, const struct aft_network *network,
                        int index)
{
    memset(tensor, 0, sizeof *tensor);
    tensor->dims[1] = 1;
    if (index == 0) {
        (void)snprintf(tensor->name, sizeof tensor->name, "log_std");
        tensor->n_dims = 1;
        tensor->dims[0] = network->action_dim;
        tensor->count = (size_t)network->action_dim;
        return;
    }
    tensor->offset = (size_t)network->action_dim;
    for (int i = 0; i < index - 1; i++) {
        struct place before = place_of(network, i);
        tensor->offset += place_count(&before);
    }
    struct place place = place_of(network, index - 1);
    write_name(tensor->name, &place);
    tensor->n_dims = place.weight ? 2 : 1;
    tensor->dims[0] = place.out;
    tensor->dims[1] = place.weight ? place.in : 1;
    tensor->count = place_count(&place);
}

size_t aft_network_parameter_count(const struct aft_network *network)
{
    struct aft_network_tensor last;
    aft_network_tensor(&last, network, aft_network_tensor_count(network) - 1);
    return last.offset + last.count;
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void subtract_projection(double *v, const double *q, int n)
{
    double part = dot(v, q, n);
    for (int i = 0; i < n; i++) {
        v[i] -= part * q[i];
    }
}

/* Modified Gram and Schmidt, twice per vector ("twice is enough": Giraud et al.
 * 2005). The lengths, R's diagonal, come out positive. */
static void orthonormalise(double *vectors, int count, int length)
{
    for (int i = 0; i < count; i++) {
        double *v = &vectors[(size_t)i * (size_t)length];
        for (int j = 0; j < 2 * i; j++) {
            subtract_projection(v, &vectors[(size_t)(j % i) * (size_t)length], length);
        }
        double scale = 1.0 / sqrt(dot(v, v, length));
        for (int k = 0; k < length; k++) {
            v[k] *= scale;
        }
    }
}

/* The shorter dimension counts the vectors. The Gaussian matrix is drawn as the
 * vectors, one after another. */
static void fill_orthogonal(float *weights, const struct aft_network_tensor *tensor, double gain,
                            struct aft_random_key key, uint32_t index, double *scratch)
{
    int out = tensor->dims[0], in = tensor->dims[1];
    int count = out < in ? out : in, length = out < in ? in : out;
    aft_random_normal(scratch, tensor->count, key, index, 0, 0);
    orthonormalise(scratch, count, length);
    for (int i = 0; i < out; i++) {
        for (int j = 0; j < in; j++) {
            size_t from = out < in ? (size_t)i * (size_t)length + (size_t)j
                                   : (size_t)j * (size_t)length + (size_t)i;
            weights[(size_t)i * (size_t)in + (size_t)j] = (float)(gain * scratch[from]);
        }
    }
}

static void fill_uniform(float *out, size_t count, double bound, struct aft_random_key key,
                         uint32_t index)
{
    for (size_t i = 0; i < count; i++) {
        double u;
        aft_random_uniform(&u, 1, key, index, 0, i);
        out[i] = (float)(bound * (2.0 * u - 1.0));
    }
}

static double gain_of(const char *name, const struct aft_network_init *init)
{
    if (strncmp(name, "action_net", 10) == 0) {
        return init->output_gain;
    }
    return strncmp(name, "value_net", 9) == 0 ? 1.0 : sqrt(2.0);
}

enum aft_code aft_network_initialise(float *parameters, const struct aft_network *network,
                                     const struct aft_network_init *init, struct aft_random_key key)
{
    double *scratch = malloc(aft_network_parameter_count(network) * sizeof *scratch);
    if (scratch == NULL) {
        return AFT_ERR_MEMORY;
    }
    int fan_in = 1; /* of the weight before a bias */
    for (int i = 0; i < aft_network_tensor_count(network); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, network, i);
        float *out = &parameters[tensor.offset];
        fan_in = tensor.n_dims == 2 ? tensor.dims[1] : fan_in;
        if (i == 0) {
            for (size_t k = 0; k < tensor.count; k++) {
                out[k] = (float)init->log_std;
            }
        } else if (!init->orthogonal) {
            fill_uniform(out, tensor.count, 1.0 / sqrt(fan_in), key, (uint32_t)i);
        } else if (tensor.n_dims == 2) {
            fill_orthogonal(out, &tensor, gain_of(tensor.name, init), key, (uint32_t)i, scratch);
        } else {
            memset(out, 0, tensor.count * sizeof *out);
        }
    }
    free(scratch);
    return AFT_OK;
}
