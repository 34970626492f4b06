/* The transpose of a block of up to 16 by 16 floats, part of each table of kernels. */
#ifndef AFT_TRAINER_NATIVE_KERNELS_TRANSPOSE_H
#define AFT_TRAINER_NATIVE_KERNELS_TRANSPOSE_H

#include "trainer/native/kernels.h"
#include "trainer/native/vector.h"

#if defined(__AVX512F__)
/* In four rounds: the lanes of pairs of rows 8, 4, 2 and 1 apart change places. */
static inline void exchange_lanes(__m512 row[AFT_LINE], int apart, const int first[AFT_LINE],
                                  const int second[AFT_LINE])
{
    __m512i low = _mm512_loadu_si512(first), high = _mm512_loadu_si512(second);
#pragma GCC unroll 16
    for (int r = 0; r < AFT_LINE; r++) {
        if ((r & apart) == 0) {
            __m512 a = row[r], b = row[r + apart];
            row[r] = _mm512_permutex2var_ps(a, low, b);
            row[r + apart] = _mm512_permutex2var_ps(a, high, b);
        }
    }
}

static void transpose_whole_block(float *to, size_t to_stride, const float *from,
                                  size_t from_stride)
{
    static const int first[4][AFT_LINE] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23},
        {0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27},
        {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29},
        {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30},
    };
    static const int second[4][AFT_LINE] = {
        {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31},
        {4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31},
        {2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31},
        {1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31},
    };
    __m512 row[AFT_LINE];
#pragma GCC unroll 16
    for (int r = 0; r < AFT_LINE; r++) {
        row[r] = _mm512_loadu_ps(from + (size_t)r * from_stride);
    }
    exchange_lanes(row, 8, first[0], second[0]);
    exchange_lanes(row, 4, first[1], second[1]);
    exchange_lanes(row, 2, first[2], second[2]);
    exchange_lanes(row, 1, first[3], second[3]);
#pragma GCC unroll 16
    for (int r = 0; r < AFT_LINE; r++) {
        _mm512_storeu_ps(to + (size_t)r * to_stride, row[r]);
    }
}
#endif

/* to[c * to_stride + r] = from[r * from_stride + c] */
static void transpose_block(float *to, size_t to_stride, const float *from, size_t from_stride,
                            int rows, int columns)
{
#if defined(__AVX512F__)
    if (rows == AFT_LINE && columns == AFT_LINE) {
        transpose_whole_block(to, to_stride, from, from_stride);
        return;
    }
#endif
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            to[(size_t)c * to_stride + (size_t)r] = from[(size_t)r * from_stride + (size_t)c];
        }
    }
}

#endif
