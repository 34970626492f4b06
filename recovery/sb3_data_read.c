#include "recovery/sb3_data.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 8 << 20 }; /* parsed, JSON takes some 70 times its size */

#define CLASS(name) "<class '" name "'>"
#define BOX CLASS("gymnasium.spaces.box.Box")

/* In clear, Stable-Baselines3 names a class as Python prints it. */
static const char *in_clear(const struct aft_json *value)
{
    return aft_json_string_value(value, "something else");
}

static enum aft_code check_algorithm(const struct aft_json *data, struct aft_error *error)
{
    static const char *const keys_of_ppo[] = {"clip_range", "n_epochs", "gae_lambda"};
    const struct aft_json *policy = aft_json_get(data, "policy_class");
    const char *module = aft_json_get_string(policy, "__module__", "an unknown module");
    for (size_t i = 0; i < sizeof keys_of_ppo / sizeof *keys_of_ppo; i++) {
        if (aft_json_get(data, keys_of_ppo[i]) == NULL) {
            return aft_fail(error, AFT_ERR_REFUSED,
                            "it is no PPO model: it has no '%s'; its policy is of %.80s",
                            keys_of_ppo[i], module);
        }
    }
    if (strcmp(module, "stable_baselines3.common.policies") != 0) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its policy is of %.80s, not Stable-Baselines3's MlpPolicy", module);
    }
    if (aft_json_get_boolean(data, "use_sde", false)) {
        return aft_fail(error, AFT_ERR_REFUSED, "it explores with use_sde");
    }
    return AFT_OK;
}

/* Length of a Box of one dimension. */
static enum aft_code read_box(int *length, const struct aft_json *space, const char *what,
                              struct aft_error *error)
{
    const char *type = in_clear(aft_json_get(space, ":type:"));
    const struct aft_json *shape = aft_json_get(space, "_shape");
    if (strcmp(type, BOX) != 0) {
        return aft_fail(error, AFT_ERR_REFUSED, "its %s space is %.80s, not a Box", what, type);
    }
    if (!aft_json_is_array(shape) || aft_json_length(shape) != 1) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its %s space has %zu dimensions (images?), not one", what,
                        aft_json_length(shape));
    }
    int64_t n = aft_json_integer_value(aft_json_at(shape, 0), -1);
    if (n < 1 || n > INT16_MAX) {
        return aft_fail(error, AFT_ERR_REFUSED, "its %s space has no sensible length", what);
    }
    const char *dtype = in_clear(aft_json_get(space, "dtype"));
    if (strcmp(dtype, "float32") != 0 && strcmp(dtype, "float64") != 0) {
        return aft_fail(error, AFT_ERR_REFUSED, "its %s space is of %.40s, not of floats", what,
                        dtype);
    }
    *length = (int)n;
    return AFT_OK;
}

static bool is_number(const char *text, double number)
{
    char *end = NULL;
    double value = strtod(text, &end);
    return end != text && *end == '\0' && value == number;
}

static enum aft_code read_spaces(struct aft_sb3_model *model, const struct aft_json *data,
                                 struct aft_error *error)
{
    const struct aft_json *actions = aft_json_get(data, "action_space");
    const char *low = in_clear(aft_json_get(actions, "low_repr"));
    const char *high = in_clear(aft_json_get(actions, "high_repr"));
    enum aft_code code =
        read_box(&model->obs_dim, aft_json_get(data, "observation_space"), "observation", error);
    if (code == AFT_OK) {
        code = read_box(&model->action_dim, actions, "action", error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (model->action_dim != 1) {
        return aft_fail(error, AFT_ERR_REFUSED, "it has %d actions; the building takes one",
                        model->action_dim);
    }
    if (!is_number(low, -1) || !is_number(high, 1)) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "its actions go from %.20s to %.20s, the building's from -1 to 1", low,
                        high);
    }
    return AFT_OK;
}

enum kwarg {
    KWARG_ANYTHING, /* it does not change what the policy computes, or the tensors tell */
    KWARG_FALSE,
    KWARG_EMPTY,
    KWARG_CLASS,
    KWARG_ACTIVATION,
};

static const struct {
    const char *name;
    enum kwarg may_be;
    const char *class_name;
} kwargs[] = {
    {"net_arch", KWARG_ANYTHING, NULL},
    {"activation_fn", KWARG_ACTIVATION, NULL},
    {"ortho_init", KWARG_ANYTHING, NULL},
    {"log_std_init", KWARG_ANYTHING, NULL},
    {"share_features_extractor", KWARG_ANYTHING, NULL},
    {"normalize_images", KWARG_ANYTHING, NULL},
    {"full_std", KWARG_ANYTHING, NULL},         /* these two are of use_sde */
    {"use_expln", KWARG_ANYTHING, NULL},        /* alone */
    {"optimizer_kwargs", KWARG_ANYTHING, NULL}, /* policy.optimizer.pth states them */
    {"use_sde", KWARG_FALSE, NULL},
    {"squash_output", KWARG_FALSE, NULL},
    {"features_extractor_kwargs", KWARG_EMPTY, NULL},
    {"features_extractor_class", KWARG_CLASS,
     CLASS("stable_baselines3.common.torch_layers.FlattenExtractor")},
    {"optimizer_class", KWARG_CLASS, CLASS("torch.optim.adam.Adam")},
};
enum { N_KWARGS = sizeof kwargs / sizeof *kwargs };

static bool read_activation(struct aft_sb3_model *model, const char *text)
{
    model->relu = strcmp(text, CLASS("torch.nn.modules.activation.ReLU")) == 0;
    return model->relu || strcmp(text, CLASS("torch.nn.modules.activation.Tanh")) == 0;
}

static enum aft_code read_kwarg(struct aft_sb3_model *model, const struct aft_json *given,
                                const char *name, struct aft_error *error)
{
    const struct aft_json *value = aft_json_get(given, name);
    bool fits = false;
    int i = 0;
    while (i < N_KWARGS && strcmp(kwargs[i].name, name) != 0) {
        i++;
    }
    if (i == N_KWARGS) {
        return aft_fail(error, AFT_ERR_REFUSED, "its policy_kwargs have an unknown '%.60s'", name);
    }
    switch (kwargs[i].may_be) {
    case KWARG_ANYTHING:
        fits = true;
        break;
    case KWARG_FALSE:
        fits = !aft_json_get_boolean(given, name, true);
        break;
    case KWARG_EMPTY:
        fits =
            aft_json_is_null(value) || (aft_json_is_object(value) && aft_json_length(value) == 0);
        break;
    case KWARG_CLASS:
        fits = strcmp(in_clear(value), kwargs[i].class_name) == 0;
        break;
    case KWARG_ACTIVATION:
        fits = read_activation(model, in_clear(value));
        break;
    }
    return fits ? AFT_OK
                : aft_fail(error, AFT_ERR_REFUSED, "its policy has %s = %.100s", name,
                           aft_json_is_object(value) ? "{…}" : in_clear(value));
}

/* Without an activation_fn it is Tanh. */
static enum aft_code read_policy_kwargs(struct aft_sb3_model *model, const struct aft_json *data,
                                        struct aft_error *error)
{
    const struct aft_json *given = aft_json_get(data, "policy_kwargs");
    if (!aft_json_is_object(given)) {
        return aft_fail(error, AFT_ERR_REFUSED, "it does not state its policy_kwargs");
    }
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i < aft_json_length(given) && code == AFT_OK; i++) {
        const char *name = aft_json_key_at(given, i, NULL);
        if (strcmp(name, ":type:") != 0 && strcmp(name, ":serialized:") != 0) {
            code = read_kwarg(model, given, name, error);
        }
    }
    return code;
}

static enum aft_code read_data(struct aft_sb3_model *model, const struct aft_json *data,
                               struct aft_error *error)
{
    enum aft_code code = check_algorithm(data, error);
    if (code == AFT_OK) {
        code = read_spaces(model, data, error);
    }
    if (code == AFT_OK) {
        code = read_policy_kwargs(model, data, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    model->num_timesteps = aft_json_get_integer(data, "num_timesteps", -1);
    if (model->num_timesteps < 0) {
        return aft_fail(error, AFT_ERR_REFUSED, "its num_timesteps is no count");
    }
    /* SB3 keeps the observation as it was before VecNormalize, where there is one. */
    const struct aft_json *original = aft_json_get(data, "_last_original_obs");
    model->vec_normalize = original != NULL && !aft_json_is_null(original);
    return AFT_OK;
}

enum aft_code aft_sb3_data_read(struct aft_sb3_model *model, const char *text, size_t size,
                                struct aft_error *error)
{
    struct aft_json *data = NULL;
    memset(model, 0, sizeof *model);
    if (size > TEXT_LIMIT) {
        return aft_fail(error, AFT_ERR_CORRUPT, "it is absurdly long");
    }
    enum aft_code code = aft_json_parse(&data, text, size, "data", error);
    if (code != AFT_OK) {
        return code == AFT_ERR_MEMORY ? code : aft_fail(error, AFT_ERR_CORRUPT, "it is no JSON");
    }
    code = read_data(model, data, error);
    aft_json_destroy(data);
    return code;
}
