#include "environment/matrix.h"

#include "environment/linear_algebra.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void aft_matrix_multiply(double *c, const double *a, const double *b, struct aft_shape shape)
{
    memset(c, 0, (size_t)shape.rows * (size_t)shape.columns * sizeof *c);
    for (int i = 0; i < shape.rows; i++) {
        double *row = c + (ptrdiff_t)i * shape.columns;
        for (int k = 0; k < shape.inner; k++) {
            double factor = a[(ptrdiff_t)i * shape.inner + k];
            const double *from = b + (ptrdiff_t)k * shape.columns;
            for (int j = 0; j < shape.columns; j++) {
                row[j] += factor * from[j];
            }
        }
    }
}

void aft_matrix_transpose(double *transposed, const double *a, int rows, int columns)
{
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            transposed[(ptrdiff_t)j * rows + i] = a[(ptrdiff_t)i * columns + j];
        }
    }
}

enum aft_code aft_matrix_solve(double *x, const double *a, const double *b, int n, int columns,
                               struct aft_error *error)
{
    size_t square = (size_t)n * (size_t)n, right = (size_t)n * (size_t)columns;
    double *work = malloc((square + right) * sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "solve a linear system of %d: out of memory", n);
    }
    aft_matrix_transpose(work, a, n, n); /* LAPACK's matrices are column-major */
    aft_matrix_transpose(work + square, b, n, columns);
    enum aft_code code = aft_linear_solve(work + square, work, n, columns, error);
    if (code == AFT_OK) {
        aft_matrix_transpose(x, work + square, columns, n);
    }
    free(work);
    return code;
}

double aft_matrix_largest(const double *a, int n)
{
    double largest = 0.0;
    for (int i = 0; i < n; i++) {
        largest = fmax(largest, fabs(a[i]));
    }
    return largest;
}
