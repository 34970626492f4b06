#include "report/svg_plot.h"

#include "markup_check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *draw(const struct aft_svg_panel *panels, int n, const char *title)
{
    const struct aft_svg_plot plot = {.title = title, .panels = panels, .n_panels = n};
    struct aft_error error;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(aft_svg_draw(&text, &size, &plot, &error), AFT_OK);
    assert_int_equal(strlen(text), size);
    return text;
}

static void svg_plot__is_well_formed_with_several_series_and_a_legend(void **state)
{
    (void)state;
    const double x[] = {1, 10, 100, 1000}, y[] = {5, 4, 3, 2};
    const struct aft_svg_series series[] = {
        {.name = "one & all", .x = x, .y = y, .n = 4, .markers = true},
        {.name = "two", .x = x, .y = y, .n = 4, .colour = 7, .dashed = true},
        {.x = x, .y = y, .n = 4, .colour = 2},
    };
    const struct aft_svg_panel panels[] = {
        {"a < b", {"x", 0, 0, true}, {"y", 0, 0, false}, series, 3},
        {NULL, {"x", 0, 0, false}, {"y", 0, 0, true}, series, 1},
    };
    char *text = draw(panels, 2, "plot <1> & more");
    markup_assert_well_formed(text);
    assert_int_equal(strncmp(text, "<svg xmlns=", 11), 0);
    assert_non_null(strstr(text, "plot &lt;1&gt; &amp; more"));
    assert_non_null(strstr(text, "a &lt; b"));
    assert_int_equal(markup_count(text, ">one &amp; all</text>"), 2);
    assert_int_equal(markup_count(text, ">two</text>"), 1);
    assert_int_equal(markup_count(text, "<circle"), 8);
    assert_int_equal(markup_count(text, "class=\"line dash c1\""),
                     2); /* in the legend and in the panel */
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    free(text);
}

static void svg_plot__numbers_a_logarithmic_axis_by_1_2_and_5(void **state)
{
    (void)state;
    const double x[] = {0.02, 10}, y[] = {1, 2};
    const struct aft_svg_series series = {.x = x, .y = y, .n = 2};
    const struct aft_svg_panel panel = {
        NULL, {"x", 0.02, 10, true}, {"y", 0, 4, false}, &series, 1};
    char *text = draw(&panel, 1, "log");
    static const char *const ticks[] = {">0.02<", ">0.05<", ">0.1<", ">0.2<", ">0.5<", ">10<"};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        assert_int_equal(markup_count(text, ticks[i]), 1);
    }
    assert_null(strstr(text, ">0.01<"));
    free(text);
}

static void svg_plot__places_points_by_their_logarithm(void **state)
{
    (void)state;
    const double x[] = {1, 10, 100}, y[] = {0, 1, 2};
    const struct aft_svg_series series = {.x = x, .y = y, .n = 3};
    const struct aft_svg_panel panel = {NULL, {"x", 1, 100, true}, {"y", 0, 2, false}, &series, 1};
    char *text = draw(&panel, 1, "places");
    /* The frame is 80…876 wide and 60…270 high. */
    assert_non_null(strstr(text, "d=\"M80.0 270.0L478.0 165.0L876.0 60.0\""));
    free(text);
}

static void svg_plot__interrupts_a_line_where_there_is_no_number(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {1, (double)NAN, 1, 2};
    const struct aft_svg_series series = {.x = x, .y = y, .n = 4, .markers = true};
    const struct aft_svg_panel panel = {NULL, {"x", 0, 3, false}, {"y", 0, 2, false}, &series, 1};
    char *text = draw(&panel, 1, "gap");
    assert_non_null(strstr(text, "d=\"M80.0 165.0M610.7 165.0L876.0 60.0\""));
    assert_int_equal(markup_count(text, "<circle"), 3);
    assert_null(strstr(text, "nan"));
    free(text);
}

static void svg_plot__stays_small_for_long_series_and_keeps_their_peaks(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = calloc(2 * N, sizeof *x), *y = x + N;
    assert_non_null(x);
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = i == 54321 ? 4 : 1;
    }
    const struct aft_svg_series series = {.x = x, .y = y, .n = N};
    const struct aft_svg_panel panel = {
        NULL, {"x", 0, N - 1, false}, {"y", 0, 4, false}, &series, 1};
    char *text = draw(&panel, 1, "long");
    assert_true(strlen(text) < 40000);
    assert_non_null(strstr(text, " 60.0V217.5")); /* the peak, and the 1 beside it */
    free(text);
    free(x);
}

static void svg_plot__draws_nothing_as_an_empty_frame(void **state)
{
    (void)state;
    const struct aft_svg_panel panel = {NULL, {"x", 0, 0, true}, {"y", 0, 0, false}, NULL, 0};
    char *text = draw(&panel, 1, "empty");
    markup_assert_well_formed(text);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
}

static void svg_plot__leaves_style_and_title_to_the_page_around_it(void **state)
{
    (void)state;
    const double x[] = {0, 1}, y[] = {0, 1};
    const struct aft_svg_series series[] = {{.x = x, .y = y, .n = 2, .thin = true},
                                            {.name = "b", .x = x, .y = y, .n = 2, .thick = true}};
    const struct aft_svg_panel panel = {NULL, {NULL, 0, 1, false}, {"y", 0, 1, false}, series, 2};
    const struct aft_svg_plot plot = {.title = "part",
                                      .panels = &panel,
                                      .n_panels = 1,
                                      .width = 440,
                                      .panel_height = 100,
                                      .in_page = true};
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(aft_svg_draw(&text, &size, &plot, NULL), AFT_OK);
    markup_assert_well_formed(text);
    assert_null(strstr(text, "<style"));
    assert_int_equal(markup_count(text, ">part<"), 1); /* the <title> that is read out */
    assert_non_null(strstr(text, "viewBox=\"0 0 440 "));
    assert_int_equal(markup_count(text, " thin c0"), 1);
    assert_int_equal(markup_count(text, " thick c0"), 2); /* the line and its legend */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svg_plot__is_well_formed_with_several_series_and_a_legend),
        cmocka_unit_test(svg_plot__numbers_a_logarithmic_axis_by_1_2_and_5),
        cmocka_unit_test(svg_plot__places_points_by_their_logarithm),
        cmocka_unit_test(svg_plot__interrupts_a_line_where_there_is_no_number),
        cmocka_unit_test(svg_plot__stays_small_for_long_series_and_keeps_their_peaks),
        cmocka_unit_test(svg_plot__draws_nothing_as_an_empty_frame),
        cmocka_unit_test(svg_plot__leaves_style_and_title_to_the_page_around_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
