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

/* What follows the matrix product works on HALF of the lanes: pointers to rows point
 * to the first of them. */
enum { HALF = AFT_LANES / 2 };
_Static_assert(HALF == 8, "lanes.h");

static inline aft_f32x8 row_of(const float *rows, int row)
{
    return aft_load8(rows + (ptrdiff_t)row * AFT_LANES);
}

static inline aft_f32x8 clamp(aft_f32x8 value, aft_f32x8 low, aft_f32x8 high)
{
    return aft_select8(value < low, low, aft_select8(value > high, high, value));
}

struct step_lanes {            /* between roof and device, in one step */
    aft_f32x8 start_m, move_m; /* stroke, and its change without forces */
    aft_f32x8 force_n, contact_n;
};

static inline aft_f32x8 stroke(const struct aft_plant_f32 *plant, const float *state)
{
    return row_of(state, plant->exact->device_row) - row_of(state, plant->exact->roof_row);
}

/* actuator.c's limit of the power. */
static inline aft_f32x8 limited(const struct aft_plant_f32 *plant, aft_f32x8 force, aft_f32x8 move)
{
    float compliance = plant->compliance_m_n, work = plant->work_limit_j;
    aft_f32x8 root = aft_sqrt8(move * move + 4.0F * compliance * work);
    aft_f32x8 q = -0.5F * (move + aft_sign8(root, move));
    aft_f32x8 a = q / compliance, b = -work / q;
    return aft_select8(force * (move + compliance * force) > work,
                       clamp(force, aft_smaller8(a, b), aft_larger8(a, b)), force);
}

static inline void drive(struct step_lanes *step, const struct aft_plant_f32 *plant,
                         const struct aft_lane_forces *forces, int half)
{
    aft_f32x8 limit = aft_all8(plant->force_limit_n);
    aft_f32x8 force = clamp(aft_load8(forces->command_n + half), -limit, limit);
    if (plant->lag_share < 1.0F) {
        aft_f32x8 previous = aft_load8(forces->actuator_n + half);
        force = previous + plant->lag_share * (force - previous);
    }
    step->force_n = plant->work_limit_j > 0.0F ? limited(plant, force, step->move_m) : force;
}

/* Few lanes touch the stop at one time. */
static inline void touch(struct step_lanes *step, const struct aft_plant_f32 *plant)
{
    const struct aft_plant *exact = plant->exact;
    aft_f32x8 start = step->start_m;
    aft_f32x8 pushed = start + step->move_m + plant->compliance_m_n * step->force_n;
    step->contact_n = aft_all8(0.0F);
    if (!aft_any8((aft_abs8(pushed) > plant->limit_m) | (aft_abs8(start) > plant->limit_m))) {
        return;
    }
    for (int j = 0; j < HALF; j++) {
        step->contact_n[j] = (float)aft_end_stop_force(
            &exact->stop, (double)start[j], (double)pushed[j], exact->compliance_m_n, exact->dt_s);
    }
}

/* Numbers that are not normal, of motions that have died away, are slow. */
static inline aft_f32x8 without_dust(aft_f32x8 x)
{
    return aft_select8(aft_abs8(x) < 1e-18F, aft_all8(0.0F), x);
}

static inline void add_forces(float *state, const float *next, const struct step_lanes *step,
                              const struct aft_plant_f32 *plant)
{
    aft_f32x8 force = step->force_n + step->contact_n;
    for (int i = 0; i < plant->n_states; i++) {
        aft_store8(state + (ptrdiff_t)i * AFT_LANES,
                   without_dust(row_of(next, i) + plant->by_force[i] * force));
    }
}

struct response { /* struct aft_lane_response, in the making */
    aft_f32x8 squares, peak, stroke_m, force_n, power_w;
};

static inline void note_drift(struct response *response, const struct aft_plant_f32 *plant,
                              const float *state)
{
    aft_f32x8 below = aft_all8(0.0F), squares = below, peak = response->peak;
    for (int i = 0; i < plant->exact->building.floors; i++) {
        aft_f32x8 here = row_of(state, i), ratio = (here - below) * plant->per_height_1_m;
        below = here;
        squares += ratio * ratio;
        peak = aft_larger8(aft_abs8(ratio), peak);
    }
    response->squares += squares;
    response->peak = peak;
}

static inline void note_device(struct response *response, const struct aft_plant_f32 *plant,
                               const float *state, const struct step_lanes *step)
{
    aft_f32x8 move = step->move_m + plant->compliance_m_n * (step->force_n + step->contact_n);
    aft_f32x8 power = step->force_n * move * (1.0F / plant->dt_s);
    response->stroke_m = aft_larger8(aft_abs8(stroke(plant, state)), response->stroke_m);
    response->force_n = aft_larger8(aft_abs8(step->force_n), response->force_n);
    response->power_w = aft_larger8(power, response->power_w);
}

/* The rest of a step, after the product gave `next`, for the lanes from `half` on. */
static inline void finish_step(struct response *response, const struct aft_plant_f32 *plant,
                               float *state, const float *next, struct aft_lane_forces *forces,
                               int half)
{
    aft_f32x8 zero = aft_all8(0.0F);
    struct step_lanes step = {zero, zero, zero, zero};
    bool has_device = plant->exact->device_row >= 0;
    if (has_device) {
        step.start_m = stroke(plant, state);
        step.move_m = stroke(plant, next) - step.start_m;
        drive(&step, plant, forces, half);
        touch(&step, plant);
    }
    add_forces(state, next, &step, plant);
    note_drift(response, plant, state);
    if (has_device) {
        note_device(response, plant, state, &step);
    }
    aft_store8(forces->actuator_n + half, step.force_n);
    aft_store8(forces->contact_n + half, step.contact_n);
}

static inline void store_response(struct aft_lane_response *to, const struct response *from,
                                  int half)
{
    aft_store8(to->squares + half, from->squares);
    aft_store8(to->peak + half, from->peak);
    aft_store8(to->stroke_m + half, from->stroke_m);
    aft_store8(to->force_n + half, from->force_n);
    aft_store8(to->power_w + half, from->power_w);
}

static inline void control_step(struct aft_lane_response *response,
                                const struct aft_plant_f32 *plant, float *state,
                                struct aft_lane_forces *forces,
                                const float *const ground_m_s2[AFT_LANES], int substeps)
{
    _Alignas(64) float next[MAX_ROWS * AFT_LANES];
    float *start = state + (ptrdiff_t)plant->n_states * AFT_LANES, *end = start + AFT_LANES;
    aft_f32x8 zero = aft_all8(0.0F);
    struct response low = {zero, zero, zero, zero, zero}, high = low;
    for (int j = 0; j < AFT_LANES; j++) {
        end[j] = ground_m_s2[j][0];
    }
    for (int i = 1; i <= substeps; i++) {
        memcpy(start, end, AFT_LANES * sizeof *start);
        for (int j = 0; j < AFT_LANES; j++) {
            end[j] = ground_m_s2[j][i];
        }
        plant->exact->kernel->lanes_f32(next, plant->panels, plant->rows, plant->columns, state);
        finish_step(&low, plant, state, next, forces, 0);
        finish_step(&high, plant, state + HALF, next + HALF, forces, HALF);
    }
    store_response(response, &low, 0);
    store_response(response, &high, HALF);
}

AFT_SIMD_FUNCTION(aft_plant_f32_control_step,
                  (struct aft_lane_response * response, const struct aft_plant_f32 *plant,
                   float *state, struct aft_lane_forces *forces,
                   const float *const ground_m_s2[AFT_LANES], int substeps),
                  control_step, (response, plant, state, forces, ground_m_s2, substeps))

static inline void accelerate(float *acceleration_m_s2, float *largest_m_s2,
                              const struct aft_plant_f32 *plant, const float *state,
                              const float *force_n)
{
    const struct aft_building *building = &plant->exact->building;
    const float *x = state, *v = state + (ptrdiff_t)building->dof * AFT_LANES;
    int roof = building->floors - 1;
    aft_f32x8 zero = aft_all8(0.0F), largest = zero;
    aft_f32x8 above = zero; /* what the storey (or the device) above pulls the floor with */
    if (building->has_device) {
        above = (float)building->device_n_m * stroke(plant, x) +
                (float)building->device_n_s_m * stroke(plant, v) - aft_load8(force_n);
    }
    float mass_damping = (float)building->mass_damping_1_s;
    float stiffness_damping = (float)building->stiffness_damping_s;
    for (int i = roof; i >= 0; i--) {
        aft_f32x8 here = row_of(x, i), rate = row_of(v, i);
        aft_f32x8 drift = here - (i > 0 ? row_of(x, i - 1) : zero);
        aft_f32x8 drift_rate = rate - (i > 0 ? row_of(v, i - 1) : zero);
        aft_f32x8 storey = plant->storey_n_m[i] * (drift + stiffness_damping * drift_rate);
        aft_f32x8 floor = (above - storey) * plant->per_mass_1_kg[i] - mass_damping * rate;
        aft_store8(acceleration_m_s2 + (ptrdiff_t)i * AFT_LANES, floor);
        largest = aft_larger8(aft_abs8(floor), largest);
        above = storey;
    }
    aft_store8(largest_m_s2, largest);
}

static inline void accelerations(float *acceleration_m_s2, float *largest_m_s2,
                                 const struct aft_plant_f32 *plant, const float *state,
                                 const float *force_n)
{
    for (int half = 0; half < AFT_LANES; half += HALF) {
        accelerate(acceleration_m_s2 + half, largest_m_s2 + half, plant, state + half,
                   force_n + half);
    }
}

AFT_SIMD_FUNCTION(aft_plant_f32_accelerations,
                  (float *acceleration_m_s2, float largest_m_s2[AFT_LANES],
                   const struct aft_plant_f32 *plant, const float *state,
                   const float force_n[AFT_LANES]),
                  accelerations, (acceleration_m_s2, largest_m_s2, plant, state, force_n))
