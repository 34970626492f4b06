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
    float y = x, zero = 0.0f;
    kernels->bias_tanh(&y, &zero, 1, 1);
    double exact = tanh((double)x);
    return exact == 0.0 ? fabs((double)y) : fabs((double)y / exact - 1.0);
}

static void bias_tanh__is_within_four_ten_millionths(void **state)
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

static void bias_tanh__stays_within_one_and_keeps_nan(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float z[19], bias[19] = {0};
        for (int i = 0; i < 19; i++) {
            z[i] = 7.5f + 0.1f * (float)i;
        }
        z[16] = NAN;
        z[17] = INFINITY;
        z[18] = -INFINITY;
        tables[t]->bias_tanh(z, bias, 1, 19);
        for (int i = 0; i < 16; i++) {
            assert_true(z[i] <= 1.0f && z[i] > 0.999999f);
        }
        assert_true(isnan(z[16]));
        assert_float_equal(z[17], 1.0f, 0.0);
        assert_float_equal(z[18], -1.0f, 0.0);
    }
}

enum { P = 37 };

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

static void head_forward__equals_a_plain_sum(void **state)
{
    (void)state;
    enum { ROWS = 3 };
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        for (int width = 1; width <= P; width++) {
            float h[ROWS * P], w[P + 1], out[ROWS];
            for (int i = 0; i < ROWS * width; i++) {
                h[i] = sinf((float)i);
            }
            for (int i = 0; i <= width; i++) {
                w[i] = cosf((float)i);
            }
            tables[t]->head_forward(out, h, w, ROWS, width);
            for (int i = 0; i < ROWS; i++) {
                double sum = (double)w[width];
                for (int j = 0; j < width; j++) {
                    sum += (double)h[i * width + j] * (double)w[j];
                }
                assert_true(fabs(sum - (double)out[i]) < 1e-5);
            }
        }
    }
}

static void reduce__adds_parts_in_order_and_squares(void **state)
{
    (void)state;
    const struct aft_kernels *tables[3];
    for (int t = list_tables(tables) - 1; t >= 0; t--) {
        float parts[3][40];
        double squares = 0.0;
        for (int i = 0; i < 3 * 40; i++) {
            parts[i / 40][i % 40] = 0.25f * (float)(i % 11);
        }
        for (int i = 0; i < P; i++) {
            double sum = (double)parts[0][i] + (double)parts[1][i] + (double)parts[2][i];
            squares += sum * sum;
        }
        double result = tables[t]->reduce(parts[0], parts[1], 40, 2, P);
        assert_true(fabs(result - squares) < 1e-9 * squares);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias_tanh__is_within_four_ten_millionths),
        cmocka_unit_test(bias_tanh__stays_within_one_and_keeps_nan),
        cmocka_unit_test(adam__equals_double_precision),
        cmocka_unit_test(head_forward__equals_a_plain_sum),
        cmocka_unit_test(reduce__adds_parts_in_order_and_squares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
