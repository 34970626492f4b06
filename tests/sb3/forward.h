/* The native engine's forward pass of an archive, ours or Stable-Baselines3's. */
#ifndef AFT_TESTS_SB3_FORWARD_H
#define AFT_TESTS_SB3_FORWARD_H

#include "recovery/archive.h"

/* Mean actions and values [rows] for obs [rows][obs_dim]; they are not clipped. */
enum aft_code forward_of_archive(float *actions, float *values, const struct aft_archive *archive,
                                 const float *obs, int rows, struct aft_error *error);

#endif
