#include "environment/linear_algebra.h"

#include <dlfcn.h>
#include <lapacke.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef lapack_int (*dgesv_function)(int, lapack_int, lapack_int, double *, lapack_int,
                                     lapack_int *, double *, lapack_int);
typedef lapack_int (*dsyev_function)(int, char, char, lapack_int, double *, lapack_int, double *);

static struct {
    dgesv_function dgesv;
    dsyev_function dsyev;
    char cause[160];
} lapack;

static pthread_once_t lapack_once = PTHREAD_ONCE_INIT;

/* A function pointer out of dlsym without a cast that ISO C forbids. */
static void find(void *function, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
}

static void note_cause(void)
{
    const char *cause = dlerror();
    if (cause != NULL) {
        strncpy(lapack.cause, cause, sizeof lapack.cause - 1);
    }
}

static void load_lapack(void)
{
    void *library = dlopen("liblapacke.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        note_cause();
        return;
    }
    find(&lapack.dgesv, library, "LAPACKE_dgesv");
    find(&lapack.dsyev, library, "LAPACKE_dsyev");
    note_cause();
}

static enum aft_code need_lapack(struct aft_error *error)
{
    (void)pthread_once(&lapack_once, load_lapack);
    if (lapack.dgesv == NULL || lapack.dsyev == NULL) {
        return aft_fail(error, AFT_ERR_MISSING, "load 'liblapacke.so.3': %s", lapack.cause);
    }
    return AFT_OK;
}

enum aft_code aft_linear_solve(double *b, double *a, int n, int n_right, struct aft_error *error)
{
    enum aft_code code = need_lapack(error);
    if (code != AFT_OK) {
        return code;
    }
    lapack_int *pivots = malloc((size_t)n * sizeof *pivots);
    if (pivots == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "solve a linear system of %d: out of memory", n);
    }
    lapack_int info = lapack.dgesv(LAPACK_COL_MAJOR, n, n_right, a, n, pivots, b, n);
    free(pivots);
    if (info != 0) {
        return aft_fail(error, AFT_ERR_NUMERIC, "solve a linear system of %d: dgesv gave %d", n,
                        (int)info);
    }
    return AFT_OK;
}

enum aft_code aft_symmetric_eigen(double *values, double *a, int n, struct aft_error *error)
{
    enum aft_code code = need_lapack(error);
    if (code != AFT_OK) {
        return code;
    }
    lapack_int info = lapack.dsyev(LAPACK_COL_MAJOR, 'V', 'L', n, a, n, values);
    if (info != 0) {
        return aft_fail(error, AFT_ERR_NUMERIC, "eigenvalues of a matrix of %d: dsyev gave %d", n,
                        (int)info);
    }
    return AFT_OK;
}
