#include "environment/passive_reference.h"

#include "environment/clamp.h"
#include "environment/mixed_plants.h"

#include <math.h>
#include <stddef.h>

static void record(struct aft_passive_step *step, uint32_t t, const struct aft_lane_response *now,
                   const float *acceleration_m_s2, int j)
{
    struct aft_passive_step before = t > 0 ? step[t - 1] : (struct aft_passive_step){0};
    step[t] = (struct aft_passive_step){
        .squares = now->squares[j],
        .peak = aft_larger_f32(now->peak[j], before.peak),
        .peak_acceleration_m_s2 =
            aft_larger_f32(acceleration_m_s2[j], before.peak_acceleration_m_s2),
    };
}

void aft_passive_reference_advance(struct aft_passive_lanes *lanes, int steps, int substeps,
                                   const float *silence)
{
    float acceleration[AFT_BUILDING_MAX_FLOORS * AFT_LANES], peak[AFT_LANES];
    struct aft_lane_forces forces = {{0.0F}, {0.0F}, {0.0F}};
    struct aft_lane_response now;
    const float *ground[AFT_LANES];
    const struct aft_plant_f32 *plant[AFT_LANES], *some = lanes->plant[0];
    for (int j = 0; j < AFT_LANES; j++) {
        some = lanes->done[j] < (uint32_t)steps ? lanes->plant[j] : some;
    }
    for (int j = 0; j < AFT_LANES; j++) {
        bool goes_on = lanes->done[j] < (uint32_t)steps;
        ground[j] =
            goes_on ? lanes->ground_m_s2[j] + (size_t)lanes->done[j] * (size_t)substeps : silence;
        plant[j] = goes_on ? lanes->plant[j] : some;
    }
    aft_mixed_plants_control_step(&now, plant, lanes->state, &forces, ground, substeps);
    aft_mixed_plants_accelerations(acceleration, peak, plant, lanes->state, forces.contact_n);
    for (int j = 0; j < AFT_LANES; j++) {
        if (lanes->done[j] < (uint32_t)steps) {
            record(lanes->step[j], lanes->done[j]++, &now, peak, j);
        }
    }
}

struct aft_passive_summary aft_passive_reference_summary(const struct aft_passive_step *step,
                                                         int steps, int substeps)
{
    double total = 0.0;
    for (int t = 0; t < steps; t++) {
        total += (double)step[t].squares;
    }
    return (struct aft_passive_summary){
        .mean_squares = (float)fmax(total / ((double)steps * substeps), 1e-12),
        .largest_drift = fmaxf(step[steps - 1].peak, 1e-6F),
    };
}
