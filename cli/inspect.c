/* aftershock inspect: what is in an archive. */
#include "cli/options.h"
#include "recovery/archive.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* They fill one bool. */
static const struct aft_option options[] = {
    {.name = "json",
     .help = "one JSON document on standard output: path, valid, reason, manifest, members, "
             "weights_sha256, training_state_sha256; for an archive that Stable-Baselines3 saved "
             "manifest is null, and stable_baselines3 an object",
     .kind = AFT_FLAG},
    {0},
};

/* What a model of Stable-Baselines3 has for a manifest; null for an archive of ours. */
static struct aft_json *sb3_json(const struct aft_archive *archive)
{
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    if (model == NULL) {
        return aft_json_null();
    }
    struct aft_json *object = aft_json_object(), *layers = aft_json_array();
    for (int i = 0; i < model->n_layers; i++) {
        aft_json_append(layers, aft_json_integer(model->layers[i]));
    }
    aft_json_set_string(object, "version", model->version);
    aft_json_set_string(object, "algorithm", "PPO");
    aft_json_set_string(object, "policy", "MlpPolicy");
    aft_json_set_integer(object, "observations", model->obs_dim);
    aft_json_set_integer(object, "actions", model->action_dim);
    aft_json_set(object, "network", layers);
    aft_json_set_string(object, "activation", model->relu ? "relu" : "tanh");
    aft_json_set_integer(object, "num_timesteps", model->num_timesteps);
    aft_json_set_integer(object, "adam_step", aft_archive_counters(archive)->adam_step);
    aft_json_set_boolean(object, "vec_normalize", model->vec_normalize);
    return object;
}

static struct aft_json *members_json(const struct aft_archive *archive)
{
    struct aft_json *members = aft_json_array();
    struct aft_archive_member member;
    char hex[AFT_SHA256_HEX_SIZE];
    for (int i = 0; aft_archive_member_at(archive, i, &member, hex); i++) {
        struct aft_json *item = aft_json_object();
        aft_json_set_string(item, "name", member.name);
        aft_json_set_integer(item, "size", (int64_t)member.size);
        aft_json_set_string(item, "sha256", hex);
        aft_json_append(members, item);
    }
    return members;
}

static struct aft_json *tensors_json(const struct aft_archive *archive)
{
    const struct aft_archive_tensor *tensors;
    int n = aft_archive_tensors(archive, &tensors);
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < n; i++) {
        struct aft_json *item = aft_json_object(), *shape = aft_json_array();
        aft_json_set_string(item, "name", tensors[i].name);
        for (int d = 0; d < tensors[i].n_dims; d++) {
            aft_json_append(shape, aft_json_integer(tensors[i].dims[d]));
        }
        aft_json_set(item, "shape", shape);
        aft_json_append(list, item);
    }
    return list;
}

static int print_json(const struct aft_archive *archive, const char *path,
                      const struct aft_error *reason)
{
    struct aft_json *document = aft_json_object();
    struct aft_error error;
    aft_json_set_string(document, "path", path);
    aft_json_set_boolean(document, "valid", archive != NULL);
    aft_json_set_string(document, "reason", archive ? "" : reason->message);
    if (archive) {
        const struct aft_json *manifest = aft_archive_manifest(archive);
        aft_json_set(document, "manifest", manifest ? aft_json_copy(manifest) : aft_json_null());
        aft_json_set(document, "stable_baselines3", sb3_json(archive));
        aft_json_set(document, "members", members_json(archive));
        aft_json_set(document, "tensors", tensors_json(archive));
        aft_json_set_string(document, "weights_sha256", aft_archive_weights_hash(archive));
        aft_json_set_string(document, "training_state_sha256", aft_archive_state_hash(archive));
    } else {
        aft_json_set(document, "manifest", aft_json_null());
        aft_json_set(document, "stable_baselines3", aft_json_null());
        aft_json_set(document, "members", aft_json_array());
        aft_json_set(document, "tensors", aft_json_array());
        aft_json_set(document, "weights_sha256", aft_json_null());
        aft_json_set(document, "training_state_sha256", aft_json_null());
    }
    enum aft_code code = aft_json_print(stdout, document, &error);
    aft_json_destroy(document);
    if (code != AFT_OK) {
        return aft_report_failure(&aft_command_inspect, &error);
    }
    return archive ? AFT_EXIT_OK : aft_exit_code_of(reason->code);
}

/* "key  value" lines; objects within objects as "key.inner". */
static void print_object(const struct aft_json *object, const char *prefix, int depth)
{
    for (size_t i = 0; i < aft_json_length(object); i++) {
        const struct aft_json *value;
        const char *key = aft_json_key_at(object, i, &value);
        char name[192], *text = NULL;
        size_t size;
        if (depth == 0 && strcmp(key, "members") == 0) {
            continue; /* printed as a table */
        }
        (void)snprintf(name, sizeof name, "%.120s%.60s", prefix, key);
        if (aft_json_is_object(value) && depth < 4) {
            (void)snprintf(name, sizeof name, "%.120s%.60s.", prefix, key);
            print_object(value, name, depth + 1);
        } else if (aft_json_write(&text, &size, value, false, NULL) == AFT_OK) {
            (void)printf("  %-44s %s\n", name, text);
            free(text);
        }
    }
}

static void print_tensors(const struct aft_archive *archive)
{
    const struct aft_archive_tensor *tensors;
    int n = aft_archive_tensors(archive, &tensors);
    (void)printf("\nTENSORS\n  %-36s %-12s %12s %12s %12s\n", "name", "shape", "least", "greatest",
                 "rms");
    for (int i = 0; i < n; i++) {
        const struct aft_archive_tensor *tensor = &tensors[i];
        char shape[48] = "scalar";
        double least = (double)INFINITY, greatest = -(double)INFINITY, sum = 0;
        if (tensor->n_dims == 1) {
            (void)snprintf(shape, sizeof shape, "%" PRId64, tensor->dims[0]);
        } else if (tensor->n_dims == 2) {
            (void)snprintf(shape, sizeof shape, "%" PRId64 " x %" PRId64, tensor->dims[0],
                           tensor->dims[1]);
        }
        for (size_t j = 0; j < tensor->count; j++) {
            double value = (double)tensor->value[j];
            least = fmin(least, value);
            greatest = fmax(greatest, value);
            sum += value * value;
        }
        (void)printf("  %-36s %-12s %12.5g %12.5g %12.5g\n", tensor->name, shape, least, greatest,
                     tensor->count ? sqrt(sum / (double)tensor->count) : 0.0);
    }
}

static void print_text(const struct aft_archive *archive, const char *path)
{
    struct aft_archive_member member;
    char hex[AFT_SHA256_HEX_SIZE];
    const struct aft_json *manifest = aft_archive_manifest(archive);
    struct aft_json *model = sb3_json(archive);
    (void)printf("%s: valid %s archive\n\n%s\n", path,
                 aft_archive_kind_name(aft_archive_kind(archive)), manifest ? "MANIFEST" : "MODEL");
    print_object(manifest ? manifest : model, "", 0);
    aft_json_destroy(model);
    print_tensors(archive);
    (void)printf("\nMEMBERS\n  %-36s %12s  %s\n", "name", "bytes", "sha256");
    for (int i = 0; aft_archive_member_at(archive, i, &member, hex); i++) {
        (void)printf("  %-36s %12zu  %s\n", member.name, member.size, hex);
    }
    (void)printf("\nweights_sha256         %s\ntraining_state_sha256  %s\n",
                 aft_archive_weights_hash(archive), aft_archive_state_hash(archive));
}

static int inspect(const char *path, bool json)
{
    struct aft_archive *archive = NULL;
    struct aft_error reason;
    enum aft_code code = aft_archive_open_any(&archive, path, &reason);
    int exit_code;
    if (code != AFT_OK) {
        archive = NULL;
    }
    if (json) {
        exit_code = print_json(archive, path, &reason);
    } else if (!archive) {
        exit_code = aft_report_failure(&aft_command_inspect, &reason);
    } else {
        print_text(archive, path);
        exit_code = AFT_EXIT_OK;
    }
    aft_archive_close(archive);
    return exit_code;
}

static int run(int argc, char **argv)
{
    bool json = false;
    int code;
    if (!aft_options_parse(&code, &json, &aft_command_inspect, argc, argv)) {
        return code;
    }
    if (argc - optind != 1) {
        return aft_usage_error(&aft_command_inspect, "expected one archive, not %d", argc - optind);
    }
    code = aft_check_archive(&aft_command_inspect, argv[optind]);
    return code == AFT_EXIT_OK ? inspect(argv[optind], json) : code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Reads and checks one archive in full (as 'verify' does), then prints its manifest, "
              "its tensors with their shapes and ranges, its members with their SHA-256, and two "
              "hashes: weights_sha256 over all weights, and training_state_sha256 over weights, "
              "optimizer moments and counters. Two trainings that are bit for bit the same have "
              "the same training_state_sha256, whatever their host, time or path.\n\n"
              "An archive that Stable-Baselines3 saved (PPO, MlpPolicy) has no manifest and no "
              "digest: its version, network and steps are printed instead. No pickle is "
              "executed."},
    {0},
};
static const struct aft_entry exit_codes[] = {AFT_COMMON_EXIT_CODES, {0}};
static const struct aft_entry examples[] = {
    {"aftershock inspect models/default/stage2_100kN.zip", ""},
    {"aftershock inspect --json a.zip | jq -r .training_state_sha256", ""},
    {0},
};

const struct aft_command aft_command_inspect = {
    .name = "inspect",
    .summary = "what is in an archive: manifest, members, shapes, scores",
    .synopsis = "[--json] ARCHIVE",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
