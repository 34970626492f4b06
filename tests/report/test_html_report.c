#include "report/html_report.h"

#include "markup_check.h"
#include "report/svg_plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FLOORS = 2, SAMPLES = 3, PERIODS = 2 };

static const struct aft_html_controller controllers[] = {
    {"passive", AFT_SVG_DARK, false, false}, {"policy", AFT_SVG_VERMILLION, false, true}};
static const struct aft_statistics ratios[2 * AFT_HTML_RATIOS] = {
    {.n = 2, .mean = 1, .mean_low = 1, .mean_high = 1},
    {.n = 2, .mean = 1, .mean_low = 1, .mean_high = 1},
    {.n = 2, .mean = 1, .mean_low = 1, .mean_high = 1},
    {.n = 2, .mean = 0.5, .mean_low = 0.4, .mean_high = 0.6},
    {.n = 2, .mean = 0.6, .mean_low = 0.5, .mean_high = 0.7},
    {.n = 2, .mean = 0.7, .mean_low = 0.6, .mean_high = 0.8},
};
static const double time_s[SAMPLES] = {0, 1, 2}, wave[SAMPLES] = {0, 1, -1};
static const double drift[FLOORS] = {0.2, 0.3}, period_s[PERIODS] = {0.1, 1},
                    spectrum[PERIODS] = {0.5, 0.25};
static const double *const profile[] = {drift, drift};
static const double *const both[] = {wave, wave}, *const driven[] = {NULL, wave};
static const double *const motions[] = {spectrum, spectrum};
static const struct aft_html_history history = {
    "The worst motion, \"A&B\"", SAMPLES, time_s, wave, both, driven, both};
static const struct aft_html_spectra spectra = {period_s, PERIODS, motions, 2, spectrum, 0.5};
static const char *const heads[] = {"controller", "stroke (m)"};
static char *cells[] = {(char[]){"policy <1>"}, (char[]){"0.70"}, (char[]){"passive"}, NULL};
static const struct aft_html_table table = {"Figures & more", heads, 2, 2, cells};
static const struct aft_html_fact fact = {"Peak drift", "0.50", "of passive"};

static struct aft_html_set full_set(void)
{
    return (struct aft_html_set){.title = "Stage 1: M4.5@50kN",
                                 .subtitle = "2 motions",
                                 .warning = "An elastic stress test",
                                 .ratios = ratios,
                                 .floors = FLOORS,
                                 .storey_drift = profile,
                                 .histories = &history,
                                 .n_histories = 1,
                                 .spectra = &spectra,
                                 .tables = &table,
                                 .n_tables = 1};
}

static struct aft_html_report full_report(const struct aft_html_set *set)
{
    return (struct aft_html_report){.title = "Evaluation of <default>",
                                    .subtitle = "a/b&c.zip",
                                    .summary = "All is well.",
                                    .headlines = &fact,
                                    .n_headlines = 1,
                                    .ratios = ratios,
                                    .controllers = controllers,
                                    .n_controllers = 2,
                                    .sets = set,
                                    .n_sets = 1,
                                    .motions = &table,
                                    .definitions = &fact,
                                    .n_definitions = 1,
                                    .notes = &fact,
                                    .n_notes = 1};
}

static char *write_report(const struct aft_html_report *report)
{
    struct aft_error error;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(aft_html_report_write(&text, &size, report, &error), AFT_OK);
    assert_int_equal(strlen(text), size);
    return text;
}

static void html_report__is_well_formed_and_stands_alone(void **state)
{
    (void)state;
    const struct aft_html_set set = full_set();
    const struct aft_html_report report = full_report(&set);
    char *text = write_report(&report);
    assert_memory_equal(text, "<!DOCTYPE html>", 15);
    markup_assert_well_formed(text);
    markup_assert_stands_alone(text);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "(null)"));
    free(text);
}

static void html_report__escapes_what_it_is_told(void **state)
{
    (void)state;
    const struct aft_html_set set = full_set();
    const struct aft_html_report report = full_report(&set);
    char *text = write_report(&report);
    assert_non_null(strstr(text, "<title>Evaluation of &lt;default&gt;</title>"));
    assert_non_null(strstr(text, "a/b&amp;c.zip"));
    assert_non_null(strstr(text, "policy &lt;1&gt;"));
    assert_non_null(strstr(text, "&quot;A&amp;B&quot;"));
    free(text);
}

static void html_report__has_every_part(void **state)
{
    (void)state;
    const struct aft_html_set set = full_set();
    const struct aft_html_report report = full_report(&set);
    char *text = write_report(&report);
    assert_int_equal(markup_count(text, "<svg"), 5); /* 2 charts, profile, spectra, history */
    assert_int_equal(markup_count(text, "<figcaption"), 5);
    assert_int_equal(markup_count(text, "<svg"), markup_count(text, "role=\"img\">\n<title>"));
    assert_int_equal(markup_count(text, "<table>"), markup_count(text, "<caption>"));
    static const char *const parts[] = {"roof (cm)",   "force (kN)",   "stroke (m)",
                                        "ground (g)",  "storey",       "period (s)",
                                        "id=\"set1\"", "id=\"notes\"", "An elastic stress test",
                                        "All is well."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("no '%s'", parts[i]);
        }
    }
    free(text);
}

static void html_report__looks_after_dark_screens_and_paper(void **state)
{
    (void)state;
    const struct aft_html_set set = full_set();
    const struct aft_html_report report = full_report(&set);
    char *text = write_report(&report);
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    assert_non_null(strstr(text, "@media print"));
    assert_non_null(strstr(text, "name=\"color-scheme\" content=\"light dark\""));
    assert_non_null(strstr(text, "<html lang=\"en\">"));
    free(text);
}

static void html_report__may_be_of_nearly_nothing(void **state)
{
    (void)state;
    const struct aft_html_set set = {.title = "Stage 1", .subtitle = "", .ratios = ratios};
    struct aft_html_report report = full_report(&set);
    report.ratios = NULL;
    report.motions = NULL;
    report.n_headlines = report.n_definitions = report.n_notes = 0;
    char *text = write_report(&report);
    markup_assert_well_formed(text);
    assert_int_equal(markup_count(text, "<svg"), 1);
    assert_int_equal(markup_count(text, "<table>"), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_report__is_well_formed_and_stands_alone),
        cmocka_unit_test(html_report__escapes_what_it_is_told),
        cmocka_unit_test(html_report__has_every_part),
        cmocka_unit_test(html_report__looks_after_dark_screens_and_paper),
        cmocka_unit_test(html_report__may_be_of_nearly_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
