/*
 * libaftershock: the controlled building of an Aftershock curriculum as a batch of
 * reinforcement-learning environments. They do, bit for bit, what the environments of
 * `aftershock train` do with the same curriculum, stage, seed and number of environments.
 *
 *     struct aftershock_options options = AFTERSHOCK_OPTIONS;
 *     struct aftershock_error error;
 *     struct aftershock *building;
 *     if (aftershock_create(&building, "stages.ini", &options, &error) != AFTERSHOCK_OK) {
 *         puts(error.message);
 *     }
 *
 * Observations are float[n_envs][obs_dim], actions float[n_envs][action_dim], row by row. An
 * action of -1…1 is a share of the stage's force limit, with which the actuator pushes the mass
 * driver one way (in the direction of a positive stroke) and the roof the other; what is beyond
 * is clipped. With `nominal = lqg` in the curriculum it is added to the nominal controller's
 * command. A step is one control step (aftershock_step_s), during which the command is held.
 *
 * Episodes start anew by themselves. When the episode of an environment ends in a step, its row
 * of obs is the first observation of the next episode, and its row of final_obs is the last one
 * of the episode that ended. `terminated` means that the task itself ended: nothing follows.
 * `truncated` means that the time limit cut it, and what follows is worth the value of
 * final_obs. Never both. The first episodes of a batch end at different times: that of
 * environment i after (i + 1) / n_envs of a full episode.
 *
 * Every function that can fail returns an enum aftershock_code, and fills *error, which may be
 * NULL. A call that is refused with AFTERSHOCK_USAGE changes nothing. Sizes are counted in
 * elements. The library prints nothing, never exits, sets no signal handlers and keeps no
 * global state of its own but LAPACK, which is loaded (liblapacke.so.3) when the first
 * building is made.
 *
 * Different buildings may be used on different threads at the same time; one building by one
 * thread at a time. Its worker threads take no signals. They do not survive fork(): create
 * after it.
 */
#ifndef AFTERSHOCK_AFTERSHOCK_H
#define AFTERSHOCK_AFTERSHOCK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when programs have to be compiled anew; the soname's number. */
#define AFTERSHOCK_ABI_VERSION 1

#if defined(__GNUC__)
#define AFTERSHOCK_API __attribute__((visibility("default")))
#else
#define AFTERSHOCK_API
#endif

/* More may follow: treat what you do not know as a failure. */
enum aftershock_code {
    AFTERSHOCK_OK = 0,
    AFTERSHOCK_USAGE = 1,   /* a mistake in the call, the curriculum or a record */
    AFTERSHOCK_IO = 2,      /* the operating system refused a file operation */
    AFTERSHOCK_MISSING = 3, /* a file or a library that is not there */
    AFTERSHOCK_MEMORY = 4,  /* an allocation failed */
    AFTERSHOCK_NUMERIC = 5, /* not finite, or not converged */
    AFTERSHOCK_OTHER = 6
};

struct aftershock_error {
    int32_t code;      /* enum aftershock_code */
    char message[256]; /* operation, object, cause; ends with a NUL */
};

struct aftershock_options { /* begin with AFTERSHOCK_OPTIONS, then set what you want */
    size_t size;            /* of this struct, in bytes: AFTERSHOCK_OPTIONS sets it */
    int32_t stage;          /* of the curriculum, counted from 1 */
    int32_t n_envs;         /* 0: as the curriculum says */
    int32_t threads;        /* that step the batch, the caller included; 0: as many as cores */
    int32_t n_settings;
    const char *const *settings; /* [n_settings], "SECTION.KEY=VALUE" as `train --set`; borrowed
                                  * by the call */
};
#define AFTERSHOCK_OPTIONS                                                                         \
    {                                                                                              \
        sizeof(struct aftershock_options), 1, 0, 1, 0, NULL                                        \
    }

struct aftershock; /* a batch of buildings */

/* Of the library that was loaded: AFTERSHOCK_ABI_VERSION, and the program's version. */
AFTERSHOCK_API int32_t aftershock_abi_version(void);
AFTERSHOCK_API const char *aftershock_version(void);

/* *env is the caller's until aftershock_close, and NULL after a failure. options NULL: the
 * first stage. Takes some 10 to 100 ms, more where many records are read. Signals are
 * delivered to other threads, or after it, so that no thread of LAPACK's takes one. */
AFTERSHOCK_API int32_t aftershock_create(struct aftershock **env, const char *ini_path,
                                         const struct aftershock_options *options,
                                         struct aftershock_error *error);
/* The same of an INI's text, such as the member curriculum.ini of an archive. name stands for
 * the path: in messages, and record files are relative to its folder. */
AFTERSHOCK_API int32_t aftershock_create_from_text(struct aftershock **env, const char *text,
                                                   size_t size, const char *name,
                                                   const struct aftershock_options *options,
                                                   struct aftershock_error *error);
/* Frees it and sets *env to NULL; does nothing where it is NULL. */
AFTERSHOCK_API void aftershock_close(struct aftershock **env);

AFTERSHOCK_API int32_t aftershock_n_envs(const struct aftershock *env);
AFTERSHOCK_API int32_t aftershock_obs_dim(const struct aftershock *env);
AFTERSHOCK_API int32_t aftershock_action_dim(const struct aftershock *env);
AFTERSHOCK_API int32_t aftershock_threads(const struct aftershock *env);
AFTERSHOCK_API double aftershock_step_s(const struct aftershock *env); /* of a control step */
AFTERSHOCK_API double aftershock_force_limit_n(const struct aftershock *env);

/* Figures of a finished episode, such as "peak_drift_to_passive" (the largest storey drift as a
 * ratio to that of the same building with the passive device on the same motion) and
 * "peak_force_n". NULL for an index that is none. The name is valid until the building is
 * closed. */
AFTERSHOCK_API int32_t aftershock_n_metrics(const struct aftershock *env);
AFTERSHOCK_API const char *aftershock_metric_name(const struct aftershock *env, int32_t index);

/* The seed of every draw: ground motions, sensor noise. As long as it is not called, it is the
 * curriculum's [run] seed. It takes effect with the next reset. */
AFTERSHOCK_API void aftershock_seed(struct aftershock *env, uint64_t seed);

/*
 * Begins episodes: the first reset, and the first after aftershock_seed, the first episode of
 * every environment; any other breaks the present ones off and begins the next. Episode k of
 * environment i is a function of seed, stage, i and k: its motion, its noise, all of it.
 * obs is [n_envs][obs_dim], and n_obs must be the product of the two.
 */
AFTERSHOCK_API int32_t aftershock_reset(struct aftershock *env, float *obs, size_t n_obs,
                                        struct aftershock_error *error);

/* Where a step writes: the caller's arrays, none NULL, with dimensions that must be the
 * building's. */
struct aftershock_results {
    size_t size; /* of this struct, in bytes */
    int32_t n_envs, obs_dim, n_metrics;
    int32_t reserved;    /* 0 */
    float *obs;          /* [n_envs][obs_dim], after the step */
    float *final_obs;    /* [n_envs][obs_dim], rows written where an episode ended */
    float *reward;       /* [n_envs] */
    uint8_t *terminated; /* [n_envs] 0 or 1 */
    uint8_t *truncated;  /* [n_envs] 0 or 1 */
    float *metrics;      /* [n_envs][n_metrics], rows written where an episode ended */
};

/*
 * One control step of every environment. n_actions must be n_envs * action_dim. USAGE before
 * the first reset. NUMERIC where an action is not finite: nothing was changed then. NUMERIC or
 * another code where the simulation failed: reset before the next step.
 */
AFTERSHOCK_API int32_t aftershock_step(struct aftershock *env, const float *actions,
                                       size_t n_actions, const struct aftershock_results *results,
                                       struct aftershock_error *error);

#ifdef __cplusplus
}
#endif

#endif
