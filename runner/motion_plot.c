#include "runner/motion_plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, HEIGHT = 620, LEFT = 80, RIGHT = 24, PANEL_HEIGHT = 210, MAX_PIXELS = 796 };

struct axis {
    double least, greatest; /* at the ends */
    double from, to;        /* pixels */
    bool logarithmic;
};

struct panel {
    struct axis x, y;
    const char *x_label, *y_label;
};

static double place(const struct axis *axis, double value)
{
    double a = axis->least, b = axis->greatest;
    double part = axis->logarithmic ? log(value / a) / log(b / a) : (value - a) / (b - a);
    return axis->from + part * (axis->to - axis->from);
}

/* 1, 2 or 5 times a power of ten: about `wanted` steps over the range. */
static double tick_step(double range, int wanted)
{
    double rough = range / wanted, power = pow(10, floor(log10(rough))), ratio = rough / power;
    return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                                            : NULL;
        if (entity) {
            (void)fputs(entity, out);
        } else if ((unsigned char)*text >= ' ') {
            (void)fputc(*text, out);
        }
    }
}

static void x_tick(FILE *out, const struct panel *panel, double value)
{
    double x = place(&panel->x, value);
    (void)fprintf(out,
                  "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>\n",
                  x, panel->y.from, panel->y.to, x, panel->y.from + 18, value);
}

static void y_tick(FILE *out, const struct panel *panel, double value)
{
    double y = place(&panel->y, value);
    (void)fprintf(out,
                  "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                  panel->x.from, y, panel->x.to, panel->x.from - 8, y + 4, value);
}

static void write_axes(FILE *out, const struct panel *panel)
{
    if (panel->x.logarithmic) {
        static const double ticks[] = {0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
        for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++) {
            if (ticks[i] >= panel->x.least * 0.999 && ticks[i] <= panel->x.greatest * 1.001) {
                x_tick(out, panel, ticks[i]);
            }
        }
    } else {
        double step = tick_step(panel->x.greatest - panel->x.least, 8);
        for (int i = 0; i * step <= panel->x.greatest * (1 + 1e-9); i++) {
            x_tick(out, panel, i * step);
        }
    }
    double step = tick_step(panel->y.greatest - panel->y.least, 5);
    int last = (int)floor(panel->y.greatest / step + 1e-9);
    for (int i = (int)ceil(panel->y.least / step - 1e-9); i <= last; i++) {
        y_tick(out, panel, i * step);
    }
    (void)fprintf(
        out, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
        panel->x.from, panel->y.to, panel->x.to - panel->x.from, panel->y.from - panel->y.to);
    double middle = 0.5 * (panel->y.from + panel->y.to);
    (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                  0.5 * (panel->x.from + panel->x.to), panel->y.from + 38, panel->x_label);
    (void)fprintf(out,
                  "<text x=\"20\" y=\"%.1f\" text-anchor=\"middle\" "
                  "transform=\"rotate(-90 20 %.1f)\">%s</text>\n",
                  middle, middle, panel->y_label);
}

/* Per pixel column the least and the greatest sample: long records stay small. */
static void write_accelerogram(FILE *out, const struct panel *panel,
                               const struct aft_motion_plot *plot)
{
    size_t per_column = plot->n / MAX_PIXELS + 1;
    (void)fputs("<path class=\"line\" d=\"", out);
    for (size_t i = 0; i < plot->n; i += per_column) {
        double least = plot->acceleration_g[i], greatest = least;
        for (size_t j = i; j < i + per_column && j < plot->n; j++) {
            least = fmin(least, plot->acceleration_g[j]);
            greatest = fmax(greatest, plot->acceleration_g[j]);
        }
        double x = place(&panel->x, (double)i * plot->dt_s);
        (void)fprintf(out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x, place(&panel->y, greatest));
        if (per_column > 1) {
            (void)fprintf(out, "V%.1f", place(&panel->y, least));
        }
    }
    (void)fputs("\"/>\n", out);
}

static void write_spectrum(FILE *out, const struct panel *panel, const struct aft_motion_plot *plot)
{
    (void)fputs("<path class=\"line\" d=\"", out);
    for (size_t i = 0; i < plot->n_periods; i++) {
        (void)fprintf(out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', place(&panel->x, plot->period_s[i]),
                      place(&panel->y, plot->spectral_g[i]));
    }
    (void)fputs("\"/>\n", out);
}

static double greatest_of(const double *values, size_t n)
{
    double greatest = 1e-6;
    for (size_t i = 0; i < n; i++) {
        greatest = fmax(greatest, fabs(values[i]));
    }
    return greatest;
}

static void write_plot(FILE *out, const struct aft_motion_plot *plot)
{
    double peak = 1.1 * greatest_of(plot->acceleration_g, plot->n);
    double top = 1.1 * greatest_of(plot->spectral_g, plot->n_periods);
    double end = fmax(plot->dt_s, (double)(plot->n - 1) * plot->dt_s);
    struct panel motion = {{0, end, LEFT, WIDTH - RIGHT, false},
                           {-peak, peak, 60 + PANEL_HEIGHT, 60, false},
                           "time (s)",
                           "acceleration (g)"};
    struct panel spectrum = {
        {plot->period_s[0], plot->period_s[plot->n_periods - 1], LEFT, WIDTH - RIGHT, true},
        {0, top, 350 + PANEL_HEIGHT, 350, false},
        "period (s)",
        "5 % damped spectral acceleration (g)"};
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                  "width=\"%d\" height=\"%d\" role=\"img\">\n<title>",
                  WIDTH, HEIGHT, WIDTH, HEIGHT);
    write_escaped(out, plot->title);
    (void)fputs(
        "</title>\n<style>text{font:12px sans-serif;fill:#333}"
        ".title{font-size:16px;font-weight:bold}.grid{stroke:#e4e4e4;fill:none}"
        ".frame{stroke:#777;fill:none}.line{stroke:#1f5fa8;stroke-width:1.1;fill:none;"
        "stroke-linejoin:round}</style>\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"#fff\"/>\n<text class=\"title\" x=\"450\" y=\"34\" text-anchor=\"middle\">",
        out);
    write_escaped(out, plot->title);
    (void)fputs("</text>\n", out);
    write_axes(out, &motion);
    write_accelerogram(out, &motion, plot);
    write_axes(out, &spectrum);
    write_spectrum(out, &spectrum, plot);
    (void)fputs("</svg>\n", out);
}

enum aft_code aft_motion_plot_svg(char **text, size_t *size, const struct aft_motion_plot *plot,
                                  struct aft_error *error)
{
    *text = NULL;
    FILE *out = open_memstream(text, size);
    if (!out) {
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", plot->title);
    }
    write_plot(out, plot);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", plot->title);
    }
    return AFT_OK;
}
