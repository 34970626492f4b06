/*
 * Eight single-precision lanes as one value (GCC's and Clang's vector
 * extension), for loops that the compiler does not turn into vector code by
 * itself. Eight, because GCC 12 takes comparisons of sixteen apart where AVX-512
 * is missing. To be used in functions that base/simd.h compiles for several
 * instruction sets; operators and these functions give the same bits on each.
 * A comparison (a < b) gives an aft_mask8 of 0 and -1.
 */
#ifndef AFT_BASE_LANES_H
#define AFT_BASE_LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef float aft_f32x8 __attribute__((vector_size(32)));
typedef int32_t aft_mask8 __attribute__((vector_size(32)));
typedef int64_t aft_pairs8 __attribute__((vector_size(32)));
typedef float aft_f32x4 __attribute__((vector_size(16)));
typedef float aft_f32x4_memory __attribute__((vector_size(16), aligned(4), may_alias));
typedef float aft_f32x8_memory __attribute__((vector_size(32), aligned(4), may_alias));

static inline aft_f32x8 aft_load8(const float *from)
{
    return *(const aft_f32x8_memory *)from;
}

static inline void aft_store8(float *to, aft_f32x8 value)
{
    *(aft_f32x8_memory *)to = value;
}

static inline aft_f32x8 aft_all8(float value)
{
    return (aft_f32x8){0.0F} + value;
}

static inline aft_f32x8 aft_select8(aft_mask8 mask, aft_f32x8 yes, aft_f32x8 no)
{
    return (aft_f32x8)((mask & (aft_mask8)yes) | (~mask & (aft_mask8)no));
}

static inline aft_f32x8 aft_larger8(aft_f32x8 a, aft_f32x8 b)
{
    return aft_select8(a >= b, a, b);
}

static inline aft_f32x8 aft_smaller8(aft_f32x8 a, aft_f32x8 b)
{
    return aft_select8(a <= b, a, b);
}

static inline aft_f32x8 aft_abs8(aft_f32x8 a)
{
    return (aft_f32x8)((aft_mask8)a & 0x7fffffff);
}

/* The size of the first, the sign of the second. */
static inline aft_f32x8 aft_sign8(aft_f32x8 size, aft_f32x8 sign)
{
    return (aft_f32x8)(((aft_mask8)size & 0x7fffffff) | ((aft_mask8)sign & INT32_MIN));
}

static inline aft_f32x8 aft_sqrt8(aft_f32x8 a)
{
    aft_f32x8 root = a;
    for (int j = 0; j < 8; j++) {
        root[j] = sqrtf(a[j]);
    }
    return root;
}

static inline int aft_any8(aft_mask8 mask)
{
    aft_pairs8 pairs = (aft_pairs8)mask;
    return ((pairs[0] | pairs[1]) | (pairs[2] | pairs[3])) != 0;
}

/* from's last lane first */
static inline aft_f32x8 aft_reverse8(aft_f32x8 from)
{
#if defined(__clang__)
    return __builtin_shufflevector(from, from, 7, 6, 5, 4, 3, 2, 1, 0);
#else
    return __builtin_shuffle(from, (aft_mask8){7, 6, 5, 4, 3, 2, 1, 0});
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
