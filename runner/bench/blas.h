/* OpenBLAS, held to one thread: the yardstick of what the machine can do. */
#ifndef AFT_RUNNER_BENCH_BLAS_H
#define AFT_RUNNER_BENCH_BLAS_H

#include "base/error.h"

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

typedef __typeof__(&cblas_sgemm) aft_sgemm;

struct aft_blas {
    aft_sgemm sgemm;
    bool reference; /* some other library answers to the name: slow, and said loudly */
};

/* Takes cblas_sgemm out of OpenBLAS itself: when the program has also loaded
 * LAPACK, the plain name may lead to the reference BLAS, 40 times slower. */
enum aft_code aft_blas_open(struct aft_blas *blas, struct aft_error *error);

/* "OpenBLAS 0.3.21 (SkylakeX)" */
void aft_blas_describe(const struct aft_blas *blas, char *text, size_t size);

#endif
