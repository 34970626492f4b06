/* Several runs beside each other: statistics over the seeds of one name, and the
 * settings in which they differ. */
#ifndef AFT_RUNNER_RUN_COMPARISON_H
#define AFT_RUNNER_RUN_COMPARISON_H

#include "report/seed_summary.h"
#include "runner/run_result.h"

enum aft_quantity {
    AFT_RESULT_SCORE,    /* of the run's result */
    AFT_BEST_SCORE,      /* the best evaluation of the run */
    AFT_TRAINED_S,       /* until its result */
    AFT_STAGE_SCORE,     /* at the stage's end */
    AFT_STAGE_AT_END,    /* a figure on the stage's motions, at its end … */
    AFT_STAGE_IN_RESULT, /* … and of the run's result */
};

struct aft_column { /* one number that every run has */
    enum aft_quantity quantity;
    int stage; /* counts from 1; for the last three */
    enum aft_figure figure;
};

/* NaN where the run has none. */
double aft_run_value(const struct aft_run_result *run, const struct aft_column *column);

struct aft_run_group { /* runs of one name, each of another seed */
    const char *name;
    int n;
    const struct aft_run_result **runs; /* [n] */
};

struct aft_setting_difference {
    int stage;
    const char *key; /* "section.key"; its value is aft_run_setting's */
};

struct aft_run_comparison { /* borrows from the results */
    int stages;             /* the largest number of one */
    int n_groups;           /* of two runs or more */
    struct aft_run_group *groups;
    int n_differences;
    struct aft_setting_difference *differences; /* by stage; the seed is none */
};

/* Runs of one name of which two have the same seed are no group. */
enum aft_code aft_run_comparison_make(struct aft_run_comparison *comparison,
                                      const struct aft_run_results *results,
                                      struct aft_error *error);
void aft_run_comparison_clear(struct aft_run_comparison *comparison);

enum aft_code aft_run_group_summary(struct aft_seed_summary *summary,
                                    const struct aft_run_group *group,
                                    const struct aft_column *column, struct aft_error *error);

/* NULL where the run has no such stage, or the stage no such setting. */
const struct aft_json *aft_run_setting(const struct aft_run_result *run,
                                       const struct aft_setting_difference *difference);
/* The name of that stage, from the first run that has it. */
const char *aft_run_stage_name(const struct aft_run_results *results, int stage);

#endif
