#include "environment/benchmark_criteria.h"

#include "environment/response_spectrum.h"

#include <math.h>

static double ratio(double value, double reference)
{
    if (reference == 0.0) {
        return value == 0.0 ? 0.0 : INFINITY;
    }
    return value / reference;
}

static double largest(const double *values, int n)
{
    double peak = 0.0;
    for (int i = 0; i < n; i++) {
        peak = fmax(peak, values[i]);
    }
    return peak;
}

struct aft_criteria aft_criteria_of(const struct aft_response *response,
                                    const struct aft_response *reference,
                                    const struct aft_building_config *building)
{
    const struct aft_response *c = response, *u = reference;
    int floors = building->floors;
    double weight_n = floors * building->floor_mass_kg * AFT_GRAVITY_M_S2;
    double power_w = u->peak_roof_m_s * weight_n;
    double mean_w = c->duration_s > 0.0 ? c->energy_j / c->duration_s : 0.0;
    return (struct aft_criteria){
        .j1_peak_drift = ratio(c->peak_drift_ratio, u->peak_drift_ratio),
        .j2_peak_acceleration = ratio(c->peak_floor_acc_g, u->peak_floor_acc_g),
        .j3_peak_base_shear = ratio(c->peak_base_shear_n, u->peak_base_shear_n),
        .j4_normed_drift =
            ratio(largest(c->storey_rms_drift, floors), largest(u->storey_rms_drift, floors)),
        .j5_normed_acceleration =
            ratio(largest(c->floor_rms_acc_g, floors), largest(u->floor_rms_acc_g, floors)),
        .j6_normed_base_shear = ratio(c->rms_base_shear_n, u->rms_base_shear_n),
        .j11_force = ratio(c->peak_force_n, weight_n),
        .j12_stroke = ratio(c->stroke_m, u->peak_roof_m),
        .j13_power = ratio(c->peak_power_w, power_w),
        .j14_normed_power = ratio(mean_w, power_w),
    };
}
