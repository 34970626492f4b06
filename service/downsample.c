#include "service/downsample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct part {
    bool has_points, has_values;
    bool highest_first; /* which of the two came first */
    double first_x;
    struct aft_point lowest, highest;
};

struct aft_downsample {
    double from, to, parts_per_x;
    int n_parts;
    struct part parts[];
};

struct aft_downsample *aft_downsample_create(double from, double to, int parts)
{
    struct aft_downsample *downsample =
        calloc(1, sizeof *downsample + (size_t)parts * sizeof downsample->parts[0]);
    if (downsample != NULL) {
        downsample->from = from;
        downsample->to = to;
        downsample->n_parts = parts;
        downsample->parts_per_x = to > from ? parts / (to - from) : 0;
    }
    return downsample;
}

void aft_downsample_destroy(struct aft_downsample *downsample)
{
    free(downsample);
}

void aft_downsample_add(struct aft_downsample *downsample, double x, double y)
{
    if (!(x >= downsample->from && x <= downsample->to)) {
        return;
    }
    double place = (x - downsample->from) * downsample->parts_per_x;
    int index = place < downsample->n_parts ? (int)place : downsample->n_parts - 1;
    struct part *part = &downsample->parts[index];
    if (!part->has_points) {
        part->has_points = true;
        part->first_x = x;
    }
    if (!isfinite(y)) {
        return;
    }
    struct aft_point point = {x, y};
    if (!part->has_values) {
        part->has_values = true;
        part->lowest = part->highest = point;
        return;
    }
    if (y < part->lowest.y) {
        part->lowest = point;
        part->highest_first = true; /* for it is older than this one */
    } else if (y > part->highest.y || part->lowest.y == part->highest.y) {
        /* of a part that is constant so far, the ends are kept */
        part->highest = point;
        part->highest_first = false;
    }
}

size_t aft_downsample_points(struct aft_point *points, const struct aft_downsample *downsample)
{
    size_t n = 0;
    for (int i = 0; i < downsample->n_parts; i++) {
        const struct part *part = &downsample->parts[i];
        if (!part->has_points) {
            continue;
        }
        if (!part->has_values) {
            points[n++] = (struct aft_point){part->first_x, (double)NAN};
        } else if (part->lowest.x == part->highest.x && part->lowest.y == part->highest.y) {
            points[n++] = part->lowest;
        } else {
            points[n++] = part->highest_first ? part->highest : part->lowest;
            points[n++] = part->highest_first ? part->lowest : part->highest;
        }
    }
    return n;
}
