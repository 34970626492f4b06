/*
 * The discrete algebraic Riccati equation
 *     x = aᵀ x (I + g x)⁻¹ a + q,   g = b r⁻¹ bᵀ
 * for its stabilising solution, by the structure-preserving doubling algorithm
 * (Chu, Fan, Lin & Wang 2004, Int. J. Control 77, 767), which converges
 * quadratically. Matrices are row-major; q and g symmetric, not negative.
 */
#ifndef AFT_ENVIRONMENT_RICCATI_H
#define AFT_ENVIRONMENT_RICCATI_H

#include "base/error.h"

/* x, a, g and q are [n][n]. NUMERIC where it does not converge: (a, b) cannot be
 * stabilised, or what is unstable costs nothing. */
enum aft_code aft_riccati_solve(double *x, const double *a, const double *g, const double *q, int n,
                                struct aft_error *error);

/* ‖aᵀ x (I + g x)⁻¹ a + q - x‖ / ‖x‖, of the largest elements. */
enum aft_code aft_riccati_residual(double *residual, const double *x, const double *a,
                                   const double *g, const double *q, int n,
                                   struct aft_error *error);

#endif
