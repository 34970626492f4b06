/*
 * Bars with 95 % intervals as SVG: one row for each thing compared, several
 * figures side by side, each with its own scale and a line at 1 (as good as the
 * reference).
 */
#ifndef AFT_REPORT_INTERVAL_CHART_H
#define AFT_REPORT_INTERVAL_CHART_H

#include "base/error.h"
#include "report/statistics.h"
#include "report/svg_plot.h"

struct aft_interval_row {
    const char *name;
    int colour; /* enum aft_svg_colour */
};

struct aft_interval_chart {
    const char *title;                   /* for readers of the page that do not see it */
    const struct aft_interval_row *rows; /* [n_rows] */
    int n_rows;
    const char *const *columns; /* [n_columns]: what is measured */
    int n_columns;
    const struct aft_statistics *values; /* [n_rows][n_columns]; what is not finite is left out */
};

/* For a page with aft_svg_style; the caller frees *text. MEMORY is the only failure. */
enum aft_code aft_interval_chart_draw(char **text, size_t *size,
                                      const struct aft_interval_chart *chart,
                                      struct aft_error *error);

#endif
