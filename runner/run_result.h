/*
 * What runs came to, as their archives' manifests tell it: scores and settings of
 * each stage. Needs nothing that computes.
 */
#ifndef AFT_RUNNER_RUN_RESULT_H
#define AFT_RUNNER_RUN_RESULT_H

#include "base/error.h"
#include "base/json.h"
#include "curriculum/settings.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum aft_figure { /* of an evaluation on a stage's held-out motions */
                  AFT_FIGURE_PEAK,
                  AFT_FIGURE_RMS,
                  AFT_FIGURE_WORST,
                  AFT_FIGURE_STROKE,
                  AFT_FIGURE_POWER,
                  AFT_FIGURES,
};
/* "peak_drift_to_passive", …: the keys of manifests. */
const char *aft_figure_key(enum aft_figure figure);

struct aft_stage_figures {
    double figure[AFT_FIGURES]; /* NaN: not evaluated */
};

struct aft_stage_result { /* of one archive */
    char path[PATH_MAX];
    int stage; /* counts from 1 */
    char name[AFT_MAX_NAME];
    int64_t steps, total_steps;
    double score;     /* NaN: none */
    double trained_s; /* over the run so far */
    int n_figures;
    struct aft_stage_figures *figures; /* [n_figures]: on the motions of stage 1, 2, … */
    struct aft_json *settings;         /* effective ones, with those of its evaluation */
};

struct aft_run_result {
    char path[PATH_MAX];  /* as given */
    char label[PATH_MAX]; /* the run's name; with the archive's where one was given */
    char name[AFT_MAX_NAME];
    char group[AFT_MAX_NAME]; /* the name without -seed<k> */
    uint64_t seed;
    int stages_total;
    bool has_result; /* all stages are complete, or it is a single archive: the last of … */
    int n_stages;
    struct aft_stage_result *stages; /* [n_stages], ascending */
    double best_score;               /* of best_model.zip, else of the stages; NaN: none */
    int best_stage;
};

struct aft_left_out {
    char path[PATH_MAX];
    char reason[256];
};

struct aft_run_results { /* zeroed to begin with */
    int n;
    struct aft_run_result *runs; /* in the order in which they were added */
    int n_left_out;
    struct aft_left_out *left_out; /* archives that cannot be believed, runs without any */
};

/* Reads a run's folder, or one archive, and verifies all that it takes figures from.
 * What is not sound is left out, and that is no failure. */
enum aft_code aft_run_results_add(struct aft_run_results *results, const char *path,
                                  struct aft_error *error);
void aft_run_results_clear(struct aft_run_results *results);

/* The archive of that stage; NULL where the run has none. */
const struct aft_stage_result *aft_run_stage(const struct aft_run_result *run, int stage);
/* The archive of the run's result; NULL where it is not complete. */
const struct aft_stage_result *aft_run_final(const struct aft_run_result *run);
/* A figure on a stage's motions; NaN where the archive (or NULL) has none. */
double aft_stage_figure(const struct aft_stage_result *result, int stage, enum aft_figure figure);

#endif
