#include "base/file.h"
#include "command.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_near(VALUE, EXPECTED, WITHIN) assert_true(fabs((VALUE) - (EXPECTED)) <= (WITHIN))

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/aft_motion_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static struct aft_json *summary_of(const char *arguments)
{
    const struct outcome *outcome = run_in(folder, arguments);
    if (outcome->code != 0) {
        fail_msg("'%s': code %d: %s", arguments, outcome->code, outcome->err);
    }
    return parse_output(outcome);
}

static double figure(const char *arguments, const char *key)
{
    struct aft_json *summary = summary_of(arguments);
    double value = aft_json_get_real(summary, key, (double)NAN);
    aft_json_destroy(summary);
    return value;
}

static void motion__is_the_same_for_the_same_seed_and_another_for_another(void **state)
{
    (void)state;
    double a = figure("motion --magnitude 6 --seed 3 --json", "pga_g");
    assert_true(a > 0 && a == figure("motion --magnitude 6 --seed 3 --json", "pga_g"));
    assert_true(a != figure("motion --magnitude 6 --seed 4 --json", "pga_g"));
}

static void motion__is_scaled_to_a_pga(void **state)
{
    (void)state;
    assert_near(figure("motion --magnitude 6 --pga 0.35 --json", "pga_g"), 0.35, 1e-9);
}

static void motion__summarises_a_known_record(void **state)
{
    (void)state;
    /* a = 0.1 g for 10 s: velocity 9.80665 m/s, Arias pi/(2g) (0.1 g)^2 10 s */
    char path[96];
    (void)snprintf(path, sizeof path, "%s/flat.csv", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("time_s,acceleration_g\n", file);
    for (int i = 0; i <= 1000; i++) {
        (void)fprintf(file, "%.2f,0.1\n", i * 0.01);
    }
    assert_int_equal(fclose(file), 0);
    assert_near(figure("motion flat.csv --json", "pga_g"), 0.1, 1e-9);
    assert_near(figure("motion flat.csv --json", "pgv_m_s"), 9.80665, 1e-6);
    assert_near(figure("motion flat.csv --json", "arias_m_s"), 1.5707963267948966 * 9.80665 * 0.1,
                0.02);
    assert_near(figure("motion flat.csv --json", "significant_duration_s"), 9.0, 0.05);
    /* a step load of constant size: x_max = (1 + exp(-pi zeta/sqrt(1-zeta^2))) a/omega^2 */
    assert_near(figure("motion flat.csv --json", "sa_1_s_g"),
                0.1 * (1 + exp(-3.14159265358979 * 0.05 / sqrt(1 - 0.05 * 0.05))), 1e-3);
}

static void motion__writes_a_csv_that_it_reads_back(void **state)
{
    (void)state;
    double pga = figure("motion --magnitude 6.5 --seed 9 --csv a.csv --json", "pga_g");
    assert_near(figure("motion a.csv --json", "pga_g"), pga, 1e-7);
}

static void motion__draws_a_picture_that_stands_alone(void **state)
{
    (void)state;
    char path[128], *text = NULL;
    size_t size;
    struct aft_json *summary = summary_of("motion --magnitude 6.5 --svg a.svg --json");
    aft_json_destroy(summary);
    (void)snprintf(path, sizeof path, "%s/a.svg", folder);
    assert_int_equal(aft_file_read(&text, &size, path, 1 << 22, NULL), AFT_OK);
    assert_int_equal(strncmp(text, "<svg xmlns=", 11), 0);
    assert_non_null(strstr(text, "time (s)"));
    assert_non_null(strstr(text, "period (s)"));
    assert_non_null(strstr(text, "</svg>\n"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "href"));
    free(text);
}

static void motion__prints_a_summary_for_people(void **state)
{
    (void)state;
    const struct outcome *outcome = run_in(folder, "motion --magnitude 6.5 --distance 15 --seed 2");
    assert_int_equal(outcome->code, 0);
    assert_string_equal(outcome->err, "");
    assert_non_null(strstr(outcome->out, "M6.5 at 15 km, motion 2\n"));
    assert_non_null(strstr(outcome->out, "PGA "));
    assert_non_null(strstr(outcome->out, "5-95 % duration"));
    assert_non_null(strstr(outcome->out, "first period of the default building"));
}

static void motion__names_the_line_of_a_mistake_in_a_record(void **state)
{
    (void)state;
    write_text(folder, "bad.csv", "time_s,acceleration_g\n0,0.1\n0.01,zero\n0.02,0\n");
    const struct outcome *outcome = run_in(folder, "motion bad.csv");
    assert_int_equal(outcome->code, 2);
    assert_int_equal(count_lines(outcome->err), 1);
    assert_non_null(strstr(outcome->err, "'bad.csv', line 3"));
    outcome = run_in(folder, "motion none.AT2");
    assert_true(outcome->code == 1 || outcome->code == 2);
    assert_non_null(strstr(outcome->err, "none.AT2"));
}

static void motion__says_when_a_file_cannot_be_written(void **state)
{
    (void)state;
    const struct outcome *outcome = run_in(folder, "motion --magnitude 5 --csv /nowhere/a.csv");
    assert_int_equal(outcome->code, 1);
    assert_non_null(strstr(outcome->err, "/nowhere/a.csv"));
    outcome = run_in(folder, "motion --magnitude 5 --csv /dev/full");
    assert_int_equal(outcome->code, 1);
    assert_non_null(strstr(outcome->err, "No space left"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(motion__is_the_same_for_the_same_seed_and_another_for_another),
        cmocka_unit_test(motion__is_scaled_to_a_pga),
        cmocka_unit_test(motion__summarises_a_known_record),
        cmocka_unit_test(motion__writes_a_csv_that_it_reads_back),
        cmocka_unit_test(motion__draws_a_picture_that_stands_alone),
        cmocka_unit_test(motion__prints_a_summary_for_people),
        cmocka_unit_test(motion__names_the_line_of_a_mistake_in_a_record),
        cmocka_unit_test(motion__says_when_a_file_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
