#include "environment/plant_kernel.h"

#include "base/simd.h"

#include <math.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static void lanes_avx512(double *y, const double *by_row,
                                                            int rows, int columns, const double *x)
{
    for (int r = 0; r < rows; r += AFT_KERNEL_ROWS) {
        const double *a = by_row + (ptrdiff_t)r * columns;
        __m512d low[AFT_KERNEL_ROWS], high[AFT_KERNEL_ROWS];
        for (int i = 0; i < AFT_KERNEL_ROWS; i++) {
            low[i] = high[i] = _mm512_setzero_pd();
        }
        for (int c = 0; c < columns; c++) {
            __m512d x_low = _mm512_loadu_pd(x + (ptrdiff_t)c * AFT_LANES);
            __m512d x_high = _mm512_loadu_pd(x + (ptrdiff_t)c * AFT_LANES + 8);
            for (int i = 0; i < AFT_KERNEL_ROWS; i++) {
                __m512d factor = _mm512_set1_pd(a[i * columns + c]);
                low[i] = _mm512_fmadd_pd(factor, x_low, low[i]);
                high[i] = _mm512_fmadd_pd(factor, x_high, high[i]);
            }
        }
        for (int i = 0; i < AFT_KERNEL_ROWS; i++) {
            _mm512_storeu_pd(y + (ptrdiff_t)(r + i) * AFT_LANES, low[i]);
            _mm512_storeu_pd(y + (ptrdiff_t)(r + i) * AFT_LANES + 8, high[i]);
        }
    }
}

__attribute__((target("avx512f"))) static void
lanes_f32_avx512(float *y, const float *panels, int rows, int columns, const float *x)
{
    for (int r = 0; r < rows; r += AFT_KERNEL_ROWS_F32) {
        const float *a = panels + (ptrdiff_t)r * columns;
        __m512 sum[AFT_KERNEL_ROWS_F32];
        for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
            sum[i] = _mm512_setzero_ps();
        }
        for (int c = 0; c < columns; c++, a += AFT_KERNEL_ROWS_F32) {
            __m512 lanes = _mm512_loadu_ps(x + (ptrdiff_t)c * AFT_LANES);
            for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
                sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(a[i]), lanes, sum[i]);
            }
        }
        for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
            _mm512_storeu_ps(y + (ptrdiff_t)(r + i) * AFT_LANES, sum[i]);
        }
    }
}

__attribute__((target("avx512f"))) static void one_avx512(double *y, const double *by_column,
                                                          int padded, int columns, const double *x)
{
    for (int r = 0; r < padded; r += AFT_KERNEL_COLUMN) {
        __m512d sum[AFT_KERNEL_COLUMN / 8];
        for (int i = 0; i < AFT_KERNEL_COLUMN / 8; i++) {
            sum[i] = _mm512_setzero_pd();
        }
        for (int c = 0; c < columns; c++) {
            const double *a = by_column + (ptrdiff_t)c * padded + r;
            __m512d factor = _mm512_set1_pd(x[c]);
            for (int i = 0; i < AFT_KERNEL_COLUMN / 8; i++) {
                sum[i] = _mm512_fmadd_pd(_mm512_loadu_pd(a + (ptrdiff_t)8 * i), factor, sum[i]);
            }
        }
        for (int i = 0; i < AFT_KERNEL_COLUMN / 8; i++) {
            _mm512_storeu_pd(y + r + (ptrdiff_t)8 * i, sum[i]);
        }
    }
}

__attribute__((target("avx2,fma"))) static void lanes_avx2(double *y, const double *by_row,
                                                           int rows, int columns, const double *x)
{
    for (int r = 0; r < rows; r += 2) {
        const double *a = by_row + (ptrdiff_t)r * columns, *b = a + columns;
        __m256d first[4], second[4];
        for (int i = 0; i < 4; i++) {
            first[i] = second[i] = _mm256_setzero_pd();
        }
        for (int c = 0; c < columns; c++) {
            __m256d factor_a = _mm256_set1_pd(a[c]), factor_b = _mm256_set1_pd(b[c]);
            for (int i = 0; i < 4; i++) {
                __m256d lanes = _mm256_loadu_pd(x + (ptrdiff_t)c * AFT_LANES + (ptrdiff_t)4 * i);
                first[i] = _mm256_fmadd_pd(factor_a, lanes, first[i]);
                second[i] = _mm256_fmadd_pd(factor_b, lanes, second[i]);
            }
        }
        for (int i = 0; i < 4; i++) {
            _mm256_storeu_pd(y + (ptrdiff_t)r * AFT_LANES + (ptrdiff_t)4 * i, first[i]);
            _mm256_storeu_pd(y + (ptrdiff_t)(r + 1) * AFT_LANES + (ptrdiff_t)4 * i, second[i]);
        }
    }
}

__attribute__((target("avx2,fma"))) static void
lanes_f32_avx2(float *y, const float *panels, int rows, int columns, const float *x)
{
    for (int half = 0; half < rows / AFT_KERNEL_ROWS_F32 * 2; half++) {
        ptrdiff_t r = (ptrdiff_t)(half / 2) * AFT_KERNEL_ROWS_F32,
                  first = (ptrdiff_t)(half % 2) * 8;
        const float *a = panels + r * columns;
        __m256 sum[AFT_KERNEL_ROWS_F32];
        for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
            sum[i] = _mm256_setzero_ps();
        }
        for (int c = 0; c < columns; c++, a += AFT_KERNEL_ROWS_F32) {
            __m256 lanes = _mm256_loadu_ps(x + (ptrdiff_t)c * AFT_LANES + first);
            for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
                sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i]), lanes, sum[i]);
            }
        }
        for (int i = 0; i < AFT_KERNEL_ROWS_F32; i++) {
            _mm256_storeu_ps(y + (r + i) * AFT_LANES + first, sum[i]);
        }
    }
}

__attribute__((target("avx2,fma"))) static void one_avx2(double *y, const double *by_column,
                                                         int padded, int columns, const double *x)
{
    for (int r = 0; r < padded; r += AFT_KERNEL_COLUMN) {
        __m256d sum[AFT_KERNEL_COLUMN / 4];
        for (int i = 0; i < AFT_KERNEL_COLUMN / 4; i++) {
            sum[i] = _mm256_setzero_pd();
        }
        for (int c = 0; c < columns; c++) {
            const double *a = by_column + (ptrdiff_t)c * padded + r;
            __m256d factor = _mm256_set1_pd(x[c]);
            for (int i = 0; i < AFT_KERNEL_COLUMN / 4; i++) {
                sum[i] = _mm256_fmadd_pd(_mm256_loadu_pd(a + (ptrdiff_t)4 * i), factor, sum[i]);
            }
        }
        for (int i = 0; i < AFT_KERNEL_COLUMN / 4; i++) {
            _mm256_storeu_pd(y + r + (ptrdiff_t)4 * i, sum[i]);
        }
    }
}

#endif

static void lanes_portable(double *y, const double *by_row, int rows, int columns, const double *x)
{
    for (int r = 0; r < rows; r++) {
        double sum[AFT_LANES] = {0.0};
        for (int c = 0; c < columns; c++) {
            double factor = by_row[(ptrdiff_t)r * columns + c];
            for (int j = 0; j < AFT_LANES; j++) {
                sum[j] = fma(factor, x[(ptrdiff_t)c * AFT_LANES + j], sum[j]);
            }
        }
        for (int j = 0; j < AFT_LANES; j++) {
            y[(ptrdiff_t)r * AFT_LANES + j] = sum[j];
        }
    }
}

static void lanes_f32_portable(float *y, const float *panels, int rows, int columns, const float *x)
{
    for (int r = 0; r < rows; r++) {
        float sum[AFT_LANES] = {0.0F};
        const float *a = panels + (ptrdiff_t)(r - r % AFT_KERNEL_ROWS_F32) * columns;
        for (int c = 0; c < columns; c++) {
            float factor = a[c * AFT_KERNEL_ROWS_F32 + r % AFT_KERNEL_ROWS_F32];
            for (int j = 0; j < AFT_LANES; j++) {
                sum[j] = fmaf(factor, x[(ptrdiff_t)c * AFT_LANES + j], sum[j]);
            }
        }
        for (int j = 0; j < AFT_LANES; j++) {
            y[(ptrdiff_t)r * AFT_LANES + j] = sum[j];
        }
    }
}

static void one_portable(double *y, const double *by_column, int padded, int columns,
                         const double *x)
{
    for (int r = 0; r < padded; r++) {
        double sum = 0.0;
        for (int c = 0; c < columns; c++) {
            sum = fma(by_column[(ptrdiff_t)c * padded + r], x[c], sum);
        }
        y[r] = sum;
    }
}

const struct aft_plant_kernel *aft_plant_kernel(int index)
{
    static const struct {
        struct aft_plant_kernel kernel;
        enum aft_simd level;
    } variants[] = {
#if defined(__x86_64__)
        {{"avx512", lanes_avx512, one_avx512, lanes_f32_avx512}, AFT_SIMD_AVX512},
        {{"avx2", lanes_avx2, one_avx2, lanes_f32_avx2}, AFT_SIMD_AVX2},
#endif
        {{"portable", lanes_portable, one_portable, lanes_f32_portable}, AFT_SIMD_PORTABLE},
    };
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (variants[i].level <= aft_simd_level() && index-- == 0) {
            return &variants[i].kernel;
        }
    }
    return NULL;
}
