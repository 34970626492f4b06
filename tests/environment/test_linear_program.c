#include "fixtures.h"

#include "environment/linear_program.h"

static void add(struct aft_linear_program *program, double a, double b, double upper)
{
    struct aft_error error;
    const int column[2] = {0, 1};
    const double value[2] = {a, b};
    const struct aft_linear_row row = {2, column, value, upper};
    assert_ok(aft_linear_program_add(program, &row, &error));
}

/* minimise x + 2 y over x, y in [0, 10] with x + y >= 3, then x <= 1 + y too: (3, 0),
 * then (2, 1) with multipliers 1.5 and 0.5. By hand. */
static void program__goes_on_when_rows_are_added(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_linear_program *program;
    const double lower[2] = {0, 0}, upper[2] = {10, 10}, cost[2] = {1, 2};
    assert_ok(aft_linear_program_create(&program, 2, lower, upper, cost, &error));
    add(program, -1, -1, -3);
    assert_ok(aft_linear_program_solve(program, &error));
    assert_near(aft_linear_program_solution(program)[0], 3.0, 1e-9);
    assert_near(aft_linear_program_solution(program)[1], 0.0, 1e-9);
    assert_near(aft_linear_program_multiplier(program, 0), 1.0, 1e-9);
    add(program, 1, -1, 1);
    assert_ok(aft_linear_program_solve(program, &error));
    assert_near(aft_linear_program_solution(program)[0], 2.0, 1e-9);
    assert_near(aft_linear_program_solution(program)[1], 1.0, 1e-9);
    assert_near(aft_linear_program_multiplier(program, 0), 1.5, 1e-9);
    assert_near(aft_linear_program_multiplier(program, 1), 0.5, 1e-9);
    aft_linear_program_destroy(program);
}

static void program__takes_many_rows_at_once(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_linear_program *program;
    const double lower[2] = {0, 0}, upper[2] = {10, 10}, cost[2] = {1, 1};
    assert_ok(aft_linear_program_create(&program, 2, lower, upper, cost, &error));
    for (int i = 0; i <= 500; i++) { /* tangents of the circle of radius 5 about (6, 6) */
        double angle = acos(-1.0) * i / 250.0;
        add(program, cos(angle), sin(angle), 5.0 + 6.0 * (cos(angle) + sin(angle)));
    }
    assert_ok(aft_linear_program_solve(program, &error));
    const double *x = aft_linear_program_solution(program);
    assert_near(x[0] + x[1], 12.0 - 5.0 * sqrt(2.0), 2e-3);
    aft_linear_program_destroy(program);
}

static void program__says_what_has_no_solution(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_linear_program *program;
    const double lower[2] = {0, 0}, upper[2] = {10, 10}, cost[2] = {1, 1};
    assert_ok(aft_linear_program_create(&program, 2, lower, upper, cost, &error));
    add(program, -1, -1, -30);
    assert_int_equal(aft_linear_program_solve(program, &error), AFT_ERR_NUMERIC);
    assert_non_null(strstr(error.message, "linear program"));
    aft_linear_program_destroy(program);
    aft_linear_program_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program__goes_on_when_rows_are_added),
        cmocka_unit_test(program__takes_many_rows_at_once),
        cmocka_unit_test(program__says_what_has_no_solution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
