/*
 * safetensors: u64 length of the header, the header (JSON, padded with blanks to a
 * multiple of 8), then the tensors' floats without a gap, all little-endian.
 * https://huggingface.co/docs/safetensors
 */
#include "runner/export/formats.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie");

enum { MAX_TENSORS = AFT_NETWORK_MAX_TENSORS + 2, LENGTH_SIZE = 8 };

struct piece {
    char name[64];
    int n_dims, dims[2];
    const float *value;
    size_t size; /* bytes */
};

static int collect(struct piece pieces[MAX_TENSORS], const struct aft_exported_policy *policy)
{
    int n = 0;
    for (; n < aft_network_tensor_count(&policy->network); n++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, &policy->network, n);
        pieces[n] = (struct piece){.n_dims = tensor.n_dims,
                                   .dims = {tensor.dims[0], tensor.dims[1]},
                                   .value = policy->parameters + tensor.offset,
                                   .size = tensor.count * sizeof(float)};
        memcpy(pieces[n].name, tensor.name, sizeof tensor.name);
    }
    if (policy->normalised) {
        struct piece piece = {"observation.shift",
                              1,
                              {policy->layout.n, 1},
                              policy->shift,
                              (size_t)policy->layout.n * sizeof(float)};
        pieces[n++] = piece;
        (void)snprintf(piece.name, sizeof piece.name, "observation.scale");
        piece.value = policy->scale;
        pieces[n++] = piece;
    }
    return n;
}

static struct aft_json *header_of(const struct piece *pieces, int n,
                                  const struct aft_json *metadata)
{
    struct aft_json *header = aft_json_object();
    size_t at = 0;
    aft_json_set(header, "__metadata__", aft_json_copy(metadata));
    for (int i = 0; i < n; i++) {
        struct aft_json *entry = aft_json_object(), *shape = aft_json_array();
        struct aft_json *offsets = aft_json_array();
        for (int d = 0; d < pieces[i].n_dims; d++) {
            aft_json_append(shape, aft_json_integer(pieces[i].dims[d]));
        }
        aft_json_append(offsets, aft_json_integer((int64_t)at));
        at += pieces[i].size;
        aft_json_append(offsets, aft_json_integer((int64_t)at));
        aft_json_set_string(entry, "dtype", "F32");
        aft_json_set(entry, "shape", shape);
        aft_json_set(entry, "data_offsets", offsets);
        aft_json_set(header, pieces[i].name, entry);
    }
    return header;
}

enum aft_code aft_export_safetensors(char **bytes, size_t *size,
                                     const struct aft_exported_policy *policy,
                                     struct aft_error *error)
{
    struct piece pieces[MAX_TENSORS];
    int n = collect(pieces, policy);
    struct aft_json *header = header_of(pieces, n, policy->metadata);
    char *text = NULL;
    size_t length = 0;
    enum aft_code code = aft_json_write(&text, &length, header, false, error);
    aft_json_destroy(header);
    if (code != AFT_OK) {
        return code;
    }
    uint64_t padded = (length + LENGTH_SIZE - 1) / LENGTH_SIZE * LENGTH_SIZE;
    size_t total = LENGTH_SIZE + padded;
    for (int i = 0; i < n; i++) {
        total += pieces[i].size;
    }
    char *made = malloc(total);
    if (made == NULL) {
        free(text);
        return aft_fail(error, AFT_ERR_MEMORY, "write safetensors: out of memory");
    }
    memset(made, ' ', LENGTH_SIZE + padded);
    memcpy(made, &padded, sizeof padded);
    memcpy(made + LENGTH_SIZE, text, length);
    free(text);
    char *at = made + LENGTH_SIZE + padded;
    for (int i = 0; i < n; i++) {
        memcpy(at, pieces[i].value, pieces[i].size);
        at += pieces[i].size;
    }
    *bytes = made;
    *size = total;
    return AFT_OK;
}
