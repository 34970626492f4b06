/*
 * NumPy's .npz: a zip of .npy members, stored, as numpy.savez writes it and
 * numpy.load reads it without pickle. Arrays of float64 or int64 of one or two
 * dimensions, in C order, little-endian. (https://numpy.org/doc/stable/reference/
 * generated/numpy.lib.format.html, version 1.0; PKWARE's APPNOTE.TXT 4.3.)
 */
#ifndef AFT_REPORT_NPZ_H
#define AFT_REPORT_NPZ_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aft_npz_array {
    char name[48];
    bool whole;       /* int64, else float64 */
    int n_dims;       /* 1 or 2 */
    size_t dims[2];   /* the second is 1 where there is one */
    const void *data; /* borrowed */
};

/* The file's bytes, which the caller frees. */
enum aft_code aft_npz_build(void **bytes, size_t *size, const struct aft_npz_array *arrays, int n,
                            struct aft_error *error);

/* Finds an array in a file that aft_npz_build made; its data points into bytes (not aligned).
 * CORRUPT where the file is of another kind, cut or damaged; MISSING where it has no such
 * array. */
enum aft_code aft_npz_find(struct aft_npz_array *array, const void *bytes, size_t size,
                           const char *name, struct aft_error *error);

#endif
