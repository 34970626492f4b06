/*
 * What a policy does, as rows of floats for whoever checks an exported form of it:
 *   margin | start | sensors [n_sensors] | obs [obs_dim] | action | force share
 * Rows from a simulated building come first (start 1 at the beginning of a motion;
 * sensors as they arrived, and the actuator's force), then rows with observations
 * drawn at random (start -1, sensors 0). The action is the network's, clipped; the
 * share is what the environment makes of it. The margin (m) is how far the
 * observation is from where the stroke guard changes its mind.
 */
#ifndef AFT_TESTS_RUNNER_POLICY_ROWS_H
#define AFT_TESTS_RUNNER_POLICY_ROWS_H

#include "runner/export/exported_policy.h"

struct policy_rows {
    int n, width, n_sensors, obs_dim;
    double force_limit_n;
    float *values;        /* [n][width]; owned */
    int guarded, clipped; /* rows in which the guard, and the action's limit, had a say */
};

enum { ROW_MARGIN, ROW_START, ROW_SENSORS };

/* 10 000 rows of the policy in the archive; fails the test where it cannot. */
void policy_rows_make(struct policy_rows *rows, const char *archive);
void policy_rows_clear(struct policy_rows *rows);

/* Writes them as a file of little-endian floats. */
void policy_rows_write(const struct policy_rows *rows, const char *path);

static inline const float *policy_row(const struct policy_rows *rows, int i)
{
    return rows->values + (ptrdiff_t)i * rows->width;
}
static inline const float *policy_row_obs(const struct policy_rows *rows, int i)
{
    return policy_row(rows, i) + ROW_SENSORS + rows->n_sensors;
}
static inline double policy_row_share(const struct policy_rows *rows, int i)
{
    return (double)policy_row(rows, i)[rows->width - 1];
}

#endif
