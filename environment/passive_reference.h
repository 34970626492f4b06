/*
 * The same building with its device left alone, through the same ground
 * motion: what a controller's reward is measured against.
 */
#ifndef AFT_ENVIRONMENT_PASSIVE_REFERENCE_H
#define AFT_ENVIRONMENT_PASSIVE_REFERENCE_H

#include "environment/plant_f32.h"

struct aft_passive_step {
    float squares; /* Σ over the control step's substeps and storeys of drift ratio² */
    float peak;    /* the largest drift ratio so far */
    float peak_acceleration_m_s2; /* the largest floor acceleration so far */
};

/* AFT_LANES references in the making, one a lane, each at its own step. */
struct aft_passive_lanes {
    float *state;                             /* [columns][AFT_LANES], 0 at the start */
    uint32_t *done;                           /* [AFT_LANES] control steps; moved on */
    const float *ground_m_s2[AFT_LANES];      /* each [steps * substeps + 1] */
    struct aft_passive_step *step[AFT_LANES]; /* each [steps] */
    const struct aft_plant_f32 *plant[AFT_LANES];
};

/* Moves every lane that is not yet at `steps` on by one control step. silence is
 * [substeps + 1] zeros. */
void aft_passive_reference_advance(struct aft_passive_lanes *lanes, int steps, int substeps,
                                   const float *silence);

struct aft_passive_summary { /* never below 1e-12 and 1e-6 */
    float mean_squares;      /* E: the mean of Σ drift ratio² over the substeps */
    float largest_drift;     /* D_p: the episode's largest drift ratio */
};
struct aft_passive_summary aft_passive_reference_summary(const struct aft_passive_step *step,
                                                         int steps, int substeps);

#endif
