#include "environment/reference_tuning.h"

#include <math.h>
#include <stdlib.h>

enum { DEFAULT_MOTIONS = 8, MAX_POINTS = 64 };
static const double default_tail_s = 20.0;
static const double stroke_share = 0.97, beyond_stroke = 10.0; /* other motions find some room */

struct search {
    const struct aft_evaluation *evaluation;
    const struct aft_motion_list *list;
    bool sensed;
    struct aft_response *passive;                      /* [list->n] */
    struct aft_response *responses;                    /* [list->n][MAX_POINTS] */
    struct aft_feedback_parameters points[MAX_POINTS]; /* to try next */
    int n_points;
    struct aft_tuned_feedback best;
};

static struct aft_feedback_parameters start_of(const struct aft_environment_config *config)
{
    struct aft_stroke_guard guard = aft_stroke_guard_of(config);
    return (struct aft_feedback_parameters){
        .weights = {.control = 1e-2},
        .guard_reach = guard.reach,
        .guard_braking = guard.braking,
        .noise = {.ground_m_s2 = 0.5, .force_share = 0.02, .floor_share = 1e-3}};
}

static void add_point(struct search *s, const struct aft_feedback_parameters *point)
{
    s->points[s->n_points++] = *point;
}

static struct aft_tuned_feedback judge(const struct search *s, int point, int of)
{
    struct aft_tuned_feedback t = {.parameters = s->points[point]};
    double limit_m = s->evaluation->config->building.stroke_m;
    for (int i = 0; i < s->list->n; i++) {
        const struct aft_response *r = &s->responses[i * of + point];
        t.peak_to_passive += r->peak_drift_ratio / s->passive[i].peak_drift_ratio / s->list->n;
        t.rms_to_passive += r->rms_drift / s->passive[i].rms_drift / s->list->n;
        t.stroke_m = fmax(t.stroke_m, r->stroke_m);
    }
    t.objective = 0.5 * (t.peak_to_passive + t.rms_to_passive);
    if (limit_m > 0.0) {
        t.objective += beyond_stroke * fmax(0.0, t.stroke_m / limit_m - stroke_share);
    }
    return t;
}

static enum aft_code respond(struct search *s, struct aft_feedback **feedback,
                             struct aft_error *error)
{
    struct aft_controller controllers[MAX_POINTS];
    for (int i = 0; i < s->n_points; i++) {
        enum aft_code code = aft_feedback_create(&feedback[i], s->evaluation->config, &s->points[i],
                                                 s->sensed, error);
        if (code != AFT_OK) {
            return code;
        }
        controllers[i] = aft_feedback_controller(feedback[i]);
    }
    return aft_evaluate(s->responses, s->evaluation, s->list, controllers, s->n_points, error);
}

/* Of equally good points the first is kept. */
static enum aft_code try_points(struct search *s, struct aft_error *error)
{
    struct aft_feedback *feedback[MAX_POINTS] = {NULL};
    enum aft_code code = respond(s, feedback, error);
    for (int i = 0; i < s->n_points; i++) {
        aft_feedback_destroy(feedback[i]);
    }
    int tried = s->best.points + s->n_points;
    for (int i = 0; i < s->n_points && code == AFT_OK; i++) {
        struct aft_tuned_feedback judged = judge(s, i, s->n_points);
        if (judged.objective < s->best.objective) {
            s->best = judged;
        }
    }
    s->best.points = tried;
    s->n_points = 0;
    return code;
}

static enum aft_code try_weights(struct search *s, struct aft_error *error)
{
    static const double control[] = {1e-3, 1e-2, 1e-1, 1.0};
    static const double stroke[] = {0.0, 0.01, 0.03, 0.1, 0.3, 1.0};
    static const double stroke_rate[] = {0.0, 0.1};
    struct aft_feedback_parameters point = start_of(s->evaluation->config);
    for (int i = 0; i < 48; i++) {
        point.weights.control = control[i / 12];
        point.weights.stroke = stroke[i / 2 % 6];
        point.weights.stroke_rate = stroke_rate[i % 2];
        add_point(s, &point);
    }
    return try_points(s, error);
}

static enum aft_code try_filters(struct search *s, struct aft_error *error)
{
    static const double ground[] = {0.1, 0.5, 2.0}, floor_share[] = {1e-4, 1e-3, 1e-2};
    struct aft_feedback_parameters point = s->best.parameters;
    for (int i = 0; i < 9; i++) {
        point.noise.ground_m_s2 = ground[i / 3];
        point.noise.floor_share = floor_share[i % 3];
        add_point(s, &point);
    }
    return try_points(s, error);
}

static enum aft_code try_finer_weights(struct search *s, struct aft_error *error)
{
    static const double control[] = {0.3, 1.0, 3.0}, stroke[] = {0.6, 1.0, 1.6};
    static const double drift_rate[] = {0.0, 0.3, 1.0};
    const struct aft_lqr_weights around = s->best.parameters.weights;
    struct aft_feedback_parameters point = s->best.parameters;
    for (int i = 0; i < 27; i++) {
        point.weights.control = around.control * control[i / 9];
        point.weights.stroke = around.stroke * stroke[i / 3 % 3];
        point.weights.drift_rate = drift_rate[i % 3];
        add_point(s, &point);
    }
    return try_points(s, error);
}

static enum aft_code try_guards(struct search *s, struct aft_error *error)
{
    static const double reach[] = {0.86, 0.89, 0.92, 0.95}, braking[] = {0.5, 0.65, 0.8, 0.95};
    struct aft_feedback_parameters point = s->best.parameters;
    for (int i = 0; i < 16; i++) {
        point.guard_reach = reach[i / 4];
        point.guard_braking = braking[i % 4];
        add_point(s, &point);
    }
    return try_points(s, error);
}

static enum aft_code tune_feedback(struct aft_tuned_feedback *tuned, struct search *s, bool sensed,
                                   struct aft_error *error)
{
    s->sensed = sensed;
    s->best = (struct aft_tuned_feedback){.objective = INFINITY};
    enum aft_code code = try_weights(s, error);
    if (code == AFT_OK && sensed) {
        code = try_filters(s, error);
    }
    if (code == AFT_OK) {
        code = try_finer_weights(s, error);
    }
    if (code == AFT_OK) {
        code = try_guards(s, error);
    }
    *tuned = s->best;
    return code;
}

static enum aft_code tune_all(struct aft_reference_parameters *parameters, struct search *s,
                              struct aft_error *error)
{
    const struct aft_controller passive = aft_controller_passive();
    enum aft_code code = aft_passive_tune(&parameters->passive, s->evaluation, s->list, error);
    if (code == AFT_OK) {
        code = aft_evaluate(s->passive, s->evaluation, s->list, &passive, 1, error);
    }
    if (code == AFT_OK) {
        code = tune_feedback(&parameters->lqr, s, false, error);
    }
    return code == AFT_OK ? tune_feedback(&parameters->lqg, s, true, error) : code;
}

enum aft_code aft_reference_tune(struct aft_reference_parameters *parameters,
                                 const struct aft_reference_search *search, struct aft_error *error)
{
    struct aft_motion_list list = {0};
    struct aft_evaluation evaluation = {.config = search->config,
                                        .tail_s =
                                            search->tail_s > 0.0 ? search->tail_s : default_tail_s,
                                        .noise_stream = AFT_RANDOM_MOTION,
                                        .pool = search->pool};
    int motions = search->motions > 0 ? search->motions : DEFAULT_MOTIONS;
    enum aft_code code =
        aft_motion_list_add_held_out(&list, search->config, AFT_RANDOM_MOTION, motions, error);
    struct search *s = calloc(1, sizeof *s);
    size_t n = (size_t)list.n;
    struct aft_response *room = calloc(n * (MAX_POINTS + 1) + 1, sizeof *room);
    if (code == AFT_OK && (s == NULL || room == NULL)) {
        code = aft_fail(error, AFT_ERR_MEMORY, "tune the reference controllers: out of memory");
    }
    if (code == AFT_OK) {
        *s = (struct search){
            .evaluation = &evaluation, .list = &list, .passive = room, .responses = room + n};
        code = tune_all(parameters, s, error);
    }
    free(room);
    free(s);
    aft_motion_list_clear(&list);
    return code;
}
