/*
 * The linear-quadratic regulator of the control model: u = -gain · z minimises
 *     Σ_k  mean_i (d_i/D)² + drift_rate mean_i (d_i'/(D ω))² + stroke (s/S)²
 *        + stroke_rate (s'/(S ω))² + control (u/F)²
 * d_i: drift ratio of storey i, s: stroke, u: command; D = 0.005, ω the model's
 * first circular frequency, F the force limit, S the stroke limit (1 m without
 * one): all weights are without dimension.
 */
#ifndef AFT_ENVIRONMENT_LQR_H
#define AFT_ENVIRONMENT_LQR_H

#include "environment/control_model.h"

struct aft_lqr_weights {
    double drift_rate, stroke, stroke_rate; /* 0 or more */
    double control;                         /* above 0 */
};

/* gain is [model->n]. USAGE for a weight out of range or a force limit of 0. */
enum aft_code aft_lqr_gain(double *gain, const struct aft_control_model *model,
                           const struct aft_lqr_weights *weights, struct aft_error *error);

#endif
