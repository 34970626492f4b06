/* An iteration's figures by Stable-Baselines3's names and ours: the columns of
 * progress.csv, and the tags of the event files. */
#ifndef AFT_REPORT_ITERATION_FIGURES_H
#define AFT_REPORT_ITERATION_FIGURES_H

#include "report/event.h"

#include <stdbool.h>
#include <stdint.h>

#define AFT_TOTAL_STEPS "time/total_timesteps"

enum { AFT_FIGURE_NAME_SIZE = 64, AFT_MAX_FIGURES = 40 };

struct aft_figure {
    char name[AFT_FIGURE_NAME_SIZE];
    bool whole; /* the value is integer, else real */
    bool plain; /* an axis or a count: Stable-Baselines3 shows it in no event file */
    int64_t integer;
    double real; /* not finite: not known */
};

/* Fills the figures of an AFT_EVENT_ITERATION; returns how many there are. */
int aft_iteration_figures(struct aft_figure figures[AFT_MAX_FIGURES],
                          const struct aft_event *event);

#endif
