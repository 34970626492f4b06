/*
 * A record in other time steps. The samples are taken as those of a
 * band-limited signal and interpolated with a windowed sinc (Kaiser, 80 dB,
 * 32 zero crossings a side) that passes up to 0.41 and stops from 0.49 of the
 * lower of both sampling rates: what the coarser grid cannot hold is removed
 * before it could alias. Without the low pass, peaks of strong records change
 * by tens of per cent. Equal steps are a copy.
 */
#ifndef AFT_ENVIRONMENT_RESAMPLING_H
#define AFT_ENVIRONMENT_RESAMPLING_H

#include <stddef.h>

/* Samples that the resampled record has: it ends where the record does. */
size_t aft_resampled_length(size_t n, double dt_in_s, double dt_out_s);

void aft_resample(double *out, double dt_out_s, const double *in, size_t n, double dt_in_s);

#endif
