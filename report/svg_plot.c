#include "report/svg_plot.h"

#include "report/markup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DEFAULT_WIDTH = 900,
    LEFT = 80,
    RIGHT = 24,
    TOP = 60,         /* above the first panel: the plot's title … */
    TOP_IN_PAGE = 12, /* … or nothing */
    LINE = 24,        /* a panel's title, a line of its legend */
    DEFAULT_PANEL_HEIGHT = 210,
    BELOW_PANEL = 80, /* its numbers and label, and what keeps it from the next */
    LABEL = 36,       /* less where the label is missing */
    LAST_PANEL = 60,
    LEGEND_MARK = 34,
    LETTER = 7, /* about a letter's width */
};

const char aft_svg_style[] =
    "<style>"
    ".aft-plot text{font:12px sans-serif;fill:#333}"
    ".aft-plot .title{font-size:16px;font-weight:bold}"
    ".aft-plot .name{font-weight:bold}"
    ".aft-plot .back{fill:#fff}"
    ".aft-plot .grid{stroke:#e4e4e4;fill:none}"
    ".aft-plot .frame{stroke:#777;fill:none}"
    ".aft-plot .line{stroke-width:1.3;fill:none;stroke-linejoin:round}"
    ".aft-plot .dash{stroke-dasharray:5 4}"
    ".aft-plot .thin{stroke-width:.7;opacity:.4}.aft-plot .thick{stroke-width:2}"
    ".aft-plot .c0{stroke:#0072b2}.aft-plot .c1{stroke:#d55e00}.aft-plot .c2{stroke:#009e73}"
    ".aft-plot .c3{stroke:#b8578c}.aft-plot .c4{stroke:#333}.aft-plot .c5{stroke:#8c8c8c}"
    ".aft-plot circle{fill:#fff;stroke-width:1.3}"
    "@media screen and (prefers-color-scheme:dark){"
    ".aft-plot text{fill:#d5d8dd}"
    ".aft-plot .back,.aft-plot circle{fill:#16181d}"
    ".aft-plot .grid{stroke:#2c3038}"
    ".aft-plot .frame{stroke:#8a8f98}"
    ".aft-plot .c0{stroke:#56b4e9}.aft-plot .c1{stroke:#ff8c42}.aft-plot .c2{stroke:#2fc79a}"
    ".aft-plot .c3{stroke:#e39ac7}.aft-plot .c4{stroke:#e3e5e9}.aft-plot .c5{stroke:#8a8f98}"
    "}</style>\n";

struct axis {
    double least, greatest; /* at the ends */
    double from, to;        /* pixels */
    bool logarithmic;
};

struct panel {
    const struct aft_svg_panel *told;
    struct axis x, y;
};

static bool is_drawn(const struct aft_svg_axis *axis, double value)
{
    return isfinite(value) && (value > 0 || !axis->logarithmic);
}

static double place(const struct axis *axis, double value)
{
    double a = axis->least, b = axis->greatest;
    double part = axis->logarithmic ? log(value / a) / log(b / a) : (value - a) / (b - a);
    return axis->from + part * (axis->to - axis->from);
}

/* The 1, 2 or 5 times a power of ten at or below the value. */
static double round_down(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), ratio = value / power * (1 + 1e-9);
    return power * (ratio < 2 ? 1 : ratio < 5 ? 2 : 5);
}

static double round_up(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9)), ratio = value / power * (1 - 1e-9);
    return power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
}

/* --- ranges --- */

static void widen(double range[2], const struct aft_svg_axis *axis, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_drawn(axis, values[i])) {
            range[0] = fmin(range[0], values[i]);
            range[1] = fmax(range[1], values[i]);
        }
    }
}

/* Round numbers around the data; linear axes of positive data begin at 0. */
static struct axis range_of(const struct aft_svg_panel *panel, const struct aft_svg_axis *told,
                            double from, double to)
{
    struct axis axis = {told->least, told->greatest, from, to, told->logarithmic};
    double range[2] = {HUGE_VAL, -HUGE_VAL};
    if (told->least != told->greatest) {
        return axis;
    }
    for (int i = 0; i < panel->n_series; i++) {
        const struct aft_svg_series *series = &panel->series[i];
        widen(range, told, told == &panel->x ? series->x : series->y, series->n);
    }
    if (range[0] > range[1]) {
        range[0] = range[1] = 1;
    }
    if (told->logarithmic) {
        axis.least = round_down(range[0] * 0.95);
        axis.greatest = round_up(range[1] * 1.05);
        return axis;
    }
    double least = fmin(range[0], 0),
           spread = fmax(range[1] - least, 1e-12 + fabs(range[1]) * 1e-9);
    axis.least = least - (least < 0 ? 0.05 * spread : 0);
    axis.greatest = least + 1.05 * spread;
    return axis;
}

/* --- axes --- */

static void x_tick(FILE *out, const struct panel *panel, double value)
{
    double x = place(&panel->x, value);
    (void)fprintf(out,
                  "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n",
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

typedef void (*tick)(FILE *out, const struct panel *panel, double value);

static void write_log_ticks(FILE *out, const struct panel *panel, const struct axis *axis,
                            tick write)
{
    static const double between[] = {1, 2, 5};
    int first = (int)floor(log10(axis->least)), last = (int)ceil(log10(axis->greatest));
    size_t per_decade = log10(axis->greatest / axis->least) > 3 ? 1 : 3;
    for (int decade = first; decade <= last; decade++) {
        for (size_t i = 0; i < per_decade; i++) {
            double value = between[i] * pow(10, decade);
            if (value >= axis->least * 0.999 && value <= axis->greatest * 1.001) {
                write(out, panel, value);
            }
        }
    }
}

static void write_ticks(FILE *out, const struct panel *panel, const struct axis *axis, int wanted,
                        tick write)
{
    if (axis->logarithmic) {
        write_log_ticks(out, panel, axis, write);
        return;
    }
    double step = aft_tick_step(axis->greatest - axis->least, wanted);
    int last = (int)floor(axis->greatest / step + 1e-9);
    for (int i = (int)ceil(axis->least / step - 1e-9); i <= last; i++) {
        write(out, panel, i * step);
    }
}

static void write_axes(FILE *out, const struct panel *panel)
{
    double middle = 0.5 * (panel->y.from + panel->y.to);
    write_ticks(out, panel, &panel->x, (int)lround((panel->x.to - panel->x.from) / 100), x_tick);
    write_ticks(out, panel, &panel->y, 5, y_tick);
    (void)fprintf(
        out, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
        panel->x.from, panel->y.to, panel->x.to - panel->x.from, panel->y.from - panel->y.to);
    if (panel->told->x.label != NULL) {
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                      0.5 * (panel->x.from + panel->x.to), panel->y.from + 38);
        aft_markup_text(out, panel->told->x.label);
        (void)fputs("</text>\n", out);
    }
    (void)fprintf(out,
                  "<text x=\"20\" y=\"%.1f\" text-anchor=\"middle\" "
                  "transform=\"rotate(-90 20 %.1f)\">",
                  middle, middle);
    aft_markup_text(out, panel->told->y.label);
    (void)fputs("</text>\n", out);
}

/* --- series --- */

static void write_class(FILE *out, const struct aft_svg_series *series)
{
    (void)fprintf(out, "line%s%s%s c%d", series->dashed ? " dash" : "", series->thin ? " thin" : "",
                  series->thick ? " thick" : "", series->colour % AFT_SVG_COLOURS);
}

/* The points first … end-1 as one column: its greatest value, then its least. */
static void write_column(FILE *out, const struct panel *panel, const struct aft_svg_series *series,
                         size_t range[2], bool *begun)
{
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    for (size_t i = range[0]; i < range[1]; i++) {
        if (is_drawn(&panel->told->y, series->y[i])) {
            least = fmin(least, series->y[i]);
            greatest = fmax(greatest, series->y[i]);
        }
    }
    if (least > greatest || !is_drawn(&panel->told->x, series->x[range[0]])) {
        *begun = false;
        return;
    }
    (void)fprintf(out, "%c%.1f %.1f", *begun ? 'L' : 'M', place(&panel->x, series->x[range[0]]),
                  place(&panel->y, greatest));
    if (least < greatest) {
        (void)fprintf(out, "V%.1f", place(&panel->y, least));
    }
    *begun = true;
}

static void write_markers(FILE *out, const struct panel *panel, const struct aft_svg_series *series)
{
    for (size_t i = 0; i < series->n; i++) {
        if (is_drawn(&panel->told->x, series->x[i]) && is_drawn(&panel->told->y, series->y[i])) {
            (void)fprintf(out, "<circle class=\"c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n",
                          series->colour % AFT_SVG_COLOURS, place(&panel->x, series->x[i]),
                          place(&panel->y, series->y[i]));
        }
    }
}

static void write_series(FILE *out, const struct panel *panel, const struct aft_svg_series *series)
{
    size_t per_column = series->n / (size_t)(panel->x.to - panel->x.from) + 1;
    bool begun = false;
    (void)fputs("<path class=\"", out);
    write_class(out, series);
    (void)fputs("\" d=\"", out);
    for (size_t i = 0; i < series->n; i += per_column) {
        size_t end = i + per_column < series->n ? i + per_column : series->n;
        write_column(out, panel, series, (size_t[2]){i, end}, &begun);
    }
    (void)fputs("\"/>\n", out);
    if (series->markers) {
        write_markers(out, panel, series);
    }
}

/* --- legend --- */

static double legend_width(const char *name)
{
    double letters = 0;
    for (; *name; name++) {
        letters += ((unsigned char)*name & 0xc0) != 0x80; /* of UTF-8 */
    }
    return LEGEND_MARK + LETTER * letters + 16;
}

/* Writes the legend from that height on, or with out NULL only counts its lines. */
static int write_legend(FILE *out, const struct aft_svg_panel *panel, double top, double right)
{
    double x = LEFT;
    int lines = 0;
    for (int i = 0; i < panel->n_series; i++) {
        const struct aft_svg_series *series = &panel->series[i];
        if (series->name == NULL) {
            continue;
        }
        double width = legend_width(series->name);
        if (lines == 0 || x + width > right) {
            x = LEFT;
            lines++;
        }
        if (out != NULL) {
            double y = top + (lines - 1) * LINE + 10;
            (void)fputs("<path class=\"", out);
            write_class(out, series);
            (void)fprintf(out, "\" d=\"M%.1f %.1fh26\"/><text x=\"%.1f\" y=\"%.1f\">", x, y,
                          x + LEGEND_MARK, y + 4);
            aft_markup_text(out, series->name);
            (void)fputs("</text>\n", out);
        }
        x += width;
    }
    return lines;
}

/* --- the whole --- */

struct canvas {
    FILE *out;
    double right, panel_height; /* of every panel's frame */
};

static double heading_height(const struct aft_svg_panel *panel, double right)
{
    return LINE * ((panel->title != NULL) + write_legend(NULL, panel, 0, right));
}

/* From a panel's top to the next one's. */
static double panel_pitch(const struct canvas *canvas, const struct aft_svg_panel *panel)
{
    return heading_height(panel, canvas->right) + canvas->panel_height + BELOW_PANEL -
           (panel->x.label == NULL ? LABEL : 0);
}

static void write_panel(const struct canvas *canvas, const struct aft_svg_panel *told, double top)
{
    FILE *out = canvas->out;
    double frame = top + heading_height(told, canvas->right);
    double legend = top + (told->title != NULL ? LINE : 0);
    struct panel panel = {.told = told};
    panel.x = range_of(told, &told->x, LEFT, canvas->right);
    panel.y = range_of(told, &told->y, frame + canvas->panel_height, frame);
    if (told->title != NULL) {
        (void)fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT, top + 12);
        aft_markup_text(out, told->title);
        (void)fputs("</text>\n", out);
    }
    (void)write_legend(out, told, legend, canvas->right);
    write_axes(out, &panel);
    for (int i = 0; i < told->n_series; i++) {
        write_series(out, &panel, &told->series[i]);
    }
}

static void write_title(FILE *out, const struct aft_svg_plot *plot, int width)
{
    (void)fprintf(out,
                  "%s<rect class=\"back\" width=\"100%%\" height=\"100%%\"/>\n"
                  "<text class=\"title\" x=\"%d\" y=\"34\" text-anchor=\"middle\">",
                  aft_svg_style, width / 2);
    aft_markup_text(out, plot->title);
    (void)fputs("</text>\n", out);
}

static void write_plot(FILE *out, const struct aft_svg_plot *plot)
{
    int width = plot->width > 0 ? plot->width : DEFAULT_WIDTH;
    double top = plot->in_page ? TOP_IN_PAGE : TOP;
    double height = top + LAST_PANEL - BELOW_PANEL;
    const struct canvas canvas = {
        out, width - RIGHT, plot->panel_height > 0 ? plot->panel_height : DEFAULT_PANEL_HEIGHT};
    for (int i = 0; i < plot->n_panels; i++) {
        height += panel_pitch(&canvas, &plot->panels[i]);
    }
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"aft-plot\" "
                  "viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" role=\"img\">\n<title>",
                  width, height, width, height);
    aft_markup_text(out, plot->title);
    (void)fputs("</title>\n", out);
    if (!plot->in_page) {
        write_title(out, plot, width);
    }
    for (int i = 0; i < plot->n_panels; i++) {
        write_panel(&canvas, &plot->panels[i], top);
        top += panel_pitch(&canvas, &plot->panels[i]);
    }
    (void)fputs("</svg>\n", out);
}

enum aft_code aft_svg_draw(char **text, size_t *size, const struct aft_svg_plot *plot,
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
