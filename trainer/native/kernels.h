/*
 * The element-wise work of a network, in one table per level of the instruction
 * set. Matrices are row-major [rows][width] and contiguous. "Adds to" means
 * that the caller has zeroed or filled the destination before.
 */
#ifndef AFT_TRAINER_NATIVE_KERNELS_H
#define AFT_TRAINER_NATIVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

/* C [m][n] = A B, or C += A B, with B [k][n]; element (i, l) of A is
 * a[i * a_row_stride + l * a_k_stride], so that A may stand transposed. */
struct aft_product {
    int m, n, k;
    const float *a, *b;
    size_t a_row_stride, a_k_stride;
    float *c;
    bool accumulate;
};

struct aft_adam_step { /* Kingma and Ba 2015, as torch.optim.Adam computes it */
    float beta1, beta2;
    float gradient_scale;     /* the clipping coefficient */
    float step_size;          /* learning rate / (1 - beta1^t) */
    float inverse_root_bias2; /* 1 / sqrt(1 - beta2^t) */
    float eps;
};

struct aft_kernels {
    const char *name;

    /* z = tanh(z + bias), z = max(z + bias, 0), z = z + bias */
    void (*bias_tanh)(float *z, const float *bias, int rows, int width);
    void (*bias_relu)(float *z, const float *bias, int rows, int width);
    void (*bias_only)(float *z, const float *bias, int rows, int width);

    /* From dL/dh to dL/dz where h is the activation; the column sums are added
     * to bias_gradient [width]. identity: only the sums. */
    void (*tanh_backward)(float *delta, const float *h, float *bias_gradient, int rows, int width);
    void (*relu_backward)(float *delta, const float *h, float *bias_gradient, int rows, int width);
    void (*column_sums)(const float *delta, float *bias_gradient, int rows, int width);

    /* A head with one output: out = h w + bias, [rows]. */
    void (*head_forward)(float *out, const float *h, const float *w_and_bias, int rows, int width);
    /* Its gradient, given d_out [rows]: adds to w_and_bias_gradient [width + 1], and
     * fills delta = (d_out w) act'(z) of the layer below, adding its column
     * sums to bias_gradient [width]. */
    void (*head_backward_tanh)(float *delta, const float *h, const float *w, const float *d_out,
                               float *w_and_bias_gradient, float *bias_gradient, int rows,
                               int width);
    void (*head_backward_relu)(float *delta, const float *h, const float *w, const float *d_out,
                               float *w_and_bias_gradient, float *bias_gradient, int rows,
                               int width);

    /* total[i] += sum over k of parts[k * stride + i]; returns the sum of squares of total. */
    double (*reduce)(float *total, const float *parts, size_t stride, int n_parts, size_t count);

    void (*adam)(float *p, float *m, float *v, const float *gradient, size_t count,
                 const struct aft_adam_step *step);

    /* to[c * to_stride + r] = from[r * columns + c] */
    void (*transpose)(float *to, size_t to_stride, const float *from, int rows, int columns);

    /* For products too small to be worth packing. */
    void (*product)(const struct aft_product *product);
};

/* The best table for this CPU. */
const struct aft_kernels *aft_kernels_best(void);

extern const struct aft_kernels aft_kernels_baseline;
#ifdef __x86_64__
extern const struct aft_kernels aft_kernels_avx2;
extern const struct aft_kernels aft_kernels_avx512;
#endif

#endif
