#include "environment/response_spectrum.h"
#include "runner/evaluate/results.h"

#include <stdio.h>

static void set_pair(struct aft_json *object, const char *key, double low, double high)
{
    struct aft_json *pair = aft_json_array();
    aft_json_append(pair, aft_json_real(low));
    aft_json_append(pair, aft_json_real(high));
    aft_json_set(object, key, pair);
}

static struct aft_json *statistics_json(const struct aft_statistics *statistics)
{
    struct aft_json *object = aft_json_object();
    aft_json_set_real(object, "mean", statistics->mean);
    set_pair(object, "ci95", statistics->mean_low, statistics->mean_high);
    aft_json_set_real(object, "iqm", statistics->iqm);
    set_pair(object, "iqm_ci95", statistics->iqm_low, statistics->iqm_high);
    aft_json_set_real(object, "worst", statistics->worst);
    return object;
}

static struct aft_json *criteria_json(const double values[AFT_N_CRITERIA])
{
    struct aft_json *object = aft_json_object();
    for (int j = 0; j < AFT_N_CRITERIA; j++) {
        aft_json_set_real(object, aft_criteria_table[j].key, values[j]);
    }
    return object;
}

static struct aft_json *height_json(const double *values, int floors)
{
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < floors; i++) {
        aft_json_append(list, aft_json_real(values[i]));
    }
    return list;
}

static struct aft_json *response_json(const struct aft_comparison *comparison, int motion,
                                      enum aft_compared who)
{
    const struct aft_building_config *building = &comparison->setup.config.building;
    const struct aft_response *response = aft_comparison_response(comparison, motion, who);
    struct aft_json *object = aft_json_object();
    double criteria[AFT_N_CRITERIA];
    for (int f = 0; f < AFT_N_FIGURES; f++) {
        aft_json_set_real(object, aft_figure_key((enum aft_figure)f),
                          aft_figure_of(response, (enum aft_figure)f));
    }
    aft_json_set_integer(object, "peak_drift_storey", response->peak_drift_storey);
    aft_json_set_integer(object, "peak_acc_floor", response->peak_acc_floor);
    aft_json_set(object, "storey_peak_drift",
                 height_json(response->storey_peak_drift, building->floors));
    aft_json_set(object, "storey_rms_drift",
                 height_json(response->storey_rms_drift, building->floors));
    aft_json_set(object, "floor_peak_acc_g",
                 height_json(response->floor_peak_acc_g, building->floors));
    aft_criteria_values(criteria, response,
                        aft_comparison_response(comparison, motion, AFT_COMPARED_PASSIVE),
                        building);
    aft_json_set(object, "criteria_to_passive", criteria_json(criteria));
    aft_criteria_values(criteria, response,
                        aft_comparison_response(comparison, motion, AFT_COMPARED_UNCONTROLLED),
                        building);
    aft_json_set(object, "criteria_to_uncontrolled", criteria_json(criteria));
    return object;
}

static struct aft_json *motion_json(const struct aft_comparison *comparison, int index)
{
    const struct aft_listed_motion *listed = &comparison->motions.motions[index];
    const struct aft_motion *motion = &listed->motion;
    struct aft_motion_summary summary;
    struct aft_json *object = aft_json_object(), *controllers = aft_json_object();
    aft_motion_summarise(&summary, motion->acceleration_m_s2, motion->n, motion->dt_s);
    aft_json_set_string(object, "name", listed->name);
    aft_json_set_integer(object, "stage", comparison->stage->number);
    aft_json_set_real(object, "pga_g", summary.pga_m_s2 / AFT_GRAVITY_M_S2);
    aft_json_set_real(object, "sa_first_period_g",
                      aft_spectral_acceleration_m_s2(motion->acceleration_m_s2, motion->n,
                                                     motion->dt_s, comparison->first_period_s,
                                                     0.05) /
                          AFT_GRAVITY_M_S2);
    aft_json_set_real(object, "duration_s",
                      motion->n > 0 ? (double)(motion->n - 1) * motion->dt_s : 0.0);
    aft_json_set_boolean(object, "units_assumed", motion->units_assumed);
    if (comparison->clairvoyant != NULL) {
        const struct aft_clairvoyant_plan *plan =
            aft_clairvoyant_plan(comparison->clairvoyant, index);
        aft_json_set_real(object, "bound_peak_drift_ratio", plan->bound_drift);
        aft_json_set_real(object, "planned_peak_drift_ratio", plan->planned_drift);
    }
    for (int who = 0; who < AFT_N_COMPARED; who++) {
        if (aft_comparison_has(comparison, (enum aft_compared)who)) {
            aft_json_set(controllers, aft_compared_name((enum aft_compared)who),
                         response_json(comparison, index, (enum aft_compared)who));
        }
    }
    aft_json_set(object, "controllers", controllers);
    return object;
}

static struct aft_json *compared_json(const struct aft_compared_summary *summary)
{
    static const char *const references[2] = {"passive", "uncontrolled"};
    struct aft_json *object = aft_json_object();
    char key[64];
    for (int r = 0; r < 2; r++) {
        const struct aft_statistics *ratios =
            r == 0 ? summary->to_passive : summary->to_uncontrolled;
        for (int f = 0; f < AFT_N_RATIOS; f++) {
            (void)snprintf(key, sizeof key, "%s_to_%s", aft_figure_stem((enum aft_figure)f),
                           references[r]);
            aft_json_set(object, key, statistics_json(&ratios[f]));
        }
    }
    for (int f = 0; f < AFT_N_FIGURES; f++) {
        struct aft_json *figure = aft_json_object();
        aft_json_set_real(figure, "mean", summary->mean[f]);
        aft_json_set_real(figure, "worst", summary->greatest[f]);
        aft_json_set(object, aft_figure_key((enum aft_figure)f), figure);
    }
    for (int r = 0; r < 2; r++) {
        struct aft_json *criteria = aft_json_object();
        aft_json_set(criteria, "mean", criteria_json(summary->mean_criteria[r]));
        aft_json_set(criteria, "worst", criteria_json(summary->worst_criteria[r]));
        (void)snprintf(key, sizeof key, "criteria_to_%s", references[r]);
        aft_json_set(object, key, criteria);
    }
    return object;
}

static struct aft_json *summary_json(const struct aft_evaluation_summary *summary)
{
    struct aft_json *object = aft_json_object();
    for (int who = 0; who < AFT_N_COMPARED; who++) {
        if (summary->compared[who].present) {
            aft_json_set(object, aft_compared_name((enum aft_compared)who),
                         compared_json(&summary->compared[who]));
        }
    }
    return object;
}

static struct aft_json *paired_json(const struct aft_evaluation_summary *summary,
                                    enum aft_compared with)
{
    if (!summary->peak_drift[with].present) {
        return aft_json_null();
    }
    const struct aft_paired *const pairs[2] = {&summary->peak_drift[with],
                                               &summary->rms_drift[with]};
    static const char *const keys[2] = {"peak_drift", "rms_drift"};
    struct aft_json *object = aft_json_object();
    for (int i = 0; i < 2; i++) {
        struct aft_json *pair = aft_json_object();
        aft_json_set(pair, "difference_to_passive", statistics_json(&pairs[i]->difference));
        aft_json_set_real(pair, "relative_change", pairs[i]->change);
        aft_json_set_boolean(pair, "at_least_5_percent_better", pairs[i]->clearly_better);
        aft_json_set(object, keys[i], pair);
    }
    return object;
}

static struct aft_json *bound_json(const struct aft_evaluation_summary *summary)
{
    const struct aft_bound_summary *bound = &summary->bound;
    if (!bound->present) {
        return aft_json_null();
    }
    struct aft_json *object = aft_json_object(), *scale = aft_json_object();
    for (int who = 0; who < AFT_N_COMPARED; who++) {
        if (summary->compared[who].present) {
            aft_json_set(scale, aft_compared_name((enum aft_compared)who),
                         statistics_json(&bound->scale[who]));
        }
    }
    aft_json_set(object, "peak_drift_to_passive", statistics_json(&bound->to_passive));
    aft_json_set(object, "scale", scale);
    return object;
}

static struct aft_json *feedback_json(const struct aft_tuned_feedback *tuned)
{
    const struct aft_feedback_parameters *parameters = &tuned->parameters;
    struct aft_json *object = aft_json_object();
    aft_json_set_real(object, "drift_rate", parameters->weights.drift_rate);
    aft_json_set_real(object, "stroke", parameters->weights.stroke);
    aft_json_set_real(object, "stroke_rate", parameters->weights.stroke_rate);
    aft_json_set_real(object, "control", parameters->weights.control);
    aft_json_set_real(object, "guard_reach", parameters->guard_reach);
    aft_json_set_real(object, "guard_braking", parameters->guard_braking);
    aft_json_set_real(object, "tuning_objective", tuned->objective);
    aft_json_set_integer(object, "points", tuned->points);
    return object;
}

static struct aft_json *tuned_json(const struct aft_comparison *comparison)
{
    if (comparison->lqg == NULL) {
        return aft_json_null();
    }
    const struct aft_reference_parameters *tuned = &comparison->tuned;
    struct aft_json *object = aft_json_object(), *passive = aft_json_object();
    aft_json_set_real(passive, "stiffness_n_m", tuned->passive.stiffness_n_m);
    aft_json_set_real(passive, "damping_n_s_m", tuned->passive.damping_n_s_m);
    aft_json_set_real(passive, "tuning_objective", tuned->passive.objective);
    aft_json_set(object, "passive_tuned", passive);
    aft_json_set(object, "lqr", feedback_json(&tuned->lqr));
    struct aft_json *lqg = feedback_json(&tuned->lqg);
    aft_json_set_real(lqg, "noise_ground_m_s2", tuned->lqg.parameters.noise.ground_m_s2);
    aft_json_set_real(lqg, "noise_force_share", tuned->lqg.parameters.noise.force_share);
    aft_json_set_real(lqg, "noise_floor_share", tuned->lqg.parameters.noise.floor_share);
    aft_json_set(object, "lqg", lqg);
    return object;
}

static struct aft_json *robustness_json(const struct aft_robust_result *results)
{
    struct aft_json *list = aft_json_array();
    for (int i = 0; i < AFT_N_ROBUST_CASES; i++) {
        struct aft_json *object = aft_json_object();
        aft_json_set_string(object, "case", aft_robust_cases[i].key);
        aft_json_set_string(object, "description", aft_robust_cases[i].description);
        for (int c = 0; c < AFT_N_ROBUST; c++) {
            if (results[i].peak_drift[c].n > 0) {
                struct aft_json *one = aft_json_object();
                aft_json_set(one, "peak_drift_to_passive",
                             statistics_json(&results[i].peak_drift[c]));
                aft_json_set(one, "rms_drift_to_passive",
                             statistics_json(&results[i].rms_drift[c]));
                aft_json_set(object, aft_compared_name(aft_robust_who[c]), one);
            }
        }
        aft_json_append(list, object);
    }
    return list;
}

static void set_pairs(struct aft_json *object, const struct aft_evaluation_summary *summary)
{
    aft_json_set(object, "policy_to_lqr", paired_json(summary, AFT_COMPARED_LQR));
    aft_json_set(object, "policy_to_lqg", paired_json(summary, AFT_COMPARED_LQG));
    aft_json_set(object, "policy_to_baseline", paired_json(summary, AFT_COMPARED_BASELINE));
}

static struct aft_json *stage_json(const struct aft_evaluation_results *results, int index)
{
    const struct aft_comparison *comparison = &results->stages[index];
    const struct aft_environment_config *config = &comparison->setup.config;
    struct aft_json *object = aft_json_object();
    aft_json_set_integer(object, "stage", comparison->stage->number);
    aft_json_set_string(object, "name", comparison->stage->name);
    aft_json_set_string(object, "motion_set", comparison->title);
    aft_json_set_integer(object, "motions", comparison->motions.n);
    aft_json_set_real(object, "force_limit_n", config->actuator.force_limit_n);
    aft_json_set_real(object, "power_limit_w", config->actuator.power_limit_w);
    aft_json_set_real(object, "stroke_limit_m", config->building.stroke_m);
    aft_json_set(object, "summary", summary_json(&results->by_stage[index]));
    set_pairs(object, &results->by_stage[index]);
    aft_json_set(object, "bound", bound_json(&results->by_stage[index]));
    aft_json_set(object, "tuned", tuned_json(comparison));
    if (results->robustness != NULL) {
        aft_json_set(object, "robustness",
                     robustness_json(aft_evaluation_robustness(results, index)));
    }
    return object;
}

static struct aft_json *archive_json(const struct aft_trained_policy *policy, const char *path)
{
    if (policy == NULL) {
        return aft_json_null();
    }
    const struct aft_archive *archive = policy->archive;
    struct aft_json *object = aft_json_object();
    aft_json_set_string(object, "path", path);
    aft_json_set_string(object, "kind", aft_archive_kind_name(aft_archive_kind(archive)));
    aft_json_set_string(object, "run",
                        aft_json_get_string(aft_archive_manifest(archive), "run", NULL));
    aft_json_set_integer(object, "stage", policy->stage);
    aft_json_set_integer(object, "total_steps", aft_archive_counters(archive)->total_steps);
    aft_json_set_string(object, "weights_sha256", aft_archive_weights_hash(archive));
    aft_json_set_string(object, "training_state_sha256", aft_archive_state_hash(archive));
    return object;
}

struct aft_json *aft_evaluation_json(const struct aft_evaluation_results *results)
{
    struct aft_json *document = aft_json_object();
    struct aft_json *motions = aft_json_array(), *stages = aft_json_array();
    for (int s = 0; s < results->n_stages; s++) {
        for (int i = 0; i < results->stages[s].motions.n; i++) {
            aft_json_append(motions, motion_json(&results->stages[s], i));
        }
        aft_json_append(stages, stage_json(results, s));
    }
    aft_json_set(document, "archive", archive_json(results->policy, results->options->archive));
    aft_json_set(document, "baseline", archive_json(results->baseline, results->options->against));
    aft_json_set_string(document, "aftershock", AFT_VERSION);
    aft_json_set_string(document, "engine", results->engine);
    aft_json_set_integer(document, "seed", (int64_t)results->options->seed);
    aft_json_set(document, "summary", summary_json(&results->all));
    set_pairs(document, &results->all);
    aft_json_set(document, "bound", bound_json(&results->all));
    aft_json_set(document, "by_stage", stages);
    aft_json_set(document, "motions", motions);
    return document;
}
