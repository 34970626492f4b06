/*
 * A real signal through a filter without phase, by the fast Fourier transform:
 * the signal's transform times a real, even function of frequency, and back.
 * In single precision and vector lanes, for sizes 2^n; the same bits on every
 * processor.
 *
 * A signal of N samples is transformed as N/2 complex numbers (even samples are
 * the real parts, odd ones the imaginary), by Stockham's algorithm, radix 4 with
 * one step of radix 2 where needed.
 */
#ifndef AFT_ENVIRONMENT_FOURIER_H
#define AFT_ENVIRONMENT_FOURIER_H

#include "base/error.h"

#include <stddef.h>

enum { AFT_FOURIER_SMALLEST_LOG2 = 7, AFT_FOURIER_LARGEST_LOG2 = 20 };

struct aft_fourier; /* tables for sizes up to one; working memory: not for two threads at a time */

enum aft_code aft_fourier_create(struct aft_fourier **fourier, int largest_log2,
                                 struct aft_error *error);
void aft_fourier_destroy(struct aft_fourier *fourier);

/*
 * Filters signal [2^log2_size] in place. factor[k], k = 0 … size/2, is for the
 * frequency k / (size dt). The result is not divided by the size.
 */
void aft_fourier_filter(float *signal, int log2_size, const float *factor,
                        struct aft_fourier *fourier);

#endif
