/*
 * A linear system in continuous time, turned into one in steps without error
 * for inputs of the assumed shape: the force is constant over a step
 * (zero-order hold), the ground's acceleration runs linearly from its value at
 * the start to that at the end (first-order hold):
 *     z(k+1) = phi z(k) + force u(k) + ground_start a(k) + ground_end a(k+1)
 * By the exponential of the system augmented with its inputs (Van Loan 1978),
 * computed by scaling and squaring with the [13/13] Padé approximant (Higham
 * 2005, SIAM J. Matrix Anal. Appl. 26, 1179). Matrices are row-major.
 */
#ifndef AFT_ENVIRONMENT_DISCRETISATION_H
#define AFT_ENVIRONMENT_DISCRETISATION_H

#include "base/error.h"

struct aft_discrete_system { /* filled by the function below; the caller owns the arrays */
    double *phi;             /* [n][n] */
    double *force;           /* [n] */
    double *ground_start;    /* [n] */
    double *ground_end;      /* [n] */
};

/* exponential = e^a for a [n][n]. */
enum aft_code aft_matrix_exponential(double *exponential, const double *a, int n,
                                     struct aft_error *error);

struct aft_continuous_system {
    int n;
    const double *a;        /* [n][n] */
    const double *b_force;  /* [n] */
    const double *b_ground; /* [n] */
};

enum aft_code aft_discretise(const struct aft_discrete_system *discrete,
                             const struct aft_continuous_system *continuous, double dt_s,
                             struct aft_error *error);

#endif
