/* The numbers behind the plots of the HTML report. */
#ifndef AFT_RUNNER_EVALUATE_PAGE_PLOTS_H
#define AFT_RUNNER_EVALUATE_PAGE_PLOTS_H

#include "report/html_report.h"
#include "runner/evaluate/page_memory.h"
#include "runner/evaluate/results.h"

/* Who is on the page, in its order: who is [AFT_N_COMPARED]; returns how many. */
int aft_page_controllers(enum aft_compared *who, const struct aft_comparison *comparison);

/* Fills the set's profile, spectra and histories. */
enum aft_code aft_page_plots(struct aft_html_set *set, struct aft_page_memory *memory,
                             const struct aft_comparison *comparison, struct aft_error *error);

#endif
