/* What `aftershock compare` prints for people. */
#ifndef AFT_CLI_COMPARE_TABLE_H
#define AFT_CLI_COMPARE_TABLE_H

#include "runner/run_comparison.h"

enum aft_code aft_compare_print_tables(const struct aft_run_results *results,
                                       const struct aft_run_comparison *comparison,
                                       struct aft_error *error);

#endif
