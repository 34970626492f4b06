#include "runner/evaluate/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double clear_margin = 0.05;

static const struct {
    const char *key, *stem;
    size_t offset;
} table[AFT_N_FIGURES] = {
#define FIGURE(MEMBER, STEM)                                                                       \
    {                                                                                              \
#MEMBER, STEM, offsetof(struct aft_response, MEMBER)                                       \
    }
    [AFT_FIGURE_PEAK_DRIFT] = FIGURE(peak_drift_ratio, "peak_drift"),
    [AFT_FIGURE_RMS_DRIFT] = FIGURE(rms_drift, "rms_drift"),
    [AFT_FIGURE_PEAK_ROOF] = FIGURE(peak_roof_m, "peak_roof"),
    [AFT_FIGURE_RMS_ROOF] = FIGURE(rms_roof_m, "rms_roof"),
    [AFT_FIGURE_PEAK_ROOF_ACC] = FIGURE(peak_roof_acc_g, "peak_roof_acc"),
    [AFT_FIGURE_PEAK_FLOOR_ACC] = FIGURE(peak_floor_acc_g, "peak_floor_acc"),
    [AFT_FIGURE_RMS_FLOOR_ACC] = FIGURE(rms_floor_acc_g, "rms_floor_acc"),
    [AFT_FIGURE_PEAK_BASE_SHEAR] = FIGURE(peak_base_shear_n, "peak_base_shear"),
    [AFT_FIGURE_RMS_BASE_SHEAR] = FIGURE(rms_base_shear_n, "rms_base_shear"),
    [AFT_FIGURE_STROKE] = FIGURE(stroke_m, NULL),
    [AFT_FIGURE_SPEED] = FIGURE(peak_speed_m_s, NULL),
    [AFT_FIGURE_PEAK_FORCE] = FIGURE(peak_force_n, NULL),
    [AFT_FIGURE_RMS_FORCE] = FIGURE(rms_force_n, NULL),
    [AFT_FIGURE_PEAK_POWER] = FIGURE(peak_power_w, NULL),
    [AFT_FIGURE_ENERGY] = FIGURE(energy_j, NULL),
    [AFT_FIGURE_BRAKING] = FIGURE(braking_j, NULL),
    [AFT_FIGURE_SATURATED] = FIGURE(saturated_share, NULL),
#undef FIGURE
};

const struct aft_criterion aft_criteria_table[AFT_N_CRITERIA] = {
    {"J1", "peak drift ratio, over storeys and time"},
    {"J2", "peak absolute floor acceleration"},
    {"J3", "peak base shear"},
    {"J4", "largest RMS drift ratio of a storey"},
    {"J5", "largest RMS floor acceleration"},
    {"J6", "RMS base shear"},
    {"J11", "peak force / weight of the structure"},
    {"J12", "peak stroke / the reference's peak roof displacement"},
    {"J13", "peak power / (the reference's peak roof speed × weight)"},
    {"J14", "mean power drawn / (the reference's peak roof speed × weight)"},
};

const char *aft_figure_key(enum aft_figure figure)
{
    return table[figure].key;
}

const char *aft_figure_stem(enum aft_figure figure)
{
    return table[figure].stem;
}

double aft_figure_of(const struct aft_response *response, enum aft_figure figure)
{
    double value;
    memcpy(&value, (const char *)response + table[figure].offset, sizeof value);
    return value;
}

double aft_ratio(double value, double reference)
{
    return value == 0 ? 0 : value / reference;
}

void aft_criteria_values(double values[AFT_N_CRITERIA], const struct aft_response *response,
                         const struct aft_response *reference,
                         const struct aft_building_config *building)
{
    const struct aft_criteria j = aft_criteria_of(response, reference, building);
    const double in_order[AFT_N_CRITERIA] = {j.j1_peak_drift,
                                             j.j2_peak_acceleration,
                                             j.j3_peak_base_shear,
                                             j.j4_normed_drift,
                                             j.j5_normed_acceleration,
                                             j.j6_normed_base_shear,
                                             j.j11_force,
                                             j.j12_stroke,
                                             j.j13_power,
                                             j.j14_normed_power};
    memcpy(values, in_order, sizeof in_order);
}

struct pool { /* all motions of all comparisons, one after the other */
    const struct aft_comparison *comparisons;
    int n_comparisons;
    size_t n;
    int *stratum;   /* [n] */
    double *values; /* [n], scratch */
    double *paired; /* [n], scratch */
};

static enum aft_code statistics(struct aft_statistics *result, const struct pool *pool,
                                struct aft_error *error)
{
    return aft_statistics_of(result, pool->values, pool->stratum, pool->n, AFT_BOOTSTRAP_SEED,
                             error);
}

static enum aft_code gather_ratios(double *values, const struct pool *pool, enum aft_compared who,
                                   enum aft_compared reference, enum aft_figure figure,
                                   struct aft_error *error)
{
    for (int c = 0; c < pool->n_comparisons; c++) {
        const struct aft_comparison *comparison = &pool->comparisons[c];
        for (int i = 0; i < comparison->motions.n; i++) {
            double of = aft_figure_of(aft_comparison_response(comparison, i, who), figure);
            double to = aft_figure_of(aft_comparison_response(comparison, i, reference), figure);
            if (of > 0 && !(to > 0)) {
                return aft_fail(error, AFT_ERR_USAGE,
                                "evaluate on '%s': the motion does not move the building",
                                comparison->motions.motions[i].name);
            }
            *values++ = aft_ratio(of, to);
        }
    }
    return AFT_OK;
}

static void note_response(struct aft_compared_summary *summary, const struct aft_response *response,
                          size_t n)
{
    for (int f = 0; f < AFT_N_FIGURES; f++) {
        double value = aft_figure_of(response, (enum aft_figure)f);
        summary->mean[f] += value / (double)n;
        summary->greatest[f] = fmax(summary->greatest[f], value);
    }
}

static void note_criteria(struct aft_compared_summary *summary,
                          const struct aft_comparison *comparison, int motion,
                          enum aft_compared who, size_t n)
{
    static const enum aft_compared references[2] = {AFT_COMPARED_PASSIVE,
                                                    AFT_COMPARED_UNCONTROLLED};
    for (int r = 0; r < 2; r++) {
        double values[AFT_N_CRITERIA];
        aft_criteria_values(values, aft_comparison_response(comparison, motion, who),
                            aft_comparison_response(comparison, motion, references[r]),
                            &comparison->setup.config.building);
        for (int j = 0; j < AFT_N_CRITERIA; j++) {
            summary->mean_criteria[r][j] += values[j] / (double)n;
            summary->worst_criteria[r][j] = fmax(summary->worst_criteria[r][j], values[j]);
        }
    }
}

static enum aft_code summarise_ratios(struct aft_compared_summary *summary, const struct pool *pool,
                                      enum aft_compared who, struct aft_error *error)
{
    static const enum aft_compared references[2] = {AFT_COMPARED_PASSIVE,
                                                    AFT_COMPARED_UNCONTROLLED};
    struct aft_statistics *const results[2] = {summary->to_passive, summary->to_uncontrolled};
    enum aft_code code = AFT_OK;
    for (int i = 0; i < 2 * AFT_N_RATIOS && code == AFT_OK; i++) {
        enum aft_figure figure = (enum aft_figure)(i / 2);
        code = gather_ratios(pool->values, pool, who, references[i % 2], figure, error);
        if (code == AFT_OK) {
            code = statistics(&results[i % 2][figure], pool, error);
        }
    }
    return code;
}

static enum aft_code summarise_one(struct aft_compared_summary *summary, const struct pool *pool,
                                   enum aft_compared who, struct aft_error *error)
{
    summary->present = true;
    for (int c = 0; c < pool->n_comparisons; c++) {
        const struct aft_comparison *comparison = &pool->comparisons[c];
        summary->present = summary->present && aft_comparison_has(comparison, who);
    }
    if (!summary->present) {
        return AFT_OK;
    }
    for (int c = 0; c < pool->n_comparisons; c++) {
        const struct aft_comparison *comparison = &pool->comparisons[c];
        for (int i = 0; i < comparison->motions.n; i++) {
            note_response(summary, aft_comparison_response(comparison, i, who), pool->n);
            note_criteria(summary, comparison, i, who, pool->n);
        }
    }
    return summarise_ratios(summary, pool, who, error);
}

static enum aft_code pair(struct aft_paired *paired, const struct pool *pool,
                          enum aft_compared with, enum aft_figure figure, struct aft_error *error)
{
    double other = 0;
    enum aft_code code =
        gather_ratios(pool->values, pool, AFT_COMPARED_POLICY, AFT_COMPARED_PASSIVE, figure, error);
    if (code == AFT_OK) {
        code = gather_ratios(pool->paired, pool, with, AFT_COMPARED_PASSIVE, figure, error);
    }
    for (size_t i = 0; i < pool->n && code == AFT_OK; i++) {
        pool->values[i] -= pool->paired[i];
        other += pool->paired[i] / (double)pool->n;
    }
    if (code == AFT_OK) {
        code = statistics(&paired->difference, pool, error);
    }
    paired->present = code == AFT_OK;
    paired->change = other > 0 ? paired->difference.mean / other : 0;
    paired->clearly_better = paired->change <= -clear_margin && paired->difference.mean_high < 0;
    return code;
}

static enum aft_code summarise_pairs(struct aft_evaluation_summary *summary,
                                     const struct pool *pool, struct aft_error *error)
{
    static const enum aft_compared others[] = {AFT_COMPARED_LQR, AFT_COMPARED_LQG,
                                               AFT_COMPARED_BASELINE};
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i < sizeof others / sizeof *others && code == AFT_OK; i++) {
        enum aft_compared with = others[i];
        if (!summary->compared[with].present) {
            continue;
        }
        code = pair(&summary->peak_drift[with], pool, with, AFT_FIGURE_PEAK_DRIFT, error);
        if (code == AFT_OK) {
            code = pair(&summary->rms_drift[with], pool, with, AFT_FIGURE_RMS_DRIFT, error);
        }
    }
    return code;
}

/* What values are of each motion: who's place on the scale, or the bound's ratio to passive. */
static void gather_bound(double *values, const struct pool *pool, enum aft_compared who,
                         bool on_scale)
{
    for (int c = 0; c < pool->n_comparisons; c++) {
        const struct aft_comparison *comparison = &pool->comparisons[c];
        for (int i = 0; i < comparison->motions.n; i++) {
            double bound = aft_comparison_bound(comparison, i);
            double passive =
                aft_comparison_response(comparison, i, AFT_COMPARED_PASSIVE)->peak_drift_ratio;
            double drift = aft_comparison_response(comparison, i, who)->peak_drift_ratio;
            *values++ =
                on_scale ? aft_clairvoyant_scale(passive, drift, bound) : aft_ratio(bound, passive);
        }
    }
}

static enum aft_code summarise_bound(struct aft_evaluation_summary *summary,
                                     const struct pool *pool, struct aft_error *error)
{
    struct aft_bound_summary *bound = &summary->bound;
    gather_bound(pool->values, pool, AFT_COMPARED_PASSIVE, false);
    enum aft_code code = statistics(&bound->to_passive, pool, error);
    for (int who = 0; who < AFT_N_COMPARED && code == AFT_OK; who++) {
        if (summary->compared[who].present) {
            gather_bound(pool->values, pool, (enum aft_compared)who, true);
            code = statistics(&bound->scale[who], pool, error);
        }
    }
    bound->present = code == AFT_OK;
    return code;
}

static void fill_strata(struct pool *pool)
{
    size_t at = 0;
    for (int c = 0; c < pool->n_comparisons; c++) {
        for (int i = 0; i < pool->comparisons[c].motions.n; i++) {
            pool->stratum[at++] = c;
        }
    }
}

enum aft_code aft_summarise(struct aft_evaluation_summary *summary,
                            const struct aft_comparison *comparisons, int n,
                            struct aft_error *error)
{
    struct pool pool = {.comparisons = comparisons, .n_comparisons = n};
    enum aft_code code = AFT_OK;
    memset(summary, 0, sizeof *summary);
    for (int c = 0; c < n; c++) {
        pool.n += (size_t)comparisons[c].motions.n;
    }
    summary->motions = (int)pool.n;
    pool.stratum = calloc(pool.n + 1, sizeof *pool.stratum);
    pool.values = calloc(pool.n + 1, sizeof *pool.values);
    pool.paired = calloc(pool.n + 1, sizeof *pool.paired);
    if (pool.stratum == NULL || pool.values == NULL || pool.paired == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "summarise %zu motions: out of memory", pool.n);
        goto out;
    }
    fill_strata(&pool);
    for (int who = 0; who < AFT_N_COMPARED && code == AFT_OK; who++) {
        code = summarise_one(&summary->compared[who], &pool, (enum aft_compared)who, error);
    }
    if (code == AFT_OK) {
        code = summarise_pairs(summary, &pool, error);
    }
    if (code == AFT_OK && summary->compared[AFT_COMPARED_CLAIRVOYANT].present) {
        code = summarise_bound(summary, &pool, error);
    }
out:
    free(pool.stratum);
    free(pool.values);
    free(pool.paired);
    return code;
}
