#include "trainer/normaliser.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum aft_code aft_normaliser_init(struct aft_normaliser *normaliser, int dim, bool enabled,
                                  struct aft_error *error)
{
    size_t n = (size_t)dim;
    *normaliser = (struct aft_normaliser){
        .dim = dim,
        .enabled = enabled,
        .mean = calloc(n, sizeof(double)),
        .variance = calloc(n, sizeof(double)),
        .shift = calloc(n, sizeof(float)),
        .scale = calloc(n, sizeof(float)),
    };
    if (normaliser->mean == NULL || normaliser->variance == NULL || normaliser->shift == NULL ||
        normaliser->scale == NULL) {
        aft_normaliser_clear(normaliser);
        return aft_fail(error, AFT_ERR_MEMORY, "create the observation normaliser: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        normaliser->variance[i] = 1.0;
    }
    aft_normaliser_refresh(normaliser);
    return AFT_OK;
}

void aft_normaliser_clear(struct aft_normaliser *normaliser)
{
    free(normaliser->mean);
    free(normaliser->variance);
    free(normaliser->shift);
    free(normaliser->scale);
    memset(normaliser, 0, sizeof *normaliser);
}

void aft_normaliser_refresh(struct aft_normaliser *normaliser)
{
    for (int i = 0; i < normaliser->dim; i++) {
        normaliser->shift[i] = (float)normaliser->mean[i];
        normaliser->scale[i] =
            (float)(1.0 / sqrt(normaliser->variance[i] + AFT_NORMALISER_EPSILON));
    }
}

/* Comparisons that NaN passes through. */
static float clipped(float x)
{
    x = x > AFT_NORMALISER_CLIP ? AFT_NORMALISER_CLIP : x;
    return x < -AFT_NORMALISER_CLIP ? -AFT_NORMALISER_CLIP : x;
}

/* By the bits, without branches and without a chain of sums: vector code everywhere. */
static bool all_finite(const float *values, size_t n)
{
    uint32_t any = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        any |= (bits & 0x7f800000u) + 0x00800000u; /* the sign bit where the exponent is full */
    }
    return (any & 0x80000000u) == 0;
}

bool aft_normaliser_apply(const struct aft_normaliser *normaliser, int rows, const float *raw,
                          float *out)
{
    int dim = normaliser->dim;
    size_t n = (size_t)rows * (size_t)dim;
    bool finite = all_finite(raw, n);
    if (!normaliser->enabled) {
        memcpy(out, raw, n * sizeof *out);
        return finite;
    }
    for (int i = 0; i < rows; i++, raw += dim, out += dim) {
        for (int j = 0; j < dim; j++) {
            out[j] = clipped((raw[j] - normaliser->shift[j]) * normaliser->scale[j]);
        }
    }
    return finite;
}

void aft_moments_reset(struct aft_moments *moments, int dim)
{
    moments->count = 0.0;
    memset(moments->sum, 0, (size_t)dim * sizeof *moments->sum);
    memset(moments->square, 0, (size_t)dim * sizeof *moments->square);
}

void aft_moments_add(struct aft_moments *moments, const struct aft_normaliser *normaliser, int rows,
                     const float *raw)
{
    int dim = normaliser->dim;
    moments->count += rows;
    for (int i = 0; i < rows; i++, raw += dim) {
        for (int j = 0; j < dim; j++) {
            double d = (double)raw[j] - normaliser->mean[j];
            moments->sum[j] += d;
            moments->square[j] += d * d;
        }
    }
}

void aft_normaliser_update(struct aft_normaliser *normaliser, int n,
                           const struct aft_moments *batches)
{
    for (int j = 0; j < normaliser->dim; j++) {
        double origin = normaliser->mean[j], count = normaliser->count;
        double mean = 0.0; /* relative to the origin, as the batches are */
        double squares = count > 0.0 ? normaliser->variance[j] * count : 0.0;
        for (int k = 0; k < n; k++) {
            const struct aft_moments *batch = &batches[k];
            if (batch->count > 0.0) {
                double batch_mean = batch->sum[j] / batch->count;
                double batch_squares = batch->square[j] - batch->sum[j] * batch_mean;
                double total = count + batch->count, delta = batch_mean - mean;
                mean += delta * batch->count / total;
                squares += fmax(batch_squares, 0.0) + delta * delta * count * batch->count / total;
                count = total;
            }
        }
        normaliser->mean[j] = origin + mean;
        normaliser->variance[j] = count > 0.0 ? squares / count : normaliser->variance[j];
    }
    for (int k = 0; k < n; k++) {
        normaliser->count += batches[k].count;
    }
    aft_normaliser_refresh(normaliser);
}
