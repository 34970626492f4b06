/*
 * Linear programs that grow by rows:
 *     minimise cost · x,  lower <= x <= upper,  a_i · x <= upper_i for every row i,
 * solved by CLP's dual simplex (COIN-OR, EPL), which goes on from the last
 * basis when rows were added. The rows are taken as dense and already of a
 * like size: CLP's own scaling is off (with it, programs of clairvoyant.c lose
 * several digits and take ten times the iterations).
 *
 * libClp is loaded on demand, not linked, for the reason of linear_algebra.h.
 * Programs are independent of each other: one a thread is safe.
 */
#ifndef AFT_ENVIRONMENT_LINEAR_PROGRAM_H
#define AFT_ENVIRONMENT_LINEAR_PROGRAM_H

#include "base/error.h"

struct aft_linear_program;

/* All arrays are [columns]; the cost must not be negative where lower is not the best
 * end (the start is x = lower). MISSING without libClp. */
enum aft_code aft_linear_program_create(struct aft_linear_program **program, int columns,
                                        const double *lower, const double *upper,
                                        const double *cost, struct aft_error *error);
void aft_linear_program_destroy(struct aft_linear_program *program);

struct aft_linear_row {
    int n;             /* entries */
    const int *column; /* [n] */
    const double *value;
    double upper;
};

/* Takes a copy. */
enum aft_code aft_linear_program_add(struct aft_linear_program *program,
                                     const struct aft_linear_row *row, struct aft_error *error);

/* NUMERIC where the solver finds no optimum. */
enum aft_code aft_linear_program_solve(struct aft_linear_program *program, struct aft_error *error);

/* Of the last solve: x [columns], and for each row in the order of adding what its
 * upper limit costs, >= 0 (its Lagrange multiplier). Valid up to the next call. */
const double *aft_linear_program_solution(const struct aft_linear_program *program);
double aft_linear_program_multiplier(const struct aft_linear_program *program, int row);

#endif
