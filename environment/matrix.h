/* Small dense matrices, row-major: what designing a controller takes. */
#ifndef AFT_ENVIRONMENT_MATRIX_H
#define AFT_ENVIRONMENT_MATRIX_H

#include "base/error.h"

struct aft_shape { /* of a product: [rows][inner] · [inner][columns] */
    int rows, inner, columns;
};

/* c = a b; c is neither a nor b. */
void aft_matrix_multiply(double *c, const double *a, const double *b, struct aft_shape shape);
/* The transpose of a [rows][columns]; transposed is not a. */
void aft_matrix_transpose(double *transposed, const double *a, int rows, int columns);
/* Solves a x = b for x [n][columns], b the same shape; a and b are kept. NUMERIC
 * when a is singular. */
enum aft_code aft_matrix_solve(double *x, const double *a, const double *b, int n, int columns,
                               struct aft_error *error);
/* The largest |element| of n. */
double aft_matrix_largest(const double *a, int n);

#endif
