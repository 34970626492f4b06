/*
 * AFT_LANES buildings of which not all need be alike: lanes on the same plant are
 * stepped together, each distinct plant costs one pass, and a lane has the bits that
 * it has among its like. All plants have the same number of floors and a device.
 */
#ifndef AFT_ENVIRONMENT_MIXED_PLANTS_H
#define AFT_ENVIRONMENT_MIXED_PLANTS_H

#include "environment/plant_f32.h"

/* aft_plant_f32_control_step and aft_plant_f32_accelerations, lane j on plant[j]. */
void aft_mixed_plants_control_step(struct aft_lane_response *response,
                                   const struct aft_plant_f32 *const plant[AFT_LANES], float *state,
                                   struct aft_lane_forces *forces,
                                   const float *const ground_m_s2[AFT_LANES], int substeps);
void aft_mixed_plants_accelerations(float *acceleration_m_s2, float largest_m_s2[AFT_LANES],
                                    const struct aft_plant_f32 *const plant[AFT_LANES],
                                    const float *state, const float force_n[AFT_LANES]);

#endif
