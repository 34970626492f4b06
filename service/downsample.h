/*
 * A curve with fewer points that looks the same: the lowest and the highest
 * value of each of equally wide parts, so that no spike is lost. Points may be
 * given in pieces, in any order of x; memory is that of the result.
 */
#ifndef AFT_SERVICE_DOWNSAMPLE_H
#define AFT_SERVICE_DOWNSAMPLE_H

#include "base/error.h"

#include <stddef.h>

struct aft_point {
    double x, y; /* y NaN: a gap */
};

struct aft_downsample;

/* [from, to] is cut into that many parts (at least 1), equally wide; NULL when memory is short.
 * from and to are finite, from <= to. */
struct aft_downsample *aft_downsample_create(double from, double to, int parts);
void aft_downsample_destroy(struct aft_downsample *downsample);

/* Adds a point, whose x is within [from, to]; others are passed over. */
void aft_downsample_add(struct aft_downsample *downsample, double x, double y);

/* Writes at most 2 * parts points, and returns how many: of each part that got points the lowest
 * and the highest in the order in which they came, of a constant part its first and its last, of
 * one with a single value that one, and where none is finite a gap at its first x. */
size_t aft_downsample_points(struct aft_point *points, const struct aft_downsample *downsample);

#endif
