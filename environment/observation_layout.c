#include "environment/observation_layout.h"

#include "environment/observation_units.h"
#include "environment/observer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)AFT_OBSERVATION_MAX_ENTRIES >=
                   4 * (int)AFT_SENSOR_MAX_CHANNELS + 2 * (int)AFT_OBSERVER_MAX_STOREYS + 8,
               "room for the longest observation");

static __attribute__((format(printf, 4, 5))) void
add(struct aft_observation_layout *layout, enum aft_observed what, int of, const char *format, ...)
{
    struct aft_observation_entry *entry = &layout->entry[layout->n++];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(entry->name, sizeof entry->name, format, arguments);
    va_end(arguments);
    entry->what = what;
    entry->of = of;
}

/* What follows the last entry's name. */
static void in_unit(struct aft_observation_layout *layout, const char *unit, float scale)
{
    layout->entry[layout->n - 1].unit = unit;
    layout->entry[layout->n - 1].scale = scale;
}

static void add_accelerations(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    int floors = s->config.n_acceleration_floors;
    for (int i = 0; i < floors; i++) {
        add(layout, AFT_OBSERVED_CHANNEL, i, "floor_%d_acceleration",
            s->config.acceleration_floors[i]);
        in_unit(layout, "m/s2", floor_unit_m_s2);
    }
    add(layout, AFT_OBSERVED_CHANNEL, floors, "ground_acceleration");
    in_unit(layout, "m/s2", ground_unit_m_s2);
}

static void add_integrals(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    for (int i = 0; i < s->config.n_acceleration_floors; i++) {
        add(layout, AFT_OBSERVED_INTEGRAL, i, "floor_%d_leaky_integral",
            s->config.acceleration_floors[i]);
        in_unit(layout, "m/s", integral_unit_m_s);
    }
}

static void add_estimated_drifts(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    for (int i = 0; i < s->n_storeys; i++) {
        int storey = aft_observer_storey(s->observer, i);
        add(layout, AFT_OBSERVED_ESTIMATED_DRIFT, storey, "estimated_drift_ratio_%d", storey);
        in_unit(layout, "1", drift_unit);
    }
    for (int i = 0; i < s->n_storeys; i++) {
        int storey = aft_observer_storey(s->observer, i);
        add(layout, AFT_OBSERVED_ESTIMATED_DRIFT_RATE, storey, "estimated_drift_rate_%d", storey);
        in_unit(layout, "1/s", drift_rate_unit_1_s);
    }
}

static void add_measured_drifts(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    int n = s->config.n_drift_storeys, channel = s->config.n_acceleration_floors + 3;
    for (int i = 0; i < n; i++) {
        add(layout, AFT_OBSERVED_CHANNEL, channel + i, "drift_ratio_%d",
            s->config.drift_storeys[i]);
        in_unit(layout, "1", drift_unit);
    }
    for (int i = 0; i < n; i++) {
        add(layout, AFT_OBSERVED_CHANNEL, channel + n + i, "drift_rate_%d",
            s->config.drift_storeys[i]);
        in_unit(layout, "1/s", drift_rate_unit_1_s);
    }
}

static void add_stroke(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    int channel = s->config.n_acceleration_floors + 1;
    layout->stroke = layout->n;
    layout->stroke_rate = layout->n + 1;
    if (s->observer != NULL) {
        add(layout, AFT_OBSERVED_ESTIMATED_STROKE, 0, "estimated_stroke");
        in_unit(layout, "m", stroke_unit_m);
        add(layout, AFT_OBSERVED_ESTIMATED_STROKE_RATE, 0, "estimated_stroke_rate");
    } else {
        add(layout, AFT_OBSERVED_CHANNEL, channel, "stroke");
        in_unit(layout, "m", stroke_unit_m);
        add(layout, AFT_OBSERVED_CHANNEL, channel + 1, "stroke_rate");
    }
    in_unit(layout, "m/s", stroke_rate_unit_m_s);
}

static void add_peak(struct aft_observation_layout *layout, const struct aft_sensors *s)
{
    if (s->observer != NULL) {
        add(layout, AFT_OBSERVED_ESTIMATED_PEAK_DRIFT, 0, "largest_estimated_drift_ratio");
        in_unit(layout, "1", peak_drift_unit);
    } else if (s->config.n_drift_storeys > 0) {
        add(layout, AFT_OBSERVED_MEASURED_PEAK, 0, "largest_drift_ratio");
        in_unit(layout, "1", peak_drift_unit);
    } else {
        add(layout, AFT_OBSERVED_MEASURED_PEAK, 0, "largest_floor_acceleration");
        in_unit(layout, "m/s2", peak_floor_unit_m_s2);
    }
}

void aft_observation_layout(struct aft_observation_layout *layout,
                            const struct aft_sensors *sensors)
{
    memset(layout, 0, sizeof *layout);
    layout->nominal = -1;
    add_accelerations(layout, sensors);
    if (sensors->observer != NULL) {
        add_estimated_drifts(layout, sensors);
    } else {
        add_integrals(layout, sensors);
    }
    add_measured_drifts(layout, sensors);
    add_stroke(layout, sensors);
    add(layout, AFT_OBSERVED_FORCE, 0, "actuator_force");
    in_unit(layout, "N", sensors->force_limit_n);
    add(layout, AFT_OBSERVED_FORCE_LIMIT, 0, "force_limit");
    in_unit(layout, "N", force_limit_unit_n);
    add_peak(layout, sensors);
    add(layout, AFT_OBSERVED_SINCE_ONSET, 0, "time_since_onset");
    in_unit(layout, "s", onset_unit_s);
    layout->entry[layout->n - 1].most = onset_most;
    if (sensors->nominal) {
        layout->nominal = layout->n;
        add(layout, AFT_OBSERVED_NOMINAL_FORCE, 0, "nominal_force");
        in_unit(layout, "N", sensors->force_limit_n);
    }
}

void aft_channel_layout(struct aft_observation_layout *layout, const struct aft_sensors *sensors)
{
    memset(layout, 0, sizeof *layout);
    add_accelerations(layout, sensors);
    layout->stroke = layout->stroke_rate = layout->nominal = -1;
    add(layout, AFT_OBSERVED_CHANNEL, layout->n, "stroke");
    in_unit(layout, "m", 1.0F);
    add(layout, AFT_OBSERVED_CHANNEL, layout->n, "stroke_rate");
    in_unit(layout, "m/s", 1.0F);
    add_measured_drifts(layout, sensors);
    for (int i = 0; i < layout->n; i++) {
        layout->entry[i].scale = 1.0F;
    }
}
