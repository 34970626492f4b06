/*
 * `aftershock train`: runs the curriculum from where it stands. The command line
 * fills the options; what they mean is written down in the table of cli/train.c.
 */
#ifndef AFT_RUNNER_TRAIN_H
#define AFT_RUNNER_TRAIN_H

#include "report/observers.h"
#include "runner/exit_code.h"

#include <stdbool.h>

struct aft_train_options {       /* all strings are borrowed, and valid until exit */
    const char *curriculum_path; /* default "stages.ini" */
    const char *models_dir;      /* default "models" */
    bool fresh;                  /* move the old run aside, delete nothing */
    bool accept_changes;
    const char *const *overrides; /* "SECTION.KEY=VALUE", for aft_curriculum_load. --run-name, */
    int n_overrides;              /* --seed, --device, --engine, --threads and --resume stage are
                                   * among them as run.name=… and so on, in command-line order */
    const char *resume_path;      /* `--resume PATH`; NULL: by [recovery] resume */
    int stop_after_stage;         /* counts from 1; 0: none */
    bool dry_run;                 /* print the plan, train nothing */
    enum aft_progress_style progress;
    enum aft_colour colour;
    int *stopped_by; /* set to the signal that asked the run to stop, also where the run came to
                      * its end nevertheless; left alone where none did; may be NULL */
};

/* Returns the exit code of the program; has printed what there is to say. */
int aft_run_train(const struct aft_train_options *options);

#endif
