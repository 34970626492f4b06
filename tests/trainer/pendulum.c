#include "pendulum.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct one {
    double angle, speed;
    int32_t step, total_steps;
    uint32_t episode;
    uint32_t zero;
};

struct pendulum {
    struct aft_random_key key;
    int n, nan_at_step;
    struct one *ones;
};

static const double PI = 3.14159265358979323846;
static const char *const METRIC_NAMES[] = {"last_speed"};

static void observe(const struct one *one, float *obs)
{
    obs[0] = (float)cos(one->angle);
    obs[1] = (float)sin(one->angle);
    obs[2] = (float)one->speed;
}

static void begin_episode(struct pendulum *pendulum, int i)
{
    struct one *one = &pendulum->ones[i];
    double u[2];
    aft_random_uniform(u, 2, pendulum->key, (uint32_t)i, one->episode++, 0);
    one->angle = PI * (2.0 * u[0] - 1.0);
    one->speed = 2.0 * u[1] - 1.0;
    one->step = 0;
}

static enum aft_code reset(void *self, int first, int count, float *obs, struct aft_error *error)
{
    (void)error;
    struct pendulum *pendulum = self;
    for (int i = first; i < first + count; i++) {
        begin_episode(pendulum, i);
        observe(&pendulum->ones[i], &obs[i * PENDULUM_OBS]);
    }
    return AFT_OK;
}

/* Gymnasium, classic_control/pendulum.py: g 10, m 1, l 1, dt 0.05; a tenth of its reward */
static double advance(struct one *one, double action)
{
    double clipped = action < -1.0 ? -1.0 : (action > 1.0 ? 1.0 : action);
    double torque = 2.0 * clipped;
    double wrapped = remainder(one->angle, 2.0 * PI);
    double cost = wrapped * wrapped + 0.1 * one->speed * one->speed + 0.001 * torque * torque;
    one->speed += (15.0 * sin(one->angle) + 3.0 * torque) * 0.05;
    one->speed = fmax(-8.0, fmin(8.0, one->speed));
    one->angle += one->speed * 0.05;
    one->step++;
    one->total_steps++;
    return -0.1 * cost;
}

static enum aft_code step(void *self, int first, int count, const float *actions,
                          const struct aft_env_step *out, struct aft_error *error)
{
    (void)error;
    struct pendulum *pendulum = self;
    for (int i = first; i < first + count; i++) {
        struct one *one = &pendulum->ones[i];
        out->reward[i] = (float)advance(one, (double)actions[i]);
        out->terminated[i] = 0;
        out->truncated[i] = one->step == PENDULUM_STEPS;
        if (out->truncated[i]) {
            observe(one, &out->final_obs[i * PENDULUM_OBS]);
            out->metrics[i] = (float)one->speed;
            begin_episode(pendulum, i);
        }
        observe(one, &out->obs[i * PENDULUM_OBS]);
        if (i == 0 && pendulum->nan_at_step > 0 && one->total_steps >= pendulum->nan_at_step) {
            out->obs[0] = NAN;
        }
    }
    return AFT_OK;
}

static size_t state_size(const void *self)
{
    const struct pendulum *pendulum = self;
    return (size_t)pendulum->n * sizeof *pendulum->ones;
}

static void export_state(const void *self, void *bytes)
{
    const struct pendulum *pendulum = self;
    memcpy(bytes, pendulum->ones, state_size(self));
}

static enum aft_code import_state(void *self, const void *bytes, size_t size,
                                  struct aft_error *error)
{
    struct pendulum *pendulum = self;
    if (size != state_size(self)) {
        return aft_fail(error, AFT_ERR_CORRUPT, "import the pendulums: %zu bytes", size);
    }
    memcpy(pendulum->ones, bytes, size);
    return AFT_OK;
}

static void destroy(void *self)
{
    struct pendulum *pendulum = self;
    if (pendulum != NULL) {
        free(pendulum->ones);
        free(pendulum);
    }
}

enum aft_code pendulum_create(struct aft_env *env, const struct pendulum_options *options,
                              struct aft_error *error)
{
    struct pendulum *pendulum = calloc(1, sizeof *pendulum);
    struct one *ones = calloc((size_t)options->n_envs, sizeof *ones);
    if (pendulum == NULL || ones == NULL) {
        free(pendulum);
        free(ones);
        return aft_fail(error, AFT_ERR_MEMORY, "create pendulums: out of memory");
    }
    pendulum->key = aft_random_key(options->seed, 1, AFT_RANDOM_EPISODE);
    pendulum->n = options->n_envs;
    pendulum->nan_at_step = options->nan_at_step;
    pendulum->ones = ones;
    *env = (struct aft_env){
        .self = pendulum,
        .n_envs = options->n_envs,
        .obs_dim = PENDULUM_OBS,
        .action_dim = PENDULUM_ACTIONS,
        .n_metrics = 1,
        .metric_names = METRIC_NAMES,
        .reset = reset,
        .step = step,
        .state_size = state_size,
        .export_state = export_state,
        .import_state = import_state,
        .destroy = destroy,
    };
    return AFT_OK;
}
