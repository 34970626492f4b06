/* The native engine's state, shared by its files. */
#ifndef AFT_TRAINER_NATIVE_NATIVE_H
#define AFT_TRAINER_NATIVE_NATIVE_H

#include "base/task_lanes.h"
#include "trainer/engine.h"
#include "trainer/native/mlp.h"

#include <stdint.h>

enum aft_native_net_number { AFT_NATIVE_POLICY, AFT_NATIVE_VALUE, AFT_NATIVE_NETS };

/* One of the two nets, and the rows of a span on their way through it. */
struct aft_native_net {
    struct aft_mlp mlp;
    double *piece_squares; /* [n_pieces], of the gradient */
    struct aft_mlp_rows rows;
    /* Gathered samples: those that this net's loss needs, [span_rows] each, or
     * [action_dim][span_rows]. */
    float *actions, *log_probs, *advantages, *values, *returns;
    float *scratch;                /* [3 + action_dim][span_rows], of the loss */
    struct aft_loss_sums *sums;    /* [blocks of a span] */
    float *d_log_std;              /* [blocks of a span][action_dim] */
    struct aft_loss_sums all_sums; /* of the minibatch */
};

/* Scratch of one act call: a block of rows. */
struct aft_native_act_work {
    struct aft_mlp_rows rows;
};

struct aft_native {
    struct aft_engine_config config;
    const struct aft_kernels *kernels;
    struct aft_native_net net[AFT_NATIVE_NETS];
    struct aft_task_lanes *lanes; /* one for each net */
    size_t parameter_count;       /* of torch's flat vector */
    size_t count;                 /* of the packed ones */
    size_t transposed_count;

    float *arena;      /* all that follows; each array starts on a cache line */
    float *parameters; /* [count], packed */
    float *transposed; /* [transposed_count], weights as backward passes need them */
    float *adam_m, *adam_v;
    float *gradient;    /* [count], of the last update */
    float *inverse_std; /* [action_dim], of the present minibatch */
    int64_t adam_step;

    int block_rows; /* rows that one task takes through a net */
    int span_rows;  /* rows that are between forward pass and weight gradient at a time */
    struct aft_native_act_work *act_work; /* [act_slots] */

    struct aft_samples loaded; /* the caller's */
};

/* state.c */
/* Between torch's flat vector and the packed one: the padding of `to` is left alone. */
void aft_native_pack(const struct aft_native *engine, float *packed, const float *flat);
void aft_native_unpack(const struct aft_native *engine, float *flat, const float *packed);
/* Fills engine->transposed again, for one piece. */
void aft_native_transpose(struct aft_native *engine, const struct aft_mlp *mlp,
                          const struct aft_mlp_piece *piece);
enum aft_code aft_native_export_state(void *self, struct aft_engine_state *state,
                                      struct aft_error *error);
enum aft_code aft_native_import_state(void *self, const struct aft_engine_state *state,
                                      struct aft_error *error);
enum aft_code aft_native_gradient(void *self, float *out, struct aft_error *error);

/* act.c */
enum aft_code aft_native_act(void *self, int slot, int n, const float *obs, const float *noise,
                             float *actions, float *log_probs, float *values,
                             struct aft_error *error);
enum aft_code aft_native_values(void *self, int slot, int n, const float *obs, float *values,
                                struct aft_error *error);

/* update.c */
enum aft_code aft_native_update(void *self, const struct aft_minibatches *minibatches,
                                const struct aft_update_config *config,
                                struct aft_update_stats *stats, int *done, struct aft_error *error);

#endif
