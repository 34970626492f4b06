#include "tests/runner/policy_rows.h"

#include "base/random.h"
#include "environment/clamp.h"
#include "environment/observer.h"
#include "environment/trial.h"
#include "runner/configure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_ROWS = 10000, N_SIMULATED = 6000, MOTION_SAMPLES = 1500, N_MOTIONS = 64 };

struct maker {
    struct policy_rows *rows;
    struct aft_trained_policy trained;
    struct aft_stage_environment setup;
    struct aft_plant *plant;
    struct aft_sensors sensors;
    struct aft_observer *observer;
    struct aft_observation_layout layout;
};

static void expect_ok(enum aft_code code, const struct aft_error *error)
{
    if (code != AFT_OK) {
        fail_msg("%s", error->message);
    }
}

static void open_all(struct maker *maker, const char *archive)
{
    struct aft_error error = {0};
    const struct aft_policy_source source = {
        .path = archive, .engine = "native", .device = "cpu", .threads = 1};
    struct aft_trained_policy *trained = &maker->trained;
    expect_ok(aft_trained_policy_open(trained, &source, &error), &error);
    expect_ok(aft_configure_environment(&maker->setup, trained->curriculum, trained->stage, &error),
              &error);
    const struct aft_environment_config *config = &maker->setup.config;
    expect_ok(aft_plant_create(&maker->plant, &config->building, &config->actuator, true,
                               config->dt_s, &error),
              &error);
    expect_ok(aft_sensors_init(&maker->sensors, &config->sensors, maker->plant,
                               config->dt_s * config->control_every, &error),
              &error);
    expect_ok(aft_sensors_assist(&maker->sensors, &maker->observer, config, &error), &error);
    aft_observation_layout(&maker->layout, &maker->sensors);
}

static void close_all(struct maker *maker)
{
    aft_observer_destroy(maker->observer);
    aft_plant_destroy(maker->plant);
    aft_stage_environment_clear(&maker->setup);
    aft_trained_policy_close(&maker->trained);
}

/* The rest of a row whose observation is there; memory is the sensors'. */
static void complete(struct maker *maker, float *row, const float *memory)
{
    struct policy_rows *rows = maker->rows;
    struct aft_error error = {0};
    const float *obs = row + ROW_SENSORS + rows->n_sensors;
    const struct aft_observation_layout *layout = &maker->layout;
    float action = 0.0F;
    expect_ok(aft_trained_policy_act(&maker->trained, 1, obs, &action, &error), &error);
    float clipped = aft_clamp_f32(action, -1.0F, 1.0F);
    float share = aft_sensors_command(&maker->sensors, memory, clipped);
    double stroke_m = (double)(obs[layout->stroke] * layout->entry[layout->stroke].scale);
    double rate_m_s = (double)(obs[layout->stroke_rate] * layout->entry[layout->stroke_rate].scale);
    struct aft_guard_limits guard = aft_sensors_guard(&maker->sensors);
    double beyond_m = fabs(stroke_m) + rate_m_s * rate_m_s * (double)guard.s2_per_m;
    double margin =
        fmin(fabs(beyond_m - (double)guard.reach_m), fmin(fabs(stroke_m), fabs(rate_m_s)));
    bool guards = guard.reach_m > 0.0F;
    row[ROW_MARGIN] = guards ? (float)margin : 1.0F;
    row[rows->width - 2] = clipped;
    row[rows->width - 1] = share;
    rows->clipped += clipped != action;
    rows->guarded += guards && beyond_m > (double)guard.reach_m && stroke_m * rate_m_s > 0.0;
}

/* --- rows from a building that shakes --- */

static double ground(int motion, int i)
{
    double t = 0.02 * i, size = 0.3 + 0.12 * motion;
    return size * sin(5.1 * t + motion) * (t < 2.0 ? t / 2.0 : exp(-0.08 * (t - 2.0))) +
           0.4 * size * sin(17.0 * t);
}

static int simulate(struct maker *maker, int number, int first)
{
    static double samples[MOTION_SAMPLES];
    struct aft_motion motion = {samples, MOTION_SAMPLES, maker->setup.config.dt_s, false};
    const struct aft_controller controller = {.name = "policy", .assisted = true};
    const struct aft_trial_setup setup = {.plant = maker->plant,
                                          .sensors = &maker->sensors,
                                          .controller = &controller,
                                          .sensor_key = aft_random_key(3, 1, AFT_RANDOM_SENSOR),
                                          .substeps = maker->setup.config.control_every};
    struct policy_rows *rows = maker->rows;
    struct aft_trial trial;
    struct aft_error error = {0};
    int at = first;
    for (int i = 0; i < MOTION_SAMPLES; i++) {
        samples[i] = ground(number, i);
    }
    expect_ok(aft_trial_init(&trial, &setup, &motion, (uint32_t)number, &error), &error);
    for (; trial.step < trial.steps && at < N_SIMULATED; at++) {
        struct aft_controller_view view;
        float *row = rows->values + (ptrdiff_t)at * rows->width;
        aft_trial_observe(&trial, &view);
        row[ROW_START] = trial.step == 0 ? 1.0F : 0.0F;
        memcpy(row + ROW_SENSORS, view.measured, (size_t)maker->sensors.n_channels * sizeof *row);
        row[ROW_SENSORS + maker->sensors.n_channels] = (float)view.actuator_n;
        memcpy(row + ROW_SENSORS + rows->n_sensors, view.obs, (size_t)rows->obs_dim * sizeof *row);
        complete(maker, row, trial.sensed);
        aft_trial_advance(&trial, (double)row[rows->width - 2] * rows->force_limit_n);
    }
    aft_trial_clear(&trial);
    return at;
}

/* --- rows drawn at random --- */

/* The memory that such an observation would come from, as far as a command goes by it. */
static void remember(float *memory, const struct maker *maker, const float *obs)
{
    const struct aft_sensors *sensors = &maker->sensors;
    const struct aft_observation_layout *layout = &maker->layout;
    float stroke_m = obs[layout->stroke] * layout->entry[layout->stroke].scale;
    float rate_m_s = obs[layout->stroke_rate] * layout->entry[layout->stroke_rate].scale;
    if (sensors->observer != NULL) {
        float *results = memory + sensors->observer_at;
        results[AFT_OBSERVER_STROKE] = stroke_m;
        results[AFT_OBSERVER_STROKE_RATE] = rate_m_s;
        if (layout->nominal >= 0) {
            results[AFT_OBSERVER_NOMINAL] = obs[layout->nominal] *
                                            layout->entry[layout->nominal].scale /
                                            sensors->force_limit_n;
        }
        return;
    }
    float *arrived = (float *)(uintptr_t)aft_sensors_arrived(sensors, memory);
    arrived[layout->entry[layout->stroke].of] = stroke_m;
    arrived[layout->entry[layout->stroke_rate].of] = rate_m_s;
}

static void draw(struct maker *maker, int i)
{
    struct policy_rows *rows = maker->rows;
    float *row = rows->values + (ptrdiff_t)i * rows->width;
    float *obs = row + ROW_SENSORS + rows->n_sensors;
    float *memory = calloc((size_t)maker->sensors.n_memory, sizeof *memory);
    assert_non_null(memory);
    aft_random_normal_f32(obs, (size_t)rows->obs_dim, aft_random_key(11, 0, AFT_RANDOM_TEST_MOTION),
                          (uint32_t)i, 0, 0);
    float size = 0.05F * powf(200.0F, (float)(i % 100) / 99.0F); /* 0.05 to 10 */
    for (int k = 0; k < rows->obs_dim; k++) {
        obs[k] *= size;
    }
    if (maker->layout.nominal >= 0) { /* a share of the limit */
        obs[maker->layout.nominal] = aft_clamp_f32(obs[maker->layout.nominal], -1.0F, 1.0F);
    }
    row[ROW_START] = -1.0F;
    remember(memory, maker, obs);
    complete(maker, row, memory);
    free(memory);
}

void policy_rows_make(struct policy_rows *rows, const char *archive)
{
    struct maker maker = {.rows = rows};
    int at = 0;
    open_all(&maker, archive);
    *rows = (struct policy_rows){.n = N_ROWS,
                                 .n_sensors = maker.sensors.n_channels + 1,
                                 .obs_dim = maker.sensors.obs_dim,
                                 .force_limit_n = (double)maker.sensors.force_limit_n};
    rows->width = ROW_SENSORS + rows->n_sensors + rows->obs_dim + 2;
    rows->values = calloc((size_t)rows->n * (size_t)rows->width, sizeof *rows->values);
    assert_non_null(rows->values);
    for (int number = 0; at < N_SIMULATED; number++) {
        assert_true(number < N_MOTIONS);
        at = simulate(&maker, number, at);
    }
    for (; at < N_ROWS; at++) {
        draw(&maker, at);
    }
    close_all(&maker);
}

void policy_rows_clear(struct policy_rows *rows)
{
    free(rows->values);
    memset(rows, 0, sizeof *rows);
}

void policy_rows_write(const struct policy_rows *rows, const char *path)
{
    FILE *file = fopen(path, "wb");
    size_t n = (size_t)rows->n * (size_t)rows->width;
    assert_non_null(file);
    assert_int_equal(fwrite(rows->values, sizeof *rows->values, n, file), n);
    assert_int_equal(fclose(file), 0);
}
