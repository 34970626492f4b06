/*
 * Archives that Stable-Baselines3 itself has saved: told from ours, and read into the
 * same struct. What is in them is believed as far as it can be checked without a digest.
 */
#include "base/printable.h"
#include "recovery/archive_parts.h"
#include "recovery/sb3_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_VERSIONS "2."

static enum aft_code read_version(struct aft_archive *archive, struct aft_error *error)
{
    char *version = archive->sb3.version;
    const struct aft_zip_member *member = aft_zip_find(&archive->zip, AFT_MEMBER_SB3_VERSION);
    size_t length = member != NULL ? strcspn(member->bytes, "\r\n") : 0;
    if (length == 0 || length >= sizeof archive->sb3.version) {
        return aft_fail(error, AFT_ERR_REFUSED, "it does not say which Stable-Baselines3 saved it");
    }
    for (size_t i = 0; i < length; i++) {
        char c = member->bytes[i];
        version[i] = (char)(c > 0x20 && c < 0x7f ? c : '?');
    }
    version[length] = '\0';
    if (strncmp(version, KNOWN_VERSIONS, strlen(KNOWN_VERSIONS)) != 0) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "Stable-Baselines3 %s saved it; those of " KNOWN_VERSIONS "x are read",
                        version);
    }
    return AFT_OK;
}

static enum aft_code read_data(struct aft_archive *archive, struct aft_error *error)
{
    const struct aft_zip_member *data = aft_zip_find(&archive->zip, AFT_MEMBER_DATA);
    struct aft_sb3_model model;
    struct aft_error cause = {0};
    enum aft_code code = aft_sb3_data_read(&model, data->bytes, data->size, &cause);
    if (code != AFT_OK) {
        return code == AFT_ERR_REFUSED
                   ? aft_fail(error, code, "%s", cause.message)
                   : aft_fail(error, code, "member '" AFT_MEMBER_DATA "': %.200s", cause.message);
    }
    memcpy(model.version, archive->sb3.version, sizeof model.version);
    archive->sb3 = model;
    return AFT_OK;
}

/* The widths of one of the two hidden networks, which is "policy_net" or "value_net". */
static int read_widths(int widths[AFT_ARCHIVE_MAX_TENSORS], const char *net,
                       const struct aft_torch_tensors *tensors)
{
    char prefix[64];
    int n = 0;
    int length = snprintf(prefix, sizeof prefix, "mlp_extractor.%s.", net);
    for (int i = 0; i < tensors->n; i++) {
        const struct aft_archive_tensor *tensor = &tensors->tensor[i];
        if (strncmp(tensor->name, prefix, (size_t)length) == 0 && tensor->n_dims == 2) {
            widths[n++] = (int)(tensor->dims[0] < INT16_MAX ? tensor->dims[0] : INT16_MAX);
        }
    }
    return n;
}

static enum aft_code read_layers(struct aft_sb3_model *model,
                                 const struct aft_torch_tensors *tensors, struct aft_error *error)
{
    int policy[AFT_ARCHIVE_MAX_TENSORS];
    int value[AFT_ARCHIVE_MAX_TENSORS];
    for (int i = 0; i < tensors->n; i++) {
        const char *name = tensors->tensor[i].name;
        if (strncmp(name, "mlp_extractor.shared_net.", 25) == 0) {
            return aft_fail(error, AFT_ERR_REFUSED, "its policy and its value share layers");
        }
        if (strstr(name, "features_extractor.") != NULL) {
            return aft_fail(error, AFT_ERR_REFUSED,
                            "it has a features extractor with weights of its own (images?)");
        }
    }
    int n = read_widths(policy, "policy_net", tensors);
    if (n != read_widths(value, "value_net", tensors) ||
        memcmp(policy, value, (size_t)n * sizeof *policy) != 0) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its policy and value networks have different hidden layers; ours have "
                        "the same");
    }
    if (n < 1 || n > AFT_ARCHIVE_MAX_LAYERS) {
        return aft_fail(error, AFT_ERR_REFUSED, "it has %d hidden layers; 1 to %d can be read", n,
                        (int)AFT_ARCHIVE_MAX_LAYERS);
    }
    for (int i = 0; i < n; i++) {
        if (policy[i] < 1) { /* and a tensor of no columns would pass for one of one dimension */
            return aft_fail(error, AFT_ERR_REFUSED, "its hidden layer %d has no units", i + 1);
        }
    }
    model->n_layers = n;
    memcpy(model->layers, policy, (size_t)n * sizeof *policy);
    return AFT_OK;
}

struct layout { /* walks the tensors in the order that an MlpPolicy has them in */
    const struct aft_torch_tensors *tensors;
    int next;
    bool fits;
    char expected[64]; /* the first that did not fit */
};

/* dim2 = 0: one dimension. */
static void expect(struct layout *layout, const char *name, int64_t dim, int64_t dim2)
{
    if (!layout->fits) {
        return;
    }
    const struct aft_archive_tensor *tensor = &layout->tensors->tensor[layout->next];
    layout->fits = layout->next < layout->tensors->n && strcmp(tensor->name, name) == 0 &&
                   tensor->n_dims == (dim2 > 0 ? 2 : 1) && tensor->dims[0] == dim &&
                   (dim2 == 0 || tensor->dims[1] == dim2);
    layout->next++;
    if (!layout->fits) {
        (void)snprintf(layout->expected, sizeof layout->expected, "%s", name);
    }
}

static void expect_linear(struct layout *layout, const char *name, int64_t out, int64_t in)
{
    char part[64];
    (void)snprintf(part, sizeof part, "%s.weight", name);
    expect(layout, part, out, in);
    (void)snprintf(part, sizeof part, "%s.bias", name);
    expect(layout, part, out, 0);
}

static enum aft_code check_layout(const struct aft_sb3_model *model,
                                  const struct aft_torch_tensors *tensors, struct aft_error *error)
{
    static const char *const nets[] = {"policy_net", "value_net"};
    struct layout layout = {.tensors = tensors, .fits = true};
    expect(&layout, "log_std", model->action_dim, 0);
    for (int net = 0; net < 2; net++) {
        int64_t width = model->obs_dim;
        for (int i = 0; i < model->n_layers; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "mlp_extractor.%s.%d", nets[net], 2 * i);
            expect_linear(&layout, name, model->layers[i], width);
            width = model->layers[i];
        }
    }
    int64_t last = model->layers[model->n_layers - 1];
    expect_linear(&layout, "action_net", model->action_dim, last);
    expect_linear(&layout, "value_net", 1, last);
    if (!layout.fits) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its parameters are not an MlpPolicy's: '%s' is missing, elsewhere, or of "
                        "another shape",
                        layout.expected);
    }
    return layout.next == tensors->n
               ? AFT_OK
               : aft_fail(error, AFT_ERR_REFUSED,
                          "its parameters are not an MlpPolicy's: there is '%.60s' as well",
                          tensors->tensor[layout.next].name);
}

/* Training adds to both; a double, as JSON's, counts this far. */
static enum aft_code check_counts(const struct aft_sb3_model *model,
                                  const struct aft_torch_adam *adam, struct aft_error *error)
{
    const int64_t most = INT64_C(1) << 53;
    if (model->num_timesteps > most || adam->step > most) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its num_timesteps or its Adam's step is beyond all counting");
    }
    if (adam->step > 0 && !adam->plain) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its Adam has other betas than 0.9 and 0.999, weight decay, or amsgrad");
    }
    return AFT_OK;
}

/* Means of squares, of which Adam takes the root. */
static enum aft_code check_second_moments(const struct aft_torch_tensors *tensors,
                                          struct aft_error *error)
{
    for (int i = 0; i < tensors->n; i++) {
        const struct aft_archive_tensor *tensor = &tensors->tensor[i];
        for (size_t k = 0; tensor->exp_avg_sq != NULL && k < tensor->count; k++) {
            if (tensor->exp_avg_sq[k] < 0.0F) {
                return aft_fail(error, AFT_ERR_REFUSED,
                                "its Adam's second moments of '%.60s' are negative", tensor->name);
            }
        }
    }
    return AFT_OK;
}

static enum aft_code read_model(struct aft_archive *archive, struct aft_error *error)
{
    struct aft_torch_adam adam;
    enum aft_code code = read_version(archive, error);
    if (code == AFT_OK) {
        code = read_data(archive, error);
    }
    if (code == AFT_OK) {
        code = aft_archive_read_tensors(archive, &adam, error);
    }
    if (code == AFT_OK) {
        code = read_layers(&archive->sb3, &archive->tensors, error);
    }
    if (code == AFT_OK) {
        code = check_layout(&archive->sb3, &archive->tensors, error);
    }
    if (code == AFT_OK) {
        code = check_counts(&archive->sb3, &adam, error);
    }
    if (code == AFT_OK) {
        code = check_second_moments(&archive->tensors, error);
    }
    if (code == AFT_OK) {
        code = aft_archive_hash_members(archive, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    archive->kind = AFT_ARCHIVE_SB3;
    archive->counters.total_steps = archive->sb3.num_timesteps;
    archive->counters.adam_step = adam.step;
    return aft_archive_hash_state(archive, error);
}

/* A zip without our digest is Stable-Baselines3's only if it has nothing of ours: what a zip
 * program has changed in an archive of ours is not to be believed. */
static enum aft_code read_foreign(struct aft_archive *archive, const void *bytes, size_t size,
                                  struct aft_error *error)
{
    const struct aft_zip_limits limits = {.members = AFT_MAX_MEMBERS,
                                          .total = aft_archive_unpacked_limit(size)};
    struct aft_error cause = {0};
    enum aft_code code = aft_zip_read(&archive->zip, bytes, size, &limits, &cause);
    if (code != AFT_OK) {
        return aft_fail(error, code,
                        "truncated, or no archive: it has no digest at its end, as ours have, and "
                        "for one of Stable-Baselines3: %.80s",
                        cause.message);
    }
    if (aft_zip_find(&archive->zip, AFT_MEMBER_MANIFEST) != NULL) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "no digest at its end: another program has changed this archive");
    }
    if (aft_zip_find(&archive->zip, AFT_MEMBER_DATA) == NULL ||
        aft_zip_find(&archive->zip, AFT_MEMBER_POLICY) == NULL) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "a zip, but neither an archive of ours nor of Stable-Baselines3");
    }
    return read_model(archive, error);
}

enum aft_code aft_archive_read_any_bytes(struct aft_archive **archive, const void *bytes,
                                         size_t size, struct aft_error *error)
{
    if (aft_archive_has_digest(bytes, size)) {
        return aft_archive_read_bytes(archive, bytes, size, error);
    }
    struct aft_archive *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "no memory");
    }
    enum aft_code code = read_foreign(opened, bytes, size, error);
    if (code != AFT_OK) {
        aft_archive_close(opened);
        if (error != NULL) {
            aft_make_printable(error->message); /* it quotes the file */
        }
        return code;
    }
    *archive = opened;
    return AFT_OK;
}
