/*
 * Means of figures over motions, with their uncertainty: a mean and its 95 %
 * interval by stratified bootstrap, and the same for the interquartile mean
 * (Agarwal et al. 2021, "Deep reinforcement learning at the edge of the
 * statistical precipice"). Deterministic: the resamples come from a
 * counter-based generator.
 */
#ifndef AFT_REPORT_STATISTICS_H
#define AFT_REPORT_STATISTICS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct aft_statistics {
    size_t n;
    double mean, mean_low, mean_high; /* low and high: the 95 % interval */
    double iqm, iqm_low, iqm_high;    /* mean of the middle half: n/4 are cut off each end */
    double worst;                     /* the largest */
};

/* values is [n], all finite; stratum [n] says to which set each belongs (a stage, a
 * group of records): 2000 resamples draw from each set as many as it has. NULL: one
 * set. seed chooses the resamples. USAGE where n is 0 or a value is not finite. */
enum aft_code aft_statistics_of(struct aft_statistics *statistics, const double *values,
                                const int *stratum, size_t n, uint64_t seed,
                                struct aft_error *error);

#endif
