/*
 * Line plots as SVG: panels one above the other, linear and logarithmic axes,
 * several series with a legend. The text stands alone and may be put into an
 * HTML page as it is: its style applies inside it only, and follows the
 * reader's light or dark scheme. The colours are those that Okabe and Ito chose
 * so that colour-blind readers tell them apart, and two greys.
 */
#ifndef AFT_REPORT_SVG_PLOT_H
#define AFT_REPORT_SVG_PLOT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum aft_svg_colour {
    AFT_SVG_BLUE,
    AFT_SVG_VERMILLION,
    AFT_SVG_GREEN,
    AFT_SVG_PURPLE,
    AFT_SVG_DARK, /* as the text */
    AFT_SVG_GREY,
    AFT_SVG_COLOURS
};

struct aft_svg_axis {
    const char *label;      /* of x: may be NULL, for panels that share the one below */
    double least, greatest; /* equal: taken from the data */
    bool logarithmic;       /* what is not above 0 is not drawn */
};

struct aft_svg_series {
    const char *name; /* for the legend; NULL: not in it */
    const double *x;  /* [n], ascending where there are more of them than pixels */
    const double *y;  /* [n]; what is not finite interrupts the line */
    size_t n;   /* any number: beyond the pixels, least and greatest of each column are drawn */
    int colour; /* 0…AFT_SVG_COLOURS-1, and again from the first */
    bool dashed, markers;
    bool thin; /* one of many: faint */
    bool thick;
};

struct aft_svg_panel {
    const char *title; /* NULL: none */
    struct aft_svg_axis x, y;
    const struct aft_svg_series *series; /* [n_series] */
    int n_series;
};

struct aft_svg_plot {
    const char *title;
    const struct aft_svg_panel *panels;
    int n_panels;
    int width, panel_height; /* pixels; 0: 900 and 210 */
    bool in_page;            /* without style and drawn title: the page around it has them */
};

/* The <style> element of every plot, for pages. */
extern const char aft_svg_style[];

/* The whole picture; the caller frees *text. MEMORY is the only failure. */
enum aft_code aft_svg_draw(char **text, size_t *size, const struct aft_svg_plot *plot,
                           struct aft_error *error);

#endif
