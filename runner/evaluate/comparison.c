#include "runner/evaluate/comparison.h"

#include "runner/evaluate/motions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[AFT_N_COMPARED] = {
    "uncontrolled", "passive", "passive_tuned", "lqr", "lqg", "clairvoyant", "baseline", "policy",
};
static const unsigned always =
    1U << AFT_COMPARED_UNCONTROLLED | 1U << AFT_COMPARED_PASSIVE | 1U << AFT_COMPARED_POLICY;
static const unsigned tuned =
    1U << AFT_COMPARED_PASSIVE_TUNED | 1U << AFT_COMPARED_LQR | 1U << AFT_COMPARED_LQG;

const char *aft_compared_name(enum aft_compared who)
{
    return names[who];
}

static bool find_name(unsigned *who, const char *word, size_t length)
{
    for (unsigned i = 0; i < AFT_N_COMPARED; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0) {
            *who |= 1U << i;
            return true;
        }
    }
    return false;
}

enum aft_code aft_compared_parse(unsigned *who, const char *list, struct aft_error *error)
{
    *who = always;
    if (list == NULL) {
        *who = always | tuned;
        return AFT_OK;
    }
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        if (!find_name(who, at, length)) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "--controllers '%.*s': expected some of policy, uncontrolled, "
                            "passive, passive_tuned, lqr, lqg, clairvoyant, baseline",
                            (int)length, at);
        }
        at += length;
        if (*at == '\0') {
            return AFT_OK;
        }
    }
}

static enum aft_code set_up(struct aft_comparison *comparison,
                            const struct aft_trained_policy *policy, int stage,
                            const struct aft_evaluate_options *options, struct aft_error *error)
{
    const struct aft_curriculum *curriculum = policy->curriculum;
    struct aft_environment_config *config = &comparison->setup.config;
    enum aft_code code = aft_configure_environment(&comparison->setup, curriculum, stage, error);
    comparison->stage = &curriculum->stages[stage - 1];
    if (code == AFT_OK) {
        code = aft_building_first_period(&comparison->first_period_s, &config->building, error);
    }
    if (code == AFT_OK) {
        code = aft_evaluation_motions(&comparison->motions, config, options, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    aft_evaluation_title(comparison->title, sizeof comparison->title, &comparison->motions, config,
                         options);
    comparison->evaluation = (struct aft_evaluation){
        .config = config,
        .tail_s = curriculum->evaluation.tail_s,
        .noise_stream = AFT_RANDOM_TEST_MOTION,
        .pool = policy->pool,
    };
    return AFT_OK;
}

/* On training motions of the stage as the curriculum has it, not as the evaluation scales
 * it: the policy was not told either. The same seed always, so that runs compare. */
static enum aft_code tune(struct aft_comparison *comparison,
                          const struct aft_trained_policy *policy, struct aft_error *error)
{
    struct aft_stage_environment nominal;
    enum aft_code code =
        aft_configure_environment(&nominal, policy->curriculum, comparison->stage->number, error);
    if (code != AFT_OK) {
        return code;
    }
    (void)fprintf(stderr, "tuning passive, LQR and LQG for stage %d, %s …\n",
                  comparison->stage->number, comparison->stage->name);
    nominal.config.seed = 0;
    const struct aft_reference_search search = {.config = &nominal.config, .pool = policy->pool};
    code = aft_reference_tune(&comparison->tuned, &search, error);
    const struct aft_reference_parameters *found = &comparison->tuned;
    if (code == AFT_OK) {
        code = aft_feedback_create(&comparison->lqr, &nominal.config, &found->lqr.parameters, false,
                                   error);
    }
    if (code == AFT_OK) {
        code = aft_feedback_create(&comparison->lqg, &nominal.config, &found->lqg.parameters, true,
                                   error);
    }
    aft_stage_environment_clear(&nominal);
    return code;
}

static enum aft_code plan(struct aft_comparison *comparison, struct aft_error *error)
{
    (void)fprintf(stderr, "planning stage %d's %d motions with the future known …\n",
                  comparison->stage->number, comparison->motions.n);
    return aft_clairvoyant_create(&comparison->clairvoyant, &comparison->evaluation,
                                  &comparison->motions, error);
}

static struct aft_policy_controller acting(struct aft_trained_policy *policy,
                                           const struct aft_environment_config *config)
{
    return (struct aft_policy_controller){
        .act = aft_trained_policy_act,
        .policy = policy,
        .obs_dim = policy->obs_dim,
        .force_limit_n = config->actuator.force_limit_n,
    };
}

static void make_controllers(struct aft_comparison *comparison,
                             const struct aft_compared_policies *policies)
{
    struct aft_controller *controllers = comparison->controllers;
    comparison->policy = acting(policies->policy, &comparison->setup.config);
    if (policies->baseline != NULL) {
        comparison->baseline = acting(policies->baseline, &comparison->setup.config);
        controllers[AFT_COMPARED_BASELINE] = aft_controller_policy(&comparison->baseline);
        controllers[AFT_COMPARED_BASELINE].name = aft_compared_name(AFT_COMPARED_BASELINE);
    }
    controllers[AFT_COMPARED_UNCONTROLLED] = aft_controller_uncontrolled();
    controllers[AFT_COMPARED_PASSIVE] = aft_controller_passive();
    controllers[AFT_COMPARED_POLICY] = aft_controller_policy(&comparison->policy);
    controllers[AFT_COMPARED_CLAIRVOYANT] = aft_clairvoyant_controller(comparison->clairvoyant);
    if ((comparison->who & tuned) != 0) {
        controllers[AFT_COMPARED_PASSIVE_TUNED] = aft_controller_passive_tuned(
            comparison->tuned.passive.stiffness_n_m, comparison->tuned.passive.damping_n_s_m);
        controllers[AFT_COMPARED_LQR] = aft_feedback_controller(comparison->lqr);
        controllers[AFT_COMPARED_LQG] = aft_feedback_controller(comparison->lqg);
    }
}

/* From the dense columns of an evaluation to one column for each name. */
static void spread(struct aft_response *responses, const struct aft_response *computed, int motions,
                   unsigned who)
{
    for (int i = 0; i < motions; i++) {
        for (unsigned c = 0; c < AFT_N_COMPARED; c++) {
            if ((who >> c & 1U) != 0) {
                responses[i * (int)AFT_N_COMPARED + (int)c] = *computed++;
            }
        }
    }
}

enum aft_code aft_comparison_respond(struct aft_response *responses,
                                     const struct aft_comparison *comparison, unsigned who,
                                     const struct aft_robustness *robustness,
                                     struct aft_error *error)
{
    struct aft_evaluation evaluation = comparison->evaluation;
    struct aft_controller controllers[AFT_N_COMPARED];
    int n = 0, motions = comparison->motions.n;
    evaluation.robustness = *robustness;
    for (unsigned c = 0; c < AFT_N_COMPARED; c++) {
        if ((who >> c & 1U) != 0) {
            controllers[n++] = comparison->controllers[c];
        }
    }
    struct aft_response *computed = calloc((size_t)motions * (size_t)n + 1, sizeof *computed);
    if (computed == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate %d motions: out of memory", motions);
    }
    enum aft_code code =
        aft_evaluate(computed, &evaluation, &comparison->motions, controllers, n, error);
    if (code == AFT_OK) {
        spread(responses, computed, motions, who);
    }
    free(computed);
    return code;
}

enum aft_code aft_comparison_run(struct aft_comparison *comparison,
                                 const struct aft_compared_policies *policies, int stage,
                                 const struct aft_evaluate_options *options,
                                 struct aft_error *error)
{
    static const struct aft_robustness nominal;
    const struct aft_trained_policy *policy = policies->policy;
    memset(comparison, 0, sizeof *comparison);
    enum aft_code code = aft_compared_parse(&comparison->who, options->controllers, error);
    comparison->who |= options->bound ? 1U << AFT_COMPARED_CLAIRVOYANT : 0U;
    comparison->who |= policies->baseline != NULL ? 1U << AFT_COMPARED_BASELINE : 0U;
    if (code == AFT_OK) {
        code = set_up(comparison, policy, stage, options, error);
    }
    if (code == AFT_OK && (comparison->who & tuned) != 0) {
        code = tune(comparison, policy, error);
    }
    if (code == AFT_OK && aft_comparison_has(comparison, AFT_COMPARED_CLAIRVOYANT)) {
        code = plan(comparison, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    size_t cells = (size_t)comparison->motions.n * AFT_N_COMPARED;
    comparison->responses = calloc(cells + 1, sizeof *comparison->responses);
    if (comparison->responses == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "evaluate stage %d: out of memory", stage);
    }
    make_controllers(comparison, policies);
    return aft_comparison_respond(comparison->responses, comparison, comparison->who, &nominal,
                                  error);
}

void aft_comparison_clear(struct aft_comparison *comparison)
{
    aft_policy_controller_clear(&comparison->policy);
    aft_policy_controller_clear(&comparison->baseline);
    aft_feedback_destroy(comparison->lqr);
    aft_feedback_destroy(comparison->lqg);
    aft_clairvoyant_destroy(comparison->clairvoyant);
    aft_motion_list_clear(&comparison->motions);
    aft_stage_environment_clear(&comparison->setup);
    free(comparison->responses);
    memset(comparison, 0, sizeof *comparison);
}
