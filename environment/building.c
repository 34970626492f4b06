#include "environment/building.h"

#include "environment/linear_algebra.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static enum aft_code check_positive(double value, const char *name, struct aft_error *error)
{
    if (!(value > 0.0) || !isfinite(value)) {
        return aft_fail(error, AFT_ERR_USAGE, "building: %s is %g, expected a number above 0", name,
                        value);
    }
    return AFT_OK;
}

static enum aft_code check_not_negative(double value, const char *name, struct aft_error *error)
{
    if (!(value >= 0.0) || !isfinite(value)) {
        return aft_fail(error, AFT_ERR_USAGE, "building: %s is %g, expected 0 or more", name,
                        value);
    }
    return AFT_OK;
}

static enum aft_code check_structure(const struct aft_building_config *config,
                                     struct aft_error *error)
{
    if (config->floors < 1 || config->floors > AFT_BUILDING_MAX_FLOORS) {
        return aft_fail(error, AFT_ERR_USAGE, "building: floors is %d, expected 1 to %d",
                        config->floors, AFT_BUILDING_MAX_FLOORS);
    }
    if (config->soft_storey < 0 || config->soft_storey > config->floors) {
        return aft_fail(error, AFT_ERR_USAGE, "building: soft_storey is %d, expected 0 to %d",
                        config->soft_storey, config->floors);
    }
    enum aft_code code = check_positive(config->floor_mass_kg, "floor_mass_kg", error);
    if (code == AFT_OK) {
        code = check_positive(config->storey_stiffness_n_m, "storey_stiffness_n_m", error);
    }
    if (code == AFT_OK && config->soft_storey > 0) {
        code = check_positive(config->soft_storey_factor, "soft_storey_factor", error);
    }
    if (code == AFT_OK) {
        code = check_positive(config->storey_height_m, "storey_height_m", error);
    }
    return code == AFT_OK ? check_not_negative(config->damping_ratio, "damping_ratio", error)
                          : code;
}

static enum aft_code check_device(const struct aft_building_config *config, struct aft_error *error)
{
    enum aft_code code = check_positive(config->device_mass_kg, "device_mass_kg", error);
    if (code == AFT_OK) {
        code = check_not_negative(config->device_stiffness_n_m, "device_stiffness_n_m", error);
    }
    if (code == AFT_OK) {
        code = check_not_negative(config->device_damping_n_s_m, "device_damping_n_s_m", error);
    }
    if (code == AFT_OK) {
        code = check_not_negative(config->stroke_m, "stroke_m", error);
    }
    if (code == AFT_OK && config->stroke_m > 0.0) {
        code = check_positive(config->stop_stiffness_n_m, "stop_stiffness_n_m", error);
    }
    return code == AFT_OK
               ? check_not_negative(config->stop_damping_n_s_m, "stop_damping_n_s_m", error)
               : code;
}

static void fill_structure(struct aft_building *building, const struct aft_building_config *config)
{
    *building = (struct aft_building){.floors = config->floors,
                                      .dof = config->floors,
                                      .storey_height_m = config->storey_height_m};
    for (int i = 0; i < config->floors; i++) {
        building->mass_kg[i] = config->floor_mass_kg;
        building->storey_n_m[i] = config->storey_stiffness_n_m;
    }
    if (config->soft_storey > 0) {
        building->storey_n_m[config->soft_storey - 1] *= config->soft_storey_factor;
    }
}

/* Solves ζ = α/(2ω) + βω/2 for modes 1 and 2. */
static enum aft_code fit_rayleigh(struct aft_building *building, double ratio,
                                  struct aft_error *error)
{
    double omega[AFT_BUILDING_MAX_DOF] = {0.0};
    enum aft_code code = aft_building_modes(omega, NULL, building, error);
    if (code != AFT_OK) {
        return code;
    }
    if (building->floors == 1) {
        building->stiffness_damping_s = 2.0 * ratio / omega[0];
        return AFT_OK;
    }
    building->mass_damping_1_s = 2.0 * ratio * omega[0] * omega[1] / (omega[0] + omega[1]);
    building->stiffness_damping_s = 2.0 * ratio / (omega[0] + omega[1]);
    return AFT_OK;
}

enum aft_code aft_building_init(struct aft_building *building,
                                const struct aft_building_config *config, bool with_device,
                                struct aft_error *error)
{
    enum aft_code code = check_structure(config, error);
    if (code == AFT_OK && with_device) {
        code = check_device(config, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    fill_structure(building, config);
    code = fit_rayleigh(building, config->damping_ratio, error);
    if (code == AFT_OK && with_device) {
        building->has_device = true;
        building->dof = building->floors + 1;
        building->mass_kg[building->floors] = config->device_mass_kg;
        building->device_n_m = config->device_stiffness_n_m;
        building->device_n_s_m = config->device_damping_n_s_m;
    }
    return code;
}

/* Adds a spring (or dashpot) between degrees of freedom i-1 and i; i = 0 is to the ground. */
static void add_link(double *matrix, int dof, int i, double value)
{
    matrix[i * dof + i] += value;
    if (i > 0) {
        matrix[(i - 1) * dof + i - 1] += value;
        matrix[i * dof + i - 1] -= value;
        matrix[(i - 1) * dof + i] -= value;
    }
}

void aft_building_stiffness(double *k, const struct aft_building *building)
{
    int dof = building->dof;
    memset(k, 0, (size_t)(dof * dof) * sizeof *k);
    for (int i = 0; i < building->floors; i++) {
        add_link(k, dof, i, building->storey_n_m[i]);
    }
    if (building->has_device) {
        add_link(k, dof, building->floors, building->device_n_m);
    }
}

void aft_building_damping(double *c, const struct aft_building *building)
{
    int dof = building->dof;
    memset(c, 0, (size_t)(dof * dof) * sizeof *c);
    for (int i = 0; i < building->floors; i++) {
        c[i * dof + i] += building->mass_damping_1_s * building->mass_kg[i];
        add_link(c, dof, i, building->stiffness_damping_s * building->storey_n_m[i]);
    }
    if (building->has_device) {
        add_link(c, dof, building->floors, building->device_n_s_m);
    }
}

enum aft_code aft_building_modes(double *omega, double *shapes, const struct aft_building *building,
                                 struct aft_error *error)
{
    int dof = building->dof;
    double *work = malloc((size_t)(dof * dof) * sizeof *work);
    if (work == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "modes of a building: out of memory");
    }
    aft_building_stiffness(work, building);
    for (int i = 0; i < dof; i++) {
        for (int j = 0; j < dof; j++) {
            work[i * dof + j] /= sqrt(building->mass_kg[i] * building->mass_kg[j]);
        }
    }
    enum aft_code code = aft_symmetric_eigen(omega, work, dof, error);
    for (int i = 0; i < dof && code == AFT_OK; i++) {
        omega[i] = sqrt(fmax(omega[i], 0.0));
        for (int j = 0; j < dof && shapes != NULL; j++) {
            shapes[i * dof + j] = work[i * dof + j] / sqrt(building->mass_kg[j]);
        }
    }
    free(work);
    return code;
}

enum aft_code aft_building_first_period(double *period_s, const struct aft_building_config *config,
                                        struct aft_error *error)
{
    struct aft_building building;
    double omega[AFT_BUILDING_MAX_DOF] = {0.0};
    enum aft_code code = aft_building_init(&building, config, false, error);
    if (code == AFT_OK) {
        code = aft_building_modes(omega, NULL, &building, error);
    }
    if (code == AFT_OK) {
        *period_s = 2.0 * M_PI / omega[0];
    }
    return code;
}

/* Row i + dof of a, from stiffness or damping, columns from `column` on. */
static void fill_block(double *a, const double *matrix, const struct aft_building *building,
                       int column)
{
    int dof = building->dof;
    for (int i = 0; i < dof; i++) {
        for (int j = 0; j < dof; j++) {
            a[(dof + i) * 2 * dof + column + j] = -matrix[i * dof + j] / building->mass_kg[i];
        }
    }
}

void aft_building_state_space(double *a, double *b_force, double *b_ground,
                              const struct aft_building *building)
{
    int dof = building->dof;
    double matrix[AFT_BUILDING_MAX_DOF * AFT_BUILDING_MAX_DOF];
    memset(a, 0, (size_t)(4 * dof * dof) * sizeof *a);
    memset(b_force, 0, (size_t)(2 * dof) * sizeof *b_force);
    aft_building_stiffness(matrix, building);
    fill_block(a, matrix, building, 0);
    aft_building_damping(matrix, building);
    fill_block(a, matrix, building, dof);
    for (int i = 0; i < dof; i++) {
        a[i * 2 * dof + dof + i] = 1.0;
        b_ground[i] = 0.0;
        b_ground[dof + i] = -1.0;
    }
    if (building->has_device) {
        b_force[2 * dof - 1] = 1.0 / building->mass_kg[dof - 1];
        b_force[2 * dof - 2] = -1.0 / building->mass_kg[dof - 2];
    }
}

void aft_building_floor_accelerations(double *acceleration_m_s2,
                                      const struct aft_building *building, const double *z,
                                      int stride, double force_n)
{
    int floors = building->floors;
    const double *x = z;
    const double *v = z + (ptrdiff_t)building->dof * stride;
    double above = 0.0; /* what the storey (or the device) above pulls the floor with */
    if (building->has_device) {
        ptrdiff_t device = (ptrdiff_t)floors * stride, roof = (ptrdiff_t)(floors - 1) * stride;
        above = building->device_n_m * (x[device] - x[roof]) +
                building->device_n_s_m * (v[device] - v[roof]) - force_n;
    }
    for (int i = floors - 1; i >= 0; i--) {
        ptrdiff_t here = (ptrdiff_t)i * stride, below = here - stride;
        double drift = x[here] - (i > 0 ? x[below] : 0.0);
        double rate = v[here] - (i > 0 ? v[below] : 0.0);
        double storey = building->storey_n_m[i] * (drift + building->stiffness_damping_s * rate);
        acceleration_m_s2[i] =
            (above - storey) / building->mass_kg[i] - building->mass_damping_1_s * v[here];
        above = storey;
    }
}
