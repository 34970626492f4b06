#include "runner/reference_evaluation.h"

#include "environment/feedback.h"
#include "environment/reference_tuning.h"

#include <stdlib.h>

enum { TUNING_MOTIONS = 4 };
static const double tuning_tail_s = 10.0;

enum { PASSIVE, LQR, LQG, N_CONTROLLERS };

/* responses is [n][N_CONTROLLERS]. */
static struct aft_reference_score score_of(const struct aft_response *responses, int n)
{
    struct aft_reference_score score = {0, 0, 0, 0};
    for (int i = 0; i < n; i++) {
        const struct aft_response *of = responses + (ptrdiff_t)i * N_CONTROLLERS;
        const struct aft_response *passive = &of[PASSIVE];
        score.lqr_peak_to_passive += of[LQR].peak_drift_ratio / passive->peak_drift_ratio / n;
        score.lqr_rms_to_passive += of[LQR].rms_drift / passive->rms_drift / n;
        score.lqg_peak_to_passive += of[LQG].peak_drift_ratio / passive->peak_drift_ratio / n;
        score.lqg_rms_to_passive += of[LQG].rms_drift / passive->rms_drift / n;
    }
    return score;
}

static enum aft_code respond(struct aft_response *responses,
                             const struct aft_evaluation *evaluation,
                             const struct aft_motion_list *list,
                             const struct aft_reference_parameters *tuned, struct aft_error *error)
{
    struct aft_feedback *lqr = NULL, *lqg = NULL;
    const struct aft_environment_config *config = evaluation->config;
    enum aft_code code = aft_feedback_create(&lqr, config, &tuned->lqr.parameters, false, error);
    if (code == AFT_OK) {
        code = aft_feedback_create(&lqg, config, &tuned->lqg.parameters, true, error);
    }
    if (code == AFT_OK) {
        const struct aft_controller controllers[N_CONTROLLERS] = {
            aft_controller_passive(), aft_feedback_controller(lqr), aft_feedback_controller(lqg)};
        code = aft_evaluate(responses, evaluation, list, controllers, N_CONTROLLERS, error);
    }
    aft_feedback_destroy(lqr);
    aft_feedback_destroy(lqg);
    return code;
}

enum aft_code aft_reference_evaluate(struct aft_reference_score *score,
                                     const struct aft_evaluation *evaluation,
                                     const struct aft_motion_list *list, struct aft_error *error)
{
    struct aft_reference_parameters tuned;
    const struct aft_reference_search search = {.config = evaluation->config,
                                                .motions = TUNING_MOTIONS,
                                                .tail_s = tuning_tail_s,
                                                .pool = evaluation->pool};
    struct aft_response *responses = calloc((size_t)list->n * N_CONTROLLERS + 1, sizeof *responses);
    enum aft_code code = responses != NULL
                             ? aft_reference_tune(&tuned, &search, error)
                             : aft_fail(error, AFT_ERR_MEMORY, "evaluate LQR and LQG: no memory");
    if (code == AFT_OK) {
        code = respond(responses, evaluation, list, &tuned, error);
    }
    if (code == AFT_OK) {
        *score = score_of(responses, list->n);
    }
    free(responses);
    return code;
}
