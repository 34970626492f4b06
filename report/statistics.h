/*
 * Means of figures over motions, with their uncertainty: a mean and its 95 %
 * interval by stratified bootstrap, and the interquartile mean (Agarwal et al.
 * 2021, "Deep reinforcement learning at the edge of the statistical
 * precipice"). Deterministic: the resamples come from a counter-based generator.
 */
#ifndef AFT_REPORT_STATISTICS_H
#define AFT_REPORT_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct aft_statistics {
    size_t n;
    double mean, low, high; /* the 95 % interval of the mean; NaN where n is 0 */
    double iqm;             /* mean of the middle half */
    double iqm_low, iqm_high;
    double worst; /* the largest */
};

/* values is [n]; stratum [n] says to which set each belongs (a stage, a group of
 * records): resamples keep the sets' sizes. NULL: one set. seed chooses the resamples
 * (2000 of them; percentile interval). values and strata are not changed. Memory
 * that cannot be had leaves the intervals NaN. */
struct aft_statistics aft_statistics_of(const double *values, const int *stratum, size_t n,
                                        uint64_t seed);

#endif
