/*
 * The arithmetic of a network's blocks of rows, in one table per level of the
 * instruction set.
 *
 * A vector of n numbers is stored as aft_padded(n), and so is a row of a
 * matrix; what follows the n numbers is 0 and the kernels keep it so. Weights
 * are packed: matrix [k][n] is a run of panels of AFT_PANEL columns (the last
 * may be narrower), each [k][its width]. A product then reads its weights from
 * one end to the other. Rows may have a stride larger than their width.
 *
 * Every element of a product is one sum in the order of k, and every function
 * of an element is the same wherever it stands, so that no row's bits depend
 * on its neighbours.
 */
#ifndef AFT_TRAINER_NATIVE_KERNELS_H
#define AFT_TRAINER_NATIVE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

enum { AFT_LINE = 16, AFT_PANEL = 64 };

static inline int aft_padded(int n)
{
    return (n + AFT_LINE - 1) / AFT_LINE * AFT_LINE;
}

/* The width of the panel that starts at column `first` of [k][n], n padded. */
static inline int aft_panel_width(int n, int first)
{
    return n - first < AFT_PANEL ? n - first : AFT_PANEL;
}

/* Where element (i, j) of a packed [k][n] stands, n padded. */
static inline size_t aft_packed_index(int k, int n, int i, int j)
{
    int first = j / AFT_PANEL * AFT_PANEL;
    return (size_t)first * (size_t)k + (size_t)i * (size_t)aft_panel_width(n, first) +
           (size_t)(j - first);
}

enum aft_finish {
    AFT_FINISH_NOTHING,
    AFT_FINISH_TANH,
    AFT_FINISH_RELU,
    AFT_FINISH_TANH_SLOPE, /* times 1 - h² where h = tanh(z) */
    AFT_FINISH_RELU_SLOPE, /* times (h > 0) where h = max(z, 0) */
};

/* y [rows][n] = finish(x w + bias); element (i, l) of x is
 * x[i * x_row_stride + l * x_k_stride] */
struct aft_rows_product {
    int rows, n, k; /* n padded */
    const float *x;
    size_t x_row_stride, x_k_stride;
    const float *w;    /* packed [k][n] */
    const float *bias; /* [n]; NULL: 0 */
    float *y;
    size_t y_stride;
    enum aft_finish finish;
    const float *h; /* [rows][n], of stride y_stride, for the slopes */
};

/* w [m][n] = sum over rows of x[row][i] d[row][j], or adds it to w */
struct aft_outer_product {
    int m, n, rows; /* n padded */
    const float *x;
    size_t x_row_stride, x_m_stride;
    const float *d;
    size_t d_stride;
    float *w; /* packed [m][n] */
    bool accumulate;
};

/* A head's outputs by dot products: out[a][i] = h[i] · w[a] + bias[a] */
struct aft_head {
    int rows, n, outputs; /* n padded */
    const float *h;
    size_t h_stride;
    const float *w; /* packed [outputs][n] */
    const float *bias;
    float *out;
    size_t out_stride;
};

struct aft_loss_sums { /* over samples */
    double policy, value, kl, clipped;
};

/* The clipped surrogate loss of PPO (Schulman et al. 2017, equation 7) and its
 * gradient with respect to the policy's outputs, over one block of samples.
 * Actions stand by component, [action_dim][stride], all arrays have room for
 * padded rows, and means are over the whole minibatch. */
struct aft_policy_loss {
    int rows, action_dim;
    size_t stride;
    const float *log_std, *inverse_std; /* [action_dim] */
    const float *actions, *mean;
    const float *old_log_probs, *advantages; /* [rows] */
    float advantage_mean, advantage_scale;   /* A = (advantage - mean) * scale */
    float clip_range;
    float inverse_n;            /* 1 / samples of the minibatch */
    float *scratch;             /* [3 + action_dim][stride] */
    float *d_mean;              /* as actions */
    float *d_log_std;           /* [action_dim] */
    struct aft_loss_sums *sums; /* added to */
};

/* The squared error of the values, clipped as in SB3 where clip_range is not 0. */
struct aft_value_loss {
    int rows;
    const float *values, *old_values, *returns; /* [rows] */
    float clip_range;
    float inverse_n;
    float coefficient;
    float *d_value;             /* [rows] */
    float *scratch;             /* [rows] */
    struct aft_loss_sums *sums; /* added to */
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
    void (*rows_product)(const struct aft_rows_product *product);
    void (*outer_product)(const struct aft_outer_product *product);
    void (*head)(const struct aft_head *head);
    void (*policy_loss)(const struct aft_policy_loss *loss);
    void (*value_loss)(const struct aft_value_loss *loss);

    /* y = tanh(x), count padded */
    void (*tanh)(float *y, const float *x, size_t count);
    double (*sum)(const float *x, int n);
    /* count padded */
    double (*sum_of_squares)(const float *x, size_t count);
    /* count padded; a parameter without gradient, mean or variance stays as it is */
    void (*adam)(float *p, float *m, float *v, const float *gradient, size_t count,
                 const struct aft_adam_step *step);
    /* The packed [n][m] from the panel at column `first` of the packed [m][n];
     * n and m are not padded here. */
    void (*transpose_panel)(float *to, const float *from, int m, int n, int first);
};

/* The best table for this CPU. */
const struct aft_kernels *aft_kernels_best(void);

extern const struct aft_kernels aft_kernels_baseline;
#ifdef __x86_64__
extern const struct aft_kernels aft_kernels_avx2;
extern const struct aft_kernels aft_kernels_avx512;
#endif

#endif
