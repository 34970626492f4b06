/*
 * The kernels, compiled once per instruction set by a file that defines KERNELS
 * and KERNELS_NAME: plain loops that the compiler vectorises. Divisions and
 * square roots take as long as ten to twenty products on a vector unit, so that
 * they are done by Newton's iteration instead.
 */
#include "trainer/native/kernels.h"

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* A first guess of 1 / d for positive normal d: the exponent negated by an
 * integer subtraction (relative error 0.12), then a step of third order (2e-3). */
static inline float rough_reciprocal(float d)
{
    float r = float_of_bits(0x7ef311c7u - bits_of_float(d));
    float e = 1.0f - d * r;
    return r + r * (e + e * e);
}

/* n / d, by a second step and then the remainder put right. */
static inline float quotient(float n, float d)
{
    float r = rough_reciprocal(d);
    float e = 1.0f - d * r;
    float q = n * r;
    return q + (n - d * q) * (r + r * e);
}

/* sqrt(d) for d >= 0, by way of 1 / sqrt(d): an integer guess (relative error
 * 0.034), then three Newton steps (1.8e-3, 5e-6, rounding). 0 gives 0. */
static inline float square_root(float d)
{
    float half = 0.5f * d;
    float y = float_of_bits(0x5f375a86u - (bits_of_float(d) >> 1));
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    return d * y;
}

/*
 * x P(x²) / Q(x²) on |x| <= 9, beyond which tanh rounds to ±1. P and Q are of
 * degree 4, the minimax fit in relative error (2.1e-8; 3e-7 with all roundings).
 * NaN stays NaN.
 */
static inline float tanh_approximation(float x)
{
    x = x > 9.0f ? 9.0f : x;
    x = x < -9.0f ? -9.0f : x;
    float t = x * x;
    float p = 1.33554578615e-8f;
    p = p * t + 2.0609797853e-5f;
    p = p * t + 3.495638098e-3f;
    p = p * t + 0.133810700018f;
    p = p * t + 0.999999979548f;
    float q = 7.77692523142e-7f;
    q = q * t + 3.28571189314e-4f;
    q = q * t + 2.58771793432e-2f;
    q = q * t + 0.467143856914f;
    q = q * t + 1.0f;
    float y = quotient(x * p, q);
    y = y > 1.0f ? 1.0f : y;
    return y < -1.0f ? -1.0f : y;
}

static void bias_tanh(float *restrict z, const float *restrict bias, int rows, int width)
{
    for (int i = 0; i < rows; i++, z += width) {
        for (int j = 0; j < width; j++) {
            z[j] = tanh_approximation(z[j] + bias[j]);
        }
    }
}

static void bias_relu(float *restrict z, const float *restrict bias, int rows, int width)
{
    for (int i = 0; i < rows; i++, z += width) {
        for (int j = 0; j < width; j++) {
            float sum = z[j] + bias[j];
            z[j] = sum < 0.0f ? 0.0f : sum; /* NaN stays NaN */
        }
    }
}

static void bias_only(float *restrict z, const float *restrict bias, int rows, int width)
{
    for (int i = 0; i < rows; i++, z += width) {
        for (int j = 0; j < width; j++) {
            z[j] += bias[j];
        }
    }
}

static void tanh_backward(float *restrict delta, const float *restrict h,
                          float *restrict bias_gradient, int rows, int width)
{
    for (int i = 0; i < rows; i++, delta += width, h += width) {
        for (int j = 0; j < width; j++) {
            float d = delta[j] * (1.0f - h[j] * h[j]);
            delta[j] = d;
            bias_gradient[j] += d;
        }
    }
}

static void relu_backward(float *restrict delta, const float *restrict h,
                          float *restrict bias_gradient, int rows, int width)
{
    for (int i = 0; i < rows; i++, delta += width, h += width) {
        for (int j = 0; j < width; j++) {
            float d = h[j] > 0.0f ? delta[j] : 0.0f;
            delta[j] = d;
            bias_gradient[j] += d;
        }
    }
}

static void column_sums(const float *restrict delta, float *restrict bias_gradient, int rows,
                        int width)
{
    for (int i = 0; i < rows; i++, delta += width) {
        for (int j = 0; j < width; j++) {
            bias_gradient[j] += delta[j];
        }
    }
}

/*
 * The product for small matrices, which needs no packing: a tile of C stays in
 * registers while k runs. Every element is one sum in the order of k, whatever
 * the tile, so that a row's bits do not depend on its neighbours.
 */
#if defined(__AVX512F__)
enum { VECTOR = 16, TILE_VECTORS = 4 };
#elif defined(__AVX__)
enum { VECTOR = 8, TILE_VECTORS = 2 };
#else
enum { VECTOR = 4, TILE_VECTORS = 2 };
#endif
enum { TILE_ROWS = 6 };
typedef float vector __attribute__((vector_size(VECTOR * sizeof(float)), aligned(4), may_alias));

/* rows <= TILE_ROWS and vectors <= TILE_VECTORS are constants where this is inlined. */
static inline __attribute__((always_inline)) void tile(const struct aft_product *p, int i, int j,
                                                       int rows, int vectors)
{
    vector sum[TILE_ROWS][TILE_VECTORS] = {0};
    const float *a = p->a + (size_t)i * p->a_row_stride;
    const float *b = p->b + j;
    for (int k = 0; k < p->k; k++, a += p->a_k_stride, b += p->n) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            float factor = a[(size_t)r * p->a_row_stride];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) {
                sum[r][v] += factor * *(const vector *)(b + v * VECTOR);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            vector *c = (vector *)(p->c + (size_t)(i + r) * (size_t)p->n + j + v * VECTOR);
            if (p->accumulate) {
                *c += sum[r][v];
            } else {
                *c = sum[r][v];
            }
        }
    }
}

static inline __attribute__((always_inline)) void tile_rows(const struct aft_product *p, int i,
                                                            int j, int rows, int vectors)
{
    switch (rows) {
    case 6:
        tile(p, i, j, 6, vectors);
        break;
    case 5:
        tile(p, i, j, 5, vectors);
        break;
    case 4:
        tile(p, i, j, 4, vectors);
        break;
    case 3:
        tile(p, i, j, 3, vectors);
        break;
    case 2:
        tile(p, i, j, 2, vectors);
        break;
    default:
        tile(p, i, j, 1, vectors);
        break;
    }
}

/* Six at a time, but not a seventh or two alone. */
static int rows_of_tile(int left)
{
    return left == 7 || left == 8 ? 4 : (left < TILE_ROWS ? left : TILE_ROWS);
}

static void columns_left(const struct aft_product *p, int first)
{
    for (int i = 0; i < p->m; i++) {
        for (int j = first; j < p->n; j++) {
            const float *a = p->a + (size_t)i * p->a_row_stride;
            float sum = 0.0f;
            for (int k = 0; k < p->k; k++) {
                sum += a[(size_t)k * p->a_k_stride] * p->b[(size_t)k * (size_t)p->n + (size_t)j];
            }
            float *c = p->c + (size_t)i * (size_t)p->n + j;
            *c = p->accumulate ? *c + sum : sum;
        }
    }
}

static void product(const struct aft_product *p)
{
    int j = 0, rows;
    for (; j + TILE_VECTORS * VECTOR <= p->n; j += TILE_VECTORS * VECTOR) {
        for (int i = 0; i < p->m; i += rows) {
            rows = rows_of_tile(p->m - i);
            tile_rows(p, i, j, rows, TILE_VECTORS);
        }
    }
    for (; j + VECTOR <= p->n; j += VECTOR) {
        for (int i = 0; i < p->m; i += rows) {
            rows = rows_of_tile(p->m - i);
            tile_rows(p, i, j, rows, 1);
        }
    }
    columns_left(p, j);
}

static float sum_of_lanes(vector lanes)
{
    float sum[VECTOR];
    memcpy(sum, &lanes, sizeof sum);
    for (int half = VECTOR / 2; half > 0; half /= 2) {
        for (int k = 0; k < half; k++) {
            sum[k] += sum[k + half];
        }
    }
    return sum[0];
}

static void head_forward(float *restrict out, const float *restrict h,
                         const float *restrict w_and_bias, int rows, int width)
{
    int whole = width - width % VECTOR;
    for (int i = 0; i < rows; i++, h += width) {
        vector lanes = {0};
        for (int j = 0; j < whole; j += VECTOR) {
            lanes += *(const vector *)(h + j) * *(const vector *)(w_and_bias + j);
        }
        float sum = sum_of_lanes(lanes) + w_and_bias[width];
        for (int j = whole; j < width; j++) {
            sum += h[j] * w_and_bias[j];
        }
        out[i] = sum;
    }
}

static void head_backward_tanh(float *restrict delta, const float *restrict h,
                               const float *restrict w, const float *restrict d_out,
                               float *restrict w_and_bias_gradient, float *restrict bias_gradient,
                               int rows, int width)
{
    for (int i = 0; i < rows; i++, delta += width, h += width) {
        float g = d_out[i];
        for (int j = 0; j < width; j++) {
            float d = g * w[j] * (1.0f - h[j] * h[j]);
            delta[j] = d;
            bias_gradient[j] += d;
            w_and_bias_gradient[j] += g * h[j];
        }
        w_and_bias_gradient[width] += g;
    }
}

static void head_backward_relu(float *restrict delta, const float *restrict h,
                               const float *restrict w, const float *restrict d_out,
                               float *restrict w_and_bias_gradient, float *restrict bias_gradient,
                               int rows, int width)
{
    for (int i = 0; i < rows; i++, delta += width, h += width) {
        float g = d_out[i];
        for (int j = 0; j < width; j++) {
            float d = h[j] > 0.0f ? g * w[j] : 0.0f;
            delta[j] = d;
            bias_gradient[j] += d;
            w_and_bias_gradient[j] += g * h[j];
        }
        w_and_bias_gradient[width] += g;
    }
}

enum { LANES = 16 };

static double reduce(float *restrict total, const float *restrict parts, size_t stride, int n_parts,
                     size_t count)
{
    for (int k = 0; k < n_parts; k++) {
        const float *part = &parts[(size_t)k * stride];
        for (size_t i = 0; i < count; i++) {
            total[i] += part[i];
        }
    }
    double lanes[LANES] = {0}, sum = 0.0;
    size_t whole = count - count % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lanes[k] += (double)total[i + k] * (double)total[i + k];
        }
    }
    for (size_t i = whole; i < count; i++) {
        lanes[i - whole] += (double)total[i] * (double)total[i];
    }
    for (int k = 0; k < LANES; k++) {
        sum += lanes[k];
    }
    return sum;
}

static void adam(float *restrict p, float *restrict m, float *restrict v,
                 const float *restrict gradient, size_t count, const struct aft_adam_step *step)
{
    const struct aft_adam_step s = *step;
    for (size_t i = 0; i < count; i++) {
        float g = s.gradient_scale * gradient[i];
        float first = m[i] + (1.0f - s.beta1) * (g - m[i]);
        float second = s.beta2 * v[i] + (1.0f - s.beta2) * (g * g);
        m[i] = first;
        v[i] = second;
        float root = square_root(second) * s.inverse_root_bias2 + s.eps;
        p[i] -= quotient(s.step_size * first, root);
    }
}

static void transpose(float *restrict to, size_t to_stride, const float *restrict from, int rows,
                      int columns)
{
    for (int c = 0; c < columns; c++) {
        for (int r = 0; r < rows; r++) {
            to[(size_t)c * to_stride + (size_t)r] = from[(size_t)r * (size_t)columns + (size_t)c];
        }
    }
}

const struct aft_kernels KERNELS = {
    .name = KERNELS_NAME,
    .bias_tanh = bias_tanh,
    .bias_relu = bias_relu,
    .bias_only = bias_only,
    .tanh_backward = tanh_backward,
    .relu_backward = relu_backward,
    .column_sums = column_sums,
    .head_forward = head_forward,
    .head_backward_tanh = head_backward_tanh,
    .head_backward_relu = head_backward_relu,
    .reduce = reduce,
    .adam = adam,
    .transpose = transpose,
    .product = product,
};
