#include "environment/response.h"

#include "environment/clamp.h"
#include "environment/response_spectrum.h"

#include <math.h>
#include <stddef.h>

static void note_height(struct aft_response *r, const struct aft_plant *plant, const double *state,
                        int stride, double force_n)
{
    double acceleration[AFT_BUILDING_MAX_FLOORS], below = 0.0;
    double per_height = 1.0 / plant->building.storey_height_m;
    aft_building_floor_accelerations(acceleration, &plant->building, state, stride, force_n);
    for (int i = 0; i < plant->building.floors; i++) {
        double here = state[(ptrdiff_t)i * stride];
        double drift = (here - below) * per_height, acc_g = acceleration[i] / AFT_GRAVITY_M_S2;
        below = here;
        r->storey_rms_drift[i] += drift * drift;
        r->storey_peak_drift[i] = aft_larger(r->storey_peak_drift[i], fabs(drift));
        r->floor_rms_acc_g[i] += acc_g * acc_g;
        r->floor_peak_acc_g[i] = aft_larger(r->floor_peak_acc_g[i], fabs(acc_g));
    }
}

static void note_structure(struct aft_response *r, const struct aft_plant *plant,
                           const double *state, int stride)
{
    const struct aft_building *building = &plant->building;
    double roof_m = state[(ptrdiff_t)plant->roof_row * stride];
    double roof_m_s = state[(ptrdiff_t)(plant->roof_row + building->dof) * stride];
    double rate = state[(ptrdiff_t)building->dof * stride];
    double shear_n = building->storey_n_m[0] * (state[0] + building->stiffness_damping_s * rate);
    r->peak_roof_m = aft_larger(r->peak_roof_m, fabs(roof_m));
    r->rms_roof_m += roof_m * roof_m;
    r->peak_roof_m_s = aft_larger(r->peak_roof_m_s, fabs(roof_m_s));
    r->peak_base_shear_n = aft_larger(r->peak_base_shear_n, fabs(shear_n));
    r->rms_base_shear_n += shear_n * shear_n;
}

static void note_device(struct aft_response *r, const struct aft_plant *plant, const double *state,
                        int stride, const struct aft_plant_forces *forces)
{
    double work_j = forces->power_w * plant->dt_s;
    r->stroke_m = aft_larger(r->stroke_m, fabs(aft_plant_stroke(plant, state, stride)));
    r->peak_speed_m_s =
        aft_larger(r->peak_speed_m_s, fabs(aft_plant_stroke_rate(plant, state, stride)));
    r->peak_force_n = aft_larger(r->peak_force_n, fabs(forces->actuator_n));
    r->rms_force_n += forces->actuator_n * forces->actuator_n;
    r->peak_power_w = aft_larger(r->peak_power_w, forces->power_w);
    r->energy_j += aft_larger(work_j, 0.0);
    r->braking_j += aft_larger(-work_j, 0.0);
}

void aft_response_note(struct aft_response_meter *meter, const struct aft_plant *plant,
                       const double *state, int stride, const struct aft_plant_forces *forces,
                       double command_n)
{
    double limit_n = plant->actuator.force_limit_n;
    note_height(&meter->so_far, plant, state, stride, forces->actuator_n + forces->contact_n);
    note_structure(&meter->so_far, plant, state, stride);
    note_device(&meter->so_far, plant, state, stride, forces);
    meter->saturated += limit_n > 0.0 && fabs(command_n) >= limit_n;
    meter->steps++;
}

static void finish_height(struct aft_response *r, int floors, double per_step)
{
    double drift = 0.0, acceleration = 0.0;
    for (int i = 0; i < floors; i++) {
        drift += r->storey_rms_drift[i];
        acceleration += r->floor_rms_acc_g[i];
        r->storey_rms_drift[i] = sqrt(r->storey_rms_drift[i] * per_step);
        r->floor_rms_acc_g[i] = sqrt(r->floor_rms_acc_g[i] * per_step);
        if (r->storey_peak_drift[i] > r->peak_drift_ratio) {
            r->peak_drift_ratio = r->storey_peak_drift[i];
            r->peak_drift_storey = i + 1;
        }
        if (r->floor_peak_acc_g[i] > r->peak_floor_acc_g) {
            r->peak_floor_acc_g = r->floor_peak_acc_g[i];
            r->peak_acc_floor = i + 1;
        }
    }
    r->peak_roof_acc_g = r->floor_peak_acc_g[floors - 1];
    r->rms_drift = sqrt(drift * per_step / floors);
    r->rms_floor_acc_g = sqrt(acceleration * per_step / floors);
}

struct aft_response aft_response_result(const struct aft_response_meter *meter,
                                        const struct aft_plant *plant)
{
    struct aft_response r = meter->so_far;
    double per_step = meter->steps > 0 ? 1.0 / (double)meter->steps : 0.0;
    finish_height(&r, plant->building.floors, per_step);
    r.duration_s = (double)meter->steps * plant->dt_s;
    r.rms_roof_m = sqrt(r.rms_roof_m * per_step);
    r.rms_base_shear_n = sqrt(r.rms_base_shear_n * per_step);
    r.rms_force_n = sqrt(r.rms_force_n * per_step);
    r.saturated_share = (double)meter->saturated * per_step;
    return r;
}
