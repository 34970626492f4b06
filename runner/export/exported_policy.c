#include "runner/export/exported_policy.h"

#include "base/random.h"
#include "environment/clamp.h"
#include "environment/observer.h"
#include "environment/plant.h"
#include "runner/configure.h"
#include "runner/training_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKED_ROWS = 64 };

/* --- the network --- */

static enum aft_code take_parameters(struct aft_exported_policy *policy,
                                     const struct aft_trained_policy *trained,
                                     struct aft_error *error)
{
    size_t n = aft_network_parameter_count(&policy->network);
    float *block = calloc(3 * n, sizeof *block); /* with the moments, which nobody wants */
    if (block == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "export a policy: out of memory");
    }
    policy->parameters = block;
    struct aft_engine_state state = {block, block + n, block + 2 * n, 0};
    return trained->engine.use->export_state(trained->engine.self, &state, error);
}

/* The policy's net among the tensors: SB3's names say which they are. */
static void find_layers(struct aft_exported_policy *policy)
{
    for (int i = 0; i < aft_network_tensor_count(&policy->network); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, &policy->network, i);
        bool hidden = strncmp(tensor.name, "mlp_extractor.policy_net.", 25) == 0;
        if (!hidden && strncmp(tensor.name, "action_net.", 11) != 0) {
            continue;
        }
        struct aft_exported_layer *layer = &policy->layer[policy->n_layers];
        if (tensor.n_dims == 2) {
            layer->out = tensor.dims[0];
            layer->in = tensor.dims[1];
            layer->weight = policy->parameters + tensor.offset;
        } else {
            layer->bias = policy->parameters + tensor.offset;
            policy->n_layers++;
        }
    }
}

static enum aft_code take_normaliser(struct aft_exported_policy *policy,
                                     const struct aft_normaliser *normaliser,
                                     struct aft_error *error)
{
    size_t dim = (size_t)normaliser->dim;
    policy->normalised = normaliser->enabled;
    policy->shift = calloc(dim, sizeof *policy->shift);
    policy->scale = calloc(dim, sizeof *policy->scale);
    if (policy->shift == NULL || policy->scale == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "export a policy: out of memory");
    }
    memcpy(policy->shift, normaliser->shift, dim * sizeof *policy->shift);
    memcpy(policy->scale, normaliser->scale, dim * sizeof *policy->scale);
    return AFT_OK;
}

/* --- what becomes of its action --- */

static enum aft_code set_up_sensors(struct aft_exported_policy *policy,
                                    const struct aft_environment_config *config,
                                    struct aft_error *error)
{
    struct aft_plant *plant = NULL;
    policy->control_step_s = config->dt_s * config->control_every;
    enum aft_code code =
        aft_plant_create(&plant, &config->building, &config->actuator, true, config->dt_s, error);
    if (code == AFT_OK) {
        code = aft_sensors_init(&policy->sensors, &config->sensors, plant, policy->control_step_s,
                                error);
    }
    if (code == AFT_OK) {
        code = aft_sensors_assist(&policy->sensors, &policy->observer, config, error);
    }
    aft_plant_destroy(plant);
    return code;
}

static enum aft_code take_environment(struct aft_exported_policy *policy,
                                      const struct aft_trained_policy *trained,
                                      struct aft_error *error)
{
    struct aft_stage_environment setup;
    enum aft_code code =
        aft_configure_environment(&setup, trained->curriculum, trained->stage, error);
    if (code != AFT_OK) {
        return code;
    }
    code = set_up_sensors(policy, &setup.config, error);
    aft_stage_environment_clear(&setup);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_observation_layout *layout = &policy->layout;
    aft_observation_layout(layout, &policy->sensors);
    if (layout->n != trained->obs_dim) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "export: the policy observes %d values, its sensors make %d",
                        trained->obs_dim, layout->n);
    }
    policy->force_limit_n = policy->sensors.force_limit_n;
    policy->guard = aft_sensors_guard(&policy->sensors);
    if (layout->nominal >= 0) {
        policy->nominal_factor = layout->entry[layout->nominal].scale / policy->force_limit_n;
    }
    return AFT_OK;
}

/* --- where it is from --- */

struct aft_json *aft_exported_policy_entries(const struct aft_exported_policy *policy)
{
    const struct aft_observation_layout *layout = &policy->layout;
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < layout->n; i++) {
        struct aft_json *entry = aft_json_object();
        aft_json_set_string(entry, "name", layout->entry[i].name);
        aft_json_set_string(entry, "unit", layout->entry[i].unit);
        aft_json_set_real(entry, "scale", (double)layout->entry[i].scale);
        aft_json_append(list, entry);
    }
    return list;
}

static void set_number(struct aft_json *object, const char *key, double number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.9g", number);
    aft_json_set_string(object, key, text);
}

static enum aft_code set_json(struct aft_json *object, const char *key, struct aft_json *value,
                              struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    enum aft_code code = aft_json_write(&text, &size, value, false, error);
    aft_json_destroy(value);
    if (code == AFT_OK) {
        aft_json_set_string(object, key, text);
    }
    free(text);
    return code;
}

static enum aft_code describe(struct aft_exported_policy *policy,
                              const struct aft_trained_policy *trained, struct aft_error *error)
{
    const struct aft_stage *stage = &trained->curriculum->stages[trained->stage - 1];
    struct aft_json *metadata = policy->metadata = aft_json_object();
    aft_json_set_string(metadata, "producer", "aftershock " AFT_VERSION);
    aft_json_set_string(metadata, "run", trained->curriculum->run.name);
    set_number(metadata, "stage", trained->stage);
    aft_json_set_string(metadata, "stage_name", stage->name);
    aft_json_set_string(metadata, "archive_kind",
                        aft_archive_kind_name(aft_archive_kind(trained->archive)));
    aft_json_set_string(metadata, "weights_sha256", aft_archive_weights_hash(trained->archive));
    set_number(metadata, "force_limit_n", (double)policy->force_limit_n);
    set_number(metadata, "control_step_s", policy->control_step_s);
    set_number(metadata, "latency_steps", policy->sensors.config.latency_steps);
    aft_json_set_string(metadata, "activation",
                        policy->network.activation == AFT_TANH ? "tanh" : "relu");
    if (policy->normalised) {
        set_number(metadata, "observation_clip", (double)AFT_NORMALISER_CLIP);
    }
    aft_json_set_string(metadata, "units",
                        "force_n: newtons; action: share of force_limit_n; an entry of obs times "
                        "its scale is in its unit");
    return set_json(metadata, "observation", aft_exported_policy_entries(policy), error);
}

/* --- does the description act as the policy does? --- */

static double activate(enum aft_activation activation, double x)
{
    return activation == AFT_TANH ? tanh(x) : x > 0.0 ? x : 0.0;
}

/* In double precision, as the head of exported_policy.h says; x and y have room for any layer. */
static double action_of(const struct aft_exported_policy *policy, const float *obs, double *x,
                        double *y)
{
    for (int i = 0; i < policy->layout.n; i++) {
        double z = ((double)obs[i] - (double)policy->shift[i]) * (double)policy->scale[i];
        x[i] = policy->normalised
                   ? aft_clamp(z, -(double)AFT_NORMALISER_CLIP, (double)AFT_NORMALISER_CLIP)
                   : (double)obs[i];
    }
    for (int k = 0; k < policy->n_layers; k++) {
        const struct aft_exported_layer *layer = &policy->layer[k];
        for (int i = 0; i < layer->out; i++) {
            double sum = (double)layer->bias[i];
            for (int j = 0; j < layer->in; j++) {
                sum += (double)layer->weight[(size_t)i * (size_t)layer->in + (size_t)j] * x[j];
            }
            bool head = k == policy->n_layers - 1;
            y[i] = head ? aft_clamp(sum, -1.0, 1.0) : activate(policy->network.activation, sum);
        }
        double *made = y;
        y = x;
        x = made;
    }
    return x[0];
}

int aft_exported_policy_widest(const struct aft_exported_policy *policy)
{
    int width = policy->layout.n;
    for (int k = 0; k < policy->n_layers; k++) {
        width = policy->layer[k].out > width ? policy->layer[k].out : width;
    }
    return width;
}

static enum aft_code check_actions(const struct aft_exported_policy *policy,
                                   struct aft_trained_policy *trained, float *obs, double *values,
                                   struct aft_error *error)
{
    float actions[CHECKED_ROWS];
    size_t dim = (size_t)policy->layout.n;
    aft_random_normal_f32(obs, CHECKED_ROWS * dim, aft_random_key(0, 0, AFT_RANDOM_TEST_MOTION), 0,
                          0, 0);
    enum aft_code code = aft_trained_policy_act(trained, CHECKED_ROWS, obs, actions, error);
    for (int i = 0; i < CHECKED_ROWS && code == AFT_OK; i++) {
        double expected = aft_clamp((double)actions[i], -1.0, 1.0);
        double described = action_of(policy, obs + (size_t)i * dim, values,
                                     values + aft_exported_policy_widest(policy));
        if (!(fabs(expected - described) <= 1e-4)) {
            return aft_fail(error, AFT_ERR_NUMERIC,
                            "export: what is written would act %g where the policy acts %g",
                            described, expected);
        }
    }
    return code;
}

static enum aft_code check(const struct aft_exported_policy *policy,
                           struct aft_trained_policy *trained, struct aft_error *error)
{
    float *obs = calloc(CHECKED_ROWS * (size_t)policy->layout.n, sizeof *obs);
    double *values = calloc(2 * (size_t)aft_exported_policy_widest(policy), sizeof *values);
    enum aft_code code = AFT_ERR_MEMORY;
    if (obs != NULL && values != NULL) {
        code = check_actions(policy, trained, obs, values, error);
    } else {
        (void)aft_fail(error, code, "export a policy: out of memory");
    }
    free(obs);
    free(values);
    return code;
}

enum aft_code aft_exported_policy_init(struct aft_exported_policy *policy,
                                       struct aft_trained_policy *trained, struct aft_error *error)
{
    memset(policy, 0, sizeof *policy);
    policy->network = trained->network;
    enum aft_code code = take_parameters(policy, trained, error);
    if (code == AFT_OK) {
        find_layers(policy);
        code = take_normaliser(policy, &trained->normaliser, error);
    }
    if (code == AFT_OK) {
        code = take_environment(policy, trained, error);
    }
    if (code == AFT_OK) {
        code = describe(policy, trained, error);
    }
    if (code == AFT_OK) {
        code = check(policy, trained, error);
    }
    if (code != AFT_OK) {
        aft_exported_policy_clear(policy);
    }
    return code;
}

void aft_exported_policy_clear(struct aft_exported_policy *policy)
{
    free(policy->parameters);
    free(policy->shift);
    free(policy->scale);
    aft_observer_destroy(policy->observer);
    aft_json_destroy(policy->metadata);
    memset(policy, 0, sizeof *policy);
}
