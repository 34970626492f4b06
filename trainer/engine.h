/*
 * An engine does the arithmetic of the actor-critic network: forward passes,
 * and PPO's updates over given minibatches. Everything that decides (order of
 * minibatches, schedules, limits) stands outside. Engines are modules
 * loaded with dlopen; each exports
 *     const struct aft_engine_interface *aft_engine_module(void);
 *
 * Arrays are row-major floats owned by the caller and borrowed for the call.
 * The bits of every result are a function of the arguments and the state, not
 * of the number of threads.
 */
#ifndef AFT_TRAINER_ENGINE_H
#define AFT_TRAINER_ENGINE_H

#include "base/error.h"
#include "base/thread_pool.h"
#include "trainer/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AFT_ENGINE_INTERFACE_VERSION = 3 };

struct aft_engine_config {
    struct aft_network network;
    int max_rows;                 /* of one act/values call */
    int max_batch;                /* samples of one minibatch */
    int act_slots;                /* act/values calls that may run at the same time */
    const char *device;           /* "auto" | "cpu" | "cuda" | "cuda:N" */
    bool tf32;                    /* on CUDA: products in TF32, faster; else it changes nothing */
    struct aft_thread_pool *pool; /* borrowed; NULL: one thread */
};

struct aft_samples { /* n samples of a rollout, in any order */
    int n;
    const float *obs;        /* [n][obs_dim] */
    const float *actions;    /* [n][action_dim], as sampled, unclipped */
    const float *log_probs;  /* [n] under the policy that sampled them */
    const float *values;     /* [n] predicted then */
    const float *advantages; /* [n], not yet normalised */
    const float *returns;    /* [n] */
};

/* Minibatches over the loaded samples: order[0…batch_size-1] is the first one's,
 * and so on; the last one holds what is left. An epoch is all samples once. */
struct aft_minibatches {
    const uint32_t *order; /* [n], each below the number of samples loaded */
    int n;
    int batch_size;
};

struct aft_update_config {
    float learning_rate;
    float clip_range;
    float clip_range_vf; /* 0: the value is not clipped */
    float ent_coef;
    float vf_coef;
    float max_grad_norm; /* 0: not clipped */
    float adam_beta1, adam_beta2, adam_eps;
    bool normalize_advantage; /* by the minibatch's mean and sample standard deviation + 1e-8 */
    float kl_limit;           /* > 0: when a minibatch's approx_kl exceeds it, neither it nor a
                               * later one updates, and its stats say stopped (SB3: 1.5 target_kl) */
};

struct aft_update_stats { /* of one minibatch, before its Adam step; SB3's definitions */
    double policy_loss;   /* mean of -min(r A, clip(r) A) */
    double value_loss;    /* mean squared error to the returns (clipped values if asked) */
    double entropy_loss;  /* minus the mean entropy */
    double loss;          /* policy + ent_coef * entropy_loss + vf_coef * value_loss */
    double approx_kl;     /* mean of (r - 1) - log r (Schulman 2020) */
    double clip_fraction;
    double grad_norm; /* before clipping */
    bool stopped;
};

struct aft_engine_state { /* arrays of parameter_count floats, the caller's */
    float *parameters;
    float *adam_m;
    float *adam_v;
    int64_t adam_step; /* updates done */
};

struct aft_engine_interface {
    int version;      /* AFT_ENGINE_INTERFACE_VERSION */
    const char *name; /* "native" | "torch" */

    /* Parameters are zero until import_state. */
    enum aft_code (*create)(void **self, const struct aft_engine_config *config,
                            struct aft_error *error);
    void (*destroy)(void *self);

    /* Whether act and values may be called at the same time with different slots;
     * if not, the trainer calls them once for all environments. */
    bool (*concurrent)(const void *self);

    /* Samples actions = mean + exp(log_std) * noise, [n][action_dim], their log
     * probabilities [n] and the values [n]. noise NULL: actions are the means.
     * log_probs and values may be NULL. */
    enum aft_code (*act)(void *self, int slot, int n, const float *obs, const float *noise,
                         float *actions, float *log_probs, float *values, struct aft_error *error);

    /* values [n] of obs [n][obs_dim] */
    enum aft_code (*values)(void *self, int slot, int n, const float *obs, float *values,
                            struct aft_error *error);

    /* What the next updates are made on, until others are loaded; borrowed as long. */
    enum aft_code (*load_samples)(void *self, const struct aft_samples *samples,
                                  struct aft_error *error);

    /* One step of Adam on the PPO loss of each minibatch in turn; stats is [number of
     * minibatches], *done of which are written, the last of them `stopped` if the limit
     * stopped it (an infinite divergence does, as long as the loss is finite). A loss,
     * divergence or gradient that is not finite, or too large to be squared, is
     * AFT_ERR_NUMERIC otherwise: its minibatch and those after it update nothing. */
    enum aft_code (*update)(void *self, const struct aft_minibatches *minibatches,
                            const struct aft_update_config *config, struct aft_update_stats *stats,
                            int *done, struct aft_error *error);

    /* The gradient of the last update, before clipping, as one flat vector. */
    enum aft_code (*gradient)(void *self, float *gradient, struct aft_error *error);

    enum aft_code (*export_state)(void *self, struct aft_engine_state *state,
                                  struct aft_error *error);
    enum aft_code (*import_state)(void *self, const struct aft_engine_state *state,
                                  struct aft_error *error);

    /* One line for people and manifests: "native (avx512), 2 threads". */
    void (*describe)(void *self, char *text, size_t size);
};

typedef const struct aft_engine_interface *(*aft_engine_module_function)(void);

/* A loaded engine: the module's functions and one instance. */
struct aft_engine {
    const struct aft_engine_interface *use;
    void *self;
    void *module; /* dlopen's handle; never closed, since OpenBLAS and CUDA do not survive it */
};

/* name is native, torch or auto: torch where a usable CUDA device is (and the module), else native.
 * Modules are found by aft_path_find_module; the environment variable
 * AFTERSHOCK_MODULE_DIR names another folder, for tests. */
enum aft_code aft_engine_open(struct aft_engine *engine, const char *name,
                              const struct aft_engine_config *config, struct aft_error *error);
void aft_engine_close(struct aft_engine *engine);

#endif
