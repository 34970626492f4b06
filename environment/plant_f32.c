#include "environment/plant_f32.h"

#include "base/lanes.h"
#include "base/simd.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 2 * AFT_BUILDING_MAX_DOF + AFT_KERNEL_ROWS_F32 };

static void fill(struct aft_plant_f32 *plant)
{
    const struct aft_plant *exact = plant->exact;
    const struct aft_building *building = &exact->building;
    plant->dt_s = (float)exact->dt_s;
    plant->lag_share = (float)exact->lag_share;
    plant->force_limit_n = (float)exact->actuator.force_limit_n;
    plant->work_limit_j = (float)(fmax(0.0, exact->actuator.power_limit_w) * exact->dt_s);
    plant->compliance_m_n = (float)exact->compliance_m_n;
    plant->limit_m = exact->stop.limit_m > 0.0 ? (float)exact->stop.limit_m : INFINITY;
    plant->per_height_1_m = (float)(1.0 / building->storey_height_m);
    for (int i = 0; i < building->floors; i++) {
        plant->storey_n_m[i] = (float)building->storey_n_m[i];
        plant->per_mass_1_kg[i] = (float)(1.0 / building->mass_kg[i]);
    }
    for (int i = 0; i < plant->n_states; i++) {
        plant->by_force[i] = (float)exact->by_force[i];
    }
    for (int i = 0; i < plant->n_states; i++) {
        int panel = i / AFT_KERNEL_ROWS_F32, row = i % AFT_KERNEL_ROWS_F32;
        for (int j = 0; j < plant->columns; j++) {
            plant->panels[(panel * plant->columns + j) * AFT_KERNEL_ROWS_F32 + row] =
                (float)exact->by_row[i * plant->columns + j];
        }
    }
}

enum aft_code aft_plant_f32_create(struct aft_plant_f32 **plant, const struct aft_plant *exact,
                                   struct aft_error *error)
{
    *plant = NULL;
    struct aft_plant_f32 *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create a plant: out of memory");
    }
    made->exact = exact;
    made->n_states = exact->n_states;
    made->columns = exact->columns;
    made->rows =
        (exact->n_states + AFT_KERNEL_ROWS_F32 - 1) / AFT_KERNEL_ROWS_F32 * AFT_KERNEL_ROWS_F32;
    made->panels = calloc((size_t)made->rows * (size_t)made->columns, sizeof(float));
    made->by_force = calloc((size_t)made->rows, sizeof(float));
    if (made->panels == NULL || made->by_force == NULL) {
        aft_plant_f32_destroy(made);
        return aft_fail(error, AFT_ERR_MEMORY, "create a plant: out of memory");
    }
    fill(made);
    *plant = made;
    return AFT_OK;
}

void aft_plant_f32_destroy(struct aft_plant_f32 *plant)
{
    if (plant != NULL) {
        free(plant->panels);
        free(plant->by_force);
        free(plant);
    }
}

_Static_assert(AFT_LANES == 16, "lanes.h");

static inline aft_f32x16 row_of(const float *rows, int row)
{
    return aft_load16(rows + (ptrdiff_t)row * AFT_LANES);
}

static inline aft_f32x16 clamp(aft_f32x16 value, aft_f32x16 low, aft_f32x16 high)
{
    return aft_select16(value < low, low, aft_select16(value > high, high, value));
}

struct step_lanes {             /* between roof and device, in one step */
    aft_f32x16 start_m, move_m; /* stroke, and its change without forces */
    aft_f32x16 force_n, contact_n;
};

static inline aft_f32x16 stroke(const struct aft_plant_f32 *plant, const float *state)
{
    return row_of(state, plant->exact->device_row) - row_of(state, plant->exact->roof_row);
}

/* actuator.c's limit of the power. */
static inline aft_f32x16 limited(const struct aft_plant_f32 *plant, aft_f32x16 force,
                                 aft_f32x16 move)
{
    float compliance = plant->compliance_m_n, work = plant->work_limit_j;
    aft_f32x16 root = aft_sqrt16(move * move + 4.0F * compliance * work);
    aft_f32x16 q = -0.5F * (move + aft_sign16(root, move));
    aft_f32x16 a = q / compliance, b = -work / q;
    return aft_select16(force * (move + compliance * force) > work,
                        clamp(force, aft_smaller16(a, b), aft_larger16(a, b)), force);
}

static inline void drive(struct step_lanes *step, const struct aft_plant_f32 *plant,
                         const struct aft_lane_forces *forces)
{
    aft_f32x16 limit = aft_all16(plant->force_limit_n);
    aft_f32x16 force = clamp(aft_load16(forces->command_n), -limit, limit);
    if (plant->lag_share < 1.0F) {
        aft_f32x16 previous = aft_load16(forces->actuator_n);
        force = previous + plant->lag_share * (force - previous);
    }
    step->force_n = plant->work_limit_j > 0.0F ? limited(plant, force, step->move_m) : force;
}

/* Few lanes touch the stop at one time. */
static inline void touch(struct step_lanes *step, const struct aft_plant_f32 *plant)
{
    const struct aft_plant *exact = plant->exact;
    aft_f32x16 start = step->start_m;
    aft_f32x16 pushed = start + step->move_m + plant->compliance_m_n * step->force_n;
    step->contact_n = aft_all16(0.0F);
    if (!aft_any16((aft_abs16(pushed) > plant->limit_m) | (aft_abs16(start) > plant->limit_m))) {
        return;
    }
    for (int j = 0; j < AFT_LANES; j++) {
        step->contact_n[j] = (float)aft_end_stop_force(
            &exact->stop, (double)start[j], (double)pushed[j], exact->compliance_m_n, exact->dt_s);
    }
}

/* Numbers that are not normal, of motions that have died away, are slow. */
static inline aft_f32x16 without_dust(aft_f32x16 x)
{
    return aft_select16(aft_abs16(x) < 1e-18F, aft_all16(0.0F), x);
}

static inline void add_forces(float *state, const float *next, const struct step_lanes *step,
                              const struct aft_plant_f32 *plant)
{
    aft_f32x16 force = step->force_n + step->contact_n;
    for (int i = 0; i < plant->n_states; i++) {
        aft_store16(state + (ptrdiff_t)i * AFT_LANES,
                    without_dust(row_of(next, i) + plant->by_force[i] * force));
    }
}

struct response { /* struct aft_lane_response, in the making */
    aft_f32x16 squares, peak, stroke_m, force_n, power_w;
};

static inline void note_drift(struct response *response, const struct aft_plant_f32 *plant,
                              const float *state)
{
    aft_f32x16 below = aft_all16(0.0F), squares = below, peak = response->peak;
    for (int i = 0; i < plant->exact->building.floors; i++) {
        aft_f32x16 here = row_of(state, i), ratio = (here - below) * plant->per_height_1_m;
        below = here;
        squares += ratio * ratio;
        peak = aft_larger16(aft_abs16(ratio), peak);
    }
    response->squares += squares;
    response->peak = peak;
}

static inline void note_device(struct response *response, const struct aft_plant_f32 *plant,
                               const float *state, const struct step_lanes *step)
{
    aft_f32x16 move = step->move_m + plant->compliance_m_n * (step->force_n + step->contact_n);
    aft_f32x16 power = step->force_n * move * (1.0F / plant->dt_s);
    response->stroke_m = aft_larger16(aft_abs16(stroke(plant, state)), response->stroke_m);
    response->force_n = aft_larger16(aft_abs16(step->force_n), response->force_n);
    response->power_w = aft_larger16(power, response->power_w);
}

static inline void one_step(struct response *response, const struct aft_plant_f32 *plant,
                            float *state, struct aft_lane_forces *forces)
{
    _Alignas(64) float next[MAX_ROWS * AFT_LANES];
    aft_f32x16 zero = aft_all16(0.0F);
    struct step_lanes step = {zero, zero, zero, zero};
    plant->exact->kernel->lanes_f32(next, plant->panels, plant->rows, plant->columns, state);
    if (plant->exact->device_row >= 0) {
        step.start_m = stroke(plant, state);
        step.move_m = stroke(plant, next) - step.start_m;
        drive(&step, plant, forces);
        touch(&step, plant);
    }
    add_forces(state, next, &step, plant);
    note_drift(response, plant, state);
    if (plant->exact->device_row >= 0) {
        note_device(response, plant, state, &step);
    }
    aft_store16(forces->actuator_n, step.force_n);
    aft_store16(forces->contact_n, step.contact_n);
}

static inline void control_step(struct aft_lane_response *response,
                                const struct aft_plant_f32 *plant, float *state,
                                struct aft_lane_forces *forces,
                                const float *const ground_m_s2[AFT_LANES], int substeps)
{
    float *start = state + (ptrdiff_t)plant->n_states * AFT_LANES, *end = start + AFT_LANES;
    aft_f32x16 zero = aft_all16(0.0F);
    struct response now = {zero, zero, zero, zero, zero};
    for (int j = 0; j < AFT_LANES; j++) {
        end[j] = ground_m_s2[j][0];
    }
    for (int i = 1; i <= substeps; i++) {
        memcpy(start, end, AFT_LANES * sizeof *start);
        for (int j = 0; j < AFT_LANES; j++) {
            end[j] = ground_m_s2[j][i];
        }
        one_step(&now, plant, state, forces);
    }
    aft_store16(response->squares, now.squares);
    aft_store16(response->peak, now.peak);
    aft_store16(response->stroke_m, now.stroke_m);
    aft_store16(response->force_n, now.force_n);
    aft_store16(response->power_w, now.power_w);
}

AFT_SIMD_FUNCTION(aft_plant_f32_control_step,
                  (struct aft_lane_response * response, const struct aft_plant_f32 *plant,
                   float *state, struct aft_lane_forces *forces,
                   const float *const ground_m_s2[AFT_LANES], int substeps),
                  control_step, (response, plant, state, forces, ground_m_s2, substeps))

static inline void accelerations(float *acceleration_m_s2, float *largest_m_s2,
                                 const struct aft_plant_f32 *plant, const float *state,
                                 const float force_n[AFT_LANES])
{
    const struct aft_building *building = &plant->exact->building;
    const float *x = state, *v = state + (ptrdiff_t)building->dof * AFT_LANES;
    int roof = building->floors - 1;
    aft_f32x16 zero = aft_all16(0.0F), largest = zero;
    aft_f32x16 above = zero; /* what the storey (or the device) above pulls the floor with */
    if (building->has_device) {
        above = (float)building->device_n_m * stroke(plant, x) +
                (float)building->device_n_s_m * stroke(plant, v) - aft_load16(force_n);
    }
    float mass_damping = (float)building->mass_damping_1_s;
    float stiffness_damping = (float)building->stiffness_damping_s;
    for (int i = roof; i >= 0; i--) {
        aft_f32x16 here = row_of(x, i), rate = row_of(v, i);
        aft_f32x16 drift = here - (i > 0 ? row_of(x, i - 1) : zero);
        aft_f32x16 drift_rate = rate - (i > 0 ? row_of(v, i - 1) : zero);
        aft_f32x16 storey = plant->storey_n_m[i] * (drift + stiffness_damping * drift_rate);
        aft_f32x16 floor = (above - storey) * plant->per_mass_1_kg[i] - mass_damping * rate;
        aft_store16(acceleration_m_s2 + (ptrdiff_t)i * AFT_LANES, floor);
        largest = aft_larger16(aft_abs16(floor), largest);
        above = storey;
    }
    aft_store16(largest_m_s2, largest);
}

AFT_SIMD_FUNCTION(aft_plant_f32_accelerations,
                  (float *acceleration_m_s2, float largest_m_s2[AFT_LANES],
                   const struct aft_plant_f32 *plant, const float *state,
                   const float force_n[AFT_LANES]),
                  accelerations, (acceleration_m_s2, largest_m_s2, plant, state, force_n))
