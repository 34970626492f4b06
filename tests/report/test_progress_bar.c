#include "report/progress_bar.h"
#include "report/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct aft_progress half(void)
{
    return (struct aft_progress){.stage = 2,
                                 .n_stages = 4,
                                 .name = "M5.7@100kN",
                                 .step = 150000,
                                 .timesteps = 300000,
                                 .steps_per_s = 10000,
                                 .since_s = 0,
                                 .reward = 0.25};
}

static void progress_bar__fills_its_width_exactly(void **state)
{
    (void)state;
    char line[AFT_PROGRESS_LINE_SIZE];
    struct aft_progress progress = half();
    for (int columns = 0; columns < 200; columns++) {
        aft_progress_bar(line, &progress, columns, false);
        assert_int_equal(strlen(line), columns);
    }
    aft_progress_bar(line, &progress, 110, false);
    assert_non_null(strstr(line, "50.0%  150k/300k  10.0k steps/s  0:15 left  reward 0.25"));
}

static void progress_bar__fills_half_of_the_cells_at_half(void **state)
{
    (void)state;
    char line[AFT_PROGRESS_LINE_SIZE];
    struct aft_progress progress = half();
    aft_progress_bar(line, &progress, 200, false);
    int filled = 0, empty = 0;
    for (const char *c = strchr(line, '[') + 1; *c != ']'; c++) {
        *c == '#' ? filled++ : empty++;
    }
    assert_int_equal(filled, 20);
    assert_int_equal(empty, 20);
    aft_progress_bar(line, &progress, 200, true);
    assert_non_null(strstr(line, "[████████████████████    "));
}

static void progress_bar__knows_no_time_left_without_a_rate(void **state)
{
    (void)state;
    char line[AFT_PROGRESS_LINE_SIZE];
    struct aft_progress progress = half();
    progress.steps_per_s = (double)NAN;
    progress.reward = (double)NAN;
    aft_progress_plain(line, &progress);
    assert_string_equal(line, "Stage 2/4 M5.7@100kN: 50.0%  150k/300k  - steps/s  -:-- left");
}

static void progress_bar__counts_down_between_iterations(void **state)
{
    (void)state;
    struct aft_progress progress = half();
    progress.since_s = 5;
    assert_true(aft_progress_seconds_left(&progress) == 10);
    progress.since_s = 500;
    assert_true(aft_progress_seconds_left(&progress) == 0);
}

static void progress_bar__never_exceeds_the_end(void **state)
{
    (void)state;
    char line[AFT_PROGRESS_LINE_SIZE];
    struct aft_progress progress = half();
    progress.step = 307000; /* a stage ends at an iteration boundary */
    aft_progress_plain(line, &progress);
    assert_non_null(strstr(line, "100.0%"));
    assert_non_null(strstr(line, "0:00 left"));
}

static void text_duration__has_a_form_for_every_size(void **state)
{
    (void)state;
    char out[AFT_TEXT_NUMBER];
    assert_string_equal(aft_text_duration(out, 59.4), "0:59");
    assert_string_equal(aft_text_duration(out, 3599.6), "1:00:00");
    assert_string_equal(aft_text_duration(out, 2 * 86400 + 3 * 3600 + 4 * 60 + 5), "2d 03:04:05");
    assert_string_equal(aft_text_duration(out, (double)INFINITY), "-:--");
}

static void text_count__separates_thousands(void **state)
{
    (void)state;
    char out[AFT_TEXT_NUMBER];
    assert_string_equal(aft_text_count(out, 0), "0");
    assert_string_equal(aft_text_count(out, 999), "999");
    assert_string_equal(aft_text_count(out, 3000000), "3,000,000");
    assert_string_equal(aft_text_count(out, -123456), "-123,456");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_bar__fills_its_width_exactly),
        cmocka_unit_test(progress_bar__fills_half_of_the_cells_at_half),
        cmocka_unit_test(progress_bar__knows_no_time_left_without_a_rate),
        cmocka_unit_test(progress_bar__counts_down_between_iterations),
        cmocka_unit_test(progress_bar__never_exceeds_the_end),
        cmocka_unit_test(text_duration__has_a_form_for_every_size),
        cmocka_unit_test(text_count__separates_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
