#include "report/interval_chart.h"

#include "report/markup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WIDTH = 900,
    NAMES = 112, /* left of the first column */
    GAP = 28,    /* between columns: the first and last numbers of their axes */
    TOP = 34,
    ROW = 26,
    BAR = 14,
    BOTTOM = 34,
    FIGURE = 44, /* right of the longest interval: the number */
};

struct column {
    double left, width, greatest;
};

static double place(const struct column *column, double value)
{
    return column->left + column->width * fmin(fmax(value / column->greatest, 0), 1);
}

static const struct aft_statistics *value_at(const struct aft_interval_chart *chart, int row,
                                             int column)
{
    return &chart->values[row * chart->n_columns + column];
}

/* Room for the longest interval and the number beside it. */
static struct column column_of(const struct aft_interval_chart *chart, int index)
{
    double width = (double)(WIDTH - NAMES) / chart->n_columns;
    struct column column = {NAMES + index * width, width - GAP, 1};
    for (int i = 0; i < chart->n_rows; i++) {
        const struct aft_statistics *value = value_at(chart, i, index);
        double end = isfinite(value->mean_high) ? value->mean_high : value->mean;
        column.greatest = isfinite(end) ? fmax(column.greatest, end) : column.greatest;
    }
    column.greatest *= column.width / (column.width - FIGURE);
    return column;
}

static void write_axis(FILE *out, const struct aft_interval_chart *chart, int index)
{
    const struct column column = column_of(chart, index);
    double bottom = TOP + chart->n_rows * ROW, step = aft_tick_step(column.greatest, 4);
    (void)fprintf(out, "<text class=\"name\" x=\"%.1f\" y=\"16\">", column.left);
    aft_markup_text(out, chart->columns[index]);
    (void)fputs("</text>\n", out);
    for (int i = 0; i * step <= column.greatest; i++) {
        double x = place(&column, i * step);
        (void)fprintf(out,
                      "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n",
                      x, TOP - 6, bottom, x, bottom + 16, i * step);
    }
    double one = place(&column, 1);
    (void)fprintf(out, "<path class=\"frame dash\" d=\"M%.1f %dV%.1f\"/>\n", one, TOP - 6, bottom);
}

static void write_value(FILE *out, const struct aft_interval_chart *chart, int row, int index)
{
    const struct column column = column_of(chart, index);
    const struct aft_statistics *value = value_at(chart, row, index);
    double middle = TOP + (row + 0.5) * ROW, end = place(&column, value->mean);
    if (!isfinite(value->mean)) {
        return;
    }
    (void)fprintf(out,
                  "<rect class=\"bar f%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>",
                  chart->rows[row].colour, column.left, middle - 0.5 * BAR, end - column.left, BAR);
    if (isfinite(value->mean_low) && isfinite(value->mean_high)) {
        double low = place(&column, value->mean_low), high = place(&column, value->mean_high);
        (void)fprintf(out,
                      "<path class=\"whisker\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\"/>",
                      low, middle, high, low, middle - 4, high, middle - 4);
        end = fmax(end, high);
    }
    (void)fprintf(out, "<text class=\"figure\" x=\"%.1f\" y=\"%.1f\">%.2f</text>\n", end + 7,
                  middle + 4, value->mean);
}

static void write_chart(FILE *out, const struct aft_interval_chart *chart)
{
    int height = TOP + chart->n_rows * ROW + BOTTOM;
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"aft-plot\" "
                  "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n<title>",
                  WIDTH, height, WIDTH, height);
    aft_markup_text(out, chart->title);
    (void)fputs("</title>\n", out);
    for (int column = 0; column < chart->n_columns; column++) {
        write_axis(out, chart, column);
    }
    for (int row = 0; row < chart->n_rows; row++) {
        (void)fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", NAMES - 10,
                      TOP + (row + 0.5) * ROW + 4);
        aft_markup_text(out, chart->rows[row].name);
        (void)fputs("</text>\n", out);
        for (int column = 0; column < chart->n_columns; column++) {
            write_value(out, chart, row, column);
        }
    }
    (void)fputs("</svg>\n", out);
}

enum aft_code aft_interval_chart_draw(char **text, size_t *size,
                                      const struct aft_interval_chart *chart,
                                      struct aft_error *error)
{
    *text = NULL;
    FILE *out = open_memstream(text, size);
    if (out == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", chart->title);
    }
    write_chart(out, chart);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        *text = NULL;
        return aft_fail(error, AFT_ERR_MEMORY, "draw '%s': out of memory", chart->title);
    }
    return AFT_OK;
}
