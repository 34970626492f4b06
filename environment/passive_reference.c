#include "environment/passive_reference.h"

#include "environment/clamp.h"

#include <math.h>
#include <stddef.h>

double aft_largest_floor_acceleration_m_s2(const struct aft_plant *plant, const double *state,
                                           int stride, double force_n)
{
    double acceleration[AFT_BUILDING_MAX_FLOORS], peak = 0.0;
    aft_building_floor_accelerations(acceleration, &plant->building, state, stride, force_n);
    for (int i = 0; i < plant->building.floors; i++) {
        peak = aft_larger(fabs(acceleration[i]), peak);
    }
    return peak;
}

void aft_passive_reference_fill(struct aft_passive_reference *reference,
                                const struct aft_plant *plant, const float *ground_m_s2, int steps,
                                int substeps)
{
    double state[AFT_PLANT_MAX_COLUMNS] = {0.0};
    struct aft_plant_forces forces = {0.0, 0.0, 0.0};
    double total = 0.0, peak = 0.0, peak_acceleration = 0.0;
    for (int t = 0; t < steps; t++) {
        double sum = 0.0;
        for (int i = 0; i < substeps; i++) {
            const float *ground = ground_m_s2 + (ptrdiff_t)t * substeps + i;
            struct aft_drift drift;
            aft_plant_step(plant, state, (const double[2]){ground[0], ground[1]}, 0.0, &forces);
            aft_plant_drift(&drift, plant, state);
            sum += drift.sum_squares;
            peak = aft_larger(drift.peak, peak);
        }
        total += sum;
        reference->sum_squares[t] = (float)sum;
        reference->peak[t] = (float)peak;
        if (reference->peak_acceleration_m_s2 != NULL) {
            double now = aft_largest_floor_acceleration_m_s2(plant, state, 1, forces.contact_n);
            peak_acceleration = aft_larger(now, peak_acceleration);
            reference->peak_acceleration_m_s2[t] = (float)peak_acceleration;
        }
    }
    reference->mean_squares = (float)fmax(total / ((double)steps * substeps), 1e-12);
    reference->largest_drift = (float)fmax(peak, 1e-6);
}
