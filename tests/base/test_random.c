/* base/random.h: the generator is Philox4x32-10, streams are apart, and numbers
 * have the moments they should. */
#include "base/random.h"

#include "base/random_lanes.h"
#include "base/simd.h"
#include "base/vector_math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct known_answer {
    uint32_t counter[4], key[2], words[4];
};

/* kat_vectors of Random123 1.14, the lines "philox4x32 10" */
static const struct known_answer KNOWN_ANSWERS[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void random_words__equal_the_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof KNOWN_ANSWERS / sizeof *KNOWN_ANSWERS; i++) {
        const struct known_answer *known = &KNOWN_ANSWERS[i];
        struct aft_random_key key = {{known->key[0], known->key[1]}, known->counter[3]};
        uint32_t words[4];
        aft_random_words(words, key, known->counter[2], known->counter[1], known->counter[0]);
        assert_memory_equal(words, known->words, sizeof words);
    }
}

static void random_key__separates_seed_stage_and_purpose(void **state)
{
    (void)state;
    struct aft_random_key keys[] = {
        aft_random_key(1, 0, AFT_RANDOM_WEIGHTS),
        aft_random_key(2, 0, AFT_RANDOM_WEIGHTS),
        aft_random_key((uint64_t)1 << 32, 0, AFT_RANDOM_WEIGHTS),
        aft_random_key(1, 1, AFT_RANDOM_WEIGHTS),
        aft_random_key(1, 0, AFT_RANDOM_ACTION_NOISE),
        aft_random_key(1, 1u << 16, AFT_RANDOM_WEIGHTS),
    };
    enum { N = sizeof keys / sizeof *keys };
    for (int i = 0; i < N; i++) {
        for (int j = i + 1; j < N; j++) {
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[0]);
        }
    }
}

enum { MANY = 200000 };

static void check_moments(const double *x, double mean, double variance, double skew_tolerance)
{
    double sums[4] = {0};
    for (int i = 0; i < MANY; i++) {
        double d = x[i] - mean;
        sums[0] += d;
        sums[1] += d * d;
        sums[2] += d * d * d;
        sums[3] += i > 0 ? d * (x[i - 1] - mean) : 0.0;
    }
    double sigma = sqrt(variance), n = MANY;
    assert_true(fabs(sums[0] / n) < 4.0 * sigma / sqrt(n));
    assert_true(fabs(sums[1] / n / variance - 1.0) < 4.0 * sqrt(2.0 / n));
    assert_true(fabs(sums[2] / n) < skew_tolerance);
    assert_true(fabs(sums[3] / n / variance) < 4.0 / sqrt(n));
}

static void random_uniform__has_uniform_moments_and_stays_inside(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x);
    assert_non_null(x);
    aft_random_uniform(x, MANY, aft_random_key(7, 1, AFT_RANDOM_EPISODE), 3, 4, 0);
    for (int i = 0; i < MANY; i++) {
        assert_true(x[i] > 0.0 && x[i] < 1.0);
    }
    check_moments(x, 0.5, 1.0 / 12.0, 4.0 * 0.0473 / sqrt(MANY));
    free(x);
}

static double kurtosis(const double *x)
{
    double second = 0.0, fourth = 0.0;
    for (int i = 0; i < MANY; i++) {
        second += x[i] * x[i];
        fourth += x[i] * x[i] * x[i] * x[i];
    }
    return fourth * MANY / (second * second);
}

static void random_normal__has_normal_moments(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x);
    float *y = malloc(MANY * sizeof *y);
    assert_non_null(x);
    assert_non_null(y);
    struct aft_random_key key = aft_random_key(7, 1, AFT_RANDOM_MOTION);
    aft_random_normal(x, MANY, key, 3, 4, 0);
    check_moments(x, 0.0, 1.0, 4.0 * sqrt(15.0 / MANY));
    assert_true(fabs(kurtosis(x) - 3.0) < 4.0 * sqrt(24.0 / MANY));
    aft_random_normal_f32(y, MANY, key, 3, 4, 0);
    for (int i = 0; i < MANY; i++) {
        x[i] = (double)y[i];
    }
    check_moments(x, 0.0, 1.0, 4.0 * sqrt(15.0 / MANY));
    assert_true(fabs(kurtosis(x) - 3.0) < 4.0 * sqrt(24.0 / MANY));
    free(x);
    free(y);
}

/* Box and Muller's transform of the published generator's words, in double precision. */
static void random_normal__is_box_mullers_transform_of_the_words(void **state)
{
    (void)state;
    enum { N = 40000 };
    const double turn = 6.283185307179586476925286766559 * 0x1p-32;
    struct aft_random_key key = aft_random_key(5, 1, AFT_RANDOM_SENSOR);
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    aft_random_normal_f32(x, N, key, 8, 9, 0);
    for (uint32_t i = 0; i < N; i += 2) {
        uint32_t words[4], *pair = words + i % 4;
        aft_random_words(words, key, 8, 9, i / 4);
        double radius = sqrt(-2.0 * log((pair[0] + 0.5) * 0x1p-32));
        double angle = turn * (pair[1] + 0.5);
        assert_true(fabs((double)x[i] - radius * cos(angle)) < 1e-6);
        assert_true(fabs((double)x[i + 1] - radius * sin(angle)) < 1e-6);
    }
    free(x);
}

static void random_normal__has_normal_tails(void **state)
{
    (void)state;
    enum { N = 4000000, BLOCK = 4000 };
    const double beyond[] = {0.3173105, 0.0455003, 2.699796e-3, 6.334248e-5};
    double counts[4] = {0.0};
    static float x[BLOCK];
    struct aft_random_key key = aft_random_key(6, 1, AFT_RANDOM_SENSOR);
    for (uint32_t k = 0; k < N / BLOCK; k++) {
        aft_random_normal_f32(x, BLOCK, key, k, 0, 0);
        for (int i = 0; i < BLOCK; i++) {
            for (int sigma = 0; sigma < 4; sigma++) {
                counts[sigma] += fabsf(x[i]) > (float)(sigma + 1);
            }
            assert_true(fabsf(x[i]) < 6.8f);
        }
    }
    for (int sigma = 0; sigma < 4; sigma++) {
        double expected = beyond[sigma] * N;
        assert_true(fabs(counts[sigma] - expected) < 4.0 * sqrt(expected));
    }
}

static void random_normal_lanes__hold_the_streams_numbers(void **state)
{
    (void)state;
    enum { BLOCKS = 5 };
    struct aft_random_key key = aft_random_key(12, 3, AFT_RANDOM_SENSOR);
    struct aft_random_place place;
    float lanes[4 * BLOCKS][AFT_RANDOM_LANES], stream[4 * BLOCKS];
    for (uint32_t j = 0; j < AFT_RANDOM_LANES; j++) {
        place.high[j] = 100 + j;
        place.middle[j] = 7 * j;
        place.index[j] = 0xfffffff0U * (j % 2) + j;
    }
    aft_random_normal_lanes(lanes[0], BLOCKS, key, &place);
    for (int j = 0; j < AFT_RANDOM_LANES; j++) {
        aft_random_normal_f32(stream, 4 * BLOCKS, key, place.high[j], place.middle[j],
                              4 * (uint64_t)place.index[j]);
        for (int i = 0; i < 4 * BLOCKS; i++) {
            assert_memory_equal(&stream[i], &lanes[i][j], sizeof(float));
        }
    }
}

static void random_normal__has_the_same_bits_on_every_instruction_set(void **state)
{
    (void)state;
    enum { N = 10007 };
    struct aft_random_key key = aft_random_key(13, 3, AFT_RANDOM_SENSOR);
    static float portable[N], vector[N];
    aft_simd_limit(AFT_SIMD_PORTABLE);
    aft_random_normal_f32(portable, N, key, 1, 2, 3);
    for (int level = AFT_SIMD_AVX2; level <= AFT_SIMD_AVX512; level++) {
        aft_simd_limit((enum aft_simd)level);
        aft_random_normal_f32(vector, N, key, 1, 2, 3);
        assert_memory_equal(portable, vector, sizeof vector);
    }
}

static void vector_exp__is_right_to_single_precision(void **state)
{
    (void)state;
    for (int i = -86000; i <= 87999; i++) {
        float x = (float)i * 1e-3f;
        double expected = exp((double)x);
        assert_true(fabs((double)aft_exp_f32(x) - expected) < 2e-7 * expected);
    }
    assert_true(aft_exp_f32(-200.0f) == 0.0f);
    assert_true(aft_exp_f32(200.0f) == aft_exp_f32(88.0f));
}

static void random_ranges__do_not_depend_on_the_cut(void **state)
{
    (void)state;
    enum { N = 41 };
    struct aft_random_key key = aft_random_key(11, 2, AFT_RANDOM_SENSOR);
    double uniform[N], normal[N], part[N];
    float single[N], single_part[N];
    aft_random_uniform(uniform, N, key, 5, 6, 0);
    aft_random_normal(normal, N, key, 5, 6, 0);
    aft_random_normal_f32(single, N, key, 5, 6, 0);
    for (size_t first = 0; first < N; first++) {
        for (size_t n = 0; n <= N - first; n++) {
            aft_random_uniform(part, n, key, 5, 6, first);
            assert_memory_equal(part, &uniform[first], n * sizeof *part);
            aft_random_normal(part, n, key, 5, 6, first);
            assert_memory_equal(part, &normal[first], n * sizeof *part);
            aft_random_normal_f32(single_part, n, key, 5, 6, first);
            assert_memory_equal(single_part, &single[first], n * sizeof *single_part);
        }
    }
}

static void random_permutation__holds_every_number_once(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t order[N], other[N];
    bool seen[N] = {false};
    struct aft_random_key key = aft_random_key(1, 1, AFT_RANDOM_MINIBATCH_ORDER);
    aft_random_permutation(order, N, key, 0, 0);
    for (int i = 0; i < N; i++) {
        assert_true(order[i] < N && !seen[order[i]]);
        seen[order[i]] = true;
    }
    aft_random_permutation(other, N, key, 0, 1);
    assert_memory_not_equal(order, other, sizeof order);
    aft_random_permutation(other, N, key, 0, 0);
    assert_memory_equal(order, other, sizeof order);
    aft_random_permutation(other, 0, key, 0, 0);
    aft_random_permutation(other, 1, key, 0, 0);
    assert_int_equal(other[0], 0);
}

/* All 24 orders of four, equally often: chi-square with 23 degrees of freedom,
 * of which one in a thousand exceeds 49.7. */
static void random_permutation__is_uniform_over_all_orders(void **state)
{
    (void)state;
    enum { TRIALS = 48000 };
    int counts[256] = {0};
    struct aft_random_key key = aft_random_key(3, 1, AFT_RANDOM_MINIBATCH_ORDER);
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        uint32_t order[4];
        aft_random_permutation(order, 4, key, 0, trial);
        counts[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    double chi_square = 0.0;
    int kinds = 0;
    for (int i = 0; i < 256; i++) {
        double expected = TRIALS / 24.0;
        if (counts[i] > 0) {
            kinds++;
            chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
    }
    assert_int_equal(kinds, 24);
    assert_true(chi_square < 49.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_words__equal_the_published_vectors),
        cmocka_unit_test(random_key__separates_seed_stage_and_purpose),
        cmocka_unit_test(random_uniform__has_uniform_moments_and_stays_inside),
        cmocka_unit_test(random_normal__has_normal_moments),
        cmocka_unit_test(random_normal__is_box_mullers_transform_of_the_words),
        cmocka_unit_test(random_normal__has_normal_tails),
        cmocka_unit_test(random_normal_lanes__hold_the_streams_numbers),
        cmocka_unit_test(random_normal__has_the_same_bits_on_every_instruction_set),
        cmocka_unit_test(vector_exp__is_right_to_single_precision),
        cmocka_unit_test(random_ranges__do_not_depend_on_the_cut),
        cmocka_unit_test(random_permutation__holds_every_number_once),
        cmocka_unit_test(random_permutation__is_uniform_over_all_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
