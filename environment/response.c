#include "environment/response.h"

#include "environment/clamp.h"
#include "environment/response_spectrum.h"

#include <math.h>

void aft_response_note(struct aft_response_meter *meter, const struct aft_plant *plant,
                       const double *state, int stride, const struct aft_plant_forces *forces)
{
    struct aft_response *r = &meter->so_far;
    int floors = plant->building.floors;
    double acceleration[AFT_BUILDING_MAX_FLOORS], below = 0.0;
    aft_building_floor_accelerations(acceleration, &plant->building, state, stride,
                                     forces->actuator_n + forces->contact_n);
    for (int i = 0; i < floors; i++) {
        double here = state[(ptrdiff_t)i * stride];
        double ratio = (here - below) / plant->building.storey_height_m;
        below = here;
        meter->sum_squares += ratio * ratio;
        r->peak_drift_ratio = aft_larger(r->peak_drift_ratio, fabs(ratio));
        r->peak_floor_acc_g =
            aft_larger(r->peak_floor_acc_g, fabs(acceleration[i]) / AFT_GRAVITY_M_S2);
    }
    r->peak_roof_m = aft_larger(r->peak_roof_m, fabs(below));
    r->peak_roof_acc_g =
        aft_larger(r->peak_roof_acc_g, fabs(acceleration[floors - 1]) / AFT_GRAVITY_M_S2);
    r->stroke_m = aft_larger(r->stroke_m, fabs(aft_plant_stroke(plant, state, stride)));
    r->peak_force_n = aft_larger(r->peak_force_n, fabs(forces->actuator_n));
    r->peak_power_w = aft_larger(r->peak_power_w, forces->power_w);
    meter->steps++;
}

struct aft_response aft_response_result(const struct aft_response_meter *meter,
                                        const struct aft_plant *plant)
{
    struct aft_response response = meter->so_far;
    double values = (double)meter->steps * plant->building.floors;
    response.rms_drift = values > 0.0 ? sqrt(meter->sum_squares / values) : 0.0;
    return response;
}
