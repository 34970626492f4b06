/*
 * ONNX: a ModelProto (onnx.proto of IR version 8) with one graph of operators of
 * opset 13. Field numbers are those of onnx.proto.
 */
#include "runner/export/formats.h"
#include "runner/export/proto_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie");

enum { IR_VERSION = 8, OPSET = 13, NAME_SIZE = 32 };
enum model_field {
    IR = 1,
    PRODUCER = 2,
    PRODUCER_VERSION = 3,
    GRAPH = 7,
    OPSETS = 8,
    METADATA = 14
};
enum graph_field { NODE = 1, GRAPH_NAME = 2, INITIALIZER = 5, INPUT = 11, OUTPUT = 12 };
enum node_field { NODE_INPUT = 1, NODE_OUTPUT = 2, OPERATOR = 4, ATTRIBUTE = 5 };
enum attribute_field { ATTRIBUTE_NAME = 1, ATTRIBUTE_INTEGER = 3, ATTRIBUTE_TYPE = 20, INT = 2 };
enum tensor_field { DIMS = 1, DATA_TYPE = 2, TENSOR_NAME = 8, RAW_DATA = 9, FLOAT = 1, INT64 = 7 };

/* --- pieces of a graph --- */

struct shape {
    int n, dims[2];
};

static void add_tensor(struct aft_proto *graph, const char *name, const float *values,
                       struct shape shape)
{
    struct aft_proto tensor = {0};
    size_t count = 1;
    for (int i = 0; i < shape.n; i++) {
        aft_proto_number(&tensor, DIMS, shape.dims[i]);
        count *= (size_t)shape.dims[i];
    }
    aft_proto_number(&tensor, DATA_TYPE, FLOAT);
    aft_proto_text(&tensor, TENSOR_NAME, name);
    aft_proto_bytes(&tensor, RAW_DATA, values, count * sizeof *values);
    aft_proto_message(graph, INITIALIZER, &tensor);
}

static void add_scalar(struct aft_proto *graph, const char *name, float value)
{
    add_tensor(graph, name, &value, (struct shape){0, {0, 0}});
}

static void add_index(struct aft_proto *graph, const char *name, int64_t value)
{
    struct aft_proto tensor = {0};
    aft_proto_number(&tensor, DIMS, 1);
    aft_proto_number(&tensor, DATA_TYPE, INT64);
    aft_proto_text(&tensor, TENSOR_NAME, name);
    aft_proto_bytes(&tensor, RAW_DATA, &value, sizeof value);
    aft_proto_message(graph, INITIALIZER, &tensor);
}

static void begin_node(struct aft_proto *node, const char *operation, const char *output,
                       const char *const *inputs)
{
    memset(node, 0, sizeof *node);
    for (int i = 0; inputs[i] != NULL; i++) {
        aft_proto_text(node, NODE_INPUT, inputs[i]);
    }
    aft_proto_text(node, NODE_OUTPUT, output);
    aft_proto_text(node, OPERATOR, operation);
}

static void add_node(struct aft_proto *graph, const char *operation, const char *output,
                     const char *const *inputs)
{
    struct aft_proto node;
    begin_node(&node, operation, output, inputs);
    aft_proto_message(graph, NODE, &node);
}

/* add(graph, OPERATOR, OUTPUT, INPUTS…) */
#define add(graph, operation, output, ...)                                                         \
    add_node(graph, operation, output, (const char *const[]){__VA_ARGS__, NULL})

/* output = x weightᵀ + bias */
static void add_gemm(struct aft_proto *graph, const char *output, const char *const *inputs)
{
    struct aft_proto node, attribute = {0};
    begin_node(&node, "Gemm", output, inputs);
    aft_proto_text(&attribute, ATTRIBUTE_NAME, "transB");
    aft_proto_number(&attribute, ATTRIBUTE_INTEGER, 1);
    aft_proto_number(&attribute, ATTRIBUTE_TYPE, INT);
    aft_proto_message(&node, ATTRIBUTE, &attribute);
    aft_proto_message(graph, NODE, &node);
}

/* name [batch, 1] = factor * obs[:, place] */
static void add_column(struct aft_proto *graph, const char *name, int place, float factor)
{
    char first[NAME_SIZE], end[NAME_SIZE], raw[NAME_SIZE], per_one[NAME_SIZE];
    (void)snprintf(first, sizeof first, "%.16s_first", name);
    (void)snprintf(end, sizeof end, "%.16s_end", name);
    (void)snprintf(raw, sizeof raw, "%.16s_entry", name);
    (void)snprintf(per_one, sizeof per_one, "%.16s_scale", name);
    add_index(graph, first, place);
    add_index(graph, end, place + 1);
    add_scalar(graph, per_one, factor);
    add(graph, "Slice", raw, "obs", first, end, "columns");
    add(graph, "Mul", name, raw, per_one);
}

/* [batch, columns] of floats */
static void add_value(struct aft_proto *graph, enum graph_field field, const char *name,
                      int columns)
{
    enum { VALUE_NAME = 1, VALUE_TYPE = 2, TENSOR_TYPE = 1, ELEMENT = 1, SHAPE = 2, DIM = 1 };
    enum { DIM_VALUE = 1, DIM_PARAM = 2 };
    struct aft_proto batch = {0}, width = {0}, shape = {0}, tensor = {0}, type = {0}, value = {0};
    aft_proto_text(&batch, DIM_PARAM, "batch");
    aft_proto_number(&width, DIM_VALUE, columns);
    aft_proto_message(&shape, DIM, &batch);
    aft_proto_message(&shape, DIM, &width);
    aft_proto_number(&tensor, ELEMENT, FLOAT);
    aft_proto_message(&tensor, SHAPE, &shape);
    aft_proto_message(&type, TENSOR_TYPE, &tensor);
    aft_proto_text(&value, VALUE_NAME, name);
    aft_proto_message(&value, VALUE_TYPE, &type);
    aft_proto_message(graph, (int)field, &value);
}

/* --- the policy's graph, in the order of exported_policy.h --- */

static const char *add_normalisation(struct aft_proto *graph,
                                     const struct aft_exported_policy *policy)
{
    if (!policy->normalised) {
        return "obs";
    }
    struct shape shape = {1, {policy->layout.n, 0}};
    add_tensor(graph, "shift", policy->shift, shape);
    add_tensor(graph, "scale", policy->scale, shape);
    add_scalar(graph, "clip_low", -AFT_NORMALISER_CLIP);
    add_scalar(graph, "clip_high", AFT_NORMALISER_CLIP);
    add(graph, "Sub", "centred", "obs", "shift");
    add(graph, "Mul", "scaled", "centred", "scale");
    add(graph, "Clip", "normalised", "scaled", "clip_low", "clip_high");
    return "normalised";
}

static void add_layer(struct aft_proto *graph, const struct aft_exported_policy *policy, int k,
                      const char *input)
{
    const struct aft_exported_layer *layer = &policy->layer[k];
    char weight[NAME_SIZE], bias[NAME_SIZE], sum[NAME_SIZE], output[NAME_SIZE];
    (void)snprintf(weight, sizeof weight, "weight_%d", k);
    (void)snprintf(bias, sizeof bias, "bias_%d", k);
    (void)snprintf(sum, sizeof sum, "sum_%d", k);
    (void)snprintf(output, sizeof output, "hidden_%d", k);
    add_tensor(graph, weight, layer->weight, (struct shape){2, {layer->out, layer->in}});
    add_tensor(graph, bias, layer->bias, (struct shape){1, {layer->out, 0}});
    if (k == policy->n_layers - 1) {
        add_gemm(graph, "mean", (const char *const[]){input, weight, bias, NULL});
        return;
    }
    add_gemm(graph, sum, (const char *const[]){input, weight, bias, NULL});
    add(graph, policy->network.activation == AFT_TANH ? "Tanh" : "Relu", output, sum);
}

static void add_network(struct aft_proto *graph, const struct aft_exported_policy *policy)
{
    char input[NAME_SIZE];
    (void)snprintf(input, sizeof input, "%s", add_normalisation(graph, policy));
    for (int k = 0; k < policy->n_layers; k++) {
        add_layer(graph, policy, k, input);
        (void)snprintf(input, sizeof input, "hidden_%d", k);
    }
    add_scalar(graph, "minus_one", -1.0F);
    add_scalar(graph, "one", 1.0F);
    add(graph, "Clip", "action", "mean", "minus_one", "one");
}

/* share = full braking, where the mass moves outward and cannot be stopped in time */
static const char *add_guard(struct aft_proto *graph, const struct aft_exported_policy *policy,
                             const char *share)
{
    const struct aft_observation_layout *layout = &policy->layout;
    add_column(graph, "stroke", layout->stroke, layout->entry[layout->stroke].scale);
    add_column(graph, "rate", layout->stroke_rate, layout->entry[layout->stroke_rate].scale);
    add_scalar(graph, "s2_per_m", policy->guard.s2_per_m);
    add_scalar(graph, "reach_m", policy->guard.reach_m);
    add_scalar(graph, "zero", 0.0F);
    add(graph, "Abs", "distance", "stroke");
    add(graph, "Mul", "rate_squared", "rate", "rate");
    add(graph, "Mul", "braking_distance", "rate_squared", "s2_per_m");
    add(graph, "Add", "needed", "distance", "braking_distance");
    add(graph, "Greater", "beyond", "needed", "reach_m");
    add(graph, "Mul", "stroke_by_rate", "stroke", "rate");
    add(graph, "Greater", "outward", "stroke_by_rate", "zero");
    add(graph, "And", "brakes", "beyond", "outward");
    add(graph, "Sign", "direction", "rate");
    add(graph, "Neg", "braking", "direction");
    add(graph, "Where", "guarded", "brakes", "braking", share);
    return "guarded";
}

static void add_force(struct aft_proto *graph, const struct aft_exported_policy *policy)
{
    const char *share = "action";
    if (policy->layout.nominal >= 0 || policy->guard.reach_m > 0.0F) {
        add_index(graph, "columns", 1);
    }
    if (policy->layout.nominal >= 0) {
        add_column(graph, "nominal", policy->layout.nominal, policy->nominal_factor);
        add(graph, "Add", "asked", "nominal", "action");
        add(graph, "Clip", "share", "asked", "minus_one", "one");
        share = "share";
    }
    if (policy->guard.reach_m > 0.0F) {
        share = add_guard(graph, policy, share);
    }
    add_scalar(graph, "force_limit_n", policy->force_limit_n);
    add(graph, "Mul", "force_n", share, "force_limit_n");
}

static void add_graph(struct aft_proto *model, const struct aft_exported_policy *policy)
{
    struct aft_proto graph = {0};
    aft_proto_text(&graph, GRAPH_NAME, "policy");
    add_network(&graph, policy);
    add_force(&graph, policy);
    add_value(&graph, INPUT, "obs", policy->layout.n);
    add_value(&graph, OUTPUT, "force_n", 1);
    add_value(&graph, OUTPUT, "action", 1);
    aft_proto_message(model, GRAPH, &graph);
}

static void add_metadata(struct aft_proto *model, const struct aft_json *metadata)
{
    for (size_t i = 0; i < aft_json_length(metadata); i++) {
        const struct aft_json *value = NULL;
        struct aft_proto entry = {0};
        aft_proto_text(&entry, 1, aft_json_key_at(metadata, i, &value));
        aft_proto_text(&entry, 2, aft_json_string_value(value, ""));
        aft_proto_message(model, METADATA, &entry);
    }
}

enum aft_code aft_export_onnx(char **bytes, size_t *size, const struct aft_exported_policy *policy,
                              struct aft_error *error)
{
    struct aft_proto model = {0}, opset = {0};
    aft_proto_number(&model, IR, IR_VERSION);
    aft_proto_text(&model, PRODUCER, "aftershock");
    aft_proto_text(&model, PRODUCER_VERSION, AFT_VERSION);
    add_graph(&model, policy);
    aft_proto_text(&opset, 1, ""); /* the domain of the standard operators */
    aft_proto_number(&opset, 2, OPSET);
    aft_proto_message(&model, OPSETS, &opset);
    add_metadata(&model, policy->metadata);
    if (model.failed) {
        free(model.bytes);
        return aft_fail(error, AFT_ERR_MEMORY, "write ONNX: out of memory");
    }
    *bytes = model.bytes;
    *size = model.size;
    return AFT_OK;
}
