/*
 * One multilayer perceptron in packed weights (kernels.h): forward pass of a
 * block of rows, and the explicit backward pass in two parts, the deltas of a
 * block and the gradient of a panel of weights over all rows of a span.
 */
#ifndef AFT_TRAINER_NATIVE_MLP_H
#define AFT_TRAINER_NATIVE_MLP_H

#include "trainer/native/kernels.h"
#include "trainer/network.h"

/* Offsets into the engine's flat vector. A head is packed the other way round,
 * [out][in]: both its passes then run along its inputs, of which there are many. */
struct aft_mlp_layer {
    int in, out;
    size_t weight;     /* packed [in][out] */
    size_t bias;       /* [out] */
    size_t transposed; /* into the transposed vector, packed [out][in]; not the first layer's */
};

/* A run of parameters that one task takes: a panel of a hidden layer's weights,
 * or all biases, the head and log_std, which stand together. */
struct aft_mlp_piece {
    size_t offset, count;
    int layer; /* -1: the rest */
    int first; /* column of the panel */
};

enum { AFT_MLP_REST = -1 };

struct aft_mlp {
    const struct aft_kernels *kernels;
    enum aft_activation activation;
    int n_hidden;
    struct aft_mlp_layer layer[AFT_NETWORK_MAX_HIDDEN + 1]; /* the last is the head */
    int n_log_std;                                          /* 0: not a policy */
    size_t log_std;
    size_t rest, end; /* of the flat vector */
    int n_pieces;
    struct aft_mlp_piece *pieces;
};

/* Lays the net out from *offset and *transposed on, and moves these past it. */
void aft_mlp_lay_out(struct aft_mlp *mlp, const struct aft_network *network, int outputs,
                     size_t *offset, size_t *transposed);
/* Writes the pieces to `pieces` unless it is NULL; returns their number. */
int aft_mlp_cut(const struct aft_mlp *mlp, struct aft_mlp_piece *pieces);

/* From one row of a layer's output to the next: rows a power of two apart would
 * compete for the same few lines of the cache. */
static inline size_t aft_mlp_stride(int width)
{
    int padded = aft_padded(width);
    return (size_t)(padded % AFT_PANEL == 0 ? padded + AFT_LINE : padded);
}

/* Room for some rows on their way through a net. */
struct aft_mlp_rows {
    float *x;                              /* [rows][obs_dim] */
    float *hidden[AFT_NETWORK_MAX_HIDDEN]; /* [rows][aft_mlp_stride(out)] */
    float *delta[AFT_NETWORK_MAX_HIDDEN];  /* dL/dz of the same */
    float *out, *d_out;                    /* [outputs][out_stride] */
    size_t out_stride;
};

/* Fills out from x; hidden may be the same array in every second layer. */
void aft_mlp_forward(const struct aft_mlp *mlp, const float *parameters, int rows,
                     const struct aft_mlp_rows *at);
/* Fills delta from d_out and hidden. */
void aft_mlp_backward(const struct aft_mlp *mlp, const float *parameters, const float *transposed,
                      int rows, const struct aft_mlp_rows *at);
/* Writes the piece's part of the flat gradient, or adds to it; log_std is not touched. */
void aft_mlp_gradient(const struct aft_mlp *mlp, const struct aft_mlp_piece *piece, int rows,
                      const struct aft_mlp_rows *at, float *gradient, bool accumulate);

#endif
