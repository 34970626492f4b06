#include "recovery/sb3_data.h"

#include "base/json.h"
#include "recovery/pickle_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *encode_base64(const char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((size + 2) / 3 * 4 + 1);
    if (text == NULL) {
        return NULL;
    }
    char *out = text;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < size ? (unsigned char)bytes[i + j] : 0U);
        }
        for (int j = 0; j < 4; j++) {
            *out++ = digits[(group >> (18 - 6 * j)) & 63];
        }
    }
    for (size_t missing = (3 - size % 3) % 3; missing > 0; missing--) {
        out[-(ptrdiff_t)missing] = '=';
    }
    *out = '\0';
    return text;
}

/* {":type:": …, ":serialized:": base64 of the pickle}; NULL when memory is short.
 * Ends the pickle and frees it. */
static struct aft_json *serialized(const char *type, struct aft_pickle_writer *pickle)
{
    aft_pickle_ops(pickle, ".");
    char *text = pickle->failed ? NULL : encode_base64(pickle->bytes, pickle->size);
    free(pickle->bytes);
    struct aft_json *object = NULL;
    if (text != NULL) {
        object = aft_json_object();
        aft_json_set_string(object, ":type:", type);
        aft_json_set_string(object, ":serialized:", text);
    }
    free(text);
    return object;
}

static struct aft_json *policy_class(void)
{
    struct aft_pickle_writer pickle = {0};
    aft_pickle_start(&pickle);
    aft_pickle_global(&pickle, "stable_baselines3.common.policies", "ActorCriticPolicy");
    return serialized("<class 'abc.ABCMeta'>", &pickle);
}

void aft_sb3_pickle_box(struct aft_pickle_writer *pickle, double bound, int dim)
{
    aft_pickle_global(pickle, "gymnasium.spaces.box", "Box");
    aft_pickle_ops(pickle, "(");
    aft_pickle_real(pickle, -bound);
    aft_pickle_real(pickle, bound);
    aft_pickle_integer(pickle, dim);
    aft_pickle_ops(pickle, "\x85"); /* TUPLE1 */
    aft_pickle_text(pickle, "float32");
    aft_pickle_ops(pickle, "tR");
}

/* The pickle, and its shape also in clear. */
static struct aft_json *box(double bound, int dim)
{
    struct aft_pickle_writer pickle = {0};
    aft_pickle_start(&pickle);
    aft_sb3_pickle_box(&pickle, bound, dim);
    struct aft_json *object = serialized("<class 'gymnasium.spaces.box.Box'>", &pickle);
    struct aft_json *shape = aft_json_array();
    aft_json_append(shape, aft_json_integer(dim));
    aft_json_set(object, "_shape", shape);
    aft_json_set_string(object, "dtype", "float32");
    return object;
}

static void write_layers(struct aft_pickle_writer *pickle, const char *key,
                         const struct aft_archive_sb3 *sb3)
{
    aft_pickle_text(pickle, key);
    aft_pickle_ops(pickle, "](");
    for (int i = 0; i < sb3->n_layers; i++) {
        aft_pickle_integer(pickle, sb3->layers[i]);
    }
    aft_pickle_ops(pickle, "e");
}

static struct aft_json *layers_in_clear(const struct aft_archive_sb3 *sb3)
{
    struct aft_json *layers = aft_json_array();
    for (int i = 0; i < sb3->n_layers; i++) {
        aft_json_append(layers, aft_json_integer(sb3->layers[i]));
    }
    return layers;
}

static struct aft_json *policy_kwargs(const struct aft_archive_sb3 *sb3)
{
    const char *activation = sb3->relu ? "ReLU" : "Tanh";
    struct aft_pickle_writer pickle = {0};
    aft_pickle_start(&pickle);
    aft_pickle_ops(&pickle, "}(");
    aft_pickle_text(&pickle, "net_arch");
    aft_pickle_ops(&pickle, "}(");
    write_layers(&pickle, "pi", sb3);
    write_layers(&pickle, "vf", sb3);
    aft_pickle_ops(&pickle, "u");
    aft_pickle_text(&pickle, "activation_fn");
    aft_pickle_global(&pickle, "torch.nn.modules.activation", activation);
    aft_pickle_text(&pickle, "log_std_init");
    aft_pickle_real(&pickle, sb3->log_std_init);
    aft_pickle_text(&pickle, "ortho_init");
    aft_pickle_boolean(&pickle, sb3->ortho_init);
    aft_pickle_text(&pickle, "optimizer_kwargs");
    aft_pickle_ops(&pickle, "}(");
    aft_pickle_text(&pickle, "eps");
    aft_pickle_real(&pickle, sb3->adam_eps);
    aft_pickle_ops(&pickle, "uu");
    struct aft_json *object = serialized("<class 'dict'>", &pickle);

    char class_name[80];
    (void)snprintf(class_name, sizeof class_name, "<class 'torch.nn.modules.activation.%s'>",
                   activation);
    struct aft_json *architecture = aft_json_object();
    aft_json_set(architecture, "pi", layers_in_clear(sb3));
    aft_json_set(architecture, "vf", layers_in_clear(sb3));
    aft_json_set(object, "net_arch", architecture);
    aft_json_set_string(object, "activation_fn", class_name);
    aft_json_set_real(object, "log_std_init", sb3->log_std_init);
    aft_json_set_boolean(object, "ortho_init", sb3->ortho_init);
    return object;
}

static struct aft_json *real_or_null(double number)
{
    return number > 0.0 ? aft_json_real(number) : aft_json_null();
}

static void set_progress(struct aft_json *data, const struct aft_archive_sb3 *sb3,
                         const struct aft_archive_counters *counters)
{
    double remaining = 0.0;
    if (sb3->total_timesteps > counters->total_steps) {
        remaining = 1.0 - (double)counters->total_steps / (double)sb3->total_timesteps;
    }
    aft_json_set_integer(data, "num_timesteps", counters->total_steps);
    aft_json_set_integer(data, "_total_timesteps", sb3->total_timesteps);
    aft_json_set_integer(data, "_n_updates", counters->iterations * sb3->n_epochs);
    aft_json_set_real(data, "_current_progress_remaining", remaining);
}

static void set_hyperparameters(struct aft_json *data, const struct aft_archive_sb3 *sb3)
{
    aft_json_set_integer(data, "n_envs", sb3->n_envs);
    aft_json_set_integer(data, "n_steps", sb3->n_steps);
    aft_json_set_integer(data, "batch_size", sb3->batch_size);
    aft_json_set_integer(data, "n_epochs", sb3->n_epochs);
    aft_json_set_real(data, "gamma", sb3->gamma);
    aft_json_set_real(data, "gae_lambda", sb3->gae_lambda);
    aft_json_set_real(data, "ent_coef", sb3->ent_coef);
    aft_json_set_real(data, "vf_coef", sb3->vf_coef);
    aft_json_set_real(data, "max_grad_norm", sb3->max_grad_norm);
    aft_json_set_real(data, "learning_rate", sb3->learning_rate);
    aft_json_set_real(data, "clip_range", sb3->clip_range);
    aft_json_set(data, "clip_range_vf", real_or_null(sb3->clip_range_vf));
    aft_json_set_boolean(data, "normalize_advantage", sb3->normalize_advantage);
    aft_json_set(data, "target_kl", real_or_null(sb3->target_kl));
    /* NumPy takes seeds of 32 bits only. */
    aft_json_set(data, "seed",
                 sb3->seed <= UINT32_MAX ? aft_json_integer((int64_t)sb3->seed) : aft_json_null());
}

enum aft_code aft_sb3_data_write(char **text, size_t *size, const struct aft_archive_sb3 *sb3,
                                 const struct aft_archive_counters *counters,
                                 struct aft_error *error)
{
    struct aft_json *data = aft_json_object();
    aft_json_set(data, "policy_class", policy_class());
    aft_json_set_integer(data, "verbose", 1);
    aft_json_set(data, "policy_kwargs", policy_kwargs(sb3));
    set_progress(data, sb3, counters);
    set_hyperparameters(data, sb3);
    aft_json_set_boolean(data, "use_sde", false);
    aft_json_set_integer(data, "sde_sample_freq", -1);
    aft_json_set_integer(data, "_stats_window_size", 100);
    aft_json_set(data, "observation_space", box(INFINITY, sb3->obs_dim));
    aft_json_set(data, "action_space", box(1.0, sb3->action_dim));
    enum aft_code code = aft_json_write(text, size, data, true, error);
    aft_json_destroy(data);
    return code;
}
