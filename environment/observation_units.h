/*
 * What one in the observation is worth: entry = quantity / unit. The observation
 * (observation.c) is made with these, and its description
 * (observation_layout.c) names them.
 */
#ifndef AFT_ENVIRONMENT_OBSERVATION_UNITS_H
#define AFT_ENVIRONMENT_OBSERVATION_UNITS_H

static const float floor_unit_m_s2 = 2.0F, ground_unit_m_s2 = 1.0F;
static const float integral_unit_m_s = 0.3F;
static const float drift_unit = 0.002F, drift_rate_unit_1_s = 0.01F;
static const float stroke_unit_m = 0.5F, stroke_rate_unit_m_s = 2.5F;
static const float force_limit_unit_n = 150e3F;
static const float peak_drift_unit = 0.01F, peak_floor_unit_m_s2 = 5.0F;
static const float onset_unit_s = 10.0F, onset_most = 2.0F; /* the most, in that unit */

#endif
