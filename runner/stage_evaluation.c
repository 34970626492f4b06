/* The policy on held-out motions of every stage, at each stage's own force limit. */
#include "environment/environment.h"
#include "environment/evaluation.h"
#include "runner/configure.h"
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

static void tell(const struct aft_worker_run *run, const struct aft_stage *stage, int motions,
                 const struct aft_stage_score *score)
{
    struct aft_event event = aft_worker_event(run, AFT_EVENT_EVALUATION);
    struct aft_event_evaluation *told = &event.u.evaluation;
    told->motions = motions;
    told->peak_drift_to_passive = score->peak_drift_to_passive;
    told->rms_drift_to_passive = score->rms_drift_to_passive;
    told->uncontrolled_peak_to_passive = score->uncontrolled_peak_to_passive;
    told->worst_peak_to_passive = score->worst_peak_to_passive;
    told->stroke_max_m = score->stroke_max_m;
    told->power_max_w = score->power_max_w;
    if (stage->motion.source == AFT_MOTION_RECORDS) {
        (void)snprintf(told->set, sizeof told->set, "%d records of stage %d", motions,
                       stage->number);
    } else {
        (void)snprintf(told->set, sizeof told->set, "%d unseen M%g motions of stage %d", motions,
                       stage->magnitude, stage->number);
    }
    aft_events_put(run->region, &event);
}

static enum aft_code respond(struct aft_response **responses, struct aft_motion_list *list,
                             struct aft_worker_run *run, struct aft_ppo *ppo,
                             const struct aft_environment_config *config, struct aft_error *error)
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
    aft_policy_controller_clear(&policy);
    return code;
}

static enum aft_code evaluate_stage(struct aft_worker_run *run, struct aft_ppo *ppo, int number,
                                    struct aft_error *error)
{
    struct aft_stage_environment setup;
    struct aft_motion_list list = {0};
    struct aft_response *responses = NULL;
    enum aft_code code = aft_configure_environment(&setup, run->curriculum, number, error);
    setup.config.seed = 0; /* the same motions whatever a run's seed: scores of runs compare */
    if (code == AFT_OK) {
        code = respond(&responses, &list, run, ppo, &setup.config, error);
    }
    if (code == AFT_OK && list.n > 0) {
        struct aft_stage_score *score = &run->state.header->scores[number - 1];
        *score = score_of(responses, list.n);
        tell(run, &run->curriculum->stages[number - 1], list.n, score);
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
        code = evaluate_stage(run, ppo, number, error);
        sum += header->scores[number - 1].peak_drift_to_passive;
    }
    if (code == AFT_OK) {
        header->score = -sum / n_stages;
    }
    return code;
}
