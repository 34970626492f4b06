#include "report/interval_chart.h"

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

static void draw(char **text, const struct aft_statistics *values, int n_rows)
{
    static const struct aft_interval_row rows[] = {{"passive", AFT_SVG_DARK},
                                                   {"policy <b>", AFT_SVG_VERMILLION}};
    static const char *const columns[] = {"peak"};
    const struct aft_interval_chart chart = {"chart", rows, n_rows, columns, 1, values};
    struct aft_error error;
    size_t size = 0;
    assert_int_equal(aft_interval_chart_draw(text, &size, &chart, &error), AFT_OK);
    assert_int_equal(strlen(*text), size);
    markup_assert_well_formed(*text);
}

/* The number behind the text's occurrence `which`, from 0. */
static double number_after(const char *text, const char *what, int which)
{
    const char *at = strstr(text, what);
    for (; at != NULL && which > 0; which--) {
        at = strstr(at + 1, what);
    }
    if (at == NULL) {
        fail_msg("no '%s'", what);
        return 0;
    }
    return strtod(at + strlen(what), NULL);
}

static void interval_chart__has_bars_as_long_as_their_means(void **state)
{
    (void)state;
    const struct aft_statistics values[] = {
        {.n = 4, .mean = 1, .mean_low = 0.9, .mean_high = 1.1},
        {.n = 4, .mean = 0.25, .mean_low = 0.2, .mean_high = 0.35},
    };
    char *text = NULL;
    draw(&text, values, 2);
    double whole = number_after(text, " width=\"", 1), quarter = number_after(text, " width=\"", 2);
    assert_true(fabs(quarter - 0.25 * whole) < 0.11);
    assert_int_equal(markup_count(text, "class=\"whisker\""), 2);
    assert_int_equal(markup_count(text, ">0.25</text>"), 1);
    assert_non_null(strstr(text, "policy &lt;b&gt;"));
    free(text);
}

/* The whisker's ends lie where a bar of that mean would end. */
static void interval_chart__draws_the_interval_to_scale(void **state)
{
    (void)state;
    const struct aft_statistics values[] = {
        {.n = 4, .mean = 1, .mean_low = 0.5, .mean_high = 1.5},
    };
    char *text = NULL;
    draw(&text, values, 1);
    double left = number_after(text, "class=\"bar f4\" x=\"", 0);
    double width = number_after(text, " width=\"", 1);
    double low = number_after(text, "class=\"whisker\" d=\"M", 0);
    double high = number_after(strstr(text, "whisker"), "H", 0);
    assert_true(fabs(low - (left + 0.5 * width)) < 0.11);
    assert_true(fabs(high - (left + 1.5 * width)) < 0.11);
    free(text);
}

static void interval_chart__leaves_out_what_is_not_known(void **state)
{
    (void)state;
    const double unknown = (double)NAN;
    const struct aft_statistics values[] = {
        {.n = 1, .mean = 1, .mean_low = unknown, .mean_high = unknown},
        {.mean = unknown, .mean_low = unknown, .mean_high = unknown},
    };
    char *text = NULL;
    draw(&text, values, 2);
    assert_int_equal(markup_count(text, "class=\"bar"), 1);
    assert_int_equal(markup_count(text, "whisker"), 0);
    assert_null(strstr(text, "nan"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_chart__has_bars_as_long_as_their_means),
        cmocka_unit_test(interval_chart__draws_the_interval_to_scale),
        cmocka_unit_test(interval_chart__leaves_out_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
