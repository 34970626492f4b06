/* trainer/native/kernels.h: every table that this CPU can run, against libm. */
#include "trainer/native/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int list_tables(const struct aft_kernels *tables[3])
{
    int n = 0;
    tables[n++] = &aft_kernels_baseline;
#ifdef __x86_64__
    if (aft_kernels_best() != &aft_kernels_baseline) {
        tables[n++] = &aft_kernels_avx2;
    }
    if (aft_kernels_best() == &aft_kernels_avx512) {
        tables[n++] = &aft_kernels_avx512;
    }
#endif
    return n;
}

static double tanh_error(const struct aft_kernels *kernels, float x)
{
    float y[AFT_LINE] = {x};
    kernels->tanh(y, y, AFT_LINE);
    double exact = tanh((double)x);
    return exact == 0.0 ? fabs((double)y[0]) : fabs((double)y[0] / exact - 1.0);
}

static void tanh__is_within_four_ten_millionths(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        double worst = 0.0;
        for (int i = -240000; i <= 240000; i++) {
            worst = fmax(worst, tanh_error(tables[t], (float)i * 5e-5f));
        }
        for (float x = 1e-30f; x < 1.0f; x *= 1.7f) {
            worst = fmax(worst, tanh_error(tables[t], x));
        }
        print_message("%s: largest relative error of tanh %.3g\n", tables[t]->name, worst);
        assert_true(worst < 4e-7);
    }
}

static void tanh__stays_within_one_and_keeps_nan(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float z[2 * AFT_LINE] = {0};
        for (int i = 0; i < 16; i++) {
            z[i] = 7.5f + 0.1f * (float)i;
        }
        z[16] = NAN;
        z[17] = INFINITY;
        z[18] = -INFINITY;
        tables[t]->tanh(z, z, 2 * AFT_LINE);
        for (int i = 0; i < 16; i++) {
            assert_true(z[i] <= 1.0f && z[i] > 0.999999f);
        }
        assert_true(isnan(z[16]));
        assert_float_equal(z[17], 1.0f, 0.0);
        assert_float_equal(z[18], -1.0f, 0.0);
        assert_float_equal(z[19], 0.0f, 0.0);
    }
}

/* Numbers around 0 that repeat nowhere near. */
static void fill(float *x, size_t count, int seed)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = sinf(0.7f * (float)i + (float)seed);
    }
}

enum { MOST = 150 };

/* Odd sizes on all sides of the tiles' and panels' edges. */
static const int SIZES[] = {1, 2, 5, 7, 13, 16, 17, 33, 64, 65, 100, 112, 130};
enum { N_SIZES = sizeof SIZES / sizeof *SIZES };

/* Packs b [k][n], filling up with zeros. */
static void pack(float *packed, const float *b, int k, int n)
{
    int padded = aft_padded(n);
    for (int i = 0; i < k; i++) {
        for (int j = 0; j < padded; j++) {
            packed[aft_packed_index(k, padded, i, j)] = j < n ? b[i * n + j] : 0.0f;
        }
    }
}

static double finished(enum aft_finish finish, double z, double h)
{
    switch (finish) {
    case AFT_FINISH_TANH:
        return tanh(z);
    case AFT_FINISH_RELU:
        return z > 0.0 ? z : 0.0;
    case AFT_FINISH_TANH_SLOPE:
        return z * (1.0 - h * h);
    case AFT_FINISH_RELU_SLOPE:
        return h > 0.0 ? z : 0.0;
    default:
        return z;
    }
}

/* Every third row in 1…rows is computed alone too, and must have the same bits. */
static void check_rows_product(const struct aft_kernels *kernels, int rows, int n, int k,
                               enum aft_finish finish)
{
    static float x[MOST * MOST], w[MOST * MOST], packed[MOST * (MOST + AFT_LINE)];
    static float bias[MOST + AFT_LINE], h[MOST * (MOST + 2 * AFT_LINE)],
        y[MOST * (MOST + 2 * AFT_LINE)], alone[MOST + AFT_LINE];
    size_t stride = (size_t)aft_padded(n) + AFT_LINE;
    fill(x, (size_t)rows * (size_t)k, n);
    fill(w, (size_t)k * (size_t)n, k);
    fill(h, (size_t)rows * stride, rows);
    memset(bias, 0, sizeof bias);
    fill(bias, (size_t)n, 3);
    pack(packed, w, k, n);
    struct aft_rows_product product = {
        .rows = rows,
        .n = aft_padded(n),
        .k = k,
        .x = x,
        .x_row_stride = (size_t)k,
        .x_k_stride = 1,
        .w = packed,
        .bias = bias,
        .y = y,
        .y_stride = stride,
        .finish = finish,
        .h = h,
    };
    kernels->rows_product(&product);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < n; j++) {
            double z = (double)bias[j];
            for (int l = 0; l < k; l++) {
                z += (double)x[i * k + l] * (double)w[l * n + j];
            }
            size_t at = (size_t)i * stride + (size_t)j;
            double expected = finished(finish, z, (double)h[at]);
            assert_true(fabs((double)y[at] - expected) < 1e-5 * (1.0 + fabs(z)));
        }
    }
    for (int i = 0; i < rows; i += 3) {
        product.rows = 1;
        product.x = &x[i * k];
        product.h = &h[(size_t)i * stride];
        product.y = alone;
        kernels->rows_product(&product);
        assert_memory_equal(alone, &y[(size_t)i * stride], (size_t)n * sizeof *y);
    }
}

static void rows_product__equals_double_precision_and_keeps_rows_apart(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        for (int s = 0; s < N_SIZES * N_SIZES; s++) {
            int rows = SIZES[s % N_SIZES], n = SIZES[s / N_SIZES];
            check_rows_product(tables[t], rows, n, SIZES[(s + 5) % N_SIZES],
                               (enum aft_finish)(s % (AFT_FINISH_RELU_SLOPE + 1)));
        }
    }
}

static void check_outer_product(const struct aft_kernels *kernels, int rows, int m, int n)
{
    static float x[MOST * MOST], d[MOST * (MOST + AFT_LINE)], w[MOST * (MOST + AFT_LINE)];
    int padded = aft_padded(n);
    fill(x, (size_t)rows * (size_t)m, n);
    memset(d, 0, sizeof d);
    for (int i = 0; i < rows; i++) {
        fill(&d[i * padded], (size_t)n, i);
    }
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        const struct aft_outer_product product = {
            .m = m,
            .n = padded,
            .rows = rows,
            .x = x,
            .x_row_stride = (size_t)m,
            .x_m_stride = 1,
            .d = d,
            .d_stride = (size_t)padded,
            .w = w,
            .accumulate = accumulate,
        };
        kernels->outer_product(&product);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < padded; j++) {
                double sum = 0.0;
                for (int r = 0; r < rows; r++) {
                    sum += (double)x[r * m + i] * (double)d[r * padded + j];
                }
                double actual = (double)w[aft_packed_index(m, padded, i, j)];
                assert_true(fabs(actual - sum * (1.0 + accumulate)) < 1e-4);
            }
        }
    }
}

static void outer_product__equals_double_precision(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        for (int s = 0; s < N_SIZES * N_SIZES; s++) {
            check_outer_product(tables[t], SIZES[(s + 7) % N_SIZES], SIZES[s % N_SIZES],
                                SIZES[s / N_SIZES]);
        }
    }
}

static void transpose_panel__is_the_packed_transpose(void **state)
{
    (void)state;
    static float w[MOST * MOST], packed[MOST * (MOST + AFT_LINE)], to[MOST * (MOST + AFT_LINE)];
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        for (int s = 0; s < N_SIZES * N_SIZES; s++) {
            int m = SIZES[s % N_SIZES], n = SIZES[s / N_SIZES];
            fill(w, (size_t)m * (size_t)n, s);
            pack(packed, w, m, n);
            memset(to, 0, sizeof to);
            for (int first = 0; first < n; first += AFT_PANEL) {
                tables[t]->transpose_panel(to, packed, m, n, first);
            }
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < aft_padded(m); j++) {
                    float expected = j < m ? w[j * n + i] : 0.0f;
                    assert_true(to[aft_packed_index(n, aft_padded(m), i, j)] == expected);
                }
            }
        }
    }
}

enum { P = 48 };

static void adam__equals_double_precision(void **state)
{
    (void)state;
    const struct aft_adam_step step = {0.9f, 0.999f, 0.5f, 1e-3f, 1.5f, 1e-5f};
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float p[P], m[P], v[P], g[P], before[3][P];
        for (int i = 0; i < P; i++) {
            p[i] = 0.1f * (float)i;
            m[i] = 0.01f * (float)(i - 18);
            v[i] = i % 5 == 0 ? 0.0f : 1e-9f * expf(0.7f * (float)i);
            g[i] = i % 7 == 0 ? 0.0f : 3e-3f * (float)(17 - i);
        }
        memcpy(before[0], p, sizeof p);
        memcpy(before[1], m, sizeof m);
        memcpy(before[2], v, sizeof v);
        tables[t]->adam(p, m, v, g, P, &step);
        for (int i = 0; i < P; i++) {
            double d = 0.5 * (double)g[i], beta1 = (double)step.beta1, beta2 = (double)step.beta2;
            double em = beta1 * (double)before[1][i] + (1.0 - beta1) * d;
            double ev = beta2 * (double)before[2][i] + (1.0 - beta2) * d * d;
            double change = (double)step.step_size * em /
                            (sqrt(ev) * (double)step.inverse_root_bias2 + (double)step.eps);
            assert_true(fabs((double)m[i] - em) <= 1e-6 * fabs(em) + 1e-12);
            assert_true(fabs((double)v[i] - ev) <= 1e-6 * ev);
            assert_true(fabs((double)before[0][i] - change - (double)p[i]) <=
                        1e-6 * fabs(change) + 1e-7 * fabs((double)p[i]));
        }
    }
}

static void check_head(const struct aft_kernels *kernels, int outputs, int n)
{
    enum { ROWS = 3 };
    static float h[ROWS * MOST], w[4 * MOST], packed[4 * (MOST + AFT_LINE)];
    float bias[4] = {0.1f, 0.2f, 0.3f, 0.4f}, out[4 * ROWS];
    int padded = aft_padded(n);
    memset(h, 0, sizeof h);
    for (int i = 0; i < ROWS; i++) {
        fill(&h[i * padded], (size_t)n, i);
    }
    fill(w, (size_t)(outputs * n), 5);
    pack(packed, w, outputs, n);
    const struct aft_head head = {ROWS,   padded, outputs, h,   (size_t)padded,
                                  packed, bias,   out,     ROWS};
    kernels->head(&head);
    for (int i = 0; i < ROWS * outputs; i++) {
        int a = i / ROWS, row = i % ROWS;
        double sum = (double)bias[a];
        for (int j = 0; j < n; j++) {
            sum += (double)h[row * padded + j] * (double)w[a * n + j];
        }
        assert_true(fabs(sum - (double)out[i]) < 1e-5);
    }
}

static void head__equals_a_plain_sum(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        for (int s = 0; s < N_SIZES; s++) {
            check_head(tables[t], 1, SIZES[s]);
            check_head(tables[t], 3, SIZES[s]);
        }
    }
}

static void sums__equal_double_precision(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float x[P];
        double sum = 0.0, squares = 0.0;
        fill(x, P, 1);
        for (int i = 0; i < P; i++) {
            sum += i < 37 ? (double)x[i] : 0.0;
            squares += (double)x[i] * (double)x[i];
        }
        assert_true(fabs(tables[t]->sum(x, 37) - sum) < 1e-12);
        assert_true(fabs(tables[t]->sum_of_squares(x, P) - squares) < 1e-12);
    }
}

/* The padding has neither gradient nor moments: it must stay 0 whatever eps is. */
static void adam__leaves_the_padding_alone(void **state)
{
    (void)state;
    const struct aft_adam_step step = {0.9f, 0.999f, 1.0f, 1e-3f, 1.5f, 0.0f};
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float p[AFT_LINE] = {0}, m[AFT_LINE] = {0}, v[AFT_LINE] = {0}, g[AFT_LINE] = {0};
        tables[t]->adam(p, m, v, g, AFT_LINE, &step);
        for (int i = 0; i < AFT_LINE; i++) {
            assert_true(p[i] == 0.0f && m[i] == 0.0f && v[i] == 0.0f);
        }
    }
}

enum { LOSS_ROWS = 37 };

struct loss_case {
    float actions[P], mean[P], old[P], advantages[P], scratch[4 * P], d_mean[P], d_log_std;
    struct aft_loss_sums sums;
};

static void check_policy_loss(const struct loss_case *c, double log_std)
{
    struct aft_loss_sums sums = {0};
    double d_log_std = 0.0;
    for (int i = 0; i < LOSS_ROWS; i++) {
        double z = ((double)c->actions[i] - (double)c->mean[i]) * exp(-log_std);
        double log_ratio = -0.5 * z * z - log_std - 0.918938533204672742 - (double)c->old[i];
        double ratio = exp(log_ratio), a = (double)c->advantages[i];
        double clipped = fmin(fmax(ratio, 0.8), 1.2);
        bool outside = ratio * a > clipped * a;
        double d = outside ? 0.0 : -ratio * a / LOSS_ROWS;
        sums.policy -= outside ? clipped * a : ratio * a;
        sums.kl += ratio - 1.0 - log_ratio;
        sums.clipped += fabs(ratio - 1.0) > 0.2;
        d_log_std += d * (z * z - 1.0);
        assert_true(fabs((double)c->d_mean[i] - d * z * exp(-log_std)) < 1e-6);
    }
    assert_true(fabs(c->sums.policy - sums.policy) < 1e-4);
    assert_true(fabs(c->sums.kl - sums.kl) < 1e-4);
    assert_true(fabs(c->sums.clipped - sums.clipped) < 1e-9);
    assert_true(fabs((double)c->d_log_std - d_log_std) < 1e-5);
}

/* Some samples lie on either side of the clipping range, and many within it. */
static void policy_loss__equals_double_precision(void **state)
{
    (void)state;
    float log_std = -0.3f, inverse_std = expf(0.3f);
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        struct loss_case c = {.sums = {0}};
        fill(c.actions, P, 1);
        fill(c.advantages, P, 2);
        for (int i = 0; i < P; i++) {
            c.mean[i] = 0.1f * cosf((float)i);
            float z = (c.actions[i] - c.mean[i]) * inverse_std;
            c.old[i] = -0.5f * z * z - log_std - 0.9189385f + 0.3f * sinf(3.0f * (float)i);
        }
        const struct aft_policy_loss loss = {
            .rows = LOSS_ROWS,
            .action_dim = 1,
            .stride = P,
            .log_std = &log_std,
            .inverse_std = &inverse_std,
            .actions = c.actions,
            .mean = c.mean,
            .old_log_probs = c.old,
            .advantages = c.advantages,
            .advantage_scale = 1.0f,
            .clip_range = 0.2f,
            .inverse_n = 1.0f / LOSS_ROWS,
            .scratch = c.scratch,
            .d_mean = c.d_mean,
            .d_log_std = &c.d_log_std,
            .sums = &c.sums,
        };
        tables[t]->policy_loss(&loss);
        check_policy_loss(&c, (double)log_std);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tanh__is_within_four_ten_millionths),
        cmocka_unit_test(tanh__stays_within_one_and_keeps_nan),
        cmocka_unit_test(rows_product__equals_double_precision_and_keeps_rows_apart),
        cmocka_unit_test(outer_product__equals_double_precision),
        cmocka_unit_test(transpose_panel__is_the_packed_transpose),
        cmocka_unit_test(head__equals_a_plain_sum),
        cmocka_unit_test(sums__equal_double_precision),
        cmocka_unit_test(policy_loss__equals_double_precision),
        cmocka_unit_test(adam__equals_double_precision),
        cmocka_unit_test(adam__leaves_the_padding_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
