#include "runner/training_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t STATE_MAGIC = 0x0031455441545346u;
enum { ACTION_DIM = 1, SANE_SIZE = 1 << 30 };

static size_t network_bytes(const struct aft_training_header *header)
{
    return 3 * header->parameter_count * sizeof(float);
}

static size_t normaliser_bytes(const struct aft_training_header *header)
{
    return 2 * (size_t)header->obs_dim * sizeof(double);
}

/* Keeps what follows the floats aligned for doubles. */
static size_t padding(const struct aft_training_header *header)
{
    return network_bytes(header) % sizeof(double);
}

static size_t beginning_bytes(const struct aft_training_header *header)
{
    return header->beginning_count == 0
               ? 0
               : normaliser_bytes(header) + network_bytes(header) + padding(header);
}

size_t aft_training_state_size(const struct aft_training_header *header)
{
    return sizeof *header + network_bytes(header) + padding(header) + normaliser_bytes(header) +
           beginning_bytes(header) + header->trainer_size;
}

static void lay_out_beginning(struct aft_training_state *state, unsigned char *at)
{
    size_t count = state->header->beginning_count;
    state->beginning_mean = state->beginning_variance = NULL;
    state->beginning_parameters = state->beginning_m = state->beginning_v = NULL;
    if (count == 0) {
        return;
    }
    state->beginning_mean = (double *)(void *)at;
    state->beginning_variance = state->beginning_mean + state->header->obs_dim;
    at += normaliser_bytes(state->header);
    state->beginning_parameters = (float *)(void *)at;
    state->beginning_m = state->beginning_parameters + count;
    state->beginning_v = state->beginning_m + count;
    memset(at + network_bytes(state->header), 0, padding(state->header));
}

void aft_training_state_lay_out(struct aft_training_state *state, void *bytes)
{
    unsigned char *at = bytes;
    state->header = bytes;
    state->header->magic = STATE_MAGIC;
    state->header->version = AFT_TRAINING_STATE_VERSION;
    size_t count = state->header->parameter_count;
    at += sizeof *state->header;
    state->parameters = (float *)(void *)at;
    state->adam_m = state->parameters + count;
    state->adam_v = state->adam_m + count;
    at += network_bytes(state->header);
    memset(at, 0, padding(state->header));
    at += padding(state->header);
    state->mean = (double *)(void *)at;
    state->variance = state->mean + state->header->obs_dim;
    at += normaliser_bytes(state->header);
    state->trainer = at + beginning_bytes(state->header);
    lay_out_beginning(state, at);
}

static bool attempts_are_sane(const struct aft_training_header *header)
{
    return header->attempt >= 1 && header->attempt <= AFT_MAX_ATTEMPTS && header->n_attempts >= 0 &&
           header->n_attempts <= header->attempt && isfinite(header->learning_rate_scale) &&
           (header->beginning_count == 0 || header->beginning_count == header->parameter_count);
}

static bool header_is_sane(const struct aft_training_header *header)
{
    return attempts_are_sane(header) && header->obs_dim > 0 && header->obs_dim < SANE_SIZE / 64 &&
           header->action_dim > 0 && header->parameter_count < SANE_SIZE &&
           header->trainer_size < SANE_SIZE && header->n_scores >= 0 &&
           header->n_scores <= AFT_MAX_STAGES && header->n_metrics >= 0 &&
           header->n_metrics <= AFT_ENV_MAX_METRICS && header->counters.stage >= 0 &&
           header->counters.steps >= 0;
}

/* Magic and version stand at the same place in every version. */
static enum aft_code check_version(const void *bytes, size_t size, struct aft_error *error)
{
    struct aft_training_header start;
    if (bytes == NULL || size < offsetof(struct aft_training_header, obs_dim)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read training state: missing or too short");
    }
    memcpy(&start, bytes, offsetof(struct aft_training_header, obs_dim));
    if (start.magic != STATE_MAGIC) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read training state: it is not one");
    }
    if (start.version != AFT_TRAINING_STATE_VERSION) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "read training state: its layout is version %u, and this program's is %d: "
                        "go on with the version that wrote it, or begin anew with --fresh",
                        start.version, AFT_TRAINING_STATE_VERSION);
    }
    return size >= sizeof start
               ? AFT_OK
               : aft_fail(error, AFT_ERR_CORRUPT, "read training state: too short");
}

enum aft_code aft_training_state_view(struct aft_training_state *state, void *bytes, size_t size,
                                      struct aft_error *error)
{
    enum aft_code code = check_version(bytes, size, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_training_header *header = bytes;
    if (!header_is_sane(header) || aft_training_state_size(header) != size) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read training state: it contradicts itself");
    }
    aft_training_state_lay_out(state, bytes);
    state->header->engine[sizeof state->header->engine - 1] = '\0';
    for (int i = 0; i < AFT_ENV_MAX_METRICS; i++) {
        state->header->metric_names[i][sizeof *state->header->metric_names - 1] = '\0';
    }
    return AFT_OK;
}

enum aft_code aft_training_state_pack(void **bytes, size_t *size,
                                      const struct aft_training_state *state,
                                      struct aft_error *error)
{
    const struct aft_training_header *header = state->header;
    size_t rest = normaliser_bytes(header) + beginning_bytes(header) + header->trainer_size;
    unsigned char *packed = malloc(sizeof *header + rest);
    if (packed == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "pack training state: no memory");
    }
    memcpy(packed, header, sizeof *header);
    memcpy(packed + sizeof *header, state->mean, rest);
    *bytes = packed;
    *size = sizeof *header + rest;
    return AFT_OK;
}

static size_t tensor_total(const struct aft_archive_tensor *tensors, int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        total += tensors[i].exp_avg != NULL && tensors[i].exp_avg_sq != NULL ? tensors[i].count : 0;
    }
    return total;
}

static void copy_tensors(struct aft_training_state *state, const struct aft_archive_tensor *tensors,
                         int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        size_t bytes = tensors[i].count * sizeof(float);
        memcpy(state->parameters + at, tensors[i].value, bytes);
        memcpy(state->adam_m + at, tensors[i].exp_avg, bytes);
        memcpy(state->adam_v + at, tensors[i].exp_avg_sq, bytes);
        at += tensors[i].count;
    }
}

enum aft_code aft_training_state_unpack(void **bytes, size_t *size, const void *packed,
                                        size_t packed_size,
                                        const struct aft_archive_tensor *tensors, int n_tensors,
                                        struct aft_error *error)
{
    struct aft_training_header header;
    enum aft_code code = check_version(packed, packed_size, error);
    if (code != AFT_OK) {
        return code;
    }
    memcpy(&header, packed, sizeof header);
    if (!header_is_sane(&header) ||
        packed_size != sizeof header + normaliser_bytes(&header) + beginning_bytes(&header) +
                           header.trainer_size ||
        tensor_total(tensors, n_tensors) != header.parameter_count) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "read state.bin: it does not fit the archive's network");
    }
    unsigned char *whole = malloc(aft_training_state_size(&header));
    if (whole == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read state.bin: no memory");
    }
    struct aft_training_state state;
    memcpy(whole, &header, sizeof header);
    aft_training_state_lay_out(&state, whole);
    copy_tensors(&state, tensors, n_tensors);
    memcpy(state.mean, (const unsigned char *)packed + sizeof header, packed_size - sizeof header);
    *bytes = whole;
    *size = aft_training_state_size(&header);
    return AFT_OK;
}

void aft_forget_completed(struct aft_training_header *header)
{
    for (int i = 0; i < AFT_MAX_STAGES; i++) {
        header->completed[i] = (double)NAN;
    }
}

struct aft_network aft_network_of_settings(const struct aft_ppo_settings *ppo, int obs_dim)
{
    struct aft_network network = {
        .obs_dim = obs_dim,
        .action_dim = ACTION_DIM,
        .n_hidden = ppo->network.n,
        .activation = ppo->activation == AFT_ACTIVATION_RELU ? AFT_RELU : AFT_TANH,
    };
    for (int i = 0; i < ppo->network.n; i++) {
        network.hidden[i] = ppo->network.value[i];
    }
    return network;
}
