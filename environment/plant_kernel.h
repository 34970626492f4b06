/*
 * The matrix products of a plant's step, vectorised over environments (lanes)
 * or, for one environment, over rows. Each element is the chain
 *     y = fma(a[c], x[c], y) for c = 0, 1, …, starting from 0
 * in every variant (AVX-512, AVX2, portable), so that a result has the same
 * bits whatever the processor, the lane, and the number of lanes in use.
 */
#ifndef AFT_ENVIRONMENT_PLANT_KERNEL_H
#define AFT_ENVIRONMENT_PLANT_KERNEL_H

enum {
    AFT_LANES = 16,           /* environments in a lane block */
    AFT_KERNEL_ROWS = 4,      /* by_row has a multiple of this many rows */
    AFT_KERNEL_COLUMN = 32,   /* by_column's columns have a multiple of this length */
    AFT_KERNEL_ROWS_F32 = 14, /* rows of a panel */
};

struct aft_plant_kernel {
    const char *name;
    /* y [rows][AFT_LANES] = by_row [rows][columns] x [columns][AFT_LANES] */
    void (*lanes)(double *y, const double *by_row, int rows, int columns, const double *x);
    /* y [padded] = by_column [columns][padded] (the same matrix) x [columns] */
    void (*one)(double *y, const double *by_column, int padded, int columns, const double *x);
    /* y [rows][AFT_LANES] in single precision; the matrix is cut into panels of
     * AFT_KERNEL_ROWS_F32 rows, each [columns][AFT_KERNEL_ROWS_F32] */
    void (*lanes_f32)(float *y, const float *panels, int rows, int columns, const float *x);
};

/* The variants that this processor runs, the fastest first; NULL past the last. */
const struct aft_plant_kernel *aft_plant_kernel(int index);

#endif
