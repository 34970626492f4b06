/* A ground motion as a picture: accelerogram above, response spectrum below. */
#ifndef AFT_RUNNER_MOTION_PLOT_H
#define AFT_RUNNER_MOTION_PLOT_H

#include "base/error.h"

#include <stddef.h>

struct aft_motion_plot {
    const char *title;
    const double *acceleration_g; /* [n] */
    size_t n;
    double dt_s;
    const double *period_s, *spectral_g; /* [n_periods], periods ascending, above 0 */
    size_t n_periods;
};

/* A self-contained SVG; the caller frees *text. */
enum aft_code aft_motion_plot_svg(char **text, size_t *size, const struct aft_motion_plot *plot,
                                  struct aft_error *error);

#endif
