/* The description of the observation against the observation itself. */
#include "fixtures.h"

#include "environment/observation_layout.h"
#include "environment/observer.h"

enum { LATE = 25, ROOM = 2048 };

struct rig {
    struct aft_environment_config config;
    struct aft_plant *plant;
    struct aft_sensors sensors;
    struct aft_observer *observer;
    struct aft_observation_layout layout;
    float memory[ROOM], obs[AFT_OBSERVATION_MAX_ENTRIES];
    float channels[AFT_OBSERVATION_MAX_CHANNELS];
};

static const float force_n = 12.5e3F;

/* Every channel says something else; the observer's results are set by hand. */
static void make(struct rig *rig, bool observer, bool nominal, int drift_storeys)
{
    struct aft_error error;
    memset(rig, 0, sizeof *rig);
    rig->config = stage_1(1);
    rig->config.sensors.n_drift_storeys = drift_storeys;
    rig->config.sensors.observer = observer;
    rig->config.nominal = (struct aft_nominal_config){nominal, 0.1, 0.02, 0.01, 0.002};
    const struct aft_environment_config *config = &rig->config;
    assert_ok(aft_plant_create(&rig->plant, &config->building, &config->actuator, true,
                               config->dt_s, &error));
    assert_ok(aft_sensors_init(&rig->sensors, &config->sensors, rig->plant, 0.04, &error));
    assert_ok(aft_sensors_assist(&rig->sensors, &rig->observer, config, &error));
    assert_true(rig->sensors.n_memory <= ROOM);
    aft_observation_layout(&rig->layout, &rig->sensors);
    aft_sensors_reset(&rig->sensors, rig->memory);
    for (int i = 0; i < rig->sensors.n_channels; i++) {
        rig->channels[i] = 0.003F * (float)(i + 1) * (i % 2 == 0 ? 1.0F : -1.0F);
    }
    rig->channels[config->sensors.n_acceleration_floors] = 1.75F; /* the ground: it begins */
    struct aft_sensed sensed = {rig->channels, force_n, 3};
    struct aft_sensor_stream stream = {.key = aft_random_key(1, 1, AFT_RANDOM_SENSOR)};
    aft_sensors_measure(&rig->sensors, rig->memory, &sensed, &stream);
    if (observer) {
        float *results = rig->memory + rig->sensors.observer_at;
        for (int i = 0; i < AFT_OBSERVER_DRIFTS + 2 * rig->sensors.n_storeys; i++) {
            results[i] = 0.0011F * (float)(i + 1);
        }
    }
    sensed.step = 3 + LATE;
    aft_sensors_observe(rig->obs, &rig->sensors, rig->memory, &sensed);
}

static void clear(struct rig *rig)
{
    aft_observer_destroy(rig->observer);
    aft_plant_destroy(rig->plant);
}

static double largest(const float *values, int n)
{
    double most = 0.0;
    for (int i = 0; i < n; i++) {
        most = fmax(most, fabs((double)values[i]));
    }
    return most;
}

static double measured_peak(const struct rig *rig)
{
    int floors = rig->config.sensors.n_acceleration_floors;
    int storeys = rig->config.sensors.n_drift_storeys;
    return storeys > 0 ? largest(rig->channels + floors + 3, storeys)
                       : largest(rig->channels, floors);
}

/* Where among the observer's results the drift of the storey stands. */
static int shown(const struct rig *rig, int storey)
{
    for (int i = 0; i < rig->sensors.n_storeys; i++) {
        if (aft_observer_storey(rig->observer, i) == storey) {
            return i;
        }
    }
    fail_msg("storey %d is not shown", storey);
    return -1;
}

/* The quantity that the entry names, in its unit. */
static double quantity(const struct rig *rig, const struct aft_observation_entry *entry)
{
    const float *results = rig->memory + rig->sensors.observer_at;
    double limit_n = rig->config.actuator.force_limit_n;
    switch (entry->what) {
    case AFT_OBSERVED_CHANNEL:
        return (double)rig->channels[entry->of];
    case AFT_OBSERVED_INTEGRAL:
        return 0.04 * (double)rig->channels[entry->of];
    case AFT_OBSERVED_ESTIMATED_DRIFT:
        return (double)results[AFT_OBSERVER_DRIFTS + shown(rig, entry->of)];
    case AFT_OBSERVED_ESTIMATED_DRIFT_RATE:
        return (
            double)results[AFT_OBSERVER_DRIFTS + rig->sensors.n_storeys + shown(rig, entry->of)];
    case AFT_OBSERVED_ESTIMATED_STROKE:
        return (double)results[AFT_OBSERVER_STROKE];
    case AFT_OBSERVED_ESTIMATED_STROKE_RATE:
        return (double)results[AFT_OBSERVER_STROKE_RATE];
    case AFT_OBSERVED_FORCE:
        return (double)force_n;
    case AFT_OBSERVED_FORCE_LIMIT:
        return limit_n;
    case AFT_OBSERVED_ESTIMATED_PEAK_DRIFT:
        return (double)results[AFT_OBSERVER_PEAK_DRIFT];
    case AFT_OBSERVED_MEASURED_PEAK:
        return measured_peak(rig);
    case AFT_OBSERVED_SINCE_ONSET:
        return LATE * 0.04;
    case AFT_OBSERVED_NOMINAL_FORCE:
        return (double)results[AFT_OBSERVER_NOMINAL] * limit_n;
    }
    fail_msg("entry '%s' shows nothing known", entry->name);
    return 0.0;
}

static void expect_description(bool observer, bool nominal, int drift_storeys)
{
    struct rig rig;
    make(&rig, observer, nominal, drift_storeys);
    assert_int_equal(rig.layout.n, rig.sensors.obs_dim);
    for (int i = 0; i < rig.layout.n; i++) {
        const struct aft_observation_entry *entry = &rig.layout.entry[i];
        double expected = quantity(&rig, entry);
        double got = (double)rig.obs[i] * (double)entry->scale;
        if (!(fabs(got - expected) <= 1e-6 * fabs(expected)) || expected == 0.0) {
            fail_msg("entry %d, '%s': %.9g %s, expected %.9g", i, entry->name, got, entry->unit,
                     expected);
        }
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(entry->name, rig.layout.entry[j].name);
        }
    }
    assert_string_equal(rig.layout.entry[rig.layout.stroke].unit, "m");
    assert_string_equal(rig.layout.entry[rig.layout.stroke_rate].unit, "m/s");
    assert_int_equal(rig.layout.nominal >= 0, nominal);
    clear(&rig);
}

static void layout__describes_what_is_observed(void **state)
{
    (void)state;
    expect_description(false, false, 0);
    expect_description(false, false, 4);
    expect_description(true, false, 0);
    expect_description(true, true, 0);
    expect_description(true, true, 3);
}

static void layout__names_the_channels(void **state)
{
    (void)state;
    static const char *const names[] = {"floor_4_acceleration",
                                        "floor_8_acceleration",
                                        "floor_12_acceleration",
                                        "ground_acceleration",
                                        "stroke",
                                        "stroke_rate",
                                        "drift_ratio_1",
                                        "drift_ratio_4",
                                        "drift_rate_1",
                                        "drift_rate_4"};
    struct rig rig;
    struct aft_observation_layout channels;
    make(&rig, true, true, 2);
    aft_channel_layout(&channels, &rig.sensors);
    assert_int_equal(channels.n, rig.sensors.n_channels);
    for (int i = 0; i < channels.n; i++) {
        assert_string_equal(channels.entry[i].name, names[i]);
        assert_int_equal(channels.entry[i].of, i);
        assert_true(channels.entry[i].scale == 1.0F);
    }
    clear(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout__describes_what_is_observed),
        cmocka_unit_test(layout__names_the_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
