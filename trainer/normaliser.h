/*
 * Observations normalised by their running mean and variance. The statistics
 * change once per rollout, in double precision and in a fixed order, and are
 * fixed while a rollout and its updates last. Before any observation has been
 * seen they are 0 and 1.
 */
#ifndef AFT_TRAINER_NORMALISER_H
#define AFT_TRAINER_NORMALISER_H

#include "base/error.h"

#include <stdbool.h>

#define AFT_NORMALISER_CLIP 8.0f
#define AFT_NORMALISER_EPSILON 1e-8

struct aft_normaliser {
    int dim;
    bool enabled;     /* if not, observations pass as they are */
    double *mean;     /* [dim] */
    double *variance; /* [dim], of the population */
    double count;
    float *shift, *scale; /* [dim], mean and 1 / sqrt(variance + epsilon) in single precision */
};

enum aft_code aft_normaliser_init(struct aft_normaliser *normaliser, int dim, bool enabled,
                                  struct aft_error *error);
void aft_normaliser_clear(struct aft_normaliser *normaliser);

/* Takes mean, variance and count as they were set from outside. */
void aft_normaliser_refresh(struct aft_normaliser *normaliser);

/* out = clip((raw - mean) / deviation), [rows][dim]; false when one is not finite. */
bool aft_normaliser_apply(const struct aft_normaliser *normaliser, int rows, const float *raw,
                          float *out);

/* Sums over some rows, relative to the normaliser's mean. */
struct aft_moments {
    double count;
    double *sum, *square; /* [dim] */
};
void aft_moments_reset(struct aft_moments *moments, int dim);
void aft_moments_add(struct aft_moments *moments, const struct aft_normaliser *normaliser, int rows,
                     const float *raw);

/* Merges batches that were summed with this normaliser's present mean, in their
 * order (Chan, Golub and LeVeque 1983, equation 2.1). */
void aft_normaliser_update(struct aft_normaliser *normaliser, int n,
                           const struct aft_moments *batches);

#endif
