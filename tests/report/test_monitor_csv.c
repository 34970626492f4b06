#include "base/file.h"
#include "csv_file.h"
#include "events.h"
#include "report/observers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct csv_file file;

static int set_up(void **state)
{
    (void)state;
    csv_file_open(&file, "monitor.csv");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    csv_file_close(&file);
    return 0;
}

static struct aft_observer open_csv(int64_t keep)
{
    struct aft_observer csv;
    struct aft_error error;
    if (aft_monitor_csv_create(&csv, file.folder, keep, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    return csv;
}

/* Two episodes, ended at the same moment and 4000 steps apart, then their iteration. */
static void publish(struct aft_observer *csv, int64_t iteration, double time)
{
    for (int i = 0; i < 2; i++) {
        struct aft_event event = event_episode(iteration, i, time);
        csv->on_event(csv->self, &event);
    }
    struct aft_event event = event_iteration(iteration, time);
    csv->on_event(csv->self, &event);
}

static void monitor_csv__is_in_the_format_of_sb3s_monitor(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    struct aft_event begins = event_run_begins();
    csv.on_event(csv.self, &begins); /* at 1000 */
    publish(&csv, 1, 1002.5);
    csv.destroy(csv.self);
    assert_string_equal(csv_file_read(&file),
                        "#{\"t_start\": 1000.000000, \"env_id\": \"aftershock\"}\n"
                        "r,l,t,total_timesteps,stage,peak_drift_to_passive\n"
                        "-1.5,500,2.500000,304000,2,0.75\n"
                        "-1.5,500,2.500001,308000,2,0.75\n");
}

static void monitor_csv__writes_an_iterations_episodes_at_its_end(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    struct aft_event event = event_episode(1, 0, 1000);
    csv.on_event(csv.self, &event);
    assert_int_equal(csv_file_lines(&file), 2);
    event = event_iteration(1, 1000);
    csv.on_event(csv.self, &event);
    assert_int_equal(csv_file_lines(&file), 3);
    csv.destroy(csv.self);
}

/* Readers sort by t: it must grow over a resume too, even where the clock went back. */
static void monitor_csv__goes_on_with_its_clock_after_a_resume(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    struct aft_event begins = event_run_begins();
    csv.on_event(csv.self, &begins);
    publish(&csv, 1, 1010);
    publish(&csv, 2, 1020);
    csv.destroy(csv.self);
    csv = open_csv(308000);
    begins.unix_time = 500;
    csv.on_event(csv.self, &begins);
    publish(&csv, 2, 505);
    publish(&csv, 3, 1030);
    csv.destroy(csv.self);
    const char *at = strstr(csv_file_read(&file), "peak_drift_to_passive\n");
    double last = 0;
    int64_t step = 300000;
    for (int i = 0; i < 6; i++) {
        double t;
        long long total;
        at = strchr(at, '\n') + 1;
        assert_int_equal(sscanf(at, "-1.5,500,%lf,%lld,2,0.75", &t, &total), 2);
        assert_true(t > last);
        assert_int_equal(total, step += 4000);
        last = t;
    }
    assert_float_equal(last, 30.000001, 1e-9);
    assert_int_equal(csv_file_lines(&file), 2 + 6);
}

static void monitor_csv__returns_to_an_earlier_step(void **state)
{
    (void)state;
    struct aft_observer csv = open_csv(0);
    for (int64_t i = 1; i <= 4; i++) {
        publish(&csv, i, 1000 + (double)i);
    }
    publish(&csv, 3, 1005);
    csv.destroy(csv.self);
    assert_int_equal(csv_file_lines(&file), 2 + 2 * 3);
}

static void monitor_csv__leaves_a_file_of_others_alone(void **state)
{
    (void)state;
    static const char other[] = "#{\"t_start\": 1.0, \"env_id\": \"Pendulum\"}\nr,l,t\n1,2,3\n";
    struct aft_observer csv;
    struct aft_error error;
    assert_int_equal(aft_file_publish(file.path, other, sizeof other - 1, NULL), AFT_OK);
    assert_int_equal(aft_monitor_csv_create(&csv, file.folder, 0, &error), AFT_ERR_REFUSED);
    assert_string_equal(csv_file_read(&file), other);
}

static void monitor_csv__goes_on_when_the_disk_is_full(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", file.path), 0);
    struct aft_observer csv = open_csv(0);
    publish(&csv, 1, 1000); /* one warning on standard error, and no failure */
    publish(&csv, 2, 1000);
    csv.destroy(csv.self);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(monitor_csv__is_in_the_format_of_sb3s_monitor),
        TEST(monitor_csv__writes_an_iterations_episodes_at_its_end),
        TEST(monitor_csv__goes_on_with_its_clock_after_a_resume),
        TEST(monitor_csv__returns_to_an_earlier_step),
        TEST(monitor_csv__leaves_a_file_of_others_alone),
        TEST(monitor_csv__goes_on_when_the_disk_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
