#include "environment/passive_tuning.h"

#include <stdlib.h>

enum { GRID = 7, REFINEMENTS = 2, MAX_POINTS = GRID * GRID };

/* Factors to the configured spring and dashpot: first, and around the best so far. */
static const double first_stiffness[GRID] = {0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3};
static const double first_damping[GRID] = {0.15, 0.25, 0.4, 0.6, 1.0, 1.6, 2.5};
static const double finer[REFINEMENTS][3] = {{0.95, 1.0, 1.05}, {0.98, 1.0, 1.02}};
static const double finer_damping[REFINEMENTS][3] = {{0.8, 1.0, 1.25}, {0.92, 1.0, 1.08}};

struct search {
    const struct aft_evaluation *evaluation;
    const struct aft_motion_list *list;
    struct aft_response *passive;   /* [list->n], of the configured device */
    struct aft_response *responses; /* [list->n][MAX_POINTS] */
    struct aft_controller points[MAX_POINTS];
    int n_points;
    struct aft_passive_parameters best;
};

static void add_point(struct search *s, double stiffness_n_m, double damping_n_s_m)
{
    s->points[s->n_points++] = aft_controller_passive_tuned(stiffness_n_m, damping_n_s_m);
}

static double objective_of(const struct search *s, int point)
{
    double sum = 0.0;
    for (int i = 0; i < s->list->n; i++) {
        const struct aft_response *r = &s->responses[i * s->n_points + point];
        sum += 0.5 * (r->peak_drift_ratio / s->passive[i].peak_drift_ratio +
                      r->rms_drift / s->passive[i].rms_drift);
    }
    return sum / s->list->n;
}

static enum aft_code try_points(struct search *s, struct aft_error *error)
{
    enum aft_code code =
        aft_evaluate(s->responses, s->evaluation, s->list, s->points, s->n_points, error);
    for (int i = 0; i < s->n_points && code == AFT_OK; i++) {
        double objective = objective_of(s, i);
        if (objective < s->best.objective) {
            s->best = (struct aft_passive_parameters){s->points[i].device_n_m,
                                                      s->points[i].device_n_s_m, objective};
        }
    }
    s->n_points = 0;
    return code;
}

static enum aft_code search(struct search *s, struct aft_error *error)
{
    const struct aft_controller passive = aft_controller_passive();
    enum aft_code code = aft_evaluate(s->passive, s->evaluation, s->list, &passive, 1, error);
    for (int i = 0; i < MAX_POINTS; i++) {
        add_point(s, s->best.stiffness_n_m * first_stiffness[i / GRID],
                  s->best.damping_n_s_m * first_damping[i % GRID]);
    }
    if (code == AFT_OK) {
        code = try_points(s, error);
    }
    for (int round = 0; round < REFINEMENTS && code == AFT_OK; round++) {
        for (int i = 0; i < 9; i++) {
            add_point(s, s->best.stiffness_n_m * finer[round][i / 3],
                      s->best.damping_n_s_m * finer_damping[round][i % 3]);
        }
        code = try_points(s, error);
    }
    return code;
}

enum aft_code aft_passive_tune(struct aft_passive_parameters *best,
                               const struct aft_evaluation *evaluation,
                               const struct aft_motion_list *list, struct aft_error *error)
{
    const struct aft_building_config *building = &evaluation->config->building;
    struct search s = {.evaluation = evaluation, .list = list};
    s.best = (struct aft_passive_parameters){building->device_stiffness_n_m,
                                             building->device_damping_n_s_m, 1.0};
    if (list->n == 0) {
        return aft_fail(error, AFT_ERR_USAGE, "tune the passive device: there are no motions");
    }
    s.passive = calloc((size_t)list->n, sizeof *s.passive);
    s.responses = calloc((size_t)list->n * MAX_POINTS, sizeof *s.responses);
    enum aft_code code =
        s.passive != NULL && s.responses != NULL
            ? search(&s, error)
            : aft_fail(error, AFT_ERR_MEMORY, "tune the passive device: out of memory");
    if (code == AFT_OK) {
        *best = s.best;
    }
    free(s.passive);
    free(s.responses);
    return code;
}
