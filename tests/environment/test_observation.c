#include "fixtures.h"

#include "environment/observation.h"

static struct aft_plant *plant;
static struct aft_sensor_stream stream;

static int set_up(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_building_config building = slender12();
    struct aft_actuator_config actuator = {.force_limit_n = 75e3};
    stream = (struct aft_sensor_stream){
        .key = aft_random_key(1, 1, AFT_RANDOM_SENSOR), .high = 2, .middle = 3};
    return aft_plant_create(&plant, &building, &actuator, true, 0.02, &error) != AFT_OK;
}

static int tear_down(void **state)
{
    (void)state;
    aft_plant_destroy(plant);
    return 0;
}

static struct aft_sensors make(const struct aft_sensor_config *config)
{
    struct aft_error error;
    struct aft_sensors sensors;
    assert_ok(aft_sensors_init(&sensors, config, plant, 0.04, &error));
    return sensors;
}

/* Channels of the tests: floors 4 and 12, ground, stroke, rate, drift 1, its rate. */
static const struct aft_sensor_config clean = {.n_acceleration_floors = 2,
                                               .acceleration_floors = {4, 12},
                                               .n_drift_storeys = 1,
                                               .drift_storeys = {1},
                                               .accelerometer_range_m_s2 = 40.0};
enum { CHANNELS = 7, OBS = 13 };

static void sense__reads_the_state(void **state)
{
    (void)state;
    struct aft_sensors sensors = make(&clean);
    double z[26] = {0.0}, floors[12];
    float channels[CHANNELS];
    z[0] = 0.006;
    z[11] = 0.1;
    z[12] = 0.35;
    z[13] = 0.03;
    z[24] = -0.2;
    z[25] = 0.4;
    aft_building_floor_accelerations(floors, &plant->building, z, 1, 2e4);
    aft_sensors_sense(channels, &sensors, plant, z, 1, (const double[2]){1.25, 2e4});
    assert_int_equal(sensors.n_channels, CHANNELS);
    assert_int_equal(sensors.obs_dim, OBS);
    assert_near(channels[0], floors[3], 1e-4);
    assert_near(channels[1], floors[11], 1e-4 * fabs(floors[11]));
    assert_near(channels[2], 1.25, 0.0);
    assert_near(channels[3], 0.25, 1e-7);
    assert_near(channels[4], 0.6, 1e-6);
    assert_near(channels[5], 0.002, 1e-9);
    assert_near(channels[6], 0.01, 1e-9);
}

static void measure(const struct aft_sensors *sensors, float *memory, const float *channels,
                    const struct aft_sensor_stream *source, uint32_t step)
{
    const struct aft_sensed sensed = {.channels = channels, .step = step};
    aft_sensors_measure(sensors, memory, &sensed, source);
}

static void observe__scales_integrates_and_remembers(void **state)
{
    (void)state;
    struct aft_sensors sensors = make(&clean);
    float memory[128], obs[OBS];
    assert_true(sensors.n_memory <= 128);
    aft_sensors_reset(&sensors, memory);
    const float quiet[CHANNELS] = {0.0F};
    const float loud[CHANNELS] = {1.0F, -2.0F, 0.5F, 0.25F, 1.0F, -0.004F, 0.02F};
    const float later[CHANNELS] = {1.0F, -2.0F, 0.5F, 0.25F, 1.0F, 0.001F, 0.02F};
    measure(&sensors, memory, quiet, &stream, 0);
    aft_sensors_observe(obs, &sensors, memory,
                        &(struct aft_sensed){.actuator_n = (float)(0.0), .step = 0});
    for (int i = 0; i < OBS; i++) {
        assert_near(obs[i], i == 10 ? 0.5 : 0.0, 0.0); /* only the force limit */
    }
    measure(&sensors, memory, loud, &stream, 1);
    measure(&sensors, memory, later, &stream, 2);
    aft_sensors_observe(obs, &sensors, memory,
                        &(struct aft_sensed){.actuator_n = (float)(-30e3), .step = 2});
    double leak = exp(-0.04 / 2.0);
    const double expected[OBS] = {0.5,
                                  -1.0,
                                  0.5,
                                  0.04 * (1.0 + leak) / 0.3,
                                  -2.0 * 0.04 * (1.0 + leak) / 0.3,
                                  0.5,
                                  2.0,
                                  0.5,
                                  0.4,
                                  -30.0 / 75.0,
                                  0.5,
                                  0.4,
                                  0.04 / 10.0};
    for (int i = 0; i < OBS; i++) {
        assert_near(obs[i], expected[i], 1e-6);
    }
}

static void latency__delays_what_is_seen(void **state)
{
    (void)state;
    struct aft_sensor_config config = clean;
    config.latency_steps = 3;
    struct aft_sensors sensors = make(&config);
    float memory[128], obs[OBS];
    aft_sensors_reset(&sensors, memory);
    for (uint32_t step = 0; step < 20; step++) {
        float channels[CHANNELS] = {0.0F, 0.0F, (float)(step + 1)};
        measure(&sensors, memory, channels, &stream, step);
        aft_sensors_observe(obs, &sensors, memory,
                            &(struct aft_sensed){.actuator_n = (float)(0.0), .step = step});
        assert_near(obs[2], step < 3 ? 0.0 : step - 2.0, 0.0);
        assert_near(obs[12], step < 3 ? 0.0 : (step - 3) * 0.04 / 10.0, 1e-7);
    }
}

static void noise__has_the_configured_size(void **state)
{
    (void)state;
    enum { N = 4000 };
    struct aft_sensor_config config = clean;
    config.noise = 0.003;
    struct aft_sensors sensors = make(&config);
    float memory[128], obs[OBS];
    const float quiet[CHANNELS] = {0.0F};
    double squares[3] = {0.0}, cross = 0.0;
    aft_sensors_reset(&sensors, memory);
    for (uint32_t step = 0; step < N; step++) {
        measure(&sensors, memory, quiet, &stream, step);
        aft_sensors_observe(obs, &sensors, memory,
                            &(struct aft_sensed){.actuator_n = (float)(0.0), .step = step});
        squares[0] += pow(obs[0] * 2.0, 2.0) / N;
        squares[1] += pow(obs[2], 2.0) / N;
        squares[2] += pow(obs[5] * 0.002, 2.0) / N;
        cross += obs[0] * obs[1] / N;
    }
    assert_near(sqrt(squares[0]) / (0.003 * 40.0), 1.0, 0.05);
    assert_near(sqrt(squares[1]) / (0.003 * 40.0), 1.0, 0.05);
    assert_near(sqrt(squares[2]) / (0.003 * 0.05), 1.0, 0.05);
    assert_true(fabs(cross) < 0.1 * 0.06 * 0.06);
}

static void noise__is_a_function_of_stream_and_step(void **state)
{
    (void)state;
    struct aft_sensor_config config = clean;
    config.noise = 0.01;
    config.dropout = 0.3;
    struct aft_sensors sensors = make(&config);
    float a[128], b[128];
    const float quiet[CHANNELS] = {0.0F};
    aft_sensors_reset(&sensors, a);
    aft_sensors_reset(&sensors, b);
    for (uint32_t step = 0; step < 10; step++) {
        measure(&sensors, a, quiet, &stream, step);
    }
    for (uint32_t step = 0; step < 10; step++) {
        measure(&sensors, b, quiet, &stream, step);
    }
    assert_memory_equal(a, b, (size_t)sensors.n_memory * sizeof *a);
}

static void converter__rounds_and_clips(void **state)
{
    (void)state;
    struct aft_sensor_config config = clean;
    config.bits = 8;
    struct aft_sensors sensors = make(&config);
    float memory[128], obs[OBS];
    aft_sensors_reset(&sensors, memory);
    const float channels[CHANNELS] = {100.0F, -100.0F, 0.40F};
    measure(&sensors, memory, channels, &stream, 0);
    aft_sensors_observe(obs, &sensors, memory,
                        &(struct aft_sensed){.actuator_n = (float)(0.0), .step = 0});
    assert_near(obs[0], 20.0, 0.0);
    assert_near(obs[1], -20.0, 0.0);
    assert_near(obs[2], 40.0 / 128.0, 1e-7); /* 1.28 steps of 40/128 */
}

static void dropout__repeats_the_last_value_at_its_rate(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct aft_sensor_config config = clean;
    config.dropout = 0.2;
    struct aft_sensors sensors = make(&config);
    float memory[128], obs[OBS], last = 0.0F;
    int repeated = 0;
    aft_sensors_reset(&sensors, memory);
    for (uint32_t step = 0; step < N; step++) {
        float channels[CHANNELS] = {0.0F, 0.0F, (float)(step + 1)};
        measure(&sensors, memory, channels, &stream, step);
        aft_sensors_observe(obs, &sensors, memory,
                            &(struct aft_sensed){.actuator_n = (float)(0.0), .step = step});
        repeated += obs[2] == last;
        assert_true(obs[2] == last || obs[2] == (float)(step + 1));
        last = obs[2];
    }
    assert_between(repeated, 0.17 * N, 0.23 * N);
}

static void extra_noise__adds_to_the_configured_one_in_this_stream_only(void **state)
{
    (void)state;
    enum { N = 4000 };
    struct aft_sensors sensors = make(&clean);
    struct aft_sensor_stream noisy = stream;
    noisy.extra_noise = 0.002F;
    float memory[128], obs[OBS];
    const float quiet[CHANNELS] = {0.0F};
    double square = 0.0;
    aft_sensors_reset(&sensors, memory);
    for (uint32_t step = 0; step < N; step++) {
        measure(&sensors, memory, quiet, &noisy, step);
        aft_sensors_observe(obs, &sensors, memory,
                            &(struct aft_sensed){.actuator_n = 0.0F, .step = step});
        square += pow(obs[2], 2.0) / N;
    }
    assert_near(sqrt(square) / (0.002 * 40.0), 1.0, 0.05);
    measure(&sensors, memory, quiet, &stream, N);
    aft_sensors_observe(obs, &sensors, memory, &(struct aft_sensed){.actuator_n = 0.0F, .step = N});
    assert_near(obs[2], 0.0, 0.0);
}

static void extra_dropout__adds_to_the_configured_one(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct aft_sensor_config config = clean;
    config.dropout = 0.1;
    struct aft_sensors sensors = make(&config);
    struct aft_sensor_stream poor = stream;
    poor.extra_dropout = 0.2F;
    float memory[128], obs[OBS], last = 0.0F;
    int repeated = 0;
    aft_sensors_reset(&sensors, memory);
    for (uint32_t step = 0; step < N; step++) {
        float channels[CHANNELS] = {0.0F, 0.0F, (float)(step + 1)};
        measure(&sensors, memory, channels, &poor, step);
        aft_sensors_observe(obs, &sensors, memory,
                            &(struct aft_sensed){.actuator_n = 0.0F, .step = step});
        repeated += obs[2] == last;
        last = obs[2];
    }
    assert_between(repeated, 0.27 * N, 0.33 * N);
}

static void peak__without_drift_sensors_is_that_of_the_accelerations(void **state)
{
    (void)state;
    struct aft_sensor_config config = clean;
    config.n_drift_storeys = 0;
    struct aft_sensors sensors = make(&config);
    float memory[128], obs[OBS];
    const float channels[5] = {1.0F, -3.0F, 0.0F, 0.0F, 0.0F};
    aft_sensors_reset(&sensors, memory);
    measure(&sensors, memory, channels, &stream, 0);
    aft_sensors_observe(obs, &sensors, memory,
                        &(struct aft_sensed){.actuator_n = (float)(0.0), .step = 0});
    assert_int_equal(sensors.obs_dim, 11);
    assert_near(obs[9], 3.0 / 5.0, 1e-7);
}

static void init__rejects_sensors_that_the_building_has_not(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_sensors sensors;
    struct aft_sensor_config config = clean;
    config.acceleration_floors[1] = 13;
    assert_int_equal(aft_sensors_init(&sensors, &config, plant, 0.04, &error), AFT_ERR_USAGE);
    assert_non_null(strstr(error.message, "acceleration_floors names 13"));
    config = clean;
    config.drift_storeys[0] = 0;
    assert_int_equal(aft_sensors_init(&sensors, &config, plant, 0.04, &error), AFT_ERR_USAGE);
    config = clean;
    config.noise = NAN;
    assert_int_equal(aft_sensors_init(&sensors, &config, plant, 0.04, &error), AFT_ERR_USAGE);
    config = clean;
    config.dropout = 1.5;
    assert_int_equal(aft_sensors_init(&sensors, &config, plant, 0.04, &error), AFT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sense__reads_the_state),
        cmocka_unit_test(observe__scales_integrates_and_remembers),
        cmocka_unit_test(latency__delays_what_is_seen),
        cmocka_unit_test(noise__has_the_configured_size),
        cmocka_unit_test(noise__is_a_function_of_stream_and_step),
        cmocka_unit_test(converter__rounds_and_clips),
        cmocka_unit_test(dropout__repeats_the_last_value_at_its_rate),
        cmocka_unit_test(extra_noise__adds_to_the_configured_one_in_this_stream_only),
        cmocka_unit_test(extra_dropout__adds_to_the_configured_one),
        cmocka_unit_test(peak__without_drift_sensors_is_that_of_the_accelerations),
        cmocka_unit_test(init__rejects_sensors_that_the_building_has_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
