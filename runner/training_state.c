#include "runner/training_state.h"

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

size_t aft_training_state_size(const struct aft_training_header *header)
{
    return sizeof *header + network_bytes(header) + padding(header) + normaliser_bytes(header) +
           header->trainer_size;
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
    state->trainer = at + normaliser_bytes(state->header);
}

static bool header_is_sane(const struct aft_training_header *header)
{
    return header->magic == STATE_MAGIC && header->version == AFT_TRAINING_STATE_VERSION &&
           header->obs_dim > 0 && header->obs_dim < SANE_SIZE / 64 && header->action_dim > 0 &&
           header->parameter_count < SANE_SIZE && header->trainer_size < SANE_SIZE &&
           header->n_scores >= 0 && header->n_scores <= AFT_MAX_STAGES && header->n_metrics >= 0 &&
           header->n_metrics <= AFT_ENV_MAX_METRICS && header->counters.stage >= 0 &&
           header->counters.steps >= 0;
}

enum aft_code aft_training_state_view(struct aft_training_state *state, void *bytes, size_t size,
                                      struct aft_error *error)
{
    const struct aft_training_header *header = bytes;
    if (size < sizeof *header || !header_is_sane(header) ||
        aft_training_state_size(header) != size) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read training state: not one of this version");
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
    size_t rest = normaliser_bytes(header) + header->trainer_size;
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
    if (packed == NULL || packed_size < sizeof header) {
        return aft_fail(error, AFT_ERR_CORRUPT, "read state.bin: it is missing or too short");
    }
    memcpy(&header, packed, sizeof header);
    if (!header_is_sane(&header) ||
        packed_size != sizeof header + normaliser_bytes(&header) + header.trainer_size ||
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
