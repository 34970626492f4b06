/*
 * Elementary functions in single precision without branches or calls, so that
 * a loop over them becomes vector code and gives the same bits on every
 * processor and with every libm. Polynomials: Moshier, Cephes (logf, expf,
 * sinf, cosf), relative errors of about 1e-7.
 */
#ifndef AFT_BASE_VECTOR_MATH_H
#define AFT_BASE_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

static inline float aft_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t aft_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* log(1 + f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1. */
static inline float aft_log1p_f32(float f)
{
    float z = f * f;
    float p = 7.0376836292e-2F;
    p = p * f - 1.1514610310e-1F;
    p = p * f + 1.1676998740e-1F;
    p = p * f - 1.2420140846e-1F;
    p = p * f + 1.4249322787e-1F;
    p = p * f - 1.6668057665e-1F;
    p = p * f + 2.0000714765e-1F;
    p = p * f - 2.4999993993e-1F;
    p = p * f + 3.3333331174e-1F;
    return f + (p * f * z - 0.5F * z);
}

/* x = (1 + f) 2^e, f as aft_log1p_f32 takes it; x > 0 and normal. */
static inline float aft_split_f32(float *e, float x)
{
    const uint32_t root_half = 0x3f3504f3U;
    uint32_t shifted = aft_bits_of_float(x) - root_half;
    int32_t exponent = (int32_t)shifted >> 23;
    *e = (float)exponent;
    return aft_float_of_bits((shifted & 0x007fffffU) + root_half) - 1.0F;
}

/* e log(2) + log(1 + f) */
static inline float aft_log_of_split_f32(float e, float f)
{
    return (e * -2.12194440e-4F + aft_log1p_f32(f)) + e * 0.693359375F;
}

/* exp(x); 0 below -87, exp(88) above 88. */
static inline float aft_exp_f32(float x)
{
    const float to_integer = 12582912.0F; /* 1.5 * 2^23 */
    float inside = x < -87.0F ? -87.0F : x;
    inside = inside > 88.0F ? 88.0F : inside;
    float n = (inside * 1.44269504088896341F + to_integer) - to_integer;
    float r = (inside - n * 0.693359375F) - n * -2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = (p * (r * r) + r) + 1.0F;
    float power = aft_float_of_bits((uint32_t)((int32_t)n + 127) << 23);
    return x < -87.0F ? 0.0F : p * power;
}

/* sin and cos of the angle (turn + 1/2) / 2^32 of a full turn. */
static inline void aft_sin_cos_of_turn_f32(float *sine, float *cosine, uint32_t turn)
{
    uint32_t quarter = (turn + 0x20000000U) >> 30;
    float t = ((float)(int32_t)(turn - (quarter << 30)) + 0.5F) * 1.46291807926715969e-9F;
    float z = t * t;
    float s = ((-1.9515295891e-4F * z + 8.3321608736e-3F) * z - 1.6666654611e-1F) * z * t + t;
    float c = (2.443315711809948e-5F * z - 1.388731625493765e-3F) * z + 4.166664568298827e-2F;
    c = (c * z * z - 0.5F * z) + 1.0F;
    uint32_t s_bits = aft_bits_of_float(s), c_bits = aft_bits_of_float(c);
    uint32_t swap = 0U - (quarter & 1U);
    uint32_t sine_bits = (s_bits & ~swap) | (c_bits & swap);
    uint32_t cosine_bits = (c_bits & ~swap) | (s_bits & swap);
    *sine = aft_float_of_bits(sine_bits ^ ((quarter & 2U) << 30));
    *cosine = aft_float_of_bits(cosine_bits ^ (((quarter + 1U) & 2U) << 30));
}

#endif
