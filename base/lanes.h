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
#include <stddef.h>
#include <stdint.h>

typedef float aft_f32x16 __attribute__((vector_size(64)));
typedef int32_t aft_mask16 __attribute__((vector_size(64)));
typedef int64_t aft_pairs16 __attribute__((vector_size(64)));
typedef float aft_f32x4 __attribute__((vector_size(16)));
typedef float aft_f32x4_memory __attribute__((vector_size(16), aligned(4), may_alias));
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

/* from's last lane first */
static inline aft_f32x16 aft_reverse16(aft_f32x16 from)
{
#if defined(__clang__)
    return __builtin_shufflevector(from, from, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
                                   0);
#else
    return __builtin_shuffle(from,
                             (aft_mask16){15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
#endif
}

#if defined(__clang__)
#define AFT_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define AFT_SHUFFLE4(a, b, i, j, k, l)                                                             \
    __builtin_shuffle(a, b, (int32_t __attribute__((vector_size(16)))){i, j, k, l})
#endif

/* rows of 16 lanes, at from: to[lane][row] = from[row][lane] for four rows and four lanes,
 * to's lanes a stride apart. */
static inline void aft_transpose4(float *to, size_t stride, const float *from)
{
    aft_f32x4 row[4], pair[4];
    for (int i = 0; i < 4; i++) {
        row[i] = *(const aft_f32x4_memory *)(from + (ptrdiff_t)16 * i);
    }
    pair[0] = AFT_SHUFFLE4(row[0], row[1], 0, 4, 1, 5);
    pair[1] = AFT_SHUFFLE4(row[2], row[3], 0, 4, 1, 5);
    pair[2] = AFT_SHUFFLE4(row[0], row[1], 2, 6, 3, 7);
    pair[3] = AFT_SHUFFLE4(row[2], row[3], 2, 6, 3, 7);
    *(aft_f32x4_memory *)to = AFT_SHUFFLE4(pair[0], pair[1], 0, 1, 4, 5);
    *(aft_f32x4_memory *)(to + stride) = AFT_SHUFFLE4(pair[0], pair[1], 2, 3, 6, 7);
    *(aft_f32x4_memory *)(to + 2 * stride) = AFT_SHUFFLE4(pair[2], pair[3], 0, 1, 4, 5);
    *(aft_f32x4_memory *)(to + 3 * stride) = AFT_SHUFFLE4(pair[2], pair[3], 2, 3, 6, 7);
}

#endif
