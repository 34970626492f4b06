/*
 * A policy on whole held-out motions, beside the same building uncontrolled
 * and with the device passive. Double precision; nothing here is training state.
 */
#ifndef AFT_ENVIRONMENT_EVALUATION_H
#define AFT_ENVIRONMENT_EVALUATION_H

#include "base/error.h"
#include "base/random.h"
#include "environment/config.h"

/* Deterministic actions [n] in [-1, 1] (clipped here if not) for obs [n][obs_dim]. */
typedef enum aft_code (*aft_policy_function)(void *policy, int n, const float *obs, float *actions,
                                             struct aft_error *error);

struct aft_response {        /* of one controller to one motion */
    double peak_drift_ratio; /* over storeys and time */
    double rms_drift;        /* root of the mean over storeys and time of drift ratio² */
    double peak_roof_m, peak_roof_acc_g, peak_floor_acc_g;
    double stroke_m, peak_force_n, peak_power_w;
};

struct aft_motion_evaluation {
    double pga_g, duration_s;
    struct aft_response uncontrolled; /* the device's mass removed */
    struct aft_response passive;
    struct aft_response policy;
};

/* n motions of the set `purpose` (AFT_RANDOM_VALIDATION, AFT_RANDOM_TEST_MOTION), or the
 * configured records once each (then n is at most their number): no onset, no
 * random amplitude or sign, no mixed magnitudes; the whole motion plus tail_s.
 * results is [n]. *done counts them. */
enum aft_code aft_evaluate_policy(struct aft_motion_evaluation *results, int n, int *done,
                                  const struct aft_environment_config *config,
                                  enum aft_random_purpose purpose, double tail_s,
                                  aft_policy_function act, void *policy, struct aft_error *error);

#endif
