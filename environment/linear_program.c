#include "environment/linear_program.h"

#include <Clp_C_Interface.h>
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libClp.so.1"

/* X(name): what is called of CLP. Types come from its header. */
#define FUNCTIONS(X)                                                                               \
    X(newModel)                                                                                    \
    X(deleteModel)                                                                                 \
    X(resize)                                                                                      \
    X(addRows)                                                                                     \
    X(chgColumnLower)                                                                              \
    X(chgColumnUpper)                                                                              \
    X(chgObjCoefficients)                                                                          \
    X(setLogLevel)                                                                                 \
    X(scaling)                                                                                     \
    X(dual)                                                                                        \
    X(status)                                                                                      \
    X(getColSolution)                                                                              \
    X(dualRowSolution)

static struct {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is a declaration */
#define MEMBER(name) __typeof__(Clp_##name) *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
    bool loaded;
    char cause[160];
} clp;

static pthread_once_t clp_once = PTHREAD_ONCE_INIT;

struct aft_linear_program {
    Clp_Simplex *model;
    /* Rows that the model does not have yet. */
    int n, row_capacity;
    CoinBigIndex *start; /* [n + 1] */
    double *upper;       /* [n] */
    size_t entry_capacity;
    int *column; /* [start[n]] */
    double *value;
};

/* A function pointer out of dlsym without a cast that ISO C forbids. */
static bool find(void *function, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void load_clp(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    clp.loaded = library != NULL;
#define FIND(name) clp.loaded = clp.loaded && find(&clp.name, library, "Clp_" #name);
    FUNCTIONS(FIND)
#undef FIND
    const char *cause = clp.loaded ? NULL : dlerror();
    if (cause != NULL) {
        strncpy(clp.cause, cause, sizeof clp.cause - 1);
    }
}

enum aft_code aft_linear_program_create(struct aft_linear_program **program, int columns,
                                        const double *lower, const double *upper,
                                        const double *cost, struct aft_error *error)
{
    *program = NULL;
    (void)pthread_once(&clp_once, load_clp);
    if (!clp.loaded) {
        return aft_fail(error, AFT_ERR_MISSING, "load '" LIBRARY "': %s", clp.cause);
    }
    struct aft_linear_program *made = calloc(1, sizeof *made);
    Clp_Simplex *model = made != NULL ? clp.newModel() : NULL;
    if (model == NULL) {
        free(made);
        return aft_fail(error, AFT_ERR_MEMORY, "make a linear program: out of memory");
    }
    clp.setLogLevel(model, 0);
    clp.scaling(model, 0);
    clp.resize(model, 0, columns);
    clp.chgColumnLower(model, lower);
    clp.chgColumnUpper(model, upper);
    clp.chgObjCoefficients(model, cost);
    made->model = model;
    *program = made;
    return AFT_OK;
}

void aft_linear_program_destroy(struct aft_linear_program *program)
{
    if (program == NULL) {
        return;
    }
    clp.deleteModel(program->model);
    free(program->start);
    free(program->upper);
    free(program->column);
    free(program->value);
    free(program);
}

/* realloc that leaves the old block where it fails. */
static bool grow(void *block, size_t n, size_t size)
{
    void *old;
    memcpy(&old, block, sizeof old);
    void *grown = realloc(old, n * size);
    if (grown != NULL) {
        memcpy(block, &grown, sizeof grown);
    }
    return grown != NULL;
}

static bool make_room(struct aft_linear_program *program, size_t entries)
{
    if (program->n >= program->row_capacity) {
        int capacity = 2 * program->row_capacity + 64;
        if (!grow(&program->start, (size_t)capacity + 1, sizeof *program->start) ||
            !grow(&program->upper, (size_t)capacity, sizeof *program->upper)) {
            return false;
        }
        program->row_capacity = capacity;
    }
    if (entries > program->entry_capacity) {
        size_t capacity = 2 * entries;
        if (!grow(&program->column, capacity, sizeof *program->column) ||
            !grow(&program->value, capacity, sizeof *program->value)) {
            return false;
        }
        program->entry_capacity = capacity;
    }
    return true;
}

enum aft_code aft_linear_program_add(struct aft_linear_program *program,
                                     const struct aft_linear_row *row, struct aft_error *error)
{
    size_t used = program->n > 0 ? (size_t)program->start[program->n] : 0;
    size_t n = (size_t)row->n;
    if (used + n > INT_MAX / 2 || !make_room(program, used + n)) {
        return aft_fail(error, AFT_ERR_MEMORY, "add to a linear program: out of memory");
    }
    memcpy(program->column + used, row->column, n * sizeof *row->column);
    memcpy(program->value + used, row->value, n * sizeof *row->value);
    program->start[program->n] = (CoinBigIndex)used;
    program->upper[program->n] = row->upper;
    program->n++;
    program->start[program->n] = (CoinBigIndex)(used + n);
    return AFT_OK;
}

enum aft_code aft_linear_program_solve(struct aft_linear_program *program, struct aft_error *error)
{
    if (program->n > 0) {
        /* No lower limits: NULL means that to CLP. */
        clp.addRows(program->model, program->n, NULL, program->upper, program->start,
                    program->column, program->value);
        program->n = 0;
    }
    (void)clp.dual(program->model, 0);
    int status = clp.status(program->model);
    if (status != 0) {
        return aft_fail(error, AFT_ERR_NUMERIC, "solve a linear program: CLP ended with status %d",
                        status);
    }
    return AFT_OK;
}

const double *aft_linear_program_solution(const struct aft_linear_program *program)
{
    return clp.getColSolution(program->model);
}

double aft_linear_program_multiplier(const struct aft_linear_program *program, int row)
{
    return fmax(0.0, -clp.dualRowSolution(program->model)[row]);
}
