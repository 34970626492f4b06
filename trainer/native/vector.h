/*
 * A register full of floats, for each instruction set under one set of names.
 * Included by the files of kernels only, which are compiled for one of them.
 */
#ifndef AFT_TRAINER_NATIVE_VECTOR_H
#define AFT_TRAINER_NATIVE_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { VECTOR = 16 };
#elif defined(__AVX__)
enum { VECTOR = 8 };
#else
enum { VECTOR = 4 };
#endif
#define VECTOR VECTOR

typedef float vector __attribute__((vector_size(VECTOR * sizeof(float))));
typedef uint32_t vector_bits __attribute__((vector_size(VECTOR * sizeof(uint32_t))));
typedef float unaligned_vector
    __attribute__((vector_size(VECTOR * sizeof(float)), aligned(4), may_alias));

static inline vector load(const float *at)
{
    return *(const unaligned_vector *)at;
}

static inline void store(float *at, vector x)
{
    *(unaligned_vector *)at = x;
}

static inline vector broadcast(float x)
{
    return x - (vector){0};
}

/* Of limit and x, x where it is NaN. */
static inline vector at_most(float limit, vector x);
static inline vector at_least(float limit, vector x);
/* x, or 0 where h is not positive */
static inline vector where_positive(vector h, vector x);
/* The rest: x where h is NaN, too. */
static inline vector where_not_positive(vector h, vector x);

#if defined(__AVX512F__)
static inline vector at_most(float limit, vector x)
{
    return (vector)_mm512_min_ps(_mm512_set1_ps(limit), (__m512)x);
}

static inline vector at_least(float limit, vector x)
{
    return (vector)_mm512_max_ps(_mm512_set1_ps(limit), (__m512)x);
}

static inline vector where_positive(vector h, vector x)
{
    __mmask16 positive = _mm512_cmp_ps_mask((__m512)h, _mm512_setzero_ps(), _CMP_GT_OQ);
    return (vector)_mm512_maskz_mov_ps(positive, (__m512)x);
}

static inline vector where_not_positive(vector h, vector x)
{
    __mmask16 positive = _mm512_cmp_ps_mask((__m512)h, _mm512_setzero_ps(), _CMP_GT_OQ);
    return (vector)_mm512_maskz_mov_ps((__mmask16)~positive, (__m512)x);
}
#else
static inline vector chosen(vector_bits mask, vector yes, vector no)
{
    return (vector)((mask & (vector_bits)yes) | (~mask & (vector_bits)no));
}

static inline vector at_most(float limit, vector x)
{
    return chosen((vector_bits)(x > limit), broadcast(limit), x);
}

static inline vector at_least(float limit, vector x)
{
    return chosen((vector_bits)(x < limit), broadcast(limit), x);
}

static inline vector where_positive(vector h, vector x)
{
    return (vector)((vector_bits)(h > 0.0f) & (vector_bits)x);
}

static inline vector where_not_positive(vector h, vector x)
{
    return (vector)(~(vector_bits)(h > 0.0f) & (vector_bits)x);
}
#endif

static inline vector absolute(vector x)
{
    return (vector)((vector_bits)x & 0x7fffffffu);
}

static inline vector not_negative(vector x)
{
    return at_least(0.0f, x);
}

/* Halves are added to each other until one lane is left. */
static inline float sum_of_lanes(vector lanes)
{
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)lanes);
#else
    float sum[VECTOR];
    memcpy(sum, &lanes, sizeof sum);
    for (int half = VECTOR / 2; half > 0; half /= 2) {
        for (int k = 0; k < half; k++) {
            sum[k] += sum[k + half];
        }
    }
    return sum[0];
#endif
}

#endif
