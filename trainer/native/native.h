/* The native engine's state, shared by its files. */
#ifndef AFT_TRAINER_NATIVE_NATIVE_H
#define AFT_TRAINER_NATIVE_NATIVE_H

#include "trainer/engine.h"
#include "trainer/native/mlp.h"

#include <stdint.h>

enum { AFT_NATIVE_MAX_SHARDS = 16 };

/* Scratch of one task: a block of rows in one of the two nets. */
struct aft_native_work {
    struct aft_mlp_work mlp;
    float *out;         /* [block][action_dim] */
    float *d_out;       /* [block][action_dim] */
    float *inverse_std; /* [action_dim] */
};

/* A run of parameters that one task of the optimiser takes. */
struct aft_native_piece {
    size_t offset, count;
    const struct aft_mlp_layer *layer; /* whose transposed copy follows, or NULL */
    int first_row, rows;               /* of that layer's [in][out] */
};

/* What a task adds to the loss: sums over its samples. */
struct aft_native_sums {
    double policy, value, kl, clipped;
};

struct aft_native {
    struct aft_engine_config config;
    struct aft_blas blas;
    const struct aft_kernels *kernels;
    struct aft_mlp policy, value;
    size_t parameter_count, log_std; /* log_std: its offset */

    float *arena;      /* all that follows; each array starts on a cache line */
    float *parameters; /* [parameter_count], weights as [in][out] */
    float *transposed; /* the same, weights as [out][in] where a backward pass needs them */
    float *adam_m, *adam_v;
    float *gradients; /* [max_shards][stride]; the first becomes the whole gradient */
    size_t stride;
    int64_t adam_step;

    int block_rows; /* rows of one matrix product */
    int max_shards;
    int n_works;
    struct aft_native_work *works; /* by slot in act and values, by thread in update */

    int n_pieces;
    struct aft_native_piece *pieces;
    double *piece_squares;                                  /* [n_pieces] */
    struct aft_native_sums sums[2 * AFT_NATIVE_MAX_SHARDS]; /* by task */

    struct aft_samples loaded; /* the caller's */
    struct aft_native_minibatch {
        int n;
        float *obs, *actions, *log_probs, *values, *advantages, *returns;
    } minibatch; /* the present one, gathered: [max_batch] each */
};

/* adam.c: cuts the parameters into pieces; fills engine->transposed again. */
int aft_native_count_pieces(const struct aft_native *engine);
void aft_native_cut_pieces(struct aft_native *engine);
void aft_native_transpose_all(struct aft_native *engine);
/* The total gradient into the first shard's, and its Euclidean norm. */
double aft_native_reduce_gradient(struct aft_native *engine, int n_shards);
void aft_native_adam(struct aft_native *engine, const struct aft_update_config *config,
                     double grad_norm);

/* update.c */
int aft_native_shard_rows(const struct aft_native *engine, int n);
enum aft_code aft_native_load_samples(void *self, const struct aft_samples *samples,
                                      struct aft_error *error);
enum aft_code aft_native_update(void *self, const struct aft_minibatches *minibatches,
                                const struct aft_update_config *config,
                                struct aft_update_stats *stats, int *done, struct aft_error *error);

#endif
