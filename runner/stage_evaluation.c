/* The policy on held-out motions of every stage, at each stage's own force limit. */
#include "environment/environment.h"
#include "environment/evaluation.h"
#include "runner/configure.h"
#include "runner/reference_evaluation.h"
#include "runner/worker_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum aft_code act(void *policy, int n, const float *obs, float *actions,
                         struct aft_error *error)
{
    return aft_ppo_act_mean(policy, n, obs, actions, error);
}

enum { UNCONTROLLED, PASSIVE, POLICY, N_CONTROLLERS };

/* responses is [n][N_CONTROLLERS]. */
static struct aft_stage_score score_of(const struct aft_response *responses, int n)
{
    struct aft_stage_score score = {0};
    for (int i = 0; i < n; i++) {
        const struct aft_response *of = responses + (ptrdiff_t)i * N_CONTROLLERS;
        const struct aft_response *policy = &of[POLICY], *passive = &of[PASSIVE];
        double peak = policy->peak_drift_ratio / passive->peak_drift_ratio;
        score.peak_drift_to_passive += peak / n;
        score.rms_drift_to_passive += policy->rms_drift / passive->rms_drift / n;
        score.uncontrolled_peak_to_passive +=
            of[UNCONTROLLED].peak_drift_ratio / passive->peak_drift_ratio / n;
        score.worst_peak_to_passive = fmax(score.worst_peak_to_passive, peak);
        score.stroke_max_m = fmax(score.stroke_max_m, policy->stroke_m);
        score.power_max_w = fmax(score.power_max_w, policy->peak_power_w);
    }
    return score;
}

static int32_t control_steps(const struct aft_response *of,
                             const struct aft_environment_config *config)
{
    return (int32_t)lrint(of[POLICY].duration_s / (config->dt_s * config->control_every));
}

/* What the events' ring has room for between two seals is limited, and so are these. */
static void tell_motions(const struct aft_worker_run *run, const struct aft_stage *stage,
                         const struct aft_environment_config *config,
                         const struct aft_response *responses, int n)
{
    for (int first = 0; first < n && first < AFT_EVENT_MAX_RESULTS; first += AFT_EVENT_RESULTS) {
        struct aft_event event = aft_worker_event(run, AFT_EVENT_MOTION_RESULTS);
        struct aft_event_motion_results *told = &event.u.motion_results;
        told->stage = stage->number;
        told->first = first;
        told->n = n - first < AFT_EVENT_RESULTS ? n - first : AFT_EVENT_RESULTS;
        for (int i = 0; i < told->n; i++) {
            const struct aft_response *of = responses + (ptrdiff_t)(first + i) * N_CONTROLLERS;
            told->peak_drift_to_passive[i] =
                of[POLICY].peak_drift_ratio / of[PASSIVE].peak_drift_ratio;
            told->lengths[i] = control_steps(of, config);
        }
        aft_events_put(run->region, &event);
    }
}

static double mean_length(const struct aft_environment_config *config,
                          const struct aft_response *responses, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += control_steps(responses + (ptrdiff_t)i * N_CONTROLLERS, config);
    }
    return sum / n;
}

struct motion_set { /* that a stage's score is the mean over */
    int motions;
    double mean_length; /* control steps */
};

static void tell(const struct aft_worker_run *run, const struct aft_stage *stage,
                 const struct motion_set *set, const struct aft_stage_score *score)
{
    const struct aft_reference_score *references = &run->references.stages[stage->number - 1];
    struct aft_event event = aft_worker_event(run, AFT_EVENT_EVALUATION);
    struct aft_event_evaluation *told = &event.u.evaluation;
    told->of_stage = stage->number;
    told->n_stages = run->curriculum->n_stages;
    told->attempt = run->state.header->attempt;
    told->motions = set->motions;
    told->mean_length = set->mean_length;
    told->score =
        stage->number == run->curriculum->n_stages ? run->state.header->score : (double)NAN;
    told->peak_drift_to_passive = score->peak_drift_to_passive;
    told->rms_drift_to_passive = score->rms_drift_to_passive;
    told->uncontrolled_peak_to_passive = score->uncontrolled_peak_to_passive;
    told->worst_peak_to_passive = score->worst_peak_to_passive;
    told->stroke_max_m = score->stroke_max_m;
    told->power_max_w = score->power_max_w;
    told->lqr_peak_to_passive = references->lqr_peak_to_passive;
    told->lqr_rms_to_passive = references->lqr_rms_to_passive;
    told->lqg_peak_to_passive = references->lqg_peak_to_passive;
    told->lqg_rms_to_passive = references->lqg_rms_to_passive;
    if (stage->motion.source == AFT_MOTION_RECORDS) {
        (void)snprintf(told->set, sizeof told->set, "%d records of stage %d", set->motions,
                       stage->number);
    } else {
        (void)snprintf(told->set, sizeof told->set, "%d unseen M%g motions of stage %d",
                       set->motions, stage->magnitude, stage->number);
    }
    aft_events_put(run->region, &event);
}

/* Sought once for each stage, as it takes seconds. Training does not depend on it, so it goes on
 * where this fails. */
static void find_references(struct aft_worker_run *run, int number,
                            const struct aft_evaluation *evaluation,
                            const struct aft_motion_list *list)
{
    struct aft_reference_score *score = &run->references.stages[number - 1];
    bool *sought = &run->references_sought[number - 1];
    struct aft_error error;
    if (run->curriculum->evaluation.references == AFT_REFERENCES_NONE ||
        aft_reference_score_known(score) || *sought || list->n == 0) {
        return;
    }
    *sought = true;
    if (aft_reference_evaluate(score, evaluation, list, &error) == AFT_OK) {
        return;
    }
    struct aft_event event = aft_worker_event(run, AFT_EVENT_NOTICE);
    (void)snprintf(event.u.message.text, sizeof event.u.message.text,
                   "stage %d is evaluated without LQR and LQG: %.256s", number, error.message);
    aft_events_put(run->region, &event);
}

static enum aft_code respond(struct aft_response **responses, struct aft_motion_list *list,
                             struct aft_worker_run *run, struct aft_ppo *ppo,
                             const struct aft_environment_config *config, int number,
                             struct aft_error *error)
{
    const struct aft_evaluation_settings *settings = &run->curriculum->evaluation;
    struct aft_policy_controller policy = {.act = act,
                                           .policy = ppo,
                                           .obs_dim = aft_environment_obs_dim(config),
                                           .force_limit_n = config->actuator.force_limit_n};
    const struct aft_controller controllers[N_CONTROLLERS] = {
        aft_controller_uncontrolled(), aft_controller_passive(), aft_controller_policy(&policy)};
    struct aft_evaluation evaluation = {.config = config,
                                        .tail_s = settings->tail_s,
                                        .noise_stream = AFT_RANDOM_VALIDATION,
                                        .pool = run->pool};
    enum aft_code code =
        aft_motion_list_add_held_out(list, config, AFT_RANDOM_VALIDATION, settings->motions, error);
    if (code == AFT_OK) {
        *responses = calloc((size_t)list->n * N_CONTROLLERS, sizeof **responses);
        code = *responses != NULL
                   ? aft_evaluate(*responses, &evaluation, list, controllers, N_CONTROLLERS, error)
                   : aft_fail(error, AFT_ERR_MEMORY, "evaluate: no memory for %d motions", list->n);
    }
    if (code == AFT_OK) {
        find_references(run, number, &evaluation, list);
    }
    aft_policy_controller_clear(&policy);
    return code;
}

/* Fills the stage's score, and what it is the mean of. */
static enum aft_code evaluate_stage(struct motion_set *set, struct aft_worker_run *run,
                                    struct aft_ppo *ppo, int number, struct aft_error *error)
{
    struct aft_stage_environment setup;
    struct aft_motion_list list = {0};
    struct aft_response *responses = NULL;
    enum aft_code code = aft_configure_environment(&setup, run->curriculum, number, error);
    setup.config.seed = 0; /* the same motions whatever a run's seed: scores of runs compare */
    if (code == AFT_OK) {
        code = respond(&responses, &list, run, ppo, &setup.config, number, error);
    }
    set->motions = list.n;
    if (code == AFT_OK && list.n > 0) {
        const struct aft_stage *stage = &run->curriculum->stages[number - 1];
        run->state.header->scores[number - 1] = score_of(responses, list.n);
        tell_motions(run, stage, &setup.config, responses, list.n);
        set->mean_length = mean_length(&setup.config, responses, list.n);
    }
    free(responses);
    aft_motion_list_clear(&list);
    aft_stage_environment_clear(&setup);
    return code;
}

enum aft_code aft_evaluate_stages(struct aft_worker_run *run, struct aft_ppo *ppo,
                                  struct aft_error *error)
{
    int n_stages = run->curriculum->n_stages;
    struct aft_training_header *header = run->state.header;
    if (run->curriculum->evaluation.motions == 0) {
        return AFT_OK;
    }
    enum aft_code code = AFT_OK;
    double sum = 0;
    for (int number = 1; number <= n_stages && code == AFT_OK; number++) {
        struct motion_set set = {0};
        code = evaluate_stage(&set, run, ppo, number, error);
        sum += header->scores[number - 1].peak_drift_to_passive;
        if (code == AFT_OK && number == n_stages) {
            header->score = -sum / n_stages;
        }
        if (code == AFT_OK && set.motions > 0) {
            tell(run, &run->curriculum->stages[number - 1], &set, &header->scores[number - 1]);
        }
    }
    return code;
}
