#include "environment/drift_program.h"

#include "environment/linear_program.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ROUNDS = 100,
    PEAK = 0,    /* columns: the peak drift that is minimised, in units of the passive peak */
    WIDENED = 1, /* by what share of its limit the stroke goes beyond */
    FIRST = 2,   /* then of each control step: force forward, force back, shares of the limit */
};

/* Of the force's mean share: of equally good plans, the one that uses least. */
static const double price_of_force = 1e-4;
/* Per share of the stroke's limit: never worth it where the limit can be kept. */
static const double price_of_stroke = 100.0;
static const double tolerance = 1e-6;
/* Rows violated by less than this share of the worst wait: they are often mended with it. */
static const double urgent = 0.5;

struct cut { /* side × output at sample <= its limit */
    int output;
    size_t sample;
    double side; /* ±1 */
};

struct problem {
    const struct aft_drift_model *model;
    const struct aft_motion *motion;
    size_t controls, samples;
    double drift_unit;     /* the peak without force */
    double peak, widened;  /* of the last solution */
    double *share;         /* [controls], of the force limit: the last solution */
    double *idle, *driven; /* [outputs][samples + 1]: response without force, and with share */
    unsigned char *taken;  /* the same: bits of the sides that are rows already */
    double *price;         /* [controls], scratch */
    struct cut *cuts;      /* [n_cuts], the program's rows in order */
    int n_cuts, capacity;
    int *column; /* [columns], scratch of a row */
    double *value;
    struct aft_linear_program *program;
};

static double ground_at(const struct aft_motion *motion, size_t i)
{
    return motion != NULL && i < motion->n ? motion->acceleration_m_s2[i] : 0.0;
}

static void note_outputs(double *response, size_t stride, const struct aft_plant *plant,
                         const double *state)
{
    int floors = plant->building.floors;
    double below = 0.0;
    for (int i = 0; i < floors; i++) {
        response[(size_t)i * stride] = (state[i] - below) / plant->building.storey_height_m;
        below = state[i];
    }
    response[(size_t)floors * stride] = aft_plant_stroke(plant, state, 1);
}

/* response [outputs][samples + 1], from rest; share may be NULL, and so may the motion. */
static void respond(double *response, const struct aft_drift_model *model,
                    const struct aft_motion *motion, const double *share, size_t samples)
{
    double state[AFT_PLANT_MAX_COLUMNS] = {0.0};
    struct aft_plant_forces forces = {0.0, 0.0, 0.0};
    double limit_n = model->plant->actuator.force_limit_n;
    note_outputs(response, samples + 1, model->plant, state);
    for (size_t i = 0; i < samples; i++) {
        const double ground[2] = {ground_at(motion, i), ground_at(motion, i + 1)};
        double command_n = share != NULL ? share[i / (size_t)model->substeps] * limit_n : 0.0;
        aft_plant_step(model->plant, state, ground, command_n, &forces);
        note_outputs(response + i + 1, samples + 1, model->plant, state);
    }
}

enum aft_code aft_drift_model_init(struct aft_drift_model *model,
                                   const struct aft_environment_config *config, size_t n,
                                   struct aft_error *error)
{
    struct aft_building_config building = config->building;
    struct aft_actuator_config actuator = config->actuator;
    *model = (struct aft_drift_model){.substeps = config->control_every,
                                      .stroke_limit_m = building.stroke_m,
                                      .samples = n * (size_t)config->control_every};
    building.stroke_m = 0.0;
    actuator.power_limit_w = 0.0;
    enum aft_code code =
        aft_plant_create(&model->plant, &building, &actuator, true, config->dt_s, error);
    if (code != AFT_OK) {
        return code;
    }
    model->outputs = building.floors + 1;
    model->pulse = calloc((size_t)model->outputs * (model->samples + 1), sizeof *model->pulse);
    double *share = calloc(n + 1, sizeof *share);
    if (model->pulse == NULL || share == NULL) {
        free(share);
        aft_drift_model_clear(model);
        return aft_fail(error, AFT_ERR_MEMORY, "plan %zu control steps: out of memory", n);
    }
    share[0] = 1.0;
    respond(model->pulse, model, NULL, share, model->samples);
    free(share);
    return AFT_OK;
}

void aft_drift_model_clear(struct aft_drift_model *model)
{
    aft_plant_destroy(model->plant);
    free(model->pulse);
    *model = (struct aft_drift_model){0};
}

static bool is_stroke(const struct problem *p, int output)
{
    return output == p->model->outputs - 1;
}

static double unit_of(const struct problem *p, int output)
{
    return is_stroke(p, output) ? p->model->stroke_limit_m : p->drift_unit;
}

/* What the output may be, in its unit. */
static double limit_of(const struct problem *p, int output)
{
    return is_stroke(p, output) ? 1.0 + p->widened : p->peak;
}

static int outputs_in_use(const struct problem *p)
{
    return p->model->outputs - (p->model->stroke_limit_m > 0.0 ? 0 : 1);
}

static double largest(const double *response, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(response[i]));
    }
    return most;
}

static double *series_of(const struct problem *p, double *response, int output)
{
    return response + (size_t)output * (p->samples + 1);
}

static double peak_drift(const struct problem *p, const double *response)
{
    return largest(response, (size_t)(p->model->outputs - 1) * (p->samples + 1));
}

/* Share of the force limit in control step k → output at the cut, in its unit. */
static double effect(const struct problem *p, const struct cut *cut, size_t k)
{
    size_t after = cut->sample - k * (size_t)p->model->substeps;
    double pulse = p->model->pulse[(size_t)cut->output * (p->model->samples + 1) + after];
    return cut->side * pulse / unit_of(p, cut->output);
}

static double idle_at(const struct problem *p, const struct cut *cut)
{
    return cut->side * series_of(p, p->idle, cut->output)[cut->sample] / unit_of(p, cut->output);
}

static size_t controls_before(const struct problem *p, const struct cut *cut)
{
    return (cut->sample - 1) / (size_t)p->model->substeps + 1;
}

static enum aft_code add_row(struct problem *p, const struct cut *cut, struct aft_error *error)
{
    size_t n = 0, controls = controls_before(p, cut);
    bool stroke = is_stroke(p, cut->output);
    if (p->n_cuts == p->capacity) {
        int capacity = 2 * p->capacity + 256;
        struct cut *grown = realloc(p->cuts, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "plan a motion: out of memory");
        }
        p->cuts = grown;
        p->capacity = capacity;
    }
    p->cuts[p->n_cuts++] = *cut;
    p->column[n] = stroke ? WIDENED : PEAK;
    p->value[n++] = -1.0;
    for (size_t k = 0; k < controls; k++) {
        double per_share = effect(p, cut, k);
        p->column[n] = FIRST + 2 * (int)k;
        p->value[n++] = per_share;
        p->column[n] = FIRST + 2 * (int)k + 1;
        p->value[n++] = -per_share;
    }
    struct aft_linear_row row = {(int)n, p->column, p->value,
                                 (stroke ? 1.0 : 0.0) - idle_at(p, cut)};
    return aft_linear_program_add(p->program, &row, error);
}

/* Is sample i a local peak beyond the threshold that is no row yet? */
static bool is_new_peak(const struct problem *p, int output, size_t i, double threshold)
{
    const double *y = p->driven + (size_t)output * (p->samples + 1);
    double here = fabs(y[i]), unit = unit_of(p, output);
    if (!(here > threshold * unit) || here < fabs(y[i - 1]) ||
        (i < p->samples && here < fabs(y[i + 1]))) {
        return false;
    }
    unsigned side = y[i] > 0.0 ? 1U : 2U;
    return (p->taken[(size_t)output * (p->samples + 1) + i] & side) == 0;
}

static enum aft_code add_peaks(struct problem *p, int output, double threshold,
                               struct aft_error *error)
{
    const double *y = series_of(p, p->driven, output);
    enum aft_code code = AFT_OK;
    for (size_t i = 1; i <= p->samples && code == AFT_OK; i++) {
        if (is_new_peak(p, output, i, threshold)) {
            struct cut cut = {output, i, copysign(1.0, y[i])};
            p->taken[(size_t)output * (p->samples + 1) + i] |= cut.side > 0.0 ? 1 : 2;
            code = add_row(p, &cut, error);
        }
    }
    return code;
}

/* Adds the rows that the last solution violates most, drift and stroke apart. */
static enum aft_code add_cuts(struct problem *p, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    double excess[2] = {0.0, 0.0}; /* of drift, of stroke */
    respond(p->driven, p->model, p->motion, p->share, p->samples);
    for (int o = 0; o < outputs_in_use(p); o++) {
        double most = largest(series_of(p, p->driven, o), p->samples + 1) / unit_of(p, o);
        double *worst = &excess[is_stroke(p, o)];
        *worst = fmax(*worst, most - limit_of(p, o));
    }
    for (int o = 0; o < outputs_in_use(p) && code == AFT_OK; o++) {
        double share = fmax(tolerance, urgent * excess[is_stroke(p, o)]);
        code = add_peaks(p, o, limit_of(p, o) + share, error);
    }
    return code;
}

/*
 * The Lagrangian dual at the rows' multipliers m >= 0:
 *     min over |share| <= 1 and peak >= 0 of peak + sum m (side y(share) - limit)
 *       = sum m (side y_idle - [stroke] (1 + widened)) - sum over k of |sum m effect(k)|
 * as long as the drift rows' multipliers sum to at most 1; m is scaled to that.
 */
static double dual_bound(struct problem *p)
{
    double bound = 0.0, of_drift = 0.0;
    memset(p->price, 0, p->controls * sizeof *p->price);
    for (int r = 0; r < p->n_cuts; r++) {
        const struct cut *cut = &p->cuts[r];
        double m = aft_linear_program_multiplier(p->program, r);
        if (m <= 0.0) {
            continue;
        }
        bool stroke = is_stroke(p, cut->output);
        of_drift += stroke ? 0.0 : m;
        bound += m * (idle_at(p, cut) - (stroke ? limit_of(p, cut->output) : 0.0));
        for (size_t k = 0, n = controls_before(p, cut); k < n; k++) {
            p->price[k] += m * effect(p, cut, k);
        }
    }
    for (size_t k = 0; k < p->controls; k++) {
        bound -= fabs(p->price[k]);
    }
    return fmax(0.0, bound / fmax(1.0, of_drift)) * p->drift_unit;
}

static void take_solution(struct problem *p)
{
    const double *x = aft_linear_program_solution(p->program);
    p->peak = x[PEAK];
    p->widened = x[WIDENED];
    for (size_t k = 0; k < p->controls; k++) {
        p->share[k] = x[FIRST + 2 * k] - x[FIRST + 2 * k + 1];
    }
}

static enum aft_code run_rounds(struct problem *p, double *bound_drift, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int round = 0; round < MAX_ROUNDS && code == AFT_OK; round++) {
        int before = p->n_cuts;
        code = add_cuts(p, error);
        if (code != AFT_OK || p->n_cuts == before) {
            break;
        }
        code = aft_linear_program_solve(p->program, error);
        if (code == AFT_OK) {
            take_solution(p);
            *bound_drift = dual_bound(p);
        }
    }
    return code;
}

static enum aft_code make_program(struct problem *p, struct aft_error *error)
{
    size_t columns = FIRST + 2 * p->controls;
    double *block = calloc(3 * columns, sizeof *block);
    if (block == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "plan a motion: out of memory");
    }
    double *lower = block, *upper = block + columns, *cost = upper + columns;
    bool driven = p->model->plant->actuator.force_limit_n > 0.0;
    upper[PEAK] = upper[WIDENED] = 1e6;
    cost[PEAK] = 1.0;
    cost[WIDENED] = price_of_stroke;
    for (size_t i = FIRST; i < columns; i++) {
        upper[i] = driven ? 1.0 : 0.0;
        cost[i] = price_of_force / (double)p->controls;
    }
    enum aft_code code =
        aft_linear_program_create(&p->program, (int)columns, lower, upper, cost, error);
    free(block);
    return code;
}

static enum aft_code allocate(struct problem *p, struct aft_error *error)
{
    size_t cells = (size_t)p->model->outputs * (p->samples + 1);
    size_t columns = FIRST + 2 * p->controls;
    p->share = calloc(p->controls + 1, sizeof *p->share);
    p->price = calloc(p->controls + 1, sizeof *p->price);
    p->idle = calloc(cells, sizeof *p->idle);
    p->driven = calloc(cells, sizeof *p->driven);
    p->taken = calloc(cells, sizeof *p->taken);
    p->column = calloc(columns, sizeof *p->column);
    p->value = calloc(columns, sizeof *p->value);
    if (p->share == NULL || p->price == NULL || p->idle == NULL || p->driven == NULL ||
        p->taken == NULL || p->column == NULL || p->value == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "plan a motion: out of memory");
    }
    return AFT_OK;
}

static void clear(struct problem *p)
{
    aft_linear_program_destroy(p->program);
    free(p->share);
    free(p->price);
    free(p->idle);
    free(p->driven);
    free(p->taken);
    free(p->cuts);
    free(p->column);
    free(p->value);
}

static void finish(struct aft_clairvoyant_plan *plan, struct problem *p)
{
    double limit_n = p->model->plant->actuator.force_limit_n;
    respond(p->driven, p->model, p->motion, p->share, p->samples);
    plan->planned_drift = peak_drift(p, p->driven);
    plan->bound_drift = fmin(plan->bound_drift, plan->planned_drift); /* rounding */
    plan->stroke_m = p->model->stroke_limit_m * (1.0 + p->widened);
    for (size_t k = 0; k < p->controls; k++) {
        plan->command_n[k] = p->share[k] * limit_n;
    }
}

enum aft_code aft_drift_program_solve(struct aft_clairvoyant_plan *plan,
                                      const struct aft_drift_model *model,
                                      const struct aft_motion *motion, struct aft_error *error)
{
    struct problem p = {.model = model,
                        .motion = motion,
                        .controls = plan->n,
                        .samples = plan->n * (size_t)model->substeps};
    plan->bound_drift = 0.0;
    enum aft_code code = allocate(&p, error);
    if (code == AFT_OK) {
        respond(p.idle, model, motion, NULL, p.samples);
        p.drift_unit = peak_drift(&p, p.idle);
        code = make_program(&p, error);
    }
    if (code == AFT_OK && p.drift_unit > 0.0) {
        code = run_rounds(&p, &plan->bound_drift, error);
    }
    if (code == AFT_OK) {
        finish(plan, &p);
    }
    clear(&p);
    return code;
}
