/*
 * One multilayer perceptron: forward and explicit backward pass over a block of
 * rows. Weights are kept [in][out] here, the transpose of torch.nn.Linear's, so
 * that both products of a pass are plain ones, which OpenBLAS does fastest
 * when they are small; `transposed` holds the [out][in] copies.
 */
#ifndef AFT_TRAINER_NATIVE_MLP_H
#define AFT_TRAINER_NATIVE_MLP_H

#include "trainer/native/blas.h"
#include "trainer/native/kernels.h"
#include "trainer/network.h"

/* m n k up to which the product of matrices is our own kernel: packing would cost
 * more than it gains, and OpenBLAS's own small kernels allocate and have bits
 * that depend on the number of rows. */
enum { AFT_MLP_SMALL_PRODUCT = 1200000 };

struct aft_mlp_layer {
    int in, out;
    size_t weight, bias; /* offsets into the flat vector; bias follows weight */
};

struct aft_mlp {
    const struct aft_blas *blas;
    const struct aft_kernels *kernels;
    enum aft_activation activation;
    int n_layers; /* hidden layers and the head */
    struct aft_mlp_layer layer[AFT_NETWORK_MAX_HIDDEN + 1];
};

/* Room for one block of rows; what forward leaves in it, backward needs. */
struct aft_mlp_work {
    float *hidden[AFT_NETWORK_MAX_HIDDEN]; /* [rows][out] */
    float *delta[2];                       /* [rows][widest hidden layer] */
};

/* parameters and transposed are whole flat vectors; out is [rows][outputs]. */
void aft_mlp_forward(const struct aft_mlp *mlp, const float *parameters, int rows, const float *x,
                     struct aft_mlp_work *work, float *out);

struct aft_mlp_backward {
    const float *parameters;
    const float *transposed;
    float *gradient; /* a whole flat vector, of which this net's part is written */
    bool accumulate; /* add to it instead */
};
/* d_out [rows][outputs] is the loss's gradient with respect to out. */
void aft_mlp_backward(const struct aft_mlp *mlp, const struct aft_mlp_backward *with, int rows,
                      const float *x, struct aft_mlp_work *work, const float *d_out);

#endif
