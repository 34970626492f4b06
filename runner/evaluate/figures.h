/*
 * The figures of a response under the names that scripts read, and what is made
 * of them over the motions: ratios to the passive and to the uncontrolled
 * building with their intervals, means and largest values of the rest.
 */
#ifndef AFT_RUNNER_EVALUATE_FIGURES_H
#define AFT_RUNNER_EVALUATE_FIGURES_H

#include "environment/benchmark_criteria.h"
#include "report/statistics.h"
#include "runner/evaluate/comparison.h"

/* The first AFT_N_RATIOS are also summarised as ratios. */
enum aft_figure {
    AFT_FIGURE_PEAK_DRIFT,
    AFT_FIGURE_RMS_DRIFT,
    AFT_FIGURE_PEAK_ROOF,
    AFT_FIGURE_RMS_ROOF,
    AFT_FIGURE_PEAK_ROOF_ACC,
    AFT_FIGURE_PEAK_FLOOR_ACC,
    AFT_FIGURE_RMS_FLOOR_ACC,
    AFT_FIGURE_PEAK_BASE_SHEAR,
    AFT_FIGURE_RMS_BASE_SHEAR,
    AFT_N_RATIOS,
    AFT_FIGURE_STROKE = AFT_N_RATIOS,
    AFT_FIGURE_SPEED,
    AFT_FIGURE_PEAK_FORCE,
    AFT_FIGURE_RMS_FORCE,
    AFT_FIGURE_PEAK_POWER,
    AFT_FIGURE_ENERGY,
    AFT_FIGURE_BRAKING,
    AFT_FIGURE_SATURATED,
    AFT_N_FIGURES
};

const char *aft_figure_key(enum aft_figure figure);  /* "peak_drift_ratio" */
const char *aft_figure_stem(enum aft_figure figure); /* "peak_drift", of a ratio's key */
double aft_figure_of(const struct aft_response *response, enum aft_figure figure);

enum { AFT_BOOTSTRAP_SEED = 1 }; /* of every interval */

/* 0/0 is 0: a motion that does not move the building. */
double aft_ratio(double value, double reference);

/* The numbers and names of the benchmark buildings' criteria (benchmark_criteria.h). */
enum { AFT_N_CRITERIA = 10 };
struct aft_criterion {
    const char *key;        /* "J1" */
    const char *definition; /* for people */
};
extern const struct aft_criterion aft_criteria_table[AFT_N_CRITERIA];
void aft_criteria_values(double values[AFT_N_CRITERIA], const struct aft_response *response,
                         const struct aft_response *reference,
                         const struct aft_building_config *building);

/* One controller over the motions of one stage or of several. */
struct aft_compared_summary {
    bool present;
    struct aft_statistics to_passive[AFT_N_RATIOS], to_uncontrolled[AFT_N_RATIOS];
    double mean[AFT_N_FIGURES], greatest[AFT_N_FIGURES];
    /* [2]: to passive, to uncontrolled */
    double mean_criteria[2][AFT_N_CRITERIA], worst_criteria[2][AFT_N_CRITERIA];
};

/* Policy less another controller, motion by motion, both to passive. */
struct aft_paired {
    bool present;
    struct aft_statistics difference; /* below 0: the policy is better */
    double change;                    /* mean difference / the other's mean: -0.05 is 5 % better */
    bool clearly_better;              /* at least 5 %, and the interval excludes 0 */
};

/* Peak drift between the passive device (0) and the least that can be reached (1). */
struct aft_bound_summary {
    bool present;
    struct aft_statistics to_passive;            /* the bound */
    struct aft_statistics scale[AFT_N_COMPARED]; /* of those present, motion by motion */
};

struct aft_evaluation_summary {
    int motions;
    struct aft_compared_summary compared[AFT_N_COMPARED];
    /* with LQR, LQG and baseline, where present */
    struct aft_paired peak_drift[AFT_N_COMPARED], rms_drift[AFT_N_COMPARED];
    struct aft_bound_summary bound;
};

/* Over all motions of all comparisons, which are the strata of the resamples. */
enum aft_code aft_summarise(struct aft_evaluation_summary *summary,
                            const struct aft_comparison *comparisons, int n,
                            struct aft_error *error);

#endif
