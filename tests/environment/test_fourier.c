/* fourier.h against sums of sines in double precision. */
#include "fixtures.h"

#include "base/error.h"
#include "base/simd.h"
#include "environment/fourier.h"

#include <stdlib.h>

enum { LARGEST = 13 };
static struct aft_fourier *fourier;
static float factor[(1 << LARGEST) / 2 + 1], signal_[1 << LARGEST], before[1 << LARGEST];

static int set_up(void **state)
{
    (void)state;
    struct aft_error error;
    return aft_fourier_create(&fourier, LARGEST, &error) != AFT_OK;
}

static int tear_down(void **state)
{
    (void)state;
    aft_fourier_destroy(fourier);
    return 0;
}

static void filter__multiplies_each_frequency_by_its_factor(void **state)
{
    (void)state;
    for (int log2_size = AFT_FOURIER_SMALLEST_LOG2; log2_size <= LARGEST; log2_size++) {
        int size = 1 << log2_size;
        const int harmonics[] = {0, 1, 2, 7, size / 4 - 1, size / 4, size / 2 - 1, size / 2};
        enum { N = sizeof harmonics / sizeof *harmonics };
        double phase[N];
        memset(factor, 0, sizeof factor);
        for (int k = 0; k < N; k++) {
            phase[k] = harmonics[k] == size / 2 ? 0.0 : 0.3 + k;
            factor[harmonics[k]] = 0.5F + 0.3F * (float)k;
        }
        for (int i = 0; i < size; i++) {
            double sum = 0.0;
            for (int k = 0; k < N; k++) {
                sum += cos(2.0 * M_PI * harmonics[k] * (double)i / size + phase[k]);
            }
            signal_[i] = (float)sum;
        }
        aft_fourier_filter(signal_, log2_size, factor, fourier);
        for (int i = 0; i < size; i++) {
            double sum = 0.0;
            for (int k = 0; k < N; k++) {
                sum += (double)factor[harmonics[k]] *
                       cos(2.0 * M_PI * harmonics[k] * (double)i / size + phase[k]);
            }
            assert_near(signal_[i] / (double)size, sum, 1e-5);
        }
    }
}

static void make_noise(void)
{
    for (int i = 0; i < 1 << LARGEST; i++) {
        before[i] = signal_[i] = sinf(0.37F * (float)i * (float)(i % 91));
    }
}

static void filter__of_ones_gives_the_signal_times_the_size(void **state)
{
    (void)state;
    for (int i = 0; i <= (1 << LARGEST) / 2; i++) {
        factor[i] = 1.0F;
    }
    for (int log2_size = AFT_FOURIER_SMALLEST_LOG2; log2_size <= LARGEST; log2_size++) {
        make_noise();
        aft_fourier_filter(signal_, log2_size, factor, fourier);
        for (int i = 0; i < 1 << log2_size; i++) {
            assert_near(ldexp((double)signal_[i], -log2_size), before[i], 2e-6);
        }
    }
}

static void filter__has_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    static float portable[1 << LARGEST];
    for (int i = 0; i <= (1 << LARGEST) / 2; i++) {
        factor[i] = 1.0F / (1.0F + (float)i);
    }
    for (int level = AFT_SIMD_PORTABLE; level <= AFT_SIMD_AVX512; level++) {
        aft_simd_limit((enum aft_simd)level);
        make_noise();
        aft_fourier_filter(signal_, LARGEST, factor, fourier);
        if (level == AFT_SIMD_PORTABLE) {
            memcpy(portable, signal_, sizeof portable);
        }
        assert_memory_equal(portable, signal_, sizeof portable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter__multiplies_each_frequency_by_its_factor),
        cmocka_unit_test(filter__of_ones_gives_the_signal_times_the_size),
        cmocka_unit_test(filter__has_the_same_bits_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
