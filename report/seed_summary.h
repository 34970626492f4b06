/* One figure over several seeds: its scatter, and how sure the middle of it is. */
#ifndef AFT_REPORT_SEED_SUMMARY_H
#define AFT_REPORT_SEED_SUMMARY_H

#include "base/error.h"

#include <stddef.h>

struct aft_seed_summary { /* NaN where there is none */
    size_t n;             /* of finite values; the others are left out */
    double mean;
    double sd;                     /* of the sample, n - 1; from two values on */
    double iqm, iqm_low, iqm_high; /* interquartile mean and its 95 % interval, statistics.h */
    double least, greatest;
};

/* values is [n]. The resamples of the interval are always the same ones. */
enum aft_code aft_seed_summary_of(struct aft_seed_summary *summary, const double *values, size_t n,
                                  struct aft_error *error);

#endif
