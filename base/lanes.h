/*
 * Sixteen single-precision lanes as one value (GCC's and Clang's vector
 * extension), for loops that the compiler does not turn into vector code by
 * itself. To be used in functions that base/simd.h compiles for several
 * instruction sets; operators and these functions give the same bits on each.
 * A comparison (a < b) gives an aft_mask16 of 0 and -1.
 */
#ifndef AFT_BASE_LANES_H
#define AFT_BASE_LANES_H

#include <math.h>
#include <stdint.h>

typedef float aft_f32x16 __attribute__((vector_size(64)));
typedef int32_t aft_mask16 __attribute__((vector_size(64)));
typedef int64_t aft_pairs16 __attribute__((vector_size(64)));
typedef float aft_f32x16_memory __attribute__((vector_size(64), aligned(4), may_alias));

static inline aft_f32x16 aft_load16(const float *from)
{
    return *(const aft_f32x16_memory *)from;
}

static inline void aft_store16(float *to, aft_f32x16 value)
{
    *(aft_f32x16_memory *)to = value;
}

static inline aft_f32x16 aft_all16(float value)
{
    return (aft_f32x16){0.0F} + value;
}

static inline aft_f32x16 aft_select16(aft_mask16 mask, aft_f32x16 yes, aft_f32x16 no)
{
    return (aft_f32x16)((mask & (aft_mask16)yes) | (~mask & (aft_mask16)no));
}

static inline aft_f32x16 aft_larger16(aft_f32x16 a, aft_f32x16 b)
{
    return aft_select16(a >= b, a, b);
}

static inline aft_f32x16 aft_smaller16(aft_f32x16 a, aft_f32x16 b)
{
    return aft_select16(a <= b, a, b);
}

static inline aft_f32x16 aft_abs16(aft_f32x16 a)
{
    return (aft_f32x16)((aft_mask16)a & 0x7fffffff);
}

/* The size of the first, the sign of the second. */
static inline aft_f32x16 aft_sign16(aft_f32x16 size, aft_f32x16 sign)
{
    return (aft_f32x16)(((aft_mask16)size & 0x7fffffff) | ((aft_mask16)sign & INT32_MIN));
}

static inline aft_f32x16 aft_sqrt16(aft_f32x16 a)
{
    aft_f32x16 root = a;
    for (int j = 0; j < 16; j++) {
        root[j] = sqrtf(a[j]);
    }
    return root;
}

static inline int aft_any16(aft_mask16 mask)
{
    aft_pairs16 pairs = (aft_pairs16)mask;
    int64_t low = (pairs[0] | pairs[1]) | (pairs[2] | pairs[3]);
    int64_t high = (pairs[4] | pairs[5]) | (pairs[6] | pairs[7]);
    return (low | high) != 0;
}

#endif
