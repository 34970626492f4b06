#include "environment/mixed_plants.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool all_alike(const struct aft_plant_f32 *const plant[AFT_LANES])
{
    bool alike = true;
    for (int j = 1; j < AFT_LANES; j++) {
        alike = alike && plant[j] == plant[0];
    }
    return alike;
}

/* The first lane on its plant. */
static bool is_first(const struct aft_plant_f32 *const plant[AFT_LANES], int lane)
{
    for (int j = 0; j < lane; j++) {
        if (plant[j] == plant[lane]) {
            return false;
        }
    }
    return true;
}

/* Of rows of four bytes a lane, the lanes on one plant. */
static void take_lanes(void *to, const void *from, size_t rows,
                       const struct aft_plant_f32 *const plant[AFT_LANES],
                       const struct aft_plant_f32 *of)
{
    for (size_t j = 0; j < AFT_LANES; j++) {
        for (size_t i = 0; i < rows && plant[j] == of; i++) {
            size_t at = (i * AFT_LANES + j) * 4;
            memcpy((char *)to + at, (const char *)from + at, 4);
        }
    }
}

void aft_mixed_plants_control_step(struct aft_lane_response *response,
                                   const struct aft_plant_f32 *const plant[AFT_LANES], float *state,
                                   struct aft_lane_forces *forces,
                                   const float *const ground_m_s2[AFT_LANES], int substeps)
{
    enum { ROW = AFT_LANES * sizeof(float) };
    _Alignas(64) float before[AFT_PLANT_MAX_COLUMNS * AFT_LANES];
    _Alignas(64) float after[AFT_PLANT_MAX_COLUMNS * AFT_LANES];
    size_t rows = (size_t)plant[0]->columns;
    if (all_alike(plant)) {
        aft_plant_f32_control_step(response, plant[0], state, forces, ground_m_s2, substeps);
        return;
    }
    const struct aft_lane_forces given = *forces;
    memcpy(before, state, rows * ROW);
    for (int j = 0; j < AFT_LANES; j++) {
        struct aft_lane_forces own = given;
        struct aft_lane_response made;
        if (!is_first(plant, j)) {
            continue;
        }
        memcpy(after, before, rows * ROW);
        aft_plant_f32_control_step(&made, plant[j], after, &own, ground_m_s2, substeps);
        take_lanes(state, after, rows, plant, plant[j]);
        take_lanes(forces, &own, sizeof own / ROW, plant, plant[j]);
        take_lanes(response, &made, sizeof made / ROW, plant, plant[j]);
    }
}

void aft_mixed_plants_accelerations(float *acceleration_m_s2, float largest_m_s2[AFT_LANES],
                                    const struct aft_plant_f32 *const plant[AFT_LANES],
                                    const float *state, const float force_n[AFT_LANES])
{
    float acceleration[AFT_BUILDING_MAX_FLOORS * AFT_LANES], largest[AFT_LANES];
    size_t floors = (size_t)plant[0]->exact->building.floors;
    if (all_alike(plant)) {
        aft_plant_f32_accelerations(acceleration_m_s2, largest_m_s2, plant[0], state, force_n);
        return;
    }
    for (int j = 0; j < AFT_LANES; j++) {
        if (is_first(plant, j)) {
            aft_plant_f32_accelerations(acceleration, largest, plant[j], state, force_n);
            take_lanes(acceleration_m_s2, acceleration, floors, plant, plant[j]);
            take_lanes(largest_m_s2, largest, 1, plant, plant[j]);
        }
    }
}
