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
static inline vector quotient(vector n, vector d)
{
    vector r = (vector)(0x7ef311c7u - (vector_bits)d);
    vector e = 1.0f - d * r;
    r = r + r * (e + e * e);
    e = 1.0f - d * r;
    vector q = n * r;
    return q + (n - d * q) * (r + r * e);
}

/* sqrt(d) for d >= 0, by way of 1 / sqrt(d): an integer guess (relative error
 * 0.034), then three Newton steps (1.8e-3, 5e-6, rounding). 0 gives 0. */
static inline vector square_root(vector d)
{
    vector half = 0.5f * d;
    vector y = (vector)(0x5f375a86u - ((vector_bits)d >> 1));
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    return d * y;
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

/* By table: two registers hold a coefficient of all pieces. NaN stays NaN. */
static inline vector tanh_of(vector x)
{
    const float largest = (TANH_PIECES - 1) * TANH_PIECE_WIDTH;
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    vector size = (vector)_mm512_andnot_si512(sign, (__m512i)x);
    size = at_most(largest, size);
    vector number = size * (1.0f / TANH_PIECE_WIDTH) + ROUND_BY;
    vector d = size - (number - ROUND_BY) * TANH_PIECE_WIDTH;
    __m512i piece = (__m512i)number;
    vector y = tanh_coefficient(TANH_DEGREE, piece);
#pragma GCC unroll 5
    for (int j = TANH_DEGREE - 1; j >= 0; j--) {
        y = y * d + tanh_coefficient(j, piece);
    }
    enum { A_OR_B_AND_C = 0xf8 };
    return (vector)_mm512_ternarylogic_epi32((__m512i)y, (__m512i)x, sign, A_OR_B_AND_C);
}
#else
/*
 * x P(x²) / Q(x²) on |x| <= 9, beyond which tanh rounds to ±1. P and Q are of
 * degree 4, the minimax fit in relative error (2.1e-8; 3e-7 with all roundings).
 * NaN stays NaN.
 */
static inline vector tanh_of(vector x)
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
    return at_least(-1.0f, at_most(1.0f, quotient(x * p, q)));
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
