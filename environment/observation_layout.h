/*
 * The observation described, entry by entry, for whoever makes or reads one
 * outside this program: names, units, and where the entries lie that the force
 * depends on beside the action (observation.h).
 */
#ifndef AFT_ENVIRONMENT_OBSERVATION_LAYOUT_H
#define AFT_ENVIRONMENT_OBSERVATION_LAYOUT_H

#include "environment/observation.h"

enum aft_observed {                               /* what an entry shows; `of` says which one */
                    AFT_OBSERVED_CHANNEL,         /* as it has arrived; of: the channel, from 0 */
                    AFT_OBSERVED_INTEGRAL,        /* leaky; of: the channel, from 0 */
                    AFT_OBSERVED_ESTIMATED_DRIFT, /* of: the storey, from 1 */
                    AFT_OBSERVED_ESTIMATED_DRIFT_RATE, /* the same */
                    AFT_OBSERVED_ESTIMATED_STROKE,
                    AFT_OBSERVED_ESTIMATED_STROKE_RATE,
                    AFT_OBSERVED_FORCE,
                    AFT_OBSERVED_FORCE_LIMIT,
                    AFT_OBSERVED_ESTIMATED_PEAK_DRIFT,
                    AFT_OBSERVED_MEASURED_PEAK,
                    AFT_OBSERVED_SINCE_ONSET,
                    AFT_OBSERVED_NOMINAL_FORCE,
};

struct aft_observation_entry {
    enum aft_observed what;
    int of;
    char name[48];    /* "floor_4_acceleration" */
    const char *unit; /* "m/s2"; "1" for shares and ratios */
    float scale;      /* one in the observation is so much of the unit */
    float most;       /* of the entry; 0: no limit */
};

enum { AFT_OBSERVATION_MAX_ENTRIES = 4 * AFT_SENSOR_MAX_CHANNELS + 64 };

struct aft_observation_layout {
    int n; /* the sensors' obs_dim, or their n_channels */
    struct aft_observation_entry entry[AFT_OBSERVATION_MAX_ENTRIES];
    int stroke, stroke_rate; /* places of what the guard goes by */
    int nominal;             /* of the command that an action is added to; -1: none */
};

/* sensors as aft_sensors_assist leaves them. */
void aft_observation_layout(struct aft_observation_layout *layout,
                            const struct aft_sensors *sensors);

/* The sensors' channels in their order, with scale 1. */
void aft_channel_layout(struct aft_observation_layout *layout, const struct aft_sensors *sensors);

#endif
