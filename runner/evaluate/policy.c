#include "runner/evaluate/policy.h"

#include "environment/environment.h"
#include "runner/archive_curriculum.h"
#include "runner/archive_state.h"
#include "runner/configure.h"
#include "runner/training_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 256 }; /* rows of one call of the engine: an action's bits depend on it */

/* An archive of Stable-Baselines3 carries none. */
static enum aft_code load_curriculum(struct aft_trained_policy *policy,
                                     const struct aft_policy_source *source,
                                     struct aft_error *error)
{
    const char *path = source->curriculum_path != NULL ? source->curriculum_path : "stages.ini";
    if (source->curriculum_path == NULL && access(path, F_OK) != 0) {
        return aft_fail(
            error, AFT_ERR_USAGE,
            "load policy '%.100s': an archive of Stable-Baselines3 carries no curriculum, "
            "and there is no stages.ini here; name one with --curriculum FILE",
            source->path);
    }
    enum aft_code code = aft_curriculum_load(&policy->curriculum, path, source->overrides,
                                             source->n_overrides, error);
    if (code != AFT_OK) {
        policy->curriculum = NULL;
        return code;
    }
    policy->stage = policy->curriculum->n_stages;
    return AFT_OK;
}

/* The archive's curriculum, as the run read it and as the caller wants it changed. */
static enum aft_code read_curriculum(struct aft_trained_policy *policy,
                                     const struct aft_policy_source *source,
                                     struct aft_error *error)
{
    enum aft_code code = aft_curriculum_of_archive(&policy->curriculum, policy->archive,
                                                   source->overrides, source->n_overrides, error);
    if (code != AFT_OK) {
        policy->curriculum = NULL;
        return code == AFT_ERR_MISSING
                   ? aft_fail(error, AFT_ERR_REFUSED, "load policy '%s': it has no curriculum.ini",
                              source->path)
                   : code;
    }
    policy->stage = (int)aft_archive_counters(policy->archive)->stage;
    if (policy->stage < 1 || policy->stage > policy->curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "load policy '%s': its stage %d is not in its curriculum", source->path,
                        policy->stage);
    }
    return AFT_OK;
}

static enum aft_code find_curriculum(struct aft_trained_policy *policy,
                                     const struct aft_policy_source *source,
                                     struct aft_error *error)
{
    return aft_archive_sb3_model(policy->archive) != NULL ? load_curriculum(policy, source, error)
                                                          : read_curriculum(policy, source, error);
}

static enum aft_code check_sensors(const struct aft_trained_policy *policy, struct aft_error *error)
{
    struct aft_stage_environment setup;
    enum aft_code code =
        aft_configure_environment(&setup, policy->curriculum, policy->stage, error);
    if (code != AFT_OK) {
        return code;
    }
    int obs_dim = aft_environment_obs_dim(&setup.config);
    aft_stage_environment_clear(&setup);
    if (obs_dim != policy->obs_dim) {
        bool has_own = aft_archive_sb3_model(policy->archive) == NULL; /* changed by an override */
        return aft_fail(error, has_own ? AFT_ERR_USAGE : AFT_ERR_REFUSED,
                        "load policy: the policy observes %d values, these sensors make %d",
                        policy->obs_dim, obs_dim);
    }
    return AFT_OK;
}

static enum aft_code open_engine(struct aft_trained_policy *policy,
                                 const struct aft_policy_source *source,
                                 const struct aft_training_state *state, struct aft_error *error)
{
    const struct aft_sb3_model *model = aft_archive_sb3_model(policy->archive);
    policy->network = model != NULL ? aft_network_of_model(model)
                                    : aft_network_of_settings(&policy->curriculum->stages[0].ppo,
                                                              policy->obs_dim);
    struct aft_engine_config config = {
        .network = policy->network,
        .max_rows = BATCH,
        .max_batch = 1,
        .act_slots = 1,
        .device = source->device,
        .pool = policy->pool,
    };
    struct aft_engine_state weights = {
        .parameters = state->parameters,
        .adam_m = state->adam_m,
        .adam_v = state->adam_v,
        .adam_step = state->header->counters.adam_step,
    };
    if (state->header->parameter_count != aft_network_parameter_count(&config.network)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "load policy: the weights are not of the curriculum's network");
    }
    enum aft_code code = aft_engine_open(&policy->engine, source->engine, &config, error);
    return code == AFT_OK ? policy->engine.use->import_state(policy->engine.self, &weights, error)
                          : code;
}

static enum aft_code take_normaliser(struct aft_trained_policy *policy,
                                     const struct aft_training_state *state,
                                     struct aft_error *error)
{
    struct aft_normaliser *normaliser = &policy->normaliser;
    size_t dim = (size_t)policy->obs_dim;
    bool enabled = aft_archive_sb3_model(policy->archive) == NULL &&
                   policy->curriculum->stages[policy->stage - 1].ppo.normalize_observation;
    enum aft_code code = aft_normaliser_init(normaliser, policy->obs_dim, enabled, error);
    if (code != AFT_OK) {
        return code;
    }
    memcpy(normaliser->mean, state->mean, dim * sizeof *state->mean);
    memcpy(normaliser->variance, state->variance, dim * sizeof *state->variance);
    normaliser->count = state->header->normaliser_count;
    aft_normaliser_refresh(normaliser);
    policy->normalised = calloc(BATCH * dim, sizeof *policy->normalised);
    return policy->normalised != NULL
               ? AFT_OK
               : aft_fail(error, AFT_ERR_MEMORY, "load policy: out of memory");
}

static enum aft_code take_state(struct aft_trained_policy *policy,
                                const struct aft_policy_source *source, struct aft_error *error)
{
    struct aft_training_state state;
    void *bytes = NULL;
    size_t size = 0;
    enum aft_code code = aft_training_state_of_archive(&bytes, &size, policy->archive, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_training_state_lay_out(&state, bytes);
    policy->obs_dim = state.header->obs_dim;
    code = check_sensors(policy, error);
    if (code == AFT_OK) {
        code = open_engine(policy, source, &state, error);
    }
    if (code == AFT_OK) {
        code = take_normaliser(policy, &state, error);
    }
    free(bytes);
    return code;
}

enum aft_code aft_trained_policy_open(struct aft_trained_policy *policy,
                                      const struct aft_policy_source *source,
                                      struct aft_error *error)
{
    memset(policy, 0, sizeof *policy);
    enum aft_code code = aft_archive_open_any(&policy->archive, source->path, error);
    if (code != AFT_OK) {
        policy->archive = NULL;
        return code;
    }
    code = find_curriculum(policy, source, error);
    if (code == AFT_OK) {
        code = aft_thread_pool_create(&policy->pool, source->threads, error);
    }
    if (code == AFT_OK) {
        code = take_state(policy, source, error);
    }
    if (code != AFT_OK) {
        aft_trained_policy_close(policy);
    }
    return code;
}

void aft_trained_policy_close(struct aft_trained_policy *policy)
{
    aft_engine_close(&policy->engine);
    aft_normaliser_clear(&policy->normaliser);
    free(policy->normalised);
    aft_thread_pool_destroy(policy->pool);
    aft_curriculum_destroy(policy->curriculum);
    aft_archive_close(policy->archive);
    memset(policy, 0, sizeof *policy);
}

enum aft_code aft_trained_policy_act(void *policy, int n, const float *obs, float *actions,
                                     struct aft_error *error)
{
    struct aft_trained_policy *self = policy;
    for (int first = 0; first < n; first += BATCH) {
        int rows = n - first < BATCH ? n - first : BATCH;
        const float *raw = obs + (size_t)first * (size_t)self->obs_dim;
        if (!aft_normaliser_apply(&self->normaliser, rows, raw, self->normalised)) {
            return aft_fail(error, AFT_ERR_NUMERIC, "act: an observation is not finite");
        }
        enum aft_code code = self->engine.use->act(self->engine.self, 0, rows, self->normalised,
                                                   NULL, actions + first, NULL, NULL, error);
        if (code != AFT_OK) {
            return code;
        }
    }
    return AFT_OK;
}
