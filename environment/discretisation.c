#include "environment/discretisation.h"

#include "environment/matrix.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PADE_DEGREE = 13, PADE_MATRICES = 6 };
static const double pade_theta = 5.371920351148152;
static const double pade[PADE_DEGREE + 1] = {64764752532480000.,
                                             32382376266240000.,
                                             7771770303897600.,
                                             1187353796428800.,
                                             129060195264000.,
                                             10559470521600.,
                                             670442572800.,
                                             33522128640.,
                                             1323241920.,
                                             40840800.,
                                             960960.,
                                             16380.,
                                             182.,
                                             1.};

static void multiply(double *c, const double *a, const double *b, int n)
{
    aft_matrix_multiply(c, a, b, (struct aft_shape){n, n, n});
}

static double norm_1(const double *a, int n)
{
    double norm = 0.0;
    for (int j = 0; j < n; j++) {
        double sum = 0.0;
        for (int i = 0; i < n; i++) {
            sum += fabs(a[i * n + j]);
        }
        norm = fmax(norm, sum);
    }
    return norm;
}

/* sum = c0 I + c2 a2 + c4 a4 + c6 a6 */
static void combine(double *sum, const double c[4], const double *const power[3], int n)
{
    for (int i = 0; i < n * n; i++) {
        sum[i] = c[1] * power[0][i] + c[2] * power[1][i] + c[3] * power[2][i];
    }
    for (int i = 0; i < n; i++) {
        sum[i * n + i] += c[0];
    }
}

/* Higham's evaluation of p13 = u + v and q13 = v - u; m is room for six matrices. */
static void pade_parts(double *u, double *v, const double *a, double *m, int n)
{
    size_t size = (size_t)n * (size_t)n;
    double *a2 = m, *a4 = m + size, *a6 = m + 2 * size, *sum = m + 3 * size, *high = m + 4 * size;
    const double *power[3] = {a2, a4, a6};
    multiply(a2, a, a, n);
    multiply(a4, a2, a2, n);
    multiply(a6, a2, a4, n);
    for (int odd = 1; odd >= 0; odd--) {
        double *part = odd ? u : v;
        combine(sum, (double[4]){0., pade[8 + odd], pade[10 + odd], pade[12 + odd]}, power, n);
        multiply(high, a6, sum, n);
        combine(sum, (double[4]){pade[odd], pade[2 + odd], pade[4 + odd], pade[6 + odd]}, power, n);
        for (size_t i = 0; i < size; i++) {
            sum[i] += high[i];
        }
        if (odd) {
            multiply(part, a, sum, n);
        } else {
            memcpy(part, sum, size * sizeof *part);
        }
    }
}

static enum aft_code exponential_with(double *result, const double *a, double *m, int n,
                                      struct aft_error *error)
{
    size_t size = (size_t)n * (size_t)n;
    double *scaled = m, *u = m + size, *v = m + 2 * size, *rest = m + 3 * size;
    double norm = norm_1(a, n);
    if (!isfinite(norm)) {
        return aft_fail(error, AFT_ERR_NUMERIC, "matrix exponential: an entry is not finite");
    }
    int squarings = norm > pade_theta ? (int)ceil(log2(norm / pade_theta)) : 0;
    for (size_t i = 0; i < size; i++) {
        scaled[i] = ldexp(a[i], -squarings);
    }
    pade_parts(u, v, scaled, rest, n);
    for (size_t i = 0; i < size; i++) {
        double numerator = v[i] + u[i];
        u[i] = v[i] - u[i];
        v[i] = numerator;
    }
    enum aft_code code = aft_matrix_solve(result, u, v, n, n, error);
    for (int i = 0; i < squarings && code == AFT_OK; i++) {
        multiply(u, result, result, n);
        memcpy(result, u, size * sizeof *u);
    }
    return code;
}

enum aft_code aft_matrix_exponential(double *exponential, const double *a, int n,
                                     struct aft_error *error)
{
    double *m = malloc((3 + PADE_MATRICES) * (size_t)n * (size_t)n * sizeof *m);
    if (m == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "matrix exponential: out of memory");
    }
    enum aft_code code = exponential_with(exponential, a, m, n, error);
    free(m);
    return code;
}

/* The inputs as states: the force is constant, the acceleration grows by `slope` in a step. */
static void augment(double *big, const struct aft_continuous_system *system, double dt_s)
{
    int n = system->n, size = n + 3;
    memset(big, 0, (size_t)size * (size_t)size * sizeof *big);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            big[i * size + j] = system->a[i * n + j] * dt_s;
        }
        big[i * size + n] = system->b_force[i] * dt_s;
        big[i * size + n + 1] = system->b_ground[i] * dt_s;
    }
    big[(n + 1) * size + n + 2] = 1.0;
}

enum aft_code aft_discretise(const struct aft_discrete_system *discrete,
                             const struct aft_continuous_system *continuous, double dt_s,
                             struct aft_error *error)
{
    int n = continuous->n, size = n + 3;
    double *big = malloc(2 * (size_t)size * (size_t)size * sizeof *big);
    if (big == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "discretise: out of memory");
    }
    double *exponential = big + (ptrdiff_t)size * size;
    augment(big, continuous, dt_s);
    enum aft_code code = aft_matrix_exponential(exponential, big, size, error);
    for (int i = 0; i < n && code == AFT_OK; i++) {
        const double *row = exponential + (ptrdiff_t)i * size;
        memcpy(discrete->phi + (ptrdiff_t)i * n, row, (size_t)n * sizeof *row);
        discrete->force[i] = row[n];
        discrete->ground_start[i] = row[n + 1] - row[n + 2];
        discrete->ground_end[i] = row[n + 2];
    }
    free(big);
    return code;
}
