#include "report/html_report.h"

#include "report/html_style.h"
#include "report/interval_chart.h"
#include "report/markup.h"
#include "report/svg_plot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_WIDTH = 442, PROFILE_HEIGHT = 300, HISTORY_HEIGHT = 106, MAX_LINES = 16 };

static const char *const ratio_names[AFT_HTML_RATIOS] = {
    "peak drift / passive", "RMS drift / passive", "peak floor acceleration / passive"};

struct page {
    FILE *out;
    const struct aft_html_report *report;
    struct aft_error *error;
    enum aft_code code; /* the first failure; what is drawn after it is left out */
};

/* "<tag>text</tag>" */
static void element(FILE *out, const char *tag, const char *text)
{
    (void)fprintf(out, "<%s>", tag);
    aft_markup_text(out, text);
    (void)fprintf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

static void begin_figure(const struct page *page, const char *caption)
{
    (void)fputs("<figure>\n", page->out);
    element(page->out, "figcaption", caption);
}

static void put_plot(struct page *page, const struct aft_svg_plot *plot)
{
    char *text = NULL;
    size_t size = 0;
    if (page->code == AFT_OK) {
        page->code = aft_svg_draw(&text, &size, plot, page->error);
    }
    if (page->code == AFT_OK) {
        (void)fwrite(text, 1, size, page->out);
    }
    free(text);
}

/* --- tables --- */

static void write_table(FILE *out, const struct aft_html_table *table)
{
    (void)fputs("<div class=\"wide\"><table>\n", out);
    element(out, "caption", table->caption);
    (void)fputs("<thead><tr>", out);
    for (int c = 0; c < table->n_columns; c++) {
        element(out, "th scope=\"col\"", table->heads[c]);
    }
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    for (int r = 0; r < table->n_rows; r++) {
        (void)fputs("<tr>", out);
        for (int c = 0; c < table->n_columns; c++) {
            const char *cell = table->cells[r * table->n_columns + c];
            element(out, c == 0 ? "th scope=\"row\"" : "td", cell != NULL ? cell : "");
        }
        (void)fputs("</tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n", out);
}

static void write_facts(FILE *out, const struct aft_html_fact *facts, int n)
{
    (void)fputs("<dl>\n", out);
    for (int i = 0; i < n; i++) {
        element(out, "dt", facts[i].label);
        element(out, "dd", facts[i].value);
    }
    (void)fputs("</dl>\n", out);
}

/* --- plots --- */

static void write_ratios(struct page *page, const struct aft_statistics *ratios)
{
    const struct aft_html_report *report = page->report;
    struct aft_interval_row rows[MAX_LINES];
    char *text = NULL;
    size_t size = 0;
    int n = report->n_controllers < MAX_LINES ? report->n_controllers : MAX_LINES;
    for (int i = 0; i < n; i++) {
        rows[i] =
            (struct aft_interval_row){report->controllers[i].name, report->controllers[i].colour};
    }
    const struct aft_interval_chart chart = {
        .title = "Means over the motions with 95 % intervals, relative to the passive building",
        .rows = rows,
        .n_rows = n,
        .columns = ratio_names,
        .n_columns = AFT_HTML_RATIOS,
        .values = ratios,
    };
    begin_figure(page,
                 "Mean ratios to the passive building with 95 % bootstrap intervals. "
                 "Left of the dashed line is better than passive.");
    if (page->code == AFT_OK) {
        page->code = aft_interval_chart_draw(&text, &size, &chart, page->error);
    }
    if (page->code == AFT_OK) {
        (void)fwrite(text, 1, size, page->out);
    }
    free(text);
    (void)fputs("</figure>\n", page->out);
}

static struct aft_svg_series line_of(const struct aft_html_controller *controller, const double *x,
                                     const double *y, size_t n)
{
    return (struct aft_svg_series){.name = controller->name,
                                   .x = x,
                                   .y = y,
                                   .n = n,
                                   .colour = controller->colour,
                                   .dashed = controller->dashed,
                                   .thick = controller->thick};
}

static void write_profile(struct page *page, const struct aft_html_set *set)
{
    const struct aft_html_report *report = page->report;
    struct aft_svg_series lines[MAX_LINES];
    double *storeys = calloc((size_t)set->floors + 1, sizeof *storeys);
    int n = 0;
    if (storeys == NULL) {
        page->code = aft_fail(page->error, AFT_ERR_MEMORY, "write the report: out of memory");
        return;
    }
    for (int i = 0; i < set->floors; i++) {
        storeys[i] = i + 1;
    }
    for (int i = 0; i < report->n_controllers && n < MAX_LINES; i++) {
        if (set->storey_drift[i] != NULL) {
            lines[n] = line_of(&report->controllers[i], set->storey_drift[i], storeys,
                               (size_t)set->floors);
            lines[n++].markers = true;
        }
    }
    const struct aft_svg_panel panel = {.x = {.label = "peak storey drift (% of height)"},
                                        .y = {"storey", 0, set->floors + 0.5, false},
                                        .series = lines,
                                        .n_series = n};
    const struct aft_svg_plot plot = {.title = "Peak drift of each storey, mean over the motions",
                                      .panels = &panel,
                                      .n_panels = 1,
                                      .width = HALF_WIDTH,
                                      .panel_height = PROFILE_HEIGHT,
                                      .in_page = true};
    begin_figure(page, "Drift over the height: each storey's peak, mean over the motions.");
    put_plot(page, &plot);
    (void)fputs("</figure>\n", page->out);
    free(storeys);
}

static void write_spectra(struct page *page, const struct aft_html_spectra *spectra)
{
    int n = 0;
    double greatest = 0;
    struct aft_svg_series *lines = calloc((size_t)spectra->n_motions + 2, sizeof *lines);
    if (lines == NULL) {
        page->code = aft_fail(page->error, AFT_ERR_MEMORY, "write the report: out of memory");
        return;
    }
    for (int i = 0; i < spectra->n_motions; i++) {
        lines[n++] = (struct aft_svg_series){.name = i == 0 ? "each motion" : NULL,
                                             .x = spectra->period_s,
                                             .y = spectra->motions_g[i],
                                             .n = spectra->n_periods,
                                             .colour = AFT_SVG_GREY,
                                             .thin = true};
        for (size_t p = 0; p < spectra->n_periods; p++) {
            double value = spectra->motions_g[i][p];
            greatest = value > greatest ? value : greatest;
        }
    }
    lines[n++] = (struct aft_svg_series){.name = "median",
                                         .x = spectra->period_s,
                                         .y = spectra->median_g,
                                         .n = spectra->n_periods,
                                         .colour = AFT_SVG_DARK,
                                         .thick = true};
    const double period[2] = {spectra->first_period_s, spectra->first_period_s};
    const double height[2] = {0, 1.05 * greatest};
    lines[n++] = (struct aft_svg_series){.name = "first period",
                                         .x = period,
                                         .y = height,
                                         .n = 2,
                                         .colour = AFT_SVG_BLUE,
                                         .dashed = true};
    const struct aft_svg_panel panel = {
        .x = {"period (s)", spectra->period_s[0], spectra->period_s[spectra->n_periods - 1], true},
        .y = {.label = "spectral acceleration (g)"},
        .series = lines,
        .n_series = n};
    const struct aft_svg_plot plot = {.title = "Response spectra of the motions, 5 % damped",
                                      .panels = &panel,
                                      .n_panels = 1,
                                      .width = HALF_WIDTH,
                                      .panel_height = PROFILE_HEIGHT,
                                      .in_page = true};
    begin_figure(page, "The motions: response spectra, 5 % damped.");
    put_plot(page, &plot);
    (void)fputs("</figure>\n", page->out);
    free(lines);
}

/* Only the first panel has the legend. */
static int lines_of(struct aft_svg_series *lines, const struct aft_html_report *report,
                    const struct aft_html_history *history, const double *const *values, bool named)
{
    int n = 0;
    for (int i = 0; i < report->n_controllers && n < MAX_LINES; i++) {
        if (values[i] != NULL) {
            lines[n] = line_of(&report->controllers[i], history->time_s, values[i], history->n);
            lines[n].dashed = false;
            lines[n].name = named ? lines[n].name : NULL;
            n++;
        }
    }
    return n;
}

static void write_history(struct page *page, const struct aft_html_history *history)
{
    enum { CURVES = 3, PANELS = CURVES + 1 };
    static const char *const labels[CURVES] = {"roof (cm)", "force (kN)", "stroke (m)"};
    const double *const *const values[CURVES] = {history->roof_cm, history->force_kn,
                                                 history->stroke_m};
    const double end = history->n > 1 ? history->time_s[history->n - 1] : 1;
    struct aft_svg_series lines[CURVES][MAX_LINES];
    const struct aft_svg_series ground = {
        .x = history->time_s, .y = history->ground_g, .n = history->n, .colour = AFT_SVG_DARK};
    struct aft_svg_panel panels[PANELS];
    for (int i = 0; i < CURVES; i++) {
        int n = lines_of(lines[i], page->report, history, values[i], i == 0);
        panels[i] = (struct aft_svg_panel){.x = {NULL, 0, end, false},
                                           .y = {.label = labels[i]},
                                           .series = lines[i],
                                           .n_series = n};
    }
    panels[CURVES] = (struct aft_svg_panel){.x = {"time (s)", 0, end, false},
                                            .y = {.label = "ground (g)"},
                                            .series = &ground,
                                            .n_series = 1};
    const struct aft_svg_plot plot = {.title = history->title,
                                      .panels = panels,
                                      .n_panels = PANELS,
                                      .panel_height = HISTORY_HEIGHT,
                                      .in_page = true};
    begin_figure(page, history->title);
    put_plot(page, &plot);
    (void)fputs("</figure>\n", page->out);
}

/* --- the whole --- */

static void write_set(struct page *page, int index)
{
    const struct aft_html_set *set = &page->report->sets[index];
    (void)fprintf(page->out, "<section id=\"set%d\">\n", index + 1);
    element(page->out, "h2", set->title);
    element(page->out, "p class=\"about\"", set->subtitle);
    if (set->warning != NULL) {
        element(page->out, "p class=\"warning\"", set->warning);
    }
    write_ratios(page, set->ratios);
    for (int i = 0; i < set->n_tables; i++) {
        write_table(page->out, &set->tables[i]);
    }
    (void)fputs("<div class=\"pair\">\n", page->out);
    if (set->floors > 0) {
        write_profile(page, set);
    }
    if (set->spectra != NULL) {
        write_spectra(page, set->spectra);
    }
    (void)fputs("</div>\n", page->out);
    for (int i = 0; i < set->n_histories; i++) {
        write_history(page, &set->histories[i]);
    }
    (void)fputs("</section>\n", page->out);
}

static void write_head(FILE *out, const struct aft_html_report *report)
{
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n",
        out);
    element(out, "title", report->title);
    (void)fprintf(out, "%s%s</head>\n<body>\n<main>\n<header>\n", aft_svg_style, aft_html_style);
    element(out, "h1", report->title);
    element(out, "p class=\"about\"", report->subtitle);
    (void)fputs("</header>\n", out);
}

static void write_headlines(FILE *out, const struct aft_html_report *report)
{
    (void)fputs("<div class=\"headlines\">\n", out);
    for (int i = 0; i < report->n_headlines; i++) {
        const struct aft_html_fact *fact = &report->headlines[i];
        (void)fputs("<div class=\"headline\">\n", out);
        element(out, "div class=\"label\"", fact->label);
        element(out, "div class=\"value\"", fact->value);
        element(out, "div class=\"note\"", fact->note != NULL ? fact->note : "");
        (void)fputs("</div>\n", out);
    }
    (void)fputs("</div>\n", out);
    element(out, "p", report->summary);
}

static void write_contents(FILE *out, const struct aft_html_report *report)
{
    (void)fputs("<nav aria-label=\"Contents\"><ul>\n", out);
    for (int i = 0; i < report->n_sets; i++) {
        (void)fprintf(out, "<li><a href=\"#set%d\">", i + 1);
        aft_markup_text(out, report->sets[i].title);
        (void)fputs("</a></li>\n", out);
    }
    (void)fputs(
        "<li><a href=\"#definitions\">Definitions</a></li>\n"
        "<li><a href=\"#notes\">Method</a></li>\n"
        "<li><a href=\"#motions\">Every motion</a></li>\n</ul></nav>\n",
        out);
}

static void write_page(struct page *page)
{
    const struct aft_html_report *report = page->report;
    FILE *out = page->out;
    write_head(out, report);
    write_headlines(out, report);
    if (report->ratios != NULL) {
        write_ratios(page, report->ratios);
    }
    write_contents(out, report);
    for (int i = 0; i < report->n_sets; i++) {
        write_set(page, i);
    }
    (void)fputs("<section id=\"definitions\">\n<h2>Definitions</h2>\n", out);
    write_facts(out, report->definitions, report->n_definitions);
    (void)fputs("</section>\n<section id=\"notes\">\n<h2>Method</h2>\n", out);
    write_facts(out, report->notes, report->n_notes);
    (void)fputs("</section>\n<section id=\"motions\">\n<h2>Every motion</h2>\n", out);
    for (int i = 0; report->motions != NULL && i < report->n_sets; i++) {
        if (report->motions[i].n_rows > 0) {
            write_table(out, &report->motions[i]);
        }
    }
    (void)fputs("</section>\n</main>\n</body>\n</html>\n", out);
}

enum aft_code aft_html_report_write(char **text, size_t *size, const struct aft_html_report *report,
                                    struct aft_error *error)
{
    struct page page = {.report = report, .error = error};
    *text = NULL;
    page.out = open_memstream(text, size);
    if (page.out == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    write_page(&page);
    if (ferror(page.out) != 0 && page.code == AFT_OK) {
        page.code = aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    if (fclose(page.out) != 0 && page.code == AFT_OK) {
        page.code = aft_fail(error, AFT_ERR_MEMORY, "write the report: out of memory");
    }
    if (page.code != AFT_OK) {
        free(*text);
        *text = NULL;
    }
    return page.code;
}
