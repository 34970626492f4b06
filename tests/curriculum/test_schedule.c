/* Schedules against their closed forms. */
#include "support.h"

#include "curriculum/schedule.h"

#include <math.h>

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-15);
}

static void schedule__constant_stays(void **state)
{
    (void)state;
    for (int i = -1; i <= 11; i++) {
        assert_true(aft_schedule_value(AFT_SCHEDULE_CONSTANT, 3e-4, 1e-5, i / 10.0) == 3e-4);
    }
}

static void schedule__linear_is_a_line(void **state)
{
    (void)state;
    for (int i = 0; i <= 100; i++) {
        double p = i / 100.0;
        assert_near(aft_schedule_value(AFT_SCHEDULE_LINEAR, 5e-4, 1e-4, p), 5e-4 - 4e-4 * p);
    }
}

static void schedule__cosine_is_half_a_cosine(void **state)
{
    (void)state;
    const double first = 1e-3;
    const double last = 2e-4;
    /* cos of 0, 60, 90, 120 and 180 degrees */
    assert_near(aft_schedule_value(AFT_SCHEDULE_COSINE, first, last, 1.0 / 3.0),
                last + (first - last) * 0.75);
    assert_near(aft_schedule_value(AFT_SCHEDULE_COSINE, first, last, 0.5), (first + last) / 2.0);
    assert_near(aft_schedule_value(AFT_SCHEDULE_COSINE, first, last, 2.0 / 3.0),
                last + (first - last) * 0.25);
}

static void schedule__begins_and_ends_exactly_and_is_clamped(void **state)
{
    (void)state;
    static const enum aft_schedule_kind kinds[] = {AFT_SCHEDULE_LINEAR, AFT_SCHEDULE_COSINE};
    for (int i = 0; i < 2; i++) {
        assert_true(aft_schedule_value(kinds[i], 3e-4, 1e-5, 0.0) == 3e-4);
        assert_true(aft_schedule_value(kinds[i], 3e-4, 1e-5, 1.0) == 1e-5);
        assert_true(aft_schedule_value(kinds[i], 3e-4, 1e-5, -2.0) == 3e-4);
        assert_true(aft_schedule_value(kinds[i], 3e-4, 1e-5, 1.0001) == 1e-5);
        assert_true(aft_schedule_value(kinds[i], 3e-4, 1e-5, NAN) == 3e-4);
        assert_true(aft_schedule_value(kinds[i], 7e-5, 7e-5, 0.3) == 7e-5);
    }
}

static void schedule__never_rises_from_a_larger_to_a_smaller_value(void **state)
{
    (void)state;
    static const enum aft_schedule_kind kinds[] = {AFT_SCHEDULE_LINEAR, AFT_SCHEDULE_COSINE};
    for (int kind = 0; kind < 2; kind++) {
        double before = 1e-3;
        for (int i = 0; i <= 1000; i++) {
            double now = aft_schedule_value(kinds[kind], 1e-3, 1e-5, i / 1000.0);
            assert_true(now <= before && now >= 1e-5);
            before = now;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule__constant_stays),
        cmocka_unit_test(schedule__linear_is_a_line),
        cmocka_unit_test(schedule__cosine_is_half_a_cosine),
        cmocka_unit_test(schedule__begins_and_ends_exactly_and_is_clamped),
        cmocka_unit_test(schedule__never_rises_from_a_larger_to_a_smaller_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
