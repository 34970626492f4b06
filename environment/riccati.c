#include "environment/riccati.h"

#include "environment/matrix.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-13;
enum { MAX_DOUBLINGS = 60, WORK_MATRICES = 8 };

/* Doubling: a_k, g_k and h_k tend to 0, the dual equation's solution and x. */
struct doubling {
    int n;
    double *a, *g, *h;
    double *inverse_a, *inverse_g; /* (I + g h)⁻¹ a, (I + g h)⁻¹ g */
    double *transposed, *product, *other;
};

static struct aft_shape square(int n)
{
    return (struct aft_shape){n, n, n};
}

static enum aft_code solve_both(struct doubling *d, struct aft_error *error)
{
    int n = d->n;
    aft_matrix_multiply(d->product, d->g, d->h, square(n));
    for (int i = 0; i < n; i++) {
        d->product[i * n + i] += 1.0;
    }
    enum aft_code code = aft_matrix_solve(d->inverse_a, d->product, d->a, n, n, error);
    return code == AFT_OK ? aft_matrix_solve(d->inverse_g, d->product, d->g, n, n, error) : code;
}

/* matrix += the symmetric part of addend: rounding must not make it lopsided. */
static void add_symmetric(double *matrix, const double *addend, int n)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double part = 0.5 * (addend[i * n + j] + addend[j * n + i]);
            matrix[i * n + j] += part;
            matrix[j * n + i] = matrix[i * n + j];
        }
    }
}

/* One doubling; *change is that of h, relative. */
static enum aft_code double_once(struct doubling *d, double *change, struct aft_error *error)
{
    int n = d->n;
    enum aft_code code = solve_both(d, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_matrix_transpose(d->transposed, d->a, n, n);
    aft_matrix_multiply(d->product, d->h, d->inverse_a, square(n));
    aft_matrix_multiply(d->other, d->transposed, d->product, square(n));
    add_symmetric(d->h, d->other, n);
    *change = aft_matrix_largest(d->other, n * n) / fmax(aft_matrix_largest(d->h, n * n), 1e-300);

    aft_matrix_multiply(d->product, d->inverse_g, d->transposed, square(n));
    aft_matrix_multiply(d->other, d->a, d->product, square(n));
    add_symmetric(d->g, d->other, n);
    aft_matrix_multiply(d->product, d->a, d->inverse_a, square(n));
    memcpy(d->a, d->product, (size_t)(n * n) * sizeof *d->a);
    return isfinite(*change)
               ? AFT_OK
               : aft_fail(error, AFT_ERR_NUMERIC, "Riccati equation of %d: not finite", n);
}

enum aft_code aft_riccati_solve(double *x, const double *a, const double *g, const double *q, int n,
                                struct aft_error *error)
{
    size_t size = (size_t)n * (size_t)n;
    double *work = calloc(WORK_MATRICES * size, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Riccati equation of %d: out of memory", n);
    }
    struct doubling d = {n,
                         work,
                         work + size,
                         work + 2 * size,
                         work + 3 * size,
                         work + 4 * size,
                         work + 5 * size,
                         work + 6 * size,
                         work + 7 * size};
    memcpy(d.a, a, size * sizeof *a);
    memcpy(d.g, g, size * sizeof *g);
    memcpy(d.h, q, size * sizeof *q);
    enum aft_code code = AFT_OK;
    double change = 1.0;
    for (int i = 0; i < MAX_DOUBLINGS && change > tolerance && code == AFT_OK; i++) {
        code = double_once(&d, &change, error);
    }
    if (code == AFT_OK && change > tolerance) {
        code = aft_fail(error, AFT_ERR_NUMERIC, "Riccati equation of %d: no convergence", n);
    }
    if (code == AFT_OK) {
        memcpy(x, d.h, size * sizeof *x);
    }
    free(work);
    return code;
}

enum aft_code aft_riccati_residual(double *residual, const double *x, const double *a,
                                   const double *g, const double *q, int n, struct aft_error *error)
{
    size_t size = (size_t)n * (size_t)n;
    double *work = calloc(3 * size, sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "Riccati equation of %d: out of memory", n);
    }
    double *product = work, *solved = work + size, *transposed = work + 2 * size;
    aft_matrix_multiply(product, g, x, square(n));
    for (int i = 0; i < n; i++) {
        product[i * n + i] += 1.0;
    }
    enum aft_code code = aft_matrix_solve(solved, product, a, n, n, error);
    if (code == AFT_OK) {
        aft_matrix_multiply(product, x, solved, square(n));
        aft_matrix_transpose(transposed, a, n, n);
        aft_matrix_multiply(solved, transposed, product, square(n));
        for (size_t i = 0; i < size; i++) {
            solved[i] += q[i] - x[i];
        }
        *residual = aft_matrix_largest(solved, n * n) / aft_matrix_largest(x, n * n);
    }
    free(work);
    return code;
}
