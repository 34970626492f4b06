/* The C interface: the caller's arguments checked, and the batch stepped on threads. */
#include "aftershock/aftershock.h"

#include "base/thread_pool.h"
#include "curriculum/curriculum.h"
#include "environment/environment.h"
#include "library/quiet.h"
#include "runner/configure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 16 }; /* environments of a task: those that the simulation keeps together */

struct group { /* what became of a task */
    enum aft_code code;
    struct aft_error error;
};

struct aftershock {
    struct aft_stage_environment setup;
    struct aft_env env;
    struct aft_thread_pool *pool;
    int n_groups;
    struct group *groups; /* [n_groups] */
    bool reseeded;        /* the next reset makes env anew */
    bool begun;           /* there are episodes to break off */
    bool steps;           /* they can be stepped */
};

/* --- errors --- */

static enum aftershock_code code_outside(enum aft_code code)
{
    switch (code) {
    case AFT_OK:
        return AFTERSHOCK_OK;
    case AFT_ERR_USAGE:
        return AFTERSHOCK_USAGE;
    case AFT_ERR_IO:
    case AFT_ERR_SPACE:
        return AFTERSHOCK_IO;
    case AFT_ERR_MISSING:
        return AFTERSHOCK_MISSING;
    case AFT_ERR_MEMORY:
        return AFTERSHOCK_MEMORY;
    case AFT_ERR_NUMERIC:
        return AFTERSHOCK_NUMERIC;
    default:
        return AFTERSHOCK_OTHER;
    }
}

static int32_t result(enum aft_code code, const struct aft_error *from,
                      struct aftershock_error *error)
{
    enum aftershock_code outside = code_outside(code);
    if (error != NULL) {
        error->code = (int32_t)outside;
        (void)snprintf(error->message, sizeof error->message, "%s",
                       code == AFT_OK ? "" : from->message);
    }
    return (int32_t)outside;
}

/* --- creation --- */

/* A newer header's struct may be longer; what this library does not know is left alone. */
static enum aft_code read_options(struct aftershock_options *options,
                                  const struct aftershock_options *given, struct aft_error *error)
{
    *options = (struct aftershock_options)AFTERSHOCK_OPTIONS;
    if (given == NULL) {
        return AFT_OK;
    }
    if (given->size < sizeof *options) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "create: options are of %zu bytes; begin with AFTERSHOCK_OPTIONS",
                        given->size);
    }
    *options = *given;
    if (options->n_envs < 0 || options->n_settings < 0 ||
        (options->n_settings > 0 && options->settings == NULL)) {
        return aft_fail(error, AFT_ERR_USAGE, "create: n_envs is %d, n_settings %d%s",
                        (int)options->n_envs, (int)options->n_settings,
                        options->settings == NULL ? " without settings" : "");
    }
    for (int i = 0; i < options->n_settings; i++) {
        if (options->settings[i] == NULL) {
            return aft_fail(error, AFT_ERR_USAGE, "create: setting %d is NULL", i);
        }
    }
    return AFT_OK;
}

static enum aft_code configure(struct aftershock *made, const struct aft_curriculum *curriculum,
                               const struct aftershock_options *options, struct aft_error *error)
{
    if (options->stage < 1 || options->stage > curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_USAGE, "create: stage %d of '%s', which has 1 to %d",
                        (int)options->stage, curriculum->path, curriculum->n_stages);
    }
    enum aft_code code = aft_configure_environment(&made->setup, curriculum, options->stage, error);
    if (code == AFT_OK && options->n_envs > 0) {
        made->setup.config.n_envs = options->n_envs;
    }
    return code;
}

static enum aft_code build(struct aftershock *made, int threads, struct aft_error *error)
{
    enum aft_code code = aft_environment_create(&made->env, &made->setup.config, error);
    if (code != AFT_OK) {
        return code;
    }
    made->n_groups = (made->env.n_envs + GROUP - 1) / GROUP;
    made->groups = calloc((size_t)made->n_groups, sizeof *made->groups);
    if (made->groups == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create %d environments: out of memory",
                        made->env.n_envs);
    }
    return aft_thread_pool_create(&made->pool, threads, error);
}

static enum aft_code create(struct aftershock **env, const struct aft_curriculum *curriculum,
                            const struct aftershock_options *options, struct aft_error *error)
{
    struct aftershock *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create: out of memory");
    }
    enum aft_code code = configure(made, curriculum, options, error);
    if (code == AFT_OK) {
        code = build(made, options->threads, error);
    }
    if (code != AFT_OK) {
        aftershock_close(&made);
    }
    *env = made;
    return code;
}

struct source { /* of a curriculum: a file, or a text that stands for one */
    const char *path, *text;
    size_t size;
};

static enum aft_code load(struct aft_curriculum **curriculum, const struct source *from,
                          const struct aftershock_options *options, struct aft_error *error)
{
    return from->text == NULL ? aft_curriculum_load(curriculum, from->path, options->settings,
                                                    options->n_settings, error)
                              : aft_curriculum_parse(curriculum, from->text, from->size, from->path,
                                                     options->settings, options->n_settings, error);
}

static int32_t create_from(struct aftershock **env, const struct source *from,
                           const struct aftershock_options *given, struct aftershock_error *error)
{
    struct aft_error inner = {0};
    struct aftershock_options options;
    struct aft_curriculum *curriculum = NULL;
    struct aft_quiet quiet;
    *env = NULL;
    enum aft_code code = read_options(&options, given, &inner);
    if (code == AFT_OK && from->path == NULL) {
        code = aft_fail(&inner, AFT_ERR_USAGE, "create: no curriculum");
    }
    if (code == AFT_OK) {
        code = aft_quiet_begin(&quiet, &inner);
    }
    if (code == AFT_OK) {
        code = load(&curriculum, from, &options, &inner);
        if (code == AFT_OK) {
            code = create(env, curriculum, &options, &inner);
            aft_curriculum_destroy(curriculum);
        }
        aft_quiet_end(&quiet);
    }
    return result(code, &inner, error);
}

int32_t aftershock_create(struct aftershock **env, const char *ini_path,
                          const struct aftershock_options *options, struct aftershock_error *error)
{
    const struct source from = {.path = ini_path};
    return create_from(env, &from, options, error);
}

int32_t aftershock_create_from_text(struct aftershock **env, const char *text, size_t size,
                                    const char *name, const struct aftershock_options *options,
                                    struct aftershock_error *error)
{
    const struct source from = {.path = text != NULL ? name : NULL, .text = text, .size = size};
    return create_from(env, &from, options, error);
}

void aftershock_close(struct aftershock **env)
{
    struct aftershock *self = *env;
    *env = NULL;
    if (self == NULL) {
        return;
    }
    aft_thread_pool_destroy(self->pool);
    if (self->env.destroy != NULL) {
        self->env.destroy(self->env.self);
    }
    aft_stage_environment_clear(&self->setup);
    free(self->groups);
    free(self);
}

/* --- what it is --- */

int32_t aftershock_abi_version(void)
{
    return AFTERSHOCK_ABI_VERSION;
}

const char *aftershock_version(void)
{
    return AFT_VERSION;
}

int32_t aftershock_n_envs(const struct aftershock *env)
{
    return env->env.n_envs;
}

int32_t aftershock_obs_dim(const struct aftershock *env)
{
    return env->env.obs_dim;
}

int32_t aftershock_action_dim(const struct aftershock *env)
{
    return env->env.action_dim;
}

int32_t aftershock_threads(const struct aftershock *env)
{
    return aft_thread_pool_threads(env->pool);
}

double aftershock_step_s(const struct aftershock *env)
{
    return env->setup.config.dt_s * env->setup.config.control_every;
}

double aftershock_force_limit_n(const struct aftershock *env)
{
    return env->setup.config.actuator.force_limit_n;
}

int32_t aftershock_n_metrics(const struct aftershock *env)
{
    return env->env.n_metrics;
}

const char *aftershock_metric_name(const struct aftershock *env, int32_t index)
{
    return index >= 0 && index < env->env.n_metrics ? env->env.metric_names[index] : NULL;
}

/* --- what it does --- */

struct call { /* on all groups */
    struct aftershock *self;
    float *obs;           /* of a reset */
    const float *actions; /* of a step */
    const struct aft_env_step *out;
};

static void begin_first(struct group *group, const struct call *call, int first, int count)
{
    struct aft_env *env = &call->self->env;
    group->code = env->reset(env->self, first, count, call->obs, &group->error);
}

static void begin_next(struct group *group, const struct call *call, int first, int count)
{
    struct aft_env *env = &call->self->env;
    group->code = aft_environment_begin_next(env, first, count, call->obs, &group->error);
}

static void step(struct group *group, const struct call *call, int first, int count)
{
    struct aft_env *env = &call->self->env;
    group->code = env->step(env->self, first, count, call->actions, call->out, &group->error);
}

struct work {
    const struct call *call;
    void (*what)(struct group *group, const struct call *call, int first, int count);
};

static void do_task(void *context, int task, int thread)
{
    (void)thread;
    const struct work *work = context;
    struct aftershock *self = work->call->self;
    int first = task * GROUP, left = self->env.n_envs - first;
    work->what(&self->groups[task], work->call, first, left < GROUP ? left : GROUP);
}

static enum aft_code run(const struct work *work, struct aft_error *error)
{
    struct aftershock *self = work->call->self;
    aft_thread_pool_run(self->pool, self->n_groups, do_task, (void *)(uintptr_t)work);
    for (int i = 0; i < self->n_groups; i++) {
        if (self->groups[i].code != AFT_OK) {
            *error = self->groups[i].error;
            return self->groups[i].code;
        }
    }
    return AFT_OK;
}

void aftershock_seed(struct aftershock *env, uint64_t seed)
{
    env->setup.config.seed = seed;
    env->reseeded = true;
}

/* The new one first: a failure leaves what there was. */
static enum aft_code replace(struct aftershock *self, struct aft_error *error)
{
    struct aft_env fresh;
    struct aft_quiet quiet;
    enum aft_code code = aft_quiet_begin(&quiet, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_environment_create(&fresh, &self->setup.config, error);
    aft_quiet_end(&quiet);
    if (code == AFT_OK) {
        self->env.destroy(self->env.self);
        self->env = fresh;
        self->reseeded = false;
        self->begun = false;
    }
    return code;
}

static enum aft_code check_array(const char *what, const float *array, size_t given,
                                 const struct aftershock *self, int columns,
                                 struct aft_error *error)
{
    if (array == NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "%s: the array is NULL", what);
    }
    size_t expected = (size_t)self->env.n_envs * (size_t)columns;
    if (given != expected) {
        return aft_fail(error, AFT_ERR_USAGE, "%s: %zu values, expected %d environments x %d = %zu",
                        what, given, self->env.n_envs, columns, expected);
    }
    return AFT_OK;
}

int32_t aftershock_reset(struct aftershock *env, float *obs, size_t n_obs,
                         struct aftershock_error *error)
{
    struct aft_error inner = {0};
    enum aft_code code = check_array("reset: obs", obs, n_obs, env, env->env.obs_dim, &inner);
    if (code == AFT_OK && env->reseeded) {
        code = replace(env, &inner);
    }
    if (code == AFT_OK) {
        const struct call call = {.self = env, .obs = obs};
        const struct work work = {&call, env->begun ? begin_next : begin_first};
        code = run(&work, &inner);
        env->begun = env->steps = code == AFT_OK;
    }
    return result(code, &inner, error);
}

static enum aft_code check_results(const struct aftershock *self,
                                   const struct aftershock_results *results,
                                   struct aft_error *error)
{
    if (results == NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "step: there are no results to write to");
    }
    if (results->size < sizeof *results) {
        return aft_fail(error, AFT_ERR_USAGE, "step: results are of %zu bytes, expected %zu",
                        results->size, sizeof *results);
    }
    if (results->n_envs != self->env.n_envs || results->obs_dim != self->env.obs_dim ||
        results->n_metrics != self->env.n_metrics) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "step: results for n_envs %d, obs_dim %d, n_metrics %d; expected %d, %d, "
                        "%d",
                        (int)results->n_envs, (int)results->obs_dim, (int)results->n_metrics,
                        self->env.n_envs, self->env.obs_dim, self->env.n_metrics);
    }
    if (results->obs == NULL || results->final_obs == NULL || results->reward == NULL ||
        results->terminated == NULL || results->truncated == NULL || results->metrics == NULL) {
        return aft_fail(error, AFT_ERR_USAGE, "step: an array of the results is NULL");
    }
    return AFT_OK;
}

/* Before any group has stepped: those that are refused must not leave others a step ahead. */
static enum aft_code check_actions(const struct aftershock *self, const float *actions,
                                   size_t n_actions, struct aft_error *error)
{
    int columns = self->env.action_dim;
    enum aft_code code = check_array("step: actions", actions, n_actions, self, columns, error);
    for (size_t i = 0; i < n_actions && code == AFT_OK; i++) {
        if (!isfinite(actions[i])) {
            code = aft_fail(error, AFT_ERR_NUMERIC, "step: the action of environment %zu is %g",
                            i / (size_t)columns, (double)actions[i]);
        }
    }
    return code;
}

int32_t aftershock_step(struct aftershock *env, const float *actions, size_t n_actions,
                        const struct aftershock_results *results, struct aftershock_error *error)
{
    struct aft_error inner = {0};
    enum aft_code code = check_results(env, results, &inner);
    if (code == AFT_OK) {
        code = check_actions(env, actions, n_actions, &inner);
    }
    if (code == AFT_OK && !env->steps) {
        code = aft_fail(&inner, AFT_ERR_USAGE, "step: reset first");
    }
    if (code == AFT_OK) {
        const struct aft_env_step out = {.obs = results->obs,
                                         .final_obs = results->final_obs,
                                         .reward = results->reward,
                                         .terminated = results->terminated,
                                         .truncated = results->truncated,
                                         .metrics = results->metrics};
        const struct call call = {.self = env, .actions = actions, .out = &out};
        const struct work work = {&call, step};
        code = run(&work, &inner);
        env->steps = code == AFT_OK;
    }
    return result(code, &inner, error);
}
