#include "recovery/sb3_normalize.h"

#include "recovery/pickle_write.h"
#include "recovery/sb3_data.h"

#include <math.h>
#include <stdlib.h>

/* object.__new__(class) with a dict of attributes to come, after which stands "ub". */
static void begin_object(struct aft_pickle_writer *pickle, const char *module, const char *name)
{
    aft_pickle_global(pickle, module, name);
    aft_pickle_ops(pickle, ")\x81}("); /* EMPTY_TUPLE NEWOBJ EMPTY_DICT MARK */
}

/* numpy.array(list), which every version of NumPy has under this name. */
static void write_array(struct aft_pickle_writer *pickle, const double *values, int n)
{
    aft_pickle_global(pickle, "numpy", "array");
    aft_pickle_ops(pickle, "](");
    for (int i = 0; i < n; i++) {
        aft_pickle_real(pickle, values[i]);
    }
    aft_pickle_ops(pickle, "e\x85R"); /* APPENDS TUPLE1 REDUCE */
}

static void write_scalar_array(struct aft_pickle_writer *pickle, double value)
{
    aft_pickle_global(pickle, "numpy", "array");
    aft_pickle_real(pickle, value);
    aft_pickle_ops(pickle, "\x85R");
}

static void begin_statistics(struct aft_pickle_writer *pickle)
{
    begin_object(pickle, "stable_baselines3.common.running_mean_std", "RunningMeanStd");
}

static void write_statistics(struct aft_pickle_writer *pickle,
                             const struct aft_sb3_normalize *normalize)
{
    aft_pickle_text(pickle, "obs_rms");
    begin_statistics(pickle);
    aft_pickle_text(pickle, "mean");
    write_array(pickle, normalize->mean, normalize->obs_dim);
    aft_pickle_text(pickle, "var");
    write_array(pickle, normalize->variance, normalize->obs_dim);
    aft_pickle_text(pickle, "count");
    aft_pickle_real(pickle, normalize->count);
    aft_pickle_ops(pickle, "ub");
}

/* As VecNormalize begins with them: nothing has been seen. */
static void write_return_statistics(struct aft_pickle_writer *pickle)
{
    aft_pickle_text(pickle, "ret_rms");
    begin_statistics(pickle);
    aft_pickle_text(pickle, "mean");
    write_scalar_array(pickle, 0.0);
    aft_pickle_text(pickle, "var");
    write_scalar_array(pickle, 1.0);
    aft_pickle_text(pickle, "count");
    aft_pickle_real(pickle, 1e-4);
    aft_pickle_ops(pickle, "ub");
}

static void write_spaces(struct aft_pickle_writer *pickle,
                         const struct aft_sb3_normalize *normalize)
{
    aft_pickle_text(pickle, "num_envs");
    aft_pickle_integer(pickle, normalize->n_envs);
    aft_pickle_text(pickle, "observation_space");
    aft_sb3_pickle_box(pickle, INFINITY, normalize->obs_dim);
    aft_pickle_text(pickle, "action_space");
    aft_sb3_pickle_box(pickle, 1.0, normalize->action_dim);
    static const char *const unset[] = {"obs_spaces", "norm_obs_keys", "render_mode"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) {
        aft_pickle_text(pickle, unset[i]);
        aft_pickle_ops(pickle, "N");
    }
    aft_pickle_text(pickle, "metadata");
    aft_pickle_ops(pickle, "}");
    aft_pickle_text(pickle, "render_modes");
    aft_pickle_ops(pickle, "]s");
    static const char *const last[] = {"old_obs", "old_reward"};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        aft_pickle_text(pickle, last[i]);
        write_array(pickle, NULL, 0);
    }
}

static void write_settings(struct aft_pickle_writer *pickle,
                           const struct aft_sb3_normalize *normalize)
{
    const struct {
        const char *name;
        double value;
    } reals[] = {{"clip_obs", normalize->clip},
                 {"clip_reward", 10.0},
                 {"gamma", normalize->gamma},
                 {"epsilon", normalize->epsilon}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        aft_pickle_text(pickle, reals[i].name);
        aft_pickle_real(pickle, reals[i].value);
    }
    aft_pickle_text(pickle, "training");
    aft_pickle_boolean(pickle, true);
    aft_pickle_text(pickle, "norm_obs");
    aft_pickle_boolean(pickle, true);
    aft_pickle_text(pickle, "norm_reward");
    aft_pickle_boolean(pickle, false);
}

enum aft_code aft_sb3_normalize_write(char **bytes, size_t *size,
                                      const struct aft_sb3_normalize *normalize,
                                      struct aft_error *error)
{
    struct aft_pickle_writer pickle = {0};
    aft_pickle_start(&pickle);
    begin_object(&pickle, "stable_baselines3.common.vec_env.vec_normalize", "VecNormalize");
    write_spaces(&pickle, normalize);
    write_statistics(&pickle, normalize);
    write_return_statistics(&pickle);
    write_settings(&pickle, normalize);
    aft_pickle_ops(&pickle, "ub.");
    if (pickle.failed) {
        free(pickle.bytes);
        return aft_fail(error, AFT_ERR_MEMORY, "write " AFT_MEMBER_VECNORMALIZE ": no memory");
    }
    *bytes = pickle.bytes;
    *size = pickle.size;
    return AFT_OK;
}
