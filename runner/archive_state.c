#include "runner/archive_state.h"

#include "environment/environment.h"
#include "runner/configure.h"
#include "runner/training_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct aft_network aft_network_of_model(const struct aft_sb3_model *model)
{
    struct aft_network network = {
        .obs_dim = model->obs_dim,
        .action_dim = model->action_dim,
        .n_hidden = model->n_layers,
        .activation = model->relu ? AFT_RELU : AFT_TANH,
    };
    _Static_assert((int)AFT_ARCHIVE_MAX_LAYERS <= (int)AFT_NETWORK_MAX_HIDDEN,
                   "what an archive may have is a network");
    for (int i = 0; i < model->n_layers; i++) {
        network.hidden[i] = model->layers[i];
    }
    return network;
}

static struct aft_training_header header_of_model(const struct aft_archive *archive)
{
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    struct aft_network network = aft_network_of_model(model);
    struct aft_training_header header = {
        .obs_dim = model->obs_dim,
        .action_dim = model->action_dim,
        .stage_complete = 1,
        .counters = *aft_archive_counters(archive),
        .parameter_count = aft_network_parameter_count(&network),
        .score = (double)NAN,
        .attempt = 1,
        .learning_rate_scale = 1,
    };
    aft_forget_completed(&header);
    (void)snprintf(header.engine, sizeof header.engine, "Stable-Baselines3 %s", model->version);
    return header;
}

/* Both have the parameters in Stable-Baselines3's order. */
static void copy_tensors(struct aft_training_state *state, const struct aft_archive_tensor *tensors,
                         int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        size_t bytes = tensors[i].count * sizeof(float);
        memcpy(state->parameters + at, tensors[i].value, bytes);
        if (tensors[i].exp_avg != NULL) { /* all have moments, or none */
            memcpy(state->adam_m + at, tensors[i].exp_avg, bytes);
            memcpy(state->adam_v + at, tensors[i].exp_avg_sq, bytes);
        }
        at += tensors[i].count;
    }
}

static enum aft_code state_of_model(void **bytes, size_t *size, const struct aft_archive *archive,
                                    struct aft_error *error)
{
    const struct aft_archive_tensor *tensors = NULL;
    int n = aft_archive_tensors(archive, &tensors);
    struct aft_training_header header = header_of_model(archive);
    struct aft_training_state state;
    *size = aft_training_state_size(&header);
    *bytes = calloc(1, *size);
    if (*bytes == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read Stable-Baselines3's model: no memory");
    }
    memcpy(*bytes, &header, sizeof header);
    aft_training_state_lay_out(&state, *bytes);
    copy_tensors(&state, tensors, n);
    for (int i = 0; i < header.obs_dim; i++) {
        state.variance[i] = 1;
    }
    return AFT_OK;
}

enum aft_code aft_training_state_of_archive(void **bytes, size_t *size,
                                            const struct aft_archive *archive,
                                            struct aft_error *error)
{
    if (aft_archive_sb3_model(archive) != NULL) {
        return state_of_model(bytes, size, archive, error);
    }
    const struct aft_archive_tensor *tensors = NULL;
    size_t packed_size = 0;
    const void *packed = aft_archive_member(archive, "state.bin", &packed_size);
    int n = aft_archive_tensors(archive, &tensors);
    return aft_training_state_unpack(bytes, size, packed, packed_size, tensors, n, error);
}

static void describe(char text[96], const struct aft_network *network)
{
    size_t used = 0;
    for (int i = 0; i < network->n_hidden && used < 80; i++) {
        used +=
            (size_t)snprintf(text + used, 96 - used, "%s%d", i > 0 ? "," : "", network->hidden[i]);
    }
    (void)snprintf(text + used, 96 - used, " %s",
                   network->activation == AFT_RELU ? "relu" : "tanh");
}

static enum aft_code check_network(const struct aft_sb3_model *model, const struct aft_stage *stage,
                                   const char *what, struct aft_error *error)
{
    struct aft_network its = aft_network_of_model(model);
    struct aft_network wanted = aft_network_of_settings(&stage->ppo, model->obs_dim);
    char its_text[96], wanted_text[96];
    describe(its_text, &its);
    describe(wanted_text, &wanted);
    if (strcmp(its_text, wanted_text) != 0) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "go on from '%.80s': its network is %s, the curriculum's ([ppo] network, "
                        "activation) %s",
                        what, its_text, wanted_text);
    }
    return AFT_OK;
}

static enum aft_code check_observation(const struct aft_sb3_model *model,
                                       const struct aft_curriculum *curriculum, int stage,
                                       const char *what, struct aft_error *error)
{
    struct aft_stage_environment setup;
    enum aft_code code = aft_configure_environment(&setup, curriculum, stage, error);
    if (code != AFT_OK) {
        return code;
    }
    int obs_dim = aft_environment_obs_dim(&setup.config);
    aft_stage_environment_clear(&setup);
    return model->obs_dim == obs_dim
               ? AFT_OK
               : aft_fail(error, AFT_ERR_REFUSED,
                          "go on from '%.100s': its policy observes %d values, the curriculum's "
                          "sensors make %d",
                          what, model->obs_dim, obs_dim);
}

enum aft_code aft_sb3_model_fits(const struct aft_sb3_model *model,
                                 const struct aft_curriculum *curriculum, int stage,
                                 const char *what, struct aft_error *error)
{
    enum aft_code code = check_observation(model, curriculum, stage, what, error);
    if (code == AFT_OK) {
        code = check_network(model, &curriculum->stages[stage - 1], what, error);
    }
    for (int i = stage - 1; i < curriculum->n_stages && code == AFT_OK; i++) {
        if (curriculum->stages[i].ppo.normalize_observation) {
            code = aft_fail(error, AFT_ERR_REFUSED,
                            "go on from '%.100s': stage %d normalises observations, and an archive "
                            "of Stable-Baselines3 has no statistics for it; set "
                            "ppo.normalize_observation = false",
                            what, i + 1);
        }
    }
    return code;
}
