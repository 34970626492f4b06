/* The tables of the HTML report. */
#ifndef AFT_RUNNER_EVALUATE_PAGE_TABLES_H
#define AFT_RUNNER_EVALUATE_PAGE_TABLES_H

#include "report/html_report.h"
#include "runner/evaluate/page_memory.h"
#include "runner/evaluate/results.h"

/* Figures of the controllers, criteria, and robustness where it was asked for. */
enum aft_code aft_page_tables(struct aft_html_set *set, struct aft_page_memory *memory,
                              const struct aft_evaluation_results *results, int stage,
                              struct aft_error *error);

/* Every motion of a stage. */
enum aft_code aft_page_motions(struct aft_html_table *table, struct aft_page_memory *memory,
                               const struct aft_comparison *comparison, struct aft_error *error);

#endif
