/*
 * The two dense decompositions that a plant needs once, at its creation, by
 * LAPACK. liblapacke is loaded on demand, not linked: it brings in OpenBLAS,
 * whose threads take the signals that the keeper waits for. A process that
 * creates no plant never loads it. Matrices are column-major, as LAPACK's.
 */
#ifndef AFT_ENVIRONMENT_LINEAR_ALGEBRA_H
#define AFT_ENVIRONMENT_LINEAR_ALGEBRA_H

#include "base/error.h"

/* Solves a·x = b for n_right right sides (dgesv). a [n][n] is destroyed, b [n_right][n]
 * becomes x. MISSING without liblapacke, NUMERIC when a is singular. */
enum aft_code aft_linear_solve(double *b, double *a, int n, int n_right, struct aft_error *error);

/* Eigenvalues, ascending, of the symmetric a [n][n]; a becomes the orthonormal
 * eigenvectors, one after the other (dsyev). */
enum aft_code aft_symmetric_eigen(double *values, double *a, int n, struct aft_error *error);

#endif
