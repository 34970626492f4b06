/*
 * The same building with its device left alone, through the same ground
 * motion: what a controller's reward is measured against.
 */
#ifndef AFT_ENVIRONMENT_PASSIVE_REFERENCE_H
#define AFT_ENVIRONMENT_PASSIVE_REFERENCE_H

#include "environment/plant.h"

struct aft_passive_reference { /* of one episode; the arrays are the caller's */
    float *sum_squares; /* [steps] Σ over a control step's substeps and storeys of drift ratio² */
    float *peak;        /* [steps] the largest drift ratio so far */
    float *peak_acceleration_m_s2; /* [steps] the largest floor acceleration so far; may be NULL */
    float mean_squares;            /* E: the mean of Σ drift ratio² over the substeps */
    float largest_drift;           /* D_p: the episode's largest drift ratio */
};

/* ground is [steps * substeps + 1]. E and D_p are never below 1e-12 and 1e-6. */
void aft_passive_reference_fill(struct aft_passive_reference *reference,
                                const struct aft_plant *plant, const float *ground_m_s2, int steps,
                                int substeps);

/* The largest |acceleration| of any floor, m/s². */
double aft_largest_floor_acceleration_m_s2(const struct aft_plant *plant, const double *state,
                                           int stride, double force_n);

#endif
