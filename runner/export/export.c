/* aftershock export: a policy out of an archive, in a form that others load. */
#include "base/digest.h"
#include "base/file.h"
#include "runner/compute.h"
#include "runner/exit_code.h"
#include "runner/export/formats.h"
#include "runner/output_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum aft_code (*writer)(char **bytes, size_t *size,
                                const struct aft_exported_policy *policy, struct aft_error *error);

struct value {
    const char *name;
    int n_dims;       /* 2: a batch; 1: one at a time */
    bool observation; /* obs_dim wide, otherwise 1 */
};

static const struct form { /* what takes what and gives what, and who writes it */
    const char *name;
    writer write;
    struct value input, output[2];
} forms[] = {
    [AFT_EXPORT_TORCHSCRIPT] = {"torchscript",
                                aft_export_torchscript,
                                {"obs", 2, true},
                                {{"force_n", 2, false}}},
    [AFT_EXPORT_ONNX] = {"onnx",
                         aft_export_onnx,
                         {"obs", 2, true},
                         {{"force_n", 2, false}, {"action", 2, false}}},
    [AFT_EXPORT_SAFETENSORS] = {.name = "safetensors", .write = aft_export_safetensors},
    [AFT_EXPORT_CSOURCE] = {"csource",
                            aft_export_csource,
                            {"obs", 1, true},
                            {{"force_n", 1, false}}},
};

struct product {
    char *bytes;
    size_t size;
    char sha256[AFT_SHA256_HEX_SIZE];
};

/* --- what is said of it --- */

static struct aft_json *value_json(const struct value *value, int obs_dim)
{
    struct aft_json *object = aft_json_object(), *shape = aft_json_array();
    aft_json_set_string(object, "name", value->name);
    aft_json_set_string(object, "type", "float32");
    if (value->n_dims == 2) {
        aft_json_append(shape, aft_json_string("batch"));
    }
    aft_json_append(shape, aft_json_integer(value->observation ? obs_dim : 1));
    aft_json_set(object, "shape", shape);
    return object;
}

static enum aft_code print_json(const struct aft_export_options *options,
                                const struct aft_exported_policy *policy,
                                const struct product *product, struct aft_error *error)
{
    const struct form *form = &forms[options->format];
    struct aft_json *document = aft_json_object(), *inputs = aft_json_array();
    struct aft_json *outputs = aft_json_array();
    if (form->input.name != NULL) {
        aft_json_append(inputs, value_json(&form->input, policy->layout.n));
    }
    for (int i = 0; i < 2 && form->output[i].name != NULL; i++) {
        aft_json_append(outputs, value_json(&form->output[i], policy->layout.n));
    }
    aft_json_set_string(document, "path", options->output);
    aft_json_set_string(document, "format", form->name);
    aft_json_set_integer(document, "size", (int64_t)product->size);
    aft_json_set_string(document, "sha256", product->sha256);
    aft_json_set(document, "inputs", inputs);
    aft_json_set(document, "outputs", outputs);
    aft_json_set_string(document, "archive", options->archive);
    aft_json_set_string(document, "weights_sha256",
                        aft_json_get_string(policy->metadata, "weights_sha256", ""));
    aft_json_set_real(document, "force_limit_n", (double)policy->force_limit_n);
    aft_json_set_real(document, "control_step_s", policy->control_step_s);
    aft_json_set(document, "observation", aft_exported_policy_entries(policy));
    aft_json_set_boolean(document, "controller_step",
                         options->format == AFT_EXPORT_CSOURCE && policy->observer != NULL);
    enum aft_code code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

static void print_line(const struct aft_export_options *options,
                       const struct aft_exported_policy *policy, const struct product *product)
{
    const char *stage = aft_json_get_string(policy->metadata, "stage_name", "");
    FILE *out = strcmp(options->output, "-") == 0 ? stderr : stdout;
    (void)fprintf(out, "wrote %s (%s, %zu bytes, sha256 %s)\n", options->output,
                  forms[options->format].name, product->size, product->sha256);
    (void)fprintf(out, "  policy of stage %s: %d observations, at most %g N, a step each %g s\n",
                  stage, policy->layout.n, (double)policy->force_limit_n, policy->control_step_s);
    if (options->format == AFT_EXPORT_CSOURCE) {
        (void)fprintf(out, "  policy_step%s\n",
                      policy->observer != NULL ? ", and controller_step from the raw sensors" : "");
    }
}

/* --- its course --- */

/* A regular file is read again: what was written is there. */
static enum aft_code read_back(const char *path, const struct product *product,
                               struct aft_error *error)
{
    struct stat status;
    if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return AFT_OK;
    }
    char *bytes = NULL, hex[AFT_SHA256_HEX_SIZE] = "";
    size_t size = 0;
    enum aft_code code = aft_file_read(&bytes, &size, path, product->size, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_sha256_hex(bytes, size, hex);
    free(bytes);
    return strcmp(hex, product->sha256) == 0
               ? AFT_OK
               : aft_fail(error, AFT_ERR_IO, "read '%s' back: it is not what was written", path);
}

static enum aft_code write_product(const struct aft_export_options *options,
                                   const struct aft_exported_policy *policy,
                                   struct product *product, struct aft_error *error)
{
    enum aft_code code =
        forms[options->format].write(&product->bytes, &product->size, policy, error);
    if (code == AFT_OK) {
        aft_sha256_hex(product->bytes, product->size, product->sha256);
        code = aft_output_file_publish(options->output, product->bytes, product->size, error);
    }
    return code == AFT_OK ? read_back(options->output, product, error) : code;
}

static enum aft_code export_trained(const struct aft_export_options *options,
                                    struct aft_trained_policy *trained, struct aft_error *error)
{
    struct aft_exported_policy policy;
    struct product product = {0};
    enum aft_code code = aft_exported_policy_init(&policy, trained, error);
    if (code != AFT_OK) {
        return code;
    }
    code = write_product(options, &policy, &product, error);
    if (code == AFT_OK && options->json) {
        code = print_json(options, &policy, &product, error);
    } else if (code == AFT_OK) {
        print_line(options, &policy, &product);
    }
    free(product.bytes);
    aft_exported_policy_clear(&policy);
    return code;
}

static enum aft_code choose_stage(struct aft_trained_policy *trained,
                                  const struct aft_export_options *options, struct aft_error *error)
{
    int stage = options->stage;
    if (options->curriculum_path != NULL && aft_archive_sb3_model(trained->archive) == NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "--curriculum: '%.150s' carries its own",
                        options->archive);
    }
    if (stage > trained->curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_USAGE, "--stage %d: the curriculum has %d stage%s", stage,
                        trained->curriculum->n_stages,
                        trained->curriculum->n_stages == 1 ? "" : "s");
    }
    trained->stage = stage > 0 ? stage : trained->stage;
    return AFT_OK;
}

int aft_run_export(const struct aft_export_options *options)
{
    struct aft_error error = {0};
    struct aft_trained_policy trained;
    const struct aft_policy_source source = {.path = options->archive,
                                             .engine = "native",
                                             .device = "cpu",
                                             .threads = 1,
                                             .curriculum_path = options->curriculum_path};
    enum aft_code code = aft_trained_policy_open(&trained, &source, &error);
    if (code == AFT_OK) {
        code = choose_stage(&trained, options, &error);
        if (code == AFT_OK) {
            code = export_trained(options, &trained, &error);
        }
        aft_trained_policy_close(&trained);
    }
    if (code != AFT_OK) {
        (void)fprintf(stderr, "aftershock export: %s\n", error.message);
    }
    return aft_exit_code_of(code);
}
