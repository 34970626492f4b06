/* The kernels, compiled once per instruction set by a file that defines KERNELS
 * and KERNELS_NAME. */
#include "trainer/native/kernels.h"
#include "trainer/native/kernels_functions.h"
#include "trainer/native/kernels_product.h"
#include "trainer/native/kernels_transpose.h"
#include "trainer/native/vector.h"

#include <string.h>

static void tanh_array(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += VECTOR) {
        vector value = load(x + i);
        tanh_of(&value, 1);
        store(y + i, value);
    }
}

/* One output: w is plain, since every panel has one row. */
static void head_of_one(const struct aft_head *p)
{
    const float *h = p->h;
    for (int i = 0; i < p->rows; i++, h += p->h_stride) {
        vector even = {0}, odd = {0};
        for (int j = 0; j < p->n; j += AFT_LINE) {
            even += load(h + j) * load(p->w + j);
            for (int v = VECTOR; v < AFT_LINE; v += VECTOR) {
                odd += load(h + j + v) * load(p->w + j + v);
            }
        }
        p->out[i] = sum_of_lanes(even + odd) + p->bias[0];
    }
}

static void head(const struct aft_head *p)
{
    if (p->outputs == 1) {
        head_of_one(p);
        return;
    }
    for (int i = 0; i < p->rows; i++) {
        const float *h = p->h + (size_t)i * p->h_stride;
        for (int a = 0; a < p->outputs; a++) {
            vector lanes = {0};
            for (int j = 0; j < p->n; j += AFT_LINE) {
                const float *w = p->w + aft_packed_index(p->outputs, p->n, a, j);
                for (int v = 0; v < AFT_LINE; v += VECTOR) {
                    lanes += load(h + j + v) * load(w + v);
                }
            }
            p->out[(size_t)a * p->out_stride + (size_t)i] = sum_of_lanes(lanes) + p->bias[a];
        }
    }
}

enum { LANES = 16 };

static double sum_of(const float *x, int n)
{
    double lanes[LANES] = {0}, sum = 0.0;
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            lanes[k] += (double)x[i + k];
        }
    }
    for (int k = 0; k < LANES; k++) {
        sum += lanes[k] + (whole + k < n ? (double)x[whole + k] : 0.0);
    }
    return sum;
}

static double sum_of_squares(const float *x, size_t count)
{
    double lanes[LANES] = {0}, sum = 0.0;
    for (size_t i = 0; i < count; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lanes[k] += (double)x[i + k] * (double)x[i + k];
        }
    }
    for (int k = 0; k < LANES; k++) {
        sum += lanes[k];
    }
    return sum;
}

static vector log_prob(const struct aft_policy_loss *p, size_t i)
{
    const float half_log_two_pi = 0.918938533204672742f;
    vector sum = {0};
    for (int a = 0; a < p->action_dim; a++) {
        size_t at = (size_t)a * p->stride + i;
        vector z = (load(p->actions + at) - load(p->mean + at)) * p->inverse_std[a];
        sum += -0.5f * (z * z) - (p->log_std[a] + half_log_two_pi);
    }
    return sum;
}

static void policy_loss(const struct aft_policy_loss *p)
{
    float *gain = p->scratch, *kl = gain + p->stride, *outside = kl + p->stride;
    float *d_log_std = outside + p->stride;
    size_t rows = (size_t)aft_padded(p->rows);
    for (size_t i = 0; i < rows; i += VECTOR) {
        vector advantage = (load(p->advantages + i) - p->advantage_mean) * p->advantage_scale;
        vector log_ratio = log_prob(p, i) - load(p->old_log_probs + i);
        vector ratio = exp_of(log_ratio);
        vector clipped = at_most(1.0f + p->clip_range, at_least(1.0f - p->clip_range, ratio));
        vector plain_gain = advantage * ratio;
        vector excess = advantage * (ratio - clipped); /* of the plain gain; 0 within the range */
        vector kept = where_not_positive(excess, plain_gain); /* no 0 × inf: a ratio may overflow */
        store(gain + i, kept + where_positive(excess, advantage * clipped));
        store(kl + i, (ratio - 1.0f) - log_ratio);
        store(outside + i, where_positive(absolute(ratio - 1.0f) - p->clip_range, broadcast(1.0f)));
        vector d = -kept * p->inverse_n;
        for (int a = 0; a < p->action_dim; a++) {
            size_t at = (size_t)a * p->stride + i;
            vector z = (load(p->actions + at) - load(p->mean + at)) * p->inverse_std[a];
            store(p->d_mean + at, d * z * p->inverse_std[a]);
            store(d_log_std + at, d * (z * z - 1.0f));
        }
    }
    for (int a = 0; a < p->action_dim; a++) {
        p->d_log_std[a] = (float)sum_of(d_log_std + (size_t)a * p->stride, p->rows);
    }
    p->sums->policy -= sum_of(gain, p->rows);
    p->sums->kl += sum_of(kl, p->rows);
    p->sums->clipped += sum_of(outside, p->rows);
}

static void value_loss(const struct aft_value_loss *p)
{
    float *squares = p->scratch;
    for (size_t i = 0; i < (size_t)aft_padded(p->rows); i += VECTOR) {
        vector value = load(p->values + i), prediction = value, factor = broadcast(1.0f);
        if (p->clip_range > 0.0f) {
            vector old = load(p->old_values + i), change = value - old;
            prediction = old + at_most(p->clip_range, at_least(-p->clip_range, change));
            factor -= where_positive(absolute(change) - p->clip_range, factor);
        }
        vector error = prediction - load(p->returns + i);
        store(squares + i, error * error);
        store(p->d_value + i, factor * (2.0f * p->coefficient * p->inverse_n * error));
    }
    p->sums->value += sum_of(squares, p->rows);
}

/* Four vectors in step: see tanh_of. */
enum { ADAM_STEP = 4 };

static inline __attribute__((always_inline)) void adam_vectors(float *p, float *m, float *v,
                                                               const float *gradient, int n,
                                                               const struct aft_adam_step *s)
{
    const float least = 1e-37f; /* keeps 0 / 0 from happening */
    vector first[ADAM_STEP], second[ADAM_STEP], root[ADAM_STEP];
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        vector g = s->gradient_scale * load(gradient + i * VECTOR);
        first[i] = load(m + i * VECTOR);
        first[i] += (1.0f - s->beta1) * (g - first[i]);
        second[i] = s->beta2 * load(v + i * VECTOR) + (1.0f - s->beta2) * (g * g);
        store(m + i * VECTOR, first[i]);
        store(v + i * VECTOR, second[i]);
        first[i] *= s->step_size;
    }
    square_roots(root, second, n);
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        root[i] = at_least(least, root[i] * s->inverse_root_bias2 + s->eps);
    }
    quotients(first, root, n);
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        store(p + i * VECTOR, load(p + i * VECTOR) - first[i]);
    }
}

static void adam(float *p, float *m, float *v, const float *gradient, size_t count,
                 const struct aft_adam_step *step)
{
    const struct aft_adam_step s = *step;
    size_t i = 0;
    for (; i + ADAM_STEP * VECTOR <= count; i += ADAM_STEP * VECTOR) {
        adam_vectors(p + i, m + i, v + i, gradient + i, ADAM_STEP, &s);
    }
    for (; i < count; i += VECTOR) {
        adam_vectors(p + i, m + i, v + i, gradient + i, 1, &s);
    }
}

static void transpose_panel(float *to, const float *from, int m, int n, int first)
{
    int padded_m = aft_padded(m), width = aft_panel_width(aft_padded(n), first);
    from += (size_t)first * (size_t)m;
    for (int i = 0; i < m; i += AFT_LINE) {
        size_t stride = (size_t)aft_panel_width(padded_m, i / AFT_PANEL * AFT_PANEL);
        int rows = m - i < AFT_LINE ? m - i : AFT_LINE;
        for (int j = 0; j < width && first + j < n; j += AFT_LINE) {
            int left = n - first - j, columns = left < AFT_LINE ? left : AFT_LINE;
            const float *block = from + (size_t)i * (size_t)width + (size_t)j;
            float *at = to + aft_packed_index(n, padded_m, first + j, i);
            transpose_block(at, stride, block, (size_t)width, rows, columns);
        }
    }
}

const struct aft_kernels KERNELS = {
    .name = KERNELS_NAME,
    .rows_product = rows_product,
    .outer_product = outer_product,
    .head = head,
    .policy_loss = policy_loss,
    .value_loss = value_loss,
    .tanh = tanh_array,
    .sum = sum_of,
    .sum_of_squares = sum_of_squares,
    .adam = adam,
    .transpose_panel = transpose_panel,
};
