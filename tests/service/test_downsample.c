#include "service/downsample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_point(const struct aft_point *point, double x, double y)
{
    assert_true(point->x == x);
    assert_true(point->y == y || (isnan(point->y) && isnan(y)));
}

static void downsample__keeps_lowest_and_highest_of_each_part_in_their_order(void **state)
{
    (void)state;
    struct aft_point points[4];
    struct aft_downsample *two = aft_downsample_create(0, 8, 2);
    const double y[] = {1, 5, 0, 2, /* the second part begins at x = 4 */ 7, 3, 9, 4, 4};
    for (int i = 0; i < 9; i++) {
        aft_downsample_add(two, i, y[i]);
    }
    assert_int_equal(aft_downsample_points(points, two), 4);
    expect_point(&points[0], 1, 5);
    expect_point(&points[1], 2, 0);
    expect_point(&points[2], 5, 3);
    expect_point(&points[3], 6, 9);
    aft_downsample_destroy(two);
}

static void downsample__never_loses_a_spike(void **state)
{
    (void)state;
    enum { N = 100000, PARTS = 50 };
    for (int spike = 0; spike < N; spike += 9973) {
        struct aft_point points[2 * PARTS];
        struct aft_downsample *parts = aft_downsample_create(0, N - 1, PARTS);
        for (int i = 0; i < N; i++) {
            aft_downsample_add(parts, i, i == spike ? 1e6 : sin(i));
        }
        size_t n = aft_downsample_points(points, parts), found = 0;
        for (size_t i = 0; i < n; i++) {
            found += points[i].y == 1e6 && points[i].x == spike;
            assert_true(i == 0 || points[i].x > points[i - 1].x);
        }
        assert_true(n <= (size_t)2 * PARTS);
        assert_int_equal(found, 1);
        aft_downsample_destroy(parts);
    }
}

static void downsample__has_a_gap_only_where_a_whole_part_has_no_value(void **state)
{
    (void)state;
    struct aft_point points[6];
    struct aft_downsample *three = aft_downsample_create(0, 3, 3);
    aft_downsample_add(three, 0.0, 1);
    aft_downsample_add(three, 0.5, (double)NAN);
    aft_downsample_add(three, 1.1, (double)NAN);
    aft_downsample_add(three, 1.2, (double)INFINITY);
    aft_downsample_add(three, 2.5, 4);
    assert_int_equal(aft_downsample_points(points, three), 3);
    expect_point(&points[0], 0, 1);
    expect_point(&points[1], 1.1, (double)NAN);
    expect_point(&points[2], 2.5, 4);
    aft_downsample_destroy(three);
}

static void downsample__keeps_the_ends_of_a_constant_part(void **state)
{
    (void)state;
    struct aft_point points[2];
    struct aft_downsample *one = aft_downsample_create(0, 10, 1);
    for (int i = 0; i <= 10; i++) {
        aft_downsample_add(one, i, 2);
    }
    assert_int_equal(aft_downsample_points(points, one), 2);
    expect_point(&points[0], 0, 2);
    expect_point(&points[1], 10, 2);
    aft_downsample_destroy(one);
}

static void downsample__takes_only_what_is_in_its_range(void **state)
{
    (void)state;
    struct aft_point points[8];
    struct aft_downsample *point = aft_downsample_create(5, 5, 4); /* a range of one x */
    aft_downsample_add(point, 4, 1);
    aft_downsample_add(point, 5, 2);
    aft_downsample_add(point, 6, 3);
    aft_downsample_add(point, (double)NAN, 4);
    assert_int_equal(aft_downsample_points(points, point), 1);
    expect_point(&points[0], 5, 2);
    aft_downsample_destroy(point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(downsample__keeps_lowest_and_highest_of_each_part_in_their_order),
        cmocka_unit_test(downsample__never_loses_a_spike),
        cmocka_unit_test(downsample__has_a_gap_only_where_a_whole_part_has_no_value),
        cmocka_unit_test(downsample__keeps_the_ends_of_a_constant_part),
        cmocka_unit_test(downsample__takes_only_what_is_in_its_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
