/*
 * The report of an evaluation as one HTML page: text, tables and plots in a
 * single file that needs no network and no script, reads well on paper and on
 * a light or dark screen, and by ear. A pure function of what it is told:
 * nothing here knows a building.
 */
#ifndef AFT_REPORT_HTML_REPORT_H
#define AFT_REPORT_HTML_REPORT_H

#include "base/error.h"
#include "report/statistics.h"

#include <stdbool.h>
#include <stddef.h>

struct aft_html_fact {                /* a figure with its name, or a line of the notes */
    const char *label, *value, *note; /* note: may be NULL */
};

struct aft_html_controller {
    const char *name;
    int colour; /* enum aft_svg_colour */
    bool dashed, thick;
};

/* A table. Cells are text; the first column names the row. */
struct aft_html_table {
    const char *caption;
    const char *const *heads; /* [n_columns] */
    int n_columns, n_rows;
    char **cells; /* [n_rows][n_columns]; NULL: empty */
};

enum { AFT_HTML_RATIOS = 3 }; /* peak drift, RMS drift, peak floor acceleration */

struct aft_html_history { /* one motion; lines of controllers that are NULL are not drawn */
    const char *title;
    size_t n;
    const double *time_s;
    const double *ground_g;
    const double *const *roof_cm, *const *force_kn, *const *stroke_m; /* [n_controllers][n] */
};

struct aft_html_spectra {
    const double *period_s; /* [n_periods] */
    size_t n_periods;
    const double *const *motions_g; /* [n_motions][n_periods] */
    int n_motions;
    const double *median_g;
    double first_period_s; /* of the building */
};

struct aft_html_set { /* motions of one stage */
    const char *title, *subtitle;
    const char *warning;                 /* NULL: none */
    const struct aft_statistics *ratios; /* to passive: [n_controllers][AFT_HTML_RATIOS] */
    int floors;                          /* 0: no profile */
    const double *const *storey_drift;   /* percent: [n_controllers][floors] */
    const struct aft_html_history *histories;
    int n_histories;
    const struct aft_html_spectra *spectra; /* NULL: none */
    const struct aft_html_table *tables;
    int n_tables;
};

struct aft_html_report {
    const char *title, *subtitle;
    const char *summary; /* a sentence or two */
    const struct aft_html_fact *headlines;
    int n_headlines;
    const struct aft_statistics *ratios; /* over all sets, as in a set; NULL: there is one only */
    const struct aft_html_controller *controllers;
    int n_controllers;
    const struct aft_html_set *sets;
    int n_sets;
    const struct aft_html_table *motions; /* the appendix, one for each set */
    const struct aft_html_fact *definitions, *notes;
    int n_definitions, n_notes;
};

/* The whole page; the caller frees *text. MEMORY is the only failure. */
enum aft_code aft_html_report_write(char **text, size_t *size, const struct aft_html_report *report,
                                    struct aft_error *error);

#endif
