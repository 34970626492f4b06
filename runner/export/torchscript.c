/*
 * TorchScript, written without libtorch: a module's attributes are a pickle of
 * tensors like policy.pth's, and its methods are source in the small Python that
 * torch.jit.save itself writes.
 */
#include "runner/export/formats.h"

#include "recovery/torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS "AftershockPolicy"
enum { MAX_TENSORS = 2 * (AFT_NETWORK_MAX_HIDDEN + 1) + 2 };

/* --- its attributes --- */

static void add_tensor(struct aft_archive_tensor *tensor, const float *value, int rows, int columns)
{
    tensor->n_dims = columns > 0 ? 2 : 1;
    tensor->dims[0] = rows;
    tensor->dims[1] = columns;
    tensor->count = (size_t)rows * (size_t)(columns > 0 ? columns : 1);
    tensor->value = value;
}

static int collect(struct aft_archive_tensor tensors[MAX_TENSORS],
                   const struct aft_exported_policy *policy)
{
    int n = 0;
    for (int k = 0; k < policy->n_layers; k++) {
        const struct aft_exported_layer *layer = &policy->layer[k];
        (void)snprintf(tensors[n].name, sizeof tensors[n].name, "weight_%d", k);
        add_tensor(&tensors[n++], layer->weight, layer->out, layer->in);
        (void)snprintf(tensors[n].name, sizeof tensors[n].name, "bias_%d", k);
        add_tensor(&tensors[n++], layer->bias, layer->out, 0);
    }
    if (policy->normalised) {
        (void)snprintf(tensors[n].name, sizeof tensors[n].name, "shift");
        add_tensor(&tensors[n++], policy->shift, policy->layout.n, 0);
        (void)snprintf(tensors[n].name, sizeof tensors[n].name, "scale");
        add_tensor(&tensors[n++], policy->scale, policy->layout.n, 0);
    }
    return n;
}

/* --- its source; an exponent makes every number a float --- */

static void write_attributes(FILE *out, const struct aft_archive_tensor *tensors, int n,
                             int trained)
{
    (void)fprintf(out, "class %s(Module):\n  __parameters__ = [", CLASS);
    for (int i = 0; i < trained; i++) {
        (void)fprintf(out, "\"%s\", ", tensors[i].name);
    }
    (void)fprintf(out, "]\n  __buffers__ = [");
    for (int i = trained; i < n; i++) {
        (void)fprintf(out, "\"%s\", ", tensors[i].name);
    }
    (void)fprintf(out, "]\n");
    for (int i = 0; i < n; i++) {
        (void)fprintf(out, "  %s : Tensor\n", tensors[i].name);
    }
    (void)fprintf(out, "  training : bool\n");
}

static void write_act(FILE *out, const struct aft_exported_policy *policy)
{
    const char *activation = policy->network.activation == AFT_TANH ? "tanh" : "relu";
    (void)fprintf(out, "  def act(self: __torch__.%s,\n    obs: Tensor) -> Tensor:\n    x = obs\n",
                  CLASS);
    if (policy->normalised) {
        (void)fprintf(out,
                      "    x = torch.mul(torch.sub(x, self.shift), self.scale)\n"
                      "    x = torch.clamp(x, %.9e, %.9e)\n",
                      -(double)AFT_NORMALISER_CLIP, (double)AFT_NORMALISER_CLIP);
    }
    for (int k = 0; k < policy->n_layers; k++) {
        (void)fprintf(out, "    x = torch.linear(x, self.weight_%d, self.bias_%d)\n", k, k);
        if (k < policy->n_layers - 1) {
            (void)fprintf(out, "    x = torch.%s(x)\n", activation);
        }
    }
    (void)fprintf(out, "    return torch.clamp(x, -1., 1.)\n");
}

static void write_column(FILE *out, const char *name, int place, float factor)
{
    (void)fprintf(out, "    %s = torch.mul(torch.slice(obs, -1, %d, %d), %.9e)\n", name, place,
                  place + 1, (double)factor);
}

static void write_guard(FILE *out, const struct aft_exported_policy *policy)
{
    const struct aft_observation_layout *layout = &policy->layout;
    write_column(out, "stroke", layout->stroke, layout->entry[layout->stroke].scale);
    write_column(out, "rate", layout->stroke_rate, layout->entry[layout->stroke_rate].scale);
    (void)fprintf(out,
                  "    braking = torch.mul(torch.mul(rate, rate), %.9e)\n"
                  "    beyond = torch.gt(torch.add(torch.abs(stroke), braking), %.9e)\n"
                  "    outward = torch.gt(torch.mul(stroke, rate), 0.)\n"
                  "    brakes = torch.logical_and(beyond, outward)\n"
                  "    share = torch.where(brakes, torch.neg(torch.sign(rate)), share)\n",
                  (double)policy->guard.s2_per_m, (double)policy->guard.reach_m);
}

static void write_forward(FILE *out, const struct aft_exported_policy *policy)
{
    (void)fprintf(out,
                  "  def forward(self: __torch__.%s,\n    obs: Tensor) -> Tensor:\n"
                  "    share = (self).act(obs, )\n",
                  CLASS);
    if (policy->layout.nominal >= 0) {
        write_column(out, "nominal", policy->layout.nominal, policy->nominal_factor);
        (void)fprintf(out, "    share = torch.clamp(torch.add(nominal, share), -1., 1.)\n");
    }
    if (policy->guard.reach_m > 0.0F) {
        write_guard(out, policy);
    }
    (void)fprintf(out, "    return torch.mul(share, %.9e)\n", (double)policy->force_limit_n);
}

static enum aft_code write_source(char **text, const struct aft_exported_policy *policy,
                                  const struct aft_archive_tensor *tensors, int n,
                                  struct aft_error *error)
{
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    if (out != NULL) {
        write_attributes(out, tensors, n, 2 * policy->n_layers);
        write_forward(out, policy);
        write_act(out, policy);
    }
    return out != NULL && fclose(out) == 0
               ? AFT_OK
               : aft_fail(error, AFT_ERR_MEMORY, "write TorchScript: out of memory");
}

enum aft_code aft_export_torchscript(char **bytes, size_t *size,
                                     const struct aft_exported_policy *policy,
                                     struct aft_error *error)
{
    struct aft_archive_tensor tensors[MAX_TENSORS];
    char *source = NULL, *metadata = NULL;
    size_t metadata_size = 0;
    memset(tensors, 0, sizeof tensors);
    int n = collect(tensors, policy);
    enum aft_code code = write_source(&source, policy, tensors, n, error);
    if (code == AFT_OK) {
        code = aft_json_write(&metadata, &metadata_size, policy->metadata, true, error);
    }
    if (code == AFT_OK) {
        const struct aft_torch_script script = {CLASS, source, "metadata.json", metadata};
        code = aft_torch_write_script(bytes, size, &script, tensors, n, error);
    }
    free(source);
    free(metadata);
    return code;
}
