/*
 * tanh, exp, quotient and square root of a vector, part of each table of
 * kernels. Divisions and square roots take as long as ten to twenty products
 * on a vector unit, so that they are done by Newton's iteration from a guess
 * made of integers: the CPU's own guesses differ between makers.
 */
#ifndef AFT_TRAINER_NATIVE_KERNELS_FUNCTIONS_H
#define AFT_TRAINER_NATIVE_KERNELS_FUNCTIONS_H

#include "trainer/native/vector.h"

#if defined(__AVX512F__)
#include "trainer/native/tanh_table.h"
#endif

/* n / d for positive normal d: the guess is the exponent negated by an integer
 * subtraction (relative error 0.12), then a step of third order (2e-3), one of
 * second, and the remainder put right. */
static inline __attribute__((always_inline)) void quotients(vector *n, const vector *d, int count)
{
    vector r[4], e[4];
#pragma GCC unroll 4
    for (int i = 0; i < count; i++) {
        r[i] = (vector)(0x7ef311c7u - (vector_bits)d[i]);
        e[i] = 1.0f - d[i] * r[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < count; i++) {
        r[i] = r[i] + r[i] * (e[i] + e[i] * e[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < count; i++) {
        e[i] = 1.0f - d[i] * r[i];
        vector q = n[i] * r[i];
        n[i] = q + (n[i] - d[i] * q) * (r[i] + r[i] * e[i]);
    }
}

/* sqrt(d) for finite d >= 0, by way of 1 / sqrt(d): an integer guess (relative error
 * 0.034), then three Newton steps (1.8e-3, 5e-6, rounding). 0 gives 0. */
static inline __attribute__((always_inline)) void square_roots(vector *root, const vector *d,
                                                               int count)
{
    vector y[4];
#pragma GCC unroll 4
    for (int i = 0; i < count; i++) {
        y[i] = (vector)(0x5f375a86u - ((vector_bits)d[i] >> 1));
    }
#pragma GCC unroll 3
    for (int step = 0; step < 3; step++) {
#pragma GCC unroll 4
        for (int i = 0; i < count; i++) {
            y[i] = y[i] * (1.5f - 0.5f * d[i] * y[i] * y[i]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < count; i++) {
        root[i] = d[i] * y[i];
    }
}

/* 2^23 + 2^22: adding it rounds to an integer, which then stands in the low bits. */
static const float ROUND_BY = 12582912.0f;

#if defined(__AVX512F__)
/* The j-th coefficient of each lane's piece. */
static inline vector tanh_coefficient(int j, __m512i piece)
{
    return (vector)_mm512_permutex2var_ps(_mm512_load_ps(&TANH_COEFFICIENT[j][0]), piece,
                                          _mm512_load_ps(&TANH_COEFFICIENT[j][16]));
}

/* By table: two registers hold a coefficient of all pieces. The lanes of n vectors
 * go in step, since one alone leaves the CPU waiting for each of its products.
 * NaN stays NaN. */
static inline __attribute__((always_inline)) void tanh_of(vector *x, int n)
{
    const float largest = (TANH_PIECES - 1) * TANH_PIECE_WIDTH;
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    vector d[4], number[4], y[4];
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        d[i] = at_most(largest, absolute(x[i]));
        number[i] = d[i] * (1.0f / TANH_PIECE_WIDTH) + ROUND_BY;
    }
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        d[i] -= (number[i] - ROUND_BY) * TANH_PIECE_WIDTH;
        y[i] = tanh_coefficient(TANH_DEGREE, (__m512i)number[i]);
    }
#pragma GCC unroll 5
    for (int j = TANH_DEGREE - 1; j >= 0; j--) {
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            y[i] = y[i] * d[i] + tanh_coefficient(j, (__m512i)number[i]);
        }
    }
    enum { A_OR_B_AND_C = 0xf8 };
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        x[i] = (vector)_mm512_ternarylogic_epi32((__m512i)y[i], (__m512i)x[i], sign, A_OR_B_AND_C);
    }
}
#else
/*
 * x P(x²) / Q(x²) on |x| <= 9, beyond which tanh rounds to ±1. P and Q are of
 * degree 4, the minimax fit in relative error (2.1e-8; 3e-7 with all roundings).
 * NaN stays NaN.
 */
static inline vector tanh_of_one(vector x)
{
    x = at_least(-9.0f, at_most(9.0f, x));
    vector t = x * x;
    vector p = 1.33554578615e-8f * t + 2.0609797853e-5f;
    p = p * t + 3.495638098e-3f;
    p = p * t + 0.133810700018f;
    p = p * t + 0.999999979548f;
    vector q = 7.77692523142e-7f * t + 3.28571189314e-4f;
    q = q * t + 2.58771793432e-2f;
    q = q * t + 0.467143856914f;
    q = q * t + 1.0f;
    vector y = x * p;
    quotients(&y, &q, 1);
    return at_least(-1.0f, at_most(1.0f, y));
}

static inline void tanh_of(vector *x, int n)
{
    for (int i = 0; i < n; i++) {
        x[i] = tanh_of_one(x[i]);
    }
}
#endif

/* exp by 2^n times a polynomial on ±ln 2 / 2 (relative error 1.2e-7; 1 at 0), in
 * two factors so that it overflows to infinity. NaN stays NaN. */
static inline vector exp_of(vector x)
{
    x = at_least(-87.0f, at_most(89.0f, x));
    vector number = x * 1.44269504f + ROUND_BY;
    vector n = number - ROUND_BY;
    vector r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vector y = 1.9875691500e-4f * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    vector_bits exponent = (vector_bits)number - 0x4b400000u;
    vector_bits low = (vector_bits)((exponent + 256u) >> 1) - 128u;
    vector_bits high = exponent - low;
    vector scale_low = (vector)((low + 127u) << 23), scale_high = (vector)((high + 127u) << 23);
    return y * scale_low * scale_high;
}

#endif
